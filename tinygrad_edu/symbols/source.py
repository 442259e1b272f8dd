"""An operation written out: as a program in Python, C or JavaScript, and as LaTeX."""

import re
from typing import Any

from ..engine import printer
from ..engine.arrays import is_value
from ..engine.formula import Formula, Row
from ..engine.javascript import rules_script
from ..engine.number import short_repr
from ..engine.op import OPS, Op

WHY = "# In floats the formulas above would lose digits.  The engine computes the same numbers by these:\n"


def source(op: Op, language: str = "python") -> str:
    """The program that is printed from an op's rule: "python", "c", "javascript" or "latex".

    Python has the words of rules as `m` (tinygrad_edu.engine.formula) and other operations as `ops`.  Where the
    engine computes by an accurate form of the rule, Python shows both, and C and JavaScript, which are to be run, that
    form.  JavaScript is a script that declares `rules`: rules.mul(x, y, g) returns the value and puts the local
    gradients into the array g; rows are arrays, and g has one row's after the other's.
    If a rule of your own compares the same two numbers more than once and may get nan, compile its C by gcc 14 to 16
    with -fno-thread-jumps.

    >>> import tinygrad_edu as tg
    >>> print(source(tg.mul))
    def mul(x, y):
        return x * y, (y, x,)
    <BLANKLINE>
    """
    if not isinstance(op, Op):
        name = op if isinstance(op, str) else getattr(op, "__name__", "")
        instead = f"; write tg.OPS[{name!r}]" if name in OPS else ""
        instead = "; tg.symbolic(v) has the formulas of a Value v" if is_value(op) else instead
        raise TypeError(f"an Op is needed, such as tg.tanh, not {type(op).__name__}: got {short_repr(op)}{instead}")
    if language == "latex":
        return latex_source(op, *op.formulas())
    if language == "c":
        return c_source([op])
    if language == "javascript":
        return rules_script([op]) + "\n"
    if language != "python":
        raise ValueError(f'source(..., {language!r}): write "python", "c", "javascript" or "latex"')
    shown = printer.python_source(op.name, op.inputs, list(op.constants), *op.formulas())
    if op.rule is op.textbook:
        return shown
    name = f"accurate_{op.name}"
    return f"{shown}\n\n{WHY}{printer.python_source(name, op.inputs, list(op.constants), *op.formulas(op.rule))}"


def c_source(ops: list[Op]) -> str:
    """The rules of ops as C functions, after those they call.  Raises ValueError where two ops have one name.

    >>> import tinygrad_edu as tg
    >>> print(c_source([tg.mul]))
    static inline double op_mul(double x, double y, double *g_x, double *g_y) {
        *g_x = y;
        *g_y = x;
        return x * y;
    }
    <BLANKLINE>
    """
    functions: dict[Op, str] = {}
    waiting = list(reversed(ops))
    while waiting:
        op = waiting[-1]
        function = printer.c_function(op.name, op.inputs, list(op.constants), *op.formulas(op.rule))
        called = [OPS[name] for name in re.findall(r"\b(\w+)_of\(", function)]
        missing = [other for other in called if other not in functions]
        if op in missing:
            raise ValueError(f"op {op.name} calls an op of its own name: give one of them another, to be printed as C")
        if not missing:
            functions[waiting.pop()] = function
        waiting += missing
    program = "".join(functions.values())
    for op in functions:
        if f"{op.name}_of(" in program:
            functions[op] += printer.c_value_of(op.name, op.inputs, op.constants.values())
    return printer.c_words(program) + "".join(functions.values())


def latex_source(op: Op, value: Any, local_grads: tuple) -> str:
    """One line for the value f, then one per local gradient; f stands for the value in these."""
    names = {value: "f"} if isinstance(value, Formula) and value.parts else None
    lines = [f"f = {printer.latex(value)}"]
    for name, local_grad in zip(op.inputs, local_grads):
        body = printer.latex(local_grad.element if isinstance(local_grad, Row) else local_grad, names)
        by = printer.latex_name(name) + ("_{i}" if op.rows else "")
        lines.append(rf"\frac{{\partial f}}{{\partial {by}}} = {body}")
    return "\n".join(lines)
