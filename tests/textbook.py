"""What every operation and its derivative is by definition, in mpmath: written down again, apart from the rules."""

from mpmath import mp


def near(x):
    """x, but at most 60 away from 0: mpmath cannot take erf of all numbers, and floats do not tell what lies beyond."""
    return max(min(x, mp.mpf(60)), mp.mpf(-60))


def steps_and_rest(x, y):
    """How often y goes into x, rounded down, and what is left over: in as many digits as any two floats need."""
    with mp.extradps(1400):
        steps = mp.floor(x / y)
        return steps, x - y * steps


TEXTBOOK = {        # where mpmath has no function of that name
    "add": lambda x, y: x + y, "sub": lambda x, y: x - y, "mul": lambda x, y: x * y, "div": lambda x, y: x / y,
    "neg": lambda x: -x, "identity": lambda x: x, "square": lambda x: x * x, "power": lambda x, n: mp.power(x, n),
    "pow": mp.power, "abs": abs, "sqrt": mp.sqrt, "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)),
    "exp2": lambda x: mp.power(2, x), "log2": lambda x: mp.log(x, 2), "log10": mp.log10,
    "relu": lambda x: max(x, 0), "leaky_relu": lambda x, slope: x if x > 0 else slope * x,
    "elu": lambda x, alpha: x if x > 0 else alpha * mp.expm1(x), "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "log_sigmoid": lambda x: -mp.log1p(mp.exp(-x)), "softplus": lambda x: mp.log1p(mp.exp(x)),
    "silu": lambda x: x / (1 + mp.exp(-x)),
    "erf": lambda x: mp.erf(near(x)), "erfc": lambda x: mp.erfc(near(x)), "gelu": lambda x: x * mp.ncdf(near(x)), "softsign": lambda x: x / (1 + abs(x)),
    "maximum": max, "minimum": min, "clip": lambda x, low, high: min(max(x, low), high),
    "where": lambda c, x, y: x if c else y, "step": lambda x: mp.mpf(x >= 0),
    "greater": lambda x, y: mp.mpf(x > y), "less": lambda x, y: mp.mpf(x < y),
    "greater_equal": lambda x, y: mp.mpf(x >= y), "less_equal": lambda x, y: mp.mpf(x <= y),
    "equal": lambda x, y: mp.mpf(x == y), "not_equal": lambda x, y: mp.mpf(x != y),
    "reciprocal": lambda x: 1 / x, "round": mp.nint, "floor_divide": lambda x, y: steps_and_rest(x, y)[0],
    "remainder": lambda x, y: steps_and_rest(x, y)[1], "log_base": lambda x, base: mp.log(x) / mp.log(base),
    "xlogy": lambda x, y: x * mp.log(y) if x else mp.mpf(0), "logit": lambda x: mp.log(x) - mp.log1p(-x),
    "logaddexp": lambda x, y: max(x, y) + mp.log1p(mp.exp(-abs(x - y))), "normal_cdf": lambda x: mp.ncdf(near(x)),
}


def bell(x):
    return 2 / mp.sqrt(mp.pi) * mp.exp(-x * x)


def chosen(x, y, first):
    return (1, 0) if first else (0, 1)


def steepness(x):
    """The derivative of 1 / (1 + exp(-x))."""
    return mp.exp(-abs(x)) / (1 + mp.exp(-abs(x))) ** 2


def fall_of_sinc(x):
    """(cos x - sin x / x) / x, in so many more digits that at 5e-324, where some 650 cancel, enough are left."""
    with mp.extradps(700):
        return (mp.cos(x) - mp.sin(x) / x) / x if x else mp.mpf(0)


SLOPES = {          # the derivative, or one per input; None where there is none
    "add": lambda x, y: (1, 1), "sub": lambda x, y: (1, -1), "mul": lambda x, y: (y, x),
    "div": lambda x, y: (1 / y, -x / y ** 2), "neg": lambda x: -1, "identity": lambda x: 1, "square": lambda x: 2 * x,
    "power": lambda x, n: n * mp.power(x, n - 1),
    "pow": lambda x, y: (y * mp.power(x, y - 1), mp.power(x, y) * mp.log(x) if x > 0 else None),
    "abs": mp.sign, "sign": lambda x: 0, "sqrt": lambda x: 1 / (2 * mp.sqrt(x)),
    "cbrt": lambda x: 1 / (3 * mp.cbrt(abs(x)) ** 2),
    "hypot": lambda x, y: (x / mp.hypot(x, y), y / mp.hypot(x, y)),
    "exp": mp.exp, "exp2": lambda x: mp.power(2, x) * mp.log(2), "expm1": mp.exp,
    "log": lambda x: 1 / x, "log2": lambda x: 1 / (x * mp.log(2)), "log10": lambda x: 1 / (x * mp.log(10)),
    "log1p": lambda x: 1 / (1 + x),
    "sin": mp.cos, "sinc": fall_of_sinc, "cos": lambda x: -mp.sin(x), "tan": lambda x: 1 / mp.cos(x) ** 2,
    "asin": lambda x: 1 / mp.sqrt(1 - x * x), "acos": lambda x: -1 / mp.sqrt(1 - x * x),
    "atan": lambda x: 1 / (1 + x * x),
    "atan2": lambda y, x: (x / (x * x + y * y), -y / (x * x + y * y)),
    "sinh": mp.cosh, "cosh": mp.sinh, "tanh": lambda x: 4 * steepness(2 * x),
    "asinh": lambda x: 1 / mp.sqrt(1 + x * x), "acosh": lambda x: 1 / mp.sqrt(x * x - 1),
    "atanh": lambda x: 1 / (1 - x * x), "erf": bell, "erfc": lambda x: -bell(x),
    "gelu": lambda x: mp.ncdf(near(x)) + x * mp.npdf(near(x)), "relu": lambda x: int(x > 0),
    "leaky_relu": lambda x, slope: 1 if x > 0 else slope, "elu": lambda x, alpha: 1 if x > 0 else alpha * mp.exp(x),
    "sigmoid": steepness, "log_sigmoid": lambda x: 1 / (1 + mp.exp(x)), "softplus": lambda x: 1 / (1 + mp.exp(-x)),
    "silu": lambda x: (1 + x / (1 + mp.exp(x))) / (1 + mp.exp(-x)), "softsign": lambda x: 1 / (1 + abs(x)) ** 2,
    "maximum": lambda x, y: chosen(x, y, x > y), "minimum": lambda x, y: chosen(x, y, x < y),
    "clip": lambda x, low, high: int(low <= x <= high), "where": lambda c, x, y: (0, *chosen(x, y, c)),
    "reciprocal": lambda x: -1 / x ** 2, "remainder": lambda x, y: (1, -steps_and_rest(x, y)[0]),
    "log_base": lambda x, base: (1 / (x * mp.log(base)), -mp.log(x) / (base * mp.log(base) ** 2)),
    "xlogy": lambda x, y: (mp.log(y), x / y), "logit": lambda x: 1 / x + 1 / (1 - x),
    "logaddexp": lambda x, y: (1 / (1 + mp.exp(y - x)), 1 / (1 + mp.exp(x - y))),
    "normal_cdf": lambda x: bell(x / mp.sqrt(2)) / mp.sqrt(8),
    **dict.fromkeys(("step", "floor", "ceil", "round"), lambda x: 0), "floor_divide": lambda x, y: (0, 0),
    **dict.fromkeys(("greater", "less", "greater_equal", "less_equal", "equal", "not_equal"), lambda x, y: (0, 0)),
}


# ---- rows of numbers: (value, the terms that were added up, the derivatives by each row)


def softmax(x):
    """(softmax, log of the sum of all exponentials less the largest number) of a row."""
    e = [mp.exp(max(xi - max(x), mp.mpf(-2000))) for xi in x]           # exp(-2000) is 0 to floats, and quicker
    return [ei / mp.fsum(e) for ei in e], mp.log(mp.fsum(e))


def shares(x, best):
    hits = [e == best for e in x]
    return [mp.mpf(hit) / sum(hits) for hit in hits]


def cross_entropy(x, t):
    """Value, terms and slopes for one t that is not 0: there the slope is what the others add up to, with a minus."""
    parts, log_total = softmax(x)
    others = [mp.fsum([*parts[:i], *parts[i + 1:]]) for i in range(len(x))]
    slopes_by_x = [-ti * other if ti else mp.fsum(t) * part for ti, other, part in zip(t, others, parts)]
    slopes_by_t = [max(x) - xi + log_total for xi in x]
    value = mp.fdot(t, slopes_by_t)
    return value, [value], [slopes_by_x, slopes_by_t]


def logsumexp(x):
    parts, log_total = softmax(x)
    return max(x) + log_total, [max(x), log_total], [parts]


def length(x):
    return mp.sqrt(mp.fsum(e * e for e in x))


ROWS = {
    "sum": lambda x: (mp.fsum(x), x, [[mp.mpf(1)] * len(x)]),
    "mean": lambda x: (mp.fsum(x) / len(x), [e / len(x) for e in x], [[mp.mpf(1) / len(x)] * len(x)]),
    "prod": lambda x: (mp.fprod(x), [mp.fprod(x)], [[mp.fprod([*x[:i], *x[i + 1:]]) for i in range(len(x))]]),
    "dot": lambda x, y: (mp.fdot(x, y), [a * b for a, b in zip(x, y)], [y, x]),
    "max": lambda x: (max(x), [], [shares(x, max(x))]), "min": lambda x: (min(x), [], [shares(x, min(x))]),
    "norm": lambda x: (length(x), [length(x)], [[e / (length(x) or 1) for e in x]]),
    "logsumexp": logsumexp,
    "softmax_cross_entropy": cross_entropy,
}


# ---- by op -----------------------------------------------------------------------------------------------


def is_defined(op):
    """Is an op written down here too?  It is then held to the last places, and others to what their own rule says."""
    return op.name in (ROWS if op.rows else SLOPES)


def slopes(op):
    """The textbook derivatives of an op, one per input: of inputs, then constants, as mpmath numbers."""
    derivative = SLOPES[op.name]
    return derivative if len(op.inputs) > 1 else lambda *numbers: (derivative(*numbers),)


def definition(op):
    """The textbook function of an op: inputs, then constants, as mpmath numbers."""
    return TEXTBOOK.get(op.name) or getattr(mp, op.name)
