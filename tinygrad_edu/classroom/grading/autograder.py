"""A zip for Gradescope: this package as a wheel of Python files, and the two scripts that Gradescope runs.

Nothing is downloaded where the zip is built into an autograder, but a newer Python where the system's is too old.
"""

import base64
import hashlib
import io
import shlex
import zipfile
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2]
LEFT_OUT = (".so", ".pyd", ".pyc", ".pyx", ".h", ".c")      # what was built for one machine, and what it was built from
FIRST_DAY = (1980, 1, 1, 0, 0, 0)                           # of every file in the zip, so that the bytes are the same
SETUP = """\
#!/usr/bin/env bash
# Gradescope runs this once, when the autograder is built. What submissions import, such as NumPy, is installed here:
# add a line such as   "$(find_python)" -m pip install numpy   at the end.
set -euo pipefail
export PIP_BREAK_SYSTEM_PACKAGES=1
root="${AUTOGRADER:-/autograder}"

find_python() {
    for name in python3.15 python3.14 python3.13 python3.12 python3.11 python3; do
        if command -v "$name" > /dev/null && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
            command -v "$name"
            return
        fi
    done
    return 1
}

find_python > /dev/null || { apt-get update && apt-get install -y python3.11 python3-pip; }
"$(find_python)" -m zipfile -e "$root"/source/tinygrad_edu-*.whl "$root/packages"
find_python > "$root/python"
"""
NUMPY = '"$(find_python)" -m pip install numpy\n'
RUN = """\
#!/usr/bin/env bash
# Gradescope runs this for every submission. The numbers of the checks depend on who hands in.
root="${AUTOGRADER:-/autograder}"
python="$(cat "$root/python")"
export PYTHONPATH="$root/packages" PYTHONDONTWRITEBYTECODE=1
mkdir -p "$root/results"
students="$("$python" -c 'import json, sys
users = json.load(open(sys.argv[1]))["users"]
print(*sorted(user["id"] for user in users), sep="+")' "$root/submission_metadata.json")"
"$python" -P -m tinygrad_edu @COMMAND@ "$root/submission/"@FILE@ @OPTIONS@ \\
    --seed "$students" --gradescope "$root/results/results.json"
test -s "$root/results/results.json"
"""


def gradescope_zip(command: str, file: str, options: Sequence[str], adapter: bytes | None = None) -> bytes:
    """The zip to upload: it runs a command on the file of each submission.

    command    such as "grade"
    file       what students hand in, such as "engine.py" or "engine.py:Value"
    options    further words of the command
    adapter    the content of an adapter file

    Raises ValueError where this package is not installed, since its metadata are missing then.
    """
    name, wheel = pure_wheel()
    words = shlex.join(options) + (' --adapter "$root/source/adapter.py"' if adapter is not None else "")
    run = RUN.replace("@COMMAND@", command).replace("@FILE@", shlex.quote(file)).replace("@OPTIONS@", words)
    setup = SETUP + NUMPY * (command != "grade")                        # layers and optimizers are written in it
    files = {"setup.sh": setup.encode(), "run_autograder": run.encode(), name: wheel}
    return zipped(files | ({"adapter.py": adapter} if adapter is not None else {}))


def pure_wheel() -> tuple[str, bytes]:
    """(name, content) of a wheel of this package that runs everywhere: without its compiled parts.

    >>> name, content = pure_wheel()
    >>> name.endswith("-py3-none-any.whl"), content == pure_wheel()[1]
    (True, True)
    """
    try:
        installed = distribution("tinygrad-edu")
    except PackageNotFoundError:
        raise ValueError("tinygrad-edu is not installed here, so there is no wheel to put into the zip: "
                         "pip install it first") from None
    about = f"tinygrad_edu-{installed.version}.dist-info"
    files = package_files() | {
        f"{about}/METADATA": (installed.read_text("METADATA") or "").encode(),
        f"{about}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tinygrad-edu\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/entry_points.txt": (installed.read_text("entry_points.txt") or "").encode()}
    rows = [f"{name},sha256={digest(content)},{len(content)}" for name, content in files.items()]
    files[f"{about}/RECORD"] = "\n".join([*rows, f"{about}/RECORD,,", ""]).encode()
    return f"tinygrad_edu-{installed.version}-py3-none-any.whl", zipped(files)


def package_files() -> dict[str, bytes]:
    """{path in the wheel: content} of every file of the package that runs on any machine."""
    paths = sorted(path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix not in LEFT_OUT)
    return {path.relative_to(PACKAGE.parent).as_posix(): path.read_bytes() for path in paths}


def digest(content: bytes) -> str:
    """The checksum of a file as the list of a wheel has it."""
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip of files; scripts, which have no ending or are called *.sh, may be run."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, FIRST_DAY)
            entry.create_system = 3                                         # Unix, also where Windows makes the zip
            entry.external_attr = (0o755 if Path(name).suffix in ("", ".sh") else 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return made.getvalue()
