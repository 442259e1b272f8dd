"""Written by tests/stubs.py.  Do not change it: say `python tests/stubs.py --write`."""

from collections.abc import Callable, Iterable
from typing import Any, overload

from .kinds import Array, Arrays, Number, Numbers, Operand, Operands
from .op import Mark, Op
from .origin import Origin

engine_name: str

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
    def __init__(self, data: Number, parents: Iterable[Value] = (), local_grads: Iterable[float] = (), op: str = '', label: str = '') -> None: ...
    @property
    def parents(self) -> tuple[Value, ...]:
        """The nodes this one was computed from."""
    @property
    def grad(self) -> float:
        """d(output)/d(self), as `backward` left it."""
    @grad.setter
    def grad(self, new: Number) -> None: ...
    @property
    def data(self) -> float:
        """The number."""
    @data.setter
    def data(self, new: Number) -> None: ...
    @property
    def local_grads(self) -> tuple[float, ...]:
        """d(self)/d(parent), one per parent."""
    @property
    def op(self) -> str:
        """The name of the operation that made this node, "" for a leaf."""
    @property
    def constants(self) -> dict[str, float]:
        """The constants of that operation, such as the n of x**n."""
    @property
    def is_constant(self) -> bool:
        """Is this a number that gets no gradient?  Set it to freeze a leaf, or to wake it again."""
    @is_constant.setter
    def is_constant(self, new: bool) -> None: ...
    @property
    def scope(self) -> str:
        """The part of a network this node belongs to, such as "layer 0, neuron 1"; pictures fold by it."""
    @scope.setter
    def scope(self, new: str) -> None: ...
    @property
    def origin(self) -> Origin | None:
        """The line this node was made at, if that was inside `with trace_origin():`."""
    @property
    def label(self) -> str:
        """The name shown in pictures and steps."""
    @label.setter
    def label(self, new: str) -> None: ...
    @property
    def _prev(self) -> set[Value]:
        """The parents as a set, as micrograd has them."""
    @property
    def _op(self) -> str:
        """The operation as micrograd writes it, such as + or **2."""
    def note(self, key: str, x: Any) -> None:
        """Keep something of this node that few have; nodes that have only this share one dict."""
    @overload
    def __add__(self, other: Operand) -> Value: ...
    @overload
    def __add__(self, other: Array) -> Arrays: ...
    @overload
    def __radd__(self, other: Operand) -> Value: ...
    @overload
    def __radd__(self, other: Array) -> Arrays: ...
    @overload
    def __sub__(self, other: Operand) -> Value: ...
    @overload
    def __sub__(self, other: Array) -> Arrays: ...
    @overload
    def __rsub__(self, other: Operand) -> Value: ...
    @overload
    def __rsub__(self, other: Array) -> Arrays: ...
    @overload
    def __mul__(self, other: Operand) -> Value: ...
    @overload
    def __mul__(self, other: Array) -> Arrays: ...
    @overload
    def __rmul__(self, other: Operand) -> Value: ...
    @overload
    def __rmul__(self, other: Array) -> Arrays: ...
    @overload
    def __truediv__(self, other: Operand) -> Value: ...
    @overload
    def __truediv__(self, other: Array) -> Arrays: ...
    @overload
    def __rtruediv__(self, other: Operand) -> Value: ...
    @overload
    def __rtruediv__(self, other: Array) -> Arrays: ...
    @overload
    def __mod__(self, other: Operand) -> Value: ...
    @overload
    def __mod__(self, other: Array) -> Arrays: ...
    @overload
    def __rmod__(self, other: Operand) -> Value: ...
    @overload
    def __rmod__(self, other: Array) -> Arrays: ...
    @overload
    def __floordiv__(self, other: Operand) -> Value: ...
    @overload
    def __floordiv__(self, other: Array) -> Arrays: ...
    @overload
    def __rfloordiv__(self, other: Operand) -> Value: ...
    @overload
    def __rfloordiv__(self, other: Array) -> Arrays: ...
    @overload
    def __divmod__(self, other: Operand) -> tuple[Value, Value]: ...
    @overload
    def __divmod__(self, other: Array) -> tuple[Arrays, Arrays]: ...
    @overload
    def __rdivmod__(self, other: Operand) -> tuple[Value, Value]: ...
    @overload
    def __rdivmod__(self, other: Array) -> tuple[Arrays, Arrays]: ...
    def __neg__(self) -> Value: ...
    def __pos__(self) -> Value: ...
    def __abs__(self) -> Value: ...
    @overload
    def __rpow__(self, other: Operand, modulus: None = None) -> Value: ...
    @overload
    def __rpow__(self, other: Array, modulus: None = None) -> Arrays: ...
    @overload
    def __pow__(self, other: Operand, modulus: None = None) -> Value: ...
    @overload
    def __pow__(self, other: Array, modulus: None = None) -> Arrays: ...
    @overload
    def __lt__(self, other: Operand) -> bool: ...
    @overload
    def __lt__(self, other: Array) -> Arrays: ...
    @overload
    def __le__(self, other: Operand) -> bool: ...
    @overload
    def __le__(self, other: Array) -> Arrays: ...
    @overload
    def __gt__(self, other: Operand) -> bool: ...
    @overload
    def __gt__(self, other: Array) -> Arrays: ...
    @overload
    def __ge__(self, other: Operand) -> bool: ...
    @overload
    def __ge__(self, other: Array) -> Arrays: ...
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...
    def __repr__(self) -> str: ...
    def __dir__(self) -> list[str]: ...
    def __format__(self, spec: str) -> str: ...
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
    def zero_grad(self) -> None:
        """Forget the gradients of this node and of all it was made from."""
    def detach(self) -> Value:
        """The same number as a constant: no gradient flows through it."""
    def item(self) -> float:
        """The number, as `data`; arrays and tensors elsewhere call it so."""
    def conjugate(self) -> Value:
        """The number itself, which is real; numpy's var and std ask for it."""
    @staticmethod
    def record(op: Op, /, *inputs: Any, **constants: Any) -> Any:
        """Apply an op to Values and numbers; `Op.__call__` sends them here."""
    @staticmethod
    def set_scopes(nodes: Iterable[Any], scope: str) -> None:
        """Say of several nodes at once which part of a network they belong to, as `scope` says it of one."""
    @staticmethod
    def record_each(op, row) -> None: ...
    @staticmethod
    def method_of(op: Op) -> Callable[[Value], Value]:
        """A method that applies an op of one input."""
    @staticmethod
    def apply_named(name: str, *inputs: Any) -> Any:
        """A function of the rules' vocabulary on Values: how rules run on them."""
    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any: ...
    @property
    def is_plain(self) -> bool:
        """Is this a number that met an operator, and nothing is known of it but that?"""
    @staticmethod
    def restored(kind: type, data: float, grad: float, parents: tuple[Value, ...], local_grads: tuple, op: Op | Mark, extra: dict[str, Any] | None) -> Value:
        """A node as it was: what copies and pickles are made by."""
    def __copy__(self) -> Value: ...
    def __deepcopy__(self, memo: dict[int, Any]) -> Value: ...
    @overload
    def add(self, y: Operand) -> Value:  # type: ignore[overload-overlap]
        """x + y.

        * f = x + y
        * ∂f/∂x = 1
        * ∂f/∂y = 1
        """
    @overload
    def add(self, y: Operand | Array) -> Arrays: ...
    @overload
    def sub(self, y: Operand) -> Value:  # type: ignore[overload-overlap]
        """x - y.

        * f = x - y
        * ∂f/∂x = 1
        * ∂f/∂y = -1
        """
    @overload
    def sub(self, y: Operand | Array) -> Arrays: ...
    @overload
    def mul(self, y: Operand) -> Value:  # type: ignore[overload-overlap]
        """x * y.

        * f = x * y
        * ∂f/∂x = y
        * ∂f/∂y = x
        """
    @overload
    def mul(self, y: Operand | Array) -> Arrays: ...
    @overload
    def div(self, y: Operand) -> Value:  # type: ignore[overload-overlap]
        """x / y.

        * f = x / y
        * ∂f/∂x = 1 / y
        * ∂f/∂y = -x / y**2
        """
    @overload
    def div(self, y: Operand | Array) -> Arrays: ...
    def neg(self) -> Value:
        """-x.

        * f = -x
        * ∂f/∂x = -1
        """
    def identity(self) -> Value:
        """x itself, as a node of its own: what `z = x` makes in an expression, and `+x`.

        * f = x
        * ∂f/∂x = 1
        """
    def square(self) -> Value:
        """x², as the product x * x; what `x ** 2` records.

        * f = x**2
        * ∂f/∂x = 2 * x

        >>> square(3.0)
        9.0
        """
    def power(self, n: Number) -> Value:
        """x**n for a number n; negative x needs a whole n.

        * f = x**n
        * ∂f/∂x = n * x**(n - 1)

        >>> power(2.0, n=3)
        8.0
        """
    @overload
    def pow(self, y: Operand) -> Value:  # type: ignore[overload-overlap]
        """x**y where both get a gradient.  Negative x needs a whole y, and has no slope in y.

        * f = x**y
        * ∂f/∂x = y * x**(y - 1)
        * ∂f/∂y = f * log(x)
        """
    @overload
    def pow(self, y: Operand | Array) -> Arrays: ...
    def abs(self) -> Value:
        """|x|.  At the kink the gradient is 0, the smallest subgradient.

        * f = abs(x)
        * ∂f/∂x = sign(x)
        """
    def sign(self) -> Value:
        """1, 0 or -1.

        * f = sign(x)
        * ∂f/∂x = 0
        """
    def sqrt(self) -> Value:
        """The square root.  At 0 the slope is infinite.

        * f = sqrt(x)
        * ∂f/∂x = 1 / (2 * f)
        """
    def cbrt(self) -> Value:
        """The real cube root, also of negative numbers.  At 0 the slope is infinite.

        * f = cbrt(x)
        * ∂f/∂x = 1 / (3 * f**2)

        >>> cbrt(-8.0)
        -2.0
        """
    @overload
    def hypot(self, y: Operand) -> Value:  # type: ignore[overload-overlap]
        """√(x² + y²), the length of the vector (x, y).  At (0, 0) both gradients are 0.

        * f = sqrt(x**2 + y**2)
        * ∂f/∂x = x / f if f > 0 else 0
        * ∂f/∂y = y / f if f > 0 else 0

        >>> hypot(3.0, 4.0)
        5.0
        """
    @overload
    def hypot(self, y: Operand | Array) -> Arrays: ...
    def exp(self) -> Value:
        """e to the power x.

        * f = exp(x)
        * ∂f/∂x = f
        """
    def exp2(self) -> Value:
        """2 to the power x.

        * f = exp2(x)
        * ∂f/∂x = f * log(2)
        """
    def expm1(self) -> Value:
        """exp(x) - 1, without losing digits near 0.

        * f = expm1(x)
        * ∂f/∂x = exp(x)
        """
    @overload
    def log(self, base: Operand = 2.718281828459045) -> Value:  # type: ignore[overload-overlap]
        """The natural logarithm.

        * f = log(x)
        * ∂f/∂x = 1 / x
        """
    @overload
    def log(self, base: Operand | Array = 2.718281828459045) -> Arrays: ...
    def log2(self) -> Value:
        """The logarithm to base 2.

        * f = log2(x)
        * ∂f/∂x = 1 / (x * log(2))
        """
    def log10(self) -> Value:
        """The logarithm to base 10.

        * f = log10(x)
        * ∂f/∂x = 1 / (x * log(10))
        """
    def log1p(self) -> Value:
        """log(1 + x), without losing digits near 0.

        * f = log1p(x)
        * ∂f/∂x = 1 / (1 + x)
        """
    def sin(self) -> Value:
        """The sine of x radians.

        * f = sin(x)
        * ∂f/∂x = cos(x)
        """
    def cos(self) -> Value:
        """The cosine of x radians.

        * f = cos(x)
        * ∂f/∂x = -sin(x)
        """
    def tan(self) -> Value:
        """The tangent of x radians.

        * f = tan(x)
        * ∂f/∂x = 1 + f**2
        """
    def sinc(self) -> Value:
        """sin(x) / x, and 1 at 0.

        * f = 1 if x == 0 else sin(x) / x
        * ∂f/∂x = 0 if x == 0 else (cos(x) - f) / x

        >>> sinc(0.0)
        1.0
        """
    def asin(self) -> Value:
        """The angle whose sine is x.  At -1 and 1 the slope is infinite.

        * f = asin(x)
        * ∂f/∂x = 1 / sqrt(1 - x**2)
        """
    def arcsin(self) -> Value:
        """The angle whose sine is x.  At -1 and 1 the slope is infinite.

        * f = asin(x)
        * ∂f/∂x = 1 / sqrt(1 - x**2)
        """
    def acos(self) -> Value:
        """The angle whose cosine is x.  At -1 and 1 the slope is infinite.

        * f = acos(x)
        * ∂f/∂x = -1 / sqrt(1 - x**2)
        """
    def arccos(self) -> Value:
        """The angle whose cosine is x.  At -1 and 1 the slope is infinite.

        * f = acos(x)
        * ∂f/∂x = -1 / sqrt(1 - x**2)
        """
    def atan(self) -> Value:
        """The angle whose tangent is x.

        * f = atan(x)
        * ∂f/∂x = 1 / (1 + x**2)
        """
    def arctan(self) -> Value:
        """The angle whose tangent is x.

        * f = atan(x)
        * ∂f/∂x = 1 / (1 + x**2)
        """
    @overload
    def atan2(self, x: Operand) -> Value:  # type: ignore[overload-overlap]
        """The angle of the point (x, y), from -pi to pi.  No gradient at (0, 0).

        * f = atan2(y, x)
        * ∂f/∂y = x / (x**2 + y**2)
        * ∂f/∂x = -y / (x**2 + y**2)
        """
    @overload
    def atan2(self, x: Operand | Array) -> Arrays: ...
    @overload
    def arctan2(self, x: Operand) -> Value:  # type: ignore[overload-overlap]
        """The angle of the point (x, y), from -pi to pi.  No gradient at (0, 0).

        * f = atan2(y, x)
        * ∂f/∂y = x / (x**2 + y**2)
        * ∂f/∂x = -y / (x**2 + y**2)
        """
    @overload
    def arctan2(self, x: Operand | Array) -> Arrays: ...
    def sinh(self) -> Value:
        """(exp(x) - exp(-x)) / 2.

        * f = sinh(x)
        * ∂f/∂x = cosh(x)
        """
    def cosh(self) -> Value:
        """(exp(x) + exp(-x)) / 2.

        * f = cosh(x)
        * ∂f/∂x = sinh(x)
        """
    def tanh(self) -> Value:
        """(exp(x) - exp(-x)) / (exp(x) + exp(-x)).

        * f = tanh(x)
        * ∂f/∂x = 1 - f**2
        """
    def asinh(self) -> Value:
        """The number whose sinh is x.

        * f = asinh(x)
        * ∂f/∂x = 1 / sqrt(1 + x**2)
        """
    def arcsinh(self) -> Value:
        """The number whose sinh is x.

        * f = asinh(x)
        * ∂f/∂x = 1 / sqrt(1 + x**2)
        """
    def acosh(self) -> Value:
        """The positive number whose cosh is x.  At 1 the slope is infinite.

        * f = acosh(x)
        * ∂f/∂x = 1 / sqrt(x**2 - 1)
        """
    def arccosh(self) -> Value:
        """The positive number whose cosh is x.  At 1 the slope is infinite.

        * f = acosh(x)
        * ∂f/∂x = 1 / sqrt(x**2 - 1)
        """
    def atanh(self) -> Value:
        """The number whose tanh is x.

        * f = atanh(x)
        * ∂f/∂x = 1 / (1 - x**2)
        """
    def arctanh(self) -> Value:
        """The number whose tanh is x.

        * f = atanh(x)
        * ∂f/∂x = 1 / (1 - x**2)
        """
    def erf(self) -> Value:
        """The error function, 2/√pi times the integral of exp(-t²) from 0 to x.

        * f = erf(x)
        * ∂f/∂x = 2 / sqrt(pi) * exp(-x**2)
        """
    def erfc(self) -> Value:
        """1 - erf(x), without losing digits where erf(x) is close to 1.

        * f = erfc(x)
        * ∂f/∂x = -2 / sqrt(pi) * exp(-x**2)
        """
    def gelu(self) -> Value:
        """x times the chance that a standard normal number is below x.  Hendrycks & Gimpel, 2016.

        * f = x * ((1 + erf(x / sqrt(2))) / 2)
        * ∂f/∂x = (1 + erf(x / sqrt(2))) / 2 + x * (exp(-x**2 / 2) / sqrt(2 * pi))

        >>> gelu(0.0)
        0.0
        """
    def relu(self) -> Value:
        """max(x, 0).  At the kink the gradient is 0, the smallest subgradient.

        * f = max(x, 0)
        * ∂f/∂x = 1 if x > 0 else 0

        >>> relu(-1.5), relu(1.5)
        (0.0, 1.5)
        """
    def leaky_relu(self, slope: Number = 0.01) -> Value:
        """x above 0, slope * x below.  0.01 is what most libraries use; the lecture's slope is 0.1.

        * f = x if x > 0 else slope * x
        * ∂f/∂x = 1 if x > 0 else slope

        >>> leaky_relu(-2.0), leaky_relu(-2.0, slope=0.1)
        (-0.02, -0.2)
        """
    def elu(self, alpha: Number = 1) -> Value:
        """x above 0, alpha * (exp(x) - 1) below.

        * f = x if x > 0 else alpha * expm1(x)
        * ∂f/∂x = 1 if x > 0 else alpha * exp(x)
        """
    def sigmoid(self) -> Value:
        """1 / (1 + exp(-x)), between 0 and 1.

        * f = 1 / (1 + exp(-x))
        * ∂f/∂x = f * (1 - f)
        """
    def log_sigmoid(self) -> Value:
        """log(sigmoid(x)), without ever taking the log of 0.

        * f = -log(1 + exp(-x))
        * ∂f/∂x = sigmoid(-x)
        """
    def softplus(self) -> Value:
        """log(1 + exp(x)), a smooth relu.

        * f = log(1 + exp(x))
        * ∂f/∂x = sigmoid(x)
        """
    def silu(self) -> Value:
        """x * sigmoid(x), also called swish.

        * f = x * sigmoid(x)
        * ∂f/∂x = sigmoid(x) * (1 + x * (1 - sigmoid(x)))
        """
    def softsign(self) -> Value:
        """x / (1 + |x|): a gentler tanh, whose tails flatten like 1/x instead of exp(-2x).

        * f = x / (1 + abs(x))
        * ∂f/∂x = 1 / (1 + abs(x))**2

        >>> softsign(3.0)
        0.75
        """
    @overload
    def maximum(self, y: Operand) -> Value:  # type: ignore[overload-overlap]
        """The larger of two.  Equal ones share the gradient, ½ each.

        * f = max(x, y)
        * ∂f/∂x = 1 if x > y else 1/2 if x == y else 0
        * ∂f/∂y = 1 if y > x else 1/2 if x == y else 0

        >>> maximum(2.0, 3.0)
        3.0
        """
    @overload
    def maximum(self, y: Operand | Array) -> Arrays: ...
    @overload
    def minimum(self, y: Operand) -> Value:  # type: ignore[overload-overlap]
        """The smaller of two.  Equal ones share the gradient, ½ each.

        * f = min(x, y)
        * ∂f/∂x = 1 if x < y else 1/2 if x == y else 0
        * ∂f/∂y = 1 if y < x else 1/2 if x == y else 0
        """
    @overload
    def minimum(self, y: Operand | Array) -> Arrays: ...
    def clip(self, low: Number, high: Number) -> Value:
        """x, but at least low and at most high.  At both ends the gradient is 1.

        * f = min(max(x, low), high)
        * ∂f/∂x = 0 if x < low else 0 if x > high else 1

        >>> clip(2.5, low=0, high=1)
        1.0
        """
    @overload
    def where(self, x: Operand, y: Operand) -> Value:  # type: ignore[overload-overlap]
        """x where the condition is not 0, else y; only the one chosen gets a gradient.

        * f = x if condition != 0 else y
        * ∂f/∂condition = 0
        * ∂f/∂x = 1 if condition != 0 else 0
        * ∂f/∂y = 0 if condition != 0 else 1

        Both are computed before `where` sees them, so log(0) raises even if it is not chosen:
        write log(where(greater(x, 0), x, 1)), not where(greater(x, 0), log(x), 0).

        >>> where(greater(2.0, 1.0), 10.0, 20.0)
        10.0
        """
    @overload
    def where(self, x: Operand | Array, y: Operand | Array) -> Arrays: ...
    def step(self) -> Value:
        """0 below 0, and 1 from 0 on.  Its gradient is 0: it jumps at 0, so it has no subgradient there.

        * f = 1 if x >= 0 else 0
        * ∂f/∂x = 0
        """
    @overload
    def greater(self, y: Operand) -> Value:  # type: ignore[overload-overlap]
        """1 if x > y, else 0; a condition for `where`.

        * f = x > y
        * ∂f/∂x = 0
        * ∂f/∂y = 0
        """
    @overload
    def greater(self, y: Operand | Array) -> Arrays: ...
    @overload
    def less(self, y: Operand) -> Value:  # type: ignore[overload-overlap]
        """1 if x < y, else 0; a condition for `where`.

        * f = x < y
        * ∂f/∂x = 0
        * ∂f/∂y = 0
        """
    @overload
    def less(self, y: Operand | Array) -> Arrays: ...
    @overload
    def greater_equal(self, y: Operand) -> Value:  # type: ignore[overload-overlap]
        """1 if x >= y, else 0; a condition for `where`.

        * f = x >= y
        * ∂f/∂x = 0
        * ∂f/∂y = 0
        """
    @overload
    def greater_equal(self, y: Operand | Array) -> Arrays: ...
    @overload
    def less_equal(self, y: Operand) -> Value:  # type: ignore[overload-overlap]
        """1 if x <= y, else 0; a condition for `where`.

        * f = x <= y
        * ∂f/∂x = 0
        * ∂f/∂y = 0
        """
    @overload
    def less_equal(self, y: Operand | Array) -> Arrays: ...
    @overload
    def equal(self, y: Operand) -> Value:  # type: ignore[overload-overlap]
        """1 if x equals y, else 0; a condition for `where`.

        * f = x == y
        * ∂f/∂x = 0
        * ∂f/∂y = 0
        """
    @overload
    def equal(self, y: Operand | Array) -> Arrays: ...
    @overload
    def not_equal(self, y: Operand) -> Value:  # type: ignore[overload-overlap]
        """1 if x and y differ, else 0; a condition for `where`.

        * f = x != y
        * ∂f/∂x = 0
        * ∂f/∂y = 0
        """
    @overload
    def not_equal(self, y: Operand | Array) -> Arrays: ...
    def reciprocal(self) -> Value:
        """1 / x, in one node.

        * f = 1 / x
        * ∂f/∂x = -f**2

        >>> reciprocal(4.0)
        0.25
        """
    @overload
    def remainder(self, y: Operand) -> Value:  # type: ignore[overload-overlap]
        """x % y, what x has beyond a whole number of y: of the sign of y, as in Python, NumPy and PyTorch.

        * f = x - y * floor(x / y)
        * ∂f/∂x = 1
        * ∂f/∂y = -floor(x / y)

        It jumps where x / y is a whole number.  C's fmod has the sign of x, and math.remainder is another thing again.

        >>> remainder(7.0, 3.0), remainder(-7.0, 3.0), remainder(7.0, -3.0)
        (1.0, 2.0, -2.0)
        """
    @overload
    def remainder(self, y: Operand | Array) -> Arrays: ...
    @overload
    def floor_divide(self, y: Operand) -> Value:  # type: ignore[overload-overlap]
        """x // y, the quotient rounded down.  It jumps where x / y is a whole number; its gradients are 0.

        * f = floor(x / y)
        * ∂f/∂x = 0
        * ∂f/∂y = 0

        >>> floor_divide(7.0, 2.0), floor_divide(-7.0, 2.0)
        (3.0, -4.0)
        """
    @overload
    def floor_divide(self, y: Operand | Array) -> Arrays: ...
    def floor(self) -> Value:
        """The largest whole number that is not above x.  It jumps at every whole number; its gradient is 0.

        * f = floor(x)
        * ∂f/∂x = 0

        >>> floor(2.5), floor(-2.5)
        (2.0, -3.0)
        """
    def ceil(self) -> Value:
        """The smallest whole number that is not below x.  It jumps at every whole number; its gradient is 0.

        * f = ceil(x)
        * ∂f/∂x = 0

        >>> ceil(2.5), ceil(-2.5)
        (3.0, -2.0)
        """
    def round(self) -> Value:
        """The whole number nearest to x, of two the even one, as Python's round has it.  Its gradient is 0.

        * f = round(x)
        * ∂f/∂x = 0

        It jumps halfway between whole numbers.  For two decimals write round(100 * x) / 100.

        >>> round(0.5), round(1.5), round(2.5), round(-2.7)
        (0.0, 2.0, 2.0, -3.0)
        """
    def rint(self) -> Value:
        """The whole number nearest to x, of two the even one, as Python's round has it.  Its gradient is 0.

        * f = round(x)
        * ∂f/∂x = 0

        It jumps halfway between whole numbers.  For two decimals write round(100 * x) / 100.

        >>> round(0.5), round(1.5), round(2.5), round(-2.7)
        (0.0, 2.0, 2.0, -3.0)
        """
    @overload
    def log_base(self, base: Operand) -> Value:  # type: ignore[overload-overlap]
        """The logarithm to any base: what log(x, base) records.  A base that is a Value gets its gradient too.

        * f = log(x) / log(base)
        * ∂f/∂x = 1 / (x * log(base))
        * ∂f/∂base = -f / (base * log(base))

        >>> log_base(8.0, 2.0), log(1000.0, 10.0)
        (3.0, 3.0)
        """
    @overload
    def log_base(self, base: Operand | Array) -> Arrays: ...
    @overload
    def xlogy(self, y: Operand) -> Value:  # type: ignore[overload-overlap]
        """x log(y); but 0 where x is 0, whatever y is: the term of an entropy.

        * f = 0 if x == 0 else x * log(y)
        * ∂f/∂x = 0 if max(abs(x), y) == 0 else log(y)
        * ∂f/∂y = 0 if max(abs(x), y) == 0 else x / y

        At (0, 0) both gradients are 0, so that a probability that became 0 does no harm.

        >>> xlogy(2.0, 1.0), xlogy(0.0, 0.0)
        (0.0, 0.0)
        """
    @overload
    def xlogy(self, y: Operand | Array) -> Arrays: ...
    @overload
    def logaddexp(self, y: Operand) -> Value:  # type: ignore[overload-overlap]
        """log(exp(x) + exp(y)), in floats computed so that it cannot overflow.

        * f = log(exp(x) + exp(y))
        * ∂f/∂x = sigmoid(x - y)
        * ∂f/∂y = sigmoid(y - x)

        >>> logaddexp(1000.0, 1000.0)
        1000.6931471805599
        """
    @overload
    def logaddexp(self, y: Operand | Array) -> Arrays: ...
    def normal_cdf(self) -> Value:
        """The chance that a standard normal number is below x; far out on both sides it keeps its digits.

        * f = (1 + erf(x / sqrt(2))) / 2
        * ∂f/∂x = exp(-x**2 / 2) / sqrt(2 * pi)

        >>> normal_cdf(0.0), normal_cdf(-20.0)
        (0.5, 2.7536241186062337e-89)
        """
    def logit(self) -> Value:
        """log(x / (1 - x)), the number whose sigmoid is x.  At 0 and 1 it is infinite.

        * f = log(x / (1 - x))
        * ∂f/∂x = 1 / (x * (1 - x))

        >>> logit(0.5)
        0.0
        """

def topological_order(output: Value) -> list[Value]:
    """Every node `output` was made from, parents before children, `output` last.

    It is the order of the recursive depth-first search of the textbooks (a node comes after all
    its parents), found with a loop, since graphs are deeper than Python's stack.

    >>> from tinygrad_edu import Value
    >>> x = Value(3.0, label="x")
    >>> [node.op or node.label for node in topological_order((x + 1) * x)]
    ['x', '', 'add', 'mul']
    """

def record(op: Op, /, *inputs: Any, **constants: float) -> Any:
    """Apply `op` to Values or numbers, or rows of them, and remember how."""

def evaluate_or_explain(op: Op, parents: tuple, constants: dict) -> tuple[float, Any]:
    """`Op.evaluate`, naming the operands, and the lines they were made at, where it raises."""

def make_node(op: Op, data: Number, parents: tuple, local_grads: Any, constants: dict | None = None) -> Value:
    """A new node: a constant if all its parents are, and without parents where nothing is recorded."""

def constant(x: Any, label: str = '') -> Value:
    """A plain number as a node that is drawn, with this label, but gets no gradient; a Value stays what it is."""

@overload
def pow(x: Number, y: Number) -> float:
    """x to the power y; the same as `x ** y` where one is a Value.

    A number as the exponent is a constant; a Value gets a gradient of its own.

    >>> pow(2.0, 10.0)
    1024.0
    """
@overload
def pow(x: Value, y: Operand) -> Value: ...
@overload
def pow(x: Operand, y: Value) -> Value: ...
@overload
def pow(x: Array, y: Operand | Array) -> Arrays: ...
@overload
def pow(x: Operand | Array, y: Array) -> Arrays: ...

def add_method(op: Op) -> None:
    """Make `tanh(x)` also `x.tanh()`, for every op as it is declared."""

def compared(test: Any, v: Value, other: Any) -> Any:
    """A comparison of data, for control flow: a plain bool."""

def leaves(output: Value) -> list[Value]:
    """The nodes `output` was made from that have no parents and want a gradient, in order of use.

    >>> x, y = Value(1.0, label="x"), Value(2.0, label="y")
    >>> [leaf.label for leaf in leaves(y * x + 3 * y)]
    ['y', 'x']
    """

def checked_seed(seed: Any) -> float: ...

def publish(arrived: dict[Value, float]) -> None:
    """Give every node its gradient, all at once: neither an interrupt nor another thread comes in between.

    Of a leaf it is added to what is there; another thread may have added to it a moment ago.
    """

def live_values() -> int:
    """How many Values exist at this moment.

    A number that keeps growing from step to step shows that something, a running sum of losses
    for instance, keeps old graphs alive.
    """

def unflatten(rows: list) -> Value:
    """A node and its graph out of a pickle."""
