"""How wrong a prediction is, as one number to send `backward` from.

Every loss takes one example or a batch (a list of examples), Values or floats, lists or arrays, and
reduces the batch as `reduction` says: "mean" (the default), "sum", or "none" for the list.  Lengths
must agree; of predictions and targets nothing is broadcast.

Options have PyTorch's names where they mean the same.  In `fit` they are fixed beforehand:
`tg.fit(..., loss=partial(tg.cross_entropy, label_smoothing=0.1))`, with `from functools import partial`.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec

from ..engine import ops
from ..engine.composites import log_softmax
from ..engine.errors import DomainError
from ..engine.number import short_repr
from ..engine.value import Value
from ..fast.trace import is_traced
from .checks import ABOVE_0, FINITE, NOT_NEGATIVE, checked_number, to_list
from .reductions import Counting, by_class, elementwise, per_example, reduce, spread
from .targets import (
    check_numbers,
    check_probabilities,
    check_shapes,
    check_shares,
    check_signs,
    counts,
    distribution,
    is_row,
    number_of,
    numbers_in,
    taken,
    unless_0,
    where_counts,
)

P = ParamSpec("P")


def labelled(function: Callable[P, Any]) -> Callable[P, Any]:
    """The loss function, whose result is called "loss" in pictures and steps."""
    @wraps(function)
    def loss(*arguments: P.args, **options: P.kwargs) -> Any:
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
def sum_squared_error(predictions: Any, targets: Any, reduction: str = "sum") -> Any:
    """Σ (pᵢ - tᵢ)², the squared distance; with reduction="mean" it is `mse`.

    >>> sum_squared_error([10.0, 4.0], [7.0, 5.0])
    10.0
    """
    return squared_errors(predictions, targets, reduction)


@labelled
def half_squared_error(predictions: Any, targets: Any, reduction: str = "sum") -> Any:
    """½ Σ (pᵢ - tᵢ)², whose gradient is p - t without a factor; with reduction="mean" it is half of `mse`.

    >>> half_squared_error([10.0, 4.0], [7.0, 5.0]), half_squared_error([10.0, 4.0], [7.0, 5.0], "none")
    (5.0, [4.5, 0.5])
    """
    errors = squared_errors(predictions, targets, reduction)
    return [ops.div(e, 2.0) for e in errors] if is_row(errors) else ops.div(errors, 2.0)


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
def smooth_l1(predictions: Any, targets: Any, beta: float = 1.0, reduction: str = "mean") -> Any:
    """½ e² / beta for errors up to beta, |e| - ½ beta beyond: `mae` with its corner rounded.  Girshick, 2015.

    It is `huber` with delta = beta, divided by beta, as in PyTorch; with beta 0 it is `mae`.

    >>> smooth_l1([0.5, 3.0], [0.0, 0.0], beta=2.0, reduction="none")
    [0.0625, 2.0]
    """
    beta = checked_number("beta", beta, NOT_NEGATIVE)
    if beta == 0:
        return mae(predictions, targets, reduction)

    def one(p: Any, t: Any) -> Any:
        error = ops.sub(p, t)
        cut = ops.clip(error, -beta, beta)
        return ops.mul(ops.div(cut, beta), ops.sub(error, ops.div(cut, 2)))
    return elementwise(one, predictions, targets, reduction)


@labelled
def hinge(scores: Any, targets: Any, reduction: str = "mean") -> Any:
    """max(0, 1 - t · s) for targets -1 or 1: no loss once a score is on the right side by 1.

    >>> hinge([2.0, 0.5, -1.0], [1, 1, 1], reduction="none")
    [0.0, 0.5, 2.0]
    """
    targets = taken("targets", targets)
    check_signs("hinge", targets)
    return elementwise(lambda s, t: ops.relu(ops.sub(1, ops.mul(t, s))), scores, targets, reduction)


@labelled
def margin_ranking(first: Any, second: Any, targets: Any, margin: float = 0.0, reduction: str = "mean") -> Any:
    """max(0, margin - t · (a - b)): of two scores the first is to be the larger by a margin, or for t = -1 the second.

    In `fit`, the model answers with both scores:
    `loss=lambda pairs, targets: tg.margin_ranking([a for a, _ in pairs], [b for _, b in pairs], targets)`

    >>> margin_ranking([2.0, 0.5], [1.0, 1.0], [1, 1], margin=0.25, reduction="none")
    [0.0, 0.75]
    """
    margin = checked_number("margin", margin, FINITE)
    first, second, targets = taken("first", first), taken("second", second), taken("targets", targets)
    check_shapes(first, second)
    check_signs("margin_ranking", targets)
    differences = [ops.sub(a, b) for a, b in zip(numbers_in(first), numbers_in(second))]
    check_shapes(first, targets)
    signed = [ops.mul(t, d) for d, t in zip(differences, numbers_in(targets))]
    return reduce([ops.relu(ops.sub(margin, ahead)) for ahead in signed], reduction)


# ---- classes --------------------------------------------------------------------------------------------


@labelled
def cross_entropy(logits: Any, targets: Any, reduction: str = "mean", *, weight: Any = None,
                  ignore_index: int | None = None, label_smoothing: float = 0.0) -> Any:
    """-log softmax(logits)[target] = log Σ exp(zᵢ) - z[target].

    logits            one list of numbers, or a list of such lists
    targets           for each, the index of the class, or a list of probabilities (one-hot, soft)
    weight            of each class, such as [1.0, 5.0] where class 1 is rare
    ignore_index      examples with this target do not count; it may be no class, such as -100
    label_smoothing   ε: this share of each target is spread evenly over all C classes

    It takes logits, not probabilities: the softmax is within, so that a loss near 0 keeps its
    digits and none is infinite.

    With options it is what PyTorch has: Σ_c w_c ((1 - ε) t_c + ε/C) · -log p_c, t the target as a row.  The mean
    divides by the sum of the weights of the targets that count; where targets are rows, by their number.  Where
    nothing counts PyTorch gives nan, and we a ValueError.

    >>> round(cross_entropy([2.0, 2.0, 2.0], 0), 4)         # log 3: no idea among three classes
    1.0986
    >>> from functools import partial
    >>> loss = partial(cross_entropy, weight=[1.0, 5.0], ignore_index=-100)     # tg.fit(..., loss=loss)
    >>> round(loss([[0.0, 2.0], [0.0, 2.0], [9.0, 0.0]], [0, 1, -100]), 4)      # (2.1269 + 5 · 0.1269) / (1 + 5)
    0.4603
    """
    return by_class(ops.softmax_cross_entropy, logits, targets, reduction,
                    Counting(weight, ignore_index, label_smoothing))


@labelled
def nll(log_probabilities: Any, targets: Any, reduction: str = "mean", *, weight: Any = None,
        ignore_index: int | None = None) -> Any:
    """-log p[target] of logarithms of probabilities, such as `log_softmax` gives.

    weight, ignore_index   as for `cross_entropy`

    >>> nll([-0.5, -1.5], 1)
    1.5
    """
    def one(logs: Sequence[Any], shares: Sequence[Any]) -> Any:
        check_numbers(logs)
        weighted = [(p, where_counts(p, log, -0.0)) for p, log in zip(shares, logs) if counts(p)]
        return ops.neg(ops.dot([p for p, _ in weighted], [log for _, log in weighted]))
    return by_class(one, log_probabilities, targets, reduction, Counting(weight, ignore_index))


@labelled
def kl_divergence(p: Any, q: Any, reduction: str = "mean") -> Any:
    """Σ pᵢ log(pᵢ / qᵢ): how many nats more it takes to describe p by q.  No distance: it is not symmetric.

    0 log 0 counts as 0, also where a pᵢ of 0 takes gradients: its slope, which is -∞ from the right, is left
    out.  So an exp that underflows in a softmax does no harm.  For a one-hot p it is the cross entropy -log q[true].
    As `loss` of `fit`, p are the predictions and q the targets.

    The mean is over the examples, the rows: that of PyTorch's reduction="batchmean".  What PyTorch calls "mean"
    divides by the number of classes as well.  `torch.nn.functional.kl_div(q.log(), p)` has q first.

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
def bce(probabilities: Any, targets: Any, reduction: str = "mean", *, weight: Any = None) -> Any:
    """-(t log p + (1 - t) log(1 - p)) for probabilities p and targets t from [0, 1].

    weight   the loss of each number times this: one number for all, one for each column of a list of rows,
             or one for each number.  As in PyTorch, the mean divides by how many there are, whatever they weigh

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
    return elementwise(one, probabilities, targets, reduction, weight=weight)


@labelled
def bce_with_logits(logits: Any, targets: Any, reduction: str = "mean", *, weight: Any = None,
                    pos_weight: Any = None) -> Any:
    """`bce` of sigmoid(logits), as t softplus(-z) + (1 - t) softplus(z): never infinite.

    weight       as for `bce`
    pos_weight   p, how much more a positive target counts: p t softplus(-z) + (1 - t) softplus(z).  Given in
                 the same forms; negatives / positives evens out classes of different size

    >>> bce_with_logits(40.0, 1)
    4.248354255291589e-18
    >>> round(bce_with_logits([0.0, 0.0], [1, 0], pos_weight=3.0), 4)           # (3 + 1) · log 2 / 2
    1.3863
    """
    def one(z: Any, t: Any, more: float | None) -> Any:
        check_shares([t], "targets of bce_with_logits are from [0, 1], got {}")
        hit, miss = ops.softplus(ops.neg(z)), ops.softplus(z)
        hit = hit if more is None else ops.mul(more, hit)
        if not (counts(t) and counts(ops.sub(1, t))):
            return hit if number_of(t) else miss
        return ops.add(ops.mul(t, hit), ops.mul(ops.sub(1, t), miss))
    logits = taken("predictions", logits)
    more = spread("pos_weight", pos_weight, logits)
    return elementwise(one, logits, targets, reduction, more, weight=weight)


__all__ = ["bce", "bce_with_logits", "brier", "cross_entropy", "half_squared_error", "hinge", "huber", "kl_divergence",
           "log_softmax", "mae", "margin_ranking", "mse", "nll", "smooth_l1", "sum_squared_error"]
