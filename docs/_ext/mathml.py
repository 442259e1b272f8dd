"""Formulas as MathML, which every browser shows by itself: no script, no font, no network."""

import re
from html import escape
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util import logging

log = logging.getLogger(__name__)


# What the converter leaves to be mended: names with digits in them, the gaps about names of functions
# and about |x|, and a minus after another operator, which stands before its number.
NAME_IN_LATEX = re.compile(r"\\operatorname\{(\w*\d\w*)\}")
NAME = re.compile(r"(</mo>|<mrow>)?<m[io]>([A-Za-z]{2,})</m[io]>(?=((?:<mrow>)?<mo[^>]*>(?:&#x00028;|\())?)")
BAR = re.compile(r"<mo(?![^>]*form=)[^>]*>(\||&#x0007C;|&#x02223;)</mo>")
SIGN = re.compile("(<mo[^>]*>[^<)|]*</mo>)<mo>(-|−|&#x02212;)</mo>")


def name_of_function(found: re.Match) -> str:
    """A name with a thin space where it meets a factor, and none beside a parenthesis or another operator."""
    before, after = "0" if found[1] else "0.167em", "0" if found[3] else "0.167em"
    return f'{found[1] or ""}<mo lspace="{before}" rspace="{after}">{found[2]}</mo>'


def as_mathml(latex: str, display: str) -> str:
    """The formula as a <math> element.

    Raises ValueError for LaTeX that is not understood; the converter itself lets much of it through.

    >>> as_mathml("x^2", "inline").endswith("<mrow><msup><mi>x</mi><mn>2</mn></msup></mrow></math>")
    True
    >>> as_mathml(r"\\nosuchcommand{x}", "inline")
    Traceback (most recent call last):
    ValueError: a command of it is not known
    """
    try:
        mathml = convert(NAME_IN_LATEX.sub(r"\\mathrm{\1}", latex), display=display)
    except Exception as error:          # whatever the converter stumbles over
        raise ValueError(f"{type(error).__name__}: {error}") from error
    if "\\" in mathml.split(">", 1)[1]:
        raise ValueError("a command of it is not known")
    mathml = BAR.sub('<mo lspace="0" rspace="0" stretchy="false">|</mo>', NAME.sub(name_of_function, mathml))
    return SIGN.sub(r'\1<mo form="prefix">\2</mo>', mathml)


def written(self: Any, node: nodes.Element, display: str) -> str:
    latex = node.astext()
    try:
        return as_mathml(latex, display)
    except ValueError as error:
        log.warning("the formula %r cannot be written as MathML: %s", latex, error, location=node)
        return f"<code>{escape(latex)}</code>"


def visit_inline(self: Any, node: nodes.Element) -> None:
    self.body.append(written(self, node, "inline"))
    raise nodes.SkipNode


def visit_block(self: Any, node: nodes.Element) -> None:
    ids = f' id="{node["ids"][0]}"' if node["ids"] else ""
    number = f'<span class="eqno">({node["number"]})</span>' if node.get("number") else ""
    self.body.append(f'<div class="formula"{ids}>{number}{written(self, node, "block")}</div>')
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, bool]:
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
