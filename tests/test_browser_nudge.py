"""A nudge of a leaf, the page as a program, and the page as a link, in a browser."""

import contextlib
import io
import math

import pytest
from test_browser_player import boxes, go, place
from waiting import until

import tinygrad_edu as tg
from tinygrad_edu.show.page import words_of


@pytest.fixture
def opened(opened_again):
    return opened_again


WORDS = words_of("predict").script
CLIPBOARD = {"permissions": ["clipboard-read", "clipboard-write"]}


def circuit(**others):
    return tg.expression("q = x + y; f = q * z", **({"x": -2, "y": 5, "z": -4} | others))


def nudged(tab, leaf, by):
    tab.locator("#nudged").select_option(leaf)
    tab.locator("#nudge_by").focus()
    tab.keyboard.press("Control+A")
    tab.keyboard.press("Delete")
    tab.keyboard.type(by)
    tab.keyboard.press("Enter")
    return tab.locator("#nudge_told").inner_text()


def everything(tab):
    return tab.evaluate("[document.getElementById('panel'), document.getElementById('trace'), document.getElementById('graph')].map(e => e.textContent)")


# ---- nudges

def test_a_straight_line_comes_to_what_was_predicted(opened):
    tab = opened(tg.play(circuit()))
    assert nudged(tab, "x", "0.001") == "f: −12 → −12.004. Predicted: −12 + (−4) × 0.001 = −12.004. They agree."
    assert nudged(tab, "z", "-1/2") == "f: −12 → −13.5. Predicted: −12 + 3 × (−0.5) = −13.5. They agree."


def test_a_curve_leaves_the_prediction_by_a_quarter_for_half_the_nudge(opened):
    tab = opened(tg.play(tg.expression("x * x", x=3)))
    assert nudged(tab, "x", "0.1") == ("f: 9 → 9.61. Predicted: 9 + 6 × 0.1 = 9.6. "
                                       "They are 0.01 apart, since f bends; with half the nudge 0.0025.")
    small = nudged(tab, "x", "1e-3")
    assert small.startswith("f: 9 → 9.006001. Predicted: 9 + 6 × 0.001 = 9.006. They are 1e−06 apart")


@pytest.mark.parametrize("by", ["0.3", "1e-3", "-1e-4", "1e-6"])
def test_the_numbers_of_a_nudge_are_those_of_the_engine(opened, by):
    at, f = {"x": .7, "y": -1.3}, "tanh(x * y) + exp(x)"
    told = nudged(opened(tg.play(tg.expression(f, **at))), "x", by).replace("−", "-")
    real, before = (tg.expression(f, x=x, y=at["y"]).data for x in (at["x"] + float(by), at["x"]))
    shown = float(told.split("→ ")[1].split(". Predicted")[0])
    predicted = float(told.split("= ")[1].split(". They")[0])
    graph = tg.expression(f, **at)
    graph.backward()
    slope = next(node for node in tg.topological_order(graph) if node.label == "x").grad
    assert shown == pytest.approx(real, abs=abs(real - before) / 100) and shown != predicted
    assert predicted == pytest.approx(before + slope * float(by), abs=abs(real - before - slope * float(by)) + 1e-14)


def test_nothing_changes_until_the_nudge_is_kept(opened):
    tab = opened(tg.play(circuit()))
    go(tab, 7)
    before = everything(tab)
    nudged(tab, "y", "0.5")
    assert everything(tab) == before and place(tab) == 7
    tab.locator("#nudge_keep").click()
    assert boxes(tab)["y"][0] == "5.5" and boxes(tab)["z"][1] == "3.5"
    assert tab.locator("#nudge_told").inner_text() == "" and not tab.locator("#nudge_keep").is_visible()


def test_every_leaf_can_be_nudged(opened):
    tab = opened(tg.play(circuit()))
    assert tab.locator("#nudged option").all_inner_texts() == ["x", "y", "z"]


@pytest.mark.parametrize("by", ["0", "x", "", "0,5", "1/0", "1e999"])
def test_what_is_no_nudge_is_refused(opened, by):
    tab = opened(tg.play(circuit()))
    assert nudged(tab, "x", by) == WORDS["nudge_needs"]
    assert tab.locator("#nudge_by").get_attribute("aria-invalid") == "true" and not tab.locator("#nudge_keep").is_visible()


def test_a_nudge_out_of_the_domain_gets_the_engines_sentence(opened):
    tab = opened(tg.play(tg.expression("log(x)", x=1)))
    with pytest.raises(tg.DomainError) as error:
        tg.log(tg.Value(-1.0, label="x"))
    assert str(error.value).replace("-", "−") == nudged(tab, "x", "-2").replace("-", "−")


def test_a_nudge_too_small_for_a_float_is_said_to_be(opened):
    assert nudged(opened(tg.play(circuit())), "x", "1e-300") == "x stays the same float: take a larger nudge."


def test_a_seed_does_not_change_what_a_nudge_does(opened):
    assert nudged(opened(tg.play(circuit(), seed=3.0)), "x", "0.001").endswith("They agree.")


# ---- the page as a program

def copied(tab, button):
    tab.locator(button).click()
    until(tab, "document.getElementById('copied').textContent !== ''")
    return tab.evaluate("navigator.clipboard.readText()")


def printed(program):
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        exec(program, {})                           # of our own page
    return dict(line.split(" = ") for line in told.getvalue().splitlines())


@pytest.mark.parametrize("x", ["-2", "0.1", "1e21", "-0", "1e-7", "123456789012345680000"])
def test_the_program_has_the_numbers_of_the_page(opened, x):
    tab = opened(tg.play(circuit()), **CLIPBOARD)
    tab.locator("#knobs input[type=number]").first.fill(x)
    tab.wait_for_timeout(60)
    f = circuit(x=float(x))
    f.backward()
    told = printed(copied(tab, "#as_python"))
    assert float(told["f"]) == f.data and float(told["z.grad"]) == float(x) + 5
    assert tab.locator("#copied").inner_text() == WORDS["copied_python"]


def test_where_no_page_may_copy_the_text_stands_there(opened):
    tab = opened(tg.play(circuit()))
    tab.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error()); }")
    tab.locator("#as_python").click()
    until(tab, "document.getElementById('copied').textContent !== ''")
    assert tab.locator("#copied").inner_text() == WORDS["copy_by_hand"]
    assert printed(tab.locator("#to_copy").input_value())["f"] == "-12.0"
    assert tab.evaluate("document.activeElement.id") == "to_copy"


# ---- the page as a link

def reopened(tab, link):
    tab.goto("about:blank")
    tab.goto(link)


def test_a_link_restores_step_and_numbers_and_keeps_what_it_does_not_know(opened):
    tab = opened(tg.play(circuit()), **CLIPBOARD)
    reopened(tab, opened.last + "#v=1&other=%26%20&step=2&x=7")
    assert boxes(tab)["q = x + y"][0] == "12"
    go(tab, 7)
    tab.locator("#knobs input[type=number]").last.fill("0.125")
    tab.wait_for_timeout(60)
    link = copied(tab, "#as_link")
    assert link.split("#")[1] == "v=1&other=%26+&step=7&x=7&z=0.125"
    before = everything(tab)
    reopened(tab, link)
    assert everything(tab) == before and place(tab) == 7
    tab.locator("#reset").click()
    assert copied(tab, "#as_link").split("#")[1] == "v=1&other=%26+&step=7"


def test_names_that_links_use_themselves_and_hostile_ones_come_back(opened):
    names = ["step", "v", "a&b=c#d", "<img src=x>", "x y+z", "重", "__proto__"]
    leaves = [tg.Value(float(i + 1), label=name) for i, name in enumerate(names)]
    f = tg.sum(leaves)
    tab = opened(tg.play(f), **CLIPBOARD)
    for field in tab.locator("#knobs input[type=number]").all():
        field.fill("0.5")
    tab.wait_for_timeout(60)
    go(tab, 1)
    link = copied(tab, "#as_link")
    reopened(tab, link)
    assert place(tab) == 1
    assert [field.input_value() for field in tab.locator("#knobs input[type=number]").all()] == ["0.5"] * len(names)


@pytest.mark.parametrize("link", ["x=abc", "x=", "x=Infinity", "x=1e999"])
def test_a_link_with_no_number_says_so_and_shows_the_graph_as_it_was(opened, link):
    tab = opened(tg.play(circuit()))
    reopened(tab, opened.last + f"#{link}&step=2")
    assert tab.locator("#refused").inner_text().startswith("x needs a number") and boxes(tab)["f = q * z"][0] == "−12"


def test_a_link_out_of_the_domain_says_why(opened):
    tab = opened(tg.play(tg.expression("log(x)", x=1)))
    reopened(tab, opened.last + "#x=-1&step=1")
    assert "log needs" in tab.locator("#refused").inner_text() and math.isfinite(float(boxes(tab)["x"][0]))


def test_a_change_of_the_link_is_followed(opened):
    tab = opened(tg.play(circuit()))
    tab.evaluate("location.hash = 'x=-3&step=1'")
    until(tab, "document.getElementById('place').textContent === '1 / 7'")
    assert boxes(tab)["q = x + y"][0] == "2"


def test_a_page_within_another_has_no_link(chromium, tmp_path):
    bundle = tg.play(circuit())._repr_mimebundle_()["text/html"]
    path = tmp_path / "notebook.html"
    path.write_text(f"<!DOCTYPE html><meta charset=utf-8><body>{bundle}</body>", encoding="utf-8")
    tab = chromium.new_page()
    tab.goto(path.as_uri())
    frame = tab.frame_locator("iframe")
    frame.locator("#nudge_go").click()
    assert "They agree" in frame.locator("#nudge_told").inner_text() and not frame.locator("#as_link").is_visible()
    tab.close()
