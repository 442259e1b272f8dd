"""A program written out as Python that runs without this package: every operation, and what it passes back, a line."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from ..engine.formula import Formula, Row
from ..engine.op import OPS, Op
from ..engine.printer import in_order, python_source, resolved
from ..engine.recorders import Writer
from .batches import names_in
from .tape import COMPUTED, PARAMETER, Tape

SHORT = 8               # a rule of at most so many parts stands where it is used; a longer one is a function
RUN = 4                 # so many numbers in a row, such as p[0], p[1] ..., are written as one slice or loop
FROM_MATH = """acos acosh asin asinh atan atan2 atanh cbrt copysign cos cosh erf erfc exp exp2 expm1 fabs inf isfinite
               log log10 log1p log2 nan pi pow sin sinh sqrt tan tanh""".split()
WORDS = {               # what rules are written in, and Python has not
    "total": """def total(row):
    out = row[0] if row else 0.0
    for x in row[1:]:
        out += x
    return out
""",
    "product": """def product(row):
    out = 1.0
    for x in row:
        out *= x
    return out
""",
    "others": """def others(row):
    before, after = [1.0], [1.0]
    for x in row[:-1]:
        before.append(before[-1] * x)
    for x in row[:0:-1]:
        after.append(after[-1] * x)
    return [x * y for x, y in zip(before, reversed(after))]
""",
    "largest": """def largest(row):
    out = row[0]
    for x in row[1:]:
        out = out if out >= x or out != out else x
    return out
""",
    "smallest": """def smallest(row):
    out = row[0]
    for x in row[1:]:
        out = out if out <= x or out != out else x
    return out
""",
    "larger": "def larger(x, y):\n    return x if x > y else y if y >= x else x + y\n",
    "smaller": "def smaller(x, y):\n    return x if x < y else y if y <= x else x + y\n",
    "sign": "def sign(x):\n    return 1.0 if x > 0 else -1.0 if x < 0 else 0.0 * x\n",
    "floor": "def floor(x):\n    return copysign(math.floor(x), x) if isfinite(x) else x\n",
    "ceil": "def ceil(x):\n    return copysign(math.ceil(x), x) if isfinite(x) else x\n",
    "round_half_even": "def round_half_even(x):\n    return copysign(round(x), x) if isfinite(x) else x\n",
    "remainder": "def remainder(x, y):\n    return x % y\n",
    "floor_divide": "def floor_divide(x, y):\n    return x // y\n",
}
PLAIN = {"abs": "fabs", "power": "pow", "round": "round_half_even"}         # words that Python calls otherwise


def source_of(name: str, tape: Tape, arguments: Sequence[str], example: Sequence[Any], answer: Any) -> str:
    """The text of a program.

    arguments   the names of what a row is given as
    example     how each of them is built
    answer      how what it returns is built
    """
    arguments = usable(arguments)
    inputs = [inner for argument, part in zip(arguments, example) for inner in names_in(argument, part)]
    lesson = Lesson(tape, inputs)
    lesson.compute()
    returned = written(answer, iter([lesson.name[i] for i in tape.outputs]))
    drawn = ["drawn"] * (len(tape.inputs) > len(inputs))
    head = ", ".join([*arguments, *drawn, "p", *["g=None", "arrived=1.0"] * tape.goes_back])
    lines = [f"def row({head}):", f'    """{name} of one row of numbers; p are the parameters."""', *lesson.lines]
    if tape.goes_back:
        lesson.lines.clear()
        lesson.pass_back()
        lines += ["    if g is not None:                   # backward: what arrives is passed on, times the slope",
                  *[f"    {line}" for line in lesson.lines]]
    lines += [f"    return {returned}", ""]
    body = "\n\n".join([*lesson.rules.values(), "\n".join(lines), *[BATCH] * tape.goes_back])
    return "\n\n".join([header(name, body), *words_in(body), body])


def usable(arguments: Sequence[str]) -> list[str]:
    """The names of arguments as such that nothing else has in the program.

    >>> usable(["x", "xs[0]", "p", "p_", "v3"])
    ['x', 'xs_0', 'p_', 'p__', 'v3_']
    """
    taken = {"p", "g", "i", "arrived", "drawn", "row", "backward", "range", "math", *FROM_MATH, *WORDS}
    names: list[str] = []
    for argument in arguments:
        name = re.sub(r"\W+", "_", argument.rstrip("]"))
        while name in taken or re.fullmatch(r"[vds]\d+|\w+_rule", name):
            name += "_"
        taken.add(name)
        names.append(name)
    return names


BATCH = '''def backward(rows, p):
    """(the mean of the rows, its gradient by each of p); a row is a tuple of what `row` takes before p."""
    g = [0.0] * len(p)
    outputs = [row(*numbers, p, g, 1.0 / len(rows)) for numbers in reversed(rows)]
    mean = -0.0
    for output in reversed(outputs):
        mean += output
    return mean / len(rows), g
'''


def header(name: str, body: str) -> str:
    lines = imports_of_math("\n".join([body, *words_in(body)]))
    how = "run row(...) for one row" + ", or backward(rows, p) for many" * (BATCH in body)
    return "\n".join([f'"""{name}, written out: {how}."""', "", *lines])


def imports_of_math(text: str) -> list[str]:
    """The lines that import what a program needs from Python's math."""
    words = used(FROM_MATH, text)
    return ["import math"] * ("math." in text) + [f"from math import {', '.join(words)}"] * bool(words)


def words_in(body: str) -> list[str]:
    """The definitions of the words that a program uses."""
    return [WORDS[word] for word in used(WORDS, body, r"\(")]


def used(words: Iterable[str], text: str, end: str = r"(?!\w)") -> list[str]:
    """Which of some words stand in a text by themselves, found in one pass."""
    found = set(re.findall(rf"(?<![\w.])({'|'.join(words)}){end}", text))
    return [word for word in words if word in found]


def written(answer: Any, names: Iterator[str]) -> str:
    """What a program returns, with names in the places of its numbers."""
    if isinstance(answer, Mapping):
        return "{" + ", ".join(f"{key!r}: {written(part, names)}" for key, part in answer.items()) + "}"
    if isinstance(answer, list):
        return "[" + ", ".join(written(part, names) for part in answer) + "]"
    return next(names)


class Lesson:
    """The lines of a program, one node of its tape after the other.

    name      what each node is called
    place     {node of a parameter: its place among them}
    slopes    {node: of each of its parents, how its local gradient is written}
    lines     those of the function so far
    rules     {name: function} of longer rules
    """

    def __init__(self, tape: Tape, inputs: Sequence[str]):
        self.tape = tape
        self.slopes: dict[int, list[str]] = {}
        self.lines: list[str] = []
        self.rules: dict[str, str] = {}
        fresh = count(1)
        self.name = [f"v{next(fresh)}" if kind == COMPUTED else repr(x) for kind, x in zip(tape.kind, tape.numbers)]
        self.place = {i: k for k, i in enumerate(tape.parameters)}
        places = [*inputs, *[f"drawn[{k}]" for k in range(len(tape.inputs) - len(inputs))]]
        named = [*zip(tape.inputs, places), *[(i, f"p[{k}]") for i, k in self.place.items()]]
        for i, name in named:
            if i is not None:
                self.name[i] = name

    def belonging_to(self, i: int, letter: str) -> str:
        """What the slopes of a node, s, or its gradient, d, are called."""
        return f"{letter}{self.name[i][1:]}"

    # ---- forward

    def compute(self) -> None:
        for i, op in self.tape.computed:
            names = [self.name[p] for p in self.tape.parents[i]]
            text, self.slopes[i] = self.in_place(i, op, names) or self.called(i, op, names)
            self.lines.append(f"    {text}")

    def in_place(self, i: int, op: Op, names: list[str]) -> tuple[str, list[str]] | None:
        """(the line of node i, its slopes) of a short rule; None for a longer one."""
        if op.rows or not op.is_built_in:
            return None
        value, slopes = self.form_of(op)(*map(Formula, names), **self.tape.constants[i])
        writer, parts = Writer([value, *slopes]), in_order([value, *slopes])
        if not writer.knows_all or len(parts) > SHORT:
            return None
        text = bare(writer.result(value))
        writer.named = dict.fromkeys(writer.named, self.name[i])
        texts = [writer.text(slope) for slope in slopes]
        return None if ":=" in "".join([text, *texts]) else (f"{self.name[i]} = {text}", texts)

    def called(self, i: int, op: Op, names: list[str]) -> tuple[str, list[str]]:
        """The same of a rule that is a function of its own: the slopes are kept where they are no plain numbers."""
        inputs, length = op.in_rows(names), len(names) // len(op.inputs)
        arguments = [*map(in_a_row, inputs)] if op.rows else inputs
        call = f"{self.rule(op)}({', '.join([*arguments, *map(repr, self.tape.constants[i].values())])})"
        slopes = op.formulas(self.form_of(op))[1]
        plain = [known for slope in slopes for known in plain_slopes(slope, op, inputs, length)]
        if None not in plain:
            return f"{self.name[i]} = {call}[0]", [str(slope) for slope in plain]
        kept = self.belonging_to(i, "s")
        places = [f"{kept}[{j}][{k}]" for j in range(len(op.inputs)) for k in range(length)] if op.rows else [
            f"{kept}[{j}]" for j in range(len(names))]
        return f"{self.name[i]}, {kept} = {call}", [known or place for known, place in zip(plain, places)]

    def form_of(self, op: Op) -> Callable:
        """The form of an op's rule that is written: the one that the engine computes by."""
        return op.rule

    def rule(self, op: Op) -> str:
        """The name of the function that computes an op; it is written when it is first needed."""
        name = f"{op.name}_rule"
        if name not in self.rules:
            self.rules[name] = ""                               # behind those that it calls
            text = function_of(op, self.form_of(op))
            if text is None:
                text = Plainly(self).function(op)
            del self.rules[name]
            self.rules[name] = text
        return name

    # ---- backward

    def pass_back(self) -> None:
        """What arrives at each node goes on to its parents, the last node and the last parent first."""
        tape, wanted = self.tape, wanted_in(self.tape)
        [output] = tape.outputs
        arrived: dict[int, str] = {}
        self.receive(arrived, output, "arrived")
        for i in range(len(tape) - 1, -1, -1):
            op = tape.ops[i]
            if op is None or i not in arrived:
                continue
            edges = zip(tape.parents[i], self.slopes[i])
            parts = [(p, slope) for p, slope in edges if wanted[p] and slope not in ("0", "0.0")][::-1]
            start = 0
            while start < len(parts):
                start = self.pass_on(arrived, i, parts, start)

    def pass_on(self, arrived: dict[int, str], i: int, parts: list[tuple[int, str]], start: int) -> int:
        """The contributions from `start` on, of which those to neighbouring parameters are a loop; where it ended."""
        end = start + 1
        while end < len(parts) and self.goes_on(parts[end - 1], parts[end]):
            end += 1
        p, slope = parts[end - 1]
        if end - start >= RUN:                              # all of them are different, so their order is no matter
            base, first = place_in(slope)
            line = f"g[{shifted(self.place[p])}] += {arrived[i]} * {base}[{shifted(first)}]"
            self.lines += [f"    for i in range({end - start}):", f"        {line}"]
            return end
        p, slope = parts[start]
        self.receive(arrived, p, times(arrived[i], slope, self.tape.ops[i].selects))            # type: ignore[union-attr]
        return start + 1

    def goes_on(self, last: tuple[int, str], part: tuple[int, str]) -> bool:
        """Does this go to the parameter before that of the last, with the number before the last one's?"""
        (base, k), (other, j) = place_in(last[1]), place_in(part[1])
        are_neighbours = self.place.get(last[0], 0) - 1 == self.place.get(part[0], -2)
        return are_neighbours and bool(base) and base == other and j == k - 1

    def receive(self, arrived: dict[int, str], i: int, text: str) -> None:
        """A line that adds something to what has arrived at node i."""
        if i in self.place:
            self.lines.append(f"    g[{self.place[i]}] += {text}")
        else:
            name = self.belonging_to(i, "d")
            self.lines.append(f"    {name} {'+=' if i in arrived else '='} {text}")
            arrived[i] = name


def shifted(first: int) -> str:
    return f"{first} + i" if first else "i"


def wanted_in(tape: Tape) -> list[bool]:
    """Of each node, does a gradient have to arrive there on its way to a parameter?"""
    wanted: list[bool] = []
    for i, (kind, parents) in enumerate(zip(tape.kind, tape.parents)):
        is_parameter = kind == PARAMETER and i not in tape.frozen
        wanted.append(is_parameter or (kind == COMPUTED and any(wanted[p] for p in parents)))
    return wanted


def times(upstream: str, slope: str, selects: bool) -> str:
    """What arrives from above times a local gradient; a branch that was not taken passes nothing on."""
    if slope in ("1", "1.0"):
        return upstream
    if slope in ("-1", "-1.0", "(-1.0)"):
        return f"-{upstream}"
    if is_open := re.fullmatch(r"\(1\.0 if (.*) else 0\.0\)", slope):
        return f"{upstream} if {is_open[1]} else 0.0"
    product = f"{upstream} * {slope}"
    return f"{product} if {slope} else 0.0" if selects else product


def place_in(name: str) -> tuple[str, int]:
    """("x", 3) of x[3]; ("", 0) of what is no place in a list."""
    match = re.fullmatch(r"(.+)\[(\d+)\]", name)
    return (match[1], int(match[2])) if match else ("", 0)


def in_a_row(names: list[str]) -> str:
    """A list of these; neighbours in one list are written as a slice of it."""
    base, first = place_in(names[0]) if names else ("", 0)
    if len(names) >= RUN and names == [f"{base}[{first + k}]" for k in range(len(names))]:
        return f"{base}[{first}:{first + len(names)}]"
    return f"[{', '.join(names)}]"


def bare(text: str) -> str:
    """Without the parentheses around all of it."""
    try:
        return text[1:-1] if text.startswith("(") and ast.parse(text[1:-1].strip(), mode="eval") else text
    except SyntaxError:
        return text


def plain_slopes(slope: Any, op: Op, inputs: list, length: int) -> list[str | None]:
    """How the local gradients by one input are written that are numbers or other inputs; None for what is computed."""
    slope = resolved(slope.element if isinstance(slope, Row) else slope)
    if type(slope) is not Formula:
        return [repr(float(slope))] * length
    if op.rows and slope.head == "element" and slope.parts[0].head in op.inputs:
        return list(inputs[op.inputs.index(slope.parts[0].head)])
    if not op.rows and not slope.parts and slope.head in op.inputs:
        return [inputs[op.inputs.index(slope.head)]]
    return [None] * length


# ---- rules as functions ---------------------------------------------------------------------------------


def function_of(op: Op, form: Callable) -> str | None:
    """The rule of an op of numbers as a function of Python; of a `where` only the branch that is chosen is computed."""
    if op.rows or not op.is_built_in:
        return None
    value, slopes = op.formulas(form)
    writer = Writer([value, *slopes])
    if not writer.knows_all:
        return None
    text = bare(writer.result(value))
    writer.named = {key: "value" if name == "data" else name for key, name in writer.named.items()}
    texts = ", ".join([writer.text(slope) for slope in slopes])
    text, texts = (re.sub(r"\bround\(", "round_half_even(", part) for part in (text, texts))
    head = f"def {op.name}_rule({', '.join([*op.inputs, *op.constants])}):"
    return f"{head}\n    value = {text}\n    return value, ({texts},)\n"


class Plainly(ast.NodeTransformer):
    """A printed rule without the words of `formula.py`, in Python of its own."""

    def __init__(self, lesson: Any):                            # which knows the form and the name of each rule
        self.lesson = lesson

    def function(self, op: Op) -> str:
        formulas = op.formulas(self.lesson.form_of(op))
        printed = python_source(f"{op.name}_rule", [*op.inputs, *op.constants], [], *formulas)
        return ast.unparse(ast.fix_missing_locations(self.visit(ast.parse(printed)))) + "\n"

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant(float(node.value)) if type(node.value) is int and abs(node.value) > 2 ** 53 else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return ast.Name(node.attr)                              # m.inf

    def visit_Call(self, node: ast.Call) -> ast.expr:
        args = [self.visit(argument) for argument in node.args]
        if not isinstance(node.func, ast.Attribute):
            return ast.Call(node.func, args, [])
        word, owner = node.func.attr, node.func.value
        if word == "of" and isinstance(owner, ast.Attribute):
            return ast.Subscript(ast.Call(ast.Name(self.lesson.rule(OPS[owner.attr])), args, []), ast.Constant(0))
        match word:
            case "where":
                return ast.IfExp(*args)
            case "equal" | "unequal":
                return ast.Compare(args[0], [ast.Eq() if word == "equal" else ast.NotEq()], args[1:])
            case "ratio":
                return ast.BinOp(args[0], ast.Div(), args[1])
            case "at":
                return ast.Subscript(args[0], ast.Call(ast.Name("int"), args[1:], []))
            case "is_whole":
                return ast.Compare(ast.BinOp(args[0], ast.Mod(), ast.Constant(1)), [ast.Eq()], [ast.Constant(0)])
        return ast.Call(ast.Name(PLAIN.get(word, word)), args, [])
