"""Long graphs in rows, as text is set in lines.

A chain of tanh is forty times as wide as high: in one row its letters would be tiny.  A row begins with
what it is made from: a box of an earlier row stands there once more, as a ghost, and no arrow crosses rows.
"""

import math
from collections.abc import Sequence

from .layout import BETWEEN, Edge, Layout, Point, column_of, gaps_of, is_large, lay_out
from .parts import Parts, lay_out_parts

PAPER, ENOUGH = (1000.0, 700.0), 0.7         # what is smaller there is broken into rows
FAR = 4                         # columns, from the first use of a leaf to the last
STRAIGHT = 8                    # the weight of edges between operations, so that copies do not push them aside


def lay_out_in(window: Point, sizes: Sequence[Point], edges: Sequence[Edge], layout: str, enough: float,
               parts: Parts | None = None) -> Layout:
    """Place boxes as `lay_out` does; where they would be small in the window, in rows.

    enough    the scale at which letters can be read.  Where no number of rows is seen as a whole at this scale,
              they are made to be seen one after the other.

    parts     what the picture consists of, if it does: they are set in lines as wide as can be read

    What Graphviz would take long for is placed without it (see `is_large`).
    """
    if parts is not None:
        return lay_out_parts(window[0] / enough, parts, sizes, edges, layout)
    copied, edges = with_copies(len(sizes), edges)
    if copied:
        placed = lay_out_in(window, [*sizes, *[sizes[i] for i in copied]], edges, layout, enough)
        originals = [*range(len(sizes)), *copied]
        again = [*enumerate(placed.boxes), *placed.ghosts][len(sizes):]
        return placed._replace(boxes=placed.boxes[:len(sizes)], ghosts=[(originals[i], at) for i, at in again])
    if layout in ("auto", "simple") and is_large(len(sizes), edges):
        why = f"{len(sizes)} boxes and {len(edges)} arrows would take Graphviz long" if layout == "auto" else ""
        return filled(window, sizes, edges)._replace(note=why)
    whole = lay_out(sizes, edges, layout)
    across, up = whole.width / window[0], whole.height / window[1]
    is_hopeless = across * up > 4                       # even without gaps all of it would be seen at half its size
    if scale_in(window, whole) >= enough or is_hopeless:
        return whole
    shape, needed = math.sqrt(across / up), math.ceil(across * enough)
    counts = sorted({math.floor(shape), math.ceil(shape), needed, needed + 1} - {0, 1})
    tried = [broken(whole, sizes, edges, layout, count) for count in counts]
    best = max([whole, *tried], key=lambda placed: min(1.0, scale_in(window, placed)))
    lines = [placed for count, placed in zip(counts, tried)
             if scale_in((window[0], window[1] * count), placed) >= enough]
    return best if scale_in(window, best) >= enough or not lines else lines[0]


def with_copies(count: int, edges: Sequence[Edge]) -> tuple[list[int], Sequence[Edge]]:
    """(leaves that stand in the picture once more, the edges, some of which lead from these copies).

    A leaf that is used far apart stands beside each of its uses, so that no arrow runs across the picture.
    """
    columns, inner = column_of(count, edges), {edge.head for edge in edges}
    uses: dict[int, list[int]] = {}
    for edge in edges:
        if edge.tail not in inner:
            uses.setdefault(edge.tail, []).append(columns[edge.head])
    first = {leaf: min(its) for leaf, its in uses.items() if max(its) - min(its) >= FAR}
    copies: dict[tuple[int, int], int] = {}
    found = []
    for edge in edges:
        column = columns[edge.head]
        if column != first.get(edge.tail, column):
            edge = edge._replace(tail=copies.setdefault((edge.tail, column), count + len(copies)))
        found.append(edge._replace(weight=STRAIGHT) if first and edge.tail in inner else edge)
    return [leaf for leaf, _ in copies], found


def scale_in(window: Point, placed: Layout) -> float:
    """The scale at which all of a layout is seen in a window."""
    return min(window[0] / placed.width, window[1] / placed.height)


def broken(whole: Layout, sizes: Sequence[Point], edges: Sequence[Edge], layout: str, count: int) -> Layout:
    """A layout in so many rows of one width: boxes in one column of the whole stay in one row."""
    row_of = with_users([min(count - 1, int(count * x / whole.width)) for x, _ in whole.boxes], edges)
    return in_rows(row_of, sizes, edges, layout)._replace(name=whole.name, note=whole.note)


def filled(window: Point, sizes: Sequence[Point], edges: Sequence[Edge]) -> Layout:
    """The simple layout in rows, each filled with columns, such that all of it has the shape of the window."""
    columns = column_of(len(sizes), edges)
    gaps = gaps_of(columns, edges)
    widths, heights = [0.0] * len(gaps), [0.0] * len(gaps)
    for (width, height), column in zip(sizes, columns):
        widths[column] = max(widths[column], width + gaps[column])
        heights[column] += height + BETWEEN
    area = sum(width * height for width, height in zip(widths, heights))
    most = max(window[0], math.sqrt(area * window[0] / window[1]))
    row, filled_to, rows = 0, 0.0, []
    for width in widths:
        if filled_to and filled_to + width > most:
            row, filled_to = row + 1, 0.0
        filled_to += width
        rows.append(row)
    return in_rows(with_users([rows[column] for column in columns], edges), sizes, edges, "simple")


def with_users(row_of: Sequence[int], edges: Sequence[Edge]) -> list[int]:
    """The same rows, but what nothing leads to stands in the first row in which it is used."""
    inner = {edge.head for edge in edges}
    first: dict[int, int] = {}
    for edge in edges:
        first[edge.tail] = min(first.get(edge.tail, row_of[edge.head]), row_of[edge.head])
    return [row if i in inner else first.get(i, row) for i, row in enumerate(row_of)]


def in_rows(row_of: Sequence[int], sizes: Sequence[Point], edges: Sequence[Edge], layout: str) -> Layout:
    """A layout in which each box is in the row given; those that lead to it stand there too, if only as ghosts."""
    used = sorted(set(row_of))
    parts = Parts([""] * len(used), [used.index(row) for row in row_of], list(range(len(sizes))), flows=False)
    return lay_out_parts(0.0, parts, sizes, edges, layout, ["LR"])._replace(name="simple", note="")
