"""Numbers of many digits: operators against fractions, functions to the last digit that was asked for."""

import math
import operator
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction

import pytest
from draws import stratified
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp
from textbook import definition

from tinygrad_edu import OPS
from tinygrad_edu.check.decimals import Precise, digits
from tinygrad_edu.engine import formula as m

EXACT = (operator.add, operator.sub, operator.mul, operator.lt, operator.le, operator.gt, operator.ge, operator.eq)
NEAR_A_ZERO = [*[k * math.pi / 2 for k in range(1, 9)], 5.319372648326541e+255]       # of a sine or a cosine
FARTHEST = {"erf": 60, "erfc": 60, "pow": 1e3, **dict.fromkeys("exp exp2 expm1 sinh cosh".split(), 1e6)}     # as far as mpmath goes
dyadic = st.integers(-10 ** 6, 10 ** 6).map(lambda k: Fraction(k, 64))
kinds = st.sampled_from([Precise, float, lambda x: x, round])


def fraction(x):
    return Fraction(str(x)) if isinstance(x, Precise) else Fraction(x)


@given(dyadic, dyadic, kinds, st.booleans())
def test_operators_on_numbers_of_any_kind_are_those_of_fractions(a, b, kind, is_second):
    x, y = (kind(b), Precise(a)) if is_second else (Precise(a), kind(b))
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
        assert [fraction(-x), fraction(abs(x)), float(x)] == [-a, abs(a), float(a)]


def test_a_number_keeps_all_its_digits_until_it_is_computed_with():
    x = Precise(0.1)
    with digits(20):
        assert str(x) == "0.1000000000000000055511151231257827021181583404541015625"
        assert repr(+x) == "Precise('0.10000000000000000555')"
        with pytest.raises(TypeError):
            hash(x)
    with digits(60):
        assert Fraction(str(x)) == Fraction(0.1) and str(Precise(Fraction(1, 3))) == "0." + "3" * 60


def draws(op, count):
    """Numbers from all over the domain of an op, one for each input."""
    columns = [stratified(interval, count, seed=k) for k, interval in enumerate(op.domain)]
    for k, column in enumerate(columns):
        random.Random(op.name + str(k)).shuffle(column)
    return [xs for xs in zip(*columns) if max(map(abs, xs)) <= FARTHEST.get(op.name, math.inf)]


def rounded(true, count):
    """An mpmath number with so many digits, as a Decimal."""
    with digits(count):
        return +Decimal(mp.nstr(true, count + 60))


@pytest.mark.parametrize("name", sorted({*m.COMPUTE} - {"remainder"}))        # a difference, which loses what cancels
def test_functions_have_all_the_digits_they_were_asked_for(name):
    """Near their zeros and poles too, where what is lost in the number given shows."""
    function = m.power if name == "pow" else getattr(m, name)
    near = [(x,) for x in NEAR_A_ZERO] if name in ("sin", "cos", "tan") else []
    for i, floats in enumerate(near + draws(OPS[name], 200)[:24]):
        count = (18, 40, 90, 240)[i % 4]
        with digits(count):
            xs = [+Precise(x) for x in floats]
            ours = function(*xs).number
        with mp.workdps(count + 700):
            assert ours == rounded(definition(OPS[name])(*map(mp.mpf, map(str, xs))), count), (count, floats)


@pytest.mark.parametrize("name", [name for name in m.COMPUTE if len(OPS[name].inputs) == 1])
def test_functions_answer_as_ieee_754_does_where_there_is_no_number(name):
    for x in (math.inf, -math.inf, math.nan, 0.0, 1.0, -1.0, 2.0, -2.0, 1e300, -1e300):
        with digits(40):
            assert float(getattr(m, name)(Precise(x))) == pytest.approx(m.ieee(name, x), rel=1e-15, abs=1e-20, nan_ok=True), x


@pytest.mark.parametrize("name", [name for name in m.COMPUTE if len(OPS[name].inputs) == 1 and OPS[name].domain[0].holds(0.0)])
def test_a_zero_is_a_zero_however_it_is_written(name):
    with digits(40):
        zeros = [getattr(m, name)(Precise(Decimal(f"0E{e}"))).number for e in ("+0", "-90", "+40", "+9000")]
    assert len(set(zeros)) == 1 and float(zeros[0]) == m.ieee(name, 0.0)


def test_whole_powers_are_exact_and_a_pole_is_infinite():
    with digits(60):
        for x in (-2, -0.75, -3):
            assert [fraction(m.power(Precise(x), Precise(n))) for n in range(8)] == [Fraction(x) ** n for n in range(8)]
        assert float(m.power(Precise(0), Precise(-1))) == math.inf and m.power(Precise(0), Precise(0)) == 1


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_waves_are_known_far_beyond_floats_but_not_everywhere(name):
    for power in (400, 5000):
        with digits(30), mp.workdps(5100):
            assert getattr(m, name)(Precise(Decimal(10) ** power)).number == rounded(getattr(mp, name)(mp.mpf(10) ** power), 30)
    with digits(30):
        assert str(getattr(m, name)(Precise(Decimal("1e5001")))) == "NaN" and str(m.exp(Precise(Decimal("1e5001")))) == "Infinity"


def test_threads_do_not_share_their_digits_with_each_other_or_with_mpmath():
    def exp_of_1(count):
        with digits(count):
            return len(str(m.exp(Precise(1)))) - 1
    before = mp.dps
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(exp_of_1, range(20, 80))) == list(range(20, 80)) and mp.dps == before


@pytest.mark.parametrize(("before", "said"), [
    ("", "right: 2 gradients judged"),
    ("sys.modules['mpmath'] = None", "ModuleNotFoundError: gradcheck needs mpmath: pip install mpmath")])
def test_mpmath_is_imported_when_it_is_needed_and_asked_for_where_it_is_missing(before, said):
    code = f"import sys, tinygrad_edu as tg\nassert 'mpmath' not in sys.modules\n{before}\nprint(tg.gradcheck(tg.tanh, 0.5))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout + done.stderr).strip().splitlines()[-1] == said
