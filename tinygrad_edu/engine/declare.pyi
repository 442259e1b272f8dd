"""Written by tests/stubs.py.  Do not change it: say `python tests/stubs.py --write`."""

from collections.abc import Callable
from typing import overload

from .domain import Interval
from .kinds import Array, Arrays, Number, Numbers, Operand, Operands, Rule
from .op import Op
from .signatures import OpOfOne, OpOfTwo, OpOfThree, OpOfRow, OpOfRows

@overload
def op(symbol: str, first: Interval, /, *, selects: bool = False, jumps: Callable[..., object] | None = None, **sample: Number) -> Callable[[Rule], OpOfOne]:
    """Declare the decorated rule as an operation.

    symbol    what a picture shows, such as "tanh" or "+"
    domain    one `Interval` per input, or [Interval] for an input that is a row of numbers
    selects   whether it picks among its inputs (see `Op`)
    jumps     where it jumps, as a function of its inputs that is a whole number there: lambda x: x for floor;
              not of rows
    sample    a value for each constant without a default, for tests

    The rule takes numbers and returns (value, (one local gradient per input)); keyword-only
    arguments are constants.  It is run once on formulas here, so a rule that could not be
    printed, compiled or replayed is refused at once.  Declaring a name again replaces your own
    op, and old nodes keep theirs; the built-in ones cannot be replaced.

    >>> import tinygrad_edu as tg
    >>> @tg.op("x²+1", tg.REAL)
    ... def bowl(x):
    ...     return x * x + 1, (2 * x,)
    >>> x = tg.Value(3.0)
    >>> bowl(x).backward()
    >>> x.grad
    6.0
    """
@overload
def op(symbol: str, first: Interval, second: Interval, /, *, selects: bool = False, jumps: Callable[..., object] | None = None, **sample: Number) -> Callable[[Rule], OpOfTwo]: ...
@overload
def op(symbol: str, first: Interval, second: Interval, third: Interval, /, *, selects: bool = False, jumps: Callable[..., object] | None = None, **sample: Number) -> Callable[[Rule], OpOfThree]: ...
@overload
def op(symbol: str, first: list[Interval], /, *, selects: bool = False, jumps: Callable[..., object] | None = None, **sample: Number) -> Callable[[Rule], OpOfRow]: ...
@overload
def op(symbol: str, first: list[Interval], second: list[Interval], /, *, selects: bool = False, jumps: Callable[..., object] | None = None, **sample: Number) -> Callable[[Rule], OpOfRows]: ...
@overload
def op(symbol: str, /, *domain: Interval | list[Interval], selects: bool = False, jumps: Callable[..., object] | None = None, **sample: Number) -> Callable[[Rule], Op]: ...

def accurate(op: Op) -> Callable[[Rule], Rule]:
    """Say how an operation is computed in floats, where the textbook's formula would lose digits.

    The decorated function has the signature of the rule and returns the same numbers, to the last
    digit.  People are still shown the rule.  Raises TypeError where it does not fit the rule, and
    ValueError where the operation has an accurate form already.
    """

def graph_form(op: Op) -> Callable[[Rule], Rule]:
    """Say by which formulas the local gradients of an operation are differentiated again.

    The decorated function has the signature of the rule and returns the same mathematics, phrased so
    that its derivatives keep their digits.  Without one, the rule itself serves.  Raises as `accurate` does.
    """
