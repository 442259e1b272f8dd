"""What may become the number in a node, and why anything else is refused; numbers and names in messages."""

import math
import operator
from collections.abc import Iterable
from itertools import takewhile
from numbers import Real
from typing import Any

from .arrays import is_value

ALL_DIGITS = 17                     # so many tell any two floats apart
WHOLE = 2 ** 53                     # up to here every whole number is a float


def number(x: Any) -> float:
    """x as a float: int, float, Fraction, Decimal, a scalar of numpy or an array of no dimensions.

    bool, str, complex, None, lists and arrays are refused with a `TypeError`; a whole number that no
    float holds exactly with a `ValueError`, any number beyond all floats with an `OverflowError`.

    >>> from fractions import Fraction
    >>> number(2), number(Fraction(1, 4))
    (2.0, 0.25)
    >>> number(True)
    Traceback (most recent call last):
    TypeError: bool is not a number here: got True; write float(x), or greater(a, b) for a > b
    """
    if type(x) is float:
        return x
    if type(x) is int and -WHOLE <= x <= WHOLE:         # the usual int, which the checks below would let pass
        return float(x)
    if is_bool(x):
        raise TypeError(f"bool is not a number here: got {x}; write float(x), or greater(a, b) for a > b")
    if isinstance(x, int):
        return int_as_float(x)
    kind = getattr(getattr(x, "dtype", None), "kind", None)
    if kind in ("i", "u", "f") and x.shape == () and not getattr(x, "mask", False):
        return nearest_float(x.item()) if kind == "f" else int_as_float(x.item())
    if kind is None and (isinstance(x, Real) or type(x).__name__ == "Decimal"):
        return nearest_float(x)
    raise TypeError(f"a number is needed, not {kind_of(x)}: got {short_repr(x)}{remedy(x)}")


def kind_of(x: Any) -> str:
    """What x is, in a message: "str", "an array of shape (2, 3)"."""
    shape = getattr(x, "shape", ())
    return f"an array of shape {tuple(shape)}" if shape and isinstance(shape, tuple) else type(x).__name__


def is_bool(x: Any) -> bool:
    """Is x True or False, of Python or of numpy?"""
    return isinstance(x, bool) or (str(getattr(x, "dtype", "")) == "bool" and x.shape == ())


def int_as_float(x: int) -> float:
    """The float that is exactly x; a ValueError where there is none, an OverflowError beyond all floats."""
    try:
        nearest = float(x)
    except OverflowError:
        raise OverflowError(f"a whole number of about 10**{math.log10(abs(x)):.0f} is too large for a float") from None
    if int(nearest) != x:
        raise ValueError(f"{x} is not exactly representable as a float; the nearest is {nearest!r}: write float({x}) "
                         "if that will do")
    return nearest


def nearest_float(x: Any) -> float:
    """The float nearest to a real number; a finite one is never made infinite."""
    try:
        nearest = float(x)
    except OverflowError:
        nearest = math.inf
    if math.isinf(nearest) and x != nearest:
        raise OverflowError(f"{short_repr(x)} is too large for a float")
    return nearest


def checked_whole(name: str, n: Any, least: float = 1) -> int:
    """n as an int of at least `least`; a whole number of numpy will do.

    Raises TypeError for what is no whole number, 3.0 and True included, and ValueError for one below
    `least`; both name the field and the value.

    >>> checked_whole("epochs", -1, least=0)
    Traceback (most recent call last):
    ValueError: epochs must be at least 0, got -1
    """
    try:
        checked = None if is_bool(n) else operator.index(n)
    except TypeError:
        checked = None
    if checked is None:
        raise TypeError(f"{name} must be a whole number, not {type(n).__name__}: got {short_repr(n)}")
    if checked < least:
        raise ValueError(f"{name} must be at least {least}, got {short_repr(checked)}")
    return checked


def check_kind(x: Any, kind: type) -> None:
    """Refuse what is not of this kind.

    >>> check_kind("a", float)
    Traceback (most recent call last):
    TypeError: a float is needed, not str: got 'a'
    """
    if not isinstance(x, kind):
        raise TypeError(f"a {kind.__name__} is needed, not {type(x).__name__}: got {short_repr(x)}")


def remedy(x: Any) -> str:
    """What to write instead of x, for the end of a message; "" where nothing helps."""
    if isinstance(x, str):
        return "; write float(...)" if reads_as_number(x) else ""
    kind = getattr(getattr(x, "dtype", None), "kind", "")       # of numpy's numbers: f, i, u, c ...
    if isinstance(x, complex) or kind == "c":
        return "; only real numbers have gradients here"
    if kind and kind not in "iufO":
        return ""
    shape = getattr(x, "shape", None)
    if isinstance(shape, tuple) and set(shape) <= {1}:
        return "; write x.item() for the one number in it"
    if isinstance(x, list | tuple) or isinstance(shape, tuple):
        return "; make one Value per element: [Value(e) for e in ...]"
    if type(x).__name__ == "Formula":
        return "; a rule calls another operation by its name and .of, as in tanh.of(x)"
    if is_value(x):
        return "; v.data is the number of a Value v"
    return ""


def reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def short_repr(x: Any, limit: int = 60) -> str:
    """What x looks like in a message, in at most `limit` characters."""
    try:
        return truncate(" ".join(line.strip() for line in repr(x).splitlines()), limit)
    except (ValueError, RecursionError):                # whole numbers too long for Python, lists too deep
        return f"<a {type(x).__name__} that cannot be shown>"


def truncate(text: str, limit: int) -> str:
    """Text of at most `limit` characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def printable(text: Any) -> str:
    """Text that can be shown: what could move or recolour other text, and half characters, become �.

    All text from outside goes through here before anybody sees it: labels, names of columns, classes and files.

    >>> printable("red\\x1b[31m")
    'red�[31m'
    """
    return "".join(c if c.isprintable() else "�" for c in str(text))


def nearest(word: str, names: Iterable[str]) -> str:
    """The name that was probably meant by a word with a slip in it; "" if none is near.

    Two letters that changed places are the likeliest slip, then a wrong end.

    >>> nearest("tahn", ["tan", "tanh"]), nearest("sigma", ["sign", "sigmoid"]), nearest("xyz", ["tanh"])
    ('tanh', 'sigmoid', '')
    """
    from difflib import SequenceMatcher
    word = word[:60].lower()
    alike = {name: SequenceMatcher(None, word, name).ratio() for name in names}

    def likeness(name: str) -> float:
        same_start = len(list(takewhile(bool, map(str.__eq__, word, name))))
        return alike[name] + same_start / 10 + (sorted(word) == sorted(name)) / 2
    return max([name for name in alike if alike[name] >= 0.6], key=likeness, default="")


def format_number(x: float, digits: int = 6) -> str:
    """A float for people: few digits, no `.0`, and never a false 0; with ALL_DIGITS, what reads back as the same.

    >>> format_number(3.0), format_number(-0.1234567), format_number(1e-17), format_number(2.5e300)
    ('3', '-0.123457', '1e-17', '2.5e+300')
    >>> format_number(1.0000000000000002), format_number(1.0000000000000002, ALL_DIGITS), format_number(0.1, ALL_DIGITS)
    ('1', '1.0000000000000002', '0.1')
    """
    if x == 0:
        return "0"
    if abs(x) < 1e15 and x == int(x):
        return f"{x:.0f}"
    return f"{x:.{digits}g}" if digits < ALL_DIGITS else repr(x)


def told_apart(*numbers: float) -> tuple[str, ...]:
    """Numbers for people, with as many digits as it takes to see which of them differ.

    >>> told_apart(0.5, 0.75), told_apart(0.1234567, 0.1234568)
    (('0.5', '0.75'), ('0.1234567', '0.1234568'))
    """
    texts: tuple[str, ...] = ()
    for digits in range(6, ALL_DIGITS + 1):
        texts = tuple([format_number(x, digits) for x in numbers])
        if len(set(texts)) == len(set(numbers)):
            break
    return texts
