"""Nodes in words: what they are called, how they were made, with which numbers, and which one a label means."""

from collections.abc import Iterable
from typing import Any

from . import printer
from .formula import Formula
from .number import format_number, printable, short_repr, truncate
from .op import Op

Node = Any                      # a Value of either engine

NUMBER, BY_HAND = "the number {number}", "a node made by hand ({name})"
AT, ROLE = " at {numbers}", "{input} is "


def describe(node: Node) -> str:
    """A node in a message: what it is, and where it was made if that is known."""
    return formula_of(node) + (f" (made at {node.origin})" if node.origin else "")


def formula_of(node: Node) -> str:
    """How a node was made, with what went in: `f = log(x) at x = 0`."""
    name = name_of(node)
    if not node._parents and not node.op:
        return name or NUMBER.format(number=format_number(node._data))
    if not isinstance(node._operation, Op):
        return name or BY_HAND.format(name=printable(node.op) or "no name")
    while node._operation.hidden:
        node = node._parents[0]
    names = [Formula(name_of(p) or format_number(p._data)) for p in node._parents]
    shown = node._operation.call(*node._operation.in_rows(names), **node.constants)
    at = ", ".join(dict.fromkeys(f"{name_of(p)} = {format_number(p._data)}" for p in node._parents if name_of(p)))
    return (f"{name} = " if name else "") + printer.text(shown) + (AT.format(numbers=at) if at else "")


def name_of(node: Node) -> str:
    """A node's label, or the variable it was put into; "" where neither is known."""
    return printable(node.label) or (node.origin.name if node.origin else "")


def named_operands(op: Op, nodes: tuple[Node, ...], digits: int) -> str:
    """The operands of which something is known, in a message: `x = -1`, or `x = -1, made at train.py:3`.

    Where the message says what the op needs, a name that is that of another input there is told from it: `y is x = 0`.
    """
    inputs = op.inputs if op.advice([node._data for node in nodes]) else []
    shown = []
    for i, node in enumerate(nodes):
        if node.label or node.origin:
            name = name_of(node)
            role = ROLE.format(input=inputs[i]) if name in inputs and name != inputs[i] else ""
            number = format_number(node._data, digits) + (f", made at {node.origin}" if node.origin else "")
            shown.append(f"{role}{name} = {number}" if name else number)
    return ("; " if any(node.origin for node in nodes) else ", ").join(shown)


def node_labelled(label: str, nodes: Iterable[Node], what: str) -> Node:
    """The one node with this label."""
    found = [node for node in nodes if node.label == label]
    if not found:
        known = truncate(", ".join(node.label for node in nodes if node.label), 200)
        raise KeyError(f"no {what} is labelled {short_repr(label)}; the labels are: {known or 'none'}")
    if len(found) > 1:
        raise KeyError(f"{len(found)} nodes are labelled {label!r}: name the node itself")
    return found[0]
