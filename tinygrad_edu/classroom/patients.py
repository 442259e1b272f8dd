"""Eight trainings that are ill: students examine them with the tools of the library, and name what is wrong.

Each learns exclusive or, and has one fault and no other.
"""

import copy
import math
import random
from collections.abc import Callable
from functools import cache
from types import EllipsisType
from typing import Any, NamedTuple

from ..engine.composites import softmax
from ..engine.number import checked_whole
from ..engine.value import Value
from ..learn import data
from ..nn.losses import cross_entropy
from ..nn.modules import MLP, Module, Sequential
from ..nn.optim import SGD
from .predict import NOT_YET, RIGHT, TO_FILL_IN, Judged, Prediction

STEPS = 60
DEEP = (4, 4, 4, 4, 2)                  # the layers of two of them
SIGNS = {                               # of each illness: what would be seen
    "large weights": "the first loss would be far above log 2",
    "softmax twice": "eight examples would stop at a loss of 0.3133, which is log(1 + 1/e)",
    "no activation": "eight examples at all four corners would stop near log 2, at every rate",
    "rate too high": "the loss would jump about or rise, and train(lr=...) with a tenth of the rate would help",
    "rate too low": "the loss would fall a little at every step, and train(lr=...) with a larger rate would help",
    "uphill": "the loss would rise from the first step on, at every rate",
    "shuffled labels": "the accuracy on new examples would be far below that on the training examples",
    "vanishing gradients": "the gradients of the first layer would be far smaller than those of the last",
}


class Training(NamedTuple):
    """How a training went: the loss before each step and at the end, and the accuracies at the end."""

    losses: list[float]
    accuracy: float
    on_new: float

    def __repr__(self) -> str:
        return (f"loss {self.losses[0]:.3f} -> {self.losses[-1]:.3f} in {len(self.losses) - 1} steps, "
                f"accuracy {self.accuracy:.2f}, on new examples {self.on_new:.2f}")


class Patient:
    """A model, its examples, and a training loop, one of which has a fault.

    model     what is trained; the patient itself never changes, since copies are trained
    inputs    16 points about the corners of a square, the first eight at each corner twice
    targets   their classes
    lr        the rate of plain gradient descent, with all examples in each step
    """

    def __init__(self, model: Module, lr: float = 1.0, *, shuffled: bool = False, sign: int = 1):
        self.model, self.lr, self.sign = model, lr, sign
        examples, self.new = data.xor(16, seed=0), data.xor(40, seed=1)
        self.inputs = examples.inputs
        self.targets = random.Random(0).sample(examples.targets, 16) if shuffled else examples.targets

    def train(self, lr: float | None = None) -> Training:
        """Train a copy for 60 steps, at the patient's rate or at another."""
        model = copy.deepcopy(self.model)
        optimizer = SGD(model.parameters(), lr=self.lr if lr is None else lr)
        losses = []
        for _ in range(STEPS):
            optimizer.zero_grad()
            loss = self.loss(model)
            loss.backward(self.sign)
            optimizer.step()
            losses.append(loss.data)
        losses.append(self.loss(model).data)
        return Training(losses, accuracy(model, self.inputs, self.targets),
                        accuracy(model, self.new.inputs, self.new.targets))

    def loss(self, model: Module | None = None) -> Value:
        """The mean loss of all examples."""
        answer = model or self.model
        return cross_entropy([answer(x) for x in self.inputs], self.targets)

    def gradients(self) -> dict[str, Value]:
        """{name: parameter} after one backward pass."""
        self.model.zero_grad()
        self.loss().backward()
        return dict(self.model.named_parameters())


def accuracy(model: Module, inputs: Any, targets: Any) -> float:
    """The share of examples whose largest score is that of their class."""
    scores = [model.predict(x) for x in inputs]
    return sum(each.index(max(each)) == target for each, target in zip(scores, targets)) / len(scores)


# ---- the ward ------------------------------------------------------------------------------------------


def network(activation: str | None = "tanh", sizes: tuple[int, ...] = (8, 2), times: float = 1.0) -> MLP:
    """A network for the square, its first weights a number of times as large as they should be."""
    model = MLP(2, list(sizes), activation, init="xavier", rng=0)
    for parameter in model.parameters():
        parameter.data *= times
    return model


def healthy() -> Patient:
    return Patient(network())


def healthy_and_deep() -> Patient:
    return Patient(network(sizes=DEEP), 0.3)


WARD: list[tuple[str, Callable[[], Patient], Callable[[], Patient]]] = [        # illness, patient, the cured patient
    ("large weights", lambda: Patient(network(sizes=DEEP, times=20), 0.3), healthy_and_deep),
    ("softmax twice", lambda: Patient(Sequential(network(), softmax)), healthy),
    ("vanishing gradients", lambda: Patient(network("sigmoid", DEEP), 0.3), healthy_and_deep),
    ("rate too high", lambda: Patient(network(), 10.0), healthy),
    ("shuffled labels", lambda: Patient(network(), shuffled=True), healthy),
    ("no activation", lambda: Patient(network(None)), healthy),
    ("uphill", lambda: Patient(network(), sign=-1), healthy),
    ("rate too low", lambda: Patient(network(), 0.005), healthy),
]


def patient(number: int) -> Patient:
    """A training that is ill, by its number from 1 to 8.

    >>> patient(8).train()
    loss 0.700 -> 0.698 in 60 steps, accuracy 0.62, on new examples 0.62
    """
    return case(number)[1]()


def case(number: int) -> tuple[str, Callable[[], Patient], Callable[[], Patient]]:
    """The line of the ward; ValueError where there is none."""
    checked = checked_whole("number", number, least=-math.inf)
    if not 1 <= checked <= len(WARD):
        raise ValueError(f"there is no patient {number}: they are numbered from 1 to {len(WARD)}")
    return WARD[checked - 1]


def diagnose(number: int, illness: str | EllipsisType) -> Prediction:
    """Judge what a student says a patient has; where it is right, the cured patient is trained too.

    illness   one of "large weights", "softmax twice", "no activation", "rate too high", "rate too low",
              "uphill", "shuffled labels", "vanishing gradients"; or `...` for "not yet"

    >>> print(diagnose(8, "rate too low"))
    right       patient 8: rate too low
                ill:   loss 0.700 -> 0.698 in 60 steps, accuracy 0.62, on new examples 0.62
                cured: loss 0.700 -> 0.070 in 60 steps, accuracy 1.00, on new examples 1.00
    >>> print(diagnose(8, "uphill"))
    not yet     patient 8: uphill
                Then the loss would rise from the first step on, at every rate. Is it so?
    """
    name, *_ = case(number)
    asked = f"patient {number}"
    if illness is ...:
        return Prediction([Judged(asked, "...", TO_FILL_IN)])
    said = str(illness).strip().lower()
    if said not in SIGNS:
        return Prediction([Judged(asked, said, NOT_YET, f"No patient has that. The illnesses are {', '.join(SIGNS)}.")])
    if said != name:
        return Prediction([Judged(asked, said, NOT_YET, f"Then {SIGNS[said]}. Is it so?")])
    return Prediction([Judged(asked, said, RIGHT, ill_and_cured(number))])


@cache                                  # the same every time, and it takes seconds without the compiled engine
def ill_and_cured(number: int) -> str:
    """How the training of a patient goes, and how it goes when the fault is mended."""
    _, ill, cured = case(number)
    return f"ill:   {ill().train()}\ncured: {cured().train()}"


__all__ = ["diagnose", "patient"]
