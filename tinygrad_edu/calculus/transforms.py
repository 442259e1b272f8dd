"""Derivatives of Python functions: gradients, Jacobians, Hessians, and products with them.

`f` is run once on Values, so it may hold any control flow; the graph it leaves behind is then
walked backward (`grad`, `vjp`) or forward (`jvp`).  Nothing else is touched: no Value keeps a
gradient.

The answers are floats, or Values where something may be differentiated again: what is given Values, is
called within another of these functions, or differentiates an f whose graph reaches a Value that takes
gradients and is not one of its inputs, such as the weight of a network.  So derivatives nest
(`hessian(f)` is `jacobian(grad(f))`) and may stand in a loss.  Under `no_grad()` such a weight is a number.

Inputs are numbers, or lists, tuples, dicts, arrays and dataclasses of them, nested as you like.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from itertools import repeat
from typing import Any, NamedTuple

from ..engine import errors, ops
from ..engine.arrays import array_like, as_array, elements, is_array, is_value, unwrapped
from ..engine.copies import inputs_of_runs
from ..engine.errors import GradientError, errstate, recorded_anyway
from ..engine.graph import check_leaves, is_cut, leaves_in, walked_back
from ..engine.messages import describe, node_labelled
from ..engine.number import checked_whole, format_number, number, short_repr
from ..engine.replay import replay
from ..engine.slopes import as_value, float_of
from ..engine.value import Value, topological_order


def grad(f: Callable, argnums: int | tuple[int, ...] = 0) -> Callable:
    """The gradient of f, as a function of the same arguments.

    f         takes numbers, or lists, dicts, arrays and dataclasses of them, and returns one Value
    argnums   the number of the argument to differentiate by, from 0; a tuple of them gives a tuple

    Each gradient is built like its argument.  The other arguments are passed on as they are.
    Where f uses a Value that takes gradients besides, they are Values, which may stand in a loss.
    Raises TypeError where f returns no Value or an argument is no number, IndexError for an
    argument f was not given, ValueError for one that is named twice, GradientError where a
    derivative is not finite, ReplayError where what is wanted is a graph, as for a derivative of a
    derivative, and that of f holds a node made by hand.

    >>> grad(lambda x, y, z: (x + y) * z, argnums=(0, 1, 2))(-2, 5, -4)
    (-4.0, -4.0, 3.0)
    >>> grad(lambda p: p["w"][0] * p["w"][1] + p["b"])({"w": [2, 3], "b": 1})
    {'w': [3.0, 2.0], 'b': 1.0}
    >>> grad(grad(lambda x: x * x * x))(2)
    12.0
    >>> w = Value(3.0)
    >>> slope = grad(lambda x: w * x * x)(2.0)          # 2wx, a Value, since w takes gradients
    >>> slope.backward()
    >>> slope.data, w.grad
    (12.0, 4.0)
    """
    both = value_and_grad(f, argnums)

    def gradient(*args: Any, **options: Any) -> Any:
        return both(*args, **options)[1]
    return gradient


def value_and_grad(f: Callable, argnums: int | tuple[int, ...] = 0) -> Callable:
    """A function that gives (value, gradient) of f at once; arguments and errors are those of `grad`.

    >>> value_and_grad(lambda x: x * x)(3)
    (9.0, 6.0)
    """
    check_function(f)

    def value_and_gradient(*args: Any, **options: Any) -> tuple[Any, Any]:
        which = checked_argnums(argnums, len(args))
        run = run_on_leaves(f, args, which, options)
        output = unwrapped(run.answer)
        if not isinstance(output, Value):
            raise TypeError(f"a gradient is that of one number, but f returned {short_repr(output)}: use jacobian")
        walked = with_gradients(output, run)
        numbers = iter(arrived(walked, run))
        gradients = tuple([refilled(args[i], numbers) for i in which])
        return walked.value, gradients if isinstance(argnums, tuple) else gradients[0]
    return value_and_gradient


def derivative(f: Callable, n: int = 1) -> Callable:
    """The nth derivative of a function of one number, as a function.

    >>> derivative(lambda x: x ** 4, 2)(3)
    108.0
    """
    for _ in range(checked_whole("n", n)):
        f = grad(f)
    return f


def jacobian(f: Callable, layout: str = "numerator") -> Callable:
    """A function that gives the matrix of all derivatives ∂fᵢ/∂xⱼ, as a list of rows, or an array where x is one.

    f        takes x and returns Values, or lists, arrays ... of them; what is nested is read row by row
    layout   "numerator": a row for each output, outputs × inputs
             "denominator": a row for each input, inputs × outputs

    Raises ValueError for another layout, TypeError where f returns anything else than Values.

    >>> f = lambda x: [x[0] * x[1], x[0] + x[1], 3 * x[0]]
    >>> jacobian(f)([2, 5])
    [[5.0, 2.0], [1.0, 1.0], [3.0, 0.0]]
    >>> jacobian(f, layout="denominator")([2, 5])
    [[5.0, 1.0, 3.0], [2.0, 1.0, 0.0]]
    """
    check_function(f)
    if layout not in ("numerator", "denominator"):
        raise ValueError(f'layout={layout!r}: write "numerator" (a row for each output) '
                         'or "denominator" (a row for each input)')

    def matrix(x: Any) -> Any:
        run = run_on_leaves(f, (x,))
        rows = [arrived(with_gradients(output, run), run) for output in flat(run.answer)]
        if is_array(x):
            found = as_array([slope for row in rows for slope in row], (len(rows), len(run.leaves)))
            return found if layout == "numerator" else found.T
        return rows if layout == "numerator" else [[row[j] for row in rows] for j in range(len(run.leaves))]
    return matrix


def hessian(f: Callable) -> Callable:
    """A function that gives the matrix of second derivatives ∂²f/∂xᵢ∂xⱼ; f returns one Value.

    It is a list of rows, or an array where x is one; what is nested is read row by row.

    >>> hessian(lambda x: x[0] ** 2 * x[1])([3, 5])
    [[10.0, 6.0], [6.0, 0.0]]
    """
    return jacobian(grad(f))


def jvp(f: Callable, x: Any, v: Any) -> Any:
    """J v, the derivative of f at x along v: one walk forward, however many outputs there are.

    v   numbers, built like x; an input with v = 0 takes no part

    The answer is built like that of f.  Raises ValueError where v and x do not fit.

    >>> jvp(lambda x: [x[0] * x[1], x[0] + x[1], 3 * x[0]], [2, 5], [1, 0])     # the first column
    [5.0, 1.0, 3.0]
    """
    check_function(f)
    directions = list(map(number_or_value, fitted("v", v, "x", x)))
    run = run_on_leaves(f, (x,)).given_too(directions)
    outputs = flat(run.answer)
    moved = pushed_forward(outputs, run, directions)
    found = [as_result(moved.get(output, 0), run) for output in outputs]
    for i, change in enumerate(found):
        check_finite(change, f"of output {i} along v")
    return refilled(run.answer, found)


def pushed_forward(outputs: list[Value], run: "Run", v: Iterable[Any]) -> dict[Value, Any]:
    """How fast each node moves when the leaves move by v: Σ local gradient × how fast the parent moves."""
    moved: dict[Value, Any] = {leaf: x for leaf, x in zip(run.leaves, v) if isinstance(x, Value) or x}
    with errstate(all="ignore"), recorded_anyway():
        local = (replay(joined(outputs), Value, run.at, run.leaves).local.items() if run.as_graph
                 else [(node, node._local_grads) for node in run.order])
        for node, local_grads in local:
            change, selects = None, node._operation.selects
            for parent, local_grad in zip(node._parents, local_grads):
                if parent in moved and not (selects and is_cut(node, local_grad)):
                    part = local_grad * moved[parent]
                    change = part if change is None else change + part
            if change is not None:
                moved[node] = change
    return moved


def vjp(f: Callable, x: Any, v: Any) -> Any:
    """vᵀ J, the derivatives of v · f at x: one walk backward, however many inputs there are.

    v   numbers, built like what f returns; an output with v = 0 takes no part

    The answer is built like x.  Raises ValueError where v and the answer of f do not fit.

    >>> vjp(lambda x: [x[0] * x[1], x[0] + x[1], 3 * x[0]], [2, 5], [1, 0, 0])      # the first row
    [5.0, 2.0]
    """
    check_function(f)
    run = run_on_leaves(f, (x,))
    weights = list(map(number_or_value, fitted("v", v, "the answer of f", run.answer)))
    run = run.given_too(weights)
    pairs = [(y, w) for y, w in zip(flat(run.answer), weights) if isinstance(w, Value) or w]
    if not pairs:
        return refilled(x, (as_result(0, run) for _ in run.leaves))
    with errstate(all="ignore"), recorded_anyway():
        combined = ops.dot(*zip(*pairs))
    return refilled(x, arrived(with_gradients(combined, run), run))


def hvp(f: Callable, x: Any, v: Any) -> Any:
    """H v, the Hessian of f at x times v, without ever forming H: forward over reverse.

    >>> hvp(lambda x: x[0] ** 2 * x[1], [3, 5], [1, 0])
    [10.0, 6.0]
    """
    return jvp(grad(f), x, v)


def gradient_graph(output: Value, by: Any) -> Any:
    """The derivative of a Value by another as a graph: to be drawn, stepped through, differentiated.

    by   a Value that `output` was made from, or its label; or lists and dicts of these

    The graph stands on the same leaves.  Raises ValueError where `output` does not depend on it.

    >>> x = Value(2.0, label="x")
    >>> slope = gradient_graph(x * x * x, x)
    >>> slope.data
    12.0
    >>> slope.backward()                            # the second derivative, 6x
    >>> x.grad
    12.0
    """
    with errstate(all="ignore"):
        again = replay(output, Value)
    found = []
    for node in flat(by):
        node = node_labelled(node, again.grads, "node") if isinstance(node, str) else node
        if not isinstance(node, Value) or node not in again.grads:
            name = describe(node) if isinstance(node, Value) else short_repr(node)
            raise ValueError(f"{name} is not among the nodes that get a gradient from {describe(output)}")
        found.append(again.grads[node])
        check_finite(found[-1], f"by {describe(node)}")
    return refilled(by, found)


# ---- running f and walking its graph -----------------------------------------------------------------


class Run(NamedTuple):
    """What came of running a function on Values.

    given      the numbers it is differentiated by, one after the other
    leaves     the Values f saw in their place
    answer     what f returned
    order      the nodes of its graph, those of all outputs in one
    as_graph   are derivatives wanted as Values?
    """

    given: list[Any]
    leaves: list[Value]
    answer: Any
    order: list[Value]
    as_graph: bool

    @property
    def at(self) -> dict[Value, Any]:
        """{leaf: the number it stands for}."""
        return dict(zip(self.leaves, self.given))

    def given_too(self, numbers: list[Any]) -> "Run":
        """The same, with derivatives as Values if there are Values among these numbers."""
        return self._replace(as_graph=self.as_graph or any(isinstance(x, Value) for x in numbers))


def run_on_leaves(f: Callable, args: tuple, which: tuple[int, ...] = (0,), options: Mapping[str, Any] = {}) -> Run:
    """Call f with Values in place of all numbers in the arguments `which`."""
    given = [x for i in which for x in flat(args[i])]
    leaves = [Value(x.data, label=x.label) if isinstance(x, Value) else Value(x) for x in given]
    fresh, filled = iter(leaves), list(args)
    for i in which:
        filled[i] = refilled(args[i], fresh)
    around = inputs_of_runs.get()
    before = inputs_of_runs.set(around.union(leaves))
    try:
        with recorded_anyway():
            answer = f(*filled, **options)
    finally:
        inputs_of_runs.reset(before)
    order = topological_order(joined(checked_outputs(answer)))
    as_graph = bool(around) or any(isinstance(x, Value) for x in given) or (
        errors.recording.get() and not set(leaves_in(order)).issubset(leaves))
    return Run(given, leaves, answer, order, as_graph)


def checked_outputs(answer: Any) -> list[Value]:
    """What f returned, one after the other."""
    outputs = flat(answer)
    for output in outputs:
        if not isinstance(output, Value):
            raise TypeError(f"f must return Values, made from its inputs by operations: got {short_repr(output)}; "
                            "v.data cuts the graph, and a constant is written Value(...).detach()")
    return outputs


def joined(outputs: list[Value]) -> Value:
    """A node above all outputs, so that one walk finds the graphs of all."""
    if len(outputs) == 1:
        return outputs[0]
    with errstate(all="ignore"), recorded_anyway():
        return ops.sum(outputs) if outputs else Value(0.0).detach()


class Gradients(NamedTuple):
    """A value, the nodes it was made from, and its derivatives by them, as floats or as Values."""

    value: Any
    order: list[Value]
    grads: dict[Value, Any]


def with_gradients(output: Value, run: Run) -> Gradients:
    """The value of an output and its gradients, as floats or as Values."""
    if run.as_graph:
        with errstate(all="ignore"):
            again = replay(output, Value, run.at, run.leaves)
        return Gradients(again.value, list(again.values), again.grads)
    order = run.order if output is run.order[-1] else topological_order(output)
    return Gradients(output.data, order, {} if output.is_constant else walked_back(order, 1.0)[0])


def arrived(walked: Gradients, run: Run) -> list[Any]:
    """The gradient of each leaf; raises GradientError where one is not finite."""
    found = [as_result(walked.grads.get(leaf, 0), run) for leaf in run.leaves]
    numbers = {leaf: float_of(gradient) for leaf, gradient in zip(run.leaves, found)}
    if errors.strict.get() and not all(map(math.isfinite, numbers.values())):
        ours = [node for node in walked.order if node.parents or node in numbers]
        check_leaves(ours, {node: float_of(gradient) for node, gradient in walked.grads.items()})
    return found


def check_finite(result: Any, what: str) -> None:
    if errors.strict.get() and not math.isfinite(float_of(result)):
        raise GradientError(f"the derivative {what} is {format_number(float_of(result))}")


def as_result(x: Any, run: Run) -> Any:
    return as_value(x) if run.as_graph else float(x)


# ---- nested lists, dicts, arrays and dataclasses of numbers ------------------------------------------


def parts_of(tree: Any) -> Mapping[Any, Any] | list | tuple | None:
    """What stands in a list, tuple, dict, array or dataclass, by key or in order; None for a number."""
    if type(tree) is float or is_value(tree):
        return None
    if isinstance(tree, Mapping | list | tuple):
        return tree
    if is_dataclass(tree) and not isinstance(tree, type):
        return {field.name: getattr(tree, field.name) for field in fields(tree)}
    return elements(tree) if is_array(tree) else None


def flat(tree: Any) -> list[Any]:
    """What stands in nested lists, tuples, dicts, arrays and dataclasses, in order.

    >>> flat({"w": [1, (2, 3)], "b": 4})
    [1, 2, 3, 4]
    """
    parts = parts_of(tree)
    if parts is None:
        return [unwrapped(tree)]
    return [x for part in (parts.values() if isinstance(parts, Mapping) else parts) for x in flat(part)]


def refilled(tree: Any, numbers: Iterable[Any]) -> Any:
    """The same lists, tuples, dicts, arrays and dataclasses, with other numbers in them.

    >>> refilled({"w": [1, (2, 3)], "b": 4}, iter("abcd"))
    {'w': ['a', ('b', 'c')], 'b': 'd'}
    """
    numbers, parts = iter(numbers), parts_of(tree)
    if parts is None:
        return next(numbers)
    if isinstance(parts, Mapping):
        filled = {key: refilled(part, numbers) for key, part in parts.items()}
        return filled if isinstance(tree, Mapping) else replace(tree, **filled)
    if is_array(tree):
        return array_like(tree, [next(numbers) for _ in range(tree.size)])
    row = [refilled(part, numbers) for part in parts]
    return row if isinstance(tree, list) else getattr(tree, "_make", tuple)(row)        # a named one stays so


def plain(tree: Any) -> Any:
    """The same as nested lists and dicts: how it is built, and nothing else."""
    parts = parts_of(tree)
    if isinstance(parts, Mapping):
        return {key: plain(part) for key, part in parts.items()}
    return unwrapped(tree) if parts is None else [plain(part) for part in parts]


def number_or_value(x: Any) -> Any:
    return x if isinstance(x, Value) else number(x)


def check_function(f: Any) -> None:
    if not callable(f):
        raise TypeError(f"f is a function of numbers, such as lambda x: x * x: got {short_repr(f)}")


def checked_argnums(argnums: Any, count: int) -> tuple[int, ...]:
    given = argnums if isinstance(argnums, tuple) else (argnums,)
    which = tuple(checked_whole("argnums", i, least=-math.inf) for i in given)
    for i in which:
        if not 0 <= i < count:
            raise IndexError(f"argnums={argnums!r}, but f was given {count} argument{'s' * (count != 1)}"
                             + (f": 0 to {count - 1}" if count else ""))
    if not which or len(set(which)) < len(which):
        raise ValueError(f"argnums names one argument or several, each once: got {argnums!r}")
    return which


def fitted(name: str, tree: Any, other: str, model: Any) -> list[Any]:
    """What stands in a tree, in the order of the tree it must be built like: dicts may have another order of keys."""
    ours, theirs = plain(tree), plain(model)
    if refilled(ours, repeat(0)) != refilled(theirs, repeat(0)):
        sizes = f"{len(flat(tree))} and {len(flat(model))} numbers"
        raise ValueError(f"{name} must be built like {other} ({sizes}): got {short_repr(tree)}")
    return list(flat_along(theirs, ours))


def flat_along(model: Any, tree: Any) -> Iterator[Any]:
    if not isinstance(model, Mapping | list):
        yield tree
        return
    for key in model if isinstance(model, Mapping) else range(len(model)):
        yield from flat_along(model[key], tree[key])
