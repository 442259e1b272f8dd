"""Where tests get their numbers from: an op's own domain, with its edges and kinks.

Plain random floats miss the interesting places: a wrong tail of tanh shows in one run of ten.
So every domain is sampled in its working range, over all magnitudes, near its edges and kinks,
and at a fixed list of special numbers.
"""

import itertools
import math
import random
from fractions import Fraction

from hypothesis import strategies as st

LARGEST = 1.7976931348623157e308
SPECIAL = [0.0, 1.0, 0.5, 2.0, 3.0, 1e-300, 5e-324, 1e-323, 1e300, 1e-8, 1e-20, 10.0, 1e16, math.pi, math.pi / 2,
           math.pi / 4, 2.0 ** 52, 2.0 ** 53, 1e22, 2.0 ** 1000]
THRESHOLDS = [                  # where results leave the floats, or their tails are reached
    709.782712893384, 708.3964185322641, 745.1332191019411, 710.4758600739439,         # exp, sinh, cosh, silu
    1024.0, 1022.0, 1074.0, 350.0, 700.0, 40.0, 20.0, 19.0615, 36.7368, 18.3684,       # exp2, sigmoid, tanh
    5.9216, 26.5432, 27.2262, 37.5194, 38.4674, 8.2924, 1.2784645427610738, 0.7517915246935645,   # erf, erfc, gelu, silu
    2.0 ** 500, 2.0 ** -500, 2.0 ** 512, 2.0 ** -512, 2.0 ** -537, 2.0 ** -1022, 2.0 ** 1022, 2.0 ** 27, LARGEST]


def edges(interval):
    """The finite ends and kinks of an interval."""
    ends = [x for x in (interval.low, interval.high) if math.isfinite(x)]
    return sorted({*ends, *interval.kinks, *interval.without})


def ordinary(interval, margin=0.05, reach=4.0, small=1e-3):
    """Numbers of moderate size, at least `margin` away from edges and kinks, and 0 or not below `small`: for finite differences."""
    low = interval.low if math.isfinite(interval.low) else max(-reach, interval.low)
    high = interval.high if math.isfinite(interval.high) else max(reach, low + reach)
    away = edges(interval)
    return st.floats(low, high).filter(lambda x: all(abs(x - e) > margin for e in away) and (not x or abs(x) >= small))


def jumps_within(op, xs, *steps):
    """Does an op that jumps at infinitely many places jump when its inputs move by up to so much, up or down?

    With no steps: does it jump at xs itself?
    """
    if not op.jumps:
        return False
    corners = itertools.product(*[(Fraction(x) - Fraction(h), Fraction(x) + Fraction(h)) for x, h in zip(xs, steps or [0] * len(xs))])
    places = [op.jumps(*corner) for corner in corners]
    return any(place.denominator == 1 for place in places) or len({math.floor(place) for place in places}) > 1


def edge_grid(interval):
    """The fixed numbers of the domain where trouble is likely: see the lists above, and its own edges and kinks."""
    found = [x for near in SPECIAL for x in (near, -near)]
    for e in [*edges(interval), 1.0, -1.0]:
        found += neighbours(e) + [e + sign * 10.0 ** -k for k in range(1, 16) for sign in (1, -1)] + [e + 0.5, e - 0.5]
    for threshold in THRESHOLDS:
        found += neighbours(threshold) + neighbours(-threshold)
    return [x for x in {x.hex(): x for x in found}.values() if interval.holds(x)]


def neighbours(x, steps=4):
    """x and the floats next to it, up to `steps` away on both sides."""
    found = [x]
    for towards in (math.inf, -math.inf):
        near = x
        for _ in range(steps):
            near = math.nextafter(near, towards)
            found += [near] * math.isfinite(near)
    return found


def drawn(interval, count, seed):
    """`count` random numbers of the domain: of its working range, of all magnitudes, and close to its edges."""
    rng = random.Random(seed)
    places = [*edges(interval), 1.0, -1.0]
    kinds = [lambda: rng.uniform(-6, 6), lambda: rng.uniform(-750, 750),
             lambda: rng.choice((1, -1)) * 2.0 ** rng.uniform(-1074, 1023.9),
             lambda: rng.choice(places) + rng.choice((1, -1)) * 10.0 ** rng.uniform(-16, 0)]
    found = []
    while len(found) < count:
        x = rng.choice(kinds)()
        if interval.holds(x):
            found.append(x)
    return found


def stratified(interval, count, seed):
    """The edge grid and `count` random numbers of the domain."""
    return edge_grid(interval) + drawn(interval, count, seed)


def pairs(one, other, side, count, seed):
    """A grid of side x side pairs and `count` random ones: a number and one like it, or far from it, or its power.

    The second of these last is such that x ** y is a float.
    """
    rng = random.Random(seed)
    grids = [grid + rng.sample(rest, side - len(grid)) for grid, rest in
             ((points[:side // 2], points[side // 2:]) for points in map(edge_grid, (one, other)))]
    found = [(x, y) for x in grids[0] for y in grids[1]]
    firsts, seconds = drawn(one, 2 * count, seed), drawn(other, 2 * count, seed + 1)
    partners = [lambda x, y: y, lambda x, y: x * rng.choice((1, -1)) * 2.0 ** rng.uniform(-1, 1),
                lambda x, y: x * 2.0 ** rng.uniform(-70, 70),
                lambda x, y: rng.uniform(-746, 711) / (math.log(abs(x)) or 1.0) if x else 1.0]
    random_pairs = [(x, rng.choice(partners)(x, y)) for x, y in zip(firsts, seconds)]
    return found + [(x, y) for x, y in random_pairs if math.isfinite(y) and other.holds(y)][:count]


def ulp_error(ours, true):
    """How many units in the last place `ours` is off the true number (an mpmath one).

    The unit is the gap between floats at the true number.  inf is right where rounding the true
    number gives it, and infinitely wrong elsewhere; nan is always infinitely wrong.
    """
    nearest = float(true)
    if not math.isfinite(ours):
        return 0.0 if ours == nearest else math.inf
    return float(abs(true - ours) / math.ulp(max(min(nearest, LARGEST), -LARGEST)))
