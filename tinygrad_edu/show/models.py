"""The graph of a model, for its picture: a copy of the model computes, so that the model itself is only read."""

import copy
from collections.abc import Iterator
from typing import Any

from ..engine.arrays import as_lists
from ..engine.errors import errstate, recorded_anyway
from ..engine.number import number, short_repr
from ..engine.value import Value
from ..nn.modules import Layer, Maxout, Module, Neuron, input_nodes


def graph_of_model(model: Module, example: Any = None) -> Value:
    """One node made of all outputs of a model for an example; without one, for zeros.

    Dropout is off.  Raises ValueError for a model that is not made of neurons, and what the model raises
    for an example that it does not take.
    """
    neurons = list(neurons_in(model))
    if not neurons:
        raise ValueError("a network of neurons is needed, such as an MLP or a Sequential of Layers: "
                         f"{type(model).__name__} has none, so draw what it computes, as in tg.draw(model(x))")
    row = [0.0] * len(neurons[0].w) if example is None else row_of(example)
    copied = named_throughout(copy.deepcopy(model))
    modes = errstate(all="ignore" if example is None else "raise"), recorded_anyway(), copied.evaluating()
    with modes[0], modes[1], modes[2]:
        found = list(values_in(copied(input_nodes(row))))
    return Value(0.0, tuple(found), (0.0,) * len(found))


def row_of(example: Any) -> list[float]:
    """An example as floats."""
    row = as_lists(example)
    if not isinstance(row, list):
        raise TypeError(f"an example is a list of numbers, one for each input: got {short_repr(example)}")
    return [x.data if isinstance(x, Value) else number(x) for x in row]


def neurons_in(model: Module) -> Iterator[Neuron]:
    """Its neurons, in the order of definition."""
    if isinstance(model, Neuron):
        yield model
    for _, member in model.members():
        if isinstance(member, Module):
            yield from neurons_in(member)


def named_throughout(model: Module) -> Module:
    """The model, in which every neuron knows its place, as those of an MLP do from the start."""
    scopes = [neuron.scope for neuron in neurons_in(model)]
    if "" in scopes and isinstance(model, Neuron | Layer | Maxout):
        for i, neuron in enumerate(neurons_in(model)):
            neuron.set_scope(f"neuron {i}")
    elif "" in scopes or len(set(scopes)) < len(scopes):
        model.set_scope("")
    return model


def values_in(output: Any) -> Iterator[Value]:
    """The Values of an output, which may stand in lists."""
    if isinstance(output, Value):
        yield output
    elif isinstance(as_lists(output), list | tuple):
        for element in as_lists(output):
            yield from values_in(element)
