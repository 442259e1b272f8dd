"""Graphs copied and written down without recursion: what `copy`, `deepcopy` and `pickle` ask a Value for."""

from contextvars import ContextVar
from typing import Any

from .messages import describe
from .op import LEAF, Mark, Op, find

Node = Any                      # a Value of either engine
FLAT = tuple[type | None, float, float, tuple[int, ...], tuple, str, bool, "dict[str, Any] | None", dict[str, Any]]

# The inputs of the functions that are being differentiated.  Each stands for a number, so it is its own copy,
# as a number is: a new leaf would be cut from the graph without a word.
inputs_of_runs: ContextVar[frozenset[Node]] = ContextVar("inputs_of_runs", default=frozenset())


def vars_of(node: Node) -> dict[str, Any]:
    """What an instance of a subclass carries besides; a plain Value has no such place."""
    return getattr(node, "__dict__", {})


def copied(node: Node, parents: tuple[Node, ...]) -> Node:
    """A node like this one, with these parents."""
    if node in inputs_of_runs.get():
        return node
    twin = node.restored(type(node), node._data, node._grad, parents, node._local_grads, node._operation, node._extra)
    vars_of(twin).update(vars_of(node))
    return twin


def deeply_copied(order: list[Node], memo: dict[int, Any]) -> Node:
    """A copy of the last node of a topological order and of all it was made from."""
    copies: list[Node] = []
    places: dict[Node, int] = {}
    for node in order:
        twin = memo.get(id(node))
        if twin is None:
            twin = memo[id(node)] = copied(node, tuple([copies[places[p]] for p in node._parents]))
        places[node] = len(copies)
        copies.append(twin)
    return copies[-1]


def flatten(order: list[Node], plain: type) -> list[FLAT]:
    """A graph as a list, parents by their places in it: what pickle can write without recursion.

    A `plain` Value is written without its type, so that the compiled engine reads what the pure one wrote.
    Raises TypeError for an input of a function that is being differentiated, from which a pickle would be cut.
    """
    for node in inputs_of_runs.get().intersection(order):
        raise TypeError(f"{describe(node)} is an input of a function that is being differentiated, and a pickle "
                        "would be cut from it: pickle v.data")
    place: dict[Node, int] = {}
    rows: list[FLAT] = []
    for node in order:
        place[node] = len(rows)
        rows.append((None if type(node) is plain else type(node), node._data, node._grad,
                     tuple([place[p] for p in node._parents]), node.local_grads, node.op,
                     isinstance(node._operation, Op), node._extra, vars_of(node)))
    return rows


def rebuilt(rows: list[FLAT], plain: Any) -> Node:
    """The graph that `flatten` wrote."""
    nodes: list[Node] = []
    marks: dict[str, Mark] = {"": LEAF}
    for kind, data, grad, parents, local_grads, name, recorded, extra, others in rows:
        op = find(name) if recorded else marks.setdefault(name, Mark(name))
        node = plain.restored(kind or plain, data, grad, tuple([nodes[i] for i in parents]), local_grads, op, extra)
        vars_of(node).update(others)
        nodes.append(node)
    return nodes[-1]
