"""The network tab in a browser: it trains, every number opens, links repeat it, and nothing hostile is more than text."""

import contextlib
import io
import json
import math
import random
import re

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


@pytest.fixture
def tab(chromium, page):
    """A function that opens the tab; afterwards nothing may have been said, asked for, or have gone wrong."""
    complaints, contexts = [], []

    def open_tab(width=1280, height=800, **settings):
        context = chromium.new_context(viewport={"width": width, "height": height}, offline=True, **settings)
        contexts.append(context)
        opened = context.new_page()
        opened.on("console", lambda message: complaints.append(message.text))
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on("request", lambda asked: asked.url.startswith(("file:", "about:")) or complaints.append(asked.url))
        opened.expose_function("answer", network_tab.answered)
        opened.goto(page)
        return opened

    yield open_tab
    for context in contexts:
        context.close()
    assert complaints == []


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
    assert "data" not in state(opened)


@pytest.mark.parametrize("mark", ["\t", ";", ","])
def test_a_table_comes_from_a_spreadsheet_too(tab, mark):
    rows = [("x", "y", "kind"), ("1", "2", "a"), ("3", "5", "b"), ("2", "1", "a")]
    assert use(tab(), "\n".join(map(mark.join, rows))).startswith("3 examples by x, y")


@pytest.mark.parametrize("table, named", [
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
    for i, parameter in enumerate(model.parameters()):
        event = tg.steps(loss)[network.arrival(loss, parameter) - 1]
        assert event.parent is parameter
        assert "html" in network.example({**asked, "number": i})
