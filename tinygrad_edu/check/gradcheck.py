"""Is a gradient right?  Every step of the chain rule, judged against what the numbers do.

`gradcheck(f, inputs)` runs f and asks three questions.  Are the local gradients of every node the
slopes of its value?  Did `backward` put them together as the chain rule says?  Does f depend on its
inputs in a way that its graph does not show?  A whole gradient that is right may hide two wrongs;
and where it is wrong, the node to blame has a name and a line.  With order=2 it asks the same of
the gradient, whose graph is what second derivatives are taken from.
"""

import math
from collections.abc import Callable
from typing import Any

from ..engine.number import checked_whole
from .chain import judge_backward
from .edges import count_left_out, judge_node, same, without_piecewise_constant_jumps
from .measure import Experiment
from .report import Finding as Finding  # where pickles of version 0.1 look for it
from .report import GradientCheck
from .runs import judge_runs
from .second import judge_second


def gradcheck(f: Callable, inputs: Any, order: int = 1) -> GradientCheck:
    """Check the gradients of f at these inputs; the result is true only if they are right.

    f        called as f(*inputs), returns one Value; run several times, always on the same path
    inputs   numbers, leaves, or lists, dicts, arrays and dataclasses of them.  Leaves are passed on as they are, so
             that parameters f knows anyway can be checked: gradcheck(lambda *_: loss(model), model.parameters())
    order    2 checks the second derivatives too; a row of n numbers has n² of them

    what is judged                        by                                                        to
    local gradients of an operation       its rule, run in 90 or more digits at moved inputs        10⁻⁹ of the slope
    local gradients of a node by hand     f, run again at moved inputs                              a millionth
    gradients that `backward` gives       the chain rule in 60 digits                               its roundings
    dependences outside the graph         f, run again at moved inputs                              a millionth
    with order=2:
    slopes of an operation's slopes       its rule, run in 90 or more digits at moved inputs        10⁻⁹ of them
    second derivatives by the inputs      the chain rule in 60 digits                               10⁻⁹ of its terms

    The rule is the textbook's; where floats are computed by an accurate form, that must agree with it, and so must
    the graph form, which is differentiated again.
    Floats may lose digits of a right rule and are then "rounded": a millionth of the slope or of node over
    parent, what the rounding of the parents changes, and anything in the sums of a row.  At a kink or a
    jump what is stored must lie between the slopes of both sides; where f jumps besides, as x * floor(x.data) does,
    what is stored must be the slope of the side that f belongs to.  Where |x|, hypot or norm is 0, second derivatives
    of what is made of its square are not judged.  "Unjudged" is what cannot be measured:
    a node that is, or is made from, inf or nan; a node made by hand where f is too rough for floats, and its second
    derivatives.  For a node made by hand, a slope below some 1e-10 of what it does nearby counts as 0, and the local
    gradients by parents that move only together are judged together.

    Nothing is changed.  Raises TypeError where f returns no Value, ValueError where it gives
    different numbers for the same inputs (seed dropout, or switch it off), where an input is
    no leaf, or for another order, ModuleNotFoundError where mpmath is needed and missing.

    >>> import math
    >>> import tinygrad_edu as tg
    >>> gradcheck(lambda x, y: tg.tanh(x * y) + tg.relu(x), [0.5, -2.0])
    right: 8 gradients judged
    >>> gradcheck(lambda x, y: tg.tanh(x * y), [0.5, -2.0], order=2)
    right: 5 gradients and 9 second derivatives judged
    >>> gradcheck(lambda x: x * math.floor(x.data), 2.0)
    right: 2 gradients judged
      kink: f jumps here: it is 4 at x = 2, but 2 just below
    >>> def cube(x):
    ...     return tg.Value(x.data ** 3, (x,), (2 * x.data ** 2,), op="cube")
    >>> bool(gradcheck(lambda x: cube(x) * 2, [3.0]))
    False
    """
    if checked_whole("order", order) > 2:
        raise ValueError(f"order is 1, or 2 for the second derivatives too: got {order}")
    experiment = Experiment(f, inputs)
    check_repeats(experiment)
    nodes = experiment.order
    findings = [finding for node in nodes if node.parents for finding in judge_node(node)]
    gradients, wrong = judge_backward(nodes)
    findings += [*wrong, *judge_runs(experiment, gradients)]
    edges = sum(not parent.is_constant for node in nodes if not node.is_constant for parent in node.parents)
    judged = edges + sum(map(math.isfinite, gradients.values())) - count_left_out(findings)
    second = None
    if order == 2:
        more, second = judge_second(experiment, {finding.node for finding in findings if finding.kind == "kink"})
        findings += more
    return GradientCheck(without_piecewise_constant_jumps(findings), max(judged, 0), second=second)


def check_repeats(experiment: Experiment) -> None:
    """Raise ValueError if f, run again as it is, gives other numbers."""
    again = experiment.run_at({})
    if again is None or any(not same(node.data, x) for node, (x, _) in zip(experiment.order, again)):
        raise ValueError("f gives different numbers for the same inputs, so it has no slope: "
                         "seed what is random in it, or switch it off")
