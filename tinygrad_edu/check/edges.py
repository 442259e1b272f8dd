"""One edge of a graph, judged in many digits: is a local gradient the slope of what its operation computes?

What is judged is either the value of a node, or one of its slopes, which is a node of the gradient's graph and
has slopes itself (see `second.py`).
"""

import math
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from ..engine.errors import errstate
from ..engine.messages import describe, name_of
from ..engine.number import format_number, told_apart
from ..engine.op import Op
from ..engine.origin import Origin, place_of
from ..engine.replay import apply
from ..engine.value import Value
from .decimals import NAN, decimal, digits
from .measure import COMPARED, LEVELS, RuleInDigits, Slopes
from .report import Finding


class Judged(NamedTuple):
    """A number whose local gradients are judged: that of a node, or a slope of it.

    node           the node
    name           what it is, for messages
    data           the number
    local_grads    what is stored for each parent of the node
    is_slope       is it a slope?  Then the graph form is to blame, not the rule
    """

    node: Value
    name: str
    data: float
    local_grads: tuple[float, ...]
    is_slope: bool = False

    @property
    def is_accurate(self) -> bool:
        """Is it computed by another rule than the textbook's?"""
        return not self.is_slope and has_accurate_form(self.node._operation)


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
    judged = Judged(node, describe(node), node.data, node.local_grads)
    rule_at = cache(lambda level: RuleInDigits(node, level))
    yield from judge_accurate_value(node, rule_at)
    for i, parent in enumerate(node.parents):
        if not same(float(local_grads[i]), node.local_grads[i]):
            yield disagreement(judged, i, float(local_grads[i]), "its rule gives")
        elif not parent.is_constant:
            yield from judge_edge(judged, i, rule_at)


def judge_accurate_value(node: Value, rule_at: Callable[[int], RuleInDigits]) -> Iterator[Finding]:
    """Is the number that an operation's accurate form gives that of the textbook, but for rounding?"""
    op: Any = node._operation
    if not has_accurate_form(op) or op.hidden:          # a slope node is to differ from the graph it shows
        return
    for level in range(len(LEVELS)):
        rule = rule_at(level)
        if is_value_of(rule, decimal(node.data)):
            return
    ours, theirs = told_apart(node.data, float(rule.value))
    text = f"{describe(node)} is {ours}, but by the textbook it is {theirs}; {blamed(op, is_accurate=True)}"
    yield Finding("wrong", node, text, None, node.data, float(rule.value))


def is_value_of(rule: RuleInDigits, x: Decimal) -> bool:
    """Is x what the rule gives, but for a billionth and for what the rounding of the inputs changes?"""
    with digits(COMPARED):
        by_inputs = [abs(g * x.number) * Decimal(2) ** -50 for g, x in zip(rule.local_grads, rule.inputs)]
        excused = abs(rule.value).scaleb(-9) + Decimal("1e-320") + sum(x for x in by_inputs if x.is_finite())
        return abs(x - rule.value) <= excused


def judge_edge(judged: Judged, i: int, rule_at: Callable[[int], RuleInDigits]) -> Iterator[Finding]:
    """Is local gradient i of a node the slope?

    Few digits are tried first.  If they find it right, it is; only the most digits may find it wrong.
    """
    found: list[Slopes] = []
    for level in range(len(LEVELS)):
        slopes = rule_at(level).slopes(i)
        found.append(slopes)
        if slopes.is_clear and slopes.agrees(slopes.rule) and is_near(judged.local_grads[i], float(slopes.rule)):
            return
    if slopes.is_zero or slopes.has_vanished_from(found[-2]) or (slopes.is_clear and slopes.agrees(slopes.rule)):
        yield from judge_rounding(judged, i, float(slopes.rule), rule_at(level))
    elif all(slopes.is_clear for slopes in found[-2:]) and slopes.agrees(found[-2].middle):
        yield disagreement(judged, i, float(slopes.middle))
    else:
        yield from judge_kink(judged, i, slopes, rule_at(level))


def is_near(local_grad: float, slope: float) -> bool:
    """Is a local gradient the slope, to a billionth of it?"""
    return abs(local_grad - slope) <= 1e-9 * abs(slope) + 1e-320


def judge_rounding(judged: Judged, i: int, slope: float, rule: RuleInDigits) -> Iterator[Finding]:
    """The textbook rule gives the slope.  Is the local gradient, which floats computed, the same?

    It is "rounded" if the error is no more than the rounding of the inputs changes, or than a millionth of
    the slope or of node over parent, and anywhere in a row, whose sums cancel.  Of an accurate form less is
    excused: 10⁻¹² for the millionth, and in a row so much of its largest number.
    """
    if is_near(judged.local_grads[i], slope):
        return
    op: Any = judged.node._operation
    parents = judged.node.parents
    is_accurate, error = judged.is_accurate, abs(judged.local_grads[i] - slope)
    sizes = [abs(slope), abs(judged.data) / (abs(parents[i].data) or 1.0)]
    sizes += [abs(p.data) for p in parents if op.rows]
    excused = math.inf if op.rows and not is_accurate else (1e-12 if is_accurate else 1e-6) * max(sizes)
    if math.isfinite(error) and (error <= excused or error <= rule.rounding_sensitivity(i)):
        yield disagreement(judged, i, slope, "without rounding it would be", "rounded")
    elif math.isfinite(slope):
        yield disagreement(judged, i, slope, "without rounding it would be", is_accurate=is_accurate)


def judge_kink(judged: Judged, i: int, slopes: Slopes, rule: RuleInDigits) -> Iterator[Finding]:
    """Both sides differ: is the local gradient one of the slopes between them?"""
    node, sides, stored = judged.node, rule.one_sided(i), judged.local_grads[i]
    known = [side for side in sides if isinstance(side, Decimal)]
    if "jump" in sides:
        known = rule.beside_jump(i) if math.isfinite(stored) else []
    low, high = min(known, default=NAN), max(known, default=NAN)
    is_accurate = judged.is_accurate
    slope = decimal(stored) if is_accurate or not math.isfinite(stored) else slopes.rule
    with digits(COMPARED):
        margin = max([abs(side) for side in known if side.is_finite()], default=Decimal(0)).scaleb(-9)
        is_between, is_bent = low - margin <= slope <= high + margin, high - low > 2 * margin
        nearest = low if slope < low else high
    if known and not is_between:
        but = "beside its jump the slope is" if "jump" in sides else "the slope is"
        is_other = is_accurate and not same(float(slopes.rule), stored)
        yield disagreement(judged, i, float(nearest), but, is_accurate=is_other)
    elif "jump" in sides or not all(side.is_finite() for side in known or [NAN]):
        why = "jumps here" if "jump" in sides else "has no finite slope here"
        yield Finding("kink", node, f"{judged.name}: not judged by {name_at(node, i)}, since it {why}", i)
    elif is_bent:
        bounds = f"the slopes {format_number(float(low))} and {format_number(float(high))} of its sides"
        between = f"{format_number(stored)} by {name_at(node, i)} lies between {bounds}"
        yield Finding("kink", node, f"{judged.name}: {between}", i, stored)


def disagreement(judged: Judged, i: int, measured: float, but: str = "the slope is", kind: str = "wrong",
                 is_accurate: bool = False) -> Finding:
    """The finding that local gradient i is not what was measured."""
    node, stored = judged.node, judged.local_grads[i]
    ours, theirs = told_apart(stored, measured)
    why = f"; {blamed(node._operation, is_accurate, judged.is_slope)}" if kind == "wrong" else ""
    text = f"{judged.name}: the local gradient by {name_at(node, i)} is {ours}, but {but} {theirs}{why}"
    return Finding(kind, node, text, i, stored, measured)


def has_accurate_form(op: Any) -> bool:
    """Do floats run another rule than the textbook's?"""
    return op.rule is not op.textbook


def blamed(op: Any, is_accurate: bool, is_slope: bool = False) -> str:
    """Which rule of an operation is wrong, and where it stands."""
    rule = op.graph if is_slope else op.rule if is_accurate else op.textbook
    where = Origin(place_of(rule.__code__.co_filename, rule.__module__), rule.__code__.co_firstlineno)
    if is_accurate:
        return f"its accurate form at {where} differs from the textbook"
    return f"its {'rule' if rule is op.textbook else 'graph form'} is at {where}"


def name_at(node: Value, i: int) -> str:
    """Which input of a node: by its name, else by the name the operation has for it, or its number."""
    known = name_of(node.parents[i])
    if known and node.parents.count(node.parents[i]) == 1:
        return known
    inputs = node._operation.inputs if isinstance(node._operation, Op) and not node._operation.rows else []
    return inputs[i] if inputs else f"input {i + 1}"


def count_left_out(findings: Sequence[Finding]) -> int:
    """How many of the findings say of a gradient that it was not judged."""
    return sum(finding.kind == "unjudged" or (finding.kind == "kink" and finding.parent is not None)
               for finding in findings if finding.stored is None)


def without_piecewise_constant_jumps(findings: Sequence[Finding]) -> list[Finding]:
    """The findings but for the jumps of what only takes a few values, such as the condition of `where`."""
    def is_worth_a_word(finding: Finding) -> bool:
        if finding.kind != "kink" or finding.parent is None or finding.stored is not None:
            return True
        parent = finding.node.parents[finding.parent]
        return not parent.parents or any(parent.local_grads)
    return [finding for finding in findings if is_worth_a_word(finding)]


def same(a: Any, b: Any) -> bool:
    return a == b or (a != a and b != b)
