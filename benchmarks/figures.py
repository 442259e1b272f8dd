"""Runs the processes that are timed, and sums up what they say.

Everything here is measured from outside, in fresh processes and in turns, so that a slow moment
of the machine falls on all sides alike.
"""

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from .graph import ENGINES, GRAPHS, OPERATIONS, same_results

ROUNDS = 5
RUNS = 7
OURS = "tinygrad_edu"
WORKER = Path(__file__).with_name("graph.py")
STEP = ["-m", "tinygrad_edu", "step", "(x + y) * z", "x=-2", "y=5", "z=-4"]
COMMANDS = {                    # arguments of Python, target in seconds
    'tinygrad-edu step "(x + y) * z" x=-2 y=5 z=-4': (STEP, 0.4),
    "the same with --svg FILE": ([*STEP, "--svg", "graph.svg"], 0.6),
}


@dataclass
class Figure:
    """One row of the table; a note says why there is no number, or what is wrong with it."""

    what: str
    who: str
    unit: str
    median: float | None = None
    low: float | None = None            # the lowest and the highest median of a round
    high: float | None = None
    target: float | None = None
    note: str = ""

    def summing_up(self, rounds: list[list[float]]) -> "Figure":
        """The figure with its numbers filled in from the samples of each round."""
        medians = [median(samples) for samples in rounds]
        self.median = median([x for samples in rounds for x in samples])
        self.low, self.high = min(medians), max(medians)
        return self


class Failed(Exception):
    """A process ended badly; the text is the last thing it said."""


def output_of(arguments: list[str], folder: str | None = None) -> str:
    """What Python prints when it is run with these arguments."""
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, errors="replace", cwd=folder)
    if done.returncode:
        raise Failed((done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1])
    return done.stdout


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# ---- forward and backward -----------------------------------------------------------------------------


def graph_figures() -> list[Figure]:
    """Forward and backward of a large graph, by every engine, and how they compare."""
    what = f"forward + backward, {OPERATIONS:,} operations"
    outputs, notes = engine_outputs()
    figures = []
    for name in ENGINES:
        if name in notes:
            figures.append(Figure(what, name, "ms", note=notes[name]))
            continue
        milliseconds = [[1000 * x for x in output["seconds"]] for output in outputs[name]]
        who = f"{name} {outputs[name][0]['version']}"
        figures.append(Figure(what, who, "ms").summing_up(milliseconds))
    if OURS not in notes:
        peers = [name for name in ENGINES if name != OURS and name not in notes]
        figures += [ratio(name, outputs[name], outputs[OURS]) for name in peers]
    return figures


def engine_outputs() -> tuple[dict[str, list[dict]], dict[str, str]]:
    """What the process of each engine printed in each round, and why an engine did not run."""
    outputs: dict[str, list[dict]] = {name: [] for name in ENGINES}
    notes: dict[str, str] = {}
    for turn in range(ROUNDS):
        for name in list(ENGINES)[::-1 if turn % 2 else 1]:         # who goes first alternates
            if name in notes:
                continue
            progress(f"round {turn + 1} of {ROUNDS}: {GRAPHS} graphs with {name}")
            try:
                outputs[name].append(json.loads(output_of(["-P", str(WORKER), name])))
            except Failed as failure:
                notes[name] = str(failure)
    return outputs, notes


def ratio(name: str, theirs: list[dict], ours: list[dict]) -> Figure:
    """How many times our time they take, round by round."""
    ratios = [median(their["seconds"]) / median(our["seconds"]) for their, our in zip(theirs, ours)]
    figure = Figure("the same, ratio of times", f"{name} / {OURS}", "x").summing_up([[x] for x in ratios])
    if not same_results(theirs[0], ours[0]):
        figure.note = "their results differ"
    return figure


# ---- the command ---------------------------------------------------------------------------------------


def command_figures() -> list[Figure]:
    """The whole process of `tinygrad-edu step`, from start to exit."""
    figures = {name: Figure(name, "whole process", "s", target=target) for name, (_, target) in COMMANDS.items()}
    seconds: dict[str, list[list[float]]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as folder:
        for run in range(RUNS + 1):                                 # the first fills the caches of files
            progress(f"command, run {run} of {RUNS}" if run else "command, warm-up")
            for name, (arguments, _) in COMMANDS.items():
                try:
                    seconds[name].append([seconds_of(arguments, folder)])
                except Failed as failure:
                    figures[name].note = str(failure)
    return [figure if figure.note else figure.summing_up(seconds[name][1:]) for name, figure in figures.items()]


def seconds_of(arguments: list[str], folder: str) -> float:
    start = time.perf_counter()
    output_of(arguments, folder)
    return time.perf_counter() - start
