"""Every optimizer walks where PyTorch's walks: the same gradients, a thousand steps, twelve digits."""

import math
import random

import pytest

from tinygrad_edu import Value
from tinygrad_edu.nn import optim

torch = pytest.importorskip("torch", reason="PyTorch is not installed: the comparison needs it")

STEPS, LIMIT = 1000, 1e-12
CONFIGURATIONS = {      # name: (ours, theirs, settings of ours, settings of theirs)
    "SGD": (optim.SGD, torch.optim.SGD, {}, {}),
    "SGD with weight decay": (optim.SGD, torch.optim.SGD, {"lr": 0.05, "weight_decay": 0.1}, {}),
    "Momentum": (optim.Momentum, torch.optim.SGD, {"lr": 0.01, "momentum": 0.9}, {}),
    "Momentum with weight decay": (optim.Momentum, torch.optim.SGD, {"lr": 0.01, "momentum": 0.8, "weight_decay": 0.2}, {}),
    "Nesterov": (optim.Nesterov, torch.optim.SGD, {"lr": 0.01, "momentum": 0.9}, {"nesterov": True}),
    "Nesterov with weight decay": (optim.Nesterov, torch.optim.SGD, {"lr": 0.01, "momentum": 0.9, "weight_decay": 0.01}, {"nesterov": True}),
    "Adagrad": (optim.Adagrad, torch.optim.Adagrad, {}, {}),
    "Adagrad with weight decay": (optim.Adagrad, torch.optim.Adagrad, {"lr": 0.5, "eps": 1e-3, "weight_decay": 0.1}, {}),
    "RMSprop": (optim.RMSprop, torch.optim.RMSprop, {}, {}),
    "RMSprop with weight decay": (optim.RMSprop, torch.optim.RMSprop, {"lr": 0.002, "alpha": 0.9, "weight_decay": 0.1}, {}),
    "Adadelta": (optim.Adadelta, torch.optim.Adadelta, {}, {}),
    "Adadelta with weight decay": (optim.Adadelta, torch.optim.Adadelta, {"lr": 0.5, "rho": 0.95, "weight_decay": 0.1}, {}),
    "Adam": (optim.Adam, torch.optim.Adam, {}, {}),
    "Adam with weight decay": (optim.Adam, torch.optim.Adam, {"lr": 0.01, "betas": (0.8, 0.99), "eps": 1e-4, "weight_decay": 0.1}, {}),
    "AdamW": (optim.AdamW, torch.optim.AdamW, {}, {}),
    "AdamW with more decay": (optim.AdamW, torch.optim.AdamW, {"lr": 0.01, "weight_decay": 0.3}, {}),
}
STARTS = (1.0, -2.0, 0.5, 30.0, -0.001)


def gradients():
    """A fixed sequence, of several sizes and both signs, with zeros now and then."""
    draw = random.Random(20220916)
    return [[0.0 if draw.random() < 0.05 else draw.gauss(0.3, 1) * 10 ** draw.uniform(-3, 1) for _ in STARTS]
            for _ in range(STEPS)]


def worst_difference(ours, theirs, settings, torch_settings):
    """The largest difference to PyTorch along the way, by the largest value the parameter has had so far."""
    weights = [Value(w) for w in STARTS]
    tensor = torch.tensor(STARTS, dtype=torch.float64, requires_grad=True)
    mine, reference = ours(weights, **settings), theirs([tensor], **settings, **torch_settings)
    worst, largest = 0.0, [abs(w) for w in STARTS]
    for row in gradients():
        tensor.grad = torch.tensor(row, dtype=torch.float64)
        for w, g in zip(weights, row):
            w.grad = g
        mine.step()
        reference.step()
        wanted = tensor.tolist()
        largest = [max(size, abs(w)) for size, w in zip(largest, wanted)]
        worst = max(worst, *[abs(w.data - v) / size for w, v, size in zip(weights, wanted, largest)])
    return worst


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_thousand_steps_follow_pytorch(name):
    assert worst_difference(*CONFIGURATIONS[name]) <= LIMIT


OPTIMIZERS = [x for x in vars(optim).values() if isinstance(x, type) and issubclass(x, optim.Optimizer) and x is not optim.Optimizer]


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_every_optimizer_that_pytorch_has_is_compared(kind):
    assert not hasattr(torch.optim, kind.__name__) or kind in [ours for ours, *_ in CONFIGURATIONS.values()]


def test_groups_with_settings_of_their_own_follow_pytorch():
    w, b = Value(1.0), Value(-2.0)
    tensors = [torch.tensor([x], dtype=torch.float64, requires_grad=True) for x in (1.0, -2.0)]
    own = {"lr": 0.1, "betas": (0.5, 0.9), "weight_decay": 0.0}
    mine = optim.AdamW([{"params": [w]}, {"params": [b], **own}])
    reference = torch.optim.AdamW([{"params": [tensors[0]]}, {"params": [tensors[1]], **own}])
    for first, second, *_ in gradients():
        w.grad, b.grad = first, second
        for tensor, g in zip(tensors, (first, second)):
            tensor.grad = torch.tensor([g], dtype=torch.float64)
        mine.step()
        reference.step()
    assert [w.data, b.data] == pytest.approx([t.item() for t in tensors], rel=LIMIT)


@pytest.mark.parametrize("name", [name for name, (*_, settings, _) in CONFIGURATIONS.items() if not settings])
def test_the_defaults_are_pytorchs(name):
    ours, theirs, *_ = CONFIGURATIONS[name]
    reference = theirs([torch.zeros(1, requires_grad=True)]).defaults
    mine = ours([Value(1.0)]).defaults
    assert mine == {setting: reference[setting] for setting in mine}


class WithoutBiasCorrection(optim.Adam):
    def step_for(self, g, memory, at):
        beta1, beta2 = at.betas
        memory["m"] = beta1 * memory["m"] + (1 - beta1) * g
        memory["v"] = beta2 * memory["v"] + (1 - beta2) * g * g
        return at.lr * memory["m"] / (math.sqrt(memory["v"]) + at.eps)


class DecayInTheGradient(optim.AdamW):
    decays_weights_directly = False


class EpsilonInTheRoot(optim.Adam):
    def step_for(self, g, memory, at):
        super().step_for(g, memory, at)
        beta1, beta2 = at.betas
        m_hat, v_hat = memory["m"] / (1 - beta1 ** memory["t"]), memory["v"] / (1 - beta2 ** memory["t"])
        return at.lr * m_hat / math.sqrt(v_hat + at.eps)


@pytest.mark.parametrize(("wrong", "theirs"), [
    (WithoutBiasCorrection, torch.optim.Adam), (DecayInTheGradient, torch.optim.AdamW), (EpsilonInTheRoot, torch.optim.Adam),
    (optim.Nesterov, torch.optim.Adam), (optim.Adam, torch.optim.AdamW),
])
def test_a_planted_bug_is_caught(wrong, theirs):
    assert worst_difference(wrong, theirs, {"lr": 0.01}, {}) > 1000 * LIMIT
