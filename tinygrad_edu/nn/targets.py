"""What losses take: predictions and targets in one form, and checked."""

import math
from collections.abc import Sequence
from typing import Any

from ..engine import ops
from ..engine.arrays import as_lists
from ..engine.number import checked_whole, number, short_repr
from ..engine.value import Value
from ..fast.trace import TraceError, checked_in_each_row, is_plain, is_traced
from .checks import to_list

SUM_TOLERANCE = 1e-6                # of probabilities, per class: what single precision needs


# ---- numbers, Values and what is traced ------------------------------------------------------------------


def check_number(x: Any) -> None:
    """Refuse what is neither a Value nor a number."""
    if not isinstance(x, Value):
        number(x)


def number_of(x: Any) -> float:
    """The number in a Value, or x itself if it is a number."""
    check_number(x)
    return x.data if isinstance(x, Value) else x


def unless_0(weight: Any, x: Any, otherwise: float) -> Any:
    """x; but in a function that is traced, where the weight is not known yet, another number wherever that is 0."""
    return ops.where(ops.equal(weight, 0), otherwise, x) if is_traced(weight) else x


def where_counts(weight: Any, x: Any, otherwise: float) -> Any:
    """x; but in a function that is traced another number wherever a term of this weight does not count."""
    return unless_0(weight, x, otherwise) if is_traced(weight) and is_plain(weight) else x


def counts(weight: Any) -> bool:
    """Does a term of this weight belong to a loss?  Not at 0, unless the weight itself takes gradients."""
    return is_traced(weight) or number_of(weight) != 0 or (isinstance(weight, Value) and not weight.is_constant)


# ---- forms -----------------------------------------------------------------------------------------------


def is_row(x: Any) -> bool:
    return isinstance(x, list | tuple)


def numbers_in(x: Any) -> list[Any]:
    """The numbers of a number, a list, or a list of lists."""
    return [y for e in x for y in numbers_in(e)] if is_row(x) else [x]


def taken(name: str, x: Any) -> Any:
    """x with lists for arrays; what is neither a number nor a list or array is refused by name."""
    x = as_lists(x)
    if not is_row(x):
        try:
            check_number(x)
        except (TypeError, ValueError, OverflowError) as error:
            raise type(error)(f"{name}: {error}{to_list(x)}") from None
    return x


def counted(count: int, word: str) -> str:
    return f"{count} {word}{'s' * (count != 1)}"


def same_length(predictions: Sequence[Any], targets: Sequence[Any]) -> None:
    if len(predictions) != len(targets):
        raise ValueError(f"{counted(len(predictions), 'prediction')}, {counted(len(targets), 'target')}: "
                         "give one target for each")


def form(x: Any) -> str:
    """What x is, in a message about lists and numbers; anything else is refused."""
    if is_row(x):
        return f"a list of {len(x)}"
    check_number(x)
    return "a number"


def check_shapes(a: Any, b: Any, place: str = "") -> None:
    """Refuse predictions and targets that are not nested alike; `place` says where, as in [0][1]."""
    if is_row(a) != is_row(b):
        where = f" at {place}" if place else ""
        raise ValueError(f"{form(a)} against {form(b)}{where}: predictions and targets need the same form")
    if is_row(a):
        if not a:
            raise ValueError("an empty batch has no loss")
        same_length(a, b)
        for i, (x, y) in enumerate(zip(a, b)):
            check_shapes(x, y, f"{place}[{i}]")


def examples_in(predictions: Any, targets: Any) -> tuple[Sequence[Any], Sequence[Any], bool]:
    """The rows of a batch, their targets, and whether it was a single row."""
    predictions, targets = as_lists(predictions), as_lists(targets)
    if not is_row(predictions) or not predictions:
        raise ValueError("an empty batch has no loss" if is_row(predictions) else
                         f"one number per class is needed, got {short_repr(predictions)}{to_list(predictions)}")
    if not any(map(is_row, predictions)):
        if is_row(targets) and any(map(is_row, targets)):
            raise ValueError(f"1 prediction, {counted(len(targets), 'target')}: give a row of numbers for each target")
        return [predictions], [targets], True
    for i, row in enumerate(predictions):
        if not is_row(row) or not row or is_row(row[0]):
            raise ValueError(f"prediction {i} is {'empty' if row == [] else short_repr(row)}: "
                             "one number per class is needed")
    if not is_row(targets):
        raise ValueError(f"{counted(len(predictions), 'prediction')}, but no list of targets: "
                         f"got {short_repr(targets)}{to_list(targets)}; give one target for each")
    same_length(predictions, targets)
    return predictions, targets, False


def distribution(target: Any, classes: int) -> list[Any]:
    """A target as one probability per class."""
    if is_row(target):
        if len(target) != classes or any(map(is_row, target)):
            raise ValueError(f"a target is the index of a class, or a list of {classes}, "
                             f"one probability for each class: got {short_repr(target)}")
        check_probabilities(target, "target")
        return list(target)
    if is_traced(target):
        raise TraceError("a class is an index, and a program has only numbers: give each target as a row of "
                         f"{classes} probabilities, 1.0 for its class and 0.0 for the others")
    try:
        place = checked_whole("a target (the index of a class if no list of probabilities)", target, least=-math.inf)
    except TypeError as error:
        whole = isinstance(target, float) and target.is_integer()
        raise TypeError(f"{error}{f'; write int({target})' if whole else to_list(target)}") from None
    if not 0 <= place < classes:
        raise IndexError(f"target {target}, but {classes} classes (0..{classes - 1})")
    return [float(i == place) for i in range(classes)]


# ---- numbers out of range --------------------------------------------------------------------------------


def check_numbers(row: Sequence[Any]) -> None:
    """Refuse what is no number, also where a loss would not look at it."""
    for x in row:
        check_number(x)


def are_shares(xs: Sequence[Any]) -> Any:
    return ops.min([ops.equal(x, ops.clip(x, 0.0, 1.0)) for x in xs])


def are_probabilities(ps: Sequence[Any]) -> Any:
    off = ops.abs(ops.sub(ops.sum(ps), 1))
    return ops.min([ops.greater_equal(ops.min(ps), 0), ops.less_equal(ops.max(ps), 1),
                   ops.less_equal(off, SUM_TOLERANCE * len(ps))])


def check_signs(loss: str, targets: Any) -> None:
    """Refuse targets that are neither -1 nor 1, by their place."""
    for i, t in enumerate(numbers_in(targets)):
        check_sign([t], f"targets of {loss} are -1 or 1, but target {i}")


@checked_in_each_row(lambda ts: ops.equal(ops.abs(ts[0]), 1))
def check_sign(ts: Sequence[Any], what: str) -> None:
    """Refuse the one number of the list if it is neither -1 nor 1."""
    if number_of(ts[0]) not in (-1, 1):
        raise ValueError(f"{what} is {number_of(ts[0])}")


@checked_in_each_row(are_shares)
def check_shares(xs: Sequence[Any], words: str) -> None:
    """Refuse what is not from [0, 1]; the words are the message, with a place for each number."""
    if not all(0 <= number_of(x) <= 1 for x in xs):
        raise ValueError(words.format(*map(number_of, xs)))


@checked_in_each_row(are_probabilities)
def check_probabilities(ps: Sequence[Any], what: str) -> None:
    """Refuse what is not from [0, 1], or does not sum to 1; `what` names them in the message."""
    for i, p in enumerate(ps):
        if not 0 <= number_of(p) <= 1:
            raise ValueError(f"{what}[{i}] is {number_of(p)}, not a probability from [0, 1]")
    total = ops.sum([number_of(p) for p in ps])
    if abs(total - 1) > SUM_TOLERANCE * len(ps):
        raise ValueError(f"{what}: the probabilities sum to {total}, not to 1")
