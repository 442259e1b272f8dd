"""From text to a graph: `(x + y) * z` as a student types it.

What students write, `2x² + |y|`, becomes a plain expression first (see `notation`).  Python's own parser reads
that, and a whitelist reads the result: numbers, names, operators, comparisons and the functions of `OPS`.
Nothing is ever evaluated as code.  Statements may be chained, `q = x + y; f = q * z`, so that intermediate
nodes have names.
"""

import ast
import inspect
import keyword
import math
import re
import warnings
from collections.abc import Callable, Collection, Mapping
from itertools import chain, repeat
from typing import Any, NoReturn

from ..engine import more_ops, ops
from ..engine.composites import mish, scaled_relu, selu
from ..engine.errors import DomainError, ExpressionError, ExpressionWarning
from ..engine.number import nearest, number, short_repr, truncate
from ..engine.op import OPS, Op
from ..engine.value import Value, constant
from ..engine.value import pow as power
from .notation import OTHER_NAMES, Literal, literal_text, plain_name, refuse

MAX_LENGTH = 10_000                     # characters
MAX_DEPTH = 100                         # operations within operations; a sum of many terms is not deep
RESULT = "f"                            # what an expression without a name is called

OPERATORS: dict[type, Callable] = {
    ast.Add: ops.add, ast.Sub: ops.sub, ast.Mult: ops.mul, ast.Div: ops.div, ast.Pow: power,
    ast.Mod: more_ops.remainder, ast.FloorDiv: more_ops.floor_divide,
    ast.USub: ops.neg, ast.UAdd: ops.identity,
    ast.Gt: ops.greater, ast.Lt: ops.less, ast.GtE: ops.greater_equal, ast.LtE: ops.less_equal,
    ast.Eq: ops.equal, ast.NotEq: ops.not_equal,
}
OTHERS: dict[str, Callable] = {"pow": power, "mish": mish, "scaled_relu": scaled_relu, "selu": selu}
SIGNATURES = {name: inspect.signature(apply) for name, apply in OTHERS.items()}
CONSTANTS = {"pi": math.pi, "inf": math.inf, "nan": math.nan}          # unless these names are given a value
NOT_READ = {                            # functions of lists, and how to write what they give
    "softmax": "gives a list: one of it is softmax_at(x, y, z, index=0)",
    "log_softmax": "gives a list: one of it is log_softmax_at(x, y, z, index=0)",
    "softmin": "gives a list: one of it is softmax_at(-x, -y, -z, index=0)",
    "cumsum": "gives a list: one of it is sum(x, y)",
    "var": "of x and y is m = mean(x, y); mean((x - m)**2, (y - m)**2)",
    "std": "of x and y is m = mean(x, y); norm(x - m, y - m) / sqrt(2)",
}
REFUSED: dict[type, str] = {
    ast.BoolOp: "and, or are not numbers: write where(condition, a, b)",
    ast.Not: "not is not a number: write where(condition, 0, 1)",
    ast.Attribute: "a dot after a name is not understood here",
    ast.Subscript: "square brackets after a name are not understood here",
    ast.Lambda: "only expressions of numbers are understood, no lambda",
    ast.Starred: "a star before a name is not understood here",
    ast.Set: "{...} is not understood here: write (...)",
}


def expression(text: str, /, *, literal: bool = False, **values: Any) -> Value:
    """The graph of an expression, with a leaf for every name.

    text      one expression, or several statements such as "q = x + y; f = q * z"
    literal   refuse what students write, such as "2x", instead of reading it as "2*x" with an ExpressionWarning
    values    a number, or a Value, for every name; a Value without a label takes the name as its own

    The result is labelled with its name, or "f" if it has none.  Raises ExpressionError, with
    the place marked by a caret, for anything that is not such an expression, and for what could be read in
    two ways, such as "1/2x"; all names without a value are reported together.

    >>> f = expression("(x + y) * z", x=-2, y=5, z=-4)
    >>> f.data
    -12.0
    >>> expression("tnah(x)", x=1)
    Traceback (most recent call last):
    tinygrad_edu.engine.errors.ExpressionError: unknown function 'tnah': did you mean 'tanh'? (line 1, column 1)
        tnah(x)
        ^^^^
    """
    if not isinstance(literal, bool):
        raise TypeError(f"literal must be True or False, got {short_repr(literal)}: call the value another name")
    program = parse(text, values, literal)
    result = program.build(values)[-1]
    if program.said:
        warnings.warn(program.said, ExpressionWarning, stacklevel=2)
    return result


def parse(text: str, given: Collection[str] = (), literal: bool = False) -> "Program":
    """Read the text of an expression; `given` are the names that will have a value."""
    if not isinstance(text, str):
        raise TypeError(f"an expression is a str, not {type(text).__name__}: got {text!r}")
    text = text.strip().replace("\r\n", "\n").replace("\r", "\n")
    if not text:
        raise ExpressionError('the expression is empty: write for instance "(x + y) * z"')
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"the expression has {len(text)} characters, but {MAX_LENGTH} are the limit")
    for i, c in enumerate(text):
        if not c.isprintable() and c not in "\n\t\u00a0":
            refuse(text, f"the character {c!r} has no place in an expression", i, i + 1)
    read = literal_text(text, set(map(plain_name, given)), {*OPS, *OTHERS, *NOT_READ})
    for remark, place in read.remarks.items() if literal else ():
        refuse(text, f"{remark}: write {truncate(read.text, 200)}", *place)
    return Program(text, read, syntax_tree(text, read))


def syntax_tree(text: str, read: Literal) -> ast.Module:
    """The text as Python's parser sees it; every way to fail is an ExpressionError in our own words."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(read.text, filename="")
    except SyntaxError as error:
        lines = [*read.text.split("\n"), ""]
        line = min(error.lineno or 1, len(lines)) - 1
        offset = sum(len(before) + 1 for before in lines[:line]) + min((error.offset or 1) - 1, len(lines[line]))
        start = read.place(offset)
    except (RecursionError, MemoryError):
        raise ExpressionError("the expression is too long or nested too deeply for one statement: "
                              "cut it up, a = ...; f = ...") from None
    for word in re.finditer(r"\w+", text):
        if keyword.iskeyword(word[0]):
            refuse(text, f"{word[0]!r} is a word of Python's own: choose another name", *word.span())
    refuse(text, "this is not understood here", start, start + 1)


class Program:
    """Statements read from text; `build` makes the graph once their names have numbers.

    text     what was typed
    read_as  the plain expression it was read as
    said     what was changed, in one line; "" if nothing was
    names    the names that need a value, in order of appearance
    """

    def __init__(self, text: str, read: Literal, tree: ast.Module):
        self.text, self.read, self.read_as = text, read, read.text
        self.said = f"read as {truncate(read.text, 200)} ({', '.join(read.remarks)})" if read.remarks else ""
        self.lines = [line.encode() for line in read.text.split("\n")]
        self.statements = [self.statement(node, i == len(tree.body) - 1) for i, node in enumerate(tree.body)]
        if not self.statements:
            self.refuse(tree, "there is no expression here")
        self.orders: list[list[ast.expr]] = []
        self.names: dict[str, ast.AST] = {}
        known: set[str] = set()
        for target, body in self.statements:
            order = self.in_order(body)
            self.orders.append(order)
            for node in order:
                if isinstance(node, ast.Name) and node.id not in {*known, *CONSTANTS}:
                    self.names.setdefault(node.id, node)
            if target and (target.id in known or target.id in self.names):
                self.refuse(target, f"{target.id!r} has a value already: choose another name")
            known |= {target.id} if target else set()
        self.assigned = known
        used = {node.id for order in self.orders for node in order if isinstance(node, ast.Name)}
        for target, _ in self.statements[:-1]:
            if target and target.id not in used:
                self.refuse(target, f"{target.id!r} is not used: the result does not depend on it")

    # ---- reading

    def refuse(self, node: Any, reason: str) -> NoReturn:
        """Raise an ExpressionError that points at this part of the text."""
        start, end = [self.read.place(self.offset(getattr(node, line, 1), getattr(node, column, i)), bool(i))
                      for i, (line, column) in enumerate([("lineno", "col_offset"), ("end_lineno", "end_col_offset")])]
        refuse(self.text, reason, start, end)

    def offset(self, line: int, column: int) -> int:
        """Where a line and a column, which the parser counts in bytes, are in the plain expression."""
        before = sum(len(line.decode()) + 1 for line in self.lines[:line - 1])
        return before + len(self.lines[line - 1][:column].decode())

    def statement(self, node: ast.stmt, last: bool) -> tuple[ast.Name | None, ast.expr]:
        """(the name it assigns to, its expression) of a statement."""
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            return node.targets[0], node.value
        if not isinstance(node, ast.Expr):
            self.refuse(node, "only expressions, and names for them as in q = x + y, are understood here")
        if not last:
            self.refuse(node, "this result is not used: give it a name, as in q = x + y")
        return None, node.value

    def in_order(self, root: ast.expr) -> list[ast.expr]:
        """The nodes of an expression, checked, parts before wholes."""
        order, stack = [], [(root, 0)]
        while stack:
            node, depth = stack.pop()
            if depth > MAX_DEPTH:
                self.refuse(node, f"this is nested more than {MAX_DEPTH} deep: cut it up, a = ...; f = ...")
            order.append(node)
            first = getattr(node, "left", None)                 # of x + y + z: the same level
            stack.extend((part, depth + (part is not first)) for part in self.parts(node))
        return order[::-1]

    def parts(self, node: ast.expr) -> list[ast.expr]:
        """The operands of a node that is on the whitelist."""
        if isinstance(node, ast.Constant):
            self.literal(node)
            return []
        if isinstance(node, ast.Name):
            return []
        if isinstance(node, ast.UnaryOp) and type(node.op) in OPERATORS:
            return [node.operand]
        if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            return [node.left, node.right]
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in OPERATORS:
            return [node.left, *node.comparators]
        if isinstance(node, ast.Call):
            return self.call_parts(node)
        if isinstance(node, ast.Tuple) and node.elts:
            self.refuse(node, "a comma stands only between the inputs of a function; a number has a point, as in 1.5")
        if isinstance(node, ast.Compare) and len(node.ops) > 1:
            self.refuse(node, "compare two at a time: a < b < c is less(a, b) * less(b, c)")
        kind = type(getattr(node, "op", node)) if not isinstance(node, ast.BoolOp) else ast.BoolOp
        self.refuse(node, REFUSED.get(kind, "only numbers, names, + - * / **, comparisons and functions "
                                            "are understood here"))

    def call_parts(self, node: ast.Call) -> list[ast.expr]:
        """The arguments of a call, those in lists too."""
        if isinstance(node.func, ast.Attribute):
            self.refuse(node.func, f"a function is called by its name alone: write {node.func.attr}(...)")
        if not isinstance(node.func, ast.Name):
            self.refuse(node.func, "this is not a function: write * for a product")
        function(self, node.func)
        if any(k.arg is None for k in node.keywords):
            self.refuse(node, REFUSED[ast.Starred])
        operands: list[ast.expr] = []
        for argument in [*node.args, *[k.value for k in node.keywords]]:
            is_row = isinstance(argument, ast.List | ast.Tuple)
            operands.extend(argument.elts if is_row else [argument])     # type: ignore[attr-defined]
        return operands

    def literal(self, node: ast.Constant) -> float:
        """The number that is written there."""
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            self.refuse(node, f"{short_repr(node.value)} is not a real number")
        try:
            value = number(node.value)
        except (ValueError, OverflowError) as error:
            self.refuse(node, str(error))
        return value if math.isfinite(value) else self.refuse(node, "this number is too large for a float")

    # ---- building

    def check_names(self, values: Mapping[str, Any]) -> None:
        """Refuse values for other names than those that need one."""
        missing = [name for name in self.names if name not in values]
        if missing:
            names = truncate(", ".join(missing), 200)
            wanted = truncate(" ".join(f"{name}=..." for name in missing), 200)
            hint = f" ({missing[0]} is a function: write {missing[0]}(...))" if missing[0] in OPS else ""
            self.refuse(self.names[missing[0]], f"no value for {names}: add {wanted}{hint}")
        for name in values:
            if name in self.assigned:
                raise ExpressionError(f"{name!r} is computed by the expression, so it cannot be given a value too")
            if name not in self.names and name not in CONSTANTS:
                known = f"its names are {', '.join(self.names)}" if self.names else "it has no names"
                raise ExpressionError(f"{name!r} is not in the expression; {known}")

    def build(self, values: Mapping[str, Any]) -> list[Value]:
        """The graph for these values of the names: the node of each statement; the last is the result."""
        for name in values:
            if name != plain_name(name) and plain_name(name) in values:
                raise ExpressionError(f"{plain_name(name)} is given twice, as {name} too")
        values = {plain_name(name): x for name, x in values.items()}
        self.check_names(values)
        unnamed = [x for x in values.values() if isinstance(x, Value) and not x.label]
        known = {name: labelled(constant(x), name) for name, x in CONSTANTS.items()}
        try:
            for name, x in values.items():
                known[name] = labelled(x, x.label or name) if isinstance(x, Value) else leaf(x, name)
            return self.results(known)
        except BaseException:
            for x in unnamed:
                x.label = ""
            raise

    def results(self, known: dict[str, Value]) -> list[Value]:
        """The node of each statement, under its name; `known` learns of them."""
        results = []
        for (target, _), order in zip(self.statements, self.orders):
            name = target.id if target else RESULT if RESULT not in known else ""
            node = self.compute(order, known)
            if node.label:                          # a second name for what has one
                node = ops.identity(node)
            results.append(Value(node.data, label=name) if target and node.is_constant else labelled(node, name))
            known[name] = results[-1]
        return results

    def compute(self, order: list[ast.expr], known: Mapping[str, Value]) -> Value:
        """The node of one expression."""
        done: dict[ast.expr, Value] = {}
        for node in order:
            if isinstance(node, ast.Constant):
                done[node] = constant(self.literal(node))
            elif isinstance(node, ast.Name):
                done[node] = known[node.id]
            elif isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant):
                sign = -1 if isinstance(node.op, ast.USub) else 1
                done[node] = constant(sign * done[node.operand].data)
            else:
                done[node] = self.apply(node, done)
        return done[order[-1]]

    def apply(self, node: ast.expr, done: Mapping[ast.expr, Value]) -> Value:
        """The node of one operator or call, given those of its operands."""
        if isinstance(node, ast.Call):
            return self.apply_function(node, done)
        operands = [done[part] for part in self.parts(node)]
        sign = node.ops[0] if isinstance(node, ast.Compare) else node.op        # type: ignore[attr-defined]
        if isinstance(sign, ast.Pow) and operands[1].is_constant:
            return operands[0] ** operands[1].data
        return OPERATORS[type(sign)](*operands)

    def apply_function(self, node: ast.Call, done: Mapping[ast.expr, Value]) -> Value:
        """The node of one call; what the function refuses is refused with its place."""
        apply = function(self, node.func)
        self.check_call(node, apply)
        kind = getattr(apply, "longer", None) or apply                          # log(x, base) for log(x)
        constants = getattr(kind, "constants", {})
        spread = getattr(kind, "rows", False) and not any(isinstance(a, ast.List | ast.Tuple) for a in node.args)
        places = repeat("") if spread else chain(getattr(kind, "inputs", ()), constants, repeat(""))
        inputs = [self.argument(part, name in constants and name, done) for part, name in zip(node.args, places)]
        others = {str(k.arg): self.argument(k.value, k.arg in constants and k.arg, done) for k in node.keywords}
        try:
            result = apply(*inputs, **others)
        except (TypeError, ValueError, IndexError) as error:
            if isinstance(error, DomainError):
                raise
            self.refuse(node, str(error))
        return result if isinstance(result, Value) else constant(result)        # sum([]) is a plain 0

    def argument(self, part: ast.expr, constant: Any, done: Mapping[ast.expr, Value]) -> Any:
        """What a function is given: a Value, a list of them, or a number where it wants this constant."""
        if isinstance(part, ast.List | ast.Tuple):
            return [done[e] for e in part.elts]
        if constant and not done[part].is_constant:
            self.refuse(part, f"{constant} is a constant and gets no gradient: write a plain number")
        return done[part].data if constant else done[part]

    def check_call(self, node: ast.Call, apply: Callable) -> None:
        """Refuse lists where numbers are needed, numbers where lists are, and what Python would refuse in its words."""
        name, given = ast.unparse(node.func), [*node.args, *[k.value for k in node.keywords]]
        lists = [part for part in given if isinstance(part, ast.List | ast.Tuple)]
        rows = len(apply.inputs) if isinstance(apply, Op) and apply.rows else 0
        if lists and not rows:
            self.refuse(lists[0], f"{name}() takes numbers, not lists: leave out the brackets")
        if rows == 1 and lists and len(node.args) > 1:
            self.refuse(node, f"{name}() takes one row of numbers: write {name}(x, y) or {name}([x, y])")
        if rows == 2 and len(lists) != 2:
            self.refuse(node, f"{name}() takes two rows of numbers: write {name}([a, b], [c, d])")
        if not isinstance(apply, Op):
            signature = SIGNATURES[name]
            try:
                signature.bind(*node.args, **{str(k.arg): k.value for k in node.keywords})
            except TypeError:
                self.refuse(node, f"{name}() takes {', '.join(signature.parameters)}")


def function(program: Program, name: Any) -> Callable:
    """The function of this name; ExpressionError, with the nearest name, if there is none."""
    if name.id in OTHERS:
        return OTHERS[name.id]
    if name.id in OPS:
        return OPS[name.id]
    if name.id in NOT_READ:
        program.refuse(name, f"{name.id} {NOT_READ[name.id]}")
    near = nearest(name.id, [*OPS, *OTHERS, *NOT_READ, *OTHER_NAMES]) if len(name.id) > 1 else ""
    short = truncate(name.id, 40)
    if not near:
        program.refuse(name, f"{short!r} is not a function: write {short} * (...) for a product")
    program.refuse(name, f"unknown function {short!r}: did you mean {near!r}?")


def leaf(number: Any, name: str) -> Value:
    try:
        return Value(number, label=name)
    except TypeError as error:
        raise TypeError(f"{name}: {error}") from None


def labelled(node: Value, name: str) -> Value:
    node.label = name or node.label
    return node
