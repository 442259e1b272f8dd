"""A recorded graph, run again on other numbers.

The rules do not care what kind of number they are given, so one graph has many readings: on
floats it gives the answer at other inputs, on Fractions the exact one, on mpmath numbers any
number of digits, on Formulas symbolic derivatives (see `symbolic.py`), and on Values a
gradient that can itself be differentiated.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .errors import DomainError, PoleError, RangeError, ReplayError, errstate
from .graph import contributions, leaves_in
from .messages import describe, node_labelled
from .number import is_bool, number, short_repr
from .op import Op
from .slopes import as_value, float_of, node_again, slopes_of
from .value import Value, topological_order


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
        for c in contributions(list(values), local):
            if c.taken:
                reached[c.parent] = c.after
        self.grads = {node: reached.get(node, 0) for node in values if not node.is_constant}

    def __getitem__(self, label: str) -> Any:
        return self.grads[node_labelled(label, self.grads, "node")]


def replay(output: Value, kind: Callable[[float], Any] = float, at: Mapping[Any, Any] | None = None,
           by: Iterable[Value] | None = None) -> Replay:
    """Run the graph of `output` again, forward and backward, on another kind of number.

    kind   makes a number from the data of each leaf and constant: float, Fraction, mpmath.mpf.
           With `Value` the leaves themselves take part, so that the gradients are graphs.
    at     {leaf or its label: number} for leaves that take another number than their data
    by     with `Value`: the leaves whose gradients are wanted, by default all; what depends on none of
           them stays as it is

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
    make = as_value if kind is Value else number if kind is float else kind
    numbers = {leaf: given(x, make) for leaf, x in by_leaf({} if at is None else at, order).items()}
    return on_values(output, order, numbers, by) if kind is Value else on_numbers(output, order, numbers, kind)


def on_numbers(output: Value, order: list[Value], numbers: dict[Value, Any], kind: Callable[[float], Any]) -> Replay:
    """A replay on numbers of any kind but Values: each rule is run on them."""
    values: dict[Value, Any] = {}
    local: dict[Value, tuple] = {}
    for node in order:
        if not node.parents:
            values[node] = numbers[node] if node in numbers else kind(node.data)
            continue
        constants = {name: kind(c) for name, c in node.constants.items()}
        value, local[node] = apply(node, [values[p] for p in node.parents], constants)
        values[node] = kind(value) if isinstance(value, int) or is_bool(value) else value
    return Replay(output, values, local)


def on_values(output: Value, order: list[Value], numbers: dict[Value, Any], by: Iterable[Value] | None) -> Replay:
    """A replay on Values: nodes stay what they are, and local gradients become graphs; constants enter as floats."""
    values: dict[Value, Any] = {}
    inputs: dict[Value, list] = {}
    moving = set(order if by is None else by)           # what is asked for, and what depends on it
    for node in order:
        if node.parents and (by is None or not moving.isdisjoint(node.parents)):
            check_recorded(node)
            moving.add(node)
            inputs[node] = [values[p] for p in node.parents]
            values[node] = node_again(node, inputs[node])
        else:
            values[node] = numbers.get(node, node.data if node.is_constant else node)
    with errstate(all="ignore"):
        local = {node: local_graphs(node, values[node], xs) for node, xs in inputs.items()}
    again = Replay(output, values, local)
    again.value = as_value(again.value)
    again.grads = {node: as_value(grad) for node, grad in again.grads.items()}
    return again


def local_graphs(node: Value, made: Any, inputs: list[Any]) -> tuple:
    """The local gradients of a node that was done again on Values: graphs, or numbers where these are constants."""
    if isinstance(made, Value) and not made.is_constant:
        return slopes_of(made, inputs)
    return apply(node, list(map(float_of, inputs)), node.constants)[1]


def given(x: Any, make: Callable[[Any], Any]) -> Any:
    """A number that somebody gave for a leaf, as the kind of number that `make` makes."""
    try:
        return make(x) if not is_bool(x) else number(x)
    except TypeError:
        return make(number(x))          # which says what it is not


def by_leaf(at: Mapping[Any, Any], order: list[Value]) -> dict[Value, Any]:
    """{leaf: number} from numbers by leaf or by label."""
    if not isinstance(at, Mapping):
        raise TypeError(f"at is a dict of numbers by leaf or by label: got {short_repr(at)}")
    leaves = leaves_in(order)
    for key in at:
        if isinstance(key, Value) and key.parents:          # a leaf that is not in the graph changes nothing
            raise KeyError(f"{describe(key)} is computed, so it takes no other number: name the leaves it is made from")
    return {key if isinstance(key, Value) else node_labelled(key, leaves, "leaf"): x for key, x in at.items()}


def apply(node: Value, inputs: list[Any], constants: dict[str, Any]) -> tuple[Any, tuple]:
    """A node's rule on other inputs: (value, one local gradient per parent)."""
    check_recorded(node)
    op: Any = node._operation
    rule = op.rule if all(isinstance(x, float) for x in inputs) else op.textbook            # numpy's are floats too
    rule = op.evaluate if all(type(x) is float for x in inputs) else rule
    try:
        value, local_grads = rule(*op.in_rows(inputs), **constants)
    except (ZeroDivisionError, OverflowError) as error:
        if isinstance(error, DomainError):
            raise
        kind, why = (RangeError, "is too large") if isinstance(error, OverflowError) else (PoleError, "divides by zero")
        raise kind(f"{describe(node)}: run again on these numbers, it {why}") from None
    return value, op.one_by_one(local_grads)


def check_recorded(node: Value) -> None:
    if not isinstance(node._operation, Op):
        raise ReplayError(f"{describe(node)} was not recorded by an operation, so it cannot be run again; "
                          "declare the operation with @tg.op")
