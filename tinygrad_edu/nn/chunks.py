"""Parameters that lie side by side in one array, as those of compiled programs do, and steps on all of them at once.

A chunk is an array that stands for many numbers.  Rules that treat all numbers alike, such as `m + (1 - beta) * g`,
hold for a chunk as they stand, with the same bits.  A chunk is no longer than what a processor keeps at hand.
"""

import math
from collections.abc import Callable
from typing import Any

from ..engine import formula
from ..engine.value import engine_name
from .checks import is_frozen

if engine_name == "native":
    from ..native._native import count_changes, owner  # type: ignore[import-not-found]
else:                                                   # there, numbers stay with the Values
    def count_changes() -> int: return 0
    def owner(_: Any) -> None: return None

LONGEST = 8192
Array = Any
Cells = list[Any]                                       # numbers, or chunks in their place


class Chunks:
    """Where parameters lie in an array.

    array     what owns the parameters
    places    the place of each parameter, or the first, if they lie in a row
    parts     which parameters make up each chunk; all of them are of one group
    counts    of how many chunks each group is
    """

    def __init__(self, array: Any, places: Array, groups: list[int]):
        first = int(places[0])
        in_a_row = (places[1:] - places[:-1] == 1).all()
        self.array = array
        self.places: Any = first if in_a_row else places
        self.here: Any = slice(first, first + len(places)) if in_a_row else places
        self.parts: list[slice] = []
        self.counts: list[int] = []
        start = 0
        for size in groups:
            new = [slice(i, min(i + LONGEST, start + size)) for i in range(start, start + size, LONGEST)]
            self.parts += new
            self.counts.append(len(new))
            start += size

    def split(self, numbers: Array) -> Cells:
        """An array of one number for each parameter, as chunks."""
        return [numbers[part] for part in self.parts] if len(self.parts) > 1 else [numbers]

    def data(self) -> Cells:
        """The numbers of the parameters, as they are now."""
        return self.split(self.array.data[self.here].copy())

    def grad(self) -> Cells:
        """Their gradients, as they are now."""
        return self.split(self.array.grad[self.here].copy())

    def move(self, chunks: Cells) -> None:
        """Set the numbers of the parameters, all or none."""
        self.array.move(joined(chunks), self.places)

    def set_grad(self, chunks: Cells) -> None:
        """Set their gradients; a single number is set for all of them."""
        self.array.grad[self.here] = joined(chunks)

    def of_lists(self, numbers: list[float]) -> Cells:
        """The memory of each parameter as chunks; a chunk whose numbers are all the same is this number."""
        import numpy
        chunks = self.split(numpy.array(numbers, float))
        check_finite(chunks)
        return [chunk if (chunk.view("i8") != chunk.view("i8")[0]).any() else float(chunk[0]) for chunk in chunks]

    def to_lists(self, chunks: Cells) -> list[float]:
        """The numbers of chunks."""
        return [x for part, chunk in zip(self.parts, chunks)
                for x in ([chunk] * (part.stop - part.start) if type(chunk) is float else chunk.tolist())]


def joined(chunks: Cells) -> Any:
    if len(chunks) == 1:
        return chunks[0]
    import numpy
    return numpy.concatenate(chunks)


def chunks_of(parameters: list[Any], groups: list[int]) -> Chunks | None:
    """The chunks of these parameters, each once, if one of them lies in an array and none is frozen.

    Those that no program uses, such as places that no name reaches, are brought into the array too.
    """
    if not any(map(owner, parameters)):
        return None
    from ..fast.parameters import shared
    array = shared(parameters)
    if array.has_frozen and any(map(is_frozen, parameters)):
        return None
    import numpy
    places: Array = numpy.empty(len(parameters), numpy.intp)
    if not array.find(parameters, places):
        return None
    chunks = Chunks(array, places, groups)
    return chunks if chunks.places is not places or len(numpy.unique(places)) == len(places) else None


def raised_flags() -> Any:
    """A block that raises FloatingPointError where finite numbers lead to one that is not."""
    import numpy
    return numpy.errstate(all="raise", under="ignore")


def check_finite(chunks: Cells) -> None:
    """Raise FloatingPointError, within `raised_flags`, if a number is not finite, or is too large to be squared."""
    if not math.isfinite(sum([chunk.dot(chunk) for chunk in chunks])):
        raise FloatingPointError("a number is not finite")


def are_finite(chunks: Cells) -> bool:
    """Are these numbers finite?  False as well where one is too large to be squared."""
    try:
        with raised_flags():
            check_finite(chunks)
    except FloatingPointError:
        return False
    return True


# ---- rules that hold for chunks --------------------------------------------------------------------------


def for_chunks(rule: Callable) -> Callable:
    """Say of a `steps_for` that chunks may stand in the place of numbers: all numbers are treated alike."""
    rule.holds_for_chunks = True  # type: ignore[attr-defined]
    return rule


def functions_for(cells: Cells) -> tuple[Callable, Callable]:
    """The square root and the power of such numbers, formulas or chunks: what arithmetic alone cannot say of all."""
    if type(cells[0]) is formula.Formula:
        return formula.sqrt, formula.power
    if not getattr(cells[0], "ndim", 0):
        return math.sqrt, pow
    import numpy
    return numpy.sqrt, power


def power(base: float, exponent: Any) -> Any:
    """base ** exponent; NumPy's own may differ in the last bit."""
    if type(exponent) is float:
        return base ** exponent
    import numpy
    return numpy.array([base ** x for x in exponent.tolist()])
