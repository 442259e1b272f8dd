"""Gradients are pulled: a number knows what was made of it, and asks there.  The output is told `grad_value = 1`."""

import math


class Var:
    def __init__(self, value):
        self.value = value
        self.children = []
        self.grad_value = None

    def grad(self):
        if self.grad_value is None:
            self.grad_value = sum(weight * child.grad() for weight, child in self.children)
        return self.grad_value

    def __add__(self, other):
        other = as_var(other)
        z = Var(self.value + other.value)
        self.children.append((1.0, z))
        other.children.append((1.0, z))
        return z

    def __mul__(self, other):
        other = as_var(other)
        z = Var(self.value * other.value)
        self.children.append((other.value, z))
        other.children.append((self.value, z))
        return z

    def __sub__(self, other): return self + as_var(other) * -1.0
    def __truediv__(self, other): return self * reciprocal(as_var(other))
    def __neg__(self): return self * -1.0
    def __radd__(self, other): return as_var(other) + self
    def __rsub__(self, other): return as_var(other) - self
    def __rmul__(self, other): return as_var(other) * self
    def __rtruediv__(self, other): return as_var(other) / self


def as_var(x):
    return x if isinstance(x, Var) else Var(x)


def reciprocal(x):
    z = Var(1.0 / x.value)
    x.children.append((-z.value / x.value, z))
    return z


def sin(x):
    z = Var(math.sin(x.value))
    x.children.append((math.cos(x.value), z))
    return z


if __name__ == "__main__":
    x, y = Var(3.0), Var(4.0)
    z = x * y + sin(x)
    z.grad_value = 1.0
    print(x.grad(), y.grad())
