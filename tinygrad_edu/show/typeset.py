"""Steps as text, as LaTeX and as MathML.

A step is a row of pieces: formulas, numbers, x.grad, ∂f/∂x, signs and words.  The printer writes the
formulas; how the other pieces are written stands here, and nowhere else.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from ..engine import printer
from ..engine.formula import Formula
from ..engine.printer import ADDED, ATOM, LATEX, MATHML, RAISED, escape

SIGNS = {                               # text: (LaTeX, MathML)
    "=": ("=", "<mo>=</mo>"), "+=": (r"\mathrel{+}=", "<mo>+=</mo>"), "+": ("+", "<mo>+</mo>"),
    "×": (r"\times", "<mo>×</mo>"), ",": (",", "<mo>,</mo>"), "…": (r"\ldots", "<mo>…</mo>"),
    "→": (r"\to", "<mo>→</mo>"), "·": (r"\cdot", "<mo>·</mo>")}
PLAIN_LATEX = str.maketrans({c: rf"\{c}" for c in "#$%&_{}"} | {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}"})
MARKDOWN = str.maketrans({"|": r"\vert ", "<": r"\lt ", ">": r"\gt "})      # in formulas
RELATIONS = ("=", "+=")
as_text, as_factor = lru_cache(printer.text), lru_cache(printer.as_factor)    # a step says most names several times
NUMBER = re.compile(r"-?(\d[\d.]*(e[+-]?\d+)?|inf)")


class Grad(NamedTuple):
    """The gradient of what goes by this formula: x.grad."""
    of: Formula


class Partial(NamedTuple):
    """A local derivative: ∂of/∂by."""
    of: Formula
    by: Formula


class Number(NamedTuple):
    """A number as it is shown; typeset, a negative one that is a `part` of a sum or product is in parentheses."""
    text: str
    is_part: bool = False


class Words(NamedTuple):
    """What is said between formulas."""
    text: str


Pieces = tuple[Any, ...]                    # of these, of formulas, and of the signs


def text_of(pieces: Pieces) -> str:
    """The pieces as text.

    >>> x, f = Formula("x"), Formula("f")
    >>> text_of((Grad(x), "+=", Grad(f), "×", Partial(f, x)))
    'x.grad += f.grad × ∂f/∂x'
    """
    return spaced(map(in_text, pieces))


def latex_of(pieces: Pieces) -> str:
    r"""The pieces as LaTeX, formulas between dollar signs.

    >>> x, f = Formula("x"), Formula("f")
    >>> print(latex_of((Partial(f, x), "=", Number("0"), Words("because x is not the largest"))))
    $\frac{\partial f}{\partial x} = 0$ because x is not the largest
    """
    return " ".join(run[0].text.translate(PLAIN_LATEX) if is_words(run[0]) else f"${in_latex(run)}$"
                    for run in runs(pieces))


def markdown_of(pieces: Pieces) -> str:
    """The same for a cell of Markdown, where | ends a cell and < may begin a tag.

    >>> print(markdown_of((Grad(Formula("x")), "=", Number("3"), Words("as *x* is 3"))))
    $x\\text{.grad} = 3$ as \\*x\\* is 3
    """
    return " ".join(re.sub(r"([\\`*_\[\]<>|$~&])", r"\\\1", run[0].text) if is_words(run[0]) else
                    f"${in_latex(run).translate(MARKDOWN).strip()}$" for run in runs(pieces))


def html_of(pieces: Pieces) -> str:
    """The same as HTML, formulas in MathML; lines may break before a = sign.

    >>> html_of((Formula("x"), "=", Number("-3")))[-82:]
    '<wbr/><math displaystyle="true"><mo>=</mo><mrow><mo>−</mo><mn>3</mn></mrow></math>'
    """
    parts = [f" {escape(run[0].text)} " if is_words(run[0]) else
             f'<wbr/><math displaystyle="true">{"".join(typeset(piece, MATHML) for piece in run)}</math>'
             for run in runs(pieces, RELATIONS)]
    return "".join(parts).strip().removeprefix("<wbr/>")


def runs(pieces: Pieces, breaks: tuple[str, ...] = ()) -> list[list[Any]]:
    """The pieces that are typeset together; words stand alone, and a sign of `breaks` begins anew."""
    found: list[list[Any]] = []
    for piece in pieces:
        is_break = isinstance(piece, str) and piece in breaks
        if not found or is_break or is_words(piece) or is_words(found[-1][-1]):
            found.append([])
        found[-1].append(piece)
    return found


def is_words(piece: Any) -> bool:
    return isinstance(piece, Words)


def spaced(texts: Iterable[str]) -> str:
    """Texts with spaces between, but before a comma."""
    return "".join(text if text == "," else f" {text}" for text in texts).strip()


def in_text(piece: Any) -> str:
    if isinstance(piece, Grad):
        return f"{as_factor(piece.of)}.grad"
    if isinstance(piece, Partial):
        return f"∂{as_factor(piece.of)}/∂{as_factor(piece.by)}"
    if isinstance(piece, Number | Words):
        return piece.text
    return piece if isinstance(piece, str) else as_text(piece)


def in_latex(run: list[Any]) -> str:
    return spaced([typeset(piece, LATEX) for piece in run])


def typeset(piece: Any, style: int) -> str:
    """A piece, which is no words, as LaTeX or MathML."""
    if isinstance(piece, str):
        return SIGNS[piece][style == MATHML]
    if isinstance(piece, Number):
        number = number_in(piece.text, style)
        return printer.fenced(number, style) if piece.is_part and piece.text.startswith("-") else number
    if isinstance(piece, Grad):
        return factor(piece.of, style) + (r"\text{.grad}" if style == LATEX else "<mtext>.grad</mtext>")
    if isinstance(piece, Partial):
        of, by = factor(piece.of, style), factor(piece.by, style)
        return (rf"\frac{{\partial {of}}}{{\partial {by}}}" if style == LATEX else
                f"<mfrac><mrow><mo>∂</mo>{of}</mrow><mrow><mo>∂</mo>{by}</mrow></mfrac>")
    return formula_in(piece, style)


def factor(formula: Any, style: int) -> str:
    """A formula in parentheses, unless it is a name or a call."""
    written = formula_in(formula, style)
    return written if printer.precedence_of(formula, style) == ATOM else printer.fenced(written, style)


def formula_in(formula: Any, style: int) -> str:
    """A formula; the numbers that stand in it as names are written as numbers, negative ones in parentheses."""
    leaves = [part for part in printer.in_order([formula]) if NUMBER.fullmatch(part.head)]
    names = {leaf: (ADDED if leaf.head.startswith("-") else RAISED if "e" in leaf.head else ATOM,
                    number_in(leaf.head, style)) for leaf in leaves}
    return printer.typeset(formula, style, names)


def number_in(text: str, style: int) -> str:
    return printer.mathml_number(text) if style == MATHML else printer.shortest(float(text), LATEX)
