"""Which cells of a notebook run in a browser, where NumPy, matplotlib and scikit-learn are not to be had.

A cell that needs one of them, or a name that such a cell makes, says so in the browser, and the notebook goes on.
"""

import ast
from collections.abc import Iterator
from typing import Any

NEEDS = {                       # {what the browser has not: the modules and functions that are made of it}
    "numpy": ("numpy", "tinygrad_edu.nn.matrix_layers", "tg.compile"),
    "matplotlib": ("matplotlib", "tinygrad_edu.show.plots.figure_class"),
    "scikit-learn": ("sklearn", "tg.data.digits"),
}
SAID = "This cell needs {packages}, which a page cannot load. On your own machine: pip install {packages}"
NOTE = ("\n\n**In the browser** {count} of the {all} cells below only say what they need: NumPy is not to be had here. "
        "On your own machine all of them run.")


def for_the_browser(notebook: dict[str, Any]) -> dict[str, Any]:
    """The notebook, never run: cells out of reach say what they need above their lines, kept as comments.

    Its first text says how many they are.
    """
    unknown: dict[str, set[str]] = {}           # {a name: what has to be installed to have it}
    first, *others = [replaced(cell, unknown) if cell["cell_type"] == "code" else cell for cell in notebook["cells"]]
    count, every = out_of_reach([first, *others])
    if count and first["cell_type"] == "markdown":
        first = {**first, "source": "".join(first["source"]) + NOTE.format(count=count, all=every)}
    return {**notebook, "cells": [first, *others]}


def out_of_reach(cells: list[dict[str, Any]]) -> tuple[int, int]:
    """Of a notebook for the browser: how many cells only say what they need, and how many cells of code it has."""
    sources = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
    return sum(source.startswith('print("This cell needs ') for source in sources), len(sources)


def replaced(cell: dict[str, Any], unknown: dict[str, set[str]]) -> dict[str, Any]:
    """A cell as the browser gets it; `unknown` learns the names that it makes or fails to make."""
    source = "".join(cell["source"])
    lost: list[ast.stmt] = []
    rest: list[ast.stmt] = []
    packages: set[str] = set()
    for statement in ast.parse(source).body:
        needed = needs_of(statement, unknown)
        packages |= needed
        unknown.update(dict.fromkeys(names_made(statement), needed))
        (lost if needed else rest).append(statement)
    if not all(map(is_import, lost)):           # the cell is one thought: half of it would only confuse
        others = [statement for statement in rest if not is_import(statement)]
        unknown.update({name: packages for statement in others for name in names_made(statement)})
        lost += others
    return {**cell, "source": with_comments(source, lost, packages), "outputs": [], "execution_count": None}


def is_import(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Import | ast.ImportFrom)


def with_comments(source: str, lost: list[ast.stmt], packages: set[str]) -> str:
    """The source with some statements as comments, below a line that says what they need.

    >>> print(with_comments("import math\\nimport numpy", ast.parse("import math\\nimport numpy").body[1:], {"numpy"}))
    print("This cell needs numpy, which a page cannot load. On your own machine: pip install numpy")
    import math
    # import numpy
    """
    if not packages:
        return source
    within = {line for statement in lost for line in range(first_line(statement), (statement.end_lineno or 0) + 1)}
    lines = [f"# {line}".rstrip() if i in within else line for i, line in enumerate(source.splitlines(), 1)]
    said = SAID.format(packages=" ".join(sorted(packages)))
    return "\n".join([f'print("{said}")', *lines])


def first_line(statement: ast.stmt) -> int:
    """Where a statement begins, with its decorators."""
    return min([statement.lineno, *[decorator.lineno for decorator in getattr(statement, "decorator_list", ())]])


def needs_of(statement: ast.stmt, unknown: dict[str, set[str]]) -> set[str]:
    """What has to be installed for a statement to run."""
    used = set(names_used(statement)) - set(names_inside(statement))
    by_name = [packages for name, packages in unknown.items() if name in used]
    return set().union({package for package, places in NEEDS.items() if used.intersection(places)}, *by_name)


def names_used(statement: ast.stmt) -> Iterator[str]:
    """The names, dotted names and modules of a statement, each with what it lies in.

    >>> sorted(names_used(ast.parse("y = tg.data.moons(n)").body[0]))
    ['n', 'tg', 'tg.data', 'tg.data.moons']
    """
    for node in ast.walk(statement):
        if isinstance(node, ast.Attribute | ast.Name) and not isinstance(node.ctx, ast.Store):
            yield ast.unparse(node)
        elif isinstance(node, ast.Import):
            for module in node.names:
                yield from parts_of(module.name)
        elif isinstance(node, ast.ImportFrom):
            yield from parts_of(node.module or "")
            yield from (f"{node.module}.{module.name}" for module in node.names)


def parts_of(module: str) -> list[str]:
    """A module and those that it lies in.

    >>> parts_of("a.b.c")
    ['a', 'a.b', 'a.b.c']
    """
    words = module.split(".")
    return [".".join(words[:i + 1]) for i in range(len(words))]


def names_made(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement binds in the notebook."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        yield statement.name
        return
    inside = set(names_inside(statement))
    for node in ast.walk(statement):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (module.asname or module.name.split(".")[0] for module in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id not in inside:
            yield node.id


def names_inside(statement: ast.stmt) -> Iterator[str]:
    """The names that mean something inside of a statement only: parameters, and what comprehensions run over.

    >>> sorted(names_inside(ast.parse("y = [f(i) for i in x if all(map(lambda z: z > i, x))]").body[0]))
    ['i', 'z']
    """
    for node in ast.walk(statement):
        if isinstance(node, ast.comprehension):
            yield from (name.id for name in ast.walk(node.target) if isinstance(name, ast.Name))
        elif isinstance(node, ast.arg):
            yield node.arg
