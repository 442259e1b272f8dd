"""The quiz and the lessons of the playground: questions as on the desktop, judged alike, and links that lead somewhere."""

import json
import re
from functools import cache
from urllib.parse import parse_qsl

import pytest
from playground import FOLDER, module, tabs_of
from test_words import sentences_in

import tinygrad_edu as tg
from tinygrad_edu.classroom.quizzes.questions import all_kinds, exact, quiz
from tinygrad_edu.show import language

if not FOLDER.is_dir():
    pytest.skip("the playground is not part of this installation", allow_module_level=True)
questions, quiz_parts, lesson_parts = map(module, ("python/questions", "quiz_parts", "lesson_parts"))
ANSWERS = ("3/4", "-0.5", "2", "1e3", "two", "", " ", "1/0", "−1")


def request(**others):
    return {"kinds": [], "seed": "7", "level": 2, "count": 19} | others


def asked(name, *arguments, **others):
    """What `answers.answer` says, as the page gets it."""
    return json.loads(json.dumps(module("python/answers").answer(name, request(**others)), allow_nan=False))


# ---- Python's side

@pytest.mark.parametrize("level", [1, 2, 3])
def test_the_questions_are_those_of_the_desktop(level):
    told, made = asked("quiz", level=level)["questions"], quiz(seed="7", n=19, level=level).items
    assert {item.kind for item in made} == set(all_kinds())
    assert [(one["kind"], one["stem"], one["lines"]) for one in told] == [(item.kind, item.stem, list(item.lines)) for item in made]
    assert [[(blank["label"], blank["choices"]) for blank in one["blanks"]] for one in told] == [
        [(blank.label, blank.choices if blank.is_choice else []) for blank in item.blanks] for item in made]
    assert [bool(one["picture"]) for one in told] == [item.is_drawn for item in made]


def test_right_answers_are_right_and_each_wrong_one_gets_its_reason():
    for number, item in enumerate(quiz(seed="7", n=19, level=2).items):
        given = [str(blank.answer) for blank in item.blanks]
        right = asked("quiz_check", number=number, answers=given)["replies"]
        assert [reply["isRight"] for reply in right] == [True] * len(item.blanks)
        for k, blank in enumerate(item.blanks):
            for wrong in blank.wrong:
                slipped = [*given[:k], str(wrong.answer), *given[k + 1:]]
                reply = asked("quiz_check", number=number, answers=slipped)["replies"][k]
                assert not reply["isRight"] and wrong.reason in reply["text"]


def test_what_is_no_number_is_told_so_and_nothing_is_said_to_an_empty_place():
    replies = [asked("quiz_check", kinds=["local"], count=1, number=0, answers=[text])["replies"][0]["text"] for text in ("two", "1/0", " ")]
    assert "'two' is not a number here" in replies[0] and "'1/0' is not a number here" in replies[1] and replies[2] == ""


@pytest.mark.parametrize("others, said", [
    ({"kinds": ["riddle"]}, "riddle"), ({"level": 4}, "level"), ({"level": "<b>"}, "level"), ({"count": "many"}, "count"),
    ({"count": 31}, "30"), ({"count": 0}, "count"), ({"kinds": ["local"], "level": 1, "count": 30, "seed": "x" * 10_000}, "")])
def test_a_request_that_cannot_be_met_is_told_why(others, said):
    answer = asked("quiz", **others)
    assert said in answer["error"] if said else len(answer["questions"]) == 30


def test_the_language_that_is_spoken_is_that_of_the_questions():
    stems = {}
    for name in language.languages():
        with language.speaking(name):
            stems[name] = [one["stem"] for one in asked("quiz")["questions"]]
    assert all(stems["en"] != others for name, others in stems.items() if name != "en")


@pytest.mark.parametrize("name", language.languages())
def test_every_kind_of_question_has_words(name):
    words = language.table(name)["playground_quiz"]["script"]
    assert {key.removeprefix("kind_") for key in words if key.startswith("kind_")} == set(all_kinds())


# ---- lessons

def lessons():
    return lessons_at(**lesson_parts.places)


@cache
def lessons_at(**places):
    """What the tab is built from, read once for each place of the lab."""
    script = lesson_parts.script()
    return json.loads(script[script.index("{"):script.rindex("}") + 1])


def test_every_notebook_is_there_with_what_one_learns():
    told = lessons()
    files = [one["file"] for one in [*told["lessons"], *told["notebooks"]]]
    assert files == [path.relative_to(lesson_parts.NOTEBOOKS).as_posix() for folder in ("course/*", "*")
                     for path in sorted(lesson_parts.NOTEBOOKS.glob(f"{folder}.ipynb"))]
    assert all(re.search(r"\d+ minutes\.$", one["told"]) for one in told["lessons"])
    assert all(one["told"] and one["lecture"] for one in told["notebooks"])


def test_every_graph_to_try_is_one_that_the_engine_reads():
    graphs = [one["state"] for told in lessons().values() if isinstance(told, list) for lesson in told for one in lesson["tries"]
              if one["tab"] == "expression"]
    assert len(graphs) > 10
    for state in graphs:
        text, numbers = state["e"], {name: float(x) for name, x in state.items() if name != "e"}
        leaves = [leaf for leaf in tg.leaves(tg.expression(text, **numbers)) if leaf.label]
        assert {leaf.label for leaf in leaves} == set(numbers)


def test_every_network_to_try_is_one_that_the_tab_can_draw():
    parts = module("network_parts")
    networks = [one["state"] for told in lessons().values() if isinstance(told, list) for lesson in told for one in lesson["tries"]
                if one["tab"] == "network"]
    assert len(networks) > 3
    for state in networks:
        assert state["data"] in parts.sets()
        assert all(0 < int(neurons) <= parts.WIDEST for neurons in state["layers"].split("-"))


def test_a_notebook_tells_how_many_of_its_cells_the_lab_cannot_run():
    lost = {one["file"]: one["lost"] for kind in ("lessons", "notebooks") for one in lessons()[kind]}
    assert {file for file, (count, _) in lost.items() if count} == {
        "course/6_scaling.ipynb", "04_from_neuron_to_mlp.ipynb", "08_homework_checked.ipynb", "11_from_graph_to_program.ipynb"}
    assert all(0 <= count < every for count, every in lost.values())


@pytest.mark.parametrize("script", ["quiz_tab", "lessons_tab"])
def test_a_tab_has_no_sentence_of_its_own(script, monkeypatch):
    monkeypatch.setitem(sentences_in.__globals__, "asset", lambda name: (FOLDER / "app" / f"{name}.js").read_text(encoding="utf-8"))
    assert list(sentences_in(script)) == []


# ---- in the browser

@pytest.fixture(scope="module")
def context(chromium):
    made = chromium.new_context(viewport={"width": 1280, "height": 800})
    yield made
    made.close()


@pytest.fixture
def opened(context, playground):
    """A function that opens the playground at a hash: see `tabs_of`."""
    with tabs_of(context, playground) as open_at:
        yield lambda hash: open_at(f"v=1&{hash}")


@pytest.fixture(scope="module")
def running(context, playground):
    """A page whose Python is there, for all tests that need it, and what was thrown and asked there."""
    tab, complaints, requests = context.new_page(), [], []
    listen(tab, complaints, requests)
    tab.goto(f"{playground}#v=1&tab=quiz")
    tab.evaluate("engine.ready.then(() => null)")
    yield tab, complaints, requests
    tab.close()


@pytest.fixture
def asking(running, playground):
    """A function that follows a link in the page whose Python is there."""
    tab, complaints, requests = running

    def follow(hash):
        tab.evaluate("hash => { location.hash = hash; }", f"#v=1&{hash}")
        return tab

    yield follow
    check_quiet(complaints, requests, playground)


def listen(tab, complaints, requests):
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("request", lambda request: requests.append(request.url))


def check_quiet(complaints, requests, playground):
    assert complaints == [] and [url for url in requests if not url.startswith((playground, "data:", "blob:"))] == []


def fill(section, answers):
    """Write or choose the answers to a question."""
    places = section.locator(".quiz_place")
    for k, text in enumerate(answers):
        place = places.nth(k)
        if place.locator("[type=radio]").count():
            place.locator(f"[value={json.dumps(text)}]").check()
        else:
            place.locator("input").fill(text)


@pytest.mark.full
def test_a_question_is_there_before_python_and_is_judged_by_the_page(opened):
    tab = opened("tab=quiz")
    first, item = tab.locator("#quiz_questions section"), quiz(kinds="diamond", seed="7", level=1, n=1).items[0]
    assert first.count() == 1 and item.stem in first.locator("h3").inner_text() and first.locator("svg").count() == 1
    for wrong in item.wrong:
        fill(first, [str(wrong.answer)])
        first.get_by_role("button").click()
        assert wrong.reason in first.locator(".quiz_said").inner_text()
    fill(first, [str(item.answer)])
    first.locator("input").press("Enter")
    assert first.locator(".quiz_said").inner_text() == "✓ right" and tab.locator("#quiz_score").inner_text() == "1 of 1 questions right"


@pytest.mark.full
def test_a_phone_shows_a_small_drawing_of_a_question_whole(opened):
    tab = opened("tab=quiz")
    tab.set_viewport_size({"width": 390, "height": 844})
    assert tab.locator("#quiz_questions figure").evaluate("one => one.scrollWidth <= one.clientWidth")


@pytest.mark.full
def test_page_and_engine_judge_the_first_question_alike(asking):
    tab = asking("tab=quiz")
    tab.evaluate("engine.ready.then(() => null)")
    for text in ANSWERS:
        by_page = tab.evaluate("text => quiz_replies(quiz_data.starts.en.words)(text, quiz_data.starts.en.question.answers[0])", text)
        by_engine = tab.evaluate("request => engine.ask('quiz_check', request)", questions.FIRST | {"number": 0, "answers": [text]})
        [reply] = by_engine["replies"]
        assert by_page["isRight"] == reply["isRight"] and bool(by_page["text"]) == bool(reply["text"])


@pytest.mark.full
def test_a_link_makes_the_same_quiz_and_its_answers_are_judged_and_counted(asking):
    tab, made = asking("tab=quiz&kinds=fault,local,picture&level=2&count=3&seed=ann"), quiz(["fault", "local", "picture"], "ann", 3, 2)
    tab.locator("#quiz_questions section").nth(2).wait_for(timeout=60_000)
    for number, item in enumerate(made.items):
        section = tab.locator("#quiz_questions section").nth(number)
        assert item.stem in section.locator("h3").inner_text()
        fill(section, [str(blank.answer) for blank in item.blanks])
        section.get_by_role("button").click()
        section.locator(".quiz_right").nth(len(item.blanks) - 1).wait_for()
        section.locator("summary").click()
        assert section.locator("ul li").all_inner_texts() == [f"{blank.label}: {exact(blank.answer)}" for blank in item.blanks]
    assert tab.locator("#quiz_score").inner_text() == "3 of 3 questions right"
    tab.locator("#quiz_another").click()
    tab.locator("#quiz_told", has_text=re.compile("^$")).wait_for(state="attached")
    tab.wait_for_url("**seed=ann1**")
    assert dict(parse_qsl(tab.url.partition("#")[2]))["kinds"] == "fault,local,picture"
    tab.evaluate("location.hash = '#v=1&tab=quiz&seed=bob&count=1'")       # what it leaves out is as on a fresh page
    tab.wait_for_url("**kinds=&level=2&count=1&seed=bob**")
    stem = quiz(seed="bob", n=1, level=2).items[0].stem
    tab.locator("#quiz_questions h3", has_text=stem).wait_for(timeout=60_000)


@pytest.mark.full
def test_a_quiz_that_cannot_be_made_says_why(asking):
    tab = asking("tab=quiz&count=2")
    tab.locator("#quiz_questions section").nth(1).wait_for(timeout=60_000)
    asking("tab=quiz&kinds=%3Cb%3E&level=2&count=3&seed=1")
    tab.locator("#quiz_told", has_text="<b>").wait_for(timeout=60_000)
    assert tab.locator("#quiz_questions section").count() == 2          # those that were there


@pytest.mark.full
def test_half_a_letter_as_a_seed_makes_a_link_nevertheless(asking):
    tab = asking("tab=quiz&count=1")
    tab.wait_for_url("**count=1**")
    tab.evaluate("""() => {
        const seed = document.getElementById("quiz_seed");
        seed.value = "a\\ud800";
        seed.dispatchEvent(new Event("input"));
        document.getElementById("quiz_draw").click();
    }""")
    tab.wait_for_url("**seed=a%EF%BF%BD**")
    stem = quiz(seed="a\ufffd", n=1, level=2).items[0].stem
    tab.locator("#quiz_questions h3", has_text=stem).wait_for(timeout=60_000)


@pytest.mark.full
def test_a_graph_of_a_lesson_opens_in_its_tab(asking):
    tab = asking("tab=lessons")
    tab.locator("a.lessons_try", has_text="q = x + y; f = q * z").first.click()
    tab.locator("#tab_expression[aria-selected=true]").wait_for()
    assert tab.locator("#expression_text").first.input_value() == "q = x + y; f = q * z"


@pytest.mark.full
def test_without_a_lab_the_lessons_say_how_it_is_built(asking):
    tab = asking("tab=lessons")
    assert "python docs/build.py" in tab.locator("#lessons_all pre").inner_text()
    assert tab.locator("#lessons_all h3").count() == len([*lesson_parts.NOTEBOOKS.rglob("[0-9]*.ipynb")])


def test_where_a_lab_and_a_site_stand_the_lessons_lead_there(monkeypatch):
    monkeypatch.setitem(lesson_parts.places, "lab", "../lab/")
    monkeypatch.setitem(lesson_parts.places, "site", "../")
    assert (lessons()["lab"], lessons()["site"]) == ("../lab/", "../")
