"""A page that is one file: it loads nothing, sends nothing, and works without a network.

The player and the animation of a training are such pages.  Its own scripts and styles are let
through by their hashes, and nothing else is: not even what a label would smuggle in.
"""

import base64
import json
import re
import zlib
from collections.abc import Sequence
from functools import cache, reduce
from html import escape
from operator import or_
from pathlib import Path
from typing import Any, NamedTuple

from ..files import checked_ending, write_whole
from . import language

BAR = """<div class="bar" role="group" aria-label="{steps}">
<button id="first" aria-label="{first}">|◀</button>
<button id="back" aria-label="{back}">◀</button>
<button id="play">{play}</button>
<button id="next" aria-label="{next}">▶</button>
<button id="last" aria-label="{last}">▶|</button>
<input id="slider" type="range" min="0" value="0" aria-label="{step}"><output id="place" for="slider"></output>
<select id="speed" aria-label="{speed}">{speeds}</select>
<button id="help" aria-label="{help}">?</button></div>
<dialog id="keys" aria-label="{help}"><dl>{keys}</dl><button id="close">{close}</button></dialog>
"""
SPEEDS = (0.5, 1, 2, 4)
ENDINGS = ("html", "htm")


class Page:
    """A finished page.

    html      its whole text
    title     what it is called
    picture   the SVG that stands for it where pages are not let in
    height    that it wants in a notebook, in pixels
    note      why its boxes stand in the simple layout, where nobody asked for that, or ""

    Notebooks show it live where they are trusted, and as a picture where not; `save` writes it to a file.
    """

    note = ""                       # also of those that were pickled without one

    def __init__(self, html: str, title: str, picture: str, height: int):
        self.html, self.title, self.picture, self.height = html, title, picture, height

    def save(self, path: "str | Path") -> Path:
        """Write the page to a file that ends in .html, and return its path; ValueError for other endings."""
        checked_ending(path, ENDINGS, "pages")
        return write_whole(path, self.html.encode())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        picture = base64.b64encode(self.picture.encode()).decode()
        still = f'<img alt="{escape(self.title)}" src="data:image/svg+xml;base64,{picture}"/>'
        inside = escape(self.html, quote=False).replace("'", "&#39;")       # a page has many " and few '
        frame = (f'<iframe title="{escape(self.title)}" sandbox="allow-scripts" width="100%" height="{self.height}" '
                 f"style=\"border:0\" srcdoc='{inside}'>{still}</iframe>")
        return {"text/html": frame, "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<page {self.title}, {len(self.html.encode())} bytes: save(path) writes it>"


class Words(NamedTuple):
    """What is said on a kind of page, in whole sentences with named holes.

    page      what Python writes into it, and `script` what its scripts say
    keys      {key: what it does}, for the list of keys
    """
    page: dict[str, str]
    script: dict[str, str]
    keys: dict[str, str]


def words_of(*kinds: str) -> Words:
    """The words of a page of this kind ("player" or "animation"), with those of the bar and of further kinds.

    >>> words_of("player").page["title"]
    '{name}, step by step'
    """
    return words_in(language.chosen(), "bar", *kinds)


@cache
def words_in(name: str, *kinds: str) -> Words:
    """The words of pages of these kinds in a language."""
    return Words(*[reduce(or_, [language.table(name)[kind][part] for kind in kinds]) for part in Words._fields])


def sentences(part: str) -> dict[str, Any]:
    """A part of the table of words, such as "reasons", in the language that is spoken now."""
    return language.table(language.chosen())[part]


def with_words(template: str, words: Words, **others: str) -> str:
    """HTML with its words put in, and with the bar in the place of "{bar}"; `others` are HTML already."""
    told = {key: escape(text) for key, text in (words.script | words.page).items()}
    keys = "".join(f"<dt>{escape(key)}</dt><dd>{escape(text)}</dd>" for key, text in words.keys.items())
    speeds = "".join(f"<option{' selected' * (factor == 1)}>{told['times'].format(factor=factor)}</option>"
                     for factor in SPEEDS)
    return template.format(**told | {"bar": BAR.format(**told | {"keys": keys, "speeds": speeds})} | others)


def page(title: str, body: str, scripts: Sequence[str], styles: Sequence[str], data: Any, picture: str,
         height: int, rules: str | None = None) -> Page:
    """A page of this body, with scripts and styles of this package by their file names.

    data    what the scripts find as JSON in the element `data`; nan and infinities as text
    rules   a script that comes first, or ""; the page has its scripts packed then, since with rules they are long
    """
    script, style = script_of(scripts, rules or ""), style_of(styles)
    direction = sentences("language")["direction"]
    policy = ("default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; "
              f"script-src {digests(script, rules is not None)}; style-src '{digest(style)}'")
    html = f"""<!DOCTYPE html>
<html lang="{language.chosen()}" dir="{direction}"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="tinygrad_edu"><title>{escape(title)}</title><style>{style}</style></head>
<body>{body}<script type="application/json" id="data">{as_json(data)}</script>{packed(script) if rules is not None
    else f"<script>{script}</script>"}</body></html>
"""
    return Page(html, title, picture, height)


UNPACK = """(async()=>{const packed=document.getElementById("packed"),script=document.createElement("script"),
bytes=Uint8Array.from(atob(packed.textContent),letter=>letter.charCodeAt());
const stream=new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
script.textContent=await new Response(stream).text();
packed.replaceWith(script)})()"""


@cache
def packed(script: str) -> str:
    """A script in less than half of its bytes, and the one that unpacks it; browsers run both by their hashes.

    Which bytes these are depends on the zlib that Python was built with; what they unpack to does not.
    """
    bytes_ = base64.b64encode(zlib.compress(script.encode(), 9)).decode()
    return f'<script type="text/plain" id="packed">{bytes_}</script><script>{UNPACK}</script>'


def digests(script: str, is_packed: bool) -> str:
    """The hashes of a page's scripts, as they stand in its policy."""
    return " ".join(f"'{digest(text)}'" for text in [script, *[UNPACK] * is_packed])


def script_of(scripts: Sequence[str], rules: str = "") -> str:
    """The one script of a page, of files of this folder by their names."""
    code = [without_comments(text) for text in [rules, *map(asset, scripts)] if text]
    return "\n".join(["'use strict';{", *code, "}"])


def style_of(styles: Sequence[str]) -> str:
    """The one style of a page."""
    return "\n".join(map(asset, ["page.css", *styles]))


def asset(name: str) -> str:
    """A file of this folder, as text."""
    return Path(__file__).parent.joinpath(name).read_text(encoding="utf-8").strip()


def without_comments(script: str) -> str:
    """A script without indentation and lines that are comments: what readers need and browsers do not.

    >>> without_comments("// Twice.\\nconst twice = x => {\\n  return 2 * x;\\n};")
    'const twice = x => {\\nreturn 2 * x;\\n};'
    """
    lines = map(str.strip, script.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def digest(text: str) -> str:
    """The hash by which a page's policy knows its own scripts."""
    import hashlib  # which takes a while to load
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def as_json(data: Any) -> str:
    """JSON that can stand inside a script element, whatever the labels in it are.

    Only `</`, `<!` and `<s` mean something there: MathML stays as it is, but for a backslash before each slash.
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    text = re.sub("<(?![m/])", r"\\u003c", text).replace("</", r"<\/")
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
