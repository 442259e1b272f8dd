"""Is a gradient right?  Every step of the chain rule, judged against what the numbers do.

`gradcheck(f, inputs)` runs f and asks three questions.  Are the local gradients of every node the
slopes of its value?  Did `backward` put them together as the chain rule says?  Does f depend on its
inputs in a way that its graph does not show?  A whole gradient that is right may hide two wrongs;
and where it is wrong, the node to blame has a name and a line.
"""

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

from ..engine.errors import errstate
from ..engine.graph import contributions, topological_order
from ..engine.messages import describe, name_of
from ..engine.number import format_number, told_apart
from ..engine.op import Op
from ..engine.origin import Origin, place_of
from ..engine.replay import apply
from ..engine.value import Value
from .decimals import NAN, decimal, digits
from .measure import COMPARED, LEVELS, ROUNDOFF, Experiment, RuleInDigits, Runs, Slopes, Unexplained, unexplained
from .report import Finding, GradientCheck

SMALLEST = Decimal(2) ** -1074


def gradcheck(f: Callable, inputs: Any) -> GradientCheck:
    """Check the gradients of f at these inputs; the result is true only if they are right.

    f        called as f(*inputs), returns one Value; run several times, always on the same path
    inputs   numbers, leaves, or lists and dicts of them.  Leaves are passed on as they are, so that parameters f
             knows anyway can be checked: gradcheck(lambda *_: loss(model), model.parameters())

    what is judged                        by                                                        to
    local gradients of an operation       its rule, run in 90 or more digits at moved inputs        10⁻⁹ of the slope
    local gradients of a node by hand     f, run again at moved inputs                              a millionth
    gradients that `backward` gives       the chain rule in 60 digits                               its roundings
    dependences outside the graph         f, run again at moved inputs                              a millionth

    The rule is the textbook's; where floats are computed by an accurate form, that must agree with it.
    Floats may lose digits of a right rule and are then "rounded": a millionth of the slope or of node over
    parent, what the rounding of the parents changes, and anything in the sums of a row.  At a kink or a
    jump what is stored must lie between the slopes of both sides.  "Unjudged" is what cannot be measured:
    a node that is, or is made from, inf or nan; a node made by hand where f is too rough for floats.  For
    a node made by hand, a slope below some 1e-10 of what it does nearby counts as 0, and the local
    gradients by parents that move only together are judged together.

    Nothing is changed.  Raises TypeError where f returns no Value, ValueError where it gives
    different numbers for the same inputs (seed dropout, or switch it off), or where an input is
    no leaf, ModuleNotFoundError where mpmath is needed and missing.

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
    findings += judge_runs(experiment, gradients)
    edges = sum(not parent.is_constant for node in order if not node.is_constant for parent in node.parents)
    finite = sum(map(math.isfinite, gradients.values()))
    left_out = sum(finding.kind in ("kink", "unjudged") and finding.stored is None for finding in findings)
    return GradientCheck(without_piecewise_constant_jumps(findings), max(edges + finite - left_out, 0))


def check_repeats(experiment: Experiment) -> None:
    """Raise ValueError if f, run again as it is, gives other numbers."""
    again = experiment.run_at({})
    if again is None or any(not same(node.data, x) for node, (x, _) in zip(experiment.order, again)):
        raise ValueError("f gives different numbers for the same inputs, so it has no slope: "
                         "seed what is random in it, or switch it off")


def same(a: Any, b: Any) -> bool:
    return a == b or (a != a and b != b)


# ---- nodes recorded by an operation --------------------------------------------------------------------


def judge_node(node: Value) -> Iterator[Finding]:
    """A node's number and local gradients: are they its rule's, and is the rule right?"""
    if not isinstance(node._operation, Op) or node.is_constant:
        return
    with errstate(all="ignore"):
        data, local_grads = apply(node, [p.data for p in node.parents], node.constants)
    if not same(data, node.data):
        text = f"{describe(node)} is {format_number(node.data)}, but its parents now make it {format_number(data)}"
        yield Finding("wrong", node, text, None, node.data, data)
        return
    if not all(math.isfinite(x) for x in (node.data, *[p.data for p in node.parents])):
        yield Finding("unjudged", node, f"{describe(node)}: not all numbers are finite, so it has no slopes to measure")
        return
    rule_at = cache(lambda level: RuleInDigits(node, level))
    yield from judge_accurate_value(node, rule_at)
    for i, parent in enumerate(node.parents):
        if not same(float(local_grads[i]), node.local_grads[i]):
            yield disagreement(node, i, float(local_grads[i]), "its rule gives")
        elif not parent.is_constant:
            yield from judge_edge(node, i, rule_at)


def judge_accurate_value(node: Value, rule_at: Callable[[int], RuleInDigits]) -> Iterator[Finding]:
    """Is the number that an operation's accurate form gives that of the textbook, but for rounding?"""
    op: Any = node._operation
    if not has_accurate_form(op) or op.hidden:          # a slope node is to differ from the graph it shows
        return
    for level in range(len(LEVELS)):
        rule = rule_at(level)
        with digits(COMPARED):
            by_inputs = [abs(g * x.number) * Decimal(2) ** -50 for g, x in zip(rule.local_grads, rule.inputs)]
            excused = abs(rule.value).scaleb(-9) + Decimal("1e-320") + sum(x for x in by_inputs if x.is_finite())
            if abs(decimal(node.data) - rule.value) <= excused:
                return
    ours, theirs = told_apart(node.data, float(rule.value))
    text = f"{describe(node)} is {ours}, but by the textbook it is {theirs}; {blamed(op, is_accurate=True)}"
    yield Finding("wrong", node, text, None, node.data, float(rule.value))


def judge_edge(node: Value, i: int, rule_at: Callable[[int], RuleInDigits]) -> Iterator[Finding]:
    """Is local gradient i of a node the slope?

    Few digits are tried first.  If they find it right, it is; only the most digits may find it wrong.
    """
    found: list[Slopes] = []
    for level in range(len(LEVELS)):
        slopes = rule_at(level).slopes(i)
        found.append(slopes)
        if slopes.is_clear and slopes.agrees(slopes.rule) and is_near(node.local_grads[i], float(slopes.rule)):
            return
    if slopes.is_zero or (slopes.is_clear and slopes.agrees(slopes.rule)):
        yield from judge_rounding(node, i, float(slopes.rule), rule_at(level))
    elif all(slopes.is_clear for slopes in found[-2:]) and slopes.agrees(found[-2].middle):
        yield disagreement(node, i, float(slopes.middle))
    else:
        yield from judge_kink(node, i, slopes, rule_at(level))


def is_near(local_grad: float, slope: float) -> bool:
    """Is a local gradient the slope, to a billionth of it?"""
    return abs(local_grad - slope) <= 1e-9 * abs(slope) + 1e-320


def judge_rounding(node: Value, i: int, slope: float, rule: RuleInDigits) -> Iterator[Finding]:
    """The textbook rule gives the slope.  Is the local gradient, which floats computed, the same?

    It is "rounded" if the error is no more than the rounding of the inputs changes, or than a millionth of
    the slope or of node over parent, and anywhere in a row, whose sums cancel.  Of an accurate form less is
    excused: 10⁻¹² for the millionth, and in a row so much of its largest number.
    """
    if is_near(node.local_grads[i], slope):
        return
    op: Any = node._operation
    is_accurate, error = has_accurate_form(op), abs(node.local_grads[i] - slope)
    sizes = [abs(slope), abs(node.data) / (abs(node.parents[i].data) or 1.0)]
    sizes += [abs(p.data) for p in node.parents if op.rows]
    excused = math.inf if op.rows and not is_accurate else (1e-12 if is_accurate else 1e-6) * max(sizes)
    if math.isfinite(error) and (error <= excused or error <= rule.rounding_sensitivity(i)):
        yield disagreement(node, i, slope, "without rounding it would be", "rounded")
    elif math.isfinite(slope):
        yield disagreement(node, i, slope, "without rounding it would be", is_accurate=is_accurate)


def judge_kink(node: Value, i: int, slopes: Slopes, rule: RuleInDigits) -> Iterator[Finding]:
    """Both sides differ: is the local gradient one of the slopes between them?"""
    sides, stored = rule.one_sided(i), node.local_grads[i]
    known = [side for side in sides if isinstance(side, Decimal)]
    if "jump" in sides:
        known = rule.beside_jump(i) if math.isfinite(stored) else []
    low, high = min(known, default=NAN), max(known, default=NAN)
    is_accurate = has_accurate_form(node._operation)
    slope = decimal(stored) if is_accurate or not math.isfinite(stored) else slopes.rule
    with digits(COMPARED):
        margin = max([abs(side) for side in known if side.is_finite()], default=Decimal(0)).scaleb(-9)
        is_between, is_bent = low - margin <= slope <= high + margin, high - low > 2 * margin
        nearest = low if slope < low else high
    if known and not is_between:
        but = "beside its jump the slope is" if "jump" in sides else "the slope is"
        is_other = is_accurate and not same(float(slopes.rule), stored)
        yield disagreement(node, i, float(nearest), but, is_accurate=is_other)
    elif "jump" in sides or not all(side.is_finite() for side in known or [NAN]):
        why = "jumps here" if "jump" in sides else "has no finite slope here"
        yield Finding("kink", node, f"{describe(node)}: not judged by {name_at(node, i)}, since it {why}", i)
    elif is_bent:
        bounds = f"the slopes {format_number(float(low))} and {format_number(float(high))} of its sides"
        between = f"{format_number(stored)} by {name_at(node, i)} lies between {bounds}"
        yield Finding("kink", node, f"{describe(node)}: {between}", i, stored)


def disagreement(node: Value, i: int, measured: float, but: str = "the slope is", kind: str = "wrong",
                 is_accurate: bool = False) -> Finding:
    """The finding that local gradient i is not what was measured."""
    stored = node.local_grads[i]
    ours, theirs = told_apart(stored, measured)
    why = f"; {blamed(node._operation, is_accurate)}" if kind == "wrong" else ""
    text = f"{describe(node)}: the local gradient by {name_at(node, i)} is {ours}, but {but} {theirs}{why}"
    return Finding(kind, node, text, i, stored, measured)


def has_accurate_form(op: Any) -> bool:
    """Do floats run another rule than the textbook's?"""
    return op.rule is not op.textbook


def blamed(op: Any, is_accurate: bool) -> str:
    """Which rule of an operation is wrong, and where it stands."""
    rule = op.rule if is_accurate else op.textbook
    where = Origin(place_of(rule.__code__.co_filename, rule.__module__), rule.__code__.co_firstlineno)
    return f"its accurate form at {where} differs from the textbook" if is_accurate else f"its rule is at {where}"


def name_at(node: Value, i: int) -> str:
    """Which input of a node: by its name, else by the name the operation has for it, or its number."""
    known = name_of(node.parents[i])
    if known and node.parents.count(node.parents[i]) == 1:
        return known
    inputs = node._operation.inputs if isinstance(node._operation, Op) and not node._operation.rows else []
    return inputs[i] if inputs else f"input {i + 1}"


def without_piecewise_constant_jumps(findings: Sequence[Finding]) -> list[Finding]:
    """The findings but for the jumps of what only takes a few values, such as the condition of `where`."""
    def is_worth_a_word(finding: Finding) -> bool:
        if finding.kind != "kink" or finding.parent is None or finding.stored is not None:
            return True
        parent = finding.node.parents[finding.parent]
        return not parent.parents or any(parent.local_grads)
    return [finding for finding in findings if is_worth_a_word(finding)]


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
                text = (f"backward gives {leaf_text(leaf)} the gradient {ours}, but by the chain rule its local "
                        f"gradients make {theirs}")
                findings.append(Finding("wrong", leaf, text, None, gradient, float(true)))
    return gradients, findings


def chain_rule(order: list[Value]) -> tuple[dict[Value, Decimal], dict[Value, Decimal]]:
    """(the gradient of each node from the local gradients stored, how far floats may be off by rounding alone)."""
    exact, slack, unit = {order[-1]: Decimal(1)}, {order[-1]: Decimal(0)}, Decimal(ROUNDOFF)
    local = {node: [decimal(g) for g in node.local_grads] for node in order}
    for c in contributions(order, local, Decimal(1)):
        if c.taken:
            exact[c.parent] = c.after
            error = abs(c.local_grad) * slack[c.node] + unit * abs(c.upstream * c.local_grad) + SMALLEST
            slack[c.parent] = (slack.get(c.parent, Decimal(0)) + error + unit * abs(c.after)) * (1 + 2 * unit)
    return exact, slack


def leaf_text(node: Value) -> str:
    """A leaf in a sentence."""
    origin = f" (made at {node.origin})" if node.origin else ""
    return (name_of(node) or format_number(node.data)) + origin


# ---- nodes made by hand, and what the graph does not show ---------------------------------------------------


def judge_runs(experiment: Experiment, gradients: dict[Value, float]) -> Iterator[Finding]:
    """Run f at moved inputs, if there is something that only this can tell."""
    by_hand = [node for node in experiment.order if node.parents and not isinstance(node._operation, Op)]
    hidden = hidden_dependences(experiment)
    if hidden is None:
        yield Finding("unjudged", experiment.output, "f raises, or takes another path, however little its inputs move: "
                      "what it does besides its graph was not seen")
    if not by_hand and not hidden:
        return
    runs = [experiment.runs(i) for i in range(len(experiment.leaves))]
    for node in by_hand:
        yield from judge_by_hand(node, experiment, runs)
    for leaf, along in zip(experiment.leaves, runs):
        yield from judge_whole(leaf, gradients.get(leaf, 0.0), experiment, along, hidden or [])


def hidden_dependences(experiment: Experiment) -> list[str] | None:
    """What changes with the inputs and is no function of them in the graph; None if f cannot be run beside them."""
    start, found = experiment.start, []
    for step in (1e-6, -1e-6, 1e-12, -1e-12):
        nodes = experiment.run_at({i: x + step * (abs(x) or 1.0) for i, x in enumerate(start)})
        if nodes is not None:
            break
    else:
        return None
    for node, (data, constants) in zip(experiment.order, nodes):
        if not node.parents and node not in experiment.leaves and not same(node.data, data):
            child = next((child for child in experiment.order if node in child.parents), node)
            found.append(f"{format_number(node.data)} in {describe(child)}")
        found += [f"{name} of {describe(node)}" for name, x in constants.items() if not same(x, node.constants[name])]
    return found


def judge_by_hand(node: Value, experiment: Experiment, runs: list[list[Runs]]) -> Iterator[Finding]:
    """A node without a rule, by what it and its parents do as each input moves."""
    place = {other: k for k, other in enumerate(experiment.order)}
    by = [place[p] for p in node.parents]
    rests = [unexplained(along, place[node], by, node.local_grads) for along in runs]
    wrong = [(leaf, rest) for leaf, rest in zip(experiment.leaves, rests) if rest and rest.is_wrong]
    if wrong:
        found = [wrong_by_hand(node, place, leaf, rest) for leaf, rest in wrong]
        yield from {finding.parent: finding for finding in found}.values()
    elif None in rests:
        yield Finding("unjudged", node, f"{describe(node)}: too rough around these inputs for floats to measure its "
                      "slope; declared with @tg.op it would be judged in more digits")
    elif any(not any(rest.by[k] for rest in rests if rest) for p, k in zip(node.parents, by) if not p.is_constant):
        yield Finding("unjudged", node, f"{describe(node)}: no input moves all its parents; give their leaves as "
                      "inputs too")
    elif any(rest.low < rest.high for rest in rests if rest):
        yield Finding("kink", node, f"{describe(node)}: its local gradients lie between the slopes of both sides")


def wrong_by_hand(node: Value, place: dict[Value, int], leaf: Value, rest: Unexplained) -> Finding:
    """What is wrong with a node made by hand: the one local gradient, if only one parent moves with the input."""
    moving = [i for i, p in enumerate(node.parents) if rest.by[place[p]]]
    if len({node.parents[i] for i in moving}) == 1:
        parent, stored = moving[0], math.fsum(node.local_grads[i] for i in moving)
        measured = stored + rest.missing / rest.by[place[node.parents[parent]]]
        ours, theirs = told_apart(stored, measured)
        text = f"the local gradient by {name_at(node, parent)} is {ours}, but the slope is {theirs}"
        return Finding("wrong", node, f"{describe(node)}: {text}", parent, stored, measured)
    stored = math.fsum(g * rest.by[place[p]] for p, g in zip(node.parents, node.local_grads))
    ours, theirs = told_apart(stored, stored + rest.missing)
    text = f"its local gradients give it a slope of {ours} by {leaf_text(leaf)}, but that slope is {theirs}"
    return Finding("wrong", node, f"{describe(node)}: {text}", None, stored, stored + rest.missing)


def judge_whole(leaf: Value, gradient: float, experiment: Experiment, runs: list[Runs],
                hidden: list[str]) -> Iterator[Finding]:
    """The gradient of f by one input against the slope of f."""
    place = len(experiment.order)                       # of the input that moved
    rest = unexplained(runs, place - 1, [place], [gradient])
    if rest is None:
        text = f"f is too rough around {leaf_text(leaf)} to measure its slope there"
        yield Finding("unjudged", experiment.output, text)
    elif rest.is_wrong:
        slope = gradient + rest.missing
        ours, theirs = told_apart(gradient, slope)
        because = "".join(f"; {what} changes with the inputs, but passes no gradient on" for what in hidden[:3])
        text = f"the gradient by {leaf_text(leaf)} is {ours}, but the slope of f is {theirs}{because}"
        yield Finding("wrong", leaf, text, None, gradient, slope)
