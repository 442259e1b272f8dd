"""NumPy inside: data and grad are arrays of one element."""

import numpy as np


class Tensor:
    def __init__(self, data, parents=()):
        self.data = np.array([data], float) if np.ndim(data) == 0 else np.asarray(data, float)
        self.grad = np.zeros_like(self.data)
        self.parents = parents

    def __add__(self, other):
        other = tensor(other)
        return Tensor(self.data + other.data, ((self, np.ones(1)), (other, np.ones(1))))

    def __sub__(self, other):
        other = tensor(other)
        return Tensor(self.data - other.data, ((self, np.ones(1)), (other, -np.ones(1))))

    def __mul__(self, other):
        other = tensor(other)
        return Tensor(self.data * other.data, ((self, other.data), (other, self.data)))

    def __truediv__(self, other):
        other = tensor(other)
        return Tensor(self.data / other.data, ((self, 1 / other.data), (other, -self.data / other.data ** 2)))

    def __neg__(self): return self * -1.0
    def __radd__(self, other): return tensor(other) + self
    def __rsub__(self, other): return tensor(other) - self
    def __rmul__(self, other): return tensor(other) * self
    def __rtruediv__(self, other): return tensor(other) / self
    def exp(self): return Tensor(np.exp(self.data), ((self, np.exp(self.data)),))
    def relu(self): return Tensor(np.maximum(self.data, 0), ((self, (self.data > 0).astype(float)),))

    def backward(self):
        order, seen = [], set()

        def visit(t):
            if id(t) not in seen:
                seen.add(id(t))
                for p, _ in t.parents:
                    visit(p)
                order.append(t)
        visit(self)
        for t in order:
            t.grad = np.zeros_like(t.data)
        self.grad = np.ones_like(self.data)
        for t in reversed(order):
            for p, slope in t.parents:
                p.grad += slope * t.grad


def tensor(x):
    return x if isinstance(x, Tensor) else Tensor(x)
