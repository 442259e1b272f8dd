"""gradcheck of nodes made by hand, and of what a graph does not show: both are judged by running f again."""

import math

import pytest

import tinygrad_edu as tg
from tinygrad_edu import Value, gradcheck

pytestmark = pytest.mark.smoke


def by_hand(f, slope):
    return lambda x: Value(f(x.data), (x,), (slope(x.data),), op="mine")


SMOOTH = {
    "cube": (lambda x: x ** 3, lambda x: 3 * x * x), "exp": (math.exp, math.exp), "sin": (math.sin, math.cos),
    "log": (math.log, lambda x: 1 / x), "sqrt": (math.sqrt, lambda x: 0.5 / math.sqrt(x)), "tanh": (math.tanh, lambda x: 1 - math.tanh(x) ** 2),
    "one over": (lambda x: 1 / x, lambda x: -1 / x ** 2), "linear": (lambda x: 3 * x + 1, lambda x: 3.0),
}


@pytest.mark.parametrize("x", [1e-8, 0.7, 40.0])
@pytest.mark.parametrize("name", SMOOTH)
def test_a_node_made_by_hand_is_judged_by_running_the_function_again(name, x):
    f, slope = SMOOTH[name]
    if name == "tanh" and x == 40.0:                        # its slope is far below its last digit
        return
    assert gradcheck(lambda v: 2 * by_hand(f, slope)(v * 1.5), x).findings == []
    for wrong in (lambda t: slope(t) * (1 + 1e-6), lambda t: -slope(t), lambda t: 0.0, lambda t: slope(t) * 2):
        found = gradcheck(lambda v, wrong=wrong: 2 * by_hand(f, wrong)(v * 1.5), x)
        first = found.findings[0]
        assert (found.verdict, first.kind, first.op, first.parent) == ("wrong", "wrong", "mine", 0)
        assert first.measured == pytest.approx(slope(1.5 * x), rel=1e-6)


FAR_AND_NEAR = {**SMOOTH, "square": (lambda x: x * x, lambda x: 2 * x), "cos": (math.cos, lambda x: -math.sin(x)),
                "one less cos": (lambda x: 1 - math.cos(x), math.sin), "atan": (math.atan, lambda x: 1 / (1 + x * x)),
                "bell": (lambda x: math.exp(-x * x), lambda x: -2 * x * math.exp(-x * x))}
PLACES = [0.0, 1e-300, 1e-12, 1e-4, 0.01, -1.0, 3.3, 101.0, -1e4, 1e16]


@pytest.mark.parametrize("x", PLACES)
@pytest.mark.parametrize("name", FAR_AND_NEAR)
def test_right_is_never_wrong_and_wrong_never_right_however_large_or_small_the_input(name, x):
    f, slope = FAR_AND_NEAR[name]
    try:
        size = abs(slope(x)) * max(1.0, abs(x)) + 0 * f(x)
    except (ArithmeticError, ValueError):                   # outside the domain, or beyond the floats
        return
    assert gradcheck(by_hand(f, slope), x).verdict != "wrong"
    assert size < 1e-6 or gradcheck(by_hand(f, lambda t: slope(t) * (1 + 1e-5)), x).verdict != "right"
    assert size < 1e-6 or gradcheck(by_hand(f, lambda t: -slope(t)), x).verdict != "right"


def edge(t):
    if t < 0:
        raise ValueError("outside the domain")
    return t * t + t


@pytest.mark.parametrize("x", [0.0, 1e-9, 1.0])
@pytest.mark.parametrize("sign", [1, -1])
def test_at_the_edge_of_a_domain_one_side_is_enough(x, sign):
    def f(t):
        return edge(sign * t)
    assert gradcheck(by_hand(f, lambda t: sign + 2 * t), sign * x).verdict == "right"
    assert gradcheck(by_hand(f, lambda t: sign * 1.00001 + 2 * t), sign * x).verdict == "wrong"


@pytest.mark.parametrize("scale", [1e-150, 1e-9, 1.0, 1e9, 1e150])
def test_scales_of_several_inputs_and_of_values_make_no_difference(scale):
    def product(x, y, by=1.0):
        return Value(x.data * y.data, (x, y), (y.data, x.data * by), op="product")
    assert gradcheck(product, [2 * scale, 3.0]) and gradcheck(product, [2 * scale, 3 / scale])
    for wrong in (1 + 1e-6, -1.0, 0.0, 2.0):
        found = gradcheck(lambda x, y, wrong=wrong: product(x, y, wrong), [2 * scale, 3.0])
        first = found.findings[0]
        assert (first.kind, first.parent, first.stored) == ("wrong", 1, 2 * scale * wrong)
        assert first.measured == pytest.approx(2 * scale, rel=1e-8)


def test_of_a_node_with_several_parents_the_wrong_one_is_named():
    def product(x, y, dx, dy):
        return Value(x.data * y.data, (x, y), (dx, dy), op="product")
    assert gradcheck(lambda x, y: product(x, y, y.data, x.data), [3.0, 2.0])
    found = gradcheck(lambda x, y: product(x, y, y.data, 7.0), [3.0, 2.0])
    first = found.findings[0]
    assert (first.parent, first.stored, first.measured) == (1, 7.0, pytest.approx(3.0, rel=1e-9))
    assert "local gradient by y is 7, but the slope is 3" in first.text
    mixed = gradcheck(lambda x: product(x, x * x, 4.0, 2.5), 2.0)
    first = mixed.findings[0]
    assert "give it a slope of 14 by x, but that slope is 12" in first.text
    assert (first.parent, first.stored, first.measured) == (None, 14.0, pytest.approx(12.0, rel=1e-9))


def test_of_a_parent_used_twice_the_sum_is_judged_and_told_at_the_first_place():
    def product(x, slope):
        return Value(x.data * x.data, (x, x), (x.data, slope), op="product")
    assert gradcheck(lambda x: product(x, x.data), 2.0)
    first = gradcheck(lambda x: product(x, 4.0), 2.0).findings[0]
    assert (first.parent, first.stored, first.measured) == (0, 6.0, pytest.approx(4.0, rel=1e-9))
    assert "by input 1 is 6, but the slope is 4" in first.text


def test_kinks_of_nodes_made_by_hand():
    found = gradcheck(by_hand(abs, lambda x: 0.0), 0.0)
    assert found and found.findings[0].kind == "kink" and "between the slopes of both sides" in repr(found)
    assert gradcheck(by_hand(lambda x: max(x, 0.0), lambda x: 0.5), 0.0)
    for wrong, nearest in ((1.5, 1.0), (-0.5, 0.0)):
        found = gradcheck(by_hand(lambda x: max(x, 0.0), lambda x, wrong=wrong: wrong), 0.0)
        node, whole = found.findings[0], found.findings[-1]
        assert found.verdict == "wrong" and node.parent == 0 and whole.node.label == "x"
        assert node.stored == whole.stored == wrong
        assert node.measured == whole.measured == pytest.approx(nearest, abs=1e-9)


@pytest.mark.parametrize("x", [-99.0, -1.0, -1e-6, -1e9])
def test_a_node_that_is_0_all_around_has_no_slope(x):
    assert gradcheck(by_hand(lambda t: max(t, 0.0), lambda t: 0.0), x)
    assert not gradcheck(by_hand(lambda t: max(t, 0.0), lambda t: 1e-6), x)


def test_what_is_too_rough_to_judge_does_not_pass():
    rough = gradcheck(by_hand(lambda x: x + 1e-3 * (hash(x) % 97), lambda x: 1.0), 0.7)
    assert rough.verdict == "unjudged" and not rough and "too rough" in repr(rough)
    whole = gradcheck(lambda x: x * x + x.data * 1e-3 * (hash(x.data) % 97), 0.7)
    assert whole.verdict == "unjudged" and "f is too rough around x" in repr(whole)
    alone = gradcheck(lambda x: x + by_hand(math.exp, math.exp)(Value(2.0)), 0.7)
    assert alone.verdict == "unjudged" and "give their leaves as inputs" in repr(alone)


@pytest.mark.parametrize("x", [0.0, 1e-12, 3.0, -1e12])
def test_a_graph_that_was_cut_is_wrong_by_what_is_missing_at_any_scale(x):
    found = gradcheck(lambda v: 2 * v + 3 * v.detach(), x)
    first, = found.findings
    assert (first.kind, first.stored, first.measured) == ("wrong", 2.0, pytest.approx(5.0, rel=1e-6))
    assert "by v is 2, but the slope of f is 5" in first.text


def test_an_input_that_is_not_in_the_graph_at_all_has_gradient_0_there():
    first, = gradcheck(lambda x, y: x * y.data, [3.0, 2.0]).findings
    assert (first.node.label, first.stored, first.measured) == ("y", 0.0, pytest.approx(3.0, rel=1e-9))


def test_three_numbers_that_pass_no_gradient_on_are_named_at_most():
    found = gradcheck(lambda x: x * (x.data + 1) * (x.data + 2) * (x.data + 3) * (x.data + 4), 1.0)
    assert repr(found).count("changes with the inputs") == 3


@pytest.mark.parametrize("sign", [1, -1])
def test_a_function_that_exists_on_one_side_only_is_run_there_with_steps_large_enough_or_small_enough(sign):
    def within(width, f):
        def bounded(x):
            if not 0 <= sign * (x.data - 1) < width:
                raise ValueError("outside the domain")
            return f(x)
        return bounded
    assert gradcheck(within(0.1, lambda x: x * (1 + 1e-5 * x.data)), 1.0).verdict == "wrong"
    assert gradcheck(within(1e-9, lambda x: x * x), 1.0)


@pytest.mark.parametrize("f", [
    lambda x: x * x.data, lambda x: x ** x.data, lambda x: x * x.detach(), lambda x: x * Value(x.data),
    lambda x: x + Value(x.data ** 2, (), (), op="lost"), lambda x: tg.clip(x, low=-1, high=x.data / 2),
])
def test_a_graph_that_was_cut_does_not_pass(f):
    found = gradcheck(f, 3.0)
    assert found.verdict == "wrong" and "changes with the inputs, but passes no gradient on" in repr(found)


def test_a_constant_that_moves_and_makes_no_difference_is_no_wrong():
    def softmax(*x):
        top = max(v.data for v in x)
        e = [tg.exp(v - top) for v in x]
        return e[0] / tg.sum(e)
    assert gradcheck(softmax, [1.0, 2.0, 3.0])
    assert gradcheck(lambda x: x * 2 if x > 0 else -x, 3.0)


def test_of_a_node_that_exists_at_one_place_only_nothing_is_judged():
    def alone(x):
        if x.data != 1.0:
            raise ValueError("nowhere else")
        return by_hand(math.exp, math.exp)(x)
    for f in (alone, lambda x: alone(x).detach()):
        found = gradcheck(f, 1.0)
        assert (found.verdict, found.judged) == ("unjudged", 0) and "f raises, or takes another path" in repr(found)


def test_control_flow_that_no_step_keeps_is_not_judged():
    found = gradcheck(lambda x: x * 0 if x.data == 1.0 else x * x * x, 1.0)
    assert found.verdict == "unjudged" and "takes another path" in repr(found)


def test_no_grad_around_it_makes_no_difference():
    with tg.no_grad():
        assert gradcheck(tg.tanh, 0.3) and not gradcheck(by_hand(math.sin, math.sin), 0.3)
