"""The training loop.

Each epoch shuffles the examples, and each batch does the lecture's five steps: forget the old
gradients, go forward, take the loss, go backward, let the optimizer move.  Everything random
depends on the seed and the epoch alone, so that a resumed run gives the same bits.
"""

import inspect
import json
import math
import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

from ..engine.arrays import is_array
from ..engine.errors import no_grad
from ..engine.number import check_kind, checked_whole, printable, short_repr, truncate
from ..engine.value import Value
from ..nn import losses, optim
from ..nn.modules import Dropout, Module, as_floats
from ..nn.weights import WeightFileError, checksum, existing_file, write_signed
from .history import History
from .progress import Boundary, display_for


def fit(model: Module, inputs: Sequence[Any], targets: Sequence[Any], *, loss: Any = None, optimizer: Any = None,
        lr: float | None = None, epochs: int = 20, batch_size: int = 16, validation: Any = None,
        schedule: Callable[[int], float] | None = None, penalty: Callable | None = None, seed: int = 0,
        callbacks: Iterable[Callable] = (), patience: int | None = None, checkpoint: "str | Path | None" = None,
        progress: bool | None = None) -> History:
    """Train a model on examples; returns the `History`.

    inputs, targets   one row of numbers, and one class (an int), number or row of them, for each example;
                      lists or arrays
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

    >>> from tinygrad_edu import MLP, data
    >>> examples = data.xor(40, seed=0)
    >>> history = fit(MLP(2, [8, 2], rng=0), examples.inputs, examples.targets, epochs=20, lr=0.05)
    >>> len(history), history.stopped, history.loss[-1] < 0.5 * history.loss[0]
    (20, 'epochs', True)
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
        check_kind(model, Module)
        self.model = model
        self.inputs, self.targets = checked_examples(inputs, targets)
        self.epochs, self.batch_size = checked_whole("epochs", epochs, least=0), checked_whole("batch_size", batch_size)
        self.patience = None if patience is None else checked_whole("patience", patience)
        self.loss = loss_for(loss, self.targets)
        self.optimizer = optimizer_for(optimizer, lr, model)
        check_form(model, self.loss, self.inputs[0])
        self.validation = checked_validation(validation)
        self.schedule, self.penalty, self.seed = schedule, penalty, checked_whole("seed", seed, least=-math.inf)
        self.callbacks, self.checkpoint = callbacks, checkpoint
        self.history, self.steps = History(), 0
        if checkpoint and checkpoint.exists():
            self.resume(checkpoint)

    # ---- the loop

    def all_epochs(self, progress: bool | None) -> History:
        """Train until the last epoch, or until there is a reason to stop; the history says which.

        After each epoch the display is told, the callbacks are asked, and the checkpoint is written, so
        that Ctrl-C loses one epoch at most.
        """
        boundary = Boundary(self.model, self.inputs, self.targets, threshold_of(self.loss))
        self.model.train()
        with display_for(progress, self.epochs, boundary) as show:
            try:
                while len(self.history) < self.epochs and not self.history.stopped:
                    self.one_epoch()
                    show(self.history)
                    self.history.stopped = self.reason_to_stop()
                    if self.checkpoint:
                        self.write_checkpoint(self.checkpoint)
                self.history.stopped = self.history.stopped or "epochs"
            except KeyboardInterrupt:
                self.history.stopped = "interrupted"
            finally:
                self.model.eval()
        return self.history

    def one_epoch(self) -> None:
        """Take every example once, in an order of this epoch, and add what was measured to the history.

        The loss is the mean over the examples, each as the weights were at its batch; so is the accuracy.
        """
        order = list(range(len(self.inputs)))
        Random(f"{self.seed}:{len(self.history)}").shuffle(order)
        total, right = 0.0, []
        for start in range(0, len(order), self.batch_size):
            batch = order[start:start + self.batch_size]
            loss, predictions = self.one_step([self.inputs[i] for i in batch], [self.targets[i] for i in batch])
            total += loss * len(batch)
            right += hits(predictions, [self.targets[i] for i in batch], self.loss)
        measured = {"loss": total / len(order), "accuracy": accuracy_of(right), "lr": self.optimizer.lr,
                    **self.validation_measures()}
        for name, value in measured.items():
            if value is not None:
                getattr(self.history, name).append(value)

    def one_step(self, inputs: list, targets: list) -> tuple[float, list]:
        """The lecture's five steps; returns floats, so that no graph outlives the step."""
        self.optimizer.zero_grad()
        predictions = [self.model(x) for x in inputs]
        loss = self.loss(predictions, targets)
        penalised = loss if self.penalty is None else loss + self.penalty(self.model.parameters())
        penalised.backward()
        if self.schedule is not None:
            self.optimizer.lr = self.schedule(self.steps)
        self.move()
        self.steps += 1
        return loss.data, [numbers_of(p) for p in predictions]

    def move(self) -> None:
        """Let the optimizer take its step, also a first one without any gradient: `backward` was called."""
        if self.optimizer.steps_taken or any(p.grad for p in self.optimizer.parameters):
            self.optimizer.step()
            return
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", re.escape(optim.NO_GRADIENTS))
            self.optimizer.step()

    def validation_measures(self) -> dict[str, float | None]:
        """Loss and accuracy of the validation examples, if there are any."""
        if self.validation is None:
            return {}
        inputs, targets = self.validation
        predictions = answers(self.model, inputs)
        loss = self.loss(predictions, targets)
        return {"validation_loss": getattr(loss, "data", loss),
                "validation_accuracy": accuracy_of(hits(predictions, targets, self.loss))}

    def reason_to_stop(self) -> str:
        """ "early" where the loss has not become better for too long, "callback" where one says so, else ""."""
        losses_so_far = self.history.validation_loss or self.history.loss
        best = losses_so_far.index(min(losses_so_far))
        if self.patience is not None and len(losses_so_far) - 1 - best >= self.patience:
            return "early"
        wishes = [callback(self.history, self.model) for callback in self.callbacks]
        return "callback" if True in wishes else ""

    # ---- checkpoints

    def write_checkpoint(self, path: Path) -> None:
        """Write everything the next epoch depends on."""
        calls = [dropout.calls for dropout in self.dropouts()]
        content = {"settings": self.settings(), "steps": self.steps, "dropout_calls": calls,
                   "history": vars(self.history), "model": self.model.state_dict(),
                   "optimizer": self.optimizer.state_dict()}
        write_signed(path, content)

    def settings(self) -> dict[str, Any]:
        """What must be the same for a run to be resumed."""
        import hashlib  # which takes a while to load
        examples = hashlib.sha256(repr((self.inputs, self.targets)).encode()).hexdigest()
        return {"seed": self.seed, "batch_size": self.batch_size, "examples": examples,
                "loss": getattr(self.loss, "__name__", ""), "optimizer": type(self.optimizer).__name__}

    def resume(self, path: Path) -> None:
        """Go on from the state in a file: all of it is taken over, or nothing if anything is wrong with it."""
        before = self.model.state_dict()
        try:
            kept = json.loads(existing_file(path).read_text(encoding="utf-8"))
            found = kept.pop("checksum")
            if found != checksum(kept):
                raise ValueError("its checksum is wrong")
            history, settings = History(**kept["history"]), kept["settings"]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise bad_checkpoint(path, "whole checkpoint of fit", error) from None
        for name, value in self.settings().items():
            if settings.get(name) != value:
                raise ValueError(f"{printable(path)} was made with {name} {short_repr(settings.get(name))}, "
                                 f"not {short_repr(value)}: use that, or another file")
        try:
            self.model.load_state_dict(kept["model"])
            self.optimizer.load_state_dict(kept["optimizer"])
        except (KeyError, ValueError, TypeError) as error:
            self.model.load_state_dict(before)
            raise bad_checkpoint(path, "checkpoint of this model and optimizer", error) from None
        for dropout, calls in zip(self.dropouts(), kept["dropout_calls"]):
            dropout.calls = calls
        self.history, self.steps = history, kept["steps"]

    def dropouts(self) -> list[Dropout]:
        return [module for module in self.model.modules() if isinstance(module, Dropout)]


def bad_checkpoint(path: Path, what: str, error: Exception) -> WeightFileError:
    return WeightFileError(f"{printable(path)}: not a {what} ({truncate(printable(error), 200)})")


# ---- settings ---------------------------------------------------------------------------------------------


def checked_examples(inputs: Iterable[Any], targets: Iterable[Any], what: str = "training") -> tuple[list, list]:
    """Inputs and targets as lists: one target for each input, and one example at least."""
    inputs, targets = list(inputs), [target.tolist() if is_array(target) else target for target in targets]
    if len(inputs) != len(targets):
        raise ValueError(f"{len(inputs)} inputs, {len(targets)} targets: give one target for each {what} example")
    if not inputs:
        raise ValueError(f"there are no {what} examples")
    return inputs, targets


def check_form(model: Module, loss: Callable, row: Any) -> None:
    """Refuse a model with a single output for a loss that wants one per class."""
    if loss is losses.cross_entropy and not isinstance(answers(model, [row])[0], list):
        raise ValueError("the model has one output, but the targets are classes: give it one output per class, "
                         'or say loss="bce_with_logits" (classes 0 and 1) or loss="mse"')


def checked_validation(validation: Any) -> tuple[list, list] | None:
    """Validation examples as (inputs, targets), from such a pair or from data that have both."""
    if validation is None:
        return None
    parts = (validation.inputs, validation.targets) if hasattr(validation, "targets") else validation
    if not isinstance(parts, tuple | list) or len(parts) != 2:
        raise TypeError(f"validation is (inputs, targets), or data with both: got {short_repr(validation)}")
    inputs, targets = parts
    return checked_examples(inputs, targets, "validation")


def is_class(target: Any) -> bool:
    """Is it a whole number of Python or of numpy?"""
    return hasattr(target, "__index__") and not isinstance(target, bool | Value) and not is_array(target)


def loss_for(loss: Any, targets: Sequence[Any]) -> Callable:
    """The loss that is given, has the given name, or suits the targets: cross_entropy for classes, mse for numbers."""
    if callable(loss):
        return loss
    if loss is None:
        return losses.cross_entropy if all(map(is_class, targets)) else losses.mse
    if loss not in LOSSES:
        raise ValueError(f"unknown loss {loss!r}; the names are {', '.join(LOSSES)}")
    return LOSSES[loss]


def optimizer_for(optimizer: Any, lr: float | None, model: Module) -> optim.Optimizer:
    """The optimizer that is given, or a new one for the model's parameters, of the given name ("adam" for None).

    Without lr its rate is 0.01, or its own default where that is larger.
    """
    if isinstance(optimizer, optim.Optimizer):
        if lr is not None:
            raise ValueError("give lr to the optimizer itself, or name the optimizer and give lr here")
        return optimizer
    known = optimizers_by_name()
    kind = known.get(str(optimizer or "adam").lower())
    if kind is None:
        raise ValueError(f"unknown optimizer {optimizer!r}; the names are {', '.join(known)}")
    own = inspect.signature(kind).parameters["lr"].default         # one written without __init__ has none
    default = 0.01 if own is inspect.Parameter.empty else max(0.01, own)
    return kind(model.parameters(), lr=default if lr is None else lr)


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
    """What `model.predict` says of each row; faster than row by row, since dropout is switched off only once."""
    with no_grad(), model.evaluating():
        return [as_floats(model.forward(row)) for row in rows]


def class_of(prediction: Any, threshold: float = 0.0) -> int:
    """The class a prediction stands for: that of the largest number, or 1 for a single one above the threshold."""
    if isinstance(prediction, list):
        return prediction.index(max(prediction)) if len(prediction) > 1 else int(prediction[0] > threshold)
    return int(prediction > threshold)


def hits(predictions: Sequence[Any], targets: Sequence[Any], loss: Callable) -> list[bool]:
    """Whether each prediction is of the right class; an empty list where targets or loss are not of classes."""
    if loss in NO_CLASSES or not all(map(is_class, targets)):
        return []
    return [class_of(p, threshold_of(loss)) == (t if t >= 0 else 0) for p, t in zip(predictions, targets)]


def threshold_of(loss: Callable) -> float:
    """Above it a single output means class 1: ½ for a probability or a number fitted to 0 and 1, 0 for a logit."""
    return 0.5 if loss is losses.bce or loss in NO_CLASSES else 0.0


def accuracy_of(right: list[bool]) -> float | None:
    """The share of right answers; None where there are no classes."""
    return sum(right) / len(right) if right else None


def __getattr__(name: str) -> Any:
    """What stood in this module until 0.2 and is in `learn.sanity` now; `sanity` stands on the loop."""
    if name in ("Check", "Report", "check_training"):
        return getattr(import_module(".sanity", __package__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
