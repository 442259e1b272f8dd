"""Written by tests/stubs.py.  Do not change it: say `python tests/stubs.py --write`."""

from collections.abc import Iterable
from typing import overload

from .kinds import Array, Arrays, Number, Numbers, Operand, Operands
from .value import Value

@overload
def softmax(logits: Iterable[Number]) -> list[float]:  # type: ignore[overload-overlap]
    """exp(xᵢ) / Σ exp(xⱼ), each as one node (see `softmax_at`); no logit is too large.

    >>> softmax([1000.0, 0.0, -1000.0])
    [1.0, 0.0, 0.0]
    """
@overload
def softmax(logits: Iterable[Operand]) -> list[Value]: ...

@overload
def log_softmax(logits: Iterable[Number]) -> list[float]:  # type: ignore[overload-overlap]
    """log(softmax(x)), each as one node (see `log_softmax_at`).

    >>> log_softmax([40.0, 0.0])
    [-4.248354255291589e-18, -40.0]
    """
@overload
def log_softmax(logits: Iterable[Operand]) -> list[Value]: ...

@overload
def softmin(costs: Iterable[Number]) -> list[float]:  # type: ignore[overload-overlap]
    """softmax(-x): the smallest number gets the largest share.

    >>> softmin([0.0, 1000.0])
    [1.0, 0.0]
    """
@overload
def softmin(costs: Iterable[Operand]) -> list[Value]: ...

@overload
def cumsum(row: Iterable[Number]) -> list[float]:  # type: ignore[overload-overlap]
    """The running sums of a row: x₁, x₁ + x₂, x₁ + x₂ + x₃, ...

    >>> cumsum([1.0, 2.0, 4.0])
    [1.0, 3.0, 7.0]
    """
@overload
def cumsum(row: Iterable[Operand]) -> list[Value]: ...

@overload
def var(row: Iterable[Number], ddof: int = 0) -> float:  # type: ignore[overload-overlap]
    """The variance of a row: Σ(xᵢ - mean)² / (n - ddof).

    ddof   0 for all there is, as in NumPy; 1 for a sample of more, which is PyTorch's default

    >>> var([1.0, 2.0, 3.0]), var([1.0, 2.0, 3.0], ddof=1)
    (0.6666666666666666, 1.0)
    """
@overload
def var(row: Iterable[Operand], ddof: int = 0) -> Value: ...

@overload
def std(row: Iterable[Number], ddof: int = 0) -> float:  # type: ignore[overload-overlap]
    """The standard deviation of a row: √var.  Where it is exactly 0, so are its gradients.

    ddof   as for `var`

    >>> std([1.0, 5.0])
    2.0
    """
@overload
def std(row: Iterable[Operand], ddof: int = 0) -> Value: ...

@overload
def maxout(inputs: Iterable[Number], weights: Iterable[Iterable[Number]], biases: Iterable[Number]) -> float:  # type: ignore[overload-overlap]
    """max over k of wₖ · x + bₖ: a unit that learns its own activation.  Goodfellow and others, 2013.

    weights   one row of weights per piece, each as long as `inputs`
    biases    one number per piece

    >>> maxout([2.0], [[1.0], [-1.0]], [0.0, 0.0])      # |x|
    2.0
    """
@overload
def maxout(inputs: Iterable[Operand], weights: Iterable[Iterable[Operand]], biases: Iterable[Operand]) -> Value: ...

@overload
def scaled_relu(x: Number, scale: Number = 5) -> float:
    """scale * relu(x): the "5ReLU" of the lecture, whose slope above 0 is 5.

    >>> scaled_relu(3.0), scaled_relu(-2.0)
    (15.0, 0.0)
    """
@overload
def scaled_relu(x: Value, scale: Number = 5) -> Value: ...
@overload
def scaled_relu(x: Array, scale: Number = 5) -> Arrays: ...

@overload
def selu(x: Number) -> float:
    """1.0507 x above 0, 1.7581 (exp(x) - 1) below: it keeps the mean 0 and the variance 1.  Klambauer and others, 2017.

    >>> selu(1.0)
    1.0507009873554805
    """
@overload
def selu(x: Value) -> Value: ...
@overload
def selu(x: Array) -> Arrays: ...

@overload
def mish(x: Number) -> float:
    """x tanh(softplus(x)), a smooth relu that dips below 0.  Misra, 2019.

    >>> mish(0.0)
    0.0
    """
@overload
def mish(x: Value) -> Value: ...
@overload
def mish(x: Array) -> Arrays: ...
