"""A gradient told as the sum over its paths, and where a number came from.

`paths.py` counts and adds up.  Here the paths get the names that pictures have, and become rows of pieces, as
steps are, so that text, LaTeX and the page say the same.
"""

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import cached_property
from itertools import takewhile
from pathlib import Path as FilePath
from typing import Any, NamedTuple

from ..engine.errors import GradientError
from ..engine.formula import Formula
from ..engine.graph import refuse_non_value
from ..engine.messages import formula_of, node_labelled
from ..engine.number import checked_whole, format_number, printable
from ..engine.printer import LATEX
from ..engine.value import Value
from ..show.folds import MOST_NODES
from ..show.page import Page, sentences, words_of
from ..show.steps import backward_events, check_fresh, forward_event
from ..show.typeset import PLAIN_LATEX, Grad, Number, Partial, Pieces, Words, text_of, typeset
from ..symbols.named import NamedGraph, call_of, in_short
from .paths import Link, Path, Paths

MOST_PATHS = 1000           # that are listed
MOST_NAMED = 100_000        # nodes; those of a larger graph go by numbers
MOST_ON_A_LINE = 8          # factors, names or terms; of more, the first three and the last are shown
FEW = 3                     # factors and terms up to which a line has symbols before the numbers
WIDTH = 100                 # of a line of text, which breaks before one of these signs
BREAKS = ("=", "+", "→")
MOST_LINES = 20             # that tell how numbers came about
DOTS = "…"                  # for the others
ROUNDED = 10**15            # what is counted beyond this is rounded
ROUNDING = 1e-9             # the share of the sizes that may be missing in a sum where nothing cancels


def explain(output: Value, leaf: Value | str | None = None, *, paths: int = 6) -> "Explanation":
    """The gradient of `output` by `leaf` as a sum over paths; without a leaf, where the number `output` came from.

    Every way along the arrows is a path, and the product of its local gradients is what it adds to the gradient.
    Where nothing branches, steps without a name are one factor.

    leaf    a leaf, or any node that `output` was made from, or its label
    paths   how many are listed, the largest first.  Where there are more, their number is still exact, and the
            gradient also stands there as `backward` adds it up: node by node, which saves most of the work

    Raises ValueError for a constant, for a node that is not in the graph, and for an outdated graph; GradientError
    where a local gradient on the way is infinite or nan.

    >>> a, b = Value(2.0, label="a"), Value(1.0, label="b")
    >>> c, d = a + b, b + 1
    >>> c.label, d.label = "c", "d"
    >>> e = c * d
    >>> e.label = "e"
    >>> print(explain(e, b))
    ∂e/∂b = 5, the sum over 2 paths
      e → d → b   ∂e/∂d × ∂d/∂b = 3 × 1 = 3
      e → c → b   ∂e/∂c × ∂c/∂b = 2 × 1 = 2
    """
    return explanation_of(NamedGraph(output), leaf, paths)


def explanation_of(graph: NamedGraph, leaf: Value | str | None, paths: int, layout: str = "auto") -> "Explanation":
    """`explain`, for a graph that has its names; `layout` is that of the picture on the page."""
    output = graph.whole[-1]
    if checked_whole("paths", paths) > MOST_PATHS:
        raise ValueError(f"paths={paths}: at most {MOST_PATHS} are listed; the count and the sum are those of all")
    if output.is_constant:
        raise ValueError(f"{formula_of(output)} is a constant: nothing here needs a gradient")
    target = output if leaf is None else wanted(leaf, graph.whole)
    return Explanation(Names(graph), target, paths, layout, is_alone=leaf is None)


def wanted(leaf: Any, order: list[Value]) -> Value:
    """The node that is meant, by itself or by its label; ValueError if the output has no gradient by it."""
    if isinstance(leaf, str):
        if not leaf:
            raise ValueError("leaf='': name a node by its label, or hand over the node itself")
        leaf = node_labelled(leaf, order, "node")
    refuse_non_value(leaf)
    if leaf.is_constant:
        raise ValueError(f"{formula_of(leaf)} is a constant, so there is no gradient by it")
    if leaf not in set(order):
        raise ValueError(f"the output was not made from {formula_of(leaf) or 'this node'}, so no path leads there; "
                         "detach() and no_grad() cut what was made within them off")
    return leaf


def said(key: str, **holes: Any) -> Words:
    """A sentence of `words/en.json`."""
    return Words(sentences("explain")["text"][key].format(**holes))


class Names:
    """What nodes go by: as in pictures or, in a huge graph, by a label or a number.

    ValueError for an outdated graph: formulas with its numbers would be false.
    """

    def __init__(self, graph: NamedGraph):
        self.graph, self.is_large = graph, len(graph.whole) > MOST_NAMED
        check_fresh(graph.whole)
        self.numbers = {node: k for k, node in enumerate(graph.whole)} if self.is_large else {}

    def __getitem__(self, node: Value) -> Formula:
        if self.is_large:
            return Formula(printable(node.label) or f"v{self.numbers[node]}")
        return self.graph.formulas[node]

    def are_own(self, node: Value) -> bool:
        """Has a node a name of its own: a label, or a formula that is short enough to be one?"""
        return bool(node.label) or not (self.is_large or self.graph.is_short)

    def are_telling(self, node: Value) -> bool:
        """Does the name say which node it is, as a place in a network does, and v14 does not?"""
        if node.label or not node.parents:
            return True
        return not self.is_large and bool(self.graph.labels[node] or self.graph.texts[node] == self.graph.made(node))

    def made(self, node: Value) -> Pieces:
        """How a node was computed, `q = x + y = -2 + 5 = 3`, and where, if that is known."""
        if not node.parents:
            made: Pieces = (self[node], "=", result(node.data), ",", said("given"))
        elif self.is_large:
            call = call_of(node, {parent: self[parent] for parent in node.parents})
            made = (self[node], "=", in_short(call), "=", result(node.data))
        else:
            symbols, numbers, _ = forward_event(self.graph, node).pieces
            made = (*symbols, "=", *numbers)
        return (*made, ",", said("made_at", origin=node.origin)) if node.origin else made


class Section(NamedTuple):
    """Rows that belong together, below a title or none."""

    title: Words | None
    rows: list[Pieces]


class Explanation:
    """The gradient of `output` by `leaf` as a sum over paths; it prints as text, and notebooks show its page.

    count    how many paths there are, exactly
    dead     how many of them come to 0, as those through a closed relu do
    sum      the gradient: what all paths add up to
    size     the sum of |path|
    paths    the largest paths, the largest first, each a `product` and its `links`
    """

    def __init__(self, names: Names, leaf: Value, most: int, layout: str, is_alone: bool):
        self.names, self.layout, self.is_alone = names, layout, is_alone
        self.output, self.leaf = names.graph.whole[-1], leaf
        self.all = Paths.of(names.graph.whole, leaf, names.are_own)
        self.paths = self.all.largest(most)
        self.count, self.sum, self.size = self.all.count, float(self.all.sum), float(self.all.size)
        if not math.isfinite(self.sum + self.size):
            raise GradientError(f"the paths add up to {format_number(self.sum)}, and without signs to "
                                f"{format_number(self.size)}: that lies beyond the largest float")
        self.dead = self.count - self.all.live
        self.rest = self.count - len(self.paths)

    # ---- rows of pieces

    @property
    def headline(self) -> Pieces:
        """The gradient, and how many paths it is the sum of; without a leaf, how the output was computed."""
        if self.is_alone:
            return self.names.made(self.output)
        derivative = (self.partial(self.output, self.leaf), "=", result(self.sum), ",")
        if self.leaf is self.output:
            return (*derivative, said("itself"))
        told = said("only" if self.count == 1 else "sum", count=count_text(self.count)).text
        return (*derivative, Words(f"{told}, {self.told_dead()}" if self.dead else told))

    def told_dead(self) -> str:
        """How many paths come to 0, and at which operation, if all were closed by one kind."""
        closers = {self.closer(link) for links in self.all.links.values() for link in links
                   if not link.factor and self.all.arrived.get(link.head)}
        closed = "" if len(closers) > 1 else printable(min(closers, default=""))
        why = said("dead_at", op=closed) if closed else said("dead")
        key = "all_dead" if self.dead == self.count else "some_dead"
        return (why if self.count == 1 else said(key, count=count_text(self.dead), why=why.text)).text

    def closer(self, link: Link) -> str:
        """The operation that did not choose this way, as a closed relu; "" where the factor is 0 by chance."""
        node = next((node for node, i in link.edges if node._local_grads[i] == 0), link.head)
        return node.op if node._operation.selects else ""

    def path_row(self, path: Path, in_symbols: bool = True) -> tuple[Pieces, Pieces]:
        """The nodes on a path, and its product: with symbols before the numbers, if it has few factors."""
        links = self.shown_links(path)
        in_symbols = in_symbols and 0 < len(links) <= FEW
        ends = [(self.formula(link.tail), *self.which_input(link) * (not in_symbols)) for link in links]
        nodes = joined([(self.formula(self.output),), *ends], "→")
        symbols = (*joined(links, "×", self.derivative), "=") if in_symbols else ()
        factors = joined(links, "×", factor_of) or (number(1),)
        product = ("=", result(path.product)) if len(links) > 1 else ()
        return nodes, (*symbols, *factors, *product)

    def shown_links(self, path: Path) -> list[Link]:
        """The links of a path but those between nodes that go by one name, whose factor is 1."""
        return [link for link in path.links if self.shown(link.head) is not self.shown(link.tail)]

    def shown(self, stop: Value) -> Value:
        """What a stop goes by: z for a neuron's nameless w · x in z = w · x + b, whose gradient is the same."""
        if self.names.is_large:
            return stop
        labels, links = self.names.graph.labels, self.into.get(stop, ())
        edges = links[0].edges if len(links) == 1 and not labels[stop] else ()
        for node, i in reversed(edges):
            if node._local_grads[i] != 1:
                break
            if labels[node] and not node.label:                 # by its place in a network
                return node
        return self.names.graph.stands_for[stop]

    @cached_property
    def into(self) -> dict[Value, list[Link]]:
        """{stop: the links that end there}."""
        into: dict[Value, list[Link]] = {stop: [] for stop in self.all.stops}
        for stop in self.all.stops:
            for link in self.all.links[stop]:
                into[link.tail].append(link)
        return into

    @cached_property
    def sections(self) -> list[Section]:
        """What follows the list of paths; without a leaf, what the output passes on."""
        if self.is_alone:
            return [Section(None, self.steps_back())]
        sections = [Section(None, self.about_all()), self.factored(), self.where_from()]
        return [section for section in sections if section.rows]

    @property
    def rest_sum(self) -> float:
        """What the paths that are not listed add up to."""
        return math.fsum([self.sum, *[-path.product for path in self.paths]])

    def about_all(self) -> list[Pieces]:
        """The paths that are not listed, what cancels, and the nodes that all paths go through."""
        rows: list[Pieces] = []
        if self.rest and self.all.live <= len(self.paths):
            rows.append((said("rest_zero", count=count_text(self.rest)),))
        elif self.rest:
            rows.append((said("rest", count=count_text(self.rest)), result(self.rest_sum)))
        if self.size > abs(self.sum) * (1 + ROUNDING):
            rows.append((said("cancels", percent=percent_text(self.sum, self.size), size=format_number(self.size)),))
        segments = self.all.segments
        if self.rest and sum(segment.tally.paths > 1 for segment in segments) > 1:
            inner = joined([segment.head for segment in segments[1:]], ",", self.formula)
            sums = joined([segment.tally.sum for segment in segments], "×", number)
            product = self.partial(self.output, self.leaf), "=", *sums, "=", result(self.sum)
            rows += [(said("through"), *inner), product]
        return rows

    def factored(self) -> Section:
        """What `backward` does instead of listing paths: a row for each node where paths meet."""
        if not self.rest:
            return Section(None, [])
        meeting = [stop for stop in self.all.stops if len(self.into[stop]) > 1]
        return Section(said("factored"), few_rows(meeting, lambda stop: self.gathered(stop, self.into[stop])))

    def gathered(self, node: Value, links: Sequence[Link]) -> Pieces:
        """The gradient of a node as the sum of what comes along its links, and how many paths that stands for."""
        arrived = self.all.arrived
        told = said("gathers", count=count_text(self.all.count_to(node)), products=f"{len(links):,}")
        live = [link for link in links if link.factor and arrived.get(link.head)]
        symbols = joined(links, "+", lambda link: (Grad(self.formula(link.head)), "×", *self.derivative(link)))
        numbers = joined(live, "+", lambda link: (number(arrived[link.head]), "×", factor_of(link)))
        in_symbols = (*symbols, "=") if len(links) <= FEW else ()
        in_numbers = (*numbers, "=") if live else ()
        return Grad(self.formula(node)), "=", *in_symbols, *in_numbers, result(arrived.get(node, 0)), told

    def where_from(self) -> Section:
        """How nodes that go by a mere number were computed, and the factors of several steps."""
        links = list(dict.fromkeys(link for path in self.paths for link in self.shown_links(path)))
        numbered = [link for link in links if not self.names.are_telling(self.shown(link.head))]
        heads = [link.head for link in numbered]
        inner = [node for link in numbered if len(link.edges) <= MOST_ON_A_LINE for node, _ in link.edges]
        met = [node for node in map(self.shown, heads + inner) if not self.names.are_telling(node)]
        computed = [node for node in dict.fromkeys([self.shown(self.leaf), *met]) if node.parents]
        several = [link for link in links if len(self.own_edges(link)) > 1]
        rows = few_rows(computed, self.names.made, MOST_LINES), self.steps_back(), few_rows(several, self.folded)
        return Section(said("numbers"), [row for part in rows for row in part])

    def steps_back(self) -> list[Pieces]:
        """How a computed node came to its gradient, or, where it is alone, what it passes on: a row for each arrow."""
        if len(self.names.graph.whole) > MOST_NODES or not self.leaf.parents:
            return []
        events = [event for event in backward_events(self.names.graph, 1.0)
                  if (event.node is self.output if self.is_alone else event.parent is self.shown(self.leaf))]
        start = [(Grad(self.formula(self.output)), "=", number(1), ",", said("itself"))] * self.is_alone
        return start + few_rows(events, lambda event: (*event.pieces[0], "→", *event.pieces[1]))

    def folded(self, link: Link) -> Pieces:
        """A factor, and the steps it is made of: `∂h/∂x = 0.5 × 0.75 = 0.375`."""
        own = self.own_edges(link)
        factors = joined(own, "×", lambda edge: number(edge[0]._local_grads[edge[1]]))
        steps = said("steps", count=f"{len(own):,}")
        product = ("=", result(link.factor))
        return (*self.derivative(link), *(("=", *factors, *product, steps) if len(own) > 1 else product))

    def own_edges(self, link: Link) -> list[tuple[Value, int]]:
        """The edges of a link down to what stands for its end."""
        end = self.shown(link.tail)
        return list(takewhile(lambda edge: edge[0] is not end, link.edges))

    def name(self, node: Value) -> str:
        """What a node goes by, as text."""
        return text_of((self.formula(node),))

    def formula(self, node: Value) -> Formula:
        return self.names[self.shown(node)]

    def derivative(self, link: Link) -> Pieces:
        """What the factor of a link is called, and by which input, or that it is the direct way among others."""
        note = self.which_input(link) or ((said("direct"),) if self.all.has_detour(link) else ())
        return (self.partial(link.head, link.tail), *note)

    def which_input(self, link: Link) -> Pieces:
        """The input by which a link comes to a node that is used there more than once."""
        node, i = link.edges[-1]
        is_used_again = node._parents.count(node._parents[i]) > 1
        return (Words(words_of("player").script["input"].format(number=i + 1)),) if is_used_again else ()

    def partial(self, of: Value, by: Value) -> Partial:
        return Partial(self.formula(of), self.formula(by))

    # ---- as text, LaTeX, data and a page

    @property
    def text(self) -> str:
        """The whole explanation, a line for each row."""
        lines = [*wrapped(self.headline), *self.path_lines()]
        for section in self.sections:
            lines += ["", section.title.text] if section.title else []
            lines += [line for row in section.rows for line in wrapped(row, "  ")]
        return "\n".join(lines)

    def path_lines(self) -> list[str]:
        """The paths in two columns; where these are too wide, without symbols or with each product on its own line."""
        for in_symbols in True, False:
            rows = [self.path_row(path, in_symbols) for path in self.paths if path.links]
            widest = max([len(text_of(names)) for names, _ in rows], default=0)
            lines = [f"  {text_of(names):{widest}}   {text_of(product)}" for names, product in rows]
            if all(len(line) <= WIDTH for line in lines):
                return lines
        return [line for names, product in rows for line in [*wrapped(names, "  "), *wrapped(product, " " * 6)]]

    def __repr__(self) -> str:
        return self.text

    @property
    def latex(self) -> str:
        """The sum over the listed paths as one formula, each a brace over its numbers; alone, how it was computed."""
        if self.is_alone:
            return " ".join(map(in_latex, self.headline))
        terms = [self.in_braces(path) for path in self.paths if path.links]
        if self.rest:
            more = said("more_paths", count=count_text(self.rest))
            terms.append(rf"\underbrace{{\cdots}}_{{{in_latex(more)}}}")
        whole = in_latex(self.partial(self.output, self.leaf))
        return " = ".join([whole, *[" + ".join(terms)] * bool(terms), in_latex(result(self.sum))])

    def in_braces(self, path: Path) -> str:
        """A path as LaTeX: its derivatives over its factors."""
        links = self.shown_links(path)
        rows = [(DOTS,) if link is DOTS else self.derivative(link) for link in shortened(links)]
        partials = " ".join(in_latex(piece) for row in rows for piece in row)
        factors = " ".join(map(in_latex, joined(links, "·", factor_of)))
        return rf"\underbrace{{{partials}}}_{{{factors}}}"

    def as_dict(self) -> dict[str, Any]:
        """The explanation as plain data, for JSON; counts are exact."""
        paths = [{"nodes": [self.name(node) for node in (self.output, *[link.tail for link in path.links])],
                  "factors": [float(link.factor) for link in path.links], "product": float(path.product)}
                 for path in self.paths]
        segments = [{"from": self.name(head), "to": self.name(tail), "count": tally.paths, "sum": float(tally.sum)}
                    for head, tail, tally in self.all.segments]
        rest = {"count": self.rest, "sum": self.rest_sum if self.rest else 0.0}
        return {"output": self.name(self.output), "leaf": self.name(self.leaf), "gradient": self.sum,
                "count": self.count, "dead": self.dead, "size": self.size, "paths": paths, "rest": rest,
                "segments": segments, "text": self.text}

    @cached_property
    def page(self) -> Page:
        """The page: the paths on the left, and the picture on which they light up on the right."""
        from .explain_page import page_of
        return page_of(self)

    def html(self) -> str:
        """The text of the page."""
        return self.page.html

    def save(self, path: "str | FilePath") -> FilePath:
        """Write the page to a file that ends in .html, and return its path."""
        return self.page.save(path)

    def _repr_html_(self) -> str:
        return self.page._repr_mimebundle_()["text/html"]


# ---- pieces and texts -----------------------------------------------------------------------------------


def number(x: Any) -> Number:
    """A number as a part of a sum or product."""
    return Number(format_number(float(x)), is_part=True)


def result(x: Any) -> Number:
    """A number behind a = sign."""
    return Number(format_number(float(x)))


def factor_of(link: Link) -> Number:
    return number(link.factor)


def in_latex(piece: Any) -> str:
    return rf"\text{{{piece.text.translate(PLAIN_LATEX)}}}" if isinstance(piece, Words) else typeset(piece, LATEX)


def shortened(parts: Sequence[Any], most: int = MOST_ON_A_LINE) -> list[Any]:
    """The parts; of more than `most`, the first half of as many and the last, and dots for the others."""
    return list(parts) if len(parts) <= most else [*parts[:most // 2 - 1], DOTS, parts[-1]]


def few_rows(things: Sequence[Any], write: Callable[[Any], Pieces], most: int = MOST_ON_A_LINE) -> list[Pieces]:
    """A row for each thing; of more than `most`, for the first and the last, and one that counts the others."""
    few = shortened(things, most)
    others = said("more", count=f"{len(things) - len(few) + 1:,}")
    return [(others,) if thing is DOTS else write(thing) for thing in few]


def wrapped(row: Pieces, before: str = "") -> list[str]:
    """A row as lines of at most WIDTH letters where signs allow it, of which the first begins with `before`."""
    first, *parts = map(text_of, parts_at(row, BREAKS))
    lines = [before + first]
    for part in parts:
        if len(lines[-1]) + len(part) < WIDTH:
            lines[-1] += " " + part
        else:
            lines.append(" " * 6 + part)
    return lines


def parts_at(row: Pieces, signs: Sequence[str]) -> list[Pieces]:
    """A row cut before each of these signs."""
    parts: list[list[Any]] = [[]]
    for piece in row:
        if isinstance(piece, str) and piece in signs:
            parts.append([])
        parts[-1].append(piece)
    return [tuple(part) for part in parts if part]


def joined(parts: Sequence[Any], sign: str, write: Callable[[Any], Any] = lambda part: part) -> Pieces:
    """Parts with a sign between, each written as a piece or a row of pieces; of many the first three and the last."""
    row: list[Any] = []
    for part in shortened(parts):
        piece = DOTS if part is DOTS else write(part)
        row += [sign, *(piece if type(piece) is tuple else [piece])]
    return tuple(row[1:])


def count_text(count: int) -> str:
    """A count with commas or, where it is large, rounded, and as a power of two if it is one.

    >>> count_text(65536), count_text(2**400), count_text(3**40)
    ('65,536', 'about 2.6 · 10^120 (2^400)', 'about 1.2 · 10^19')
    """
    if count < ROUNDED:
        return f"{count:,}"
    digits, _, exponent = f"{Decimal(count):.1e}".partition("e+")
    power = f" (2^{count.bit_length() - 1})" * (count & (count - 1) == 0)
    return said("about", number=f"{digits} · 10^{exponent}").text + power


def percent_text(total: float, size: float) -> str:
    """How much of the sizes cancels.

    >>> percent_text(-0.108, 44.8), percent_text(1e-9, 1.0), percent_text(0.0, 1.0)
    ('99.8', 'more than 99.9', '100')
    """
    text = f"{100 * (1 - abs(total) / size):.1f}".removesuffix(".0")
    return said("almost_all").text if text == "100" and total else text
