"""Models in PyTorch and back: the same bits of weights, outputs and gradients to 12 digits, and refusals by name."""

import random
import re
from functools import partial
from pathlib import Path

import pytest

import tinygrad_edu as tg
from tinygrad_edu.nn import matrix_layers
from tinygrad_edu.nn.export import twins
from tinygrad_edu.nn.export.twins import ACTIVATIONS, OF_ROWS, softplus_up_to
from tinygrad_edu.nn.parts import OnEach

torch = pytest.importorskip("torch", reason="PyTorch is not installed: the comparison needs it")

nn = torch.nn
LIMIT = 1e-12
SETTINGS = {            # activations with constants of their own
    "leaky_relu 0.1": partial(tg.leaky_relu, slope=0.1), "elu 0.3": partial(tg.elu, alpha=0.3),
    "softplus of PyTorch": softplus_up_to, "softplus 2, 5": partial(softplus_up_to, beta=2.0, threshold=5.0),
}
EACH = {twins.name_of(f): f for f in ACTIVATIONS} | SETTINGS
POINTS = [0.0, -0.0, 1e-300, -1e-300, 1e-8, -1e-8, 5.0, 10.0, 19.99, 20.01, 25.0, -25.0, 36.7, -36.7, 39.9, 40.0, 40.1, 88.0,
          -88.0, 200.0, -200.0, 709.0, -709.0, 800.0, -800.0, 1e5, -1e5, 1e300, -1e300, *[i / 16 for i in range(-160, 161)]]


def close(x, y, scale=1.0):
    """Do two numbers agree to 12 digits, of themselves or of the largest that was added up?"""
    return x == y or abs(x - y) <= LIMIT * max(abs(x), abs(y), scale)


def flat(x):
    return [number for part in x for number in flat(part)] if isinstance(x, list) else [x]


def outputs(model, row):
    found = model(row)
    return found if isinstance(found, list) else [found]


def ours(model, row):
    """[outputs], [gradients of half the sum of their squares, first by the inputs, then by the parameters in order]."""
    inputs = [tg.Value(x) for x in row]
    found = outputs(model, inputs)
    model.zero_grad()
    tg.mul(0.5, tg.dot(found, found)).backward()
    return [x.data for x in found], [x.grad for x in [*inputs, *model.parameters()]]


def theirs(twin, row):
    """The same of a module of PyTorch; its parameters in our order, each neuron's weights before its bias."""
    inputs = torch.tensor([row], dtype=torch.float64, requires_grad=True)
    twin.zero_grad()
    found = twin(inputs)
    (found ** 2).sum().mul(0.5).backward()
    gradients = flat(inputs.grad.tolist())
    for module in dict.fromkeys(twin.modules()):
        if isinstance(module, torch.nn.Linear):
            biases = [] if module.bias is None else [[b] for b in module.bias.grad.tolist()]
            gradients += flat([w + b for w, b in zip(module.weight.grad.tolist(), biases or [[]] * module.out_features)])
    return flat(found.tolist()), gradients


def differs(model, twin, row):
    """Where a model and its twin differ: a text, "" for nowhere."""
    for what, mine, other in zip(("output", "gradient"), ours(model, row), theirs(twin, row)):
        if len(mine) != len(other):
            return f"{len(mine)} {what}s, and {len(other)}"
        scale = max(1.0, *map(abs, mine))
        for i, (x, y) in enumerate(zip(mine, other)):
            if not close(x, y, scale):
                return f"{what} {i}: {x!r}, and {y!r}"
    return ""


def bits(model):
    return [x.hex() for x in model.state_dict().values()]


def random_model(seed):
    """An architecture of any depth and width, with any activations that have a twin, and dropout that is off."""
    draw = random.Random(seed)
    kinds, inputs = [None, *EACH.values()], draw.randint(1, 6)
    sizes = [draw.randint(1, 6) for _ in range(draw.randint(1, 4))]
    options = {"bias": draw.random() < 0.8, "rng": seed, "fused": draw.random() < 0.5}
    if draw.random() < 0.4:
        model = tg.MLP(inputs, sizes, activations=[draw.choice(kinds) for _ in sizes], **options)
    else:
        steps = []
        for before, size in zip([inputs, *sizes], sizes):
            steps.append(tg.Layer(before, size, draw.choice(kinds), **options | {"rng": len(steps)}))
            steps += draw.choice([[], [], [tg.Dropout(draw.random() * 0.9)], [OnEach(draw.choice(kinds[1:]))],
                                  [tg.Sequential(tg.Layer(size, size, rng=seed), tg.Dropout(0.5))]])
        model = tg.Sequential(*steps, *draw.choice([[], [], *[[f] for f in OF_ROWS]])).eval()
    for parameter in model.parameters():
        parameter.data = draw.choice([draw.gauss(0, 1), draw.randint(-8, 8) / 4])
    return model, [draw.choice([draw.gauss(0, 2), draw.randint(-8, 8) / 4, draw.uniform(-40, 40)]) for _ in range(inputs)]


@pytest.mark.parametrize("seed", range(50))
def test_a_random_model_is_the_same_in_pytorch_and_back(seed):
    model, row = random_model(seed)
    twin = tg.to_torch(model)
    back = tg.from_torch(twin)
    assert differs(model, twin, row) == ""
    assert bits(back) == bits(model)
    assert repr(ours(back, row)) == repr(ours(model, row))
    assert repr(tg.to_torch(back)) == repr(twin)


@pytest.mark.parametrize("name", EACH)
def test_an_activation_is_the_same_at_every_point(name):
    twin = tg.to_torch(OnEach(EACH[name]))
    inputs = torch.tensor(POINTS, dtype=torch.float64, requires_grad=True)
    found = twin(inputs)
    found.sum().backward()
    for x, y, slope in zip(POINTS, found.tolist(), inputs.grad.tolist()):
        leaf = tg.Value(x)
        node = tg.mul(1.0, EACH[name](leaf))
        node.backward()
        assert abs(node.data - y) <= LIMIT * max(1, abs(y)) and abs(leaf.grad - slope) <= LIMIT, x


def test_a_softplus_of_pytorch_keeps_its_own_threshold():
    model = tg.from_torch(torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.Softplus()).double())
    model.load_state_dict({"layers.0.neurons.0.w.0": 1.0, "layers.0.neurons.0.b": 0.0})
    assert model([20.5]).data == 20.5 != tg.softplus(20.5)
    assert tg.from_torch(tg.to_torch(tg.Layer(1, 1, "softplus"))).layers[0].neurons[0].activation is tg.softplus


def test_pytorch_takes_a_safetensors_file_as_it_is(tmp_path):
    from safetensors.torch import load_file
    model = tg.MLP(2, [3, 2], rng=0)
    state = load_file(tg.save(model, tmp_path / "model.safetensors"))
    theirs_ = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2)).double()
    theirs_.load_state_dict(state)
    assert bits(tg.from_torch(theirs_)) == bits(model)
    twin = tg.to_torch(tg.MLP(2, [3, 2], rng=1))
    twin.load_state_dict(state)
    assert bits(tg.from_torch(twin)) == bits(model)


def test_single_precision_comes_in_exactly():
    theirs_ = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2, bias=False))
    model = tg.from_torch(theirs_)
    assert isinstance(model, tg.MLP) and model.layers[0].describe() == "3 -> 4, tanh"
    assert [n.w[0].data for n in model.layers[0].neurons] == theirs_[0].weight[:, 0].tolist()
    assert all(torch.equal(x, y.float()) for x, y in zip(theirs_.parameters(), tg.to_torch(model).parameters()))


def test_dropout_is_on_or_off_as_it_was_and_frozen_layers_stay_frozen():
    model = tg.Sequential(tg.Layer(2, 3, "relu", rng=0), tg.Dropout(0.25), tg.Layer(3, 1, rng=1))
    model.steps[0].freeze()
    for training in (True, False):
        model.steps[1].training = training
        twin = tg.to_torch(model)
        assert (twin[2].p, twin[2].training, twin.training) == (0.25, training, True)
        assert [p.requires_grad for p in twin.parameters()] == [False, False, True, True]
        back = tg.from_torch(twin)
        assert back.steps[1].training is training and back.training
        assert [p.is_constant for p in back.parameters()] == [True] * 9 + [False] * 4


def test_a_layer_in_two_places_is_one_there_too():
    shared = tg.Layer(2, 2, "tanh", rng=0)
    twin = tg.to_torch(tg.Sequential(shared, shared))
    assert twin[0] is twin[2] and len(list(twin.parameters())) == 2
    back = tg.from_torch(twin)
    assert len(back.parameters()) == 6 and back.steps[0] is back.steps[2]
    assert differs(back, twin, [0.5, -2.0]) == ""


def test_the_homeworks_layers_have_the_same_twins():
    network = matrix_layers.Chain([matrix_layers.TwoLayerMLP(3, 2, 5, 4, rng=0)])
    row = [[0.5, -1.0, 2.0]]
    twin = tg.to_torch(network)
    x = torch.tensor(row, dtype=torch.float64, requires_grad=True)
    found = twin(x)
    assert all(map(close, flat(network.forward(row).tolist()), flat(found.tolist())))
    found.sum().backward()
    assert all(map(close, flat(network.backward([[1.0, 1.0]]).tolist()), flat(x.grad.tolist())))
    maps = [layer for layer in twin if isinstance(layer, torch.nn.Linear)]
    for W, layer in zip(network.layers[0].getW(), maps, strict=True):
        assert W.T.tolist() == layer.weight.tolist()
    dropping = matrix_layers.ReLU(0.5, inverted=True)
    assert repr(tg.to_torch(dropping)[1]) == "Dropout(p=0.5, inplace=False)"


class Skip(tg.Layer):
    """A layer with a forward of its own."""

    def forward(self, x):
        return [tg.add(*pair) for pair in zip(super().forward(x), x)]


def with_a_tie():
    layer = tg.Layer(2, 2)
    layer.neurons[1].w[0] = layer.neurons[0].w[0]
    return layer


def half_frozen():
    layer = tg.Layer(2, 2)
    layer.neurons[0].freeze()
    return layer


def with_another_activation():
    layer = tg.Layer(2, 2, "relu")
    layer.neurons[1].activation = tg.tanh
    return layer


REFUSED = {
    "step 1 (Maxout) has no twin: torch.nn has no module that shares": lambda: tg.Sequential(tg.Layer(1, 2), tg.Maxout(2)),
    "layer 0 (clip) has no twin: the slope of clip is 1": lambda: tg.MLP(1, [1, 1], partial(tg.clip, low=0, high=1)),
    "layer 1 (sin) has no twin": lambda: tg.MLP(1, [1, 1], output_activation="sin"),
    "step 0, step 1 (<lambda>) has no twin": lambda: tg.Sequential(tg.Sequential(tg.Layer(1, 1), lambda x: x)),
    "Skip has no twin": lambda: Skip(2, 2),
    "(Dropout) has no twin: PyTorch's is scaled in training": lambda: tg.Sequential(tg.Dropout(inverted=False)),
    "ReLU has no twin: its dropout is scaled in evaluation": lambda: matrix_layers.ReLU(0.5),
    "Layer has no twin: the parameter w[0,0] stands in two places": with_a_tie,
    "Layer has no twin: some of its parameters are frozen": half_frozen,
    "Layer has no twin: its neurons differ": with_another_activation,
    "(max) has no twin": lambda: tg.Sequential(tg.Layer(1, 2), tg.max),
}


@pytest.mark.parametrize("start", REFUSED)
def test_what_has_no_twin_there_is_refused_by_name(start):
    with pytest.raises(ValueError, match="has no twin") as caught:
        tg.to_torch(REFUSED[start]())
    assert start in str(caught.value)


REFUSED_HERE = {
    "1 (LayerNorm) has no twin": lambda: nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2)),
    "0, 1 (PReLU) has no twin": lambda: nn.Sequential(nn.Sequential(nn.Linear(2, 2), nn.PReLU())),
    "0 (GELU) has no twin: it is an approximation": lambda: nn.Sequential(nn.GELU(approximate="tanh")),
    "0 (Softmax) has no twin: it goes along another": lambda: nn.Sequential(nn.Softmax(dim=0)),
    "0 (Softmax) has no twin: it goes along": lambda: nn.Sequential(nn.Softmax()),
    "0 (Hardtanh) has no twin: the slope": lambda: nn.Sequential(nn.Hardtanh()),
    "0 (ReLU6) has no twin: the slope": lambda: nn.Sequential(nn.ReLU6()),
    "0 (Flatten) has no twin: it flattens": lambda: nn.Sequential(nn.Flatten(0)),
    "0 (Dropout) has no twin: p must be": lambda: nn.Sequential(nn.Dropout(1.0)),
    "0 (Linear) has no twin: it has hooks": lambda: nn.Sequential(hooked()),
    "Linear has no twin: it has hooks, which may change": lambda: hooked("register_full_backward_hook"),
    "Linear has no twin: its forward was replaced": lambda: with_another_forward(),
    "1 (Linear) has no twin: its weight stands in two places": lambda: with_one_weight(),
    "0 (LazyLinear) has no twin: its size is not known": lambda: nn.Sequential(nn.LazyLinear(1)),
    "0 (Linear) has no twin: its parameters are torch.complex64": lambda: nn.Sequential(nn.Linear(1, 1, dtype=torch.complex64)),
    "0 (Linear) has no twin: its parameters are torch.float32 on meta": lambda: nn.Sequential(nn.Linear(1, 1, device="meta")),
    "0 (ParametrizedLinear) has no twin": lambda: nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(1, 1))),
    "Bilinear has no twin": lambda: nn.Bilinear(1, 1, 1),
}


def hooked(register="register_forward_hook"):
    layer = nn.Linear(1, 1)
    getattr(layer, register)(lambda module, *given: None)
    return layer


def with_another_forward():
    layer = nn.Linear(1, 1)
    layer.forward = lambda x: x
    return layer


def with_one_weight():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].weight = model[0].weight
    return model


@pytest.mark.parametrize("start", REFUSED_HERE)
def test_what_has_no_twin_here_is_refused_by_name(start):
    with pytest.raises(ValueError, match="has no twin") as caught:
        tg.from_torch(REFUSED_HERE[start]())
    assert start in str(caught.value)


def test_what_is_no_module_is_refused():
    with pytest.raises(TypeError, match=r"a torch.nn.Module is needed, not list"):
        tg.from_torch([1.0])


def test_what_needs_no_layer_is_passed_over():
    assert repr(tg.from_torch(nn.Sequential(nn.Flatten(), nn.Identity(), nn.Linear(2, 1)))).startswith("MLP(2 -> 1)")
    assert len(tg.to_torch(tg.Sequential(OnEach(tg.identity)))) == 0


PLANTED = {
    "a transposed weight": lambda twin: twin[0].weight.data.copy_(twin[0].weight.data.T.clone()),
    "a dropped bias": lambda twin: twin[0].bias.data.zero_(),
    "a wrong slope": lambda twin: setattr(twin[1], "negative_slope", 0.011),
    "a neuron exchanged with another": lambda twin: twin[0].weight.data.copy_(twin[0].weight.data.flip(0).clone()),
    "a weight in single precision": lambda twin: twin[0].weight.data.copy_(twin[0].weight.data.float().double()),
    "an activation left out": lambda twin: twin.__delitem__(1),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_the_comparison_sees_a_planted_bug(bug):
    model = tg.Sequential(tg.Layer(3, 3, "leaky_relu", rng=0), tg.Layer(3, 2, rng=1))
    for parameter in model.parameters(weights=False):
        parameter.data = 0.3
    twin = tg.to_torch(model)
    assert differs(model, twin, [0.5, -1.0, 2.0]) == ""
    with torch.no_grad():
        PLANTED[bug](twin)
    assert differs(model, twin, [0.5, -1.0, 2.0]) != ""


def test_the_examples_of_the_page_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).resolve().parents[1] / "docs/export.md").read_text(encoding="utf-8")
    examples = re.findall(r"^```py\n(.*?)^```$", page, re.S | re.M)
    assert len(examples) == 2
    for example in examples:
        exec(example, {})
