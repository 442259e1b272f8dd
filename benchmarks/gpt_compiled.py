"""The scalar GPT of notebook 12 as programs: its cells, three lines changed, compiled once for each length of name.

A program is for all names of a length, so letters come as inputs, each as a row of zeros with a one at its place, and
what looked at the numbers of Values asks the engine instead.  Everything else is the notebook's code.
"""

import json
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from tinygrad_edu import Value

from .workloads import NOTEBOOK

CHANGES = {
    'weights["letter"][token]': 'linear(zip(*weights["letter"]), token)',
    "shares[following]": "dot(shares, following)",
    "max(e.data for e in x)": "tg.max(x)",
}


@cache
def code() -> dict[str, Any]:
    """What the cells of the notebook define that are tagged "model", with the changes.

    >>> len(code()["LETTERS"])
    27
    """
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if "model" in cell["metadata"].get("tags", ()))
    for before, after in CHANGES.items():
        assert text.count(before) == 1, f"{NOTEBOOK.name} has {before!r} {text.count(before)} times"
        text = text.replace(before, after)
    scope: dict[str, Any] = {}
    exec(text, scope)
    return scope


def new_weights(seed: int = 0) -> dict[str, list[list[Value]]]:
    """The weights of the notebook."""
    return code()["new_weights"](Value, seed=seed)


def loss_of(weights: dict[str, list[list[Value]]]) -> Callable[[Sequence[Sequence[Any]]], Value]:
    """The loss of one name, as a function of its letters, a one-hot row each, with the dot before and behind them."""
    model = code()

    def loss(letters: Sequence[Sequence[Any]]) -> Value:
        memory: list[Any] = []
        losses = []
        for place, (letter, following) in enumerate(pairwise(letters)):
            shares = model["softmax"](model["scores"](weights, letter, place, memory))
            losses.append(-model["dot"](shares, following).log())
        return sum(losses) / len(losses)
    return loss


def example(length: int) -> list[list[float]]:
    """What a program for names of so many letters is compiled with."""
    return batch_of(["a" * length])[0].tolist()


def batch_of(names: Sequence[str]) -> Any:
    """Names of one length as a batch: rows × letters × one-hot."""
    places = [[code()["LETTERS"].index(letter) for letter in f".{name}."] for name in names]
    return np.eye(len(code()["LETTERS"]))[places]
