"""`value`, `derivative`, `backpropagate` and `clear_derivatives`: other words for the same."""

import math


class Quantity:
    def __init__(self, value, sources=()):
        self.value, self.sources, self.derivative = value, sources, 0.0

    @classmethod
    def lift(cls, x):
        return x if isinstance(x, cls) else cls(x)

    def __add__(self, other):
        other = self.lift(other)
        return Quantity(self.value + other.value, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        other = self.lift(other)
        return Quantity(self.value * other.value, [(self, other.value), (other, self.value)])

    def __pow__(self, other):
        other = self.lift(other)
        value = self.value ** other.value
        sources = [(self, other.value * self.value ** (other.value - 1))]
        if self.value > 0:
            sources.append((other, value * math.log(self.value)))
        return Quantity(value, sources)

    def __neg__(self): return Quantity(-self.value, [(self, -1.0)])
    def __sub__(self, other): return self + (-self.lift(other))
    def __truediv__(self, other): return self * self.lift(other) ** -1
    def __radd__(self, other): return self.lift(other) + self
    def __rsub__(self, other): return self.lift(other) - self
    def __rmul__(self, other): return self.lift(other) * self
    def __rtruediv__(self, other): return self.lift(other) / self

    def tanh(self):
        t = math.tanh(self.value)
        return Quantity(t, [(self, 1 - t ** 2)])

    def in_order(self, seen):
        if id(self) in seen:
            return []
        seen.add(id(self))
        return [node for source, _ in self.sources for node in source.in_order(seen)] + [self]

    def backpropagate(self):
        self.derivative = 1.0
        for node in reversed(self.in_order(set())):
            for source, slope in node.sources:
                source.derivative += node.derivative * slope

    def clear_derivatives(self):
        for node in self.in_order(set()):
            node.derivative = 0.0
