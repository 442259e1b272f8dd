"""A model of ours as one of PyTorch, with the same weights, outputs and gradients."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from ...engine.number import short_repr
from ...engine.value import Value
from ..modules import Neuron
from ..parts import ACTIVATION, DROPOUT, FUNCTION, LAYER, MAP, Part, parts_of
from .twins import ACTIVATIONS, OF_ROWS, Twin, constants_of, no_twin, the_torch


def to_torch(model: Any) -> Any:
    """The model as a torch.nn.Sequential with the same weights, in float64.

    model   an MLP, Layer, Neuron or Dropout, a Sequential of these with softmax, log_softmax or softmin between them,
            or one of the matrix layers LinearMap, ReLU and Chain

    Its outputs and gradients are ours to 12 digits.  There an output is always a row, also that of a single neuron.
    Dropout drops other units there, and is on or off as it is here.  Frozen layers have requires_grad=False.

    Raises ValueError for what has no twin, by its place and name: "step 1 (Maxout) has no twin: ..."; and
    ModuleNotFoundError without PyTorch.
    """
    torch = the_torch()
    twins = Twins(torch)
    twin = torch.nn.Sequential(*map(twins.of, parts_of(model)))
    twin.train(getattr(model, "training", True))
    for module, training in twins.training.items():
        module.train(training)
    return twin


class Twins:
    """The modules of PyTorch that stand for the parts of a model; a layer that stands in two places has one.

    linears    {our layer: its Linear}
    places     {parameter: the layer that it belongs to}
    training   {a Dropout of PyTorch: is it on?}
    """

    def __init__(self, torch: Any):
        self.torch = torch
        self.linears: dict[Any, Any] = {}
        self.places: dict[Value, Any] = {}
        self.training: dict[Any, bool] = {}

    def of(self, part: Part) -> Any:
        what = part.what
        if part.kind in (LAYER, MAP):
            if what not in self.linears:
                self.linears[what] = self.of_neurons(part, part.neurons) if part.kind == LAYER else self.of_map(what)
            return self.linears[what]
        if part.kind == DROPOUT and what.inverted:
            made = self.torch.nn.Dropout(what.p if hasattr(what, "p") else what.dropout_probability)
            self.training[made] = getattr(what, "training", True)
            return made
        if part.kind == ACTIVATION:
            return self.activation(what, part.place)
        if part.kind == FUNCTION and (twin := found(OF_ROWS, what)):
            return self.made(twin, {})
        raise no_twin(part.place, what)

    def of_neurons(self, part: Part, neurons: Sequence[Neuron]) -> Any:
        weights = self.parameter(part, [neuron.w for neuron in neurons])
        biases = [[neuron.b] for neuron in neurons if neuron.b is not None]
        return self.linear(weights, self.parameter(part, biases) if biases else None)

    def of_map(self, layer: Any) -> Any:
        """The Linear of one of the homework's layers, whose W is (in, out): the transpose of PyTorch's."""
        weights, biases = (self.torch.tensor(x.T.tolist(), dtype=self.torch.float64) for x in (layer.W, layer.b))
        return self.linear(*map(self.torch.nn.Parameter, (weights, biases)))

    def parameter(self, part: Part, rows: list[list[Any]]) -> Any:
        """A matrix of parameters as one of PyTorch."""
        values = [value for row in rows for value in row]
        for value in values:
            name = value.label or short_repr(value)
            if value.parents:
                raise no_twin(part.place, part.what, f"{name} is computed, so it is no parameter")
            if value in self.places:
                raise no_twin(part.place, part.what, f"the parameter {name} stands in two places")
            self.places[value] = part.what
        if len({value.is_constant for value in values}) > 1:
            raise no_twin(part.place, part.what, "some of its parameters are frozen, and others are not")
        tensor = self.torch.tensor([[value.data for value in row] for row in rows], dtype=self.torch.float64)
        return self.torch.nn.Parameter(tensor, requires_grad=not values[0].is_constant)

    def linear(self, weights: Any, biases: Any) -> Any:
        """A Linear of weights (out, in) and biases (out, 1)."""
        outputs, inputs = weights.shape
        made = self.torch.nn.utils.skip_init(self.torch.nn.Linear, inputs, outputs, bias=biases is not None)
        made.weight = weights
        if biases is not None:
            made.bias = self.torch.nn.Parameter(biases.detach()[:, 0], requires_grad=biases.requires_grad)
        return made

    def activation(self, activation: Any, place: str) -> Any:
        plain, given = activation, {}
        if isinstance(activation, partial) and not activation.args:
            plain, given = activation.func, activation.keywords
        twin = found(ACTIVATIONS, plain)
        if twin is None or not given.keys() <= set(twin.constants.values()):
            raise no_twin(place, activation)
        return self.made(twin, {**constants_of(plain), **given})

    def made(self, twin: Twin, constants: dict[str, Any]) -> Any:
        settings = {theirs: float(constants[ours]) for theirs, ours in twin.constants.items()}
        return getattr(self.torch.nn, twin.name)(**settings, **twin.told)


def found(table: dict[Any, Twin], part: Any) -> Twin | None:
    """The row of a table for a function, which may be one that cannot be a key."""
    return next((twin for known, twin in table.items() if known is part), None)
