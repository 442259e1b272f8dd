"""Where nodes were made: the line of the program, and the variable, where that is plain to see.

It is asked for with `with trace_origin():`; outside such a block nothing of this runs.  Places
are kept short ("train.py", "cell 3"), so that a picture says nothing of the machine it was made on.
"""

import ast
import dis
import linecache
import os
import re
import sys
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path, PurePath
from types import CodeType, FrameType
from typing import Any, NamedTuple

from .errors import Mode, switched, tracing
from .number import printable
from .op import OPS

PACKAGE = str(Path(__file__).parents[1])
STANDARD_LIBRARY = str(Path(os.__file__).parent)
ENGINE = tuple(str(Path(__file__).with_name(name)) for name in ("value.py", "op.py", "origin.py", "recorders.py"))
# What is called to make a node; not __add__, which sum([x, y]) calls.
CALLED = {"__init__", "__call__", "__abs__", "method", "general", "pow", "add_origin_of_call"}
NUMBERED = ((r"<i?python-input-(\d+).*>", "cell"), (r"<doctest .*\[(\d+)\]>", "example"))


class Origin(NamedTuple):
    """The line a node was made at.

    place   the file, such as "train.py", or the cell of a notebook, such as "cell 3"
    line    counted from 1
    name    the variable the node was put into there, or ""

    >>> print(Origin("train.py", 31), "and", Origin("cell 3", 2))
    train.py:31 and cell 3, line 2
    """

    place: str
    line: int
    name: str = ""

    def __str__(self) -> str:
        return f"{self.place}, line {self.line}" if " " in self.place else f"{self.place}:{self.line}"


def trace_origin() -> Mode:
    """Within the `with` block, every new node remembers the line it is made at, as its `origin`.

    Errors then say where their numbers come from, pictures say it of every box and fold by it
    (`fold="line"`), and so do `gradcheck` and `first_nonfinite`.  It makes nodes several times
    slower, and holds for the current thread only.  It also works as a decorator.

    >>> import tinygrad_edu as tg
    >>> with tg.trace_origin():
    ...     x = tg.Value(3.0)
    ...     y = x * x
    >>> y.origin.line, y.origin.name, x.origin.name
    (3, 'y', 'x')
    """
    return switched(tracing, True)


def add_origin_of_call(node: Any) -> None:
    """`add_origin` for the compiled engine, whose own functions are not seen here."""
    add_origin(node)


def add_origin(node: Any) -> None:
    """Note on a new node, and on the plain numbers it was made from, which line this is."""
    origin = here()
    node.note("origin", origin)
    for parent in node._parents:
        if parent.is_plain:
            parent.note("origin", origin and origin._replace(name=""))


def here() -> Origin | None:
    """The line of the user's program that is running: the innermost outside this package and Python's own."""
    frame: FrameType | None = sys._getframe()
    direct, outside, entry = True, None, ""
    while frame is not None and is_library(frame.f_code.co_filename):
        if outside is None and not frame.f_code.co_filename.startswith(PACKAGE):
            outside = frame
        direct, entry = direct and is_single(frame.f_code), frame.f_code.co_name
        frame = frame.f_back
    found = frame or outside                            # a program may itself be an installed package
    if found is None:
        return None
    name = variable(found.f_code, found.f_lasti, entry) if direct else ""
    return Origin(place_of(found.f_code.co_filename, found.f_globals.get("__name__", "")), found.f_lineno, name)


def is_single(code: CodeType) -> bool:
    """Is this a part of the engine that makes one node and returns it, so that its caller's variable is the node's?"""
    return code.co_filename.startswith(ENGINE)          # that of a recorder is "recorders.py, tanh"


@cache
def is_library(filename: str) -> bool:
    """Is this a file of this package, of Python's or of an installed package?"""
    installed = {"site-packages", "dist-packages"} & set(PurePath(filename).parts)
    return filename.startswith((PACKAGE, STANDARD_LIBRARY, "<frozen ")) or bool(installed)


@lru_cache(maxsize=4096)
def variable(code: CodeType, place: int, entry: str) -> str:
    """The variable that the instruction at `place` puts its node into, or "" if it may be several nodes, or none.

    entry   the part of the engine that was called from there
    """
    steps = [step for step in dis.get_instructions(code) if step.opname != "EXTENDED_ARG"]
    for step, after in pairwise(steps):
        if step.offset <= place < after.offset:
            is_stored = after.opname.startswith(("STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF"))
            is_operator = step.opname.startswith(("BINARY_OP", "UNARY_"))
            is_call = entry in CALLED and makes_one_node(code.co_filename, step.positions)
            if is_stored and (is_operator or (step.opname.startswith("CALL") and is_call)):
                return after.argval if isinstance(after.argval, str) else after.argval[0]
    return ""


def makes_one_node(filename: str, at: "dis.Positions | None") -> bool:
    """Is the call in the source there one of `Value` or of an operation, and not, say, of `list(map(...))`?"""
    if at is None or at.lineno is None or at.lineno != at.end_lineno:
        return False
    text = linecache.getline(filename, at.lineno).encode()[at.col_offset:at.end_col_offset]
    try:
        call = ast.parse(text.decode(), "", "eval").body
    except (SyntaxError, UnicodeDecodeError):
        return False
    called = getattr(call, "func", None)
    return getattr(called, "attr", getattr(called, "id", "")) in ("Value", *OPS)


def place_of(filename: str, module: str) -> str:
    """A file in short: `train.py`, `package/model.py` where it belongs to a package, or the cell of a notebook.

    >>> place_of("/home/ada/course/nets/model.py", "nets.model"), place_of("/home/ada/train.py", "__main__")
    ('nets/model.py', 'train.py')
    >>> place_of("<ipython-input-3-0123456789ab>", "__main__")
    'cell 3'
    """
    for pattern, what in NUMBERED:
        if match := re.fullmatch(pattern, filename):
            return f"{what} {match[1]}"
    path = PurePath(filename)
    parts = [*module.split("."), "__init__"] if path.stem == "__init__" else module.split(".")
    inside = parts == [*path.parts[-len(parts):-1], path.stem]
    return cell_of(filename) or printable("/".join(path.parts[-len(parts):] if inside else path.parts[-1:]))


def cell_of(filename: str) -> str:
    """The cell of a notebook whose code is known by this file name; "" where there is none."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    known = getattr(getattr(shell, "compile", None), "format_code_name", lambda name: None)(filename)
    match = known and re.fullmatch(r"In ?\[(\d+)\]", known[1])
    return f"cell {match[1]}" if match else ""
