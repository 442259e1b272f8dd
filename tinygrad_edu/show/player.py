"""The player: a page on which an expression is walked through, forward and backward.

Python says what there is to show: the boxes, where they go in each view, and the events.  The
script of the page (`player.js`) only puts texts and classes where they belong; it does no
arithmetic, so that every number on the page is one of the engine's.
"""

from collections.abc import Callable
from functools import reduce
from html import escape
from operator import or_
from typing import Any, NamedTuple

from ..engine import printer
from ..engine.formula import Formula
from ..engine.number import printable
from ..engine.op import Op
from ..engine.value import Value
from ..symbols.named import NamedGraph, call_of, in_short
from ..symbols.reasons import reasons
from .draw import (
    FOLDS,
    MANY_NODES,
    MARGIN,
    Box,
    Group,
    at,
    box_of,
    check_single,
    check_size,
    drawing_of,
    folded,
    folded_by,
    group_box,
    inside_of,
    layer_of,
    links_of,
    local_text,
    number_text,
    way_out,
    with_inputs,
)
from .layout import Edge, chosen_layout, lay_out
from .page import TRANSPORT, Page, page
from .steps import Event, events_of

MOST = 5000                 # nodes of a graph that can be played
OPEN = 150                  # boxes up to which an opened layer shows its nodes, not its neurons
MARK, LAST_MARK = 0xE000, "\uf8ff"     # a letter of Unicode's private area stands for a node in a formula

BODY = """<main><h1>{title}</h1>
<section id="panel" aria-label="This step"><p id="what"></p><div id="lines"></div><p id="heard"></p></section>
<p id="say" class="unseen" aria-live="polite"></p>
{transport}<div id="stage"><svg id="graph" class="tg-graph" role="group" aria-label="{title}">
<rect class="tg-bg" id="ground"/><g id="links"></g><g id="boxes">{boxes}</g></svg></div>
<div class="bar tools" role="group" aria-label="Picture">
<button id="turn" title="Where the forward pass ends (f)">End of forward</button>
<button id="out" aria-label="Smaller" title="Smaller (−)">−</button>
<button id="in" aria-label="Larger" title="Larger (+)">+</button>
<button id="fit" title="All of it (0)">Fit</button>
<label id="views">Show <select id="view"></select></label>
<label>Find <input id="find" type="search" size="12" title="Find (/): Enter goes to the next"></label>
<output id="found"></output></div>
<p class="quiet" id="keys"><span class="data">data</span> forward, <span class="grad">grad</span> backward,
<span class="grad">∂</span> local derivative. Click a box to jump to its next step; drag to move the picture.<br>
Keys: ← → Home End step, Space plays, f ends forward, + − 0 zoom, Shift with arrows moves,
[ ] go to a box, / finds, o opens a layer.</p>
<details id="all"><summary>All steps</summary><ol id="list" start="0"></ol></details></main>
"""


class View(NamedTuple):
    """One way to look at a graph: its nodes in groups, a group for a box."""
    name: str
    groups: list[Group]


def play(output: Value, seed: float = 1.0, fold: str = "auto", layout: str = "auto", *,
         names: str = "auto", engine: str | None = None) -> Page:
    """A page that walks through computing `output` and `output.backward(seed)`, step by step.

    fold     what is shown first: "none", every node; "neuron" or "layer", each as one box; "line", what was
             made at one line of the program (see `trace_origin`); "auto" shows the layers of graphs of more
             than 300 nodes.  The page can change it, and open single layers.
    layout   what places the boxes, as for `draw`
    names    what the nodes go by, as for `steps`
    engine   the former name of `layout`; the next version will not know it any more

    The page is one file without any link: `play(f).save("f.html")`.  Notebooks show it.  The graph
    is only read, and the gradients shown are those of one pass from zero (see `steps`).

    Raises ValueError for an outdated graph, for more than 5000 nodes, or 2000 boxes to be shown.

    >>> x, y, z = Value(-2, label="x"), Value(5, label="y"), Value(-4, label="z")
    >>> lesson = play((x + y) * z)
    >>> lesson.title
    '(x + y) * z, step by step'
    """
    graph = NamedGraph(output, names)
    check_playable(graph, fold)
    return Lesson(graph, events_of(graph, seed)).page(fold, chosen_layout(layout, engine))


def check_playable(graph: NamedGraph, fold: str = "auto") -> None:
    """Refuse a graph of too many nodes to be stepped through, or to be shown."""
    check_size(len(graph.nodes), "player", MOST)
    check_single(graph.nodes, fold)


class Lesson:
    """A graph and its events, on their way to becoming a page.

    place        {node: its number}, for hidden nodes that of the node they stand for
    marks        {node: the letter that stands for it in a formula}
    boxes        {places of the nodes in a box: the box}, in all views
    made_from    {node: the places of all nodes it was made from, as bits}
    gradients    {node: every gradient it shows, one after the other}
    passed       {(node, number of an input): what goes along that edge in the backward pass}
    """

    def __init__(self, graph: NamedGraph, events: list[Event]):
        self.graph, self.events = graph, events
        place = {node: i for i, node in enumerate(graph.nodes)}
        self.place = {node: place[seen] for node, seen in graph.stands_for.items() if seen in place}
        self.marks = {node: Formula(chr(MARK + i)) for node, i in self.place.items()}
        self.boxes: dict[tuple[int, ...], Box] = {}
        self.made_from: dict[Value, int] = {}
        for node in graph.nodes:
            self.made_from[node] = reduce(or_, [self.made_from[p] for p in graph.parents(node)], 1 << self.place[node])
        self.gradients: dict[Value, list[str]] = {node: ["—"] for node in graph.nodes}
        self.passed: dict[tuple[Value, int], str] = {}
        for event in events:
            for node in [event.node] if event.kind == "seed" else event.behind:
                self.gradients[node].append(number_text(event.value))
            if event.parent is not None and event.kind == "backward":
                self.gradients[event.parent].append(number_text(event.value))
                self.passed[event.node, event.edge] = f"{number_text(event.terms[1])} × {number_text(event.terms[2])}"

    def page(self, fold: str, layout: str) -> Page:
        """The page, which shows the graph folded like this at first."""
        nodes = self.graph.nodes
        first, views = views_of(nodes, fold)
        check_size(len(views[first].groups))
        placed = [self.view(view, layout) for view in views]
        data = {"nodes": [self.node(node) for node in nodes], "events": [self.event(e) for e in self.events],
                "boxes": [self.box(members, views) for members in self.boxes], "views": placed, "first": first,
                "folded": number_of_view(folded(nodes, "layer"), views)}
        title = f"{self.graph.texts[self.graph.output]}, step by step"
        drawn = "".join(f'<g class="tg-node tg-{box.kind}">{inside_of(box, 0, 0)}</g>' for box in self.boxes.values())
        body = BODY.format(title=escape(title), transport=TRANSPORT, boxes=drawn)
        height = min(900, 510 + placed[first]["size"][1])
        picture = drawing_of(self.graph, layout, fold)
        made = page(title, body, ["transport.js", "player.js"], ["graph.css", "player.css"], data, picture.svg, height)
        made.note = picture.note
        return made

    # ---- what is said of nodes and events

    def node(self, node: Value) -> dict[str, Any]:
        """A node's name, number and formulas; marks stand for nodes."""
        graph, name, formula = self.graph, self.graph.texts[node], self.graph.formulas[node]
        told: dict[str, Any] = {"name": name, "maths": printer.mathml(formula), "data": number_text(graph.data[node])}
        if self.precedence_of_name(node) != printer.ATOM:
            told["loose"] = 1
        if (factor := printer.as_factor(formula)) != name:
            told["factor"] = factor
        if node.is_constant:
            told["constant"] = 1
        if node.parents:
            call = in_short(call_of(node, self.marks)), graph.written_out(node, self.marks.__getitem__)
            told |= {"parents": [self.place[p] for p in node.parents], "made": graph.made(node),
                     "call": self.both(*call), "numbers": graph.with_numbers(node, 5).replace("-", "−")}
        if node.parents and not node.is_constant:
            told["local"] = [number_text(float(g)) for g in node.local_grads]
            why = reasons(node, self.marks, graph.texts) if isinstance(node._operation, Op) else []
            told["why"] = [self.both(reason.formula, reason.rounded(5)) for reason in why]
            if any(reason.words for reason in why):
                told["words"] = [reason.words for reason in why]
            if again := self.reached_again(node):
                told["again"] = again
        return told

    def reached_again(self, node: Value) -> list[int]:
        """The inputs that lead to another input too, so that ∂ along one arrow is not the whole derivative."""
        parents = self.graph.parents(node)
        return [i for i, parent in enumerate(parents) if not parent.is_constant and any(
            self.made_from[other] >> self.place[parent] & 1 for j, other in enumerate(parents) if j != i)]

    def both(self, formula: Any, numbers: Any = None) -> list[str]:
        """A formula as MathML around names, and, where it or its parentheses differ, also around numbers."""
        found = [self.around_marks(formula, self.precedence_of_name),
                 self.around_marks(formula if numbers is None else numbers, self.precedence_of_number)]
        return found if found[0] != found[1] else found[:1]

    def around_marks(self, formula: Any, precedence: Callable[[Value], int]) -> str:
        """A formula as MathML; what stands for the marks in it holds together as tightly as `precedence` says."""
        marks = [part for part in printer.in_order([formula]) if not part.parts and chr(MARK) <= part.head <= LAST_MARK]
        return printer.mathml(formula, {m: (precedence(self.graph.nodes[ord(m.head) - MARK]), m.head) for m in marks})

    def precedence_of_name(self, node: Value) -> int:
        return printer.precedence_of(self.graph.formulas[node], printer.MATHML)

    def precedence_of_number(self, node: Value) -> int:
        """A negative number needs parentheses in a product, and one with a power of ten needs them in a power."""
        text = number_text(self.graph.data[self.graph.stands_for[node]])
        return printer.ADDED if text.startswith("−") else printer.RAISED if "e" in text else printer.ATOM

    def event(self, event: Event) -> list[Any]:
        """["f", node], ["s", node, seed, why], ["b", node, input, gradient afterwards, whether it was chosen],
        or ["z", node, input, gradient, the nodes that get 0 since nothing goes to this input, why]."""
        place = self.place[event.node]
        if event.kind == "forward":
            return ["f", place]
        if event.kind == "seed":
            return ["s", place, number_text(event.value), event.because]
        if event.kind == "stopped":
            behind = [self.place[node] for node in event.behind]
            return ["z", place, event.edge, number_text(event.value), behind, event.because]
        return ["b", place, event.edge, number_text(event.value), int(event.taken)]

    # ---- pictures

    def view(self, view: View, layout: str) -> dict[str, Any]:
        """Where the boxes and arrows of a view stand, by numbers of boxes."""
        members = [tuple(self.place[node] for node in group) for group in view.groups]
        for group, key in zip(view.groups, members):
            if key not in self.boxes:
                self.boxes[key] = self.widest(group)
        number = {key: i for i, key in enumerate(self.boxes)}
        links = links_of(self.graph, view.groups)
        edges = [Edge(link.tail, link.head, self.letters(link.node, link.i)) for link in links]
        placed = lay_out([(self.boxes[key].width, self.boxes[key].height) for key in members], edges, layout)
        arrows = [[number[members[link.tail]], number[members[link.head]], self.place[link.node], link.i,
                   " ".join(f"{at(x)} {at(y)}" for x, y in [*points, tip, label])]
                  for link, (points, tip), label in zip(links, placed.curves, placed.labels)]
        return {"name": view.name, "size": [round(placed.width + 2 * MARGIN), round(placed.height + 2 * MARGIN)],
                "boxes": [[number[key], round(x, 1), round(y, 1)] for key, (x, y) in zip(members, placed.boxes)],
                "links": arrows}

    def widest(self, group: Group) -> Box:
        """A group's box with the longest gradient it will ever show, so that there is room."""
        graph, end = self.graph, way_out(self.graph, group)
        box = box_of(graph, group[0], True) if len(group) == 1 else group_box(graph, group, True)
        return box._replace(grad=max(self.gradients[end], key=len)) if end is not None and box.grad else box

    def letters(self, node: Value, i: int) -> int:
        """Room for the label of an arrow: its local derivative, and what comes along it in the backward pass."""
        text = local_text(self.graph, node, i)
        return max(len(text), len(self.passed.get((node, i), ""))) if text else 0

    def box(self, members: tuple[int, ...], views: list[View]) -> dict[str, Any]:
        """What the script has to know of a box: its nodes, whose numbers it shows, which view opens it."""
        group = [self.graph.nodes[i] for i in members]
        end = way_out(self.graph, group)
        told: dict[str, Any] = {"nodes": members, "shows": -1 if end is None else self.place[end],
                                "name": self.boxes[members].formula}
        if self.boxes[members].origin:
            told["origin"] = self.boxes[members].origin
        layer = layer_of(group[0].scope)
        opening = [i for i, view in enumerate(views) if layer and view.name == name_when_open(layer)]
        return told | ({"opens": opening[0]} if opening else {})


def views_of(order: list[Value], fold: str) -> tuple[int, list[View]]:
    """(number of the first to be shown, the views of a graph): whole, folded, and with a single layer open."""
    names = {"none": "every node", "neuron": "neurons", "layer": "layers", "line": "lines"}
    found = [View(names[f], folded(order, f)) for f in FOLDS if f in names]
    wanted = folded(order, "layer" if fold == "auto" and len(order) > MANY_NODES else fold)
    for layer in dict.fromkeys(layer_of(node.scope) for node in order if node.scope):
        found.append(View(name_when_open(layer), opened(order, layer)))
    views: list[View] = []
    for view in found:
        fits = len(view.groups) <= MANY_NODES or len(view.groups) == len(wanted)
        if fits and view.groups not in [other.groups for other in views]:
            views.append(view)
    return number_of_view(wanted, views), views


def number_of_view(groups: list[Group], views: list[View]) -> int:
    """The number of the view with these groups, 0 if none has them."""
    return next((i for i, view in enumerate(views) if view.groups == groups), 0)


def name_when_open(layer: str) -> str:
    return f"{printable(layer)}, opened"


def opened(order: list[Value], layer: str) -> list[Group]:
    """Every layer folded but one, which shows its nodes, or its neurons where the nodes are many."""
    inner = [node for node in order if layer_of(node.scope) == layer]
    few = len(inner) <= OPEN
    return folded_by(order, with_inputs(order, lambda node: layer_of(node.scope) if layer_of(node.scope) != layer else
                                        "" if few else node.scope))
