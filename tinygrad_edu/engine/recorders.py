"""What makes the engine in Python fast: a function per op that records it, written out from its rule.  Read this last.

`record` in `value.py` says how an op is applied: operands become nodes, the rule computes, a new node keeps what came
out.  Calls of functions take most of its time.  A recorder does the same in one: the formulas of the rule stand in it
as plain arithmetic, and of a `where` only the branch that is chosen is computed.  It does the usual case and leaves
every other to `record`.  It is written when the op is first applied to a Value.
"""

import math
from collections import Counter
from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from .errors import modes_were_used
from .formula import Formula, where
from .ieee import COMPUTE
from .op import Op
from .printer import children, in_order, part_names, resolved

RECORDER = """
def recorder({arguments}):
    {operands}
    try:
        {value}
        if data - data:                             # inf or nan
            raise ArithmeticError
        {local_grads}
    except (ArithmeticError, ValueError):
        return record(op, {given})
    if modes_were_used[0] and not plain_recording() or {none_is_surely_live}:
        return make_node(op, data, ({nodes},), local_grads, {constants})
    node = new(Value)
    node._data = data
    node._grad = 0.0
    node._parents = {nodes},
    node._local_grads = local_grads
    node._operation = op
    node._extra = {extra}
    return node
"""
OPERAND = """if type({node}) is not Value:
        if type({node}) is int:
            {node} = constant(number({node}))
        elif type({node}) is float:
            {node} = constant({node})
        elif not isinstance({node}, Value):
            return record(op, {given})
    {number} = {node}._data"""

COMPARISONS = (">", "<", ">=", "<=", "==", "!=")
PYTHON = {sign: f"({{}} {sign} {{}})" for sign in ("+", "-", "*", "/", *COMPARISONS)} | {
    name: f"{name}({{}})" for name in COMPUTE} | {
    name: f"{name}({{}}, {{}})" for name in ("pow", "atan2", "remainder", "floor_divide")} | {
    "neg": "(-{})", "abs": "fabs({})", "whole": "({} % 1.0 == 0.0)", "where": "({1} if {0} else {2})"}
BY_WHERE: dict[str, Callable] = {                   # as `formula.py` computes them
    "larger": lambda x, y: where(x > y, x, where(y >= x, y, x + y)),
    "smaller": lambda x, y: where(x < y, x, where(y <= x, y, x + y)),
    "sign": lambda x: where(x > 0, 1, where(x < 0, -1, 0 * x))}
OPERATORS = {"add": "__add__", "sub": "__sub__", "mul": "__mul__", "div": "__truediv__", "neg": "__neg__"}


def stand_in(op: Op, engine: dict[str, Any]) -> Callable:
    """What an op has for a recorder until that is first asked for; an operator of `Value` then becomes the recorder.

    engine   the names of `value.py`
    """
    name = OPERATORS.get(op.name, "")
    method = vars(engine["Value"]).get(name)

    def first(*given):
        op.recorder = recorder_of(op, engine)
        if method and vars(engine["Value"])[name] is method:        # nobody has put his own in its place
            setattr(engine["Value"], name, update_wrapper(op.recorder, method))     # by whose name it is pickled
        return op.recorder(*given)
    return first


def recorder_of(op: Op, engine: dict[str, Any]) -> Callable:
    """The recorder of an op: it takes Values or numbers, and behind them the constants as floats."""
    nodes, numbers = [[f"{kind}{i}" for i in range(len(op.inputs))] for kind in ("node", "x")]
    settings = {name: f"c{i}" for i, name in enumerate(op.constants)}
    given = ", ".join([*nodes, *[f"{name}={c}" for name, c in settings.items()]])
    constants = f"{{{', '.join(f'{name!r}: {c}' for name, c in settings.items())}}}"
    value, local_grads = computed(op, numbers, settings)
    source = RECORDER.format(
        arguments=", ".join([*nodes, *settings.values()]), nodes=", ".join(nodes), given=given,
        operands="\n    ".join([OPERAND.format(node=n, number=x, given=given) for n, x in zip(nodes, numbers)]),
        value=value, local_grads=local_grads, constants=constants,
        none_is_surely_live=" and ".join([f"{node}._extra is not None" for node in nodes]),
        extra=f"{{'constants': {constants}}}" if settings else None)
    names = {**engine, **COMPUTE, "fabs": math.fabs, "pi": math.pi, "inf": math.inf, "nan": math.nan, "op": op,
             "modes_were_used": modes_were_used}
    exec(compile(source, f"{__file__}, {op.name}", "exec"), names)
    return names["recorder"]


def computed(op: Op, numbers: list[str], settings: dict[str, str]) -> tuple[str, str]:
    """The statements that compute `data` and `local_grads`.

    A rule of one's own is called, since it may read what changes between its calls; ours are written out.
    """
    if op.is_built_in:
        value, slopes = op.rule(*map(Formula, numbers), **{name: Formula(c) for name, c in settings.items()})
        writer = Writer([value, *slopes])
        if writer.knows_all:
            return f"data = {writer.result(value)}", f"local_grads = {', '.join(map(writer.text, slopes))},"
    called = ", ".join([*numbers, *[f"{name}={c}" for name, c in settings.items()]])
    return f"data, local_grads = op.rule({called})", "data = float(data)"


class Writer:
    """Writes formulas as Python, one after the other in the order in which they are computed.

    A part that is needed again gets a name where it is first computed, which holds within the same branch.
    """

    def __init__(self, formulas: list[Any]):
        order = in_order(formulas)
        self.knows_all = all(part.head in PYTHON or part.head in BY_WHERE for part in order if part.parts)
        self.uses = Counter(map(id, map(resolved, formulas)))
        for part in order:
            for _ in range(2 if part.head in BY_WHERE else 1):          # written with `where`, which reads each twice
                self.uses.update(map(id, children(part)))
        self.fresh, self.named = part_names(order), dict[int, str]()

    def result(self, value: Any) -> str:
        """The value of a rule, which will be called `data`."""
        if type(value := resolved(value)) is not Formula or not value.parts:
            return self.text(value)
        text = self.composed(value)
        self.named[id(value)] = "data"
        return f"float{text}" if value.head in COMPARISONS else text

    def text(self, part: Any) -> str:
        part = resolved(part)
        if type(part) is not Formula:
            return repr(float(part))
        if not part.parts:                              # an input
            return part.head
        if id(part) in self.named:
            return self.named[id(part)]
        text = self.composed(part)                      # which may name other parts
        if self.uses[id(part)] > 1:
            self.named[id(part)] = next(self.fresh)
            text = f"({self.named[id(part)]} := {text})"
        return text

    def composed(self, part: Formula) -> str:
        if part.head in BY_WHERE:
            return self.composed(BY_WHERE[part.head](*part.parts))
        first = self.text(part.parts[0])                # computed first also by a where, whose condition it is
        known, rest = self.named, []
        for other in part.parts[1:]:
            self.named = dict(known) if part.head == "where" else known     # what one branch names, others do not know
            rest.append(self.text(other))
        self.named = known
        return PYTHON[part.head].format(first, *rest)
