"""What a question is about: an expression that was typed, or a Value that the program made."""

import argparse
import io
from collections.abc import Iterable, Mapping
from contextlib import redirect_stderr
from typing import Any, NamedTuple

import program

from tinygrad_edu.cli_expression import graph_of
from tinygrad_edu.engine.graph import leaves_in
from tinygrad_edu.engine.op import Op
from tinygrad_edu.engine.value import Value
from tinygrad_edu.show.batch import shown_graph
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

    program   the name of a Value that the program made, and `moved`, {name of a leaf: its number now} where a leaf
              was dragged: then it is the graph of the same operations, done again with these numbers; or else
    text      an expression, as on the command line
    numbers   its numbers, as there: "x=-2 y=1/3"
    others    numbers that were given before, {name: text}.  Where this is said, a name without a number takes its
              former one, or 1, and numbers without a name are left out.  Without it both are refused, as on the
              command line

    >>> subject({"text": "x * y", "numbers": "x=2", "others": {}}).arguments.values
    ['x=2', 'y=1']
    """
    if "program" in request:
        value = program.made(request["program"])
        return Subject(NamedGraph(moved(value, request["moved"]) if request.get("moved") else value))
    text, pairs = str(request["text"]), checked_line(str(request["numbers"])).split()
    if "others" in request:
        pairs = fitting(text, [*[f"{name}={number}" for name, number in request["others"].items()], *pairs])
    arguments = argparse.Namespace(expression=text, values=pairs, literal=False, names="auto", layout="auto")
    with redirect_stderr(io.StringIO()) as heard:
        graph = graph_of(arguments)
    return Subject(graph, arguments, heard.getvalue().replace("tinygrad-edu: ", "").strip())


def moved(output: Value, numbers: Mapping[str, float]) -> Value:
    """The same operations done again on new leaves, some with other numbers, and a backward pass; names as in the page.

    A node made by hand keeps its number and its local gradients, since its leaves have no sliders.

    >>> x = Value(3.0, label="x")
    >>> moved(x * x, {"x": 5.0}).data
    25.0
    """
    graph = shown_graph(output, "auto", "auto")
    leaves = [leaf for leaf in leaves_in(graph.whole) if not leaf.is_constant]
    made = {leaf: Value(numbers.get(graph.texts.get(leaf, ""), leaf.data)) for leaf in leaves}
    again = done_again(graph.whole, {leaf: like(leaf, copy) for leaf, copy in made.items()})
    again.backward()
    return again


def done_again(order: Iterable[Value], made: Mapping[Value, Value]) -> Value:
    """The last node in order, from nodes that stand in the place of others; what depends on none of these stays.

    >>> x, y = Value(3.0), Value(4.0)
    >>> done_again([x, y, x * y], {x: y}).data
    16.0
    """
    found = dict(made)
    for node in order:
        parents = [found.get(parent, parent) for parent in node.parents]
        if all(one is other for one, other in zip(parents, node.parents)):
            last = found.setdefault(node, node)
            continue
        op: Any = node._operation
        again = Value.record(op, *op.in_rows(parents), **node.constants) if isinstance(op, Op) else Value.restored(
            Value, node.data, 0.0, tuple(parents), node.local_grads, op, None)
        last = found[node] = like(node, again)
    return last


def like(node: Value, again: Value) -> Value:
    """What stands for a node, with its label and the place where it was made."""
    again.label, again.scope = node.label, node.scope
    again.note("origin", node.origin)
    return again


def checked_line(line: str) -> str:
    if len(line) > MAX_LENGTH:
        raise ValueError(f"the numbers have {len(line)} characters, but {MAX_LENGTH} are the limit")
    return line


def fitting(text: str, pairs: Iterable[str]) -> list[str]:
    """A `name=value` for each name of the expression, of these where there is one; the last counts."""
    given = {plain_name(pair.partition("=")[0]): pair for pair in pairs}
    return [given.get(name, f"{name}={START}") for name in parse(text, given).names]
