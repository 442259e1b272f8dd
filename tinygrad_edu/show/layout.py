"""Where the boxes of a picture go.

Graphviz is asked for coordinates only: it sees numbered boxes of fixed size and never a word
of the user's.  Where it cannot run, or would take long, a layered layout of our own takes its place.
"""

import json
import math
import warnings
from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from . import embedded

Point = tuple[float, float]
LAYOUTS = ("auto", "embedded", "dot", "simple")
MOST_BOXES, MOST_CROSSED = 300, 1000      # beyond these Graphviz takes seconds, then minutes
LABEL_SIZE = 13             # of the edge labels, in points; Graphviz takes 0.6 of it for a letter


class Edge(NamedTuple):
    """An edge between two boxes, by number, with room for a label of so many letters and lines."""
    tail: int
    head: int
    letters: int = 0
    lines: int = 1
    weight: int = 1             # how much Graphviz does to keep it straight


class Border(NamedTuple):
    """The line around a part of a picture, with its heading: the corner at its upper left, and its size."""
    heading: str
    corner: Point
    size: Point


class Layout(NamedTuple):
    """A picture's coordinates, in points, y downwards.

    boxes     the centre of each box
    curves    per edge the points of its Bézier curve, and the tip of its arrow
    labels    per edge the centre of its label
    name      what placed them, one of LAYOUTS but "auto"
    note      why it was not what was asked for first, or ""
    ghosts    boxes that stand once more in another row, where something is made from them (see `rows`)
    borders   around parts that are alike, such as time steps (see `parts`)
    flow      the arrows from one part to the next
    """
    width: float
    height: float
    boxes: list[Point]
    curves: list[tuple[list[Point], Point]]
    labels: list[Point]
    name: str
    note: str = ""
    ghosts: Sequence[tuple[int, Point]] = ()
    borders: Sequence[Border] = ()
    flow: Sequence[tuple[list[Point], Point]] = ()


def chosen_layout(layout: str, engine: str | None) -> str:
    """The layout wanted, also where it is given by its former name."""
    if engine is None:
        return layout
    warnings.warn("engine=, what places the boxes of a picture, is now layout=", DeprecationWarning, stacklevel=3)
    return engine


def lay_out(sizes: Sequence[Point], edges: Sequence[Edge], layout: str = "auto", way: str = "LR") -> Layout:
    """Place boxes of these (width, height) along the edges, from left to right or ("BT") upwards.

    layout   "auto": the embedded Graphviz, or the simple layout where that cannot run;
             "embedded", "dot" (the system's, by the package graphviz) or "simple" to insist
    """
    if layout not in LAYOUTS:
        raise ValueError(f"layout={layout!r}: write one of {', '.join(LAYOUTS)}")
    if layout == "simple":
        return simple(sizes, edges) if way == "LR" else turned(sizes, edges)
    dot = dot_text(sizes, edges, way)
    if layout == "dot":
        return from_json(system_dot(dot), len(edges), "dot")
    try:
        return from_json(embedded.render(dot, "json0"), len(edges), "embedded")
    except embedded.LayoutUnavailable as error:
        if layout == "embedded":
            raise
        return lay_out(sizes, edges, "simple", way)._replace(note=str(error))


def dot_text(sizes: Sequence[Point], edges: Sequence[Edge], way: str = "LR") -> str:
    """The question to Graphviz: numbered boxes of these sizes, and labels of zeros."""
    spaces = "nodesep=0.3; ranksep=0.4;"                # between boxes, in inches; a label makes room of its own
    if way == "BT":
        spaces = f"nodesep=0.2; ranksep={0.2 if any(e.letters for e in edges) else 0.5};"
    lines = ["digraph {", f"rankdir={way}; {spaces}",
             'node [shape=box, fixedsize=true, label=""];', f'edge [fontname="Courier", fontsize={LABEL_SIZE}];']
    lines += [f"{i} [width={w / 72:.4f}, height={h / 72:.4f}];" for i, (w, h) in enumerate(sizes)]
    for k, e in enumerate(edges):
        label = "\\n".join(["0" * e.letters] * (e.lines if way == "LR" else 1))       # two lines fit between rows too
        lines.append(f'{e.tail} -> {e.head} [number={k}, label="{label}"{f", weight={e.weight}" * (e.weight > 1)}];')
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


# ---- a layout of our own ---------------------------------------------------------------------------

BETWEEN = 24                # boxes of a column, in points
LANE = 0.0, 4.0             # the size of the place that an edge has in a column it crosses
ARROW = 9                   # the length of an arrow's head
STEEP = 90                  # a slope over more than a box or two
SWEEPS = 4                  # through the columns, to put their members in order and to move them up and down
Neighbours = Sequence[Sequence[int]]


def is_large(count: int, edges: Sequence[Edge]) -> bool:
    """Would Graphviz take long?  Its time grows with the boxes and with the columns that edges cross."""
    return count > MOST_BOXES or crossed(column_of(count, edges), edges) > MOST_CROSSED


def crossed(columns: Sequence[int], edges: Iterable[Edge]) -> int:
    """The columns that all edges cross, together."""
    return sum(abs(columns[e.head] - columns[e.tail]) for e in edges)


def simple(sizes: Sequence[Point], edges: Sequence[Edge], columns: Sequence[int] | None = None) -> Layout:
    """Columns by the distance from the output; the edges of a box that cross columns share a lane in each."""
    columns = columns or column_of(len(sizes), edges)
    routes, places = routed(columns, edges)
    spaces = [*sizes, *[LANE] * (len(places) - len(sizes))]
    before, after = neighbours_of(routes, places)
    members = in_order_of(places, before, after)
    lefts, width = placed_across(members, spaces, gaps_of(columns, edges))
    ys, height = placed_down(members, spaces, before, after)
    middles = [lefts[c] + max(spaces[i][0] for i in column) / 2 for c, column in enumerate(members)]
    centres = [(middles[c], y) for c, y in zip(places, ys)]
    borders = [(left, 2 * middle - left) for left, middle in zip(lefts, middles)]
    curves, labels = curves_of(routes, centres, sizes, [borders[c] for c in places], edges)
    return Layout(width, height, centres[:len(sizes)], curves, labels, "simple")


def curves_of(routes: Sequence[Sequence[int]], centres: Sequence[Point], sizes: Sequence[Point],
              borders: Sequence[Point], edges: Sequence[Edge]) -> tuple[list[tuple[list[Point], Point]], list[Point]]:
    """(the curves, the places of the labels) of edges that go these ways.

    borders   per place the left and the right one of its column
    """
    ys = [y for _, y in centres]
    leaving, arriving = (ports(routes, centres, sizes, end) for end in (0, -1))
    ways = [way_of(route, leaving[k], arriving[k], [borders[i] for i in route], ys) for k, route in enumerate(routes)]
    curves = [([*curved(way)[:-1], (way[-1][0] - ARROW, way[-1][1])], way[-1]) for way in ways]
    inputs = Counter(e.head for e in edges)
    return curves, [label_place(way[-3], way[-2], e.letters, inputs[e.head]) for way, e in zip(ways, edges)]


def turned(sizes: Sequence[Point], edges: Sequence[Edge]) -> Layout:
    """The simple layout upwards: its columns are rows, between which there is room for two lines."""
    found = simple([(height, width) for width, height in sizes], [edge._replace(letters=0) for edge in edges])

    def upwards(point: Point) -> Point:
        return point[1], found.width - point[0]
    curves = [([upwards(point) for point in points], upwards(tip)) for points, tip in found.curves]
    labels = [((points[-4][0] + tip[0]) / 2, (points[-4][1] + tip[1]) / 2) for points, tip in curves]
    return Layout(found.height, found.width, [upwards(p) for p in found.boxes], curves, labels, "simple")


def column_of(count: int, edges: Sequence[Edge]) -> list[int]:
    """The column of each box, next to the first that uses it.

    Edges lead to the right, but for one at least of each circle.
    """
    place = places_in_order(count, edges)
    ahead = sorted((e for e in edges if place[e.tail] < place[e.head]), key=lambda e: -place[e.tail])
    further = [0] * count                               # columns from here to the end
    for e in ahead:
        further[e.tail] = max(further[e.tail], further[e.head] + 1)
    most = max(further, default=0)
    return [most - columns for columns in further]


def places_in_order(count: int, edges: Sequence[Edge]) -> list[int]:
    """The place of each box in an order in which it comes after those that lead to it.

    Where folded boxes lead to each other in a circle, as of a network that is applied twice, one edge of the
    circle leads back: the one that comes to a box on the way that we are just following.
    """
    onwards: list[list[int]] = [[] for _ in range(count)]
    for e in edges:
        onwards[e.tail].append(e.head)
    ahead = [iter(heads) for heads in onwards]
    seen: set[int] = set()
    left: list[int] = []                                # boxes from which there is no way on, the last ones first
    for start in range(count):
        way = [] if start in seen else [start]
        while way:
            seen.add(way[-1])
            following = next((i for i in ahead[way[-1]] if i not in seen), None)
            if following is None:
                left.append(way.pop())
            else:
                way.append(following)
    place = {box: count - i for i, box in enumerate(left)}
    return [place[i] for i in range(count)]


def routed(columns: Sequence[int], edges: Sequence[Edge]) -> tuple[list[list[int]], list[int]]:
    """(the places that each edge passes, the column of each place): the boxes, and then the lanes.

    Twins, edges between the same two boxes, have lanes of their own.
    """
    places, routes = list(columns), []
    lanes: dict[tuple[int, int, int], int] = {}
    twins: Counter[tuple[int, int]] = Counter()
    for e in edges:
        route = [e.tail]
        for column in range(columns[e.tail] + 1, columns[e.head]):
            lane = lanes.setdefault((e.tail, twins[e.tail, e.head], column), len(places))
            if lane == len(places):
                places.append(column)
            route.append(lane)
        twins[e.tail, e.head] += 1
        routes.append([*route, e.head])
    return routes, places


def neighbours_of(routes: Sequence[Sequence[int]], places: Sequence[int]) -> tuple[list[list[int]], list[list[int]]]:
    """(those in the column before, those in the column after) of each place, along the routes."""
    before: list[list[int]] = [[] for _ in places]
    after: list[list[int]] = [[] for _ in places]
    for tail, head in dict.fromkeys(step for route in routes for step in pairwise(route)):
        if places[tail] < places[head]:                 # else an edge that closes a circle
            before[head].append(tail)
            after[tail].append(head)
    return before, after


def in_order_of(places: Sequence[int], before: Neighbours, after: Neighbours) -> list[list[int]]:
    """The members of each column from top to bottom, such that few edges cross (Sugiyama's sweeps, 1981).

    Each member goes to the middle of its neighbours in the column after, then in the one before, and so on.
    """
    columns: list[list[int]] = [[] for _ in range(max(places) + 1)]
    for i, place in enumerate(places):
        columns[place].append(i)
    rank = {i: k / len(column) for column in columns for k, i in enumerate(column)}
    best, fewest = columns, math.inf
    for sweep in range(SWEEPS):
        near, way = (before, 1) if sweep % 2 else (after, -1)
        for column in columns[::way]:
            middle = {i: sum(rank[n] for n in near[i]) / len(near[i]) if near[i] else rank[i] for i in column}
            column.sort(key=middle.__getitem__)
            rank |= {i: k / len(column) for k, i in enumerate(column)}
        crossings = crossings_of(columns, after)
        if crossings < fewest:
            best, fewest = [list(column) for column in columns], crossings
        if not fewest:
            break
    return best


def crossings_of(columns: Sequence[Sequence[int]], after: Neighbours) -> int:
    """How many edges between neighbouring columns cross each other."""
    height = {i: k for column in columns for k, i in enumerate(column)}
    count = 0
    for column in columns:
        ends: list[int] = []                            # of the edges from above, in order
        for i in column:
            own = [height[n] for n in after[i]]
            count += sum(len(ends) - bisect_right(ends, end) for end in own)
            for end in own:
                insort(ends, end)
    return count


def gaps_of(columns: Sequence[int], edges: Sequence[Edge]) -> list[float]:
    """The room to the left of each column, in which the labels of the edges that lead there stand."""
    letters = [0] * (max(columns) + 1)
    for e in edges:
        letters[columns[e.head]] = max(letters[columns[e.head]], e.letters)
    return [30 + (10 + 7.9 * count) * bool(count) for count in letters]


def placed_across(members: Sequence[Sequence[int]], sizes: Sequence[Point], gaps: Sequence[float],
                  ) -> tuple[list[float], float]:
    """(the left border of each column, the width of all)."""
    lefts, right = [], -gaps[0]
    for column, gap in zip(members, gaps):
        lefts.append(right + gap)
        right = lefts[-1] + max(sizes[i][0] for i in column)
    return lefts, right


def placed_down(members: Sequence[Sequence[int]], sizes: Sequence[Point], before: Neighbours, after: Neighbours,
                ) -> tuple[list[float], float]:
    """(how far down the middle of each place is, the height of all): near the neighbours, so that edges are straight.

    What ends a long way weighs more, so that a long sum does not go down a step at each of its terms.
    """
    weights = [1.0] * len(sizes)
    for i in (i for column in members for i in column):
        weights[i] += max((weights[n] for n in before[i]), default=0.0)
    ys = [0.0] * len(sizes)
    for sweep in range(SWEEPS):
        near, way = (before, 1) if sweep % 2 else (after, -1)
        for column in members[::way]:
            wanted = [sum(ys[n] * weights[n] for n in near[i]) / sum(weights[n] for n in near[i])
                      if near[i] else ys[i] for i in column]
            heights = [sizes[i][1] + BETWEEN for i in column]
            for i, y in zip(column, apart(wanted, heights, [weights[i] for i in column])):
                ys[i] = y
    top = math.floor(min(y - height / 2 for y, (_, height) in zip(ys, sizes)))
    ys = [y - top for y in ys]
    return ys, max(y + height / 2 for y, (_, height) in zip(ys, sizes))


def apart(wanted: Sequence[float], heights: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Places in this order that do not overlap, nearest to those wanted, by weighted least squares.

    Those that want to overlap are pooled, and a pool stands around its mean, whatever it grows to.

    >>> apart([0, 0, 50], [10, 10, 10], [1, 1, 1]), apart([0, 0], [10, 10], [4, 1])
    ([-5.0, 5.0, 50.0], [-2.0, 8.0])
    """
    starts = [0.0]
    for upper, lower in pairwise(heights):
        starts.append(starts[-1] + (upper + lower) / 2)
    pools: list[tuple[float, float, int]] = []          # (sum of what is wanted, weight, count)
    for y, start, weight in zip(wanted, starts, weights):
        total, count = (y - start) * weight, 1
        while pools and pools[-1][0] * weight >= total * pools[-1][1]:
            above, heavier, others = pools.pop()
            total, weight, count = total + above, weight + heavier, count + others
        pools.append((total, weight, count))
    moved = [total / weight for total, weight, count in pools for _ in range(count)]
    return [start + by for start, by in zip(starts, moved)]


def ports(routes: Sequence[Sequence[int]], centres: Sequence[Point], sizes: Sequence[Point], end: int) -> list[Point]:
    """Where each edge leaves its first box (end 0) or reaches its last (-1): spread along the side, uncrossed."""
    at_box: dict[int, dict[tuple[int, int], list[int]]] = {}
    for k, route in enumerate(routes):
        lane = route[1] if end == 0 and len(route) > 2 else -1
        port = (lane, -1) if lane >= 0 else (-1, k)     # those of one lane leave together
        at_box.setdefault(route[end], {}).setdefault(port, []).append(k)
    found: list[Point] = [(0.0, 0.0)] * len(routes)
    for box, groups in at_box.items():
        (x, y), (width, height) = centres[box], sizes[box]
        in_order = sorted(groups.values(), key=lambda edges: (
            centres[routes[edges[0]][1 if end == 0 else -2]][1], edges[0]))
        for i, edges in enumerate(in_order):
            for k in edges:
                found[k] = x + width / 2 * (1 if end == 0 else -1), y + height * ((i + 1) / (len(groups) + 1) - 0.5)
    return found


def way_of(route: Sequence[int], start: Point, end: Point, borders: Sequence[Point], ys: Sequence[float],
           ) -> list[Point]:
    """The points an edge goes through: level where it is within a column, so that it crosses no box."""
    way = [start, (borders[0][1], start[1])]
    for i, (left, right) in zip(route[1:-1], borders[1:-1]):
        way += [(left, ys[i]), (right, ys[i])]
    return [*way, (borders[-1][0], end[1]), end]


def label_place(start: Point, end: Point, letters: int, inputs: int) -> Point:
    """On the middle of the last slope of an edge, or above it where it is nearly level.

    A steep slope crosses many others, so its label stands at the arrow, if there is room for those of all inputs.
    """
    (x0, y0), (x1, y1) = start, end
    if abs(y1 - y0) > STEEP and inputs <= 3:
        return x1 - ARROW - 3.95 * letters, y1 - 8
    return (x0 + x1) / 2, (y0 + y1) / 2 - (9 if abs(y1 - y0) < LABEL_SIZE else 0)


def curved(way: Sequence[Point]) -> list[Point]:
    """A Bézier curve through these points, level at each; what leads back to the left turns round."""
    points = [way[0]]
    for (x0, y0), (x1, y1) in pairwise(way):
        bend = (x1 - x0) / 2 if x1 > x0 - 1 else 30.0
        points += [(x0 + bend, y0), (x1 - bend, y1), (x1, y1)]
    return points
