"""Functions that record several nodes: each draws as the small graph it is."""

from collections.abc import Iterable
from typing import Any

from . import ops
from .arrays import is_value


def softmax(logits: Iterable[Any]) -> list[Any]:
    """exp(xᵢ) / Σ exp(xⱼ), each as one node (see `softmax_at`); no logit is too large.

    >>> softmax([1000.0, 0.0, -1000.0])
    [1.0, 0.0, 0.0]
    """
    return for_each_index(ops.softmax_at, logits)


def log_softmax(logits: Iterable[Any]) -> list[Any]:
    """log(softmax(x)), each as one node (see `log_softmax_at`).

    >>> log_softmax([40.0, 0.0])
    [-4.248354255291589e-18, -40.0]
    """
    return for_each_index(ops.log_softmax_at, logits)


def for_each_index(op: Any, logits: Iterable[Any]) -> list[Any]:
    """What an op of a row with an index gives for each index."""
    logits = list(logits)
    if not logits:
        raise ValueError("softmax of an empty row: give at least one logit")
    record = next((type(x).record_each for x in logits if is_value(x)), None)
    try:
        if record:
            return record(op, logits)
    except TypeError:                                   # which is said by name below
        pass
    return [op(logits, index=i) for i in range(len(logits))]


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
