"""Names for parts of a computation that is written by hand; pictures fold by them, and frame what belongs together."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeVar

from ..engine.arrays import as_lists
from ..engine.by_hand import checked_name
from ..engine.number import short_repr
from ..engine.value import Value
from ..symbols.named import NamedGraph
from .folds import Group, layer_of
from .layout import Edge, places_in_order
from .parts import Parts
from .recurrent import time_parts

Named = TypeVar("Named")             # Values: one, or lists of them


def scope(values: Named, name: str) -> Named:
    """Name what was just computed: all operations behind `values` that have no name yet; returns `values`.

    values   a Value, or a list of Values, also of such lists; leaves among them are named too
    name     such as "head 0, position 2": tg.draw(f, fold="neuron") has a box for each name, and fold="layer"
             one for what stands before its last comma, "head 0"

    Write it where something is computed, from the inputs on: what is named already keeps its name.  In JAX
    it is `checkpoint_name(x, name)`.  TypeError for what is no Value,
    ValueError for an empty name.

    >>> x = Value(2.0, label="x")
    >>> double = scope(2 * x, "doubling")
    >>> square = scope(double ** 2, "squaring")
    >>> double.scope, square.scope, x.scope
    ('doubling', 'squaring', '')
    """
    if not checked_name("scope", name):
        raise ValueError('a scope needs a name, such as "head 0": got an empty one')
    waiting = flat(as_lists(values))
    for node in waiting:                                    # leaves that were given
        if not node.parents and not node.scope:
            node.scope = name
    while waiting:
        node = waiting.pop()
        if node.parents and not node.scope:
            node.scope = name
            waiting += node.parents
    return values


def flat(values: Any) -> list[Value]:
    """The Values in nested lists."""
    if isinstance(values, list):
        return [node for part in values for node in flat(part)]
    if not isinstance(values, Value):
        raise TypeError(f"scope names Values, and lists of them: got {short_repr(values)}")
    return [values]


def bands_of(groups: Sequence[Group], edges: Sequence[Edge]) -> Parts | None:
    """The parts of a picture whose boxes have names such as "head 0, position 2": head 0, head 1, and so on.

    None where there are no two of them, or one is made from another, as layer 1 is from layer 0.
    """
    outer = [layer_of(group.name) for group in groups]
    bands = [name for name, count in Counter(outer).items() if name and count > 1]
    number = {name: i for i, name in enumerate(bands, start=1)}
    own = [number.get(name, 0) for name in outer]
    behind = bands_behind(own, edges)
    if len(bands) < 2 or any(own[box] and its - {own[box]} for box, its in enumerate(behind)):
        return None
    after, inner = len(bands) + 1, {edge.head for edge in edges}
    part = [band or (after if its else 0) for band, its in zip(own, behind)]
    for edge in reversed(edges):
        if edge.tail not in inner:                          # a leaf stands where it is used first
            part[edge.tail] = part[edge.head]
    names: dict[str, int] = {}
    keys = [-1 if box not in inner else box if not own[box] else
            names.setdefault(group.name.removeprefix(outer[box]), len(names)) for box, group in enumerate(groups)]
    used = sorted(set(part))
    return Parts([["", *bands, ""][i] for i in used], [used.index(i) for i in part], keys, flows=False)


def bands_behind(own: Sequence[int], edges: Sequence[Edge]) -> list[set[int]]:
    """The bands that each box is made from; 0 is none."""
    place = places_in_order(len(own), edges)
    behind: list[set[int]] = [set() for _ in own]
    for edge in sorted(edges, key=lambda edge: place[edge.tail]):
        behind[edge.head] |= behind[edge.tail] | {own[edge.tail]} - {0}
    return behind


def parts_of(graph: NamedGraph, groups: Sequence[Group], edges: Sequence[Edge]) -> Parts | None:
    """The parts in which a picture of these boxes is drawn: time steps, or named parts side by side."""
    return time_parts(graph, groups) or bands_of(groups, edges)
