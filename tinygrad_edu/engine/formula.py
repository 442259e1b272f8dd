r"""Numbers that write themselves down, and the words a rule is written in.

A rule of `ops.py` is a plain function of numbers.  Given floats it computes.  Given
Formulas it returns the formula it would have computed, which `printer.py` writes as text,
LaTeX, Python, C or JavaScript.  The functions here are what makes that possible: `exp`, `where`,
`total` ... are like those of `math`, and take every kind of number: float, Formula,
Fraction, mpmath's mpf, Value.

>>> x = Formula("x")
>>> x / (1 + abs(x))
x / (1 + abs(x))
>>> exp(0.0), exp(x)
(1.0, exp(x))
"""

import builtins
import math
import operator
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from types import FunctionType
from typing import Any

from .arrays import is_value
from .errors import NotRationalError
from .ieee import COMPUTE, IEEE, ieee
from .number import truncate

inf, nan = math.inf, math.nan
writers: dict[str, Callable[["Formula"], str]] = {}     # in text and in LaTeX, by `printer.py`


class Formula:
    """A number not yet known: a name, or a `head` such as "+" applied to `parts`.

    Formulas are told apart by identity, so that a part used twice is known to be shared.
    """

    __slots__ = ("head", "parts")

    def __init__(self, head: str, *parts: Any):
        self.head, self.parts = head, parts

    def __add__(self, other): return Formula("+", self, other)
    def __radd__(self, other): return Formula("+", other, self)
    def __sub__(self, other): return Formula("-", self, other)
    def __rsub__(self, other): return Formula("-", other, self)
    def __mul__(self, other): return Formula("*", self, other)
    def __rmul__(self, other): return Formula("*", other, self)
    def __truediv__(self, other): return Formula("/", self, other)
    def __rtruediv__(self, other): return Formula("/", other, self)
    def __neg__(self): return Formula("neg", self)
    def __abs__(self): return Formula("abs", self)
    def __gt__(self, other): return Formula(">", self, other)
    def __lt__(self, other): return Formula("<", self, other)
    def __ge__(self, other): return Formula(">=", self, other)
    def __le__(self, other): return Formula("<=", self, other)

    __hash__ = object.__hash__

    def __bool__(self):
        raise TypeError("a rule cannot branch on a formula: write m.where(condition, a, b) "
                        "instead of if, and, or, not")

    def __eq__(self, other):
        raise TypeError("a rule cannot compare with == or !=: write m.equal(x, y) or m.unequal(x, y)")

    def __pow__(self, other):
        raise TypeError("a rule writes powers as m.power(x, n): ** is complex for negative numbers")

    __rpow__ = __pow__

    def __float__(self):
        raise TypeError("a formula has no number yet: write m.exp(x), not math.exp(x) or float(x)")

    __int__ = __index__ = __round__ = __float__

    def __str__(self) -> str:
        return writers["text"](self)

    __repr__ = __str__

    def latex(self) -> str:
        """The formula as LaTeX, without dollar signs."""
        return writers["latex"](self)

    def _repr_latex_(self) -> str:
        return f"${self.latex()}$"


def not_rational(what: str) -> NotRationalError:
    return NotRationalError(f"{what} is not a rational number: exact arithmetic has + - * /, "
                            "whole powers and the functions made of them")


# ---- functions of one kind of number or another --------------------------------------------------

MOST_BITS = 2 ** 20                     # of an exact power: some 300,000 digits
MPMATH: dict[str, Callable] = {   # what mpmath calls otherwise, or takes to the complex numbers
    "pow": lambda context, x, y: context.power(x, y),
    "exp2": lambda context, x: context.power(2, x),
    "log2": lambda context, x: context.log(x, 2),
    "cbrt": lambda context, x: context.sign(x) * context.cbrt(abs(x)),
    "round": lambda context, x: context.nint(x),
    "remainder": lambda context, x, y: x - y * context.floor(x / y),
    "floor_divide": lambda context, x, y: context.floor(x / y),
}
EXACT: dict[str, Callable] = {          # what gives a fraction of fractions
    "floor": math.floor, "ceil": math.ceil, "round": builtins.round,
    "remainder": operator.mod, "floor_divide": operator.floordiv}


def elsewhere(name: str, *numbers: Any) -> Any:
    """Apply the function `name` to numbers that are not all floats."""
    for x in numbers:
        kind = type(x)
        if kind is Formula:
            return Formula(name, *numbers)
        if hasattr(kind, "apply_named"):                    # Value
            return kind.apply_named(name, *numbers)
        if kind is IEEE:
            return ieee(name, *map(float, numbers))
        if hasattr(x, "context"):                           # mpmath
            own = MPMATH.get(name)
            return own(x.context, *numbers) if own else getattr(x.context, name)(*numbers)
        if kind is Fraction and name in EXACT:
            return Fraction(EXACT[name](*numbers))
        if kind is Fraction:
            raise not_rational(f"{name}({', '.join(truncate(str(x), 40) for x in numbers)})")
    return COMPUTE[name](*map(float, numbers))


def elementary(name):
    compute = COMPUTE[name]

    def function(x):
        return compute(x) if type(x) is float else elsewhere(name, x)
    function.__name__ = name
    return function


exp, exp2, expm1 = elementary("exp"), elementary("exp2"), elementary("expm1")
log, log2, log10, log1p = elementary("log"), elementary("log2"), elementary("log10"), elementary("log1p")
sqrt, cbrt, erf, erfc = elementary("sqrt"), elementary("cbrt"), elementary("erf"), elementary("erfc")
sin, cos, tan = elementary("sin"), elementary("cos"), elementary("tan")
asin, acos, atan = elementary("asin"), elementary("acos"), elementary("atan")
sinh, cosh, tanh = elementary("sinh"), elementary("cosh"), elementary("tanh")
asinh, acosh, atanh = elementary("asinh"), elementary("acosh"), elementary("atanh")
floor, ceil, round = elementary("floor"), elementary("ceil"), elementary("round")
absolute = abs


def atan2(y, x):
    """The angle of the point (x, y), between -pi and pi."""
    return elsewhere("atan2", y, x)


def remainder(x, y):
    """What x has beyond a whole number of y; it has the sign of y, as that of Python's %."""
    return elsewhere("remainder", x, y)


def floor_divide(x, y):
    """x / y, rounded down to a whole number, as by Python's //."""
    return elsewhere("floor_divide", x, y)


def power(x, y):
    """x to the power y; never complex."""
    if type(x) is float and type(y) is float:
        return math.pow(x, y)
    if type(x) is Fraction or type(y) is Fraction:
        if y == int(y):
            return whole_power(Fraction(x), int(y))
        raise not_rational(f"{x} to the power {y}")
    return elsewhere("pow", x, y)


def whole_power(x: Fraction, n: int) -> Fraction:
    """x**n without rounding; an OverflowError where that would have too many digits ever to be written."""
    bits = max(x.numerator.bit_length(), x.denominator.bit_length()) - 1
    if bits * absolute(n) > MOST_BITS:
        raise OverflowError(f"{x} to the power {n} has too many digits")
    return x ** n


def abs(x):
    """|x|"""
    return math.fabs(x) if type(x) is float else absolute(x)


def sign(x):
    """1, 0 or -1; nan for nan."""
    if type(x) is Formula:
        return Formula("sign", x)
    return 1 if x > 0 else -1 if x < 0 else 0 * x


def where(condition, a, b):
    """`a` if the condition holds, else `b`.

    Either may be given as a function without arguments, which is called only if chosen: for
    what costs much, or cannot be computed on the other side.
    """
    if type(condition) is Formula:
        return Formula("where", condition, *[x() if type(x) is FunctionType else x for x in (a, b)])
    chosen = a if condition else b
    return chosen() if type(chosen) is FunctionType else chosen


def fixed(x):
    """x itself, but with no derivatives: for graph forms."""
    return Formula("fixed", x) if type(x) is Formula else x


def equal(x, y):
    """x == y, as a condition for `where`; nan equals nothing."""
    if type(x) is Formula or type(y) is Formula:
        return Formula("==", x, y)
    return x <= y and x >= y


def unequal(x, y):
    """x != y, as a condition for `where`."""
    if type(x) is Formula or type(y) is Formula:
        return Formula("!=", x, y)
    return not equal(x, y)


def is_whole(x):
    """Is x a whole number? as a condition for `where`."""
    if type(x) is Formula:
        return Formula("whole", x)
    return (x.data if is_value(x) else x) % 1 == 0          # of a Value the number, as in comparisons


def larger(x, y):
    """The larger of two; nan if one of them is."""
    if type(x) is Formula or type(y) is Formula:
        return Formula("larger", x, y)
    return x if x > y else y if y >= x else x + y


def smaller(x, y):
    """The smaller of two; nan if one of them is."""
    if type(x) is Formula or type(y) is Formula:
        return Formula("smaller", x, y)
    return x if x < y else y if y <= x else x + y


def written(shown, computed):
    """Until 0.1, the way to say a textbook's form beside the accurate one; `@accurate` says that now."""
    return shown() if type(computed) is Formula else Row(shown().element) if type(computed) is Row else computed


def ratio(numerator: int, denominator: int) -> Fraction:
    """A fraction that stays exact among Fractions: write m.ratio(1, 2), not 0.5, in a rule."""
    return Fraction(numerator, denominator)


def like(x, number):
    """A whole number, of the kind x is: m.log(m.like(x, 2)) has as many digits as x."""
    if type(x) is Formula:
        return Formula("like", number)
    if hasattr(x, "context"):
        return x.context.mpf(number)
    return Fraction(number) if type(x) is Fraction else float(number)


def pi(x):
    """pi, of the kind x is."""
    if type(x) is Formula:
        return Formula("pi")
    if hasattr(x, "context"):
        return +x.context.pi
    if type(x) is Fraction:
        raise not_rational("pi")
    return math.pi


# ---- rows: lists of numbers, of a length not yet known ----------------------------------------------


class Row:
    """The formula of element i of a row of numbers."""

    __slots__ = ("element",)

    def __init__(self, element: Any):
        self.element = element


def kept(f):
    """f, a function of a row and a number, that keeps its last answer to floats: the nodes of one softmax share it."""
    @lru_cache(maxsize=1)
    def of_floats(row, x):
        return f(list(row), x)

    def of_any(row, x):
        return of_floats(tuple(row), x) if type(row) is list and type(row[0]) is float else f(row, x)
    return of_any


def each(f, *rows):
    """f of the elements of the rows, one after the other: a row again."""
    if type(rows[0]) is Row:
        return Row(f(*[row.element for row in rows]))
    return [f(*elements) for elements in zip(*rows)]


def total(row):
    """The sum of a row, added up from its first element on."""
    if type(row) is Row:
        return Formula("total", row.element)
    if not row:
        return 0.0
    out = row[0]
    for x in row[1:]:               # not sum(): for floats it rounds otherwise since Python 3.12
        out = out + x
    return out


def product(row):
    """The product of a row, multiplied up from its first element on."""
    if type(row) is Row:
        return Formula("product", row.element)
    out = 1
    for x in row:
        out = out * x
    return out


def others(row):
    """For each element, the product of all the others.  No division, so zeros are welcome."""
    if type(row) is Row:
        return Row(Formula("others", row.element))
    before, after = [1], [1]
    for x in row[:-1]:
        before.append(before[-1] * x)
    for x in row[:0:-1]:
        after.append(after[-1] * x)
    return [a * b for a, b in zip(before, reversed(after))]


def largest(row):
    """The largest of a row; nan if there is one."""
    if type(row) is Row:
        return Formula("largest", row.element)
    if any(type(x) is Formula for x in row):
        return Formula("max", *row)
    out = row[0]
    for x in row[1:]:
        out = out if out >= x or not equal(out, out) else x
    return out


def smallest(row):
    """The smallest of a row; nan if there is one."""
    if type(row) is Row:
        return Formula("smallest", row.element)
    if any(type(x) is Formula for x in row):
        return Formula("min", *row)
    return -largest([-x for x in row])


def places(row):
    """The index of each element of a row, from 0 on."""
    return Row(Formula("place", row.element)) if type(row) is Row else list(range(len(row)))


def at(row, index):
    """The element of a row at an index, a whole number from 0 on; the row is an input of the rule itself."""
    if type(row) is Row:
        return Formula("at", row.element.parts[0], index)
    return row[place_in(row, index)]


def put(row, index, x):
    """A row with x in place of the element at an index."""
    if type(row) is Row:
        return Row(where(equal(places(row).element, index), x, row.element))
    k = place_in(row, index)
    return [*row[:k], x, *row[k + 1:]]


def place_in(row, index):
    """An index of a row as an int; IndexError if there is no such element."""
    if not (0 <= index < len(row) and is_whole(index)):
        raise IndexError(f"index {index:g} of a row of {len(row)}: write a whole number from 0 to {len(row) - 1}")
    return int(float(index))


def count(row):
    """How many elements a row has."""
    return Formula("count", row.element) if type(row) is Row else len(row)
