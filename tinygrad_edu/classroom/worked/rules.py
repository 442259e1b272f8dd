"""The rules that a line of worked steps may break, each with steps that it must reject, and what is said of it."""

from fractions import Fraction

from .written import Atom, Gradient, Number, Partial

RULES: dict[str, str] = {}              # name: steps that it must reject
TENS = Fraction(1, 100), Fraction(1, 10), 10, 100
Q = "x = -2, y = 5, z = -4\nq = x + y = 3\nf = q * z = -12\n"
BRANCHES = "a = 2, b = 1\nc = a + b = 3\nd = b + 1 = 2\ne = c * d = 6\ne.grad = 1\n"


class Wrong(Exception):
    """A rule that a line breaks, and how."""

    def __init__(self, rule: str, says: str):
        super().__init__(says)
        self.rule, self.says = rule, says


def differs(rule: str, name: str, number: Number, told: Number) -> Wrong:
    """What is to be said of a number that is told instead of another."""
    return Wrong(rule, f"{name} is {number.text}, not {told.text}{slip(number, told)}")


def slip(number: Number, told: Number) -> str:
    """What was slipped in writing a number, or "".

    >>> slip(Number(Fraction(3)), Number(Fraction(-3))), slip(Number(Fraction(53)), Number(Fraction(35)))
    (' (the sign)', ' (two digits are swapped)')
    """
    if told.value and Number(-told.value, told.slack).is_like(number):
        return " (the sign)"
    if told.value and any(Number(told.value * ten, told.slack * ten).is_like(number) for ten in TENS):
        return " (the decimal point)"
    return " (two digits are swapped)" if sorted(told.text) == sorted(number.text) else ""


def rule(name: str, example: str) -> str:
    """Enter a rule with steps that it must reject."""
    RULES[name] = example
    return name


def name_of(atom: Atom) -> str:
    """What an atom is called."""
    if isinstance(atom, Gradient):
        return f"{atom.of}.grad"
    if isinstance(atom, Partial):
        return f"∂{atom.of}/∂{atom.by}"
    return atom.text if isinstance(atom, Number) else atom


# ---- the table ----------------------------------------------------------------------------------------------

AGAIN = rule("again", Q + "q = 4")
TASK = rule("task", "x = -2, y = 5, z = -4\nq = x - y = -7\nf = q * z = 28")          # of (x + y) * z
VALUE = rule("value", "x = -2, y = 5\nq = x + y = 4")
NUMBERS = rule("numbers", "x = -2, y = 5\nq = x + y = -1 + 4 = 3")
SIDES = rule("sides", "x = -2, y = 5\nq = x + y = 2 * 2 = 3")
SEED = rule("seed", Q + "∂f/∂f = 0")
TOTAL = rule("total", Q + "z.grad = q = 4")
BEFORE = rule("before", Q + "f.grad = 1\nz.grad += f.grad * ∂f/∂z → 2 + 1 * 3 = 5")
UPSTREAM = rule("upstream", Q + "f.grad = 1\nz.grad += f.grad * ∂f/∂z → 0 + 2 * 3 = 6")
LOCAL = rule("local", Q + "∂q/∂x = 2")
SUM = rule("sum", Q + "f.grad = 1\nz.grad += f.grad * ∂f/∂z → 0 + 1 * 3 = 4")
ARROW = rule("arrow", Q + "f.grad = 1\nz.grad += q.grad * 1 = 1")
ORDER = rule("order", "a = 2\nv = a + a = 4\nw = a + v = 6\nf = v + w = 10\nf.grad = 1\nv.grad += f.grad * 1 = 1\n"
             "a.grad += v.grad * 1 = 1")
ONCE = rule("once", Q + "f.grad = 1\nz.grad += f.grad * q = 3\nz.grad += f.grad * q = 3")
NOTHING = rule("nothing", Q + "f.grad = 1\nx.grad, y.grad → 0")
MISSING = rule("missing", BRANCHES + "c.grad += e.grad * d = 2\nd.grad += e.grad * c = 3\na.grad += c.grad * 1 = 2\n"
               "b.grad += c.grad * 1 = 2")
BACKWARD = TOTAL, BEFORE, UPSTREAM, LOCAL, SUM, ARROW, ORDER, ONCE, NOTHING, MISSING, SEED
