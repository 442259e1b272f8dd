"""reLU, ln and logistic: the same functions under other names, some of them static methods."""

import math


class Value:
    def __init__(self, data, children=(), rule=None):
        self.data, self.children, self.rule, self.grad = data, children, rule, 0.0

    def __add__(self, other):
        other = Value.wrap(other)
        return Value(self.data + other.data, (self, other), lambda g: (g, g))

    def __sub__(self, other):
        other = Value.wrap(other)
        return Value(self.data - other.data, (self, other), lambda g: (g, -g))

    def __mul__(self, other):
        other = Value.wrap(other)
        return Value(self.data * other.data, (self, other), lambda g: (g * other.data, g * self.data))

    def __neg__(self): return Value.wrap(0.0) - self
    def __radd__(self, other): return Value.wrap(other) + self
    def __rsub__(self, other): return Value.wrap(other) - self
    def __rmul__(self, other): return Value.wrap(other) * self

    @staticmethod
    def wrap(x):
        return x if isinstance(x, Value) else Value(x)

    @staticmethod
    def ln(x):
        return Value(math.log(x.data), (x,), lambda g: (g / x.data,))

    @staticmethod
    def logistic(x):
        s = 1 / (1 + math.exp(-x.data))
        return Value(s, (x,), lambda g: (g * s * (1 - s),))

    def reLU(self):
        return Value(max(0.0, self.data), (self,), lambda g: (g * (self.data > 0),))

    def backward(self):
        for v in (order := self.walk([], set())):
            v.grad = 0.0
        self.grad = 1.0
        for v in reversed(order):
            if v.rule:
                for child, g in zip(v.children, v.rule(v.grad)):
                    child.grad += g

    def walk(self, order, seen):
        if self not in seen:
            seen.add(self)
            for child in self.children:
                child.walk(order, seen)
            order.append(self)
        return order
