"""Builds all that is published: `python docs/build.py` puts the site, the playground and the lab into one folder.

It needs `pip install ".[docs,playground,lab]"`, npm, and a network the first time.  Any static host serves the folder.
"""

import argparse
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent


def main(arguments: list[str] | None = None) -> int:
    """Build all; the exit code of the first command that fails, 0 if none does, 2 for a wrong command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0],
                                     epilog="Then: python -m http.server -d FOLDER")
    parser.add_argument("--out", type=Path, metavar="FOLDER", default=DOCS / "_build" / "html",
                        help="where it is written")
    for command in commands(parser.parse_args(arguments).out):
        code = subprocess.run([sys.executable, *command]).returncode
        if code:
            print(f"build.py: failed at python {' '.join(command)}", file=sys.stderr)
            return code
    return 0


def commands(out: Path) -> list[list[str]]:
    """What Python is called with, one after the other.  The lessons tab of the playground links the other two."""
    playground = [str(DOCS / "playground" / "build.py"), "--out", str(out / "playground"),
                  "--lab", "../lab/", "--site", "../"]
    return [["-m", "sphinx", "-W", "--keep-going", str(DOCS), str(out)],
            playground, [*playground, "--one-file"],
            [str(DOCS / "lab" / "build.py"), "--out", str(out / "lab")]]


if __name__ == "__main__":
    raise SystemExit(main())
