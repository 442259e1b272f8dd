"""A second reader of expressions, written for the tests: its own tokens, its own grammar, its own arithmetic.

It shares no line with the library: a text is cut by one pattern, read by precedence climbing and computed on the
way with IEEE floats.  `trouble` says that a step gave nan from numbers or infinity from finite ones, which is
where the strict engine has to raise.
"""

import math
import random
import re
from functools import partial
from typing import NamedTuple

TOKEN = re.compile(r"""[ \t]*(?:(0[xX][0-9a-fA-F]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?)
                             |([^\W\d]\w*)|(\*\*|//|[<>=!]=|[-+*/%<>()\[\],=;\n])|\Z)""", re.X)
BINDS = {"<": 1, ">": 1, "<=": 1, ">=": 1, "==": 1, "!=": 1, "+": 2, "-": 2, "*": 3, "/": 3, "//": 3, "%": 3, "**": 5}
SIGN = 4                                    # -x ** 2 is -(x ** 2), and -x * y is (-x) * y
COMPARE = {"<": float.__lt__, ">": float.__gt__, "<=": float.__le__, ">=": float.__ge__, "==": float.__eq__, "!=": float.__ne__}
SIGNS = str.maketrans("−×·÷", "-**/")


class NotRead(Exception):
    """The text is outside this reader's grammar."""


class Number(NamedTuple):
    value: float
    is_constant: bool = False


def divide(x, y):
    if y:
        return x / y
    return math.nan if x == 0 or x != x else math.copysign(math.inf, x) * math.copysign(1.0, y)


def remainder(x, y):
    return math.nan if y == 0 or math.isinf(x) else x % y


def floor_divide(x, y):
    return divide(x, y) if y == 0 else math.nan if math.isinf(x) else x // y


def log_base(x, base):
    if base in (2, 10):
        return guarded(math.log2 if base == 2 else math.log10, -math.inf)(x)
    return divide(ONE["log"](x), ONE["log"](base)) if base > 0 else math.nan


def rounded(f):
    """A function from floats to whole numbers that keeps the sign of 0, infinities and nan."""
    return lambda x: math.copysign(f(x), x) if math.isfinite(x) else x


def power(x, y):
    odd = math.isfinite(y) and y == int(y) and int(y) % 2 == 1
    try:
        return math.pow(x, y)
    except OverflowError:
        return -math.inf if x < 0 and odd else math.inf
    except ValueError:
        return (math.copysign(math.inf, x) if odd else math.inf) if x == 0 else math.nan


def guarded(f, at_pole=math.nan, too_large=math.inf):
    """A function of `math` that answers where Python raises; `at_pole` is its value at 0 or below."""
    def safe(x):
        try:
            return f(x)
        except OverflowError:
            return math.copysign(math.inf, x) if too_large == "sign" else too_large
        except ValueError:
            return at_pole if x == 0 else math.nan
    return safe


def total(row):
    out = row[0]
    for x in row[1:]:
        out += x
    return out


def product(row):
    out = row[0]
    for x in row[1:]:
        out *= x
    return out


def extreme(row, choose):
    return math.nan if any(x != x for x in row) else choose(row)


def dot(a, b):
    return total([x * y for x, y in zip(a, b)])


def larger(x, y):
    return x if x > y else y                # of 0 and -0, which are equal, the second


def smaller(x, y):
    return x if x < y else y


def clip(x, low, high):
    return x if x != x else smaller(larger(x, low), high)


ONE = {"sqrt": guarded(math.sqrt), "exp": guarded(math.exp), "log": guarded(math.log, -math.inf), "sin": guarded(math.sin),
       "cos": guarded(math.cos), "tanh": math.tanh, "atan": math.atan, "expm1": guarded(math.expm1), "abs": math.fabs,
       "sinh": guarded(math.sinh, too_large="sign"), "cosh": guarded(math.cosh), "erf": math.erf,
       "floor": rounded(math.floor), "ceil": rounded(math.ceil), "round": rounded(round),
       "relu": lambda x: x if x != x else larger(x, 0.0), "square": lambda x: x * x, "neg": lambda x: -x,
       "sign": lambda x: math.copysign(1.0, x) if x and x == x else x, "step": lambda x: x if x != x else float(x >= 0)}
TWO = {"pow": power, "log": log_base, "remainder": remainder, "floor_divide": floor_divide, "greater": lambda x, y: float(x > y), "less": lambda x, y: float(x < y), "equal": lambda x, y: float(x == y),
       "maximum": lambda x, y: x + y if x != x or y != y else larger(x, y),
       "minimum": lambda x, y: x + y if x != x or y != y else smaller(x, y)}
ROWS = {"sum": total, "mean": lambda row: total(row) / len(row), "prod": product,
        "max": partial(extreme, choose=max), "min": partial(extreme, choose=min)}


def tokens_of(text):
    """[(kind, what)]; outside parentheses the end of a line is a semicolon."""
    tokens, place, depth = [], 0, 0
    while not tokens or tokens[-1][0] != "end":
        match = TOKEN.match(text, place)
        if not match:
            raise NotRead(text[place:])
        number, name, sign = match.groups()
        if number:
            tokens.append(("number", float(int(number, 16)) if number[:2] in ("0x", "0X") else decimal(number)))
        elif sign != "\n":
            tokens.append(("name", name) if name else (sign or "end", sign))
        elif not depth:
            tokens.append((";", ""))
        depth += (sign in ("(", "[")) - (sign in (")", "]"))
        place = match.end()
    return tokens


class Calculator:
    """One text, read and computed at once."""

    def __init__(self, text, values):
        self.trouble, self.known = False, {"pi": Number(math.pi, True), **{name: Number(x) for name, x in values.items()}}
        self.tokens = tokens_of(text.translate(SIGNS))
        self.answer = None
        while self.tokens[0][0] != "end":
            if self.tokens[0][0] != ";":
                self.answer = self.statement()
            if self.tokens[0][0] != "end":
                self.take(";")
        if self.answer is None:
            raise NotRead("nothing")

    def statement(self):
        if self.tokens[0][0] != "name" or self.tokens[1][0] != "=":
            return self.read(0)
        name = self.take("name")
        self.take("=")
        self.known[name] = Number(self.read(0).value)           # a name makes a leaf of a constant
        return self.known[name]

    def take(self, kind):
        found, what = self.tokens.pop(0)
        if found != kind:
            raise NotRead(f"{what!r} for {kind}")
        return what

    def read(self, level):
        """A value whose operators all bind more tightly than `level`."""
        left = self.signed()
        compared = False
        while BINDS.get(self.tokens[0][0], 0) > level:
            sign = self.tokens.pop(0)[0]
            if sign in COMPARE and compared:
                raise NotRead("a chain of comparisons")
            compared |= sign in COMPARE
            right = self.read(SIGN - 1 if sign == "**" else BINDS[sign])      # 2 ** -x ** 2 is 2 ** (-(x ** 2))
            left = self.operation(sign, left, right)
        return left

    def signed(self):
        if self.tokens[0][0] in ("+", "-"):
            sign = self.tokens.pop(0)[0]
            inner = self.read(SIGN)
            return Number(-inner.value if sign == "-" else inner.value, inner.is_constant)
        return self.atom()

    def atom(self):
        kind, what = self.tokens.pop(0)
        if kind == "number":
            return Number(what, True)
        if kind == "(":
            inner = self.read(0)
            self.take(")")
            return inner
        if kind != "name":
            raise NotRead(what)
        if self.tokens[0][0] == "(":
            return self.function(what)
        if what not in self.known:
            raise NotRead(what)
        return self.known[what]

    def operation(self, sign, x, y):
        a, b = x.value, y.value
        if sign in COMPARE:
            result = float(COMPARE[sign](a, b))
        elif sign == "**":
            result = a * a if y.is_constant and b == 2 else power(a, b)
        else:
            result = {"+": a.__add__, "-": a.__sub__, "*": a.__mul__, "/": partial(divide, a), "%": partial(remainder, a),
                      "//": partial(floor_divide, a)}[sign](b)
        return self.noted(result, [a, b], x.is_constant and y.is_constant)

    def noted(self, result, operands, is_constant):
        if result != result:
            self.trouble |= not any(x != x for x in operands)
        elif math.isinf(result):
            self.trouble |= all(map(math.isfinite, operands))
        return Number(result, is_constant)

    def arguments(self, close):
        """(values, lists of values, values by keyword) up to a closing sign."""
        plain, rows, named = [], [], {}
        while self.tokens[0][0] != close:
            if self.tokens[0][0] == "[":
                self.take("[")
                rows.append(self.arguments("]")[0])
            elif self.tokens[0][0] == "name" and self.tokens[1][0] == "=":
                name = self.take("name")
                self.take("=")
                named[name] = self.read(0)
            else:
                plain.append(self.read(0))
            if self.tokens[0][0] != close:
                self.take(",")
        self.take(close)
        return plain, rows, named

    def function(self, name):
        self.take("(")
        plain, rows, named = self.arguments(")")
        given = [x for row in [plain, *rows] for x in row]
        numbers = [x.value for x in given]
        fits = {1: name in ONE, 2: name in TWO, 3: name == "where"}
        if name in ROWS and not named and bool(plain) != (len(rows) == 1) and len(rows) < 2 and given:
            result = ROWS[name](numbers)
        elif name == "dot" and not plain and len(rows) == 2 and len(rows[0]) == len(rows[1]) > 0:
            result = dot(numbers[:len(rows[0])], numbers[len(rows[0]):])
        elif name in ("clip", "leaky_relu") and not rows:
            return self.with_constants(name, plain, named)
        elif rows or named or not fits.get(len(plain)):
            raise NotRead(name)
        elif name == "where":
            result = numbers[1] if numbers[0] != 0 else numbers[2]
            return Number(result, all(x.is_constant for x in given))
        else:
            result = (ONE if len(plain) == 1 else TWO)[name](*numbers)
        return self.noted(result, numbers, all(x.is_constant for x in given))

    def with_constants(self, name, plain, named):
        names = ["low", "high"] if name == "clip" else ["slope"]
        given = {**dict(zip(names, plain[1:])), **named}
        if set(given) != set(names) or len(plain) + len(named) != 1 + len(names) or not all(c.is_constant for c in given.values()):
            raise NotRead(name)
        x, constants = plain[0], [given[n].value for n in names]
        if name == "clip":
            result = clip(x.value, *constants) if constants[0] <= constants[1] else math.nan
        else:
            result = x.value if x.value > 0 else constants[0] * x.value
        return self.noted(result, [x.value], x.is_constant)


def decimal(text):
    """A decimal literal, by Python's rule for underscores and leading zeros."""
    if "__" in text or re.search(r"_(?!\d)|(?<!\d)_", text) or re.match(r"0\d*[1-9]\d*\Z", text.replace("_", "")):
        raise NotRead(text)
    return float(text.replace("_", ""))


# ---- texts ----------------------------------------------------------------------------------------------

NUMBERS = ["0", "1", "2", "3", "7", "10", "0.5", ".25", "4.", "1e3", "2.5E-2", "1_000", "0x1f", "1e-300", "1e300", "0.1", "00", "1e16"]
NAMES = ["x", "y", "z", "α", "pi", "x"]


class Writer:
    """Texts of the grammar, by random choice."""

    def __init__(self, seed):
        self.rng = random.Random(seed)

    def one(self, *choices):
        return self.rng.choice(choices)

    def space(self):
        return self.rng.choice(["", "", "", " ", "  ", "\t"])

    def text(self):
        """An expression, or up to three statements that lead to one."""
        names = self.rng.sample(["q", "r", "total", "β", "h_1"], self.rng.choice([0, 0, 0, 1, 2]))
        statements = []
        known = list(NAMES)
        for name in names:
            statements.append(f"{name}{self.space()}={self.expression(1, known)}")
            known.append(name)
        last = self.expression(self.rng.randint(0, 3), known)
        last = self.one("{}", "f = {}").format("".join(f"{name} {self.one('+', '*')} " for name in names) + f"({last})" if names else last)
        return self.one("; ", "\n", ";").join([*statements, last])

    def expression(self, depth, known):
        self.known = known
        left = self.sum(depth)
        if self.rng.random() > 0.08:
            return left
        right = self.one(left, self.sum(depth))             # equal sides tell < from <=
        return f"{left}{self.one('<', '>', '<=', '>=', '==', '!=')}{right}"

    def sum(self, depth):
        parts = [self.product(depth)]
        while self.rng.random() < 0.3:
            parts.append(self.one("+", "-", "−", " - ") + self.space() + self.product(depth))
        return self.space().join(parts)

    def product(self, depth):
        parts = [self.factor(depth)]
        while self.rng.random() < 0.25:
            parts.append(self.one("*", "/", "×", "·", "÷", "* ", "%", "//") + self.space() + self.factor(depth))
        return self.space().join(parts)

    def factor(self, depth):
        if self.rng.random() < 0.15:
            return self.one("-", "+", "−", "- ") + self.factor(depth)
        exponent = "**" + self.space() + self.factor(depth - 1) if self.rng.random() < 0.12 else ""
        return self.atom(depth) + exponent

    def atom(self, depth):
        if depth <= 0 or self.rng.random() < 0.2:
            return self.one(*NUMBERS) if self.rng.random() < 0.4 else self.one(*self.known)
        if self.rng.random() < 0.5:
            return f"({self.one('', ' ', chr(10))}{self.expression(depth - 1, self.known)}{self.space()})"
        return self.call(depth - 1)

    def call(self, depth):
        name = self.one(*ONE, *TWO, *ROWS, *ROWS, "dot", "where", "clip", "leaky_relu")
        count = 1 if name in ONE and not (name in TWO and self.rng.random() < 0.5) else 2 if name in TWO else 3 if name == "where" else self.rng.randint(1, 4)
        inside = [self.expression(depth, self.known) for _ in range(count)]
        if name == "dot":
            return f"dot([{', '.join(inside)}], [{','.join(self.expression(depth - 1, self.known) for _ in inside)}])"
        if name == "clip":
            return f"clip({inside[0]}, {self.one('-1, 1', 'low=0, high=2', '0, high=.5', 'high=3,low=-3')})"
        if name == "leaky_relu":
            return f"leaky_relu({inside[0]}, {self.one('0.1', 'slope=.5', 'slope = 0')})"
        row = ",".join(inside) + self.one("", "", " ,")
        return f"{name}([{row}])" if name in ROWS and self.rng.random() < 0.5 else f"{name}({row})"
