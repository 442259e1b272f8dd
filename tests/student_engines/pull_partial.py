"""Pulled gradients that can be asked for again and again: `x.partial()` after `y.seed()`; nothing recurses."""

import math
import weakref
from itertools import count

births = count()


class Reverse:
    output = None

    def __init__(self, real, inputs=()):
        self.real = float(real)
        self.birth = next(births)
        self.made = []
        self.inputs = inputs
        for source, slope in inputs:
            source.made.append((weakref.ref(self), slope))

    @staticmethod
    def lift(x):
        return x if isinstance(x, Reverse) else Reverse(x)

    def __add__(self, other):
        other = self.lift(other)
        return Reverse(self.real + other.real, ((self, 1.0), (other, 1.0)))

    def __sub__(self, other):
        other = self.lift(other)
        return Reverse(self.real - other.real, ((self, 1.0), (other, -1.0)))

    def __mul__(self, other):
        other = self.lift(other)
        return Reverse(self.real * other.real, ((self, other.real), (other, self.real)))

    def __truediv__(self, other):
        other = self.lift(other)
        return Reverse(self.real / other.real, ((self, 1 / other.real), (other, -self.real / other.real ** 2)))

    def __pow__(self, n): return Reverse(self.real ** n, ((self, n * self.real ** (n - 1)),))
    def __neg__(self): return Reverse(-self.real, ((self, -1.0),))
    def __radd__(self, other): return self.lift(other) + self
    def __rsub__(self, other): return self.lift(other) - self
    def __rmul__(self, other): return self.lift(other) * self
    def __rtruediv__(self, other): return self.lift(other) / self
    def exp(self): return Reverse(math.exp(self.real), ((self, math.exp(self.real)),))
    def sin(self): return Reverse(math.sin(self.real), ((self, math.cos(self.real)),))

    def seed(self):
        Reverse.output = weakref.ref(self)

    def living(self):
        return [(child, slope) for child, slope in ((ref(), slope) for ref, slope in self.made) if child is not None]

    def partial(self):
        later, waiting = {self}, [self]
        while waiting:
            for child, _ in waiting.pop().living():
                if child not in later:
                    later.add(child)
                    waiting.append(child)
        partials = {}
        for node in sorted(later, key=lambda node: -node.birth):
            partials[node] = 1.0 if node is Reverse.output() else sum(
                slope * partials[child] for child, slope in node.living())
        return partials[self]
