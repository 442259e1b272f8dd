"""How the losses of numbers or examples become one, and how much each of them counts."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from ..engine import ops
from ..engine.arrays import as_lists
from ..engine.number import checked_whole, is_bool, short_repr
from ..engine.value import Value
from ..fast.trace import TraceError, is_traced
from .checks import NOT_NEGATIVE, SHARE, by_name, checked_number, to_list
from .targets import check_shapes, counted, distribution, examples_in, is_row, numbers_in, taken

REDUCTIONS = {"mean": ops.mean, "sum": ops.sum, "none": list}


def reduce(losses: list[Any], reduction: str) -> Any:
    """The mean or the sum of the losses, or the list of them; a single loss is its own mean and sum."""
    reduced = by_name("reduction", reduction, REDUCTIONS)
    return losses[0] if len(losses) == 1 and reduced is not list else reduced(losses)


# ---- of numbers --------------------------------------------------------------------------------------------


def elementwise(loss: Callable, predictions: Any, targets: Any, reduction: str, *options: list[Any],
                weight: Any = None) -> Any:
    """The loss of each number, reduced over all of them; the options are lists of one for each number."""
    predictions, targets = taken("predictions", predictions), taken("targets", targets)
    check_shapes(predictions, targets)
    losses = [*map(loss, numbers_in(predictions), numbers_in(targets), *options)]
    if weight is not None:
        losses = [ops.mul(w, one) for w, one in zip(spread("weight", weight, predictions), losses)]
    return reduce(losses, reduction)


def spread(name: str, weight: Any, like: Any) -> list[float | None]:
    """The weight of each number in `like`, given for all, for each column, or for each number; None for none."""
    weight = as_lists(weight)
    if not is_row(like):
        return [None if weight is None else checked_number(name, weight, NOT_NEGATIVE)]
    if not is_row(weight) or depth(weight) < depth(like):
        return [w for part in like for w in spread(name, weight, part)]
    if len(weight) != len(like):
        raise ValueError(f"{name} has {counted(len(weight), 'number')} for {len(like)}: give one number for all, one "
                         "for each column of a list of rows, or one for each number")
    return [w for one, part in zip(weight, like) for w in spread(name, one, part)]


def depth(x: Any) -> int:
    """0 for a number, 1 for a list of numbers, 2 for a list of lists."""
    return 1 + depth(x[0]) if is_row(x) and x else 0


# ---- of examples ------------------------------------------------------------------------------------------


def per_example(loss: Callable, predictions: Any, targets: Any, reduction: str) -> Any:
    """The loss of each example (a row), reduced over the batch."""
    rows, targets, is_single = examples_in(predictions, targets)
    by_name("reduction", reduction, REDUCTIONS)
    losses = [loss(p, t) for p, t in zip(rows, targets)]
    return losses[0] if is_single else reduce(losses, reduction)


class Counting:
    """How much examples and classes count in the losses of classes: the options, checked.

    weight      of each class, or None
    ignored     the target that does not count, or None
    smoothing   the share of each target that is spread over all classes
    """

    def __init__(self, weight: Any = None, ignored: Any = None, smoothing: Any = 0.0):
        self.weight = None if weight is None else weights_of_classes(weight)
        self.ignored = None if ignored is None else checked_whole("ignore_index", ignored, least=-math.inf)
        self.smoothing = checked_number("label_smoothing", smoothing, SHARE)

    def ignores(self, target: Any) -> bool:
        """Does an example with this target not count?"""
        if self.ignored is None:
            return False
        if any(map(is_traced, numbers_in(target))):
            raise TraceError("ignore_index looks for an index, and a program has only numbers: leave the examples out "
                             "that it ignores")
        if is_row(target):
            raise ValueError(f"ignore_index={self.ignored} is for targets that are indices of classes, got "
                             f"{short_repr(target)}: leave ignore_index out, and the examples too")
        return is_index(target) and target == self.ignored

    def shares(self, target: Any, classes: int) -> list[Any]:
        """How much -log p of each class counts: w_c ((1 - ε) t_c + ε/C)."""
        shares = distribution(target, classes)
        if self.smoothing:
            shares = [ops.add(ops.mul(1 - self.smoothing, t), self.smoothing / classes) for t in shares]
        if self.weight is None:
            return shares
        if len(self.weight) != classes:
            raise ValueError(f"weight has {counted(len(self.weight), 'number')}, but there are {classes} classes: "
                             "give one for each")
        return [ops.mul(w, t) for w, t in zip(self.weight, shares)]

    def mean(self, losses: list[Any], targets: list[Any]) -> Any:
        """Of the losses that count: by the sum of the weights of their classes, or by their number."""
        if not losses:
            raise ValueError(f"every target is ignored, {self.ignored}: the mean of nothing is no number "
                             "(PyTorch: nan)")
        if self.weight is None or all(map(is_row_or_traced, targets)):
            return reduce(losses, "mean")
        if any(map(is_row_or_traced, targets)):
            raise ValueError("a weighted mean divides by the weights of classes, or by the number of rows: "
                             "give all targets as indices of classes, or all as rows")
        total = ops.sum([self.weight[t] for t in targets])
        if total == 0:
            raise ValueError("the classes of all targets have the weight 0: the mean of nothing is no number "
                             "(PyTorch: nan)")
        return ops.div(reduce(losses, "sum"), total)


def by_class(loss: Callable, predictions: Any, targets: Any, reduction: str, counting: Counting) -> Any:
    """The loss of each example (a row), by how much each class counts, reduced over those that count."""
    rows, targets, is_single = examples_in(predictions, targets)
    how = by_name("reduction", reduction, REDUCTIONS)
    places = [i for i, t in enumerate(targets) if not counting.ignores(t)]
    losses = {i: loss(rows[i], counting.shares(targets[i], len(rows[i]))) for i in places}
    if how is ops.mean:
        return counting.mean([*losses.values()], [targets[i] for i in places])
    if len(places) < len(rows) and (how is list or not losses):
        losses = {i: losses[i] if i in losses else nothing_of(rows[i]) for i in range(len(rows))}
    return losses[0] if is_single else reduce([*losses.values()], reduction)


def weights_of_classes(weight: Any) -> list[float]:
    """One number for each class, at least 0."""
    numbers = as_lists(weight)
    if not is_row(numbers):
        raise TypeError(f"weight must be a list, one number for each class, got {short_repr(weight)}{to_list(weight)}")
    return [checked_number(f"weight[{i}]", w, NOT_NEGATIVE) for i, w in enumerate(numbers)]


def is_index(target: Any) -> bool:
    """Is it a whole number, as indices of classes are?"""
    return hasattr(target, "__index__") and not (is_bool(target) or isinstance(target, Value))


def is_row_or_traced(target: Any) -> bool:
    """Is it a row, or in a program, which knows no indices?"""
    return is_row(target) or is_traced(target)


def nothing_of(row: Sequence[Any]) -> Any:
    """A loss of 0, from which no gradient reaches the row, whatever stands in it."""
    return ops.where(0.0, row[0], 0.0)
