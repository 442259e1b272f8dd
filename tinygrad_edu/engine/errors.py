"""What goes wrong, by name, and whether it raises.

A mistake should be met where it happens, with the bad number in the message.  That is the
default.  Inside `with errstate(all="ignore"):` the engine answers as IEEE 754 arithmetic
does instead, with inf and nan.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .number import printable


class DomainError(ValueError):
    """An operation met numbers it has no finite answer for, such as log(-1)."""


class PoleError(DomainError, ZeroDivisionError):
    """A `DomainError` at a point where the operation runs off to infinity, such as 1/0."""


class RangeError(DomainError, OverflowError):
    """A `DomainError` whose answer exists but is too large for a float, such as exp(1000)."""


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


@contextmanager
def errstate(*, all: str = "raise") -> Iterator[None]:
    """Within the `with` block, choose what numerical trouble does; named after numpy's.

    all   "raise" (the default everywhere) or "ignore": carry on with inf and nan.

    The choice holds for the current thread only.

    >>> import tinygrad_edu as tg
    >>> with tg.errstate(all="ignore"):
    ...     tg.log(0.0)
    -inf
    """
    if all not in ("raise", "ignore"):
        raise ValueError(f'errstate(all={all!r}): write all="raise" or all="ignore"')
    before = strict.set(all == "raise")
    try:
        yield
    finally:
        strict.reset(before)


@contextmanager
def no_grad() -> Iterator[None]:
    """Within the `with` block, results are constants: they remember nothing and need no memory.

    It also works as a decorator.  The choice holds for the current thread only.

    >>> import tinygrad_edu as tg
    >>> x = tg.Value(3.0)
    >>> with tg.no_grad():
    ...     y = x * x
    >>> y.data, y.parents
    (9.0, ())
    """
    with switched(recording, False):
        yield


@contextmanager
def recorded_anyway() -> Iterator[None]:
    """Within the `with` block graphs grow, also under no_grad()."""
    before = recording.set(True)
    try:
        yield
    finally:
        recording.reset(before)


@contextmanager
def switched(mode: ContextVar[bool], on: bool) -> Iterator[None]:
    """Within the `with` block, `recording` or `tracing` is as given, so that recording is not plain."""
    before, usual = mode.set(on), plain_recording.get()
    plain_recording.set(False)
    try:
        yield
    finally:
        mode.reset(before)
        plain_recording.set(usual)
