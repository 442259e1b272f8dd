"""What pages say stands in one table: whole sentences with named holes, and no word of it elsewhere."""

import ast
import inspect
import json
import re
from string import Formatter

import pytest
from test_show import a_network_and_its_loss

import tinygrad_edu as tg
from tinygrad_edu.classroom import explain, explain_page
from tinygrad_edu.classroom.faults.models import MODELS
from tinygrad_edu.classroom.quizzes import quiz_graphs, quiz_kinds, quiz_page
from tinygrad_edu.classroom.quizzes.questions import all_kinds, quiz
from tinygrad_edu.classroom.quizzes.quiz_text import key_lines
from tinygrad_edu.learn import animation
from tinygrad_edu.show import (
    language,
    page,
    player,
    reasons,
    steps,
    tables,
    terminal,
    typeset,
)
from tinygrad_edu.show.page import asset, words_of

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


@pytest.mark.parametrize("module", [reasons, steps, tables, terminal, typeset, explain, explain_page, quiz_graphs, quiz_kinds, quiz_page], ids=lambda module: module.__name__)
def test_no_reason_step_or_table_has_a_sentence_of_its_own(module):
    assert list(said_in_python(inspect.getsource(module))) == []


@pytest.mark.parametrize("planted", ['"relu is closed"', 'f"{name} is the {word}"', 'f"{x}, since this edge was not chosen"', '"this seed was given"'])
def test_a_sentence_in_python_would_be_seen(planted):
    assert list(said_in_python(f'def said():\n    """The seed was given."""\n    return {planted}'))


def test_what_is_no_sentence_may_stand_in_python():
    assert not list(said_in_python('def f():\n    """The seed was given."""\n    raise ValueError(f"the graph of {x} is old")\n'
                                   'TABLE = "step", f"{to}.grad += {by}.grad", "<th scope=col>"'))


@pytest.mark.parametrize("body", [player.BODY, animation.BODY, explain_page.BODY, page.BAR], ids=["player", "animation", "explain", "bar"])
def test_no_page_has_a_word_of_its_own(body):
    texts = re.findall(r">([^<]*)<", body) + re.findall(r'(?:aria-label|title)="([^"]*)"', body)
    assert [text for text in texts if re.search(r"[A-Za-z]{2}", re.sub(r"\{\w+\}", "", text))] == []


@pytest.mark.parametrize("kind", ["bar", "player", "network", "animation", "explain"])
def test_every_word_of_the_table_is_said(kind):
    code = "".join(map(asset, SCRIPTS)) + "".join(map(inspect.getsource, (player, animation, explain_page, page)))
    for key in [*TABLE[kind]["page"], *TABLE[kind]["script"]]:
        said = any(quoted in code for quoted in (f'"{key}"', f"'{key}'", f"{{{key}}}"))
        assert said or key in MADE_OF_PARTS, key


@pytest.mark.parametrize("part", ["reasons", "steps"])
def test_every_sentence_of_steps_and_reasons_is_said(part):
    code = "".join(map(inspect.getsource, (reasons, steps, tables, terminal)))
    assert {key for key in TABLE[part] if f'"{key}"' not in code} <= {"forward", "backward", "stopped"}     # kinds of steps
    for text in TABLE[part].values():
        assert all(hole is None or hole.isidentifier() for _, hole, *_ in Formatter().parse(text)), text


def test_every_sentence_of_a_question_is_said():
    code = inspect.getsource(quiz_kinds) + inspect.getsource(quiz_graphs)
    assert [key for key in TABLE["questions"] if f'"{key}"' not in code] == []


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


# ---- other languages --------------------------------------------------------------------------------------------


def test_german_says_sie_to_everybody():
    table = asset("words/de.json")
    assert re.findall(r"\b(?:du|dich|dir|dein(?:e[mnrs]?)?)\b", table, flags=re.I) == []
    assert re.search(r"\bSie\b", table)


def holes(text):
    return sorted(hole for _, hole, *_ in Formatter().parse(text) if hole is not None)


def shape(table, where=""):
    """{place of a sentence: its holes}; of keys, whose names are words too, only how many there are."""
    found = {}
    for key, part in table.items():
        place = f"{where}.{key}" if where else key
        if isinstance(part, dict):
            found |= {place: len(part)} if key == "keys" else shape(part, place)
        else:
            found[place] = holes(part)
    return found


def unlike(one, other):
    """Where two languages do not say the same."""
    one, other = shape(one), shape(other)
    return {place for place in one.keys() | other.keys() if one.get(place) != other.get(place)}


@pytest.mark.parametrize("name", tg.languages())
def test_a_language_has_every_sentence_with_its_holes(name):
    assert unlike(language.table(name), TABLE) == set()
    assert language.table(name)["language"]["direction"] in ("ltr", "rtl")


def test_a_sentence_or_hole_that_is_missing_would_be_seen():
    assert unlike({"a": {"b": "no hole", "c": "here"}}, {"a": {"b": "a {hole}"}}) == {"a.b", "a.c"}
    assert unlike({"keys": {"Space": "plays", "f": "ends"}}, {"keys": {"Leertaste": "spielt"}}) == {"keys"}


def test_a_language_is_chosen_by_its_name():
    assert "en" in tg.languages()
    with pytest.raises(ValueError, match="there is no language 'xx': write one of "):
        tg.set_language("xx")
    assert language.chosen() == "en"


def test_the_environment_says_which_language_is_spoken_at_first(monkeypatch):
    monkeypatch.setenv(language.VARIABLE, "xx")
    monkeypatch.setattr(language, "_chosen", "")
    with pytest.raises(ValueError, match="there is no language 'xx'"):
        tg.play(tg.expression("x * y", x=1, y=2))


def marked(part, name=""):
    """A part of the table with each word of it in brackets; what is put into holes stands outside of them."""
    if isinstance(part, str):
        return "".join(re.sub(r"[^\W\d_]+", "⟦\\g<0>⟧", plain) + f"{{{hole}}}" * (hole is not None)
                       for plain, hole, *_ in Formatter().parse(part))
    return {marked(key) if name == "keys" else key: marked(inside, key) for key, inside in part.items()}


@pytest.fixture
def brackets(tmp_path_factory, monkeypatch):
    """A language in which every word of the table stands in brackets."""
    folder = tmp_path_factory.mktemp("words")
    table = marked(TABLE) | {"language": {"name": "⟦Brackets⟧", "direction": "ltr"}}
    for name, content in ("en", TABLE), ("brackets", table):
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    monkeypatch.setattr(language, "FOLDER", folder)
    monkeypatch.setattr(language, "_chosen", "brackets")


NAMES = {*tg.OPS, "data", "grad", "max", "min", "low", "high",               # these stay as they are, as do names of nodes
         "MLP", "model", "layer", "layers", "neuron", "neurons", "loss", "linear", "same", "different", "xor", "Adam", "if", "else", "ln", "lr", "softmax"}


def english(texts, names=NAMES):
    """Words that stand in no brackets."""
    return [word for text in texts for word in re.findall(r"[^\W\d_²³]{2,}", re.sub("⟦[^⟦⟧]*⟧", " ", text)) if word not in names]


SEEN = """() => {
  const own = [...document.querySelectorAll('body, body *')].filter(element => !element.closest('script, style, noscript, math, code, pre, body [lang=en]'));
  const texts = own.flatMap(element => [...element.childNodes].filter(node => node.nodeType === 3).map(node => node.data));
  const named = own.flatMap(element => ['aria-label', 'title', 'placeholder', 'alt', 'aria-description'].map(a => element.getAttribute(a) || ''));
  return texts.concat(named, document.title);
}"""


def page_of_kind(kind):
    if kind == "animation":
        return tg.animate_training(tg.MLP(2, [3, 2], rng=0), tg.data.xor(12), epochs=2, resolution=4, progress=False)
    f = tg.expression("a * a + relu(b) * a - a / b", a=2, b=-1)
    return {"player": lambda: tg.play(f), "explain": lambda: tg.explain(f, "a", paths=2).page,
            "network": lambda: tg.play(a_network_and_its_loss([2, 1])[1])}[kind]()


@pytest.mark.parametrize("kind", ["player", "network", "animation", "explain"])
def test_a_page_of_another_table_says_nothing_in_english(opened, kind, brackets):
    tab = opened(page_of_kind(kind))
    assert tab.locator("html").get_attribute("lang") == "brackets"
    while True:
        assert english(tab.evaluate(SEEN)) == []
        if tab.locator("#next").get_attribute("aria-disabled") == "true":
            break
        tab.locator("#next").click()


def test_steps_in_another_language_say_nothing_in_english(brackets):
    events = tg.steps(tg.expression("relu(a) * clip(b, -1, 1) + max(a, b) + where(a, b, 3)", a=-2, b=-2), seed=2.0)
    shown = [cell for row in events.rows() for cell in row]
    shown += [terminal.drawn(events, at, 200, 40) for at in range(len(events) + 1)]
    assert english(re.sub(r"\x1b\[[\d;]*m", "", text) for text in shown) == []


def test_the_questions_in_another_language_say_nothing_in_english(opened, brackets):
    made = quiz(sorted(all_kinds()), seed=7, n=2 * len(all_kinds()), level=1)
    tab = opened(made.html())
    for item in made.items:
        answers = [blank.choices[0] if blank.is_choice else "-17" for blank in item.blanks]
        for blank, answer in zip(item.blanks, answers):
            assert english([blank.reply(answer).text]) == []
    tab.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
    tab.locator(".check").evaluate_all("all => all.forEach(one => one.click())")
    assert english(tab.evaluate(SEEN)) == []
    code = {line for item in made.items if item.kind in ("faulty", "counterexample") for line in item.lines}
    told = [text for item in made.items for text in [item.stem, *item.lines, *item.worked] if text not in code]
    assert english([*told, *[text for item in made.items for text in key_lines(item)]]) == []


def test_the_table_has_the_faults_as_they_are_declared():
    assert TABLE["faults"] == {name: model.title for name, model in MODELS.items() if model.engine}


@pytest.mark.parametrize("made", ["boxes", "circuit", "network", "frames"])
def test_a_picture_in_another_language_says_nothing_in_english(made, brackets):
    f = tg.expression("relu(a) * clip(b, -1, 1) + max(a, b)", a=-2, b=-2)
    f.backward()
    pictures = {"boxes": lambda: [tg.draw(f).svg], "circuit": lambda: [tg.draw(f, style="circuit").svg],
                "network": lambda: [tg.draw(tg.MLP(2, [3, 1], rng=0)).svg],
                "frames": lambda: [drawing.svg for drawing in tg.frames(f)]}[made]()
    texts = [text for svg in pictures for text in re.findall(r">([^<>]+)<", re.sub("<style>.*?</style>|&gt;", "", svg))]
    assert texts and english(texts) == []


@pytest.mark.parametrize("planted", ["the start", "⟦gradient⟧ of", "⟦a⟧ leaf: 3"])
def test_a_word_outside_of_the_brackets_would_be_seen(planted):
    assert english([planted])
