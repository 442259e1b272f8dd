"""A number that remembers how it was made.

An expression of Values computes its result at once and grows a graph as it goes: every
result keeps its parents and the local gradient by each of them.  `backward` walks that
graph from the result to the leaves and applies the chain rule, one edge at a time.
"""

import gc
import operator
import os
from collections import deque
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import chain
from numbers import Real
from operator import attrgetter
from typing import Any

from . import errors, more_ops, ops
from .arrays import ArrayMet, is_array
from .by_hand import checked_name, edges_by_hand, is_by_hand, mark, set_scopes
from .copies import copied, deeply_copied, flatten, rebuilt
from .elsewhere import OF_VALUES, Missing, sign_of
from .errors import DomainError
from .graph import check_leaves, leaves_in, topological_order, walked_back
from .messages import describe, named_operands
from .number import number
from .numpy_bridge import NUMPY_NAMES, apply_ufunc
from .op import LEAF, OPS, Mark, Op, listeners
from .origin import Origin, add_origin
from .recorders import stand_in

engine_name = "pure"
CONSTANT: dict[str, Any] = {"is_constant": True}            # shared by all plain numbers in graphs
NO_GRADIENT = ("nothing here needs a gradient: this result was made from plain numbers, "
               "or under no_grad(), or by detach()")


class Value:
    """A node of the computation graph: a number, and how it was made.

    data           the number, a float
    grad           d(output)/d(self), filled in by `backward`
    parents        the nodes it was computed from
    local_grads    d(self)/d(parent), one per parent, in the same order
    op             the name of the operation, "" for a leaf
    label          the name shown in pictures and steps

    `Value(2.0)` is a leaf: `backward` adds to its grad.  A plain number that meets a Value is
    a constant: it is drawn, but gets no gradient.  Parents and local gradients may be given
    by hand, for a node of your own making.

    >>> x, y, z = Value(-2), Value(5), Value(-4)
    >>> f = (x + y) * z
    >>> f.backward()
    >>> f.data, x.grad, y.grad, z.grad
    (-12.0, -4.0, -4.0, 3.0)
    """

    __slots__ = ("_data", "_grad", "_parents", "_local_grads", "_operation", "_extra")

    _data: float
    _grad: float
    _parents: "tuple[Value, ...]"
    _local_grads: tuple[float, ...]
    _operation: Op | Mark
    _extra: "dict[str, Any] | None"         # what is rare: label, scope, constants, is_constant, origin

    def __init__(self, data: Any, parents: "Iterable[Value]" = (), local_grads: Iterable[float] = (),
                 op: str = "", label: str = ""):
        self._data = data if type(data) is float else number(data)
        self._grad = 0.0
        self._parents = self._local_grads = ()
        self._operation, self._extra = LEAF, None
        if is_by_hand(parents, local_grads, op):
            self._parents, self._local_grads = edges_by_hand(parents, local_grads)
            self._operation = mark(op)
        if label:
            self.label = label
        if tracing():
            add_origin(self)

    parents = property(attrgetter("_parents"), doc="The nodes this one was computed from.")

    @property
    def grad(self) -> float:
        """d(output)/d(self), as `backward` left it."""
        return self._grad

    @grad.setter
    def grad(self, new: Any) -> None:
        self._grad = new if type(new) is float else number(new)

    @property
    def data(self) -> float:
        """The number."""
        return self._data

    @data.setter
    def data(self, new: Any) -> None:
        if self._parents:
            raise AttributeError(f"the data of a computed node cannot be set: this one is {describe(self)}; "
                                 "set a leaf's data and compute again")
        self._data = number(new)

    @property
    def local_grads(self) -> tuple[float, ...]:
        """d(self)/d(parent), one per parent."""
        return tuple(map(float, self._local_grads))

    @property
    def op(self) -> str:
        """The name of the operation that made this node, "" for a leaf."""
        return self._operation.name

    @property
    def constants(self) -> dict[str, float]:
        """The constants of that operation, such as the n of x**n."""
        return dict(self._extra.get("constants", ())) if self._extra else {}

    @property
    def is_constant(self) -> bool:
        """Is this a number that gets no gradient?  Set it to freeze a leaf, or to wake it again."""
        return self._extra is not None and "is_constant" in self._extra

    @is_constant.setter
    def is_constant(self, frozen: bool) -> None:
        if self._parents:
            raise AttributeError(f"only a leaf can be frozen, and this is {describe(self)}: write v.detach()")
        others = {key: x for key, x in (self._extra or {}).items() if key != "is_constant"}
        self._extra = ({**others, **CONSTANT} if frozen else others) or None

    @property
    def scope(self) -> str:
        """The part of a network this node belongs to, such as "layer 0, neuron 1"; pictures fold by it."""
        return self._extra.get("scope", "") if self._extra else ""

    @scope.setter
    def scope(self, new: str) -> None:
        self.note("scope", checked_name("scope", new))

    @property
    def origin(self) -> Origin | None:
        """The line this node was made at, if that was inside `with trace_origin():`."""
        return self._extra.get("origin") if self._extra else None

    @property
    def label(self) -> str:
        """The name shown in pictures and steps."""
        return self._extra.get("label", "") if self._extra else ""

    @label.setter
    def label(self, new: str) -> None:
        self.note("label", checked_name("label", new))

    _prev = property(lambda self: set(self.parents), doc="The parents as a set, as micrograd has them.")
    _op = property(sign_of, doc="The operation as micrograd writes it, such as + or **2.")

    def note(self, key: str, x: Any) -> None:
        """Keep something of this node that few have; nodes that have only this share one dict."""
        self._extra = {**self._extra, key: x} if self._extra else shared_extra(key, x)

    # ---- operators

    # A `recorder` does what `record(ops.add, self, other)`, further below, does, only faster (see `recorders.py`).
    def __add__(self, other): return ops.add.recorder(self, other)
    def __radd__(self, other): return ops.add.recorder(other, self)
    def __sub__(self, other): return ops.sub.recorder(self, other)
    def __rsub__(self, other): return ops.sub.recorder(other, self)
    def __mul__(self, other): return ops.mul.recorder(self, other)
    def __rmul__(self, other): return ops.mul.recorder(other, self)
    def __truediv__(self, other): return ops.div.recorder(self, other)
    def __rtruediv__(self, other): return ops.div.recorder(other, self)
    def __mod__(self, other): return more_ops.remainder.recorder(self, other)
    def __rmod__(self, other): return more_ops.remainder.recorder(other, self)
    def __floordiv__(self, other): return more_ops.floor_divide.recorder(self, other)
    def __rfloordiv__(self, other): return more_ops.floor_divide.recorder(other, self)
    def __divmod__(self, other): return self // other, self % other
    def __rdivmod__(self, other): return other // self, other % self
    def __neg__(self): return ops.neg.recorder(self)
    def __pos__(self): return ops.identity.recorder(self)
    def __abs__(self): return ops.abs.recorder(self)

    def __rpow__(self, other, modulus=None):
        return ops.pow.recorder(other, self) if modulus is None else NotImplemented

    def __pow__(self, other, modulus=None):
        if modulus is not None:
            return NotImplemented
        if type(other) not in (int, float) and (isinstance(other, Value) or is_array(other)):
            return ops.pow.recorder(self, other)
        n = number(other)
        return ops.square.recorder(self) if n == 2.0 else ops.power.recorder(self, n)

    def __lt__(self, other): return compared(operator.lt, self, other)
    def __le__(self, other): return compared(operator.le, self, other)
    def __gt__(self, other): return compared(operator.gt, self, other)
    def __ge__(self, other): return compared(operator.ge, self, other)

    def __eq__(self, other):
        if isinstance(other, Real) or type(other).__name__ == "Decimal":
            raise TypeError(f"== between a Value and a number: compare v.data == {other!r}, or use tg.equal")
        return True if self is other else NotImplemented

    __hash__ = object.__hash__

    def __bool__(self):
        raise TypeError("a Value is neither true nor false: compare it, as in v > 0, or use v.data")

    def __float__(self):
        raise TypeError("float(v), int(v), round(v), math.floor(v) and math's other functions would cut the graph: "
                        "use v.data, or this library's functions: tg.floor(v), tg.ceil(v), tg.round(v), tg.exp(v) ...")

    __int__ = __complex__ = __index__ = __floor__ = __ceil__ = __trunc__ = __float__

    def __round__(self, digits=None): self.__float__()

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        return f"Value(data={self._data!r}, grad={self.grad!r}{label})"

    def __dir__(self) -> list[str]:
        return [name for name in object.__dir__(self) if name not in OF_VALUES]

    def __format__(self, spec: str) -> str:
        return format(self._data, spec) if spec else str(self)

    # ---- gradients

    def backward(self, seed: float = 1.0) -> None:
        """Set `grad` to d(self)/d(node) on every node that `self` was made from.

        seed   what d(self)/d(self) is taken to be

        The chain rule, one edge at a time: what reaches a parent is what arrived at its child,
        times the local gradient.  A parent used twice receives twice, so we add.  Nodes come in
        reverse topological order, so each has received everything before it passes it on.

        Leaves keep what earlier calls left there; set `grad` to 0.0, or call `zero_grad`, before
        a new pass.  This pass is summed from zero and added to them only at the very end: an
        error, or Ctrl-C, leaves every node as it was.

        Raises GradientError where a derivative that is inf or nan would reach a leaf, and
        RuntimeError where there is no leaf to reach.
        """
        seed = checked_seed(seed)
        if self.is_constant:
            raise RuntimeError(NO_GRADIENT)
        order = topological_order(self)
        arrived, unreached = walked_back(order, seed)
        total = sum(arrived.values())
        if errors.strict.get() and total - total:       # one is inf or nan, or only their sum is too large
            check_leaves(order, arrived)
        arrived.update((node, 0.0) for node in unreached if not node.is_constant)
        publish(arrived)

    def zero_grad(self) -> None:
        """Forget the gradients of this node and of all it was made from."""
        nodes = topological_order(self)
        deque(map(set_grad, nodes, [0.0] * len(nodes)), maxlen=0)

    def detach(self) -> "Value":
        """The same number as a constant: no gradient flows through it."""
        twin = constant(self._data)
        if tracing():
            add_origin(twin)
        return twin

    def item(self) -> float:
        """The number, as `data`; arrays and tensors elsewhere call it so."""
        return self._data

    def conjugate(self) -> "Value":
        """The number itself, which is real; numpy's var and std ask for it."""
        return self

    # ---- recording, numpy, copies: the engine's side of it

    @staticmethod
    def record(op: Op, /, *inputs: Any, **constants: Any) -> Any:
        """Apply an op to Values and numbers; `Op.__call__` sends them here."""
        is_usual = len(inputs) == op.plain_inputs and not constants
        if not is_usual and (len(inputs) != len(op.inputs) or [*constants] != [*op.constants]):
            inputs, constants = op.arguments(inputs, constants)         # which sorts or refuses them
        return op.recorder(*inputs, *constants.values()) if op.recorder else record(op, *inputs, **constants)

    set_scopes = staticmethod(set_scopes)
    record_each = staticmethod(lambda op, row: [record(op, row, index=float(i)) for i in range(len(row))])

    @staticmethod
    def method_of(op: Op) -> "Callable[[Value], Value]":
        """A method that applies an op of one input."""
        def method(self, *others, **constants):
            usual = type(self) is Value and not others and not constants
            return op.recorder(self) if usual else op(self, *others, **constants)
        return method

    @staticmethod
    def apply_named(name: str, *inputs: Any) -> Any:
        """A function of the rules' vocabulary on Values: how rules run on them."""
        return inputs[0] ** inputs[1] if name == "pow" else OPS[name](*inputs)

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        return apply_ufunc(ufunc, method, inputs, options, pow)

    def __array_function__(self, function, types, args, options):
        if function.__name__ not in OPS or options:
            raise TypeError(f"numpy.{function.__name__} has no counterpart for Values: use tinygrad_edu's functions")
        return OPS[function.__name__](*args)

    @property
    def is_plain(self) -> bool:
        """Is this a number that met an operator, and nothing is known of it but that?"""
        return self._extra is CONSTANT

    @staticmethod
    def restored(kind: type, data: float, grad: float, parents: "tuple[Value, ...]", local_grads: tuple,
                 op: Op | Mark, extra: "dict[str, Any] | None") -> "Value":
        """A node as it was: what copies and pickles are made by."""
        node: Value = new(kind)
        node._data, node._grad, node._parents, node._local_grads = data, grad, parents, local_grads
        node._operation, node._extra = op, extra
        return node

    def __copy__(self): return copied(self, self._parents)
    def __deepcopy__(self, memo): return deeply_copied(topological_order(self), memo)
    def __reduce__(self): return unflatten, (flatten(topological_order(self), Value),)


new = Value.__new__
recording, tracing, plain_recording = errors.recording.get, errors.tracing.get, errors.plain_recording.get
set_grad = vars(Value)["_grad"].__set__


# ---- where the graph grows ------------------------------------------------------------------------


def record(op: Op, /, *inputs: Any, **constants: float) -> Any:
    """Apply `op` to Values or numbers, or rows of them, and remember how."""
    try:
        rows = inputs if op.rows else (inputs,)
        parents = tuple([x if type(x) is Value else constant(x) for row in rows for x in row])
    except ArrayMet:
        return NotImplemented
    data, local_grads = evaluate_or_explain(op, parents, constants)
    return make_node(op, data, parents, op.one_by_one(local_grads), constants)


def evaluate_or_explain(op: Op, parents: tuple, constants: dict) -> tuple[float, Any]:
    """`Op.evaluate`, naming the operands, and the lines they were made at, where it raises."""
    try:
        return op.evaluate(*op.in_rows([x._data for x in parents]), **constants)
    except DomainError as error:
        named = named_operands(op, parents, error.digits)
        raise type(error)(f"{error} ({named})" if named else str(error)) from None


def make_node(op: Op, data: Any, parents: tuple, local_grads: Any, constants: dict | None = None) -> Value:
    """A new node: a constant if all its parents are, and without parents where nothing is recorded."""
    if not plain_recording() and not recording():
        return constant(data)
    node = new(Value)
    node._data = data if type(data) is float else float(data)
    node._grad = 0.0
    node._parents = parents
    node._local_grads = local_grads
    node._operation = op
    node._extra = {"constants": constants} if constants else None
    for parent in parents:
        if parent._extra is None or not parent.is_constant:
            break
    else:
        node._local_grads = ()
        node._extra = {**CONSTANT, "constants": constants} if constants else dict(CONSTANT)
    if not plain_recording() and tracing():
        add_origin(node)
    return node


@lru_cache(maxsize=4096)
def shared_extra(key: str, x: Any) -> dict[str, Any]:
    """What is rare of a node, where that is one thing; the dict is shared and never changed."""
    return {key: x}


def constant(x: Any, label: str = "") -> Value:
    """A plain number as a node that is drawn, with this label, but gets no gradient; a Value stays what it is."""
    if type(x) is not float:
        if isinstance(x, Value):
            return x
        if is_array(x):
            raise ArrayMet
        x = number(x)
    node = new(Value)
    node._data = x
    node._grad = 0.0
    node._parents = node._local_grads = ()
    node._operation = LEAF
    node._extra = {**CONSTANT, "label": label} if label else CONSTANT
    return node


def pow(x: Any, y: Any) -> Any:
    """x to the power y; the same as `x ** y` where one is a Value.

    A number as the exponent is a constant; a Value gets a gradient of its own.

    >>> pow(2.0, 10.0)
    1024.0
    """
    if isinstance(x, Value) or isinstance(y, Value):
        return x ** y
    return ops.pow(x, y)


def add_method(op: Op) -> None:
    """Make `tanh(x)` also `x.tanh()`, for every op as it is declared."""
    if op.rows:
        return
    if engine_name == "pure":
        op.recorder = stand_in(op, globals())
    known = getattr(Value, op.name, None)
    if known is not None and not hasattr(known, "op"):
        raise ValueError(f"{op.name!r} is already something else on a Value: choose another name for the op")

    def general(self, *others, **constants):
        return op(self, *others, **constants)
    method: Any = Value.method_of(op) if len(op.inputs) == 1 and not op.constants else general
    method.__name__, method.__doc__, method.__signature__ = op.name, op.__doc__, op.__signature__
    method.op = op
    for name in (op.name, *[n for n, ours in NUMPY_NAMES.items() if ours == op.name and n.startswith(("arc", "rint"))]):
        setattr(Value, name, method)        # numpy calls v.arcsin() and v.rint() for the elements of an array


def compared(test: Any, v: Value, other: Any) -> Any:
    """A comparison of data, for control flow: a plain bool."""
    if is_array(other):
        return NotImplemented
    if isinstance(other, Value):
        return test(v._data, other._data)
    return test(v._data, other if type(other) in (int, float) else number(other))


# ---- all of a graph, all at once ---------------------------------------------------------------------


def leaves(output: Value) -> list[Value]:
    """The nodes `output` was made from that have no parents and want a gradient, in order of use.

    >>> x, y = Value(1.0, label="x"), Value(2.0, label="y")
    >>> [leaf.label for leaf in leaves(y * x + 3 * y)]
    ['y', 'x']
    """
    return leaves_in(topological_order(output))


def checked_seed(seed: Any) -> float:
    seed = number(seed)
    if seed - seed:
        raise ValueError(f"the seed of backward must be a finite number, got {seed}")
    return seed


def publish(arrived: dict[Value, float]) -> None:
    """Give every node its gradient, all at once: neither an interrupt nor another thread comes in between.

    Of a leaf it is added to what is there; another thread may have added to it a moment ago.
    """
    leaves = [node for node in arrived if not node._parents]
    sums = map(operator.add, map(attrgetter("_grad"), leaves), list(map(arrived.pop, leaves)))
    deque(chain(map(set_grad, arrived, arrived.values()), map(set_grad, leaves, sums)), maxlen=0)


def live_values() -> int:
    """How many Values exist at this moment.

    A number that keeps growing from step to step shows that something, a running sum of losses
    for instance, keeps old graphs alive.
    """
    return len([x for x in gc.get_objects() if issubclass(type(x), Value)])


def unflatten(rows: list) -> Value:
    """A node and its graph out of a pickle."""
    return rebuilt(rows, Value)


# ---- the compiled twin, where it was built ---------------------------------------------------------------

pure_is_wanted = os.environ.get("TINYGRAD_EDU_PURE", "").strip().lower() not in ("", "0", "no", "false")

if not pure_is_wanted:
    try:
        from ..native._native import Value, constant, live_values, topological_order  # type: ignore  # noqa: F401
        engine_name = "native"
    except ModuleNotFoundError as error:
        if error.name not in ("tinygrad_edu.native", "tinygrad_edu.native._native"):
            raise                                           # it is there, but lacks something
    except ImportError as error:
        if "one interpreter per process" not in str(error) and "in subinterpreters" not in str(error):
            raise

for missing in OF_VALUES:
    setattr(Value, missing, Missing("Value", missing, OF_VALUES[missing]))
for declared in OPS.values():
    add_method(declared)
listeners.append(add_method)
