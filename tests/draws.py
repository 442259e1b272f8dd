"""Where tests get their numbers from: an op's own domain, with its edges and kinks.

Plain random floats miss the interesting places: a wrong tail of tanh shows in one run of ten.
So every domain is sampled in its working range, over all magnitudes, near its edges and kinks,
and at a fixed list of special numbers.
"""

import math
import random

from hypothesis import strategies as st

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 1e-300, -1e-300, 5e-324, -5e-324, 1e300, -1e300,
           1e-8, -1e-8, 20.0, -20.0, 40.0, -40.0, 709.0, -745.0, 1e16, math.pi / 2, 1.7976931348623157e308]


def edges(interval):
    """The finite ends and kinks of an interval."""
    ends = [x for x in (interval.low, interval.high) if math.isfinite(x)]
    return sorted({*ends, *interval.kinks, *interval.without})


def ordinary(interval, margin=0.05, reach=4.0):
    """Numbers of moderate size, at least `margin` away from edges and kinks: for finite differences."""
    low = interval.low if math.isfinite(interval.low) else max(-reach, interval.low)
    high = interval.high if math.isfinite(interval.high) else max(reach, low + reach)
    away = edges(interval)
    return st.floats(low, high).filter(lambda x: all(abs(x - e) > margin for e in away))


def stratified(interval, count, seed):
    """`count` numbers of the domain: over its working range, all magnitudes, and close to its edges."""
    rng = random.Random(seed)
    found = [x for x in SPECIAL if interval.holds(x)]
    for e in [*edges(interval), 1.0, -1.0]:
        near = [math.nextafter(e, math.inf), math.nextafter(e, -math.inf)]
        near += [e + sign * 10.0 ** -k for k in range(1, 16) for sign in (1, -1)]
        found += [x for x in near if interval.holds(x)]
    while len(found) < count:
        kind = rng.randrange(3)
        x = rng.uniform(-6, 6) if kind == 0 else rng.uniform(-750, 750) if kind == 1 else (
            rng.choice((1, -1)) * 10.0 ** rng.uniform(-300, 300))
        if interval.holds(x):
            found.append(x)
    return found


def ulp_error(ours, true):
    """How many units in the last place `ours` is off the true number (an mpmath one)."""
    nearest = float(true)
    if ours == nearest:
        return 0.0
    if not math.isfinite(nearest) or not math.isfinite(ours):
        return math.inf
    return float(abs((true - ours) / math.ulp(nearest)))
