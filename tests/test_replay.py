"""One graph, many numbers: floats, Fractions, mpmath, formulas and Values."""

import itertools
import math
import random
import re
import weakref
from fractions import Fraction

import mpmath
import pytest
from draws import stratified

import tinygrad_edu as tg
from tinygrad_edu import OPS, NotRationalError, Value
from tinygrad_edu.engine import formula as m
from tinygrad_edu.engine import printer

pytestmark = pytest.mark.smoke


def xyz():
    return Value(-2.0, label="x"), Value(5.0, label="y"), Value(-4.0, label="z")


def test_replay_on_floats_takes_other_inputs():
    x, y, z = xyz()
    again = tg.replay((x + y) * z, at={"x": 1, z: 2.0})
    assert again.value == 12.0 and again["x"] == 2.0 and again.grads[z] == 6.0
    assert x.data == -2.0 and x.grad == 0.0


@pytest.mark.parametrize("op", OPS.values(), ids=repr)
def test_floats_of_numpy_come_to_the_same_bits(op):
    """Also where the textbook's rule would lose them, or not get through: sigmoid(-800)."""
    float64 = pytest.importorskip("numpy").float64
    for point in (0.375, 1.625, 20.0, *([-800.0] if op.name in ("sigmoid", "softplus", "silu", "logsumexp") else [])):
        if all(interval.holds(point) for interval in op.domain):
            x = Value(point, label="x")
            f = op(*[[x, 0.5]] * len(op.inputs) if op.rows else [x] * len(op.inputs), **op.sample) * 1.0
            floats, again = tg.replay(f), tg.replay(f, float64)
            assert type(again.value) is float64 and again.value.hex() == floats.value.hex()
            assert float(again["x"]).hex() == float(floats["x"]).hex()


def test_other_inputs_are_taken_as_the_kind_of_number_asked_for():
    x, y, _ = xyz()
    assert tg.replay(x / y, Fraction, at={"y": 0.25}).value == Fraction(-8)
    with pytest.raises(tg.PoleError, match="div needs y"):
        tg.replay(x / y, at={"y": 0})
    with pytest.raises(tg.RangeError):
        tg.replay(tg.exp(x), at={"x": 1000})
    with pytest.raises(tg.PoleError, match=r"x / y .* divides by zero"):
        tg.replay(x / y, Fraction, at={"y": 0})


@pytest.mark.parametrize("op", OPS.values(), ids=repr)
def test_a_rule_fed_fractions_gives_fractions_or_refuses(op):
    numbers = [Fraction(1, 3), Fraction(1, 3), Fraction(2, 7)]
    inputs = [numbers for _ in op.inputs] if op.rows else numbers[:len(op.inputs)]
    constants = {name: Fraction(c) for name, c in op.sample.items()}
    try:
        value, local_grads = op.rule(*inputs, **constants)
    except NotRationalError:
        return
    flat = [value, *(g for row in local_grads for g in row)] if op.rows else [value, *local_grads]
    assert not [x for x in flat if isinstance(x, float)]


def test_comparisons_stay_exact_further_on():
    x = Value(2.0, label="x")
    with pytest.raises(NotRationalError, match=r"sqrt\(2\)"):
        tg.exact(tg.sqrt(tg.step(x) + tg.step(x)) * x)
    assert tg.exact(tg.mean(x, x + 1, x * 2))["x"] == Fraction(4, 3)
    assert tg.exact(tg.max(x, x + 0, x * 1))["x"] == 1


def test_only_floats_are_read_as_the_caller_says():
    x = Value(0.3, label="x")
    gradients = tg.exact(0.1 * x, {"x": Fraction(2, 3)}, read=lambda number: Fraction(repr(number)))
    assert gradients.value == Fraction(1, 15) and gradients["x"] == Fraction(1, 10)


def test_exact_refuses_what_is_no_fraction():
    x = Value(float("inf"), label="x")
    with pytest.raises(NotRationalError, match="inf is not a rational"):
        tg.exact(x + 1)
    with pytest.raises(NotRationalError) as caught:
        tg.exact(tg.sqrt(Value(1e300) * 1e-10 ** 3))
    assert len(str(caught.value)) < 250


def test_mpmath_gives_as_many_digits_as_it_is_asked_for():
    x, y, _ = xyz()
    f = tg.gelu(tg.tanh(x * y) + tg.log2(y) ** 0.5) * tg.exp2(x) + tg.mean(x, y, y)
    with mpmath.workdps(50):
        again = tg.replay(f, mpmath.mpf)

        def formula(t):
            inner = mpmath.tanh(t * 5) + mpmath.sqrt(mpmath.log(5, 2))
            return inner * mpmath.ncdf(inner) * mpmath.power(2, t) + (t + 10) / 3
        assert mpmath.almosteq(again.value, formula(mpmath.mpf(-2)), 1e-45)
        assert mpmath.almosteq(again["x"], mpmath.diff(formula, mpmath.mpf(-2)), 1e-25)


@pytest.mark.parametrize("f", [lambda x, y: x + y, lambda x, y: x * 2, lambda x, y: tg.relu(y), lambda x, y: x, lambda x, y: x * y * x])
def test_gradients_on_values_are_graphs_that_can_be_shown(f):
    x, y, _ = xyz()
    again = tg.replay(f(x, y), Value)
    for gradient in again.grads.values():
        assert isinstance(gradient, Value) and tg.draw(gradient).svg and tg.steps(gradient)


def test_second_and_third_derivatives():
    x = Value(2.0, label="x")
    f = x ** 4 + tg.exp(x)
    second = tg.replay(tg.replay(f, Value)["x"], Value)["x"]
    assert second.data == pytest.approx(48 + 7.38905609893065)
    second.backward()
    assert x.grad == pytest.approx(48 + 7.38905609893065)


def test_a_mixed_second_derivative():
    x, y = Value(0.5, label="x"), Value(2.0, label="y")
    tg.replay(tg.sin(x * y), Value)["x"].backward()
    assert y.grad == pytest.approx(0.5403023058681398 - 0.8414709848078965)     # cos(xy) - xy sin(xy)


def test_a_branch_not_taken_gives_nothing_in_a_replay_either():
    x = Value(0.0, label="x")
    for f in (tg.relu(-tg.sqrt(x)), tg.where(0.0, tg.sqrt(x), 2.0), tg.relu(x * 2 - 1)):
        assert tg.replay(f)["x"] == 0.0
    assert tg.exact(tg.relu(x * 2 - 1))["x"] == 0


def test_what_has_slope_0_everywhere_adds_nothing():
    x = Value(2.0, label="x")
    assert tg.replay(tg.step(x) * 3 + x)["x"] == 1.0


def test_factors_of_1_leave_no_nodes_in_gradients_on_values():
    x, y, z = xyz()
    assert tg.replay((x + y) * z, Value)["x"] is z


def test_the_constants_of_an_operation_are_of_the_kind_asked_for():
    again = tg.replay(Value(3.0, label="x") ** 3, Fraction)
    assert (again.value, again["x"]) == (27, 27) and {type(again.value), type(again["x"])} == {Fraction}


def test_only_leaves_take_other_numbers():
    x, y, z = xyz()
    inner = x + y
    inner.label = "inner"
    with pytest.raises(KeyError, match="no leaf is labelled 'inner'; the labels are: x, y, z"):
        tg.replay(inner * z, at={"inner": 1.0})
    with pytest.raises(KeyError, match="no leaf is labelled 'x'; the labels are: none"):
        tg.replay(Value(1.0) * 2, at={"x": 1.0})
    with pytest.raises(KeyError, match=r"inner = x \+ y .* is computed, so it takes no other number"):
        tg.replay(inner * z, at={inner: 1.0})
    assert tg.replay(inner * z, at={Value(7.0): 1.0}).value == -12.0
    two = Value(2.0).detach()
    assert tg.replay(inner * two, at={two: 10.0}).value == 30.0


@pytest.mark.parametrize("run", [tg.replay, tg.exact, lambda y, at: tg.replay(y, Value, at=at)])
def test_what_leaves_take_must_be_numbers(run):
    x = Value(2.0, label="x")
    for wrong, words in ((None, "a number is needed, not NoneType"), ([1.0], "not list: got [1.0]"), (True, "bool is not a number"), (1j, "not complex")):
        with pytest.raises(TypeError, match=re.escape(words)):
            run(x * x, at={"x": wrong})
    for wrong in ([2.0], "x", 3.0):
        with pytest.raises(TypeError, match=re.escape(f"at is a dict of numbers by leaf or by label: got {wrong!r}")):
            run(x * x, at=wrong)


def test_labels_that_several_nodes_share_must_be_told_apart():
    a, b = Value(1.0, label="x"), Value(2.0, label="x")
    with pytest.raises(KeyError, match="2 nodes are labelled 'x'"):
        tg.replay(a * b, at={"x": 3.0})
    with pytest.raises(KeyError, match="2 nodes"):
        tg.replay(a * b)["x"]
    assert tg.replay(a * b, at={b: 3.0}).grads[a] == 3.0
    c = Value(3.0, label="x_2")
    assert list(tg.symbolic(a * b * c)) == ["x", "x_3", "x_2"]


@pytest.mark.parametrize(("text", "gradient"), [
    ("x / 1e300", "1 / 1e+300"), ("0**x", "0**x * log(0)"), ("x * 1", "1"), ("--x", "1"), ("x + x", "2"), ("x * x", "2 * x"),
    ("x - -x", "2"), ("x**3", "3 * x**2"), ("x**1", "1"), ("2 / x", "-2 / x**2"), ("atan2(1e300, x)", "-1e+300 / (x**2 + 1e+300**2)"),
    ("0 * x", "0"), ("where(x > 1, x, 2)", "1 if x > 1 else 0"), ("(x + 1)*(x + 2)", "2 * x + 3"), ("max(x, 1)", None),
])
def test_symbolic_gradients_are_simple_enough_to_read(text, gradient):
    found = printer.text(tg.symbolic(tg.expression(text, x=2))["x"])
    assert gradient is None or found == gradient


@pytest.mark.parametrize(("text", "latex"), [
    ("exp(x)**2", r"\left(e^{x}\right)^{2}"), ("(x/y)**2", r"\left(\frac{x}{y}\right)^{2}"), ("exp2(x)**y", r"\left(2^{x}\right)^{y}"),
    ("1e30**x", r"\left(1 \cdot 10^{30}\right)^{x}"), ("(x + y)**2", "(x + y)^{2}"), ("x**y", "x^{y}"),
    ("where(x > 0, x, y)**2", r"\left(\begin{cases}x & \text{if } x > 0 \\ y & \text{else}\end{cases}\right)^{2}"),
])
def test_powers_in_latex_have_one_exponent(text, latex):
    values = {"x": 2, "y": 3} if "y" in text else {"x": 2}
    assert tg.symbolic(tg.expression(f"r = {text}", **values)).value.latex() == latex


def test_long_latex_is_one_aligned_block():
    x = Value(0.5, label="x")
    f = x
    for _ in range(12):
        f = tg.tanh(f * f + x)
    latex = tg.symbolic(f)["x"].latex()
    assert latex.startswith(r"\begin{aligned}t_{1} &= ") and latex.endswith(r"\end{aligned}")


def test_live_values_survives_dead_proxies():
    class Mortal:
        pass
    mortal = Mortal()
    proxy = weakref.proxy(mortal)
    del mortal
    before = tg.live_values()
    x = Value(1.0)
    with pytest.raises(ReferenceError):
        proxy.name
    assert tg.live_values() == before + 1 and x.data == 1.0


@pytest.mark.parametrize(("text", "values", "gradients"), [
    ("0**x", {"x": 1.5}, [0.0]), ("pow(x, y)", {"x": 0.0, "y": 2.0}, [0.0, 0.0]), ("(0 - 3)**z", {"z": 1.0}, [math.nan]),
    ("neg(3)**equal(0.25, z)", {"z": 1.0}, [0.0]), ("(x - 1)**-1 * y", {"x": 1.0, "y": 2.0}, [-math.inf, math.inf]),
    ("1 / 0 * x", {"x": 1.0}, [math.inf]), ("exp(1000) * x", {"x": 1.0}, [math.inf]), ("log(0) * x", {"x": 1.0}, [-math.inf]),
])
def test_gradients_as_graphs_have_the_numbers_of_backward_also_at_the_edges(text, values, gradients):
    with tg.errstate(all="ignore"):
        f = tg.expression(text, **values)
        f.backward()
        found = [tg.replay(f, Value)[name].data for name in values]
    assert [repr(x) for x in found] == [repr(leaf.grad) for leaf in tg.leaves(f)] == [repr(x) for x in gradients]


@pytest.mark.parametrize("text", ["x**1e9", "x**-1e300", "((x**1000)**1000)**1000", "pow(x, 1e16)"])
def test_exact_powers_of_too_many_digits_are_refused_at_once(text):
    with tg.errstate(all="ignore"):
        f = tg.expression(text, x=1.5)
        with pytest.raises(tg.RangeError, match="run again on these numbers, it is too large"):
            tg.exact(f)


def test_exact_powers_of_0_and_1_need_no_digits():
    assert tg.exact(tg.expression("x**1e9 + y**1e9", x=1, y=0)) == {"x": 10 ** 9, "y": 0}


def test_an_exact_power_has_a_million_bits_at_most():
    for x, n in (Fraction(2), 2 ** 20), (Fraction(1, 2), 2 ** 20), (Fraction(2), -2 ** 20), (Fraction(-5, 3), 2 ** 19):
        assert m.power(x, n) == x ** n
        with pytest.raises(OverflowError, match="too many digits"):
            m.power(x, n + (1 if n > 0 else -1))


def test_the_sign_of_zero_is_that_zero():
    assert [repr(m.sign(x)) for x in (0.0, -0.0, -2.5, 3.0, math.nan)] == ["0.0", "-0.0", "-1", "1", "nan"]


def test_sums_and_products_of_nothing():
    assert (m.total([]), m.product([]), m.count([])) == (0, 1, 0)


def test_powers_are_exact_where_one_of_the_two_numbers_is_a_fraction():
    assert m.power(Fraction(2, 3), 2) == m.power(Fraction(2, 3), 2.0) == Fraction(4, 9) and m.power(2, Fraction(-2)) == Fraction(1, 4)


@pytest.mark.parametrize(("digits", "shown"), [(40, "1" + "0" * 39), (41, "1" + "0" * 38 + "…")])
def test_numbers_of_more_than_forty_digits_are_cut_in_messages(digits, shown):
    with pytest.raises(NotRationalError, match=rf"^sqrt\({shown}\) is not"):
        m.sqrt(Fraction(10 ** (digits - 1)))


@pytest.mark.parametrize("name", m.COMPUTE)
def test_functions_of_mpmath_numbers_are_those_of_floats(name):
    function = m.power if name == "pow" else getattr(m, name)
    numbers = [-2.0, -0.5, 0.0, 0.25, 1.0, 3.0]
    for inputs in itertools.product(numbers, repeat=len(OPS[name].inputs)):
        wanted = m.ieee(name, *inputs)
        if math.isfinite(wanted):
            assert float(function(*map(mpmath.mpf, inputs))) == pytest.approx(wanted, rel=1e-14, abs=1e-15), inputs


def test_gradients_may_be_asked_for_by_some_leaves_only():
    x, w = Value(2.0, label="x"), Value(3.0, label="w")
    outside = w * w
    output = outside * x * x
    again, all_of_it = tg.replay(output, Value, by=[x]), tg.replay(output, Value)
    assert again["x"].data == all_of_it["x"].data == 36.0 and again.value is output
    assert outside not in again.local and outside in all_of_it.local


def specials(op, count=150):
    """Inputs at which rules have something to decide, ties, ends, infinities and nan, as many as the op takes."""
    rng = random.Random(op.name)
    numbers = [0.0, -0.0, 1.0, -1.0, 0.5, 3.0, 40.0, -800.0, 1e300, math.inf, -math.inf, math.nan]
    for _ in range(count):
        row = [rng.choice(numbers) for _ in range(3)]
        yield [row, row[::-1]][:len(op.inputs)] if op.rows else row[:len(op.inputs)]


def leaves_for(op, inputs):
    return [list(map(Value, row)) for row in inputs] if op.rows else list(map(Value, inputs))


@pytest.mark.parametrize("op", OPS.values(), ids=repr)
def test_each_operation_has_the_numbers_of_backward_as_graphs_too_and_raises_nothing(op):
    with tg.errstate(all="ignore"):
        for inputs in specials(op):
            f = op(*leaves_for(op, inputs), **op.sample) * 3.0
            f.backward()
            again = tg.replay(f, Value)
            assert [repr(again.grads[leaf].data + 0.0) for leaf in tg.leaves(f)] == [repr(leaf.grad + 0.0) for leaf in tg.leaves(f)], inputs


@pytest.mark.parametrize("op", OPS.values(), ids=repr)
def test_numbers_in_place_of_all_leaves_give_the_numbers_of_floats(op):
    x = 1.5 if op.domain[0].holds(1.5) else 0.5
    y = op(*leaves_for(op, [[x, 0.25]] * len(op.inputs) if op.rows else [x] * len(op.inputs)), **op.sample)
    at = {leaf: leaf.data + 0.125 for leaf in tg.leaves(y)}
    on_values, on_floats = tg.replay(y, Value, at=at), tg.replay(y, at=at)
    assert on_values.value.data == on_floats.value
    assert {leaf: on_values.grads[leaf].data for leaf in at} == {leaf: on_floats.grads[leaf] for leaf in at}


@pytest.mark.parametrize("f", [tg.silu, tg.tanh, lambda x: tg.maximum(x, x) * x])
def test_where_nothing_is_recorded_gradients_on_values_are_numbers(f):
    x = Value(0.75)
    y = f(x)
    with tg.no_grad():
        gradient = tg.replay(y, Value).grads[x]
    y.backward()
    assert gradient.is_constant and gradient.data == x.grad


def test_a_leaf_that_was_frozen_while_the_graph_grew_gets_nothing_from_it():
    x, y = Value(2.0), Value(3.0)
    x.is_constant = True
    f = tg.tanh(x) * y
    x.is_constant = False
    again = tg.replay(f, Value)
    assert (again.grads[x].data, again.grads[y].data) == (0.0, math.tanh(2.0))


def test_another_zero_is_another_number():
    x = Value(0.0)
    with tg.errstate(all="ignore"):
        assert tg.replay(1 / x, Value, at={x: Value(-0.0)}).value.data == -math.inf


SERIES = {"sinc": 1e-20}        # power series that stop where a float has no more digits


@pytest.mark.parametrize("op", [op for op in OPS.values() if op.graph is not op.textbook], ids=repr)
def test_the_graph_form_of_an_operation_is_the_rule_in_other_words(op):
    least = SERIES.get(op.name, 1e-40)
    with mpmath.workdps(70):
        constants = {name: mpmath.mpf(c) for name, c in op.sample.items()}
        for numbers in zip(*[stratified(interval, 60, seed) for seed, interval in enumerate(op.domain)]):
            if all(x not in interval.kinks and (x == 0 or 1e-6 < abs(x) < 30) for interval, x in zip(op.domain, numbers)):
                inputs = [[mpmath.mpf(x), mpmath.mpf(1), mpmath.mpf(-2)] if op.rows else mpmath.mpf(x) for x in numbers]
                told, said = op.graph(*inputs, **constants), op.textbook(*inputs, **constants)
                for ours, theirs in zip([told[0], *op.one_by_one(told[1])], [said[0], *op.one_by_one(said[1])]):
                    assert mpmath.almosteq(ours, theirs, least, least), numbers
