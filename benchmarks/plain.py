"""The engine everybody writes first, in plain Python, as a measure for the others.

A node keeps its parents and the local gradients, as ours do; there are no checks, no names and
no pictures.  `backward` does not recurse, so that graphs may be deep.
"""

import math
from typing import Any


class Value:
    """A number, the nodes it was made from, and the local gradient by each of them."""

    __slots__ = ("data", "grad", "parents", "local_grads")

    def __init__(self, data: float, parents: tuple = (), local_grads: tuple = ()):
        self.data, self.grad, self.parents, self.local_grads = data, 0.0, parents, local_grads

    def __add__(self, other: Any) -> "Value":
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other: Any) -> "Value":
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, n: float) -> "Value":
        return Value(self.data ** n, (self,), (n * self.data ** (n - 1),))

    def relu(self) -> "Value":
        return Value(max(self.data, 0.0), (self,), (float(self.data > 0),))

    def exp(self) -> "Value":
        result = math.exp(self.data)
        return Value(result, (self,), (result,))

    def log(self) -> "Value":
        return Value(math.log(self.data), (self,), (1 / self.data,))

    def __neg__(self): return self * -1.0
    def __sub__(self, other): return self + -other
    def __rsub__(self, other): return -self + other
    def __truediv__(self, other): return self * other ** -1
    def __rtruediv__(self, other): return self ** -1 * other

    __radd__, __rmul__ = __add__, __mul__

    def backward(self) -> None:
        self.grad = 1.0
        for node in reversed(self.order()):
            for parent, local_grad in zip(node.parents, node.local_grads):
                parent.grad += local_grad * node.grad

    def order(self) -> list["Value"]:
        """All nodes this one was made from, each after its parents."""
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, parents_done = stack.pop()
            if parents_done:
                order.append(node)
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                stack += [(parent, False) for parent in node.parents if parent not in seen]
        return order
