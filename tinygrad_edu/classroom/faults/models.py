"""Bug models: small wrong engines, optimizers, trainings and layers, in one table.

It serves the bug lab (`tg.classroom.bug`), the wrong answers of the quiz, the hints of the grader, and the tests
of the grader itself.
"""

import math
import numbers
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ...engine.number import nearest, printable, short_repr
from ...nn.checks import by_name
from ..graphs import SmallGraph
from . import faulty_engines, faulty_programs  # noqa: F401   they enter themselves
from .model import MODELS, Model, outcome
from .small import gradients

__all__ = ["MODELS", "Model", "bug", "bugs", "matching"]


@contextmanager
def bug(name: str) -> Iterator[type]:
    """The class with the fault of this name: a wrong `Value`, or a wrong program.  See `bugs`.

    >>> import tinygrad_edu as tg
    >>> with tg.classroom.bug("accumulate") as Value:
    ...     a = Value(3)
    ...     (a + a).backward()
    ...     print(a)
    Value(data=3, grad=1)
    """
    yield model_named(name).faulty


def model_named(name: str) -> Model:
    """The model of this name; ValueError, with the nearest name, if there is none."""
    shown = printable(str(name))
    if shown not in MODELS:
        near = nearest(shown, MODELS)
        hint = f"did you mean {near!r}? " if near else ""
        raise ValueError(f"no bug is called {short_repr(shown)}: {hint}tg.classroom.bugs() lists them")
    return MODELS[shown]


# ---- which fault is it? ------------------------------------------------------------------------------


MOST_PATHS = 1000                       # of a graph that all models are tried on: some of them walk path by path


def matching(graph: SmallGraph, given: Mapping[str, Any], calls: tuple[str, ...] = ()) -> list[Model]:
    """The models that give these wrong gradients on a graph; none where the gradients are right.

    given   {leaf: gradient}; leaves may be left out
    calls   the nodes whose `backward` is called; the last line, if none are named

    A graph of more than 1,000 paths matches nothing.

    >>> [model.name for model in matching(SmallGraph.of("a * b", a=2, b=3), {"a": 2, "b": 3})]
    ['mul-own-factor']
    """
    if paths(graph) > MOST_PATHS or same(given, gradients(graph, calls=calls)):
        return []
    return [model for model in MODELS.values() if model.engine and same(given, attempt(graph, model, calls))]


def attempt(graph: SmallGraph, model: Model, calls: tuple[str, ...]) -> dict[str, Any]:
    """The gradients of a wrong engine, which may end in an error: none then."""
    found = outcome(lambda engine: gradients(graph, engine, calls), model.faulty)
    return found if isinstance(found, dict) else {}


def same(given: Mapping[str, Any], computed: Mapping[str, Any]) -> bool:
    """Are all given numbers the computed ones, to nine digits?"""
    return all(name in computed and isinstance(x, numbers.Real)
               and math.isclose(x, computed[name], rel_tol=1e-9, abs_tol=1e-12) for name, x in given.items())


def paths(graph: SmallGraph) -> int:
    """How many ways lead from the last line to leaves and written numbers."""
    counts = dict.fromkeys(graph.at, 1)
    for name, _, inputs in graph.lines:
        counts[name] = sum(counts.get(x, 1) for x in inputs)
    return counts[graph.output]


# ---- the list ----------------------------------------------------------------------------------------


class Bugs(tuple[Model, ...]):
    """Bug models, as a table when printed."""

    def __str__(self) -> str:
        width = max(len(model.name) for model in self)
        return "\n".join(f"{model.name:{width}}  {model.kind:9}  {model.title}" for model in self)

    __repr__ = __str__


def bugs(kind: str = "") -> Bugs:
    """All bug models, or those of one kind: "engine", "optimizer", "training" or "layer".

    >>> import tinygrad_edu as tg
    >>> len(tg.classroom.bugs()) >= 40
    True
    """
    kinds = {model.kind: model.kind for model in MODELS.values()}
    wanted = by_name("kind", kind, kinds) if kind else ""
    return Bugs(model for model in MODELS.values() if wanted in ("", model.kind))
