"""Only tensors: lists of numbers, element by element; `total` makes one number of them."""


class Tensor:
    def __init__(self, numbers, inputs=()):
        self.numbers = list(numbers)
        self.inputs = inputs
        self.gradient = [0.0] * len(self.numbers)

    def __add__(self, other):
        return Tensor([a + b for a, b in zip(self.numbers, other.numbers)], [(self, one(self)), (other, one(self))])

    def __sub__(self, other):
        minus = [-1.0] * len(self.numbers)
        return Tensor([a - b for a, b in zip(self.numbers, other.numbers)], [(self, one(self)), (other, minus)])

    def __mul__(self, other):
        return Tensor([a * b for a, b in zip(self.numbers, other.numbers)],
                      [(self, other.numbers), (other, self.numbers)])

    def __neg__(self):
        return Tensor([-a for a in self.numbers], [(self, [-1.0] * len(self.numbers))])

    def total(self):
        return Tensor([sum(self.numbers)], [(self, one(self))])

    def backward(self, seed):
        order = []

        def visit(t):
            if t not in order:
                for source, _ in t.inputs:
                    visit(source)
                order.append(t)
        visit(self)
        for t in order:
            t.gradient = [0.0] * len(t.numbers)
        self.gradient = list(seed)
        for t in reversed(order):
            for source, slopes in t.inputs:
                ups = t.gradient * len(slopes) if len(t.gradient) == 1 else t.gradient
                source.gradient = [g + s * u for g, s, u in zip(source.gradient, slopes, ups)]


def one(t):
    return [1.0] * len(t.numbers)
