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

FEW, MANY = 15, 5000    # nodes: of what is seen at a glance without time steps, and of what takes long to look through
LEAST = 2               # operations of a cell; products such as u * u * u * h are no network yet
Counts = dict[Value, int]


class Unrolled(NamedTuple):
    """The time steps of a recurrent graph.

    length    how many they are
    steps     {node: its time step}; `length` for what comes after the last one, such as the loss, and -1 for what is
              computed before the first
    keys      {operation: what it is in its cell, the same as its likes in other time steps}
    """
    length: int
    steps: Counts
    keys: Counts


def unrolled(graph: NamedGraph) -> Unrolled | None:
    """The time steps of a graph; None where it is not recurrent, or small or very large.

    >>> u, b, h = Value(0.5, label="u"), Value(0.1, label="b"), Value(1.0, label="h")
    >>> for _ in range(5):
    ...     h = (u * h + b).tanh()
    >>> unrolled(NamedGraph(h)).length
    5
    """
    if not may_be_recurrent(graph.nodes):
        return None
    by_count: dict[int, list[Counts]] = {}
    for counts in repeated_uses(graph):
        by_count.setdefault(max(counts.values()), []).append(counts)
    tried = (in_steps(graph, count, by_count[count]) for count in sorted(by_count, reverse=True))
    return next(filter(None, tried), None)


def may_be_recurrent(nodes: list[Value]) -> bool:
    """Are there neither too few nodes nor too many?"""
    return FEW < len(nodes) <= MANY


def repeated_uses(graph: NamedGraph) -> Iterator[Counts]:
    """{user: how often it and what it is made from use the leaf, one after the other}, for each leaf used so again.

    In tanh(w · x₁ + u · tanh(w · x₀ + u · h₀)) u is used again, and w is not.
    """
    bits = {node: bool(node.parents) << i for i, node in enumerate(graph.nodes)}
    behind: Counts = {}                                     # all operations that a node is made from, as bits
    for node in graph.nodes:
        behind[node] = reduce(or_, [behind[parent] | bits[parent] for parent in graph.parents(node)], 0)
    for leaf in graph.nodes:
        used = reduce(or_, [bits[user] for user in graph.users[leaf]], 0)
        if not (leaf.parents or leaf.is_constant) and any(used & behind[user] for user in graph.users[leaf]):
            yield uses_in_a_row(graph, graph.users[leaf])


def uses_in_a_row(graph: NamedGraph, users: Sequence[Value]) -> Counts:
    """{user: how many of these are on the longest way to it, itself among them}."""
    counts, wanted = Counts(), set(users)
    for node in graph.nodes:
        counts[node] = max((counts[parent] for parent in graph.parents(node)), default=0) + (node in wanted)
    return {user: counts[user] for user in users}


def in_steps(graph: NamedGraph, length: int, leaves: Sequence[Counts]) -> Unrolled | None:
    """The time steps that so many uses of these leaves begin; None where these are not alike."""
    steps = steps_of(graph, leaves)
    keys = keys_of(graph, steps)
    cells: list[set[int]] = [set() for _ in range(length)]
    for node, key in keys.items():
        if steps[node] >= 0:
            cells[steps[node]].add(key)
    common = set.intersection(*cells)
    if len(common) < LEAST or any(len(cell) > 2 * len(common) for cell in cells[:-1]):
        return None
    for node in reversed(graph.nodes):
        if not node.parents:
            steps[node] = min(steps[user] for user in graph.users[node])
        elif steps[node] == length - 1 and keys[node] not in cells[-2]:      # only the last step has it
            steps[node] += all(steps[user] == length for user in graph.users[node])
    return Unrolled(length, steps, keys)


def steps_of(graph: NamedGraph, leaves: Sequence[Counts]) -> Counts:
    """{node: its time step}: that of the last use of one of the leaves on the way to it.

    What comes out of no such use is in the step of its first user, as w · x is; but what makes the first state is
    before the first step, at -1.
    """
    begins = {user for counts in leaves for user in counts}
    uses: Counts = {}
    for node in graph.nodes:
        uses[node] = max([counts.get(node, 0) for counts in leaves] + [uses[parent] for parent in graph.parents(node)])
    steps = placed(graph, uses, begins, late_ones(graph, uses, begins))
    keys = keys_of(graph, steps)
    later = {key for node, key in keys.items() if steps[node]}
    for node, key in keys.items():
        if not uses[node] and key not in later and all(steps[p] < 0 for p in graph.parents(node) if p.parents):
            steps[node] = -1
    return steps


def placed(graph: NamedGraph, uses: Counts, begins: set[Value], late: set[Value]) -> Counts:
    """The time steps by the uses on the way; those `late` are in the next one."""
    steps = {node: uses[node] - (node not in late) for node in graph.nodes}
    for node in reversed(graph.nodes):
        is_first_use = uses[node] == 1 and node in begins and not begins.intersection(graph.users[node])
        if is_first_use or not uses[node]:
            steps[node] = min(steps[user] for user in graph.users[node])
    return steps


def late_ones(graph: NamedGraph, uses: Counts, begins: set[Value]) -> set[Value]:
    """What is made of nothing but the state that a step hands on, and goes into the next state.

    It belongs to the next step, as 1 - h of r · h · (1 - h) does.  It leads to a use after that; before the last
    step, where there is none, it is known by its likes.
    """
    last = dict.fromkeys(graph.nodes, 0)                    # the last use that a node leads to
    for node in reversed(graph.nodes):
        last[node] = max([0, *[max(last[user], uses[user] * (user in begins)) for user in graph.users[node]]])
    found = made_of_state(graph, uses, begins)
    keys = keys_of(graph, placed(graph, uses, begins, found))
    certain = {keys[node] for node in found if last[node] > uses[node] + 1}
    return {node for node in found if keys[node] in certain}


def made_of_state(graph: NamedGraph, uses: Counts, begins: set[Value]) -> set[Value]:
    """What is made of nothing but values that a later step uses too, and goes into what such a step computes."""
    state = {node for node in graph.nodes if any(0 < uses[node] < uses[user] for user in graph.users[node])}
    found: set[Value] = set()
    for node in graph.nodes:
        made_of = [parent for parent in graph.parents(node) if uses[parent]]
        if made_of and node not in begins and all(parent in state or parent in found for parent in made_of):
            found.add(node)
    goes_in: set[Value] = set()
    for node in reversed(graph.nodes):
        if any(user in goes_in if user in found else uses[user] > uses[node] for user in graph.users[node]):
            goes_in.add(node)
    return found & goes_in


def keys_of(graph: NamedGraph, steps: Counts) -> Counts:
    """{operation: the number of what it is in its time step}.

    Two are the same where the operation is, and what it is made from: leaves of several steps are the same only as
    themselves, any other leaf and what comes from another step may stand for each other.
    """
    used_in = steps_of_users(graph, steps)
    keys: Counts = {}
    known: dict[Any, int] = {}
    twins: Counter[Any] = Counter()
    for node in graph.nodes:
        if node.parents:
            inputs = [keys[parent] if parent.parents and steps[parent] == steps[node] else
                      parent if not parent.parents and len(used_in[parent]) > 1 else None
                      for parent in graph.parents(node)]
            made = (node._operation, *inputs)
            twins[steps[node], made] += 1
            keys[node] = known.setdefault((made, twins[steps[node], made]), len(known))
    return keys


def steps_of_users(graph: NamedGraph, steps: Counts) -> dict[Value, set[int]]:
    """{node: the time steps in which it is used}."""
    return {node: {steps[user] for user in users} for node, users in graph.users.items()}


# ---- in pictures ------------------------------------------------------------------------------------------


def time_parts(graph: NamedGraph, groups: Sequence[Sequence[Value]]) -> Parts | None:
    """The time steps of a picture in which every node has a box; None where the graph is not recurrent."""
    found = unrolled(graph) if len(groups) == len(graph.nodes) else None
    if found is None:
        return None
    used = sorted(set(found.steps.values()))
    nodes = [node for node, in groups]
    return Parts([heading_of(step) if 0 <= step < found.length else "" for step in used],
                 [used.index(found.steps[node]) for node in nodes], [found.keys.get(node, -1) for node in nodes],
                 flows=True)


def heading_of(step: int) -> str:
    return f"t = {step}"


def time_of(order: list[Value]) -> Callable[[Value], str]:
    """The names of boxes where each time step is one: leaves that several share are another, called by their names."""
    graph = NamedGraph(order[-1]) if may_be_recurrent(order) else None
    found = unrolled(graph) if graph and graph.nodes == order else None     # else it is a part of a graph that is shown
    if graph is None or found is None:
        return lambda node: ""
    names = {node: heading_of(step) for node, step in found.steps.items() if 0 <= step < found.length}
    used_in = steps_of_users(graph, found.steps)
    shared = [node for node in names if not node.parents and len(used_in[node] - {found.length}) > 1]
    names |= dict.fromkeys(shared, ", ".join(graph.texts[node] for node in shared))
    return lambda node: names.get(node, "")
