"""The forward and the backward pass as a list of events, one line of mathematics each.

`steps(f)` is what a teacher writes on the board: every operation with its numbers, then the
seed, then every edge of the graph in the order in which the engine walks it.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..engine import printer
from ..engine.errors import errstate
from ..engine.formula import Formula
from ..engine.graph import contributions, describe
from ..engine.number import short
from ..engine.op import Op
from ..engine.value import Value, checked_seed, topological_order
from ..symbols.symbolic import MANY, call_of, formulas, local_formulas

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

    @property
    def text(self) -> str:
        """The whole step on one line."""
        if self.kind == "backward":
            return f"{self.formula} → {self.numbers}"
        return f"{self.formula} = {self.numbers}"

    def as_dict(self) -> dict[str, Any]:
        """The step as plain data, for JSON."""
        plain: dict[str, Any] = {"kind": self.kind, "node": self.name, "formula": self.formula,
                                 "numbers": self.numbers, "value": self.value}
        if self.kind == "backward":
            before, upstream, local = self.terms
            plain |= {"parent": self.parent_name, "local_formula": self.local, "before": before,
                      "upstream": upstream, "local": local}
        return plain


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
    order = topological_order(output)
    check_fresh(order)
    known = formulas(order)
    names = {node: printer.text(formula) for node, formula in known.items()}
    events = Steps(forward_event(node, known, names[node]) for node in order if node.parents)
    seed, word = checked_seed(seed), known[output]
    events.append(Event("seed", output, names[output], partial(word, word), short(seed), seed))
    if not output.is_constant:
        events.extend(backward_events(output, order, known, names, seed))
    return events


def check_fresh(order: list[Value]) -> None:
    """Refuse a graph whose numbers no longer follow from its leaves."""
    for node in order:
        if isinstance(node._op, Op) and node.parents:
            with errstate(all="ignore"):
                again, _ = node._op.evaluate(*node._op.in_rows([p.data for p in node.parents]), **node.constants)
            if again != node.data and again == again:
                raise ValueError(
                    f"the graph is out of date: {describe(node)} now comes to {short(again)}, but {short(node.data)} "
                    "is stored, since the data of a leaf was changed; compute it again")


def forward_event(node: Value, known: dict[Value, Formula], name: str) -> Event:
    formula = printer.text(in_short(call_of(node, known)))
    numbers = printer.text(in_short(call_of(node, {p: Formula(short(p.data)) for p in node.parents})))
    left = formula if formula == name else f"{name} = {formula}"
    return Event("forward", node, name, left, f"{numbers} = {short(node.data)}", node.data)


def backward_events(output: Value, order: list[Value], known: dict[Value, Formula], names: dict[Value, str],
                    seed: float) -> Iterable[Event]:
    node, reasons = output, local_formulas(output, known)
    for c in contributions(order, {node: node.local_grads for node in order}, seed):
        if c.node is not node:
            node, reasons = c.node, local_formulas(c.node, known)
        i, parent, upstream, local, taken = c.i, c.parent, c.upstream, c.local_grad, c.taken
        before, after = (c.before or 0.0), (c.after or 0.0) + 0.0
        to, by = printer.as_factor(known[parent]), printer.as_factor(known[node])
        slope = partial(known[node], known[parent]) + f" (input {i + 1})" * (node.parents.count(parent) > 1)
        sum_ = f"{short(before)} + {short(upstream)} × {short(local)} = {short(after)}"
        numbers = sum_ if taken or math.isfinite(upstream) else f"{short(after)}, since this edge was not chosen"
        yield Event("backward", node, names[node], f"{to}.grad += {by}.grad × {slope}", numbers, after,
                    parent, names[parent], i, slope, printer.text(reasons[i]) if reasons else short(local),
                    (before, upstream, local))


def in_short(call: Formula) -> Formula:
    """A call of many arguments with most of them left out."""
    if len(call.parts) > MANY:
        call = Formula(call.head, *call.parts[:3], Formula("…"), call.parts[-1])
    parts = [Formula("[]", *p.parts[:3], Formula("…"), p.parts[-1])
             if isinstance(p, Formula) and p.head == "[]" and len(p.parts) > MANY else p for p in call.parts]
    return Formula(call.head, *parts)


def partial(of: Formula, by: Formula) -> str:
    """∂of/∂by, in parentheses where they are formulas of operators."""
    return f"∂{printer.as_factor(of)}/∂{printer.as_factor(by)}"
