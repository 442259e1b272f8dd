"""Derivatives of functions: against mpmath, against each other, and against the lectures' Jacobians."""

import copy
import math
import pickle
import random
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textbook import definition, is_defined

import tinygrad_edu as tg
from tinygrad_edu import OPS, Value

pytestmark = pytest.mark.smoke

numbers = st.floats(-1.5, 1.5)
triples = st.lists(numbers, min_size=3, max_size=3)


def smooth(x):
    """Three numbers to two, with everything in it: products, a quotient, functions, a loop."""
    a, b, c = x
    total = a * b
    for k in range(3):
        total = tg.tanh(total + k * c) * tg.cosh(b)
    return [total / (2 + tg.sin(a)), tg.exp(a * c) - tg.log(4 + b * total)]


def height(x):
    return smooth(x)[0] * smooth(x)[1]


def product(a, b):
    return [[math.fsum(x * y for x, y in zip(row, column)) for column in zip(*b)] for row in a]


def close(a, b, rel=1e-11):
    a, b = (list(map(float, (x for row in m for x in row))) for m in (a, b))
    assert a == pytest.approx(b, rel=rel, abs=rel)


# ---- shapes, arguments, control flow

def test_a_gradient_is_built_like_its_argument():
    def loss(p, x):
        return tg.sum([w * e for w, e in zip(p["w"], x)]) + p["b"][0][0] * x[0]
    params = {"w": [1, 2], "b": ([3],)}
    assert tg.grad(loss)(params, [5, 7]) == {"w": [5.0, 7.0], "b": ([5.0],)}
    assert tg.grad(loss, argnums=1)(params, [5, 7]) == [4.0, 2.0]
    assert tg.grad(loss, argnums=(1, 0))(params, (5, 7)) == ((4.0, 2.0), {"w": [5.0, 7.0], "b": ([5.0],)})
    assert tg.value_and_grad(loss, argnums=(1,))(params, [5, 7]) == (34.0, ([4.0, 2.0],))


class Line(NamedTuple):
    slope: Any
    start: Any


def test_a_named_tuple_keeps_its_names():
    gradient = tg.grad(lambda line, x: line.slope[0] * x + line.start)(Line([2.0], 1.0), 3.0)
    assert gradient == Line([3.0], 1.0) and gradient.start == 1.0
    assert tg.jvp(lambda line: Line(line.start, line.slope), Line(2.0, 1.0), Line(5.0, 7.0)).slope == 7.0


def test_other_arguments_are_passed_on_as_they_are():
    assert tg.grad(lambda x, kind, power=1: tg.tanh(x) if kind == "tanh" else x ** power)(3.0, "power", power=2) == 6.0


def halved_into_range(x):
    while abs(x) > 5:
        x = x / 2
    return x


def power_by_recursion(x, n):
    return x ** 0 if n == 0 else x * power_by_recursion(x, n - 1)


def collatz(x):
    """Branches on the data, as no static expression can."""
    steps = 0
    while x > 1 and steps < 50:
        x = x / 2 if x.data % 2 < 1 else 3 * x + 1
        steps += 1
    return x


def test_functions_may_hold_any_control_flow():
    assert [tg.grad(halved_into_range)(x) for x in (3, 7, 18, -100)] == [1, 1 / 2, 1 / 4, 1 / 32]
    assert [tg.grad(power_by_recursion)(2.0, n) for n in range(5)] == [0, 1, 4, 12, 32]
    assert tg.grad(lambda x: x * x if x > 0 else -x)(-3.0) == -1.0
    assert tg.grad(collatz)(6.0) == 3 ** 2 / 2 ** 6                       # 6 3 10 5 16 8 4 2 1


def test_nothing_is_left_behind_on_the_values_around():
    w = Value(3.0)
    x = Value(2.0)
    assert tg.grad(lambda t: t * w)(2.0).data == 3.0 and tg.hessian(lambda t: t[0] * w * t[0])([1.0])[0][0].data == 6.0
    tg.grad(lambda t: t * w)(x)
    assert (w.grad, x.grad) == (0.0, 0.0)


def test_derivatives_are_taken_under_no_grad_too():
    with tg.no_grad():
        assert tg.grad(tg.tanh)(0.0) == 1.0 and tg.hessian(lambda x: x[0] * x[1])([1, 2]) == [[0, 1], [1, 0]]
        assert tg.jvp(lambda x: x[0] * x[1], [2, 3], [1, 1]) == 5.0 and tg.vjp(tg.exp, 0.0, 2.0) == 2.0


# ---- nested derivatives

def test_a_derivative_within_a_derivative_sees_the_outer_variable():
    assert tg.grad(lambda x: x * tg.grad(lambda y: x * y)(1.0))(2.0) == 4.0          # d(x²)/dx
    assert tg.grad(lambda x: x * tg.grad(lambda y: x + y)(1.0))(1.0) == 1.0          # not 2: x and y are not confused
    assert tg.grad(lambda x: tg.value_and_grad(lambda y: y * y * x)(x)[0])(2.0) == 12.0
    assert tg.grad(lambda x: tg.jvp(lambda y: y * y * x, x, 1.0))(3.0) == 12.0       # d(2x²)/dx
    assert tg.grad(lambda x: tg.vjp(lambda y: [y * y, y * x], x, [1.0, x]))(3.0) == 8.0      # d(2x + x²)/dx
    assert tg.grad(lambda x: tg.hessian(lambda y: y[0] ** 3 * y[1])([x, x])[0][1])(2.0) == 12.0     # d(3x²)/dx
    assert tg.grad(lambda v: tg.jvp(lambda y: y ** 3, 2.0, v))(5.0) == 12.0


def test_what_is_given_a_value_answers_with_a_graph_on_it():
    x = Value(2.0, label="x")
    slope = tg.grad(lambda t: t * t * t)(x * x)                 # 3u² at u = x²
    assert isinstance(slope, Value) and slope.data == 48.0
    slope.backward()
    assert x.grad == 96.0                                       # 12 x³


@settings(max_examples=25)
@given(numbers)
def test_the_gradient_of_the_gradient_graph_is_the_second_derivative(number):
    def f(x):
        return tg.sin(x * x) * tg.exp(x) / (2 + tg.tanh(x))
    x = Value(number, label="x")
    slope = tg.gradient_graph(f(x), x)
    slope.backward()
    assert slope.data == pytest.approx(tg.derivative(f)(number), rel=1e-13)
    assert x.grad == pytest.approx(tg.derivative(f, 2)(number), rel=1e-12, abs=1e-12)
    with mpmath.workdps(40):
        true = mpmath.diff(lambda t: mpmath.sin(t * t) * mpmath.exp(t) / (2 + mpmath.tanh(t)), number, 2)
    assert x.grad == pytest.approx(float(true), rel=1e-11, abs=1e-11)


def test_a_gradient_graph_can_be_drawn_stepped_and_differentiated_again_and_again():
    x, y = Value(2.0, label="x"), Value(3.0, label="y")
    f = x * x * y + tg.sin(y)
    both = tg.gradient_graph(f, {"x": x, "ys": ["y"]})
    assert both["x"].data == 12.0 and both["ys"][0].data == 4 + math.cos(3)
    assert tg.draw(both["x"]).svg and len(tg.steps(both["x"])) > 3
    mixed = tg.gradient_graph(both["x"], "y")
    assert mixed.data == 4.0 and tg.gradient_graph(mixed, "x").data == 2.0
    assert str(tg.symbolic(both["x"])["y"]) == "2 * x" and tg.exact(both["x"])["y"] == 4
    assert tg.gradient_graph(tg.identity(x) * y, [x, x]) == [y, y]      # the gradient is y itself, without `1 *`


@settings(max_examples=20)
@given(triples)
def test_a_hessian_is_symmetric_and_hvp_is_the_hessian_times_v(x):
    h = tg.hessian(height)(x)
    close(h, list(zip(*h)), 1e-10)
    v = [0.5, -2.0, 1.0]
    close([tg.hvp(height, x, v)], [[row[0] for row in product(h, [[e] for e in v])]], 1e-10)
    close([tg.hvp(height, x, [1, 0, 0])], [h[0]], 1e-10)


@settings(max_examples=40)
@given(triples, triples, st.lists(numbers, min_size=2, max_size=2))
def test_jvp_and_vjp_are_dual(x, v, w):
    forward, backward = tg.jvp(smooth, x, v), tg.vjp(smooth, x, w)
    across, down = (math.fsum(a * b for a, b in zip(*pair)) for pair in ((w, forward), (backward, v)))
    assert across == pytest.approx(down, rel=1e-11, abs=1e-11)
    j = tg.jacobian(smooth)(x)
    close([forward], [[row[0] for row in product(j, [[e] for e in v])]])
    close([backward], product([w], j))


def test_keys_stand_for_themselves_in_whatever_order_they_come():
    def f(p):
        return {"sum": 2 * p["a"] + 3 * p["b"][0], "parts": (p["b"][0], p["a"])}
    assert tg.jvp(f, {"a": 5, "b": [7]}, {"b": [1], "a": 10}) == {"sum": 23.0, "parts": (1.0, 10.0)}
    assert tg.vjp(f, {"a": 5, "b": [7]}, {"parts": (100, 10), "sum": 1}) == {"a": 12.0, "b": [103.0]}
    assert tg.hvp(lambda p: p["a"] ** 2 * p["b"], {"a": 3, "b": 5}, {"b": 1, "a": 0}) == {"a": 6.0, "b": 0.0}


@settings(max_examples=20)
@given(triples)
def test_the_jacobian_of_a_composition_is_the_product_of_the_jacobians(x):
    def outer(y):
        return [y[0] * y[1], tg.tanh(y[0]), y[1] - y[0]]
    inner = smooth([Value(e) for e in x])
    at = [y.data for y in inner]
    whole = tg.jacobian(lambda t: outer(smooth(t)))(x)
    close(whole, product(tg.jacobian(outer)(at), tg.jacobian(smooth)(x)))
    transposed = tg.jacobian(lambda t: outer(smooth(t)), layout="denominator")(x)
    assert transposed == [list(column) for column in zip(*whole)]


# ---- against mpmath, and at the corners

SMOOTH = [op for op in OPS.values() if is_defined(op) and len(op.inputs) == 1 and not op.rows and not op.selects
          and op.name not in ("abs", "elu", "leaky_relu", "softsign")]
ORDERS = {1: 1e-14, 2: 1e-13, 3: 1e-12, 4: 1e-11}


@pytest.mark.parametrize("op", SMOOTH, ids=repr)
def test_the_nth_derivative_of_every_smooth_op_is_that_of_mpmath(op):
    points = [x for x in (0.0, -0.0, 1.0, -1.0, 0.3, -0.7, 2.5, -2.5)
              if op.domain[0].holds(x) and x not in op.domain[0].kinks]
    assert points
    for x in points:
        for n, rel in ORDERS.items():
            with mpmath.workdps(60):
                true = mpmath.diff(lambda t: definition(op)(t, **op.sample), mpmath.mpf(x), n, h=mpmath.mpf(10) ** -12)
            found = tg.derivative(lambda t: op(t, **op.sample), n)(x)
            assert found == pytest.approx(float(true), rel=rel, abs=rel * 10), (x, n)


@pytest.mark.parametrize(("f", "x", "n", "wanted"), [
    (tg.relu, 0.0, 1, 0), (tg.relu, 0.0, 2, 0), (tg.abs, 0.0, 1, 0), (tg.abs, 0.0, 2, 0), (tg.abs, -2.0, 2, 0),
    (lambda x: tg.relu(x) ** 2, 0.0, 2, 0), (lambda x: tg.relu(x) ** 2, 1.0, 2, 2), (lambda x: tg.maximum(x, -x) * x, 0.0, 1, 0),
    (lambda x: x ** 3, 0.0, 3, 6), (lambda x: x ** 3, 0.0, 4, 0), (lambda x: x ** 2.0, 0.0, 2, 2), (lambda x: x * x, 0.0, 3, 0),
    (lambda x: tg.where(tg.greater(x, 0), x ** 3, x * x), -1.0, 2, 2), (lambda x: tg.where(tg.greater(x, 0), x ** 3, x * x), 2.0, 2, 12),
    (tg.softplus, 0.0, 2, 0.25), (tg.sigmoid, 0.0, 3, -0.125), (tg.tanh, 0.0, 3, -2), (tg.silu, 0.0, 2, 0.5),
    (lambda x: tg.cbrt(x) ** 3, 8.0, 1, 1), (lambda x: tg.log(tg.where(tg.greater(x, 0), x, 1.0)), -1.0, 2, 0),
    (lambda x: tg.elu(x), -0.5, 3, math.exp(-0.5)), (lambda x: tg.clip(x * x, low=0, high=4), 1.0, 2, 2), (lambda x: tg.clip(x * x, low=0, high=4), 3.0, 2, 0),
])
def test_higher_derivatives_at_kinks_and_choices(f, x, n, wanted):
    assert tg.derivative(f, n)(x) == pytest.approx(wanted, rel=1e-14, abs=1e-15)


@pytest.mark.parametrize(("f", "x", "n"), [
    (tg.sqrt, 0.0, 1), (tg.sqrt, 0.0, 2), (lambda x: x ** 1.5, 0.0, 2), (tg.cbrt, 0.0, 1), (tg.asin, 1.0, 1), (tg.asin, 1.0, 2)])
def test_a_derivative_that_is_not_finite_raises_and_is_ieee_within_errstate(f, x, n):
    with pytest.raises(tg.GradientError):
        tg.derivative(f, n)(x)
    with tg.errstate(all="ignore"):
        assert not math.isfinite(tg.derivative(f, n)(x))


def test_every_product_with_a_derivative_that_is_not_finite_raises():
    def f(x):
        return [tg.sqrt(x[0]), x[0] * x[1]]
    for broken in (lambda: tg.jacobian(f)([0, 1]), lambda: tg.jvp(f, [0, 1], [1, 0]), lambda: tg.vjp(f, [0, 1], [1, 0]),
                   lambda: tg.hessian(lambda x: tg.sqrt(x[0]))([0.0]), lambda: tg.gradient_graph(tg.sqrt(Value(0.0, label="x")), "x"),
                   lambda: tg.gradient_graph(Value(1.0, label="y") + tg.sqrt(Value(0.0, label="x")), ["y", "x"])):
        with pytest.raises(tg.GradientError, match=r"inf|nan"):
            broken()
    assert tg.vjp(f, [0, 1], [0, 1]) == [1.0, 0.0]                  # an output that is not asked for does no harm
    assert tg.jvp(f, [0, 1], [0, 1]) == [0.0, 0.0]                  # nor an input that does not move
    assert tg.hvp(lambda x: x[0] ** 1.5 + x[1] ** 2, [0, 1], [0, 1]) == [0.0, 2.0]
    assert tg.grad(lambda x: x * 2.0 + tg.sqrt(Value(0.0)))(1.0).data == 2.0        # nor a leaf that is not


def test_outputs_that_do_not_depend_on_the_inputs_have_no_slope():
    def f(x):
        return [Value(3.0).detach(), x[0] * 2.0, Value(4.0).detach() * 5]
    assert tg.jacobian(f)([1.0]) == [[0.0], [2.0], [0.0]] and tg.jvp(f, [1.0], [1.0]) == [0.0, 2.0, 0.0]
    assert tg.vjp(f, [1.0], [1.0, 0.0, 1.0]) == [0.0] and tg.grad(lambda x: Value(3.0))(1.0).data == 0.0
    assert tg.jacobian(lambda x: [])([1.0]) == tg.jvp(lambda x: [], [1.0], [1.0]) == [] and tg.vjp(lambda x: [], [1.0], []) == [0.0]


def test_a_value_outside_the_domain_raises_where_it_happens():
    with pytest.raises(tg.DomainError, match=r"log\(-1\)"):
        tg.grad(tg.log)(-1.0)


# ---- functions that close over Values

TRANSFORMS = {      # of z, with w outside, at 2: each a derivative of w z³, and what it is as a function of w and z
    "derivative": (lambda f: tg.derivative(f)(2.0), lambda w: 12 * w),
    "second derivative": (lambda f: tg.derivative(f, 2)(2.0), lambda w: 12 * w),
    "grad": (lambda f: tg.grad(lambda v: f(v["z"]))({"z": 2.0})["z"], lambda w: 12 * w),
    "value": (lambda f: tg.value_and_grad(f)(2.0)[0], lambda w: 8 * w),
    "value_and_grad": (lambda f: tg.value_and_grad(f)(2.0)[1], lambda w: 12 * w),
    "jacobian": (lambda f: tg.jacobian(lambda v: [v[0] * 1, f(v[0])])([2.0])[1][0], lambda w: 12 * w),
    "hessian": (lambda f: tg.hessian(lambda v: f(v[0]))([2.0])[0][0], lambda w: 12 * w),
    "jvp": (lambda f: tg.jvp(f, 2.0, 3.0), lambda w: 36 * w),
    "vjp": (lambda f: tg.vjp(f, 2.0, 3.0), lambda w: 36 * w),
    "hvp": (lambda f: tg.hvp(f, 2.0, 3.0), lambda w: 36 * w),
    "nested": (lambda f: tg.derivative(lambda y: tg.derivative(f)(y) * y)(2.0), lambda w: 36 * w),       # 3wy³
    "nested at a number": (lambda f: tg.derivative(lambda y: tg.derivative(f)(2.0) * y)(5.0), lambda w: 12 * w),
}


@pytest.mark.parametrize(("taken", "right"), TRANSFORMS.values(), ids=TRANSFORMS)
def test_a_derivative_of_a_function_that_closes_over_a_value_is_a_graph_on_it(taken, right):
    w = Value(3.0)
    d = taken(lambda z: w * z * z * z)
    assert d.data == right(3.0)
    (d * d + w).backward()                                              # d = kw, so L = k²w² + w
    assert w.grad == 2 * right(3.0) * right(1.0) + 1
    with tg.no_grad():
        assert taken(lambda z: w * z * z * z) == right(3.0)             # a float


def test_a_direction_that_is_a_value_makes_the_products_graphs_on_it():
    for product, slope in ((lambda v: tg.jvp(lambda y: y ** 3, 2.0, v), 12.0), (lambda v: tg.vjp(lambda y: y ** 3, 2.0, v), 12.0),
                           (lambda v: tg.vjp(lambda y: [y, y ** 3], 2.0, [0.0, v]), 12.0), (lambda v: tg.hvp(lambda y: y ** 3, 2.0, v), 12.0)):
        v = Value(5.0)
        product(v).backward()
        assert product(v).data == 60.0 and v.grad == slope


def test_the_graph_of_a_derivative_stands_on_the_very_nodes_outside():
    w = Value(3.0)
    u = w * 2
    d = tg.derivative(lambda z: u * z * z)(2.0)                         # 8w
    assert u in tg.topological_order(d) and w in tg.leaves(d)
    (d * d + u).backward()
    assert w.grad == 128 * 3 + 2 and u.grad == 32 * 6 + 1
    by_hand = Value(6.0, (w,), (2.0,), op="doubled")                    # what does not depend on z is not run again
    tg.derivative(lambda z: by_hand * z * z)(2.0).backward()
    assert by_hand.grad == 4.0 and w.grad == 386 + 8


def test_derivatives_stay_floats_where_nothing_outside_takes_gradients():
    frozen, constant = Value(3.0), Value(4.0).detach()
    frozen.is_constant = True
    with tg.no_grad():
        made = Value(3.0) * 2
    for outside in (frozen, constant, made, frozen * 2, 5.0):
        found = [taken(lambda z, c=outside: c * z * z * z) for taken, _ in TRANSFORMS.values()]
        assert set(map(type, found)) == {float}
    w = Value(3.0)
    assert type(tg.derivative(lambda z: z * w.data)(2.0)) is float


def test_a_loss_with_derivatives_in_it_has_right_gradients():
    model = tg.MLP(1, [3, 1], activation="tanh", rng=0)

    def loss(*_):
        return (model([0.5]) - 1) ** 2 + (tg.derivative(lambda z: model([z]))(0.5) - 1) ** 2
    loss().backward()
    taken = [p.grad for p in model.parameters()]
    assert tg.gradcheck(loss, model.parameters())
    for p, gradient in zip(model.parameters(), taken):
        start, ends = p.data, []
        for p.data in (start - 1e-5, start + 1e-5):
            ends.append(loss().data)
        p.data = start
        assert gradient == pytest.approx((ends[1] - ends[0]) / 2e-5, rel=1e-6, abs=1e-8)


# ---- arrays and dataclasses

@dataclass(frozen=True)
class Weights:
    w: Any
    b: Any


def test_arrays_in_and_out():
    numpy = pytest.importorskip("numpy")
    x, A = numpy.array([1.0, -2.0, 0.5]), numpy.array([[1.0, 2.0, 0.0], [3.0, 4.0, 5.0]])

    def f(v):
        return (A @ numpy.tanh(v)).sum() * v[0]
    as_list = tg.grad(lambda v: f(numpy.array(v)))([1.0, -2.0, 0.5])
    found = tg.grad(f)(x)
    assert type(found) is numpy.ndarray and found.dtype == float and found.tolist() == as_list
    assert tg.value_and_grad(f)(x)[1].tolist() == as_list and tg.hessian(f)(x).tolist() == tg.hessian(lambda v: f(numpy.array(v)))(list(x))
    assert tg.jacobian(lambda v: A @ v)(x).tolist() == A.tolist() == tg.jacobian(lambda v: (A @ v).reshape(1, 2))(x).tolist()
    assert tg.jvp(lambda v: A @ v, x, numpy.array([1.0, 0.0, 2.0])).tolist() == [1.0, 13.0]
    assert tg.jvp(lambda v: A @ v, x, [1, 0, 2]).tolist() == [1.0, 13.0]               # a list is built like an array
    assert tg.vjp(lambda v: A @ v, x, numpy.array([0.0, 1.0])).tolist() == [3.0, 4.0, 5.0] == tg.vjp(lambda v: A @ v, x, [0, 1]).tolist()
    assert tg.hvp(lambda v: v @ v, x, x).tolist() == [2.0, -4.0, 1.0]
    matrix = tg.grad(lambda M: (M * M).sum())(A)
    assert matrix.shape == (2, 3) and matrix.tolist() == (2 * A).tolist()
    both = tg.grad(lambda p: (p["A"] @ x).sum() * p["b"][0])({"A": A, "b": (2.0,)})
    assert both["A"].tolist() == [[2.0, -4.0, 1.0]] * 2 and both["b"] == (-5.5,)
    assert tg.grad(lambda v: (v * v).sum())(numpy.array([1, 2], dtype=numpy.int8)).tolist() == [2.0, 4.0]
    assert tg.grad(lambda v: (v * v).sum())(numpy.array([3.0])).tolist() == [6.0] and tg.grad(lambda v: v * v)(numpy.float32(3)) == 6.0
    assert tg.grad(lambda v: Value(1.0).detach())(numpy.empty((0, 2))).shape == (0, 2)


def test_arrays_of_values_answer_with_arrays_of_values():
    numpy = pytest.importorskip("numpy")
    w = Value(3.0)
    slopes = tg.grad(lambda v: (v * v * w).sum())(numpy.array([1.0, 2.0]))
    assert slopes.dtype == object and [s.data for s in slopes] == [6.0, 12.0]
    (slopes @ slopes).backward()                                    # (2w)² + (4w)² = 20w²
    assert w.grad == 120.0
    x = numpy.array([Value(1.0), Value(2.0)])
    assert [s.data for s in tg.grad(lambda v: (v * v).sum())(x)] == [2.0, 4.0]


def test_dataclasses_in_and_out():
    def f(p):
        return tg.dot(p.w, [1.0, 2.0]) * p.b
    at = Weights(w=[3.0, 4.0], b=5.0)
    assert tg.grad(f)(at) == Weights(w=[5.0, 10.0], b=11.0)
    assert tg.jvp(f, at, Weights([1.0, 0.0], 1.0)) == 16.0 and tg.hvp(f, at, Weights([0.0, 0.0], 1.0)) == Weights([1.0, 2.0], 0.0)
    assert tg.jvp(lambda x: Weights([x * x], x * 1), 3.0, 1.0) == Weights([6.0], 1.0)
    with pytest.raises(TypeError, match="not str: got 'five'"):
        tg.grad(f)(Weights([3.0, 4.0], "five"))
    with pytest.raises(ValueError, match=r"v must be built like x \(2 and 3 numbers\)"):
        tg.jvp(f, at, Weights([1.0], 1.0))


# ---- copies of an input

@dataclass
class Point:
    x: Any
    tags: list


@pytest.mark.parametrize("copied", [
    copy.copy, copy.deepcopy, lambda x: copy.deepcopy([x, {"x": x}])[1]["x"], lambda x: copy.deepcopy(x * 1),
    lambda x: asdict(Point(x, []))["x"], lambda x: copy.copy(Point(x, [])).x, lambda x: replace(Point(x, []), tags=[1]).x,
], ids=["copy", "deepcopy", "nested", "computed", "asdict", "shallow", "replace"])
def test_a_copy_of_an_input_stays_that_input(copied):
    assert tg.derivative(lambda x: 3 * copied(x))(2.0) == 3.0
    assert tg.jvp(lambda x: copied(x) * x, 2.0, 1.0) == 4.0
    assert tg.derivative(lambda x: x * tg.derivative(lambda y: copied(x) * copied(y))(1.0))(2.0) == 4.0


def test_an_input_is_not_pickled_while_its_function_is_differentiated():
    with pytest.raises(TypeError, match=r"the number 2 is an input of a function that is being differentiated.*pickle v\.data"):
        tg.derivative(lambda x: pickle.loads(pickle.dumps(x * 1)))(2.0)
    kept = []
    tg.derivative(lambda x: kept.append(x) or x)(2.0)
    assert copy.deepcopy(kept[0]) is not kept[0] and pickle.loads(pickle.dumps(kept[0])).data == 2.0       # afterwards it is


# ---- what bad input gets

def doubled_by_hand(x):
    return Value(2 * x.data, (x,), (2.0,), op="doubled")


@pytest.mark.parametrize(("wrong", "error", "words"), [
    (lambda: tg.derivative(doubled_by_hand, 2)(1.0), tg.ReplayError, "a node made by hand .doubled.*tg.op"),
    (lambda: tg.grad(lambda x: x.data)(1.0), TypeError, r"f must return Values.*got 1\.0.*v\.data cuts"),
    (lambda: tg.grad(lambda x: None)(1.0), TypeError, "got None"),
    (lambda: tg.grad(lambda x: [x, x])(1.0), TypeError, "use jacobian"),
    (lambda: tg.hessian(lambda x: x)([1.0, 2.0]), TypeError, "use jacobian"),
    (lambda: tg.jacobian(lambda x: [x[0], 2.0])([1.0]), TypeError, r"got 2\.0"),
    (lambda: tg.grad(tg.tanh)("1"), TypeError, "number is needed, not str"),
    (lambda: tg.grad(tg.tanh)(True), TypeError, "bool is not a number"),
    (lambda: tg.grad(lambda x: x["a"])({"a": None}), TypeError, "not NoneType"),
    (lambda: tg.grad(tg.tanh, argnums=1)(1.0), IndexError, "argnums=1, but f was given 1 argument: 0 to 0"),
    (lambda: tg.grad(tg.tanh, argnums=(0, 2))(1.0, 2.0), IndexError, "2 arguments: 0 to 1"),
    (lambda: tg.grad(tg.tanh, argnums=-1)(1.0), IndexError, "argnums=-1"), (lambda: tg.grad(tg.tanh)(), IndexError, "0 arguments"),
    (lambda: tg.grad(tg.tanh, argnums="x")(1.0), TypeError, "got 'x'"), (lambda: tg.grad(tg.tanh, argnums=True)(1.0), TypeError, "got True"),
    (lambda: tg.grad(tg.mul, argnums=(1, 0, 1))(2.0, 3.0), ValueError, r"each once: got \(1, 0, 1\)"),
    (lambda: tg.grad(tg.mul, argnums=())(2.0, 3.0), ValueError, r"each once: got \(\)"),
    (lambda: tg.grad(Value(1.0)), TypeError, "f is a function"), (lambda: tg.jvp(3, 1.0, 1.0), TypeError, "f is a function"),
    (lambda: tg.jacobian(tg.tanh, layout="rows"), ValueError, "layout='rows'.*numerator.*denominator"),
    (lambda: tg.derivative(tg.tanh, 0), ValueError, "n must be at least 1, got 0"), (lambda: tg.derivative(tg.tanh, 1.5), TypeError, "n must be a whole number, not float: got 1.5"),
    (lambda: tg.jvp(smooth, [1, 2, 3], [1, 2]), ValueError, r"v must be built like x \(2 and 3 numbers\)"),
    (lambda: tg.vjp(smooth, [1, 2, 3], 1.0), ValueError, r"v must be built like the answer of f \(1 and 2 numbers\)"),
    (lambda: tg.hvp(height, [1, 2, 3], {"v": [1, 2, 3]}), ValueError, "v must be built like x"),
    (lambda: tg.jvp(tg.tanh, 1.0, "1"), TypeError, "not str"),
    (lambda: tg.gradient_graph(Value(1.0, label="x") * 2, Value(3.0, label="y")), ValueError, "y is not among the nodes"),
    (lambda: tg.gradient_graph(Value(1.0, label="x") * 2, Value(3.0)), ValueError, "^the number 3 is not among the nodes"),
    (lambda: tg.gradient_graph(Value(1.0, label="x") * 2, "y"), KeyError, "no node is labelled 'y'"),
    (lambda: tg.gradient_graph(Value(1.0, label="x") * 2, 1.0), ValueError, r"1\.0 is not among"),
    (lambda: tg.gradient_graph(3.0, "x"), TypeError, "a Value is needed"),
])
def test_mistakes_are_named(wrong, error, words):
    with pytest.raises(error, match=words):
        wrong()
    assert tg.grad(lambda x: x * x)(3.0) == 6.0 and not isinstance(tg.grad(tg.tanh)(0.0), Value)    # no state is left
    assert tg.grad(doubled_by_hand)(3.0) == 2.0


# ---- the lectures' Jacobians, in both layouts

V, A, SYMMETRIC = [1, -2], [[1, 2, 0], [3, 4, 5]], [[2, 1], [1, 3]]


def dot(u, v):
    return tg.sum([a * b for a, b in zip(u, v)])


def times(matrix, v):
    return [dot(row, v) for row in matrix]


def transposed(matrix):
    return [list(column) for column in zip(*matrix)]


TABLE = {       # the ten rows of the recitation's table, and CS342's: (f, x, numerator layout)
    "d000-layout-row-v": (lambda v: v, V, [[1, 0], [0, 1]]),
    "d000-layout-row-vT": (lambda v: tuple(v), V, [[1, 0], [0, 1]]),
    "d000-layout-row-tv": (lambda v: [7 * e for e in v], V, [[7, 0], [0, 7]]),
    "d000-layout-row-uTv-wrt-u": (lambda u: dot(u, V), [3, 5], [[1, -2]]),
    "d000-layout-row-uTv-wrt-v": (lambda v: dot([3, 5], v), V, [[3, 5]]),
    "d000-layout-row-vTv": (lambda v: dot(v, v), V, [[2, -4]]),
    "d000-layout-row-vTAv": (lambda v: dot(v, times([[2, 1], [0, 3]], v)), V, [[2, -11]]),      # vᵀ(A + Aᵀ)
    "d000-layout-row-vTAv-symmetric": (lambda v: dot(v, times(SYMMETRIC, v)), V, [[0, -10]]),
    "d000-layout-row-Av": (lambda v: times(A, v), [1, -2, 4], A),
    "d000-layout-row-vTA": (lambda v: times(transposed(A), v), V, transposed(A)),
    "d002-jacobian-linear": (lambda x: times([[1, -2, 0.5], [0, 2, 3]], x), [1, 4, -1], [[1, -2, 0.5], [0, 2, 3]]),
    "d002-jacobian-relu": (lambda x: list(map(tg.relu, x)), [3, -1, 2, -4, 5],
                           [[float(i == j and i % 2 == 0) for j in range(5)] for i in range(5)]),
    "d004-ds2-dW2-block": (lambda w: times(w, [1, 2, 3]), [[0.5, 1, 2], [3, -1, 4]], [[1, 2, 3, 0, 0, 0], [0, 0, 0, 1, 2, 3]]),
}


@pytest.mark.parametrize("case", TABLE)
def test_the_jacobians_of_the_lectures_in_both_layouts(case):
    f, x, wanted = TABLE[case]
    assert tg.jacobian(f)(x) == wanted
    assert tg.jacobian(f, layout="denominator")(x) == transposed(wanted)


def test_d000_layout_shapes():
    """Outputs × inputs in the numerator layout, the transpose in the other; a matrix's gradient has its shape."""
    def shape(matrix):
        return [len(matrix), len(matrix[0])]
    x = [1.0, 2.0, 3.0]
    for layout, scalar, vector in ("numerator", [1, 3], [2, 3]), ("denominator", [3, 1], [3, 2]):
        assert shape(tg.jacobian(lambda v: dot(v, v), layout)(x)) == scalar
        assert shape(tg.jacobian(lambda v: [v[0], v[1] * v[2]], layout)(x)) == vector
    assert shape(tg.grad(lambda m: m[0][0] * m[1][2])([x, x])) == [2, 3]


def test_d000_matrix_in_scalar_out():
    u, v, matrix = [1, 2], [3, 4, 5], [[1, 0, 2], [0, 1, -1]]
    assert tg.value_and_grad(lambda m: dot(u, times(m, v)))(matrix) == (11.0, [[3, 4, 5], [6, 8, 10]])


POINTS = [(0, 0), (2, -1), (3, 1), (-1, -2)]


@pytest.mark.parametrize(("f", "gradients", "values"), [
    (lambda x, y: x ** 2 - 4 * x + y ** 2 + 2 * y, [(-4, 2), (0, 0), (2, 4), (-6, -2)], [0, -5, 0, 5]),     # d003-gradient-field-intended
    (lambda x, y: x ** 2 - 4 * x + 7 + 2 * y, [(-4, 2), (0, 2), (2, 2), (-6, 2)], None),                    # d003-gradient-field-as-printed
])
def test_d003_gradient_field(f, gradients, values):
    """The document prints ⟨2x - 4, 2y + 2⟩ for x² - 4x + 7 + 2y; it belongs to x² - 4x + y² + 2y, least at (2, -1)."""
    found = [tg.value_and_grad(f, (0, 1))(*point) for point in POINTS]
    assert [gradient for _, gradient in found] == gradients
    assert values is None or [value for value, _ in found] == values
    printed = [(2 * x - 4, 2 * y + 2) for x, y in POINTS]
    assert (gradients == printed) is (values is not None)
    assert values is not None or tg.jacobian(lambda p: f(*p))([random.uniform(-9, 9), 3.0])[0][1] == 2      # no stationary point


# ---- planted bugs: the properties above see them

def test_the_properties_catch_planted_bugs(monkeypatch):
    from tinygrad_edu.calculus import transforms
    with monkeypatch.context() as patch, pytest.raises(AssertionError):
        patch.setattr(transforms, "walked_back", lambda order, seed: (backward_that_forgets(order, seed), []))
        test_the_jacobian_of_a_composition_is_the_product_of_the_jacobians.hypothesis.inner_test([0.5, 1.0, -1.0])
    with monkeypatch.context() as patch, pytest.raises(AssertionError):
        patch.setattr(transforms, "pushed_forward", forward_that_forgets)
        test_jvp_and_vjp_are_dual.hypothesis.inner_test([0.5, 1.0, -1.0], [1.0, 0.5, 2.0], [1.0, -1.0])


def backward_that_forgets(order, seed):
    """`=` for `+=`: what arrives last is taken."""
    reached = {order[-1]: seed}
    for node in reversed(order):
        for parent, local_grad in zip(node.parents, node.local_grads if node in reached else ()):
            reached[parent] = reached[node] * local_grad
    return reached


def forward_that_forgets(outputs, run, v):
    """The same, forward."""
    moved = dict(zip(run.leaves, v))
    for node in run.order:
        for parent, local_grad in zip(node.parents, node.local_grads):
            if parent in moved:
                moved[node] = local_grad * moved[parent]
    return moved


# ---- where a slope has a kink or a pole, and what is made of it has not ---------------------------------------

h = tg.hypot


@pytest.mark.parametrize(("f", "bend"), [
    (lambda x, y: h(x, y) ** 2, 2.0), (lambda x, y: h(x, y) * h(x, y), 2.0), (lambda x, y: 3 - h(x, y) ** 2 / 2, -1.0), (lambda x, y: h(x, y) ** 4, 0.0),
    (lambda x, y: tg.exp(-h(x, y) ** 2), -2.0), (lambda x, y: h(x, y) ** 4 + h(x, y) ** 2 + h(x, y) ** 3, 2.0),
    (lambda x, y: tg.cos(h(x, y) ** 2) * tg.exp(-h(x, y) ** 2 / 2), -1.0), (lambda x, y: abs(x) ** 2 + abs(y) * abs(y), 2.0), (h, 0.0),
    (lambda x, y: tg.norm([x, y]) ** 2, 2.0), (lambda x, y: tg.exp(tg.norm([x, y, 0.0]) ** 2), 2.0), (lambda x, y: tg.norm([x, y]), 0.0),
    (lambda x, y: (h(x, y) / 2) ** 2, 0.5), (lambda x, y: (+h(x, y)) ** 2, 2.0), (lambda x, y: (h(x, y) ** 1) ** 2, 2.0),
    (lambda x, y: h(x, y) / 2 * h(x, y), 1.0), (lambda x, y: tg.pow(h(x, y), 2.0), 2.0), (lambda x, y: h(x, y) ** Value(2.0).detach(), 2.0)])
def test_even_powers_of_hypot_and_abs_bend_at_0_as_those_of_their_inputs(f, bend):
    assert tg.hessian(lambda v: f(*v))([0.0, 0.0]) == [[bend, 0.0], [0.0, bend]]


def test_even_powers_of_abs_have_all_derivatives_at_0_and_odd_ones_keep_the_convention():
    for n in (1, 2, 3, 4, 5):
        found = [tg.derivative(lambda x: abs(x) ** n, order)(0.0) for order in (1, 2, 3, 4)]            # noqa: B023
        assert found == [math.factorial(n) * float(n == order) * (n % 2 == 0) for order in (1, 2, 3, 4)]


@pytest.mark.parametrize(("f", "derivatives"), [          # the second, the third, the fourth
    (lambda x: (abs(x) / (x + 2)) ** 2, (0.5, -1.5, 4.5)), (lambda x: abs(x) / (x + 2) * abs(x), (1, -1.5, 3)),
    (lambda x: (abs(x) * tg.exp(x)) ** 2, (2, 12, 48)), (lambda x: (tg.norm([x, x * x]) * tg.exp(x)) ** 2, (2, 12, 72)),
    (lambda x: (abs(x) + abs(x)) ** 2, (8, 0, 0)), (lambda x: (abs(x) - x * x) ** 2 + 2 * abs(x) ** 3, (2, 0, 24)),
    (lambda x: (abs(x) + 1) * (abs(x) + 2) * abs(x) ** 2, (4, 0, 24)), (lambda x: (1 - abs(x)) * (1 + abs(x)), (-2, 0, 0)),
    (lambda x: tg.dot([abs(x), x], [abs(x) * 2, x]), (6, 0, 0)), (lambda x: tg.mean([abs(x), 3.0]) * abs(x), (1, 0, 0)),
    (lambda x: (-abs(x) / 2) ** 4, (0, 0, 1.5)), (lambda x: tg.sum([abs(x), abs(x) * 2]) ** 2 / 9, (2, 0, 0))])
def test_what_is_made_of_squares_of_abs_by_sums_and_products_has_its_derivatives_at_0(f, derivatives):
    assert [tg.derivative(f, n)(0.0) for n in (2, 3, 4)] == pytest.approx(derivatives, rel=1e-14)


def test_a_gradient_graph_made_at_the_kink_of_abs_is_right_elsewhere_too():
    for f, slope in ((lambda x: abs(x) ** 2, 6.0), (lambda x: (abs(x) + 1) ** 2, 8.0), (lambda x: (abs(x) / 2 + x) ** 2 + abs(x), 14.5)):
        x = Value(0.0, label="x")
        assert tg.replay(tg.gradient_graph(f(x), x), at={"x": 3.0}).value == slope


def test_a_power_of_abs_whose_exponent_takes_a_gradient_bends_as_its_square_does():
    assert tg.hessian(lambda v: abs(v[0]) ** v[1])([0.0, 2.0]) == [[2.0, 0.0], [0.0, 0.0]]
    assert tg.hessian(lambda v: abs(v[0]) ** v[1])([0.0, 3.0]) == [[0.0, 0.0], [0.0, 0.0]]


def test_the_square_of_std_bends_as_var_does_where_all_numbers_are_equal():
    for row in ([1.0, 1.0], [2.0, 2.0, 2.0]):
        bent, right = tg.hessian(lambda v: tg.std(v) ** 2)(row), tg.hessian(tg.var)(row)
        assert [x for row in bent for x in row] == pytest.approx([x for row in right for x in row], rel=1e-14)


def test_what_has_no_slope_at_0_is_refused_also_where_its_square_has_one():
    for f in (lambda x: tg.sqrt(x) ** 2, lambda x: tg.cbrt(x) ** 3, lambda x: tg.sqrt(x * x + x ** 4) ** 2, lambda x: x * tg.log(x)):
        with pytest.raises((tg.GradientError, tg.PoleError)):
            tg.derivative(f)(0.0)


@pytest.mark.parametrize(("point", "bends"), [
    ([0.0, 2.0], [[2, 0], [0, 0]]), ([0.0, 3.0], [[0, 0], [0, 0]]), ([0.0, 2.5], [[0, 0], [0, 0]]), ([0.0, 40.0], [[0, 0], [0, 0]])])
def test_a_power_of_0_has_its_second_derivatives(point, bends):
    assert tg.hessian(lambda v: v[0] ** v[1])(point) == bends


@pytest.mark.parametrize("point", [[0.0, 1.0], [0.0, 1.5], [-2.0, 2.0]], ids=str)
def test_a_power_whose_second_derivatives_are_infinite_or_none_is_refused(point):
    """log 0, 0**-0.5 and the logarithm of a negative number."""
    with pytest.raises(tg.GradientError):
        tg.hessian(lambda v: v[0] ** v[1])(point)


@pytest.mark.parametrize("y", [0.0, 1.0, 2.0])
def test_powers_of_a_tiny_number_have_derivatives_of_all_orders(y):
    found = [tg.derivative(lambda x: x ** tg.Value(y), order)(1e-300).data for order in (1, 2, 3, 4)]
    assert found == [float(y > 0) if y < 2 else 2e-300, 2.0 * (y == 2), 0.0, 0.0]


@pytest.mark.parametrize(("f", "at", "right"), [
    (lambda v: (tg.hypot(v[0], v[1]) / 2) ** 2, [0.0, 0.0], [[0.5, 0.0], [0.0, 0.5]]), (lambda v: (abs(v[0]) / 2) ** 2, [0.0], [[0.5]]),
    (lambda v: (tg.norm(v[:2]) / v[2]) ** 2, [0.0, 0.0, 4.0], [[0.125, 0.0, 0.0], [0.0, 0.125, 0.0], [0.0, 0.0, 0.0]]),
    (lambda v: tg.std(v) ** 2, [1.0, 1.0], [[0.5, -0.5], [-0.5, 0.5]]), (lambda v: tg.std(v, ddof=1) ** 2, [3.0, 3.0], [[1.0, -1.0], [-1.0, 1.0]]),
])
def test_a_square_of_a_length_divided_by_a_number_is_smooth_at_0(f, at, right):
    assert tg.hessian(f)(at) == [pytest.approx(row, rel=1e-14) for row in right]
