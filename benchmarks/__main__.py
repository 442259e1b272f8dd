"""The command `python -m benchmarks`: measure everything, print one table.

It states what was measured and judges nothing: a target stands beside its figure, and no time,
however long, is an error.
"""

import argparse
import json
import os
import platform
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from .figures import GRAPHS, OPERATIONS, ROUNDS, RUNS, Figure, command_figures, graph_figures
from .player import player_figures

EXAMPLES = """examples:
  python -m benchmarks
  python -m benchmarks --json figures.json"""


def main() -> None:
    args = arguments()
    figures = graph_figures() + command_figures() + player_figures()
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = 140
    console.print(f"{machine()}\n")
    console.print(table(figures))
    if args.json:
        args.json.write_text(as_json(figures), encoding="utf-8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measure the speed of tinygrad_edu beside its peers. Run it from the repository root.")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the figures into this file")
    return parser.parse_args()


def machine() -> str:
    """Where the figures come from, in one line."""
    return (f"{platform.python_implementation()} {platform.python_version()}, "
            f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores")


def table(figures: list[Figure]) -> Table:
    made = Table("measured", "by", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in "median", "spread", "target":
        made.add_column(title, justify="right")
    made.add_column("note")
    for figure in figures:
        spread = f"{written(figure.low)} to {written(figure.high, figure.unit)}" if figure.low is not None else ""
        made.add_row(figure.what, figure.who, written(figure.median, figure.unit), spread,
                     written(figure.target, figure.unit), figure.note)
    return made


def written(x: float | None, unit: str = "") -> str:
    """Three digits and the unit.

    >>> written(16.372, "ms"), written(0.4, "s"), written(None)
    ('16.4 ms', '0.400 s', '')
    """
    return "" if x is None else f"{x:#.3g} {unit}".strip()


def as_json(figures: list[Figure]) -> str:
    how = {"operations": OPERATIONS, "graphs": GRAPHS, "rounds": ROUNDS, "runs": RUNS}
    return json.dumps({"machine": machine(), **how, "figures": [asdict(figure) for figure in figures]}, indent=2) + "\n"


if __name__ == "__main__":
    main()
