"""Steps of a plan joined, so that the executor in C goes over fewer numbers: a relu and the layer before it.

The slope of a relu is 1 where its output is above 0.  So no slope is kept: the layer that computes the adjoints of
the outputs on the way back lets pass what belongs to such an output, and these are the adjoints of the relu's inputs.
"""

from typing import Any, NamedTuple

import numpy as np

from ..engine import ops
from .steps import Apply, Layer, Pairs, Plan

Array = Any


class Fused(NamedTuple):
    """A layer whose sums go through a relu, or pass where the number at the same place of `gates` is above 0."""
    layer: Layer
    gates: Array | None

    @property
    def out(self) -> Array:
        return self.layer.out

    @property
    def reads(self) -> Array:
        return self.layer.lanes if self.gates is None else np.concatenate([self.layer.lanes, self.gates])


def fused(plan: Plan) -> tuple[list, list]:
    """(forward, backward) of a plan, with each relu in the layers around it where no other step needs to see it."""
    return Fusion(plan).steps()


class Fusion:
    """Which relus of a plan are joined with which layers.

    uses        how often each number is used
    relu        of the input of a relu: (its output, its slope)
    gated       of a slope: (the adjoint that it is multiplied by, the product)
    backward    the steps, in which layers are replaced
    layer_of    of what a layer of the backward pass gives: its place among these
    joined      what layers give now in place of other steps
    """

    def __init__(self, plan: Plan):
        self.plan = plan
        self.uses = uses(plan)
        self.relu: dict[int, tuple[int, int]] = {}
        self.gated: dict[int, tuple[int, int]] = {}
        self.backward: list[Any] = list(plan.backward)
        self.layer_of: dict[int, int] = {}
        self.joined: set[int] = set()
        for step in plan.forward:
            if isinstance(step, Apply) and step.op is ops.relu:
                self.relu |= zip(step.inputs[0].tolist(), zip(step.out.tolist(), step.slopes[0].tolist()))
        for i, step in enumerate(plan.backward):
            if isinstance(step, Layer):
                self.layer_of |= dict.fromkeys(step.out.tolist(), i)
            elif isinstance(step, Pairs) and step.lanes.shape[1] == 1:
                self.gated |= zip(step.factors[:, 0].tolist(), zip(step.lanes[:, 0].tolist(), step.out.tolist()))

    def steps(self) -> tuple[list, list]:
        forward = [self.with_relu(step) if isinstance(step, Layer) else step for step in self.plan.forward]
        return without(forward, self.joined), without(self.backward, self.joined)

    def with_relu(self, layer: Layer) -> Layer | Fused:
        """A layer with the relu that alone uses what it gives, if the way back can do without the slopes."""
        places = layer.out.tolist()
        if not all(self.uses[place] == 1 and place in self.relu for place in places):
            return layer
        outputs, slopes = map(np.array, zip(*(self.relu[place] for place in places)))
        if (slopes >= 0).any() and not self.gates(outputs, slopes.tolist()):
            return layer
        self.joined.update(outputs.tolist())
        return Fused(layer._replace(out=outputs), None)

    def gates(self, outputs: Array, slopes: list[int]) -> bool:
        """Put gates to the layer of the way back that alone gives the adjoints of these outputs, if there is one."""
        if not all(slope in self.gated and self.uses[slope] == 1 for slope in slopes):
            return False
        adjoints, passed = map(np.array, zip(*(self.gated[slope] for slope in slopes)))
        i = self.layer_of.get(int(adjoints[0]), -1)
        layer = self.backward[i]
        is_alone = i >= 0 and not isinstance(layer, Fused) and np.array_equal(layer.out, adjoints)
        if not is_alone or (self.uses[adjoints] > 1).any():
            return False
        self.backward[i] = Fused(layer._replace(out=passed), outputs)
        self.joined.update(passed.tolist())
        return True


def uses(plan: Plan) -> Array:
    """How often each number of a plan that is not the same for all rows is used by a step, or asked for."""
    asked = [np.array(plan.tape.outputs), np.array([i for i in plan.adjoints if i >= 0], int)]
    asked += [step.reads for step in [*plan.forward, *plan.backward, *plan.outer]]
    return np.bincount(np.concatenate([places.ravel() for places in asked]).astype(int), minlength=plan.size)


def without(steps: Any, joined: set[int]) -> list:
    """Steps without those members whose results another step gives now."""
    kept = []
    for step in steps:
        if isinstance(step, (Apply, Pairs)):
            rest = np.array([place not in joined for place in step.out.tolist()])
            if not rest.any():
                continue
            if not rest.all():
                step = members_of(step, rest)
        kept.append(step)
    return kept


def members_of(step: Apply | Pairs, which: Array) -> Apply | Pairs:
    if isinstance(step, Apply):
        return step._replace(out=step.out[which], inputs=step.inputs[:, which], slopes=step.slopes[:, which])
    return step._replace(out=step.out[which], lanes=step.lanes[which], factors=step.factors[which])
