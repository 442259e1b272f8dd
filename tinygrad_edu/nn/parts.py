"""A model as the plain list of what a row goes through: layers, activations, dropout and functions of rows.

It is in the order, and has the numbers, of a torch.nn.Sequential of the same model.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ..engine import ops
from .modules import MLP, Dropout, Layer, Module, Neuron, Sequential, checked_row, linear

LAYER, MAP, ACTIVATION, DROPOUT, FUNCTION, UNKNOWN = "layer", "map", "activation", "dropout", "function", "unknown"


class OnEach(Module):
    """An activation as a step of its own, applied to each number of a row.

    >>> OnEach(ops.relu)([-1.0, 2.0])
    [0.0, 2.0]
    """

    def __init__(self, activation: Callable[[Any], Any]):
        self.activation = activation

    def forward(self, x: Any) -> list[Any]:
        return [self.activation(element) for element in checked_row(x, "the activation")]

    def describe(self) -> str:
        return str(getattr(self.activation, "__name__", ""))


class Part(NamedTuple):
    """One thing that a row goes through.

    place     where it stands in the model: "step 1, layer 0"
    kind      LAYER, with neurons; MAP, a LinearMap of the homework; ACTIVATION, of each number; DROPOUT; FUNCTION, of a
              whole row; or UNKNOWN, a module with a forward of its own
    what      the module or the function itself
    neurons   those of a layer
    """

    place: str
    kind: str
    what: Any
    neurons: tuple[Neuron, ...] = ()


def parts_of(model: Any, place: str = "") -> Iterator[Part]:
    """What a row goes through in a model.  A module is known by its forward, which a subclass may have replaced.

    >>> [part.kind for part in parts_of(MLP(2, [3, 1], rng=0))]
    ['layer', 'activation', 'layer']
    """
    forward = getattr(type(model), "forward", None)
    if forward is MLP.forward or forward is Sequential.forward:
        word, inner = ("layer", model.layers) if forward is MLP.forward else ("step", model.steps)
        for i, step in enumerate(inner):
            yield from parts_of(step, within(place, f"{word} {i}"))
    elif (forward is Layer.forward and plain(model.neurons)) or forward is Neuron.forward:
        neurons = tuple(model.neurons) if forward is Layer.forward else (model,)
        yield Part(place, LAYER, model, neurons)
        yield from activation_of(neurons[0].activation, place)
    elif forward is OnEach.forward:
        yield from activation_of(model.activation, place)
    elif forward is Dropout.forward:
        yield Part(place, DROPOUT, model)
    elif isinstance(model, Module) or forward is None:
        yield Part(place, UNKNOWN if isinstance(model, Module) else FUNCTION, model)
    else:
        yield from parts_of_homework(model, forward, place)


def plain(neurons: list[Neuron]) -> bool:
    """Are these neurons of one kind, so that they are a matrix?"""
    kinds = {(type(n).forward is Neuron.forward, id(n.activation), len(n.w), n.b is None) for n in neurons}
    return len(kinds) == 1 and kinds.pop()[0]


def activation_of(activation: Any, place: str) -> Iterator[Part]:
    """An activation; none where nothing changes."""
    if activation is not linear and activation is not ops.identity:
        yield Part(place, ACTIVATION, activation)


def parts_of_homework(layer: Any, forward: Any, place: str) -> Iterator[Part]:
    """What a row goes through in one of the homework's layers."""
    from . import matrix_layers
    if forward is matrix_layers.Chain.forward:
        for i, inner in enumerate(layer.layers):
            yield from parts_of(inner, within(place, f"layer {i}"))
    elif forward is matrix_layers.LinearMap.forward:
        yield Part(place, MAP, layer)
    elif forward is matrix_layers.ReLU.forward:
        yield Part(place, ACTIVATION, ops.relu)
        if layer.dropout_probability:
            yield Part(place, DROPOUT, layer)
    else:
        yield Part(place, UNKNOWN, layer)


def within(place: str, part: str) -> str:
    return f"{place}, {part}" if place else part
