"""The kinds of number in signatures.  Editors and type checkers read it; there is no such module at run time."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeAlias, TypeVar, overload

from numpy.typing import NDArray

from .value import Value

X = TypeVar("X")

class Number(Protocol):
    """A plain number: int, float, Fraction, Decimal, or one of numpy.  Values, texts and arrays are none."""
    def __float__(self) -> float: ...
    def __hash__(self) -> int: ...

class Array(Protocol):
    """An array of numpy, of numbers or of Values: what is done to it is done to each element."""
    @property
    def ndim(self) -> int: ...
    def __len__(self) -> int: ...
    def __array_ufunc__(self, /, ufunc: Any, method: Any, *inputs: Any, **options: Any) -> Any: ...

Operand: TypeAlias = Value | Number
Arrays: TypeAlias = NDArray[Any]
Numbers: TypeAlias = Number | Iterable[Number] | Iterable[Iterable[Number]]
Operands: TypeAlias = Operand | Iterable[Operand] | Iterable[Iterable[Operand]]
Rule: TypeAlias = Callable[..., tuple[Any, tuple[Any, ...]]]

# What `grad`, `value_and_grad`, `jacobian` and `hessian` return: a function of x, and of what else f takes.

class LikeX(Protocol):
    """A function whose answer is built like x."""
    @overload
    def __call__(self, x: float, *others: Any, **options: Any) -> float: ...
    @overload
    def __call__(self, x: list[float], *others: Any, **options: Any) -> list[float]: ...
    @overload
    def __call__(self, x: X, *others: Any, **options: Any) -> X: ...

class ValueAndLikeX(Protocol):
    """A function whose answer is a pair, the second of which is built like x."""
    @overload
    def __call__(self, x: float, *others: Any, **options: Any) -> tuple[Any, float]: ...
    @overload
    def __call__(self, x: list[float], *others: Any, **options: Any) -> tuple[Any, list[float]]: ...
    @overload
    def __call__(self, x: X, *others: Any, **options: Any) -> tuple[Any, X]: ...

class MatrixOf(Protocol):
    """A function whose answer is a matrix: a list of rows, an array where x is one."""
    @overload
    def __call__(self, x: float | list[float]) -> list[list[float]]: ...
    @overload
    def __call__(self, x: Array) -> Arrays: ...
    @overload
    def __call__(self, x: Any) -> list[list[Any]]: ...
