"""tg.compile: what a program is, what it takes and gives, and what it refuses.  Its bits: `test_compile_bits.py`."""

import copy
import dataclasses
import math
import pickle
import subprocess
import sys
import threading
from collections import namedtuple
from fractions import Fraction
from functools import partial

import pytest

import tinygrad_edu as tg
from tinygrad_edu import Value
from tinygrad_edu.fast import again, batches

numpy = pytest.importorskip("numpy")

W, B = Value(2.0, label="w"), Value(1.0, label="b")


@pytest.fixture(autouse=True)
def parameters_as_before():
    W.data, B.data, W.grad, B.grad = 2.0, 1.0, 0.0, 0.0


def line(x):
    return W * x + B


def squared_error(x, y):
    return (line(x) - y) ** 2


def numbers(seed, *shape):
    return numpy.random.default_rng(seed).normal(size=shape)


def gradients(values):
    found = [v.grad for v in values]
    for v in values:
        v.grad = 0.0
    return found


def eager(f, rows, values, reduce=tg.mean):
    """(loss, gradients) of rows, tuples of arguments of f, by the engine."""
    gradients(values)
    loss = reduce([f(*row) for row in rows])
    loss.backward()
    return loss.data, gradients(values)


def compiled(f, columns, values, example, **options):
    gradients(values)
    program = tg.compile(f, *example)
    return program.backward(*columns, **options), gradients(values)


def is_watched():
    """Would this thread, or another, be stopped at a Value's number?"""
    return isinstance(vars(tg.Value)["data"], property) and "trace.py" in vars(tg.Value)["data"].fget.__code__.co_filename


# ---- what it gives


def test_a_program_gives_an_array_with_a_number_for_each_row():
    program = tg.compile(squared_error, 0.0, 0.0)
    found = program([0.0, 1.0, 2.0], [1.0, 3.0, 6.0])
    assert type(found) is numpy.ndarray and found.tolist() == [0.0, 0.0, 1.0]
    assert repr(program) == "<Program squared_error: 2 inputs, 2 parameters, 4 operations>"
    assert program.inputs == ["x", "y"] and program.parameters == [W, B]


@pytest.mark.parametrize("reduce", ["mean", "sum"])
@pytest.mark.parametrize("activation", ["tanh", "relu", "linear"])
def test_backward_has_the_bits_of_the_engine_and_adds_to_the_gradients(reduce, activation):
    model, X, Y = tg.MLP(3, [5, 2], activation=activation, rng=1), numbers(2, 9, 3), numbers(3, 9, 2)

    def loss(x, y):
        return tg.mse(model(x), y)
    program = tg.compile(loss, [0.0] * 3, [0.0] * 2)
    wanted = eager(loss, zip(X.tolist(), Y.tolist()), model.parameters(), getattr(tg, reduce))
    found = program.backward(X, Y, reduce=reduce)
    assert (found, [v.grad for v in model.parameters()]) == wanted
    program.backward(X, Y, reduce=reduce)
    assert [v.grad for v in model.parameters()] == [2 * slope for slope in wanted[1]]


def test_input_gradients_have_the_bits_of_the_engine_and_are_built_like_the_inputs():
    model, X, c = tg.MLP(4, [5, 1], rng=1), numbers(2, 7, 2, 2), numbers(3, 7)

    def f(x, p):
        return model([*x[0], x[1][0], p["c"]]) * x[1][1]
    program = tg.compile(f, [[0.0, 0.0], [0.0, 0.0]], {"c": 0.0, "unused": 1.0})
    by_x, by_p = program.input_gradients(X, {"c": c, "unused": c})
    assert gradients(model.parameters()) == [0.0] * len(model.parameters())
    for k in range(7):
        leaves, p = [[Value(e) for e in row] for row in X[k].tolist()], {"c": Value(c[k]), "unused": Value(0.0)}
        f(leaves, p).backward()
        assert by_x[k].tolist() == [[leaf.grad for leaf in row] for row in leaves]
        assert by_p["c"][k] == p["c"].grad and by_p["unused"][k] == 0.0
    assert tg.compile(lambda x: x * x, 0.0).input_gradients([3.0, 4.0]).tolist() == [6.0, 8.0]


Pair = namedtuple("Pair", "first second")


@dataclasses.dataclass
class Both:
    loss: object
    parts: object


def test_outputs_stand_where_f_puts_them_rows_first():
    def given(f):
        return tg.compile(f, 0.0)([1.0, 2.0])
    assert given(lambda x: [x, 3 * x]).tolist() == [[1.0, 3.0], [2.0, 6.0]]
    assert given(lambda x: [[x, W], [B, x]]).shape == (2, 2, 2)
    first, second = given(lambda x: (x, [x, x]))
    assert first.tolist() == [1.0, 2.0] and second.shape == (2, 2)
    assert given(lambda x: {"a": x, "b": [x]})["b"].tolist() == [[1.0], [2.0]]
    assert given(lambda x: Pair(x, W)).second.tolist() == [2.0, 2.0]
    assert given(lambda x: Both(x, [x, W])).parts.tolist() == [[1.0, 2.0], [2.0, 2.0]]
    assert [part.tolist() for part in given(lambda x: [x, [x, x]])] == [[1.0, 2.0], [[1.0, 1.0], [2.0, 2.0]]]
    assert given(lambda x: numpy.array([x, W])).tolist() == [[1.0, 2.0], [2.0, 2.0]]


def test_an_output_may_be_an_input_a_parameter_a_number_or_stand_there_twice():
    program = tg.compile(lambda x: [x, W, Value(3.0), x + 1, x], 0.0)
    assert program([1.0, 2.0]).tolist() == [[1.0, 2.0, 3.0, 2.0, 1.0], [2.0, 2.0, 3.0, 3.0, 2.0]]
    assert tg.compile(lambda x: W, 0.0).backward([1.0, 2.0, 3.0], reduce="sum") == 6.0 and W.grad == 3.0
    assert tg.compile(lambda x: x, 0.0).input_gradients([5.0]).tolist() == [1.0]
    assert [slopes.tolist() for slopes in tg.compile(lambda x, y: x + y + x, 0.0, 0.0).input_gradients([5.0], [6.0])] == [[2.0], [1.0]]
    assert tg.compile(lambda x: W * W, 0.0).backward([1.0, 2.0]) == 4.0 and W.grad == 3.0 + 4.0


def test_a_program_sees_what_its_parameters_are_at_the_moment():
    program = tg.compile(line, 0.0)
    assert program([1.0])[0] == 3.0
    W.data = 5.0
    assert program([1.0])[0] == 6.0
    other = tg.compile(lambda x: W * x, 0.0)
    B.data = 0.5
    assert (program([1.0])[0], other([1.0])[0]) == (5.5, 5.0)


def test_frozen_parameters_get_no_gradient_and_may_be_woken_and_changed():
    model, X = tg.MLP(3, [4, 1], activation="tanh", rng=0), numbers(0, 5, 3)
    values, rows = model.parameters(), [(row,) for row in X.tolist()]
    model.layers[0].freeze()
    program = tg.compile(model, [0.0] * 3)
    assert set(program.parameters) == set(values)
    for change in (lambda: None, model.unfreeze, model.layers[1].freeze, lambda: setattr(values[0], "data", 3.0), model.layers[0].neurons[0].freeze):
        change()
        assert (program.backward(X), gradients(values)) == eager(model, rows, values)
        assert run_source(program, X.tolist()) == (program.backward(X), [v.grad for v in program.parameters])
        gradients(values)
    model.freeze()
    with pytest.raises(RuntimeError, match="nothing here needs a gradient"):
        program.backward(X)
    assert program(X).tolist() == [model(x).data for x in X.tolist()] and tg.compile(lambda x: x * half, 1.0)([4.0])[0] == 2.0


half = Value(0.5).detach()


# ---- batches

X = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
FORMS = {"lists": X, "tuples": tuple(map(tuple, X)), "array": numpy.array(X), "whole numbers": numpy.array(X, int),
         "float32": numpy.array(X, numpy.float32), "columns first": numpy.asfortranarray(X), "part": numpy.array([X[0], *X, X[0]])[1:4],
         "arrays in a list": [numpy.array(row) for row in X], "objects": numpy.array(X, object), "fractions": [list(map(Fraction, row)) for row in X],
         "read only": numpy.broadcast_to(numpy.array(X), (3, 2)), "masked": numpy.ma.array(X), "long double": numpy.array(X, numpy.longdouble)}


@pytest.mark.parametrize("batch", FORMS.values(), ids=FORMS)
def test_a_batch_may_come_as(batch):
    program = tg.compile(lambda x: x[0] * W - x[1], [0.0, 0.0])
    assert program(batch).tolist() == [0.0, 2.0, 4.0]
    assert program.backward(batch) == 2.0 and W.grad == 3.0
    assert program.input_gradients(batch).tolist() == [[2.0, -1.0]] * 3


def test_dicts_may_come_row_by_row_or_by_column_in_any_order():
    program = tg.compile(lambda d: d["x"][1] - d["y"] * d["x"][0], {"x": [0.0, 0.0], "y": 0.0})
    assert program.inputs == ["d['x'][0]", "d['x'][1]", "d['y']"]
    wanted = [5.0 - 2.0 * 3.0, 7.0 - 4.0 * 1.0]
    assert program([{"x": [3.0, 5.0], "y": 2.0}, {"y": 4.0, "x": (1.0, 7.0)}]).tolist() == wanted
    assert program({"y": [2.0, 4.0], "x": numpy.array([[3.0, 5.0], [1.0, 7.0]])}).tolist() == wanted


def refused_batches():
    one, two, named = tg.compile(line, 0.0), tg.compile(lambda x, y: x[0] * x[1] + y, [0.0, 0.0], 0.0), tg.compile(lambda d: d["a"], {"a": 0.0})
    yield "no rows", lambda: one([]), ValueError, "at least one row: x has none"
    yield "no rows in an array", lambda: two(numpy.empty((0, 2)), numpy.empty(0)), ValueError, "at least one row"
    yield "counts", lambda: two([[1.0, 2.0]], [1.0, 2.0]), ValueError, "x has 1 but y has 2 rows"
    yield "arguments", lambda: two([[1.0, 2.0]]), TypeError, "takes 2 arguments, x, y: got 1"
    yield "none", lambda: one(), TypeError, "got 0"
    yield "too many in a row", lambda: two([[1.0, 2.0, 3.0]], [1.0]), ValueError, r"x\[0\] must be built like \[0.0, 0.0\]: got \[1.0, 2.0, 3.0\]"
    yield "too few in a row", lambda: two([[1.0, 2.0], [3.0]], [1.0, 2.0]), ValueError, r"x\[1\] must be built like"
    yield "a flat list", lambda: two([1.0, 2.0], [1.0, 2.0]), ValueError, r"x\[0\] must be built like"
    yield "a column", lambda: one(numpy.ones((3, 1))), TypeError, r"x\[0\]: a number is needed"
    yield "a wide array", lambda: two(numpy.ones((3, 3)), [1.0] * 3), ValueError, r"x\[0\] must be built like"
    yield "an array turned flat", lambda: two(numpy.ones((3, 2, 1)), [1.0] * 3), TypeError, r"x\[0\]\[0\]: a number is needed"
    yield "a number", lambda: one(3.0), TypeError, "x must be an array or a list of rows, not float: got 3.0"
    yield "text", lambda: one("123"), TypeError, "x must be an array or a list of rows, not str"
    yield "a generator", lambda: one(x for x in [1.0]), TypeError, "list of rows, not generator"
    yield "texts", lambda: one(["1.5"]), TypeError, r"x\[0\]: a number is needed, not str: got '1.5'"
    yield "texts in an array", lambda: one(numpy.array(["1.5"])), TypeError, "not str"
    yield "bools", lambda: one([True]), TypeError, "bool is not a number here"
    yield "an array of bools", lambda: one(numpy.array([True])), TypeError, "bool is not a number here"
    yield "complex numbers", lambda: one(numpy.array([1j])), TypeError, "only real numbers"
    yield "None", lambda: one([None]), TypeError, "not NoneType"
    yield "Values", lambda: one([Value(1.0)]), TypeError, "v.data is the number"
    yield "masked", lambda: one(numpy.ma.array([1.0, 2.0], mask=[0, 1])), TypeError, "masked: fill them"
    yield "dates", lambda: one(numpy.array(["2020-01-01"], "M8[D]")), TypeError, "dates"
    yield "records", lambda: one(numpy.zeros(2, [("a", float)])), TypeError, "records"
    yield "a number no float holds", lambda: one(numpy.array([2 ** 53 + 1])), ValueError, "not exactly representable"
    yield "a key missing", lambda: named([{"b": 1.0}]), ValueError, r"d\[0\] must have the keys 'a'"
    yield "a column missing", lambda: named({"b": [1.0]}), ValueError, "d must have the keys 'a'"
    yield "an array for a dict", lambda: named(numpy.ones(3)), ValueError, r"d\[0\] must have the keys"


CASES = list(refused_batches())


@pytest.mark.parametrize(("run", "kind", "words"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_batch_is_refused_for(run, kind, words):
    with pytest.raises(kind, match=words):
        run()


def test_backward_refuses_several_outputs_another_reduction_and_a_function_without_parameters():
    two = tg.compile(lambda x: [x * W, x], 0.0)
    for method in two.backward, two.input_gradients:
        with pytest.raises(TypeError, match=r"returns 2 Values, and .* is that of one: compile a function that returns one"):
            method([1.0])
    with pytest.raises(ValueError, match="reduce='max': write \"mean\" or \"sum\""):
        tg.compile(line, 0.0).backward([1.0], reduce="max")
    with pytest.raises(RuntimeError, match=r"nothing here needs a gradient.*input_gradients gives"):
        tg.compile(lambda x: x * x, 0.0).backward([1.0])
    assert gradients([W, B]) == [0.0, 0.0]


# ---- tracing

TOUCHED = {
    "data": lambda x: x.data * W, "item": lambda x: x.item() * W, "detach": lambda x: x.detach() * W, "grad": lambda x: W * x.grad,
    "if": lambda x: x if x > 0 else -x, "while": lambda x: next(x for _ in range(2) if x <= 1), "of a parameter": lambda x: x if W > 0 else -x,
    "truth": lambda x: x if x else W, "number": lambda x: x if x == 3.0 else W, "float": lambda x: W * float(x), "int": lambda x: W * int(x),
    "math": lambda x: W * math.exp(x), "round": lambda x: W * round(x), "floor": lambda x: W * math.floor(x), "index": lambda x: [x, W][x],
    "text": lambda x: W if f"{x:.2f}" else x, "max": lambda x: max(x, W), "sorted": lambda x: sorted([x, W])[0], "backward": lambda x: (x * W).backward() or x,
    "copy": lambda x: x * copy.copy(W), "deep copy": lambda x: x * copy.deepcopy(W), "pickle": lambda x: x * pickle.loads(pickle.dumps(W)),
    "set": lambda x: setattr(x, "data", 1.0) or x, "freeze": lambda x: setattr(W, "is_constant", True) or x * W, "numpy compares": lambda x: numpy.max(numpy.array([x, W])),
    "numpy makes floats": lambda x: W * numpy.array([x], dtype=float)[0], "numpy asks": lambda x: x if numpy.less(x, 2.0) else W,
    "no_grad": tg.no_grad()(lambda x: x * W), "errstate": tg.errstate(all="ignore")(lambda x: x * W), "predict": lambda x: tg.MLP(1, [1]).predict([x]) * x,
    "derivative": lambda x: tg.grad(lambda v: v * v)(x) * W, "steps": lambda x: tg.steps(x * W) and x}


@pytest.mark.parametrize("f", TOUCHED.values(), ids=TOUCHED)
def test_a_function_that_depends_on_the_numbers_of_the_example_is_refused_at_its_line(f):
    with pytest.raises(tg.TraceError, match=r"at tests/test_compile\.py:\d+: a program (is for all numbers|has one for all of it)") as caught:
        tg.compile(f, 1.0)
    place = int(str(caught.value).split("test_compile.py:")[1].split(":")[0])
    if not hasattr(f, "__wrapped__"):                   # what a decorator does is done where compile is called
        assert place == f.__code__.co_firstlineno
    assert "; " in str(caught.value) and not is_watched() and (W.data, W.grad, W > 1) == (2.0, 0.0, True)


@pytest.mark.parametrize(("f", "remedy"), [
    (lambda row: [W, B][row[0]], "give a row of zeros with a one"), (lambda row: [W, B][int(row[0])], "give a row of zeros with a one"),
    (lambda row: max(row) * W, r"tg\.max\(row\)"), (lambda row: min(row) * W, r"tg\.min\(row\)"), (lambda row: max(v.data for v in row) * W, r"tg\.max\(row\), tg\.softmax\(row\)")])
def test_the_remedy_is_what_to_write_instead(f, remedy):
    with pytest.raises(tg.TraceError, match=remedy):
        tg.compile(f, [0.0, 0.0])


@pytest.mark.parametrize(("f", "name"), [(lambda x: tg.grad(lambda v: v * v)(x), "grad"), (lambda x: tg.steps(x * W) and x, "steps"),
                                         (lambda x: tg.MLP(1, [1]).predict([x]) * x, "Module.predict")])
def test_a_part_of_the_package_that_looks_at_numbers_is_named(f, name):
    with pytest.raises(tg.TraceError, match=rf"^{name}\(\) looked at the numbers of Values at .*; call it outside the function$"):
        tg.compile(f, 1.0)


def test_what_depends_on_no_number_is_allowed():
    def f(x, n=3):
        seen = {x: 1, W: 2}
        assert x in seen and x != W and x == x and len(repr(x)) > 3 and hash(x) == hash(x) and x.label == "" and not x.parents
        return sum((x ** k for k in range(1, n)), W) + numpy.tanh(x) + numpy.dot([x, W], [W, x]) + tg.maximum(x, 0.5)
    assert tg.compile(f, 1.0)([0.3])[0] == f(Value(0.3)).data


MODEL = tg.MLP(3, [4, 2], activation="gelu", rng=0)
PIECES = tg.Maxout(3, 2, rng=0)
ALLOWED = {
    "softmax": tg.softmax, "log_softmax": tg.log_softmax, "softmin": tg.softmin, "cumsum": tg.cumsum, "var": tg.var, "std": tg.std, "mish": lambda x: tg.mish(x[0]),
    "selu": lambda x: tg.selu(x[1]), "scaled_relu": lambda x: tg.scaled_relu(x[0], 2.0), "Maxout": PIECES, "MLP": MODEL, "penalty": lambda x: tg.L2(0.1)(MODEL.parameters()) + x[0],
    "power": lambda x: tg.exp(x[0]) ** x[1], "mod": lambda x: x[0] % x[1] + x[0] // x[1], "numpy": lambda x: (numpy.tanh(numpy.array(x)) @ numpy.array([B, W, B])),
    "where": lambda x: tg.where(tg.greater(x[0], 0), x[1], x[2]), "text": lambda x: tg.expression("a sin(b) + c", a=x[0], b=x[1], c=x[2]), "base": lambda x: tg.log(tg.exp(x[0]), 3.0)}


@pytest.mark.filterwarnings("ignore::tinygrad_edu.ExpressionWarning")
@pytest.mark.parametrize("f", ALLOWED.values(), ids=ALLOWED)
def test_what_the_package_makes_of_values_compiles_with_the_same_bits(f):
    X = numbers(0, 6, 3)
    found = tg.compile(f, [0.1, 0.2, 0.3])(X)
    for row, ours in zip(X.tolist(), found.tolist()):
        theirs = f(list(map(Value, row)))
        assert ours == ([v.data for v in theirs] if isinstance(theirs, list) else theirs.data)


def test_functions_that_change_are_refused():
    count = iter(range(100))

    def grows(x):
        return tg.sum([x * W] * (1 + next(count)))
    for f, words in ((grows, "did other things"), (lambda x: x * next(count), r"plain number \d\.0 in one run"),
                     (lambda x: x * Value(next(count)), r"plain number \d\.0 in one run"), (lambda x: [x] * (2 + next(count)), "what f returns the second time"),
                     (lambda x: x ** (2.5 + next(count)), "did other things"), (lambda x: x * x._data, "plain number")):
        with pytest.raises(tg.TraceError, match=words):
            tg.compile(f, 1.0)


def test_the_order_of_keys_must_not_matter():
    with pytest.raises(tg.TraceError, match=r"did other things when it was run again, .* dicts in another order"):
        tg.compile(lambda d: tg.sum(list(d.values())), {"a": 1.0, "b": 2.0})
    assert tg.compile(lambda d: {key: x * 2 for key, x in d.items()}, {"a": 1.0, "b": 2.0})([{"b": 5.0, "a": 3.0}])["b"].tolist() == [10.0]


def test_values_that_f_makes_are_plain_numbers():
    def f(x):
        total = Value(0.5)
        for k in range(3):
            total = total + x * W * Value(float(k))
        return total
    program = tg.compile(f, 1.0)
    assert program.parameters == [W] and program([2.0])[0] == 12.5


def test_nodes_that_are_no_part_of_f_are_refused():
    before = W * 2
    with pytest.raises(tg.TraceError, match=r"uses a node that was computed before, .*: compute it in f"):
        tg.compile(lambda x: x * before, 1.0)
    with pytest.raises(tg.TraceError, match="node made by hand"):
        tg.compile(lambda x: Value(x._data, (x,), (1.0,), "mine") * W, 1.0)
    assert tg.compile(lambda x: x * before_number, 1.0)([2.0])[0] == 8.0


before_number = (W * 2).detach()


@pytest.mark.parametrize("answer", [None, 3.0, "text", [], {}, [1.0], [None]], ids=repr)
def test_what_is_no_value_is_refused_as_an_answer(answer):
    with pytest.raises(TypeError, match="f must return Values"):
        tg.compile(lambda x: answer, 1.0)


def test_generators_and_functions_without_numbers_are_refused():
    def generator(x):
        yield x
    with pytest.raises(TypeError, match="f must return Values, or lists and dicts of them: got <generator"):
        tg.compile(generator, 1.0)
    for example in (), ([],), ({},):
        with pytest.raises(TypeError, match="f takes no numbers: a program needs an input"):
            tg.compile(lambda *x: W, *example)
    with pytest.raises(TypeError, match="f is a function"):
        tg.compile(3, 1.0)
    with pytest.raises(TypeError, match="a number is needed, not str"):
        tg.compile(line, "1")
    with pytest.raises(ValueError, match="threads must be at least 1, got 0"):
        tg.compile(line, 1.0, threads=0)
    with pytest.raises(TypeError, match="fast must be True or False, got 'no'"):
        tg.compile(line, 1.0, fast="no")


def test_an_error_of_f_comes_through_and_leaves_nothing_behind():
    class Mine(Exception):
        pass

    def f(x):
        raise Mine("of f")
    with pytest.raises(Mine, match=r"^of f$"):
        tg.compile(f, 1.0)
    assert not is_watched() and (W > 1) and W.data == 2.0


def test_ctrl_c_in_f_leaves_numbers_readable():
    def f(x):
        raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        tg.compile(f, 1.0)
    assert not is_watched() and (W > 1) and W.data == 2.0


def test_another_thread_may_read_numbers_while_a_function_is_traced():
    found, traced = [], threading.Event()
    thread = threading.Thread(target=lambda: (traced.wait(10), found.append((W.data, W > 1, f"{W:.1f}"))))
    thread.start()

    def f(x):
        traced.set()
        thread.join(10)
        return x * W
    assert tg.compile(f, 1.0)([1.0])[0] == 2.0 and found == [(2.0, True, "2.0")]


def test_two_threads_may_trace_at_once():
    both, programs = threading.Barrier(2, timeout=10), []

    def f(x):
        both.wait()
        return x * W
    threads = [threading.Thread(target=lambda: programs.append(tg.compile(f, 1.0))) for _ in range(2)]
    [thread.start() for thread in threads], [thread.join() for thread in threads]
    assert [program([3.0])[0] for program in programs] == [6.0, 6.0] and not is_watched()


def test_a_function_may_compile_another_but_not_run_it_on_its_own_values():
    def f(x):
        inner = tg.compile(lambda y: y * W, 1.0)
        return x * W if inner.inputs == ["y"] else x
    assert tg.compile(f, 1.0)([3.0])[0] == 6.0
    inner = tg.compile(line, 1.0)
    for given in Value(1.0), 1.0:
        with pytest.raises(tg.TraceError, match="line was called within a function that is traced: call there what it was"):
            tg.compile(lambda x, given=given: x * inner([given])[0], 1.0)
    assert not is_watched()


def test_modes_around_compile_change_nothing_in_it():
    with tg.no_grad(), tg.errstate(all="ignore"):
        program = tg.compile(squared_error, 0.0, 0.0)
        assert program.backward([2.0], [1.0]) == 16.0
    assert (W.grad, B.grad) == (16.0, 8.0)
    with tg.trace_origin():
        assert tg.compile(line, 0.0)([1.0])[0] == 3.0


def test_names_of_inputs_are_those_of_the_arguments():
    assert tg.compile(lambda *xs: xs[0] * xs[1], 1.0, 2.0).inputs == ["xs[0]", "xs[1]"]
    assert tg.compile(tg.tanh, 1.0)([0.5])[0] == tg.tanh(0.5) and len(tg.compile(tg.MLP(2, [1]), [0.0, 0.0]).inputs) == 2


# ---- losses


def losses_of_pairs():
    shares, truths = [[1.0, 0.0, 0.0], [0.2, 0.3, 0.5], [0.0, 0.5, 0.5]], [[0.7, 0.2, 0.1], [0.2, 0.2, 0.6], [0.0, 0.9, 0.1]]
    logits, classes = numbers(0, 3, 3).tolist(), [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.25, 0.5, 0.25]]
    yield "bce", tg.bce, [0.0, 1.0, 0.5, 0.25, 0.9, 0.0, 1.0], [0.0, 1.0, 0.3, 1.0, 0.0, 0.0, 1.0]
    yield "bce_with_logits", tg.bce_with_logits, [-3.0, 40.0, 0.5, 800.0, -800.0], [0.0, 1.0, 0.3, 1.0, 0.0]
    yield "hinge", tg.hinge, [-3.0, 40.0, 0.5, 1.0], [-1.0, 1.0, -1.0, 1.0]
    yield "kl_divergence", tg.kl_divergence, shares, truths
    yield "brier", tg.brier, shares, truths
    yield "cross_entropy", tg.cross_entropy, logits, classes
    yield "nll", lambda z, t: tg.nll(tg.log_softmax(z), t), logits, classes
    yield "nll of certainty", lambda p, t: tg.nll([tg.log(a) for a in p], t), [[1.0, 0.1, 0.1], [0.2, 0.3, 0.5]], [[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]]
    yield "cross_entropy, weighted and smoothed", partial(tg.cross_entropy, weight=[0.5, 3.0, 1.0], label_smoothing=0.1), logits, classes
    yield "nll, weighted", lambda z, t: tg.nll(tg.log_softmax(z), t, weight=[0.5, 3.0, 1.0]), logits, classes
    yield "bce_with_logits, weighted", partial(tg.bce_with_logits, weight=0.5, pos_weight=3.0), [-3.0, 40.0, 0.5, 800.0, -800.0], [0.0, 1.0, 0.3, 1.0, 0.0]
    yield "bce, weighted", partial(tg.bce, weight=0.5), [0.0, 1.0, 0.5, 0.25, 0.9, 0.0, 1.0], [0.0, 1.0, 0.3, 1.0, 0.0, 0.0, 1.0]
    yield "margin_ranking", lambda p, t: tg.margin_ranking(p[0], p[1], t, margin=0.5), [[0.5, 1.0], [-2.0, 3.0], [1.0, 1.0]], [-1.0, 1.0, 1.0]
    for name in "mse", "mae", "huber", "smooth_l1", "sum_squared_error", "half_squared_error":
        yield name, getattr(tg, name), logits, classes


LOSSES = list(losses_of_pairs())


@pytest.mark.parametrize(("loss", "predictions", "targets"), [case[1:] for case in LOSSES], ids=[case[0] for case in LOSSES])
def test_losses_compile_with_targets_as_inputs_and_have_the_bits_of_the_engine(loss, predictions, targets):
    scales = [Value(1.0), Value(1.0), Value(1.0)]

    def f(p, t):
        return loss([e * s for e, s in zip(p, scales)] if isinstance(p, list) else p * scales[0], t)
    program = tg.compile(f, predictions[1], targets[1])
    wanted = [f(p, t).data.hex() for p, t in zip(predictions, targets)]
    assert [x.hex() for x in program(predictions, targets).tolist()] == wanted
    assert compiled(f, (predictions, targets), scales, (predictions[1], targets[1])) == eager(f, zip(predictions, targets), scales)


WRONG = {                   # what a loss refuses: predictions that are wrong, or targets
    "bce": (tg.bce, 0.5, 1.0, [-0.3, 1.5, math.nan, -5e-324, math.inf], [2.0, -1.0, math.nan, 1.0000000000000002]),
    "bce_with_logits": (tg.bce_with_logits, 0.5, 1.0, [], [1.1, -5e-324, math.nan]), "hinge": (tg.hinge, 0.5, 1.0, [], [0.0, 0.5, math.nan, -2.0]),
    "cross_entropy": (tg.cross_entropy, [1.0, 2.0], [0.0, 1.0], [], [[1.0, 1.0], [1.5, -0.5], [1.0000001, 0.0], [0.5, 0.4], [math.nan, 1.0]]),
    "nll": (tg.nll, [-0.5, -1.0], [0.0, 1.0], [], [[0.0, 0.0], [-0.0001, 1.0001]]),
    "brier": (tg.brier, [0.5, 0.5], [0.0, 1.0], [[0.5, 0.6], [2.0, -1.0]], [[1.0, 1.0]]),
    "kl_divergence": (tg.kl_divergence, [0.5, 0.5], [0.25, 0.75], [[0.5, 0.6], [2.0, -1.0]], [[1.0, 1.0], [math.nan, 1.0]])}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("mode", ["raise", "ignore"])
def test_what_a_loss_refuses_of_numbers_is_refused_in_each_row_of_a_program_and_changes_nothing(case, mode):
    loss, prediction, target, wrong_predictions, wrong_targets = case
    scale = Value(1.0)

    def f(p, t):
        return loss([e * scale for e in p] if isinstance(p, list) else p * scale, t)
    program = pickle.loads(pickle.dumps(tg.compile(f, prediction, target)))
    for p, t in [*[(p, target) for p in wrong_predictions], *[(prediction, t) for t in wrong_targets]]:
        with pytest.raises(ValueError) as of_engine:
            loss(p, t)
        columns = [prediction] * 37, [target] * 37
        columns[0][29], columns[1][29] = p, t
        with tg.errstate(all=mode):
            for run in program, program.backward, program.input_gradients:
                with pytest.raises(ValueError) as of_program:
                    run(*columns)
                assert type(of_program.value) is type(of_engine.value) and str(of_program.value) == f"row 29: {of_engine.value}"
    assert gradients(program.parameters) == [0.0] and program.backward([prediction] * 2, [target] * 2) == loss(prediction, target)


def test_targets_that_are_numbers_or_parameters_are_looked_at_too():
    with pytest.raises(ValueError, match="sum to 2"):
        tg.compile(lambda z: tg.cross_entropy(z, [1.0, 1.0]), [0.0, 0.0])
    share = Value(0.25)
    program = tg.compile(lambda p: tg.bce(p, share), 0.5)
    assert program([0.5])[0] == tg.bce(0.5, 0.25)
    share.data = 3.0
    with pytest.raises(ValueError, match=r"^row 0: bce takes probabilities and targets from \[0, 1\], got 0.5 and 3"):
        program([0.5])


def test_what_is_asked_of_numbers_is_no_part_of_source_and_report():
    program = tg.compile(lambda z, t: tg.cross_entropy(z, t), [0.0] * 3, [0.0] * 3)
    assert program.report().operations == 1 and "1 operations" in repr(program) and "v2" not in program.source


@pytest.mark.parametrize("loss", [lambda z, t: tg.nll(tg.log_softmax(z), t), lambda z, t: tg.bce([tg.sigmoid(e) for e in z], t),
                                  tg.bce_with_logits, tg.cross_entropy, lambda z, t: tg.kl_divergence(t, tg.softmax(z))])
def test_a_target_of_0_has_the_slope_that_the_engine_gives_it_as_an_input_and_as_a_parameter(loss):
    logits, target = [0.5, -1.0, 2.0], [0.0, 1.0, -0.0]
    leaves = [Value(t) for t in target]
    loss([Value(z) for z in logits], leaves).backward()
    wanted = [t.grad.hex() for t in leaves]
    found = tg.compile(loss, logits, target).input_gradients([logits], [target])[1]
    assert [x.hex() for x in found[0].tolist()] == wanted
    shared = [Value(t) for t in target]
    tg.compile(lambda z: loss(z, shared), logits).backward([logits])
    assert [t.grad.hex() for t in shared] == wanted


def test_a_frozen_target_may_not_be_woken_since_its_slope_was_left_out():
    target, shift = [Value(0.0), Value(1.0, label="certain")], Value(0.5)
    for v in [*target, shift]:
        v.is_constant = True
    program = tg.compile(lambda z: tg.nll(tg.log_softmax([e * W + shift for e in z]), target), [1.0, 2.0])
    shift.is_constant = False
    assert program.backward([[1.0, 2.0]]) == tg.nll(tg.log_softmax([2.5, 4.5]), [0.0, 1.0])
    target[1].is_constant = False
    for one in program, pickle.loads(pickle.dumps(program)):
        with pytest.raises(tg.TraceError, match="certain was frozen when f was compiled"):
            one.backward([[1.0, 2.0]])


def test_where_a_probability_of_0_meets_a_target_of_0_only_the_slope_by_the_target_is_refused():
    program = tg.compile(lambda p, t: tg.bce(p * W, t), 0.5, 0.0)
    assert program([0.0], [0.0]).tolist() == [tg.bce(0.0, 0)]
    assert program.backward([0.0], [0.0]) == 0.0
    with pytest.raises(tg.DomainError, match="row 0"):
        program.input_gradients([0.0], [0.0])


def test_a_class_that_would_change_from_row_to_row_is_refused():
    with pytest.raises(tg.TraceError, match=r"a class is an index.*as a row of 3 probabilities"):
        tg.compile(tg.cross_entropy, [0.0] * 3, 1)
    assert tg.compile(lambda z: tg.cross_entropy(z, 1), [0.0] * 3)([[1.0, 2.0, 3.0]])[0] == tg.cross_entropy([1.0, 2.0, 3.0], 1)


# ---- operations of one's own


def test_an_operation_of_ones_own_is_run_by_numpy_with_the_same_bits():
    @tg.op("cubed_in_a_test", tg.REAL)
    def cubed_in_a_test(x):
        return x * x * x + tg.tanh.of(x), (3 * x * x,)

    def f(x):
        return cubed_in_a_test(x * W) * tg.sin(B)
    X = numbers(0, 20).tolist()
    assert compiled(f, (X,), [W, B], (0.0,)) == eager(f, [(x,) for x in X], [W, B])
    assert tg.compile(f, 0.0).report().run_by == "NumPy" and run_source(tg.compile(f, 0.0), X) == eager(f, [(x,) for x in X], [W, B])


# ---- dropout


def network(inverted=True):
    return tg.Sequential(tg.Layer(3, 8, "tanh", rng=0), tg.Dropout(0.3, seed=5), tg.Layer(8, 6, "relu", rng=1),
                         tg.Dropout(0.5, seed=-5, inverted=inverted), tg.Layer(6, 1, rng=2))


def calls(model):
    return [module.calls for module in model.modules() if isinstance(module, tg.Dropout)]


def answer_of(model):
    return lambda x: model(x)[0]


def loss_of(model, times=1):
    return lambda x, y: (tg.sum([model(x)[0] for _ in range(times)]) - y) ** 2


@pytest.mark.parametrize("inverted", [True, False])
@pytest.mark.parametrize("times", [1, 3])
def test_dropout_drops_for_each_call_and_row_what_the_engine_drops(inverted, times):
    ours, theirs, X, Y = network(inverted), network(inverted), numbers(0, 37, 3), numbers(1, 37)
    program = tg.compile(loss_of(ours, times), [0.0] * 3, 0.0)
    assert calls(ours) == [0, 0]
    for k in range(1, 4):
        wanted = eager(loss_of(theirs, times), zip(X.tolist(), Y.tolist()), theirs.parameters())
        assert (program.backward(X, Y), gradients(ours.parameters())) == wanted
        assert calls(ours) == calls(theirs) == [37 * times * k] * 2
    assert program(X, Y).tolist() == [loss_of(theirs, times)(x, y).data for x, y in zip(X.tolist(), Y.tolist())]


def test_what_goes_wrong_counts_as_no_call_of_dropout():
    model = network()
    program = tg.compile(lambda x: tg.log(x[0]) * model(x)[0], [1.0, 1.0, 1.0])
    program.backward([[1.0, 2.0, 3.0]] * 4)
    assert calls(model) == [4, 4]
    for batch, kind in ([[[1.0] * 3, [-1.0] * 3], tg.DomainError], [[[1.0] * 2], ValueError], [[], ValueError]):
        with pytest.raises(kind):
            program.backward(batch)
    assert calls(model) == [4, 4]
    with pytest.raises(ZeroDivisionError):
        tg.compile(lambda x: model(x)[0] * (1 / 0), [1.0] * 3)
    assert calls(model) == [4, 4]


def test_dropout_in_evaluation_is_compiled_as_it_is():
    model = network(inverted=False).eval()
    assert tg.compile(model, [0.0] * 3)([[1.0, 2.0, 3.0]]).item() == model([1.0, 2.0, 3.0])[0].data and calls(model) == [0, 0]


def test_gradients_by_inputs_pass_dropout_as_in_the_engine():
    ours, theirs, X = network(), network(), numbers(0, 5, 3)
    found = tg.compile(answer_of(ours), [0.0] * 3).input_gradients(X)
    for row, slopes in zip(X.tolist(), found.tolist()):
        leaves = list(map(Value, row))
        answer_of(theirs)(leaves).backward()
        assert slopes == [leaf.grad for leaf in leaves]


# ---- errors


def test_an_error_names_the_row_and_changes_nothing():
    program = tg.compile(lambda x: tg.log(x) * W, 1.0)
    for run in program, program.backward, program.input_gradients:
        with pytest.raises(tg.DomainError, match=r"^row 2: log\(-1\) is not a number: log needs x > 0"):
            run([1.0, 2.0, -1.0, -2.0])
    with pytest.raises(OverflowError, match="row 1: exp"):
        tg.compile(lambda x: 1 / tg.exp(x) * W, 1.0).backward([1.0, 1000.0])
    with pytest.raises(ZeroDivisionError, match="row 0"):
        tg.compile(lambda x: W / x, 1.0).backward([0.0, 1.0])
    with pytest.raises(tg.RangeError):
        tg.compile(lambda x: x * W, 1.0).backward([1e308, 1e308])
    assert gradients([W, B]) == [0.0, 0.0]


def test_a_gradient_that_is_not_finite_names_the_row_and_changes_nothing():
    program = tg.compile(lambda x: tg.sqrt(x * W) + B, 1.0)
    with pytest.raises(tg.GradientError, match=r"^row 1: the gradient to 'w' is nan: the local gradient of sqrt"):
        program.backward([1.0, 0.0, 4.0])
    with pytest.raises(tg.GradientError, match=r"^row 1: the gradient is inf"):
        program.input_gradients([1.0, 0.0, 4.0])
    zero = Value(0.0)                                   # each row's gradient is finite, and their sum is not
    with pytest.raises(tg.GradientError, match="add up beyond the largest float"):
        tg.compile(lambda x: x * zero, 1.0).backward([1.5e308, 1.5e308], reduce="sum")
    assert zero.grad == 0.0
    assert gradients([W, B]) == [0.0, 0.0]


def test_ieee_numbers_come_out_where_errors_are_ignored():
    with tg.errstate(all="ignore"):
        program = tg.compile(lambda x: tg.log(x) * W, 1.0)
        assert [x.hex() for x in program([1.0, 0.0, -1.0]).tolist()] == [tg.log(x * 1.0).hex() if x != 0 else "-inf" for x in (1.0, 0.0, -1.0)]
        assert program.backward([1.0, 0.0]) == -math.inf and W.grad == -math.inf
        assert program.input_gradients([0.0]).tolist() == [math.inf]
    with pytest.raises(tg.DomainError, match="row 1"):
        program([1.0, 0.0])


def test_rows_are_run_again_one_at_a_time_with_the_bits_of_the_engine():
    def f(x, y):
        v = tg.relu(W * x - B) * tg.sin(W) + tg.dot([W, B, x], [y, W, B])
        return tg.where(tg.greater(x, 0), v * W, B)
    X, Y = numbers(5, 41).tolist(), numbers(6, 41).tolist()
    for example in f, lambda x, y: W, lambda x, y: x * B:
        program = tg.compile(example, 0.0, 0.0)
        rows = program.rows_of((X, Y))
        assert again.outputs_of(program.tape, rows) == [[example(Value(x), y).data] for x, y in zip(X, Y)]
        for reduce in "mean", "sum":
            wanted = eager(example, zip(X, Y), program.parameters, getattr(tg, reduce))
            assert again.backward(program.tape, rows, reduce) == wanted


@pytest.mark.parametrize("mode", ["raise", "ignore"])
def test_every_operation_says_of_special_numbers_what_the_engine_says(mode):
    special = [0.0, -0.0, 1.0, -2.5, 0.3, 1e308, 5e-324, math.inf, -math.inf, math.nan, 700.0, 1e16]
    values, draw = [Value(1.0), Value(2.0), Value(-0.5)], numpy.random.default_rng(3)

    def said(run):
        try:
            return [x.hex() for x in run()]
        except (tg.DomainError, tg.GradientError) as error:
            return type(error)
    for op in [op for op in tg.OPS.values() if op.is_built_in]:
        settings = {name: op.sample[name] for name in op.constants}

        def f(x, op=op, settings=settings):
            makes = [lambda: x[0] * values[0], lambda: x[1], lambda: x[2] * values[1]]
            parts = [make() for make in makes[:3 if op.rows else len(op.inputs)]]       # no more than the op takes
            return op(*([parts, parts[::-1]][:len(op.inputs)] if op.rows else parts), **settings) * values[2]
        program = tg.compile(f, [0.5] * 3)
        for _ in range(12):
            rows = [row.tolist() for row in draw.choice(special, size=(3, 3))]

            def by_program(program=program, rows=rows):
                return [program.backward(rows, reduce="sum"), *gradients(values)]

            def by_engine(f=f, rows=rows):
                loss, slopes = eager(f, [(row,) for row in rows], values, tg.sum)
                return [loss, *slopes]
            with tg.errstate(all=mode):
                assert said(lambda: program(rows).tolist()) == said(lambda: [f(row).data for row in rows]), (op, rows)  # noqa: B023
                assert said(by_program) == said(by_engine), (op, rows)


def test_a_long_batch_that_is_run_again_keeps_one_graph_at_a_time():
    alive = []

    @tg.op("counted_in_a_test", tg.REAL)
    def counted_in_a_test(x):
        alive.append(tg.live_values())
        return x, (1.0,)
    program = tg.compile(lambda x: tg.log(counted_in_a_test(x) * W), 1.0)
    alive.clear()
    with pytest.raises(tg.DomainError, match="row 99"):
        program.backward([1.0] * 99 + [-1.0])
    assert len(alive) >= 100 and max(alive) - min(alive) < 10


def test_infinite_inputs_pass_where_they_do_in_the_engine():
    def f(x):
        return tg.exp(x) * W
    assert tg.compile(f, 1.0)([-math.inf, 0.0]).tolist() == [0.0, 2.0]
    assert tg.compile(f, 1.0).backward([-math.inf, 0.0]) == 1.0 and gradients([W]) == [0.5]
    assert math.isnan(tg.compile(line, 1.0)([math.nan])[0])


@pytest.mark.parametrize("op", [tg.floor_divide, tg.remainder], ids=repr)
def test_a_remainder_of_infinity_is_refused_also_where_its_nan_is_not_chosen(op):
    program = tg.compile(lambda x: tg.where(op(x, 0.5), 1.5, x * 0 + 2), 1.0)
    with pytest.raises(tg.DomainError, match="row 1: inf"):
        program([1.0, math.inf])


def test_what_overflows_only_on_the_way_is_no_error():
    def f(x):
        return tg.sum([x, x, -x]) + W
    assert tg.compile(f, 1.0)([1e308]).tolist() == [1e308]
    assert compiled(f, ([1e308, 1.0],), [W], (1.0,)) == eager(f, [(1e308,), (1.0,)], [W])


# ---- copies and pickles


def test_programs_pickle_and_copy_with_what_they_share():
    model = network()
    loss, scores = tg.compile(loss_of(model), [0.0] * 3, 0.0), tg.compile(lambda x: (model.eval()(x), model.train())[0][0], [0.0] * 3)
    X, Y = numbers(0, 6, 3), numbers(1, 6)
    for copied in (lambda all_of_it: pickle.loads(pickle.dumps(all_of_it)), copy.deepcopy):
        again_loss, again_scores, again_model = copied((loss, scores, model))
        assert not set(again_loss.parameters) & set(loss.parameters) and set(again_loss.parameters) == set(again_model.parameters())
        before = calls(model)
        assert again_loss.backward(X, Y) == loss.backward(X, Y) and calls(again_model) == calls(model) != before
        assert [v.grad for v in again_model.parameters()] == gradients(model.parameters())
        again_model.parameters()[0].data += 1.0
        assert again_scores(X).tolist() == [again_model.eval()(x)[0].data for x in X.tolist()] != scores(X).tolist()
        again_model.train()
    same = copy.copy(loss)
    assert same.parameters == loss.parameters and repr(same) == repr(loss) and same.source == loss.source


def test_a_pickle_of_a_program_loads_in_another_process():
    data = pickle.dumps(tg.compile(line, 0.0)).hex()
    code = f"import pickle\nprogram = pickle.loads(bytes.fromhex('{data}'))\nprint(program([1.0, 2.0]).tolist(), program.parameters)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.startswith("[3.0, 5.0] [Value(data=2.0"), done.stderr


# ---- source


def run_source(program, *columns):
    """(mean, gradients) by the text of a program, where only math can be imported."""
    def only_math(name, *_):
        if name != "math":
            raise ImportError(name)
        return math
    builtins = {"__import__": only_math, "len": len, "range": range, "reversed": reversed, "zip": zip, "int": int, "float": float, "round": round}
    names = {"__builtins__": builtins}
    exec(program.source, names)
    return names["backward"](list(zip(*columns)), [v.data for v in program.parameters])


@pytest.mark.parametrize("op", [op for op in tg.OPS.values() if op.is_built_in], ids=repr)
def test_the_source_of_every_operation_runs_by_itself_with_the_same_bits(op):
    values = [Value(0.31), Value(0.47), Value(0.29)]
    settings = {name: op.sample[name] for name in op.constants}

    def f(x):
        parts = [e * v for e, v in zip(x, values)]
        inputs = [parts, parts[::-1]][:len(op.inputs)] if op.rows else (parts * 2)[:len(op.inputs)]
        return op(*inputs, **settings) * values[2] + parts[0]
    X = numpy.random.default_rng(0).uniform(0.2, 0.9, size=(4, 3)) + (20 if op is tg.acosh else 0)
    rows = [(row,) for row in X.tolist()]
    program = tg.compile(f, [0.0] * 3)
    assert run_source(program, X.tolist()) == eager(f, rows, program.parameters)


def test_the_source_of_a_network_is_short_and_runs_by_itself_with_the_same_bits():
    model, X, Y = tg.MLP(64, [32, 10], activation="tanh", rng=0), numbers(0, 3, 64), numpy.eye(10)[[3, 1, 4]]
    program = tg.compile(lambda x, y: tg.cross_entropy(model(x), y), [0.0] * 64, [0.0] * 10)
    found = run_source(program, X.tolist(), Y.tolist())
    assert found[0] == program.backward(X, Y) and found[1] == [v.grad for v in program.parameters]
    assert len(program.source.splitlines()) < 1100 < len(program.parameters)


def test_the_source_can_be_read():
    assert tg.compile(squared_error, 0.0, 0.0).source.splitlines() == [
        '"""squared_error, written out: run row(...) for one row, or backward(rows, p) for many."""', "", "",
        "def row(x, y, p, g=None, arrived=1.0):", '    """squared_error of one row of numbers; p are the parameters."""',
        "    v1 = p[0] * x", "    v2 = v1 + p[1]", "    v3 = v2 - y", "    v4 = v3 * v3",
        "    if g is not None:                   # backward: what arrives is passed on, times the slope",
        "        d4 = arrived", "        d3 = d4 * (2.0 * v3)", "        d2 = d3", "        g[1] += d2", "        d1 = d2",
        "        g[0] += d1 * x", "    return v4", "", "", "def backward(rows, p):",
        '    """(the mean of the rows, its gradient by each of p); a row is a tuple of what `row` takes before p."""',
        "    g = [0.0] * len(p)", "    outputs = [row(*numbers, p, g, 1.0 / len(rows)) for numbers in reversed(rows)]",
        "    mean = -0.0", "    for output in reversed(outputs):", "        mean += output", "    return mean / len(rows), g"]


def test_the_source_of_any_arguments_and_answers_runs():
    def text_of(f, *example):
        names = {}
        exec(tg.compile(f, *example).source, names)
        return names["row"]
    assert text_of(lambda p, g, v1, exp: tg.exp(p) * g + v1 / exp * W, 1.0, 1.0, 1.0, 1.0)(0.0, 2.0, 3.0, 4.0, [2.0]) == 3.5
    assert text_of(lambda *xs: xs[0] - xs[1], 1.0, 1.0)(3.0, 2.0, []) == 1.0
    assert text_of(lambda _: _ * 2, 1.0)(3.0, []) == 6.0
    assert text_of(lambda p, p_, xs_0, *xs: p / p_ + xs_0 * xs[0], *[1.0] * 4)(3.0, 2.0, 5.0, 7.0, []) == 36.5
    weights = [Value(1.0), Value(2.0), Value(3.0), Value(4.0)]
    slopes = [0.0] * 4
    text_of(lambda range, len, int: tg.dot(weights, [range, len, int, 1.0]), 1.0, 1.0, 1.0)(5.0, 6.0, 7.0, [1.0, 2.0, 3.0, 4.0], slopes)
    assert slopes == [5.0, 6.0, 7.0, 1.0]
    assert text_of(lambda d: {"a": [d["x"][1] * W, 1 / d["y"]], "b": (W,)}, {"x": [1.0, 1.0], "y": 1.0})(
        {"x": [5.0, 6.0], "y": 4.0}, [2.0]) == {"a": [12.0, 0.25], "b": [2.0]}
    assert text_of(lambda x: x * -math.inf, 1.0)(-1.0, []) == math.inf
    model = network()
    assert text_of(model, [0.0] * 3)([1.0, 2.0, 3.0], [1 / 0.7] * 8 + [2.0] * 6, [v.data for v in tg.compile(model, [0.0] * 3).parameters])


# ---- report, and where there is no numpy


def test_a_report_counts_operations_steps_and_layers():
    model = tg.MLP(8, [6, 4], activation="tanh", rng=0)
    report = tg.compile(lambda x, y: tg.cross_entropy(model(x), y), [0.0] * 8, [0.0] * 4).report()
    assert (report.inputs, report.parameters, report.operations) == (12, 82, 10 + 10 + 6 + 1)
    assert report.layers == ((8, 6), (6, 4)) and report.bytes > 0 and report.threads == 1
    assert 0 < report.forward + report.backward + report.sums < report.operations
    assert "layers found  8 → 6, 6 → 4" in repr(report) and f"run by        {report.run_by}, 1 thread" in repr(report)
    assert tg.compile(lambda x: [x, x * x], 1.0).report().backward == 0


WITHOUT = """
import sys
sys.modules["numpy"] = None
import tinygrad_edu as tg
w = tg.Value(2.0)
program = tg.compile(lambda x: tg.tanh(w * x), 1.0)
names = {}
exec(program.source, names)
print(program, names["backward"]([(0.5,)], [2.0])[0] == tg.tanh(1.0))
for run in (lambda: program([1.0]), lambda: program.backward([1.0]), lambda: program.input_gradients([1.0]), program.report):
    try:
        run()
    except ModuleNotFoundError as error:
        print(error)
"""


def test_without_numpy_a_program_is_made_and_written_out_and_says_what_it_lacks():
    done = subprocess.run([sys.executable, "-W", "error", "-c", WITHOUT], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["<Program <lambda>: 1 inputs, 1 parameters, 2 operations> True"] + [batches.NO_NUMPY] * 4, done.stderr


def test_compiling_imports_no_numpy():
    code = "import sys\nimport tinygrad_edu as tg\nprint(tg.compile(lambda x: x * x, 1.0).source and 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
