"""Long graphs in rows, as text is set in lines.

A chain of tanh is forty times as wide as high: in one row its letters would be tiny.  A row begins with
what it is made from: a box of an earlier row stands there once more, as a ghost, and no arrow crosses rows.
"""

import math
from collections.abc import Sequence

from .layout import Edge, Layout, Point, lay_out

GAP = 34                        # between two rows, in points


def lay_out_in(window: Point, sizes: Sequence[Point], edges: Sequence[Edge], layout: str, enough: float) -> Layout:
    """Place boxes as `lay_out` does; where they would be small in the window, in the rows that make them largest.

    enough    the scale from which on one row will do
    """
    whole = lay_out(sizes, edges, layout)
    if scale_in(window, whole) >= enough:
        return whole
    rows = math.sqrt(whole.width / window[0] * window[1] / whole.height)       # of the shape of the window
    counts = {math.floor(rows), math.ceil(rows)} - {0, 1}
    tried = [broken(whole, sizes, edges, layout, count) for count in sorted(counts)]
    return max(whole, *tried, key=lambda placed: scale_in(window, placed)) if tried else whole


def scale_in(window: Point, placed: Layout) -> float:
    """The scale at which all of a layout is seen in a window."""
    return min(window[0] / placed.width, window[1] / placed.height)


def broken(whole: Layout, sizes: Sequence[Point], edges: Sequence[Edge], layout: str, count: int) -> Layout:
    """A layout in so many rows: boxes in one column of the whole stay in one row."""
    row_of = [min(count - 1, int(count * x / whole.width)) for x, _ in whole.boxes]
    boxes, curves, labels = list(whole.boxes), list(whole.curves), list(whole.labels)
    ghosts: list[tuple[int, Point]] = []
    width = top = 0.0
    for row in sorted(set(row_of)):
        inner = [k for k, edge in enumerate(edges) if row_of[edge.head] == row]
        own = [i for i, other in enumerate(row_of) if other == row]
        again = sorted({edges[k].tail for k in inner} - set(own))
        place = {box: i for i, box in enumerate(own + again)}
        placed = lay_out([sizes[i] for i in place],
                         [edges[k]._replace(tail=place[edges[k].tail], head=place[edges[k].head]) for k in inner], layout)
        for k, (points, tip), label in zip(inner, placed.curves, placed.labels):
            curves[k], labels[k] = ([lowered(p, top) for p in points], lowered(tip, top)), lowered(label, top)
        for i, centre in zip(place, placed.boxes):
            if row_of[i] == row:
                boxes[i] = lowered(centre, top)
            else:
                ghosts.append((i, lowered(centre, top)))
        width, top = max(width, placed.width), top + placed.height + GAP
    return whole._replace(width=width, height=top - GAP, boxes=boxes, curves=curves, labels=labels, ghosts=ghosts)


def lowered(point: Point, by: float) -> Point:
    return point[0], point[1] + by
