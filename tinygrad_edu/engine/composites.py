"""Functions that record several nodes: each draws as the small graph it is."""

from collections.abc import Callable, Iterable
from functools import wraps
from itertools import accumulate
from typing import Any, ParamSpec, TypeVar

from . import more_ops, ops
from .arguments import checked_row, refuse_axis
from .arrays import is_value
from .number import checked_whole, number

SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772         # of the paper, where mean and variance stay

P = ParamSpec("P")
Answer = TypeVar("Answer")


def of_row(function: Callable[P, Answer]) -> Callable[P, Answer]:
    """A function of one row, which refuses an axis by its own name."""
    @wraps(function)
    def checked(*inputs: P.args, **named: P.kwargs) -> Answer:
        refuse_axis(function.__name__, named)
        return function(*inputs, **named)
    return checked


@of_row
def softmax(logits: Iterable[Any]) -> list[Any]:
    """exp(xᵢ) / Σ exp(xⱼ), each as one node (see `softmax_at`); no logit is too large.

    >>> softmax([1000.0, 0.0, -1000.0])
    [1.0, 0.0, 0.0]
    """
    return for_each_index(more_ops.softmax_at, checked_row(logits, "softmax"))


@of_row
def log_softmax(logits: Iterable[Any]) -> list[Any]:
    """log(softmax(x)), each as one node (see `log_softmax_at`).

    >>> log_softmax([40.0, 0.0])
    [-4.248354255291589e-18, -40.0]
    """
    return for_each_index(more_ops.log_softmax_at, checked_row(logits, "log_softmax"))


def for_each_index(op: Any, logits: list[Any]) -> list[Any]:
    """What an op of a row with an index gives for each index."""
    if not logits:
        raise ValueError("softmax of an empty row: give at least one logit")
    record = next((type(x).record_each for x in logits if is_value(x)), None)
    try:
        if record:
            return record(op, logits)
    except TypeError:                                   # which is said by name below
        pass
    return [op(logits, index=i) for i in range(len(logits))]


@of_row
def softmin(costs: Iterable[Any]) -> list[Any]:
    """softmax(-x): the smallest number gets the largest share.

    >>> softmin([0.0, 1000.0])
    [1.0, 0.0]
    """
    return softmax([ops.neg(x) for x in checked_row(costs, "softmin")])


@of_row
def cumsum(row: Iterable[Any]) -> list[Any]:
    """The running sums of a row: x₁, x₁ + x₂, x₁ + x₂ + x₃, ...

    >>> cumsum([1.0, 2.0, 4.0])
    [1.0, 3.0, 7.0]
    """
    return list(accumulate([x if is_value(x) else number(x) for x in checked_row(row, "cumsum")], ops.add))


def deviations(row: list[Any], ddof: int) -> list[Any]:
    """What each number of a row has beyond their mean; a ValueError where too few are left to divide by."""
    if len(row) <= checked_whole("ddof", ddof, least=0):
        raise ValueError(f"a row of {len(row)} with ddof={ddof} leaves nothing to divide by: give more numbers")
    mean = ops.mean(row)
    return [ops.sub(x, mean) for x in row]


@of_row
def var(row: Iterable[Any], ddof: int = 0) -> Any:
    """The variance of a row: Σ(xᵢ - mean)² / (n - ddof).

    ddof   0 for all there is, as in NumPy; 1 for a sample of more, which is PyTorch's default

    >>> var([1.0, 2.0, 3.0]), var([1.0, 2.0, 3.0], ddof=1)
    (0.6666666666666666, 1.0)
    """
    apart = deviations(checked_row(row, "var"), ddof)
    return ops.div(ops.dot(apart, apart), len(apart) - ddof)


@of_row
def std(row: Iterable[Any], ddof: int = 0) -> Any:
    """The standard deviation of a row: √var.  Where it is exactly 0, so are its gradients.

    ddof   as for `var`

    >>> std([1.0, 5.0])
    2.0
    """
    apart = deviations(checked_row(row, "std"), ddof)
    return ops.div(more_ops.norm(apart), ops.sqrt(float(len(apart) - ddof)))


def maxout(inputs: Iterable[Any], weights: Iterable[Iterable[Any]], biases: Iterable[Any]) -> Any:
    """max over k of wₖ · x + bₖ: a unit that learns its own activation.  Goodfellow and others, 2013.

    weights   one row of weights per piece, each as long as `inputs`
    biases    one number per piece

    >>> maxout([2.0], [[1.0], [-1.0]], [0.0, 0.0])      # |x|
    2.0
    """
    inputs, weights, biases = list(inputs), list(weights), list(biases)
    if len(weights) != len(biases):
        raise ValueError(f"maxout has {len(weights)} rows of weights but {len(biases)} biases")
    return ops.max([ops.add(ops.dot(row, inputs), bias) for row, bias in zip(weights, biases)])


def scaled_relu(x: Any, scale: float = 5.0) -> Any:
    """scale * relu(x): the "5ReLU" of the lecture, whose slope above 0 is 5.

    >>> scaled_relu(3.0), scaled_relu(-2.0)
    (15.0, 0.0)
    """
    return ops.mul(scale, ops.relu(x))


def selu(x: Any) -> Any:
    """1.0507 x above 0, 1.7581 (exp(x) - 1) below: it keeps the mean 0 and the variance 1.  Klambauer and others, 2017.

    >>> selu(1.0)
    1.0507009873554805
    """
    return ops.mul(SELU_SCALE, ops.elu(x, alpha=SELU_ALPHA))


def mish(x: Any) -> Any:
    """x tanh(softplus(x)), a smooth relu that dips below 0.  Misra, 2019.

    >>> mish(0.0)
    0.0
    """
    return ops.mul(x, ops.tanh(ops.softplus(x)))
