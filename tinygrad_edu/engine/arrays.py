"""Arrays of numpy as operands: an operation is done on each element.  numpy is imported only where an array is met."""

from collections.abc import Callable
from typing import Any


class ArrayMet(TypeError):
    """An operand is a numpy array, whose own operators spread the operation over it."""

    def __init__(self, message: str = "a number is needed, not an array: make one Value per element"):
        super().__init__(message)


def is_array(x: Any) -> bool:
    """Is x a numpy array of one or more dimensions?"""
    return type(x) not in (float, int) and getattr(x, "ndim", 0) > 0 and hasattr(type(x), "__array_ufunc__")


def is_value(x: Any) -> bool:
    """Is x a Value?  Other kinds of number are known by their having no `record`."""
    return hasattr(type(x), "record")


def check_elements(array: Any) -> None:
    """Refuse an array whose elements would pass for numbers, and are none."""
    kind = getattr(getattr(array, "dtype", None), "kind", "")
    if kind in ("V", "M", "m"):
        what = {"V": "of records: take one of its fields", "M": "of dates", "m": "of times"}[kind]
        raise TypeError(f"an array of numbers is needed, and this is one {what}")
    if getattr(getattr(array, "mask", None), "any", bool)():
        raise TypeError("an array of numbers is needed, and some of this are masked: fill them, as in x.filled(0.0)")
    if not hasattr(array, "tolist"):
        raise TypeError(f"an array of numbers is needed, not {type(array).__name__}: write numpy.asarray(x)")


def elements(array: Any) -> Any:
    """The elements of an array as nested lists."""
    check_elements(array)
    return array.tolist()


def as_lists(x: Any) -> Any:
    """Arrays as the nested lists they stand for, also within lists and tuples; other things as they are."""
    if isinstance(x, list | tuple):
        return [as_lists(e) for e in x]
    return x if type(x) is float or is_value(x) or not is_array(x) else elements(x)


def unwrapped(x: Any) -> Any:
    """What stands in an array of no dimension; other things as they are."""
    return x.item() if getattr(x, "ndim", None) == 0 and hasattr(x, "dtype") and x.dtype == object else x


def as_array(numbers: list[Any], shape: tuple[int, ...]) -> Any:
    """An array of this shape: of objects if there are Values among the numbers, of floats if not."""
    import numpy
    found: Any = numpy.empty(len(numbers), dtype=object)
    found[:] = numbers
    return (found if any(map(is_value, numbers)) else found.astype(float)).reshape(shape)


def array_like(array: Any, numbers: list[Any]) -> Any:
    """An array of the same shape and class; a TypeError for a table with labels, which would be lost."""
    import numpy
    if not isinstance(array, numpy.ndarray):
        raise TypeError(f"an array of numpy is needed, not {type(array).__name__}: write numpy.asarray(x)")
    return as_array(numbers, array.shape).view(type(array))


def on_each(function: Callable, *inputs: Any) -> Any:
    """What a function of numbers gives for each element of arrays, which numpy broadcasts: an array of objects."""
    import numpy
    for x in filter(is_array, inputs):
        check_elements(x)
    return numpy.frompyfunc(function, len(inputs), 1)(*[numpy.asarray(x, dtype=object) for x in inputs])
