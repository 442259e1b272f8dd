"""An engine, and below it the experiments of an evening: importing this file takes minutes and draws plots."""

import random

import matplotlib.pyplot as plt
from graphviz import Digraph


class Value:
    def __init__(self, data, prev=()):
        self.data, self.prev, self.grad = data, prev, 0.0

    def __add__(self, other):
        other = to_value(other)
        return Value(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other):
        other = to_value(other)
        return Value(self.data * other.data, ((self, other.data), (other, self.data)))

    def __sub__(self, other): return self + to_value(other) * -1.0
    def __neg__(self): return self * -1.0
    def __radd__(self, other): return self + other
    def __rsub__(self, other): return to_value(other) - self
    def __rmul__(self, other): return self * other

    def backward(self):
        order, seen = [], set()

        def visit(v):
            if v not in seen:
                seen.add(v)
                for p, _ in v.prev:
                    visit(p)
                order.append(v)
        visit(self)
        for v in order:
            v.grad = 0.0
        self.grad = 1.0
        for v in reversed(order):
            for p, slope in v.prev:
                p.grad += slope * v.grad


def to_value(x):
    return x if isinstance(x, Value) else Value(x)


print("training ...")
data = [(x / 10, 3 * x / 10 + 1) for x in range(100)]
w, b = Value(random.random()), Value(0.0)
losses = []
for epoch in range(100_000):
    loss = Value(0.0)
    for x, y in data:
        error = w * x + b - y
        loss = loss + error * error
    loss.backward()
    w, b = Value(w.data - 1e-5 * w.grad), Value(b.data - 1e-5 * b.grad)
    losses.append(loss.data)

plt.plot(losses)
plt.show()
dot = Digraph()
dot.render("graph", view=True)
