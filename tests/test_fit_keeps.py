"""What `fit` keeps of a training: the best weights, and a log."""

import csv
import json
import shutil
import warnings

import pytest
from command import run

import tinygrad_edu as tg
from tinygrad_edu.learn import data
from tinygrad_edu.learn.fit import fit
from tinygrad_edu.learn.history import History
from tinygrad_edu.learn.logs import COLUMNS
from tinygrad_edu.nn.modules import Dropout, Layer, Sequential

DATA = data.moons(24, 0.3, seed=0)
VALIDATION = data.moons(12, 0.3, seed=1)
SHAKY = {"optimizer": "sgd", "lr": 2.0, "epochs": 12, "validation": VALIDATION}     # a loss that goes up and down


def network():
    return Sequential(Layer(2, 3, "tanh", rng=0), Dropout(0.3, seed=3), Layer(3, 2, rng=1))


def trained(**options):
    model = network()
    return model, fit(model, DATA.inputs, DATA.targets, progress=False, **{**SHAKY, **options})


def loss_of(model):
    return tg.cross_entropy([model.predict(x) for x in VALIDATION.inputs], VALIDATION.targets)


def bits(model):
    return [x.hex() for x in model.state_dict().values()]


# ---- the best weights


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("patience", [1, 2, 5])
def test_with_patience_the_model_ends_with_the_weights_of_its_best_epoch(patience, compiled):
    if compiled:
        pytest.importorskip("numpy", reason="programs run on numpy: pip install numpy")
    model, history = trained(patience=patience, compiled=compiled)
    assert not model.training and loss_of(model) == min(history.validation_loss) < history.validation_loss[-1]
    other, same = trained(patience=patience, compiled=compiled, restore_best=False)
    assert same == history and loss_of(other) == history.validation_loss[-1]


def test_without_patience_the_last_weights_stay_unless_the_best_are_wanted():
    last, history = trained()
    best, same = trained(restore_best=True)
    assert same == history and loss_of(last) == history.validation_loss[-1] and loss_of(best) == min(history.validation_loss)


def test_without_validation_the_best_epoch_is_that_of_the_lowest_training_loss():
    model, history = trained(validation=None, restore_best=True)
    short, _ = trained(validation=None, epochs=history.best_epoch() + 1)
    assert history.best_epoch() == history.loss.index(min(history.loss)) < 11 and bits(model) == bits(short)


@pytest.mark.parametrize("end", ["interrupted", "callback"])
def test_the_best_weights_come_back_however_the_training_ends(end):
    def stop(history, model):
        if len(history) == 10 and end == "interrupted":
            raise KeyboardInterrupt
        return len(history) == 10
    model, history = trained(patience=20, callbacks=[stop])
    assert history.stopped == end and loss_of(model) == min(history.validation_loss) < history.validation_loss[-1]


def test_what_a_callback_does_to_the_weights_afterwards_is_not_what_was_measured():
    def spoil(history, model):
        if history.best_epoch() == len(history) - 1:
            for p in model.parameters():
                p.data *= 0.5
    model, history = trained(patience=20, callbacks=[spoil])
    assert loss_of(model) == min(history.validation_loss)


@pytest.mark.parametrize("first", [1, 4, 9])
def test_a_training_taken_up_again_ends_with_the_bits_of_one_without_a_break(first, tmp_path):
    whole, history = trained(patience=20)
    path = tmp_path / "run.json"
    trained(patience=20, epochs=first, checkpoint=path)
    again, resumed = trained(patience=20, checkpoint=path)
    assert bits(again) == bits(whole) and resumed == history
    ended, same = trained(patience=20, checkpoint=path)              # nothing is left to do, and the best is known
    assert bits(ended) == bits(whole) and same == history


def test_a_checkpoint_without_the_best_weights_goes_on_and_says_so_if_they_are_never_known(tmp_path):
    path = tmp_path / "run.json"
    _, history = trained(epochs=5, checkpoint=path)                       # as 0.2 wrote it: nobody asked for the best
    assert history.best_epoch() < len(history) - 1 and "best" not in json.loads(path.read_text())
    copy = shutil.copy(path, tmp_path / "copy.json")
    with pytest.warns(UserWarning, match=f"best epoch, {history.best_epoch() + 1},") as caught:
        model, _ = trained(restore_best=True, epochs=5, checkpoint=path)
    assert caught[0].filename == __file__ and loss_of(model) == history.validation_loss[-1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model, longer = trained(restore_best=True, checkpoint=copy)
    assert longer.best_epoch() >= len(history) and loss_of(model) == min(longer.validation_loss)


def test_before_the_first_epoch_nothing_is_the_best():
    before = bits(network())
    model, _ = trained(epochs=0, patience=1)
    assert bits(model) == before
    with pytest.raises(ValueError, match="no epoch was completed"):
        History().best_epoch()
    with pytest.raises(TypeError, match="restore_best='yes': write True or False"):
        trained(restore_best="yes")


# ---- logs


def rows_in(path):
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines()]
    return [{name: float(x) if x else None for name, x in row.items()} for row in csv.DictReader(text.splitlines())]


def rows_of(history):
    return [{"epoch": i + 1} | {name: getattr(history, name)[i] if getattr(history, name) else None for name in COLUMNS[1:]}
            for i in range(len(history))]


@pytest.mark.parametrize("name", ["run.csv", "run.jsonl", "RUN.CSV"])
@pytest.mark.parametrize("options", [{}, {"validation": None}, {"validation": None, "loss": "mse"}])
def test_a_log_has_the_numbers_of_the_history_to_the_last_digit(name, options, tmp_path):
    path = tmp_path / name
    inputs, targets = DATA.inputs, [[float(t)] * 2 for t in DATA.targets] if "loss" in options else DATA.targets
    history = fit(network(), inputs, targets, progress=False, **{**SHAKY, "lr": 0.01, "epochs": 3, "log": path, **options})
    assert rows_in(path.rename(path.with_suffix(path.suffix.lower()))) == rows_of(history)


@pytest.mark.parametrize("name", ["run.csv", "run.jsonl"])
def test_every_epoch_that_is_complete_is_in_the_file_already(name, tmp_path):
    path, seen = tmp_path / name, []
    path.write_text("of another training")
    trained(epochs=3, log=path, callbacks=[lambda history, model: seen.append(rows_in(path) == rows_of(history))])
    assert seen == [True] * 3
    with pytest.raises(ZeroDivisionError):
        trained(epochs=3, log=path, callbacks=[lambda history, model: 1 // (2 - len(history)) and None])
    assert len(rows_in(path)) == 2


@pytest.mark.parametrize("name", ["run.csv", "run.jsonl"])
@pytest.mark.parametrize("left", ["as it was", "a line too many", "half a line", "nothing"])
def test_a_training_taken_up_again_leaves_the_log_of_one_without_a_break(name, left, tmp_path):
    whole, path, state = tmp_path / f"whole-{name}", tmp_path / name, tmp_path / "run.json"
    trained(epochs=5, log=whole)
    trained(epochs=2, log=path, checkpoint=state)
    written = path.read_bytes()
    path.write_bytes({"as it was": written, "a line too many": whole.read_bytes(), "half a line": written[:-3], "nothing": b""}[left])
    trained(epochs=5, log=path, checkpoint=state)
    assert path.read_bytes() == whole.read_bytes() and b"\r" not in path.read_bytes()


def test_a_validation_that_came_later_stands_in_the_lines_of_its_epochs(tmp_path):
    path, state = tmp_path / "run.csv", tmp_path / "run.json"
    trained(epochs=2, validation=None, checkpoint=state)
    _, history = trained(epochs=3, checkpoint=state, log=path)
    assert [row["validation_loss"] for row in rows_in(path)] == [None, None, *history.validation_loss]


@pytest.mark.parametrize("name, error, words", [
    ("run.txt", ValueError, r"logs are written as .csv or .jsonl"), (".", ValueError, r"\.csv or \.jsonl"),
    ("missing/run.csv", OSError, "missing"), ("folder.csv", OSError, "this is a folder")])
def test_a_log_that_cannot_be_written_is_refused_before_the_training(name, error, words, tmp_path):
    (tmp_path / "folder.csv").mkdir()
    model = network()
    before = bits(model)
    with pytest.raises(error, match=words):
        fit(model, DATA.inputs, DATA.targets, log=tmp_path / name)
    assert bits(model) == before


def test_a_log_and_a_checkpoint_are_two_files(tmp_path):
    with pytest.raises(ValueError, match="log and checkpoint"):
        trained(log=tmp_path / "run.csv", checkpoint=tmp_path / "folder" / ".." / "run.csv")


def test_a_checkpoint_that_is_refused_leaves_the_log_alone(tmp_path):
    path, state = tmp_path / "run.csv", tmp_path / "run.json"
    path.write_text("of before")
    state.write_text("{}")
    with pytest.raises(ValueError, match="not a whole checkpoint"):
        trained(log=path, checkpoint=state)
    assert path.read_text() == "of before"


# ---- on the command line


def test_the_command_writes_a_log_and_keeps_the_best_weights(tmp_path):
    output, *_ = run("train", "moons", "--count", "40", "--noise", "0.3", "--hidden", "6", "--lr", "1", "--epochs", "12",
                     "--restore-best", "--log", "run.jsonl", "--save", "model.json", cwd=tmp_path)
    losses = [row["validation_loss"] for row in rows_in(tmp_path / "run.jsonl")]
    best = losses.index(min(losses))
    assert f"kept the weights of epoch {best + 1}: validation loss {min(losses):.4f}" in output and "wrote run.jsonl" in output
    assert len(losses) == 12 and best < 11


@pytest.mark.parametrize("name, words", [("run.txt", ".csv or .jsonl"), ("missing/run.csv", "there is no folder"),
                                         ("model.csv", "two results would be written to one file")])
def test_the_command_refuses_a_log_that_it_cannot_write(name, words, tmp_path):
    _, errors, code = run("train", "moons", "--log", name, "--save", "model.csv", cwd=tmp_path, check=False)
    assert code == 2 and words in errors and errors.count("\n") == 1 and not any(tmp_path.iterdir())
