"""A training as a page: what it shows is what the model said and what the history holds."""

import json
import math
import os
import re
import subprocess
import sys
from base64 import b64decode
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from command import run

import tinygrad_edu as tg
from tinygrad_edu import animate_training
from tinygrad_edu.engine.number import printable
from tinygrad_edu.learn.animation import Film, rounded
from tinygrad_edu.learn.data import Data, noisy_sine, spirals, xor, yin_yang
from tinygrad_edu.learn.examples import class_of
from tinygrad_edu.learn.fit import fit
from tinygrad_edu.nn.modules import MLP, Module
from tinygrad_edu.show.plane import spaced, widened

DATA, REST = xor(40, seed=0), xor(12, seed=1)


def shown(page):
    """What the page's script is given."""
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page.html, re.S)[1])


def animated(data=DATA, sizes=(5, 2), epochs=3, seed=0, **options):
    return animate_training(MLP(len(data.features), list(sizes), rng=seed), data, **{
        "epochs": epochs, "resolution": 6, "lr": 0.05, "progress": False, **options})


class Watcher:
    """Asks the model itself, by its public `predict`, after each epoch."""

    def __init__(self, model, rows):
        self.rows, self.seen = rows, [self.asked(model, rows)]

    @staticmethod
    def asked(model, rows):
        return [model.predict(row) for row in rows]

    def __call__(self, history, model):
        self.seen.append(self.asked(model, self.rows))


def grid_of(data, resolution):
    xs, ys = (spaced(*widened(column, 0.1), resolution) for column in zip(*data.inputs))
    return [[x, y] for y in ys for x in xs]


def bits_of(text, count):
    found = b64decode(text)
    return [found[i // 8] >> i % 8 & 1 for i in range(count)]


@pytest.mark.parametrize(("data", "classes"), [(DATA, 2), (yin_yang(45, seed=0), 3), (spirals(44, arms=11), 11)], ids=["2", "3", "11"])
def test_every_frame_is_what_the_model_answered_after_that_epoch(data, classes):
    model = MLP(2, [6, classes], rng=0)
    watcher = Watcher(model, grid_of(data, 6) + data.inputs)
    page = animate_training(model, data, epochs=4, resolution=6, lr=0.05, progress=False, callbacks=watcher)
    found = shown(page)
    assert [frame["epoch"] for frame in found["frames"]] == [0, 1, 2, 3, 4] and found["levels"] == 256 // classes
    for frame, outputs in zip(found["frames"], watcher.seen, strict=True):
        cells, level = b64decode(frame["cells"]), found["levels"]
        assert [byte // level for byte in cells] == [class_of(output) for output in outputs[:36]]
        for byte, output in zip(cells, outputs, strict=False):
            best, second = sorted(output, reverse=True)[:2]
            low, high = (4 * part / (1 - part) if part < 1 else math.inf for part in (byte % level / level, (byte % level + 1) / level))
            assert low - 1e-9 <= best - second <= high + 1e-9
        assert bits_of(frame["wrong"], len(data)) == [class_of(o) != t for o, t in zip(outputs[36:], data.targets, strict=True)]


def test_the_last_frame_is_the_trained_model_and_training_is_that_of_fit():
    model, twin = MLP(2, [5, 2], rng=0), MLP(2, [5, 2], rng=0)
    page = animate_training(model, DATA, epochs=5, validation=REST, optimizer="sgd", lr=0.3, batch_size=7, seed=3, resolution=4, progress=False)
    history = fit(twin, DATA.inputs, DATA.targets, epochs=5, validation=REST, optimizer="sgd", lr=0.3, batch_size=7, seed=3, progress=False)
    assert page.history == history and model.state_dict() == twin.state_dict() and not model.training
    cells = b64decode(shown(page)["frames"][-1]["cells"])
    assert [byte // 128 for byte in cells] == [class_of(twin.predict(point)) for point in grid_of(DATA, 4)]


def test_the_numbers_are_those_of_the_history_after_what_was_before_training():
    fresh = MLP(2, [5, 2], rng=0)
    page = animated(validation=(REST.inputs, REST.targets))
    found = shown(page)
    for name in ("loss", "accuracy", "validation_loss", "validation_accuracy"):
        assert found[name][1:] == [float(f"{x:.6g}") for x in getattr(page.history, name)]
    for data, name in (DATA, "loss"), (REST, "validation_loss"):
        start = tg.cross_entropy([fresh.predict(x) for x in data.inputs], data.targets)
        assert found[name][0] == rounded(start)
    assert found["accuracy"][0] == sum(class_of(fresh.predict(x)) == t for x, t in zip(DATA.inputs, DATA.targets, strict=True)) / 40


def test_without_validation_no_numbers_are_made_up():
    found = shown(animated())
    assert found["validation_loss"] == found["validation_accuracy"] == [] and len(found["loss"]) == 4


def test_a_single_score_is_split_where_its_loss_says():
    for loss, output, threshold in ("bce_with_logits", None, 0.0), ("bce", "sigmoid", 0.5), ("mse", None, 0.5):
        model = MLP(2, [5, 1], output_activation=output, rng=0)
        found = shown(animate_training(model, DATA, loss=loss, epochs=2, lr=0.05, resolution=5, progress=False))
        cells = b64decode(found["frames"][-1]["cells"])
        assert [byte // 128 for byte in cells] == [int(model.predict(point) > threshold) for point in grid_of(DATA, 5)]
        assert (found["accuracy"] == []) == (loss == "mse")


def test_a_regression_shows_its_curve():
    data = noisy_sine(30, seed=0)
    model = MLP(1, [5, 1], rng=0)
    watcher = Watcher(model, [[x] for x in spaced(*widened([x for [x] in data.inputs], 0.05), 81)])
    page = animate_training(model, data, epochs=3, lr=0.05, progress=False, callbacks=[watcher])
    found = shown(page)
    assert found["kind"] == "numbers" and found["accuracy"] == [] and found["features"] == ["x", "target"]
    for frame, outputs in zip(found["frames"], watcher.seen, strict=True):
        assert frame["curve"] == pytest.approx(outputs, rel=1e-3)
    assert found["points"] == [[rounded(x), rounded(y), 0] for [x], y in zip(data.inputs, data.targets, strict=True)]


@pytest.mark.parametrize(("epochs", "frames", "kept"), [
    (0, 60, [0]), (5, 5, [0, 1, 2, 3, 4, 5]), (6, 5, [0, 2, 4, 6]), (7, 3, [0, 3, 6, 7]), (9, 1, [0, 9]),
])
def test_long_trainings_are_thinned_evenly_and_keep_the_first_and_the_last_epoch(epochs, frames, kept):
    page = animated(xor(8), epochs=epochs, frames=frames)
    assert [frame["epoch"] for frame in shown(page)["frames"]] == kept and len(shown(page)["loss"]) == epochs + 1


def test_a_training_that_stops_early_is_shown_to_its_end():
    page = animated(epochs=40, frames=4, lr=5.0, optimizer="sgd", patience=2, validation=REST)
    found = shown(page)
    assert page.history.stopped == found["stopped"] == "early" and len(page.history) < 40
    assert found["frames"][-1]["epoch"] == len(page.history)


@pytest.mark.parametrize("frames", [9, 3])
def test_an_interrupted_training_is_shown_as_far_as_it_went(frames):
    """In the middle of an epoch the weights are those of none: no frame is made of them."""
    steps = []

    def loss(predictions, targets):
        steps.append(predictions)
        if len(steps) == 1 + 4 * 3 + 2:             # before training; 4 epochs of 3 batches; and two more
            raise KeyboardInterrupt
        return tg.cross_entropy(predictions, targets)
    page = animated(epochs=9, frames=frames, loss=loss)
    assert page.history.stopped == "interrupted" and len(page.history) == 4
    assert shown(page)["frames"][-1]["epoch"] == (4 if frames == 9 else 3)


def test_callbacks_may_still_end_the_training():
    assert animated(epochs=9, callbacks=lambda history, model: len(history) == 2).history.stopped == "callback"


SCRIPT = """
import hashlib, tinygrad_edu as tg
p = tg.animate_training(tg.MLP(2, [4, 2], rng=0), tg.data.xor(20), epochs=3, resolution=6)
print(hashlib.sha256((p.html + p.picture).encode()).hexdigest())
"""


def test_the_same_seed_gives_the_same_bytes_in_every_process():
    digests = {subprocess.run([sys.executable, "-c", SCRIPT], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True).stdout
               for seed in ("0", "9")}
    assert len(digests) == 1 and animated().html == animated().html != animated(seed=1).html


def test_a_page_of_fifty_epochs_is_small():
    """A byte per point: what counts is how many points there are, not how good the model is."""
    page = animate_training(MLP(2, [2], rng=0), xor(200), epochs=50, progress=False)
    assert len(page.html.encode()) < 175_000 and len(shown(page)["frames"]) == 51


HOSTILE = "</script><img src=x onerror=alert(1)>\"'&\u2028"


class Elements(HTMLParser):
    """The names of all elements, and their attributes."""

    def __init__(self, text):
        super().__init__()
        self.names, self.attributes = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.names.append(tag)
        self.attributes += [name for name, _ in attributes]


def test_names_of_classes_and_inputs_are_only_text():
    data = Data(DATA.inputs, DATA.targets, (HOSTILE, "b"), (HOSTILE, "$x_1$"))
    page, plain = animated(data), animated()
    here, there = Elements(page.html), Elements(plain.html)
    assert here.names == there.names and here.attributes == there.attributes and "style" not in here.attributes
    assert shown(page)["features"][0] == printable(HOSTILE) and ElementTree.fromstring(page.picture)[1].text.count(printable(HOSTILE)) == 1
    frame, _, within = page._repr_mimebundle_()["text/html"].partition(">")
    assert Elements(frame + ">").names == ["iframe"] and Elements(within).names == ["img"]      # which newer parsers take for text
    assert "onerror" not in Elements(frame + ">").attributes + Elements(within).attributes


def test_nothing_is_loaded_and_nothing_is_sent():
    html = animated().html
    assert "default-src 'none'" in html and "http://www.w3.org/2000/svg" in html
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", html) and " src=" not in html


def test_answers_that_are_no_numbers_leave_the_page_whole():
    class Wild(Module):
        def __init__(self):
            self.w = tg.Value(0.5)

        def forward(self, x):
            return [self.w * x[0], tg.log(self.w * x[1] - 0.2)]
    data = Data([[0.1, 0.6], [0.9, 0.7], [0.2, 0.65]], [0, 1, 0], ("a", "b"), ("c", "d"))
    with tg.errstate(all="ignore"):
        found = shown(animate_training(Wild(), data, epochs=1, resolution=8, lr=1e-6, progress=False))
    assert len(b64decode(found["frames"][0]["cells"])) == 8 * 8 and rounded(math.nan) is None


@pytest.mark.parametrize(("data", "error", "words"), [
    (Data([[1.0, 2.0, 3.0]], [0], ("a", "b", "c"), ("n", "y")), ValueError, "these data have 3 inputs and 2 classes"),
    (Data([[1.0, 2.0]], [0.5], ("a", "b")), ValueError, "two inputs and 2 to 32 classes, or for one input and numbers .* 2 inputs and numbers"),
    (Data([[1.0]], [0], ("a",), ("n", "y")), ValueError, "1 inputs and 2 classes"), (Data([[1.0, 2.0]], [0], ("a", "b"), ("n",)), ValueError, "and 1 classes"),
    (spirals(66, arms=33), ValueError, "33 classes"), (Data([], [], ("a", "b"), ("n", "y")), ValueError, "no examples"),
    (Data([[1.0, math.nan]], [0], ("a", "b"), ("n", "y")), ValueError, "example 0 is .*nan"), (Data([[1.0]], [math.inf], ("a",)), ValueError, "finite"),
    (([[1.0, 2.0]], [0]), TypeError, "as tg.data makes them"),
])
def test_what_has_no_picture_is_refused_before_any_training(data, error, words):
    model = MLP(2, [2], rng=0)
    before = model.state_dict()
    with pytest.raises(error, match=words):
        animate_training(model, data, epochs=1, progress=False)
    assert model.state_dict() == before


@pytest.mark.parametrize(("options", "error", "words"), [
    ({"epochs": -1}, ValueError, "epochs .* got -1"), ({"frames": 0}, ValueError, "frames .* got 0"), ({"resolution": 1}, ValueError, "resolution .* got 1"),
    ({"sizes": (3, 1)}, ValueError, "the model has one output, but the targets are classes"), ({"sizes": (3, 3)}, ValueError, "3 outputs for 2 classes"), ({"lrr": 1}, TypeError, "lrr"), ({"loss": "msee"}, ValueError, "unknown loss"),
    ({"data": noisy_sine(9), "sizes": (2,)}, ValueError, r"a list of 2 against a number at \[0\]"), ({"data": noisy_sine(9), "sizes": (2,), "loss": lambda predictions, targets: 0.0}, ValueError, "the model returns 2"), ({"validation": ([], [])}, ValueError, "no validation examples"),
])
def test_bad_settings_are_named(options, error, words):
    with pytest.raises(error, match=words):
        animated(**options)


def test_a_notebook_gets_the_page_and_a_picture_where_pages_are_not_let_in():
    page = animated(yin_yang(30), (4, 3))
    bundle = page._repr_mimebundle_()
    assert "<iframe" in bundle["text/html"] and "data:image/svg+xml;base64," in bundle["text/html"]
    picture = ElementTree.fromstring(page.picture)
    assert len(picture.findall(".//{*}path")) == 30 and "epoch 3" in picture[1].text
    curve = ElementTree.fromstring(animated(noisy_sine(9), (3, 1)).picture)
    assert len(curve.findall(".//{*}path")) == 9 and curve.find(".//{*}polyline") is not None


def test_the_page_is_saved_as_one_file(tmp_path):
    page = animated()
    assert page.save(tmp_path / "training.html").read_text(encoding="utf-8") == page.html and "training" not in repr(page)


def test_scaled_inputs_are_shown_in_their_own_units():
    """What `train --animate` does: the model sees scaled rows, the page the rows as they are."""
    model = MLP(2, [3, 2], rng=0)
    film = Film(model, DATA, 1, resolution=5, seen=lambda rows: [[x * 10 - 5 for x in row] for row in rows])
    history = fit(model, [[x * 10 - 5 for x in row] for row in DATA.inputs], DATA.targets, epochs=1, callbacks=film, progress=False)
    found = shown(film.page(history))
    assert found["points"][0][:2] == [rounded(x) for x in DATA.inputs[0]]
    cells = b64decode(found["frames"][1]["cells"])
    assert [byte // 128 for byte in cells] == [class_of(model.predict([x * 10 - 5 for x in point])) for point in grid_of(DATA, 5)]


# ---- on the command line

def test_train_writes_the_page_and_learns_the_same(tmp_path):
    arguments = ["train", "xor", "--count", "40", "--hidden", "4", "--epochs", "3"]
    output, *_ = run(*arguments, "--animate", "training.html", "--save", "a.json", cwd=tmp_path)
    assert "wrote training.html" in output
    assert "A network learns to tell same from different" in (tmp_path / "training.html").read_text(encoding="utf-8")
    run(*arguments, "--save", "b.json", cwd=tmp_path)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert run("train", "noisy_sine", "--count", "20", "--hidden", "3", "--epochs", "2", "--animate", "s.html", cwd=tmp_path)[0]


@pytest.mark.parametrize(("arguments", "words"), [
    (["train", "xor", "--epochs", "0"], "--epochs must be at least 1, got 0"), (["train", "xor", "--animate", "folder.html"], "folder.html is a folder"),
    (["train", "xor", "--save", "a.html", "--animate", "a.html"], "written to one file"), (["train", "xor", "--animate", "a.png"], "written as .html"), (["train", "xor", "--animate", "none/a.html"], "there is no folder none"),
    (["train", "t.csv", "--label", "y", "--animate", "a.html"], "these data have 3 inputs and 2 classes"),
])
def test_mistakes_get_one_line_before_any_training(arguments, words, tmp_path):
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "t.csv").write_text("a,b,c,y\n" + "1,2,3,n\n4,5,7,y\n" * 5)
    output, errors, code = run(*arguments, cwd=tmp_path, check=False)
    assert code == 2 and words in errors and "Traceback" not in errors and output == ""


def test_a_training_that_explodes_is_shown_as_far_as_it_came():
    examples = xor(20, seed=0)
    model = MLP(2, [4, 2], "relu", rng=0)
    with pytest.raises((tg.DomainError, tg.GradientError)):
        tg.fit(MLP(2, [4, 2], "relu", rng=0), examples.inputs, examples.targets, lr=1e160, optimizer="sgd", epochs=5, progress=False)
    page = tg.animate_training(model, examples, lr=1e160, optimizer="sgd", epochs=5, progress=False)
    assert page.history.stopped == shown(page)["stopped"] == "exploded" and "dot(" in shown(page)["error"]
    assert len(shown(page)["frames"]) == len(page.history) + 1


def test_the_command_says_that_the_rate_was_too_large_and_still_writes_the_page(tmp_path):
    _, errors, code = run("train", "xor", "--hidden", "4", "--lr", "1e160", "--optimizer", "sgd", "--activation", "relu", "--epochs", "3",
                          "--animate", "e.html", cwd=tmp_path, check=False)
    assert code == 2 and "a smaller --lr may help" in errors and "Traceback" not in errors
    assert "exploded" in (tmp_path / "e.html").read_text(encoding="utf-8")
    output, *_ = run("train", "xor", "--hidden", "4", "--lr", "1e300", "--optimizer", "sgd", "--epochs", "2", cwd=tmp_path)
    assert "a smaller --lr may help" in output
