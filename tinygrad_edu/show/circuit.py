"""The graph as lectures draw it, as a circuit: round gates, the value above each wire, its gradient below.

A leaf is a name at the left.  A gate has a wire to its right, on which its two numbers stand; from the
end of that wire thinner ones lead to the gates that use it.
"""

import math
from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple

from ..engine.number import printable
from ..engine.printer import escape
from ..engine.value import Value
from ..symbols.named import NamedGraph
from .boxes import BLANK, Box, as_document, blank_svg, boxes_of, legend, narrowed, without_answers
from .drawing import Drawing
from .folds import folded
from .layout import Edge, Layout, Point, column_of, curved, simple
from .rows import ENOUGH, PAPER, lay_out_in, scale_in
from .svg import LETTER, at, letters, number_text

RADIUS, LINE = 12, 36           # of a gate, and of what stands above and below a wire, in points
SMALL, DIGIT = ' font-size="11"', 6.7    # of the numbers on a wire, and the width of a digit
OVERHANG = 16                   # how far a wire reaches into the gap between two columns
NAME = 16                       # the room for a name above a gate
NARROWEST_WIRE = 3              # letters
MOST_GATES = 100                # more are no help to anybody
SYMMETRIC = frozenset(("+", "×", "max", "min", "Σ", "Π", "mean", "log Σ exp", "hypot", "=", "≠"))
RAISED = str.maketrans("0123456789−.", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻·")


class Part(NamedTuple):
    """A leaf or a gate, and the wire that leaves it."""
    kind: str           # as of a box: "leaf", "constant" or "op"
    symbol: str         # in the gate; "" of a leaf
    name: str           # of a leaf, or above a gate that has one
    data: str
    grad: str
    sentence: str       # read aloud
    in_order: bool      # do its inputs stand from top to bottom, since their order matters?

    @property
    def body(self) -> float:
        """The width of the gate, or of the name of a leaf."""
        return max(2 * RADIUS, letters(self.symbol) * LETTER + 10) if self.symbol else letters(self.name) * LETTER + 5

    @property
    def wire(self) -> float:
        """The length of the wire, on which the numbers stand, and the rest of a long name of the gate."""
        numbers = max(NARROWEST_WIRE, letters(self.data), letters(self.grad)) * DIGIT + 3
        return max(numbers, letters(self.name) * LETTER - self.body)

    @property
    def size(self) -> Point:
        """What it asks of the layout: the end of the wire may be in the gap."""
        return self.body + self.wire - OVERHANG, LINE + 2 * NAME * bool(self.symbol and self.name)


def circuit_of(graph: NamedGraph, layout: str, fold: str, blank: str = "") -> Drawing:
    """`draw` in the style of a circuit, for up to 100 nodes: three digits, and plain numbers in the gates, as `+1`."""
    if layout not in ("auto", "simple") or fold not in ("auto", "none"):
        raise ValueError(f'style="circuit" has a layout of its own and folds nothing, so layout={layout!r}, '
                         f"fold={fold!r} cannot be: leave them out")
    if len(graph.nodes) > MOST_GATES:
        raise ValueError(f'the graph has {len(graph.nodes)} nodes, too many for style="circuit" (at most '
                         f'{MOST_GATES}): leave the style out')
    within = {node: number for node in graph.nodes if (number := number_within(graph, node)) is not None}
    taken_in = {i for i, node in enumerate(graph.nodes) if within_all(graph, node, within)}
    groups = [group for i, group in enumerate(folded(graph.nodes, "none")) if i not in taken_in]
    boxes = [without_answers(box, blank) for box in boxes_of(graph, groups)]
    parts = [part_of(graph, group[0], box, within.get(group[0])) for group, box in zip(groups, boxes)]
    place = {group[0]: i for i, group in enumerate(groups)}
    edges = [Edge(place[parent], i) for node, i in place.items() for parent in graph.parents(node)
             if parent is not within.get(node)]
    drawn, placed = circuit(parts, edges)
    return Drawing(as_document(boxes, placed, drawn, legend()), placed.name, boxes[-1].name)


def number_within(graph: NamedGraph, node: Value) -> Value | None:
    """The plain number that stands in the gate of + − × ÷: the 1 of `1 + x`."""
    plain = [parent for parent in graph.parents(node) if is_plain(parent)]
    return plain[0] if node.parents and node._operation.symbol in "+−×÷" and len(plain) == 1 else None


def is_plain(node: Value) -> bool:
    return node.is_constant and not node.parents and not node.label


def within_all(graph: NamedGraph, number: Value, within: dict[Value, Value]) -> bool:
    """Does this number stand in every gate that uses it?"""
    users = graph.users[number]
    return bool(users) and all(within.get(node) is number for node in users)


def part_of(graph: NamedGraph, node: Value, box: Box, number: Value | None) -> Part:
    """A node as a leaf or gate; a gate is named only where its user named it."""
    name = narrowed(printable(graph.labels[node]) if box.symbol else box.name)
    data = "" if box.kind == "constant" and box.name == box.data else in_few_digits(graph.data[node])
    data = BLANK if box.data == BLANK else data
    grad = box.grad if box.grad in ("", "—", BLANK) else in_few_digits(node.grad)
    return Part(box.kind, in_gate(graph, node, box.symbol, number), name, data, grad, box.sentence,
                box.symbol not in SYMMETRIC)


def in_gate(graph: NamedGraph, node: Value, symbol: str, number: Value | None) -> str:
    """The symbol of an operation with the number it has: `+1`, `1/x`, `x³`."""
    if number is not None:
        text = number_text(number.data)
        comes_first = graph.parents(node)[0] is number and symbol not in SYMMETRIC
        return (f"{text}{symbol}x" if comes_first else f"{symbol}{text}").replace("÷", "/")
    if symbol == "xⁿ":
        return "x" + number_text(float(node.constants["n"])).translate(RAISED)
    return symbol


def in_few_digits(x: float) -> str:
    """A number on a wire: three digits, as on slides, or five of a large one."""
    return number_text(x, 3 if abs(x) < 1000 else 5)


# ---- parts and wires -----------------------------------------------------------------------------------


def circuit(parts: Sequence[Part], edges: Sequence[Edge]) -> tuple[list[str], Layout]:
    """(SVG of the wires and parts, where they are); in rows where it would be small on paper."""
    sizes = [part.size for part in parts]
    placed = simple(sizes, edges, leaves_first(len(parts), edges))
    if scale_in(PAPER, placed) < ENOUGH:
        placed = lay_out_in(PAPER, sizes, edges, "simple", ENOUGH)
    heights: list[list[float]] = [[y] for _, y in placed.boxes]             # of each part, wherever it stands
    for i, (_, y) in placed.ghosts:
        heights[i].append(y)
    wires = [wire_svg(points, tip, end, heights[edge.tail], heights[edge.head])
             for edge, (points, tip), end in zip(edges, placed.curves, ends_of(parts, edges, placed))]
    drawn = [f'<g class="tg-node tg-{part.kind}"><title>{escape(part.sentence)}</title>{part_svg(part, *centre)}</g>'
             for part, centre in zip(parts, placed.boxes)]
    ghosts = [f'<g class="tg-ghost tg-{parts[i].kind}">{part_svg(parts[i], *centre)}</g>'
              for i, centre in placed.ghosts]
    return [*wires, *drawn, *ghosts], placed._replace(width=placed.width + OVERHANG)


def leaves_first(count: int, edges: Sequence[Edge]) -> list[int]:
    """The column of each part, all leaves in the first."""
    inner = {edge.head for edge in edges}
    return [column if i in inner else 0 for i, column in enumerate(column_of(count, edges))]


def ends_of(parts: Sequence[Part], edges: Sequence[Edge], placed: Layout) -> list[float]:
    """How far down each wire ends: where the layout had it, or in the order of the inputs where that matters."""
    ends = [tip[1] for _, tip in placed.curves]
    arriving: dict[int, list[int]] = {}
    for k, edge in enumerate(edges):
        arriving.setdefault(edge.head, []).append(k)
    for head, wires in arriving.items():
        if parts[head].in_order:
            for k, y in zip(wires, sorted(ends[k] for k in wires)):
                ends[k] = y
    return ends


def wire_svg(points: Sequence[Point], tip: Point, end: float, tails: Sequence[float], heads: Sequence[float]) -> str:
    """A wire from the end of that of a part, wherever the layout had it leave, to the round of a gate.

    end            how far down it arrives
    tails, heads   how far down the part and the gate are, in each row in which they stand
    """
    level = points[0][1]
    start, middle = nearest(tails, level), nearest(heads, tip[1])
    fall = max(-0.85 * RADIUS, min(0.85 * RADIUS, end - middle))
    left = points[0][0] + OVERHANG, start
    reached = tip[0] + RADIUS - math.sqrt(RADIUS ** 2 - fall ** 2), middle + fall
    between = points[3:-1:3]                            # the curve goes through every third of its points
    leaving = sum(1 for _ in takewhile(lambda point: point[1] == level, between))
    way = [(x, start if i < leaving else middle + fall if y == tip[1] else y) for i, (x, y) in enumerate(between)]
    way = curved([left, *[point for point in way if point[0] > left[0]], reached])
    pairs = [f"{at(x)} {at(y)}" for x, y in way]
    return f'<g class="tg-edge"><path d="M{pairs[0]} C{" ".join(pairs[1:])}"/></g>'


def nearest(choices: Sequence[float], y: float) -> float:
    return min(choices, key=lambda choice: abs(choice - y))


def part_svg(part: Part, x: float, y: float) -> str:
    """A leaf or gate around a point, its wire, and the numbers on it."""
    left, body = x - part.size[0] / 2, part.body
    middle = left + body + part.wire / 2
    drawn = [f'<g class="tg-edge"><path d="M{at(left + body)} {at(y)} H{at(left + body + part.wire)}"/></g>']
    if part.symbol:
        drawn += [f'<rect class="tg-box" x="{at(left)}" y="{at(y - RADIUS)}" width="{at(body)}" '
                  f'height="{2 * RADIUS}" rx="{RADIUS}"/>', centred("tg-symbol", left + body / 2, y + 4.5, part.symbol)]
    if part.name:
        width = letters(part.name) * LETTER         # a long one begins at the left end: wires come from there
        place = (left + max(body, width) / 2, y - RADIUS - 5) if part.symbol else (left + width / 2, y + 4.5)
        drawn.append(centred("tg-name", *place, part.name))
    drawn += [centred("tg-data", middle, y - 4, part.data, SMALL), centred("tg-grad", middle, y + 12, part.grad, SMALL)]
    return "".join(drawn)


def centred(kind: str, x: float, y: float, text: str, small: str = "") -> str:
    if text == BLANK:
        room = letters(BLANK) * DIGIT
        return blank_svg(kind.removeprefix("tg-"), x - room / 2, y, room)
    place = f'text-anchor="middle" x="{at(x)}" y="{at(y)}"'
    return f'<text class="{kind}"{small} {place}>{escape(text)}</text>' if text else ""
