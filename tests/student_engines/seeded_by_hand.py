"""The caller says `out.grad = 1.0` before `out.backward()`."""


class Scalar:
    def __init__(self, data, made_from=()):
        self.data = data
        self.grad = 0.0
        self.made_from = made_from

    @staticmethod
    def of(x):
        return x if isinstance(x, Scalar) else Scalar(x)

    def __add__(self, other):
        other = Scalar.of(other)
        return Scalar(self.data + other.data, ((self, 1), (other, 1)))

    def __sub__(self, other):
        other = Scalar.of(other)
        return Scalar(self.data - other.data, ((self, 1), (other, -1)))

    def __mul__(self, other):
        other = Scalar.of(other)
        return Scalar(self.data * other.data, ((self, other.data), (other, self.data)))

    def __truediv__(self, other):
        other = Scalar.of(other)
        quotient = self.data / other.data
        return Scalar(quotient, ((self, 1 / other.data), (other, -quotient / other.data)))

    def __radd__(self, other): return Scalar(other) + self
    def __rsub__(self, other): return Scalar(other) - self
    def __rmul__(self, other): return Scalar(other) * self
    def __rtruediv__(self, other): return Scalar(other) / self
    def __neg__(self): return self * -1

    def relu(self):
        return Scalar(max(0.0, self.data), ((self, 1 if self.data > 0 else 0),))

    def backward(self):
        for node in self.sorted_nodes():
            for source, slope in node.made_from:
                source.grad += slope * node.grad

    def sorted_nodes(self):
        waiting, count = [self], {}
        while waiting:
            node = waiting.pop()
            for source, _ in node.made_from:
                count[source] = count.get(source, 0) + 1
                if count[source] == 1:
                    waiting.append(source)
        ready, order = [self], []
        while ready:
            node = ready.pop()
            order.append(node)
            for source, _ in node.made_from:
                count[source] -= 1
                if count[source] == 0:
                    ready.append(source)
        return order


if __name__ == "__main__":
    x, y = Scalar(3.0), Scalar(4.0)
    z = x * y + x
    z.grad = 1.0
    z.backward()
    print(x.grad, y.grad)
