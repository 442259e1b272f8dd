"""Every path is walked by itself: right numbers, without an order, in a time that doubles with every reuse."""


class Value:
    def __init__(self, data, prev=()):
        self.data, self.prev, self.grad = data, prev, 0.0

    def __add__(self, other):
        other = value(other)
        return Value(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other):
        other = value(other)
        return Value(self.data * other.data, ((self, other.data), (other, self.data)))

    def __sub__(self, other): return self + value(other) * -1.0
    def __neg__(self): return self * -1.0
    def __radd__(self, other): return self + other
    def __rsub__(self, other): return value(other) - self
    def __rmul__(self, other): return self * other

    def backward(self, arriving=1.0):
        self.grad += arriving
        for parent, slope in self.prev:
            parent.backward(arriving * slope)


def value(x):
    return x if isinstance(x, Value) else Value(x)
