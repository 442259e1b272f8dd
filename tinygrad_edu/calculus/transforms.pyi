"""Written by tests/stubs.py.  Do not change it: say `python tests/stubs.py --write`."""

from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeVar, overload

from ..engine.kinds import LikeX, MatrixOf, ValueAndLikeX
from ..engine.value import Value

X = TypeVar("X")

@overload
def grad(f: Callable[..., Any], argnums: Literal[0] = 0) -> LikeX:
    """The gradient of f, as a function of the same arguments.

    f         takes numbers, or lists, dicts, arrays and dataclasses of them, and returns one Value
    argnums   the number of the argument to differentiate by, from 0; a tuple of them gives a tuple

    Each gradient is built like its argument.  The other arguments are passed on as they are.
    Where f uses a Value that takes gradients besides, they are Values, which may stand in a loss.
    Raises TypeError where f returns no Value or an argument is no number, IndexError for an
    argument f was not given, ValueError for one that is named twice, GradientError where a
    derivative is not finite, ReplayError where what is wanted is a graph, as for a derivative of a
    derivative, and that of f holds a node made by hand.

    >>> grad(lambda x, y, z: (x + y) * z, argnums=(0, 1, 2))(-2, 5, -4)
    (-4.0, -4.0, 3.0)
    >>> grad(lambda p: p["w"][0] * p["w"][1] + p["b"])({"w": [2, 3], "b": 1})
    {'w': [3.0, 2.0], 'b': 1.0}
    >>> grad(grad(lambda x: x * x * x))(2)
    12.0
    >>> w = Value(3.0)
    >>> slope = grad(lambda x: w * x * x)(2.0)          # 2wx, a Value, since w takes gradients
    >>> slope.backward()
    >>> slope.data, w.grad
    (12.0, 4.0)
    """
@overload
def grad(f: Callable[..., Any], argnums: int | tuple[int, ...]) -> Callable[..., Any]: ...

@overload
def value_and_grad(f: Callable[..., Any], argnums: Literal[0] = 0) -> ValueAndLikeX:
    """A function that gives (value, gradient) of f at once; arguments and errors are those of `grad`.

    >>> value_and_grad(lambda x: x * x)(3)
    (9.0, 6.0)
    """
@overload
def value_and_grad(f: Callable[..., Any], argnums: int | tuple[int, ...]) -> Callable[..., tuple[Any, Any]]: ...

def derivative(f: Callable[..., Any], n: int = 1) -> LikeX:
    """The nth derivative of a function of one number, as a function.

    >>> derivative(lambda x: x ** 4, 2)(3)
    108.0
    """

def hessian(f: Callable[..., Any]) -> MatrixOf:
    """A function that gives the matrix of second derivatives ∂²f/∂xᵢ∂xⱼ; f returns one Value.

    It is a list of rows, or an array where x is one; what is nested is read row by row.

    >>> hessian(lambda x: x[0] ** 2 * x[1])([3, 5])
    [[10.0, 6.0], [6.0, 0.0]]
    """

def jacobian(f: Callable[..., Any], layout: Literal["numerator", "denominator"] = "numerator") -> MatrixOf:
    """A function that gives the matrix of all derivatives ∂fᵢ/∂xⱼ, as a list of rows, or an array where x is one.

    f        takes x and returns Values, or lists, arrays ... of them; what is nested is read row by row
    layout   "numerator": a row for each output, outputs × inputs
             "denominator": a row for each input, inputs × outputs

    Raises ValueError for another layout, TypeError where f returns anything else than Values.

    >>> f = lambda x: [x[0] * x[1], x[0] + x[1], 3 * x[0]]
    >>> jacobian(f)([2, 5])
    [[5.0, 2.0], [1.0, 1.0], [3.0, 0.0]]
    >>> jacobian(f, layout="denominator")([2, 5])
    [[5.0, 1.0, 3.0], [2.0, 1.0, 0.0]]
    """

def jvp(f: Callable[..., Any], x: Any, v: Any) -> Any:
    """J v, the derivative of f at x along v: one walk forward, however many outputs there are.

    v   numbers, built like x; an input with v = 0 takes no part

    The answer is built like that of f.  Raises ValueError where v and x do not fit.

    >>> jvp(lambda x: [x[0] * x[1], x[0] + x[1], 3 * x[0]], [2, 5], [1, 0])     # the first column
    [5.0, 1.0, 3.0]
    """

def vjp(f: Callable[..., Any], x: X, v: Any) -> X:
    """vᵀ J, the derivatives of v · f at x: one walk backward, however many inputs there are.

    v   numbers, built like what f returns; an output with v = 0 takes no part

    The answer is built like x.  Raises ValueError where v and the answer of f do not fit.

    >>> vjp(lambda x: [x[0] * x[1], x[0] + x[1], 3 * x[0]], [2, 5], [1, 0, 0])      # the first row
    [5.0, 2.0]
    """

def hvp(f: Callable[..., Any], x: X, v: X) -> X:
    """H v, the Hessian of f at x times v, without ever forming H: forward over reverse.

    >>> hvp(lambda x: x[0] ** 2 * x[1], [3, 5], [1, 0])
    [10.0, 6.0]
    """

@overload
def gradient_graph(output: Value, by: Value | str) -> Value:
    """The derivative of a Value by another as a graph: to be drawn, stepped through, differentiated.

    by   a Value that `output` was made from, or its label; or lists and dicts of these

    The graph stands on the same leaves.  Raises ValueError where `output` does not depend on it.

    >>> x = Value(2.0, label="x")
    >>> slope = gradient_graph(x * x * x, x)
    >>> slope.data
    12.0
    >>> slope.backward()                            # the second derivative, 6x
    >>> x.grad
    12.0
    """
@overload
def gradient_graph(output: Value, by: Iterable[Value | str]) -> list[Value]: ...
