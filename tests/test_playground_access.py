"""Everybody can use the playground: axe, fingers, keyboard, less motion, twice the size, no colour alone, in every tab."""

import re

import pytest
from waiting import until

pytestmark = pytest.mark.full

TABS = ("expression", "program", "network", "quiz", "lessons")
SCREENS = {"screen": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}
ENLARGED = {"twice as large": {"width": 640, "height": 400}, "narrow": {"width": 320, "height": 640}}
# Pictures are being made: until nothing that is shown has changed its size for a while.
SETTLED = """() => new Promise(resolve => {
  const sizes = () => JSON.stringify([document.documentElement.scrollHeight, ...[...document.querySelectorAll('iframe, svg')]
    .filter(part => part.checkVisibility()).map(part => part.getBoundingClientRect().toJSON())]);
  let before = "", same = 0;
  const look = () => {
    const now = sizes();
    same = now === before ? same + 1 : 0;
    before = now;
    if (same === 4) resolve();
    else setTimeout(look, 50);
  };
  look();
})"""
LEAST = 40                          # of what a finger is to hit, in pixels


@pytest.fixture(scope="module")
def seen(chromium, playground):
    """A function that shows a tab of the playground in a look; the page is opened once, and its Python is there."""
    page = chromium.new_page()
    page.goto(playground)
    page.evaluate("engine.ready.then(() => null)")

    def show_tab(name, screen="screen", scheme="light", motion="no-preference"):
        page.set_viewport_size((SCREENS | ENLARGED)[screen])
        page.emulate_media(color_scheme=scheme, reduced_motion=motion)
        page.locator(f"#tab_{name}").click()
        page.locator(f"#panel_{name}").wait_for()
        page.evaluate(SETTLED)
        return page

    yield show_tab
    page.close()


@pytest.mark.parametrize("name", TABS)
@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(seen, violations, name, screen, scheme):
    assert violations(seen(name, screen, scheme)) == []


# What a finger can be meant to hit, with the label around it, and how large it is; what a sentence holds is left
# out, and the boxes of a picture, which can be enlarged and are in the list beside it.
TARGETS = """() => [...document.querySelectorAll('button, select, input, textarea, summary, a[href], [role=button], [role=tab]')]
  .filter(target => target.checkVisibility({visibilityProperty: true}) && !target.matches('p a, svg *'))
  .map(target => {
    const {width, height} = (target.matches('[type=checkbox], [type=radio]') ? target.closest('label') ?? target : target).getBoundingClientRect();
    return [target.id || target.outerHTML.slice(0, 80), width, height];
  })"""


@pytest.mark.parametrize("name", TABS)
@pytest.mark.parametrize("screen", SCREENS)
def test_targets_are_large_enough_for_a_finger(seen, name, screen):
    tab = seen(name, screen)
    for frame in tab.frames:
        found = frame.evaluate(TARGETS)
        assert [target for target in found if min(target[1:]) < LEAST - 0.5] == []
    assert tab.evaluate(TARGETS)


@pytest.mark.parametrize("name", TABS)
@pytest.mark.parametrize("screen", ENLARGED)
def test_nothing_is_cut_off_at_twice_the_size(seen, name, screen):
    for frame in seen(name, screen).frames:
        until(frame, "document.scrollingElement.scrollWidth <= document.scrollingElement.clientWidth + 1")


# What has the focus; its frame may be that of what it stands in.
def place(tab, selector):
    """Left, top, right and bottom of what is in the live page, on the screen."""
    box = tab.locator("#expression_frame").content_frame.locator(selector).bounding_box()
    return box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]


def test_on_a_screen_the_step_the_sliders_and_the_numbers_are_seen_at_once(seen):
    tab = seen("expression")
    panel, sliders, numbers, picture = (place(tab, selector) for selector in ("#panel", "#live", "#beside", "#stage"))
    assert panel[2] <= sliders[0] and sliders[2] <= numbers[0]
    assert max(sliders[3], numbers[3]) <= picture[1] and picture[3] <= SCREENS["screen"]["height"]


def test_on_a_phone_the_head_is_short_and_its_menu_holds_the_rest(seen):
    tab = seen("expression", "phone")
    header, doings = tab.locator("#header"), tab.locator("#doings")
    assert header.bounding_box()["height"] <= 110 and not doings.is_visible()
    tab.locator("#menu").click()
    assert doings.is_visible() and tab.locator("#menu").get_attribute("aria-expanded") == "true"
    tab.locator("#menu").click()
    assert not doings.is_visible()


def test_a_phone_shows_a_small_picture_whole_and_its_sliders_long(seen):
    tab = seen("expression", "phone")
    stage, drawn = place(tab, "#stage"), place(tab, "#boxes")
    assert stage[0] <= drawn[0] and drawn[2] <= stage[2]
    left, _, right, _ = place(tab, "#knobs [type=range] >> nth=0")
    assert right - left >= 100


FOCUSED = """() => {
  const element = document.activeElement, styles = [element, element.parentElement ?? element].map(found => getComputedStyle(found));
  return {tag: element.tagName, html: element.outerHTML.slice(0, 120), place: element.id || element.outerHTML.slice(0, 120),
    seen: styles.some(style => parseFloat(style.outlineWidth) > 0 && style.outlineStyle !== 'none' || style.boxShadow !== 'none')};
}"""
# Each control that must be reached; of radio buttons and tabs one, from which arrows go on.
CONTROLS = """() => [...document.querySelectorAll('button, select, input, textarea, summary, a[href], [tabindex]')]
  .filter(control => control.checkVisibility({visibilityProperty: true}) && !control.disabled && control.tabIndex >= 0
          && !(control.type === 'radio' && !control.checked && [...document.getElementsByName(control.name)].some(other => other.checked)))
  .map(control => [control.id || control.outerHTML.slice(0, 120), control.outerHTML.slice(0, 120)])"""


@pytest.mark.parametrize("name", TABS)
def test_every_control_is_reached_by_tab_and_its_focus_is_seen(seen, name):
    tab = seen(name)
    wanted = dict(map(tuple, tab.evaluate(CONTROLS)))
    tab.locator(f"#tab_{name}").focus()
    reached, unseen = {tab.evaluate(FOCUSED)["place"]}, []
    for _ in range(3 * len(wanted) + 60):
        if tab.evaluate("document.activeElement.id") == "program_text":
            tab.keyboard.press("Escape")                            # as it says below: Tab indents there
        tab.keyboard.press("Tab")
        focused = tab.evaluate(FOCUSED)
        reached.add(focused["place"])
        if focused["tag"] not in ("BODY", "IFRAME") and not focused["seen"]:
            unseen.append(focused["html"])
        if wanted.keys() <= reached:
            break
    assert [html for place, html in wanted.items() if place not in reached] == []
    assert unseen == []


def test_arrows_go_from_tab_to_tab(seen):
    tab = seen(TABS[0])
    tab.locator(f"#tab_{TABS[0]}").focus()
    for name in (*TABS[1:], TABS[0]):
        tab.keyboard.press("ArrowRight")
        assert tab.evaluate("document.activeElement.id") == f"tab_{name}" and tab.locator(f"#panel_{name}").is_visible()
    tab.keyboard.press("End")
    assert tab.evaluate("document.activeElement.id") == f"tab_{TABS[-1]}"


@pytest.mark.parametrize("name", TABS)
def test_nothing_is_said_by_pointing_alone(seen, name):
    tab = seen(name)
    for frame in tab.frames:
        assert frame.evaluate("[...document.querySelectorAll('[title]:not(iframe)')].filter(found => found.title && found.title !== found.textContent)"
                              ".map(found => found.outerHTML.slice(0, 120))") == []


@pytest.mark.parametrize("name", TABS)
def test_nothing_moves_for_those_who_want_less_motion(seen, name):
    tab = seen(name, motion="reduce")
    for frame in tab.frames:
        assert frame.evaluate("document.getAnimations().length") == 0
        assert frame.evaluate("""[...document.querySelectorAll('*')].filter(element => {
          const {transitionDuration, animationName} = getComputedStyle(element);
          return animationName !== 'none' || transitionDuration.split(',').some(time => parseFloat(time) > 0); }).length""") == 0


@pytest.mark.parametrize("name", ["expression", "network"])
def test_a_finger_on_a_picture_scrolls_the_page(chromium, playground, name):
    context = chromium.new_context(viewport=SCREENS["phone"], has_touch=True, is_mobile=True)
    tab = context.new_page()
    tab.goto(f"{playground}#v=1&tab={name}")
    picture = tab.locator("iframe" if name == "expression" else f"#panel_{name} svg, #panel_{name} canvas").first
    picture.wait_for()
    picture.scroll_into_view_if_needed()
    tab.wait_for_timeout(500)
    box, before = picture.bounding_box(), tab.evaluate("scrollY")
    session = context.new_cdp_session(tab)
    x, y = box["x"] + box["width"] / 2, min(max(box["y"], 0) + 300, 700)
    touches = [("touchStart", [y]), *[("touchMove", [y - 30 * k]) for k in range(1, 9)], ("touchEnd", [])]
    for kind, heights in touches:
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": height} for height in heights]})
    until(tab, f"scrollY > {before + 100}")
    context.close()


def test_a_state_is_said_in_words_too(seen):
    tab = seen("expression")
    assert re.search(r"[a-z]{3}", tab.locator("#status").inner_text())
    for button in tab.locator("[role=tab]").all():
        assert button.get_attribute("aria-selected") in ("true", "false")
