"""What goes wrong, by name, and whether it raises.

A mistake should be met where it happens, with the bad number in the message.  That is the
default.  Inside `with errstate(all="ignore"):` the engine answers as IEEE 754 arithmetic
does instead, with inf and nan.
"""

from collections.abc import Callable
from contextvars import ContextVar, Token
from functools import partial, wraps
from io import IOBase
from typing import Any, Self, TypeVar, cast

from .number import printable

Function = TypeVar("Function", bound=Callable)


class DomainError(ValueError):
    """An operation met numbers it has no finite answer for, such as log(-1)."""

    digits = 6                          # that the numbers in the message have
    why = "is not a number"


class PoleError(DomainError, ZeroDivisionError):
    """A `DomainError` at a point where the operation runs off to infinity, such as 1/0."""

    why = "is infinite"


class RangeError(DomainError, OverflowError):
    """A `DomainError` whose answer exists but is too large for a float, such as exp(1000)."""

    why = "is too large for a float"


class GradientError(ArithmeticError):
    """A derivative that is inf or nan was about to reach a leaf."""


class ReplayError(RuntimeError):
    """A graph holds a node that was not recorded by the engine, so it cannot be run again."""


class NotRationalError(TypeError):
    """Exact arithmetic met a function that leaves the rational numbers, such as exp."""


class ExpressionError(ValueError):
    """Text that is not an expression this library reads.

    `reason` says why in one line; `line` and `column` (from 1) say where; `str(error)` also
    shows the place with a caret.
    """

    def __init__(self, reason: str, text: str = "", line: int = 1, column: int = 1, width: int = 1):
        self.reason, self.text, self.line, self.column, self.width = reason, text, line, column, width
        lines = text.splitlines()
        if line > len(lines):
            super().__init__(reason)
            return
        start = max(0, column - 41)                 # a long line is shown around its fault
        shown = printable(lines[line - 1][start:start + 76])
        carets = "^" * max(1, min(width, len(shown) - (column - 1 - start)))
        super().__init__(f"{reason} (line {line}, column {column})\n"
                         f"    {shown}\n    {' ' * (column - 1 - start)}{carets}")


class ExpressionWarning(UserWarning):
    """Text was read as an expression that is written otherwise, such as 2x as 2*x."""


strict = ContextVar("strict", default=True)             # raise DomainError and GradientError?
recording = ContextVar("recording", default=True)       # do results remember their parents?
tracing = ContextVar("tracing", default=False)          # and the line they were made at?
plain_recording = ContextVar("plain_recording", default=True)   # recording and not tracing: what the usual case asks
plain_recording.set(True)                               # what is set is found faster than a default
modes_were_used = bytearray(1)      # [0] is 1 once recording or tracing was ever switched: until then nobody need ask


class Block(IOBase):
    """A `with` block whose end Ctrl-C cannot cut off.

    Ctrl-C may come between any two steps of Python code, so also before the first step of an
    `__exit__`, and then what the block has switched would stay.  That of IOBase is compiled and calls
    `close`.  A subclass sets `close`, when it is entered, to something that is compiled too.
    """

    closed = True                       # as a file: there is nothing to be closed when it is forgotten


class Mode(Block):
    """What holds within a `with` block, or, as a decorator, within a function.

    modes   what is switched, each with its value
    """

    def __init__(self, modes: dict[ContextVar[bool], bool]):
        self.modes, self.tokens = modes, list[Token[bool]]()

    def __enter__(self) -> Self:
        if self.tokens:
            raise RuntimeError("this mode is on already: within its block make a new one, such as no_grad()")
        undo = map(ContextVar.reset, reversed(self.modes), iter(self.tokens.pop, None))
        self.close = partial([].extend, undo)                           # type: ignore[method-assign, arg-type]
        try:
            self.tokens.extend(map(ContextVar.set, self.modes, self.modes.values()))
            return self
        except BaseException:           # Ctrl-C
            if self.tokens:
                self.close()
            raise

    def __call__(self, function: Function) -> Function:
        @wraps(function)
        def within(*args: Any, **options: Any) -> Any:
            with Mode(self.modes):
                return function(*args, **options)
        return cast(Function, within)


def errstate(*, all: str = "raise") -> Mode:
    """Within the `with` block, choose what numerical trouble does; named after numpy's.

    all   "raise" (the default everywhere) or "ignore": carry on with inf and nan.

    It also works as a decorator.  The choice holds for the current thread only (see `no_grad`).

    >>> import tinygrad_edu as tg
    >>> with tg.errstate(all="ignore"):
    ...     tg.log(0.0)
    -inf
    """
    if all not in ("raise", "ignore"):
        raise ValueError(f'errstate(all={all!r}): write all="raise" or all="ignore"')
    return Mode({strict: all == "raise"})


def no_grad() -> Mode:
    """Within the `with` block, results are constants: they remember nothing and need no memory.

    It also works as a decorator.  The choice holds for the current thread only, and for whatever runs
    there until the block ends: a generator that yields within the block leaves it on for its caller,
    since Python lets nobody see that it was left.  Let the block end before the `yield`.

    >>> import tinygrad_edu as tg
    >>> x = tg.Value(3.0)
    >>> with tg.no_grad():
    ...     y = x * x
    >>> y.data, y.parents
    (9.0, ())
    """
    return switched(recording, False)


def recorded_anyway() -> Mode:
    """Within the `with` block graphs grow, also under no_grad()."""
    return Mode({recording: True})


def switched(mode: ContextVar[bool], on: bool) -> Mode:
    """Within the `with` block, `recording` or `tracing` is as given, so that recording is not plain."""
    modes_were_used[0] = 1
    return Mode({mode: on, plain_recording: False})
