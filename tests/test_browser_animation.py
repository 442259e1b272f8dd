"""The page of a training in a browser: keys, buttons, numbers, colours, and no word of complaint."""

import json
import re
from base64 import b64decode

import pytest

from tinygrad_edu import animate_training
from tinygrad_edu.learn.data import Data, noisy_sine, xor, yin_yang
from tinygrad_edu.nn.modules import MLP


@pytest.fixture(scope="module")
def training():
    """Six epochs of a small network, with validation."""
    return animate_training(MLP(2, [6, 2], rng=0), xor(40, seed=0), epochs=6, lr=0.05, validation=xor(12, seed=1),
                            resolution=12, progress=False)


def data_of(page):
    return json.loads(re.search(r'id="data">(.*?)</script>', page.html, re.S)[1])


def epoch_of(tab):
    return int(re.fullmatch(r"epoch (\d+) / \d+", tab.locator("#place").inner_text())[1])


def sentence(tab):
    return tab.locator("#sentence").inner_text()


def go(tab, to):
    tab.locator("#slider").evaluate("(slider, to) => { slider.value = to; slider.dispatchEvent(new Event('input')) }", to)


def numbers(tab):
    """{row: [cell, ...]} of the table."""
    rows = tab.locator("#numbers tbody tr").evaluate_all("rows => rows.map(row => [...row.cells].map(cell => cell.textContent))")
    return {name: cells for name, *cells in rows}


def pixels(tab):
    """(red, green, blue, strength) of the coloured plane, row by row from above."""
    flat = tab.locator("#answers").evaluate("""from => {
        const to = document.createElement('canvas');
        to.width = to.height = from.width;
        const context = to.getContext('2d', {willReadFrequently: true});
        context.drawImage(from, 0, 0);
        return [...context.getImageData(0, 0, to.width, to.height).data]; }""")
    return [flat[i:i + 4] for i in range(0, len(flat), 4)]


def test_it_begins_before_training_and_every_number_is_that_of_the_history(opened, training):
    tab, history = opened(training), training.history
    assert epoch_of(tab) == 0 and sentence(tab).startswith("Before training: loss 0.")
    for epoch in range(1, 7):
        go(tab, epoch)
        i = epoch - 1
        assert numbers(tab) == {
            "training": [f"{history.loss[i]:.4f}", f"{100 * history.accuracy[i]:.1f} %"],
            "validation": [f"{history.validation_loss[i]:.4f}", f"{100 * history.validation_accuracy[i]:.1f} %"]}
        assert sentence(tab).startswith(f"After epoch {epoch} of 6: mean loss during it {history.loss[i]:.4f}, ")
        assert tab.locator("#slider").get_attribute("aria-valuetext") == sentence(tab)


def test_buttons_and_keys_move_between_the_epochs(opened, training):
    tab = opened(training)
    for key, epoch in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", 6), ("ArrowRight", 6), ("Home", 0)):
        tab.keyboard.press(key)
        assert epoch_of(tab) == epoch
    for button, epoch in ("next", 1), ("last", 6), ("back", 5), ("first", 0):
        tab.locator(f"#{button}").click()
        assert epoch_of(tab) == epoch
    tab.locator("#slider").focus()
    tab.keyboard.press("ArrowRight")
    assert epoch_of(tab) == 1


def test_play_goes_on_to_the_last_epoch_and_is_not_read_out_on_the_way(opened, training):
    tab = opened(training)
    tab.keyboard.press(" ")
    assert tab.locator("#play").inner_text() == "Pause" and tab.locator("#sentence").get_attribute("aria-live") == "off"
    tab.locator("#play", has_text="Play").wait_for(timeout=20_000)
    assert epoch_of(tab) == 6 and tab.locator("#sentence").get_attribute("aria-live") == "polite"


@pytest.mark.parametrize(("wish", "pause"), [("no-preference", 700), ("reduce", 1000)])
def test_playing_is_slow_where_less_motion_is_wished(wish, pause, opened, training):
    tab = opened(training, reduced_motion=wish)
    tab.evaluate("window.setInterval = (go, pause) => { window.pause = pause; return 1; }")
    tab.locator("#play").click()
    assert tab.evaluate("window.pause") == pause


def test_a_click_on_the_losses_goes_to_that_epoch(opened, training):
    tab = opened(training)
    box = tab.locator("#losses .frame").bounding_box()
    for epoch in 4, 0, 6, 1:
        tab.mouse.click(box["x"] + box["width"] * min(max(epoch / 6, 0.01), 0.99), box["y"] + box["height"] / 2)
        assert epoch_of(tab) == epoch


def test_the_colours_show_the_winners_and_the_outlined_are_wrong(opened, training):
    tab = opened(training)
    for epoch in 0, 3, 6:
        go(tab, epoch)
        frame = data_of(training)["frames"][epoch]
        bits = b64decode(frame["wrong"])
        wrong = [bool(bits[i // 8] >> i % 8 & 1) for i in range(40)]
        assert tab.locator("#picture .example").evaluate_all("marks => marks.map(mark => mark.classList.contains('wrong'))") == wrong
        count = sum(wrong)
        assert f"{count} of 40 examples are on the wrong side" in sentence(tab)
        drawn, cells = pixels(tab), b64decode(frame["cells"])
        for place, cell in (0, 11 * 12), (255, 11 * 12 + 11), (255 * 256, 0), (255 * 256 + 255, 11):     # the four corners
            red, _, blue, _ = drawn[place]
            assert (red > blue) == (cells[cell] // 128 == 1)            # blue for class 0, vermillion for 1
    assert len(tab.locator(".border").get_attribute("d")) > 100


def test_the_line_is_where_the_colours_meet(opened):
    """A line at 45 degrees: what the grid keeps is enough to draw it straight."""
    class Diagonal(MLP):
        def forward(self, x):
            return [output * 0 + sign * (x[0] - x[1]) * 3 for output, sign in zip(super().forward(x), (1, -1), strict=True)]
    corners = Data([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]], [0, 1, 1, 0], ("a", "b"), ("c", "d"))
    tab = opened(animate_training(Diagonal(2, [2], rng=0), corners, epochs=0, resolution=9, progress=False))
    spots = [tuple(map(float, spot)) for spot in re.findall(r"[ML]([\d.]+) ([\d.]+)", tab.locator(".border").get_attribute("d"))]
    left, top, wide, high = (float(tab.locator("#picture .frame").get_attribute(name)) for name in ("x", "y", "width", "height"))
    assert len(spots) >= 16 and all(abs((x - left) / wide - (1 - (y - top) / high)) < 0.005 for x, y in spots)
    drawn = pixels(tab)
    for row, column in (40, 30), (200, 220), (100, 20), (30, 200):
        red, _, blue, _ = drawn[row * 256 + column]
        assert (red > blue) == (column < 255 - row)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_violation_of_accessibility(scheme, opened, training):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason='axe: pip install ".[browser]"').Axe()
    for page in training, animate_training(MLP(1, [3, 1], rng=0), noisy_sine(20), epochs=2, progress=False):
        tab = opened(page, color_scheme=scheme)
        for at in 0, 2:
            go(tab, at)
            assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in axe.run(tab).response["violations"]] == []


def test_light_and_dark_have_colours_of_their_own_also_when_changed_while_open(opened, training):
    tab, seen = opened(training, color_scheme="light"), {}
    for scheme in "light", "dark", "light":
        tab.emulate_media(color_scheme=scheme)
        paper = tab.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
        seen.setdefault(scheme, set()).add((paper, tuple(pixels(tab)[0])))
    assert [len(seen[scheme]) for scheme in seen] == [1, 1] and seen["light"] != seen["dark"]


@pytest.mark.parametrize("width", [1000, 500, 320])
def test_it_fits_narrow_screens(width, opened, training):
    tab = opened(training, width=width, height=800)
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    below = tab.locator("#losses").bounding_box()["y"] > tab.locator("#picture").bounding_box()["y"] + 100
    assert below == (width < 720)


def test_it_is_printed_without_buttons(opened, training):
    tab = opened(training)
    tab.emulate_media(media="print")
    assert not tab.locator(".bar").is_visible() and tab.locator("#picture").is_visible() and tab.locator("#numbers").is_visible()


OTHERS = {"curve": noisy_sine(20), "three": yin_yang(30),
          "markup": Data([[1.0, 1.0], [1.0, 2.0]], [0, 1], ("<b>a</b>", "b"), ("<i>n</i>", "y")),
          "scales": Data([[1e-12, 1e9], [2e-12, -1e9]], [0, 1], ("a", "b"), ("n", "y"))}


@pytest.mark.parametrize("epochs", [0, 3])
@pytest.mark.parametrize("name", OTHERS)
def test_other_data_are_shown_too(name, epochs, opened):
    data = OTHERS[name]
    model = MLP(len(data.features), [3, len(data.classes) or 1], rng=0)
    tab = opened(animate_training(model, data, epochs=epochs, resolution=5, progress=False))
    go(tab, epochs)
    assert epoch_of(tab) == epochs and tab.locator("b, i").count() == 0
    assert "NaN" not in tab.locator("body").evaluate("body => body.outerHTML.replace(/<script.*<\\/script>/s, '')")
    assert all(name in tab.locator("#key").inner_text() for name in data.classes)
    assert tab.locator("#picture .example").count() == len(data)


def test_the_curve_is_drawn_through_what_the_model_says(opened):
    page = animate_training(MLP(1, [4, 1], rng=0), noisy_sine(20), epochs=2, progress=False)
    tab, found = opened(page), data_of(page)
    go(tab, 2)
    heights = [float(y) for y in re.findall(r"[ML][\d.]+ ([-\d.]+)", tab.locator("#picture .curve").get_attribute("d"))]
    low, high = found["up"]
    tall = float(tab.locator("#picture .frame").get_attribute("height"))
    assert heights == pytest.approx([tall * (high - y) / (high - low) for y in found["frames"][2]["curve"]], abs=0.06)


def test_a_thinned_training_names_its_epochs(opened):
    page = animate_training(MLP(2, [2], rng=0), xor(8), epochs=10, frames=3, resolution=4, progress=False)
    tab, seen = opened(page), []
    for i in range(4):
        go(tab, i)
        seen.append(epoch_of(tab))
        assert i == 0 or numbers(tab)["training"][0] == f"{page.history.loss[seen[-1] - 1]:.4f}"
    assert seen == [0, 4, 8, 10]


def test_it_says_why_a_training_ended(opened):
    page = animate_training(MLP(2, [3, 2], rng=0), xor(20), epochs=30, lr=5.0, optimizer="sgd", patience=1, resolution=4, progress=False)
    tab = opened(page)
    assert "stopped early" not in sentence(tab)
    tab.keyboard.press("End")
    assert sentence(tab).endswith("Training stopped early: the loss came down no further.") and len(page.history) < 30
