"""A gradient as a sum over paths: how many there are, what they come to, and which are the largest.

A path is a way along the arrows from the output back to a node, and its product is that of the local gradients on
it.  The gradient is the sum of all products.  There may be 2⁴⁰⁰ of them: nothing here lists them all, and every
number comes from walks that see each edge once.
"""

import heapq
import math
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, NamedTuple

from ..engine.errors import GradientError
from ..engine.graph import is_cut, walked_back
from ..engine.messages import describe
from ..engine.number import format_number

Node = Any                      # a Value of either engine


class Link(NamedTuple):
    """A stretch without a branch, from `head` back to `tail`, and the product of the local gradients on it.

    edges   (node, which of its parents), one after the other
    """

    head: Node
    tail: Node
    edges: tuple[tuple[Node, int], ...]
    factor: Any


class Path(NamedTuple):
    """A way from the output to a node, and its product."""

    product: Any
    links: tuple[Link, ...]


class Tally(NamedTuple):
    """Of some paths: how many `paths` there are, how many of them are `live`, their sum, and the sum of |path|.

    A path is live if it has no factor 0.
    """

    paths: int
    live: int
    sum: Any
    size: Any

    def along(self, factor: Any) -> "Tally":
        """The same paths, each a link longer."""
        return Tally(self.paths, self.live if factor else 0, self.sum * factor, self.size * abs(factor))

    def with_those(self, others: "Tally") -> "Tally":
        """These paths and others."""
        return Tally(*[own + other for own, other in zip(self, others)])


class Segment(NamedTuple):
    """The part between two nodes that every path goes through."""

    head: Node
    tail: Node
    tally: Tally


ONLY = (0,)                     # the inputs of a node with one
NO_PATHS, EMPTY_PATH = Tally(0, 0, 0, 0), Tally(1, 1, 1, 1)


class Paths:
    """All paths from the last node of an order back to another node.

    stops      the nodes where paths part or meet, and others by which they are told apart; the output first, and
               `place` says where each stands
    links      {stop: the links that begin there}
    segments   what all paths have in common cuts the graph into these, of which the gradient is the product
    tallies    {stop: of the paths to it from the beginning of its segment}
    count      how many paths there are, exactly; `live` of them have no factor 0
    sum        the gradient by `leaf`
    size       the sum of |path|: larger than |sum| where paths cancel

    order      a `topological_order`
    leaf       the node whose gradient is wanted: a leaf, or one that was computed
    local      {node: its local gradients}, numbers of any kind
    arrived    {node: the gradient of the output by it}, numbers of that kind, as `backward` adds them up
    is_kept    is this node to be a stop where nothing branches?

    GradientError where a local gradient on the way is infinite or nan.

    >>> from tinygrad_edu import Value, topological_order
    >>> x = Value(3.0)
    >>> paths = Paths.of(topological_order(x * x + x), x)
    >>> paths.count, paths.sum, [path.product for path in paths.largest(2)]
    (3, 7.0, [3.0, 3.0])
    """

    def __init__(self, order: list[Node], leaf: Node, local: dict[Node, tuple], arrived: dict[Node, Any],
                 is_kept: Callable[[Node], bool] = lambda node: False):
        self.output, self.leaf, self.local, self.arrived = order[-1], leaf, local, arrived
        inputs, ways_in = inputs_on_paths(order, leaf)
        stops = {node for node, own in inputs.items()
                 if ways_in[node] != 1 or len(own) != 1 or node is leaf or is_kept(node)}
        self.links = self.links_between(stops, inputs)
        if inner := self.inside_detours():
            self.links = self.links_between(stops | inner, inputs)
        self.stops = list(self.links)
        self.place = {stop: k for k, stop in enumerate(self.stops)}
        self.tallies: dict[Node, Tally] = {}
        self.segments = self.cut() if self.stops else [Segment(self.output, leaf, NO_PATHS)]

    @classmethod
    def of(cls, order: list[Node], leaf: Node, is_kept: Callable[[Node], bool] = lambda node: False) -> "Paths":
        """The paths with the local gradients that were recorded, and the gradients of a `backward` from zero."""
        return cls(order, leaf, {node: node._local_grads for node in order}, walked_back(order, 1.0)[0], is_kept)

    @cached_property
    def count(self) -> int:
        return whole_product(segment.tally.paths for segment in self.segments)

    @cached_property
    def live(self) -> int:
        return whole_product(segment.tally.live for segment in self.segments)

    @property
    def sum(self) -> Any:
        return self.arrived.get(self.leaf, 0) if self.stops else 0

    @cached_property
    def size(self) -> Any:
        return math.prod(segment.tally.size for segment in self.segments)

    def count_to(self, stop: Node) -> int:
        """How many paths lead from the output to a stop."""
        before = [segment for segment in self.segments if self.place[segment.tail] < self.place[stop]]
        return whole_product(segment.tally.paths for segment in before) * self.tallies[stop].paths

    def links_between(self, stops: set[Node], inputs: dict[Node, tuple[int, ...]]) -> dict[Node, list[Link]]:
        """{stop: its links}, the output first, and of each the last input first, as `backward` goes."""
        return {stop: [self.link(stop, i, stops, inputs) for i in reversed(own)]
                for stop, own in inputs.items() if stop in stops}

    def link(self, head: Node, i: int, stops: set[Node], inputs: dict[Node, tuple[int, ...]]) -> Link:
        """The link that begins at this input of a stop."""
        edges, node = [(head, i)], head._parents[i]
        while node not in stops:
            edges.append((node, inputs[node][0]))
            node = node._parents[inputs[node][0]]
        return Link(head, node, tuple(edges), self.factor(edges))

    def inside_detours(self) -> set[Node]:
        """The first node within each link beside which another way may lead from its head to its tail.

        Its factor is then not ∂head/∂tail: it needs a name of its own.
        """
        ends = Counter(link.tail for links in self.links.values() for link in links)
        return {link.edges[1][0] for links in self.links.values() if len(links) > 1 for link in links
                if len(link.edges) > 1 and ends[link.tail] > 1}

    def has_detour(self, link: Link) -> bool:
        """Does another way, too, lead from the head of a link to its tail?"""
        reached = {other.tail for other in self.links[link.head] if other is not link}
        for stop in self.stops[self.place[link.head] + 1:self.place[link.tail]]:
            if stop in reached:
                reached.update(other.tail for other in self.links[stop])
        return link.tail in reached

    def factor(self, edges: list[tuple[Node, int]]) -> Any:
        """The product along edges; 0 where one was not taken, or where an inf or nan lies behind such an edge."""
        product: Any = 1
        is_reached = edges[0][0] in self.arrived
        for node, i in edges:
            local_grad = self.local[node][i]
            if is_cut(node, local_grad):
                return 0
            if not math.isfinite(local_grad):
                if not is_reached:
                    return 0
                raise GradientError(f"a local gradient of {describe(node)} is {format_number(float(local_grad))}: "
                                    "a path through it has no product that could be added up")
            product = product * local_grad
        return product

    def cut(self) -> list[Segment]:
        """The segments: a stop is on every path if no link leads from before it to behind it."""
        segments: list[Segment] = []
        head, furthest = self.output, 0
        for k, stop in enumerate(self.stops):
            if 0 < k == furthest:
                segments.append(Segment(head, stop, self.tallies[stop]))
                head = stop
            here = EMPTY_PATH if stop is head else self.tallies[stop]
            for link in self.links[stop]:
                before = self.tallies.get(link.tail, NO_PATHS)
                self.tallies[link.tail] = before.with_those(here.along(link.factor))
                furthest = max(furthest, self.place[link.tail])
        return segments

    def largest(self, most: int) -> list[Path]:
        """The paths of the largest |product|, the largest first: so many of them, or all.

        Each stop keeps as many ways from the output, and hands each on along its links.
        """
        found: dict[Node, list[tuple[Any, Any]]] = {self.output: [(1, None)]}
        best: list[tuple[Any, Any]] = []
        for stop in self.stops:
            best = heapq.nlargest(most, found.pop(stop), key=lambda way: abs(way[0]))
            for link in self.links[stop]:
                found.setdefault(link.tail, []).extend((product * link.factor, (way, link)) for product, way in best)
        return [Path(product, unrolled(way)) for product, way in best]          # of the last stop: the leaf


def unrolled(way: Any) -> tuple[Link, ...]:
    """The links of a way, which is (the way before, its last link), or None at the output."""
    links = []
    while way is not None:
        way, link = way
        links.append(link)
    return tuple(reversed(links))


def inputs_on_paths(order: list[Node], leaf: Node) -> tuple[dict[Node, tuple[int, ...]], dict[Node, int]]:
    """({node: which of its parents lead to `leaf`}, {node: how many edges come to it}) of the nodes on paths.

    The output comes first.  A constant passes no gradient on, and a hidden node has only the parent that stands for it.
    """
    leading = {leaf}
    for node in order:
        if node._parents and not leading.isdisjoint(parents_of(node)) and not node.is_constant:
            leading.add(node)
    inputs: dict[Node, tuple[int, ...]] = {}
    ways_in = {order[-1]: 0} if order[-1] in leading else {}
    for node in reversed(order):
        if node in ways_in:
            parents = parents_of(node) if node is not leaf else ()
            own = ONLY if len(parents) == 1 else tuple([i for i, parent in enumerate(parents) if parent in leading])
            inputs[node] = own
            for i in own:
                ways_in[parents[i]] = ways_in.get(parents[i], 0) + 1
    return inputs, ways_in


def parents_of(node: Node) -> tuple[Node, ...]:
    return node._parents[:1] if node._operation.hidden else node._parents


def whole_product(counts: Iterable[int]) -> int:
    """The product of many whole numbers, most of them alike.

    >>> whole_product([2] * 400) == 2**400
    True
    """
    return math.prod(count ** times for count, times in Counter(counts).items())
