"""What large weights cost: terms to add to a loss so that the weights stay small.

`fit(penalty=...)` gives them the weights without the biases.  These are usually left out, since they do not
make a function rougher.  Whoever wants them counted too writes
`penalty=lambda weights: L2(0.01)(model.parameters())`.  Called by hand, a penalty counts what it is given.
"""

from collections.abc import Iterable
from typing import Any

from ..engine import ops
from ..engine.arrays import as_lists
from ..engine.number import short_repr
from .checks import NOT_NEGATIVE, checked_number
from .targets import numbers_in


class Penalty:
    """A cost of the weights; a subclass is one method, `cost`.

    strength   λ, at least 0

    Raises TypeError or ValueError for a strength out of range, and for weights that are no list or
    an empty one.
    """

    def __init__(self, strength: float):
        self.strength = checked_number("strength", strength, NOT_NEGATIVE)

    def __call__(self, weights: Iterable[Any]) -> Any:
        """The penalty on these weights, in a list or in arrays, as one Value."""
        if isinstance(weights, str | dict) or not isinstance(weights, Iterable):
            raise TypeError(f"a list of weights is needed, not {type(weights).__name__}: got {short_repr(weights)}; "
                            "write model.parameters(biases=False), or [w]")
        weights = numbers_in(as_lists(list(weights)))
        if not weights:
            raise ValueError("no weights: the list is empty, or a generator that was used up before")
        return self.cost(weights)

    def cost(self, weights: list[Any]) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must say its cost: def cost(self, weights)")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.strength!r})"


class L1(Penalty):
    """λ Σ |w|: every weight is pushed towards 0 by the same λ, however small it is.

    The minimum has weights that are exactly 0 (Tibshirani, 1996).  Steps along the gradient do not land
    there: they hop from one side of 0 to the other.  At 0 itself the gradient is 0.

    >>> from tinygrad_edu import Value
    >>> weights = [Value(1.0), Value(-2.0)]
    >>> penalty = L1(0.5)(weights)
    >>> penalty.backward()
    >>> penalty.data, [w.grad for w in weights]
    (1.5, [0.5, -0.5])
    """

    def cost(self, weights: list[Any]) -> Any:
        return ops.mul(self.strength, ops.sum([ops.abs(w) for w in weights]))


class L2(Penalty):
    """½ λ Σ w²: every weight is pushed towards 0 by λw, in proportion.

    The ½ is the lecture's; it makes the gradient λw, that of `weight_decay=λ` in an optimizer.  Others
    leave it out and have twice the gradient.  Weights shrink, but none becomes exactly 0.
    Hoerl and Kennard, 1970.

    >>> from tinygrad_edu import Value
    >>> weights = [Value(1.0), Value(-2.0)]
    >>> penalty = L2(0.5)(weights)
    >>> penalty.backward()
    >>> penalty.data, [w.grad for w in weights]
    (1.25, [0.5, -1.0])
    """

    def cost(self, weights: list[Any]) -> Any:
        return ops.mul(self.strength / 2, ops.dot(weights, weights))
