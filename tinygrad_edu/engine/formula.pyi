"""Written by tests/stubs.py.  Do not change it: say `python tests/stubs.py --write`."""

from collections.abc import Callable, Sequence
from typing import Any

inf: float
nan: float

class Formula:
    """A number not yet known: a name, or a `head` such as "+" applied to `parts`.

    Formulas are told apart by identity, so that a part used twice is known to be shared.
    """
    head: str
    parts: tuple[Any, ...]
    def __init__(self, head: str, *parts: Any) -> None: ...
    def latex(self) -> str: ...

def exp(x: float) -> float: ...

def exp2(x: float) -> float: ...

def expm1(x: float) -> float: ...

def log(x: float) -> float: ...

def log2(x: float) -> float: ...

def log10(x: float) -> float: ...

def log1p(x: float) -> float: ...

def sqrt(x: float) -> float: ...

def cbrt(x: float) -> float: ...

def erf(x: float) -> float: ...

def erfc(x: float) -> float: ...

def sin(x: float) -> float: ...

def cos(x: float) -> float: ...

def tan(x: float) -> float: ...

def asin(x: float) -> float: ...

def acos(x: float) -> float: ...

def atan(x: float) -> float: ...

def sinh(x: float) -> float: ...

def cosh(x: float) -> float: ...

def tanh(x: float) -> float: ...

def asinh(x: float) -> float: ...

def acosh(x: float) -> float: ...

def atanh(x: float) -> float: ...

def floor(x: float) -> float: ...

def ceil(x: float) -> float: ...

def round(x: float) -> float: ...

def atan2(y: float, x: float) -> float:
    """The angle of the point (x, y), between -pi and pi."""

def remainder(x: float, y: float) -> float:
    """What x has beyond a whole number of y; it has the sign of y, as that of Python's %."""

def floor_divide(x: float, y: float) -> float:
    """x / y, rounded down to a whole number, as by Python's //."""

def power(x: float, y: float) -> float:
    """x to the power y; never complex."""

def abs(x: float) -> float:
    """|x|"""

def sign(x: float) -> float:
    """1, 0 or -1; nan for nan."""

def where(condition: bool, a: float | Callable[[], float], b: float | Callable[[], float]) -> float:
    """`a` if the condition holds, else `b`.

    Either may be given as a function without arguments, which is called only if chosen: for
    what costs much, or cannot be computed on the other side.
    """

def fixed(x: float) -> float:
    """x itself, but with no derivatives: for graph forms."""

def equal(x: float, y: float) -> bool:
    """x == y, as a condition for `where`; nan equals nothing."""

def unequal(x: float, y: float) -> bool:
    """x != y, as a condition for `where`."""

def is_whole(x: float) -> bool:
    """Is x a whole number? as a condition for `where`."""

def larger(x: float, y: float) -> float:
    """The larger of two; nan if one of them is."""

def smaller(x: float, y: float) -> float:
    """The smaller of two; nan if one of them is."""

def ratio(numerator: int, denominator: int) -> float:
    """A fraction that stays exact among Fractions: write m.ratio(1, 2), not 0.5, in a rule."""

def like(x: float, number: float) -> float:
    """A whole number, of the kind x is: m.log(m.like(x, 2)) has as many digits as x."""

def pi(x: float) -> float:
    """pi, of the kind x is."""

def each(f: Callable[..., float], *rows: Sequence[float]) -> list[float]:
    """f of the elements of the rows, one after the other: a row again."""

def total(row: Sequence[float]) -> float:
    """The sum of a row, added up from its first element on."""

def product(row: Sequence[float]) -> float:
    """The product of a row, multiplied up from its first element on."""

def others(row: Sequence[float]) -> list[float]:
    """For each element, the product of all the others.  No division, so zeros are welcome."""

def largest(row: Sequence[float]) -> float:
    """The largest of a row; nan if there is one."""

def smallest(row: Sequence[float]) -> float:
    """The smallest of a row; nan if there is one."""

def places(row: Sequence[float]) -> float:
    """The index of each element of a row, from 0 on."""

def at(row: Sequence[float], index: float) -> float:
    """The element of a row at an index, a whole number from 0 on; the row is an input of the rule itself."""

def put(row: Sequence[float], index: float, x: float) -> float:
    """A row with x in place of the element at an index."""

def place_in(row: Sequence[float], index: float) -> float:
    """An index of a row as an int; IndexError if there is no such element."""

def count(row: Sequence[float]) -> float:
    """How many elements a row has."""
