"""Two ways to measure a slope without being told it: what `gradcheck.py` judges local gradients by.

An operation has a rule, and a rule runs on numbers of any number of digits: `Lens` moves one
input by next to nothing and looks at what the value does, far below what floats could show.  A
node made by hand has no rule: all one can do is to run the whole function again at moved inputs
(`Experiment`), in floats, with larger and smaller steps, and extrapolate to a step of 0.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

from ..engine.errors import recorded_anyway
from ..engine.number import shortened
from ..engine.origin import trace_origin
from ..engine.replay import apply
from ..engine.value import Value, topological_order
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
    blur: Decimal                               # slopes no larger than this are lost in rounding

    @property
    def middle(self) -> Decimal:
        with digits(COMPARED):
            return (self.below + self.above) / 2

    @property
    def is_clear(self) -> bool:
        """Is there one slope, the same on both sides to 12 digits, and large enough to be told from rounding?"""
        with digits(COMPARED):
            apart = abs(self.above - self.below)
            return abs(self.middle) > self.blur and apart <= max(abs(self.middle).scaleb(-12), LEAST)

    def agrees(self, slope: Decimal) -> bool:
        """Is this the slope, to a billionth of it?"""
        with digits(COMPARED):
            return abs(slope - self.middle) <= max(abs(self.middle).scaleb(-9), LEAST)

    @property
    def is_zero(self) -> bool:
        """Is nothing to be seen of a slope, and does the rule say so?"""
        with digits(COMPARED):
            return max(abs(self.above), abs(self.below), abs(self.rule)) <= max(self.blur, LEAST)


class Lens:
    """A node that was recorded by an operation, computed again in many digits.

    level   which of `LEVELS`; the higher ones show what is lost in the rounding of the lower,
            such as the slope of tanh at 300, which is 10⁻²⁶⁰ beside a value of 1
    """

    def __init__(self, node: Value, level: int):
        self.node, (self.digits, self.below) = node, LEVELS[level]
        self.relative = level == 0              # sin(1e300) needs steps below 1, not below 1e300
        with digits(self.digits):
            self.inputs = [+Precise(p.data) for p in node.parents]      # like results, so that a largest is one of them
            self.value, local_grads = self.run(self.inputs)
            self.local_grads = [decimal(g) for g in local_grads]

    def run(self, inputs: list[Any]) -> tuple[Decimal, tuple]:
        constants = {name: +Precise(c) for name, c in self.node.constants.items()}
        value, local_grads = apply(self.node, inputs, constants)
        return decimal(value), local_grads

    def step(self, i: int) -> Decimal:
        sizes = [abs(x.number) for x in self.inputs]
        x = sizes[i] or min([size for size in sizes if size], default=Decimal(1))     # atan2(0, 1e-300) bends at 1e-300
        return (x if x < 1 or (self.relative and sizes[i]) else Decimal(1)).scaleb(-self.below)

    def change(self, i: int, h: Decimal) -> Decimal:
        """What the value changes by as input i moves by h."""
        moved = [*self.inputs]
        moved[i] = moved[i] + h
        return self.run(moved)[0] - self.value

    def slopes(self, i: int) -> Slopes:
        with digits(self.digits):
            h = self.step(i)
            blur = abs(self.value).scaleb(20 - self.digits) / h
            return Slopes(self.local_grads[i], self.change(i, -h) / -h, self.change(i, h) / h, blur)

    def play(self, i: int) -> float:
        """How far local gradient i moves as each input does by some roundings of a float."""
        def by(j: int) -> Decimal:
            moved = [x + x * Fraction(1, 2 ** 50) if k == j else x for k, x in enumerate(self.inputs)]
            return abs(decimal(self.run(moved)[1][i]) - self.local_grads[i])
        with digits(self.digits):
            return float(sum(map(by, range(len(self.inputs)))))

    def sides(self, i: int) -> list[Decimal | str]:
        """The slope below and that above: a number, maybe infinite, or "jump", or "none" (outside the domain)."""
        with digits(self.digits):
            return [side(*two) for two in self.changes(i)]

    def sides_beside_jump(self, i: int) -> list[Decimal]:
        """The slope below and that above, both without the point itself, which a jump may part from them."""
        with digits(self.digits):
            slopes = [(change - smaller) / step for (change, step), (smaller, _) in self.changes(i)]
            return [slope for slope in slopes if slope.is_finite()]

    def changes(self, i: int) -> list[list[tuple[Decimal, Decimal]]]:
        """Below and above, (what the value changes by, step) for a step and a far smaller one."""
        h = self.step(i)
        return [[(self.change(i, step), step) for step in (sign * h, sign * h.scaleb(-NARROWER))] for sign in (-1, 1)]


def side(wide: tuple[Decimal, Decimal], narrow: tuple[Decimal, Decimal]) -> Decimal | str:
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
UNIT = 2.0 ** -53                               # a float is rounded by at most so much of itself,
TINY = 2.0 ** -1074                             # or by half of the smallest one


class Experiment:
    """A function and its inputs: run as they are, and again with one moved.  Afterwards all is as it was.

    leaves   the inputs, as the leaves of the graph
    order    the nodes of the graph the function made
    """

    def __init__(self, f: Callable, inputs: Sequence[Any]):
        self.f = f
        self.leaves: list[Value] = []
        names = names_of(f, len(inputs))
        self.arguments = [self.with_leaves(x, name) for x, name in zip(inputs, names)]
        self.start = [leaf.data for leaf in self.leaves]
        with trace_origin():
            self.output = self.run()
        self.order = topological_order(self.output)
        self.path = path_of(self.order)

    def with_leaves(self, x: Any, name: str) -> Any:
        """An argument, its numbers made into leaves; Values are taken as they are."""
        if isinstance(x, list | tuple):
            return [self.with_leaves(e, f"{name}{i}") for i, e in enumerate(x)]
        if isinstance(x, Mapping):
            return {key: self.with_leaves(e, f"{name}_{key}") for key, e in x.items()}
        leaf = x if isinstance(x, Value) else Value(x, label=name)
        if leaf.parents or leaf.is_constant:
            raise ValueError(f"an input is a number or a leaf: got {shortened(x)}, which gets no gradient of its own")
        self.leaves.append(leaf)
        return leaf

    def run(self) -> Value:
        with recorded_anyway():
            output = self.f(*self.arguments)
        if not isinstance(output, Value):
            raise TypeError(f"f must return one Value, got {shortened(output)}: was the graph cut by .data?")
        return output

    def moved(self, to: dict[int, float]) -> list[tuple[float, dict]] | None:
        """(data, constants) of each node with some inputs elsewhere; None if f raises or takes another path."""
        try:
            for i, x in to.items():
                self.leaves[i].data = x
            order = topological_order(self.run())
            return [(node.data, node.constants) for node in order] if path_of(order) == self.path else None
        except (ArithmeticError, ValueError, TypeError):        # such as the complex number (-1) ** 0.5
            return None
        finally:
            for leaf, x in zip(self.leaves, self.start):
                leaf.data = x

    def moves(self, i: int) -> list["Moves"]:
        """Runs with input i moved by smaller and smaller steps, in units of its size, and of 1 if that is far off."""
        x = self.start[i]
        size = abs(x) or 1.0
        return [self.ladder(i, unit) for unit in ([size] if 0.01 < size < 100 else [size, 1.0])]

    def ladder(self, i: int, unit: float) -> "Moves":
        x = self.start[i]
        found = Moves([*[node.data for node in self.order], x], [], [], unit)
        for sign, side in ((-1, found.below), (1, found.above)):
            for step in STEPS:
                to = x + sign * step * unit
                nodes = self.moved({i: to}) if to != x else None
                data = [*[y for y, _ in nodes], to] if nodes else []
                side.append(data if all(y - y == 0 for y in data) else [])
        return found


def names_of(f: Callable, count: int) -> list[str]:
    """What the arguments of a function are called; x0, x1 ... where it does not say."""
    try:
        named = [p.name for p in inspect.signature(f).parameters.values()
                 if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    except (TypeError, ValueError):
        named = []
    return named[:count] if len(named) >= count else [f"x{i}" for i in range(count)]


def path_of(order: list[Value]) -> list[tuple]:
    """The shape of a graph, without its numbers: equal for two runs that took the same path."""
    place = {node: k for k, node in enumerate(order)}
    return [(node.op, tuple([place[p] for p in node.parents])) for node in order]


class Moves(NamedTuple):
    """The data of all nodes, the input's last: at the start, and at steps below and above ([] if f failed there)."""

    start: list[float]
    below: list[list[float]]
    above: list[list[float]]
    unit: float                                 # of the steps

    @property
    def all(self) -> list[list[float]]:
        return [data for data in [*self.below, *self.above] if data]


class Gap(NamedTuple):
    """How much of the slope of a node its local gradients leave unexplained, and what that is worth.

    low, high       the unexplained slope; two numbers at a kink, one on each side of it
    uncertainty     how far these may be off
    slope           the size of the whole slope
    scale           the size of all slopes involved
    floor           what would still be a small slope for the node
    by              {parent: its slope} along the input that moved
    """

    low: float
    high: float
    uncertainty: float
    slope: float
    scale: float
    floor: float
    by: dict[int, float]

    @property
    def is_vague(self) -> bool:
        """May it be off by a millionth of the slope, so that it tells right from wrong no better?"""
        return not self.uncertainty <= 2e-7 * (self.slope + self.floor)

    @property
    def margin(self) -> float:
        return 5 * self.uncertainty + 1e-8 * self.scale

    def contradicts(self, other: "Gap") -> bool:
        return max(self.low - other.high, other.low - self.high) > self.margin + other.margin


def gap(ladders: list[Moves], of: int, by: Sequence[int], local_grads: Sequence[float]) -> Gap | None:
    """The slope of node `of` that its parents `by` do not explain; None where that cannot be told.

    With right local gradients the change of the node is that of its parents, each times its local
    gradient, but for terms that vanish with the step.
    """
    if all(data[place] == moves.start[place] for moves in ladders for data in moves.all for place in (of, *by)):
        return Gap(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, dict.fromkeys(by, 0.0))        # the input has nothing to do with it
    edges, noise = list(zip(by, local_grads)), grain(ladders, of)
    found = [one for moves in ladders if (one := gap_on(moves, of, edges, noise)) and not one.is_vague]
    if not found or any(one.contradicts(found[0]) for one in found):
        return None
    return min(found, key=lambda one: beside(one.uncertainty, one.slope))


def grain(ladders: list[Moves], of: int) -> float:
    """The rounding hidden within a node, where it shows: 1 - cos(x) near 0 is flat, then jumps by 10⁻¹⁶."""
    found = 0.0
    for moves in ladders:
        for side in (moves.below, moves.above):
            changes = [abs(data[of] - moves.start[of]) for data in side if data]
            seen = [change for change in changes if change]
            if 0 < len(seen) < len(changes) and min(seen) < 1e-10 * max(seen):
                found = max(found, min(seen))
    return found


def gap_on(moves: Moves, of: int, edges: list[tuple[int, float]], noise: float) -> Gap | None:
    start = moves.start
    size = total([abs(start[of]), *[abs(g * start[p]) for p, g in edges]])
    change = max([abs(data[of] - start[of]) for data in moves.all], default=0.0)
    floor = (1e-9 * size + 1e-3 * change) / moves.unit                          # what counts as much where it is 0
    rough = max(noise, 2 * UNIT * size, TINY if any(g for _, g in edges) else 0.0)
    sides = [one for side in (moves.below, moves.above)
             if (one := limit([(start, data) for data in side if data], of, edges, rough, floor, ONE_SIDED))]
    if not sides:
        return None
    both = [(low, high) for low, high in zip(moves.below, moves.above) if low and high]
    middle = limit(both, of, edges, rough, floor, CENTRAL)
    near = min([*sides, *filter(None, [middle])], key=lambda one: beside(one.uncertainty, abs(one.slope) + floor))
    slope = abs(near.slope)
    scale = slope + total([abs(g * near.by[p]) for p, g in edges])
    low, high = min(one.gap for one in sides), max(one.gap for one in sides)
    uncertainty = max(one.uncertainty for one in sides)
    if high - low > 5 * uncertainty + 1e-7 * scale:                             # a kink
        return Gap(low, high, uncertainty, slope, scale, floor, near.by)
    return Gap(near.gap, near.gap, near.uncertainty, slope, scale, floor, near.by)


def beside(error: float, size: float) -> float:
    """An error as a share of what it is an error of."""
    return error / (error + size or 1.0)


class Limit(NamedTuple):
    """Where slopes lead to as the step goes to 0: what is unexplained of one, it, and its parents'."""

    uncertainty: float
    gap: float
    slope: float
    by: dict[int, float]


def limit(rows: list[tuple[list[float], list[float]]], of: int, edges: list[tuple[int, float]],
          noise: float, floor: float, powers: tuple[int, int]) -> Limit | None:
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
    best, slope = extrapolated(gaps, powers), extrapolated(whole, powers)
    sizes = [UNIT * (abs(low[of]) + abs(high[of])) for low, high in rows]       # of what is rounded there
    errors = [abs(b - a) + 2 * max(noise, size) / abs(h)
              for (a, b), size, h in zip(pairwise(best), sizes[3:], steps[3:])]
    lasting = [k for k, error in enumerate(errors)
               if all(abs(best[j + 1] - best[k + 1]) <= 5 * (error + errors[j]) for j in range(k, len(errors)))]
    if not lasting:                                     # the numbers are too large for their differences
        return None
    k = min(lasting, key=lambda k: beside(errors[k], abs(slope[k + 1]) + floor))
    return Limit(errors[k], best[k + 1], slope[k + 1], {p: extrapolated(row, powers)[k + 1] for p, row in by.items()})


ONE_SIDED, CENTRAL = (4, 16), (16, 256)         # what the first two terms of the error shrink by, from step to step


def extrapolated(slopes: list[float], powers: tuple[int, int]) -> list[float]:
    """Better estimates of a slope, two fewer, from those at steps that shrink to a quarter.  Richardson, 1911.

    The error of a one-sided slope is a h + b h² + ..., that of a central one a h² + b h⁴ + ...; two
    slopes give one without a, and two of these one without b.
    """
    once = [b + (b - a) / (powers[0] - 1) for a, b in pairwise(slopes)]
    return [b + (b - a) / (powers[1] - 1) for a, b in pairwise(once)]


def total(numbers: Sequence[float]) -> float:
    out = 0.0
    for x in numbers:
        out += x
    return out
