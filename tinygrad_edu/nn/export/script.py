"""A graph as a script for PyTorch, JAX or NumPy that computes it again and asserts the numbers we expect."""

import math
import re
from collections.abc import Callable, Iterable
from keyword import iskeyword
from typing import Any, NamedTuple
from unicodedata import normalize

from ...engine import ops
from ...engine.arrays import as_lists, is_value
from ...engine.graph import leaves_in, walked_back
from ...engine.number import number, short_repr
from ...engine.op import Op
from ...engine.value import Value
from ...fast.source import FROM_MATH, WORDS, Lesson, imports_of_math, words_in
from ...fast.tape import Tape, recorded
from ..checks import by_name
from ..modules import Module, are_rows
from .words import JUMPING

NAMES = {"torch": "PyTorch", "jax": "JAX", "numpy": "NumPy"}
LIBRARIES = tuple(NAMES)
IMPORTS = {
    "torch": ["import torch", "from torch.nn import functional"], "numpy": ["import numpy as np"],
    "jax": ["import jax", "import jax.numpy as jnp", "", 'jax.config.update("jax_enable_x64", True)'],
}
DIGITS = "1e-12"
SAME = 1e-15
TAKEN = frozenset((*FROM_MATH, *WORDS, *"""abs arrived by_rule check dict f flat float found functional graph gradients
    int jax jnp leaves len math max np print range round torch tuple value zip""".split()))
CHECK = f'''def check(what, got, expected):
    """Assert that a number is the expected one: to 12 digits, or to 12 places where it is below 1."""
    got = float(got)
    assert abs(got - expected) <= {DIGITS} * max(1.0, abs(expected)), f"{{what}} is {{got!r}}, not {{expected!r}}"
'''


class Expected(NamedTuple):
    """A graph with the numbers that a script has to find.

    tape        its nodes; the leaves that want a gradient are its parameters
    names       {leaf of these: what it is called in the script}
    value       the number of the output
    gradients   {leaf: its gradient}
    slopes      the local gradients of each node
    infinite    is there an infinite slope, behind a branch that was not taken?
    textbook    the operations whose textbook form gives the same numbers here
    """

    tape: Tape
    names: dict[int, str]
    value: float
    gradients: dict[int, float]
    slopes: list[tuple[float, ...]]
    infinite: bool
    textbook: frozenset[Op]

    def form_of(self, op: Op) -> Callable:
        """The form of its rule that is written."""
        return op.textbook if op in self.textbook else op.rule


def script(what: Any, library: str = "torch", x: Any = None) -> str:
    """A program for another library that computes the same graph, and asserts that it finds our numbers.

    what      a Value; or a model, of which it is half the sum of the squares of all outputs
    library   "torch", "jax" or "numpy"
    x         for a model, what it is given: a row, or a list of rows; dropout is off

    A model of layers is written with matrices, any other as the graph of its single numbers.  The script needs that
    library alone.  PyTorch and JAX find the gradients by their own means; for NumPy the way back is written out.
    Leaves go by their labels.  What a library has not, or has with another gradient somewhere, is written by our rule.

    Raises ValueError where the value or a gradient is not finite, or a node cannot be printed; ReplayError for a node
    that was made by hand; RuntimeError for a constant.

    >>> import tinygrad_edu as tg
    >>> x, y = tg.Value(2.0, label="x"), tg.Value(3.0, label="y")
    >>> print(tg.script(x * y, "numpy"))        # doctest: +ELLIPSIS
    \"""The value and 2 gradients of a graph, by NumPy: each number is asserted to 12 digits.\"""
    ...
    x = np.float64(2.0)
    y = np.float64(3.0)
    <BLANKLINE>
    v1 = x * y
    ...
    """
    library = by_name("library", library, {name: name for name in LIBRARIES})
    if isinstance(what, Module):
        return model_script(what, library, x)
    if not is_value(what):
        raise TypeError(f"a Value or a model is needed, not {type(what).__name__}: got {short_repr(what)}")
    return graph_script(expected(what), library)


def graph_script(graph: "Expected", library: str) -> str:
    """The script of a graph."""
    if library == "numpy":
        from .by_numpy import numpy_script
        return numpy_script(graph)
    from .by_library import jax_script, torch_script
    return (torch_script if library == "torch" else jax_script)(graph)


def model_script(model: Module, library: str, x: Any) -> str:
    """The script of a model: by its layers if it has no other parts, else by its graph."""
    from .by_layers import layers_script, steps_of
    given = as_lists(x)
    if not isinstance(given, list) or not given:
        raise ValueError(f"a model needs an input: tg.script(model, {library!r}, [0.5, -1.0]); got {short_repr(x)}")
    rows = given if model.takes_rows and are_rows(given) else [given]
    rows = [[e if is_value(e) else number(e) for e in row] for row in rows]
    steps = steps_of(model, library, rows)
    return layers_script(steps, library) if steps else graph_script(expected(half_squares(model, rows)[1]), library)


def half_squares(model: Module, rows: list[Any]) -> tuple[list[list[Value]], Value]:
    """(outputs, half the sum of their squares) of a model, with dropout off."""
    with model.evaluating():
        found = [model(row) for row in rows]
    outputs = [row if isinstance(row, list) else [row] for row in found]
    flat = [value for row in outputs for value in row]
    return outputs, ops.mul(0.5, ops.dot(flat, flat))


def expected(output: Value) -> Expected:
    """A graph with its numbers; nothing of it is changed."""
    if not is_value(output) or output.is_constant:          # a model without parameters gives numbers
        raise RuntimeError("nothing here needs a gradient: every leaf of this graph is a constant")
    tape, order = recorded([output], [])
    arrived = walked_back(order, 1.0)[0]
    place = {node: i for i, node in enumerate(order)}
    leaves = leaves_in(order)
    names = dict(zip(map(place.__getitem__, leaves), variable_names(leaf.label for leaf in leaves)))
    gradients = {place[leaf]: arrived.get(leaf, 0.0) for leaf in leaves}
    for i, found in [(len(order) - 1, output.data), *gradients.items()]:
        if not math.isfinite(found):
            whose = f"the gradient by {names[i]}" if i in names else "the value"
            raise ValueError(f"{whose} is {found}, so a script has nothing to assert: write it where all is finite")
    jumps = any(op is not None and (op.jumps or op in JUMPING) for op in tape.ops)     # a last digit may decide there
    within = 0.0 if jumps else SAME
    accurate = {op for node, op in zip(order, tape.ops)             # what is multiplied later must be the closer now
                if op and not textbook_will_do(op, node, within / max(1.0, abs(arrived.get(node, 0.0))))}
    infinite = not all(math.isfinite(slope) for node in order for slope in node.local_grads)
    return Expected(tape, names, output.data, gradients, [node.local_grads for node in order], infinite,
                    frozenset(op for op in tape.ops if op) - accurate)


def textbook_will_do(op: Op, node: Value, within: float) -> bool:
    """Does the rule that people read give a node's number and slopes, but for the last digits?

    That of a slope node has no other form.
    """
    if op.hidden:
        return True
    try:
        value, slopes = op.textbook(*op.in_rows([parent.data for parent in node.parents]), **node.constants)
        found = [float(value), *map(float, op.one_by_one(slopes))]
    except (ArithmeticError, ValueError):
        return False
    return all(abs(x - y) <= within * max(1.0, abs(y)) for x, y in zip(found, [node.data, *node.local_grads]))


class GraphLesson(Lesson):
    """The lines of a script: leaves go by their names, and rules are the textbook's where these will do."""

    def __init__(self, graph: Expected):
        super().__init__(graph.tape, [])
        self.graph, self.known = graph, dict[str, Op]()
        self.place = {}                                 # no leaf is a place in a list
        for i, name in graph.names.items():
            self.name[i] = name

    def form_of(self, op: Op) -> Callable:
        return self.graph.form_of(op)

    def rule(self, op: Op) -> str:
        check_name(self.known, op)
        return super().rule(op)

    def belonging_to(self, i: int, letter: str) -> str:
        return f"{letter}_{self.name[i]}"


def check_name(known: dict[str, Op], op: Op) -> None:
    """Refuse an op whose rule would be called like that of another, or could not be called."""
    if known.setdefault(op.name, op) is not op:
        raise ValueError(f"two ops are called {op.name}: give one of them another name, to be in one script")
    if not op.name.isidentifier():
        raise ValueError(f"an op called {op.name!r} cannot be printed: give its function a name")


def variable_names(labels: Iterable[str]) -> list[str]:
    """Labels as names of variables, each of which nothing else in a script has.

    >>> variable_names(["x", "w0[2,1]", "lambda", "", "x", "exp", "v3", "print('')"])
    ['x', 'w0_2_1', 'lambda_', 'x4', 'x_', 'exp_', 'x_v3_', 'print_']
    """
    taken, names = set(TAKEN), []
    for i, label in enumerate(labels, 1):
        name = re.sub(r"\W+", "_", normalize("NFKC", label)).strip("_") or f"x{i}"
        if not name.isidentifier() or re.fullmatch(r"[cvds]\d*|[ds]_.*|\w+_rule", name):
            name = f"x_{name}_" if f"x_{name}".isidentifier() else f"x{i}"
        while name in taken or iskeyword(name):
            name += "_"
        taken.add(name)
        names.append(name)
    return names


def checks(graph: Expected, output: str, gradient_of: str) -> list[str]:
    """The lines that assert all numbers; `gradient_of` is a template for what holds the gradient by a leaf."""
    lines = [f'check("the value", {output}, {graph.value!r})']
    lines += [f'check("the gradient by {graph.names[i]}", {gradient_of.format(graph.names[i])}, {number!r})'
              for i, number in graph.gradients.items()]
    return [*lines, f'print("as expected: the value, and {len(graph.gradients)} of its gradients")']


def title_of(graph: Expected, library: str) -> str:
    count = len(graph.gradients)
    return f"The value and {count} gradient{'s' * (count != 1)} of a graph, by {NAMES[library]}"


def whole(title: str, library: str, functions: list[str], lines: list[str]) -> str:
    """A whole script: its title, what it imports, the functions it needs, and its lines."""
    imported = [line for line in IMPORTS[library] if "functional" not in line or any("functional." in x for x in lines)]
    body = "\n\n\n".join(["\n".join(lines), *functions])
    needed = words_in(body)
    from_math = imports_of_math("\n".join([body, *needed]))
    said = f'"""{title}: each number is asserted to 12 digits."""'
    start = [said, "", *from_math, *[""] * bool(from_math), *imported]
    return "\n\n\n".join(part.rstrip("\n") for part in ["\n".join(start), *needed, *functions, "\n".join(lines)]) + "\n"
