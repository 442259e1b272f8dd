"""What gradcheck measures slopes with: steps that are as they should be, and limits that are where they say."""

import math
import random
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest

import tinygrad_edu as tg
from tinygrad_edu import Value
from tinygrad_edu.check import measure
from tinygrad_edu.check.decimals import digits
from tinygrad_edu.check.measure import (
    CENTRAL,
    LEVELS,
    NARROWER,
    ONE_SIDED,
    STEPS,
    RuleInDigits,
    Runs,
    Slopes,
    Unexplained,
)

# ---- many digits


def test_levels_have_the_digits_that_are_promised_and_steps_that_leave_most_of_them():
    assert LEVELS[0][0] >= 90 and LEVELS[-1][0] > 4 * 330
    assert all(4 * below < count for count, below in LEVELS) and NARROWER > 330


@pytest.mark.parametrize(("x", "steps"), [(3.0, (3, 1, 1)), (-0.25, (0.25, 0.25, 0.25)), (0.0, (1, 1, 1)), (1e300, (1e300, 1, 1))])
def test_steps_are_a_share_of_the_input_and_at_higher_levels_of_1_where_it_is_larger(x, steps):
    node = tg.identity(Value(x))
    for level, (size, (_, below)) in enumerate(zip(steps, LEVELS)):
        assert RuleInDigits(node, level).step(0) == Decimal(size).scaleb(-below)


@pytest.mark.parametrize("sign", [1, -1])
def test_slopes_agree_to_a_billionth_and_two_sides_to_12_digits(sign):
    slope = Decimal(3 * sign)
    near, far = slope * (1 + Decimal("0.999e-9")), slope * (1 - Decimal("1.001e-9"))
    assert Slopes(slope, slope, slope, Decimal(0)).agrees(near) and not Slopes(slope, slope, slope, Decimal(0)).agrees(far)
    near, far = slope * (1 + Decimal("0.999e-12")), slope * (1 - Decimal("1.001e-12"))
    assert Slopes(slope, slope, near, Decimal(0)).is_clear and not Slopes(slope, slope, far, Decimal(0)).is_clear
    assert Slopes(slope, slope, slope, Decimal(2)).is_clear and not Slopes(slope, slope, slope, Decimal(3)).is_clear


def test_a_rule_in_digits_looks_at_both_sides_and_knows_what_rounding_hides():
    for level, (count, below) in enumerate(LEVELS):
        rule, h = RuleInDigits(tg.identity(Value(1.0)), level), Decimal(1).scaleb(-below)
        with digits(1000):
            assert rule.changes(0) == [[(sign * x, sign * x) for x in (h, h.scaleb(-NARROWER))] for sign in (-1, 1)]
        assert rule.slopes(0) == (1, 1, 1, Decimal(1).scaleb(20 - count + below))


@pytest.mark.parametrize(("wide", "narrow", "slope"), [
    ("6 2", "3e-9 1e-9", 3), ("-6 2", "-3e-9 1e-9", -3), ("6 -2", "3e-9 -1e-9", -3), ("0 2", "0 1e-9", 0),
    ("1 1e-3", "1 1e-9", "jump"), ("-1 1e-3", "-1 1e-9", "jump"), ("1 1e-3", "-0.51 1e-9", "jump"), ("1 1e-3", "0.5 1e-9", "inf"),
    ("1e-9 1e-18", "1e-300 1e-600", "inf"), ("-1e-9 1e-18", "-1e-300 1e-600", "-inf"), ("1e-9 -1e-18", "1e-300 -1e-600", "-inf"), ("1e-27 1e-18", "1e-900 1e-600", 0),
    ("1 1", "1.002e-9 1e-9", "inf"), ("1 1", "1.001e-9 1e-9", "1.001"), ("1 1", "0.9995e-9 1e-9", "0.9995"), ("1 1", "0.999e-9 1e-9", 0),
    ("inf 1", "1e-9 1e-9", "none"), ("1 1", "nan 1e-9", "none"),
])
def test_two_changes_of_a_value_lead_to_a_slope_or_say_that_there_is_none(wide, narrow, slope):
    found = measure.one_sided_slope(*[tuple(map(Decimal, pair.split())) for pair in (wide, narrow)])
    assert found == (slope if slope in ("jump", "none") else Decimal(slope))


def test_the_rounding_sensitivity_of_a_local_gradient_is_what_the_rounding_of_inputs_moves():
    """That of x² y by x, 2 x y, moves by 2 x y once for each input; that by y, x², by twice itself, for x alone."""
    assert RuleInDigits(tg.square(Value(3.0)), 0).rounding_sensitivity(0) == pytest.approx(6 * 2.0 ** -50, rel=1e-12, abs=0)
    op = tg.Op(lambda x, y: (x * x * y, (2 * x * y, x * x)), "x² y", (tg.REAL, tg.REAL), False, {})
    for level in range(len(LEVELS)):
        rule = RuleInDigits(Value.record(op, Value(3.0), Value(5.0)), level)
        assert (rule.rounding_sensitivity(0), rule.rounding_sensitivity(1)) == pytest.approx((60 * 2.0 ** -50, 18 * 2.0 ** -50), rel=1e-12, abs=0)


# ---- running the function again


@pytest.mark.parametrize(("x", "units"), [(3.0, [3.0]), (-3.0, [3.0]), (0.0, [1.0]), (99.0, [99.0]), (100.0, [100.0, 1.0]), (0.01, [0.01, 1.0]), (1e-5, [1e-5, 1.0])])
def test_an_input_is_moved_down_and_up_by_quarters_of_steps(x, units):
    found = measure.Experiment(lambda v: v * 2, [x]).runs(0)
    assert [runs.unit for runs in found] == units and STEPS[0] == 1 / 16 and len(STEPS) == 21
    assert all(4 * b == a for a, b in pairwise(STEPS))
    for runs in found:
        assert runs.start == [x, 2.0, 2 * x, x] or runs.start == [2.0, x, 2 * x, x]
        assert [data[-1] for data in runs.below] == [x - step * runs.unit for step in STEPS]
        assert [data[-1] for data in runs.above] == [x + step * runs.unit for step in STEPS]
        assert all(data[-2] == 2 * data[-1] for data in runs.all)


@pytest.mark.parametrize(("shrink", "degree"), [(ONE_SIDED, 1), (CENTRAL, 2)])
def test_what_is_extrapolated_has_lost_two_terms_of_the_error(shrink, degree):
    rng = random.Random(degree)
    slope, a, b, *_ = [Fraction(rng.randint(-9, 9), 7) for _ in range(3)]
    steps = [Fraction(step) for step in STEPS[:6]]
    assert measure.without_two_terms([slope + a * h ** degree + b * h ** (2 * degree) for h in steps], shrink) == [slope] * 4


def runs_of(functions, x, unit=1.0):
    """Runs of functions of x as if they were nodes."""
    def data(to):
        return [*[f(to) for f in functions], to]
    return Runs(data(x), [data(x - step * unit) for step in STEPS], [data(x + step * unit) for step in STEPS], unit)


CURVES = {      # with their slopes
    "cube": (lambda x: x * x * x, lambda x: 3 * x * x), "exp": (math.exp, math.exp), "sin": (math.sin, math.cos),
    "1/x": (lambda x: 1 / x, lambda x: -1 / (x * x)), "tanh": (math.tanh, lambda x: 1 / math.cosh(x) ** 2),
    "line": (lambda x: 3 * x - 1, lambda x: 3.0)}


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("x", [0.3, -0.7, 1.9])
@pytest.mark.parametrize("off", [0.0, 1e-6, -1e-3])
def test_what_is_unexplained_of_a_slope_is_found_with_the_uncertainty_that_is_stated(name, x, off):
    f, slope = CURVES[name]
    found = measure.unexplained([runs_of([f], x)], 0, [1], [slope(x) * (1 - off)])
    assert found.low == found.high and not found.is_vague and found.by[1] == pytest.approx(1, abs=1e-9)
    assert abs(found.low - off * slope(x)) <= found.uncertainty <= 1e-8 * abs(slope(x))
    assert found.slope == pytest.approx(abs(slope(x)), rel=1e-8)
    assert found.scale == pytest.approx(2 * abs(slope(x)), rel=1.1e-3)


def test_the_two_slopes_of_a_kink_are_found():
    found = measure.unexplained([runs_of([lambda x: 3 * x if x > 0 else 5 * x], 0.0)], 0, [1], [4.0])
    assert (found.low, found.high) == pytest.approx((-1, 1), abs=1e-9)


def test_an_input_that_moves_nothing_leaves_nothing_unexplained():
    nothing = measure.unexplained([runs_of([lambda x: 2.0, lambda x: 7.0], 0.5)], 0, [1], [3.0])
    assert nothing == Unexplained({1: 0.0})


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_the_rounding_within_a_node_is_seen_where_it_moves_by_jumps(scale):
    changes = sorted({scale - scale * math.cos(step) for step in STEPS})
    assert measure.noise_floor([runs_of([lambda x: scale * math.cos(x)], 0.0)], 0) == changes[1] > changes[0] == 0
    assert measure.noise_floor([runs_of([lambda x: scale * x], 0.0), runs_of([lambda x: scale], 0.5)], 0) == 0
