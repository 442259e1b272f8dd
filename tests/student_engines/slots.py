"""Slots, read-only properties, and an operation that pulls gradients back."""
import math
class Scalar:
    __slots__ = ("_v", "_g", "_kids", "_pull")
    def __init__(self, v, kids=(), pull=None):
        self._v = v
        self._g = 0.0
        self._kids = kids
        self._pull = pull
    @property
    def value(self): return self._v
    @property
    def gradient(self): return self._g
    def __add__(self, o):
        o = o if isinstance(o, Scalar) else Scalar(o)
        return Scalar(self._v + o._v, (self, o), lambda g: (g, g))
    __radd__ = __add__
    def __mul__(self, o):
        o = o if isinstance(o, Scalar) else Scalar(o)
        return Scalar(self._v * o._v, (self, o), lambda g: (g * o._v, g * self._v))
    __rmul__ = __mul__
    def __neg__(self): return self * -1
    def __sub__(self, o): return self + (-o)
    def __rsub__(self, o): return (-self) + o
    def __pow__(self, n):
        assert isinstance(n, (int, float))
        return Scalar(self._v ** n, (self,), lambda g: (g * n * self._v ** (n - 1),))
    def __truediv__(self, o): return self * (o ** -1)
    def __rtruediv__(self, o): return o * self ** -1
    def relu(self): return Scalar(max(0, self._v), (self,), lambda g: (g * (self._v > 0),))
    def exp(self):
        e = math.exp(self._v)
        return Scalar(e, (self,), lambda g: (g * e,))
    def backward(self):
        order, seen = [], set()
        def go(n):
            if id(n) in seen: return
            seen.add(id(n))
            for k in n._kids: go(k)
            order.append(n)
        go(self)
        for n in order: n._g = 0.0
        self._g = 1.0
        for n in reversed(order):
            if n._pull:
                for k, g in zip(n._kids, n._pull(n._g)): k._g += g
