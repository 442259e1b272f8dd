"""Do the lanes say what the rules say?  The build asks, since compilers have been wrong about nan.

    python -m tinygrad_edu.fast.self_check PATH_OF_THE_LIBRARY

ends with code 1 and says what differs, if anything does.
"""

import itertools
import sys
from collections.abc import Iterator
from typing import Any

from ..engine.op import Op
from ..native.self_check import SPECIAL, by_rule, verdict
from .c_lanes import codes

NUMBERS = (*SPECIAL, 0.7, -2.5, 40.0)
NAN = "(nan,"                  # a value whose local gradients are never looked at


def differences(lanes: Any) -> Iterator[str]:
    """What the lanes of all operations answer otherwise than their rules, on each instruction set there is."""
    for op, code in codes().items():
        batch = list(itertools.product(NUMBERS, repeat=3 if op.rows else len(op.inputs)))
        if op.rows:                             # all rows of an op are the same here
            batch = [row * len(op.inputs) for row in batch]
        theirs = [by_rule(op, numbers) for numbers in batch]
        for name in lanes.INSTRUCTION_SETS:
            for numbers, rule, lane in zip(batch, theirs, by_lanes(lanes, name, op, code, batch)):
                if rule != lane and not rule.startswith(NAN) & lane.startswith(NAN):
                    yield f"{op.name} of {numbers} and its gradients are {lane} with {name}, by the rule {rule}"


def by_lanes(lanes: Any, name: str, op: Op, code: int, batch: list[tuple[float, ...]]) -> list[str]:
    """The values and the local gradients for a batch, each as text."""
    constants = [float(x) for x in op.sample.values()] or [0.0]
    columns = [list(column) for column in zip(*batch)]
    out, slopes, _ = lanes.evaluate(name, code, len(op.inputs) if op.rows else 0, columns, constants)
    return list(map(repr, zip(out, *slopes)))


if __name__ == "__main__":
    sys.exit(verdict(sys.argv[1], f"{__package__}._lanes", differences))
