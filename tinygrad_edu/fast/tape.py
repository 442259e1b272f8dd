"""What a function of Values did, node by node: numbers instead of objects, which every later pass reads."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from ..engine.op import Op
from ..engine.replay import check_recorded
from ..engine.value import Value, topological_order

INPUT, PARAMETER, CONSTANT, COMPUTED = range(4)         # what a node is
NONE: dict[str, float] = {}                             # the constants of most ops


class Check(NamedTuple):
    """What a function asked of its numbers, which each row is asked anew.

    check   check(numbers, *words) raises ValueError if these will not do
    words   for the message
    nodes   those numbers
    """

    check: Callable
    words: tuple[str, ...]
    nodes: tuple[int, ...]


@dataclass(frozen=True)
class Tape:
    """A recorded graph; a node is its place in the order of `topological_order`.

    kind        INPUT, PARAMETER, CONSTANT or COMPUTED, one per node
    ops         the op of a computed node, None for a leaf
    parents     the nodes it was computed from
    constants   those of its op
    numbers     what a leaf held when it was recorded; of a constant it is its number for good
    labels      the names people gave to nodes; parameters, which are Values of theirs, are left out
    inputs      the node of each input, or None for one that is not used
    parameters  the nodes of the parameters
    frozen      those of them that get no gradient
    outputs     the nodes of the results
    checks      what each row is asked; nodes behind the outputs, 1 / 0 where the answer is no, raise a flag for it
    plain       parameters that must stay frozen, since f did other things for it
    """

    kind: list[int]
    ops: list[Op | None]
    parents: list[tuple[int, ...]]
    constants: list[dict[str, float]]
    numbers: list[float]
    labels: list[str]
    inputs: list[int | None]
    parameters: list[int]
    outputs: list[int]
    values: list[Any] = field(default_factory=list, repr=False)     # of the parameters, the Values themselves
    frozen: frozenset[int] = frozenset()
    checks: tuple[Check, ...] = ()
    plain: frozenset[Any] = frozenset()

    def __len__(self) -> int:
        return len(self.kind)

    @property
    def computed(self) -> list[tuple[int, Op]]:
        """The computed nodes and their ops, but for those that serve checks alone."""
        return [(i, op) for i, op in enumerate(self.ops[:max(self.outputs) + 1]) if op is not None]

    @property
    def goes_back(self) -> bool:
        """Is there one output, and a parameter that is not frozen?"""
        return len(self.outputs) == 1 and len(self.frozen) < len(self.parameters)


def recorded(outputs: list[Value], inputs: list[Value]) -> tuple[Tape, list[Value]]:
    """The tape of the graph of these outputs, and its nodes.

    Leaves that are neither inputs nor constants are parameters.  Raises ReplayError for a node that was made by hand.

    >>> x, w = Value(3.0), Value(2.0)
    >>> tape, nodes = recorded([w * x + 1], [x])
    >>> tape.ops, tape.parents, tape.inputs, tape.parameters
    ([None, None, <op mul>, None, <op add>], [(), (), (0, 1), (), (2, 3)], [1], [0])
    """
    order = order_of(outputs)
    place = dict(zip(order, range(len(order))))
    parents = [tuple(map(place.__getitem__, node.parents)) for node in order]
    kind = kinds_of(order, parents, set(inputs))
    parameters = [i for i, each in enumerate(kind) if each == PARAMETER]
    ops = [recorded_op(node) if each == COMPUTED else None for node, each in zip(order, kind)]
    constants = [node.constants if op and op.constants else NONE for node, op in zip(order, ops)]
    labels = ["" if each == PARAMETER else node.label for node, each in zip(order, kind)]
    tape = Tape(kind, ops, parents, constants, [node.data for node in order], labels, list(map(place.get, inputs)),
                parameters, [place[v] for v in outputs], [order[i] for i in parameters])
    return tape, order


def kinds_of(order: list[Value], parents: list[tuple[int, ...]], inputs: set[Value]) -> list[int]:
    return [COMPUTED if before else INPUT if node in inputs else CONSTANT if node.is_constant else PARAMETER
            for node, before in zip(order, parents)]


def recorded_op(node: Value) -> Op:
    check_recorded(node)
    return cast(Op, node._operation)


def order_of(outputs: list[Value]) -> list[Value]:
    """Every node of these outputs, parents before children, as one walk meets them."""
    if len(outputs) == 1:
        return topological_order(outputs[0])
    return topological_order(Value(0.0, outputs, [0.0] * len(outputs)))[:-1]
