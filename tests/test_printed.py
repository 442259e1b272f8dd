"""Notebooks exported as HTML show their formulas without a network, and fetch nothing."""

import doctest
import importlib
from pathlib import Path

import pytest

pytest.importorskip("nbconvert", reason='the export needs nbconvert: pip install ".[notebooks]"')
pytest.importorskip("latex2mathml", reason='the export needs latex2mathml: pip install ".[docs]"')

ROOT = Path(__file__).resolve().parents[1]
TEXT = """() => {
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = []
    while (walk.nextNode())
        if (!walk.currentNode.parentElement.closest("code, pre, script, style, math")) found.push(walk.currentNode.data)
    return found.join(" ")
}"""


@pytest.fixture
def printing(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    return importlib.import_module("printed")


def seen(chromium, page):
    """(text that is no code, sizes of the formulas, what was asked for) of a file opened without a network."""
    context = chromium.new_context(offline=True)
    tab, asked = context.new_page(), []
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(page.as_uri())
    sizes = tab.evaluate("() => [...document.querySelectorAll('math')].map(e => e.getBoundingClientRect().width)")
    text = tab.evaluate(TEXT)
    context.close()
    return text, sizes, [url for url in asked if url.startswith(("http:", "https:"))]


@pytest.mark.parametrize("name", ["01_a_graph_by_hand", "05_losses"])
def test_an_exported_notebook_shows_its_formulas_without_a_network(printing, chromium, tmp_path, name, capsys):
    assert printing.main([str(ROOT / "notebooks" / f"{name}.ipynb"), "--to", str(tmp_path)]) == 0
    page = tmp_path / f"{name}.html"
    assert capsys.readouterr().out == f"{page}\n"
    text, sizes, asked = seen(chromium, page)
    assert len(sizes) > 10 and min(sizes) > 0 and "$" not in text and asked == []


def test_jupyters_own_export_does_not(chromium, tmp_path):
    """So the test above is able to fail."""
    from nbconvert import HTMLExporter
    page = tmp_path / "plain.html"
    page.write_text(HTMLExporter().from_filename(str(ROOT / "notebooks" / "05_losses.ipynb"))[0], encoding="utf-8")
    text, _, asked = seen(chromium, page)
    assert "$" in text and asked


def test_what_is_no_formula_keeps_its_dollar_signs(printing):
    for html in '<p title="$a$">5</p>', "<pre>$a$</pre>", "<script>$a$</script>", "<svg><text>$a$</text></svg>", "<!-- $a$ -->":
        assert printing.with_mathml(html) == html
    assert printing.with_mathml("<p>$a &lt; b$</p>").count("<math") == 1
    assert doctest.testmod(printing).failed == 0


@pytest.mark.parametrize("text", [None, "no notebook", '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": '
                                  '[{"cell_type": "markdown", "id": "a", "metadata": {}, "source": "$\\\\nosuchcommand{x}$"}]}'])
def test_a_file_that_cannot_be_exported_is_named_and_no_traceback_shown(printing, tmp_path, capsys, text):
    path = tmp_path / "bad.ipynb"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    assert printing.main([str(path), "--to", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert said.err.startswith(f"{path}: ") and not said.out and not (tmp_path / "bad.html").exists()
