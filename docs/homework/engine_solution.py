"""The homework, done: an engine that differentiates."""

import math


def as_value(x):
    """A plain number becomes a Value, so that a + 2 works."""
    return x if isinstance(x, Value) else Value(x)


class Value:
    """A number, the numbers it was made from, and how it changes with each of them."""

    def __init__(self, data, parents=(), local_grads=()):
        self.data = data
        self.grad = 0.0
        self.parents = parents
        self.local_grads = local_grads

    def __repr__(self):
        return f"Value(data={self.data}, grad={self.grad})"

    # ---- part 1: the operations

    def __add__(self, other):
        other = as_value(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        other = as_value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, n):
        """self ** n, where n is a plain number."""
        return Value(self.data ** n, (self,), (n * self.data ** (n - 1),))

    def exp(self):
        e = math.exp(self.data)
        return Value(e, (self,), (e,))

    def log(self):
        return Value(math.log(self.data), (self,), (1 / self.data,))

    def tanh(self):
        t = math.tanh(self.data)
        return Value(t, (self,), (1 - t * t,))

    def relu(self):
        return Value(max(self.data, 0.0), (self,), (1.0 if self.data > 0 else 0.0,))

    # ---- part 2: what is made of them

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -as_value(other)

    def __truediv__(self, other):
        return self * as_value(other) ** -1

    def __radd__(self, other):
        return self + other

    def __rmul__(self, other):
        return self * other

    def __rsub__(self, other):
        return as_value(other) - self

    def __rtruediv__(self, other):
        return as_value(other) / self

    # ---- part 3: the chain rule

    def backward(self):
        """Add d(self)/d(node) to the grad of every node that self was made from."""
        order = self.order()
        for node in order:
            if node.parents:
                node.grad = 0.0         # what an earlier pass left in an inner node is not passed on again
        self.grad += 1.0
        for node in reversed(order):
            for parent, local_grad in zip(node.parents, node.local_grads):
                parent.grad += node.grad * local_grad

    def order(self):
        """Every node after its parents; no recursion, so the graph may be deep."""
        order, seen, waiting = [], set(), [(self, False)]
        while waiting:
            node, parents_are_done = waiting.pop()
            if parents_are_done:
                order.append(node)
            elif node not in seen:
                seen.add(node)
                waiting.append((node, True))
                waiting += [(parent, False) for parent in node.parents]
        return order
