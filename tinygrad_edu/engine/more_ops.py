"""More operations, declared as those of `ops.py` are: what people ask for less often.

Those that round jump at infinitely many places.  Between two jumps their slope is 0, and at a jump, where there is
none, it is taken to be 0 too.  `jumps` says where: it is a whole number there.
"""

from . import formula as m
from .declare import op
from .domain import NONZERO, POSITIVE, REAL, Interval
from .op import OPS
from .ops import HALF, log, sigmoid

# ---- arithmetic ----------------------------------------------------------------------------------


@op("1/x", NONZERO)
def reciprocal(x):
    """1 / x, in one node.

    >>> reciprocal(4.0)
    0.25
    """
    f = 1 / x
    return f, (-m.power(f, 2),)


@op("mod", REAL, NONZERO, jumps=lambda x, y: x / y)
def remainder(x, y):
    """x % y, what x has beyond a whole number of y: of the sign of y, as in Python, NumPy and PyTorch.

    It jumps where x / y is a whole number.  C's fmod has the sign of x, and math.remainder is another thing again.

    >>> remainder(7.0, 3.0), remainder(-7.0, 3.0), remainder(7.0, -3.0)
    (1.0, 2.0, -2.0)
    """
    steps = m.floor(x / y)
    return x - y * steps, (1, -steps)


@op("⌊÷⌋", REAL, NONZERO, selects=True, jumps=lambda x, y: x / y)
def floor_divide(x, y):
    """x // y, the quotient rounded down.  It jumps where x / y is a whole number; its gradients are 0.

    >>> floor_divide(7.0, 2.0), floor_divide(-7.0, 2.0)
    (3.0, -4.0)
    """
    return m.floor(x / y), (0, 0)


@op("⌊x⌋", REAL, selects=True, jumps=lambda x: x)
def floor(x):
    """The largest whole number that is not above x.  It jumps at every whole number; its gradient is 0.

    >>> floor(2.5), floor(-2.5)
    (2.0, -3.0)
    """
    return m.floor(x), (0,)


@op("⌈x⌉", REAL, selects=True, jumps=lambda x: x)
def ceil(x):
    """The smallest whole number that is not below x.  It jumps at every whole number; its gradient is 0.

    >>> ceil(2.5), ceil(-2.5)
    (3.0, -2.0)
    """
    return m.ceil(x), (0,)


@op("round", REAL, selects=True, jumps=lambda x: x + HALF)
def round(x):
    """The whole number nearest to x, of two the even one, as Python's round has it.  Its gradient is 0.

    It jumps halfway between whole numbers.  For two decimals write round(100 * x) / 100.

    >>> round(0.5), round(1.5), round(2.5), round(-2.7)
    (0.0, 2.0, 2.0, -3.0)
    """
    return m.round(x), (0,)


# ---- exponentials and logarithms -------------------------------------------------------------------


@op("log_b", POSITIVE, Interval(low=0.0, without=(1.0,)))
def log_base(x, base):
    """The logarithm to any base: what log(x, base) records.  A base that is a Value gets its gradient too.

    >>> log_base(8.0, 2.0), log(1000.0, 10.0)
    (3.0, 3.0)
    """
    log_of_base = m.log(base)
    f = m.log(x) / log_of_base
    return f, (1 / (x * log_of_base), -f / (base * log_of_base))


log.longer = log_base


@op("x log y", REAL, Interval(low=0.0, remark=" (any if x is 0)"))
def xlogy(x, y):
    """x log(y); but 0 where x is 0, whatever y is: the term of an entropy.

    At (0, 0) both gradients are 0, so that a probability that became 0 does no harm.

    >>> xlogy(2.0, 1.0), xlogy(0.0, 0.0)
    (0.0, 0.0)
    """
    nothing = m.equal(m.larger(m.abs(x), y), 0)             # x is 0, and y is not above it
    f = m.where(m.equal(x, 0), 0, lambda: x * m.log(y))
    return f, (m.where(nothing, 0, lambda: m.log(y)), m.where(nothing, 0, lambda: x / y))


@op("log(eˣ+eʸ)", REAL, REAL)
def logaddexp(x, y):
    """log(exp(x) + exp(y)), in floats computed so that it cannot overflow.

    >>> logaddexp(1000.0, 1000.0)
    1000.6931471805599
    """
    return m.log(m.exp(x) + m.exp(y)), (sigmoid.of(x - y), sigmoid.of(y - x))


# ---- bells ----------------------------------------------------------------------------------------------


@op("Φ", REAL)
def normal_cdf(x):
    """The chance that a standard normal number is below x; far out on both sides it keeps its digits.

    >>> normal_cdf(0.0), normal_cdf(-20.0)
    (0.5, 2.7536241186062337e-89)
    """
    density = m.exp(-m.power(x, 2) / 2) / m.sqrt(2 * m.pi(x))
    return (1 + m.erf(x / m.sqrt(m.like(x, 2)))) / 2, (density,)


# ---- activations -------------------------------------------------------------------------------------------


@op("logit", Interval(0.0, 1.0))
def logit(x):
    """log(x / (1 - x)), the number whose sigmoid is x.  At 0 and 1 it is infinite.

    >>> logit(0.5)
    0.0
    """
    return m.log(x / (1 - x)), (1 / (x * (1 - x)),)


# ---- rows of numbers -----------------------------------------------------------------------------------------


@op("‖x‖", [REAL])
def norm(x):
    """√(x₁² + ... + xₙ²), the length of a vector.  Where all are 0 the gradients are 0, the smallest subgradient.

    >>> norm([3.0, 4.0])
    5.0
    """
    f = m.sqrt(m.total(m.each(lambda e: m.power(e, 2), x)))
    return f, (m.each(lambda e: m.where(f > 0, lambda: e / f, 0), x),)


__test__ = {name: declared.__doc__ or "" for name, declared in OPS.items() if declared.__module__ == __name__}
