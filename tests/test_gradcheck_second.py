"""gradcheck of order 2: a wrong second derivative behind a right first one is found and named, and no right one is."""

import math
import re
from fractions import Fraction

import pytest
from bugs import BUGS
from planting import with_rule
from test_gradcheck import CANCELLING, ROWS, SINGLE, call, draws_of, typical

import tinygrad_edu as tg
from tinygrad_edu import OPS, DomainError, Value, gradcheck
from tinygrad_edu.engine import formula as m

# ---- no false pass: first derivatives are right, second ones are wrong -------------------------------------


def bent(op, xs, i, j, by=1e-3, off=0.0):
    """An op whose graph form has local gradient i as it is at the point xs, but with another slope by input j."""
    def graph(*inputs, **constants):
        value, local_grads = op.graph(*inputs, **constants)
        flat = list(op.one_by_one(local_grads))
        flat[i] = flat[i] + ([x for row in inputs for x in row] if op.rows else inputs)[j] * by - by * xs[j] + off
        length = len(flat) // len(op.inputs)
        return value, tuple(flat[k * length:(k + 1) * length] for k in range(len(op.inputs))) if op.rows else tuple(flat)
    graph.__module__ = op.textbook.__module__
    return with_rule(op, op.rule, op.textbook, graph)


@pytest.mark.parametrize("op", OPS.values(), ids=repr)
def test_a_graph_form_with_a_wrong_slope_by_any_input_is_found_and_named(op):
    xs = typical(op)[:2 * len(op.inputs)] if op.rows else typical(op)
    for i in range(len(xs)):
        for j in range(len(xs)):
            wrong = bent(op, xs, i, j)
            assert i or j or gradcheck(lambda *v: call(wrong, *v), xs)                     # noqa: B023
            found = [f for f in gradcheck(lambda *v: call(wrong, *v), xs, order=2).findings if f.kind == "wrong"]   # noqa: B023
            first = found[0]
            assert (first.op, first.parent) == (op.name, j) and first.stored - first.measured == pytest.approx(1e-3, rel=1e-6)
            assert re.search(r"^the slope by .*; its graph form is at \S*test_gradcheck_second.py:\d+$", first.text)


@pytest.mark.parametrize("op", OPS.values(), ids=repr)
def test_a_graph_form_of_other_slopes_than_the_rule_is_found_and_named(op):
    xs = typical(op)[:2 * len(op.inputs)] if op.rows else typical(op)
    for i in range(len(xs)):
        wrong = bent(op, xs, i, 0, by=0.0, off=1e-3)
        found = [f for f in gradcheck(lambda *v: call(wrong, *v), xs, order=2).findings if f.kind == "wrong"]       # noqa: B023
        assert (found[0].op, found[0].parent) == (op.name, i) and "by its graph form, but by its rule" in found[0].text
        assert found[0].stored - found[0].measured == pytest.approx(1e-3, rel=1e-6)


@tg.op("sinc", tg.REAL)
def sinc_with_a_hole(x):
    f = m.where(m.equal(x, 0), 1, lambda: m.sin(x) / x)
    return f, (m.where(m.equal(x, 0), 0, lambda: (m.cos(x) - f) / x),)


@tg.op("cos, wrong", tg.REAL)
def cos_going_up(x):
    return m.cos(x), (m.sin(x),)


@tg.op("sin", tg.REAL)
def sin_by_a_wrong_cos(x):
    return m.sin(x), (cos_going_up.of(x),)


@tg.op("x²y", tg.REAL, tg.REAL)
def product_with_a_hole(x, y):
    return m.power(x, 2) * y, (2 * x * y, m.where(m.equal(x, 3), 9, lambda: m.power(x, 2)))


for declared in (sinc_with_a_hole, cos_going_up, sin_by_a_wrong_cos, product_with_a_hole):
    del OPS[declared.name]                                      # tests of all operations are not for these
    if hasattr(Value, declared.name):
        delattr(Value, declared.name)


@pytest.mark.parametrize(("f", "xs", "parent", "stored", "measured"), [
    (sinc_with_a_hole, [0.0], 0, 0.0, -1 / 3), (product_with_a_hole, [3.0, 5.0], 0, 0.0, 6.0)])
def test_a_number_at_a_single_point_in_the_place_of_a_slope_is_found_there(f, xs, parent, stored, measured):
    for g in (f, lambda *v: tg.tanh(f(*v)) * 2):
        assert gradcheck(g, xs)
        first = gradcheck(g, xs, order=2).findings[0]
        assert (first.kind, first.op, first.parent, first.stored) == ("wrong", f.name, parent, stored)
        assert first.measured == pytest.approx(measured, rel=1e-15) and re.search(r"; its rule is at \S*test_gradcheck_second.py:\d+$", first.text)
    assert gradcheck(f, [x + 0.5 for x in xs], order=2).findings == []


@pytest.mark.parametrize("x", [0.3, -2.0])
def test_a_slope_that_calls_an_operation_of_a_wrong_slope_is_found_everywhere(x, monkeypatch):
    monkeypatch.setitem(OPS, cos_going_up.name, cos_going_up)
    assert gradcheck(sin_by_a_wrong_cos, x)
    first = gradcheck(sin_by_a_wrong_cos, x, order=2).findings[0]
    assert (first.op, first.stored, first.measured) == ("sin_by_a_wrong_cos", math.sin(x), pytest.approx(-math.sin(x)))


def test_a_gradient_graph_that_is_put_together_wrongly_is_found(monkeypatch):
    def f(x, y):
        u = tg.exp(x)
        return u * y + u * u
    assert gradcheck(f, [0.5, 2.0], order=2)
    BUGS["replay forgets shared parents"][0](monkeypatch)
    found = gradcheck(f, [0.5, 2.0], order=2)
    assert gradcheck(f, [0.5, 2.0]) and found.verdict == "wrong"
    assert "the graph of the gradient by x is" in repr(found) and "but by the chain rule" in repr(found)


def test_a_gradient_graph_with_numbers_in_the_place_of_slopes_is_found(monkeypatch):
    with monkeypatch.context() as patch:                        # where gradients are put together, and nowhere else
        patch.setattr("tinygrad_edu.engine.replay.slopes_of", lambda node, inputs: node.local_grads)
        found = gradcheck(lambda x, y: x * y * y, [3.0, 2.0], order=2)
    assert [(f.stored, f.measured) for f in found.findings if f.kind == "wrong"][:1] == [(0.0, 4.0)]
    assert "the second derivative by x and y is 0, but by the chain rule 4" in repr(found)
    BUGS["slopes that are differentiated again are numbers"][0](monkeypatch)
    found = gradcheck(lambda x, y: x * y * y, [3.0, 2.0], order=2)
    assert [(f.op, f.stored, f.measured) for f in found.findings if f.kind == "wrong"][:2] == [("mul", 0.0, 1.0)] * 2


def test_what_the_gradient_depends_on_outside_its_graph_is_found():
    def f(x, y):
        return (x - x.data) ** 2 * y
    assert gradcheck(f, [1.0, 3.0])                             # 0 wherever it is, with a gradient of 0
    found = gradcheck(f, [1.0, 3.0], order=2)
    assert found.verdict == "wrong" and "with the gradient by x for f: the gradient by x is 6, but the slope of f is 0" in repr(found)


def test_a_node_made_by_hand_has_no_second_derivatives_to_judge():
    found = gradcheck(lambda x: Value(x.data ** 2, (x,), (2 * x.data,), op="mine") * 3, 2.0, order=2)
    assert found.verdict == "unjudged" and "it has no graph of its gradient; declared with @tg.op it would have one" in repr(found)
    assert gradcheck(lambda x: Value(x.data ** 2, (x,), (2 * x.data,), op="mine") * 3, 2.0)


# ---- no false alarm ----------------------------------------------------------------------------------------


def check_as_sound(f, xs):
    """It is right, or unjudged where order 1 leaves it unjudged too."""
    with tg.errstate(all="ignore"):
        found = gradcheck(f, xs, order=2)
        assert found or found.verdict == gradcheck(f, xs).verdict == "unjudged", (xs, found)


@pytest.mark.parametrize("op", SINGLE, ids=repr)
def test_every_operation_is_right_twice_at_all_scales_near_its_edges_and_at_its_kinks(op):
    for xs in draws_of(op, 8, seed=1):
        try:
            call(op, *xs)
        except DomainError:
            continue
        check_as_sound(lambda *v: call(op, *v), xs)


SPECIAL = (0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 2.0, -3.0, 40.0, 2.0 ** 27, -2.0 ** 500, 1e-160)


@pytest.mark.parametrize("op", SINGLE, ids=repr)
def test_every_operation_is_right_twice_at_the_numbers_that_rules_ask_for(op):
    for x in SPECIAL:
        for xs in {(x, 1.0, -2.0)[:len(op.inputs)], (1.0, x, 3.0)[:len(op.inputs)]}:
            try:
                call(op, *xs)
            except DomainError:
                continue
            check_as_sound(lambda *v: call(op, *v), xs)


@pytest.mark.parametrize(("y", "x"), [(1e120, 1.0), (1.0, -1e150), (3.0, 4.0), (1e-100, 1e-90)])
def test_the_mixed_second_derivative_of_atan2_has_the_right_sign_at_all_sizes(y, x):
    """It is (y² - x²) / (x² + y²)²; its sign was wrong from 1e110 on."""
    true = (Fraction(y) ** 2 - Fraction(x) ** 2) / (Fraction(x) ** 2 + Fraction(y) ** 2) ** 2
    assert tg.hessian(lambda v: tg.atan2(*v))([y, x])[1][0] == pytest.approx(float(true), rel=1e-14, abs=0)
    assert gradcheck(tg.atan2, [y, x], order=2)


@pytest.mark.parametrize("op", ROWS, ids=repr)
def test_operations_on_rows_are_right_twice_with_ties_zeros_and_large_numbers(op):
    rows = [[1.0, 2.0, -0.5], [1.0, 1.0, 0.0], [0.0, 0.0, 2.0], [700.0, 0.0, -700.0], [1e300, 1e-300, 3.0], [0.3]]
    for row in rows:
        check_as_sound(lambda *v: call(op, *v), row * len(op.inputs))


@pytest.mark.full
@pytest.mark.parametrize("op", SINGLE, ids=repr)
def test_every_operation_is_right_twice_at_many_points(op):
    for xs in draws_of(op, 100, seed=5):
        if op in (tg.atan2, tg.log_base) and 0 < min(map(abs, xs)) < 1e-290:
            continue                                            # the truth fits in a float, but not what lies on the way
        check_as_sound(lambda *v: call(op, *v), xs)


@pytest.mark.parametrize("name", [name for name in CANCELLING if name != "small"])
def test_cancellation_poles_and_scales_give_no_false_alarm_twice(name):
    check_as_sound(*CANCELLING[name])


def test_a_gradient_graph_that_overflows_on_the_way_is_wrong_and_derivatives_of_it_raise():
    f, xs = CANCELLING["small"]                                 # x * y / x at 1e-200
    assert gradcheck(f, xs) and gradcheck(f, xs, order=2).verdict == "wrong"
    with pytest.raises(tg.GradientError):
        tg.hessian(lambda v: f(*v))(xs)


def test_networks_losses_and_derivatives_within_a_loss_are_right_twice():
    model = tg.MLP(2, [3, 1], activation="gelu", rng=0)
    def loss(*_):
        return (model([0.5, -1.0]) - 1) ** 2 + tg.derivative(lambda z: model([z, 0.25]))(0.5) ** 2
    before = [(p.data, p.grad) for p in model.parameters()]
    found = gradcheck(loss, model.parameters(), order=2)
    assert found and found.second > 13 ** 2 and [(p.data, p.grad) for p in model.parameters()] == before


@pytest.mark.parametrize(("f", "x", "words"), [
    (tg.relu, 0.0, "relu(x) at x = 0"), (lambda x: tg.relu(x) ** 2, 0.0, "relu(x) at x = 0"), (lambda x: x * tg.abs(x), 0.0, "abs(x) at x = 0"),
    (tg.elu, 0.0, "the slope by x of elu(x, alpha=1) at x = 0"), (tg.softsign, 0.0, "the slope by x of softsign(x) at x = 0")])
def test_a_kink_of_a_slope_is_no_wrong_and_is_told_once(f, x, words):
    found = gradcheck(f, x, order=2)
    assert found and [finding.kind for finding in found.findings] == ["kink"] and words in repr(found)


@pytest.mark.parametrize(("f", "xs"), [
    (lambda x: x.abs() ** 2, [0.0]), (lambda x, y: tg.hypot(x, y) ** 2, [0.0, 0.0]), (lambda x, y: (tg.norm([x, y]) / 2) ** 2, [0.0, 0.0]),
    (lambda x, y: tg.std([x, y]) ** 2, [1.0, 1.0])])
def test_the_square_of_a_size_is_not_called_wrong_at_its_kink(f, xs):
    found = gradcheck(f, xs, order=2)
    assert found and "not judged, since" in repr(found) and {finding.kind for finding in found.findings} == {"kink"}
    assert 0 < found.second < gradcheck(f, [x + 0.5 * i + 0.25 for i, x in enumerate(xs)], order=2).second


# ---- what it takes and says --------------------------------------------------------------------------------


def test_a_report_says_how_many_second_derivatives_were_judged():
    assert repr(gradcheck(lambda x, y: x * y, [2.0, 3.0], order=2)) == "right: 4 gradients and 8 second derivatives judged"
    assert repr(gradcheck(tg.exp, 0.0, order=1)) == repr(gradcheck(tg.exp, 0.0)) == "right: 2 gradients judged"
    assert gradcheck(tg.exp, 0.0).second is None and gradcheck(lambda x: x * Value(2.0).detach(), 1.0, order=2).second == 2


@pytest.mark.parametrize(("order", "error", "words"), [
    (0, ValueError, "order must be at least 1, got 0"), (3, ValueError, "order is 1, or 2 for the second derivatives too: got 3"),
    (2.0, TypeError, r"order must be a whole number, not float: got 2\.0"), (True, TypeError, "got True"), (None, TypeError, "got None"), ("2", TypeError, "got '2'")])
def test_another_order_is_refused(order, error, words):
    with pytest.raises(error, match=words):
        gradcheck(tg.exp, 1.0, order=order)


def test_a_function_that_returns_several_values_is_told_to_return_one():
    for f in (tg.softmax, lambda v: {"first": v[0]}):
        with pytest.raises(TypeError, match=r"f must return one Value, got .*: choose one, or add them up"):
            gradcheck(f, [[1.0, 2.0]])
    with pytest.raises(TypeError, match=r"f must return one Value, got 3\.0: was the graph cut by \.data\?"):
        gradcheck(lambda v: 3.0, [[1.0, 2.0]])
