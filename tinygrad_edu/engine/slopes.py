"""Two ways to measure a slope without being told it: what `gradcheck.py` judges local gradients by.

An operation has a rule, and a rule runs on numbers of any number of digits: `Lens` moves one
input by next to nothing and looks at what the value does, far below what floats could show.  A
node made by hand has no rule: all one can do is to run the whole function again at moved inputs
(`Experiment`), in floats, with larger and smaller steps, and extrapolate to a step of 0.
"""

import inspect
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any, NamedTuple

from .number import shortened
from .origin import trace_origin
from .precise import Precise, decimal, digits
from .replay import apply
from .value import Value, topological_order

# ---- many digits -----------------------------------------------------------------------------------

LEVELS = ((90, 18), (240, 48), (1350, 270))     # digits, and how many of them the step lies below the input
NARROWER = 60                                   # digits by which a second step is smaller still


class Slopes(NamedTuple):
    """What happens to a value as one input moves: the local gradient the rule gives, and the slope on each side."""

    rule: Decimal
    below: Decimal
    above: Decimal
    blur: Decimal                               # slopes no larger than this are lost in rounding

    @property
    def middle(self) -> Decimal:
        return (self.below + self.above) / 2

    @property
    def is_clear(self) -> bool:
        """Is there one slope, large enough to be told from rounding?"""
        return (abs(self.middle) > self.blur
                and abs(self.above - self.below) <= abs(self.middle).scaleb(-12))

    def agrees(self, slope: Decimal) -> bool:
        """Is this the slope, to a billionth of it?"""
        return abs(slope - self.middle) <= abs(self.middle).scaleb(-9)

    @property
    def is_zero(self) -> bool:
        return max(abs(self.above), abs(self.below), abs(self.rule)) <= self.blur


class Lens:
    """A node that was recorded by an operation, computed again in many digits.

    level   which of `LEVELS`; the higher ones show what is lost in the rounding of the lower,
            such as the slope of tanh at 300, which is 10⁻²⁶⁰ beside a value of 1
    """

    def __init__(self, node: Value, level: int):
        self.node, (self.digits, self.below) = node, LEVELS[level]
        self.relative = level == 0              # sin(1e300) needs steps below 1, not below 1e300
        self.inputs = [Precise(p.data) for p in node.parents]
        with digits(self.digits):
            self.value, local_grads = self.run(self.inputs)
            self.local_grads = [decimal(g) for g in local_grads]

    def run(self, inputs: list[Any]) -> tuple[Decimal, tuple]:
        constants = {name: Precise(c) for name, c in self.node.constants.items()}
        value, local_grads = apply(self.node, inputs, constants)
        return decimal(value), local_grads

    def step(self, i: int) -> Decimal:
        x = abs(self.inputs[i].number)
        return (x if x and (self.relative or x < 1) else Decimal(1)).scaleb(-self.below)

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

    def sides(self, i: int) -> list[Decimal | str]:
        """The slope below and that above: a number, or "jump", "steep" (infinite) or "none" (outside the domain)."""
        with digits(self.digits):
            h = self.step(i)
            return [side(*[(self.change(i, step), step) for step in (sign * h, sign * h.scaleb(-NARROWER))])
                    for sign in (-1, 1)]


def side(wide: tuple[Decimal, Decimal], narrow: tuple[Decimal, Decimal]) -> Decimal | str:
    """The one-sided slope that two changes of a value, each with its step, lead to."""
    (change, step), (smaller_change, smaller_step) = wide, narrow
    if not (change.is_finite() and smaller_change.is_finite()):
        return "none"
    if abs(smaller_change) > abs(change) / 2:
        return "jump"
    slope, closer = change / step, smaller_change / smaller_step
    return "steep" if abs(closer) > 2 * abs(slope) else closer


# ---- running the function again ----------------------------------------------------------------------

STEPS = [2.0 ** -k for k in range(4, 46, 2)]    # in units of the input, each a quarter of the one before
UNIT = 2.0 ** -53                               # a float is rounded by at most so much of itself


class Experiment:
    """A function and its inputs: run as they are, and again with one moved.  Afterwards all is as it was.

    leaves   the inputs, as the leaves of the graph
    order    the nodes of the graph the function made
    """

    def __init__(self, f: Callable, inputs: Sequence[Any]):
        self.f, self.leaves = f, []
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
        leaf = x if isinstance(x, Value) else Value(x, label=name)
        if leaf.parents or leaf.is_constant:
            raise ValueError(f"an input is a number or a leaf: got {shortened(x)}, which gets no gradient of its own")
        self.leaves.append(leaf)
        return leaf

    def run(self) -> Value:
        output = self.f(*self.arguments)
        if not isinstance(output, Value):
            raise TypeError(f"f must return one Value, got {shortened(output)}: was the graph cut by .data?")
        return output

    def moved(self, to: dict[int, float]) -> list[tuple[float, dict]] | None:
        """(data, constants) of the nodes of a run with some inputs elsewhere; None if f raises or takes another path."""
        try:
            for i, x in to.items():
                self.leaves[i].data = x
            order = topological_order(self.run())
            return [(node.data, node.constants) for node in order] if path_of(order) == self.path else None
        except (ArithmeticError, ValueError):
            return None
        finally:
            for leaf, x in zip(self.leaves, self.start):
                leaf.data = x

    def moves(self, i: int) -> "Moves":
        """Runs with input i moved down and up by smaller and smaller steps."""
        x = self.start[i]
        found = Moves([*[node.data for node in self.order], x], [], [])
        for sign, side in ((-1, found.below), (1, found.above)):
            for step in STEPS:
                to = x + sign * step * (abs(x) or 1.0)
                nodes = self.moved({i: to})
                data = [*[x for x, _ in nodes], to] if nodes else []
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
    """The data of all nodes, and of the input last: at the start, and at steps below and above ([] where there is none)."""

    start: list[float]
    below: list[list[float]]
    above: list[list[float]]


class Gap(NamedTuple):
    """How much of the slope of a node its local gradients leave unexplained, and what that is worth.

    low, high       the unexplained slope; two numbers at a kink, one on each side of it
    uncertainty     how far these may be off
    scale           the size of the slopes involved
    by              {parent: its slope} along the input that moved
    """

    low: float
    high: float
    uncertainty: float
    scale: float
    by: dict[int, float]


def gap(moves: Moves, of: int, by: Sequence[int], local_grads: Sequence[float]) -> Gap | None:
    """The slope of node `of` that its parents `by` do not explain; None where too few runs came to an end.

    With right local gradients the change of the node is that of its parents, each times its local
    gradient, but for terms that vanish with the step.
    """
    def unexplained(data: list[float]) -> float:
        parts = [g * (data[p] - moves.start[p]) for p, g in zip(by, local_grads)]
        return data[of] - moves.start[of] - total(parts)
    limits = []
    for side in (moves.below, moves.above):
        rows = [(data[-1] - moves.start[-1], unexplained(data)) for data in side if data]
        limits.append(limit([(abs(h), change / h) for h, change in rows if h]))
    found = [one for one in limits if one is not None]
    if not found:
        return None
    nearest = next(data for side in (moves.above, moves.below) for data in reversed(side[:8]) if data)
    h = nearest[-1] - moves.start[-1]
    slopes = {p: (nearest[p] - moves.start[p]) / h for p in by}
    sizes = [abs((nearest[of] - moves.start[of]) / h), *[abs(g * slopes[p]) for p, g in zip(by, local_grads)]]
    numbers = [abs(moves.start[of]), *[abs(g * moves.start[p]) for p, g in zip(by, local_grads)]]
    scale = total(sizes) + 1e-6 * total(numbers) / (abs(moves.start[-1]) or 1.0)
    return joined(found, scale, slopes)


def joined(found: list[tuple[float, float]], scale: float, slopes: dict[int, float]) -> Gap:
    """The limits of both sides as one, if they differ by no more than they may be off."""
    numbers, uncertainty = [number for number, _ in found], max(error for _, error in found)
    if max(numbers) - min(numbers) <= 5 * uncertainty + 1e-7 * scale:
        numbers = [min(found, key=lambda one: one[1])[0]]
    return Gap(min(numbers), max(numbers), uncertainty, scale, slopes)


def limit(rows: list[tuple[float, float]]) -> tuple[float, float] | None:
    """(where slopes lead to as their step goes to 0, how far that may be off), by Richardson's extrapolation.

    The error of a one-sided slope is a h + b h² + ...; two slopes give one without a, and two of these
    one without b.  The smallest steps show nothing but rounding, and so how large that is.
    """
    if len(rows) < 6:
        return None
    noise = max(abs(a - b) * h for (_, a), (h, b) in list(pairwise(rows))[-5:])
    once = [(h, b + (b - a) / 3) for (_, a), (h, b) in pairwise(rows)]
    twice = [(h, b + (b - a) / 15) for (_, a), (h, b) in pairwise(once)]
    errors = [(abs(b - a) + 4 * noise / h, b) for (_, a), (h, b) in pairwise(twice)]
    error, best = min(errors)
    return best, error


def total(numbers: Sequence[float]) -> float:
    out = 0.0
    for x in numbers:
        out += x
    return out
