"""What a bug model is: one fault in a small program that is right otherwise, and the numbers that give it away.

The faults are declared in `faulty_engines.py` and `faulty_programs.py` by `@bug_model`; `models.py` has them all.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Container
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from ...engine.number import format_number, truncate
from ..graphs import SmallGraph
from .small import Value, gradients

Outcome = dict[str, Any] | str              # numbers by their names, or the name of the error that ends the program

MODELS: "dict[str, Model]" = {}


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    """One fault.  Its numbers are computed when they are asked for, never written down.

    name      what it is called
    title     the fault in a plain phrase, such as "= instead of +="
    hint      a question that leads there
    faulty    the class with the fault: it stands on `small.Value` or on a class of `programs.py`
    code      the class or function that the fault was written as
    observe   what is looked at: a function of the faulty class or of the right one
    graph     of an engine: the smallest graph that shows the fault; where only one operation is wrong, its inputs
              are different numbers, so that each has a gradient of its own
    calls     of an engine: the nodes whose `backward` is called; the last line, if none are named

    >>> from tinygrad_edu.classroom.faults.models import MODELS
    >>> model = MODELS["accumulate"]
    >>> model.title, model.graph.text, model.right, model.wrong
    ('= instead of +=', 'f = a + a', {'a': Fraction(2, 1)}, {'a': Fraction(1, 1)})
    """

    name: str
    title: str
    hint: str
    faulty: type
    code: Callable
    observe: Callable[[type], dict[str, Any]]
    graph: SmallGraph | None = None
    calls: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """One of "engine", "optimizer", "training", "layer"."""
        return getattr(self.faulty, "kind", "engine")

    @property
    def engine(self) -> type[Value] | None:
        """The wrong `Value`, where the fault is one of an engine."""
        return self.faulty if self.kind == "engine" else None

    @cached_property
    def right(self) -> Outcome:
        """What the program gives without the fault."""
        return outcome(self.observe, self.faulty.__bases__[0])

    @cached_property
    def wrong(self) -> Outcome:
        """What it gives with the fault."""
        return outcome(self.observe, self.faulty)

    @property
    def ops(self) -> tuple[str, ...]:
        """The operations its graph is made of, by their names in `OPS`."""
        return tuple(sorted({line.op for line in self.graph.lines})) if self.graph else ()

    @property
    def source(self) -> str:
        """The wrong part as Python, without the name and the words that would give it away."""
        return source_of(self.code)

    def __str__(self) -> str:
        at = ", ".join(f"{leaf} = {number}" for leaf, number in self.graph.at.items()) if self.graph else ""
        graph = [f"graph  {truncate(self.graph.text, 60)}   at {at}"] if self.graph else []
        calls = [f"calls  {', '.join(f'{name}.backward()' for name in self.calls)}"] if self.calls else []
        leaves = self.graph.at if self.graph else {}
        return "\n".join([f"{self.name}: {self.title}", "", *graph, *calls, f"right  {in_words(self.right, leaves)}",
                          f"wrong  {in_words(self.wrong, leaves)}", f"hint   {self.hint}", "", self.source])

    def __repr__(self) -> str:
        return f"<bug {self.name}>"


def bug_model(hint: str, graph: str | SmallGraph = "", /, *, op: str = "", calls: tuple[str, ...] = (),
              observe: Callable | None = None, **at: Any) -> Callable:
    """Enter a fault in `MODELS`: a class with one method otherwise, or a function that gives wrong local gradients.

    graph     the smallest graph that shows it, as `tg.expression` reads it
    op        of a function: the operation whose local gradients it gives, from the inputs, the constants and the value
    calls     the nodes whose `backward` is called, if it is not the last line, once
    observe   what is looked at, of (graph, engine, calls), if it is not the gradients
    at        the numbers of the graph's leaves

    Its name is that of the class or function, its title the first line of the docstring.
    """
    def entered(code: Callable) -> Callable:
        name = re.sub(r"(?<=.)(?=[A-Z])", "-", code.__name__).lower().replace("_", "-")
        faulty = code if isinstance(code, type) else with_local_gradients(op, code)
        made = SmallGraph.of(graph, **at) if isinstance(graph, str) and graph else graph or None
        look = (lambda part: (observe or gradients)(made, part, calls)) if made else run
        title = (code.__doc__ or "").split("\n")[0]
        MODELS[name] = Model(name, title, hint, faulty, code, look, made, calls)
        return code
    return entered


def run(program: type) -> dict[str, Any]:
    """What a program of `programs.py` gives."""
    return program().run()


def with_local_gradients(wrong_op: str, local_gradients: Callable) -> type[Value]:
    """An engine with other local gradients of one operation: a function of its inputs, its constants and its value."""
    class Faulty(Value):
        def compute(self, op: str, *numbers: Any, **constants: Any) -> tuple[Any, tuple]:
            data, local_grads = super().compute(op, *numbers, **constants)
            return data, local_gradients(*numbers, *constants.values(), data) if op == wrong_op else local_grads
    return Faulty


def in_words(found: Outcome, leaves: Container[str]) -> str:
    """Numbers by their names, on one line; those of leaves are gradients."""
    return found if isinstance(found, str) else ", ".join(
        f"{name}{'.grad' if name in leaves else ''} = {x if isinstance(x, int | Fraction) else format_number(x)}"
        for name, x in found.items())


def outcome(observe: Callable[[type], dict[str, Any]], part: type) -> Outcome:
    """What is seen, or the name of the error that is raised."""
    try:
        return observe(part)
    except (ArithmeticError, ValueError, RecursionError) as error:
        return type(error).__name__


def source_of(code: Callable) -> str:
    """What stands below the docstring, as Python; over that of a function stands `def local_gradients`."""
    text = inspect.getsource(code)
    [tree] = ast.parse(text).body
    below = text.splitlines()[tree.body[0].end_lineno:]                                 # type: ignore[attr-defined]
    if isinstance(tree, ast.FunctionDef):
        return "\n".join([f"def local_gradients({', '.join(inspect.signature(code).parameters)}):", *below])
    return textwrap.dedent("\n".join(below)).strip()
