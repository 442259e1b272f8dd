"""Do the notebooks still show what their code gives today?

`python notebooks/check.py` runs every notebook of this folder, and those of the course, in a fresh kernel and
compares all it shows, text and pictures, with what is stored; `--write` stores the fresh outputs.
"""

import argparse
import difflib
import json
import os
import sys
import sysconfig
import tempfile
import textwrap
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent
METADATA = {                                    # nothing of the machine, not even its version of Python
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
SECONDS = 120                                   # that one cell may take
LINES, LETTERS = 12, 150                        # of a diff that is printed


def main(arguments: list[str] | None = None) -> int:
    """Check or write the notebooks; 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description="Compare the stored outputs of notebooks with fresh ones.")
    parser.add_argument("notebooks", nargs="*", type=Path, help="the notebooks; all if none is given")
    parser.add_argument("--write", action="store_true", help="store the fresh outputs")
    options = parser.parse_args(arguments)
    wrong = False
    for path in options.notebooks or notebooks():
        found = write(path) if options.write else differences(path)
        print(f"{path.name}: {'wrong' if found else 'written' if options.write else 'as stored'}")
        for text in found:
            print(textwrap.indent(text, "  "))
        wrong = wrong or bool(found)
    return int(wrong)


def notebooks() -> list[Path]:
    """The notebooks beside the lectures, and the lessons of the course; no copies that Jupyter keeps."""
    return [*sorted(FOLDER.glob("*.ipynb")), *sorted((FOLDER / "course").glob("*.ipynb"))]


def differences(path: Path) -> list[str]:
    """What is wrong with a notebook, a text for each cell; nothing is changed."""
    stored, new = path.read_text(encoding="utf-8"), as_text(executed(path))
    before, after = json.loads(stored)["cells"], json.loads(new)["cells"]
    found = unwanted(after)
    for i, (old, fresh) in enumerate(zip(before, after)):
        if fresh["cell_type"] == "code" and old["outputs"] != fresh["outputs"]:
            found.append(f"{name(fresh, i)}: the output differs\n{short_diff(old['outputs'], fresh['outputs'])}")
    if stored != new and not found:
        found.append("the outputs are the same, but the file is not as --write leaves it (metadata, counts, layout)")
    return found


def write(path: Path) -> list[str]:
    """Store the fresh outputs, unless they are such as no notebook may hold: those are returned."""
    text = as_text(executed(path))
    found = unwanted(json.loads(text)["cells"])
    if not found:
        path.write_text(text, encoding="utf-8", newline="\n")
    return found


# ---- running ---------------------------------------------------------------------------------------


def executed(path: Path) -> Any:
    """The notebook with fresh outputs and nothing in it that changes from run to run."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    # No kernel of the user's is looked for: the one of this very Python is left.
    kernels = KernelSpecManager(kernel_dirs=[], ensure_native_kernel=True)
    manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=kernels)
    client = NotebookClient(notebook, km=manager, timeout=SECONDS, allow_errors=True, record_timing=False,
                            coalesce_streams=True, extra_arguments=["--log-level=ERROR"])
    with tempfile.TemporaryDirectory() as settings:         # nor any settings and startup files
        client.execute(cleanup_kc=True, cwd=str(path.resolve().parent), env={**os.environ, "IPYTHONDIR": settings})
    tidy(notebook)
    return notebook


def tidy(notebook: Any) -> None:
    """Number the code cells 1 to n; cut tracebacks, which hold paths, to their last line."""
    notebook.metadata = nbformat.from_dict(METADATA)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, 1):
        cell.execution_count = number
        cell.metadata.pop("execution", None)
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = number
            if output.output_type == "error":
                output.traceback = [f"{output.ename}: {output.evalue}"]


def as_text(notebook: Any) -> str:
    """The notebook as it stands in its file."""
    return nbformat.writes(notebook).rstrip("\n") + "\n"


# ---- judging ---------------------------------------------------------------------------------------


def unwanted(cells: list[dict]) -> list[str]:
    """What no notebook may hold: errors that are not announced, warnings, paths of this machine."""
    found = []
    for i, cell in enumerate(cells):
        announced = "raises-exception" in cell["metadata"].get("tags", ())
        for output in cell.get("outputs", ()):
            if output["output_type"] == "error" and not announced:
                found.append(f"{name(cell, i)}: raises {output['ename']}: {output['evalue']}")
            if output.get("name") == "stderr":
                found.append(f"{name(cell, i)}: writes to stderr: {''.join(output['text']).strip()}")
        text = json.dumps(cell, ensure_ascii=False).replace("\\", "")        # Windows' are doubled, once or twice
        held = [place for place in places() if place.replace("\\", "") in text]
        if held:
            found.append(f"{name(cell, i)}: holds a path of this machine: {max(held, key=len)}")
    return found


def places() -> list[str]:
    """Folders that are this machine's and nobody else's."""
    folders = {FOLDER.parent, Path.home(), Path(sysconfig.get_path("purelib")), Path(tempfile.gettempdir())}
    return [str(folder) for folder in folders if folder.name]


def name(cell: dict, i: int) -> str:
    return f"cell {cell.get('id', '')} (number {i + 1})"


def short_diff(old: list[dict], new: list[dict]) -> str:
    """The first lines that differ, one tag of a picture to a line."""
    before, after = [json.dumps(outputs, indent=1, ensure_ascii=False).replace("><", ">\n<").splitlines()
                     for outputs in (old, new)]
    changed = list(difflib.unified_diff(before, after, "stored", "fresh", lineterm="", n=0))
    shown = [line if len(line) <= LETTERS else line[:LETTERS - 1] + "…" for line in changed[:LINES]]
    return "\n".join(shown + [f"… {len(changed) - LINES} more lines"] * (len(changed) > LINES))


if __name__ == "__main__":
    sys.exit(main())
