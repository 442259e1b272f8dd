"""Long graphs in rows, as text is set in lines.

A chain of tanh is forty times as wide as high: in one row its letters would be tiny.  A row begins with
what it is made from: a box of an earlier row stands there once more, as a ghost, and no arrow crosses rows.
"""

import math
from collections.abc import Sequence

from .layout import Edge, Layout, Point, lay_out

GAP = 34                        # between two rows, in points


def lay_out_in(window: Point, sizes: Sequence[Point], edges: Sequence[Edge], layout: str, enough: float) -> Layout:
    """Place boxes as `lay_out` does; where they would be small in the window, in rows.

    enough    the scale at which letters can be read.  Where no number of rows is seen as a whole at this scale,
              they are made to be seen one after the other.
    """
    whole = lay_out(sizes, edges, layout)
    across, up = whole.width / window[0], whole.height / window[1]
    is_hopeless = across * up > 4                       # even without gaps all of it would be seen at half its size
    if scale_in(window, whole) >= enough or is_hopeless:
        return whole
    shape, needed = math.sqrt(across / up), math.ceil(across * enough)
    counts = sorted({math.floor(shape), math.ceil(shape), needed, needed + 1} - {0, 1})
    tried = [broken(whole, sizes, edges, layout, count) for count in counts]
    best = max([whole, *tried], key=lambda placed: scale_in(window, placed))
    lines = [placed for count, placed in zip(counts, tried)
             if scale_in((window[0], window[1] * count), placed) >= enough]
    return best if scale_in(window, best) >= enough or not lines else lines[0]


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
        own = [i for i, other in enumerate(row_of) if other == row]
        leading = [k for k, edge in enumerate(edges) if row_of[edge.head] == row]
        members = own + sorted({edges[k].tail for k in leading} - set(own))
        placed = lay_out([sizes[i] for i in members], [within(members, edges[k]) for k in leading], layout)
        centres = [lowered(centre, top) for centre in placed.boxes]
        for i, centre in zip(own, centres):
            boxes[i] = centre
        ghosts += list(zip(members, centres))[len(own):]
        for k, (points, tip), label in zip(leading, placed.curves, placed.labels):
            curves[k], labels[k] = ([lowered(p, top) for p in points], lowered(tip, top)), lowered(label, top)
        width, top = max(width, placed.width), top + placed.height + GAP
    return whole._replace(width=width, height=top - GAP, boxes=boxes, curves=curves, labels=labels, ghosts=ghosts)


def within(members: list[int], edge: Edge) -> Edge:
    """The edge between the same boxes, by their numbers among these."""
    return edge._replace(tail=members.index(edge.tail), head=members.index(edge.head))


def lowered(point: Point, by: float) -> Point:
    return point[0], point[1] + by
