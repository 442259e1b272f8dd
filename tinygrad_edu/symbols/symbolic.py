"""Graphs in words: what a node is called, symbolic derivatives, exact derivatives."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from itertools import count
from typing import Any

from ..engine import printer
from ..engine.errors import NotRationalError, errstate
from ..engine.formula import Formula
from ..engine.number import printable
from ..engine.op import Op
from ..engine.printer import TEXT
from ..engine.replay import Replay, apply, replay
from ..engine.value import Value, topological_order
from .simplify import simplified

MANY = 8            # an operation of more parents than this is shown in general terms
WHOLE_ROWS = frozenset(("total", "product", "others", "largest", "smallest", "count"))
SHORT = 20          # a node whose formula is longer than this goes by a number, v1, v2, ...


def formulas(order: list[Value]) -> dict[Value, Formula]:
    """What each node goes by: its label, a short formula of its parents, or v1, v2, ...

    No two nodes that want a gradient go by the same text.
    """
    labels = {node.label for node in order}
    numbered = (f"v{k}" for k in count(1) if f"v{k}" not in labels)
    known: dict[Value, Formula] = {}
    used: set[str] = set()
    times: Counter[str] = Counter()
    for node in order:
        formula = in_words(node, known)
        text = "" if formula is None else printer.text(formula)
        plain = node.is_constant and not node.parents and not node.label
        if node.label and text in used:
            text = next_name(text, used | labels, times)
            formula = Formula(text)
        elif formula is None or (not (node.label or plain) and (len(text) > SHORT or text in used)):
            text = next(numbered)
            formula = Formula(text)
        used.add(text)
        known[node] = formula
    return known


def next_name(name: str, taken: set[str], times: "Counter[str]") -> str:
    """name_2, name_3 ...: the first that is free."""
    while True:
        times[name] += 1
        if f"{name}_{times[name] + 1}" not in taken:
            return f"{name}_{times[name] + 1}"


def in_words(node: Value, known: Mapping[Value, Formula]) -> Formula | None:
    """A node's label, number or formula; None where it has nothing to go by."""
    if node.label:
        return Formula(printable(node.label))
    if not node.parents:
        return Formula(printer.literal(node.data, TEXT)[1]) if node.is_constant else None
    return call_of(node, known) if node.op else None


def call_of(node: Value, known: Mapping[Value, Any]) -> Formula:
    """The operation that made a node, applied to what its parents go by."""
    parents = [known[p] for p in node.parents]
    if isinstance(node._op, Op):
        return node._op.call(*node._op.in_rows(parents), **node.constants)
    return Formula(printer.head_of(printable(node.op) or "node", len(parents)), *parents)


def local_formulas(node: Value, known: Mapping[Value, Formula]) -> list[Any]:
    """The local gradients of a node as formulas of what its parents and itself go by; none if made by hand."""
    op, parents = node._op, [known[p] for p in node.parents]
    if not isinstance(op, Op):
        return []
    if len(parents) > MANY:                 # each element's formula would name all the others
        value, rows = op.formulas()
        elements = substituted([row.element for row in rows], value, known[node], [])
        columns = [dict(zip(op.inputs, column)) for column in zip(*op.in_rows(parents))]
        return [simplified(at_index(element, column)) for element in elements for column in columns]
    value, local_grads = op.textbook(*op.in_rows(parents), **node.constants)
    flat = [g for row in local_grads for g in row] if op.rows else local_grads
    return [simplified(g) for g in substituted(flat, value, known[node], parents)]


def at_index(element: Any, column: Mapping[str, Formula]) -> Any:
    """A formula of elements x[i], y[i] with what stands there put in; sums and the like keep theirs.

    >>> at_index(2 * Formula("element", Formula("x")), {"x": Formula("a5")})
    2 * a5
    """
    made: dict[Formula, Any] = {}
    order = printer.in_order([element])
    for part in order:
        parts = [made[p] if isinstance(p, Formula) else p for p in printer.children(part)]
        kept = part.head in WHOLE_ROWS or not parts
        made[part] = part if kept else column[parts[0].head] if part.head == "element" else Formula(part.head, *parts)
    return made[printer.resolved(element)] if order else element


def names(output: Value) -> dict[Value, str]:
    """{node: the text it goes by}: its label, a short formula, or v1, v2, ...

    >>> x, y = Value(1.0, label="x"), Value(2.0, label="y")
    >>> list(names((x + y) * x).values())
    ['x', 'y', 'x + y', '(x + y) * x']
    """
    return {node: printer.text(formula) for node, formula in formulas(topological_order(output)).items()}


class Gradients(dict[str, Any]):
    """{name of a leaf: derivative by it}, and the `value` itself."""

    def __init__(self, replayed: Replay, finish: Any = lambda number: number):
        words = formulas(list(replayed.values))
        super().__init__({printer.text(words[node]): finish(grad) for node, grad in replayed.grads.items()
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
    def fraction(number: Any) -> Fraction:
        if isinstance(number, float) and number - number:
            raise NotRationalError(f"{number} is not a rational number")
        return read(number) if isinstance(number, float) else Fraction(number)
    return Gradients(replay(output, fraction, at), Fraction)


def symbolic(output: Value) -> Gradients:
    """Value and gradients as formulas of the leaves' names.

    >>> x, y, z = Value(-2, label="x"), Value(5, label="y"), Value(-4, label="z")
    >>> gradients = symbolic((x + y) * z)
    >>> print(gradients["x"], "and", gradients["z"])
    z and x + y
    >>> gradients.value.latex()
    '(x + y) \\\\cdot z'
    """
    order = topological_order(output)
    words = formulas(order)
    values: dict[Value, Any] = {}
    local: dict[Value, tuple] = {}
    for node in order:
        if not node.parents:
            values[node] = node.data if node.is_constant else words[node]
            continue
        inputs = [values[p] for p in node.parents]
        if any(isinstance(x, Formula) for x in inputs):
            inputs = [x if isinstance(x, Formula) else Formula("like", x) for x in inputs]
        with errstate(all="ignore"):
            value, local_grads = apply(node, inputs, node.constants)
        if isinstance(value, Formula):
            called = call_of(node, values)
            local_grads = substituted(local_grads, value, called, inputs)
            value = called
        values[node] = value                        # floats as formulas: what rounds is not multiplied out
        local[node] = tuple([Formula("like", g) if isinstance(g, float) else g for g in local_grads])
    return Gradients(Replay(output, values, local), simplified)


# ---- rewriting formulas ------------------------------------------------------------------------------


def substituted(roots: Iterable[Any], old: Any, new: Formula, inputs: Iterable[Any]) -> tuple[Any, ...]:
    """The formulas over `inputs` with one of their parts, which is no input itself, replaced."""
    roots = [printer.resolved(root) for root in roots]
    made = {} if any(old is x for x in inputs) else {printer.resolved(old): new}
    for part in printer.in_order(roots, stop=[*inputs, *made]):
        parts = [made.get(p, p) if isinstance(p, Formula) else p for p in printer.children(part)]
        made[part] = Formula(part.head, *parts) if parts else part
    return tuple([made.get(root, root) if isinstance(root, Formula) else root for root in roots])
