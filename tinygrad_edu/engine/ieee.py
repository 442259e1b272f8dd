"""Numbers that never raise: floats whose arithmetic and functions answer with inf and nan, as IEEE 754 has it."""

import math
import operator
from collections.abc import Callable
from math import inf, nan


def whole(function: Callable[[float], int]) -> Callable[[float], float]:
    """A function that rounds to an int, as one that gives a float: -0.0, inf and nan stay as they are.

    >>> whole(math.ceil)(-0.5), whole(round)(inf)
    (-0.0, inf)
    """
    def rounded(x: float) -> float:
        return math.copysign(function(x), x) if math.isfinite(x) else x
    return rounded


COMPUTE: dict[str, Callable] = {name: getattr(math, name) for name in (
    "exp exp2 expm1 log log2 log10 log1p sqrt cbrt sin cos tan asin acos atan "
    "sinh cosh tanh asinh acosh atanh erf erfc atan2 pow").split()} | {
    "floor": whole(math.floor), "ceil": whole(math.ceil), "round": whole(round),
    "remainder": operator.mod, "floor_divide": operator.floordiv}


class IEEE(float):
    """A float whose arithmetic answers inf or nan where Python's raises.

    Python's own is tried first; a rule is run again on these only after it raised.
    """

    __slots__ = ()

    def __add__(self, other): return IEEE(float(self) + float(other))
    def __sub__(self, other): return IEEE(float(self) - float(other))
    def __rsub__(self, other): return IEEE(float(other) - float(self))
    def __mul__(self, other): return IEEE(float(self) * float(other))
    def __truediv__(self, other): return divide(float(self), float(other))
    def __rtruediv__(self, other): return divide(float(other), float(self))
    def __neg__(self): return IEEE(-float(self))
    def __abs__(self): return IEEE(math.fabs(self))

    __radd__, __rmul__ = __add__, __mul__


def divide(x: float, y: float) -> IEEE:
    """x / y as IEEE 754 has it."""
    if y:
        return IEEE(x / y)
    return IEEE(nan if x == 0 or x != x else math.copysign(inf, x) * math.copysign(1.0, y))


POLES = {
    "log": {0.0: -inf}, "log2": {0.0: -inf}, "log10": {0.0: -inf}, "log1p": {-1.0: -inf},
    "atanh": {1.0: inf, -1.0: -inf},
}


def ieee(name: str, *numbers: float) -> IEEE:
    """A function of `math`, with inf and nan in place of its exceptions."""
    try:
        return IEEE(COMPUTE[name](*numbers))
    except OverflowError:
        if name == "pow":
            return IEEE(-inf if numbers[0] < 0 and numbers[1] % 2 == 1 else inf)
        return IEEE(math.copysign(inf, numbers[0]) if name == "sinh" else inf)
    except ZeroDivisionError:
        return divide(*numbers) if name == "floor_divide" else IEEE(nan)
    except ValueError:
        x = numbers[0]
        if name == "pow" and x == 0:
            return IEEE(math.copysign(inf, x) if numbers[1] % 2 == 1 else inf)
        return IEEE(POLES.get(name, {}).get(x, nan))
