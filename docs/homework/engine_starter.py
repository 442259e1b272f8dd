"""Homework: an engine that differentiates.  Fill in whatever raises NotImplementedError, from the top down.

Grade it yourself, as often as you like:

    tinygrad-edu grade engine.py
"""

import math  # noqa: F401 (for exp, log and tanh)


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

    # ---- part 1: the operations.  Addition is done: a sum changes as much as each of its parents does.

    def __add__(self, other):
        other = as_value(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        raise NotImplementedError

    def __pow__(self, n):
        """self ** n, where n is a plain number."""
        raise NotImplementedError

    def exp(self):
        raise NotImplementedError

    def log(self):
        raise NotImplementedError

    def tanh(self):
        raise NotImplementedError

    def relu(self):
        raise NotImplementedError

    # ---- part 2: what is made of them.  Think of 2 - a and 2 / a: on which side does the Value stand?

    def __neg__(self):
        raise NotImplementedError

    def __sub__(self, other):
        raise NotImplementedError

    def __truediv__(self, other):
        raise NotImplementedError

    def __radd__(self, other):
        raise NotImplementedError

    def __rmul__(self, other):
        raise NotImplementedError

    def __rsub__(self, other):
        raise NotImplementedError

    def __rtruediv__(self, other):
        raise NotImplementedError

    # ---- part 3: the chain rule

    def backward(self):
        """Add d(self)/d(node) to the grad of every node that self was made from."""
        raise NotImplementedError
