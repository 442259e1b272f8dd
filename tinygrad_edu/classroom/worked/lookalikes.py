"""Which bug models give a wrong number of worked steps: at the step itself, and in the whole graph."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from fractions import Fraction
from typing import Any

from ...engine.errors import NotRationalError, errstate
from ...engine.op import OPS
from ...engine.value import Value, constant
from ..faults.model import Model
from ..faults.models import MODELS, paths
from ..faults.small import Value as Engine
from ..faults.small import function
from ..graphs import SmallGraph
from .written import Atom, Number, Written

MOST_PATHS = 1000                       # of a graph that all models are tried on
FAILURES = ArithmeticError, AttributeError, NotRationalError, RecursionError, TypeError, ValueError


def small_graph(made: Mapping[str, Written], numbers: Mapping[str, Number]) -> SmallGraph | None:
    """The nodes as a small graph, with these numbers at its leaves; None if it has operations of rows, inf or nan."""
    if not all(math.isfinite(float(number.value)) for number in numbers.values()):
        return None
    with errstate(all="ignore"):
        graph = recorded(made, numbers)
    return graph if graph.lines and all(is_small(line.op) for line in graph.lines) else None


def recorded(made: Mapping[str, Written], numbers: Mapping[str, Number]) -> SmallGraph:
    """The nodes, one made of the other, as a small graph."""
    nodes: dict[Atom, Value] = {}
    at: dict[str, str] = {}
    for name, written in made.items():
        for atom in written.atoms:
            if atom not in nodes and isinstance(atom, str):
                at[atom] = str(numbers[atom].value)
                nodes[atom] = Value(float(numbers[atom].value), label=atom)
        nodes[name] = written.build([constant(float(a.value)) if isinstance(a, Number) else nodes[a]
                                     for a in written.atoms])
        nodes[name].label = name
    return SmallGraph.of_node(nodes[name], at)


def is_small(op: str) -> bool:
    return op in OPS and not OPS[op].rows and (op == "pow" or not OPS[op].constants)


def tried(compute: Callable[[type[Engine]], Iterable[Any]], claim: Number) -> set[str]:
    """The models for which one of the computed numbers is the claimed one."""
    found = set()
    for model in MODELS.values():
        try:
            if model.engine and any(claim.is_like(Number(x)) for x in compute(model.engine)):
                found.add(model.name)
        except FAILURES:
            continue
    return found


def run(graph: SmallGraph, engine: type[Engine]) -> dict[str, Engine]:
    """The nodes of a graph in a wrong engine, which computes with fractions where it can."""
    try:
        return graph.run(lambda _, number: engine(number), function(engine))
    except NotRationalError:
        return graph.run(lambda _, number: engine(float(number)), function(engine))


def like_value(graph: SmallGraph, claim: Number) -> set[str]:
    """The models that compute this value of the last line."""
    return tried(lambda engine: [run(graph, engine)[graph.output].data], claim)


def like_seed(claim: Number) -> set[str]:
    """The models whose backward pass starts with this number."""
    def seeds(engine: type[Engine]) -> list[Any]:
        output = engine(Fraction(2)) * engine(Fraction(3))
        output.seed()
        return [output.grad]
    return tried(seeds, claim)


def like_slope(graph: SmallGraph, leaf: str, claim: Number) -> set[str]:
    """The models with this local derivative of the last line."""
    def slopes(engine: type[Engine]) -> list[Any]:
        nodes = run(graph, engine)
        return [slope for parent, slope in nodes[graph.output].edges(nodes[graph.output]) if parent is nodes[leaf]]
    return tried(slopes, claim)


def like_gradient(shares: list[tuple[SmallGraph, Number]], leaf: str, before: Number, claim: Number) -> set[str]:
    """The models by which a gradient is the claimed one, after these nodes have passed theirs on.

    shares   (how a node is made, the gradient that it passes on)
    """
    def after(engine: type[Engine]) -> list[Any]:
        found = [before.value]
        for graph, upstream in shares:
            found = passed_on(graph, engine, leaf, found[0], upstream.value)
        return found
    return tried(after, claim)


def passed_on(graph: SmallGraph, engine: type[Engine], leaf: str, before: Any, upstream: Any) -> list[Any]:
    """What the gradient of a leaf may be after the last line passed its own on: after each arrow, and in the end."""
    watched: Any = type("Watched", (engine,), {"receive": watched_receive, "told": []})
    nodes = run(graph, watched)
    output = nodes[graph.output]
    nodes[leaf].grad, output.grad = before, upstream
    for node in reversed([node for node in nodes.values() if node.parents]):
        node.pass_on(node)
    told = [number for node, old, new in watched.told if node is nodes[leaf] for number in (new, before + (new - old))]
    return [nodes[leaf].grad, *told]


def watched_receive(self: Any, upstream: Any, local_grad: Any) -> None:
    """`receive`, with a note of the gradient before and after."""
    before = self.grad
    super(type(self), self).receive(upstream, local_grad)
    self.told.append((self, before, self.grad))


def like_whole(graph: SmallGraph | None, claimed: Mapping[str, Number]) -> set[str]:
    """The models that give all these gradients of a whole graph; leaves that are left out have none."""
    if graph is None or not claimed.keys() & graph.at.keys() or paths(graph) > MOST_PATHS:
        return set()
    def agrees(engine: type[Engine]) -> list[int]:
        nodes = run(graph, engine)
        nodes[graph.output].backward()
        return [int(all(claimed.get(leaf, Number(0)).is_like(Number(nodes[leaf].grad)) for leaf in graph.at))]
    return tried(agrees, Number(1))


def wrong_passes(order: list[Value]) -> Iterator[tuple[Model, dict[Value, Engine]]]:
    """Both passes of a recorded graph in each faulty engine: {node: the same in that engine}; large graphs have none.

    order   every node, parents before children
    """
    leaves = {node.label: node for node in order if not node.parents and node.label}
    graph = SmallGraph.of_node(order[-1], {name: repr(node.data) for name, node in leaves.items()})
    results = {line.name: node for line, node in zip(graph.lines, [node for node in order if node.parents])}
    nodes = leaves | results
    is_unclear = len(nodes) < sum(bool(node.parents or node.label) for node in order)      # two go by one name
    if is_unclear or not graph.lines or not all(is_small(line.op) for line in graph.lines) or paths(graph) > MOST_PATHS:
        return
    for model in MODELS.values():
        if model.engine:
            with suppress(*FAILURES):
                made = run(graph, model.engine)
                made[graph.output].backward()
                yield model, {node: made[name] for name, node in nodes.items()}
