"""gradcheck: it passes only what is right, names what is wrong, and raises no false alarm."""

import math
import random
import re
from fractions import Fraction

import pytest
from draws import edges, jumps_within, stratified
from planting import with_rule

import tinygrad_edu as tg
from tinygrad_edu import OPS, DomainError, Value, gradcheck
from tinygrad_edu.engine import formula as m

SINGLE = [op for op in OPS.values() if not op.rows]
ROWS = [op for op in OPS.values() if op.rows]


def call(op, *flat):
    """An op called on numbers one after the other, rows cut to length."""
    length = len(flat) // len(op.inputs)
    inputs = [list(flat[i * length:(i + 1) * length]) for i in range(len(op.inputs))] if op.rows else flat
    return op(*inputs, **op.sample)


def typical(op):
    """Inputs at which no local gradient is 0, and no two are equal."""
    count = len(op.inputs) * (3 if op.rows else 1)
    middle = [0.3 + 0.21 * k for k in range(count)]
    low = op.domain[0].low
    return [x + 1.1 if low == 1.0 else x for x in middle]


# ---- no false pass: wrong rules planted in every operation --------------------------------------------


def changed(op, change):
    """The textbook rule of an op with its list of local gradients changed; those of rows are changed as one list."""
    def wrong(*inputs, **constants):
        value, local_grads = op.textbook(*inputs, **constants)
        if isinstance(local_grads[0], list):
            flat = change([g for row in local_grads for g in row])
            length = len(local_grads[0])
            return value, tuple(flat[i * length:(i + 1) * length] for i in range(len(local_grads)))
        return value, tuple(change(list(local_grads)))
    wrong.__module__ = op.rule.__module__
    return wrong


def planted(op, change):
    return with_rule(op, changed(op, change))


def at(k, f):
    return lambda gs: [f(g) if i == k else g for i, g in enumerate(gs)]


CHANGES = {
    "a millionth too large": lambda g: g * (1 + Fraction(1, 10 ** 6)),
    "a millionth too small": lambda g: g * (1 - Fraction(1, 10 ** 6)),
    "a millionth added": lambda g: g + Fraction(1, 10 ** 6),
    "sign flipped": lambda g: -g,
    "term dropped": lambda g: g * 0,
    "doubled": lambda g: g * 2,
    "one more": lambda g: g + 1,
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("op", OPS.values(), ids=repr)
def test_a_wrong_local_gradient_of_any_operation_is_found_and_named(op, name):
    xs = typical(op)
    right = call(op, *map(Value, xs)).local_grads
    for k, local_grad in enumerate(right):
        if CHANGES[name](local_grad) == local_grad:         # a zero that is multiplied
            continue
        wrong = planted(op, at(k, CHANGES[name]))
        found = gradcheck(lambda *v: call(wrong, *v), xs)           # noqa: B023
        assert not found
        first = found.findings[0]
        assert (first.kind, first.op, first.parent) == ("wrong", op.name, k)
        assert first.measured == pytest.approx(local_grad, rel=1e-12) and first.stored != first.measured
        assert re.search(r"made at \S*test_gradcheck.py:\d+", first.text) and str(first.origin) in first.text


def rotated(gs):
    return gs[1:] + gs[:1]


def has_an_order(op):
    """Are the local gradients not all equal?"""
    right = list(call(op, *map(Value, typical(op))).local_grads)
    return right != rotated(right)


SEVERAL = [op for op in OPS.values() if has_an_order(op)]


@pytest.mark.parametrize("op", SEVERAL, ids=repr)
def test_local_gradients_in_the_wrong_order_are_found(op):
    wrong = planted(op, rotated)
    found = gradcheck(lambda *v: call(wrong, *v), typical(op))
    assert not found and {f.op for f in found.findings if f.kind == "wrong"} == {op.name}


def test_a_wrong_tail_that_no_float_difference_could_see_is_found():
    for op, x in ((tg.tanh, 300.0), (tg.sigmoid, 700.0), (tg.erf, 12.0), (tg.softplus, -700.0), (tg.cos, 1e-300)):
        assert not gradcheck(planted(op, lambda gs: [gs[0] * (1 + Fraction(1, 10 ** 6))]), x), op
        assert gradcheck(op, x), op


def test_wrongs_that_cancel_in_the_whole_are_both_found():
    @tg.op("double", tg.REAL)
    def twice_too_much(x):
        return 2 * x, (4,)

    @tg.op("half", tg.REAL)
    def half_too_little(x):
        return x / 2, (Fraction(1, 4),)
    found = gradcheck(lambda x: half_too_little(twice_too_much(x)), 3.0)
    assert [(f.op, f.stored, f.measured) for f in found.findings] == [
        ("twice_too_much", 4.0, 2.0), ("half_too_little", 0.25, 0.5)]


# ---- the accurate form that floats run, beside the textbook -------------------------------------------------


@pytest.mark.parametrize("op", OPS.values(), ids=repr)
def test_an_accurate_form_that_is_not_the_textbook_is_found_and_named(op):
    xs = typical(op)
    for k, local_grad in enumerate(call(op, *map(Value, xs)).local_grads):
        wrong = with_rule(op, changed(op, at(k, CHANGES["a millionth added"])), op.textbook)
        found = gradcheck(lambda *v: call(wrong, *v), xs)           # noqa: B023
        first = found.findings[0]
        assert (found.verdict, first.kind, first.op, first.parent) == ("wrong", "wrong", op.name, k)
        assert first.measured == pytest.approx(local_grad, rel=1e-12) and first.stored != first.measured
        assert re.search(r"; its accurate form at \S+:\d+ differs from the textbook$", first.text)


@pytest.mark.parametrize("op", OPS.values(), ids=repr)
def test_an_accurate_form_of_another_value_is_found_and_named(op):
    xs = typical(op)

    def wrong(*inputs, **constants):
        value, local_grads = op.rule(*inputs, **constants)
        return value * (1 + 1e-6) + 1e-6, local_grads
    twin = with_rule(op, wrong, op.textbook)
    first, *others = gradcheck(lambda *v: call(twin, *v), xs).findings
    assert (first.kind, first.op, first.parent, others) == ("wrong", op.name, None, [])
    assert first.measured == pytest.approx(call(op, *xs), rel=1e-12, abs=1e-12)
    assert re.search(r", but by the textbook it is \S+; its accurate form at tests/\S+:\d+ differs from the textbook$", first.text)


def test_an_accurate_form_outside_the_slopes_of_a_kink_is_found_and_named():
    for op, xs, slope, nearest in (tg.relu, [0.0], 1.5, 1.0), (tg.hypot, [0.0, 0.0], -2.0, -1.0), (tg.atan2, [0.0, -2.0], 3.0, -0.5):
        first = gradcheck(with_rule(op, changed(op, at(0, lambda _, slope=slope: slope)), op.textbook), xs).findings[0]
        assert (first.kind, first.parent, first.stored, first.measured) == ("wrong", 0, slope, nearest)
        assert "differs from the textbook" in first.text


def test_an_accurate_form_saves_the_digits_that_the_textbook_loses():
    def lossy(x):
        y = m.tanh(x)
        return y, (1 - y * y,)

    def accurate(x):
        e = m.exp(-2 * x)
        return m.tanh(x), (4 * e / ((1 + e) * (1 + e)),)
    assert [f.kind for f in gradcheck(with_rule(tg.tanh, lossy), 20.0).findings] == ["rounded"]
    assert gradcheck(with_rule(tg.tanh, accurate, lossy), 20.0).findings == []


@pytest.mark.parametrize("x", [0.3, 20.0, 20.5, 300.0, 1e-17])
@pytest.mark.parametrize("op", [tg.tanh, tg.sigmoid, tg.silu, tg.gelu, tg.softplus, tg.atanh, tg.asin], ids=repr)
def test_a_slope_node_may_have_digits_that_the_graph_it_shows_has_lost(op, x):
    found = gradcheck(lambda v: tg.gradient_graph(op(v), v) * 2, min(x, 0.9999999) if op in (tg.atanh, tg.asin) else x)
    assert found.verdict == "right", found


# ---- no false alarm --------------------------------------------------------------------------------------


def draws_of(op, count, seed):
    columns = [stratified(interval, count, seed + k) for k, interval in enumerate(op.domain)]
    for k, column in enumerate(columns):
        column += edges(op.domain[k])
        random.Random(seed + k).shuffle(column)
    return list(zip(*columns))[:count]


def check_sound(op, cases):
    for xs in cases:
        if jumps_within(op, xs, *[abs(x) / 1000 for x in xs]):
            continue
        try:
            call(op, *xs)
        except DomainError:
            continue
        with tg.errstate(all="ignore"):
            found = gradcheck(lambda *v: call(op, *v), xs)
        assert found.verdict != "wrong", (xs, found)
        assert found or not all(map(math.isfinite, call(op, *map(Value, xs)).local_grads)), (xs, found)


@pytest.mark.parametrize("op", SINGLE, ids=repr)
def test_every_operation_is_right_at_all_scales_near_its_edges_and_at_its_kinks(op):
    check_sound(op, draws_of(op, 12, seed=1))


@pytest.mark.full
@pytest.mark.parametrize("op", SINGLE, ids=repr)
def test_every_operation_is_right_at_many_points(op):
    check_sound(op, draws_of(op, 300, seed=2))


@pytest.mark.parametrize("op", ROWS, ids=repr)
def test_operations_on_rows_are_right_with_ties_zeros_and_large_numbers(op):
    rows = [[1.0, 2.0, -0.5], [1.0, 1.0, 0.0], [0.0, 0.0, 2.0], [700.0, 0.0, -700.0], [1e300, 1e-300, 3.0], [0.3]]
    check_sound(op, [row * len(op.inputs) for row in rows])


@pytest.mark.parametrize(("op", "xs"), [
    (tg.softplus, [1e300]), (tg.log_sigmoid, [-1e300]), (tg.logsumexp, [1e300, 0.0]), (tg.softmax_cross_entropy, [1e300, 1.0, 0.5, 2.0])])
def test_a_textbook_that_leaves_even_decimals_is_judged_by_the_accurate_form(op, xs):
    assert gradcheck(lambda *v: call(op, *v), xs).findings == []


@pytest.mark.parametrize("xs", [[1e-300, 2.7e19], [1000.0, 0.0, 1e300, -79.0], [-1e-15, 1e17, 0.5, 3e-40]])
def test_what_few_digits_get_wrong_is_told_by_more_of_them(xs):
    found = gradcheck(lambda *v: call(tg.softmax_cross_entropy, *v), xs)
    assert found and {finding.kind for finding in found.findings} <= {"rounded"}, found


KINKS = [
    (tg.relu, [0.0], "0 by x lies between the slopes 0 and 1"), (tg.abs, [0.0], "between the slopes -1 and 1"),
    (tg.maximum, [1.0, 1.0], "0.5 by y lies between"), (lambda x: tg.max([x, x, x * 1]), [2.0], "lies between"),
    (tg.hypot, [0.0, 0.0], "between the slopes -1 and 1"), (tg.sqrt, [0.0], "no finite slope"),
    (tg.cbrt, [0.0], "no finite slope"), (tg.asin, [1.0], "no finite slope"), (tg.step, [0.0], "jumps here"),
    (tg.leaky_relu, [0.0], "0.01 by x lies between"), (lambda x: tg.clip(x, low=0, high=1), [1.0], "1 by x lies between"),
    (lambda c, x: tg.where(c, x, 2 * x), [0.0, 1.0], "jumps here"), (tg.atan2, [0.0, 0.0], "jumps here"),
]


@pytest.mark.parametrize(("f", "xs", "words"), KINKS)
def test_a_kink_is_no_wrong_and_is_told(f, xs, words):
    found = gradcheck(f, xs)
    assert found.verdict != "wrong" and {finding.kind for finding in found.findings} == {"kink"}
    assert words in repr(found)


def test_one_side_without_a_finite_slope_is_enough_for_a_kink():
    @tg.op("root of what is positive", tg.REAL)
    def half_root(x):
        return m.where(x > 0, lambda: m.sqrt(x), 0), (m.where(x > 0, lambda: m.ratio(1, 2) / m.sqrt(x), 0),)
    assert "no finite slope here" in repr(gradcheck(half_root, 0.0)) and gradcheck(half_root, 4.0).findings == []


@pytest.mark.parametrize(("f", "xs", "slope", "nearest"), [
    (tg.relu, [0.0], 1.5, 1.0), (tg.relu, [0.0], -0.5, 0.0), (tg.abs, [0.0], -1.1, -1.0), (tg.maximum, [1.0, 1.0], 1.01, 1.0)])
def test_what_lies_outside_the_slopes_of_a_kink_is_wrong(f, xs, slope, nearest):
    found = gradcheck(planted(f, at(0, lambda _: slope)), xs)
    first = found.findings[0]
    assert not found and (first.kind, first.stored, first.measured) == ("wrong", slope, nearest)


def ramp(slope):
    """An operation that jumps at 0, with slope 1 below and 3 above; `slope` is what its rule says of 0."""
    return with_rule(tg.step, lambda x: (m.where(x > 0, 3 * x + 1, x), (m.where(x > 0, 3, m.where(x < 0, 1, slope)),)))


@pytest.mark.parametrize(("f", "xs", "slope", "nearest"), [
    (planted(tg.step, at(0, lambda _: 5)), [0.0], 5.0, 0.0), (planted(tg.greater, at(1, lambda _: -1)), [2.0, 2.0], -1.0, 0.0),
    (planted(tg.atan2, at(0, lambda _: 1)), [0.0, -2.0], 1.0, -0.5), (ramp(0.5), [0.0], 0.5, 1.0), (ramp(4), [0.0], 4.0, 3.0)])
def test_what_lies_outside_the_slopes_beside_a_jump_is_wrong(f, xs, slope, nearest):
    for g, inputs in ((f, xs), (lambda *v: f(*v[:-1]) + v[-1], [*xs, 1.0])):
        found = gradcheck(g, inputs)
        wrong = [finding for finding in found.findings if finding.kind == "wrong"]
        assert found.verdict == "wrong" and [(w.stored, w.measured) for w in wrong] == [(slope, pytest.approx(nearest, rel=1e-15))]
        assert "beside its jump the slope is" in wrong[0].text


@pytest.mark.parametrize(("f", "xs"), [(tg.atan2, [0.0, -2.0]), (ramp(1), [0.0]), (ramp(2), [0.0]), (ramp(3), [0.0])])
def test_what_lies_between_the_slopes_beside_a_jump_is_no_wrong(f, xs):
    assert [finding.kind for finding in gradcheck(f, xs).findings] == ["kink"] and "jumps here" in repr(gradcheck(f, xs))


@pytest.mark.parametrize(("slope", "kind"), [(2, "kink"), (7, "wrong")])
def test_a_jump_at_the_end_of_a_domain_has_one_side(slope, kind):
    @tg.op("fee", tg.Interval(0.0, closed=True))
    def fee(x):
        return m.where(x > 0, 2 * x + 1, m.sqrt(x)), (m.where(x > 0, 2, slope),)
    first, = gradcheck(fee, 0.0).findings[:1]
    assert first.kind == kind and (kind == "kink" or first.measured == 2.0)


BILLIONTH = Fraction(1, 10 ** 9)


@pytest.mark.parametrize(("outside", "kind"), [(BILLIONTH / 2, "kink"), (BILLIONTH, "kink"), (BILLIONTH * 11 / 10, "wrong")])
def test_a_slope_outside_those_of_a_kink_may_be_off_by_a_billionth(outside, kind):
    for slope in (1 + outside, -outside):
        wrong = planted(tg.relu, at(0, lambda _, slope=slope: slope))
        assert [found.kind for found in gradcheck(wrong, 0.0).findings] == [kind]


@pytest.mark.parametrize(("apart", "kinds"), [(2 * BILLIONTH, []), (BILLIONTH * 21 / 10, ["kink"])])
def test_sides_that_differ_by_two_billionths_are_no_kink(apart, kinds):
    @tg.op("bent", tg.REAL)
    def bent(x):
        return x * m.where(x > 0, 1, 1 - apart), (1,)
    assert [found.kind for found in gradcheck(bent, 0.0).findings] == kinds


def test_a_finite_slope_where_the_value_is_infinitely_steep_is_wrong():
    flat = planted(tg.cbrt, at(0, lambda _: 0))
    found = gradcheck(lambda x, y: flat(x) + y, [0.0, 1.0])
    assert not found and "gradient by x is 0, but the slope is inf" in repr(found)


@pytest.mark.parametrize("stored", [math.inf, -math.inf, math.nan, 3.0])
@pytest.mark.parametrize(("op", "x", "slope"), [
    (tg.sqrt, 0.0, math.inf), (tg.cbrt, 0.0, math.inf), (tg.asin, -1.0, math.inf), (tg.acos, 1.0, -math.inf)], ids=repr)
def test_of_an_infinite_slope_only_the_infinity_of_its_sign_passes(op, x, slope, stored):
    f = planted(op, at(0, lambda _: stored))
    with tg.errstate(all="ignore"):
        found = gradcheck(lambda x, y: f(x) + y, [x, 1.0])
    assert bool(found) == (stored == slope) and [(w.parent, w.measured) for w in found.findings if w.kind == "wrong"] == [(0, slope)] * (not found)


@pytest.mark.parametrize("size", [1e-30, 1e-265, 1e-275, 1e-300, 1e-308])
def test_beside_a_tiny_input_an_input_of_0_moves_by_less(size):
    for sign in (1, -1):
        assert gradcheck(tg.atan2, [sign * size, 0.0]).findings == [] and gradcheck(tg.atan2, [0.0, size]).findings == []
        assert gradcheck(lambda x, y, z: tg.hypot(x, y) * z + x / y, [0.0, sign * size, 1.0]).findings == []


@pytest.mark.parametrize("f", [lambda x: tg.maximum(x, -math.inf), lambda x: tg.where(1.0, x, math.inf), lambda x: tg.exp(x * math.inf)])
def test_a_node_of_infinite_numbers_is_not_judged_and_so_does_not_pass(f):
    with tg.errstate(all="ignore"):
        found = gradcheck(lambda x, y: f(x) + y, [-2.0, 1.0])
    assert found.verdict == "unjudged" and "not all numbers are finite" in repr(found)


JUMPS = {     # f, where, what is said
    "floor": (lambda x: x * math.floor(x.data), [2.0], "it is 4 at x = 2, but 2 just below"),
    "ceil": (lambda x: x * math.ceil(x.data), [2.0], "it is 4 at x = 2, but 6 just above"),
    "round": (lambda x: x * round(x.data), [2.5], "it is 5 at x = 2.5, but 7.5 just above"),
    "whole part": (lambda x: x * int(x.data), [-1.0], "it is 1 at x = -1, but 0 just above"),
    "a branch": (lambda x: x * 1 if x < 2 else x + 1, [2.0], "it is 3 at x = 2, but 2 just below"),
    "a branch of the same form": (lambda x: x * 1 if x.data < 2 else x * 3, [2.0], "it is 6 at x = 2, but 2 just below"),
    "a single point": (lambda x: x * 1 if x.data == 2 else x * 3, [2.0], "it is 2 at x = 2, but 6 just below and 6 just above"),
    "a tie": (lambda x, y: x * 1 if x < y else x * 3, [2.0, 2.0], "it is 6 at y = 2, but 2 just above"),
    "a node made by hand": (lambda x: Value(math.floor(x.data), (x,), (0.0,)) * x, [2.0], "it is 4 at x = 2, but 2 just below"),
    "far from 1": (lambda x: x * float(x.data >= 1e9), [1e9], "it is 1000000000 at x = 1000000000, but 0 just below"),
    "at 0": (lambda x: x + float(x.data >= 0), [0.0], "it is 1 at x = 0, but 0 just below"),
    "a parameter without a name": (lambda x: x * math.floor(x.data), [Value(2.0)], "it is 4 at 2, but 2 just below"),
}


@pytest.mark.parametrize("name", JUMPS)
def test_a_jump_of_f_is_no_wrong_and_is_told_with_where_it_leads(name):
    f, xs, words = JUMPS[name]
    found = gradcheck(f, xs)
    assert found and {finding.kind for finding in found.findings} == {"kink"}
    assert f"f jumps here: {words}" in repr(found)


@pytest.mark.parametrize(("f", "xs"), [
    (lambda x: x * math.floor(x.data), [2.5]), (lambda x: x * 1 if x < 2 else x + 1, [2.0001]),
    (lambda x: 2 - x if x < 1 else x * x, [1.0]), (lambda x: x if x < 0 else x * x, [0.0]),              # a kink
    (lambda x: (x + 1e15) - 1e15 if x < 2 else x * 1, [2.0]),                                              # rounding
    (lambda x: x ** 3 * 1e-6 if x > 0 else x ** 4, [1e-9]), (lambda x: tg.sqrt(x) if x > 0 else x * 0, [0.0])])
def test_where_f_does_not_jump_no_jump_is_told(f, xs):
    assert "jumps" not in repr(gradcheck(f, xs))


def test_a_wrong_gradient_beside_a_jump_of_f_is_found():
    for f in (lambda x: Value(x.data ** 2, (x,), (3.0,)) * math.floor(x.data), lambda x: x * math.floor(x.data) * x.data):
        assert gradcheck(f, 2.0).verdict == "wrong"


@pytest.mark.parametrize("f", [lambda x: x - x.data, lambda x: x * 0.0 + Value(2.0, (x,), (1.0,))])
def test_a_gradient_of_what_stays_as_it_is_is_wrong(f):
    found = gradcheck(f, 1.5)
    assert found.verdict == "wrong" and "the gradient by x is 1, but the slope of f is 0" in repr(found)


def test_a_gradient_of_what_stays_as_it_is_by_rounding_alone_is_not():
    assert gradcheck(lambda x: Value(1e20, (x,), (x.data ** 0,)), 1.0).verdict == "unjudged"


def test_a_condition_that_only_jumps_is_not_worth_a_word():
    found = gradcheck(lambda c, x, y: tg.where(tg.greater(c, 1.0), x, y), [0.0, 1.0, 2.0])
    assert found and found.findings == []


def test_a_rule_that_is_right_and_loses_digits_passes_with_a_word():
    @tg.op("tanh", tg.REAL)
    def careless(x):
        y = tg.engine.formula.tanh(x)
        return y, (1 - y * y,)
    found = gradcheck(careless, 20.0)
    assert found and found.findings[0].kind == "rounded"
    assert "0 is" not in repr(found) and "without rounding it would be 1.6993" in repr(found)
    assert "its rule is at" not in repr(found)


def test_a_local_gradient_that_overflows_is_wrong_only_where_the_slope_fits_in_a_float():
    @tg.op("same", tg.REAL)
    def overflowing(x):
        return x * 1, (x * 1e300 * 1e300 / (x * 1e300 * 1e300),)

    @tg.op("steep", tg.REAL)
    def steep(x):
        return x * 1e200 * 1e200, (x / x * 1e200 * 1e200,)
    with tg.errstate(all="ignore"):
        found, beyond = gradcheck(overflowing, 1.0), gradcheck(steep, 1e-300)
    first = found.findings[0]
    assert (found.verdict, first.kind, first.parent, first.measured) == ("wrong", "wrong", 0, 1.0) and math.isnan(first.stored)
    assert beyond.findings == []


def test_a_row_may_lose_digits_but_not_all_of_them():
    @tg.op("total", [tg.REAL])
    def total(x):
        m = tg.engine.formula
        return m.total(x), (m.each(lambda e: e * 1e300 * 1e300 / (e * 1e300 * 1e300), x),)
    with tg.errstate(all="ignore"):
        found = gradcheck(lambda *x: total(x), [1.0, 2.0])
    assert found.verdict == "wrong" and [(first.kind, first.measured) for first in found.findings[:2]] == [("wrong", 1.0)] * 2


@pytest.mark.parametrize(("x", "size"), [(0.0, 3.0), (1.0, 3.0), (-4.0, 0.75)])
@pytest.mark.parametrize(("share", "kind"), [(0.2, "wrong"), (1.1e-6, "wrong"), (0.9e-6, "rounded")])
def test_a_slope_of_0_that_floats_miss_passes_with_a_word_where_it_is_next_to_nothing(x, size, share, kind):
    @tg.op("flat", tg.REAL)
    def flat(x):
        lost = 0 * x + share * size
        return 0 * x + 3, (lost + 1e20 - 1e20 - lost,)
    found = gradcheck(flat, x)
    first, = found.findings
    assert bool(found) == (kind == "rounded")
    assert (first.kind, first.stored, first.measured) == (kind, -share * size, 0.0) and "without rounding it would be 0" in repr(found)
    with pytest.raises(AttributeError):                     # what was found is not for changing
        first.kind = "right"


CANCELLING = {
    "a difference of large numbers": (lambda x: (x + 1e15) - 1e15, [0.7]),
    "1 - cos": (lambda x: (1 - tg.cos(x)) / x ** 2, [1e-7]),
    "a polynomial near its root": (lambda x: x ** 6 - 6 * x ** 5 + 15 * x ** 4 - 20 * x ** 3 + 15 * x ** 2 - 6 * x + 1, [1.001]),
    "log of exp": (lambda x: tg.log(tg.exp(x)), [700.0]), "a pole close by": (lambda x: 1 / (x - 1), [1 + 1e-12]),
    "huge": (lambda x, y: x * y / x, [1e200, 1e100]), "small": (lambda x, y: x * y / x, [1e-200, 1e-100]),
    "softmax of far logits": (lambda *x: tg.cross_entropy(list(x), 1), [1000.0, 0.0, -1000.0]),
    "underflow on the way": (lambda x: (x * 1e-200) * 1e-200 * 1e300, [1e50]),
}


@pytest.mark.parametrize("name", CANCELLING)
def test_cancellation_poles_and_scales_give_no_false_alarm(name):
    f, xs = CANCELLING[name]
    assert gradcheck(f, xs), gradcheck(f, xs)


def test_gradients_that_are_rounded_to_the_smallest_floats_are_no_wrong():
    assert gradcheck(lambda x: (x * 1e-200) * 3e-124 + x * 1e-300 * 7e-24, 1e10)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("seed", range(25))
def test_random_graphs_are_right(seed, order):
    def f(*leaves):
        rng = random.Random(seed)
        nodes = list(leaves)
        for _ in range(12):
            op = rng.choice([op for op in SINGLE if op.domain[0].low == -math.inf])
            nodes.append(tg.tanh(op(*[tg.softplus(rng.choice(nodes)) for _ in op.inputs], **op.sample)))
        return tg.sum(nodes)
    assert gradcheck(f, [0.5, -1.25, 2.0], order=order)


def test_networks_and_losses_are_right_in_all_their_parameters():
    model = tg.MLP(3, [4, 2], activation="gelu", rng=0)
    before = [(p.data, p.grad, p.origin) for p in model.parameters()]
    found = gradcheck(lambda *_: tg.cross_entropy(model([0.5, -1.0, 2.0]), 0), model.parameters())
    assert found and found.judged > 50
    assert [(p.data, p.grad, p.origin) for p in model.parameters()] == before


def test_inputs_may_stand_in_lists_and_dicts():
    def loss(p, x):
        return tg.tanh(tg.dot(p["w"], x) + p["b"]) * p["scale"][0]["s"]
    params = {"w": [0.5, -1.0], "b": Value(0.25, label="bias"), "scale": ({"s": 2},)}
    found = gradcheck(loss, [params, [1.0, 2.0]])
    assert found and found.judged == 15
    wrong = gradcheck(lambda p: p["w"][1] * p["b"].data * p["scale"][0]["s"].data, [params])
    assert [w.node.label for w in wrong.findings if w.kind == "wrong"] == ["bias", "p_scale0_s"] and params["b"].grad == 0.0


# ---- nodes that are not what their operation made --------------------------------------------------------------


def altered(f, data=None, local_grads=None):
    """f, whose last node has other numbers than its operation gave it."""
    def changed(*inputs):
        node = f(*inputs)
        slopes = local_grads or node.local_grads
        return Value.restored(Value, data or node.data, 0.0, node.parents, slopes, node._operation, None) * 2.0
    return changed


def test_a_number_that_is_not_what_its_parents_make_is_wrong():
    found = gradcheck(altered(lambda x: x * x, data=5.0), 3.0)
    first, = found.findings
    assert (first.kind, first.op, first.parent, first.stored, first.measured) == ("wrong", "mul", None, 5.0, 9.0)
    assert "is 5, but its parents now make it 9" in repr(found)


def test_a_local_gradient_that_is_not_what_its_rule_gives_is_wrong():
    found = gradcheck(altered(lambda x, y: x * y, local_grads=(2.0, 7.0)), [3.0, 2.0])
    first, = found.findings
    assert (first.kind, first.op, first.parent, first.stored, first.measured) == ("wrong", "mul", 1, 7.0, 3.0)
    assert re.search(r"by x1 is 7, but its rule gives 3; its rule is at tinygrad_edu/engine/ops\.py:\d+", first.text)


@pytest.mark.parametrize(("stored", "true", "words"), [
    (2.3456789, 1.2345678, "2.34568, but its rule gives 1.23457"),
    (1.23456789, 1.2345678, "1.2345679, but its rule gives 1.2345678"),
    (1.2345678901234512, 1.2345678901234534, "1.234567890123451, but its rule gives 1.234567890123453"),
    (0.1, math.nextafter(0.1, 1.0), "0.1, but its rule gives 0.10000000000000002"),
])
def test_two_numbers_are_written_with_the_six_digits_or_more_that_tell_them_apart(stored, true, words):
    first = gradcheck(altered(lambda x, y: x * y, local_grads=(stored, 3.0)), [3.0, true]).findings[0]
    assert (first.stored, first.measured) == (stored, true) and f"by x0 is {words};" in first.text


@pytest.mark.parametrize("changes", [{"data": math.nan}, {"local_grads": (math.nan, 3.0)}])
def test_nan_in_the_place_of_a_number_is_wrong(changes):
    with tg.errstate(all="ignore"):
        assert gradcheck(altered(lambda x: x * x, **changes), 3.0).verdict == "wrong"


def test_where_numbers_are_not_finite_there_is_nothing_to_judge():
    with tg.errstate(all="ignore"):
        lost = gradcheck(lambda x: x * 2, math.nan)
        partly = gradcheck(lambda x, y: tg.log(x) + y * y, [0.0, 3.0])
    assert (lost.verdict, lost.judged) == ("unjudged", 0) and "not all numbers are finite" in repr(lost)
    assert (partly.verdict, [f.op for f in partly.findings]) == ("unjudged", ["log", "add"])


def test_inputs_without_a_name_of_their_own_are_told_by_their_place():
    for f, words in ((tg.relu, "by x lies"), (lambda v: tg.relu(v * 1), "by x lies"), (lambda v: tg.maximum(v, v), "by x lies"),
                     (lambda v: tg.max([v * 1, v * 1]), "by input 1 lies"), (lambda v: tg.max([v * 1, v * 1]), "by input 2 lies"), (lambda height: tg.relu(height), "by height lies")):
        assert words in repr(gradcheck(f, 0.0))


# ---- backward ----------------------------------------------------------------------------------------------------


def test_a_wrong_backward_is_found(monkeypatch):
    backward = Value.backward

    def overwriting(self, seed=1.0):
        backward(self, seed)
        for leaf in tg.leaves(self):
            leaf.grad *= 1 + 1e-9
    monkeypatch.setattr(Value, "backward", overwriting)
    found = gradcheck(lambda x, y: x * y + x, [3.0, 2.0])
    assert not found and "backward gives x the gradient 3.000000003, but by the chain rule" in repr(found)


def test_a_gradient_beyond_the_largest_float_is_wrong_and_said_to_be_beyond():
    found = tg.gradcheck(lambda x: x * 1e200 * 1e200, [1e-300])
    assert found.verdict == "wrong"
    assert "backward gives x the gradient inf, but by the chain rule its local gradients make 1.00000e+400, more than a float" in repr(found)


@pytest.mark.parametrize("scale", [1e-100, 1e-5, 1.0, 1e100])
@pytest.mark.parametrize("off", [2.0 ** -46, -2.0 ** -46])
def test_backward_may_be_off_by_its_roundings_and_no_more_at_any_scale_and_depth(monkeypatch, off, scale):
    def f(x, y):
        for _ in range(20):
            x = x * y
        return x * scale
    assert gradcheck(f, [3.0, 1.1])
    backward = Value.backward

    def inexact(self, seed=1.0):
        backward(self, seed)
        for leaf in tg.leaves(self):
            leaf.grad += leaf.grad * off
    monkeypatch.setattr(Value, "backward", inexact)
    found = gradcheck(f, [3.0, 1.1])
    assert found.findings[0].kind == "wrong" and found.findings[0].measured == pytest.approx(scale * 1.1 ** 20, rel=1e-14)


def test_an_input_that_was_not_chosen_gets_no_gradient_even_of_an_infinite_one(monkeypatch):
    def f(x, y, z):
        return tg.sqrt(tg.where(1.0, x, y * z)) + z
    assert {found.kind for found in gradcheck(f, [0.0, 2.0, 5.0]).findings} == {"kink"}
    backward = Value.backward

    def leaking(self, seed=1.0):
        backward(self, seed)
        next(leaf for leaf in tg.leaves(self) if leaf.label == "y").grad += 1e-9
    monkeypatch.setattr(Value, "backward", leaking)
    for x in (0.0, 3.0):
        first, = [found for found in gradcheck(f, [x, 2.0, 5.0]).findings if found.kind == "wrong"]
        assert (first.node.label, first.stored, first.measured) == ("y", 1e-9, 0.0)


def test_gradients_from_before_make_no_difference_and_are_kept():
    x, y = Value(3.0), Value(2.0)
    (x * y).backward()
    assert gradcheck(lambda a, b: a * b, [x, y]) and (x.grad, y.grad) == (2.0, 3.0)


# ---- what it takes and gives --------------------------------------------------------------------------------


def test_inputs_may_be_numbers_leaves_and_lists():
    x = Value(2.0, label="height")
    assert gradcheck(lambda x, rows: x * tg.sum(rows), [x, [1.0, 2]])
    found = gradcheck(lambda v: Value(v.data, (v,), (3.0,)), x)
    assert "by height" in repr(found) and (x.data, x.grad) == (2.0, 0.0)


def test_a_function_that_fails_half_way_leaves_its_inputs_as_they_were():
    x = Value(2.0)

    def fragile(v):
        if v.data != 2.0:
            raise RuntimeError
        return Value(v.data, (v,), (1.0,))
    with pytest.raises(RuntimeError):
        gradcheck(fragile, [x])
    assert x.data == 2.0


@pytest.mark.parametrize(("f", "inputs", "error", "words"), [
    (lambda x: x.data, 1.0, TypeError, "must return one Value, got 1.0"), (lambda x: x * 2, Value(1.0).detach(), ValueError, "gets no gradient of its own"),
    (lambda x: x * 2, Value(1.0) * 2, ValueError, "a number or a leaf"), (lambda x: x * 2, "1", TypeError, "str"),
    (lambda x: x * random.random(), 1.0, ValueError, "different numbers for the same inputs"), (tg.log, -1.0, DomainError, "log"),
])
def test_what_cannot_be_checked_is_refused(f, inputs, error, words):
    with pytest.raises(error, match=words):
        gradcheck(f, inputs)


def test_what_could_not_be_judged_is_not_counted():
    for f, x, judged in ((lambda x: x, 1.0, 1), (lambda x: x * x, 1.0, 3), (tg.relu, 0.0, 2), (tg.step, 0.0, 1), (tg.sqrt, 0.0, 0),
                         (lambda x: tg.step(x) + x * x, 0.0, 5), (lambda x: x.detach() * 2 + x, 1.0, 2)):
        assert gradcheck(f, x).judged == judged
    assert repr(gradcheck(lambda x: x, 1.0)) == "right: 1 gradient judged"
    assert repr(gradcheck(tg.sqrt, 0.0)).startswith("unjudged: 0 gradients judged\n  kink: ")


def test_what_is_wrong_is_said_before_what_is_a_kink():
    @tg.op("slope 1 for 2", tg.REAL)
    def careless(x):
        return 2 * x, (1,)
    lines = repr(gradcheck(lambda x: careless(tg.relu(x)), 0.0)).splitlines()
    assert [line.split()[0] for line in lines] == ["wrong:", "wrong:", "kink:"]


@pytest.mark.parametrize("count", [11, 12, 13])
def test_a_report_has_twelve_findings_at_most(count):
    lines = repr(gradcheck(lambda *x: tg.sum([tg.relu(v) for v in x]), [0.0] * count)).splitlines()
    assert len(lines) == 1 + count and (lines[-1] == "  and 1 more") is (count == 13)


def test_the_report_is_short_and_begins_with_the_verdict():
    found = gradcheck(lambda *x: tg.sum([tg.relu(v) for v in x]), [0.0] * 30)
    lines = repr(found).splitlines()
    assert lines[0] == "right: 90 gradients judged" and len(lines) == 14 and lines[-1] == "  and 18 more"
