"""Pages in Firefox, whose mathematics and sandbox are others than Chromium's; skipped where it is not installed."""

import json
import shutil

import pytest
from firefox import firefox

import tinygrad_edu as tg
from tinygrad_edu.show.svg import number_text


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    client = pytest.importorskip("websockets.sync.client", reason='Firefox tests: pip install ".[browser]"')
    program = next(filter(None, map(shutil.which, ("firefox", "firefox-esr"))), None)
    if program is None:
        pytest.skip("these tests need Firefox on the PATH (Debian: apt-get install firefox-esr)")
    with firefox(program, client.connect, tmp_path_factory.mktemp("profile")) as found:
        yield found


BOXES = """Object.fromEntries([...document.querySelectorAll('#boxes > g:not([display])')].map(box => {
  const [name, ...numbers] = ['.tg-name', '.tg-data', '.tg-grad'].map(part => box.querySelector(part).textContent);
  return [name.split(' = ')[0], numbers]; }))"""
TYPED = """new Promise(resolve => {
  const wanted = %s;
  for (const row of document.querySelectorAll('#knobs > div')) {
    const field = row.querySelector('input[type=number]');
    field.value = wanted[row.querySelector('label').textContent];
    field.dispatchEvent(new Event('input'));
  }
  requestAnimationFrame(() => requestAnimationFrame(resolve));
})"""
def fetched(tab):
    """The addresses it asked for; data: stands in a page, and about: in Firefox."""
    return {url.partition("#")[0] for url in tab.requests if not url.startswith(("data:", "about:"))}


LINES = "s = x + y; q = tanh(s); e = exp(z); f = q * e"


def numbers_at(leaves):
    """What each box must say at the end of the backward pass."""
    f = tg.expression(LINES, **leaves)
    f.backward()
    return {node.label: [number_text(node.data), number_text(node.grad)] for node in tg.topological_order(f)}


def test_a_live_page_follows_its_numbers(tab, tmp_path):
    first, then = {"x": -2, "y": 5, "z": -4}, {"x": 0.5, "y": -1.25, "z": 0.75}
    path = tg.play(tg.expression(LINES, **first), fold="none").save(tmp_path / "live.html")
    tab.goto(path.as_uri())
    tab.evaluate("document.getElementById('last').click()")
    assert tab.evaluate(BOXES) == numbers_at(first)
    tab.evaluate(TYPED % json.dumps(then))
    assert tab.evaluate(BOXES) == numbers_at(then) != numbers_at(first)
    assert tab.complaints == [] and fetched(tab) <= {path.as_uri()}


@pytest.mark.full
def test_the_playground_answers_in_firefox(tab, playground):
    tab.complaints.clear()
    tab.requests.clear()
    tab.goto(f"{playground}#v=1&tab=quiz")
    assert tab.evaluate("engine.ready.then(() => 'ready')") == "ready"
    assert tab.evaluate("engine.ask('none such', {}).catch(error => error.message)") == "there is no question 'none such'"
    answer = tab.evaluate("engine.ask('live', {text: 'q = x + y; f = q * z', numbers: 'x=-2 y=5 z=-4'})")
    assert "−12" in answer["html"]
    assert tab.evaluate("document.getElementById('panel_quiz').hidden") is False
    assert tab.complaints == [] and all(url.startswith((playground, "blob:")) for url in fetched(tab))
