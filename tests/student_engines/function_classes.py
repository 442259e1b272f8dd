"""Function classes with forward and backward, and `apply` to record them."""

import math


class Context:
    def save(self, *numbers):
        self.saved = numbers


class Function:
    @classmethod
    def apply(cls, *inputs):
        inputs = [x if isinstance(x, Variable) else Variable(x, requires_grad=False) for x in inputs]
        ctx = Context()
        out = Variable(cls.forward(ctx, *[x.data for x in inputs]))
        out.requires_grad = any(x.requires_grad for x in inputs)
        out.made_by = (cls, ctx, inputs)
        return out


class Add(Function):
    @staticmethod
    def forward(ctx, a, b): return a + b
    @staticmethod
    def backward(ctx, g): return g, g


class Sub(Function):
    @staticmethod
    def forward(ctx, a, b): return a - b
    @staticmethod
    def backward(ctx, g): return g, -g


class Mul(Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.save(a, b)
        return a * b

    @staticmethod
    def backward(ctx, g):
        a, b = ctx.saved
        return g * b, g * a


class Div(Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.save(a, b)
        return a / b

    @staticmethod
    def backward(ctx, g):
        a, b = ctx.saved
        return g / b, -g * a / b ** 2


class Pow(Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.save(a, b)
        return a ** b

    @staticmethod
    def backward(ctx, g):
        a, b = ctx.saved
        return g * b * a ** (b - 1), g * a ** b * math.log(a) if a > 0 else 0.0


class Exp(Function):
    @staticmethod
    def forward(ctx, a):
        ctx.save(math.exp(a))
        return math.exp(a)

    @staticmethod
    def backward(ctx, g): return (g * ctx.saved[0],)


class Log(Function):
    @staticmethod
    def forward(ctx, a):
        ctx.save(a)
        return math.log(a)

    @staticmethod
    def backward(ctx, g): return (g / ctx.saved[0],)


class ReLU(Function):
    @staticmethod
    def forward(ctx, a):
        ctx.save(a > 0)
        return max(a, 0.0)

    @staticmethod
    def backward(ctx, g): return (g if ctx.saved[0] else 0.0,)


class Variable:
    def __init__(self, data, requires_grad=True):
        self.data, self.requires_grad, self.grad, self.made_by = float(data), requires_grad, None, None

    def __add__(self, other): return Add.apply(self, other)
    def __radd__(self, other): return Add.apply(other, self)
    def __sub__(self, other): return Sub.apply(self, other)
    def __rsub__(self, other): return Sub.apply(other, self)
    def __mul__(self, other): return Mul.apply(self, other)
    def __rmul__(self, other): return Mul.apply(other, self)
    def __truediv__(self, other): return Div.apply(self, other)
    def __rtruediv__(self, other): return Div.apply(other, self)
    def __pow__(self, other): return Pow.apply(self, other)
    def __rpow__(self, other): return Pow.apply(other, self)
    def __neg__(self): return Sub.apply(0.0, self)

    def backward(self, grad=1.0):
        order, seen = [], set()

        def visit(v):
            if v in seen or not v.requires_grad:
                return
            seen.add(v)
            for parent in v.made_by[2] if v.made_by else ():
                visit(parent)
            order.append(v)

        visit(self)
        arrived = {v: 0.0 for v in order}
        arrived[self] = grad
        for v in reversed(order):
            if v.made_by is None:
                v.grad = (v.grad or 0.0) + arrived[v]
                continue
            kind, ctx, parents = v.made_by
            for parent, g in zip(parents, kind.backward(ctx, arrived[v])):
                if parent.requires_grad:
                    arrived[parent] += g
