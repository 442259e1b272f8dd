"""Numbers that are computed alike, brought together in steps."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from ..engine.op import Op
from .steps import Apply, Array, Chains, Layer, Outer, Pairs, Rows, Step

FEW = 4                         # parameters that are fewer than this in one product are chains of their own


class Groups:
    """Members of steps, by level and kind."""

    def __init__(self) -> None:
        self.layers: dict[tuple, list[tuple[int, Sequence[int]]]] = defaultdict(list)
        self.pairs: dict[tuple, list[tuple[int, Sequence[int], Sequence[int]]]] = defaultdict(list)
        self.applied: dict[tuple, list[tuple[int, Sequence[int], list[int]]]] = defaultdict(list)

    def add_sum(self, level: int, out: int, start: float, lanes: Sequence[int], factors: Sequence[int],
                is_weighted: bool) -> None:
        key = start or str(start)                   # "0.0" is not "-0.0"
        if is_weighted:
            self.layers[level, key, *lanes].append((out, factors))
        else:
            self.pairs[level, key, len(lanes)].append((out, lanes, factors))

    def add_op(self, level: int, op: Op, constants: dict[str, float], out: int, inputs: Sequence[int],
               slopes: list[int]) -> None:
        self.applied[level, op, len(inputs), *constants.items()].append((out, inputs, slopes))

    def steps(self, reverse: bool = False) -> list[Step]:
        """All steps, lower levels first.  A layer of one neuron gains nothing from being one.

        reverse     were the members found from the last node to the first?
        """
        made: list[tuple[int, Step]] = []
        for (level, start, *lanes), neurons in self.layers.items():
            if len(neurons) == 1:
                [(out, factors)] = neurons
                self.pairs[level, start, len(lanes)].append((out, lanes, factors))
            else:
                outs, weights = columns_of(neurons, reverse)
                made.append((level, Layer(outs, np.array(lanes), weights, float(start))))
        for (level, start, _), sums in self.pairs.items():
            outs, left, right = columns_of(sums, reverse)
            made.append((level, Pairs(outs, left, right, float(start))))
        for (level, op, _, *constants), members in self.applied.items():
            outs, inputs, slopes = columns_of(members, reverse)
            made.append((level, Rows(op, dict(constants), outs, inputs, slopes) if op.rows else
                         Apply(op, dict(constants), outs, inputs.T, slopes.T)))
        return [step for _, step in sorted(made, key=lambda each: each[0])]


def columns_of(members: list[tuple], reverse: bool) -> list[Array]:
    return [np.array(column) for column in zip(*members[::-1] if reverse else members)]


# ---- parameters --------------------------------------------------------------------------------------


def chains_of(targets: Array, adjoints: Array, lanes: Array) -> list[Outer | Chains]:
    """The chains of the parameters: those with the same adjoints, or the same lanes, are rows of one product."""
    if not len(targets):
        return []
    starts = np.flatnonzero(np.diff(targets, prepend=-1))
    parameters, lengths = targets[starts], np.diff(starts, append=len(targets))
    found: list[Outer | Chains] = []
    for length in sorted(set(lengths.tolist())):
        mine = np.repeat(lengths, lengths) == length
        found += outer_products(parameters[lengths == length], adjoints[mine].reshape(-1, length),
                                lanes[mine].reshape(-1, length))
    return found


def outer_products(parameters: Array, adjoints: Array, lanes: Array) -> list[Outer | Chains]:
    """Parameters whose chains are as long as one another, by equal adjoints, and these by equal lanes."""
    by_adjoints, by_lanes = rows_numbered(adjoints), rows_numbered(lanes)
    order = np.lexsort((by_lanes, by_adjoints))
    cuts: Array = np.flatnonzero(np.diff(by_adjoints[order])) + 1
    alike = defaultdict(list)
    for members in np.split(order, cuts):
        alike[by_lanes[members].tobytes()].append(members)
    groups = [np.array(group) for group in alike.values()]
    made: list[Outer | Chains] = [Outer(adjoints[group[:, 0]], lanes[group[0]], parameters[group])
                                  for group in groups if group.size >= FEW]
    alone = [group.ravel() for group in groups if group.size < FEW]
    if alone:
        members = np.concatenate(alone)
        made.append(Chains(adjoints[members], lanes[members], parameters[members]))
    return made


def rows_numbered(table: Array) -> Array:
    """A number for each row of a table; equal rows have the same one, and smaller rows smaller ones."""
    if table.shape[1] == 1:
        return table[:, 0]
    order = np.lexsort(table.T[::-1])
    is_new = (np.diff(table[order], axis=0) != 0).any(axis=1)
    numbers: Array = np.empty(len(table), int)
    numbers[order] = np.concatenate([[0], np.cumsum(is_new)])
    return numbers
