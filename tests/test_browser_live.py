"""Live pages: at any numbers they say what a page that Python makes of these numbers says."""

import json
import random
import re
from html import escape
from typing import NamedTuple

import pytest
from planting import tell_otherwise, with_rule
from test_browser_player import boxes, go

import tinygrad_edu as tg
from tinygrad_edu import Value
from tinygrad_edu.engine.graph import leaves_in
from tinygrad_edu.show import live
from tinygrad_edu.show.live import frame, frame_digests
from tinygrad_edu.show.page import digest


@pytest.fixture
def opened(opened_again):
    return opened_again


ALL_TEXTS = """() => {
  const text = id => document.getElementById(id).textContent.replace(/\\s+/g, ' ').trim();
  const shown = [...document.querySelectorAll('#boxes > g:not([display])')].map(box => [box.getAttribute('aria-label'),
    ...[...box.querySelectorAll('text, title')].map(part => part.textContent), box.getAttribute('class').replace(' knob', '')]);
  const links = [...document.querySelectorAll('#links > *')].map(link => [link.textContent, link.getAttribute('class'),
    link.getAttribute('stroke-width'), link.getAttribute('stroke-dasharray')]);
  return {what: text('what'), lines: text('lines').replaceAll(' ', ''), heard: text('heard'), said: text('say'),
    place: text('place'), trace: text('trace'), shown, links};
}"""
LIST = """() => { const all = document.getElementById('all'); all.open = true; all.ontoggle();
  return [...document.querySelectorAll('#list li')].map(item => item.textContent); }"""
PUT = """numbers => { const more = document.getElementById('more'); if (!more.hidden) more.click();
  const fields = [...document.querySelectorAll('#knobs [type=number]')];
  if (fields.length !== numbers.length) throw new Error(`${fields.length} fields`);
  fields.forEach((field, i) => { field.value = numbers[i]; field.dispatchEvent(new Event('input')); });
  return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))); }"""


def put(tab, numbers):
    """Type all numbers into their fields; what is said against them."""
    tab.evaluate(PUT, numbers)
    return tab.locator("#refused").inner_text()


def read(tab):
    """All that the page says at each of its steps, and in its list; what is only read needs no layout."""
    return tab.evaluate(f"""() => {{ Element.prototype.getBoundingClientRect = () => new DOMRect(0, 0, 0, 0);
        Object.defineProperty(Element.prototype, 'clientWidth', {{get: () => 1000}});
        Object.defineProperty(Element.prototype, 'scrollHeight', {{get: () => 0}});
        const slider = document.getElementById('slider'), told = [], read = {ALL_TEXTS};
        for (let at = 0; at <= +slider.max; at++) {{
            slider.value = at;
            slider.dispatchEvent(new Event('input'));
            told.push(read());
        }}
        return [told, ({LIST})()]; }}""")


COUNT = 2                   # inputs for each graph; more with -m long


# ---- the graphs: a function of the numbers of its leaves

def of(text, **values):
    """An expression of labelled leaves."""
    names = [leaf.label for leaf in leaves_in(tg.topological_order(tg.expression(text, **values)))]
    return lambda numbers: tg.expression(text, **(dict(zip(names, numbers, strict=True)) if numbers else values))


def softmax(numbers):
    z = [Value(x, label=f"z{i}") for i, x in enumerate(numbers or (1.0, -0.5, 2.0))]
    return tg.cross_entropy(z, 1) + tg.softmax(z)[0] * 2


def soft_targets(numbers):
    z = [Value(x, label=f"z{i}") for i, x in enumerate(numbers or (1.0, -0.5, 0.25, 0.75))]
    return tg.OPS["softmax_cross_entropy"](z[:2], z[2:])


def network(activation, sizes=(2, 3, 1)):
    def build(numbers):
        model = tg.MLP(sizes[0], list(sizes[1:]), activation=activation, rng=1)
        numbers = iter(numbers or [p.data for p in leaves_in(tg.topological_order(forward(model, [0.5, -0.25])))])
        inputs = [Value(0.0, label="a"), Value(0.0, label="b")]
        for leaf in leaves_in(tg.topological_order(forward(model, inputs))):
            leaf.data = next(numbers, 0.25)
        return forward(model, inputs)
    return build


def forward(model, inputs):
    return tg.mse([model(inputs)], [1.0])


def batch(numbers):
    w, b = [Value(x, label=name) for x, name in zip(numbers or (0.5, 0.25), "wb")]
    return sum([(w * x + b - 3) ** 2 for x in range(20)]) / 20


def relu_batch(numbers):
    w, b = [Value(x, label=name) for x, name in zip(numbers or (0.5, 0.25), "wb")]
    return tg.mean([(tg.relu(w * x + b) - 1) ** 2 for x in range(-10, 30)])


def rnn(numbers):
    w, u, h = [Value(x, label=name) for x, name in zip(numbers or (0.5, -0.25, 0.1), "wuh")]
    for x in (1.0, -0.5, 0.25):
        h = tg.tanh(w * x + u * h)
    return h


GRAPHS = {
    "logarithms": of("log(x) - log(y, x) + x**y + atanh(z / 9)", x=2, y=3, z=1),
    "roots": of("sqrt(x) * sqrt(sqrt(y) - x) + acos(x / y)", x=1, y=9),
    "quotients": of("1 / x - y / (x - z) + x % y + z // x", x=1, y=2, z=-3),
    "overflows": of("exp(x * 500) / y + cosh(y * 300)", x=1, y=1),
    "lecture": of("(x + y) * z", x=-2, y=5, z=-4),
    "fan-out": of("q = a * a + b; q * q - a / b", a=2, b=-1),
    "powers": of("x**3 - 2**-x + (x*y)**2 - -x", x=1.5, y=-0.5),
    "closed": of("relu(w*x + b) * y + max(x, y*y)", w=2, x=-1, y=2, b=1),
    "all closed": of("relu(relu(w*x) + b)", w=2, x=-1, b=-1),
    "selects": of("where(x - y, x * y, y) + clip(x, -1, 1) + abs(y) - min(x, y, z)", x=1, y=2, z=3),
    "ties": of("max(x, y, x) + leaky_relu(x) + floor(y) + sign(x)", x=1, y=1),
    "many": of("prod(a, b, c) + mean(a, b, c) + hypot(a, b) - logsumexp(a, c)", a=1, b=-2, c=3),
    "smooth": of("gelu(x) + sigmoid(x * y) - tanh(y) + exp(-x) + erf(x) - sin(x) / cosh(y)", x=0.5, y=-1),
    "constants": of("3 * x + 2 - 0.5 * (x - -4) * -y", x=1, y=2),
    "the same": of("identity(x * y) + identity(2) * x", x=1, y=2),
    "sums": of("a - b + c - (a + b - c) * 2 * a", a=1, b=2, c=-3),
    "cross entropy": softmax, "soft targets": soft_targets,
    "relu network": network("relu"), "tanh network": network("tanh"), "gelu network": network("gelu", (2, 2, 1)),
    "batch": batch, "relu batch": relu_batch, "recurrent": rnn,
}


def drawn(build, random_):
    """Numbers for the leaves: plain, whole, small and large ones, and some that are equal."""
    count = len(leaves_in(tg.topological_order(build(None))))
    kinds = [lambda: random_.uniform(-2, 2), lambda: float(random_.randint(-2, 2)), lambda: random_.uniform(-1, 1) * 1e-5,
             lambda: random_.choice([-1.5, 0.25, 12.5, -0.0])]
    return [random_.choice(kinds)() for _ in range(count)]


def outcome(build, numbers):
    """The graph at these numbers, or what the engine says where it refuses them."""
    try:
        f = build(numbers)
        f.backward()
    except (tg.DomainError, tg.GradientError) as error:
        return str(error)
    return build(numbers)


def faults(opened, tab, fresh):
    """{place: what differs} between a live page and one that Python made of the same numbers."""
    mine, theirs = read(tab), read(opened(tg.play(fresh, live=False)))
    found = {} if mine[1] == theirs[1] else {"list": (mine[1], theirs[1])}
    if len(mine[0]) == len(theirs[0]):
        for place, (one, two) in enumerate(zip(mine[0], theirs[0])):
            found |= {(place, key): (one[key], two[key]) for key in one if one[key] != two[key]}
    return found


@pytest.mark.parametrize("name", GRAPHS)
def test_a_live_page_says_what_a_page_of_python_says_at_these_numbers(opened, name):
    build, random_ = GRAPHS[name], random.Random(name)
    tab = opened(tg.play(build(None)))
    for _ in range(COUNT):
        numbers = drawn(build, random_)
        fresh = outcome(build, numbers)
        if isinstance(fresh, str):
            assert put(tab, numbers) == fresh and "nan" not in str(tab.evaluate(ALL_TEXTS))
            tab.locator("#reset").click()
            continue
        go(tab, 0)
        assert put(tab, numbers) == ""
        assert faults(opened, tab, fresh) == {}


def other_slopes(data):
    """The slopes of a product change places."""
    mul = data["live"]["ops"].index("mul")
    made = next(made for made in data["live"]["whole"] if isinstance(made, list) and made[0] == mul and len(set(made[1])) > 1)
    node = next(node for node in data["nodes"] if node.get("parents") == made[1])
    node["why"].reverse()


def without(marks):
    """A change that takes these letters out of every text."""
    def change(data):
        for place, node in enumerate(data["nodes"]):
            data["nodes"][place] = json.loads(re.sub(marks, "1" if "e000" in marks else "", json.dumps(node, ensure_ascii=False)))
    return change


FAULTS = {          # what the scripts are told wrongly, at some place
    "a node is made from its inputs in another order": lambda data: next(
        made for made in data["live"]["whole"] if isinstance(made, list) and len(set(made[1])) == 2)[1].reverse(),
    "a leaf is no leaf to backward": lambda data: data["live"]["constants"].append(0),
    "backward starts with another seed": lambda data: data["live"].update(seed=2),
    "the branch that closed keeps its old reason": lambda data: data["live"]["explained"].clear(),
    "numbers in sentences stay": without("[\ue000-\uf8ef]"),
    "negative numbers have no parentheses": without("\uf8f0"),
    "each slope has the reason of the other": other_slopes,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_the_page_is_told_wrongly_would_be_found(opened, fault, monkeypatch):
    build = GRAPHS["fan-out" if "order" in fault else "closed"]
    with monkeypatch.context() as patch:
        tell_otherwise(patch, FAULTS[fault])
        page = tg.play(build(None))
    assert differs(opened, page, build)


@pytest.mark.parametrize("op", ["mul", "add", "relu"])
def test_a_wrong_rule_would_be_found(opened, op, monkeypatch):
    right, script = tg.OPS[op], live.rules.script

    def slightly_wrong(*inputs):
        value, slopes = right.rule(*inputs)
        return value, tuple(2 * slope for slope in slopes)
    build = GRAPHS["closed"]
    with monkeypatch.context() as patch:
        wrong = with_rule(right, slightly_wrong)
        patch.setattr(live.rules, "script", lambda ops: script([wrong if one is right else one for one in ops]))
        page = tg.play(build(None))
    assert differs(opened, page, build)


def test_a_closed_branch_that_counts_as_taken_would_be_found(opened, monkeypatch):
    right, script = tg.OPS["max"], live.rules.script
    wrong = with_rule(right, right.rule)
    vars(wrong)["selects"] = False
    with monkeypatch.context() as patch:
        patch.setattr(live.rules, "script", lambda ops: script([wrong if one is right else one for one in ops]))
        page = tg.play(GRAPHS["closed"](None))
    assert differs(opened, page, GRAPHS["closed"])


def differs(opened, page, build):
    """Is there anything on the page, after numbers were put in, that is not on that of Python?"""
    numbers = [-1.5, -2.0, 1.0, -3.0][:len(leaves_in(tg.topological_order(build(None))))]
    tab = opened(page)
    put(tab, numbers)
    return faults(opened, tab, build(numbers)) != {}


EVERY_VIEW = f"""() => {{ const view = document.getElementById('view'), read = {ALL_TEXTS}, told = [];
  for (let k = 0; k < view.options.length; k++) {{
    view.selectedIndex = k;
    view.dispatchEvent(new Event('change'));
    told.push([view.options[k].textContent, read()]);
  }}
  return told; }}"""


@pytest.mark.parametrize("name", ["relu network", "recurrent", "relu batch"])
def test_every_view_follows(opened, name):
    build = GRAPHS[name]
    numbers = drawn(build, random.Random(3))
    tab, other = opened(tg.play(build(None))), opened(tg.play(build(numbers), live=False))
    assert put(tab, numbers) == ""
    for page in tab, other:
        page.keyboard.press("End")
    assert tab.evaluate(EVERY_VIEW) == other.evaluate(EVERY_VIEW)


def test_an_opened_neuron_follows(opened):
    build = GRAPHS["tanh network"]
    numbers = drawn(build, random.Random(5))
    tab, other = opened(tg.play(build(None))), opened(tg.play(build(numbers), live=False))
    for page in tab, other:
        page.keyboard.press("End")
        page.locator("#boxes > g.tg-neuron:not([display])").first.dblclick()
    assert put(tab, numbers) == ""
    for page in tab, other:
        page.keyboard.press("End")
    assert tab.evaluate(ALL_TEXTS) == other.evaluate(ALL_TEXTS)


# ---- sliders, and numbers in the picture

def lecture():
    return tg.play(tg.expression("q = x + y\nf = q * z", x=-2, y=5, z=-4))


def shown(tab):
    """{name: its number} of the boxes, in the last step."""
    go(tab, int(tab.locator("#slider").get_attribute("max")))
    return {name: value for name, (value, _) in boxes(tab).items()}


def hand(tab, name):
    return tab.locator(f".hand[aria-label='{name}']")


def after_a_frame(tab):
    tab.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def test_a_slider_moves_every_number_and_reset_brings_them_back(opened):
    tab = opened(lecture())
    before = shown(tab)
    tab.get_by_role("slider", name="z", exact=True).first.fill("-1.5")
    after_a_frame(tab)
    assert shown(tab) == before | {"z": "−1.5", "f = q * z": "−4.5"}
    assert tab.get_by_label("z as a number").input_value() == "-1.5"
    tab.locator("#reset").click()
    assert shown(tab) == before and tab.get_by_label("z as a number").input_value() == "-4"


def test_a_number_in_the_picture_is_dragged(opened):
    tab = opened(lecture())
    before, place = shown(tab), tab.locator("#place").inner_text()
    box = hand(tab, "x").bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    tab.mouse.move(*middle)
    tab.mouse.down()
    tab.mouse.move(middle[0] + 20, middle[1])
    tab.mouse.move(middle[0] + 40, middle[1])
    tab.mouse.up()
    after_a_frame(tab)
    assert tab.locator("#place").inner_text() == place                   # dragging is no click, and moves no picture
    assert shown(tab) == before | {"x": "−1", "q = x + y": "4", "f = q * z": "−16"}


def test_a_number_in_the_picture_is_changed_by_keys_and_typed(opened):
    tab = opened(lecture())
    hand(tab, "y").focus()
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("Shift+ArrowLeft")
    assert shown(tab)["y"] == "4.1" and hand(tab, "y").get_attribute("aria-valuetext") == "4.1"
    hand(tab, "y").focus()
    tab.keyboard.press("Enter")
    tab.locator("#typed").fill("-0.5")
    tab.keyboard.press("Enter")
    assert shown(tab)["q = x + y"] == "−2.5" and tab.locator("#typed").count() == 0
    tab.locator("#boxes > g", has_text=re.compile("^y")).dblclick()
    tab.keyboard.type("seven")
    tab.keyboard.press("Enter")
    assert "needs a number" in tab.locator("#refused").inner_text()
    tab.keyboard.press("Escape")
    assert shown(tab)["y"] == "−0.5"


def test_what_the_engine_refuses_is_said_and_the_step_stays(opened):
    tab = opened(tg.play(tg.expression("log(x) * y", x=2, y=3)))
    before = shown(tab)
    place, field = tab.locator("#place").inner_text(), tab.get_by_label("x as a number")
    for text, sentence in ("-1", "log(-1) is not a number: log needs x > 0 (x = -1)"), ("0", "log(0) is infinite"), ("", "needs a number"):
        field.fill(text)
        after_a_frame(tab)
        assert sentence in tab.locator("#refused").inner_text() and field.get_attribute("aria-invalid") == "true"
        tab.locator("#back").click()
        assert tab.locator("#place").inner_text() == place and boxes(tab).keys() == before.keys()
    field.fill("1")
    after_a_frame(tab)
    assert tab.locator("#refused").inner_text() == "" and field.get_attribute("aria-invalid") is None
    assert [*shown(tab).values()][-1] == "0"


# ---- what has no slider

def test_a_leaf_of_a_node_made_by_hand_has_no_slider_and_the_page_says_why(opened):
    x, y = Value(2.0, label="x"), Value(3.0, label="y")
    made = Value(5.0, (x,), (4.0,), op="odd", label="h")
    tab = opened(tg.play(made * y))
    assert tab.locator("#knobs label").all_inner_texts() == ["y"]
    assert "x: no slider, since a page has no rule for h." in tab.locator("#notes").inner_text()
    assert put(tab, [2.0]) == "" and shown(tab)["h * y"] == "10"


def test_a_gradient_as_a_graph_is_live_where_its_rules_are_printed(opened):
    x, y = Value(0.5, label="x"), Value(2.0, label="y")
    tab = opened(tg.play(tg.gradient_graph(x * x * y, x)))
    assert put(tab, [3.0, -1.0]) == "" and [*shown(tab).values()][-1] == "−6"
    other = opened(tg.play(tg.gradient_graph(tg.tanh(x) * y, x)))
    assert other.locator("#knobs label").all_inner_texts() == ["y"] and "x: no slider" in other.locator("#notes").inner_text()


def test_an_operation_of_the_user_is_live_in_the_page_and_told_of_in_a_frame(opened):
    @tg.op("cube", tg.REAL)
    def cube(x):
        return x * x * x, (3 * x * x,)
    f = cube(Value(2.0, label="x")) + Value(1.0, label="y")
    tab = opened(tg.play(f))
    assert put(tab, [3.0, 1.0]) == "" and shown(tab)["cube(x) + y"] == "28"
    other = opened(frame(f))
    assert other.locator("#knobs label").all_inner_texts() == ["y"]
    assert "x: no slider here, since cube(x) has a rule of your own" in other.locator("#notes").inner_text()


def test_a_graph_of_a_program_says_that_it_is_this_runs(opened):
    assert "The graph is the one of this run" in opened(tg.play(Value(1.0) * 2)).locator("#notes").inner_text()


def test_a_graph_with_infinities_goes_on_with_them(opened):
    with tg.errstate(all="ignore"):
        f = tg.expression("log(x) * y", x=0, y=3)
        tab = opened(tg.play(f))
    assert shown(tab)["log(x)"] == "−inf" and put(tab, [-1, 2]) == "" and shown(tab)["log(x)"] == "nan"


# ---- inside another page

AROUND = """<!DOCTYPE html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none';
script-src {scripts} '{own}'; style-src {style}"><iframe id="inside" sandbox="allow-scripts" height="900" width="900"
srcdoc="{html}"></iframe><script>{script}</script>"""
LISTEN = "window.told = []; addEventListener('message', event => told.push(event.data));"


class Around(NamedTuple):
    """A page around a frame, with the policy that build.py writes."""
    html: str

    def save(self, path):
        scripts, style = frame_digests()
        path.write_text(AROUND.format(scripts=scripts, style=style, own=digest(LISTEN), script=LISTEN, html=escape(self.html)),
                        encoding="utf-8")
        return path


def inside(opened, page):
    tab = opened(Around(page.html))
    return tab, tab.frame_locator("#inside")


def told(tab, step):
    """What the frame says once it is at this step."""
    for _ in range(200):                    # Playwright's own waiting would need eval, which the policy forbids
        state = tab.evaluate("told.at(-1) ?? {}")
        if state.get("step") == step:
            return state
        tab.wait_for_timeout(50)
    raise AssertionError(state)


def test_the_script_and_style_of_a_frame_are_the_same_whatever_is_shown():
    pages = [frame(build(None), at=3).html for build in (GRAPHS["lecture"], GRAPHS["cross entropy"], GRAPHS["tanh network"], batch)]
    for start, end in ('id="packed">', "</script>"), ("<style>", "</style>"), ("Content-Security-Policy", ">"):
        assert len({html.partition(start)[2].partition(end)[0] for html in pages}) == 1


def test_a_frame_says_where_it_is_and_goes_where_it_is_told(opened):
    tab, within = inside(opened, frame(tg.expression("(x + y) * z", x=-2, y=5, z=-4), at=4))
    within.locator("#place", has_text="4 / 7").wait_for()
    state = told(tab, 4)
    assert state == {"tinygrad_edu": "state", "numbers": {"x": -2, "y": 5, "z": -4}, "step": 4, "height": state["height"]}
    assert state["height"] > 300
    tab.evaluate("inside.contentWindow.postMessage({tinygrad_edu: 'go', step: 6, numbers: {z: 2.5, w: 1, x: 'one'}}, '*')")
    within.locator("#place", has_text="6 / 7").wait_for()
    assert told(tab, 6)["numbers"] == {"x": -2, "y": 5, "z": 2.5}
    assert "7.5" in within.locator("#boxes").text_content()
