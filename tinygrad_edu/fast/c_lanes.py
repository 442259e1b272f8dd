"""The rules of `ops.py` as C over lanes, from which the executor of plans is built.

    python -m tinygrad_edu.fast.c_lanes lanes.h

An op is a function of columns of numbers: `x[j]` is the column of its input j, `c` its constants, and it fills `out`
and the columns `g[j]` of its local gradients.  An op of rows has a column for each element.  The header is included
once for each instruction set.
"""

import re
import struct
import sys
import zlib
from decimal import Decimal, localcontext
from functools import cache
from pathlib import Path

from ..engine.ieee import COMPUTE
from ..engine.op import Op
from ..engine.printer import C, Statement, program
from ..native.c_rules import built_in
from ..native.c_rules import fingerprint as rules_fingerprint
from ..symbols import source
from ..symbols.source import c_source

LANES = "for (long k = 0; k < L; k++)"
CHUNK = 64                      # numbers of a column that are taken at a time, where an op calls libm
CALLS = re.compile(rf"\b(?:{'|'.join(set(COMPUTE) - {'sqrt', 'floor', 'ceil', 'round'})}|fmod|\w+_of)\(")
OVER_LANES = re.compile(r"\b(exp|expm1|tanh|log1p)\(")         # what _functions.h has
IS_CALL = re.compile(r"call (\w+)\((.*)\)")


def written(op: Op) -> tuple[list[Statement], str, list[str]]:
    """(statements, value, local gradients) of the rule that the engine computes an op by, as C.

    A call of a function that there is over lanes is a statement of its own.
    """
    value, partials = op.formulas(op.rule)
    statements, ends = program([value, *partials], C)
    apart: list[Statement] = []
    for s in statements:
        apart.append(Statement(s.kind, s.name, taken_out(s.text, apart, s.kind in ("let", "row"))))
    ends = [taken_out(end, apart, False) for end in ends]
    if not op.rows:
        apart = where_needed(apart, ends)
    result, *gradients = ends
    return apart, result, gradients


def where_needed(statements: list[Statement], ends: list[str]) -> list[Statement]:
    """Statements that call libm do so only for numbers whose further way needs the answer."""
    made = []
    for k, s in enumerate(statements):
        further = [*(later.text for later in statements[k + 1:]), *ends]
        uses = [conditions(text, match.start()) for text in further for match in re.finditer(rf"\b{s.name}\b", text)]
        needed = " || ".join(sorted({f"({' && '.join(tests)})" for tests in uses}))
        unknown = {later.name for later in statements[k:]}
        if CALLS.search(s.text) and not IS_CALL.fullmatch(s.text) and all(uses) and \
                not unknown.intersection(re.findall(r"\w+", needed)):
            s = s._replace(text=f"{needed} ? {s.text} : 0.0")
        made.append(s)
    return made


def taken_out(text: str, apart: list[Statement], may_be_whole: bool) -> str:
    """A text without its calls of functions over lanes, which go to `apart` as statements."""
    while match := OVER_LANES.search(text):
        end = closing(text, match.end())
        argument = taken_out(text[match.end():end], apart, False)
        guards = conditions(text, match.start())
        if guards:                      # what is not asked for must raise no flag
            argument = f"{' && '.join(guards)} ? {argument} : 0.0"
        call = f"call {match[1]}({argument})"
        if may_be_whole and match.start() == 0 and end == len(text) - 1:
            return call
        name = f"e{len(apart)}"
        apart.append(Statement("row" if "[i]" in argument else "let", name, call))
        text = text[:match.start()] + name + "[i]" * ("[i]" in argument) + text[end + 1:]
    return text


def closing(text: str, start: int) -> int:
    """Where the parenthesis closes that was opened before `start`.

    >>> closing("exp(f(x) + 1)", 4)
    12
    """
    depth, end = 1, start
    while depth:
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        end += 1
    return end - 1


def conditions(text: str, place: int) -> list[str]:
    """What must hold for C to come to a place of an expression: the tests of all `?` and `:` around it.

    >>> conditions("x > 0.0 ? 1.0 : exp(x)", 16)
    ['!(x > 0.0)']
    """
    tests: list[list[tuple[str, bool]]] = [[]]          # of each parenthesis that is open: (test, must it hold?)
    starts = [0]
    for k, mark in enumerate(text[:place]):
        if mark == "(":
            tests.append([])
            starts.append(k + 1)
        elif mark == ")":
            tests.pop()
            starts.pop()
        elif mark in ",?:":
            if mark == ",":
                tests[-1].clear()
            elif mark == "?":
                tests[-1].append((text[starts[-1]:k].strip(), True))
            else:
                while not tests[-1][-1][1]:
                    tests[-1].pop()
                tests[-1][-1] = tests[-1][-1][0], False
            starts[-1] = k + 1
    return [f"({test})" if holds else f"!({test})" for around in tests for test, holds in around]


def with_names(text: str, names: dict[str, str]) -> str:
    """C text with names replaced by what stands for them."""
    return re.sub(r"\b[A-Za-z_]\w*\b", lambda match: names.get(match[0], match[0]), text) if names else text


def element_wise(op: Op) -> str:
    """An op of numbers over lanes."""
    statements, result, gradients = written(op)
    names = {x: f"x{j}[k]" for j, x in enumerate(op.inputs)} | {name: f"c[{i}]" for i, name in enumerate(op.constants)}
    heads = [f"const double *restrict x{j} = x[{j}];" for j in range(len(op.inputs))]
    heads += [f"double *restrict g{j} = g[{j}];" for j in range(len(op.inputs))]
    ends = [("out", result), *((f"g{j}", gradient) for j, gradient in enumerate(gradients))]
    if any(CALLS.search(text) for text in [*(s.text for s in statements), *(text for _, text in ends)]):
        names |= {s.name: f"{s.name}[k]" for s in statements}
        rooms = [f"double {s.name}[{CHUNK}];" for s in statements]
        steps = [f"x{j} += {CHUNK}; g{j} += {CHUNK};" for j in range(len(op.inputs))]
        body = [*heads, *rooms,
                f"for (long left = count; left > 0; left -= {CHUNK}, out += {CHUNK}) {{",
                f"    const long L = left < {CHUNK} ? left : {CHUNK};",
                *[f"    {line}" for line in in_loops([*((s.name, s.text) for s in statements), *ends], names)],
                f"    {' '.join(steps)}", "}"]
    else:
        lets = [f"const double {s.name} = {with_names(s.text, names)};" for s in statements]
        stores = [f"{name}[k] = {with_names(text, names)};" for name, text in ends]
        body = [*heads, "const long L = count;", f"{LANES} {{", *[f"    {line}" for line in lets + stores], "}"]
    return function(f"lanes_{op.name}", "long count, const double *const *x, const double *c, double *restrict out, "
                    "double *const *g", ["(void)c;", *body])


def in_loops(assignments: list[tuple[str, str]], names: dict[str, str]) -> list[str]:
    """Assignments to columns, in loops that can be vectorised: what calls libm has a loop of its own."""
    lines: list[str] = []
    loop: list[str] = []

    def close() -> None:
        if loop:
            lines.append(f"{LANES} {{ {' '.join(loop)} }}")
            loop.clear()

    for name, text in assignments:
        call = IS_CALL.fullmatch(text)
        argument = call[2] if call else text
        is_slow = CALLS.search(argument)
        if is_slow:
            close()
        loop.append(f"{name}[k] = {with_names(argument, names)};")
        if is_slow or call:
            close()
        if call:
            lines.append(f"NAME({call[1]}_lanes)(L, {name}, {name});")
    close()
    return lines


def function(name: str, arguments: str, body: list[str]) -> str:
    return f"TARGET static void NAME({name})({arguments}) {{\n    " + "\n    ".join(body) + "\n}\n"


WIDE = ("row", "others")        # kinds of statements that have a number for each element of a row
ROWS = {
    "let": ["LANES {t}[k] = {x};"],
    "row": ["for (int i = 0; i < n; i++) {{ {p}LANES {t}[i * L + k] = {x}; }}"],
    "total": ["LANES {t}[k] = 0.0;",
              "for (int i = 0; i < n; i++) {{ {p}LANES {t}[k] = i ? {t}[k] + ({x}) : ({x}); }}"],
    "product": ["LANES {t}[k] = 1.0;", "for (int i = 0; i < n; i++) {{ {p}LANES {t}[k] *= {x}; }}"],
    "largest": ["LANES {t}[k] = 0.0;",
                "for (int i = 0; i < n; i++) {{ {p}LANES {{ const double x_ = {x}; "
                "{t}[k] = i && ({t}[k] != {t}[k] || {t}[k] >= x_) ? {t}[k] : x_; }} }}"],
    "others": ["LANES {{ double p_ = 1.0;",
               "    for (int i = 0; i < n; i++) {{ {p}{t}[i * L + k] = p_; p_ *= {x}; }} p_ = 1.0;",
               "    for (int i = n - 1; i >= 0; i--) {{ {p}{t}[i * L + k] *= p_; p_ *= {x}; }} }}"],
}


class OverRows:
    """An op of rows over lanes: `x[j * n + i]` is the column of element i of row j.

    Each column has a pointer of its own, which tells the compiler that no other one reaches its numbers.

    heads       declarations, made as the text needs them
    narrow, wide    how many columns, and how many rows of columns, are kept in the room so far
    """

    def __init__(self, op: Op):
        self.op, self.narrow, self.wide = op, 0, 0
        self.heads = ["(void)c; (void)room;", *[f"const double c{i} = c[{i}];" for i in range(len(op.constants))]]
        self.constants = {name: f"c{i}" for i, name in enumerate(op.constants)}

    def text(self) -> str:
        statements, result, gradients = written(self.op)
        body = [line for s in statements for line in self.statement(s)]
        body.append(f"LANES out[k] = {self.lanes(result)};")
        for j, text in enumerate(map(self.lanes, gradients)):
            body.append(f"for (int i = 0; i < n; i++) {{ {self.pointers(text)}double *restrict g_ = g[{j} * n + i]; "
                        f"LANES g_[k] = {text}; }}")
        return function(
            f"rows_{self.op.name}", "long L, int n, const double *const *x, const double *c, double *restrict out, "
            "double *const *g, double *restrict room", [line.replace("LANES", LANES) for line in self.heads + body])

    def statement(self, s: Statement) -> list[str]:
        call = IS_CALL.fullmatch(s.text)
        text = self.lanes(call[2] if call else s.text)
        lines = [f"double *restrict {s.name} = room + ({self.narrow} + {self.wide} * (long)n) * L;",
                 *[line.format(t=s.name, x=text, p=self.pointers(text)) for line in ROWS[s.kind]]]
        if call:
            lines.append(f"NAME({call[1]}_lanes)({'n * L' if s.kind == 'row' else 'L'}, {s.name}, {s.name});")
        if s.kind in WIDE:
            self.wide += 1
        else:
            self.narrow += 1
        return lines

    def lanes(self, text: str) -> str:
        """A text about numbers as one about the numbers at place k of columns."""
        for j, row in enumerate(self.op.inputs):
            for name in re.findall(rf"\bat\({row}, n, (\w+)\)", text):
                pointer = f"at{j}_{name}"
                if not any(pointer in head for head in self.heads):
                    self.heads.append(f"const double *restrict {pointer} = x[{j} * n + (int){self.constants[name]}];")
                text = text.replace(f"at({row}, n, {name})", f"{pointer}[k]")
            text = re.sub(rf"\b{row}\[i\]", f"x{j}[k]", text)
        text = re.sub(r"\b([et]\d+)\[i\]", r"\1[i * L + k]", text)
        text = re.sub(r"\b([et]\d+)\b(?!\[)", r"\1[k]", text)
        return with_names(text, self.constants)

    def pointers(self, text: str) -> str:
        """The declarations of the columns of element i that a text names."""
        return "".join(f"const double *restrict x{j} = x[{j} * n + i]; " for j in range(len(self.op.inputs))
                       if f"x{j}[k]" in text)


@cache
def rooms(op: Op) -> tuple[int, int]:
    """How many columns an op of rows keeps on its way, and how many rows of columns."""
    kinds = [s.kind for s in written(op)[0]]
    wide = sum(kind in WIDE for kind in kinds)
    return len(kinds) - wide, wide


@cache
def is_quiet(op: Op) -> bool:
    """May it answer nan without raising an IEEE flag?  A rule says so by naming it.

    >>> from ..engine import ops
    >>> is_quiet(ops.clip), is_quiet(ops.log)
    (True, False)
    """
    statements, result, _ = written(op)
    return any("NAN" in text for text in [result, *(s.text for s in statements)])


def codes() -> dict[Op, int]:
    """The number of each op by which the executor knows it."""
    return {op: code for code, op in enumerate(built_in())}


def rules() -> str:
    """The rules for single numbers, which lanes call for what is a rule of its own; included once."""
    return "\n".join(["#include <math.h>", f"#define FINGERPRINT {fingerprint()}u", '#include "_agree.h"', exp_table(),
                      c_source(built_in())])


def fingerprint() -> int:
    """A number that changes with the text of the rules, and of what lays plans out, which the executor was made for."""
    texts = Path(__file__), Path(__file__).with_name("layout.py"), Path(source.__file__)
    return zlib.crc32(b"".join(path.read_bytes() for path in texts), rules_fingerprint())


def exp_table() -> str:
    """How each 2^(k/128), k < 128, comes of numbers with 53 digits, for `_methods.h`.

    First what the nearest number lacks, as a part of it; then that number, with k taken from its exponent, so that
    the digits of a whole number of 128ths can be added at once.

    >>> exp_table()[:60]
    'static const double EXP_TABLE[] = {0x0.0p+0, 0x1.00000000000'
    """
    numbers = []
    with localcontext() as context:
        context.prec = 60
        for k in range(128):
            power = Decimal(2) ** (Decimal(k) / 128)
            [bits] = struct.unpack("q", struct.pack("d", float(power)))
            [shifted] = struct.unpack("d", struct.pack("q", bits - (k << 45)))
            numbers += [float(power / Decimal(float(power)) - 1), shifted]
    return f"static const double EXP_TABLE[] = {{{''.join(f'{x.hex()}, ' for x in numbers)}}};"


def header() -> str:
    """The lanes of all ops, and tables of them by number; included once for each instruction set.

    >>> "NAME(lanes_tanh)" in header() and "NAME(rows_logsumexp)" in header()
    True
    """
    table = built_in()
    functions = [OverRows(op).text() if op.rows else element_wise(op) for op in table]
    lanes = ", ".join("0" if op.rows else f"NAME(lanes_{op.name})" for op in table)
    rows = ", ".join(f"NAME(rows_{op.name})" if op.rows else "0" for op in table)
    return "\n".join(["/* Made by tinygrad_edu/fast/c_lanes.py from ops.py. */", '#include "_functions.h"', *functions,
                      f"static Lanes *const NAME(LANES_OF)[] = {{ {lanes} }};",
                      f"static OfRows *const NAME(ROWS_OF)[] = {{ {rows} }};", ""])


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    (folder / "rules.h").write_text(rules(), encoding="utf-8")
    (folder / "lanes.h").write_text(header(), encoding="utf-8")
