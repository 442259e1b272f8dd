"""The engine at its corners: kinks, ties, poles, overflow, nan; strict and with errstate(all="ignore").

Each row of the convention is a row here, of points: a function, its inputs, the value, the
gradients, and what the strict engine does: "" (nothing), the error of the forward pass, or
BACKWARD where only the gradient is at fault.
"""

import itertools
import math
import operator
import random

import numpy
import pytest
from draws import jumps_within
from planting import with_rule

import tinygrad_edu as tg
from tinygrad_edu import BENT, OPS, REAL, DomainError, GradientError, Interval, PoleError, RangeError, Value
from tinygrad_edu.engine import formula as m

pytestmark = pytest.mark.smoke

inf, nan = math.inf, math.nan
POLE, RANGE, DOMAIN, BACKWARD = PoleError, RangeError, DomainError, GradientError


def power(n):
    return lambda x: x ** n


TABLE = {
    # the rows of the convention
    "relu, leaky_relu, elu, abs at 0": [
        (tg.relu, [0.0], 0, [0], ""), (tg.relu, [-0.0], 0, [0], ""), (lambda x: tg.leaky_relu(x, 0.1), [0.0], 0, [0.1], ""),
        (lambda x: tg.leaky_relu(x, 0.1), [-0.0], 0, [0.1], ""), (tg.elu, [0.0], 0, [1], ""), (lambda x: tg.elu(x, 0.5), [0.0], 0, [0.5], ""),
        (tg.abs, [0.0], 0, [0], ""), (tg.abs, [-0.0], 0, [0], "")],
    "abs(nan), max(nan, 1)": [
        (tg.abs, [nan], nan, [nan], BACKWARD), (tg.maximum, [nan, 1.0], nan, [nan, nan], BACKWARD), (tg.maximum, [1.0, nan], nan, [nan, nan], BACKWARD),
        (tg.max, [nan, 1.0], nan, [nan, nan], BACKWARD)],
    "ties": [
        (tg.maximum, [2.0, 2.0], 2, [0.5, 0.5], ""), (lambda x: tg.maximum(x, x), [3.0], 3, [1], ""), (tg.max, [1.0, 1.0, 0.0], 1, [0.5, 0.5, 0], ""),
        (lambda x: tg.max(x, x), [3.0], 3, [1], "")],
    "clip(x, 0, 1) at 0 and at 1": [
        (lambda x: tg.clip(x, 0, 1), [0.0], 0, [1], ""), (lambda x: tg.clip(x, 0, 1), [1.0], 1, [1], ""), (lambda x: tg.clip(x, 1, 1), [0.0], 1, [0], "")],
    "sqrt(0)": [(tg.sqrt, [x], x, [inf], BACKWARD) for x in (0.0, -0.0)],
    "sqrt(-1), log(-1), (-2)**.5, asin(1.0000001)": [
        (tg.sqrt, [-1.0], nan, [nan], DOMAIN), (tg.log, [-1.0], nan, [nan], DOMAIN), (power(0.5), [-2.0], nan, [nan], DOMAIN),
        (tg.pow, [-2.0, 0.5], nan, [nan, nan], DOMAIN), (tg.asin, [1.0000001], nan, [nan], DOMAIN)],
    "log(0), 1/0, 0**-1, atanh(1)": [
        (tg.log, [0.0], -inf, [inf], POLE), (tg.log, [-0.0], -inf, [-inf], POLE), (lambda x: 1 / x, [0.0], inf, [-inf], POLE),
        (lambda x: 1 / x, [-0.0], -inf, [-inf], POLE), (lambda x: -1 / x, [0.0], -inf, [inf], POLE), (power(-1), [0.0], inf, [-inf], POLE),
        (power(-1), [-0.0], -inf, [-inf], POLE), (power(-2), [-0.0], inf, [inf], POLE), (tg.atanh, [1.0], inf, [inf], POLE), (tg.atanh, [-1.0], -inf, [inf], POLE)],
    "powers of 0": [
        (power(0), [0.0], 1, [0], ""), (power(1), [0.0], 0, [1], ""), (power(2), [0.0], 0, [0], ""), (power(3), [0.0], 0, [0], ""),
        (power(0.5), [0.0], 0, [inf], BACKWARD), (power(1.5), [0.0], 0, [0], "")],
    "(-2)**3, 0**y": [
        (power(3), [-2.0], -8, [12], ""), (lambda y: tg.pow(0.0, y), [2.0], 0, [0], ""), (tg.pow, [0.0, 2.0], 0, [0, 0], ""),
        (tg.pow, [0.0, 0.0], 1, [0, nan], BACKWARD), (tg.pow, [0.0, 1.0], 0, [1, 0], ""), (tg.pow, [0.0, 0.5], 0, [inf, 0], BACKWARD),
        (tg.pow, [0.0, -1.0], inf, [-inf, -inf], POLE), (lambda x: tg.pow(x, Value(0.0).detach()), [0.0], 1, [0], ""),
        (tg.pow, [-2.0, 2.0], 4, [-4, nan], BACKWARD), (lambda x: tg.pow(x, Value(2.0).detach()), [-2.0], 4, [-4], ""),
        (lambda x: x ** 2.0, [-2.0], 4, [-4], "")],
    "exp(1000), exp(-746), 2**1024": [(tg.exp2, [1024.0], inf, [2.0 ** 1023 * (2 * math.log(2))], RANGE), (tg.exp, [1000.0], inf, [inf], RANGE), (tg.exp, [-746.0], 0, [0], "")],
    "sigmoid(±1000), sigmoid(40), tanh(20)": [
        (tg.sigmoid, [1000.0], 1, [0], ""), (tg.sigmoid, [-1000.0], 0, [0], ""), (tg.sigmoid, [40.0], 1, [4.248354255291589e-18], ""),
        (tg.tanh, [20.0], 1, [1.699341702116636e-17], "")],
    "softplus": [
        (tg.softplus, [1000.0], 1000, [1], ""), (tg.softplus, [-1000.0], 0, [0], ""), (tg.softplus, [-745.0], 5e-324, [5e-324], ""),
        (tg.softplus, [inf], inf, [1], "")],
    "log_sigmoid(±1000)": [(tg.log_sigmoid, [1000.0], 0, [0], ""), (tg.log_sigmoid, [-1000.0], -1000, [1], "")],
    "tan of the float next to π/2": [(tg.tan, [math.pi / 2], 1.633123935319537e16, [2.6670937881135714e32], "")],
    "asin(1), acosh(1)": [
        (tg.asin, [1.0], math.pi / 2, [inf], BACKWARD), (tg.asin, [-1.0], -math.pi / 2, [inf], BACKWARD), (tg.acos, [1.0], 0, [-inf], BACKWARD),
        (tg.acosh, [1.0], 0, [inf], BACKWARD)],
    "atan2": [(tg.atan2, [0.0, 0.0], 0, [nan, nan], BACKWARD), (tg.atan2, [1e-200, 1e-200], math.pi / 4, [5e199, -5e199], "")],
    "hypot": [
        (tg.hypot, [0.0, 0.0], 0, [0, 0], ""), (tg.hypot, [2.0 ** 501, 2.0 ** -560], 2.0 ** 501, [1, 2.0 ** -1061], ""), (tg.hypot, [1e200, 1e200], 1.414213562373095e200, [0.5 ** 0.5] * 2, "")],
    "softmax": [
        *[(lambda *x, i=i: tg.softmax(x)[i], [1000.0, 0.0, -1000.0], value, [0, 0, 0], "") for i, value in enumerate([1, 0, 0])],
        *[(lambda *x, i=i: tg.log_softmax(x)[i], [1000.0, 0.0, -1000.0], value, slopes, "")
          for i, (value, slopes) in enumerate([(0, [0, 0, 0]), (-1000, [-1, 1, 0]), (-2000, [-1, 0, 1])])],
        (lambda x: tg.softmax([x, -inf])[1], [2.0], 0, [0], ""), (lambda *x: tg.softmax(x)[1], [2.0, -inf], 0, [0, 0], ""),
        (lambda *x: tg.softmax(x)[0], [2.0, -inf], 1, [0, 0], ""),
        (lambda *x: tg.softmax(x)[0], [-inf, -inf], nan, [nan, nan], DOMAIN), (lambda *x: tg.log_softmax(x)[0], [-inf, -inf], nan, [nan, nan], DOMAIN)],
    "cross-entropy": [
        (lambda *x: tg.cross_entropy(list(x), 0), [40.0, 0.0, 1.0], 1.5796578428307375e-17,
         [-1.5796578428307375e-17, 4.248354255291589e-18, 1.1548224173015786e-17], ""),
        (lambda *x: tg.cross_entropy(list(x), 0), [0.0, 1e4], 1e4, [-1, 1], "")],
    "binary cross-entropy": [
        (lambda p: tg.bce(p, 1), [0.0], inf, [-inf], POLE), (lambda p: tg.bce(p, 0), [1.0], inf, [inf], POLE), (lambda p: tg.bce(p, 0), [0.0], 0, [1], ""),
        (lambda p: tg.bce(p, 1), [1.0], 0, [-1], ""), (lambda z: tg.bce_with_logits(z, 1), [40.0], 4.248354255291589e-18, [-4.248354255291589e-18], "")],
    "a term of the KL divergence": [
        (lambda q: tg.kl_divergence([0.0, 1.0], [q, 1.0]), [0.0], 0, [0], ""),
        (lambda q: tg.kl_divergence([0.5, 0.5], [q, 1.0]), [0.0], inf, [-inf], POLE)],
    "log(x) in a branch not taken": [
        (lambda x: tg.where(tg.greater(x, 0), tg.log(x), 0), [0.0], 0, [0], POLE),
        (lambda x: tg.log(tg.where(tg.greater(x, 0), x, 1)), [0.0], 0, [0], ""),
        (lambda *x: tg.where(1, *x), [2.0, 3.0], 2, [1, 0], ""), (lambda *x: tg.where(0, *x), [2.0, 3.0], 3, [0, 1], "")],
    # what its rules say elsewhere
    "nan from numbers": [
        (lambda x: x - x, [inf], nan, [nan], DOMAIN), (lambda x, y: x * y, [0.0, inf], nan, [nan, nan], DOMAIN),
        (lambda x, y: x / y, [0.0, 0.0], nan, [nan, nan], DOMAIN), (tg.sin, [inf], nan, [nan], DOMAIN), (lambda x: tg.clip(x, 2, 1), [0.0], nan, [nan], DOMAIN)],
    "infinity from finite numbers": [
        (lambda x: x * x, [1e200], inf, [2e200], RANGE), (tg.sinh, [-1000.0], -inf, [inf], RANGE), (tg.log1p, [-1.0], -inf, [inf], POLE),
        (tg.log2, [0.0], -inf, [inf], POLE)],
    "infinite and nan operands propagate": [
        (tg.maximum, [inf, -inf], inf, [1, 0], ""), (tg.minimum, [inf, -inf], -inf, [0, 1], ""),
        (lambda x: x + 1, [-inf], -inf, [1], ""), (tg.exp, [-inf], 0, [0], ""), (tg.hypot, [inf, 1.0], inf, [nan, 0], BACKWARD),
        (lambda *x: tg.logsumexp(x), [2.0, -inf], 2, [1, 0], ""), (lambda x: x * 2, [nan], nan, [nan], BACKWARD), (tg.relu, [nan], nan, [nan], BACKWARD),
        (lambda x: tg.clip(x, 0, 1), [nan], nan, [nan], BACKWARD), (tg.step, [nan], nan, [nan], BACKWARD), (tg.minimum, [1.0, nan], nan, [nan, nan], BACKWARD),
        (tg.equal, [nan, nan], 0, [0, 0], "")],
    "kinks and jumps": [(tg.step, [0.0], 1, [0], ""), (tg.sign, [0.0], 0, [0], ""), (tg.cbrt, [0.0], 0, [inf], BACKWARD)],
    "ties of the smallest": [(tg.minimum, [2.0, 2.0], 2, [0.5, 0.5], ""), (tg.min, [1.0, 0.0, 0.0], 0, [0, 0.5, 0.5], "")],
    "selecting ops pass nothing through what they did not choose": [
        (lambda x: tg.where(0, tg.sqrt(x), 1.0) + x, [0.0], 1, [1], ""), (lambda x: tg.leaky_relu(tg.sqrt(x), 0) + x, [0.0], 0, [1], ""), (lambda x: tg.greater(x, 1.0) * x, [2.0], 2, [1], "")],
    "rows": [
        (tg.logsumexp, [1000.0, 1000.0], 1000.6931471805599, [.5, .5], ""), (tg.prod, [0.0, 3.0, 4.0], 0, [12, 0, 0], ""),
        (tg.prod, [0.0, 0.0, 4.0], 0, [0, 0, 0], "")],
}


def same(ours, wanted):
    return (ours != ours and wanted != wanted) or ours == wanted or math.isclose(ours, wanted, rel_tol=4e-16)


@pytest.mark.parametrize("row", TABLE)
def test_ieee_values_where_trouble_is_ignored(row):
    for f, numbers, value, gradients, _ in TABLE[row]:
        leaves = [Value(x) for x in numbers]
        with tg.errstate(all="ignore"):
            output = f(*leaves)
            output.backward()
        assert same(output.data, value), (numbers, output.data)
        assert all(map(same, [leaf.grad for leaf in leaves], gradients)), (numbers, [leaf.grad for leaf in leaves])


@pytest.mark.parametrize("row", TABLE)
def test_the_strict_engine_raises_where_ieee_would_flag(row):
    for f, numbers, value, gradients, trouble in TABLE[row]:
        check_strict(f, [Value(x) for x in numbers], value, gradients, trouble)


def check_strict(f, leaves, value, gradients, trouble):
    if trouble and trouble is not BACKWARD:
        with pytest.raises(trouble) as caught:
            f(*leaves)
        assert type(caught.value) is trouble
        return
    output = f(*leaves)
    assert same(output.data, value)
    if trouble is BACKWARD:
        with pytest.raises(GradientError, match="nothing was changed"):
            output.backward()
        assert all(leaf.grad == 0.0 for leaf in leaves) and output.grad == 0.0
    else:
        output.backward()
        assert all(map(same, [leaf.grad for leaf in leaves], gradients)), [leaf.grad for leaf in leaves]


@pytest.mark.parametrize("row", TABLE)
def test_plain_floats_obey_the_same_mode(row):
    for f, numbers, value, _, trouble in TABLE[row]:
        if f.__name__ == "<lambda>":                        # some need a Value
            continue
        with tg.errstate(all="ignore"):
            assert same(f(*numbers), value)
        if trouble in ("", BACKWARD):
            assert same(f(*numbers), value)
        else:
            with pytest.raises(trouble):
                f(*numbers)


def test_the_table_notices_a_planted_mistake(monkeypatch):
    row = "relu, leaky_relu, elu, abs at 0"
    wrong = with_rule(tg.relu, lambda x: (max(x, 0.0), (float(x >= 0),)))
    monkeypatch.setitem(TABLE, row, [(wrong, *point[1:]) if point[0] is tg.relu else point for point in TABLE[row]])
    with pytest.raises(AssertionError):
        test_ieee_values_where_trouble_is_ignored(row)


@pytest.mark.parametrize("op", [op for op in OPS.values() if {*op.domain} <= {REAL, BENT, tg.clip.domain[0]}], ids=repr)
def test_an_op_whose_gradients_are_0_or_one_of_a_few_numbers_selects(op):
    rng, found = random.Random(op.name), set()
    for _ in range(60):
        numbers = [[rng.uniform(-3, 3) for _ in range(3)] if op.rows else rng.uniform(-3, 3) for _ in op.inputs]
        found |= {g for part in op.evaluate(*numbers, **op.sample)[1] for g in (part if op.rows else [part])}
    assert op.selects == (0 in found and len(found) <= 3) or op is tg.leaky_relu        # 0 only where that is its slope


@pytest.mark.parametrize("n", range(-5, 7))
def test_whole_powers_of_powers_of_2_are_exact_down_to_the_smallest(n):
    for k in range(-1074, 1024, 3):
        for call in (lambda x: OPS["power"].evaluate(x, n=float(n)), lambda x: OPS["pow"].evaluate(x, float(n))):
            with tg.errstate(all="ignore"):
                z, (slope, *_) = call(2.0 ** k)
            assert z == 2.0 ** (n * k) if -1074 <= n * k < 1024 else z in (0.0, inf)
            assert not -1074 <= (n - 1) * k < 1020 or slope == n * 2.0 ** ((n - 1) * k), (k, slope)


@pytest.mark.parametrize("n", range(-5, 7))
def test_a_whole_power_of_a_negative_number_is_that_of_its_size_but_for_the_sign(n):
    for x in (1e-300, 1e-150, 1e-110, 1e-100, 1e-60, 0.3, 1.0, 1.5, 7.0, 1e60, 1e100, 1e110, 1e300):
        for call in (lambda x: OPS["power"].evaluate(x, n=float(n)), lambda x: OPS["pow"].evaluate(x, float(n))):
            with tg.errstate(all="ignore"):
                (z, (slope, *_)), (mirrored, (its_slope, *_)) = call(x), call(-x)
            assert (mirrored, its_slope) == ((-1) ** n * z, (-1) ** (n + 1) * slope), x


POINTS = [-1e3, -2.5, *(math.nextafter(-1.0, to) for to in (-2, -1, 0)), -0.5, -5e-324, 0.0, 5e-324, 0.5,
          *(math.nextafter(1.0, to) for to in (0, 1, 2)), 2.5, 300.0]
SINGLE = [op for op in OPS.values() if not op.rows]
INTERVALS = dict.fromkeys([*(interval for op in OPS.values() for interval in op.domain), Interval(high=0.5),
                           Interval(high=0.5, closed=True), Interval(-1.0, 2.5, without=(0.0, 0.5))])


@pytest.mark.parametrize("interval", INTERVALS, ids=lambda interval: interval.describe("x"))
def test_a_domain_says_what_it_holds(interval):
    condition = interval.condition("x")
    assert interval.describe("x") == condition + interval.remark
    for x in POINTS:
        assert interval.holds(x) == (condition == "any x" or eval(condition, {"x": x})), x


@pytest.mark.parametrize("op", SINGLE, ids=repr)
def test_an_op_has_finite_values_on_its_domain_and_nowhere_else(op):
    for xs in itertools.product(POINTS[1:-1], repeat=len(op.inputs)):
        with tg.errstate(all="ignore"):
            value, _ = op.evaluate(*xs, **op.sample)
        if all(interval.holds(x) for interval, x in zip(op.domain, xs)):
            assert math.isfinite(value) or op.name in ("div", "reciprocal", "floor_divide", "pow"), xs            # these may be too large
        else:
            assert not math.isfinite(value) or any(interval.remark for interval in op.domain), xs


@pytest.mark.parametrize("op", SINGLE, ids=repr)
def test_away_from_its_kinks_an_op_has_neither_steps_nor_bends_nor_infinite_slopes(op):
    for i, interval in enumerate(op.domain):
        for x in (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5):
            if x in interval.kinks or not interval.holds(x):
                continue
            if jumps_within(op, [x if j == i else 0.6 + j / 10 for j in range(len(op.inputs))], *[1e-9] * len(op.inputs)):
                continue
            near, left, right = ([x + h if j == i else 0.6 + j / 10 for j in range(len(op.inputs))] for h in (0, -1e-9, 1e-9))
            assert all(map(math.isfinite, op.evaluate(*near, **op.sample)[1])), (i, x)
            if interval.holds(left[i]) and interval.holds(right[i]):
                (below, slopes_below), (above, slopes_above) = (op.evaluate(*xs, **op.sample) for xs in (left, right))
                assert (below, *slopes_below) == pytest.approx((above, *slopes_above), rel=1e-6, abs=1e-6), (i, x)


@pytest.mark.parametrize(("call", "words"), [
    (lambda: tg.bce(Value(0.0), 1), "use the logits form, bce_with_logits"), (lambda: tg.bce(1.0, 0), "use the logits form"),
])
def test_an_error_says_what_to_write_instead(call, words):
    with pytest.raises(DomainError, match=words):
        call()


def test_poles_and_overflow_are_also_the_errors_python_raises():
    with pytest.raises(ZeroDivisionError):
        1 / tg.Value(0.0)
    with pytest.raises(OverflowError):
        tg.exp(tg.Value(1000.0))
    assert issubclass(DomainError, ValueError)


@pytest.mark.parametrize(("call", "message"), [
    (lambda: tg.log(-1.0), "log(-1) is not a number: log needs x > 0"), (lambda: tg.div(2.0, 0.0), "2 / 0 is infinite: div needs y != 0"),
    (lambda: tg.asin(-1.5), "asin(-1.5) is not a number: asin needs -1 <= x <= 1"), (lambda: tg.exp(1000.0), "exp(1000) is too large for a float"),
    (lambda: tg.mul(0.0, inf), "0 * inf is not a number"), (lambda: tg.log(-inf), "log(-inf) is not a number"),
    (lambda: tg.pow(-2.0, 0.5), "(-2)**0.5 is not a number: pow needs x > 0 (below 0 with whole powers only)"),
    (lambda: tg.clip(0.0, 2, 1), "clip(0, low=2, high=1) is not a number"), (lambda: tg.sum([1e308, 1e308]), "sum(1e+308, 1e+308) is too large for a float"),
    (lambda: tg.dot([1e200, 1.0], [1e200, 2.0]), "dot([1e+200, 1], [1e+200, 2]) is too large for a float"),
])
def test_an_error_is_a_sentence_about_what_was_asked_and_what_is_allowed(call, message):
    with pytest.raises(DomainError) as caught:
        call()
    assert str(caught.value) == message


def test_an_error_names_operation_operands_and_labels():
    x = tg.Value(-1.0, label="height")
    with pytest.raises(DomainError, match=r"log\(-1\) is not a number: log needs x > 0 \(height = -1\)"):
        tg.log(x)
    y = tg.Value(0.0, label="y")
    with pytest.raises(GradientError, match=r"'y' is inf: the local gradient of sqrt\(y\) at y = 0 is inf"):
        tg.sqrt(y).backward()


def test_infinite_operands_propagate():
    mask = tg.Value(-math.inf)
    assert (mask + 1.0).data == -math.inf
    assert tg.exp(mask).data == 0.0


def test_errstate_ends_with_its_block_and_says_what_it_takes():
    with pytest.raises(ZeroDivisionError), tg.errstate(all="ignore"):
        raise ZeroDivisionError
    with pytest.raises(PoleError):
        tg.log(0.0)
    with pytest.raises(ValueError, match="'warn'"), tg.errstate(all="warn"):
        pass


def test_a_node_no_edge_reached_passes_nothing_on():
    x = tg.Value(0.0)
    unused = tg.sqrt(x)                         # slope inf at 0
    f = tg.where(1.0, x + 1, unused * 2)
    f.backward()
    assert (x.grad, unused.grad) == (1.0, 0.0)


def test_zero_times_infinity_is_not_skipped_elsewhere():
    x = tg.Value(0.0)
    with tg.errstate(all="ignore"):
        (tg.cbrt(x) ** 3).backward()            # the derivative is 1, the product of 0 and inf is nan
    assert math.isnan(x.grad)
    x = tg.Value(0.0)
    with tg.errstate(all="ignore"):
        tg.sqrt(tg.Value(0.0, (x,), (0.0,), op="made by hand")).backward()
    assert math.isnan(x.grad)


CORNERS = [sign * x for x in (0.0, 5e-324, 1e-200, 0.5, 1.0, 2.0, 3.0, 800.0, 1e200, 1e308, inf) for sign in (1, -1)] + [nan]
THEIRS = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh",
          "atan2": "arctan2", "pow": "power"}          # what NumPy calls otherwise


def beyond(x):
    """A number that is not finite, as text; "" for others, whose last digit depends on the library."""
    return "" if math.isfinite(x) else str(float(x))


@pytest.mark.parametrize("name", [name for name in m.COMPUTE if hasattr(numpy, THEIRS.get(name, name))])
def test_functions_that_never_raise_leave_the_floats_where_numpys_do(name):
    theirs = getattr(numpy, THEIRS.get(name, name))
    for inputs in itertools.product(CORNERS, repeat=len(OPS[name].inputs)):
        if (name, *inputs) != ("pow", -inf, 0.5):           # where C has inf, and NumPy nan
            with numpy.errstate(all="ignore"):
                assert beyond(m.ieee(name, *inputs)) == beyond(theirs(*map(numpy.float64, inputs))), inputs


@pytest.mark.parametrize("sign", [operator.add, operator.sub, operator.mul, operator.truediv])
def test_arithmetic_that_never_raises_has_the_bits_of_numpys(sign):
    for x, y in itertools.product(CORNERS, repeat=2):
        with numpy.errstate(all="ignore"):
            wanted = float(sign(numpy.float64(x), numpy.float64(y))).hex()
        for result in sign(m.IEEE(x), y), sign(x, m.IEEE(y)), sign(m.IEEE(x), m.IEEE(y)):
            assert type(result) is m.IEEE and float(result).hex() == wanted, (x, y)
