"""Numbers of as many digits as you like: decimals, whose functions come from mpmath.

A rule does not care what kind of number it is fed.  Fed these, it says what its operation and
its local gradients are before any float rounds them, which is how `gradcheck.py` judges it.
The numbers are decimals because these answer inf and nan as IEEE 754 does: mpmath's own raise an
error at 1 / 0, and become complex at the root of a negative number.

>>> from tinygrad_edu.engine import formula as m
>>> with digits(40):
...     print(m.exp(Precise(1)), m.like(Precise(2), 2) / 3)
2.718281828459045235360287471352662497757 0.6666666666666666666666666666666666666667
"""

import operator
from collections.abc import Callable
from decimal import MAX_EMAX, MIN_EMIN, ROUND_FLOOR, Context, Decimal, getcontext, localcontext
from fractions import Fraction
from functools import cache
from threading import Lock
from typing import Any

NAN = Decimal("nan")


def digits(count: int) -> Any:
    """A `with` block within which numbers have so many digits; like IEEE 754, it answers inf and nan."""
    return localcontext(Context(prec=count, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[]))


def decimal(x: Any) -> Decimal:
    """The very number x is; only a fraction is rounded."""
    if isinstance(x, Decimal):
        return x
    if isinstance(x, Precise):
        return x.number
    return Decimal(x.numerator) / x.denominator if isinstance(x, Fraction) else Decimal(x)


def binary(operation: Callable, is_reflected: bool = False) -> Callable:
    """An operator of `Precise`, from that of decimals; reflected if the Precise is its second operand."""
    if is_reflected:
        return lambda self, other: Precise(operation(decimal(other), self.number))
    return lambda self, other: Precise(operation(self.number, decimal(other)))


def comparison(operation: Callable) -> Callable:
    """A comparison of `Precise`, from that of decimals."""
    return lambda self, other: operation(self.number, decimal(other))


class Precise:
    """A number with the digits of the `with digits(...)` block around it; it meets ints, floats and Fractions.

    >>> with digits(30):
    ...     Precise(1) / 3 + Fraction(1, 3)
    Precise('0.666666666666666666666666666666')
    """

    __slots__ = ("number",)
    context: "Functions"

    def __init__(self, x: Any):
        self.number = decimal(x)

    __add__ = __radd__ = binary(operator.add)
    __sub__, __rsub__ = binary(operator.sub), binary(operator.sub, is_reflected=True)
    __mul__ = __rmul__ = binary(operator.mul)
    __truediv__, __rtruediv__ = binary(operator.truediv), binary(operator.truediv, is_reflected=True)
    __mod__ = binary(lambda x, y: x - y * (x / y).to_integral_value(ROUND_FLOOR))
    __lt__, __le__ = comparison(operator.lt), comparison(operator.le)
    __gt__, __ge__ = comparison(operator.gt), comparison(operator.ge)
    __eq__ = comparison(operator.eq)
    __hash__ = None                     # type: ignore[assignment]  # equal numbers of other kinds hash otherwise

    def __neg__(self): return Precise(-self.number)
    def __pos__(self): return Precise(+self.number)
    def __abs__(self): return Precise(abs(self.number))
    def __float__(self): return float(self.number)
    def __str__(self): return str(self.number)
    def __repr__(self): return f"Precise({str(self.number)!r})"


# ---- functions, by mpmath ------------------------------------------------------------------------------

GUARD = 30                      # digits more than asked for: beside a zero or a pole a function loses some 20
TURNING = frozenset("sin cos tan".split())      # lose all digits before the point
FARTHEST = {                    # with more digits before the point, a number counts as infinite:
    **dict.fromkeys("exp expm1 sinh cosh tanh erf erfc".split(), 18),       # no decimal tells the results apart
    **dict.fromkeys(TURNING, 5000)}                                         # whole turns would take too long
POLES = {"power": Decimal("inf"), "erfc": Decimal(0)}                       # instead of an error
turn = Lock()                   # mpmath's precision is the same for all threads


@cache
def many_digits() -> Any:
    """A context of mpmath that nobody else changes; mpmath is imported when it is first needed."""
    try:
        from mpmath import MPContext
    except ModuleNotFoundError:
        raise ModuleNotFoundError("gradcheck needs mpmath: pip install mpmath") from None
    return MPContext()


def by_mpmath(name: str, numbers: tuple[Decimal, ...]) -> Decimal:
    """A function of mpmath of decimals, to the digits of the block around it; nan where it is not real."""
    mp, count = many_digits(), getcontext().prec + GUARD
    size = max(0, numbers[0].adjusted()) if numbers[0] else 0           # a decimal 0 may be written 0E+40
    if size > FARTHEST.get(name, size):
        numbers = (Decimal("inf").copy_sign(numbers[0]),)
    elif name in TURNING:
        count += size
    with turn:
        mp.dps = count
        try:
            found = getattr(mp, name)(*[mp.mpf(str(x) if x.is_finite() else float(x)) for x in numbers])
        except (ArithmeticError, ValueError):
            return POLES.get(name, NAN)
        return getcontext().create_decimal(mp.nstr(found, count)) if isinstance(found, mp.mpf) else NAN


class Functions:
    """The functions a rule may call, under mpmath's names."""

    mpf = Precise

    @property
    def pi(self) -> Precise:
        return self.acos(-1)

    def power(self, x: Any, y: Any) -> Precise:
        """x to the power y; whole powers by `decimal`, which is faster for large ones."""
        x, y = decimal(x), decimal(y)
        if y != y.to_integral_value():
            return Precise(by_mpmath("power", (x, y)))
        return Precise(x ** y if y else Decimal(1))

    def __getattr__(self, name: str) -> Callable[..., Precise]:
        return lambda *numbers: Precise(by_mpmath(name, tuple(map(decimal, numbers))))


Precise.context = Functions()
