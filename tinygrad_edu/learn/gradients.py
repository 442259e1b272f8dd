"""Where the gradients of a batch come from: from a graph of the engine, or from a program with the same bits."""

import sys
import warnings
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any, NamedTuple

from ..engine.arrays import as_lists
from ..engine.origin import is_library
from ..engine.value import Value, engine_name, topological_order
from ..fast.batches import numpy
from ..fast.trace import TraceError
from ..nn.modules import Dropout, Module, as_floats
from ..nn.targets import numbers_in
from .examples import answers, check_loss, check_number
from .sample_weights import Weighted

EXAMPLES = 400                                                  # from so many on, and from so many edges of
EDGES = 4_000_000 if engine_name == "native" else 200_000       # graphs on, a program pays: see `is_worth_it`
PACKAGE = __name__.partition(".")[0]
COMPARED = 16                           # examples by which it is seen whether a program says what the engine says
LARGEST = 50_000_000                    # edges of a graph: they take some 1.6 GB


class Answered(NamedTuple):
    """What a batch gave, once its gradients are in the parameters.

    loss          without the penalty
    answers       of the model, as floats
    predictions   the same as Values whose `grad` is what arrived there
    """

    loss: float
    answers: list[Any]
    predictions: Sequence[Any]


class ByGraph:
    """Gradients as the lecture has them: forward, loss, backward.

    weights   of all examples, or None: then each counts once
    """

    def __init__(self, model: Module, loss: Callable, penalty: Callable | None, inputs: Sequence[Any],
                 targets: Sequence[Any], weights: Sequence[float] | None = None):
        self.model, self.loss, self.penalty, self.inputs, self.targets = model, loss, penalty, inputs, targets
        self.weights = weights
        self.weighted = None if weights is None else Weighted(model, loss, inputs, targets, weights)

    def __call__(self, batch: list[int]) -> Answered:
        predictions = [self.model(self.inputs[i]) for i in batch]
        targets = [self.targets[i] for i in batch]
        check_number(self.loss, predictions[0], targets[0])
        loss = self.weighted(predictions, targets, batch) if self.weighted else self.loss(predictions, targets)
        penalised = loss if self.penalty is None else loss + self.penalty(self.model.parameters(biases=False))
        check_loss(loss, penalised)
        penalised.backward()
        return Answered(loss.data, [as_floats(p) for p in predictions], predictions)

    def check(self, batch: list[int]) -> None:
        """Raise what the engine says of these examples on the way to their loss, with the graph of one at a time."""
        self.loss([as_floats(self.model(self.inputs[i])) for i in batch], [self.targets[i] for i in batch])


class Again(Sequence):
    """The predictions of a step that a program took, computed as a graph when somebody looks at them."""

    def __init__(self, compute: Callable[[], Sequence[Any]]):
        self.compute = compute

    @cached_property
    def found(self) -> Sequence[Any]:
        return self.compute()

    def __len__(self) -> int:
        return len(self.found)

    def __getitem__(self, i: Any) -> Any:
        return self.found[i]


class State:
    """Numbers, gradients and draws of a model at one moment."""

    def __init__(self, model: Module):
        self.parameters = [(p, p.data, p.grad) for p in model.parameters()]
        self.draws = [(module, module.calls) for module in model.modules() if isinstance(module, Dropout)]

    def put_back(self) -> None:
        for p, data, grad in self.parameters:
            p.data, p.grad = data, grad
        for module, calls in self.draws:
            module.calls = calls


# ---- steps ------------------------------------------------------------------------------------------------


class Gradients:
    """Gradients of batches: by a graph, and by a program once this is worth it.

    wanted       `compiled` of `fit`: "auto", True or False
    is_watched   does anybody look at the predictions of a step?
    shards       into how many the examples are cut for the workers of a client; 0 where there is none
    """

    shards = 0

    def __init__(self, by_graph: ByGraph, wanted: Any, is_watched: bool):
        self.by_graph, self.wanted, self.is_watched, self.model = by_graph, wanted, is_watched, by_graph.model
        self.program: Any = None
        self.is_trusted, self.batches = False, 0

    def __call__(self, batch: list[int], batches_to_come: int) -> Answered:
        """Add the gradients of a batch to those of the parameters."""
        self.batches += 1
        if self.wanted and not self.is_trusted:
            return self.on_trial(batch, batches_to_come)
        return self.by_program(batch)

    def by_program(self, batch: list[int]) -> Answered:
        """The same by the program, or by a graph where there is none or it leaves the batch to the engine."""
        moment = self.program.moment() if self.program and self.is_watched else None
        try:
            learnt = self.program and self.program(batch)
        except TraceError as error:                     # the first batch did not show it
            learnt = None
            if self.wanted == "auto":
                self.give_up(error)
        if not learnt:
            return self.by_engine(batch)
        again = Again(partial(self.predictions_again, batch, moment, self.batches)) if moment else ()
        self.program.publish(learnt)
        return Answered(learnt.loss, learnt.answers, again)

    def predictions_again(self, batch: list[int], moment: Any, batches: int) -> Sequence[Any]:
        """The predictions of the latest batch as the model was then, with their gradients; the model stays as it is."""
        if batches != self.batches or not self.program or not self.model.training:
            raise RuntimeError("the predictions of a step are there while after_step is called: keep "
                               "list(step.predictions) there, or train with compiled=False")
        now = State(self.model)
        try:
            self.program.put_back(moment)
            return self.by_graph(batch).predictions
        finally:
            now.put_back()

    def by_engine(self, batch: list[int]) -> Answered:
        """A batch of which no program could tell; its error, or a MemoryError, where its graph would be too large."""
        edges = len(batch) * sum(map(len, self.program.program.tape.parents)) if self.program else 0
        if edges <= LARGEST:
            return self.by_graph(batch)
        self.by_graph.check(batch)
        raise MemoryError(f"a number of this batch is not finite, or may not be, and the engine can tell by a graph of "
                          f"{edges:.0e} edges alone: make batch_size {len(batch)} smaller, or lr")

    def on_trial(self, batch: list[int], batches_to_come: int) -> Answered:
        """A batch, once its first examples have told whether a program pays, and whether it says what graphs say."""
        few, before = batch[:COMPARED], State(self.model)
        answered = self.tried(few, len(batch) * batches_to_come)
        if answered and len(few) == len(batch):
            return answered
        before.put_back()
        return self.by_program(batch) if self.is_trusted else self.by_engine(batch)

    def tried(self, few: list[int], examples: int) -> Answered | None:
        """A few examples by their graph, and by a program if it pays for so many; None where the engine has an error.

        That error may be of these few alone, such as a gradient that overflows where it is no mean of more.
        """
        before = State(self.model)
        try:
            answered = self.by_graph(few)
        except Exception:
            return None
        if self.wanted == "auto" and not is_worth_it(answered.predictions[:1], examples):
            self.wanted = False
            return answered
        after = State(self.model)
        before.put_back()
        try:
            self.program = self.program or self.made(answered)
            self.is_trusted = self.agrees(few, answered, after)
        except Exception as error:
            self.give_up(error)
        finally:
            after.put_back()
        return answered

    def made(self, answered: Answered) -> Any:
        numpy()                                         # or an error that says how to get it
        from .by_program import Steps
        by = self.by_graph
        return Steps(by.model, by.loss, by.penalty, by.inputs, by.targets, answered.answers[0], by.weights)

    def agrees(self, batch: list[int], answered: Answered, after: State) -> bool:
        """Does the program say what happened?  An error if it does not, to the last bit; no, where it cannot say."""
        learnt = self.program(batch)
        if not learnt:
            return False
        self.program.publish(learnt)
        for p, _, grad in after.parameters:
            if p.grad.hex() != grad.hex():
                raise ArithmeticError(f"its gradient of {p!r} is not that of the engine, {grad!r}")
        if (learnt.loss, learnt.answers) != (answered.loss, answered.answers):
            raise ArithmeticError(f"its loss {learnt.loss!r} is not that of the engine, {answered.loss!r}")
        return True

    def give_up(self, error: Exception) -> None:
        """Go on by graphs, and say why; where a program is demanded, raise."""
        if self.wanted is True:
            raise error
        self.wanted, self.program = False, None
        if isinstance(error, ModuleNotFoundError) and sys.platform == "emscripten":
            return                                  # nobody can install NumPy in a browser
        warn(error)

    def look_again(self) -> None:
        """Somebody may have changed the model: a program that no longer does what it does is made anew."""
        if self.program and not self.program.is_up_to_date():
            self.program, self.is_trusted = None, False

    def end(self) -> None:
        """There are no more batches; nothing here waits for that."""


def is_worth_it(predictions: Any, examples: int) -> bool:
    """Does a program save more time than it takes to be made, with so many examples to come like those predicted?

    To make it takes as long as a few hundred examples take the engine, and to load numpy as long as some million
    edges of graphs, or in the engine written in Python some ten thousand.
    """
    outputs = [p for p in numbers_in(as_lists(predictions)) if isinstance(p, Value)]
    edges = sum(len(node.parents) for node in topological_order(Value(0.0, outputs, [0.0] * len(outputs))))
    return examples >= EXAMPLES and edges * examples >= EDGES


def runs_own_code(model: Module, penalty: Any) -> bool:
    """Is a part of the model, or the penalty, not of this package?  What it does may change with time."""
    parts = [penalty] if penalty else []
    for module in model.modules():
        parts.append(type(module))
        for x in vars(module).values():
            parts += [part for part in (x if isinstance(x, list | tuple) else [x]) if callable(part)]
    return any(not (getattr(part, "__module__", None) or "").startswith(PACKAGE) for part in parts)


def warn(error: Exception) -> None:
    """Say at the user's line why there is no program."""
    frame, level = sys._getframe(), 1
    while frame.f_back and is_library(frame.f_code.co_filename):
        frame, level = frame.f_back, level + 1
    reason = str(error).partition("\n")[0] or type(error).__name__
    warnings.warn(f"fit goes on without compile(), and so more slowly: {reason}", stacklevel=level)


# ---- answers ------------------------------------------------------------------------------------------------


class Evaluations:
    """Loss and answers of the same examples at different times: by graphs, and by a program where it is wanted."""

    def __init__(self, model: Module, loss: Callable, inputs: Sequence[Any], targets: Sequence[Any]):
        self.model, self.loss, self.inputs, self.targets = model, loss, inputs, targets
        self.program: Any = None
        self.has_failed = False

    def __call__(self, by_program: bool) -> tuple[float, list[Any]]:
        if by_program and not self.program and not self.has_failed:
            self.make()
        return (self.program and self.program()) or self.by_graph(self.inputs, self.targets)

    def by_graph(self, inputs: Sequence[Any], targets: Sequence[Any]) -> tuple[float, list[Any]]:
        answered = answers(self.model, inputs)
        loss = self.loss(answered, targets)
        return getattr(loss, "data", loss), answered

    def make(self) -> None:
        """The program, if it says of the first few what the engine says."""
        inputs, targets = self.inputs[:COMPARED], self.targets[:COMPARED]
        expected = self.by_graph(inputs, targets)
        try:
            from .by_program import Evaluation
            first = expected[1][0]
            if Evaluation(self.model, self.loss, inputs, targets, first)() != expected:
                raise ArithmeticError("the program says something else of the validation examples than the engine")
            self.program = Evaluation(self.model, self.loss, self.inputs, self.targets, first)
        except Exception as error:
            self.has_failed = True
            warn(error)

    def look_again(self) -> None:
        if self.program and not self.program.is_up_to_date():
            self.program = None


class Asked:
    """What a model answers to many rows, time after time: by graphs, and by a program where it pays.

    times   how often it will be asked, about
    """

    def __init__(self, model: Module, times: int):
        self.model, self.times = model, times
        self.program: Any = None
        self.is_wanted = True

    def __call__(self, rows: Sequence[Any]) -> list[Any]:
        if self.program and not self.program.is_up_to_date():
            self.program = None
        if self.is_wanted and rows and not self.program:
            self.make(rows)
        return (self.program and self.program(rows)) or answers(self.model, rows)

    def make(self, rows: Sequence[Any]) -> None:
        """A program, if it says of the first rows what the engine says."""
        with self.model.evaluating():
            self.is_wanted = is_worth_it([self.model(rows[0])], len(rows) * self.times)
        if not self.is_wanted:
            return
        few = rows[:COMPARED]
        expected = answers(self.model, few)
        try:
            from .by_program import Answers
            program = Answers(self.model, rows[0], expected[0])
            self.program = program if program(few) == expected else None
        except Exception:                               # the training will say why
            self.program = None
        self.is_wanted = self.program is not None
