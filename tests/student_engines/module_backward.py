"""backward is a function of the module; functions are functions of the module too."""

import math


class Var:
    def __init__(self, val):
        self.val = val
        self.gradient = 0
        self.parents = []

    def __add__(self, other): return combine(self, other, lambda a, b: (a + b, 1, 1))
    def __radd__(self, other): return combine(other, self, lambda a, b: (a + b, 1, 1))
    def __sub__(self, other): return combine(self, other, lambda a, b: (a - b, 1, -1))
    def __rsub__(self, other): return combine(other, self, lambda a, b: (a - b, 1, -1))
    def __mul__(self, other): return combine(self, other, lambda a, b: (a * b, b, a))
    def __rmul__(self, other): return combine(other, self, lambda a, b: (a * b, b, a))
    def __truediv__(self, other): return combine(self, other, lambda a, b: (a / b, 1 / b, -a / b ** 2))
    def __rtruediv__(self, other): return combine(other, self, lambda a, b: (a / b, 1 / b, -a / b ** 2))
    def __neg__(self): return combine(0, self, lambda a, b: (a - b, 1, -1))


def combine(a, b, rule):
    a = a if isinstance(a, Var) else Var(a)
    b = b if isinstance(b, Var) else Var(b)
    value, by_a, by_b = rule(a.val, b.val)
    out = Var(value)
    out.parents = [(a, by_a), (b, by_b)]
    return out


def single(x, value, slope):
    out = Var(value)
    out.parents = [(x, slope)]
    return out


def sin(x): return single(x, math.sin(x.val), math.cos(x.val))
def cos(x): return single(x, math.cos(x.val), -math.sin(x.val))
def exp(x): return single(x, math.exp(x.val), math.exp(x.val))
def log(x): return single(x, math.log(x.val), 1 / x.val)


def sort(node, order, seen):
    if node not in seen:
        seen.add(node)
        for parent, _ in node.parents:
            sort(parent, order, seen)
        order.append(node)
    return order


def backward(node):
    order = sort(node, [], set())
    for each in order:
        each.gradient = 0
    node.gradient = 1
    for each in reversed(order):
        for parent, slope in each.parents:
            parent.gradient += each.gradient * slope
