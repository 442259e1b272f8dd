"""Two ways to measure a slope without trusting the gradient that claims it; `gradcheck.py` judges by them.

An operation has a rule, and a rule runs on numbers of any number of digits: `RuleInDigits` moves one
input by next to nothing and looks at what the value does, far below what floats could show.  A
node made by hand has no rule: all one can do is to run the whole function again at moved inputs
(`Experiment`), in floats, with larger and smaller steps, and extrapolate to a step of 0.
"""

import inspect
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

from ..calculus.differences import without_term
from ..calculus.transforms import parts_of, refilled
from ..engine.arrays import elements, is_array, unwrapped
from ..engine.errors import recorded_anyway
from ..engine.formula import total
from ..engine.graph import topological_order
from ..engine.number import short_repr
from ..engine.origin import trace_origin
from ..engine.replay import replay
from ..engine.value import Value
from .decimals import Precise, decimal, digits

# ---- many digits -----------------------------------------------------------------------------------

LEVELS = ((90, 18), (240, 48), (1350, 270))     # digits, and how many of them the step lies below the input
NARROWER = 600                                  # digits by which a second step is smaller still
LEAST = Decimal("1e-330")                       # what is smaller is 0 as a float
COMPARED = 60                                   # digits with which slopes are compared
INFINITY = Decimal("inf")


class Slopes(NamedTuple):
    """What happens to a value as one input moves: the local gradient the rule gives, and the slope on each side."""

    rule: Decimal
    below: Decimal
    above: Decimal
    resolution: Decimal                         # slopes no larger than this are lost in rounding

    @property
    def middle(self) -> Decimal:
        with digits(COMPARED):
            return (self.below + self.above) / 2

    @property
    def is_clear(self) -> bool:
        """Is there one slope, the same on both sides to 12 digits, and large enough to be told from rounding?"""
        with digits(COMPARED):
            apart = abs(self.above - self.below)
            return abs(self.middle) > self.resolution and apart <= max(abs(self.middle).scaleb(-12), LEAST)

    def agrees(self, slope: Decimal) -> bool:
        """Is this the slope, to a billionth of it?"""
        with digits(COMPARED):
            return abs(slope - self.middle) <= max(abs(self.middle).scaleb(-9), LEAST)

    @property
    def is_zero(self) -> bool:
        """Are the slopes too small to be seen, and is the local gradient too?"""
        with digits(COMPARED):
            return max(abs(self.above), abs(self.below), abs(self.rule)) <= max(self.resolution, LEAST)

    def has_vanished_from(self, wider: "Slopes") -> bool:
        """Do the slopes shrink with the step, as those at an extremum do, and is the local gradient 0?"""
        with digits(COMPARED):
            here, there = [max(abs(slopes.above), abs(slopes.below)) for slopes in (self, wider)]
            return here <= there.scaleb(-100) and abs(self.rule) <= LEAST


class RuleInDigits:
    """The textbook rule of a node's operation, run in many digits; its accurate form where that is not finite.

    level   which of `LEVELS`; the higher ones show what is lost in the rounding of the lower,
            such as the slope of tanh at 300, which is 10⁻²⁶⁰ beside a value of 1
    """

    def __init__(self, node: Value, level: int):
        self.node, (self.digits, self.below) = node, LEVELS[level]
        self.relative = level == 0              # sin(1e300) needs steps below 1, not below 1e300
        self.known: dict[tuple[int, Decimal], tuple[Decimal, list[Decimal]]] = {}
        op: Any = node._operation
        with digits(self.digits):
            self.inputs = [+Precise(p.data) for p in node.parents]      # rounded as results are: one is the largest
            for self.rule in (op.textbook, op.rule):        # exp(1e300) leaves decimals; accurate forms do without it
                self.value, self.local_grads = self.run(self.inputs)
                if self.value.is_finite():
                    break

    def run(self, inputs: list[Any]) -> tuple[Decimal, list[Decimal]]:
        """(value, local gradients) of the rule at these inputs."""
        op: Any = self.node._operation
        constants = {name: +Precise(c) for name, c in self.node.constants.items()}
        value, local_grads = self.rule(*op.in_rows(inputs), **constants)
        return decimal(value), list(map(decimal, op.one_by_one(local_grads)))

    def step(self, i: int) -> Decimal:
        """How far input i is moved."""
        sizes = [abs(x.number) for x in self.inputs]
        x = sizes[i] or min([size for size in sizes if size], default=Decimal(1))     # atan2(0, 1e-300) bends at 1e-300
        step = x if x < 1 or (self.relative and sizes[i]) else Decimal(1)
        return step.scaleb(-self.below) / self.jumps_within_an_input()

    def jumps_within_an_input(self) -> Decimal:
        """How many jumps there are between 0 and the inputs, of an operation that jumps at infinitely many places."""
        op: Any = self.node._operation
        places = abs(decimal(op.jumps(*self.inputs))) if op.jumps else Decimal(1)
        return max(places, Decimal(1)) if places.is_finite() else Decimal(1)

    def moved(self, i: int, h: Decimal) -> tuple[Decimal, list[Decimal]]:
        """(value, local gradients) with input i moved by h."""
        if (i, h) not in self.known:
            inputs = [*self.inputs]
            inputs[i] = inputs[i] + h
            self.known[i, h] = self.run(inputs)
        return self.known[i, h]

    def change(self, i: int, h: Decimal) -> Decimal:
        """What the value changes by as input i moves by h."""
        return self.moved(i, h)[0] - self.value

    def slopes(self, i: int) -> Slopes:
        """The slopes by input i, from a step down and a step up."""
        with digits(self.digits):
            h = self.step(i)
            resolution = abs(self.value).scaleb(20 - self.digits) / h
            return Slopes(self.local_grads[i], self.change(i, -h) / -h, self.change(i, h) / h, resolution)

    def rounding_sensitivity(self, i: int) -> float:
        """How far local gradient i moves as each input does by some roundings of a float."""
        def by(j: int) -> Decimal:
            moved = [x + x * Fraction(1, 2 ** 50) if k == j else x for k, x in enumerate(self.inputs)]
            return abs(self.run(moved)[1][i] - self.local_grads[i])
        with digits(self.digits):
            return float(sum(map(by, range(len(self.inputs)))))

    def one_sided(self, i: int) -> list[Decimal | str]:
        """The slope below and that above: a number, maybe infinite, or "jump", or "none" (outside the domain)."""
        with digits(self.digits):
            return [one_sided_slope(*two) for two in self.changes(i)]

    def beside_jump(self, i: int) -> list[Decimal]:
        """The slopes below and above, measured without the point itself, since a jump may lie between."""
        with digits(self.digits):
            slopes = [(change - smaller) / step for (change, step), (smaller, _) in self.changes(i)]
            return [slope for slope in slopes if slope.is_finite()]

    def changes(self, i: int) -> list[list[tuple[Decimal, Decimal]]]:
        """Below and above, (what the value changes by, step) for a step and a far smaller one."""
        h = self.step(i)
        return [[(self.change(i, step), step) for step in (sign * h, sign * h.scaleb(-NARROWER))] for sign in (-1, 1)]


class SlopeInDigits(RuleInDigits):
    """A local gradient of a textbook rule, run in many digits as a number that has local gradients itself.

    rule     the rule, in the digits that are wanted
    k        which of its local gradients
    graph    its graph as the engine differentiates it, or a number where that stays as it is
    leaves   the inputs as leaves of this graph; None for a constant
    """

    def __init__(self, rule: RuleInDigits, k: int, graph: Any, leaves: Sequence[Any]):
        vars(self).update(vars(rule))
        self.source, self.k, self.graph, self.leaves = rule, k, graph, leaves
        self.value = rule.local_grads[k]
        with digits(self.digits):
            self.by_graph, self.local_grads = self.run_graph(self.inputs)

    def run_graph(self, inputs: list[Any]) -> tuple[Decimal, list[Decimal]]:
        """(value, local gradients) of the graph at these inputs."""
        if not isinstance(self.graph, Value):
            return decimal(self.graph), [Decimal(0)] * len(inputs)
        at = {leaf: x for leaf, x in zip(self.leaves, inputs) if leaf is not None}
        again = replay(self.graph, Precise, at)
        return decimal(again.value), [decimal(again.grads.get(leaf, 0)) for leaf in self.leaves]

    def run(self, inputs: list[Any]) -> tuple[Decimal, list[Decimal]]:
        return self.source.run(inputs)[1][self.k], self.run_graph(inputs)[1]

    def change(self, i: int, h: Decimal) -> Decimal:
        return self.source.moved(i, h)[1][self.k] - self.value


def one_sided_slope(wide: tuple[Decimal, Decimal], narrow: tuple[Decimal, Decimal]) -> Decimal | str:
    """The one-sided slope that two changes of a value, each with its step, lead to."""
    (change, step), (smaller_change, smaller_step) = wide, narrow
    if not (change.is_finite() and smaller_change.is_finite()):
        return "none"
    if abs(smaller_change) > abs(change) / 2:
        return "jump"
    slope, closer = change / step, smaller_change / smaller_step
    if abs(closer) > abs(slope) * Decimal("1.001"):             # x ** 0.9999 at 0 is as steep as √x, in the end
        return INFINITY.copy_sign(closer)
    return closer if abs(closer) > abs(slope) * Decimal("0.999") else Decimal(0)


# ---- running the function again ----------------------------------------------------------------------

STEPS = [2.0 ** -k for k in range(4, 46, 2)]    # each a quarter of the one before
JUMP_STEPS = (2.0 ** -24, 2.0 ** -34, 2.0 ** -44)
JUMP = 2.0 ** -40                               # what changes by less of the largest number around may be rounding
ROUNDOFF = 2.0 ** -53                               # a float is rounded by at most so much of itself,
TINY = 2.0 ** -1074                             # or by half of the smallest one


class Experiment:
    """A function and its inputs: run as they are, and again with one moved.  Afterwards all is as it was.

    leaves   the inputs, as the leaves of the graph
    order    the nodes of the graph the function made
    """

    def __init__(self, f: Callable, inputs: Any):
        self.f = f
        self.leaves: list[Value] = []
        inputs = elements(inputs) if is_array(inputs) else inputs
        inputs = inputs if isinstance(inputs, list | tuple) else (inputs,)
        check_call(f, inputs)
        names = names_of(f, len(inputs))
        self.arguments = [self.with_leaves(x, name) for x, name in zip(inputs, names)]
        self.start = [leaf.data for leaf in self.leaves]
        with trace_origin():
            self.output = self.run()
        self.order = topological_order(self.output)
        self.shape = without_numbers(self.order)

    def with_leaves(self, tree: Any, name: str) -> Any:
        """An argument, its numbers made into leaves; Values are taken as they are."""
        leaves = [x if isinstance(x, Value) else Value(x, label=called) for called, x in named_parts(name, tree)]
        for leaf in leaves:
            if leaf.parents or leaf.is_constant:
                raise ValueError(f"an input is a number or a leaf: got {short_repr(leaf)}, which gets no gradient "
                                 "of its own")
        self.leaves += leaves
        return refilled(tree, leaves)

    def run(self) -> Value:
        """The function's output for the leaves as they are."""
        with recorded_anyway():
            output = unwrapped(self.f(*self.arguments))
        if not isinstance(output, Value):
            why = "was the graph cut by .data?" if parts_of(output) is None else "choose one, or add them up"
            raise TypeError(f"f must return one Value, got {short_repr(output)}: {why}")
        return output

    def run_at(self, moved: dict[int, float], on_any_path: bool = False) -> list[tuple[float, dict]] | None:
        """(data, constants) of each node with some inputs elsewhere; None if f raises or takes another path."""
        try:
            for i, x in moved.items():
                self.leaves[i].data = x
            order = topological_order(self.run())
            is_known = on_any_path or without_numbers(order) == self.shape
            return [(node.data, node.constants) for node in order] if is_known else None
        except (ArithmeticError, ValueError, TypeError):        # such as the complex number (-1) ** 0.5
            return None
        finally:
            for leaf, x in zip(self.leaves, self.start):
                leaf.data = x

    @cached_property
    def nearby(self) -> list[list[tuple[float, dict]] | None]:
        """What `run_at` gives with all inputs moved a little, each by another amount: one way, and the other."""
        def beside(sign: float) -> list[tuple[float, dict]] | None:
            for step in (sign * 1e-6, sign * 1e-12):
                moved = {i: x + step * (abs(x) or 1.0) / (1 + 0.1 * i) for i, x in enumerate(self.start)}
                if nodes := self.run_at(moved):
                    return nodes
            return None
        return [beside(-1.0), beside(1.0)]

    def jumps(self, i: int) -> tuple[float | None, float | None]:
        """What f is just below input i and just above it; None where it leads there without a jump."""
        return self.jump(i, -1.0), self.jump(i, 1.0)

    def jump(self, i: int, sign: float) -> float | None:
        """Where f is led to from one side, if that is not what it is.

        A change that is a jump does not shrink with the step; one below `JUMP` of the largest number of the graph may
        be rounding.
        """
        x, ends = self.start[i], []
        for step in JUMP_STEPS:
            nodes = self.run_at({i: x + sign * step * (abs(x) or 1.0)}, on_any_path=True)
            ends.append(nodes[-1][0] if nodes else math.nan)
        changes = [abs(y - self.output.data) for y in ends]
        rounding = JUMP * max(abs(node.data) for node in self.order)
        if all(change > rounding and change > changes[0] / 2 for change in changes[1:]):
            return ends[-1] if abs(ends[-1]) > rounding else 0.0
        return None

    def runs(self, i: int) -> list["Runs"]:
        """Runs with input i moved by smaller and smaller steps, in units of its size, and of 1 if that is far off."""
        size = abs(self.start[i]) or 1.0
        return [self.runs_along(i, unit) for unit in ([size] if 0.01 < size < 100 else [size, 1.0])]

    def runs_along(self, i: int, unit: float) -> "Runs":
        """Runs with input i moved by all of STEPS, down and up."""
        x = self.start[i]
        found = Runs([*[node.data for node in self.order], x], [], [], unit)
        for sign, side in ((-1, found.below), (1, found.above)):
            for step in STEPS:
                to = x + sign * step * unit
                nodes = self.run_at({i: to}) if to != x else None
                data = [*[y for y, _ in nodes], to] if nodes else []
                side.append(data if all(y - y == 0 for y in data) else [])
        return found


def check_call(f: Callable, inputs: Sequence[Any]) -> None:
    """Raise TypeError if f does not take so many inputs: one that is a list is easily taken for several."""
    try:
        takes = inspect.signature(f).bind
    except (TypeError, ValueError):                     # a function that does not say
        return
    try:
        takes(*inputs)
    except TypeError as error:
        raise TypeError(f"f cannot take {len(inputs)} inputs, one for each element: {error}; one input that is itself "
                        "a list or an array is written gradcheck(f, [x])") from None


def names_of(f: Callable, count: int) -> list[str]:
    """What the arguments of a function are called; x0, x1 ... where it does not say."""
    try:
        named = [p.name for p in inspect.signature(f).parameters.values()
                 if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    except (TypeError, ValueError):
        named = []
    return named[:count] if len(named) >= count else [f"x{i}" for i in range(count)]


def without_numbers(order: list[Value]) -> list[tuple]:
    """A graph without its numbers: equal for two runs that took the same path."""
    place = {node: k for k, node in enumerate(order)}
    return [(node.op, tuple([place[p] for p in node.parents])) for node in order]


def named_parts(name: str, tree: Any) -> Iterator[tuple[str, Any]]:
    """The numbers in an argument, each with a name: that of the argument, and where it stands.

    >>> list(named_parts("p", {"w": [2.0, 3.0], "b": 1.0}))
    [('p_w0', 2.0), ('p_w1', 3.0), ('p_b', 1.0)]
    """
    parts = parts_of(tree)
    if parts is None:
        yield name, unwrapped(tree)
    elif isinstance(parts, Mapping):
        for key, part in parts.items():
            yield from named_parts(f"{name}_{key}", part)
    else:
        for i, part in enumerate(parts):
            yield from named_parts(f"{name}{i}", part)


class Runs(NamedTuple):
    """The data of all nodes, the input's last: at the start, and at steps below and above ([] if f failed there)."""

    start: list[float]
    below: list[list[float]]
    above: list[list[float]]
    unit: float                                 # of the steps

    @property
    def all(self) -> list[list[float]]:
        return [data for data in [*self.below, *self.above] if data]

    def without(self, jumps: tuple[float | None, float | None]) -> "Runs":
        """The same without the sides to which f jumps."""
        nothing: list[list[float]] = [[]] * len(STEPS)
        below, above = [nothing if y is not None else side for y, side in zip(jumps, (self.below, self.above))]
        return self._replace(below=below, above=above)


class Unexplained(NamedTuple):
    """How much of the slope of a node its local gradients leave unexplained, and what that is worth.

    by              {parent: its slope} along the input that moved
    low, high       the unexplained slope; two numbers at a kink, one on each side of it
    uncertainty     how far these may be off
    slope           the size of the whole slope
    scale           the size of all slopes involved
    floor           what would still be a small slope for the node
    """

    by: dict[int, float]
    low: float = 0.0
    high: float = 0.0
    uncertainty: float = 0.0
    slope: float = 0.0
    scale: float = 0.0
    floor: float = 0.0

    @property
    def is_vague(self) -> bool:
        """May it be off by a millionth of the slope, so that it tells right from wrong no better?"""
        return not self.uncertainty <= 2e-7 * (self.slope + self.floor)

    @property
    def margin(self) -> float:
        return 5 * self.uncertainty + 1e-8 * self.scale

    @property
    def is_wrong(self) -> bool:
        """Is something left that the uncertainty cannot account for?"""
        return not self.low - self.margin <= 0 <= self.high + self.margin

    @property
    def missing(self) -> float:
        """What the local gradients lack of the nearest slope."""
        return min(self.low, self.high, key=abs)

    def contradicts(self, other: "Unexplained") -> bool:
        return max(self.low - other.high, other.low - self.high) > self.margin + other.margin


def unexplained(runs: list[Runs], of: int, by: Sequence[int], local_grads: Sequence[float]) -> Unexplained | None:
    """The slope of node `of` that its parents `by` do not explain; None where that cannot be told.

    With right local gradients the change of the node is that of its parents, each times its local
    gradient, but for terms that vanish with the step.
    """
    edges = list(zip(by, local_grads))
    stays = all(data[of] == each.start[of] for each in runs for data in each.all)
    if stays and (rest := unexplained_rest(runs, edges)):
        return rest
    noise = noise_floor(runs, of)
    found = [one for each in runs if (one := unexplained_along(each, of, edges, noise)) and not one.is_vague]
    if not found or any(one.contradicts(found[0]) for one in found):
        return None
    return min(found, key=lambda one: relative(one.uncertainty, one.slope))


def unexplained_rest(runs: list[Runs], edges: list[tuple[int, float]]) -> Unexplained | None:
    """What is unexplained of a node that stays as it is: nothing, or the slope that its local gradients give it.

    None where what they say would be lost in rounding.
    """
    widest = max([each for each in runs if each.all], key=lambda each: each.unit, default=None)
    if widest is None:
        return Unexplained(dict.fromkeys([p for p, _ in edges], 0.0))
    start, data = widest.start, widest.all[0]
    changes, step = {p: data[p] - start[p] for p, _ in edges}, data[-1] - start[-1]
    said = total([g * changes[p] for p, g in edges])
    if 0 < abs(said) <= JUMP * max(map(abs, start)):
        return None
    by, slope = {p: change / step for p, change in changes.items()}, said / step
    return Unexplained(by, -slope, -slope, scale=abs(slope))


def noise_floor(runs: list[Runs], of: int) -> float:
    """The rounding hidden within a node, where it shows: 1 - cos(x) near 0 is flat, then jumps by 10⁻¹⁶."""
    found = 0.0
    for each in runs:
        for side in (each.below, each.above):
            changes = [abs(data[of] - each.start[of]) for data in side if data]
            seen = [change for change in changes if change]
            if 0 < len(seen) < len(changes) and min(seen) < 1e-10 * max(seen):
                found = max(found, min(seen))
    return found


def unexplained_along(runs: Runs, of: int, edges: list[tuple[int, float]], noise: float) -> Unexplained | None:
    """What the runs of one unit leave unexplained: from below, from above and, where both exist, across."""
    start = runs.start
    size = total([abs(start[of]), *[abs(g * start[p]) for p, g in edges]])
    change = max([abs(data[of] - start[of]) for data in runs.all], default=0.0)
    floor = (1e-9 * size + 1e-3 * change) / runs.unit                           # what counts as much where it is 0
    rough = max(noise, 2 * ROUNDOFF * size, TINY if any(g for _, g in edges) else 0.0)
    sides = [one for side in (runs.below, runs.above)
             if (one := extrapolated([(start, data) for data in side if data], of, edges, rough, floor, ONE_SIDED))]
    if not sides:
        return None
    both = [(low, high) for low, high in zip(runs.below, runs.above) if low and high]
    across = extrapolated(both, of, edges, rough, floor, CENTRAL)
    near = min([*sides, *filter(None, [across])], key=lambda one: relative(one.uncertainty, abs(one.slope) + floor))
    slope = abs(near.slope)
    scale = slope + total([abs(g * near.by[p]) for p, g in edges])
    low, high = min(one.gap for one in sides), max(one.gap for one in sides)
    uncertainty = max(one.uncertainty for one in sides)
    if not high - low > 5 * uncertainty + 1e-7 * scale:                         # no kink
        low, high, uncertainty = near.gap, near.gap, near.uncertainty
    return Unexplained(near.by, low, high, uncertainty, slope, scale, floor)


def relative(error: float, size: float) -> float:
    """An error as a share of what it is an error of, from 0 to 1."""
    return error / (error + size or 1.0)


class Extrapolated(NamedTuple):
    """The limits that slopes have as the step goes to 0.

    uncertainty   how far `gap` may be off
    gap           the slope of the node without what its parents explain of it
    slope         the slope of the node
    by            {parent: its slope}
    """

    uncertainty: float
    gap: float
    slope: float
    by: dict[int, float]


def extrapolated(rows: list[tuple[list[float], list[float]]], of: int, edges: list[tuple[int, float]],
                 noise: float, floor: float, shrink: int) -> Extrapolated | None:
    """The limit of a node's slope, from the data at both ends of larger to smaller steps.

    The smallest steps show nothing but rounding, and so how large that is.  The best step is where
    the answer moves least beside the whole slope, and smaller steps do not contradict it: those that
    jump over many waves of a sine may agree on a slope, but not on that of the sine.
    """
    if len(rows) < 6:
        return None
    steps = [high[-1] - low[-1] for low, high in rows]

    def slopes(place: int) -> list[float]:
        return [(high[place] - low[place]) / h for (low, high), h in zip(rows, steps)]
    by = {p: slopes(p) for p, _ in edges}
    whole = slopes(of)
    gaps = [slope - total([g * by[p][k] for p, g in edges]) for k, slope in enumerate(whole)]
    noise = max(noise, *[abs((a - b) * h) for (a, b), h in list(zip(pairwise(gaps), steps[1:]))[-5:]])
    best, slope = without_two_terms(gaps, shrink), without_two_terms(whole, shrink)
    sizes = [ROUNDOFF * (abs(low[of]) + abs(high[of])) for low, high in rows]       # of what is rounded there
    errors = [abs(b - a) + 2 * max(noise, size) / abs(h)
              for (a, b), size, h in zip(pairwise(best), sizes[3:], steps[3:])]
    lasting = [k for k, error in enumerate(errors)
               if all(abs(best[j + 1] - best[k + 1]) <= 5 * (error + errors[j]) for j in range(k, len(errors)))]
    if not lasting:                                     # the numbers are too large for their differences
        return None
    k = min(lasting, key=lambda k: relative(errors[k], abs(slope[k + 1]) + floor))
    return Extrapolated(errors[k], best[k + 1], slope[k + 1],
                        {p: without_two_terms(row, shrink)[k + 1] for p, row in by.items()})


ONE_SIDED, CENTRAL = 4, 16      # what the first term of the error shrinks by as a step shrinks to a quarter


def without_two_terms(slopes: list[float], shrink: int) -> list[float]:
    """Better estimates of a slope, two fewer.

    The error of a one-sided slope is a h + b h² + ..., that of a central one a h² + b h⁴ + ...
    """
    return without_term(without_term(slopes, shrink), shrink * shrink)
