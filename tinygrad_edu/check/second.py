"""Second derivatives: the gradient's graph, judged as the graph of f is.

A gradient that is to be differentiated again is a graph, made of the slopes of each node as formulas.  Three
questions once more.  Do these slopes change as the operation's local gradients do?  Did the walks over the graph and
over the gradient's graph put them together as the chain rule says?  Does the gradient depend on the inputs in a way
that its graph does not show?
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from typing import Any

from ..engine.errors import errstate
from ..engine.graph import contributions, is_cut, topological_order, walked_back
from ..engine.messages import describe
from ..engine.number import format_number, told_apart
from ..engine.op import Op
from ..engine.replay import replay
from ..engine.slopes import as_value, is_at_kink, node_again, slopes_of
from ..engine.value import Value
from .chain import judge_backward
from .decimals import decimal, digits
from .edges import Judged, blamed, count_left_out, is_value_of, judge_edge, name_at
from .measure import COMPARED, LEVELS, Experiment, RuleInDigits, SlopeInDigits
from .report import Finding, leaf_text
from .runs import hidden_dependences, judge_runs

Second = dict[Value, list[list[float]]]         # {node: a row for each local gradient, its slopes by each parent}


def judge_second(experiment: Experiment, bent: set[Value]) -> tuple[list[Finding], int]:
    """(what there is to say of the second derivatives of f, how many were judged).

    bent   the nodes of which a kink is told already: that their slopes jump is no news
    """
    nodes = [node for node in experiment.order if node.parents and not node.is_constant]
    by_hand = [node for node in nodes if not isinstance(node._operation, Op)]
    second: Second = {}
    findings = [finding for node in nodes if isinstance(node._operation, Op) for finding in judge_slopes(node, second)]
    pairs = sum(not p.is_constant for node in second for p in node.parents for q in node.parents if not q.is_constant)
    judged = pairs - count_left_out(findings)
    findings = [finding for finding in findings if finding.kind != "kink" or finding.node not in bent]
    findings += [Finding("unjudged", node, f"{describe(node)}: it has no graph of its gradient; declared with @tg.op "
                         "it would have one") for node in by_hand]
    if not by_hand:
        whole, wrong = judge_whole_second(experiment, second)
        judged, findings = judged + whole, findings + wrong
    return findings, max(judged, 0)


# ---- the slopes of one node --------------------------------------------------------------------------------


def judge_slopes(node: Value, second: Second) -> Iterator[Finding]:
    """The slopes of a node as graphs: do they change as the rule's local gradients do?  Fills in `second`."""
    leaves = [None if p.is_constant else Value(p.data) for p in node.parents]
    with errstate(all="ignore"):
        inputs = [p.data if leaf is None else leaf for p, leaf in zip(node.parents, leaves)]
        graphs = slopes_of(node_again(node, inputs), inputs)
    second[node] = [slopes_by(graph, leaves) for graph in graphs]
    rule_at = cache(lambda level: RuleInDigits(node, level))
    for k, leaf in enumerate(leaves):
        if leaf is not None and decimal(node.local_grads[k]).is_finite() and rule_at(0).value.is_finite():
            slope_at = cache(lambda level, k=k: SlopeInDigits(rule_at(level), k, graphs[k], leaves))
            name = f"the slope by {name_at(node, k)} of {describe(node)}"
            judged = Judged(node, name, node.local_grads[k], tuple(second[node][k]), is_slope=True)
            yield from judge_graph(judged, k, slope_at)
            for j, other in enumerate(leaves):
                if other is not None:
                    yield from judge_edge(judged, j, slope_at)


def slopes_by(graph: Any, leaves: list[Value | None]) -> list[float]:
    """The derivatives of a graph by its leaves, as the engine has them; 0 by a constant."""
    if not isinstance(graph, Value) or graph.is_constant:
        return [0.0] * len(leaves)
    arrived, _ = walked_back(topological_order(graph), 1.0)
    return [0.0 if leaf is None else arrived.get(leaf, 0.0) for leaf in leaves]


def judge_graph(judged: Judged, k: int, slope_at: Any) -> Iterator[Finding]:
    """Is the slope that the graph form gives that of the textbook?"""
    op: Any = judged.node._operation
    if op.graph is op.textbook:
        return
    for level in range(len(LEVELS)):
        slope = slope_at(level)
        if not slope.value.is_finite() or is_value_of(slope, slope.by_graph):
            return
    ours, theirs = told_apart(float(slope.by_graph), float(slope.value))
    text = f"{judged.name} is {ours} by its graph form, but by its rule {theirs}; {blamed(op, False, is_slope=True)}"
    yield Finding("wrong", judged.node, text, k, float(slope.by_graph), float(slope.value))


# ---- the whole ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Moving:
    """A number and what it changes by as an input moves, each with the sum of the sizes of its terms."""

    value: Decimal
    change: Decimal
    size: Decimal
    reach: Decimal

    def __add__(self, other: "Moving") -> "Moving":
        return Moving(self.value + other.value, self.change + other.change, self.size + other.size,
                      self.reach + other.reach)

    def __mul__(self, other: "Moving") -> "Moving":
        return Moving(self.value * other.value, self.value * other.change + self.change * other.value,
                      self.size * other.size, self.size * other.reach + self.reach * other.size)

    def __eq__(self, other: object) -> bool:
        return self.value == other                      # which tells an edge not taken


def judge_whole_second(experiment: Experiment, second: Second) -> tuple[int, list[Finding]]:
    """(how many were judged, what there is to say of the derivatives of each gradient by each input)."""
    with errstate(all="ignore"):
        again = replay(experiment.output, Value)
    leaves, hidden, findings = experiment.leaves, hidden_dependences(experiment), []
    bent = next(filter(is_at_kink, second), None)
    with digits(COMPARED):
        moved = {leaf: moving(experiment.order, second, leaf) for leaf in leaves}
    for leaf in leaves:
        graph = as_value(again.grads.get(leaf, 0.0))
        slopes, wrong = judge_backward(topological_order(graph))
        findings += [replace(finding, text=f"in the gradient by {leaf_text(leaf)}, {finding.text}")
                     for finding in wrong if finding.stored != finding.measured]        # both may be beyond the floats
        with digits(COMPARED):
            findings += judge_by_chain_rule(leaf, graph.data, slopes, moved, bent)
        if hidden:
            findings += judge_gradient_runs(experiment, leaf, slopes)
    return len(leaves) ** 2 - sum(finding.kind == "kink" and finding.node is bent for finding in findings), findings


def moving(order: list[Value], second: Second, leaf: Value) -> dict[Value, Moving]:
    """The gradient of every node, and how it changes as a leaf moves: by the chain rule, in many digits."""
    zero = Decimal(0)
    rates = {leaf: (Decimal(1), Decimal(1))}            # how fast each node moves, and the sizes of that
    local: dict[Value, list[Moving]] = {}
    for node in order:
        if node not in second:
            continue
        by = [rates.get(p, (zero, zero)) for p in node.parents]
        local[node] = [slope_moving(g, row, by) for g, row in zip(node.local_grads, second[node])]
        taken = [(m, r) for m, r in zip(local[node], by) if r[1] and not is_cut(node, m)]
        rates[node] = sum([m.value * r for m, (r, _) in taken], zero), sum([m.size * s for m, (_, s) in taken], zero)
    arrived = {order[-1]: Moving(Decimal(1), zero, Decimal(1), zero)}
    arrived.update((c.parent, c.after) for c in contributions(order, local, arrived[order[-1]]) if c.taken)
    return arrived


def slope_moving(slope: float, row: list[float], by: list[tuple[Decimal, Decimal]]) -> Moving:
    """A local gradient, and how it changes as the parents move."""
    terms = [(decimal(h), rate, size) for h, (rate, size) in zip(row, by) if size]
    change = sum([h * rate for h, rate, _ in terms], Decimal(0))
    reach = sum([abs(h) * size for h, _, size in terms], Decimal(0))
    return Moving(decimal(slope), change, abs(decimal(slope)), reach)


def judge_by_chain_rule(leaf: Value, gradient: float, slopes: dict[Value, float],
                        moved: dict[Value, dict[Value, Moving]], bent: Value | None) -> Iterator[Finding]:
    """Are the number of a gradient, and its slopes by the inputs, what the slopes of the nodes make, to a billionth?

    bent   a node such as |x| at its kink: what is made of its square has second derivatives that no slope of it tells
    """
    none = Moving(*[Decimal(0)] * 4)
    name, own = leaf_text(leaf), moved[leaf].get(leaf, none)
    claims: list[tuple] = [(leaf, f"the graph of the gradient by {name} is", gradient, own.value, own.size, None)]
    for other, arrived in moved.items():
        text, by = f"the second derivative by {name} and {leaf_text(other)} is", arrived.get(leaf, none)
        claims.append((other, text, slopes.get(other, 0.0), by.change, by.reach, bent))
    for node, text, ours, right, size, kink in claims:
        margin = size.scaleb(-9) + Decimal("1e-320")
        if not right.is_finite() or not margin.is_finite() or abs(decimal(ours) - right) <= margin:
            continue
        if kink is not None:
            yield Finding("kink", kink, f"{text} {format_number(ours)}: not judged, since {describe(kink)} has a kink")
        else:
            stored, measured = told_apart(ours, float(right))
            yield Finding("wrong", node, f"{text} {stored}, but by the chain rule {measured}", None, ours, float(right))


def judge_gradient_runs(experiment: Experiment, leaf: Value, slopes: dict[Value, float]) -> Iterator[Finding]:
    """The gradient by a leaf as a function of the inputs, where f depends on them besides its graph."""
    def gradient(*_: Any) -> Value:
        with errstate(all="ignore"):
            return as_value(replay(experiment.run(), Value).grads.get(leaf, 0.0))
    name = f"the gradient by {leaf_text(leaf)}"
    for finding in judge_runs(Experiment(gradient, experiment.leaves), slopes):
        yield replace(finding, text=f"with {name} for f: {finding.text}")
