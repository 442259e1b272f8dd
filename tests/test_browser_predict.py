"""Predict mode in a browser: the next number cannot be read, is checked by the engine's, and comes with its reason."""

import re

import pytest
from test_browser_player import go, place
from test_show import a_network_and_its_loss
from waiting import until

import tinygrad_edu as tg
from tinygrad_edu import Value
from tinygrad_edu.show.page import words_of
from tinygrad_edu.show.svg import number_text


@pytest.fixture
def opened(opened_again):
    return opened_again


WORDS = words_of("predict").script
ODD = {"x": 1.3719, "y": -2.4123, "z": 0.8347}
FORMULA = "q = x * y + x; f = tanh(q * z) * y + x * z"

# All that can be seen, heard, or found by pointing: texts, attributes, and what stands in fields.
READABLE = """() => {
  const texts = [document.body.innerText];
  for (const element of document.querySelectorAll('body *:not(script)')) {
    if (element.closest('[display=none]')) continue;
    for (const {name, value} of element.attributes) if (/^(aria-|title|alt|placeholder)/.test(name)) texts.push(value);
    if (element.matches('text, title, desc')) texts.push(element.textContent);
    if ('value' in element) texts.push(String(element.value));
  }
  return texts.join('\\n');
}"""


def numbers_in(text):
    return set(re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?:e[+−-]?\d+)?(?![\w.])", text))


def result(event):
    return event.node.data if event.kind == "forward" else event.value


def known_numbers(f, events, place):
    """What may be seen at the question for an event: leaves, and the results before it."""
    leaves = [node.data for node in tg.topological_order(f) if not node.parents]
    return {size(x) for x in [*leaves, *map(result, events[:place - 1])]}


def size(x):
    return number_text(abs(x))


def answer(tab, text):
    tab.locator("#guess").fill(text)
    tab.keyboard.press("Enter")
    return tab.locator("#reply").inner_text()


# Answers each question with the text that is given for its step, looks before and after, and says what was there.
WALK = """([answers, wrong, read]) => {
  const at = () => +document.getElementById('place').textContent.split(' / ')[0], seen = [], look = new Function(`return ${read}`)();
  const say = text => { document.getElementById('guess').value = text; document.getElementById('check').click(); };
  while (at() < answers.length) {
    document.getElementById('next').click();
    if (!document.getElementById('answer').checkVisibility()) continue;
    const place = at(), before = look();
    if (wrong) say(wrong);
    const then = wrong && look();
    say(answers[place - 1]);
    seen.push([place, before, then, document.getElementById('reply').textContent]);
  }
  return seen; }"""


def walk(tab, f, read="() => ''", wrong=""):
    """Answer every question rightly, after a wrong answer if there is one: [(step, what was read before the answers)].

    read   JavaScript that says what is there to be looked at; what it says after the wrong answer comes too
    """
    seen = tab.evaluate(WALK, [[repr(result(event)) for event in tg.steps(f)], wrong, read])
    assert all(reply.startswith(WORDS["right"]) for *_, reply in seen)
    return [(at, texts) for at, before, then, _ in seen for texts in (before, then) if texts]


def odd_graph(kind):
    if kind == "network":
        return a_network_and_its_loss([2, 1])[1]
    return tg.expression("a = x * y; b = a * a; f = b * x + relu(z * y)" if kind == "fan" else FORMULA, **ODD)


@pytest.mark.parametrize("settings", [{"live": True}, {"live": False}, {"fold": "none"}, {"fold": "neuron"}], ids=str)
@pytest.mark.parametrize("kind", ["expression", "fan", "network"])
def test_the_next_number_can_be_read_nowhere(opened, kind, settings):
    f = odd_graph(kind)
    tab = opened(tg.play(f, predict=True, **settings))
    tab.locator("summary").click()
    events, checked = tg.steps(f), 0
    for at, texts in walk(tab, f, READABLE):
        hidden = size(result(events[at - 1]))
        if hidden not in known_numbers(f, events, at) and "." in hidden:
            assert hidden not in numbers_in(texts), (at, events[at - 1].text)
            checked += 1
    assert checked >= 6


LEAKS = {           # where a number might stand that nobody shall see yet
    "the panel": "document.getElementById('heard').textContent = number",
    "the picture": "document.querySelector('#boxes > g:not([display]) text').textContent = number",
    "what is pointed at": "document.querySelector('#boxes > g:not([display])').append(Object.assign("
                          "document.createElementNS('http://www.w3.org/2000/svg', 'title'), {textContent: number}))",
    "what is said": "document.getElementById('say').textContent = number",
    "a name for screen readers": "document.getElementById('next').setAttribute('aria-label', number)",
    "the list of steps": "document.querySelector('#list').append(number)",
    "a field": "document.getElementById('find').value = number",
}


@pytest.mark.parametrize("leak", LEAKS)
def test_a_number_that_is_told_would_be_seen(opened, leak):
    f = odd_graph("fan")
    tab = opened(tg.play(f, predict=True))
    tab.locator("summary").click()
    tab.locator("#next").click()
    number = size(result(tg.steps(f)[0]))
    assert number not in numbers_in(tab.evaluate(READABLE))
    tab.evaluate(f"number => {{ {LEAKS[leak]}; }}", number)
    assert number in numbers_in(tab.evaluate(READABLE))


def test_a_page_that_does_not_ask_tells_all_numbers(opened):
    f = odd_graph("fan")
    tab = opened(tg.play(f))
    for event in tg.steps(f):
        tab.locator("#next").click()
        assert size(result(event)) in numbers_in(tab.evaluate(READABLE))


def test_a_page_that_asks_has_a_picture_without_numbers(opened):
    f = odd_graph("expression")
    told, asked = tg.play(f).picture, tg.play(f, predict=True).picture
    inner = {size(node.data) for node in tg.topological_order(f) if node.parents}
    assert inner <= numbers_in(told) and not inner & numbers_in(asked)


def test_all_right_answers_at_the_first_try_are_counted(opened):
    f = odd_graph("expression")
    tab = opened(tg.play(f, predict=True))
    asked = len(walk(tab, f, "() => 'asked'"))
    assert asked == len(tg.steps(f))
    assert tab.locator("#reply").inner_text() == f"{WORDS['right']} {asked} of {asked} at the first try."


def test_a_wrong_answer_and_a_shown_one_are_not_counted(opened):
    f = tg.expression("(x + y) * z", x=-2, y=5, z=-4)
    tab = opened(tg.play(f, predict=True))
    for i, event in enumerate(tg.steps(f)):
        tab.locator("#next").click()
        if i == 1:
            assert answer(tab, "7") == WORDS["wrong"]
        if i == 4:
            tab.locator("#reveal").click()
            assert tab.locator("#reply").inner_text() == "It is −4."
        else:
            said = answer(tab, repr(result(event)))
    assert said == f"{WORDS['right']} 5 of 7 at the first try."


@pytest.mark.parametrize(("text", "told"), [
    ("4", "slip_sign"), ("", "no_number"), ("abc", "no_number"), ("1/0", "no_number"), ("<b>", "no_number"), ("99", "wrong")])
def test_what_is_said_to_a_wrong_answer(opened, text, told):
    tab = opened(tg.play(tg.expression("(x + y) * z", x=-2, y=5, z=-4), predict=True, live=False))
    for right in ("3", "-12", "1", "3"):
        tab.locator("#next").click()
        answer(tab, right)
    tab.locator("#next").click()
    wanted = WORDS["wrong_since"].format(why=WORDS[told]) if told.startswith("slip") else WORDS[told]
    assert answer(tab, text) == wanted
    assert tab.locator("#guess").input_value() == text and place(tab) == 5


def test_a_comma_gets_a_sentence(opened):
    tab = opened(tg.play(tg.expression("x + y", x=.5, y=1), predict=True))
    tab.locator("#next").click()
    assert answer(tab, "1,5") == "Write a point and no comma: 1.5"
    assert answer(tab, "1.5").startswith(WORDS["right"])


@pytest.mark.parametrize(("text", "slip"), [("7", "slip_up"), ("8", "slip_local"), ("15", "slip_before"), ("-19", "slip_sign")])
def test_slips_of_the_chain_rule_are_named(opened, text, slip):
    """f = 5 (x * 3) + 4 x: the second of two contributions to x, 4 + 5 × 3."""
    x = Value(2.0, label="x")
    f = (x * 3) * 5 + x * 4
    tab = opened(tg.play(f, predict=True))
    events = tg.steps(f)
    for event in events[:-1]:
        tab.locator("#next").click()
        answer(tab, repr(result(event)))
    tab.locator("#next").click()
    assert events[-1].terms == (4.0, 5.0, 3.0)
    assert answer(tab, {"8": "9"}.get(text, text)) == WORDS["wrong_since"].format(why=WORDS[slip])


def test_a_wrong_answer_gets_the_formula_with_its_numbers(opened):
    tab = opened(tg.play(tg.expression("(x + y) * z", x=-2, y=5, z=-4), predict=True))
    tab.locator("#next").click()
    assert tab.locator("#lines > div").count() == 1
    answer(tab, "7")
    assert re.sub(r"\s", "", tab.locator("#lines > div").nth(1).text_content()) == "=−2+5=?"


@pytest.mark.parametrize("text", ["-5/2", " - 10 / 4", "−2.5", "-2.50", "-25e-1", "-.25e1"])
def test_fractions_decimals_and_powers_of_ten_are_numbers(opened, text):
    tab = opened(tg.play(tg.expression("x * y", x=-.5, y=5), predict=True))
    tab.locator("#next").click()
    assert answer(tab, text).startswith(WORDS["right"])


@pytest.mark.parametrize(("text", "is_right"), [("0.7616", True), ("0.762", True), ("0.76159415", True), ("0.76158", False), ("0.77", False), ("0.0", False)])
def test_a_number_is_right_to_the_digits_it_is_written_with(opened, text, is_right):
    tab = opened(tg.play(tg.tanh(Value(1.0, label="x")), predict=True))
    tab.locator("#next").click()
    assert answer(tab, text).startswith(WORDS["right"]) == is_right


def test_the_keyboard_alone_is_enough(opened):
    tab = opened(tg.play(tg.expression("(x + y) * z", x=-2, y=5, z=-4)))
    tab.keyboard.press("g")
    for right in ("3", "-12", "1", "3", "-4", "-4", "-4"):
        assert tab.evaluate("document.activeElement.id") == "guess"
        tab.keyboard.type(right)
        tab.keyboard.press("Enter")
        assert tab.locator("#reply").inner_text().startswith(WORDS["right"])
        if place(tab) < 7:
            tab.keyboard.press("Enter")
    assert tab.locator("#reply").inner_text().endswith("7 of 7 at the first try.")
    assert tab.evaluate("document.activeElement.id") == "predict"


def test_a_finger_is_enough(opened):
    tab = opened(tg.play(tg.expression("x * y", x=-2, y=5)), width=390, height=844, has_touch=True)
    tab.locator("#predict").tap()
    for right in ("-10", "1", "-2", "5"):
        tab.locator("#guess").tap()
        tab.keyboard.type(right)
        tab.locator("#check").tap()
        assert tab.locator("#reply").inner_text().startswith(WORDS["right"])
        tab.locator("#next").tap(force=True)
    assert place(tab) == 4


def test_nobody_comes_past_a_question(opened):
    tab = opened(tg.play(tg.expression("(x + y) * z", x=-2, y=5, z=-4), predict=True))
    for key in ("End", "f", "ArrowRight", "ArrowRight"):
        tab.locator("h1").click()
        tab.keyboard.press(key)
        assert place(tab) == 1 and tab.locator("#answer").is_visible()
    go(tab, 6)
    assert place(tab) == 1
    tab.locator("#boxes > g").last.click()
    assert place(tab) == 1
    tab.locator("h1").click()
    tab.keyboard.press("ArrowLeft")
    assert place(tab) == 0 and not tab.locator("#answer").is_visible()


def test_a_link_shows_the_steps_before_it(opened):
    tab = opened(tg.play(tg.expression("(x + y) * z", x=-2, y=5, z=-4), predict=True))
    tab.goto("about:blank")
    tab.goto(opened.last + "#step=4")
    assert place(tab) == 4 and not tab.locator("#answer").is_visible()
    tab.keyboard.press("ArrowRight")
    assert place(tab) == 5 and tab.locator("#answer").is_visible()


def test_the_button_turns_it_on_and_off(opened):
    tab = opened(tg.play(tg.expression("x * y", x=-2, y=5)))
    for wanted in ("true", "false"):
        tab.locator("#predict").click()
        assert tab.locator("#predict").get_attribute("aria-pressed") == wanted
        assert tab.locator("#answer").is_visible() == (wanted == "true")
    go(tab, 4)
    assert place(tab) == 4


def test_numbers_that_were_changed_are_asked_for(opened):
    tab = opened(tg.play(tg.expression("x * y", x=-2, y=5), predict=True))
    tab.locator("#next").click()
    tab.locator("#knobs input[type=number]").first.fill("3.5")
    until(tab, "document.querySelector('#trace td').textContent === '3.5'")
    assert answer(tab, "17.5").startswith(WORDS["right"])


def test_no_number_is_asked_for_where_nothing_arrives(opened):
    f = tg.expression("relu(w * x)", w=1, x=-2)
    tab = opened(tg.play(f, predict=True))
    kinds = [event.kind for event in tg.steps(f)]
    assert kinds[-1] == "stopped" and len(walk(tab, f, "() => 'asked'")) == len(kinds) - 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 800)])
def test_a_question_is_seen_as_a_whole_and_breaks_no_rule(opened, violations, width, height, scheme):
    tab = opened(tg.play(tg.expression(FORMULA, **ODD), predict=True), width=width, height=height, color_scheme=scheme)
    fits = """() => { const panel = document.getElementById('panel');
        return panel.scrollHeight <= panel.clientHeight + 1 && document.documentElement.scrollWidth <= innerWidth ? 'fits' : 'does not'; }"""
    assert {told for _, told in walk(tab, tg.expression(FORMULA, **ODD), fits, wrong="99")} == {"fits"}
    assert violations(tab) == []
