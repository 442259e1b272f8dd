"""The numbers an input of an operation may be."""

import math
from typing import NamedTuple

from .number import ALL_DIGITS, format_number


class Interval(NamedTuple):
    """The numbers an input may be, and those among them where there is no derivative.

    >>> UNIT.describe("x"), POSITIVE.describe("x"), NONZERO.describe("y")
    ('-1 < x < 1', 'x > 0', 'y != 0')
    """

    low: float = -math.inf
    high: float = math.inf
    closed: bool = False                    # do the ends belong to it?
    without: tuple[float, ...] = ()
    kinks: tuple[float, ...] = ()
    remark: str = ""

    def holds(self, x: float) -> bool:
        inside = self.low <= x <= self.high if self.closed else self.low < x < self.high
        return inside and x not in self.without

    def describe(self, x: str) -> str:
        """As a condition on `x`, for people."""
        return self.condition(x) + self.remark

    def condition(self, x: str) -> str:
        less, more = ("<=", ">=") if self.closed else ("<", ">")
        low, high, *without = [format_number(end, ALL_DIGITS) for end in (self.low, self.high, *self.without)]
        if math.isfinite(self.low) and math.isfinite(self.high):
            conditions = [f"{low} {less} {x} {less} {high}"]
        else:
            ends = ((more, low), (less, high))
            conditions = [f"{x} {sign} {end}" for sign, end in ends if "inf" not in end]
        return " and ".join([*conditions, *(f"{x} != {point}" for point in without)]) or f"any {x}"


REAL = Interval()
KINKED = Interval(kinks=(0.0,))             # any number, with a kink or a jump at 0
NONZERO = Interval(without=(0.0,))
POSITIVE = Interval(low=0.0)
BASE = Interval(low=0.0, remark=" (below 0 with whole powers only)")
ROOT = Interval(low=0.0, closed=True, kinks=(0.0,))
UNIT = Interval(-1.0, 1.0)
CLOSED_UNIT = Interval(-1.0, 1.0, closed=True, kinks=(-1.0, 1.0))
FROM_ONE = Interval(low=1.0, closed=True, kinks=(1.0,))
ABOVE_MINUS_ONE = Interval(low=-1.0)

BENT = KINKED                               # its name until 0.1
