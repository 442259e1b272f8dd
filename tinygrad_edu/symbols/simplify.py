"""Formulas made simple enough to read.

A derivative by the chain rule is full of `1 *`, `0 +` and repeated factors.  Here a product is
taken apart into a number and powers of its factors, a sum into multiples of its terms; what is
alike comes together, and both are written down again in the order in which they were met.
Products of sums stay as they are: what was factored is easier to read.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from fractions import Fraction
from numbers import Rational
from typing import Any

from ..engine import printer
from ..engine.formula import Formula

MANY = 8            # a sum or product of more parts than this is not taken apart again: the work stays small
HUGE = 10 ** 15     # whole numbers from here on are left as floats


def simplified(root: Any) -> Any:
    """The formula without `0 +`, `1 *`, `- -`, with like terms and factors taken together.

    It has the same value wherever the formula given has one; its names are those that were given.

    >>> x = Formula("x")
    >>> simplified(0 + 1 * (-(-x))), simplified(2 * (3 * x) * 0), simplified(x * x + x * (2 * x))
    (x, 0, 3 * x**2)
    >>> simplified(1 / x * x - (x - 1) / (2 * x))
    1 - (x - 1) / (2 * x)
    """
    work = Simplifier()
    made: dict[Formula, Any] = {}
    root = printer.resolved(root)
    for part in printer.in_order([root]):
        parts = [made[p] if isinstance(p, Formula) else plain(p) for p in printer.children(part)]
        made[part] = work.apply(part.head, parts) if parts else work.known.setdefault((part.head,), part)
    return made[root] if isinstance(root, Formula) else plain(root)


class Simplifier:
    """Builds simple formulas; equal ones are one and the same object.

    known      every formula built, by head and parts
    products   (number, {factor: power}) for those that are products
    sums       [(number, term)] for those that are sums; the term of a plain number is None
    """

    def __init__(self) -> None:
        self.known: dict[Any, Formula] = {}
        self.products: dict[Formula, tuple[Any, dict[Any, int]]] = {}
        self.sums: dict[Formula, list[tuple[Any, Any]]] = {}

    def apply(self, head: str, parts: list[Any]) -> Any:
        """An operator or function applied to simple parts."""
        simplify = SIMPLE.get(head)
        found = simplify(self, *parts) if simplify else None
        return self.made(head, *parts) if found is None else found

    def made(self, head: str, *parts: Any) -> Formula:
        """The formula as it stands; the same one for the same parts."""
        return self.known.setdefault((head, *map(identity, parts)), Formula(head, *parts))

    # ---- products

    def product(self, *parts: tuple[Any, int]) -> Any:
        """The product of (x, power) pairs; powers are whole numbers, below 0 for what is divided by."""
        number: Any = 1
        factors: dict[Any, int] = {}
        for x, power in parts:
            inner_number, inner = self.taken_apart(x)
            for factor, inner_power in inner.items():
                factors[factor] = factors.get(factor, 0) + power * inner_power
            together = exactly(number, inner_number, "/" if power < 0 else "*")
            if together is None:
                factors[inner_number] = factors.get(inner_number, 0) + power
            number = number if together is None else together
        factors = {factor: power for factor, power in factors.items() if power}
        inside = self.chosen(number, factors)
        return 0 if number == 0 else self.of_factors(number, factors) if inside is None else inside

    def taken_apart(self, x: Any) -> tuple[Any, dict[Any, int]]:
        """(number, {factor: power}) whose product is x."""
        if not isinstance(x, Formula):
            return x, {}
        number, factors = self.products.get(x, (1, {x: 1}))
        return (number, factors) if len(factors) <= MANY else (1, {x: 1})

    def chosen(self, number: Any, factors: dict[Any, int]) -> Any:
        """Where one factor is `a if condition else 0`, the others go inside, so that the 0 stands alone."""
        for factor, power in factors.items():
            if is_choice(factor) and power == 1 and 0 in plain_numbers(factor):
                others = [(number, 1), *((f, n) for f, n in factors.items() if f is not factor)]
                condition, *branches = factor.parts
                return self.choice(condition, *[self.product((branch, 1), *others) for branch in branches])
        return None

    def of_factors(self, number: Any, factors: dict[Any, int]) -> Any:
        """A number times powers of factors, as a fraction with the number, and its sign, in front."""
        if not factors:
            return number
        [(first, power), *others] = factors.items()
        if power == 1 and not others and number == 1:
            return first
        if power == 1 and not others and number == -1 and any(n < 0 for n, _ in self.sums.get(first, ())):
            return self.sum(*[(-n, term) for n, term in self.sums[first]])          # y - x, not -(x - y)
        same = ("product", repr(number), frozenset((identity(factor), n) for factor, n in factors.items()))
        if same not in self.known:
            self.known[same] = self.written_out(number, factors)
            self.products[self.known[same]] = (number, factors)
        return self.known[same]

    def written_out(self, number: Any, factors: dict[Any, int]) -> Formula:
        above, below = ([self.raised(factor, abs(n)) for factor, n in factors.items() if (n > 0) is up]
                        for up in (True, False))
        over, under = (number.numerator, number.denominator) if isinstance(number, Fraction) else (number, 1)
        if over == -1 and above:
            above[0] = self.made("neg", above[0])
        elif over != 1 or not above:
            above.insert(0, over)
        below = [under] * (under != 1) + below
        whole = self.chain("*", above)
        return self.made("/", whole, self.chain("*", below)) if below else whole

    def raised(self, factor: Any, power: int) -> Any:
        return factor if power == 1 else self.made("pow", factor, power)

    def chain(self, sign: str, parts: list[Any]) -> Any:
        whole, *rest = parts
        for part in rest:
            whole = self.made(sign, whole, part)
        return whole

    def power(self, x: Any, n: Any) -> Any:
        if isinstance(n, Formula) or n != n // 1 or abs(n) >= HUGE:
            return None
        if n == 0 or n == 1:
            return x if n == 1 else 1
        if not isinstance(x, Formula):
            return plain(x ** n) if isinstance(x, int) and n > 0 and n * math.log2(abs(x) + 1) < 50 else None
        return None if x in self.products else self.product((x, int(n)))

    # ---- sums

    def sum(self, *parts: tuple[Any, Any]) -> Any:
        """The sum of (number, x) pairs."""
        found: list[tuple[Any, Any]] = []
        for number, x in parts:
            for inner, term in self.terms(x):
                times = exactly(number, inner, "*")
                self.collect(found, *((number, self.multiple(inner, term)) if times is None else (times, term)))
        found = [(number, term) for number, term in found if number != 0]
        if len(found) < 2:
            return self.multiple(*found[0]) if found else 0
        same = ("sum", frozenset(Counter((repr(number), identity(term)) for number, term in found).items()))
        if same not in self.known:
            self.known[same] = self.added_up(found)
            self.sums[self.known[same]] = found
        return self.known[same]

    def added_up(self, found: list[tuple[Any, Any]]) -> Formula:
        first = next((i for i, (number, _) in enumerate(found) if not number < 0), 0)
        whole = self.multiple(*found[first])                    # y - x, not -x + y
        for number, term in found[:first] + found[first + 1:]:
            whole = self.made("-" if number < 0 else "+", whole, self.multiple(abs(number), term))
        return whole

    def terms(self, x: Any) -> list[tuple[Any, Any]]:
        """[(number, term)] whose sum is x."""
        if not isinstance(x, Formula):
            return [(1, None) if x is None else (x, None)]
        if x in self.sums:
            return self.sums[x] if len(self.sums[x]) <= MANY else [(1, x)]
        number, factors = self.products.get(x, (1, {}))
        return [(1, x)] if number == 1 else [(number, self.of_factors(1, factors))]

    def collect(self, found: list[tuple[Any, Any]], number: Any, term: Any) -> None:
        """Enter a term into a list of them: beside its like, or at the end."""
        for i, (known, other) in enumerate(found):
            if is_choice(term) and is_choice(other) and term.parts[0] is other.parts[0]:
                branches = [self.sum((known, a), (number, b)) for a, b in zip(other.parts[1:], term.parts[1:])]
                chosen = self.choice(term.parts[0], *branches)
                found[i] = (1, chosen) if isinstance(chosen, Formula) else (chosen, None)
                return
            together = exactly(known, number, "+") if other is term else None
            if together is not None:
                found[i] = (together, term)
                return
        found.append((number, term))

    def multiple(self, number: Any, term: Any) -> Any:
        return number if term is None else self.product((number, 1), (term, 1))

    # ---- choices

    def choice(self, condition: Any, a: Any, b: Any) -> Any:
        same = a is b if isinstance(a, Formula) or isinstance(b, Formula) else a == b
        return a if same else self.made("where", condition, a, b)

    def condition(self, x: Any, y: Any) -> Any:
        """A condition that is compared with 0 is that condition."""
        asked = is_made_by(x, ">", "<", ">=", "<=", "==") and not isinstance(y, Formula)
        return x if asked and y == 0 else None


SIMPLE: dict[str, Callable[..., Any]] = {
    "+": lambda work, x, y: work.sum((1, x), (1, y)), "-": lambda work, x, y: work.sum((1, x), (-1, y)),
    "*": lambda work, x, y: work.product((x, 1), (y, 1)), "/": lambda work, x, y: work.product((x, 1), (y, -1)),
    "neg": lambda work, x: work.product((-1, 1), (x, 1)), "pow": Simplifier.power,
    "where": Simplifier.choice, "!=": Simplifier.condition,
}


def is_choice(x: Any) -> bool:
    return is_made_by(x, "where")


def is_made_by(x: Any, *heads: str) -> bool:
    """Is x one of these operators applied to something?  A name that looks like one, such as "where", is not."""
    return isinstance(x, Formula) and bool(x.parts) and x.head in heads


def identity(x: Any) -> Any:
    """What tells a part of a formula from others: equal numbers are alike, formulas only if they are the same."""
    return id(x) if isinstance(x, Formula) else repr(x)


def plain_numbers(formula: Formula) -> Iterable[Any]:
    return [part for part in formula.parts if not isinstance(part, Formula)]


def plain(x: Any) -> Any:
    """A number, as an int where it is a whole one."""
    return int(x) if isinstance(x, float | Fraction) and -HUGE < x < HUGE and x == x // 1 else x


def exactly(x: Any, y: Any, sign: str) -> Any:
    """x + y, x * y or x / y of plain numbers, if it needs no rounding and few digits; None otherwise.

    >>> exactly(0.5, 3, "*"), exactly(0.1, 3, "*"), exactly(1, 3, "/")
    (1.5, None, Fraction(1, 3))
    """
    if type(x) is type(y) is int and sign != "/":
        whole = x + y if sign == "+" else x * y             # the usual case, and quick
        return whole if -HUGE < whole < HUGE else None
    if not all(map(math.isfinite, (x, y))) or (sign == "/" and y == 0):
        return y if x == 1 and sign == "*" else None
    a, b = Fraction(x), Fraction(y)
    true = a + b if sign == "+" else a * b if sign == "*" else a / b
    if isinstance(x, Rational) and isinstance(y, Rational):
        return plain(true) if max(abs(true.numerator), true.denominator) < HUGE else None
    try:
        return plain(float(true)) if Fraction(float(true)) == true else None
    except OverflowError:
        return None
