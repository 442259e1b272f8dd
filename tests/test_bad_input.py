"""What bad input gets: the right exception, the bad value in the message, the remedy, and no change."""

import math
import re
from decimal import Decimal
from fractions import Fraction

import numpy
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu import Value
from tinygrad_edu.engine.number import ALL_DIGITS, format_number, told_apart
from tinygrad_edu.engine.op import find
from tinygrad_edu.nn.matrix_layers import LinearMap, SingleLayerMLP

X = Value(3.0, label="x")


@pytest.mark.parametrize(("bad", "error", "words"), [
    ("1.5", TypeError, r"not str: got '1\.5'; write float"), ("pi", TypeError, r"not str: got 'pi'$"), (None, TypeError, "not NoneType: got None"),
    ([1.0], TypeError, r"not list: got \[1\.0\]; make one Value per element"), (1 + 2j, TypeError, "got .1.2j.; only real"),
    (True, TypeError, "bool is not a number here: got True; write float"), (numpy.bool_(True), TypeError, "True; write float"),
    (numpy.array([1.0, 2.0]), TypeError, "make one Value per element"), (numpy.array(["a"]), TypeError, r"an array of shape \(1,\): got array"),
    (numpy.array([2.5]), TypeError, r"not an array of shape \(1,\): got array.*; write x\.item"), (numpy.array([[2]]), TypeError, r"shape \(1, 1\).*x\.item"),
    (numpy.array([]), TypeError, r"shape \(0,\): got .*one Value per element"), (numpy.array(1j), TypeError, "only real numbers"),
    (numpy.timedelta64(3, "D"), TypeError, "not timedelta64"),
    (2 ** 53 + 1, ValueError, "9007199254740993 is not exactly representable"),
    (10 ** 400, OverflowError, r"10\*\*400 is too large"), (object(), TypeError, "not object"),
    (Decimal("-1e400"), OverflowError, r"Decimal.'-1E\+400'. is too large"), (Fraction(10 ** 400, 3), OverflowError, "Fraction.1000.*is too large"),
    (numpy.longdouble("1e400"), OverflowError, "1e.400.* is too large"),
])
def test_what_is_not_a_number_is_refused_everywhere(bad, error, words):
    with pytest.raises(error, match=words):
        Value(bad)
    if not isinstance(bad, numpy.ndarray | numpy.bool_):     # with a Value these make an array of Values
        with pytest.raises(error, match=words):
            X * bad
        with pytest.raises(error, match=words):
            bad + X
        with pytest.raises(error, match=words):
            tg.tanh(bad)
    leaf = Value(1.0)
    with pytest.raises(error, match=words):
        leaf.data = bad
    assert leaf.data == 1.0


def test_numbers_too_long_to_be_written_down_are_refused_like_others():
    with pytest.raises(OverflowError, match=r"10\*\*12041 is too large"):
        Value(1 << 40_000)
    with pytest.raises(TypeError, match="not list: got <a list that cannot be shown>; make one Value per element"):
        Value([1 << 40_000])


@pytest.mark.parametrize("length", range(50, 70))
def test_what_is_refused_is_shown_in_60_characters_at_most(length):
    text = "a" * length
    shown = repr(text) if length + 2 <= 60 else repr(text)[:59] + "…"
    with pytest.raises(TypeError, match=f"got {shown}$"):
        Value(text)


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(1.0)
@example(999_999_999_999_999.0)
@example(1e15)
def test_a_number_in_a_sentence_is_short_and_right_to_six_digits(x):
    text = format_number(x)
    assert len(text.lstrip("-")) <= 15 and float(text) == pytest.approx(x, rel=5e-6, abs=0)
    assert text == str(int(x)) if abs(x) < 1e15 and x.is_integer() else not text.endswith(".0")


XS = [[0.0, 0.0], [1.0, 1.0]]
WHOLE = {       # where a whole number is taken: a call that takes it, and the largest number refused, if any
    "inputs of a network": (lambda n: tg.MLP(n, [1]), 0), "the size of layer 0": (lambda n: tg.MLP(2, [n, 1]), 0), "outputs": (lambda n: tg.Layer(2, n), 0),
    "inputs": (lambda n: tg.Neuron(n), 0), "pieces": (lambda n: tg.Maxout(2, n), 0), "rng": (lambda n: tg.MLP(2, [1], rng=n), None),
    "seed of dropout": (lambda n: tg.Dropout(seed=n), None), "indim": (lambda n: LinearMap(n, 2), 0), "outdim": (lambda n: LinearMap(2, n), 0),
    "count": (lambda n: tg.data.spirals(n), 0), "seed of data": (lambda n: tg.data.xor(8, seed=n), -1), "arms": (lambda n: tg.data.spirals(arms=n), 0),
    "seed of a shuffling": (lambda n: tg.data.shuffled(tg.data.xor(8), n), -1), "size": (lambda n: tg.data.batches(tg.data.xor(8), n), 0),
    "outputs of a neuron": (lambda n: tg.Neuron(2, outputs=n), 0), "the number of an example": (lambda n: tg.data.xor(8).chosen([n]), None),
    "rng of a matrix layer": (lambda n: LinearMap(2, 2, rng=n), -1), "seed of check_training": (lambda n: tg.check_training(tg.MLP(2, [2], rng=0), XS, [0, 1], rates=[0.1], seed=n), None),
    "steps": (lambda n: tg.schedules.CosineDecay(0.1, n), 0), "every": (lambda n: tg.schedules.StepDecay(0.1, every=n), 0),
    "k": (lambda n: tg.schedules.Constant(0.1)(n), -1), "n": (lambda n: tg.derivative(tg.tanh, n)(0.5), 0), "argnums": (lambda n: tg.grad(tg.mul, n)(1.0, 2.0), None),
    "rng of a layer": (lambda n: tg.Layer(2, 2, rng=n), None), "rng of a neuron": (lambda n: tg.Neuron(2, rng=n), None), "rng of a maxout": (lambda n: tg.Maxout(2, rng=n), None),
    "inputs of a layer": (lambda n: tg.Layer(n, 2), 0), "inputs of a maxout": (lambda n: tg.Maxout(n), 0),
    "classes of blobs": (lambda n: tg.data.blobs(8, classes=n), 0), "count of moons": (lambda n: tg.data.moons(n), 0), "seed of circles": (lambda n: tg.data.circles(8, seed=n), -1),
    "seed of a split": (lambda n: tg.data.split(tg.data.xor(8), seed=n), -1), "seed of batches": (lambda n: list(tg.data.batches(tg.data.xor(8), 2, seed=n)), -1),
    "steps of a line": (lambda n: tg.schedules.LinearDecay(0.1, n), 0), "steps of a warm-up": (lambda n: tg.schedules.Warmup(tg.schedules.Constant(0.1), n), 0),
    "units": (lambda n: SingleLayerMLP(2, 2, hiddenlayer=n), 0), "order": (lambda n: tg.gradcheck(tg.exp, 1.0, order=n), 0),
    **{name: (lambda n, name=name: tg.fit(tg.MLP(2, [2], rng=0), XS, [0, 1], progress=False, **{"epochs": 1, name: n}), largest)
       for name, largest in (("epochs", -1), ("batch_size", 0), ("patience", 0), ("seed", None))},
    **{name: (lambda n, name=name: tg.animate_training(tg.MLP(2, [2], rng=0), tg.data.xor(8), progress=False, **{"epochs": 1, "resolution": 2, name: n}), largest)
       for name, largest in (("frames", 0), ("resolution", 1))},
}


@pytest.mark.parametrize("name", WHOLE)
def test_one_rule_says_everywhere_what_a_whole_number_is(name):
    if name.endswith(("blobs", "moons", "circles")):
        pytest.importorskip("sklearn", reason="made by scikit-learn")
    call, largest_refused = WHOLE[name]
    good = 1 if largest_refused is None else largest_refused + 1
    for whole in (good, numpy.int64(good), numpy.uint8(good), numpy.array(good)):
        call(whole)
    for bad in (1.0, 2.5, "2", True, numpy.bool_(True), numpy.float64(2.0), Value(2.0), math.nan):
        with pytest.raises(TypeError, match=f"must be a whole number, not {type(bad).__name__}: got "):
            call(bad)
    if largest_refused is not None:
        for bad in (largest_refused, numpy.int64(largest_refused), -10 ** 5000):
            with pytest.raises(ValueError, match=f"must be at least {good}, got "):
                call(bad)


@pytest.mark.parametrize("made", [
    lambda kind: tg.data.xor(8, seed=kind(3)), lambda kind: tg.data.spirals(kind(9), seed=kind(3)), lambda kind: tg.MLP(kind(2), [kind(3), 1], rng=kind(3)).state_dict(),
    lambda kind: tg.fit(tg.MLP(2, [2], rng=0), XS, [0, 1], epochs=kind(2), batch_size=kind(1), seed=kind(3), progress=False)])
def test_whole_numbers_of_numpy_give_the_same_bits(made):
    assert made(numpy.int64) == made(numpy.uint8) == made(int)


def two():
    return [Value(1.0), Value(2.0)]


def fitted(**options):
    return tg.fit(tg.MLP(2, [2], rng=0), XS, [0, 1], epochs=1, progress=False, **options)


NUMBERS = {     # where a number is taken
    "lr": lambda x: tg.SGD(two(), lr=x).lr, "momentum": lambda x: repr(tg.Momentum(two(), momentum=x)), "betas": lambda x: repr(tg.Adam(two(), betas=(x, 0.9))),
    "eps": lambda x: repr(tg.Adam(two(), eps=x)), "weight_decay": lambda x: repr(tg.SGD(two(), weight_decay=x)), "rho": lambda x: repr(tg.Adadelta(two(), rho=x)), "alpha": lambda x: repr(tg.RMSprop(two(), alpha=x)),
    "strength of L1": lambda x: tg.L1(x).strength, "strength of L2": lambda x: tg.L2(x).strength, "p": lambda x: tg.Dropout(x).p, "delta": lambda x: tg.huber([1.0], [3.0], delta=x),
    "limit of a norm": lambda x: tg.clip_gradients_by_norm(two(), x), "h": lambda x: tg.numeric_derivative(tg.exp, 1.0, h=x).h, "x": lambda x: tg.numeric_derivative(tg.exp, x).value,
    "seed of backward": lambda x: (Value(1.0) * 2).backward(x), "seed of steps": lambda x: len(tg.steps(Value(1.0) * 2, x)), "slope": lambda x: tg.leaky_relu(-1.0, slope=x), "alpha of elu": lambda x: tg.elu(-1.0, alpha=x),
    "high": lambda x: tg.clip(3.0, low=0, high=x), "n of power": lambda x: tg.power(2.0, n=x), "an exponent": lambda x: (Value(2.0) ** x).data, "scale": lambda x: tg.scaled_relu(1.0, scale=x),
    "lr of a schedule": lambda x: tg.schedules.Constant(x)(0), "factor": lambda x: tg.schedules.ExponentialDecay(0.1, x)(1), "tau": lambda x: tg.schedules.InverseDecay(0.1, x)(1),
    "final": lambda x: tg.schedules.LinearDecay(0.9, 3, final=x)(3), "lr of fit": lambda x: fitted(lr=x).lr, "noise": lambda x: tg.data.xor(8, noise=x), "validation": lambda x: tg.data.split(tg.data.xor(8), validation=x),
    "rates": lambda x: [c.good for c in tg.check_training(tg.MLP(2, [2], rng=0), XS, [0, 1], rates=(x,))], "alpha of a matrix layer": lambda x: LinearMap(2, 2, alpha=x).alpha, "lr of a matrix layer": lambda x: LinearMap(2, 2, lr=x).lr,
    "data": lambda x: setattr(Value(1.0), "data", x), "grad": lambda x: setattr(Value(1.0), "grad", x), "replay at": lambda x: tg.replay(Value(1.0, label="x") * 2, at={"x": x}).value,
    "a name's value": lambda x: tg.expression("t+1", t=x).data, "a local gradient": lambda x: Value(1.0, (Value(1.0),), (x,)).local_grads, "a constant's sample": lambda x: tg.Interval(kinks=(x,)) and declared_with(x).sample,
    "an end of a domain": lambda x: callable(tg.op("t", tg.Interval(low=x))), "a weight": lambda x: tg.MLP(1, [1], rng=0).load_state_dict({**tg.MLP(1, [1], rng=0).state_dict(), "layers.0.neurons.0.b": x}),
}


def declared_with(sample):
    def scaled(x, *, c):
        return c * x, (c,)
    return tg.op("c x", tg.REAL, c=sample)(scaled)


@pytest.mark.parametrize("name", NUMBERS)
def test_one_rule_says_everywhere_what_a_number_is(name):
    call = NUMBERS[name]
    for number in (numpy.float64(0.5), numpy.float32(0.5), numpy.float16(0.5), Decimal("0.5"), Fraction(1, 2), numpy.array(0.5)):
        assert call(number) == call(0.5)
    for bad in (True, numpy.bool_(True), "3", 1j, [0.5]):
        with pytest.raises(TypeError, match=r"number|bool"):
            call(bad)


@pytest.mark.parametrize("p", [numpy.float32(0.5), Fraction(1, 2), Decimal("0.5")])
def test_the_chance_to_drop_may_be_any_real_number(p):
    assert tg.Dropout(p).p == 0.5 and type(tg.Dropout(p).p) is float


@pytest.mark.parametrize(("good", "number"), [
    (Decimal("Infinity"), math.inf), (numpy.float32("-inf"), -math.inf), (2, 2.0), (Fraction(1, 4), 0.25), (Decimal("0.1"), 0.1), (numpy.float32(0.5), 0.5), (numpy.int64(3), 3.0),
    (numpy.array(1.5), 1.5), (numpy.array(2), 2.0), (numpy.longdouble(0.5), 0.5), (numpy.float64(0.1), 0.1), (2 ** 60, 2.0 ** 60), (-0.0, -0.0),
])
def test_every_kind_of_real_number_is_taken_as_a_float(good, number):
    for made in (Value(good), X * 0 + good):
        assert type(made.data) is float and made.data == number


@pytest.mark.parametrize("use", [
    bool, float, int, round, complex, math.exp, math.floor, lambda v: 1 if v else 0, lambda v: v and 1, lambda v: not v,
    lambda v: v == 3.0, lambda v: v != 3, lambda v: v in [1.0], lambda v: [1.0][v], lambda v: round(v, 2),
])
def test_what_would_cut_the_graph_silently_raises(use):
    with pytest.raises(TypeError):
        use(X)


@pytest.mark.parametrize(("use", "words"), [
    (float, r"v\.data.*tg\.exp\(v\)"), (bool, r"v\.data"), (lambda v: v == 3.0, r"v\.data == 3\.0"),
])
def test_its_error_says_what_to_write_instead(use, words):
    with pytest.raises(TypeError, match=words):
        use(X)


def test_backward_needs_something_to_reach():
    for constant in (X.detach(), X.detach() * 2):
        with pytest.raises(RuntimeError, match="nothing here needs a gradient"):
            constant.backward()
    with tg.no_grad():
        y = X * 2
    with pytest.raises(RuntimeError, match="no_grad"):
        y.backward()


@pytest.mark.parametrize(("seed", "error"), [(math.nan, ValueError), (math.inf, ValueError), ("1", TypeError),
                                             (None, TypeError), (True, TypeError)])
def test_a_bad_seed_changes_nothing(seed, error):
    x = Value(2.0)
    y = x * 3
    with pytest.raises(error):
        y.backward(seed)
    assert (x.grad, y.grad) == (0.0, 0.0)


def test_the_data_of_a_computed_node_cannot_be_set():
    y = X * 2
    with pytest.raises(AttributeError, match=r"x \* 2"):
        y.data = 1.0
    z, w = Value(1.0, label="z"), Value(2.0, label="w")
    for node, words in ((Value(1.0, (X,), (1.0,)), r"a node made by hand \(no name\)"), (tg.dot([X, z], [w, 2.0]), r"dot\(\[x, z\], \[w, 2\]\)"),
                        (Value(1.0, (X,), (1.0,), op="mine"), r"a node made by hand \(mine\)")):
        with pytest.raises(AttributeError, match=words):
            node.data = 1.0
    for name in ("parents", "local_grads", "op"):
        with pytest.raises(AttributeError):
            setattr(y, name, ())
    assert y.data == 6.0


@pytest.mark.parametrize(("call", "error", "words"), [
    (lambda: tg.max([]), ValueError, "max.. of an empty row"), (lambda: tg.mean([]), ValueError, "empty"),
    (lambda: tg.logsumexp([]), ValueError, "empty"), (lambda: tg.softmax([]), ValueError, "empty"),
    (lambda: tg.dot([X], [1.0, 2.0]), ValueError, "one length, not of 1 and 2"), (lambda: tg.dot([X]), TypeError, "2 rows"),
    (lambda: tg.tanh(), TypeError, "0 were given"), (lambda: tg.tanh(X, 1), TypeError, "tanh.. takes x, but 2"),
    (lambda: tg.add(X), TypeError, "add.. takes x, y, but 1 was given"), (lambda: tg.clip(X, 0, 1, 2), TypeError, "takes x, low, high, but 4 were given"),
    (lambda: tg.tanh(X, y=1), TypeError, "no argument 'y'; it takes x"),
    (lambda: tg.dot([X], [X], [X]), TypeError, "2 rows of numbers, but 3 were given"), (lambda: find("sinn"), LookupError, "no op named 'sinn'"),
    (lambda: tg.clip(X), TypeError, "needs low="), (lambda: tg.clip(X, 0, X), TypeError, "high is a constant"),
    (lambda: tg.leaky_relu(X, slop=1), TypeError, "no argument 'slop'; it takes x, slope"),
    (lambda: tg.leaky_relu(X, slope="a"), TypeError, "got 'a'"), (lambda: tg.where(X > 0, X, 1), TypeError, "greater"),
    (lambda: tg.maxout([X], [[1.0]], []), ValueError, "1 rows of weights but 0 biases"),
    (lambda: tg.sum([X, "a"]), TypeError, "got 'a'"), (lambda: tg.max(X, None), TypeError, "NoneType"),
    (lambda: Value(1.0, "x"), TypeError, "did you mean label='x'"), (lambda: Value(1.0, (X,)), ValueError, "got 1 and 0"),
    (lambda: Value(1.0, (), (1.0,)), ValueError, "got 0 and 1"), (lambda: Value(1.0, X), TypeError, "write .x,."), (lambda: Value(1.0, (X,), (1.0,), op=5), TypeError, "got 5"),
    (lambda: tg.dot(X, X), TypeError, "such as .a, b.: got Value"), (lambda: tg.expression("a", a=None), TypeError, "^a: "),
    (lambda: Value(1.0, (2.0,), (1.0,)), TypeError, "parent 0 is not a Value but float"),
    (lambda: Value(1.0, label=3), TypeError, "label is a str, not int"), (lambda: tg.leaves(3), TypeError, "got 3"),
    (lambda: tg.steps([X]), TypeError, "not list"), (lambda: tg.draw(2.0), TypeError, "got 2.0"),
    (lambda: tg.draw(X, layout="neato"), ValueError, "'neato'"), (lambda: tg.source(tg.tanh, "rust"), ValueError, "'rust'"),
    (lambda: tg.replay(X * 2, at={"y": 1.0}), KeyError, "no leaf is labelled 'y'; the labels are: x"),
    (lambda: tg.replay(X * 2)["y"], KeyError, "no node is labelled 'y'"),
    (lambda: numpy.trunc(X), TypeError, "numpy.trunc has no counterpart"),
    (lambda: numpy.add(X, 1.0, where=True), TypeError, "with where"),
    (lambda: tg.exact(tg.exp(X)), tg.NotRationalError, r"exp\(3\) is not a rational number"),
    (lambda: tg.exact(X ** 0.5), tg.NotRationalError, "3 to the power 1/2"),
    (lambda: X < "a", TypeError, "not str"), (lambda: X < None, TypeError, "NoneType"),
])
def test_misuse_names_the_value_and_the_remedy(call, error, words):
    with pytest.raises(error, match=words):
        call()
    assert (X.data, X.grad) == (3.0, 0.0)


def test_a_graph_with_a_node_made_by_hand_cannot_be_replayed():
    made = Value(6.0, (X,), (2.0,), op="double", label="d")
    with pytest.raises(tg.ReplayError, match="d was not recorded"):
        tg.replay(made + 1)


def test_steps_refuse_a_graph_whose_leaves_have_changed():
    x = Value(2.0, label="x")
    y = x * 3
    x.data = 5.0
    with pytest.raises(ValueError, match=r"out of date: x \* 3 at x = 5 now comes to 15, but 6 is stored"):
        tg.steps(y)


@pytest.mark.parametrize(("call", "words"), [
    (lambda: tg.save(3, "none.json"), "a Module is needed, not int: got 3"), (lambda: tg.load(None, "none.json"), "a Module is needed, not NoneType"),
    (lambda: tg.fit("model", [[1.0]], [1.0]), "a Module is needed, not str"), (lambda: tg.source(3), "an Op is needed, such as tg.tanh, not int: got 3$"),
    (lambda: tg.source(tg.pow), r"an Op is needed.*; write tg\.OPS\['pow'\]$"), (lambda: tg.source("tanh", "c"), r"not str: got 'tanh'; write tg\.OPS\['tanh'\]$"),
    (lambda: tg.source(tg.Value(2.0), "c"), "tg.symbolic"), (lambda: tg.source(tg.Value(2.0), "python"), "tg.symbolic"), (lambda: tg.source(tg.Value(2.0), "mathml"), "tg.symbolic"),
    (lambda: tg.source(tg.Value(2.0) * 3, "latex"), r"an Op is needed.*; tg.symbolic\(v\) has the formulas of a Value v$"),
    *[(lambda name=name, bad=bad: getattr(tg.data, name)(*bad), "a Data is needed, not")
      for name, bad in (("shuffled", [3]), ("split", [[1, 2]]), ("batches", [None, 2]), ("standardise", ["x"]), ("standardise", [tg.data.xor(4), {}]))],
    (lambda: tg.plots.loss_curves(3), "a History is needed, as tg.fit returns it: got 3"),
    (lambda: tg.plots.decision_boundary(len, [1]), "data are examples with inputs, targets, features and classes"),
])
def test_the_wrong_kind_of_argument_is_named(call, words):
    with pytest.raises(TypeError, match=words):
        call()


# ---- digits in messages ------------------------------------------------------------------------------------------


def refused_number(op, x):
    """The number that the refusal of op(x) shows, read back; None where the op takes x."""
    try:
        op(Value(x, label="given"))
        return None
    except tg.DomainError as error:
        shown = re.search(r"\(given = (.+)\)$", str(error))[1]
        assert shown in str(error).split(" is ")[0]
        return float(shown)


@pytest.mark.parametrize("op", [op for op in tg.OPS.values() if len(op.inputs) == 1 and not op.rows and not op.constants
                                and op.domain_text != "any x"], ids=repr)
def test_what_a_message_says_of_a_number_beside_a_limit_is_true_of_the_number_it_shows(op):
    limits = [end for end in (op.domain[0].low, op.domain[0].high, *op.domain[0].without) if math.isfinite(end)]
    for end in limits:
        for x in (math.nextafter(end, -math.inf), end, math.nextafter(end, math.inf)):
            shown = refused_number(op, x)
            assert shown is None or refused_number(op, shown) is not None, (op, x, shown)


@pytest.mark.parametrize(("call", "words"), [
    (lambda: tg.acos(Value(1.0000000000000002, label="x")), r"acos\(1\.0000000000000002\) is .* -1 <= x <= 1 \(x = 1\.0000000000000002\)"),
    (lambda: tg.acos(1.5), r"acos\(1\.5\) is"), (lambda: tg.log(-1 / 3), r"log\(-0\.333333\) is"),
    (lambda: Value(1.7976931348623157e308) * 1.0000000000000002, r"1\.7976931348623157e\+308 \* 1\.0000000000000002 is too large"),
    (lambda: tg.sum([Value(1.7976931348623157e308), 9.9792015476736e291]), r"1\.7976931348623157e\+308.*9\.9792015476736e\+291"),
    (lambda: tg.steps(stale(0.1234567, 0.1234568)), "comes to 0.1234568, but 0.1234567 is stored"),
])
def test_numbers_that_are_compared_are_shown_with_the_digits_that_differ(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def stale(before, now):
    x = Value(before)
    y = +x
    x.data = now
    return y


@pytest.mark.parametrize(("call", "words"), [
    (lambda: 1 / Value(0.0, label="x"), r"div needs y != 0 \(y is x = 0\)$"), (lambda: Value(2.0, label="a") / Value(0.0, label="b"), r"y != 0 \(a = 2, b = 0\)$"),
    (lambda: Value(math.inf, label="y") - Value(math.inf, label="x"), r"inf - inf is not a number \(y = inf, x = inf\)$"),
])
def test_a_label_is_not_mistaken_for_another_input_of_the_operation(call, words):
    with pytest.raises(tg.DomainError, match=words):
        call()


def test_limits_and_defaults_are_shown_with_all_their_digits():
    assert tg.Interval(0.1, 1.0000001).describe("x") == "0.1 < x < 1.0000001"
    assert tg.Interval(low=1 / 3, without=(1.0000001,)).describe("x") == "x > 0.3333333333333333 and x != 1.0000001"
    assert told_apart(1.0, math.nextafter(1.0, 2), 1.0) == ("1", "1.0000000000000002", "1")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_all_digits_read_back_as_the_same_number(x):
    assert float(format_number(x, ALL_DIGITS)) == x


@pytest.mark.parametrize(("parents", "local_grads", "words"), [
    (3, (1.0,), "parents is a tuple of Values: got 3"), ((X,), None, "local_grads is a tuple of numbers: got None"),
    (numpy.array([1.0]), (1.0,), "parent 0 is not a Value but float64"), (numpy.ones((2, 2)), (1.0, 1.0), "parent 0 is not a Value but ndarray"),
])
def test_parents_that_are_none_are_refused_by_name(parents, local_grads, words):
    with pytest.raises(TypeError, match=words):
        Value(1.0, parents, local_grads)


def test_parents_and_local_gradients_may_stand_in_arrays():
    made = Value(6.0, numpy.array([X]), numpy.array([2.0]))
    assert made.parents == (X,) and made.local_grads == (2.0,)


@pytest.mark.parametrize(("call", "words"), [
    (lambda: tg.numeric_derivative(3, 1.0), "f is a function of numbers.*got 3"), (lambda: tg.plots.activation(numpy.ones(2)), "f is a function of numbers.*got array"),
    (lambda: tg.leaky_relu(X, numpy.ones(1)), r"leaky_relu\(\): slope: a number is needed, not an array of shape \(1,\)"),
    (lambda: tg.exact(X * X, numpy.ones(2)), "at is a dict of numbers.*got array"), (lambda: Value(numpy.ones((2, 2))), r"got array\(\[\[1\., 1\.\], \[1\., 1\.\]\]\);"),
])
def test_a_wrong_kind_of_thing_is_shown_on_one_line(call, words):
    with pytest.raises(TypeError, match=words):
        call()
