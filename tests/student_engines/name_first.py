"""A node is made of a name and a number, in this order."""


class Node:
    def __init__(self, name, val, parent_nodes=(), local=()):
        self.name = name
        self.val = val
        self.parent_nodes = parent_nodes
        self.local = local
        self.adjoint = 0.0

    def lift(self, x):
        return x if isinstance(x, Node) else Node(str(x), x)

    def __add__(self, other):
        other = self.lift(other)
        return Node(f"({self.name} + {other.name})", self.val + other.val, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        other = self.lift(other)
        return Node(f"{self.name} * {other.name}", self.val * other.val, (self, other), (other.val, self.val))

    def __truediv__(self, other):
        other = self.lift(other)
        return Node(f"{self.name} / {other.name}", self.val / other.val, (self, other),
                    (1 / other.val, -self.val / other.val ** 2))

    def __sub__(self, other): return self + self.lift(other) * -1
    def __neg__(self): return self * -1
    def __radd__(self, other): return self.lift(other) + self
    def __rsub__(self, other): return self.lift(other) - self
    def __rmul__(self, other): return self.lift(other) * self
    def __rtruediv__(self, other): return self.lift(other) / self

    def backprop(self):
        order = []
        self.collect(order)
        for node in order:
            node.adjoint = 0.0
        self.adjoint = 1.0
        for node in reversed(order):
            for parent, slope in zip(node.parent_nodes, node.local):
                parent.adjoint += slope * node.adjoint

    def collect(self, order):
        for parent in self.parent_nodes:
            if parent not in order:
                parent.collect(order)
        order.append(self)
