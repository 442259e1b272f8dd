"""Arrays, lists, tuples, dicts, dataclasses and named tuples: every function of the calculus takes and gives them alike.

And numpy's own functions on arrays of Values: each is right, or raises, or stands in the conventions.
"""

import math
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Value
from tinygrad_edu.calculus.transforms import flat, refilled


@dataclass
class Pair:
    a: Any
    b: Any


class Named(NamedTuple):
    a: Any
    b: Any


def objects(*row):
    made = numpy.empty(len(row), dtype=object)
    made[:] = row
    return made


KINDS = {                   # each holds 2 and 3, in this order
    "list": [2.0, 3.0], "tuple": (2.0, 3.0), "whole numbers": [2, 3], "dict": {"a": 2.0, "b": 3.0}, "dataclass": Pair(2.0, 3.0),
    "named tuple": Named(2.0, 3.0), "array": numpy.array([2.0, 3.0]), "array of int64": numpy.array([2, 3]), "array of uint8": numpy.array([2, 3], dtype="u1"),
    "array of float32": numpy.array([2.0, 3.0], dtype="f4"), "array of float16": numpy.array([2.0, 3.0], dtype="f2"), "array of longdouble": numpy.array([2.0, 3.0], dtype="g"),
    "array of objects": objects(2.0, 3), "matrix": numpy.array([[2.0, 3.0]]), "column": numpy.array([[2.0], [3.0]]), "Fortran": numpy.asfortranarray([[2.0], [3.0]]),
    "read-only": numpy.broadcast_to(numpy.array([2.0, 3.0]), (2,)), "strided": numpy.arange(8.0)[2:4][::1], "numpy.matrix": numpy.array([[2.0, 3.0]]).view(numpy.matrix),
    "unmasked": numpy.ma.array([2.0, 3.0]), "nested": {"w": [numpy.array([2.0])], "b": (Pair(3.0, []),)}, "numpy numbers": [numpy.float32(2.0), numpy.int8(3)],
    "arrays of no dimension": [numpy.array(2.0), numpy.array(3)],
}
ROOM = {"array of no dimension": numpy.array(2.0), "numpy.float32": numpy.float32(2.0), "numpy.int64": numpy.int64(2), "number": 2.0}
EMPTY = {"list": [], "tuple": (), "dict": {}, "array": numpy.array([]), "rows of an array": numpy.empty((0, 3)), "columns": numpy.empty((2, 0))}


def alike(found, like, numbers):
    """Is it built like this, of floats, and does it hold these numbers?"""
    assert type(found) is type(like) and flat(found) == pytest.approx(numbers, rel=1e-14)
    if isinstance(like, numpy.ndarray):
        assert found.shape == like.shape and found.dtype == float
    assert set(map(type, flat(found))) <= {float}
    if isinstance(like, dict | Pair | Named | list | tuple):
        assert repr(refilled(found, iter([7.0, 8.0]))) == repr(refilled(like, iter([7.0, 8.0])))


def product(x):
    """x² y³ of whatever holds x and y."""
    x, y = flat(x)
    return x * x * y * y * y


def both(x):
    """Two numbers in the same places: x², x y."""
    x_, y = flat(x)
    return refilled(x, [x_ * x_, x_ * y])


# at (2, 3): the value 108, the gradient (108, 108), the Hessian [[54, 108], [108, 72]]; the Jacobian of both [[4, 0], [3, 2]]
@pytest.mark.parametrize("kind", KINDS)
def test_each_function_takes_and_gives_each_kind_alike(kind):
    x = KINDS[kind]
    alike(tg.grad(product)(x), x, [108, 108])
    value, gradient = tg.value_and_grad(product)(x)
    assert value == 108 and type(value) is float
    alike(gradient, x, [108, 108])
    alike(tg.vjp(product, x, 1), x, [108, 108])
    alike(tg.hvp(product, x, x), x, [54 * 2 + 108 * 3, 108 * 2 + 72 * 3])
    assert tg.jvp(product, x, x) == 108 * 5
    found = tg.gradcheck(lambda v: product(v), [x], order=2)
    assert found and found.judged == 10


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_may_be_a_result_a_direction_and_a_weight(kind):
    x = KINDS[kind]
    alike(tg.jvp(both, x, x), x, [8, 12])
    alike(tg.jvp(lambda v: refilled(x, [v[0] * v[0], v[0] * v[1]]), [2, 3], [2, 3]), x, [8, 12])
    alike(tg.vjp(both, x, x), x, [4 * 2 + 3 * 3, 2 * 3])
    assert tg.vjp(lambda v: refilled(x, [v[0] * v[0], v[0] * v[1]]), [2, 3], x) == [17, 6]
    assert tg.jvp(lambda v: v[0] * v[1], [2, 3], [1, 1]) == 5


@pytest.mark.parametrize("kind", KINDS)
def test_a_jacobian_and_a_hessian_are_an_array_where_the_input_is_one_and_lists_of_rows_else(kind):
    x = KINDS[kind]
    for found, true in ((tg.jacobian(both)(x), [[4, 0], [3, 2]]), (tg.jacobian(both, "denominator")(x), [[4, 3], [0, 2]]),
                        (tg.hessian(product)(x), [[54, 108], [108, 72]]), (tg.jacobian(product)(x), [[108, 108]])):
        if isinstance(x, numpy.ndarray):
            assert type(found) is numpy.ndarray and found.dtype == float and found.shape == numpy.array(true).shape
            assert found.tolist() == true
        else:
            assert type(found) is list and found == true


@pytest.mark.parametrize("kind", ROOM)
def test_a_number_is_a_number_in_every_wrapping(kind):
    x = ROOM[kind]
    for found, true in ((tg.grad(lambda v: v * v)(x), 4), (tg.derivative(lambda v: v ** 3, 2)(x), 12), (tg.jvp(lambda v: v * v, x, x), 8),
                        (tg.vjp(lambda v: v * v, x, x), 8), (tg.hvp(lambda v: v ** 3, x, x), 24), (tg.jacobian(lambda v: v * v)(x)[0][0], 4),
                        (tg.numeric_derivative(lambda v: v * v, x).value, 4), (tg.numeric_derivative(numpy.exp, x, "complex").value, math.exp(2))):
        assert found == pytest.approx(true, rel=1e-9) and type(found) is float
    assert tg.gradcheck(lambda v: v * v, x)
    assert tg.numeric_derivative(lambda v: numpy.array(v * v), x, h=x).h == 2.0


@pytest.mark.parametrize("kind", EMPTY)
def test_what_is_empty_has_empty_derivatives(kind):
    x = EMPTY[kind]
    def f(v):
        return Value(3.0).detach()
    for found in (tg.grad(f)(x), tg.vjp(f, x, 1.0), tg.hvp(f, x, x)):
        assert type(found) is type(x) and flat(found) == [] and getattr(found, "shape", 0) == getattr(x, "shape", 0)
    assert tg.jvp(f, x, x) == 0.0 and numpy.shape(tg.hessian(f)(x)) in ((0,), (0, 0)) and len(tg.jacobian(lambda v: [])(x)) == 0


def test_arrays_of_values_give_arrays_of_values_and_lists_of_them_lists():
    for x in (objects(Value(2.0), Value(3.0)), objects(Value(2.0), 3.0), [Value(2.0), 3]):
        for found in (tg.grad(product)(x), tg.vjp(product, x, 1), tg.hvp(product, x, [1, 0]), tg.jacobian(product)(x)[0], tg.hessian(product)(x)[0]):
            assert type(found) is type(x) and {type(v) for v in found} == {Value}
    x = objects(Value(2.0), Value(3.0))
    tg.hessian(product)(x)[0][1].backward()                    # 6xy²
    assert [v.grad for v in x] == [54.0, 72.0]


def test_an_array_of_no_dimension_with_a_value_in_it_is_that_value():
    v = Value(2.0)
    inside = numpy.array(v)
    assert tg.grad(lambda x: x * x)(inside).data == 4.0 and tg.jvp(lambda x: x * x, 2.0, inside).data == 8.0
    assert tg.gradcheck(lambda x: x * x, inside) and tg.numeric_derivative(lambda x: numpy.asarray(Value(x) * x), 2.0).value == pytest.approx(4.0)
    assert tg.grad(lambda x: numpy.asarray(x.sum()))(numpy.array([1.0, 2.0])).tolist() == [1.0, 1.0]
    assert tg.gradcheck(lambda x: numpy.asarray(x * x), 3.0)


@pytest.mark.parametrize(("f", "jacobian"), [
    (lambda v: v * v, [[4, 0], [0, 6]]), (lambda v: numpy.outer(v, v), [[4, 0], [3, 2], [3, 2], [0, 6]]), (numpy.cumsum, [[1, 0], [1, 1]]),
    (lambda v: numpy.asarray(v.sum()), [[1, 1]]), (lambda v: {"s": v.sum(), "v": v[::-1]}, [[1, 1], [0, 1], [1, 0]]), (lambda v: (v[0], [v]), [[1, 0], [1, 0], [0, 1]]),
    (lambda v: tg.maximum(v, 2.5), [[0, 0], [0, 1]]), (lambda v: numpy.array([]), [])])
def test_a_function_may_return_arrays(f, jacobian):
    found = tg.jacobian(f)(numpy.array([2.0, 3.0]))
    assert found.tolist() == jacobian and found.shape == (len(jacobian), 2)
    assert flat(tg.jvp(f, numpy.array([2.0, 3.0]), [1, 0])) == [row[0] for row in jacobian]


def test_gradcheck_takes_an_array_of_inputs_as_it_takes_a_list():
    assert repr(tg.gradcheck(lambda x, y: x * y, numpy.array([2.0, 3.0]))) == repr(tg.gradcheck(lambda x, y: x * y, [2.0, 3.0]))
    seen = []
    tg.gradcheck(lambda p: seen.append(p) or tg.sum(flat(p)), [Pair(numpy.array([1.0, 2.0]), Named((3.0,), {"c": 4}))])
    assert type(seen[0]) is Pair and seen[0].a.shape == (2,) and type(seen[0].b) is Named and type(seen[0].b.a) is tuple
    assert [leaf.label for leaf in flat(seen[0])] == ["p_a0", "p_a1", "p_b00", "p_b1_c"]
    found = tg.gradcheck(lambda v: v[0] * 2 + v[1].data, [numpy.array([1.0, 2.0])])
    assert "the gradient by v1 is 0, but the slope of f is 1" in repr(found)


@pytest.mark.parametrize("x", [numpy.array([1.0, 2.0]), [1.0, 2.0]])
def test_a_list_that_is_taken_for_several_inputs_is_told(x):
    with pytest.raises(TypeError, match=r"f cannot take 2 inputs, one for each element: too many positional arguments; .* gradcheck\(f, \[x\]\)"):
        tg.gradcheck(lambda v: v[0] * v[1], x)
    assert tg.gradcheck(lambda v: v[0] * v[1], [x])


REFUSED = {
    "bools": (numpy.array([True, False]), "bool is not a number here: got True"), "complex": (numpy.array([1j, 2]), "not complex: got 1j; only real numbers"),
    "texts": (numpy.array(["a", "b"]), "not str: got 'a'"), "dates": (numpy.array(["2020-01-01"], dtype="M8[D]"), "this is one of dates"),
    "dates as whole numbers": (numpy.array(["2020-01-01"], dtype="M8[ns]"), "this is one of dates"), "times": (numpy.array([3], dtype="m8[ns]"), "this is one of times"),
    "records": (numpy.array([(1.0, 2.0)], dtype=[("a", float), ("b", float)]), "one of records: take one of its fields"),
    "masked": (numpy.ma.array([1.0, 2.0], mask=[0, 1]), r"some of this are masked: fill them, as in x\.filled\(0\.0\)"), "None": (objects(None), "not NoneType"),
    "too large": (numpy.array([2 ** 60 + 1]), "1152921504606846977 is not exactly representable"), "a set": ({1.0, 2.0}, "not set"), "a bool": (True, "bool is not a number"),
    "a number in an array": ([numpy.array([None])], "not NoneType"),
}


@pytest.mark.parametrize("kind", ["dates", "dates as whole numbers", "times", "masked", "bools", "complex", "texts"])
def test_operations_and_losses_refuse_arrays_of_what_is_no_number_too(kind):
    x, words = REFUSED[kind]
    for use in (lambda: tg.tanh(x), lambda: Value(2.0) * x, lambda: x + Value(2.0), lambda: tg.maximum(Value(2.0), x), lambda: numpy.multiply(Value(2.0), x),
                lambda: tg.mse(x, [1.0] * len(x))):
        with pytest.raises(TypeError, match=words if kind != "masked" else rf"{words}|numpy\.shape has no counterpart"):
            use()
    with pytest.raises(TypeError):
        tg.sum(x)


class Labelled:
    """What looks like an array and has labels besides, as a table of pandas."""

    ndim, shape, size, __array_ufunc__ = 1, (2,), 2, None

    def tolist(self):
        return [1.0, 2.0]


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_number_is_refused_by_name_in_each_place(kind):
    x, words = REFUSED[kind]
    for take in (lambda: tg.grad(lambda v: tg.sum(flat(v)))(x), lambda: tg.value_and_grad(lambda v: tg.sum(flat(v)))(x), lambda: tg.jacobian(flat)(x),
                 lambda: tg.hessian(lambda v: tg.sum(flat(v)))(x), lambda: tg.jvp(lambda v: v, x, x), lambda: tg.hvp(lambda v: tg.sum(flat(v)), x, x),
                 lambda: tg.vjp(lambda v: v, x, x), lambda: tg.gradcheck(lambda v: tg.sum(flat(v)), [x])):
        with pytest.raises((TypeError, ValueError), match=words):
            take()


def test_an_array_with_labels_is_refused_since_they_would_be_lost():
    with pytest.raises(TypeError, match=r"an array of numpy is needed, not Labelled: write numpy\.asarray\(x\)"):
        tg.grad(lambda v: v[0])(Labelled())


def test_an_array_of_one_element_is_an_array_and_no_number():
    with pytest.raises(TypeError, match=r"a number is needed, not an array of shape \(1,\): got array\(\[2\.\]\); write x\.item\(\)"):
        Value(numpy.array([2.0]))
    assert tg.grad(lambda v: v[0] * v[0])(numpy.array([2.0])).tolist() == [4.0] and Value(numpy.array(2.0)).data == 2.0


# ---- numpy is optional, and nobody imports it but for an array

WITHOUT_ARRAYS = """
import sys
import tinygrad_edu as tg
tg.grad(lambda p: p["w"][0] * p["b"])({"w": [2.0], "b": (3)})
tg.jacobian(lambda x: (x[0], [x[1]]))((1, 2)), tg.hessian(lambda x: x[0] * x[1])([1, 2]), tg.hvp(lambda x: x[0] * x[1], [1, 2], [1, 0])
tg.jvp(lambda x: x, [1.0], [2.0]), tg.vjp(lambda x: x, [1.0], [2.0]), tg.derivative(tg.tanh, 2)(0.5), tg.numeric_derivative(tg.tanh, 0.5)
tg.gradcheck(lambda x, y: x * y, [1.0, 2.0], order=2), tg.mse([1.0], [2.0]), tg.MLP(2, [2, 1])([1.0, 2.0])
tg.fit(tg.MLP(2, [2, 2]), [[0.0, 1.0], [1.0, 0.0]], [0, 1], epochs=1, progress=False)
assert "numpy" not in sys.modules, "imported"
"""


def test_numpy_is_not_imported_where_there_is_no_array():
    done = subprocess.run([sys.executable, "-W", "error", "-c", WITHOUT_ARRAYS], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_all_of_it_runs_where_there_is_no_numpy():
    code = "import sys\nsys.modules['numpy'] = None\n" + WITHOUT_ARRAYS.replace('assert "numpy" not in sys.modules, "imported"', "print('ran')")
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert done.stdout == "ran\n", done.stderr


# ---- numpy's functions on arrays of Values -------------------------------------------------------------------

POINTS = [numpy.array([0.51, -0.27, 0.73]), numpy.array([0.61, 0.37, 0.83]), numpy.array([1.61, 1.37, 1.83])]
@pytest.mark.parametrize("name", ["sum", "max", "norm", "logsumexp", "softmax", "log_softmax", "softmin", "cumsum", "var", "std"])
def test_a_function_of_a_row_refuses_a_matrix_an_axis_and_a_number_by_its_own_name(name):
    function, each_row = getattr(tg, name), re.escape(f"[tg.{name}(row) for row in x]")
    for matrix in ([[1.0, 2.0], [3.0, 4.0]], numpy.eye(2), [[Value(1.0)], [Value(2.0)]]):
        with pytest.raises(TypeError, match=rf"^{name}\(\) takes a row of numbers, but .* write {each_row}"):
            function(matrix)
    for axis in ("axis", "dim", "keepdims", "keepdim"):
        with pytest.raises(TypeError, match=rf"^{name}\(\) takes rows and no {axis}: write {each_row}"):
            function([1.0, 2.0], **{axis: 0})
    assert repr([function(row) for row in [[1.0, 2.0], [3.0, 4.0]]]) == repr([function(numpy.array(row)) for row in [[1, 2], [3, 4]]])


@pytest.mark.parametrize("function", [tg.softmax, tg.log_softmax, tg.softmin, tg.cumsum, tg.var, tg.std])
def test_one_number_is_no_row(function):
    for x in (3.0, Value(3.0)):
        with pytest.raises(TypeError, match=rf"^{function.__name__}\(\) takes a row of numbers, such as \[a, b\]: got"):
            function(x)


OTHER = numpy.array([0.5, 2.0, -1.0])
UFUNCS = {name: ufunc for name, ufunc in sorted(vars(numpy).items()) if isinstance(ufunc, numpy.ufunc) and ufunc.nin < 3}
COMPARED = {"sign", "equal", "not_equal", "greater", "greater_equal", "less", "less_equal"}       # in the conventions
FUNCTIONS = {name: getattr(numpy, name) for name in (
    "sum prod mean average var std median cumsum cumprod ptp max min sort diff flip ravel unique nansum nanmean trace diag tril percentile "
    "round nan_to_num real angle sinc i0 gradient any all count_nonzero cov roots histogram unwrap ediff1d copy").split() if hasattr(numpy, name)}
FUNCTIONS |= {
    "a @ a": lambda a: a @ a, "dot": lambda a: numpy.dot(a, a), "inner": lambda a: numpy.inner(a, a), "outer": lambda a: numpy.outer(a, a), "einsum": lambda a: numpy.einsum("i,i->", a, a),
    "kron": lambda a: numpy.kron(a, a), "convolve": lambda a: numpy.convolve(a, a), "cross": lambda a: numpy.cross(a, a[::-1]), "norm": numpy.linalg.norm,
    "norm 1": lambda a: numpy.linalg.norm(a, 1), "norm inf": lambda a: numpy.linalg.norm(a, numpy.inf), "maximum.reduce": numpy.maximum.reduce, "add.accumulate": numpy.add.accumulate,
    "multiply.outer": lambda a: numpy.multiply.outer(a, a), "where": lambda a: numpy.where(a > 0, a, 0.0), "clip": lambda a: numpy.clip(a, 0.0, 1.5), "select": lambda a: numpy.select([a > 0], [a], 0.0),
    "concatenate": lambda a: numpy.concatenate([a, a]), "roll": lambda a: numpy.roll(a, 1), "tile": lambda a: numpy.tile(a, 2), "polyval": lambda a: numpy.polyval(a, 2.0), "a ** 2": lambda a: a ** 2,
    "2 ** a": lambda a: 2.0 ** a, "a ** a": lambda a: abs(a) ** abs(a), "1 / a": lambda a: 1.0 / a, "-a": lambda a: -a, "a // .5": lambda a: a // 0.5, "a % .5": lambda a: a % 0.5,
    "astype": lambda a: a.astype(float), "std ddof": lambda a: numpy.std(a, ddof=1), "interp": lambda a: numpy.interp(0.5, [0, 1, 2], a), "cosine": lambda a: a @ a[::-1] / numpy.linalg.norm(a) ** 2,
    "isclose": lambda a: numpy.isclose(a, 0.5), "fft": numpy.fft.fft, "array of floats": lambda a: numpy.array(list(a), dtype=float), "solve": lambda a: numpy.linalg.solve(numpy.diag(a), a),
    "det": lambda a: numpy.linalg.det(numpy.diag(a)), "sum(a)": sum, "max(a)": max, "sorted(a)": sorted, "mean axis": lambda a: numpy.array([a, a]).mean(axis=0), "var axis": lambda a: numpy.array([a, a]).var(axis=1),
    "median of two": lambda a: numpy.median(a[:2]), "apply_along_axis": lambda a: numpy.apply_along_axis(numpy.sum, 0, a), "a += 1": lambda a: a.__iadd__(1.0), "trapezoid": lambda a: numpy.dot(a[1:] + a[:-1], [0.5, 0.5]),
}


def numbers_in(found):
    """All numbers of what a function gave, and the sum of the Values among them."""
    parts = [e for part in (found if isinstance(found, list | tuple) else [found]) for e in numpy.ravel(numpy.asarray(part, dtype=object))]
    return [e.data if isinstance(e, Value) else float(e) for e in parts], [e for e in parts if isinstance(e, Value)]


def is_right(f, at):
    """Is f of Values what f of floats is, and is its gradient the slope?  None where it raises."""
    leaves = [Value(x) for x in at]
    try:
        found, values = numbers_in(f(objects(*leaves)))
    except (TypeError, AttributeError, ValueError):
        return None
    true = numbers_in(f(at.copy()))[0]
    if not values or found != pytest.approx(true, rel=1e-12, abs=1e-12):
        return False
    tg.sum(values).backward()

    def slope(i):
        ends = [math.fsum(numbers_in(f(numpy.where(numpy.arange(3) == i, at + step, at)))[0]) for step in (1e-6, -1e-6)]
        return (ends[0] - ends[1]) / 2e-6
    return [leaf.grad for leaf in leaves] == pytest.approx([slope(i) for i in range(3)], rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("name", [*UFUNCS, *FUNCTIONS])
@pytest.mark.filterwarnings("ignore")
def test_each_function_of_numpy_on_an_array_of_values_is_right_or_raises_or_is_in_the_conventions(name):
    ufunc = UFUNCS.get(name)
    calls = [FUNCTIONS[name]] if ufunc is None else [ufunc] if ufunc.nin == 1 else [lambda a: ufunc(a, OTHER), lambda a: ufunc(a, a[::-1])]
    verdicts = {is_right(call, at) for call in calls for at in POINTS}
    assert False not in verdicts or name in COMPARED


def test_ties_in_numpys_choices_give_all_to_one():
    def grads(f):
        x, y = Value(2.0), Value(2.0)
        found = f(objects(x, y))
        tg.sum(list(numpy.ravel(numpy.array(found, dtype=object)))).backward()
        return sorted([x.grad, y.grad])
    for theirs in (lambda a: numpy.maximum(a[:1], a[1:]), lambda a: numpy.minimum(a[:1], a[1:]), lambda a: numpy.fmax(a[:1], a[1:]), lambda a: numpy.fmin(a[:1], a[1:]),
                   numpy.max, numpy.min, numpy.maximum.reduce, lambda a: numpy.linalg.norm(a, numpy.inf)):
        assert grads(theirs) == [0.0, 1.0]
    for ours in (lambda a: tg.maximum(a[:1], a[1:]), lambda a: tg.minimum(a[:1], a[1:]), tg.max, tg.min):
        assert grads(ours) == [0.5, 0.5]


@pytest.mark.filterwarnings("ignore")
def test_a_nan_may_be_passed_over_by_numpys_choices():
    def numbers(found):
        return numbers_in(found)[0]
    a, b = objects(Value(math.nan), Value(1.0)), objects(Value(1.0), Value(math.nan))
    assert not all(map(math.isnan, numbers(numpy.maximum(a, b)))) and all(map(math.isnan, numbers(tg.maximum(a, b))))
    assert not all(math.isnan(numbers(numpy.max(x))[0]) for x in (a, b)) and all(math.isnan(tg.max(x).data) for x in (a, b))
    assert math.isnan(numpy.nansum(a).data) and numpy.isnan(numbers(numpy.nan_to_num(a))[0]) and tg.sum([v for v in a if v.data == v.data]).data == 1.0
    assert math.isnan(numpy.nanmean(a).data)


def test_what_numpy_picks_and_compares_is_what_the_conventions_say():
    a, b = objects(Value(2.0), Value(-1.0)), objects(Value(2.0), Value(5.0))
    assert [type(x) for x in numpy.clip(a, 0, 1)] == [int, int] and [v.op for v in tg.clip(a, low=0, high=1)] == ["clip"] * 2
    assert [type(x) for x in numpy.where(a > 0, a, 0.0)] == [Value, float] == [type(x) for x in numpy.select([a > 0], [a], 0.0)]
    assert [v.data for v in tg.where(tg.greater(a, 0), a, 0)] == [2.0, 0.0] and {type(v) for v in tg.where(tg.greater(a, 0), a, 0)} == {Value}
    assert [type(x) for x in numpy.sign(a)] == [int, int] and [v.data for v in tg.sign(a)] == [1.0, -1.0]
    assert (a == b).tolist() == numpy.equal(a, b).tolist() == [False, False] and (a == a).all() and not numpy.array_equal(a, b)
    assert numpy.not_equal(a, b).tolist() == [True, True] and [v.data for v in tg.equal(a, b)] == [1.0, 0.0] and [v.data for v in tg.not_equal(a, b)] == [0.0, 1.0]
    twice = objects(Value(2.0), Value(2.0))
    assert len(numpy.unique(twice)) == len(numpy.union1d(twice[:1], twice[1:])) == 2 and len(numpy.unique([v.data for v in twice])) == 1
    assert (a > b).dtype == bool and [v.data for v in tg.greater(a, b)] == [0.0, 0.0] and numpy.argmax(b) == 1 and numpy.argsort(a).tolist() == [1, 0]
    assert numpy.searchsorted(b, 3.0) == 1 and numpy.median(objects(Value(3.0), Value(1.0), Value(2.0))).data == 2.0 and numpy.ptp(b).data == 3.0


@pytest.mark.parametrize("name", ["isnan", "isfinite", "signbit", "copysign", "spacing", "heaviside"])
def test_a_function_of_numpy_that_we_have_not_raises_on_arrays_and_on_values(name):
    for x in (objects(Value(2.0)), Value(2.0)):
        with pytest.raises(TypeError):
            getattr(numpy, name)(*[x] * getattr(numpy, name).nin)
