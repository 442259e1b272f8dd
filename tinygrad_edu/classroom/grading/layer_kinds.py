"""What layers of homework compute, as plain formulas: found by their names, for one example per row or per column.

A layer that is not here can be graded all the same: then its forward is taken as it is, and its gradients are judged.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple

import numpy as np

Array = np.ndarray
Arrays = dict[str, Array]

SIZES = {
    "in": r"in|n_?in|d_?in|fan_in|in_?(dim|features?|channels?|size|units)|"
          r"(num_|n_)?inputs?(_?(dim|size|features?|units))?",
    "out": r"out|n_?out|d_?out|fan_out|out_?(dim|features?|channels?|size|units)|units|(num_|n_)?(outputs?|neurons)"
           r"(_?(dim|size|features?|units))?|(num_|n_)?(filters|classes|kernels)",
    "hidden": r".*hidden.*",
    "window": r".*(kernel|filter|pool|window).*|size|k|f",
    "stride": r"strides?|s",
    "pad": r"pad(ding)?|p",
    "count": r"(vocab|num_embeddings|num_tokens|n_tokens|rows).*",
    "dim": r"(n_?)?dims?|(num_|n_)?features?|normalized_shape|d_model|embed(ding)?_?dim|emb_?dim|d|dimension",
    "rate": r"lr|learning_?rate|eta",
    "sizes": r"(layer_?)?(sizes|dims|widths)",
}
"""What an argument of a layer is, by its name."""


SHAPES: Mapping[str, tuple[int, ...]] = {"rows": (4, 3), "columns": (3, 4), "vector": (3,)}


class Answer(NamedTuple):
    """What an output may be, and the convention that it is then, if that is worth a word."""

    output: Array
    convention: str = ""


@dataclass(frozen=True)
class Kind:
    """One kind of layer.

    pattern   its names, without _ and in small letters
    sizes     the arguments it is made with, by what they are in SIZES
    shapes    the shape of x, by how examples lie; tried in this order
    outputs   every output that is right for x (and labels) and the parameters by their roles; None: nobody judges it
    apart     other sizes, with which no number counts twice; "" where there are none
    again     what is then judged with the usual sizes: "windows that overlap", "an index that comes twice"
    labels    what a loss takes besides: "one-hot" or "numbers"
    whole     x is indices
    extreme   the output stays finite for x a thousand times as large
    mistakes  {bug model: the gradient by x that it gives, from x, what arrives, the parameters and the layout}
    """

    name: str
    pattern: str
    sizes: dict[str, int] = field(default_factory=dict)
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: SHAPES)
    outputs: Callable[..., Iterator[Answer]] | None = None
    apart: dict[str, int] = field(default_factory=dict)
    again: str = ""
    labels: str = ""
    whole: bool = False
    extreme: bool = False
    mistakes: dict[str, Callable[[Array, Array, Arrays, str], Array]] = field(default_factory=dict)


def kind_of(name: str) -> Kind:
    """The kind of a layer by its name."""
    plain = name.lower().replace("_", "").replace("forward", "").replace("naive", "")
    return next((kind for kind in KINDS if re.search(kind.pattern, plain)), KINDS[-1])


def element_wise(function: Callable[[Array], Array]) -> Callable[..., Iterator[Answer]]:
    """The outputs of a function of every number by itself."""
    return lambda x, parameters, layout: iter([Answer(function(x))])


def linear(x: Array, parameters: Arrays, layout: str) -> Iterator[Answer]:
    """x W + b, with W as the layer holds it: (in, out) or (out, in)."""
    rows, W = x.T if layout == "columns" else np.atleast_2d(x), parameters["w"]
    if W.ndim == 2:
        out = rows @ (W if W.shape == (3, 2) else W.T) + parameters.get("b", np.zeros(1)).reshape(1, -1)
        yield Answer({"rows": out, "columns": out.T, "vector": out[0]}[layout])


def softmax(x: Array, parameters: Arrays, layout: str) -> Iterator[Answer]:
    """Of each example."""
    for axis in (0,) if layout == "columns" else (x.ndim - 1,):
        shares = np.exp(x - x.max(axis, keepdims=True))
        yield Answer(shares / shares.sum(axis, keepdims=True))


def cross_entropy(x: Array, labels: Array, parameters: Arrays, layout: str) -> Iterator[Answer]:
    """The mean, or the sum, of -log p[label], p from logits or given."""
    [shares] = softmax(x, {}, layout)
    if labels.ndim < x.ndim:
        labels = np.eye(3)[labels]
    n = labels.sum()
    for p, of in ((shares.output, "logits"), (x, "probabilities")):
        loss = -(labels * np.log(np.abs(p))).sum()
        yield Answer(np.array(loss / n), f"the mean over the examples, of {of}")
        yield Answer(np.array(loss), f"the sum over the examples, of {of}")


def squared_error(x: Array, labels: Array, parameters: Arrays, layout: str) -> Iterator[Answer]:
    """Mean or sum of squares, halved or not."""
    square, n = ((x - labels) ** 2).sum(), x.shape[1 if layout == "columns" else 0]
    for divisor, words in ((x.size, "the mean over all numbers"), (n, "the mean over the examples"), (1, "the sum")):
        yield Answer(np.array(square / divisor), words)
        yield Answer(np.array(square / divisor / 2), words + ", halved")


def windows(x: Array, size: int, stride: int) -> Iterator[tuple[int, int, Array]]:
    """(row, column, window) of images (n, channels, height, width)."""
    count = (x.shape[2] - size) // stride + 1
    for i, j in product(range(count), repeat=2):
        yield i, j, x[:, :, i * stride:i * stride + size, j * stride:j * stride + size]


def in_images(parts: list[tuple[int, int, Array]]) -> Array:
    """The output that has these (n, channels) at (row, column)."""
    count = 1 + max(i for i, _, _ in parts)
    return np.stack([part for _, _, part in parts], -1).reshape(*parts[0][2].shape, count, count)


def convolution(x: Array, parameters: Arrays, layout: str, window: int = 3, stride: int = 1) -> Iterator[Answer]:
    """Cross-correlation with every filter, as networks call convolution."""
    W = parameters["w"]
    if W.shape == (2, 2, 3, 3):
        b = parameters.get("b", np.zeros(2)).ravel()
        parts = windows(x, window, stride)
        yield Answer(in_images([(i, j, np.einsum("ncij,fcij->nf", part, W) + b) for i, j, part in parts]))


def pooling(largest: bool) -> Callable[..., Iterator[Answer]]:
    """The largest, or the mean, of each window."""
    def outputs(x: Array, parameters: Arrays, layout: str, window: int = 3, stride: int = 2) -> Iterator[Answer]:
        pool = np.max if largest else np.mean
        yield Answer(in_images([(i, j, pool(part, (2, 3))) for i, j, part in windows(x, window, stride)]))
    return outputs


def normalised(of_batch: bool) -> Callable[..., Iterator[Answer]]:
    """γ (x - mean) / √(variance + ε) + β, of each example or over the batch, with an ε in use."""
    def outputs(x: Array, parameters: Arrays, layout: str) -> Iterator[Answer]:
        axis = (0 if of_batch else x.ndim - 1) if layout != "columns" else (x.ndim - 1 if of_batch else 0)
        centred = x - x.mean(axis, keepdims=True)
        along = (-1, 1) if layout == "columns" else (1, -1)
        gamma, beta = (parameters.get(role, np.full(1, x)).reshape(along) for role, x in (("gamma", 1), ("beta", 0)))
        variance = (centred ** 2).mean(axis, keepdims=True)
        for eps in (0, 1e-12, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3):
            for root, where in ((np.sqrt(variance + eps), ""), (np.sqrt(variance) + eps, ", outside of the root")):
                yield Answer((gamma * centred / root + beta).reshape(x.shape), f"ε is {eps}{where}")
    return outputs


def looked_up(x: Array, parameters: Arrays, layout: str) -> Iterator[Answer]:
    """The rows of a table at these indices."""
    yield Answer(parameters["w"][x])


def taken_for_constant(what: str) -> Callable[[Array, Array, Arrays, str], Array]:
    """The gradient of a layer normalisation, with ε of 1e-5, whose mean or variance is taken for a constant."""
    def gradient(x: Array, upstream: Array, parameters: Arrays, layout: str) -> Array:
        axis, along = (0, (-1, 1)) if layout == "columns" else (-1, (1, -1))
        deviation = np.sqrt(x.var(axis, keepdims=True) + 1e-5)
        y = (x - x.mean(axis, keepdims=True)) / deviation
        g = upstream * parameters.get("gamma", np.ones(1)).reshape(along)
        by_mean = 0 if what == "mean" else g.mean(axis, keepdims=True)
        by_variance = 0 if what == "variance" else y * (g * y).mean(axis, keepdims=True)
        return (g - by_mean - by_variance) / deviation
    return gradient


PAIR_SHAPES: dict[str, dict[str, tuple[int, ...]]] = {
    "linear": {"w": (3, 2), "b": (2,)}, "convolution": {"w": (2, 2, 3, 3), "b": (2,)},
    "layer normalisation": {"g": (3,), "b": (3,)}, "batch normalisation": {"g": (3,), "b": (3,)}}
"""The shapes of what a pair of functions is handed, by the first letter of its name."""

IMAGES = {"images": (2, 2, 5, 5)}
IN_OUT = {"in": 3, "out": 2}

KINDS = (
    Kind("cross-entropy", r"crossentropy|softmax.*loss|loss.*softmax|nll", outputs=cross_entropy, labels="one-hot",
         shapes={"rows": (4, 3), "rows, with the numbers of classes": (4, 3), **SHAPES}, extreme=True),
    Kind("squared error", r"mse|squared|l2loss|quadratic", labels="numbers", outputs=squared_error),
    Kind("convolution", r"conv(?!1d|3d|trans)", {"in": 2, "out": 2, "window": 3, "stride": 1, "pad": 0}, IMAGES,
         convolution),
    Kind("max pooling", r"maxpool(?!1d)", {"window": 3, "stride": 2, "pad": 0}, IMAGES, pooling(largest=True),
         {"window": 2, "stride": 2}, "windows that overlap"),
    Kind("average pooling", r"(avg|average|mean)pool", {"window": 3, "stride": 2, "pad": 0}, IMAGES,
         pooling(largest=False), {"window": 2, "stride": 2}, "windows that overlap"),
    Kind("layer normalisation", r"layernorm", {"dim": 3}, outputs=normalised(of_batch=False),
         mistakes={f"layer-norm-{what}": taken_for_constant(what) for what in ("mean", "variance")}),
    Kind("batch normalisation", r"^(?!spatial).*batchnorm", {"dim": 3}, outputs=normalised(of_batch=True)),
    Kind("embedding", r"embed|lookup", {"count": 5, "dim": 3}, {"indices": (4,)}, looked_up, whole=True,
         again="an index that comes twice"),
    Kind("network", r"mlp|network|net$|model|chain|sequential", {"in": 3, "out": 2, "hidden": 4}),
    Kind("linear", r"linear|dense|affine|fullyconnected|^fc", IN_OUT, outputs=linear),
    Kind("leaky ReLU", r"leaky|elu$(?<!relu)|gelu|silu|swish"),
    Kind("ReLU", r"relu", outputs=element_wise(lambda x: np.maximum(x, 0))),
    Kind("sigmoid", r"sigmoid|logistic", outputs=element_wise(lambda x: 1 / (1 + np.exp(-x)))),
    Kind("tanh", r"tanh", outputs=element_wise(np.tanh)),
    Kind("softmax", r"softmax", outputs=softmax, extreme=True),
    Kind("layer", r"", IN_OUT | {"hidden": 4, "dim": 3}),
)
"""The kinds; the first whose pattern is found in a name is the one."""
