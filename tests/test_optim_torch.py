"""Every optimizer walks where PyTorch's walks: the same gradients, a thousand steps, twelve digits; schedules too."""

import math
import random

import pytest

from tinygrad_edu import Value
from tinygrad_edu.nn import optim, schedules

torch = pytest.importorskip("torch", reason="PyTorch is not installed: the comparison needs it")

STEPS, LIMIT = 1000, 1e-12
CONFIGURATIONS = {      # name: (ours, theirs, settings of ours, settings of theirs)
    "SGD": (optim.SGD, torch.optim.SGD, {}, {}),
    "SGD with weight decay": (optim.SGD, torch.optim.SGD, {"lr": 0.05, "weight_decay": 0.1}, {}),
    "SGD with momentum": (optim.SGD, torch.optim.SGD, {"lr": 0.01, "momentum": 0.9, "weight_decay": 0.1}, {}),
    "SGD with dampening": (optim.SGD, torch.optim.SGD, {"lr": 0.01, "momentum": 0.9, "dampening": 0.7}, {}),
    "SGD with dampening and weight decay": (optim.SGD, torch.optim.SGD, {"lr": 0.05, "momentum": 0.5, "dampening": 0.5, "weight_decay": 0.2}, {}),
    "SGD with Nesterov": (optim.SGD, torch.optim.SGD, {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}, {}),
    "Momentum": (optim.Momentum, torch.optim.SGD, {"lr": 0.01, "momentum": 0.9}, {}),
    "Momentum with weight decay": (optim.Momentum, torch.optim.SGD, {"lr": 0.01, "momentum": 0.8, "weight_decay": 0.2}, {}),
    "Nesterov": (optim.Nesterov, torch.optim.SGD, {"lr": 0.01, "momentum": 0.9}, {"nesterov": True}),
    "Nesterov with weight decay": (optim.Nesterov, torch.optim.SGD, {"lr": 0.01, "momentum": 0.9, "weight_decay": 0.01}, {"nesterov": True}),
    "Adagrad": (optim.Adagrad, torch.optim.Adagrad, {}, {}),
    "Adagrad with weight decay": (optim.Adagrad, torch.optim.Adagrad, {"lr": 0.5, "eps": 1e-3, "weight_decay": 0.1}, {}),
    "RMSprop": (optim.RMSprop, torch.optim.RMSprop, {}, {}),
    "RMSprop with weight decay": (optim.RMSprop, torch.optim.RMSprop, {"lr": 0.002, "alpha": 0.9, "weight_decay": 0.1}, {}),
    "RMSprop, centered": (optim.RMSprop, torch.optim.RMSprop, {"centered": True}, {}),
    "RMSprop, centered, with weight decay": (optim.RMSprop, torch.optim.RMSprop, {"lr": 0.002, "alpha": 0.9, "centered": True, "weight_decay": 0.1}, {}),
    "Adadelta": (optim.Adadelta, torch.optim.Adadelta, {}, {}),
    "Adadelta with weight decay": (optim.Adadelta, torch.optim.Adadelta, {"lr": 0.5, "rho": 0.95, "weight_decay": 0.1}, {}),
    "Adam": (optim.Adam, torch.optim.Adam, {}, {}),
    "Adam with weight decay": (optim.Adam, torch.optim.Adam, {"lr": 0.01, "betas": (0.8, 0.99), "eps": 1e-4, "weight_decay": 0.1}, {}),
    "Adam with amsgrad": (optim.Adam, torch.optim.Adam, {"amsgrad": True, "weight_decay": 0.1}, {}),
    "Adam with amsgrad, short memory": (optim.Adam, torch.optim.Adam, {"lr": 0.01, "betas": (0.8, 0.9), "amsgrad": True}, {}),
    "AdamW with amsgrad": (optim.AdamW, torch.optim.AdamW, {"lr": 0.01, "betas": (0.8, 0.9), "amsgrad": True}, {}),
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
def test_every_optimizer_that_pytorch_has_is_compared_with_all_its_options(kind):
    compared = [settings for ours, _, settings, _ in CONFIGURATIONS.values() if ours is kind]
    assert not hasattr(torch.optim, kind.__name__) or compared
    assert {name for settings in compared for name in settings} >= kind.options.keys()


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


class DampensTheFirstStep(optim.SGD):
    def step_for(self, g, memory, at):
        memory["G"] = at.momentum * memory["G"] + (1 - at.dampening) * g
        return at.lr * memory["G"]


class NoMean(optim.RMSprop):
    def step_for(self, g, memory, at):
        memory["v"] = at.alpha * memory["v"] + (1 - at.alpha) * g * g
        return at.lr * (g / (math.sqrt(memory["v"]) + at.eps))


class LargestOfTheHats(optim.Adam):
    def step_for(self, g, memory, at):
        beta1, beta2 = at.betas
        memory["t"] += 1
        memory["m"] = beta1 * memory["m"] + (1 - beta1) * g
        memory["v"] = beta2 * memory["v"] + (1 - beta2) * g * g
        memory["largest"] = max(memory["largest"], memory["v"] / (1 - beta2 ** memory["t"]))
        return at.lr * memory["m"] / (1 - beta1 ** memory["t"]) / (math.sqrt(memory["largest"]) + at.eps)


@pytest.mark.parametrize(("wrong", "theirs", "settings"), [
    (DampensTheFirstStep, torch.optim.SGD, {"momentum": 0.9, "dampening": 0.7}), (NoMean, torch.optim.RMSprop, {"centered": True}),
    (LargestOfTheHats, torch.optim.Adam, {"amsgrad": True}), (optim.SGD, torch.optim.SGD, {"momentum": 0.9}),
])
def test_a_planted_bug_in_an_option_is_caught(wrong, theirs, settings):
    other = {"nesterov": True} if wrong is optim.SGD else {}
    assert worst_difference(wrong, theirs, {"lr": 0.01, **settings}, other) > 1000 * LIMIT


@pytest.mark.parametrize(("wrong", "theirs"), [
    (WithoutBiasCorrection, torch.optim.Adam), (DecayInTheGradient, torch.optim.AdamW), (EpsilonInTheRoot, torch.optim.Adam),
    (optim.Nesterov, torch.optim.Adam), (optim.Adam, torch.optim.AdamW),
])
def test_a_planted_bug_is_caught(wrong, theirs):
    assert worst_difference(wrong, theirs, {"lr": 0.01}, {}) > 1000 * LIMIT


# ---- schedules


def rates_of(theirs, steps, lr=0.1, **settings):
    """The learning rate of each step, as a schedule of PyTorch sets it."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    schedule, rates = theirs(optimizer, **settings), []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return rates


SCHEDULES = {               # name: (ours, theirs, settings of theirs)
    "StepDecay": (schedules.StepDecay(0.1, every=30, factor=0.5), torch.optim.lr_scheduler.StepLR, {"step_size": 30, "gamma": 0.5}),
    "MultiStepDecay": (schedules.MultiStepDecay(0.1, (30, 31, 200, 400)), torch.optim.lr_scheduler.MultiStepLR, {"milestones": [30, 31, 200, 400]}),
    "MultiStepDecay by a factor": (schedules.MultiStepDecay(0.1, [100, 300], factor=0.7), torch.optim.lr_scheduler.MultiStepLR, {"milestones": [100, 300], "gamma": 0.7}),
    "ExponentialDecay": (schedules.ExponentialDecay(0.1, factor=0.99), torch.optim.lr_scheduler.ExponentialLR, {"gamma": 0.99}),
    "LinearDecay": (schedules.LinearDecay(0.1, steps=400, final=0.002), torch.optim.lr_scheduler.LinearLR, {"start_factor": 1.0, "end_factor": 0.02, "total_iters": 400}),
    "CosineDecay": (schedules.CosineDecay(0.1, steps=500, final=0.01), torch.optim.lr_scheduler.CosineAnnealingLR, {"T_max": 500, "eta_min": 0.01}),
    "OneCycle": (schedules.OneCycle(0.1, steps=500), torch.optim.lr_scheduler.OneCycleLR, {"max_lr": 0.1, "total_steps": 500}),
    "OneCycle, linear": (schedules.OneCycle(0.3, steps=500, rise=0.21, shape="linear", initial=0.03, final=0.0001),
                         torch.optim.lr_scheduler.OneCycleLR, {"max_lr": 0.3, "total_steps": 500, "pct_start": 0.21, "anneal_strategy": "linear", "div_factor": 10, "final_div_factor": 300}),
    "OneCycle, cosine, odd": (schedules.OneCycle(0.3, steps=501, rise=0.5), torch.optim.lr_scheduler.OneCycleLR, {"max_lr": 0.3, "total_steps": 501, "pct_start": 0.5}),
}


def worst_of_rates(ours, theirs, settings):
    more = {"cycle_momentum": False} if theirs is torch.optim.lr_scheduler.OneCycleLR else {}
    return max(abs(ours(k) / rate - 1) for k, rate in enumerate(rates_of(theirs, 500, **settings, **more)))


@pytest.mark.parametrize("name", SCHEDULES)
def test_five_hundred_rates_are_pytorchs(name):
    assert worst_of_rates(*SCHEDULES[name]) <= LIMIT


@pytest.mark.parametrize("settings", [{}, {"factor": 0.5, "patience": 3}, {"factor": 0.7, "patience": 0, "threshold": 0.01}, {"factor": 0.5, "patience": 2, "cooldown": 4},
                                      {"factor": 0.3, "patience": 1, "cooldown": 1, "final": 0.002}])
def test_five_hundred_rates_on_plateaus_are_pytorchs(settings):
    assert worst_on_plateaus(schedules.ReduceOnPlateau, settings) <= LIMIT


def worst_on_plateaus(kind, settings):
    """Losses that fall in stairs, with noise; the factor brings no rate below what PyTorch calls a change."""
    draw, losses, worst = random.Random(7), [], 0.0
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    theirs = {"min_lr" if name == "final" else name: x for name, x in settings.items()}
    reference, ours = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, eps=0.0, **theirs), kind(0.1, **settings)
    for k in range(500):
        losses.append(10 * 0.8 ** (k // 40) + draw.uniform(0, 0.5) + (0.0 if k % 40 else 3.0))
        reference.step(losses[-1])
        worst = max(worst, abs(ours.rate_after(losses) / optimizer.param_groups[0]["lr"] - 1))
    assert optimizer.param_groups[0]["lr"] < 0.05
    return worst


def test_planted_bugs_in_schedules_are_caught():
    class OneLater(schedules.ReduceOnPlateau):
        def rate_after(self, losses):
            return super().rate_after(losses[:-1])
    assert worst_on_plateaus(OneLater, {"factor": 0.5, "patience": 3}) > 0.1
    assert worst_on_plateaus(lambda lr, **settings: schedules.ReduceOnPlateau(lr, **{**settings, "cooldown": 0}), {"factor": 0.5, "patience": 2, "cooldown": 4}) > 0.1
    assert worst_of_rates(schedules.OneCycle(0.1, steps=501), *SCHEDULES["OneCycle"][1:]) > 1e-4
    assert worst_of_rates(lambda k: schedules.MultiStepDecay(0.1, (30, 31, 200, 400))(k - 1 if k else 0), *SCHEDULES["MultiStepDecay"][1:]) > 0.1


def test_an_optimizer_led_by_a_schedule_walks_where_pytorchs_walks():
    w, reference = Value(1.0), torch.tensor([1.0], dtype=torch.float64, requires_grad=True)
    mine, other = optim.SGD([w], lr=0.1, momentum=0.9, nesterov=True), torch.optim.SGD([reference], lr=0.1, momentum=0.9, nesterov=True)
    schedule = schedules.OneCycle(0.05, steps=500)
    theirs = torch.optim.lr_scheduler.OneCycleLR(other, max_lr=0.05, total_steps=500, cycle_momentum=False)
    for k, (g, *_) in enumerate(gradients()[:500]):
        w.grad, reference.grad = g, torch.tensor([g], dtype=torch.float64)
        mine.lr = schedule(k)
        mine.step()
        other.step()
        theirs.step()
        assert w.data == pytest.approx(reference.item(), rel=LIMIT, abs=LIMIT)
