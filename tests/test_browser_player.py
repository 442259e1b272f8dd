"""The player in a browser: every key and button, every number, folding, hovering, finding, hostile labels."""

import importlib.util
import io
import re
import unicodedata
from pathlib import Path

import pytest
from planting import tell_otherwise
from taught import TAUGHT, recurrent
from test_player import data_of
from test_show import EXPRESSIONS, HOSTILE, a_network_and_its_loss, graph
from test_zeros import random_expression
from waiting import until

import tinygrad_edu as tg
from tinygrad_edu import Value
from tinygrad_edu.show.circles import short_number
from tinygrad_edu.show.page import words_of
from tinygrad_edu.show.svg import number_text


def circuit():
    return tg.play(graph("circuit"))


def place(tab):
    return int(tab.locator("#place").inner_text().split(" / ")[0])


def go(tab, to):
    tab.locator("#slider").evaluate("(slider, to) => { slider.value = to; slider.dispatchEvent(new Event('input')) }", to)


def boxes(tab):
    """{name: (data, grad)} of the visible boxes."""
    read = """drawn => drawn.filter(b => !b.hasAttribute('display')).map(b => [b.querySelector('.tg-name').textContent,
              ...['.tg-data', '.tg-grad'].map(k => b.querySelector(k)?.textContent ?? null)])"""
    return {name: (value, grad) for name, value, grad in tab.locator("#boxes > g").evaluate_all(read)}


def numbers(text):
    return [float(x) for x in re.findall(r"(?<![\w.])[-−]?\d+(?:\.\d+)?(?:e[+−-]?\d+)?(?!\w)", text.replace("−", "-"))]


def marked(tab, kind):
    return tab.locator(f"#boxes > g.{kind}:not([display])").evaluate_all(
        "found => found.map(b => b.querySelector('.tg-name').textContent)")


# ---- every number

def expected_numbers(f, events, place):
    """[(data, gradient)] of every node once the first events are done, None where there is none yet."""
    order = tg.topological_order(f)
    data = {node: None if node.parents else node.data for node in order}
    grads = dict.fromkeys(order)
    for event in events[:place]:
        if event.kind == "forward":
            data[event.node] = event.node.data
        elif event.kind == "stopped":
            grads.update(dict.fromkeys(event.behind, 0.0))
        else:
            grads[event.node if event.parent is None else event.parent] = event.value
    return [(data[node], grads[node]) for node in order]


@pytest.mark.parametrize("name", [*EXPRESSIONS, "selecting", "closed", "random", "by hand", "huge", "network"])
def test_every_number_at_every_step_is_the_engines(opened, name):
    if name == "by hand":
        f = Value(5.0, (Value(2.0, label="x"), Value(1.0)), (3.0, -1e-9), op="odd", label="f")
    elif name == "network":
        _, f = a_network_and_its_loss([2, 1])
    else:
        f = {"selecting": lambda: tg.expression("relu(x) + max(x, y) * abs(y)", x=-1, y=2),
             "random": lambda: tg.expression(random_expression(12)[0], **random_expression(12)[1]),
             "closed": lambda: tg.expression("relu(w*x + b) + max(x, y*y)", w=2, x=-1, y=2, b=1),
             "huge": lambda: tg.expression("x * x / y + 1e300 * y", x=1e-150, y=3e-5)}.get(name, lambda: graph(name))()
    check_every_step(opened(tg.play(f, fold="none")), f)


def check_every_step(tab, f):
    """Every number, formula and label of the page at every step, against the engine's events."""
    events = tg.steps(f)
    for at in range(len(events) + 1):
        go(tab, at)
        assert place(tab) == at
        for (data, grad), (value, gradient) in zip(boxes_in_order(tab), expected_numbers(f, events, at), strict=True):
            assert data in (None, "—" if value is None else number_text(value))
            assert grad in (None, "—" if gradient is None else number_text(gradient))
        assert edge_labels(tab) == expected_labels(tg.topological_order(f), events, at)
        if at:
            check_panel(tab, events[at - 1])


def boxes_in_order(tab):
    read = "drawn => drawn.map(b => ['.tg-data', '.tg-grad'].map(k => b.querySelector(k)?.textContent ?? null))"
    count = tab.evaluate("JSON.parse(document.getElementById('data').textContent).nodes.length")
    return tab.locator("#boxes > g").evaluate_all(read)[:count]


def edge_labels(tab):
    """{(node, input): label} of the arrows between single nodes."""
    links = tab.evaluate("JSON.parse(document.getElementById('data').textContent).views[0].links.map(l => [l[2], l[3]])")
    texts = tab.locator("#links > g text").evaluate_all("found => found.map(t => t.textContent)")
    return {tuple(link): text for link, text in zip(links, texts, strict=True)}


def expected_labels(order, events, at):
    done = {event.node for event in events[:at] if event.kind == "forward"}
    labels = {}
    for n, node in enumerate(order):
        for i, parent in enumerate(node.parents):
            silent = node not in done or parent.is_constant or node.is_constant
            labels[n, i] = "" if silent else f"∂ {number_text(node.local_grads[i])}"
    if at and events[at - 1].kind == "backward":
        event = events[at - 1]
        labels[order.index(event.node), event.edge] = f"{number_text(event.terms[1])} × {number_text(event.terms[2])}"
    return labels


def letters(text):
    """What text and MathML of a formula have in common: names, numbers, and ∂, in their order."""
    plain = unicodedata.normalize("NFKC", text).replace("(along this arrow)", "").replace("because", "")
    plain = re.sub(r"([a-z])(\d)\[([\d,]+)\]", r"\1\3\2", plain)          # typeset, the layer stands above, and last
    return re.sub(r"abs|_|[^\w∂]", "", plain.replace("exp", "e"))


def in_a_brace(text):
    """A choice as the page has it, in a brace of two cases: there "else" stands last."""
    return re.sub(r"else (\S+)$", r"\1 else", text)


def check_panel(tab, event):
    """The step's symbols and numbers stand in the panel, in the picture, and in the sentence that is read aloud."""
    said = tab.locator("#say").inner_text()
    if event.kind == "stopped":
        assert event.reason in tab.locator("#what").inner_text() and event.reason in said and said.endswith(" = 0")
        return
    lines = tab.locator("#lines > div").evaluate_all("divs => divs.map(d => d.textContent)")
    assert number_text(event.value) in "".join(lines) and said.endswith(f"= {number_text(event.value)}")
    assert letters(lines[0]) == letters(in_a_brace(event.formula)) + letters(number_text(event.value)) * (event.kind == "seed")
    if event.kind == "backward":
        before, upstream, local = map(number_text, event.terms)
        assert re.sub(r"[\s()]", "", lines[1]) == f"{before}+{upstream}×{local}={number_text(event.value)}"
        assert f"{before} + {upstream} × {local} = {number_text(event.value)}" in said
        because = letters(lines[2])
        slope = letters(event.partial.split(" (input")[0])
        assert because.startswith(slope) and because.endswith(letters(local))
        plain = all(name.isidentifier() for name in map(tg.names(event.node).get, event.node.parents))
        assert letters(in_a_brace(event.local)) in because.removeprefix(slope) or not plain        # a parent that is a formula stands there as a whole
        assert "forward" not in tab.locator("#what").inner_text()
    else:
        assert (event.kind if event.kind == "forward" else "backward") in tab.locator("#what").inner_text()


def another_slope(data):
    data["events"][-1][3] = "12.5"


def another_order(data):
    data["events"][0], data["events"][1] = data["events"][1], data["events"][0]


FAULTS = {          # what the script is told wrongly of q = x + y; f = q * z * y
    "the reason of another input": lambda data: data["nodes"][-2]["why"].reverse(),
    "the derivative of another arrow": lambda data: data["nodes"][-1]["local"].reverse(),
    "gradients that do not add up": another_slope,
    "steps in another order": another_order,
    "another number in a box": lambda data: data["nodes"][0].update(data="7"),
    "a node made from others": lambda data: data["nodes"][-1]["parents"].reverse(),
    "a name of another node": lambda data: data["nodes"][0].update(name="w", maths="<mi>w</mi>"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_the_page_is_told_wrongly_does_not_go_unseen(opened, fault, monkeypatch):
    f = tg.expression("q = x + y; f = q * z * y", x=-2, y=5, z=-4)
    with monkeypatch.context() as patch:
        tell_otherwise(patch, FAULTS[fault])
        page = tg.play(f, live=False)
    with pytest.raises(AssertionError):
        check_every_step(opened(page, faulty=True), f)


# ---- keys and buttons

def test_every_key(opened):
    tab = opened(circuit())
    assert place(tab) == 0
    walked = []
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "End", "ArrowRight", "Home", "ArrowLeft", "f", "ArrowRight"):
        tab.keyboard.press(key)
        walked.append(place(tab))
    assert walked == [1, 2, 1, 7, 7, 0, 0, 2, 3]


def test_every_button(opened):
    tab = opened(circuit())
    walked = []
    for button in ("next", "next", "back", "last", "next", "first", "back", "turn"):
        tab.locator(f"#{button}").click(force=True)
        walked.append(place(tab))
    assert walked == [1, 2, 1, 7, 7, 0, 0, 2]
    states = tab.locator(".bar").first.locator("button[aria-disabled]").evaluate_all("b => b.map(x => x.ariaDisabled)")
    assert states == ["false"] * 4
    tab.locator("#first").click()
    assert tab.locator("#back").get_attribute("aria-disabled") == "true"
    assert tab.evaluate("document.activeElement.id") == "first"


def test_play_walks_to_the_end_and_can_be_paused(opened):
    tab = opened(circuit())
    tab.clock.install(time=0)
    tab.clock.pause_at(1000)                        # from here on only `run_for` moves the clock
    tab.keyboard.press("Space")
    assert (place(tab), tab.locator("#play").inner_text()) == (1, "Pause")
    tab.clock.run_for(2100)
    assert place(tab) == 3
    tab.locator("#play").click()
    tab.clock.run_for(3000)
    assert (place(tab), tab.locator("#play").inner_text()) == (3, "Play")
    tab.locator("#play").click()
    tab.clock.run_for(10000)
    assert (place(tab), tab.locator("#play").inner_text()) == (7, "Play")
    tab.keyboard.press("Space")                     # on the button: once, not twice; from the end it starts again
    assert place(tab) == 0
    tab.keyboard.press("ArrowRight")
    tab.clock.run_for(5000)
    assert place(tab) == 1                          # a step by hand ends the playing


def test_the_slider_has_its_own_keys_and_says_the_step(opened):
    tab = opened(circuit())
    tab.locator("#slider").focus()
    tab.keyboard.press("ArrowRight")
    assert place(tab) == 1
    tab.keyboard.press("End")
    assert place(tab) == 7
    assert "x.grad" in tab.locator("#slider").get_attribute("aria-valuetext")


def test_keys_do_not_act_while_something_is_typed_or_with_other_keys(opened):
    tab = opened(circuit())
    tab.keyboard.press("/")
    assert tab.evaluate("document.activeElement.id") == "find"
    tab.keyboard.type("f q")
    assert place(tab) == 0 and tab.locator("#find").input_value() == "f q"
    tab.keyboard.press("Escape")
    tab.locator("h1").click()
    for key in ("Control+ArrowRight", "Alt+ArrowRight", "x"):
        tab.keyboard.press(key)
    assert place(tab) == 0


def viewport(tab):
    """Left, top, width and height of what is seen of the picture, in its points."""
    return tab.evaluate("""() => { const {left, top, right, bottom} = document.getElementById('stage').getBoundingClientRect();
        const inverse = document.getElementById('moved').getScreenCTM().inverse();
        const [a, b] = [[left, top], [right, bottom]].map(([x, y]) => new DOMPoint(x, y).matrixTransform(inverse));
        return [a.x, a.y, b.x - a.x, b.y - a.y] }""")


def test_zoom_fit_and_pan(opened):
    _, loss = a_network_and_its_loss([4, 3, 1])
    tab = opened(tg.play(loss, fold="none"))
    start = viewport(tab)
    tab.locator("#in").click()
    assert viewport(tab)[2] == pytest.approx(start[2] / 1.25)
    tab.locator("#out").click()
    tab.keyboard.press("-")
    assert viewport(tab)[2] == pytest.approx(start[2] * 1.25)
    tab.keyboard.press("+")
    tab.keyboard.press("Shift+ArrowRight")
    moved = viewport(tab)
    assert moved[2] == pytest.approx(start[2]) and moved[0] > start[0] and place(tab) == 0
    corner = tab.locator("#stage").bounding_box()
    x, y = corner["x"] + corner["width"] / 2, corner["y"] + 4
    tab.mouse.move(x, y)
    tab.mouse.down()
    tab.mouse.move(x + 50, y + 40, steps=3)
    tab.mouse.up()
    assert viewport(tab) != moved and place(tab) == 0
    tab.locator("#fit").click()
    whole = viewport(tab)
    tab.keyboard.press("0")
    assert viewport(tab) == whole
    inside = tab.evaluate("""() => { const s = document.getElementById('stage').getBoundingClientRect();
        return [...document.querySelectorAll('#boxes > g:not([display])')].every(b => { const r = b.getBoundingClientRect();
        return r.left >= s.left && r.top >= s.top && r.right <= s.right && r.bottom <= s.bottom }) }""")
    assert inside


def test_the_step_is_never_out_of_sight(opened):
    _, loss = a_network_and_its_loss([8, 4, 1])
    tab = opened(tg.play(loss, fold="none"))
    inside = """() => { const s = document.getElementById('stage').getBoundingClientRect();
        return [...document.querySelectorAll('.now.tg-node, .gains')].every(b => { const r = b.getBoundingClientRect();
        const x = (r.left + r.right) / 2, y = (r.top + r.bottom) / 2;
        return s.left < x && x < s.right && s.top < y && y < s.bottom }) }"""
    for at in range(0, len(tg.steps(loss)), 7):
        go(tab, at)
        assert tab.evaluate(inside), at


# ---- boxes

def test_a_click_on_a_box_jumps_to_its_next_step(opened):
    tab = opened(tg.play(graph("fan")))                     # x * x + x: x is used three times
    x = tab.locator("#boxes > g").first
    events = tg.steps(graph("fan"))
    wanted = [i for i, e in enumerate(events, 1) if e.parent is not None and e.parent_name == "x"]
    assert len(wanted) == 3
    walked = []
    for _ in range(4):
        x.click(delay=1)
        tab.wait_for_timeout(10)
        walked.append(place(tab))
    assert walked == [*wanted, wanted[0]]
    box = tab.locator("#boxes > g").last
    box.focus()
    go(tab, 0)
    box.focus()
    tab.keyboard.press("Enter")
    assert events[place(tab) - 1].kind in ("forward", "seed") and events[place(tab) - 1].name == tg.names(graph("fan")).popitem()[1]


def test_boxes_say_what_they_are(opened):
    tab = opened(circuit())
    go(tab, 7)
    labels = tab.locator("#boxes > g").evaluate_all("drawn => drawn.map(b => b.getAttribute('aria-label'))")
    assert labels == ["x: −2, gradient −4", "y: 5, gradient −4", "q = x + y: 3, gradient −4", "z: −4, gradient 3", "f = q * z: −12, gradient 1"]
    go(tab, 0)
    assert tab.locator("#boxes > g").last.get_attribute("aria-label") == "f = q * z"


def test_positions_never_move_while_the_step_changes(opened):
    tab = opened(tg.play(graph("neuron")))
    read = "drawn => drawn.map(b => [b.getAttribute('transform'), b.querySelector('.tg-box').getAttribute('width')])"
    before = tab.locator("#boxes > g").evaluate_all(read)
    for at in range(8):
        go(tab, at)
        assert tab.locator("#boxes > g").evaluate_all(read) == before


def test_texts_stay_within_their_boxes(opened):
    tab = opened(tg.play(tg.expression("sin(a * 12345.678) * exp(b) / 3 + a*b*b", a=-0.00012345, b=12.3456)))
    for at in range(0, 25, 3):
        go(tab, at)
        assert tab.evaluate("""() => [...document.querySelectorAll('#boxes > g')].every(b => {
            const r = b.querySelector('.tg-box').getBBox();
            return [...b.querySelectorAll('text')].every(t => { const s = t.getBBox();
                return !s.width || s.x >= r.x - 1 && s.x + s.width <= r.x + r.width + 1 }) })""")


def test_hovering_a_shared_weight_lights_it_in_every_time_step(opened):
    tab = opened(tg.play(recurrent(4)), width=1280, height=800)
    weight = tab.locator("#boxes > g:not([display])", has_text=re.compile("^u"))
    weight.hover()
    assert "lit" in weight.get_attribute("class").split()
    own = f"#ghosts use[href='#{weight.get_attribute('id')}']"
    assert tab.locator(own).count() == 3                    # copies of the same box, so they are lit with it


def test_hovering_a_term_lights_its_box_and_the_other_way_round(opened):
    tab = opened(circuit())
    go(tab, 5)                                              # q receives from f
    lit = "found => found.map(b => b.querySelector('.tg-name').textContent)"
    tab.locator("#lines .term[data-node='2']").first.hover()
    assert tab.locator("#boxes > g.lit").evaluate_all(lit) == ["q = x + y"]
    tab.locator("h1").hover()
    assert tab.locator(".lit").count() == 0
    tab.locator("#boxes > g").nth(3).hover()                # z
    assert set(tab.locator(".term.lit").evaluate_all("t => t.map(x => x.dataset.node)")) == {"3"}
    tab.locator("#boxes > g").nth(2).focus()
    assert "2" in tab.locator(".term.lit").evaluate_all("t => t.map(x => x.dataset.node)")


def test_light_goes_out_with_its_term_and_stays_with_its_box(opened):
    tab = opened(circuit())
    go(tab, 5)
    tab.locator("#lines .term[data-node='2']").first.hover()
    tab.keyboard.press("ArrowRight")
    assert tab.locator("#boxes > g.lit").count() == 0 or tab.locator("#lines .term:hover").count() == 1
    tab.locator("h1").hover()
    tab.keyboard.press("ArrowRight")
    assert tab.locator("#boxes > g.lit").count() == 0
    tab.locator("#boxes > g").nth(2).hover()                # q
    tab.keyboard.press("ArrowLeft")
    assert tab.locator(".term.lit").count() > 0


def test_an_edge_that_was_not_chosen_multiplies_nothing(opened):
    x = Value(0.0, label="x")
    with tg.errstate(all="ignore"):
        f = tg.sqrt(tg.relu(x))
        tab = opened(tg.play(f))
        events = tg.steps(f)
    go(tab, len(events))
    assert events[-1].numbers == "0, since this edge was not chosen"
    assert tab.locator("#lines > div").nth(1).text_content() == "0, since this edge was not chosen"
    assert tab.locator("#say").inner_text().endswith("→ 0, since this edge was not chosen")
    assert tab.locator(".tg-edge.back text").text_content() == "not chosen"


def test_a_derivative_along_one_of_several_ways_says_so(opened):
    tab = opened(tg.play(tg.expression("x * x * x", x=2)))
    go(tab, 4)
    assert "(along this arrow)" in tab.locator("#lines").inner_text()


def test_a_sum_over_a_fan_out_is_shown_as_it_grows(opened):
    tab = opened(tg.play(tg.expression("a * a", a=3)))
    go(tab, 3)
    assert tab.locator("#heard").inner_text() == "a is used 2 times, so its gradient is a sum; 1 of 2 so far: 1 × 3 = 3"
    assert "(input 2)" in tab.locator("#lines").inner_text()
    go(tab, 4)
    assert tab.locator("#heard").inner_text() == "a is used 2 times, so its gradient is a sum; 2 of 2 so far: 1 × 3 + 1 × 3 = 6"
    assert boxes(tab)["a"] == ("3", "6")


def test_what_takes_part_is_marked(opened):
    tab = opened(circuit())
    go(tab, 1)
    assert (marked(tab, "now"), sorted(marked(tab, "from")), marked(tab, "later")) == (["q = x + y"], ["x", "y"], ["f = q * z"])
    go(tab, 5)
    assert (marked(tab, "gains"), marked(tab, "from"), marked(tab, "later")) == (["q = x + y"], ["f = q * z"], [])
    assert tab.locator(".tg-edge.back").count() == 1
    assert tab.locator(".tg-edge.back .behind").evaluate("e => getComputedStyle(e).display") == "inline"
    assert tab.locator(".tg-edge.back path").evaluate("e => getComputedStyle(e).strokeDasharray") != "none"


def test_the_reason_is_given_in_symbols_and_numbers(opened):
    x = Value(0.5, label="x")
    y = tg.tanh(x)
    y.label = "y"
    tab = opened(tg.play(y))
    go(tab, 3)
    text = unicodedata.normalize("NFKC", re.sub(r"\s", "", tab.locator("#lines > div").nth(2).inner_text()))
    assert text == f"because∂y∂x=1−y2=1−{number_text(y.data)}2={number_text(y.local_grads[0])}"


# ---- finding, folding, the list

def test_find(opened):
    _, loss = a_network_and_its_loss([3, 1])
    tab = opened(tg.play(loss))
    tab.keyboard.press("/")
    tab.keyboard.type("X1")
    assert tab.locator("#found").inner_text() == f"{tab.locator('#boxes > g.found').count()} found"
    assert "x1" in marked(tab, "found")
    tab.keyboard.press("Enter")
    assert place(tab) > 0
    tab.keyboard.press("Control+A")
    tab.keyboard.type("nothing like it")
    assert tab.locator("#found").inner_text() == "0 found"
    tab.keyboard.press("Escape")
    assert tab.locator(".found").count() == 0 and tab.locator("#found").inner_text() == ""


def test_folding(opened):
    model, loss = a_network_and_its_loss([3, 2, 1])
    page = tg.play(loss)
    views = [view["name"] for view in data_of(page)["views"]]
    tab = opened(page)
    events = tg.steps(loss)
    for view in views:
        tab.locator("#view").select_option(view)
        for at in range(0, len(events) + 1, 4):
            go(tab, at)
            now = [*marked(tab, "now"), *marked(tab, "gains")]
            assert len(now) == (at > 0), (view, at)
    go(tab, len(events))
    tab.locator("#view").select_option("layers")
    folded = boxes(tab)
    assert len(folded) == 3 + 5
    tab.locator("#view").select_option("neurons")
    hidden = model.layers[0].predict([1.0, -2.0])
    found = boxes(tab)
    assert [found[f"a0[{i}]"][0] for i in range(3)] == [short_number(h, 6) for h in hidden]


def test_a_layer_opens_and_folds_by_double_click_and_by_key(opened):
    _, loss = a_network_and_its_loss([3, 2, 1])
    tab = opened(tg.play(loss, fold="layer"))
    layer = tab.locator("#boxes > g:not([display])").filter(has_text="layer 1").first
    layer.dblclick()
    assert tab.locator("#view option:checked").inner_text() == "layer 1, opened"
    inner = len(boxes(tab))
    assert inner > 8
    go(tab, 0)
    tab.locator("#view").select_option("layers")
    tab.locator("#boxes > g:not([display])").filter(has_text="layer 1").first.focus()
    tab.keyboard.press("o")
    assert len(boxes(tab)) == inner
    tab.keyboard.press("ArrowRight")
    tab.locator("h1").click()
    tab.locator("#boxes > g:not([display])").filter(has_text="w1[").first.focus()
    tab.keyboard.press("o")
    assert tab.locator("#view option:checked").inner_text() in ("layers", "layer 0, opened")


def test_layers_of_one_neuron_open_too(opened):
    _, loss = a_network_and_its_loss([1, 1])
    tab = opened(tg.play(loss, fold="layer"))
    folded = len(boxes(tab))
    for wanted in (True, False):
        tab.locator("#boxes > g:not([display])").filter(has_text="a0[0]" if wanted else "= w · x").first.dblclick()
        assert (len(boxes(tab)) > folded) == wanted


def test_a_change_of_view_shows_the_numbers_of_the_step(opened):
    model, loss = a_network_and_its_loss([3, 2, 1])
    tab = opened(tg.play(loss))
    go(tab, len(tg.steps(loss)))
    tab.locator("#view").select_option("neurons")
    hidden = model.layers[0].predict([1.0, -2.0])
    found = boxes(tab)
    assert [found[f"a0[{i}]"][0] for i in range(3)] == [short_number(h, 6) for h in hidden]
    assert all(grad != "—" for _, grad in found.values() if grad)


def test_one_box_is_a_stop_for_the_tab_key_and_others_are_near(opened):
    _, loss = a_network_and_its_loss([8, 1])
    tab = opened(tg.play(loss))
    go(tab, 30)
    assert tab.locator("#boxes > g[tabindex='0']").count() == 1
    inside = """() => { const s = document.getElementById('stage').getBoundingClientRect(), r = document.activeElement.getBoundingClientRect();
        const x = (r.left + r.right) / 2, y = (r.top + r.bottom) / 2; return s.left < x && x < s.right && s.top < y && y < s.bottom }"""
    seen = set()
    for _ in range(12):
        tab.keyboard.press("]")
        assert tab.evaluate(inside)
        seen.add(tab.evaluate("document.activeElement.getAttribute('aria-label')"))
    tab.keyboard.press("[")
    assert len(seen) == 12 and tab.evaluate("document.activeElement.getAttribute('aria-label')") in seen and place(tab) == 30


def test_dragging_from_a_box_moves_the_picture_and_not_the_step(opened):
    _, loss = a_network_and_its_loss([8, 4, 1])
    tab = opened(tg.play(loss, fold="none"))
    go(tab, 10)
    before, box = viewport(tab), tab.locator(".now.tg-node").bounding_box()
    tab.mouse.move(box["x"] + 20, box["y"] + 10)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 60, box["y"] - 30, steps=4)
    tab.mouse.up()
    assert viewport(tab) != before and place(tab) == 10


def test_a_step_changes_few_of_many_boxes_and_has_none_laid_out_anew(opened):
    count = """count => { const seen = new MutationObserver(() => {}), slider = document.getElementById('slider');
        seen.observe(document.getElementById('screen'), {attributes: true, childList: true, characterData: true, subtree: true});
        return [...Array(count)].map((_, i) => { slider.value = i + 12; slider.dispatchEvent(new Event('input'));
            const records = seen.takeRecords(); return [records.length, records.some(r => r.attributeName === 'viewBox')] }) }"""
    for changes, laid_out_anew in opened(tg.play(TAUGHT["chain"](400))).evaluate(count, 60):
        assert 0 < changes < 120 and not laid_out_anew


def test_the_step_stays_in_sight_when_the_window_shrinks(opened):
    tab = opened(tg.play(graph("long")))
    go(tab, len(tg.steps(graph("long"))))
    tab.set_viewport_size({"width": 340, "height": 700})
    tab.wait_for_timeout(100)
    assert tab.evaluate("""() => { const s = document.getElementById('stage').getBoundingClientRect();
        const r = document.querySelector('.gains').getBoundingClientRect(), x = (r.left + r.right) / 2;
        return s.left < x && x < s.right }""")


def test_paper_gets_the_whole_picture_and_the_number_of_the_step(opened):
    _, loss = a_network_and_its_loss([4, 3, 1])
    tab = opened(tg.play(loss, fold="none"))
    go(tab, 9)
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    size = data_of(tg.play(loss))["views"][0]["size"]
    assert viewport(tab)[2] >= size[0] * 0.99 and viewport(tab)[3] >= size[1] * 0.99
    assert f"step 9 of {len(tg.steps(loss))}" in tab.locator("#what").inner_text()


def test_a_graph_without_layers_offers_no_views(opened):
    tab = opened(circuit())
    assert not tab.locator("#views").is_visible()


def test_the_list_of_all_steps(opened):
    tab = opened(circuit())
    tab.locator("summary").click()
    lines = tab.locator("#list button").all_inner_texts()
    assert lines[1:] == [
        "q = x + y = −2 + 5 = 3", "f = q * z = 3 * −4 = −12", "∂f/∂f = 1", "z.grad += f.grad × ∂f/∂z → 0 + 1 × 3 = 3",
        "q.grad += f.grad × ∂f/∂q → 0 + 1 × −4 = −4", "y.grad += q.grad × ∂q/∂y → 0 + −4 × 1 = −4",
        "x.grad += q.grad × ∂q/∂x → 0 + −4 × 1 = −4"]
    assert [line.replace("−", "-") for line in lines[1:]] == [event.text for event in tg.steps(graph("circuit"))]
    tab.locator("#list button").nth(5).click()
    assert place(tab) == 5
    assert tab.locator("#list [aria-current]").all_inner_texts() == [lines[5]]


# ---- for everyone

@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1000, 390])
@pytest.mark.parametrize("name", ["circuit", "network"])
def test_no_violation_of_accessibility(opened, violations, name, scheme, width):
    f = graph("circuit") if name == "circuit" else a_network_and_its_loss([3, 2, 1])[1]
    tab = opened(tg.play(f, fold="auto" if name == "circuit" else "neuron"), color_scheme=scheme, width=width)
    tab.locator("summary").click()
    for at, key in (0, "Shift"), (1, "?"), (len(tg.steps(f)) // 2, "Escape"), (len(tg.steps(f)), "p"):
        go(tab, at)
        tab.keyboard.press(key)
        assert violations(tab) == []


def test_the_checker_of_accessibility_sees_a_planted_fault(opened, violations):
    tab = opened(circuit())
    tab.evaluate("document.getElementById('next').removeAttribute('aria-label'), document.getElementById('next').title = '',"
                 "document.getElementById('next').textContent = ''")
    assert [rule for rule, _ in violations(tab)] == ["button-name"]


def luminance(tab, selector, key):
    colour = tab.locator(selector).first.evaluate(f"e => getComputedStyle(e).{key}")
    return sum(int(x) for x in re.findall(r"\d+", colour)[:3]) / 765


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_dark_mode_is_dark_everywhere(opened, scheme):
    tab = opened(circuit(), color_scheme=scheme)
    for selector, key in ("body", "backgroundColor"), ("#panel", "backgroundColor"), (".tg-box", "fill"):
        assert (luminance(tab, selector, key) > 0.5) == (scheme == "light")
    for selector, key in ("body", "color"), (".tg-name", "fill"), ("#next", "color"):
        assert (luminance(tab, selector, key) < 0.5) == (scheme == "light")


def test_print_leaves_the_step_and_the_picture(opened):
    tab = opened(circuit())
    go(tab, 5)
    tab.emulate_media(media="print")
    visible = {part: tab.locator(part).is_visible() for part in ("#panel", "#stage", ".bar >> nth=0", ".tools", "#keys")}
    assert visible == {"#panel": True, "#stage": True, ".bar >> nth=0": False, ".tools": False, "#keys": False}


def test_what_is_typed_into_the_page_and_its_labels_are_never_markup(opened):
    hostile = [*HOSTILE, "<img src=x onerror=alert(1)>", "\ue000", "${alert(1)}", "'\"><svg onload=alert(1)>"]
    leaves = [Value(float(i + 1), label=label) for i, label in enumerate(hostile)]
    f = leaves[0]
    for leaf in leaves[1:]:
        f = f + leaf * leaf
    tab = opened(tg.play(f))
    for at in range(len(tg.steps(f)) + 1):
        go(tab, at)
    tab.locator("summary").click()
    assert tab.locator("main img, main script, main a, #lines svg").count() == 0


def test_a_narrow_window_needs_no_sideways_scrolling(opened):
    tab = opened(circuit(), width=360, height=740)
    go(tab, 5)
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("label", ["w" * 160, "weight " * 42, "weights_of_" * 20, "重" * 100], ids=["letters", "words", "snake", "wide"])
@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 800)])
def test_long_labels_stay_within_the_page(opened, label, width, height):
    x, y, f = [Value(number, label=f"{name} {label}".strip()) for number, name in ((-2.0, "x"), (5.0, "y"), (0.0, "f"))]
    f = tg.maximum((x + y) * x, y) * y
    f.label = f"f {label}"
    tab = opened(tg.play(f), width=width, height=height)
    tab.locator("summary").click()
    for at in range(len(tg.steps(f)) + 1):
        go(tab, at)
        out = tab.evaluate("""() => [document.getElementById("panel"), document.documentElement].map(part => part.scrollWidth - part.clientWidth)""")
        assert max(out) <= 0, at
    assert all("…" in text for text in [tab.locator("#lines").inner_text(), *tab.locator("#what b").all_inner_texts()])
    assert tab.locator("#trace th").nth(4).get_attribute("title") == tg.names(f)[x]


def test_it_works_inside_a_notebooks_sandbox(chromium, tmp_path):
    bundle = circuit()._repr_mimebundle_()["text/html"]
    path = tmp_path / "notebook.html"
    path.write_text(f"<!DOCTYPE html><meta charset=utf-8><body>{bundle}</body>", encoding="utf-8")
    tab = chromium.new_page()
    tab.goto(path.as_uri())
    frame = tab.frame_locator("iframe")
    frame.locator("#last").click()
    assert frame.locator("#place").inner_text() == "7 / 7"
    tab.close()


# ---- the pictures of the documentation

DOCS = Path(__file__).resolve().parents[1] / "docs"


def blocks_of(png):
    """How bright a picture is, in a coarse grid: what stays when fonts change a little."""
    image = pytest.importorskip("PIL.Image", reason='screenshots: pip install ".[browser]"').open(io.BytesIO(png))
    return list(image.convert("L").resize((40, 32)).tobytes())


def difference(one, other):
    return sum(abs(a - b) for a, b in zip(blocks_of(one), blocks_of(other), strict=True)) / (40 * 32)


def test_the_stored_screenshots_are_like_fresh_ones(chromium):
    spec = importlib.util.spec_from_file_location("screenshots", DOCS / "screenshots.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    fresh = dict(module.taken(chromium))
    assert len(fresh) == 6
    for name in fresh:
        stored = (DOCS / name).read_bytes()
        assert len(stored) < 30_000
        apart = {other: difference(fresh[other], stored) for other in fresh}
        assert apart[name] < 1.5 and apart[name] == min(apart.values()), apart


def test_a_box_says_where_it_was_made_when_pointed_at(opened):
    with tg.trace_origin():
        x = Value(0.5, label="x")
        f = tg.tanh(x) * 2
    tab = opened(tg.play(f))
    go(tab, len(tg.steps(f)))
    titles = tab.locator("#boxes > g > title").evaluate_all("titles => titles.map(title => title.textContent)")
    assert titles[0] == f"x: 0.5, gradient 1.5729, made at {x.origin}"
    assert f"tanh(x) * 2: 0.92423, gradient 1, made at {f.origin}" in titles


# ---- links, speed, keys, the projector, what a click offers

def test_a_link_opens_the_page_at_its_step(opened):
    tab = opened(circuit())
    for link, step in ("step=4", 4), ("step=99", 7), ("step=x", 0), ("", 0):
        tab.goto("about:blank")
        tab.goto(opened.last + ("#" + link if link else ""))
        assert place(tab) == step
    tab.evaluate("location.hash = 'step=6'")
    until(tab, "document.getElementById('place').textContent === '6 / 7'")


def test_playing_can_be_faster_and_slower(opened):
    tab = opened(circuit())
    tab.clock.install(time=0)
    tab.clock.pause_at(1000)
    tab.locator("#speed").select_option("4 ×")
    tab.locator("#play").click()
    tab.clock.run_for(1100)                         # one at once, then one each quarter of a second
    assert place(tab) == 5
    tab.locator("#speed").select_option("0.5 ×")
    tab.clock.run_for(1900)
    assert place(tab) == 5
    tab.clock.run_for(200)
    assert (place(tab), tab.locator("#play").inner_text()) == (6, "Pause")


def test_a_question_mark_shows_the_keys_and_they_rest_meanwhile(opened):
    tab = opened(circuit())
    assert not tab.locator("#keys").is_visible()
    for opening in (lambda: tab.keyboard.press("?"), lambda: tab.locator("#help").click()):
        opening()
        shown = tab.locator("#keys").inner_text()
        assert all(words in shown for words in words_of("player").keys.values())
        tab.keyboard.press("ArrowRight")
        assert place(tab) == 0
        tab.locator("#close").click()
        assert not tab.locator("#keys").is_visible()


def test_the_projector_gets_large_type_and_no_tools(opened):
    tab = opened(circuit(), width=1280, height=800)
    go(tab, 5)
    sizes = "() => ['#what', '#lines'].map(s => parseFloat(getComputedStyle(document.querySelector(s)).fontSize))"
    before = tab.evaluate(sizes)
    tab.keyboard.press("p")
    assert all(large >= 1.5 * small for large, small in zip(tab.evaluate(sizes), before, strict=True))
    assert not any(tab.locator(part).is_visible() for part in (".tools", "#beside", "#legend", "#all"))
    tab.keyboard.press("ArrowRight")
    assert place(tab) == 6
    tab.keyboard.press("p")
    assert tab.evaluate(sizes)[0] == before[0] and tab.locator(".tools").is_visible()


def test_a_click_offers_the_python_that_reaches_a_box(opened):
    model, loss = a_network_and_its_loss([3, 1])
    tab = opened(tg.play(loss, fold="neuron"), permissions=["clipboard-read", "clipboard-write"])
    tab.locator("#boxes > g:not([display])").filter(has_text="a0[2]").first.click()
    assert tab.locator("#copy").inner_text() == "model.layers[0].neurons[2]"
    tab.locator("#copy").click()
    assert tab.evaluate("navigator.clipboard.readText()") == "model.layers[0].neurons[2]"
    assert tab.locator("#found").inner_text() == "copied: model.layers[0].neurons[2]"
    tab.locator("#view").select_option("every node")
    for path in tab.evaluate("JSON.parse(document.getElementById('data').textContent).boxes.map(box => box.path ?? '')"):
        found = eval(path or "None", {"model": model})              # of our own page
        assert found is not None or not path
    leaf = next(b for b, box in enumerate(data_of(tg.play(loss))["boxes"]) if box.get("path") == "model.layers[0].neurons[1].w[0]")
    assert tg.topological_order(loss)[leaf] is model.layers[0].neurons[1].w[0]


# ---- the lists beside the graph

def trace_of(tab):
    rows = tab.locator("#trace tbody tr").evaluate_all("rows => rows.map(row => [...row.cells].map(cell => cell.textContent))")
    return {made.split(" = ")[0]: (value, slope, gradient) for made, value, slope, gradient in rows}


@pytest.mark.parametrize("name", ["circuit", "neuron", "fan"])
def test_the_trace_has_every_number_of_the_step_and_lights_its_line(opened, name):
    f = graph(name)
    tab, events, names = opened(tg.play(f)), tg.steps(f), tg.names(f)
    order = tg.topological_order(f)
    for at in range(len(events) + 1):
        go(tab, at)
        shown = trace_of(tab)
        for node, (value, gradient) in zip(order, expected_numbers(f, events, at), strict=True):
            if not node.is_constant:
                assert shown[names[node]][::2] == tuple("" if x is None else number_text(x) for x in (value, gradient))
        lit = tab.locator("#trace .here").evaluate_all("cells => [...new Set(cells.map(c => c.parentNode.cells[0].textContent))]")
        event = events[at - 1] if at else None
        wanted = [] if event is None else [names[event.node if event.parent is None else event.parent]]
        assert [made.split(" = ")[0] for made in lit] == wanted


def test_the_program_is_shown_with_the_line_of_the_step(opened):
    with tg.trace_origin():
        x = Value(0.5, label="x")
        y = tg.tanh(x)
        f = y * 3
    tab = opened(tg.play(f))
    lines = tab.locator("#program > div").all_inner_texts()
    assert [line.split("  ", 1)[1].strip() for line in lines] == ['x = Value(0.5, label="x")', "y = tg.tanh(x)", "f = y * 3"]
    for step, line in (1, "y = tg.tanh(x)"), (2, "f = y * 3"):
        go(tab, step)
        assert tab.locator("#program [aria-current]").inner_text().endswith(line)
    assert opened(circuit()).locator("#program").count() == 0
