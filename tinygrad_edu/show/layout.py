"""Where the boxes of a picture go.

Graphviz is asked for coordinates only: it sees numbered boxes of fixed size and never a word
of the user's.  Where it cannot run, a plain layered layout takes its place.
"""

import json
import math
import warnings
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from . import embedded

Point = tuple[float, float]
LAYOUTS = ("auto", "embedded", "dot", "simple")
LABEL_SIZE = 13             # of the edge labels, in points; Graphviz takes 0.6 of it for a letter


class Edge(NamedTuple):
    """An edge between two boxes, by number, with room for a label of so many letters and lines."""
    tail: int
    head: int
    letters: int = 0
    lines: int = 1


class Layout(NamedTuple):
    """A picture's coordinates, in points, y downwards.

    boxes     the centre of each box
    curves    per edge the points of its Bézier curve, and the tip of its arrow
    labels    per edge the centre of its label
    name      what placed them, one of LAYOUTS but "auto"
    note      why it was not what was asked for first, or ""
    ghosts    boxes that stand once more in another row, where something is made from them (see `rows`)
    """
    width: float
    height: float
    boxes: list[Point]
    curves: list[tuple[list[Point], Point]]
    labels: list[Point]
    name: str
    note: str = ""
    ghosts: Sequence[tuple[int, Point]] = ()


def chosen_layout(layout: str, engine: str | None) -> str:
    """The layout wanted, also where it is given by its former name."""
    if engine is None:
        return layout
    warnings.warn("engine=, what places the boxes of a picture, is now layout=", DeprecationWarning, stacklevel=3)
    return engine


def lay_out(sizes: Sequence[Point], edges: Sequence[Edge], layout: str = "auto") -> Layout:
    """Place boxes of these (width, height) from left to right along the edges.

    layout   "auto": the embedded Graphviz, or the simple layout where that cannot run;
             "embedded", "dot" (the system's, by the package graphviz) or "simple" to insist
    """
    if layout not in LAYOUTS:
        raise ValueError(f"layout={layout!r}: write one of {', '.join(LAYOUTS)}")
    if layout == "simple":
        return simple(sizes, edges)
    dot = dot_text(sizes, edges)
    if layout == "dot":
        return from_json(system_dot(dot), len(edges), "dot")
    try:
        return from_json(embedded.render(dot, "json0"), len(edges), "embedded")
    except embedded.LayoutUnavailable as error:
        if layout == "embedded":
            raise
        return simple(sizes, edges)._replace(note=str(error))


def dot_text(sizes: Sequence[Point], edges: Sequence[Edge]) -> str:
    """The question to Graphviz: numbered boxes of these sizes, and labels of zeros."""
    lines = ["digraph {", "rankdir=LR; nodesep=0.3; ranksep=0.4;",
             'node [shape=box, fixedsize=true, label=""];', f'edge [fontname="Courier", fontsize={LABEL_SIZE}];']
    lines += [f"{i} [width={w / 72:.4f}, height={h / 72:.4f}];" for i, (w, h) in enumerate(sizes)]
    for k, e in enumerate(edges):
        label = "\\n".join(["0" * e.letters] * e.lines)
        lines.append(f'{e.tail} -> {e.head} [number={k}, label="{label}"];')
    return "\n".join([*lines, "}"])


def system_dot(dot: str) -> bytes:
    """The answer of the program `dot`."""
    import graphviz
    try:
        return graphviz.Source(dot).pipe(format="json0")
    except graphviz.ExecutableNotFound:
        raise embedded.LayoutUnavailable(
            'layout="dot" needs the program dot of Graphviz on the PATH; the default layout needs no program') from None


def from_json(answer: bytes, count: int, name: str) -> Layout:
    """The coordinates in Graphviz's answer; its y points upwards."""
    found: dict[str, Any] = json.loads(answer)
    _, _, width, height = map(float, found["bb"].split(","))

    def point(text: str) -> Point:
        x, y = map(float, text.split(","))
        return x, height - y

    curves: list[Any] = [None] * count
    labels: list[Point] = [(0.0, 0.0)] * count
    for edge in found.get("edges", ()):
        k = int(edge["number"])
        tip, *points = edge["pos"].removeprefix("e,").split()
        curves[k] = [point(p) for p in points], point(tip)
        if "lp" in edge:
            labels[k] = point(edge["lp"])
    boxes = [point(box["pos"]) for box in sorted(found["objects"], key=lambda box: int(box["name"]))]
    return Layout(width, height, boxes, curves, labels, name)


# ---- the last resort -------------------------------------------------------------------------------


def simple(sizes: Sequence[Point], edges: Sequence[Edge]) -> Layout:
    """Columns by distance from the leaves.  An edge that crosses columns gets a place of its own in each."""
    columns = column_of(len(sizes), edges)
    routes, spaces, places = [], list(sizes), list(columns)
    for e in edges:                                     # box, the places between, box
        between = range(columns[e.tail] + 1, columns[e.head])
        routes.append([e.tail, *range(len(spaces), len(spaces) + len(between)), e.head])
        spaces += [(10.0, 14.0)] * len(between)
        places += between
    gap = 60 + 7.2 * max((e.letters for e in edges), default=0)
    centres, width, height = stacked(spaces, in_rows_of(places, routes), gap)
    leaving, arriving = (ports(routes, centres, sizes, end) for end in (0, -1))
    curves, labels = [], []
    for k, route in enumerate(routes):
        points = [leaving[k], *[centres[i] for i in route[1:-1]], arriving[k]]
        (x0, y0), (x1, y1) = points[-2:]
        length = math.dist(*points[-2:]) or 1.0
        end = x1 - 9 * (x1 - x0) / length, y1 - 9 * (y1 - y0) / length
        bends = [p for p in points[1:-1] for _ in range(3)]
        curves.append(([points[0], points[0], *bends, end, end], points[-1]))
        (x0, y0), (x1, y1) = points[:2]
        labels.append((x0 + (x1 - x0) * 0.4, y0 + (y1 - y0) * 0.4 - 7))
    return Layout(width, height, centres[:len(sizes)], curves, labels, "simple")


def column_of(count: int, edges: Sequence[Edge]) -> list[int]:
    """The column of each box; edges lead to the right, but for one at least of each circle."""
    place = places_in_order(count, edges)
    ahead = sorted((e for e in edges if place[e.tail] < place[e.head]), key=lambda e: place[e.head])
    column = [0] * count
    first_use = [count] * count
    for e in ahead:
        column[e.head] = max(column[e.head], column[e.tail] + 1)
    for e in ahead:
        first_use[e.tail] = min(first_use[e.tail], column[e.head])
    fed = {e.head for e in ahead}                       # leaves stand next to what uses them first
    return [first_use[i] - 1 if i not in fed and first_use[i] < count else column[i] for i in range(count)]


def places_in_order(count: int, edges: Sequence[Edge]) -> list[int]:
    """The place of each box in an order in which it comes after those that lead to it.

    Where folded boxes lead to each other in a circle, as of a network that is applied twice, one edge of the
    circle leads back: the one that comes to a box on the way that we are just following.
    """
    onwards: list[list[int]] = [[] for _ in range(count)]
    for e in edges:
        onwards[e.tail].append(e.head)
    seen: set[int] = set()
    left: list[int] = []                                # boxes from which there is no way on, the last ones first
    for start in range(count):
        way = [] if start in seen else [start]
        while way:
            seen.add(way[-1])
            following = [i for i in onwards[way[-1]] if i not in seen]
            if following:
                way.append(following[0])
            else:
                left.append(way.pop())
    place = {box: count - i for i, box in enumerate(left)}
    return [place[i] for i in range(count)]


def in_rows_of(places: Sequence[int], routes: Sequence[Sequence[int]]) -> list[list[int]]:
    """The members of each column from top to bottom: each near the middle of those that lead to it."""
    sources: dict[int, list[int]] = {}
    for route in routes:
        for before, after in pairwise(route):
            if places[before] < places[after]:          # else an edge that closes a circle
                sources.setdefault(after, []).append(before)
    columns = [[i for i, place in enumerate(places) if place == c] for c in sorted(set(places))]
    rank: dict[int, float] = {}
    for column in columns:
        known = {i: sum(rank[s] for s in sources[i]) / len(sources[i]) if i in sources else math.inf for i in column}
        column.sort(key=lambda i: known[i])
        rank |= {i: k / len(column) for k, i in enumerate(column)}
    return columns


def stacked(sizes: Sequence[Point], columns: list[list[int]], gap: float) -> tuple[list[Point], float, float]:
    """The centre of each member, and the width and height of all."""
    heights = [sum(sizes[i][1] + 24 for i in column) for column in columns]
    centres: list[Point] = [(0.0, 0.0)] * len(sizes)
    left, height = 0.0, max(heights)
    for column, own in zip(columns, heights):
        width = max(sizes[i][0] for i in column)
        top = (height - own) / 2
        for i in column:
            centres[i] = left + width / 2, top + (sizes[i][1] + 24) / 2
            top += sizes[i][1] + 24
        left += width + gap
    return centres, left - gap, height


def ports(routes: Sequence[Sequence[int]], centres: Sequence[Point], sizes: Sequence[Point], end: int) -> list[Point]:
    """Where each edge leaves its first box (end 0) or reaches its last (-1): spread along the side, uncrossed."""
    at_box: dict[int, list[int]] = {}
    for k, route in enumerate(routes):
        at_box.setdefault(route[end], []).append(k)
    found: list[Point] = [(0.0, 0.0)] * len(routes)
    for box, edges in at_box.items():
        (x, y), (width, height) = centres[box], sizes[box]
        edges.sort(key=lambda k: (centres[routes[k][1 if end == 0 else -2]][1], k))
        for i, k in enumerate(edges):
            found[k] = x + width / 2 * (1 if end == 0 else -1), y + height * ((i + 1) / (len(edges) + 1) - 0.5)
    return found
