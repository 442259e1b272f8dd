"""How much each example counts, and how a loss makes one number of those of the examples.

The loss of a batch is Σ wᵢlᵢ / Σ wᵢ where the loss is a mean, and Σ wᵢlᵢ where it is a sum.  The lᵢ are
read off the graph of the loss, which must be `tg.mean` or `tg.sum` of them, over a number or not.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..calculus.transforms import flat, refilled
from ..engine import ops
from ..engine.number import short_repr
from ..engine.op import OPS
from ..engine.value import Value
from ..fast.tape import CONSTANT, Tape, recorded
from ..fast.trace import TraceError
from ..nn.checks import NOT_NEGATIVE, checked_number, listed
from .examples import answers, check_loss

REMEDY = ("it must be tg.mean or tg.sum of one loss or more for each example.  Weights of classes can be put into "
          "sample_weight, and 0 for an example to be ignored")


# ---- how a loss makes one number of many ------------------------------------------------------------------


class Reduction(NamedTuple):
    """What a loss does with the losses of the examples.

    terms     how many numbers there are of each example
    op        ops.mean or ops.sum of all of them
    divisor   what that is divided by in the end, as in `half_squared_error`; None for nothing
    """

    terms: int
    op: Callable
    divisor: float | None

    def of_total(self, total: Any, count: Any) -> Any:
        """The loss, made of the sum of so many numbers; with weights, of their weighted sum and the sum of weights."""
        whole = ops.div(total, count) if self.op is ops.mean else total
        return whole if self.divisor is None else ops.div(whole, self.divisor)

    def slope(self, count: float) -> float:
        """The derivative of the loss by that sum, as the engine has it."""
        total = Value(0.0)
        whole = self.of_total(total, count)
        whole.backward()
        return total.grad


def read_off(whole: Any, examples: Sequence[list[Value]]) -> Reduction:
    """How this loss of a batch of equal examples was made; a TraceError where they are not all treated alike.

    examples   the Values of each that the loss was made from
    """
    if not isinstance(whole, Value):
        raise TraceError(f"the loss of a batch is not one Value: {short_repr(whole)}")
    inner = undivided(whole)
    if inner.op not in ("mean", "sum") or len(inner.parents) % len(examples):
        raise TraceError(f"the loss of a batch is not tg.mean or tg.sum of the losses of its examples: {whole!r}")
    count = len(inner.parents) // len(examples)
    first, *others = (recorded(list(inner.parents[i * count:][:count]), given)[0] for i, given in enumerate(examples))
    if not all(is_same(first, other) for other in others):
        raise TraceError("the loss does not treat all examples of a batch alike")
    return Reduction(count, OPS[inner.op], divisor_of(whole))


def undivided(whole: Value) -> Value:
    """What a plain number divides in the end; without such a number the whole."""
    divides = whole.op == "div" and whole.parents[1].is_constant and not whole.parents[1].parents
    return whole.parents[0] if divides else whole


def divisor_of(whole: Value) -> float | None:
    """That plain number, if there is one."""
    return None if undivided(whole) is whole else whole.parents[1].data


def is_same(a: Tape, b: Tape) -> bool:
    """Do two tapes say the same, with the same parameters and constants?"""
    return (a.kind, a.ops, a.parents, a.constants, a.inputs, a.outputs, constants_in(a)) == (
        b.kind, b.ops, b.parents, b.constants, b.inputs, b.outputs, constants_in(b)) and (
        [*map(id, a.values)] == [*map(id, b.values)])


def constants_in(tape: Tape) -> list[str]:
    return [x.hex() for x, kind in zip(tape.numbers, tape.kind) if kind == CONSTANT]


# ---- weights ----------------------------------------------------------------------------------------------


def checked_weights(weights: Any, examples: int) -> list[float] | None:
    """One weight for each example, at least 0 and finite, and not all of them 0; None stays None.

    >>> checked_weights([1, -2], 2)
    Traceback (most recent call last):
    ValueError: sample_weight[1] must be at least 0 and finite, got -2
    """
    if weights is None:
        return None
    given = listed("sample_weight", weights)
    found = [checked_number(f"sample_weight[{i}]", weight, NOT_NEGATIVE) for i, weight in enumerate(given)]
    if len(found) != examples:
        raise ValueError(f"{examples} training examples, {len(found)} weights: give one sample_weight for each example")
    if not any(found):
        raise ValueError("every sample_weight is 0: there is nothing to learn from")
    if not math.isfinite(max(found) * examples):
        largest = max(found)
        raise ValueError(f"sample_weight[{found.index(largest)}] is {largest}: the sum of all would not be finite")
    return found


class Weighted:
    """A loss of batches in which each example has its weight.

    loss      of (predictions, targets)
    weights   of all examples

    Raises ValueError for a loss that is no mean or sum of the losses of examples: nobody could weigh them then.
    """

    def __init__(self, model: Any, loss: Callable, inputs: Sequence[Any], targets: Sequence[Any],
                 weights: Sequence[float]):
        self.loss, self.weights = loss, weights
        first = next(i for i, weight in enumerate(weights) if weight)
        answer = answers(model, inputs[first:first + 1])[0]
        try:
            two, three = (reduction_of_equals(loss, answer, targets[first], count) for count in (2, 3))
        except TraceError as error:
            raise ValueError(f"sample_weight: {error}; {REMEDY}") from None
        if two != three:
            raise ValueError(f"sample_weight: the loss divides by a number that depends on the batch; {REMEDY}")
        self.reduction = two

    def __call__(self, predictions: Sequence[Any], targets: Sequence[Any], batch: Sequence[int]) -> Any:
        """The loss of these predictions: Σ wᵢlᵢ / Σ wᵢ, or Σ wᵢlᵢ for a sum."""
        terms = self.terms_of(predictions, targets)
        weights = [self.weights[i] for i in batch for _ in range(self.reduction.terms)]
        return self.reduction.of_total(ops.dot(weights, terms), ops.sum(weights))

    def terms_of(self, predictions: Sequence[Any], targets: Sequence[Any]) -> list[Value]:
        """The losses of the examples.  One alone is given twice: of a batch of one, a loss is neither sum nor mean."""
        times, count = 1 + (len(targets) == 1), self.reduction.terms * len(targets)
        whole = self.loss([*predictions] * times, [*targets] * times)
        check_loss(whole)
        inner = undivided(whole)
        if (len(inner.parents), OPS.get(inner.op), divisor_of(whole)) != (times * count, *self.reduction[1:]):
            raise ValueError(f"sample_weight: the loss made something else of this batch, {short_repr(whole)}, than of "
                             f"its first example; {REMEDY}")
        return list(inner.parents[:count])


def reduction_of_equals(loss: Callable, answer: Any, target: Any, count: int) -> Reduction:
    """What a loss does with so many times the same example, by the engine."""
    predictions = [refilled(answer, map(Value, flat(answer))) for _ in range(count)]
    return read_off(loss(predictions, [target] * count), [flat(prediction) for prediction in predictions])
