"""A picture as the content of a file: SVG, PNG or PDF, light or dark."""

import re
import zlib
from pathlib import Path

from ..nn.checks import POSITIVE, checked_number
from .font import FAMILY, FONTS, lacking
from .paint import THEMES, painted

KINDS = ("svg", "png", "pdf")
MOST_PIXELS = 100_000_000                   # 400 MB while they are drawn
BEFORE = 33                                 # bytes of a PNG: its signature and the chunk that tells its size
MADE_BY = b"tEXtSoftware\0tinygrad_edu"     # a chunk that tells who made it
OURS = b'class="tg-graph"', b'<meta name="generator" content="tinygrad_edu">', MADE_BY, b"/Producer (tinygrad_edu)"


def exported(svg: str, kind: str, theme: str = "auto", scale: float = 2.0) -> bytes:
    """What a file of this kind holds.

    theme   "light", "dark", or "auto": SVG follows the mode of whoever looks at it, PNG and PDF are light
    scale   pixels of a PNG for each point of the picture: 1 as on a page, 2 for slides, 3 for paper

    ModuleNotFoundError for PNG without the package resvg-py; ValueError for letters that a PDF cannot have.
    """
    if theme not in THEMES:
        raise ValueError(f"theme={theme!r}: write one of {', '.join(THEMES)}")
    scale = checked_number("scale", scale, POSITIVE)
    if kind == "svg":
        return painted(svg, theme).encode()
    svg = painted(svg, "dark" if theme == "dark" else "light")
    if kind == "png":
        return png(svg, scale)
    from .pdf import pdf  # which loads a reader of XML
    return pdf(svg)


def png(svg: str, scale: float) -> bytes:
    """The PNG of a picture; letters that our fonts lack are the system's, where it has them."""
    try:
        from resvg_py import svg_to_bytes
    except ModuleNotFoundError:
        raise ModuleNotFoundError("PNG is made by resvg-py: pip install resvg-py") from None
    check_scale(svg, scale)
    ground = re.search(r'class="tg-bg"[^>]* fill="([^"]*)"', svg)       # also where a pixel is half outside
    made = svg_to_bytes(svg_string=svg, zoom=scale, background=ground and ground[1], monospace_family=FAMILY,
                        font_files=[str(path) for path in sorted(FONTS.glob("*.ttf"))],
                        skip_system_fonts=not lacking(svg))
    chunk = (len(MADE_BY) - 4).to_bytes(4, "big") + MADE_BY + zlib.crc32(MADE_BY).to_bytes(4, "big")
    return made[:BEFORE] + chunk + made[BEFORE:]


def is_ours(path: "str | Path") -> bool:
    """Is this file a picture or page that was made here?"""
    with open(path, "rb") as file:
        start = file.read(1000)
    return any(mark in start for mark in OURS)


def check_scale(svg: str, scale: float) -> None:
    """Refuse a scale that leaves no pixel, and one that makes more pixels than there is room for."""
    width, height = (float(side) for side in re.findall(r' (?:width|height)="([\d.]+)"', svg)[:2])
    if not scale * min(width, height) >= 1:
        raise ValueError(f"scale={scale!r} leaves no pixel of the picture: take a larger scale, such as 2")
    if scale * width * scale * height > MOST_PIXELS:
        raise ValueError(f"scale={scale!r} makes {scale * width:.0f} × {scale * height:.0f} pixels, too many for a PNG "
                         "(at most a hundred million): take a smaller scale, or write .svg or .pdf")
