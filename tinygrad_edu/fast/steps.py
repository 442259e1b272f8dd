"""The steps that a plan is made of: each computes many numbers at once.

Numbers have places in a table; what a step reads and writes are arrays of places.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ..engine.op import Op
from .tape import Tape

Array = Any                     # of numpy, of whole numbers: places in the table of numbers


class Layer(NamedTuple):
    """out[m] = sum over k of lanes[k] * factors[m, k], with uniform factors."""
    out: Array
    lanes: Array
    factors: Array
    start: float                # -0.0, which changes no first term, or a plain number; of adjoints it is 0.0

    @property
    def reads(self) -> Array:
        return self.lanes


class Pairs(NamedTuple):
    """out[m] = sum over k of lanes[m, k] * factors[m, k]."""
    out: Array
    lanes: Array
    factors: Array
    start: float

    @property
    def reads(self) -> Array:
        return np.concatenate([self.lanes.ravel(), self.factors.ravel()])


class Apply(NamedTuple):
    """out[m], slopes[j, m] = op(inputs[0, m], inputs[1, m] ...); a slope of -1 is not wanted."""
    op: Op
    constants: dict[str, float]
    out: Array
    inputs: Array
    slopes: Array

    @property
    def reads(self) -> Array:
        return self.inputs.ravel()


class Rows(NamedTuple):
    """out[m], slopes[m, k] = op(inputs[m]), of an op of rows of numbers."""
    op: Op
    constants: dict[str, float]
    out: Array
    inputs: Array
    slopes: Array

    @property
    def reads(self) -> Array:
        return self.inputs.ravel()


class Outer(NamedTuple):
    """The gradient of parameters[g, x] = sum over rows, last to first, and over t, of adjoints[g, t] * lanes[x, t]."""
    adjoints: Array
    lanes: Array
    parameters: Array

    @property
    def reads(self) -> Array:
        return np.concatenate([self.adjoints.ravel(), self.lanes.ravel()])


class Chains(NamedTuple):
    """The gradient of parameters[m] = sum over rows, last to first, and over t, of adjoints[m, t] * lanes[m, t]."""
    adjoints: Array
    lanes: Array
    parameters: Array

    @property
    def reads(self) -> Array:
        return np.concatenate([self.adjoints.ravel(), self.lanes.ravel()])


Step = Layer | Pairs | Apply | Rows


@dataclass
class Plan:
    """What is to be done for a batch of rows.

    size        how long the table of numbers is: nodes, then 1, -1, SEED, slopes that are plain numbers, and lanes
    literals    the plain numbers in it
    forward     steps that compute the nodes
    backward    steps that compute the adjoints, those of the first output
    outer       how the gradients of the parameters come of them
    adjoints    of each input the place of its adjoint, or -1
    hides_nan   may a nan be lost on the way, so that slopes are passed on where the engine has nan?
    """

    tape: Tape
    size: int
    literals: dict[int, float]
    forward: list[Step]
    backward: list[Step]
    outer: list[Outer | Chains]
    adjoints: list[int]
    hides_nan: bool

    @cached_property
    def columns(self) -> Array:
        """The places whose numbers are needed for each row, those that are the same for all rows among them."""
        used = [np.array([i for i in [*self.tape.inputs, *self.tape.outputs, self.seed] if i is not None])]
        used += [step.reads for step in [*self.forward, *self.backward, *self.outer]]
        used += [step.out for step in [*self.forward, *self.backward]]
        used += [step.slopes.ravel() for step in self.forward if isinstance(step, (Apply, Rows))]
        needed: Array = np.zeros(self.size + 1, bool)
        needed[np.concatenate(used)] = True             # at -1 too, which is no place
        return np.flatnonzero(needed[:-1])

    @property
    def one(self) -> int:
        return len(self.tape)

    @property
    def seed(self) -> int:
        return len(self.tape) + 2
