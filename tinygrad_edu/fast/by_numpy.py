"""A plan run by numpy: every number a column of one number per row.

Sums are added up term by term, for all members of a step and all rows at once, and the gradients of parameters row
by row, for many parameters at once, so that each number is rounded as the engine rounds it.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from .steps import Apply, Layer, Outer, Pairs, Plan, Rows, Step
from .words import on_arrays

Array = Any
TABLE = 1 << 20                 # numbers that are kept at a time
WIDE = 256                      # sums that are more are worth a call of numpy for each row
LONG = 256                      # products of each of fewer sums that are kept before they are added up


def run_plan(plan: Plan, rows: Array, parameters: Array, seed: float | None = None, start: Any = 0.0
             ) -> tuple[Array, Array, bool]:
    """(outputs, one row each; gradients of the parameters, if there is a seed; would the engine raise no error?).

    start   what the gradients are added to, term by term
    """
    outputs, gradients, is_clean = np.empty((len(rows), len(plan.tape.outputs))), start, True
    for part, run in runs(plan, rows, parameters):
        outputs[part] = run.outputs()
        if seed is not None:
            gradients = run.backward(seed, gradients)
        is_clean = is_clean and run.is_clean(gradients)
    return outputs, gradients, is_clean


def input_gradients(plan: Plan, rows: Array, parameters: Array) -> tuple[Array, bool]:
    """(derivatives of the first output by the inputs, one row each; would the engine raise no error?).

    An output of nan has slopes of nan, also where they are plain numbers else.
    """
    slopes, is_clean = np.zeros_like(rows), True
    used = [j for j, place in enumerate(plan.adjoints) if place >= 0]
    for part, run in runs(plan, rows, parameters):
        run.backward(1.0)
        slopes[part, used] = run.columns(np.array(plan.adjoints, int)[used]).T + 0.0
        is_clean = is_clean and run.is_clean(slopes[part]) and bool(np.isfinite(run.outputs()).all())
    return slopes, is_clean


def runs(plan: Plan, rows: Array, parameters: Array) -> "Iterator[tuple[slice, Run]]":
    """Where the rows of each block are, and their forward pass; the last block first, as gradients are added up."""
    block = max(1, TABLE // len(plan.columns))
    for first in reversed(range(0, len(rows), block)):
        part = slice(first, first + block)
        yield part, Run(plan, rows[part], parameters)


class Run:
    """One pass over a batch.

    rows        as many numbers in each as the program has inputs
    parameters  their numbers, in the order of the tape
    is_flagged  was an IEEE flag raised so far?
    """

    def __init__(self, plan: Plan, rows: Array, parameters: Array):
        self.plan, self.count, self.is_flagged = plan, len(rows), False
        self.uniform = np.zeros(plan.size)
        self.uniform[list(plan.literals)] = list(plan.literals.values())
        tape = plan.tape
        self.uniform[:len(tape)] = tape.numbers
        self.uniform[tape.parameters] = parameters
        self.table = np.repeat(self.uniform[plan.columns, None], self.count, axis=1)
        self.place = np.full(plan.size, -1)                     # of each number its row of the table
        self.place[plan.columns] = np.arange(len(plan.columns))
        for i, column in zip(tape.inputs, rows.T):
            if i is not None:
                self.table[self.place[i]] = column
        self.run(plan.forward)

    def columns(self, places: Array) -> Array:
        return self.table[self.place[places]]

    def keep(self, places: Array, columns: Array) -> None:
        """Columns of numbers that are wanted; the places of others are -1."""
        wanted = places >= 0
        if wanted.all():
            self.table[self.place[places]] = columns
        elif wanted.any():
            self.table[self.place[places[wanted]]] = np.broadcast_to(columns, (*places.shape, self.count))[wanted]

    def run(self, steps: list[Step]) -> None:
        with np.errstate(over="call", divide="call", invalid="call", under="ignore", call=self.note):
            for step in steps:
                match step:
                    case Layer():
                        self.keep(step.out, self.layer(step))
                    case Pairs():
                        self.keep(step.out, self.pairs(step))
                    case Apply():
                        self.apply(step)
                    case Rows():
                        self.rows(step)

    def note(self, kind: str, flag: int) -> None:
        self.is_flagged = True

    def layer(self, step: Layer) -> Array:
        weights, sums = self.uniform[step.factors], np.full((len(step.out), self.count), step.start)
        products = np.empty_like(sums)
        for k, lane in enumerate(self.columns(step.lanes)):
            sums += np.multiply(weights[:, k, None], lane, out=products)
        return sums

    def pairs(self, step: Pairs) -> Array:
        sums = np.full((len(step.out), self.count), step.start)
        for lanes, factors in zip(step.lanes.T, step.factors.T):
            sums += self.columns(lanes) * self.columns(factors)
        return sums

    def apply(self, step: Apply) -> None:
        value, slopes = on_arrays(step.op)(*self.columns(step.inputs), **step.constants)
        self.keep(step.out, value)
        for places, slope in zip(step.slopes, slopes):
            self.keep(places, slope)

    def rows(self, step: Rows) -> None:
        parts = [list(self.columns(part.T)) for part in np.split(step.inputs, len(step.op.inputs), axis=1)]
        value, slopes = on_arrays(step.op)(*parts, **step.constants)
        self.keep(step.out, value)
        for places, slope in zip(step.slopes.T, [slope for row in slopes for slope in row]):
            self.keep(places, slope)

    def is_clean(self, gradients: Array) -> bool:
        """Would the engine raise no error?

        It raises one where a gradient is not finite, or where a node is not and a flag says so.  A flag alone is
        not enough: a rule computes both branches of `where`.
        """
        nodes = self.plan.columns < len(self.plan.tape)
        return bool(np.isfinite(gradients).all() and (not self.is_flagged or np.isfinite(self.table[nodes]).all()))

    def outputs(self) -> Array:
        return self.columns(np.array(self.plan.tape.outputs)).T

    # ---- backward

    def backward(self, seed: float, start: Any = 0.0) -> Array:
        """The gradients of the parameters, in the order of the tape, added to those at the start."""
        plan = self.plan
        self.table[self.place[plan.seed]] = seed
        gradients = np.zeros(plan.size)
        gradients[plan.tape.parameters] = start
        self.run(plan.backward)
        with np.errstate(over="call", divide="call", invalid="call", under="ignore", call=self.note):
            for step in plan.outer:
                x, y = self.turned(step.adjoints), self.turned(step.lanes)
                if isinstance(step, Outer):
                    x, y = x[:, :, None], y[:, None, :]
                gradients[step.parameters] = self.added(gradients[step.parameters], x, y)
        return gradients[plan.tape.parameters]

    def turned(self, places: Array) -> Array:
        """What is added up, one row after the other: rows of the batch, last to first, and for each the terms."""
        return self.columns(places)[:, :, ::-1].transpose(2, 1, 0).reshape(-1, len(places))

    def added(self, sums: Array, x: Array, y: Array) -> Array:
        """Sums that go on with x[0] * y[0], x[1] * y[1] and so forth, one rounding after the other."""
        if sums.size > WIDE:
            for left, right in zip(x, y):
                sums += left * right
            return sums
        for first in range(0, len(x), LONG):
            products = x[first:first + LONG] * y[first:first + LONG]
            sums = np.add.accumulate(np.concatenate([sums[None], products]))[-1]
        return sums
