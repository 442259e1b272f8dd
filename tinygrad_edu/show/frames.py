"""One picture for each step of the two passes, for slides that build up.

All have the same size and the same places.  What is computed, and what receives a gradient, is framed as
in the player; numbers that are not there yet are dashes.  The step stands below in one line of mathematics.
"""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..engine.printer import escape
from ..engine.value import Value
from ..files import checked_folder, write_whole
from ..symbols.named import NamedGraph
from .boxes import (
    Box,
    borders_svg,
    box_svg,
    boxes_of,
    edge_svg,
    ghost_svg,
    in_lines,
    label_svg,
    legend,
    local_text,
    room_on_arrow,
    said,
)
from .drawing import Drawing
from .export import KINDS, exported, is_ours
from .folds import MANY_NODES, Link, folded, links_of
from .layout import Edge, Layout, Point
from .rows import ENOUGH, PAPER, lay_out_in
from .scopes import parts_of
from .steps import Event, events_of, passed_along
from .svg import LETTER, at, document, number_text

LINE, NARROWEST = 18, 400       # the height of a line below, and the least width of all of them, in points


class Frames(list[Drawing]):
    """A picture of the start, and one of each step; `save` writes them into a folder."""

    def save(self, folder: "str | Path", kind: str = "svg", *, theme: str = "auto", scale: float = 2.0) -> list[Path]:
        """Write `step-00.svg`, `step-01.svg` and so on into a folder, and return their paths.

        kind    "svg", "png" or "pdf"; `theme` and `scale` are as for `Drawing.save`

        Pictures of earlier steps there are replaced; ValueError where one of these names is somebody else's, OSError
        for a folder that cannot be made or written into.
        """
        if kind not in KINDS:
            raise ValueError(f"kind={kind!r}: write one of {', '.join(KINDS)}")
        folder = Path(folder)
        checked_folder(folder)
        old = [path for path in folder.glob(f"step-*.{kind}") if re.fullmatch(r"step-\d+", path.stem)]
        for path in old:
            if not is_ours(path):
                raise ValueError(f"{path} is here already, and is not one that tinygrad-edu wrote: name another folder")
        contents = [exported(drawing.svg, kind, theme, scale) for drawing in self]
        folder.mkdir(exist_ok=True)
        digits = max(2, len(str(len(self) - 1)))
        paths = [write_whole(folder / f"step-{i:0{digits}}.{kind}", content) for i, content in enumerate(contents)]
        for path in set(old) - set(paths):
            path.unlink()
        return paths


def frames(output: Value, seed: float = 1.0, layout: str = "auto", *, names: str = "auto") -> Frames:
    """A picture of each step of computing `output` and `output.backward(seed)`, and before them one of the start.

    layout, names   as for `draw`

    The graph is only read, and the gradients shown are those of one pass from zero (see `steps`).
    ValueError for an outdated graph, or for more than 300 nodes.

    >>> x, y = Value(2.0, label="x"), Value(3.0, label="y")
    >>> [drawing.svg.count(">6</text>") for drawing in frames(x * y)]      # the product, from its step on
    [0, 1, 1, 1, 1]
    """
    return frames_of(NamedGraph(output, names), seed, layout)


def frames_of(graph: NamedGraph, seed: float = 1.0, layout: str = "auto") -> Frames:
    """`frames`, for a graph that has its names."""
    if len(graph.nodes) > MANY_NODES:
        raise ValueError(f"the graph has {len(graph.nodes)} nodes, too many for a picture of each step (at most "
                         f"{MANY_NODES}): tg.play makes a page of it, and tg.draw one picture")
    stage = Stage(graph, events_of(graph, seed), layout)
    return Frames(stage.drawing(moment) for moment in moments(graph, stage.events))


class Moment(NamedTuple):
    """What is known after a step.

    number   of the step, 0 at the start, where there is no event
    done     the nodes that are computed, and `grads` {node: its gradient so far}
    """
    number: int
    event: Event | None
    done: set[Value]
    grads: dict[Value, str]


def moments(graph: NamedGraph, events: list[Event]) -> Iterator[Moment]:
    """The start, and what is known after each step; one is valid until the next is asked for."""
    done, grads = {node for node in graph.nodes if not node.parents}, dict[Value, str]()
    yield Moment(0, None, done, grads)
    for number, event in enumerate(events, 1):
        if event.kind == "forward":
            done.add(event.node)
        else:
            grads |= dict.fromkeys(receivers(event), number_text(event.value))
        yield Moment(number, event, done, grads)


def receivers(event: Event) -> list[Value]:
    """The nodes that a step computes, or gives a gradient."""
    if event.kind == "stopped":
        return list(event.behind)
    return [event.node if event.parent is None else event.parent]


def inputs(graph: NamedGraph, event: Event) -> list[Value]:
    """The nodes that a step reads."""
    if event.kind == "forward":
        return list(graph.parents(event.node))
    return [event.node] if event.parent is not None else []


class Stage:
    """Where everything stands in all pictures: boxes and arrows with room for every number they will show."""

    def __init__(self, graph: NamedGraph, events: list[Event], layout: str):
        self.graph, self.events = graph, events
        groups = folded(graph.nodes, "none")
        self.boxes = dict(zip(graph.nodes, self.with_room(boxes_of(graph, groups))))
        self.links = links_of(graph, groups)
        self.passed = passed_along(events)
        sizes = [(box.width, box.height) for box in self.boxes.values()]
        edges = [Edge(link.tail, link.head, *self.room_on(link)) for link in self.links]
        self.placed: Layout = lay_out_in(PAPER, sizes, edges, layout, ENOUGH, parts_of(graph, groups, edges))
        self.width = max(self.placed.width, NARROWEST)
        self.columns = int(self.width / LETTER)
        self.lines = max(len(textwrap.wrap(event.text, self.columns)) for event in events)

    def with_room(self, boxes: list[Box]) -> Iterator[Box]:
        """Boxes that are as wide as with the longest gradient they will show."""
        longest = dict.fromkeys(self.graph.nodes, "—")
        for moment in moments(self.graph, self.events):
            longest = {node: max(text, moment.grads.get(node, ""), key=len) for node, text in longest.items()}
        for box, text in zip(boxes, longest.values()):
            yield box._replace(room=box._replace(grad=text).width if box.grad else box.width)

    def room_on(self, link: Link) -> tuple[int, int]:
        """(letters, lines) on an arrow: its local derivative, or the product that comes back along it."""
        return room_on_arrow(local_text(self.graph, link.node, link.i), self.passed.get((link.node, link.i), ""))

    def drawing(self, moment: Moment) -> Drawing:
        """The picture of a moment."""
        boxes = [self.box(node, moment) for node in self.boxes]
        name, count, placed = self.graph.texts[self.graph.output], len(self.events), self.placed
        told, line = said("start", count=count), ""
        if moment.event:
            told = said(f"at_{moment.event.kind}", at=moment.number, count=count)
            line = moment.event.text.replace("-", "−")
        below = [f'<text class="tg-quiet" y="{at(placed.height + LINE * 1.5)}">{told}</text>',
                 *[f'<text y="{at(placed.height + LINE * (i + 2.5))}">{escape(part)}</text>'
                   for i, part in enumerate(textwrap.wrap(line, self.columns))]]
        parts = [
            *borders_svg(placed),
            *[self.arrow(k, link, moment) for k, link in enumerate(self.links)],
            *[box_svg(box, *centre) for box, centre in zip(boxes, placed.boxes)],
            *[ghost_svg(boxes[i], *centre) for i, centre in placed.ghosts], *below]
        size = self.width, placed.height + LINE * (self.lines + 1.5)
        sentences = [told, *[line] * bool(line), *[box.sentence for box in boxes]]
        svg = document(said("titled", name=name, moment=told), sentences, size, parts, legend(with_local=True))
        return Drawing(svg, placed.name, name, placed.note)

    def box(self, node: Value, moment: Moment) -> Box:
        """A box with the numbers that are known, and how it looks."""
        box, event = self.boxes[node], moment.event
        box = box._replace(grad=moment.grads.get(node, "—") if box.grad else "")
        if node not in moment.done:
            return box._replace(data="—", look=" tg-later")
        if event and node in receivers(event):
            return box._replace(look=" tg-now" if event.kind == "forward" else " tg-gains")
        return box._replace(look=" tg-from") if event and node in inputs(self.graph, event) else box

    def arrow(self, k: int, link: Link, moment: Moment) -> str:
        """An arrow with its local derivative once that is known; it is turned where a gradient comes back along it."""
        (points, tip), label, event = self.placed.curves[k], self.placed.labels[k], moment.event
        text = local_text(self.graph, link.node, link.i) if link.node in moment.done else ""
        if not points or not event or event.node is not link.node or event.kind not in ("forward", "backward"):
            return edge_svg(points, tip, text, label) if points else ""
        if event.kind == "forward":
            return edge_svg(points, tip, text, label, " tg-now")
        if event.edge != link.i:
            return edge_svg(points, tip, text, label)
        return turned(points, tip, in_lines(self.passed[link.node, link.i]), label)


def turned(points: list[Point], tip: Point, lines: list[str], label: Point) -> str:
    """An arrow the other way, from its tip to its start, with what is carried along it."""
    (x, y), (next_x, next_y) = points[0], points[1]
    length = max(1.0, abs(complex(next_x - x, next_y - y)))
    base = x + 10 * (next_x - x) / length, y + 10 * (next_y - y) / length
    back = edge_svg([tip, *reversed(points[1:-1]), base], (x, y), "", label, " tg-back")
    highest = label[1] - 7 * (len(lines) - 1)
    words = [label_svg(text, label[0], highest + 14 * i) for i, text in enumerate(lines)]
    return f"{back.removesuffix('</g>')}{''.join(words)}</g>"
