"""Graphs as they are shown: which nodes and edges people see, and what each node is called."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import count
from typing import Any

from ..engine import more_ops, ops, printer
from ..engine.formula import Formula
from ..engine.number import format_number, printable
from ..engine.op import Op
from ..engine.printer import TEXT
from ..engine.value import Value, topological_order

ERRORS: frozenset[Any] = frozenset((ops.square, ops.abs))
SUMS: frozenset[Any] = frozenset((ops.add, ops.sum, ops.mean))
SCALES: frozenset[Any] = frozenset((ops.mul, ops.div))
CHAINS: dict[Any, str] = {ops.add: "sum", ops.sub: "sum", ops.mul: "product"}
SHARES: dict[Any, str] = {more_ops.softmax_at: "softmax", more_ops.log_softmax_at: "log_softmax"}
MANY = 8            # an operation of more parents than this is shown in general terms
SHORT = 20          # a node whose formula is longer than this goes by a number, v1, v2, ...
FEW = 4             # in graphs of more operations than this, every unnamed one goes by a number
NAMES = ("auto", "formulas")
DOTS = Formula("…")                 # for what is left out


class NamedGraph:
    """A graph as people see it: its nodes, the edges between them, and what each node goes by.

    Pictures, steps, the player and symbolic gradients are made from one such object, so they agree,
    and the names are computed once, and not before they are needed: by then a graph too large to be
    shown was refused.  Some nodes are passed over, and another stands for them: the first parent for
    those of a hidden operation (see `Op`), and x for the `0 + x` that Python's sum() begins with.

    order         every node, parents before children
    stands_for    {node: itself, or what it stands for where it is hidden}
    nodes         those that are shown, in this order; only hidden nodes use the others
    output        the last of them
    users         {node of these: those that have it as a parent, once for each time}
    data          {node of these: its number, or that of the hidden node where only this one is used}
    labels        {node: its label, or that of the hidden node that stands for it}
    formulas      {node: what it goes by}: its label, a short formula of its parents, or v1, v2, ...
    texts         {node: the same as text}; no two nodes that want a gradient have the same

    names         "auto": in a graph of more than four operations each goes by its label or by v1, v2, ... in
                  the order of evaluation, the output by f; "formulas": by short formulas there too

    >>> x, y = Value(1.0, label="x"), Value(2.0, label="y")
    >>> graph = NamedGraph(2 * (x + y))
    >>> graph.texts[graph.output], graph.with_numbers(graph.output)
    ('2 * (x + y)', '2 * 3')
    """

    stand_in: Any = None                                # of a batch, for all examples but one (see show/batch.py)
    others, count = "", 0                               # what is written in its place, and how many they are
    hidden: frozenset[Value] = frozenset()              # what it stands for

    def __init__(self, output: Value, names: str = "auto"):
        if names not in NAMES:
            raise ValueError(f"names={names!r}: write one of {', '.join(NAMES)}")
        self.whole = self.order = topological_order(output)
        self.wanted_names = names

    @cached_property
    def stands_for(self) -> dict[Value, Value]:
        found: dict[Value, Value] = {}
        for node in self.order:
            seen = self.passed_over(node)
            found[node] = node if seen is node else found[seen]
        return found

    def passed_over(self, node: Value) -> Value:
        """The node that stands for this one, or for which another stands; itself where it is shown."""
        return node.parents[0] if node._operation.hidden else node.parents[1] if begins_a_sum(node) else node

    @cached_property
    def output(self) -> Value:
        return self.stands_for[self.order[-1]]

    @cached_property
    def nodes(self) -> list[Value]:
        """Those that lead to the output where hidden nodes are passed over."""
        if all(node is seen for node, seen in self.stands_for.items()):
            return self.order
        wanted = {self.output}
        for node in reversed(self.order):
            if node in wanted:
                wanted.update(self.parents(node))
        return [node for node in self.order if node in wanted]

    @cached_property
    def twins(self) -> dict[Value, Value]:
        """{node: the last that stands for it, itself or a hidden one}."""
        return {self.stands_for[node]: node for node in self.order}

    @cached_property
    def holders(self) -> dict[Value, Value]:
        """{shown node: the node whose number it shows}: itself, or a hidden one where only this one is used."""
        used = {parent for node in self.nodes for parent in node.parents}
        return {node: node if node in used else self.twins[node] for node in self.nodes}

    @cached_property
    def data(self) -> dict[Value, float]:
        return {node: holder.data for node, holder in self.holders.items()}

    @cached_property
    def labels(self) -> dict[Value, str]:
        by_place = {**targets_of_losses(self.order), **labels_in_neurons(self.order)}
        return {node: node.label or self.twins[self.stands_for[node]].label or by_place.get(node, "")
                for node in self.order}

    @cached_property
    def is_short(self) -> bool:
        """Does what is computed on the way go by numbers?"""
        return self.wanted_names == "auto" and sum(bool(node.parents) for node in self.nodes) > FEW

    @cached_property
    def formulas(self) -> dict[Value, Formula]:
        return named(self)

    @cached_property
    def texts(self) -> dict[Value, str]:
        return {node: printer.text(formula) for node, formula in self.formulas.items()}

    def parents(self, node: Value) -> list[Value]:
        """The parents of a shown node as they are shown."""
        return [self.stands_for[parent] for parent in node.parents]

    @cached_property
    def users(self) -> dict[Value, list[Value]]:
        found: dict[Value, list[Value]] = {node: [] for node in self.nodes}
        for node in self.nodes:
            for parent in self.parents(node):
                found[parent].append(node)
        return found

    def call(self, node: Value) -> Formula:
        """How a node was made, in symbols: x + y."""
        return in_short(call_of(node, self.formulas))

    def made(self, node: Value) -> str:
        """The same as text: `x + y`."""
        return printer.text(self.call(node))

    def call_of_numbers(self, node: Value, digits: int = 6) -> Formula | None:
        """How it was made, with numbers put in: 1 + 2; None where that is but the number it comes to."""
        numbers = printer.as_side(self.written_out(node, lambda x: Formula(format_number(x.data, digits))))
        return None if printer.text(numbers) in (format_number(self.data[node], digits), "-0") else numbers

    def in_brief(self, node: Value) -> str:
        """The same in few letters, for a box.

        A row stands there by what its names share, `dot(w0[1], x)`, `CE` by its symbol, and one number of a
        softmax by its place, `softmax(z)[0]`.
        """
        call, symbol = call_of(node, self.formulas), printable(node._operation.symbol)
        if node._operation in SHARES:
            row = by_what_is_shared(Formula("[]", *call.parts[:-1]))
            whole = Formula(SHARES[node._operation], *(row.parts if row.head == "[]" else [row]))
            return printer.text(Formula("at", whole, Formula(format_number(node.constants["index"]))))
        rows = [by_what_is_shared(part) for part in call.parts]
        has_row = any(isinstance(part, Formula) and part.head == "[]" for part in call.parts)
        head = printer.head_of(symbol, len(rows)) if has_row and symbol.isidentifier() else call.head
        return printer.text(in_short(Formula(head, *rows)))

    def with_numbers(self, node: Value, digits: int = 6) -> str:
        """The same as text: `1 + 2`, or ""."""
        numbers = self.call_of_numbers(node, digits)
        return "" if numbers is None else printer.text(numbers)

    def written_out(self, node: Value, write: Callable[[Value], Formula]) -> Formula:
        """The operation of a node, in which a sum has as many parts as its formula has names: `1 + 2 + 4`.

        write   what stands for a node
        """
        def part(parent: Value) -> Formula:
            seen = self.stands_for[parent]
            return self.written_out(seen, write) if self.is_part(node, parent, seen) else write(parent)
        return in_short(call_of(node, {parent: part(parent) for parent in node.parents}))

    def is_part(self, node: Value, parent: Value, seen: Value) -> bool:
        """Is one sum, or product, within the formula of another, and its number that of the formula?"""
        kind = CHAINS.get(node._operation)
        return bool(kind and kind == CHAINS.get(seen._operation) and self.formulas[seen].parts
                    and parent.data == seen.data)

    def partial(self, of: Value, by: Value) -> str:
        """∂of/∂by, in parentheses where they are formulas of operators."""
        return f"∂{printer.as_factor(self.formulas[of])}/∂{printer.as_factor(self.formulas[by])}"


def begins_a_sum(node: Value) -> bool:
    """Is this `0 + x`, as in Python's sum()?  Not where node and x have labels of their own."""
    if node._operation is not ops.add:
        return False
    zero, x = node.parents
    return zero.is_constant and zero.data == 0 and not (zero.parents or zero.label or (node.label and x.label))


def names(output: Value, *, names: str = "auto") -> dict[Value, str]:
    """{node: the text it goes by}: its label, a short formula, or v1, v2, ...; `names` as in `draw`.

    >>> x, y = Value(1.0, label="x"), Value(2.0, label="y")
    >>> list(names((x + y) * x).values())
    ['x', 'y', 'x + y', '(x + y) * x']
    """
    return NamedGraph(output, names).texts


# ---- places in networks ---------------------------------------------------------------------------------

NEURON = re.compile(r"(.*, )?neuron \d+")              # its scope


def name_at(letter: str, scope: str, *inputs: int) -> str:
    """What stands at a place of a network, by layer, neuron and input, counted from 0.

    >>> name_at("w", "layer 0, neuron 2", 1), name_at("b", "layer 0, neuron 2"), name_at("w", "encoder, neuron 2", 1)
    ('w0[2,1]', 'b0[2]', 'w_encoder[2,1]')
    >>> name_at("w", "neuron 2", 1), name_at("w", "", 1), name_at("b", "")
    ('w[2,1]', 'w1', 'b')
    """
    places = scope.split(", ") if scope else []
    neuron = [places.pop().split()[-1]] if NEURON.fullmatch(scope) else []
    path = ".".join(place.split()[-1] for place in places)
    indices = ",".join([*neuron, *map(str, inputs)])
    if not scope:
        return f"{letter}{indices}"
    return f"{letter}{'' if path[:1].isdigit() or not path else '_'}{path}" + f"[{indices}]" * bool(indices)


def labels_in_neurons(order: list[Value]) -> dict[Value, str]:
    """{node: label} of what neurons compute: z0[2] before the activation of neuron 2 in layer 0, a0[2] after it."""
    inside = [node for node in order if node.parents and NEURON.fullmatch(node.scope)]
    linear = {node for node in inside if is_linear(node)}
    parts = {parent for node in linear for parent in node.parents if parent.scope == node.scope}
    ends = [node for node in inside if node not in linear or node not in parts]
    return {node: name_at("z" if node in linear else "a", node.scope) for node in ends}


def targets_of_losses(order: list[Value]) -> dict[Value, str]:
    """{number: y[0], y[1] ...} of the targets that a cross entropy was given as plain numbers."""
    rows = [ops.softmax_cross_entropy.in_rows(node.parents)[1] for node in order
            if node._operation is ops.softmax_cross_entropy]
    return {target: f"y[{k}]" for row in rows for k, target in enumerate(row)
            if target.is_constant and not target.parents}


def is_handmade_loss(order: list[Value]) -> bool:
    """Is the last node a sum or mean of squared or absolute errors of a network, such as (model(x) - 1)**2?"""
    if not any(NEURON.fullmatch(node.scope) for node in order):
        return False
    errors: set[Value] = set()
    for node in order:
        inputs = [parent for parent in node.parents if not parent.is_constant]
        is_error = node._operation in ERRORS and node.parents[0]._operation is ops.sub
        joins = node._operation in SUMS or (node._operation in SCALES and len(inputs) == 1)
        if is_error or (joins and inputs and errors.issuperset(inputs)):
            errors.add(node)
    return order[-1] in errors


def is_input(node: Value) -> bool:
    """Is this a plain number given to a network?"""
    return node.is_constant and not node.parents and bool(re.fullmatch(r"x\d+", node.label))


def is_linear(node: Value) -> bool:
    """Is this node of a neuron a part of w · x + b?"""
    own = [parent for parent in node.parents if parent.scope == node.scope]
    has_parameter = any(not parent.parents for parent in own)
    return len(node.parents) > 1 and (has_parameter or (node._operation is ops.add and len(own) == len(node.parents)))


# ---- names ------------------------------------------------------------------------------------------------


def named(graph: NamedGraph) -> dict[Value, Formula]:
    """What each node goes by (see `NamedGraph`)."""
    taken = set(graph.labels.values())
    numbered = numbered_names(taken)
    is_loss = graph.others or is_handmade_loss(graph.order)
    has_penalty = is_loss and "loss" in taken and graph.output._operation is ops.add
    result = "total" if has_penalty else "loss" if is_loss else "f"
    known: dict[Value, Formula] = {}
    used: set[str] = set()
    times: Counter[str] = Counter()
    for node in graph.order:
        if node is not graph.stands_for[node]:
            known[node] = known[graph.stands_for[node]]
            continue
        label, is_number = graph.labels[node], node.is_constant and not node.parents
        if graph.is_short and node.parents and not label:
            label = result if node is graph.output and result not in taken else next(numbered)
        formula = Formula(printable(label)) if label else own_formula(node, known)
        text = "" if formula is None else printer.text(formula)
        if label and text in used:
            text = next_name(text, used | taken, times)
            formula = Formula(text)
        elif formula is None or (not (label or is_number) and (len(text) > SHORT or text in used)):
            text = next(numbered)
            formula = Formula(text)
        used.add(text)
        known[node] = formula
    return known


def numbered_names(taken: set[str]) -> Iterator[str]:
    """v1, v2 ..., or another letter with numbers where somebody has names such as v1 already."""
    letters = {label.rstrip("0123456789") for label in taken if label[-1:].isdigit()}
    letter = next((letter for letter in "vutsrq" if letter not in letters), "node")
    return (name for name in map(f"{letter}{{}}".format, count(1)) if name not in taken)


def next_name(name: str, taken: set[str], times: "Counter[str]") -> str:
    """name_2, name_3 ...: the first that is free."""
    while True:
        times[name] += 1
        if f"{name}_{times[name] + 1}" not in taken:
            return f"{name}_{times[name] + 1}"


def own_formula(node: Value, known: Mapping[Value, Formula]) -> Formula | None:
    """The number or formula of a node without a label; None where it has nothing to go by."""
    if not node.parents:
        return Formula(printer.literal(node.data, TEXT)[1]) if node.is_constant else None
    return call_of(node, known) if node.op else None


def call_of(node: Value, known: Mapping[Value, Any]) -> Formula:
    """The operation that made a node, applied to what its parents go by."""
    parents = [known[p] for p in node.parents]
    if isinstance(node._operation, Op):
        return node._operation.call(*node._operation.in_rows(parents), **node.constants)
    return Formula(printer.head_of(printable(node.op) or "node", len(parents)), *parents)


def by_what_is_shared(row: Any) -> Any:
    """A row of names that count from 0, such as w0[1,0], w0[1,1] ..., as what they share: w0[1]; else the first."""
    if not isinstance(row, Formula) or row.head != "[]":
        return row
    found = [re.fullmatch(r"(.*?)(\[|,|(?<=[^\W\d]))(\d+)(\]?)", printer.text(name)) for name in row.parts]
    shared = {match[1] + "]" * (match[2] == ",") if match else "" for match in found}
    counts = [match[3] for match in found if match] == [str(k) for k in range(len(found))]
    if len(shared) == 1 and counts:
        return Formula(shared.pop())
    return row if len(row.parts) < 3 else Formula("[]", row.parts[0], Formula("…"))


def in_short(call: Formula) -> Formula:
    """A call of many arguments with most of them left out."""
    parts = [Formula("[]", *few_of(part.parts)) if isinstance(part, Formula) and part.head == "[]" else part
             for part in few_of(call.parts)]
    return Formula(call.head, *parts)


def few_of(parts: Sequence[Any]) -> Sequence[Any]:
    """The first three and the last of many parts, and dots for the others, also for many dots."""
    parts = [p for i, p in enumerate(parts) if not (i and is_dots(p) and is_dots(parts[i - 1]))]
    return parts if len(parts) <= MANY else [*parts[:3], DOTS, parts[-1]]


def is_dots(part: Any) -> bool:
    return isinstance(part, Formula) and part.head == DOTS.head
