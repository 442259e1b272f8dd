"""Notebooks as the site shows them: the lessons with their solutions folded, lists of both kinds, and downloads.

A lesson is downloaded without what its cells show, since that would tell the answers.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

Write = Callable[[Path, str], None]
WriteTable = Callable[[str, list[str], str], None]          # of a name, rows in MyST, and the widths of the columns


def write_notebooks(source: Path, folder: Path, downloads: Path, write: Write, write_table: WriteTable) -> None:
    """Copies of all notebooks, the files to download, and the lists of both kinds."""
    lessons, others = sorted((source / "course").glob("*.ipynb")), sorted(source.glob("*.ipynb"))
    wanted = {folder / path.relative_to(source) for path in [*lessons, *others]}
    for left in {*folder.glob("*.ipynb"), *folder.glob("course/*.ipynb")} - wanted:
        left.unlink()
    for path in others:
        text = path.read_text(encoding="utf-8")
        write(folder / path.name, text)
        write(downloads / path.name, text)
    for path in lessons:
        text = path.read_text(encoding="utf-8")
        write(folder / "course" / path.name, with_solutions(text))
        write(downloads / path.name, without_outputs(text))
    write_table("course", [row(path, f"/notebooks/course/{path.stem}", goals(path)) for path in lessons], "28 48 24")
    write_table("notebooks", [row(path, f"/notebooks/{path.stem}", opening(path)[1]) for path in others], "28 48 24")
    write_table("lectures", [f"* - [{opening(path)[0]}](/notebooks/{path.stem})\n  - {lecture_of(path)}"
                             for path in others], "30 70")


def row(path: Path, page: str, words: str) -> str:
    """A notebook in a list: its page, what it is about, its file."""
    file = f"{{download}}`{path.name} </generated/notebooks/{path.name}>`"
    return f"* - [{opening(path)[0]}]({page})\n  - {words}\n  - {file}"


# ---- what a notebook says ------------------------------------------------------------------------------


def markdown_of(path: Path) -> list[str]:
    """The paragraphs of a notebook's text."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    return [" ".join(paragraph.split()) for text in texts for paragraph in text.split("\n\n")]


def opening(path: Path) -> tuple[str, str]:
    """The title of a notebook and its first paragraph.

    >>> opening(NOTEBOOKS / "01_a_graph_by_hand.ipynb")[0]
    'A graph by hand: (x + y) z'
    """
    title, about, *_ = [*markdown_of(path), "", ""]
    return title.lstrip("# "), about


def lecture_of(path: Path) -> str:
    """What a notebook says it goes with.

    >>> lecture_of(NOTEBOOKS / "01_a_graph_by_hand.ipynb")[:40]
    'The lecture *Deep Learning Basics* (Comp'
    """
    said = [text.removeprefix("This goes with ") for text in markdown_of(path) if text.startswith("This goes with ")]
    return said[0][:1].upper() + said[0][1:] if said else ""


def goals(path: Path) -> str:
    """What one is able to do after a lesson, and how long it takes.

    >>> goals(NOTEBOOKS / "course" / "2_backward.ipynb")[-11:]
    '60 minutes.'
    """
    told = " ".join(markdown_of(path))
    able = re.search(r"\*\*You will be able to\*\*\s*(.*?)\s*\*\*", told)
    minutes = re.search(r"\*\*Time\*\*\D*(\d+) min", told)
    if not able or not minutes:
        raise ValueError(f'{path.name}: its first cell lacks "**You will be able to**" or "**Time** 45 minutes"')
    told = re.sub(r"(^|\s)\* ", " ", able[1]).strip()            # which may be a list
    return f"{told[:1].upper()}{told[1:].rstrip('.')}. {minutes[1]} minutes."


# ---- lessons, changed ----------------------------------------------------------------------------------


def without_outputs(text: str) -> str:
    """A notebook that was never run."""
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        cell |= {"outputs": [], "execution_count": None} if cell["cell_type"] == "code" else {}
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


def with_solutions(text: str) -> str:
    """A lesson, with the solution of each exercise below it, to unfold."""
    notebook = json.loads(text)
    notebook["cells"] = [shown for cell in notebook["cells"] for shown in (cell, *solution(cell))]
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


def solution(cell: dict[str, Any]) -> list[dict[str, Any]]:
    """The cell with the solution of an exercise; none below other cells.

    >>> [below] = solution({"id": "a", "metadata": {"solution": "1 + 1"}})
    >>> below["source"]
    '<details><summary>Solution</summary>\\n\\n```python\\n1 + 1\\n```\\n\\n</details>'
    """
    if "solution" not in cell["metadata"]:
        return []
    folded = f"<details><summary>Solution</summary>\n\n```python\n{cell['metadata']['solution']}\n```\n\n</details>"
    return [{"cell_type": "markdown", "id": f"{cell['id']}-solved", "metadata": {}, "source": folded}]


NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"           # for the examples above
