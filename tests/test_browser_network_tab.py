"""The network tab in a browser: it trains, every number opens, links repeat it, and nothing hostile is more than text."""

import contextlib
import io
import json
import math
import random
import re
from itertools import pairwise

import network_tab
import pytest

import tinygrad_edu as tg

with contextlib.suppress(ImportError):
    import network

if not network_tab.PLAYGROUND.is_dir():
    pytest.skip("the playground is not part of this installation", allow_module_level=True)
pytest.importorskip("sklearn", reason='the iris data: pip install ".[data]"')


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "tab.html"
    path.write_text(network_tab.html(), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def windows(chromium):
    """Windows that tests have opened, each with all that went wrong in it: to open another takes longer than most tests."""
    kept = {}
    yield kept
    for window, _ in kept.values():
        window.context.close()


def new_window(chromium, settings):
    """A window without a network, and a list of what it said, asked for, and did wrong."""
    window, complaints = chromium.new_context(offline=True, **settings).new_page(), []
    window.on("console", lambda message: complaints.append(message.text))
    window.on("pageerror", lambda error: complaints.append(str(error)))
    window.on("request", lambda asked: asked.url.startswith(("file:", "about:")) or complaints.append(asked.url))
    window.expose_function("answer", network_tab.answered)
    return window, complaints


@pytest.fixture
def tab(chromium, page, windows):
    """A function that opens the tab; afterwards nothing may have been said, asked for, or have gone wrong."""
    used = []

    def open_tab(width=1280, height=800, **settings):
        settings["viewport"] = {"width": width, "height": height}
        key = (used.count(settings), repr(sorted(settings.items())))
        used.append(settings)
        if key not in windows:
            windows[key] = new_window(chromium, settings)
        window, _ = windows[key]
        window.goto("about:blank")              # where only what is behind a # differs, nothing would be loaded
        window.mouse.move(0, 0)
        window.goto(page)
        return window

    yield open_tab
    assert [complaints for _, complaints in windows.values() if complaints] == []


def told(tab):
    return tab.locator("#network_sentence").inner_text()


def state(tab):
    """What a link would hold."""
    return tab.evaluate("tabs.tab.state()")


def restore(tab, link, steps=None):
    """Follow a link, and wait until its steps were repeated."""
    tab.evaluate("map => tabs.tab.restore(new Map(Object.entries(map)))", link)
    wanted = int(link.get("steps", 0)) if steps is None else steps
    tab.wait_for_function("""steps => tabs.tab.state().steps === String(steps)
        && document.getElementById("network_play").textContent === 'Play'""", arg=wanted)


def program(tab):
    """What the tab's program in Python prints, as numbers: the last loss, and the parameters."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(tab.locator("#network_python_text").inner_text(), {})
    losses, _, parameters = printed.getvalue().partition("] [")
    return json.loads(losses + "]"), json.loads("[" + parameters)


def parameters(tab):
    """All parameters as the tab lists them, to five digits."""
    if tab.locator("#network_all").get_attribute("open") is None:
        tab.locator("#network_all summary").click()
        tab.locator("#network_weights li").first.wait_for()
    return tab.locator("#network_weights li").all_inner_texts()


def term(text):
    """(value, what arrives, product) of a button."""
    value, arrives, product = text.split(": ")[1].replace("−", "-").replace(" = ", " × ").split(" × ")
    return float(value), float(arrives), float(product)


LINKS = [{}, {"data": "spirals", "layers": "6-4", "activation": "relu", "optimizer": "SGD", "lr": "0.1", "batch": "8"},
         {"data": "noisy_sine", "loss": "huber", "penalty": "L2", "strength": "0.001", "seed": "7"},
         {"data": "iris", "test": "0.2", "penalty": "L1", "optimizer": "RMSprop", "loss": "cross_entropy"},
         {"data": "own", "points": "0.5,0.25,0;-1,0.125,1;0.75,-0.5,1", "classes": "2", "range": "-2,2,-1,1", "batch": "2"}]


@pytest.mark.parametrize("link", LINKS, ids=lambda link: link.get("data", "default"))
def test_the_program_in_python_gives_the_same_numbers(tab, link):
    opened = tab()
    restore(opened, link)
    for _ in range(3):
        opened.click("#network_one_epoch")
    losses, numbers = program(opened)
    listed = " ".join(parameters(opened))
    assert losses and all(f"= {float(f'{x:.5g}'):.15g}".replace("e-0", "e-") in listed for x in numbers if abs(x) >= 1e-4)
    assert math.isclose(losses[-1], opened.evaluate("() => network_tab.history().loss.at(-1)"), rel_tol=1e-12)


@pytest.mark.parametrize("link", LINKS, ids=lambda link: link.get("data", "default"))
def test_a_link_repeats_the_training(tab, link):
    opened = tab()
    restore(opened, link)
    opened.click("#network_one_epoch")
    opened.click("#network_one_step")
    sentence, numbers, kept = told(opened), parameters(opened), state(opened)
    other = tab()
    restore(other, kept)
    assert (told(other), parameters(other), state(other)) == (sentence, numbers, kept)


def refused(tab):
    """What is said of a link's keys that cannot be."""
    return tab.locator("#network_refused p").all_inner_texts()


WRONG = ["", "<b>", "-1", "0", "1e999", "NaN", "9" * 30, "Tanh", "__proto__", "0x1"]
RIGHT = {"seed": {"0"}, "steps": {"0"}, "test": {"0"}}              # of those


KEYS = ["data", "test", "layers", "activation", "loss", "optimizer", "lr", "penalty", "strength", "batch", "seed", "speed", "steps"]
FOLLOWED = """pairs => pairs.map(pair => {
  tabs.tab.restore(new Map([pair]));
  return [[...document.querySelectorAll("#network_refused p")].map(said => said.textContent), tabs.tab.state()];
})"""


def test_each_key_of_a_link_that_cannot_be_is_said(tab):
    """And what is there instead."""
    opened = tab()
    usual = state(opened)
    assert set(usual) == set(KEYS) - {"speed"}
    pairs = [(key, text) for key in KEYS for text in WRONG if text not in RIGHT.get(key, ())]
    for (key, text), (told, after) in zip(pairs, opened.evaluate(FOLLOWED, pairs), strict=True):
        [said] = told
        assert f"{key}={text}, which is not possible" in said and after == usual
        assert key == "speed" or f"Here it is {usual[key]}." in said
    restore(opened, usual)
    assert refused(opened) == []


@pytest.mark.parametrize("points", [{}, {"points": "1,2"}, {"points": "1,2,0", "classes": "2"}, {"points": "1,2,5", "classes": "2", "range": "0,1,0,1"}])
def test_points_of_a_link_that_cannot_be_are_said(tab, points):
    opened = tab()
    restore(opened, {"data": "own", **points})
    assert ["data=own" in text or f"points={points.get('points', '')}" in text for text in refused(opened)] == [True, True]


@pytest.mark.parametrize("key, text", [("lr", "0.02"), ("lr", "5e-5"), ("lr", "12"), ("strength", ".25"), ("batch", "7"), ("batch", "1000")])
def test_a_number_of_a_link_need_not_be_in_a_menu(tab, key, text):
    opened = tab()
    restore(opened, {key: text, "penalty": "L2"})
    assert refused(opened) == [] and state(opened)[key] == text
    assert opened.locator(f"#network_choice_{key}").input_value() == text
    opened.click("#network_one_epoch")
    losses, _ = program(opened)
    assert math.isclose(losses[-1], opened.evaluate("() => network_tab.history().loss.at(-1)"), rel_tol=1e-12)


def test_it_trains_as_fast_as_it_goes_and_slower_where_one_wishes(tab):
    speeds = tab().locator("#network_choice_speed")
    assert speeds.input_value() == "fast"
    assert [option.get_attribute("value") for option in speeds.locator("option").all()] == ["step", "epoch", "fast"]


# ---- drawn as `tg.draw` draws

def lines_and_circles(svg):
    """Lines (from x, y to x, y, width, class, dashes) and circles (x, y) of a picture, seen from its first circle."""
    number = r"(-?[\d.]+)"
    boxes = re.findall(f'<rect class="tg-box" x="{number}" y="{number}" width="{number}" height="{number}"', svg)
    circles = [(float(x) + float(wide) / 2, float(y) + float(high) / 2) for x, y, wide, high in boxes]
    drawn = re.findall(f'<path class="(tg-line tg-\\w+)"(?: stroke-dasharray="([^"]*)")? d="M{number} {number} L{number} {number}" '
                       f'stroke-width="{number}"', svg)
    lines = [(*map(float, ends), float(wide), kind, dashes or "none") for kind, dashes, *ends, wide in drawn]
    return lines, circles


OF_THE_TAB = """() => {
  const number = (one, ...names) => names.map(name => +one.getAttribute(name)), all = kind => [...document.querySelectorAll("#network_network " + kind)];
  return [all("line.tg-line").map(line => [...number(line, "x1", "y1", "x2", "y2", "stroke-width"), line.getAttribute("class"), line.getAttribute("stroke-dasharray")]),
    all("circle.tg-box").map(circle => number(circle, "cx", "cy"))];
}"""


def seen_from(circles, lines):
    """In the order of their ends, the first circle at 0, 0."""
    x, y = min(circles)
    return (sorted((a - x, b - y) for a, b in circles),
            sorted((a - x, b - y, c - x, d - y, *look) for a, b, c, d, *look in lines))


@pytest.mark.parametrize("link", [{}, {"data": "iris", "layers": "8-3-5"}, {"data": "line", "layers": "2"}], ids=lambda link: link.get("data", "default"))
def test_the_network_is_drawn_as_draw_draws_it(tab, link):
    """Circles in the same places, lines as wide, in the same colours, and dashed alike."""
    opened = tab()
    restore(opened, link)
    opened.click("#network_one_epoch")
    _, numbers = program(opened)
    sizes = opened.evaluate("network_choices.settings().sizes")
    model = tg.MLP(sizes[0], sizes[1:], rng=0)
    for parameter, number in zip(model.parameters(), numbers, strict=True):
        parameter.data = number
    lines, circles = lines_and_circles(tg.draw(model).svg)
    places, drawn = seen_from(circles, lines)
    own_lines, own_circles = opened.evaluate(OF_THE_TAB)
    own_places, own_drawn = seen_from(own_circles, own_lines)
    assert len(places) == sum(sizes) and len(drawn) == sum(a * b for a, b in pairwise(sizes))
    for one, other in zip(own_places, places, strict=True):
        assert one == pytest.approx(other, abs=0.11)            # a picture has one digit
    for one, other in zip(own_drawn, drawn, strict=True):
        assert one[:5] == pytest.approx(other[:5], abs=0.11) and one[5:] == other[5:]


def test_a_link_still_being_followed_leads_to_the_same(tab):
    """The address never holds a step on the way; who pauses there has chosen that step."""
    opened = tab()
    opened.evaluate("tabs.tab.restore(new Map([['steps', '900000']]))")
    opened.wait_for_function("() => !document.getElementById('network_sentence').textContent.includes('step 0:')")
    assert state(opened)["steps"] == "900000"
    opened.click("#network_play")
    assert 0 < int(state(opened)["steps"]) < 900000
    assert f"step {state(opened)['steps']}:" in told(opened)


def test_a_long_training_still_has_its_curve(tab):
    """More epochs than a call has arguments."""
    opened = tab()
    opened.evaluate("() => { network_tab.history().loss.push(...Array(100000).fill(.5)); }")
    opened.evaluate("() => { network_tab.history().loss.push(...Array(100000).fill(.5)); }")
    opened.click("#network_one_epoch")
    assert len(opened.locator("#network_curve path.training").get_attribute("d").split("L")) < 400


@pytest.mark.parametrize("width", [1280, 390])
def test_the_numbers_beside_the_curve_keep_clear_of_its_name(tab, width):
    opened = tab(width=width)
    opened.evaluate("() => { network_tab.history().loss.push(...Array.from({length: 60}, (_, i) => 10 ** -(i / 10))); }")
    opened.click("#network_one_epoch")
    sides = opened.evaluate("""() => [...document.querySelectorAll("#network_curve :is(.up, [transform^=translate].middle)")]
        .map(one => [one.textContent, one.getBoundingClientRect().left, one.getBoundingClientRect().right])""")
    *numbers, (name, _, right) = sides
    assert name == "loss (logarithmic)" and "0.0001" in [number for number, *_ in numbers]
    assert [number for number, left, _ in numbers if left < right] == []


def test_the_program_says_where_it_ends_before_the_page(tab):
    opened, text = tab(), "These are whole epochs, 0 of them"
    assert text not in opened.locator("#network_python_text").inner_text()
    opened.click("#network_one_step")
    assert text in opened.locator("#network_python_text").inner_text()
    assert program(opened)[0] == []


def test_a_page_of_one_example_is_saved(tab):
    opened = tab()
    opened.click("#network_one_example")
    opened.frame_locator("iframe").locator("#slider").wait_for()
    shown = re.search(r"[(](.*?)[)]", opened.locator("#network_player_told").inner_text())[1].split(", ")
    saved = opened.evaluate("tabs.tab.save()")
    assert saved["name"] == "example.html" and all(number in saved["html"] for number in shown)
    opened.click("#network_clear")
    assert "nothing to learn from" in opened.evaluate("tabs.tab.save().catch(error => error.message)")


def test_what_takes_all_points_away_keeps_the_focus(tab):
    opened = tab()
    opened.locator("#network_clear").press("Enter")
    assert opened.evaluate("document.activeElement.id") == "network_clear"


def test_it_plays_pauses_and_starts_anew(tab):
    opened = tab()
    first = told(opened)
    opened.click("#network_play")
    opened.wait_for_function("() => +tabs.tab.state().steps > 20")
    opened.click("#network_play")
    paused = told(opened)
    assert paused != first and state(opened)["steps"] != "0"
    assert opened.locator("#network_play").inner_text() == "Play"
    opened.click("#network_one_step")
    assert told(opened) != paused
    opened.click("#network_restart")
    assert told(opened) == first


def test_the_walked_step_is_what_the_next_step_does(tab):
    opened = tab()
    restore(opened, {"optimizer": "Momentum", "batch": "8"})
    opened.click("#network_one_step")
    for weight in ("w0[2,1]", "b1[0]"):
        opened.select_option("#network_choice_weight", weight)
        update = opened.locator("#network_stages button").nth(3).inner_text()
        after = update.split(" to ")[1].split(",")[0]
        opened.click("#network_one_step")
        opened.select_option("#network_choice_weight", weight)
        assert f" from {after} to " in opened.locator("#network_stages button").nth(3).inner_text()


@pytest.mark.parametrize("weight", ["w0[2,1]", "b0[0]", "w1[0,5]"])
def test_a_gradient_opens_down_to_one_product(tab, weight):
    """A weight is the sum of its terms, and a term is a step of the player of that example."""
    opened = tab()
    opened.click("#network_one_epoch")
    opened.select_option("#network_choice_weight", weight)
    buttons = opened.locator("#network_terms button")
    found = [term(text) for text in buttons.all_inner_texts()]
    assert len(found) == 16
    for value, arrives, product in found:
        assert math.isclose(value * arrives, product, rel_tol=1e-3)
    gradient = float(opened.locator("#network_sum_told").inner_text().split(" = ")[2].split(". ")[0].replace("−", "-"))
    assert math.isclose(sum(product for *_, product in found) / 16, gradient, abs_tol=1e-4)
    buttons.nth(3).click()
    inside = opened.frame_locator("iframe")
    inside.locator("#slider").wait_for()
    shown = opened.frame(url="about:srcdoc").locator("body").inner_text().replace("−", "-")
    assert weight in shown
    numbers = [float(x) for x in re.findall(r"-?\d+\.\d+(?:e-?\d+)?", shown)]
    assert any(math.isclose(x, found[3][2], rel_tol=1e-4) for x in numbers)
    opened.press("#network_close_player", "Enter")          # the frame may still grow, and a click go astray
    opened.locator("iframe").wait_for(state="detached")
    assert opened.evaluate("document.activeElement.id") == "network_one_example"


def test_a_line_is_clicked_for_its_weight(tab):
    opened = tab()
    opened.locator("#network_network line.reach").nth(4).dispatch_event("click")
    assert opened.locator("#network_choice_weight").input_value() == "w0[2,0]"
    assert "w0[2,0]" in opened.locator("#network_step_title").inner_text()


def test_one_example_opens_in_the_player(tab):
    opened = tab()
    opened.click("#network_one_example")
    opened.frame_locator("iframe").locator("#slider").wait_for()
    assert "forward, loss and backward" in opened.locator("#network_player_told").inner_text()


def box(tab):
    return tab.locator("#network_picture svg svg").bounding_box()


@pytest.mark.parametrize("way", ["mouse", "touch", "keys"])
def test_points_are_painted_and_taken_away(tab, way):
    opened = tab(has_touch=True)
    opened.click("#network_clear")
    assert "nothing to learn from" in told(opened)

    def at(u, v):
        area = box(opened)
        x, y = area["x"] + u * area["width"], area["y"] + v * area["height"]
        if way == "keys":
            opened.locator("#network_picture > svg").focus()
            opened.keyboard.press("ArrowRight" if u > 0.5 else "ArrowLeft")
            opened.keyboard.press("Enter")
        elif way == "mouse":
            opened.mouse.click(x, y)
        else:
            opened.touchscreen.tap(x, y)
    opened.get_by_label("add upper moon").check()
    at(0.25, 0.5)
    opened.get_by_label("add lower moon").check()
    at(0.75, 0.5)
    at(0.8, 0.5)
    assert [row.split(",")[2] for row in state(opened)["points"].split(";")] == ["0", "1", "1"]
    opened.get_by_label("take away").check()
    at(0.8, 0.5)
    assert len(state(opened)["points"].split(";")) == 2
    opened.click("#network_one_epoch")
    assert "of 2 examples" in told(opened)


HOSTILE = '<img src=x onerror=alert(1)>'


def use(tab, table):
    if tab.locator("#network_paste").get_attribute("open") is None:
        tab.locator("#network_paste summary").click()
    tab.fill("#network_csv", table)
    tab.click("#network_use_csv")
    tab.wait_for_function("() => !document.getElementById('network_csv_said').textContent.includes('…')")
    return tab.locator("#network_csv_said").inner_text()


def test_a_pasted_table_is_learned_and_its_names_are_only_text(tab):
    opened = tab()
    rows = "".join(f"{i},{i * i},{HOSTILE if i % 2 else '</script><b>'},{'a' * (i % 2)}{HOSTILE}\n" for i in range(8))
    said = use(opened, f"{HOSTILE},y,note,kind\n{rows}")
    assert "Left out: note" in said and HOSTILE in said
    assert opened.locator("img, b").count() == 0
    opened.click("#network_one_epoch")
    assert "of 8 examples" in told(opened)
    losses, _ = program(opened)
    assert math.isclose(losses[-1], opened.evaluate("() => network_tab.history().loss.at(-1)"), rel_tol=1e-12)
    assert state(opened)["data"] == "csv"
    opened.evaluate("link => tabs.tab.restore(new Map(Object.entries(link)))", state(opened))
    assert refused(opened) == []
    another = tab()
    restore(another, {"data": "csv"})
    assert ["paste it again" in text for text in refused(another)] == [True]


@pytest.mark.parametrize("mark", ["\t", ";", ","])
def test_a_table_comes_from_a_spreadsheet_too(tab, mark):
    rows = [("x", "y", "kind"), ("1", "2", "a"), ("3", "5", "b"), ("2", "1", "a")]
    assert use(tab(), "\n".join(map(mark.join, rows))).startswith("3 examples by x, y")


@pytest.mark.parametrize("table", ["x y kind\n1  2 a\n 3 5 b\n2 1 a \n", "x;y;kind\n1,5;2;a\n3;5,25;b\n2;1;a\n"])
def test_spaces_and_decimal_commas_are_understood(tab, table):
    assert use(tab(), table).startswith("3 examples by x, y")


@pytest.mark.parametrize("mark", ["\t", ";", ",", " ", "   "])
def test_a_table_needs_no_header(tab, mark):
    rows = [("1", "2", "a"), ("3", "5", "b"), ("2", "1", "a")]
    said = use(tab(), "\n".join(map(mark.join, rows)))
    assert said.startswith("3 examples by x1, x2") and "first line holds a number" in said


@pytest.mark.parametrize("table, named", [
    ("1\n2\n3\n", "put commas, semicolons, tabs or spaces between values"), ("1 2 a\n3 4\n", "line 2"),
    ("1;2;a\n3;q;b\n", "line 2, column 'x2': 'q' is not a finite number"),
    ("", "the file is empty"), ("x,y,z\n", "only a header line"), ("x,y,z\n1,2,a\n1,2\n", "line 3"),
    ("x,y,z\n1,2,a\n3,q,b\n", "line 3, column 'y': 'q' is not a finite number"),
    ("x,y,z\n1,2,a\n3,nan,b\n", "line 3, column 'y'"), ("x,z\n1,a\n2,b\n", "two columns of numbers"),
    ("x,y,z\n1,2,a\n3,4,a\n", "2 to 8 classes"), ("x,x,z\n1,2,3\n", "named twice")])
def test_a_table_that_cannot_be_used_says_where(tab, table, named):
    opened = tab()
    before = told(opened)
    assert named in use(opened, table)
    assert told(opened) == before


def test_hostile_links_change_nothing_but_what_they_may(tab):
    """2,000 maps: each key is one of its choices or the usual one afterwards, and no element comes from a text."""
    opened, rng = tab(), random.Random(0)
    usual, texts = state(opened), [HOSTILE, "__proto__", "constructor", "", "NaN", "1e999", "-1", "9" * 40, "0,0,0;" * 9,
                                   "8-8-8-8", "0", "L3", "toString", "null", "javascript:alert(1)", "\u202e", "%00"]
    maps = [{key: rng.choice(texts) for key in (*usual, "points", "classes", "range", HOSTILE)} for _ in range(2000)]
    opened.evaluate("all => { for (const map of all.slice(1)) { network_choices.settle(new Map(Object.entries(map))); } tabs.tab.restore(new Map(Object.entries(all[0]))); }", maps)
    allowed = {"test": {"0"}, "seed": {"0"}}
    for key, text in state(opened).items():
        assert text in allowed.get(key, {usual[key], "0"})
    assert opened.locator("img").count() == 0


def test_a_training_that_explodes_says_so(tab):
    opened = tab()
    restore(opened, {"data": "line", "activation": "linear", "optimizer": "SGD", "lr": "1", "layers": "8-8-8"})
    for _ in range(60):
        opened.click("#network_one_epoch")
    assert "exploded" in told(opened) and "smaller learning rate" in told(opened)
    assert not opened.locator("#network_step").is_visible()


def test_numbers_too_large_are_said_before_a_step_is_taken(tab):
    opened = tab()
    use(opened, "x,y\n1,1e300\n2,-1e300\n")
    assert "exploded" in told(opened) and "step 0:" in told(opened)


def test_the_walk_in_the_documents_is_what_happens(tab):
    """From an untrained network down to one product, with the numbers that stand there."""
    text = " ".join((network_tab.PLAYGROUND.parent / "playground.md").read_text(encoding="utf-8").split())
    quoted = re.findall("`([^`]+)`", text.split("Open **Network**")[1])
    untrained, trained, total, product, place, came = quoted[:6]
    opened = tab()
    opened.evaluate("map => tabs.tab.restore(new Map(map))", [])
    assert untrained in told(opened)
    for _ in range(20):
        opened.click("#network_one_epoch")
    assert trained in told(opened)
    opened.locator("#network_network line.reach").nth(2).dispatch_event("click")
    assert total in opened.locator("#network_sum_told").inner_text()
    opened.locator("#network_terms").get_by_text(product).click()
    inside = opened.frame_locator("iframe")
    inside.locator("#slider").wait_for()
    assert place in opened.frame(url="about:srcdoc").locator("body").inner_text()
    assert came in inside.locator("[aria-live]").first.inner_text()


@pytest.mark.parametrize("width, mode", [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")])
def test_axe_finds_nothing(tab, violations, width, mode):
    opened = tab(width=width, color_scheme=mode)
    opened.click("#network_one_epoch")
    for details in ("paste", "examples", "all"):
        opened.locator(f"#network_{details} summary").click()
    opened.get_by_label("add upper moon").check()
    assert [found for found in violations(opened) if found[0] not in OF_THE_SHELL] == []


OF_THE_SHELL = ("page-has-heading-one", "region")           # the page around the tab has these


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_targets_are_large_and_nothing_sticks_out(tab, width):
    opened = tab(width=width)
    opened.click("#network_one_epoch")
    small = opened.evaluate("""() => [...document.querySelectorAll("button, select, summary, label.network_brush, #network_choice_seed")]
        .filter(one => one.checkVisibility() && one.getBoundingClientRect().height < 40).map(one => one.id || one.textContent)""")
    assert small == []
    assert opened.evaluate("document.documentElement.scrollWidth") <= width


def test_all_of_it_goes_by_keys(tab):
    """Everything that can be clicked but the lines of the picture is reached by Tab, and these by the list of weights."""
    opened = tab()
    wanted = set(opened.evaluate("""() => [...document.querySelectorAll("button, select:enabled, summary, textarea, input[type=text], #network_choice_seed")]
        .filter(one => one.checkVisibility()).map(one => one.id || one.textContent)"""))
    seen = set()
    for _ in range(3 * len(wanted)):
        opened.keyboard.press("Tab")
        seen.add(opened.evaluate("document.activeElement.id || document.activeElement.textContent"))
        if wanted <= seen:
            break
    assert wanted - seen == set()


def test_with_reduced_motion_pictures_come_one_by_one(tab):
    opened = tab(reduced_motion="reduce")
    opened.click("#network_play")
    opened.wait_for_function("() => +tabs.tab.state().steps >= 10")
    changes = opened.evaluate("""() => new Promise(done => { let count = 0;
        new MutationObserver(() => count++).observe(document.getElementById("network_sentence"), {childList: true});
        setTimeout(() => done(count), 900); })""")
    assert changes <= 1


def test_while_it_plays_nobody_is_told_each_picture(tab):
    opened = tab()
    live = opened.locator("#network_sentence")
    opened.click("#network_play")
    opened.wait_for_function("() => +tabs.tab.state().steps > 5")
    assert live.get_attribute("aria-live") == "off"
    opened.click("#network_play")
    assert live.get_attribute("aria-live") == "polite"


def test_the_number_of_the_example_is_the_engines():
    """What Python is asked: the page of one example opens where the parameter gets its gradient."""
    model = tg.MLP(2, [3, 1], rng=4)
    numbers = [p.data for p in model.parameters()]
    asked = {"sizes": [2, 3, 1], "activation": "tanh", "loss": "mse", "parameters": numbers, "row": [0.5, -1.0],
             "target": 0.25}
    loss = tg.mse(model([0.5, -1.0]), 0.25)
    events = tg.steps(loss)
    for parameter in model.parameters():
        assert events[network.arrival(loss, parameter) - 1].parent is parameter
    assert "html" in network.example({**asked, "number": 3})
