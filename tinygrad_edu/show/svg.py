"""What every picture is written with: coordinates, numbers, and the page of SVG around it."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

from ..engine.number import format_number
from ..engine.printer import escape
from .page import asset
from .paint import painted

LETTER = 7.9                                                # the width of one, in points
MARGIN, LEGEND = 12, 30

STYLE, LESSON = asset("graph.css").replace("\n", ""), asset("lesson.css").replace("\n", "")
IN_LESSONS = re.compile(r'class="[^"]*tg-(blank|now|back|gains|from|later)\b')         # what lesson.css is about
Words = Sequence[tuple[str, str]]                           # (class, text)


def at(x: float) -> str:
    """A coordinate, to 0.1."""
    text = f"{x:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def number_text(x: float, digits: int = 5) -> str:
    """A number in a picture, with a true minus sign."""
    return format_number(x, digits).replace("-", "−")


def letters(text: str) -> int:
    """How many letters wide; East Asian ones count two."""
    if text.replace("−", "-").isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def document(title: str, sentences: Iterable[str], size: tuple[float, float], parts: Iterable[str],
             legend: Words) -> str:
    """The SVG of parts that are placed within this size, with what is read aloud and a legend below."""
    drawn = "\n".join(parts)
    style = STYLE + LESSON * bool(IN_LESSONS.search(drawn))
    width = max(size[0], LETTER * sum(letters(text.rstrip()) for _, text in legend)) + 2 * MARGIN
    height = size[1] + 2 * MARGIN + LEGEND
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="tg-graph" width="{at(width)}" height="{at(height)}" '
        f'viewBox="0 0 {at(width)} {at(height)}" role="img">',
        f"<title>{escape(title)}</title><desc>{escape('. '.join(sentences))}</desc><style>{style}</style>",
        f'<rect class="tg-bg" width="{at(width)}" height="{at(height)}"/>',
        f'<g transform="translate({MARGIN} {MARGIN})">', drawn, "</g>", legend_svg(legend, height), "</svg>"]
    return painted("\n".join(lines) + "\n")


def legend_svg(words: Words, height: float) -> str:
    spans = "".join(f'<tspan class="{kind}">{text}</tspan>' for kind, text in words)
    return f'<text class="tg-legend" xml:space="preserve" x="{MARGIN}" y="{at(height - MARGIN)}">{spans}</text>'
