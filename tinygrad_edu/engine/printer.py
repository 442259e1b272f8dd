r"""Formulas as text, as LaTeX and MathML, and as programs in Python, C and JavaScript.

One table, NOTATION, says how each operator and function is written.  Formulas share parts,
so no printer expands them blindly and none recurses: a part used twice in something long is
given a name, `t1`, `t2` ..., and written once.

>>> from tinygrad_edu.engine.formula import Formula, exp
>>> x = Formula("x")
>>> text(1 / (1 + exp(-x))), latex(x / (1 + exp(-x)))
('1 / (1 + exp(-x))', '\\frac{x}{1 + e^{-x}}')
"""

import html
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import count
from string import Formatter
from typing import Any, NamedTuple

from .formula import Formula, Row, writers
from .ieee import COMPUTE

TEXT, LATEX, PYTHON, C, MATHML, JAVASCRIPT = range(6)   # the fields of a Notation
TYPESET = (LATEX, MATHML)
COMPARED, ADDED, SUMMED, MULTIPLIED, NEGATED, RAISED, ATOM = 1, 2, 3, 4, 5, 6, 9       # what binds tighter
LONG = 60            # formulas up to this many parts are written out in full
WIDE = 120           # and a part of more than this many gets a line of its own


Writing = tuple[int, str | None]            # how tightly it holds together, and a template
CALL: Writing = (ATOM, None)                # no template: the call of a function


class Notation(NamedTuple):
    """How an operator or function is written in each style, TEXT to JAVASCRIPT.

    Templates of precedence ATOM fence their arguments, so these need no parentheses.
    """
    text: Writing = CALL
    latex: Writing = CALL
    python: Writing = CALL
    c: Writing = CALL
    mathml: Writing = CALL
    javascript: Writing = CALL


def infix(precedence: int, template: str, latex: str = "", sign: str = "") -> Notation:
    """An operator: the same in text and in programs; `sign` is how MathML writes it."""
    own = template.strip("{} ")
    typed = precedence, template
    mathml = template.replace(own, f"<mo>{sign or own}</mo>").replace(" ", "")
    return Notation(typed, (precedence, latex or template), typed, typed, (precedence, mathml), typed)


def function(latex: str | None, mathml: str | None = None, c: str | None = None) -> Notation:
    """A call in text and Python; the braces of its LaTeX keep what stands between them together."""
    return Notation(latex=(ATOM, latex), c=(ATOM, c), mathml=(ATOM, mathml))


def comparison(sign: str, latex: str, mathml: str) -> Notation:
    return infix(COMPARED, f"{{}} {sign} {{}}", f"{{}} {latex} {{}}", mathml)


def big(text: str, latex: str, sign: str, under: str = "<mi>i</mi>", precedence: int = MULTIPLIED) -> Notation:
    """A sum, product, maximum or minimum over the index i."""
    fence = "{}" if precedence == MULTIPLIED else "<mo>(</mo>{}<mo>)</mo>"
    return Notation(text=(ATOM, text), latex=(precedence, latex),
                    mathml=(precedence, f"<munder>{sign}<mrow>{under}</mrow></munder>{fence}"))


CASES = ('<mrow><mo>{{</mo><mtable columnalign="left"><mtr><mtd>{1}</mtd><mtd><mtext>if&#160;</mtext>{0}</mtd></mtr>'
         "<mtr><mtd>{2}</mtd><mtd><mtext>else</mtext></mtd></mtr></mtable></mrow>")

NOTATION = {
    "+": infix(ADDED, "{} + {}"),
    "-": infix(ADDED, "{} - {}", sign="−"),
    "*": infix(MULTIPLIED, "{} * {}", r"{} \cdot {}", "·"),
    "/": infix(MULTIPLIED, "{} / {}")._replace(
        latex=(ATOM, r"\frac{{{}}}{{{}}}"), mathml=(ATOM, "<mfrac><mrow>{}</mrow><mrow>{}</mrow></mfrac>")),
    "neg": infix(NEGATED, "-{}", sign="−"),
    "pow": Notation(text=(RAISED, "{}**{}"), latex=(RAISED, "{}^{{{}}}"), python=(ATOM, "m.power({}, {})"),
                    mathml=(RAISED, "<msup><mrow>{}</mrow><mrow>{}</mrow></msup>")),
    ">": comparison(">", ">", "&gt;"), "<": comparison("<", "<", "&lt;"),
    ">=": comparison(">=", r"\ge", "≥"), "<=": comparison("<=", r"\le", "≤"),
    "==": comparison("==", "=", "=")._replace(python=(ATOM, "m.equal({}, {})")),
    "!=": comparison("!=", r"\ne", "≠")._replace(python=(ATOM, "m.unequal({}, {})")),
    "whole": Notation(text=(COMPARED, "{} is whole"), latex=(COMPARED, r"{} \in \mathbb{{Z}}"),
                      python=(ATOM, "m.is_whole({})"), c=(ATOM, "is_whole({})"), javascript=(ATOM, "is_whole({})"),
                      mathml=(COMPARED, "{}<mo>∈</mo><mi>ℤ</mi>")),
    "where": Notation(text=(0, "{1} if {0} else {2}"),
                      latex=(ATOM, r"\begin{{cases}}{1} & \text{{if }} {0} \\ {2} & \text{{else}}\end{{cases}}"),
                      c=(0, "{} ? {} : {}"), mathml=(ATOM, CASES), javascript=(0, "{} ? {} : {}")),
    "abs": function(r"\left|{}\right|", "<mrow><mo>|</mo>{}<mo>|</mo></mrow>", c="fabs({})")._replace(
        javascript=(ATOM, "abs({})")),
    "sign": function(r"\operatorname{{sign}}\left({}\right)"),
    "larger": Notation(text=(ATOM, "max({}, {})"), latex=(ATOM, r"\max\left({}, {}\right)"),
                       mathml=(ATOM, "<mi>max</mi><mo>(</mo>{}<mo>,</mo>{}<mo>)</mo>")),
    "smaller": Notation(text=(ATOM, "min({}, {})"), latex=(ATOM, r"\min\left({}, {}\right)"),
                        mathml=(ATOM, "<mi>min</mi><mo>(</mo>{}<mo>,</mo>{}<mo>)</mo>")),
    "exp": function("e^{{{}}}", "<msup><mi>e</mi><mrow>{}</mrow></msup>"),
    "exp2": function("2^{{{}}}", "<msup><mn>2</mn><mrow>{}</mrow></msup>"),
    "expm1": function(r"\left(e^{{{}}} - 1\right)",
                      "<mo>(</mo><msup><mi>e</mi><mrow>{}</mrow></msup><mo>−</mo><mn>1</mn><mo>)</mo>"),
    "log": function(r"\ln\left({}\right)", "<mi>ln</mi><mo>(</mo>{}<mo>)</mo>"),
    "log2": function(r"\log_{{2}}\left({}\right)", "<msub><mi>log</mi><mn>2</mn></msub><mo>(</mo>{}<mo>)</mo>"),
    "log10": function(r"\log_{{10}}\left({}\right)", "<msub><mi>log</mi><mn>10</mn></msub><mo>(</mo>{}<mo>)</mo>"),
    "log1p": function(r"\ln\left(1 + {}\right)", "<mi>ln</mi><mo>(</mo><mn>1</mn><mo>+</mo>{}<mo>)</mo>"),
    "sqrt": function(r"\sqrt{{{}}}", "<msqrt>{}</msqrt>"),
    "cbrt": function(r"\sqrt[3]{{{}}}", "<mroot><mrow>{}</mrow><mn>3</mn></mroot>"),
    "log_base": Notation((ATOM, "log({}, {})"), (ATOM, r"\log_{{{1}}}\left({0}\right)"),
                         (ATOM, "ops.log_base.of({}, {})"),
                         mathml=(ATOM, "<msub><mi>log</mi><mrow>{1}</mrow></msub><mo>(</mo>{0}<mo>)</mo>")),
    "normal_cdf": function(r"\Phi\left({}\right)", "<mi>Φ</mi><mo>(</mo>{}<mo>)</mo>"),
    "floor": function(r"\left\lfloor {} \right\rfloor", "<mrow><mo>⌊</mo>{}<mo>⌋</mo></mrow>"),
    "ceil": function(r"\left\lceil {} \right\rceil", "<mrow><mo>⌈</mo>{}<mo>⌉</mo></mrow>"),
    "round": function(None, c="rint({})"),
    "remainder": infix(MULTIPLIED, "{} % {}", r"{} \bmod {}", "mod")._replace(
        python=CALL, c=(ATOM, "floored_remainder({}, {})"), javascript=(ATOM, "floored_remainder({}, {})")),
    "floor_divide": infix(MULTIPLIED, "{} // {}")._replace(
        latex=(ATOM, r"\left\lfloor \frac{{{}}}{{{}}} \right\rfloor"), python=CALL,
        c=(ATOM, "floored_quotient({}, {})"), javascript=(ATOM, "floored_quotient({}, {})"),
        mathml=(ATOM, "<mrow><mo>⌊</mo><mfrac><mrow>{}</mrow><mrow>{}</mrow></mfrac><mo>⌋</mo></mrow>")),
    "asin": function(r"\arcsin\left({}\right)"),
    "acos": function(r"\arccos\left({}\right)"),
    "atan": function(r"\arctan\left({}\right)"),
    "pi": Notation((ATOM, "pi"), (ATOM, r"\pi"), (ATOM, repr(math.pi)), (ATOM, repr(math.pi)), (ATOM, "<mi>π</mi>"),
                   (ATOM, "Math.PI")),
    "keyword": infix(ATOM, "{}={}"),
    "()": function(r"\left({}\right)", "<mo>(</mo>{}<mo>)</mo>")._replace(text=(ATOM, "({})")),
    "element": Notation((ATOM, "{}[i]"), (ATOM, "{}_{{i}}"), (ATOM, "{}[i]"), (ATOM, "{}[i]"),
                        (ATOM, "<msub><mrow>{}</mrow><mi>i</mi></msub>"), (ATOM, "{}[i]")),
    "at": Notation((ATOM, "{}[{}]"), (ATOM, "{}_{{{}}}"), CALL, (ATOM, "at({}, n, {})"),
                   (ATOM, "<msub><mrow>{}</mrow><mrow>{}</mrow></msub>"), (ATOM, "at({}, {})")),
    "place": Notation((ATOM, "i"), (ATOM, "i"), (ATOM, "i"), (ATOM, "i"), (ATOM, "<mi>i</mi>"), (ATOM, "i")),
    "total": big("sum({})", r"\sum_{{i}} {}", "<mo>∑</mo>"),
    "product": big("prod({})", r"\prod_{{i}} {}", "<mo>∏</mo>"),
    "others": big("prod({} for j != i)", r"\prod_{{j \ne i}} {}", "<mo>∏</mo>",
                  "<mi>j</mi><mo>≠</mo><mi>i</mi>"),
    "largest": big("max({})", r"\max_{{i}} \left({}\right)", "<mi>max</mi>", precedence=ATOM),
    "smallest": big("min({})", r"\min_{{i}} \left({}\right)", "<mi>min</mi>", precedence=ATOM),
    "count": Notation((ATOM, "n"), (ATOM, "n"), (ATOM, "n"), (ATOM, "n"), (ATOM, "<mi>n</mi>"), (ATOM, "n")),
}
OVER_ROWS = frozenset(("total", "product", "others"))      # typeset, whatever is multiplied behind them seems within
TALL = frozenset(("/", "exp", "exp2", "where"))     # typeset, no base of a power without parentheses
PLAIN_LATEX = frozenset("sin cos tan sinh cosh tanh max min".split())
GREEK = frozenset("alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
                  "phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega".split())
TAKEN = frozenset((      # in JavaScript: its own words, and what the functions of rules mean by these
    "arguments await break case catch class const continue debugger default delete do else enum eval export extends "
    "false finally for function if implements import in instanceof interface let new null package private protected "
    "public return static super switch this throw true try typeof undefined var void while with yield Infinity Math "
    "NaN Number Object g i n p_ rules x_ is_whole floored_remainder floored_quotient sign_of").split())
LATEX_ESCAPES = {c: "\\" + c for c in "#$%&_{}"} | {
    "\\": r"\backslash ", "~": r"\sim ", "^": r"\hat{\ }", "<": "<", ">": ">"}


def escape(text: str) -> str:
    """Text that stands between tags.

    >>> escape('a < b & "c"')
    'a &lt; b &amp; "c"'
    """
    return html.escape(text, quote=False)


def places(template: str | None) -> int:
    """How many arguments a template has room for."""
    return sum(name is not None for _, name, _, _ in Formatter().parse(template or ""))


PRIVATE = frozenset("whole larger smaller fixed keyword element at place total product others largest smallest count "
                    "like [] ()".split())
ROOM = {head: max(places(template) for _, template in row) for head, row in NOTATION.items()}


def head_of(name: str, count: int) -> str:
    """The head for a function of this name that people declared, or gave a node by hand: the name itself.

    It is quoted where formulas mean something else by it, or something with another number of arguments.

    >>> head_of("+", 2), head_of("+", 3), head_of("total", 1)
    ('+', "'+'", "'total'")
    """
    return f"'{name}'" if name in PRIVATE or ROOM.get(name, count) != count else name


def notation(head: str, style: int) -> Writing:
    """How to write a head of NOTATION, or any other as the call of a function."""
    return NOTATION[head][style] if head in NOTATION else CALL


def call(head: str, arguments: list[str], style: int) -> str:
    """A function applied to its arguments, or a list of them."""
    inside = ", ".join(arguments)
    if style == MATHML:
        inside = "<mo>,</mo>".join(arguments)
        return f"<mo>[</mo>{inside}<mo>]</mo>" if head == "[]" else f"<mi>{escape(head)}</mi>{fenced(inside, style)}"
    if head == "[]":
        return rf"\left[{inside}\right]" if style == LATEX else f"[{inside}]"
    declared = head.strip("'")
    if style == PYTHON:
        return f"m.{head}({inside})" if head in COMPUTE or head in NOTATION else f"ops.{declared}.of({inside})"
    if style in (C, JAVASCRIPT):
        return f"{declared}_of({inside})" if calls_an_op(head) else f"{head}({inside})"
    if style != LATEX:
        return f"{head}({inside})"
    name = f"\\{head}" if head in PLAIN_LATEX else rf"\operatorname{{{latex_name(head, plain=True)}}}"
    return rf"{name}\left({inside}\right)"


def calls_an_op(head: str) -> bool:
    """Do programs in C and JavaScript call an op for this head, and no word of their own?"""
    return head not in COMPUTE and head not in C_WORDS and (head not in NOTATION or NOTATION[head].javascript == CALL)


def latex_name(name: str, plain: bool = False) -> str:
    """A name as LaTeX: w_1 and w1 get a subscript, alpha its letter, long words stand upright.

    >>> latex_name("w_1"), latex_name("alpha"), latex_name("loss"), latex_name("w0[2,1]")
    ('w_{1}', '\\\\alpha', '\\\\mathrm{loss}', 'w^{(0)}_{21}')
    """
    if (place := placed(name)) and not plain:
        base, layer, index = place
        return latex_name(base) + (rf"^{{({layer})}}" if layer else "") + f"_{{{index}}}"
    base, index = with_index(name)
    if index and not plain:
        return f"{latex_name(base)}_{{{index}}}"
    if name in GREEK and not plain:
        return "\\" + name
    safe = "".join(LATEX_ESCAPES.get(c, c) for c in name if c.isprintable())
    return safe if plain or len(name) == 1 else rf"\mathrm{{{safe}}}"


def javascript_name(name: str) -> str:
    """A name in JavaScript: what means something else there gets a $, which no name in Python has.

    >>> javascript_name("x"), javascript_name("new"), javascript_name("exp"), javascript_name("sigmoid_of")
    ('x', 'new$', 'exp$', 'sigmoid_of$')
    """
    return f"{name}$" if name in TAKEN or name in COMPUTE or name in NOTATION or name.endswith("_of") else name


def with_index(name: str) -> tuple[str, str]:
    """A name and its subscript, if it has one: ("w", "1") of w1 and of w_1."""
    match = re.fullmatch(r"([A-Za-z]+?)_?(\d+)|([A-Za-z]+)_([A-Za-z0-9]+)", name)
    return (match[1] or match[3], match[2] or match[4]) if match else (name, "")


def placed(name: str) -> tuple[str, str, str] | None:
    """(letter, layer, indices) of a name by its place in a network: ("w", "0", "21") of w0[2,1]."""
    match = re.fullmatch(r"([A-Za-z]+?)(\d[\w.]*|_[A-Za-z][\w.]*)?\[(\d+(?:,\d+)*)\](_\d+)?", name)
    if not match:
        return None
    indices = match[3].split(",")
    between = "" if all(len(index) == 1 for index in indices) else ","
    return match[1], (match[2] or "").strip("_"), between.join(indices) + (match[4] or "").replace("_", " ; ")


def mathml_name(name: str) -> str:
    """A name as MathML, as `latex_name` has it in LaTeX.

    >>> mathml_name("w1"), mathml_name("alpha")
    ('<msub><mi>w</mi><mi>1</mi></msub>', '<mi>α</mi>')
    """
    if place := placed(name):
        base, layer, index = place
        if not layer:
            return f"<msub>{mathml_name(base)}<mi>{index}</mi></msub>"
        return f"<msubsup>{mathml_name(base)}<mi>{index}</mi><mi>({layer})</mi></msubsup>"
    base, index = with_index(name)
    if index:
        return f"<msub>{mathml_name(base)}<mi>{index}</mi></msub>"
    if name in GREEK:
        size, letter = "capital" if name[0].isupper() else "small", name.replace("ambda", "amda")
        return f"<mi>{unicodedata.lookup(f'greek {size} letter {letter}')}</mi>"
    return f"<mi>{escape(name)}</mi>" if leaf_precedence(name) else f"<mtext>{escape(name)}</mtext>"


def literal(number: Any, style: int) -> tuple[int, str]:
    """(precedence, text) of a plain number."""
    if style == C:
        text = repr(float(number))
        text = {"inf": "INFINITY", "-inf": "-INFINITY", "nan": "NAN"}.get(text, text)
    elif style == JAVASCRIPT:
        text = shortest(float(number), style)
        text = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(text, text)
    elif style == PYTHON and isinstance(number, Fraction):
        text = f"m.ratio({number.numerator}, {number.denominator})"
    elif style == PYTHON:
        text = repr(number).replace("inf", "m.inf").replace("nan", "m.nan")
    elif isinstance(number, Fraction) and number.denominator > 1:
        if style == MATHML:
            sign = "<mo>−</mo>" if number < 0 else ""
            return (NEGATED if sign else RAISED), (
                f"{sign}<mfrac><mn>{abs(number.numerator)}</mn><mn>{number.denominator}</mn></mfrac>")
        if style == LATEX:
            sign = "-" if number < 0 else ""
            return (NEGATED if sign else RAISED), rf"{sign}\frac{{{abs(number.numerator)}}}{{{number.denominator}}}"
        return MULTIPLIED, str(number)
    else:
        text = shortest(number, style)
    tall = style == LATEX and "^" in text
    precedence = NEGATED if text.startswith("-") else RAISED if tall else ATOM
    return precedence, mathml_number(text) if style == MATHML else text


def mathml_number(text: str) -> str:
    """A number, already written, as MathML.

    >>> mathml_number("-2.5")
    '<mrow><mo>−</mo><mn>2.5</mn></mrow>'
    """
    digits = text.lstrip("-−").replace("inf", "∞").replace("-", "−")
    return f"<mn>{digits}</mn>" if text[:1] not in "-−" else f"<mrow><mo>−</mo><mn>{digits}</mn></mrow>"


def shortest(number: Any, style: int) -> str:
    """The shortest text that reads back as the same number; whole numbers without `.0`."""
    if style == LATEX and isinstance(number, float) and math.isinf(number):
        return r"\infty" if number > 0 else r"-\infty"
    text = repr(number) if isinstance(number, float) else str(number)
    text = text[:-2] if text.endswith(".0") else text
    if style == LATEX and "e" in text:
        mantissa, exponent = text.split("e")
        return rf"{mantissa} \cdot 10^{{{int(exponent)}}}"
    return text


# ---- the order of writing -----------------------------------------------------------------------


def resolved(part: Any) -> Any:
    """What stands for a part: a number that only says of which kind it is ("like") is written as itself."""
    while type(part) is Formula and part.head == "like" and part.parts:
        part = part.parts[0]
    return part


def children(part: Formula) -> list[Any]:
    return [resolved(p) for p in part.parts]


def in_order(roots: Iterable[Any], stop: Iterable[Any] = ()) -> list[Formula]:
    """Every formula the roots are made of, once, parts before wholes; those in `stop` and below left out."""
    order: list[Formula] = []
    seen = set(map(id, stop))
    stack = [(resolved(root), False) for root in reversed(list(roots))]
    while stack:
        part, opened = stack.pop()
        if opened:
            order.append(part)
        elif type(part) is Formula and id(part) not in seen:
            seen.add(id(part))
            stack.append((part, True))
            stack.extend((p, False) for p in reversed(children(part)))
    return order


def compose(part: Formula, style: int, written: Mapping[int, tuple[int, str]]) -> tuple[int, str]:
    """(precedence, text) of one formula, given those of its parts by id."""
    if not part.parts and part.head != "pi":
        names = {LATEX: latex_name, MATHML: mathml_name, JAVASCRIPT: javascript_name}
        return leaf_precedence(part.head), names[style](part.head) if style in names else part.head
    precedence, template = notation(part.head, style)
    pieces = [written[id(p)] if type(p) is Formula else literal(p, style) for p in children(part)]
    if part.head == "where" and style == JAVASCRIPT and not is_condition(part.parts[0]):
        pieces[0] = COMPARED, f"{parenthesised('!=', 0, COMPARED, *pieces[0], style)} != 0"     # nan is false there
    if template is None:
        return ATOM, call(part.head, [text for _, text in pieces], style)
    fenced = [parenthesised(part.head, i, precedence, *piece, style) for i, piece in enumerate(pieces)]
    if part.head == "others":
        fenced = [text.replace("[i]", "[j]").replace("_{i}", "_{j}").replace("<mi>i</mi>", "<mi>j</mi>")
                  for text in fenced]
    return precedence_of(part, style), template.format(*fenced)


def is_condition(part: Any) -> bool:
    return type(part) is Formula and notation(part.head, TEXT)[0] == COMPARED


def precedence_of(formula: Any, style: int) -> int:
    """How tightly a formula holds together as it is written; below ATOM it asks for parentheses in places.

    >>> from tinygrad_edu.engine.formula import Formula, exp
    >>> x = Formula("x")
    >>> precedence_of(exp(x), TEXT) == ATOM, precedence_of(exp(x), MATHML) == RAISED
    (True, True)
    """
    root = resolved(formula)
    if type(root) is not Formula:
        return literal(root, style)[0]
    if not root.parts:
        return leaf_precedence(root.head)
    precedence = notation(root.head, style)[0]
    if style in TYPESET and root.head in OVER_ROWS:
        return SUMMED
    return RAISED if style in TYPESET and root.head in TALL and precedence == ATOM else precedence


def leaf_precedence(name: str) -> int:
    """A name that reads like a formula, such as the label "a + b", is fenced like one."""
    if re.fullmatch(r"[\w.…]*(\[\d+(,\d+)*\](_\d+)?)?|\d[\d.]*e[+-]?\d+", name):
        return ATOM
    return NEGATED if re.fullmatch(r"-[\w.+-]*", name) else 0


def parenthesised(head: str, i: int, precedence: int, inner: int, text: str, style: int) -> str:
    """Argument `i` of an operator, in parentheses where it would be read otherwise without."""
    if precedence == ATOM:
        loose = False
    elif head == "pow":
        loose = inner < ATOM if i == 0 else inner < NEGATED and style not in TYPESET
    elif head == "where":
        loose = inner == precedence and i != 2
    else:
        loose = inner < precedence or (inner == precedence and (i > 0 or precedence in (COMPARED, NEGATED)))
    return fenced(text, style) if loose else text


def fenced(text: str, style: int) -> str:
    if style == MATHML:
        return f"<mrow><mo>(</mo>{text}<mo>)</mo></mrow>"
    tall = style == LATEX and re.search(r"\\frac|\\begin|\^", text)
    return rf"\left({text}\right)" if tall else f"({text})"


def as_lines(root: Any, style: int, names: Mapping[int, tuple[int, str]]) -> list[tuple[str, str]]:
    """[(name, text), ...]: the named parts, then ("", the whole); `names` are (precedence, text) by id."""
    root = resolved(root)
    if type(root) is not Formula:
        return [("", literal(root, style)[1])]
    if not root.parts:                          # most are names
        return [("", (names[id(root)] if id(root) in names else compose(root, style, {}))[1])]
    order = in_order([root])
    long = expanded_size(order, style, names) > LONG
    uses = Counter(id(p) for part in order for p in children(part))
    fresh = part_names(order)
    lines: list[tuple[str, str]] = []
    written: dict[int, tuple[int, str]] = {}
    width: dict[int, int] = {}
    for part in order:
        width[id(part)] = 1 + sum(width[id(p)] for p in children(part) if type(p) is Formula)
        written[id(part)] = names[id(part)] if id(part) in names else compose(part, style, written)
        shared = long and uses[id(part)] > 1 and part.head not in ("keyword", "[]")
        if part.parts and part is not root and id(part) not in names and (shared or width[id(part)] > WIDE):
            name = compose(Formula(next(fresh)), style, {})[1]
            lines.append((name, written[id(part)][1]))
            written[id(part)], width[id(part)] = (ATOM, name), 1
    return [*lines, ("", written[id(root)][1])]


def part_names(order: list[Formula]) -> Iterator[str]:
    """t1, t2 ...: names for parts of these formulas, but for those that stand in them already."""
    taken = {part.head for part in order if not part.parts}
    return (name for name in map("t{}".format, count(1)) if name not in taken)


def expanded_size(order: list[Formula], style: int, names: Mapping[int, Any]) -> int:
    """How many parts the last formula in order has, were every shared one written out each time."""
    size: dict[int, int] = {}
    for part in order:
        inner = () if id(part) in names else children(part)
        size[id(part)] = 1 + sum(size[id(p)] for p in inner if type(p) is Formula)
    return size[id(order[-1])]


def text(formula: Any, names: Mapping[Any, str] | None = None) -> str:
    """The formula for people, on one line where it is short.

    names   {formula: name}: parts to be written as a name
    """
    given = {id(resolved(part)): (ATOM, name) for part, name in (names or {}).items()}
    return "\n".join(f"{name} = {line}" if name else line for name, line in as_lines(formula, TEXT, given))


def as_side(formula: Formula, style: int = TEXT) -> Formula:
    """The formula as a side of an equation: a comparison or a choice is in parentheses there.

    >>> from tinygrad_edu.engine.formula import Formula
    >>> text(as_side(Formula(">", 2, 1)))
    '(2 > 1)'
    """
    return formula if precedence_of(formula, style) > COMPARED else Formula("()", formula)


def as_factor(formula: Any) -> str:
    """The formula as text, in parentheses unless it is a name or a call: what can stand before a dot.

    >>> from tinygrad_edu.engine.formula import Formula, exp
    >>> x = Formula("x")
    >>> as_factor(x + 1), as_factor(exp(x))
    ('(x + 1)', 'exp(x)')
    """
    return text(formula) if precedence_of(formula, TEXT) == ATOM else fenced(text(formula), TEXT)


def latex(formula: Any, names: Mapping[Any, str] | None = None) -> str:
    """The formula as LaTeX; `names` as for `text`."""
    return typeset(formula, LATEX, {part: (ATOM, latex_name(name)) for part, name in (names or {}).items()})


def mathml(formula: Any, names: Mapping[Any, tuple[int, str]] | None = None) -> str:
    """The formula as MathML, what stands inside a `<math>` element; `names` as for `typeset`.

    >>> x = Formula("x")
    >>> mathml(x / 2)
    '<mfrac><mrow><mi>x</mi></mrow><mrow><mn>2</mn></mrow></mfrac>'
    """
    return typeset(formula, MATHML, names or {})


def typeset(formula: Any, style: int, names: Mapping[Any, tuple[int, str]]) -> str:
    """The formula as LaTeX or MathML.

    names   {formula: (precedence, how it is written)}: parts that are written otherwise
    """
    lines = as_lines(formula, style, {id(resolved(part)): written for part, written in names.items()})
    if len(lines) == 1:
        return lines[0][1]
    if style == LATEX:
        rows = r" \\ ".join(f"{name} &= {line}" if name else f"&{line}" for name, line in lines)
        return rf"\begin{{aligned}}{rows}\end{{aligned}}"
    rows = "".join(f"<mtr><mtd>{f'{name}<mo>=</mo>' if name else ''}{line}</mtd></mtr>" for name, line in lines)
    return f'<mtable columnalign="left">{rows}</mtable>'


writers.update(text=text, latex=latex)


# ---- programs --------------------------------------------------------------------------------------

REDUCTIONS = frozenset(("total", "product", "largest", "smallest"))


class Statement(NamedTuple):
    """One line of a program: `name` gets `text`; `kind` is "let", "row" or a word for rows."""
    kind: str
    name: str
    text: str


def program(roots: list[Any], style: int) -> tuple[list[Statement], list[str]]:
    """The statements that compute the roots, and the text of each root.

    Rows are written by element: a root that is a Row stands for its element at index i.
    """
    plain = [root.element if type(root) is Row else root for root in roots]
    order = in_order(plain)
    uses = Counter(id(resolved(p)) for p in [*(p for part in order for p in part.parts), *plain])
    fresh = part_names(order)
    statements: list[Statement] = []
    written: dict[int, tuple[int, str]] = {}
    varies: dict[int, bool] = {}        # from element to element
    for part in order:
        inner = [p for p in children(part) if type(p) is Formula]
        varies[id(part)] = part.head == "element" or (
            part.head not in (*REDUCTIONS, "count") and any(varies[id(p)] for p in inner))
        written[id(part)] = compose(part, style, written)
        special = part.head in REDUCTIONS or part.head == "others"
        if special or (inner and part.head not in ("element", "place") and uses[id(part)] > 1):
            kind = part.head if special else "row" if varies[id(part)] else "let"
            body = written[id(inner[0])][1] if special else written[id(part)][1]
            statements.append(Statement(kind, next(fresh), body))
            written[id(part)] = ATOM, statements[-1].name + "[i]" * varies[id(part)]
    ends = [resolved(root) for root in plain]
    return statements, [written[id(e)][1] if type(e) is Formula else literal(e, style)[1] for e in ends]


def python_source(name: str, inputs: list[str], constants: list[str], value: Any, partials: Iterable[Any]) -> str:
    """A rule as a Python function over the words of `formula.py`, imported as m."""
    partials = list(partials)
    statements, (result, *gradients) = program([value, *partials], PYTHON)
    rows = any(type(p) is Row for p in partials)
    loop = "for i in range(n)"
    lines = [f"n = len({inputs[0]})"] if rows else []
    for kind, target, body in statements:
        lines.append(f"{target} = {body}" if kind == "let" else f"{target} = [{body} {loop}]" if kind == "row"
                     else f"{target} = m.{kind}([{body} {loop}])")
    gradients = [f"[{g} {loop}]" if type(p) is Row else g for g, p in zip(gradients, partials)]
    lines.append(f"return {result}, ({', '.join(gradients)},)")
    arguments = ", ".join([*inputs, *(["*", *constants] if constants else [])])
    return f"def {name}({arguments}):\n    " + "\n    ".join(lines) + "\n"


C_ROWS = {
    "row": "double *const {t} = room + {k} * n; for (int i = 0; i < n; i++) {t}[i] = {x};",
    "total": "double {t} = 0.0; for (int i = 0; i < n; i++) {t} = i ? {t} + ({x}) : ({x});",
    "product": "double {t} = 1.0; for (int i = 0; i < n; i++) {t} *= {x};",
    "largest": "double {t} = 0.0; for (int i = 0; i < n; i++) "
               "{{ const double x_ = {x}; {t} = i && ({t} != {t} || {t} >= x_) ? {t} : x_; }}",
    "smallest": "double {t} = 0.0; for (int i = 0; i < n; i++) "
                "{{ const double x_ = {x}; {t} = i && ({t} != {t} || {t} <= x_) ? {t} : x_; }}",
    "others": "double *const {t} = room + {k} * n; "
              "{{ double p_ = 1.0; for (int i = 0; i < n; i++) {{ {t}[i] = p_; p_ *= {x}; }} "
              "p_ = 1.0; for (int i = n - 1; i >= 0; i--) {{ {t}[i] *= p_; p_ *= {x}; }} }}",
}


# The words of `formula.py` that C has not, or has otherwise.  What is nan is found before two numbers are compared:
# gcc 14 to 16 take what is neither larger nor equal for smaller, as only numbers are.
C_WORDS = {
    "larger": "double larger(double x, double y) { return x != x ? x : y != y ? y : x > y ? x : y; }",
    "smaller": "double smaller(double x, double y) { return x != x ? x : y != y ? y : x < y ? x : y; }",
    "sign": "double sign(double x) { return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : 0.0 * x; }",
    "at": "double at(const double *x, int n, double i) { return i >= 0 && i < n && i == floor(i) ? x[(int)i] : NAN; }",
    "is_whole": "int is_whole(double x) { return x == floor(x); }",
    "floored_remainder": """double floored_remainder(double x, double y) {
    const double rest = fmod(x, y);
    return rest != 0.0 ? (rest < 0.0) != (y < 0.0) ? rest + y : rest : copysign(0.0, y);
}""",
    "floored_quotient": """double floored_quotient(double x, double y) {
    const double rest = fmod(x, y), steps = (x - rest) / y - (rest != 0.0 && (rest < 0.0) != (y < 0.0));
    const double down = floor(steps);
    return y == 0.0 ? x / y : steps == 0.0 ? copysign(0.0, x / y) : steps - down > 0.5 ? down + 1.0 : down;
}""",
}


def c_words(program: str) -> str:
    """The functions that a program in C calls and C has not."""
    return "".join(f"static inline {code}\n" for word, code in C_WORDS.items() if re.search(rf"\b{word}\(", program))


def c_value_of(name: str, inputs: list[str], constants: Iterable[float]) -> str:
    """A C function that gives the value of an op alone: what rules call that use another op."""
    arguments = ", ".join(f"double {x}" for x in inputs)
    unused = ", ".join(f"g_{x}" for x in inputs)
    passed = ", ".join([*inputs, *(literal(c, C)[1] for c in constants), *(f"&g_{x}" for x in inputs)])
    return f"static inline double {name}_of({arguments}) {{ double {unused}; return op_{name}({passed}); }}\n"


def c_function(name: str, inputs: list[str], constants: list[str], value: Any, partials: Iterable[Any]) -> str:
    """A rule as a C function.

    It returns the value and stores the local gradients at g_...; rows are arrays of n numbers, and
    `room` is where it puts rows of its own.
    """
    partials = list(partials)
    statements, (result, *gradients) = program([value, *partials], C)
    lines, kept = [], 0
    for kind, target, body in statements:
        lines.append(f"const double {target} = {body};" if kind == "let" else
                     C_ROWS[kind].format(t=target, x=body, k=kept))
        kept += kind in ("row", "others")
    rows = any(type(p) is Row for p in partials)
    for target, gradient in zip(inputs, gradients):
        store = f"for (int i = 0; i < n; i++) g_{target}[i]" if rows else f"*g_{target}"
        lines.append(f"{store} = {gradient};")
    row, declared = ("const ", "*") if rows else ("", "")
    arguments = ["int n"] * rows + [f"{row}double {declared}{x}" for x in inputs]
    arguments += [f"double {c}" for c in constants] + [f"double *g_{x}" for x in inputs] + ["double *room"] * rows
    body = "\n    ".join([*lines, f"return {result};"])
    return f"static inline double op_{name}({', '.join(arguments)}) {{\n    {body}\n}}\n"
