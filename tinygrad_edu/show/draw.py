"""The graph as a picture: SVG with every number in it.

Leaves are rounded boxes, operations square ones with their symbol.  Data is blue, its gradient
below it vermillion; on each edge stands the local derivative.  The same graph gives the same bytes.
"""

import math
import re
import unicodedata
import warnings
from collections.abc import Callable
from itertools import accumulate, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..engine.number import format_number, printable
from ..engine.printer import escape
from ..engine.value import Value
from ..files import write_whole
from ..symbols.named import NamedGraph, is_input
from . import embedded
from .layout import Edge, Layout, chosen_layout
from .page import asset
from .rows import lay_out_in

if TYPE_CHECKING:
    import graphviz

MOST_NODES = 2000
LETTER, ROW, HEAD, PAD = 7.9, 17, 23, 7                     # of a box, in points
MARGIN, LEGEND, NARROWEST = 12, 30, 400                     # the legend must fit
PAPER, ENOUGH = (1000.0, 700.0), 0.7                        # what is smaller there is broken into rows
NARROW = 34                                                 # room for text in any box, so that a finger finds it
LONGEST = 22                                                # letters of a name in a box

STYLE = asset("graph.css").replace("\n", "")


class Drawing:
    """A finished picture.

    svg      its text
    layout   what placed the boxes: "embedded" (Graphviz), "dot", or "simple" where neither runs
    note     why the layout is simple, where nobody asked for that, or ""

    Notebooks show it; `save` writes it to a file.
    """

    note = ""                       # also of those that were pickled without one

    def __init__(self, svg: str, layout: str, title: str, note: str = ""):
        self.svg, self.layout, self.title, self.note = svg, layout, title, note

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over a pickled picture; those of version 0.1 have the layout under its former name."""
        vars(self).update({"layout" if name == "engine" else name: value for name, value in state.items()})

    @property
    def engine(self) -> str:
        """The former name of `layout`; the next version will not know it any more."""
        warnings.warn("engine, what placed the boxes of a picture, is now layout", DeprecationWarning, stacklevel=2)
        return self.layout

    def save(self, path: "str | Path") -> Path:
        """Write the SVG to a file and return its path."""
        return write_whole(path, self.svg.encode())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"image/svg+xml": self.svg, "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<drawing of {self.title}, placed by the {self.layout} layout, {len(self.svg)} characters of SVG>"


def draw(output: Value, layout: str = "auto", fold: str = "auto", *, names: str = "auto",
         engine: str | None = None) -> Drawing:
    """A picture of the graph of `output`.

    layout   what places the boxes.  "auto": Graphviz, which comes with the package and needs no program
             `dot`; where it cannot run, a simple layout.  "embedded", "dot" or "simple" to insist on one.
    engine   the former name of `layout`; the next version will not know it any more
    names    what the nodes go by, as for `steps`
    fold     "neuron" or "layer": each as one box; "line": what was made at one line of the program
             (see `trace_origin`); "none": every node.  "auto" folds only graphs of more than 300 nodes.

    Gradients are shown once `backward` was called, and "—" before.  A long graph is broken into rows, as text
    is; a row begins with pale boxes of earlier rows, which are the same nodes once more.

    >>> x, y = Value(2.0, label="x"), Value(3.0, label="y")
    >>> f = x * y
    >>> f.backward()
    >>> draw(f).svg.count('<rect class="tg-box"')       # two leaves and one operation
    3
    """
    return drawing_of(NamedGraph(output, names), chosen_layout(layout, engine), fold)


def drawing_of(graph: NamedGraph, layout: str = "auto", fold: str = "auto") -> Drawing:
    """`draw`, for a graph that has its names."""
    check_single(graph.nodes, fold)
    groups = folded(graph.nodes, fold)
    check_size(len(groups))
    boxes = boxes_of(graph, groups)
    svg, placed = picture(boxes, *edges_of(graph, groups), layout)
    return Drawing(svg, placed.name, boxes[-1].name, placed.note)


# ---- folding networks ----------------------------------------------------------------------------------

MANY_NODES = 300                                            # beyond this, "auto" folds
FEW_INPUTS = 8                                              # beyond this, the inputs of a network share a box


class Group(list[Value]):
    """The nodes of one box, and the name they share."""

    def __init__(self, name: str):
        super().__init__()
        self.name = name


def folded(order: list[Value], fold: str) -> list[Group]:
    """The nodes in groups, a group for a box, in the order of their last members."""
    if fold == "auto":
        fits = len(order) <= MANY_NODES
        return folded(order, "none") if fits else min(folded(order, "neuron"), folded(order, "layer"), key=over_many)
    is_network = fold in ("neuron", "layer")
    return folded_by(order, with_inputs(order, BOX_NAMES[fold]) if is_network else BOX_NAMES[fold])


def with_inputs(order: list[Value], name: Callable[[Value], str]) -> Callable[[Value], str]:
    """The names of parts of a network; its inputs are a part of their own where they are many."""
    inputs = {node for node in order if is_input(node)}
    are_many = len(inputs) > FEW_INPUTS
    return lambda node: "inputs" if are_many and node in inputs else name(node)


def folded_by(order: list[Value], name: Callable[[Value], str]) -> list[Group]:
    """The nodes in groups by name; a plain number that only one group uses goes into that group."""
    users: dict[Value, set[str]] = {}
    for node in order:
        for parent in node.parents:
            if parent.is_constant and not parent.parents and not parent.label:
                users.setdefault(parent, set()).add(name(node))
    owner = {number: names.pop() for number, names in users.items() if len(names) == 1}
    return grouped(order, lambda node: owner.get(node, "") or name(node))


def grouped(order: list[Value], name: Callable[[Value], str]) -> list[Group]:
    """The nodes of one name together, those without a name each alone, in the order of their last members."""
    groups: dict[Any, Group] = {}
    for node in order:
        key = name(node) or node
        groups[key] = members = groups.pop(key, None) or Group(name(node))
        members.append(node)
    return list(groups.values())


def layer_of(scope: str) -> str:
    """The layer a neuron belongs to: "layer 0" of "layer 0, neuron 3"."""
    return scope.rsplit(", neuron", 1)[0]


def origin_of(node: Value) -> str:
    """The line a node was made at, such as "train.py:31", where that is known."""
    return str(node.origin) if node.origin else ""


BOX_NAMES: dict[str, Callable[[Value], str]] = {
    "none": lambda node: "", "neuron": lambda node: node.scope, "layer": lambda node: layer_of(node.scope),
    "line": origin_of}
FOLDS = ("auto", *BOX_NAMES)


def over_many(groups: list) -> bool:
    return len(groups) > MANY_NODES


def group_box(graph: NamedGraph, group: Group, has_grads: bool) -> "Box":
    """The box of a neuron or layer: how many nodes, and the last one's numbers if it is the only way out."""
    name, end = printable(group.name), way_out(graph, group)
    data = "" if end is None else number_text(graph.data[end])
    grad = "" if end is None else number_text(end.grad) if has_grads else "—"
    return Box("op", f"{len(group)} nodes", name, data, grad, name)


def way_out(graph: NamedGraph, group: list[Value]) -> Value | None:
    """The only node of a group that no other of it uses, if there is one such."""
    inner = {parent for node in group for parent in graph.parents(node)}
    ends = [node for node in group if node not in inner]
    return ends[0] if len(ends) == 1 else None


class Link(NamedTuple):
    """An arrow between two boxes, by number: input i of a node, or (i = -1) all there is between two groups."""
    tail: int
    head: int
    node: Value
    i: int


def links_of(graph: NamedGraph, groups: list[Group]) -> list[Link]:
    """The arrows between groups: one for each edge between single nodes, one for each pair of boxes otherwise."""
    place = {node: k for k, group in enumerate(groups) for node in group}
    links: dict[Any, Link] = {}
    for head, group in enumerate(groups):
        for node in group:
            for i, parent in enumerate(graph.parents(node)):
                tail = place[parent]
                if len(group) == len(groups[tail]) == 1:
                    links[node, i] = Link(tail, head, node, i)
                elif tail != head:
                    links.setdefault((tail, head), Link(tail, head, node, -1))
    return list(links.values())


def check_size(count: int, thing: str = "picture", most: int = MOST_NODES) -> None:
    """Refuse a picture of too many boxes, or a player of too many nodes."""
    if count > most:
        raise ValueError(f"the graph has {count} nodes, too many for a {thing} (at most {most}): "
                         "take one of its inner nodes, such as tg.topological_order(v)[100] of a Value v")


def check_single(order: list[Value], fold: str) -> None:
    """Refuse at once, before the nodes are folded, a picture that has too many boxes of a single operation."""
    if fold not in FOLDS:
        raise ValueError(f"fold={fold!r}: write one of {', '.join(FOLDS)}")
    name = BOX_NAMES["neuron" if fold == "auto" else fold]
    single = (node for node in order if node.parents and not name(node))
    if len(list(islice(single, MOST_NODES + 1))) > MOST_NODES:
        check_size(len(order))


# ---- boxes ------------------------------------------------------------------------------------------------


class Box(NamedTuple):
    """What stands in a box."""
    kind: str
    symbol: str
    name: str
    data: str
    grad: str           # "" where there is none: a constant
    formula: str        # how it was made
    origin: str = ""    # and at which line, where that is known

    @property
    def rows(self) -> list[tuple[str, str]]:
        if self.kind == "constant" and self.name == self.data:
            return []
        return [("data", self.data)] * bool(self.data) + [("grad", self.grad)] * bool(self.grad)

    @property
    def badge(self) -> float:
        """The width of the square with the symbol."""
        return max(HEAD, letters(self.symbol) * LETTER + 10) if self.symbol else 0

    @property
    def head(self) -> str:
        """The words at the top: an operation shows what it was made from, so that the order of inputs is seen."""
        return narrowed(self.formula if self.kind == "op" else self.name)

    @property
    def width(self) -> float:
        head = letters(self.head) * LETTER + self.badge
        return max(NARROW, head, *[letters(text) * LETTER for _, text in self.rows]) + 2 * PAD

    @property
    def height(self) -> float:
        return HEAD + ROW * len(self.rows) + (6 if self.rows else 0)

    @property
    def sentence(self) -> str:
        how = {"leaf": "leaf", "constant": "constant", "op": "operation"}[self.kind]
        grad = f", gradient {self.grad}" if self.grad not in ("", "—") else ""
        origin = f", made at {self.origin}" if self.origin else ""
        return f"{how} {self.formula}: {self.data}{grad}{origin}"


def boxes_of(graph: NamedGraph, groups: list[Group]) -> list[Box]:
    """A box for each group."""
    has_grads = graph.output.grad != 0
    return [box_of(graph, group[0], has_grads) if len(group) == 1 else group_box(graph, group, has_grads)
            for group in groups]


def box_of(graph: NamedGraph, node: Value, has_grads: bool) -> Box:
    """A node's box; a gradient of 0 may be one that was never computed, unless the output has one."""
    kind = "op" if node.parents else "constant" if node.is_constant else "leaf"
    grad = "" if node.is_constant else number_text(node.grad) if has_grads or node.grad else "—"
    name = graph.texts[node] if graph.labels[node] else graph.texts[node].replace("-", "−")
    made = graph.made(node).replace("-", "−") if node.parents else name
    symbol = printable(node._operation.symbol) if node.parents else ""
    return Box(kind, symbol, name, number_text(graph.data[node]), grad,
               made if made == name else f"{name} = {made}", origin_of(node))


def number_text(x: float) -> str:
    """A number in a picture, with a true minus sign."""
    return format_number(x, 5).replace("-", "−")


def letters(text: str) -> int:
    """How many letters wide; East Asian ones count two."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def narrowed(text: str) -> str:
    """Text no wider than LONGEST letters; a short constant at its end, such as `index=2`, stays."""
    if letters(text) <= LONGEST:
        return text
    constant = re.search(r", \w+=[\w.]{1,4}\)$", text)
    tail = constant[0] if constant and letters(constant[0]) <= LONGEST // 2 else ""
    room = LONGEST - letters(tail)
    end = next(i for i, width in enumerate(accumulate(map(letters, text))) if width >= room)
    return f"{text[:end]}…{tail}"


def edges_of(graph: NamedGraph, groups: list[Group]) -> tuple[list[Edge], list[str]]:
    """The edges, by numbers of boxes, and the text on each: the local derivative."""
    links = links_of(graph, groups)
    texts = [local_text(graph, link.node, link.i) for link in links]
    return [Edge(link.tail, link.head, len(text)) for link, text in zip(links, texts)], texts


def local_text(graph: NamedGraph, node: Value, i: int) -> str:
    """What stands on the arrow of input i: the local derivative, where a gradient can go that way."""
    if i < 0 or graph.stands_for[node.parents[i]].is_constant or node.is_constant:
        return ""
    return f"∂ {number_text(float(node.local_grads[i]))}"


# ---- writing SVG --------------------------------------------------------------------------------------


def at(x: float) -> str:
    """A coordinate, to 0.1."""
    text = f"{x:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def picture(boxes: list[Box], edges: list[Edge], texts: list[str], layout: str) -> tuple[str, Layout]:
    """(SVG text, where things are) of boxes and edges."""
    placed = lay_out_in(PAPER, [(box.width, box.height) for box in boxes], edges, layout, ENOUGH)
    width = max(placed.width, NARROWEST - 2 * MARGIN) + 2 * MARGIN
    height = placed.height + 2 * MARGIN + LEGEND
    title = f"Computation graph of {boxes[-1].name}"
    sentences = ". ".join(box.sentence for box in boxes)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="tg-graph" width="{at(width)}" height="{at(height)}" '
        f'viewBox="0 0 {at(width)} {at(height)}" role="img">',
        f"<title>{escape(title)}</title><desc>{escape(sentences)}</desc><style>{STYLE}</style>",
        f'<rect class="tg-bg" width="{at(width)}" height="{at(height)}"/>',
        f'<g transform="translate({MARGIN} {MARGIN})">',
        *[edge_svg(*curve, text, label) for curve, text, label in zip(placed.curves, texts, placed.labels)],
        *[box_svg(box, *centre) for box, centre in zip(boxes, placed.boxes)],
        *[f'<g class="tg-ghost tg-{boxes[i].kind}">{inside_of(boxes[i], *centre)}</g>' for i, centre in placed.ghosts],
        "</g>", legend_svg(height), "</svg>"]
    return "\n".join(parts) + "\n", placed


def edge_svg(points: list[tuple[float, float]], tip: tuple[float, float], text: str, label: tuple[float, float]) -> str:
    """A curve, the arrow at its end, and the text on it."""
    pairs = [f"{at(x)} {at(y)}" for x, y in points]
    (x, y), (tip_x, tip_y) = points[-1], tip
    length = math.dist(points[-1], tip) or 1.0
    across_x, across_y = 3.5 * (y - tip_y) / length, 3.5 * (tip_x - x) / length
    corners = [(x + across_x, y + across_y), tip, (x - across_x, y - across_y)]
    arrow = " ".join(f"{at(px)},{at(py)}" for px, py in corners)
    place = f'text-anchor="middle" x="{at(label[0])}" y="{at(label[1] + 4)}"'
    words = f'<text class="tg-local" {place}>{escape(text)}</text>'
    return (f'<g class="tg-edge"><path d="M{pairs[0]} C{" ".join(pairs[1:])}"/><polygon points="{arrow}"/>'
            f"{words if text else ''}</g>")


def box_svg(box: Box, x: float, y: float) -> str:
    return f'<g class="tg-node tg-{box.kind}"><title>{escape(box.sentence)}</title>{inside_of(box, x, y)}</g>'


def inside_of(box: Box, x: float, y: float) -> str:
    """The frame and the texts of a box around a point."""
    left, top = x - box.width / 2, y - box.height / 2
    corner = 0 if box.kind == "op" else 8
    frame = f'x="{at(left)}" y="{at(top)}" width="{at(box.width)}" height="{at(box.height)}"'
    parts = [f'<rect class="tg-box" {frame} rx="{corner}"/>']
    if box.symbol:
        parts.append(f'<rect class="tg-badge" x="{at(left)}" y="{at(top)}" width="{at(box.badge)}" height="{HEAD}"/>'
                     f'<text text-anchor="middle" x="{at(left + box.badge / 2)}" y="{at(top + 16.5)}">'
                     f"{escape(box.symbol)}</text>")
    head = f'x="{at(left + PAD + box.badge)}" y="{at(top + 16.5)}"'
    parts.append(f'<text class="tg-name" {head}>{escape(box.head)}</text>')
    for i, (kind, number) in enumerate(box.rows):
        place = f'text-anchor="end" x="{at(left + box.width - PAD)}" y="{at(top + HEAD + 14 + ROW * i)}"'
        parts.append(f'<text class="tg-{kind}" {place}>{number}</text>')
    return "".join(parts)


def legend_svg(height: float) -> str:
    words = [("tg-data", "data"), ("tg-quiet", " above   "), ("tg-grad", "grad"), ("tg-quiet", " below   "),
             ("tg-grad", "∂"), ("tg-quiet", " local derivative")]
    spans = "".join(f'<tspan class="{kind}">{text}</tspan>' for kind, text in words)
    return f'<text class="tg-legend" xml:space="preserve" x="{MARGIN}" y="{at(height - MARGIN)}">{spans}</text>'


# ---- Graphviz objects -------------------------------------------------------------------------------------


def to_graphviz(output: Value) -> "graphviz.Digraph":
    """The graph as a `graphviz.Digraph`, for DOT, PDF or PNG, or to change it.

    SVG, DOT and JSON are made without the program `dot`; other formats need it.

    >>> graph = to_graphviz(Value(2.0, label="x") * 3)
    >>> graph.pipe(encoding="utf-8").count("<polygon")
    4
    """
    return graphviz_of(NamedGraph(output))


def graphviz_of(graph: NamedGraph) -> "graphviz.Digraph":
    """`to_graphviz`, for a graph that has its names."""
    import graphviz
    check_size(len(graph.nodes))
    groups = folded(graph.nodes, "none")
    boxes = boxes_of(graph, groups)
    font = {"fontname": "Courier"}              # whose widths Graphviz knows without any font installed
    made = digraph_class()(
        format="svg", graph_attr={"rankdir": "LR"}, node_attr={"shape": "box", **font}, edge_attr=font)
    for i, box in enumerate(boxes):
        head = f"{box.symbol}  {box.head}" if box.symbol else box.head
        lines = [head, *[f"{word} {number}" for word, number in box.rows]]
        more = {"style": "rounded"} if not box.symbol else {}
        if box.origin:
            more["tooltip"] = graphviz.escape(box.sentence)
        made.node(str(i), graphviz.escape("\n".join(lines)), _attributes=more)
    for edge, text in zip(*edges_of(graph, groups)):
        made.edge(str(edge.tail), str(edge.head), graphviz.escape(text))
    return made


def digraph_class() -> type:
    """`graphviz.Digraph` with the embedded Graphviz for what that can make."""
    import graphviz

    class Digraph(graphviz.Digraph):
        """A Digraph that needs no program `dot` for SVG."""

        def __repr__(self) -> str:
            return f"<graphviz.Digraph, {len(self.source.splitlines())} lines of DOT>"

        def pipe(self, format=None, encoding=None, **options):
            form = format or self.format
            if form not in ("svg", "dot", "json", "json0", "xdot", "plain") or options.get("engine"):
                return super().pipe(format=format, encoding=encoding, **options)
            made = embedded.render(self.source, form)
            return made.decode(encoding) if encoding else made

        def render(self, filename=None, directory=None, format=None, cleanup=False, outfile=None, **options):
            if (format or self.format) != "svg" or options:
                return super().render(filename=filename, directory=directory, format=format, cleanup=cleanup,
                                      outfile=outfile, **options)
            source = Path(self.save(filename, directory=directory))
            path = write_whole(outfile or f"{source}.svg", self.pipe(format="svg"))
            if cleanup:
                source.unlink()
            return str(path)
    return Digraph
