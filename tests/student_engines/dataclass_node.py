"""A dataclass; the edges are pairs of a node and a slope."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass(eq=False)
class Node:
    value: float
    edges: list[tuple[Node, float]] = field(default_factory=list)
    grad: float = 0.0

    def __add__(self, other: Node | float) -> Node:
        other = as_node(other)
        return Node(self.value + other.value, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other: Node | float) -> Node:
        other = as_node(other)
        return Node(self.value * other.value, [(self, other.value), (other, self.value)])

    def __sub__(self, other: Node | float) -> Node:
        return self + as_node(other) * -1.0

    def __truediv__(self, other: Node | float) -> Node:
        return self * as_node(other).inverse()

    def __neg__(self) -> Node:
        return self * -1.0

    def __rsub__(self, other: float) -> Node:
        return as_node(other) - self

    def __rtruediv__(self, other: float) -> Node:
        return as_node(other) / self

    __radd__ = __add__
    __rmul__ = __mul__

    def inverse(self) -> Node:
        return Node(1 / self.value, [(self, -1 / self.value ** 2)])

    def exp(self) -> Node:
        y = math.exp(self.value)
        return Node(y, [(self, y)])

    def log(self) -> Node:
        return Node(math.log(self.value), [(self, 1 / self.value)])

    def sin(self) -> Node:
        return Node(math.sin(self.value), [(self, math.cos(self.value))])

    def backward(self) -> None:
        order: list[Node] = []

        def visit(node: Node, seen: set[int]) -> None:
            if id(node) in seen:
                return
            seen.add(id(node))
            for parent, _ in node.edges:
                visit(parent, seen)
            order.append(node)

        visit(self, set())
        self.grad = 1.0
        for node in reversed(order):
            for parent, slope in node.edges:
                parent.grad += node.grad * slope


def as_node(x: Node | float) -> Node:
    return x if isinstance(x, Node) else Node(x)
