"""A program may put other functions in the place of ours, or of Python's: when it has ended, all is put back."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any

from tinygrad_edu.engine.op import OPS

OURS = "tinygrad_edu"
Kept = list[tuple[Any, dict[str, Any]]]     # modules, classes and operations, each with what stood in it


@contextmanager
def untouched() -> Iterator[None]:
    """What modules, classes and operations are made of is afterwards as it was before; new operations stay.

    >>> import math
    >>> with untouched():
    ...     math.sqrt = math.floor
    >>> math.sqrt(6.25)
    2.5
    """
    holders, modules, operations = kept(), dict(sys.modules), dict(OPS)
    lists, depth = [(some, list(some)) for some in (sys.path, sys.meta_path)], sys.getrecursionlimit()
    try:
        yield
    finally:
        sys.modules.update(modules)
        everything = operations | {name: op for name, op in OPS.items() if name not in operations}     # and its own
        OPS.clear()
        OPS.update(everything)
        for holder, before in holders:
            put_back(holder, before)
        for some, before in lists:
            some[:] = before
        sys.setrecursionlimit(depth)


def kept() -> Kept:
    """All that a program might change, as it stands now."""
    modules = [module for module in list(sys.modules.values()) if type(module) is ModuleType]
    ours = [thing for module in modules if is_ours(module) for thing in vars(module).values()]
    classes = dict.fromkeys(thing for thing in ours if type(thing) is type)
    return [(holder, dict(vars(holder))) for holder in (*modules, *classes, *OPS.values())]


def is_ours(module: ModuleType) -> bool:
    return module.__name__.partition(".")[0] == OURS


def put_back(holder: Any, before: dict[str, Any]) -> None:
    """What was changed or taken away stands there again; what was added to ours goes. Numbers and tables may change."""
    now = vars(holder)
    changed = [name for name, thing in before.items() if is_fixed(thing) and now.get(name) is not thing]
    for name in changed:
        with suppress(TypeError, AttributeError):       # where nobody can have changed it
            setattr(holder, name, before[name])
    if isinstance(holder, ModuleType) and not is_ours(holder):
        return
    for name in [name for name, thing in now.items() if name not in before and is_fixed(thing) and name not in OPS]:
        with suppress(TypeError, AttributeError):
            delattr(holder, name)


def is_fixed(thing: Any) -> bool:
    """Is this a function, a class, a method or a property: what a program defines, and does not compute?"""
    return callable(thing) or hasattr(type(thing), "__get__")
