"""Training: the loop's order, its bits, its ends, and what is told from it."""

import json
import math
import os
import pickle
import re
import subprocess
import sys

import pytest
from command import run
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu import Value
from tinygrad_edu.learn import data
from tinygrad_edu.learn.fit import fit
from tinygrad_edu.learn.history import GAP, LOW, History, diagnosed, in_decimals, percent
from tinygrad_edu.learn.named import loss_for, optimizers_by_name
from tinygrad_edu.learn.sanity import Report, check_training, losses_in_words
from tinygrad_edu.nn.losses import cross_entropy, mse
from tinygrad_edu.nn.modules import MLP, Dropout, Layer, Module, Sequential
from tinygrad_edu.nn.optim import SGD, Adam
from tinygrad_edu.nn.penalties import L1, L2
from tinygrad_edu.nn.rates import verdicts
from tinygrad_edu.nn.schedules import LinearDecay

DATA = data.xor(40, 0.1, seed=0)


def model(seed=0, **options):
    return MLP(2, [4, 2], rng=seed, **options)


def trained(epochs=3, seed=0, network=None, **options):
    network = network or model()
    return network, fit(network, DATA.inputs, DATA.targets, epochs=epochs, seed=seed, progress=False, **options)


def bits(network):
    return [x.hex() for x in network.state_dict().values()]


@pytest.mark.smoke
def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    first, history = trained()
    second, again = trained()
    assert bits(first) == bits(second) and history == again
    assert bits(trained(seed=1)[0]) != bits(first)


SCRIPT = """
from tinygrad_edu.learn import data
from tinygrad_edu.learn.fit import fit
from tinygrad_edu.nn.modules import MLP, Dropout, Layer, Sequential
d = data.spirals(40, seed=0)
m = Sequential(Layer(2, 6, "relu", rng=0), Dropout(0.2), Layer(6, 2, rng=1))
fit(m, d.inputs, d.targets, epochs=2)
print([x.hex() for x in m.state_dict().values()])
"""


def test_weights_are_the_same_bits_in_every_process_and_for_every_hash_seed():
    found = {subprocess.run([sys.executable, "-c", SCRIPT], env={**os.environ, "PYTHONSAFEPATH": "1", "PYTHONHASHSEED": seed},
                            capture_output=True, text=True, check=True).stdout for seed in ("0", "1", "77")}
    assert len(found) == 1


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam", "adamw", "rmsprop"])
def test_training_taken_up_again_gives_the_bits_of_one_without_a_break(optimizer, tmp_path):
    def network():
        return Sequential(Layer(2, 6, "tanh", rng=0), Dropout(0.3, seed=3), Layer(6, 2, rng=1))
    whole, history = trained(6, network=network(), optimizer=optimizer, schedule=LinearDecay(0.1, 30))
    path = tmp_path / "run.json"
    options = {"optimizer": optimizer, "schedule": LinearDecay(0.1, 30), "checkpoint": path}
    trained(2, network=network(), **options)
    resumed, again = trained(6, network=network(), **options)
    assert bits(resumed) == bits(whole) and again.loss == history.loss and again.lr == history.lr
    with pytest.raises(ValueError, match="was made with seed 0, not 5"):
        trained(6, network=network(), **{**options, "seed": 5})
    path.write_text("{}")
    with pytest.raises(ValueError, match="not a whole checkpoint of fit"):
        trained(6, network=network(), **options)


class Recorder(Module):
    """A model that writes down what happens to it."""

    def __init__(self, events):
        self.w, self.events = Value(1.0), [events]

    def members(self):
        yield "w", self.w

    def forward(self, x):
        self.events[0].append("forward")
        return self.w * x[0]


@pytest.mark.smoke
def test_d000_the_loop_does_the_lectures_steps_in_order():
    """zerograd, forward, loss, backward, step, for each batch; document 004 leaves the reset out."""
    events = []
    network = Recorder(events)

    class Noted(SGD):
        def zero_grad(self):
            events.append("zerograd")
            super().zero_grad()

        def step(self):
            events.append("backward" if network.w.grad else "no gradient")
            events.append("step")
            super().step()

    def loss(predictions, targets):
        events.append("loss")
        return mse(predictions, targets)
    fit(network, [[1.0], [2.0]], [2.0, 3.0], loss=loss, optimizer=Noted([network.w], lr=0.01), epochs=2, batch_size=1, progress=False)
    assert events == ["zerograd", "forward", "loss", "backward", "step"] * 4


def test_batches_cover_every_example_once_an_epoch_in_an_order_of_their_own():
    seen = []

    class Looking(Module):
        def __init__(self):
            self.w = Value(1.0)

        def forward(self, x):
            seen.append(x[0])
            return self.w * x[0]
    fit(Looking(), [[float(i)] for i in range(10)], [0.5] * 10, epochs=3, batch_size=4, progress=False)
    epochs = [seen[i:i + 10] for i in (0, 10, 20)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs) and epochs[0] != epochs[1] != epochs[2]


@pytest.mark.smoke
def test_a_network_learns_xor():
    network, history = trained(60, lr=0.05, network=MLP(2, [8, 2], rng=0))
    assert history.accuracy[-1] == 1.0 and history.loss[-1] < 0.1 * history.loss[0] and history.stopped == "epochs"
    assert not network.training


def test_a_regression_and_a_single_score():
    network = MLP(1, [8, 1], rng=0)
    sine = data.noisy_sine(40, 0.0, seed=0)
    history = fit(network, sine.inputs, sine.targets, epochs=60, lr=0.02, progress=False)
    assert history.loss[-1] < 0.2 * history.loss[0] and history.accuracy == []
    score = MLP(2, [6, 1], rng=0)
    history = fit(score, DATA.inputs, DATA.targets, loss="bce_with_logits", epochs=60, lr=0.05, progress=False)
    assert history.accuracy[-1] > 0.95


def test_validation_schedule_penalty_and_callbacks():
    seen = []
    network, history = trained(4, validation=(DATA.inputs[:10], DATA.targets[:10]), schedule=LinearDecay(0.1, 10, 0.001), penalty=L2(0.1),
                               callbacks=[lambda h, m: seen.append(len(h)), lambda h, m: len(h) == 3])
    assert history.stopped == "callback" and seen == [1, 2, 3]
    assert len(history.validation_loss) == len(history.validation_accuracy) == len(history.lr) == 3
    assert history.lr == sorted(history.lr, reverse=True)
    plain = trained(3)[0]
    assert sum(w * w for w in network.state_dict().values()) < sum(w * w for w in plain.state_dict().values())


def test_early_stopping_waits_for_its_patience():
    _, history = trained(20, lr=1e-6, patience=3, validation=(DATA.inputs, DATA.targets))
    assert history.stopped == "epochs" and history.validation_loss == sorted(history.validation_loss, reverse=True)
    _, history = trained(50, lr=5.0, optimizer="sgd", patience=2, validation=(DATA.inputs, DATA.targets))
    assert history.stopped == "early" and len(history) == history.validation_loss.index(min(history.validation_loss)) + 1 + 2


def test_ctrl_c_returns_the_history_so_far():
    def interrupt(history, model):
        if len(history) == 2:
            raise KeyboardInterrupt
    _, history = trained(10, callbacks=[interrupt])
    assert len(history) == 2 and history.stopped == "interrupted"


def test_d003_the_running_loss_keeps_graphs_alive_and_floats_do_not():
    """The lecture's running sum of losses: as a Value it keeps every step's graph, as a float none."""
    def steps(keep):
        network, running, counts, computed = model(), 0.0, [], 0
        for _ in range(4):
            loss = cross_entropy([network(x) for x in DATA.inputs[:4]], DATA.targets[:4])
            running = running + keep(loss)
            computed = sum(bool(node.parents) for node in tg.topological_order(loss))
            del loss
            counts.append(tg.live_values())
        return counts[-1] - counts[0], computed
    (leaked, computed), (kept, _) = steps(lambda loss: loss), steps(lambda loss: loss.data)
    assert leaked >= 3 * computed > 0 == kept


def test_d003_running_loss_prints():
    """`running_loss = 0.0` stands before the epochs: what is left of one is printed in the next, 1.5 for 1.0."""
    printed, running = [], 0.0
    for epoch in range(2):
        for i in range(25):
            running += 1.0
            if i % 10 == 9:
                printed.append((epoch, i, running / 10))
                running = 0.0
    assert printed == [(0, 9, 1.0), (0, 19, 1.0), (1, 9, 1.5), (1, 19, 1.0)]


def test_fit_leaves_no_graph_behind():
    network = model()
    fit(network, DATA.inputs, DATA.targets, epochs=1, progress=False)
    before = tg.live_values()
    fit(network, DATA.inputs, DATA.targets, epochs=2, progress=False)
    assert tg.live_values() == before


@pytest.mark.parametrize(("here", "there", "advice"), [
    (0.99, 0.7, "overfitting.*increase regularization strength"), (0.8, 0.79, "underfitting.*increase model capacity"),
    (0.99, 0.98, "a good fit"), (0.95, 0.95 - GAP - 0.01, "overfitting"),
    (0.55, 0.40, "underfitting: training accuracy 0.55, validation 0.40; increase model capacity, or train longer"),    # it was "overfitting"
    (0.40, 0.55, "underfitting"), (0.86, 1.0, "a good fit"), (0.85, 0.4, "overfitting"), (1.0, 0.0, "overfitting"), (0.0, 0.0, "underfitting"),
    (0.9, 0.7999999999, r"overfitting: training accuracy 0\.9000000000, validation 0\.7999999999"),
    (0.89999, 0.95, "a good fit"), (0.9999, 0.9999, r"a good fit: training accuracy 0\.9999, validation 0\.9999"),
])
def test_d001_the_gap_between_training_and_validation(here, there, advice):
    assert re.match(advice, History(loss=[0.1], accuracy=[here], validation_accuracy=[there]).diagnosis())
    assert "no diagnosis" in History(loss=[0.1]).diagnosis()


@given(st.floats(0, 1), st.floats(0, 1))
def test_every_diagnosis_follows_from_the_numbers_it_shows(here, there):
    word = diagnosed(here, there)
    text = History(loss=[0.1], accuracy=[here], validation_accuracy=[there]).diagnosis()
    shown = [float(number) for number in re.fullmatch(r"(?:.*): training accuracy (\S+), validation ([^;]+)(?:;.*)?", text).groups()]
    assert text.startswith(word) and diagnosed(*shown) == word
    assert [x in (0.0, 1.0) for x in shown] == [x in (0.0, 1.0) for x in (here, there)]
    if word == "overfitting":
        assert there < here and diagnosed(here, here) != "overfitting" and diagnosed(here, 0.0) == "overfitting"
    if word == "underfitting":
        assert max(here, there) < LOW and diagnosed(1.0, there) != "underfitting"
    assert diagnosed(here, 1.0) == "a good fit"


def test_all_is_said_only_where_it_is_all():
    assert [percent(share) for share in (1.0, 0.0, 0.5, 2999 / 3000, 1 / 30_000)] == ["100.0%", "0.0%", "50.0%", "99.97%", "0.003%"]
    assert [in_decimals(share, 3) for share in (1.0, 0.0, 0.5, 2999 / 3000)] == ["1.000", "0.000", "0.500", "0.9997"]


def test_the_lectures_checks_before_a_training():
    report = check_training(MLP(2, [8, 2], rng=0), DATA.inputs, DATA.targets)
    assert isinstance(report, Report) and report and len(report) == 4
    text = str(report)
    for words in ("0.6931", "learned by heart", "1000 exploding", "1e-06 too low", "good"):
        assert words in text
    spoilt = MLP(2, [8, 2], rng=0)
    for parameter in spoilt.layers[1].parameters():
        parameter.data *= 300.0
    assert not check_training(spoilt, DATA.inputs, DATA.targets) and "BAD  first loss" in str(check_training(spoilt, DATA.inputs, DATA.targets))


def test_descent_on_x_plus_y_times_z_has_no_end():
    """Document 001 annotates batch descent with (x + y) z, which is unbounded below: it never converges."""
    x, y, z = Value(-2.0), Value(5.0), Value(-4.0)
    optimizer, seen = SGD([x, y, z], lr=0.1), []
    for _ in range(4):
        optimizer.zero_grad()
        f = (x + y) * z
        f.backward()
        seen.append(f.data)
        optimizer.step()
    assert seen == pytest.approx([-12.0, -16.34, -21.8088, -28.797016], rel=1e-12) and seen == sorted(seen, reverse=True)


@pytest.mark.parametrize(("options", "error", "words"), [
    ({"epochs": -1}, ValueError, "epochs .* got -1"), ({"epochs": 2.0}, TypeError, "got 2.0"), ({"seed": 1.5}, TypeError, "seed must be a whole number, not float: got 1.5"), ({"batch_size": 0}, ValueError, "batch_size .* got 0"),
    ({"patience": 0}, ValueError, "patience"), ({"loss": "msee"}, ValueError, "unknown loss 'msee': did you mean 'mse'. The names are .*mse"),
    ({"optimizer": "adma"}, ValueError, "unknown optimizer 'adma': did you mean 'adam'. The names are .*adam"), ({"lr": -1.0}, ValueError, "-1"),
    ({"validation": ([], [])}, ValueError, "no validation examples"), ({"validation": ([[1.0, 2.0]], [])}, ValueError, "1 inputs, 0 targets"),
])
def test_bad_settings_are_named_and_the_model_is_untouched(options, error, words):
    network = model()
    before = bits(network)
    with pytest.raises(error, match=words):
        trained(network=network, **options)
    assert bits(network) == before
    with pytest.raises(ValueError, match="2 inputs, 1 targets"):
        fit(network, [[0.0, 0.0]] * 2, [0])
    with pytest.raises(ValueError, match="give lr to the optimizer itself"):
        trained(network=network, optimizer=Adam(network.parameters()), lr=0.1)


def test_the_progress_bar_shows_loss_accuracy_and_rate(capsys):
    trained(2, validation=(DATA.inputs, DATA.targets))
    assert capsys.readouterr().err == ""
    fit(model(), DATA.inputs, DATA.targets, epochs=2, progress=True)
    shown = capsys.readouterr().err
    assert "loss" in shown and "accuracy" in shown and "lr" in shown


def test_train_and_predict_on_the_command_line(tmp_path):
    output, *_ = run("train", "xor", "--hidden", "8", "--epochs", "60", "--lr", "0.05", "--save", "m.json", "--check", cwd=tmp_path)
    assert "accuracy: training 100.0%" in output and "wrote m.json" in output and "ok   first loss" in output
    assert json.loads((tmp_path / "m.json").read_text())["about"]["sizes"] == [8, 2]
    output, *_ = run("predict", "m.json", "1.0", "-0.02", cwd=tmp_path)
    assert len(output.splitlines()) == 3
    assert sum(float(line.split()[-1]) for line in output.splitlines()[1:]) == pytest.approx(1.0, abs=1e-3)


def test_train_on_a_csv_file(tmp_path):
    rows = "\n".join(f"{i % 7},{-i % 5},{'yes' if (i % 7) > 3 else 'no'}" for i in range(80))
    (tmp_path / "t.csv").write_text(f"a,b,answer\n{rows}\n")
    output, *_ = run("train", "t.csv", "--label", "answer", "--hidden", "4", "--epochs", "40", "--lr", "0.05", "--save", "t.json", cwd=tmp_path)
    assert "validation 100.0%" in output
    assert run("predict", "t.json", "6", "0", cwd=tmp_path)[0].startswith("yes")
    (tmp_path / "r.csv").write_text("x,y\n" + "\n".join(f"{i / 40},{math.sin(i / 10)}" for i in range(40)))
    output, *_ = run("train", "r.csv", "--label", "y", "--hidden", "6", "--epochs", "5", "--save", "r.json", cwd=tmp_path)
    assert "accuracy" not in output
    assert math.isfinite(float(run("predict", "r.json", "0.5", cwd=tmp_path)[0]))


@pytest.mark.parametrize(("arguments", "words"), [
    (["train", "mars"], "neither a CSV file nor one of moons"), (["train", "none.csv", "--label", "y"], "none.csv"), (["train", "t.csv"], "give --label"),
    (["train", "xor", "--label", "y"], "--label is for CSV"), (["train", "xor", "--hidden", "0"], "got 0"), (["train", "xor", "--activation", "tahn"], "unknown activation"),
    (["train", "xor", "--epochs", "-1"], "got -1"), (["train", "xor", "--lr", "-1"], "lr"), (["train", "xor", "--optimizer", "adma"], "adma"),
    (["predict", "none.json", "1"], "no such file"), (["train", "xor", "--epochs", "1", "--plot", "a.gif"], ".svg, .png or .pdf"), (["train", "xor", "--bogus"], "bogus"),
])
def test_mistakes_on_the_command_line_get_one_line(arguments, words, tmp_path):
    _, errors, code = run(*arguments, cwd=tmp_path, check=False)
    assert code in (1, 2) and words in errors and "Traceback" not in errors


def test_a_missing_extra_is_named_with_its_install_command():
    code = ("import sys; sys.modules['sklearn'] = None; sys.modules['matplotlib'] = None; from tinygrad_edu.cli import main; "
            "sys.exit(main(['train', 'digits']) + 10 * main(['train', 'xor', '--epochs', '1', '--plot', 'a.png']))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 11 and "Traceback" not in done.stderr
    assert "pip install numpy scikit-learn\n" in done.stderr and "pip install matplotlib\n" in done.stderr


# ---- what a reader with fresh eyes found


@pytest.mark.parametrize(("options", "accuracy"), [
    ({"loss": "bce", "network": MLP(2, [6, 1], output_activation="sigmoid", rng=0)}, 1.0),
    ({"loss": "bce_with_logits", "network": MLP(2, [6, 1], rng=0)}, 1.0), ({"loss": "cross_entropy", "network": MLP(2, [6, 2], rng=0)}, 1.0),
])
def test_accuracy_knows_what_the_loss_takes(options, accuracy):
    assert trained(80, lr=0.05, **options)[1].accuracy[-1] == pytest.approx(accuracy, abs=0.03)


def test_a_regression_on_whole_numbers_has_no_accuracy_and_one_output_is_no_two_classes():
    network = MLP(1, [1], rng=0)
    assert fit(network, [[1.0], [2.0]], [2, 4], loss="mse", epochs=2, progress=False).accuracy == []
    with pytest.raises(ValueError, match=r'one output, but the targets are classes.*loss="bce_with_logits"'):
        fit(network, [[1.0], [2.0]], [0, 1])


def test_a_run_that_stopped_early_stays_stopped(tmp_path):
    options = {"lr": 5.0, "optimizer": "sgd", "patience": 2, "checkpoint": tmp_path / "run.json"}
    first, history = trained(50, **options)
    again, resumed = trained(50, **options)
    assert history.stopped == resumed.stopped == "early" and bits(first) == bits(again) and len(resumed) == len(history)


def test_a_checkpoint_of_something_else_is_refused_and_nothing_is_changed(tmp_path):
    path = tmp_path / "run.json"
    trained(1, checkpoint=path)
    network = model(seed=9)
    before = bits(network)
    for options, words in (({"optimizer": "sgd"}, "optimizer 'Adam', not 'SGD'"), ({"loss": "nll"}, "loss")):
        with pytest.raises(ValueError, match=words):
            trained(2, network=network, checkpoint=path, **options)
    with pytest.raises(ValueError, match="made with examples"):
        fit(network, DATA.inputs[:20], DATA.targets[:20], checkpoint=path, progress=False)
    with pytest.raises(ValueError, match="not a checkpoint of this model"):
        trained(2, network=MLP(2, [3, 2], rng=0), checkpoint=path)
    path.write_text(path.read_text().replace('"steps": ', '"steps": 1'))
    with pytest.raises(ValueError, match="checksum"):
        trained(2, network=network, checkpoint=path)
    assert bits(network) == before


def test_ctrl_c_ends_all_checks(monkeypatch):
    monkeypatch.setattr("tinygrad_edu.learn.sanity.fit", lambda *a, **k: History(stopped="interrupted"))
    with pytest.raises(KeyboardInterrupt):
        check_training(model(), DATA.inputs, DATA.targets)


def test_a_first_batch_without_a_gradient_is_a_step_like_others():
    history = fit(MLP(1, [1], rng=0), [[0.0], [1.0]], [-1, 1], loss="hinge", epochs=3, batch_size=1, lr=0.5, progress=False)
    assert len(history) == 3
    met, start = MLP(1, [1], rng=0), 2.0                    # 2x + 0: both examples are on their sides
    [neuron] = met.layers[0].neurons
    neuron.w[0].data = start
    optimizer = SGD(met.parameters(), lr=0.5, weight_decay=0.25)
    fit(met, [[-1.0], [1.0]], [-1, 1], loss="hinge", optimizer=optimizer, epochs=1, batch_size=1, progress=False)
    assert optimizer.steps_taken == 2 and neuron.w[0].data == start * 0.875 ** 2       # only the decay moves it


def test_a_rate_of_0_trains_nothing():
    network = model()
    before = network.state_dict()
    history = trained(2, network=network, lr=0)[1]
    assert network.state_dict() == before and history.lr == [0.0, 0.0]


def test_an_error_leaves_the_model_in_evaluation_mode():
    network = Sequential(Layer(2, 2, rng=0), Dropout(0.5))
    with pytest.raises(ZeroDivisionError):
        trained(network=network, callbacks=lambda h, m: 1 / 0)
    assert not network.training


def test_validation_may_be_data_and_rows_may_be_arrays():
    import numpy
    history = fit(model(), numpy.array(DATA.inputs), numpy.array(DATA.targets), validation=DATA, epochs=1, progress=False)
    assert history.validation_accuracy == [history.validation_accuracy[0]]
    with pytest.raises(TypeError, match=r"got 0\.2"):
        trained(validation=0.2)


@pytest.mark.parametrize(("loss", "targets"), [
    ("mse", [[0.5, -1.0], [2.0, 0.25], [0.0, 1.0]]), (None, [[0.5, -1.0], [2.0, 0.25], [0.0, 1.0]]),
    ("cross_entropy", [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]), ("cross_entropy", [1, 0, 0]), (None, [1, 0, 0]), ("brier", [1, 0, 0]),
])
def test_targets_may_be_arrays_of_one_or_two_dimensions(loss, targets):
    """Regression of several numbers, one-hot rows, classes: an array trains to the bits of a list, in training and validation."""
    numpy = pytest.importorskip("numpy")
    inputs, ends = [[0.0, 1.0], [1.0, 0.5], [-1.0, 0.0]], []
    for form in (list, numpy.array, lambda t: list(numpy.array(t)), lambda t: numpy.array(t, dtype=object)):
        network = Sequential(MLP(2, [3, 2], rng=0), tg.softmax) if loss == "brier" else MLP(2, [3, 2], rng=0)
        history = fit(network, numpy.array(inputs), form(targets), loss=loss, epochs=3, batch_size=2, progress=False,
                      validation=(inputs, form(targets)))
        ends.append((network.state_dict(), history.loss, history.validation_loss, history.accuracy))
    assert ends == [ends[0]] * 4
    report = check_training(MLP(2, [3, 2], rng=0), inputs, numpy.array(targets), loss=None if loss == "brier" else loss, rates=(0.1,))
    assert str(report) == str(check_training(MLP(2, [3, 2], rng=0), inputs, targets, loss=None if loss == "brier" else loss, rates=(0.1,)))


@pytest.mark.parametrize(("arguments", "words"), [
    (["train", "xor", "--epochs", "1", "--save", "none/m.json"], "there is no folder none"), (["train", "spirals", "--plot", "a.bmp"], ".svg, .png or .pdf"),
    (["train", "one.csv", "--label", "y"], "training examples are of the class"), (["train", "one.csv", "--label", "y", "--noise", "1"], "not for CSV"),
    (["predict", "m.json", "nan", "1"], "finite"), (["predict", "m.json", "a", "1"], "are numbers"), (["train", "folder.csv", "--label", "y"], "a folder"),
])
def test_more_mistakes_get_one_line_before_any_training(arguments, words, tmp_path):
    tg.save(MLP(2, [2], rng=0), tmp_path / "m.json", {"inputs": 2, "sizes": [2], "activation": "tanh", "features": ["a", "b"],
                                                     "classes": ["n", "y\x1b[31m"], "scales": [[0.0, 1.0]] * 2})
    (tmp_path / "one.csv").write_text("x,y\n" + "1,a\n2,a\n" * 9)
    (tmp_path / "folder.csv").mkdir()
    output, errors, code = run(*arguments, cwd=tmp_path, check=False)
    assert code == 2 and words in errors and "Traceback" not in errors and output == ""
    assert "\x1b" not in run("predict", "m.json", "-1e-3", "-.5", cwd=tmp_path)[0]


BEST = [1.0, 0.5]                   # what the rate 0.1 leads to; the other rates are 0.01 and 1


@pytest.mark.parametrize(("smaller", "larger", "words"), [
    ([1.0, 0.8], [1.0, 0.9], ("too low", "good", "too high")), ([1.0, 1.2, 0.9], [1.0, 1.0], ("too low", "good", "too high")),
    ([1.0, 0.55], [1.0, 0.3], ("too low", "too low", "good")), ([1.0, 0.54], [1.0, 0.56], ("good", "good", "too high")),
    ([1.0, 0.8], [1.0, 1.5], ("too low", "good", "too high")), ([1.0, 0.8], [1.0, 1.51], ("too low", "good", "exploding")),
    ([1.0, 0.8], [1.0, 0.1, 0.3], ("too low", "good", "too high")), ([1.0, math.inf], [1.0, 0.4, math.nan], ("exploding", "good", "exploding")),
])
def test_verdicts_on_learning_rates(smaller, larger, words):
    for shift in (0.0, 8.0, -8.0):
        seen = {rate: [loss + shift for loss in losses] for rate, losses in ((0.01, smaller), (0.1, BEST), (1.0, larger))}
        assert tuple(verdicts(seen).values()) == words


@pytest.mark.parametrize(("seen", "noise", "word"), [
    ([1.0, 0.9], 0.0, "good"), ([1.0, 0.98], 0.03, "too low"), ([1.0, 1.01], 0.03, "too low"), ([1.0, 1.02, 0.98], 0.03, "too low"), ([1.0, 1.2, 0.98], 0.03, "too high"),
    ([1.0, 0.5, 0.99], 0.03, "too high"), ([1.0, 1.0], 0.0, "too high"), ([1.0, 1.04], 0.03, "exploding"),
])
def test_verdicts_on_a_rate_that_has_no_better_one_beside_it(seen, noise, word):
    assert verdicts({0.1: seen}, noise) == {0.1: word}


def test_a_plot_and_a_check_say_the_same_of_a_rate():
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")

    class Bowl(Module):
        def __init__(self):
            self.w = Value(3.0)

        def forward(self, x):
            return self.w * x[0]
    rates = (1e-4, 0.01, 0.3, 0.45, 1.0, 1.2)
    [axes] = tg.plots.learning_rates(lambda w: w ** 2, 3.0, rates, steps=10).axes
    drawn = ", ".join(line.get_label().removeprefix("lr = ").replace(":", "") for line in axes.lines)
    assert check_training(Bowl(), [[1.0]], [0.0], rates=rates)[-1].seen == drawn
    assert [label.split(" ", 1)[1] for label in drawn.split(", ")] == ["too low", "too low", "good", "good", "too high", "exploding"]


RATES = {**dict.fromkeys(("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"), 0.01), "adadelta": 1.0, "lion": 0.001}
SPELLINGS = {"SGD": "sgd", "Momentum": "momentum", "NAG": "nesterov", "nesterov momentum": "nesterov", "AdaGrad": "adagrad", "RMSProp": "rmsprop", "RMS-prop": "rmsprop",
             "ADAM": "adam", "adam_w": "adamw", "AdamW": "adamw", "Adam W": "adamw", "LION": "lion", "gradient descent": "sgd", "Ada_Delta": "adadelta"}


def test_every_optimizer_that_is_named_has_its_usual_rate():
    assert {name for name, kind in optimizers_by_name().items() if kind.__module__ == Adam.__module__} == set(RATES)
    for name, rate in [*RATES.items(), *[(spelling, RATES[name]) for spelling, name in SPELLINGS.items()]]:
        assert trained(1, optimizer=name)[1].lr == [rate], name
        assert trained(1, optimizer=name, lr=0.5)[1].lr == [0.5], name
    assert trained(1)[1].lr == [0.01] and trained(1, lr=0.5)[1].lr == [0.5]


def test_optimizers_and_losses_are_known_by_every_spelling():
    for spelling, name in SPELLINGS.items():
        assert bits(trained(2, optimizer=spelling)[0]) == bits(trained(2, optimizer=name)[0])
    for spelling, name in {"Cross-Entropy": "cross_entropy", "CrossEntropyLoss": "cross_entropy", "softmax cross entropy": "cross_entropy", "MSE": "mse", "MSELoss": "mse",
                           "mean squared error": "mse", "MAE": "mae", "Mean Absolute Error": "mae", "squared error": "sum_squared_error", "Huber loss": "huber", "Hinge": "hinge",
                           "NLLLoss": "nll", "BCEWithLogitsLoss": "bce_with_logits", "binary cross-entropy": "bce", "Brier": "brier", "kl_divergence": "kl_divergence"}.items():
        assert loss_for(spelling, []) is getattr(tg, name)


@pytest.mark.parametrize(("options", "words"), [
    ({"optimizer": "adm"}, "unknown optimizer 'adm': did you mean 'adam'"), ({"optimizer": Adam}, r"give the optimizer its parameters, Adam\(model\.parameters\(\)\), or its name: got <class"),
    ({"optimizer": 3}, "optimizer is given by its name, not by int: got 3; the names are sgd"), ({"loss": "cros_entropy"}, "did you mean 'cross_entropy'"), ({"loss": 3}, "loss is given by its name"),
    ({"loss": "adam"}, "unknown loss 'adam'"), ({"schedule": "cosine"}, r"schedule must be a function, such as schedules\.CosineDecay\(0\.1, steps=500\), not str: got 'cosine'"),
    ({"schedule": 0.1}, "schedule must be a function"), ({"penalty": "l2"}, r"penalty must be a function, such as L2\(0\.01\), not str: got 'l2'"), ({"penalty": 0.1}, "penalty must be a function"),
    ({"callbacks": 3}, "callbacks must be a list or an array, not int: got 3"), ({"callbacks": [3]}, "a callback must be a function, such as print, not int: got 3"), ({"callbacks": "x"}, "callbacks must"),
    ({"checkpoint": 3}, "checkpoint must be the name of a file, not int: got 3"), ({"checkpoint": [1]}, r"checkpoint must be the name of a file, not list: got \[1\]"),
    ({"classes": {"a", "b"}}, "classes must be a list or an array, not set"), ({"classes": "ab"}, "classes must be a list or an array, not str: got 'ab'"), ({"classes": 2}, "classes must be a list"), ({"classes": [0, 1, 0]}, r"each class is named once: got \[0, 1, 0\]"),
])
def test_settings_of_the_wrong_kind_say_what_is_needed(options, words):
    network = model()
    before = bits(network)
    with pytest.raises((TypeError, ValueError), match=words):
        trained(network=network, **options)
    assert bits(network) == before


@pytest.mark.parametrize(("options", "shown"), [
    ({"loss": lambda predictions, targets: 0.5}, "not float: got 0.5"), ({"loss": lambda predictions, targets: None}, "not NoneType: got None"),
    ({"loss": lambda predictions, targets: cross_entropy(predictions, targets, "none")}, "not list: got .Value"),
])
def test_a_loss_that_leads_nowhere_is_shown(options, shown):
    with pytest.raises(TypeError, match=f"the loss of a batch, with its penalty, must be one Value made from the predictions, {shown}"):
        trained(**options)


def test_a_penalty_that_is_an_array_is_shown():
    numpy = pytest.importorskip("numpy")
    with pytest.raises(TypeError, match="must be one Value made from the predictions, not ndarray: got array"):
        trained(penalty=lambda weights: numpy.array([0.5]))


# ---- labels, columns, one-hot rows


LABELS = {
    "texts": (["cat", "dog"], lambda np, x: x), "an array of texts": (["cat", "dog"], lambda np, x: np.array(x)), "texts of numpy": (["cat", "dog"], lambda np, x: list(np.array(x))),
    "objects": (["cat", "dog"], lambda np, x: np.array(x, dtype=object)), "years": ([2024, 2025], lambda np, x: x), "whole numbers of numpy": ([2024, 2025], lambda np, x: np.array(x, dtype=np.int16)),
    "signs": ([-1.0, 1.0], lambda np, x: np.array(x)), "truth": ([False, True], lambda np, x: x), "an array of truth": ([False, True], lambda np, x: np.array(x)), "a column": (["cat", "dog"], lambda np, x: np.array(x)[:, None]),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_train_to_the_bits_of_their_indices(kind):
    numpy = pytest.importorskip("numpy")
    names, form = LABELS[kind]
    labels = form(numpy, [names[target] for target in DATA.targets])
    network, history = trained(2, validation=DATA)
    for classes in (names, tuple(names), numpy.array(names)):
        twin = model()
        again = fit(twin, numpy.array(DATA.inputs), labels, classes=classes, epochs=2, validation=(DATA.inputs, labels), progress=False)
        assert bits(twin) == bits(network) and again == history
    report = check_training(model(), DATA.inputs, labels, classes=names, rates=(0.1,))
    assert str(report) == str(check_training(model(), DATA.inputs, DATA.targets, rates=(0.1,)))


def test_the_largest_output_is_that_of_the_class_of_this_place():
    names, network = ["different", "same"], MLP(2, [8, 2], rng=0)           # not in their order
    labels = ["same" if target == 0 else "different" for target in DATA.targets]
    history = fit(network, DATA.inputs, labels, classes=names, epochs=60, lr=0.05, progress=False)
    assert history.accuracy[-1] == 1.0
    assert [names[scores.index(max(scores))] for scores in network.predict([[0, 0], [0, 1], [1, 0], [1, 1]])] == ["same", "different", "different", "same"]


@pytest.mark.parametrize(("targets", "options", "error", "words"), [
    (["cat", "dog"], {}, TypeError, r"training targets are texts: name their classes, as in fit\(model, inputs, targets, classes=\['cat', 'dog'\]\)"),
    ([b"cat", b"dog"], {}, TypeError, r"classes=\[b'cat', b'dog'\]"), ([0.0, 1.0], {}, ValueError, r"a target is one number, [01]\.0: .*if targets are classes, make them whole numbers, as int\(t\) and y\.astype\(int\) do"),
    ("array", {}, TypeError, r"classes=\['cat', 'dog'\]"), (["dog", 1], {}, TypeError, r"classes=\['dog'\]"), ([True, False], {}, TypeError, r"True and False: name the classes, as in .*classes=\[False, True\]"),
    (["cat", "cow"], {"classes": ["cat", "dog"]}, ValueError, r"the target of training example 1 is 'cow', none of the classes \['cat', 'dog'\]"),
    ([0, 1], {"classes": ["cat", "dog"]}, ValueError, "example 0 is 0, none of the classes .*; leave classes= out where targets are indices or rows already"),
    ([[1.0, 0.0], [0.0, 1.0]], {"classes": ["cat", "dog"]}, ValueError, r"example 0 is \[1\.0, 0\.0\], none of the classes"),
    (["cat", "dog"], {"classes": ["cat", "dog", "cow"]}, ValueError, r"the model has 2 outputs for the classes \['cat', 'dog', 'cow'\]: give it one output per class"),
    (["cat", "dog"], {"classes": ["cat", "dog"], "validation": ([[0.0, 1.0]], ["cow"])}, ValueError, "the target of validation example 0 is 'cow'"),
    ([0, 1], {"validation": ([[0.0, 1.0]], ["cow"])}, TypeError, "validation targets are texts"),
])
def test_labels_that_cannot_be_meant_are_refused_with_the_call_that_can(targets, options, error, words):
    numpy = pytest.importorskip("numpy")
    network = MLP(2, [2], rng=0)
    before = bits(network)
    with pytest.raises(error, match=words):
        fit(network, [[0.0, 1.0], [1.0, 0.0]], numpy.array(["cat", "dog"]) if targets == "array" else targets, progress=False, **options)
    assert bits(network) == before


@pytest.mark.parametrize(("sizes", "targets", "options"), [
    ([3, 1], [0.5, -1.0, 2.0], {}), ([3, 1], [1, 0, 1], {"loss": "bce_with_logits"}), ([3, 2], [1, 0, 1], {}), ([3, 1], [1, -1, 1], {"loss": "hinge"}),
])
def test_a_column_of_targets_is_the_numbers_in_it(sizes, targets, options):
    numpy = pytest.importorskip("numpy")
    inputs, ends = [[0.0, 1.0], [1.0, 0.5], [-1.0, 0.0]], []
    for form in (list, lambda t: [[x] for x in t], lambda t: [(x,) for x in t], lambda t: numpy.array(t)[:, None], lambda t: list(numpy.array(t)[:, None])):
        network = MLP(2, sizes, rng=0)
        history = fit(network, inputs, form(targets), epochs=2, validation=(inputs, form(targets)), progress=False, **options)
        ends.append((network.state_dict(), history))
    assert ends == [ends[0]] * 5


def test_a_model_whose_output_is_a_list_of_one_is_given_lists_of_one():
    layer, other = Layer(1, 1, rng=0), MLP(1, [1], rng=0)
    columns = fit(layer, [[1.0], [2.0]], [[2.0], [4.0]], epochs=3, progress=False)
    assert columns.loss == fit(other, [[1.0], [2.0]], [2.0, 4.0], epochs=3, progress=False).loss
    with pytest.raises(ValueError, match=r"a list of 1 as output, but a target is one number, [24]\.0: write the targets as rows, \[\[t\] for t in targets\]"):
        fit(layer, [[1.0], [2.0]], [2.0, 4.0], epochs=3, progress=False)


@pytest.mark.parametrize("loss", ["cross_entropy", "brier"])
def test_one_hot_rows_have_an_accuracy_and_soft_ones_have_none(loss):
    numpy = pytest.importorskip("numpy")

    def history(targets):
        network = Sequential(model(), tg.softmax) if loss == "brier" else model()
        return fit(network, DATA.inputs, targets, loss=loss, epochs=2, validation=(DATA.inputs, targets), progress=False)
    one_hot = data.one_hot(DATA.targets)
    wanted = history(DATA.targets)
    for rows in (one_hot, numpy.array(one_hot), numpy.eye(2)[DATA.targets].astype(int)):
        found = history(rows)
        assert found.accuracy == wanted.accuracy and found.validation_accuracy == wanted.validation_accuracy
        assert found.loss == pytest.approx(wanted.loss, rel=1e-12)
    assert history([[0.5, 0.5], *one_hot[1:]]).accuracy == []
    assert fit(model(), DATA.inputs, one_hot, loss="mse", epochs=1, progress=False).accuracy == []


def test_tables_are_taken_as_their_arrays():
    numpy = pytest.importorskip("numpy")

    class Table:                                    # as pandas has it: iterated it gives the names of its columns
        ndim = 2

        def __iter__(self):
            return iter(["x", "y"])

        def to_numpy(self):
            return numpy.array(DATA.inputs)
    network = model()
    fit(network, Table(), DATA.targets, epochs=2, progress=False)
    assert bits(network) == bits(trained(2)[0])


@pytest.mark.parametrize(("bad", "words"), [
    (None, "not NoneType: got None"), (1.0, "not float: got 1.0"), ("ab", "not str: got 'ab'"), ({0: 1}, "not dict: got {0: 1}"), (Value(1.0), "not Value: got Value"),
])
def test_examples_that_are_no_list_are_named(bad, words):
    for call, what in ((lambda: fit(model(), bad, [0, 1]), "training inputs"), (lambda: fit(model(), DATA.inputs, bad), "training targets"), (lambda: check_training(model(), bad, [0]), "training inputs"),
                       (lambda: trained(validation=(bad, [0])), "validation inputs"), (lambda: trained(validation=([[0.0, 0.0]], bad)), "validation targets"),
                       (lambda: check_training(model(), DATA.inputs, DATA.targets, rates=bad), "rates")):
        with pytest.raises(TypeError, match=f"{what} must be a list or an array, {words}"):
            call()
    with pytest.raises(TypeError, match="a Module is needed"):
        check_training(bad, DATA.inputs, DATA.targets)


WITHOUT_NUMPY = """
import sys
import tinygrad_edu as tg
examples = tg.data.xor(8)
model = tg.MLP(2, [3, 2], rng=0)
labels = [examples.classes[target] for target in examples.targets]
tg.fit(model, examples.inputs, labels, classes=examples.classes, penalty=tg.L2(0.1), epochs=1, progress=False, validation=(examples.inputs, labels))
tg.check_training(model, examples.inputs, labels, classes=examples.classes, rates=[0.1])
assert len(model.predict(examples.inputs)) == 8 and len(model.predict(examples.inputs[0])) == 2
assert "numpy" not in sys.modules
"""


def test_training_on_lists_does_not_load_numpy():
    subprocess.run([sys.executable, "-c", WITHOUT_NUMPY], check=True)


@pytest.mark.parametrize("optimizer", RATES)
@pytest.mark.parametrize("schedule", [tg.schedules.CosineDecay(0.1, 4, final=0), tg.schedules.LinearDecay(0.1, 4, final=0), tg.schedules.Constant(0),
                                      tg.schedules.Warmup(tg.schedules.CosineDecay(0.1, 2, final=0), 2), tg.schedules.ExponentialDecay(0.0, 0.5)], ids=repr)
def test_schedules_may_end_in_0_with_every_optimizer(schedule, optimizer):
    network, history = trained(3, optimizer=optimizer, schedule=schedule)
    assert history.lr[-1] == 0.0 and len(history) == 3 and all(map(math.isfinite, network.state_dict().values()))


# ---- penalties


def test_a_penalty_leaves_biases_out_unless_it_is_given_them():
    """One step from known numbers: w ← w − lr (slope + λw) and b ← b − lr (slope), by hand."""
    def stepped(penalty):
        network = MLP(1, [1], rng=0)
        network.load_state_dict({"layers.0.neurons.0.w.0": 2.0, "layers.0.neurons.0.b": 4.0})
        fit(network, [[1.0]], [6.0], penalty=penalty and penalty(network), optimizer="sgd", lr=0.5, epochs=1, progress=False)      # 2 · 1 + 4 = 6: the loss is at its minimum
        return list(network.state_dict().values())
    assert stepped(None) == [2.0, 4.0]
    assert stepped(lambda network: L2(0.5)) == [1.5, 4.0] and stepped(lambda network: L1(0.5)) == [1.75, 4.0]
    assert stepped(lambda network: lambda weights: L2(0.5)(network.parameters())) == [1.5, 3.0]
    seen = []
    network = model()
    fit(network, DATA.inputs, DATA.targets, penalty=lambda weights: seen.append(weights) or L2(0.1)(weights), epochs=1, batch_size=40, progress=False)
    assert seen and all([id(w) for w in weights] == [id(w) for w in network.parameters(biases=False)] for weights in seen)


def test_l2_on_the_command_line_leaves_biases_out(tmp_path):
    run("train", "xor", "--count", "8", "--hidden", "--epochs", "1", "--l2", "1e6", "--optimizer", "sgd", "--lr", "1e-9", "--save", "a.json", cwd=tmp_path)
    run("train", "xor", "--count", "8", "--hidden", "--epochs", "1", "--optimizer", "sgd", "--lr", "1e-9", "--save", "b.json", cwd=tmp_path)
    pulled, free = (json.loads((tmp_path / name).read_text())["parameters"] for name in ("a.json", "b.json"))
    assert all((pulled[name] == free[name]) == name.endswith(".b") for name in free)


def test_decay_in_an_optimizer_is_of_all_that_is_given_and_groups_leave_biases_out():
    network = MLP(1, [1], rng=0)
    split = [{"params": network.parameters(biases=False), "weight_decay": 0.5}, {"params": network.parameters(weights=False)}]
    for groups, decay, moved in ((network.parameters(), 0.5, [1.0, 2.0]), (split, 0.0, [1.0, 4.0])):     # the first is PyTorch's
        network.load_state_dict({"layers.0.neurons.0.w.0": 2.0, "layers.0.neurons.0.b": 4.0})
        fit(network, [[1.0]], [6.0], optimizer=SGD(groups, lr=1.0, weight_decay=decay), epochs=1, progress=False)
        assert list(network.state_dict().values()) == moved


# ---- the words of checks


def test_a_first_loss_is_compared_with_log_c_only_where_it_is_a_logarithm():
    for options, words in (({}, "0.6931"), ({"loss": "bce_with_logits"}, "0.6931"), ({"loss": "hinge"}, None), ({"loss": "mse"}, None)):
        network = MLP(2, [4, 2 if not options else 1], rng=0)
        targets = [2 * t - 1 for t in DATA.targets] if options.get("loss") == "hinge" else DATA.targets
        seen = check_training(network, DATA.inputs, targets, rates=(0.1,), **options)[0].seen
        assert ("knowing nothing of 2 classes gives 0.6931" in seen) == (words is not None), options
    rows = check_training(model(), DATA.inputs, data.one_hot(DATA.targets), loss="cross_entropy", rates=(0.1,))[0].seen
    assert "knowing nothing of 2 classes" in rows


def test_losses_and_rates_that_differ_read_differently():
    assert losses_in_words(0.69314, 0.693141) == ["0.693140", "0.693141"] and losses_in_words(1.0, math.inf) == ["1.0000", "inf"] and losses_in_words(0.5, 0.5) == ["0.5000", "0.5000"]
    assert losses_in_words(math.nan, math.nan) and losses_in_words(1.0, math.nextafter(1.0, 2.0))[1] == "1.0000000000000002"
    seen = check_training(model(), DATA.inputs[:8], DATA.targets[:8], rates=(0.1, 0.1000000001))[-1].seen
    assert seen.startswith("0.1 ") and ", 0.1000000001 " in seen


def test_an_optimizer_written_without_init_is_known_by_its_name():
    class Signs(tg.Optimizer):
        def step_for(self, g, memory, at):
            return math.copysign(at.lr, g)

    assert fit(model(), DATA.inputs, DATA.targets, optimizer="signs", epochs=1, progress=False).lr == [0.01]
    assert fit(model(), DATA.inputs, DATA.targets, optimizer="signs", lr=0.5, epochs=1, progress=False).lr == [0.5]


def test_a_rate_above_a_good_one_is_never_called_too_low():
    saturated = MLP(2, [8, 1], output_activation="sigmoid", rng=0)      # at lr 1000 it is flat from the first step on
    report = check_training(saturated, DATA.inputs, DATA.targets, loss="bce_with_logits")
    words = [part.split(" ", 1) for part in report[-1].seen.split(", ")]
    good = [float(rate) for rate, word in words if word == "good"]
    assert good and all(float(rate) < min(good) for rate, word in words if word == "too low")
    assert ["1000", "too high"] in words


def test_a_rate_that_explodes_at_once_is_not_good_because_it_came_halfway_back():
    ring = [[(1 + i % 2) * f(math.pi * i / 16) / 2 for f in (math.cos, math.sin)] for i in range(32)]
    report = check_training(MLP(2, [10, 10, 2], "relu", rng=0), ring, [i % 2 for i in range(32)], rates=(0.1, 100.0))
    assert report[-1].seen == "0.1 good, 100 exploding"


def test_names_that_stood_in_fit_are_still_found_there():
    from tinygrad_edu.learn import fit as module
    assert pickle.loads(b"ctinygrad_edu.learn.fit\nHistory\n.") is tg.History and pickle.loads(b"ctinygrad_edu.learn.fit\nReport\n.") is Report
    assert module.check_training is tg.check_training
    with pytest.raises(AttributeError, match="no attribute 'verdict'"):
        module.verdict
