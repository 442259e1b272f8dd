"""Screenshots of the player for the documentation: first, middle and last step, light and dark.

`python docs/screenshots.py` writes them beside this file; it needs Chromium and the extra "browser".
"""

import io
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import tinygrad_edu as tg

FOLDER = Path(__file__).resolve().parent
PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
PLACES = {"first": 1, "middle": 4, "last": 7}


def taken(browser) -> Iterator[tuple[str, bytes]]:
    """(name of the file, PNG) of every screenshot."""
    f = tg.expression("q = x + y; f = q * z", x=-2, y=5, z=-4)
    with tempfile.TemporaryDirectory() as folder:
        path = tg.play(f).save(Path(folder) / "f.html")
        for scheme in "light", "dark":
            tab = browser.new_page(viewport={"width": 1000, "height": 710}, color_scheme=scheme)
            tab.goto(path.as_uri())
            tab.wait_for_selector("#packed", state="detached")
            for name, place in PLACES.items():
                tab.keyboard.press("Home")
                for _ in range(place):
                    tab.keyboard.press("ArrowRight")
                yield f"player-{name}-{scheme}.png", tab.screenshot()
            tab.close()


def small(png: bytes) -> bytes:
    """The same picture in 32 colours."""
    from PIL import Image
    made = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(32, dither=Image.Dither.NONE).save(made, "PNG", optimize=True)
    return made.getvalue()


def main() -> None:
    from playwright.sync_api import sync_playwright
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=PROGRAM, args=["--no-sandbox", "--hide-scrollbars"])
        for name, png in taken(browser):
            (FOLDER / name).write_bytes(small(png))
            print(f"wrote {name}")
        browser.close()


if __name__ == "__main__":
    main()
