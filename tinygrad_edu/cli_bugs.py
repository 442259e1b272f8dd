"""The command `bugs`: the bug models, and what each of them gives."""

import argparse
from typing import Any

EXAMPLES = """examples:
  tinygrad-edu bugs                 the list
  tinygrad-edu bugs engine          those of one kind: engine, optimizer, training or layer
  tinygrad-edu bugs accumulate      one of them: its smallest graph, right and wrong numbers, and the wrong line"""


def add_commands(command: Any) -> None:
    """Enter the commands; `command(name, run, help, examples)` gives the function that adds an argument."""
    add = command("bugs", run_bugs, "List the mistakes that beginners make in such engines, or show one.", EXAMPLES)
    add("name", nargs="?", default="", metavar="NAME", help="a bug, or a kind of bugs (default: all)")


def run_bugs(args: argparse.Namespace) -> None:
    """Print the list, or one bug."""
    from .classroom.faults.models import MODELS, bugs, model_named
    kinds = {model.kind for model in MODELS.values()}
    print(bugs(args.name) if args.name in ("", *kinds) else model_named(args.name))
