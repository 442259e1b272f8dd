"""The player: a page on which an expression is walked through, forward and backward.

Python says what there is to show: the boxes, where they go in each view, and the events.  The
script of the page (`player.js`) only puts texts and classes where they belong; it does no
arithmetic, so that every number is one of the engine's.  Live pages (`live.py`) begin like that.
"""

import math
import re
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
from ..symbols.named import DOTS, NEURON, NamedGraph, call_of, in_short, name_at, numbered_names
from .boxes import Box, borders_svg, box_of_group, local_text, narrowed, room_on_arrow
from .circles import Circle, box_inside, circle_of, grid_of, is_straight, products_of, sample, scene_of
from .draw import drawing_of
from .drawing import Drawing
from .folds import (
    FOLDS,
    MANY_NODES,
    Group,
    Link,
    check_single,
    check_size,
    folded,
    folded_by,
    layer_of,
    links_of,
    over_many,
    way_out,
    with_inputs,
)
from .layout import Edge, Layout, Point, simple
from .network import Network, end_of, inner_groups, is_shown_at_first, network_of
from .page import Page, Words, page, with_words, words_of
from .program import program_of
from .reasons import reasons
from .rows import lay_out_in
from .scopes import parts_of
from .steps import Event, passed_along
from .svg import number_text

LONG = 28                   # letters of a name in a formula; a picture has fewer
OPEN = 150                  # boxes up to which an opened layer shows its nodes, not its neurons
MARK, LAST_MARK = 0xE000, "\uf8ff"     # a letter of Unicode's private area stands for a node in a formula

WINDOW = 1240.0, 420.0       # of the picture in a browser's window of 1280 by 800 points
EDGE = 4                    # around the picture, in points
ENOUGH = 0.85               # the scale at which letters are 11 pixels high
COLOURS = {"data": "data", "grad": "grad", "local": "grad"}

BODY = """<main><div id="screen"><h1>{title}</h1>
<div id="top"><section id="panel" aria-label="{this_step}" tabindex="0"><p id="what"></p><div id="lines"></div>
<p id="heard"></p><div id="answer" hidden><label><span id="asked"></span> <input id="guess" size="12" autocomplete="off"
autocapitalize="off" spellcheck="false"></label> <button id="check">{check}</button>
<button id="reveal">{show_me}</button></div>
<p id="reply" role="status"></p></section>
{program}{live}<section id="beside" class="list" aria-label="{trace}" tabindex="0"><table id="trace"><thead>
<tr><th>{node}<th>{data}<th>{derivative}<th>{grad}</table></section></div>
<p id="say" aria-live="polite"></p>
{bar}<div id="stage"><svg id="graph" class="tg-graph" role="group" aria-label="{title}">
<g id="moved"><g id="links"/><g id="boxes">{boxes}</g>
<g aria-hidden="true"><g id="ghosts"/><g id="near"/></g></g></svg></div>
<div class="bar tools" role="group" aria-label="{picture}">
<button id="predict" aria-pressed="false">{predict}</button>
<button id="turn">{turn}</button>
<button id="out" aria-label="{smaller}">−</button>
<button id="in" aria-label="{larger}">+</button>
<button id="fit">{fit}</button>
<label id="views">{show} <select id="view"></select></label>
<label>{find} <input id="find" type="search" size="12"></label>
<output id="found"></output><button id="copy" aria-description="{copy_key}" hidden></button>
<button id="present">{present}</button>{tools}</div>
<p id="nudge_told" role="status"></p><p class="quiet" id="legend">{colours}</p></div>
<details id="all"><summary>{all_steps}</summary><ol id="list" start="0"></ol></details></main>
"""


Key = tuple[str, tuple[int, ...]]


class View(NamedTuple):
    """One way to look at a graph: its nodes in groups, a group for a box, or as a network of circles."""
    name: str
    groups: list[Group]
    network: Network | None = None


def check_playable(graph: NamedGraph, fold: str = "auto") -> None:
    """Refuse a graph of too many nodes to be stepped through, or to be shown."""
    check_size(len(graph.nodes), "player")
    check_single(graph.nodes, fold)


class Lesson:
    """A graph and its events, on their way to becoming a page.

    program      the lines of the program, where they are known, and `lines` {(place, line): its number in them}
    place        {node: its number}, for hidden nodes that of the node they stand for
    marks        {node: the letter that stands for it in a formula}
    short        {node: its name, the end of a long one left out}
    boxes        {(kind, places of the nodes in a box): the box}, in all views; the kind is "circle" in the view of a
                 network, "inside" in an opened neuron, else ""
    insides      {circle, as such a key: what it shows when it is opened}
    made_from    {node: the places of all nodes it was made from, as bits}
    gradients    {node: every gradient it shows, one after the other}
    passed       {(node, number of an input): what goes along that edge in the backward pass}
    """

    kinds: tuple[str, ...] = ()                 # of more words
    around = 460                                # pixels above and below the picture

    def __init__(self, graph: NamedGraph, events: list[Event]):
        self.graph, self.events = graph, events
        self.program = program_of(graph.nodes)
        self.lines = {line[:2]: i for i, line in enumerate(self.program)}
        place = {node: i for i, node in enumerate(graph.nodes)}
        self.place = {node: place[seen] for node, seen in graph.stands_for.items() if seen in place}
        self.marks = {node: DOTS if graph.nodes[i] is graph.stand_in else Formula(chr(MARK + i))
                      for node, i in self.place.items()}
        self.short = {node: narrowed(text, LONG) for node, text in graph.texts.items()}
        self.boxes: dict[Key, Box | Circle] = {}
        self.insides: dict[Key, dict[str, Any]] = {}
        self.made_from: dict[Value, int] = {}
        for node in graph.nodes:
            self.made_from[node] = reduce(or_, [self.made_from[p] for p in graph.parents(node)], 1 << self.place[node])
        self.gradients: dict[Value, list[str]] = {node: ["—"] for node in graph.nodes}
        self.passed = passed_along(events)
        for event in events:
            for node, gradient in event.arrived.items():
                self.gradients[node].append(number_text(gradient))

    def page(self, fold: str, layout: str, predict: bool = False) -> Page:
        """The page, which shows the graph folded like this at first, and may ask for its numbers."""
        nodes = self.graph.nodes
        first, views = views_of(self.graph, fold, layout)
        words = words_of("player", "predict", *["network"] * (len(views) > 1),
                         *["batch"] * (self.graph.stand_in is not None), *self.kinds)
        placed = [self.network_view(view.name, view.network) if view.network else self.view(view, layout)
                  for view in views]
        has_network = any(view.network for view in views)
        data = {"words": words.script, "nodes": [self.node(node) for node in nodes],
                "events": [self.event(e) for e in self.events],
                "boxes": [self.box(key, views) for key in self.boxes], "views": placed, "first": first,
                "output": self.output(), "predict": int(predict),
                "folded": number_of_view(folded(nodes, "layer"), views)}
        title = words.page["title"].format(name=self.graph.texts[self.graph.output])
        picture = self.still(fold, layout, predict)
        files, rules = self.files(has_network)
        made = page(title, self.body(title, words, has_network), *files, self.finished(data), picture.svg,
                    min(900, self.around + placed[first]["size"][1]), rules)
        made.note = picture.note
        return made

    def still(self, fold: str, layout: str, predict: bool) -> Drawing:
        """The picture that stands for the page where pages are not let in."""
        return drawing_of(self.graph, layout, fold, blank="all" if predict else "")

    def files(self, has_network: bool) -> tuple[tuple[list[str], list[str]], str]:
        """((scripts, styles), rules) of the page, whose scripts are packed: see `page.page`."""
        more = ["network"] * has_network
        return (["transport.js", "answer.js", "predict.js", *[f"{name}.js" for name in more], "player.js"],
                ["graph.css", *[f"{name}.css" for name in more], "player.css",
                 *[f"{name}_page.css" for name in more]]), ""

    def finished(self, data: dict[str, Any]) -> dict[str, Any]:
        """All that the scripts are told."""
        return data

    def more(self, words: Words) -> str:
        """HTML beside the step."""
        return ""

    def tools(self, words: Words) -> str:
        """HTML below the picture, beside its other tools."""
        return ""

    def output(self) -> str:
        """What the output goes by in the list of derivatives: f, or v1 if f is somebody else, where it has no name."""
        name, taken = self.graph.texts[self.graph.output], set(self.graph.texts.values())
        if not self.graph.output.parents or name != self.graph.made(self.graph.output):
            return name
        return "f" if "f" not in taken else next(numbered_names(taken))

    def body(self, title: str, words: Words, is_network: bool) -> str:
        """What is on the page before its script runs: the boxes without a place, the tools, and the program."""
        drawn = "".join(f'<g class="tg-node tg-{box.kind}" id="b{i}">{box.inside(0, 0)}</g>'
                        for i, box in enumerate(self.boxes.values()))
        texts = {key: escape(text) for key, text in (words.script | words.page).items()}
        colours = texts["legend"].format(**{
            key: f'<span class="{kind}">{texts[key]}</span>' for key, kind in COLOURS.items()})
        if is_network:
            colours += " " + texts["weights"].format(plus=sample(1.0), minus=sample(-1.0))
        label = texts["source"]
        lines = "".join(f"<div>{line.number:4}  {escape(line.text)}</div>" for line in self.program)
        program = f'<section id="program" class="list" aria-label="{label}" tabindex="0">{lines}</section>'
        return with_words(BODY, words, title=escape(title), boxes=drawn, colours=colours,
                          program=program if lines else "", live=self.more(words), tools=self.tools(words))

    # ---- what is said of nodes and events

    def node(self, node: Value) -> dict[str, Any]:
        """A node's name, number and formulas; marks stand for nodes."""
        graph, name, formula = self.graph, self.graph.texts[node], self.graph.formulas[node]
        if node is graph.stand_in:
            return {"name": graph.others, "maths": printer.mathml(formula), "data": "", "constant": 1}
        told: dict[str, Any] = {"name": name, "maths": printer.mathml(formula), "data": number_text(graph.data[node])}
        if (short := self.short[node]) != name:
            told |= {"short": short, "maths": printer.mathml(Formula(short))}
        if self.precedence_of_name(node) != printer.ATOM:
            told["loose"] = 1
        if (factor := printer.as_factor(formula)) != name:
            told["factor"] = factor
        if node.is_constant:
            told["constant"] = 1
        if node.origin and (line := self.lines.get(node.origin[:2])) is not None:
            told["line"] = line
        if node.parents:
            call = in_short(call_of(node, self.marks)), self.side_of_marks(node, printer.MATHML)
            told |= {"parents": [self.place[p] for p in node.parents], "call": self.both(*call),
                     "numbers": graph.with_numbers(node, 5).replace("-", "−")}
            if (made := graph.made(node)) != name:
                told["made"] = made
        if node.parents and not node.is_constant:
            told["local"] = [number_text(float(g)) for g in node.local_grads]
            why = reasons(node, self.marks, self.short) if isinstance(node._operation, Op) else []
            told["why"] = [[] if parent is graph.stand_in else self.both(reason.formula, reason.rounded(5))
                           for parent, reason in zip(graph.parents(node), why)]
            if any(reason.words for reason in why):
                told["words"] = [reason.words for reason in why]
            if again := self.reached_again(node):
                told["again"] = again
        return told

    def side_of_marks(self, node: Value, style: int) -> Formula:
        """How a node was made, around marks for numbers, as a side of an equation; a mark alone stands as it is."""
        written = self.graph.written_out(node, self.marks.__getitem__)
        return printer.as_side(written, style) if written.parts else written

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
        or ["z", node, input, gradients afterwards, the nodes that have them, why], behind a closed branch or after a
        step of many examples; such a step forward is ["f", node, why]."""
        place = self.place[event.node]
        if event.kind == "forward":
            return ["f", place]
        if event.kind == "seed":
            return ["s", place, number_text(event.value), event.because]
        if event.kind == "backward":
            return ["b", place, event.edge, number_text(event.value), int(event.taken)]
        if not event.arrived:
            return ["f", place, event.reason]
        return ["z", place, event.edge, [number_text(grad) for grad in event.arrived.values()],
                [self.place[node] for node in event.arrived], event.reason]

    # ---- pictures

    def view(self, view: View, layout: str) -> dict[str, Any]:
        """Where the boxes and arrows of a view stand, by numbers of boxes."""
        keys = [self.key_of("", group) for group in view.groups]
        for key, group in zip(keys, view.groups):
            if key not in self.boxes:
                self.boxes[key] = self.widest(group)
        links = links_of(self.graph, view.groups)
        edges = [Edge(link.tail, link.head, *self.room_for_label(link.node, link.i)) for link in links]
        sizes = [(self.boxes[key].width, self.boxes[key].height) for key in keys]
        placed = lay_out_in(WINDOW, sizes, edges, layout, ENOUGH, parts_of(self.graph, view.groups, edges))
        homes = [{"x": x + w / 2, "y": y + h / 2, "w": w / 2, "h": h / 2} for _, (x, y), (w, h) in placed.borders]
        framed = {"frames": "".join(borders_svg(placed)), "homes": homes} if homes else {}
        return {"name": view.name, **self.told(placed, keys, links), **framed}

    def told(self, placed: Layout, keys: list[Key], links: list[Link], skipped: int = 0) -> dict[str, Any]:
        """A layout as the script has it; of its curves so many are no arrows."""
        number = {key: i for i, key in enumerate(self.boxes)}
        arrows = [[number[keys[link.tail]], number[keys[link.head]], self.place[link.node], link.i,
                   way_text([*points, tip, label])]
                  for link, (points, tip), label in zip(links, placed.curves[skipped:], placed.labels[skipped:])]
        return {"size": [round(placed.width + 2 * EDGE), round(placed.height + 2 * EDGE)],
                "boxes": [[number[key], round(x, 1), round(y, 1)] for key, (x, y) in zip(keys, placed.boxes)],
                "ghosts": [[number[keys[i]], round(x, 1), round(y, 1)] for i, (x, y) in placed.ghosts],
                "links": arrows}

    def key_of(self, kind: str, group: Group) -> Key:
        return kind, tuple(self.place[node] for node in group)

    def network_view(self, name: str, network: Network) -> dict[str, Any]:
        """The same of a network, whose lines have a width, negative for a negative weight, and a product."""
        radius = grid_of(network).radius
        keys = [self.key_of("circle" if place else "", group) for group, place in zip(network.groups, network.places)]
        for key, group, place in zip(keys, network.groups, network.places):
            self.boxes[key] = circle_of(self.graph, group, place, radius, "all") if place else self.widest(group)
        counts = [self.room_for_label(link.node, link.i)[0] for link in network.links]
        scene = scene_of(self.graph, network, [self.boxes[key] for key in keys], counts)
        self.open_neurons(network, keys)
        number = {key: i for i, key in enumerate(self.boxes)}
        told = self.told(scene.placed, keys, network.links, len(network.lines))
        told["links"] += [
            [number[keys[line.tail]], number[keys[line.head]], self.place[line.weight], -1,
             "" if is_straight(curve) else way_text(curve[0]),
             round(math.copysign(width, data), 1), number_text(data * self.graph.data[line.x])]
            for line, curve, width, data in zip(network.lines, scene.placed.curves, scene.widths, scene.numbers)]
        return {"name": name, **told, "headings": scene.headings}

    def open_neurons(self, network: Network, keys: list[Key]) -> None:
        """What the neurons show when they are opened, if that is not too much for a page."""
        inner = {k: inner_groups(self.graph, network.groups[k]) for k, place in enumerate(network.places)
                 if place and place.kind == "neuron"}
        if sum(map(len, inner.values())) > MANY_NODES:
            return
        for k, groups in inner.items():
            if len(groups) > 1:
                own = [self.key_of("inside" * (len(group) > 1), group) for group in groups]
                products = products_of(self.graph, network, k)
                for key, group in zip(own, groups):
                    if key not in self.boxes:
                        self.boxes[key] = box_inside(self.graph, group, products)
                links = links_inside(self.graph, groups)
                edges = [Edge(link.tail, link.head, *self.room_for_label(link.node, link.i)) for link in links]
                sizes = [(self.boxes[key].width, self.boxes[key].height) for key in own]
                told = self.told(simple(sizes, edges), own, links)
                self.insides[keys[k]] = {"size": told["size"], "boxes": told["boxes"],
                                         "links": [[*link[:4], ""] for link in told["links"]]}

    def widest(self, group: Group) -> Box:
        """A group's box with the longest gradient it will ever show, so that there is room."""
        graph, end = self.graph, way_out(self.graph, group)
        box = box_of_group(graph, group, True)
        return box._replace(grad=max(self.gradients[end], key=len)) if end is not None and box.grad else box

    def room_for_label(self, node: Value, i: int) -> tuple[int, int]:
        """(letters, lines) on an arrow: its local derivative, and the product that comes back along it."""
        return room_on_arrow(local_text(self.graph, node, i), self.passed.get((node, i), ""))

    def box(self, key: Key, views: list[View]) -> dict[str, Any]:
        """What the script has to know of a box: its nodes, whose numbers it shows, what opens it."""
        (kind, members), box = key, self.boxes[key]
        group = Group("")
        group.extend(self.graph.nodes[i] for i in members)
        end = end_of(self.graph, group)
        told: dict[str, Any] = {"nodes": members}
        if len(members) > 1 or end is None:
            told["shows"] = -1 if end is None else self.place[end]
        if end is None or box.formula != equation(self.graph, end):
            told["name"] = box.formula
        if box.origin:
            told["origin"] = box.origin
        if kind == "circle" and box.data:
            told["data"] = box.data
        if path := self.path_of(group):
            told["path"] = path
        if key in self.insides:
            return told | {"inside": self.insides[key]}
        layer = layer_of(group[0].scope)
        opening = [i for i, view in enumerate(views) if layer and view.name == name_when_open(layer)]
        return told | ({"opens": opening[0]} if opening and kind != "inside" else {})

    @staticmethod
    def path_of(group: list[Value]) -> str:
        """The Python that reaches a folded layer or neuron, or a parameter of one."""
        scopes = {node.scope for node in group if node.scope}
        if len(group) > 1 and len(scopes) > 1:
            scopes = set(map(layer_of, scopes))
        if len(group) > 1:
            return python_path(scopes.pop()) if len(scopes) == 1 else ""
        leaf = group[0]
        return python_path(leaf.scope, leaf.label) if leaf.label and not leaf.parents else ""


def links_inside(graph: NamedGraph, groups: list[Group]) -> list[Link]:
    """The arrows between the groups of an opened neuron, each with its local derivative."""
    where = {node: k for k, group in enumerate(groups) for node in group}
    return [Link(where[parent], head, node, i) for head, group in enumerate(groups) for node in group
            for i, parent in enumerate(graph.parents(node)) if where.get(parent, head) != head]


def way_text(points: list[Point]) -> str:
    return " ".join(f"{x:.0f} {y:.0f}" for x, y in points)


def equation(graph: NamedGraph, node: Value) -> str:
    """`v1 = x * w`, or what goes by its formula alone."""
    name, made = graph.texts[node], graph.made(node) if node.parents else ""
    return f"{name} = {made}" if made not in ("", name) else name


def python_path(scope: str, label: str = "") -> str:
    """The Python that reaches a layer, a neuron, or its parameter of this label, of a `model`; "" where none is known.

    >>> python_path("layer 0, neuron 2"), python_path("layer 0, neuron 2", "w0[2,1]"), python_path("step 1, layer 0")
    ('model.layers[0].neurons[2]', 'model.layers[0].neurons[2].w[1]', 'model.steps[1].layers[0]')
    """
    if not re.fullmatch(r"(step \d+, )*layer \d+(, neuron \d+)?", scope):
        return ""
    owner = "model" + re.sub(r"(step|layer|neuron) (\d+)(, )?", r".\1s[\2]", scope)
    if label in ("", name_at("b", scope)):
        return owner + (label and ".b")
    place = label.rpartition(",")[2].removesuffix("]")
    return f"{owner}.w[{place}]" if place.isdigit() and label == name_at("w", scope, int(place)) else ""


def views_of(graph: NamedGraph, fold: str, layout: str) -> tuple[int, list[View]]:
    """(number of the first to be shown, the views of a graph): whole, folded, and with a single layer open."""
    order, words = graph.nodes, words_of("player").page
    names = {"none": words["every_node"], "neuron": words["neurons"], "layer": words["layers"], "line": words["lines"],
             "time": words["time_steps"]}
    found = [View(names[f], folded(order, f)) for f in FOLDS if f in names and f != "neuron"]
    network = network_of(graph, layout)
    named = names["neuron"] if any(NEURON.fullmatch(node.scope) for node in order) else words["named_parts"]
    found.insert(1, View(named, network.groups if network else folded(order, "neuron"), network))
    coarse = fold == "auto" and len(order) > MANY_NODES
    if network and is_shown_at_first(graph, network, fold):
        wanted = network.groups
    else:
        wanted = min((folded(order, f) for f in (("time", "layer") if coarse else (fold,))), key=over_many)
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
    return words_of("player").page["opened"].format(layer=printable(layer))


def opened(order: list[Value], layer: str) -> list[Group]:
    """Every layer folded but one, which shows its nodes, or its neurons where the nodes are many."""
    inner = [node for node in order if layer_of(node.scope) == layer]
    few = len(inner) <= OPEN
    return folded_by(order, with_inputs(order, lambda node: layer_of(node.scope) if layer_of(node.scope) != layer else
                                        "" if few else node.scope))
