"""Optimizers, schedules and penalties: the lectures' numbers, what is refused, and that nothing moves by half."""

import ast
import copy
import itertools
import json
import math
import pickle
import random
import re
import statistics
from functools import partial
from types import SimpleNamespace

import pytest

from tinygrad_edu import GradientError, Value, dot, relu
from tinygrad_edu.nn import optim
from tinygrad_edu.nn.optim import SGD, Adam, AdamW, Momentum, Nesterov, Optimizer, RMSprop
from tinygrad_edu.nn.penalties import L1, L2
from tinygrad_edu.nn.schedules import (
    Constant,
    CosineDecay,
    ExponentialDecay,
    InverseDecay,
    LinearDecay,
    MultiStepDecay,
    OneCycle,
    ReduceOnPlateau,
    Schedule,
    StepDecay,
    Warmup,
)

pytestmark = pytest.mark.smoke

CLOSE = {"rel": 1e-12, "abs": 1e-12}
OPTIMIZERS = [x for x in vars(optim).values() if isinstance(x, type) and issubclass(x, Optimizer) and x is not Optimizer]
WITH_OPTIONS = [partial(SGD, momentum=0.9), partial(SGD, momentum=0.9, dampening=0.5), partial(SGD, momentum=0.9, nesterov=True),
                partial(RMSprop, centered=True), partial(Adam, amsgrad=True), partial(AdamW, amsgrad=True)]
KINDS = [*OPTIMIZERS, *WITH_OPTIONS]
BOWL = [3.0, -1.0]


def descend(optimizer, loss, steps):
    """The path of the first parameter."""
    path = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss(*optimizer.parameters).backward()
        optimizer.step()
        path.append(optimizer.parameters[0].data)
    return path


def follow(optimizer, gradients):
    """The parameters after each step, when the gradients are given."""
    path = []
    for g in gradients:
        for p in optimizer.parameters:
            p.grad = g
        optimizer.step()
        path.append([p.data for p in optimizer.parameters])
    return path


def square(w):
    return w ** 2


def ready(kind, **settings):
    """An optimizer with two parameters that have gradients."""
    w, b = Value(1.0, label="w"), Value(2.0)
    w.grad, b.grad = 0.5, -0.25
    return kind([w, b], **settings)


def class_of(kind):
    return getattr(kind, "func", kind)


def name_of(kind):
    """SGD, or SGD(momentum=0.9)."""
    settings = ", ".join(f"{name}={value}" for name, value in getattr(kind, "keywords", {}).items())
    return f"{class_of(kind).__name__}({settings})" if settings else kind.__name__


# ---- every optimizer


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
def test_the_bottom_of_a_bowl_is_reached(kind):
    """A rule whose steps do not shrink with the gradient needs a rate that falls."""
    w, b = Value(0.07), Value(-0.03)
    optimizer = kind([w, b])
    largest = max(optimizer.lr, 0.1)
    for part in (1, 0.1):
        optimizer.lr = part * largest
        descend(optimizer, lambda w, b: (w - BOWL[0]) ** 2 + 4 * (b - BOWL[1]) ** 2, 3000)
    assert [w.data, b.data] == pytest.approx(BOWL, abs=0.05)


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
def test_a_saved_state_goes_on_bit_by_bit(kind):
    gradients = [math.sin(7 * k) + 0.1 for k in range(40)]
    first = ready(kind, lr=0.0123, weight_decay=0.01)
    first.load_state_dict(ready(kind, lr=0.0123, weight_decay=0.01).state_dict())       # before the first step, too
    follow(first, gradients[:20])
    saved = json.loads(json.dumps(first.state_dict()))
    assert saved == first.state_dict()
    second = kind([Value(p.data) for p in first.parameters], lr=1.0)
    second.load_state_dict(saved)
    assert follow(second, gradients[20:]) == follow(first, gradients[20:])
    assert second.state_dict() == first.state_dict() and second.defaults == first.defaults


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_one_bad_gradient_moves_nothing(kind, bad):
    optimizer = ready(kind)
    optimizer.step()
    before = copy.deepcopy((optimizer.state_dict(), [p.data for p in optimizer.parameters]))
    optimizer.parameters[1].grad = bad
    with pytest.raises(GradientError, match=f"gradient of parameter 1 is {bad}; nothing was changed"):
        optimizer.step()
    optimizer.parameters[1].grad, optimizer.parameters[0].grad = 0.1, bad
    with pytest.raises(GradientError, match=r"parameter 0 \('w'\)"):
        optimizer.step()
    assert (optimizer.state_dict(), [p.data for p in optimizer.parameters]) == before


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
@pytest.mark.parametrize("large", [1e20, 1e160, 1e300])
def test_a_gradient_too_large_for_the_rule_moves_nothing(kind, large):
    """What is too large depends on the rule; one that does not overflow moves every parameter."""
    optimizer = ready(kind, lr=1e10)
    optimizer.parameters[1].grad = large
    before, start = optimizer.state_dict(), [p.data for p in optimizer.parameters]
    try:
        optimizer.step()
    except GradientError as error:
        assert re.search(r" of parameter 1 is too large for .*\): data=.*inf.*; nothing was changed", str(error))
        assert (optimizer.state_dict(), [p.data for p in optimizer.parameters]) == (before, start)
    else:
        assert all(math.isfinite(p.data) and p.data != was for p, was in zip(optimizer.parameters, start))
        assert all(map(math.isfinite, optimizer.memory[1].values()))


def test_a_step_beyond_all_floats_is_refused():
    optimizer = ready(SGD, lr=1e10)
    optimizer.parameters[1].grad = 1e300
    with pytest.raises(GradientError, match=r"the gradient 1e\+300 of parameter 1 is too large for SGD.*: data=-inf; nothing was changed"):
        optimizer.step()
    assert [p.data for p in optimizer.parameters] == [1.0, 2.0] and optimizer.steps_taken == 0


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
def test_a_first_step_without_any_gradient_is_legal_and_warns_once(kind):
    optimizer, weight_decay = ready(kind, weight_decay=0.0), ready(kind, weight_decay=0.5)
    for each in (optimizer, weight_decay):
        each.zero_grad()
        with pytest.warns(UserWarning, match=r"every gradient is 0 at the first step\(\): was backward\(\) called") as caught:
            each.step()
        assert len(caught) == 1 and caught[0].filename == __file__
        each.step()                                         # an error here, if it warned again
    assert [p.data for p in optimizer.parameters] == [1.0, 2.0] and optimizer.steps_taken == 2
    assert all(p.data < start for p, start in zip(weight_decay.parameters, (1.0, 2.0)))
    optimizer.parameters[0].grad = 1.0
    optimizer.step()
    assert optimizer.parameters[0].data < 1.0 and optimizer.parameters[1].data == 2.0


def test_a_perceptron_whose_first_sample_is_right_takes_its_steps():
    w = [Value(0.5), Value(-1.0)]
    optimizer, samples = SGD(w, lr=0.5), [([1.0, -1.0], 1), ([2.0, 2.0], 1), ([-1.0, 0.5], -1)]
    with pytest.warns(UserWarning, match="every gradient is 0"):
        for x, t in samples:
            optimizer.zero_grad()
            relu(-t * dot(w, x)).backward()
            optimizer.step()
    assert [p.data for p in w] == [1.5, 0.0] and optimizer.steps_taken == 3


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
def test_at_a_rate_of_0_nothing_moves_and_memories_go_on(kind):
    optimizer, other = ready(kind, lr=0), ready(kind, lr=0.5)
    optimizer.step()
    assert [p.data for p in optimizer.parameters] == [1.0, 2.0]
    other.step()
    if kind is not Momentum:
        assert optimizer.memory == other.memory
    optimizer.lr = 0.5
    optimizer.lr = 0
    assert optimizer.lr == 0.0


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
def test_frozen_parameters_are_skipped(kind):
    optimizer = ready(kind, weight_decay=0.1)
    frozen = Value(5.0).detach()
    with_frozen = kind([frozen, *[Value(p.data) for p in optimizer.parameters]], weight_decay=0.1)
    moved, others = follow(optimizer, [0.5, -0.1, 2.0]), follow(with_frozen, [0.5, -0.1, 2.0])
    assert others == [[5.0, *row] for row in moved]
    assert set(with_frozen.memory[0].values()) <= {0.0}


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
def test_every_optimizer_shows_its_settings(kind):
    optimizer = ready(kind, lr=0.25)
    assert repr(optimizer).startswith(f"{class_of(kind).__name__}(2 parameters, lr=0.25, ") and "weight_decay=" in repr(optimizer)
    on = {name for name in class_of(kind).options if f"{name}=" in repr(optimizer)}
    assert on == getattr(kind, "keywords", {}).keys()


def test_every_option_is_among_those_tested():
    assert {(class_of(kind), name) for kind in WITH_OPTIONS for name in kind.keywords} == {
        (kind, name) for kind in OPTIMIZERS for name in kind.options}


@pytest.mark.parametrize("kind", WITH_OPTIONS, ids=name_of)
def test_an_option_that_is_off_leaves_no_trace_in_a_state_and_one_that_is_on_does(kind):
    plain, other = ready(class_of(kind)), ready(kind)
    assert not class_of(kind).options.keys() & plain.state_dict()["settings"].keys()
    assert kind.keywords.items() <= other.state_dict()["settings"].items()
    for one, another in ((plain, other), (other, plain)):
        with pytest.raises(ValueError, match="the state belongs to another optimizer or is damaged: expected"):
            one.load_state_dict(another.state_dict())


@pytest.mark.parametrize("kind", WITH_OPTIONS, ids=name_of)
def test_an_option_may_be_switched_on_between_two_steps(kind):
    early, late = ready(kind, lr=0.1), ready(class_of(kind), lr=0.1)
    for name, value in kind.keywords.items():
        late.groups[0][name] = value
    assert follow(late, [0.5, -0.25, 1.0]) == follow(early, [0.5, -0.25, 1.0]) and late.memory == early.memory
    plain = one_parameter_at_a_time(class_of(kind))([Value(1.0)], lr=0.1)
    assert follow(plain, [0.5]) and plain.memory
    for name, value in kind.keywords.items():
        plain.groups[0][name] = value
    follow(plain, [0.5])
    assert plain.memory[0].keys() == early.memory[0].keys()


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_pickle_from_before_there_were_options_is_read(kind):
    new = ready(kind)
    follow(new, [0.5])
    old = pickle.loads(pickle.dumps(new))
    state = old.__getstate__()
    for name in kind.options:
        del state["defaults"][name]
    again = object.__new__(kind)
    again.__setstate__(state)
    assert again.state_dict() == new.state_dict() and follow(again, [0.5, 1.0]) == follow(new, [0.5, 1.0])


def test_momentum_and_nesterov_are_sgd_with_options_to_the_bit():
    gradients = [math.sin(7 * k) + 0.1 for k in range(40)]
    for kind, options in ((Momentum, {}), (Nesterov, {"nesterov": True})):
        optimizers = [ready(kind, lr=0.03, momentum=0.8, weight_decay=0.1), ready(SGD, lr=0.03, momentum=0.8, weight_decay=0.1, **options)]
        assert follow(optimizers[0], gradients) == follow(optimizers[1], gradients)


def test_amsgrad_by_hand():
    """β₁ = ½, β₂ = ¾: v is 1, then 0.75, and the largest stays 1."""
    optimizer = Adam([Value(0.0)], lr=0.5, betas=(0.5, 0.75), eps=1.0, amsgrad=True)
    first, second = 2 / (2 + 1), 0.5 / 0.75 / (math.sqrt(1 / 0.4375) + 1)
    assert [-2 * w for w, in follow(optimizer, [2.0, 0.0])] == pytest.approx([first, first + second], rel=1e-14)
    assert optimizer.memory[0] == {"m": 0.5, "v": 0.75, "t": 2.0, "largest": 1.0}


def test_centred_rmsprop_by_hand():
    """α = ¾: v - m² is 4 - 1 = 3, then 3.25 - 0.5² = 3; under steady gradients of 2 it is 4 - 4, and ε is left."""
    optimizer = RMSprop([Value(0.0)], lr=1.0, alpha=0.75, eps=1.0, centered=True)
    steps = [4 / (math.sqrt(3) + 1), -1 / (math.sqrt(3) + 1)]
    assert [-w for w, in follow(optimizer, [4.0, -1.0])] == pytest.approx([steps[0], sum(steps)], rel=1e-14)
    steady = RMSprop([Value(0.0)], lr=1.0, eps=1.0, centered=True)
    path = [w for w, in follow(steady, [0.3] * 10_000)]
    assert path[-2] - path[-1] == pytest.approx(0.3, rel=1e-6) and all(after < before for before, after in itertools.pairwise(path))


def test_dampened_momentum_by_hand():
    """β = ½, d = ¼: G is 2, then 1 + 0.75 · 4."""
    optimizer = SGD([Value(0.0)], lr=1.0, momentum=0.5, dampening=0.25)
    assert follow(optimizer, [2.0, 4.0]) == [[-2.0], [-6.0]] and optimizer.memory[0] == {"G": 4.0, "t": 2.0}


def told_defaults(kind):
    """{setting: value} of the sentence "Defaults: lr 0.001, ..." in the docstring."""
    sentence = re.search(r"^ *Defaults: (.*?)(?:, as in .*)?\.$", kind.__doc__, re.M)
    assert sentence, f'{kind.__name__}: the docstring needs a line such as "Defaults: lr 0.001, weight_decay 0."'
    return {name: ast.literal_eval(value) for name, value in re.findall(r'(\w+) ((?:\(.*?\)|".*?"|[^,])+)', sentence[1])}


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_the_defaults_are_those_of_the_docstring(kind):
    assert kind([Value(1.0)]).defaults == told_defaults(kind)


# ---- against a plain reference, to the last bit


def plain_sgd(g, kept, at):
    if not at["momentum"]:
        return at["lr"] * g
    kept["G"] = at["momentum"] * kept["G"] + (1 - at["dampening"] if kept["t"] else 1) * g
    kept["t"] += 1
    return at["lr"] * (g + at["momentum"] * kept["G"]) if at["nesterov"] else at["lr"] * kept["G"]


def plain_adam(g, kept, at):
    (beta1, beta2), kept["t"] = at["betas"], kept["t"] + 1
    kept["m"] = beta1 * kept["m"] + (1 - beta1) * g
    v = kept["v"] = beta2 * kept["v"] + (1 - beta2) * g * g
    if at["amsgrad"]:
        v = kept["largest"] = max(v, kept["largest"])
    m_hat, v_hat = kept["m"] / (1 - beta1 ** kept["t"]), v / (1 - beta2 ** kept["t"])
    return at["lr"] * (m_hat / (math.sqrt(v_hat) + at["eps"]))


def plain_momentum(g, kept, at):
    if at["convention"] == "gradient":
        kept["G"] = at["momentum"] * kept["G"] + g
        return at["lr"] * kept["G"]
    kept["step"] = at["momentum"] * kept["step"] - at["lr"] * g
    return -kept["step"]


def plain_nesterov(g, kept, at):
    kept["G"] = at["momentum"] * kept["G"] + g
    return at["lr"] * (g + at["momentum"] * kept["G"])


def plain_adagrad(g, kept, at):
    kept["v"] += g * g
    return at["lr"] * (g / (math.sqrt(kept["v"]) + at["eps"]))


def plain_rmsprop(g, kept, at):
    v = kept["v"] = at["alpha"] * kept["v"] + (1 - at["alpha"]) * g * g
    if at["centered"]:
        m = kept["m"] = at["alpha"] * kept["m"] + (1 - at["alpha"]) * g
        v = max(0.0, v - m * m)
    return at["lr"] * (g / (math.sqrt(v) + at["eps"]))


def plain_adadelta(g, kept, at):
    kept["v"] = at["rho"] * kept["v"] + (1 - at["rho"]) * g * g
    change = g * math.sqrt(kept["u"] + at["eps"]) / math.sqrt(kept["v"] + at["eps"])
    kept["u"] = at["rho"] * kept["u"] + (1 - at["rho"]) * change * change
    return at["lr"] * change


def plain_lion(g, kept, at):
    beta1, beta2 = at["betas"]
    c = beta1 * kept["m"] + (1 - beta1) * g
    kept["m"] = beta2 * kept["m"] + (1 - beta2) * g
    return at["lr"] * ((c > 0) - (c < 0))


PLAIN = {SGD: plain_sgd, Momentum: plain_momentum, Nesterov: plain_nesterov,
         optim.Adagrad: plain_adagrad, RMSprop: plain_rmsprop, optim.Adadelta: plain_adadelta, Adam: plain_adam,
         AdamW: plain_adam, optim.Lion: plain_lion}
SHRINKING = AdamW, optim.Lion               # those whose weight decay passes the rule by
OWN_SETTINGS = {"lr": 0.03, "weight_decay": 0.25, "betas": (0.5, 0.75), "momentum": 0.5, "alpha": 0.75, "rho": 0.75, "eps": 1e-3,
                "dampening": 0.25, "centered": True, "amsgrad": True}


def one_parameter_at_a_time(kind):
    """The optimizer whose rule is asked about each parameter by itself, as the rules of users are."""
    return type(kind.__name__, (kind,), {"step_for": lambda self, *arguments: super(type(self), self).step_for(*arguments)})


def plain_step(rule, optimizer, memory):
    """The numbers of the parameters after a step; what is remembered of each is updated."""
    each = [(p, group) for group in optimizer.groups for p in group.params]
    for (p, group), kept in zip(each, memory):
        at = {**optimizer.defaults, **group.own}
        if p.is_constant:
            yield p.data
        elif isinstance(optimizer, SHRINKING):
            yield p.data * (1 - at["lr"] * at["weight_decay"]) - rule(p.grad, kept, at)
        else:
            yield p.data - rule(p.grad + at["weight_decay"] * p.data, kept, at)


def check_walk(rule, make, settings, frozen, draw):
    """Take 200 steps with an optimizer of three groups, and the same beside it; repr tells 0.0 and -0.0 apart."""
    parameters = [Value(w) for w in (-0.0, *[draw.gauss(0, 3) for _ in range(6)])]
    optimizer = make([{"params": parameters[:3]}, {"params": parameters[3:4]}, {"params": parameters[4:]}], **settings)
    for name in (OWN_SETTINGS.keys() & optimizer.defaults.keys()) - ({"dampening"} if settings.get("nesterov") else set()):
        optimizer.groups[2][name] = OWN_SETTINGS[name]
    memory = [dict.fromkeys(optimizer.names(), 0.0) for _ in parameters]
    for k in range(200):
        if k % 50 == 10:
            optimizer.lr *= 0.5
            for p in parameters[1:]:
                p.is_constant = frozen and draw.random() < 0.4
        for p in parameters:
            p.grad = draw.choice([0.0, -0.0]) if draw.random() < 0.2 else draw.gauss(0.2, 1) * 10 ** draw.uniform(-4, 2)
        wanted = list(plain_step(rule, optimizer, memory))
        optimizer.step()
        assert repr([p.data for p in parameters]) == repr(wanted), k
    assert repr(optimizer.state_dict()["memory"]) == repr(memory)


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize(("kind", "settings"), [
    *[(kind, {}) for kind in PLAIN], (Momentum, {"convention": "step"}), *[(kind.func, kind.keywords) for kind in WITH_OPTIONS]])
def test_every_path_is_that_of_the_plain_reference_to_the_bit(kind, settings, decay, frozen):
    for make in (kind, one_parameter_at_a_time(kind)):
        draw = random.Random(f"{kind.__name__} {settings} {decay} {frozen}")
        check_walk(PLAIN[kind], make, {"weight_decay": decay, **settings}, frozen, draw)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_every_optimizer_has_a_plain_reference(kind):
    assert kind in PLAIN, f"write {kind.__name__}'s rule for one parameter, and enter it into PLAIN"


def test_what_is_remembered_may_be_changed_between_two_steps():
    optimizer = Momentum([Value(0.0), Value(0.0)], lr=1.0, momentum=0.5)
    follow(optimizer, [1.0])
    optimizer.memory[1]["G"] = 0.0
    assert follow(optimizer, [1.0]) == [[-2.5, -2.0]] and [each["G"] for each in optimizer.memory] == [1.5, 1.0]


def test_a_frozen_parameter_is_left_alone_altogether():
    class Sealed:
        grad, is_constant = 1.0, True
        data = property(lambda self: math.nan)
    w = Value(1.0)
    w.grad = 0.5
    Adam([Sealed(), w], weight_decay=0.5).step()
    assert w.data == pytest.approx(0.999)


# ---- rules of one's own


class Halver(Optimizer):
    def step_for(self, g, memory, at):
        return at.lr * math.copysign(abs(g) ** 0.5, g)


def test_a_new_optimizer_is_one_method():
    optimizer = Halver([Value(4.0)], lr=0.1)
    assert optimizer.defaults == {"lr": 0.1, "weight_decay": 0.0}
    assert descend(optimizer, square, 1000)[-1] == pytest.approx(0, abs=0.02)
    with pytest.raises(NotImplementedError, match="Optimizer must say how far to step"):
        ready(Optimizer, lr=0.1).step()


def test_a_rule_may_be_said_of_lists():
    class Signs(Optimizer):
        remembers = ("t",)

        def steps_for(self, gradients, memory, at):
            memory["t"] = [t + 1 for t in memory["t"]]
            return [math.copysign(at.lr / t, g) for g, t in zip(gradients, memory["t"])]

    optimizer = Signs([{"params": [Value(0.0)]}, {"params": [Value(0.0)], "lr": 1.0}], lr=0.5)
    assert follow(optimizer, [3.0, -2.0, 1.0]) == [[-0.5, -1.0], [-0.25, -0.5], [-0.25 - 0.5 / 3, -0.5 - 1 / 3]]
    assert optimizer.step_for(-1.0, {"t": 3.0}, SimpleNamespace(lr=0.5)) == -0.125


def test_a_rule_of_ones_own_may_remember_what_it_did_not_name():
    class Counter(Optimizer):
        def step_for(self, g, memory, at):
            memory["count"] = memory.get("count", 0) + 1
            return at.lr / memory["count"]

    optimizer = Counter([Value(0.0), Value(1.0).detach()], lr=1.0)
    assert follow(optimizer, [1.0, 1.0]) == [[-1.0, 1.0], [-1.5, 1.0]] and optimizer.memory == [{"count": 2}, {}]


@pytest.mark.parametrize("kind", [SGD, Momentum, Adam, AdamW])
def test_what_a_parameter_becomes_may_be_overridden(kind):
    class NeverBelowZero(kind):
        def moved(self, w, g, memory, at):
            return max(0.0, super().moved(w, g, memory, at))

    optimizer, free = (make([Value(0.05), Value(1000.0)], lr=0.1) for make in (NeverBelowZero, kind))
    limited, unlimited = follow(optimizer, [2.0] * 60), follow(free, [2.0] * 60)
    assert limited[-1][0] == 0.0 and unlimited[-1][0] < 0.0
    assert [second for _, second in limited] == [second for _, second in unlimited]


def test_any_object_with_data_and_grad_can_be_moved():
    class Weight:
        data, grad = 1.0, 0.5
    weight = Weight()
    SGD([weight], lr=0.5).step()
    assert weight.data == 0.75


def test_an_interrupt_between_two_parameters_moves_none():
    class Stubborn:
        grad = 1.0
        data = property(lambda self: 2.0, lambda self, new: (_ for _ in ()).throw(KeyboardInterrupt) if new != 2.0 else None)
    w = Value(1.0)
    w.grad = 1.0
    optimizer = Adam([w, Stubborn()])
    with pytest.raises(KeyboardInterrupt):
        optimizer.step()
    assert w.data == 1.0 and optimizer.steps_taken == 0 and optimizer.memory[0] == {"m": 0, "v": 0, "t": 0}


# ---- the lectures' cases


def test_d000_sgd_3_steps():
    assert descend(SGD([Value(1.0)], lr=0.1), square, 3) == pytest.approx([0.8, 0.64, 0.512], **CLOSE)


@pytest.mark.parametrize(("convention", "name", "remembered"), [
    ("gradient", "G", [2.0, 3.4, 3.98]), ("step", "step", [-0.2, -0.34, -0.398])])
def test_d000_d003_momentum_constant_lr(convention, name, remembered):
    optimizer = Momentum([Value(1.0)], lr=0.1, momentum=0.9, convention=convention)
    for w, memory in zip([0.8, 0.46, 0.062], remembered):
        assert descend(optimizer, square, 1) == pytest.approx([w], **CLOSE)
        assert optimizer.memory[0][name] == pytest.approx(memory, **CLOSE)


def test_nesterov_by_hand():
    # G: 2, then 1 + 0.72; steps of lr (g + 0.5 G) from w = 1 on w²
    assert descend(Nesterov([Value(1.0)], lr=0.1, momentum=0.5), square, 2) == pytest.approx([0.7, 0.7 - 0.1 * (1.4 + 0.5 * 2.4)], **CLOSE)


@pytest.mark.parametrize(("kind", "settings", "gradients", "steps"), [
    (optim.Adagrad, {}, (3.0, 4.0), (3 / (3 + 1), 4 / (5 + 1))),
    (RMSprop, {"alpha": 0.75}, (4.0, -1.0), (4 / (2 + 1), -1 / (math.sqrt(3.25) + 1))),
    (optim.Adadelta, {"rho": 0.5}, (1.0, 1.0), (math.sqrt(1 / 1.5), math.sqrt((1 + 1 / 3) / 1.75))),
    (Adam, {"betas": (0.5, 0.75)}, (2.0, 4.0), (2 / (2 + 1), 2.5 / 0.75 / (math.sqrt(4.75 / 0.4375) + 1))),
])
def test_two_steps_by_hand_where_eps_is_as_large_as_the_rest(kind, settings, gradients, steps):
    path = follow(kind([Value(0.0)], lr=0.5, eps=1.0, **settings), gradients)
    assert [-2 * w for w, in path] == pytest.approx([steps[0], steps[0] + steps[1]], rel=1e-14)


def test_lion_by_hand():
    """β₁ = ½, β₂ = ¾, lr = ¼, λ = ½: c is 1, -0.75 and 0.65625, m is 0.5, -0.125 and 0.53125 after each step."""
    optimizer = optim.Lion([Value(1.0)], lr=0.25, betas=(0.5, 0.75), weight_decay=0.5)
    assert follow(optimizer, [2.0]) == [[0.875 - 0.25]] and optimizer.memory[0] == {"m": 0.5}
    assert follow(optimizer, [-2.0]) == [[0.875 * 0.625 + 0.25]] and optimizer.memory[0] == {"m": -0.125}
    assert follow(optimizer, [2.5]) == [[0.875 * 0.796875 - 0.25]] and optimizer.memory[0] == {"m": 0.53125}


def test_lion_stands_where_the_mix_of_memory_and_gradient_is_0():
    optimizer = optim.Lion([Value(1.0)], lr=0.25, betas=(0.5, 0.5))
    assert follow(optimizer, [1.0, -0.5]) == [[0.75], [0.75]]


def test_the_two_momentum_conventions_differ_once_lr_changes():
    paths = {}
    for convention in ("gradient", "step"):
        optimizer = Momentum([Value(1.0)], lr=0.1, momentum=0.9, convention=convention)
        paths[convention] = descend(optimizer, square, 1)
        optimizer.lr = 0.01
        paths[convention] += descend(optimizer, square, 1)
    assert paths["gradient"] == pytest.approx([0.8, 0.8 - 0.01 * 3.4], **CLOSE)       # 0.766
    assert paths["step"] == pytest.approx([0.8, 0.8 - 0.18 - 0.016], **CLOSE)         # 0.604


@pytest.mark.parametrize("convention", ["gradient", "step"])
def test_d000_momentum_terminal_speed(convention):
    optimizer = Momentum([Value(0.0)], lr=0.1, momentum=0.9, convention=convention)
    path = [w for w, in follow(optimizer, [2.0] * 400)]
    steps = [after - before for before, after in zip([0.0, *path], path)]
    assert [-step / 0.1 for step in steps[:3]] == pytest.approx([2.0, 3.8, 5.42], **CLOSE)
    assert steps[-1] == pytest.approx(-2.0, **CLOSE)


DATA = [(1, 2), (2, 3), (3, 7)]
PER_EXAMPLE = [-4, -12, -42]


def gradient_of(batch, start=0.0):
    """The gradient of the mean of (θx - y)² over a batch."""
    theta = Value(start)
    total = Value(0.0)
    for x, y in batch:
        total = total + (theta * x - y) ** 2
    (total / len(batch)).backward()
    return theta.grad


def test_d001_batch_gd_step():
    assert [gradient_of([row]) for row in DATA] == PER_EXAMPLE
    assert gradient_of(DATA) == pytest.approx(-19.333333333333332, **CLOSE)
    assert follow(SGD([Value(0.0)], lr=0.01), [gradient_of(DATA)])[0] == pytest.approx([0.19333333333333333], **CLOSE)
    assert follow(SGD([Value(0.0)], lr=0.01), [3 * gradient_of(DATA)])[0] == pytest.approx([0.58], **CLOSE)


def test_d001_sgd_step():
    assert follow(SGD([Value(0.0)], lr=0.01), [gradient_of(DATA[1:2])])[0] == pytest.approx([0.12], **CLOSE)


def test_d003_gd_stopping_rule():
    """The slides stop when dtheta < eps; without |·| that is after the first step, downhill."""
    path = [1.0, *descend(SGD([Value(1.0)], lr=0.1), square, 30)]
    changes = [after - before for before, after in itertools.pairwise(path)]
    stop = next(i for i, change in enumerate(changes, 1) if abs(change) < 0.01)
    assert stop == 15 and path[stop] == pytest.approx(0.03518437208883203, **CLOSE)
    assert next(i for i, change in enumerate(changes, 1) if change < 0.01) == 1


@pytest.mark.parametrize(("start", "end", "lowest"), [
    (1.5, 0.9304029265558517, -0.5167485082852492), (-1.5, -1.057453770738378, -1.5147536412757057)])
def test_d003_gd_local_minimum(start, end, lowest):
    def loss(x):
        return x ** 4 - 2 * x ** 2 + 0.5 * x
    x = Value(start)
    assert descend(SGD([x], lr=0.01), loss, 5000)[-1] == pytest.approx(end, rel=1e-8)
    assert loss(x).data == pytest.approx(lowest, rel=1e-8)


def test_d003_minibatch_unbiased():
    batches = [gradient_of(batch) for batch in itertools.combinations(DATA, 2)]
    assert batches == [-8, -23, -27]
    assert statistics.fmean(batches) == pytest.approx(gradient_of(DATA), **CLOSE)
    assert statistics.fmean(2 * g for g in batches) == pytest.approx(-38.666666666666664, **CLOSE)


@pytest.mark.parametrize(("size", "variance"), [(1, 267.55555555555554), (2, 66.88888888888889), (3, 0)])
def test_d003_batch_size_jitter(size, variance):
    batches = [gradient_of(batch) for batch in itertools.combinations(DATA, size)]
    assert statistics.pvariance(batches) == pytest.approx(variance, rel=1e-9)


ADAM_PATH = [[-0.0999999995], [-0.199999999], [-0.29999999850000003]]


def test_d003_adam_constant_gradient():
    optimizer = Adam([Value(0.0)], lr=0.1)
    for t, wanted in enumerate(ADAM_PATH, 1):
        assert follow(optimizer, [2.0])[0] == pytest.approx(wanted, **CLOSE)
        memory = optimizer.memory[0]
        assert memory["m"] / (1 - 0.9 ** t) == pytest.approx(2, **CLOSE)
        assert memory["v"] / (1 - 0.999 ** t) == pytest.approx(4, **CLOSE)


class WithoutBiasCorrection(Adam):
    def step_for(self, g, memory, at):
        beta1, beta2 = at.betas
        memory["m"] = beta1 * memory["m"] + (1 - beta1) * g
        memory["v"] = beta2 * memory["v"] + (1 - beta2) * g * g
        return at.lr * memory["m"] / (math.sqrt(memory["v"]) + at.eps)


def test_adam_without_bias_correction_would_be_caught():
    path = follow(WithoutBiasCorrection([Value(0.0)], lr=0.1), [2.0] * 3)
    assert path[0] == pytest.approx([-0.31622771601684596], **CLOSE) and path[0] != pytest.approx(ADAM_PATH[0], rel=0.5)


def test_d001_l2():
    weights = [Value(1), Value(-2), Value(3)]
    penalty = L2(0.1)(weights)
    penalty.backward()
    assert penalty.data == pytest.approx(0.7, **CLOSE)          # 1.4 without the ½
    assert [w.grad for w in weights] == pytest.approx([0.1, -0.2, 0.3], **CLOSE)


@pytest.mark.parametrize(("penalty", "rest"), [
    (L1(0.1), [0.2, -1.9, 0]), (L2(0.1), [0.2727272727272727, -1.8181818181818181, 0.045454545454545456])])
def test_d001_l1_sparsity(penalty, rest):
    """L1 makes the minimum of ½(w - w*)² + λ|w| sparse; steps that shrink come as near to it as one likes."""
    for wanted, best in zip([0.3, -2, 0.05], rest):
        optimizer = SGD([Value(wanted)], lr=0.1)
        for k in range(1000):
            optimizer.lr = 0.1 * 0.97 ** max(0, k - 400)
            descend(optimizer, lambda w, wanted=wanted: 0.5 * (w - wanted) ** 2 + penalty([w]), 1)
        assert optimizer.parameters[0].data == pytest.approx(best, abs=1e-6)


def test_d001_l1_subgradient_oscillation():
    path = descend(SGD([Value(0.02)], lr=0.1), lambda w: L1(1.0)([w]), 4)
    assert path == pytest.approx([-0.08, 0.02, -0.08, 0.02], **CLOSE)


def test_d001_robbins_monro():
    inverse = [InverseDecay(1.0)(k) for k in range(10)]
    assert sum(inverse) == pytest.approx(2.9289682539682538, rel=1e-9)
    assert sum(lr * lr for lr in inverse) == pytest.approx(1.5497677311665408, rel=1e-9)
    many = [InverseDecay(1.0)(k) ** 2 for k in range(100_000)]
    assert math.fsum(many) == pytest.approx(1.6449340668482264, abs=1.1e-5)      # what is left out is 1/100,000
    assert math.fsum(Constant(0.1)(k) ** 2 for k in range(1000)) == pytest.approx(10.0, rel=1e-9)
    tail = [LinearDecay(0.1, steps=10)(k) for k in range(10, 1000)]
    assert set(tail) == {0.001}                                                 # constant: the squares' sum diverges


# ---- groups, weight decay, states


def test_groups_follow_the_optimizers_lr_unless_they_have_one():
    w, b = Value(1.0), Value(1.0)
    optimizer = SGD([{"params": [w]}, {"params": [b], "lr": 0.5}], lr=0.25)
    follow(optimizer, [1.0])
    assert (w.data, b.data) == (0.75, 0.5)
    optimizer.lr = 0.125
    follow(optimizer, [1.0])
    assert (w.data, b.data) == (0.625, 0.0)
    optimizer.groups[1]["lr"] = 1.0
    follow(optimizer, [1.0])
    assert (w.data, b.data) == (0.5, -1.0)
    assert repr(optimizer.groups[1]) == "Group(1 parameters, lr=1.0)"


def test_a_state_brings_the_settings_of_groups():
    optimizer = Adam([{"params": [Value(1.0)]}, {"params": (p for p in [Value(2.0)]), "betas": [0.5, 0.75]}])
    follow(optimizer, [1.0, -2.0])
    twin = Adam([{"params": [Value(p.data)]} for p in optimizer.parameters], lr=0.5)
    twin.load_state_dict(json.loads(json.dumps(optimizer.state_dict())))
    assert twin.groups[1]["betas"] == (0.5, 0.75) and twin.lr == 0.001
    twin.lr = optimizer.lr = 0.125
    assert follow(twin, [3.0, 0.5]) == follow(optimizer, [3.0, 0.5])


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
def test_weight_decay_is_the_l2_penalty_or_shrinks_the_weights(kind):
    def loss(w):
        return (w - 2) ** 2
    decayed = descend(kind([Value(1.0)], lr=0.01, weight_decay=0.5), loss, 20)
    if not class_of(kind).decays_weights_directly:
        assert decayed == pytest.approx(descend(kind([Value(1.0)], lr=0.01, weight_decay=0), lambda w: loss(w) + L2(0.5)([w]), 20), **CLOSE)
        return
    optimizer, path = kind([Value(1.0)], lr=0.01, weight_decay=0), []
    for _ in range(20):
        shrunk, before = optimizer.parameters[0].data * (1 - 0.01 * 0.5), optimizer.parameters[0].data
        [after] = descend(optimizer, loss, 1)
        optimizer.parameters[0].data = shrunk + (after - before)
        path.append(optimizer.parameters[0].data)
    assert decayed == pytest.approx(path, **CLOSE)
    assert decayed != pytest.approx(descend(kind([Value(1.0)], lr=0.01, weight_decay=0), loss, 20), rel=1e-4)


def test_what_is_remembered_stays_with_the_place():
    optimizer = ready(Momentum)
    twin = copy.deepcopy(optimizer)
    for p in twin.parameters:
        p.grad = 0.5
    optimizer.parameters[1].grad = 0.5
    optimizer.step()
    twin.step()
    assert twin.state_dict() == optimizer.state_dict()


@pytest.mark.parametrize(("change", "error", "words"), [
    (lambda state: [], TypeError, "a state is a dict.*not list"),
    (lambda state: {}, ValueError, r"expected Adam with groups of \[2\] parameters"),
    (lambda state: {**state, "optimizer": "SGD"}, ValueError, "found SGD"),
    (lambda state: {**state, "memory": state["memory"][:1]}, ValueError, "another optimizer or is damaged"),
    (lambda state: {**state, "memory": [{"m": 0.0}, {"m": 0.0}]}, ValueError, "damaged"),
    (lambda state: {**state, "memory": 3, "settings": 3}, ValueError, "damaged"),
    (lambda state: {**state, "more": 1}, ValueError, "damaged"),
    (lambda state: {**state, "groups": [{"params": 3, "settings": {}}]}, ValueError, r"found Adam with groups of \[3\]"),
    (lambda state: {**state, "groups": [{"params": 2, "settings": {"tau": 1}}]}, ValueError, "no setting 'tau'"),
    (lambda state: {**state, "settings": {**state["settings"], "lr": -1}}, ValueError, "lr must be at least 0 and finite, got -1"),
    (lambda state: {**state, "settings": {**state["settings"], "betas": [0.9]}}, ValueError, "betas must be two"),
    (lambda state: {**state, "steps_taken": -1}, ValueError, "steps_taken .* got -1"),
    (lambda state: {**state, "steps_taken": 1.5}, TypeError, r"steps_taken .* got 1\.5"),
    (lambda state: {**state, "memory": [*state["memory"][:1], {"m": math.nan, "v": 0, "t": 1}]}, ValueError, r"memory\[1\]\['m'\] must be finite, got nan"),
    (lambda state: {**state, "memory": [*state["memory"][:1], {"m": "1", "v": 0, "t": 1}]}, TypeError, r"memory\[1\]\['m'\].*got '1'"),
])
def test_a_damaged_state_is_refused_and_nothing_changes(change, error, words):
    optimizer = ready(Adam)
    optimizer.step()
    before = copy.deepcopy(optimizer.state_dict())
    with pytest.raises(error, match=words):
        optimizer.load_state_dict(change(copy.deepcopy(before)))
    assert optimizer.state_dict() == before


# ---- what is refused

W, B = Value(1.0, label="w"), Value(2.0)
USED_UP = iter([W])
next(USED_UP)


@pytest.mark.parametrize(("parameters", "error", "words"), [
    ([], ValueError, "no parameters: the list is empty, or a generator"),
    (USED_UP, ValueError, "or a generator that was used up before"),
    (W, TypeError, r"got a single one: Value\(data=1\.0.*put it into \[ \]"),
    ([W, 3.5], TypeError, r"parameter 1 must be a Value, not float: got 3\.5"),
    (["w"], TypeError, "parameter 0 must be a Value, not str: got 'w'"),
    ([W, None], TypeError, "parameter 1 .* got None"), ([W, type("Weight", (), {"data": 1.0})()], TypeError, "parameter 1 must be a Value, not Weight"),
    ([B, W * 2], ValueError, r"parameter 1 was computed from other Values.*give the leaves"),
    ([W, B, Value(3.0), W], ValueError, "same parameter twice: index 0 and 3"),
    ("wb", TypeError, "not str: got 'wb'"), (3.5, TypeError, r"not float: got 3\.5; write model\.parameters\(\)"),
    ({"w": W}, TypeError, "not dict"), ({W}, TypeError, "not set"), (None, TypeError, "not NoneType"),
    ([{"params": [W]}, {"params": [W]}], ValueError, "same parameter twice: index 0 and 1"),
    ([{"params": [W]}, B], TypeError, "group 1 must be a dict, as the others are, got Value"),
    ([{"params": [W]}, {"lr": 0.1}], ValueError, 'group 1 has no parameters under "params"'),
    ([{"params": W}], TypeError, "got a single one"),
    ([{"params": [W], "lrr": 0.1}], ValueError, "no setting 'lrr': there are params, lr,.* weight_decay"),
    ([{"params": [W], "lr": -1}], ValueError, "lr must be at least 0 and finite, got -1"),
    ([W.detach(), B.detach()], ValueError, "all 2 parameters are constants or frozen"),
])
@pytest.mark.parametrize("kind", [SGD, AdamW])
def test_parameters_that_cannot_be_trained_are_refused(kind, parameters, error, words):
    with pytest.raises(error, match=words):
        kind(parameters)


@pytest.mark.parametrize(("kind", "setting", "value", "error", "words"), [
    *[(kind, "lr", value, ValueError, f"lr must be at least 0 and finite, got {value}")
      for kind in OPTIMIZERS for value in (-0.1, math.nan, math.inf)],
    (SGD, "lr", "0.1", TypeError, "lr: a number is needed, not str: got '0.1'"), (SGD, "lr", True, TypeError, "lr: bool .* got True"),
    (SGD, "lr", W, TypeError, "lr: .*not Value"), (SGD, "lr", None, TypeError, "lr: .*got None"),
    (SGD, "lr", 10 ** 400, OverflowError, r"lr: a whole number of about 10\*\*400"),
    (SGD, "weight_decay", math.inf, ValueError, "weight_decay must be at least 0 and finite, got inf"),
    *[(kind, "momentum", value, ValueError, f"momentum must be at least 0 and below 1, got {value}")
      for kind in (Momentum, Nesterov) for value in (-0.1, 1, 1.5, math.nan)],
    (RMSprop, "alpha", 1.0, ValueError, r"alpha must be .* got 1\.0"), (optim.Adadelta, "rho", -1, ValueError, "rho must be .* got -1"),
    (Adam, "betas", (0.9, 1.0), ValueError, r"betas\[1\] must be at least 0 and below 1, got 1\.0"),
    (Adam, "betas", (-0.1, 0.9), ValueError, r"betas\[0\] must .* got -0\.1"), (Adam, "betas", (0.9, "b"), TypeError, r"betas\[1\]: .*'b'"),
    (Adam, "betas", (0.9,), ValueError, r"betas must be two numbers.*got 1: \(0\.9,\)"), (Adam, "betas", 0.9, TypeError, r"betas must be two numbers.*0\.9$"),
    (Adam, "betas", (0.9, 0.9, 0.9), ValueError, "got 3"), (Adam, "eps", 0, ValueError, "eps must be positive and finite, got 0"),
    (AdamW, "eps", -1e-8, ValueError, "eps must .* got -1e-08"), (RMSprop, "eps", math.nan, ValueError, "eps must .* got nan"),
    *[(kind, "weight_decay", -0.1, ValueError, r"weight_decay must be at least 0 and finite, got -0\.1") for kind in OPTIMIZERS],
    (SGD, "momentum", 1.0, ValueError, r"momentum must be at least 0 and below 1, got 1\.0"),
    (SGD, "dampening", -0.5, ValueError, r"dampening must be at least 0 and below 1, got -0\.5"),
    *[(kind, name, 1, TypeError, f"{name} must be True or False, got 1")
      for kind, name in ((SGD, "nesterov"), (RMSprop, "centered"), (Adam, "amsgrad"), (AdamW, "amsgrad"))],
    (Momentum, "convention", "nesterov", ValueError, "unknown convention 'nesterov'; the names are gradient, step"),
])
def test_settings_out_of_range_are_refused_by_name(kind, setting, value, error, words):
    with pytest.raises(error, match=words):
        kind([W], **{setting: value})
    optimizer = kind([W])
    with pytest.raises(error, match=words):
        optimizer.groups[0][setting] = value
    if setting == "lr":
        with pytest.raises(error, match=words):
            optimizer.lr = value
    assert repr(optimizer) == repr(kind([W])) and not optimizer.groups[0].own


@pytest.mark.parametrize(("options", "words"), [
    ({"nesterov": True}, r"momentum 0\.0, dampening 0\.0"), ({"nesterov": True, "momentum": 0.9, "dampening": 0.5}, r"momentum 0\.9, dampening 0\.5"),
])
def test_nesterov_without_momentum_or_with_dampening_is_refused(options, words):
    with pytest.raises(ValueError, match=f"nesterov needs a momentum above 0, such as 0.9, and dampening 0: got {words}"):
        SGD([Value(1.0)], **options)
    with pytest.raises(ValueError, match="nesterov needs a momentum"):
        SGD([{"params": [Value(1.0)]}, {"params": [Value(1.0)], **options}])


def test_settings_may_stand_on_their_lower_bounds():
    assert Momentum([W], momentum=0, weight_decay=0).defaults["momentum"] == 0.0
    assert Adam([W], betas=(0, 0)).defaults["betas"] == (0.0, 0.0)


# ---- clipping


def test_clipping_by_norm_keeps_the_direction_and_tells_the_norm():
    w, b = Value(0.0), Value(0.0)
    w.grad, b.grad = 3e200, -4e200
    assert optim.clip_gradients_by_norm([w, b], 1.0) == pytest.approx(5e200)
    assert (w.grad, b.grad) == pytest.approx((0.6, -0.8))
    before = (w.grad, b.grad)
    assert optim.clip_gradients_by_norm([w, b], 2.0) == pytest.approx(1.0) and (w.grad, b.grad) == before


def test_a_gradient_of_just_the_length_allowed_keeps_its_bits():
    w, b = Value(0.0), Value(0.0)
    w.grad, b.grad = 7.0, 24.0                      # 7 / 25 * 25 is not 7 in floats
    assert optim.clip_gradients_by_norm([w, b], 25.0) == 25.0 and (w.grad, b.grad) == (7.0, 24.0)


def test_clipping_looks_past_frozen_parameters():
    w, frozen = Value(0.0), Value(5.0).detach()
    for clip in (optim.clip_gradients_by_norm, optim.clip_gradients_by_value):
        w.grad = 3.0
        assert clip([w, frozen], 2.0) in (3.0, None)
        assert (w.grad, frozen.grad) == (2.0, 0.0)


def test_clipping_by_value_cuts_each():
    parameters = [Value(0.0) for _ in range(3)]
    for p, g in zip(parameters, (-5.0, 0.25, 7.0)):
        p.grad = g
    optim.clip_gradients_by_value(parameters, 0.5)
    assert [p.grad for p in parameters] == [-0.5, 0.25, 0.5]


@pytest.mark.parametrize("clip", [optim.clip_gradients_by_norm, optim.clip_gradients_by_value])
def test_clipping_refuses_what_it_cannot_do_and_changes_nothing(clip):
    w, b = Value(0.0), Value(0.0, label="b")
    for bad in (math.nan, math.inf):
        w.grad, b.grad = 9.0, bad
        with pytest.raises(GradientError, match=rf"gradient of parameter 1 \('b'\) is {bad}"):
            clip([w, b], 1.0)
        assert w.grad == 9.0
    for limit, error in ((0, ValueError), (-1, ValueError), (math.nan, ValueError), ("1", TypeError)):
        with pytest.raises(error, match=f"limit.*{limit}"):
            clip([w], limit)
    with pytest.raises(TypeError, match="single one"):
        clip(w, 1.0)


def test_a_norm_beyond_all_floats_is_refused():
    parameters = [Value(0.0) for _ in range(4)]
    for p in parameters:
        p.grad = 1.5e308
    with pytest.raises(GradientError, match="norm of the gradient is inf"):
        optim.clip_gradients_by_norm(parameters, 1.0)
    assert {p.grad for p in parameters} == {1.5e308}


# ---- schedules

SCHEDULES = [Constant(0.1), LinearDecay(0.1, steps=50), StepDecay(0.1, every=20), ExponentialDecay(0.1, factor=0.5),
             InverseDecay(0.1, tau=10), CosineDecay(0.1, steps=50), Warmup(CosineDecay(0.1, steps=50), steps=5),
             MultiStepDecay(0.1, milestones=(5, 9)), OneCycle(0.1, steps=50)]
PEAKS = {Warmup: 5, OneCycle: 14}                                # the step at which they begin to fall, of these


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_every_schedule_gives_rates_an_optimizer_takes(schedule):
    optimizer = ready(SGD)
    rates = [schedule(k) for k in [*range(200), 10 ** 6]]
    for rate in rates:
        optimizer.lr = rate
    begins = PEAKS.get(type(schedule), 0)
    assert max(rates) == rates[begins] == 0.1
    assert rates[begins:] == sorted(rates[begins:], reverse=True) and rates[:begins] == sorted(rates[:begins])
    assert eval(repr(schedule)) == schedule


def test_every_schedule_is_tested():
    assert {type(schedule) for schedule in SCHEDULES} == set(Schedule.__subclasses__()) - {ReduceOnPlateau}


def test_a_plateau_follows_from_the_losses_alone():
    schedule = ReduceOnPlateau(0.5, factor=0.5, patience=2, cooldown=2, final=0.1)
    falling = [1.0 / k for k in range(1, 30)]
    assert schedule.rate_after([]) == schedule.rate_after(falling) == 0.5
    flat = [schedule.rate_after([1.0] * n) for n in range(20)]
    assert flat == [0.5] * 4 + [0.25] * 5 + [0.125] * 5 + [0.1] * 6
    assert schedule.rate_after([math.nan] * 4) == 0.25 and eval(repr(schedule)) == schedule
    assert ReduceOnPlateau(0.5, patience=0, threshold=0.5).rate_after([1.0, 0.6]) == pytest.approx(0.05)


@pytest.mark.parametrize("name, value", [("dampening", 0.5), ("momentum", 0)])
def test_a_setting_that_nesterov_does_not_stand_is_refused_at_the_step_also_when_it_comes_later(name, value):
    w = Value(1.0)
    optimizer = SGD([w], lr=0.1, momentum=0.9, nesterov=True)
    w.grad = 1.0
    optimizer.step()
    before, optimizer.groups[0][name] = (w.data, optimizer.steps_taken), value
    with pytest.raises(ValueError, match="nesterov needs a momentum above 0"):
        optimizer.step()
    assert (w.data, optimizer.steps_taken) == before


def test_a_state_of_other_options_is_refused_by_what_it_has_more():
    with_more = Adam([{"params": [Value(1.0)], "amsgrad": True}])
    with pytest.raises(ValueError, match=r"memory of m, t, v, found .* memory of largest, m, t, v"):
        Adam([Value(1.0)]).load_state_dict(with_more.state_dict())
    with pytest.raises(ValueError, match=r"settings lr, momentum, weight_decay, memory of G, t, found .* settings lr, weight_decay, memory of nothing"):
        SGD([Value(1.0)], momentum=0.9).load_state_dict(SGD([Value(1.0)]).state_dict())


def test_no_plateau_raises_the_rate():
    assert ReduceOnPlateau(0.1, patience=0, final=0.5).rate_after([1.0] * 9) == 0.1


def test_one_cycle_climbs_and_falls_between_its_rates():
    for shape in ("cosine", "linear"):
        schedule = OneCycle(1.0, steps=101, rise=0.5, shape=shape, initial=0.25, final=0.125)
        rates = [schedule(k) for k in range(120)]
        assert rates[0] == 0.25 and rates[100:] == [0.125] * 20 and max(rates) == max(rates[49:52]) <= 1.0
    assert OneCycle(1.0, steps=100).initial == 0.04 and OneCycle(1.0, steps=100).final == pytest.approx(4e-6)
    assert OneCycle(1.0, steps=1, final=0.5)(0) == 0.5 and OneCycle(1.0, steps=2, rise=0.5)(0) == 1.0


def test_the_ends_of_schedules_are_where_they_say():
    assert LinearDecay(0.5, steps=10)(10) == LinearDecay(0.5, steps=10)(99) == pytest.approx(0.005)
    assert LinearDecay(1.0, steps=10, final=0.5)(5) == 0.75
    assert CosineDecay(1.0, steps=10)(10) == pytest.approx(0.01) and CosineDecay(1.0, steps=10, final=0.5)(5) == pytest.approx(0.75)
    assert [StepDecay(1.0, every=3, factor=0.5)(k) for k in (2, 3, 5, 6)] == [1.0, 0.5, 0.5, 0.25]
    assert [Warmup(Constant(1.0), steps=2)(k) for k in (0, 1, 2)] == [0.5, 1.0, 1.0]


def test_schedules_may_end_at_0_and_optimizers_take_it():
    ends = [LinearDecay(0.5, steps=4, final=0), CosineDecay(0.5, steps=4, final=0.0), ExponentialDecay(0.5, factor=0.1), Constant(0)]
    for schedule in ends:
        assert schedule(10 ** 4) == 0.0
        optimizer = ready(SGD)
        optimizer.lr = schedule(10 ** 4)
        optimizer.step()
        assert [p.data for p in optimizer.parameters] == [1.0, 2.0]
    assert [LinearDecay(0.5, steps=4, final=0)(k) for k in range(6)] == [0.5, 0.375, 0.25, 0.125, 0.0, 0.0]


@pytest.mark.parametrize(("make", "error", "words"), [
    (lambda: Constant(-1), ValueError, "lr must be at least 0 and finite, got -1"), (lambda: Constant("1"), TypeError, "lr: .*'1'"),
    (lambda: LinearDecay(0.1, 0), ValueError, "steps must be at least 1, got 0"),
    (lambda: LinearDecay(0.1, 2.5), TypeError, r"steps must be a whole number, not float: got 2\.5"),
    (lambda: LinearDecay(0.1, True), TypeError, "not bool: got True"),
    (lambda: LinearDecay(0.1, 5, final=-0.5), ValueError, r"final must be at least 0 and finite, got -0\.5"),
    (lambda: LinearDecay(math.nan, 5), ValueError, "lr must .* got nan"), (lambda: LinearDecay("a", 5), TypeError, "lr: .*'a'"),
    (lambda: StepDecay(0.1, every=-1), ValueError, "every must be at least 1, got -1"),
    (lambda: StepDecay(0.1, every=1, factor=1.0), ValueError, r"factor must be above 0 and below 1, got 1\.0"),
    (lambda: ExponentialDecay(0.1, factor=0), ValueError, "factor must .* got 0"),
    (lambda: InverseDecay(0.1, tau=math.inf), ValueError, "tau must be positive and finite, got inf"),
    (lambda: CosineDecay(-1.0, 5), ValueError, r"lr must .* got -1\.0"),
    (lambda: MultiStepDecay(0.1, (5, 5)), ValueError, r"each of the milestones must be larger than the one before, got \(5, 5\)"),
    (lambda: MultiStepDecay(0.1, 5), TypeError, "milestones must be a list or an array, not int"),
    (lambda: MultiStepDecay(0.1, [1.5]), TypeError, r"milestones\[0\] must be a whole number"),
    (lambda: OneCycle(0.1, 10, rise=1.0), ValueError, r"rise must be above 0 and below 1, got 1\.0"),
    (lambda: OneCycle(0.1, 10, shape="square"), ValueError, "unknown shape 'square'; the names are cosine, linear"),
    (lambda: OneCycle("a", 10), TypeError, "lr: .*'a'"), (lambda: OneCycle(0.1, 10, initial=-1), ValueError, "initial must be at least 0 and finite, got -1"),
    (lambda: OneCycle(0.1, 10, final=math.inf), ValueError, "final must be .* got inf"),
    (lambda: ReduceOnPlateau(0.1, patience=-1), ValueError, "patience must be at least 0, got -1"),
    (lambda: ReduceOnPlateau(0.1, threshold=1), ValueError, "threshold must be at least 0 and below 1, got 1"),
    (lambda: ReduceOnPlateau(0.1)(0), TypeError, r"ReduceOnPlateau goes by the losses, .*rate_after\(losses\)"),
    (lambda: ReduceOnPlateau(0.1).rate_after(0.5), TypeError, r"losses must be a list or an array, not float: got 0\.5"),
    (lambda: ReduceOnPlateau(0.1).rate_after(["a"]), TypeError, "a number is needed, not str: got 'a'"),
    (lambda: ReduceOnPlateau(0.1).rate_after([Value(1.0)]), TypeError, r"v\.data is the number"),
    (lambda: Warmup(0.1, 5), TypeError, r"Warmup needs a schedule to lead to, got 0\.1; write Constant"),
    (lambda: Warmup(Constant(0.1), 0), ValueError, "steps must be at least 1, got 0"),
    (lambda: Constant(0.1)(-1), ValueError, "k must be at least 0, got -1"), (lambda: Constant(0.1)(1.0), TypeError, r"k must .* got 1\.0"),
    (lambda: Schedule()(0), NotImplementedError, "Schedule must say its rate"),
])
def test_schedules_refuse_what_is_out_of_range(make, error, words):
    with pytest.raises(error, match=words):
        make()


# ---- penalties


@pytest.mark.parametrize("kind", [L1, L2])
def test_penalties_are_small_graphs_of_long_rows(kind):
    penalty = kind(0.5)([Value(float(i)) for i in range(100)])
    assert penalty.op == "mul" and len(penalty.parents[1].parents) >= 100
    assert repr(kind(0.5)) == f"{kind.__name__}(0.5)"


@pytest.mark.parametrize(("use", "error", "words"), [
    (lambda kind: kind(-0.1), ValueError, r"strength must be at least 0 and finite, got -0\.1"),
    (lambda kind: kind(math.nan), ValueError, "strength must .* got nan"), (lambda kind: kind("1"), TypeError, "strength: .*'1'"),
    (lambda kind: kind(1.0)([]), ValueError, "no weights: the list is empty"),
    (lambda kind: kind(1.0)(W), TypeError, "list of weights is needed, not Value"),
    (lambda kind: kind(1.0)(["w"]), TypeError, "not str: got 'w'"),
])
@pytest.mark.parametrize("kind", [L1, L2])
def test_penalties_refuse_what_they_cannot_weigh(kind, use, error, words):
    with pytest.raises(error, match=words):
        use(kind)
