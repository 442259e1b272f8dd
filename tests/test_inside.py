"""What an animation shows of the inside of a network: neurons, weights and one step, as the engine has them."""

import json
import math
import re
from base64 import b64decode
from itertools import pairwise
from struct import unpack

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu import animate_training
from tinygrad_edu.learn.data import noisy_sine, xor, yin_yang
from tinygrad_edu.learn.fit import fit
from tinygrad_edu.learn.inside import ALONG, MOST_NEURONS, WINDOW, Neurons, in_a_byte, placed
from tinygrad_edu.nn import optim
from tinygrad_edu.nn.modules import MLP, Dropout, Layer, Module, Sequential
from tinygrad_edu.show.plane import spaced, widened

DATA = xor(40, seed=0)
FORMULAS = {"tanh": math.tanh, "relu": lambda z: max(0.0, z), "sigmoid": lambda z: 1 / (1 + math.exp(-z)), "linear": lambda z: z}


def shown(page):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page.html, re.S)[1])


def unsquashed(byte):
    """The range of the numbers that become this byte."""
    low, high = ((byte + part - 128) / 127 for part in (-0.5, 0.5))
    return (low / (1 - abs(low)) if low > -1 else -math.inf), (high / (1 - abs(high)) if high < 1 else math.inf)


def activations(state, sizes, row, activation):
    """What every neuron answers, by the lecture's formula and nothing of ours."""
    found = []
    for layer, (before, size) in enumerate(pairwise(sizes)):
        apply = FORMULAS[activation if layer < len(sizes) - 2 else "linear"]
        name = f"layers.{layer}.neurons."
        row = [apply(sum(state[f"{name}{i}.w.{j}"] * row[j] for j in range(before)) + state[f"{name}{i}.b"]) for i in range(size)]
        found += row
    return found


class Recorder:
    """What `fit` itself tells: the weights after each epoch, and every batch."""

    def __init__(self, model):
        self.states, self.batches = [model.state_dict()], []

    def __call__(self, history, model):
        self.states.append(model.state_dict())

    def after_step(self, step):
        self.batches.append((step.epoch, list(step.batch)))


# ---- neurons and weights

@given(st.lists(st.integers(1, 5), min_size=1, max_size=3), st.sampled_from(sorted(FORMULAS)), st.integers(0, 10 ** 6),
       st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=1, max_size=4))
def test_the_bytes_of_neurons_are_what_the_neurons_answer(sizes, activation, seed, rows):
    model = MLP(2, sizes, activation, rng=seed)
    for bias in model.parameters(weights=False):
        bias.data = (seed % 7 - 3) / 2
    cells = b64decode(Neurons(model).frame(list(map(list, rows)))["neurons"])
    wanted = zip(*(activations(model.state_dict(), [2, *sizes], list(row), activation) for row in rows), strict=True)
    numbers = [x for column in wanted for x in column]
    assert len(cells) == len(numbers)
    for byte, x in zip(cells, numbers, strict=True):
        low, high = unsquashed(byte)
        assert low - 1e-9 <= x <= high + 1e-9


@given(st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_a_larger_number_has_no_smaller_byte_and_the_sign_is_kept(x, y):
    assert 1 <= in_a_byte(min(x, y)) <= in_a_byte(max(x, y)) <= 255
    assert in_a_byte(-x) - 128 == 128 - in_a_byte(x) and in_a_byte(math.nan) == 128


def test_each_frame_has_the_weights_and_neurons_of_that_epoch():
    model = MLP(2, [4, 3, 2], rng=0)
    recorder = Recorder(model)
    found = shown(animate_training(model, DATA, epochs=3, lr=0.05, resolution=4, progress=False, callbacks=recorder))
    net = found["network"]
    assert net["sizes"] == [2, 4, 3, 2] and net["activations"] == ["tanh", "tanh", ""] and net["names"][:4] == ["w0[0,0]", "w0[0,1]", "b0[0]", "w0[1,0]"]
    columns = [spaced(*widened(column, 0.1), net["side"]) for column in zip(*DATA.inputs, strict=True)]
    rows = [[x, y] for y in columns[1] for x in columns[0]]
    assert list(b64decode(net["inputs"])) == [in_a_byte(row[k]) for k in (0, 1) for row in rows]
    for frame, state in zip(found["frames"], recorder.states, strict=True):
        assert list(unpack(f"<{len(state)}f", b64decode(frame["weights"]))) == pytest.approx(list(state.values()), rel=1e-7)
        cells = b64decode(frame["neurons"])
        for k in (0, 5, len(rows) - 1):
            answers = activations(state, net["sizes"], rows[k], "tanh")
            assert [cells[i * len(rows) + k] for i in range(9)] == pytest.approx(list(map(in_a_byte, answers)), abs=1)


def test_the_pictures_of_the_classes_are_those_of_the_answers():
    """The last column of the network and the plane beside it must not tell two stories."""
    page = animate_training(MLP(2, [5, 3], rng=1), yin_yang(30), epochs=4, lr=0.1, resolution=12, progress=False)
    found = shown(page)
    for frame in found["frames"]:
        last, winners = b64decode(frame["neurons"])[5 * 144:], [byte // 85 for byte in b64decode(frame["cells"])]
        for point, winner in enumerate(winners):
            heights = [last[144 * kind + point] for kind in range(3)]
            assert heights[winner] == max(heights)


def test_one_input_gives_each_neuron_a_curve():
    model, data = MLP(1, [3, 1], rng=0), noisy_sine(20)
    found = shown(animate_training(model, data, epochs=2, progress=False))
    xs = spaced(*widened([x for [x] in data.inputs], 0.05), ALONG)
    cells = b64decode(found["frames"][-1]["neurons"])
    assert len(cells) == 4 * ALONG and list(cells[3 * ALONG:]) == [in_a_byte(model.predict([x])) for x in xs]


class Wavy(MLP):
    def forward(self, x):
        return [y * y for y in super().forward(x)]


@pytest.mark.parametrize("model", [Wavy(2, [3, 2], rng=0), MLP(2, [MOST_NEURONS - 1, 2], rng=0), Sequential(MLP(2, [3, 2], rng=0), tg.softmax)],
                         ids=["own forward", "too many", "a function"])
def test_a_network_that_is_not_only_layers_is_left_out_but_its_step_is_shown(model):
    loss = "nll" if isinstance(model, Sequential) else None
    found = shown(animate_training(model, DATA, epochs=1, resolution=4, lr=1e-3, loss=loss, progress=False))
    assert found["network"] is None and "neurons" not in found["frames"][0]
    assert found["walk"]["place"] is None and found["frames"][0]["step"]["batch"]


def test_a_sequence_of_layers_is_a_network_too():
    model = Sequential(Layer(2, 4, "tanh", rng=0), Dropout(0.5, seed=1), Layer(4, 2, rng=1))
    found = shown(animate_training(model, DATA, epochs=2, resolution=4, progress=False))
    assert found["network"]["sizes"] == [2, 4, 2] and len(b64decode(found["frames"][0]["neurons"])) == 6 * 144


@given(st.lists(st.integers(1, 20), min_size=2, max_size=6))
def test_squares_stand_apart_and_within_the_picture(sizes):
    found = placed(sizes)
    size = 2 * found["radius"]
    places = [place for column in found["columns"] for place in column]
    assert all(size / 2 <= x <= WINDOW[0] - size / 2 and size / 2 <= y <= found["height"] - size / 2 for x, y in places)
    assert all(max(abs(x - u), abs(y - v)) > size for i, (x, y) in enumerate(places) for u, v in places[:i])


def test_a_page_of_sixty_epochs_is_small():
    """Frames are alike: what two trainings differ by is what their epochs take."""
    def size(epochs):
        return len(animate_training(MLP(2, [8, 8, 2], rng=1), xor(16), epochs=epochs, progress=False).html.encode())
    few, more = size(2), size(4)
    assert few + (more - few) / 2 * 58 < 500_000


# ---- one step

def by_hand(model, batch, loss=tg.cross_entropy, penalty=None):
    """Gradients of a batch, by the engine: {name: number}."""
    model.zero_grad()
    value = loss([model(DATA.inputs[i]) for i in batch], [DATA.targets[i] for i in batch])
    (value if penalty is None else value + penalty(model.parameters(biases=False))).backward()
    return value.data, {name: p.grad for name, p in model.named_parameters()}


def name_of(model, label):
    return next(name for name, p in model.named_parameters() if p.label == label)


def digits(x):
    return float(f"{x:.6g}")


@pytest.mark.parametrize("kind", [optim.SGD, optim.Momentum, optim.Adam])
def test_the_numbers_of_a_step_are_those_of_the_engine(kind):
    model, twin = MLP(2, [4, 2], rng=0), MLP(2, [4, 2], rng=0)
    recorder = Recorder(model)
    page = animate_training(model, DATA, epochs=3, resolution=4, optimizer=kind(model.parameters(), lr=0.1), batch_size=7, callbacks=recorder, progress=False)
    found, optimizer, firsts = shown(page), kind(twin.parameters(), lr=0.1), set()
    name = name_of(twin, found["walk"]["weight"])
    weight = dict(twin.named_parameters())[name]
    for epoch, batch in recorder.batches:
        before = weight.data
        loss, gradients = by_hand(twin, batch)
        optimizer.step()
        if epoch not in firsts:
            step = found["frames"][epoch]["step"]
            assert (step["batch"], step["loss"], step["lr"], step["rest"]) == (batch, digits(loss), 0.1, 0)
            assert (step["before"], step["gradient"], step["after"]) == (digits(before), digits(gradients[name]), digits(weight.data))
            assert step["plain"] == (kind is optim.SGD) and found["walk"]["rule"] == kind.__name__
        firsts.add(epoch)
    assert firsts == {0, 1, 2} and "step" not in found["frames"][3]


def test_the_weight_is_that_with_the_largest_gradient_at_the_beginning():
    model, twin = MLP(2, [4, 2], rng=3), MLP(2, [4, 2], rng=3)
    found = shown(animate_training(model, DATA, epochs=1, resolution=4, progress=False))
    _, gradients = by_hand(twin, found["frames"][0]["step"]["batch"])
    weights = {name: abs(g) for name, g in gradients.items() if ".w." in name}
    assert name_of(twin, found["walk"]["weight"]) == max(weights, key=weights.get)
    assert found["network"]["names"][found["walk"]["place"]] == found["walk"]["weight"]


@pytest.mark.parametrize(("loss", "is_mean"), [(tg.cross_entropy, True), (lambda p, t: tg.cross_entropy(p, t, reduction="sum"), False)], ids=["mean", "own"])
def test_every_example_says_the_gradient_of_its_own_loss(loss, is_mean):
    model, twin = MLP(2, [4, 2], rng=0), MLP(2, [4, 2], rng=0)
    found = shown(animate_training(model, DATA, epochs=1, resolution=4, loss=loss, lr=1e-3, progress=False))
    step, name = found["frames"][0]["step"], name_of(twin, found["walk"]["weight"])
    own = [by_hand(twin, [i])[1][name] for i in step["batch"]]
    assert step["shares"] == [float(f"{x:.4g}") for x in own] and found["walk"]["mean"] == is_mean
    assert step["gradient"] == pytest.approx(math.fsum(own) / (len(own) if is_mean else 1), rel=1e-5)
    answers = [twin.predict(DATA.inputs[i]) for i in step["batch"]]
    assert step["answers"] == [[float(f"{x:.4g}") for x in row] for row in answers]
    assert step["right"] == [row.index(max(row)) == DATA.targets[i] for row, i in zip(answers, step["batch"], strict=True)]


def test_a_penalty_is_what_no_example_says():
    model, twin, penalty = MLP(2, [4, 2], rng=0), MLP(2, [4, 2], rng=0), tg.L2(0.5)
    found = shown(animate_training(model, DATA, epochs=1, resolution=4, penalty=penalty, progress=False))
    step, name = found["frames"][0]["step"], name_of(twin, found["walk"]["weight"])
    loss, bare = by_hand(twin, step["batch"])
    _, whole = by_hand(twin, step["batch"], penalty=penalty)
    assert (step["gradient"], step["loss"]) == (digits(whole[name]), digits(loss))
    assert step["rest"] == pytest.approx(whole[name] - bare[name], rel=1e-5)


def test_a_step_of_sgd_with_weight_decay_is_not_called_plain():
    model = MLP(2, [4, 2], rng=0)
    optimizer = optim.SGD(model.parameters(), lr=0.1, weight_decay=0.1)
    assert not shown(animate_training(model, DATA, epochs=1, resolution=4, optimizer=optimizer, progress=False))["frames"][0]["step"]["plain"]


def test_where_units_are_dropped_the_step_is_still_the_one_that_was_taken():
    model = Sequential(Layer(2, 6, "tanh", rng=0), Dropout(0.5, seed=1), Layer(6, 2, rng=1))
    step = shown(animate_training(model, DATA, epochs=1, resolution=4, progress=False))["frames"][0]["step"]
    assert step["gradient"] == pytest.approx(math.fsum(step["shares"]) / len(step["shares"]), rel=1e-3) and step["rest"] == 0


@pytest.mark.parametrize("make", [lambda: MLP(2, [4, 2], rng=0), lambda: Sequential(Layer(2, 6, rng=0), Dropout(0.5, seed=1), Layer(6, 2, rng=1))], ids=["MLP", "dropout"])
def test_watching_changes_no_bit_of_what_is_learnt(make):
    watched, alone = make(), make()
    optimizers = [optim.Adam(model.parameters(), lr=0.05) for model in (watched, alone)]
    animate_training(watched, DATA, epochs=4, resolution=4, optimizer=optimizers[0], progress=False)
    fit(alone, DATA.inputs, DATA.targets, epochs=4, optimizer=optimizers[1], progress=False)
    assert watched.state_dict() == alone.state_dict() and optimizers[0].state_dict() == optimizers[1].state_dict()
    assert [p.grad for p in watched.parameters()] == [p.grad for p in alone.parameters()]


def test_thinned_frames_have_the_step_that_follows_them():
    found = shown(animate_training(MLP(2, [3, 2], rng=0), DATA, epochs=7, frames=3, resolution=4, progress=False))
    unpacked = [unpack("<17f", b64decode(frame["weights"])) for frame in found["frames"]]
    assert [frame["epoch"] for frame in found["frames"]] == [0, 3, 6, 7]
    for frame, weights in zip(found["frames"][:3], unpacked, strict=False):
        assert frame["step"]["before"] == pytest.approx(weights[found["walk"]["place"]], rel=1e-5)


class Constant(Module):
    """One number for everything."""

    def __init__(self):
        self.level = tg.Value(0.5, label="level")

    def forward(self, x):
        return self.level * 1.0


def test_a_model_of_a_user_has_steps_too():
    data = noisy_sine(10)
    found = shown(animate_training(Constant(), data, epochs=1, progress=False))
    step = found["frames"][0]["step"]
    assert found["walk"]["weight"] == "level" and step["shares"] == pytest.approx([2 * (0.5 - data.targets[i]) for i in step["batch"]], rel=1e-3)


def test_without_a_step_there_is_nothing_to_walk():
    assert shown(animate_training(MLP(2, [3, 2], rng=0), DATA, epochs=0, resolution=4, progress=False))["walk"] is None


# ---- what fit tells

def test_fit_tells_every_batch_and_what_the_parameters_were_before():
    model, seen = MLP(2, [3, 2], rng=0), []
    values = [p.data for p in model.parameters()]

    class Watcher:
        def __call__(self, history, model):
            seen.append("epoch")

        def after_step(self, step):
            assert step.before == values and [p.data for p in step.optimizer.parameters] != values
            values[:] = [p.data for p in model.parameters()]
            seen.append(step)
    history = fit(model, DATA.inputs, DATA.targets, epochs=2, batch_size=15, callbacks=Watcher(), progress=False)
    assert [step if step == "epoch" else (step.epoch, len(step.batch)) for step in seen] == [
        (0, 15), (0, 15), (0, 10), "epoch", (1, 15), (1, 15), (1, 10), "epoch"]
    for epoch in 0, 1:
        steps = [step for step in seen if step != "epoch" and step.epoch == epoch]
        assert sorted(i for step in steps for i in step.batch) == list(range(40))
        assert sum(step.loss * len(step.batch) for step in steps) / 40 == pytest.approx(history.loss[epoch])
