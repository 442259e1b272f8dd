"""What runs a plan on a batch: the executor in C where it was built, NumPy where it was not, with the same bits."""

from collections.abc import Callable
from itertools import accumulate
from typing import Any

import numpy as np

from .built import INSTRUCTION_SETS, lanes
from .by_numpy import input_gradients, run_plan
from .layout import APPLY, CHAINS, OUTER, ROWS, Layout
from .steps import Plan

Array = Any
Arguments = list[tuple[int, tuple[int, ...] | None]]    # how many numbers a row of it has, and their shape, if any
TABLE = 1 << 20             # bytes of a table that should stay near the processor
MOST_ROWS = 128             # at a time: more are no faster
OPERATION = 20              # products that take about as long as one operation
Executor: Any = lanes.Executor if lanes else object


def machine_for(plan: Plan, arguments: Arguments, array: Any, places: Array, *, fast: bool = False, threads: int = 1,
                instruction_set: str | None = None, block: int | None = None) -> Any:
    """The best there is here.

    arguments           what a batch is made of, see Arguments
    array, places       the numbers of the parameters as `shared` has them, and where those of the plan lie there
    fast                may products go unrounded into sums?
    threads             how many a long batch is spread over
    instruction_set     a name of INSTRUCTION_SETS; the first of them is the best
    block               the most rows at a time
    """
    is_wary = plan.hides_nan or bool(plan.adjoints)
    if is_wary:
        arguments = [(width, None) for width, _ in arguments]       # somebody must look at the numbers first
    if not INSTRUCTION_SETS or not all(op.is_built_in for op in plan.tape.ops if op):
        return NumPyMachine(plan, arguments, array, places, is_wary)
    layout = Layout(plan, places)
    shares = [[cut(step, k, threads) for step in layout.outer] for k in range(threads)]
    shares = [[step for step in share if step["members"] and len(step["where"])] for share in shares]
    steps = [*layout.forward, *layout.backward, *(step for share in shares for step in share)]
    bounds = accumulate(map(len, shares), initial=len(layout.forward) + len(layout.backward))
    made = Machine(layout, steps, np.array([*bounds], np.int32), arguments, array, places,
                   instruction_set or next(iter(INSTRUCTION_SETS)), fast, block or rows_for(layout.columns),
                   float(sum(map(cost, steps))))
    made.is_wary = is_wary
    return made


def rows_for(columns: int) -> int:
    """How many rows are run at a time, so that a table of so many columns is not too large."""
    return max(8, min(MOST_ROWS, TABLE // (8 * columns) // 8 * 8))


def cost(step: dict[str, Any]) -> int:
    """How long a step takes for a row, in products."""
    if step["kind"] in (APPLY, ROWS):
        return step["in"]["count"] * OPERATION
    return (len(step["where"]) if step["kind"] == OUTER else step["members"]) * step.get("terms", 1)


def cut(step: dict[str, Any], k: int, count: int) -> dict[str, Any]:
    """Part k of a step that adds up gradients of parameters, cut into so many."""
    members, terms = step["members"], step["terms"]
    length = members if step["kind"] == CHAINS else len(step["where"]) // members
    first, end = (length if part == count else length * part // count // 8 * 8 for part in (k, k + 1))
    if step["kind"] == CHAINS:
        return step | {"members": end - first, "wide": end - first, "where": step["where"][first:end],
                       "pairs": step["pairs"][2 * terms * first:2 * terms * end]}
    columns = {**step["in"], "count": (end - first) * terms}
    if "places" in columns:
        columns["places"] = columns["places"][first * terms:end * terms]
    else:
        columns["first"] += columns["step"] * first * terms
    return step | {"in": columns, "where": step["where"][first * members:end * members]}


class Checked:
    """A machine that knows when it might not see a nan.

    array, places   the numbers of the parameters, and where those of the plan lie there
    is_wary         may a nan be lost on the way?
    """

    array: Any
    places: Array
    is_wary: bool

    def is_sure_of(self, rows: Array) -> bool:
        """Would a nan among these rows, or among the parameters, show in what comes of them?"""
        return not self.is_wary or bool(np.isfinite(rows).all() and np.isfinite(self.array.data[self.places]).all())


class Machine(Checked, Executor):
    """A plan that C runs."""

    def run(self, rows: Array, seed: float | None = None, start: Any = 0.0) -> tuple[Array, Array, bool]:
        """(outputs, one row each; gradients of the parameters, if there is a seed; is every number to be trusted?).

        start   what the gradients are added to, term by term
        """
        outputs, gradients = np.empty((self.outputs, len(rows))), np.zeros(len(self.array.data) + 1)
        gradients[self.places] = start
        is_clean = self.is_sure_of(rows) and self.run_on(rows, outputs, gradients, seed or 0.0)
        return outputs.T, gradients[self.places], is_clean


class NumPyMachine(Checked):
    """A plan that NumPy runs; see `Executor` in `_lanes.pyx`, which does the same."""

    instruction_set, threads, block = "NumPy", 1, 0

    def __init__(self, plan: Plan, arguments: Arguments, array: Any, places: Array, is_wary: bool):
        self.plan, self.arguments, self.array, self.places, self.is_wary = plan, arguments, array, places, is_wary

    def results(self, batch: tuple, empty: Callable, is_flat: bool = False) -> Array | None:
        rows = self.rows_of(batch, is_flat)
        if rows is None:
            return None
        if self.plan.adjoints:
            found, is_clean = input_gradients(self.plan, rows, self.array.data[self.places])
        else:
            found, _, is_clean = self.run(rows)
        return found.T if is_clean else None

    def backward(self, batch: tuple, mean: bool, is_flat: bool = False) -> float | None:
        rows = self.rows_of(batch, is_flat)
        if rows is None:
            return None
        outputs, gradients, is_clean = self.run(rows, 1 / len(rows) if mean else 1.0)
        total = -0.0
        for loss in outputs[:, 0].tolist():
            total += loss
        if not (is_clean and np.isfinite(total) and np.isfinite(gradients).all()):
            return None
        self.array.add_to_grad(gradients, self.places)
        return total / len(rows) if mean else total

    def run(self, rows: Array, seed: float | None = None, start: Any = 0.0) -> tuple[Array, Array, bool]:
        """See `Machine`."""
        outputs, gradients, is_clean = run_plan(self.plan, rows, self.array.data[self.places], seed, start)
        return outputs, np.zeros(0) if seed is None else gradients, is_clean and self.is_sure_of(rows)

    def rows_of(self, batch: tuple, is_flat: bool) -> Array | None:
        """A batch of plain arrays as one array; None if it is another."""
        if is_flat:
            return batch[0]
        if len(batch) != len(self.arguments) or not batch:
            return None
        for part, (_, shape) in zip(batch, self.arguments):
            if type(part) is not np.ndarray or part.dtype != float or part.ndim == 0 or part.shape[1:] != shape:
                return None
        if len(set(map(len, batch))) > 1:
            return None
        return np.concatenate([part.reshape(len(part), -1) for part in batch], axis=1) if len(batch[0]) else None
