"""What scripts for other libraries are made of in tests: every operation at many points, random graphs, models."""

import contextlib
import io
import itertools
import math
import random
from functools import partial

from random_functions import RandomFunction

import tinygrad_edu as tg
from tinygrad_edu import OPS, Value
from tinygrad_edu.nn.export.words import JUMPING

POINTS = [-2.5, -1.0, -0.0, 0.0, 0.3, 0.5, 0.875, 1.0, 2.0, 3.75, 21.0, 40.5, -40.5]
PAIRS = [*itertools.product([-2.0, -0.5, 0.0, 0.5, 1.0, 2.0], repeat=2)]
TRIPLES = [(1.0, 2.0, -3.0), (0.0, 2.0, -3.0), (-1.0, 0.5, 0.5)]
ROWS = [[1.0, 3.0, 3.0], [0.0, 0.0, 2.0], [-1.0, 0.5, 2.0], [0.0, 0.0, 0.0], [2.0], [700.0, 0.0, -700.0]]


def run(text):
    """What a script prints; it asserts all else itself."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(text, "<script>", "exec"), {"__name__": "__main__"})
    assert printed.getvalue().startswith("as expected: ")


def points_of(op):
    if not op.rows:
        return {1: [(x,) for x in POINTS], 2: PAIRS, 3: TRIPLES}[len(op.inputs)]
    return [(row,) if len(op.inputs) == 1 else (row, row[::-1]) for row in ROWS]


def few_points_of(op):
    """Of each kind one: a kink, a tie, both sides."""
    if op.rows:
        return points_of(op)[:3]
    return {1: [(-1.0,), (0.0,), (0.5,), (0.875,), (2.0,)], 2: [(0.5, 0.5), (0.0, 0.0), (-0.5, 2.0), (2.0, 0.5)], 3: TRIPLES}[len(op.inputs)]


def at_point(op, point):
    """A node of an op, if it and its gradients are finite there; None if not."""
    leaves = [[Value(x) for x in part] if op.rows else Value(part) for part in point]
    settings = {name: 0.0 if name == "index" else x for name, x in op.sample.items()}
    try:
        node = op(*leaves, **settings)
        tg.mul(1.0, node).backward()
    except (ValueError, ArithmeticError, IndexError):
        return None
    return node


def graph_of(op, points=None, weights=(0.5, -1.25, 2.0)):
    """A sum of an op at all of its points, each in proportion to itself, so that no gradient hides behind another."""
    nodes = [node for point in points or points_of(op) if (node := at_point(op, point)) is not None]
    assert len(nodes) > 1, op
    scales = [weight / max(1.0, abs(node.data)) for weight, node in zip(itertools.cycle(weights), nodes)]
    return tg.sum([tg.mul(scale, node) for scale, node in zip(scales, nodes)])


def random_graph(seed):
    """A graph of all operations that a script can be made of."""
    for attempt in itertools.count():
        f = RandomFunction(f"{seed}, {attempt}")
        row = f.batch(1)[0]
        try:
            output = f([Value(x, label=f"x{i}") for i, x in enumerate(row)])
            tg.script(output, "torch")
            return output
        except (ValueError, ArithmeticError, RuntimeError):
            continue


def random_model(seed):
    """(a model, rows for it) that a script can be made of."""
    for attempt in itertools.count():
        model, rows = any_model(random.Random(f"{seed}, {attempt}"))
        try:
            tg.script(model, "torch", rows)
            return model, rows
        except (ValueError, ArithmeticError, RuntimeError):
            continue


def any_model(draw):
    """(a model, rows for it) of any architecture, with activations that PyTorch has and has not."""
    names = [name for name, op in OPS.items() if op.is_built_in and len(op.inputs) == 1 and not op.rows and not (
        math.isfinite(op.domain[0].low) or math.isfinite(op.domain[0].high)) and None not in op.constants.values()
        and not op.jumps and op not in JUMPING]             # at which a last digit decides
    kinds = [None, tg.selu, partial(tg.leaky_relu, slope=0.2), *names]
    sizes = [draw.randint(1, 5) for _ in range(draw.randint(2, 4))]
    steps = []
    for before, size in itertools.pairwise(sizes):
        steps.append(tg.Layer(before, size, draw.choice(kinds), bias=draw.random() < 0.8, rng=draw.randint(0, 99)))
        steps += draw.choice([[], [], [], [tg.Dropout(0.5)], [tg.softmax], [tg.log_softmax], [tg.softmin]])
    model = tg.Sequential(*steps, *draw.choice([[], [], [], [tg.Maxout(sizes[-1], 2, rng=0)]]))
    if draw.random() < 0.2:
        steps[0].freeze()
    rows = [[draw.randint(-8, 8) / 4 for _ in range(sizes[0])] for _ in range(draw.randint(1, 3))]
    return model, rows if len(rows) > 1 else rows[0]
