"""What a question is about: an expression that was typed, or a Value that the program made."""

import argparse
import io
from collections.abc import Iterable, Mapping
from contextlib import redirect_stderr
from typing import Any, NamedTuple

import program

from tinygrad_edu.cli_expression import graph_of
from tinygrad_edu.symbols.expression import MAX_LENGTH, parse
from tinygrad_edu.symbols.named import NamedGraph
from tinygrad_edu.symbols.notation import plain_name

START = "1"                             # the number of a name that has just been typed


class Subject(NamedTuple):
    """A graph after its backward pass, and how it was asked for.

    arguments   of an expression, as the command line has them; None for what a program made
    said        what was read otherwise than it was typed, or ""
    """
    graph: NamedGraph
    arguments: argparse.Namespace | None = None
    said: str = ""


def subject(request: Mapping[str, Any]) -> Subject:
    """The graph that a request is about.

    program   the name of a Value that the program made; or else
    text      an expression, as on the command line
    numbers   its numbers, as there: "x=-2 y=1/3"
    others    numbers that were given before, {name: text}.  Where this is said, a name without a number takes its
              former one, or 1, and numbers without a name are left out.  Without it both are refused, as on the
              command line

    >>> subject({"text": "x * y", "numbers": "x=2", "others": {}}).arguments.values
    ['x=2', 'y=1']
    """
    if "program" in request:
        return Subject(NamedGraph(program.made(request["program"])))
    text, pairs = str(request["text"]), checked_line(str(request["numbers"])).split()
    if "others" in request:
        pairs = fitting(text, [*[f"{name}={number}" for name, number in request["others"].items()], *pairs])
    arguments = argparse.Namespace(expression=text, values=pairs, literal=False, names="auto", layout="auto")
    with redirect_stderr(io.StringIO()) as heard:
        graph = graph_of(arguments)
    return Subject(graph, arguments, heard.getvalue().replace("tinygrad-edu: ", "").strip())


def checked_line(line: str) -> str:
    if len(line) > MAX_LENGTH:
        raise ValueError(f"the numbers have {len(line)} characters, but {MAX_LENGTH} are the limit")
    return line


def fitting(text: str, pairs: Iterable[str]) -> list[str]:
    """A `name=value` for each name of the expression, of these where there is one; the last counts."""
    given = {plain_name(pair.partition("=")[0]): pair for pair in pairs}
    return [given.get(name, f"{name}={START}") for name in parse(text, given).names]
