"""Layers and optimizers written by hand, in several shapes: right ones, and such with one typical fault each."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

pytest.importorskip("numpy")

from student_homework import LAYER_FAULTS, LAYERS, OPTIMIZER_FAULTS, OPTIMIZERS

from tinygrad_edu.classroom.grading.grade_layer import grade_layer
from tinygrad_edu.classroom.grading.grade_optimizer import grade_optimizer
from tinygrad_edu.classroom.grading.report import text

HERE = Path(__file__).parent
RIGHT = [(grade_layer, f"student_layers/{file}") for file in LAYERS] + [
    (grade_optimizer, f"student_optimizers/{file}") for file in OPTIMIZERS]
FAULTY = [(grade_layer, fault) for fault in LAYER_FAULTS] + [(grade_optimizer, fault) for fault in OPTIMIZER_FAULTS]


def not_passed(report):
    """The checks that failed or are not finished; a file that could not be graded has none."""
    assert report.checks, report.problem
    return {checked.id for checked in report.checks if checked.status in ("failed", "not finished")}


@cache
def report_of(judge, name, reveal="none"):
    """The report on a file with the fault of this name."""
    [fault] = [fault for of, fault in FAULTY if of is judge and fault.name == name]
    with TemporaryDirectory() as folder:
        file = Path(folder, fault.file)
        file.write_text(fault.source, encoding="utf-8")
        return judge(file, tier="all", reveal=reveal)


@pytest.mark.parametrize(("judge", "file"), RIGHT)
def test_what_is_right_passes_in_every_shape(judge, file):
    report = judge(HERE / file, tier="all")
    assert not not_passed(report) and report.verdict == "clean" and report.exit_code == 0


@pytest.mark.long
@pytest.mark.parametrize(("judge", "file"), RIGHT)
def test_what_is_right_passes_with_every_seed(judge, file):
    for seed in range(20):
        assert judge(HERE / file, tier="all", seed=str(seed)).verdict == "clean", seed


@pytest.mark.parametrize(("judge", "fault"), FAULTY, ids=lambda x: getattr(x, "name", ""))
def test_a_fault_is_found_by_the_check_that_is_about_it_and_by_no_other(judge, fault):
    assert not_passed(report_of(judge, fault.name)) == fault.found_by


@pytest.mark.parametrize(("name", "words"), [
    ("uphill", "uphill or downhill"), ("no learning rate", "it is not used"), ("no correction", "v alone is corrected"),
    ("v not kept", "nothing is kept from step to step"), ("one v for all", "share one pair of averages"),
    ("t stands still", "t stands still"), ("t from 0", "What is 1 - β⁰?"), ("no root", "the root of v is forgotten"),
    ("mean for a constant", "the mean is taken for a constant"), ("softmax overflows", "e^1000"),
    ("variance for a constant", "the variance is taken for a constant"), ("half the square", "half the gradient"),
    ("the loss's mean forgotten", "the sum for the mean"), ("sigmoid of x", "the sign is turned"),
])
def test_a_well_known_mistake_is_met_with_a_question(name, words):
    for report in [report_of(judge, name) for judge, fault in FAULTY if fault.name == name]:
        assert any(words in checked.hint for checked in report.checks)


@pytest.mark.parametrize(("judge", "file", "part", "words"), [
    (grade_layer, "student_layers/columns.py", "Dense", "one example per column"),
    (grade_layer, "student_layers/transforms.py", "LinearMap", "backward adds to the gradients"),
    (grade_layer, "student_layers/dictionaries.py", "Dense", "backward replaces the gradients"),
    (grade_layer, "student_layers/lists.py", "Affine", "means over the examples"),
    (grade_layer, "student_layers/transforms.py", "SoftmaxCrossEntropyLoss", "the mean over the examples, of logits"),
    (grade_layer, "student_layers/functions.py", "softmax_loss", "labels are the numbers of classes"),
    (grade_optimizer, "student_optimizers/dictionaries.py", "Momentum", "v ← βv + g"),
    (grade_optimizer, "student_optimizers/one_by_one.py", "MomentumOptimizer", "v ← βv + (1 - β)g"),
    (grade_optimizer, "student_optimizers/dictionaries.py", "Nesterov", "(g + βv)"),
    (grade_optimizer, "student_optimizers/objects.py", "Adam", "ε outside of the root"),
    (grade_optimizer, "student_optimizers/lists.py", "adagrad_step", "ε inside of the root"),
    (grade_optimizer, "student_optimizers/one_by_one.py", "AdamOptimizer", "ε before the correction"),
])
def test_the_convention_that_is_followed_is_said(judge, file, part, words):
    report = judge(HERE / file, cls=part)
    [told] = [checked for checked in report.checks if checked.status == "told"]
    assert words in told.message and not told.worth


@pytest.mark.parametrize("reveal", ["none", "graph", "numbers"])
def test_the_right_numbers_are_in_the_report_only_where_they_are_wanted(reveal):
    for name, id in (("first row of the gradient of b", "gradient-LinearMap-b"), ("no root", "first-rmsprop")):
        [report] = [report_of(judge, name, reveal) for judge, fault in FAULTY if fault.name == name]
        [checked] = [checked for checked in report.checks if checked.id == id]
        assert bool(checked.expected) == bool(checked.got) == (reveal == "numbers")


def test_a_file_without_any_layer_cannot_be_graded(tmp_path):
    file = tmp_path / "empty.py"
    file.write_text("x = 1\n", encoding="utf-8")
    for judge, words in ((grade_layer, "no layer"), (grade_optimizer, "no optimizer")):
        report = judge(file)
        assert report.exit_code == 2 and words in report.problem


def test_a_layer_may_take_one_example_at_a_time_and_is_judged_with_one(tmp_path):
    text = """
import numpy as np

class Dense:
    def __init__(self, input_size, output_size):
        self.weights, self.bias = np.ones((output_size, input_size)), np.ones((output_size, 1))

    def forward(self, x):
        self.x = x
        return self.weights @ x + self.bias

    def backward(self, grad, learning_rate):
        below = self.weights.T @ grad
        self.weights -= learning_rate * (grad @ self.x.T)
        self.bias -= learning_rate * grad
        return below
"""
    (tmp_path / "dense.py").write_text(text)
    report = grade_layer(tmp_path / "dense.py", tier="all")
    assert report.verdict == "clean" and "one example at a time" in report.checks[-1].message
    (tmp_path / "dense.py").write_text(text.replace("grad @ self.x.T", "2 * grad @ self.x.T"))
    assert "gradient-weights" in not_passed(grade_layer(tmp_path / "dense.py", tier="all"))


def test_a_class_is_no_layer_and_no_optimizer_because_it_can_be_called(tmp_path):
    (tmp_path / "engine.py").write_text("class Value:\n    def __init__(self, params): self.params = params\n"
                                        "    def backward(self): return self.params\n")
    assert grade_layer(tmp_path / "engine.py").problem == "there is no layer; there are: none"
    assert grade_optimizer(tmp_path / "engine.py").problem == "there is no optimizer; there are: none"


def test_a_name_that_is_not_there_is_met_with_those_that_are():
    report = grade_layer(HERE / "student_layers/columns.py", cls="Convolution")
    assert report.exit_code == 2 and "Dense, Tanh, MSE" in report.problem


def test_holes_are_not_finished_and_not_wrong(tmp_path):
    file = tmp_path / "holes.py"
    file.write_text("""
class Linear:
    def __init__(self, n_in, n_out):
        pass
    def forward(self, x):
        raise NotImplementedError
    def backward(self, grad):
        raise NotImplementedError
""", encoding="utf-8")
    report = grade_layer(file)
    assert report.verdict == "not finished" and report.exit_code == 2


def test_an_adapter_says_how_a_layer_of_unknown_arguments_is_made(tmp_path):
    file = tmp_path / "layer.py"
    source = (HERE / "student_layers/dictionaries.py").read_text(encoding="utf-8")
    file.write_text(source.replace("input_size, output_size):", "fan, spread, *, kind):"). replace(
        "(output_size, input_size)", "(spread, fan)").replace("np.zeros(output_size)", "np.zeros(spread)"), encoding="utf-8")
    assert "make=" in grade_layer(file, cls="Dense").checks[0].message
    assert grade_layer(file, cls="Dense", adapter="make=Dense(3, 2, kind='plain')").verdict == "clean"


def test_a_check_may_be_named_in_any_spelling_and_other_names_are_refused():
    file = HERE / "student_optimizers/one_by_one.py"
    assert {checked.group for checked in grade_optimizer(file, only=["First"]).checks} == {"first"}
    with pytest.raises(ValueError, match="did you mean 'first'"):
        grade_optimizer(file, only=["frist"])


def test_the_report_says_what_was_found_and_how_it_is_made():
    report = grade_layer(HERE / "student_layers/columns.py", only=["forward"])
    assert report.found["names"]["Dense"].startswith("Dense(") and "reads " in text(report) and "Dense" in text(report)


def test_only_some_checks_may_be_asked_for():
    file = HERE / "student_layers/columns.py"
    assert [checked.id for checked in grade_layer(file, cls="Dense", only=["gradient"]).checks] == [
        "gradient-x", "gradient-weights", "gradient-bias"]
    assert [checked.id for checked in grade_layer(file, cls="Dense", only=["gradient-bias"]).checks] == ["gradient-bias"]
    for names in ["gradient-q"], ["gradient-x", "gradient-q"]:
        assert "no check gradient-q" in grade_layer(file, only=names).problem
    with pytest.raises(ValueError, match="later"):
        grade_optimizer(HERE / "student_optimizers/lists.py", only=["last"])


def test_a_layer_of_an_unknown_kind_is_judged_by_its_own_forward(tmp_path):
    file = tmp_path / "cubes.py"
    file.write_text("""
class Cube:
    def forward(self, x):
        self.x = x
        return x ** 3
    def backward(self, grad):
        return 3 * self.x ** 2 * grad
""", encoding="utf-8")
    report = grade_layer(file, tier="all")
    assert report.verdict == "clean" and "nobody judges what Cube computes" in report.checks[0].message
    file.write_text(file.read_text(encoding="utf-8").replace("3 * self.x ** 2", "2 * self.x"), encoding="utf-8")
    assert not_passed(grade_layer(file)) == {"one", "gradient-x"}


def test_a_layer_that_nobody_knows_how_to_call_is_not_called_wrong(tmp_path):
    file = tmp_path / "cell.py"
    file.write_text("""
class Cell:
    def forward(self, x, state):
        return x + state
    def backward(self, grad):
        return grad, grad
""", encoding="utf-8")
    report = grade_layer(file)
    assert report.exit_code == 2 and [checked.status for checked in report.checks] == ["skipped"]


def test_an_optimizer_of_an_unknown_rule_is_not_called_wrong(tmp_path):
    file = tmp_path / "other.py"
    file.write_text("""
class NAdam:
    def __init__(self, params, lr):
        self.params = params
    def step(self):
        for p in self.params:
            p.data -= 1.0

class StepSchedule:
    def __init__(self, start):
        self.start = start
    def step(self):
        return self.start

def error(w, data):
    return w - data
""", encoding="utf-8")
    report = grade_optimizer(file)
    assert report.exit_code == 2 and {checked.status for checked in report.checks} == {"skipped"}
    assert {checked.title for checked in report.checks if checked.id == "several"}         # one part: the others are none


def test_what_is_wrong_in_a_loss_does_not_keep_a_network_from_being_judged():
    report = report_of(grade_layer, "the loss's mean forgotten")
    assert "forward-SingleLayerMLP" in {checked.id for checked in report.checks if checked.status == "passed"}


def test_a_layer_that_never_ends_is_stopped(tmp_path):
    from tinygrad_edu.classroom.grading.sandbox import Limits
    file = tmp_path / "hangs.py"
    file.write_text("""
class ReLU:
    def forward(self, x):
        return x * (x > 0)
    def backward(self, grad):
        while True:
            pass
""", encoding="utf-8")
    report = grade_layer(file, limits=Limits(seconds=0.5))
    assert report.exit_code == 1 and "did not end" in str([checked.message for checked in report.checks])


def test_our_own_homework_is_right():
    from tinygrad_edu.nn import matrix_layers
    report = grade_layer(matrix_layers.__file__, tier="all")
    assert not not_passed(report)
    assert {checked.id.split("-")[1] for checked in report.checks if checked.status == "passed"} == {
        "LinearMap", "ReLU", "SoftmaxCrossEntropyLoss", "SingleLayerMLP", "TwoLayerMLP"}
