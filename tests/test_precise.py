"""Numbers of many digits: operators against fractions, functions against mpmath to the last digit."""

import math
import operator
import random
from decimal import Decimal
from fractions import Fraction

import pytest
from draws import edges, stratified
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp
from textbook import definition

from tinygrad_edu import OPS
from tinygrad_edu.check.decimals import FUNCTIONS, Precise, digits
from tinygrad_edu.engine import formula as m

NAMES = sorted({*FUNCTIONS} - {"sign"} | {"exp2", "log2"})
OP_OF = {name: OPS["pow" if name == "power" else name] for name in NAMES}
COUNTS = (18, 40, 90, 240)
NEAR_A_ZERO = [*[k * math.pi / 2 for k in range(1, 9)], 5.319372648326541e+255]       # of a sine or a cosine
FARTHEST = {"erf": 60, "erfc": 60, **dict.fromkeys("exp exp2 expm1 sinh cosh".split(), 1e6)}     # as far as mpmath goes


def draws(op, count):
    """Numbers from all over the domain of an op, one for each input."""
    columns = [stratified(interval, count, seed=k) for k, interval in enumerate(op.domain)]
    for k, column in enumerate(columns):
        random.Random(op.name + str(k)).shuffle(column)
    return list(zip(*columns))


def fraction(x):
    return Fraction(str(x)) if isinstance(x, Precise) else Fraction(x)


# ---- operators ---------------------------------------------------------------------------------------------

EXACT = (operator.add, operator.sub, operator.mul, operator.lt, operator.le, operator.gt, operator.ge, operator.eq)
dyadic = st.integers(-10 ** 6, 10 ** 6).map(lambda k: Fraction(k, 64))
kinds = st.sampled_from([Precise, float, lambda x: x, round])


@given(dyadic, dyadic, kinds, st.booleans())
def test_operators_on_numbers_of_any_kind_are_those_of_fractions(a, b, kind, is_second):
    x, y = Precise(a), kind(b)
    x, y = (y, x) if is_second else (x, y)
    with digits(30):
        for operation in EXACT:
            found = operation(x, y)
            assert (found if isinstance(found, bool) else fraction(found)) == operation(fraction(x), fraction(y))
        if y != 0:
            true = fraction(x) / fraction(y)
            assert abs(fraction(x / y) - true) <= abs(true) / 10 ** 29
        if y != 0 and isinstance(x, Precise):
            assert fraction(x % y) == fraction(x) % fraction(y)
        x = Precise(a)
        assert [fraction(-x), fraction(abs(x)), float(x), hash(a)] == [-a, abs(a), float(a), hash(a)]


def test_a_number_keeps_all_its_digits_until_it_is_computed_with():
    x = Precise(0.1)
    with digits(20):
        assert str(x) == "0.1000000000000000055511151231257827021181583404541015625"
        assert repr(+x) == "Precise('0.10000000000000000555')"
        with pytest.raises(TypeError):
            hash(x)
    with digits(60):
        assert Fraction(str(x)) == Fraction(0.1) and str(Precise(Fraction(1, 3))) == "0." + "3" * 60


# ---- functions ---------------------------------------------------------------------------------------------


def cases(name, count=24):
    if name in ("sin", "cos", "tan"):
        return [(x,) for x in NEAR_A_ZERO] + draws(OP_OF[name], 200)[:count]
    found = [xs for xs in draws(OP_OF[name], 200) if max(map(abs, xs)) <= FARTHEST.get(name, math.inf)]
    return [xs for xs in found if name != "power" or (xs[0] > 0 and abs(xs[1] * math.log(xs[0])) < 1e6)][:count]


def rounded(true, count):
    """An mpmath number with so many digits, as a Decimal."""
    with digits(count):
        return +Decimal(mp.nstr(true, count + 60))


@pytest.mark.parametrize("name", NAMES)
def test_functions_have_all_the_digits_they_were_asked_for(name):
    for i, floats in enumerate(cases(name)):
        count = COUNTS[i % len(COUNTS)]
        with digits(count):
            xs = [+Precise(x) for x in floats]
            ours = +getattr(m, name)(*xs).number
        with mp.workdps(count + 700):
            assert ours == rounded(definition(OP_OF[name])(*map(mp.mpf, map(str, xs))), count), (count, xs)


@pytest.mark.parametrize("name", [name for name in NAMES if OP_OF[name].domain[0].holds(1.5e-60)])
def test_no_digit_is_lost_near_zero(name):
    with digits(18), mp.workdps(150):
        for k in range(60):
            xs = [Decimal(f"0.7310585786300049e-{k}")] * len(OP_OF[name].inputs)
            assert getattr(m, name)(*map(Precise, xs)).number == rounded(
                definition(OP_OF[name])(*map(mp.mpf, map(str, xs))), 18), k


@pytest.mark.parametrize(("count", "eighths"), [(18, range(-70, 70)), (240, range(180, 210, 3))])
@pytest.mark.parametrize("name", ["erf", "erfc"])
def test_no_digit_is_lost_where_one_series_takes_over_from_another(name, count, eighths):
    with digits(count), mp.workdps(4 * count + 80):
        for k in eighths:
            assert getattr(m, name)(Precise(k / 8)).number == rounded(getattr(mp, name)(mp.mpf(k) / 8), count), k


def test_whole_powers_of_negative_numbers_are_exact():
    with digits(60):
        for x in (-2, -0.75, -3):
            assert [fraction(m.power(Precise(x), Precise(n))) for n in range(8)] == [Fraction(x) ** n for n in range(8)]
        assert [str(m.power(Precise(0), Precise(n))) for n in (0, 3, -1)] == ["1", "0", "Infinity"]


def test_pi_and_roots_of_cubes():
    for count in COUNTS:
        with digits(count), mp.workdps(count + 70):
            assert m.pi(Precise(1)).number == rounded(mp.pi, count)
            assert [m.cbrt(Precise(x)).number for x in (-27, 0, 8)] == [-3, 0, 2]


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_waves_are_known_far_beyond_floats_but_not_everywhere(name):
    with digits(30), mp.workdps(500):
        assert getattr(m, name)(Precise(10 ** 400)).number == rounded(getattr(mp, name)(mp.mpf(10) ** 400), 30)
        assert str(getattr(m, name)(Precise(Decimal("1e5001")))) == "NaN"


def test_the_sine_of_a_number_of_5001_digits_is_the_farthest():
    with digits(30), mp.workdps(5100):
        assert m.sin(Precise(Decimal("1e5000"))).number == rounded(mp.sin(mp.mpf("1e5000")), 30)


@pytest.mark.parametrize("name", [name for name in NAMES if len(OP_OF[name].inputs) == 1])
def test_functions_answer_as_ieee_754_does_where_there_is_no_number(name):
    for x in (math.inf, -math.inf, math.nan, 0.0, 1.0, -1.0, 2.0, -2.0, 1e300, -1e300):
        with digits(40):
            assert float(getattr(m, name)(Precise(x))) == pytest.approx(m.ieee(name, x), rel=1e-15, abs=1e-20, nan_ok=True), x


@pytest.mark.parametrize("y", [0.0, 1.5, -1.5])
@pytest.mark.parametrize("x", [0.0, 2.5, -2.5])
def test_angles_of_all_quarters_and_axes(x, y):
    with digits(40):
        assert float(m.atan2(Precise(y), Precise(x))) == math.atan2(y, x)


# ---- rules --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("op", [op for op in OPS.values() if not op.rows], ids=repr)
def test_rules_agree_with_mpmath(op):
    ordinary = [xs for xs in draws(op, 8) if all(1e-30 < abs(x) < 1e3 for x in xs)
                and not any(x in edges(interval) for x, interval in zip(xs, op.domain))]
    assert ordinary
    for xs in ordinary[:8]:
        with mp.workdps(100), digits(80):
            theirs, ours = (op.rule(*map(kind, xs), **{name: kind(float(c)) for name, c in op.sample.items()})
                            for kind in (mp.mpf, Precise))
            for a, b in zip((ours[0], *ours[1]), (theirs[0], *theirs[1])):
                a, b = mp.mpf(str(a)), mp.mpf(b.numerator) / b.denominator if isinstance(b, Fraction) else mp.mpf(b)
                assert abs(a - b) <= abs(b) * mp.mpf(10) ** -45, (xs, a, b)
