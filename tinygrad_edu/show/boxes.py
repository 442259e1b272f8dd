"""The boxes of a picture, with the arrows between them: what stands in each, and how it is written as SVG.

Leaves are rounded, operations square with their symbol.  Data is blue, its gradient below it vermillion; on
each arrow stands the local derivative.
"""

import math
import re
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple, Protocol

from ..engine.number import printable
from ..engine.printer import escape
from ..engine.value import Value
from ..symbols.named import NamedGraph
from .folds import Group, links_of, origin_of, way_out
from .layout import Border, Edge, Layout, Point
from .page import sentences
from .svg import LETTER, Words, at, document, letters, number_text

ROW, HEAD, PAD = 17, 23, 7                                  # of a box, in points
NARROW = 34                                                 # room for text in any box, so that a finger finds it
LONGEST = 22                                                # letters of a name in a box
SHORT = 9                                                   # letters that stand on an arrow in one line
BLANKS = ("", "grad", "all")
BLANK = "______"                                            # stands for a number that is to be filled in


def said(key: str, **holes: object) -> str:
    """A sentence about a picture, its holes filled."""
    return sentences("picture")[key].format(**holes)


def legend(with_local: bool = False) -> Words:
    """What stands below a picture of boxes: what the colours mean, and where the numbers stand."""
    words = [("tg-data", "data"), ("tg-quiet", said("above")), ("tg-grad", "grad"), ("tg-quiet", said("below"))]
    return [*words, ("tg-grad", "∂"), ("tg-quiet", said("local"))] if with_local else words


class Figure(Protocol):
    """What stands in a picture: a box, or a circle of a network."""
    @property
    def kind(self) -> str: ...
    @property
    def width(self) -> float: ...
    @property
    def height(self) -> float: ...
    @property
    def sentence(self) -> str: ...
    @property
    def look(self) -> str: ...
    def inside(self, x: float, y: float) -> str: ...


class Box(NamedTuple):
    """What stands in a box."""
    kind: str
    symbol: str
    name: str
    data: str
    grad: str           # "" where there is none: a constant
    formula: str        # how it was made
    brief: str = ""     # the same in few letters
    origin: str = ""    # and at which line, where that is known
    room: float = 0     # the least width, where other numbers will stand there
    look: str = ""      # more classes: what happens to it at a step
    products: Sequence[tuple[str, str]] = ()        # (name, number) of what it adds up, a row for each

    @property
    def rows(self) -> list[tuple[str, str]]:
        if self.kind == "constant" and self.name == self.data:
            return []
        numbers = [("data", self.data)] * bool(self.data) + [("grad", self.grad)] * bool(self.grad)
        return [("product", number) for _, number in self.products] + numbers

    @property
    def badge(self) -> float:
        """The width of the square with the symbol."""
        return max(HEAD, letters(self.symbol) * LETTER + 10) if self.symbol else 0

    @property
    def head(self) -> str:
        """The words at the top: an operation shows what it was made from, so that the order of inputs is seen."""
        return narrowed(self.brief or self.formula if self.kind == "op" else self.name)

    @property
    def width(self) -> float:
        head = letters(self.head) * LETTER + self.badge
        rows = [letters(text) for _, text in self.rows] + [letters(name + number) + 1 for name, number in self.products]
        return max(self.room, max(NARROW, head, *[LETTER * count for count in rows]) + 2 * PAD)

    @property
    def height(self) -> float:
        return HEAD + ROW * len(self.rows) + (6 if self.rows else 0)

    @property
    def sentence(self) -> str:
        if self.kind == "others":
            return self.formula
        told = said("operation" if self.kind == "op" else self.kind, formula=self.formula)
        if self.data:
            told = said("with_data", box=told, data=self.data)
        if self.grad not in ("", "—"):
            told = said("with_gradient", box=told, gradient=self.grad)
        if self.origin:
            told = said("with_origin", box=told, origin=self.origin)
        return told.replace(BLANK, said("to_fill_in"))

    def inside(self, x: float, y: float) -> str:
        """The frame and the texts around a point."""
        return inside_of(self, x, y)


def boxes_of(graph: NamedGraph, groups: list[Group]) -> list[Box]:
    """A box for each group."""
    has_grads = graph.output.grad != 0
    return [box_of_group(graph, group, has_grads) for group in groups]


def box_of_group(graph: NamedGraph, group: Group, has_grads: bool) -> Box:
    """The box of a node, or of a neuron or layer: how many nodes, and the numbers of its only way out."""
    if len(group) == 1:
        return box_of(graph, group[0], has_grads)
    name, end = printable(group.name), way_out(graph, group)
    if all(node.is_constant and not node.parents for node in group):
        return Box("constant", "", name, "", "", name)
    data = "" if end is None else number_text(graph.data[end])
    grad = "" if end is None else number_text(end.grad) if has_grads else "—"
    return Box("op", said("nodes", count=len(group)), name, data, grad, name)


def box_of(graph: NamedGraph, node: Value, has_grads: bool) -> Box:
    """A node's box; a gradient of 0 may be one that was never computed, unless the output has one."""
    if node is graph.stand_in:
        return Box("others", "", graph.others, "", "", said("other_examples", others=graph.others))
    kind = "op" if node.parents else "constant" if node.is_constant else "leaf"
    grad = "" if node.is_constant else number_text(node.grad) if has_grads or node.grad else "—"
    name = graph.texts[node] if graph.labels[node] else graph.texts[node].replace("-", "−")
    if kind == "constant" and not graph.labels[node]:
        name = number_text(graph.data[node])
    made = graph.made(node).replace("-", "−") if node.parents else name
    symbol = printable(node._operation.symbol) if node.parents else ""
    brief = with_few_digits(graph.in_brief(node)).replace("-", "−") if node.parents else name
    own = "" if made == name else f"{name} = "
    return Box(kind, symbol, name, number_text(graph.data[node]), grad, own + made, own + brief, origin_of(node))


def with_few_digits(text: str) -> str:
    """A formula with its long numbers cut to five digits: `x / 1.4142`."""
    return re.sub(r"\d+\.\d{5,}", lambda number: number_text(float(number[0])), text)


def without_answers(box: Box, blank: str) -> Box:
    """A box on a worksheet: blank="grad" has gradients filled in, "all" also what is computed."""
    grad = BLANK if box.grad and blank else box.grad
    return box._replace(grad=grad, data=BLANK if box.kind == "op" and box.data and blank == "all" else box.data)


def narrowed(text: str, longest: int = LONGEST) -> str:
    """Text no wider than so many letters; a short constant or place at its end, `slope=0.1)` or `)[2]`, stays."""
    if letters(text) <= longest:
        return text
    end = re.search(r"(, \w+=[\w.]{1,4}\)|\)\[\d+\])$", text)
    tail = end[0] if end and letters(end[0]) <= longest // 2 else ""
    room = longest - letters(tail)
    cut = next(i for i, width in enumerate(accumulate(map(letters, text))) if width >= room)
    return f"{text[:cut]}…{tail}"


def edges_of(graph: NamedGraph, groups: list[Group]) -> tuple[list[Edge], list[str]]:
    """The edges, by numbers of boxes, and the text on each: the local derivative."""
    links = links_of(graph, groups)
    texts = [local_text(graph, link.node, link.i) for link in links]
    return [Edge(link.tail, link.head, len(text)) for link, text in zip(links, texts)], texts


def local_text(graph: NamedGraph, node: Value, i: int) -> str:
    """What stands on the arrow of input i: the local derivative, where a gradient can go that way."""
    if i < 0 or node.is_constant or graph.stands_for[node.parents[i]].is_constant:
        return ""
    return f"∂ {number_text(float(node.local_grads[i]))}"


def in_lines(product: str) -> list[str]:
    """A product on an arrow, which stands in two lines where it is long."""
    upstream, times, local = product.partition(" ×")
    return [product] if len(product) <= SHORT else [upstream, times.strip() + local]


def room_on_arrow(text: str, product: str) -> tuple[int, int]:
    """(letters, lines) on an arrow: its local derivative, or the product that comes back along it.

    >>> room_on_arrow("∂ 3", "1 × 3"), room_on_arrow("∂ 3", "−0.25 × 3.125"), room_on_arrow("", "")
    ((5, 1), (7, 2), (0, 1))
    """
    lines = in_lines(product)
    return (max(map(len, [text, *lines])), len(lines)) if text else (0, 1)


def as_document(boxes: list[Box], placed: Layout, parts: list[str], words: Words) -> str:
    """The SVG of the parts of a picture, with a title and what each box says."""
    title = said("title", name=boxes[-1].name)
    return document(title, [box.sentence for box in boxes], (placed.width, placed.height), parts, words)


def edge_svg(points: list[Point], tip: Point, text: str, label: Point, look: str = "") -> str:
    """A curve, the arrow at its end, and the text on it; `look`: more classes."""
    pairs = [f"{at(x)} {at(y)}" for x, y in points]
    (x, y), (tip_x, tip_y) = points[-1], tip
    length = math.dist(points[-1], tip) or 1.0
    across_x, across_y = 3.5 * (y - tip_y) / length, 3.5 * (tip_x - x) / length
    corners = [(x + across_x, y + across_y), tip, (x - across_x, y - across_y)]
    arrow = " ".join(f"{at(px)},{at(py)}" for px, py in corners)
    return (f'<g class="tg-edge{look}"><path d="M{pairs[0]} C{" ".join(pairs[1:])}"/><polygon points="{arrow}"/>'
            f"{label_svg(text, *label) if text else ''}</g>")


def label_svg(text: str, x: float, y: float) -> str:
    """Text on an arrow, which is not seen behind it."""
    width = letters(text) * LETTER
    return (f'<rect class="tg-bg" x="{at(x - width / 2)}" y="{at(y - 6.5)}" width="{at(width)}" height="11.5"/>'
            f'<text class="tg-local" text-anchor="middle" x="{at(x)}" y="{at(y + 4)}">{escape(text)}</text>')


def borders_svg(placed: Layout) -> list[str]:
    """The borders around the parts of a picture, with their headings, and the arrows from one to the next."""
    arrows = [edge_svg(*curve, "", (0, 0), " tg-flow") for curve in placed.flow]
    return [*map(border_svg, placed.borders), *arrows]


def border_svg(border: Border) -> str:
    (x, y), (width, height) = border.corner, border.size
    return (f'<g class="tg-ghost"><rect class="tg-box" x="{at(x)}" y="{at(y)}" width="{at(width)}" '
            f'height="{at(height)}" rx="8"/></g><text class="tg-name" x="{at(x + 10)}" y="{at(y + 18)}">'
            f"{escape(border.heading)}</text>")


def box_svg(box: Figure, x: float, y: float) -> str:
    return f'<g class="tg-node tg-{box.kind}{box.look}"><title>{escape(box.sentence)}</title>{box.inside(x, y)}</g>'


def ghost_svg(box: Box, x: float, y: float) -> str:
    """A box that stands in the picture once more."""
    return (f'<g class="tg-ghost tg-{box.kind}{box.look}"><title>{escape(said("same", name=box.name))}</title>'
            f"{inside_of(box, x, y)}</g>")


def inside_of(box: Box, x: float, y: float) -> str:
    """The frame and the texts of a box around a point."""
    width, height, badge = box.width, box.height, box.badge
    left, top = x - width / 2, y - height / 2
    corner = 0 if box.kind == "op" else 8
    frame = f'x="{at(left)}" y="{at(top)}" width="{at(width)}" height="{at(height)}"'
    parts = [f'<rect class="tg-box" {frame} rx="{corner}"/>']
    if box.kind == "others":                                    # a card in front of another
        parts.insert(0, parts[0].replace("/>", ' transform="translate(4 -4)"/>'))
    if box.symbol:
        parts.append(f'<rect class="tg-badge" x="{at(left)}" y="{at(top)}" width="{at(badge)}" height="{HEAD}"/>'
                     f'<text text-anchor="middle" x="{at(left + badge / 2)}" y="{at(top + 16.5)}">'
                     f"{escape(box.symbol)}</text>")
    head = f'x="{at(left + PAD + badge)}" y="{at(top + 16.5)}"'
    parts.append(f'<text class="tg-name" {head}>{escape(box.head)}</text>')
    for i, (name, _) in enumerate(box.products):
        place = f'x="{at(left + PAD)}" y="{at(top + HEAD + 14 + ROW * i)}"'
        parts.append(f'<text class="tg-quiet" {place}>{escape(name)}</text>')
    for i, (kind, number) in enumerate(box.rows):
        right, line, room = left + width - PAD, top + HEAD + 14 + ROW * i, letters(BLANK) * LETTER
        place = f'text-anchor="end" x="{at(right)}" y="{at(line)}"'
        parts.append(f'<text class="tg-{kind}" {place}>{number}</text>' if number != BLANK else
                     blank_svg(kind, right - room, line, room))
    return "".join(parts)


def blank_svg(kind: str, left: float, line: float, width: float) -> str:
    """An empty place for a number, on a line of text; that of a gradient is dashed."""
    return (f'<rect class="tg-blank tg-{kind}" x="{at(left)}" y="{at(line - 11)}" '
            f'width="{at(width)}" height="13"/>')
