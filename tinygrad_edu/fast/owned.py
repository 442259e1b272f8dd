"""The parameters of programs in the compiled engine, whose numbers lie in arrays."""

import threading
from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from ..engine.value import Value

try:
    from ..native._native import Places, owner  # type: ignore[import-not-found]
except ImportError:                 # it was not built, so nothing is owned
    Places = object

Array = Any
lock = threading.RLock()          # a collection of garbage may compile, too


def owned_by_one(values: tuple[Value, ...]) -> "OwnedParameters":
    """The array that owns all of these Values, enlarged if need be."""
    with lock:
        arrays = [array for array in dict.fromkeys(map(owner, values)) if array is not None]
        without = tuple(v for v in values if owner(v) is None)
        if not arrays:
            return OwnedParameters(values, *np.zeros((2, len(values))))
        first, *others = arrays
        if others or without:
            first.enlarge(others, without)
        return first


class OwnedParameters(Places):
    """Values whose numbers lie here, as long as this lives.

    values       the Values
    data, grad   their numbers and gradients: whoever writes to these writes to the Values
    parts        the arrays that became part of this one, and where in it they begin
    """

    def __init__(self, *_: Any):
        self.whole: OwnedParameters | None = None           # the array that this one became a part of
        self.parts: WeakKeyDictionary[OwnedParameters, int] = WeakKeyDictionary()

    def places_of(self, values: Iterable[Value]) -> Array:
        """Where in the arrays each of these Values lies.  Raises ValueError if one is not here."""
        values = list(values)
        places: Array = np.empty(len(values), np.intp)
        if not self.find(values, places):
            raise ValueError("one of these Values does not lie in this array")
        return places

    def enlarge(self, others: list["OwnedParameters"], more: tuple[Value, ...]) -> None:
        """Own what others own, which become parts of this array, and more Values besides."""
        values = self.values
        for other in others:
            for part, start in [(other, 0), *other.parts.items()]:
                self.parts[part], part.whole = len(values) + start, self
            values += other.values
        values += more
        data, grad = np.zeros((2, len(values)))
        places = [(part, slice(start, start + len(part.values))) for part, start in self.parts.items()]
        self.take(values, data, grad, [(part, data[here], grad[here]) for part, here in places])

    def __reduce__(self) -> Any:
        from .parameters import shared
        return shared, (list(self.values),)
