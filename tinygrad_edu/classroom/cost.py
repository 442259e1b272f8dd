"""What a graph costs: scalar operations of its value, of its gradient in both modes, and of its Jacobians.

Nothing is counted by hand.  The rules of the operations are fed numbers that remember what they were computed
from, and these are counted.  What is counted as what is said in `cost`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from ..engine.graph import leaves_in, topological_order
from ..engine.ieee import IEEE, ieee
from ..engine.number import checked_whole, short_repr
from ..engine.op import Op
from ..engine.printer import escape
from ..engine.value import Value
from .explain import count_text

KINDS = "additions", "multiplications", "calls"


class Operations(NamedTuple):
    """How many scalar operations of each kind.

    >>> Operations(multiplications=3).plus(Operations(1, 1)).together
    5
    """

    additions: int = 0
    multiplications: int = 0
    calls: int = 0

    @property
    def together(self) -> int:
        """All of them."""
        return self.additions + self.multiplications + self.calls

    def plus(self, other: "Operations") -> "Operations":
        """Both, one after the other."""
        return Operations(*map(sum, zip(self, other)))

    def times(self, n: int) -> "Operations":
        """The same n times."""
        return Operations(*[n * count for count in self])

    def as_dict(self) -> dict[str, int]:
        """The counts by name, for JSON."""
        return {**self._asdict(), "together": self.together}


# ---- numbers that are counted -----------------------------------------------------------------------


class Counted:
    """A number that knows from which numbers, and by what kind of operation, it was computed.

    The same operation on the same numbers gives the same object again, so it is counted once.  A comparison is
    counted as an addition, once for each pair of numbers, since it looks at the sign of their difference.
    """

    def __init__(self, data: float, known: dict, kind: str = "", parts: tuple = ()):
        self.data, self.known, self.kind, self.parts = IEEE(data), known, kind, parts

    @classmethod
    def apply_named(cls, name: str, *numbers: Any) -> Any:
        """The function of this name: x² is a multiplication, any other function a call."""
        if name == "pow" and not isinstance(numbers[1], Counted) and numbers[1] in (0, 1, 2):
            x = numbers[0]
            return (1.0, x, x * x)[int(numbers[1])]
        return computed("calls", name, lambda *data: ieee(name, *data), *numbers)

    def __add__(self, other): return computed("additions", "+", IEEE.__add__, self, other)
    def __radd__(self, other): return computed("additions", "+", IEEE.__add__, other, self)
    def __sub__(self, other): return computed("additions", "-", IEEE.__sub__, self, other)
    def __rsub__(self, other): return computed("additions", "-", IEEE.__sub__, other, self)
    def __mul__(self, other): return multiplied(self, other)
    def __rmul__(self, other): return multiplied(other, self)
    def __truediv__(self, other): return computed("multiplications", "/", IEEE.__truediv__, self, other)
    def __rtruediv__(self, other): return computed("multiplications", "/", IEEE.__truediv__, other, self)
    def __neg__(self): return computed("additions", "neg", IEEE.__neg__, self)
    def __gt__(self, other): return self.data > self.compared_to(other)
    def __lt__(self, other): return self.data < self.compared_to(other)
    def __ge__(self, other): return self.data >= self.compared_to(other)
    def __le__(self, other): return self.data <= self.compared_to(other)
    def __mod__(self, other): return self.data % other          # is it whole?  A look, and no arithmetic

    def __abs__(self):
        self.compared_to(0)
        return computed("", "abs", IEEE.__abs__, self)

    def compared_to(self, other: Any) -> IEEE:
        """The other number; it is remembered that the two were compared."""
        if self is not other:
            self.known[frozenset((self, other))] = None
        return number_of(other)


def computed(kind: str, name: str, compute: Callable, *numbers: Any) -> Counted:
    """What an operation makes of numbers, at least one of which is Counted."""
    known = next(x for x in numbers if isinstance(x, Counted)).known
    key = (name, *numbers)
    if key not in known:
        known[key] = Counted(compute(*map(number_of, numbers)), known, kind, numbers)
    return known[key]


def multiplied(x: Any, y: Any) -> Any:
    """x * y, which is nothing to be done where one is the 1 of a rule, such as a product begins with."""
    if type(x) is int and x == 1:
        return y
    return x if type(y) is int and y == 1 else computed("multiplications", "*", IEEE.__mul__, x, y)


def number_of(x: Any) -> IEEE:
    return x.data if isinstance(x, Counted) else IEEE(x)


def operations_behind(numbers: Iterable[Any], seen: set) -> Counter:
    """The operations that these were computed by, but for those of numbers already seen."""
    found: Counter = Counter()
    waiting = list(numbers)
    while waiting:
        x = waiting.pop()
        if isinstance(x, Counted) and x not in seen:
            seen.add(x)
            found[x.kind] += 1
            waiting += x.parts
    return found


def cost_of(node: Value, live: set[Value]) -> tuple[Operations, Operations]:
    """What the rule of one node computes: for its value, and besides for the local gradients that are wanted."""
    op, known = node._operation, dict[Any, Any]()
    if not isinstance(op, Op):                              # made by hand, with its local gradients
        return Operations(calls=1), Operations()
    inputs = [Counted(parent.data, known) for parent in node.parents]
    value, local_grads = op.textbook(*op.in_rows(inputs), **node.constants)
    seen: set = set()
    forward = operations_behind([value], seen)
    forward["additions"] += sum(isinstance(key, frozenset) for key in known)
    wanted = [g for g, parent in zip(op.one_by_one(local_grads), node.parents) if parent in live]
    local = operations_behind(wanted, seen)
    made = Operations(*[forward[kind] for kind in KINDS])
    return made if made.together else Operations(additions=1), Operations(*[local[kind] for kind in KINDS])


# ---- a whole graph ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cost:
    """What a graph costs; see `cost`.

    name           what the output goes by
    nodes          how many it has, constants too; those that want a gradient are `live`, `leaves` among them
    arrows         from what wants a gradient to what was made of it
    forward        the value alone
    local          the local gradients of all live arrows, which the two modes share
    reverse        backward, with the local gradients
    forward_mode   one pass for each leaf, with the local gradients
    jacobians      the graph cut into levels: the Jacobian of each by the one before, multiplied in both orders
    bound          what value and gradient cost at most, as a multiple of the value, whatever graph is made of these
                   operations; 5 for additions and multiplications of two numbers
    paths          how many lead from the output to the leaves
    visits         how many nodes a backward pass visits that goes along every path by itself
    memory         how many numbers are kept at once: by reverse mode, and by forward mode
    """

    name: str
    nodes: int
    live: int
    leaves: int
    arrows: int
    forward: Operations
    local: Operations
    reverse: Operations
    forward_mode: Operations
    jacobians: "JacobianOrders"
    bound: float
    paths: int
    visits: int
    memory: dict[str, int]

    @property
    def ratio(self) -> float:
        """Value and gradient by reverse mode, as a multiple of the value alone."""
        return self.forward.plus(self.reverse).together / self.forward.together if self.forward.together else 1.0

    def as_dict(self) -> dict[str, Any]:
        """The counts as plain data, for JSON."""
        told = {name: getattr(self, name) for name in ("name", "nodes", "live", "leaves", "arrows")}
        told |= {name: getattr(self, name).as_dict() for name in ("forward", "local", "reverse", "forward_mode")}
        return told | {"jacobians": self.jacobians.as_dict(), "ratio": self.ratio, "bound": self.bound,
                       "paths": self.paths, "visits": self.visits, "memory": dict(self.memory)}

    def rows(self) -> list[tuple[str, Operations]]:
        """The lines of the table: what is computed, and its operations."""
        one = "1 pass" if self.leaves == 1 else f"{self.leaves:,} passes"
        return [("value", self.forward), ("gradient, reverse mode", self.reverse),
                (f"gradient, forward mode, {one}", self.forward_mode),
                ("Jacobians, left to right", self.jacobians.reverse),
                ("Jacobians, right to left", self.jacobians.forward)]

    def sentences(self) -> list[str]:
        """What stands below the table."""
        again = f"instead of {self.live:,}" if self.visits > self.live else "too, since none is used twice"
        return [f"{self.name} with its gradient costs {self.ratio:.3g} times {self.name} alone; a graph of such "
                f"operations never costs more than {self.bound:.3g} times.",
                f"{counted(self.paths, 'path')} from {self.name} to the leaves; going along each by itself visits "
                f"{counted(self.visits, 'node')} {again}.",
                f"Kept at once: {counted(self.memory['reverse'], 'number')} by reverse mode, "
                f"{self.memory['forward_mode']:,} by forward mode."]

    def __str__(self) -> str:
        heads = [*KINDS, "together"]
        rows = [(title, [f"{n:,}" for n in (*count, count.together)]) for title, count in self.rows()]
        first = max(len(title) for title, _ in rows)
        widths = [max(len(heads[i]), *[len(cells[i]) for _, cells in rows]) for i in range(len(heads))]
        lines = [f"{title:<{first}}" + "".join(f"  {cell:>{w}}" for cell, w in zip(cells, widths))
                 for title, cells in [("", heads), *rows]]
        title = (f"The cost of {self.name}: {counted(self.nodes, 'node')}, {counted(self.leaves, 'leaf', 'leaves')}, "
                 f"{counted(self.arrows, 'arrow')}")
        return "\n".join([title, "", *lines, "", *self.sentences()])

    def _repr_html_(self) -> str:
        heads = "".join(f'<th scope="col">{head}</th>' for head in ("", *KINDS, "together"))
        body = "".join(f'<tr><th scope="row">{escape(title)}</th>'
                       + "".join(f"<td>{n:,}</td>" for n in (*count, count.together)) + "</tr>"
                       for title, count in self.rows())
        said = "".join(f"<p>{escape(sentence)}</p>" for sentence in self.sentences())
        return (f"<table><caption>The cost of {escape(self.name)}</caption>"
                f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>{said}")


def cost(output: Value) -> Cost:
    """How many scalar operations the value of a graph costs, and its gradient: the cheap gradient in numbers.

    The textbook's rules of the operations are counted, with the numbers that are in the graph:

    additions         + and -, a change of sign, a comparison; passing a number on, where an operation does only that
    multiplications   × and ÷, and x²
    calls             any other function, such as exp or a power

    Reverse mode is one multiplication for every arrow, one addition for every arrow beyond the first into a node,
    and the local gradients.  Forward mode is, for every leaf, one multiplication for every arrow and one addition
    for every arrow beyond the first out of the inputs of a node, and the local gradients once.  Arrows from constants
    do not count, and those that a closed relu cuts do: the cost is that of the graph.

    Raises RuntimeError where nothing needs a gradient.

    >>> x, y, z = Value(-2, label="x"), Value(5, label="y"), Value(-4, label="z")
    >>> price = cost((x + y) * z)
    >>> price.forward.together, price.reverse.together, price.forward_mode.together
    (2, 4, 18)
    """
    order = topological_order(output)
    live = live_nodes(order)
    if output not in live:
        raise RuntimeError("nothing here needs a gradient: make the inputs Values, tg.Value(2.0)")
    inputs = {node: [p for p in node.parents if p in live] for node in order if node in live}
    single = {node: cost_of(node, live) for node in order if node.parents}
    forward, local = (summed(costs[i] for costs in single.values()) for i in range(2))
    arrows = sum(map(len, inputs.values()))
    beyond = arrows - len({p for parents in inputs.values() for p in parents})
    tangents = Operations(arrows - sum(bool(parents) for parents in inputs.values()), arrows)
    leaves = len(leaves_in(order))
    paths, visits = paths_and_visits(inputs)
    return Cost(output.label or "the output", len(order), len(live), leaves, arrows, forward, local,
                local.plus(Operations(beyond, arrows)), local.plus(tangents.times(leaves)),
                jacobian_orders(shapes_of_levels(inputs)), bound_of(single, inputs), paths, visits,
                {"reverse": len(order) + len(live), "forward_mode": 2 * most_alive(order)})


def live_nodes(order: list[Value]) -> set[Value]:
    """Those that want a gradient, and lead to a leaf."""
    live: set[Value] = set()
    for node in order:
        if not node.is_constant and (not node.parents or not live.isdisjoint(node.parents)):
            live.add(node)
    return live


def summed(counts: Iterable[Operations]) -> Operations:
    return Operations(*[sum(column) for column in zip(Operations(), *counts)])


def bound_of(single: dict[Value, tuple[Operations, Operations]], inputs: dict[Value, list[Value]]) -> float:
    """The most that value and gradient may cost, as a multiple of the value: an arrow is two operations at most."""
    return max([(forward.together + local.together + 2 * len(inputs.get(node, ()))) / forward.together
                for node, (forward, local) in single.items()], default=1.0)


def paths_and_visits(inputs: dict[Value, list[Value]]) -> tuple[int, int]:
    """How many paths lead from the last node to the leaves, and how many nodes lie on them, again on every path."""
    paths: dict[Value, int] = {}
    visits: dict[Value, int] = {}
    for node, parents in inputs.items():
        paths[node] = sum(paths[p] for p in parents) if parents else 1
        visits[node] = 1 + sum(visits[p] for p in parents)
    return paths[node], visits[node]


def most_alive(order: list[Value]) -> int:
    """How many numbers there are at most that were computed and are still needed, in the order of the graph."""
    last = {parent: i for i, node in enumerate(order) for parent in node.parents}
    ends = Counter(last.values())
    alive = most = 0
    for i in range(len(order)):
        alive += 1
        most = max(most, alive)
        alive -= ends[i]
    return most


# ---- products of Jacobians --------------------------------------------------------------------------------


class JacobianOrders(NamedTuple):
    """What the products of a chain of Jacobians cost, one after the other, in both orders."""

    left_to_right: tuple[Operations, ...]
    right_to_left: tuple[Operations, ...]

    @property
    def reverse(self) -> Operations:
        """All products from left to right: reverse mode."""
        return summed(self.left_to_right)

    @property
    def forward(self) -> Operations:
        """All products from right to left: forward mode."""
        return summed(self.right_to_left)

    def as_dict(self) -> dict[str, Any]:
        """Both orders as plain data, for JSON."""
        return {"left_to_right": self.reverse.as_dict(), "right_to_left": self.forward.as_dict()}


def jacobian_orders(shapes: Sequence[tuple[int, int]]) -> JacobianOrders:
    """The cost of multiplying a chain of Jacobians: (k × l) by (l × m) is klm multiplications and km(l - 1) additions.

    shapes   (rows, columns) of each, that of the output first

    Raises ValueError where neighbours do not fit; TypeError for what is no shape.

    >>> orders = jacobian_orders([(1, 1), (1, 2), (2, 2), (2, 2)])
    >>> orders.reverse.together, orders.forward.together
    (14, 20)
    """
    for i, shape in enumerate(shapes):
        if not isinstance(shape, Sequence) or len(shape) != 2:
            raise TypeError(f"shapes[{i}] must be (rows, columns), got {short_repr(shape)}")
    chain = [(checked_whole("rows", k), checked_whole("columns", m)) for k, m in shapes]
    if not chain:
        raise ValueError("there are no Jacobians: give their shapes, such as [(1, 2), (2, 3)]")
    for i, ((_, m), (k, _)) in enumerate(pairwise(chain)):
        if m != k:
            raise ValueError(f"shapes[{i}] has {m} columns, but shapes[{i + 1}] has {k} rows: {short_repr(chain)}")
    left, right = chain[0][0], chain[-1][1]
    return JacobianOrders(tuple([product_cost(left, k, m) for k, m in chain[1:]]),
                          tuple([product_cost(k, m, right) for k, m in chain[-2::-1]]))


def product_cost(k: int, l: int, m: int) -> Operations:     # noqa: E741, the lecture's letters
    """What (k × l) by (l × m) costs.

    >>> product_cost(2, 3, 4).together, 2 * 4 * (2 * 3 - 1)
    (40, 40)
    """
    return Operations(additions=k * m * (l - 1), multiplications=k * l * m)


def shapes_of_levels(inputs: dict[Value, list[Value]]) -> list[tuple[int, int]]:
    """The shapes of the Jacobians of a graph, each of all numbers needed after a level by all needed before it."""
    level: dict[Value, int] = {}
    until: dict[Value, int] = {}                        # the last level after which it is needed
    for node, parents in inputs.items():
        level[node] = until[node] = 1 + max([level[p] for p in parents], default=-1)
        for parent in parents:
            until[parent] = max(until[parent], level[node] - 1)
    changes = Counter(level.values())
    changes.subtract(last + 1 for last in until.values())
    widths = [changes[0]]
    for k in range(1, level[node] + 1):
        widths.append(widths[-1] + changes[k])
    return [(rows, columns) for columns, rows in pairwise(widths)][::-1] or [(1, 1)]


def counted(n: int, one: str, many: str = "") -> str:
    """A number with its noun; one beyond counting is rounded.

    >>> counted(1, "path"), counted(131071, "node"), counted(2 ** 400, "path")
    ('1 path', '131,071 nodes', 'about 2.6 · 10^120 (2^400) paths')
    """
    return f"{count_text(n)} {one if n == 1 else many or one + 's'}"
