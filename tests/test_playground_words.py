"""The playground in another language: no tab says a word that is not in the table, and the language is kept in the link."""

import json
import subprocess
import sys

import pytest
from playground import FOLDER, serving
from test_words import NAMES, SEEN, TABLE, english, marked

pytestmark = pytest.mark.full

BUILD = """
import sys, zipfile, io
from pathlib import Path
tree, words, out = map(Path, sys.argv[1:])
sys.path.insert(0, str(tree))
from tinygrad_edu.show import language
language.FOLDER = words
import pieces
plain = pieces.own_wheel
def wheel(cache):
    with zipfile.ZipFile(io.BytesIO(plain(cache))) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    return pieces.archive(files | {f"tinygrad_edu/show/words/{path.name}": path.read_bytes() for path in words.iterdir()})
pieces.own_wheel = wheel
import build
sys.exit(build.main(["--out", str(out)]))
"""
# What people, programs and other libraries call things, which stays as it is.
KEPT = NAMES | {"tinygrad", "edu", "Python", "English", "CSV", "bce", "with", "logits", "hinge", "softmax", "cross", "entropy", "SGD",
                "Momentum", "Nesterov", "Adagrad", "program", "py", "term", "leaky", "Adadelta", "RMSprop", "AdamW", "Lion", "mse", "mae",
                "huber", "moons", "cos", "tg", "as"}


@pytest.fixture(scope="module")
def tab(chromium, can_build, tmp_path_factory):
    """A tab of a playground that has a language in which every word of the table stands in brackets."""
    words, folder = tmp_path_factory.mktemp("words"), tmp_path_factory.mktemp("brackets")
    table = marked(TABLE) | {"language": {"name": "⟦Brackets⟧", "direction": "ltr"}}
    for name, content in ("en", TABLE), ("brackets", table):
        (words / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    subprocess.run([sys.executable, "-c", BUILD, FOLDER, words, folder], check=True)
    with serving(folder) as host:
        found = chromium.new_page(viewport={"width": 1280, "height": 800})
        found.goto(f"{host.address}#v=1&lang=brackets")
        found.evaluate("engine.ready.then(() => null)")
        yield found
        found.close()


ACTIONS = {"expression": [], "program": ["#program_run"], "network": ["#network_one_step", "#network_one_example"],
           "quiz": [], "lessons": []}


@pytest.mark.parametrize("name", ACTIONS)
def test_a_tab_in_another_language_says_nothing_in_english(tab, name):
    tab.locator(f"#tab_{name}").click()
    for selector in ACTIONS[name]:
        tab.locator(selector).click()
    tab.locator(f"#panel_{name} details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    tab.wait_for_timeout(4000)
    found = {name: text for frame in tab.frames for text in frame.evaluate(SEEN) for name in english([text], KEPT)}
    assert found == {}


def test_the_page_says_which_language_it_speaks(tab):
    assert tab.evaluate("[document.documentElement.lang, document.documentElement.dir]") == ["brackets", "ltr"]
    assert all(frame.evaluate("document.documentElement.lang") == "brackets" for frame in tab.frames)
    tab.locator("#tab_quiz").click()
    tab.wait_for_timeout(1000)
    assert "lang=brackets" in tab.evaluate("location.hash")


def test_the_menu_changes_the_language(tab):
    assert tab.locator("#language option").all_inner_texts() == ["⟦Brackets⟧", "English"]
    with tab.expect_navigation():
        tab.locator("#language").select_option("en")
    assert tab.locator("html").get_attribute("lang") == "en"
    assert "lang=en" in tab.evaluate("location.hash") and "⟦" not in tab.locator("#header").inner_text().replace("⟦Brackets⟧", "")
