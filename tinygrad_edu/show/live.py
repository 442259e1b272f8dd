"""Live pages: the player whose leaves are sliders, and which runs both passes again in the browser.

Python writes the page as it is at first, in the engine's numbers.  Beside it stand the rules as JavaScript, the whole
graph, and formulas in which marks stand for numbers; `live.js` puts new numbers into all of them.
"""

import re
from collections.abc import Sequence
from functools import cache, cached_property
from html import escape
from typing import Any

from ..engine import ops, printer
from ..engine.formula import Formula
from ..engine.javascript import functions_of
from ..engine.messages import name_of
from ..engine.op import BUILT_IN, OPS, Op
from ..engine.value import Value
from ..symbols.named import NamedGraph
from . import rules
from .as_python import as_python
from .batch import shown_graph
from .boxes import PAD, Box
from .circles import LETTERS_IN, Circle, bias_text, grid_of, widest_line
from .drawing import Drawing
from .folds import Group
from .layout import chosen_layout
from .network import Line, Network
from .page import Page, Words, digest, digests, script_of, sentences, style_of
from .player import MARK, Key, Lesson, View, check_playable
from .reasons import IN_WORDS, by_a_logit, by_a_target
from .steps import Event, events_of
from .svg import LETTER

ROOM = 10                                   # letters of a number to come, for which boxes and arrows leave room
NEGATIVE, POWER = "\uf8f0", "\uf8f1"        # before a mark: in parentheses if its number is negative; or has an e
HOLES = [Formula(chr(0xF8F8 + i)) for i in range(4)]        # k, share, target and sum in the slopes of a cross entropy
SCRIPTS = ["transport.js", "number.js", "live.js", "answer.js", "predict.js", "network.js", "player.js", "knobs.js",
           "nudge.js"]
STYLES = ["graph.css", "network.css", "player.css", "network_page.css", "live.css"]
FRAME_STYLES = [*STYLES, "framed.css"]
MARKS = re.compile(f"[{chr(MARK)}-\uf8ff]")
OF_NETWORKS = {"network.js", "network.css", "network_page.css"}

BODY = """<section id="live" class="list" aria-label="{what_if}" tabindex="0"><h2>{what_if}</h2>
<p class="quiet">{drag}</p><div id="knobs"></div><p id="refused" role="alert"></p><div id="doings">
<button id="more">{all_leaves}</button><button id="reset">{reset}</button>
<button id="as_python">{as_python}</button><button id="as_link">{as_link}</button></div>
<p id="copied" role="status"></p><textarea id="to_copy" aria-label="{to_copy}" rows="4" readonly hidden></textarea>
<div id="notes">{notes}</div></section>
"""
TOOLS = """<div id="nudge" class="bar" role="group" aria-label="{nudge}">
<label>{nudge} <select id="nudged"></select></label>
<label>{nudge_by} <input id="nudge_by" value="0.001" size="7"></label><button id="nudge_go">{nudge_go}</button>
<button id="nudge_keep" hidden>{nudge_keep}</button></div>"""


def play(output: Value, seed: float = 1.0, fold: str = "auto", layout: str = "auto", *, live: bool = True,
         predict: bool = False, names: str = "auto", engine: str | None = None) -> Page:
    """A page that walks through computing `output` and `output.backward(seed)`, step by step.

    fold     what is shown first: "none", every node; "neuron", a network of circles and lines, as `draw` has it;
             "layer", each as one box; "time", each time step; "line", what was made at one line of the program (see
             `trace_origin`); "example", of a batch one example as a network; "auto" shows one example of a batch of
             more than 60 nodes, the network of a graph of more than 15, and the time steps or layers of what else has
             more than 300.  The page can change it, and open single neurons and layers.
    layout   what places the boxes, as for `draw`
    live     can the leaves be given other numbers in the page?
    predict  is the number of each step blank until the reader has said it?  A button of the page changes that
    names    what the nodes go by, as for `steps`
    engine   the former name of `layout`; the next version will not know it any more

    The page is one file without any link: `play(f).save("f.html")`.  Notebooks show it.  The graph
    is only read, and the gradients shown are those of one pass from zero (see `steps`).  Of a batch, what the other
    examples do is one step forward, and one backward, after which the gradients so far are the engine's.

    Every number is one of the engine's at the start.  Where a leaf is dragged or typed over, both passes run again in
    the browser, by the same rules, and every number and sentence follows.  The graph stays the one that was recorded.

    Raises ValueError for an outdated graph, or for more than 5000 nodes.

    >>> x, y, z = Value(-2, label="x"), Value(5, label="y"), Value(-4, label="z")
    >>> lesson = play((x + y) * z)
    >>> lesson.title
    '(x + y) * z, step by step'
    """
    graph = shown_graph(output, names, fold)
    check_playable(graph, fold)
    kind = LiveLesson if live else Lesson
    return kind(graph, events_of(graph, seed)).page(fold, chosen_layout(layout, engine), predict)


def frame(output: Value, fold: str = "auto", names: str = "auto", at: int = 0) -> Page:
    """A live page for a page around it, whose script and style are the same texts whatever is shown.

    at   the step at which it opens

    It has the rules of the package's own operations alone.  To the page around it, and to no other, it says where it
    is: `{tinygrad_edu: "state", numbers: {label: number}, step, height}`.  It obeys `{tinygrad_edu: "go", step,
    numbers}`.

    >>> x = Value(2.0, label="x")
    >>> frame(x * x).title
    'x * x, step by step'
    """
    graph = shown_graph(output, names, fold)
    check_playable(graph, fold)
    return Frame(graph, events_of(graph), at).page(fold, "auto")


def frame_digests() -> tuple[str, str]:
    """The hashes of the scripts and of the style of every `frame`, as they stand in the policy of the page around it.

    >>> scripts, style = frame_digests()
    >>> f"script-src {scripts}; style-src {style}" in frame(Value(1.0)).html
    True
    """
    return digests(script_of(SCRIPTS, built_in_rules()), is_packed=True), f"'{digest(style_of(FRAME_STYLES))}'"


def built_in_rules() -> str:
    """The rules of all operations of the package."""
    return rules.script(BUILT_IN)


class LiveLesson(Lesson):
    """A lesson whose leaves can be given other numbers.

    recorded    did Python code make the graph, which might make another one of other numbers?
    place_of    {node: its place in the whole graph}, which other examples of a batch belong to
    biases      {circle: what is said of its bias, with a mark for the number}
    frozen      {leaf that keeps its number: the node made from it that no rule can make again}
    """

    kinds = ("live",)
    around = 500                                # three sliders and their buttons are seen at once

    def __init__(self, graph: NamedGraph, events: list[Event], recorded: bool = True):
        super().__init__(graph, events)
        self.recorded = recorded
        self.place_of = {node: i for i, node in enumerate(graph.whole)}
        self.frozen = self.frozen_leaves()
        self.biases: dict[Key, str] = {}

    def has_rule(self, node: Value) -> bool:
        """Can the page run the rule that made this node?"""
        return is_printable(node._operation)

    @cached_property
    def ops(self) -> list[Any]:
        """The operations whose rules the page has."""
        return list(dict.fromkeys(node._operation for node in self.graph.whole if node.parents and self.has_rule(node)))

    def frozen_leaves(self) -> dict[Value, Value]:
        """Those that lead to a node without a rule, each with that node."""
        found: dict[Value, Value] = {}
        for node in reversed(self.graph.whole):
            maker = node if node.parents and not self.has_rule(node) else found.get(node)
            if maker is not None:
                found |= {parent: maker for parent in node.parents if parent not in found}
        return {node: maker for node, maker in found.items() if is_leaf(node)}

    # ---- what the page has besides

    def files(self, has_network: bool) -> tuple[tuple[list[str], list[str]], str]:
        scripts, styles = [[name for name in names if has_network or name not in OF_NETWORKS]
                           for names in (SCRIPTS, STYLES)]
        return (scripts, styles), rules.script(self.ops)

    def finished(self, data: dict[str, Any]) -> dict[str, Any]:
        """With the whole graph, what explains its operations, and their sentences."""
        explained = {op.name: [how.__name__, *keys] for op, (how, *keys) in IN_WORDS.items()
                     if any(node._operation is op for node in self.graph.nodes)}
        live = self.whole() | {"explained": explained} | slopes_of_cross_entropy(explained)
        words = data["words"] | needed_sentences(explained)
        return data | {"words": words, "python": self.program_text(), "live": live}

    def program_text(self) -> str:
        """The graph as a program, with marks in the place of the leaves' numbers."""
        marks = {node: mark.head for node, mark in self.marks.items()
                 if is_leaf(node) and self.graph.stands_for[node] is node}
        return as_python(self.graph, marks, self.seed)

    @cached_property
    def seed(self) -> float:
        return next(event.value for event in self.events if event.kind == "seed")

    def whole(self) -> dict[str, Any]:
        """The graph to be run: every node, which of them are shown where, and which are leaves to be dragged."""
        graph, order = self.graph, self.graph.whole
        number = {op: i for i, op in enumerate(self.ops)}
        told: dict[str, Any] = {
            "ops": [op.name for op in self.ops],
            "whole": [self.made_of(node, number) for node in order],
            "named": [i for i, node in enumerate(order) if name_of(node)],
            "constants": [i for i, node in enumerate(order) if node.is_constant],
            "seed": plain(self.seed),
            "leaves": [i for i, node in enumerate(graph.nodes) if is_leaf(node) and node not in self.frozen]}
        if order is not graph.nodes:
            told["at"] = [self.place_of.get(node, -1) for node in graph.nodes]
            told["holders"] = [self.place_of.get(graph.holders[node], -1) for node in graph.nodes]
            told["stands"] = [self.stand_of(node) for node in order]
        return told

    def made_of(self, node: Value, number: dict[Any, int]) -> Any:
        """A leaf's number; [number of its op, its parents, *constants], or [-1, parents, data, *local gradients]."""
        if not node.parents:
            return plain(node.data)
        parents = [self.place_of[parent] for parent in node.parents]
        if self.has_rule(node):
            return [number[node._operation], parents, *map(plain, node.constants.values())]
        return [-1, parents, plain(node.data), *map(plain, node.local_grads)]

    def stand_of(self, node: Value) -> int:
        """The place of the shown node that stands for this one; that of the other examples for those of a batch."""
        graph = self.graph
        seen: Any = graph.stand_in if node in graph.hidden else graph.stands_for.get(node)
        return self.place.get(seen, -1)

    def more(self, words: Words) -> str:
        texts = {key: escape(text) for key, text in words.page.items()}
        notes = "".join(f'<p class="quiet">{escape(note)}</p>' for note in self.notes(words))
        return BODY.format(**texts, notes=notes)

    def tools(self, words: Words) -> str:
        return TOOLS.format(**{key: escape(text) for key, text in words.page.items()})

    def notes(self, words: Words) -> list[str]:
        """That the graph stays as it was recorded, and which leaves keep their numbers."""
        told = [words.page["recorded"]] * self.recorded
        for maker in dict.fromkeys(self.frozen.values()):
            leaves = [self.graph.texts[leaf] for leaf, other in self.frozen.items()
                      if other is maker and leaf in self.place]
            if leaves:
                name = self.graph.texts.get(maker, maker.op)
                told.append(words.page[self.why_frozen(maker)].format(leaves=", ".join(leaves), node=name))
        return told

    def why_frozen(self, maker: Value) -> str:
        return "no_rule"

    # ---- formulas in which marks stand for numbers

    def both(self, formula: Any, numbers: Any = None) -> list[str]:
        """A formula as MathML around names, and around marks of numbers where that differs."""
        names = self.around_marks(formula, self.precedence_of_name)
        marked = around_numbers(formula if numbers is None else numbers, printer.MATHML)
        return [names] if marked == names else [names, marked]

    def node(self, node: Value) -> dict[str, Any]:
        """With marks for the numbers that were put in."""
        told = super().node(node)
        if "numbers" in told:
            told["numbers"] = around_numbers(self.side_of_marks(node, printer.TEXT), printer.TEXT).replace("-", "−")
        return told

    def box(self, key: Key, views: list[View]) -> dict[str, Any]:
        """With the room for the number in a circle, and a mark for that of its bias."""
        told, box = super().box(key, views), self.boxes[key]
        if isinstance(box, Circle):
            if box.data:
                told["room"] = round(LETTERS_IN * box.radius, 2)
            if box.bias:
                told["name"] = f"{box.name} ({self.biases[key]})"
        return told

    # ---- room for numbers to come

    def widest(self, group: Group) -> Box:
        box = super().widest(group)
        return box._replace(room=ROOM * LETTER + 2 * PAD) if box.rows else box

    def room_for_label(self, node: Value, i: int) -> tuple[int, int]:
        letters, _ = super().room_for_label(node, i)
        return (max(letters, ROOM), 2) if letters else (0, 1)

    def network_view(self, name: str, network: Network) -> dict[str, Any]:
        """With what each weight is multiplied by, and how wide the widest line is."""
        told = super().network_view(name, network)
        self.biases |= {self.key_of("circle", group): bias_text(self.graph, group, lambda node: self.marks[node].head)
                        for group, place in zip(network.groups, network.places) if place}
        lines: Sequence[Line] = network.lines
        for link, line in zip(told["links"][len(told["links"]) - len(lines):], lines):
            link.append(self.place[line.x])
        return told | {"widest": widest_line(grid_of(network).radius)}


class Frame(LiveLesson):
    """A live lesson for a page around it, which knows its script by its hash."""

    def __init__(self, graph: NamedGraph, events: list[Event], at: int):
        super().__init__(graph, events, recorded=False)
        self.at = at

    def has_rule(self, node: Value) -> bool:
        op: Any = node._operation
        return super().has_rule(node) and op.is_built_in

    def files(self, has_network: bool) -> tuple[tuple[list[str], list[str]], str]:
        return (SCRIPTS, FRAME_STYLES), built_in_rules()

    def finished(self, data: dict[str, Any]) -> dict[str, Any]:
        return super().finished(data) | {"at": self.at, "framed": 1}

    def still(self, fold: str, layout: str, predict: bool) -> Drawing:
        """An empty one: the page around it shows none in its place."""
        return Drawing("", "", "")

    def why_frozen(self, maker: Value) -> str:
        return "saved_rule" if super().has_rule(maker) else "no_rule"


@cache
def is_printable(op: Any) -> bool:
    """Is there JavaScript for what made a node?"""
    try:
        return isinstance(op, Op) and OPS.get(op.name) is op and bool(functions_of([op]))
    except ValueError:
        return False


def is_leaf(node: Value) -> bool:
    return not node.parents and not node.is_constant


def plain(x: float) -> Any:
    """A number for JSON: nan and infinities as the text that JavaScript reads.

    >>> plain(2.5), plain(float("-inf"))
    (2.5, '-Infinity')
    """
    return x if x - x == 0 else "NaN" if x != x else "Infinity" if x > 0 else "-Infinity"


def needed_sentences(explained: dict[str, list[str]]) -> dict[str, str]:
    """The sentences of reasons that these operations may need: all, or those of a closed branch."""
    known = sentences("reasons")
    return {f"why_{key}": known[key] for key in (known if explained else ("nothing_arrives", "not_chosen"))}


def slopes_of_cross_entropy(explained: dict[str, list[str]]) -> dict[str, Any]:
    """The formulas of its slopes in names and in numbers, with holes: where the target adds up to 1, else, by it."""
    if ops.softmax_cross_entropy.name not in explained:
        return {}
    k, share, target, total = HOLES
    kinds = [by_a_logit(k, share, target, None), by_a_logit(k, share, target, total), by_a_target(k, share)]
    return {"slopes": [[around_numbers(part, printer.MATHML) for part in kind] for kind in kinds]}


def around_numbers(formula: Any, style: int) -> str:
    """A formula as text, with a sign before each mark whose number is in parentheses there if it is negative.

    >>> x, y = Formula(chr(MARK)), Formula(chr(MARK + 1))
    >>> around_numbers(Formula("pow", x, 2) + y, printer.TEXT) == f"{NEGATIVE}{x.head}**2 + {y.head}"
    True
    """
    levels = (printer.ADDED, printer.RAISED) if style == printer.MATHML else (printer.NEGATED, printer.ATOM)
    marks = [part for part in printer.in_order([formula]) if not part.parts and MARKS.fullmatch(part.head)]
    texts = {level: written(formula, style, marks, level) for level in (printer.ATOM, *levels)}
    bare = texts[printer.ATOM]
    negative, power = [fences(bare, texts[level], style) for level in levels]
    signs = iter([POWER if high else NEGATIVE if low else "" for low, high in zip(negative, power)])
    return MARKS.sub(lambda mark: next(signs) + mark[0], bare)


def written(formula: Any, style: int, marks: Sequence[Formula], precedence: int) -> str:
    """A formula as text whose marks hold together as tightly as that."""
    if style == printer.MATHML:
        return printer.mathml(formula, {mark: (precedence, mark.head) for mark in marks})
    by_id = {id(mark): (precedence, mark.head) for mark in marks}
    return "\n".join(f"{name} = {line}" if name else line for name, line in printer.as_lines(formula, style, by_id))


def fences(bare: str, full: str, style: int) -> list[bool]:
    """Whether each mark is in parentheses in the second text of a formula, and not in the first."""
    opening, closing = printer.fenced(" ", style).split(" ")
    found, before = [], ""
    for text, other in zip(MARKS.split(bare)[:-1], MARKS.split(full)[:-1]):
        found.append(other == before + text + opening)
        before = closing if found[-1] else ""
    return found
