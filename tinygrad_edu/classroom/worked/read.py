"""Worked steps, read from what people write, as a list of statements.

A statement is one claim: a number that is given, the value of a node, what is added to a gradient, a gradient, a
local derivative, or that nothing arrives.  Text may be plain, LaTeX or a table in Markdown; lines that say nothing in
formulas are kept as words, and a line that cannot be understood is kept with the reason.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ...engine.errors import ExpressionError
from ...engine.number import truncate
from ...engine.op import OPS
from ...symbols.notation import plain_name
from .plain import GRADIENT, PARTIAL, RELATION, VECTOR, cells_of, pieces, plain
from .written import Atom, Gradient, Number, Partial, Written, in_one_way

CALLED = re.compile(r"(?<![\w.])([^\W\d]\w*)('?)\(([^()]*)\)|(?<![\w.])([^\W\d]\w*)'")       # f(x), f(2), f'(2), f'
TOGETHER = re.compile(r"(?<![^\W\d])(?<![∂.])(?!d)[^\W\d_]{2,4}(?![\w(.])")       # wx, which may be w * x
DIFFERENTIAL = re.compile(r"(?<![\w/∂])d(?:([^\W\d]\w*?)_?d([^\W\d]\w*)|[^\W\d]\w*)\b(?!\s*/)")      # dx, df_dx, dfdx
INPUT = re.compile(r"\s*\(input (\d+)\)")
NUMBERED = re.compile(r"\b(?:step|line|part|pass|layer|question|exercise|problem)s?\s*\d+", re.IGNORECASE)
LONGEST = 2000                          # letters in a line
TITLES = {                              # of the columns of a table
    "gradient": re.compile(r"grad|deriv|∂|partial", re.IGNORECASE),
    "name": re.compile(r"^\W*(?:variable|node|name|quantity|symbol)", re.IGNORECASE),
    "value": re.compile(r"^\W*(?:value|data|forward)", re.IGNORECASE)}
CONTINUED = " " * 8                     # begins what a narrow table of the terminal goes on with


class NotUnderstood(ValueError):
    """A line, or a part of it, that is no statement."""


@dataclass
class Statement:
    """One claim.

    kind    "given", "value", "added" (to a gradient), "total" (a gradient), "local" (a local derivative), "nothing"
            (arrives), "words", or "unread"
    name    the node whose value or gradient it tells; of a local derivative, what it is taken by
    by      added: what passes its gradient on, where that is said; local: what is derived
    edge    added: the number of the input, where that is said
    sides   what stands behind the first sign, each with the sign before it
    claim   what it comes to, where that is a number
    terms   added: the gradient before, what arrives, and the local derivative, where these are said
    made    value: how it is made of others
    why     unread: what is wrong with it
    """

    place: str
    text: str
    kind: str = "unread"
    name: str = ""
    by: str = ""
    edge: int | None = None
    sides: tuple[tuple[str, Written], ...] = ()
    claim: Number | None = None
    terms: tuple[Number, Number, Number] | None = None
    made: Written | None = None
    why: str = ""


def statements_of_text(text: str) -> list[Statement]:
    """The statements of a text, line by line."""
    reader = Reader(filter(str.isidentifier, re.findall(r"(\w+)\s*=", text)))
    return [statement for place, line in whole_lines(text) for statement in reader.line(place, line)]


def whole_lines(text: str) -> Iterator[tuple[str, str]]:
    """(place, line), where a line that begins with a sign such as = goes on with the one before."""
    place, line = "", ""
    for number, more in enumerate(text.splitlines(), 1):
        if line and len(line) <= LONGEST and re.match(r"[\s$&]*(?:\\\\)?[\s&]*(?:=(?!=)|≈|\\approx)", more):
            line += " " + more.strip()
        elif re.search(r"[^\s|:-]", more):
            if line:
                yield place, line
            place, line = f"line {number}", more
    if line:
        yield place, line


class Reader:
    """Reads lines, and knows the names of those it has read.

    names       those that stand left of an = sign anywhere in the text, and maybe others
    known       those that did so far
    made_of     {name: the names it is made of}
    arguments   {f: (x, y)} of functions that are written f(x, y)
    numbers     {name: its number}, where it is given
    columns     what the columns of the table tell that is read: "name", "value", "gradient" or ""
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = {*names}
        self.known: list[str] = []
        self.made_of = dict[str, list[str]]()
        self.arguments = dict[str, list[str]]()
        self.numbers = dict[str, Number]()
        self.columns: list[str] = []

    def line(self, place: str, line: str) -> Iterator[Statement]:
        """The statements of one line."""
        if len(line) > LONGEST:
            why = f"the line has {len(line)} letters, and {LONGEST} are the limit"
            yield Statement(place, truncate(line, 60), why=why)
            return
        text = plain(line)
        for piece in self.row(line) or (pieces(text, self.names) if text else ()):
            if not RELATION.search(piece):
                told = NUMBERED.sub("", "" if line.startswith(CONTINUED) else text)
                yield Statement(place, line.strip(), "unread" if re.search(r"(?<![\w.])\d|\\", told) else "words",
                                why="it has a number, and no = sign")
                continue
            try:
                for part in self.parts(piece):
                    yield self.statement(place, part)
            except (NotUnderstood, ExpressionError, ValueError) as error:
                why = getattr(error, "reason", "") or str(error).split("\n")[0]
                yield Statement(place, piece.strip(), why=why)
            except RecursionError:
                yield Statement(place, truncate(piece, 60), why="the formula has too many parts")

    def row(self, line: str) -> list[str]:
        """The statements of a row, in a table of values and gradients."""
        cells = cells_of(line) if line.lstrip().startswith("|") else []
        roles = [next((role for role, title in TITLES.items() if title.search(cell)), "") for cell in cells]
        if not self.columns and len(cells) > 1 and {"value", "gradient"} & {*roles} and not re.search(r"\d", line):
            self.columns = roles if "name" in roles else ["name", *roles[1:]]
            return []
        if not self.columns or len(cells) != len(self.columns) or cells[0].startswith(("--", ":-")):
            self.columns = self.columns if cells else []
            return []
        name, found = plain(cells[self.columns.index("name")]), []
        for role, cell in zip(self.columns, map(plain, cells)):
            if role in ("value", "gradient") and re.search(r"\w", cell):
                title = name if role == "value" else f"{name.split('=')[0].strip()}.grad"
                found.append(cell if PARTIAL.match(cell) and "=" in cell else f"{title} = {cell}")
            elif not role and re.search(r"\d", cell):
                found.append(f"{cell} =")               # which is not understood
        return found

    def parts(self, text: str) -> list[str]:
        """The statements that one stands for: f(2) and f'(2) tell that x = 2, `∇f = (1, 2)` two derivatives."""
        text = TOGETHER.sub(self.product, text)
        left = CALLED.match(text)
        names = re.split(r"\s*,\s*", left[3]) if left and left[1] and left[1] not in OPS else []
        if left and names and all(map(str.isidentifier, names)):
            self.arguments[left[1]] = names
        points: list[str] = []
        text = CALLED.sub(lambda match: self.called(match, points), text)
        text = PARTIAL.sub(lambda m: f"∂{m[1]}/∂{m[2]}", text)
        return [*points, *self.one_by_one(DIFFERENTIAL.sub(self.differential, text))]

    def product(self, match: re.Match[str]) -> str:
        """w*x for wx, where w and x are names and wx is none."""
        word = match[0]
        return word if word in self.names | OPS.keys() or not self.names.issuperset(word) else "*".join(word)

    def one_by_one(self, text: str) -> list[str]:
        """`∂f/∂x = 1` and `∂f/∂y = 2` of `∇f = (1, 2)`, `x = 1` and `y = 2` of `(x, y) = (1, 2)`."""
        vector = VECTOR.fullmatch(text)
        if not vector or not (vector[2] or vector[1] in self.made_of):
            return [text]
        of, inside, numbers, more = vector.groups()
        names = inside.split(",") if inside else self.arguments.get(of) or self.leaves_of(of)
        told = numbers.split(",")
        if len(names) == len(told) and (len(names) == 1 or not more):
            return [f"∂{of}/∂{name} = {x}{more or ''}" if of else f"{name} = {x}" for name, x in zip(names, told)]
        if len(told) > 1:
            raise NotUnderstood("which number is whose? write ∂f/∂x = ... for each name")
        return [text]

    def called(self, match: re.Match[str], points: list[str]) -> str:
        """f for f(x) and f(2), ∂f/∂x for f' and f'(2); enters x = 2 into the points."""
        name, prime, inside = match[1] or match[4], match[2] or match[4], match[3]
        names = self.arguments.get(name, [])
        if not names and (not prime or name in OPS):
            return match[0]
        names = names or self.leaves_of(name)
        if prime and len(names) != 1:
            raise NotUnderstood(f"{name}' is the derivative by what? write ∂{name}/∂x")
        for leaf, number in zip(names, inside.split(",") if inside else []):
            if number.strip() != leaf:
                told = Number.read(number)
                if not told.is_like(self.numbers.setdefault(leaf, told)):
                    raise NotUnderstood(f"{leaf} is {self.numbers[leaf].text} above: check one point at a time")
                points.append(f"{leaf} = {number.strip()}")
        return f"∂{name}/∂{names[0]}" if prime else name

    def leaves_of(self, name: str) -> list[str]:
        """The names at the start of what a name is made of: first those that are given, in this order."""
        seen, left = dict[str, None](), [name]
        while left:
            one = left.pop()
            left += reversed([other for other in self.made_of.get(one, []) if other not in seen])
            seen[one] = None
        places = {name: place for place, name in enumerate(self.numbers)}
        return sorted([one for one in seen if one not in self.made_of], key=lambda one: places.get(one, len(places)))

    def differential(self, match: re.Match[str]) -> str:
        """x.grad for dx, and ∂f/∂x for df_dx and dfdx, where these are names that were told."""
        whole, of, by = match[0], match[1], match[2]
        if whole not in self.known and of in self.known and by in self.known:
            return f"∂{of}/∂{by}"
        return f"{whole[1:]}.grad" if whole not in self.known and whole[1:] in self.known else whole

    def statement(self, place: str, text: str) -> Statement:
        """One statement; NotUnderstood where it is none."""
        signs = RELATION.findall(text)
        edge = next((int(number) - 1 for number in INPUT.findall(text)), None)      # counted from 0
        left, *others = [side.strip() for side in RELATION.split(INPUT.sub("", text))]
        if not left or not all(others):
            raise NotUnderstood("something is missing beside one of its = signs")
        if partial := PARTIAL.fullmatch(left):
            of, by = map(self.node, partial.groups())
            kind = "total" if of == by else "local"
            return self.told(Statement(place, text, kind, by, of if kind == "local" else ""), signs, others)
        if gradients := self.gradients(left):
            kind = "nothing" if len(gradients) > 1 or (signs == ["→"] and others == ["0"]) else (
                "added" if signs[0] == "+=" else "total")
            made = self.told(Statement(place, text, kind, ", ".join(gradients), edge=edge), signs, others)
            made.by = next((a.of for _, side in made.sides for a in side.atoms if isinstance(a, Gradient | Partial)
                            and a.of not in gradients), "") if kind == "added" else ""
            return made
        return self.value(Statement(place, text, "value", self.node(left)), left, signs, others)

    def gradients(self, left: str) -> list[str]:
        """The names of `x.grad` or `w.grad, x.grad`, or [] where something else stands there."""
        found = [GRADIENT.fullmatch(part.strip()) for part in left.split(",")]
        return [self.node(next(filter(None, match.groups()))) for match in found if match] if all(found) else []

    def value(self, statement: Statement, left: str, signs: list[str], others: list[str]) -> Statement:
        """A number that is given, or how a value is made, and what it comes to."""
        if not statement.name.isidentifier():                   # a formula, which says itself how it is made
            statement.made = Written.read(statement.name, [n for n in self.known if n != statement.name])
        self.told(statement, signs, others)
        first = statement.sides[0][1]
        if statement.made is None and not first.is_number:
            statement.made = first
        elif statement.made is None and statement.name not in self.known:
            if len(others) > 1 and not others[0].lstrip("+-").replace(".", "").replace("/", "").isdigit():
                raise NotUnderstood(f"it does not say what {statement.name} is made of: write {statement.name} = x + y")
            statement.kind = "given"
            if statement.claim:
                self.numbers.setdefault(statement.name, statement.claim)
        if statement.made:
            self.made_of.setdefault(statement.name, statement.made.names)
        if statement.name not in self.known:
            self.known.append(statement.name)
        return statement

    def told(self, statement: Statement, signs: list[str], others: list[str]) -> Statement:
        """The statement with what stands behind its signs."""
        statement.sides = tuple([(sign, self.side(side)) for sign, side in zip(signs, others)])
        last = statement.sides[-1][1]
        if last.is_number and not last.names:
            statement.claim = last.at([a for a in last.atoms if isinstance(a, Number)])[0]
        return statement

    def side(self, text: str) -> Written:
        """What stands beside an = sign."""
        meant, said = dict[str, Atom](), text

        def hidden(atom: Atom) -> str:
            name = f"told{len(meant)}_"
            meant[name] = atom
            return f" {name} "
        text = PARTIAL.sub(lambda m: hidden(Partial(*map(self.node, m.groups()))), text)
        text = GRADIENT.sub(lambda m: hidden(Gradient(self.node(next(filter(None, m.groups()))))), text)
        side = Written.read(text, self.known, meant)
        side.said = said
        return side

    def node(self, text: str) -> str:
        """What a node goes by: a name, or a formula written in one way."""
        text = text.strip()
        return plain_name(text) if plain_name(text).isidentifier() else in_one_way(text)
