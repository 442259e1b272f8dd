"""How wrong a prediction is, as one number to send `backward` from.

Every loss takes one example or a batch (a list of examples), Values or floats, lists or arrays, and
reduces the batch as `reduction` says: "mean" (the default), "sum", or "none" for the list.  Lengths
must agree; nothing is broadcast.
"""

import math
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from ..engine import ops
from ..engine.arrays import as_lists
from ..engine.composites import log_softmax
from ..engine.errors import DomainError
from ..engine.number import checked_whole, number, short_repr
from ..engine.value import Value
from ..fast.trace import TraceError, checked_in_each_row, is_plain, is_traced
from .checks import ABOVE_0, by_name, checked_number, to_list

REDUCTIONS = {"mean": ops.mean, "sum": ops.sum, "none": list}
SUM_TOLERANCE = 1e-6                # of probabilities, per class: what single precision needs


def labelled(function: Callable) -> Callable:
    """The loss function, whose result is called "loss" in pictures and steps."""
    @wraps(function)
    def loss(*arguments: Any, **options: Any) -> Any:
        made = function(*arguments, **options)
        if isinstance(made, Value):
            made.label = made.label or "loss"
        return made
    return loss


# ---- numbers against numbers ------------------------------------------------------------------------


@labelled
def mse(predictions: Any, targets: Any, reduction: str = "mean") -> Any:
    """Mean squared error, (1/n) Σ (pᵢ - tᵢ)², over all numbers of the batch.

    The lectures have three: this mean, the plain sum (`sum_squared_error`) and the half
    (`half_squared_error`).  The mean is the default of `fit`, since its gradient does not grow
    with the batch.

    >>> mse([10.0, 4.0], [7.0, 5.0])
    5.0
    """
    return squared_errors(predictions, targets, reduction)


@labelled
def sum_squared_error(predictions: Any, targets: Any) -> Any:
    """Σ (pᵢ - tᵢ)², the squared distance.

    >>> sum_squared_error([10.0, 4.0], [7.0, 5.0])
    10.0
    """
    return squared_errors(predictions, targets, "sum")


@labelled
def half_squared_error(predictions: Any, targets: Any) -> Any:
    """½ Σ (pᵢ - tᵢ)², whose gradient is p - t without a factor.

    >>> half_squared_error([10.0, 4.0], [7.0, 5.0])
    5.0
    """
    return ops.div(squared_errors(predictions, targets, "sum"), 2.0)


def squared_errors(predictions: Any, targets: Any, reduction: str) -> Any:
    return elementwise(lambda p, t: ops.square(ops.sub(p, t)), predictions, targets, reduction)


@labelled
def mae(predictions: Any, targets: Any, reduction: str = "mean") -> Any:
    """Mean absolute error, (1/n) Σ |pᵢ - tᵢ|.

    >>> mae([10.0, 4.0], [7.0, 5.0])
    2.0
    """
    return elementwise(lambda p, t: ops.abs(ops.sub(p, t)), predictions, targets, reduction)


@labelled
def huber(predictions: Any, targets: Any, delta: float = 1.0, reduction: str = "mean") -> Any:
    """½ e² for errors up to delta, delta (|e| - ½ delta) beyond: squared near 0, absolute far out.  Huber, 1964.

    >>> huber([0.5, 3.0], [0.0, 0.0], reduction="none")
    [0.125, 2.5]
    """
    delta = checked_number("delta", delta, ABOVE_0)

    def one(p: Any, t: Any) -> Any:
        error = ops.sub(p, t)
        cut = ops.clip(error, -delta, delta)            # c (e - c/2) is both formulas, and their graphs, in one
        return ops.mul(cut, ops.sub(error, ops.div(cut, 2)))
    return elementwise(one, predictions, targets, reduction)


@labelled
def hinge(scores: Any, targets: Any, reduction: str = "mean") -> Any:
    """max(0, 1 - t · s) for targets -1 or 1: no loss once a score is on the right side by 1.

    >>> hinge([2.0, 0.5, -1.0], [1, 1, 1], reduction="none")
    [0.0, 0.5, 2.0]
    """
    targets = taken("targets", targets)
    for i, t in enumerate(numbers_in(targets)):
        check_sign([t], f"target {i}")
    return elementwise(lambda s, t: ops.relu(ops.sub(1, ops.mul(t, s))), scores, targets, reduction)


# ---- classes --------------------------------------------------------------------------------------------


@labelled
def cross_entropy(logits: Any, targets: Any, reduction: str = "mean") -> Any:
    """-log softmax(logits)[target] = log Σ exp(zᵢ) - z[target].

    logits    one list of numbers, or a list of such lists
    targets   for each, the index of the class, or a list of probabilities (one-hot, soft)

    It takes logits, not probabilities: the softmax is within, so that a loss near 0 keeps its
    digits and none is infinite.

    >>> round(cross_entropy([2.0, 2.0, 2.0], 0), 4)         # log 3: no idea among three classes
    1.0986
    """
    return per_example(lambda z, t: ops.softmax_cross_entropy(z, distribution(t, len(z))), logits, targets, reduction)


@labelled
def nll(log_probabilities: Any, targets: Any, reduction: str = "mean") -> Any:
    """-log p[target] of logarithms of probabilities, such as `log_softmax` gives.

    >>> nll([-0.5, -1.5], 1)
    1.5
    """
    def one(logs: Sequence[Any], t: Any) -> Any:
        check_numbers(logs)
        weighted = [(p, where_counts(p, log, -0.0)) for p, log in zip(distribution(t, len(logs)), logs) if counts(p)]
        return ops.neg(ops.dot([p for p, _ in weighted], [log for _, log in weighted]))
    return per_example(one, log_probabilities, targets, reduction)


@labelled
def kl_divergence(p: Any, q: Any, reduction: str = "mean") -> Any:
    """Σ pᵢ log(pᵢ / qᵢ): how many nats more it takes to describe p by q.  No distance: it is not symmetric.

    0 log 0 counts as 0, also where a pᵢ of 0 takes gradients: its slope, which is -∞ from the right, is left
    out.  So an exp that underflows in a softmax does no harm.  For a one-hot p it is the cross entropy -log q[true].
    As `loss` of `fit`, p are the predictions and q the targets.

    >>> round(kl_divergence([1.0, 0.0, 0.0], [0.7, 0.2, 0.1]), 6)
    0.356675
    """
    def one(ps: Sequence[Any], qs: Sequence[Any]) -> Any:
        if not is_row(qs):
            raise ValueError(f"q must be a list of probabilities like p, got {short_repr(qs)}{to_list(qs)}")
        if len(ps) != len(qs):
            raise ValueError(f"p has {len(ps)} probabilities, but q has {len(qs)}: give as many")
        check_probabilities(ps, "p")
        check_probabilities(qs, "q")
        return ops.sum([term(a, b) for a, b in zip(ps, qs)])

    def term(a: Any, b: Any) -> Any:
        if not is_traced(a) and number_of(a) == 0:
            return ops.mul(0, b)
        return ops.mul(a, ops.sub(ops.log(unless_0(a, a, 1.0)), ops.log(unless_0(a, b, 1.0))))
    return per_example(one, p, q, reduction)


@labelled
def brier(probabilities: Any, targets: Any, reduction: str = "mean") -> Any:
    """Σ (pₖ - oₖ)² over the classes, o the one-hot truth.  Brier, 1950.

    >>> round(brier([0.7, 0.2, 0.1], 0), 10)
    0.14
    """
    def one(ps: Sequence[Any], t: Any) -> Any:
        check_probabilities(ps, "probabilities")
        return ops.sum([ops.square(ops.sub(a, o)) for a, o in zip(ps, distribution(t, len(ps)))])
    return per_example(one, probabilities, targets, reduction)


@labelled
def bce(probabilities: Any, targets: Any, reduction: str = "mean") -> Any:
    """-(t log p + (1 - t) log(1 - p)) for probabilities p and targets t from [0, 1].

    >>> round(bce(0.8, 1), 6), bce(0.0, 0)
    (0.223144, 0.0)
    """
    def one(p: Any, t: Any) -> Any:
        check_shares([p, t], "bce takes probabilities and targets from [0, 1], got {} and {}")
        try:
            other = ops.sub(t, 1)
            hit = ops.mul(ops.neg(t), ops.log(where_counts(t, p, 1.0))) if counts(t) else None
            miss = ops.mul(other, ops.log1p(ops.neg(where_counts(other, p, 0.0)))) if counts(other) else None
        except DomainError as error:
            trouble = "has an infinite slope by the target" if number_of(p) == number_of(t) else "is infinite"
            raise type(error)(f"bce of probability {number_of(p)} for target {number_of(t)} {trouble}: "
                              "use the logits form, bce_with_logits") from None
        return hit if miss is None else miss if hit is None else ops.add(hit, miss)
    return elementwise(one, probabilities, targets, reduction)


@labelled
def bce_with_logits(logits: Any, targets: Any, reduction: str = "mean") -> Any:
    """`bce` of sigmoid(logits), as t softplus(-z) + (1 - t) softplus(z): never infinite.

    >>> bce_with_logits(40.0, 1)
    4.248354255291589e-18
    """
    def one(z: Any, t: Any) -> Any:
        check_shares([t], "targets of bce_with_logits are from [0, 1], got {}")
        hit, miss = ops.softplus(ops.neg(z)), ops.softplus(z)
        if not (counts(t) and counts(ops.sub(1, t))):
            return hit if number_of(t) else miss
        return ops.add(ops.mul(t, hit), ops.mul(ops.sub(1, t), miss))
    return elementwise(one, logits, targets, reduction)


# ---- what they share --------------------------------------------------------------------------------------


def check_number(x: Any) -> None:
    """Refuse what is neither a Value nor a number."""
    if not isinstance(x, Value):
        number(x)


def number_of(x: Any) -> float:
    """The number in a Value, or x itself if it is a number."""
    check_number(x)
    return x.data if isinstance(x, Value) else x


def unless_0(weight: Any, x: Any, otherwise: float) -> Any:
    """x; but in a function that is traced, where the weight is not known yet, another number wherever that is 0."""
    return ops.where(ops.equal(weight, 0), otherwise, x) if is_traced(weight) else x


def where_counts(weight: Any, x: Any, otherwise: float) -> Any:
    """x; but in a function that is traced another number wherever a term of this weight does not count."""
    return unless_0(weight, x, otherwise) if is_traced(weight) and is_plain(weight) else x


def counts(weight: Any) -> bool:
    """Does a term of this weight belong to a loss?  Not at 0, unless the weight itself takes gradients."""
    return is_traced(weight) or number_of(weight) != 0 or (isinstance(weight, Value) and not weight.is_constant)


def is_row(x: Any) -> bool:
    return isinstance(x, list | tuple)


def numbers_in(x: Any) -> list[Any]:
    """The numbers of a number, a list, or a list of lists."""
    return [y for e in x for y in numbers_in(e)] if is_row(x) else [x]


def taken(name: str, x: Any) -> Any:
    """x with lists for arrays; what is neither a number nor a list or array is refused by name."""
    x = as_lists(x)
    if not is_row(x):
        try:
            check_number(x)
        except (TypeError, ValueError, OverflowError) as error:
            raise type(error)(f"{name}: {error}{to_list(x)}") from None
    return x


def counted(count: int, word: str) -> str:
    return f"{count} {word}{'s' * (count != 1)}"


def same_length(predictions: Sequence[Any], targets: Sequence[Any]) -> None:
    if len(predictions) != len(targets):
        raise ValueError(f"{counted(len(predictions), 'prediction')}, {counted(len(targets), 'target')}: "
                         "give one target for each")


def form(x: Any) -> str:
    """What x is, in a message about lists and numbers; anything else is refused."""
    if is_row(x):
        return f"a list of {len(x)}"
    check_number(x)
    return "a number"


def check_shapes(a: Any, b: Any, place: str = "") -> None:
    """Refuse predictions and targets that are not nested alike; `place` says where, as in [0][1]."""
    if is_row(a) != is_row(b):
        where = f" at {place}" if place else ""
        raise ValueError(f"{form(a)} against {form(b)}{where}: predictions and targets need the same form")
    if is_row(a):
        if not a:
            raise ValueError("an empty batch has no loss")
        same_length(a, b)
        for i, (x, y) in enumerate(zip(a, b)):
            check_shapes(x, y, f"{place}[{i}]")


def reduce(losses: list[Any], reduction: str) -> Any:
    """The mean or the sum of the losses, or the list of them; a single loss is its own mean and sum."""
    reduced = by_name("reduction", reduction, REDUCTIONS)
    return losses[0] if len(losses) == 1 and reduced is not list else reduced(losses)


def elementwise(loss: Callable, predictions: Any, targets: Any, reduction: str) -> Any:
    """The loss of each number, reduced over all of them."""
    predictions, targets = taken("predictions", predictions), taken("targets", targets)
    check_shapes(predictions, targets)
    return reduce([loss(p, t) for p, t in zip(numbers_in(predictions), numbers_in(targets))], reduction)


def per_example(loss: Callable, predictions: Any, targets: Any, reduction: str) -> Any:
    """The loss of each example (a row), reduced over the batch."""
    predictions, targets = as_lists(predictions), as_lists(targets)
    if not is_row(predictions) or not predictions:
        raise ValueError("an empty batch has no loss" if is_row(predictions) else
                         f"one number per class is needed, got {short_repr(predictions)}{to_list(predictions)}")
    if not any(map(is_row, predictions)):
        if is_row(targets) and any(map(is_row, targets)):
            raise ValueError(f"1 prediction, {counted(len(targets), 'target')}: give a row of numbers for each target")
        by_name("reduction", reduction, REDUCTIONS)
        return loss(predictions, targets)
    for i, row in enumerate(predictions):
        if not is_row(row) or not row or is_row(row[0]):
            raise ValueError(f"prediction {i} is {'empty' if row == [] else short_repr(row)}: "
                             "one number per class is needed")
    if not is_row(targets):
        raise ValueError(f"{counted(len(predictions), 'prediction')}, but no list of targets: "
                         f"got {short_repr(targets)}{to_list(targets)}; give one target for each")
    same_length(predictions, targets)
    return reduce([loss(p, t) for p, t in zip(predictions, targets)], reduction)


def distribution(target: Any, classes: int) -> list[Any]:
    """A target as one probability per class."""
    if is_row(target):
        if len(target) != classes or any(map(is_row, target)):
            raise ValueError(f"a target is the index of a class, or a list of {classes}, "
                             f"one probability for each class: got {short_repr(target)}")
        check_probabilities(target, "target")
        return list(target)
    if is_traced(target):
        raise TraceError("a class is an index, and a program has only numbers: give each target as a row of "
                         f"{classes} probabilities, 1.0 for its class and 0.0 for the others")
    try:
        place = checked_whole("a target (the index of a class if no list of probabilities)", target, least=-math.inf)
    except TypeError as error:
        whole = isinstance(target, float) and target.is_integer()
        raise TypeError(f"{error}{f'; write int({target})' if whole else to_list(target)}") from None
    if not 0 <= place < classes:
        raise IndexError(f"target {target}, but {classes} classes (0..{classes - 1})")
    return [float(i == place) for i in range(classes)]


def check_numbers(row: Sequence[Any]) -> None:
    """Refuse what is no number, also where a loss would not look at it."""
    for x in row:
        check_number(x)


def are_shares(xs: Sequence[Any]) -> Any:
    return ops.min([ops.equal(x, ops.clip(x, 0.0, 1.0)) for x in xs])


def are_probabilities(ps: Sequence[Any]) -> Any:
    off = ops.abs(ops.sub(ops.sum(ps), 1))
    return ops.min([ops.greater_equal(ops.min(ps), 0), ops.less_equal(ops.max(ps), 1),
                   ops.less_equal(off, SUM_TOLERANCE * len(ps))])


@checked_in_each_row(lambda ts: ops.equal(ops.abs(ts[0]), 1))
def check_sign(ts: Sequence[Any], what: str) -> None:
    """Refuse the one number of the list if it is neither -1 nor 1."""
    if number_of(ts[0]) not in (-1, 1):
        raise ValueError(f"targets of hinge are -1 or 1, but {what} is {number_of(ts[0])}")


@checked_in_each_row(are_shares)
def check_shares(xs: Sequence[Any], words: str) -> None:
    """Refuse what is not from [0, 1]; the words are the message, with a place for each number."""
    if not all(0 <= number_of(x) <= 1 for x in xs):
        raise ValueError(words.format(*map(number_of, xs)))


@checked_in_each_row(are_probabilities)
def check_probabilities(ps: Sequence[Any], what: str) -> None:
    """Refuse what is not from [0, 1], or does not sum to 1; `what` names them in the message."""
    for i, p in enumerate(ps):
        if not 0 <= number_of(p) <= 1:
            raise ValueError(f"{what}[{i}] is {number_of(p)}, not a probability from [0, 1]")
    total = ops.sum([number_of(p) for p in ps])
    if abs(total - 1) > SUM_TOLERANCE * len(ps):
        raise ValueError(f"{what}: the probabilities sum to {total}, not to 1")


__all__ = ["bce", "bce_with_logits", "brier", "cross_entropy", "half_squared_error", "hinge", "huber", "kl_divergence",
           "log_softmax", "mae", "mse", "nll", "sum_squared_error"]
