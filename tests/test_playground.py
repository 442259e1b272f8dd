"""The playground as it is built: started over http and from one file, without a network, and shut in."""

import contextlib
import json
import zipfile

import playground
import pytest

import tinygrad_edu as tg

pytestmark = pytest.mark.full

GRAPHS = [("(x + y) * z", "x=-2 y=5 z=-4"), ("sigmoid(w*x + b)", "w=2 x=-1 b=-3"), ("x*x*x - 3*x", "x=1.5"),
          ("gelu(x)*erfc(y) + log1p(x*y)/hypot(x, y) - expm1(tanh(x))", "x=0.7 y=1.3"), ("relu(x) + max(x, y)", "x=-1 y=2"),
          ("softmax_cross_entropy([a, b, c], [1, 0, 0])", "a=1 b=2 c=-0.5"), ("q = x + y\nf = q * q", "x=1e-300 y=1"),
          ("mean([a, b, c]) ** 2", "a=1/3 b=2 c=5"), ("sin(x) * exp(-x / y)", "x=12345.678 y=7"), ("atan2(y, x) + hypot(x, y)", "x=3 y=4")]
FIRST_VISIT, ONE_FILE = 8_000_000, 10_500_000           # bytes


@pytest.fixture(scope="session")
def site(playground_folder):
    """The folder of the playground, built once for all files of tests."""
    return playground_folder


@contextlib.contextmanager
def watched(chromium):
    """A function that opens the playground; afterwards nothing may have been asked of another host, refused or complained of."""
    complaints, addresses, contexts = [], [], []

    def open_page(address, hash="", **settings):
        contexts.append(chromium.new_context(**settings))
        tab = contexts[-1].new_page()
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        contexts[-1].on("request", lambda request: addresses.append(request.url))
        tab.goto(address + hash)
        return tab

    open_page.complaints = complaints
    yield open_page
    for context in contexts:
        context.close()
    assert [text for text in complaints if "Service Worker registration blocked" not in text] == []
    assert [url for url in addresses if not url.startswith(("http://127.0.0.1:", "file:", "blob:", "data:", "about:"))] == []


@pytest.fixture
def visit(chromium):
    with watched(chromium) as open_page:
        yield open_page


@pytest.fixture(scope="module")
def python(chromium, site):
    """(page, host, its complaints): Python has started there, and no service worker fetches anything besides."""
    with playground.serving(site) as host, watched(chromium) as open_page:
        yield started(open_page(host.address, service_workers="block")), host, open_page.complaints


@pytest.fixture
def host(site):
    with playground.serving(site) as host:
        yield host


def started(tab):
    tab.locator("#status[data-kind=ready]").wait_for(timeout=120_000)
    return tab


def ask(tab, kind, **request):
    return tab.evaluate("async ([kind, request]) => { try { return await engine.ask(kind, request); } "
                        "catch (error) { return {rejected: error.message}; } }", [kind, request])


def lengths(tab):
    """{name: bytes} of all files that the page is made of, as it gets them."""
    return tab.evaluate("async () => Object.fromEntries(await Promise.all("
                        "Object.keys(build.files).map(async name => [name, (await files.load(name)).byteLength])))")


def of_desktop(text, numbers):
    f = tg.expression(text, **{name: eval(number) for name, _, number in (pair.partition("=") for pair in numbers.split())})
    f.backward()
    return f


# ---- the same engine

def test_ten_pictures_and_pages_have_the_bytes_of_the_desktop(python):
    tab, _, _ = python
    for text, numbers in GRAPHS:
        f = of_desktop(text, numbers)
        assert ask(tab, "picture", text=text, numbers=numbers)["svg"] == tg.draw(f).svg, text
        assert ask(tab, "page", text=text, numbers=numbers)["html"] == tg.play(f).html, text


def test_the_first_picture_is_live_before_python_is_there(visit, host):
    tab = visit(host.address)
    inside = tab.frame_locator("iframe").first
    inside.locator("#knobs input[type=number]").first.wait_for()
    assert tab.locator("#status").get_attribute("data-kind") == "loading"
    assert inside.locator("#place").inner_text() == "5 / 7"
    assert tab.locator("#no_script").count() == 0


def test_mpmath_is_fetched_when_gradcheck_first_needs_it(python):
    tab, host, _ = python
    assert not [path for path, _ in host.sent if path.startswith("/mpmath")]
    assert ask(tab, "gradcheck", text="sin(x)", numbers="x=3")["verdict"] == "right"
    assert len([path for path, _ in host.sent if path.startswith("/mpmath")]) == 1


# ---- offline, and sizes

def test_a_first_visit_is_small_and_a_second_needs_no_network(visit, site, host):
    tab = started(visit(host.address))
    tab.evaluate("() => navigator.serviceWorker.ready.then(() => null)")
    assert ask(tab, "gradcheck", text="sin(x)", numbers="x=3")["verdict"] == "right"
    assert sum(size for _, size in host.sent) <= FIRST_VISIT
    paths = [path for path, _ in host.sent]
    assert len(set(paths)) == len(paths)                # nothing went out twice
    del host.sent[:]
    tab.goto("about:blank")
    tab.goto(host.address)
    started(tab)
    assert [path for path, _ in host.sent if path != "/sw.js"] == []
    tab.context.set_offline(True)
    tab.reload()
    assert lengths(tab) == {path.name: path.stat().st_size for path in site.iterdir() if path.name not in playground.PAGES}


def test_one_file_runs_from_a_file_without_a_network(visit, site):
    path = site / "playground.html"
    assert path.stat().st_size <= ONE_FILE
    tab = started(visit(path.as_uri(), offline=True))
    text, numbers = GRAPHS[0]
    assert ask(tab, "picture", text=text, numbers=numbers)["svg"] == tg.draw(of_desktop(text, numbers)).svg
    assert ask(tab, "gradcheck", text="sin(x)", numbers="x=3")["verdict"] == "right"


def test_a_new_build_replaces_the_old_one_whole(visit, site, tmp_path):
    newer = playground.altered(site, tmp_path)
    with playground.serving(site) as host:
        tab = started(visit(host.address))
        tab.evaluate("() => navigator.serviceWorker.ready.then(() => null)")
        old = tab.evaluate("build.cache")
        host.folder = newer
        tab.evaluate("() => navigator.serviceWorker.getRegistration().then(one => one.update()).then(() => null)")
        tab.locator("#message:not(:empty)").wait_for()
        assert tab.evaluate("build.cache") == old                       # the open page is still whole
        assert ask(tab, "program", text="f = 1")["problem"] == ""
        tab.reload()
        assert tab.evaluate("build.cache") != old
        assert tab.evaluate("caches.keys()") == [tab.evaluate("`${build.cache} ${new URL('.', location).pathname}`")]
        assert lengths(tab)["python.zip"] == (newer / "python.zip").stat().st_size


def test_the_same_tree_gives_the_same_bytes(site):
    build = playground.module("build")
    made = build.folder(build.parts())
    assert {path.name for path in site.iterdir()} - {"playground.html"} == set(made)
    assert [name for name in made if (site / name).read_bytes() != made[name]] == []


# ---- shut in

# Each tries to get at the page, the network or what is kept; one that is let through says "reached".
ATTEMPTS = [
    "import js\nassert set(vars(js)) <= {'WebAssembly', '__name__', '__loader__', '__spec__', '__doc__', '__package__'}\njs.fetch('/')",
    "import js\njs.document",
    "import js\njs.indexedDB",
    "from js import XMLHttpRequest",
    "import js\njs.WebAssembly.constructor.constructor('return 1')()",
    "from pyodide.code import run_js\nrun_js('1')",
    "import pyodide_js\npyodide_js.runPython.constructor('return 1')()",
    "import pyodide_js\npyodide_js._api.fetch('/')",
    "import pyodide_js\npyodide_js._module.fetch('/')",
    "import _pyodide_core\n_pyodide_core.run_js('1')",
    "from pyodide.http import open_url\nopen_url('/manifest.json')",
    "from urllib.request import urlopen\nurlopen('http://127.0.0.1/')",
    "import socket\nsocket.create_connection(('127.0.0.1', 80), 1)",
    "import ctypes\nctypes.CDLL(None).emscripten_run_script(b'1')",
]
ASYNCHRONOUS = ["import asyncio\nfrom pyodide.http import pyfetch\nasyncio.ensure_future(pyfetch('/manifest.json'))",
                "import pyodide_js\npyodide_js.loadPackage('numpy')"]


def let_through(tab):
    """The attempts that succeed."""
    answers = {text: ask(started(tab), "program", text=f"{text}\nprint('reached')") for text in ATTEMPTS}
    assert all(told.get("problem") or told.get("rejected") or "reached" in told["output"] for told in answers.values())
    return {text for text, told in answers.items() if "reached" in told.get("output", "")}


def test_python_reaches_neither_the_network_nor_the_page(python):
    tab, host, complaints = python
    asked = len(host.sent)
    assert let_through(tab) == set()
    for text in ASYNCHRONOUS:
        ask(started(tab), "program", text=text)
    ask(started(tab), "program", text="1")
    assert [path for path, _ in host.sent[asked:] if path.partition("?")[0] not in ("/sw.js", "/mpmath.whl")] == []
    complaints.clear()                      # the browser tells of each attempt that the policy has refused


def test_what_a_program_makes_of_a_picture_leads_the_page_nowhere(python):
    tab, host, _ = python
    hostile = ('<svg xmlns="http://www.w3.org/2000/svg"><text>still drawn</text><a href="http://127.0.0.1:9/">away</a><foreignObject>'
               '<meta xmlns="http://www.w3.org/1999/xhtml" http-equiv="refresh" content="0;url=http://127.0.0.1:9/"/></foreignObject></svg>')
    assert ask(tab, "program", text=f"import questions\nquestions.quiz_page.unstyled = lambda svg: {hostile!r}")["problem"] == ""
    tab.evaluate("tabs.restore({tab: 'quiz', rest: new Map([['count', '10']])})")
    tab.locator("#panel_quiz figure svg", has_text="still drawn").first.wait_for()
    assert tab.locator("#panel_quiz figure").locator("meta, a").count() == 0
    assert tab.url.startswith(host.address)


def test_the_attempts_succeed_where_python_is_given_everything(visit, site, tmp_path):
    def open_wide(made):
        given, closing = b"jsglobals: {WebAssembly}", b"close(CLOSED);"
        assert given in made["worker.js"] and closing in made["worker.js"]
        made["worker.js"] = made["worker.js"].replace(given, b"jsglobals: globalThis").replace(closing, b"")

    with playground.serving(playground.altered(site, tmp_path, open_wide)) as host:
        reached = let_through(started(visit(host.address, service_workers="block")))
    assert {"import js\njs.indexedDB", "from js import XMLHttpRequest"} <= reached
    visit.complaints.clear()


def test_stop_ends_what_never_ends_and_starts_afresh(python):
    tab, _, _ = python
    tab.evaluate("() => { window.told = engine.ask('program', {text: 'while True: pass'}).catch(error => error.message); }")
    tab.evaluate("engine.stop()")
    assert tab.evaluate("told") == "Stopped."
    assert ask(started(tab), "program", text="f = 1")["problem"] == ""


def test_where_the_script_cannot_run_the_page_says_so(visit, host):
    context = visit("about:blank").context
    context.add_init_script("Map = undefined")
    tab = context.pages[0]
    tab.goto(host.address)
    tab.locator("#no_script").wait_for()
    assert "JavaScript" in tab.locator("#no_script").inner_text()
    visit.complaints.clear()                # the browser tells of the fault that was put there


def test_where_no_worker_starts_the_page_says_so_and_its_first_picture_is_live(visit, host):
    context = visit("about:blank").context
    context.add_init_script("Worker = class { constructor() { throw new Error('no worker here'); } }")
    tab = context.pages[0]
    tab.goto(host.address)
    tab.locator("#status[data-kind=failed]").wait_for()
    assert tab.locator("#status").inner_text() == "Python cannot run here: no worker here"
    tab.frame_locator("iframe").first.locator("#knobs input[type=number]").first.wait_for()


# ---- the shell

def test_unknown_keys_of_a_link_are_kept_and_the_version_comes_first(visit, host):
    tab = visit(host.address, "#future=a%20b&tab=quiz&v=1&__proto__=x&lang=en")
    tab.locator("#tab_quiz[aria-selected=true]").wait_for()
    hash = tab.evaluate("new URL(link.address()).hash")
    assert hash.startswith("#v=1&tab=quiz")
    assert "future=a%20b" in hash and "__proto__=x" in hash


def test_an_embedded_page_posts_its_height_and_nothing_else(visit, host):
    tab = visit(host.address + "manifest.json")
    posted = tab.evaluate("""address => new Promise(resolve => {
        const heard = [];
        addEventListener("message", ({data}) => heard.push(data));
        const frame = document.createElement("iframe");
        frame.src = address;
        document.body.append(frame);
        const look = () => heard.length ? setTimeout(() => resolve(heard), 500) : setTimeout(look, 100);
        look();
    })""", host.address + "?embed=1")
    assert posted
    assert all(set(one) == {"tinygrad_edu", "height"} and one["tinygrad_edu"] == "height" for one in posted)


def test_what_is_about_the_page_names_every_part_of_it(visit, site):
    tab = visit((site / "playground.html").as_uri(), offline=True)
    tab.locator("#about_button").click()
    tab.locator("#about .component").first.wait_for()
    shown = tab.locator("#about .component summary").all_inner_texts()
    parts = json.loads((site / "licences.json").read_text(encoding="utf-8"))
    assert [text for part in parts if not any(text := f"{part['name']} {part['version']}" in one for one in shown)] == []
    for name in json.loads((site / "manifest.json").read_text(encoding="utf-8"))["files"]:
        assert any(name in part["files"] for part in parts), f"{name} is shipped without a licence"
    assert all(len(text) > 250 for part in parts for text in part["texts"])


def test_no_file_of_the_wheel_is_left_out_that_python_reads(site):
    with zipfile.ZipFile(site / "tinygrad_edu.whl") as packed:
        names = set(packed.namelist())
    assert {"tinygrad_edu/__init__.py", "tinygrad_edu/show/words/en.json", "tinygrad_edu/show/player.js"} <= names
    assert not [name for name in names if name.endswith((".so", ".pyd"))]
