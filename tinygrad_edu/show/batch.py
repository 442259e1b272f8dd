"""A batch as pictures show it: one example, and how many more there are like it.

The last operations of a loss bring its examples together.  Without them, and without the leaves, which are
parameters and data, the graph falls into parts.  Parts of the same operations that share their parameters are
the examples of a batch.
"""

from collections.abc import Callable
from functools import cached_property

from ..engine import ops
from ..engine.formula import Formula
from ..engine.value import Value
from ..symbols.named import DOTS, NEURON, SCALES, SUMS, NamedGraph
from .page import sentences

FEWEST = 4                      # examples
SHORTEST = 2                    # operations of an example
MANY_NODES = 60                 # a smaller graph is shown whole, unless folding is asked for
FEW_PARAMETERS = 8              # so many have an arrow to the box of the other examples
ADDING = frozenset((ops.add, ops.sub))
JOINING = SUMS | SCALES | ADDING
Part = list[Value]              # what is computed for one example, in topological order


def shown_graph(output: Value, names: str, fold: str) -> NamedGraph:
    """The graph as pictures show it: of a batch one example, where `fold` is "example", or "auto" and it is large."""
    graph = NamedGraph(output, names)
    if fold == "example" or (fold == "auto" and len(graph.order) > MANY_NODES):
        top = top_of(graph.order)
        if others := others_of(parts_of(graph.order, top)):
            return BatchGraph(graph, top, others)
    return graph


# ---- to recognise a batch ---------------------------------------------------------------------------------


def computed(node: Value) -> list[Value]:
    """The parents of a node that are computed, each once."""
    return [parent for parent in dict.fromkeys(node.parents) if parent.parents]


def top_of(order: Part) -> set[Value]:
    """What may bring examples together: the way down to the first operation of several, and all that they add up."""
    node, top = order[-1], set()
    while len(inner := computed(node)) == 1 and not NEURON.fullmatch(node.scope):
        top.add(node)
        node = inner[0]
    waiting = [node]
    while waiting:
        found = waiting.pop()
        joins = found is node or found._operation in JOINING
        if joins and found.parents and found not in top and not NEURON.fullmatch(found.scope):
            top.add(found)
            waiting += computed(found)
    return top


def parts_of(order: Part, top: set[Value]) -> list[Part]:
    """What hangs together without the top and the leaves; what the top computes from one part only belongs to it."""
    first: dict[Value, Value] = {}                          # {node: one that it hangs together with, or itself}

    def found(node: Value) -> Value:
        while first[node] is not node:
            first[node] = node = first[first[node]]
        return node

    for node in order:
        inner = computed(node)
        within = {found(parent) for parent in inner if parent in first}
        is_own = len(within) <= 1 and all(parent in first for parent in inner)
        if node.parents and (node not in top or (is_own and not adds_to_zero(node))):
            first[node] = node
            first.update((part, node) for part in within)
    parts: dict[Value, Part] = {}
    for node in first:
        parts.setdefault(found(node), []).append(node)
    return list(parts.values())


def adds_to_zero(node: Value) -> bool:
    """Is this the 0 + x, or 0 - x, that a sum begins with?"""
    zero = node.parents[0]
    return node._operation in ADDING and zero.is_constant and not zero.parents and zero.data == 0


def others_of(parts: list[Part]) -> list[Part]:
    """All examples but the first of each shape; none where nothing is a batch."""
    alike: dict[object, list[tuple[Part, list[Value]]]] = {}
    for part in parts:
        shape, leaves = shape_of(part)
        if len(part) >= SHORTEST and not any(leaf.parents for leaf in leaves):      # which would be of the top
            alike.setdefault(shape, []).append((part, leaves))
    batches = [found for found in alike.values() if len(found) >= FEWEST and share([leaves for _, leaves in found])]
    return [part for found in batches for part, _ in found[1:]]


def shape_of(part: Part) -> tuple[object, list[Value]]:
    """(the operations of a part and what they are applied to, by places, its leaves); numbers do not matter."""
    place: dict[Value, int] = {}
    shape: list[object] = []
    leaves: list[Value] = []
    for node in part:
        for parent in node.parents:
            if parent not in place:
                place[parent] = len(place)
                leaves.append(parent)
                shape.append(parent.is_constant)
        shape.append((node._operation, node.scope, tuple(place[parent] for parent in node.parents)))
        place[node] = len(place)
    return tuple(shape), leaves


def share(examples: list[list[Value]]) -> bool:
    """Do parts of one shape share more parameters than each has of its own?

    The neurons of a layer, or the products of w · x, share their inputs, but each has weights of its own.
    """
    shared = own = 0
    for first, *others in zip(*examples):
        if not first.is_constant:
            is_shared = all(leaf is first for leaf in others)
            shared, own = shared + is_shared, own + (not is_shared)
    return shared > own


# ---- to show one example ----------------------------------------------------------------------------------


class BatchGraph(NamedGraph):
    """A graph of which one example is shown, and a single node that stands for all others.

    whole       every node, and `hidden` those of the other examples
    stand_in    the node that is shown for them; it has no number
    instead     {node of the top: the one shown in its place}, where a sum is shown as one operation

    >>> w = Value(2.0, label="w")
    >>> loss = ops.mean([(w * x - 1) ** 2 for x in (1.0, 2.0, 3.0, 4.0, 5.0)])
    >>> graph = shown_graph(loss, "auto", "example")
    >>> graph.others, graph.made(graph.output)
    ('… and 4 more', 'mean(v3, …)')
    """

    def __init__(self, graph: NamedGraph, top: set[Value], others: list[Part]):
        self.wanted_names, self.whole, self.count = graph.wanted_names, graph.order, len(others)
        self.others = sentences("picture")["others"].format(count=self.count)
        self.stand_in = Value(0.0, label="…")
        self.stand_in.is_constant = True
        self.instead = dict.fromkeys([node for part in others for node in part], self.stand_in)
        self.replace([node for node in self.whole if node in top and node not in self.instead])
        self.hidden = frozenset(node for node, seen in self.instead.items() if seen is self.stand_in)
        used = {parent for node in self.whole if node not in self.hidden for parent in node.parents}
        shown = [node for node in self.whole if node in used or node is self.whole[-1]]
        start = next(i for i, node in enumerate(shown) if node in self.hidden)
        self.order = [*shown[:start], self.stand_in, *shown[start:]]
        needed = {parent for node in self.hidden for parent in node.parents}
        self.parameters = [node for node in shown[:start] if node in needed and not (node.parents or node.is_constant)]

    def replace(self, top: Part) -> None:
        """Find what is shown instead of what is computed of others only, and instead of sums within sums."""
        instead = self.instead
        users: dict[Value, Part] = {node: [] for node in top}
        for node in self.whole:
            inner = computed(node)
            if node in users and inner and all(parent in instead for parent in inner):
                instead[node] = self.stand_in
            for parent in inner:
                if parent in users:
                    users[parent].append(node)
        for node in top:
            shown = {instead.get(parent, parent) for parent in computed(node)}
            own = shown - {self.stand_in}
            if len(own) == 1 < len(shown) and self.goes_on(node, users[node]):
                instead[node] = own.pop()

    def goes_on(self, node: Value, users: Part) -> bool:
        """Is this a sum that nothing but a longer sum uses, to which others are added?"""
        if node._operation not in ADDING or len(users) != 1 or users[0]._operation not in ADDING:
            return False
        keeps_sign = node._operation is ops.add or self.instead.get(node.parents[0]) is not self.stand_in
        is_first = users[0]._operation is ops.add or users[0].parents[0] is node
        return keeps_sign and is_first and any(self.instead.get(p) is self.stand_in for p in users[0].parents)

    def passed_over(self, node: Value) -> Value:
        return self.instead[node] if node in self.instead else super().passed_over(node)

    def written_out(self, node: Value, write: Callable[[Value], Formula]) -> Formula:
        def shown(parent: Value) -> Formula:
            seen = self.stands_for[parent] if parent in self.instead else parent
            return DOTS if seen is self.stand_in else write(seen)
        return super().written_out(node, shown)

    @cached_property
    def is_short(self) -> bool:
        return self.wanted_names == "auto"

    @cached_property
    def twins(self) -> dict[Value, Value]:
        return {self.stands_for[node]: node for node in self.order if node not in self.instead}

    def parents(self, node: Value) -> list[Value]:
        """Those of a shown node; the others have an arrow from each parameter if these are few, and of no network."""
        if node is not self.stand_in:
            return super().parents(node)
        are_few = len(self.parameters) <= FEW_PARAMETERS and not any(node.scope for node in self.parameters)
        return self.parameters if are_few else []
