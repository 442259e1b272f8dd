"""How large the player's pages are, and how long key presses and the drag of a slider take in Chromium.

The page is driven as a user would: real key presses, each followed by the style and layout it
causes, in a browser of its own for each round.
"""

import shutil
import tempfile
import time
from pathlib import Path

import tinygrad_edu as tg

from .contest import Effort, Figure, Spread, progress
from .peers import Unfit
from .worker import or_failure

PRESSES = 100
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
HANDLING = """count => { const start = performance.now();
  for (let i = 0; i < count; i++) {
    document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}));
    document.getElementById('graph').getBoundingClientRect();
  }
  return (performance.now() - start) / 1000 }"""
DRAGGING = """async count => { document.getElementById('more').click();
  const slider = document.querySelector('#knobs [type=range]'), low = +slider.min, span = slider.max - low, taken = [];
  for (let i = 0; i < count; i++) {
    await new Promise(requestAnimationFrame);
    await new Promise(done => setTimeout(done, 4));
    const start = performance.now();
    slider.value = low + span * ((37 * i) % 100) / 100;
    slider.dispatchEvent(new Event('input'));
    document.getElementById('graph').getBoundingClientRect();
    taken.push((performance.now() - start) / 1000);
  }
  return taken.sort((one, other) => one - other); }"""
FRAME = 0.016               # seconds
WAYS = {                    # what is measured of a page, and how many seconds it may take
    f"{PRESSES} keys, handled and laid out": 1.0, f"{PRESSES} keys, pressed from outside": 1.0,
    "a slider is dragged: event to picture, median": FRAME,
    "a slider is dragged: event to picture, 19 of 20": FRAME}


def lessons() -> dict[str, tg.Page]:
    """{name: page}: the lecture's circuit, a network of about 100 nodes, one of over 1,000 shown as layers."""
    found = {"(x + y) z": tg.play(tg.expression("q = x + y; f = q * z", x=-2, y=5, z=-4))}
    for sizes in [8, 4, 1], [30, 30, 1]:
        loss = tg.mse(tg.MLP(2, sizes, rng=0)([1.0, -2.0]), 0.5)
        found[f"a network of {len(tg.topological_order(loss)):,} nodes"] = tg.play(loss)
    return found


def player_figures(effort: Effort) -> list[Figure]:
    """The size of each page, and the time of the key presses, or why there is none."""
    targets, pages = [48_000.0, 200_000.0, None], lessons()
    sizes = [float(len(page.html.encode())) for page in pages.values()]
    rows = [Figure("player", f"{name}: size of the page", "bytes", Spread.of([size]), at_most=target)
            for name, size, target in zip(pages, sizes, targets)]
    found = or_failure(lambda: {"figures": press_figures(pages, effort)})
    if "failed" in found:
        return [*rows, Figure("player", "key presses in Chromium", "s", note=found["failed"])]
    return rows + found["figures"]


def press_figures(pages: dict[str, tg.Page], effort: Effort) -> list[Figure]:
    """What keys and sliders take, in a browser of its own for each round; a slider of over 1,000 nodes has no limit."""
    figures = {(name, way): Figure("player", f"{name}: {way}", "s", at_most=most)
               for name in pages for way, most in WAYS.items()}
    for (name, way), figure in figures.items():
        if "1," in name and WAYS[way] == FRAME:
            figure.at_most = None
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        raise Unfit('not installed: pip install ".[browser]"') from None
    if program is None:
        raise Unfit("no Chromium on the PATH")
    seconds: dict[tuple[str, str], list[float]] = {key: [] for key in figures}
    with sync_playwright() as started, tempfile.TemporaryDirectory() as folder:
        for turn in range(effort.rounds):
            progress(f"player, round {turn + 1} of {effort.rounds}")
            browser = started.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
            for name, page in pages.items():
                tab = browser.new_page()
                tab.goto(page.save(Path(folder) / "page.html").as_uri())
                tab.wait_for_selector("#packed", state="detached")
                for way, taken in zip(WAYS, measured(tab)):
                    seconds[name, way].append(taken)
            browser.close()
    for key, figure in figures.items():
        figure.amount = Spread.of(seconds[key])
    return list(figures.values())


def measured(tab) -> list[float]:
    """What each of WAYS takes, in seconds."""
    pressed = [handling(tab), pressing(tab)]
    dragged = tab.evaluate(DRAGGING, PRESSES)
    return [*pressed, *[dragged[int(share * PRESSES)] for share in (0.5, 0.95)]]


def handling(tab) -> float:
    return tab.evaluate(HANDLING, PRESSES)


def pressing(tab) -> float:
    tab.keyboard.press("Home")
    start = time.perf_counter()
    for _ in range(PRESSES):
        tab.keyboard.press("ArrowRight")
    tab.evaluate("new Promise(requestAnimationFrame)")
    return time.perf_counter() - start
