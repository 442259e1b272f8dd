"""An operation written out: as a program in Python or C, and as LaTeX."""

from typing import Any

from ..engine import printer
from ..engine.formula import Formula, Row
from ..engine.op import Op

WHY = "# In floats the formulas above would lose digits.  The engine computes the same numbers by these:\n"


def source(op: Op, language: str = "python") -> str:
    """The program that is printed from an op's rule: "python", "c" or "latex".

    Python has the words of rules as `m` (tinygrad_edu.engine.formula) and other operations as `ops`.  Where the
    engine computes by an accurate form of the rule, Python shows both, and C, which is to be run, that form.

    >>> import tinygrad_edu as tg
    >>> print(source(tg.mul))
    def mul(x, y):
        return x * y, (y, x,)
    <BLANKLINE>
    """
    if language == "latex":
        return latex_source(op, *op.formulas())
    if language == "c":
        return printer.c_source(op.name, op.inputs, list(op.constants), *op.formulas(op.rule))
    if language != "python":
        raise ValueError(f'source(..., {language!r}): write "python", "c" or "latex"')
    shown = printer.python_source(op.name, op.inputs, list(op.constants), *op.formulas())
    if op.rule is op.textbook:
        return shown
    name = f"accurate_{op.name}"
    return f"{shown}\n\n{WHY}{printer.python_source(name, op.inputs, list(op.constants), *op.formulas(op.rule))}"


def latex_source(op: Op, value: Any, local_grads: tuple) -> str:
    """One line for the value f, then one per local gradient; f stands for the value in these."""
    names = {value: "f"} if isinstance(value, Formula) and value.parts else None
    lines = [f"f = {printer.latex(value)}"]
    for name, local_grad in zip(op.inputs, local_grads):
        body = printer.latex(local_grad.element if isinstance(local_grad, Row) else local_grad, names)
        by = printer.latex_name(name) + ("_{i}" if op.rows else "")
        lines.append(rf"\frac{{\partial f}}{{\partial {by}}} = {body}")
    return "\n".join(lines)
