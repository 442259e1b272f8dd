"""Writes the stubs: what editors and type checkers read of operations, of the methods of Values, and of losses.

The signatures are those of the table of operations and of the code; here stands only which kinds of number they
take and give.  `python tests/stubs.py` says which stubs are not what would be written now, and ends with 1 if there
are any; with --write it writes them.
"""

import argparse
import inspect
import math
import os
import re
import sys
from collections.abc import Callable, Iterator
from inspect import Parameter
from pathlib import Path
from typing import Any

os.environ["TINYGRAD_EDU_PURE"] = "1"           # whose class can be read; the compiled one has the same methods

import tinygrad_edu as tg
from tinygrad_edu.engine import composites as composite
from tinygrad_edu.engine import declare, formula
from tinygrad_edu.engine import value as values
from tinygrad_edu.engine.elsewhere import Missing
from tinygrad_edu.engine.number import ALL_DIGITS, format_number
from tinygrad_edu.nn import losses

PACKAGE = Path(tg.__file__).parent
FIRST_LINE = '"""Written by tests/stubs.py.  Do not change it: say `python tests/stubs.py --write`."""\n'
KINDS = {"Array", "Arrays", "Number", "Numbers", "Operand", "Operands"}
UNSAFE = "  # type: ignore[overload-overlap]"       # numbers among Values make Values, and numbers alone do not

# What Values have only to say what to write instead: to type checkers it is not there.
REFUSED = {"__bool__", "__float__", "__int__", "__complex__", "__index__", "__floor__", "__ceil__", "__trunc__", "__round__"}
PROPERTIES = {"parents": "tuple[Value, ...]", "_prev": "set[Value]", "_op": "str"}       # which have no annotation


# ---- operations -----------------------------------------------------------------------------------------


def family_of(op: tg.Op) -> str:
    """The name of the class of operations that are called alike: OpX, OpXSlope, OpRow, OpRowsXY ..."""
    names = op.inputs[1:] and op.inputs if op.rows else op.inputs
    either = ["Or", *op.longer.inputs[len(names):]] if op.longer else []
    kind = ["Op", *(["Row" + "s" * bool(names)] if op.rows else [])]
    return "".join(map(capitalized, [*kind, *names, *op.constants, *either]))


def capitalized(name: str) -> str:
    return name[:1].upper() + name[1:]


def written(parameter: Parameter, kind: str) -> str:
    """A parameter with its kind, as it stands in a signature."""
    if parameter.default is Parameter.empty:
        return f"{parameter.name}: {kind}"
    return f"{parameter.name}: {kind} = {shown_default(parameter.default)}"


def shown_default(default: object) -> str:
    return format_number(default, ALL_DIGITS) if isinstance(default, float) and default != math.e else repr(default)


def overloads(name: str, signatures: list[str], indent: str = "", doc: str = "") -> list[str]:
    """A function with several signatures, of which the first has the docstring."""
    lines = []
    for i, signature in enumerate(signatures):
        signature, _, remark = signature.partition("  #")       # which comes behind the colon
        body = docstring(doc, indent + "    ") if doc and i == 0 else []
        lines += [f"{indent}@overload"] if len(signatures) > 1 else []
        lines += [f"{indent}def {name}{signature}:{'' if body else ' ...'}{'  #' + remark if remark else ''}", *body]
    return lines


def docstring(text: str, indent: str) -> list[str]:
    """A docstring as lines of code."""
    first, *others = inspect.cleandoc(text).replace("\\", "\\\\").split("\n")
    if not others:
        return [f'{indent}"""{first}"""']
    return [f'{indent}"""{first}', *[indent + line if line else "" for line in others], f'{indent}"""']


def calls_of_numbers(parameters: list[Parameter], inputs: int, start: str = "self, ") -> list[str]:
    """The signatures of an operation of numbers: numbers give a float, Values a Value, arrays an array."""
    def call(kinds: list[str], answer: str, special: int = -1) -> str:
        kinds = kinds + ["Number"] * (len(parameters) - inputs)
        parts = [written(each.replace(default=Parameter.empty) if i == special else each, kind)
                 for i, (each, kind) in enumerate(zip(parameters, kinds))]
        return f"({start}{', '.join(parts)}) -> {answer}"

    def with_one(kind: str, other: str, answer: str) -> list[str]:
        """A signature for each input that may be the one of a kind which makes the answer what it is."""
        return [call([kind if j == i else other for j in range(inputs)], answer, i) for i in range(inputs)]
    return [call(["Number"] * inputs, "float"), *with_one("Value", "Operand", "Value"),
            *with_one("Array", "Operand | Array", "Arrays")]


def calls_of_rows(op: tg.Op) -> list[str]:
    """The signatures of an operation of rows: rows of numbers, or the numbers of one row one by one."""
    constants = "".join(f", {name}: Number" for name in op.constants)
    def rows(kind: str, answer: str) -> str:
        return f"(self, {', '.join(f'{name}: Iterable[{kind}]' for name in op.inputs)}, /{constants}) -> {answer}"
    def one_by_one(first: str, kind: str, answer: str) -> str:
        return f"(self, {op.inputs[0]}: {first}, /, *others: {kind}) -> {answer}"
    calls = [rows("Number", "float") + UNSAFE, rows("Operand", "Value")]
    if len(op.inputs) == 1 and not op.constants:
        calls += [one_by_one("Number", "Number", "float") + UNSAFE, one_by_one("Operand", "Operand", "Value")]
    return calls


def calls_of(op: tg.Op) -> list[str]:
    if op.rows:
        return calls_of_rows(op)
    parameters = list(inspect.signature(op).parameters.values())
    return calls_of_numbers(parameters, len(parameters) - len(op.constants))


def own(name: str, inputs: int, rows: bool = False) -> list[str]:
    """The class of operations that users declare, of so many numbers or rows; their constants go by name."""
    names = ["x", "y", "z"][:inputs]
    parameters = [Parameter(name, Parameter.POSITIONAL_ONLY) for name in names]
    if rows:
        kinds = [("Number", "float" + UNSAFE), ("Operand", "Value")]
        calls = [f"(self, {', '.join(f'{x}: Iterable[{kind}]' for x in names)}, /, **constants: Number) -> {answer}"
                 for kind, answer in kinds]
    else:
        calls = [call.replace(") ->", ", /, **constants: Number) ->") for call in calls_of_numbers(parameters, inputs)]
    return family(name, calls)


def family(name: str, calls: list[str]) -> list[str]:
    return [f"class {name}(Op):", "    def __init__(self, rule: Rule) -> None: ...", *overloads("__call__", calls, "    "), ""]


OWN = {"OpOfOne": (1, False), "OpOfTwo": (2, False), "OpOfThree": (3, False), "OpOfRow": (1, True), "OpOfRows": (2, True)}


def families() -> Iterator[str]:
    """The module of all ways in which operations are called."""
    yield from ["from collections.abc import Iterable", "from typing import overload", "", *from_kinds("Rule"),
                "from .op import Op", "from .value import Value", ""]
    first = {family_of(op): op for op in reversed(built_in())}
    for name in sorted(first):
        yield from family(name, calls_of(first[name]))
    for name, (inputs, rows) in OWN.items():
        yield from own(name, inputs, rows)


def from_kinds(*more: str, place: str = ".") -> list[str]:
    return [f"from {place}kinds import {', '.join(sorted([*KINDS, *more]))}"]


def built_in() -> list[tg.Op]:
    return [op for op in tg.OPS.values() if op.is_built_in]


def operations(module: str) -> Iterator[str]:
    """The operations of a module, each with its formulas for editors to show."""
    ops = [op for op in built_in() if op.__module__ == f"tinygrad_edu.engine.{module}"]
    yield from ["from .op import OPS as OPS", f"from .signatures import {', '.join(sorted({*map(family_of, ops)}))}", ""]
    for op in ops:
        yield from [f"@{family_of(op)}", f"def {op.name}({', '.join([*op.inputs, *op.constants])}):",
                    *docstring(op.__doc__, "    "), ""]


# ---- the class Value, and functions written by hand ---------------------------------------------------------


def value() -> Iterator[str]:
    """The class Value, and what else stands in its module."""
    yield from ["from collections.abc import Callable, Iterable", "from typing import Any, overload", "",
                *from_kinds(), "from .op import Mark, Op", "from .origin import Origin", "", "engine_name: str", "", "class Value:", *docstring(tg.Value.__doc__, "    ")]
    for name, thing in vars(tg.Value).items():
        if name not in REFUSED and not isinstance(thing, Missing):
            yield from member(name, thing)
    yield from ["", *overloads("topological_order", ["(output: Value) -> list[Value]"], "", tg.topological_order.__doc__), ""]
    yield from functions(values, {"pow": calls_of_numbers(list(inspect.signature(tg.pow).parameters.values()), 2, "")})


def member(name: str, thing: Any) -> list[str]:
    """A property or a method of Value; nothing of what is not meant for others."""
    if isinstance(thing, property):
        return property_of(name, thing)
    if hasattr(thing, "op"):
        return overloads(name, calls_of_method(thing), "    ", thing.__doc__)
    if name in TYPED:
        return overloads(name, TYPED[name], "    ")
    if not inspect.isroutine(thing) or (name.startswith("_") and name not in ("__init__", "__repr__", "__format__", "__dir__")):
        return []
    static = ["    @staticmethod"] if isinstance(thing, staticmethod) else []
    return [*static, *overloads(name, [signature_as_written(thing)], "    ", getattr(thing, "__doc__", None) or "")]


def property_of(name: str, thing: property) -> list[str]:
    kind = PROPERTIES.get(name) or unquoted(thing.fget.__annotations__["return"])
    lines = ["    @property", *overloads(name, [f"(self) -> {kind}"], "    ", thing.__doc__ or "")]
    if thing.fset:
        new = "Number" if kind == "float" else kind
        lines += [f"    @{name}.setter", f"    def {name}(self, new: {new}) -> None: ..."]
    return lines


def calls_of_method(method: Any) -> list[str]:
    """The signatures of a method that applies an operation: its first input is the Value."""
    _, *others = inspect.signature(method).parameters.values()
    inputs = len(others) - len(method.op.constants)
    if not inputs:
        return [f"({', '.join(['self', *[written(each, 'Number') for each in others]])}) -> Value"]
    kinds = {"Value": ["Operand"] * inputs, "Arrays": ["Operand | Array"] * inputs}
    constants = ["Number"] * len(method.op.constants)
    return [f"(self, {', '.join(map(written, others, found + constants))}) -> {answer}{UNSAFE * (answer == 'Value')}"
            for answer, found in kinds.items()]


def binary(answer: str, of_arrays: str = "Arrays", more: str = "") -> list[str]:
    return [f"(self, other: Operand{more}) -> {answer}", f"(self, other: Array{more}) -> {of_arrays}"]


ARITHMETIC = [f"__{side}{name}__" for name in "add sub mul truediv mod floordiv".split() for side in ("", "r")]
TYPED = {
    **{name: binary("Value") for name in ARITHMETIC},
    **{name: binary("Value", more=", modulus: None = None") for name in ("__pow__", "__rpow__")},
    **{name: binary("tuple[Value, Value]", "tuple[Arrays, Arrays]") for name in ("__divmod__", "__rdivmod__")},
    **{name: binary("bool") for name in ("__lt__", "__le__", "__gt__", "__ge__")},
    **{name: ["(self) -> Value"] for name in ("__neg__", "__pos__", "__abs__", "__copy__")},
    "__deepcopy__": ["(self, memo: dict[int, Any]) -> Value"],
    "__eq__": ["(self, other: object) -> bool"],
    "__hash__": ["(self) -> int"],
    "__array_ufunc__": ["(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any"],
}


def unquoted(annotation: Any) -> str:
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    engine = "tinygrad_edu.engine."
    for place in ("collections.abc.", "typing.", f"{engine}value.", f"{engine}origin.", f"{engine}op."):
        text = text.replace(place, "")
    return re.sub(r"(: |-> )'([^']+)'", r"\1\2", text)        # as classes are quoted that stand further below


def signature_as_written(function: Callable) -> str:
    """Its signature with its annotations; a number that is given to a Value may be of any kind."""
    signature = unquoted(str(inspect.signature(getattr(function, "__func__", function))))
    signature = signature.replace("data: Any", "data: Number")
    return signature if "->" in signature else signature + " -> None"


def functions(module: Any, typed: dict[str, list[str]]) -> Iterator[str]:
    """All functions written in a module, some with signatures that are given here."""
    for name, thing in vars(module).items():
        if inspect.isfunction(thing) and thing.__module__ == module.__name__ and thing.__name__ == name:
            yield from [*overloads(name, typed.get(name) or [signature_as_written(thing)], "", thing.__doc__ or ""), ""]


# ---- functions of numbers or Values ---------------------------------------------------------------------------

def twice(function: Callable, taken: dict[str, str], given: dict[str, str]) -> list[str]:
    """The signatures of a function of numbers, which gives numbers, and of Values, which gives Values.

    taken   what stands for the `Any` of its parameters, for numbers and for Values
    given   and for that of its answer
    """
    signature = inspect.signature(function)
    parameters = list(signature.parameters.values())
    reduced = [False, True] if "reduction" in signature.parameters else [False]
    calls = []
    for kind in ("numbers", "values"):
        kinds = [unquoted(each.annotation).replace("Any", taken[kind]) for each in parameters]
        answer = unquoted(signature.return_annotation).replace("Any", given[kind])
        calls += [f"({', '.join(parts_of(parameters, kinds, is_list))}) -> {f'list[{answer}]' if is_list else answer}"
                  f"{UNSAFE * (kind == 'numbers')}" for is_list in reduced]
    return calls


def parts_of(parameters: list[Parameter], kinds: list[str], is_list: bool) -> list[str]:
    """Parameters as they stand in a signature; with the reduction "none" a loss gives a list."""
    parts: list[str] = []
    for i, (each, kind) in enumerate(zip(parameters, kinds)):
        text = written(each, kind if each.default is not None or "None" in kind else f"{kind} | None")
        by_name = each.kind is Parameter.KEYWORD_ONLY
        if each.name == "reduction" and is_list:        # which cannot stand behind a default, unless by name
            text = 'reduction: Literal["none"]'
            by_name = any(before.default is not Parameter.empty for before in parameters[:i])
        elif each.name == "reduction":
            text = f'reduction: Literal["mean", "sum"] = "{each.default}"'
        parts += ["*"] if by_name and "*" not in parts else []
        parts.append(text)
    return parts


def composites() -> Iterator[str]:
    """Functions of rows, and those of numbers, that record several nodes."""
    yield from ["from collections.abc import Iterable", "from typing import overload", "", *from_kinds(), "from .value import Value", ""]
    for name in ROWS_AND_NUMBERS:
        function = getattr(composite, name)
        parameters = list(inspect.signature(function).parameters.values())
        calls = (calls_of_numbers(parameters, 1, "") if parameters[0].name == "x" else
                 twice(function, {"numbers": "Number", "values": "Operand"}, {"numbers": "float", "values": "Value"}))
        yield from [*overloads(name, calls, "", function.__doc__), ""]


def loss_functions() -> Iterator[str]:
    """Losses of floats, which are floats, and of Values, which are Values."""
    yield from ["from typing import Any, Literal, overload", "", *from_kinds(place="..engine."),
                "from ..engine.composites import log_softmax as log_softmax", "from ..engine.value import Value", ""]
    for name in losses.__all__:
        function = getattr(losses, name)
        if function.__module__ == losses.__name__:
            calls = twice(function, {"numbers": "Numbers", "values": "Operands"}, {"numbers": "float", "values": "Value"})
            yield from [*overloads(name, calls, "", function.__doc__), ""]
    yield f"__all__ = {losses.__all__}"


def declarations() -> Iterator[str]:
    """`@op` and its kin: an operation of one's own is called as its domains say."""
    yield from ["from collections.abc import Callable", "from typing import overload", "", "from .domain import Interval",
                *from_kinds("Rule"), "from .op import Op", f"from .signatures import {', '.join(OWN)}", ""]
    options = "*, selects: bool = False, jumps: Callable[..., object] | None = None, **sample: Number"
    calls = []
    for name, (inputs, rows) in OWN.items():
        domains = ", ".join(f"{place}: {'list[Interval]' if rows else 'Interval'}" for place in ("first", "second", "third")[:inputs])
        calls.append(f"(symbol: str, {domains}, /, {options}) -> Callable[[Rule], {name}]")
    calls.append(f"(symbol: str, /, *domain: Interval | list[Interval], {options.removeprefix('*, ')}) -> Callable[[Rule], Op]")
    yield from [*overloads("op", calls, "", tg.op.__doc__), ""]
    for function in (declare.accurate, declare.graph_form):
        yield from [*overloads(function.__name__, ["(op: Op) -> Callable[[Rule], Rule]"], "", function.__doc__), ""]


def transforms() -> Iterator[str]:
    """Derivatives of functions: what is built like x has the type of x."""
    yield from ["from collections.abc import Callable, Iterable", "from typing import Any, Literal, TypeVar, overload", "",
                "from ..engine.kinds import LikeX, MatrixOf, ValueAndLikeX", "from ..engine.value import Value", "", 'X = TypeVar("X")', ""]
    for name, calls in DERIVATIVES.items():
        yield from [*overloads(name, calls, "", getattr(tg, name).__doc__), ""]


OF_ANY, SEVERAL = "f: Callable[..., Any]", "argnums: int | tuple[int, ...]"
DERIVATIVES = {
    "grad": [f"({OF_ANY}, argnums: Literal[0] = 0) -> LikeX", f"({OF_ANY}, {SEVERAL}) -> Callable[..., Any]"],
    "value_and_grad": [f"({OF_ANY}, argnums: Literal[0] = 0) -> ValueAndLikeX",
                       f"({OF_ANY}, {SEVERAL}) -> Callable[..., tuple[Any, Any]]"],
    "derivative": [f"({OF_ANY}, n: int = 1) -> LikeX"], "hessian": [f"({OF_ANY}) -> MatrixOf"],
    "jacobian": [f'({OF_ANY}, layout: Literal["numerator", "denominator"] = "numerator") -> MatrixOf'],
    "jvp": [f"({OF_ANY}, x: Any, v: Any) -> Any"], "vjp": [f"({OF_ANY}, x: X, v: Any) -> X"], "hvp": [f"({OF_ANY}, x: X, v: X) -> X"],
    "gradient_graph": ["(output: Value, by: Value | str) -> Value", "(output: Value, by: Iterable[Value | str]) -> list[Value]"]}


def words() -> Iterator[str]:
    """The words that rules are written in; whoever writes a rule calls its numbers float."""
    yield from ["from collections.abc import Callable, Sequence", "from typing import Any", "", "inf: float", "nan: float", "",
                "class Formula:", *docstring(formula.Formula.__doc__, "    "), "    head: str", "    parts: tuple[Any, ...]",
                "    def __init__(self, head: str, *parts: Any) -> None: ...", "    def latex(self) -> str: ...", ""]
    for name, thing in vars(formula).items():
        if inspect.isfunction(thing) and thing.__module__ == formula.__name__ and thing.__name__ == name and name not in NOT_WORDS:
            yield from [*overloads(name, [word(name, thing)], "", thing.__doc__ or ""), ""]


CHOSEN = "float | Callable[[], float]"                       # `where` computes only the side that it takes
WORDS = {"condition": "bool", "a": CHOSEN, "b": CHOSEN, "row": "Sequence[float]", "rows": "Sequence[float]", "f": "Callable[..., float]",
         "numerator": "int", "denominator": "int"}
ANSWERS = {"each": "list[float]", "others": "list[float]", **dict.fromkeys(["equal", "unequal", "is_whole"], "bool")}
NOT_WORDS = {"not_rational", "elsewhere", "elementary", "whole_power", "written", "kept"}


def word(name: str, function: Callable) -> str:
    parameters = inspect.signature(function).parameters.values()
    parts = [f"{'*' * (each.kind is Parameter.VAR_POSITIONAL)}{each.name}: {WORDS.get(each.name, 'float')}" for each in parameters]
    return f"({', '.join(parts)}) -> {ANSWERS.get(name, 'float')}"


# ---- the files ---------------------------------------------------------------------------------------------------

ROWS_AND_NUMBERS = ["softmax", "log_softmax", "softmin", "cumsum", "var", "std", "maxout", "scaled_relu", "selu", "mish"]
STUBS = {
    "engine/signatures.pyi": families, "engine/ops.pyi": lambda: operations("ops"),
    "engine/more_ops.pyi": lambda: operations("more_ops"), "engine/value.pyi": value, "engine/composites.pyi": composites,
    "engine/declare.pyi": declarations, "engine/formula.pyi": words, "calculus/transforms.pyi": transforms, "nn/losses.pyi": loss_functions}


def text_of(lines: Callable[[], Iterator[str]]) -> str:
    return "\n".join([FIRST_LINE, *lines()]).rstrip("\n") + "\n"


def stale() -> list[str]:
    """The stubs that are not what would be written now."""
    return [path for path, lines in STUBS.items()
            if not (PACKAGE / path).is_file() or (PACKAGE / path).read_text(encoding="utf-8") != text_of(lines)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--write", action="store_true", help="write the stubs")
    write, found = parser.parse_args().write, stale()
    for path in found:
        if write:
            (PACKAGE / path).write_text(text_of(STUBS[path]), encoding="utf-8", newline="\n")
        print(path, "written" if write else "is not what would be written now: say `python tests/stubs.py --write`")
    return int(bool(found) and not write)


if __name__ == "__main__":
    sys.exit(main())
