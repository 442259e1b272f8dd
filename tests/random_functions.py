"""Random functions of all operations, and batches for them: what `compile` is held against the engine with.

A function is drawn once, as a list of steps, and does the same whenever it is called.  Its steps are all operations
of the table, each brought into its domain, the operators with plain numbers, running sums, and layers of neurons
with weights of their own or shared ones.  Its numbers are moderate ones, quarters, so that there are ties, zeros of
both signs, and a few that lead out of the floats.
"""

import math
import random
from collections.abc import Callable
from functools import partial
from itertools import chain
from operator import itemgetter
from typing import NamedTuple

import tinygrad_edu as tg
from tinygrad_edu import OPS, Value

EXTREME = [1e300, -1e300, 1e-310, -5e-324, 710.0, -746.0, 1e154, 2.0 ** -537]
NOT_FINITE = [math.inf, -math.inf, math.nan]
PLAIN = [0.0, -0.0, 1.0, -1.0, 0.5, 3.0, -2.0, 0.1, 1e-310, 2]
OPERATORS = {
    "x + c": lambda x, c: x + c, "c + x": lambda x, c: c + x, "x - c": lambda x, c: x - c, "c - x": lambda x, c: c - x,
    "x * c": lambda x, c: x * c, "c * x": lambda x, c: c * x, "x / c": lambda x, c: x / (c or 3.0),
    "c / x": lambda x, c: c / x, "|x| ** c": lambda x, c: (abs(x) + 0.5) ** c, "c ** x": lambda x, c: abs(c) ** x,
    "x ** 2": lambda x, c: x ** 2, "x ** 3": lambda x, c: x ** 3, "-x": lambda x, c: -x,
}
ACTIVATIONS = [tg.tanh, tg.relu, tg.identity, tg.sigmoid, tg.gelu]
TAMING = [tg.tanh, tg.softsign, tg.sin, lambda x: tg.clip(x, low=-2, high=2), *[lambda x: x] * 4]


def drawn_number(rng, wildness):
    """A moderate number, a quarter, a kink, or, as often as `wildness` says, an extreme one."""
    if rng.random() < wildness:
        return rng.choice(EXTREME)
    return rng.choice([rng.gauss(0, 1), rng.uniform(-3, 3), rng.randint(-8, 8) / 4, rng.choice([0.0, -0.0, 1.0, -1.0])])


def way_into(interval, rng):
    """A function that brings a node into an interval, its ends included; now and then it does not."""
    low, high = interval.low, interval.high
    if rng.random() < 0.02 or low == -math.inf:
        return lambda x: x
    if high == math.inf:
        size = rng.choice([tg.square, tg.abs, tg.softplus, tg.relu] if interval.closed else [tg.exp, tg.softplus])
        return lambda x: low + size(tg.tanh(x))
    if interval.closed:
        return lambda x: tg.clip(x, low=low, high=high)
    return lambda x: low + (high - low) * tg.sigmoid(tg.softsign(x))


class Step(NamedTuple):
    """What makes one node: its name, the places of the nodes it takes, in rows, and a function of these rows."""

    name: str
    rows: list[list[int]]
    makes: Callable[..., Value]


class RandomFunction:
    """A function of a list of inputs, with parameters; nothing of what it computes is without use.

    steps       a step for each place behind those of the inputs
    """

    def __init__(self, seed):
        self.rng = rng = random.Random(seed)
        self.wildness = rng.choice([0.0, 0.0, 0.0, 0.01, 0.2])
        self.inputs, self.parameters, self.steps = rng.randint(1, 5), [], []
        for _ in range(rng.randint(0, 6)):
            self.add("parameter", [], partial(itemgetter(-1), [self.parameter()]))
        draws = [self.an_operation, self.an_operator, self.a_running_sum, self.a_layer, self.a_constant]
        for _ in range(rng.choice([1, 3, 10, 20, 40])):
            rng.choices(draws, [60, 15, 10, 6, 2])[0]()
        self.result = self.an_end()
        self.inner = self.places(3)
        self.needed = self.what_is_needed(self.result), self.what_is_needed(self.result, *self.inner)

    def __repr__(self):
        made = [f"{i}: {self.steps[i - self.inputs].name} {self.steps[i - self.inputs].rows}" for i in self.needed[1]]
        head, end = f"{self.inputs} inputs, {len(self.parameters)} parameters", f"{self.result} {self.inner}"
        return "\n".join([head, *made, end])

    def __call__(self, inputs):
        return self.nodes(inputs, self.needed[0])[self.result]

    def several(self, inputs):
        """Its result, and nodes on its way, as they stand in a dict and a list."""
        nodes = self.nodes(inputs, self.needed[1])
        return {"result": nodes[self.result], "inner": [nodes[i] for i in self.inner], "input": inputs[0]}

    def nodes(self, inputs, needed):
        nodes = dict(enumerate(inputs))
        for i in needed:
            step = self.steps[i - self.inputs]
            nodes[i] = step.makes(*[[nodes[place] for place in row] for row in step.rows])
        return nodes

    def what_is_needed(self, *ends):
        """The places of the steps that these nodes are made by."""
        needed = set(ends)
        for i in range(self.count - 1, self.inputs - 1, -1):
            if i in needed:
                needed.update(chain(*self.steps[i - self.inputs].rows))
        return sorted(i for i in needed if i >= self.inputs)

    def batch(self, rows):
        """So many rows of inputs; in one of twenty batches, a few of them are not finite."""
        found = [[drawn_number(self.rng, self.wildness / 10) for _ in range(self.inputs)] for _ in range(rows)]
        if self.rng.random() < 0.05:
            self.rng.choice(found)[self.rng.randrange(self.inputs)] = self.rng.choice(NOT_FINITE)
        return found

    # ---- drawing it

    @property
    def count(self):
        return self.inputs + len(self.steps)

    def add(self, name, rows, makes):
        self.steps.append(Step(name, rows, makes))

    def parameter(self):
        """A new one."""
        self.parameters.append(Value(drawn_number(self.rng, self.wildness / 20)))
        return self.parameters[-1]

    def places(self, count):
        """Places of nodes so far, mostly of late ones; now and then the same one for all."""
        rng = self.rng
        if rng.random() < 0.1:
            return [rng.randrange(self.count)] * count
        return [rng.randrange(max(0, self.count - 6) if rng.random() < 0.6 else 0, self.count) for _ in range(count)]

    def an_operation(self):
        rng, op = self.rng, self.rng.choice(list(OPS.values()))
        tame, ways = rng.choice(TAMING), [way_into(interval, rng) for interval in op.domain]
        if op.rows:
            length = rng.randint(1 + int(op.sample.get("index", 0)), 6)
            self.add(op.name, [self.places(length) for _ in op.inputs], lambda *rows: tame(op(*rows, **op.sample)))
        else:
            self.add(op.name, [self.places(len(ways))],
                     lambda row: tame(op(*[way(x) for way, x in zip(ways, row)], **op.sample)))

    def an_operator(self):
        c, name = self.rng.choice(PLAIN), self.rng.choice(list(OPERATORS))
        self.add(f"{name}, c = {c!r}", [self.places(1)], lambda row: OPERATORS[name](row[0], c))

    def a_constant(self):
        c = Value(self.rng.choice(PLAIN)).detach()
        self.add(f"constant {c.data!r}", [], lambda: c)

    def a_running_sum(self):
        """Products and numbers added up by operators; what comes is added behind the sum so far, or before it."""
        rng = self.rng
        rows = [self.places(rng.choice([1, 2])) for _ in range(rng.randint(2, 12))]
        before = [rng.random() < 0.2 for _ in rows]

        def makes(*rows):
            total, *terms = [row[0] * row[1] if len(row) > 1 else row[0] for row in rows]
            for term, comes_first in zip(terms, before):
                total = term + total if comes_first else total + term
            return tg.softsign(total)
        self.add("running sum", rows, makes)

    def a_layer(self):
        """Neurons of the same inputs, with weights of their own, or all with the same, and perhaps with biases."""
        rng = self.rng
        lanes, members, activation = self.places(rng.randint(1, 20)), rng.randint(1, 18), rng.choice(ACTIVATIONS)
        shared = [self.parameter() for _ in lanes] if rng.random() < 0.1 else None
        has_bias = rng.random() < 0.6
        for _ in range(members):
            weights, bias = shared or [self.parameter() for _ in lanes], self.parameter() if has_bias else 0.0
            self.add("neuron", [lanes], lambda row, weights=weights, bias=bias:
                     activation(tg.softsign(tg.dot(weights, row) + bias)))

    def an_end(self):
        """The place of the result: a sum of late nodes, the last node, or any: a parameter, an input, a constant."""
        rng = self.rng
        if rng.random() < 0.2:
            return rng.choice([self.count - 1, rng.randrange(self.count)])
        first = [self.inputs] if self.steps[0].name == "parameter" and rng.random() < 0.5 else []
        self.add("sum", [first + self.places(rng.randint(1, 8))], rng.choice([tg.sum, tg.mean]))
        return self.count - 1
