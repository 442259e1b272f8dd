"""Grade optimizers written by hand: their steps against those of `nn/optim.py`, whatever convention they follow.

An optimizer runs in a process of its own and is sent parameters and gradients alone.  Every convention in use is
accepted and said by its name; where none fits, the steps are compared with those of well-known mistakes.
"""

import random
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from math import sqrt
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from ...engine.value import Value
from ...nn import optim
from ..faults.models import MODELS
from .grade import Report
from .homework import Asking, Plan, Question, Verdict, encoded, graded, planned

__all__ = ["grade_optimizer"]

Path3 = np.ndarray                                  # of (steps, parameters): where the parameters are after each step
GIVEN = {"lr": 0.125, "momentum": 0.75, "alpha": 0.875, "rho": 0.875, "eps": 2.0 ** -6, "beta1": 0.75, "beta2": 0.875}
CONFIG = {"learning_rate": GIVEN["lr"], "momentum": GIVEN["momentum"], "beta1": GIVEN["beta1"], "beta2": GIVEN["beta2"],
          "epsilon": GIVEN["eps"], "decay_rate": GIVEN["alpha"]}
HIDDEN = {"lr": (0.01, 0.001, 0.1, 1.0), "momentum": (0.9,), "alpha": (0.99, 0.9), "rho": (0.9, 0.95),
          "eps": (1e-8, 1e-7, 1e-10, 1e-6, 0.0), "beta1": (0.9,), "beta2": (0.999,)}
"""What a setting is that cannot be given."""
NAMES = {
    "parameters": r"params?|parameters|weights?|w|x|theta|p|variables|model_params",
    "gradients": r"grads?|gradients?|d_?(w|x|theta|params?)|dp|g|.*_grads?",
    "config": r"config",
    "lr": r"lr|learning_?rate|eta|step_?size|rate",
    "betas": r"betas",
    "beta1": r"beta_?1|b1|rho_?1|decay_?1",
    "beta2": r"beta_?2|b2|rho_?2|decay_?2",
    "eps": r"eps(ilon)?|e",
    "momentum": r"momentum|mom|mu|gamma|beta|b|alpha|rho",
    "alpha": r"alpha|decay(_?rate)?|rho|beta|gamma",
    "rho": r"rho|decay(_?rate)?|alpha|beta|gamma",
    "time": r"t|time|step|iteration|iter|i|epoch",
}
"""What an argument is, by its name; of two meanings the first counts that the optimizer has."""


def grade_optimizer(file: str | Path, *, cls: str | None = None, adapter: str | Path | None = None, tier: str = "core",
                    only: Iterable[str] = (), seed: str = "", reveal: str = "none", limits: Any = None,
                    within: Path | None = None) -> Report:
    """Judge the optimizers in a file or notebook: classes with `step` or `update`, or functions such as sgd(w, dw).

    cls       the name of one; by itself, all there are
    adapter   "make=Adam(0.1)", or a file with `def make()`, where nobody can know how it is made

    The rest is as in `grade`.
    """
    return graded("optimizer", questions, file, cls, adapter, tier, only, seed, reveal, limits, within)


def questions(asking: Asking, seed: str) -> Iterator[Question]:
    """All questions to one optimizer."""
    judge = Judge(asking, seed)
    name = judge.family.name
    yield Question("first", "core", f"the first step of {name}", lambda: judge.right(1, 1),
                   "w, lr and g by hand: where does it go?")
    yield Question("later", "core", f"five steps of {name}", lambda: judge.right(1, 5),
                   MODELS["momentum-not-kept"].hint, ("first",))
    yield Question("several", "core", "several parameters", lambda: judge.right(3, 5), MODELS["adam-shared"].hint,
                   ("first", "later"))
    yield Question("gradients", "robust", "gradients stay as they are", judge.gradients_kept,
                   "who else may be looking at the array that is changed in place?", ("first",))
    yield Question("standing", "robust", "gradients of 0 at the start", judge.at_rest, "what is 0 / 0?", ("first",))
    yield Question("convention", "told", "conventions", judge.convention)


# ---- the rules, by their conventions -----------------------------------------------------------------------


def ending(base: type[optim.Optimizer], line: Callable[[float, Any, Any], float]) -> type[optim.Optimizer]:
    """An optimizer that remembers what `base` does, and steps by lr times another line: of g, memory and settings."""
    class Other(base):                                                                  # type: ignore[valid-type,misc]
        def step_for(self, g: float, memory: dict[str, float], at: Any) -> float:
            super().step_for(g, memory, at)
            return at.lr * line(g, SimpleNamespace(**memory), at)
    return Other


def adam(line: Callable[[float, float, float, float, float], float], standing: bool = False) -> type[optim.Optimizer]:
    """Adam with another last line: of m, v, what they are divided by, and ε; `standing`: every step is the first."""
    def of_memory(g: float, memory: Any, at: Any) -> float:
        t = 1 if standing else memory.t
        return line(memory.m, memory.v, 1 - at.betas[0] ** t, 1 - at.betas[1] ** t, at.eps)
    return ending(optim.Adam, of_memory)


@dataclass(frozen=True)
class Family:
    """One kind of optimizer: what its names are, its settings, the conventions in use, and mistakes of its own."""

    name: str
    pattern: str
    settings: tuple[str, ...]
    conventions: dict[str, type[optim.Optimizer]]
    mistakes: dict[str, type[optim.Optimizer]] = field(default_factory=dict)


OUTSIDE, INSIDE = "ε outside of the root", "ε inside of the root"
AHEAD = "the gradient that it is given is to be that of the point ahead, w + βv"
FAMILIES = (
    Family("AdamW", r"adamw", ("lr", "betas", "eps"), {OUTSIDE: optim.AdamW}),
    Family("Adam", r"(?<![nr])adam(?!ax)", ("lr", "betas", "eps"), {
        OUTSIDE: optim.Adam,
        INSIDE: adam(lambda m, v, by_m, by_v, eps: m / by_m / sqrt(v / by_v + eps)),
        "ε before the correction": adam(lambda m, v, by_m, by_v, eps: m / by_m * sqrt(by_v) / (sqrt(v) + eps)),
    }, {
        "no mean is corrected.": adam(lambda m, v, by_m, by_v, eps: m / (sqrt(v) + eps)),
        "m alone is corrected.": adam(lambda m, v, by_m, by_v, eps: m / by_m / (sqrt(v) + eps)),
        "v alone is corrected.": adam(lambda m, v, by_m, by_v, eps: m / (sqrt(v / by_v) + eps)),
        "t stands still.": adam(lambda m, v, by_m, by_v, eps: m / by_m / (sqrt(v / by_v) + eps), standing=True),
        "the root of v is forgotten.": adam(lambda m, v, by_m, by_v, eps: m / by_m / (v / by_v + eps)),
    }),
    Family("RMSprop", r"rmsprop", ("lr", "alpha", "eps"), {
        OUTSIDE: optim.RMSprop, INSIDE: ending(optim.RMSprop, lambda g, memory, at: g / sqrt(memory.v + at.eps)),
    }, {"the root of v is forgotten.": ending(optim.RMSprop, lambda g, memory, at: g / (memory.v + at.eps))}),
    Family("Adagrad", r"adagrad", ("lr", "eps"), {
        OUTSIDE: optim.Adagrad, INSIDE: ending(optim.Adagrad, lambda g, memory, at: g / sqrt(memory.v + at.eps)),
    }, {"the root of v is forgotten.": ending(optim.Adagrad, lambda g, memory, at: g / (memory.v + at.eps))}),
    Family("Adadelta", r"adadelta", ("lr", "rho", "eps"), {"as in the paper": optim.Adadelta}),
    Family("Lion", r"lion", ("lr", "betas"), {"as in the paper": optim.Lion}),
    Family("Nesterov", r"nesterov|nag", ("lr", "momentum"),
           {"w ← w - lr·(g + βv), v ← βv + g": optim.Nesterov, AHEAD: optim.Momentum}),
    Family("momentum", r"momentum|velocity|inertia", ("lr", "momentum"), {
        "v ← βv + g, w ← w - lr·v (while lr stays, the same as v ← βv - lr·g, w ← w + v)": optim.Momentum,
        "v ← βv + (1 - β)g, w ← w - lr·v": ending(optim.Momentum, lambda g, memory, at: (1 - at.momentum) * memory.G)}),
    Family("gradient descent", r"sgd|descent|^gd|gd$|^(step|update|optimi|apply|train|vanilla)", ("lr",),
           {"w ← w - lr·g": optim.SGD}),
    Family("a kind that nobody knows", r"", (), {}),
)
"""The families; the first whose pattern is found in a name is the one."""


# ---- judging -----------------------------------------------------------------------------------------------


class Judge:
    """One optimizer while it is judged."""

    def __init__(self, asking: Asking, seed: str):
        self.asking, self.described = asking, asking.described
        source = random.Random(f"optimizer {asking.part} {seed}")
        self.start = np.array([source.choice([-1, 1]) * source.randrange(5, 12) / 8 for _ in range(3)])
        pulls = [source.choice([-1, 1]) * source.randrange(2, 24) / 16 for _ in range(15)]
        self.pulls = np.array(pulls).reshape(5, 3)
        self.paths: dict[tuple[int, int], Path3] = {}
        self.names = [name.lower() for name, _ in [*self.described["make"], *self.described["step"]]]

    def named(self, pattern: str) -> bool:
        """Whether something of this name can be given."""
        return any(re.fullmatch(pattern, name) for name in self.names)

    @cached_property
    def family(self) -> Family:
        """By the name, and by the settings: an SGD that takes a momentum is one with momentum."""
        plain = self.asking.part.lower().replace("_", "")
        found = next(family for family in FAMILIES if re.search(family.pattern, plain))
        if found.name == "gradient descent" and self.named(r"momentum|mom|mu|velocit(y|ies)"):
            return next(family for family in FAMILIES if family.name == "momentum")
        return found

    @cached_property
    def plans(self) -> tuple[Plan, Plan]:
        """The arguments that it is made with, and those of a step; what a function is given besides is its memory."""
        meanings = NAMES if self.named(NAMES["lr"]) else {**NAMES, "lr": NAMES["lr"] + "|alpha"}
        settings: dict[str, Any] = {name: GIVEN[name] for name in self.family.settings if name in GIVEN}
        if "betas" in self.family.settings:
            settings |= {"betas": (GIVEN["beta1"], GIVEN["beta2"]), "beta1": GIVEN["beta1"], "beta2": GIVEN["beta2"]}
        values = {"parameters": None, "gradients": None, "time": None, "config": CONFIG, **settings}
        asked = self.described["step"]
        memory = [name for name, needed in asked if needed and not self.described["class"]
                  and not any(re.fullmatch(pattern, name.lower()) for pattern in meanings.values())]
        step = planned([each for each in asked if each[0] not in memory], meanings, values)
        return planned(self.described["make"], meanings, values), step + [(name, "memory", None) for name in memory]

    # ---- what it does

    def run(self, form: str, shape: tuple[int, ...], count: int, steps: int, pulls: Path3) -> tuple[Path3, Path3]:
        """The parameters after each step, and the gradients of the last step afterwards."""
        spread = np.ones(shape)
        make, step = self.plans
        results = self.asking.results(
            steps + 1, form=form, make=make, step=step, start=[encoded(x * spread) for x in self.start[:count]],
            gradients=[[encoded(g * spread) for g in row[:count]] for row in pulls[:steps]])
        rows = [[np.ravel(x) for x in row] for row in results]
        alike = [x.size == spread.size and np.array_equal(x, np.full(x.shape, x[0]), equal_nan=True)
                 for row in rows for x in row]
        if len(alike) != count * len(rows) or not all(alike):
            raise Verdict("it gives something else than parameters of the same shape")
        numbers = np.array([[x[0] for x in row] for row in rows])
        return numbers[:-1], numbers[-1]

    @cached_property
    def way(self) -> tuple[str, tuple[int, ...]]:
        """How it is called: the first way in which the parameters move.  Raises a Verdict where there is none."""
        in_objects = any(kind == "parameters" for _, kind, _ in self.plans[0])
        first: Verdict | None = None
        ways = product(("objects",), ((), (2,))) if in_objects else product(("named", "together", "each"), ((2,), ()))
        for form, shape in ways:
            try:
                path, _ = self.run(form, shape, 2, 1, self.pulls)
            except Verdict as verdict:
                first = first if first and verdict.status != "not finished" else verdict
                continue
            if (path[0] != self.start[:2]).any():
                return form, shape
        status = "failed" if self.described["written"] else "not finished"
        raise first or Verdict("no parameter moves", MODELS["stale-parameters"].hint, status)

    def path(self, count: int, steps: int) -> Path3:
        """Where so many parameters go in so many steps."""
        if (count, steps) not in self.paths:
            self.paths[count, steps] = self.run(*self.way, count, steps, self.pulls)[0]
        return self.paths[count, steps]

    # ---- what it should do

    def settings(self) -> Iterator[dict[str, Any]]:
        """The settings that it was given, with every usual value of those that could not be."""
        make, step = self.plans
        given = {kind for _, kind, _ in make + step}
        names = [name for name in self.family.settings if name != "betas"]
        names += ["beta1", "beta2"] if "betas" in self.family.settings else []
        known = [(GIVEN[name],) if given & {name, "config"} or ("betas" in given and "beta" in name) else HIDDEN[name]
                 for name in names]
        for values in product(*known):
            chosen: dict[str, Any] = dict(zip(names, values))
            if "beta1" in chosen:
                chosen["betas"] = chosen.pop("beta1"), chosen.pop("beta2")
            yield chosen

    def fitting(self, count: int, steps: int) -> list[str]:
        """The conventions that the steps follow."""
        got = self.path(count, steps)
        return [words for words, kind in self.family.conventions.items()
                if any(close(got, self.right_path(kind, settings, count, steps)) for settings in self.settings())]

    def right_path(self, kind: type[optim.Optimizer], settings: dict[str, Any], count: int, steps: int,
                   **mistake: Any) -> Path3:
        """Where an optimizer of this package takes the parameters; `mistake` is as in `walk`."""
        if settings.get("eps") == 0.0:
            settings = settings | {"eps": 5e-324}
        return walk(kind([Value(1.0)], **settings), self.start[:count], self.pulls[:steps], **mistake)

    # ---- what is asked

    def right(self, count: int, steps: int) -> str | None:
        """Whether the steps follow any convention."""
        if not self.family.conventions:
            known = ", ".join(family.name for family in FAMILIES[:-1])
            raise Verdict(f"nobody knows what {self.asking.part} should do: known are {known}", status="skipped")
        try:
            fitting = self.fitting(count, steps)
        except Verdict as verdict:
            verdict.hint = MODELS["adam-from-zero"].hint if verdict.message.startswith("ZeroDivisionError") else ""
            raise
        if fitting:
            return None
        right = self.right_path(next(iter(self.family.conventions.values())), next(self.settings()), count, steps)
        after = "one step" if steps == 1 else f"{steps} steps"
        raise Verdict(f"after {after} the parameters are somewhere else", self.likeness(count, steps),
                      expected=numbered(right), got=numbered(self.path(count, steps)))

    def likeness(self, count: int, steps: int) -> str:
        """A question, if the steps are those of a well-known mistake."""
        got = self.path(count, steps)
        if not np.isfinite(got).all() and self.family.name.startswith("Adam"):
            return MODELS["adam-from-zero"].hint
        for settings in self.settings():
            for words, kind in self.family.mistakes.items():
                if close(got, self.right_path(kind, settings, count, steps)):
                    return f"What is the last line of {self.family.name}? It looks like: {words}"
            for kind, (question, mistake) in product(self.family.conventions.values(), MISTAKES.items()):
                if close(got, self.right_path(kind, settings, count, steps, **mistake)):
                    return question
        return ""

    def gradients_kept(self) -> None:
        """Whether the gradients are left alone."""
        after = self.run(*self.way, 2, 1, self.pulls)[1]
        if not close(after, self.pulls[0, :2]):
            raise Verdict("a gradient is another one after the step: it was changed in place")

    def at_rest(self) -> None:
        """Whether gradients of 0 leave the parameters where they are."""
        path, _ = self.run(*self.way, 2, 2, np.zeros((2, 3)))
        if not np.isfinite(path).all():
            raise Verdict("the parameters become nan")

    def convention(self) -> str | None:
        """The one convention that fits, where there are several."""
        try:
            fitting = self.fitting(1, 5)
        except Verdict:
            return None
        return fitting[0] if len(fitting) == 1 and len(self.family.conventions) > 1 else None


MISTAKES: dict[str, dict[str, Any]] = {
    f"{MODELS['plus-lr'].hint} It looks like: {MODELS['plus-lr'].title}.": {"sign": -1},
    f"{MODELS['momentum-not-kept'].hint} It looks like: nothing is kept from step to step.": {"forgets": True},
    f"{MODELS['adam-shared'].hint} It looks like: {MODELS['adam-shared'].title}.": {"shared": True},
    "what does the learning rate do? It looks like: it is not used.": {"lr": 1.0},
}


def walk(optimizer: optim.Optimizer, start: np.ndarray, pulls: np.ndarray, sign: int = 1, forgets: bool = False,
         shared: bool = False, lr: float | None = None) -> Path3:
    """Where an optimizer takes parameters by gradients; with a mistake, if one is wanted.

    sign, lr    of the step
    forgets     every step is the first
    shared      all parameters have one memory
    """
    at = SimpleNamespace(**optimizer.defaults | ({} if lr is None else {"lr": lr}))
    weights, rows = [float(w) for w in start], []
    memories = [dict.fromkeys(optimizer.remembers, 0.0) for _ in weights]
    for row in pulls:
        for i, g in enumerate(row[:len(weights)]):
            memory = dict.fromkeys(optimizer.remembers, 0.0) if forgets else memories[0 if shared else i]
            weights[i] += sign * (optimizer.moved(weights[i], float(g), memory, at) - weights[i])
        rows.append(list(weights))
    return np.array(rows)


def close(got: np.ndarray, right: np.ndarray) -> bool:
    """To nine digits."""
    return got.shape == right.shape and bool(np.allclose(got, right, rtol=1e-9, atol=1e-12))


def numbered(path: Path3) -> dict[str, float]:
    """{"w0 after 1": number} of where the parameters are."""
    return {f"w{i} after {step + 1}": float(path[step, i]) for step, i in np.ndindex(path.shape)}
