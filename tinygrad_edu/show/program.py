"""The program's own lines, for a player that walks through a graph made within `trace_origin`."""

import linecache
import sys
from collections.abc import Iterable
from typing import Any, NamedTuple

from ..engine.number import printable
from ..engine.origin import Origin, place_of

MOST = 60                       # lines of a program that are shown, from the first one at which a node was made


class Line(NamedTuple):
    """A line of the program: where it stands, and its text."""
    place: str
    number: int
    text: str


def program_of(nodes: Iterable[Any]) -> list[Line]:
    """The lines at which nodes were made, and those between, file by file; none where no text is found.

    >>> from tinygrad_edu.engine.value import Value
    >>> program_of([Value(1.0)])                        # not traced
    []
    """
    origins = [node.origin for node in nodes if node.origin]
    found: list[Line] = []
    for place in dict.fromkeys(origin.place for origin in origins):
        files = {name for name, module in known_files() if place_of(name, module) == place}
        if len(files) == 1:
            found += lines_of(files.pop(), [origin for origin in origins if origin.place == place])
    return found[:MOST]


def known_files() -> list[tuple[str, str]]:
    """(file name, module) of all that is loaded, and of the cells of a notebook."""
    modules = [(getattr(module, "__file__", None), name) for name, module in list(sys.modules.items())]
    return [(name, "__main__") for name in linecache.cache] + [(name, module) for name, module in modules if name]


def lines_of(filename: str, origins: list[Origin]) -> list[Line]:
    """The lines of one file from the first of these places to the last."""
    numbers = [origin.line for origin in origins]
    texts = linecache.getlines(filename)
    return [Line(origins[0].place, number, printable(texts[number - 1].rstrip()))
            for number in range(min(numbers), max(numbers) + 1) if number <= len(texts)]
