"""The letters of PNG and PDF files: two font files of this package, plain and bold, all of one width."""

import struct
from functools import cache
from pathlib import Path
from typing import NamedTuple

FONTS = Path(__file__).parent / "fonts"
FAMILY = "DejaVu Sans Mono"
ADVANCE = 1233 / 2048                   # of every letter, where the height of a line is 1


class Font(NamedTuple):
    """A font file, and which of its shapes stands for a letter."""
    name: str
    content: bytes
    shapes: dict[int, int]              # {number of a letter in Unicode: number of its shape}


@cache
def font(is_bold: bool) -> Font:
    """The plain or the bold font."""
    name = "DejaVuSansMono-Bold" if is_bold else "DejaVuSansMono"
    content = (FONTS / f"{name}.ttf").read_bytes()
    return Font(name, content, shapes_in(content))


def shapes_in(content: bytes) -> dict[int, int]:
    """The table `cmap` of a TrueType file, in its format 4: runs of letters whose shapes have numbers in a row."""
    count, = struct.unpack_from(">H", content, 4)
    tables = {content[at:at + 4]: struct.unpack_from(">I", content, at + 8)[0] for at in range(12, 12 + 16 * count, 16)}
    cmap = tables[b"cmap"]
    start = cmap + struct.unpack_from(">I", content, cmap + 8)[0]
    runs = struct.unpack_from(">H", content, start + 6)[0] // 2
    ends, firsts, deltas, offsets = (
        struct.unpack_from(f">{runs}H", content, start + 14 + 2 * runs * i + 2 * (i > 0)) for i in range(4))
    places = start + 16 + 6 * runs
    shapes = {}
    for i, (first, end, delta, offset) in enumerate(zip(firsts, ends, deltas, offsets)):
        for letter in range(first, end + 1):
            where = places + 2 * i + offset + 2 * (letter - first)
            shape = struct.unpack_from(">H", content, where)[0] if offset else letter
            shapes[letter] = (shape + delta) % 65536 if shape else 0
    return {letter: shape for letter, shape in shapes.items() if shape}


def lacking(text: str) -> str:
    """The letters of a text that the fonts do not have.

    >>> lacking("∂f/∂x⁽¹⁾ = 3"), lacking("数x")
    ('', '数')
    """
    known = font(False).shapes
    return "".join(letter for letter in dict.fromkeys(text) if ord(letter) not in known and letter != "\n")
