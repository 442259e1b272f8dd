"""Every operation: its value and its local gradients, in one place.

A rule takes numbers and returns `(value, (one local gradient per input))`.  Keyword-only
arguments are constants: no gradient flows to them.  Nothing else says what an operation
does: the engine computes with the rule, the picture shows the symbol, the stepper prints
the formula, and the tests draw numbers from the domain.

Rules are written in the words of `formula.py` (`m.exp`, `m.where`, ...), without `if`,
`math` or `**`.  The names defined here, `abs`, `sum`, `max`, `min`, `pow` among them, are
operations, not Python's functions.  The accurate formulas are those of the test suite's
accuracy tables; where a plainer one is what people should read, `m.written` shows that.
"""

from . import formula as m
from .bell import SCALE, bell, beyond, rest_of_product
from .formula import each
from .op import (
    ABOVE_MINUS_ONE,
    BASE,
    BENT,
    CLOSED_UNIT,
    FROM_ONE,
    NONZERO,
    OPS,
    POSITIVE,
    REAL,
    ROOT,
    UNIT,
    Interval,
    op,
)

HALF = m.ratio(1, 2)
SMALLEST, LARGEST = 2.0 ** -1022, 2.0 ** 1023      # beyond these, floats have fewer digits, or none
LOWEST_SILU = -1.2784645427610737                   # where silu is lowest, and 1 + x + exp(x) is 0: the nearest float,
REST_OF_LOWEST = m.ratio(-1094699418309343743045044951888150582654531781055350293754599499, 10 ** 79)   # what it lacks,
EXP_OF_LOWEST = m.ratio(2784645427610737951093587390229801554394774886197457654531781055350294, 10 ** 70)    # its exp
VAST = 2 ** 500                                     # beyond this, x² may overflow, and 1 + x² is x²


# ---- arithmetic ----------------------------------------------------------------------------------


@op("+", REAL, REAL)
def add(x, y):
    """x + y."""
    return x + y, (1, 1)


@op("−", REAL, REAL)
def sub(x, y):
    """x - y."""
    return x - y, (1, -1)


@op("×", REAL, REAL)
def mul(x, y):
    """x * y."""
    return x * y, (y, x)


@op("÷", REAL, NONZERO)
def div(x, y):
    """x / y."""
    quotient = x / y
    return quotient, (1 / y, m.written(lambda: -x / m.power(y, 2), -quotient / y))


@op("−", REAL)
def neg(x):
    """-x."""
    return -x, (-1,)


@op("=", REAL)
def identity(x):
    """x itself, as a node of its own: what `z = x` makes in an expression, and `+x`."""
    return x, (1,)


@op("x²", REAL)
def square(x):
    """x², as the product x * x; what `x ** 2` records.

    >>> square(3.0)
    9.0
    """
    return m.written(lambda: m.power(x, 2), x * x), (2 * x,)


def by_whole_halves(x, n):
    """n * x**(n - 1) for a whole n, by two powers of half the size; also for negative x, and exact."""
    def odd():
        half = m.power(x, (n - 1) / 2)
        return n * half * half

    def even():
        half = m.power(x, (n - 2) / 2)
        return n * half * (x * half)
    return m.where(m.is_whole((n - 1) / 2), odd, even)


def slope_of_power(x, n, z):
    """The derivative n * x**(n - 1) of z = x**n, as n * z / x: n - 1 may be rounded, z is not affected.

    The order of the factors keeps what lies between in range.  A z too small to have all its
    digits is taken as the square of x**(n / 2).
    """
    size = m.abs(z)

    def plain():
        return n * m.power(x, n - 1)

    def by_halves():
        half = m.power(x, n / 2)
        return n * (half / x) * half

    def at_tiny():
        return m.where(m.is_whole(n), lambda: by_whole_halves(x, n), lambda: m.where(x > 0, by_halves, plain))

    def at_large():
        return m.where(size < 1, lambda: n / x * z, lambda: m.where(size > LARGEST, plain, lambda: n * (z / x)))

    def slope():
        return m.where(size < SMALLEST, at_tiny, lambda: m.where(m.abs(x) < 1, lambda: n * z / x, at_large))
    return m.written(plain, m.where(m.equal(n, 0), 0, slope))


@op("xⁿ", BASE, n=3.0)
def power(x, *, n):
    """x**n for a number n; negative x needs a whole n.

    >>> power(2.0, n=3)
    8.0
    """
    z = m.power(x, n)
    return z, (slope_of_power(x, n, z),)


@op("xʸ", BASE, REAL)
def pow(x, y):
    """x**y where both get a gradient.  Negative x needs a whole y, and has no slope in y."""
    z = m.power(x, y)
    at_zero = m.where(y > 0, 0, m.where(y < 0, -m.inf, m.nan))

    def by_halves():                                    # where z has lost digits, or is too large
        half = m.power(x, y / 2)
        return half * m.log(x) * half

    def elsewhere():
        size = m.abs(z)
        return m.where(size < SMALLEST, by_halves, m.where(size > LARGEST, by_halves, lambda: z * m.log(x)))
    slope_in_y = m.where(m.equal(x, 0), at_zero, elsewhere)
    return z, (slope_of_power(x, y, z), m.written(lambda: z * m.log(x), slope_in_y))


# ---- sizes, roots --------------------------------------------------------------------------------


@op("|x|", BENT)
def abs(x):
    """|x|.  At the kink the gradient is 0, the smallest subgradient."""
    return m.abs(x), (m.sign(x),)


@op("sign", BENT, selects=True)
def sign(x):
    """1, 0 or -1."""
    return m.sign(x), (0,)


@op("√", ROOT)
def sqrt(x):
    """The square root.  At 0 the slope is infinite."""
    y = m.sqrt(x)
    return y, (m.written(lambda: 1 / (2 * y), 1 / (2 * m.abs(y))),)      # y may be -0.0


@op("∛", BENT)
def cbrt(x):
    """The real cube root, also of negative numbers.  At 0 the slope is infinite.

    >>> cbrt(-8.0)
    -2.0
    """
    near = m.cbrt(x)
    stays = m.equal(2 * near, near)                     # 0 and the infinities
    # one Newton step, since the last digit of the library's cube root is not always right
    y = m.where(stays, near, lambda: near - (near - x / (near * near)) / 3)
    y = m.written(lambda: m.cbrt(x), y)
    slope = m.where(stays, 1 / (y * y), lambda: y / x / 3)
    return y, (m.written(lambda: 1 / (3 * m.power(y, 2)), slope),)


def scale_for(x, y):
    """A power of 2 that keeps x² and y² in range; usually 1."""
    a, b = m.abs(x), m.abs(y)
    big = m.where(a > b, a, b)
    return m.where(big > VAST, m.ratio(1, 2 ** 600), m.where(big * VAST < 1, 2 ** 600, 1))


@op("hypot", REAL, BENT)
def hypot(x, y):
    """√(x² + y²), the length of the vector (x, y).  At (0, 0) both gradients are 0.

    >>> hypot(3.0, 4.0)
    5.0
    """
    scale = scale_for(x, y)
    a, b = x * scale, y * scale
    scaled = m.sqrt(a * a + b * b)
    r = m.written(lambda: m.sqrt(m.power(x, 2) + m.power(y, 2)), scaled / scale)

    def share(side):
        return m.where(scale < 1, lambda: side / scaled * scale, lambda: side * scale / scaled)
    dx, dy = m.where(scaled > 0, lambda: share(x), scaled), m.where(scaled > 0, lambda: share(y), scaled)
    return r, (m.written(lambda: x / r, dx), m.written(lambda: y / r, dy))


# ---- exponentials and logarithms -------------------------------------------------------------------


@op("exp", REAL)
def exp(x):
    """e to the power x."""
    y = m.exp(x)
    return y, (y,)


@op("2ˣ", REAL)
def exp2(x):
    """2 to the power x."""
    y, log2 = m.exp2(x), m.log(m.like(x, 2))
    slope = m.where(x < 1000, y * log2, lambda: m.exp2(x - 1) * (2 * log2))     # y may be too large, this not yet
    return y, (m.written(lambda: y * log2, slope),)


@op("expm1", REAL)
def expm1(x):
    """exp(x) - 1, without losing digits near 0."""
    return m.expm1(x), (m.exp(x),)


@op("log", POSITIVE)
def log(x):
    """The natural logarithm."""
    return m.log(x), (1 / x,)


def slope_of_log(x, log_of_base):
    def plain():
        return 1 / (x * log_of_base)
    return m.written(plain, m.where(x < 1, plain, lambda: 1 / x / log_of_base))


@op("log₂", POSITIVE)
def log2(x):
    """The logarithm to base 2."""
    return m.log2(x), (slope_of_log(x, m.log(m.like(x, 2))),)


@op("log₁₀", POSITIVE)
def log10(x):
    """The logarithm to base 10."""
    return m.log10(x), (slope_of_log(x, m.log(m.like(x, 10))),)


@op("log1p", ABOVE_MINUS_ONE)
def log1p(x):
    """log(1 + x), without losing digits near 0."""
    return m.log1p(x), (1 / (1 + x),)


# ---- circular and hyperbolic functions ---------------------------------------------------------------


@op("sin", REAL)
def sin(x):
    """The sine of x radians."""
    return m.sin(x), (m.cos(x),)


@op("cos", REAL)
def cos(x):
    """The cosine of x radians."""
    return m.cos(x), (-m.sin(x),)


@op("tan", REAL)
def tan(x):
    """The tangent of x radians."""
    t = m.tan(x)
    return t, (m.written(lambda: 1 + m.power(t, 2), 1 + t * t),)


@op("asin", CLOSED_UNIT)
def asin(x):
    """The angle whose sine is x.  At -1 and 1 the slope is infinite."""
    slope = m.written(lambda: 1 / m.sqrt(1 - m.power(x, 2)), 1 / m.sqrt((1 - x) * (1 + x)))
    return m.asin(x), (slope,)


@op("acos", CLOSED_UNIT)
def acos(x):
    """The angle whose cosine is x.  At -1 and 1 the slope is infinite."""
    slope = m.written(lambda: -1 / m.sqrt(1 - m.power(x, 2)), -1 / m.sqrt((1 - x) * (1 + x)))
    return m.acos(x), (slope,)


@op("atan", REAL)
def atan(x):
    """The angle whose tangent is x."""
    slope = m.where(m.abs(x) < VAST, 1 / (1 + x * x), lambda: 1 / x / x)
    return m.atan(x), (m.written(lambda: 1 / (1 + m.power(x, 2)), slope),)


@op("atan2", BENT, BENT)
def atan2(y, x):
    """The angle of the point (x, y), from -pi to pi.  No gradient at (0, 0)."""
    scale = scale_for(x, y)
    a, b = x * scale, y * scale
    square = a * a + b * b
    dy = m.written(lambda: x / (m.power(x, 2) + m.power(y, 2)), a / square * scale)
    dx = m.written(lambda: -y / (m.power(x, 2) + m.power(y, 2)), -b / square * scale)
    return m.atan2(y, x), (dy, dx)


@op("sinh", REAL)
def sinh(x):
    """(exp(x) - exp(-x)) / 2."""
    return m.sinh(x), (m.cosh(x),)


@op("cosh", REAL)
def cosh(x):
    """(exp(x) + exp(-x)) / 2."""
    return m.cosh(x), (m.sinh(x),)


def minus_size(x):
    """-|x|, in a form whose slope at 0 is not 0: higher derivatives of smooth rules stay right."""
    return m.where(x > 0, -x, x)


@op("tanh", REAL)
def tanh(x):
    """(exp(x) - exp(-x)) / (exp(x) + exp(-x))."""
    y = m.tanh(x)
    e = m.exp(2 * minus_size(x))
    return y, (m.written(lambda: 1 - m.power(y, 2), 4 * e / ((1 + e) * (1 + e))),)


@op("asinh", REAL)
def asinh(x):
    """The number whose sinh is x."""
    slope = m.where(m.abs(x) < VAST, 1 / m.sqrt(1 + x * x), lambda: 1 / m.abs(x))
    return m.asinh(x), (m.written(lambda: 1 / m.sqrt(1 + m.power(x, 2)), slope),)


@op("acosh", FROM_ONE)
def acosh(x):
    """The positive number whose cosh is x.  At 1 the slope is infinite."""
    slope = 1 / (m.sqrt(x - 1) * m.sqrt(x + 1))
    return m.acosh(x), (m.written(lambda: 1 / m.sqrt(m.power(x, 2) - 1), slope),)


@op("atanh", UNIT)
def atanh(x):
    """The number whose tanh is x."""
    return m.atanh(x), (m.written(lambda: 1 / (1 - m.power(x, 2)), 1 / ((1 - x) * (1 + x))),)


# ---- bells ----------------------------------------------------------------------------------------------


def slope_of_erf(x, most, more):
    density = m.written(lambda: m.exp(-m.power(x, 2)), (most + most * more) / SCALE)
    return 2 / m.sqrt(m.pi(x)) * density


@op("erf", REAL)
def erf(x):
    """The error function, 2/√pi times the integral of exp(-t²) from 0 to x."""
    return m.erf(x), (slope_of_erf(x, *bell(x, 1)),)


@op("erfc", REAL)
def erfc(x):
    """1 - erf(x), without losing digits where erf(x) is close to 1."""
    def in_floats():
        most, more = bell(x, 1)
        tail, rest = beyond(m.smaller(m.abs(x), 40), 1, most, more)
        size = (tail + rest) / SCALE
        return m.where(x < 0, 2 - size, size), -slope_of_erf(x, most, more)
    value, slope = m.where(m.is_float(x), in_floats, lambda: (m.erfc(x), -slope_of_erf(x, *bell(x, 1))))
    return m.written(lambda: m.erfc(x), value), (slope,)


@op("gelu", REAL)
def gelu(x):
    """x times the chance that a standard normal number is below x.  Hendrycks & Gimpel, 2016.

    >>> gelu(0.0)
    0.0
    """
    root, root2 = m.sqrt(2 * m.pi(x)), m.sqrt(m.like(x, 2))
    most, more = bell(x, 2)

    def chance():
        return (1 + m.erf(x / root2)) / 2

    def in_floats():
        """relu(x) less |x| times the chance of a number beyond |x|."""
        size = m.smaller(m.abs(x), 40)
        tail, rest = beyond(size, 2, most, more)
        missing = (size * tail + (rest_of_product(size, tail) + size * rest)) / SCALE
        steep = size * most / root
        slope = ((tail - steep) + (rest - steep * more)) / SCALE
        return m.where(x < 0, -missing, x - missing), m.where(x < 0, slope, 1 - slope)

    def in_more_digits():
        below = m.erfc(-x / root2) / 2
        near = m.where(m.abs(x) < 40, x, 0)             # beyond, the density is 0
        return x * below, below + near * (most + most * more) / (SCALE * root)
    value, slope = m.where(m.is_float(x), in_floats, in_more_digits)
    shown_slope = lambda: chance() + x * m.exp(-m.power(x, 2) / 2) / root
    return m.written(lambda: x * chance(), value), (m.written(shown_slope, slope),)


# ---- activations -------------------------------------------------------------------------------------------


@op("relu", BENT, selects=True)
def relu(x):
    """max(x, 0).  At the kink the gradient is 0, the smallest subgradient.

    >>> relu(-1.5), relu(1.5)
    (0.0, 1.5)
    """
    return m.larger(x, 0), (m.where(x > 0, 1, 0),)


@op("leaky", BENT, selects=True)
def leaky_relu(x, *, slope=0.01):
    """x above 0, slope * x below.  0.01 is what most libraries use; the lecture's slope is 0.1.

    >>> leaky_relu(-2.0), leaky_relu(-2.0, slope=0.1)
    (-0.02, -0.2)
    """
    return m.where(x > 0, x, slope * x), (m.where(x > 0, 1, slope),)


@op("elu", BENT)
def elu(x, *, alpha=1.0):
    """x above 0, alpha * (exp(x) - 1) below."""
    value = m.where(x > 0, x, lambda: alpha * m.expm1(x))
    return value, (m.where(x > 0, 1, lambda: alpha * m.exp(x)),)


@op("σ", REAL)
def sigmoid(x):
    """1 / (1 + exp(-x)), between 0 and 1."""
    e = m.exp(minus_size(x))
    rest = e / (1 + e)
    y = m.written(lambda: 1 / (1 + m.exp(-x)), m.where(x > 0, 1 / (1 + e), e - e * rest))
    return y, (m.written(lambda: y * (1 - y), e / ((1 + e) * (1 + e))),)


@op("log σ", REAL)
def log_sigmoid(x):
    """log(sigmoid(x)), without ever taking the log of 0."""
    e = m.exp(minus_size(x))
    value = m.where(x > 0, 0, x) - m.log1p(e)
    slope = m.where(x > 0, e, 1) / (1 + e)
    return m.written(lambda: -m.log(1 + m.exp(-x)), value), (m.written(lambda: 1 / (1 + m.exp(x)), slope),)


@op("softplus", REAL)
def softplus(x):
    """log(1 + exp(x)), a smooth relu."""
    e = m.exp(minus_size(x))
    value = m.where(x > 0, x, 0) + m.log1p(e)
    slope = m.where(x > 0, 1, e) / (1 + e)
    return m.written(lambda: m.log(1 + m.exp(x)), value), (m.written(lambda: 1 / (1 + m.exp(-x)), slope),)


@op("silu", REAL)
def silu(x):
    """x * sigmoid(x), also called swish."""
    def s():
        return 1 / (1 + m.exp(-x))
    e = m.exp(minus_size(x))

    def tail(factor):                                   # where exp(x) is too small to have all its digits
        return lambda: factor * m.exp(x + 44) / m.exp(m.like(x, 44))     # exp(44) is nearly a float

    def sign_changing():                                # 1 + x + exp(x), without its cancellation
        away = x - LOWEST_SILU - REST_OF_LOWEST
        return away + EXP_OF_LOWEST * m.expm1(away)

    def below_0():
        return m.where(x > -2, sign_changing, 1 + x + e) * (e / ((1 + e) * (1 + e)))
    value = m.where(x > -700, lambda: x / (1 + m.exp(-x)), tail(x))
    above_0 = (1 + x * e / (1 + e)) / (1 + e)
    slope = m.where(x > 0, above_0, lambda: m.where(x > -700, below_0, tail(1 + x)))
    return m.written(lambda: x * s(), value), (m.written(lambda: s() * (1 + x * (1 - s())), slope),)


@op("softsign", REAL)
def softsign(x):
    """x / (1 + |x|): a gentler tanh, whose tails flatten like 1/x instead of exp(-2x).

    >>> softsign(3.0)
    0.75
    """
    scale = 1 + m.abs(x)
    return x / scale, (m.written(lambda: 1 / m.power(scale, 2), 1 / scale / scale),)


# ---- choosing ---------------------------------------------------------------------------------------------


def share(x, y, chosen):
    """The local gradient of one of two inputs: 1 if it was chosen, ½ at a tie, nan if either is nan."""
    lost = m.written(lambda: 0, m.where(m.equal(x + y, x + y), 0, m.nan))
    return m.where(chosen, 1, lambda: m.where(m.equal(x, y), HALF, lost))


@op("max", REAL, REAL, selects=True)
def maximum(x, y):
    """The larger of two.  Equal ones share the gradient, ½ each.

    >>> maximum(2.0, 3.0)
    3.0
    """
    return m.larger(x, y), (share(x, y, x > y), share(x, y, y > x))


@op("min", REAL, REAL, selects=True)
def minimum(x, y):
    """The smaller of two.  Equal ones share the gradient, ½ each."""
    return m.smaller(x, y), (share(x, y, x < y), share(x, y, y < x))


@op("clip", Interval(kinks=(-1.0, 1.0)), selects=True, low=-1.0, high=1.0)
def clip(x, *, low, high):
    """x, but at least low and at most high.  At both ends the gradient is 1.

    >>> clip(2.5, low=0, high=1)
    1.0
    """
    value = m.where(low > high, m.nan, m.smaller(m.larger(x, low), high))
    slope = m.where(x < low, 0, m.where(x > high, 0, 1))
    return m.written(lambda: m.smaller(m.larger(x, low), high), value), (slope,)


@op("where", BENT, REAL, REAL, selects=True)
def where(condition, x, y):
    """x where the condition is not 0, else y; only the one chosen gets a gradient.

    Both are computed before `where` sees them, so log(0) raises even if it is not chosen:
    write log(where(greater(x, 0), x, 1)), not where(greater(x, 0), log(x), 0).

    >>> where(greater(2.0, 1.0), 10.0, 20.0)
    10.0
    """
    chosen = m.unequal(condition, 0)
    return m.where(chosen, x, y), (0, m.where(chosen, 1, 0), m.where(chosen, 0, 1))


@op("step", BENT, selects=True)
def step(x):
    """0 below 0, and 1 from 0 on.  Its gradient is 0: it jumps at 0, so it has no subgradient there."""
    value = m.where(x >= 0, 1, m.where(x < 0, 0, x))
    return m.written(lambda: m.where(x >= 0, 1, 0), value), (0,)


@op(">", REAL, REAL, selects=True)
def greater(x, y):
    """1 if x > y, else 0; a condition for `where`."""
    return m.written(lambda: x > y, m.where(x > y, 1, 0)), (0, 0)


@op("<", REAL, REAL, selects=True)
def less(x, y):
    """1 if x < y, else 0; a condition for `where`."""
    return m.written(lambda: x < y, m.where(x < y, 1, 0)), (0, 0)


@op("≥", REAL, REAL, selects=True)
def greater_equal(x, y):
    """1 if x >= y, else 0; a condition for `where`."""
    return m.written(lambda: x >= y, m.where(x >= y, 1, 0)), (0, 0)


@op("≤", REAL, REAL, selects=True)
def less_equal(x, y):
    """1 if x <= y, else 0; a condition for `where`."""
    return m.written(lambda: x <= y, m.where(x <= y, 1, 0)), (0, 0)


@op("=", REAL, REAL, selects=True)
def equal(x, y):
    """1 if x equals y, else 0; a condition for `where`."""
    return m.written(lambda: m.equal(x, y), m.where(m.equal(x, y), 1, 0)), (0, 0)


@op("≠", REAL, REAL, selects=True)
def not_equal(x, y):
    """1 if x and y differ, else 0; a condition for `where`."""
    return m.written(lambda: m.unequal(x, y), m.where(m.unequal(x, y), 1, 0)), (0, 0)


# ---- rows of numbers -----------------------------------------------------------------------------------------


def total_in_range(row):
    """The sum of a row; where it leaves the floats on the way, added up on a smaller scale."""
    plain = m.total(row)

    def scaled():
        return m.total(each(lambda e: e / VAST, row)) * VAST
    return m.written(lambda: plain, m.where(m.abs(plain) < m.inf, plain, scaled))


@op("Σ", [REAL])
def sum(x):
    """The sum of a row, as one node.

    >>> sum([1.0, 2.0, 3.5])
    6.5
    """
    return total_in_range(x), (each(lambda e: 1, x),)


@op("mean", [REAL])
def mean(x):
    """The average of a row."""
    n, whole = m.count(x), m.total(x)
    value = m.where(m.abs(whole) < m.inf, lambda: whole / n, lambda: m.total(each(lambda e: e / n, x)))
    return m.written(lambda: whole / n, value), (each(lambda e: m.like(e, 1) / n, x),)


@op("Π", [REAL])
def prod(x):
    """The product of a row; zeros in it do no harm."""
    return m.product(x), (m.others(x),)


@op("·", [REAL], [REAL])
def dot(x, y):
    """The sum of the products of two rows.

    >>> dot([1.0, 2.0], [3.0, 4.0])
    11.0
    """
    return total_in_range(each(lambda a, b: a * b, x, y)), (y, x)


def shares(x, best):
    """1 for the chosen one of a row, or equal shares for several, and 0 for the others."""
    hits = each(lambda e: m.where(m.equal(e, best), m.like(e, 1), m.like(e, 0)), x)
    ties = m.total(hits)
    n = m.written(lambda: ties, m.where(m.equal(ties, 0), m.nan, ties))         # none is nan's equal
    return each(lambda hit: hit / n, hits)


@op("max", [REAL], selects=True)
def max(x):
    """The largest of a row.  Equal ones share the gradient.

    >>> max([1.0, 3.0, 2.0])
    3.0
    """
    best = m.largest(x)
    return best, (shares(x, best),)


@op("min", [REAL], selects=True)
def min(x):
    """The smallest of a row.  Equal ones share the gradient."""
    best = m.written(lambda: m.smallest(x), -m.largest(each(lambda e: -e, x)))
    return best, (shares(x, best),)


def exp_of_difference(x, y):
    """exp(x - y), with what rounding took from the difference put back: there it would grow like x - y."""
    difference = x - y
    back = difference - x
    rest = (x - (difference - back)) - (y + back)
    e = m.exp(difference)
    return m.where(e > 0, e + e * rest, e)


def total_less_one(x, best, e):
    """The sum of e = exp(x - best), less the 1 that is the largest: near 0 it keeps its digits."""
    below = m.total(each(lambda a, ea: m.where(a < best, ea, 0), x, e))
    return below + (m.total(each(lambda a, ea: m.where(a < best, 0, ea), x, e)) - 1)


@op("log Σ exp", [REAL])
def logsumexp(x):
    """log(exp(x₁) + ... + exp(xₙ)), computed from the differences to the largest, so that it cannot overflow.

    >>> logsumexp([1000.0, 1000.0])
    1000.6931471805599
    """
    best = m.largest(x)
    top = m.where(m.abs(best) < m.inf, best, 0)
    e = each(lambda xi: exp_of_difference(xi, top), x)
    rest = total_less_one(x, best, e)
    y = m.written(lambda: m.log(m.total(each(m.exp, x))), top + m.log1p(rest))

    def slope_of(xi, ei):
        return m.written(lambda: m.exp(xi) / m.total(each(m.exp, x)), ei / (1 + rest))
    return y, (each(slope_of, x, e),)


@op("CE", [REAL], [REAL])
def softmax_cross_entropy(x, t):
    """-Σ tᵢ log softmax(x)ᵢ: how badly the logits x predict the probabilities t, in one node.

    The largest logit is taken out of the sum of exponentials, so that nothing overflows and a
    loss near 0 keeps its digits.  A class with t = 0 may have the logit -inf.

    >>> softmax_cross_entropy([40.0, 0.0, 1.0], [1.0, 0.0, 0.0])
    1.5796578428307375e-17
    """
    best = m.largest(x)
    e = each(lambda a: exp_of_difference(a, best), x)
    rest = total_less_one(x, best, e)
    whole, log_whole = 1 + rest, m.log1p(rest)
    mass = m.total(t)

    def loss_of(a, ta):
        return m.where(m.equal(ta, 0), 0, lambda: ta * (best - a + log_whole))

    def slope_of(a, ea, ta):
        others = m.where(a < best, whole - ea, rest + (1 - ea))
        accurate = ea / whole * (mass - ta) - ta * (others / whole)
        return m.written(lambda: mass * m.exp(a) / exponentials() - ta, accurate)

    def exponentials():
        return m.total(each(m.exp, x))
    value = m.written(lambda: m.total(each(lambda a, ta: ta * (m.log(exponentials()) - a), x, t)),
                      m.total(each(loss_of, x, t)))
    slope_in_t = each(lambda a: m.written(lambda: m.log(exponentials()) - a, best - a + log_whole), x)
    return value, (each(slope_of, x, e, t), slope_in_t)


__test__ = {name: declared.__doc__ or "" for name, declared in OPS.items()}      # for doctest
