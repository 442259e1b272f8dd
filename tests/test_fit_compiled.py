"""`fit` by programs: everything as by graphs, to the last bit, and the engine where a program will not do."""

import json
import math
import re
import subprocess
import sys
import warnings
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu import Value
from tinygrad_edu.learn import data, gradients
from tinygrad_edu.learn.animation import animate_training
from tinygrad_edu.learn.fit import Training, fit
from tinygrad_edu.learn.named import LOSSES, optimizers_by_name
from tinygrad_edu.nn.modules import MLP, Dropout, Layer, Module, Sequential
from tinygrad_edu.nn.optim import SGD, Adam, AdamW, RMSprop, clip_gradients_by_norm
from tinygrad_edu.nn.penalties import L1, L2
from tinygrad_edu.nn.schedules import LinearDecay

pytest.importorskip("numpy", reason="programs run on numpy: pip install numpy")
BUILT_IN = [name for name, kind in optimizers_by_name().items() if kind.__module__ == "tinygrad_edu.nn.optim"]
INPUTS = [[math.sin(3 * i + j) for j in range(3)] for i in range(24)]
CLASSES = [i * i % 3 for i in range(24)]
ONE_HOT = [[float(k == c) for k in range(3)] for c in CLASSES]
SOFT = [[0.5, 0.25, 0.25] if c else [0.0, 0.125, 0.875] for c in CLASSES]
NUMBERS = [[math.cos(i + k) for k in range(3)] for i in range(24)]
TARGETS = {"hinge": [[2 * x - 1 for x in row] for row in ONE_HOT], "kl_divergence": [[0.2, 0.3, 0.5]] * 24}
ENDS = {"nll": tg.log_softmax, "kl_divergence": tg.softmax, "brier": tg.softmax, "bce": lambda row: [tg.sigmoid(x) for x in row]}


def network(loss="cross_entropy", dropout=False, seed=0):
    middle = [Dropout(0.3, seed=seed), Dropout(0.5, inverted=False, seed=seed)] if dropout else []
    return Sequential(Layer(3, 4, "tanh", rng=seed), *middle, Layer(4, 3, rng=seed + 1), *([ENDS[loss]] if loss in ENDS else []))


def bits(model):
    return [x.hex() for x in model.state_dict().values()]


def trained(compiled, make=network, inputs=INPUTS, targets=CLASSES, **options):
    """(history, bits of the weights, the optimizer's state) of a new model; a warning is an error."""
    model = make()
    optimizer = options.pop("optimizer", "adam")
    optimizer = optimizers_by_name()[optimizer](model.parameters()) if isinstance(optimizer, str) else optimizer(model)
    options = {"epochs": 3, "batch_size": 7, "progress": False} | options
    history = fit(model, inputs, targets, optimizer=optimizer, compiled=compiled, **options)
    return history, bits(model), optimizer.state_dict()


def assert_same(**settings):
    by_graph, by_program = trained(False, **settings), trained(True, **settings)
    assert by_program == by_graph
    return by_graph


def targets_for(draw, loss):
    if loss in TARGETS:
        return TARGETS[loss]
    if loss in ("cross_entropy", "nll", "brier"):
        return draw(st.sampled_from([CLASSES, ONE_HOT, SOFT]))
    return draw(st.sampled_from([ONE_HOT, SOFT])) if loss.startswith("bce") else NUMBERS


@st.composite
def trainings(draw):
    loss = draw(st.sampled_from(sorted(LOSSES)))
    targets = targets_for(draw, loss)
    seed, dropout = draw(st.integers(0, 9)), draw(st.booleans())
    return {"loss": loss, "targets": targets, "optimizer": draw(st.sampled_from(BUILT_IN)),
            "make": lambda: network(loss, dropout, seed), "penalty": draw(st.sampled_from([None, L1(0.01), L2(0.1)])),
            "batch_size": draw(st.sampled_from([1, 7, 24, 30])), "seed": seed,
            "validation": draw(st.sampled_from([None, (INPUTS[:5], targets[:5])])),
            "schedule": draw(st.sampled_from([None, LinearDecay(0.1, steps=12)]))}


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(trainings())
def test_histories_weights_and_optimizers_are_those_of_graphs(training):
    assert_same(**training)


@pytest.mark.parametrize("optimizer", BUILT_IN)
def test_every_optimizer_steps_alike(optimizer):
    assert_same(optimizer=optimizer, make=lambda: network(dropout=True), penalty=L2(0.01), validation=(INPUTS, CLASSES))


@pytest.mark.parametrize("optimizer", [
    lambda model: SGD(model.parameters(), lr=0.1, momentum=0.9, dampening=0.5), lambda model: SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True),
    lambda model: RMSprop(model.parameters(), centered=True), lambda model: Adam(model.parameters(), amsgrad=True), lambda model: AdamW(model.parameters(), amsgrad=True),
])
def test_optimizers_with_options_step_alike(optimizer):
    assert_same(optimizer=optimizer)


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_every_loss_is_the_same(loss):
    targets = TARGETS.get(loss, CLASSES if loss in ("cross_entropy", "nll", "brier") else ONE_HOT if loss.startswith("bce") else NUMBERS)
    assert_same(loss=loss, make=lambda: network(loss), targets=targets, validation=(INPUTS[:4], targets[:4]))


@pytest.mark.parametrize(("loss", "targets"), [
    (partial(tg.cross_entropy, label_smoothing=0.1), CLASSES), (partial(tg.cross_entropy, label_smoothing=0.1, weight=[0.5, 3.0, 1.0]), SOFT),
    (partial(tg.cross_entropy, weight=[0.5, 3.0, 1.0], reduction="sum"), CLASSES), (partial(tg.bce_with_logits, pos_weight=[1.0, 2.0, 3.0], weight=0.5), SOFT),
    (partial(tg.smooth_l1, beta=0.5), NUMBERS), (partial(tg.half_squared_error, reduction="mean"), NUMBERS),
    (lambda pairs, t: tg.margin_ranking([p[0] for p in pairs], [p[1] for p in pairs], t, margin=0.5), [2.0 * (c > 0) - 1 for c in CLASSES]),
])
def test_losses_with_options_are_the_same(loss, targets):
    assert_same(loss=loss, targets=targets, validation=(INPUTS[:4], targets[:4]))


IGNORING = [-100 if i % 5 == 3 else c for i, c in enumerate(CLASSES)]


@pytest.mark.parametrize(("loss", "targets", "words"), [
    (partial(tg.cross_entropy, weight=[0.5, 3.0, 1.0]), CLASSES, r"of its own, .* for a weight of each class, write sample_weight=\[weight\[t\] for t in targets\]"),
    (partial(tg.cross_entropy, ignore_index=-100), IGNORING, "ignore_index looks for an index, and a program has only numbers: leave the examples out"),
    (partial(tg.cross_entropy, ignore_index=1, reduction="sum"), CLASSES, "ignore_index looks for an index"),
])
def test_what_a_program_cannot_weigh_goes_by_graphs_and_says_what_to_write(loss, targets, words):
    with pytest.raises(tg.TraceError, match=words):
        trained(True, loss=loss, targets=targets)
    gradients_worth, gradients.is_worth_it = gradients.is_worth_it, lambda *_: True
    try:
        with pytest.warns(UserWarning, match=f"fit goes on without compile.*{words}"):
            by_itself = trained("auto", loss=loss, targets=targets)
    finally:
        gradients.is_worth_it = gradients_worth
    assert by_itself == trained(False, loss=loss, targets=targets)


def test_a_weight_of_each_class_is_one_of_each_example():
    """Σ wᵢlᵢ / Σ wᵢ both ways; the second runs as a program."""
    weight = [0.5, 3.0, 1.0]
    by_class, _, _ = trained(False, loss=partial(tg.cross_entropy, weight=weight), batch_size=24)
    by_example, _, _ = trained(True, loss=tg.cross_entropy, sample_weight=[weight[c] for c in CLASSES], batch_size=24)
    assert by_example.loss == pytest.approx(by_class.loss, rel=1e-12)


def test_a_class_and_its_one_hot_row_give_the_same_bits():
    assert assert_same(targets=CLASSES)[:2] == assert_same(targets=ONE_HOT, loss="cross_entropy")[:2]


@pytest.mark.parametrize("targets", [[row[0] for row in NUMBERS], [[row[0]] for row in NUMBERS]], ids=["numbers", "columns"])
def test_a_single_output_is_the_same(targets):
    assert_same(make=lambda: MLP(3, [4, 1], rng=0), loss="mse", targets=targets)


def test_arrays_are_examples_too():
    numpy = pytest.importorskip("numpy")
    assert_same(inputs=numpy.array(INPUTS), targets=numpy.array(CLASSES))


class Nested(Module):
    """Takes two rows and answers with two."""

    takes_rows = False

    def __init__(self):
        self.left, self.right = Layer(2, 2, "tanh", rng=0), Layer(1, 2, rng=1)

    def forward(self, x):
        return [self.left(x[0]), [a * b for a, b in zip(self.right(x[1]), self.left(x[0]), strict=True)]]


def test_inputs_and_outputs_may_be_nested():
    inputs = [[row[:2], row[2:]] for row in INPUTS]
    assert_same(make=Nested, inputs=inputs, targets=[[row[:2], row[1:]] for row in NUMBERS], loss="mse")


class Recurrent(Module):
    """A state that takes in one number after the other, by the same weights."""

    takes_rows = False

    def __init__(self):
        self.cell, self.out = Layer(3, 2, "tanh", rng=0), Layer(2, 3, rng=1)

    def forward(self, x):
        state = [0.0, 0.0]
        for [number] in x:
            state = self.cell([*state, number])
        return self.out(state)


def test_a_recurrent_network_is_the_same():
    assert_same(make=Recurrent, inputs=[[[x] for x in row] for row in INPUTS], penalty=L2(0.1))


# ---- losses of one's own ------------------------------------------------------------------------------------------


def smoothed(predictions, targets):
    return tg.mean([tg.mul(0.9, tg.cross_entropy(p, t)) + tg.mul(0.1, tg.mean(p)) for p, t in zip(predictions, targets, strict=True)])


@pytest.mark.parametrize("loss", [smoothed, lambda p, t: tg.cross_entropy(p, t, reduction="sum"),
                                  lambda p, t: tg.div(tg.cross_entropy(p, t, reduction="sum"), 3)], ids=["mean", "sum", "quotient"])
def test_a_loss_of_ones_own_may_be_a_mean_or_a_sum(loss):
    assert_same(loss=loss, validation=(INPUTS[:4], CLASSES[:4]))


def test_a_loss_that_changes_its_mind_is_asked_in_every_batch():
    def make_loss():
        calls = []

        def loss(predictions, targets):
            calls.append(None)
            return tg.cross_entropy(predictions, targets, reduction="mean" if len(calls) < 20 else "sum")
        return loss
    by_graph, by_program = trained(False, loss=make_loss(), epochs=9), trained(True, loss=make_loss(), epochs=9)
    assert by_graph[0].loss[:2] == by_program[0].loss[:2] and max(by_program[0].loss) > 4 > max(by_program[0].loss[:2])


@pytest.mark.parametrize("loss", [lambda p, t: sum(tg.mse(a, b) for a, b in zip(p, t, strict=True)) / len(p),
                                  lambda p, t: tg.mean([tg.mse(p[0], t[0]), *[tg.mse(a, b) * 2 for a, b in zip(p, t, strict=True)][1:]])],
                         ids=["no mean", "not alike"])
def test_a_loss_that_is_no_mean_of_the_examples_goes_by_graphs(loss):
    with pytest.raises(tg.TraceError, match="examples"):
        trained(True, loss=loss, targets=NUMBERS)


# ---- what else happens in a training --------------------------------------------------------------------------------


class Clipped(SGD):
    def step(self):
        clip_gradients_by_norm(self.parameters, 0.125)
        super().step()


class OneByOne(tg.Optimizer):
    def step_for(self, g, memory, at):
        return math.copysign(at.lr, g)


@pytest.mark.parametrize("kind", [Clipped, OneByOne])
def test_optimizers_of_ones_own_see_the_gradients(kind):
    assert_same(optimizer=lambda model: kind(model.parameters(), lr=0.05))


def test_groups_and_frozen_parameters_are_the_same():
    def grouped(model):
        weights, biases = model.parameters(biases=False), model.parameters(weights=False)
        return Adam([{"params": weights, "weight_decay": 0.1}, {"params": biases, "lr": 0.2}], lr=0.01)

    def half_frozen():
        model = network()
        model.steps[0].freeze()
        return model
    assert_same(optimizer=grouped, make=half_frozen)


def grow(history, model):
    if len(history) == 2:
        model.steps.append(Layer(3, 3, rng=5))


def freeze(history, model):
    model.steps[0].freeze(len(history) % 2 == 1)


def shrink(history, model):
    for parameter in model.parameters():
        parameter.data *= 0.5


def stay_calm(history, model):
    model.steps[1].p = 0.9 if len(history) > 1 else 0.1


def go_to_evaluation(history, model):
    model.train(len(history) % 2 == 0)


@pytest.mark.parametrize("callback", [grow, freeze, shrink, stay_calm, go_to_evaluation])
def test_callbacks_may_change_the_model(callback):
    assert_same(callbacks=callback, make=lambda: network(dropout=True), epochs=5, validation=(INPUTS[:4], CLASSES[:4]))


class Warming(Module):
    """Has a weight more once it is warm."""

    def __init__(self, is_warm):
        self.inner, self.factor, self.is_warm = network(), Value(2.0), is_warm

    def forward(self, x):
        return [tg.mul(self.factor if self.is_warm() else 1.0, y) for y in self.inner(x)]


def test_a_model_with_code_of_its_own_is_looked_at_after_each_epoch(monkeypatch):
    def run(compiled):
        steps = []
        return trained(compiled, make=lambda: Warming(lambda: len(steps) > 3), epochs=6, batch_size=24,
                       schedule=lambda step: steps.append(step) or 0.1)
    expected = run(False)
    assert run(True) == expected
    monkeypatch.setattr(gradients.Gradients, "look_again", lambda self: None)
    assert run(True) != expected


def test_a_penalty_of_ones_own_counts():
    assert_same(penalty=lambda weights: L1(0.01)(weights) + tg.mul(weights[0], weights[1]))


def test_patience_ends_a_training_at_the_same_epoch():
    history, *_ = assert_same(patience=2, epochs=60, validation=(INPUTS[:6], [2, 1, 0, 2, 1, 0]))
    assert history.stopped == "early"


@pytest.mark.parametrize("modes", [(True, False), (False, True), (True, True)])
def test_a_training_is_resumed_in_either_mode_from_the_same_file(tmp_path, modes):
    def run(compiled, epochs, file, model):
        return fit(model, INPUTS, CLASSES, epochs=epochs, batch_size=7, checkpoint=file, compiled=compiled, progress=False)
    whole, parts = network(dropout=True), network(dropout=True)
    history = run(False, 4, tmp_path / "whole.json", whole)
    run(modes[0], 2, tmp_path / "parts.json", parts)
    assert run(modes[1], 4, tmp_path / "parts.json", network(dropout=True)) == history
    assert (tmp_path / "parts.json").read_bytes() == (tmp_path / "whole.json").read_bytes()
    assert json.loads((tmp_path / "whole.json").read_text())["steps"] == 16


class Watcher:
    """Keeps what it is told of every step, as numbers."""

    def __init__(self):
        self.kept = []

    def __call__(self, history, model):
        return None

    def after_step(self, step):
        predictions = [[(y.data.hex(), y.grad.hex()) for y in row] for row in step.predictions]
        self.kept.append((step.epoch, step.batch, predictions, step.loss.hex(), step.before,
                          [(p.data.hex(), p.grad.hex()) for p in step.optimizer.parameters]))


def test_whoever_watches_the_steps_is_told_the_same():
    watchers = [Watcher(), Watcher()]
    for watcher, compiled in zip(watchers, (False, True), strict=True):
        trained(compiled, make=lambda: network(dropout=True), callbacks=[watcher], penalty=L2(0.1))
    assert watchers[0].kept == watchers[1].kept and len(watchers[0].kept) == 12


def test_predictions_of_a_step_that_is_over_are_refused_unless_they_were_kept():
    late, kept = [], []

    class Keeper(Watcher):
        def after_step(self, step):
            late.append(step.predictions)
            kept.append(list(step.predictions) if len(kept) < 6 else None)
    trained(True, callbacks=[Keeper()])
    assert all(len(predictions) in (3, 7) for predictions in kept[:6]) and len(late[1]) == 7
    for predictions in late[6:]:
        with pytest.raises(RuntimeError, match=r"list\(step\.predictions\)"):
            len(predictions)


def test_a_training_to_be_watched_is_the_same_page():
    pages = [animate_training(MLP(2, [4, 2], rng=0), data.xor(20), epochs=4, frames=2, resolution=4, progress=False, compiled=compiled)
             for compiled in (False, True)]
    assert pages[0].html == pages[1].html


# ---- where a program will not do ------------------------------------------------------------------------------------


class Looking(Module):
    """Looks at a number."""

    def __init__(self):
        self.inner = network()

    def forward(self, x):
        answer = self.inner(x)
        return [y * 2 if y.data > 0 else y for y in answer]


class Uneven(Module):
    """Takes rows of any length."""

    def __init__(self):
        self.w = Value(1.0)

    def forward(self, x):
        return [self.w * tg.sum(x), self.w, tg.mul(self.w, 2.0)]


def all_of_it_pays(monkeypatch):
    monkeypatch.setattr(gradients, "EDGES", 0)
    monkeypatch.setattr(gradients, "EXAMPLES", 0)


def looking_rows():
    return INPUTS[:20] + [[1.0, 2.0]] * 4


@pytest.mark.parametrize(("make", "inputs", "words"), [(Looking, INPUTS, r"\.data.*test_fit_compiled\.py"), (Uneven, looking_rows(), "built alike")])
def test_a_model_that_is_no_program_is_trained_by_graphs_and_one_line_says_why(monkeypatch, make, inputs, words):
    all_of_it_pays(monkeypatch)
    with pytest.warns(UserWarning, match=words) as caught:
        found = trained("auto", make=make, inputs=inputs)
    assert found == trained(False, make=make, inputs=inputs)
    assert len(caught) == 1 and "\n" not in str(caught[0].message)
    with pytest.raises(tg.TraceError, match=words):
        trained(True, make=make, inputs=inputs)


def test_a_loss_that_treats_classes_in_a_way_of_its_own_is_left_to_graphs(monkeypatch):
    def doubled(predictions, targets):
        return tg.mean([tg.cross_entropy(p, t) * (2.0 if t == 1 else 1.0) for p, t in zip(predictions, targets)])
    all_of_it_pays(monkeypatch)
    classes = [0] * 16 + [1] * 24                       # a first batch may show no class 1
    found = []
    for batch_size, wanted in ((2, "auto"), (2, False), (40, "auto"), (40, False)):
        model, rows = MLP(2, [4, 2], rng=0), [[k / 40, (k % 7) / 7] for k in range(40)]
        options = {"loss": doubled, "epochs": 2, "batch_size": batch_size, "progress": False, "compiled": wanted}
        if wanted:
            with pytest.warns(UserWarning, match="treats classes in a way of its own") as caught:
                history = fit(model, rows, classes, **options)
            assert len(caught) == 1
        else:
            history = fit(model, rows, classes, **options)
        found.append((history.loss, [p.data for p in model.parameters()]))
    assert found[0] == found[1] and found[2] == found[3]
    with pytest.raises(tg.TraceError, match="treats classes"):
        fit(MLP(2, [4, 2], rng=0), rows, classes, **options | {"compiled": True})


def test_the_warning_names_the_line_that_calls_fit(monkeypatch):
    all_of_it_pays(monkeypatch)
    with pytest.warns(UserWarning, match="compile") as caught:
        fit(Looking(), INPUTS, CLASSES, epochs=1, progress=False)
    assert caught[0].filename == __file__


def test_a_program_with_one_wrong_bit_is_not_used(monkeypatch):
    from tinygrad_edu.learn.by_program import Steps
    all_of_it_pays(monkeypatch)
    honest = Steps.__call__

    def off(self, batch):
        learnt = honest(self, batch)
        gradients = learnt.gradients.copy()
        gradients[-1] = math.nextafter(gradients[-1], math.inf)
        return learnt._replace(gradients=gradients)
    monkeypatch.setattr(Steps, "__call__", off)
    with pytest.warns(UserWarning, match="gradient"):
        found = trained("auto")
    assert found == trained(False)
    with pytest.raises(ArithmeticError, match="gradient"):
        trained(True)


@pytest.mark.parametrize("wrong", ["loss", "answers"])
def test_a_program_with_another_loss_or_answer_is_not_used(monkeypatch, wrong):
    from tinygrad_edu.learn.by_program import Steps
    honest = Steps.__call__
    others = {"loss": lambda learnt: math.nextafter(learnt.loss, math.inf), "answers": lambda learnt: learnt.answers[::-1]}
    monkeypatch.setattr(Steps, "__call__", lambda self, batch: (learnt := honest(self, batch))._replace(**{wrong: others[wrong](learnt)}))
    with pytest.raises(ArithmeticError, match="loss"):
        trained(True)


def test_a_training_that_explodes_says_the_same(monkeypatch):
    def said(compiled):
        model = network()
        with pytest.raises((tg.DomainError, tg.GradientError)) as caught:
            fit(model, INPUTS, NUMBERS, loss="mse", optimizer="sgd", lr=1e5, epochs=200, compiled=compiled, progress=False)
        return type(caught.value), str(caught.value), bits(model), [p.grad for p in model.parameters()]
    assert said(True) == said(False)


def test_probabilities_that_do_not_add_up_are_refused_by_programs_too():
    class Raw(Module):
        def __init__(self):
            self.w = [Value(0.0), Value(0.0)]

        def forward(self, x):
            return [0.5 + self.w[0] * x[0], 0.5 - self.w[1] * x[0] * x[0]]
    for compiled in (False, True):
        with pytest.raises(ValueError, match="sum to"):
            fit(Raw(), INPUTS, [c % 2 for c in CLASSES], loss="brier", optimizer="sgd", lr=0.1, compiled=compiled, progress=False)


def test_a_class_that_is_none_is_refused_as_before():
    for compiled in (False, True):
        with pytest.raises(IndexError, match=r"target 3, but 3 classes"):
            trained(compiled, targets=[*CLASSES[:-1], 3])


def test_an_interruption_ends_a_training_between_steps():
    def stop(history, model):
        if len(history) == 2:
            raise KeyboardInterrupt
    history, *_ = assert_same(callbacks=stop, epochs=5)
    assert history.stopped == "interrupted"


@pytest.mark.parametrize("compiled", [1, 0, None, "yes", "True"])
def test_another_word_for_compiled_is_refused(compiled):
    with pytest.raises(ValueError, match=re.escape(f"compiled={compiled!r}")):
        trained(compiled)


# ---- when it pays -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [[4, 8, 3], [30, 40, 10]])
def test_more_examples_or_larger_networks_pay_sooner(sizes):
    prediction = [MLP(sizes[0], sizes[1:], rng=0)([0.5] * sizes[0])]
    enough = next(n for n in (2 ** k for k in range(40)) if gradients.is_worth_it(prediction, n))
    larger = [MLP(sizes[0], [2 * n for n in sizes[1:]], rng=0)([0.5] * sizes[0])]
    assert enough > 1 and gradients.is_worth_it(larger, enough) and not gradients.is_worth_it(prediction, enough // 2)


def test_a_few_steps_load_no_numpy():
    script = ("import sys; from tinygrad_edu import MLP, data; from tinygrad_edu.learn.fit import fit\n"
              "d = data.xor(40); fit(MLP(2, [8, 2], rng=0), d.inputs, d.targets, epochs=20, progress=False)\n"
              "print('tinygrad_edu.learn.by_program' in sys.modules)")
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.parametrize("platform, told", [("linux", 1), ("emscripten", 0)])
def test_without_numpy_one_line_says_how_to_get_it_but_not_in_a_browser(platform, told):
    script = ("import sys, warnings; sys.modules['numpy'] = None\n"
              "from tinygrad_edu import MLP, data; from tinygrad_edu.learn import gradients\n"
              "from tinygrad_edu.learn.fit import fit\n"
              f"gradients.EDGES = gradients.EXAMPLES = 0; sys.platform = {platform!r}\n"
              "d = data.xor(20); fit(MLP(2, [3, 2], rng=0), d.inputs, d.targets, epochs=2, progress=False)\n")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.count("pip install") == done.stderr.count("UserWarning") == told


def test_a_long_training_is_compiled_and_a_short_one_is_not():
    def prefers_programs(epochs):
        taken = []

        class Noted(Adam):
            def step(self):
                taken.append("tinygrad_edu.learn.by_program" in sys.modules)
                super().step()
        model = MLP(8, [32, 8], rng=0)
        inputs = [[math.sin(i * j) for j in range(8)] for i in range(100)]
        training = Training(model, inputs, [i % 8 for i in range(100)], optimizer=Noted(model.parameters()), epochs=epochs)
        training.model.train()
        training.one_epoch()
        return bool(training.gradients.program)
    assert [prefers_programs(epochs) for epochs in (1, 1000)] == [False, True]


def test_the_command_leaves_grey_values_as_they_are_and_learns_digits():
    pytest.importorskip("sklearn", reason="the digits come from scikit-learn")
    from tinygrad_edu.cli import argument_parser
    from tinygrad_edu.cli_train import examples_of, scales_of, train
    from tinygrad_edu.learn.data import scaled, split
    args = argument_parser().parse_args(["train", "digits", "--hidden", "32", "--epochs", "2"])
    training, validation = split(examples_of(args), args.validation, args.seed)
    scales = scales_of(training.inputs)
    assert scaled(training.inputs, scales) == training.inputs and len(training) + len(validation) == 1797
    history = train(args, MLP(64, [32, 10], rng=0), training, validation, scales, None)
    assert history.validation_accuracy[-1] > 0.8


def test_no_warning_where_all_is_well(monkeypatch):
    all_of_it_pays(monkeypatch)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert trained("auto", validation=(INPUTS, CLASSES)) == trained(False, validation=(INPUTS, CLASSES))


# ---- batches that are too large for a graph


def test_of_a_first_batch_only_a_few_examples_become_a_graph(monkeypatch):
    asked, by_graph = [], gradients.ByGraph.__call__

    def noted(self, batch):
        asked.append(len(batch))
        return by_graph(self, batch)
    settings = {"inputs": INPUTS * 3, "targets": CLASSES * 3, "batch_size": len(INPUTS) * 3}
    expected = trained(False, **settings)
    monkeypatch.setattr(gradients.ByGraph, "__call__", noted)
    assert trained(True, **settings) == expected and asked == [gradients.COMPARED] and len(INPUTS) * 3 > gradients.COMPARED


def test_a_batch_too_large_for_a_graph_has_the_error_of_the_engine_or_is_refused(monkeypatch):
    def outcome(compiled):
        with pytest.raises((ArithmeticError, ValueError, MemoryError)) as caught:
            trained(compiled, inputs=INPUTS * 3, targets=CLASSES * 3, batch_size=len(INPUTS) * 3, epochs=9,
                    optimizer=lambda model: SGD(model.parameters(), lr=1e308))
        return type(caught.value), str(caught.value)
    expected = outcome(False)
    monkeypatch.setattr(gradients, "LARGEST", 0)
    assert outcome(True) == expected
    with tg.errstate(all="ignore"):
        kind, words = outcome(True)
    assert kind is MemoryError and f"make batch_size {len(INPUTS) * 3} smaller" in words
