"""Exercises of the lessons in which a student writes code: it is run, and the engine judges what comes out.

A check says "right", "not yet" with a hint that never holds the answer, or "to fill in" where `...` still stands.
"""

import copy
import math
import numbers
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from types import EllipsisType
from typing import Any

from ..check.gradcheck import gradcheck
from ..check.report import GradientCheck
from ..engine.errors import ExpressionError
from ..engine.number import format_number, kind_of, short_repr
from ..engine.op import Op
from .faults import small
from .faults.model import Model
from .faults.models import attempt, matching, model_named, same
from .graphs import SmallGraph
from .predict import NO_NUMBER, NOT_YET, RIGHT, TO_FILL_IN, Judged, Prediction, agrees, as_number, in_words

PROGRAMS = ("x * y", "(x + y) * z", "x + x", "x * x", "e = w * x + b; f = e * e", "u = x + y; v = u * x; f = u + v")
NUMBERS = {"x": 3, "y": 7, "z": 2, "w": 4, "a": 5, "b": -3}        # at x = 3 the line y = 2x + 1 of the lessons has 7
GROUPS = (set, frozenset, list, tuple)
STUMBLES = (ArithmeticError, AttributeError, IndexError, KeyError, NameError, RecursionError, TypeError, ValueError)
WITHOUT_RETURN = "None is what a function gives that has no `return`."
SHAPES = "The shapes do not fit. Write down rows × columns of both sides of each @."
ONCE = "The first pass is right, the second is not. What does a gradient do with what is there?"
MEAN = "This is a mean. Each row gives its share, and shares are added."
FORGETS = "Your answer is the same for every g. What has the next layer to say?"
ELSEWHERE = "At your first input it is right, at another it is not. Does backward use what forward kept?"
NO_FURTHER = "Here your code goes no further."
SET_OF_NAMES = 'Write a set of names, such as {"A", "C"}.'


# ---- answers -----------------------------------------------------------------------------------------


def check_answer(said: Any, right: Any, hints: Mapping[Any, str] | None = None) -> Prediction:
    """Judge one answer: a number, right to the digits that are given, a word, or a set of words.

    hints   {a wrong answer: what leads to it}

    >>> check_answer(..., 3), check_answer("6/2", 3.0), bool(check_answer({"A", "B"}, {"B", "A"}))
    (to fill in  your answer: ..., right       your answer: 6/2, True)
    >>> check_answer(6, 3, {6: "That is twice too much. Which arrow was walked twice?"})
    not yet     your answer: 6
                That is twice too much. Which arrow was walked twice?
    """
    if said is ...:
        return row("your answer", "...", TO_FILL_IN)
    shown = ", ".join(sorted(map(str, said))) if isinstance(said, GROUPS) else str(said)
    if alike(said, right):
        return row("your answer", shown, RIGHT)
    if not isinstance(right, str | Set) and as_number(said) is None:
        return row("your answer", short_repr(said), NOT_YET, WITHOUT_RETURN if said is None else NO_NUMBER)
    hint = next((text for wrong, text in (hints or {}).items() if alike(said, wrong)), "")
    return row("your answer", shown, NOT_YET, hint or what_is_wrong(said, right))


def alike(said: Any, right: Any) -> bool:
    """Is this the same number, the same word, or the same set of words?"""
    if isinstance(right, Set):
        return isinstance(said, GROUPS) and in_capitals(said) == in_capitals(right)
    if isinstance(right, str):
        return str(said).strip().lower() == right.lower()
    number = as_number(said)
    return number is not None and agrees(number, right)


def in_capitals(names: Iterable[Any]) -> set[str]:
    return {str(name).strip().upper() for name in names}


def what_is_wrong(said: Any, right: Any) -> str:
    """How far from the right set an answer is, how it is to be written, or that it is to be worked out again."""
    if isinstance(right, Set) and not isinstance(said, GROUPS):
        return SET_OF_NAMES
    if isinstance(right, Set):
        yours, wanted = in_capitals(said), in_capitals(right)
        return (f"Right ones among yours: {len(wanted & yours)}. Wrong ones: {len(yours - wanted)}. "
                f"Missing: {len(wanted - yours)}.")
    if isinstance(right, str) and not isinstance(said, str):
        return "Write one name, in quotes."
    return "Work it out once more, one step at a time."


def row(*judged: str) -> Prediction:
    return Prediction([Judged(*judged)])


def told_once(rows: Iterable[Judged]) -> Prediction:
    """All lines, but only the first that failed has a hint: one thing at a time."""
    told = list(rows)
    first = next((line for line in told if line.hint), None)
    return Prediction(line if line is first else line._replace(hint="") for line in told)


# ---- engines -----------------------------------------------------------------------------------------


def check_engine(engine: type, *programs: str) -> Prediction:
    """Run programs on a student's `Value` and on the engine, and compare every number.

    engine     has data and parents, and either backward and grad, or local_grads, which are then walked back for it
    programs   such as "x * y"; six of them, if none are given

    A wrong engine gets the hint of the bug model that gives its numbers.

    >>> check_engine(small.Value, "x * x")
    right       x * x: 9, x.grad 6
    """
    graphs = [SmallGraph.of(text, **numbers_of(text)) for text in programs or PROGRAMS]
    found = [answers(engine, graph) for graph in graphs]
    failed = [(graph, got) for graph, got in zip(graphs, found) if isinstance(got, dict) and not is_right(graph, got)]
    models = matching_all(failed)
    return told_once(judged_graph(text, graph, got, models)
                     for text, graph, got in zip(programs or PROGRAMS, graphs, found))


def numbers_of(text: str) -> dict[str, int]:
    """Numbers for the leaves of a program: what it reads and does not set."""
    names, made = set(re.findall(r"[a-z]\w*", text)), set(re.findall(r"(\w+) *=", text))
    return {name: number for name, number in NUMBERS.items() if name in names - made}


def answers(engine: type, graph: SmallGraph) -> dict[str, Any] | str:
    """{"": the value, leaf: its gradient} by a student's engine; "" where `...` still stands; else the error."""
    try:
        made = graph.run(lambda name, number: engine(float(number)), lambda op: lambda x: getattr(x, op)())
        for node in made.values():
            check_node(node)
        output = made[graph.output]
        grads = gradients_of(output, [made[name] for name in graph.at])
        got = {"": output.data, **dict(zip(graph.at, grads))}
    except STUMBLES as error:
        return "" if "ellipsis" in str(error).lower() else f"{type(error).__name__}: {error}"
    if any(x is ... for x in got.values()):
        return ""
    strange = [f"the {f'gradient of {name}' if name else 'value'} is {x!r}, which is no number"
               for name, x in got.items() if not isinstance(x, numbers.Real)]
    if not strange and getattr(output, "grad", None) == 1 and not any(grads) and not is_right(graph, got):
        return "the result has the gradient 1, and none of it reaches the leaves"
    return strange[0] if strange else got


def check_node(node: Any) -> None:
    """Refuse what a student's operation gave, if it is no node; TypeError, ValueError."""
    slopes = getattr(node, "local_grads", ())
    if node is ... or slopes is ...:
        raise TypeError("ellipsis")
    if not hasattr(node, "data"):
        raise TypeError(f"an operation gives {short_repr(node)} ({kind_of(node)}), not a Value with parents")
    if not isinstance(slopes, list | tuple):
        raise TypeError(f"local_grads is {short_repr(slopes)}: write a slope for each parent, with a comma: (slope,)")
    if hasattr(node, "local_grads") and len(slopes) != len(node.parents):
        raise ValueError(f"a node has {len(node.parents)} parents and {len(slopes)} slopes: it needs one for each")


def gradients_of(output: Any, leaves: Sequence[Any]) -> list[Any]:
    """What backward leaves; where an engine has none yet, its local gradients are walked back along every path."""
    if hasattr(output, "backward"):
        output.backward()
        if not all(hasattr(leaf, "grad") for leaf in leaves):
            raise ValueError("some leaves have no gradient: is every node in your order?")
        return [leaf.grad for leaf in leaves]
    if not output.parents:
        raise ValueError("the result has no parents: give it what it was made from, and a slope for each")
    arrived = dict.fromkeys(leaves, 0.0)
    paths = [(output, 1.0)]
    for node, product in paths:
        if node in arrived:
            arrived[node] += product
        paths += [(parent, product * local) for parent, local in zip(node.parents, node.local_grads, strict=True)]
    return list(arrived.values())


def right_of(graph: SmallGraph) -> dict[str, float]:
    """The right numbers, as `answers` has them."""
    made = graph.values()
    made[graph.output].backward()
    return {"": made[graph.output].data, **{name: made[name].grad for name in graph.at}}


def is_right(graph: SmallGraph, got: dict[str, Any]) -> bool:
    return same(got, right_of(graph))


def matching_all(failed: Sequence[tuple[SmallGraph, dict[str, Any]]]) -> list[Model]:
    """The bug models that give the wrong gradients of all programs that failed."""
    each = [matching(graph, {name: x for name, x in got.items() if name}) for graph, got in failed]
    return [model for model in each[0] if all(model in others for others in each)] if each else []


def judged_graph(text: str, graph: SmallGraph, got: dict[str, Any] | str, models: Sequence[Model]) -> Judged:
    """The line of one program."""
    if isinstance(got, str):
        return Judged(text, got or "...", NOT_YET if got else TO_FILL_IN, got and NO_FURTHER)
    said = ", ".join(f"{name}.grad {format_number(x)}" if name else format_number(x) for name, x in got.items())
    if is_right(graph, got):
        return Judged(text, said, RIGHT)
    if not same({"": got[""]}, right_of(graph)):
        return Judged(text, said, NOT_YET, "The value is wrong already: look at the forward pass.")
    return Judged(text, said, NOT_YET, in_words(models[0]) if models else "Which of the gradients do you not expect?")


# ---- orders ------------------------------------------------------------------------------------------


def check_sort(order_of: Callable[[Any], list], *programs: str) -> Prediction:
    """Does a student's function list every node once, each after all that it is made of?

    order_of   takes a result, and returns its nodes

    >>> check_sort(lambda f: f.order(), "x + y")
    right       x + y: x, y, f
    """
    return told_once(judged_order(order_of, text) for text in programs or PROGRAMS[1:])


def judged_order(order_of: Callable, text: str) -> Judged:
    """The line of one program."""
    graph = SmallGraph.of(text, **numbers_of(text))
    made = graph.run(lambda name, number: small.Value(number), lambda op: lambda x: x.apply(op))
    names = {node: name if name != graph.output else "f" for name, node in made.items()}
    try:
        listed = order_of(made[graph.output])
    except STUMBLES as error:
        return Judged(text, f"{type(error).__name__}: {error}", NOT_YET, NO_FURTHER)
    if not isinstance(listed, list) or not listed or any(node is ... for node in listed):
        return Judged(text, "...", TO_FILL_IN)
    order = [names.get(node, "?") for node in listed]
    hint = wrong_with(order, {names[node]: [names[x] for x in node.parents] for node in made.values()})
    return Judged(text, ", ".join(order), NOT_YET if hint else RIGHT, hint)


def wrong_with(order: list[str], parents: dict[str, list[str]]) -> str:
    """What is wrong with an order, or ""."""
    twice = next((name for name in order if order.count(name) > 1), "")
    missing = next((name for name in parents if name not in order), "")
    early = [f"{x} stands before {parent}, which it is made from." for i, x in enumerate(order)
             for parent in parents.get(x, ()) if parent in order[i:]]
    if twice:
        return f"{twice} is in the list twice: which line remembers what was seen?"
    return f"{missing} is not in the list." if missing else early[0] if early else ""


# ---- gradients that are written down -------------------------------------------------------------------


def check_rule(rule: Op, *points: Sequence[float]) -> Prediction:
    """Judge a student's `@tg.op` by slopes, at one point after the other: at two, no single number is the slope.

    >>> import tinygrad_edu as tg
    >>> @tg.op("doubled", tg.REAL)
    ... def doubled(x):
    ...     return 2 * x, (2,)
    >>> check_rule(doubled, [0.75], [-2.0])
    right       doubled: 4 gradients judged
    """
    try:
        if any(slope is ... for slope in rule.textbook(*points[0])[1]):
            return row(rule.name, "...", TO_FILL_IN)
        return of_reports(rule.name, [(gradcheck(rule, list(point)), ()) for point in points])
    except STUMBLES as error:
        return row(rule.name, first_line(error), NOT_YET, NO_FURTHER)


def check_layer(layer: Any, x: Any) -> Prediction:
    """Judge a student's `backward` on matrices by `check_transform` at x and at another input; needs NumPy."""
    import numpy as np
    name = type(layer).__name__
    try:
        forgets = gives_always_the_same(copy.deepcopy(layer), x)
        if forgets is ...:
            return row(name, "...", TO_FILL_IN)
        elsewhere = judged_layer(layer, np.roll(x, 1), forgets, [ELSEWHERE])
        return of_reports(name, [judged_layer(layer, x, forgets), elsewhere])
    except STUMBLES as error:
        told = first_line(error).split(", with gufunc")[0]
        return row(name, told, NOT_YET, SHAPES if re.search("shape|dimension|broadcast", told) else NO_FURTHER)


def gives_always_the_same(layer: Any, x: Any) -> bool | EllipsisType:
    """Does `backward` ignore what comes from above?  `...` where something is still to be filled in."""
    import numpy as np
    out = layer.forward(x)
    once = layer.backward(0 * out)
    if any(part is ... for part in (once, getattr(layer, "dW", 0), getattr(layer, "db", 0))):
        return ...
    return np.array_equal(once, layer.backward(np.arange(out.size, dtype=float).reshape(out.shape)))


def judged_layer(layer: Any, x: Any, forgets: Any, signs: Iterable[str] = ()) -> tuple[GradientCheck, list[str]]:
    """What `check_transform` finds, and what the wrong gradients look like."""
    from ..check.layers import check_transform
    report = check_transform(layer, x)
    return report, [FORGETS] if forgets else [*signs, *signs_of(report, len(x))]


def signs_of(report: GradientCheck, rows: int) -> Iterator[str]:
    """What the wrong gradients of a layer look like."""
    wrong = [finding for finding in report.findings if not finding.ok]
    if wrong and all("after" in finding.name for finding in wrong):
        yield ONCE
    if any(finding.stored and math.isclose(finding.measured or 0, rows * finding.stored) for finding in wrong):
        yield MEAN


def of_reports(name: str, reports: Sequence[tuple[GradientCheck, Iterable[str]]]) -> Prediction:
    """The wrong gradients of the first report that has any, and what they look like; or that all are right."""
    count = sum(report.judged for report, _ in reports)
    judged = f"{count} gradient{'s' * (count > 1)} judged"
    for report, signs in reports:
        wrong = [finding.text for finding in report.findings if not finding.ok]
        if wrong:
            return row(name, judged, NOT_YET, "\n".join([*wrong, *signs]))
    return row(name, judged, RIGHT)


def first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]


# ---- bugs ----------------------------------------------------------------------------------------------


def check_caught(bug: str, program: str | EllipsisType, nodes: int = 5) -> Prediction:
    """Does a program show a bug?  Its gradients are those of the bug's engine and of the right one.

    bug       the name of an engine in `tg.classroom.bugs()`
    program   such as "x * y", with leaves x, y, z, w, a, b
    nodes     how many operations it may have

    >>> check_caught("accumulate", "x + y")
    not yet     x + y: 1, 1 by both engines
                This program gives the bug nothing to spoil. What is in it that the bug treats wrongly?
    >>> bool(check_caught("accumulate", "x + x"))
    True
    """
    if program is ...:
        return row("your program", "...", TO_FILL_IN)
    try:
        graph = SmallGraph.of(str(program), **numbers_of(str(program)))
    except (ExpressionError, ArithmeticError) as error:
        return row("your program", str(program), NOT_YET, str(error))
    if not graph.lines:
        return row("your program", str(program), NOT_YET, "Nothing is computed here. Join names, as in x * y.")
    right, wrong = small.gradients(graph), attempt(graph, model_named(bug), ())
    both = ", ".join(map(format_number, map(float, right.values())))
    if len(graph.lines) > nodes:
        return row(str(program), f"{len(graph.lines)} operations", NOT_YET, f"It has to do with {nodes}. What can go?")
    if same(right, wrong):
        return row(str(program), f"{both} by both engines", NOT_YET,
                   "This program gives the bug nothing to spoil. What is in it that the bug treats wrongly?")
    with_bug = ", ".join(map(format_number, map(float, wrong.values())))
    return row(str(program), f"{both}, and {with_bug or 'an error'} with the bug", RIGHT)


__all__ = ["check_answer", "check_caught", "check_engine", "check_layer", "check_rule", "check_sort"]
