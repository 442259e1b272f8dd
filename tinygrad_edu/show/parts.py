"""Pictures in parts, such as the time steps of a recurrent graph: each in a frame, and all drawn alike.

A frame has all that its operations are made from: a weight that every time step uses, and what comes out of the
step before, stand in it once more, as ghosts.  So no arrow of the graph leaves its frame, and frames are set in
lines as words are.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

from .layout import ARROW, Edge, Frame, Layout, Point, is_large, lay_out

PAD, HEADING = 8.0, 24.0        # within a frame, in points
APART, BELOW = 30.0, 24.0       # between frames: room for the arrow from one to the next, and between lines
Slot = Any                      # a place in a part, the same in all that are alike: a hashable
Number = TypeVar("Number", int, float)
Curve = tuple[list[Point], Point]


class Parts(NamedTuple):
    """The parts of a picture, one after the other.

    headings    of each part; "" for one without a frame, such as the loss after the last time step
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


def lay_out_parts(width: float, parts: Parts, sizes: Sequence[Point], edges: Sequence[Edge], layout: str) -> Layout:
    """Place each part as `lay_out` does, and the parts in lines of at most this width."""
    blocks = blocks_of(parts, edges)
    framed = [block for block, heading in zip(blocks, parts.headings) if heading]
    common = Pattern(framed, sizes, edges, layout, width)
    patterns = [common if heading else Pattern([block], sizes, edges, layout, width)
                for block, heading in zip(blocks, parts.headings)]
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
    frames = [Frame(heading, corner, common.size) for heading, corner in zip(parts.headings, corners) if heading]
    flow = [arrow_out_of(corner, pattern.size) for corner, pattern in zip(corners[:-1], patterns) if parts.flows]
    return Layout(across, down, in_order(centres), in_order(curves), in_order(labels), common.name, common.note,
                  ghosts, frames, flow)


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


class Pattern:
    """How blocks that are alike are drawn, with places for the boxes and edges of all of them.

    sizes, centres     {place: of the largest box there, and its middle}
    curves, labels     {place: of an edge, and of its label}
    """

    def __init__(self, blocks: Sequence[Block], sizes: Sequence[Point], edges: Sequence[Edge], layout: str,
                 width: float):
        self.sizes: dict[Slot, Point] = {}
        room: dict[Slot, tuple[int, int]] = {}
        for block in blocks:
            for box, slot in block.boxes.items():
                self.sizes[slot] = largest(sizes[box], self.sizes.get(slot, (0, 0)))
            for k, slot in block.edges.items():
                room[slot] = largest((edges[k].letters, edges[k].lines), room.get(slot, (0, 0)))
        number = {slot: i for i, slot in enumerate(self.sizes)}
        arrows = [Edge(number[tail], number[head], *space) for (tail, head, _), space in room.items()]
        placed = upwards_or_across(width - 2 * PAD, list(self.sizes.values()), arrows, layout)
        self.name, self.note = placed.name, placed.note
        self.size = placed.width + 2 * PAD, placed.height + HEADING + PAD
        inside = PAD, HEADING
        self.centres = {slot: moved(centre, inside) for slot, centre in zip(self.sizes, placed.boxes)}
        self.curves = {slot: shifted(curve, inside) for slot, curve in zip(room, placed.curves)}
        self.labels = {slot: moved(label, inside) for slot, label in zip(room, placed.labels)}

    def curve(self, slot: Slot, tail: Point, head: Point) -> Curve:
        """The edge at a place, between boxes of these sizes, which may be smaller than the largest there."""
        points, tip = self.curves[slot]
        start = self.border(slot[0], points[0], tail)
        end = self.border(slot[1], tip, head)
        by = end[0] - tip[0], end[1] - tip[1]
        last = moved(points[-1], by)
        return [start, start, points[0], *points, points[-1], last, last], end

    def border(self, slot: Slot, point: Point, size: Point) -> Point:
        """The point of a box of this size that corresponds to one on the border of the largest."""
        (x, y), (middle, centre), (width, height) = point, self.centres[slot], self.sizes[slot]
        return middle + (x - middle) * size[0] / width, centre + (y - centre) * size[1] / height


def upwards_or_across(width: float, sizes: Sequence[Point], edges: Sequence[Edge], layout: str) -> Layout:
    """A layout upwards, or to the right where that is less wide and the other too wide."""
    layout = "simple" if layout == "auto" and is_large(len(sizes), edges) else layout
    upwards = lay_out(sizes, edges, layout, "BT")
    return upwards if upwards.width <= width else min(upwards, lay_out(sizes, edges, layout), key=lambda p: p.width)


def largest(one: tuple[Number, Number], other: tuple[Number, Number]) -> tuple[Number, Number]:
    return max(one[0], other[0]), max(one[1], other[1])


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
