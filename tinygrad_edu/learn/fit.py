"""The training loop.

Each epoch shuffles the examples, and each batch does the lecture's five steps: forget the old
gradients, go forward, take the loss, go backward, let the optimizer move.  Everything random
depends on the seed and the epoch alone, so that a resumed run gives the same bits.
"""

import math
import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from ..engine import ops
from ..engine.number import check_kind, checked_whole, printable, short_repr
from ..nn import optim
from ..nn.checks import checked_function, checked_path, listed
from ..nn.modules import Module
from ..nn.schedules import ReduceOnPlateau
from .best import Best
from .checkpoints import resume, write_checkpoint
from .examples import (
    accuracy_of,
    check_form,
    checked_classes,
    checked_examples,
    checked_validation,
    classes_of,
    hits_of_classes,
    threshold_of,
)
from .gradients import ByGraph, Evaluations, Gradients, runs_own_code
from .history import History
from .logs import Log
from .named import loss_for, optimizer_for
from .progress import Boundary, display_for
from .sample_weights import checked_weights


def fit(model: Module, inputs: Iterable[Any], targets: Iterable[Any], *,
        loss: "str | Callable[..., Any] | None" = None, optimizer: "str | optim.Optimizer | None" = None,
        lr: float | None = None, epochs: int = 20, batch_size: int = 16,
        validation: tuple[Iterable[Any], Iterable[Any]] | None = None, schedule: Callable[[int], float] | None = None,
        penalty: Callable[..., Any] | None = None, seed: int = 0, callbacks: Iterable[Callable[..., Any]] = (),
        patience: int | None = None, checkpoint: "str | Path | None" = None,
        progress: bool | None = None, classes: Sequence[Any] | None = None, compiled: "bool | str" = "auto",
        restore_best: bool | None = None, log: "str | Path | None" = None,
        sample_weight: Iterable[float] | None = None, client: Any = None) -> History:
    """Train a model on examples; returns the `History`.

    inputs, targets   one row of numbers, and one class (an int), number or row of them, for each example;
                      lists or arrays
    classes           the labels there are, such as ["cat", "dog"], where the targets are labels; output i of the
                      model is for classes[i].  What `predict` gives stays numbers: the largest says the class
    loss              a function of (predictions, targets) or its name; by default cross_entropy
                      for classes, and mse for numbers.  One with options: partial(tg.cross_entropy, weight=[1, 5])
    optimizer         an `Optimizer` of the model's parameters, or its name, such as "sgd" ("adam")
    lr                the learning rate of a named one (0.01; 0.001 for "lion", 1 for "adadelta")
    batch_size        examples per step; the last batch of an epoch may be smaller
    validation        (inputs, targets) to be measured after each epoch
    schedule          step number -> learning rate; `schedules.ReduceOnPlateau` goes by the losses instead
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
                      (200,000 in the engine written in Python).  The first few examples are compared with the engine.
                      A model that cannot be traced is trained by graphs, and a warning says why.
                      True: always, or an error.  False: never.
                      What model, loss and penalty compute may change between epochs, but not within one
    restore_best      end with the weights of the best epoch, that of the lowest validation loss (of the lowest
                      training loss without validation), however the training ends.  By default where there is
                      `patience`: the last epochs were waited for in vain, and nobody wants their weights
    log               a file that gets a line after each epoch, .csv or .jsonl (a JSON object a line).  Its columns:
                      epoch (from 1), loss, accuracy, validation_loss, validation_accuracy, lr, as in `History`.
                      It is written anew; a run taken up from a checkpoint writes its earlier epochs again
    sample_weight     how much each training example counts, at least 0: the loss of a batch is Σ wᵢlᵢ / Σ wᵢ where
                      the loss is a mean, Σ wᵢlᵢ where it is a sum.  A weight of 2 in a full batch is that example
                      twice; one of weight 0 is left out of the training, as if it were not there
    client            a `Client` of Dask (pip install "tinygrad-edu[cluster]"): the gradients of each batch are computed
                      by its workers.  The examples are cut into at most 8 shards, as their number and batch_size say,
                      and the sums of the shards are added in order: the same bits for any number of workers, also when
                      some are lost or come late, but in the last digits others than without a client.  A program is
                      always made, or an error raised.  It pays for large networks and batches: see docs/cluster.md

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
    run = Training(model, inputs, targets, epochs=epochs, batch_size=batch_size, loss=loss, optimizer=optimizer, lr=lr,
                   validation=validation, schedule=schedule, penalty=penalty, seed=seed, callbacks=callbacks,
                   patience=patience, checkpoint=checkpoint, compiled=compiled, classes=classes,
                   restore_best=restore_best, log=log, sample_weight=sample_weight, client=client)
    return run.all_epochs(progress)


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

    def __init__(self, model, inputs, targets, *, epochs, batch_size=16, loss=None, optimizer=None, lr=None,
                 validation=None, schedule=None, penalty=None, seed=0, callbacks=(), patience=None, checkpoint=None,
                 compiled="auto", classes=None, restore_best=None, log=None, sample_weight=None, client=None):
        check_kind(model, Module)
        self.model, classes = model, checked_classes(classes)
        self.epochs, self.batch_size = checked_whole("epochs", epochs, least=0), checked_whole("batch_size", batch_size)
        self.seed = checked_whole("seed", seed, least=-math.inf)
        self.patience = None if patience is None else checked_whole("patience", patience)
        self.take_examples(inputs, targets, classes, loss, sample_weight)
        self.take_validation(validation, classes)
        self.optimizer = optimizer_for(optimizer, lr, model)
        self.schedule = checked_function("schedule", schedule, "schedules.CosineDecay(0.1, steps=500)")
        self.penalty = checked_function("penalty", penalty, "L2(0.01)")
        self.take_callbacks(callbacks)
        self.take_files(checkpoint, log)
        self.best = Best(model) if is_best_wanted(restore_best, patience) else None
        self.take_ways(compiled, client)
        self.history, self.steps = History(), 0
        if self.checkpoint and self.checkpoint.exists():
            resume(self, self.checkpoint)

    def take_examples(self, inputs: Any, targets: Any, classes: Any, loss: Any, sample_weight: Any) -> None:
        """What is learnt from, how much each example counts, and by which loss."""
        self.inputs, self.targets = checked_examples(self.model, inputs, targets, classes)
        self.weights = checked_weights(sample_weight, len(self.inputs))
        self.counting = [i for i in range(len(self.inputs)) if self.weights is None or self.weights[i]]
        self.loss = loss_for(loss, self.targets)
        check_form(self.model, self.loss, self.inputs[0], classes)
        self.classes = classes_of(self.targets, self.loss)

    def take_validation(self, validation: Any, classes: Any) -> None:
        self.validation = checked_validation(self.model, validation, classes)
        self.validation_classes = classes_of(self.validation[1], self.loss) if self.validation else []
        self.evaluations = Evaluations(self.model, self.loss, *self.validation) if self.validation else None

    def take_callbacks(self, callbacks: Any) -> None:
        """Whom to tell of epochs, and of steps; a single one may come alone."""
        found = [callbacks] if callable(callbacks) else listed("callbacks", callbacks)
        self.callbacks = [checked_function("a callback", callback, "print") for callback in found]
        self.watchers = [callback.after_step for callback in self.callbacks if hasattr(callback, "after_step")]

    def take_files(self, checkpoint: Any, log: Any) -> None:
        self.checkpoint = None if checkpoint is None else checked_path("checkpoint", checkpoint)
        self.log = None if log is None else Log(checked_path("log", log))
        if self.log and self.checkpoint and self.log.path.resolve() == self.checkpoint.resolve():
            raise ValueError(f"{printable(self.checkpoint)} cannot be both log and checkpoint: name two files")

    def take_ways(self, compiled: Any, client: Any) -> None:
        """How gradients are computed: by graphs, by a program, or by the workers of a client."""
        if not isinstance(compiled, bool) and compiled != "auto":
            raise ValueError(f'compiled={short_repr(compiled)}: write "auto", True or False')
        by_graph = ByGraph(self.model, self.loss, self.penalty, self.inputs, self.targets, self.weights)
        self.gradients = self.gradients_for(by_graph, compiled, client)
        self.runs_own_code = runs_own_code(self.model, self.penalty)

    def gradients_for(self, by_graph: ByGraph, compiled: Any, client: Any) -> Gradients:
        """Of batches: computed here, or by the workers of a client."""
        if client is None:
            return Gradients(by_graph, compiled, bool(self.watchers))
        if compiled is False:
            raise ValueError("compiled=False: the workers of a client run programs; leave one of the two out")
        from .cluster import OnWorkers, shards_for  # which few need
        return OnWorkers(by_graph, client, shards_for(len(self.inputs), self.batch_size), bool(self.watchers))

    # ---- the loop

    def all_epochs(self, progress: bool | None) -> History:
        """Train until the last epoch, or until there is a reason to stop; the history says which."""
        if self.log:
            self.log.start(self.history)
        shown = [i for i in range(len(self.inputs)) if not self.classes or self.classes[i] is not None]
        classes = [c for c in self.classes if c is not None]
        boundary = Boundary(self.model, [self.inputs[i] for i in shown], classes, threshold_of(self.loss))
        self.model.train()
        with display_for(progress, self.epochs, boundary) as show:
            try:
                self.epochs_to_come(show)
            except KeyboardInterrupt:
                self.history.stopped = "interrupted"
            finally:
                self.model.eval()
                self.gradients.end()
        if self.best:
            self.best.restore()
        return self.history

    def epochs_to_come(self, show: Callable[[History], None]) -> None:
        """After each epoch the display is told, the callbacks are asked, and the checkpoint is written, so that
        Ctrl-C loses one epoch at most.
        """
        while len(self.history) < self.epochs and not self.history.stopped:
            self.one_epoch()
            self.keep()
            show(self.history)
            self.history.stopped = self.reason_to_stop()
            self.look_again()
            if self.checkpoint:
                write_checkpoint(self, self.checkpoint)
        self.history.stopped = self.history.stopped or "epochs"

    def one_epoch(self) -> None:
        """Take every example once, in an order of this epoch, and add what was measured to the history.

        The loss is the (weighted) mean over the examples, each as the model was at its batch; so is the accuracy.
        """
        order = list(self.counting)
        Random(f"{self.seed}:{len(self.history)}").shuffle(order)
        total, answered = 0.0, []
        for start in range(0, len(order), self.batch_size):
            batch = order[start:start + self.batch_size]
            loss, predictions = self.one_step(batch)
            total += loss * self.weight_of(batch)
            answered += predictions
        right = hits_of_classes(answered, [self.classes[i] for i in order] if self.classes else [], self.loss)
        weights = None if self.weights is None else [self.weights[i] for i in order]
        measured = {"loss": total / self.weight_of(order), "accuracy": accuracy_of(right, weights),
                    "lr": self.optimizer.lr, **self.validation_measures()}
        for name, value in measured.items():
            if value is not None:
                getattr(self.history, name).append(value)

    def one_step(self, batch: list[int]) -> tuple[float, list]:
        """The lecture's five steps; returns floats, so that no graph outlives the step."""
        self.optimizer.zero_grad()
        answered = self.gradients(batch, self.epochs * self.steps_per_epoch() - self.steps)
        if self.schedule is not None:
            self.optimizer.lr = self.rate()
        before = [p.data for p in self.optimizer.parameters] if self.watchers else []
        self.move()
        self.steps += 1
        for watch in self.watchers:
            watch(Step(len(self.history), batch, answered.predictions, answered.loss, self.optimizer, before))
        return answered.loss, answered.answers

    def rate(self) -> float:
        """The learning rate of this step, by its number, or by the losses of the epochs so far."""
        if not isinstance(self.schedule, ReduceOnPlateau):
            return self.schedule(self.steps)
        if self.steps % self.steps_per_epoch():                     # nothing new was measured
            return self.optimizer.lr
        return self.schedule.rate_after(self.history.validation_loss or self.history.loss)

    def steps_per_epoch(self) -> int:
        return -(-len(self.counting) // self.batch_size)

    def weight_of(self, examples: list[int]) -> float:
        """How much these examples count together."""
        return len(examples) if self.weights is None else ops.sum([self.weights[i] for i in examples])

    def keep(self) -> None:
        """Keep what the last epoch brought, before a callback may change the model."""
        if self.best:
            self.best.look(self.history)
        if self.log:
            self.log.add(self.history)

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
        if self.patience is not None and self.history.epochs_in_vain() >= self.patience:
            return "early"
        wishes = [callback(self.history, self.model) for callback in self.callbacks]
        return "callback" if True in wishes else ""

    def look_again(self) -> None:
        """Callbacks and code of others may do otherwise by now; then a program would be one of the past."""
        if self.callbacks or self.runs_own_code:
            self.gradients.look_again()
            if self.evaluations:
                self.evaluations.look_again()


def is_best_wanted(restore_best: Any, patience: int | None) -> bool:
    """Is the model to end with its best weights?  Unless it is said, where the last epochs were waited for in vain."""
    if restore_best is None:
        return patience is not None
    if not isinstance(restore_best, bool):
        raise TypeError(f"restore_best={short_repr(restore_best)}: write True or False")
    return restore_best


def __getattr__(name: str) -> Any:
    """What stood in this module until 0.2 and is in `learn.sanity` now; `sanity` stands on the loop."""
    if name in ("Check", "Report", "check_training"):
        return getattr(import_module(".sanity", __package__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
