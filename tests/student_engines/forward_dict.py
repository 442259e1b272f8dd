"""Forward mode with names: `der` holds the derivative by every variable."""

import math


class Variable:
    def __init__(self, name, val, der=None):
        self.name = name
        self.val = val
        self.der = {name: 1.0} if der is None else der

    def __add__(self, other):
        other = constant(other)
        return Variable("", self.val + other.val, mixed(self, 1.0, other, 1.0))

    def __sub__(self, other):
        other = constant(other)
        return Variable("", self.val - other.val, mixed(self, 1.0, other, -1.0))

    def __mul__(self, other):
        other = constant(other)
        return Variable("", self.val * other.val, mixed(self, other.val, other, self.val))

    def __truediv__(self, other):
        other = constant(other)
        return Variable("", self.val / other.val, mixed(self, 1 / other.val, other, -self.val / other.val ** 2))

    def __neg__(self): return self * -1.0
    def __radd__(self, other): return self + other
    def __rsub__(self, other): return constant(other) - self
    def __rmul__(self, other): return self * other
    def __rtruediv__(self, other): return constant(other) / self

    def exp(self):
        y = math.exp(self.val)
        return Variable("", y, mixed(self, y, constant(0.0), 0.0))


def constant(x):
    return x if isinstance(x, Variable) else Variable("", x, {})


def mixed(a, by_a, b, by_b):
    names = set(a.der) | set(b.der)
    return {name: by_a * a.der.get(name, 0.0) + by_b * b.der.get(name, 0.0) for name in names}
