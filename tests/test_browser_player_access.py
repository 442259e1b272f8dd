"""The player for everyone: fingers, keyboards, screen readers, large type, paper, and eyes that see no colours."""

import pytest
from test_browser_player import go, place, viewport
from test_show import a_network_and_its_loss

import tinygrad_edu as tg
from tinygrad_edu.show.page import words_of

SIZES = {"phone": {"width": 390, "height": 844, "has_touch": True}, "laptop": {"width": 1280, "height": 800}}
SCHEMES = ["light", "dark"]
KINDS = ["circuit", "network", "still"]


def page_of(kind):
    if kind == "network":
        return tg.play(a_network_and_its_loss([3, 2, 1])[1], fold="neuron")
    return tg.play(tg.expression("q = x + y; f = q * z", x=-2, y=5, z=-4), live=kind != "still")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_no_rule_is_broken_in_any_state(opened, violations, kind, size, scheme):
    tab = opened(page_of(kind), color_scheme=scheme, **SIZES[size])
    tab.locator("#all > summary").click()
    go(tab, 5)
    assert violations(tab) == []
    if kind != "still":
        tab.locator("#nudge_go").click()
        tab.locator("#as_link").click()
    if kind == "circuit":
        tab.locator("#knobs input[type=number]").first.fill("")
        assert tab.locator("#refused").inner_text() and violations(tab) == []
        tab.locator("#reset").click()
    assert violations(tab) == []
    tab.locator("#predict").click()
    tab.locator("#guess").fill("99")
    tab.locator("#check").click()
    assert violations(tab) == []


SMALL = """() => [...document.querySelectorAll('button, select, input, summary, [role=button]:not([display]), textarea')]
  .filter(e => e.checkVisibility() && !e.closest('#stage')).map(e => [e.id || e.textContent, e.getBoundingClientRect()])
  .filter(([, {width, height}]) => Math.min(width, height) < 39.9).map(([name, {width, height}]) => [name, width, height])"""


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_targets_are_large_enough(opened, kind, size):
    tab = opened(page_of(kind), **SIZES[size])
    tab.locator("#all > summary").click()
    assert tab.evaluate(SMALL) == []
    tab.locator("#predict").click()
    assert tab.locator("#guess").is_visible() and tab.evaluate(SMALL) == []


def two_fingers(tab, *places):
    """Put two fingers on the stage and move them: each place is ((x, y), (x, y)) from the middle of the stage."""
    box, touch = tab.locator("#stage").bounding_box(), tab.context.new_cdp_session(tab)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for i, fingers in enumerate([*places, ()]):
        points = [{"x": x + dx, "y": y + dy, "id": k} for k, (dx, dy) in enumerate(fingers)]
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove" if i and fingers else "touchStart" if fingers else "touchEnd", "touchPoints": points})


def test_two_fingers_move_and_enlarge_the_picture(opened):
    tab = opened(page_of("network"), **SIZES["phone"])
    go(tab, 5)
    before = viewport(tab)
    two_fingers(tab, ((-40, 0), (40, 0)), ((-60, 0), (60, 0)), ((-80, 0), (80, 0)))
    larger = viewport(tab)
    assert larger[2] == pytest.approx(before[2] / 2, rel=.01)
    two_fingers(tab, ((-40, 0), (40, 0)), ((-60, 0), (20, 0)), ((-90, 0), (-10, 0)))
    moved = viewport(tab)
    assert moved[2] == pytest.approx(larger[2]) and moved[0] > larger[0] + 10
    assert place(tab) == 5


def test_the_step_comes_before_the_sliders_on_a_phone(opened):
    tab = opened(page_of("circuit"), **SIZES["phone"])
    panel, stage, live, trace = (tab.locator(part).bounding_box()["y"] for part in ("#panel", "#stage", "#live", "#beside"))
    assert panel < stage < live < trace


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("width", "height"), [(640, 400), (390, 844), (320, 640)], ids=["zoomed to 200 %", "phone", "zoomed to 400 %"])
def test_nothing_is_lost_on_a_small_or_enlarged_page(opened, kind, width, height):
    tab = opened(page_of(kind), width=width, height=height)
    tab.locator("#all > summary").click()
    for key in ("End", "g"):
        tab.keyboard.press(key)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        hidden = tab.evaluate("""() => [...document.querySelectorAll('button, select, input, h1, #panel, #live, #beside, summary')]
            .filter(e => e.checkVisibility()).filter(e => { const {left, right} = e.getBoundingClientRect(); return left < 0 || right > innerWidth + 1 })
            .map(e => e.id)""")
        assert hidden == []


def test_the_tab_key_goes_from_the_top_to_the_bottom(opened):
    tab = opened(page_of("circuit"), **SIZES["laptop"])
    tab.keyboard.press("g")
    tab.locator("h1").click()
    seen = []
    for _ in range(60):
        tab.keyboard.press("Tab")
        seen.append(tab.evaluate("document.activeElement.id || document.activeElement.getAttribute('role') || document.activeElement.className.baseVal || document.activeElement.tagName"))
        if seen[-1] == "BODY" or (len(seen) > 1 and seen[-1] == seen[0]):
            break
    wanted = ["panel", "guess", "check", "reveal", "live", "knob0", "reset", "as_python", "as_link", "beside", "first", "play", "slider", "help",
              "slider", "predict", "turn", "find", "present"]
    places = [seen.index(name) for name in dict.fromkeys(wanted)]
    assert places == sorted(places), seen


def test_every_key_is_listed(opened):
    tab = opened(page_of("circuit"))
    tab.keyboard.press("?")
    listed = tab.locator("#keys dt").all_inner_texts()
    for key in ("g", "f", "/", "p", "?", "[ ]", "Esc", "Enter", "+ − 0"):
        assert key in listed, (key, listed)
    assert set(words_of("predict").keys) <= set(listed)


def test_what_lights_up_when_pointed_at_lights_up_for_finger_and_keyboard(opened):
    tab = opened(page_of("circuit"), **SIZES["phone"])
    go(tab, 5)
    tab.locator("#lines .term[data-node='3']").first.tap()
    assert "lit" in tab.locator("#boxes > g").nth(3).get_attribute("class").split()
    tab.locator("#boxes > g").nth(2).focus()
    assert tab.locator(".term.lit").count() > 0


def test_a_tap_on_a_line_says_what_pointing_says(opened):
    tab = opened(page_of("network"), **SIZES["laptop"])
    line = tab.locator("#links .tg-line").first
    line.dispatch_event("click")
    assert tab.locator("#found").inner_text() == line.locator("title").text_content() != ""


def test_nothing_is_told_by_colour_alone(opened):
    """Data and gradient have their places and headings; forward and backward their words, arrows and dashes."""
    tab = opened(page_of("circuit"), forced_colors="active")
    for at, word in ((1, "forward"), (5, "backward")):
        go(tab, at)
        assert word in tab.locator("#what").inner_text()
    assert ".grad" in tab.locator("#lines").inner_text()
    below = tab.locator("#boxes > g").evaluate_all("all => all.map(b => b.querySelector('.tg-grad').y.baseVal[0].value - b.querySelector('.tg-data').y.baseVal[0].value)")
    assert min(below) > 10
    assert tab.locator(".tg-edge.back path").evaluate("e => getComputedStyle(e).strokeDasharray") != "none"
    assert tab.locator("#trace thead th").all_inner_texts() == ["node", "data", "derivative", "grad"]
    tab.locator("#predict").click()
    tab.locator("#reveal").click()
    assert tab.locator("#knobs output").last.inner_text().startswith("grad")


def test_nothing_moves_by_itself(opened):
    tab = opened(page_of("network"), reduced_motion="reduce")
    moving = "() => document.getAnimations().length + [...document.querySelectorAll('*')].filter(e => parseFloat(getComputedStyle(e).transitionDuration) > 0).length"
    for _ in range(5):
        tab.keyboard.press("ArrowRight")
        assert tab.evaluate(moving) == 0


def test_paper_has_all_steps(opened):
    tab = opened(page_of("circuit"))
    go(tab, 3)
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    tab.emulate_media(media="print")
    assert tab.locator("#list").is_visible() and tab.locator("#list > li").count() == 8
    assert not tab.locator("#nudge").is_visible() and not tab.locator("#live").is_visible()


def test_paper_tells_no_number_that_is_asked_for(opened):
    tab = opened(page_of("circuit"))
    tab.keyboard.press("g")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.locator("#list > li").count() == 1
