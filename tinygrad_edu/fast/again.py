"""Rows run again by the engine, one after the other: for its exact errors, and where numbers are not finite.

One graph stands at a time, so that a long batch takes no more memory than a row.
"""

import math
from collections.abc import Callable
from typing import Any

from ..engine import ops
from ..engine.errors import DomainError, GradientError, recorded_anyway, strict
from ..engine.graph import check_leaves, walked_back
from ..engine.value import Value, constant, topological_order
from .tape import Tape

Array = Any                                             # of numpy: a row of numbers for each example
REDUCTIONS: dict[str, Callable] = {"mean": ops.mean, "sum": ops.sum}


def outputs_of(tape: Tape, rows: Array) -> list[list[float]]:
    """What a program gives for each row."""
    return [[output.data for output in graph_of_row(tape, tape.values, row, k)[0]] for k, row in enumerate(rows)]


def backward(tape: Tape, rows: Array, reduce: str) -> tuple[float, list[float]]:
    """The reduced output, and its gradients by the parameters: a sum over the rows, from the last to the first."""
    loss = REDUCTIONS[reduce]([x for [x] in outputs_of(tape, rows)])
    seed = loss if loss != loss else 1 / len(rows) if reduce == "mean" else 1.0     # the slopes of a nan are nan
    sums = [0.0] * len(tape.values)
    with recorded_anyway():
        for k in reversed(range(len(rows))):
            [output], _ = graph_of_row(tape, tape.values, rows[k], k)
            so_far = Value(0.0, [output, *tape.values], [seed, *sums])      # which passes on the sums first
            arrived = walked_back(topological_order(so_far), 1.0)[0]
            sums = [arrived.get(parameter, 0.0) for parameter in tape.values]
        if strict.get() and not all(map(math.isfinite, sums)):
            for k, row in enumerate(rows):
                slopes_of_row(graph_of_row(tape, tape.values, row, k)[0][0], k, seed)
            check_leaves(tape.values, dict(zip(tape.values, sums)))
    return loss, sums


def input_gradients(tape: Tape, rows: Array, wanted: int) -> list[list[float]]:
    """The derivatives of the output by the first `wanted` inputs, for each row; parameters are plain numbers here."""
    found, numbers = [], [constant(p.data, p.label) for p in tape.values]
    for k, row in enumerate(rows):
        with recorded_anyway():
            [output], inputs = graph_of_row(tape, numbers, row, k, wanted)
        arrived = slopes_of_row(output, k, 1.0)
        found.append([0.0 + arrived.get(leaf, 0.0) for leaf in inputs])
    return found


def graph_of_row(tape: Tape, parameters: list[Value], row: Array, k: int, wanted: int = 0
                 ) -> tuple[list[Value], list[Value]]:
    """(the outputs, the inputs) of a row as the engine computes them; its errors say which row it was.

    wanted   how many of the inputs get gradients; the others are plain numbers
    """
    inputs = [Value(x) if j < wanted else Value(x).detach() for j, x in enumerate(row.tolist())]
    known = {i: leaf for i, leaf in zip(tape.inputs, inputs) if i is not None} | dict(zip(tape.parameters, parameters))
    nodes: list[Value] = []
    try:
        for i, op in enumerate(tape.ops):
            if op is None:
                nodes.append(known[i] if i in known else constant(tape.numbers[i], tape.labels[i]))
            else:
                parents = op.in_rows([nodes[p] for p in tape.parents[i]])
                nodes.append(Value.record(op, *parents, **tape.constants[i]))
                if tape.labels[i]:
                    nodes[-1].label = tape.labels[i]
    except DomainError as error:
        check_row(tape, nodes, k)                   # since f would have asked first
        raise type(error)(f"row {k}: {error}") from None
    check_row(tape, nodes, k)
    return [nodes[i] for i in tape.outputs], inputs


def check_row(tape: Tape, nodes: list[Value], k: int) -> None:
    """Ask what the function asked of its numbers, as far as the nodes of row k are known."""
    for check, words, places in tape.checks:
        if max(places) < len(nodes):
            try:
                check([nodes[i].data for i in places], *words)
            except ValueError as error:
                raise type(error)(f"row {k}: {error}") from None


def slopes_of_row(output: Value, k: int, seed: float) -> dict[Value, float]:
    """What arrives at the nodes of a row from its output; the error of one that is not finite says which row it is."""
    order = topological_order(output)
    arrived = walked_back(order, seed)[0]
    if strict.get():
        try:
            check_leaves(order, arrived)
        except GradientError as error:
            raise GradientError(f"row {k}: {error}") from None
    return arrived
