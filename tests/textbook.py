"""What every operation is by definition, in mpmath: written down again, apart from the rules they judge."""

from mpmath import mp

TEXTBOOK = {        # where mpmath has no function of that name
    "add": lambda x, y: x + y, "sub": lambda x, y: x - y, "mul": lambda x, y: x * y, "div": lambda x, y: x / y,
    "neg": lambda x: -x, "identity": lambda x: x, "square": lambda x: x * x, "power": lambda x, n: mp.power(x, n),
    "pow": mp.power, "abs": abs, "sqrt": mp.sqrt, "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)),
    "exp2": lambda x: mp.power(2, x), "log2": lambda x: mp.log(x, 2), "log10": mp.log10,
    "relu": lambda x: max(x, 0), "leaky_relu": lambda x, slope: x if x > 0 else slope * x,
    "elu": lambda x, alpha: x if x > 0 else alpha * mp.expm1(x), "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "log_sigmoid": lambda x: -mp.log1p(mp.exp(-x)), "softplus": lambda x: mp.log1p(mp.exp(x)),
    "silu": lambda x: x / (1 + mp.exp(-x)), "gelu": lambda x: x * mp.ncdf(x), "softsign": lambda x: x / (1 + abs(x)),
    "maximum": max, "minimum": min, "clip": lambda x, low, high: min(max(x, low), high),
    "where": lambda c, x, y: x if c else y, "step": lambda x: mp.mpf(x >= 0),
    "greater": lambda x, y: mp.mpf(x > y), "less": lambda x, y: mp.mpf(x < y),
    "greater_equal": lambda x, y: mp.mpf(x >= y), "less_equal": lambda x, y: mp.mpf(x <= y),
    "equal": lambda x, y: mp.mpf(x == y), "not_equal": lambda x, y: mp.mpf(x != y),
}


def definition(op):
    """The textbook function of an op: inputs, then constants, as mpmath numbers."""
    return TEXTBOOK.get(op.name) or getattr(mp, op.name)
