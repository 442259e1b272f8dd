"""Half of it is there; the rest raises NotImplementedError."""


class Value:
    def __init__(self, data, prev=()):
        self.data, self.prev, self.grad = data, prev, 0.0

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other):
        raise NotImplementedError("your code here")

    def backward(self):
        raise NotImplementedError("your code here")
