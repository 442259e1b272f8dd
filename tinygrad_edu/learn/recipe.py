"""What a saved network was made from, so that another day it is built again and asked in the units of its data.

It stands beside the weights in their file, and is as little trusted as they are: all of it is
checked, against itself and against the number of weights, before anything is built.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..engine.number import short_repr
from ..nn.modules import MLP, activation_named
from ..nn.weights import about_and_count, is_weight, load, problem
from .data import scaled


@dataclass(frozen=True)
class Recipe:
    """An MLP, and the data it learnt from.

    inputs       how many numbers it takes
    sizes        of its layers
    activation   the name of that of its hidden layers
    features     the names of its inputs
    classes      the names of what it tells apart; none for a regression
    scales       (mean, deviation) of each input
    """

    inputs: int
    sizes: list[int]
    activation: str
    features: list[str]
    classes: list[str]
    scales: list[list[float]]

    def built(self, rng: Any = 0) -> MLP:
        """The network as it is before it learns."""
        return MLP(self.inputs, self.sizes, self.activation, rng=rng)

    def scaled(self, inputs: list[list[float]]) -> list[list[float]]:
        """Rows of data as the network takes them."""
        return scaled(inputs, self.scales)

    def weights(self) -> int:
        """How many weights and biases the network has."""
        return sum((before + 1) * size for before, size in zip([self.inputs, *self.sizes], self.sizes))


def trained(path: "str | Path") -> tuple[Recipe, MLP]:
    """The recipe and the network in a file that `train --save` wrote.

    Raises WeightFileError where anything in the file does not fit.
    """
    recipe = checked_recipe(path, *about_and_count(path))
    model = recipe.built()
    load(model, path)
    return recipe, model


def checked_recipe(path: "str | Path", about: dict[str, Any], weights: int) -> Recipe:
    """The recipe that these plain data are, of a network with so many weights."""
    for name, (expected, holds) in RULES.items():
        if name not in about:
            raise problem(path, f"about.{name}", f"{expected}, as train --save writes it", "nothing")
        if not holds(about[name], about):
            raise problem(path, f"about.{name}", expected, short_repr(about[name]))
    recipe = Recipe(**{name: about[name] for name in RULES})
    if recipe.weights() != weights:
        raise problem(path, "about.sizes", f"sizes that make {weights} weights", short_repr(recipe.sizes))
    return recipe


def is_count(x: Any) -> bool:
    return type(x) is int and x > 0


def is_activation(x: Any) -> bool:
    try:
        return isinstance(x, str) and activation_named(x) is not None
    except ValueError:
        return False


def are_names(x: Any) -> bool:
    return isinstance(x, list) and all(isinstance(name, str) for name in x)


def are_classes(x: Any, outputs: int) -> bool:
    return are_names(x) and len(set(x)) == len(x) and (len(x) == outputs > 1 or (not x and outputs == 1))


def is_scale(x: Any) -> bool:
    return isinstance(x, list) and len(x) == 2 and all(is_weight(n) and math.isfinite(n) for n in x) and x[1] > 0


# Each rule may look at what stands above it, which has been checked.
RULES: dict[str, Any] = {
    "inputs": ("a whole number above 0", lambda x, about: is_count(x)),
    "sizes": ("a list of whole numbers above 0", lambda x, about: isinstance(x, list) and x and all(map(is_count, x))),
    "activation": ("the name of an activation", lambda x, about: is_activation(x)),
    "features": ("a name for each input", lambda x, about: are_names(x) and len(x) == about["inputs"]),
    "classes": ("a name for each of several outputs", lambda x, about: are_classes(x, about["sizes"][-1])),
    "scales": ("[mean, deviation] for each input", lambda x, about: isinstance(x, list) and (
        len(x) == about["inputs"] and all(map(is_scale, x)))),
}
