"""What every operation and its derivative is by definition, in mpmath: written down again, apart from the rules."""

from mpmath import mp


def near(x):
    """x, but at most 60 away from 0: mpmath cannot take erf of all numbers, and floats do not tell what lies beyond."""
    return max(min(x, mp.mpf(60)), mp.mpf(-60))


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
}

def bell(x):
    return 2 / mp.sqrt(mp.pi) * mp.exp(-x * x)


def chosen(x, y, first):
    return (1, 0) if first else (0, 1)


def steepness(x):
    """The derivative of 1 / (1 + exp(-x))."""
    return mp.exp(-abs(x)) / (1 + mp.exp(-abs(x))) ** 2


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
    "sin": mp.cos, "cos": lambda x: -mp.sin(x), "tan": lambda x: 1 / mp.cos(x) ** 2,
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
    "step": lambda x: 0,
    **dict.fromkeys(("greater", "less", "greater_equal", "less_equal", "equal", "not_equal"), lambda x, y: (0, 0)),
}


def slopes(op):
    """The textbook derivatives of an op, one per input: of inputs, then constants, as mpmath numbers."""
    derivative = SLOPES[op.name]
    return derivative if len(op.inputs) > 1 else lambda *numbers: (derivative(*numbers),)


def definition(op):
    """The textbook function of an op: inputs, then constants, as mpmath numbers."""
    return TEXTBOOK.get(op.name) or getattr(mp, op.name)
