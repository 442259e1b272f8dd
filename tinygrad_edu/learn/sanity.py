"""The lecture's checks before a long training: is the first loss as expected, does the model learn at all?"""

import copy
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..engine.errors import DomainError, GradientError
from ..engine.number import check_kind, told_apart
from ..nn.checks import NOT_NEGATIVE, checked_number, listed
from ..nn.losses import bce, bce_with_logits, cross_entropy, nll
from ..nn.modules import Module, as_floats
from ..nn.penalties import L2
from ..nn.rates import verdicts
from .examples import answers, check_form, checked_classes, checked_examples, classes_of
from .fit import fit
from .history import History
from .named import loss_for

LOGARITHMS = (cross_entropy, nll, bce, bce_with_logits)     # of a probability
NOISE = 0.03        # of the loss: a change that says nothing about a learning rate


@dataclass(frozen=True)
class Check:
    """One line of a report: what was checked, whether it is well, and what was seen."""
    name: str
    good: bool
    seen: str


class Report(list[Check]):
    """The checks of `check_training`; true if all are well, and readable when printed."""

    def __bool__(self) -> bool:
        return all(check.good for check in self)

    def __str__(self) -> str:
        return "\n".join(f"{'ok ' if check.good else 'BAD'}  {check.name}: {check.seen}" for check in self)

    __repr__ = __str__


def check_training(model: Module, inputs: Iterable[Any], targets: Iterable[Any], *,
                   loss: "str | Callable[..., Any] | None" = None,
                   rates: Sequence[float] = (1e-6, 1e-3, 1e-2, 1e-1, 1.0, 1e3), seed: int = 0,
                   classes: Sequence[Any] | None = None) -> Report:
    """The lecture's checks before a long training, on copies of the model.

    1. the first loss of C classes is about log C, as for a guess without any knowledge
    2. the loss rises with the strength of regularization
    3. a handful of examples can be learned by heart
    4. of the learning rates at least one is good.  The rule is that of `nn.rates.verdicts`: good is what
       brings the loss, in ten epochs, nine tenths as far down as the best rate does, and by 3 % or more.
       A flat loss alone does not prove a rate too low: lr = 1 on w² is flat and too high.

    model, inputs, targets, loss, seed, classes   as for `fit`
    rates                                         the learning rates to try, with plain gradient descent

    Raises what `fit` raises for settings it refuses.

    >>> from tinygrad_edu import MLP, data
    >>> examples = data.xor(16, seed=0)
    >>> report = check_training(MLP(2, [8, 2], rng=0), examples.inputs, examples.targets, rates=(1e-6, 1e3))
    >>> bool(report), report[-1].seen
    (False, '1e-06 too low, 1000 exploding')
    """
    check_kind(model, Module)
    classes = checked_classes(classes)
    inputs, targets = checked_examples(model, inputs, targets, classes)
    loss = loss_for(loss, targets)
    check_form(model, loss, inputs[0], classes)
    rates = [checked_number(f"rates[{i}]", rate, NOT_NEGATIVE) for i, rate in enumerate(listed("rates", rates))]
    start = as_floats(loss(answers(model, inputs), targets))
    return Report([first_loss(start, targets, loss), rises_with_penalty(start, model),
                   learns_by_heart(model, inputs[:8], targets[:8], loss, seed),
                   tries_rates(model, inputs[:32], targets[:32], loss, rates, seed)])


def losses_in_words(*losses: float) -> list[str]:
    """Losses with four decimals, or with more where different ones would read alike.

    >>> losses_in_words(0.5, 0.25), losses_in_words(0.5, 0.500001)
    (['0.5000', '0.2500'], ['0.500000', '0.500001'])
    """
    digits = next((n for n in range(4, 18) if len({f"{x:.{n}f}" for x in losses}) == len(set(losses))), 17)
    return [f"{x:.{digits}f}" for x in losses]


def first_loss(start: float, targets: Sequence[Any], loss: Callable) -> Check:
    """The loss of a new classifier is near log C where the loss is a logarithm; any other is at least finite."""
    classes = len(set(classes_of(targets, loss)) - {None})
    if loss not in LOGARITHMS or not classes:
        return Check("first loss", math.isfinite(start), f"{start:.4f}")
    expected = math.log(classes)
    return Check("first loss", abs(start - expected) < 0.5 * expected + 0.2,
                 f"{start:.4f}, where knowing nothing of {classes} classes gives {expected:.4f}")


def rises_with_penalty(start: float, model: Module) -> Check:
    """With more weight on the L2 penalty the total loss is larger."""
    weights = [p.data for p in model.parameters(biases=False)]
    totals = [start + L2(strength)(weights) for strength in (0.0, 0.01, 0.1)]
    rising = totals == sorted(set(totals))
    return Check("loss rises with regularization", rising, ", ".join(losses_in_words(*totals)))


def learns_by_heart(model: Module, inputs: Sequence[Any], targets: Sequence[Any], loss: Callable, seed: int) -> Check:
    """A copy of the model is trained on a few examples until their loss is next to nothing."""
    history = fit_to_the_end(copy.deepcopy(model), inputs, targets, loss=loss, lr=0.05, epochs=200,
                             batch_size=len(inputs), seed=seed)
    first, last = history.loss[0], history.loss[-1]
    before, after = losses_in_words(first, last)
    return Check(f"{len(inputs)} examples learned by heart", last < max(0.1 * first, 0.01),
                 f"loss {before} -> {after} in 200 epochs")


def tries_rates(model: Module, inputs: Sequence[Any], targets: Sequence[Any], loss: Callable, rates: Sequence[float],
                seed: int) -> Check:
    """Ten epochs of gradient descent at each rate, each with a copy of the model."""
    def losses_at(rate: float, epochs: int) -> list[float]:
        try:
            return fit_to_the_end(copy.deepcopy(model), inputs, targets, loss=loss, optimizer="sgd", lr=rate,
                                  epochs=epochs, seed=seed).loss
        except (DomainError, GradientError):
            return [math.inf]
    [start] = losses_at(0.0, 1)                     # moves nothing; at other rates the first epoch may explode already
    found = verdicts({rate: [start, *losses_at(rate, 10)] for rate in rates}, noise=NOISE * abs(start))
    seen = ", ".join(f"{rate} {word}" for rate, word in zip(told_apart(*found), found.values()))
    return Check("learning rates", "good" in found.values(), seen)


def fit_to_the_end(*arguments: Any, **settings: Any) -> History:
    """`fit` without a progress bar; Ctrl-C during one check ends all of them."""
    history = fit(*arguments, progress=False, **settings)
    if history.stopped == "interrupted":
        raise KeyboardInterrupt
    return history
