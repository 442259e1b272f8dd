"""The forward and the backward pass as a list of events, one line of mathematics each.

`steps(f)` is what a teacher writes on the board: every operation with its numbers, then the
seed, then every edge of the graph in the order in which the engine walks it.  Where nothing arrives,
one step says why everything behind has the gradient 0.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from ..engine.errors import errstate
from ..engine.graph import Contribution, contributions
from ..engine.messages import describe
from ..engine.number import format_number, reads_as_number, told_apart
from ..engine.op import Op
from ..engine.value import Value, checked_seed
from ..symbols.named import MANY, NamedGraph
from .page import sentences, words_of
from .reasons import Reason, reasons, said
from .svg import number_text
from .tables import Steps
from .typeset import Grad, Number, Partial, Pieces, Words, as_text, text_of


@dataclass(frozen=True)
class Event:
    """One step of a pass.

    kind        "forward", "seed", "backward", or "stopped" where nothing is passed on; "others" for what a
                picture does not show of a batch, forward or backward (see batch.py)
    node        the node that is computed, seeded, or passes its gradient on or not
    parent      the node that receives (backward and stopped), `edge` its number among the parents
    name        what `node` goes by, and `parent_name` what `parent` goes by
    inputs      (what it goes by, the node) of each input of the operation, in order (forward only)
    formula     the step in symbols, and `numbers` with the numbers put in
    partial     what the local gradient is called, such as ∂q/∂x (backward only): the derivative
                by this one input, even where the same node is two of its inputs
    local       the local gradient in symbols
    because     why it is so, in words such as "x is the largest", or ""
    reason      the whole reason for the step on one line, or ""
    value       what the step comes to: the data of `node`, or the gradient so far of `parent`
    terms       backward: (gradient before, upstream gradient, local gradient)
    taken       backward: is the gradient passed on?  Not if a selecting operation did not choose this input
    behind      stopped: {node: its name} of those that get 0 since nothing arrives at `parent`
    gradients   others: {node: gradient afterwards} of those that the other examples change
    pieces      formula, numbers and reason, as `typeset` writes them; () in a step that was made without
    """

    kind: str
    node: Value
    name: str
    formula: str
    numbers: str
    value: float
    inputs: tuple[tuple[str, Value], ...] = ()
    parent: Value | None = None
    parent_name: str = ""
    edge: int = 0
    partial: str = ""
    local: str = ""
    because: str = ""
    reason: str = ""
    terms: tuple[float, float, float] = (0.0, 0.0, 0.0)
    taken: bool = True
    behind: Mapping[Value, str] = field(default_factory=dict)
    gradients: Mapping[Value, float] = field(default_factory=dict)
    pieces: tuple[Pieces, ...] = field(default=(), compare=False, repr=False)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over a pickled step; those of version 0.1 have no words, and their reason is the formula."""
        reason = f"{state['partial']} = {state['local']}" if state["local"] else ""
        vars(self).update({"reason": reason, "behind": {}, "gradients": {}, "pieces": ()} | state)

    @property
    def arrived(self) -> Mapping[Value, float]:
        """{node: gradient afterwards} of the nodes whose gradient the step tells."""
        if self.kind in ("stopped", "others"):
            return self.gradients or dict.fromkeys(self.behind, 0.0)
        return {} if self.kind == "forward" else {self.node if self.parent is None else self.parent: self.value}

    @property
    def text(self) -> str:
        """The whole step on one line."""
        return f"{self.formula} {self.sign} {self.numbers}"

    @property
    def sign(self) -> str:
        """What stands between the formula and its numbers."""
        return "→" if self.parent is not None else "="

    @property
    def cells(self) -> tuple[Pieces, ...]:
        """Formula, numbers and reason, to be typeset."""
        return self.pieces or tuple([(Words(text),) for text in self.texts])

    @property
    def texts(self) -> tuple[str, str, str]:
        """Formula, numbers and reason as text."""
        return self.formula, self.numbers, self.reason

    def as_dict(self) -> dict[str, Any]:
        """The step as plain data, for JSON: see `Steps.as_dict`."""
        told: dict[str, Any] = {"kind": self.kind, "node": self.name, "formula": self.formula,
                                 "numbers": self.numbers, "value": self.value}
        if self.kind == "forward":
            told |= {"op": self.node.op, "inputs": [node.data if is_written_out(node, name) else name
                                                    for name, node in self.inputs]}
            told |= {"constants": dict(self.node.constants)} if self.node.constants else {}
        if self.kind == "backward":
            before, upstream, local = self.terms
            told |= {"parent": self.parent_name, "edge": self.edge, "local_formula": self.local, "before": before,
                      "upstream": upstream, "local": local}
        if self.kind == "stopped":
            told |= {"parent": self.parent_name, "behind": list(self.behind.values())}
        return told | ({"because": self.because} if self.because else {})


def is_written_out(node: Value, name: str) -> bool:
    """Is this a constant without a name, which goes by its number?"""
    return node.is_constant and not node.parents and not node.label and reads_as_number(name)


def event_of(kind: str, node: Value, name: str, symbols: Pieces, numbers: Pieces, value: float, why: Pieces = (),
             **others: Any) -> Event:
    """An event of these pieces, and of their text."""
    return Event(kind, node, name, text_of(symbols), text_of(numbers), value, reason=text_of(why),
                 pieces=(symbols, numbers, why), **others)


def steps(output: Value, seed: float = 1.0, *, names: str = "auto") -> Steps:
    """The events of computing `output` and of `output.backward(seed)`, in the engine's own order.

    One `forward` event per operation, one `seed`, one `backward` per edge that leads to a node
    that wants a gradient, and one `stopped` where nothing arrives, as behind a closed relu.  The
    graph is only read: no grad is changed, and the gradients shown are those of one pass from zero,
    whatever earlier passes left in the leaves.

    names   "auto": in graphs of more than four operations each goes by its label or by v1, v2, ...;
            "formulas": short formulas stand for them there too

    Raises ValueError where the data of a leaf was changed after the graph was made, since the
    steps would then show false arithmetic.

    >>> x, y, z = Value(-2, label="x"), Value(5, label="y"), Value(-4, label="z")
    >>> q = x + y
    >>> q.label = "q"
    >>> f = q * z
    >>> f.label = "f"
    >>> for event in steps(f):
    ...     print(event.text)
    q = x + y = -2 + 5 = 3
    f = q * z = 3 * -4 = -12
    ∂f/∂f = 1
    z.grad += f.grad × ∂f/∂z → 0 + 1 × 3 = 3
    q.grad += f.grad × ∂f/∂q → 0 + 1 × -4 = -4
    y.grad += q.grad × ∂q/∂y → 0 + -4 × 1 = -4
    x.grad += q.grad × ∂q/∂x → 0 + -4 × 1 = -4
    """
    return events_of(NamedGraph(output, names), seed)


def events_of(graph: NamedGraph, seed: float = 1.0) -> Steps:
    """`steps`, for a graph that has its names."""
    check_fresh(graph.whole)
    seed = checked_seed(seed)
    events = Steps(forward_event(graph, node) if node.parents else others_event(graph, {})
                   for node in graph.nodes if node.parents or node is graph.stand_in)
    events.append(seed_event(graph, seed))
    events.extend(backward_events(graph, seed))
    return events


def check_fresh(order: list[Value]) -> None:
    """Refuse a graph whose numbers no longer follow from its leaves: they alone change, so what they enter is tried."""
    with errstate(all="ignore"):
        for node in order:
            op = node._operation
            if isinstance(op, Op) and not all(parent._parents for parent in node._parents):
                again, slopes = op.evaluate(*op.in_rows([p.data for p in node._parents]), **node.constants)
                refuse_outdated(node, again, node.data)
                for slope, stored in zip(op.one_by_one(slopes), node._local_grads):
                    refuse_outdated(node, slope, stored, is_slope=True)


def refuse_outdated(node: Value, again: float, stored: float, is_slope: bool = False) -> None:
    if again != stored and again == again:
        now, before = told_apart(again, stored)
        raise ValueError(f"the graph is out of date: {'a local gradient of ' * is_slope}{describe(node)} now comes to "
                         f"{now}, but {before} is stored, since the data of a leaf was changed; compute it again")


def passed_along(events: list[Event]) -> dict[tuple[Value, int], str]:
    """{(node, number of an input): the gradient that arrived times the local derivative}, for each step backward."""
    return {(event.node, event.edge): f"{number_text(event.terms[1])} × {number_text(event.terms[2])}"
            for event in events if event.kind == "backward"}


def forward_event(graph: NamedGraph, node: Value) -> Event:
    """The operation of a node, with its numbers; where these lose digits that the engine keeps, it says both."""
    name, call, data = graph.texts[node], graph.call(node), graph.data[node]
    symbols = (call,) if as_text(call) == name else (graph.formulas[node], "=", call)
    rounded, kept = format_number(node.data), format_number(data)
    result = Number(kept) if kept == rounded else Words(
        sentences("steps")["rounded"].format(number=rounded, kept=kept))
    numbers = graph.call_of_numbers(node)
    inputs = tuple([(graph.texts[parent], parent) for parent in graph.parents(node)])
    return event_of("forward", node, name, symbols, (result,) if numbers is None else (numbers, "=", result), data,
                    inputs=inputs)


def seed_event(graph: NamedGraph, seed: float) -> Event:
    """Where the walk back starts."""
    output, name = graph.output, graph.texts[graph.output]
    formula = graph.formulas[output]
    start, why = (Partial(formula, formula), "seed") if seed == 1 else (Grad(formula), "seed_given")
    because = said(why, name=name)
    number = Number(format_number(seed))
    return event_of("seed", output, name, (start,), (number,), seed, (Words(because),), because=because)


def backward_events(graph: NamedGraph, seed: float) -> Iterator[Event]:
    """The walk back: an event for each edge that is met, and one where nothing arrives any more.

    What arrives at a hidden node is shown to arrive at the node it stands for.  What other examples of a batch add
    meanwhile is one event.
    """
    so_far, others, shown = {graph.output: seed}, dict[Value, float](), set(graph.nodes)
    edges = contributions(graph.whole, {node: node.local_grads for node in graph.whole}, seed)
    by_node = {node: list(own) for node, own in groupby(edges, lambda c: c.node)}
    waiting = unreached(graph, by_node)
    closed: dict[Value | None, Event] = {}                  # {node: the edge to it that was not taken}
    for node in reversed(graph.whole):
        if node in graph.hidden:
            others |= {c.parent: c.after for c in by_node.get(node, ()) if c.taken and c.parent in shown}
            continue
        if others and node.parents and graph.stands_for[node] is node:
            so_far |= others
            yield others_event(graph, others)
            others = {}
        if node in by_node and graph.stands_for[node] is node:
            for event in edge_events(graph, by_node[node], so_far):
                closed.setdefault(event.parent, event)
                yield event
        elif node in waiting and node.parents:
            behind = cut_off(graph, node, waiting)
            waiting.difference_update(behind, [node])
            if behind:
                yield stopped_event(graph, closed[node], behind)


def edge_events(graph: NamedGraph, edges: list[Contribution], so_far: dict[Value, float]) -> Iterator[Event]:
    """One event for each edge of a node, those not chosen too: `x.grad += f.grad × ∂f/∂x → 1 + 2 × 3 = 7`."""
    why = reasons(edges[0].node, graph.formulas, graph.texts)
    for c in edges:
        parent = graph.stands_for[c.parent]
        if parent.is_constant:
            continue
        before = so_far.get(parent, 0.0)
        after = so_far[parent] = before + c.upstream * c.local_grad if c.taken else before
        yield backward_event(graph, c, parent, why[c.i], before, after)


def backward_event(graph: NamedGraph, c: Contribution, parent: Value, why: Reason, before: float,
                   after: float) -> Event:
    """What one contribution does to the gradient of `parent`, in symbols and in numbers."""
    to, by, told = graph.formulas[parent], graph.formulas[c.node], words_of("player").script
    is_twice = graph.parents(c.node).count(parent) > 1
    partial = (Partial(by, to), *[Words(told["input"].format(number=c.i + 1))] * is_twice)
    up, local = [Number(format_number(x), is_part=True) for x in (c.upstream, c.local_grad)]
    numbers: Pieces = Number(format_number(before)), "+", up, "×", local, "=", Number(format_number(after))
    if not c.taken and not math.isfinite(c.upstream):
        numbers = (Words(told["not_chosen_so"].format(gradient=format_number(after))),)
    return event_of("backward", c.node, graph.texts[c.node], (Grad(to), "+=", Grad(by), "×", *partial), numbers, after,
                    (*partial, "=", *why.pieces(c.local_grad)),
                    parent=parent, parent_name=graph.texts[parent], edge=c.i, partial=text_of(partial),
                    local=why.text, because=why.words, terms=(before, c.upstream, c.local_grad), taken=c.taken)


# ---- where nothing arrives ------------------------------------------------------------------------------


def unreached(graph: NamedGraph, by_node: Mapping[Value, list[Contribution]]) -> set[Value]:
    """The shown nodes that want a gradient and that nothing arrives at."""
    reached = {graph.stands_for.get(c.parent) for edges in by_node.values() for c in edges if c.taken}
    return {node for node in graph.nodes if not node.is_constant and node not in reached} - {graph.output}


def cut_off(graph: NamedGraph, start: Value, waiting: set[Value]) -> list[Value]:
    """Those of the waiting nodes that `start` was made from, in the order of the walk back."""
    found = {start}
    for node in reversed(graph.nodes):
        if node in found:
            found.update(parent for parent in graph.parents(node) if parent in waiting)
    return [node for node in reversed(graph.nodes) if node in found and node is not start]


def stopped_event(graph: NamedGraph, edge: Event, behind: list[Value]) -> Event:
    """Everything behind an edge that was not taken gets 0: `w.grad, x.grad → 0`."""
    grads = [Grad(graph.formulas[node]) for node in behind]
    shown = grads if len(grads) <= MANY else [*grads[:3], "…", grads[-1]]
    symbols = tuple([piece for grad in shown for piece in (",", grad)][1:])
    words = edge.because or said("not_chosen", name=edge.name, parent=edge.parent_name)
    why = said("nothing_arrives", reason=words)
    return event_of("stopped", edge.node, edge.name, symbols, (Number("0"),), 0.0, (Words(why),),
                    parent=edge.parent, parent_name=edge.parent_name, edge=edge.edge, because=words, taken=False,
                    behind={node: graph.texts[node] for node in behind})


# ---- other examples of a batch --------------------------------------------------------------------------


def others_event(graph: NamedGraph, gradients: dict[Value, float]) -> Event:
    """What the examples that are not shown come to: nothing to tell forward, backward the gradients so far."""
    why = said("others_backward" if gradients else "others_forward", count=graph.count)
    return event_of("others", graph.stand_in, graph.others, (), (), 0.0, (Words(why),), gradients=gradients)
