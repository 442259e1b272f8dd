"""Local gradients as graphs, so that a gradient can be differentiated again.

The value of a node is the node itself, and each of its local gradients becomes the graph of a formula, in
which `f` stands for that node: the slope of tanh is `1 - f**2`.  The formula is that of the operation's
`graph` form; what it loses in floats is put right by a *slope node*, a node that has the accurate number
and the formula's graph, and nothing that people need to see.
"""

import math
import operator
from collections.abc import Callable
from functools import lru_cache, reduce
from typing import Any

from . import formula as m
from .formula import Formula
from .graph import times
from .ieee import COMPUTE
from .number import number
from .op import OPS, Op, find, makers
from .value import Value, constant, topological_order


def plus(x: Any, y: Any) -> Any:
    """x + y; the 0 of a rule leaves no node behind."""
    return y if type(x) is int and x == 0 else x if type(y) is int and y == 0 else x + y


def float_of(x: Any) -> float:
    """The number in a Value, or a number as a float."""
    return x.data if isinstance(x, Value) else number(x)


WORDS: dict[str, Callable] = {      # the heads of formulas, as functions of numbers of any kind
    "+": plus, "-": operator.sub, "*": times, "/": operator.truediv, "neg": operator.neg,
    ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le, "==": m.equal, "!=": m.unequal,
    "pow": m.power, "whole": m.is_whole, "pi": lambda: math.pi, "abs": m.abs, "sign": m.sign,
    "like": lambda x: x, "fixed": float_of, "[]": lambda *row: row, "where": lambda chosen: chosen,
    "larger": m.larger, "smaller": m.smaller, "max": lambda *row: m.largest(row), "min": lambda *row: m.smallest(row),
    **{name: getattr(m, name) for name in COMPUTE if name != "pow"},
}


def node_again(node: Value, inputs: list[Any]) -> Any:
    """The node on other inputs: itself, a copy of it where they are equal, or its operation done again.

    inputs   one per parent: a Value, or a float in place of a constant
    """
    if not any(isinstance(x, Value) for x in inputs):
        return node.data
    parents = tuple([x if isinstance(x, Value) else p for x, p in zip(inputs, node.parents)])
    if parents == node.parents:
        return node
    if [x.data.hex() for x in parents] == [p.data.hex() for p in node.parents]:         # -0.0 is not 0.0
        return Value.restored(Value, node.data, 0.0, parents, node._local_grads, node._operation, node._extra)
    op: Any = node._operation
    return Value.record(op, *op.in_rows(parents), **node.constants)


def slopes_of(node: Value, inputs: list[Any]) -> tuple:
    """The local gradients of a node as graphs on its inputs, or as numbers where they are none.

    They are asked for within `errstate(all="ignore")`: a slope that is inf or nan is no error until it is used.
    """
    op: Any = node._operation
    written = formulas_of if op.rows else known_formulas_of
    names, value, slopes = written(op, len(inputs), tuple(node.constants.items()))
    known = {value: node, **dict(zip(names, inputs))}           # where the value is an input, that is meant
    parents = tuple([x if isinstance(x, Value) else p for x, p in zip(inputs, node.parents)])
    found = []
    for i, (slope, local_grad) in enumerate(zip(slopes, node.local_grads)):
        graph = evaluated(slope, known) if isinstance(inputs[i], Value) else local_grad
        if is_at_kink(node) and isinstance(inputs[i], Value):
            graph = slope_node(node, i, local_grad, (constant(0.0), *parents))
        elif not isinstance(graph, Value) or graph.is_constant:
            graph = graph if isinstance(graph, int) and graph == local_grad else local_grad
        elif op.rule is not op.graph and slope is not value and slope.parts:
            graph = slope_node(node, i, local_grad, (graph, *parents))
        found.append(graph)
    return tuple(found)


def formulas_of(op: Op, count: int, constants: tuple) -> tuple[list[Formula], Any, list[Any]]:
    """(names for the inputs, the value, the local gradients one by one) of an op's graph form."""
    names = [Formula(f"x{i}") for i in range(count)]
    value, slopes = op.graph(*op.in_rows(names), **dict(constants))
    return names, value, list(op.one_by_one(slopes))


known_formulas_of = lru_cache(maxsize=1024)(formulas_of)        # but not those of rows, which may be long


def slope_node(node: Value, i: int, local_grad: float, parents: tuple[Value, ...]) -> Value:
    """A node with the number of local gradient i of another node; parents are its graph and the node's inputs."""
    count = len(parents) - 1
    op = slope_op(node._operation, i, count)
    extra = {"constants": node.constants} if node.constants else None
    return Value.restored(Value, local_grad, 0.0, parents, (1.0, *[0.0] * count), op, extra)


class SlopeOp(Op):
    """The operation of slope nodes: the number of local gradient i of another op, the graph of a formula.

    Its inputs are that graph and the inputs of the other op.  As a function it is its first input, so
    only that one gets a gradient.
    """

    hidden = True

    def __init__(self, of: Op, i: int, count: int):
        def textbook(shown, *inputs, **constants):
            return shown, (1, *[0] * count)

        def accurate(shown, *inputs, **constants):
            slopes = of.evaluate(*of.in_rows(inputs), **constants)[1]
            return of.one_by_one(slopes)[i], (1, *[0] * count)
        textbook.__name__ = f"{of.name}′{i}/{count}"
        super().__init__(textbook, "=", (), True, {})
        self.rule, self.source, self.number = accurate, of, i
        self.inputs = slope_inputs(count)
        self.constants = of.constants


@lru_cache(maxsize=64)
def slope_inputs(count: int) -> list[str]:
    """What the inputs of a slope op are called; those of one row have the list in common."""
    return ["shown", *[f"x{k}" for k in range(count)]]


@lru_cache(maxsize=4096)
def slope_op(of: Op, i: int, count: int) -> SlopeOp:
    """The op of slope nodes for local gradient i of an op with so many parents."""
    return SlopeOp(of, i, count)


def slope_op_named(name: str) -> SlopeOp | None:
    """The one of this name, such as "tanh′0/1"; what a pickled slope node asks for."""
    of, mark, numbers = name.partition("′")
    return slope_op(find(of), *map(int, numbers.split("/"))) if mark else None


makers.append(slope_op_named)


def as_value(x: Any) -> Value:
    """A number as a Value, to be drawn and stepped through like the others."""
    return x if isinstance(x, Value) else constant(x)


# ---- the kinks of |x|, hypot(x, y) and norm -----------------------------------------------------------

TIMES_SLOPE_IS_INPUT = ("abs", "hypot", "norm")         # f ∂f/∂xᵢ = xᵢ, also where f is 0 and has no slope
Split = tuple[Any, Any]         # (a, b) for a number a f + b, where f is the node whose kink it is about


def is_at_kink(node: Value) -> bool:
    """Is this one of these where it is 0?"""
    return node.op in TIMES_SLOPE_IS_INPUT and node.data == 0


def product_of(upstream: Any, slope: Any) -> Any:
    """What came from above times a slope.  At the kink of |x|, 2 |x| times its slope is 2 x, as elsewhere."""
    op = slope._operation if isinstance(slope, Value) else None
    if not isinstance(op, SlopeOp) or op.source.name not in TIMES_SLOPE_IS_INPUT or slope.parents[0].data:
        return times(upstream, slope)
    a, b = split_by(op.source, slope.parents[1:], upstream) if isinstance(upstream, Value) else (0, upstream)
    return plus(times_or_0(a, slope.parents[1 + op.number]), times_or_0(b, slope))


def split_by(op: Op, inputs: tuple, total: Value) -> Split:
    """How a number splits by the node of `op` on these inputs."""
    found: dict[Value, Split] = {}
    for node in topological_order(total):
        if node._operation is op and node.parents == inputs:
            found[node] = 1, 0
        elif not found.keys().isdisjoint(node.parents):
            found[node] = split_of(node, [found.get(part, (0, part)) for part in node.parents])
    return found.get(total, (0, total))


def split_of(node: Value, parts: list[Split]) -> Split:
    """How a node splits, given how its parents do."""
    first, *others = node.parents
    half = len(parts) // 2
    if node.op in ("add", "sum", "mean"):
        return scaled(reduce(sum_of_splits, parts), 1 / len(parts) if node.op == "mean" else 1)
    if node.op in ("mul", "dot"):
        return reduce(sum_of_splits, map(product_of_splits, parts[:half], parts[half:], node.parents[half:]))
    if node.op == "square":
        return product_of_splits(parts[0], parts[0], first)
    if node.op == "sub":
        return sum_of_splits(parts[0], scaled(parts[1], -1))
    if node.op == "div":
        return scaled(parts[0], 1 / others[0])
    if node.op in ("neg", "identity") or node._operation.hidden:
        return scaled(parts[0], -1 if node.op == "neg" else 1)
    n = node.constants["n"] if node.op == "power" else others[0].data if node.op == "pow" else 0.0
    return (times_or_0(parts[0][0], first ** (n - 1)), 0) if n >= 1 and type(parts[0][1]) is int else (0, node)


def times_or_0(x: Any, y: Any) -> Any:
    """x * y; the 0 of a split leaves no node behind."""
    return 0 if (type(x) is int and x == 0) or (type(y) is int and y == 0) else times(x, y)


def scaled(x: Split, factor: Any) -> Split:
    return times_or_0(x[0], factor), times_or_0(x[1], factor)


def sum_of_splits(x: Split, y: Split) -> Split:
    return plus(x[0], y[0]), plus(x[1], y[1])


def product_of_splits(x: Split, y: Split, whole: Value) -> Split:
    """That of a product, of which `whole` is the second factor."""
    return plus(times_or_0(x[0], whole), times_or_0(x[1], y[0])), times_or_0(x[1], y[1])


# ---- formulas, evaluated ----------------------------------------------------------------------------


def evaluated(root: Any, known: dict[Any, Any]) -> Any:
    """What a formula comes to, given numbers of any kind for some of its parts; `known` learns of the others.

    Of a condition only the side that is chosen is computed.
    """
    if type(root) is not Formula:
        return root
    stack = [root]
    while stack:
        part = stack[-1]
        if part in known:
            stack.pop()
            continue
        missing = [p for p in needed(part, known) if type(p) is Formula and p not in known]
        if missing:
            stack += missing
        else:
            known[part] = applied(part, known)
    return known[root]


def needed(part: Formula, known: dict[Any, Any]) -> tuple:
    """The parts of a formula that must be known before it is: of a condition first the condition itself."""
    if part.head != "where":
        return part.parts
    condition, x, y = part.parts
    return (condition,) if condition not in known else (x if known[condition] else y,)


def applied(part: Formula, known: dict[Any, Any]) -> Any:
    """A formula whose needed parts are known; plain numbers that meet an error of Python's become Values first."""
    numbers = [known[p] if type(p) is Formula else p for p in needed(part, known)]
    function = WORDS.get(part.head) or declared(part.head)
    try:
        return function(*numbers)
    except (ArithmeticError, ValueError):
        return function(*map(as_value, numbers))


def declared(head: str) -> Callable:
    """The op, or the slope of the op, that a head of a formula names."""
    name, is_slope, _ = head.strip("'").partition("′")
    return slope_of_call(OPS[name]) if is_slope else OPS[name]


def slope_of_call(op: Op) -> Callable:
    """The slope of an op of one input, as a function that gives its graph."""
    def slope(x: Any) -> Any:
        x = as_value(x)
        node = op(x)
        return op.evaluate(x.data)[1][0] if node.is_constant else slopes_of(node, [x])[0]
    return slope
