"""The plan of a program: a tape as a short list of steps over arrays.

Its words, which all of this folder uses:

    place       where a number stands in the list of all numbers of a plan
    lane        a number that each row has one of
    uniform     a number that is the same for all rows: a parameter or a constant
    factor      what a lane is multiplied by in a sum of products; the weights of a layer are uniform factors
    adjoint     the derivative of the output by a node
    slope       the derivative of a node by one of its parents
    step        what is computed at once: its members, each a sum of so many terms, or an op of so many inputs
    level       a step needs numbers of lower levels only
    column      a lane in memory: its number for each row of a block, and padding to a multiple of eight
    table       all columns of a block

Sums of products of one level that have the same lanes and uniform factors are a layer of neurons; the backward
pass, which is made of sums too, is grouped by the same pass.  Nothing here knows of networks.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import chain
from typing import Any

import numpy as np

from ..engine import ops
from ..engine.formula import Formula
from ..engine.op import Op
from ..engine.printer import resolved
from .groups import Groups, chains_of
from .steps import Array, Chains, Outer, Plan, Step
from .sums import Passed, Products, first_edges, in_order, sums_of
from .tape import CONSTANT, INPUT, PARAMETER, Tape

SUMS = (ops.add, ops.sub, ops.neg, ops.mul, ops.sum, ops.dot)


def planned(tape: Tape, gradients: int | None = PARAMETER) -> Plan:
    """The plan of a tape.

    gradients   of which leaves they are wanted: PARAMETER, INPUT, or None for a forward pass alone
    """
    with uncollected():
        return Planner(tape, gradients).plan()


@contextmanager
def uncollected() -> Iterator[None]:
    """No garbage is collected within: many new lists set the collector off, which then searches all of them in vain."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@cache
def slopes_of(op: Op) -> tuple[Any, ...]:
    """What the local gradients of an op are: a float, ("in", j), ("out",), or None, which is computed.

    Those of an op of rows are all computed, and () is returned.
    """
    if op.rows:
        return ()
    value, slopes = op.formulas(op.rule)
    kinds: list[Any] = []
    for slope in (resolved(each) for each in slopes):
        if type(slope) is not Formula:
            kinds.append(float(slope))
        elif slope is resolved(value):
            kinds.append(("out",))
        else:
            kinds.append(("in", op.inputs.index(slope.head)) if not slope.parts and slope.head in op.inputs else None)
    return tuple(kinds)


def hides_nan(tape: Tape) -> bool:
    """May a nan be lost on the way, so that a slope that is a plain number is passed on where the engine has nan?

    nan ** 0 is 1, and passes 0 back.  hypot(inf, nan) is inf, and a cross entropy without probabilities 0: they pass
    nan back, which slopes of 0 stop.  Of an op of one's own nothing is known.
    """
    def may_be(number: float, i: int) -> bool:
        return tape.kind[i] != CONSTANT or tape.numbers[i] == number
    for i, op in tape.computed:
        if op is ops.power and tape.constants[i]["n"] == 0:
            return True
        if op is ops.pow and may_be(1.0, tape.parents[i][0]) and may_be(0.0, tape.parents[i][1]):
            return True
    used = {op for _, op in tape.computed}
    loses, stops = used & {ops.hypot, ops.softmax_cross_entropy}, [op for op in used if slopes_of(op) == (0.0,)]
    return bool(loses and stops) or not all(op.is_built_in for op in used)


class Planner:
    """The passes, one after the other."""

    def __init__(self, tape: Tape, gradients: int | None):
        self.tape, self.gradients = tape, gradients
        n = len(tape)
        self.one, self.minus, self.seed = n, n + 1, n + 2
        self.is_uniform = [kind in (PARAMETER, CONSTANT) for kind in tape.kind] + [True, True, False]
        self.is_wanted = [kind == gradients and i not in tape.frozen for i, kind in enumerate(tape.kind)] + [False] * 3
        self.level = [0] * (n + 3)
        self.literals: dict[int, float] = {self.one: 1.0, self.minus: -1.0}
        self.known = {repr(number): place for place, number in self.literals.items()}
        self.first_edge = first_edges(tape)

    def fresh(self, count: int, level: int, uniform: bool = False) -> int:
        """The first of some new places in the table."""
        first = len(self.level)
        self.level += [level] * count
        self.is_uniform += [uniform] * count
        return first

    def literal(self, number: float) -> int:
        key = repr(number)
        if key not in self.known:
            self.known[key] = self.fresh(1, 0, uniform=True)
            self.literals[self.known[key]] = number
        return self.known[key]

    def plan(self) -> Plan:
        products = Products(sums_of(self.tape), self.tape)
        forward, passed = self.forward(products)
        if self.gradients is None:
            return Plan(self.tape, len(self.level), self.literals, forward, [], [], [], False)
        backward, outer, adjoints = self.backward(products, passed)
        return Plan(self.tape, len(self.level), self.literals, forward, backward, outer,
                    adjoints if self.gradients == INPUT else [], hides_nan(self.tape))

    # ---- forward

    def forward(self, products: Products) -> tuple[list[Step], list[Passed]]:
        """The steps that compute the nodes, and what their local gradients pass on; sums are told apart."""
        tape, level, wanted = self.tape, self.level, self.is_wanted
        groups, passed = Groups(), list[Passed]()
        for i, op in enumerate(tape.ops):
            span = products.span.get(i)
            if op is None or (span is None and op in SUMS):      # a leaf, or taken into another sum
                continue
            lanes, factors = products.sides(span) if span else (tape.parents[i], ())
            level[i] = 1 + max(map(level.__getitem__, chain(lanes, factors)))
            wanted[i] = any(map(wanted.__getitem__, chain(lanes, factors)))
            if span:
                groups.add_sum(level[i], i, span.start, lanes, factors, span.is_weighted)
            else:
                passed += self.apply(groups, i, op)
        return groups.steps(), passed

    def apply(self, groups: Groups, i: int, op: Op) -> list[Passed]:
        """Node i as a member of a step, and what its local gradients pass on."""
        parents, edge = self.tape.parents[i], self.first_edge[i]
        kinds = slopes_of(op) or [None] * len(parents)
        stored, passed = [-1] * len(parents), []
        for j, kind in enumerate(kinds):
            if not self.is_wanted[parents[j]] or kind == 0.0:
                continue
            if kind is None:
                factor = stored[j] = self.fresh(1, self.level[i])
            elif type(kind) is float:
                factor = self.literal(kind)
            else:
                factor = i if kind[0] == "out" else parents[kind[1]]
            passed.append(Passed(parents[j], i, factor, edge + j))
        groups.add_op(self.level[i], op, self.tape.constants[i], i, parents, stored)
        return passed

    # ---- backward

    def backward(self, products: Products, passed: list[Passed]) -> tuple[list[Step], list[Outer | Chains], list[int]]:
        """Adjoints, from the first output down; each is a sum over all that its node was used for."""
        last = Passed(self.tape.outputs[0], self.seed, self.one, self.first_edge[-1])   # as if behind all edges
        is_wanted: Array = np.zeros(len(self.level), bool)
        is_wanted[:len(self.is_wanted)] = self.is_wanted
        targets, sources, factors = in_order(products, [*passed, last], is_wanted)
        chained = np.array(self.tape.kind)[targets] == PARAMETER
        steps, adjoint = self.adjoints(targets[~chained], sources[~chained].tolist(), factors[~chained].tolist())
        places = np.array(adjoint)
        chained &= places[sources] >= 0
        outer = chains_of(targets[chained], places[sources[chained]], factors[chained])
        return steps, outer, [-1 if i is None else adjoint[i] for i in self.tape.inputs]

    def adjoints(self, targets: Array, sources: list[int], factors: list[int]) -> tuple[list[Step], list[int]]:
        """The steps that compute adjoints, and the place of that of each node, or -1 where nothing arrives."""
        level, groups, adjoint = self.level, Groups(), [-1] * (len(self.tape) + 3)
        adjoint[self.seed] = self.seed
        ends: Array = np.flatnonzero(np.diff(targets, append=-1)) + 1
        for i, start, end in reversed(list(zip(targets[ends - 1].tolist(), [0, *ends.tolist()], ends.tolist()))):
            lanes, uses = [adjoint[x] for x in sources[start:end]], factors[start:end]
            if -1 in lanes:
                uses = [use for lane, use in zip(lanes, uses) if lane >= 0]
                lanes = [lane for lane in lanes if lane >= 0]
            if uses == [self.one]:
                adjoint[i] = lanes[0]
            elif uses:
                height = 1 + max(map(level.__getitem__, lanes))
                adjoint[i] = self.fresh(1, height)
                groups.add_sum(height, adjoint[i], 0.0, lanes, uses, all(map(self.is_uniform.__getitem__, uses)))
        return groups.steps(reverse=True), adjoint
