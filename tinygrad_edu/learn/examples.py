"""What a model learns from, in one form, and whether its answers are right.

Inputs and targets come as lists or arrays, targets also as labels, columns or one-hot rows.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from ..engine import ops
from ..engine.arrays import as_lists, is_array, is_value
from ..engine.errors import no_grad
from ..engine.number import is_bool, short_repr
from ..engine.value import Value
from ..nn import losses
from ..nn.checks import listed
from ..nn.modules import Module, as_floats, is_row

NO_CLASSES = (losses.mse, losses.sum_squared_error, losses.half_squared_error, losses.mae, losses.huber,
              losses.smooth_l1)
BY_CLASS = (losses.cross_entropy, losses.nll, losses.brier)     # their targets are classes, as an int or as a row


# ---- examples ------------------------------------------------------------------------------------------


def checked_examples(model: Module, inputs: Any, targets: Any, classes: Any = None,
                     what: str = "training") -> tuple[list, list]:
    """Inputs and targets as lists: one target for each input, and one example at least.

    Labels become the indices of their classes, and a column of targets the numbers in it.
    """
    inputs, targets = listed(f"{what} inputs", inputs), as_lists(listed(f"{what} targets", targets))
    if len(inputs) != len(targets):
        raise ValueError(f"{len(inputs)} inputs, {len(targets)} targets: give one target for each {what} example")
    if not inputs:
        raise ValueError(f"there are no {what} examples")
    if all(isinstance(target, list) and len(target) == 1 for target in targets) and (
            not is_column(answers(model, inputs[:1])[0])):
        targets = [target for [target] in targets]
    return inputs, indices_of(targets, classes, what)


def is_column(output: Any) -> bool:
    return isinstance(output, list) and len(output) == 1


def checked_validation(model: Module, validation: Any, classes: Any = None) -> tuple[list, list] | None:
    """Validation examples as (inputs, targets), from such a pair or from data that have both."""
    if validation is None:
        return None
    parts = (validation.inputs, validation.targets) if hasattr(validation, "targets") else validation
    if not isinstance(parts, tuple | list) or len(parts) != 2:
        raise TypeError(f"validation is (inputs, targets), or data with both: got {short_repr(validation)}")
    inputs, targets = parts
    return checked_examples(model, inputs, targets, classes, "validation")


def checked_classes(classes: Any) -> list[Any] | None:
    """The labels there are, each once, or None."""
    if classes is None:
        return None
    names = as_lists(listed("classes", classes))
    if any(names.count(name) > 1 for name in names):
        raise ValueError(f"each class is named once: got {short_repr(names)}")
    return names


def indices_of(targets: list[Any], classes: list[Any] | None, what: str) -> list[Any]:
    """The index of each label among the classes; where no classes are named, the targets as they are."""
    if classes is None:
        check_no_labels(targets, what)
        return targets
    for i, label in enumerate(targets):
        if label not in classes:
            raise ValueError(f"the target of {what} example {i} is {short_repr(label)}, none of the classes "
                             f"{short_repr(classes)}; leave classes= out where targets are indices or rows already")
    return [classes.index(label) for label in targets]


def check_no_labels(targets: list[Any], what: str) -> None:
    """Refuse texts, True and False as targets: which of them is class 0 is for the caller to say."""
    texts = sorted({str(label) if isinstance(label, str) else label for label in targets
                    if isinstance(label, str | bytes)}, key=repr)
    if texts:
        raise TypeError(f"{what} targets are texts: name their classes, as in "
                        f"fit(model, inputs, targets, classes={short_repr(texts)})")
    if any(map(is_bool, targets)):
        raise TypeError(f"{what} targets are True and False: name the classes, as in "
                        "fit(model, inputs, targets, classes=[False, True])")


# ---- models and losses that do not fit them ------------------------------------------------------------


def rule_of(loss: Callable) -> Callable:
    """The loss itself, where options are fixed beforehand: what is true of it is true with options."""
    return rule_of(loss.func) if isinstance(loss, partial) else loss


def name_of(loss: Callable) -> str:
    """What a loss is called in a checkpoint, with the options that are fixed beforehand; "" for none.

    >>> name_of(partial(losses.cross_entropy, label_smoothing=0.1))
    'cross_entropy(label_smoothing=0.1)'
    """
    name = getattr(rule_of(loss), "__name__", "")
    options = ", ".join(f"{option}={value!r}" for option, value in getattr(loss, "keywords", {}).items())
    return f"{name}({options})" if options else name


def check_form(model: Module, loss: Callable, row: Any, classes: list[Any] | None = None) -> None:
    """Refuse a model that has not one output per class for a loss that wants them."""
    if rule_of(loss) not in BY_CLASS:
        return
    output = answers(model, [row])[0]
    if not isinstance(output, list):
        raise ValueError("the model has one output, but the targets are classes: give it one output per class, "
                         'or say loss="bce_with_logits" (classes 0 and 1) or loss="mse"')
    if classes is not None and len(output) != len(classes):
        raise ValueError(f"the model has {len(output)} outputs for the classes {short_repr(classes)}: "
                         "give it one output per class")


def check_number(loss: Callable, prediction: Any, target: Any) -> None:
    """Refuse a model with a list of outputs where a target is a number and no class."""
    if rule_of(loss) in NO_CLASSES and is_row(prediction) and not is_row(target):
        remedy = "write the targets as rows, [[t] for t in targets]" if len(prediction) == 1 else (
            "give it one output; or, if targets are classes, make them whole numbers, as int(t) and y.astype(int) do")
        raise ValueError(f"the model has a list of {len(prediction)} as output, but a target is one number, "
                         f"{short_repr(target)}: {remedy}")


def check_loss(*losses: Any) -> None:
    """Refuse a loss of a batch from which nobody can go backward."""
    for loss in losses:
        if not isinstance(loss, Value):
            raise TypeError(f"the loss of a batch, with its penalty, must be one Value made from the predictions, "
                            f"not {type(loss).__name__}: got {short_repr(loss)}")


# ---- what comes out -------------------------------------------------------------------------------------


def answers(model: Module, rows: Iterable[Any]) -> list[Any]:
    """What `model.predict` says of each row; faster than row by row, since dropout is switched off only once."""
    with no_grad(), model.evaluating():
        return [as_floats(model.forward(row)) for row in rows]


def is_class(target: Any) -> bool:
    """Is it a whole number of Python or of numpy?"""
    return hasattr(target, "__index__") and not isinstance(target, bool | Value) and not is_array(target)


def is_one_hot(target: Any) -> bool:
    """Is it a row with a single 1 among 0s?"""
    return isinstance(target, list) and not any(map(is_value, target)) and (
        (target.count(1), target.count(0)) == (1, len(target) - 1))


def classes_of(targets: Sequence[Any], loss: Callable) -> list[int | None]:
    """The class of each target, an index or the place of the 1 in a row; nothing where these are no classes.

    None stands for a target that the loss ignores.
    """
    rule, ignored = rule_of(loss), getattr(loss, "keywords", {}).get("ignore_index")
    if rule not in NO_CLASSES and all(map(is_class, targets)):
        return [None if target == ignored else max(0, target) for target in targets]    # -1, for hinge, is the first
    if rule in BY_CLASS and all(map(is_one_hot, targets)):
        return [target.index(1) for target in targets]
    return []


def class_of(prediction: Any, threshold: float = 0.0) -> int:
    """The class a prediction stands for: that of the largest number, or 1 for a single one above the threshold."""
    if isinstance(prediction, list):
        return prediction.index(max(prediction)) if len(prediction) > 1 else int(prediction[0] > threshold)
    return int(prediction > threshold)


def hits(predictions: Sequence[Any], targets: Sequence[Any], loss: Callable) -> list[bool | None]:
    """Whether each prediction is of the right class; an empty list where targets or loss are not of classes."""
    return hits_of_classes(predictions, classes_of(targets, loss), loss)


def hits_of_classes(predictions: Sequence[Any], classes: Sequence[int | None], loss: Callable
                    ) -> list[bool | None]:
    """Whether each prediction is of its class; None for one that does not count."""
    threshold = threshold_of(loss)
    return [None if true is None else class_of(prediction, threshold) == true
            for prediction, true in zip(predictions, classes)]


def threshold_of(loss: Callable) -> float:
    """Above it a single output means class 1: ½ for a probability or a number fitted to 0 and 1, 0 for a logit."""
    return 0.5 if rule_of(loss) in (losses.bce, *NO_CLASSES) else 0.0


def accuracy_of(right: list[bool | None], weights: Sequence[float] | None = None) -> float | None:
    """The share of right answers, or of their weight, of those that count; None where there are no classes."""
    known = [(hit, 1 if weights is None else weights[i]) for i, hit in enumerate(right) if hit is not None]
    if not known:
        return None
    if weights is None:
        return sum(hit for hit, _ in known) / len(known)
    return ops.dot([w for _, w in known], [float(hit) for hit, _ in known]) / ops.sum([w for _, w in known])
