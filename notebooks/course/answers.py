"""The key to the lessons: `python notebooks/course/answers.py` prints the solution of every exercise.

Name lessons to see these alone: `python notebooks/course/answers.py 2_backward 4_learning`.
"""

import argparse
import json
import os
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def main(arguments: list[str] | None = None) -> int:
    """Print the key; 2 if there is no such lesson."""
    lessons = {path.stem: path for path in sorted(FOLDER.glob("*.ipynb"))}
    parser = argparse.ArgumentParser(description="Print the solutions of the lessons.")
    parser.add_argument("lessons", nargs="*", help=f"of {', '.join(lessons)}; all if none is given")
    wanted = parser.parse_args(arguments).lessons
    for name in wanted:
        if name not in lessons:
            parser.error(f"no lesson is called {name!r}: there are {', '.join(lessons)}")
    try:
        print("\n\n".join(text for name in wanted or lessons for text in key(lessons[name])), flush=True)
    except BrokenPipeError:                                 # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def key(path: Path) -> Iterator[str]:
    """The title of a lesson, then its solutions and the mistakes that its hints know."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    yield f"{path.stem}: {''.join(cells[0]['source']).splitlines()[0].lstrip('# ')}"
    asked = [cell["metadata"] for cell in cells if "solution" in cell["metadata"]]
    for number, cell in enumerate(asked, 1):
        count = len(cell["mistakes"])
        known = f"with hints for {count} mistake{'s' if count != 1 else ''}"
        yield f"  {number}. {cell['exercise']}, {known}\n\n{textwrap.indent(cell['solution'], ' ' * 6)}"


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")        # a pipe on Windows has no ★
    sys.exit(main())
