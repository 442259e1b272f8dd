"""Neurons, layers of them, and networks of layers.

A module holds parameters, which are leaves, and computes an output from an input.  Whatever a
module keeps as an attribute, a Value, a module or a list of these, is found by its name.
"""

import math
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import repeat
from random import Random
from reprlib import recursive_repr
from typing import Any, Self

from ..engine import ops
from ..engine.arrays import as_lists, is_array
from ..engine.elsewhere import OF_NETWORKS, Missing
from ..engine.errors import Block, no_grad
from ..engine.number import checked_whole, short_repr
from ..engine.op import OPS
from ..engine.value import Value, constant
from ..fast.trace import drawn_anew
from ..symbols.named import name_at
from .checks import FRACTION, by_name, checked_number, letters_of, to_list
from .counted_random import uniform

Activation = str | Callable[[Any], Any] | None          # by its name, as a function of a Value, or none
MOST_WEIGHTS = 10 ** 7                  # of a layer: some gigabytes of Values


class Module:
    """Something with parameters that computes an output.  A subclass has a `forward(x)`.

    A subclass whose x is not a row of numbers but nested, such as a sequence of rows, says
    `takes_rows = False`: then `predict` takes it as one example.

    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope, self.offset = Value(2.0), Value(1.0)
    ...     def forward(self, x):
    ...         return self.slope * x + self.offset
    >>> line = Line()
    >>> line(3.0).data, [name for name, _ in line.named_parameters()]
    (7.0, ['slope', 'offset'])
    """

    training = True
    takes_rows = True

    def forward(self, x: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no forward(x): write one")

    def __call__(self, x: Any) -> Any:
        return self.forward(x)

    def predict(self, x: Any) -> Any:
        """The output as floats, for one example or for each of several; nothing is recorded, and dropout is off.

        x   one row, as `forward` takes it, or a list of rows or a matrix

        An array is answered by an array, anything else by lists; a network with a single output
        answers a row with a float.

        >>> model = MLP(2, [3, 1], rng=0)
        >>> type(model.predict([0.5, 1.0])), len(model.predict([[0.5, 1.0], [2.0, -1.0], [0.0, 0.0]]))
        (<class 'float'>, 3)
        """
        with no_grad(), self.evaluating():
            if self.takes_rows and are_rows(x):
                found = [as_floats(self.forward(row)) for row in x]
            else:
                found = as_floats(self.forward(x))
        if is_array(x) and isinstance(found, list):
            from numpy import array
            return array(found)
        return found

    # ---- what it is made of

    def members(self) -> Iterator[tuple[str, "Value | Module"]]:
        """(name, Value or Module) of its attributes and of what stands in their lists: `layers.0`."""
        for name, attribute in vars(self).items():
            yield from members_of(name, attribute)

    def set_scope(self, scope: str) -> None:
        """Tell this module, and those within it, which part of a network it is: for messages and pictures."""
        for name, member in self.members():
            if isinstance(member, Module):
                member.set_scope(f"{scope}, {name}" if scope else name)

    def belongs_to(self, scope: str) -> None:
        """The name that `set_scope` had in version 0.1."""
        self.set_scope(scope)

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """(name, parameter), such as ("layers.0.neurons.1.w.2", ...), in the order of definition.

        A parameter or module that stands in two places is named by the first.
        """
        seen: set[int] = {id(self)}
        yield from self.named_within("", seen)

    def named_within(self, prefix: str, seen: set[int]) -> Iterator[tuple[str, Value]]:
        """The parameters that are not among those `seen` (ids), each name with the prefix."""
        for name, member in self.members():
            if id(member) in seen:
                continue
            seen.add(id(member))
            if isinstance(member, Value):
                yield prefix + name, member
            else:
                yield from member.named_within(f"{prefix}{name}.", seen)

    def parameters(self, *, weights: bool = True, biases: bool = True) -> list[Value]:
        """All parameters, in the order of definition; or those without the weights, or without the biases.

        A bias is what stands in an attribute named b, bias or biases.

        >>> len(Layer(2, 3).parameters()), len(Layer(2, 3).parameters(biases=False))
        (9, 6)
        """
        return [parameter for name, parameter in self.named_parameters() if (biases if is_bias(name) else weights)]

    def modules(self) -> "Iterator[Module]":
        """This module and all within it, each once."""
        found: dict[int, Module] = {id(self): self}
        waiting: list[Module] = [self]
        for module in waiting:
            for _, member in module.members():
                if isinstance(member, Module) and id(member) not in found:
                    found[id(member)] = member
                    waiting.append(member)
        yield from waiting

    # ---- what is done to all of it

    def train(self, mode: bool = True) -> Self:
        """Switch to training: dropout drops."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Switch to evaluation: dropout is off."""
        return self.train(False)

    def evaluating(self) -> "Evaluating":
        """Evaluation within the block; each module is then as it was."""
        return Evaluating(self)

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.grad = 0.0

    def freeze(self, frozen: bool = True) -> Self:
        """Make the parameters constants: they get no gradient, and optimizers pass them by."""
        for parameter in self.parameters():
            parameter.is_constant = frozen
        return self

    def unfreeze(self) -> Self:
        """Let the parameters learn again."""
        return self.freeze(False)

    def state_dict(self) -> dict[str, float]:
        """{name: number} of all parameters."""
        return {name: parameter.data for name, parameter in self.named_parameters()}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Set all parameters.

        Raises KeyError for a name too many or missing, TypeError and ValueError for what is not
        a number; nothing is changed then.
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"a state is a dict, as state_dict() gives it, not {type(state).__name__}: "
                            f"got {short_repr(state)}")
        parameters = dict(self.named_parameters())
        wrong = [name for name in (*parameters, *state) if name not in parameters or name not in state]
        if wrong:
            missing = wrong[0] in parameters
            raise KeyError(f"the state {'lacks' if missing else 'has an unknown'} {wrong[0]!r}"
                           + (f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""))
        numbers = {name: Value(number).data for name, number in state.items()}
        for name, parameter in parameters.items():
            parameter.data = numbers[name]

    # ---- text

    def describe(self) -> str:
        """What stands in the parentheses of its repr."""
        return ""

    @recursive_repr()
    def __repr__(self) -> str:
        count = len(self.parameters())
        head = f"{type(self).__name__}({self.describe()})  {count} parameter{'s' * (count != 1)}"
        inner = [(name, member) for name, member in self.members() if isinstance(member, Module)]
        if not inner or isinstance(self, Layer):
            return head
        lines = [f"{name}: {member!r}".replace("\n", "\n  ") for name, member in inner]
        return "\n  ".join([head, *lines])


class Evaluating(Block):
    """The block of `Module.evaluating`."""

    def __init__(self, model: Module):
        self.model = model

    def __enter__(self) -> Self:
        modules = list(self.model.modules())
        undo = map(setattr, modules, repeat("training"), [module.training for module in modules])
        self.close = partial([].extend, undo)                           # type: ignore[method-assign, arg-type]
        try:
            self.model.eval()
            return self
        except BaseException:           # Ctrl-C
            self.close()
            raise


for missing in OF_NETWORKS:
    setattr(Module, missing, Missing("Module", missing, OF_NETWORKS[missing]))


def members_of(name: str, attribute: Any) -> "Iterator[tuple[str, Value | Module]]":
    """The leaves and modules in an attribute.  A Value that was computed, such as a kept output, is no parameter."""
    if isinstance(attribute, Module) or (isinstance(attribute, Value) and not attribute.parents):
        yield name, attribute
    elif isinstance(attribute, list | tuple | dict):
        for key, element in attribute.items() if isinstance(attribute, dict) else enumerate(attribute):
            yield from members_of(f"{name}.{key}", element)


def is_bias(name: str) -> bool:
    """Is the parameter of this name a bias?  `layers.0.neurons.1.b` is one, and so is `biases.3`."""
    attribute = [part for part in name.split(".") if not part.isdigit()][-1]
    return attribute in ("b", "bias", "biases")


# ---- rows of numbers ------------------------------------------------------------------------------


def as_floats(x: Any) -> Any:
    """An output as floats, in lists."""
    if isinstance(x, Value):
        return x.data
    if is_array(x):
        x = x.tolist()
    return [as_floats(element) for element in x] if isinstance(x, list | tuple) else float(x)


def are_rows(x: Any) -> bool:
    """Is x several rows: a list of lists or arrays, or a matrix?  An empty list is one of no rows."""
    return x.ndim > 1 if is_array(x) else isinstance(x, list | tuple) and all(map(is_row, x[:1]))


def is_row(x: Any) -> bool:
    return isinstance(x, list | tuple) or is_array(x)


def checked_row(x: Any, whose: str, count: int | None = None) -> Sequence[Any]:
    """x as a list of so many numbers or Values; an array is one too."""
    if type(x) is list and len(x) == count and (type(x[0]) is Value or type(x[0]) is float):
        return x                                        # by far the most
    row = x.tolist() if hasattr(x, "tolist") else x
    if not isinstance(row, list | tuple):
        wrong = f" in a list or an array, got {short_repr(x)}{to_list(x)}"
    elif row and is_row(row[0]):
        wrong = ", got rows: write model.predict(rows), or [model(row) for row in rows]"
    elif count is not None and len(row) != count:
        wrong = f", got {len(row)}"
    else:
        return row
    raise ValueError(f"{whose} expects {'a row of' if count is None else count} input{'s' * (count != 1)}{wrong}")


# ---- neurons --------------------------------------------------------------------------------------


def linear(x: Any) -> Any:
    """The activation that changes nothing, and leaves no node."""
    return x


unchanged = linear                      # its name in pickles of version 0.1


def activation_named(activation: Any) -> Callable[[Any], Any]:
    """The activation of this name, which is any op with one input, or "linear"; a function is taken as it is."""
    if callable(activation):
        return activation
    if activation is None or (isinstance(activation, str) and not activation):
        return linear
    if letters_of(str(activation)) in ("softmax", "logsoftmax"):
        raise ValueError(f"{activation} takes all outputs of a layer at once, so it is no activation of a neuron: "
                         "leave it out, since cross_entropy takes logits, or write Sequential(model, tg.softmax)")
    one_input = {name: op for name, op in OPS.items()
                 if len(op.inputs) == 1 and not op.rows and None not in op.constants.values()}
    return by_name("activation", activation, {"linear": linear, **one_input, "identity": linear})


def each_named(activations: Any, layers: int) -> list[Callable[[Any], Any]]:
    """A list with the activation of each layer."""
    if not isinstance(activations, list | tuple):
        raise TypeError(f"activations is a list with one for each layer: got {short_repr(activations)}")
    if len(activations) != layers:
        raise ValueError(f"{layers} layers need as many activations, got {len(activations)}")
    return [activation_named(activation) for activation in activations]


def initial_weights(init: str, inputs: int, outputs: int, rng: Random) -> list[float]:
    """One neuron's weights.

    xavier    uniform within √(6 / (inputs + outputs)): Glorot & Bengio, 2010; for tanh and sigmoid
    he        normal with variance 2 / inputs: He and others, 2015; for relu and its kin
    uniform   between -1 and 1
    """
    reaches = {"xavier": math.sqrt(6 / (inputs + outputs)), "he": None, "uniform": 1.0}
    reach = by_name("init", init, reaches)
    if reach is None:
        return [rng.gauss(0.0, math.sqrt(2 / inputs)) for _ in range(inputs)]
    return [rng.uniform(-reach, reach) for _ in range(inputs)]


def random_from(rng: Any) -> Random:
    """The generator that is given, or a new one: of the given seed, or without one different in every run."""
    if isinstance(rng, Random):
        return rng
    return Random(None if rng is None else checked_whole("rng, if not a random.Random,", rng, least=-math.inf))


def checked_size(name: str, n: Any, weights: int = 1) -> int:
    """n as a number of parts, of so many weights each, that a memory can hold."""
    size = checked_whole(name, n)
    if size * weights > MOST_WEIGHTS:
        raise ValueError(f"{name} must be at most {MOST_WEIGHTS // weights}, so that a layer has no more than "
                         f"{MOST_WEIGHTS} weights: got {short_repr(size)}")
    return size


class Neuron(Module):
    """activation(w · x + b).

    inputs       how many numbers it takes
    activation   the name of an op such as "tanh", a function on Values, or None for none
    bias         whether there is a b
    init, rng    how the weights start (see `initial_weights`), and the seed or generator
    fused        w · x as one node; False makes a node of every product and sum, for pictures

    >>> neuron = Neuron(2, "relu", rng=0)
    >>> len(neuron.parameters()), neuron([1.0, 2.0]).op
    (3, 'relu')
    """

    named_for = ""                      # the scope by which the parameters have their labels

    def __init__(self, inputs: int, activation: Activation = None, *, bias: bool = True, init: str = "xavier",
                 rng: int | Random | None = None, fused: bool = True, outputs: int = 1):
        inputs = checked_size("inputs", inputs)
        weights = initial_weights(init, inputs, checked_whole("outputs", outputs), random_from(rng))
        self.w = [Value(weight, label=name_at("w", "", i)) for i, weight in enumerate(weights)]
        self.b = Value(0.0, label=name_at("b", "")) if bias else None
        self.fused = fused
        self.activation = activation_named(activation)
        self.activation_name = "" if self.activation is linear else getattr(self.activation, "__name__", "")
        self.scope = ""

    def set_scope(self, scope: str) -> None:
        self.name_parameters(scope)
        self.scope = scope
        for parameter in self.parameters():
            parameter.scope = scope

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over a pickled neuron; in those of version 0.1 the labels do not tell the place yet."""
        vars(self).update(state)
        if "named_for" not in state and self.scope:
            self.name_parameters(self.scope)

    def name_parameters(self, place: str) -> None:
        """Label the parameters by their place: `w0[2,1]` in "layer 0, neuron 2".  Labels of the user stay."""
        before, self.named_for = self.named_for, place
        for i, weight in enumerate(self.w):
            if weight.label == name_at("w", before, i):
                weight.label = name_at("w", place, i)
        if self.b is not None and self.b.label == name_at("b", before):
            self.b.label = name_at("b", place)

    def __call__(self, x: Iterable[Any]) -> Value:
        return self.forward(x)

    def forward(self, x: Iterable[Any]) -> Value:
        x = checked_row(x, self.scope or "the neuron", len(self.w))
        nodes = [ops.dot(self.w, x)] if self.fused else unfused_dot(self.w, x)
        if self.b is not None:
            nodes.append(nodes[-1] + self.b)
        if self.activation is not linear:
            nodes.append(self.activation(nodes[-1]))
        if self.scope:
            Value.set_scopes(nodes, self.scope)
        return nodes[-1]

    def describe(self) -> str:
        return ", ".join([f"inputs={len(self.w)}", *([self.activation_name] if self.activation_name else [])])


def unfused_dot(w: Sequence[Value], x: Sequence[Any]) -> list[Value]:
    """The nodes of w · x, one for every product and every sum; the last is w · x itself."""
    nodes = [w[0] * x[0]]
    for weight, element in zip(w[1:], x[1:]):
        product = weight * element
        nodes += [product, nodes[-1] + product]
    return nodes


@lru_cache(maxsize=64)
def input_names(count: int) -> list[str]:
    """x0, x1 ...: what plain numbers are called among the inputs of a layer."""
    return [name_at("x", "", i) for i in range(count)]


def input_nodes(row: Sequence[Any]) -> list[Value]:
    """The inputs of a layer: each plain number is one constant for all neurons, and has a name."""
    return [*map(constant, row, input_names(len(row)))]


class Layer(Module):
    """Neurons side by side, each fed all inputs: a list of as many outputs.

    The arguments are those of `Neuron`.

    >>> layer = Layer(2, 3, "relu", rng=0)
    >>> len(layer([1.0, 2.0])), len(layer.parameters())
    (3, 9)
    """

    def __init__(self, inputs: int, outputs: int, activation: Activation = None, *, rng: int | Random | None = None,
                 **options: Any):
        outputs = checked_size("outputs", outputs, checked_whole("inputs", inputs))
        generator = random_from(rng)
        self.neurons = [Neuron(inputs, activation, rng=generator, outputs=outputs, **options) for _ in range(outputs)]
        self.scope = ""
        for i, neuron in enumerate(self.neurons):
            neuron.name_parameters(f"neuron {i}")

    def set_scope(self, scope: str) -> None:
        self.scope = scope
        for i, neuron in enumerate(self.neurons):
            neuron.set_scope(f"{scope}, neuron {i}")

    def __call__(self, x: Iterable[Any]) -> list[Value]:
        return self.forward(x)

    def forward(self, x: Iterable[Any]) -> list[Value]:
        x = checked_row(x, self.scope or "the layer", len(self.neurons[0].w))
        nodes = input_nodes(x)
        return [neuron.forward(nodes) for neuron in self.neurons]

    def describe(self) -> str:
        first = self.neurons[0]
        named = [first.activation_name] if first.activation_name else []
        return ", ".join([f"{len(first.w)} -> {len(self.neurons)}", *named])


class MLP(Module):
    """A multi-layer perceptron: layers one after the other.

    inputs              how many numbers it takes
    sizes               the outputs of each layer; the last is the output of the network
    activation          of the hidden layers
    output_activation   of the last layer; none by default, so that losses can take logits
    activations         one per layer, instead of these two
    bias, init, fused   as for `Neuron`; init is "he" for relu and its kin, else "xavier"
    rng                 seed of the weights: the same seed, the same bits

    The output is a list, or a single Value where the last layer has one neuron.

    >>> model = MLP(2, [16, 16, 1], activation="tanh", rng=0)
    >>> model
    MLP(2 -> 16 -> 16 -> 1)  337 parameters
      layers.0: Layer(2 -> 16, tanh)  48 parameters
      layers.1: Layer(16 -> 16, tanh)  272 parameters
      layers.2: Layer(16 -> 1)  17 parameters
    """

    def __init__(self, inputs: int, sizes: Iterable[int], activation: Activation = "tanh",
                 output_activation: Activation = None, *, activations: Sequence[Activation] | None = None,
                 bias: bool = True, init: str | None = None, rng: int | Random | None = None, fused: bool = True):
        sizes = as_lists(sizes)
        if not isinstance(sizes, list):
            raise TypeError(f"sizes is a list, such as [16, 1]: got {short_repr(sizes)}")
        if not sizes:
            raise ValueError("an MLP needs at least one layer: give the sizes, such as [16, 16, 1]")
        hidden, last = activation_named(activation), activation_named(output_activation)
        per_layer = [hidden] * (len(sizes) - 1) + [last] if activations is None else each_named(activations, len(sizes))
        generator = random_from(rng)
        widths = [checked_whole("inputs", inputs)]
        widths += [checked_whole(f"the size of layer {i}", size) for i, size in enumerate(sizes)]
        self.layers = [
            Layer(widths[i], widths[i + 1], kind, bias=bias, init=default_init(kind) if init is None else init,
                  rng=generator, fused=fused) for i, kind in enumerate(per_layer)]
        self.set_scope("")

    def set_scope(self, scope: str) -> None:
        for i, layer in enumerate(self.layers):
            layer.set_scope(f"{scope}, layer {i}" if scope else f"layer {i}")

    def forward(self, x: Iterable[Any]) -> Any:
        row: Any = x
        for layer in self.layers:
            row = layer(row)
        return row[0] if len(row) == 1 else row

    def describe(self) -> str:
        return " -> ".join(str(n) for n in [len(self.layers[0].neurons[0].w), *[len(la.neurons) for la in self.layers]])


def default_init(activation: Callable[[Any], Any]) -> str:
    """How the weights before this activation start: as He says for relu and its kin, else as Glorot says."""
    return "he" if getattr(activation, "name", "") in ("relu", "leaky_relu", "elu", "silu", "gelu") else "xavier"


class Sequential(Module):
    """Modules and functions one after the other.

    >>> net = Sequential(Layer(2, 3, "relu", rng=0), Dropout(0.5, seed=1), Layer(3, 1, rng=0))
    >>> len(net.parameters())
    13
    """

    def __init__(self, *steps: Any):
        for i, step in enumerate(steps):
            if not callable(step):
                raise TypeError(f"step {i} is neither a module nor a function: got {step!r}")
        self.steps = list(steps)
        self.takes_rows = not steps or getattr(steps[0], "takes_rows", True)
        self.set_scope("")

    def set_scope(self, scope: str) -> None:
        for i, step in enumerate(self.steps):
            if isinstance(step, Module):
                step.set_scope(f"{scope}, step {i}" if scope else f"step {i}")

    def forward(self, x: Any) -> Any:
        for step in self.steps:
            x = step(x)
        return x


class Maxout(Module):
    """The largest of several linear pieces, max over k of wₖ · x + bₖ.  Goodfellow and others, 2013.

    inputs, pieces   how many numbers it takes, and how many lines it is made of

    >>> absolute = Maxout(1, 2, rng=0)
    >>> absolute.load_state_dict({"pieces.0.w.0": 1.0, "pieces.0.b": 0.0, "pieces.1.w.0": -1.0, "pieces.1.b": 0.0})
    >>> absolute([-3.0]).data, absolute([2.0]).data
    (3.0, 2.0)
    """

    def __init__(self, inputs: int, pieces: int = 2, *, init: str = "xavier", rng: int | Random | None = None):
        pieces = checked_size("pieces", pieces, checked_whole("inputs", inputs))
        generator = random_from(rng)
        self.pieces = [Neuron(inputs, init=init, rng=generator) for _ in range(pieces)]
        for i, piece in enumerate(self.pieces):
            piece.name_parameters(f"neuron {i}")

    def set_scope(self, scope: str) -> None:
        for i, piece in enumerate(self.pieces):
            piece.set_scope(f"{scope}, neuron {i}")

    def forward(self, x: Iterable[Any]) -> Value:
        return ops.max([piece(x) for piece in self.pieces])

    def describe(self) -> str:
        return f"{len(self.pieces[0].w)} inputs, {len(self.pieces)} pieces"


class Dropout(Module):
    """Drop each input with a chance of p while training.  Hinton and others, 2012.

    p          the chance to DROP (some texts give the chance to keep)
    inverted   False: the lecture's, nothing is scaled in training and outputs are times 1 - p in
               evaluation.  True (the default, as in most libraries): divided by 1 - p in training,
               and left alone in evaluation.  The expected output is that of evaluation either way;
               never scale in both.
    seed       which units are dropped depends on the seed, the place in the network, the call and
               the unit alone

    The expected output stays the same only through layers that are linear in the dropped units.
    A program made by `tg.compile` drops or not as the network did when it was compiled, the same units as the network.

    >>> dropout = Dropout(0.5, seed=2)
    >>> [unit.data for unit in dropout([1.0, 1.0, 1.0, 1.0])], dropout.eval()([1.0, 1.0])
    ([2.0, 0.0, 0.0, 2.0], [1.0, 1.0])
    """

    def __init__(self, p: float = 0.5, *, inverted: bool = True, seed: int = 0):
        self.p, self.seed = checked_number("p", p, FRACTION), checked_whole("seed", seed, least=-math.inf)
        self.inverted, self.calls, self.place = inverted, 0, 0

    def set_scope(self, scope: str) -> None:
        self.place = zlib.crc32(scope.encode())             # so that no two in a network drop alike

    def forward(self, x: Iterable[Any]) -> list[Any]:
        x = checked_row(x, "dropout")
        if not self.training:
            return list(x) if self.inverted else [ops.mul(1 - self.p, e) for e in x]
        self.calls += 1
        masks = [constant(self.mask(self.calls, i), f"mask{i}") for i in range(len(x))]
        drawn_anew(self, masks)
        return [ops.mul(mask, e) for mask, e in zip(masks, x)]

    def mask(self, call: Any, unit: Any) -> Any:
        """The number, 0 or the scale, by which a call multiplies a unit; of arrays of these an array."""
        kept = uniform(self.seed, self.place, call, unit) >= self.p
        return (1 / (1 - self.p) if self.inverted else 1.0) * kept

    def drawn(self, calls: Any, size: int) -> Any:
        """The masks of so many units for each of an array of calls, for a program: a row for each call."""
        import numpy
        return self.mask(calls.astype(numpy.uint64)[:, None], numpy.arange(size, dtype=numpy.uint64))

    def describe(self) -> str:
        return f"p={self.p!r}, {'inverted' if self.inverted else 'scaled in evaluation'}"
