"""The notebooks in the browser: JupyterLite, made of local files only, for any static host.

`python docs/lab/build.py --out FOLDER` needs `pip install ".[lab]"` and npm.  It fetches Pyodide, the same as for the
playground, and the wheels of `wheels.txt`, all known by their hashes; what it builds asks no other host for anything.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from email.parser import Parser
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import ZipFile

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "docs" / "playground")]

from components import PYODIDE, BuildError, fetched  # noqa: E402
from pieces import own_wheel  # noqa: E402
from within_reach import for_the_browser  # noqa: E402

NOTEBOOKS = ROOT / "notebooks"
BUILT = ROOT / "docs" / "_build"
DOWNLOADS = BUILT / "downloads"
OWN = "tinygrad_edu-0-py3-none-any.whl"         # what is in it says its version
KERNEL = Path("extensions", "@jupyterlite", "pyodide-kernel-extension")
PARTS = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
ENVIRONMENT = {"sys_platform": "emscripten", "platform_system": "Emscripten", "os_name": "posix", "extra": "",
               "python_version": "3.14", "python_full_version": "3.14.2", "implementation_name": "cpython"}
PURE = ("--no-deps", "--only-binary", ":all:", "--platform", "any", "--python-version", "3.14",
        "--implementation", "py", "--abi", "none")


def main(arguments: list[str] | None = None) -> int:
    """Build the lab; 1 where something is missing, 2 for a wrong command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0],
                                     epilog="Then: python -m http.server -d FOLDER")
    parser.add_argument("--out", type=Path, metavar="FOLDER", default=BUILT / "lab", help="where it is written")
    options = parser.parse_args(arguments)
    try:
        build(options.out.resolve())
    except BuildError as error:
        print(f"build.py: {error}", file=sys.stderr)
        return 1
    print(f"{options.out}: {size(options.out) / 1e6:.1f} MB")
    return 0


def build(out: Path) -> None:
    """Put the lab into a folder, which is replaced; BuildError where something is missing."""
    with tempfile.TemporaryDirectory() as temporary:
        lite = Path(temporary)
        put_pyodide(lite / "static" / "pyodide")
        put_notebooks(lite / "notebooks")
        shutil.copy(HERE / "jupyter-lite.json", lite)
        run("jupyterlite_core", "build", "--lite-dir", str(lite), "--contents", str(lite / "notebooks"),
            "--output-dir", str(lite / "out"), "--no-sourcemaps", "--apps", "notebooks", "--apps", "lab",
            "--apps", "tree", cwd=lite)
        if not (lite / "out" / KERNEL).is_dir():        # which JupyterLite leaves out without a word
            raise BuildError('the lab would have no Python: pip install ".[lab]", into the environment of this one')
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(lite / "out", out)


def run(module: str, *arguments: str, cwd: Path) -> None:
    """Run a module of Python; BuildError, with what it said last, where it fails."""
    done = subprocess.run([sys.executable, "-m", module, *arguments], cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-5:])
        raise BuildError(f'{module} failed: pip install ".[lab]", and is there a network?\n{said}')


def size(folder: Path) -> int:
    """Bytes of all the files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


# ---- Python ----------------------------------------------------------------------------------------------


def put_pyodide(folder: Path) -> None:
    """Pyodide's core, the wheels, and the lock that lists them: `import` loads a package that is in the lock."""
    folder.mkdir(parents=True)
    with tarfile.open(fetched(PYODIDE, DOWNLOADS)) as packed:
        for part in PARTS:
            (folder / part).write_bytes(packed.extractfile(f"package/{part}").read())       # type: ignore[union-attr]
        told = json.load(packed.extractfile("package/pyodide-lock.json"))                   # type: ignore[arg-type]
    run("pip", "download", "--require-hashes", *PURE, "--requirement", str(HERE / "wheels.txt"), "--dest", str(folder),
        cwd=folder)
    (folder / OWN).write_bytes(own_wheel(DOWNLOADS))
    entries = lock(told["info"], sorted(folder.glob("*.whl")))
    (folder / "pyodide-lock.json").write_text(json.dumps(entries, indent=1), encoding="utf-8")


def lock(info: dict[str, str], wheels: list[Path]) -> dict[str, Any]:
    """What Pyodide reads to find a package: its file, its hash, what it needs, and what it lets one import.

    Raises BuildError for a wheel that needs one which is not among them.
    """
    packages = {entry["name"]: entry for entry in map(locked, wheels)}
    for name, entry in packages.items():
        missing = set(entry["depends"]) - set(packages)
        if missing:
            raise BuildError(f"{name} needs {', '.join(sorted(missing))}: enter it into {HERE / 'wheels.txt'}")
    return {"info": info, "packages": packages}


def locked(wheel: Path) -> dict[str, Any]:
    """A wheel's entry in the lock."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name
    with ZipFile(wheel) as archive:
        [metadata] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        told = Parser().parsestr(archive.read(metadata).decode())
        top = {name.split("/")[0].removesuffix(".py") for name in archive.namelist()
               if name.endswith(".py") and ".data/" not in name}
    needed = map(Requirement, told.get_all("Requires-Dist", []))
    depends = {canonicalize_name(need.name) for need in needed if not need.marker or need.marker.evaluate(ENVIRONMENT)}
    return {"name": canonicalize_name(told["Name"]), "version": told["Version"], "file_name": wheel.name,
            "sha256": sha256(wheel.read_bytes()).hexdigest(), "depends": sorted(depends), "imports": sorted(top),
            "install_dir": "site", "package_type": "package", "unvendored_tests": False}


# ---- notebooks -------------------------------------------------------------------------------------------


def put_notebooks(folder: Path) -> None:
    """The course, then the notebooks beside the lectures, without what they show; cells out of reach say so."""
    for path in [*NOTEBOOKS.glob("course/*.ipynb"), *NOTEBOOKS.glob("*.ipynb")]:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        target = folder / path.relative_to(NOTEBOOKS)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(for_the_browser(notebook), ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
