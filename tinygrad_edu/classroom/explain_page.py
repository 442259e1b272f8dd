"""The page of an explanation: the paths on one side, and on the other the picture on which they light up.

The script (`explain.js`) does no arithmetic: it puts classes on arrows, and texts where they belong.
"""

import re
from collections.abc import Iterable
from html import escape
from pathlib import Path as FilePath
from typing import NamedTuple

from ..engine.value import Value
from ..show.boxes import Box, box_of, boxes_of, edges_of
from ..show.draw import picture
from ..show.folds import folded, links_of
from ..show.layout import Edge
from ..show.page import Page, page, with_words, words_of
from ..show.scopes import parts_of
from ..show.svg import number_text
from ..show.typeset import Pieces, html_of, text_of
from .explain import BREAKS, Explanation, count_text, parts_at, said
from .paths import Link, Path

MOST_NODES = 20                             # of a graph that is drawn whole
MOST_ARROWS = 40                            # of a picture that shows stops and links instead of all nodes
WIDE = 520                                  # a picture beyond as many pixels is not shrunk to a phone, but scrolls
HEIGHT = 520                                # in a notebook, in pixels
SCRIPTS, STYLES = [[str(FilePath(__file__).with_name(name))] for name in ("explain.js", "explain.css")]
BODY = """<main id="explain"><section id="told"><h1>{headline}</h1>
{walk}{sections}</section>
<section id="picture" class="{size}" aria-label="{picture}" tabindex="0">{drawn}</section></main>
"""
WALK = """<div class="bar" role="group" aria-label="{steps}"><button id="back" aria-label="{back}">◀</button>
<button id="next" aria-label="{next}">▶</button><output id="total" aria-live="polite"></output></div>
<p id="about" class="quiet" aria-live="polite">{hint}</p>
<ol id="paths" aria-label="{paths}">{rows}</ol>
"""


class Shown(NamedTuple):
    """A picture, and where things are in it.

    svg      its text; "" where the graph is too large for one
    boxes    {node: the number of its box}
    arrows   {(node, which of its parents): the number of the arrow}
    note     what is said below it
    """

    svg: str
    boxes: dict[Value, int]
    arrows: dict[tuple[Value, int], int]
    note: str = ""


def page_of(told: Explanation) -> Page:
    """The page of an explanation."""
    words, shown = words_of("explain"), picture_of(told)
    without_style = re.sub(r"<style>.*?</style>", "", shown.svg, flags=re.S)         # the page has its own
    rows = [path_html(told, path, shown) for path in told.paths if path.links]
    walk = with_words(WALK, words, rows="\n".join(rows)) if rows else ""
    width = re.search(r'<svg[^>]* width="([\d.]+)"', shown.svg)
    size = "wide" if width and float(width[1]) > WIDE else ""
    body = with_words(
        BODY, words, headline=breakable(told.headline), walk=walk, size=size, sections=sections_html(told),
        drawn=without_style + f'<p class="quiet">{escape(shown.note)}</p>' * bool(shown.note))
    title = words.page["title_alone" if told.is_alone else "title"]
    title = title.format(output=told.name(told.output), leaf=told.name(told.leaf))
    data = {"totals": running_totals(told)}
    return page(title, body, SCRIPTS if rows else [], ["graph.css", *STYLES], data, shown.svg, HEIGHT)


def picture_of(told: Explanation) -> Shown:
    """The whole graph; of a larger one the nodes where paths part and meet, or those on the listed paths alone."""
    if not told.names.is_large:
        if len(told.names.graph.nodes) <= MOST_NODES:
            return whole_picture(told)
        listed = dict.fromkeys(link for path in told.paths for link in path.links)
        every = [link for own in told.all.links.values() for link in own]
        for links, note in (every, ""), (list(listed), said("listed_only").text):
            seen = [link for link in links if told.shown(link.head) is not told.shown(link.tail)]
            if len(seen) <= MOST_ARROWS:
                return picture_of_links(told, seen)._replace(note=note)
    return Shown("", {}, {}, said("no_picture").text)


def whole_picture(told: Explanation) -> Shown:
    graph = told.names.graph
    groups = folded(graph.nodes, "none")
    edges, texts = edges_of(graph, groups)
    boxes = with_gradients(told, graph.nodes, boxes_of(graph, groups))
    svg, _ = picture(boxes, edges, texts, told.layout, parts_of(graph, groups, edges))
    arrows = {(link.node, link.i): k for k, link in enumerate(links_of(graph, groups))}
    return Shown(svg, {node: k for k, node in enumerate(graph.nodes)}, arrows)


def picture_of_links(told: Explanation, links: list[Link]) -> Shown:
    """A box for each stop, and an arrow for each link with its factor."""
    graph = told.names.graph
    ends = {told.output, *[stop for link in links for stop in (link.head, link.tail)]}
    nodes = list(dict.fromkeys(told.shown(stop) for stop in reversed(told.all.stops) if stop in ends))
    place = {node: k for k, node in enumerate(nodes)}
    texts = [f"∂ {number_text(float(link.factor))}" for link in links]
    edges = [Edge(place[told.shown(link.tail)], place[told.shown(link.head)], len(text))
             for link, text in zip(links, texts)]
    boxes = with_gradients(told, nodes, [box_of(graph, node, True) for node in nodes])
    svg, _ = picture(boxes, edges, texts, told.layout, None)
    return Shown(svg, place, {edge: k for k, link in enumerate(links) for edge in link.edges})


def with_gradients(told: Explanation, nodes: Iterable[Value], boxes: Iterable[Box]) -> list[Box]:
    """The boxes with the gradients that are explained, also where `backward` has not run or has run twice."""
    return [box._replace(grad=number_text(float(told.all.arrived.get(node, 0)))) if box.grad else box
            for node, box in zip(nodes, boxes)]


def lights(told: Explanation, links: Iterable[Link], shown: Shown) -> str:
    """The attributes that say which arrows and boxes light up."""
    links = list(links)
    arrows = dict.fromkeys(shown.arrows[edge] for link in links for edge in link.edges if edge in shown.arrows)
    nodes = [node for link in links for node in (told.shown(link.head), told.shown(link.tail))]
    boxes = dict.fromkeys(shown.boxes[node] for node in nodes if node in shown.boxes)
    return f'data-arrows="{" ".join(map(str, arrows))}" data-boxes="{" ".join(map(str, boxes))}"'


def path_html(told: Explanation, path: Path, shown: Shown) -> str:
    """A path as a button, and its product, in which each factor is one."""
    way, _ = told.path_row(path, in_symbols=False)
    links = told.shown_links(path)
    factors = " × ".join(factor_html(told, link, shown) for link in links)
    product = f" =\u00a0{number_text(float(path.product))}" if len(links) > 1 else ""
    label = escape(text_of(way))
    return (f'<li><button class="way" {lights(told, path.links, shown)} aria-label="{label}">{breakable(way)}</button>'
            f"<div>{factors}{product}</div></li>")


def factor_html(told: Explanation, link: Link, shown: Shown) -> str:
    about = escape(text_of(told.folded(link)))
    return (f'<button class="factor" {lights(told, [link], shown)} data-about="{about}">'
            f"{number_text(float(link.factor))}</button>")


def breakable(row: Pieces) -> str:
    """A row as HTML whose lines may break before the next term, factor or node, too."""
    html = "<wbr/>".join(map(html_of, parts_at(row, (*BREAKS, "×"))))
    return html.replace("<mo>+</mo>", '<mo form="infix">+</mo>')            # a part may begin with it


def sections_html(told: Explanation) -> str:
    """What follows the paths: the factored form, and how numbers came about."""
    parts = []
    for title, rows in told.sections:
        lines = "".join(f"<li>{breakable(row)}</li>" for row in rows)
        parts.append((f"<h2>{escape(title.text)}</h2>" if title else "") + f"<ul>{lines}</ul>")
    return "\n".join(parts)


def running_totals(told: Explanation) -> list[str]:
    """What the paths come to, one after the other, and at last with those that are not listed."""
    totals: list[str] = []
    so_far = 0.0
    for path in told.paths if told.paths[0].links else []:
        sum_text, so_far = added(so_far, float(path.product), bool(totals))
        totals.append(said("so_far", at=len(totals) + 1, count=count_text(told.count), sum=sum_text).text)
    if told.rest:
        sum_text, _ = added(so_far, told.rest_sum, True)
        totals.append(said("with_rest", count=count_text(told.rest), sum=sum_text).text)
    return totals


def added(before: float, more: float, is_sum: bool) -> tuple[str, float]:
    """(`3 + 2 = 5`, or the first number alone; what it comes to)."""
    term = f"({number_text(more)})" if more < 0 and is_sum else number_text(more)
    return f"{number_text(before)} + {term} = {number_text(before + more)}" if is_sum else term, before + more
