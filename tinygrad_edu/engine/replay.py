"""A recorded graph, run again on other numbers.

The rules do not care what kind of number they are given, so one graph has many readings: on
floats it gives the answer at other inputs, on Fractions the exact one, on mpmath numbers any
number of digits, on Formulas symbolic derivatives (see `symbolic.py`), and on Values a
gradient that can itself be differentiated.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .errors import DomainError, PoleError, RangeError, ReplayError
from .graph import contributions, describe
from .number import number, shortened
from .op import Op
from .value import Value, constant, topological_order


class Replay:
    """What a graph comes to with other numbers.

    value     that of the output
    values    {node: number} for every node
    local     {node: its local gradients} for every computed node
    grads     {node: number}: the derivative of the output by every node that gets one

    `again["x"]` is the gradient at the node labelled x.
    """

    def __init__(self, output: Value, values: dict[Value, Any], local: dict[Value, tuple]):
        self.value, self.values, self.local = values[output], values, local
        reached: dict[Value, Any] = {output: 1}
        reached.update((c.parent, c.after) for c in contributions(list(values), local) if c.taken)
        self.grads = {node: reached.get(node, 0) for node in values if not node.is_constant}

    def __getitem__(self, label: str) -> Any:
        return self.grads[only(label, self.grads, "node")]


def replay(output: Value, kind: Callable[[float], Any] = float, at: Mapping[Any, Any] | None = None) -> Replay:
    """Run the graph of `output` again, forward and backward, on another kind of number.

    kind   makes a number from the data of each leaf and constant: float, Fraction, mpmath.mpf.
           With `Value` the leaves themselves take part, so that the gradients are graphs.
    at     {leaf or its label: number} for leaves that take another number than their data

    Raises ReplayError at a node made by hand, TypeError at what is no number, KeyError at a label that
    no leaf has or several have, or at a computed node, PoleError and RangeError where a kind of number
    has no infinity to answer with.

    >>> from fractions import Fraction
    >>> x, y = Value(3.0, label="x"), Value(4.0, label="y")
    >>> again = replay(x / y, Fraction)
    >>> again.value, again["y"]
    (Fraction(3, 4), Fraction(-3, 16))
    >>> replay(x / y, at={"x": 10.0}).value
    2.5
    >>> replay(x * x * x, Value)["x"].backward()        # 3x², whose derivative is 6x
    >>> x.grad
    18.0
    """
    order = topological_order(output)
    make = differentiable if kind is Value else kind
    numbers = {leaf: given(x, make) for leaf, x in chosen(at or {}, order).items()}
    values: dict[Value, Any] = {}
    local: dict[Value, tuple] = {}
    for node in order:
        if not node.parents:
            values[node] = numbers[node] if node in numbers else leaf_number(node, kind)
        else:
            constants = {name: float(c) if kind is Value else kind(c) for name, c in node.constants.items()}
            value, local[node] = apply(node, [values[p] for p in node.parents], constants)
            values[node] = make(value) if type(value) is int else value
    again = Replay(output, values, local)
    if kind is Value:
        again.grads = {node: differentiable(grad) for node, grad in again.grads.items()}
    return again


def differentiable(x: Any) -> Value:
    """A number as a Value, to be drawn and stepped through like the others."""
    return x if isinstance(x, Value) else constant(x)


def leaf_number(node: Value, kind: Any) -> Any:
    """What a leaf or constant enters a replay as; with `Value`, leaves as they are and constants as floats."""
    if kind is not Value:
        return kind(node.data)
    return node.data if node.is_constant else node


def given(x: Any, make: Callable[[Any], Any]) -> Any:
    """A number that somebody gave for a leaf, as the kind of number that `make` makes."""
    try:
        return make(x) if not isinstance(x, bool) else number(x)
    except TypeError:
        return make(number(x))          # which says what it is not


def chosen(at: Mapping[Any, Any], order: list[Value]) -> dict[Value, Any]:
    """{leaf: number} from numbers by leaf or by label."""
    if not isinstance(at, Mapping):
        raise TypeError(f"at is a dict of numbers by leaf or by label: got {shortened(at)}")
    leaves = [node for node in order if not node.parents and not node.is_constant]
    for key in at:
        if isinstance(key, Value) and key.parents:          # a leaf that is not in the graph changes nothing
            raise KeyError(f"{describe(key)} is computed, so it takes no other number: name the leaves it is made from")
    return {key if isinstance(key, Value) else only(key, leaves, "leaf"): x for key, x in at.items()}


def only(label: str, nodes: Iterable[Value], what: str) -> Value:
    """The one node with this label."""
    found = [node for node in nodes if node.label == label]
    if not found:
        known = ", ".join(node.label for node in nodes if node.label)
        raise KeyError(f"no {what} is labelled {label!r}; the labels are: {known or 'none'}")
    if len(found) > 1:
        raise KeyError(f"{len(found)} nodes are labelled {label!r}: name the node itself")
    return found[0]


def run(op: Op, inputs: list[Any], constants: dict[str, Any]) -> tuple[Any, tuple]:
    """An op's (value, local gradients) of numbers of any kind.

    Where a plain float among Values meets an error of Python's, it becomes a Value too: these answer
    as `errstate` has it.
    """
    rule = op.evaluate if all(type(x) is float for x in inputs) else op.rule
    try:
        return rule(*op.in_rows(inputs), **constants)
    except (ArithmeticError, ValueError) as error:
        if isinstance(error, DomainError) or not any(isinstance(x, Value) for x in inputs):
            raise
        return op.rule(*op.in_rows(list(map(differentiable, inputs))), **constants)


def apply(node: Value, inputs: list[Any], constants: dict[str, Any]) -> tuple[Any, tuple]:
    """A node's rule on other inputs: (value, one local gradient per parent)."""
    op = node._op
    if not isinstance(op, Op):
        raise ReplayError(f"{describe(node)} was not recorded by an operation, so it cannot be run again; "
                          "declare the operation with @tg.op")
    try:
        value, local_grads = run(op, inputs, constants)
    except (ZeroDivisionError, OverflowError) as error:
        if isinstance(error, DomainError):
            raise
        kind, why = (RangeError, "is too large") if isinstance(error, OverflowError) else (PoleError, "divides by zero")
        raise kind(f"{describe(node)}: run again on these numbers, it {why}") from None
    return value, tuple([g for row in local_grads for g in row]) if op.rows else tuple(local_grads)
