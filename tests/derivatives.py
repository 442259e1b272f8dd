"""Judges derivatives of orders 1 to 4, found by differentiating gradients again, against power series in mpmath.

The truth is the value of the operation's own textbook rule, run on power series instead of numbers: f(x + t) as
a polynomial in t, whose coefficients are the derivatives.  No local gradient takes part in it, and no finite difference.
"""

import math
from collections import Counter
from functools import cache, lru_cache
from itertools import product
from typing import NamedTuple

from mpmath import mp
from textbook import is_defined, near

import tinygrad_edu as tg
from tinygrad_edu import OPS
from tinygrad_edu.engine import formula as m

ORDERS = (1, 2, 3, 4)
POWERS_OF_T = (1, 2, 3, 4, 5)               # one more than is asked for: sin(t) / t loses one
DIGITS, DIGITS_OF_PAIRS = 1600, 3000        # terms such as x² beside 1, at 1e-300, cancel by as many
SIZES = [1e-300, 1e-100, 1e-17, 1e-12, 1e-9, 1e-6, 1e-3, .3, 1., 1 + 1e-9, 1 - 1e-9, 5., 20., 40., 300., 800., 1e3, 1e10,
         1e100, 1e155, 1e300]
SIZES_OF_PAIRS = [1e-300, 1e-100, 1e-9, .3, 1., 5., 40., 1e3, 1e100, 1e155]
TINY, BEYOND = mp.mpf(2) ** -1074, mp.mpf(2) ** 1024 * (1 - mp.mpf(2) ** -54)


# ---- power series ------------------------------------------------------------------------------------------


class Series:
    """f(x + t) as the coefficients of 1, t, t², ...: a kind of number that rules can be run on."""

    context = mp                # by which a rule finds π, √2, ... in as many digits

    def __init__(self, *c):
        self.c = c

    def __add__(self, other): return Series(*[a + b for a, b in zip(self.c, series(other).c)])
    def __neg__(self): return Series(*[-a for a in self.c])
    def __sub__(self, other): return self + -series(other)
    def __rsub__(self, other): return series(other) - self
    def __rtruediv__(self, other): return series(other) / self
    def __abs__(self): return -self if self < 0 else self

    def __gt__(self, other): return self.c > series(other).c           # as for a small t above 0
    def __lt__(self, other): return self.c < series(other).c
    def __ge__(self, other): return self.c >= series(other).c
    def __le__(self, other): return self.c <= series(other).c

    def __mul__(self, other):
        b = series(other).c
        return Series(*[mp.fdot(self.c[:k + 1], b[k::-1]) for k in (0, *POWERS_OF_T)])

    def __truediv__(self, other):
        a, b, found = self.c, series(other).c, []
        if not b[0]:                            # t cancels, or else it is a pole, of a slope that is not asked for
            return Series(*a[1:], mp.nan) / Series(*b[1:], mp.nan) if not a[0] else Series(*[mp.nan] * len(a))
        for k in range(len(a)):
            found.append((a[k] - mp.fdot(found, b[k:0:-1])) / b[0])
        return Series(*found)

    __radd__, __rmul__ = __add__, __mul__

    @classmethod
    def apply_named(cls, name, *numbers):
        """A function of `formula.py`, by its name."""
        return FUNCTIONS[name](*map(series, numbers))


def series(x):
    """A number as a constant series."""
    return x if isinstance(x, Series) else Series(mp.mpf(x), *[mp.mpf(0)] * len(POWERS_OF_T))


def at_point(name, u):
    """A function of mpmath at the point where a series stands."""
    return computed(name, u.c[0], mp.prec)


@lru_cache(maxsize=100)                     # along the directions of a pair, it is one number
def computed(name, x, precision):
    return getattr(mp, name)(near(x) if name in ("erf", "erfc") else x)


def grown(name, slope, u):
    """f(u) from f at the point and the series of f'(u): the integral of f'(u) u'."""
    rate = slope * Series(*[k * u.c[k] for k in POWERS_OF_T], mp.mpf(0))
    return Series(at_point(name, u) if name else mp.mpf(0), *[rate.c[k - 1] / k for k in POWERS_OF_T])


def solved(first, u, rule):
    """The series f with k · f[k] = rule(f, k, i) · u[i], summed over i = 1, ..., k."""
    f = [first]
    for k in POWERS_OF_T:
        f.append(mp.fsum(rule(f, k, i) * u.c[i] for i in range(1, k + 1)) / k)
    return Series(*f)


def exp(u):
    return solved(at_point("exp", u), u, lambda f, k, i: i * f[k - i])


def log(u):
    return grown("log", 1 / u, u)


def sin_and_cos(u):
    s, c = [at_point("sin", u)], [at_point("cos", u)]
    for k in POWERS_OF_T:
        s.append(mp.fsum(i * u.c[i] * c[k - i] for i in range(1, k + 1)) / k)
        c.append(-mp.fsum(i * u.c[i] * s[k - i] for i in range(1, k + 1)) / k)
    return Series(*s), Series(*c)


def power(u, exponent):
    p = exponent.c[0]
    if any(exponent.c[1:]):
        return exp(exponent * log(u))
    if u.c[0]:
        return solved(mp.power(u.c[0], p), u, lambda f, k, i: (p * i - (k - i)) * f[k - i] / u.c[0])
    if p < 0:                                   # a pole, as above
        return Series(*[mp.nan] * len(u.c))
    return math.prod([u] * int(p), start=series(1))


def root(u, n):
    return power(u, series(mp.mpf(1) / n))


def atan2(y, x):
    angle = grown(None, x / (x * x + y * y), y) - grown(None, y / (x * x + y * y), x)
    return angle + mp.atan2(y.c[0], x.c[0])


def bell(u):
    return 2 / mp.sqrt(mp.pi) * exp(-u * u)


FUNCTIONS = {
    "exp": exp, "exp2": lambda u: exp(u * mp.log(2)), "expm1": lambda u: exp(u) - 1, "log": log,
    "log2": lambda u: log(u) / mp.log(2), "log10": lambda u: log(u) / mp.log(10), "log1p": lambda u: log(1 + u),
    "pow": power, "sqrt": lambda u: root(u, 2), "cbrt": lambda u: root(u, 3) if u > 0 else -root(-u, 3),
    "sin": lambda u: sin_and_cos(u)[0], "cos": lambda u: sin_and_cos(u)[1], "atan2": atan2,
    "tan": lambda u: sin_and_cos(u)[0] / sin_and_cos(u)[1],
    "asin": lambda u: grown("asin", 1 / root(1 - u * u, 2), u),
    "acos": lambda u: grown("acos", -1 / root(1 - u * u, 2), u),
    "atan": lambda u: grown("atan", 1 / (1 + u * u), u),
    "sinh": lambda u: (exp(u) - exp(-u)) / 2, "cosh": lambda u: (exp(u) + exp(-u)) / 2,
    "tanh": lambda u: (exp(u) - exp(-u)) / (exp(u) + exp(-u)),
    "asinh": lambda u: grown("asinh", 1 / root(1 + u * u, 2), u),
    "acosh": lambda u: grown("acosh", 1 / root(u * u - 1, 2), u),
    "atanh": lambda u: grown("atanh", 1 / (1 - u * u), u),
    "floor": lambda u: series(mp.floor(u.c[0])),
    "erf": lambda u: grown("erf", bell(u), u),
    "erfc": lambda u: grown("erfc", -bell(u), u),
}


# ---- what is judged ----------------------------------------------------------------------------------------


class Case(NamedTuple):
    """A function to be judged: of Values, of series, and where."""

    of_values: object
    of_series: object
    points: list            # of tuples of floats, one or two


def signed(sizes):
    return [0.0, *[x for size in sizes for x in (size, -size)]]


def case_of(op, constants):
    points = [p for p in product(*[signed(SIZES if len(op.inputs) == 1 else SIZES_OF_PAIRS)] * len(op.inputs))
              if is_smooth(op, p, constants)]
    return Case(lambda *xs: op(*xs, **constants), lambda *xs: op.textbook(*xs, **constants)[0], points)


def is_smooth(op, point, constants):
    """Has the op derivatives of all orders there?  In pow, x is above 0 and y at most 1000."""
    if op.name == "power":
        n = constants["n"]
        return point[0] > 0 or (n % 1 == 0 and (point[0] < 0 or n >= 0))
    if op.name in ("hypot", "atan2", "softsign"):
        return any(point)
    inside = all(interval.holds(x) and x not in interval.kinks for interval, x in zip(op.domain, point))
    return inside and not (op.name == "pow" and abs(point[1]) > 1e3)


def row_case(f):
    """A function of one number x that calls ops on rows: on Values by the engine, on series by their rules."""
    def of_series(op, *rows):
        return op.textbook(*[list(map(series, row)) for row in rows])[0]
    return Case(lambda x: f(lambda op, *rows: op(*rows), x), lambda x: f(of_series, x), [(x,) for x in signed(SIZES)])


def softmax(x, i):
    """Of [x, 0, 1]: by the composite on Values, by its definition on series."""
    if isinstance(x, tg.Value):
        return tg.softmax([x, 0.0, 1.0])[i]
    row = [m.exp(e) for e in (x, series(0), series(1))]
    return row[i] / m.total(row)


def log_softmax(x, i):
    return tg.log_softmax([x, 0.0, 1.0])[i] if isinstance(x, tg.Value) else m.log(softmax(x, i))


ROW_CASES = {
    "logsumexp([x, 0])": lambda call, x: call(tg.logsumexp, [x, 0.0]),
    "logsumexp([x, 0, 1])": lambda call, x: call(tg.logsumexp, [x, 0.0, 1.0]),
    "softmax([x, 0, 1])[0]": lambda call, x: softmax(x, 0),
    "softmax([x, 0, 1])[1]": lambda call, x: softmax(x, 1),
    "log_softmax([x, 0, 1])[0]": lambda call, x: log_softmax(x, 0),
    "log_softmax([x, 0, 1])[1]": lambda call, x: log_softmax(x, 1),
    "softmax_cross_entropy([x, 0, 1], [1, 0, 0])":
        lambda call, x: call(tg.softmax_cross_entropy, [x, 0.0, 1.0], [1.0, 0.0, 0.0]),
    "softmax_cross_entropy([x, 0, 1], [0, 1, 0])":
        lambda call, x: call(tg.softmax_cross_entropy, [x, 0.0, 1.0], [0.0, 1.0, 0.0]),
    "prod([x, x, 3])": lambda call, x: call(tg.prod, [x, x, 3.0]),
    "mean([x * x, 0])": lambda call, x: call(tg.mean, [x * x, 0.0]),
    "dot([x * x, 1], [x, x])": lambda call, x: call(tg.dot, [x * x, 1.0], [x, x]),
}
POWERS = (0.0, 1.0, 3.0, -1.0, 0.5, 1.5)


@cache
def cases():
    """{name: what is judged}: all smooth operations that `textbook.py` defines, and some rows."""
    smooth = [op for op in OPS.values() if is_defined(op) and not (op.selects or op.rows)]
    single = {op.name: case_of(op, op.sample) for op in smooth if op.name != "power"}
    powers = {f"x**{n:g}": case_of(tg.power, {"n": n}) for n in POWERS}
    return single | powers | {name: row_case(f) for name, f in ROW_CASES.items()}


# ---- the truth, and ours -----------------------------------------------------------------------------------


def true_derivatives(case, point):
    """{orders by each input: the derivative}, of all orders up to 4, such as {(1,): ..., (2,): ...}."""
    with mp.workdps(DIGITS if len(point) == 1 else DIGITS_OF_PAIRS):
        if len(point) == 1:
            found = case.of_series(moving(point[0], 1)).c
            return {(n,): found[n] * math.factorial(n) for n in ORDERS}
        x, y = point                            # along (1, s), the nth coefficient is a polynomial in s
        along = [case.of_series(moving(x, 1), moving(y, s)).c for s in (0, *ORDERS)]
        return {(n - k, k): coefficient * math.factorial(n - k) * math.factorial(k) for n in ORDERS
                for k, coefficient in enumerate(through(n) * mp.matrix([c[n] for c in along[:n + 1]]))}


def moving(x, rate):
    return Series(mp.mpf(x), mp.mpf(rate), *series(0).c[2:])


@cache
def through(n):
    """The matrix that makes the coefficients of 1, s, ..., sⁿ of a polynomial's values at s = 0, 1, ..., n."""
    return mp.matrix([[mp.mpf(s) ** k for k in range(n + 1)] for s in range(n + 1)]) ** -1


def our_derivatives(case, point):
    """The same by the engine: a float, or the error as text."""
    xs = list(map(tg.Value, point))
    with tg.errstate(all="ignore"):
        level = {(0,) * len(xs): case.of_values(*xs)}
        found = {}
        for _ in ORDERS:
            level = {one_more(orders, i): slope(node, xs[i]) for orders, node in level.items() for i in range(len(xs))
                     if not any(orders[:i])}
            found |= {orders: node.data if isinstance(node, tg.Value) else node for orders, node in level.items()}
    return found


def one_more(orders, i):
    return (*orders[:i], orders[i] + 1, *orders[i + 1:])


def slope(node, x):
    """The derivative of a node, as a node again."""
    if not isinstance(node, tg.Value):
        return node if isinstance(node, str) else 0.0
    try:
        return tg.replay(node, tg.Value).grads.get(x, 0.0)
    except (ArithmeticError, ValueError) as error:
        return f"{type(error).__name__}: {error}"


# ---- the verdict -------------------------------------------------------------------------------------------

CLASSES = {
    "A": "right to 14 digits", "B": "to 9", "C": "to 3", "D": "to fewer", "L": "lost: 0, infinite or not a number",
    "S": "of the wrong sign"}


def verdict(ours, true):
    """One letter of CLASSES; "" where no float could hold the truth."""
    size = abs(true)
    if size > BEYOND:
        return ""
    if isinstance(ours, str) or not math.isfinite(ours):
        return "L"
    error = abs(ours - true)
    if error <= 4 * TINY:
        return "A"
    if size < TINY / 2:
        return "D"                              # it should be 0
    if ours == 0:
        return "L"
    if (ours < 0) != (true < 0):
        return "S"
    return next(letter for letter, bound in (("A", 1e-14), ("B", 1e-9), ("C", 1e-3), ("D", math.inf)) if error <= bound * size)


class Judged(NamedTuple):
    """One derivative at one point."""

    case: str
    point: tuple
    orders: tuple           # by each input
    ours: object            # a float, or an error as text
    true: mp.mpf
    letter: str

    def __str__(self):
        return f"{self.letter}: {self.case} at {self.point}, derivative {self.orders}: {self.ours!r}, not {mp.nstr(self.true, 17)}"


def judged(name, points=None):
    """Every derivative of a case at all its points, or at some."""
    case = cases()[name]
    for point in case.points if points is None else points:
        ours = our_derivatives(case, point)
        for orders, true in true_derivatives(case, point).items():
            yield Judged(name, point, orders, ours[orders], true, verdict(ours[orders], true))


def counted(found):
    """{order: how many of each letter}."""
    counts = {n: Counter() for n in ORDERS}
    for one in found:
        counts[sum(one.orders)][one.letter] += one.letter != ""
    return counts


def in_letters(count):
    """Counts as text.

    >>> in_letters(Counter({"C": 2, "A": 40}))
    'A 40, C 2'
    """
    return ", ".join(f"{letter} {count[letter]:,}" for letter in CLASSES if count[letter]) or "–"
