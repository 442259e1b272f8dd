"""Nothing is public but `item()`, and `_grad` by its look."""


class Scalar:
    def __init__(self, data, _args=(), _slopes=()):
        self._data = data
        self._args = _args
        self._slopes = _slopes
        self._grad = 0.0

    def item(self):
        return self._data

    def __add__(self, other):
        other = other if isinstance(other, Scalar) else Scalar(other)
        return Scalar(self._data + other._data, (self, other), (1.0, 1.0))

    def __sub__(self, other):
        other = other if isinstance(other, Scalar) else Scalar(other)
        return Scalar(self._data - other._data, (self, other), (1.0, -1.0))

    def __mul__(self, other):
        other = other if isinstance(other, Scalar) else Scalar(other)
        return Scalar(self._data * other._data, (self, other), (other._data, self._data))

    def __neg__(self): return Scalar(-self._data, (self,), (-1.0,))
    def __radd__(self, other): return self + other
    def __rsub__(self, other): return Scalar(other) - self
    def __rmul__(self, other): return self * other

    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for arg in node._args:
                    visit(arg)
                order.append(node)
        visit(self)
        self._grad = 1.0
        for node in reversed(order):
            for arg, slope in zip(node._args, node._slopes):
                arg._grad += node._grad * slope
