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
from typing import Any, NamedTuple

from ..engine.number import check_kind, checked_whole, printable, short_repr, truncate
from ..nn import losses, optim
from ..nn.checks import by_name, checked_function, checked_path, listed
from ..nn.modules import Dropout, Module
from ..nn.weights import WeightFileError, checksum, existing_file, write_signed
from .examples import (
    accuracy_of,
    check_form,
    checked_classes,
    checked_examples,
    checked_validation,
    classes_of,
    hits_of_classes,
    is_class,
    threshold_of,
)
from .gradients import ByGraph, Evaluations, Gradients, runs_own_code
from .history import History
from .progress import Boundary, display_for


def fit(model: Module, inputs: Sequence[Any], targets: Sequence[Any], *, loss: Any = None, optimizer: Any = None,
        lr: float | None = None, epochs: int = 20, batch_size: int = 16, validation: Any = None,
        schedule: Callable[[int], float] | None = None, penalty: Callable | None = None, seed: int = 0,
        callbacks: Iterable[Callable] = (), patience: int | None = None, checkpoint: "str | Path | None" = None,
        progress: bool | None = None, classes: Sequence[Any] | None = None, compiled: "bool | str" = "auto") -> History:
    """Train a model on examples; returns the `History`.

    inputs, targets   one row of numbers, and one class (an int), number or row of them, for each example;
                      lists or arrays
    classes           the labels there are, such as ["cat", "dog"], where the targets are labels; output i of the
                      model is for classes[i].  What `predict` gives stays numbers: the largest says the class
    loss              a function of (predictions, targets) or its name; by default cross_entropy
                      for classes, and mse for numbers
    optimizer         an `Optimizer` of the model's parameters, or its name, such as "sgd" ("adam")
    lr                the learning rate of a named one (0.01; 0.001 for "lion", 1 for "adadelta")
    batch_size        examples per step; the last batch of an epoch may be smaller
    validation        (inputs, targets) to be measured after each epoch
    schedule          step number -> learning rate
    penalty           a function of the weights, added to the loss of each batch.  It is given all
                      parameters but the biases (see `Module.parameters`)
    seed              of the shuffling
    callbacks         called as callback(history, model) after each epoch; True ends the training.  One that
                      has a method `after_step` is also told of each batch, as callback.after_step(step), a `Step`
    patience          stop early after so many epochs without a better validation loss
    checkpoint        a file to keep the state in; if it exists, training goes on from there, to the
                      same bits as without the break
    progress          show how it goes: in a notebook one figure that keeps changing, elsewhere a bar;
                      by default only in a notebook or a terminal
    compiled          "auto": a program runs the batches (see `compile`), many times faster and to the same bits,
                      where it pays: where 400 examples and four million edges of their graphs are to come
                      (200,000 in the engine written in Python).  The first batch is compared with the engine's.
                      A model that cannot be traced is trained by graphs, and a warning says why.
                      True: always, or an error.  False: never.
                      What model, loss and penalty compute may change between epochs, but not within one

    Ctrl-C ends the training and returns the history so far.  The model is left in evaluation mode.

    >>> from tinygrad_edu import MLP, data
    >>> examples = data.xor(40, seed=0)
    >>> history = fit(MLP(2, [8, 2], rng=0), examples.inputs, examples.targets, epochs=20, lr=0.05)
    >>> len(history), history.stopped, history.loss[-1] < 0.5 * history.loss[0]
    (20, 'epochs', True)

    With labels:

    >>> pets, names = MLP(2, [8, 2], rng=0), ["cat", "dog"]
    >>> history = fit(pets, [[4.0, 0.3], [30.0, 0.6]], ["cat", "dog"], classes=names, epochs=50)
    >>> scores = pets.predict([28.0, 0.5])
    >>> names[scores.index(max(scores))]
    'dog'
    """
    run = Training(model, inputs, targets, classes, loss, optimizer, lr, epochs, batch_size, validation, schedule,
                   penalty, seed, callbacks, patience, checkpoint, compiled)
    return run.all_epochs(progress)


USUAL_RATE = 0.01               # of optimizers here: small networks stand larger steps than those of the papers
LOSSES = {name: getattr(losses, name) for name in losses.__all__ if name != "log_softmax"}


class Step(NamedTuple):
    """One batch that was just learnt from; the parameters still hold its gradients.

    epoch         how many epochs were complete before
    batch         which examples, by their indices
    predictions   what the model answered, Values whose `grad` is what arrived there; look at them while you are told
    loss          of the batch, without the penalty
    optimizer     which has moved its parameters
    before        what these parameters were before
    """

    epoch: int
    batch: list[int]
    predictions: Sequence[Any]
    loss: float
    optimizer: optim.Optimizer
    before: list[float]


class Training:
    """One call of `fit`: its settings, checked, and its state between epochs."""

    def __init__(self, model, inputs, targets, classes, loss, optimizer, lr, epochs, batch_size, validation, schedule,
                 penalty, seed, callbacks, patience, checkpoint, compiled="auto"):
        check_kind(model, Module)
        self.model, classes = model, checked_classes(classes)
        self.inputs, self.targets = checked_examples(model, inputs, targets, classes)
        self.epochs, self.batch_size = checked_whole("epochs", epochs, least=0), checked_whole("batch_size", batch_size)
        self.patience = None if patience is None else checked_whole("patience", patience)
        self.loss = loss_for(loss, self.targets)
        self.optimizer = optimizer_for(optimizer, lr, model)
        check_form(model, self.loss, self.inputs[0], classes)
        self.validation = checked_validation(model, validation, classes)
        self.classes = classes_of(self.targets, self.loss)
        self.validation_classes = classes_of(self.validation[1], self.loss) if self.validation else []
        self.seed = checked_whole("seed", seed, least=-math.inf)
        self.schedule = checked_function("schedule", schedule, "schedules.CosineDecay(0.1, steps=500)")
        self.penalty = checked_function("penalty", penalty, "L2(0.01)")
        self.callbacks = [checked_function("a callback", callback, "print") for callback in functions_in(callbacks)]
        self.watchers = [callback.after_step for callback in self.callbacks if hasattr(callback, "after_step")]
        self.checkpoint = None if checkpoint is None else checked_path("checkpoint", checkpoint)
        if not isinstance(compiled, bool) and compiled != "auto":
            raise ValueError(f'compiled={short_repr(compiled)}: write "auto", True or False')
        by_graph = ByGraph(model, self.loss, self.penalty, self.inputs, self.targets)
        self.gradients = Gradients(by_graph, compiled, bool(self.watchers))
        self.evaluations = self.validation and Evaluations(model, self.loss, *self.validation)
        self.runs_own_code = runs_own_code(model, self.penalty)
        self.history, self.steps = History(), 0
        if self.checkpoint and self.checkpoint.exists():
            self.resume(self.checkpoint)

    # ---- the loop

    def all_epochs(self, progress: bool | None) -> History:
        """Train until the last epoch, or until there is a reason to stop; the history says which.

        After each epoch the display is told, the callbacks are asked, and the checkpoint is written, so
        that Ctrl-C loses one epoch at most.
        """
        boundary = Boundary(self.model, self.inputs, self.classes, threshold_of(self.loss))
        self.model.train()
        with display_for(progress, self.epochs, boundary) as show:
            try:
                while len(self.history) < self.epochs and not self.history.stopped:
                    self.one_epoch()
                    show(self.history)
                    self.history.stopped = self.reason_to_stop()
                    self.look_again()
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
        total, answered = 0.0, []
        for start in range(0, len(order), self.batch_size):
            batch = order[start:start + self.batch_size]
            loss, predictions = self.one_step(batch)
            total += loss * len(batch)
            answered += predictions
        right = hits_of_classes(answered, [self.classes[i] for i in order] if self.classes else [], self.loss)
        measured = {"loss": total / len(order), "accuracy": accuracy_of(right), "lr": self.optimizer.lr,
                    **self.validation_measures()}
        for name, value in measured.items():
            if value is not None:
                getattr(self.history, name).append(value)

    def one_step(self, batch: list[int]) -> tuple[float, list]:
        """The lecture's five steps; returns floats, so that no graph outlives the step."""
        self.optimizer.zero_grad()
        answered = self.gradients(batch, self.epochs * self.steps_per_epoch() - self.steps)
        if self.schedule is not None:
            self.optimizer.lr = self.schedule(self.steps)
        before = [p.data for p in self.optimizer.parameters] if self.watchers else []
        self.move()
        self.steps += 1
        for watch in self.watchers:
            watch(Step(len(self.history), batch, answered.predictions, answered.loss, self.optimizer, before))
        return answered.loss, answered.answers

    def steps_per_epoch(self) -> int:
        return -(-len(self.inputs) // self.batch_size)

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
        if self.validation is None or self.evaluations is None:
            return {}
        loss, predictions = self.evaluations(bool(self.gradients.program))
        return {"validation_loss": loss,
                "validation_accuracy": accuracy_of(hits_of_classes(predictions, self.validation_classes, self.loss))}

    def reason_to_stop(self) -> str:
        """ "early" where the loss has not become better for too long, "callback" where one says so, else ""."""
        losses_so_far = self.history.validation_loss or self.history.loss
        best = losses_so_far.index(min(losses_so_far))
        if self.patience is not None and len(losses_so_far) - 1 - best >= self.patience:
            return "early"
        wishes = [callback(self.history, self.model) for callback in self.callbacks]
        return "callback" if True in wishes else ""

    def look_again(self) -> None:
        """Callbacks and code of others may do otherwise by now; then a program would be one of the past."""
        if self.callbacks or self.runs_own_code:
            self.gradients.look_again()
            if self.evaluations:
                self.evaluations.look_again()

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


def functions_in(callbacks: Any) -> list[Any]:
    """The callbacks as a list; a single one may come alone."""
    return [callbacks] if callable(callbacks) else listed("callbacks", callbacks)


def loss_for(loss: Any, targets: Sequence[Any]) -> Callable:
    """The loss that is given, has the given name, or suits the targets: cross_entropy for classes, mse for numbers."""
    if callable(loss):
        return loss
    if loss is None:
        return losses.cross_entropy if all(map(is_class, targets)) else losses.mse
    return by_name("loss", loss, LOSSES)


def optimizer_for(optimizer: Any, lr: float | None, model: Module) -> optim.Optimizer:
    """The optimizer that is given, or a new one for the model's parameters.

    None means "adam".  Where no lr is given, `usual_rate` is.
    """
    if isinstance(optimizer, optim.Optimizer):
        if lr is not None:
            raise ValueError("give lr to the optimizer itself, or name the optimizer and give lr here")
        return optimizer
    if isinstance(optimizer, type):
        raise TypeError(f"give the optimizer its parameters, {optimizer.__name__}(model.parameters()), "
                        f"or its name: got {short_repr(optimizer)}")
    kind = optimizer_named("adam" if optimizer is None else optimizer)
    return kind(model.parameters(), lr=usual_rate(kind) if lr is None else lr)


def usual_rate(kind: type) -> float:
    """0.01, but no more than ten times an optimizer's own default (Lion), and no less than that (Adadelta)."""
    lr = inspect.signature(kind).parameters.get("lr")
    if lr is None or lr.default is lr.empty:                    # it was written without __init__
        return USUAL_RATE
    return max(lr.default, min(USUAL_RATE, 10 * lr.default))


def optimizer_named(name: Any) -> type:
    return by_name("optimizer", name, optimizers_by_name())


def optimizers_by_name() -> dict[str, type]:
    """{"adam": Adam, ...}: every optimizer there is, also one you have just written."""
    kinds, known = [optim.Optimizer], {}
    for kind in kinds:
        kinds += kind.__subclasses__()
        known[kind.__name__.lower()] = kind
    return {name: kind for name, kind in known.items() if name != "optimizer"}


def __getattr__(name: str) -> Any:
    """What stood in this module until 0.2 and is in `learn.sanity` now; `sanity` stands on the loop."""
    if name in ("Check", "Report", "check_training"):
        return getattr(import_module(".sanity", __package__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
