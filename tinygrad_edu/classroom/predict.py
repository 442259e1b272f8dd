"""Predict, then look: a student says numbers before seeing them, and the engine judges.

A wrong number gets a hint: the mistake that leads to it, found among the bug models of `faults/`, and never the
answer.  `...` means "not yet", so that a page of questions runs from top to bottom while nothing is filled in.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from types import EllipsisType
from typing import TYPE_CHECKING, Any, NamedTuple

from ..engine.graph import walked_back
from ..engine.number import format_number, nearest, number, printable, short_repr, truncate
from ..engine.value import Value
from ..show.steps import check_fresh
from ..symbols.named import NamedGraph

if TYPE_CHECKING:                       # `import tinygrad_edu` stays quick: these are imported where they are used
    from .faults.model import Model
    from .worked.written import Number

RIGHT, NOT_YET, TO_FILL_IN = "right", "not yet", "to fill in"
GENERAL = {"gradient": "Push it a tiny bit: its gradient is the change of the end ÷ the push.\n"
                       "Walk back from the end: multiply along a path, and add where paths meet.",
           "value": "Go forward: put the numbers in, one operation at a time."}
SIGN = "Look at the sign."
ITSELF = "That is the number itself. The gradient says how strongly the output answers when this number moves."
STILL = "0 says that the end does not move at all when this number moves a tiny bit."
NO_NUMBER = 'That is no number. Write -4, 0.75 or "3/4", or ... for "not yet".'
WAY_BACK = "That is the way back. Forward, each name comes after everything that it is made of."
MOST_LETTERS = 40                       # of a small graph that stands in a hint


class Judged(NamedTuple):
    """One answer: what was asked, what was said, and how it was judged; the hint is "" where nothing is wrong."""

    name: str
    said: str
    verdict: str
    hint: str = ""

    def told(self, hint: str) -> str:
        """It in words, with this hint below it."""
        return "\n            ".join([f"{self.verdict:10}  {self.name}: {self.said}", *hint.splitlines()])


class Prediction(tuple[Judged, ...]):
    """All answers to one question; true if every one of them is right."""

    def __bool__(self) -> bool:
        return all(judged.verdict == RIGHT for judged in self)

    def __str__(self) -> str:
        hints = [judged.hint for judged in self]
        return "\n".join(judged.told("The same." if judged.hint and judged.hint in hints[:i] else judged.hint)
                         for i, judged in enumerate(self))

    __repr__ = __str__


def predict(output: Value, gradients: Mapping[str, Any] | None = None, /, *, values: Mapping[str, Any] | None = None,
            order: Sequence[str] | EllipsisType | None = None) -> Prediction:
    """Judge what a student expects of a graph, before it is shown.

    gradients   {name: the gradient of the output with respect to it}
    values      {name: the number it holds}
    order       all names, each after everything that it is made of

    A number is an int, a float, a Fraction, or text such as "3/4"; it is right to the digits that are given.
    `...` means "not yet".  A wrong number gets a hint that names a mistake which leads to it, never the answer.
    Names are those in the picture of the graph.  Raises ValueError if there is no gradient or value of that name.

    >>> from tinygrad_edu import expression, predict
    >>> f = expression("q = x + y; f = q * z", x=-2, y=5, z=-4)
    >>> predict(f, {"z": 3, "x": "-4", "y": ...})
    right       z: 3
    right       x: -4
    to fill in  y: ...
    >>> predict(f, {"z": -4})
    not yet     z: -4
                This mistake gives that number: in a product each factor gets itself, not the other one.
                Try it on f = a * b.
                When a grows by 1, by how much does a * b grow?
    >>> bool(predict(f, values={"q": 3, "f": -12}, order=["x", "y", "q", "z", "f"]))
    True
    """
    graph = Graph(output)
    judged = [*judge_numbers(graph, "gradient", gradients), *judge_numbers(graph, "value", values),
              *([] if order is None else [judge_order(graph, order)])]
    if not judged:
        raise ValueError("nothing is predicted: write what you expect, such as tg.predict(f, {'x': 3}); "
                         "... means 'not yet'")
    return Prediction(judged)


class Graph:
    """A graph that questions are asked about.

    whole     every node, parents before children
    nodes     {name: node} of all that can be asked for: leaves with a label, and results
    right     {"gradient" or "value": {name: the right number}}
    """

    def __init__(self, output: Value):
        named = NamedGraph(output)
        check_fresh(named.whole)
        arrived, _ = walked_back(named.whole, 1.0)
        self.whole = named.whole
        self.nodes = {named.texts[node]: node for node in named.nodes if node.parents or node.label}
        self.right = {"gradient": {name: arrived.get(node, 0.0) for name, node in self.nodes.items()},
                      "value": {name: node.data for name, node in self.nodes.items()}}

    def complaint(self, name: Any) -> str:
        """What to say of a name that nothing here goes by, or ""."""
        if isinstance(name, str) and name in self.nodes:
            return ""
        shown = printable(str(name))
        near = nearest(shown, self.nodes)
        return (f"no number of this graph is called {short_repr(shown)}: "
                f"{f'did you mean {near!r}? ' if near else ''}it has {truncate(', '.join(self.nodes), 200)}")

    @cached_property
    def wrong(self) -> "dict[Model, dict[str, dict[str, Any]]]":
        """The same as `right`, for each faulty engine; none where the graph is too large for them."""
        from .worked.lookalikes import wrong_passes
        names = {node: name for name, node in self.nodes.items()}
        return {model: {"gradient": {names[node]: x.grad for node, x in made.items() if node in names},
                        "value": {names[node]: x.data for node, x in made.items() if node in names}}
                for model, made in wrong_passes(self.whole)}


# ---- numbers -----------------------------------------------------------------------------------------


def judge_numbers(graph: Graph, kind: str, answers: Mapping[str, Any] | None) -> Iterator[Judged]:
    """A judgement of each answer; `kind` is "gradient" or "value"."""
    answers = {} if answers is None else answers
    if not isinstance(answers, Mapping):
        raise TypeError(f'answers stand in a dict, such as {{"x": 3}}: got {short_repr(answers)}')
    for name in answers:
        if complaint := graph.complaint(name):
            raise ValueError(complaint)
    given = {name: said for name, answer in answers.items() if (said := as_number(answer))}
    for name, answer in answers.items():
        asked = name if kind == "gradient" else f"value of {name}"
        if answer is ...:
            yield Judged(asked, "...", TO_FILL_IN)
        elif name not in given:
            yield Judged(asked, short_repr(answer), NOT_YET, NO_NUMBER)
        elif agrees(given[name], graph.right[kind][name]):
            yield Judged(asked, str(answer), RIGHT)
        else:
            yield Judged(asked, str(answer), NOT_YET, hint(graph, kind, name, given))


def agrees(said: "Number", right: Any) -> bool:
    """Is an answer right to the digits it is written with?  A rounded 0 is no answer, unless the number is 0."""
    from .worked.written import Number
    return (said if said.value else Number(0)).is_like(Number(right))


def as_number(answer: Any) -> "Number | None":
    """The number of an answer, right to the digits it is written with; None if it is no number."""
    from .worked.written import Number
    try:
        if not isinstance(answer, str):
            number(answer)                          # refuses bool, None, lists
        return Number.read(re.sub(r"\s*/\s*", "/", str(answer).replace("−", "-")))
    except (ValueError, TypeError, ZeroDivisionError):
        return None


def hint(graph: Graph, kind: str, name: str, given: "Mapping[str, Number]") -> str:
    """What may have led to a wrong number, in words that do not hold the answer."""
    right = graph.right[kind][name]
    told = [text for text in reasons(graph, kind, name, given) if not holds(text, right)]
    return told[0]


def reasons(graph: Graph, kind: str, name: str, given: "Mapping[str, Number]") -> Iterator[str]:
    """Faults that give this number, then what else it looks like.

    Those come first that explain most of the answers, and of these the ones that change least in the whole graph.
    """
    from .worked.written import Number
    agreed = {model: [x for x, number in given.items() if x in wrong[kind] and number.is_like(Number(wrong[kind][x]))]
              for model, wrong in graph.wrong.items()}
    changed = {model: sum(wrong[kind][x] != right for x, right in graph.right[kind].items())
               for model, wrong in graph.wrong.items()}
    said, right = given[name], graph.right[kind][name]
    if kind == "gradient" and said.value == 0:
        yield STILL                                 # many a faulty program gives 0; who thinks has another reason
    for model in sorted(agreed, key=lambda model: (-len(agreed[model]), changed[model])):
        if name in agreed[model]:
            yield in_words(model)
            yield model.hint
    if said.is_like(Number(-right)):
        yield SIGN
    if kind == "gradient" and said.is_like(Number(graph.right["value"][name])):
        yield ITSELF
    yield GENERAL[kind]


def in_words(model: "Model") -> str:
    """A fault by its name, and the question about the smallest graph that shows it."""
    graph = model.graph.text if model.graph else ""
    smaller = [f"Try it on {graph}."] if 0 < len(graph) <= MOST_LETTERS else []
    return "\n".join([f"This mistake gives that number: {model.title}.", *smaller, model.hint])


def holds(text: str, right: float) -> bool:
    """Does a text name this number?"""
    return format_number(abs(right)) in re.findall(r"\d+(?:\.\d+)?", text)


# ---- order -------------------------------------------------------------------------------------------


def judge_order(graph: Graph, order: Sequence[str] | EllipsisType) -> Judged:
    """Does each name come after everything that it is made of?"""
    if order is ...:
        return Judged("order", "...", TO_FILL_IN)
    if not isinstance(order, Sequence) or isinstance(order, str):
        raise TypeError(f'an order is a list of names, such as ["x", "y"]: got {short_repr(order)}')
    names = [name for name in order if name is not ...]
    shown = ", ".join("..." if name is ... else str(name) for name in order)
    unknown = next(filter(None, map(graph.complaint, names)), "")
    if unknown:
        return Judged("order", shown, NOT_YET, unknown)
    if len(names) < len(order):
        return Judged("order", shown, TO_FILL_IN)
    wrong = fault_of_order(graph, names)
    return Judged("order", shown, NOT_YET if wrong else RIGHT, wrong)


def fault_of_order(graph: Graph, order: Sequence[str]) -> str:
    """What is wrong with an order, or ""."""
    repeated = [name for name in order if order.count(name) > 1]
    missing = [name for name in graph.nodes if name not in order]
    if repeated or missing:
        return f"{repeated[0]} comes twice." if repeated else f"{missing[0]} is missing."
    early = list(too_early(graph, order))
    if early and not list(too_early(graph, order[::-1])):
        return WAY_BACK
    return f"{early[0][0]} comes before {early[0][1]}, but is made of it." if early else ""


def too_early(graph: Graph, order: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(name, a name after it that it is made of)."""
    names = {node: name for name, node in graph.nodes.items()}
    place = {name: i for i, name in enumerate(order)}
    for node in graph.whole:
        for parent in node.parents:
            if parent in names and place[names[parent]] > place[names[node]]:
                yield names[node], names[parent]
