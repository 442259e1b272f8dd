"""The graph as a picture: SVG with every number in it.

Leaves are rounded boxes, operations square ones with their symbol.  Data is blue, its gradient
below it vermillion; on each edge stands the local derivative.  Circuits have round gates instead, and
the numbers on their wires.  The same graph gives the same bytes.
"""

from ..engine.value import Value
from ..symbols.named import NamedGraph
from .boxes import (
    BLANKS,
    LEGEND,
    Box,
    as_document,
    box_svg,
    boxes_of,
    edge_svg,
    edges_of,
    frames_svg,
    ghost_svg,
    without_answers,
)
from .circuit import circuit_of
from .drawing import Drawing
from .folds import check_single, check_size, folded
from .layout import Edge, Layout, chosen_layout
from .parts import Parts
from .rows import ENOUGH, PAPER, lay_out_in
from .scopes import parts_of
from .svg import Words

STYLES = ("boxes", "circuit")
LEGEND_OF_BOXES: Words = [*LEGEND, ("tg-grad", "∂"), ("tg-quiet", " local derivative")]


def draw(output: Value, layout: str = "auto", fold: str = "auto", *, names: str = "auto", style: str = "boxes",
         blank: str = "", engine: str | None = None) -> Drawing:
    """A picture of the graph of `output`.

    layout   what places the boxes.  "auto": Graphviz, which comes with the package and needs no program `dot`;
             where it cannot run or would take long, a simple layout.  "embedded", "dot", "simple" to insist on one
    engine   the former name of `layout`; the next version will not know it any more
    names    what the nodes go by, as for `steps`
    style    "boxes", or "circuit": round gates and numbers on wires, as on slides, for up to 100 nodes
    blank    for worksheets: "grad" leaves places to fill in for gradients, "all" also for what is computed
    fold     "neuron" or "layer": each as one box (see also `scope`); "time": each time step of a recurrent graph;
             "line": what was made at one line of the program (see `trace_origin`); "none": every node.
             "auto" folds only graphs of more than 300 nodes.

    Gradients are shown once `backward` was called, and "—" before.  A long graph is broken into rows, as text is; a
    row begins with pale boxes of earlier rows, the same nodes once more.  The time steps of a recurrent graph stand
    in frames, with pale boxes of the weights that all of them share.  ValueError for more than 5000 boxes.

    >>> x, y = Value(2.0, label="x"), Value(3.0, label="y")
    >>> f = x * y
    >>> f.backward()
    >>> draw(f).svg.count('<rect class="tg-box"')       # two leaves and one operation
    3
    """
    return drawing_of(NamedGraph(output, names), chosen_layout(layout, engine), fold, style, blank)


def drawing_of(graph: NamedGraph, layout: str = "auto", fold: str = "auto", style: str = "boxes",
               blank: str = "") -> Drawing:
    """`draw`, for a graph that has its names."""
    if style not in STYLES:
        raise ValueError(f"style={style!r}: write one of {', '.join(STYLES)}")
    if blank not in BLANKS:
        raise ValueError(f"blank={blank!r}: write one of {', '.join(BLANKS[1:])}, or leave it out")
    if style == "circuit":
        return circuit_of(graph, layout, fold, blank)
    check_single(graph.nodes, fold)
    groups = folded(graph.nodes, fold)
    check_size(len(groups))
    boxes = [without_answers(box, blank) for box in boxes_of(graph, groups)]
    edges, texts = edges_of(graph, groups)
    texts = [""] * len(texts) if blank else texts
    svg, placed = picture(boxes, edges, texts, layout, parts_of(graph, groups, edges))
    return Drawing(svg, placed.name, boxes[-1].name, placed.note)


def picture(boxes: list[Box], edges: list[Edge], texts: list[str], layout: str, parts: Parts | None,
            ) -> tuple[str, Layout]:
    """(SVG text, where things are) of boxes and edges."""
    placed = lay_out_in(PAPER, [(box.width, box.height) for box in boxes], edges, layout, ENOUGH, parts)
    drawn = [
        *frames_svg(placed),
        *[edge_svg(*curve, text, label) for curve, text, label in zip(placed.curves, texts, placed.labels)],
        *[box_svg(box, *centre) for box, centre in zip(boxes, placed.boxes)],
        *[ghost_svg(boxes[i], *centre) for i, centre in placed.ghosts]]
    return as_document(boxes, placed, drawn, LEGEND_OF_BOXES if any(texts) else LEGEND), placed
