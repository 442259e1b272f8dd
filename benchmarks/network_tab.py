"""How fast the playground's network tab trains in Chromium: python -m benchmarks.network_tab

A network 2-8-1 on the 80 moons in mini-batches of 16, by the scripts of the page: forward, loss, backward and Adam's
step, five times an epoch.  Drawing is not in it.
"""

import shutil
import sys
from pathlib import Path
from statistics import median

from .player import BROWSERS

PLAYGROUND = Path(__file__).parent.parent / "docs" / "playground"
LEAST = 100                     # epochs in a second that the page promises
ROUNDS = 5
TRAINING = """epochs => {
  const {moons} = network_data.sets, at = {...network_data.optimizers.Adam, lr: .03};
  const state = train.start({sizes: [2, 8, 1], activation: "tanh", seed: 0, loss: "bce_with_logits", threshold: 0,
    optimizer: "Adam", at, penalty: "none", strength: 0, batch: 16}, moons);
  const start = performance.now();
  for (let i = 0; i < epochs; i++) train.epoch(state);
  return 1000 * epochs / (performance.now() - start);
}"""


def scripts() -> str:
    """What trains in the page."""
    sys.path.insert(0, str(PLAYGROUND))
    import network_parts
    own = [(PLAYGROUND / "app" / f"{name}.js").read_text(encoding="utf-8") for name in ("random", "train")]
    return "\n".join([network_parts.script(), *own])


def epochs_in_a_second() -> list[float]:
    """One number for each round, each in a new page."""
    from playwright.sync_api import sync_playwright
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program)
        found = []
        for _ in range(ROUNDS):
            page = browser.new_page()
            page.add_script_tag(content=scripts())
            page.evaluate(TRAINING, 20)
            found.append(page.evaluate(TRAINING, 300))
            page.close()
        browser.close()
    return found


if __name__ == "__main__":
    rates = epochs_in_a_second()
    print(f"{median(rates):.0f} epochs in a second, {min(rates):.0f} to {max(rates):.0f} in {ROUNDS} pages; "
          f"{LEAST} are promised")
    raise SystemExit(median(rates) < LEAST)
