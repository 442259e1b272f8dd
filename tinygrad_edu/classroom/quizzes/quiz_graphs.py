"""Random graphs for questions, what is right for them, and the wrong answers that faulty engines give."""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import chain
from math import isfinite
from typing import Any

from ...engine.formula import Formula
from ...engine.printer import text
from ...show.page import sentences
from ...show.steps import steps
from ..faults.models import MODELS, Model, attempt
from ..faults.small import Value, function
from ..graphs import Line, SmallGraph
from .questions import MOST_WRONG, Answer, Blank, Draw, Wrong, is_short

NUMBERS = (-4, -3, -2, 2, 3, 4, 5)          # of leaves
NAMES = "uvwpqrs"                           # of lines; the last line is f
BINARY = ("add", "sub", "mul")

Found = Iterable[tuple[Model, dict[str, Any]]]          # faulty engines, with the gradients that they compute


def said(key: str, **holes: object) -> str:
    """A sentence of a question, its holes filled."""
    return sentences("questions")[key].format(**holes)


def title_of(model: Model) -> str:
    """The fault of an engine in a plain phrase."""
    return sentences("faults")[model.name]


def drawn_graph(draw: Draw, count: int, ops: Sequence[str], leaves: str = "abc", branches: bool = False) -> SmallGraph:
    """A graph of so many lines, every one of which is used, and of two leaves at least; nothing is taken from itself.

    branches   may a line be made of anything earlier?  Otherwise it is made of the line before it, and something, so
               that there is one order only, and what a faulty engine gives does not depend on it
    """
    while True:
        graph = any_graph(draw, count, ops, leaves, branches)
        used = {name for line in graph.lines for name in line.inputs}
        is_dull = any(op == "sub" and inputs[0] == inputs[1] for _, op, inputs in graph.lines)
        if len(graph.at) > 1 and {line.name for line in graph.lines[:-1]} <= used and not is_dull:
            return graph


def any_graph(draw: Draw, count: int, ops: Sequence[str], leaves: str, branches: bool) -> SmallGraph:
    """A graph of so many lines."""
    names, lines = list(leaves), list[Line]()
    for i in range(count):
        op, before = draw.one_of(ops), lines[-1].name if lines and not branches else draw.one_of(names)
        pair = draw.some_of((before, draw.one_of(names)), 2)
        inputs = tuple(pair) if op in BINARY else (before, draw.one_of("23")) if op == "pow" else (before,)
        lines.append(Line("f" if i == count - 1 else NAMES[i], op, inputs))
        names.append(lines[-1].name)
    used = {name for line in lines for name in line.inputs}
    numbers = draw.some_of(NUMBERS, len(leaves))
    return SmallGraph(tuple(lines), {leaf: str(number) for leaf, number in zip(leaves, numbers) if leaf in used})


def solved(graph: SmallGraph) -> dict[str, Value]:
    """{name: node} of every leaf and line after the backward pass, all in Fractions."""
    made = graph.run(lambda name, number: Value(number), function(Value))
    made[graph.output].backward()
    return made


def by_models(graph: SmallGraph) -> Iterator[tuple[Model, dict[str, Any]]]:
    """Each faulty engine, with the gradients that it computes; those that stop with an error are left out."""
    for model in MODELS.values():
        if model.engine and (found := attempt(graph, model, ())):
            yield model, found


def mistakes(found: Found, leaf: str, right: Fraction) -> Iterator[Wrong]:
    """Wrong gradients by a leaf that faulty engines give; nobody is tempted by 0."""
    for model, wrong in found:
        if wrong[leaf] not in (right, 0) and isfinite(wrong[leaf]):
            yield Wrong(Fraction(wrong[leaf]), said("fault_gives", fault=title_of(model)))


def distinct(right: Answer, slips: Iterable[Wrong]) -> tuple[Wrong, ...]:
    """The first few of these wrong answers that are short, wrong, and different from one another."""
    kept: dict[Answer, Wrong] = {}
    for slip in slips:
        if slip.answer != right and is_short(slip.answer):
            kept.setdefault(slip.answer, slip)
        if len(kept) == MOST_WRONG:
            break
    return tuple(kept.values())


def gradient_blank(nodes: dict[str, Value], leaf: str, found: Found, *slips: Wrong) -> Blank:
    """The place for the gradient of f by a leaf; these slips come before those of faulty engines."""
    right = Fraction(nodes[leaf].grad)
    return Blank(f"∂f/∂{leaf}", right, distinct(right, chain(slips, mistakes(found, leaf, right))))


def both_passes(graph: SmallGraph) -> tuple[Blank, ...]:
    """A place for each value that is computed and for each gradient; none if a gradient is 0: there is little to do."""
    nodes, lines = solved(graph), [line.name for line in graph.lines]
    if any(node.grad == 0 for node in nodes.values()):
        return ()
    found = list(by_models(graph))
    return (*[Blank(name, Fraction(nodes[name].data)) for name in lines],
            *[Blank(f"∂f/∂{name}", Fraction(nodes[name].grad)) for name in reversed(lines)],
            *[gradient_blank(nodes, leaf, found) for leaf in graph.at])


def worked(graph: SmallGraph) -> tuple[str, ...]:
    """Every step of both passes, as the engine of the package takes them."""
    return tuple(event.text for event in steps(graph.values()[graph.output]))


def inlined(graph: SmallGraph) -> str:
    """All lines as one expression; there are operators only.

    >>> inlined(SmallGraph.of("u = a + b; v = -u; f = v * b", a=1, b=2))
    '-(a + b) * b'
    """
    return text(graph.run(lambda name, number: Formula(name))[graph.output])


def told(graph: SmallGraph) -> tuple[str, ...]:
    """The lines of a graph, after one with the numbers of its leaves."""
    return (", ".join(f"{name} = {number}" for name, number in graph.at.items()), *program(graph))


def program(graph: SmallGraph) -> tuple[str, ...]:
    """The lines of a graph as Python."""
    return tuple(line.text for line in graph.lines)
