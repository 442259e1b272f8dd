"""Where an inf or a nan was born: the first node of a graph that is one without having been given one."""

import math
from typing import NamedTuple

from ..engine.messages import formula_of, name_of
from ..engine.number import format_number
from ..engine.value import Value, topological_order


class FirstNonfinite(NamedTuple):
    """The node an inf or nan comes from; it prints as a sentence."""

    node: Value

    def __repr__(self) -> str:
        node, came = self.node, "born" if self.node.parents else "given"
        what = formula_of(node) if node.parents else name_of(node) or "a number"
        where = f"at {node.origin}" if node.origin else "in the graph"
        return f"first {format_number(node.data)} {came} {where}: {what}"


def first_nonfinite(output: Value) -> FirstNonfinite | None:
    """The first node that is inf or nan though none of its parents is, or None if all of them are finite.

    Inside `with trace_origin():` nodes also know the line they were made at, and this says it.

    >>> import tinygrad_edu as tg
    >>> x = tg.Value(1.0, label="x")
    >>> with tg.errstate(all="ignore"):
    ...     loss = tg.log(x - 1) * 2 + x
    >>> first_nonfinite(loss)
    first -inf born in the graph: log(0)
    """
    for node in topological_order(output):
        if not math.isfinite(node.data):                # parents come first, and were finite
            return FirstNonfinite(node)
    return None
