"""Rules that turn gradients into better parameters.

An optimizer reads the `grad` of every parameter and moves its `data`; it knows nothing of graphs.
A new one is its hyper-parameters and one method, `step_for`: how much to subtract.
"""

import math
import warnings
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from ..engine.errors import GradientError
from ..engine.number import format_number, short_repr
from .checks import (
    FINITE,
    POSITIVE,
    as_list,
    check_state,
    checked_number,
    checked_parameters,
    checked_setting,
    finite_gradients,
    is_frozen,
    parameter_name,
)

NO_GRADIENTS = "every gradient is 0 at the first step(): was backward() called on the loss?"

# ---- groups and their settings ----------------------------------------------------------------------------


class Group:
    """Parameters that share hyper-parameters; what the group does not name itself, the optimizer says.

    >>> from tinygrad_edu import Value
    >>> optimizer = Momentum([{"params": [Value(1.0)]}, {"params": [Value(2.0)], "lr": 0.5}], lr=0.1)
    >>> optimizer.lr = 0.01
    >>> [group["lr"] for group in optimizer.groups]
    [0.01, 0.5]
    >>> optimizer.groups[1]["lr"] = 0.25            # checked, like all of them
    """

    def __init__(self, params: list[Any], own: dict[str, Any], defaults: dict[str, Any]):
        self.params, self.defaults = params, defaults
        self.own: dict[str, Any] = {}
        for name, value in own.items():
            self[name] = value

    def __getitem__(self, name: str) -> Any:
        return self.own[name] if name in self.own else self.defaults[name]

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self.defaults:
            raise ValueError(f"a group has no setting {short_repr(name)}: there are params, {', '.join(self.defaults)}")
        self.own[name] = checked_setting(name, value)

    def __repr__(self) -> str:
        return f"Group({len(self.params)} parameters{in_words(self.own)})"


def in_words(settings: dict[str, Any]) -> str:
    return "".join(f", {name}={value!r}" for name, value in settings.items())


def jsonable(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings with lists for tuples, as JSON gives them back."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in settings.items()}


# ---- optimizers -------------------------------------------------------------------------------------------


class Optimizer:
    """Walks downhill: a subclass says how far, by overriding `step_for`.

    parameters    leaves, or groups of them with settings of their own:
                  `[{"params": model.parameters()}, {"params": [b], "lr": 0.1}]`
    lr            the learning rate; it may be set at any time, and groups with one of their own keep it
    weight_decay  λ of an L2 penalty: the gradient used is g + λw; a rule with `decays_weights_directly`
                  shrinks the weights by lr · λ instead.  0 by default.  As in PyTorch it holds for every
                  parameter that is given, biases too.  To leave these out, as `fit(penalty=...)` does:
                  `[{"params": model.parameters(biases=False), "weight_decay": 0.01},
                  {"params": model.parameters(weights=False)}]`

    Frozen parameters are skipped.  What a rule remembers of a parameter stays with its place in the
    list.  Raises TypeError or ValueError for parameters that are no leaves, come twice, or are none,
    and for hyper-parameters out of range.

    >>> from tinygrad_edu import Value
    >>> class SignDescent(Optimizer):
    ...     def step_for(self, g, memory, at):
    ...         return math.copysign(at.lr, g)
    >>> w = Value(1.0)
    >>> optimizer = SignDescent([w], lr=0.25)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> w.data
    0.75
    """

    remembers: tuple[str, ...] = ()         # the names of what `memory` holds, 0.0 before the first step
    decays_weights_directly = False         # True: w ← (1 - lr · λ) w - step, and g stays as it is

    def __init__(self, parameters: Iterable[Any], lr: float, weight_decay: float = 0.0, **settings: Any):
        settings = {"lr": lr, **settings, "weight_decay": weight_decay}
        self.defaults = {name: checked_setting(name, value) for name, value in settings.items()}
        self.groups = [Group(params, own, self.defaults) for params, own in split_groups(parameters)]
        self.parameters = checked_parameters([p for group in self.groups for p in group.params])
        if all(map(is_frozen, self.parameters)):
            raise ValueError(f"all {len(self.parameters)} parameters are constants or frozen: nothing could be learned")
        self.memory = [dict.fromkeys(self.remembers, 0.0) for _ in self.parameters]
        self.steps_taken = 0

    @property
    def lr(self) -> float:
        """The learning rate of every group that has none of its own."""
        return self.defaults["lr"]

    @lr.setter
    def lr(self, new: float) -> None:
        self.defaults["lr"] = checked_setting("lr", new)

    def step_for(self, g: float, memory: dict[str, float], at: Any) -> float:
        """How much to subtract from a parameter whose gradient is g.

        memory   what this rule remembers of this parameter; to be updated
        at       the hyper-parameters, as attributes: `at.lr`
        """
        raise NotImplementedError(f"{type(self).__name__} must say how far to step: def step_for(self, g, memory, at)")

    def moved(self, w: float, g: float, memory: dict[str, float], at: Any) -> float:
        """The new value of a parameter."""
        if self.decays_weights_directly:
            return w * (1 - at.lr * at.weight_decay) - self.step_for(g, memory, at)
        return w - self.step_for(g + at.weight_decay * w, memory, at)

    def step(self) -> None:
        """Move every parameter once, all or none: everything is computed and checked first.

        Raises GradientError if a gradient, or what it leads to, is inf or nan.  Warns at the first step
        if all gradients are 0, as they are before `backward`, and as they may be: at an optimum, behind
        a relu that is closed, where weights only decay.
        """
        gradients = finite_gradients(self.parameters)
        if not self.steps_taken and not any(g for g, p in zip(gradients, self.parameters) if not is_frozen(p)):
            warnings.warn(NO_GRADIENTS, stacklevel=2)
        memories = [dict(memory) for memory in self.memory]
        moves = []
        for i, (p, g, memory, at) in enumerate(zip(self.parameters, gradients, memories, self.settings())):
            if is_frozen(p):
                continue
            before = p.data
            after = self.moved(before, g, memory, at)
            if not all(map(math.isfinite, (after, *memory.values()))):
                raise GradientError(f"the gradient {format_number(g)} of {parameter_name(i, p)} is too large for "
                                    f"{self!r}: {in_words({'data': after, **memory})[2:]}; nothing was changed")
            moves.append((p, before, after))
        self.publish(moves, memories)

    def publish(self, moves: list[tuple[Any, float, float]], memories: list[dict[str, float]]) -> None:
        """Move the parameters and keep the memories; an interruption, such as Ctrl-C, moves all of them back."""
        try:
            for p, _, after in moves:
                p.data = after
            self.memory, self.steps_taken = memories, self.steps_taken + 1
        except BaseException:
            for p, before, _ in moves:
                p.data = before
            raise

    def settings(self) -> list[SimpleNamespace]:
        """The hyper-parameters that hold for each parameter."""
        each = [SimpleNamespace(**{**self.defaults, **group.own}) for group in self.groups]
        return [at for at, group in zip(each, self.groups) for _ in group.params]

    def zero_grad(self) -> None:
        """Forget the gradients: `backward` adds to what is there."""
        for p in self.parameters:
            p.grad = 0.0

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on from here, bit by bit, as plain data that JSON can hold.

        The values of the parameters are not part of it; they belong to the model.
        """
        return {"optimizer": type(self).__name__, "steps_taken": self.steps_taken, "settings": jsonable(self.defaults),
                "groups": [{"params": len(group.params), "settings": jsonable(group.own)} for group in self.groups],
                "memory": [dict(memory) for memory in self.memory]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave.

        Raises TypeError or ValueError, and changes nothing, if it belongs to another optimizer or to
        other groups of parameters, or is damaged.
        """
        check_state(self, state)
        settings = {name: checked_setting(name, value) for name, value in state["settings"].items()}
        groups = [Group(group.params, saved["settings"], self.defaults)
                  for group, saved in zip(self.groups, state["groups"])]
        memory = [{name: checked_number(f"memory[{i}][{name!r}]", saved[name], FINITE) for name in self.remembers}
                  for i, saved in enumerate(state["memory"])]
        self.defaults.update(settings)
        self.groups, self.memory, self.steps_taken = groups, memory, state["steps_taken"]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.parameters)} parameters{in_words(self.defaults)})"


def split_groups(parameters: Any) -> list[tuple[list[Any], dict[str, Any]]]:
    """The parameters of each group and its own settings; a plain list is one group."""
    groups = as_list(parameters)
    if not any(isinstance(group, dict) for group in groups):
        return [(groups, {})]
    split = []
    for i, group in enumerate(groups):
        if not isinstance(group, dict):
            raise TypeError(f"group {i} must be a dict, as the others are, got {short_repr(group)}")
        params = as_list(group.get("params", ()))
        if not params:
            raise ValueError(f'group {i} has no parameters under "params": got {short_repr(group)}')
        split.append((params, {name: value for name, value in group.items() if name != "params"}))
    return split


class SGD(Optimizer):
    """Gradient descent: a step against the gradient, whatever the batch it comes from.

    w ← w - lr · g                                          Robbins and Monro, 1951

    Defaults: lr 0.001, weight_decay 0, as in PyTorch.

    >>> from tinygrad_edu import Value
    >>> w = Value(1.0)
    >>> optimizer = SGD([w], lr=0.125)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> w.data
    0.75
    """

    def __init__(self, parameters: Iterable[Any], lr: float = 0.001, weight_decay: float = 0.0):
        super().__init__(parameters, lr, weight_decay)

    def step_for(self, g: float, memory: dict[str, float], at: Any) -> float:
        return at.lr * g


class Momentum(Optimizer):
    """Gradient descent with inertia: a ball that rolls on.  The lectures write it in two ways.

    convention="gradient"   G ← βG + g,       w ← w - lr · G     PyTorch's; the default
    convention="step"       Δ ← βΔ - lr · g,  w ← w + Δ          Sutskever and others, 2013

    β is `momentum`.  While lr stays the same, Δ = -lr · G and the paths are the same; once lr changes
    they differ: "gradient" applies the new lr to all that was gathered, "step" to new gradients only.
    Under a constant gradient g both end at steps of lr · g / (1 - β).       Polyak, 1964

    Defaults: lr 0.001, momentum 0.9, convention "gradient", weight_decay 0.

    >>> from tinygrad_edu import Value
    >>> w = Value(1.0)
    >>> optimizer = Momentum([w], lr=0.125, momentum=0.5)
    >>> for _ in range(2):
    ...     optimizer.zero_grad()
    ...     (w * w).backward()
    ...     optimizer.step()
    ...     print(optimizer.memory[0]["G"], w.data)
    2.0 0.75
    2.5 0.4375
    """

    remembers = ("G", "step")

    def __init__(self, parameters: Iterable[Any], lr: float = 0.001, momentum: float = 0.9,
                 convention: str = "gradient", weight_decay: float = 0.0):
        super().__init__(parameters, lr, weight_decay, momentum=momentum, convention=convention)

    def step_for(self, g: float, memory: dict[str, float], at: Any) -> float:
        if at.convention == "gradient":
            memory["G"] = at.momentum * memory["G"] + g
            return at.lr * memory["G"]
        memory["step"] = at.momentum * memory["step"] - at.lr * g
        return -memory["step"]


class Nesterov(Optimizer):
    """Momentum that looks ahead: the gradient counts once more, as if the ball had rolled on already.

    G ← βG + g,  w ← w - lr · (g + βG)              Nesterov, 1983; Sutskever and others, 2013

    β is `momentum`.

    Defaults: lr 0.001, momentum 0.9, weight_decay 0.

    >>> from tinygrad_edu import Value
    >>> w = Value(1.0)
    >>> optimizer = Nesterov([w], lr=0.125, momentum=0.5)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> w.data
    0.625
    """

    remembers = ("G",)

    def __init__(self, parameters: Iterable[Any], lr: float = 0.001, momentum: float = 0.9, weight_decay: float = 0.0):
        super().__init__(parameters, lr, weight_decay, momentum=momentum)

    def step_for(self, g: float, memory: dict[str, float], at: Any) -> float:
        memory["G"] = at.momentum * memory["G"] + g
        return at.lr * (g + at.momentum * memory["G"])


class Adagrad(Optimizer):
    """Smaller steps for parameters that have seen large gradients, ever smaller with time.

    v ← v + g²,  w ← w - lr · g / (√v + ε)                  Duchi, Hazan and Singer, 2011

    Defaults: lr 0.01, eps 1e-10, weight_decay 0, as in PyTorch.

    >>> from tinygrad_edu import Value
    >>> w = Value(1.0)
    >>> optimizer = Adagrad([w], lr=0.25)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.data, 6)                        # the first step is lr, however large the gradient
    0.75
    """

    remembers = ("v",)

    def __init__(self, parameters: Iterable[Any], lr: float = 0.01, eps: float = 1e-10, weight_decay: float = 0.0):
        super().__init__(parameters, lr, weight_decay, eps=eps)

    def step_for(self, g: float, memory: dict[str, float], at: Any) -> float:
        memory["v"] += g * g
        return at.lr * (g / (math.sqrt(memory["v"]) + at.eps))


class RMSprop(Optimizer):
    """Adagrad that forgets: gradients are divided by a running root mean square of themselves.

    v ← αv + (1 - α)g²,  w ← w - lr · g / (√v + ε)          Tieleman and Hinton, 2012, lecture 6.5

    Defaults: lr 0.01, alpha 0.99, eps 1e-8, weight_decay 0, as in PyTorch.

    >>> from tinygrad_edu import Value
    >>> w = Value(1.0)
    >>> optimizer = RMSprop([w], lr=0.25, alpha=0.75)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.data, 6)
    0.5
    """

    remembers = ("v",)

    def __init__(self, parameters: Iterable[Any], lr: float = 0.01, alpha: float = 0.99, eps: float = 1e-8,
                 weight_decay: float = 0.0):
        super().__init__(parameters, lr, weight_decay, alpha=alpha, eps=eps)

    def step_for(self, g: float, memory: dict[str, float], at: Any) -> float:
        memory["v"] = at.alpha * memory["v"] + (1 - at.alpha) * g * g
        return at.lr * (g / (math.sqrt(memory["v"]) + at.eps))


class Adadelta(Optimizer):
    """RMSprop whose learning rate is the running size of its own steps, so that units agree.

    v ← ρv + (1 - ρ)g²,  Δ = g · √(u + ε) / √(v + ε),  u ← ρu + (1 - ρ)Δ²,  w ← w - lr · Δ
                                                    Zeiler, 2012, https://arxiv.org/abs/1212.5701

    Defaults: lr 1, rho 0.9, eps 1e-6, weight_decay 0, as in PyTorch.

    >>> from tinygrad_edu import Value
    >>> w = Value(1.0)
    >>> optimizer = Adadelta([w])
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.data, 4)                        # it starts slowly: u is 0, so ε alone sets the pace
    0.9968
    """

    remembers = ("v", "u")

    def __init__(self, parameters: Iterable[Any], lr: float = 1.0, rho: float = 0.9, eps: float = 1e-6,
                 weight_decay: float = 0.0):
        super().__init__(parameters, lr, weight_decay, rho=rho, eps=eps)

    def step_for(self, g: float, memory: dict[str, float], at: Any) -> float:
        memory["v"] = at.rho * memory["v"] + (1 - at.rho) * g * g
        change = g * math.sqrt(memory["u"] + at.eps) / math.sqrt(memory["v"] + at.eps)
        memory["u"] = at.rho * memory["u"] + (1 - at.rho) * change * change
        return at.lr * change


class Adam(Optimizer):
    """Adaptive moment estimation: running means of g and of g², freed from their bias to 0.

    m ← β₁m + (1 - β₁)g,  v ← β₂v + (1 - β₂)g²,  m̂ = m / (1 - β₁ᵗ),  v̂ = v / (1 - β₂ᵗ)
    w ← w - lr · m̂ / (√v̂ + ε)            Kingma and Ba, 2015, Algorithm 1, https://arxiv.org/abs/1412.6980

    Both means start at 0 and are too small at first; the hats undo that, else the first step would be
    (1 - β₁) / √(1 - β₂) = 3.16 times larger.  t counts the steps of this parameter.

    Defaults: lr 0.001, betas (0.9, 0.999), eps 1e-8, weight_decay 0, as in the paper and in PyTorch.

    >>> from tinygrad_edu import Value
    >>> w = Value(1.0)
    >>> optimizer = Adam([w], lr=0.25)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.data, 6)                        # the first step is lr, however large the gradient
    0.75
    """

    remembers = ("m", "v", "t")

    def __init__(self, parameters: Iterable[Any], lr: float = 0.001, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, weight_decay: float = 0.0):
        super().__init__(parameters, lr, weight_decay, betas=betas, eps=eps)

    def step_for(self, g: float, memory: dict[str, float], at: Any) -> float:
        beta1, beta2 = at.betas
        memory["t"] += 1
        memory["m"] = beta1 * memory["m"] + (1 - beta1) * g
        memory["v"] = beta2 * memory["v"] + (1 - beta2) * g * g
        m_hat = memory["m"] / (1 - beta1 ** memory["t"])
        v_hat = memory["v"] / (1 - beta2 ** memory["t"])
        return at.lr * (m_hat / (math.sqrt(v_hat) + at.eps))


class AdamW(Adam):
    """Adam whose weight decay shrinks the weights themselves, past the two means.

    w ← (1 - lr · λ) w - (Adam's step)          Loshchilov and Hutter, 2019, https://arxiv.org/abs/1711.05101

    In Adam the decay λw is part of g, and so is divided by √v̂ as well.  λ is `weight_decay`.

    Defaults: lr 0.001, betas (0.9, 0.999), eps 1e-8, weight_decay 0.01, as in PyTorch.

    >>> from tinygrad_edu import Value
    >>> w = Value(1.0)
    >>> optimizer = AdamW([w], lr=0.25, weight_decay=0.5)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.data, 6)
    0.625
    """

    decays_weights_directly = True

    def __init__(self, parameters: Iterable[Any], lr: float = 0.001, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, weight_decay: float = 0.01):
        super().__init__(parameters, lr, betas, eps, weight_decay)


class Lion(Optimizer):
    """Steps of one size: only the sign of a running mean of the gradients counts.

    c = β₁m + (1 - β₁)g,  w ← w - lr · (sign(c) + λw),  m ← β₂m + (1 - β₂)g
                                        Chen and others, 2023, Algorithm 2, https://arxiv.org/abs/2302.06675

    Every weight moves by lr, however small or large its gradient; where c is 0 it stays.  λ is
    `weight_decay`; as in AdamW, it shrinks the weights themselves.  The name is short for "evolved sign
    momentum": a search over programs found the rule.

    Defaults: lr 0.0001, betas (0.9, 0.99), weight_decay 0, as in the paper.

    >>> from tinygrad_edu import Value
    >>> w = Value(1.0)
    >>> optimizer = Lion([w], lr=0.25)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> w.data
    0.75
    """

    remembers = ("m",)
    decays_weights_directly = True

    def __init__(self, parameters: Iterable[Any], lr: float = 0.0001, betas: tuple[float, float] = (0.9, 0.99),
                 weight_decay: float = 0.0):
        super().__init__(parameters, lr, weight_decay, betas=betas)

    def step_for(self, g: float, memory: dict[str, float], at: Any) -> float:
        beta1, beta2 = at.betas
        c = beta1 * memory["m"] + (1 - beta1) * g
        memory["m"] = beta2 * memory["m"] + (1 - beta2) * g
        return at.lr * ((c > 0) - (c < 0))


# ---- clipping ---------------------------------------------------------------------------------------------


def clip_gradients_by_value(parameters: Iterable[Any], limit: float) -> None:
    """Cut every gradient to at least -limit and at most limit.

    The direction of the step changes; `clip_gradients_by_norm` keeps it.  Raises GradientError, and
    changes nothing, if a gradient is inf or nan, and ValueError for a limit that is not positive.

    >>> from tinygrad_edu import Value
    >>> w = Value(3.0)
    >>> (w * w).backward()
    >>> clip_gradients_by_value([w], 1.5)
    >>> w.grad
    1.5
    """
    limit = checked_number("limit", limit, POSITIVE)
    parameters = checked_parameters(parameters)
    for p, g in zip(parameters, finite_gradients(parameters)):
        p.grad = min(max(g, -limit), limit)


def clip_gradients_by_norm(parameters: Iterable[Any], limit: float) -> float:
    """Shorten the gradient to length `limit` if it is longer; the length before is returned.

    g ← g · limit / ‖g‖  where ‖g‖ > limit, ‖g‖ = √Σg²     Pascanu, Mikolov and Bengio, 2013,
                                                            https://arxiv.org/abs/1211.5063
    PyTorch divides by ‖g‖ + 1e-6, so there it ends a little short of the limit.  Raises GradientError,
    and changes nothing, if a gradient or the norm is inf or nan; ValueError for a limit not positive.

    >>> from tinygrad_edu import Value
    >>> w, b = Value(1.5), Value(2.0)
    >>> (w * w + b * b).backward()
    >>> clip_gradients_by_norm([w, b], 1.0), round(w.grad, 6), round(b.grad, 6)
    (5.0, 0.6, 0.8)
    """
    limit = checked_number("limit", limit, POSITIVE)
    parameters = checked_parameters(parameters)
    gradients = finite_gradients(parameters)
    norm = math.hypot(*gradients)
    if norm == math.inf:
        raise GradientError("the norm of the gradient is inf, though every part is finite; nothing was changed")
    if norm > limit:
        for p, g in zip(parameters, gradients):
            p.grad = g / norm * limit
    return norm
