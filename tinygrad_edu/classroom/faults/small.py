"""A small engine, with every part that a beginner's engine gets wrong in a method of its own.

It is right, and it computes with any numbers: Fractions stay exact.  A bug model (see `models.py`) is a class
that stands on `Value` here and has one method otherwise.  The product's own engines are never touched.
"""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from ...engine.errors import NotRationalError
from ...engine.op import OPS
from ..graphs import SmallGraph


class Value:
    """A number, the numbers it was made from, and the local gradient by each of them.

    >>> a = Value(3)
    >>> b = a * a
    >>> b.backward()
    >>> b.data, a.grad
    (9, 6)
    """

    def __init__(self, data: Any, parents: tuple = (), local_grads: tuple = (), op: str = ""):
        self.data, self.parents, self.local_grads, self.op = data, parents, local_grads, op
        self.grad: Any = 0

    def __repr__(self) -> str:
        return f"Value(data={self.data}, grad={self.grad})"

    # ---- forward

    def apply(self, op: str, *inputs: Any, **constants: Any) -> "Value":
        """The node of an operation."""
        parents = tuple(x if isinstance(x, Value) else type(self)(x) for x in inputs)
        data, local_grads = self.compute(op, *[parent.data for parent in parents], **constants)
        return type(self)(data, parents, local_grads, op)

    def compute(self, op: str, *numbers: Any, **constants: Any) -> tuple[Any, tuple]:
        """(value, local gradients): the package's rule tells them, in floats as soon as there is a float."""
        if any(isinstance(x, float) for x in numbers):
            constants = {name: float(x) for name, x in constants.items()}
            return OPS[op].rule(*map(float, numbers), **constants)
        if not any(isinstance(x, Fraction) for x in numbers):
            return OPS[op].textbook(*numbers, **constants)
        data, local_grads = OPS[op].textbook(*map(Fraction, numbers), **constants)
        return Fraction(data), local_grads

    def __add__(self, other): return self.apply("add", self, other)
    def __radd__(self, other): return self.apply("add", other, self)
    def __sub__(self, other): return self.apply("sub", self, other)
    def __rsub__(self, other): return self.apply("sub", other, self)
    def __mul__(self, other): return self.apply("mul", self, other)
    def __rmul__(self, other): return self.apply("mul", other, self)
    def __truediv__(self, other): return self.apply("div", self, other)
    def __rtruediv__(self, other): return self.apply("div", other, self)
    def __rpow__(self, other): return self.apply("pow", other, self)
    def __neg__(self): return self.apply("neg", self)

    def __pow__(self, n):
        return self.apply("pow", self, n) if isinstance(n, Value) else self.apply("power", self, n=n)

    def relu(self): return self.apply("relu", self)
    def tanh(self): return self.apply("tanh", self)
    def sigmoid(self): return self.apply("sigmoid", self)
    def exp(self): return self.apply("exp", self)
    def log(self): return self.apply("log", self)
    def sqrt(self): return self.apply("sqrt", self)

    # ---- backward

    def backward(self) -> None:
        """Add d(self)/d(leaf) to the gradient of every leaf; inner nodes keep those of this pass."""
        order = self.order()
        for node in order:
            self.begin(node)
        self.seed()
        for node in reversed(order):
            self.pass_on(node)

    def order(self) -> list["Value"]:
        """All nodes, parents before children: depth first, by a loop, since graphs are deeper than Python's stack."""
        order: list[Value] = []
        seen: set[Value] = set()
        stack = [(self, False)]
        while stack:
            node, parents_are_done = stack.pop()
            if parents_are_done:
                order.append(node)
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                stack.extend((parent, False) for parent in reversed(node.parents))
        return order

    def begin(self, node: "Value") -> None:
        """Clear what an earlier pass left in an inner node."""
        if node.parents:
            node.grad = 0

    def seed(self) -> None:
        """The output changes exactly as it does itself; a leaf keeps what it has."""
        self.grad = 1 if self.parents else self.grad + 1

    def pass_on(self, node: "Value") -> None:
        """Every parent receives what arrived at the node, times the local gradient."""
        for parent, local_grad in self.edges(node):
            parent.receive(node.grad, local_grad)

    def edges(self, node: "Value") -> Iterator[tuple["Value", Any]]:
        """Each parent with its local gradient; a parent used twice comes twice."""
        yield from zip(node.parents, node.local_grads)

    def receive(self, upstream: Any, local_grad: Any) -> None:
        """Add what comes along one edge."""
        self.grad = self.grad + upstream * local_grad


def function(engine: type[Value]) -> Callable[[str], Callable]:
    """How `SmallGraph.run` finds relu, tanh and the like in a small engine."""
    return lambda op: lambda *inputs: next(x for x in inputs if isinstance(x, Value)).apply(op, *inputs)


def gradients(graph: SmallGraph, engine: type[Value] = Value, calls: tuple[str, ...] = ()) -> dict[str, Any]:
    """{leaf: its gradient}, by this or by a wrong engine; Fractions where all is rational, floats elsewhere.

    calls   the nodes whose `backward` is called, one after the other; the last line, if none are named

    >>> gradients(SmallGraph.of("e = (a + b) * (b + 1)", a=2, b=1))
    {'a': Fraction(2, 1), 'b': Fraction(5, 1)}
    >>> gradients(SmallGraph.of("b = a ** 2", a=3), calls=("b", "b"))
    {'a': Fraction(12, 1)}
    """
    try:
        return gradients_in(Fraction, graph, engine, calls)
    except NotRationalError:
        return gradients_in(float, graph, engine, calls)


def gradients_in(number: type, graph: SmallGraph, engine: type[Value], calls: tuple[str, ...]) -> dict[str, Any]:
    """The gradients in one kind of number."""
    made = graph.run(lambda name, x: engine(number(x)), function(engine))
    for name in calls or (graph.output,):
        made[name].backward()
    return {name: number(made[name].grad) for name in graph.at}
