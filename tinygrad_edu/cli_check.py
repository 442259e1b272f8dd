"""The command `check`: judge worked steps, by hand, by another engine, or by a chatbot.

Exit codes: 0 all is right, 1 something is wrong, 2 something is not understood.
"""

import argparse
import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from .cli_expression import graph_of, prints_unicode
from .engine.number import printable

MOST_BYTES = 10_000_000
EXAMPLES = """examples:
  tinygrad-edu check steps.md
  tinygrad-edu check answer.txt "(x + y) * z" x=-2 y=5 z=-4     what was asked
  tinygrad-edu check answer.txt --of x,y     only these gradients were asked for
  tinygrad-edu step "(x + y) * z" x=-2 y=5 z=-4 --json | tinygrad-edu check -"""


def add_commands(command: Any) -> None:
    """Enter the commands; `command(name, run, help, examples)` gives the function that adds an argument."""
    add = command("check", run_check, "Judge worked steps: find the first wrong line, and say what is wrong.", EXAMPLES)
    add("file", metavar="FILE", help="text as people write it, a table in Markdown, or JSON; - is what is piped in")
    add("expression", metavar="EXPR", nargs="?", default="", help="what was asked; else the steps say it themselves")
    add("values", metavar="name=value", nargs="*", default=[], help="a number for each of its names")
    add("--of", metavar="NAMES", default="", help="whose gradients are asked for (default: all)")
    add("--json", action="store_true", help="print the verdict on every line as JSON")


def run_check(args: argparse.Namespace) -> int:
    """Print what is said of the steps; returns the exit code."""
    from .classroom.worked.check import check_steps
    args.literal, args.names = False, "auto"
    task = graph_of(args).order[-1] if args.expression else None
    report = check_steps(text_of(args.file), task, of=[name.strip() for name in args.of.split(",") if name.strip()])
    if args.json:
        print(json.dumps(report.as_dict(), ensure_ascii=not prints_unicode(), indent=2))
    else:
        print("\n".join(map(printable, str(report).split("\n"))))
    return report.exit_code


def text_of(name: str) -> str:
    """The text of a file, or what is piped in; ValueError where there is none: 1 would say that the steps are wrong."""
    try:
        with nullcontext(sys.stdin.buffer) if name == "-" else Path(name).open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise ValueError(f"{name} has more than {MOST_BYTES:,} bytes: that is more than worked steps")
        return data.decode("utf-8-sig")
    except OSError as error:
        raise ValueError(f"{name}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{name} is no text in UTF-8: save it as text first") from None
