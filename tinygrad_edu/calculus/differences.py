"""Derivatives from values alone, each with an estimate of its error.

A difference quotient needs no rule and no graph, only the function: that makes it a good judge
and a poor calculator.  With a large step h the curve bends away from the straight line; with a
small one the rounding of f is divided by h.  `plots.derivative_errors` draws both sides.
"""

import cmath
import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

from ..engine.arrays import unwrapped
from ..engine.errors import DomainError
from ..engine.ieee import COMPUTE
from ..engine.number import format_number, number, short_repr
from ..engine.value import Value
from .transforms import check_function

U = 2.0 ** -53                  # half the distance from 1 to the next float
STENCILS = {                    # order of the error, step for |x| <= 1, denominator, {place: weight}
    "forward": (1, 2.0 ** -26, 1, {1: 1, 0: -1}),
    "central": (2, 2.0 ** -17, 2, {1: 1, -1: -1}),
    "five-point": (4, 2.0 ** -10, 12, {1: 8, -1: -8, 2: -1, -2: 1}),
}
METHODS = (*STENCILS, "richardson", "complex")


class Estimate(NamedTuple):
    """A derivative found from values.

    value   the derivative
    error   about how far off it may be
    h       the step that was taken
    """

    value: float
    error: float
    h: float


def numeric_derivative(f: Callable, x: float, method: str = "central", h: float | None = None) -> Estimate:
    """The derivative of f at x from values of f alone.

    method   "forward"      (f(x + h) - f(x)) / h, off by about h f″/2
             "central"      (f(x + h) - f(x - h)) / 2h, off by about h² f‴/6
             "five-point"   four values at ±h and ±2h, off by about h⁴ f⁽⁵⁾/30
             "richardson"   central differences at h, h/2, h/4 ..., extrapolated to h = 0.  Ridders, 1982
             "complex"      Im f(x + ih) / h: nothing is subtracted, so h may be tiny.  Squire & Trapp, 1998
    h        the step; if not given, one that suits a function that changes over |x|, or over 1

    f takes a float and returns a number; for "complex" it has to be made of + - * / and the
    operations of this library that the complex numbers have too.
    Raises ValueError for another method or h <= 0, DomainError where f is not real, TypeError where it
    returns no number.

    >>> def f(x): return x * x * x
    >>> numeric_derivative(f, 1.0, "forward", h=0.5).value
    4.75
    >>> numeric_derivative(f, 1.0, "complex").value
    3.0
    """
    check_function(f)
    x = number(x)
    if not isinstance(method, str) or method not in METHODS:
        raise ValueError(f"method={method!r}: write one of {', '.join(map(repr, METHODS))}")
    h = h if h is None else number(h)
    if h is not None and not 0 < h < math.inf:
        raise ValueError(f"the step h is a positive number: got {h!r}")
    scale = 2.0 ** (math.frexp(max(1.0, abs(x)))[1] - 1)
    if method == "complex":
        return complex_step(f, x, h or 1e-100)
    if method == "richardson":
        return richardson(f, x, h or scale / 8)
    return difference(f, x, h or scale * STENCILS[method][1], method)


def difference(f: Callable, x: float, h: float, method: str) -> Estimate:
    """A difference quotient; half the step tells what the bend of f did, the values what rounding may do."""
    order = STENCILS[method][0]
    near, rounding = quotient(f, x, h, method)
    nearer, _ = quotient(f, x, h / 2, method)
    bend = abs(near - nearer) * 2 ** order / (2 ** order - 1)
    return Estimate(near, bend + rounding, h)


def quotient(f: Callable, x: float, h: float, method: str) -> tuple[float, float]:
    """(difference quotient, what rounding of f and of x may have put into it)."""
    _, _, denominator, weights = STENCILS[method]
    total = size = 0.0
    for place, weight in weights.items():
        y = value_of(f, x + place * h)
        total, size = total + weight * y, size + abs(weight * y)
    slope = total / (denominator * h)
    return slope, 2 * U * (size / denominator + abs(x * slope)) / h


def richardson(f: Callable, x: float, h: float) -> Estimate:
    """Central differences at h, h/2, h/4 ...: their errors go like h², h⁴ ..., and are removed one by one.

    Of the whole table the entry that differs least from its neighbours is taken.  Steps that would be lost in x,
    so that f is asked for the same number twice, are left out.
    """
    steps = [h / 2 ** i for i in range(12) if i < 2 or h / 2 ** i >= math.ulp(x)]
    column, roundings = map(list, zip(*[quotient(f, x, step, "central") for step in steps]))
    best = Estimate(math.nan, math.inf, h)
    for k in range(1, len(steps)):
        coarser, column = column, without_term(column, 4 ** k)
        for slope, coarse, rounding, step in zip(column, coarser, roundings[k:], steps[k:]):
            error = abs(slope - coarse) + rounding                  # its other neighbour is nearer
            if error < best.error:
                best = Estimate(slope, error, step)
    return best


def without_term(estimates: list[float], shrink: int) -> list[float]:
    """Better estimates, one fewer: without the term of the error that shrinks to 1/shrink from each to the next.

    Source: Richardson, 1911.

    >>> without_term([1 + 0.5, 1 + 0.5 / 4, 1 + 0.5 / 16], 4)
    [1.0, 1.0]
    """
    return [b + (b - a) / (shrink - 1) for a, b in pairwise(estimates)]


def complex_step(f: Callable, x: float, h: float) -> Estimate:
    """The derivative as an imaginary part; a second step tells how much of it is rounding."""
    if imaginary_part(f, Complex(x, 0.0)):
        raise DomainError(f"f({format_number(x)}) is not a real number, so f has no slope there")
    slopes = [imaginary_part(f, Complex(x, step)) / step for step in (h, 0.7 * h)]
    return Estimate(slopes[0], abs(slopes[0] - slopes[1]) + 8 * U * abs(slopes[0]), h)


def imaginary_part(f: Callable, z: "Complex") -> float:
    try:
        y = f(z)
    except (TypeError, AttributeError) as error:
        raise TypeError(f'f cannot be run on a complex number: {error}; write method="richardson"') from None
    except DomainError:
        raise
    except (ArithmeticError, ValueError) as error:
        raise DomainError(f"f cannot be run beside {format_number(z.real)} on a complex number: {error}") from None
    return float(y.imag) if isinstance(y, complex) else 0.0 * value_as_float(y)


def value_of(f: Callable, x: float) -> float:
    """f(x) as a float.  An f that asks for what no float has, such as x.data, is given a Value."""
    try:
        y = f(x)
    except AttributeError:
        y = f(Value(x))
    return value_as_float(y)


def value_as_float(y: Any) -> float:
    y = unwrapped(y)
    if isinstance(y, Value):
        return y.data
    if isinstance(y, complex):
        raise DomainError(f"f is not a real number there: got {short_repr(y)}")
    try:
        return number(y)
    except TypeError:
        raise TypeError(f"f must return one number: got {short_repr(y)}") from None


class Complex(complex):
    """A real number with a tiny imaginary part, on which functions of one real number can be run.

    Comparisons, |x| and what depends on them go by the real part, so that f takes the way it
    takes at x.  Rules run on it as they do on floats.
    """

    def __add__(self, other): return Complex(complex(self) + other)
    def __sub__(self, other): return Complex(complex(self) - other)
    def __rsub__(self, other): return Complex(other - complex(self))
    def __mul__(self, other): return Complex(complex(self) * other)
    def __truediv__(self, other): return Complex(complex(self) / other)
    def __rtruediv__(self, other): return Complex(other / complex(self))
    def __neg__(self): return Complex(-self.real, -self.imag)
    def __pos__(self): return self
    def __abs__(self): return -self if self.real < 0 else self
    def __pow__(self, other, modulo=None): return self.apply_named("pow", self, other)
    def __rpow__(self, other, modulo=None): return self.apply_named("pow", other, self)
    def __lt__(self, other): return self.real < other.real
    def __le__(self, other): return self.real <= other.real
    def __gt__(self, other): return self.real > other.real
    def __ge__(self, other): return self.real >= other.real
    def __eq__(self, other): return self.real == getattr(other, "real", other)
    def __ne__(self, other): return not self == other
    def __hash__(self): return hash(self.real)
    def __bool__(self): return self.real != 0
    def __floordiv__(self, other): return self.real // other
    def __rfloordiv__(self, other): return other // self.real
    def __mod__(self, other): return self - other * (self // other)
    def __rmod__(self, other): return other - self * (other // self)

    __radd__, __rmul__ = __add__, __mul__

    @staticmethod
    def record(op: Any, *inputs: Any, **constants: float) -> Any:
        """Apply an op: its value by the textbook's rule, or by its accurate form where that is too large on the way."""
        try:
            return op.textbook(*inputs, **constants)[0]
        except OverflowError:
            return op.rule(*inputs, **constants)[0]

    @staticmethod
    def apply_named(name: str, *inputs: Any) -> "Complex":
        """A function of the rules' vocabulary; how rules run on Values too."""
        compute = ANALYTIC.get(name) or getattr(cmath, name, None)
        if compute is None:
            raise TypeError(f"{name} of a complex number is not known here")
        return Complex(compute(*inputs))


def complex_power(x: Any, y: Any) -> Any:
    """x ** y along the real line: a negative x is turned round, or its angle π would drown the imaginary part."""
    if x.real < 0 and y.imag == 0 and y.real == y.real // 1:
        return complex(-x) ** complex(y) * (-1) ** (int(y.real) % 2)
    return complex(x) ** complex(y)


def complex_expm1(z: complex) -> complex:
    return complex(math.expm1(z.real), math.exp(z.real) * math.sin(z.imag))


def complex_log1p(z: complex) -> complex:
    return complex(math.log1p(z.real), cmath.phase(1 + z))


def complex_cbrt(z: Any) -> Any:
    return complex_power(abs(z), 1 / 3) * (-1 if z.real < 0 else 1)


ANALYTIC: dict[str, Callable] = {       # what `cmath` has not; imaginary parts are tiny, so their squares are left out
    "pow": complex_power, "expm1": complex_expm1, "log1p": complex_log1p, "cbrt": complex_cbrt,
    "exp2": lambda z: complex_power(2.0, z), "log2": lambda z: cmath.log(z) / math.log(2),
    **{name: lambda z, whole=COMPUTE[name]: whole(z.real) for name in ("floor", "ceil", "round")},
}
