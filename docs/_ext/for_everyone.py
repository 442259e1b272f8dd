"""What the theme's pages lack for those who hear them or use the keyboard only: it is put in when they are written."""

from pathlib import Path
from typing import Any

LACKING = {
    # The names of the parts of the site are headings, whose level is not said.
    ' role="heading">': ' role="heading" aria-level="2">',
    # There are two of these, and nothing tells them apart.
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="Site">',
    '<aside class="toc-drawer">': '<aside class="toc-drawer" aria-label="On this page">',
    # On a phone code, tables and formulas are wider than the window: the keys of arrows move what has the focus.
    "<pre>": '<pre tabindex="0">',
    '<div class="table-wrapper': '<div tabindex="0" class="table-wrapper',
    '<div class="formula">': '<div class="formula" tabindex="0">',
    # The corner of a table heads nothing.
    '<th class="head"><p></p></th>': '<td class="head"><p></p></td>',
}


def completed(html: str) -> str:
    """The HTML of a page with what it lacks.

    >>> completed("<pre>1 + 1</pre>")
    '<pre tabindex="0">1 + 1</pre>'
    """
    for found, wanted in LACKING.items():
        html = html.replace(found, wanted)
    return html


def complete(app: Any, error: Exception | None) -> None:
    """Write the pages of the site once more; on those that were complete nothing changes."""
    for path in sorted(Path(app.outdir).rglob("*.html")):
        html = path.read_text(encoding="utf-8")
        if completed(html) != html:
            path.write_text(completed(html), encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    app.connect("build-finished", complete)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
