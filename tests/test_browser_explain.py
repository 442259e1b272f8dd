"""The page of an explanation in a browser: what lights up, what is added up, the keyboard, touch, no barrier."""

import pytest

import tinygrad_edu as tg
from tinygrad_edu import Value


def two_paths():
    return tg.explain(tg.expression("c = a + b; d = b + 1; e = c * d", a=2, b=1), "b")


def network():
    model = tg.MLP(2, [4, 2], activation="relu", rng=0)
    return tg.explain(tg.cross_entropy(model([Value(0.5, label="x"), 2.0]), 1), "x", paths=3)


def lit(tab, kind):
    return tab.locator(f"#picture .{kind}.lit").evaluate_all("found => found.map(g => g.querySelector('.tg-local, .tg-name').textContent)")


def test_a_path_lights_its_arrows_and_boxes_and_a_factor_its_own(opened):
    tab = opened(two_paths().page)
    assert lit(tab, "tg-edge") == lit(tab, "tg-node") == []
    tab.locator(".way").first.hover()
    assert lit(tab, "tg-edge") == ["∂ 1", "∂ 3"] and lit(tab, "tg-node") == ["b", "d = b + 1", "e = c * d"]
    tab.locator(".factor").nth(2).hover()
    assert lit(tab, "tg-edge") == ["∂ 2"] and lit(tab, "tg-node") == ["c = a + b", "e = c * d"]
    assert tab.locator("#about").inner_text() == "∂e/∂c = 2"
    tab.mouse.move(900, 900)
    assert lit(tab, "tg-edge") == []


def test_next_walks_the_paths_and_adds_them_up(opened):
    tab = opened(two_paths().page)
    assert tab.locator("#total").inner_text() == "" and tab.locator("#back").get_attribute("aria-disabled") == "true"
    told = []
    for _ in range(3):
        tab.keyboard.press("ArrowRight")
        told.append((tab.locator("#total").inner_text(), tab.locator(".way[aria-current]").inner_text().replace(" ", "")))
    assert [total for total, _ in told] == ["1 of 2: 3", "2 of 2: 3 + 2 = 5", "2 of 2: 3 + 2 = 5"]
    assert told[0][1] != told[1][1] and tab.locator("#next").get_attribute("aria-disabled") == "true"
    tab.locator("#back").click()
    assert tab.locator("#total").inner_text() == "1 of 2: 3"
    tab.locator("#next").click()
    assert tab.locator("#total").inner_text() == "2 of 2: 3 + 2 = 5"


def test_the_last_step_adds_the_paths_that_are_not_listed(opened):
    told = network()
    tab = opened(told.page)
    for _ in range(4):
        tab.keyboard.press("ArrowRight")
    total = tab.locator("#total").inner_text()
    assert total.startswith("with the other ") and float(total.split("= ")[1].replace("−", "-")) == pytest.approx(told.sum, rel=1e-4)
    assert tab.locator(".way[aria-current]").count() == 0


def test_everything_is_reached_by_the_keyboard(opened):
    tab = opened(two_paths().page)
    seen = []
    for _ in range(9):
        tab.keyboard.press("Tab")
        seen.append(tab.evaluate("document.activeElement.className || document.activeElement.id"))
    assert [name.removesuffix(" lit") for name in seen] == ["back", "next", "way", "factor", "factor", "way", "factor", "factor", "picture"]
    tab.locator(".factor").nth(1).focus()
    assert lit(tab, "tg-edge") == ["∂ 1"] and lit(tab, "tg-node") == ["b", "d = b + 1"]
    tab.locator(".way").nth(1).focus()
    tab.keyboard.press("Enter")
    assert tab.locator("#total").inner_text() == "2 of 2: 3 + 2 = 5" and lit(tab, "tg-edge") == ["∂ 1", "∂ 2"]
    tab.keyboard.press("ArrowLeft")
    assert tab.locator("#total").inner_text() == "1 of 2: 3"


def test_a_tap_lights_a_path_and_it_stays_lit(opened):
    tab = opened(two_paths().page, width=390, height=844, has_touch=True)
    tab.locator(".way").nth(1).tap()
    assert lit(tab, "tg-edge") == ["∂ 1", "∂ 2"]
    tab.locator(".factor").first.tap()
    assert lit(tab, "tg-edge") == ["∂ 3"]


@pytest.mark.parametrize(("width", "is_below"), [(1280, False), (390, True)])
def test_the_list_stands_beside_the_picture_and_under_it_on_a_phone(opened, width, is_below):
    tab = opened(network().page, width=width, height=800)
    told, picture = (tab.locator(name).bounding_box() for name in ("#told", "#picture"))
    assert (told["y"] >= picture["y"] + picture["height"]) is is_below
    assert is_below or told["x"] + told["width"] <= picture["x"]
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("make", "scrolls"), [(two_paths, False), (network, True)])
def test_on_a_phone_a_wide_picture_scrolls_and_stays_legible(opened, make, scrolls):
    tab = opened(make().page, width=390, height=844)
    assert tab.evaluate("(({scrollWidth, clientWidth}) => scrollWidth > clientWidth)(document.querySelector('#picture'))") is scrolls
    assert tab.locator("#picture svg").bounding_box()["width"] >= 520 or not scrolls
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("make", [two_paths, network])
def test_the_page_has_no_barrier(opened, violations, make, width, scheme):
    tab = opened(make().page, width=width, color_scheme=scheme)
    assert violations(tab) == []
    tab.locator("#next").click()
    assert violations(tab) == []


def test_without_a_script_all_of_it_can_be_read(opened):
    tab = opened(network().page, java_script_enabled=False)
    assert tab.locator(".way").count() == 3 and tab.locator("#picture svg").is_visible() and tab.locator("h1").is_visible()
