"""What a batch loses and its gradients by a program, with the bits of the engine.

A model and its loss are traced for one example and run for a whole batch at once.  How the loss makes one number
of those of the examples is read off its graph: it must be their mean or their sum, over a number or not.
A batch with numbers that the engine might complain about is left to the engine.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..calculus.transforms import flat, flat_along, plain, refilled
from ..engine import ops
from ..engine.number import number, short_repr
from ..engine.value import Value
from ..fast.program import Program
from ..fast.tape import PARAMETER
from ..fast.trace import TraceError, traced
from ..nn import losses
from ..nn.modules import Module, as_floats
from ..nn.targets import distribution
from .examples import BY_CLASS, is_class
from .sample_weights import Reduction, is_same, read_off, undivided

Array = Any
NO_INPUT = np.zeros((1, 1))
CHECKED = [getattr(losses, name) for name in losses.__all__]    # a program refuses what they refuse; others are asked


def reduction_of(loss: Callable, prediction: Any, target: Any) -> Reduction:
    """Read off the graph of three examples, for any numbers; a TraceError where they are not all treated alike.

    >>> reduction_of(losses.half_squared_error, [1.0, 2.0], [0.0, 0.0])
    Reduction(terms=2, op=<op sum>, divisor=2.0)
    """
    kept: list[Any] = []

    def of_three(*pairs: Any) -> Any:
        kept[:] = [loss(list(pairs[::2]), list(pairs[1::2])), pairs]
        return kept[0]
    traced(of_three, (prediction, target) * 3)
    whole, pairs = kept
    return read_off(whole, [flat(pairs[2 * i:2 * i + 2]) for i in range(3)])


def does_the_same(program: Program | None, traced: Callable) -> bool:
    """Is this, or None, what comes of tracing now?"""
    try:
        return program is None or is_same(traced().tape, program.tape)
    except Exception:
        return False


# ---- examples -----------------------------------------------------------------------------------------------


class Examples:
    """A table with a row for each example, and what is traced for a row of it.

    model, loss       as they are now
    inputs, targets   of all examples
    answer            of the model to the first of them, in floats
    weights           of all examples, if they have any

    Raises TraceError, and whatever model and loss raise where they are given Values without numbers.
    """

    def __init__(self, model: Module, loss: Callable, inputs: Sequence[Any], targets: Sequence[Any], answer: Any,
                 weights: Sequence[float] | None = None):
        self.model, self.loss, self.targets, self.answer = model, loss, targets, answer
        self.weights: Array = None if weights is None else np.array(weights)
        columns = [inputs, rows_of_targets(loss, targets, answer), *([] if weights is None else [weights])]
        self.example = tuple(plain(column[0]) for column in columns)
        self.table = np.concatenate([table_of(x, column) for x, column in zip(self.example, columns)], axis=1)
        self.reduction = reduction_of(loss, answer, self.example[1])

    def traced(self) -> Program:
        names = ["inputs", "targets", "weights"][:len(self.example)]
        return Program(traced(self.of_one, self.example), self.example, "the loss", names)

    def of_one(self, x: Any, t: Any, *weight: Any) -> list[Value]:
        """The loss of an example, the numbers it is the (weighted) sum of if it is one, and the answer."""
        answer = self.model(x)
        loss = self.loss([answer, self.answer], [t, self.example[1]])
        terms = list(undivided(loss).parents[:self.reduction.terms])
        if weight:
            return [ops.dot([*weight] * len(terms), terms), *terms, *flat(answer)]
        return [*terms, *flat(answer)] if len(terms) == 1 else [ops.sum(terms), *terms, *flat(answer)]

    def measured(self, outputs: Array) -> tuple[Array, list[Any]]:
        """The losses of the examples with these outputs, all terms of them, and the answers."""
        terms = self.reduction.terms
        outputs = outputs[:, terms > 1 or self.weights is not None:]        # without the sum of the terms
        return outputs[:, :terms].ravel(), answers_in(outputs[:, terms:], self.answer)

    def whole(self, losses: Array) -> float:
        """The loss of the batch, without weights."""
        return self.reduction.of_total(added_up(losses), len(losses))


def rows_of_targets(loss: Callable, targets: Sequence[Any], answer: Any) -> Sequence[Any]:
    """Targets as they are, or where they are classes, a row of each: 1.0 for its class and 0.0 for the others.

    A loss of one's own gets such rows too, where a model answers with a row; whether it says the same of them as of
    the classes is looked at in every batch.
    """
    is_own = loss not in CHECKED and isinstance(answer, list) and len(answer) > 1 and all(
        is_class(t) and 0 <= t < len(answer) for t in targets)
    if loss in BY_CLASS or is_own:
        return [distribution(t, len(answer)) for t in targets]
    return targets


def table_of(model: Any, rows: Iterable[Any]) -> Array:
    """Rows of numbers: all that stands in each example, which must be built like the model of them."""
    width = len(flat(model))
    return np.array([numbers_of(model, width, row) for row in rows]).reshape(-1, width)


def numbers_of(model: Any, width: int, row: Any) -> list[float]:
    if type(row) is list and type(model) is list and len(row) == len(model) == width and set(map(type, row)) == {float}:
        return row                                      # by far the most
    try:
        numbers = [number(x) for x in flat_along(model, plain(row))]
    except (TypeError, LookupError):
        numbers = []
    if len(numbers) != width or len(flat(row)) != width:
        raise TraceError(f"the examples are not all built alike: {short_repr(row)} is not like {short_repr(model)}")
    return numbers


def answers_in(table: Array, answer: Any) -> list[Any]:
    """The rows of a table, each built like this answer."""
    rows = table.tolist()
    if type(answer) is list and set(map(type, answer)) == {float}:
        return rows
    return [refilled(answer, iter(row)) for row in rows]


def added_up(numbers: Array) -> float:
    """Their sum, one after the other, as the engine adds."""
    return float(np.add.accumulate(numbers)[-1])


def are_finite(*arrays: Array) -> bool:
    return all(np.isfinite(array).all() for array in arrays)


# ---- steps, evaluations and answers -----------------------------------------------------------------------


class Learnt(NamedTuple):
    """What is known of a batch.

    loss        of it, without the penalty
    answers     of the model to its examples
    gradients   by the parameters of the examples' program, the penalty's among them
    others      by those that only the penalty has
    """

    loss: float
    answers: list[Any]
    gradients: Array
    others: Array


class Steps(Examples):
    """Losses and gradients of batches, in training.

    penalty    of the model's weights, or None; else as for `Examples`
    """

    def __init__(self, model: Module, loss: Callable, penalty: Callable | None, inputs: Sequence[Any],
                 targets: Sequence[Any], answer: Any, weights: Sequence[float] | None = None):
        super().__init__(model, loss, inputs, targets, answer, weights)
        self.penalty = penalty
        self.program, self.cost = self.traced(), self.traced_penalty()
        place = {value: i for i, value in enumerate(self.program.parameters)}
        penalised = self.cost.parameters if self.cost else []
        self.shared = np.array([value in place for value in penalised], bool)   # by the examples and the penalty
        self.places = [place[value] for value in penalised if value in place]
        self.others = [value for value in penalised if value not in place]

    def traced_penalty(self) -> Program | None:
        if self.penalty is None:
            return None
        penalty, weights = self.penalty, self.model.parameters(biases=False)
        return Program(traced(lambda _: penalty(weights), (0.0,)), (0.0,), "the penalty", ["nothing"])

    def is_up_to_date(self) -> bool:
        """Do model, loss and penalty still compute what they did?"""
        return does_the_same(self.program, self.traced) and does_the_same(self.cost, self.traced_penalty)

    def __call__(self, batch: list[int]) -> Learnt | None:
        """What the engine would say of these examples; None where it has to be asked."""
        program = self.program
        start, others, are_clean = self.started()
        outputs, gradients, is_clean = self.sums(batch, start)
        if not (are_clean and is_clean and are_finite(outputs, gradients)):
            return None
        losses, answers = self.measured(outputs)
        loss = self.weighted(losses, batch)
        if not math.isfinite(loss) or self.objects(batch, answers, self.whole(losses)):
            return None
        program.count_draws(len(batch))
        return Learnt(loss, answers, gradients, others)

    def sums(self, batch: list[int], start: Any) -> tuple[Array, Array, bool]:
        """(outputs of the program, one row each; gradients, added to those at the start; are they to be trusted?)."""
        program = self.program
        slope = self.reduction.slope(self.count(batch))
        return program.machine_for(PARAMETER).run(program.with_draws(self.table[batch]), slope, start)

    def each_weight(self, batch: list[int]) -> Array:
        """The weights of all terms of these examples."""
        return np.repeat(self.weights[batch], self.reduction.terms)

    def count(self, batch: list[int]) -> float:
        """How many terms these examples have, or what those weigh together."""
        if self.weights is None:
            return len(batch) * self.reduction.terms
        return added_up(self.each_weight(batch))

    def weighted(self, losses: Array, batch: list[int]) -> float:
        """The loss of the batch."""
        if self.weights is None:
            return self.whole(losses)
        return self.reduction.of_total(added_up(self.each_weight(batch) * losses), self.count(batch))

    def publish(self, learnt: Learnt) -> None:
        """Add the gradients to those of the parameters."""
        machine = self.program.machine_for(PARAMETER)
        machine.array.add_to_grad(learnt.gradients, machine.places)
        if self.others and self.cost:
            self.cost.array.add_to_grad(learnt.others, self.cost.places[~self.shared])

    def started(self) -> tuple[Any, Array, bool]:
        """The gradients of the penalty, to which those of the examples are added; those of other Values; all finite?"""
        if self.cost is None:
            return 0.0, NO_INPUT, True
        values, gradients, is_clean = self.cost.machine_for(PARAMETER).run(NO_INPUT, 1.0)
        start = np.zeros(len(self.program.parameters))
        start[self.places] = gradients[self.shared]
        return start, gradients[~self.shared], is_clean and are_finite(values, gradients)

    def moment(self) -> tuple[Array, list[tuple[Any, int]]]:
        """The numbers of the parameters now, and how often each source of draws was used."""
        return self.program.array.data[self.program.places], [(source, source.calls) for source in self.program.calls]

    def put_back(self, moment: tuple[Array, list[tuple[Any, int]]]) -> None:
        numbers, calls = moment
        for parameter, x in zip(self.program.parameters, numbers.tolist()):
            parameter.data = x
        for source, count in calls:
            source.calls = count

    def objects(self, batch: list[int], answers: list[Any], loss: float) -> bool:
        """Does the loss find a fault in plain numbers?  A TraceError where it says something else of them."""
        if self.loss in CHECKED:
            return False
        try:
            said = as_floats(self.loss(answers, [self.targets[i] for i in batch]))
        except Exception:                               # which the engine is to raise
            return True
        if said != loss:
            raise TraceError(f"the loss is {said!r} of the targets as they are and {loss!r} of rows of numbers: it "
                             "treats classes in a way of its own, or chooses by a number; for a weight of each class, "
                             "write sample_weight=[weight[t] for t in targets]")
        return False


class Evaluation(Examples):
    """The loss of examples and the model's answers to them, in evaluation."""

    def __init__(self, model: Module, loss: Callable, inputs: Sequence[Any], targets: Sequence[Any], answer: Any):
        super().__init__(model, loss, inputs, targets, answer)
        self.program = self.traced()

    def traced(self) -> Program:
        with self.model.evaluating():
            return super().traced()

    def is_up_to_date(self) -> bool:
        return does_the_same(self.program, self.traced)

    def __call__(self) -> tuple[float, list[Any]] | None:
        """Of all of them, as they are now; None where the engine has to be asked."""
        outputs, _, is_clean = self.program.machine_for(None).run(self.table)
        if not (is_clean and are_finite(outputs)):
            return None
        losses, answers = self.measured(outputs)
        loss = self.whole(losses)
        if not math.isfinite(loss):
            return None
        return loss if self.loss in CHECKED else as_floats(self.loss(answers, self.targets)), answers


class Answers:
    """What a model answers to rows of numbers like this one, as it is now, and in evaluation.

    answer   to this row, in floats
    """

    def __init__(self, model: Module, row: Sequence[Any], answer: Any):
        self.model, self.example, self.answer = model, plain(row), answer
        self.program = self.traced()

    def traced(self) -> Program:
        with self.model.evaluating():
            trace = traced(lambda x: flat(self.model(x)), (self.example,))
        return Program(trace, (self.example,), "the answer", ["x"])

    def is_up_to_date(self) -> bool:
        return does_the_same(self.program, self.traced)

    def __call__(self, rows: Sequence[Any]) -> list[Any] | None:
        """To each of these rows; None where the engine has to be asked."""
        table = table_of(self.example, rows)
        outputs, _, is_clean = self.program.machine_for(None).run(table)
        return answers_in(outputs, self.answer) if is_clean and are_finite(outputs) else None
