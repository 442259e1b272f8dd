"""The style sheet of a picture as attributes of its elements, for programs that pass over style sheets.

Browsers follow the style sheet inside a picture, and with it the reader's dark or light mode.  Slide programs and
drawing programs often do not.  So every element says its colours itself too, as the style sheet has them.
"""

import re
from functools import lru_cache
from typing import NamedTuple

THEMES = ("auto", "light", "dark")
INHERITED = ("fill", "stroke", "stroke-width", "stroke-dasharray", "font-size", "font-family", "font-weight",
             "paint-order")
ITS_OWN = ("opacity",)
SHEET = re.compile("<style>(.*?)</style>")
MODE = re.compile(r"@media \(prefers-color-scheme:(dark|light)\)\{((?:[^{}]*\{[^{}]*\})*)\}")
RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
TAG = re.compile(r"<(/?)([a-z]+)([^<>]*?)(/?)>", re.IGNORECASE)
ATTRIBUTE = re.compile(r' ([\w:-]+)="([^"]*)"')
SELECTOR = re.compile(r"([a-z]*)((?:\.[\w-]+)*)")

Step = tuple[str, frozenset[str]]           # (a tag or "", classes)
Style = dict[str, str]


class Rule(NamedTuple):
    """What a selector such as `.tg-op .tg-box` sets, and how strong it is: classes count before tags."""
    strength: tuple[int, int]
    way: tuple[Step, ...]                   # from the outside in
    sets: Style


class Element(NamedTuple):
    """An open element: the way to it, as a rule has it, and what its children inherit."""
    way: tuple[Step, ...] = ()
    inherited: tuple[tuple[str, str], ...] = ()


def painted(svg: str, theme: str = "auto") -> str:
    """A picture whose elements have the colours of this theme as attributes; without its style sheet unless "auto".

    >>> painted('<svg><style>.a{fill:#fff}</style><rect class="a"/></svg>', "light")
    '<svg><rect class="a" fill="#fff"/></svg>'
    """
    sheet, above = in_mode("".join(SHEET.findall(svg)), theme == "dark"), [Element()]
    svg = SHEET.sub(lambda found: f"<style>{light_last(found[1])}</style>" if theme == "auto" else "", svg)

    def with_attributes(tag: re.Match[str]) -> str:
        closing, name, attributes, alone = tag.groups()
        if closing:
            above.pop()
            return tag[0]
        element, attributes = styled(sheet, above[-1], name, attributes)
        if not alone:
            above.append(element)
        return f"<{name}{attributes}{alone}>"
    return TAG.sub(with_attributes, svg)


def in_mode(sheet: str, is_dark: bool) -> str:
    """The rules of a style sheet that count in a mode; those of dark mode stand after the others."""
    blocks = MODE.findall(sheet)
    light, dark = ("".join(body for mode, body in blocks if mode == wanted) for wanted in ("light", "dark"))
    return MODE.sub("", sheet) + light + dark * is_dark


def light_last(sheet: str) -> str:
    """A style sheet that ends with what dark mode overrules, once more for light mode.

    Some programs, such as LibreOffice, take in the rules of both modes, so that the last ones win.
    """
    blocks = MODE.findall(sheet)
    if any(mode == "light" for mode, _ in blocks):
        return sheet
    overruled = {selector for _, body in blocks for selectors, _ in RULE.findall(body)
                 for selector in selectors.split(",")}
    again = [rule[0] for rule in RULE.finditer(MODE.sub("", sheet)) if overruled & set(rule[1].split(","))]
    return f"{sheet}@media (prefers-color-scheme:light){{{''.join(again)}}}" if again else sheet


def styled(sheet: str, parent: Element, name: str, attributes: str) -> tuple[Element, str]:
    """(An element as its children see it, its attributes with those that say what it does not inherit)."""
    given = dict(ATTRIBUTE.findall(attributes))
    own = {key: text for key, text in given.items() if key in INHERITED}
    element, removed, added = style_of(sheet, parent, name, given.get("class", ""), tuple(own.items()))
    if removed:
        attributes = ATTRIBUTE.sub(lambda found: "" if found[1] in removed else found[0], attributes)
    return element, attributes + added


@lru_cache(10_000)
def style_of(sheet: str, parent: Element, name: str, classes: str,
             own: tuple[tuple[str, str], ...]) -> tuple[Element, frozenset[str], str]:
    """(The element, the attributes that the style sheet overrules, those to add as text)."""
    way = (*parent.way, (name, frozenset(classes.split())))
    fitting = sorted((rule for rule in rules(sheet) if fits(rule.way, way)), key=lambda rule: rule.strength)
    sets: Style = {}
    for rule in fitting:
        sets |= rule.sets
    inherited = dict(parent.inherited)
    added = "".join(f' {key}="{text}"' for key, text in sets.items() if inherited.get(key) != text)
    inherited |= dict(own) | {key: text for key, text in sets.items() if key in INHERITED}
    return Element(way, tuple(inherited.items())), frozenset(sets), added


def fits(selector: tuple[Step, ...], way: tuple[Step, ...]) -> bool:
    """Does a selector mean the element at the end of a way?"""
    def is_met(step: Step, element: Step) -> bool:
        return step[0] in ("", element[0]) and step[1] <= element[1]
    if not is_met(selector[-1], way[-1]):
        return False
    wanted = list(selector[:-1])
    for element in reversed(way[:-1]):
        if wanted and is_met(wanted[-1], element):
            wanted.pop()
    return not wanted


@lru_cache
def rules(sheet: str) -> list[Rule]:
    """The rules of a style sheet."""
    return [rule_of(selector.strip(), body) for selectors, body in RULE.findall(sheet)
            for selector in selectors.split(",")]


def rule_of(selector: str, body: str) -> Rule:
    """A rule of one selector: tags and classes, one within the other; ValueError for anything else."""
    way = []
    for step in selector.split():
        found = SELECTOR.fullmatch(step)
        if not found:
            raise ValueError(f"{selector!r} is not understood: pictures are styled by tags and classes alone")
        way.append((found[1], frozenset(found[2].split(".")[1:])))
    sets: Style = {}
    for declaration in filter(None, body.split(";")):
        key, _, text = declaration.partition(":")
        sets |= font_of(text) if key == "font" else {key: text.removesuffix("px")}
    strength = sum(len(classes) for _, classes in way), sum(bool(tag) for tag, _ in way)
    return Rule(strength, tuple(way), {key: text for key, text in sets.items() if key in INHERITED + ITS_OWN})


def font_of(text: str) -> Style:
    """The size and the kind of `font:13px Menlo,monospace`: the last family, which every program knows."""
    size, _, families = text.partition("px ")
    return {"font-size": size, "font-family": families.rpartition(",")[2]}
