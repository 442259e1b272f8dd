"""Whether the player can be read: sizes of letters, boxes in view, formulas within their panel, targets for a finger."""

import pytest
from taught import TAUGHT, lstm
from test_browser_player import go, place
from waiting import until

import tinygrad_edu as tg

LAPTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844, "has_touch": True}
SEEN = """() => {
  const frame = id => document.getElementById(id).getBoundingClientRect(), stage = frame('stage'), panel = frame('panel');
  const inside = (box, of) => box.left >= of.left && box.right <= of.right && box.top >= of.top && box.bottom <= of.bottom;
  const frames = box => [box, ...document.querySelectorAll(`use[href='#${box.id}']`)].map(e => e.getBoundingClientRect());
  const shown = box => frames(box).some(f => inside(f, stage)), all = selector => [...document.querySelectorAll(selector)];
  const letters = all('#graph text').filter(t => t.textContent && t.checkVisibility());
  const scale = document.getElementById('moved').getScreenCTM().a;
  return {
    letters: Math.min(...letters.map(t => parseFloat(getComputedStyle(t).fontSize) * scale)),
    words: Math.min(...all('#panel *, #what, .bar *, #trace *').filter(t => t.checkVisibility() && t.innerText)
      .map(t => parseFloat(getComputedStyle(t).fontSize))),
    hidden: all('#boxes > g:not([display])').filter(box => !shown(box)).length,
    missing: all('#boxes > g:is(.now, .gains, .from):not([display])').filter(box => !shown(box)).length,
    formulas: all('#lines *').every(e => inside(e.getBoundingClientRect(), panel)),
    stage: stage.height, below: innerHeight - document.getElementById('screen').getBoundingClientRect().bottom,
  };
}"""


@pytest.mark.parametrize("screen", [LAPTOP, PHONE], ids=["laptop", "phone"])
@pytest.mark.parametrize("name", TAUGHT)
def test_every_step_can_be_read(opened, name, screen):
    f = TAUGHT[name]()
    tab = opened(tg.play(f), **screen)
    for at in range(len(tg.steps(f)) + 1):
        go(tab, at)
        seen = tab.evaluate(SEEN)
        assert seen["letters"] >= 11 and seen["words"] >= 11, at
        assert seen["missing"] == 0 and seen["formulas"], at
        if screen is LAPTOP and len(tg.topological_order(f)) <= 15:
            assert seen["hidden"] == 0, at


def test_a_time_step_is_seen_as_a_whole(opened):
    tab = opened(tg.play(TAUGHT["eight times"]()), **LAPTOP)
    for at in range(1, 41):                                         # each forward step
        go(tab, at)
        now = tab.evaluate("""() => {
          const stage = document.getElementById('stage').getBoundingClientRect();
          const box = document.querySelector('#boxes > .now').getBoundingClientRect();
          const frames = [...document.querySelectorAll('#links > .tg-ghost')].map(f => f.getBoundingClientRect());
          const home = frames.find(f => f.left <= box.left && f.right >= box.right && f.top <= box.top && f.bottom >= box.bottom);
          return home && [home.left - stage.left, stage.right - home.right, home.top - stage.top, stage.bottom - home.bottom];
        }""")
        assert min(now) >= -1, (at, now)


def test_all_of_a_large_cell_can_be_read(opened):
    f = lstm()
    tab = opened(tg.play(f), **LAPTOP)
    for at in range(0, len(tg.steps(f)) + 1, 6):
        go(tab, at)
        seen = tab.evaluate(SEEN)
        assert seen["letters"] >= 11 and seen["missing"] == 0, at


@pytest.mark.parametrize("name", TAUGHT)
def test_the_picture_stays_as_large_as_it_is_at_first(opened, name):
    f = TAUGHT[name]()
    tab = opened(tg.play(f), **LAPTOP)
    heights = set()
    for at in range(0, len(tg.steps(f)) + 1, 3):
        go(tab, at)
        heights.add(tab.evaluate(SEEN)["stage"])
    assert len(heights) == 1 and heights.pop() >= 400


def test_the_picture_takes_what_height_is_free(opened):
    heights = [opened(tg.play(TAUGHT["circuit"]()), width=1280, height=height).evaluate(SEEN) for height in (800, 1000)]
    assert heights[1]["stage"] - heights[0]["stage"] == 200
    assert all(0 <= seen["below"] < 20 for seen in heights)


def test_a_chain_of_fifteen_is_seen_as_a_whole(opened):
    tab = opened(tg.play(TAUGHT["chain"](14)), **LAPTOP)
    seen = tab.evaluate(SEEN)
    assert seen["hidden"] == 0 and seen["letters"] >= 11


def test_what_is_touched_is_large_enough_for_a_finger(opened):
    tab = opened(tg.play(TAUGHT["network"]()), **PHONE)
    tab.locator("#all > summary").click()
    small = tab.evaluate("""() => [...document.querySelectorAll('button, select, input, summary, #boxes > g:not([display], .tg-constant)')]
        .filter(e => e.checkVisibility()).map(e => [e.id || e.textContent, e.getBoundingClientRect()])
        .filter(([, r]) => r.width < 40 || r.height < 40).map(([id, r]) => [id, r.width, r.height])""")
    assert small == []


def swiped(tab, selector, across, down=0):
    """A finger on the middle of a part moves so far."""
    box = tab.locator(selector).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = tab.context.new_cdp_session(tab)
    for kind, points in (("touchStart", [(x, y)]), *[("touchMove", [(x + across * k / 5, y + down * k / 5)]) for k in range(1, 6)],
                         ("touchEnd", [])):
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": a, "y": b} for a, b in points]})


@pytest.mark.parametrize("part", ["#stage", "#panel"])
def test_a_finger_steps_across_and_scrolls_down(opened, part):
    tab = opened(tg.play(TAUGHT["neuron"]()), **PHONE)
    swiped(tab, part, -120)
    swiped(tab, part, -120)
    assert place(tab) == 2
    swiped(tab, part, 120)
    assert place(tab) == 1
    swiped(tab, part, 0, -90)
    until(tab, "scrollY > 40")
    assert place(tab) == 1
