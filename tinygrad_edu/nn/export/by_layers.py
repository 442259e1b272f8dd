"""A model as a script with a line for each layer: matrices of weights, and many rows at a time."""

import ast
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from ...engine import composites
from ...engine.op import Op
from ...engine.value import Value
from ...fast.source import Plainly
from ..parts import ACTIVATION, DROPOUT, FUNCTION, LAYER, Part, parts_of
from .by_numpy import in_numpy
from .script import NAMES, Expected, check_name, expected, half_squares, whole
from .words import JAX, NO_GRADIENT, TORCH

WORDS_OF = {"torch": TORCH, "jax": JAX}
OVER_ARRAYS = {"where": "np.where", "larger": "np.maximum", "smaller": "np.minimum", "sign": "np.sign",
               "erf": "np.vectorize(erf)", "erfc": "np.vectorize(erfc)"}

CHECK = '''def check(what, got, expected):
    """Assert that an array has the expected numbers: to 12 digits of the largest, or to 12 places below 1."""
    expected = {array}
    assert got.shape == expected.shape, f"{{what}} has the shape {{got.shape}}, not {{expected.shape}}"
    error = float(abs(got - expected).max())
    assert error <= 1e-12 * max(1.0, float(abs(expected).max())), f"{{what}}: the largest error is {{error}}"
'''
ARRAYS = {"torch": "torch.tensor({}, dtype=torch.float64)", "jax": "jnp.array({})", "numpy": "np.array({})"}
OF_ROWS: dict[str, dict[Any, tuple[str, ...]]] = {      # functions of rows; of NumPy also how a gradient g goes back
    "torch": {composites.softmax: ("torch.softmax({0}, -1)",), composites.log_softmax: ("torch.log_softmax({0}, -1)",),
              composites.softmin: ("torch.softmax(-{0}, -1)",)},
    "jax": {composites.softmax: ("jax.nn.softmax({0})",), composites.log_softmax: ("jax.nn.log_softmax({0})",),
            composites.softmin: ("jax.nn.softmax(-{0})",)},
    "numpy": {composites.softmax: ("softmax({0})", "{1} * (g - (g * {1}).sum(-1, keepdims=True))"),
              composites.softmin: ("softmax(-{0})", "{1} * ((g * {1}).sum(-1, keepdims=True) - g)"),
              composites.log_softmax: ("log_softmax({0})", "g - np.exp({1}) * g.sum(-1, keepdims=True)")},
}
SOFTMAX = '''def log_softmax(x):
    shifted = x - x.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def softmax(x):
    return np.exp(log_softmax(x))
'''


class Steps(NamedTuple):
    """A model as steps that a script can have, with the numbers it has to find.

    parts       its layers, activations and functions of rows
    names       {a layer of these: the number that its w and b have in the script}
    rows        the inputs
    outputs     what it makes of them
    graph       the graph of half the sum of the squares of these
    gradients   {parameter: its gradient}
    """

    parts: list[Part]
    names: dict[Any, int]
    rows: list[list[float]]
    outputs: list[list[float]]
    graph: Expected
    gradients: dict[Value, float]

    def numbers(self, part: Part) -> dict[str, tuple[Any, Any]]:
        """{"w0": (its numbers, their gradients)} of a layer; None for the gradients where it is frozen."""
        k, biases = self.names[part.what], [neuron.b for neuron in part.neurons if neuron.b is not None]
        values = {f"w{k}": [neuron.w for neuron in part.neurons], **({f"b{k}": biases} if biases else {})}
        return {name: (nested(group, lambda value: value.data),
                       nested(group, self.gradients.__getitem__) if not first_of(group).is_constant else None)
                for name, group in values.items()}

    def learnt(self) -> dict[str, Any]:
        """{name: gradients} of all that is not frozen."""
        return {name: gradients for part in self.parts if part.kind == LAYER
                for name, (_, gradients) in self.numbers(part).items() if gradients is not None}


def steps_of(model: Any, library: str, rows: list[list[Any]]) -> Steps | None:
    """The steps of a model; None where one of them is no matrix and no known function, so that its graph is needed."""
    parts = [part for part in parts_of(model) if part.kind != DROPOUT or not part.what.inverted]
    layers = [part for part in parts if part.kind == LAYER]
    if not all(is_known(part, library) for part in parts) or not all(isinstance(x, float) for row in rows for x in row):
        return None
    parameters = [value for part in layers for group in groups(part) for value in group]
    if len(set(parameters)) < len(parameters) or any(value.parents for value in parameters):
        return None
    if any(len({value.is_constant for value in group}) > 1 for part in layers for group in groups(part)):
        return None
    outputs, loss = half_squares(model, rows)
    graph = expected(loss)
    gradients = dict(zip(graph.tape.values, graph.gradients.values()))
    names = {part.what: k for k, part in enumerate(layers)}
    return None if graph.infinite else Steps(parts, names, rows, nested(outputs, lambda v: v.data), graph, gradients)


def groups(part: Part) -> list[list[Value]]:
    """The weights of a layer, and its biases."""
    found = [[w for neuron in part.neurons for w in neuron.w], [n.b for n in part.neurons if n.b is not None]]
    return [group for group in found if group]


def is_known(part: Part, library: str) -> bool:
    if part.kind == ACTIVATION:
        op, given = plain_activation(part.what)
        known = isinstance(op, Op) and len(op.inputs) == 1 and not op.rows and given.keys() <= op.constants.keys()
        return known and (library == "numpy" or op in WORDS_OF[library].templates.keys() - NO_GRADIENT)
    return part.kind == LAYER or (part.kind == FUNCTION and bool(of_rows(part, library)))


def of_rows(part: Part, library: str) -> tuple[str, ...]:
    """How a library writes a function of rows; () for others."""
    return next((texts for f, texts in OF_ROWS[library].items() if f is part.what), ())


def plain_activation(activation: Any) -> tuple[Any, dict[str, Any]]:
    """The op of an activation, and the constants it is given."""
    if isinstance(activation, partial) and not activation.args:
        return activation.func, activation.keywords
    return activation, {}


def first_of(values: Any) -> Value:
    return first_of(values[0]) if isinstance(values, list) else values


def nested(values: Any, f: Callable[[Any], Any]) -> Any:
    return [nested(part, f) for part in values] if isinstance(values, list) else f(values)


# ---- the lines ---------------------------------------------------------------------------------------------


def layers_script(steps: Steps, library: str) -> str:
    """A script with a line for each layer and activation."""
    write = {"torch": torch_lines, "jax": jax_lines, "numpy": numpy_lines}[library]
    array = ARRAYS[library]
    loss, output, gradient, lines, definitions = write(steps)
    lines = [f"x = {array.format(laid_out(steps.rows))}", *lines, "",
             f'check("the output", {output}, {laid_out(steps.outputs)})',
             f'check("the value", {loss}, {steps.graph.value!r})']
    lines += [f'check("the gradient by {name}", {gradient.format(name)}, {laid_out(numbers)})'
              for name, numbers in steps.learnt().items()]
    lines.append(f'print("as expected: the output, and {len(steps.graph.gradients)} gradients")')
    check = CHECK.format(array=array.format("expected"))
    title = f"A model by {NAMES[library]}, with the gradients of half the sum of its squared outputs"
    return whole(title, library, [check, *definitions], lines)


def forward(steps: Steps, library: str) -> tuple[list[str], str]:
    """The lines of the layers, and the name of the output."""
    lines, before = [], "x"
    for i, part in enumerate(steps.parts, 1):
        lines.append(f"h{i} = {text_of(steps, part, library, before)}")
        before = f"h{i}"
    return lines, before


def text_of(steps: Steps, part: Part, library: str, before: str) -> str:
    if part.kind == LAYER:
        w, *b = steps.numbers(part)
        return " + ".join([f"{before} @ {w}.T", *b])
    if part.kind == FUNCTION:
        return of_rows(part, library)[0].format(before)
    op, given = plain_activation(part.what)
    return WORDS_OF[library].word(op, [before], {**op.constants, **given})


def parameters(steps: Steps, array: str, wanted: str = "") -> list[str]:
    """The lines of all weights and biases."""
    lines = []
    for part in steps.parts:
        for name, (numbers, gradients) in steps.numbers(part).items() if part.kind == LAYER else ():
            text = array.format(laid_out(numbers))
            lines.append(f"{name} = {text[:-1]}{wanted})" if gradients is not None else f"{name} = {text}")
    return lines


def torch_lines(steps: Steps) -> tuple[str, str, str, list[str], list[str]]:
    lines, output = forward(steps, "torch")
    weights = parameters(steps, ARRAYS["torch"], ", requires_grad=True")
    lines = [*weights, "", *lines, f"loss = 0.5 * ({output} ** 2).sum()", "loss.backward()"]
    return "loss.detach()", f"{output}.detach()", "{0}.grad", lines, []


def jax_lines(steps: Steps) -> tuple[str, str, str, list[str], list[str]]:
    lines, output = forward(steps, "jax")
    names = list(steps.learnt())
    lines = [*parameters(steps, ARRAYS["jax"]), "", "", f"def graph({', '.join(names)}):", *[f"    {x}" for x in lines],
             f"    return 0.5 * ({output} ** 2).sum(), {output}", "", "",
             f"leaves = {{{', '.join(f'{name!r}: {name}' for name in names)}}}",
             "there = jax.value_and_grad(graph, argnums=tuple(range(len(leaves))), has_aux=True)",
             "(loss, output), found = there(*leaves.values())", "gradients = dict(zip(leaves, found))"]
    return "loss", "output", "gradients[{0!r}]", lines, []


def numpy_lines(steps: Steps) -> tuple[str, str, str, list[str], list[str]]:
    """The same, with the way back written out: g is the gradient by the output of a layer."""
    rules = ArrayRules(steps.graph)
    lines, before = [], "x"
    ways_back: list[list[str]] = []
    for i, part in enumerate(steps.parts, 1):
        if part.kind == ACTIVATION:
            op, given = plain_activation(part.what)
            settings = [repr(float(x)) for x in {**op.constants, **given}.values()]
            lines.append(f"h{i}, (s{i},) = {rules.rule(op)}({', '.join([before, *settings])})")
            ways_back.append([f"g = g * s{i}"])
        else:
            lines.append(f"h{i} = {text_of(steps, part, 'numpy', before)}")
            ways_back.append(way_back(steps, part, before, f"h{i}"))
        before = f"h{i}"
    back = [line for way in reversed(ways_back) for line in way]
    softmax = [SOFTMAX] * any(part.kind == FUNCTION for part in steps.parts)
    lines = [*parameters(steps, ARRAYS["numpy"]), "", *lines, f"loss = 0.5 * ({before} ** 2).sum()", "",
             f"g = {before}", *back]
    return "loss", before, "d_{0}", [in_numpy(line) for line in lines], [*softmax, *map(in_numpy, rules.rules.values())]


def way_back(steps: Steps, part: Part, before: str, after: str) -> list[str]:
    """How g goes back through a layer, whose own gradients are found on the way, or through a function of rows."""
    if part.kind == FUNCTION:
        return [f"g = {of_rows(part, 'numpy')[1].format(before, after)}"]
    sums = {"w": f"g.T @ {before}", "b": "g.sum(0)"}
    names = steps.numbers(part)
    lines = [f"d_{name} = {sums[name[0]]}" for name, (_, gradients) in names.items() if gradients is not None]
    return [*lines, f"g = g @ {next(iter(names))}"] if before != "x" else lines


class ArrayRules(Plainly):
    """The rules of activations as functions of arrays: (value, slopes)."""

    def __init__(self, graph: Expected):
        super().__init__(self)
        self.graph, self.known = graph, dict[str, Op]()
        self.rules: dict[str, str] = {}

    def form_of(self, op: Op) -> Callable:
        return self.graph.form_of(op)

    def rule(self, op: Op) -> str:
        check_name(self.known, op)
        name = f"{op.name}_rule"
        if name not in self.rules:
            text = self.function(op)                            # which may write another first
            self.rules[name] = text
        return name

    def visit_Call(self, node: ast.Call) -> ast.expr:
        word = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if word in OVER_ARRAYS:
            return ast.Call(ast.Name(OVER_ARRAYS[word]), [self.visit(argument) for argument in node.args], [])
        return super().visit_Call(node)


def laid_out(numbers: Any) -> str:
    """Nested lists of floats in Python, each row of a matrix on a line."""
    if isinstance(numbers, list) and len(numbers) > 1 and isinstance(numbers[0], list):
        return "[\n    " + ",\n    ".join(map(repr, numbers)) + "]"
    return repr(numbers)
