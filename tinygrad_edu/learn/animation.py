"""A training to be watched: what the network makes of its inputs after every epoch, as a page.

While `fit` trains, a `Film` asks the model for its answers everywhere, epoch by epoch, and keeps
them in few bytes.  The page shows them under a slider, with the examples on top, the neurons and
the losses beside them, and one step of each epoch; it needs neither matplotlib nor the internet.
"""

import math
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Sequence
from html import escape
from itertools import groupby
from typing import Any

from ..engine.errors import DomainError, GradientError, errstate
from ..engine.number import checked_whole, number, printable, short_repr
from ..engine.slopes import float_of
from ..nn.modules import Module
from ..show.page import Page, page, with_words, words_of
from ..show.plane import COLOURS, LARGEST, check_examples, class_scores, margins, rounded, spaced, widened
from .data import Data
from .examples import accuracy_of, check_form, checked_validation, hits, threshold_of
from .fit import Step, fit
from .gradients import Asked
from .history import History
from .inside import ALONG, Neurons, Walk
from .named import loss_for
from .progress import in_notebook

Ask = Callable[[Sequence[Any]], list[Any]]

FRAMES = 60                     # a page shows at most about so many epochs
MOST_CLASSES = 32               # more would leave less than 8 shades of sureness in a byte
CURVE_POINTS = 81
SHAPES = ("M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z", "M-3.7-3.7h7.4v7.4h-7.4z", "M0-5.2 4.2 0 0 5.2-4.2 0z",
          "M0-5 4.6 3.6h-9.2z", "M0 5 4.6-3.6h-9.2z", "M-1.6-5h3.2v3.4h3.4v3.2h-3.4v3.4h-3.2v-3.4h-3.4v-3.2h3.4z",
          "M0-5.8 1.5-1.9 5.6-1.8 2.4.7 3.5 4.7 0 2.4-3.5 4.7-2.4.7-5.6-1.8-1.5-1.9z",
          "M-4.6-2.4-2.4-4.6 0-2.2 2.4-4.6 4.6-2.4 2.2 0 4.6 2.4 2.4 4.6 0 2.2-2.4 4.6-4.6 2.4-2.2 0z")
SCRIPTS = ("transport.js", "animation.js", "neurons.js", "inside.js", "walk.js", "film.js")
BODY = """<main><h1>{title}</h1><p class="quiet">{model}</p>{bar}<p id="sentence" aria-live="polite"></p>
<div class="panels">
<section id="inside"><h2 id="inside_title">{inside}</h2><div id="network"><canvas id="heat"></canvas></div>
<ul id="signs" class="key"></ul><p id="told" class="quiet"></p></section>
<section><h2 id="what"></h2><div id="picture"><canvas id="answers" width="256" height="256"></canvas></div>
<ul id="key" class="key"></ul></section>
<section id="course"><h2>{losses}</h2><div id="losses"></div>
<table id="numbers"></table><p id="note" class="quiet"></p></section>
<section id="step"><h2 id="step_title"></h2><ol id="stages"></ol></section>
<section id="more"><details id="examples"><summary>{batch}</summary><table id="batch"></table></details>
<details id="all"><summary>{all_weights}</summary><ul id="weights"></ul></details></section>
</div></main>
"""


def animate_training(model: Module, data: Data, *, epochs: int = 20, frames: int = FRAMES, resolution: int = 32,
                     callbacks: Iterable[Callable] = (), progress: bool | None = None, **options: Any) -> "Animation":
    """Train a model as `fit` does, and return a page on which the training can be watched.

    The page shows, under a slider over the epochs: what the model answers, the losses, the neurons of a
    network of layers as small pictures over the inputs with the weights as lines between them, and one
    step of each epoch, forward, loss, backward and update, in the numbers of one weight.

    data         two inputs and classes: the page shows what the model answers everywhere on the plane;
                 or one input and numbers as targets: it shows the curve the model draws
    frames       show at most so many epochs, besides the first and the last: every second, third ...
                 one where there are more
    resolution   points to a side at which the model is asked
    progress     as for `fit`, but in a notebook by default nothing: the page is what you see there
    options      the others of `fit`: loss, optimizer, lr, batch_size, validation, seed ...

    The model is trained afterwards.  Returns a page with the `History` as `.history`: notebooks show it,
    `.save("training.html")` writes it.  A training that explodes is shown as far as it came, and
    its history is `stopped` as "exploded".  Raises ValueError for other data, and what else `fit` raises.

    >>> from tinygrad_edu.learn.data import xor
    >>> from tinygrad_edu.nn.modules import MLP
    >>> shown = animate_training(MLP(2, [4, 2], rng=0), xor(20), epochs=2, resolution=8, progress=False)
    >>> len(shown.history), shown.title
    (2, 'A network learns to tell same from different')
    """
    film = Film(model, data, epochs, frames, resolution, options.get("validation"), options.get("loss"))
    others = [callbacks] if callable(callbacks) else list(callbacks)
    try:
        history = fit(model, data.inputs, data.targets, epochs=epochs, callbacks=[film, *others],
                      progress=False if progress is None and in_notebook() else progress, **options)
    except (DomainError, GradientError) as error:
        history = film.broken_off(error)
    return film.page(history)


class Animation(Page):
    """The page of a training, and its history."""

    def __init__(self, made: Page, history: History):
        super().__init__(made.html, made.title, made.picture, made.height)
        self.history = history


class Film:
    """Records a training as a callback of `fit`, beginning with the model as it is given; `page` shows it.

    seen   rows as they stand in `data` -> rows as the model is given them; by default the same
    """

    def __init__(self, model: Module, data: Data, epochs: int, frames: int = FRAMES, resolution: int = 32,
                 validation: Any = None, loss: Any = None,
                 seen: Callable[[Sequence[Any]], list[Any]] = list):
        self.every = max(1, -(-checked_whole("epochs", epochs, least=0) // checked_whole("frames", frames)))
        asked = Asked(model, min(epochs, frames))
        self.model, self.ask = model, lambda rows: asked(seen(rows))
        check_shape(data)
        self.data, self.loss = data, loss_for(loss, data.targets)
        check_form(model, self.loss, data.inputs[0])
        kind = Plane if data.classes else Curve
        self.scene: Plane | Curve = kind(data, checked_whole("resolution", resolution, least=2), self.loss)
        self.neurons, self.walk = Neurons(model, seen), Walk(model, data.targets, self.loss)
        self.points = self.scene.points(self.neurons.side)
        self.start = self.measured(data.inputs, data.targets)
        held_out = checked_validation(model, validation)
        self.validation_start = self.measured(*held_out) if held_out else []
        self.frames: list[dict[str, Any]] = []
        self.history, self.error = History(), ""
        self.take(0)

    def measured(self, inputs: Sequence[Any], targets: Sequence[Any]) -> list[float | None]:
        """[loss, accuracy] of the model as it is."""
        predictions = self.ask(inputs)
        loss = self.loss(predictions, targets)
        return [getattr(loss, "data", loss), accuracy_of(hits(predictions, targets, self.loss))]

    def broken_off(self, error: Exception) -> History:
        """The history of a training that ended in an error: the page will say which."""
        self.history.stopped, self.error = "exploded", printable(error)
        return self.history

    def __call__(self, history: History, model: Module) -> None:
        self.history = history
        if len(history) % self.every == 0:
            self.take(len(history))

    def take(self, epoch: int) -> None:
        """Keep what the model answers now."""
        with errstate(all="ignore"):
            self.frames.append({"epoch": epoch, **self.scene.frame(self.ask), **self.neurons.frame(self.points)})

    def after_step(self, step: Step) -> None:
        """Keep the first step that is taken from what a frame shows."""
        latest = self.frames[-1]
        if step.epoch == latest["epoch"] and "step" not in latest:
            latest["step"] = self.walk.told(step)

    def page(self, history: History) -> Animation:
        """The page; its last frame is the model as it is, unless an epoch was broken off."""
        if self.frames[-1]["epoch"] < len(history) and history.stopped not in ("interrupted", "exploded"):
            self.take(len(history))
        title = titled(self.data.classes)
        words = words_of("animation")
        about = words.page["about"].format(model=f"{type(self.model).__name__}({self.model.describe()})",
                                           parameters=len(self.model.parameters()), count=len(self.data))
        body = with_words(BODY, words, title=escape(title), model=escape(about))
        shown = {**self.scene.described(), "network": self.neurons.described(self.points),
                 "walk": self.walk.described(self.neurons.parameters), "frames": self.frames, "words": words.script,
                 "shapes": SHAPES, "stopped": history.stopped, "error": self.error, **self.numbers(history)}
        made = page(title, body, SCRIPTS, ["animation.css"], shown, still(title, self.scene, self.frames[-1]), 800)
        return Animation(made, history)

    def numbers(self, history: History) -> dict[str, list[float | None]]:
        """The lists of the history, to six digits, with what was measured before training in front."""
        starts = dict(zip(("loss", "accuracy", "validation_loss", "validation_accuracy"),
                          [*self.start, *(self.validation_start or [None, None])]))
        return {name: [rounded(x) for x in (start, *getattr(history, name))] if start is not None else []
                for name, start in starts.items()}


def titled(classes: Sequence[str]) -> str:
    """What a page is called that shows the learning of these classes, or of numbers where there are none."""
    words = words_of("animation").page
    if not classes:
        return words["titled_curve"]
    if len(classes) == 2 and len("".join(classes)) < 50:
        return words["titled_two"].format(one=printable(classes[0]), other=printable(classes[1]))
    return words["titled_many"].format(count=len(classes))


def check_shape(data: Any) -> None:
    """Refuse what has no picture."""
    check_examples(data)
    shape = len(data.features), min(len(data.classes), 2)
    if shape not in ((2, 2), (1, 0)) or len(data.classes) > MOST_CLASSES:
        counted = f"{len(data.classes)} classes" if data.classes else "numbers as targets"
        raise ValueError(f"a training can be watched for two inputs and 2 to {MOST_CLASSES} classes, or for one input "
                         f"and numbers as targets: these data have {len(data.features)} inputs and {counted}")
    if not data.inputs:
        raise ValueError("there is nothing to learn: the data have no examples")
    for i, row in enumerate(data.inputs):
        if not all(math.isfinite(number(x)) for x in [*row, data.targets[i]]):
            raise ValueError(f"to be drawn the examples must be finite: example {i} is {short_repr(row)}")


# ---- what one frame shows ----------------------------------------------------------------------------------


class Plane:
    """Two inputs and classes: which class wins at each point of a grid, and by what margin.

    A point is one byte, class · levels + level.  The margin m, by which the winner's logit is above the
    next, is kept as m / (m + 4) in `levels` equal steps; an output between 0 and 1 counts eight times.
    """

    def __init__(self, data: Data, resolution: int, loss: Any):
        self.data, self.levels = data, 256 // len(data.classes)
        self.threshold = threshold_of(loss)
        self.across, self.up = (widened(column, 0.1) for column in zip(*data.inputs))
        self.grid, self.resolution = self.points(resolution), resolution

    def points(self, side: int) -> list[list[float]]:
        """So many times so many points, row by row from below."""
        return [[x, y] for y in spaced(*self.up, side) for x in spaced(*self.across, side)]

    def frame(self, ask: Ask) -> dict[str, str]:
        """Base64 of a byte per point, rows from below; and of a bit per example, 1 where the answer is wrong."""
        wrong = [self.winner(output)[0] != target for output, target in zip(ask(self.data.inputs), self.data.targets)]
        cells = bytes(winner * self.levels + min(self.levels - 1, int(margin / (margin + 4) * self.levels))
                      for winner, margin in map(self.winner, ask(self.grid)))
        bits = bytes(sum(bit << j for j, bit in enumerate(wrong[i:i + 8])) for i in range(0, len(wrong), 8))
        return {"cells": b64encode(cells).decode(), "wrong": b64encode(bits).decode()}

    def winner(self, output: Any) -> tuple[int, float]:
        """(class, margin) of an answer."""
        scores = class_scores(output, len(self.data.classes), self.threshold)
        winner = scores.index(max(scores))
        margin = margins(scores)[winner] * (8 if self.threshold else 1)
        return winner, min(max(0.0, margin), LARGEST)       # 0 for nan too

    def described(self) -> dict[str, Any]:
        return {"kind": "classes", "features": [printable(name) for name in self.data.features],
                "classes": [printable(name) for name in self.data.classes],
                "points": [[*map(rounded, row), target] for row, target in zip(self.data.inputs, self.data.targets)],
                "across": self.across, "up": self.up, "resolution": self.resolution, "levels": self.levels}


class Curve:
    """One input and a number: the height of the model's curve at equal distances."""

    def __init__(self, data: Data, resolution: int, loss: Any):
        self.data = data
        self.across = widened([x for [x] in data.inputs], 0.05)
        self.up = widened(data.targets, 0.25)
        self.xs = spaced(*self.across, max(resolution, CURVE_POINTS))

    def points(self, side: int) -> list[list[float]]:
        """Points along the curve: a few for each of the neurons."""
        return [[x] for x in spaced(*self.across, ALONG)]

    def frame(self, ask: Ask) -> dict[str, list]:
        return {"curve": [rounded(single(output), 4) for output in ask([[x] for x in self.xs])]}

    def described(self) -> dict[str, Any]:
        return {"kind": "numbers", "features": [*map(printable, self.data.features), "target"], "classes": (),
                "points": [[rounded(x), rounded(y), 0] for [x], y in zip(self.data.inputs, self.data.targets)],
                "across": self.across, "up": self.up}


def single(output: Any) -> float:
    listed = output if isinstance(output, list) else [output]
    if len(listed) != 1:
        raise ValueError(f"a curve is one number for each input: the model returns {len(listed)}")
    return float_of(listed[0])


# ---- a picture where pages are not let in ------------------------------------------------------------------

WIDE, HIGH = 480, 360


def still(title: str, scene: "Plane | Curve", frame: dict[str, Any]) -> str:
    """One frame as SVG: the examples over the regions of the classes, or over the curve."""
    answered = regions(scene, frame) if isinstance(scene, Plane) else line(scene, frame)
    described = scene.described()
    marks = []
    for x, y, kind in described["points"]:
        across, up = placed(scene, x, y)
        marks.append(f'<path transform="translate({across:.1f} {up:.1f})" d="{SHAPES[kind % 8]}" '
                     f'fill="{COLOURS[kind % 8]}" stroke="#fff" stroke-width=".8"/>')
    caption = escape(words_of("animation").page["caption"].format(title=title, epoch=frame["epoch"]), quote=False)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH + 30}" width="{WIDE}" '
            f'height="{HIGH + 30}"><rect width="100%" height="100%" fill="#fff"/>'
            f'<text x="8" y="20" font-family="sans-serif" font-size="14">{caption}</text>'
            f'<g transform="translate(0 30)">{answered}{"".join(marks)}</g></svg>')


def placed(scene: "Plane | Curve", x: float, y: float) -> tuple[float, float]:
    """Where a point of the plane stands in the picture."""
    (left, right), (low, high) = scene.across, scene.up
    return WIDE * (x - left) / (right - left), HIGH * (high - y) / (high - low)


def regions(scene: Plane, frame: dict[str, Any]) -> str:
    """A rectangle for every run of points of one class."""
    size, cells = scene.resolution, [byte // scene.levels for byte in b64decode(frame["cells"])]
    wide, high, found = WIDE / size, HIGH / size, []
    for row in range(size):
        for winner, run in groupby(range(size), lambda i, row=row: cells[row * size + i]):      # type: ignore[misc]
            columns = list(run)
            found.append(f'<rect x="{columns[0] * wide:.1f}" y="{HIGH - (row + 1) * high:.1f}" '
                         f'width="{len(columns) * wide:.1f}" height="{high:.1f}" fill="{COLOURS[winner % 8]}"/>')
    return f'<g opacity=".25">{"".join(found)}</g>'


def line(scene: Curve, frame: dict[str, Any]) -> str:
    """The curve, as far as it is within the picture."""
    low, high = scene.up
    points = [placed(scene, x, min(max(y, low), high)) for x, y in zip(scene.xs, frame["curve"]) if y is not None]
    spots = " ".join(f"{across:.1f},{up:.1f}" for across, up in points)
    return f'<polyline points="{spots}" fill="none" stroke="{COLOURS[1]}" stroke-width="2.5"/>'
