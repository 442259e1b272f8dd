"""The bell curve exp(-x²), and how much of it lies beyond a point, to the last places of a float.

Written in the words of rules (see `formula.py`), for the rules of erf, erfc and gelu.  Rounding x² by
one part in 10¹⁶ would change exp(-x²) by x² such parts, so numbers are taken in two here: one, and what
to add to it.  Results are SCALE times too large until the end, lest they lose digits below 10⁻³⁰⁸.
"""

from . import formula as m

SCALE = 2.0 ** 101
LOG_SCALE, REST_OF_LOG = 70, m.ratio(7865236554476251140444267275833375625513570385780666188680958832755819, 10 ** 72)
ROOTS = {   # width: √width, 1 / √(π width), what that lacks
    1: (1.0, 0.5641895835477563, 7.66772980658294e-18),
    2: (1.4142135623730951, 0.3989422804014327, -2.49232720227773e-17)}
BEND = (    # a polynomial, the highest power first; benchmarks/bell.py tells how it was found
    5.318961257435305e-08, -9.053927342307955e-08, -4.1618499520298364e-07, 7.452852381430852e-07,
    1.9895461010037558e-06, -3.6885743817029644e-06, -7.831680343979672e-06, 1.4928394506096405e-05,
    2.7970949900382343e-05, -5.406031799590997e-05, -9.531617409850588e-05, 0.00017914005473845704,
    0.00032215333704141674, -0.0005438401002182245, -0.0011086251995690599, 0.0014817812676529217,
    0.003926065979524455, -0.0033034653316381967, -0.014308027884171815, 0.0029498503248778216,
    0.053747242755381154, 0.038657039280712374, -0.2146357513505221, -0.7756984161091216)


def halves(x):
    """x as a sum of two numbers of half as many digits, whose products are not rounded."""
    cut = 134217729 * x                                 # 2²⁷ + 1
    high = cut - (cut - x)
    return high, x - high


def rest_of_product(x, y):
    """What rounding took from x * y."""
    (x_high, x_low), (y_high, y_low) = halves(x), halves(y)
    return ((x_high * y_high - x * y) + x_high * y_low + x_low * y_high) + x_low * y_low


def bell(x, width):
    """SCALE exp(-x² / width) as a number, and which part of it to add."""
    near = m.where(m.abs(x) < 40, x, 40)                # beyond, the result is 0
    high, low = halves(near)
    square = high * high / width
    is_far = m.abs(near) > 8                            # there LOG_SCALE - square is not rounded
    most = m.where(is_far, lambda: m.exp(LOG_SCALE - square), lambda: SCALE * m.exp(-square))
    return most, m.expm1(m.where(is_far, REST_OF_LOG, 0) - low * (near + high) / width)


def beyond(x, width, most, more):
    """SCALE times what lies beyond x, 0 <= x <= 40, as a float and what to add to it; `bell` gives the last two.

    For width 1 that is erfc(x), for width 2 the chance that a standard normal number is above x:
    exp(-x² / width) / (√(π width) · levels), where levels = x + (width / 2) / (x + width / (x + ...)), Laplace's
    continued fraction.  What these have more than x is √(width / π) at 0 and 0 at infinity.
    """
    root, factor, lost = ROOTS[width]
    n = x / (x + 2.5 * root)                            # from 0 to 1
    place, bend = 1 - 2 * n, BEND[0]
    for coefficient in BEND[1:]:
        bend = bend * place + coefficient
    start, change = width * factor, root * n * bend
    levels = x + (start + change)
    high, _ = halves(levels)
    low = (x - high) + start + change + width * lost
    quotient, _ = halves(factor / levels)
    rest = ((factor - quotient * high) + (lost - quotient * low)) / levels
    most_high, most_low = halves(most)
    return most_high * quotient, most_low * quotient + most * (rest + (quotient + rest) * more)
