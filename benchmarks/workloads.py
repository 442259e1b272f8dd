"""What is computed: programs made of single numbers, the same for every peer.

A program is given its peer, for the few words that differ between engines (`relu`, `dot`,
`total`), and the leaves; everything else is said with + - * / **.
"""

import json
from collections.abc import Callable, Sequence
from functools import cache, partial, reduce
from itertools import pairwise
from operator import add, mul
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from . import ROOT, graph

POINTS = 100
SIZES = (2, 16, 16, 1)
OPERATIONS = 10_000
LARGE = 1_000_000
NAME = "matilda"                # that the GPT takes its step on
NOTEBOOK = ROOT / "notebooks" / "12_a_gpt_out_of_scalars.ipynb"


class Workload(NamedTuple):
    """A program and the numbers of its leaves.

    A program is a function of a peer and its leaves; where it is text, a statement about one leaf `x`.
    The peers of `training.py` take a `Task` instead, and those of `script.py` the path of a file.
    """

    title: str
    program: Any
    numbers: Sequence[float] = ()
    c: str = ""                                         # the name of the same in limit.c,
    data: Sequence[float] = ()                          # and the plain numbers that one is given
    after: Callable[[list[Any]], None] | None = None    # what is done with the leaves and their gradients
    large: bool = False                                 # so large that each turn begins with a run that is not timed


# ---- micrograd's README -------------------------------------------------------------------------------


def readme(peer: Any, leaves: list[Any]) -> Any:
    """The expression that micrograd's README begins with."""
    a, b = leaves
    c = a + b
    d = a * b + b**3
    c = c + (c + 1)
    c = c + (1 + c + (-a))
    d = d + (d * 2 + peer.relu(b + a))
    d = d + (3 * d + peer.relu(b - a))
    e = c - d
    f = e**2
    g = f / 2.0
    return g + 10.0 / f


# ---- a network ----------------------------------------------------------------------------------------


def every_node(peer: Any, w: list[Any], x: list[Any]) -> Any:
    """w · x with a node for every product and every sum."""
    return reduce(add, map(mul, w, x))


def one_node(peer: Any, w: list[Any], x: list[Any]) -> Any:
    return peer.dot(w, x)


def network(dot: Callable[[Any, list[Any], list[Any]], Any], peer: Any, leaves: list[Any]) -> Any:
    """The mean squared error of a network of relu neurons."""
    *hidden, last = layers_of(leaves)

    def error(point: Any) -> Any:
        x = point[:-1]
        for layer in hidden:
            x = [peer.relu(dot(peer, w, x) + b) for *w, b in layer]
        [[*w, b]] = last
        difference = dot(peer, w, x) + b - point[-1]
        return difference * difference
    return peer.total(error, points()) * (1 / POINTS)


def layers_of(leaves: list[Any]) -> list[list[list[Any]]]:
    """For each layer its neurons, each a list of weights and, last, the bias."""
    layers, start = [], 0
    for inputs, outputs in pairwise(SIZES):
        ends = range(start + inputs + 1, start + outputs * (inputs + 1) + 1, inputs + 1)
        layers.append([leaves[end - inputs - 1:end] for end in ends])
        start = ends[-1]
    return layers


@cache
def points() -> list[list[float]]:
    """Two inputs and a target: is the point inside a circle?"""
    random = Random(0)
    inputs = [[random.uniform(-1.0, 1.0) for _ in range(SIZES[0])] for _ in range(POINTS)]
    return [[*x, 1.0 if sum(e * e for e in x) < 0.5 else -1.0] for x in inputs]


def network_workload(nodes: str, dot: Callable[[Any, list[Any], list[Any]], Any]) -> Workload:
    title, random = f"a {'-'.join(map(str, SIZES))} relu network, {POINTS} points, {nodes}", Random(1)
    numbers = [random.gauss(0.0, (2 / inputs) ** 0.5) for inputs, outputs in pairwise(SIZES)
               for _ in range(outputs * (inputs + 1))]
    return Workload(title, partial(network, dot), numbers, "network", [x for point in points() for x in point])


# ---- a GPT --------------------------------------------------------------------------------------------


@cache
def gpt_code() -> dict[str, Any]:
    """What the cells of the notebook define that are tagged "model"."""
    scope: dict[str, Any] = {}
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if "model" in cell["metadata"].get("tags", ()):
            exec("".join(cell["source"]), scope)
    return scope


def gpt_workload() -> Workload:
    """One step of training on one name: the loss, its gradients, Adam."""
    code = gpt_code()
    shapes = {name: (len(matrix), len(matrix[0])) for name, matrix in code["new_weights"](float, seed=0).items()}

    def program(peer: Any, leaves: list[Any]) -> Any:
        return code["loss_of"](shaped(leaves, shapes), NAME)

    def after(leaves: list[Any]) -> None:
        averages = [0.0] * len(leaves), [0.0] * len(leaves)
        code["adam"](leaves, averages, step=1, lr=0.01)
    numbers = code["all_of"](code["new_weights"](float, seed=0))
    tokens = [float(code["LETTERS"].index(letter)) for letter in f".{NAME}."]
    return Workload(f"a step of the scalar GPT, on the name {NAME}", program, numbers, "gpt", tokens, after)


def shaped(leaves: list[Any], shapes: dict[str, tuple[int, int]]) -> dict[str, list[list[Any]]]:
    """The leaves, in their order, as the matrices of these names and shapes."""
    weights, start = {}, 0
    for name, (rows, columns) in shapes.items():
        end = start + rows * columns
        weights[name] = [leaves[i:i + columns] for i in range(start, end, columns)]
        start = end
    return weights


# ---- large graphs -------------------------------------------------------------------------------------


def random_workload() -> Workload:
    plan = graph.random_plan(seed=0, operations=OPERATIONS)
    codes = {graph.relu: 0, add: 1, mul: 2}
    steps = [float(x) for operation, first, second in plan.steps for x in (codes[operation], first, second)]
    return Workload(f"a random graph of {OPERATIONS:,} operations",
                    lambda peer, leaves: graph.carried_out(plan, leaves, peer.relu), plan.leaves,
                    "tape", [float(len(plan.numbers)), *plan.numbers, *steps])


def chain_workload(nodes: int) -> Workload:
    """Each node is made from the one before it, so the graph is as deep as it is long."""
    def program(peer: Any, leaves: list[Any]) -> Any:
        x, a, b = leaves
        for _ in range(nodes // 2):
            x = x * a + b
        return x
    return Workload(f"a chain of {nodes:,} nodes", program, [1.0, -1.0, 0.5], "chain", [float(nodes)],
                    large=nodes > LARGE)


def fan_workload(nodes: int) -> Workload:
    """Two leaves are used by half of the nodes; the others add these up, two by two."""
    def program(peer: Any, leaves: list[Any]) -> Any:
        x, a = leaves
        row = [x * a for _ in range((nodes + 1) // 2)]
        while len(row) > 1:
            rest = iter(row)
            row = [*map(add, rest, rest), *row[len(row) // 2 * 2:]]
        return row[0]
    return Workload(f"a fan of {nodes:,} nodes", program, [1.5, 0.75], "fan", [float(nodes)], large=nodes > LARGE)


# ---- what is no program of single numbers ---------------------------------------------------------------


class Task(NamedTuple):
    """Examples of scikit-learn by their name here, how many, and the sizes of the network that learns them."""

    data: str
    count: int
    sizes: tuple[int, ...]


def training_workload(data: str, count: int, *sizes: int) -> Workload:
    network = "-".join(map(str, sizes))
    return Workload(f"training, an epoch of {count} {data}: {network}, relu, Adam, batches of 16",
                    Task(data, count, sizes))


def workload_named(name: str) -> Workload:
    """`chain-10000` is the chain of so many nodes, `single-x.exp()` that operation; other names say all."""
    kind, _, rest = name.partition("-")
    if not rest:
        return (WORKLOADS | TRAINING)[kind]()
    if kind == "single":
        return Workload(rest, rest, [0.75])
    if kind == "script":
        return Workload("a GPT in one file", Path(rest))
    return {"chain": chain_workload, "fan": fan_workload}[kind](int(rest))


WORKLOADS: dict[str, Callable[[], Workload]] = {
    "readme": lambda: Workload("the expression of micrograd's README", readme, [-4.0, 2.0], "readme"),
    "network": lambda: network_workload("a node for each × and +", every_node),
    "fused": lambda: network_workload("a node for each w · x", one_node),
    "gpt": gpt_workload,
    "random": random_workload,
}
TRAINING: dict[str, Callable[[], Workload]] = {
    "moons": lambda: training_workload("moons", 200, 2, 16, 16, 2),
    "digits": lambda: training_workload("digits", 500, 64, 32, 10),
}
