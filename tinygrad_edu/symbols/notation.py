"""From what students write to what the reader reads: `2x² + |y|` becomes `2*x**2 + abs(y)`.

The text is cut into items: a number, a name, a sign, or a pair of brackets with all that stands in it.
Each item has a kind, one letter, so the kinds of what stands side by side are a short text themselves,
`n v s x a c` for the example.  The table READINGS is a list of patterns of such letters, and says of each
what it is read as.  Where two readings are written there, the text is refused with both.
Text that is a plain expression already comes out as it went in.

kinds   n number, k number that touches the name behind it, v name, e Euler's number, g (...), l [...] or {...},
        f function, y function with an inverse by another name, r root, c call, h function of what stands behind it,
        s raised, x and t the superscript that follows, w closed power, q power whose exponent has no end mark,
        u ^, p **, m *, d / // %, a + -, < comparison, b |, j product, i if, z else, ; , = and o for all the rest
"""

import keyword
import re
import unicodedata
from bisect import bisect
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from itertools import accumulate, product
from typing import NamedTuple, NoReturn

from ..engine.errors import ExpressionError

MAX_PASSES = 100            # that many patterns within patterns; the reader does not go deeper either
MAX_BARS = 12               # in one pair of brackets
LONGEST_RUN = 40            # letters, of names that run together
MAX_BRACKETS = 199          # within one another, which is where Python stops
MAX_DIGITS = 4300           # of one number, which is where Python stops
LOOKALIKES = str.maketrans("−–×·⋅∙÷\u00a0", "--****/ ")       # what is pasted from documents
SUBSCRIPT_DIGITS = "₀₁₂₃₄₅₆₇₈₉"
SUBSCRIPTS = str.maketrans(SUBSCRIPT_DIGITS, "0123456789")
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
OTHER_SIGNS = {"^": "**", "√": "sqrt", "∛": "cbrt", "≤": "<=", "≥": ">=", "≠": "!="}
OTHER_NAMES = {"ln": "log", "sgn": "sign", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2",
               "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh"}
NAMES_BEFORE_PARENTHESES = {"σ": "sigmoid", "logistic": "sigmoid", "swish": "silu", "average": "mean",
                            "product": "prod", "total": "sum", "mod": "remainder"}
NEVER_READ = {
    "'": "quotes have no place in an expression", '"': "quotes have no place in an expression",
    "\\": "LaTeX is not read: write x / y for \\frac{x}{y}, sqrt(x) for \\sqrt{x}",
}
KIND_OF_SIGN = {"**": "p", "^": "u", "*": "m", "/": "d", "//": "d", "%": "d", "+": "a", "-": "a", "|": "b", ";": ";",
                "\n": ";", ",": ",", "=": "=", "√": "r", "∛": "r", "<": "<", ">": "<", "<=": "<", ">=": "<",
                "==": "<", "!=": "<", "≤": "<", "≥": "<", "≠": "<"}
CLOSED_BY = {"(": ")", "[": "]", "{": "}"}

GAP = re.compile(r"(?:[ \t]|\\\n|#[^\n]*)+")
GAP_IN_BRACKETS = re.compile(r"(?:[ \t\n]|\\\n|#[^\n]*)+")
NUMBER = re.compile(r"0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|"
                    r"(?:[0-9][0-9_]*\.?(?:[0-9][0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9][0-9_]*)?")
RAISED = re.compile(r"[⁺⁻]?[⁰¹²³⁴-⁹]{1,99}")
INVERSE = re.compile(r"(?:\^|\*\*)[ \t]*-[ \t]*1(?![\d._]|[eE][+-]?\d)")      # sin^-1, which is read as sin⁻¹
SIGN = re.compile(r"\*\*=?|//=?|<<=?|>>=?|[<>=!]=|:=|->|[-+*/%@&^]=(?!=)|.", re.DOTALL)
CALLED = re.compile(r"[ \t]*\(")
ASSIGNED = re.compile(r"[ \t]*=(?!=)")


# ---- the readings ------------------------------------------------------------------------------------------

SETS = {"O": "[nkvegc]", "B": "[nkvegcw]", "F": "[fy]", "R": "[vegchwq]",   # operands, bases, functions, right factors
        "W": "[nkvegchwqj]",                                                # any factor
        "X": "a*[nkvegchwq]",                                               # an exponent
        "E": "(?:s[xt]|[up]a*[nkvegcw])",                                   # a power sign with its exponent
        "A": "(?>k[vech]|[nkvegc]|h)",                                       # what a function takes: `2x`, not `2 x`
        "Y": "(?:a*[nkvegchw](?:s[xt]|[up]a*[nkvegcw])?)",                  # a factor with its power
        "N": "(?![supmdnkvegcfyrhwx])"}                                     # what a function takes ends here


class Reading(NamedTuple):
    """One row of the table.

    pattern    of kinds, where capitals stand for SETS; its groups are {0}, {1} ... of what is read
    kind       of the item that it becomes
    read_as    one reading, or the two for which it is refused, or none if the remark says why it is refused
    remark     what is said of the change; "" where the text is plain already
    """
    pattern: str
    kind: str
    read_as: tuple[str, ...]
    remark: str = ""


def reading(pattern: str, kind: str, *read_as: str, remark: str = "") -> Reading:
    return Reading(pattern, kind, read_as, remark)


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern of a row; not before it is needed, since that takes a while."""
    return re.compile(re.sub("[A-Z]", lambda letter: SETS[letter[0]], pattern))


READINGS = [
    reading(r"[nkvegcxt][nk]", "", remark="a product needs its sign: write 2 * x and (a) * (b)"),
    reading(r"[xt]s", "", remark="a raised number stands behind a raised number"),
    reading(r"r(?![nkvegcfyrh])", "", remark="write √2, √x or sqrt(...)"),
    # functions
    reading(r"(Fg)", "c", "{0}"),
    reading(r"(rg)", "c", "{0}"),
    reading(r"(y)st(g)(?![sup])", "", "{0}{1}**-1", "a{0}{1}"),
    reading(r"(y)st(A)N", "", "{0}({1})**-1", "a{0}({1})"),
    reading(r"(f)st", "", remark="{0}⁻¹ is one divided by {0}, or the function that undoes it: write out which"),
    reading(r"(F)s(x)(g)", "w", "{0}{2}**{1}", remark="{0}²(x) is {0}(x)**2"),
    reading(r"(F)[up](a*[nk])(g)", "w", "{0}{2}**{1}", remark="{0}^2(x) is {0}(x)**2"),
    reading(r"(F)s(x)(A)N", "h", "{0}({2})**{1}", remark="{0}² x is {0}(x)**2"),
    reading(r"(F)[up](a*[nk])(A)N", "h", "{0}({2})**{1}", remark="{0}^2 x is {0}(x)**2"),
    reading(r"([fyr])(A)s([xt])", "", "{0}({1}**{2})", "{0}({1})**{2}"),
    reading(r"([fyr])(A)[up](a*[nkvegchw])", "", "{0}({1}**{2})", "{0}({1})**{2}"),
    reading(r"(F)(A)([md])(Y)", "", "{0}({1}{2}{3})", "{0}({1}){2}{3}"),
    reading(r"(F)(A)([vegchw]E?)", "", "{0}({1}*{2})", "{0}({1})*{2}"),
    reading(r"(r)(O|h)([vegchw]E?)", "", "{0}({1}*{2})", "{0}({1})*{2}"),
    reading(r"(F)(A)N", "h", "{0}({1})", remark="{0} x is {0}(x)"),
    reading(r"(r)(O|h)(?![supnkvegcfyrhwx])", "h", "{0}({1})"),
    reading(r"(F)[sup]", "", remark="the power of a function stands behind its argument: write {0}(x)**2"),
    # powers
    reading(r"(e)s([xt])", "c", "exp({1})", remark="e^x is exp(x)"),
    reading(r"(O)s([xt])", "w", "{0}**{1}", remark="x² is x**2"),
    reading(r"(w)(?=[up])", "c", "({0})"),
    reading(r"(e)(?:u(X)[up]|p(X)u)(X)", "", "exp({1}{2}**{3})", "exp({1}{2})**{3}"),
    reading(r"(B)(?:u(X)[up]|p(X)u)(X)", "", "{0}**({1}{2}**{3})", "({0}**{1}{2})**{3}"),
    reading(r"(e)[up](?!g)(X)(RE?)", "", "exp({1}*{2})", "exp({1})*{2}"),
    reading(r"(B)[up](?!g)(X)(RE?)", "", "{0}**({1}*{2})", "{0}**{1}*{2}"),
    reading(r"(e)[up](g)(?![up])", "c", "exp{1}", remark="e^x is exp(x)"),
    reading(r"(e)[up](X)(?![up])", "c", "exp({1})", remark="e^x is exp(x)"),
    reading(r"(Opg)(?![up])", "w", "{0}"),
    reading(r"(?<![e])([nkvgc](?:pX)++)(?!u)", "q", "{0}"),
    reading(r"(O)u(g)(?![up])", "w", "{0}**{1}"),
    reading(r"(O)u(X)(?![up])", "q", "{0}**{1}"),
    reading(r"(e)(?!s|u|p)", "c", "{0}", remark="e is exp(1)"),
    # products
    reading(r"(?<!W|[md])((?:(?<!W)a+)?W++(?:[md]a*W++)*?)(d)(a*B)(R+)", "", "({0}{1}{2})*{3}", "{0}{1}({2}*{3})"),
    reading(r"(BR+)", "j", "{0}", remark="what stands side by side is multiplied"),
    # what is left over
    reading(r"s[xt]", "", remark="a raised number stands behind a number, a name or a closing bracket"),
    # conditions
    reading(r"(?<![^iz;,=])([^iz;,=]++)i([^iz;,=]++)z([^iz;,=]++)(?![iz])", "c", "where({1}, {0}, {2})",
            remark="a if c else b is where(c, a, b)"),
    reading(r"(?<![^;,])(?![vefy]=)[^;,=]++=", "", remark="left of = stands a name alone, as in f = x**2"),
]
MAY_CHANGE = re.compile("[fyresuiz=]|[nkvgcxwqhj][nkvgcwqhj]")        # no row applies to kinds without one of these
TOO_DEEP = re.compile(f"[fyr]{{{MAX_PASSES}}}|(?:i[^iz;,=]*z[^iz;,=]*){{{MAX_PASSES}}}")       # a pass for each of them
ENDS, STARTS = frozenset("nkvegchwqj"), frozenset("vegchwq")          # between these two stands an invisible *


# ---- items ---------------------------------------------------------------------------------------------------


class Piece(NamedTuple):
    """Text for the reader, and the part of what was typed that it stands for."""
    text: str
    start: int
    end: int


class Item(NamedTuple):
    kind: str
    pieces: tuple[Piece, ...]
    gap: str = ""                   # white space before it

    @property
    def start(self) -> int:
        return self.pieces[0].start

    @property
    def end(self) -> int:
        return self.pieces[-1].end


def joined(items: Iterable[Item]) -> tuple[Piece, ...]:
    """The pieces of items, with a * between factors and the white space elsewhere."""
    pieces: list[Piece] = []
    before = ""
    for item in items:
        between = "*" if before in ENDS and item.kind in STARTS else item.gap if before else ""
        pieces += [Piece(between, item.start, item.start)] * bool(between)
        pieces += item.pieces
        before = item.kind
    return tuple(pieces)


def written(pieces: Iterable[Piece]) -> str:
    return "".join([piece.text for piece in pieces])


@cache
def parts_of(template: str) -> list[str]:
    """Text, group, text, group ... of a template."""
    return re.split(r"\{(\d)\}", template)


def filled(template: str, groups: list[tuple[Piece, ...]], start: int, end: int) -> tuple[Piece, ...]:
    """The pieces of a template such as "{0}({1})" with these groups put in, for the text from start to end."""
    pieces = [Piece("", start, start)]
    for i, part in enumerate(parts_of(template)):
        if i % 2:
            pieces += groups[int(part)]
        elif part:
            pieces.append(Piece(part, pieces[-1].end, pieces[-1].end))
    return (*pieces, Piece("", end, end))


class Literal(NamedTuple):
    """What the reader reads.

    text       a plain expression
    pieces     the same, with their places in what was typed
    remarks    {what was changed, in words: (start, end) of the first place}
    """
    text: str
    pieces: tuple[Piece, ...]
    remarks: dict[str, tuple[int, int]]

    def place(self, offset: int, is_end: bool = False) -> int:
        """Where what was typed has the letter that stands at this offset of `text`."""
        ends = list(accumulate(len(piece.text) for piece in self.pieces))
        i = bisect(ends, offset - is_end)
        if i == len(ends):
            return self.pieces[-1].end
        piece, inside = self.pieces[i], offset - ends[i] + len(self.pieces[i].text)
        if piece.end - piece.start == len(piece.text):
            return piece.start + inside
        return piece.end if is_end else piece.start


def plain_name(name: str) -> str:
    """A name as the reader has it: x1 for x₁, and the usual letter for a stylish one.

    >>> plain_name("x₁")
    'x1'
    """
    return unicodedata.normalize("NFKC", name.translate(SUBSCRIPTS))


def refuse(text: str, reason: str, start: int, end: int) -> NoReturn:
    """Raise an ExpressionError that points at this part of the text."""
    line_start = text.rfind("\n", 0, start) + 1
    line_end = len(text) if "\n" not in text[start:] else text.index("\n", start)
    raise ExpressionError(reason, text, text.count("\n", 0, start) + 1, start - line_start + 1,
                          end - start if end <= line_end else 1)


def literal_text(text: str, known: Collection[str], functions: Collection[str]) -> Literal:
    """The text as a plain expression.

    known       the names that have a value, which are never read as anything else
    functions   the names of functions

    >>> literal_text("2x² + |y|", {"x", "y"}, {"abs"}).text
    '2*x**2 + abs(y)'
    """
    return Notation(text, known, functions).read()


class Notation:
    """One text while it is read; the arguments are those of `literal_text`."""

    def __init__(self, text: str, known: Collection[str], functions: Collection[str]):
        self.typed, self.text = text, text.translate(LOOKALIKES)
        self.functions = functions
        self.known = {*known, *map(plain_name, re.findall(r"(?:^|[;\n])[ \t]*(\w+)[ \t]*=(?!=)", self.text))}
        self.remarks: dict[str, tuple[int, int]] = {}

    def refuse(self, reason: str, start: int, end: int) -> NoReturn:
        refuse(self.typed, reason, start, end)

    def two_readings(self, first: str, second: str, start: int, end: int) -> NoReturn:
        shown = short(self.typed[start:end])
        self.refuse(f"{shown} has two readings: write {short(first)} or {short(second)}", start, end)

    def remark(self, words: str, start: int, end: int) -> None:
        self.remarks.setdefault(words, (start, end))

    def read(self) -> Literal:
        pieces = self.level() or (Piece("", 0, 0),)
        return Literal(written(pieces), pieces, self.remarks)

    # ---- from text to items

    def level(self) -> tuple[Piece, ...]:
        """The pieces of the whole text: brackets are read when they are closed, inner ones first."""
        opened: list[Item] = []
        levels: list[list[Item]] = [[]]
        for item in self.items():
            sign = item.pieces[0].text
            if item.kind == "o" and sign in CLOSED_BY:
                opened.append(item)
                levels.append([])
                if len(opened) > MAX_BRACKETS:
                    self.refuse(f"more than {MAX_BRACKETS} brackets within one another: cut it up, a = ...; f = ...",
                                item.start, item.end)
            elif item.kind == "o" and sign in CLOSED_BY.values():
                if not opened or CLOSED_BY[opened[-1].pieces[0].text] != sign:
                    self.refuse(f"this {sign} was not opened", item.start, item.end)
                inside, before = self.reduced(levels.pop()), opened.pop()
                kind = "g" if sign == ")" else "l"
                levels[-1].append(Item(kind, (*before.pieces, *inside, *item.pieces), before.gap))
            else:
                levels[-1].append(item)
        if opened:
            sign = opened[-1].pieces[0].text
            self.refuse(f"this {sign} is not closed: a {CLOSED_BY[sign]} is missing", opened[-1].start, opened[-1].end)
        return self.reduced(levels[0])

    def items(self) -> Iterator[Item]:
        """The tokens of the text; the end of a line within brackets is a gap."""
        place, gap, depth, before = 0, "", 0, ""
        while place < len(self.text):
            if found := (GAP_IN_BRACKETS if depth else GAP).match(self.text, place):
                gap, place = " " * ("#" in found[0] or "\n" in found[0]) or found[0], found.end()
                continue
            depth += (self.text[place] in CLOSED_BY) - (self.text[place] in CLOSED_BY.values())
            for item in self.token(place, gap, before):
                yield item
                place, before = item.end, item.kind
            gap = ""

    def token(self, start: int, gap: str, before: str) -> list[Item]:
        """The item that starts here behind one of the kind `before`; a superscript makes two."""
        c = self.text[start]
        if c.isidentifier():
            return [self.word(start, gap)]
        if c in NEVER_READ:
            self.refuse(NEVER_READ[c], start, start + 1)
        if (c.isdecimal() or c == ".") and (found := NUMBER.match(self.text, start)):
            return [self.number(found, gap)]
        found = RAISED.match(self.text, start)
        if found or (before in ("f", "y") and (found := INVERSE.match(self.text, start))):
            raised = re.sub(r"[*^\s]", "", found[0].translate(SUPERSCRIPTS))
            return [Item("s", (Piece("**", start, start),), gap),
                    Item("t" if raised == "-1" else "x", (Piece(raised, start, found.end()),))]
        sign = SIGN.match(self.text, start)
        assert sign
        text = OTHER_SIGNS.get(sign[0], sign[0])
        if text != sign[0]:
            self.remark(f"{sign[0]} is {text}", start, sign.end())
        return [Item(KIND_OF_SIGN.get(sign[0], "o"), (Piece(text, start, sign.end()),), gap)]

    def number(self, found: re.Match[str], gap: str) -> Item:
        digits, end = len(found[0]), found.end()
        if digits > MAX_DIGITS and found[0][1:2] not in ("x", "X"):
            place = found.start()
            self.refuse(f"this number has {digits} digits, but {MAX_DIGITS} are the limit", place, place + 1)
        touches = end < len(self.text) and self.text[end].isidentifier()
        return Item("k" if touches else "n", (Piece(found[0], found.start(), end),), gap)

    def word(self, start: int, gap: str) -> Item:
        """The name that starts here, as a number or a function is called by it."""
        end = self.end_of_name(start)
        typed = self.text[start:end]
        name, is_called = plain_name(typed), CALLED.match(self.text, end) is not None
        kind, text = "v", typed.translate(SUBSCRIPTS)
        if keyword.iskeyword(typed):
            kind = {"if": "i", "else": "z"}.get(typed, "o")
        elif name in self.known:
            if is_called and name in self.functions:
                self.refuse(f"{name} has a value here and is a function: give the value another name", start, end)
        elif name in ("e", "π"):
            kind, text = ("e", "exp(1)") if name == "e" else ("v", "pi")
        elif function := self.function(name, is_called):
            kind, text = "y" if f"a{function}" in self.functions else "f", function if function != name else text
        elif not ASSIGNED.match(self.text, end):
            self.check_run_together(name, is_called, start, end)
            kind = "f" if is_called else "v"
        if text != typed and kind != "e":
            self.remark(f"{typed} is {text}", start, end)
        return Item(kind, (Piece(text, start, end),), gap)

    def end_of_name(self, start: int) -> int:
        """Where the name that starts here ends; a raised letter is refused, since Python takes it for a plain one."""
        end = start
        while ("a" + self.text[end:end + 1].translate(SUBSCRIPTS)).isidentifier() and end < len(self.text):
            if unicodedata.decomposition(self.text[end]).startswith("<super>"):
                self.refuse("a raised letter is not read: write x**n for xⁿ", end, end + 1)
            end += 1
        return end

    def function(self, name: str, is_called: bool) -> str:
        """The function that goes by this name, or by this name in other letters: relu for ReLU; "" if none does."""
        names = [name, OTHER_NAMES.get(name, "")]
        if is_called:
            names += [NAMES_BEFORE_PARENTHESES.get(name, ""), name.lower(), OTHER_NAMES.get(name.lower(), "")]
        return next((name for name in names if name in self.functions), "")

    def check_run_together(self, name: str, is_called: bool, start: int, end: int) -> None:
        """Refuse `xy` where x and y have values, `xsin(x)` and `sinx`: a product, or a name that has no value."""
        ways = {0: ""}              # how the name up to a place is made of names that have a value
        for i in range(min(len(name), LONGEST_RUN) if self.known and name != "pi" else 0):
            for part in sorted([*self.known, "pi", "π", "e"]) if i in ways else []:
                if name.startswith(part, i):
                    ways.setdefault(i + len(part), f"{ways[i]}*{part}".lstrip("*"))
        way = "" if is_called else ways.get(len(name), "")
        for i in ways:
            if is_called and i and name[i:] in self.functions:
                way = f"{ways[i]}*{name[i:]}(...)"
        for i in range(min(len(name), LONGEST_RUN)):
            if not is_called and name[:i] in self.functions and name[i:] in self.known:
                way = f"{name[:i]}({name[i:]})"
        if way:
            self.refuse(f"{name} has two readings: write {way}, or give {name} a value", start, end)

    # ---- from items to pieces

    def reduced(self, items: list[Item]) -> tuple[Piece, ...]:
        """The pieces of what stands in one pair of brackets."""
        run: list[Item] = []
        whole: list[Item] = []
        for item in items:
            if item.kind in ";,=":
                whole += [*self.with_bars(run), item]
                run = []
            else:
                run.append(item)
        return joined(self.read_by_table([*whole, *self.with_bars(run)]))

    def read_by_table(self, items: list[Item]) -> list[Item]:
        """The items after every row of READINGS that applies, from the first again after each change."""
        for _ in range(MAX_PASSES):
            kinds = "".join([item.kind for item in items])
            if not MAY_CHANGE.search(kinds):
                return items
            if TOO_DEEP.search(kinds):
                break
            for row in READINGS:
                matches = list(compiled(row.pattern).finditer(kinds))
                if matches:
                    break
            else:
                return items
            items = self.read_by_row(row, matches, items)
        self.refuse(f"this is nested more than {MAX_PASSES} deep: cut it up, a = ...; f = ...",
                    items[0].start, items[0].end)

    def read_by_row(self, row: Reading, matches: list[re.Match[str]], items: list[Item]) -> list[Item]:
        made: list[Item] = []
        done = 0
        for match in matches:
            first, last = items[match.start()], items[match.end() - 1]
            groups = [joined(items[slice(*match.span(i + 1))]) if match[i + 1] else () for i in range(match.re.groups)]
            texts = [filled(template, groups, first.start, last.end) for template in row.read_as]
            if not texts:
                self.refuse(row.remark.format(*map(written, groups)), last.start, last.end)
            if len(texts) > 1:
                self.two_readings(written(texts[0]), written(texts[1]), first.start, last.end)
            if row.remark:
                self.remark(row.remark.format(*map(written, groups)) if "{" in row.remark else row.remark,
                            first.start, last.end)
            made += [*items[done:match.start()], Item(row.kind, texts[0], first.gap)]
            done = match.end()
        return [*made, *items[done:]]

    # ---- bars

    def with_bars(self, items: list[Item]) -> list[Item]:
        """The items with |...| as calls of abs; two ways to pair the bars are refused."""
        bars = [i for i, item in enumerate(items) if item.kind == "b"]
        if not bars:
            return items
        first = items[bars[0]]
        if len(bars) > MAX_BARS:
            self.refuse(f"more than {MAX_BARS} bars are hard to read: write abs(...)", first.start, first.end)
        ways = self.pairings("".join([item.kind for item in items]), bars)
        if not ways:
            self.refuse("this | has no partner: write |x| or abs(x)", first.start, first.end)
        self.remark("|x| is abs(x)", first.start, items[bars[-1]].end)
        if len(ways) > 1:
            between = items[:bars[-1] + 1]
            one, other = [written(joined(self.read_by_table(self.paired(between, way)[bars[0]:]))) for way in ways[:2]]
            self.two_readings(one, other, first.start, between[-1].end)
        return self.paired(items, ways[0])

    def pairings(self, kinds: str, bars: list[int]) -> list[dict[int, bool]]:
        """Every way to pair the bars, as {place: does it open}."""
        choices = []
        for i in bars:
            opens = kinds[i + 1:i + 2] not in (*"uspxtmd<iz", "")
            closes = kinds[i - 1:i] in (*"nkvegclxtb",) if i else False
            choices.append([True] * opens + [False] * closes)
        return [way for choice in product(*choices) if fits(way := dict(zip(bars, choice)))]

    def paired(self, items: list[Item], opens: dict[int, bool]) -> list[Item]:
        """The items with what stands between bars as one, paired in this way."""
        levels: list[list[Item]] = [[]]
        opened: list[Item] = []
        for i, item in enumerate(items):
            if item.kind != "b":
                levels[-1].append(item)
            elif opens[i]:
                opened.append(item)
                levels.append([])
            else:
                inside, before = joined(self.read_by_table(levels.pop())), opened.pop()
                levels[-1].append(Item("c", filled("abs({0})", [inside], before.start, item.end), before.gap))
        return levels[0]


def fits(opens: dict[int, bool]) -> bool:
    """Are the bars paired, and is something between each pair?"""
    depths = list(accumulate(1 if o else -1 for o in opens.values()))
    return min(depths) >= 0 and depths[-1] == 0 and not any(
        opens[i] != opens[i + 1] and opens[i] for i in opens if i + 1 in opens)


def short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 80 else text[:79] + "…"
