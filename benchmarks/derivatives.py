"""How right derivatives of orders 1 to 4 are, beside those of version 0.1.0.

`python -m benchmarks.derivatives --write docs/accuracy.md` writes its tables into that page, between MARKS.  The points
and the judge are those of tests/derivatives.py; what version 0.1.0 gave at the same points is kept as counts, in
derivatives_0.1.0.json.
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from derivatives import CLASSES, ORDERS, cases, counted, in_letters, judged

from .marks import with_table

MARKS = "<!-- derivatives -->\n", "<!-- end of derivatives -->\n"
Counts = dict[str, dict[int, Counter]]          # {case: {order: how many derivatives of each letter}}
BEFORE = Path(__file__).with_name("derivatives_0.1.0.json")


def measured() -> Counts:
    """Of all cases at all points: some minutes."""
    found = {}
    for name in cases():
        print(name, file=sys.stderr, flush=True)
        found[name] = counted(judged(name))
    return found


def before() -> Counts:
    """The same of version 0.1.0."""
    kept = json.loads(BEFORE.read_text(encoding="utf-8"))
    return {name: dict(zip(ORDERS, map(Counter, counts))) for name, counts in kept.items()}


def tables(now: Counts) -> str:
    """The totals, and a line for each function and order of which not all derivatives have their digits."""
    earlier = before()
    lines = ["| order | derivatives | 0.1.0 | now |", "|---:|---:|---|---|"]
    for n in ORDERS:
        theirs, ours = (sum((of[name][n] for name in now if name in earlier), Counter()) for of in (earlier, now))
        lines.append(f"| {n} | {sum(ours.values()):,} | {in_letters(theirs)} | {in_letters(ours)} |")
    lines += ["", "| order | function | 0.1.0 | now |", "|---:|---|---|---|"]
    for name, counts in now.items():
        for n in ORDERS:
            both = [in_letters(of[n]) if of else "–" for of in (earlier.get(name), counts)]
            if any(set(of[n]) & {*CLASSES} - {"A"} for of in (earlier.get(name), counts) if of):
                lines.append(f"| {n} | `{name}` | {' | '.join(both)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.derivatives", description=(
        "Judge derivatives of orders 1 to 4 against power series, beside those of version 0.1.0."))
    parser.add_argument("--write", metavar="FILE", type=Path, help="write them into that page instead of printing them")
    args = parser.parse_args()
    written = tables(measured())
    if args.write:
        page = args.write.read_text(encoding="utf-8")
        args.write.write_text(with_table(page, MARKS, written), encoding="utf-8", newline="\n")
    else:
        print(written)


if __name__ == "__main__":
    main()
