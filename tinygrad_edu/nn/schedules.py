"""How the learning rate changes while training goes on.

A schedule is called with the number of the step, 0, 1, 2, ..., and gives the learning rate for it:
`optimizer.lr = schedule(k)`.  A rate of 0, at which nothing moves, is one like the others.
`ReduceOnPlateau` alone goes by what was measured, not by the number of the step.

Stochastic gradient descent is sure to settle if Σ lr = ∞ (it can get anywhere) and Σ lr² < ∞ (the
noise dies out): Robbins and Monro, 1951.  Of the schedules here `InverseDecay` alone meets both.
Those that end at a constant keep Σ lr² = ∞; those that die out faster have Σ lr < ∞.  The condition is
sufficient, not necessary, and what is used in practice seldom meets it.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

from ..engine.number import checked_whole, number, short_repr
from .checks import BETWEEN, FRACTION, NOT_NEGATIVE, POSITIVE, Rule, by_name, checked_number, listed

RULES: dict[str, Rule] = {"lr": NOT_NEGATIVE, "initial": NOT_NEGATIVE, "final": NOT_NEGATIVE, "tau": POSITIVE,
                          "factor": BETWEEN, "rise": BETWEEN, "threshold": FRACTION}
LEAST = {"steps": 1, "every": 1, "patience": 0, "cooldown": 0}          # of what is counted


@dataclass(frozen=True)
class Schedule:
    """A learning rate for every step; a subclass is its fields and `rate`.

    Raises TypeError or ValueError, naming the field or the step, for what is out of range.
    """

    def __post_init__(self) -> None:
        for field in fields(self):
            name, value = field.name, getattr(self, field.name)
            if name in LEAST:
                value = checked_whole(name, value, LEAST[name])
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
class MultiStepDecay(Schedule):
    """A staircase with steps where you like: the rate is multiplied by `factor` at each of the milestones.

    lr · factor ^ (how many milestones are at most k).  PyTorch: MultiStepLR, with gamma for factor.  Held at
    the last rate, Σ lr² = ∞.

    milestones   numbers of steps, rising; PyTorch's examples count epochs

    >>> schedule = MultiStepDecay(1.0, milestones=(2, 3), factor=0.5)
    >>> [schedule(k) for k in range(5)]
    [1.0, 1.0, 0.5, 0.25, 0.25]
    """

    lr: float
    milestones: Sequence[int]
    factor: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        given = listed("milestones", self.milestones)
        found = tuple([checked_whole(f"milestones[{i}]", k, least=0) for i, k in enumerate(given)])
        if list(found) != sorted(set(found)):
            raise ValueError(f"each of the milestones must be larger than the one before, got {short_repr(found)}")
        object.__setattr__(self, "milestones", found)

    def rate(self, k: int) -> float:
        return self.lr * math.pow(self.factor, bisect_right(self.milestones, k))


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
class OneCycle(Schedule):
    """Up to a large rate and down again to almost nothing, once.  PyTorch: OneCycleLR.

    From `initial` up to lr, which is reached at step T = rise · steps - 1, then down to `final` at the last step,
    and held there.  With p the share of the way from a to b, a climb or fall is
    cosine: b + ½ (a - b) (1 + cos(π p));  linear: a + (b - a) p

    lr        the largest rate; PyTorch's max_lr
    steps     of the whole training; PyTorch's total_steps
    rise      the share of the steps that climb; PyTorch's pct_start
    shape     "cosine" or "linear"; PyTorch's anneal_strategy
    initial   by default lr / 25, as PyTorch's div_factor has it
    final     by default initial / 10,000, as its final_div_factor has it

    Only the rate has a cycle: the momentum stays as it is (PyTorch: cycle_momentum=False).
                            Smith and Topin, 2018, https://arxiv.org/abs/1708.07120

    >>> schedule = OneCycle(1.0, steps=10, rise=0.5, shape="linear", initial=0.2, final=0.0)
    >>> [round(schedule(k), 4) for k in range(11)]
    [0.2, 0.4, 0.6, 0.8, 1.0, 0.8, 0.6, 0.4, 0.2, 0.0, 0.0]
    """

    lr: float
    steps: int
    rise: float = 0.3
    shape: str = "cosine"
    initial: float = None           # type: ignore[assignment]
    final: float = None             # type: ignore[assignment]

    def __post_init__(self) -> None:
        checked_number("lr", self.lr, NOT_NEGATIVE)
        initial = self.lr / 25 if self.initial is None else checked_number("initial", self.initial, NOT_NEGATIVE)
        object.__setattr__(self, "initial", initial)
        object.__setattr__(self, "final", initial / 10_000 if self.final is None else self.final)
        object.__setattr__(self, "shape", by_name("shape", self.shape, {"cosine": "cosine", "linear": "linear"}))
        super().__post_init__()

    def rate(self, k: int) -> float:
        top, last = self.rise * self.steps - 1, self.steps - 1
        if k <= top and top > 0:
            return self.between(self.initial, self.lr, k / top)
        return self.between(self.lr, self.final, min((k - top) / (last - top), 1.0))

    def between(self, a: float, b: float, share: float) -> float:
        """The rate on the way from a to b."""
        if self.shape == "linear":
            return a + (b - a) * share
        return b + (a - b) / 2 * (1 + math.cos(math.pi * share))


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


@dataclass(frozen=True)
class ReduceOnPlateau(Schedule):
    """The rate is multiplied by `factor` when the loss has stopped falling.  PyTorch: ReduceLROnPlateau.

    patience    so many measurements in a row may be no better; the next such one reduces the rate
    threshold   better is a loss below (1 - threshold) times the best so far
    cooldown    so many measurements after a reduction are not counted as bad
    final       no lower than this; PyTorch's min_lr.  Where it is above lr, the rate stays at lr

    In `fit` it goes by the validation loss, or without one by the training loss, from epoch to epoch.  In a loop
    of your own: `optimizer.lr = schedule.rate_after(losses)`, with all losses so far.  The rate follows from these
    alone, nothing is kept: so a training that is taken up again goes on with the same bits.  PyTorch also passes
    over changes below eps = 1e-8.

    >>> schedule = ReduceOnPlateau(1.0, factor=0.5, patience=1)
    >>> [schedule.rate_after([3.0, 2.0, 2.0, 2.0, 1.0][:n]) for n in range(6)]
    [1.0, 1.0, 1.0, 1.0, 0.5, 0.5]
    """

    lr: float
    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    cooldown: int = 0
    final: float = 0.0

    def rate(self, k: int) -> float:
        raise TypeError(f"{type(self).__name__} goes by the losses, not by the number of the step: give it to fit, or "
                        "write optimizer.lr = schedule.rate_after(losses)")

    def rate_after(self, losses: Sequence[float]) -> float:
        """The learning rate after these measurements, from the first to the latest; nan is no better than any."""
        rate, best, bad, rest = self.lr, math.inf, 0, 0
        for loss in map(number, listed("losses", losses)):
            if loss < best * (1 - self.threshold):
                best, bad = loss, 0
            else:
                bad += 1
            if rest:
                bad, rest = 0, rest - 1
            if bad > self.patience:
                rate, bad, rest = min(rate, max(rate * self.factor, self.final)), 0, self.cooldown
        return rate


__all__ = ["Constant", "CosineDecay", "ExponentialDecay", "InverseDecay", "LinearDecay", "MultiStepDecay", "OneCycle",
           "ReduceOnPlateau", "Schedule", "StepDecay", "Warmup"]
