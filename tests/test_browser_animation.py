"""The page of a training in a browser: keys, buttons, numbers, colours, and no word of complaint."""

import json
import re
from base64 import b64decode
from itertools import pairwise
from struct import unpack

import pytest

from tinygrad_edu import animate_training, softmax
from tinygrad_edu.learn.data import Data, noisy_sine, xor, yin_yang
from tinygrad_edu.nn.modules import MLP, Sequential


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


def pixels(tab, canvas="#answers"):
    """(red, green, blue, strength) of a canvas, row by row from above."""
    flat = tab.locator(canvas).evaluate("""from => {
        const to = document.createElement('canvas');
        Object.assign(to, {width: from.width, height: from.height});
        const context = to.getContext('2d', {willReadFrequently: true});
        context.drawImage(from, 0, 0);
        const bytes = context.getImageData(0, 0, to.width, to.height).data;
        return btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), "")); }""")
    flat = b64decode(flat)
    return [flat[i:i + 4] for i in range(0, len(flat), 4)]


def squares(tab, network):
    """The pixels of each neuron's square, row by row from above, with the square's width."""
    drawn, wide, radius = pixels(tab, "#heat"), 2 * network["width"], network["radius"]
    size = round(4 * radius)
    for x, y in (place for column in network["columns"] for place in column):
        left, top = round(2 * (x - radius)), round(2 * (y - radius))
        yield size, [drawn[(top + row) * wide + left + column] for row in range(size) for column in range(size)]


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
def test_no_violation_of_accessibility(scheme, opened, violations, training):
    for page in training, animate_training(MLP(1, [3, 1], rng=0), noisy_sine(20), epochs=2, progress=False):
        tab = opened(page, color_scheme=scheme)
        tab.locator("summary").evaluate_all("all => all.forEach(summary => summary.click())")
        for at in 0, 1, 2:
            go(tab, at)
            tab.keyboard.press("s")
            assert violations(tab) == []


def floats(text):
    found = b64decode(text)
    return unpack(f"<{len(found) // 4}f", found)


def weights_of(page, frame):
    """{(layer, neuron, input): weight} of a frame."""
    numbers, sizes = iter(floats(frame["weights"])), data_of(page)["network"]["sizes"]
    found = {}
    for layer, (before, size) in enumerate(pairwise(sizes)):
        for i in range(size):
            found.update({(layer, i, j): next(numbers) for j in range(before)})
            next(numbers)                   # the bias
    return found


def test_lines_are_as_thick_as_their_weights_and_dashed_where_these_are_negative(opened, training):
    tab = opened(training)
    for epoch in range(7):
        go(tab, epoch)
        wanted = list(weights_of(training, data_of(training)["frames"][epoch]).values())
        drawn = tab.locator("#network .weight").evaluate_all(
            "lines => lines.map(line => [+line.getAttribute('stroke-width'), getComputedStyle(line).strokeDasharray !== 'none', getComputedStyle(line).stroke])")
        assert [dashed for _, dashed, _ in drawn] == [weight < 0 for weight in wanted]
        by_size = [width for _, (width, *_) in sorted(zip(map(abs, wanted), drawn, strict=True))]
        assert by_size == sorted(by_size) and len(set(by_size)) > len(by_size) / 2
        assert len({(dashed, colour) for _, dashed, colour in drawn}) == 2


def test_squares_are_coloured_by_what_the_neurons_answer(opened, training):
    tab, network = opened(training), data_of(training)["network"]
    side = network["side"]
    for epoch in 0, 6:
        go(tab, epoch)
        cells = b64decode(network["inputs"]) + b64decode(data_of(training)["frames"][epoch]["neurons"])
        for k, (size, square) in enumerate(squares(tab, network)):
            corners = {0: side * (side - 1), size - 1: side * side - 1, size * (size - 1): 0, size * size - 1: side - 1}
            for pixel, cell in corners.items():
                byte, (red, _, blue, strength) = cells[k * side * side + cell], square[pixel]
                assert abs(byte - 128) < 6 or (blue > red) == (byte > 128)          # about 0 the colour is weak
                assert strength <= 255 * 1.6 * abs(byte - 128) / 127 + 40
    assert k == 9


def test_squares_are_striped_where_neurons_are_negative(opened, training):
    """Nothing is told by colour alone.  The first input grows from the left, where it is negative here, to the right."""
    tab = opened(training)
    size, square = next(squares(tab, data_of(training)["network"]))
    left, right = ([square[row * size + column][3] for row in range(24)] for column in (1, size - 2))
    assert max(left) > 2 * min(left) > 0 and len(set(right)) == 1


def test_numbers_are_told_where_one_points_and_listed_for_everybody(opened, training):
    tab, frames = opened(training), data_of(training)["frames"]
    assert "Point at" in tab.locator("#told").inner_text()
    tab.locator("#network .reach").nth(3).dispatch_event("pointerover")
    weights = floats(frames[0]["weights"])
    assert tab.locator("#told").inner_text() == f"w0[1,1] = {float(f'{weights[4]:.5g}'):g}"
    go(tab, 6)
    later = floats(frames[6]["weights"])
    assert tab.locator("#told").inner_text() == f"w0[1,1] = {float(f'{later[4]:.5g}'):g}"
    tab.locator("#network .neuron").nth(2).dispatch_event("pointerover")
    assert re.fullmatch(r"layer 0, neuron 0: -?[\d.]+ to -?[\d.]+ here, b0\[0\] = -?[\d.]+", tab.locator("#told").inner_text())
    tab.locator("#all summary").click()
    tab.locator("#weights li").first.wait_for()
    told = tab.locator("#weights").inner_text()
    names = data_of(training)["network"]["names"]
    found = {name: float(number) for name, number in re.findall(r"(\S+) = ([^\s,]+)", told)}
    assert list(found) == names and list(found.values()) == pytest.approx(later, rel=1e-4)


def test_a_step_is_walked_by_keyboard(opened, training):
    tab, frames = opened(training), data_of(training)["frames"]
    for epoch in 0, 4:
        go(tab, epoch)
        step = frames[epoch]["step"]
        assert tab.locator("#picture .faint").count() == 0
        for stage in range(4):
            tab.keyboard.press("s")
            pressed = tab.locator("#stages button").evaluate_all("buttons => buttons.map(button => button.getAttribute('aria-pressed'))")
            assert pressed == ["true" if i == stage else "false" for i in range(4)]
            assert tab.evaluate("document.activeElement.matches('#stages [aria-pressed=true]')")
            lit = tab.locator("#picture .example").evaluate_all("marks => marks.flatMap((mark, i) => mark.classList.contains('faint') ? [] : [i])")
            assert lit == sorted(step["batch"])
            assert tab.locator("#losses .spot").is_visible() == (stage > 0)
            assert tab.locator("#network .halo").is_visible()
        tab.keyboard.press("s")
        assert tab.locator("#picture .faint").count() == 0 and not tab.locator("#network .halo").is_visible()
    tab.keyboard.press("ArrowRight")
    assert epoch_of(tab) == 5


def test_a_step_tells_the_numbers_that_were_recorded(opened, training):
    tab, found = opened(training), data_of(training)
    for epoch in 0, 5:
        go(tab, epoch)
        step, told = found["frames"][epoch]["step"], tab.locator("#stages li").all_inner_texts()
        shown = {name: f"{float(f'{step[name]:.5g}'):g}" for name in ("loss", "gradient", "before", "after", "lr")}
        wrong = step["right"].count(0)
        assert f"16 examples go through the network: it is wrong about {wrong}." in told[0] and shown["loss"] in told[1]
        assert f"∂loss/∂{found['walk']['weight']} = {shown['gradient']}, the mean of" in told[2]
        assert f"from {shown['before']} to {shown['after']}" in told[3] and f"lr = {shown['lr']}" in told[3]
        assert f"epoch {epoch + 1}, " in tab.locator("#step_title").inner_text()
        assert tab.locator("#stages .share").count() == 16
    go(tab, 6)
    assert "the training ends here" in tab.locator("#step_title").inner_text() and not tab.locator("#stages").is_visible()


def test_a_step_of_sgd_is_told_as_a_sum_that_comes_out(opened):
    page = animate_training(MLP(2, [3, 2], rng=0), xor(20), epochs=2, optimizer="sgd", lr=0.5, resolution=4, progress=False)
    tab, signs = opened(page), set()
    for epoch in 0, 1:
        go(tab, epoch)
        told = tab.locator("#stages li").nth(3).inner_text()
        before, lr, gradient, after = re.search(r"= (\S+) − (\S+) · (\S+) = (\S+)$", told).groups()
        assert float(before) - float(lr) * float(gradient.strip("()")) == pytest.approx(float(after), abs=2e-5)
        signs.add(gradient.startswith("(-") or "-" not in gradient)
    assert signs == {True}


def test_the_batch_is_listed_example_by_example(opened, training):
    tab, found = opened(training), data_of(training)
    step = found["frames"][0]["step"]
    tab.locator("#examples summary").click()
    tab.locator("#batch td").first.wait_for()
    rows = tab.locator("#batch tbody tr").evaluate_all("rows => rows.map(row => [...row.cells].map(cell => cell.textContent))")
    assert [int(row[0]) for row in rows] == step["batch"]
    assert [row[3] for row in rows] == [found["classes"][found["points"][i][2]] for i in step["batch"]]
    assert [row[4].endswith("right") for row in rows] == list(map(bool, step["right"]))
    assert [float(row[5]) for row in rows] == pytest.approx(step["shares"], rel=1e-4)


def test_all_of_it_is_in_view_on_a_laptop_and_can_be_read(opened):
    for page in (animate_training(MLP(2, [8, 8, 2], rng=0), xor(40), epochs=1, resolution=4, progress=False),
                 animate_training(MLP(2, [6, 3], rng=0), yin_yang(30), epochs=1, resolution=4, progress=False)):
        tab = opened(page, width=1280, height=800)
        for place in "#network", "#picture", "#losses", "#stages":
            box = tab.locator(place).bounding_box()
            assert box["y"] > 0 and box["y"] + box["height"] <= 800
        smallest = tab.evaluate("""() => Math.min(...[...document.querySelectorAll('svg text, p, li, td, th, h2, b, span, summary')].filter(e => e.textContent).map(e => {
            const svg = e.ownerSVGElement, scale = svg ? svg.getScreenCTM().a : 1;
            return parseFloat(getComputedStyle(e).fontSize) * scale; }))""")
        assert smallest >= 11


@pytest.mark.parametrize("page", [
    lambda: animate_training(Sequential(MLP(2, [3, 2], rng=0), softmax), xor(12), epochs=2, loss="nll", lr=1e-3, resolution=4, progress=False),
    lambda: animate_training(MLP(2, [41, 2], rng=0), xor(12), epochs=2, resolution=4, progress=False)], ids=["a function", "too many"])
def test_a_network_that_has_no_picture_is_passed_over_in_silence(page, opened):
    tab = opened(page())
    assert not tab.locator("#inside").is_visible() and not tab.locator("#all").is_visible()
    tab.keyboard.press("s")
    assert tab.locator("#picture .faint").count() < 12 and tab.locator("#stages").is_visible()


def test_one_input_has_curves_in_its_squares(opened):
    page = animate_training(MLP(1, [3, 1], rng=0), noisy_sine(20), epochs=2, progress=False)
    tab = opened(page)
    drawn = tab.locator("#network .wave").evaluate_all("waves => waves.map(wave => wave.getAttribute('d').split('L').length)")
    assert drawn == [24] * 5 and tab.locator(".stripes").count() == 0


def test_light_and_dark_have_colours_of_their_own_also_when_changed_while_open(opened, training):
    tab, seen = opened(training, color_scheme="light"), {}
    for scheme in "light", "dark", "light":
        tab.emulate_media(color_scheme=scheme)
        paper = tab.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
        seen.setdefault(scheme, set()).add((paper, tuple(pixels(tab)[0])))
    assert [len(seen[scheme]) for scheme in seen] == [1, 1] and seen["light"] != seen["dark"]


@pytest.mark.parametrize(("width", "columns"), [(1280, 3), (1000, 2), (500, 1), (320, 1)])
def test_it_fits_narrow_screens(width, columns, opened, training):
    tab = opened(training, width=width, height=800)
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tops = [tab.locator(place).bounding_box()["y"] for place in ("#network", "#picture", "#losses")]
    assert sum(top < tops[0] + 100 for top in tops) == columns


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


@pytest.mark.parametrize("lr", [1e6, 1e30, 0.05])
def test_the_numbers_on_the_axis_of_losses_stand_apart_within_the_chart(opened, lr):
    page = animate_training(MLP(1, [4, 1], "relu", rng=0), noisy_sine(20, seed=0), epochs=8, lr=lr, optimizer="sgd", progress=False)
    boxes = opened(page).locator("#losses text.up").evaluate_all(
        "all => all.map(t => t.getBBox()).map(({x, y, height}) => [x, y, y + height])")
    assert 2 <= len(boxes) <= 8 and min(x for x, *_ in boxes) > 9             # beside the title
    assert all(above >= bottom - 5 for (_, _, bottom), (_, above, _) in pairwise(sorted(boxes, key=lambda box: box[1])))
