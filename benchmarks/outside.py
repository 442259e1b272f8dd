"""What is timed from outside, as whole processes: starting up, and the command."""

import subprocess
import sys
import tempfile
import time

from .contest import Effort, Figure, Spread, progress
from .peers import OURS, PEERS

STEP = ["-m", "tinygrad_edu", "step", "(x + y) * z", "x=-2", "y=5", "z=-4"]
COMMANDS = {                    # arguments of Python, target in seconds
    'tinygrad-edu step "(x + y) * z" x=-2 y=5 z=-4': (STEP, 0.4),
    "the same with --svg FILE": ([*STEP, "--svg", "graph.svg"], 0.6),
}
BARE = "Python alone"


class Failed(Exception):
    """A process ended badly; the text is the last thing it said."""


def startup_figures(effort: Effort) -> list[Figure]:
    """From nothing to an imported library, and out again; beside that, Python that imports nothing."""
    rows, modules = {BARE: ["-c", "pass"]}, set()
    for name, peer in PEERS.items():
        if peer.package and peer.module not in modules:
            modules.add(peer.module)
            rows[name] = ["-c", f"import {peer.module}"]
    figures = timed("startup", rows, effort)
    for figure in figures:
        if "ModuleNotFoundError" in figure.note:
            figure.note = f"not installed: {PEERS[figure.who].install}"
    return figures


def command_figures(effort: Effort) -> list[Figure]:
    """The whole process of `tinygrad-edu step`, from start to exit."""
    figures = timed("command", {name: arguments for name, (arguments, _) in COMMANDS.items()}, effort)
    for figure, (_, target) in zip(figures, COMMANDS.values()):
        figure.at_most = target
    return figures


def timed(group: str, rows: dict[str, list[str]], effort: Effort) -> list[Figure]:
    """Python with these arguments, in turns; the first run of each warms up the caches of files."""
    figures = {name: Figure(group, name, "s") for name in rows}
    seconds: dict[str, list[float]] = {name: [] for name in rows}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(effort.rounds + 1):
            progress(f"{group}, round {turn} of {effort.rounds}" if turn else f"{group}, warm-up")
            for name, arguments in rows.items():
                try:
                    seconds[name].append(seconds_of(arguments, folder))
                except Failed as failure:
                    figures[name].note = str(failure)
    for name, figure in figures.items():
        if not figure.note:
            figure.amount = Spread.of(seconds[name][1:])
            if group == "startup" and name != OURS and not figures[OURS].note:
                figure.ratio = Spread.of([x / y for x, y in zip(seconds[name][1:], seconds[OURS][1:])])
    return list(figures.values())


def seconds_of(arguments: list[str], folder: str) -> float:
    start = time.perf_counter()
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, errors="replace", cwd=folder)
    if done.returncode:
        raise Failed((done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1])
    return time.perf_counter() - start
