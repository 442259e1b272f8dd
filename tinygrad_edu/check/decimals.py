"""Numbers of as many digits as you like, made of the standard library's `decimal`.

A rule does not care what kind of number it is fed.  Fed these, it says what its operation and
its local gradients are before any float rounds them, which is how `gradcheck.py` judges it.  As
with mpmath's numbers, the functions of a rule are found on the number's `context`.

>>> from tinygrad_edu.engine import formula as m
>>> with digits(40):
...     print(m.exp(Precise(1)), m.like(Precise(2), 2) / 3)
2.718281828459045235360287471352662497757 0.6666666666666666666666666666666666666667
"""

import operator
from collections.abc import Callable
from decimal import MAX_EMAX, MIN_EMIN, ROUND_FLOOR, Context, Decimal, getcontext, localcontext
from fractions import Fraction
from functools import lru_cache
from typing import Any

GUARD = 12                      # digits more than asked for, within a function
VAST = 5000                     # a number of so many digits before the point is too large for sin and its like
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


def binary(operation: Callable, turned: bool = False) -> Callable:
    """An operator of `Precise`: of decimals, turned round where the Precise is the second operand."""
    if turned:
        return lambda self, other: Precise(operation(decimal(other), self.number))
    return lambda self, other: Precise(operation(self.number, decimal(other)))


def comparison(operation: Callable) -> Callable:
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
    __sub__, __rsub__ = binary(operator.sub), binary(operator.sub, turned=True)
    __mul__ = __rmul__ = binary(operator.mul)
    __truediv__, __rtruediv__ = binary(operator.truediv), binary(operator.truediv, turned=True)
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


# ---- elementary functions, of decimals ----------------------------------------------------------------


def accurate(function: Callable) -> Callable:
    """A function that is near its argument near 0, computed with the digits it loses there, and rounded."""
    def computed(x: Decimal) -> Decimal:
        with localcontext() as context:
            if x.adjusted() < -context.prec - GUARD:
                return x
            context.prec += GUARD + abs(x.adjusted())
            result = function(x)
        return +result
    return computed


def more_digits(function: Callable) -> Callable:
    """A function computed with some digits more than asked for, and rounded."""
    def computed(*numbers: Decimal) -> Decimal:
        with localcontext() as context:
            context.prec += GUARD
            result = function(*numbers)
        return +result
    return computed


def series(term: Decimal, following: Callable[[Decimal, int], Decimal]) -> Decimal:
    """The sum of a first term and of those that follow, until they no longer matter."""
    total, k = term, 0
    least = Decimal(10) ** -getcontext().prec
    while abs(term) > least * abs(total):
        k += 1
        term = following(term, k)
        total += term
    return total


@lru_cache(maxsize=32)
def pi_of(count: int) -> Decimal:
    """pi = 16 atan(1/5) - 4 atan(1/239): Machin, 1706."""
    with digits(count + GUARD):
        return 16 * small_atan(Decimal(1) / 5) - 4 * small_atan(Decimal(1) / 239)


def pi() -> Decimal:
    return +pi_of(getcontext().prec)


def small_atan(x: Decimal) -> Decimal:
    square = x * x
    power = x

    def following(term: Decimal, k: int) -> Decimal:
        nonlocal power
        power *= -square
        return power / (2 * k + 1)
    return series(x, following)


@accurate
def atan(x: Decimal) -> Decimal:
    """By halving the angle until the series is short: tan(a / 2) = tan a / (1 + √(1 + tan² a))."""
    if abs(x) > 1:
        return (pi() / 2).copy_sign(x) - atan(1 / x)
    halvings = 0
    while abs(x) > Decimal("0.05"):
        x /= 1 + (1 + x * x).sqrt()
        halvings += 1
    return small_atan(x) * 2 ** halvings


@more_digits
def atan2(y: Decimal, x: Decimal) -> Decimal:
    if x == 0:
        return (pi() / 2).copy_sign(y) if y else Decimal(0)
    return atan(y / x) + (0 if x > 0 else pi().copy_sign(y))


def nearest_turn(x: Decimal) -> Decimal:
    """x less whole turns of 2 pi; there are digits enough for all before the point."""
    return x - 2 * pi() * (x / (2 * pi())).to_integral_value()


def sine_series(x: Decimal) -> Decimal:
    square = x * x
    return series(x, lambda term, k: -term * square / (2 * k * (2 * k + 1)))


@accurate
def sin(x: Decimal) -> Decimal:
    if x.adjusted() > VAST:
        return NAN
    with localcontext() as context:
        context.prec += 2 * GUARD                       # x may be close to a multiple of pi
        return sine_series(nearest_turn(x) if abs(x) > 3 else x)


@more_digits
def cos(x: Decimal) -> Decimal:
    with localcontext() as context:
        context.prec += 2 * GUARD + (max(x.adjusted(), 0) if x.adjusted() <= VAST else 0)
        return sin(pi() / 2 - x)


@more_digits
def tan(x: Decimal) -> Decimal:
    return sin(x) / cos(x)


@more_digits
def asin(x: Decimal) -> Decimal:
    return atan2(x, ((1 - x) * (1 + x)).sqrt())


@more_digits
def acos(x: Decimal) -> Decimal:
    return atan2(((1 - x) * (1 + x)).sqrt(), x)


@accurate
def expm1(x: Decimal) -> Decimal:
    return x.exp() - 1


@accurate
def log1p(x: Decimal) -> Decimal:
    return (1 + x).ln()


@accurate
def sinh(x: Decimal) -> Decimal:
    return (x.exp() - (-x).exp()) / 2


@more_digits
def cosh(x: Decimal) -> Decimal:
    return (x.exp() + (-x).exp()) / 2


@accurate
def tanh(x: Decimal) -> Decimal:
    e = (-2 * abs(x)).exp()
    return ((1 - e) / (1 + e)).copy_sign(x)


@accurate
def asinh(x: Decimal) -> Decimal:
    return (abs(x) + (x * x + 1).sqrt()).ln().copy_sign(x)


@more_digits
def acosh(x: Decimal) -> Decimal:
    return log1p(x - 1 + (x - 1).sqrt() * (x + 1).sqrt())


@more_digits
def atanh(x: Decimal) -> Decimal:
    return (log1p(x) - log1p(-x)) / 2


@more_digits
def erf(x: Decimal) -> Decimal:
    """2/√pi exp(-x²) Σ 2ⁿ x²ⁿ⁺¹ / (1 · 3 ··· (2n + 1)), whose terms are all of one sign."""
    if has_long_tail(x):
        return Decimal(1).copy_sign(x)
    total = series(x, lambda term, k: term * 2 * x * x / (2 * k + 1))
    return 2 * total * (-x * x).exp() / pi().sqrt()


def has_long_tail(x: Decimal) -> bool:
    """Is exp(-x²) below the last digit, so that the asymptotic series of erfc has all of them?"""
    return x * x > Decimal("2.4") * (getcontext().prec + GUARD)


@more_digits
def erfc(x: Decimal) -> Decimal:
    if x > 0 and has_long_tail(x):
        total = series(1 / x, lambda term, k: -term * (2 * k - 1) / (2 * x * x))
        return total * (-x * x).exp() / pi().sqrt()
    with localcontext() as context:                     # 1 - erf(x) loses x² / log 10 digits
        context.prec += int(x * x / 2) if x > 0 else 0
        return 1 - erf(x)


@more_digits
def log(x: Decimal, base: Decimal | None = None) -> Decimal:
    return x.ln() if base is None else x.ln() / base.ln()


@more_digits
def power(x: Decimal, y: Decimal) -> Decimal:
    return x ** y if y else Decimal(1)


@more_digits
def cbrt(x: Decimal) -> Decimal:
    return x ** (Decimal(1) / 3)


def sign(x: Decimal) -> Decimal:
    return Decimal(1).copy_sign(x) if x else x


FUNCTIONS: dict[str, Callable] = {
    "exp": Decimal.exp, "log": log, "log10": Decimal.log10, "expm1": expm1, "log1p": log1p,
    "sqrt": Decimal.sqrt, "cbrt": cbrt, "power": power, "sign": sign, "erf": erf, "erfc": erfc,
    "sin": sin, "cos": cos, "tan": tan, "asin": asin, "acos": acos, "atan": atan, "atan2": atan2,
    "sinh": sinh, "cosh": cosh, "tanh": tanh, "asinh": asinh, "acosh": acosh, "atanh": atanh,
}


class Functions:
    """The functions a rule may call, under the names that mpmath has for them."""

    mpf = Precise

    @property
    def pi(self) -> Precise:
        return Precise(pi())

    def __getattr__(self, name: str) -> Callable:
        function = FUNCTIONS[name]
        return lambda *numbers: Precise(function(*map(decimal, numbers)))


Precise.context = Functions()
