"""A network drawn: circles with their numbers, lines as wide as their weights, and boxes for what comes after it.

The width of a line is the size of its weight.  Its sign is told twice: a negative one is dashed, and vermillion.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from ..engine import ops
from ..engine.number import printable
from ..engine.printer import escape
from ..engine.value import Value
from ..symbols.named import NamedGraph
from .boxes import Box, box_of, box_of_group, box_svg, edge_svg, legend, local_text, narrowed, said
from .folds import Group
from .layout import (
    BETWEEN,
    LANE,
    SWEEPS,
    Edge,
    Layout,
    Neighbours,
    Point,
    apart,
    curves_of,
    gaps_of,
    neighbours_of,
    placed_across,
    routed,
)
from .network import (
    GRAD,
    LARGEST,
    ROOMY,
    Grid,
    Line,
    Network,
    Place,
    activation_of,
    biases_of,
    end_of,
    grid,
    weights_of,
)
from .page import asset
from .svg import LETTER, at, document, letters, number_text

LETTERS_IN = 0.21           # in a circle, per point of its radius
HEADING = 40.0              # the room above the columns, for the name of the layer and its activation
KEY = 30.0                  # the room below, for what lines mean
THINNEST, WIDEST = 0.8, 5.0     # line
BEND = 20.0                 # between lines that join the same two circles, in points
DASHES = "6 4"
TEXT = 17.0                 # the height of a line of text
NETWORK_STYLE = asset("network.css").replace("\n", "")
MEANINGS = "weight", "gradient", "product"


# ---- where they stand -------------------------------------------------------------------------------------------


def circles_in(network: Network) -> dict[int, list[int]]:
    """{column: its circles from top to bottom}, for the columns that have some, from left to right."""
    columns: dict[int, list[int]] = {}
    for _, k in sorted((place, k) for k, place in enumerate(network.places) if place):
        columns.setdefault(network.columns[k], []).append(k)
    return dict(sorted(columns.items()))


def grid_of(network: Network) -> Grid:
    return grid([len(column) for column in circles_in(network).values()])


def lay_out_network(network: Network, sizes: Sequence[Point], letters: Sequence[int]) -> Layout:
    """Circles as in a grid, and boxes beside them; first come the curves of the lines, then those of the links.

    letters   in the label of each link
    """
    edges = [Edge(line.tail, line.head) for line in network.lines]
    edges += [Edge(link.tail, link.head, count) for link, count in zip(network.links, letters)]
    routes, places = routed(network.columns, edges)
    spaces = [*sizes, *[LANE] * (len(places) - len(sizes))]
    members: list[list[int]] = [[] for _ in range(max(places) + 1)]
    for i, column in enumerate(places):
        members[column].append(i)
    lefts, width = placed_across(members, spaces, gaps_in(network, edges))
    borders = [(left, left + max(spaces[i][0] for i in column)) for left, column in zip(lefts, members)]
    ys = placed_beside(network, members, spaces, *neighbours_of(routes, places))
    top = min(0.0, *[y - height / 2 for y, (_, height) in zip(ys, spaces)])
    ys = [y - top for y in ys]
    centres = [(sum(borders[c]) / 2, y) for c, y in zip(places, ys)]
    flat = [(w, 0.0 if place else h) for (w, h), place in zip(sizes, network.places)]   # arrows meet a circle's side
    curves, labels = curves_of(routes, centres, flat, [borders[c] for c in places], edges)
    for k, (route, line, bend) in enumerate(zip(routes, network.lines, bends_of(network.lines))):
        if len(route) == 2:
            curves[k] = direct(centres, sizes, line, bend)
    below = [GRAD * bool(place) for place in network.places] + [0.0] * (len(spaces) - len(sizes))
    height = max(y + h / 2 + more for y, (_, h), more in zip(ys, spaces, below))
    return Layout(width, height, centres[:len(sizes)], curves, labels, "columns")


def bends_of(lines: Sequence[Line]) -> list[float]:
    """How far each line bends down, so that several between the same two circles are all seen."""
    counts = Counter((line.tail, line.head) for line in lines)
    seen: Counter[tuple[int, int]] = Counter()
    bends = []
    for line in lines:
        pair = line.tail, line.head
        bends.append(BEND * (seen[pair] - (counts[pair] - 1) / 2))
        seen[pair] += 1
    return bends


def direct(centres: Sequence[Point], sizes: Sequence[Point], line: Line, bend: float) -> tuple[list[Point], Point]:
    """The curve of a line from the right end of one circle or box to the left end of another."""
    (x, y), (to_x, to_y) = centres[line.tail], centres[line.head]
    start, end = (x + sizes[line.tail][0] / 2, y), (to_x - sizes[line.head][0] / 2, to_y)
    between = [(start[0], y + bend), (end[0], to_y + bend)] if bend else [start, end]
    return [start, *between, end], end


def gaps_in(network: Network, edges: Sequence[Edge]) -> list[float]:
    """The room to the left of each column: that of the grid between circles."""
    gaps, placed, columns = gaps_of(network.columns, edges), grid_of(network), list(circles_in(network))
    for (left, right), (one, other) in zip(pairwise(columns), pairwise(placed.columns)):
        if right == left + 1:
            gaps[right] = max(gaps[right], other[0][0] - one[0][0] - 2 * placed.radius)
    return gaps


def placed_beside(network: Network, members: Sequence[Sequence[int]], spaces: Sequence[Point],
                  before: Neighbours, after: Neighbours) -> list[float]:
    """How far down each place is: circles as in the grid, and others near their neighbours, below the circles."""
    ys, least = [0.0] * len(spaces), {}
    for (column, circles), points in zip(circles_in(network).items(), grid_of(network).columns):
        for k, (_, y) in zip(circles, points):
            ys[k] = y
        least[column] = points[-1][1] + grid_of(network).radius + GRAD + BETWEEN
    for sweep in range(SWEEPS):
        near, way = (after, -1) if sweep % 2 else (before, 1)
        for column in range(len(members))[::way]:
            others = [i for i in members[column] if i >= len(network.places) or not network.places[i]]
            wanted = {i: sum(ys[n] for n in near[i]) / len(near[i]) if near[i] else ys[i] for i in others}
            others.sort(key=wanted.__getitem__)
            found = apart([wanted[i] for i in others], [spaces[i][1] + BETWEEN for i in others], [1.0] * len(others))
            top = min((y - spaces[i][1] / 2 for i, y in zip(others, found)), default=0.0)
            down = max(0.0, least.get(column, top) - top)
            for i, y in zip(others, found):
                ys[i] = y + down
    return ys


# ---- what stands in them ----------------------------------------------------------------------------------------


class Circle(NamedTuple):
    """What stands in a circle, and below it: a neuron, an input, or in a long column "… 48 more"."""
    kind: str
    name: str
    data: str           # "" where it is not known, or there is no room for it
    grad: str
    sentence: str
    radius: float
    bias: str = ""
    origin: str = ""
    look: str = ""

    @property
    def formula(self) -> str:
        return f"{self.name} ({self.bias})" if self.bias else self.name

    @property
    def width(self) -> float:
        return self.room + 4 if self.kind == "more" else 2 * self.radius

    @property
    def height(self) -> float:
        return min(2 * self.radius, TEXT) if self.kind == "more" else 2 * self.radius

    @property
    def room(self) -> float:
        """How much room its name takes."""
        return letters(narrowed(self.name)) * LETTER

    @property
    def is_named_outside(self) -> bool:
        """Does the name stand to its left?"""
        return self.kind == "input" and (bool(self.data) or self.room > 2 * self.radius - 8)

    def inside(self, x: float, y: float) -> str:
        """The circle and its texts around a point; a rectangle with round corners is one too."""
        radius, width, height = self.radius, self.width, self.height
        frame = f'x="{at(x - width / 2)}" y="{at(y - height / 2)}" width="{at(width)}" height="{at(height)}"'
        name, is_named = narrowed(self.name), self.kind == "more" or self.room <= 2 * radius - 8
        has_both = self.data and is_named and self.kind == "neuron" and radius >= LARGEST
        texts = [text_at(x, y + (15 if has_both else 4.5), "tg-data", self.data)] if self.data else []
        if self.is_named_outside:
            texts.append(text_at(x - radius - 5, y + 4.5, "tg-name", name, "end"))
        elif is_named and (has_both or not self.data):
            texts.append(text_at(x, y - 2 if has_both else y + 4.5, "tg-name", name))
        if self.grad:
            texts.append(text_at(x, y + radius + 13, "tg-grad", self.grad))
        return f'<rect class="tg-box" {frame} rx="{at(height / 2)}"/>' + "".join(texts)


def text_at(x: float, y: float, kind: str, text: str, anchor: str = "middle") -> str:
    return f'<text class="{kind}" text-anchor="{anchor}" x="{at(x)}" y="{at(y)}">{escape(text)}</text>'


def circle_of(graph: NamedGraph, group: Group, place: Place, radius: float, shown: str) -> Circle:
    """The circle of a group of nodes; what is shown of them is "all", "data", or "" for the parameters alone."""
    name, end = name_of(graph, group, place), end_of(graph, group) if shown else None
    told = [said("input", name=name) if place.kind == "input" else f"{printable(group.name)}, {name}"]
    bias = bias_text(graph, group)
    if place.kind == "more":
        return Circle("more", name, "", "", f"{printable(place.layer)}, {name}", radius)
    if end is None:
        return Circle(place.kind, name, "", "", ", ".join([*told, *[bias] * bool(bias)]), radius, bias)
    data, grad = number_text(graph.data[end]), number_text(end.grad) if shown == "all" and not end.is_constant else ""
    told += [data, *[said("gradient_is", gradient=grad)] * bool(grad), *[bias] * bool(bias)]
    written = (short_number(graph.data[end], LETTERS_IN * radius), grad) if radius >= ROOMY else ("", "")
    return Circle(place.kind, name, *written, ", ".join(told), radius, bias)


def bias_text(graph: NamedGraph, group: Group, written: Callable[[Value], str] | None = None) -> str:
    """`bias b0[2] = 0.25`, or "" where a circle has none; `written`: what stands for its number."""
    return ", ".join(said("bias", name=graph.texts[node], number=written(node) if written else number_text(node.data))
                     for node in biases_of(graph, group))


def name_of(graph: NamedGraph, group: Group, place: Place) -> str:
    """What a circle goes by: `a0[2]`, `x1`, "… 48 more"."""
    end = end_of(graph, group)
    if place.kind == "more" or (place.kind == "input" and not group[0].label):
        return group.name
    return graph.texts[end] if end is not None else printable(graph.labels[group[-1]] or group.name)


def box_or_circle(graph: NamedGraph, network: Network, k: int, radius: float, shown: str) -> Box | Circle:
    """What stands in group k."""
    group, place = network.groups[k], network.places[k]
    if place:
        return circle_of(graph, group, place, radius, shown)
    box = box_of_group(graph, group, shown == "all")
    return box if shown == "all" else box._replace(data=box.data if shown else "", grad="")


def short_number(x: float, room: float) -> str:
    """A number in so many letters, or else with one digit."""
    texts = [number_text(x, digits) for digits in (5, 4, 3, 2, 1)]
    return next((text for text in texts if letters(text) <= room), texts[-1])


# ---- lines --------------------------------------------------------------------------------------------------------


def numbers_of(lines: Sequence[Line], meaning: str) -> list[float]:
    """What the width and the sign of each line say."""
    if meaning == "weight":
        return [line.weight.data for line in lines]
    if meaning == "gradient":
        return [line.weight.grad for line in lines]
    return [line.weight.data * line.x.data for line in lines]


def widths_of(numbers: Sequence[float], widest: float = WIDEST) -> list[float]:
    """How wide lines of these numbers are: relative to the largest, and the smallest are still seen.

    >>> widths_of([0.0, -1.0, 1.0])
    [0.8, 5.0, 5.0]
    """
    most = max((abs(x) for x in numbers if math.isfinite(x)), default=0.0) or 1.0
    return [THINNEST + (widest - THINNEST) * min(1.0, abs(x) / most if x == x else 0.0) for x in numbers]


def widest_line(radius: float) -> float:
    """How wide the line of the largest number is, between circles of this radius."""
    return WIDEST if radius >= ROOMY else WIDEST / 2


def is_straight(curve: tuple[list[Point], Point]) -> bool:
    """Is this a direct way without a bend?"""
    return len(curve[0]) == 4 and curve[0][0] == curve[0][1]


def sample(number: float) -> str:
    """A short line of this sign, for the legend of a page."""
    line = f'<path {line_style(number)} d="M0 4 h30" stroke-width="3"/>'
    return f'<svg width="30" height="8" aria-hidden="true">{line}</svg>'


def line_svg(curve: tuple[list[Point], Point], width: float, number: float, told: str) -> str:
    points = [f"{at(x)} {at(y)}" for x, y in curve[0]]
    way = f"M{points[0]} C{' '.join(points[1:])}" if not is_straight(curve) else f"M{points[0]} L{points[-1]}"
    return f'<path {line_style(number)} d="{way}" stroke-width="{at(width)}"><title>{escape(told)}</title></path>'


def line_style(number: float) -> str:
    """The attributes that tell the sign of a line; one of 0 is grey."""
    if number == 0:
        return 'class="tg-line tg-zero"'
    return f'class="tg-line tg-minus" stroke-dasharray="{DASHES}"' if number < 0 else 'class="tg-line tg-plus"'


def line_sentence(graph: NamedGraph, network: Network, line: Line, shown: str) -> str:
    """`w0[2,1] = −0.53, gradient 0.12, × x1 = −1.06`."""
    weight, x = line.weight, line.x
    told = [f"{graph.texts[weight]} = {number_text(weight.data)}"]
    told += [said("gradient_is", gradient=number_text(weight.grad))] * (shown == "all" or bool(weight.grad))
    told += [f"× {name_of_input(graph, network, line)} = {number_text(weight.data * graph.data[x])}"] * bool(shown)
    return ", ".join(told)


# ---- all of it ----------------------------------------------------------------------------------------------------


class Scene(NamedTuple):
    """A network with a place for everything.

    placed     where circles and boxes are, and arrows: the lines first
    headings   (x, y, class, text) of the name and the activation of each layer
    numbers    what the lines say, and `widths` how wide they are
    """
    placed: Layout
    headings: list[tuple[float, float, str, str]]
    numbers: list[float]
    widths: list[float]


def scene_of(graph: NamedGraph, network: Network, boxes: Sequence[Box | Circle], counts: Sequence[int],
             meaning: str = "weight") -> Scene:
    """Where everything stands.

    boxes     what stands in the groups, and `counts` how many letters on each link
    """
    placed = lay_out_network(network, [(box.width, box.height) for box in boxes], counts)
    headings = headings_of(graph, network, placed)
    sides = [(x - letters(text) * LETTER / 2, x + letters(text) * LETTER / 2) for x, _, _, text in headings]
    sides += [(x - box.width / 2 - box.room - 5, x) for box, (x, _) in zip(boxes, placed.boxes)
              if isinstance(box, Circle) and box.is_named_outside]
    left, right = -min(0.0, *[side for side, _ in sides]), max(placed.width, *[side for _, side in sides])
    numbers = numbers_of(network.lines, meaning)
    widths = widths_of(numbers, widest_line(grid_of(network).radius))
    headings = [(x + left, y, kind, text) for x, y, kind, text in headings]
    return Scene(moved(placed._replace(width=right), left, HEADING), headings, numbers, widths)


def moved(placed: Layout, right: float, down: float) -> Layout:
    """A layout that begins further right and down."""
    def there(point: Point) -> Point:
        return point[0] + right, point[1] + down
    return placed._replace(
        width=placed.width + right, height=placed.height + down, boxes=list(map(there, placed.boxes)),
        curves=[(list(map(there, points)), there(tip)) for points, tip in placed.curves],
        labels=list(map(there, placed.labels)))


def headings_of(graph: NamedGraph, network: Network, placed: Layout) -> list[tuple[float, float, str, str]]:
    """The name and the activation of each layer, above its column."""
    found = []
    for circles in circles_in(network).values():
        k = circles[0]
        place = network.places[k]
        if place and place.kind == "input":
            texts = [said("inputs")]
        else:
            texts = [printable(place.layer) if place else "", activation_of(graph, network.groups[k])]
        found += [(placed.boxes[k][0], 14.0 + 16 * i, "tg-quiet" if i else "tg-name", text)
                  for i, text in enumerate(texts) if text]
    return found


def key_svg(y: float, meaning: str, numbers: Sequence[float]) -> tuple[list[str], float]:
    """(SVG, width) of what lines mean: how a positive one looks, and a negative one, and how wide the largest is."""
    most = max((abs(x) for x in numbers if x == x), default=0.0)
    told = said(f"lines_{meaning}")
    x = letters(told) * LETTER + 10
    parts = [text_at(0, y, "tg-quiet", told, "start")]
    for number, sign in ((1.0, "+"), (-1.0, "−")):
        parts.append(f'<path {line_style(number)} d="M{at(x)} {at(y - 4)} h30" stroke-width="3"/>')
        parts.append(text_at(x + 36, y, "tg-quiet", sign, "start"))
        x += 60
    wedge = f"{at(x)},{at(y - 4.4)} {at(x + 40)},{at(y - 6.5)} {at(x + 40)},{at(y - 1.5)} {at(x)},{at(y - 3.6)}"
    range_told = f"0 … {number_text(most, 3)}"
    parts += [f'<polygon class="tg-wedge" points="{wedge}"/>', text_at(x + 46, y, "tg-quiet", range_told, "start")]
    return parts, x + 46 + letters(range_told) * LETTER


def picture_of(graph: NamedGraph, network: Network, meaning: str, title: str, shown: str) -> str:
    """The SVG of a network, in which lines have this meaning.

    shown   what is known of its nodes: "all", "data" without gradients, or "" for no numbers but the parameters
    """
    radius = grid_of(network).radius
    boxes = [box_or_circle(graph, network, k, radius, shown) for k in range(len(network.groups))]
    texts = [local_text(graph, link.node, link.i) if shown else "" for link in network.links]
    placed, headings, numbers, widths = scene_of(graph, network, boxes, list(map(len, texts)), meaning)
    sentences = [line_sentence(graph, network, line, shown) for line in network.lines]
    in_order = sorted(range(len(numbers)), key=widths.__getitem__)      # so that wide ones are seen
    arrows = zip(placed.curves[len(numbers):], texts, placed.labels[len(numbers):])
    key, key_width = key_svg(placed.height + KEY - 8, meaning, numbers)
    parts = [f"<style>{NETWORK_STYLE}</style>",
             *[line_svg(placed.curves[i], widths[i], numbers[i], sentences[i]) for i in in_order],
             *[edge_svg(*curve, text, label) for curve, text, label in arrows],
             *[box_svg(box, *centre) for box, centre in zip(boxes, placed.boxes)],
             *[text_at(*heading) for heading in headings],
             *key]
    size = max(placed.width, key_width), placed.height + KEY
    return document(title, [*[box.sentence for box in boxes], *sentences], size, parts,
                    legend() if shown == "all" else legend()[:1] if shown else [])


# ---- a neuron, opened ---------------------------------------------------------------------------------------------


def box_inside(graph: NamedGraph, group: Group, products: Sequence[tuple[str, str]]) -> Box:
    """The box of an operation of a neuron, with its own parameters; w · x has a row for each product."""
    end = next(node for node in reversed(group) if node.parents or len(group) == 1)
    box = box_of(graph, end, True)
    made = f"{box.name} = w · x"
    return box._replace(formula=made, brief=made, products=products) if end._operation is ops.dot else box


def products_of(graph: NamedGraph, network: Network, neuron: int) -> list[tuple[str, str]]:
    """(product in symbols, number) of each line that leads to a neuron, and how many more there are."""
    lines = [line for line in network.lines if line.head == neuron]
    count = len(dict.fromkeys(weight for weight, _ in weights_of(graph, network.groups[neuron]))) - len(lines)
    found = [(f"{graph.texts[line.weight]} × {name_of_input(graph, network, line)}",
              number_text(line.weight.data * graph.data[line.x])) for line in lines]
    return found + [(said("more", count=count), "")] * (count > 0)


def name_of_input(graph: NamedGraph, network: Network, line: Line) -> str:
    """What a weight multiplies."""
    place, group = network.places[line.tail], network.groups[line.tail]
    return name_of(graph, group, place) if place and place.kind == "input" else graph.texts[line.x]
