"""The graph as a picture: SVG with every number in it.

Leaves are rounded boxes, operations square ones with their symbol.  Data is blue, its gradient
below it vermillion; on each edge stands the local derivative.  Circuits have round gates instead, and
the numbers on their wires, and networks circles.  The same graph gives the same bytes.
"""

from typing import Any

from ..engine.value import Value
from ..nn.modules import Module
from ..symbols.named import NamedGraph
from .batch import shown_graph
from .boxes import (
    BLANKS,
    Box,
    as_document,
    borders_svg,
    box_svg,
    boxes_of,
    edge_svg,
    edges_of,
    ghost_svg,
    legend,
    said,
    without_answers,
)
from .circles import MEANINGS, picture_of
from .circuit import circuit_of
from .drawing import Drawing
from .folds import check_single, check_size, folded
from .layout import Edge, Layout, chosen_layout
from .models import graph_of_model
from .network import NETWORK_FOLDS, Network, has_one_example, is_shown_at_first, network_of
from .parts import Parts
from .rows import ENOUGH, PAPER, lay_out_in
from .scopes import parts_of

STYLES = ("boxes", "circuit")
FOR_MODELS = {"layout": ["auto"], "fold": ["auto", "neuron"], "names": ["auto"], "style": ["boxes"], "blank": [""]}


def draw(output: Value | Module, layout: str = "auto", fold: str = "auto", *, names: str = "auto",
         style: str = "boxes", example: Any = None, lines: str = "weight", blank: str = "",
         engine: str | None = None) -> Drawing:
    """A picture of the graph of `output`, or of a model as a network.

    A network is drawn as columns of circles, with its inputs at the left and a line for each weight.

    layout   what places the boxes.  "auto": a network stands in columns, anything else is placed by Graphviz, which
             comes with the package and needs no program `dot`; where it cannot run or would take long, a simple
             layout.  "embedded", "dot", "simple" to insist on one
    engine   the former name of `layout`; the next version will not know it any more
    names    what the nodes go by, as for `steps`
    style    "boxes", or "circuit": round gates and numbers on wires, as on slides, for up to 100 nodes
    blank    for worksheets: "grad" leaves places to fill in for gradients, "all" also for what is computed; every
             node is shown then
    example  the inputs of a model, so that its circles show what comes out of each neuron
    lines    what the width of a line in a network says: "weight", "gradient", or "product", weight × input.
             A line is dashed where that is negative
    fold     "neuron": a graph as a network; "layer": each as one box (see also `scope`); "time": each time step of a
             recurrent graph; "line": what was made at one line of the program (see `trace_origin`); "none": every
             node; "example": of a batch one example as a network, and a box for all others.  "auto" shows one
             example of a batch of more than 60 nodes, a graph with neurons of more than 15 as a network, folds
             one of more than 60 by the names that `scope` gave, and what else has more than 300 nodes

    Gradients are shown once `backward` was called, and "—" before.  A long graph is broken into rows, as text is; a
    row begins with pale boxes of earlier rows, the same nodes once more.  The time steps of a recurrent graph stand
    within borders, with pale boxes of the weights that all of them share.

    Raises ValueError for more than 5000 boxes, and for a model that is not made of neurons.

    >>> x, y = Value(2.0, label="x"), Value(3.0, label="y")
    >>> f = x * y
    >>> f.backward()
    >>> draw(f).svg.count('<rect class="tg-box"')       # two leaves and one operation
    3
    """
    layout = chosen_layout(layout, engine)
    if isinstance(output, Module):
        check_for_model(layout=layout, fold=fold, names=names, style=style, blank=blank)
        return drawing_of_model(output, example, lines)
    if example is not None:
        raise TypeError("example= is for a model, as in tg.draw(model, example=[2, 3]): a Value has its numbers")
    graph = shown_graph(output, names, fold) if style == "boxes" else NamedGraph(output, names)
    return drawing_of(graph, layout, fold, style, lines, blank)


def check_for_model(**given: str) -> None:
    """Refuse what a model cannot have, which is drawn in one way alone."""
    for name, choice in given.items():
        if choice not in FOR_MODELS[name]:
            raise ValueError("a model is drawn neuron by neuron, in columns: "
                             f"write tg.draw(model(x), {name}={choice!r})")


def drawing_of_model(model: Module, example: Any, lines: str) -> Drawing:
    """`draw`, for a network."""
    graph = NamedGraph(graph_of_model(model, example))
    network = network_of(graph, is_joined=True)
    if network is None:
        raise ValueError("this model feeds a neuron with what it computed: draw its graph, as in tg.draw(model(x))")
    check_lines(lines, network, example is not None)
    title = said("network", name=f"{type(model).__name__}({model.describe()})")
    return Drawing(picture_of(graph, network, lines, title, "" if example is None else "data"), "columns", title)


def check_lines(lines: str, network: Network | None, is_known: bool) -> None:
    """Refuse a meaning that lines cannot have; a product is known only where inputs are, those of one example."""
    if lines not in MEANINGS:
        raise ValueError(f"lines={lines!r}: write one of {', '.join(MEANINGS)}")
    if network is None and lines != "weight":
        raise ValueError(f"lines={lines!r} is for networks whose neurons are circles: write fold=\"neuron\"")
    if lines == "product" and not is_known:
        raise ValueError('lines="product" needs one example: write tg.draw(model, example=[...], lines="product")')
    if network and lines == "gradient" and not any(line.weight.grad for line in network.lines):
        raise ValueError('lines="gradient": every gradient of a weight is 0, so no line has a width.  They are before '
                         "loss.backward(), and behind units that pass nothing on")


def drawing_of(graph: NamedGraph, layout: str = "auto", fold: str = "auto", style: str = "boxes",
               lines: str = "weight", blank: str = "") -> Drawing:
    """`draw`, for a graph that has its names."""
    if style not in STYLES:
        raise ValueError(f"style={style!r}: write one of {', '.join(STYLES)}")
    if blank not in BLANKS:
        raise ValueError(f"blank={blank!r}: write one of {', '.join(BLANKS[1:])}, or leave it out")
    if style == "circuit":
        return circuit_of(graph, layout, fold, blank)
    check_single(graph.nodes, fold)
    network = network_of(graph, layout) if fold in NETWORK_FOLDS and not blank else None
    if network is not None and not is_shown_at_first(graph, network, fold):
        network = None
    check_lines(lines, network, network is not None and has_one_example(graph, network))
    if network is not None:
        title, shown = said("network", name=graph.texts[graph.output]), "all" if graph.output.grad else "data"
        return Drawing(picture_of(graph, network, lines, title, shown), "columns", title)
    groups = folded(graph.nodes, "none" if blank and fold == "auto" else fold)
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
        *borders_svg(placed),
        *[edge_svg(*curve, text, label) for curve, text, label in zip(placed.curves, texts, placed.labels)],
        *[box_svg(box, *centre) for box, centre in zip(boxes, placed.boxes)],
        *[ghost_svg(boxes[i], *centre) for i, centre in placed.ghosts]]
    return as_document(boxes, placed, drawn, legend(any(texts))), placed
