"""Numeric derivatives: the lecture's numbers, and that each error is within its own estimate."""

import math
import operator
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu import OPS, REAL, Value
from tinygrad_edu.calculus.differences import METHODS, STENCILS, Complex

SMOOTH = [op for op in OPS.values() if len(op.inputs) == 1 and not op.rows and not op.selects
          and op.name not in ("abs", "softsign", "elu", "leaky_relu")]
NOT_COMPLEX = {"erf", "erfc", "gelu", "normal_cdf"}
GOOD = {"forward": 1e-5, "central": 1e-7, "five-point": 1e-8, "richardson": 1e-9, "complex": 1e-13}


def points_of(op):
    edges = [*op.domain[0].kinks, *op.domain[0].without, op.domain[0].low, op.domain[0].high]
    return [x for x in (-3.3, -1.2, -0.6, -0.2, 0.0, 0.3, 0.7, 1.2, 4.0)
            if op.domain[0].holds(x) and all(abs(x - edge) > 0.25 for edge in edges)]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("op", SMOOTH, ids=repr)
def test_every_method_is_as_near_as_it_says_and_near_enough(op, method):
    if method == "complex" and op.name in NOT_COMPLEX:
        return
    for x in points_of(op):
        found = tg.numeric_derivative(lambda t: op(t, **op.sample), x, method)
        true = tg.derivative(lambda t: op(t, **op.sample))(x)
        assert abs(found.value - true) <= found.error <= GOOD[method] * max(1, abs(true)), x
        assert found.h > 0


@settings(max_examples=60)
@given(st.floats(-3, 3), st.sampled_from([m for m in METHODS if m != "complex"]), st.integers(1, 14))
@example(2.125, "richardson", 14)               # steps halved until they are lost in x
def test_the_estimate_holds_for_any_step_that_is_not_wide(x, method, k):
    """The estimate of a step that happens to cancel the bend is too small, at single points; that beside it is not."""
    def f(t):
        return tg.sin(3 * t) * tg.exp(t) / (2 + tg.cos(t))
    h = 10.0 ** -k
    here, beside = (tg.numeric_derivative(f, at, method, h=h) for at in (x, x + h))
    assert abs(here.value - tg.derivative(f)(x)) <= 3 * max(here.error, beside.error)


def test_d003_finite_differences_with_half_steps_and_with_tiny_ones():
    """x² at 2 and x³ at 1 with h = 0.5; then smaller and smaller steps, where the slope of x³ at 1 ends as 0."""
    for f, x, forward, central in (lambda x: x ** 2, 2, 4.5, 4.0), (lambda x: x ** 3, 1, 4.75, 3.25):
        assert tg.numeric_derivative(f, x, "forward", h=0.5).value == forward
        assert tg.numeric_derivative(f, x, "central", h=0.5).value == central
    steps = {0.1: 3.310000000000004, 1e-4: 3.0003000099987354, 1e-8: 3.0000000039720476,
             1e-12: 3.000266701747023, 1e-15: 3.330669073875469, 1e-17: 0.0}
    found = {h: tg.numeric_derivative(lambda x: x * x * x, 1.0, "forward", h=h) for h in steps}
    assert {h: estimate.value for h, estimate in found.items()} == steps
    assert all(abs(estimate.value - 3) <= estimate.error for estimate in found.values())


def test_the_error_falls_with_the_power_of_the_step_that_is_promised():
    true = tg.derivative(tg.exp)(1.0)
    for method, (order, *_) in STENCILS.items():
        wide, narrow = (abs(tg.numeric_derivative(tg.exp, 1.0, method, h).value - true) for h in (2 ** -5, 2 ** -6))
        assert wide / narrow == pytest.approx(2 ** order, rel=0.05)


def test_a_complex_step_has_no_smallest_size():
    for h in (1e-20, 1e-100, 1e-290):
        assert tg.numeric_derivative(lambda x: tg.exp(x) / tg.sqrt(x), 1.5, "complex", h).value == pytest.approx(
            tg.derivative(lambda x: tg.exp(x) / tg.sqrt(x))(1.5), rel=4e-16)


@pytest.mark.parametrize("method", METHODS)
def test_the_largest_numbers_have_slopes_too(method):
    for x in (1.7e308, -1.7e308):
        assert tg.numeric_derivative(lambda t: t * 0.01, x, method).value == pytest.approx(0.01, rel=1e-6)


def branching(x):
    total = x
    while abs(total) > 5:
        total = total / 2
    return total * total if total > 1 else tg.relu(total) - tg.where(tg.less(total, -1), total ** 3, 2 * total)


@pytest.mark.parametrize("x", [-100.0, -3.0, -0.5, 0.7, 3.0, 17.0])
@pytest.mark.parametrize("method", METHODS)
def test_functions_may_branch_and_loop(x, method):
    assert tg.numeric_derivative(branching, x, method).value == pytest.approx(tg.derivative(branching)(x), rel=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_functions_may_cut_off_decimals(method):
    assert tg.numeric_derivative(lambda x: (x // 1) * x, -2.5, method).value == pytest.approx(-3.0)


@pytest.mark.parametrize(("op", "x", "slope"), [
    (tg.sigmoid, -1000.0, 0.0), (tg.silu, -711.0, 0.0), (tg.softplus, 1000.0, 1.0), (tg.log_sigmoid, -1e10, 1.0)])
def test_a_complex_step_goes_as_far_as_its_operation(op, x, slope):
    assert tg.numeric_derivative(op, x, "complex").value == slope


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne])
@pytest.mark.parametrize("x", [-1.0, 0.0, 2.0])
def test_a_complex_step_takes_the_way_that_is_taken_at_x(compare, x):
    assert tg.numeric_derivative(lambda t: 2 * t if compare(t, x) else 3 * t, x, "complex").value == 2 + (not compare(x, x))
    assert tg.numeric_derivative(lambda t: 2 * t if compare(x, t) else 3 * t, x, "complex").value == 2 + (not compare(x, x))
    assert tg.numeric_derivative(lambda t: 2 * t if t else 3 * t, x, "complex").value == 2 + (not x)
    assert tg.numeric_derivative(lambda t: 2 * t if t in (x, None) else 3 * t, x, "complex").value == 2
    assert tg.numeric_derivative(lambda t: 2 * t if t in {x} else 3 * t, x, "complex").value == 2


@pytest.mark.parametrize("n", [-102, -101, -3, 0, 2, 101, 102])
@pytest.mark.parametrize("x", [-1.01, -0.99, 0.99, 1.01])
def test_a_complex_step_knows_whole_powers_of_negative_numbers(x, n):
    assert tg.numeric_derivative(lambda t: t ** n, x, "complex").value == pytest.approx(n * x ** (n - 1), rel=1e-13)


def test_a_function_may_ask_for_a_value_or_know_nothing_of_them():
    assert tg.numeric_derivative(lambda x: x.tanh() if x.data > 0 else x, 0.5).value == pytest.approx(1 / math.cosh(0.5) ** 2)
    assert tg.numeric_derivative(math.gamma, 1.0).value == pytest.approx(-0.5772156649015329)
    assert [tg.numeric_derivative(lambda x, c=c: c, 1.0, method).value for c in (0, 3) for method in METHODS] == [0.0] * 10
    w = Value(2.0)
    assert tg.numeric_derivative(lambda x: w * x, 1.0).value == pytest.approx(2.0) and w.grad == 0


@pytest.mark.parametrize(("wrong", "error", "words"), [
    (lambda: tg.numeric_derivative(tg.tanh, 0.0, "middle"), ValueError, "method='middle': write one of 'forward'"),
    (lambda: tg.numeric_derivative(tg.tanh, 0.0, h=0.0), ValueError, "h is a positive number: got 0.0"),
    (lambda: tg.numeric_derivative(tg.tanh, 0.0, h=math.nan), ValueError, "got nan"),
    (lambda: tg.numeric_derivative(tg.tanh, 0.0, h=math.inf), ValueError, "got inf"),
    (lambda: tg.numeric_derivative(tg.tanh, "0"), TypeError, "not str"),
    (lambda: tg.numeric_derivative(lambda x: [x], 0.0), TypeError, r"f must return one number: got \["),
    *[(lambda method=method: tg.numeric_derivative(lambda x: x ** 0.5, -2.0, method), tg.DomainError, "not a real number") for method in METHODS],
    (lambda: tg.numeric_derivative(tg.erf, 0.0, "complex"), TypeError, "erf of a complex number is not known.*richardson"),
    (lambda: tg.numeric_derivative(math.sin, 0.0, "complex"), TypeError, "richardson"),
    (lambda: tg.numeric_derivative(tg.log, 1e-9), tg.DomainError, "log needs x > 0"),
    *[(lambda f=f, x=x: tg.numeric_derivative(f, x, "complex"), ValueError, f"f.{x}. is not a real number") for f, x in [
        (tg.log, -3), (tg.sqrt, -2), (tg.asin, 2), (lambda x: x ** 0.5 + x, -2)]],
    *[(lambda f=f, x=x: tg.numeric_derivative(f, x, "complex"), tg.DomainError, f"f cannot be run beside {x:g} on a complex number")
      for f, x in [(tg.log, 0.0), (tg.sqrt, 0.0), (tg.asin, 1.0), (tg.exp, 1000.0), (lambda x: x ** -2, 0.0)]],
])
def test_mistakes_are_named(wrong, error, words):
    with pytest.raises(error, match=words):
        wrong()


REAL_OPS = [op for op in OPS.values() if set(op.domain) == {REAL} and not op.rows and op.name not in (*NOT_COMPLEX, "atan2")]


@pytest.mark.parametrize("op", REAL_OPS, ids=repr)
def test_the_real_part_of_a_complex_step_is_the_value(op):
    for x in (-2.5, -1.0, 0.0, 0.4, 3.0):
        inputs = [Complex(x, 1e-100), *[1.5] * (len(op.inputs) - 1)]
        value = op(*inputs, **op.sample)
        assert complex(value).real == pytest.approx(op(x, *inputs[1:], **op.sample), rel=1e-14, abs=1e-15)


# ---- what is promised of the value, the step and the error

QUOTIENTS = {       # as `numeric_derivative` describes its methods
    "forward": lambda f, x, h: (f(x + h) - f(x)) / h,
    "central": lambda f, x, h: (f(x + h) - f(x - h)) / (2 * h),
    "five-point": lambda f, x, h: (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h),
}
small = st.integers(-8, 8)
polynomials = st.lists(small, min_size=1, max_size=9)


def value_at(coefficients, x):
    total = 0 * x
    for c in coefficients:
        total = total * x + c
    return total


@given(polynomials, small, st.integers(0, 3))
def test_quotients_of_polynomials_are_those_of_fractions(coefficients, x, k):
    """Whatever the step, where floats round nothing; but for the last division, which is by 3."""
    h = Fraction(1, 2 ** k)
    for method, quotient in QUOTIENTS.items():
        found = tg.numeric_derivative(lambda t: value_at(coefficients, t), x, method, float(h))
        assert found.value == float(quotient(lambda t: value_at(coefficients, t), Fraction(x), h)) and found.h == h


@given(polynomials, st.floats(-2, 2), st.sampled_from([0.5, 256.0]))
def test_richardson_is_nearly_exact_for_polynomials_however_wide_its_step(coefficients, x, h):
    found = tg.numeric_derivative(lambda t: value_at(coefficients, t), x, "richardson", h)
    true = tg.derivative(lambda t: value_at(coefficients, t) + 0 * t)(x)
    size = value_at([abs(c) for c in coefficients], abs(x) + 1)
    assert abs(found.value - true) + found.error <= 1e-10 * size


def test_a_complex_step_is_the_imaginary_part_also_where_that_is_not_the_slope():
    assert tg.numeric_derivative(lambda x: x * x * x, 1.0, "complex", 0.5).value == 2.75         # Im (1 + i/2)³ / (1/2)


@pytest.mark.parametrize("method", STENCILS)
def test_the_error_of_a_wide_step_is_what_the_bend_of_the_function_makes_it(method):
    for f in (tg.exp, tg.sin, tg.tanh):
        found = tg.numeric_derivative(f, 0.6, method, 2 ** -6)
        assert found.error == pytest.approx(abs(found.value - tg.derivative(f)(0.6)), rel=0.1)


@pytest.mark.parametrize("method", STENCILS)
def test_the_error_of_a_tiny_step_is_that_of_rounding_and_no_more(method):
    found = [(tg.numeric_derivative(tg.exp, x / 64, method, h), math.exp(x / 64))
             for x in range(-64, 64) for h in (1e-11, 2e-11, 3e-10)]
    assert 0.3 < max(abs(estimate.value - true) / estimate.error for estimate, true in found) <= 1


@pytest.mark.parametrize("method", [method for method in METHODS if method != "complex"])
@given(x=st.floats(1, 1e6), k=st.integers(1, 20))
def test_the_step_is_a_power_of_two_that_grows_with_x(method, x, k):
    found = tg.numeric_derivative(tg.tanh, x, method)
    stretched = tg.numeric_derivative(lambda t: tg.tanh(t / 2 ** k), x * 2 ** k, method)
    assert (stretched.value, stretched.h) == (found.value / 2 ** k, found.h * 2 ** k)
    assert math.frexp(found.h)[0] == 0.5 and found.h < x
