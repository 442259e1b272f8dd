"""Is a gradient right?  Every step of the chain rule, judged against what the numbers do.

`gradcheck(f, inputs)` runs f and asks of every node whether its local gradients are the slopes
of its value, then whether `backward` put them together as the chain rule says, and whether f has
a dependence that its graph does not show.  A whole gradient that is right may hide two wrongs;
and where it is wrong, the node to blame has a name and a line.
"""

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..engine.errors import errstate
from ..engine.graph import contributions, describe, name_of
from ..engine.number import short
from ..engine.op import Op
from ..engine.origin import Origin, place_of
from ..engine.replay import apply
from ..engine.value import Value, topological_order
from .decimals import NAN, decimal, digits
from .measure import COMPARED, LEVELS, UNIT, Experiment, Gap, Lens, Moves, Slopes, gap

SMALLEST = Decimal(2) ** -1074
SHOWN = 12                          # findings that are printed


@dataclass(frozen=True)
class Finding:
    """One thing there is to say of a gradient.

    kind       "wrong", or "unjudged": nothing could be measured; neither is right.  "kink": no single slope
               here, and what is stored is none of the impossible ones; "rounded": a right rule that
               lost digits here, in the sums of a row, or no more than a millionth of the slope, or of the
               node over its parent, or than the rounding of its parents changes
    node       the node, with its op and origin; `parent` is which of its parents, if it is about one
    stored     the local gradient the node keeps, or the gradient that backward gave
    measured   the slope
    text       all of it in words
    """

    kind: str
    node: Value
    text: str
    parent: int | None = None
    stored: float | None = None
    measured: float | None = None

    @property
    def op(self) -> str:
        """The name of the node's operation."""
        return self.node.op

    @property
    def origin(self) -> Origin | None:
        """The line the node was made at."""
        return self.node.origin


class GradientCheck:
    """What `gradcheck` found: true if everything was judged and nothing is wrong.

    findings   a list of `Finding`
    judged     how many local gradients and gradients were judged

    It prints as a short report.
    """

    def __init__(self, findings: list[Finding], judged: int):
        self.findings, self.judged = findings, judged

    def __bool__(self) -> bool:
        return self.verdict == "right"

    @property
    def verdict(self) -> str:
        """In one word: right, wrong, or unjudged."""
        kinds = {finding.kind for finding in self.findings}
        return "wrong" if "wrong" in kinds else "unjudged" if "unjudged" in kinds or not self.judged else "right"

    def __repr__(self) -> str:
        order = sorted(self.findings, key=lambda finding: finding.kind not in ("wrong", "unjudged"))
        lines = [f"{self.verdict}: {self.judged} gradient{'s' * (self.judged != 1)} judged"]
        lines += [f"  {finding.kind}: {finding.text}" for finding in order[:SHOWN]]
        return "\n".join(lines + [f"  and {len(order) - SHOWN} more"] * (len(order) > SHOWN))


def gradcheck(f: Callable, inputs: Any) -> GradientCheck:
    """Check the gradients of f at these inputs; the result is true only if they are right.

    f        called as f(*inputs), returns one Value; run several times, always on the same path
    inputs   numbers, leaves, or lists and dicts of them.  Leaves are passed on as they are, so that parameters f
             knows anyway can be checked: gradcheck(lambda *_: loss(model), model.parameters())

    A node recorded by an operation is judged by running its rule in 90 or more digits: a local
    gradient may differ from the slope by 1e-9 of itself, or be "rounded" (see `Finding`).  Nodes made
    by hand have no rule; they, and what f does outside its graph, are judged by running f at moved
    inputs, to a millionth; where floats cannot tell that, the verdict is "unjudged".  (A slope below
    some 1e-10 of what the node does nearby is 0 to them, and the local gradients by parents that move
    only together are judged together.)  At a kink or a jump what is stored must lie between the slopes
    of both sides.  Of a node that is, or is made from, inf or nan no slope is measured: it is "unjudged".

    Nothing is changed.  Raises TypeError where f returns no Value, ValueError where it gives
    different numbers for the same inputs (seed dropout, or switch it off), or where an input is
    no leaf.

    >>> import tinygrad_edu as tg
    >>> gradcheck(lambda x, y: tg.tanh(x * y) + tg.relu(x), [0.5, -2.0])
    right: 8 gradients judged
    >>> def cube(x):
    ...     return tg.Value(x.data ** 3, (x,), (2 * x.data ** 2,), op="cube")
    >>> bool(gradcheck(lambda x: cube(x) * 2, [3.0]))
    False
    """
    experiment = Experiment(f, inputs if isinstance(inputs, list | tuple) else (inputs,))
    check_repeats(experiment)
    order = experiment.order
    findings = [finding for node in order if node.parents for finding in judge_node(node)]
    gradients, wrong = judge_backward(order)
    findings += wrong
    findings += judge_again(experiment, gradients)
    left_out = [finding for finding in findings if finding.kind in ("kink", "unjudged") and finding.stored is None]
    finite = [gradient for gradient in gradients.values() if math.isfinite(gradient)]
    edges = sum(not parent.is_constant for node in order if not node.is_constant for parent in node.parents)
    judged = len(finite) + edges - len(left_out)
    return GradientCheck(without_hushed(findings), max(judged, 0))


def check_repeats(experiment: Experiment) -> None:
    again = experiment.moved({})
    if again is None or any(not same(node.data, x) for node, (x, _) in zip(experiment.order, again)):
        raise ValueError("f gives different numbers for the same inputs, so it has no slope: "
                         "seed what is random in it, or switch it off")


def same(a: Any, b: Any) -> bool:
    return a == b or (a != a and b != b)


# ---- nodes recorded by an operation --------------------------------------------------------------------


def judge_node(node: Value) -> Iterator[Finding]:
    """A node's number and local gradients: are they its rule's, and is the rule right?"""
    if not isinstance(node._op, Op) or node.is_constant:
        return
    with errstate(all="ignore"):
        data, local_grads = apply(node, [p.data for p in node.parents], node.constants)
    if not same(data, node.data):
        text = f"{describe(node)} is {short(node.data)}, but its parents now make it {short(data)}"
        yield Finding("wrong", node, text, None, node.data, data)
        return
    if not all(math.isfinite(x) for x in (node.data, *[p.data for p in node.parents])):
        yield Finding("unjudged", node, f"{describe(node)}: not all numbers are finite, so it has no slopes to measure")
        return
    lenses: list[Lens] = []
    for i, parent in enumerate(node.parents):
        if not same(float(local_grads[i]), node.local_grads[i]):
            yield disagreement(node, i, float(local_grads[i]), "its rule gives")
        elif not parent.is_constant:
            yield from judge_edge(node, i, lenses)


def judge_edge(node: Value, i: int, lenses: list[Lens]) -> Iterator[Finding]:
    """Local gradient i of a node, with as many digits as it takes."""
    before: Slopes | None = None
    for level in range(len(LEVELS)):
        if level == len(lenses):
            lenses.append(Lens(node, level))
        slopes = lenses[level].slopes(i)
        is_last = level == len(LEVELS) - 1
        if (slopes.is_clear and slopes.agrees(slopes.rule)) or (is_last and slopes.is_zero):
            yield from judge_rounding(node, i, float(slopes.rule), lenses[level])
            return
        if before and before.is_clear and slopes.is_clear and slopes.agrees(before.middle):
            yield disagreement(node, i, float(slopes.middle))
            return
        before = slopes
    yield from judge_kink(node, i, slopes, lenses[-1])


def judge_rounding(node: Value, i: int, slope: float, lens: Lens) -> Iterator[Finding]:
    """The rule is right; is the float it gave?"""
    error = abs(node.local_grads[i] - slope)
    if not error <= 1e-9 * abs(slope) + 1e-320:
        size = max(abs(slope), abs(node.data) / (abs(node.parents[i].data) or 1.0))
        is_in_row = isinstance(node._op, Op) and bool(node._op.rows)
        is_little = math.isfinite(error) and (is_in_row or error <= 1e-6 * size or error <= lens.play(i))
        if is_little or math.isfinite(slope):
            yield disagreement(node, i, slope, "without rounding it would be", "rounded" if is_little else "wrong")


def judge_kink(node: Value, i: int, slopes: Slopes, lens: Lens) -> Iterator[Finding]:
    """Where both sides differ: is the local gradient one of the slopes between them?"""
    sides, stored = lens.sides(i), node.local_grads[i]
    told = [side for side in sides if isinstance(side, Decimal)]
    if "jump" in sides:
        told = lens.sides_beside_jump(i) if math.isfinite(stored) else []
    low, high = min(told, default=NAN), max(told, default=NAN)
    slope = slopes.rule if math.isfinite(stored) else decimal(stored)
    with digits(COMPARED):
        margin = max([abs(side) for side in told if side.is_finite()], default=Decimal(0)).scaleb(-9)
        is_between, is_bent = low - margin <= slope <= high + margin, high - low > 2 * margin
        nearest = low if slope < low else high
    if told and not is_between:
        but = "beside its jump the slope is" if "jump" in sides else "the slope is"
        yield disagreement(node, i, float(nearest), but)
    elif "jump" in sides or not all(side.is_finite() for side in told or [NAN]):
        why = "jumps here" if "jump" in sides else "has no finite slope here"
        yield Finding("kink", node, f"{describe(node)}: not judged by {name_at(node, i)}, since it {why}", i)
    elif is_bent:
        between = f"{short(stored)} by {name_at(node, i)} lies between the slopes {short(float(low))} and "
        yield Finding("kink", node, f"{describe(node)}: {between}{short(float(high))} of its sides", i, stored)


def disagreement(node: Value, i: int, measured: float, but: str = "the slope is", kind: str = "wrong") -> Finding:
    stored = node.local_grads[i]
    ours, theirs = told_apart(stored, measured)
    rule = f"; its rule is at {rule_of(node._op)}" if kind == "wrong" else ""
    text = f"{describe(node)}: the local gradient by {name_at(node, i)} is {ours}, but {but} {theirs}{rule}"
    return Finding(kind, node, text, i, stored, measured)


def rule_of(op: Any) -> str:
    code = op.rule.__code__
    return str(Origin(place_of(code.co_filename, op.rule.__module__), code.co_firstlineno))


def name_at(node: Value, i: int) -> str:
    """Which input of a node: by its name, else by the name the operation has for it, or its number."""
    known = name_of(node.parents[i])
    if known and node.parents.count(node.parents[i]) == 1:
        return known
    inputs = node._op.inputs if isinstance(node._op, Op) and not node._op.rows else []
    return inputs[i] if inputs else f"input {i + 1}"


def told_apart(a: float, b: float) -> tuple[str, str]:
    """Two numbers with as many digits as it takes to see the difference."""
    for count in range(6, 17):
        if short(a, count) != short(b, count):
            return short(a, count), short(b, count)
    return repr(a), repr(b)


# ---- backward ------------------------------------------------------------------------------------------------


def judge_backward(order: list[Value]) -> tuple[dict[Value, float], list[Finding]]:
    """What backward gives each leaf, and where rounding cannot explain how it differs from the chain rule."""
    if order[-1].is_constant:
        return {}, []
    twins = topological_order(copy.deepcopy(order[-1]))     # the nodes themselves keep the gradients they have
    twins[-1].zero_grad()
    with errstate(all="ignore"):
        twins[-1].backward()
    gradients = {leaf: twin.grad for leaf, twin in zip(order, twins) if not leaf.parents and not leaf.is_constant}
    with digits(COMPARED):
        exact, slack = chain_rule(order)
        findings = []
        for leaf, gradient in gradients.items():
            true, margin = exact.get(leaf, Decimal(0)), slack.get(leaf, Decimal(0))
            if true.is_finite() and not abs(decimal(gradient) - true) <= margin:
                ours, theirs = told_apart(gradient, float(true))
                if ours == theirs:
                    theirs = f"{true:.5e}, more than a float holds"
                findings.append(Finding("wrong", leaf, f"backward gives {named(leaf)} the gradient {ours}, but by the "
                                        f"chain rule its local gradients make {theirs}", None, gradient, float(true)))
    return gradients, findings


def chain_rule(order: list[Value]) -> tuple[dict[Value, Decimal], dict[Value, Decimal]]:
    """(the gradient of each node from the local gradients stored, how far floats may be off by rounding alone)."""
    exact, slack, unit = {order[-1]: Decimal(1)}, {order[-1]: Decimal(0)}, Decimal(UNIT)
    local = {node: [decimal(g) for g in node.local_grads] for node in order}
    for c in contributions(order, local, Decimal(1)):
        if c.taken:
            exact[c.parent] = c.after
            error = abs(c.local_grad) * slack[c.node] + unit * abs(c.upstream * c.local_grad) + SMALLEST
            slack[c.parent] = (slack.get(c.parent, Decimal(0)) + error + unit * abs(c.after)) * (1 + 2 * unit)
    return exact, slack


def named(node: Value) -> str:
    """A leaf in a sentence."""
    origin = f" (made at {node.origin})" if node.origin else ""
    return (name_of(node) or short(node.data)) + origin


# ---- nodes made by hand, and what the graph does not show ---------------------------------------------------


def judge_again(experiment: Experiment, gradients: dict[Value, float]) -> Iterator[Finding]:
    """Run f at moved inputs, if there is something that only this can tell."""
    by_hand = [node for node in experiment.order if node.parents and not isinstance(node._op, Op)]
    hidden = hidden_dependences(experiment)
    if hidden is None:
        yield Finding("unjudged", experiment.output, "f raises, or takes another path, however little its inputs move: "
                      "what it does besides its graph was not seen")
    if not by_hand and not hidden:
        return
    moves = [experiment.moves(i) for i in range(len(experiment.leaves))]
    for node in by_hand:
        yield from judge_by_hand(node, experiment, moves)
    for leaf, moved in zip(experiment.leaves, moves):
        yield from judge_whole(leaf, gradients.get(leaf, 0.0), experiment, moved, hidden or [])


def hidden_dependences(experiment: Experiment) -> list[str] | None:
    """What changes with the inputs and is no function of them in the graph; None if f cannot be run beside them."""
    start, found = experiment.start, []
    for step in (1e-6, -1e-6, 1e-12, -1e-12):
        nodes = experiment.moved({i: x + step * (abs(x) or 1.0) for i, x in enumerate(start)})
        if nodes is not None:
            break
    else:
        return None
    for node, (data, constants) in zip(experiment.order, nodes):
        if not node.parents and node not in experiment.leaves and not same(node.data, data):
            found.append(f"{short(node.data)} in {describe(child_of(node, experiment.order))}")
        found += [f"{name} of {describe(node)}" for name, x in constants.items() if not same(x, node.constants[name])]
    return found


def child_of(node: Value, order: list[Value]) -> Value:
    return next((child for child in order if node in child.parents), node)


def judge_by_hand(node: Value, experiment: Experiment, moves: list[list[Moves]]) -> Iterator[Finding]:
    """A node without a rule, by what it and its parents do as each input moves."""
    place = {other: k for k, other in enumerate(experiment.order)}
    by = [place[p] for p in node.parents]
    gaps = [gap(moved, place[node], by, node.local_grads) for moved in moves]
    wrong = [(leaf, found) for leaf, found in zip(experiment.leaves, gaps) if found and is_wrong(found)]
    if wrong:
        found = [explained(node, place, leaf, one) for leaf, one in wrong]
        yield from {finding.parent: finding for finding in found}.values()
    elif None in gaps:
        yield Finding("unjudged", node, f"{describe(node)}: too rough around these inputs for floats to measure its "
                      "slope; declared with @tg.op it would be judged in more digits")
    elif any(not any(found.by[k] for found in gaps if found) for p, k in zip(node.parents, by) if not p.is_constant):
        yield Finding("unjudged", node, f"{describe(node)}: no input moves all its parents; give their leaves as "
                      "inputs too")
    elif any(found.low < found.high for found in gaps if found):
        yield Finding("kink", node, f"{describe(node)}: its local gradients lie between the slopes of both sides")


def is_wrong(found: Gap) -> bool:
    return not found.low - found.margin <= 0 <= found.high + found.margin


def explained(node: Value, place: dict[Value, int], leaf: Value, found: Gap) -> Finding:
    """What is wrong with a node made by hand: the one local gradient, where only one parent moves with an input."""
    moving = [i for i, p in enumerate(node.parents) if found.by[place[p]]]
    missing = min(found.low, found.high, key=abs)
    if len({node.parents[i] for i in moving}) == 1:
        stored = math.fsum(node.local_grads[i] for i in moving)
        measured = stored + missing / found.by[place[node.parents[moving[0]]]]
        ours, theirs = told_apart(stored, measured)
        text = f"the local gradient by {name_at(node, moving[0])} is {ours}, but the slope is {theirs}"
        return Finding("wrong", node, f"{describe(node)}: {text}", moving[0], stored, measured)
    stored = math.fsum(g * found.by[place[p]] for p, g in zip(node.parents, node.local_grads))
    ours, theirs = told_apart(stored, stored + missing)
    text = f"its local gradients give it a slope of {ours} by {named(leaf)}, but that slope is {theirs}"
    return Finding("wrong", node, f"{describe(node)}: {text}", None, stored, stored + missing)


def judge_whole(leaf: Value, gradient: float, experiment: Experiment, moved: list[Moves],
                hidden: list[str]) -> Iterator[Finding]:
    """The gradient of f by one input against the slope of f."""
    place = len(experiment.order) - 1
    found = gap(moved, place, [len(experiment.order)], [gradient])
    if found is None:
        yield Finding("unjudged", experiment.output, f"f is too rough around {named(leaf)} to measure its slope there")
    elif is_wrong(found):
        missing = min(found.low, found.high, key=abs)
        ours, theirs = told_apart(gradient, gradient + missing)
        because = "".join(f"; {what} changes with the inputs, but passes no gradient on" for what in hidden[:3])
        text = f"the gradient by {named(leaf)} is {ours}, but the slope of f is {theirs}{because}"
        yield Finding("wrong", leaf, text, None, gradient, gradient + missing)


def without_hushed(findings: Sequence[Finding]) -> list[Finding]:
    """The findings but for the jumps of what only takes a few values, such as the condition of `where`."""
    def is_hushed(finding: Finding) -> bool:
        if finding.kind != "kink" or finding.parent is None or finding.stored is not None:
            return False
        parent = finding.node.parents[finding.parent]
        return bool(parent.parents) and not any(parent.local_grads)
    return [finding for finding in findings if not is_hushed(finding)]
