"""The exercises in which code is judged: what is right passes, what is wrong does not, and what is open stays open."""

import pytest

import tinygrad_edu as tg
from tinygrad_edu.classroom import exercises, patients
from tinygrad_edu.classroom.exercises import (
    NUMBERS,
    PROGRAMS,
    check_answer,
    check_caught,
    check_engine,
    check_layer,
    check_rule,
    check_sort,
)
from tinygrad_edu.classroom.faults import small
from tinygrad_edu.classroom.faults.models import MODELS
from tinygrad_edu.classroom.patients import SIGNS, WARD, diagnose, patient

NEED_OTHERS = {"relu-always": "a negative number", "dead-branch": "a line that is not used"}
ENGINES = [model for model in MODELS.values() if model.engine and not model.calls and isinstance(model.wrong, dict)
           and set(model.graph.at) <= set(NUMBERS) and set(model.graph.at) == set(model.wrong) and model.name not in NEED_OTHERS]


# ---- engines -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", [small.Value, tg.Value])
def test_an_engine_that_is_right_passes_every_program(engine):
    assert check_engine(engine)
    assert all(check_engine(engine, model.graph.text) for model in ENGINES if engine is small.Value)


@pytest.mark.parametrize("model", ENGINES, ids=repr)
def test_every_wrong_engine_is_caught_by_the_graph_that_shows_it(model):
    right, wrong = check_engine(small.Value, model.graph.text), check_engine(model.engine, model.graph.text)
    assert right and not wrong and "not yet" in str(wrong)


def test_a_hint_is_given_once_and_names_the_mistake():
    report = check_engine(MODELS["accumulate"].engine)
    hints = [line.hint for line in report if line.hint]
    assert len(hints) == 1 and MODELS["accumulate"].title in hints[0]
    assert sum(line.verdict == "not yet" for line in report) > 1


class Open:
    """An engine in which everything is still to be written."""

    def __init__(self, data, parents=(), local_grads=()):
        self.data, self.parents, self.local_grads, self.grad = data, parents, local_grads, 0.0

    def __add__(self, other): return ...
    def __mul__(self, other): return ...


class Half(Open):
    """The operations stand; backward does not."""

    def __add__(self, other): return type(self)(self.data + other.data, (self, other), (1.0, 1.0))
    def __mul__(self, other): return type(self)(self.data * other.data, (self, other), (other.data, self.data))


class Dots(Half):
    def backward(self):
        self.grad = ...
        for parent in self.parents:
            parent.grad = ...


class Forgetful(Half):
    def __mul__(self, other): return Half(self.data * other.data)


class Plain(Half):
    def __mul__(self, other): return self.data * other.data


class Skips(Half):
    def __init__(self, data, parents=(), local_grads=()):
        self.data, self.parents, self.local_grads = data, parents, local_grads

    def backward(self): self.grad = 1.0


class Stays(Half):
    def backward(self):
        self.grad = 1.0
        for parent, local in zip(self.parents, self.local_grads):
            self.grad += parent.grad * local


class NoComma(Half):
    def __mul__(self, other): return type(self)(self.data * other.data, (self, other), (other.data))


class OneSlope(Half):
    def __mul__(self, other): return type(self)(self.data * other.data, (self, other), (other.data,))


class Nothing(Half):
    def backward(self):
        for parent in self.parents:
            parent.grad = None


@pytest.mark.parametrize("engine", [Open, Dots])
def test_an_engine_with_dots_is_to_be_filled_in(engine):
    assert {line.verdict for line in check_engine(engine, "x * y", "x + x")} == {"to fill in"}


def test_an_engine_without_backward_is_walked_back_for():
    assert check_engine(Half)


@pytest.mark.parametrize(("engine", "said"), [
    (Forgetful, "has no parents"), (Nothing, "the gradient of x is None, which is no number"), (object, "TypeError"),
    (Skips, "is every node in your order"),
    (Stays, "none of it reaches the leaves"),
    (Plain, "gives 21.0 (float), not a Value"), (NoComma, "with a comma"), (OneSlope, "2 parents and 1 slopes")])
def test_what_goes_wrong_in_a_students_engine_is_said(engine, said):
    report = check_engine(engine, "x * y")
    assert not report and report[0].verdict == "not yet" and said in report[0].said


# ---- orders --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order_of", [MODELS["preorder"].engine.order, MODELS["breadth-first"].engine.order,
                                      lambda f: f.order()[::-1]])
def test_wrong_orders_are_refused(order_of):
    assert check_sort(small.Value.order)
    report = check_sort(order_of)
    assert not report and any("stands before" in line.hint for line in report)


@pytest.mark.parametrize(("order_of", "verdict", "hint"), [
    (lambda f: [], "to fill in", ""), (lambda f: ..., "to fill in", ""),
    (lambda f: f.order()[1:], "not yet", "is not in the list"), (lambda f: f.order() * 2, "not yet", "twice"),
    (lambda f: f.nothing, "not yet", "no further")])
def test_what_is_no_order_is_said(order_of, verdict, hint):
    report = check_sort(order_of)
    assert not report and report[0].verdict == verdict and hint in report[0].hint


# ---- answers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("said", "right"), [
    (512, 512), ("1/3", 1 / 3), (2.3, 2.302585), (0.33, 1 / 3), ("Gap", "gap"), ({"A"}, {"A"}), (["A", "B"], {"B", "A"}), ({"a", "b"}, {"A", "B"}), (0.0, 0)])
def test_right_answers_pass(said, right):
    assert check_answer(said, right)


@pytest.mark.parametrize(("said", "right"), [
    (..., 512), (..., "gap"), (..., set()), (510, 512), (2, 2.302585), (2.31, 2.302585), ("loss", "gap"), ({"A"}, {"A", "B"}),
    ("A", {"A"}), ("0.0", 1 / 256), (0.0, 1 / 256), ("0e3", 512)])
def test_wrong_answers_and_dots_do_not(said, right):
    assert not check_answer(said, right)


@pytest.mark.parametrize(("said", "hint"), [("many", "no number"), (True, "no number"), ([1], "no number"), (None, "`return`")])
def test_what_is_no_number_is_not_yet_right(said, hint):
    [judged] = check_answer(said, 3)
    assert judged.verdict == "not yet" and hint in judged.hint


@pytest.mark.parametrize(("said", "right", "hint"), [
    ("BDE", {"B", "D"}, "a set of names"), (tg.Value(1.0), "gap", "in quotes"),
    ({"b", "C"}, {"B", "D"}, "Right ones among yours: 1")])
def test_an_answer_of_another_form_is_told_how_to_write_it(said, right, hint):
    report = check_answer(said, right)
    assert not report and hint in report[0].hint


# ---- rules and layers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("slope", "verdict"), [("2 * x", "right"), ("x", "not yet"), ("...", "to fill in")])
def test_a_rule_is_judged_by_slopes(slope, verdict):
    @tg.op("tried", tg.REAL)
    def tried(x):
        return x * x, (... if slope == "..." else 2 * x if slope == "2 * x" else x,)
    assert check_rule(tried, [0.75])[0].verdict == verdict


def test_layers_are_judged_and_what_is_wrong_is_described():
    np = pytest.importorskip("numpy")
    ml = pytest.importorskip("tinygrad_edu.nn.matrix_layers")
    x = np.array([[1.0, 2.0], [-1.0, 0.5], [0.25, 3.0]])
    bodies = {
        "right": lambda self, g: (self.x.T @ g, g.sum(axis=0, keepdims=True), g @ self.W.T),
        exercises.MEAN: lambda self, g: (self.x.T @ g / 3, g.sum(axis=0, keepdims=True), g @ self.W.T),
        exercises.FORGETS: lambda self, g: (self.x.T @ g, g.sum(axis=0, keepdims=True), 1 + 0 * self.x),
        exercises.SHAPES: lambda self, g: (self.x.T @ g, g.sum(axis=0, keepdims=True), g @ self.W)}
    for said, body in bodies.items():
        class Written(ml.LinearMap):
            def backward(self, g, body=body):
                weights, bias, given = body(self, g)
                self.dW += weights
                self.db += bias
                return given
        assert said in str(check_layer(Written(2, 4, rng=0), x))

    class Once(ml.LinearMap):
        def backward(self, g):
            self.dW, self.db = self.x.T @ g, g.sum(axis=0, keepdims=True)
            return g @ self.W.T

    class Dotted(ml.LinearMap):
        def backward(self, g):
            self.dW = ...
            return g @ self.W.T
    assert exercises.ONCE in str(check_layer(Once(2, 4, rng=0), x))
    assert check_layer(Dotted(2, 4, rng=0), x)[0].verdict == "to fill in"


@pytest.mark.parametrize("slope", [lambda x: 1.5, lambda x: 1.5 + 0 * x])
def test_a_rule_that_is_right_at_one_point_alone_does_not_pass(slope):
    @tg.op("tried", tg.REAL)
    def tried(x):
        return x * x, (slope(x),)
    assert check_rule(tried, [0.75], [-2.0])[0].verdict == "not yet"


def test_a_layer_that_is_right_at_one_input_alone_or_fails_is_not_yet():
    np = pytest.importorskip("numpy")
    ml = pytest.importorskip("tinygrad_edu.nn.matrix_layers")
    x = np.array([[1.0, 2.0], [-1.0, 0.5], [0.25, 3.0]])
    bodies = {
        exercises.ELSEWHERE: lambda self, g: g * (x > 0),
        exercises.NO_FURTHER: lambda self, g: g * (self.never_kept > 0),
        "The truth value": lambda self, g: g if self.x > 0 else 0,
    }
    for said, body in bodies.items():
        class Relu(ml.Transform):
            def forward(self, x):
                self.x = x
                return np.maximum(x, 0)

            def backward(self, g, body=body):
                return body(self, g)
        report = check_layer(Relu(), x)
        assert report[0].verdict == "not yet" and said in str(report) and exercises.SHAPES not in str(report)


# ---- programs that show a bug ----------------------------------------------------------------------------


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("bug", ["accumulate", "breadth-first", "upstream"])
def test_a_program_shows_a_bug_exactly_if_the_buggy_engine_fails_it(bug, program):
    assert bool(check_caught(bug, program)) != bool(check_engine(MODELS[bug].engine, program))


@pytest.mark.parametrize(("program", "said"), [
    (..., "to fill in"), ("x +", "not yet"), ("q + q", "not yet"), ("u = x + x; v = u + u; f = v + v", "What can go?"),
    ("3", "Nothing is computed"), ("x / 0", "is infinite"), ("log(x - 3)", "is infinite")])
def test_what_is_no_small_program_does_not_pass(program, said):
    report = check_caught("accumulate", program, nodes=2)
    assert not report and said in str(report)


# ---- the ward --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(1, len(WARD) + 1))
def test_only_the_right_diagnosis_passes_and_the_cure_helps(number):
    illness, ill, cured = WARD[number - 1]
    assert diagnose(number, illness) and not diagnose(number, ...)
    hints = [str(diagnose(number, other)) for other in SIGNS if other != illness]
    assert len(set(hints)) == len(SIGNS) - 1 and not any(SIGNS[illness] in hint for hint in hints)
    before, after = ill().train(), cured().train()
    assert after.losses[-1] < 0.1 < before.losses[-1] and after.on_new == 1.0


def test_each_illness_has_one_patient():
    assert sorted(illness for illness, _, _ in WARD) == sorted(SIGNS)


def by_heart(sick):
    return tg.check_training(sick.model, sick.inputs, sick.targets)[2]


def test_the_signs_are_seen_in_the_patients_that_have_them():
    sick = {illness: ill() for illness, ill, _ in WARD}
    assert sick["large weights"].loss().data > 10
    assert "-> 0.3134" in by_heart(sick["softmax twice"]).seen and not by_heart(sick["no activation"]).good
    sizes = {name: abs(w.grad) for name, w in sick["vanishing gradients"].gradients().items()}
    first, last = [max(x for name, x in sizes.items() if name.startswith(f"layers.{i}.")) for i in (0, 4)]
    assert 100 * first < last
    high, low, uphill = (sick[name] for name in ("rate too high", "rate too low", "uphill"))
    assert high.train(lr=high.lr / 10).losses[-1] < 0.1 and low.train(lr=100 * low.lr).losses[-1] < 0.4
    assert all(uphill.train(lr=lr).losses[5] > uphill.loss().data for lr in (1.0, 0.1, 0.01))
    shuffled = sick["shuffled labels"].train()
    assert shuffled.accuracy - shuffled.on_new >= 0.2


def test_training_a_patient_leaves_it_as_it_was():
    sick = patient(8)
    assert sick.train(lr=1.0) == sick.train(lr=1.0) != sick.train()


@pytest.mark.parametrize("number", [0, 9, -1])
def test_there_are_eight_patients(number):
    with pytest.raises(ValueError, match="numbered from 1 to 8"):
        patient(number)


@pytest.mark.parametrize("said", ["softmax twise", "", None, 2, ["softmax twice"], "overfitting"])
def test_an_unknown_illness_is_answered_with_the_list(said):
    report = diagnose(2, said)
    assert not report and report[0].verdict == "not yet" and all(illness in report[0].hint for illness in SIGNS)


def test_an_illness_may_be_written_in_capitals():
    assert diagnose(1, " Large Weights")


def test_signs_are_those_of_the_public_list():
    listed = patients.diagnose.__doc__
    assert all(f'"{illness}"' in listed for illness in SIGNS)
