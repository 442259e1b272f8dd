"""What every picture of examples and answers needs: ranges, points at equal distances, scores, colours."""

import math
from collections.abc import Iterable
from typing import Any

from ..engine.number import short_repr
from ..engine.slopes import float_of

Point = tuple[float, float]

BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, GREY, BLACK = COLOURS = (     # apart for colour-blind readers
    "#0072B2", "#B84A00", "#009E73", "#E69F00", "#8E4585", "#56B4E9", "#6E6E6E", "#1A1A1A")
LARGEST = 1e30                  # what is beyond has exploded, and would make everything else look flat


def check_examples(data: Any) -> None:
    """Refuse what are no examples."""
    if not all(hasattr(data, name) for name in ("inputs", "targets", "features", "classes")):
        raise TypeError(f"data are examples with inputs, targets, features and classes, as tg.data makes them: "
                        f"got {short_repr(data)}")


def spaced(low: float, high: float, count: int) -> list[float]:
    """`count` numbers from low to high at equal distances.

    >>> spaced(0, 1, 5)
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    return [low + (high - low) * i / (count - 1) for i in range(count)]


def widened(column: Iterable[float], share: float) -> Point:
    """The range of some numbers with a margin, this share of it, at both ends.

    >>> widened([0, 10], 0.1), widened([3], 0.5)
    ((-1.0, 11.0), (2.5, 3.5))
    """
    numbers = list(column)
    margin = share * ((max(numbers) - min(numbers)) or 1)
    return min(numbers) - margin, max(numbers) + margin


def rounded(x: float, digits: int = 6) -> float | None:
    """x to so many significant digits; None where it is not finite."""
    return float(f"{x:.{digits}g}") if math.isfinite(x) else None


def class_scores(outputs: Any, classes: int, threshold: float) -> list[float]:
    """One float per class: a single score becomes that of the second class, the first has the threshold."""
    listed = [float_of(x) for x in (outputs if hasattr(type(outputs), "__iter__") else [outputs])]
    if len(listed) == 1 and classes == 2:
        return [threshold, listed[0]]
    if len(listed) != classes:
        raise ValueError(f"predict returns {len(listed)} outputs for {classes} classes")
    return listed


def margins(scores: list[float]) -> list[float]:
    """By how much each score is above the best of the others."""
    return [score - max(scores[:i] + scores[i + 1:]) for i, score in enumerate(scores)]
