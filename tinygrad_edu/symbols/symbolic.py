"""Derivatives as formulas and as fractions.

A recorded graph is run again: on the names of its leaves, or on fractions.  The rules are the same.
"""

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

from ..engine import ops, printer
from ..engine.errors import NotRationalError, errstate
from ..engine.formula import Formula
from ..engine.op import Op
from ..engine.replay import Replay, apply, replay
from ..engine.value import Value
from .named import MANY, NamedGraph, call_of
from .simplify import simplified

OF_TWO: dict[Any, Op] = {ops.max: ops.maximum, ops.min: ops.minimum}       # easier to read where a row is that short
WHOLE_ROWS = frozenset(("total", "product", "others", "largest", "smallest", "count"))


def local_formulas(node: Value, known: Mapping[Value, Formula]) -> list[Any]:
    """The local gradients of a node as formulas of its own name and those of its parents; none if made by hand."""
    op, parents = node._operation, [known[p] for p in node.parents]
    if not isinstance(op, Op):
        return []
    if len(parents) > MANY:                 # each element's formula would name all the others
        value, rows = op.formulas(op.textbook, **node.constants)
        elements = substituted([row.element for row in rows], value, known[node], [])
        columns = [dict(zip(op.inputs, column)) for column in zip(*op.in_rows(parents))]
        return [simplified(at_index(element, columns, i)) for element in elements for i in range(len(columns))]
    value, local_grads = op.textbook(*op.in_rows(parents), **node.constants)
    flat = [g for row in local_grads for g in row] if op.rows else local_grads
    return [simplified(g) for g in substituted(flat, value, known[node], parents)]


def at_index(element: Any, columns: list[dict[str, Formula]], i: int) -> Any:
    """A formula of elements x[i], y[i] with what stands at i put in; sums and the like keep theirs.

    >>> at_index(2 * Formula("element", Formula("x")), [{"x": Formula("a5")}], 0)
    2 * a5
    """
    made: dict[Formula, Any] = {}
    order = printer.in_order([element])
    for part in order:
        parts = [made[p] if isinstance(p, Formula) else p for p in printer.children(part)]
        if part.head in ("element", "at"):
            made[part] = columns[i if part.head == "element" else int(parts[1])][parts[0].head]
        elif part.head == "where" and isinstance(parts[0], bool):
            made[part] = parts[1] if parts[0] else parts[2]
        elif part.head == "==" and not any(isinstance(p, Formula) for p in parts):
            made[part] = parts[0] == parts[1]
        else:
            kept = part.head in WHOLE_ROWS or not parts
            made[part] = i if part.head == "place" else part if kept else Formula(part.head, *parts)
    return made[printer.resolved(element)] if order else element


class Gradients(dict[str, Any]):
    """{name of a leaf: derivative by it}, and the `value` itself."""

    def __init__(self, graph: NamedGraph, replayed: Replay, finish: Callable[[Any], Any]):
        super().__init__({graph.texts[node]: finish(grad) for node, grad in replayed.grads.items()
                          if not node.parents})
        self.value = finish(replayed.value)


def exact(output: Value, at: Mapping[str, Any] | None = None,
          read: Callable[[float], Fraction] = Fraction) -> Gradients:
    """Value and gradients as Fractions, without any rounding.

    at     {label: Fraction} for leaves to take another number than their float
    read   what a float of the graph is taken to be: the very number it holds, unless you say otherwise

    Raises NotRationalError at a function that leaves the rational numbers, such as exp, and at
    inf and nan; PoleError at a division by zero.

    >>> x = Value(0.1, label="x")
    >>> exact(x * x, {"x": Fraction("0.1")})
    {'x': Fraction(1, 5)}
    """
    return exact_gradients(NamedGraph(output), at, read)


def exact_gradients(graph: NamedGraph, at: Mapping[str, Any] | None = None,
                    read: Callable[[float], Fraction] = Fraction) -> Gradients:
    """`exact`, for a graph that has its names."""
    def fraction(number: Any) -> Fraction:
        if isinstance(number, float) and number - number:
            raise NotRationalError(f"{number} is not a rational number")
        return read(number) if isinstance(number, float) else Fraction(number)
    return Gradients(graph, replay(graph.order[-1], fraction, at), Fraction)


def symbolic(output: Value) -> Gradients:
    """Value and gradients as formulas of the leaves' names.

    >>> x, y, z = Value(-2, label="x"), Value(5, label="y"), Value(-4, label="z")
    >>> gradients = symbolic((x + y) * z)
    >>> print(gradients["x"], "and", gradients["z"])
    z and x + y
    >>> gradients.value.latex()
    '(x + y) \\\\cdot z'
    """
    return symbolic_gradients(NamedGraph(output))


def symbolic_gradients(graph: NamedGraph) -> Gradients:
    """`symbolic`, for a graph that has its names."""
    values: dict[Value, Any] = {}
    local: dict[Value, tuple] = {}
    for node in graph.order:
        if not node.parents:
            values[node] = node.data if node.is_constant else graph.formulas[node]
            continue
        if node._operation.hidden:
            values[node], local[node] = values[node.parents[0]], (1, *[0] * (len(node.parents) - 1))
            continue
        inputs = [values[p] for p in node.parents]
        if any(isinstance(x, Formula) for x in inputs):
            inputs = [x if isinstance(x, Formula) else Formula("like", x) for x in inputs]
        of_two = OF_TWO.get(node._operation) if len(inputs) == 2 and isinstance(inputs[0], Formula) else None
        with errstate(all="ignore"):
            value, local_grads = of_two.textbook(*inputs) if of_two else apply(node, inputs, node.constants)
        if isinstance(value, Formula):
            called = call_of(node, values)
            local_grads = substituted(local_grads, value, called, inputs)
            value = called
        values[node] = value                        # floats as formulas: what rounds is not multiplied out
        local[node] = tuple([Formula("like", g) if isinstance(g, float) else g for g in local_grads])
    return Gradients(graph, Replay(graph.order[-1], values, local), simplified)


# ---- rewriting formulas ------------------------------------------------------------------------------


def substituted(roots: Iterable[Any], old: Any, new: Formula, inputs: Iterable[Any]) -> tuple[Any, ...]:
    """The formulas over `inputs` with one of their parts, which is no input itself, replaced."""
    roots = [printer.resolved(root) for root in roots]
    made = {} if any(old is x for x in inputs) else {printer.resolved(old): new}
    for part in printer.in_order(roots, stop=[*inputs, *made]):
        parts = [made.get(p, p) if isinstance(p, Formula) else p for p in printer.children(part)]
        made[part] = Formula(part.head, *parts) if parts else part
    return tuple([made.get(root, root) if isinstance(root, Formula) else root for root in roots])
