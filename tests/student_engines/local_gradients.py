"""Each result keeps the numbers it was made from and the slope by each; no recursion; inner nodes start from 0."""

import math


class Number:
    __slots__ = ("data", "grad", "parents", "slopes")

    def __init__(self, data, parents=(), slopes=()):
        self.data, self.parents, self.slopes = float(data), parents, slopes
        self.grad = 0.0

    def _binary(self, other, f, slopes):
        other = other if isinstance(other, Number) else Number(other)
        return Number(f(self.data, other.data), (self, other), slopes(self.data, other.data))

    def _unary(self, value, slope):
        return Number(value, (self,), (slope,))

    def __add__(self, other): return self._binary(other, lambda a, b: a + b, lambda a, b: (1, 1))
    def __sub__(self, other): return self._binary(other, lambda a, b: a - b, lambda a, b: (1, -1))
    def __mul__(self, other): return self._binary(other, lambda a, b: a * b, lambda a, b: (b, a))
    def __truediv__(self, other): return self._binary(other, lambda a, b: a / b, lambda a, b: (1 / b, -a / b / b))
    def __neg__(self): return self._unary(-self.data, -1)
    def __radd__(self, other): return Number(other) + self
    def __rsub__(self, other): return Number(other) - self
    def __rmul__(self, other): return Number(other) * self
    def __rtruediv__(self, other): return Number(other) / self
    def __rpow__(self, other): return Number(other) ** self

    def __pow__(self, other):
        if not isinstance(other, Number):
            return self._unary(self.data ** other, other * self.data ** (other - 1) if other else 0.0)
        value = self.data ** other.data
        by_base = other.data * self.data ** (other.data - 1)
        return Number(value, (self, other), (by_base, value * math.log(self.data)))

    def relu(self): return self._unary(max(0.0, self.data), 1.0 if self.data > 0 else 0.0)
    def abs(self): return self._unary(abs(self.data), (self.data > 0) - (self.data < 0))
    def tanh(self): return self._unary(math.tanh(self.data), 1 - math.tanh(self.data) ** 2)
    def exp(self): return self._unary(math.exp(self.data), math.exp(self.data))
    def log(self): return self._unary(math.log(self.data), 1 / self.data)
    def sqrt(self): return self._unary(math.sqrt(self.data), 0.5 / math.sqrt(self.data))
    def sin(self): return self._unary(math.sin(self.data), math.cos(self.data))
    def cos(self): return self._unary(math.cos(self.data), -math.sin(self.data))

    def sigmoid(self):
        e = math.exp(-abs(self.data))
        s = 1 / (1 + e) if self.data >= 0 else e / (1 + e)
        return self._unary(s, s * (1 - s))

    def order(self):
        done, seen, stack = [], set(), [(self, False)]
        while stack:
            node, finished = stack.pop()
            if finished:
                done.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack += [(parent, False) for parent in node.parents]
        return done

    def backward(self):
        order = self.order()
        for node in order:
            if node.parents:
                node.grad = 0.0
        self.grad = 1.0
        for node in reversed(order):
            for parent, slope in zip(node.parents, node.slopes):
                parent.grad += slope * node.grad

    def zero_grad(self):
        self.grad = 0.0
