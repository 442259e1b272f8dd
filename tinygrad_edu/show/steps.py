"""The forward and the backward pass as a list of events, one line of mathematics each.

`steps(f)` is what a teacher writes on the board: every operation with its numbers, then the
seed, then every edge of the graph in the order in which the engine walks it.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from ..engine import printer
from ..engine.errors import errstate
from ..engine.graph import Contribution, contributions
from ..engine.messages import describe
from ..engine.number import format_number, told_apart
from ..engine.op import Op
from ..engine.value import Value, checked_seed
from ..symbols.named import NamedGraph
from ..symbols.symbolic import local_formulas

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True)
class Event:
    """One step of a pass.

    kind        "forward", "seed" or "backward"
    node        the node that is computed, seeded, or passes its gradient on
    parent      the node that receives (backward only), `edge` its number among the parents
    name        what `node` goes by, and `parent_name` what `parent` goes by
    formula     the step in symbols, and `numbers` with the numbers put in
    partial     what the local gradient is called, such as ∂q/∂x (backward only): the derivative
                by this one input, even where the same node is two of its inputs
    local       the local gradient in symbols
    value       what the step comes to: the data of `node`, or the gradient so far of `parent`
    terms       backward: (gradient before, upstream gradient, local gradient)
    taken       backward: is the gradient passed on?  Not if a selecting operation did not choose this input
    """

    kind: str
    node: Value
    name: str
    formula: str
    numbers: str
    value: float
    parent: Value | None = None
    parent_name: str = ""
    edge: int = 0
    partial: str = ""
    local: str = ""
    terms: tuple[float, float, float] = (0.0, 0.0, 0.0)
    taken: bool = True

    @property
    def text(self) -> str:
        """The whole step on one line."""
        if self.kind == "backward":
            return f"{self.formula} → {self.numbers}"
        return f"{self.formula} = {self.numbers}"

    def as_dict(self) -> dict[str, Any]:
        """The step as plain data, for JSON."""
        told: dict[str, Any] = {"kind": self.kind, "node": self.name, "formula": self.formula,
                                 "numbers": self.numbers, "value": self.value}
        if self.kind == "backward":
            before, upstream, local = self.terms
            told |= {"parent": self.parent_name, "local_formula": self.local, "before": before,
                      "upstream": upstream, "local": local}
        return told


class Steps(list[Event]):
    """A list of events that prints as a table."""

    def __str__(self) -> str:
        try:
            from rich.console import Console
        except ModuleNotFoundError:
            return "\n".join(f"{i}. {event.text}" for i, event in enumerate(self, 1))
        console = Console(width=120, color_system=None, force_terminal=False, force_jupyter=False, legacy_windows=False)
        with console.capture() as captured:
            console.print(self.__rich__())
        return "\n".join(line.rstrip() for line in captured.get().splitlines())

    __repr__ = __str__

    def __rich__(self) -> "Table":
        from rich.table import Table
        from rich.text import Text
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("step", style="dim", justify="right")
        for title, style in ("pass", "dim"), ("formula", ""), ("in numbers", "bold"), ("because", "dim"):
            table.add_column(title, style=style, overflow="fold", no_wrap=title == "pass")
        for i, event in enumerate(self, 1):
            why = f"{event.partial} = {event.local}" if event.local else ""
            table.add_row(*map(Text, (str(i), event.kind, event.formula, event.numbers, why)))
        return table


def steps(output: Value, seed: float = 1.0) -> Steps:
    """The events of computing `output` and of `output.backward(seed)`, in the engine's own order.

    One `forward` event per operation, one `seed`, one `backward` per edge that leads to a node
    that wants a gradient.  The graph is only read: no grad is changed, and the gradients shown
    are those of one pass from zero, whatever earlier passes left in the leaves.

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
    return events_of(NamedGraph(output), seed)


def events_of(graph: NamedGraph, seed: float = 1.0) -> Steps:
    """`steps`, for a graph that has its names."""
    check_fresh(graph.order)
    seed, output, name = checked_seed(seed), graph.output, graph.texts[graph.output]
    events = Steps(forward_event(graph, node) for node in graph.nodes if node.parents)
    events.append(Event("seed", output, name, graph.partial(output, output), format_number(seed), seed))
    events.extend(backward_events(graph, seed))
    return events


def check_fresh(order: list[Value]) -> None:
    """Refuse a graph whose numbers no longer follow from its leaves."""
    for node in order:
        op = node._operation
        if isinstance(op, Op) and node.parents:
            with errstate(all="ignore"):
                again, _ = op.evaluate(*op.in_rows([p.data for p in node.parents]), **node.constants)
            if again != node.data and again == again:
                now, stored = told_apart(again, node.data)
                raise ValueError(
                    f"the graph is out of date: {describe(node)} now comes to {now}, "
                    f"but {stored} is stored, since the data of a leaf was changed; compute it again")


def forward_event(graph: NamedGraph, node: Value) -> Event:
    """The operation of a node, with its numbers; where these lose digits that the engine keeps, it says both."""
    name, made, data = graph.texts[node], graph.made(node), graph.data[node]
    formula = made if made == name else f"{name} = {made}"
    rounded, kept = format_number(node.data), format_number(data)
    result = kept if kept == rounded else f"{rounded}, without rounding {kept}"
    return Event("forward", node, name, formula, f"{graph.with_numbers(node)} = {result}", data)


def backward_events(graph: NamedGraph, seed: float) -> Iterator[Event]:
    """One event for each edge that `backward` meets, those not chosen too: `x.grad += f.grad × ∂f/∂x → 1 + 2 × 3 = 7`.

    What arrives at a hidden node is shown to arrive at the node it stands for.
    """
    so_far = {graph.output: seed}
    edges = contributions(graph.order, {node: node.local_grads for node in graph.order}, seed)
    for node, own_edges in groupby(edges, lambda c: c.node):
        if node._operation.hidden:
            continue
        reasons = local_formulas(node, graph.formulas)
        for c in own_edges:
            parent = graph.stands_for[c.parent]
            if parent.is_constant:
                continue
            before = so_far.get(parent, 0.0)
            after = so_far[parent] = before + c.upstream * c.local_grad if c.taken else before
            because = printer.text(reasons[c.i]) if reasons else format_number(c.local_grad)
            yield backward_event(graph, c, parent, because, before, after)


def backward_event(graph: NamedGraph, c: Contribution, parent: Value, because: str, before: float,
                   after: float) -> Event:
    """What one contribution does to the gradient of `parent`, in symbols and in numbers."""
    to, by = printer.as_factor(graph.formulas[parent]), printer.as_factor(graph.formulas[c.node])
    is_twice = graph.parents(c.node).count(parent) > 1
    partial = graph.partial(c.node, parent) + f" (input {c.i + 1})" * is_twice
    part = f"{format_number(c.upstream)} × {format_number(c.local_grad)}"
    numbers = f"{format_number(before)} + {part} = {format_number(after)}"
    if not c.taken and not math.isfinite(c.upstream):
        numbers = f"{format_number(after)}, since this edge was not chosen"
    return Event("backward", c.node, graph.texts[c.node], f"{to}.grad += {by}.grad × {partial}", numbers, after,
                 parent, graph.texts[parent], c.i, partial, because, (before, c.upstream, c.local_grad), c.taken)
