"""The command `python -m benchmarks`: measure everything side by side, and print tables as they come.

It states what was measured and judges nothing: a target stands beside its figure, and no time,
however long, is an error.  Where it is interrupted, what was measured so far stands, and no page
is written.
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tinygrad_edu.files import checked_folder, checked_target

from . import report
from .batch_peers import OLDER_JAX
from .batches import BATCHES
from .compiled import batch_figures, crossover_figures
from .contest import (
    FULL,
    QUICK,
    Effort,
    Figure,
    memory_figures,
    progress,
    scaling_figures,
    script_figures,
    single_figures,
    workload_figures,
)
from .digits import seed_figures
from .outside import command_figures, startup_figures
from .player import player_figures
from .script import code_of
from .workloads import TRAINING, WORKLOADS

Part = Callable[[Effort], list[Figure]]
PARTS: dict[str, Part] = {
    **{name: partial(workload_figures, name) for name in (*WORKLOADS, *TRAINING)}, "single": single_figures,
    **{kind: partial(scaling_figures, kind) for kind in ("chain", "fan")},
    **{f"batch-{name}": partial(batch_figures, name) for name in (*BATCHES, "names")},
    "crossover": crossover_figures, "seeds": seed_figures,
    "memory": memory_figures, "startup": startup_figures, "command": command_figures, "player": player_figures,
}
EXAMPLES = """examples:
  python -m benchmarks --write docs                   all of it, and the page of the site
  python -m benchmarks --quick                        rough figures of everything
  python -m benchmarks --only readme gpt --rounds 15
  python -m benchmarks --only gpt --gpt microgpt.py   a GPT in one file, and the same with our Value
  python -m benchmarks --json figures.json
  python -m benchmarks --from docs/benchmarks.json --write docs

parts: """ + ", ".join(PARTS)
INTERRUPTED = 130                       # the exit code of a program that Ctrl-C ended


def main(arguments: list[str] | None = None) -> None:
    args = parsed(arguments)
    board = args.read or started(args)
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = 160
    console.print(board["machine"], "")
    stopped = False
    try:
        for figures in [board["figures"]] if args.read else measured(board, args):
            show(console, figures)
    except KeyboardInterrupt:
        stopped = True
        progress("stopped: what was measured so far stands, and no page is written")
    show_end(console, board)
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(report.as_json(board), encoding="utf-8")
    if stopped:
        sys.exit(INTERRUPTED)
    if args.write:
        report.write_page(board, args.write)


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measure the speed of tinygrad_edu beside its peers. Run it from the repository root.")
    parser.add_argument("--only", nargs="+", metavar="PART", choices=PARTS, help="these parts (all of them)")
    parser.add_argument("--rounds", type=int, metavar="N", help=f"turns of each peer ({FULL.rounds})")
    parser.add_argument("--quick", action="store_true", help="short turns and small graphs: rough figures")
    parser.add_argument("--gpt", metavar="FILE", type=Path,
                        help="also time this GPT, a script with a class Value, with its own class and with ours")
    parser.add_argument("--jax", metavar="FOLDER", type=Path,
                        help="also time the JAX in this folder, made by pip install --target FOLDER jax==0.4.31")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the figures into this file")
    parser.add_argument("--write", metavar="FOLDER", type=Path, help="also write the page, its plot and its JSON there")
    parser.add_argument("--from", dest="read", metavar="FILE", type=Path, help="measure nothing: take these figures")
    args = parser.parse_args(arguments)
    try:
        check(args)
    except (OSError, ValueError, ModuleNotFoundError) as error:
        parser.error(str(error))
    return args


def check(args: argparse.Namespace) -> None:
    """Refuse, before anything is measured, what would end in an error after it; `--from` becomes a board."""
    if args.rounds is not None and args.rounds < 1:
        raise ValueError(f"--rounds must be at least 1, got {args.rounds}")
    if args.gpt:
        code_of(args.gpt.resolve(), replaced=True)
    if args.jax:
        if not (args.jax / "jax").is_dir():
            raise ValueError(f"--jax {args.jax} has no JAX: pip install --target {args.jax} jax==0.4.31 jaxlib==0.4.31")
        os.environ[OLDER_JAX] = str(args.jax.resolve())
    if args.json:
        checked_target(args.json)
        checked_folder(args.json.parent)
    if args.write:
        checked_folder(args.write)
        report.figure_class()                               # which names matplotlib where that is missing
    if args.read:
        args.read = report.read(args.read)


# ---- measuring --------------------------------------------------------------------------------------------


def effort_of(args: argparse.Namespace) -> Effort:
    effort = QUICK if args.quick else FULL
    rounds = args.rounds or effort.rounds
    return effort._replace(rounds=rounds, few=min(rounds, effort.few))


def started(args: argparse.Namespace) -> report.Board:
    """A board without figures."""
    effort = effort_of(args)
    return {"command": command_of(args), "machine": machine(), "rounds": effort.rounds, "few": effort.few,
            "seconds": {}, "loads": {}, "figures": []}


def measured(board: report.Board, args: argparse.Namespace) -> Iterable[list[Figure]]:
    """The figures of one part after the other, which are also put on the board."""
    parts = {name: PARTS[name] for name in args.only or PARTS}
    if args.gpt:
        parts["script"] = partial(script_figures, args.gpt.resolve())
    effort, usual = effort_of(args), usual_seconds()
    for name, part in parts.items():
        known = board["seconds"] or effort == FULL
        left = time_left(parts, board["seconds"], usual) if known else ""
        progress(f"part {len(board['seconds']) + 1} of {len(parts)}{left}")
        board["loads"][name] = load()
        start = time.perf_counter()
        figures = part(effort)
        board["seconds"][name] = round(time.perf_counter() - start, 1)
        board["figures"] += figures
        yield figures


def usual_seconds() -> dict[str, float]:
    """What each part took when the page of the site was written."""
    return report.from_json((report.DOCS / "benchmarks.json").read_text(encoding="utf-8")).get("seconds", {})


def time_left(parts: Iterable[str], spent: dict[str, float], usual: dict[str, float]) -> str:
    """How long the parts to come take, at the pace of those that are done.

    >>> time_left(["readme", "gpt"], {"readme": 20.0}, {"readme": 10.0, "gpt": 90.0})
    ', about 3 min left'
    >>> time_left(["readme", "gpt"], {}, {})         # nothing is known
    ''
    """
    known = sum(usual.get(name, 0.0) for name in spent)
    pace = sum(spent.values()) / known if known else 1.0
    left = pace * sum(usual.get(name, 0.0) for name in parts if name not in spent)
    return f", about {left / 60:.0f} min left" if left >= 60 else f", about {left:.0f} s left" if left else ""


def command_of(args: argparse.Namespace) -> str:
    """The command that makes such a board into the page; it does not say where files are."""
    words = {"--quick": args.quick, f"--rounds {args.rounds}": args.rounds, "--gpt FILE": args.gpt,
             "--jax FOLDER": args.jax, f"--only {' '.join(args.only or ())}": args.only}
    return " ".join(["python -m benchmarks", *(word for word, given in words.items() if given), "--write docs"])


def machine() -> str:
    """Where the figures come from, in one line."""
    return (f"{platform.python_implementation()} {platform.python_version()} ({platform.python_compiler()}), "
            f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores of {processor()}")


def load() -> float:
    """How many processes of all programs were busy in the last minute; 0 where the system does not tell."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else 0.0


def processor() -> str:
    """The model of the processor, as the system tells it."""
    if sys.platform == "darwin":
        return subprocess.check_output(["sysctl", "-n", "machdep.cpu.brand_string"], text=True).strip()
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        told = []
    models = [line.partition(":")[2].strip() for line in told if line.startswith("model name")]
    return models[0] if models else platform.processor() or "a processor that the system does not name"


# ---- showing ----------------------------------------------------------------------------------------------


def show(console: Console, figures: list[Figure]) -> None:
    for group, members in report.grouped(figures):
        console.print(table(report.title(group), *report.tabled(members)), "")


def show_end(console: Console, board: report.Board) -> None:
    """The load, the versions of what took part, and the targets."""
    console.print(report.loads(board))
    versions = {name: report.version_of(name, board["figures"]) for name in report.EVERYONE}
    console.print("; ".join(name + version for name, version in versions.items() if version))
    rows = report.targets(board["figures"])
    if rows:
        console.print("", table("targets", report.TARGET_HEAD, rows))


def table(title, head, rows) -> Table:
    made = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in head:
        made.add_column(column, justify="left" if column in ("what", "by", "note", "") else "right")
    for cells in rows:
        made.add_row(*cells)
    return made


if __name__ == "__main__":
    main()
