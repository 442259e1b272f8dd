"""The command `python -m benchmarks`: measure everything side by side, and print tables.

It states what was measured and judges nothing: a target stands beside its figure, and no time,
however long, is an error.
"""

import argparse
import os
import platform
from collections.abc import Callable
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from . import report
from .contest import FULL, QUICK, Effort, Figure, memory_figures, scaling_figures, workload_figures
from .outside import command_figures, startup_figures
from .peers import OURS
from .player import player_figures
from .workloads import WORKLOADS

PARTS: dict[str, Callable[[Effort], list[Figure]]] = {
    **{name: partial(workload_figures, name) for name in WORKLOADS},
    **{kind: partial(scaling_figures, kind) for kind in ("chain", "fan")},
    "memory": memory_figures, "startup": startup_figures, "command": command_figures, "player": player_figures,
}
EXAMPLES = """examples:
  python -m benchmarks --quick                        rough figures of everything
  python -m benchmarks --only readme gpt --rounds 15
  python -m benchmarks --json figures.json
  python -m benchmarks --write docs                   all of it, and the page of the site
  python -m benchmarks --from docs/benchmarks.json --write docs

parts: """ + ", ".join(PARTS)


def main(arguments: list[str] | None = None) -> None:
    args = parsed(arguments)
    board = report.from_json(args.read.read_text(encoding="utf-8")) if args.read else measured(args)
    show(board)
    if args.json:
        args.json.write_text(report.as_json(board), encoding="utf-8")
    if args.write:
        report.write_page(board, args.write)


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measure the speed of tinygrad_edu beside its peers. Run it from the repository root.")
    parser.add_argument("--only", nargs="+", metavar="PART", choices=PARTS, help="these parts (all of them)")
    parser.add_argument("--rounds", type=int, metavar="N", help=f"turns of each peer ({FULL.rounds})")
    parser.add_argument("--quick", action="store_true", help="short turns and small graphs: rough figures")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the figures into this file")
    parser.add_argument("--write", metavar="FOLDER", type=Path, help="also write the page, its plot and its JSON there")
    parser.add_argument("--from", dest="read", metavar="FILE", type=Path, help="measure nothing: take these figures")
    args = parser.parse_args(arguments)
    if args.rounds is not None and args.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {args.rounds}")
    return args


def measured(args: argparse.Namespace) -> report.Board:
    effort = QUICK if args.quick else FULL
    effort = effort._replace(rounds=args.rounds or effort.rounds)
    figures = [figure for name in args.only or PARTS for figure in PARTS[name](effort)]
    return {"machine": machine(), "rounds": effort.rounds, "quick": args.quick, "figures": figures}


def machine() -> str:
    """Where the figures come from, in one line."""
    return (f"{platform.python_implementation()} {platform.python_version()}, "
            f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores")


def show(board: report.Board) -> None:
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = 160
    console.print(f"{board['machine']}\n{OURS}{report.version_of(OURS, board['figures'])}\n")
    for group, figures in report.grouped(board["figures"]):
        console.print(table(report.title(group), report.HEAD, map(report.row, figures)), "")
    rows = report.targets(board["figures"])
    if rows:
        console.print(table("targets", report.TARGET_HEAD, rows))


def table(title, head, rows) -> Table:
    made = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in head:
        made.add_column(column, justify="left" if column in ("what", "by", "note", "") else "right")
    for cells in rows:
        made.add_row(*cells)
    return made


if __name__ == "__main__":
    main()
