"""The homework's matrix layers, with backward passes written by hand in NumPy.

One example per row: x is (n, in), W is (in, out), b is (1, out), and a layer computes x W + b.
`check_transform` compares the backward pass of any such layer, a student's own too, with the
scalar engine, number by number.
"""

import math
from typing import Any

try:
    import numpy as np
except ModuleNotFoundError:
    raise ModuleNotFoundError("matrix layers need numpy: pip install numpy") from None

from ..check.layers import check_transform
from ..check.report import Finding, GradientCheck
from ..engine.arrays import is_value
from ..engine.errors import GradientError
from ..engine.number import checked_whole, number, short_repr
from .checks import FRACTION, NOT_NEGATIVE, by_name, checked_number, listed

# ---- what is asked of arguments -------------------------------------------------------------------


def array_of(name: str, x: Any) -> np.ndarray:
    """x as an array of floats; an array that holds Values stays as it is."""
    try:
        array = np.asarray(x)
    except ValueError:
        raise ValueError(f"{name} is an array of numbers, with rows of one length: got {short_repr(x)}") from None
    if array.dtype.kind not in "biufO":
        raise TypeError(f"{name} is an array of numbers: got {short_repr(x)}")
    if array.dtype != object:
        return array.astype(float)
    for element in array.flat:
        if not is_value(element):
            number(element)
    return array


def generator_from(rng: Any) -> np.random.Generator:
    """The generator that is given, or a new one: of the given seed, or without one different in every run."""
    if isinstance(rng, np.random.Generator):
        return rng
    return np.random.default_rng(None if rng is None else checked_whole("rng, if not a numpy Generator,", rng, least=0))


def shaped(name: str, x: Any, shape: tuple[int, ...]) -> np.ndarray:
    """x as an array of exactly this shape: nothing is broadcast."""
    array = array_of(name, x)
    if array.shape != shape:
        raise ValueError(f"{name} has shape {shape}: got {array.shape}")
    return array


def rows_of(name: str, x: Any, columns: int | None = None) -> np.ndarray:
    """x as a matrix of one or more rows, one example each, with so many columns."""
    array = array_of(name, x)
    if array.ndim != 2 or 0 in array.shape or columns not in (None, array.shape[1]):
        raise ValueError(f"{name} has shape (n, {columns or 'classes'}), one example per row: got {array.shape}")
    return array


def kept(what: Any, layer: Any) -> Any:
    """What forward left for backward."""
    if what is None:
        raise RuntimeError(f"{type(layer).__name__}: call forward before backward")
    return what


# ---- the layers -------------------------------------------------------------------------------------


class Transform:
    """A layer: forward takes x and gives the output, backward takes dL/d(output) and gives dL/dx.

    backward also adds to the gradients of the layer's own parameters, dW and db; step moves the
    parameters against them; zerograd sets them back to 0, usually before each backward.
    Write a subclass, and let `check_transform` say whether its backward is right.

    Source: document 000, the class Transform of the homework.

    >>> class Double(Transform):
    ...     def forward(self, x):
    ...         return 2 * x
    ...     def backward(self, grad_wrt_out):
    ...         return 2 * grad_wrt_out
    >>> bool(check_transform(Double(), [[1.0, -3.0]]))
    True
    """

    def forward(self, x: Any) -> Any:
        """The layer's output for x."""
        raise NotImplementedError(f"{type(self).__name__} has no forward(x)")

    def backward(self, grad_wrt_out: Any) -> Any:
        """dL/dx, from dL/d(output) of the last forward."""
        raise NotImplementedError(f"{type(self).__name__} has no backward(grad_wrt_out)")

    def step(self) -> None:
        """Move the parameters one step downhill; a layer without parameters has nothing to do."""

    def zerograd(self) -> None:
        """Forget the parameters' gradients; a layer without parameters has nothing to do."""


class LinearMap(Transform):
    """out = x W + b, with x (n, indim), W (indim, outdim), b (1, outdim), out (n, outdim).

    alpha   momentum, 0 for none        lr   learning rate
    rng     a seed or a numpy Generator, for W

    backward, with g = dL/d(out):  dW += xᵀ g,  db += the sum of g's rows,  dL/dx = g Wᵀ.
    step, with the lecture's momentum:  G ← αG + dW,  W ← W − lr·G, and b likewise.

    W starts uniform within ±√(6/(indim + outdim)) (Glorot and Bengio, 2010), b at 0; the lecture
    leaves both open.  Document 003 prints b as outdim × 1: NumPy would broadcast x W + b to an
    outdim × outdim matrix without a word, so here any shape but (1, outdim) is refused.
    Documents 002 and 004 write W x + b with columns: their W is the transpose of this one.

    Raises ValueError for a wrong shape, size, alpha or lr.  Source: document 000.

    >>> layer = LinearMap(2, 1, lr=0.5)
    >>> layer.loadparams([[1.0], [-1.0]], [[0.5]])
    >>> layer.forward([[3.0, 1.0]]).tolist()
    [[2.5]]
    >>> layer.backward([[2.0]]).tolist(), layer.dW.tolist(), layer.db.tolist()
    ([[2.0, -2.0]], [[6.0], [2.0]], [[2.0]])
    >>> layer.step()
    >>> layer.getW().tolist(), layer.getb().tolist()
    ([[-2.0], [-2.0]], [[-0.5]])
    """

    W: np.ndarray
    b: np.ndarray
    dW: np.ndarray                  # the gradients, summed since zerograd
    db: np.ndarray
    GW: np.ndarray                  # the momentum: the lecture's G, for W and for b
    Gb: np.ndarray

    def __init__(self, indim: int, outdim: int, alpha: float = 0, lr: float = 0.01, rng: Any = None):
        self.indim, self.outdim = checked_whole("indim", indim), checked_whole("outdim", outdim)
        self.alpha, self.lr = checked_number("alpha", alpha, FRACTION), checked_number("lr", lr, NOT_NEGATIVE)
        bound = math.sqrt(6 / (self.indim + self.outdim))
        self.x: Any = None
        self.loadparams(generator_from(rng).uniform(-bound, bound, (self.indim, self.outdim)),
                        np.zeros((1, self.outdim)))

    def forward(self, x: Any) -> np.ndarray:
        """x W + b, for x of shape (n, indim)."""
        self.x = rows_of("x", x, self.indim)
        return self.x @ self.W + self.b

    def backward(self, grad_wrt_out: Any) -> np.ndarray:
        """dL/dx = g Wᵀ, of shape (n, indim); xᵀ g is added to dW, the sum of g's rows to db."""
        x = kept(self.x, self)
        grad_wrt_out = shaped("grad_wrt_out", grad_wrt_out, (len(x), self.outdim))
        self.dW += x.T @ grad_wrt_out
        self.db += grad_wrt_out.sum(axis=0, keepdims=True)
        return grad_wrt_out @ self.W.T

    def step(self) -> None:
        """G ← αG + dW,  W ← W − lr·G;  the same for b.  Raises GradientError, and moves nothing, at inf or nan."""
        if not (np.isfinite(self.dW).all() and np.isfinite(self.db).all()):
            raise GradientError("the gradient of W or b holds inf or nan; nothing was changed")
        self.GW = self.alpha * self.GW + self.dW
        self.Gb = self.alpha * self.Gb + self.db
        self.W -= self.lr * self.GW
        self.b -= self.lr * self.Gb

    def zerograd(self) -> None:
        """Set dW and db to 0; without it, the next backward adds to what is there."""
        self.dW, self.db = np.zeros_like(self.W), np.zeros_like(self.b)

    def getW(self) -> np.ndarray:
        """A copy of the weights, (indim, outdim)."""
        return self.W.copy()

    def getb(self) -> np.ndarray:
        """A copy of the biases, (1, outdim)."""
        return self.b.copy()

    def loadparams(self, W: Any, b: Any) -> None:
        """Start anew from these weights and biases: gradients and momentum are 0 again."""
        W, b = self.fitting(W, b)
        self.W, self.b = W.astype(float), b.astype(float)
        self.zerograd()
        self.GW, self.Gb = np.zeros_like(self.W), np.zeros_like(self.b)

    def fitting(self, W: Any, b: Any) -> tuple[np.ndarray, np.ndarray]:
        """W and b as arrays, if their shapes are this layer's."""
        return shaped("W", W, (self.indim, self.outdim)), shaped("b", b, (1, self.outdim))


class ReLU(Transform):
    """out = max(x, 0), times a dropout mask; x of any shape.

    dropout_probability   p, with which a unit is DROPPED
    inverted              scale while training instead of at test time
    rng                   a seed or a numpy Generator, for the masks

    The lecture's convention: in training each unit is multiplied by 0 with probability p and by 1
    otherwise; at test time, forward(x, train=False), every unit is multiplied by 1 − p, its mean.
    Inverted dropout multiplies by 0 or 1/(1 − p) in training and by 1 at test time.  Either keeps
    the mean of what is linear in the units; mixing the two does not.

    backward: dL/dx = g · [x > 0] · mask, with the mask of the last forward.  At x = 0 it is 0.

    Raises ValueError unless 0 ≤ p < 1.  Source: document 000, ReLU (with dropout).

    >>> layer = ReLU(dropout_probability=0.25)
    >>> layer.forward([[4.0, -2.0]], train=False).tolist(), layer.backward([[1.0, 1.0]]).tolist()
    ([[3.0, 0.0]], [[0.75, 0.0]])
    """

    def __init__(self, dropout_probability: float = 0, inverted: bool = False, rng: Any = None):
        self.dropout_probability = checked_number("dropout_probability", dropout_probability, FRACTION)
        self.inverted = inverted
        self.rng = generator_from(rng)
        self.positive: Any = None
        self.mask: Any = None

    def forward(self, x: Any, train: bool = True) -> np.ndarray:
        """max(x, 0) · mask, of the shape of x."""
        x = array_of("x", x)
        self.positive = x > 0
        self.mask = self.draw_mask(x.shape) if train else np.full(x.shape, self.mean_mask())
        return np.where(x <= 0, 0.0, x) * self.mask

    def draw_mask(self, shape: tuple[int, ...]) -> np.ndarray:
        """0 where a unit is dropped, 1 where it stays (inverted: 1/(1 − p))."""
        stays = self.rng.random(shape) >= self.dropout_probability
        return stays / (1 - self.dropout_probability) if self.inverted else stays.astype(float)

    def mean_mask(self) -> float:
        """What a unit is multiplied by at test time: the mean of its mask in training."""
        return 1.0 if self.inverted else 1 - self.dropout_probability

    def backward(self, grad_wrt_out: Any) -> np.ndarray:
        """dL/dx = g · [x > 0] · mask, of the shape of x."""
        positive = kept(self.positive, self)
        return shaped("grad_wrt_out", grad_wrt_out, positive.shape) * (positive * self.mask)


class SoftmaxCrossEntropyLoss:
    """The loss −Σ y·log softmax(logits), for logits and one-hot labels y of shape (n, classes).

    reduction   "mean" over the n examples, or "sum": the lecture leaves open which is meant

    backward: dL/d(logits) = (p − y)/n, with p = softmax(logits); p − y for "sum".
    Each row's largest logit is subtracted first: softmax does not change when every logit moves by
    the same amount, and exp(1000) does not fit in a float.

    Raises ValueError for other shapes, or a row of labels that is not one-hot.  Source: document 000.

    >>> loss = SoftmaxCrossEntropyLoss()
    >>> round(loss.forward([[0.0, 0.0], [0.0, 0.0]], [[1, 0], [0, 1]]), 4)     # log 2: no idea
    0.6931
    >>> loss.backward().tolist(), loss.getAccu()
    ([[-0.25, 0.25], [0.25, -0.25]], 0.5)
    """

    def __init__(self, reduction: str = "mean"):
        self.reduction = by_name("reduction", reduction, {"mean": "mean", "sum": "sum"})
        self.labels: Any = None
        self.probabilities: Any = None

    def forward(self, logits: Any, labels: Any) -> Any:
        """The loss, a float."""
        logits = rows_of("logits", logits)
        self.labels = one_hot_rows(labels, logits.shape)
        shifted = logits - logits.max(axis=1, keepdims=True)
        exponentials = np.exp(shifted)
        totals = exponentials.sum(axis=1, keepdims=True)
        self.probabilities = exponentials / totals
        loss = (self.labels * (np.log(totals) - shifted)).sum() / self.divisor()
        return loss if logits.dtype == object else float(loss)

    def backward(self) -> np.ndarray:
        """dL/d(logits) = (p − y)/n, or p − y for a sum; of shape (n, classes)."""
        return (kept(self.probabilities, self) - self.labels) / self.divisor()

    def divisor(self) -> int:
        """The number of examples for a mean, 1 for a sum."""
        return len(self.labels) if self.reduction == "mean" else 1

    def getAccu(self) -> float:
        """The share of examples whose largest logit is that of their label; the first of equals counts."""
        guesses = kept(self.probabilities, self).argmax(axis=1)
        return float(np.mean(guesses == self.labels.argmax(axis=1)))


def one_hot_rows(labels: Any, shape: tuple[int, ...]) -> np.ndarray:
    """labels as an array of this shape, each row a single 1 among 0s."""
    labels = shaped("labels", labels, shape)
    for i, row in enumerate(labels):
        if sorted(row) != [0.0] * (len(row) - 1) + [1.0]:
            raise ValueError(f"labels are one-hot, a single 1 among 0s: row {i} is {row.tolist()}")
    return labels


# ---- networks -----------------------------------------------------------------------------------------


class Chain(Transform):
    """Layers one after the other; backward goes through them from the last to the first.

    >>> chain = Chain([LinearMap(4, 2), ReLU(), LinearMap(2, 1)])
    >>> chain.forward(np.ones((5, 4))).shape, [W.shape for W in chain.getW()]
    ((5, 1), [(4, 2), (2, 1)])
    """

    def __init__(self, layers: list[Transform]):
        self.layers = listed("layers", layers)
        for i, layer in enumerate(self.layers):
            if not callable(getattr(layer, "forward", None)):
                raise TypeError(f"layer {i} has no forward(x): got {short_repr(layer)}")

    def forward(self, x: Any, train: bool = True) -> Any:
        """The last layer's output; train=False for dropout at test time."""
        for layer in self.layers:
            x = layer.forward(x, train) if isinstance(layer, (ReLU, Chain)) else layer.forward(x)
        return x

    def backward(self, grad_wrt_out: Any) -> Any:
        """dL/dx; the gradients of all parameters are added to on the way."""
        for layer in reversed(self.layers):
            grad_wrt_out = layer.backward(grad_wrt_out)
        return grad_wrt_out

    def step(self) -> None:
        """One step of every layer."""
        for layer in self.layers:
            layer.step()

    def zerograd(self) -> None:
        """Set the gradients of every layer to 0."""
        for layer in self.layers:
            layer.zerograd()

    def linear_maps(self) -> list[LinearMap]:
        """The layers that have weights, in order."""
        return [layer for layer in self.layers if isinstance(layer, LinearMap)]

    def getW(self) -> list[np.ndarray]:
        """Copies of the weights, one matrix per LinearMap, in order."""
        return [layer.getW() for layer in self.linear_maps()]

    def getb(self) -> list[np.ndarray]:
        """Copies of the biases, one row per LinearMap, in order."""
        return [layer.getb() for layer in self.linear_maps()]

    def loadparams(self, W: Any, b: Any) -> None:
        """Start anew from lists of weights and biases, one of each per LinearMap; all are loaded or none."""
        maps = self.linear_maps()
        if not len(W) == len(b) == len(maps):
            raise ValueError(f"{len(maps)} matrices W and as many rows b are needed: got {len(W)} and {len(b)}")
        fitting = [layer.fitting(*pair) for layer, *pair in zip(maps, W, b)]
        for layer, pair in zip(maps, fitting):
            layer.loadparams(*pair)


class SingleLayerMLP(Chain):
    """A network with one hidden layer: LinearMap, ReLU (with dropout), LinearMap.

    indim, outdim, hiddenlayer   how many inputs, outputs and hidden units
    alpha, lr                    momentum and learning rate of both LinearMaps
    dropout_probability          of the hidden units; `inverted` as in ReLU
    rng                          a seed or a numpy Generator, for weights and masks

    x is (n, indim), the output (n, outdim): logits, or a prediction.  Document 004 calls such a
    network "two-layer", after its two LinearMaps; document 000 seems to count hidden layers.

    >>> network = SingleLayerMLP(2, 1, hiddenlayer=2)
    >>> network.loadparams([[[1, 0], [-2, 2]], [[1], [-1]]], [[[0, -1]], [[0]]])    # document 002's quiz
    >>> network.forward([[1, 0]]).tolist(), network.backward([[-1]]).tolist()
    ([[1.0]], [[-1.0, 2.0]])
    """

    def __init__(self, indim: int, outdim: int, hiddenlayer: int = 100, alpha: float = 0.1,
                 dropout_probability: float = 0, lr: float = 0.01, inverted: bool = False, rng: Any = None):
        rng = generator_from(rng)
        super().__init__([
            LinearMap(indim, hiddenlayer, alpha, lr, rng), ReLU(dropout_probability, inverted, rng),
            LinearMap(hiddenlayer, outdim, alpha, lr, rng)])


class TwoLayerMLP(Chain):
    """A network with two hidden layers: LinearMap, ReLU, LinearMap, ReLU, LinearMap.

    hidden1 and hidden2 are the numbers of hidden units; the rest is as in `SingleLayerMLP`.

    >>> network = TwoLayerMLP(4, 3, hidden1=6, hidden2=5, rng=1)
    >>> [W.shape for W in network.getW()], [b.shape for b in network.getb()]
    ([(4, 6), (6, 5), (5, 3)], [(1, 6), (1, 5), (1, 3)])
    """

    def __init__(self, indim: int, outdim: int, hidden1: int = 100, hidden2: int = 100, alpha: float = 0.1,
                 dropout_probability: float = 0, lr: float = 0.01, inverted: bool = False, rng: Any = None):
        rng = generator_from(rng)
        super().__init__([
            LinearMap(indim, hidden1, alpha, lr, rng), ReLU(dropout_probability, inverted, rng),
            LinearMap(hidden1, hidden2, alpha, lr, rng), ReLU(dropout_probability, inverted, rng),
            LinearMap(hidden2, outdim, alpha, lr, rng)])


GradientReport, GradientRow = GradientCheck, Finding       # their names in version 0.1, to go with the next one

__all__ = ["Chain", "LinearMap", "ReLU", "SingleLayerMLP", "SoftmaxCrossEntropyLoss", "Transform", "TwoLayerMLP",
           "check_transform"]
