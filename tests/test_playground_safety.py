"""Whatever stands in a link, a table or a name is only text: two thousand hostile ones, in one page that still works."""

import random
import string
from urllib.parse import quote

import pytest

TABS = ("expression", "program", "network", "quiz", "lessons")
MARKUP = ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg onload=alert(1)>", "\"><b onclick=alert(1)>x</b>",
          "<iframe srcdoc='<script>parent.alert(1)</script>'>", "</script><script>alert(1)</script>", "<!--", "]]>", "<base href=//x>",
          "<style>*{display:none}</style>", "<meta http-equiv=refresh content='0;url=//x'>", "<math><mtext><script>alert(1)</script>",
          "javascript:alert(1)", "data:text/html,<script>alert(1)</script>", "{{7*7}}", "${alert(1)}", "`${alert(1)}`", "&lt;b&gt;"]
NAMES = ["__proto__", "constructor", "prototype", "toString", "__proto__[x]", "hasOwnProperty", "then", "v", "tab", "lang", "id"]
LETTERS = ["\0", "\u202e", "\u2066abc\u2069", "\u200b", "\ufeff", "\U0001f600" * 20, "é" * 50, "\u0301" * 60, "%", "%%%", "%e0%a4%a",
           "%00", "#", "&", "=", "?", "\n", "\r\n", "\t", "'", '"', "\\", ";", "--"]
NUMBERS = ["1e999", "-1e999", "NaN", "Infinity", "9" * 400, "-0", "1e-400", "0x10", "１２", "1_000", ""]
PROGRAMS = ["while True: pass", "import os; os._exit(1)", "import js", "from pyodide.http import pyfetch", "raise SystemExit", "print('<b>' * 9)",
            "__import__('js').fetch('//x')", "().__class__.__bases__[0].__subclasses__()", "exec('1/0')", "\t\x0c  x"]
HUGE = ["(" * 5000, "x" * 30000, "x+" * 4000 + "x", "[" * 3000 + "]" * 3000, "{\"a\":" * 2000, "-" * 4000 + "1", "x**" * 900 + "x"]
TEXTS = [*MARKUP, *NAMES, *LETTERS, *NUMBERS, *PROGRAMS, *HUGE]
KEYS = ["v", "tab", "lang", "e", "x", "y", "z", "step", "seed", "program", "p", "code", "data", "layers", "loss", "lr", "weights",
        "kinds", "level", "count", "test", "activation", "optimizer", "penalty", "strength", "batch", "speed", "steps", "points",
        "classes", "range", "lesson", "w", "fold"]


def text_of(draw):
    """A hostile text: one of the list, two of them side by side, or letters at random."""
    kind = draw.random()
    if kind < 0.6:
        return draw.choice(TEXTS)
    if kind < 0.85:
        return draw.choice(TEXTS[:-len(HUGE)]) + draw.choice(TEXTS[:-len(HUGE)])
    return "".join(draw.choice(string.printable + "%&=#<>\"'\u202e\0") for _ in range(draw.randrange(1, 80)))


def hash_of(draw):
    """A link's hash, encoded as it should be, or not at all."""
    def written(text):
        return quote(text, safe="") if draw.random() < 0.8 else text.replace("#", "%23")
    pairs = [(draw.choice(KEYS) if draw.random() < 0.8 else text_of(draw), text_of(draw)) for _ in range(draw.randrange(1, 6))]
    start = f"v=1&tab={draw.choice(TABS)}&" * (draw.random() < 0.8)
    return "#" + start + "&".join(f"{written(key)}={written(text)}" for key, text in pairs)


# What text would have done if it were read as HTML or run, here or in a page inside.
FOREIGN = """() => [...document.querySelectorAll('*')].filter(element =>
  [...element.attributes].some(({name, value}) => /^on/i.test(name) || /(href|src|action|data)$/i.test(name) && /^\\s*javascript:/i.test(value))
  || element.matches('base, object, embed, form, applet') || element.matches('img') && !element.src.startsWith('blob:')
  || element.matches('script') && !element.closest('head, body') || element.matches('meta[http-equiv=refresh]')).map(found => found.outerHTML.slice(0, 200))"""
SCRIPTS = "() => document.querySelectorAll('script').length"


@pytest.fixture(scope="module")
def opened(chromium, playground):
    """A tab of the playground whose Python is there, and what must not happen in it."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    tab, happened = context.new_page(), []
    listen(context, tab, happened, playground)
    tab.goto(playground)
    tab.evaluate("engine.ready.then(() => null)")
    yield tab, happened
    context.close()


@pytest.fixture
def watched(opened):
    """The same for one test, which begins at the first tab; what a test before it has done to the page is done."""
    tab, happened = opened
    tab.evaluate("location.hash = '#v=1&tab=expression&lang=en'")
    tab.evaluate("engine.ready.then(() => null)")
    del happened[:]
    return tab, happened


def listen(context, tab, happened, playground):
    """Put down what must not happen."""
    tab.on("console", lambda message: happened.append(message.text))
    tab.on("pageerror", lambda error: happened.append(f"{error}"))
    tab.on("dialog", lambda dialog: (happened.append(f"dialog {dialog.message}"), dialog.dismiss()))
    tab.on("popup", lambda other: happened.append(f"popup {other.url}"))
    tab.on("crash", lambda _: happened.append("crash"))
    context.on("request", lambda request: happened.append(f"request {request.url[:200]}")
               if not request.url.startswith((playground, "blob:", "data:", "about:")) else None)


def looked_into(frame):
    """What is foreign in a page; one inside may be exchanged for the next at that moment."""
    for _ in range(20):
        try:
            return frame.evaluate(FOREIGN)
        except Exception as error:
            if frame.is_detached() or "destroyed" in str(error):
                frame.page.wait_for_timeout(50)
            else:
                raise
    return []


def check_harmless(tab, happened, told):
    """Nothing happened but text, in the page and in the pages inside it."""
    assert happened == [], told[:300]
    assert tab.evaluate("document.title") == tab.title_at_first, told[:300]
    assert tab.evaluate(SCRIPTS) == tab.scripts_at_first, told[:300]
    for frame in tab.frames:
        assert looked_into(frame) == [], told[:300]
    assert tab.locator("[role=tab]").count() == len(TABS), told[:300]


def check_alive(tab):
    """It still answers, and shows the number."""
    tab.evaluate("location.hash = '#v=1&tab=expression&e=x*y&x=6&y=7'")
    tab.frame_locator("#panel_expression iframe").locator("text=42").first.wait_for(timeout=20_000)


def remember(tab):
    tab.title_at_first, tab.scripts_at_first = tab.evaluate("document.title"), tab.evaluate(SCRIPTS)


@pytest.mark.parametrize("seed", [pytest.param(seed, marks=pytest.mark.long if seed else pytest.mark.full) for seed in range(8)])
def test_hostile_hashes_are_only_text(watched, seed):
    tab, happened = watched
    remember(tab)
    draw = random.Random(f"hashes {seed}")
    for i in range(250):
        told = hash_of(draw)
        tab.evaluate("hash => { location.hash = hash }", told)
        tab.evaluate("new Promise(resolve => setTimeout(resolve, 5))")
        check_harmless(tab, happened, told)
        if i % 125 == 124:
            check_alive(tab)
            check_harmless(tab, happened, told)


@pytest.mark.full
def test_a_page_that_opens_with_a_hostile_hash_works(watched, playground):
    """Each is left before Python could have started, so it is not started."""
    tab, happened = watched
    fresh = tab.context.new_page()
    fresh.add_init_script("Worker = class { constructor() { throw new Error('no worker here'); } }")
    listen(tab.context, fresh, happened, playground)
    remember(tab)
    fresh.title_at_first, fresh.scripts_at_first = tab.title_at_first, tab.scripts_at_first
    for name, text in zip(TABS * 9, MARKUP + NAMES + PROGRAMS):
        told = f"#v=1&tab={name}&lang={quote(text)}&e={quote(text)}&data={quote(text)}&seed={quote(text)}"
        fresh.goto("about:blank")
        fresh.goto(playground + told)
        check_harmless(fresh, happened, told)
    fresh.close()
    check_alive(tab)
    check_harmless(tab, happened, told)


@pytest.mark.full
def test_markup_that_got_into_the_page_would_be_noticed(watched):
    tab, happened = watched
    remember(tab)
    check_harmless(tab, happened, "")
    tab.evaluate("document.body.insertAdjacentHTML('beforeend', '<b onclick=\"alert(1)\">x</b>')")
    assert looked_into(tab.main_frame) == ['<b onclick="alert(1)">x</b>']
    tab.locator("b[onclick]").evaluate("planted => planted.remove()")


SHORT = [text for text in TEXTS if text not in HUGE]
QUOTE = '"'


def table_with(text):
    """A table whose columns and classes are called by a hostile text."""
    name = f'"{text.replace(QUOTE, QUOTE * 2)}"'
    rows = [f"{i / 7},{i % 3},{name if i % 2 else 'b'}" for i in range(12)]
    return "\n".join([f"{name},y,kind", *rows])


@pytest.mark.full
def test_hostile_tables_are_only_text(watched):
    tab, happened = watched
    remember(tab)
    tab.locator("#tab_network").click()
    tab.locator("#network_panel_data details, #panel_network details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    for text in [*map(table_with, SHORT), *TEXTS]:
        tab.locator("#network_csv").fill(text[:20000].replace("\0", ""))
        tab.locator("#network_use_csv").click()
        tab.wait_for_timeout(60)
        check_harmless(tab, happened, text)
    check_alive(tab)


@pytest.mark.full
def test_hostile_labels_are_only_text(watched):
    tab, happened = watched
    remember(tab)
    tab.locator("#tab_program").click()
    for text in [*SHORT, "x" * 3000]:
        tab.locator("#program_text").fill(f"import tinygrad_edu as tg\nx = tg.Value(2.0, label={text!r})\nf = x * x\n")
        tab.locator("#program_run").click()
        tab.locator("#program_run:not([disabled])").wait_for()
        tab.wait_for_timeout(150)
        check_harmless(tab, happened, text)
    check_alive(tab)
