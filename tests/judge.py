"""Measures operations on floats against what mpmath makes of the textbook's definitions."""

import random
from typing import Any, NamedTuple

from draws import drawn, edge_grid, pairs, ulp_error
from mpmath import mp
from textbook import definition, slopes

DIGITS = 60
CONSTANTS = {           # what else than its sample an op with constants is measured with
    "power": [{"n": n} for n in (-1.0, 0.0, 0.1, 1 / 3, 0.5, 1.0, 1.5, 2.0, 10.0, 100.7, -2.5, -3.0, 2.0 ** -600)],
    "leaky_relu": [{"slope": 0.1}], "elu": [{"alpha": 0.3}],
}


class Measured(NamedTuple):
    """One op at one point: by how many ULP the value and each local gradient are off; None where not judged."""

    inputs: tuple
    constants: dict
    value: float
    local_grads: list


def settings(op):
    return [op.sample, *CONSTANTS.get(op.name, [])]


def points(op, count, side):
    """Inputs for one op: the edge grid and `count` more; side x side pairs and `count` more."""
    if len(op.inputs) == 1:
        return [(x,) for x in edge_grid(op.domain[0]) + drawn(op.domain[0], count, seed=1)]
    if len(op.inputs) == 2:
        return pairs(*op.domain, side, count, seed=1)
    columns = [edge_grid(interval) + drawn(interval, count, seed) for seed, interval in enumerate(op.domain)]
    for seed, column in enumerate(columns):
        random.Random(seed).shuffle(column)
    return list(zip(*columns))


def has_slope(op, xs):
    """Not at a kink or a tie, where the gradient is a convention, which other tests check."""
    if op.name in ("maximum", "minimum"):
        return xs[0] != xs[1]
    if op.name in ("hypot", "atan2"):
        return any(xs)
    return len(xs) > 1 or xs[0] not in op.domain[0].kinks


def truth(op, xs, constants):
    """(value, derivatives) at sixty digits."""
    numbers = [*map(mp.mpf, xs), *map(mp.mpf, constants.values())]
    value = mp.mpf(definition(op)(*numbers))
    return value, slopes(op)(*numbers) if has_slope(op, xs) else [None] * len(xs)
