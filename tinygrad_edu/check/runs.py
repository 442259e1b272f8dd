"""What f does at moved inputs, in floats: nodes made by hand, what the graph does not show, and jumps."""

import math
from collections.abc import Iterator

from ..engine.messages import describe, name_of
from ..engine.number import format_number, told_apart
from ..engine.op import Op
from ..engine.value import Value
from .edges import name_at, same
from .measure import Experiment, Runs, Unexplained, unexplained
from .report import Finding, leaf_text


def judge_runs(experiment: Experiment, gradients: dict[Value, float]) -> Iterator[Finding]:
    """Run f at moved inputs, if there is something that only this can tell.

    gradients   what is claimed of each input; a missing one is 0
    """
    by_hand = [node for node in experiment.order if node.parents and not isinstance(node._operation, Op)]
    hidden = hidden_dependences(experiment)
    if hidden is None:
        yield Finding("unjudged", experiment.output, "f raises, or takes another path, however little its inputs move: "
                      "what it does besides its graph was not seen")
    if by_hand or hidden or hidden is None or not all(experiment.nearby):
        yield from judge_moved(experiment, gradients, by_hand, hidden or [])


def judge_moved(experiment: Experiment, gradients: dict[Value, float], by_hand: list[Value],
                hidden: list[str]) -> Iterator[Finding]:
    """Jumps of f, and what its slopes beside them say of its gradients."""
    jumps = [experiment.jumps(i) for i in range(len(experiment.leaves))]
    for leaf, beside in zip(experiment.leaves, jumps):
        if any(y is not None for y in beside):
            yield jump_of(leaf, experiment.output, beside)
    if not by_hand and not hidden:
        return
    runs = [[each.without(beside) for each in experiment.runs(i)] for i, beside in enumerate(jumps)]
    for node in by_hand:
        yield from judge_by_hand(node, experiment, runs)
    for leaf, along in zip(experiment.leaves, runs):
        yield from judge_whole(leaf, gradients.get(leaf, 0.0), experiment, along, hidden)


def jump_of(leaf: Value, output: Value, beside: tuple[float | None, float | None]) -> Finding:
    """The note that f jumps as an input moves."""
    ends = [f"{format_number(y)} just {side}" for y, side in zip(beside, ("below", "above")) if y is not None]
    name, at = name_of(leaf), format_number(leaf.data)
    text = f"it is {format_number(output.data)} at {f'{name} = ' * bool(name)}{at}, but {' and '.join(ends)}"
    return Finding("kink", output, f"f jumps here: {text}")


def hidden_dependences(experiment: Experiment) -> list[str] | None:
    """What changes with the inputs and is no function of them in the graph; None if f cannot be run beside them."""
    found: dict[str, None] = {}
    for nodes in filter(None, experiment.nearby):
        for node, (data, constants) in zip(experiment.order, nodes):
            if not node.parents and node not in experiment.leaves and not same(node.data, data):
                child = next((child for child in experiment.order if node in child.parents), node)
                found[f"{format_number(node.data)} in {describe(child)}"] = None
            found |= {f"{name} of {describe(node)}": None for name, x in constants.items()
                      if not same(x, node.constants[name])}
    return list(found) if any(experiment.nearby) else None


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
