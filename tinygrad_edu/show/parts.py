"""Pictures in parts, such as the time steps of a recurrent graph: each within a border, and all drawn alike.

A part has all that its operations are made from: a weight that every time step uses, and what comes out of the
step before, stand in it once more, as ghosts.  So no arrow of the graph leaves its part, and parts are set in
lines as words are.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .layout import ARROW, Border, Edge, Layout, Point, is_large, lay_out

PAD, HEADING = 8.0, 24.0        # within a border, in points
APART, BELOW = 30.0, 34.0       # between parts: room for the arrow from one to the next, and between lines
Slot = Any                      # a place in a part, the same in all that are alike: a hashable
Curve = tuple[list[Point], Point]
Place = Callable[[Sequence[Point], Sequence[Edge]], Layout]


class Parts(NamedTuple):
    """The parts of a picture, one after the other.

    headings    of each part; "" for one without a border, such as the loss after the last time step
    part        of each box
    keys        what each box is in its part, the same for its likes in other parts; -1 for a leaf
    flows       whether each part is made from the one before
    """
    headings: list[str]
    part: list[int]
    keys: list[int]
    flows: bool


class Block(NamedTuple):
    """A part and what its edges come from: {box: its place} and {edge: its place}."""
    boxes: dict[int, Slot]
    edges: dict[int, Slot]


def lay_out_parts(width: float, parts: Parts, sizes: Sequence[Point], edges: Sequence[Edge], layout: str,
                  ways: Sequence[str] = ("BT", "LR")) -> Layout:
    """Place each part as `lay_out` does, in the first of these ways that is not too wide, and the parts in lines."""
    blocks = blocks_of(parts, edges)

    def place(own: Sequence[Point], its_edges: Sequence[Edge]) -> Layout:
        return narrow(width - 2 * PAD, own, its_edges, layout, ways)
    patterns = patterns_of(blocks, parts.headings, sizes, edges, place)
    corners, (across, down) = in_lines(width, [pattern.size for pattern in patterns])
    centres: dict[int, Point] = {}
    ghosts: list[tuple[int, Point]] = []
    curves: dict[int, Curve] = {}
    labels: dict[int, Point] = {}
    for part, (block, pattern, corner) in enumerate(zip(blocks, patterns, corners)):
        spots = [(box, moved(pattern.centres[slot], corner)) for box, slot in block.boxes.items()]
        centres |= {box: spot for box, spot in spots if parts.part[box] == part}
        ghosts += [(box, spot) for box, spot in spots if parts.part[box] != part]
        for k, slot in block.edges.items():
            curves[k] = shifted(pattern.curve(slot, sizes[edges[k].tail], sizes[edges[k].head]), corner)
            labels[k] = moved(pattern.labels[slot], corner)
    borders = [Border(heading, corner, pattern.size)
               for heading, corner, pattern in zip(parts.headings, corners, patterns) if heading]
    flow = [arrow_out_of(corner, pattern.size) for corner, pattern in zip(corners[:-1], patterns) if parts.flows]
    return Layout(across, down, in_order(centres), in_order(curves), in_order(labels), patterns[0].name,
                  patterns[0].note, ghosts, borders, flow)


def in_order(found: dict[int, Any]) -> list[Any]:
    """What is found for 0, 1, 2 and so on."""
    return [found[i] for i in range(len(found))]


def blocks_of(parts: Parts, edges: Sequence[Edge]) -> list[Block]:
    """The parts, each with what its edges come from.

    The place of an operation is its key.  That of anything else is where it is used first, so that what stands for
    the same thing, such as h₀ in the first time step and h₁ in the next, has the same place.
    """
    blocks = [Block({}, {}) for _ in parts.headings]
    for box, (part, key) in enumerate(zip(parts.part, parts.keys)):
        if key >= 0:
            blocks[part].boxes[box] = key
    inputs: Counter[int] = Counter()
    uses: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for edge in edges:
        part = parts.part[edge.head]
        if edge.tail not in blocks[part].boxes:
            uses.setdefault((part, edge.tail), []).append((parts.keys[edge.head], inputs[edge.head]))
        inputs[edge.head] += 1
    for (part, box), its in uses.items():
        blocks[part].boxes[box] = min(its)
    twins: Counter[tuple[int, int]] = Counter()
    for k, edge in enumerate(edges):
        boxes, its_edges = blocks[parts.part[edge.head]]
        its_edges[k] = boxes[edge.tail], boxes[edge.head], twins[edge.tail, edge.head]
        twins[edge.tail, edge.head] += 1
    return blocks


def patterns_of(blocks: Sequence[Block], headings: Sequence[str], sizes: Sequence[Point], edges: Sequence[Edge],
                place: Place) -> list["Pattern"]:
    """How each block is drawn: those with a border all alike."""
    framed = [block for block, heading in zip(blocks, headings) if heading]
    common = Pattern(framed, sizes, edges, place, (PAD, HEADING)) if framed else None
    return [common if common and heading else Pattern([block], sizes, edges, place, (0.0, 0.0))
            for block, heading in zip(blocks, headings)]


class Pattern:
    """How blocks that are alike are drawn, with places for the boxes and edges of all of them.

    sizes, centres     {place: of the largest box there, and its middle}
    curves, labels     {place: of an edge, and of its label}
    """

    def __init__(self, blocks: Sequence[Block], sizes: Sequence[Point], edges: Sequence[Edge], place: Place,
                 inside: Point):
        self.sizes: dict[Slot, Point] = {}
        room: dict[Slot, tuple[int, ...]] = {}              # letters, lines and weight
        for block in blocks:
            for box, slot in block.boxes.items():
                self.sizes[slot] = largest(sizes[box], self.sizes.get(slot, (0, 0)))
            for k, slot in block.edges.items():
                room[slot] = largest(edges[k][2:], room.get(slot, (0, 0, 0)))
        number = {slot: i for i, slot in enumerate(self.sizes)}
        arrows = [Edge(number[tail], number[head], *space) for (tail, head, _), space in room.items()]
        placed = place(list(self.sizes.values()), arrows)
        self.name, self.note = placed.name, placed.note
        self.size = placed.width + 2 * inside[0], placed.height + inside[0] + inside[1]
        self.centres = {slot: moved(centre, inside) for slot, centre in zip(self.sizes, placed.boxes)}
        self.curves = {slot: shifted(curve, inside) for slot, curve in zip(room, placed.curves)}
        self.labels = {slot: moved(label, inside) for slot, label in zip(room, placed.labels)}

    def curve(self, slot: Slot, tail: Point, head: Point) -> Curve:
        """The edge at a place, between boxes of these sizes, which may be smaller than the largest there."""
        points, tip = self.curves[slot]
        if (tail, head) == (self.sizes[slot[0]], self.sizes[slot[1]]):
            return points, tip
        start = self.border(slot[0], points[0], tail)
        end = self.border(slot[1], tip, head)
        by = end[0] - tip[0], end[1] - tip[1]
        last = moved(points[-1], by)
        return [start, start, points[0], *points, points[-1], last, last], end

    def border(self, slot: Slot, point: Point, size: Point) -> Point:
        """The point of a box of this size that corresponds to one on the border of the largest."""
        (x, y), (middle, centre), (width, height) = point, self.centres[slot], self.sizes[slot]
        return middle + (x - middle) * size[0] / width, centre + (y - centre) * size[1] / height


def narrow(width: float, sizes: Sequence[Point], edges: Sequence[Edge], layout: str, ways: Sequence[str]) -> Layout:
    """A layout in the first of these ways that is no wider than this, or in the one that is least wide."""
    layout = "simple" if layout == "auto" and is_large(len(sizes), edges) else layout
    tried = []
    for way in ways:
        tried.append(lay_out(sizes, edges, layout, way))
        if tried[-1].width <= width:
            break
    return min(tried, key=lambda placed: placed.width)


def largest(one: tuple[Any, ...], other: tuple[Any, ...]) -> Any:
    return tuple(map(max, one, other))


def moved(point: Point, by: Point) -> Point:
    return point[0] + by[0], point[1] + by[1]


def shifted(curve: Curve, by: Point) -> Curve:
    return [moved(point, by) for point in curve[0]], moved(curve[1], by)


def in_lines(width: float, sizes: Sequence[Point]) -> tuple[list[Point], Point]:
    """(the upper left corner of each block, the size of all); no block in a line is higher than its first."""
    lines: list[list[Point]] = []
    room = 0.0
    for size in sizes:
        if not lines or size[0] > room or size[1] > lines[-1][0][1]:
            lines.append([])
            room = width
        lines[-1].append(size)
        room -= size[0] + APART
    corners: list[Point] = []
    top = across = 0.0
    for line in lines:
        left, height = 0.0, max(h for _, h in line)
        for w, h in line:
            corners.append((left, top + (height - h) / 2))
            left += w + APART
        top, across = top + height + BELOW, max(across, left)
    return corners, (across, top - BELOW)


def arrow_out_of(corner: Point, size: Point) -> Curve:
    """From the middle of the right side of a block to the next, or, at the end of a line, out of it."""
    start = corner[0] + size[0], corner[1] + size[1] / 2
    last = start[0] + APART - ARROW, start[1]
    return [start, start, last, last], (start[0] + APART, start[1])
