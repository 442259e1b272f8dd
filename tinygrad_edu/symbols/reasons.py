"""Why a local gradient is what it is: its formula and, where a formula alone does not tell it, words.

`IN_WORDS` is the one place where operations explain themselves.  An operation that is not in it, such
as one of yours, is explained by the formula that its rule writes.
"""

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from ..engine import more_ops, ops, printer
from ..engine.formula import Formula
from ..engine.number import format_number
from ..engine.value import Value
from .simplify import is_choice
from .symbolic import local_formulas


class Reason(NamedTuple):
    """Why one local gradient is what it is.

    formula   it in symbols, over what the parents go by; None stands for the formula of the rule
    words     what the numbers say of it, such as "x is the largest", or ""
    numbers   the formula with numbers put in, where it has names that are not the parents'
    """

    formula: Any
    words: str = ""
    numbers: Any = None

    @property
    def text(self) -> str:
        return format_number(self.formula) if isinstance(self.formula, float) else printer.text(self.formula)

    def with_numbers(self, local_grad: float) -> str:
        """The whole reason on one line; words say which case holds, so the others are left out."""
        if self.numbers is not None:
            return f"{self.text} = {printer.text(self.rounded(6))} ({self.words})"
        if not self.words:
            return self.text
        return f"{format_number(local_grad) if is_choice(self.formula) else self.text} because {self.words}"

    def rounded(self, digits: int) -> Any:
        """The numbers to so many digits."""
        def part(x: Any) -> Formula:
            return Formula(x.head, *map(part, x.parts)) if isinstance(x, Formula) else Formula(format_number(x, digits))
        return None if self.numbers is None else part(self.numbers)


Explain = Callable[[Value, list[str]], list[Reason]]        # of a node and what its parents go by


def reasons(node: Value, known: Mapping[Value, Formula], names: Mapping[Value, str]) -> list[Reason]:
    """The reason for each local gradient of a node; of a node made by hand, its number.

    known   {node: the formula that stands for it}
    names   {node: its name}, for the words

    >>> x, y = Value(2.0, label="x"), Value(3.0, label="y")
    >>> f = ops.maximum(x, y)
    >>> [reason.words for reason in reasons(f, {x: Formula("x"), y: Formula("y")}, {x: "x", y: "y"})]
    ['x is not the largest', 'y is the largest']
    """
    explain = IN_WORDS.get(node._operation)
    if explain is None or any(math.isnan(part.data) for part in [node, *node.parents]):
        return [Reason(formula) for formula in local_formulas(node, known) or node.local_grads]
    told = explain(node, [names[parent] for parent in node.parents])
    if any(reason.formula is None for reason in told):
        told = [reason._replace(formula=formula) for reason, formula in zip(told, local_formulas(node, known))]
    return told


# ---- what operations say of themselves ------------------------------------------------------------------


def by_sign(above: str, otherwise: str) -> Explain:
    """Of an operation whose rule asks whether its input is above 0."""
    return lambda node, names: [Reason(None, above if node.parents[0].data > 0 else otherwise)]


def best(word: str) -> Explain:
    """Of an operation that chooses the largest or the smallest of its inputs."""
    def explain(node: Value, names: list[str]) -> list[Reason]:
        hits = [parent.data == node.data for parent in node.parents]
        ties = hits.count(True)
        hit = f"{ties} inputs tie" if ties > 1 else f"{{}} is the {word}"
        return [Reason(Fraction(1, ties), hit.format(name)) if chosen else Reason(0, f"{name} is not the {word}")
                for chosen, name in zip(hits, names)]
    return explain


def branch(node: Value, names: list[str]) -> list[Reason]:
    """Of `where`."""
    holds = node.parents[0].data != 0
    chosen = f"the condition {'holds' if holds else 'does not hold'}: {names[1 if holds else 2]} is chosen"
    return [Reason(None, "a condition only chooses"), Reason(None, chosen), Reason(None, chosen)]


def within(node: Value, names: list[str]) -> list[Reason]:
    """Of `clip`."""
    x, (low, high) = node.parents[0].data, node.constants.values()
    place = (f"below {format_number(low)}" if x < low else f"above {format_number(high)}" if x > high
             else f"between {format_number(low)} and {format_number(high)}")
    return [Reason(None, f"{names[0]} is {place}")]


def flat(node: Value, names: list[str]) -> list[Reason]:
    """Of an operation whose value only jumps."""
    return [Reason(None, f"{node.op} is flat between its jumps")] * len(names)


def of_cross_entropy(node: Value, names: list[str]) -> list[Reason]:
    """softmax(z)ₖ - yₖ by the logits z, -log softmax(z)ₖ by the target y."""
    z, y = ops.softmax_cross_entropy.in_rows([parent.data for parent in node.parents])
    total, log_sum = ops.sum(y), ops.logsumexp(z)
    shares = [ops.exp(logit - log_sum) for logit in z]
    softmax, target = Formula("softmax", Formula("z")), Formula("y")
    words = "z are the logits, y is the target"
    reasons = []
    for k, (p, t) in enumerate(zip(shares, y)):
        times, number = (Formula("at", softmax, k), p) if total == 1 else (
            Formula("sum", target) * Formula("at", softmax, k), Formula("*", total, p))
        reasons.append(Reason(times - Formula("at", target, k), words, Formula("-", number, t)))
    return reasons + [Reason(-Formula("log", Formula("at", softmax, k)), words, -Formula("log", p))
                      for k, p in enumerate(shares)]


IN_WORDS: dict[Any, Explain] = {
    ops.relu: by_sign("relu is open (its input is above 0)", "relu is closed (its input is not above 0)"),
    ops.leaky_relu: by_sign("its input is above 0", "its input is not above 0"),
    ops.maximum: best("largest"), ops.max: best("largest"), ops.minimum: best("smallest"), ops.min: best("smallest"),
    ops.where: branch, ops.clip: within,
    ops.softmax_cross_entropy: of_cross_entropy,
    **dict.fromkeys([ops.sign, ops.step, ops.greater, ops.less, ops.greater_equal, ops.less_equal, ops.equal,
                     ops.not_equal, more_ops.floor, more_ops.ceil, more_ops.round, more_ops.floor_divide], flat),
}
