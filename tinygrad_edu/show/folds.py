"""Which nodes share a box: those of a neuron, of a layer, or of a line of the program."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, NamedTuple

from ..engine.value import Value
from ..symbols.named import NEURON, NamedGraph, is_input
from .recurrent import time_of

MOST_NODES = 5000
MANY_NODES = 300                                            # beyond this, "auto" folds
MANY_NAMED = 60                                             # and beyond this what has names of a `scope`
FEW_INPUTS = 8                                              # beyond this, the inputs of a network share a box


class Group(list[Value]):
    """The nodes of one box, and the name they share."""

    def __init__(self, name: str):
        super().__init__()
        self.name = name


def folded(order: list[Value], fold: str) -> list[Group]:
    """The nodes in groups, a group for a box, in the order of their last members."""
    if fold == "auto":
        tried = folds_tried(order)
        return min((folded(order, fold) for fold in tried), key=over_many)
    if fold == "time":
        return folded_by(order, time_of(order))
    is_network = fold in ("example", "neuron", "layer")
    return folded_by(order, with_inputs(order, BOX_NAMES[fold]) if is_network else BOX_NAMES[fold])


def folds_tried(order: list[Value]) -> Sequence[str]:
    """What "auto" tries, the finest first: a graph that somebody took the trouble to name is folded by its names."""
    if len(order) > MANY_NODES:
        return "time", "neuron", "layer"
    are_named = any(node.parents and node.scope and not NEURON.fullmatch(node.scope) for node in order)
    return ["neuron"] if are_named and len(order) > MANY_NAMED else ["none"]


def with_inputs(order: list[Value], name: Callable[[Value], str]) -> Callable[[Value], str]:
    """The names of parts of a network; its inputs are a part of their own where they are many."""
    inputs = {node for node in order if is_input(node)}
    are_many = len(inputs) > FEW_INPUTS
    return lambda node: "inputs" if are_many and node in inputs else name(node)


def folded_by(order: list[Value], name: Callable[[Value], str]) -> list[Group]:
    """The nodes in groups by name; a plain number that only one group uses goes into that group."""
    users: dict[Value, set[str]] = {}
    for node in order:
        for parent in node.parents:
            if parent.is_constant and not parent.parents and not parent.label:
                users.setdefault(parent, set()).add(name(node))
    owner = {number: names.pop() for number, names in users.items() if len(names) == 1}
    return grouped(order, lambda node: owner.get(node, "") or name(node))


def grouped(order: list[Value], name: Callable[[Value], str]) -> list[Group]:
    """The nodes of one name together, those without a name each alone, in the order of their last members."""
    groups: dict[Any, Group] = {}
    for node in order:
        key = name(node) or node
        groups[key] = members = groups.pop(key, None) or Group(name(node))
        members.append(node)
    return list(groups.values())


def layer_of(scope: str) -> str:
    """What a part belongs to: "layer 0" of "layer 0, neuron 3", "head 0" of "head 0, position 2"."""
    return scope.rpartition(", ")[0] or scope


def origin_of(node: Value) -> str:
    """The line a node was made at, such as "train.py:31", where that is known."""
    return str(node.origin) if node.origin else ""


BOX_NAMES: dict[str, Callable[[Value], str]] = {
    "none": lambda node: "", "example": lambda node: node.scope, "neuron": lambda node: node.scope,
    "layer": lambda node: layer_of(node.scope), "line": origin_of}
FOLDS = ("auto", *BOX_NAMES, "time")


def over_many(groups: list) -> bool:
    return len(groups) > MANY_NODES


def way_out(graph: NamedGraph, group: list[Value]) -> Value | None:
    """The only node of a group that no other of it uses, if there is one such."""
    inner = {parent for node in group for parent in graph.parents(node)}
    ends = [node for node in group if node not in inner]
    return ends[0] if len(ends) == 1 else None


class Link(NamedTuple):
    """An arrow between two boxes, by number: input i of a node, or (i = -1) all there is between two groups."""
    tail: int
    head: int
    node: Value
    i: int


def links_of(graph: NamedGraph, groups: list[Group]) -> list[Link]:
    """The arrows between groups: one for each edge between single nodes, one for each pair of boxes otherwise."""
    place = {node: k for k, group in enumerate(groups) for node in group}
    links: dict[Any, Link] = {}
    for head, group in enumerate(groups):
        for node in group:
            for i, parent in enumerate(graph.parents(node)):
                tail = place[parent]
                if len(group) == len(groups[tail]) == 1 and parent is not graph.stand_in:
                    links[node, i] = Link(tail, head, node, i)
                elif tail != head:
                    links.setdefault((tail, head), Link(tail, head, node, -1))
    return list(links.values())


def check_size(count: int, thing: str = "picture") -> None:
    """Refuse a picture of too many boxes, or a player of too many nodes."""
    if count > MOST_NODES:
        raise ValueError(f"the graph has {count} nodes, too many for a {thing} (at most {MOST_NODES}): "
                         'fold="example" shows one example of a batch; of anything else take one of its inner nodes, '
                         "such as tg.topological_order(v)[100] of a Value v")


def check_single(order: list[Value], fold: str) -> None:
    """Refuse at once, before the nodes are folded, a picture that has too many boxes of a single operation."""
    if fold not in FOLDS:
        raise ValueError(f"fold={fold!r}: write one of {', '.join(FOLDS)}")
    name = BOX_NAMES["neuron" if fold in ("auto", "time") else fold]
    single = (node for node in order if node.parents and not name(node))
    if len(list(islice(single, MOST_NODES + 1))) > MOST_NODES:
        check_size(len(order))
