"""The parameters of programs: their numbers and gradients, in two arrays that all programs over them share.

In the compiled engine the numbers are in the arrays and nowhere else: a Value reads and sets its own there, so that
everybody sees the current one, and nothing is copied when a program is called.  When the last program goes, the
Values take their numbers back.  In the engine written in Python the Values keep their numbers, and the arrays are
copies, made whenever they are asked for.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..engine.value import Value, engine_name, publish

Array = Any


def shared(values: Iterable[Value]) -> Any:
    """The array where these Values lie, among others perhaps: an `OwnedParameters`, or a `CopiedParameters`.

    Values that lie in several arrays, or some of them in none, are brought together in the first of these.

    >>> w, b = Value(2.0), Value(1.0)
    >>> array = shared([w, b])
    >>> array.add_to_grad(np.array([0.5]), array.places_of([b]))
    >>> w.data = 3.0
    >>> array.data.tolist(), b.grad
    ([3.0, 1.0], 0.5)
    """
    if engine_name == "native":
        from .owned import owned_by_one
        return owned_by_one(tuple(dict.fromkeys(values)))
    return CopiedParameters(tuple(dict.fromkeys(values)))


class CopiedParameters:
    """Values that keep their numbers, as those of the engine written in Python do.

    values       the Values
    data, grad   copies of their numbers and gradients
    """

    def __init__(self, values: tuple[Value, ...]):
        self.values = values
        self.place = {v: i for i, v in enumerate(values)}

    @property
    def data(self) -> Array:
        return copy_of([v.data for v in self.values])

    @property
    def grad(self) -> Array:
        return copy_of([v.grad for v in self.values])

    def places_of(self, values: Iterable[Value]) -> Array:
        """Where in the arrays each of these Values lies."""
        return np.array([self.place[v] for v in values], np.intp)

    def add_to_grad(self, gradients: Array, places: Array) -> None:
        """Add to the gradients of the Values at these places, all at once; those that are frozen get none."""
        given = [(self.values[i], gradient) for i, gradient in zip(places.tolist(), gradients.tolist())]
        publish({value: gradient for value, gradient in given if not value.is_constant})


def copy_of(numbers: list[float]) -> Array:
    """An array that nobody can write to, since the Values would not see it."""
    array = np.array(numbers, float)
    array.flags.writeable = False
    return array
