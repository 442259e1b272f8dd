"""The command `playground`: opens the page in which one types without an install, where it was built."""

import argparse
import webbrowser
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BUILT = Path("docs", "_build", "playground", "playground.html")
BUILD = "python docs/playground/build.py --one-file"
EXAMPLES = f"""examples:
  {BUILD}       builds it, in a checkout
  tinygrad-edu playground                               opens it in the browser
  tinygrad-edu playground --file playground.html        opens one that lies elsewhere"""


def add_commands(command: Any) -> None:
    """Enter the command; `command(name, run, help, examples)` gives the function that adds an argument."""
    add = command("playground", run_playground, "Open the playground: the page that needs no install.", EXAMPLES)
    add("--file", metavar="FILE", type=Path, help=f"where it is (default: {BUILT.as_posix()} of this checkout)")


def run_playground(args: argparse.Namespace) -> None:
    """Open the one-file page, and say where it is; RuntimeError where it was not built."""
    path = args.file or ROOT / BUILT
    if not path.is_file():
        raise RuntimeError(why_missing(args.file))
    print(path)
    if not webbrowser.open(path.resolve().as_uri()):
        raise RuntimeError("no browser could be started here: open the file above in one")


def why_missing(given: Path | None) -> str:
    """What is said where there is no such page, with what to do."""
    if given:
        return f"there is no file {given}: {BUILD} writes one, in a checkout"
    if (ROOT / "docs" / "playground" / "build.py").is_file():
        return f"the playground was not built yet: {BUILD}"
    return f"the playground is not a part of the installed package: get the source, and there {BUILD}"
