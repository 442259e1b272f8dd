"""Measures operations on floats against what mpmath makes of the textbook's definitions.

The tests hold what it finds to R5, the rule the library promises: a value is within 2 units in the
last place (ULP) of the true one, a local gradient within 4, and nothing that a float can hold comes
out as 0, inf or nan.  `python -m benchmarks.accuracy` makes a table of it.

An operation that `textbook.py` does not define, such as one just written, is held to less: on numbers of
moderate size it may be PLAIN off what its own rule gives at sixty digits, relative or absolute.
"""

import math
import random
from collections.abc import Iterator
from typing import NamedTuple

from draws import drawn, edge_grid, jumps_within, pairs, ulp_error
from mpmath import mp
from textbook import ROWS, definition, is_defined, slopes

VALUE_ULP, SLOPE_ULP = 2, 4                     # R5
DIGITS, MANY_DIGITS = 60, 900                   # rows of numbers cancel by more than 60 digits
COUNT, SIDE, ROW_COUNT = 2000, 60, 2000         # random points, pairs in a grid, rows
PLAIN, SMALL, LARGE = 1e-6, 1e-6, 100.0         # without a definition: the error allowed, and for which sizes
FLAT = {                # where a slope passes 0: the absolute error that R5 allows near it, at x
    "gelu": lambda x: 4 * 2.0 ** -53 * (abs(x + 0.7517915246935645) < 1),
    "sinc": lambda x: 4 * 2.0 ** -53 / x / x if abs(x) > 2 else 0.0,
}
CANCELS = {             # where a value passes 0, likewise
    "logaddexp": lambda x, y: 2 * 2.0 ** -53 * (-2 < max(x, y) < 0),
}
CONSTANTS = {           # what else than its sample an op with constants is measured with
    "power": [{"n": n} for n in (-1.0, 0.0, 0.1, 1 / 3, 0.5, 1.0, 1.5, 2.0, 10.0, 100.7, -2.5, -3.0, 2.0 ** -600)],
    "leaky_relu": [{"slope": 0.1}], "elu": [{"alpha": 0.3}],
}


class Point(NamedTuple):
    """An op at one point, and what is true there; None for a derivative that is a convention."""

    inputs: tuple
    constants: dict
    value: mp.mpf
    slopes: list


def settings(op):
    return [op.sample, *CONSTANTS.get(op.name, [])]


def points(op, count, side):
    """Inputs for one op: the edge grid and `count` more; side x side pairs and `count` more."""
    if len(op.inputs) == 1:
        return [(x,) for x in edge_grid(op.domain[0]) + drawn(op.domain[0], count, seed=1)]
    if len(op.inputs) == 2:
        found = pairs(*op.domain, side, count, seed=1)
        return found if op.name != "atan2" else [(y or 0.0, x or 0.0) for y, x in found]        # mpmath has no -0
    columns = [edge_grid(interval) + drawn(interval, count, seed) for seed, interval in enumerate(op.domain)]
    for seed, column in enumerate(columns):
        random.Random(seed).shuffle(column)
    return list(zip(*columns))


def has_slope(op, xs):
    """Not at a kink or a tie, where the gradient is a convention, which other tests check."""
    if jumps_within(op, xs):
        return False
    if op.name in ("maximum", "minimum"):
        return xs[0] != xs[1]
    if op.name in ("hypot", "atan2"):
        return any(xs)
    return len(xs) > 1 or xs[0] not in op.domain[0].kinks


def truth(op, xs, constants, digits=DIGITS):
    """The point of op at xs, to so many digits."""
    with mp.workdps(digits):
        numbers = [*map(mp.mpf, xs), *map(mp.mpf, constants.values())]
        true = slopes(op)(*numbers) if has_slope(op, xs) else [None] * len(xs)
        return Point(xs, constants, mp.mpf(definition(op)(*numbers)), [t if t is None else mp.mpf(t) for t in true])


def all_points(op, count=COUNT, side=SIDE):
    """(inputs, constants) of everything one op is measured at."""
    return [(xs, constants) for constants in settings(op) for xs in points(op, count, side)]


def value_error(op, point, ours) -> float:
    """By how many ULP a value is off: 0 near a 0 where R5 allows for that."""
    passed = op.name in CANCELS and abs(ours - point.value) <= CANCELS[op.name](*point.inputs)
    return 0.0 if passed else ulp_error(ours, point.value)


def slope_errors(op, point, ours) -> list[float]:
    """By how many ULP each local gradient is off: 0 where it is a convention, or near 0 and R5 allows for that."""
    errors = []
    for mine, true in zip(map(float, ours), point.slopes):
        passed = true is None or (op.name in FLAT and abs(mine - true) <= FLAT[op.name](point.inputs[0]))
        errors.append(0.0 if passed else ulp_error(mine, true))
    return errors


def misses(op, cases) -> Iterator[str]:
    """A line for each case where an op is further off than it may be."""
    return misses_in_ulp(op, cases) if is_defined(op) else plain_misses(op, cases)


def misses_in_ulp(op, cases) -> Iterator[str]:
    """A line for each case where an op does not hold R5."""
    for xs, constants in cases:
        point = truth(op, xs, constants)
        value, local_grads = op.evaluate(*xs, **constants)
        if value_error(op, point, value) > VALUE_ULP:
            yield f"{op.name}{xs} {constants} = {value!r}, not {mp.nstr(point.value, 20)}"
        for name, ours, true, error in zip(op.inputs, local_grads, point.slopes, slope_errors(op, point, local_grads)):
            if error > SLOPE_ULP:
                yield f"d {op.name}{xs} {constants} / d {name} = {ours!r}, not {mp.nstr(true, 20)}"


def plain_misses(op, cases) -> Iterator[str]:
    """A line for each case where floats give something else than the same rule at sixty digits."""
    for inputs, constants in cases:
        sizes = [abs(x) for row in inputs for x in (row if op.rows else [row])]
        if any(size and not SMALL <= size <= LARGE for size in sizes):
            continue
        with mp.workdps(DIGITS):
            exact = [list(map(mp.mpf, row)) if op.rows else mp.mpf(row) for row in inputs]
            try:
                true = in_line(op.textbook(*exact, **{name: mp.mpf(c) for name, c in constants.items()}))
            except ZeroDivisionError:                   # a pole, as of the slope of √x at 0
                continue
            for mine, right in zip(in_line(op.evaluate(*inputs, **constants)), true):
                if not abs(mine - right) <= PLAIN * max(1, abs(right)):
                    yield f"{op.name}{inputs} {constants} gives {mine!r}, not {mp.nstr(right, 20)}"


def in_line(result):
    """A value and its local gradients, one after the other."""
    value, local_grads = result
    return [value, *[g for row in local_grads for g in (row if isinstance(row, list) else [row])]]


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
        rows = rows[:len(op.inputs)]
        found += [rows] * is_measurable(op, rows)
    return found


def row_error(ours, true, terms):
    """The error as a multiple of u Σ|terms|, the unit R5 has for n-ary ops.

    Half the smallest float for each term is no error: a product of two may be rounded by as much.
    """
    if not math.isfinite(ours):
        return 0.0 if ours == float(true) else math.inf
    error = max(abs(ours - true) - len(terms) * mp.mpf(2) ** -1075, mp.mpf(0))
    size = mp.fsum(map(abs, terms))
    return float(error / (UNIT * size)) if error and size else math.inf if error else 0.0


def is_measurable(op, rows):
    """Are the terms of a dot product floats, and those of a product on the way to it?

    The bound of R5 is infinite where a term is; and `prod` multiplies from left to right, and from
    right to left for its gradients, and may leave the floats on the way.
    """
    if op.name == "dot":
        return all(math.isfinite(a * b) for a, b in zip(*rows))
    if op.name != "prod":
        return True
    x, = map(list, rows)
    on_the_way = [math.prod(part[:k]) for part in (x, x[::-1]) for k in range(1, len(x) + 1)]
    return all(2.0 ** -500 < abs(p) < 2.0 ** 500 for p in on_the_way) or len(x) < 2 or 0.0 in x


def row_truth(op, rows):
    """(value, the terms added up, the derivatives by each row), to as many digits as it takes."""
    return ROWS[op.name](*[list(map(mp.mpf, row)) for row in rows])


def row_misses(op, count=ROW_COUNT) -> Iterator[str]:
    """A line for each row where an n-ary op is further off than it may be: values n u Σ|terms|, local gradients 4 ULP."""
    if not is_defined(op):
        yield from plain_misses(op, [(rows, op.sample) for rows in rows_for(op, count)])
        return
    with mp.workdps(MANY_DIGITS):
        for rows in rows_for(op, count):
            true, terms, slopes_by_row = row_truth(op, rows)
            value, grads_by_row = op.evaluate(*rows)
            if row_error(value, true, terms) > len(rows[0]):
                yield f"{op.name}{rows} = {value!r}, not {mp.nstr(true, 20)}"
            for ours, right in zip(grads_by_row, slopes_by_row):
                for i, (mine, slope) in enumerate(zip(ours, right)):
                    if ulp_error(float(mine), slope) > SLOPE_ULP:
                        yield f"d {op.name}{rows} / d [{i}] = {mine!r}, not {mp.nstr(slope, 20)}"
