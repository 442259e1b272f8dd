"""A graph as a program that makes it again, and prints its gradients."""

from collections.abc import Mapping
from itertools import count
from keyword import iskeyword
from typing import Any
from unicodedata import normalize

from ..engine.op import Op
from ..engine.value import Value
from ..symbols.named import NamedGraph
from .page import sentences

MANY = 60                                   # operations that are still written out
SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
TAKEN = frozenset(("tg", "print", "float", "numbers"))


def as_python(graph: NamedGraph, numbers: Mapping[Value, str], seed: float = 1.0) -> str:
    """A program that makes the graph that is shown, runs backward, and prints the gradients of the leaves.

    numbers   {leaf: the text that stands for its number}, for those that have one

    Of a graph of more than 60 operations it has only the numbers of the leaves.  Hidden nodes are left out: what is
    computed is what the formulas say, which may differ in the last digits.

    >>> x, y = Value(2.0, label="x"), Value(3.0, label="y")
    >>> print(as_python(NamedGraph(x * y), {y: "7.5"}))
    import tinygrad_edu as tg
    <BLANKLINE>
    x = tg.Value(2.0, label='x')
    y = tg.Value(7.5, label='y')
    f = x * y
    <BLANKLINE>
    f.backward()
    print('f =', f.data)
    print('x.grad =', x.grad)
    print('y.grad =', y.grad)
    """
    leaves = [node for node in graph.whole if not node.parents and not node.is_constant]
    hidden = {node: seen for node, seen in graph.stands_for.items() if seen is not node}
    made = [node for node in graph.whole if node.parents and not node.is_constant and node not in hidden]
    written = {leaf: numbers.get(leaf) or literal(leaf.data) for leaf in leaves}
    if len(made) > MANY:
        return "\n".join(list_of_leaves(graph, written, len(made)))
    names = identifiers(graph, leaves, made)
    names |= {node: names[seen] for node, seen in hidden.items() if seen in names}
    lines = [f"{names[leaf]} = tg.Value({text}{f', label={leaf.label!r}' if leaf.label else ''})"
             for leaf, text in written.items()]
    lines += [f"{names[node]} = {call(node, names)}" for node in made]
    result = names.get(graph.whole[-1])
    ending = [f"{result}.backward({'' if seed == 1 else literal(seed)})", f"print({f'{result} ='!r}, {result}.data)",
              *[f"print({f'{graph.texts.get(leaf, names[leaf])}.grad ='!r}, {names[leaf]}.grad)" for leaf in leaves]]
    return "\n".join(["import tinygrad_edu as tg", "", *own_ops(made), *lines, "",
                      *(ending if result else [f"print({literal(graph.whole[-1].data)})"])])


def list_of_leaves(graph: NamedGraph, written: Mapping[Value, str], operations: int) -> list[str]:
    """The numbers of the leaves alone."""
    pairs = [f"    {graph.texts.get(leaf, leaf.label)!r}: {text}," for leaf, text in written.items()]
    return ["# " + sentences("predict")["page"]["too_many"].format(count=operations), "numbers = {", *pairs, "}",
            "print(numbers)"]


def identifiers(graph: NamedGraph, leaves: list[Value], made: list[Value]) -> dict[Value, str]:
    """{node: what it is called in the program}: its own name where it is one in Python too."""
    known = {node: graph.texts.get(node, node.label) for node in [*leaves, *made]}
    own = {name: node for node, name in reversed(known.items()) if is_free(name)}
    if made:
        own.setdefault("f", made[-1])
    fitting = {node: name for name, node in reversed(own.items())}
    numbered = (name for name in map("v{}".format, count(1)) if name not in own)
    return {node: fitting.get(node) or next(numbered) for node in known}


def is_free(name: str) -> bool:
    """Can a variable be called so?  Python takes some letters for others, so that two names would be one."""
    return name.isidentifier() and not iskeyword(name) and name not in TAKEN and normalize("NFKC", name) == name


def call(node: Value, names: Mapping[Value, str]) -> str:
    """The operation of a node in Python; constants are written as numbers.

    >>> x = Value(2.0)
    >>> call(3 - x, {x: "x"}), call(x.clip(-1, 1), {x: "x"}), call(-x, {x: "x"})
    ('3.0 - x', 'tg.clip(x, low=-1.0, high=1.0)', '-x')
    """
    op, parts = node._operation, [names.get(parent) or literal(parent.data) for parent in node.parents]
    if not isinstance(op, Op):
        slopes = ", ".join(map(literal, node.local_grads))
        return f"tg.Value({literal(node.data)}, ({', '.join(parts)},), ({slopes},), op={op.name!r})"
    if op.is_built_in and op.name in SIGNS:
        return f"{parts[0]} {SIGNS[op.name]} {parts[1]}"
    if op.is_built_in and op.name == "neg":
        return f"-{parts[0]}"
    rows = [f"[{', '.join(row)}]" if op.rows else row for row in op.in_rows(parts)]
    settings = [f"{name}={literal(number)}" for name, number in node.constants.items()]
    function = f"tg.{op.name}" if op.is_built_in and op.name != "pow" else f"tg.OPS[{op.name!r}]"
    return f"{function}({', '.join([*rows, *settings])})"


def own_ops(made: list[Value]) -> list[str]:
    """A comment for each operation that is not the package's own."""
    ops = [node._operation for node in made if isinstance(node._operation, Op)]
    names = dict.fromkeys(op.name for op in ops if not op.is_built_in)
    return ["# " + sentences("predict")["page"]["own_op"].format(op=name) for name in names]


def literal(x: Any) -> str:
    """A float in Python: 2.5, float('inf')."""
    return repr(float(x)) if x - x == 0 else f"float({str(float(x))!r})"
