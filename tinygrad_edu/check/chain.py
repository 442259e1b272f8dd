"""Whole gradients, judged by the chain rule in many digits.

Are the gradients that `backward` gives what the local gradients of the graph make?
"""

import copy
from decimal import Decimal

from ..engine.errors import errstate
from ..engine.graph import contributions, topological_order
from ..engine.number import told_apart
from ..engine.value import Value
from .decimals import decimal, digits
from .measure import COMPARED, ROUNDOFF
from .report import Finding, leaf_text

SMALLEST = Decimal(2) ** -1074


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
