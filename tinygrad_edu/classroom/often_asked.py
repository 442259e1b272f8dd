"""The questions learners ask most, each answered by a tiny graph: the right numbers, the wrong ones, and why.

Nothing is written here that can be computed: the numbers are those of the bug models, when they are asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..engine.number import format_number
from ..nn.checks import by_name
from ..show.live import play
from ..show.page import Page
from ..symbols.expression import expression
from .faults.models import MODELS, Model


@dataclass(frozen=True)
class Question:
    """One question.

    name     what it is called
    asks     the question
    models   the bug models that show it
    answer   why, in a few sentences
    given    what is played, and its numbers, where that is no graph of a model
    """

    name: str
    asks: str
    models: tuple[str, ...]
    answer: str
    given: tuple[str, Mapping[str, float]] | None = None

    @property
    def example(self) -> tuple[str, Mapping[str, Any]]:
        """The expression to be played, and its numbers."""
        graph = MODELS[self.models[0]].graph
        return self.given or (graph.text, graph.at)                                     # type: ignore[union-attr]

    @property
    def command(self) -> str:
        """What plays it."""
        text, numbers = self.example
        return f'tinygrad-edu play "{text}" ' + " ".join(f"{name}={shown(x)}" for name, x in numbers.items())

    def page(self) -> Page:
        """The page that walks through the right answer."""
        text, numbers = self.example
        values: dict[str, Any] = {name: float(x) for name, x in numbers.items()}
        return play(expression(text, **values))

    def as_dict(self) -> dict[str, Any]:
        """Question, numbers and answer as plain data, for JSON."""
        return {"name": self.name, "question": self.asks, "answer": self.answer, "play": self.command,
                "tried": [{"what": title, "fault": fault, "right": right, "wrong": wrong}
                          for title, fault, right, wrong in map(tried, map(MODELS.__getitem__, self.models))]}

    def __str__(self) -> str:
        lines = [self.asks]
        for title, fault, right, wrong in map(tried, map(MODELS.__getitem__, self.models)):
            lines += ["", f"  {title}", f"    right   {right}", f"    wrong   {wrong}   {fault}"]
        return "\n".join([*lines, "", self.answer, "", f"Play it: {self.command}"])


def tried(model: Model) -> tuple[str, str, str, str]:
    """What is computed, what is done wrong, what comes out, and what comes out then."""
    if model.graph is None:
        right, wrong = map(gradients_of_descent, (model.faulty.__bases__[0], model.faulty))
        return "three steps of gradient descent on (2w + b - 1)²: w.grad at each", model.title, right, wrong
    times = f", backward {len(model.calls)} times" if len(model.calls) > 1 else ""
    at = ", ".join(f"{name} = {shown(x)}" for name, x in model.graph.at.items())
    return f"{model.graph.text}, with {at}{times}", model.title, outcome(model.right), outcome(model.wrong)


def outcome(numbers: Any) -> str:
    """The gradients that come out, or the name of the error."""
    if isinstance(numbers, str):
        return numbers
    return ", ".join(f"{name}.grad = {shown(x)}" for name, x in numbers.items())


def gradients_of_descent(descent: Any) -> str:
    """The gradients that an optimizer of the classroom is given for its first parameter, step by step."""
    told = []

    class Telling(descent):
        def update(self, number: Any, grad: Any) -> Any:
            told.append(shown(grad))
            return super().update(number, grad)
    program = Telling()
    program.run()
    return ", ".join(told[::len(program.parameters())])


def shown(x: Any) -> str:
    return format_number(float(x))


def why(question: str) -> Question:
    """The answer to one of the questions that learners ask most: "topo", "zero-grad", "twice", "seed".

    >>> print(why("seed"))
    Why does backward begin with 1?
    <BLANKLINE>
      f = a + a, with a = 2
        right   a.grad = 2
        wrong   a.grad = 0   the output's own gradient is never set to 1
    <BLANKLINE>
    When f changes by a little, f changes by just as much: ∂f/∂f = 1. All that is passed back is a multiple of this
    number. Begin with 0, and every gradient is 0; begin with 2, and every gradient is twice as large.
    <BLANKLINE>
    Play it: tinygrad-edu play "f = a + a" a=2
    """
    return by_name("question", question, QUESTIONS)


QUESTIONS = {question.name: question for question in (
    Question("topo", "Why does backward need the nodes in order?", ("recursion", "breadth-first"), """\
A node may pass its gradient on when all of it has arrived, and not before. Here v is used twice. Without an order v
passes on what has come from one use, and again when the rest comes, so that a part is counted twice; or it passes on
once, too early, and the rest is lost. In a topological order, walked from the output back, every node comes after all
that were made from it."""),
    Question("zero-grad", "Why are the gradients set to zero before every step?", ("no-zero-grad",), """\
backward adds to the gradients of the leaves, since a leaf may be used many times. It does not know when a new step
begins. Unless somebody clears them, the gradients of all earlier steps are still in there, and each step goes where
they all together point: too far, and past the goal.""", ("(2*w + b - 1)**2", {"w": 1, "b": 0})),
    Question("twice", "What happens if backward is called twice?", ("second-backward",), """\
A second pass finds what the first one left. Leaves keep it, and the new gradient is added: twice the gradient is right.
But the nodes in between must start from 0 again. Where they do not, they pass on what they had from the first pass too,
and that is counted more often the further back a node stands."""),
    Question("seed", "Why does backward begin with 1?", ("seed",), """\
When f changes by a little, f changes by just as much: ∂f/∂f = 1. All that is passed back is a multiple of this
number. Begin with 0, and every gradient is 0; begin with 2, and every gradient is twice as large."""),
)}
