"""Docstrings as they are written in this library, plain text with aligned columns, made into pages.

They are read in a terminal first, so they are no reST.  Here each paragraph is looked at: an example
stays an example, a column of names with their meanings becomes a table, lines set by columns stay
as they are, and the rest is prose, in which `code` stands in backticks.
"""

import re
from typing import Any

import tinygrad_edu as tg

NAMED = re.compile(r"([\w*]+(?:, [\w*]+)*) {2,}(\S.*)")
COLUMNS = re.compile(r"\S {3,}\S")
ITEM = re.compile(r"(\d+\.|\*) ")
FORMULA = re.compile(r"[^`]*[=←·][^`]*[^.:`]")
SAFE = re.compile(r"(https?://[^\s,;)]+)|([\\*_|`\[\]])")


def as_rest(text: str) -> list[str]:
    """The lines of a docstring, dedented, as lines of reST.

    >>> as_rest("Half of x.\\n\\nx   a number\\n\\n>>> 1 / 2\\n0.5")[:1]
    ['Half of x.']
    """
    lines: list[str] = []
    for i, paragraph in enumerate(re.split(r"\n[ \t]*\n", text.strip("\n"))):
        lines += [*paragraph_as_rest(paragraph.split("\n"), first=i == 0), ""]
    return lines


def paragraph_as_rest(lines: list[str], first: bool) -> list[str]:
    table, source = columns_of(lines)
    if lines[0].lstrip().startswith(">>>"):
        return block("pycon", lines)
    if table:
        return [*table_as_rest(table), *(["", inline(source)] if source else [])]
    if ITEM.match(lines[0]):
        return [re.match(r" *", line)[0] + inline(line.strip()) for line in lines]     # type: ignore[index]
    if any(COLUMNS.search(line) or line.startswith(" ") for line in lines):
        return block("none", lines)
    if len(lines) == 1 and not first and FORMULA.fullmatch(lines[0]):
        return block("none", lines)
    if len(lines) > 1 and all(line.endswith(".") for line in lines):        # a statement to a line
        return ["| " + inline(line) for line in lines]
    return [inline(" ".join(lines))]


def block(language: str, lines: list[str]) -> list[str]:
    return [f".. code-block:: {language}", "", *["   " + line for line in lines]]


def columns_of(lines: list[str]) -> tuple[list[tuple[str, str]], str]:
    """([(name, meaning), ...], source): what a paragraph of names and their meanings says.

    The list is empty for any other paragraph.  The source of a formula may follow, far to the right.

    >>> columns_of(["inputs   how many numbers", "init,    how the weights", "         start"])[0]
    []
    >>> columns_of(["inputs   how many numbers", "init     how the weights", "         start"])[0]
    [('inputs', 'how many numbers'), ('init', 'how the weights start')]
    """
    rows: list[tuple[str, str]] = []
    column, source = 0, ""
    for line in lines:
        named, indent = NAMED.fullmatch(line), len(line) - len(line.lstrip())
        if named and (not rows or named.start(2) == column) and not COLUMNS.search(named[2]):
            column = named.start(2)
            rows.append((named[1], named[2]))
        elif rows and column <= indent <= column + 8:
            rows[-1] = rows[-1][0], f"{rows[-1][1]} {line.strip()}"
        elif rows and indent > column + 8 and line is lines[-1]:
            source = line.strip()
        else:
            return [], ""
    return rows, source


def table_as_rest(rows: list[tuple[str, str]]) -> list[str]:
    lines = [".. list-table::", "   :class: names", "   :widths: auto", ""]
    for names, meaning in rows:
        lines += [f"   * - {', '.join(f'``{name}``' for name in names.split(', '))}", f"     - {inline(meaning)}"]
    return lines


def inline(text: str) -> str:
    """Prose: what stands in backticks is code, and a name of the library leads to its place."""
    pieces = text.split("`")
    if len(pieces) % 2 == 0:                # a backtick without its twin
        return escaped(text)
    return "".join(code(piece) if i % 2 else escaped(piece) for i, piece in enumerate(pieces))


def code(text: str) -> str:
    name = text.removeprefix("tg.")
    if name in (*tg.__all__, *tg._python_has_too) and (name != text or name[:1].isupper() or "_" in name):
        return rf"\ :py:obj:`{text} <tinygrad_edu.{name}>`\ "
    return rf"\ ``{text}``\ " if text.strip() else ""


def escaped(text: str) -> str:
    return SAFE.sub(lambda found: found[1] or "\\" + found[2], text)


def process(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    lines[:] = as_rest("\n".join(lines))


def skip(app: Any, what: str, name: str, thing: Any, skipped: bool, options: Any) -> bool | None:
    """Operations are documented once, not as methods again; the fields of a tuple, in its docstring."""
    return True if (hasattr(thing, "op") and callable(thing)) or type(thing).__name__ == "_tuplegetter" else None


def setup(app: Any) -> dict[str, bool]:
    app.connect("autodoc-process-docstring", process)
    app.connect("autodoc-skip-member", skip)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
