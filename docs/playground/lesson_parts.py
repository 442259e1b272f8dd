"""What the lessons tab is built from: what the notebooks say of themselves, and the graphs and networks in their cells.

Nothing is written a second time: a title, a goal or an expression stands in its notebook alone.
"""

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
MOST = 3                        # graphs of a lesson that are offered
places = {"lab": "", "site": ""}        # their addresses, seen from the page, such as "../lab/"; "" where there is none
sys.path += [str(ROOT / "docs" / "_ext"), str(ROOT / "docs" / "lab")]

import network_parts  # noqa: E402
from shown_notebooks import goals, lecture_of, opening  # noqa: E402
from within_reach import for_the_browser, out_of_reach  # noqa: E402

import tinygrad_edu as tg  # noqa: E402
from tinygrad_edu.show.page import as_json  # noqa: E402


def script() -> str:
    """A script that declares `lessons_data`."""
    data = {**places, "lessons": [lesson(path) for path in sorted(NOTEBOOKS.glob("course/*.ipynb"))],
            "notebooks": [beside_lectures(path) for path in sorted(NOTEBOOKS.glob("*.ipynb"))]}
    return f"const lessons_data = {as_json(data)};\n"


def lesson(path: Path) -> dict[str, Any]:
    """A lesson of the course: what one is able to do after it, how long it takes, and what to try."""
    return about(path) | {"told": goals(path)}


def beside_lectures(path: Path) -> dict[str, Any]:
    """A notebook beside the lectures: what it is about, which lecture it goes with, and what to try."""
    return about(path) | {"told": plain(opening(path)[1]), "lecture": plain(lecture_of(path))}


def about(path: Path) -> dict[str, Any]:
    """What holds for both kinds; `lost` are the cells that need what the lab has not, and all its cells of code."""
    notebook = for_the_browser(json.loads(path.read_text(encoding="utf-8")))
    return {"file": path.relative_to(NOTEBOOKS).as_posix(), "title": plain(opening(path)[0]), "tries": tries(path),
            "lost": out_of_reach(notebook["cells"])}


def plain(text: str) -> str:
    """A paragraph without Markdown's stars and backquotes.

    >>> plain("the *gradients* of `f`")
    'the gradients of f'
    """
    return text.replace("*", "").replace("`", "")


# ---- what to try ---------------------------------------------------------------------------------------------


def tries(path: Path) -> list[dict[str, Any]]:
    """The first graphs that a notebook reads from text, and its first network, each as the state of a tab.

    >>> tries(NOTEBOOKS / "course" / "1_slopes.ipynb")[0]
    {'tab': 'expression', 'state': {'e': 'y = 2 * x + 1', 'x': '3'}}
    """
    calls = [call for cell in code_of(path) for call in calls_of(ast.parse(cell))]
    graphs: dict[str, dict[str, Any]] = {}
    for call in calls:
        for found in graph_of(call):
            graphs.setdefault(found["state"]["e"], found)
    return [*list(graphs.values())[:MOST], *network_of(calls)]


def code_of(path: Path) -> list[str]:
    """The code cells of a notebook."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def calls_of(tree: ast.AST) -> Iterator[ast.Call]:
    """Calls of `tg`'s functions, in the order of the text."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("tg.")]
    return iter(sorted(found, key=lambda call: (call.lineno, call.col_offset)))


def graph_of(call: ast.Call) -> Iterator[dict[str, Any]]:
    """The graph that `tg.expression` reads, where its text and its numbers stand in the call."""
    if ast.unparse(call.func) != "tg.expression" or not all(keyword.arg for keyword in call.keywords):
        return
    try:
        [text] = map(ast.literal_eval, call.args)
        numbers = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
        tg.expression(text, **numbers)
    except (TypeError, ValueError):                     # a name stands there, or an operation of the notebook's own
        return
    yield {"tab": "expression", "state": {"e": text, **{name: str(x) for name, x in numbers.items()}}}


def network_of(calls: list[ast.Call]) -> list[dict[str, Any]]:
    """The first network with hidden layers that a notebook makes, and the data set nearest to it."""
    for i, call in enumerate(calls):
        if ast.unparse(call.func) != "tg.MLP" or len(call.args) < 2:
            continue
        sets = [ast.unparse(near.func).removeprefix("tg.data.") for near in [*calls[i:], *reversed(calls[:i])]]
        known = [name for name in sets if name in network_parts.sets()]
        try:
            layers = ast.literal_eval(call.args[1])[:-1]
        except ValueError:
            continue
        if known and 0 < len(layers) <= network_parts.DEEPEST and max(layers) <= network_parts.WIDEST:
            hidden = "-".join(map(str, layers))
            return [{"tab": "network", "state": {"data": known[0], "layers": hidden}}]
    return []
