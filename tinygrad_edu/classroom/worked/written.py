"""One side of an = sign, as people write it: numbers with the digits they were given, and expressions of names.

An expression is computed by the engine, on fractions where that can be done, at any numbers of its names.
"""

import ast
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

from ...engine.errors import DomainError, NotRationalError, errstate
from ...engine.op import OPS
from ...engine.replay import replay
from ...engine.value import Value
from ...symbols.expression import CONSTANTS, parse

CLOSE = 1e-9                            # relative: what floats may be off by
MOST_BITS = 1000                        # of a fraction that stays exact; a float holds as much
MANY_DIGITS = 6                         # a whole number of so many may have been rounded


@dataclass(frozen=True)
class Number:
    """A number, and by how much it may be off since it was rounded to the digits that are written.

    >>> Number.read("0.33"), Number.read("1/3").slack
    (Number(value=Fraction(33, 100), slack=Fraction(1, 200)), Fraction(0, 1))
    """

    value: Any
    slack: Any = 0

    def __post_init__(self) -> None:
        """A fraction of thousands of digits becomes a float: thirty squares in a row would fill the memory."""
        for name in ("value", "slack"):
            object.__setattr__(self, name, as_float_if_long(getattr(self, name)))

    @classmethod
    def read(cls, text: str) -> "Number":
        """The number of a text such as "-2", "0.50", "1e-9" or "1/3"; ValueError if it is none."""
        digits, _, exponent = text.strip().lower().lstrip("+-").partition("e")
        if digits in ("inf", "nan") or len(exponent.lstrip("+-")) > 3:
            return cls(float(text))
        places = len(digits.partition(".")[2])
        rounded = "." in digits or exponent or len(digits) >= MANY_DIGITS
        unit = Fraction(10) ** (int(exponent or 0) - places)
        return cls(Fraction(text), unit / 2 if rounded and "/" not in digits else Fraction(0))

    def plus(self, other: "Number") -> "Number":
        """The sum; what both may be off by adds up."""
        return Number(self.value + other.value, self.slack + other.slack)

    def times(self, other: "Number") -> "Number":
        """The product."""
        slack = abs(self.value) * other.slack + abs(other.value) * self.slack + self.slack * other.slack \
            if self.slack or other.slack else 0
        return Number(self.value * other.value, slack)

    def is_like(self, other: "Number") -> bool:
        """Could both be the same number, written with so many digits?"""
        x, y = float(self.value), float(other.value)
        if x - x or y - y:                              # inf and nan
            return repr(x) == repr(y)
        return abs(x - y) <= float(self.slack + other.slack) * (1 + CLOSE) + CLOSE * max(abs(x), abs(y)) + CLOSE ** 2

    @property
    def text(self) -> str:
        """It as text: a fraction of small parts as one, else six digits."""
        x = self.value
        is_short = isinstance(x, Fraction) and x.denominator < 100 and abs(x.numerator) < 10 ** 6
        return str(x) if is_short else f"{float(x):.6g}"


def as_float_if_long(x: Any) -> Any:
    """The number, as a float if it is a fraction of more than MOST_BITS."""
    if not isinstance(x, Fraction) or max(x.numerator.bit_length(), x.denominator.bit_length()) <= MOST_BITS:
        return x
    try:
        return float(x)
    except OverflowError:
        return math.copysign(math.inf, x)


class Gradient(NamedTuple):
    """`x.grad`, where it stands in an expression."""
    of: str


class Partial(NamedTuple):
    """`∂f/∂x`, where it stands in an expression."""
    of: str
    by: str


Atom = str | Gradient | Partial | Number        # what an expression is made of: names, gradients, rounded numbers


class Written:
    """An expression whose atoms may take any number; each atom has its own place, even if it stands there twice.

    >>> side = Written.read("a * a + 0.5")
    >>> side.atoms
    ('a', 'a', Number(value=Fraction(1, 2), slack=Fraction(1, 20)))
    >>> side.at([Number(Fraction(3)), Number(Fraction(4)), Number(Fraction(1, 2))])[0].text
    '25/2'
    """

    said = ""                               # as it was written, for messages

    def __init__(self, atoms: Sequence[Atom], build: Callable[[list[Value]], Value], tree: ast.expr | None = None,
                 text: str = ""):
        self.atoms, self.build, self.tree, self.text = tuple(atoms), build, tree, text

    @classmethod
    def read(cls, text: str, known: Sequence[str] = (), meant: dict[str, Atom] | None = None) -> "Written":
        """The expression of a text.

        known   what is a name by itself, `x + y` too
        meant   {name: the atom that it stands for}, such as a gradient

        Raises ExpressionError for what is none.
        """
        plain = parse(text, {*known, *(meant or {})}).read_as
        reader = AtomReader(plain, {dump_of(name): name for name in known if not name.isidentifier()}, meant or {})
        tree = reader.visit(ast.parse(plain, mode="eval").body)
        names = [f"atom{i}" for i in range(len(reader.atoms))]
        program = parse(ast.unparse(tree), names, literal=True)

        def build(leaves: list[Value]) -> Value:
            return program.build(dict(zip(names, leaves)))[-1]
        return cls(reader.atoms, build, tree, plain)

    @classmethod
    def of_op(cls, op: str, inputs: Sequence[Atom], constants: dict[str, float]) -> "Written":
        """One operation, by its name; its inputs one after the other, rows too."""
        def build(leaves: list[Value]) -> Value:
            return OPS[op](*OPS[op].in_rows(leaves), **constants)
        return cls(inputs, build)

    def put_in(self, numbers: "Written") -> list[tuple[Atom, Number]]:
        """(atom, the number that stands in its place) where another side is this one with numbers put in; else [].

        >>> Written.read("x + y * 2").put_in(Written.read("-1 + 3 * 2"))[0]
        ('x', Number(value=Fraction(-1, 1), slack=Fraction(0, 1)))
        """
        if self.tree is None or not numbers.text:
            return []
        pairs: list[tuple[Atom, Number]] = []
        other = ast.parse(numbers.text, mode="eval").body
        return pairs if self.aligned(self.tree, other, numbers.text, pairs) else []

    def without_first(self) -> "tuple[Number | None, Written | None]":
        """(0, 1 × 3) of `0 + 1 × 3`; (None, itself) where it does not begin with a number and +."""
        tree = ast.parse(self.text, mode="eval").body if self.text else None
        if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Add) and (first := literal(tree.left, self.text)):
            return first, Written.read(ast.get_source_segment(self.text, tree.right) or "")
        return None, self

    def aligned(self, mine: ast.AST, other: ast.AST, text: str, pairs: list[tuple[Atom, Number]]) -> bool:
        """Have both the same shape?  Enters what stands in the places of atoms and of numbers into `pairs`."""
        number = literal(other, text)
        if isinstance(mine, ast.Name) and mine.id.startswith("atom") and number:
            pairs.append((self.atoms[int(mine.id.removeprefix("atom"))], number))
            return True
        if isinstance(mine, ast.Constant) and number:
            pairs.append((Number(Fraction(str(mine.value))), number))
            return True
        parts = [[part for part in ast.iter_child_nodes(node) if not isinstance(part, ast.expr_context)]
                 for node in (mine, other)]
        alike = type(mine) is type(other) and getattr(mine, "id", "") == getattr(other, "id", "")
        return alike and len(parts[0]) == len(parts[1]) and not isinstance(mine, ast.Constant) and all(
            self.aligned(a, b, text, pairs) for a, b in zip(*parts))

    @property
    def names(self) -> list[str]:
        """The names in it, once for each time."""
        return [atom for atom in self.atoms if isinstance(atom, str)]

    @cached_property
    def is_number(self) -> bool:
        """Is it of numbers alone?"""
        return all(isinstance(atom, Number) for atom in self.atoms)

    def at(self, numbers: Sequence[Number]) -> tuple[Number, list[Number]]:
        """Its value, and its derivative by each of its atoms, at these numbers."""
        plain = [n.value for n in numbers]
        value, slopes = self.computed(plain)
        off, slopes_off = 0, [0] * len(slopes)
        for i, n in enumerate(numbers):
            if n.slack:
                moved, moved_slopes = self.computed([*plain[:i], n.value + n.slack, *plain[i + 1:]])
                off += abs(moved - value)
                slopes_off = [a + abs(b - c) for a, b, c in zip(slopes_off, moved_slopes, slopes)]
        return Number(value, off), [Number(s, off) for s, off in zip(slopes, slopes_off)]

    def computed(self, numbers: Sequence[Any]) -> tuple[Any, list[Any]]:
        """The same of plain numbers: on fractions, or on floats where it leaves the rational numbers."""
        with errstate(all="ignore"):
            leaves = [Value(float(x)) for x in numbers]
            output = self.build(leaves)
            exact = dict(zip(leaves, map(Fraction, numbers))) if all(map(is_rational, numbers)) else None
            try:
                again = replay(output, Fraction, exact) if exact is not None else replay(output)
            except (NotRationalError, DomainError, OverflowError, ValueError):
                again = replay(output)
            return again.value, [again.grads.get(leaf, 0) for leaf in leaves]


def is_rational(x: Any) -> bool:
    return isinstance(x, int | Fraction)


def in_one_way(text: str) -> str:
    """A name or a formula, written as Python would."""
    return ast.unparse(ast.parse(parse(text, ()).read_as, mode="eval"))


def dump_of(name: str) -> str:
    """A formula that is a name by itself, as Python's parser sees it, to be found again in others."""
    return ast.dump(ast.parse(name, mode="eval").body)


class AtomReader(ast.NodeTransformer):
    """Puts atom0, atom1 ... in the places of names and of rounded numbers, and keeps what they stand for."""

    def __init__(self, text: str, formulas: dict[str, str], meant: dict[str, Atom]):
        self.text, self.formulas, self.meant, self.atoms = text, formulas, meant, list[Atom]()

    def visit(self, node: ast.AST) -> Any:
        name = self.formulas.get(ast.dump(node)) if self.formulas and isinstance(node, ast.expr) else None
        return self.placed(name) if name else super().visit(node)

    def placed(self, atom: Atom) -> ast.Name:
        self.atoms.append(atom)
        return ast.Name(f"atom{len(self.atoms) - 1}", ast.Load())

    def visit_Name(self, node: ast.Name) -> Any:
        is_constant = node.id in CONSTANTS and node.id not in self.meant
        return node if is_constant else self.placed(self.meant.get(node.id, node.id))

    def visit_Constant(self, node: ast.Constant) -> Any:
        number = Number.read(ast.get_source_segment(self.text, node) or "")
        return self.placed(number) if number.slack else node

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        node.left = self.visit(node.left)
        if not (isinstance(node.op, ast.Pow) and literal(node.right, self.text)):       # x**0.5 keeps its exponent
            node.right = self.visit(node.right)
        return node

    def visit_Call(self, node: ast.Call) -> Any:
        op = OPS.get(getattr(node.func, "id", ""))
        if op and not op.constants:
            node.args = [self.visit(arg) for arg in node.args]
        else:
            node.args = [arg if literal(arg, self.text) else self.visit(arg) for arg in node.args]
        return node


def literal(node: ast.AST, text: str) -> Number | None:
    """The number that is written at a place of a text, or None where something else is."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        inner = literal(node.operand, text)
        return inner and (Number(-inner.value, inner.slack) if isinstance(node.op, ast.USub) else inner)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        parts = literal(node.left, text), literal(node.right, text)
        whole = all(part and not part.slack and part.value == int(part.value) for part in parts)
        return Number(Fraction(parts[0].value) / parts[1].value) if whole and parts[1].value else None  # type: ignore[union-attr]
    if isinstance(node, ast.Constant):
        try:
            return Number.read(ast.get_source_segment(text, node) or "")
        except ValueError:
            return None
    return None
