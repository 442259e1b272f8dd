"""Small graphs as plain data, which any engine can be asked to compute.

A graph is a few lines, each one operation, and the numbers of its leaves.  The bug models, the checks of the
grader and the questions of the quiz are about such graphs: they can be sent to another process, shown, and
compared.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from ..engine.graph import topological_order
from ..engine.number import format_number
from ..engine.op import OPS
from ..engine.value import Value
from ..symbols.expression import expression

OPERATORS: dict[str, Callable] = {"add": operator.add, "sub": operator.sub, "mul": operator.mul,
                                  "div": operator.truediv, "pow": operator.pow, "neg": operator.neg}
SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**"}


class Line(NamedTuple):
    """One operation: the name of its result, the operation's name in `OPS`, and its inputs.

    An input is the name of a leaf or of an earlier line, or a number written out, such as "2" or "1/3".
    """

    name: str
    op: str
    inputs: tuple[str, ...]

    @property
    def text(self) -> str:
        """The line as Python: `q = x + y`."""
        if self.op in SIGNS:
            return f"{self.name} = {self.inputs[0]} {SIGNS[self.op]} {self.inputs[1]}"
        result = "-" + self.inputs[0] if self.op == "neg" else f"{self.op}({', '.join(self.inputs)})"
        return f"{self.name} = {result}"


@dataclass(frozen=True)
class SmallGraph:
    """A few lines, and the numbers of its leaves as text, which keeps 1/3 exact.

    >>> graph = SmallGraph.of("q = x + y; f = q * z", x=-2, y=5, z="1/3")
    >>> graph.text, graph.at
    ('q = x + y; f = q * z', {'x': '-2', 'y': '5', 'z': '1/3'})
    >>> graph.run(lambda name, number: number)["f"]
    Fraction(1, 1)
    """

    lines: tuple[Line, ...]
    at: dict[str, str]

    @classmethod
    def of(cls, text: str, /, **at: Any) -> "SmallGraph":
        """The graph of an expression as `tg.expression` reads it; numbers may be written as text, such as "1/3"."""
        numbers = {name: str(number) for name, number in at.items()}
        floats = {name: float(Fraction(number)) for name, number in numbers.items()}
        return cls.of_node(expression(text, literal=True, **floats), numbers)

    @classmethod
    def of_node(cls, output: Value, numbers: dict[str, str]) -> "SmallGraph":
        """The graph behind a result; `numbers` are those of its leaves, by their labels."""
        names: dict[Value, str] = {}
        lines: list[Line] = []
        for node in topological_order(output):
            if node.parents:
                name = node.label or f"v{len(lines) + 1}"
                lines.append(line_of(node, name, [names[parent] for parent in node.parents]))
                names[node] = name
            else:
                names[node] = node.label or format_number(node.data)
        return cls(tuple(lines), numbers)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "SmallGraph":
        """The graph that `as_json` wrote."""
        return cls(tuple(Line(name, op, tuple(inputs)) for name, op, inputs in data["lines"]), dict(data["at"]))

    def as_json(self) -> dict[str, Any]:
        """The graph as lists, dicts and text."""
        return {"lines": [[name, op, list(inputs)] for name, op, inputs in self.lines], "at": dict(self.at)}

    @property
    def output(self) -> str:
        """The name of the last line."""
        return self.lines[-1].name

    @property
    def text(self) -> str:
        """All lines on one line, as `tg.expression` reads them."""
        return "; ".join(line.text for line in self.lines)

    @property
    def size(self) -> int:
        """How many nodes it has: leaves and lines."""
        return len(self.at) + len(self.lines)

    def run(self, leaf: Callable[[str, Fraction], Any],
            function: Callable[[str], Callable] | None = None) -> dict[str, Any]:
        """{name: what it is} of every leaf and line, in any engine.

        leaf      makes the engine's leaf of a name and a number
        function  gives the engine's function of a name such as "relu"; not needed where there are only operators
        """
        made = {name: leaf(name, Fraction(number)) for name, number in self.at.items()}
        for name, op, inputs in self.lines:
            operation = OPERATORS[op] if op in OPERATORS else function(op)      # type: ignore[misc]
            made[name] = operation(*[made[x] if x in made else written(x) for x in inputs])
        return made

    def values(self) -> dict[str, Value]:
        """{name: Value} in the engine of this package, every node with its name as its label."""
        made = self.run(lambda name, number: Value(float(number), label=name), OPS.__getitem__)
        for name, node in made.items():
            node.label = name
        return made


def line_of(node: Value, name: str, inputs: list[str]) -> Line:
    """The line of a recorded node; whole powers are written as powers."""
    if node.op in ("square", "power"):
        return Line(name, "pow", (inputs[0], format_number(node.constants.get("n", 2))))
    return Line(name, node.op, tuple(inputs))


def written(number: str) -> int | Fraction:
    """The number of an input that is written out: an int where it is whole, as people write it."""
    exact = Fraction(number)
    return exact.numerator if exact.denominator == 1 else exact
