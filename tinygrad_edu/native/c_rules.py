"""The rules of `ops.py` as C, from which the compiled engine is built.

    python -m tinygrad_edu.native.c_rules kernels.h

Each rule is printed as a C function by `printer.py`; what is added here is how to call one by
its number.  Nothing of it is kept: the header is made when the package is built.
"""

import re
import sys
import zlib
from pathlib import Path

from ..engine import ops
from ..engine.op import BUILT_IN, Op
from ..symbols.source import c_source

# `pow` has no effects here, so gcc leaves out those of the four powers in x**n that nobody needs.  A compiler may
# also move such a call past a reading of the IEEE flags: this belongs to the eager kernels, which read none, alone.
NO_EFFECTS = "#ifdef __GNUC__\ndouble pow(double, double) __attribute__((const));\n#endif"

RULES = ("ops.py", "more_ops.py", "accurate.py", "formula.py", "ieee.py", "printer.py")


def fingerprint() -> int:
    """A number that changes with the text of the rules, by which the compiled engine knows those it was made from."""
    return zlib.crc32(b"".join(Path(ops.__file__).with_name(name).read_bytes() for name in RULES))


def built_in() -> list[Op]:
    """The operations of the package: the place of each is its number in C, also where somebody changed `OPS`."""
    return BUILT_IN


def call(op: Op, inputs: list[str], constants: list[str], gradients: list[str]) -> str:
    """The C expression that calls it."""
    arguments = ["n"] * op.rows + inputs + constants + gradients + ["room"] * op.rows
    return f"op_{op.name}({', '.join(arguments)})"


def call_of_any(op: Op) -> str:
    """The call on arrays: inputs at x, constants at c, local gradients at g, rows one after the other."""
    places = [f"{i} * n" for i in range(len(op.inputs))] if op.rows else list(map(str, range(len(op.inputs))))
    inputs = [f"x + {place}" if op.rows else f"x[{place}]" for place in places]
    return call(op, inputs, [f"c[{i}]" for i in range(len(op.constants))], [f"g + {place}" for place in places])


def dispatch(name: str, arguments: str, calls: dict[Op, str]) -> str:
    """A C function that runs the op of a number."""
    cases = "".join(f"    case OP_{op.name}: return {text};\n" for op, text in calls.items())
    return (f"static inline double {name}(int op, {arguments}) {{\n    switch (op) {{\n{cases}    }}\n"
            "    return NAN;\n}\n")


def header() -> str:
    """The whole header.

    >>> "op_tanh(double x, double *g_x)" in header()
    True
    """
    table = built_in()
    singles = [op for op in table if not op.rows and len(op.inputs) == 1 and len(op.constants) <= 1]
    pairs = [op for op in table if not op.rows and len(op.inputs) == 2 and not op.constants]
    program = c_source(table)
    rooms = max(len(re.findall(r"= room \+", function)) for function in program.split("static inline"))
    names = ", ".join(f'"{op.name}"' for op in table)
    return "\n".join([
        "/* Made by tinygrad_edu/native/c_rules.py from ops.py. */",
        "#include <math.h>",
        NO_EFFECTS,
        f"#define FINGERPRINT {fingerprint()}u",
        f"#define ROOMS {rooms}       /* the rows a rule may keep on its way */",
        f"#define OP_COUNT {len(table)}",
        f"enum {{ OP_none, {', '.join(f'OP_{op.name}' for op in table)} }};",
        f'static const char *const OP_NAMES[] = {{ "", {names} }};',
        f"static const unsigned char SELECTS[] = {{ 0, {', '.join(str(int(op.selects)) for op in table)} }};",
        program,
        dispatch("apply1", "double x, double c, double *gx",
                 {op: call(op, ["x"], ["c"] * len(op.constants), ["gx"]) for op in singles}),
        dispatch("apply2", "double x, double y, double *gx, double *gy",
                 {op: call(op, ["x", "y"], [], ["gx", "gy"]) for op in pairs}),
        dispatch("apply_any", "int n, const double *x, const double *c, double *g, double *room",
                 {op: call_of_any(op) for op in table}),
    ])


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(header(), encoding="utf-8")
