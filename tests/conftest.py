"""What tests share: a table of operations that is as it was once the test is over, and a browser."""

import contextlib
import os
import shutil
from pathlib import Path

import hypothesis
import pytest
from playground import FOLDER, built, serving

import tinygrad_edu as tg
from tinygrad_edu.engine.op import BUILT_IN

# One profile for every property: a busy machine is no reason to fail.  It takes after Hypothesis's own for where it
# runs, so that what an automatic run draws is always the same.
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")

FLAGS = """--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
           --disable-component-update --disable-sync --hide-scrollbars --font-render-hinting=none""".split()


def pytest_addoption(parser):
    parser.addoption("--engine", choices=("native", "pure"), help="fail unless the tests run on this engine, as it was installed")


def pytest_report_header(config):
    return f"engine: {tg.engine_name}, of {Path(tg.__file__).parent}"


def pytest_configure(config):
    wanted = config.getoption("--engine")
    if wanted and tg.engine_name != wanted:
        raise pytest.UsageError(f"the engine is {tg.engine_name}, not {wanted}: {tg.__file__}")
    if wanted and Path(tg.__file__).is_relative_to(config.rootpath):
        raise pytest.UsageError(f"the tests look at the source beside them, not at what is installed: {tg.__file__}")


def pytest_ignore_collect(collection_path, config):
    """`-m smoke` reads only the files that have such tests, which saves a third of its time."""
    if config.option.markexpr == "smoke" and collection_path.suffix == ".py":
        return "pytest.mark.smoke" not in collection_path.read_text(encoding="utf-8") or None
    return None


@pytest.fixture(autouse=True)
def operations_as_before():
    """Ops declared in a test, or in a docstring's example, are gone after it, and those taken away are there again."""
    before, built_in = dict(tg.OPS), list(BUILT_IN)
    yield
    BUILT_IN[:] = built_in                      # to which an example within the package adds its own
    for name in tg.OPS.keys() - before:
        if hasattr(tg.Value, name):
            delattr(tg.Value, name)
    tg.OPS.clear()
    tg.OPS.update(before)                       # in the order of before, too


@pytest.fixture(scope="module")
def chromium():
    """Chromium without a window; the tests that need it are skipped where it is not installed."""
    playwright = pytest.importorskip("playwright.sync_api", reason='browser tests: pip install ".[browser]"')
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
    if program is None:
        pytest.skip("browser tests need Chromium on the PATH (Debian: apt-get install chromium)")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def violations():
    """A function that says what axe finds on a page: (rule, the elements that break it)."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason='axe: pip install ".[browser]"').Axe()
    return lambda tab: [(found["id"], [node["html"] for node in found["nodes"]])
                        for found in axe.run(tab).response["violations"]]


def new_tab(chromium, faulty, settings):
    """A tab in a window of its own, and lists of what it said or did wrong, and of what it asked for."""
    tab, complaints, requests = chromium.new_context(**settings).new_page(), [], []
    tab.on("console", lambda message: complaints.append(message.text))
    if not faulty:
        tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("dialog", lambda dialog: complaints.append(dialog.message))
    tab.on("request", lambda request: requests.append(request.url))
    tab.add_init_script("window.refused = []; "
                        "addEventListener('securitypolicyviolation', e => refused.push(e.violatedDirective))")
    return tab, complaints, requests


@contextlib.contextmanager
def pages_in(folder, tab_of):
    """A function that opens a page of ours; afterwards nothing may have been said, loaded or refused.

    tab_of   gives what new_tab gives, for how many were opened before and what new_tab is told
    """
    used = []

    def open_page(page, width=1000, height=950, faulty=False, **settings):
        path = page.save(folder / f"page{len(used)}.html")
        used.append(tab_of(len(used), faulty, settings | {"viewport": {"width": width, "height": height}}))
        tab = used[-1][0]
        open_page.last = path.as_uri()
        tab.goto(open_page.last)
        tab.wait_for_selector("#packed", state="detached")          # a long script has to be unpacked
        return tab

    yield open_page
    refused = [rule for tab, *_ in used for seen in tab.context.pages for rule in seen.evaluate("window.refused")]
    assert (refused, [text for _, complaints, _ in used for text in complaints]) == ([], [])
    requests = [url for *_, asked in used for url in asked]
    assert all(url.startswith("file://") and url.partition("#")[0].endswith(".html") for url in requests)
    assert len(set(requests)) == len(used)


@pytest.fixture
def opened(chromium, tmp_path):
    """A function that opens a page of ours, in a window of its own."""
    own = []

    def tab_of(_, *about):
        own.append(new_tab(chromium, *about))
        return own[-1]

    with contextlib.ExitStack() as at_the_end:
        at_the_end.callback(lambda: [tab.context.close() for tab, *_ in own])
        yield at_the_end.enter_context(pages_in(tmp_path, tab_of))


@pytest.fixture(scope="module")
def windows(chromium):
    """Windows for all tests of a file: to open another takes longer than many tests do."""
    kept = {}
    yield kept
    for tab, *_ in kept.values():
        tab.context.close()


@pytest.fixture
def opened_again(chromium, windows, tmp_path):
    """A function that opens a page of ours, in a window that earlier tests may have had: they must leave it as it was."""
    def tab_of(*about):
        tab, complaints, requests = windows[repr(about)] = windows.get(repr(about)) or new_tab(chromium, *about[1:])
        tab.goto("about:blank")
        tab.mouse.move(0, 0)
        complaints.clear()
        requests.clear()
        return tab, complaints, requests

    with pages_in(tmp_path, tab_of) as open_page:
        yield open_page


@pytest.fixture(scope="session")
def can_build():
    """Skips where nothing can fetch what the playground is made of."""
    if not FOLDER.is_dir() or not (shutil.which("npm") or os.environ.get("TINYGRAD_EDU_PLAYGROUND")):
        pytest.skip("building the playground needs its folder, npm and a network")


@pytest.fixture(scope="session")
def playground_folder(can_build, tmp_path_factory):
    """The folder with the playground, built once for all tests."""
    return built(tmp_path_factory.mktemp("playground"))


@pytest.fixture(scope="session")
def playground(playground_folder):
    """The address of the playground on a host of our own."""
    with serving(playground_folder) as host:
        yield host.address
