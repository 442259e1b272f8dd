"""A model of PyTorch as one of ours, with the same weights, outputs and gradients."""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from ...engine.number import short_repr
from ..modules import MLP, Dropout, Layer, Module, Sequential
from ..parts import OnEach, within
from .twins import ACTIVATIONS, OF_ROWS, Twin, constants_of, name_of, no_twin, the_torch


def from_torch(module: Any) -> Module:
    """A model of ours with the weights of one of PyTorch.

    module   a Linear, or a Sequential of Linear, Dropout, activations that we have, Softmax, LogSoftmax or Softmin
             along the last dimension, Identity, and Flatten of what follows the first dimension

    It is an MLP where there is nothing but Linear and activations, else a Sequential.  Numbers of single precision come
    in exactly, and `to_torch` gives back the same bits.  What has requires_grad=False is frozen.

    Raises ValueError for any other module, by its place and name: "1, 0 (LayerNorm) has no twin: ..."; and
    ModuleNotFoundError without PyTorch.
    """
    torch = the_torch()
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"a torch.nn.Module is needed, not {type(module).__name__}: got {short_repr(module)}")
    reader = Reader(torch)
    steps = list(reader.steps(module, ""))
    only_layers = bool(steps) and all(isinstance(step, Layer) for step in steps)
    model = (as_mlp(steps) if only_layers else Sequential(*steps)).train(module.training)
    for dropout, training in reader.training.items():
        dropout.training = training
    return model


def as_mlp(layers: list[Layer]) -> MLP:
    model = MLP(1, [1], rng=0)
    model.layers = layers
    model.set_scope("")
    return model


class Reader:
    """The steps of a model of ours, read from modules of PyTorch.

    layers     {a Linear: our layer}, since one may stand in two places
    places     {a parameter of PyTorch: the Linear that it belongs to}
    training   {our Dropout: is it on?}
    """

    def __init__(self, torch: Any):
        self.nn = torch.nn
        self.layers: dict[Any, Layer] = {}
        self.places: dict[Any, Any] = {}
        self.training: dict[Dropout, bool] = {}

    def steps(self, module: Any, place: str) -> Iterator[Any]:
        """Our steps; an activation behind a Linear that stands in one place belongs to its neurons."""
        modules = list(self.simple(module, place))
        uses = Counter(inner for _, inner in modules)
        layer = None                                    # that still takes an activation
        for place, inner in modules:
            if type(inner) is self.nn.Linear:
                step = self.layer(inner, place)
                layer = step if uses[inner] == 1 else None
                yield step
                continue
            step = self.step(inner, place)
            if isinstance(step, OnEach) and layer:
                activate(layer, step.activation)
            else:
                yield step
            layer = None

    def simple(self, module: Any, place: str) -> Iterator[tuple[str, Any]]:
        """(place, module) of what a Sequential is made of, without what changes nothing."""
        refuse_changed(place, module)
        if type(module) is self.nn.Sequential:
            for name, inner in module._modules.items():         # named_children() tells one in two places once
                yield from self.simple(inner, within(place, name))
        elif type(module) is not self.nn.Identity and not flattens_rows(self.nn, module):
            yield place, module

    def layer(self, module: Any, place: str) -> Layer:
        if module not in self.layers:
            weights, biases = module.weight, module.bias
            for name, parameter in module.named_parameters():
                if self.places.setdefault(parameter, module) is not module:
                    raise no_twin(place, module, f"its {name} stands in two places")
            self.layers[module] = layer = made(place, module, partial(
                Layer, module.in_features, module.out_features, bias=biases is not None, init="uniform", rng=0))
            rows = numbers_of(place, module, weights)
            for neuron, row in zip(layer.neurons, rows):
                set_numbers(neuron.w, row, weights.requires_grad)
            if biases is not None:
                own = [neuron.b for neuron in layer.neurons]
                set_numbers(own, numbers_of(place, module, biases), biases.requires_grad)
        return self.layers[module]

    def step(self, module: Any, place: str) -> Any:
        """A Dropout, a function of rows, or an activation of each number."""
        if type(module) is self.nn.Dropout:
            dropout = made(place, module, partial(Dropout, module.p))
            self.training[dropout] = module.training
            return dropout
        for ours, twin in OF_ROWS.items():
            if self.is_one(module, twin, {"dim": (-1, 1)}):     # of rows in a matrix, 1 is the last
                return ours
        for ours, twin in ACTIVATIONS.items():
            if self.is_one(module, twin):
                constants = {name: float(getattr(module, theirs)) for theirs, name in twin.constants.items()}
                return OnEach(ours if constants == constants_of(ours) else partial(ours, **constants))
        raise no_twin(place, module)

    def is_one(self, module: Any, twin: Twin, told: dict[str, tuple] | None = None) -> bool:
        """Is this the module that stands in a row of the table?"""
        if type(module) is not getattr(self.nn, twin.name):
            return False
        return all(getattr(module, name) in (told or {}).get(name, (wanted,)) for name, wanted in twin.told.items())


def refuse_changed(place: str, module: Any) -> None:
    """Refuse a module that may compute something else than its class says."""
    if hasattr(module, "initialize_parameters"):
        raise no_twin(place, module, "its size is not known before its first input")
    if any(getattr(module, f"_{kind}_hooks") for kind in ("forward_pre", "forward", "backward_pre", "backward")):
        raise no_twin(place, module, "it has hooks, which may change what it computes")
    if "forward" in vars(module):
        raise no_twin(place, module, "its forward was replaced")


def flattens_rows(nn: Any, module: Any) -> bool:
    """Does this make rows of examples, which ours are from the start?"""
    return type(module) is nn.Flatten and (module.start_dim, module.end_dim) == (1, -1)


def made(place: str, module: Any, make: Callable[[], Any]) -> Any:
    """What is made, or an error that tells whose twin it was to be."""
    try:
        return make()
    except ValueError as error:
        raise no_twin(place, module, str(error)) from None


def numbers_of(place: str, module: Any, tensor: Any) -> list[Any]:
    """The numbers of a parameter, which as floats are exact."""
    if not tensor.is_floating_point() or tensor.is_meta:
        raise no_twin(place, module, f"its parameters are {tensor.dtype} on {tensor.device}, which holds no floats")
    return tensor.detach().double().cpu().tolist()


def set_numbers(parameters: list[Any], numbers: list[float], wants_gradient: bool) -> None:
    for parameter, number in zip(parameters, numbers):
        parameter.data, parameter.is_constant = number, not wants_gradient


def activate(layer: Layer, activation: Any) -> None:
    name = "" if isinstance(activation, partial) else name_of(activation)       # as a Neuron has it
    for neuron in layer.neurons:
        neuron.activation, neuron.activation_name = activation, name
