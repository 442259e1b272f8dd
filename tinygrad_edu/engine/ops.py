"""Every operation as a textbook has it: its value and its local gradients, in one place.

A rule takes numbers and returns `(value, (one local gradient per input))`; `f` names the value
where a gradient needs it.  Keyword-only arguments are constants: no gradient flows to them.
Nothing else says what an operation does: the picture shows the symbol, the stepper prints the
formula, fractions are computed by it, and the tests draw numbers from the domain.  Where floats
would lose digits by it, `accurate.py` says how the same number is computed.  Read that last.

Rules are written in the words of `formula.py` (`m.exp`, `m.where`, ...), without `if`, `math`
or `**`.  The names defined here, `abs`, `sum`, `max`, `min`, `pow` among them, are operations,
not Python's functions.
"""

from . import formula as m
from .declare import op
from .domain import (
    ABOVE_MINUS_ONE,
    BASE,
    CLOSED_UNIT,
    FROM_ONE,
    KINKED,
    NONZERO,
    POSITIVE,
    REAL,
    ROOT,
    UNIT,
    Interval,
)
from .formula import each
from .op import OPS

HALF = m.ratio(1, 2)


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
    return x / y, (1 / y, -x / m.power(y, 2))


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
    return m.power(x, 2), (2 * x,)


@op("xⁿ", BASE, n=3.0)
def power(x, *, n):
    """x**n for a number n; negative x needs a whole n.

    >>> power(2.0, n=3)
    8.0
    """
    return m.power(x, n), (n * m.power(x, n - 1),)


@op("xʸ", BASE, REAL)
def pow(x, y):
    """x**y where both get a gradient.  Negative x needs a whole y, and has no slope in y."""
    f = m.power(x, y)
    return f, (y * m.power(x, y - 1), f * m.log(x))


# ---- sizes, roots --------------------------------------------------------------------------------


@op("|x|", KINKED)
def abs(x):
    """|x|.  At the kink the gradient is 0, the smallest subgradient."""
    return m.abs(x), (m.sign(x),)


@op("sign", KINKED, selects=True)
def sign(x):
    """1, 0 or -1."""
    return m.sign(x), (0,)


@op("√", ROOT)
def sqrt(x):
    """The square root.  At 0 the slope is infinite."""
    f = m.sqrt(x)
    return f, (1 / (2 * f),)


@op("∛", KINKED)
def cbrt(x):
    """The real cube root, also of negative numbers.  At 0 the slope is infinite.

    >>> cbrt(-8.0)
    -2.0
    """
    f = m.cbrt(x)
    return f, (1 / (3 * m.power(f, 2)),)


@op("hypot", REAL, KINKED)
def hypot(x, y):
    """√(x² + y²), the length of the vector (x, y).  At (0, 0) both gradients are 0.

    >>> hypot(3.0, 4.0)
    5.0
    """
    f = m.sqrt(m.power(x, 2) + m.power(y, 2))
    return f, (m.where(f > 0, lambda: x / f, 0), m.where(f > 0, lambda: y / f, 0))


# ---- exponentials and logarithms -------------------------------------------------------------------


@op("exp", REAL)
def exp(x):
    """e to the power x."""
    f = m.exp(x)
    return f, (f,)


@op("2ˣ", REAL)
def exp2(x):
    """2 to the power x."""
    f = m.exp2(x)
    return f, (f * m.log(m.like(x, 2)),)


@op("expm1", REAL)
def expm1(x):
    """exp(x) - 1, without losing digits near 0."""
    return m.expm1(x), (m.exp(x),)


@op("log", POSITIVE)
def log(x):
    """The natural logarithm."""
    return m.log(x), (1 / x,)


@op("log₂", POSITIVE)
def log2(x):
    """The logarithm to base 2."""
    return m.log2(x), (1 / (x * m.log(m.like(x, 2))),)


@op("log₁₀", POSITIVE)
def log10(x):
    """The logarithm to base 10."""
    return m.log10(x), (1 / (x * m.log(m.like(x, 10))),)


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
    f = m.tan(x)
    return f, (1 + m.power(f, 2),)


@op("sinc", REAL)
def sinc(x):
    """sin(x) / x, and 1 at 0.

    >>> sinc(0.0)
    1.0
    """
    f = m.where(m.equal(x, 0), 1, lambda: m.sin(x) / x)
    return f, (m.where(m.equal(x, 0), 0, lambda: (m.cos(x) - f) / x),)


@op("asin", CLOSED_UNIT)
def asin(x):
    """The angle whose sine is x.  At -1 and 1 the slope is infinite."""
    return m.asin(x), (1 / m.sqrt(1 - m.power(x, 2)),)


@op("acos", CLOSED_UNIT)
def acos(x):
    """The angle whose cosine is x.  At -1 and 1 the slope is infinite."""
    return m.acos(x), (-1 / m.sqrt(1 - m.power(x, 2)),)


@op("atan", REAL)
def atan(x):
    """The angle whose tangent is x."""
    return m.atan(x), (1 / (1 + m.power(x, 2)),)


@op("atan2", KINKED, KINKED)
def atan2(y, x):
    """The angle of the point (x, y), from -pi to pi.  No gradient at (0, 0)."""
    square = m.power(x, 2) + m.power(y, 2)
    return m.atan2(y, x), (x / square, -y / square)


@op("sinh", REAL)
def sinh(x):
    """(exp(x) - exp(-x)) / 2."""
    return m.sinh(x), (m.cosh(x),)


@op("cosh", REAL)
def cosh(x):
    """(exp(x) + exp(-x)) / 2."""
    return m.cosh(x), (m.sinh(x),)


@op("tanh", REAL)
def tanh(x):
    """(exp(x) - exp(-x)) / (exp(x) + exp(-x))."""
    f = m.tanh(x)
    return f, (1 - m.power(f, 2),)


@op("asinh", REAL)
def asinh(x):
    """The number whose sinh is x."""
    return m.asinh(x), (1 / m.sqrt(1 + m.power(x, 2)),)


@op("acosh", FROM_ONE)
def acosh(x):
    """The positive number whose cosh is x.  At 1 the slope is infinite."""
    return m.acosh(x), (1 / m.sqrt(m.power(x, 2) - 1),)


@op("atanh", UNIT)
def atanh(x):
    """The number whose tanh is x."""
    return m.atanh(x), (1 / (1 - m.power(x, 2)),)


# ---- bells ----------------------------------------------------------------------------------------------


@op("erf", REAL)
def erf(x):
    """The error function, 2/√pi times the integral of exp(-t²) from 0 to x."""
    return m.erf(x), (2 / m.sqrt(m.pi(x)) * m.exp(-m.power(x, 2)),)


@op("erfc", REAL)
def erfc(x):
    """1 - erf(x), without losing digits where erf(x) is close to 1."""
    return m.erfc(x), (-2 / m.sqrt(m.pi(x)) * m.exp(-m.power(x, 2)),)


@op("gelu", REAL)
def gelu(x):
    """x times the chance that a standard normal number is below x.  Hendrycks & Gimpel, 2016.

    >>> gelu(0.0)
    0.0
    """
    below = (1 + m.erf(x / m.sqrt(m.like(x, 2)))) / 2
    density = m.exp(-m.power(x, 2) / 2) / m.sqrt(2 * m.pi(x))
    return x * below, (below + x * density,)


# ---- activations -------------------------------------------------------------------------------------------


@op("relu", KINKED, selects=True)
def relu(x):
    """max(x, 0).  At the kink the gradient is 0, the smallest subgradient.

    >>> relu(-1.5), relu(1.5)
    (0.0, 1.5)
    """
    return m.larger(x, 0), (m.where(x > 0, 1, 0),)


@op("leaky", KINKED, selects=True)
def leaky_relu(x, *, slope=0.01):
    """x above 0, slope * x below.  0.01 is what most libraries use; the lecture's slope is 0.1.

    >>> leaky_relu(-2.0), leaky_relu(-2.0, slope=0.1)
    (-0.02, -0.2)
    """
    return m.where(x > 0, x, slope * x), (m.where(x > 0, 1, slope),)


@op("elu", KINKED)
def elu(x, *, alpha=1.0):
    """x above 0, alpha * (exp(x) - 1) below."""
    value = m.where(x > 0, x, lambda: alpha * m.expm1(x))
    return value, (m.where(x > 0, 1, lambda: alpha * m.exp(x)),)


@op("σ", REAL)
def sigmoid(x):
    """1 / (1 + exp(-x)), between 0 and 1."""
    f = 1 / (1 + m.exp(-x))
    return f, (f * (1 - f),)


@op("log σ", REAL)
def log_sigmoid(x):
    """log(sigmoid(x)), without ever taking the log of 0."""
    return -m.log(1 + m.exp(-x)), (sigmoid.of(-x),)


@op("softplus", REAL)
def softplus(x):
    """log(1 + exp(x)), a smooth relu."""
    return m.log(1 + m.exp(x)), (sigmoid.of(x),)


@op("silu", REAL)
def silu(x):
    """x * sigmoid(x), also called swish."""
    s = sigmoid.of(x)
    return x * s, (s * (1 + x * (1 - s)),)


@op("softsign", REAL)
def softsign(x):
    """x / (1 + |x|): a gentler tanh, whose tails flatten like 1/x instead of exp(-2x).

    >>> softsign(3.0)
    0.75
    """
    scale = 1 + m.abs(x)
    return x / scale, (1 / m.power(scale, 2),)


# ---- choosing ---------------------------------------------------------------------------------------------


def share(x, y, chosen):
    """The local gradient of one of two inputs: 1 if it was chosen, ½ at a tie."""
    return m.where(chosen, 1, m.where(m.equal(x, y), HALF, 0))


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
    return m.smaller(m.larger(x, low), high), (m.where(x < low, 0, m.where(x > high, 0, 1)),)


@op("where", KINKED, REAL, REAL, selects=True)
def where(condition, x, y):
    """x where the condition is not 0, else y; only the one chosen gets a gradient.

    Both are computed before `where` sees them, so log(0) raises even if it is not chosen:
    write log(where(greater(x, 0), x, 1)), not where(greater(x, 0), log(x), 0).

    >>> where(greater(2.0, 1.0), 10.0, 20.0)
    10.0
    """
    chosen = m.unequal(condition, 0)
    return m.where(chosen, x, y), (0, m.where(chosen, 1, 0), m.where(chosen, 0, 1))


@op("step", KINKED, selects=True)
def step(x):
    """0 below 0, and 1 from 0 on.  Its gradient is 0: it jumps at 0, so it has no subgradient there."""
    return m.where(x >= 0, 1, 0), (0,)


@op(">", REAL, REAL, selects=True)
def greater(x, y):
    """1 if x > y, else 0; a condition for `where`."""
    return x > y, (0, 0)


@op("<", REAL, REAL, selects=True)
def less(x, y):
    """1 if x < y, else 0; a condition for `where`."""
    return x < y, (0, 0)


@op("≥", REAL, REAL, selects=True)
def greater_equal(x, y):
    """1 if x >= y, else 0; a condition for `where`."""
    return x >= y, (0, 0)


@op("≤", REAL, REAL, selects=True)
def less_equal(x, y):
    """1 if x <= y, else 0; a condition for `where`."""
    return x <= y, (0, 0)


@op("=", REAL, REAL, selects=True)
def equal(x, y):
    """1 if x equals y, else 0; a condition for `where`."""
    return m.equal(x, y), (0, 0)


@op("≠", REAL, REAL, selects=True)
def not_equal(x, y):
    """1 if x and y differ, else 0; a condition for `where`."""
    return m.unequal(x, y), (0, 0)


# ---- rows of numbers -----------------------------------------------------------------------------------------


@op("Σ", [REAL])
def sum(x):
    """The sum of a row, as one node.

    >>> sum([1.0, 2.0, 3.5])
    6.5
    """
    return m.total(x), (each(lambda e: 1, x),)


@op("mean", [REAL])
def mean(x):
    """The average of a row."""
    n = m.count(x)
    return m.total(x) / n, (each(lambda e: m.like(e, 1) / n, x),)


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
    return m.total(each(lambda a, b: a * b, x, y)), (y, x)


def shares(x, best):
    """1 for the chosen one of a row, or equal shares for several, and 0 for the others."""
    hits = each(lambda e: m.where(m.equal(e, best), m.like(e, 1), m.like(e, 0)), x)
    ties = m.total(hits)
    return each(lambda hit: hit / ties, hits)


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
    best = m.smallest(x)
    return best, (shares(x, best),)


@op("log Σ exp", [REAL])
def logsumexp(x):
    """log(exp(x₁) + ... + exp(xₙ)), in floats computed so that it cannot overflow.

    >>> logsumexp([1000.0, 1000.0])
    1000.6931471805599
    """
    whole = m.total(each(m.exp, x))
    return m.log(whole), (each(lambda e: m.exp(e) / whole, x),)


@op("CE", [REAL], [REAL])
def softmax_cross_entropy(x, t):
    """-Σ tᵢ log softmax(x)ᵢ: how badly the logits x predict the probabilities t, in one node.

    In floats nothing overflows, and a loss near 0 keeps its digits.  A class with t = 0 may have the logit -inf.

    >>> softmax_cross_entropy([40.0, 0.0, 1.0], [1.0, 0.0, 0.0])
    1.5796578428307375e-17
    """
    whole, mass = m.total(each(m.exp, x)), m.total(t)
    f = m.total(each(lambda a, ta: ta * (m.log(whole) - a), x, t))
    slopes = each(lambda a, ta: mass * m.exp(a) / whole - ta, x, t)
    return f, (slopes, each(lambda a: m.log(whole) - a, x))


__test__ = {name: declared.__doc__ or "" for name, declared in OPS.items()}      # for doctest
