"""A picture as PDF: lines, shapes, and words that can be searched and copied, with their letters inside the file.

It reads the few kinds of elements that our SVG is made of, with their colours as attributes (see `paint`).
The same picture gives the same bytes.
"""

import re
import unicodedata
import zlib
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from .font import ADVANCE, Font, font, lacking
from .paint import INHERITED
from .svg import at, letters

POINT = 0.75                    # of PDF, in those of SVG: 72 of them are an inch, and 96 of those
LARGEST = 14400.0               # the side of a page, beyond which readers refuse
HANDLE = 0.4477                 # how far those of a rounded corner are from its tip, where its radius is 1
PDF_NAMES = {"M": "m", "L": "l", "C": "c"}

Style = dict[str, str]


class Needed(NamedTuple):
    """What a page needs beside its strokes."""
    used: dict[bool, dict[str, int]]        # {is it bold: {letter: the number of its shape}}
    opacities: dict[str, str]               # {opacity: its name}


def pdf(svg: str) -> bytes:
    """The PDF of a picture: a page of its size.

    ValueError for letters that the fonts do not have, and for elements that no picture of ours has.
    """
    root, needed = ElementTree.fromstring(svg), Needed({}, {})
    width, height = float(root.get("width", "")), float(root.get("height", ""))
    scale = min(POINT, LARGEST / max(width, height))
    strokes = [f"{scale:.4g} 0 0 {-scale:.4g} 0 {at(height * scale)} cm", *drawn(root, {}, needed)]
    size = f"{at(width * scale)} {at(height * scale)}"
    return file_of(objects_of(root.findtext("{*}title", ""), size, "\n".join(strokes), needed))


# ---- strokes, as PDF writes them; y goes downwards, as in SVG


def drawn(element: Element, above: Style, needed: Needed) -> Iterator[str]:
    """What draws an element and those within it."""
    kind = element.tag.rpartition("}")[2]
    style = above | {key: text for key, text in element.items() if key in INHERITED}
    if kind in ("title", "desc"):
        return
    yield f"q {place(element, needed)}"
    if kind in ("svg", "g"):
        for child in element:
            yield from drawn(child, style, needed)
    elif kind == "text":
        yield from words(element, style, needed)
    else:
        yield f"{pen(style)} {outline(kind, element)} {painting(style)}"
    yield "Q"


def place(element: Element, needed: Needed) -> str:
    """Where an element stands, and its opacity."""
    move = [float(x) for x in re.findall(r"-?[\d.]+", element.get("transform", "0 0"))]
    opacity = element.get("opacity", "1")
    name = needed.opacities.setdefault(opacity, f"G{len(needed.opacities)}")
    moved = f"1 0 0 1 {at(move[0])} {at(move[1])} cm" if any(move) else ""
    return moved + f" /{name} gs" * (opacity != "1")


def outline(kind: str, element: Element) -> str:
    """The way around a shape."""
    def numbers(*keys: str) -> list[float]:
        return [float(element.get(key, 0)) for key in keys]
    if kind == "rect":
        return rectangle(*numbers("x", "y", "width", "height", "rx"))
    if kind == "circle":
        x, y, r = numbers("cx", "cy", "r")
        return rectangle(x - r, y - r, 2 * r, 2 * r, r)
    if kind == "line":
        return "{} {} m {} {} l".format(*map(at, numbers("x1", "y1", "x2", "y2")))
    if kind == "polygon":
        return way("M" + " L".join(element.get("points", "").split()) + "Z")
    if kind == "path":
        return way(element.get("d", ""))
    raise ValueError(f"a picture with <{kind}> cannot be written as PDF: write .svg or .png")


def rectangle(x: float, y: float, width: float, height: float, radius: float) -> str:
    """A rectangle with round corners: the way around it from the upper left, each corner one curve."""
    r = min(radius, width / 2, height / 2)
    if not r:
        return f"{at(x)} {at(y)} {at(width)} {at(height)} re"
    right, below, near = x + width, y + height, r * HANDLE
    corners = [(right, y, -1, 0, 0, 1), (right, below, 0, -1, -1, 0), (x, below, 1, 0, 0, -1), (x, y, 0, 1, 1, 0)]
    parts = [f"{at(x + r)} {at(y)} m"]
    for tip_x, tip_y, in_x, in_y, out_x, out_y in corners:
        points = [(tip_x + far * dx, tip_y + far * dy) for far, dx, dy in (
            (r, in_x, in_y), (near, in_x, in_y), (near, out_x, out_y), (r, out_x, out_y))]
        parts.append("{} {} l {} {} {} {} {} {} c".format(*[at(number) for point in points for number in point]))
    return " ".join(parts) + " h"


def way(d: str) -> str:
    """A path of SVG with the commands M, L, H, V, C and Z, also from where the pen is, as h."""
    here, first, parts = [0.0, 0.0], [0.0, 0.0], []
    for command, rest in re.findall(r"([A-Za-z])([^A-Za-z]*)", d):
        numbers, kind = [float(number) for number in re.findall(r"-?[\d.]+", rest)], command.upper()
        if kind == "Z":
            here = first
            parts.append("h")
            continue
        start = here if command.islower() else [0.0, 0.0]
        if kind in "HV":
            place = [start[0] + numbers[0], here[1]] if kind == "H" else [here[0], start[1] + numbers[0]]
            kind, numbers, start = "L", place, [0.0, 0.0]
        size = 6 if kind == "C" else 2
        for i in range(0, len(numbers), size):
            points = [start[k % 2] + number for k, number in enumerate(numbers[i:i + size])]
            parts.append(" ".join([*map(at, points), "l" if kind == "M" and i else PDF_NAMES[kind]]))
            here = points[-2:]
            start = here if command.islower() else start
            first = here if kind == "M" and not i else first
    return " ".join(parts)


def pen(style: Style) -> str:
    """The colours, and how wide and how broken lines are."""
    parts = [f"{colour(style[key])} {name}" for key, name in (("fill", "rg"), ("stroke", "RG"))
             if style.get(key, "none") != "none"]
    dashes = style.get("stroke-dasharray", "none").replace("none", "").replace(",", " ")
    return " ".join([*parts, f"{style.get('stroke-width', '1')} w [{dashes}] 0 d"])


def painting(style: Style) -> str:
    """The command that fills a shape, draws its edge, or both."""
    is_filled, has_edge = (style.get(key, "none") != "none" for key in ("fill", "stroke"))
    return "B" if is_filled and has_edge else "f" if is_filled else "S" if has_edge else "n"


def colour(text: str) -> str:
    """`#0072B2` or `#fff` as three numbers from 0 to 1."""
    digits = text[1:] if len(text) == 7 else "".join(digit * 2 for digit in text[1:])
    return " ".join(f"{int(digits[i:i + 2], 16) / 255:.3g}" for i in (0, 2, 4))


def words(element: Element, style: Style, needed: Needed) -> Iterator[str]:
    """A line of text, whose parts may have colours of their own."""
    parts = [(element.text or "", style)]
    for span in element:
        parts.append((span.text or "", style | {key: text for key, text in span.items() if key in INHERITED}))
        parts.append((span.tail or "", style))
    size, width = float(style["font-size"]), ADVANCE * sum(letters(text) for text, _ in parts)
    x = float(element.get("x", 0)) - size * width * {"middle": 0.5, "end": 1.0}.get(element.get("text-anchor", ""), 0)
    yield f"BT 1 0 0 -1 {at(x)} {at(float(element.get('y', 0)))} Tm"
    for text, own in parts:
        if text:
            is_bold = own.get("font-weight") == "bold"
            yield f"{colour(own['fill'])} rg {shown(text, is_bold, style['font-size'], needed)}"
    yield "ET"


def shown(text: str, is_bold: bool, size: str, needed: Needed) -> str:
    """The command that writes a text; accents stand above the letter before them."""
    if missing := lacking(text):
        raise ValueError(f"{text!r} cannot be written as PDF, whose font lacks {missing!r}: write .svg or .png")
    used, shapes = needed.used.setdefault(is_bold, {}), font(is_bold).shapes
    used |= {letter: shapes[ord(letter)] for letter in text}
    back = f" {1000 * ADVANCE:.0f} "
    pieces = [f"<{used[letter]:04X}>" + back * bool(unicodedata.combining(letter)) for letter in text]
    return f"/F{int(is_bold)} {size} Tf [{''.join(pieces).replace('><', '')}] TJ"


# ---- the file


def objects_of(title: str, size: str, strokes: str, needed: Needed) -> list[bytes]:
    """The objects of the file, which name each other by their numbers, from 1."""
    fonts = {is_bold: 6 + 5 * i for i, is_bold in enumerate(sorted(needed.used))}
    names = " ".join(f"/F{int(is_bold)} {number} 0 R" for is_bold, number in fonts.items())
    looks = " ".join(f"/{name} << /ca {opacity} /CA {opacity} >>" for opacity, name in needed.opacities.items())
    found = [
        f"<< /Producer (tinygrad_edu) /Title <FEFF{in_hex(title)}> >>".encode(),
        b"<< /Type /Catalog /Pages 3 0 R /Lang (en) /ViewerPreferences << /DisplayDocTitle true >> >>",
        b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
        (f"<< /Type /Page /Parent 3 0 R /MediaBox [0 0 {size}] /Contents 5 0 R "
         f"/Resources << /Font << {names} >> /ExtGState << {looks} >> >> >>").encode(),
        stream(strokes.encode())]
    for is_bold, number in fonts.items():
        found += objects_of_font(font(is_bold), needed.used[is_bold], number)
    return found


def objects_of_font(face: Font, used: dict[str, int], number: int) -> list[bytes]:
    """The objects of a font, from this number on: how it is used, its kind, its measures, its file, its letters."""
    pairs = sorted((shape, letter) for letter, shape in used.items())
    lines = [f"<{shape:04X}> <{in_hex(letter)}>" for shape, letter in pairs]
    blocks = [lines[i:i + 100] for i in range(0, len(lines), 100)]
    told = "".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar\n" for block in blocks)
    return [
        (f"<< /Type /Font /Subtype /Type0 /BaseFont /{face.name} /Encoding /Identity-H "
         f"/DescendantFonts [{number + 1} 0 R] /ToUnicode {number + 4} 0 R >>").encode(),
        (f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /{face.name} /CIDToGIDMap /Identity "
         f"/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> "
         f"/DW {1000 * ADVANCE:.0f} /FontDescriptor {number + 2} 0 R >>").encode(),
        (f"<< /Type /FontDescriptor /FontName /{face.name} /Flags 5 /FontBBox [-559 -394 732 1041] /ItalicAngle 0 "
         f"/Ascent 928 /Descent -236 /CapHeight 729 /StemV 80 /FontFile2 {number + 3} 0 R >>").encode(),
        stream(face.content, f" /Length1 {len(face.content)}"),
        stream(CODES.format(told).encode())]


CODES = """/CIDInit /ProcSet findresource begin 12 dict begin begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def /CMapType 2 def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
{}endcmap CMapName currentdict /CMap defineresource pop end end
"""


def in_hex(text: str) -> str:
    """A text as the file has it, in UTF-16."""
    return text.encode("utf-16-be").hex().upper()


def stream(content: bytes, more: str = "") -> bytes:
    packed = zlib.compress(content, 9)
    return f"<< /Length {len(packed)} /Filter /FlateDecode{more} >>\nstream\n".encode() + packed + b"\nendstream"


def file_of(objects: list[bytes]) -> bytes:
    """The file of these objects: each with its number, then where each begins."""
    made, places = b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n" % number + content + b"\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    return made + (f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer\n<< /Size {len(objects) + 1} "
                   f"/Root 2 0 R /Info 1 0 R >>\nstartxref\n{len(made)}\n%%EOF\n").encode()
