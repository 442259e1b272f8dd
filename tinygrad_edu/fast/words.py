"""Rules over arrays: what a printed rule runs on where every number is a column of one number per row."""

import ast
import math
from collections.abc import Callable, Sequence
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..engine.ieee import COMPUTE, ieee
from ..engine.op import OPS, Op
from ..engine.printer import python_source

Array = Any
IN_NUMPY = {"sqrt": np.sqrt, "floor": np.floor, "ceil": np.ceil, "round": np.rint}      # which have one right answer


def of_each(name: str) -> Callable[..., Array]:
    """A function of `math` on arrays, called once for each number: numpy's own has other bits in places."""
    function = COMPUTE[name]

    def applied(*arrays: Array) -> Array:
        columns = np.broadcast_arrays(*arrays)
        rows = list(zip(*[column.ravel().tolist() for column in columns]))
        try:
            numbers = [function(*row) for row in rows]
        except (ArithmeticError, ValueError):
            numbers = [float(ieee(name, *row)) for row in rows]
        found = np.array(numbers, float).reshape(columns[0].shape)
        if is_flagged(found, columns):
            flag_raised()
        return found
    return applied


def is_flagged(found: Array, columns: Sequence[Array]) -> bool:
    """Is there a nan out of no nan, or an inf out of finite numbers?"""
    new = np.isnan(found) & ~np.logical_or.reduce([np.isnan(x) for x in columns])
    new |= ~np.isfinite(found) & np.logical_and.reduce([np.isfinite(x) for x in columns])
    return bool(new.any())


def flag_raised() -> None:
    """Tell whoever listens to numpy's IEEE flags (`np.errstate(call=...)`) of one that numpy did not see."""
    listener = np.geterrcall()
    if callable(listener):
        listener("invalid", 0)


class Words:
    """The words of `formula.py` on arrays; what printed rules know as m."""

    inf, nan = math.inf, math.nan
    abs, where = map(staticmethod, (np.abs, np.where))

    @staticmethod
    def sign(x: Array) -> Array:
        return np.where(x == 0, x, np.sign(x))              # -0.0 keeps its sign

    @staticmethod
    def equal(x: Array, y: Array) -> Array:
        return x == y

    @staticmethod
    def unequal(x: Array, y: Array) -> Array:
        return x != y

    @staticmethod
    def is_whole(x: Array) -> Array:
        return x == np.floor(x)

    @staticmethod
    def ratio(numerator: int, denominator: int) -> float:
        return numerator / denominator

    @staticmethod
    def larger(x: Array, y: Array) -> Array:
        return np.where(x > y, x, np.where(y >= x, y, x + y))

    @staticmethod
    def smaller(x: Array, y: Array) -> Array:
        return np.where(x < y, x, np.where(y <= x, y, x + y))

    @staticmethod
    def at(row: Sequence[Array], index: float) -> Array:
        return row[int(index)]

    @staticmethod
    def total(row: Sequence[Array]) -> Array:
        out = row[0]
        for x in row[1:]:
            out = out + x
        return out

    @staticmethod
    def product(row: Sequence[Array]) -> Array:
        out: Array = 1.0
        for x in row:
            out = out * x
        return out

    @staticmethod
    def others(row: Sequence[Array]) -> list[Array]:
        before: list[Array] = [1.0]
        after: list[Array] = [1.0]
        for x in row[:-1]:
            before.append(before[-1] * x)
        for x in row[:0:-1]:
            after.append(after[-1] * x)
        return [x * y for x, y in zip(before, reversed(after))]

    @staticmethod
    def largest(row: Sequence[Array]) -> Array:
        out = row[0]
        for x in row[1:]:
            out = np.where((out >= x) | (out != out), out, x)
        return out

    @staticmethod
    def smallest(row: Sequence[Array]) -> Array:
        return -Words.largest([-x for x in row])


for word, function in [*zip(COMPUTE, COMPUTE), ("power", "pow")]:
    setattr(Words, word, staticmethod(IN_NUMPY[function] if function in IN_NUMPY else of_each(function)))


class Others:
    """What printed rules know as ops: the value of another op, as `ops.tanh.of(x)`."""

    def __getattr__(self, name: str) -> Any:
        return SimpleNamespace(of=lambda *arrays: on_arrays(OPS[name])(*arrays)[0])


class InFloats(ast.NodeTransformer):
    """Whole numbers too large for numpy's as the floats they are in a rule run on floats."""

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant(float(node.value)) if type(node.value) is int and node.value > 2 ** 53 else node


@cache
def on_arrays(op: Op) -> Callable[..., tuple[Array, tuple]]:
    """The rule that the engine computes an op by, as a function of arrays: (value, local gradients)."""
    source = python_source(op.name, op.inputs, list(op.constants), *op.formulas(op.rule))
    names = {"m": Words, "ops": Others()}
    exec(compile(ast.fix_missing_locations(InFloats().visit(ast.parse(source))), f"<rule of {op.name}>", "exec"), names)
    rule: Any = names[op.name]
    return rule
