"""Networks as people draw them: columns of circles, the inputs at the left, and a line for each weight.

Here is said what is a circle, what is a line, and where a circle stands; `circles` draws them.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..engine import ops
from ..engine.number import printable
from ..engine.value import Value
from ..symbols.named import NEURON, NamedGraph, is_linear, name_at
from .folds import MANY_NODES, Group, Link, folded_by, links_of, way_out
from .layout import Edge, Point, column_of
from .page import sentences

NETWORK_FOLDS = "auto", "neuron", "example"
FEW_TARGETS = 3             # beyond this they share a box
FEW_NODES = 15              # a graph of more shows its network at first
MOST_ROWS = 16              # of a column; a longer one shows its first circles, "… 48 more", and its last
HEIGHT = 440.0              # of the longest column, in points
TALLEST, GRAD = 84.0, 15.0  # the most room for a circle and what stands below it, and the room for that gradient
LARGEST, ROOMY = 29.0, 20.0     # the radius of a circle: the largest, and the least in which a number can be read

NEAREST, FARTHEST = 72.0, 130.0     # between the circles of two columns


class Grid(NamedTuple):
    """Where the circles of a network stand, in points, y downwards.

    radius    of each circle
    columns   the centres of the circles of each column, from top to bottom
    """
    radius: float
    columns: list[list[Point]]


def grid(counts: Sequence[int], window: Point = (math.inf, HEIGHT)) -> Grid:
    """Columns of so many circles in a window, each column around the middle of the longest.

    >>> placed = grid([3, 1])
    >>> placed.radius, placed.columns
    (29.0, [[(29.0, 42.0), (29.0, 126.0), (29.0, 210.0)], [(159.0, 126.0)]])
    """
    pitch = min(TALLEST, window[1] / max(counts))
    height = pitch * max(counts)
    with_numbers = min(LARGEST, (pitch - GRAD) / 2)
    radius = with_numbers if with_numbers >= ROOMY else 0.36 * pitch
    wanted = 2 * radius + min(FARTHEST, max(NEAREST, height / 4))
    across = min(wanted, (window[0] - 2 * radius) / max(1, len(counts) - 1))
    return Grid(radius, [[(radius + across * k, height / 2 + pitch * (i - (count - 1) / 2)) for i in range(count)]
                         for k, count in enumerate(counts)])


def rows_of(count: int, most: int = MOST_ROWS) -> list[int | None]:
    """The numbers of the circles that a column shows; None stands for those between.

    >>> rows_of(3), rows_of(64, 5)
    ([0, 1, 2], [0, 1, 2, None, 63])
    """
    return list(range(count)) if count <= most else [*range(most - 2), None, count - 1]


# ---- which groups of nodes are circles, and which lines are weights ----------------------------------------------


class Place(NamedTuple):
    """Where a circle stands: its layer, its number there, and its kind, "input", "neuron" or "more"."""
    layer: str
    number: int
    kind: str


class Line(NamedTuple):
    """A weight: a line from one group to another, by number, and what the weight multiplies."""
    tail: int
    head: int
    weight: Value
    x: Value


class Network(NamedTuple):
    """A graph of neurons.

    groups    a group of nodes for each circle and box
    places    where each stands, None for a box
    columns   the column of each
    lines     the weights
    links     the other arrows
    """
    groups: list[Group]
    places: list[Place | None]
    columns: list[int]
    lines: list[Line]
    links: list[Link]


def network_of(graph: NamedGraph, layout: str = "auto", is_joined: bool = False) -> Network | None:
    """A graph as a network.

    None if it has no neurons, or one that is fed with what it computed, or if another layout is insisted on.

    is_joined   whether the last node only joins several outputs, and is not shown
    """
    if layout != "auto" or not any(NEURON.fullmatch(node.scope) for node in graph.nodes):
        return None
    inner = inside_activations(graph) | penalties_in(graph)
    groups = folded_by(graph.nodes, lambda node: inner.get(node) or node.scope)
    inputs = inputs_of(graph, groups)
    groups = with_targets_together(graph, groups[:-1] if is_joined else groups, inputs)
    groups, places = shortened(*with_inputs_apart(groups, inputs))
    links = links_of(graph, groups)
    columns = column_of(len(groups), [Edge(link.tail, link.head) for link in links])
    if any(columns[link.tail] >= columns[link.head] for link in links):
        return None
    lines = lines_of(graph, groups, places)
    pairs = {(line.tail, line.head) for line in lines}
    others = [link for link in links if (link.tail, link.head) not in pairs
              and not (places[link.tail] and places[link.head] and is_more(places, link))]
    return Network(groups, places, columns, lines, others)


def inside_activations(graph: NamedGraph) -> dict[Value, str]:
    """{node: the neuron} of what an activation of several operations computes on the way, from that neuron for it."""
    owner = {node: node.scope for node in graph.nodes if NEURON.fullmatch(node.scope)}
    found: dict[Value, str] = {}
    for node in graph.nodes:
        names = {owner.get(parent) or found.get(parent, "") for parent in graph.parents(node) if parent.parents}
        if not node.scope and len(names) == 1:
            found[node] = names.pop()
    for node in reversed(list(found)):
        if {owner.get(user) or found.get(user, "") for user in graph.users[node]} != {found[node]}:
            found[node] = ""
    return found


def penalties_in(graph: NamedGraph) -> dict[Value, str]:
    """{node: "penalty"} of what is computed from parameters alone."""
    found: dict[Value, str] = {}
    parameters = {node for node in graph.nodes if node.scope and not node.parents}
    for node in graph.nodes:
        parents = [parent for parent in graph.parents(node) if not parent.is_constant or parent in parameters]
        if parents and not node.scope and all(parent in found or parent in parameters for parent in parents):
            found[node] = "penalty"
    return found


def is_shown_at_first(graph: NamedGraph, network: Network, fold: str) -> bool:
    """Is a graph seen as this network when it is folded like this?"""
    if fold != "auto":
        return fold in NETWORK_FOLDS
    return len(graph.nodes) > FEW_NODES and len(network.groups) <= MANY_NODES and has_one_example(graph, network)


def has_one_example(graph: NamedGraph, network: Network) -> bool:
    """Is each neuron applied once?"""
    return all(place is None or place.kind != "neuron" or end_of(graph, group) is not None
               for group, place in zip(network.groups, network.places))


def is_neuron(group: Group) -> bool:
    return bool(NEURON.fullmatch(group.name))


def is_more(places: Sequence[Place | None], link: Link | Line) -> bool:
    """Does this lead from or to circles that are not shown?"""
    return any(place is not None and place.kind == "more" for place in (places[link.tail], places[link.head]))


def weights_of(graph: NamedGraph, neuron: Group) -> Iterator[tuple[Value, Value]]:
    """(weight, what it multiplies) in a neuron."""
    own = {node for node in neuron if not node.parents and node.scope == neuron.name}
    for node in neuron:
        rows = ops.dot.in_rows(node.parents) if node._operation is ops.dot else [[x] for x in node.parents]
        for one, other in zip(*rows) if node._operation in (ops.dot, ops.mul) else ():
            if (one in own) != (other in own):
                yield (one, graph.stands_for[other]) if one in own else (other, graph.stands_for[one])


def inputs_of(graph: NamedGraph, groups: list[Group]) -> dict[Value, Place]:
    """Where the leaves stand that weights multiply: in the order of the weights."""
    found: dict[Value, Place] = {}
    for neuron in filter(is_neuron, groups):
        numbers: dict[Value, int] = {}
        for weight, x in weights_of(graph, neuron):
            number = numbers.setdefault(weight, len(numbers))
            if not (x.parents or x.scope):
                found.setdefault(x, Place(layer_named(neuron), number, "input"))
    return found


def with_inputs_apart(groups: list[Group], inputs: Mapping[Value, Place]) -> tuple[list[Group], list[Place | None]]:
    """Groups in which each input has its own, and their places; plain numbers at one place of a layer share one."""
    apart: dict[Any, Group] = {}
    for node, place in sorted(inputs.items(), key=lambda item: item[1]):
        apart.setdefault(place if node.is_constant else node, Group(name_at("x", "", place.number))).append(node)
    rest = []
    for group in groups:
        rest.append(Group(group.name))
        rest[-1].extend(node for node in group if node not in inputs)
    rest = [group for group in rest if group]
    found = [*apart.values(), *rest]
    return found, [inputs[group[0]] if group[0] in inputs else place_of(group) for group in found]


def with_targets_together(graph: NamedGraph, groups: list[Group], inputs: Mapping[Value, Place]) -> list[Group]:
    """Groups in which many plain numbers that only one node uses, such as the targets of a loss, share one."""
    together: dict[Value, list[Group]] = {}
    for group in groups:
        node, used_by = group[0], graph.users[group[0]]
        is_number = node.is_constant and not node.parents and node not in inputs and node is not graph.stand_in
        if len(group) == len(used_by) == 1 and is_number:
            together.setdefault(used_by[0], []).append(group)
    found = list(groups)
    for single in together.values():
        if len(single) > FEW_TARGETS:
            first, last = (printable(graph.texts[group[0]]) for group in (single[0], single[-1]))
            shared = Group(f"{first} … {last}")
            shared.extend(group[0] for group in single)
            found = [shared, *[group for group in found if group not in single]]
    return found


def place_of(group: Group) -> Place | None:
    """Where a neuron stands in its layer."""
    return Place(layer_named(group), int(group.name.split()[-1]), "neuron") if is_neuron(group) else None


def layer_named(neuron: Group) -> str:
    """The layer of a neuron, "" where there is only one."""
    return neuron.name.rpartition("neuron")[0].removesuffix(", ")


def shortened(groups: list[Group], places: list[Place | None]) -> tuple[list[Group], list[Place | None]]:
    """The same, with the middle of a long column as one group."""
    columns: dict[tuple[str, str], list[int]] = {}
    for k, place in enumerate(places):
        if place:
            columns.setdefault((place.layer, place.kind), []).append(k)
    instead: dict[int, tuple[Group, Place | None]] = {}
    hidden: set[int] = set()
    for (layer, _), column in columns.items():
        column.sort(key=lambda k: places[k] or ())
        shown = rows_of(len(column))
        if None in shown:
            between = [k for i, k in enumerate(column) if i not in shown]
            more = Group(sentences("picture")["more"].format(count=len(between)))
            more.extend(node for k in sorted(between) for node in groups[k])
            instead[between[0]] = more, Place(layer, (places[between[0]] or (0, 0))[1], "more")
            hidden.update(between[1:])
    kept = [instead.get(k, (groups[k], places[k])) for k in range(len(groups)) if k not in hidden]
    return [group for group, _ in kept], [place for _, place in kept]


def lines_of(graph: NamedGraph, groups: list[Group], places: Sequence[Place | None]) -> list[Line]:
    """The weights between the groups that are shown, each once."""
    where = {node: k for k, group in enumerate(groups) for node in group}
    lines: dict[tuple[int, int, Value], Line] = {}
    for head, group in enumerate(groups):
        for weight, x in weights_of(graph, group) if is_neuron(group) else ():
            line = Line(where.get(x, head), head, weight, x)
            if line.tail != head and not is_more(places, line):
                lines.setdefault(line[:3], line)
    return list(lines.values())


def end_of(graph: NamedGraph, group: Group) -> Value | None:
    """The node whose numbers a circle shows: the only way out, or one of several plain numbers that are the same."""
    are_one = not any(node.parents for node in group) and len({graph.data[node] for node in group}) == 1
    return group[0] if are_one else way_out(graph, group)


def biases_of(graph: NamedGraph, neuron: Group) -> list[Value]:
    """The parameters of a neuron that multiply nothing."""
    weights = {weight for weight, _ in weights_of(graph, neuron)}
    return [node for node in neuron if node.scope and not node.parents and node not in weights]


def activation_of(graph: NamedGraph, neuron: Group) -> str:
    """What comes after w · x + b, such as "tanh"; "linear" if nothing does."""
    after = [node for node in neuron if node.parents and node in graph.stands_for and not is_linear(node)]
    found = list(dict.fromkeys(node.op for node in after))
    return ", ".join([*found[:2], *["…"] * (len(found) > 2)]) or "linear"


def inner_groups(graph: NamedGraph, neuron: Group) -> list[Group]:
    """What a neuron computes, an operation in each group, with the parameters that only it uses."""
    users: dict[Value, set[Value]] = {}
    for node in neuron:
        for parent in graph.parents(node):
            users.setdefault(parent, set()).add(node)
    groups = {node: Group("") for node in neuron if node.parents or len(users[node]) > 1}
    for node in neuron:
        groups[node if node in groups else next(iter(users[node]))].append(node)
    return list(groups.values())
