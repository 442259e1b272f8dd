"""Random formulas and the exact numbers they stand for, which whoever simplifies or writes them has to keep."""

import operator
import random
import re
from fractions import Fraction

from tinygrad_edu.engine import formula as m
from tinygrad_edu.engine import printer
from tinygrad_edu.engine.formula import Formula

COMPUTE = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "neg": operator.neg, "pow": m.power,
           ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le, "==": operator.eq, "!=": operator.ne,
           "abs": m.abs, "larger": m.larger, "smaller": m.smaller, "where": lambda condition, a, b: a if condition else b}
NUMBERS = [0, 1, -1, 2, 3, -5, Fraction(1, 2), Fraction(-2, 3), 0.5, -0.75, 0.1, 1e300, 6 * 10 ** 14, 7.0 ** 17, 10 ** 15 - 1]


def computed(root, numbers, kind=Fraction):
    """The number a formula stands for: as a Fraction, without any rounding."""
    known, root = {}, printer.resolved(root)
    for part in printer.in_order([root]):
        inner = [known[p] if isinstance(p, Formula) else kind(p) for p in printer.children(part)]
        known[part] = COMPUTE[part.head](*inner) if part.parts else numbers[part.head]
    return known[root] if isinstance(root, Formula) else kind(root)


def random_formula(rng, names, steps):
    """A formula whose parts share their own, of names and numbers of all kinds."""
    parts = [Formula(name) for name in names]
    for _ in range(steps):
        x = rng.choice(parts)
        y, z = rng.choices([*parts, *parts, rng.choice(NUMBERS)], k=2)
        condition = rng.choice([x > y, x < y, x >= y, x <= y, m.equal(x, y), m.unequal(x, y), m.unequal(x <= z, 0)])
        parts.append(rng.choice([
            x + y, y + x, x - y, y - x, x * y, y * x, x / y, y / x, -x, m.power(x, rng.randrange(-3, 4)), m.like(x, 3) * y,
            m.abs(x), m.larger(x, y), m.smaller(x, y), m.total(parts[:9]), m.product(parts[:9]),
            m.where(condition, z, rng.choice([0, x])), m.where(x > y, y, z), condition * x]))
    return parts[-1]


def formulas(count):
    """(formula, {name: number}, the number it stands for), as often as nothing is divided by zero."""
    for seed in range(count):
        rng = random.Random(seed)
        names = "abcdefghijkl"[:rng.randint(1, 12)]
        formula = random_formula(rng, names, rng.randint(1, 25))
        numbers = {name: Fraction(rng.randint(-6, 6), rng.randint(1, 4)) for name in names}
        try:
            yield formula, numbers, computed(formula, numbers)
        except ZeroDivisionError:
            continue


def with_fractions(code):
    """Arithmetic in Python whose numbers are Fractions."""
    return re.sub(r"(?<![\w.])\d[\d.]*(e[+-]?\d+)?", r"Fraction(\g<0>)", code)


def read_back(lines, numbers):
    """The number that arithmetic as Python has it stands for: named lines first, then the whole."""
    scope = {"Fraction": Fraction, "fabs": abs, **numbers}
    for line in lines:
        name, _, body = line.rpartition(" = ")
        scope[name] = eval(with_fractions(body), scope)
    return scope[""]
