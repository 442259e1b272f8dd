"""The network tab alone in a page, with the least of a shell around it: what its tests drive."""

import json
import sys
from pathlib import Path

from tinygrad_edu.show.page import asset

PLAYGROUND = Path(__file__).parent.parent / "docs" / "playground"
sys.path[:0] = [str(PLAYGROUND), str(PLAYGROUND / "python")]

SHELL = """
const say = (key, holes) => {
  if (!(key in words)) throw new Error("no words for " + key);
  return words[key].replace(/\\{(\\w+)\\}/g, (_, hole) => holes[hole]);
};
const engine = {ask: async (kind, request) => {
  const found = JSON.parse(await answer(kind, JSON.stringify(request)));
  if (found.error) throw new Error(found.error);
  return found;
}};
const link = {changed() { this.times = (this.times ?? 0) + 1; }};
const tabs = {add(tab) { this.tab = tab; }};
"""
AT_THE_END = "tabs.tab.make(document.querySelector('main'));"


def words():
    """{key: sentence} of the tab, of the page of a training, and of what all tabs share."""
    table = json.loads(asset("words/en.json"))
    of_scene = {f"animation.{key}": text for key, text in table["animation"]["script"].items()}
    own = {f"network.{key}": text for key, text in table["playground_network"]["script"].items()}
    shared = {key: table["playground"]["script"][key] for key in ("copy", "text_copied", "copy_by_hand")}
    return of_scene | own | shared


def scripts():
    """The tab's scripts in the order of the page."""
    import network_parts
    own = [(PLAYGROUND / "app" / f"{name}.js").read_text(encoding="utf-8")
           for name in ("element", "handing", "frames", "random", "train", "network_choices", "network_view", "network_paint",
                        "network_tab")]
    return "\n".join([network_parts.script(), *own])


def html():
    """The page."""
    import network_parts
    style = "\n".join([(PLAYGROUND / "app" / "app.css").read_text(encoding="utf-8"), network_parts.style(),
                       (PLAYGROUND / "app" / "network.css").read_text(encoding="utf-8")])
    script = f"'use strict';\nconst words = {json.dumps(words())};\n{SHELL}\n{scripts()}\n{AT_THE_END}"
    script = script.replace("</", "<\\/")
    return (f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Network</title><meta name="viewport" '
            f'content="width=device-width, initial-scale=1"><style>{style}</style></head><body><main></main>'
            f"<script>{script}</script></body></html>")


def answered(kind, request):
    """What the worker would answer, as JSON."""
    import answers
    return json.dumps(answers.answer(kind, json.loads(request)))
