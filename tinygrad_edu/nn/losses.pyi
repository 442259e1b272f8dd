"""Written by tests/stubs.py.  Do not change it: say `python tests/stubs.py --write`."""

from typing import Any, Literal, overload

from ..engine.kinds import Array, Arrays, Number, Numbers, Operand, Operands
from ..engine.composites import log_softmax as log_softmax
from ..engine.value import Value

@overload
def bce(probabilities: Numbers, targets: Numbers, reduction: Literal["mean", "sum"] = "mean", *, weight: Numbers | None = None) -> float:  # type: ignore[overload-overlap]
    """-(t log p + (1 - t) log(1 - p)) for probabilities p and targets t from [0, 1].

    weight   the loss of each number times this: one number for all, one for each column of a list of rows,
             or one for each number.  As in PyTorch, the mean divides by how many there are, whatever they weigh

    >>> round(bce(0.8, 1), 6), bce(0.0, 0)
    (0.223144, 0.0)
    """
@overload
def bce(probabilities: Numbers, targets: Numbers, reduction: Literal["none"], *, weight: Numbers | None = None) -> list[float]: ...  # type: ignore[overload-overlap]
@overload
def bce(probabilities: Operands, targets: Operands, reduction: Literal["mean", "sum"] = "mean", *, weight: Operands | None = None) -> Value: ...
@overload
def bce(probabilities: Operands, targets: Operands, reduction: Literal["none"], *, weight: Operands | None = None) -> list[Value]: ...

@overload
def bce_with_logits(logits: Numbers, targets: Numbers, reduction: Literal["mean", "sum"] = "mean", *, weight: Numbers | None = None, pos_weight: Numbers | None = None) -> float:  # type: ignore[overload-overlap]
    """`bce` of sigmoid(logits), as t softplus(-z) + (1 - t) softplus(z): never infinite.

    weight       as for `bce`
    pos_weight   p, how much more a positive target counts: p t softplus(-z) + (1 - t) softplus(z).  Given in
                 the same forms; negatives / positives evens out classes of different size

    >>> bce_with_logits(40.0, 1)
    4.248354255291589e-18
    >>> round(bce_with_logits([0.0, 0.0], [1, 0], pos_weight=3.0), 4)           # (3 + 1) · log 2 / 2
    1.3863
    """
@overload
def bce_with_logits(logits: Numbers, targets: Numbers, reduction: Literal["none"], *, weight: Numbers | None = None, pos_weight: Numbers | None = None) -> list[float]: ...  # type: ignore[overload-overlap]
@overload
def bce_with_logits(logits: Operands, targets: Operands, reduction: Literal["mean", "sum"] = "mean", *, weight: Operands | None = None, pos_weight: Operands | None = None) -> Value: ...
@overload
def bce_with_logits(logits: Operands, targets: Operands, reduction: Literal["none"], *, weight: Operands | None = None, pos_weight: Operands | None = None) -> list[Value]: ...

@overload
def brier(probabilities: Numbers, targets: Numbers, reduction: Literal["mean", "sum"] = "mean") -> float:  # type: ignore[overload-overlap]
    """Σ (pₖ - oₖ)² over the classes, o the one-hot truth.  Brier, 1950.

    >>> round(brier([0.7, 0.2, 0.1], 0), 10)
    0.14
    """
@overload
def brier(probabilities: Numbers, targets: Numbers, reduction: Literal["none"]) -> list[float]: ...  # type: ignore[overload-overlap]
@overload
def brier(probabilities: Operands, targets: Operands, reduction: Literal["mean", "sum"] = "mean") -> Value: ...
@overload
def brier(probabilities: Operands, targets: Operands, reduction: Literal["none"]) -> list[Value]: ...

@overload
def cross_entropy(logits: Numbers, targets: Numbers, reduction: Literal["mean", "sum"] = "mean", *, weight: Numbers | None = None, ignore_index: int | None = None, label_smoothing: float = 0) -> float:  # type: ignore[overload-overlap]
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
@overload
def cross_entropy(logits: Numbers, targets: Numbers, reduction: Literal["none"], *, weight: Numbers | None = None, ignore_index: int | None = None, label_smoothing: float = 0) -> list[float]: ...  # type: ignore[overload-overlap]
@overload
def cross_entropy(logits: Operands, targets: Operands, reduction: Literal["mean", "sum"] = "mean", *, weight: Operands | None = None, ignore_index: int | None = None, label_smoothing: float = 0) -> Value: ...
@overload
def cross_entropy(logits: Operands, targets: Operands, reduction: Literal["none"], *, weight: Operands | None = None, ignore_index: int | None = None, label_smoothing: float = 0) -> list[Value]: ...

@overload
def half_squared_error(predictions: Numbers, targets: Numbers, reduction: Literal["mean", "sum"] = "sum") -> float:  # type: ignore[overload-overlap]
    """½ Σ (pᵢ - tᵢ)², whose gradient is p - t without a factor; with reduction="mean" it is half of `mse`.

    >>> half_squared_error([10.0, 4.0], [7.0, 5.0]), half_squared_error([10.0, 4.0], [7.0, 5.0], "none")
    (5.0, [4.5, 0.5])
    """
@overload
def half_squared_error(predictions: Numbers, targets: Numbers, reduction: Literal["none"]) -> list[float]: ...  # type: ignore[overload-overlap]
@overload
def half_squared_error(predictions: Operands, targets: Operands, reduction: Literal["mean", "sum"] = "sum") -> Value: ...
@overload
def half_squared_error(predictions: Operands, targets: Operands, reduction: Literal["none"]) -> list[Value]: ...

@overload
def hinge(scores: Numbers, targets: Numbers, reduction: Literal["mean", "sum"] = "mean") -> float:  # type: ignore[overload-overlap]
    """max(0, 1 - t · s) for targets -1 or 1: no loss once a score is on the right side by 1.

    >>> hinge([2.0, 0.5, -1.0], [1, 1, 1], reduction="none")
    [0.0, 0.5, 2.0]
    """
@overload
def hinge(scores: Numbers, targets: Numbers, reduction: Literal["none"]) -> list[float]: ...  # type: ignore[overload-overlap]
@overload
def hinge(scores: Operands, targets: Operands, reduction: Literal["mean", "sum"] = "mean") -> Value: ...
@overload
def hinge(scores: Operands, targets: Operands, reduction: Literal["none"]) -> list[Value]: ...

@overload
def huber(predictions: Numbers, targets: Numbers, delta: float = 1, reduction: Literal["mean", "sum"] = "mean") -> float:  # type: ignore[overload-overlap]
    """½ e² for errors up to delta, delta (|e| - ½ delta) beyond: squared near 0, absolute far out.  Huber, 1964.

    >>> huber([0.5, 3.0], [0.0, 0.0], reduction="none")
    [0.125, 2.5]
    """
@overload
def huber(predictions: Numbers, targets: Numbers, delta: float = 1, *, reduction: Literal["none"]) -> list[float]: ...  # type: ignore[overload-overlap]
@overload
def huber(predictions: Operands, targets: Operands, delta: float = 1, reduction: Literal["mean", "sum"] = "mean") -> Value: ...
@overload
def huber(predictions: Operands, targets: Operands, delta: float = 1, *, reduction: Literal["none"]) -> list[Value]: ...

@overload
def kl_divergence(p: Numbers, q: Numbers, reduction: Literal["mean", "sum"] = "mean") -> float:  # type: ignore[overload-overlap]
    """Σ pᵢ log(pᵢ / qᵢ): how many nats more it takes to describe p by q.  No distance: it is not symmetric.

    0 log 0 counts as 0, also where a pᵢ of 0 takes gradients: its slope, which is -∞ from the right, is left
    out.  So an exp that underflows in a softmax does no harm.  For a one-hot p it is the cross entropy -log q[true].
    As `loss` of `fit`, p are the predictions and q the targets.

    The mean is over the examples, the rows: that of PyTorch's reduction="batchmean".  What PyTorch calls "mean"
    divides by the number of classes as well.  `torch.nn.functional.kl_div(q.log(), p)` has q first.

    >>> round(kl_divergence([1.0, 0.0, 0.0], [0.7, 0.2, 0.1]), 6)
    0.356675
    """
@overload
def kl_divergence(p: Numbers, q: Numbers, reduction: Literal["none"]) -> list[float]: ...  # type: ignore[overload-overlap]
@overload
def kl_divergence(p: Operands, q: Operands, reduction: Literal["mean", "sum"] = "mean") -> Value: ...
@overload
def kl_divergence(p: Operands, q: Operands, reduction: Literal["none"]) -> list[Value]: ...

@overload
def mae(predictions: Numbers, targets: Numbers, reduction: Literal["mean", "sum"] = "mean") -> float:  # type: ignore[overload-overlap]
    """Mean absolute error, (1/n) Σ |pᵢ - tᵢ|.

    >>> mae([10.0, 4.0], [7.0, 5.0])
    2.0
    """
@overload
def mae(predictions: Numbers, targets: Numbers, reduction: Literal["none"]) -> list[float]: ...  # type: ignore[overload-overlap]
@overload
def mae(predictions: Operands, targets: Operands, reduction: Literal["mean", "sum"] = "mean") -> Value: ...
@overload
def mae(predictions: Operands, targets: Operands, reduction: Literal["none"]) -> list[Value]: ...

@overload
def margin_ranking(first: Numbers, second: Numbers, targets: Numbers, margin: float = 0, reduction: Literal["mean", "sum"] = "mean") -> float:  # type: ignore[overload-overlap]
    """max(0, margin - t · (a - b)): of two scores the first is to be the larger by a margin, or for t = -1 the second.

    In `fit`, the model answers with both scores:
    `loss=lambda pairs, targets: tg.margin_ranking([a for a, _ in pairs], [b for _, b in pairs], targets)`

    >>> margin_ranking([2.0, 0.5], [1.0, 1.0], [1, 1], margin=0.25, reduction="none")
    [0.0, 0.75]
    """
@overload
def margin_ranking(first: Numbers, second: Numbers, targets: Numbers, margin: float = 0, *, reduction: Literal["none"]) -> list[float]: ...  # type: ignore[overload-overlap]
@overload
def margin_ranking(first: Operands, second: Operands, targets: Operands, margin: float = 0, reduction: Literal["mean", "sum"] = "mean") -> Value: ...
@overload
def margin_ranking(first: Operands, second: Operands, targets: Operands, margin: float = 0, *, reduction: Literal["none"]) -> list[Value]: ...

@overload
def mse(predictions: Numbers, targets: Numbers, reduction: Literal["mean", "sum"] = "mean") -> float:  # type: ignore[overload-overlap]
    """Mean squared error, (1/n) Σ (pᵢ - tᵢ)², over all numbers of the batch.

    The lectures have three: this mean, the plain sum (`sum_squared_error`) and the half
    (`half_squared_error`).  The mean is the default of `fit`, since its gradient does not grow
    with the batch.

    >>> mse([10.0, 4.0], [7.0, 5.0])
    5.0
    """
@overload
def mse(predictions: Numbers, targets: Numbers, reduction: Literal["none"]) -> list[float]: ...  # type: ignore[overload-overlap]
@overload
def mse(predictions: Operands, targets: Operands, reduction: Literal["mean", "sum"] = "mean") -> Value: ...
@overload
def mse(predictions: Operands, targets: Operands, reduction: Literal["none"]) -> list[Value]: ...

@overload
def nll(log_probabilities: Numbers, targets: Numbers, reduction: Literal["mean", "sum"] = "mean", *, weight: Numbers | None = None, ignore_index: int | None = None) -> float:  # type: ignore[overload-overlap]
    """-log p[target] of logarithms of probabilities, such as `log_softmax` gives.

    weight, ignore_index   as for `cross_entropy`

    >>> nll([-0.5, -1.5], 1)
    1.5
    """
@overload
def nll(log_probabilities: Numbers, targets: Numbers, reduction: Literal["none"], *, weight: Numbers | None = None, ignore_index: int | None = None) -> list[float]: ...  # type: ignore[overload-overlap]
@overload
def nll(log_probabilities: Operands, targets: Operands, reduction: Literal["mean", "sum"] = "mean", *, weight: Operands | None = None, ignore_index: int | None = None) -> Value: ...
@overload
def nll(log_probabilities: Operands, targets: Operands, reduction: Literal["none"], *, weight: Operands | None = None, ignore_index: int | None = None) -> list[Value]: ...

@overload
def smooth_l1(predictions: Numbers, targets: Numbers, beta: float = 1, reduction: Literal["mean", "sum"] = "mean") -> float:  # type: ignore[overload-overlap]
    """½ e² / beta for errors up to beta, |e| - ½ beta beyond: `mae` with its corner rounded.  Girshick, 2015.

    It is `huber` with delta = beta, divided by beta, as in PyTorch; with beta 0 it is `mae`.

    >>> smooth_l1([0.5, 3.0], [0.0, 0.0], beta=2.0, reduction="none")
    [0.0625, 2.0]
    """
@overload
def smooth_l1(predictions: Numbers, targets: Numbers, beta: float = 1, *, reduction: Literal["none"]) -> list[float]: ...  # type: ignore[overload-overlap]
@overload
def smooth_l1(predictions: Operands, targets: Operands, beta: float = 1, reduction: Literal["mean", "sum"] = "mean") -> Value: ...
@overload
def smooth_l1(predictions: Operands, targets: Operands, beta: float = 1, *, reduction: Literal["none"]) -> list[Value]: ...

@overload
def sum_squared_error(predictions: Numbers, targets: Numbers, reduction: Literal["mean", "sum"] = "sum") -> float:  # type: ignore[overload-overlap]
    """Σ (pᵢ - tᵢ)², the squared distance; with reduction="mean" it is `mse`.

    >>> sum_squared_error([10.0, 4.0], [7.0, 5.0])
    10.0
    """
@overload
def sum_squared_error(predictions: Numbers, targets: Numbers, reduction: Literal["none"]) -> list[float]: ...  # type: ignore[overload-overlap]
@overload
def sum_squared_error(predictions: Operands, targets: Operands, reduction: Literal["mean", "sum"] = "sum") -> Value: ...
@overload
def sum_squared_error(predictions: Operands, targets: Operands, reduction: Literal["none"]) -> list[Value]: ...

__all__ = ['bce', 'bce_with_logits', 'brier', 'cross_entropy', 'half_squared_error', 'hinge', 'huber', 'kl_divergence', 'log_softmax', 'mae', 'margin_ranking', 'mse', 'nll', 'smooth_l1', 'sum_squared_error']
