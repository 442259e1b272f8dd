"""An engine in a package: it finds its rules by a relative import."""

from . import rules


class Scalar:
    def __init__(self, value):
        self.value = value
        self.grad = 0.0
        self.parents = ()

    @staticmethod
    def record(rule, *inputs):
        inputs = [x if isinstance(x, Scalar) else Scalar(x) for x in inputs]
        value, *slopes = rule(*[x.value for x in inputs])
        out = Scalar(value)
        out.parents = tuple(zip(inputs, slopes))
        return out

    def __add__(self, other): return self.record(rules.add, self, other)
    def __radd__(self, other): return self.record(rules.add, other, self)
    def __sub__(self, other): return self.record(rules.sub, self, other)
    def __rsub__(self, other): return self.record(rules.sub, other, self)
    def __mul__(self, other): return self.record(rules.mul, self, other)
    def __rmul__(self, other): return self.record(rules.mul, other, self)
    def __truediv__(self, other): return self.record(rules.div, self, other)
    def __rtruediv__(self, other): return self.record(rules.div, other, self)
    def __neg__(self): return self.record(rules.sub, 0.0, self)
    def exp(self): return self.record(rules.exp, self)
    def tanh(self): return self.record(rules.tanh, self)

    def backward(self):
        order = []

        def visit(node):
            if node not in order:
                for parent, _ in node.parents:
                    visit(parent)
                order.append(node)
        visit(self)
        self.grad = 1.0
        for node in reversed(order):
            for parent, slope in node.parents:
                parent.grad += node.grad * slope
