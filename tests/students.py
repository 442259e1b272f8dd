"""What students write, as an ambiguous grammar: every reading of a text, by a chart.

It shares nothing with the library.  A span of tokens is read in every way a person could mean it; the readings are
trees in a normal form in which a product is a flat list of factors, so that (2 * x) * y and 2 * (x * y) are one.
Where convention leaves no doubt the grammar has one way: -x^2 is -(x^2), sin x + 1 is (sin x) + 1, 2x^2 is 2(x^2),
sin 2x is sin(2x) where nothing stands between 2 and x, parentheses end an exponent and an argument, 2e-3 is 0.002.
"""

import ast
import re
from functools import cached_property

TOKEN = re.compile(r"\s*(\d+(?:e[-+]?\d+)?|[a-z]+|\*\*|//|[-+*/%^()|√]|[²³]|⁻¹)")
FUNCTIONS = {"sin": "sin", "ln": "log", "abs": "abs", "exp": "exp", "sqrt": "sqrt", "log": "log", "asin": "asin", "√": "sqrt"}
RAISED = {"²": 2, "³": 3, "⁻¹": -1}


# ---- normal forms -------------------------------------------------------------------------------------------


def product(*parts):
    """A product of trees: ("*", is it negative, its factors)."""
    negative, factors = False, []
    for part in parts:
        if part[0] == "*":
            negative ^= part[1]
            factors += part[2]
        else:
            factors.append(part)
    return factors[0] if not negative and len(factors) == 1 else ("*", negative, tuple(factors))


def negated(tree):
    return product(("*", True, ()), tree)


def divided(a, b):
    return product(a, ("inverse", b))


def remainder(a, b):
    return ("%", a, b)


def floored(a, b):
    return ("//", a, b)


BETWEEN_FACTORS = {"*": product, "/": divided, "%": remainder, "//": floored}


def raised(base, exponent):
    return ("exp", exponent) if base == ("exp", (1,)) else ("^", base, exponent)


def added(a, b):
    return ("+", a, b)


def called(name, argument):
    return (name, argument)


def literal_tree(node):
    """The normal form of a plain expression, as Python's grammar reads it."""
    if isinstance(node, ast.Constant):
        return (node.value,)
    if isinstance(node, ast.Name):
        return (node.id,)
    if isinstance(node, ast.UnaryOp):
        inner = literal_tree(node.operand)
        return negated(inner) if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.Call):
        return called(node.func.id, literal_tree(node.args[0]))
    a, b = literal_tree(node.left), literal_tree(node.right)
    return {ast.Add: added, ast.Sub: lambda a, b: added(a, negated(b)), ast.Mult: product, ast.Div: divided,
            ast.Pow: raised, ast.Mod: remainder, ast.FloorDiv: floored}[type(node.op)](a, b)


# ---- the chart ---------------------------------------------------------------------------------------------


class Chart:
    """All readings of one text: a method for each kind of part, a set of trees for each span."""

    def __init__(self, text):
        self.tokens, self.touches = [], []
        place = 0
        while text[place:].strip():
            match = TOKEN.match(text, place)
            self.tokens.append(match[1])
            place = match.end()
            self.touches.append(text[place:place + 1].isalpha())        # is this number one with the name behind it?
        self.known = {}

    @cached_property
    def readings(self):
        return self.read("sum", 0, len(self.tokens))

    def read(self, kind, i, j):
        if i >= j:
            return frozenset()
        if (kind, i, j) not in self.known:
            self.known[kind, i, j] = frozenset()
            self.known[kind, i, j] = frozenset(getattr(self, kind)(i, j))
        return self.known[kind, i, j]

    def pairs(self, left, right, i, k, m, j):
        return ((a, b) for a in self.read(left, i, k) for b in self.read(right, m, j))

    def sum(self, i, j):
        yield from self.read("term", i, j)
        for k in range(i + 1, j - 1):
            if self.tokens[k] in "+-":
                for a, b in self.pairs("sum", "term", i, k, k + 1, j):
                    yield added(a, b if self.tokens[k] == "+" else negated(b))

    def signed(self, kind, i, j):
        yield from self.read(kind, i, j)
        if self.tokens[i] in ("+", "-"):
            for tree in self.signed(kind, i + 1, j) if i + 1 < j else ():
                yield negated(tree) if self.tokens[i] == "-" else tree

    def term(self, i, j):
        """Factors of which the first may have a sign, which is its own: -x % y is (-x) % y."""
        yield from self.chain("term", "signed_run", i, j)

    def signed_run(self, i, j):
        yield from self.signed("run", i, j)

    def products(self, i, j):
        yield from self.chain("products", "run", i, j)

    def chain(self, kind, first, i, j):
        """Factors with * / % // between them, or side by side as if a * stood there: (1/2)x."""
        yield from self.read(first, i, j)
        for k in range(i + 1, j):
            if self.tokens[k] in BETWEEN_FACTORS:
                for a, b in self.pairs(kind, "signed_run", i, k, k + 1, j):
                    yield BETWEEN_FACTORS[self.tokens[k]](a, b)
            if self.may_follow(k):
                for a, b in self.pairs(kind, "power", i, k, k, j):
                    yield product(a, b)

    def may_follow(self, k):
        """A number stands behind a factor only where a bar is between them."""
        return not self.tokens[k].isdecimal() or self.tokens[k - 1] == "|"

    def run(self, i, j):
        """Factors side by side, which hold together: 1/(2x)."""
        yield from self.read("power", i, j)
        for k in range(i + 1, j):
            if self.may_follow(k):
                for a, b in self.pairs("run", "power", i, k, k, j):
                    yield product(a, b)

    def power(self, i, j):
        yield from self.read("closed", i, j)
        yield from self.read("applied", i, j)
        for k in range(i + 1, j - 1):
            if self.tokens[k] not in ("^", "**"):
                continue
            for left in ("closed", "applied"):
                for a, b in self.pairs(left, "exponent", i, k, k + 1, j):
                    yield raised(a, b)
            if "^" in self.tokens[i:j]:                 # (2^3)^2; 2**3**2 is Python's, and has one reading
                for a, b in self.pairs("power", "exponent", i, k, k + 1, j):
                    yield raised(a, b)
        if self.tokens[j - 1] in RAISED and self.tokens[j - 2] not in RAISED:
            for a in self.read("applied", i, j - 1):
                yield raised(a, (RAISED[self.tokens[j - 1]],) if RAISED[self.tokens[j - 1]] > 0 else negated((1,)))

    def exponent(self, i, j):
        """A power, or what stands side by side: x^(2y); what begins with a parenthesis ends with it."""
        yield from self.signed("power", i, j)
        if self.tokens[i] != "(":
            yield from self.signed("run", i, j)

    def closed(self, i, j):
        """What holds together without doubt: an atom, or one with a superscript."""
        yield from self.read("atom", i, j)
        last = RAISED.get(self.tokens[j - 1])
        if last and self.tokens[j - 2] not in RAISED:
            for a in self.read("closed", i, j - 1):
                yield raised(a, (last,) if last > 0 else negated((1,)))
        for n, k, inverse in self.function_powers(i, j):
            if self.tokens[k:k + 1] == ["("]:
                for a in self.read("atom", k, j):
                    yield from self.with_power(self.tokens[i], a, n, inverse)

    def function_powers(self, i, j):
        """(exponent, where the argument begins, may it mean the inverse?) of sin², sin^2 and sin⁻¹."""
        if self.tokens[i] in ("sin", "ln"):
            rest = self.tokens[i + 1:j]
            if rest and rest[0] in RAISED:
                yield RAISED[rest[0]], i + 2, RAISED[rest[0]] < 0
            elif len(rest) > 1 and rest[0] in ("^", "**") and rest[1].isdecimal():
                yield int(rest[1]), i + 3, False
            elif len(rest) > 2 and rest[0] in ("^", "**") and rest[1] == "-" and rest[2].isdecimal():
                yield -int(rest[2]), i + 4, True

    def with_power(self, name, argument, n, inverse):
        yield raised(called(FUNCTIONS[name], argument), (n,) if n > 0 else negated((-n,)))
        if inverse:
            yield called(f"a{FUNCTIONS[name]}", argument)

    def applied(self, i, j):
        """A function before an argument without parentheses; how far the argument goes is open."""
        name = self.tokens[i]
        if name in FUNCTIONS and self.tokens[i + 1:i + 2] != ["("]:
            for a in self.read("root_argument" if name == "√" else "argument", i + 1, j):
                yield called(FUNCTIONS[name], a)
        for n, k, inverse in self.function_powers(i, j):
            if self.tokens[k:k + 1] != ["("]:
                for a in self.read("argument", k, j):
                    yield from self.with_power(name, a, n, inverse)

    def root_argument(self, i, j):
        yield from self.read("run", i, j)

    def argument(self, i, j):
        """2x where they touch is never (sin 2) x."""
        if not (j == i + 1 and self.tokens[i].isdecimal() and self.touches[i]):
            yield from self.read("products", i, j)

    def atom(self, i, j):
        first, last = self.tokens[i], self.tokens[j - 1]
        if j == i + 1 and first[0].isdecimal():
            yield (float(first),)
        elif j == i + 1 and first == "e":
            yield ("exp", (1,))
        elif j == i + 1 and first.isalpha() and first not in FUNCTIONS:
            yield (first,)
        elif first == "(" and last == ")":
            yield from self.read("sum", i + 1, j - 1)
        elif first == "|" and last == "|":
            for a in self.read("sum", i + 1, j - 1):
                yield called("abs", a)
        elif first in FUNCTIONS and self.tokens[i + 1] == "(" and last == ")":
            for a in self.read("sum", i + 2, j - 1):
                yield called(FUNCTIONS[first], a)


# ---- texts -------------------------------------------------------------------------------------------------


def random_text(rng, length):
    """Tokens in an order that could mean something, with and without space between them."""
    tokens, opened, wants = [], [], True                    # does an operand come next?
    while len(tokens) < length or wants or opened:
        ending = len(tokens) >= length
        if wants:
            token = rng.choice("x x y z 2 3 e".split() if ending else "x x x y z 2 2 3 e sin sin ln √ ( | -".split())
            if token in ("(", "|"):
                opened.append(token)
            wants = token in ("sin", "ln", "√", "(", "|", "-")
            if token in ("sin", "ln") and rng.random() < 0.15:
                tokens.append(token)
                token = rng.choice(["²", "^ 2", "⁻¹", "^ - 1"])
        elif opened and (ending or rng.random() < 0.3):
            token = {"(": ")", "|": "|"}[opened.pop()]
        elif ending:
            break
        else:
            token = rng.choice(["+", "-", "*", "/", "/", "%", "%", "//", "^", "^", "²", "⁻¹", "", "", "", ""])
            wants = token not in ("²", "⁻¹")
        tokens += token.split()
    text = ""
    for token in tokens:
        needed = text[-1:].isalnum() and token[0].isalnum() and not (text[-1].isdecimal() and token[0].isalpha())
        text += " " * (needed or rng.random() < 0.2) + token
    return text.strip()
