"""numpy's functions on Values and on arrays of them.  It never imports numpy unless an array is there."""

import operator
from collections.abc import Callable
from typing import Any

from .arrays import is_array, is_value, on_each
from .number import number
from .op import OPS

NUMPY_NAMES = {
    "subtract": "sub", "multiply": "mul", "divide": "div", "true_divide": "div", "negative": "neg",
    "positive": "identity", "absolute": "abs", "fabs": "abs", "power": "pow", "float_power": "pow",
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2",
    "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "fmax": "maximum", "fmin": "minimum",
    "rint": "round",
}
COMPARISONS = {"less": operator.lt, "less_equal": operator.le, "greater": operator.gt,
               "greater_equal": operator.ge, "equal": operator.eq, "not_equal": operator.ne}


def apply_ufunc(ufunc: Any, method: str, inputs: tuple, options: dict, power: Callable) -> Any:
    """numpy's function as ours: on numbers a Value, on arrays an array of Values.

    power   x ** y for Values and numbers
    """
    name = ufunc.__name__
    ours = NUMPY_NAMES.get(name, name)
    op = COMPARISONS.get(name) or (power if ours == "pow" else OPS.get(ours))
    if op is None or method != "__call__" or options or getattr(op, "rows", False):
        raise TypeError(f"numpy.{name} has no counterpart for Values"
                        + (f" with {', '.join(options)}" if options else "") + ": use the functions of tinygrad_edu")

    def on_numbers(*numbers):           # not numpy's, whose operators would lead back here
        return op(*[x if is_value(x) else number(x) for x in numbers])
    if not any(map(is_array, inputs)):
        return on_numbers(*inputs)
    result = on_each(on_numbers, *inputs)
    return result.astype(bool) if name in COMPARISONS else result
