"""backward returns {node: gradient}; the nodes themselves hold none."""

import math


class Term:
    def __init__(self, value, inputs=()):
        self.value = value
        self.inputs = inputs

    def __add__(self, other): return make(self, other, lambda a, b: (a + b, 1.0, 1.0))
    def __radd__(self, other): return make(other, self, lambda a, b: (a + b, 1.0, 1.0))
    def __sub__(self, other): return make(self, other, lambda a, b: (a - b, 1.0, -1.0))
    def __rsub__(self, other): return make(other, self, lambda a, b: (a - b, 1.0, -1.0))
    def __mul__(self, other): return make(self, other, lambda a, b: (a * b, b, a))
    def __rmul__(self, other): return make(other, self, lambda a, b: (a * b, b, a))
    def __truediv__(self, other): return make(self, other, lambda a, b: (a / b, 1 / b, -a / b ** 2))
    def __rtruediv__(self, other): return make(other, self, lambda a, b: (a / b, 1 / b, -a / b ** 2))
    def __neg__(self): return Term(-self.value, ((self, -1.0),))
    def relu(self): return Term(max(self.value, 0.0), ((self, 1.0 if self.value > 0 else 0.0),))
    def tanh(self): return Term(math.tanh(self.value), ((self, 1 - math.tanh(self.value) ** 2),))

    def backward(self):
        uses, waiting = {}, [self]
        while waiting:
            for source, _ in waiting.pop().inputs:
                if source not in uses:
                    waiting.append(source)
                uses[source] = uses.get(source, 0) + 1
        grads, ready = {self: 1.0}, [self]
        while ready:
            node = ready.pop()
            for source, slope in node.inputs:
                grads[source] = grads.get(source, 0.0) + slope * grads[node]
                uses[source] -= 1
                if not uses[source]:
                    ready.append(source)
        return grads


def make(a, b, rule):
    a, b = (x if isinstance(x, Term) else Term(x) for x in (a, b))
    value, by_a, by_b = rule(a.value, b.value)
    return Term(value, ((a, by_a), (b, by_b)))
