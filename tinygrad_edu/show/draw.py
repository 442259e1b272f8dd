"""The graph as a picture: SVG with every number in it.

Leaves are rounded boxes, operations square ones with their symbol.  Data is blue, its gradient
below it vermillion; on each edge stands the local derivative.  Circuits have round gates instead, and
the numbers on their wires.  The same graph gives the same bytes.
"""

from ..engine.value import Value
from ..symbols.named import NamedGraph
from .batch import shown_graph
from .boxes import LEGEND, Box, as_document, box_svg, boxes_of, edge_svg, edges_of, inside_of
from .circuit import circuit_of
from .drawing import Drawing
from .folds import check_single, check_size, folded
from .layout import Edge, Layout, chosen_layout
from .rows import ENOUGH, PAPER, lay_out_in
from .svg import Words

STYLES = ("boxes", "circuit")
LEGEND_OF_BOXES: Words = [*LEGEND, ("tg-grad", "∂"), ("tg-quiet", " local derivative")]


def draw(output: Value, layout: str = "auto", fold: str = "auto", *, names: str = "auto", style: str = "boxes",
         engine: str | None = None) -> Drawing:
    """A picture of the graph of `output`.

    layout   what places the boxes.  "auto": Graphviz, which comes with the package and needs no program `dot`;
             where it cannot run or would take long, a simple layout.  "embedded", "dot", "simple" to insist on one
    engine   the former name of `layout`; the next version will not know it any more
    names    what the nodes go by, as for `steps`
    style    "boxes", or "circuit": round gates and numbers on wires, as on slides, for up to 100 nodes
    fold     "neuron" or "layer": each as one box; "line": what was made at one line of the program
             (see `trace_origin`); "none": every node; "example": of a batch one example, with its neurons
             as boxes, and a box for all others.  "auto" shows one example of a batch of more than 60
             nodes, and folds only what has more than 300 nodes then.

    Gradients are shown once `backward` was called, and "—" before.  A long graph is broken into rows, as text is; a
    row begins with pale boxes of earlier rows, the same nodes once more.  ValueError for more than 5000 boxes.

    >>> x, y = Value(2.0, label="x"), Value(3.0, label="y")
    >>> f = x * y
    >>> f.backward()
    >>> draw(f).svg.count('<rect class="tg-box"')       # two leaves and one operation
    3
    """
    graph = shown_graph(output, names, fold) if style == "boxes" else NamedGraph(output, names)
    return drawing_of(graph, chosen_layout(layout, engine), fold, style)


def drawing_of(graph: NamedGraph, layout: str = "auto", fold: str = "auto", style: str = "boxes") -> Drawing:
    """`draw`, for a graph that has its names."""
    if style not in STYLES:
        raise ValueError(f"style={style!r}: write one of {', '.join(STYLES)}")
    if style == "circuit":
        return circuit_of(graph, layout, fold)
    check_single(graph.nodes, fold)
    groups = folded(graph.nodes, fold)
    check_size(len(groups))
    boxes = boxes_of(graph, groups)
    svg, placed = picture(boxes, *edges_of(graph, groups), layout)
    return Drawing(svg, placed.name, boxes[-1].name, placed.note)


def picture(boxes: list[Box], edges: list[Edge], texts: list[str], layout: str) -> tuple[str, Layout]:
    """(SVG text, where things are) of boxes and edges."""
    placed = lay_out_in(PAPER, [(box.width, box.height) for box in boxes], edges, layout, ENOUGH)
    parts = [
        *[edge_svg(*curve, text, label) for curve, text, label in zip(placed.curves, texts, placed.labels)],
        *[box_svg(box, *centre) for box, centre in zip(boxes, placed.boxes)],
        *[f'<g class="tg-ghost tg-{boxes[i].kind}">{inside_of(boxes[i], *centre)}</g>' for i, centre in placed.ghosts]]
    return as_document(boxes, placed, parts, LEGEND_OF_BOXES), placed
