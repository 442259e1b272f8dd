"""Grade layers written by hand: forward against formulas, backward against the slopes of the student's own forward.

A layer runs in a process of its own, which computes what it is asked and knows no right answer.  Layouts, names and
conventions in use are accepted and said; `layer_kinds.py` has the formulas, `homework_child.py` what runs there.
"""

import random
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from ..faults.models import MODELS
from .grade import Report
from .homework import Asking, Question, Verdict, encoded, graded, planned
from .layer_kinds import PAIR_SHAPES, SIZES, Array, Arrays, kind_of

__all__ = ["grade_layer"]

RATE = 0.25                                     # the learning rate of layers that step by themselves
H = 2.0 ** -9                                   # of central differences
TOLERANCE = 1e-6                                # of gradients, against the largest of them
ARGUMENTS = {"x": r"x|inputs?|inp|data|pred(iction)?s?|y_?(hat|pred)|logits|out(put)?s?",
             "labels": r"y|y_?true|labels?|targets?|t"}


def grade_layer(file: str | Path, *, cls: str | None = None, adapter: str | Path | None = None, tier: str = "core",
                only: Iterable[str] = (), seed: str = "", reveal: str = "none", limits: Any = None,
                within: Path | None = None) -> Report:
    """Judge the layers in a file or notebook: classes with forward and backward, or pairs of such functions.

    cls       the name of one; by itself, all there are
    adapter   "make=Dense(3, 2)", or a file with `def make()`, where nobody can know how it is made

    The rest is as in `grade`.
    """
    return graded("layer", questions, file, cls, adapter, tier, only, seed, reveal, limits, within)


def questions(asking: Asking, seed: str) -> Iterator[Question]:
    """All questions to one layer; where it cannot be called at all, only the first."""
    layer = Layer(asking, seed)
    parts = layer.wrong_parts() if layer.kind.name == "network" else ()
    yield Question("forward", "core", f"output of a {layer.kind.name}", layer.forward,
                   "what does it give for one row of 1s?", parts)
    if not layer.tried and not parts:           # it was not asked for
        with suppress(Verdict):
            layer.forward()
    if layer.usable:
        core = list(gradient_questions(layer))
        yield from core
        after = tuple(question.id for question in core)
        yield from (replace(question, after=after) for question in robust_questions(layer))
        yield Question("convention", "told", "conventions", lambda: "; ".join(dict.fromkeys(layer.notes)) or None)


def gradient_questions(layer: "Layer") -> Iterator[Question]:
    """The gradients of one example, of several, and where a number counts twice."""
    usual = layer.apart if layer.kind.apart or layer.kind.again else layer.usual
    if layer.layout.startswith(("rows", "columns")):
        yield Question("one", "core", "gradients of one example", lambda: layer.all_right(layer.one),
                       "move one number a little: which outputs move, and by how much?")
    for name in usual.targets:
        of = "the input" if name == "x" else name
        yield Question(f"gradient-{name}", "core", f"gradient of {of}", partial(usual.compare, name),
                       f"move one number of {of} a little: which outputs move, and by how much?")
    if layer.kind.again:
        alone = tuple(f"gradient-{name}" for name in usual.targets)
        yield Question("again", "core", layer.kind.again, lambda: layer.all_right(layer.usual),
                       "a number that counts twice: how often does it receive a gradient?", alone)


def robust_questions(layer: "Layer") -> Iterator[Question]:
    """What a training needs besides."""
    if layer.start and not layer.described["pair"]:         # a pair of functions keeps nothing
        yield Question("twice", "robust", "two passes, and gradients cleared", layer.twice,
                       "does a second backward add to the gradients, or replace them? Either, but for all of them.")
    yield Question("latest", "robust", "backward belongs to the latest forward", lambda: layer.all_right(layer.later),
                   "what does the layer keep of forward, and when is it replaced?")
    yield Question("inputs", "robust", "what is handed over stays as it is", layer.inputs_kept,
                   "who else may be looking at the array that is changed in place?")
    if layer.kind.extreme:
        yield Question("extremes", "robust", "inputs of a thousand", layer.finite, MODELS["softmax-unstable"].hint)
    if layer.has("step"):
        yield Question("step", "robust", "a step downhill", layer.step, MODELS["plus-lr"].hint)


class Layer:
    """One layer while it is judged: how it is called, and what came."""

    def __init__(self, asking: Asking, seed: str):
        self.asking, self.described = asking, asking.described
        self.kind = kind_of(asking.part)
        self.random = random.Random(f"layer {asking.part} {seed}")
        self.tried, self.usable, self.layout = False, False, ""
        self.notes: list[str] = []

    # ---- how it is made

    def made(self, sizes: dict[str, int]) -> dict[str, Any]:
        """The arguments that make it; for a pair of functions, what they are handed in one such as `pool_param`."""
        if not self.described["pair"]:
            values = {**sizes, "rate": RATE, "sizes": [3, 4, 2]}
            return {name: value for name, _, value in planned(self.described["make"], SIZES, values)}
        window, stride = sizes.get("window", 0), sizes.get("stride", 1)
        content = {"stride": stride, "pad": 0, "pool_height": window, "pool_width": window, "mode": "train", "p": 0.5}
        return {name: content for name, _ in self.described["forward"] if name.endswith(("_param", "_params"))}

    @cached_property
    def start(self) -> Arrays:
        """The parameters, with numbers in place of what they start with."""
        if self.described["pair"]:
            shapes = PAIR_SHAPES.get(self.kind.name, {})
            names = [name for name, _ in self.described["forward"][1:] if name[0].lower() in shapes]
            return {name: self.numbers(shapes[name[0].lower()]) for name in names if "param" not in name}
        make = self.made(self.kind.sizes)
        [names] = self.asking.results(1, make=make, calls=[])
        calls = [["parameter", name] for name in names]
        arrays = self.asking.results(1 + len(calls), make=make, calls=calls)[1:]
        return {name: self.numbers(array.shape) for name, array in zip(names, arrays)}

    @property
    def roles(self) -> Arrays:
        """The parameters by the letters that stand for them in the formulas."""
        return {role_of(name): array for name, array in self.start.items()}

    def numbers(self, shape: tuple[int, ...]) -> Array:
        """Different numbers in a random order, none near another one or 0, exact in floats."""
        count = int(np.prod(shape))
        spacing = 2.0 ** -max(3, (count // 8).bit_length())
        grid = [(i - count // 2 + 0.5) * spacing for i in range(count)]
        self.random.shuffle(grid)
        return np.array(grid).reshape(shape)

    def inputs(self, shape: tuple[int, ...], layout: str, twice: bool = True) -> tuple[Array, ...]:
        """x, and labels for a loss; `twice` says whether an index comes twice."""
        if self.kind.whole:
            indices = self.random.sample(range(5), *shape)
            return (np.array([*indices[:-1], indices[0]] if twice else indices),)
        x = self.numbers(shape)
        if self.kind.labels != "one-hot":
            return (x, self.numbers(shape)) if self.kind.labels else (x,)
        classes = np.array([self.random.randrange(3) for _ in range(x.size // 3)])
        hot = np.eye(3)[classes]
        labels = {"columns": hot.T, "vector": hot[0], "rows, with the numbers of classes": classes}.get(layout, hot)
        return np.abs(x) / 2 + (x < 0) * 2.0 ** -6, labels          # x may be taken for probabilities, too

    def wrong_parts(self) -> tuple[str, ...]:
        """The failed checks of layers inside this one."""
        with suppress(Verdict):
            inside = self.asking.results(2, make=self.made(self.kind.sizes), calls=[["inside"]])[1]
            return tuple(checked.id for checked in self.asking.report.checks
                         if checked.status == "failed" and checked.id.split("-")[1:2][0] in inside)
        return ()

    # ---- what it gives

    def forward(self) -> str | None:
        """Find out how examples lie, and judge the output."""
        self.tried = True
        runs = self.runs()
        self.layout = next((layout for layout in runs if runs[layout] is not None), next(iter(runs)))
        self.usable, words = True, runs[self.layout]
        if self.layout == "columns":
            self.notes.append("one example per column")
        if self.alone:
            self.notes.append("one example at a time")
        if self.kind.labels and self.layout.startswith("rows,"):
            self.notes.append("labels are the numbers of classes")
        if self.kind.outputs is None:
            return f"nobody judges what {self.asking.part} computes; its gradients must be those of its own forward"
        if words is None:
            raise Verdict(f"the output for x of shape {self.kind.shapes[self.layout]} is wrong")
        self.notes += [words] if words else []
        return words

    def runs(self) -> dict[str, str | None]:
        """{layout: the convention of the output}, up to the first that is right.  Raises a Verdict where none runs."""
        found: dict[str, str | None] = {}
        first = None
        for layout, shape in self.kind.shapes.items():
            inputs = self.inputs(shape, layout)
            try:
                output = self.asking.results(2, make=self.made(self.kind.sizes), set=sent(self.start),
                                             calls=[["forward", *map(encoded, inputs)]])[1]
                found[layout] = self.convention(inputs, output, layout)
            except Verdict as verdict:
                first = first or verdict
            if found.get(layout) is not None or (found and not self.kind.outputs):
                break
        if first and not found and first.status == "failed" and not self.kind.outputs:
            raise Verdict(f"nobody knows how to call it: {first.message}", status="skipped")
        if first and not found:
            raise first
        return found

    def convention(self, inputs: tuple[Array, ...], output: Array, layout: str) -> str | None:
        """The convention by which an output is right, "" where there is only one; None where it is wrong."""
        for answer in self.kind.outputs(*inputs, self.roles, layout) if self.kind.outputs else ():
            if answer.output.shape == output.shape and np.allclose(answer.output, output, rtol=1e-9, atol=1e-12):
                return answer.convention
        return None

    def setting(self, sizes: dict[str, int] | None = None, one: bool = False, twice: bool = True, before: bool = False
                ) -> "Setting":
        """An input to differentiate at: of one example, after another forward, or with no number that counts twice."""
        shape = self.kind.shapes[self.layout]
        if one:
            shape = (*shape[:-1], 1) if self.layout == "columns" else (1, *shape[1:])
        first = self.inputs(shape, self.layout, twice)
        return Setting(self, self.made(sizes or self.kind.sizes), self.inputs(shape, self.layout, twice),
                       [["forward", *map(encoded, first)]] if before else [])

    @cached_property
    def alone(self) -> bool:
        """Whether it takes one example at a time: backward ends in an error with several, and does not with one."""
        return self.layout.startswith(("rows", "columns")) and self.setting().refused and not self.one.refused

    usual = cached_property(lambda self: self.setting(one=self.alone))
    one = cached_property(lambda self: self.setting(one=True))
    apart = cached_property(lambda self: self.setting(self.kind.apart or None, twice=False))
    later = cached_property(lambda self: self.setting(one=self.alone, before=True))

    # ---- what is asked

    def all_right(self, setting: "Setting") -> None:
        """Whether all gradients are."""
        for name in setting.targets:
            setting.compare(name)

    def twice(self) -> None:
        """Whether a second pass adds to all gradients or replaces all of them, and clearing clears."""
        names, setting = [name for name in self.usual.targets if name != "x"], self.usual
        passes = [*setting.calls, *[["gradient", name] for name in names]]
        cleared = [["zero"], *passes] if self.has("zero") else []
        results = setting.ask([*passes, *passes, *cleared])
        rounds = [results[i + len(setting.calls):i + len(passes)] for i in range(0, len(results), len(passes))]
        once, again = (as_one(found) for found in rounds[:2])
        if same(again, 2 * once) and not same(again, once):
            self.notes.append("backward adds to the gradients")
        elif same(again, once):
            self.notes.append("backward replaces the gradients")
        else:
            raise Verdict("after a second pass some gradients are neither the same nor twice as large")
        if cleared and not same(as_one(results[-len(names):]), once):
            raise Verdict("gradients that were cleared are still there in the next pass")

    def inputs_kept(self) -> None:
        """Whether x, and what arrives from above, are left alone."""
        handed = [*self.usual.inputs, *([] if self.kind.labels else [self.usual.upstream])]
        kept = self.usual.ask([*self.usual.calls, *[["inputs", i] for i in range(len(handed))]])[-len(handed):]
        for words, before, after in zip(("x", "what comes with it"), handed, kept):
            if not np.array_equal(before, after):
                raise Verdict(f"{words} is another one after forward and backward: it was changed in place")

    def finite(self) -> None:
        """Whether large inputs give finite outputs and gradients."""
        x, *labels = self.usual.inputs
        x = np.where(x == x.max(), 1000.0, np.where(x == x.min(), 900.0 if self.kind.labels else -1000.0, 0.0))
        results = self.usual.ask([["forward", *map(encoded, (x, *labels))], *self.usual.calls[-1:]])
        if not all(np.isfinite(result).all() for result in results if result is not None):
            raise Verdict("the output or the gradient is inf or nan")

    def has(self, method: str) -> bool:
        """Whether the layer has a method to be called without arguments."""
        with suppress(Verdict):                 # one that never ends is not asked further
            return bool(self.usual.ask([["has", method]])[0])
        return False

    def step(self) -> None:
        """Whether the parameters move against their gradients, by the learning rate."""
        names = [name for name in self.usual.targets if name != "x"]
        asked = [*[["gradient", name] for name in names], ["step"], *[["parameter", name] for name in names]]
        results = self.usual.ask([*self.usual.calls, *asked])
        gradients, after = results[len(self.usual.calls):-len(names) - 1], results[-len(names):]
        for name, gradient, now in zip(names, gradients, after):
            moved, right = now - self.start[name], -RATE * np.reshape(gradient, now.shape)
            if not same(moved, right):
                raise Verdict(f"{name} moves with its gradient" if same(moved, -right) else
                              f"{name} does not move by -lr · gradient, with lr = {RATE}")


class Setting:
    """A layer at an input: what its backward gives there, and what it should give."""

    def __init__(self, layer: Layer, make: dict[str, Any], inputs: tuple[Array, ...], before: list[Any]):
        self.layer, self.make, self.inputs, self.before = layer, make, inputs, before
        self.broken = False

    def ask(self, calls: list[Any]) -> list[Any]:
        """The results of calls on a new layer."""
        return self.layer.asking.results(1 + len(calls), make=self.make, set=sent(self.layer.start), calls=calls)[1:]

    @property
    def targets(self) -> list[str]:
        """What there is a gradient of."""
        return ["x"] * (not self.layer.kind.whole) + list(self.layer.start)

    @cached_property
    def output(self) -> Array:
        """What forward gives."""
        return self.ask([["forward", *map(encoded, self.inputs)]])[0]

    @cached_property
    def upstream(self) -> Array:
        """What arrives from above: the gradient of L = Σ upstream · output; a loss is its own L."""
        return np.ones(self.output.shape) if self.layer.kind.labels else self.layer.numbers(self.output.shape)

    @cached_property
    def calls(self) -> list[Any]:
        """One pass forward and backward."""
        given = dict(zip(("x", "labels"), self.inputs)) if self.layer.kind.labels else {"x": self.inputs[0]}
        names = [name.lower() for name, needed in self.layer.described["backward"] if needed]
        names = [name for name in names if not re.fullmatch(SIZES["rate"], name)]
        if self.layer.described["pair"] or (len(names) == 1 and not self.layer.kind.labels):
            names = ["upstream"]
        meant = [next((what for what in given if re.fullmatch(ARGUMENTS[what], name)), "") for name in names]
        handed = [given.get(what, self.upstream) for what in meant]
        return [*self.before, ["forward", *map(encoded, self.inputs)], ["backward", *map(encoded, handed)]]

    @cached_property
    def got(self) -> dict[str, Array | None]:
        """The gradients by backward."""
        names = [name for name in self.targets if name != "x"]
        results = self.ask([*self.calls, *[["gradient", name] for name in names]])
        after = results[len(self.calls):]
        return {"x": results[len(self.calls) - 1], **dict(zip(names, after))}

    @property
    def refused(self) -> bool:
        """Whether a pass forward and backward ends in an error of its shapes."""
        try:
            return not self.ask(self.calls)
        except Verdict as verdict:
            return verdict.message.startswith("ValueError")

    @cached_property
    def true(self) -> Arrays:
        """The gradients by moving each number of the student's own forward; nan next to a kink."""
        return {name: self.slopes(name) for name in self.targets}

    def slopes(self, name: str) -> Array:
        """Central differences at two widths, which tell what is left over."""
        array = self.inputs[0] if name == "x" else self.layer.start[name]
        flat = array.ravel()
        moves = [[i, x + width] for i, x in enumerate(flat) for width in (H, -H, H / 2, -H / 2)]
        vary = ["vary", name, encoded(self.upstream), encoded(moves), *map(encoded, self.inputs)]
        totals = self.ask([*self.before, vary])[-1]
        wide, narrow = ((totals[k::4] - totals[k + 1::4]) / (2 * width) for k, width in ((0, H), (2, H / 2)))
        kink = np.abs(wide - narrow) > 1e-3 * np.maximum(1, np.abs(narrow))
        return np.where(kink, np.nan, (4 * narrow - wide) / 3).reshape(array.shape)

    def compare(self, name: str) -> None:
        """Judge one gradient.  Raises a Verdict where it is not right."""
        if self.broken:
            raise Verdict("skipped because backward ends in an error", status="skipped")
        self.broken = True
        got, true = self.got[name], self.true[name]
        self.broken = False
        if np.isnan(true).all():
            raise Verdict(f"nobody can tell the gradient of {name}: forward jumps wherever one looks", status="skipped")
        if got is None and all(x is None for x in self.got.values()):
            raise Verdict("backward returns nothing and leaves no gradient", status="not finished")
        if got is None:
            raise Verdict("backward returns nothing" if name == "x" else f"there is no gradient of {name}: no d{name}")
        if got.size == true.size and got.ndim != true.ndim:
            self.layer.notes.append(f"the gradient of {name} has shape {got.shape}, {name} has {true.shape}")
            got = self.got[name] = got.reshape(true.shape)
        if got.shape != true.shape:
            raise Verdict(f"the gradient of {name} has shape {got.shape}, but {name} has {true.shape}")
        if same(got, true) or self.divided(name):
            return
        raise Verdict(f"the gradient of {name} is wrong {self.where(got, true)}", self.likeness(got, true),
                      expected=numbered(name, true), got=numbered(name, got))

    def divided(self, name: str) -> bool:
        """Whether the gradients of all parameters are means over the examples, and that of x is a sum."""
        if self.layer.layout not in ("rows", "columns") or name == "x":
            return False
        n = self.inputs[0].shape[0 if self.layer.layout == "rows" else -1]
        means = {each: self.true[each] / (1 if each == "x" else n) for each in self.targets}
        if not all(same(self.got[each], mean) for each, mean in means.items()):
            return False
        self.layer.notes.append("gradients of parameters are means over the examples: then the loss is to be a sum")
        return True

    def where(self, got: Array, true: Array) -> str:
        """At how many places."""
        count = int((np.abs(got - true) > TOLERANCE * max(1e-9, np.nanmax(np.abs(true)))).sum() + np.isnan(got).sum())
        return f"at {count} of {got.size} places" if count < got.size else "everywhere"

    def likeness(self, got: Array, true: Array) -> str:
        """A question, if the numbers are those of a well-known mistake."""
        likely = [question for question, wrong in MISTAKES if same(got, wrong(true))]
        for name, gradient in self.layer.kind.mistakes.items():
            if same(got, gradient(self.inputs[0], self.upstream, self.layer.roles, self.layer.layout)):
                likely.append(f"{MODELS[name].hint} It looks like: {MODELS[name].title}.")
        return next(iter(likely), "")


MISTAKES = (
    ("does it point uphill or downhill? It looks like: the sign is turned.", lambda true: -true),
    ("which index belongs to which number? It looks like: a matrix that is to be transposed.", lambda true: true.T),
    ("what does backward do with what arrives? It looks like: nothing is passed on.", lambda true: 0 * true),
    ("is something counted twice? It looks like: twice the gradient.", lambda true: 2 * true),
    ("what is the derivative of a square? It looks like: half the gradient.", lambda true: true / 2),
    ("what is it divided by? It looks like: the mean for the sum.", lambda true: true / len(true)),
    ("what is the loss divided by? It looks like: the sum for the mean.", lambda true: true * len(true)),
)


def sent(arrays: Arrays) -> dict[str, Any]:
    """Arrays as they are sent."""
    return {name: encoded(array) for name, array in arrays.items()}


def role_of(name: str) -> str:
    """The letter that stands for a parameter in the formulas: w, b, gamma, beta."""
    first = name.lower().strip("_")
    return next((role for role, pattern in ROLES.items() if re.fullmatch(pattern, first)), "")


ROLES = {"gamma": r"gamma|scale", "beta": r"beta|shift", "b": r"(.*\[1\])|b(ias(es)?)?\d*",
         "w": r".*\[0\]|w|weights?|kernels?|filters?|theta|table|embeddings?"}


def same(got: Array | None, true: Array) -> bool:
    """Whether two gradients agree; next to a kink all do."""
    if got is None or got.shape != true.shape:
        return False
    largest = float(np.nanmax(np.abs(true), initial=0.0))
    return bool((np.isnan(true) | (np.abs(got - true) <= TOLERANCE * largest + 1e-9)).all())


def as_one(arrays: list[Array]) -> Array:
    """All numbers of some arrays in a row; nan where there is none."""
    return np.concatenate([np.full(1, np.nan) if array is None else np.ravel(array) for array in arrays])


def numbered(name: str, array: Array) -> dict[str, float]:
    """{"W[0, 1]": number} of an array."""
    return {f"{name}{list(index)}": float(array[index]) for index in np.ndindex(array.shape)}
