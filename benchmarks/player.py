"""How large the player's pages are, and how long a hundred key presses take in Chromium.

The page is driven as a user would: real key presses, each followed by the style and layout it
causes, in a browser of its own for each round.
"""

import shutil
import tempfile
import time
from pathlib import Path

import tinygrad_edu as tg

from .figures import Figure, progress

ROUNDS = 5
PRESSES = 100
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
HANDLING = """count => { const start = performance.now();
  for (let i = 0; i < count; i++) {
    document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}));
    document.getElementById('graph').getBoundingClientRect();
  }
  return (performance.now() - start) / 1000 }"""


def lessons() -> dict[str, tg.Page]:
    """{name: page}: the lecture's circuit, a network of about 100 nodes, one of over 1,000 shown as layers."""
    found = {"(x + y) z": tg.play(tg.expression("q = x + y; f = q * z", x=-2, y=5, z=-4))}
    for sizes in [8, 4, 1], [30, 30, 1]:
        loss = tg.mse(tg.MLP(2, sizes, rng=0)([1.0, -2.0]), 0.5)
        found[f"a network of {len(tg.topological_order(loss)):,} nodes"] = tg.play(loss)
    return found


def player_figures() -> list[Figure]:
    """The size of each page, and the time of the key presses."""
    targets, pages = [40.0, 200.0, None], lessons()
    sizes = [Figure(f"player, {name}", "size of the page", "kB", len(page.html.encode()) / 1000, target=target)
             for (name, page), target in zip(pages.items(), targets)]
    return sizes + press_figures(pages)


def press_figures(pages: dict[str, tg.Page]) -> list[Figure]:
    figures = {(name, who): Figure(f"player, {name}", who, "s", target=1.0) for name in pages
               for who in (f"{PRESSES} keys, handled and laid out", f"{PRESSES} keys, pressed from outside")}
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        return [Figure("player, key presses", "Chromium", "s", note='not installed: pip install ".[browser]"')]
    if program is None:
        return [Figure("player, key presses", "Chromium", "s", note="no Chromium on the PATH")]
    seconds: dict = {key: [] for key in figures}
    with sync_playwright() as started, tempfile.TemporaryDirectory() as folder:
        for turn in range(ROUNDS):
            progress(f"player, round {turn + 1} of {ROUNDS}")
            browser = started.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
            for name, page in pages.items():
                tab = browser.new_page()
                tab.goto(page.save(Path(folder) / "page.html").as_uri())
                handled, pressed = (key for key in figures if key[0] == name)
                seconds[handled].append([tab.evaluate(HANDLING, PRESSES)])
                seconds[pressed].append([pressing(tab)])
            browser.close()
    return [figure.summing_up(seconds[key]) for key, figure in figures.items()]


def pressing(tab) -> float:
    tab.keyboard.press("Home")
    start = time.perf_counter()
    for _ in range(PRESSES):
        tab.keyboard.press("ArrowRight")
    tab.evaluate("new Promise(requestAnimationFrame)")
    return time.perf_counter() - start
