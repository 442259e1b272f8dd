"""Measures operations on floats against what mpmath makes of the textbook's definitions."""

import math
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


# ---- rows ---------------------------------------------------------------------------------------------

UNIT = mp.mpf(2) ** -53


def rows_for(op, count):
    """Rows for an op on rows: of lengths 1 to 8, ordinary, of all magnitudes, cancelling, with ties and far apart."""
    rng = random.Random(op.name)
    kinds = [lambda: rng.uniform(-3, 3), lambda: rng.choice((1, -1)) * 2.0 ** rng.uniform(-60, 60),
             lambda: rng.choice((1, -1)) * 2.0 ** rng.uniform(-300, 300), lambda: rng.uniform(-800, 800),
             lambda: rng.choice((0.0, 1.0, -1.0, 40.0, -40.0, 5e-324, 1e-310, 1e16)),
             lambda: rng.choice((1, -1)) * rng.uniform(1e307, 1.7e308),
             lambda: rng.choice((1, -1)) * 2.0 ** rng.uniform(-1074, 1023)]
    found = []
    for i in range(count):
        kind = kinds[i % len(kinds)]
        row = [kind() for _ in range(1 + i // len(kinds) % 8)]
        if i % 5 == 0:                                  # cancelling: each with its opposite, but for the last bits
            row = [x for x in row for x in (x, -x * (1 + rng.randint(0, 3) * 2.0 ** -52))][:8]
            rng.shuffle(row)
        rows = [row, [rng.choice(kinds[:2])() for _ in row]]
        if op.name == "softmax_cross_entropy":
            hot = rng.randrange(len(row))
            rows = [row, [float(j == hot) for j in range(len(row))]]
        found.append(rows[:len(op.inputs)])
    return found


def total_of_exponentials(x):
    return mp.fsum(map(mp.exp, x))


def shares(x, best):
    hits = [e == best for e in x]
    return [mp.mpf(hit) / sum(hits) for hit in hits]


def cross_entropy(x, t):
    log_total = mp.log(total_of_exponentials(x))
    value = mp.fsum(ti * (log_total - xi) for xi, ti in zip(x, t))
    return value, [value], [softmax_less(x, t), [log_total - xi for xi in x]]


def softmax_less(x, t):
    """sum(t) softmax(x) - t, for one t that is not 0: at this one, what the others add up to, with a minus."""
    parts = [mp.exp(xi) / total_of_exponentials(x) for xi in x]
    return [-ti * mp.fsum(p for j, p in enumerate(parts) if j != i) if ti else sum(t) * parts[i]
            for i, ti in enumerate(t)]


ROWS = {        # (value, the terms that were added up, the derivatives by each row)
    "sum": lambda x: (mp.fsum(x), x, [[mp.mpf(1)] * len(x)]),
    "mean": lambda x: (mp.fsum(x) / len(x), [e / len(x) for e in x], [[mp.mpf(1) / len(x)] * len(x)]),
    "prod": lambda x: (mp.fprod(x), [mp.fprod(x)], [[mp.fprod([*x[:i], *x[i + 1:]]) for i in range(len(x))]]),
    "dot": lambda x, y: (mp.fdot(x, y), [a * b for a, b in zip(x, y)], [y, x]),
    "max": lambda x: (max(x), [], [shares(x, max(x))]), "min": lambda x: (min(x), [], [shares(x, min(x))]),
    "logsumexp": lambda x: (mp.log(total_of_exponentials(x)), [max(x), mp.log(total_of_exponentials(x)) - max(x)],
                            [[mp.exp(e) / total_of_exponentials(x) for e in x]]),
    "softmax_cross_entropy": cross_entropy,
}


def row_error(ours, true, terms):
    """The error as a multiple of u Σ|terms|, the unit R5 has for n-ary ops; half the smallest float is no error."""
    if not math.isfinite(ours):
        return 0.0 if ours == float(true) else math.inf
    error = max(abs(ours - true) - mp.mpf(2) ** -1075, mp.mpf(0))
    size = mp.fsum(map(abs, terms))
    return float(error / (UNIT * size)) if error else 0.0
