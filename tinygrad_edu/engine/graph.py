"""The graph behind a result: the order of its nodes, and the walk back along its edges.

A graph is nothing but nodes that hold their parents.  Whoever looks at all of them, as `backward` does, begins
with `topological_order`.  Nothing here makes a node.
"""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from .arrays import is_value
from .errors import GradientError
from .formula import Formula
from .messages import describe
from .number import format_number, short_repr

Node = Any                      # a Value of either engine

REFUSED, TO = "the gradient{where} is {number}: {culprit}; nothing was changed", " to {leaf}"
LOCAL = "the local gradient of {node} is {local}, and {upstream} came from above"
ADDED_UP = "its contributions add up beyond the largest float"


def topological_order(output: Node) -> list[Node]:
    """Every node `output` was made from, parents before children, `output` last.

    It is the order of the recursive depth-first search of the textbooks (a node comes after all
    its parents), found with a loop, since graphs are deeper than Python's stack.

    >>> from tinygrad_edu import Value
    >>> x = Value(3.0, label="x")
    >>> [node.op or node.label for node in topological_order((x + 1) * x)]
    ['x', '', 'add', 'mul']
    """
    refuse_non_value(output)
    order: list[Node] = []
    seen: set[Node] = set()
    opened: list[Node] = []
    stack: list[Node | None] = [output]
    while stack:
        node = stack.pop()
        if node is None:                            # all parents of the last opened node are done
            order.append(opened.pop())
        elif node not in seen:
            seen.add(node)
            if node._parents:
                opened.append(node)
                stack.append(None)
                stack += node._parents[::-1]
            else:
                order.append(node)
    return order


def refuse_non_value(thing: Any) -> None:
    if not is_value(thing):
        raise TypeError(f"a Value is needed, not {type(thing).__name__}: got {short_repr(thing)}")


# ---- the chain rule ---------------------------------------------------------------------------------


def walked_back(order: list[Node], seed: float) -> tuple[dict[Node, float], list[Node]]:
    """What arrives at each node when `seed` starts at the last one, and the nodes that nothing arrives at.

    This is the chain rule on floats, which `backward` runs; `contributions` tells it step by step.
    """
    arrived = {order[-1]: seed}
    so_far = arrived.get
    unreached = []
    for node in reversed(order):
        upstream, parents = so_far(node), node._parents
        if upstream is None:                    # only edges not taken lead here
            if parents:
                unreached.append(node)
        elif node._extra is not None and "is_constant" in node._extra:
            del arrived[node]                   # a constant keeps no gradient, and passes none on
        elif len(parents) == 2:                 # the usual case, without a loop
            (x, y), (dx, dy) = parents, node._local_grads
            if dy or not node._operation.selects:
                arrived[y] = so_far(y, 0.0) + upstream * dy
            if dx or not node._operation.selects:
                arrived[x] = so_far(x, 0.0) + upstream * dx
        else:
            local_grads, i = node._local_grads, len(parents)
            while i:                            # the last parent first
                i -= 1
                if local_grads[i] or not node._operation.selects:
                    arrived[parents[i]] = so_far(parents[i], 0.0) + upstream * local_grads[i]
    return arrived, unreached


class Contribution(NamedTuple):
    """What one edge adds to the gradient of a parent: `upstream` times `local_grad`.

    node         the node whose gradient is passed on
    i, parent    which of its parents receives
    upstream     what has arrived at the node
    local_grad   d(node)/d(parent)
    before       what had arrived at the parent before, or None if nothing had
    after        what has arrived at it now
    taken        is it walked?  Not if a selecting op did not choose this parent
    """

    node: Node
    i: int
    parent: Node
    upstream: Any
    local_grad: Any
    before: Any
    after: Any
    taken: bool


def times(x: Any, y: Any) -> Any:
    """x * y; the 1 of a rule or of the seed leaves no node behind where the numbers are Values."""
    return y if type(x) is int and x == 1 else x if type(y) is int and y == 1 else x * y


def contributions(order: list[Node], local: dict, seed: Any = 1, product: Any = times) -> Iterator[Contribution]:
    """The chain rule, one edge at a time, in the order in which `backward` walks them.

    order     a `topological_order`; the walk starts at its last node
    local     {node: its local gradients}, numbers of any kind, those of `seed` and `product` too

    >>> from tinygrad_edu import Value
    >>> x, y = Value(3.0, label="x"), Value(4.0, label="y")
    >>> f = x * y + x
    >>> for c in contributions(topological_order(f), {node: node.local_grads for node in topological_order(f)}):
    ...     print(c.node.op, "to", c.parent.label or c.parent.op, c.before, "then", c.after)
    add to x None then 1.0
    add to mul None then 1.0
    mul to y None then 3.0
    mul to x 1.0 then 5.0
    """
    arrived = {order[-1]: seed}
    for node in reversed(order):
        if node.is_constant or node not in arrived or node not in local:
            continue
        upstream, parents, local_grads, selects = arrived[node], node.parents, local[node], node._operation.selects
        for i in reversed(range(len(parents))):
            parent, local_grad = parents[i], local_grads[i]
            if parent.is_constant:
                continue
            before = after = arrived.get(parent)
            taken = not selects or not is_cut(node, local_grad)
            if taken:
                part = product(upstream, local_grad)
                after = arrived[parent] = part if before is None else before + part
            yield Contribution(node, i, parent, upstream, local_grad, before, after, taken)


def is_cut(node: Node, local_grad: Any) -> bool:
    """Is this an edge that a selecting op did not choose?  A local gradient not yet known cuts nothing."""
    if not node._operation.selects or isinstance(local_grad, Formula) or is_value(local_grad):
        return False
    return local_grad == 0


# ---- leaves -----------------------------------------------------------------------------------------


def leaves_in(order: list[Node]) -> list[Node]:
    """The nodes without parents that want a gradient."""
    return [node for node in order if not node._parents and not node.is_constant]


def check_leaves(order: list[Node], arrived: dict[Node, float]) -> None:
    """Raise if a gradient that is not finite has arrived at a leaf, naming the node it comes from."""
    for leaf in leaves_in(order):
        if not math.isfinite(arrived.get(leaf, 0.0)):
            where = TO.format(leaf=repr(leaf.label)) if leaf.label else ""
            raise GradientError(REFUSED.format(where=where, number=format_number(arrived[leaf]),
                                               culprit=culprit(leaf, order, arrived)))


def culprit(leaf: Node, order: list[Node], arrived: dict[Node, float]) -> str:
    """The first node on the way to `leaf` whose local gradient made what arrived infinite or nan."""
    tainted = {leaf}
    for node in order:
        upstream = arrived.get(node)
        for parent, local_grad in zip(node._parents, node._local_grads):
            if upstream is None or parent not in tainted or math.isfinite(upstream * local_grad):
                continue
            if math.isfinite(upstream):
                return LOCAL.format(node=describe(node), local=format_number(float(local_grad)),
                                    upstream=format_number(upstream))
            tainted.add(node)
    return ADDED_UP
