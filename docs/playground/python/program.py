"""The program tab: a small program is run, and the Values it made can be looked at."""

import ast
import io
import linecache
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout, suppress
from contextvars import copy_context
from types import CodeType
from typing import Any

from untouched import untouched

from tinygrad_edu.engine.number import printable, short_repr
from tinygrad_edu.engine.op import OPS
from tinygrad_edu.engine.origin import trace_origin
from tinygrad_edu.engine.value import Value

FILE = "program.py"
MOST_LETTERS = 100_000                  # of a program, and of what it prints
RESULT, LAST = "f", "_"                 # the Value that is shown first, and the name of a last line that is a Value

namespace: dict[str, Any] = {}          # of the program that ran last


def hear(text: str) -> None:
    """Gets each piece of text as soon as it is printed; nobody listens, unless somebody takes the place of this."""


class Paper(io.TextIOBase):
    """What a program prints, up to a limit."""

    def __init__(self) -> None:
        self.parts, self.room = list[str](), MOST_LETTERS

    def write(self, text: str) -> int:
        piece = text[:self.room]
        self.room -= len(piece)
        if piece:                       # a program that catches its errors prints on and on
            self.parts.append(piece)
            hear(piece)
        if len(piece) < len(text):
            raise PaperError(f"the program has printed {MOST_LETTERS:,} letters: that is the limit")
        return len(text)


class PaperError(RuntimeError):
    """A program prints without end."""


def program(request: dict[str, Any]) -> dict[str, Any]:
    """Run a program: what it printed, what went wrong and in which line, and the Values that it named.

    >>> told = program({"text": "from tinygrad_edu import Value\\nx = Value(3.0)\\nf = x * x\\nprint(f.data)"})
    >>> told["output"], told["names"], told["shown"], told["problem"]
    ('9.0\\n', ['x', 'f'], 'f', '')
    >>> program({"text": "a = 1\\n1 / 0"})["line"]
    2
    """
    text = str(request["text"])
    if len(text) > MOST_LETTERS:
        raise ValueError(f"the program has {len(text):,} characters, but {MOST_LETTERS:,} are the limit")
    paper, keyboard = Paper(), sys.stdin
    linecache.cache[FILE] = (len(text), None, text.splitlines(keepends=True), FILE)
    start_anew()
    sys.stdin = io.StringIO()           # nobody is there to answer
    problem, line = outcome(text, paper)
    sys.stdin = keyboard
    give_labels()
    names = [name for name in values_by_name() if name == LAST or name[0] != "_"]
    return {"output": "".join(paper.parts), "problem": problem, "line": line, "names": names, "shown": chosen(names)}


def outcome(text: str, paper: Paper) -> tuple[str, int]:
    """Run the program on this paper: what went wrong, and in which line; ("", 0) if nothing did."""
    try:
        with untouched(), redirect_stdout(paper), redirect_stderr(paper):
            copy_context().run(run, text)
    except SystemExit as end:
        with suppress(PaperError):
            paper.write(f"{end}\n" if isinstance(end.code, str) else "")
    except BaseException as error:
        return told(error), line_of(error)
    return "", 0


def values_by_name() -> dict[str, Value]:
    """{variable: its Value} of the program that ran last; globals() takes keys that are no names."""
    return {name: x for name, x in namespace.items()
            if isinstance(name, str) and name.isidentifier() and isinstance(x, Value)}


def start_anew() -> None:
    """Take away the names and the operations of the program before."""
    namespace.clear()
    namespace["__name__"] = "__main__"
    for name in [name for name, op in OPS.items() if not op.is_built_in]:
        del OPS[name]
        if hasattr(Value, name):
            delattr(Value, name)


def run(text: str) -> None:
    """Run the program; if its last line is an expression, print what it comes to, as a notebook does."""
    code, last = compiled(text)
    with trace_origin():
        exec(code, namespace)
        value = eval(last, namespace) if last else None
    if isinstance(value, Value):
        namespace[LAST] = value
    if value is not None:
        print(short_repr(value) if isinstance(value, Value) else value)


def compiled(text: str) -> tuple[CodeType, CodeType | None]:
    """The program, and its last line where that is an expression."""
    tree = ast.parse(text, FILE)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    expression = compile(ast.Expression(last.value), FILE, "eval") if isinstance(last, ast.Expr) else None
    return compile(tree, FILE, "exec"), expression


def give_labels() -> None:
    """Let Values without a label go by the variable they are in, so that pictures say x and not v1."""
    found = [(name, x) for name, x in values_by_name().items() if name[0] != "_"]
    taken = {x.label for _, x in found}
    for name, x in found:
        if not x.label and name not in taken:
            x.label = name


def chosen(names: list[str]) -> str:
    """The Value that is shown first: f, or the last line, or what was computed last."""
    computed = [name for name in names if namespace[name].parents]
    return next((name for name in (RESULT, LAST) if name in names), (computed or names or [""])[-1])


def told(problem: BaseException) -> str:
    """The error as Python tells it, without the lines that are not of the program."""
    whole = traceback.TracebackException.from_exception(problem)
    seen: list[traceback.TracebackException] = [whole]
    for part in seen:
        own = [frame for frame in part.stack if frame.filename == FILE]
        part.stack = traceback.StackSummary.from_list(own)
        seen += [other for other in (part.__cause__, part.__context__) if other and other not in seen]
    text = "\n".join(map(printable, "".join(whole.format()).rstrip().split("\n")))
    return text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]} … ({len(text):,} letters)"


def line_of(problem: BaseException) -> int:
    """The line of the program at which it went wrong; 0 if that is not known."""
    if isinstance(problem, SyntaxError) and problem.filename == FILE:
        return problem.lineno or 0
    lines = [line for frame, line in traceback.walk_tb(problem.__traceback__) if frame.f_code.co_filename == FILE]
    return lines[-1] if lines else 0


def made(name: str) -> Value:
    """The Value of this name that the program made; ValueError if there is none."""
    value = namespace.get(name)
    if not isinstance(value, Value):
        raise ValueError(f"the program that ran last has no Value {short_repr(name)}: run it again")
    return value
