"""The graph that worked steps speak of, and its numbers: as they are written, and as they are in truth.

`Graph` says how the nodes are made of one another.  A `World` has a number for each of them, and the gradients that
have arrived so far.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import reduce
from typing import NamedTuple

from .read import NotUnderstood, Statement
from .written import Atom, Gradient, Number, Written

ZERO, ONE = Number(Fraction(0)), Number(Fraction(1))


class Arrow(NamedTuple):
    """From an input to what is made of it: the i-th input of `user`."""
    user: str
    i: int


class Graph:
    """How the nodes are made of one another, as the steps have it."""

    def __init__(self, statements: Sequence[Statement], seed: Number):
        self.seed = seed
        self.made: dict[str, Written] = {}
        for s in statements:
            if s.kind == "value" and s.made is not None:
                before = self.made.get(s.name)
                if before and not self.made.keys() & {*before.names} and self.made.keys() & {*s.made.names}:
                    del self.made[s.name]                               # f = (x + y) * z, and then f = q * z
                self.made.setdefault(s.name, s.made)
        used = {name for made in self.made.values() for name in made.names}
        ends = [name for name in self.made if name not in used]
        named = [s.name for s in statements if s.kind == "total" and s.name in ends]
        self.output = [*ends, *named][-1] if ends else ""
        self.into: dict[str, list[Arrow]] = {}
        for user, made in self.made.items():
            for i, atom in enumerate(made.atoms):
                if isinstance(atom, str):
                    self.into.setdefault(atom, []).append(Arrow(user, i))

    def arrows(self, node: str) -> list[Arrow]:
        """Those along which a gradient comes to a node."""
        return self.into.get(node, [])

    def value_at(self, numbers: dict[str, Number]) -> Number | None:
        """What the output comes to with other numbers at the leaves; None if one has no number."""
        values = dict(numbers)
        for name, made in self.made.items():
            if not values.keys() >= {*made.names}:
                return None
            values[name] = made.at([atom if isinstance(atom, Number) else values[str(atom)] for atom in made.atoms])[0]
        return values[self.output]

    @property
    def nodes(self) -> set[str]:
        """All of them, leaves too."""
        return {*self.made, *self.into}


class World:
    """Numbers of nodes, and the gradients that have arrived so far: those that are written, or the true ones.

    values   {node: number}
    so_far   {node: gradient} after the lines so far
    """

    def __init__(self, graph: "Graph", believes: bool):
        self.graph, self.believes = graph, believes
        self.values: dict[str, Number] = {}
        self.so_far: dict[str, Number] = {}
        self.slopes: dict[str, list[Number]] = {}           # known so far, as the next
        self.gradients: dict[str, Number] = {}

    def value(self, node: str) -> Number:
        """The number of a node; NotUnderstood where no line above gives it."""
        if node not in self.values:
            raise NotUnderstood(f"{node} has no number yet: give it above, such as {node} = 2")
        return self.values[node]

    def known(self, node: str, number: Number) -> None:
        """Take a number for a node."""
        self.values[node] = number
        self.slopes.clear()
        self.gradients.clear()

    def has_arrived(self, node: str, gradient: Number) -> None:
        """Take a number for the gradient of a node so far."""
        self.so_far[node] = gradient
        if self.believes:
            self.gradients.clear()

    def slope(self, arrow: Arrow) -> Number:
        """The local derivative along an arrow."""
        if arrow.user not in self.slopes:
            made = self.graph.made[arrow.user]
            self.slopes[arrow.user] = made.at([self.resolved(atom) for atom in made.atoms])[1]
        return self.slopes[arrow.user][arrow.i]

    def share(self, arrow: Arrow) -> Number:
        """What comes along an arrow."""
        slope = self.slope(arrow)
        return self.grad(arrow.user).times(slope) if slope.value or slope.slack else ZERO

    def shares(self, arrows: Iterable[Arrow]) -> Number:
        """What comes along several arrows."""
        return total(map(self.share, arrows))

    def grad(self, node: str) -> Number:
        """The gradient of a node: as written, where it is and that counts, else derived."""
        if self.believes and node in self.so_far:
            return self.so_far[node]
        if not self.gradients:
            self.gradients = self.derivatives(self.graph.output)
        return self.gradients.get(node, ZERO)

    def derivatives(self, of: str) -> dict[str, Number]:
        """The derivatives of a node by all it is made from; where gradients are believed, those of the output are."""
        found = {of: self.graph.seed if of == self.graph.output else ONE}
        for node in reversed(list(self.graph.made)):
            if self.believes and of == self.graph.output and node in self.so_far:
                found[node] = self.so_far[node]
            if node in found and all(name in self.values for name in self.graph.made[node].names):
                for i, atom in enumerate(self.graph.made[node].atoms):
                    if isinstance(atom, str):
                        part = found[node].times(self.slope(Arrow(node, i)))
                        found[atom] = found[atom].plus(part) if atom in found else part
        return found

    def resolved(self, atom: Atom, local: bool = False, along: Sequence[Arrow] = ()) -> Number:
        """The number that an atom stands for.

        local   ∂f/∂x is a local derivative, wherever there is an arrow
        along   the arrows that are spoken of, where there are several from x to f
        """
        if isinstance(atom, Number):
            return atom
        if isinstance(atom, str):
            return self.value(atom)
        if isinstance(atom, Gradient):
            return self.grad(atom.of)
        arrows = [arrow for arrow in self.graph.arrows(atom.by) if arrow.user == atom.of]
        arrows = [arrow for arrow in arrows if arrow in along] or arrows
        if atom.of == self.graph.output and not (local and arrows):
            return self.grad(atom.by)
        return total(map(self.slope, arrows)) if arrows else self.derivatives(atom.of).get(atom.by, ZERO)


def total(numbers: Iterable[Number]) -> Number:
    return reduce(Number.plus, numbers, ZERO)
