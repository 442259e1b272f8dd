"""What commands with an expression and its numbers share, such as `step` and `explain`: arguments, graph, console."""

import argparse
import math
import os
import re
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .engine.errors import ExpressionError, NotRationalError
from .engine.number import nearest
from .show.boxes import BLANKS
from .show.export import is_ours
from .show.layout import LAYOUTS
from .symbols.expression import Program, parse
from .symbols.named import NAMES, NamedGraph
from .symbols.notation import plain_name

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WITH_EXPRESSION = ("step", "draw", "play", "explain", "cost")
OPTIONS = ("--help", "--version", "--svg", "--html", "--output", "--no-open", "--interactive", "--still", "--predict",
           "--symbolic", "--exact", "--json", "--theme", "--scale", "--style", "--blank", "--frames", "--format",
           "--layout", "--engine", "--names", "--ieee", "--literal", "--paths", "--latex", "--script")
WITH_A_WORD = ("-o", "--output", "--layout", "--engine", "--names", "--style", "--theme", "--scale", "--frames",
               "--format", "--paths", "--script")


# ---- arguments --------------------------------------------------------------------------------------


def add_expression(add: Any) -> None:
    """The arguments that all commands with an expression share."""
    add("expression", metavar="EXPR", help='such as "(x + y) * z" or "q = x + y; f = q * z"')
    add("values", metavar="name=value", nargs="*", default=[], help="a number for each name: x=-2 y=1/3 z=sqrt(2)")
    add("--literal", action="store_true", help="refuse 2x, x^2, |x| and the like instead of reading them as 2*x ...")
    add("--ieee", action="store_true", help="go on with inf and nan instead of stopping at an error")
    add("--names", choices=NAMES, default="auto", help="what stands for what is computed on the way: v1, v2, ... where "
        "there are more than four operations, or always formulas")
    add("--layout", choices=LAYOUTS, default="auto", help="what places the boxes of a picture")
    add("--engine", choices=LAYOUTS, dest="layout", help=argparse.SUPPRESS)         # its name in version 0.1


def add_open(add: Any) -> None:
    add("--no-open", dest="open", action="store_false", help="only write the page, and do not open a browser")


def shielded(argv: list[str]) -> list[str]:
    """The words with a space before those that start with a minus and are no options, such as `-x * y`."""
    words: list[str] = []
    for word, before in zip(argv, ["", *argv]):
        name = word.split("=")[0]
        known = name in ("-h", "-o", "--") or (len(name) > 3 and any(option.startswith(name) for option in OPTIONS))
        if before in WITH_A_WORD:                           # this is its word, even `-a.svg`
            words[-1] = f"--output={word}" if before == "-o" else f"{before}={word}"
        elif before in ("--svg", "--html") and re.fullmatch(r"\.[a-zA-Z]\w*", Path(word).suffix):
            words[-1] += word                                                   # no expression ends like that
        elif word in ("--svg", "--html"):
            words.append(f"{word}=")
        elif word == "--blank":                             # what follows may be a number such as x=2
            words.append("--blank=all")
        elif before == "--blank" and word in BLANKS:
            words[-1] = f"--blank={word}"
        else:
            words.append(word if known or not word.startswith("-") else " " + word)
    return words


def refuse_options(args: argparse.Namespace) -> None:
    """Refuse an option among the numbers, which is one of another command or a slip; ValueError says what is meant."""
    own_options = [option for option in OPTIONS if option[2:].removeprefix("no-") in vars(args)]
    for option in (pair.strip().partition("=")[0] for pair in args.values):
        if option.startswith("--"):
            near = "" if option in OPTIONS else nearest(option, own_options)
            hint = f"did you mean {near}?" if near else f"the options here are {', '.join(own_options)}"
            raise ValueError(f"unknown option {option}: {hint}")


# ---- numbers and graph ------------------------------------------------------------------------------


def given_numbers(pairs: Sequence[str], literal: bool = False) -> dict[str, Any]:
    """{name: number} of `name=value`: a Fraction, which keeps 1/3 and 0.1 exact, or a float for others such as pi."""
    numbers: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = (part.strip() for part in pair.partition("="))
        name = plain_name(name)
        if not equals or not name.isidentifier():
            raise ValueError(f"{pair.strip()!r} is not understood: write name=value, such as x=-2, without spaces, "
                             "and the expression in quotes")
        if name in numbers:
            raise ValueError(f"{name} is given twice")
        numbers[name] = number_from(name, text.replace("−", "-"), literal)
    return numbers


def number_from(name: str, text: str, literal: bool) -> Any:
    """The number of one `name=value`, as `given_numbers` has it."""
    if re.fullmatch(r"[+-]?\d*,\d+", text):
        raise ValueError(f"{name}={text}: a decimal point is needed: write {name}={text.replace(',', '.')}")
    try:
        if re.fullmatch(r"[^/]*[eE][+-]?\d{4,}", text):
            raise ValueError            # a Fraction would fill the memory
        return float(text) if re.fullmatch(r"[+-]?(inf|infinity|nan)", text.lower()) else Fraction(text)
    except (ValueError, ZeroDivisionError):
        pass
    try:
        program = parse(text or name, literal=literal)
        if not program.names:
            say(program)
            return program.build({})[-1].data
    except ExpressionError as error:
        raise ValueError(f"{name}={text}: {error.reason}") from None
    except (ValueError, ArithmeticError):
        pass
    raise ValueError(f"{name}={text}: {text!r} is not a number; write for instance "
                     f"{name}=-2, {name}=0.5, {name}=1/3 or {name}=sqrt(2)")


def say(program: Program) -> None:
    """Say on stderr what was read otherwise than it was typed."""
    if program.said:
        print(f"tinygrad-edu: {program.said}", file=sys.stderr)


def graph_of(args: argparse.Namespace) -> NamedGraph:
    """The graph of the expression, after its backward pass."""
    refuse_options(args)
    args.numbers = numbers = given_numbers(args.values, args.literal)
    try:
        floats = {name: float(number) for name, number in numbers.items()}
    except OverflowError:
        raise ValueError("one of the numbers is too large for a float") from None
    args.expression = args.expression.strip()
    program = parse(args.expression, floats, args.literal)
    args.read_as = program.read_as
    say(program)
    output = program.build(floats)[-1]
    if not output.is_constant:
        output.backward()
    return NamedGraph(output, args.names)


def as_written(number: float) -> Fraction:
    """A number of the expression as the fraction that was typed: 0.1 is 1/10."""
    if number == math.pi:
        raise NotRationalError("pi is not a rational number")
    return Fraction(repr(number))


def fractions_of(args: argparse.Namespace) -> dict[str, Fraction]:
    """The numbers of the command line, which must all be fractions."""
    for name, number in args.numbers.items():
        if isinstance(number, float):
            text = next(pair for pair in args.values if plain_name(pair.partition("=")[0].strip()) == name)
            raise ValueError(f"{text.strip()} is not a rational number, so --exact has no answer")
    return dict(args.numbers)


def fraction_text(fraction: Fraction) -> str:
    """A fraction as text; ValueError for one of more digits than Python writes.

    >>> fraction_text(Fraction(-10, 3))
    '-10/3'
    """
    try:
        return str(fraction)
    except ValueError:
        raise ValueError(f"an exact fraction here has more than {sys.get_int_max_str_digits()} digits, which is too "
                         "long to be read: take smaller powers, or numbers of fewer digits") from None


# ---- what is printed, written and opened ------------------------------------------------------------


def console() -> "Console":
    """Where tables are printed: 140 letters wide in a pipe, and without any markup."""
    from rich.console import Console

    class Patient(Console):
        """A console that leaves it to `main` to notice that nobody reads on."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError
    piped = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Patient(width=140 if piped else None, highlight=False, markup=False, emoji=False)


def prints_unicode() -> bool:
    """Does the console take every letter?"""
    return "utf" in (sys.stdout.encoding or "").lower()


def bare_table(*titles: str) -> "Table":
    from rich.table import Table
    table = Table(*titles, box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=bool(titles))
    return table


def without_nan(data: Any) -> Any:
    """The data with infinities and nan as text, since JSON has none."""
    if isinstance(data, dict):
        return {key: without_nan(x) for key, x in data.items()}
    if isinstance(data, list):
        return [without_nan(x) for x in data]
    return str(data) if isinstance(data, float) and data - data else data


def own(name: str, default: str) -> str:
    """The file to be written: the one named, or else the default, which must not be somebody else's."""
    if not name and os.path.isfile(default) and not is_ours(default):
        raise ValueError(f"{default} is here already, and is not one that tinygrad-edu wrote: name another file")
    return name or default


def with_reason(note: str) -> str:
    """The end of a line about a picture whose boxes could not be placed as usual."""
    return f" (simple layout, since {note})" if note else ""


def has_display() -> bool:
    """Is there a screen to open a browser on?"""
    return sys.platform in ("win32", "darwin") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
