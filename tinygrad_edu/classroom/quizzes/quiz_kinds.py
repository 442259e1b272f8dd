"""The kinds of questions, a function each; the first line of its docstring is what teachers choose by.

A function draws one question, or returns None where this draw is no good; the next draw will be.  What they say
stands in the table of words, `show/words/en.json`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import chain, pairwise
from math import prod
from typing import NamedTuple

from ..faults.model import Model, in_words
from ..faults.models import MODELS, attempt
from ..faults.small import gradients
from ..graphs import Line, SmallGraph
from .questions import Blank, Draw, Item, Wrong, exact, is_short, kind
from .quiz_graphs import (
    BINARY,
    NUMBERS,
    both_passes,
    by_models,
    distinct,
    drawn_graph,
    gradient_blank,
    inlined,
    mistakes,
    program,
    said,
    solved,
    title_of,
    told,
    worked,
)

# ---- both passes ----------------------------------------------------------------------------------------


@kind
def picture(draw: Draw, level: int) -> Item | None:
    """Fill in the picture of a graph."""
    graph = drawn_graph(draw, level + 1, ("add", "mul", "mul", "sub"))
    return Item("picture", said("picture"),
                told(graph), both_passes(graph), worked(graph), graph, True)


@kind
def table(draw: Draw, level: int) -> Item | None:
    """Fill in the table of both passes."""
    graph = drawn_graph(draw, level + 2, ("add", "mul", "mul", "sub", "neg", "pow", "relu"), "abcd")
    return Item("table", said("table"),
                told(graph), both_passes(graph), worked(graph), graph)


ONE_NODE = (("y = u ** 2", "pow", ("u", "2")), ("y = u ** 3", "pow", ("u", "3")), ("y = 3 * u", "mul", ("3", "u")),
            ("y = -u", "neg", ("u",)), ("y = 2 - u", "sub", ("2", "u")), ("y = relu(u)", "relu", ("u",)),
            ("y = u * u", "mul", ("u", "u")), ("y = u + u", "add", ("u", "u")), ("y = 2 / u", "div", ("2", "u")),
            ("y = u / 4", "div", ("u", "4")))


@kind
def local(draw: Draw, level: int) -> Item | None:
    """What one node passes on: upstream times local."""
    (text, op, inputs), u, upstream = draw.one_of(ONE_NODE), draw.one_of(NUMBERS), draw.one_of(NUMBERS)
    node = SmallGraph((Line("y", op, inputs),), {"u": str(u)})
    slope = Fraction(solved(node)["u"].grad)
    right = upstream * slope
    of_one_node = [(model, found) for model, found in by_models(node) if not isinstance(model.code, type)]
    slips = (Wrong(slope, said("forgotten_gradient")),
             Wrong(slope + upstream, said("added")),
             *[Wrong(upstream * wrong, reason) for wrong, reason in mistakes(of_one_node, "u", slope)])
    return Item("local", said("local", upstream=upstream),
                (f"u = {u}", text), (Blank(said("passed_on"), right, distinct(right, slips)),),
                (said("upstream_local", upstream=upstream, slope=slope, right=exact(right)),))


@kind
def diamond(draw: Draw, level: int) -> Item | None:
    """A gradient that arrives on several paths."""
    graph = drawn_graph(draw, level + 1, ("add", "mul", "mul", "sub", "add"), "ab" if level == 1 else "abc")
    inputs = [name for line in graph.lines for name in line.inputs]
    twice = [leaf for leaf in graph.at if inputs.count(leaf) > 1]
    if not twice:
        return None
    blank = gradient_blank(solved(graph), draw.one_of(twice), by_models(graph))
    return Item("diamond", said("what_is", name=blank.label), told(graph), (blank,), worked(graph), graph, True)


@kind
def duals(draw: Draw, level: int) -> Item | None:
    """Forward mode: a tangent for each line."""
    graph = drawn_graph(draw, level + 1, ("add", "mul", "mul", "sub", "pow"), "ab")
    seed, nodes = draw.one_of("ab"), solved(graph)
    tangents = {leaf: Fraction(leaf == seed) for leaf in "ab"}
    start = ", ".join(f"{leaf}' = {tangent}" for leaf, tangent in tangents.items())
    blanks, shown = [], []
    for name, op, inputs in graph.lines:
        pairs = [(slope, tangents[x]) for slope, x in zip(nodes[name].local_grads, inputs) if x in nodes]
        right = tangents[name] = sum((slope * tangent for slope, tangent in pairs), Fraction(0))
        naive = [Wrong(prod((x for _, x in pairs), start=Fraction(1)), said("product_of_derivatives"))]
        blanks.append(Blank(f"{name}'", right, distinct(right, [*naive * (op == "mul"), Wrong(-right, said("sign"))])))
        shown.append(f"{name}' = " + " + ".join(f"{slope} · {tangent}" for slope, tangent in pairs) + f" = {right}")
    return Item("duals", said("duals", start=start), told(graph),
                tuple(blanks), tuple(shown), graph)


@kind
def expression(draw: Draw, level: int) -> Item | None:
    """Which expression do these lines compute?"""
    graph = drawn_graph(draw, level + 1, BINARY, "abc", branches=True)
    slips = []
    for i in (draw.one_of(range(len(graph.lines))) for _ in range(8)):
        name, _, (_, second) = graph.lines[i]
        before = [*graph.at, *[line.name for line in graph.lines[:i]]]
        line = Line(name, draw.one_of(BINARY), (draw.one_of(before), second))
        other = replace(graph, lines=(*graph.lines[:i], line, *graph.lines[i + 1:]))
        if solved(other)["f"].data != solved(graph)["f"].data:
            slips.append(Wrong(inlined(other), said("that_has", line=line.text)))
    blank = Blank("f", inlined(graph), distinct(inlined(graph), slips))
    return Item("expression", said("expression"), program(graph), (blank,), (f"f = {inlined(graph)}",), graph)


# ---- thinking backwards ---------------------------------------------------------------------------------


class Riddle(NamedTuple):
    """A graph with a number left out, which a gradient g gives away."""
    text: str
    by: str
    hidden: str
    right: Callable[[Fraction, Fraction], Fraction]     # of g and x
    wrong: Callable[[Fraction, Fraction], Fraction]
    reason: str                                         # its key in the table of words


RIDDLES = (
    Riddle("q = x + y; f = q * z", "z", "y", lambda g, x: g - x, lambda g, x: g + x, "sign"),
    Riddle("q = x - y; f = q * z", "z", "y", lambda g, x: x - g, lambda g, x: g - x, "sign"),
    Riddle("q = x * y; f = q * z", "z", "y", lambda g, x: g / x, lambda g, x: g * x, "divide_by_x"),
    Riddle("q = x * x; f = q * y", "x", "y", lambda g, x: g / (2 * x), lambda g, x: g / x, "used_twice"),
    Riddle("q = x * y; f = q + x", "x", "y", lambda g, x: g - 1, lambda g, x: g + 1, "second_path"))


@kind
def missing(draw: Draw, level: int) -> Item | None:
    """Find a number from a gradient."""
    riddle = draw.one_of(RIDDLES)
    x, g, z = (Fraction(draw.one_of(NUMBERS)) for _ in range(3))
    right = riddle.right(g, x)
    leaves = {"x": x, "y": right} | ({"z": z} if "z" in riddle.text else {})
    graph = SmallGraph.of(riddle.text, **leaves)
    given = ", ".join(f"{name} = {'?' if name == riddle.hidden else number}" for name, number in leaves.items())
    slips = Wrong(g, said("gradient_itself")), Wrong(riddle.wrong(g, x), said(riddle.reason))
    lines = given, *program(graph), f"∂f/∂{riddle.by} = {g}"
    return Item("missing", said("what_is", name=riddle.hidden), lines, (Blank(riddle.hidden, right, slips),),
                (said("with_it", name=riddle.hidden, number=exact(right)), *worked(graph)), graph)


@kind
def paths(draw: Draw, level: int) -> Item | None:
    """Count the paths in a graph."""
    graph = drawn_graph(draw, level + 2, ("add",), "ab")
    leaf = draw.one_of("ab")
    right = Fraction(solved(graph)[leaf].grad)
    inputs = [name for line in graph.lines for name in line.inputs]
    slips = (Wrong(Fraction(len(inputs)), said("arrows")), Wrong(Fraction(graph.size), said("nodes")),
             Wrong(Fraction(inputs.count(leaf)), said("used_directly", leaf=leaf)))
    return Item("paths", said("paths", leaf=leaf), program(graph),
                (Blank(said("count_of_paths"), right, distinct(right, slips)),), tuple(counted(graph, leaf)), graph)


def counted(graph: SmallGraph, leaf: str) -> Iterator[str]:
    """How many paths lead from each line to the leaf."""
    count = {name: int(name == leaf) for name in graph.at}
    for name, _, inputs in graph.lines:
        count[name] = sum(count[x] for x in inputs)
        yield said("from_line", name=name, sum=" + ".join(str(count[x]) for x in inputs), count=count[name])


# ---- the order of the backward pass ---------------------------------------------------------------------

Inputs = dict[str, list[str]]           # {line: the lines that it uses}


@kind
def orders(draw: Draw, level: int) -> Item | None:
    """Which order is right for the backward pass?"""
    graph = drawn_graph(draw, level + 3, ("add", "mul", "mul"), "ab", branches=True)
    inputs = {name: [x for x in inputs if x not in graph.at] for name, _, inputs in graph.lines}
    tempting = {breadth_first(inputs): said("layer_by_layer"),
                depth_first(inputs): said("path_to_end"),
                ", ".join(inputs): said("forward_order")}
    wrong = [Wrong(order, reason) for order, reason in tempting.items() if not is_valid(order, inputs)]
    fine = sorted(valid_orders(inputs) - {", ".join(reversed(inputs))})
    if not fine:
        return None                         # only the program read backwards: nothing is to be thought of
    right = draw.one_of(fine)
    return Item("orders", said("orders"),
                program(graph), (Blank(said("order"), right, tuple(wrong)),),
                (said("after_all", order=right),), graph)


def is_valid(order: str, inputs: Inputs) -> bool:
    """Does every line come after all lines that use it?"""
    names = order.split(", ")
    return all(names.index(name) < names.index(x) for name in names for x in inputs[name])


def breadth_first(inputs: Inputs) -> str:
    """The lines in the order of their distance from f."""
    order = ["f"]
    for name in order:
        order += [x for x in dict.fromkeys(inputs[name]) if x not in order]
    return ", ".join(order)


def depth_first(inputs: Inputs) -> str:
    """The lines as they are first met on paths from f, each path to its end."""
    order: dict[str, None] = {}
    waiting = ["f"]
    while waiting:
        name = waiting.pop()
        if name not in order:
            order[name] = None
            waiting += reversed(inputs[name])
    return ", ".join(order)


def valid_orders(inputs: Inputs, done: tuple[str, ...] = ()) -> set[str]:
    """Every valid order, of a few lines."""
    ready = [name for name in inputs if name not in done
             and all(user in done for user, used in inputs.items() if name in used)]
    return {order for name in ready for order in valid_orders(inputs, (*done, name))} or {", ".join(done)}


# ---- faults ---------------------------------------------------------------------------------------------


class Case(NamedTuple):
    """A faulty engine on a graph: what it gives for the gradient by a leaf, and what is right."""
    graph: SmallGraph
    leaf: str
    model: Model
    given: Fraction
    right: Fraction


def faulty_case(draw: Draw, level: int) -> Case | None:
    """A graph on which an engine gives a wrong number; None where it is right, or stops with an error."""
    graph = drawn_graph(draw, level + 1, ("add", "mul", "mul", "sub", "neg", "pow"), "ab")
    model, leaf = draw.one_of([model for model in MODELS.values() if model.engine]), draw.one_of("ab")
    given, right = Fraction(attempt(graph, model, ()).get(leaf, 0)), Fraction(gradients(graph)[leaf])
    is_worth_it = given not in (0, right) and is_short(given) and is_short(right)
    return Case(graph, leaf, model, given, right) if is_worth_it else None


@kind
def faulty(draw: Draw, level: int) -> Item | None:
    """What does a faulty engine print?"""
    case = faulty_case(draw, level)
    if case is None:
        return None
    graph, leaf, model, given, right = case
    slips = chain([Wrong(right, said("do_as_engine"))],
                  mistakes(by_models(graph), leaf, given))
    lines = (*model.source.splitlines(), "", *[f"{name} = Value({number})" for name, number in graph.at.items()],
             *program(graph), "f.backward()", f"print({leaf}.grad)")
    return Item("faulty", said("faulty", fault=title_of(model)), lines,
                (Blank(f"{leaf}.grad", given, distinct(given, slips)),), explained(case), graph)


@kind
def fault(draw: Draw, level: int) -> Item | None:
    """Which fault explains a wrong gradient?"""
    case = faulty_case(draw, level)
    if case is None:
        return None
    graph, leaf, model, given, right = case
    others = [(other, Fraction(found[leaf])) for other, found in by_models(graph) if found[leaf] not in (given, right)]
    wrong = tuple(Wrong(title_of(other), said("that_gives", leaf=leaf, number=number))
                  for other, number in draw.some_of(others, min(3, len(others))))
    return Item("fault", said("fault", leaf=leaf, given=given),
                told(graph), (Blank(said("the_fault"), title_of(model), wrong),), explained(case), graph)


def explained(case: Case) -> tuple[str, ...]:
    """What the engine gives, and the right steps."""
    return (said("faulty_gives", given=exact(case.given), right=exact(case.right)), *worked(case.graph))


@kind
def counterexample(draw: Draw, level: int) -> Item | None:
    """True or false: find the counter-example."""
    model = draw.one_of([model for model in MODELS.values() if model.engine and isinstance(model.code, type)])
    at = dict(zip("abc", map(str, draw.some_of(NUMBERS, 3))))
    right: list[Wrong] = []
    shown: list[tuple[str, str]] = []
    for _ in range(10):
        graph = replace(drawn_graph(draw, level + 1, ("add", "mul", "sub")), at=at)
        found, wanted = attempt(graph, model, ()), gradients(graph)
        numbers = in_words(found, at)
        if found == wanted:
            right.append(Wrong(graph.text, said("gives_right", numbers=numbers)))
        elif found:
            shown.append((graph.text, said("gives_wrong", numbers=numbers, right=in_words(wanted, at))))
    if not shown or len(right) < 3:
        return None
    [text, told] = shown[0]
    stem = said("counterexample", fault=title_of(model))
    lines = (*model.source.splitlines(), "", ", ".join(f"{leaf} = {number}" for leaf, number in at.items()))
    return Item("counterexample", stem, lines, (Blank(said("the_graph"), text, tuple(right[:3])),), (told,))


# ---- cost, steps and differences ------------------------------------------------------------------------

Products = Sequence[tuple[int, int, int]]           # (k, m, n): a k × m matrix times an m × n one


@kind
def cost(draw: Draw, level: int) -> Item | None:
    """What a chain of matrices costs from either end."""
    sides = [1, *[draw.one_of((1, 2, 3, 4)) for _ in range(level + 2)]]
    ways = {said("from_left"): [(sides[0], k, n) for k, n in pairwise(sides[1:])],
            said("from_right"): [(k, n, sides[-1]) for k, n in pairwise(sides[:-1])]}
    left, right = map(operations, ways.values())
    blanks = []
    for label, way in ways.items():
        slips = (Wrong(Fraction(sum(map(prod, way))), said("multiplications")),
                 Wrong(left + right - operations(way), said("other_end")))
        blanks.append(Blank(label, operations(way), slips))
    return Item("cost", said("cost"),
                ("".join(f"({k} × {n})" for k, n in pairwise(sides)),), tuple(blanks),
                tuple(f"{label}: {' + '.join(f'{k}·{n}·(2·{m} − 1)' for k, m, n in way)} = {operations(way)}"
                      for label, way in ways.items()))


def operations(products: Products) -> Fraction:
    """The operations on numbers that products take: each of k n results is m products, added up by m - 1 additions."""
    return Fraction(sum(k * n * (2 * m - 1) for k, m, n in products))


@kind
def jacobian(draw: Draw, level: int) -> Item | None:
    """The shape of a Jacobian, and one of its numbers."""
    (rows, leaves), (i, j) = draw.one_of(((2, "abc"), (3, "ab"))), draw.one_of(((0, 1), (1, 0)))
    at = {leaf: str(number) for leaf, number in zip(leaves, draw.some_of(NUMBERS, len(leaves)))}
    graphs = [replace(drawn_graph(draw, level, ("mul", "sub", "mul"), leaves), at=at) for _ in range(rows)]
    matrix = [[gradients(graph)[leaf] for leaf in leaves] for graph in graphs]
    entry, leaf = matrix[i][j], leaves[j]
    if entry == 0 or len({*map(tuple, matrix)}) < rows:
        return None
    turned = Wrong(matrix[j][i], said("this_is_entry", row=j + 1, column=i + 1))
    slips = chain([turned], mistakes(by_models(graphs[i]), leaf, entry))
    size = Wrong(Fraction(len(leaves)), said("inputs"))
    blanks = (Blank(said("rows"), Fraction(rows), (size,)),
              Blank(said("entry", row=i + 1, column=j + 1), entry, distinct(entry, slips)))
    lines = [", ".join(f"{leaf} = {number}" for leaf, number in at.items()),
             *[f"f{k} = {inlined(graph)}" for k, graph in enumerate(graphs, 1)]]
    stem = said("jacobian", leaves=", ".join(leaves), row=i + 1, column=j + 1)
    return Item("jacobian", stem, tuple(lines), blanks,
                tuple(said("row", row=k, numbers=", ".join(map(str, row))) for k, row in enumerate(matrix, 1)))


@kind
def step(draw: Draw, level: int) -> Item | None:
    """Two steps of an optimizer."""
    w, g1, g2 = (Fraction(draw.one_of(NUMBERS)) for _ in range(3))
    lr, beta = Fraction(1, draw.one_of((2, 4, 10))), Fraction(1, draw.one_of((2, 4)))
    name, rule, v1, v2 = draw.one_of((
        ("descent", "w ← w − lr · g", g1, g2),
        ("momentum", "v ← β v + g;  w ← w − lr · v", g1, beta * g1 + g2),
        ("momentum_as_mean", "v ← β v + (1 − β) g;  w ← w − lr · v", (1 - beta) * g1,
         (1 - beta) * (beta * g1 + g2))))
    has_beta, first = "β" in rule, w - lr * v1
    right = first - lr * v2
    slips = (Wrong(w + lr * (v1 + v2), said("uphill")),
             Wrong(w - lr * v2, said("second_step")),
             *[Wrong(w - lr * (g1 + g2), said("velocity"))] * has_beta)
    lines = (f"w = {w}, lr = {lr}" + f", β = {beta}, v = 0" * has_beta, rule, said("gradients", first=g1, second=g2))
    return Item("step", said("step", rule=said(name)), lines, (Blank("w", right, slips),),
                (said("first", before=w, lr=lr, v=v1, after=first),
                 said("then", before=first, lr=lr, v=v2, after=exact(right))))


GATES = ("u = relu(a); v = 3 * b; f = maximum(u, v)", "u = a * b; v = relu(u); w = relu(b); f = v + w",
         "u = maximum(a, b); v = u * c; f = relu(v)", "u = relu(a); v = relu(b); w = u * c; f = w + v",
         "u = maximum(a, b); v = maximum(b, c); f = u * v",
         "u = a - b; v = relu(u); w = maximum(b, c); f = v - w")


@kind
def gates(draw: Draw, level: int) -> Item | None:
    """Where relu and max let no gradient through."""
    text = draw.one_of(GATES)
    leaves = "abc" if "c" in text else "ab"
    graph = SmallGraph.of(text, **dict(zip(leaves, draw.some_of(NUMBERS, len(leaves)))))
    nodes = solved(graph)
    compared = [[0, *[nodes[x].data for x in line.inputs]] for line in graph.lines if line.op in ("relu", "maximum")]
    at_a_kink = any(len(set(numbers)) < len(numbers) for numbers in compared)
    if at_a_kink or len({nodes[leaf].grad == 0 for leaf in leaves}) == 1:
        return None                         # conventions differ there, or nothing is to be seen
    found, slip = list(by_models(graph)), Wrong(Fraction(nodes["f"].data), said("value_of_f"))
    blanks = tuple(gradient_blank(nodes, leaf, found, slip) for leaf in leaves)
    return Item("gates", said("gates"), told(graph), blanks, worked(graph),
                graph, True)


@kind
def softmax(draw: Draw, level: int) -> Item | None:
    """The gradient of softmax and cross-entropy."""
    counts = [draw.one_of((1, 2, 3, 4, 5, 6, 8)) for _ in range(level + 1)]
    label, total = draw.one_of(range(len(counts))), sum(counts)
    blanks, shown = [], []
    for i, count in enumerate(counts):
        p, y = Fraction(count, total), int(i == label)
        slips = (Wrong(y - p, said("y_minus_p")), Wrong(p, said("p_alone")),
                 Wrong(p * (1 - p), said("slope_of_p")))
        blanks.append(Blank(f"∂L/∂z{i + 1}", p - y, distinct(p - y, slips)))
        shown.append(f"p{i + 1} − {y} = {count}/{total} − {y} = {exact(p - y)}")
    logits = ", ".join(f"z{i + 1} = ln {count}" for i, count in enumerate(counts))
    return Item("softmax", said("softmax"),
                (logits, "p = softmax(z)", f"L = −ln p{label + 1}"), tuple(blanks), tuple(shown))


@kind
def neuron(draw: Draw, level: int) -> Item | None:
    """The gradients of a sigmoid neuron."""
    s = Fraction(*draw.one_of(((1, 4), (3, 4), (1, 5), (4, 5), (2, 5), (1, 10), (9, 10), (1, 2))))
    w, x = draw.some_of(NUMBERS, 2)
    name, factor, other = draw.one_of((("w", x, w), ("x", w, x)))
    slope = s * (1 - s)
    slips = (Wrong(s * factor, said("s_for_slope")),
             Wrong((1 - s) * factor, said("one_minus_s")),
             Wrong(slope, said("chain_goes_on")), Wrong(slope * other, said("other_factor")))
    lines = f"w = {w}, x = {x}", "z = w * x + b", "s = sigmoid(z)"
    return Item("neuron", said("neuron", s=s, name=name), lines,
                (Blank(f"∂s/∂{name}", slope * factor, slips),),
                (f"∂s/∂z = s (1 − s) = {slope}", f"∂s/∂{name} = {slope} × {factor} = {exact(slope * factor)}"))


@kind
def difference(draw: Draw, level: int) -> Item | None:
    """A central difference, and how far it is off."""
    a, b, x = (Fraction(draw.one_of(NUMBERS)) for _ in range(3))
    h = Fraction(1, draw.one_of((1, 2)))
    here, right, left = (a * t ** 3 + b * t for t in (x, x + h, x - h))
    central, slope = (right - left) / (2 * h), 3 * a * x ** 2 + b
    slips = (Wrong((right - here) / h, said("one_sided")),
             Wrong(slope, said("derivative_itself")),
             Wrong((right - left) / h, said("apart")))
    error = Blank(said("off_by"), central - slope, (Wrong(slope - central, said("sign")),))
    plus = f"+ {b}" if b > 0 else f"− {-b}"
    return Item("difference", said("difference"),
                (f"f(x) = {a} x³ {plus} x", f"x = {x}, h = {h}"), (Blank(said("central"), central, slips), error),
                (said("so_difference", right=right, left=left, central=exact(central)),
                 f"f'(x) = {3 * a} x² {plus} = {slope}", said("error", a=a, error=exact(central - slope))))
