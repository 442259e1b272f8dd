"""How the learning rate changes while training goes on.

A schedule is called with the number of the step, 0, 1, 2, ..., and gives the learning rate for it:
`optimizer.lr = schedule(k)`.  A rate of 0, at which nothing moves, is one like the others.

Stochastic gradient descent is sure to settle if Σ lr = ∞ (it can get anywhere) and Σ lr² < ∞ (the
noise dies out): Robbins and Monro, 1951.  Of the schedules here `InverseDecay` alone meets both.
Those that end at a constant keep Σ lr² = ∞; those that die out faster have Σ lr < ∞.  The condition is
sufficient, not necessary, and what is used in practice seldom meets it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields

from ..engine.number import checked_whole, short_repr
from .checks import BETWEEN, NOT_NEGATIVE, POSITIVE, Rule, checked_number

RULES: dict[str, Rule] = {"lr": NOT_NEGATIVE, "final": NOT_NEGATIVE, "tau": POSITIVE, "factor": BETWEEN}


@dataclass(frozen=True)
class Schedule:
    """A learning rate for every step; a subclass is its fields and `rate`.

    Raises TypeError or ValueError, naming the field or the step, for what is out of range.
    """

    def __post_init__(self) -> None:
        for field in fields(self):
            name, value = field.name, getattr(self, field.name)
            if name in ("steps", "every"):
                value = checked_whole(name, value)
            elif name == "final" and value is None:
                value = 0.01 * self.lr                      # type: ignore[attr-defined]
            elif name in RULES:
                value = checked_number(name, value, RULES[name])
            object.__setattr__(self, name, value)

    def __call__(self, k: int) -> float:
        """The learning rate for step k = 0, 1, 2, ..."""
        return self.rate(checked_whole("k", k, least=0))

    def rate(self, k: int) -> float:
        raise NotImplementedError(f"{type(self).__name__} must say its rate: def rate(self, k)")


@dataclass(frozen=True)
class Constant(Schedule):
    """The same rate for ever.  Σ lr² = ∞: plain stochastic descent keeps jittering.

    >>> Constant(0.1)(1000)
    0.1
    """

    lr: float

    def rate(self, k: int) -> float:
        return self.lr


@dataclass(frozen=True)
class LinearDecay(Schedule):
    """The lecture's schedule: down a straight line for `steps` steps (its τ), then constant.

    εₖ = (1 - α) ε₀ + α ε_τ  with α = k/τ up to τ, and ε_τ from there on

    lr      ε₀, the rate at the start
    steps   τ; about as many as a few passes over the data take
    final   ε_τ, 0 if you like; by default 1 % of ε₀, as the lecture advises

    Held at ε_τ, Σ lr² = ∞; stopped at τ, Σ lr would be finite: either way Robbins and Monro's
    condition is not met.

    >>> schedule = LinearDecay(0.1, steps=4, final=0.02)
    >>> [round(schedule(k), 3) for k in range(7)]
    [0.1, 0.08, 0.06, 0.04, 0.02, 0.02, 0.02]
    >>> LinearDecay(0.5, steps=10)
    LinearDecay(lr=0.5, steps=10, final=0.005)
    """

    lr: float
    steps: int
    final: float = None         # type: ignore[assignment]

    def rate(self, k: int) -> float:
        alpha = min(k / self.steps, 1.0)
        return (1 - alpha) * self.lr + alpha * self.final


@dataclass(frozen=True)
class StepDecay(Schedule):
    """A staircase: the rate is multiplied by `factor` after `every` so many steps.

    lr · factor ^ ⌊k / every⌋.  Σ lr is finite.

    >>> schedule = StepDecay(1.0, every=2, factor=0.5)
    >>> [schedule(k) for k in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    lr: float
    every: int
    factor: float = 0.1

    def rate(self, k: int) -> float:
        return self.lr * math.pow(self.factor, k // self.every)


@dataclass(frozen=True)
class ExponentialDecay(Schedule):
    """The rate is multiplied by `factor` after every step: lr · factorᵏ.  Σ lr is finite.

    >>> schedule = ExponentialDecay(1.0, factor=0.5)
    >>> [schedule(k) for k in range(4)]
    [1.0, 0.5, 0.25, 0.125]
    """

    lr: float
    factor: float

    def rate(self, k: int) -> float:
        return self.lr * math.pow(self.factor, k)


@dataclass(frozen=True)
class InverseDecay(Schedule):
    """The rate falls as 1/k: lr / (1 + k/τ).  Σ lr = ∞ and Σ lr² < ∞, as Robbins and Monro ask.

    tau   after so many steps the rate is halved; with 1, the default, it is lr, lr/2, lr/3, ...

    >>> schedule = InverseDecay(1.0)
    >>> [schedule(k) for k in (0, 1, 3)]
    [1.0, 0.5, 0.25]
    """

    lr: float
    tau: float = 1.0

    def rate(self, k: int) -> float:
        return self.lr / (1 + k / self.tau)


@dataclass(frozen=True)
class CosineDecay(Schedule):
    """Down half a cosine wave: slowly, fast, slowly; then constant.  No restarts.

    final + ½ (lr - final) (1 + cos(π k / steps)) up to `steps`, and `final` from there on

    final   the rate at the end, 0 if you like; by default 1 % of lr
                                        Loshchilov and Hutter, 2017, https://arxiv.org/abs/1608.03983

    >>> schedule = CosineDecay(1.0, steps=4, final=0.5)
    >>> [round(schedule(k), 4) for k in range(6)]
    [1.0, 0.9268, 0.75, 0.5732, 0.5, 0.5]
    """

    lr: float
    steps: int
    final: float = None         # type: ignore[assignment]

    def rate(self, k: int) -> float:
        return self.final + (self.lr - self.final) / 2 * (1 + math.cos(math.pi * min(k / self.steps, 1.0)))


@dataclass(frozen=True)
class Warmup(Schedule):
    """Small steps first: the rate climbs to that of `schedule` at 0, which then begins.

    schedule(0) · (k + 1) / steps for the first `steps` steps, then schedule(k - steps)

    What holds of the sums of `schedule` holds of this one.
                                        Goyal and others, 2017, https://arxiv.org/abs/1706.02677

    >>> schedule = Warmup(InverseDecay(1.0), steps=4)
    >>> [schedule(k) for k in range(6)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 0.5]
    """

    schedule: Callable[[int], float]
    steps: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if not callable(self.schedule):
            raise TypeError(f"Warmup needs a schedule to lead to, got {short_repr(self.schedule)}; write Constant(lr)")

    def rate(self, k: int) -> float:
        if k < self.steps:
            return self.schedule(0) * (k + 1) / self.steps
        return self.schedule(k - self.steps)


__all__ = ["Constant", "CosineDecay", "ExponentialDecay", "InverseDecay", "LinearDecay", "Schedule", "StepDecay",
           "Warmup"]
