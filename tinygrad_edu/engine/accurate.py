"""The same operations, to the last digit of a float.  Read this last.

Where the textbook's formula of `ops.py` loses digits in floats, or overflows, `@accurate(op)` says how its
value and its local gradients are computed instead.  Text and fractions keep the textbook's formula.  Where derivatives
of a local gradient would lose digits, `@graph_form(op)` says by which formula it is differentiated again.
A test holds values to 2 units in the last place of the true number, and local gradients to 4.
"""

from . import formula as m
from . import more_ops, ops
from .declare import accurate, graph_form
from .formula import each

SMALLEST, LARGEST = 2.0 ** -1022, 2.0 ** 1023       # beyond these, floats have fewer digits, or none
VAST = 2 ** 500                                     # beyond this, x² may overflow
LARGE = 2 ** 27                                     # beyond this, 1 + x² is x²
NOTHING = 40                                        # beyond this, exp(-x²) is less than any float


# ---- the normal tail: exp(-x²), and how much of it lies beyond a point -------------------------------------
#
# Rounding x² by one part in 10¹⁶ would change exp(-x²) by x² such parts, so numbers are taken in two here, by
# Veltkamp's splitting and Dekker's product: one number, and what to add to it.  Results are SCALE times too
# large until the end, lest they lose digits below 10⁻³⁰⁸.

SCALE = 2.0 ** 101
LOG_SCALE, REST_OF_LOG = 70, 0.00786523655447625        # together log(SCALE)
ROOTS = {   # width: √width, 1 / √(π width), what that lacks
    1: (1.0, 0.5641895835477563, 7.66772980658294e-18),
    2: (1.4142135623730951, 0.3989422804014327, -2.49232720227773e-17)}
TAIL_COEFFICIENTS = (    # a polynomial, the highest power first; benchmarks/normal_tail.py tells how it was found
    5.318961257435305e-08, -9.053927342307955e-08, -4.1618499520298364e-07, 7.452852381430852e-07,
    1.9895461010037558e-06, -3.6885743817029644e-06, -7.831680343979672e-06, 1.4928394506096405e-05,
    2.7970949900382343e-05, -5.406031799590997e-05, -9.531617409850588e-05, 0.00017914005473845704,
    0.00032215333704141674, -0.0005438401002182245, -0.0011086251995690599, 0.0014817812676529217,
    0.003926065979524455, -0.0033034653316381967, -0.014308027884171815, 0.0029498503248778216,
    0.053747242755381154, 0.038657039280712374, -0.2146357513505221, -0.7756984161091216)


def veltkamp_split(x):
    """x as a sum of two numbers of half as many digits, whose products are not rounded."""
    raised = 134217729 * x                              # 2²⁷ + 1
    high = raised - (raised - x)
    return high, x - high


def product_error(x, y):
    """What rounding took from x * y."""
    (x_high, x_low), (y_high, y_low) = veltkamp_split(x), veltkamp_split(y)
    return ((x_high * y_high - x * y) + x_high * y_low + x_low * y_high) + x_low * y_low


def scaled_gaussian(x, width):
    """SCALE exp(-x² / width) as a number, and which part of it to add."""
    near = m.where(m.abs(x) < NOTHING, x, NOTHING)
    high, low = veltkamp_split(near)
    square = high * high / width
    is_far = m.abs(near) > 8                            # there LOG_SCALE - square is not rounded
    most = m.where(is_far, lambda: m.exp(LOG_SCALE - square), lambda: SCALE * m.exp(-square))
    return most, m.expm1(m.where(is_far, REST_OF_LOG, 0) - low * (near + high) / width)


def scaled_tail(x, width, most, more):
    """SCALE times what lies beyond x, 0 <= x <= 40, as a float and what to add to it.

    most, more   what `scaled_gaussian` gives

    For width 1 that is erfc(x), for width 2 the chance that a standard normal number is above x:
    exp(-x² / width) / (√(π width) · levels), where levels = x + (width / 2) / (x + width / (x + ...)), Laplace's
    continued fraction.  What these have more than x is √(width / π) at 0 and 0 at infinity.
    """
    root, factor, lost = ROOTS[width]
    n = x / (x + 2.5 * root)                            # from 0 to 1
    place, bend = 1 - 2 * n, TAIL_COEFFICIENTS[0]
    for coefficient in TAIL_COEFFICIENTS[1:]:
        bend = bend * place + coefficient
    start, change = width * factor, root * n * bend
    levels = x + (start + change)
    high, _ = veltkamp_split(levels)
    low = (x - high) + start + change + width * lost
    quotient, _ = veltkamp_split(factor / levels)
    rest = ((factor - quotient * high) + (lost - quotient * low)) / levels
    most_high, most_low = veltkamp_split(most)
    return most_high * quotient, most_low * quotient + most * (rest + (quotient + rest) * more)


# ---- arithmetic, powers, roots ---------------------------------------------------------------------


@accurate(more_ops.reciprocal)
def _(x):
    f = 1 / x
    return f, (-f * f,)


@accurate(more_ops.remainder)
def _(x, y):
    return m.remainder(x, y), (1, -m.floor_divide(x, y))


@accurate(more_ops.floor_divide)
def _(x, y):
    return m.floor_divide(x, y), (0, 0)


@graph_form(ops.square)
@accurate(ops.square)
def _(x):
    return x * x, (2 * x,)


@graph_form(ops.div)
@accurate(ops.div)
def _(x, y):
    f = x / y
    return f, (1 / y, -f / y)


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
    return m.where(m.equal(n, 0), 0, slope)


@accurate(ops.power)
def _(x, *, n):
    z = m.power(x, n)
    return z, (slope_of_power(x, n, z),)


def unless_steep(f, n, slope):
    """The slope of f = x**n; but 0 where f is, and n so large that n² leaves the floats and n² times 0 would be nan."""
    return m.where(m.abs(n) > VAST, lambda: m.where(m.equal(f, 0), 0, slope), slope)


@graph_form(ops.power)
def _(x, *, n):
    """Beyond the nth, the derivatives of x**n are 0, and not 0 times a power of x that may be infinite."""
    f = m.power(x, n)
    return f, (m.where(m.equal(n, 0), 0, lambda: unless_steep(f, n, lambda: n * m.power(x, n - 1))),)


def slope_of_zero_to_the(y):
    """The derivative of 0**y by y."""
    return m.where(y > 0, 0, m.where(y < 0, -m.inf, m.nan))


@accurate(ops.pow)
def _(x, y):
    z = m.power(x, y)

    def by_halves():                                    # where z has lost digits, or is too large
        half = m.power(x, y / 2)
        return half * m.log(x) * half

    def elsewhere():
        size = m.abs(z)
        return m.where(size < SMALLEST, by_halves, m.where(size > LARGEST, by_halves, lambda: z * m.log(x)))
    return z, (slope_of_power(x, y, z), m.where(m.equal(x, 0), slope_of_zero_to_the(y), elsewhere))


@graph_form(ops.pow)
def _(x, y):
    """Near y = 0 the exponent y - 1 would be rounded, and the power leave the floats though y times it does not."""
    f = m.power(x, y)

    def plain():
        return y * m.power(x, y - 1)

    def elsewhere():
        return m.where(m.abs(y) < ops.HALF, lambda: y * f / x, plain)

    def dx():
        return m.where(m.equal(x, 0), lambda: m.where(m.equal(y, 0), 0, plain), elsewhere)
    return f, (unless_steep(f, y, dx), m.where(m.equal(x, 0), slope_of_zero_to_the(y), lambda: f * m.log(x)))


@accurate(ops.sqrt)
def _(x):
    y = m.sqrt(x)
    return y, (1 / (2 * m.abs(y)),)                     # y may be -0.0


@accurate(ops.cbrt)
def _(x):
    near = m.cbrt(x)
    stays = m.equal(2 * near, near)                     # 0 and the infinities
    # one Newton step, since the last digit of the library's cube root is not always right
    y = m.where(stays, near, lambda: near - (near - x / (near * near)) / 3)
    return y, (m.where(stays, 1 / (y * y), lambda: y / x / 3),)


def scale_for(x, y):
    """A power of 2 that keeps x² and y² in range; usually 1."""
    a, b = m.abs(x), m.abs(y)
    big = m.where(a > b, a, b)
    return m.where(big > VAST, m.ratio(1, 2 ** 600), m.where(big * VAST < 1, 2 ** 600, 1))


@accurate(ops.hypot)
def _(x, y):
    scale = scale_for(x, y)
    a, b = x * scale, y * scale
    scaled = m.sqrt(a * a + b * b)

    def share(side):
        return m.where(scale < 1, lambda: side / scaled * scale, lambda: side * scale / scaled)
    dx, dy = m.where(scaled > 0, lambda: share(x), scaled), m.where(scaled > 0, lambda: share(y), scaled)
    return scaled / scale, (dx, dy)


@graph_form(ops.hypot)
def _(x, y):
    """Of numbers so small that 1 / f² leaves the floats, the slopes are those of the same numbers on a larger scale."""
    f, scale = m.sqrt(m.power(x, 2) + m.power(y, 2)), scale_for(x, y)

    def share(side):
        return m.where(scale > 1, lambda: side * scale / ops.hypot.of(x * scale, y * scale), lambda: side / f)
    return f, (m.where(f > 0, lambda: share(x), 0), m.where(f > 0, lambda: share(y), 0))


# ---- exponentials and logarithms -------------------------------------------------------------------


@accurate(ops.exp2)
def _(x):
    y, log2 = m.exp2(x), m.log(m.like(x, 2))
    return y, (m.where(x < 1000, y * log2, lambda: m.exp2(x - 1) * (2 * log2)),)    # y may be too large, this not yet


@accurate(ops.log2)
def _(x):
    return m.log2(x), (1 / m.log(m.like(x, 2)) / x,)


@accurate(ops.log10)
def _(x):
    return m.log10(x), (1 / m.log(m.like(x, 10)) / x,)


@graph_form(more_ops.log_base)
@accurate(more_ops.log_base)
def _(x, base):
    """The bases 2 and 10 have functions of their own, by which log(1000, 10) is 3; the base 0 has none."""
    log_base = m.where(base > 0, lambda: m.log(base), m.nan)
    f = m.where(m.equal(base, 2), lambda: m.log2(x), lambda: m.where(
        m.equal(base, 10), lambda: m.log10(x), lambda: m.log(x) / log_base))
    return f, (1 / log_base / x, -(f / log_base) / base)


@accurate(more_ops.xlogy)
def _(x, y):
    _, slopes = more_ops.xlogy.textbook(x, y)
    return m.where(m.equal(x, 0), lambda: m.where(m.equal(y, y), 0, y), lambda: x * m.log(y)), slopes


# ---- circular and hyperbolic functions ---------------------------------------------------------------


@accurate(ops.tan)
def _(x):
    t = m.tan(x)
    return t, (1 + t * t,)


def one_less_square(x):
    """1 - x², by the one of two ways whose derivatives do not cancel."""
    return m.where(m.abs(x) < ops.HALF, lambda: 1 - m.power(x, 2), lambda: (1 - x) * (1 + x))


@accurate(ops.asin)
def _(x):
    return m.asin(x), (1 / m.sqrt((1 - x) * (1 + x)),)


@graph_form(ops.asin)
def _(x):
    return m.asin(x), (1 / m.sqrt(one_less_square(x)),)


@accurate(ops.acos)
def _(x):
    return m.acos(x), (-1 / m.sqrt((1 - x) * (1 + x)),)


@graph_form(ops.acos)
def _(x):
    return m.acos(x), (-1 / m.sqrt(one_less_square(x)),)


@accurate(ops.atan)
def _(x):
    return m.atan(x), (m.where(m.abs(x) < VAST, 1 / (1 + x * x), lambda: 1 / x / x),)


@graph_form(ops.atan)
def _(x):
    return m.atan(x), (m.where(m.abs(x) < LARGE, lambda: 1 / (1 + m.power(x, 2)), lambda: 1 / x / x),)


@graph_form(ops.atan2)
@accurate(ops.atan2)
def _(y, x):
    scale = scale_for(x, y)
    a, b = x * scale, y * scale
    square = a * a + b * b
    return m.atan2(y, x), (a / square * scale, -b / square * scale)


@accurate(ops.tanh)
def _(x):
    e = m.exp(-2 * m.abs(x))
    return m.tanh(x), (4 * e / ((1 + e) * (1 + e)),)


@accurate(ops.asinh)
def _(x):
    return m.asinh(x), (m.where(m.abs(x) < VAST, 1 / m.sqrt(1 + x * x), lambda: 1 / m.abs(x)),)


@graph_form(ops.asinh)
def _(x):
    return m.asinh(x), (m.where(m.abs(x) < LARGE, lambda: 1 / m.sqrt(1 + m.power(x, 2)), lambda: 1 / m.abs(x)),)


@graph_form(ops.acosh)
@accurate(ops.acosh)
def _(x):
    return m.acosh(x), (1 / (m.sqrt(x - 1) * m.sqrt(x + 1)),)


def slope_of_sinc(x):
    """-x/3 + x³/30 - x⁵/840 + ..., each term made of the one before; for |x| < 2."""
    square, series = x * x, 1
    for k in range(14, 0, -1):
        series = 1 - square / (2 * k * (2 * k + 3)) * series
    return -x / 3 * series


@graph_form(ops.sinc)
@accurate(ops.sinc)
def _(x):
    """Near 0, where cos(x) and f are nearly equal, the slope is a power series; it has all its derivatives at 0 too."""
    f = m.where(m.equal(x, 0), 1, lambda: m.sin(x) / x)
    return f, (m.where(m.abs(x) < 2, lambda: slope_of_sinc(x), lambda: (m.cos(x) - f) / x),)


@accurate(ops.atanh)
def _(x):
    return m.atanh(x), (1 / ((1 - x) * (1 + x)),)


@graph_form(ops.atanh)
def _(x):
    return m.atanh(x), (1 / one_less_square(x),)


# ---- bells ----------------------------------------------------------------------------------------------


def slope_of_erf(x, most, more):
    return 2 / m.sqrt(m.pi(x)) * ((most + most * more) / SCALE)


def where_not_nothing(x, density):
    """A density of the bell's kind, as the number 0 where it is 0, so that it stays 0 when it is differentiated."""
    return m.where(m.abs(x) < NOTHING, density, 0)


@accurate(ops.erf)
def _(x):
    return m.erf(x), (slope_of_erf(x, *scaled_gaussian(x, 1)),)


@graph_form(ops.erf)
def _(x):
    return m.erf(x), (2 / m.sqrt(m.pi(x)) * where_not_nothing(x, lambda: m.exp(-m.power(x, 2))),)


@accurate(ops.erfc)
def _(x):
    most, more = scaled_gaussian(x, 1)
    tail, rest = scaled_tail(m.smaller(m.abs(x), NOTHING), 1, most, more)
    size = (tail + rest) / SCALE
    return m.where(x < 0, 2 - size, size), (-slope_of_erf(x, most, more),)


@graph_form(ops.erfc)
def _(x):
    return m.erfc(x), (-2 / m.sqrt(m.pi(x)) * where_not_nothing(x, lambda: m.exp(-m.power(x, 2))),)


def density_of_normal(x):
    return where_not_nothing(x, lambda: m.exp(-m.power(x, 2) / 2) / m.sqrt(2 * m.pi(x)))


@accurate(more_ops.normal_cdf)
def _(x):
    most, more = scaled_gaussian(x, 2)
    tail, rest = scaled_tail(m.smaller(m.abs(x), NOTHING), 2, most, more)
    size = (tail + rest) / SCALE
    return m.where(x < 0, size, 1 - size), ((most + most * more) / SCALE / m.sqrt(2 * m.pi(x)),)


@graph_form(more_ops.normal_cdf)
def _(x):
    return more_ops.normal_cdf.textbook(x)[0], (density_of_normal(x),)


@accurate(ops.gelu)
def _(x):
    """relu(x) less |x| times the chance of a number beyond |x|."""
    most, more = scaled_gaussian(x, 2)
    size = m.smaller(m.abs(x), NOTHING)
    tail, rest = scaled_tail(size, 2, most, more)
    missing = (size * tail + (product_error(size, tail) + size * rest)) / SCALE
    steep = size * most / m.sqrt(2 * m.pi(x))
    slope = ((tail - steep) + (rest - steep * more)) / SCALE
    return m.where(x < 0, -missing, x - missing), (m.where(x < 0, slope, 1 - slope),)


@graph_form(ops.gelu)
def _(x):
    below = (1 + m.erf(x / m.sqrt(m.like(x, 2)))) / 2
    return x * below, (below + x * density_of_normal(x),)


# ---- activations -------------------------------------------------------------------------------------------


@accurate(ops.sigmoid)
def _(x):
    e = m.exp(-m.abs(x))
    rest = e / (1 + e)
    return m.where(x > 0, 1 / (1 + e), e - e * rest), (e / ((1 + e) * (1 + e)),)


@graph_form(ops.sigmoid)
def _(x):
    """σ' = σ (1 - σ) changes by σ' (1 - 2σ), and 1 - 2σ loses its digits near 0: it is -tanh(x / 2)."""
    t = m.tanh(x / 2)
    return (1 + t) / 2, ((1 - m.power(t, 2)) / 4,)


@accurate(ops.log_sigmoid)
def _(x):
    e = m.exp(-m.abs(x))
    return m.where(x > 0, 0, x) - m.log1p(e), (m.where(x > 0, e, 1) / (1 + e),)


def near_half(x):
    """Is x within ¼ of ½, where logit(x) is near 0, and 2x - 1 is not rounded?"""
    return m.abs(x - ops.HALF) < m.ratio(1, 4)


@accurate(more_ops.logit)
def _(x):
    f = m.where(near_half(x), lambda: 2 * m.atanh(2 * x - 1), lambda: m.log(x / (1 - x)))
    return f, (1 / (x * (1 - x)),)


@graph_form(more_ops.logit)
def _(x):
    f = m.log(x / (1 - x))
    return f, (m.where(near_half(x), lambda: 4 / (1 - m.power(2 * x - 1, 2)), lambda: 1 / (x * (1 - x))),)


@accurate(ops.softplus)
def _(x):
    e = m.exp(-m.abs(x))
    return m.where(x > 0, x, 0) + m.log1p(e), (m.where(x > 0, 1, e) / (1 + e),)


LOWEST_SILU = -1.2784645427610737       # where silu is lowest, and 1 + x + exp(x) is 0: the nearest float,
REST_OF_LOWEST, EXP_OF_LOWEST = -1.094699418309343743e-16, 0.2784645427610738      # what it lacks, its exp


@accurate(ops.silu)
def _(x):
    e = m.exp(-m.abs(x))

    def tail(factor):                                   # where exp(x) is too small to have all its digits
        return lambda: factor * m.exp(x + 44) / m.exp(m.like(x, 44))     # exp(44) is nearly a float

    def sign_changing():                                # 1 + x + exp(x), without its cancellation
        away = x - LOWEST_SILU - REST_OF_LOWEST
        return away + EXP_OF_LOWEST * m.expm1(away)

    def below_0():
        return m.where(x > -2, sign_changing, 1 + x + e) * (e / ((1 + e) * (1 + e)))
    value = m.where(x > -700, lambda: x / (1 + m.exp(-x)), tail(x))
    above_0 = (1 + x * e / (1 + e)) / (1 + e)
    return value, (m.where(x > 0, above_0, lambda: m.where(x > -700, below_0, tail(1 + x))),)


@graph_form(ops.silu)
def _(x):
    s = ops.sigmoid.of(x)
    return x * s, (s + x * ops.sigmoid.slope_of(x),)


@graph_form(ops.softsign)
@accurate(ops.softsign)
def _(x):
    scale = 1 + m.abs(x)
    return x / scale, (1 / scale / scale,)


# ---- choosing ---------------------------------------------------------------------------------------------


def shared(best, x, y, by_x, by_y):
    """1 for the chosen one, ½ for each at a tie, nan where the best is; see `C_WORDS` in printer.py on the order."""
    return best, tuple([m.where(m.unequal(best, best), m.nan, ops.share(x, y, chosen)) for chosen in (by_x, by_y)])


@accurate(ops.maximum)
def _(x, y):
    return shared(m.larger(x, y), x, y, x > y, y > x)


@accurate(ops.minimum)
def _(x, y):
    return shared(m.smaller(x, y), x, y, x < y, y < x)


@accurate(ops.clip)
def _(x, *, low, high):
    value = m.where(low > high, m.nan, m.smaller(m.larger(x, low), high))
    return value, (m.where(x < low, 0, m.where(x > high, 0, 1)),)


@accurate(ops.step)
def _(x):
    return m.where(x >= 0, 1, m.where(x < 0, 0, x)), (0,)


# ---- rows of numbers -----------------------------------------------------------------------------------------


def total_in_range(row):
    """The sum of a row; where it leaves the floats on the way, added up on a smaller scale."""
    plain = m.total(row)
    return m.where(m.abs(plain) < m.inf, plain, lambda: m.total(each(lambda e: e / VAST, row)) * VAST)


@accurate(ops.sum)
def _(x):
    return total_in_range(x), (each(lambda e: 1, x),)


@accurate(ops.mean)
def _(x):
    n, whole = m.count(x), m.total(x)
    value = m.where(m.abs(whole) < m.inf, lambda: whole / n, lambda: m.total(each(lambda e: e / n, x)))
    return value, (each(lambda e: m.like(e, 1) / n, x),)


@accurate(ops.dot)
def _(x, y):
    return total_in_range(each(lambda a, b: a * b, x, y)), (y, x)


@accurate(more_ops.norm)
def _(x):
    big = m.largest(each(m.abs, x))
    scale = scale_for(big, big)
    scaled = m.sqrt(m.total(each(lambda e: e * scale * (e * scale), x)))

    def share(e):
        return m.where(scale < 1, lambda: e / scaled * scale, lambda: e * scale / scaled)
    return scaled / scale, (each(lambda e: m.where(scaled > 0, lambda: share(e), scaled), x),)


def shares(x, best):
    hits = each(lambda e: m.where(m.equal(e, best), m.like(e, 1), m.like(e, 0)), x)
    ties = m.total(hits)
    n = m.where(m.equal(ties, 0), m.nan, ties)          # none is nan's equal
    return each(lambda hit: hit / n, hits)


@accurate(ops.max)
def _(x):
    best = m.largest(x)
    return best, (shares(x, best),)


@accurate(ops.min)
def _(x):
    best = -m.largest(each(lambda e: -e, x))
    return best, (shares(x, best),)


def exp_of_difference(x, y):
    """exp(x - y), with what rounding took from the difference put back: there it would grow like x - y."""
    difference = x - y
    back = difference - x
    rest = (x - (difference - back)) - (y + back)
    e = m.exp(difference)
    return m.where(e > 0, e + e * rest, e)


@accurate(more_ops.logaddexp)
def _(x, y):
    large = m.larger(x, y)
    e = m.where(m.equal(x, y), m.like(x, 1), lambda: exp_of_difference(m.smaller(x, y), large))
    most, least = 1 / (1 + e), e / (1 + e)
    return large + m.log1p(e), (m.where(x < y, least, most), m.where(x < y, most, least))


def total_less_one(x, best, e):
    """The sum of e = exp(x - best), less the 1 that is the largest: near 0 it keeps its digits."""
    below = m.total(each(lambda a, ea: m.where(a < best, ea, 0), x, e))
    return below + (m.total(each(lambda a, ea: m.where(a < best, 0, ea), x, e)) - 1)


def logsumexp_with(exp_between):
    """The rule of logsumexp, by the differences to the largest; `exp_between` is exp(x - y)."""
    def rule(x):
        best = m.largest(x)
        top = m.where(m.abs(best) < m.inf, best, 0)
        e = each(lambda a: exp_between(a, top), x)
        rest = total_less_one(x, best, e)
        return top + m.log1p(rest), (each(lambda ea: ea / (1 + rest), e),)
    return rule


def cross_entropy_with(exp_between):
    """The rule of softmax_cross_entropy, likewise."""
    def rule(x, t):
        best, mass = m.largest(x), m.total(t)
        e = each(lambda a: exp_between(a, best), x)
        rest = total_less_one(x, best, e)
        whole, log_whole = 1 + rest, m.log1p(rest)

        def loss_of(a, ta):
            return m.where(m.equal(ta, 0), 0, lambda: ta * (best - a + log_whole))

        def slope_of(a, ea, ta):
            others = m.where(a < best, whole - ea, rest + (1 - ea))
            return ea / whole * (mass - ta) - ta * (others / whole)
        return m.total(each(loss_of, x, t)), (each(slope_of, x, e, t), each(lambda a: best - a + log_whole, x))
    return rule


def exp_of_plain_difference(x, y):
    return m.exp(x - y)


accurate(ops.logsumexp)(logsumexp_with(exp_of_difference))
accurate(ops.softmax_cross_entropy)(cross_entropy_with(exp_of_difference))
graph_form(ops.logsumexp)(logsumexp_with(exp_of_plain_difference))
graph_form(ops.softmax_cross_entropy)(cross_entropy_with(exp_of_plain_difference))
