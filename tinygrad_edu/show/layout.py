"""Where the boxes of a picture go.

Graphviz is asked for coordinates only: it sees numbered boxes of fixed size and never a word
of the user's.  Where it cannot run, a plain layered layout takes its place.
"""

import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from . import embedded

Point = tuple[float, float]
ENGINES = ("auto", "embedded", "dot", "simple")
LABEL_SIZE = 12             # of the edge labels, in points; Graphviz takes 0.6 of it for a letter


class Edge(NamedTuple):
    """An edge between two boxes, by number, with room for a label of so many letters."""
    tail: int
    head: int
    letters: int = 0


class Layout(NamedTuple):
    """A picture's coordinates, in points, y downwards.

    boxes     the centre of each box
    curves    per edge the points of its Bézier curve, and the tip of its arrow
    labels    per edge the centre of its label
    engine    which engine placed them
    """
    width: float
    height: float
    boxes: list[Point]
    curves: list[tuple[list[Point], Point]]
    labels: list[Point]
    engine: str


def lay_out(sizes: Sequence[Point], edges: Sequence[Edge], engine: str = "auto") -> Layout:
    """Place boxes of these (width, height) from left to right along the edges.

    engine   "auto": the embedded Graphviz, or the simple layout where that cannot run;
             "embedded", "dot" (the system's, by the package graphviz) or "simple" to insist
    """
    if engine not in ENGINES:
        raise ValueError(f"engine={engine!r}: write one of {', '.join(ENGINES)}")
    if engine == "simple":
        return simple(sizes, edges)
    dot = dot_text(sizes, edges)
    if engine == "dot":
        return from_json(system_dot(dot), len(edges), "dot")
    try:
        return from_json(embedded.render(dot, "json0"), len(edges), "embedded")
    except embedded.LayoutUnavailable:
        if engine == "embedded":
            raise
        return simple(sizes, edges)


def dot_text(sizes: Sequence[Point], edges: Sequence[Edge]) -> str:
    lines = ["digraph {", "rankdir=LR; nodesep=0.3; ranksep=0.4;",
             'node [shape=box, fixedsize=true, label=""];', f'edge [fontname="Courier", fontsize={LABEL_SIZE}];']
    lines += [f"{i} [width={w / 72:.4f}, height={h / 72:.4f}];" for i, (w, h) in enumerate(sizes)]
    lines += [f'{e.tail} -> {e.head} [number={k}, label="{"0" * e.letters}"];' for k, e in enumerate(edges)]
    return "\n".join([*lines, "}"])


def system_dot(dot: str) -> bytes:
    import graphviz
    try:
        return graphviz.Source(dot).pipe(format="json0")
    except graphviz.ExecutableNotFound:
        raise embedded.LayoutUnavailable(
            'engine="dot" needs the program dot of Graphviz on the PATH; the default engine needs no program') from None


def from_json(answer: bytes, count: int, engine: str) -> Layout:
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
    return Layout(width, height, boxes, curves, labels, engine)


# ---- the last resort -------------------------------------------------------------------------------


def simple(sizes: Sequence[Point], edges: Sequence[Edge]) -> Layout:
    """Columns by distance from the leaves, straight edges; crossings are reduced, not removed."""
    columns = in_columns(len(sizes), edges)
    gap_x, gap_y = 60 + 7.2 * max((e.letters for e in edges), default=0), 24
    height = max(sum(sizes[i][1] + gap_y for i in column) for column in columns)
    boxes: list[Point] = [(0.0, 0.0)] * len(sizes)
    left = 0.0
    for column in columns:
        width = max(sizes[i][0] for i in column)
        top = (height - sum(sizes[i][1] + gap_y for i in column)) / 2
        for i in column:
            boxes[i] = left + width / 2, top + (sizes[i][1] + gap_y) / 2
            top += sizes[i][1] + gap_y
        left += width + gap_x
    curves, labels = [], []
    for k, e in enumerate(edges):
        twins = [j for j, other in enumerate(edges) if other[:2] == e[:2]] if len(edges) < 400 else [k]
        shift = 14.0 * (twins.index(k) - (len(twins) - 1) / 2)
        (x0, y0), (x1, y1) = boxes[e.tail], boxes[e.head]
        start, tip = (x0 + sizes[e.tail][0] / 2, y0 + shift), (x1 - sizes[e.head][0] / 2, y1 + shift)
        length = math.dist(start, tip) or 1.0
        end = tip[0] - 9 * (tip[0] - start[0]) / length, tip[1] - 9 * (tip[1] - start[1]) / length
        curves.append(([start, start, end, end], tip))
        labels.append(((start[0] + tip[0]) / 2, (start[1] + tip[1]) / 2 - 7))
    return Layout(left - gap_x, height, boxes, curves, labels, "simple")


def in_columns(count: int, edges: Sequence[Edge]) -> list[list[int]]:
    """Boxes by column; edges go from a lower column to a higher.  Boxes come in topological order."""
    parents: list[list[int]] = [[] for _ in range(count)]
    children: list[list[int]] = [[] for _ in range(count)]
    for e in edges:
        parents[e.head].append(e.tail)
        children[e.tail].append(e.head)
    column = [0] * count
    for i in range(count):
        column[i] = max((column[p] + 1 for p in parents[i]), default=0)
    for i in reversed(range(count)):            # leaves stand next to what uses them first
        if children[i] and not parents[i]:
            column[i] = min(column[c] for c in children[i]) - 1
    columns: list[list[int]] = [[i for i in range(count) if column[i] == c] for c in range(max(column) + 1)]
    columns = [c for c in columns if c]
    place = {i: float(k) for c in columns for k, i in enumerate(c)}
    for c in columns:
        c.sort(key=lambda i: (sum(place[p] for p in parents[i]) / len(parents[i])) if parents[i] else place[i])
        place |= {i: float(k) for k, i in enumerate(c)}
    return columns
