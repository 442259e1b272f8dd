"""Forward and backward as sums of products.

`x + y`, `x - y`, `-x`, `x * y`, `sum` and `dot` are sums of products, and a sum that only another sum uses is a part
of it.  The backward pass is written down the same way, in pull form: the adjoint of a node is ONE sum of products
over its consumers, adjoint times local gradient, in the order in which `backward` of the engine adds them up.  So
both passes are three things: sums of products, functions of numbers, and functions of rows.
"""

import math
from collections.abc import Sequence
from itertools import accumulate, chain
from operator import attrgetter, or_
from typing import Any, NamedTuple

import numpy as np

from ..engine import ops
from .tape import CONSTANT, PARAMETER, Tape

Array = Any                     # of numpy, of whole numbers
NO_EDGE = -1                    # that of a factor which is no node of the graph


class Sum:
    """A sum of products of two numbers each, added up from the first on.

    a, b                the factors of each product: nodes, or for b one of the two places behind them, of 1 and -1
    a_edges, b_edges    the edges of the graph by which they take part, or NO_EDGE
    is_weighted         is one of each product a weight, the same for all rows?
    """

    __slots__ = ("a", "b", "a_edges", "b_edges", "is_weighted")

    def __init__(self, a: list[int], b: list[int], a_edges: list[int], b_edges: list[int], is_weighted: bool):
        self.a, self.b, self.a_edges, self.b_edges, self.is_weighted = a, b, a_edges, b_edges, is_weighted

    def extend(self, other: "Sum") -> None:
        self.a += other.a
        self.b += other.b
        self.a_edges += other.a_edges
        self.b_edges += other.b_edges
        self.is_weighted = self.is_weighted and other.is_weighted


def sums_of(tape: Tape) -> dict[int, Sum]:
    """The nodes that are sums of products, each with all that was taken into it; what was taken in has no entry.

    >>> from tinygrad_edu import Value
    >>> from tinygrad_edu.fast.tape import recorded
    >>> x, w, b = Value(1.0), Value(2.0), Value(3.0)
    >>> [(s.a, s.b) for s in sums_of(recorded([w * x - b], [x])[0]).values()]
    [([0, 3], [1, 6])]
    """
    found = Sums(tape)
    for i, op in enumerate(tape.ops):
        if op is ops.mul or op is ops.dot:
            found.of[i] = found.products(i)
        elif op is ops.sum:
            found.of[i] = found.added(i, range(len(tape.parents[i])))
        elif op is ops.add:
            found.of[i] = found.added(i, found.longer_first(i))
        elif op is ops.sub:
            found.of[i] = found.added(i, (0, 1))
        elif op is ops.neg:
            found.of[i] = found.single(i, 0, found.minus)
    return found.of


class Sums:
    """The sums of a tape so far."""

    def __init__(self, tape: Tape):
        self.tape, self.of = tape, dict[int, Sum]()
        self.one, self.minus = len(tape), len(tape) + 1
        self.is_uniform = [kind in (PARAMETER, CONSTANT) for kind in tape.kind]
        self.first_edge = first_edges(tape)
        self.uses = [0] * len(tape)                 # how often a node is used, as a parent or as an output
        for p in chain(tape.outputs, chain.from_iterable(tape.parents)):
            self.uses[p] += 1

    def own(self, p: int) -> Sum | None:
        """The sum that node p is, if nobody else needs to know it."""
        return self.of.get(p) if self.uses[p] == 1 else None

    def products(self, i: int) -> Sum:
        """Node i, which is x * y or the dot product of two rows."""
        parents, n, edge = self.tape.parents[i], len(self.tape.parents[i]) // 2, self.first_edge[i]
        a, b, uniform = list(parents[:n]), list(parents[n:]), self.is_uniform.__getitem__
        weighted = all(map(or_, map(uniform, a), map(uniform, b)))
        return Sum(a, b, list(range(edge, edge + n)), list(range(edge + n, edge + 2 * n)), weighted)

    def longer_first(self, i: int) -> tuple[int, int]:
        """x + y and y + x have the same bits, so a sum may go on where y ended."""
        x, y = map(self.own, self.tape.parents[i])
        return (1, 0) if y and len(y.a) > 1 and not (x and len(x.a) > 1) else (0, 1)

    def added(self, i: int, places: Sequence[int]) -> Sum:
        """Node i, which adds its parents at these places up, in their order.

        It goes on where the first of them ended, if that is a sum.  But a layer of neurons, which is made of
        weighted sums, is not continued by a number that varies from row to row: its neurons would differ then.
        """
        first, *others = places
        terms = [self.term(i, place) for place in others]
        p = self.tape.parents[i][first]
        own = self.own(p)
        if own and (len(own.a) == 1 or not own.is_weighted or all(term.is_weighted for term in terms)):
            made = self.of.pop(p)
        else:
            made = self.single(i, first, self.one)
        for term in terms:
            made.extend(term)
        return made

    def term(self, i: int, place: int) -> Sum:
        """What node i adds at this place: a product, where the parent there is one and its own, or the parent."""
        if self.tape.ops[i] is ops.sub:
            return self.single(i, place, self.minus)
        p = self.tape.parents[i][place]
        own = self.own(p)
        return self.of.pop(p) if own and len(own.a) == 1 else self.single(i, place, self.one)

    def single(self, i: int, place: int, sign: int) -> Sum:
        """The parent at this place, times 1 or -1."""
        p = self.tape.parents[i][place]
        return Sum([p], [sign], [self.first_edge[i] + place], [NO_EDGE], self.is_uniform[p])


def first_edges(tape: Tape) -> list[int]:
    """The number of the first edge of each node; edges are numbered node by node, as `parents` has them."""
    return list(accumulate(map(len, tape.parents), initial=0))


class Span(NamedTuple):
    """The products of one sum.

    start           the number it starts from
    first, last     the first product, and the one behind the last
    is_weighted     are all factors the same for all rows?
    """
    start: float
    first: int
    last: int
    is_weighted: bool


class Products:
    """The products of all sums, one after the other.

    a, b, a_edges, b_edges      as sums have them
    ends        the sum that each is of
    lanes       the factor of each that varies from row to row, and
    factors     the other one, the same for all rows if one of the two is
    span        where those of a sum are, by its node
    """

    def __init__(self, sums: dict[int, Sum], tape: Tape):
        sizes = np.fromiter((len(made.a) for made in sums.values()), int, len(sums))
        last: Array = np.cumsum(sizes)
        self.a, self.b, self.a_edges, self.b_edges = (
            np.fromiter(chain.from_iterable(map(attrgetter(name), sums.values())), int, sizes.sum())
            for name in ("a", "b", "a_edges", "b_edges"))
        self.ends: Array = np.repeat(np.fromiter(sums, int, len(sums)), sizes)
        kind = np.array([*tape.kind, CONSTANT, CONSTANT])
        uniform = (kind == PARAMETER) | (kind == CONSTANT)
        turned = uniform[self.a] & ((self.b >= len(tape)) | ~uniform[self.b])
        self.lanes: list[int] = np.where(turned, self.b, self.a).tolist()
        factors = np.where(turned, self.a, self.b)
        self.factors: list[int] = factors.tolist()
        self.span = self.spans(sums, tape, last - sizes, last, uniform[factors])

    def spans(self, sums: dict[int, Sum], tape: Tape, first: Array, last: Array, uniform: Array
              ) -> dict[int, Span]:
        """A sum that begins with a plain number starts from there; others from -0.0, which changes no first term."""
        numbers = np.array([number if kind == CONSTANT else math.nan for number, kind in zip(tape.numbers, tape.kind)])
        start = np.where((self.b[first] == len(tape)) & (last - first > 1), numbers[self.a[first]], math.nan)
        first = first + (start == start)
        is_weighted = np.logical_and.reduceat(uniform, first) if len(first) else first
        return dict(zip(sums, map(Span, np.where(start == start, start, -0.0).tolist(), first.tolist(), last.tolist(),
                                  is_weighted.tolist())))

    def sides(self, span: Span) -> tuple[list[int], list[int]]:
        """(lanes, factors) of a sum."""
        return self.lanes[span.first:span.last], self.factors[span.first:span.last]


class Passed(NamedTuple):
    """What reaches a node along an edge: the adjoint of `source` times `factor`."""
    target: int
    source: int
    factor: int
    edge: int


def in_order(products: Products, passed: list[Passed], is_wanted: Array) -> tuple[Array, Array, Array]:
    """(targets, sources, factors) of what reaches wanted nodes, for each in the order in which the engine adds it up.

    Each of two factors of a product receives the other.
    """
    a, b, ends = products.a, products.b, products.ends
    others = np.array(passed, int).reshape(-1, 4).T
    target, source, factor, edge = map(np.concatenate, zip(
        (a, ends, b, products.a_edges), (b, ends, a, products.b_edges), others))
    kept = np.flatnonzero(is_wanted[target] & (edge != NO_EDGE))
    kept = kept[np.lexsort((-edge[kept], target[kept]))]
    return target[kept], source[kept], factor[kept]
