"""Notebooks as HTML that shows its formulas without a network: `python docs/printed.py notebooks/05_losses.ipynb`.

Jupyter's own export fetches a script that typesets the formulas, so without a network they stay LaTeX. Here they
become MathML, and nothing is fetched. It needs `pip install ".[notebooks,docs]"`.
"""

import argparse
import re
import sys
from html import unescape
from pathlib import Path

from nbconvert import HTMLExporter

sys.path.insert(0, str(Path(__file__).resolve().parent / "_ext"))
from mathml import as_mathml

TEMPLATE = """{%- extends 'lab/index.html.j2' -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
"""
# What is no text comes first, so that a dollar sign in it is passed over.
FORMULA = re.compile(r"""<!--.*?-->
    | <(?P<tag>script|style|pre|code|svg|title)\b.*?</(?P=tag)>
    | <(?:"[^"]*"|'[^']*'|[^'">])*>
    | \$\$(?P<block>[^$<]+)\$\$
    | \$(?P<inline>[^$<]+)\$""", re.DOTALL | re.VERBOSE)


def main(arguments: list[str] | None = None) -> int:
    """Write an HTML file for each notebook; 1 if one cannot be read or written."""
    parser = argparse.ArgumentParser(description="Write notebooks as HTML that shows its formulas without a network.")
    parser.add_argument("notebooks", nargs="+", type=Path, help="the notebooks")
    parser.add_argument("--to", type=Path, default=Path(), metavar="FOLDER", help="where the files go; here by default")
    options = parser.parse_args(arguments)
    try:
        for path in options.notebooks:
            page = options.to / path.with_suffix(".html").name
            page.write_text(printed(path), encoding="utf-8", newline="\n")
            print(page)
    except (OSError, ValueError) as error:
        print(f"{path}: {error}", file=sys.stderr)
        return 1
    return 0


def printed(path: Path) -> str:
    """The HTML of a notebook; ValueError for a formula that MathML cannot show, or a file that is no notebook."""
    body, _ = HTMLExporter(raw_template=TEMPLATE).from_filename(str(path))
    return with_mathml(body)


def with_mathml(html: str) -> str:
    """HTML whose formulas are MathML; code, scripts and pictures keep their dollar signs.

    >>> with_mathml("<p>$x$ <code>$x$</code></p>").count("<math")
    1
    """
    return FORMULA.sub(typeset, html)


def typeset(found: re.Match[str]) -> str:
    for display in "block", "inline":
        if found[display]:
            return as_mathml(unescape(found[display]).strip(), display)
    return found[0]


if __name__ == "__main__":
    sys.exit(main())
