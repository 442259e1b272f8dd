"""Does the compiled engine choose as the rules do?  The build asks: compilers have been wrong about nan.

    python -m tinygrad_edu.native.self_check PATH_OF_THE_LIBRARY

ends with code 1 and says what differs, if anything does.
"""

import itertools
import sys
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from math import inf, nan
from typing import Any

from ..engine.errors import errstate
from ..engine.op import Op
from .c_rules import built_in

SPECIAL = (nan, inf, -inf, 0.0, -0.0, 1.0, -1.0, 2.0)


def differences(kind: Any) -> Iterator[str]:
    """What Values of this class answer otherwise than the rules, of all operations that select, at special numbers.

    >>> from tinygrad_edu import Value
    >>> list(differences(Value))
    []
    """
    for op in built_in():
        for numbers in itertools.product(SPECIAL, repeat=3 if op.rows else len(op.inputs)) if op.selects else ():
            ours, theirs = by_rule(op, numbers), by_engine(kind, op, numbers)
            if ours != theirs:
                yield f"{op.name} of {numbers} and its gradients are {theirs}, by the rule {ours}"


def by_rule(op: Op, numbers: tuple[float, ...]) -> str:
    """The value and the local gradients as text, which tells 0.0 from -0.0 and takes one nan for another."""
    with errstate(all="ignore"):
        value, local_grads = op.evaluate(*op.in_rows(numbers), **op.sample)
    return repr((value, *map(float, op.one_by_one(local_grads))))


def by_engine(kind: Any, op: Op, numbers: tuple[float, ...]) -> str:
    with errstate(all="ignore"):
        node = kind.record(op, *op.in_rows(list(map(kind, numbers))), **op.sample)
    return repr((node.data, *node.local_grads))


def verdict(path: str, name: str, found: Callable[[Any], Iterator[str]]) -> int:
    """The code to end with: 1, and the first line of what is found in the library of this name, if there is any."""
    spec = spec_from_file_location(name, path)
    assert spec and spec.loader
    try:
        spec.loader.exec_module(module := module_from_spec(spec))
    except ImportError as error:                # it was built for another machine
        print(f"not checked: {error}")
        return 0
    wrong = list(found(module))
    print(*wrong[:1])
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(verdict(sys.argv[1], f"{__package__}._native", lambda module: differences(module.Value)))
