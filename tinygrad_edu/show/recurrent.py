"""Recurrent graphs: the same cell at every time step, each time with the same weights.

Nobody has to name the time steps: they are seen from the structure.  A leaf that is used again, with what came
out of an earlier use of it, begins a new one.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

from ..engine.value import Value
from ..symbols.named import NamedGraph
from .parts import Parts

LEAST, FEW = 2, 15      # operations of a cell; nodes of a graph that is seen at a glance without time steps
Steps = Counts = dict[Value, int]
Users = dict[Value, list[Value]]


class Unrolled(NamedTuple):
    """The time steps of a recurrent graph.

    count     how many they are
    steps     {node: its time step}; `count` for what comes after the last one, such as the loss
    keys      {operation: what it is in its cell, the same as its likes in other time steps}
    """
    count: int
    steps: Steps
    keys: dict[Value, int]


def unrolled(graph: NamedGraph) -> Unrolled | None:
    """The time steps of a graph; None where it is not recurrent.

    >>> u, b, h = Value(0.5, label="u"), Value(0.1, label="b"), Value(1.0, label="h")
    >>> for _ in range(5):
    ...     h = (u * h + b).tanh()
    >>> unrolled(NamedGraph(h)).count
    5
    """
    if len(graph.nodes) <= FEW:
        return None
    users: Users = {node: [] for node in graph.nodes}
    for node in graph.nodes:
        for parent in graph.parents(node):
            users[parent].append(node)
    by_count: dict[int, list[Counts]] = {}
    for counts in repeated_uses(graph, users):
        by_count.setdefault(max(counts.values()), []).append(counts)
    alike = sorted(by_count.items(), key=lambda item: (-len(item[1]), item[0]))
    return next(filter(None, (in_steps(graph, users, count, leaves) for count, leaves in alike)), None)


def repeated_uses(graph: NamedGraph, users: Users) -> Iterator[Counts]:
    """{user: how often it and what it is made from use the leaf, one after the other}, for each leaf used so again.

    In tanh(w · x₁ + u · tanh(w · x₀ + u · h₀)) u is used again, and w is not.
    """
    bits = {node: bool(node.parents) << i for i, node in enumerate(graph.nodes)}
    behind: dict[Value, int] = {}                           # all that a node is made from, as bits
    for node in graph.nodes:
        behind[node] = reduce(or_, [behind[parent] | bits[parent] for parent in graph.parents(node)], 0)
    for leaf in graph.nodes:
        used = reduce(or_, map(bits.__getitem__, users[leaf]), 0)
        if not (leaf.parents or leaf.is_constant) and any(used & behind[user] for user in users[leaf]):
            counts: Counts = {}
            for user in users[leaf]:
                counts[user] = 1 + max((counts[other] for other in counts if bits[other] & behind[user]), default=0)
            yield counts


def in_steps(graph: NamedGraph, users: Users, count: int, leaves: list[Counts]) -> Unrolled | None:
    """The time steps that so many uses of these leaves begin; None where these are not alike."""
    steps = steps_of(graph, users, leaves)
    keys = keys_of(graph, steps)
    cells = [{keys[node] for node in keys if steps[node] == step} for step in range(count)]
    common = set.intersection(*cells)
    if len(common) < LEAST or any(len(cell) > 2 * len(common) for cell in cells[:-1]):
        return None
    for node in reversed(graph.nodes):                      # what only the last step has, and nothing of the cell needs
        is_after = keys.get(node) not in cells[-2] and all(steps[user] == count for user in users[node])
        if node.parents and steps[node] == count - 1 and is_after:
            steps[node] = count
        if not node.parents:
            steps[node] = min(steps[user] for user in users[node])
    return Unrolled(count, steps, keys)


def steps_of(graph: NamedGraph, users: Users, leaves: list[Counts]) -> Steps:
    """{node: its time step}: that of the last use on the way to it.

    What does not come out of such a use, as w · x does, is in the step of its first user.  So is what only the
    next step uses and is made of nothing but what that step needs anyway, as 1 - h of r · h · (1 - h) is.
    """
    uses: Counts = {}
    for node in graph.nodes:
        uses[node] = max([counts.get(node, 0) for counts in leaves] + [uses[parent] for parent in graph.parents(node)])
    steps = {node: uses[node] - 1 for node in graph.nodes}
    for node in reversed(graph.nodes[:-1]):
        first = min(steps[user] for user in users[node])
        made_of = [parent for parent in graph.parents(node) if parent.parents]
        is_needed = first > steps[node] and all(
            any(steps[user] >= first for user in users[parent] if user is not node) for parent in made_of)
        if not uses[node] or is_needed:
            steps[node] = first
    return steps


def keys_of(graph: NamedGraph, steps: Steps) -> dict[Value, int]:
    """{operation: the number of what it is in its time step}.

    Two are the same where the operation is, and what it is made from: leaves of several steps are the same only as
    themselves, any other leaf and what comes from another step may stand for each other.
    """
    shared = {leaf for leaf, its in steps_of_users(graph, steps).items() if not leaf.parents and len(its) > 1}
    keys: dict[Value, int] = {}
    known: dict[Any, int] = {}
    twins: Counter[Any] = Counter()
    for node in graph.nodes:
        if node.parents:
            inputs = [parent if parent in shared else keys[parent] if parent.parents and steps[parent] == steps[node]
                      else None for parent in graph.parents(node)]
            made = (node._operation, *inputs)
            twins[steps[node], made] += 1
            keys[node] = known.setdefault((made, twins[steps[node], made]), len(known))
    return keys


def steps_of_users(graph: NamedGraph, steps: Steps) -> dict[Value, set[int]]:
    """{node: the time steps in which it is used}."""
    found: dict[Value, set[int]] = {node: set() for node in graph.nodes}
    for node in graph.nodes:
        for parent in graph.parents(node):
            found[parent].add(steps[node])
    return found


def time_parts(graph: NamedGraph, groups: Sequence[Sequence[Value]]) -> Parts | None:
    """The time steps of a picture in which every node has a box; None where the graph is not recurrent."""
    found = unrolled(graph) if len(groups) == len(graph.nodes) else None
    if found is None:
        return None
    headings = [*map(heading_of, range(found.count))] + [""] * (found.count in found.steps.values())
    nodes = [node for node, in groups]
    return Parts(headings, [found.steps[node] for node in nodes], [found.keys.get(node, -1) for node in nodes],
                 flows=True)


def heading_of(step: int) -> str:
    return f"t = {step}"


def time_of(order: list[Value]) -> Callable[[Value], str]:
    """The names of boxes where each time step is one: leaves that several share are another, called by their names."""
    graph = NamedGraph(order[-1])
    found = unrolled(graph)
    if found is None:
        return lambda node: ""
    within = {node: its - {found.count} for node, its in steps_of_users(graph, found.steps).items()}
    shared = ", ".join(graph.texts[node] for node in graph.nodes if not node.parents and len(within[node]) > 1)

    def name(node: Value) -> str:
        if not node.parents and len(within.get(node, ())) > 1:
            return shared
        return heading_of(found.steps[node]) if found.steps.get(node, found.count) < found.count else ""
    return name
