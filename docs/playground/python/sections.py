"""What the engine says of a graph: its live page, and below it sections, each asked for when it is opened.

Formulas are handed over as MathML without words of the user's in it but names, which the printer escapes.
"""

import re
from typing import Any

import program
from subjects import Subject, done_again, subject

from tinygrad_edu.classroom.explain import explanation_of
from tinygrad_edu.cli_expression import as_written, fraction_text, fractions_of
from tinygrad_edu.engine import printer
from tinygrad_edu.engine.graph import leaves_in
from tinygrad_edu.engine.printer import MATHML
from tinygrad_edu.engine.replay import check_recorded
from tinygrad_edu.engine.value import Value
from tinygrad_edu.show.as_python import as_python
from tinygrad_edu.show.draw import draw
from tinygrad_edu.show.live import frame, play
from tinygrad_edu.show.steps import events_of
from tinygrad_edu.show.tables import titles
from tinygrad_edu.show.typeset import RELATIONS, Partial, Pieces, Words, is_words, runs, typeset
from tinygrad_edu.symbols.expression import parse
from tinygrad_edu.symbols.named import NamedGraph
from tinygrad_edu.symbols.symbolic import Gradients, exact_gradients, symbolic_gradients

AT_THE_END = 1_000_000                  # a step behind all others
MANY = 1000                             # nodes of a graph whose page takes more than some seconds
MOST_CHECKED = 300                      # computed nodes of a program that are judged in 90 digits
MOST_PATHS = 6                          # that are listed, as on the command line
Cell = list[list[str]]                  # of ["text", text] and ["math", MathML]


def live(request: dict[str, Any]) -> dict[str, Any]:
    """The live page, what its result is called, and the names whose gradients can be explained, leaves first.

    step   at which the page opens; without it, after the last

    Of an expression also its numbers as text and as floats, and what was read otherwise than it was typed.

    >>> told = live({"text": "2x * y", "numbers": "x=1/2 y=3"})
    >>> told["numbers"], told["floats"], told["said"]
    ('x=1/2 y=3', {'x': 0.5, 'y': 3.0}, 'read as 2*x * y (what stands side by side is multiplied)')
    """
    about = subject(request)
    graph, output, leaves = about.graph, about.graph.whole[-1], leaves_in(about.graph.whole)
    if len(graph.whole) > MANY:
        program.hear(str(len(graph.whole)))         # so that the page can say that it takes long
    named = [node for node in graph.whole[:-1] if node.parents and node.label and not node.is_constant]
    told = {"html": frame(output, at=request.get("step", AT_THE_END)).html, "result": graph.texts[output],
            "targets": [node.label for node in [*leaves, *named] if node.label]}
    if about.arguments is None:
        return told
    floats = {leaf.label: leaf.data for leaf in leaves if leaf.label in about.arguments.numbers}
    return told | {"numbers": " ".join(map(str.strip, about.arguments.values)), "floats": floats, "said": about.said}


def steps(request: dict[str, Any]) -> dict[str, Any]:
    """Every step of both passes, as a table.

    >>> told = steps({"text": "x * y", "numbers": "x=2 y=3"})
    >>> told["titles"][0], told["rows"][0][:2]
    ('step', [[['text', '1']], [['text', 'forward']]])
    """
    events = events_of(subject(request).graph)
    rows = [[[["text", number]], [["text", kind]], *map(cell, event.cells)]
            for (number, kind, *_), event in zip(events.rows(), events)]
    return {"titles": titles(), "rows": rows}


def symbolic(request: dict[str, Any]) -> dict[str, Any]:
    """The value and each gradient as a formula."""
    graph = subject(request).graph

    def write(formula: Any) -> Cell:
        return [["math", f"<math>{printer.mathml(formula)}</math>"]]
    return {"rows": of_each(graph, symbolic_gradients(graph), write)}


def exact(request: dict[str, Any]) -> dict[str, Any]:
    """The value and each gradient as a fraction; NotRationalError where there are none.

    >>> exact({"text": "x * x", "numbers": "x=0.1"})["rows"][1][1]
    [['text', '1/5']]
    """
    about = subject(request)
    fractions = None if about.arguments is None else fractions_of(about.arguments)
    gradients = exact_gradients(about.graph, fractions, as_written)
    return {"rows": of_each(about.graph, gradients, lambda fraction: [["text", fraction_text(fraction)]])}


def of_each(graph: Any, gradients: Gradients, write: Any) -> list[list[Cell]]:
    """A row for the value and for each leaf: what it is called, and what it is."""
    output = graph.whole[-1]
    rows = [[cell((graph.formulas[output],)), write(gradients.value)]]
    for leaf in leaves_in(graph.order):
        name = Partial(graph.formulas[output], graph.formulas[leaf])
        rows.append([cell((name,)), write(gradients[graph.texts[leaf]])])
    return rows


def explain(request: dict[str, Any]) -> dict[str, Any]:
    """A gradient as the sum over paths: its headline, and rows, some of them titles.

    name   whose gradient it is
    """
    try:
        told = explanation_of(subject(request).graph, request["name"], MOST_PATHS)
    except KeyError as error:
        raise ValueError(error.args[0]) from None
    paths = [(*nodes, Words(":"), *product) for nodes, product in map(told.path_row, told.paths) if product]
    rows = [{"cell": cell(row), "title": False} for row in paths]
    for section in told.sections:
        rows += [{"cell": cell((section.title,)), "title": True}] if section.title else []
        rows += [{"cell": cell(row), "title": False} for row in section.rows]
    return {"headline": cell(told.headline), "rows": rows}


def gradcheck(request: dict[str, Any]) -> dict[str, Any]:
    """What `gradcheck` reports: the graph is built again and again at other numbers.

    >>> gradcheck({"text": "x * x", "numbers": "x=3"})["text"]
    'right: 3 gradients judged'
    """
    from tinygrad_edu.check.gradcheck import gradcheck as checked
    about = subject(request)
    if about.graph.whole[-1].is_constant:
        raise ValueError("gradcheck needs an expression with a name in it, such as x * x")
    report = checked(*expression_again(about.arguments) if about.arguments else graph_again(about.graph))
    return {"text": str(report), "verdict": report.verdict}


def expression_again(arguments: Any) -> tuple[Any, list[Value]]:
    """A function that builds the expression from Values, and the leaves to start with."""
    numbers = {name: float(number) for name, number in arguments.numbers.items()}
    program = parse(arguments.expression, numbers)

    def again(*values: Value) -> Value:
        return program.build(dict(zip(numbers, values)))[-1]
    return again, [Value(number, label=name) for name, number in numbers.items()]


def graph_again(graph: NamedGraph) -> tuple[Any, list[Value]]:
    """The same for what a program recorded: its operations are done again; ReplayError where a node has none."""
    nodes = [node for node in graph.whole if node.parents and not node.is_constant]
    if len(nodes) > MOST_CHECKED:
        raise ValueError(f"the graph has {len(nodes)} computed nodes, and {MOST_CHECKED} are checked here: "
                         "take a part of it, or call tg.gradcheck in the program")
    for node in nodes:
        check_recorded(node)
    leaves = [leaf for leaf in leaves_in(graph.whole) if not leaf.is_constant]
    return lambda *values: done_again(graph.whole, dict(zip(leaves, values))), leaves


def python(request: dict[str, Any]) -> dict[str, Any]:
    """The program that makes the same graph, with the numbers as they were typed."""
    about = subject(request)
    return {"text": as_python(about.graph, typed_numbers(about))}


def typed_numbers(about: Subject) -> dict[Value, str]:
    """{leaf: 1 / 3} of what was typed as a fraction."""
    pairs = [] if about.arguments is None else [pair.strip().partition("=") for pair in about.arguments.values]
    typed = {name: text.replace("/", " / ") for name, _, text in pairs if re.fullmatch(r"-?\d+/\d+", text)}
    return {leaf: typed[leaf.label] for leaf in leaves_in(about.graph.whole) if leaf.label in typed}


def picture(request: dict[str, Any]) -> dict[str, Any]:
    """The graph as SVG, byte for byte that of the desktop."""
    return {"svg": draw(subject(request).graph.whole[-1]).svg}


def page(request: dict[str, Any]) -> dict[str, Any]:
    """The page that `play` makes of it: one file, which needs nothing."""
    return {"html": play(subject(request).graph.whole[-1]).html}


def cell(pieces: Pieces) -> Cell:
    """Pieces as texts and MathML; lines may break between them.

    >>> cell((Words("so"), "="))
    [['text', 'so'], ['math', '<math displaystyle="true"><mo>=</mo></math>']]
    """
    return [["text", run[0].text] if is_words(run[0]) else
            ["math", f'<math displaystyle="true">{"".join(typeset(piece, MATHML) for piece in run)}</math>']
            for run in runs(pieces, RELATIONS)]
