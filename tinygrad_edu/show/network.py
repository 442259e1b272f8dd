"""Networks as people draw them: columns of circles, and a line for each weight."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from .layout import Point

MOST_ROWS = 16              # of a column; a longer one shows its first circles, "… 48 more", and its last
HEIGHT = 480.0              # of the longest column, in points
TALLEST, GRAD = 84.0, 15.0  # the most room for a circle and what stands below it, and the room for that gradient
LARGEST, ROOMY = 29.0, 20.0     # the radius of a circle: the largest, and the least in which a number can be read

NEAREST, FARTHEST = 72.0, 130.0     # between the circles of two columns


class Grid(NamedTuple):
    """Where the circles of a network stand, in points, y downwards.

    radius    of each circle
    columns   the centres of the circles of each column, from top to bottom
    """
    radius: float
    columns: list[list[Point]]


def grid(counts: Sequence[int], window: Point = (math.inf, HEIGHT)) -> Grid:
    """Columns of so many circles in a window, each column around the middle of the longest.

    >>> placed = grid([3, 1])
    >>> placed.radius, placed.columns
    (29.0, [[(29.0, 42.0), (29.0, 126.0), (29.0, 210.0)], [(159.0, 126.0)]])
    """
    pitch = min(TALLEST, window[1] / max(counts))
    height = pitch * max(counts)
    with_numbers = min(LARGEST, (pitch - GRAD) / 2)
    radius = with_numbers if with_numbers >= ROOMY else 0.36 * pitch
    wanted = 2 * radius + min(FARTHEST, max(NEAREST, height / 4))
    across = min(wanted, (window[0] - 2 * radius) / max(1, len(counts) - 1))
    return Grid(radius, [[(radius + across * k, height / 2 + pitch * (i - (count - 1) / 2)) for i in range(count)]
                         for k, count in enumerate(counts)])


def rows_of(count: int, most: int = MOST_ROWS) -> list[int | None]:
    """The numbers of the circles that a column shows; None stands for those between.

    >>> rows_of(3), rows_of(64, 5)
    ([0, 1, 2], [0, 1, 2, None, 63])
    """
    return list(range(count)) if count <= most else [*range(most - 2), None, count - 1]
