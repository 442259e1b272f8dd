"""What happens inside a network that learns: what its neurons make of the inputs, its weights, and one step.

The page of an animation shows both beside the answers, epoch by epoch.
"""

import math
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from operator import add
from struct import pack
from typing import Any

from ..engine.arrays import as_lists, is_value
from ..engine.errors import no_grad
from ..engine.graph import topological_order, walked_back
from ..engine.number import printable
from ..engine.slopes import float_of
from ..engine.value import Value
from ..nn import losses
from ..nn.checks import is_frozen
from ..nn.modules import MLP, Dropout, Layer, Module, Neuron, Sequential, as_floats
from ..nn.optim import SGD
from ..nn.targets import numbers_in
from ..show.network import grid
from ..show.plane import LARGEST, rounded
from .examples import hits
from .fit import Step
from .named import LOSSES

MOST_NEURONS = 40               # more would be too small to be seen
SIDE = 12                       # points to a side of a neuron's picture
ALONG = 24                      # points along a neuron's curve
MOST_POINTS = 2600              # of all neurons in one frame
WINDOW = (430, 320)             # for the squares of all neurons
HEADINGS, CAPTION = 30, 16      # the room above and below them
LARGEST_RADIUS = 24.0           # of a square, which is half its side
MEANS = [loss for loss in LOSSES.values() if loss not in (losses.sum_squared_error, losses.half_squared_error)]


# ---- neurons and weights -----------------------------------------------------------------------------------


class Neurons:
    """The neurons of a network that is layers and nothing else; of another one there are none.

    model   the network, as it is whenever it is asked
    seen    rows of the data -> rows as the model is given them
    """

    def __init__(self, model: Module, seen: Callable[[Sequence[Any]], list[Any]] = list):
        self.model, self.seen, self.parts = model, seen, parts_of(model)
        self.layers = [part for part in self.parts if isinstance(part, Layer)]
        self.count = sum(len(layer.neurons) for layer in self.layers)
        if self.count > MOST_NEURONS:
            self.parts, self.layers, self.count = [], [], 0
        self.parameters = [p for layer in self.layers for neuron in layer.neurons for p in (*neuron.w, neuron.b)]
        self.side = min(SIDE, math.isqrt(MOST_POINTS // max(1, self.count)))

    def frame(self, rows: Sequence[Any]) -> dict[str, str]:
        """Base64 of each neuron's bytes over the rows (see `in_a_byte`), and of its weights and bias as float32."""
        if not self.count:
            return {}
        with no_grad(), self.model.evaluating():
            columns = zip(*map(self.activations, self.seen(rows)))
        numbers = [0.0 if p is None else within(p.data) for p in self.parameters]
        return {"neurons": b64encode(bytes(in_a_byte(x) for column in columns for x in column)).decode(),
                "weights": b64encode(pack(f"<{len(numbers)}f", *numbers)).decode()}

    def activations(self, row: Sequence[Any]) -> list[float]:
        """What every neuron answers to a row, layer by layer."""
        x: Any = row
        found: list[float] = []
        for part in self.parts:
            x = part.forward(x)
            if isinstance(part, Layer):
                found += map(float_of, x)
        return found

    def described(self, rows: Sequence[Any]) -> dict[str, Any] | None:
        """What of the network stays the same, with the bytes of the inputs themselves; None where there is none."""
        if not self.count:
            return None
        inputs = [in_a_byte(x) for column in zip(*self.seen(rows)) for x in column]
        names = {p: printable(p.label or name) for name, p in self.model.named_parameters()}
        sizes = [len(self.layers[0].neurons[0].w), *(len(layer.neurons) for layer in self.layers)]
        return {"sizes": sizes, "side": self.side, **placed(sizes),
                "activations": [printable(layer.neurons[0].activation_name) for layer in self.layers],
                "names": ["" if p is None else names[p] for p in self.parameters],
                "inputs": b64encode(bytes(inputs)).decode()}


def placed(sizes: Sequence[int]) -> dict[str, Any]:
    """Where the squares stand in a picture of this width and height: their half side, and their middles by columns.

    >>> found = placed([2, 1])
    >>> found["radius"], found["columns"][1]
    (24.0, [[280.0, 114.0]])
    """
    wide, tall = WINDOW
    radius = round(min(LARGEST_RADIUS, 0.43 * tall / max(sizes)), 1)
    found = grid(sizes, (wide - 2 * radius, tall))
    right = found.columns[-1][0][0] + found.radius
    columns = [[[round(x + (wide - right) / 2, 1), round(y + HEADINGS, 1)] for x, y in column]
               for column in found.columns]
    for column in columns[0], columns[-1]:
        spread(column, 2 * radius + CAPTION)
    lowest = max(y for column in columns for _, y in column)
    return {"radius": radius, "width": wide, "height": math.ceil(lowest + radius + CAPTION), "columns": columns}


def spread(column: list[list[float]], apart: float) -> None:
    """Move the squares of a column so far apart that their names stand below them, where there is room for it."""
    middle, tall = (column[0][1] + column[-1][1]) / 2, apart * (len(column) - 1)
    if tall < WINDOW[1] - apart and len(column) > 1 and column[1][1] - column[0][1] < apart:
        for i, place in enumerate(column):
            place[1] = round(middle + apart * i - tall / 2, 1)


def parts_of(model: Module) -> list[Module]:
    """The layers, and dropouts, that are all a network consists of, in order; else an empty list.

    >>> len(parts_of(MLP(2, [3, 1]))), parts_of(Sequential(Layer(2, 3), math.tanh))
    (2, [])
    """
    named = "layers" if runs_as(model, MLP) else "steps" if runs_as(model, Sequential) else ""
    parts = list(getattr(model, named, []))
    return parts if all(runs_as(part, Dropout) or is_plain(part) for part in parts) else []


def is_plain(part: Any) -> bool:
    """Is it a layer of plain neurons?"""
    return runs_as(part, Layer) and all(runs_as(neuron, Neuron) for neuron in part.neurons)


def runs_as(module: Any, kind: type[Module]) -> bool:
    """Is it of this kind, and does it compute as this kind does?"""
    return isinstance(module, kind) and type(module).forward is kind.forward


def in_a_byte(x: float) -> int:
    """128 + 127 · x / (1 + |x|), rounded: any number in a byte, finest about 0; a nan is taken for 0.

    >>> [in_a_byte(x) for x in (-math.inf, -1.0, 0.0, 1.0, 1e300)]
    [1, 64, 128, 192, 255]
    """
    x = within(x)
    return 128 + round(127 * x / (1 + abs(x)))


def within(x: float) -> float:
    """x, if it is not beyond all measure; 0 for nan."""
    return 0.0 if math.isnan(x) else min(max(x, -LARGEST), LARGEST)


# ---- one step ----------------------------------------------------------------------------------------------


class Walk:
    """Steps of a training in the numbers of one weight, that with the largest gradient in the first of them."""

    def __init__(self, model: Module, targets: Sequence[Any], loss: Callable):
        self.model, self.targets, self.loss = model, targets, loss
        self.weight: Value | None = None
        self.rule = ""

    def choose(self, step: Step) -> Value:
        """The weight to be followed; biases only where there is nothing else."""
        learning = [p for p in step.optimizer.parameters if not is_frozen(p)]
        weights = set(self.model.parameters(biases=False))
        self.rule = type(step.optimizer).__name__
        return max([p for p in learning if p in weights] or learning, key=lambda p: abs(p.grad))

    def told(self, step: Step) -> dict[str, Any]:
        """The step as the page takes it.

        shares   of each example in the gradient: d(its own loss)/dw where the loss is a mean, of which the
                 gradient is the mean, else what it adds to the gradient
        rest     of the gradient, which comes from a penalty
        plain    whether the weight moved by lr · gradient and nothing else
        """
        self.weight = w = self.choose(step) if self.weight is None else self.weight
        place = next(i for i, p in enumerate(step.optimizer.parameters) if p is w)
        at, before = step.optimizer.settings()[place], step.before[place]
        answered = [as_floats(p) for p in step.predictions]
        right = hits(answered, [self.targets[i] for i in step.batch], self.loss)
        shares = [share_of(prediction, w) for prediction in step.predictions]
        rest, many = w.grad - added(shares), len(shares) if self.loss in MEANS else 1
        told = {"batch": step.batch, "answers": [[rounded(x, 4) for x in numbers_in(p)] for p in answered],
                "right": [int(bool(hit)) for hit in right], "shares": [rounded(many * share, 4) for share in shares],
                "rest": rounded(rest) if abs(rest) > 1e-9 * max(map(abs, [w.grad, *shares])) else 0,
                "plain": type(step.optimizer) is SGD and not (at.weight_decay or at.momentum)}
        numbers = {"loss": step.loss, "gradient": w.grad, "before": before, "after": w.data, "lr": at.lr}
        return told | {name: rounded(x) for name, x in numbers.items()}

    def described(self, parameters: Sequence[Value | None]) -> dict[str, Any] | None:
        """The weight by its name and its place among the network's parameters, and the optimizer's name."""
        if self.weight is None:
            return None
        name = next((name for name, p in self.model.named_parameters() if p is self.weight), "")
        place = next((i for i, p in enumerate(parameters) if p is self.weight), None)
        return {"weight": printable(self.weight.label or name), "place": place, "rule": printable(self.rule),
                "mean": self.loss in MEANS}


def share_of(prediction: Any, w: Value) -> float:
    """What reaches w through one prediction: the sum over its numbers p of d(loss)/dp · dp/dw.

    >>> w = Value(3.0)
    >>> prediction = w * 2
    >>> ((prediction - 5) ** 2).backward()
    >>> share_of(prediction, w)
    4.0
    """
    return added(walked_back(topological_order(p), p.grad)[0].get(w, 0.0)
                 for p in numbers_in(as_lists(prediction)) if is_value(p))


def added(numbers: Iterable[float]) -> float:
    """Their sum, one after the other: what Python's own gives depends on its version."""
    return reduce(add, numbers, 0.0)
