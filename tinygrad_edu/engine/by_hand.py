"""What may be given for the parts of a node by hand: names, scopes, parents, local gradients."""

from collections.abc import Iterable
from typing import Any

from .arrays import is_value
from .number import number, short_repr
from .op import Mark

Node = Any                      # a Value of either engine


def checked_name(what: str, name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"a {what} is a str, not {type(name).__name__}: got {short_repr(name)}")
    return name


def set_scopes(nodes: Iterable[Node], scope: str) -> None:
    """Say of several nodes at once which part of a network they belong to, as `scope` says it of one."""
    for node in nodes:
        node.scope = scope


def mark(name: Any) -> Mark:
    """What stands for the op of a node made by hand."""
    if not isinstance(name, str):
        raise TypeError(f"op is a name, a str: got {short_repr(name)}")
    return Mark(name)


def is_by_hand(parents: Any, local_grads: Any, op: Any) -> bool:
    """Is a Value made with parents, or as the result of an operation?"""
    return not (isinstance(parents, tuple) and isinstance(local_grads, tuple)) or bool(parents or local_grads or op)


def edges_by_hand(parents: Iterable[Node], local_grads: Iterable[float]) -> tuple[tuple, tuple]:
    """The parents and local gradients of a node made by hand, checked."""
    if isinstance(parents, str):
        raise TypeError(f"parents are Values, not a str: did you mean label={parents!r}?")
    if isinstance(local_grads, str):
        raise TypeError(f"local_grads are numbers, one per parent, not a str: write op={local_grads!r} behind them")
    if is_value(parents):
        raise TypeError("parents is a tuple of Values: write (x,) for one")
    for what, given in ("parents is a tuple of Values", parents), ("local_grads is a tuple of numbers", local_grads):
        if not isinstance(given, Iterable):
            raise TypeError(f"{what}: got {short_repr(given)}")
    parents, local_grads = tuple(parents), tuple(map(number, local_grads))
    for i, parent in enumerate(parents):
        if not is_value(parent):
            raise TypeError(f"parent {i} is not a Value but {type(parent).__name__}: got {short_repr(parent)}")
    if len(parents) != len(local_grads):
        raise ValueError(f"each parent needs one local gradient: got {len(parents)} and {len(local_grads)}")
    return parents, local_grads
