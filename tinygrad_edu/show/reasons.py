"""Why a local gradient is what it is: its formula and, where a formula alone does not tell it, words.

`IN_WORDS` is the one place where operations explain themselves, in the sentences of `words/en.json`.  An
operation that is not in it, such as one of yours, is explained by the formula that its rule writes.
"""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from ..engine import more_ops, ops, printer
from ..engine.formula import Formula
from ..engine.number import format_number
from ..engine.value import Value
from ..symbols.simplify import is_choice
from ..symbols.symbolic import local_formulas
from .page import sentences
from .typeset import Number, Pieces, Words


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

    def pieces(self, local_grad: float) -> Pieces:
        """The whole reason; words say which case holds, so the others are left out."""
        formula = Number(self.text) if isinstance(self.formula, float) else self.formula
        if self.numbers is not None:
            return formula, "=", self.rounded(6), Words(said("in_brackets", reason=self.words))
        if not self.words:
            return (formula,)
        because = Words(said("because", reason=self.words))
        return Number(format_number(local_grad)) if is_choice(self.formula) else formula, because

    def rounded(self, digits: int) -> Any:
        """The numbers to so many digits."""
        def part(x: Any) -> Formula:
            return Formula(x.head, *map(part, x.parts)) if isinstance(x, Formula) else Formula(format_number(x, digits))
        return None if self.numbers is None else part(self.numbers)


def reasons(node: Value, known: Mapping[Value, Formula], names: Mapping[Value, str]) -> list[Reason]:
    """The reason for each local gradient of a node; of a node made by hand, its number.

    known   {node: the formula that stands for it}
    names   {node: its name}, for the words

    >>> x, y = Value(2.0, label="x"), Value(3.0, label="y")
    >>> f = ops.maximum(x, y)
    >>> [reason.words for reason in reasons(f, {x: Formula("x"), y: Formula("y")}, {x: "x", y: "y"})]
    ['x is not the largest', 'y is the largest']
    """
    explain, *sentences = IN_WORDS.get(node._operation, (None,))
    if explain is None or any(math.isnan(part.data) for part in [node, *node.parents]):
        return [Reason(formula) for formula in local_formulas(node, known) or node.local_grads]
    told = explain(node, [names[parent] for parent in node.parents], *sentences)
    if any(reason.formula is None for reason in told):
        told = [reason._replace(formula=formula) for reason, formula in zip(told, local_formulas(node, known))]
    return told


# ---- what operations say of themselves ------------------------------------------------------------------


def said(sentence: str, **holes: object) -> str:
    """A sentence of the table of words, with its holes filled."""
    return sentences("reasons")[sentence].format(**holes)


def by_sign(node: Value, names: list[str], above: str, otherwise: str) -> list[Reason]:
    """Of an operation whose rule asks whether its input is above 0: the sentences for either case."""
    return [Reason(None, said(above if node.parents[0].data > 0 else otherwise))]


def at_zero(node: Value, names: list[str], sentence: str) -> list[Reason]:
    """Of an operation that is said to have this slope at a kink or jump, where its value is 0."""
    return [Reason(None, "" if node.data else said(sentence, op=node.op))] * len(names)


def best(node: Value, names: list[str], chosen: str, other: str) -> list[Reason]:
    """Of an operation that chooses the largest or the smallest of its inputs."""
    hits = [parent.data == node.data for parent in node.parents]
    ties = hits.count(True)
    hit = "tie" if ties > 1 else chosen
    return [Reason(Fraction(1, ties) if is_hit else 0, said(hit if is_hit else other, name=name, count=ties))
            for is_hit, name in zip(hits, names)]


def branch(node: Value, names: list[str]) -> list[Reason]:
    """Of `where`."""
    holds = node.parents[0].data != 0
    chosen = said("holds", name=names[1]) if holds else said("does_not_hold", name=names[2])
    return [Reason(None, said("condition")), Reason(None, chosen), Reason(None, chosen)]


def within(node: Value, names: list[str]) -> list[Reason]:
    """Of `clip`."""
    x, (low, high) = node.parents[0].data, node.constants.values()
    place = "below" if x < low else "above" if x > high else "between"
    return [Reason(None, said(place, name=names[0], low=format_number(low), high=format_number(high)))]


def flat(node: Value, names: list[str]) -> list[Reason]:
    """Of an operation whose value only jumps."""
    return [Reason(None, said("flat", op=node.op))] * len(names)


def of_cross_entropy(node: Value, names: list[str]) -> list[Reason]:
    """softmax(z)ₖ - yₖ by the logits z, -log softmax(z)ₖ by the target y."""
    z, y = ops.softmax_cross_entropy.in_rows([parent.data for parent in node.parents])
    total, log_sum = ops.sum(y), ops.logsumexp(z)
    shares = [ops.exp(logit - log_sum) for logit in z]
    words = said("logits")
    by_logit = [by_a_logit(k, p, t, None if total == 1 else total) for k, (p, t) in enumerate(zip(shares, y))]
    return [Reason(formula, words, numbers)
            for formula, numbers in [*by_logit, *[by_a_target(k, p) for k, p in enumerate(shares)]]]


def by_a_logit(k: Any, p: Any, t: Any, total: Any) -> tuple[Formula, Formula]:
    """softmax(z)ₖ - yₖ in names and in numbers; a total of the target other than 1 is a factor."""
    softmax, target = Formula("at", Formula("softmax", Formula("z")), k), Formula("y")
    times, number = (softmax, p) if total is None else (Formula("sum", target) * softmax, Formula("*", total, p))
    return times - Formula("at", target, k), Formula("-", number, t)


def by_a_target(k: Any, p: Any) -> tuple[Formula, Formula]:
    """-log softmax(z)ₖ in names and in numbers."""
    return -Formula("log", Formula("at", Formula("softmax", Formula("z")), k)), -Formula("log", p)


IN_WORDS: dict[Any, tuple[Any, ...]] = {        # {operation: how it is explained, and the keys of its sentences}
    ops.abs: (at_zero, "at_kink"), more_ops.remainder: (at_zero, "at_jump"),
    ops.relu: (by_sign, "relu_open", "relu_closed"),
    ops.leaky_relu: (by_sign, "input_above", "input_not_above"),
    **dict.fromkeys([ops.maximum, ops.max], (best, "largest", "not_largest")),
    **dict.fromkeys([ops.minimum, ops.min], (best, "smallest", "not_smallest")),
    ops.where: (branch,), ops.clip: (within,),
    ops.softmax_cross_entropy: (of_cross_entropy,),
    **dict.fromkeys([ops.sign, ops.step, ops.greater, ops.less, ops.greater_equal, ops.less_equal, ops.equal,
                     ops.not_equal, more_ops.floor, more_ops.ceil, more_ops.round, more_ops.floor_divide], (flat,)),
}
