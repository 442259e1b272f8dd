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
from ..engine.op import OPS
from ..engine.value import Value
from ..fast.program import Program
from ..fast.tape import CONSTANT, PARAMETER, Tape, recorded
from ..fast.trace import TraceError, traced
from ..nn import losses
from ..nn.modules import Module, as_floats
from .examples import BY_CLASS, is_class

Array = Any
NO_INPUT = np.zeros((1, 1))
CHECKED = [getattr(losses, name) for name in losses.__all__]    # a program refuses what they refuse; others are asked


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

    def whole(self, numbers: Array) -> float:
        """Of these numbers, added up one after the other."""
        total = float(np.add.accumulate(numbers)[-1])
        mean = total / len(numbers) if self.op is ops.mean else total
        return mean if self.divisor is None else mean / self.divisor

    def slope(self, count: int) -> float:
        """The local gradient of each of so many numbers, as the engine has it."""
        leaves = [Value(0.0) for _ in range(count)]
        whole = self.op(leaves)
        (whole if self.divisor is None else ops.div(whole, self.divisor)).backward()
        return leaves[0].grad


def reduction_of(loss: Callable, prediction: Any, target: Any) -> Reduction:
    """Read off the graph of three examples; a TraceError where they are not all treated alike.

    >>> reduction_of(losses.half_squared_error, [1.0, 2.0], [0.0, 0.0])
    Reduction(terms=2, op=<op sum>, divisor=2.0)
    """
    kept: list[Any] = []

    def of_three(*pairs: Any) -> Any:
        kept[:] = [loss(list(pairs[::2]), list(pairs[1::2])), pairs]
        return kept[0]
    traced(of_three, (prediction, target) * 3)
    loss_of_three = kept[0]
    if not isinstance(loss_of_three, Value):
        raise TraceError(f"the loss of a batch is not one Value: {short_repr(loss_of_three)}")
    whole = undivided(loss_of_three)
    divisor = None if whole is loss_of_three else loss_of_three.parents[1].data
    if whole.op not in ("mean", "sum") or len(whole.parents) % 3:
        raise TraceError("the loss of a batch is not tg.mean or tg.sum of the losses of its examples: "
                         f"{loss_of_three!r}")
    count = len(whole.parents) // 3
    parts = [recorded(list(whole.parents[i * count:][:count]), flat(kept[1][2 * i:2 * i + 2]))[0] for i in range(3)]
    if not all(is_same(parts[0], part) for part in parts):
        raise TraceError("the loss does not treat all examples of a batch alike")
    return Reduction(count, OPS[whole.op], divisor)


def undivided(whole: Value) -> Value:
    """What a plain number divides in the end; without such a number the whole."""
    divides = whole.op == "div" and whole.parents[1].is_constant and not whole.parents[1].parents
    return whole.parents[0] if divides else whole


def is_same(a: Tape, b: Tape) -> bool:
    """Do two tapes say the same, with the same parameters and constants?"""
    return (a.kind, a.ops, a.parents, a.constants, a.inputs, a.outputs, constants_in(a)) == (
        b.kind, b.ops, b.parents, b.constants, b.inputs, b.outputs, constants_in(b)) and (
        [*map(id, a.values)] == [*map(id, b.values)])


def constants_in(tape: Tape) -> list[str]:
    return [x.hex() for x, kind in zip(tape.numbers, tape.kind) if kind == CONSTANT]


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

    Raises TraceError, and whatever model and loss raise where they are given Values without numbers.
    """

    def __init__(self, model: Module, loss: Callable, inputs: Sequence[Any], targets: Sequence[Any], answer: Any):
        self.model, self.loss, self.targets, self.answer = model, loss, targets, answer
        goals = rows_of_targets(loss, targets, answer)
        self.example = plain(inputs[0]), plain(goals[0])
        self.table = np.concatenate([table_of(self.example[0], inputs), table_of(self.example[1], goals)], axis=1)
        self.reduction = reduction_of(loss, answer, self.example[1])

    def traced(self) -> Program:
        return Program(traced(self.of_one, self.example), self.example, "the loss", ["inputs", "targets"])

    def of_one(self, x: Any, t: Any) -> list[Value]:
        """The loss of an example, the numbers it is the sum of if these are several, and the answer."""
        answer = self.model(x)
        loss = self.loss([answer, self.answer], [t, self.example[1]])
        terms = list(undivided(loss).parents[:self.reduction.terms])
        return [*terms, *flat(answer)] if len(terms) == 1 else [ops.sum(terms), *terms, *flat(answer)]

    def measured(self, outputs: Array) -> tuple[float, list[Any]]:
        """The loss of the examples with these outputs, and the answers."""
        terms = self.reduction.terms
        outputs = outputs[:, terms > 1:]                # without the sum of several terms
        return self.reduction.whole(outputs[:, :terms].ravel()), answers_in(outputs[:, terms:], self.answer)


def rows_of_targets(loss: Callable, targets: Sequence[Any], answer: Any) -> Sequence[Any]:
    """Targets as they are, or where they are classes, a row of each: 1.0 for its class and 0.0 for the others.

    A loss of one's own gets such rows too, where a model answers with a row; whether it says the same of them as of
    the classes is looked at in every batch.
    """
    is_own = loss not in CHECKED and isinstance(answer, list) and len(answer) > 1 and all(map(is_class, targets))
    if loss in BY_CLASS or is_own:
        return [losses.distribution(t, len(answer)) for t in targets]
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

    penalty    of the weights, or None; else as for `Examples`
    """

    def __init__(self, model: Module, loss: Callable, penalty: Callable | None, inputs: Sequence[Any],
                 targets: Sequence[Any], answer: Any):
        super().__init__(model, loss, inputs, targets, answer)
        self.penalty, self.slopes = penalty, dict[int, float]()
        self.program, self.cost = self.traced(), self.traced_penalty()
        place = {value: i for i, value in enumerate(self.program.parameters)}
        weights = self.cost.parameters if self.cost else []
        self.shared = np.array([value in place for value in weights], bool)     # by the examples and the penalty
        self.places = [place[value] for value in weights if value in place]
        self.others = [value for value in weights if value not in place]

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
        outputs, gradients, is_clean = program.machine_for(PARAMETER).run(
            program.with_draws(self.table[batch]), self.slope(len(batch)), start)
        if not (are_clean and is_clean and are_finite(outputs, gradients)):
            return None
        loss, answers = self.measured(outputs)
        if not math.isfinite(loss) or self.objects(batch, answers, loss):
            return None
        program.count_draws(len(batch))
        return Learnt(loss, answers, gradients, others)

    def publish(self, learnt: Learnt) -> None:
        """Add the gradients to those of the parameters."""
        machine = self.program.machine_for(PARAMETER)
        machine.array.add_to_grad(learnt.gradients, machine.places)
        if self.others and self.cost:
            self.cost.array.add_to_grad(learnt.others, self.cost.places[~self.shared])

    def slope(self, examples: int) -> float:
        """Of the loss of a batch of so many, by each of its terms."""
        if examples not in self.slopes:
            self.slopes[examples] = self.reduction.slope(examples * self.reduction.terms)
        return self.slopes[examples]

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
                             "treats classes in a way of its own, or chooses by a number")
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
        loss, answers = self.measured(outputs)
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
