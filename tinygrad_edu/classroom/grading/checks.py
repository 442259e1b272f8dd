"""What the grader asks of an engine: a table of checks, each a few small graphs and what is called on them.

The numbers of the graphs are drawn from a seed, so that no two students need have the same ones.  No right answer
is in the table: `expected` computes it in the process of the grader, in fractions where all is rational.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ...engine.errors import NotRationalError
from ..faults import small
from ..graphs import SIGNS, Line, SmallGraph

Numbers = dict[str, float]
FUNCTIONS = ("relu", "tanh", "exp", "log", "sigmoid", "abs", "sin", "cos", "sqrt")
NAMES = {sign: name for name, sign in SIGNS.items()}
ONCE, AGAIN = ("accumulated",), ("accumulated", "fresh", "refused")


@dataclass(frozen=True)
class Check:
    """One question to an engine.

    id        its name, such as "derivative-mul"; `--only` takes it, or its group
    tier      "core" and "robust" may be scored, "told" never is
    title     what is asked, as the report says it
    graphs    smallest first: the first that fails is shown
    calls     what is called on each graph: "backward f", "zero", "set a 5", "drop"; every `backward` is looked at
    accept    which answers are right after a second call: gradients "accumulated", "fresh" ones, or "refused"
    after     checks that must have passed, or this one is skipped because of them
    absent    what the engine may lack, and is then not asked this: a key of `child.DUNDERS`, or a function
    numbers   the kind of number that is put in: "float", "int" or "numpy"
    hint      a question for who fails it
    like      the bug model that it looks like where there are no numbers to tell
    """

    id: str
    tier: str
    title: str
    graphs: tuple[SmallGraph, ...]
    calls: tuple[str, ...] = ("backward",)
    accept: tuple[str, ...] = ONCE
    after: tuple[str, ...] = ()
    absent: str = ""
    numbers: str = "float"
    hint: str = ""
    like: str = ""

    @property
    def group(self) -> str:
        """The first word of its id."""
        return self.id.partition("-")[0]

    @property
    def about(self) -> str:
        """The operation that the check itself is about, if it is about one."""
        return self.id.partition("-")[2] if self.group in ("forward", "derivative") else ""

    def outputs(self, graph: SmallGraph) -> list[str]:
        """The node of every call of `backward`: the last line where none is named."""
        words = [call.split() for call in self.calls if call.startswith("backward")]
        return [word[1] if len(word) > 1 else graph.output for word in words]


# ---- writing graphs down

def lines(text: str, **at: Any) -> SmallGraph:
    """The graph of lines of one operation each, also of lines that lead nowhere.

    >>> lines("v = a + a; w = relu(v); u = 2 - w", a=3).text
    'v = a + a; w = relu(v); u = 2 - w'
    """
    return SmallGraph(tuple(map(line, text.split(";"))), {name: str(number) for name, number in at.items()})


def line(text: str) -> Line:
    """One line: `q = x + y`, `v = -a` or `v = relu(a)`."""
    name, right = (part.strip() for part in text.split("=", 1))
    if call := re.fullmatch(r"(\w+)\((\w+)\)", right):
        return Line(name, call[1], (call[2],))
    if right.startswith("-"):
        return Line(name, "neg", (right[1:],))
    first, sign, second = right.split()
    return Line(name, NAMES[sign], (first, second))


def single(op: str) -> str:
    """The line of one operation on leaves a and b."""
    if op in SIGNS:
        return "v = a ** 3" if op == "pow" else f"v = a {SIGNS[op]} b"
    return "v = -a" if op == "neg" else f"v = {op}(a)"


class Drawn:
    """Numbers drawn from a seed: small, exact in floats, and none that hides a fault, as 1 or twice the same would."""

    def __init__(self, seed: str):
        self.random = random.Random(f"grade {seed}")

    def some(self, count: int) -> list[str]:
        """Different numbers, of which no two have the same size; the first is positive."""
        sizes = self.random.sample(["3", "5", "7", "3/2", "5/2", "7/2", "9/2", "9/4"], count)
        return [sizes[0], *(self.random.choice(["", "-"]) + size for size in sizes[1:])]

    def positive(self) -> str:
        """A number at which log, sqrt and powers are fine, and exp is not large."""
        return self.random.choice(["3/2", "5/4", "7/4", "9/4", "5/2"])


# ---- the table

def checks(seed: str = "") -> list[Check]:
    """All checks but the random graphs, in the order in which they are judged."""
    drawn = Drawn(seed)
    return [*forward_checks(drawn), *derivative_checks(drawn), *reflected_checks(drawn), *walking_checks(drawn),
            *number_checks(drawn), *robust_checks(drawn), *told_checks(drawn)]


def one_operation(op: str, drawn: Drawn) -> tuple[SmallGraph, ...]:
    """An operation alone, at two points; at both sides of the kink where it has one."""
    points = []
    for sign in ("", "-" if op in ("relu", "abs", "tanh", "neg") else ""):
        a, b = (sign + drawn.positive(), "") if op in FUNCTIONS else drawn.some(2)
        points.append(lines(single(op), **({"a": a, "b": b} if op in ("add", "sub", "mul", "div") else {"a": a})))
    return tuple(points)


def forward_checks(drawn: Drawn) -> Iterator[Check]:
    """The value of every operation."""
    for op in (*SIGNS, "neg", *FUNCTIONS):
        graphs = one_operation(op, drawn)
        yield Check(f"forward-{op}", "core", f"value of {graphs[0].text[4:]}", graphs, calls=(), absent=op,
                    hint="what does Python itself say?")


def derivative_checks(drawn: Drawn) -> Iterator[Check]:
    """The gradient of every operation alone, and of a leaf by itself."""
    for op in (*SIGNS, "neg", *FUNCTIONS):
        graphs = one_operation(op, drawn)
        yield Check(f"derivative-{op}", "core", f"derivative of {graphs[0].text[4:]}", graphs, absent=op,
                    hint="nudge one input a little: by how much does the output move?")
    a, b = drawn.positive(), drawn.some(1)[0]
    yield Check("derivative-exponent", "core", "derivative of a ** b by both", (lines("v = a ** b", a=a, b=b),),
                absent="pow", hint="how does 2 ** b move when b does?")


def reflected_checks(drawn: Drawn) -> Iterator[Check]:
    """A plain number on either side of an operator."""
    for op, sign in SIGNS.items():
        a = drawn.positive() if op == "pow" else drawn.some(1)[0]
        number = drawn.random.choice(["2", "4"])
        yield Check(f"reflected-{op}", "core", f"{number} {sign} a", (lines(f"v = {number} {sign} a", a=a),),
                    absent="r" + op, after=(f"derivative-{op}",),
                    hint=f"is {number} {sign} a the same as a {sign} {number}?")
        if op != "pow":
            yield Check(f"constant-{op}", "core", f"a {sign} {number}", (lines(f"v = a {sign} {number}", a=a),),
                        absent=op, after=(f"derivative-{op}",), hint="what is done with a plain number?")


REUSED = ("v = a + a", "v = a * a", "v = a - a", "v = -a; w = a + v", "v = relu(a); w = a * v",
          "v = a ** 2; w = v - a", "v = a + a; w = v + v", "v = a * b; w = a * v", "v = a + b; w = b * a; u = v * w",
          "v = a / b; w = v * b; u = w - b")
ORDERS = ("v = a + a; w = v + v", "v = a + a; w = v + a", "v = a + a; w = a + v", "v = a + a; w = relu(v)",
          "v = a * a; w = v + a; u = w * v", "v = a + a; w = a + v; u = v + w", "v = a + a; w = v + a; u = w + v",
          "v = a * b; w = a + v; u = v * w", "v = -a; w = v - a; u = w * v",
          "v = a * a; w = v * v; u = v * w; t = u - v")
EQUAL = ("v = a + b; w = v * a", "v = a * b; w = a + v", "v = a + b; w = a + b; u = v * w")


def walking_checks(drawn: Drawn) -> Iterator[Check]:
    """What the backward pass does where a number is used more than once, and in which order it comes to the nodes."""
    a, b = drawn.some(2)
    at = {"a": a, "b": b}
    yield Check("itself-leaf", "core", "a number's gradient by itself", (SmallGraph((), {"a": a}),),
                calls=("backward a",), hint="how fast does a number change with itself?")
    yield Check("reuse-leaves", "core", "a number that is used twice", placed(REUSED, at),
                hint="two arrows lead to a: what becomes of the first share when the second arrives?")
    yield Check("order-nodes", "core", "a result that is used twice", placed(ORDERS, at), after=("reuse-leaves",),
                hint="has everything arrived at a node before it passes its gradient on?")
    equal = placed(EQUAL, {"a": a, "b": a})
    yield Check("order-equal", "core", "different numbers of the same value", equal, after=("reuse-leaves",),
                hint="are two nodes the same when their numbers are?")
    yield Check("order-dead", "core", "results that lead nowhere",
                placed(("d = a * 2; f = a * 3", "d = a + b; f = a * b"), at), after=("reuse-leaves", "constant-mul"),
                hint="does a result count that the output does not depend on?")
    for op in (*SIGNS, "neg", *FUNCTIONS):
        first = drawn.positive() if op in (*FUNCTIONS, "pow") else a
        yield Check(f"chain-{op}", "core", f"{single(op)[4:]} within a longer graph",
                    placed((single(op) + "; w = v * a", single(op) + "; w = v + a"), {"a": first, "b": b}), absent=op,
                    after=("reuse-leaves", "order-nodes"), hint="what came from above, and what is already there?")
    yield Check("accumulation-two", "core", "two outputs, one after the other", (lines("f = a * b; g = a + b", **at),),
                calls=("backward f", "backward g"), accept=AGAIN, after=("reuse-leaves", "order-dead"),
                hint="do all gradients add up until they are set to 0, or does every pass start anew for all?")


def placed(texts: tuple[str, ...], at: dict[str, str]) -> tuple[SmallGraph, ...]:
    """Graphs with the numbers of those leaves that they have."""
    return tuple(lines(text, **{name: at[name] for name in at if re.search(rf"\b{name}\b", text)}) for text in texts)


def number_checks(drawn: Drawn) -> Iterator[Check]:
    """Numbers that are no floats."""
    a, b = drawn.random.sample([3, 4, 5, 7], 2)
    graphs = placed(("v = a * b; w = v + a", "v = a / b; w = v * a"), {"a": str(a), "b": str(b)})
    for kind, title in (("int", "whole numbers"), ("numpy", "numbers of NumPy")):
        yield Check(f"numbers-{kind}", "core", title, graphs, after=("reuse-leaves", "order-nodes"), numbers=kind,
                    hint="is 7 / 2 still 3.5?" if kind == "int" else "what type does a result have?")


def robust_checks(drawn: Drawn) -> Iterator[Check]:
    """What no homework demands and every finished engine should stand."""
    x, y, z = drawn.some(3)
    yield Check("numbers-left", "robust", "NumPy's 2 times a", placed(("v = 2 * a", "v = a + a; w = 2 * v"), {"a": x}),
                absent="rmul", after=("numbers-numpy", "reflected-mul", "order-nodes"), numbers="numpy",
                hint="what does NumPy do with an object that it does not know?")
    twice = (lines("v = a * a; w = v * v", a=x), lines("q = x + y; f = q * z", x=x, y=y, z=z))
    yield Check("second-backward", "robust", "backward twice", twice, ("backward", "backward"), AGAIN, ("order-nodes",),
                hint="which nodes still hold a gradient when the second pass starts?")
    yield Check("second-zero", "robust", "gradients set to 0, and backward again", twice,
                ("backward", "zero", "backward"), AGAIN, ("second-backward",),
                hint="which gradients does nobody set to 0?")
    yield Check("second-output", "robust", "two outputs that share a result",
                (lines("q = x * z; u = q * z; w = q + x", x=x, z=z),), ("backward u", "backward w"), AGAIN,
                ("second-backward", "order-dead"), hint="what does the shared result still hold from the first pass?")
    yield Check("deep-chain", "robust", "2,000 operations in a row",
                (lines("; ".join(f"v{i} = {f'v{i - 1}' if i else 'a'} + a" for i in range(2000)), a=x),),
                after=("order-nodes",), hint="how many calls may be open at once in Python?", like="deep-recursion")
    yield Check("large-graph", "robust", "1,000 operations", (thousand(x),), after=("order-nodes",),
                hint="does the time grow with the number of nodes, or faster?")
    yield Check("doublings-path", "robust", "40 doublings, with 2 to the 40 paths",
                (lines("; ".join(f"v{i} = v{i - 1} + v{i - 1}" if i else "v0 = a + a" for i in range(40)), a=x),),
                after=("order-nodes",), hint="how often is each node visited?", like="path-by-path")
    yield from extreme_checks()
    yield Check("frees-nodes", "robust", "nodes are freed with their graph",
                (lines("v = a + a", a=x), thousand(x)), ("backward", "drop"), after=("order-nodes", "constant-mul"),
                hint="who still knows the nodes when the output is gone?")


def extreme_checks() -> Iterator[Check]:
    """Functions where exp would be too large."""
    for op, sizes in (("tanh", (400, -400, 800)), ("sigmoid", (800, -800)), ("relu", (1e200, -1e200))):
        yield Check(f"extremes-{op}", "robust", f"{op} far out", tuple(lines(f"v = {op}(a)", a=size) for size in sizes),
                    absent=op, after=(f"derivative-{op}",), hint="how large is exp(800), and is it needed?",
                    like="overflow")


def thousand(x: str) -> SmallGraph:
    """A graph of 1,000 operations that is not deep."""
    rows = [f"s{i} = {f's{i - 20}' if i >= 20 else 'a'} + a" for i in range(980)]
    ends = [f"t{i} = {f't{i - 1}' if i else 'a'} + s{i + 960}" for i in range(20)]
    return lines("; ".join(rows + ends), a=x)


def told_checks(drawn: Drawn) -> Iterator[Check]:
    """Conventions on which engines differ."""
    yield Check("convention-relu", "told", "relu'(0)", (lines("v = relu(a)", a=0),), absent="relu",
                after=("derivative-relu",))
    a, b = drawn.some(2)
    yield Check("convention-late", "told", "a leaf changed before backward", (lines("v = a * b", a=a, b=b),),
                ("set a 11", "backward"), after=("derivative-mul",))


# ---- random graphs

def random_graphs(seed: str, ops: set[str], count: int = 1000) -> list[SmallGraph]:
    """Graphs of these operations with exact numbers, smallest first.

    >>> [graph.size for graph in random_graphs("ada", {"add", "mul"}, 8)] == sorted(
    ...     graph.size for graph in random_graphs("ada", {"add", "mul"}, 8))
    True
    """
    source = random.Random(f"random graphs {seed}")
    usable = sorted(ops & {"add", "sub", "mul", "neg", "relu", "pow"})
    graphs: list[SmallGraph] = []
    while usable and len(graphs) < count:
        graph = random_graph(source, usable, 1 + len(graphs) * 9 // count)
        if all(abs(number) < 1e6 for number in expected(graph, graph.output).values()):
            graphs.append(graph)
    return sorted(graphs, key=lambda graph: graph.size)


def random_graph(source: random.Random, ops: list[str], size: int) -> SmallGraph:
    """A graph of so many lines, each of which leads to the last one."""
    leaves = "ab" if size < 4 else "abc"
    at = {name: str(source.choice([-3, -2, -1, 1, 2, 3, "1/2", "-3/2", "5/4"])) for name in leaves}
    names, unused, made = list(leaves), list[str](), list[Line]()
    for i in range(1, size + 1):
        op = source.choice(ops)
        first = unused.pop() if unused and source.random() < 0.8 else source.choice(names)
        second = "2" if op == "pow" else source.choice(names)
        made.append(Line(f"v{i}", op, (first, second) if op in SIGNS else (first,)))
        names.append(f"v{i}")
        unused.append(f"v{i}")
    return pruned(SmallGraph(tuple(made), at))


def pruned(graph: SmallGraph, output: str = "") -> SmallGraph:
    """The part of a graph that leads to an output, the last line if none is named."""
    needed = {output or graph.output}
    kept: list[Line] = []
    for line in reversed(graph.lines):
        if line.name in needed:
            kept.insert(0, line)
            needed.update(line.inputs)
    return SmallGraph(tuple(kept), {name: number for name, number in graph.at.items() if name in needed})


def smaller(graph: SmallGraph) -> list[SmallGraph]:
    """Every graph that is one step smaller: another output, a line passed over, or two leaves made one; smallest first.

    >>> [graph.text for graph in smaller(lines("v = a + b; w = relu(v)", a=2, b=3))]
    ['w = relu(a)', 'w = relu(b)', 'v = a + b', 'v = b + b; w = relu(v)', 'v = a + a; w = relu(v)']
    """
    found = [pruned(graph, line.name) for line in graph.lines[:-1]]
    for line in graph.lines[:-1]:
        found += [pruned(renamed(graph, line.name, name)) for name in line.inputs if not is_number(name)]
    found += [pruned(renamed(graph, name, other)) for name in graph.at for other in graph.at if other != name]
    return sorted({graph_key(graph): graph for graph in found}.values(), key=lambda graph: graph.size)


def renamed(graph: SmallGraph, old: str, new: str) -> SmallGraph:
    """A graph that takes another number in place of one."""
    kept = tuple(Line(name, op, tuple(new if x == old else x for x in inputs))
                 for name, op, inputs in graph.lines if name != old)
    return SmallGraph(kept, {name: number for name, number in graph.at.items() if name != old})


def is_number(text: str) -> bool:
    """Whether an input is written out as a number."""
    return not (text[0].isalpha() or text[0] == "_")


# ---- right answers

def expected(graph: SmallGraph, output: str) -> Numbers:
    """{name: value} of all lines and {"d" + leaf: gradient of the output by it}: exact, and then rounded once.

    Where a function such as exp leaves the rational numbers, they are the floats of this package's engine.

    >>> expected(lines("v = a + b; w = v - b", a="1/3", b=1000), "w")["w"] == 1 / 3
    True
    """
    return values_and_gradients(graph_key(graph), output)


def graph_key(graph: SmallGraph) -> tuple:
    """What a graph can be found again by."""
    return graph.lines, tuple(graph.at.items())


@lru_cache(maxsize=4000)             # those of a few submissions; some graphs are large
def values_and_gradients(key: tuple, output: str) -> Numbers:
    """See `expected`."""
    graph = SmallGraph(key[0], dict(key[1]))
    try:
        made: dict[str, Any] = graph.run(lambda name, number: small.Value(number), small.function(small.Value))
    except NotRationalError:
        made = graph.values()
    made[output].backward()
    return {name: float(node.data) for name, node in made.items()} | {
        f"d{name}": float(made[name].grad) for name, _ in key[1]}
