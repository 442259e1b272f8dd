"""The training loop, and what can be told from how it went.

Each epoch shuffles the examples, and each batch does the lecture's five steps: forget the old
gradients, go forward, take the loss, go backward, let the optimizer move.  Everything random
depends on the seed and the epoch alone, so that a run taken up again gives the same bits.
"""

import copy
import hashlib
import inspect
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from ..engine.errors import DomainError, GradientError, no_grad
from ..engine.number import checked_whole, shortened
from ..engine.value import Value
from ..nn import losses, optim
from ..nn.modules import Dropout, Module, as_floats
from ..nn.penalties import L2
from ..nn.weights import WeightFileError, checksum, write_atomically
from .progress import display_for

GAP = 0.1           # of accuracy between training and validation that we call overfitting
LOW = 0.9           # training accuracy below which we say underfitting


@dataclass
class History:
    """What was measured after each epoch; a list per quantity, empty where it was not measured.

    loss, accuracy                          of the training examples, as they were trained on
    validation_loss, validation_accuracy    of the others, after the epoch
    lr                                      the last learning rate of the epoch
    stopped                                 why training ended: "epochs", "early", "callback", "interrupted"
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    stopped: str = ""

    def __len__(self) -> int:
        return len(self.loss)

    def diagnosis(self) -> str:
        """Over- or underfitting, from the accuracies of the last epoch.

        The lecture: a big gap between training and validation means overfitting, so regularise
        more; no gap, and the model may be too small.  It gives no numbers; ours are a gap above
        0.1, and a training accuracy below 0.9.

        >>> History(loss=[0.1], accuracy=[0.99], validation_accuracy=[0.7]).diagnosis()
        'overfitting: training accuracy 0.99, validation 0.70; increase regularization strength, or get more data'
        """
        if not self.accuracy or not self.validation_accuracy:
            return "no diagnosis: it needs the accuracy on training and on validation examples"
        here, there = self.accuracy[-1], self.validation_accuracy[-1]
        seen = f"training accuracy {here:.2f}, validation {there:.2f}"
        if here - there > GAP:
            return f"overfitting: {seen}; increase regularization strength, or get more data"
        if here < LOW:
            return f"underfitting: {seen}; increase model capacity, or train longer"
        return f"a good fit: {seen}"


def fit(model: Module, inputs: Sequence[Any], targets: Sequence[Any], *, loss: Any = None, optimizer: Any = None,
        lr: float | None = None, epochs: int = 20, batch_size: int = 16, validation: Any = None,
        schedule: Callable[[int], float] | None = None, penalty: Callable | None = None, seed: int = 0,
        callbacks: Iterable[Callable] = (), patience: int | None = None, checkpoint: "str | Path | None" = None,
        progress: bool | None = None) -> History:
    """Train a model on examples; returns the `History`.

    inputs, targets   one row of numbers, and one class (an int) or number, for each example
    loss              a function of (predictions, targets) or its name; by default cross_entropy
                      for classes, and mse for numbers
    optimizer         an `Optimizer` of the model's parameters, or its name ("adam", the default);
    lr                the learning rate of a named one; by default 0.01, or its own where that is larger
    batch_size        examples per step; the last batch of an epoch may be smaller
    validation        (inputs, targets) to be measured after each epoch
    schedule          step number -> learning rate
    penalty           a function of the parameters, added to the loss of each batch
    seed              of the shuffling
    callbacks         called as callback(history, model) after each epoch; True ends the training
    patience          stop early after so many epochs without a better validation loss
    checkpoint        a file to keep the state in; if it exists, training goes on from there, to the
                      same bits as without the break
    progress          show how it goes: in a notebook one figure that keeps changing, elsewhere a bar;
                      by default only in a notebook or a terminal

    Ctrl-C ends the training and returns the history so far.  The model is left in evaluation mode.
    """
    run = Training(model, inputs, targets, loss, optimizer, lr, epochs, batch_size, validation, schedule, penalty,
                   seed, [callbacks] if callable(callbacks) else list(callbacks), patience,
                   Path(checkpoint) if checkpoint else None)
    return run.all_epochs(progress)


NO_CLASSES = (losses.mse, losses.sum_squared_error, losses.half_squared_error, losses.mae, losses.huber)
LOSSES = {name: getattr(losses, name) for name in losses.__all__ if name != "log_softmax"}


class Training:
    """One call of `fit`: its settings, checked, and its state between epochs."""

    def __init__(self, model, inputs, targets, loss, optimizer, lr, epochs, batch_size, validation, schedule, penalty,
                 seed, callbacks, patience, checkpoint):
        self.model, self.inputs, self.targets = model, list(inputs), list(targets)
        check_examples(self.inputs, self.targets)
        self.epochs, self.batch_size = checked_whole("epochs", epochs, least=0), checked_whole("batch_size", batch_size)
        self.patience = None if patience is None else checked_whole("patience", patience)
        self.loss = chosen_loss(loss, self.targets)
        self.threshold = threshold_of(self.loss)
        self.optimizer = chosen_optimizer(optimizer, lr, model)
        check_form(model, self.loss, self.inputs[0])
        self.validation = checked_validation(validation)
        self.schedule, self.penalty, self.seed = schedule, penalty, checked_whole("seed", seed, least=-math.inf)
        self.callbacks, self.checkpoint = callbacks, checkpoint
        self.history, self.steps = History(), 0
        if checkpoint and checkpoint.exists():
            self.resume(checkpoint)

    # ---- the loop

    def all_epochs(self, progress: bool | None) -> History:
        self.model.train()
        with display_for(self, progress) as show:
            try:
                while len(self.history) < self.epochs and not self.history.stopped:
                    self.one_epoch()
                    show(self.history)
                    self.history.stopped = self.reason_to_stop()
                    if self.checkpoint:
                        self.keep(self.checkpoint)
                self.history.stopped = self.history.stopped or "epochs"
            except KeyboardInterrupt:
                self.history.stopped = "interrupted"
            finally:
                self.model.eval()
        return self.history

    def one_epoch(self) -> None:
        order = list(range(len(self.inputs)))
        Random(f"{self.seed}:{len(self.history)}").shuffle(order)
        total, right = 0.0, []
        for start in range(0, len(order), self.batch_size):
            batch = order[start:start + self.batch_size]
            loss, predictions = self.one_step([self.inputs[i] for i in batch], [self.targets[i] for i in batch])
            total += loss * len(batch)
            right += hits(predictions, [self.targets[i] for i in batch], self.loss)
        validation = self.validated()
        for name, value in (("loss", total / len(order)), ("accuracy", share(right)), ("lr", self.optimizer.lr),
                            *validation.items()):
            if value is not None:
                getattr(self.history, name).append(value)

    def one_step(self, inputs: list, targets: list) -> tuple[float, list]:
        """The lecture's five steps; returns floats, so that no graph outlives the step."""
        self.optimizer.zero_grad()
        predictions = [self.model(x) for x in inputs]
        loss = self.loss(predictions, targets)
        whole_loss = loss if self.penalty is None else loss + self.penalty(self.model.parameters())
        whole_loss.backward()
        if self.schedule is not None:
            self.optimizer.lr = self.schedule(self.steps)
        if self.optimizer.steps_taken or any(p.grad for p in self.model.parameters()):
            self.optimizer.step()               # a first batch without any gradient moves nothing
        self.steps += 1
        return loss.data, [numbers_of(p) for p in predictions]

    def validated(self) -> dict[str, float | None]:
        if self.validation is None:
            return {}
        inputs, targets = self.validation
        predictions = answers(self.model, inputs)
        loss = self.loss(predictions, targets)
        return {"validation_loss": getattr(loss, "data", loss),
                "validation_accuracy": share(hits(predictions, targets, self.loss))}

    def reason_to_stop(self) -> str:
        losses_so_far = self.history.validation_loss or self.history.loss
        best = losses_so_far.index(min(losses_so_far))
        if self.patience is not None and len(losses_so_far) - 1 - best >= self.patience:
            return "early"
        wishes = [callback(self.history, self.model) for callback in self.callbacks]
        return "callback" if True in wishes else ""

    # ---- taking up again

    def keep(self, path: Path) -> None:
        """Write everything the next epoch depends on."""
        calls = [dropout.calls for dropout in self.dropouts()]
        content = {"settings": self.settings(), "steps": self.steps, "dropout_calls": calls,
                   "history": vars(self.history), "model": self.model.state_dict(),
                   "optimizer": self.optimizer.state_dict()}
        write_atomically(path, {**content, "checksum": checksum(content)})

    def settings(self) -> dict[str, Any]:
        """What must be the same for a run to be taken up again."""
        examples = hashlib.sha256(repr((self.inputs, self.targets)).encode()).hexdigest()
        return {"seed": self.seed, "batch_size": self.batch_size, "examples": examples,
                "loss": getattr(self.loss, "__name__", ""), "optimizer": type(self.optimizer).__name__}

    def resume(self, path: Path) -> None:
        """Take up the state in a file: all of it, or none if anything is wrong with it."""
        before = self.model.state_dict()
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            found = kept.pop("checksum")
            if found != checksum(kept):
                raise ValueError("its checksum is wrong")
            history, settings = History(**kept["history"]), kept["settings"]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise WeightFileError(f"{path}: not a whole checkpoint of fit ({error})") from None
        for name, value in self.settings().items():
            if settings.get(name) != value:
                raise ValueError(f"{path} was made with {name} {shortened(settings.get(name))}, "
                                 f"not {shortened(value)}: use that, or another file")
        try:
            self.model.load_state_dict(kept["model"])
            self.optimizer.load_state_dict(kept["optimizer"])
        except (KeyError, ValueError, TypeError) as error:
            self.model.load_state_dict(before)
            raise WeightFileError(f"{path}: not a checkpoint of this model and optimizer ({error})") from None
        for dropout, calls in zip(self.dropouts(), kept["dropout_calls"]):
            dropout.calls = calls
        self.history, self.steps = history, kept["steps"]

    def dropouts(self) -> list[Dropout]:
        return [module for module in self.model.modules() if isinstance(module, Dropout)]


# ---- settings ---------------------------------------------------------------------------------------------


def check_examples(inputs: Sequence[Any], targets: Sequence[Any], what: str = "training") -> None:
    if len(inputs) != len(targets):
        raise ValueError(f"{len(inputs)} inputs, {len(targets)} targets: give one target for each {what} example")
    if not inputs:
        raise ValueError(f"there are no {what} examples")


def check_form(model: Module, loss: Callable, row: Any) -> None:
    """Refuse a model with a single output for a loss that wants one per class."""
    if loss is losses.cross_entropy and not isinstance(answers(model, [row])[0], list):
        raise ValueError("the model has one output, but the targets are classes: give it one output per class, "
                         'or say loss="bce_with_logits" (classes 0 and 1) or loss="mse"')


def checked_validation(validation: Any) -> Any:
    if validation is None:
        return None
    parts = (validation.inputs, validation.targets) if hasattr(validation, "targets") else validation
    if not isinstance(parts, tuple | list) or len(parts) != 2:
        raise TypeError(f"validation is (inputs, targets), or data with both: got {shortened(validation)}")
    inputs, targets = map(list, parts)
    check_examples(inputs, targets, "validation")
    return inputs, targets


def is_class(target: Any) -> bool:
    return hasattr(target, "__index__") and not isinstance(target, bool | Value)


def chosen_loss(loss: Any, targets: Sequence[Any]) -> Callable:
    if callable(loss):
        return loss
    if loss is None:
        return losses.cross_entropy if all(map(is_class, targets)) else losses.mse
    if loss not in LOSSES:
        raise ValueError(f"unknown loss {loss!r}; the names are {', '.join(LOSSES)}")
    return LOSSES[loss]


def chosen_optimizer(optimizer: Any, lr: float | None, model: Module) -> optim.Optimizer:
    if isinstance(optimizer, optim.Optimizer):
        if lr is not None:
            raise ValueError("give lr to the optimizer itself, or name the optimizer and give lr here")
        return optimizer
    known = optimizers_by_name()
    kind = known.get(str(optimizer or "adam").lower())
    if kind is None:
        raise ValueError(f"unknown optimizer {optimizer!r}; the names are {', '.join(known)}")
    own = inspect.signature(kind).parameters["lr"].default         # one written without __init__ has none
    usual = 0.01 if own is inspect.Parameter.empty else max(0.01, own)
    return kind(model.parameters(), lr=usual if lr is None else lr)


def optimizers_by_name() -> dict[str, type]:
    """{"adam": Adam, ...}: every optimizer there is, also one you have just written."""
    kinds, known = [optim.Optimizer], {}
    for kind in kinds:
        kinds += kind.__subclasses__()
        known[kind.__name__.lower()] = kind
    return {name: kind for name, kind in known.items() if name != "optimizer"}


# ---- what comes out ----------------------------------------------------------------------------------------


def numbers_of(prediction: Any) -> Any:
    return [p.data for p in prediction] if isinstance(prediction, list) else prediction.data


def answers(model: Module, rows: Iterable[Any]) -> list[Any]:
    """What `model.predict` says of each row; twice as fast for many, since dropout is switched off but once."""
    with no_grad(), model.evaluating():
        return [as_floats(model.forward(row)) for row in rows]


def class_of(prediction: Any, threshold: float = 0.0) -> int:
    """The class a prediction stands for: that of the largest number, or 1 for a single one above the threshold."""
    if isinstance(prediction, list):
        return prediction.index(max(prediction)) if len(prediction) > 1 else int(prediction[0] > threshold)
    return int(prediction > threshold)


def hits(predictions: Sequence[Any], targets: Sequence[Any], loss: Callable) -> list[bool]:
    """Which predictions are of the right class; none where targets or loss are not of classes."""
    if loss in NO_CLASSES or not all(map(is_class, targets)):
        return []
    return [class_of(p, threshold_of(loss)) == (t if t >= 0 else 0) for p, t in zip(predictions, targets)]


def threshold_of(loss: Callable) -> float:
    """Above which a single output means class 1: a probability, or a number fitted to 0 and 1, against a logit."""
    return 0.5 if loss is losses.bce or loss in NO_CLASSES else 0.0


def share(right: list[bool]) -> float | None:
    return sum(right) / len(right) if right else None


# ---- the lecture's sanity list ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Check:
    """One line of a report: what was checked, whether it is well, and what was seen."""
    name: str
    good: bool
    seen: str


class Report(list[Check]):
    """The checks of `check_training`; true if all are well, and readable when printed."""

    def __bool__(self) -> bool:
        return all(check.good for check in self)

    def __str__(self) -> str:
        return "\n".join(f"{'ok ' if check.good else 'BAD'}  {check.name}: {check.seen}" for check in self)

    __repr__ = __str__


def check_training(model: Module, inputs: Sequence[Any], targets: Sequence[Any], *, loss: Any = None,
                   rates: Sequence[float] = (1e-6, 1e-3, 1e-2, 1e-1, 1.0, 1e3), seed: int = 0) -> Report:
    """The lecture's checks before a long training, on copies of the model.

    1. the first loss of C classes is about log C, as for a guess without any knowledge
    2. the loss rises with the strength of regularisation
    3. a handful of examples can be learnt by heart
    4. which learning rates are too low, good, too high, or make the loss explode (a flat loss alone
       does not prove a rate too low: lr = 1 on w² is flat and too high)
    """
    examples = Training(model, inputs, targets, loss, None, None, 1, 1, None, None, None, seed, [], None, None)
    few = examples.inputs[:8], examples.targets[:8]
    start = examples.loss([model.predict(x) for x in examples.inputs], examples.targets)
    return Report([first_loss(start, examples.targets), rises_with_penalty(start, model),
                   learns_by_heart(model, *few, loss, seed), rates_tried(model, examples, loss, rates, seed)])


def first_loss(start: float, targets: Sequence[Any]) -> Check:
    if not all(map(is_class, targets)):
        return Check("first loss", math.isfinite(start), f"{start:.4f}")
    classes = len(set(targets))
    expected = math.log(classes)
    return Check("first loss", abs(start - expected) < 0.5 * expected + 0.2,
                 f"{start:.4f}, where knowing nothing of {classes} classes gives {expected:.4f}")


def rises_with_penalty(start: float, model: Module) -> Check:
    weights = [p.data for p in model.parameters()]
    totals = [start + L2(strength)(weights) for strength in (0.0, 0.01, 0.1)]
    rising = totals == sorted(set(totals))
    return Check("loss rises with regularisation", rising, ", ".join(f"{t:.4f}" for t in totals))


def learns_by_heart(model: Module, inputs: Sequence[Any], targets: Sequence[Any], loss: Any, seed: int) -> Check:
    twin = copy.deepcopy(model)
    history = fit(twin, inputs, targets, loss=loss, lr=0.05, epochs=200, batch_size=len(inputs), seed=seed,
                  progress=False)
    stop_if_interrupted(history)
    first, last = history.loss[0], history.loss[-1]
    return Check(f"{len(inputs)} examples learnt by heart", last < max(0.1 * first, 0.01),
                 f"loss {first:.4f} -> {last:.4f} in 200 epochs")


def rates_tried(model: Module, examples: Training, loss: Any, rates: Sequence[float], seed: int) -> Check:
    def losses_at(rate: float, epochs: int) -> list[float]:
        history = fit(copy.deepcopy(model), examples.inputs[:32], examples.targets[:32], loss=loss, optimizer="sgd",
                      lr=rate, epochs=epochs, seed=seed, progress=False)
        stop_if_interrupted(history)
        return history.loss
    verdicts = {}
    for rate in rates:
        try:                # compared with a rate that moves nothing: the first epoch can explode already
            verdicts[rate] = verdict(losses_at(1e-300, 1) + losses_at(rate, 10))
        except (DomainError, GradientError):
            verdicts[rate] = "exploding"
    good = [rate for rate, word in verdicts.items() if word == "good"]
    for rate, word in verdicts.items():
        if word == "too low" and good and rate > min(good):         # flat since it threw the network off at once
            verdicts[rate] = "too high"
    seen = ", ".join(f"{rate:g} {word}" for rate, word in verdicts.items())
    return Check("learning rates", bool(good), seen)


def stop_if_interrupted(history: History) -> None:
    """Ctrl-C during a check ends all of them."""
    if history.stopped == "interrupted":
        raise KeyboardInterrupt


def verdict(losses_seen: list[float]) -> str:
    """What a learning rate was, from the loss before training and after each epoch.

    A loss that hardly falls may mean too low, or too high if it rose on the way.  A fall in the first
    epoch alone is none either, unless it came more than halfway to 0: the network was thrown off.
    """
    first, last = losses_seen[0], losses_seen[-1]
    if last > 2 * first:
        return "exploding"
    if last <= 0.97 * first and (last <= losses_seen[1] or last < first / 2):
        return "good"
    return "too high" if max(losses_seen) > 1.05 * first else "too low"
