"""Where the numbers of a plan lie in memory: its steps, as the executor in C takes them.

The table has a column for each lane of a block of rows: the inputs first, as they lie in a batch, then ones, then
the results of step after step, so that what belongs together lies together.  What is the same for all rows is read
from the array of the parameters, which other programs share, where a layer's weights lie there at equal steps; all
else is gathered before each batch, with the plain numbers, into an array of the program's own: the uniform numbers.
"""

from collections import defaultdict
from itertools import pairwise
from typing import Any

import numpy as np

from .c_lanes import codes, is_quiet, rooms
from .columns import Columns
from .fusion import Fused, fused
from .steps import Apply, Chains, Layer, Outer, Pairs, Plan, Rows
from .tape import CONSTANT

LAYER, PAIRS, APPLY, ROWS, OUTER, CHAINS = range(6)
PANEL = 72                                      # columns that are turned at a time
IS_RELU, IS_GATED, ENDS_IN_ONE = 1, 2, 4        # of a layer, its `op`
Array = Any


class Layout:
    """The steps of a plan with places instead of numbers.

    columns     how many columns the table has
    numbers     the uniform numbers; 0 in the place of a parameter
    gathered    (places among them, places in the array of the parameters) of those that are parameters
    filled      the columns of what is the same for all rows, and the uniform numbers they are filled with
    forward, backward, outer    the steps
    results     the columns of the outputs; where gradients of inputs are wanted, those of these, or -1
    is_late     are they known only after the backward steps?
    loss        the column of the first output
    seed        the column in which the backward steps begin
    room        how many numbers a step needs besides, in columns and in single numbers
    """

    def __init__(self, plan: Plan, place_of_parameter: Array):
        self.plan = plan
        self.column, self.parameter, self.uniform = np.full((3, plan.size), -1)         # where numbers lie there
        self.parameter[plan.tape.parameters] = place_of_parameter
        for j, place in enumerate(plan.tape.inputs):
            if place is not None:
                self.column[place] = j
        self.table = Columns(len(plan.tape.inputs))
        self.filling: dict[int, int] = {}           # of columns that are the same for all rows: the uniform number
        self.number = plain_numbers(plan)
        self.literals: list[float] = []
        self.gathered_before: dict[bytes, int] = {}
        self.sources: list[int] = []                # the parameter that is gathered to each uniform number, or -1
        self.room = self.unwanted = 0
        self.lay_out_steps()
        self.lay_out_results()
        self.columns = self.table.count
        self.filled = np.array(list(self.filling), np.int32), np.array(list(self.filling.values()), np.int32)
        sources = np.array([*self.sources, -1], np.int32)
        gathered: Array = np.flatnonzero(sources >= 0).astype(np.int32)
        self.gathered: tuple[Array, Array] = gathered, sources[gathered]
        self.numbers = np.array([*self.literals, 0.0])

    def lay_out_steps(self) -> None:
        forward, backward = fused(self.plan)
        self.end = len(forward) + len(backward)
        self.needed_until = last_uses(self.plan, [*forward, *backward])
        self.free_after: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self.forward = [self.laid_out(k, step) for k, step in enumerate(forward)]
        self.seed = self.column[self.plan.seed] = self.table.add(1)
        self.backward = [self.laid_out(k, step) for k, step in enumerate(backward, len(forward))]
        self.outer = [self.chains(step) if isinstance(step, Chains) else self.outer_step(step)
                      for step in self.plan.outer]
        trash = self.table.add(self.unwanted)       # where local gradients go that nobody wants
        for step in self.forward:
            if "slopes" in step:
                step["slopes"][step["slopes"] < 0] = trash

    def lay_out_results(self) -> None:
        outputs, adjoints = self.columns_of(np.array(self.plan.tape.outputs)), np.array(self.plan.adjoints, int)
        self.is_late, self.loss = len(adjoints) > 0, int(outputs[0])
        self.results = np.where(adjoints < 0, -1, self.column[adjoints]).astype(np.int32) if self.is_late else outputs

    def gather(self, places: Array) -> int:
        """The first of uniform numbers that are these, in this order."""
        key = places.tobytes()
        if key not in self.gathered_before:
            self.gathered_before[key] = len(self.literals)
            self.literals += self.number[places].tolist()
            self.sources += self.parameter[places].tolist()
        return self.gathered_before[key]

    def uniform_of(self, places: Array) -> Array:
        """Where these lie among the uniform numbers, each once."""
        missing = self.uniform[places] < 0
        if missing.any():
            new = np.array(sorted(set(places[missing].tolist())))
            self.uniform[new] = self.gather(new) + np.arange(len(new))
        return self.uniform[places]

    def laid_out(self, k: int, step: Any) -> dict[str, Any]:
        """Step number k; columns that no later one needs are free after it."""
        self.now = k
        made = self.step(step)
        for first, count in self.free_after.pop(k, ()):
            self.table.give_back(first, count)
        return made

    def fresh(self, places: Array) -> int:
        """The first of columns in a row for these numbers; each is free after the last step that reads it.

        That of no number, at -1, is free after this step.
        """
        until = np.where(places < 0, self.now, self.needed_until[places])
        first = self.table.add(len(places)) if until.max() == self.end else self.table.take(len(places))
        cuts = [0, *(np.flatnonzero(np.diff(until)) + 1).tolist(), len(places)]
        for start, end in pairwise(cuts):
            if until[start] < self.end:
                self.free_after[int(until[start])].append((first + start, end - start))
        return first

    def placed(self, places: Array) -> int:
        """The first of columns in a row for results."""
        first = self.fresh(places)
        self.column[places] = np.arange(first, first + len(places))
        return first

    def columns_of(self, places: Array) -> Array:
        """The columns of these numbers; of what is the same for all rows a column is made."""
        missing = self.column[places] < 0
        if missing.any():
            new = np.array(sorted(set(places[missing].tolist())))
            first = self.table.add(len(new))
            self.column[new] = first + np.arange(len(new))
            self.filling |= zip(range(first, self.table.count), self.uniform_of(new).tolist())
        return self.column[places].astype(np.int32)

    def in_a_row(self, columns: Array) -> dict[str, Any]:
        """Columns at equal steps, or anywhere."""
        step = int(columns[1] - columns[0]) if len(columns) > 1 else 1
        if (columns == columns[0] + step * np.arange(len(columns))).all():
            return {"count": len(columns), "first": int(columns[0]), "step": step}
        return {"count": len(columns), "places": columns}

    def step(self, step: Any) -> dict[str, Any]:
        match step:
            case Layer():
                return self.layer(step)
            case Fused():
                return self.fused(step)
            case Pairs():
                return self.pairs(step)
            case Apply():
                return self.apply(step)
            case _:
                return self.rows(step)

    def layer(self, step: Layer) -> dict[str, Any]:
        weights = self.parameter[step.factors]
        members, terms = weights.shape
        ends_in_one = terms > 1 and step.lanes[-1] == self.plan.one
        lanes = self.columns_of(step.lanes[:-1] if ends_in_one else step.lanes)
        made = {"kind": LAYER, "op": ENDS_IN_ONE * ends_in_one, "members": members, "terms": terms, "start": step.start,
                "in": self.in_a_row(lanes), "out": self.placed(step.out)}
        self.room = max(self.room, terms)
        row = int(weights[1, 0] - weights[0, 0])
        column = int(weights[0, 1] - weights[0, 0]) if terms > 1 else 0
        even = weights[0, 0] + row * np.arange(members)[:, None] + column * np.arange(terms)
        if np.array_equal(weights, even) and weights.min() >= 0:
            return made | {"weight": int(weights[0, 0]), "row": row, "column": column, "in_place": True}
        return made | {"weight": self.gather(step.factors.ravel()), "row": terms, "column": 1}

    def fused(self, step: Fused) -> dict[str, Any]:
        """A layer with a relu, or with gates: these were made by one layer, and lie in a row."""
        made = self.layer(step.layer)
        if step.gates is None:
            return made | {"op": made["op"] | IS_RELU}
        return made | {"op": made["op"] | IS_GATED, "other": self.in_a_row(self.columns_of(step.gates))}

    def pairs(self, step: Pairs) -> dict[str, Any]:
        members, terms = step.lanes.shape
        lanes, factors = self.columns_of(step.lanes), self.column[step.factors]
        uniform = factors < 0
        factors[uniform] = ~self.uniform_of(step.factors[uniform])
        pairs = np.stack([lanes, factors], axis=-1).astype(np.int32).ravel()
        return {"kind": PAIRS, "members": members, "terms": terms, "pairs": pairs, "start": step.start,
                "out": self.placed(step.out)}

    def apply(self, step: Apply) -> dict[str, Any]:
        columns = self.columns_of(step.inputs)
        members = len(step.out)
        slopes = np.full(columns.shape, -1, np.int32)
        for row, places in zip(slopes, step.slopes):
            wanted = places >= 0
            if wanted.any():
                row[:] = self.fresh(places) + np.arange(members)
                self.column[places[wanted]] = row[wanted]
        flat = all(np.array_equal(row, row[0] + np.arange(members)) for row in columns)
        self.unwanted = max(self.unwanted, members if flat else 1)
        return self.of_op(step, columns, slopes) | {"kind": APPLY, "terms": len(columns), "is_flat": flat}

    def rows(self, step: Rows) -> dict[str, Any]:
        columns = self.columns_of(step.inputs)
        terms = columns.shape[1]
        slopes = np.full(columns.shape, -1, np.int32)
        wanted = step.slopes >= 0
        if wanted.any():
            slopes[wanted] = self.placed(step.slopes[wanted]) + np.arange(wanted.sum())
        length = terms // len(step.op.inputs)
        columns_kept, rows_kept = rooms(step.op)
        self.room = max(self.room, columns_kept + rows_kept * length)
        self.unwanted = max(self.unwanted, 1)
        return self.of_op(step, columns, slopes) | {"kind": ROWS, "terms": terms, "length": length}

    def of_op(self, step: Apply | Rows, columns: Array, slopes: Array) -> dict[str, Any]:
        return {"op": codes()[step.op], "members": len(step.out), "out": self.placed(step.out),
                "in": {"count": columns.size, "places": columns.ravel()}, "slopes": slopes.ravel(),
                "is_quiet": is_quiet(step.op),
                "constants": np.array(list(step.constants.values()) or [0.0], float)}

    # ---- parameters

    def chains(self, step: Chains) -> dict[str, Any]:
        pairs = np.stack([self.columns_of(step.adjoints), self.columns_of(step.lanes)], axis=-1)
        where = self.parameter[step.parameters]
        return {"kind": CHAINS, "members": len(where), "terms": step.lanes.shape[1], "pairs": pairs.ravel(),
                "where": where.astype(np.int32), "wide": len(where), "is_straight": False}

    def outer_step(self, step: Outer) -> dict[str, Any]:
        """One side is turned, so that it lies in rows.

        It is the lanes, if they take little more than the adjoints: then rows whose adjoint is 0 can be left out.
        Where both have one term, lanes come in the order of the parameters, and adjoints in that of their columns.
        """
        adjoints, lanes = self.columns_of(step.adjoints), self.columns_of(step.lanes)
        where = self.parameter[step.parameters]
        terms = adjoints.shape[1]
        if terms == 1:
            by_adjoints, by_lanes = np.argsort(adjoints[:, 0]), np.argsort(where[0])
            adjoints, lanes, where = adjoints[by_adjoints], lanes[by_lanes], where[by_adjoints][:, by_lanes]
        if 10 * wide(len(lanes)) * len(adjoints) <= 11 * wide(len(adjoints)) * len(lanes):
            other, inner = lanes, adjoints
        else:
            other, inner, where = adjoints, lanes, where.T
        sizes = (PANEL, len(inner)) if terms == 1 else (wide(len(other)) * terms, wide(len(inner)) * terms)
        self.room = max(self.room, sum(sizes))
        return {"kind": OUTER, "members": len(other), "terms": terms, "other": self.in_a_row(other.ravel()),
                "in": self.in_a_row(inner.ravel()), "where": np.ascontiguousarray(where, np.int32).ravel(),
                "wide": wide(len(other)), "is_straight": bool((np.diff(where, axis=1) == 1).all())}


def plain_numbers(plan: Plan) -> Array:
    """Of each place the plain number there, or 0."""
    found = np.zeros(plan.size)
    for i, kind in enumerate(plan.tape.kind):
        if kind == CONSTANT:
            found[i] = plan.tape.numbers[i]
    found[list(plan.literals)] = list(plan.literals.values())
    return found


def last_uses(plan: Plan, steps: list[Any]) -> Array:
    """Of each number the last of these steps that reads it; if it is needed after them all, how many they are.

    What none reads may go after the step that computes it.
    """
    last = np.full(plan.size, -1)
    for k, step in enumerate(steps):
        if isinstance(step, (Apply, Rows)):
            last[step.slopes[step.slopes >= 0]] = k
        last[step.out] = last[step.reads] = k
    for step in plan.outer:
        last[step.reads] = len(steps)
    last[plan.tape.outputs] = len(steps)
    last[[place for place in plan.adjoints if place >= 0]] = len(steps)
    return last


def wide(count: int) -> int:
    """A length that vectors of eight fill."""
    return count + 7 & ~7
