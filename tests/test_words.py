"""What pages say stands in one table: whole sentences with named holes, and no word of it elsewhere."""

import ast
import inspect
import json
import re
from string import Formatter

import pytest

import tinygrad_edu as tg
from tinygrad_edu.classroom import explain, explain_page
from tinygrad_edu.classroom.quizzes import quiz_page
from tinygrad_edu.learn import animation
from tinygrad_edu.show import page as pages
from tinygrad_edu.show import player, reasons, steps, tables, terminal, typeset
from tinygrad_edu.show.page import asset, sentences, words_of

TABLE = json.loads(asset("words/en.json"))
SCRIPTS = ["player.js", "network.js", *animation.SCRIPTS, *explain_page.SCRIPTS, quiz_page.SCRIPT_FILE]
KEYS = {"Enter", "Escape", "Shift"}              # as the browser calls them


def literals(script):
    """The texts of a script outside of comments, its templates without what is put in."""
    code = re.sub(r"^\s*//.*$", "", asset(script), flags=re.M)
    found = re.findall(r'"((?:[^"\\\n]|\\.)*)"' + r"|'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`", code)
    return ["".join(parts) for parts in found]


def sentences_in(script):
    """Literals that look as if they were for people: a capital letter before small ones, or three words and more."""
    for text in literals(script):
        bare = re.sub(r"<[^>]*>|\$\{[^}]*\}", " ", text)
        if text in KEYS or re.match(r"[.#:\[]", bare.strip()):       # or a selector
            continue
        if re.search(r"(^| )[A-Z][a-z]+( |$)", bare) or re.search(r"[a-z]{2,} [a-z]{2,} [a-z]{2,}", bare):
            yield text


@pytest.mark.parametrize("script", SCRIPTS)
def test_no_script_has_a_sentence_of_its_own(script):
    assert list(sentences_in(script)) == []


@pytest.mark.parametrize("planted", ['"Training stopped early"', "`step ${at} of the walk back`", "'not one of these'"])
def test_a_sentence_in_a_script_would_be_seen(planted, monkeypatch):
    monkeypatch.setitem(globals(), "asset", lambda name: f"const told = {planted};")
    assert list(sentences_in("player.js"))


def said_in_python(source):
    """Literals for people: two words side by side.  Docstrings are not, and errors are not part of a picture or table."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
            del node.body[0]
    errors = {part for node in ast.walk(tree) if isinstance(node, ast.Raise) for part in ast.walk(node)}
    parts = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        pieces = node.values if isinstance(node, ast.JoinedStr) else [] if node in parts else [node]
        text = "".join(str(piece.value) if isinstance(piece, ast.Constant) else "{}" for piece in pieces
                       if isinstance(piece, ast.Constant | ast.FormattedValue))
        if node not in errors and re.search(r"[a-z]{2,} ([a-z]{2,}|\{\w*\} is|a )|\} (is|has|did) |^[A-Z][a-z]+ ", re.sub(r"<[^>]*>", "", text)):
            yield text


@pytest.mark.parametrize("module", [reasons, steps, tables, terminal, typeset, explain, explain_page], ids=lambda module: module.__name__)
def test_no_reason_step_or_table_has_a_sentence_of_its_own(module):
    assert list(said_in_python(inspect.getsource(module))) == []


@pytest.mark.parametrize("planted", ['"relu is closed"', 'f"{name} is the {word}"', 'f"{x}, since this edge was not chosen"', '"this seed was given"'])
def test_a_sentence_in_python_would_be_seen(planted):
    assert list(said_in_python(f'def said():\n    """The seed was given."""\n    return {planted}'))


def test_what_is_no_sentence_may_stand_in_python():
    assert not list(said_in_python('def f():\n    """The seed was given."""\n    raise ValueError(f"the graph of {x} is old")\n'
                                   'TABLE = "step", f"{to}.grad += {by}.grad", "<th scope=col>"'))


@pytest.mark.parametrize("body", [player.BODY, animation.BODY, explain_page.BODY, pages.BAR], ids=["player", "animation", "explain", "bar"])
def test_no_page_has_a_word_of_its_own(body):
    texts = re.findall(r">([^<]*)<", body) + re.findall(r'(?:aria-label|title)="([^"]*)"', body)
    assert [text for text in texts if re.search(r"[A-Za-z]{2}", re.sub(r"\{\w+\}", "", text))] == []


@pytest.mark.parametrize("kind", ["bar", "player", "network", "animation", "explain"])
def test_every_word_of_the_table_is_said(kind):
    code = "".join(map(asset, SCRIPTS)) + "".join(map(inspect.getsource, (player, animation, explain_page, pages)))
    for key in [*TABLE[kind]["page"], *TABLE[kind]["script"]]:
        said = any(quoted in code for quoted in (f'"{key}"', f"'{key}'", f"{{{key}}}"))
        assert said or key in MADE_OF_PARTS, key


@pytest.mark.parametrize("part", ["reasons", "steps"])
def test_every_sentence_of_steps_and_reasons_is_said(part):
    code = "".join(map(inspect.getsource, (reasons, steps, tables, terminal)))
    assert {key for key in TABLE[part] if f'"{key}"' not in code} <= {"forward", "backward", "stopped"}     # kinds of steps
    for text in TABLE[part].values():
        assert all(hole is None or hole.isidentifier() for _, hole, *_ in Formatter().parse(text)), text


def test_every_sentence_of_an_explanation_is_said():
    assert [key for key in TABLE["explain"]["text"] if f'"{key}"' not in inspect.getsource(explain) + inspect.getsource(explain_page)] == []
    for text in TABLE["explain"]["text"].values():
        assert all(hole is None or hole.isidentifier() for _, hole, *_ in Formatter().parse(text)), text


# Whose keys are put together of parts, or come with the data.
MADE_OF_PARTS = {"passes", "keeps", "note_validation", "at_start_wrong", "at_epoch_wrong", "training", "validation",
                 "early", "callback", "interrupted", "exploded", "loss", "accuracy", "examples",
                 "stage_forward", "stage_loss", "stage_backward", "stage_update"}


@pytest.mark.parametrize("kind", ["player", "network", "animation", "quiz", "explain"])
def test_holes_have_names(kind):
    words = words_of(kind)
    for text in [*words.page.values(), *words.script.values(), *words.keys.values()]:
        assert all(hole is None or hole.isidentifier() for _, hole, *_ in Formatter().parse(text)), text


SEEN = """() => {
  const texts = [...document.querySelectorAll('p, li, dd, h2, button, th, td, summary, label, output, text')].map(element => {
    const copy = element.cloneNode(true);
    for (const part of copy.querySelectorAll('math, b, option')) part.remove();
    return element.closest('#graph, #picture svg, #program, #list, #say, #trace tbody') ? '' : copy.textContent;
  });
  return texts.concat([...document.querySelectorAll('[aria-label]:not(#boxes > *, #graph)')].map(e => e.getAttribute('aria-label')));
}"""


def forget_words():
    for reader in sentences, words_of:
        reader.cache_clear()


def in_brackets(table):
    return {key: in_brackets(text) if isinstance(text, dict) else f"⟦{text}⟧" for key, text in table.items()}


def outside(text):
    """What of a text stands in no brackets."""
    while (shorter := re.sub("⟦[^⟦⟧]*⟧", "", text)) != text:
        text = shorter
    return text


def page_of_kind(kind):
    if kind == "animation":
        return tg.animate_training(tg.MLP(2, [3, 2], rng=0), tg.data.xor(12), epochs=2, resolution=4, progress=False)
    f = tg.expression("a * a + relu(b) * a - a / b", a=2, b=-1)
    return tg.play(f) if kind == "player" else tg.explain(f, "a", paths=2).page


@pytest.mark.parametrize("kind", ["player", "animation", "explain"])
def test_a_page_of_another_table_says_nothing_in_english(opened, kind, monkeypatch):
    monkeypatch.setattr(pages, "asset", lambda name: json.dumps(in_brackets(TABLE)) if name.endswith("json") else asset(name))
    forget_words()
    try:
        tab = opened(page_of_kind(kind))
        while True:
            english = [text for text in tab.evaluate(SEEN) if re.search(r"[A-Za-z]{3}", outside(text).replace("MLP", ""))]
            assert [text for text in english if text.strip() not in ("same", "xor", "different")] == []
            if tab.locator("#next").get_attribute("aria-disabled") == "true":
                break
            tab.locator("#next").click()
    finally:
        forget_words()


def test_steps_in_another_language_say_nothing_in_english(monkeypatch):
    monkeypatch.setattr(pages, "asset", lambda name: json.dumps(in_brackets(TABLE)) if name.endswith("json") else asset(name))
    forget_words()
    try:
        events = tg.steps(tg.expression("relu(a) * clip(b, -1, 1) + max(a, b) + where(a, b, 3)", a=-2, b=-2), seed=2.0)
        shown = [cell for row in events.rows() for cell in row]
        shown += [terminal.drawn(events, at, 200, 40) for at in range(len(events) + 1)]
        english = [re.findall(r"[a-z]{2,} [a-z]{2,}", outside(re.sub(r"\x1b\[[\d;]*m", "", text))) for text in shown]
        assert english == [[]] * len(shown)
    finally:
        forget_words()


def test_the_table_is_read_as_it_is_written():
    assert ast.literal_eval(asset("words/en.json")) == TABLE         # no name twice would be lost: JSON of texts only
    assert len(asset("words/en.json").splitlines()) < 200
