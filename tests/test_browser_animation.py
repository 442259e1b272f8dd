"""The page of a training in a real browser: keys, buttons, numbers, colours, and no word of complaint."""

import re
import shutil

import pytest

from tinygrad_edu import animate_training
from tinygrad_edu.learn.data import Data, noisy_sine, xor, yin_yang
from tinygrad_edu.nn.modules import MLP

FLAGS = ("--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
         "--disable-component-update --disable-sync").split()


@pytest.fixture(scope="session")
def browser():
    """A Chromium driven by selenium."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="the browser tests need selenium: pip install selenium")
    program, driver = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    if not program or not driver:
        pytest.skip("the browser tests need chromium and chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    made = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield made
    made.quit()


class Shown:
    """A page in the browser, as its reader sees it."""

    def __init__(self, browser, path):
        self.browser = browser
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
        browser.get(path.as_uri())

    def run(self, code, *arguments):
        return self.browser.execute_script(code, *arguments)

    def text(self, name):
        return self.run("return document.getElementById(arguments[0]).textContent", name)

    @property
    def epoch(self):
        return int(re.fullmatch(r"epoch (\d+) / \d+", self.text("place"))[1])

    def press(self, key):
        self.run("document.activeElement.blur()")
        self.browser.find_element("tag name", "body").send_keys(key)

    def click(self, name):
        self.browser.find_element("id", name).click()

    def slide(self, to):
        self.run("const s = document.getElementById('slider'); s.value = arguments[0]; s.dispatchEvent(new Event('input'))", to)

    def numbers(self):
        """{row: [cell, ...]} of the table."""
        rows = self.run("return [...document.querySelectorAll('#numbers tbody tr')].map(row => [...row.cells].map(cell => cell.textContent))")
        return {name: cells for name, *cells in rows}

    def emulate(self, **features):
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]})

    def pixels(self):
        return self.run("""const from = document.getElementById('answers'), to = document.createElement('canvas');
            to.width = to.height = from.width;
            const context = to.getContext('2d', {willReadFrequently: true});
            context.drawImage(from, 0, 0);
            return [...context.getImageData(0, 0, to.width, to.height).data]""")

    def complaints(self):
        return self.browser.get_log("browser")


@pytest.fixture(scope="module")
def xor_page():
    return animate_training(MLP(2, [6, 2], rng=0), xor(40, seed=0), epochs=6, lr=0.05, validation=xor(12, seed=1), resolution=12, progress=False)


@pytest.fixture
def shown(browser, xor_page, tmp_path):
    page = Shown(browser, xor_page.save(tmp_path / "training.html"))
    yield page
    assert page.complaints() == []


def test_it_begins_before_training_and_every_number_is_that_of_the_history(shown, xor_page):
    assert shown.epoch == 0 and shown.text("sentence").startswith("Before training: loss 0.")
    history = xor_page.history
    for epoch in range(1, 7):
        shown.slide(epoch)
        i = epoch - 1
        assert shown.numbers() == {
            "training": [f"{history.loss[i]:.4f}", f"{100 * history.accuracy[i]:.1f} %"],
            "validation": [f"{history.validation_loss[i]:.4f}", f"{100 * history.validation_accuracy[i]:.1f} %"]}
        assert shown.text("sentence").startswith(f"After epoch {epoch} of 6: loss {history.loss[i]:.4f}, ")
        assert shown.run("return document.getElementById('slider').getAttribute('aria-valuetext')") == shown.text("sentence")


def test_buttons_and_keys_move_between_the_epochs(shown):
    from selenium.webdriver.common.keys import Keys
    for act, value, epoch in ((shown.click, "next", 1), (shown.press, Keys.ARROW_RIGHT, 2), (shown.press, Keys.ARROW_LEFT, 1), (shown.press, Keys.END, 6),
                              (shown.press, Keys.ARROW_RIGHT, 6), (shown.click, "back", 5), (shown.press, Keys.HOME, 0), (shown.click, "last", 6), (shown.click, "first", 0)):
        act(value)
        assert shown.epoch == epoch


def test_play_goes_on_to_the_last_epoch_and_stops_there(shown):
    from selenium.webdriver.support.ui import WebDriverWait
    shown.press(" ")
    assert shown.text("play") == "Pause" and shown.run("return document.getElementById('sentence').getAttribute('aria-live')") == "off"
    WebDriverWait(shown.browser, 15).until(lambda _: shown.text("play") == "Play")
    assert shown.epoch == 6 and shown.run("return document.getElementById('sentence').getAttribute('aria-live')") == "polite"


@pytest.mark.parametrize(("wish", "pause"), [("no-preference", 700), ("reduce", 1000)])
def test_playing_is_slow_where_less_motion_is_wished(wish, pause, shown):
    shown.emulate(prefers_reduced_motion=wish)
    shown.browser.refresh()
    shown.run("window.setInterval = (go, pause) => { window.pause = pause; return 1; }")
    shown.click("play")
    assert shown.run("return window.pause") == pause


def test_a_click_on_the_losses_goes_to_that_epoch(shown):
    shown.run("""const box = document.querySelector('#losses svg').getBoundingClientRect();
        document.querySelector('#losses svg').dispatchEvent(new MouseEvent('click', {bubbles: true, clientX: box.left + .52 * box.width, clientY: box.top + 50}))""")
    assert shown.epoch in (2, 3)


def test_the_colours_show_the_winners_and_the_outlined_are_wrong(shown, xor_page):
    from base64 import b64decode
    from json import loads
    found = loads(re.search(r'id="data">(.*?)</script>', xor_page.html, re.S)[1])
    for epoch in 0, 6:
        shown.slide(epoch)
        frame = found["frames"][epoch]
        count = sum(byte.bit_count() for byte in b64decode(frame["wrong"]))
        assert shown.run("return document.querySelectorAll('#picture .wrong').length") == count
        assert f"{count} of 40 examples are on the wrong side" in shown.text("sentence")
        corner, pixels = b64decode(frame["cells"])[0] // 128, shown.pixels()
        red, _, blue = pixels[255 * 256 * 4:][:3]                # the lower left pixel: blue for class 0, vermillion for 1
        assert (red > blue) == (corner == 1)
        drawn = {pixels[i] > pixels[i + 2] for i in range(0, len(pixels), 4)}
        assert len(drawn) == len({byte // 128 for byte in b64decode(frame["cells"])})
    assert shown.run("return document.querySelector('.border').getAttribute('d').length") > 100


def test_light_and_dark_are_both_readable(shown):
    seen = {}
    for mode in "light", "dark":
        shown.emulate(prefers_color_scheme=mode)
        style = shown.run("const s = getComputedStyle(document.body); return [s.color, s.backgroundColor]")
        ink, paper = ([int(x) for x in re.findall(r"\d+", colour)[:3]] for colour in style)
        assert abs(sum(ink) - sum(paper)) > 400
        seen[mode] = (sum(paper), shown.pixels()[:3])
    assert seen["light"][0] > seen["dark"][0] and seen["light"][1] != seen["dark"][1]


def test_the_page_fits_narrow_screens_and_prints_without_buttons(shown):
    for width in 1000, 500, 320:
        shown.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False})
        assert shown.run("return document.documentElement.scrollWidth <= innerWidth")
    shown.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    shown.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert shown.run("return getComputedStyle(document.querySelector('.bar')).display") == "none"
    shown.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


@pytest.mark.parametrize("data", [noisy_sine(20), yin_yang(30), Data([[1.0, 1.0], [1.0, 2.0]], [0, 1], ("<b>a</b>", "b"), ("<i>n</i>", "y")),
                                  Data([[1e-12, 1e9], [2e-12, -1e9]], [0, 1], ("a", "b"), ("n", "y"))], ids=["curve", "three", "column", "scales"])
@pytest.mark.parametrize("epochs", [0, 3])
def test_other_data_are_shown_without_complaint(data, epochs, browser, tmp_path):
    model = MLP(len(data.features), [3, len(data.classes) or 1], rng=0)
    page = Shown(browser, animate_training(model, data, epochs=epochs, resolution=5, progress=False).save(tmp_path / "a.html"))
    page.slide(epochs)
    assert page.epoch == epochs and page.complaints() == []
    assert "NaN" not in page.run("return document.body.outerHTML.replace(/<script.*<\\/script>/s, '')")
    assert page.run("return document.querySelectorAll('b, i').length") == 0
    assert [name in page.text("key") for name in data.classes] == [True] * len(data.classes)
    assert page.run("return document.querySelectorAll('.example').length") >= len(data)


def test_a_thinned_training_names_its_epochs(browser, tmp_path):
    page = animate_training(MLP(2, [2], rng=0), xor(8), epochs=10, frames=3, resolution=4, progress=False)
    shown, seen = Shown(browser, page.save(tmp_path / "a.html")), []
    for i in range(4):
        shown.slide(i)
        seen.append(shown.epoch)
        assert i == 0 or shown.numbers()["training"][0] == f"{page.history.loss[seen[-1] - 1]:.4f}"
    assert seen == [0, 4, 8, 10]
