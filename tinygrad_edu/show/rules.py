"""What a page computes by: the rules of operations as JavaScript, and what the engine says of numbers they refuse."""

import json
import sys
from collections.abc import Callable, Iterable
from functools import reduce
from operator import add
from typing import Any

from ..engine import formula as m
from ..engine import graph, messages, printer
from ..engine.domain import Interval
from ..engine.errors import DomainError, PoleError, RangeError
from ..engine.formula import Formula
from ..engine.javascript import arguments, called, functions_of, in_braces, in_scope, printed
from ..engine.op import NEEDS, OPS, Op
from .page import asset

SAID = {"no_number": DomainError.why, "pole": PoleError.why, "too_large": RangeError.why, "needs": NEEDS,
        "role": messages.ROLE, "number": messages.NUMBER, "at": messages.AT, "by_hand": messages.BY_HAND,
        "gradient": graph.REFUSED, "to": graph.TO, "local": graph.LOCAL, "added_up": graph.ADDED_UP}


def script(ops: Iterable[Op]) -> str:
    """A script that declares `rules`, `operations`, `said` and `domain` of these ops; number.js is asked for too.

    rules.mul(x, y, g)                          the value; the local gradients go into g
    domain.apply(name, numbers, constants, g)   the same of the numbers of all parents, one after the other
    domain.outside(name, numbers, constants, value, labels)     the engine's sentence where it would refuse, or ""
    domain.gradient(nodes, arrived)             the same of gradients

    Raises ValueError where two ops have one name, or one that is none in JavaScript.
    """
    ops = list(ops)
    functions, words = functions_of(ops)
    facts = {}
    for op in {op.name: op for op in ops}.values():
        poles = pole_function(op)
        called(op, poles, words)
        facts[op.name] = facts_of(op, poles)
    tables = in_scope(words, rules=functions, operations=facts)
    return "\n".join([tables, f"const said = {json.dumps(SAID)};", asset("domain.js")])


def facts_of(op: Op, poles: str) -> str:
    """What `domain.js` asks of an op: how a call is written, what its inputs may be, where it is infinite."""
    call, binds = call_template(op)
    needs = [] if op.rows else [condition(name, interval) for name, interval in zip(op.inputs, op.domain)]
    facts = {"inputs": op.inputs, "constants": [*op.constants], "rows": op.rows, "selects": op.selects, "call": call,
             "binds": binds}
    written = {key: json.dumps(fact) for key, fact in facts.items()} | {"needs": f"[{', '.join(needs)}]"}
    written |= {"poles": poles} if poles else {}
    return f"{{{', '.join(f'{key}: {text}' for key, text in written.items())}}}"


def condition(name: str, interval: Interval) -> str:
    """What an input must be: in words, and its ends, whether these belong to it, what is left out; null if anything."""
    if all(map(interval.holds, (-sys.float_info.max, sys.float_info.max))) and not interval.without:
        return "null"
    low, high, *without = [number_text(x) for x in (interval.low, interval.high, *interval.without)]
    words, closed = json.dumps(interval.describe(name)), json.dumps(interval.closed)
    return f"[{words}, {low}, {high}, {closed}, [{', '.join(without)}]]"


def number_text(x: float) -> str:
    return printer.literal(x, printer.JAVASCRIPT)[1]


# ---- how a call is written ---------------------------------------------------------------------------


def call_template(op: Op) -> tuple[str, list[int]]:
    """(a call with a hole {k} for each input and constant, how tightly the text in each must hold together).

    That is 0 where any text will do, 1 where a label like "a + b" needs parentheses, 2 where a negative number does
    too.  Of an op of rows the call is its name alone.

    >>> import tinygrad_edu as tg
    >>> call_template(tg.OPS["mul"]), call_template(tg.OPS["power"]), call_template(tg.tanh)
    (('{0} * {1}', [1, 1]), ('{0}**{1}', [2, 0]), ('tanh({0})', [0]))
    """
    count = len(op.inputs) + len(op.constants)
    if op.rows:
        return printer.head_of(op.name, count), []
    plain = call_text(op, -1, printer.ATOM)

    def is_fenced(k: int, precedence: int) -> bool:
        return call_text(op, k, precedence) != plain
    return plain, [2 if is_fenced(k, printer.NEGATED) else 1 if is_fenced(k, 0) else 0 for k in range(count)]


def call_text(op: Op, k: int, precedence: int) -> str:
    """A call of holes, of which hole k holds together as tightly as its precedence says."""
    inputs, count = [Formula(name) for name in op.inputs], len(op.inputs)
    holes = {id(x): (precedence if i == k else printer.ATOM, f"{{{i}}}") for i, x in enumerate(inputs)}
    numbers = {i: STAND_IN + i for i in range(count, count + len(op.constants))}
    numbers |= {k: -numbers[k]} if k in numbers and precedence < printer.ATOM else {}
    call = op.call(*inputs, **dict(zip(op.constants, numbers.values())))
    text = printer.as_lines(call, printer.TEXT, holes)[-1][1]
    return reduce(lambda text, i: text.replace(str(numbers[i]), f"{{{i}}}"), numbers, text)


STAND_IN = 0.5772156649015329       # how a call is written asks for numbers where constants are


# ---- where an op is infinite ---------------------------------------------------------------------------

POLES: dict[str, Callable] = {   # 1 where a word of rules is infinite, elsewhere 0
    "/": lambda x, y: m.where(m.equal(y, 0), 1, 0),
    **dict.fromkeys(("log", "log2", "log10"), lambda x: m.where(m.equal(x, 0), 1, 0)),
    "log1p": lambda x: m.where(m.equal(x, -1), 1, 0),
    "atanh": lambda x: m.where(m.equal(m.abs(x), 1), 1, 0),
    "pow": lambda x, y: m.where(y < 0, lambda: m.where(m.equal(x, 0), 1, 0), 0),
}


def pole_function(op: Op) -> str:
    """A function of an op's inputs that is not 0 where it is infinite; "" where it never is.

    >>> import tinygrad_edu as tg
    >>> print(pole_function(tg.OPS["div"]))
    (x, y) => {
      return y == 0 ? 1 : 0;
    }
    """
    found = poles_of(op.formulas()[0])
    if not found:
        return ""
    lines, [text] = printed(op, [reduce(add, [Formula("total", pole) for pole in found] if op.rows else found)])
    return in_braces(arguments(op), [*lines, f"return {text};"])


def poles_of(value: Any) -> list[Formula]:
    """Formulas that are 1 where a part of a value is infinite, and 0 elsewhere."""
    found: list[Any] = []
    for part in printer.in_order([value]):
        parts = printer.children(part)
        if part.head in POLES:
            found.append(POLES[part.head](*parts))
        elif parts and part.head not in printer.PRIVATE and printer.calls_an_op(part.head):
            other = OPS[part.head.strip("'")]
            found += poles_of(other.textbook(*parts, **other.constants)[0])
    return [pole for pole in found if type(pole) is Formula]
