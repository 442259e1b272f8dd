"""Recording a function once: it is run on example numbers, and what looks at one of them raises an error.

A program is for all numbers, so nothing in it may depend on those of the example, neither a branch nor a plain number
made of `v.data`.  So while a thread traces a function, `data` and comparisons of Values raise there; in other threads
they do what they always do.  A second run, on other numbers, finds what depends on them in another way.
"""

import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import wraps
from numbers import Real
from typing import Any, NamedTuple

from ..calculus.transforms import fitted, flat, refilled
from ..engine import errors, ops
from ..engine.arrays import is_value
from ..engine.errors import Mode, ReplayError, errstate, recorded_anyway
from ..engine.messages import describe
from ..engine.number import number, short_repr
from ..engine.origin import PACKAGE, here, is_library
from ..engine.value import Value, constant
from .tape import CONSTANT, PARAMETER, Check, Tape, order_of, recorded

HOLDS = "a program is for all numbers, and this would hold for the example alone"
OUTSIDE = "read it outside the function"
VALUE = "compute with the Value itself, such as tg.max(row), tg.softmax(row), or read it outside the function"
ONE_HOT = "to choose by a number, give a row of zeros with a one instead of it, and write tg.dot(row, choices)"
FUNCTIONS = "use this library's functions, such as tg.exp(v) for math.exp(v), tg.floor, tg.round"
BRANCH = "tg.where(tg.greater(v, 0), a, b) chooses for each row"
REMEDIES = {                # attributes and methods of Values: what was done, and what to do instead
    "data": (".data was read", VALUE),
    "grad": (".grad was read", OUTSIDE),
    "is_constant": ("", ""),                            # which may be read
    "local_grads": (".local_grads was read", OUTSIDE),
    "item": ("item() was called", VALUE),
    "detach": ("detach() was called", "give the function the number as an input of its own, or detach outside"),
    "backward": ("backward() was called", "call it outside: program.backward(...) and program.input_gradients(...)"),
    "zero_grad": ("zero_grad() was called", "call it outside the function"),
    **{f"__{short}__": ("Values were compared", f"tg.where(tg.{name}(a, b), x, y) chooses for each row, and so do "
                        "tg.max(row) and tg.min(row)")
       for short, name in [("lt", "less"), ("le", "less_equal"), ("gt", "greater"), ("ge", "greater_equal")]},
    "__eq__": ("a Value was compared with a number", "tg.where(tg.equal(a, b), x, y) chooses for each row"),
    "__bool__": ("a Value was asked whether it is true", BRANCH),
    "__float__": ("a Value was made a float", FUNCTIONS),
    "__int__": ("a Value was made an int", f"tg.floor and tg.round keep it a Value; {ONE_HOT}"),
    "__complex__": ("a Value was made a complex number", FUNCTIONS),
    "__index__": ("a Value was used as an index", ONE_HOT),
    **dict.fromkeys(["__round__", "__floor__", "__ceil__", "__trunc__"], ("a Value was rounded", FUNCTIONS)),
    "__format__": ("a Value was put into text", "print it outside the function"),
    **dict.fromkeys(["__copy__", "__deepcopy__"], ("a Value was copied", "use the Value itself")),
    "__reduce__": ("a Value was pickled", "pickle it outside the function"),
}


class TraceError(TypeError):
    """A function that is compiled did what a program cannot do; the message says where, and what to write instead."""


def refuse(what: str, remedy: str, why: str = HOLDS) -> None:
    """Raise a TraceError that names the line of the user's program, also where it called a part of this package."""
    place = here()
    if called := called_from_outside():
        what, remedy = f"{called}() looked at the numbers of Values", "call it outside the function"
    raise TraceError(f"{what}{f' at {place}' if place else ''}: {why}; {remedy}")


def called_from_outside() -> str:
    """The function of this package that the user's program has called and that came here; "" if there is none."""
    frame, called = sys._getframe(3), ""                # of whatever came upon the guard
    while frame and is_library(frame.f_code.co_filename):
        if frame.f_code.co_filename.startswith(PACKAGE):
            called = frame.f_code.co_qualname.partition(".<locals>")[0]     # grad, not what it returns
        frame = frame.f_back                            # type: ignore[assignment]
    return "" if "__" in called else called             # an operator, not a function


# ---- what is drawn anew for each row ----------------------------------------------------------------


class Drawn(NamedTuple):
    """Numbers that are drawn anew for each row: those of one call of a source, such as a dropout.

    source   has `calls`, how often it has drawn, and drawn(calls, size): of calls, an array, a row of numbers each
    call     which of the calls in one run of f it was, from 1
    size     how many numbers it drew
    """

    source: Any
    call: int
    size: int


class Recording:
    """What a run of a function tells while it runs: what it drew, what it asked of its numbers.

    calls    {source: how often it had drawn before}
    leaves   the Values that hold what was drawn
    asked    (check, words, Values, the node that is 1 / 0 where they will not do) of each check
    plain    Values of which it was asked whether they are plain numbers, and that are
    """

    def __init__(self) -> None:
        self.calls: dict[Any, int] = {}
        self.plain: list[Value] = []
        self.drawn: list[Drawn] = []
        self.leaves: list[Value] = []
        self.asked: list[tuple[Callable, tuple[str, ...], list[Value], Value]] = []

    def undo(self) -> dict[Any, int]:
        """{source: how often f has drawn from it}; for the source it was never."""
        per_run = {source: source.calls - before for source, before in self.calls.items()}
        for source, before in self.calls.items():
            source.calls = before
        return per_run


tracing: ContextVar[Recording | None] = ContextVar("tracing_a_program", default=None)


def is_traced(x: Any) -> bool:
    """Is x a Value whose number nobody may look at, since a function is being traced?"""
    return tracing.get() is not None and is_value(x)


def is_plain(x: Any) -> bool:
    """Is a traced Value a plain number, as inputs are?  Who asks does other things where it takes gradients."""
    recording = tracing.get()
    if recording is None or not x.is_constant:
        return False
    recording.plain.append(x)
    return True


def drawn_anew(source: Any, leaves: list[Value]) -> None:
    """Say of leaves that this source has just drawn them: a program then draws them for each row."""
    if recording := tracing.get():
        before = recording.calls.setdefault(source, source.calls - 1)
        recording.drawn.append(Drawn(source, source.calls - before, len(leaves)))
        recording.leaves += leaves


def checked_in_each_row(holds: Callable) -> Callable:
    """A decorator of check(numbers, *words), which raises ValueError if they will not do: programs then ask it too.

    holds   of a list of Values a Value: 1 where these will do, else 0
    """
    def decorated(check: Callable) -> Callable:
        @wraps(check)
        def asked(numbers: Sequence[Any], *words: str) -> None:
            recording = tracing.get()
            if recording is None or not any(map(is_value, numbers)):
                return check(numbers, *words)
            values = [x if is_value(x) else constant(x) for x in numbers]
            recording.asked.append((asked, words, values, ops.div(1.0, holds(values))))
        return asked
    return decorated


# ---- the guard --------------------------------------------------------------------------------------

lock = threading.Lock()
functions_traced = 0
usual: dict[tuple[type, str], Any] = {}


def traced_by(recording: Recording | None) -> Mode:
    """Within the block, this thread may not look at the numbers of Values; with None it may again."""
    return Mode({tracing: recording})                   # type: ignore[dict-item]


@contextmanager
def guarded_values() -> Iterator[None]:
    """Within the block, Values ask whether a function is traced; if Ctrl-C leaves it so, that costs time alone."""
    global functions_traced
    with lock:
        functions_traced += 1
        if functions_traced == 1:
            watch()
    try:
        yield
    finally:
        with lock:
            functions_traced -= 1
            if not functions_traced:
                unwatch()


def watch() -> None:
    for name, (what, remedy) in REMEDIES.items():
        attribute = usual[Value, name] = getattr(Value, name)
        guard = guarded_method if callable(attribute) else guarded_property
        setattr(Value, name, guard(attribute, name, what, remedy))
    enter = usual[Mode, "__enter__"] = Mode.__enter__
    setattr(Mode, "__enter__", guarded_mode(enter))     # noqa: B010


def unwatch() -> None:
    for (kind, name), attribute in usual.items():
        setattr(kind, name, attribute)


def guarded_property(attribute: Any, name: str, what: str, remedy: str) -> property:
    def get(v: Value) -> Any:
        if what and tracing.get() and sys._getframe(1).f_code.co_name != "__repr__":    # which is for people
            refuse(what, remedy)
        return attribute.__get__(v)

    def put(v: Value, new: Any) -> None:
        if tracing.get():
            refuse(f".{name} was set", "set it outside the function")
        attribute.__set__(v, new)
    return property(get, put, doc=attribute.__doc__)


def guarded_method(method: Callable, name: str, what: str, remedy: str) -> Callable:
    def guarded(v: Value, *others: Any, **options: Any) -> Any:
        is_identity = name == "__eq__" and not any(isinstance(x, Real) for x in others)
        if tracing.get() and not is_identity:
            refuse(what, remedy)
        return method(v, *others, **options)
    guarded.__name__, guarded.__doc__ = name, method.__doc__
    return guarded


def guarded_mode(enter: Callable) -> Callable:
    """Modes that hold in a part of f would be lost: a program has one for all of it."""
    def guarded(mode: Mode) -> Mode:
        if tracing.get() and mode.modes.get(errors.recording, True) is False:
            refuse("no_grad was used", "write v.detach() outside the function, or give the number as an input")
        if tracing.get() and mode.modes.get(errors.strict, True) is False and is_from_outside():
            refuse("errstate was used", "write it around the calls of the program", "a program has one for all of it")
        return enter(mode)
    return guarded


def is_from_outside() -> bool:
    """Was this mode asked for by the user's program, perhaps as a decorator, and not by a part of this package?"""
    file = sys._getframe(2).f_code.co_filename
    return not file.startswith(PACKAGE) or file == errors.__file__


# ---- a function, recorded -----------------------------------------------------------------------------


class Trace(NamedTuple):
    """What one run of a function left.

    tape      what it did; among its inputs what was drawn comes last
    nodes     those on the tape
    answer    what it returned
    drawn     what was drawn for each row
    calls     {source: how often it draws for each row}
    plain     Values that are plain numbers, without which it would do other things
    by_inputs what it does where its inputs take gradients
    """

    tape: Tape
    nodes: list[Value]
    answer: Any
    drawn: list[Drawn]
    calls: dict[Any, int]
    plain: list[Value]
    by_inputs: Tape


def traced(f: Callable, example: tuple) -> Trace:
    """f, run on numbers like those of the example.

    It is run twice, the second time on other numbers and with the keys of dicts in another order.  A node that is in
    both graphs was there before, is no part of f, and its gradient would end there; and what is not the same in both
    is no program.  Inputs are plain numbers, as they are for `backward`; where that makes a difference, it is run once
    more, on inputs that take gradients.
    """
    inputs = [number(x.data if is_value(x) else x) for x in flat(example)]
    if not inputs:
        raise TypeError("f takes no numbers: a program needs an input, which has another number in each row; give an "
                        "example of what f takes, such as compile(f, 0.0)")
    with traced_by(None):                               # another function may be traced that calls this one
        first = run(f, refilled(example, inputs))
        others = refilled(example, [0.4375 if x == 0.5625 else 0.5625 for x in inputs])
        again = run(f, reordered(others), example, first)
        refuse_nodes_of_before(first, again)
        refuse_other_steps(first, again)
        tape = by_inputs = with_own_numbers(first, again)
        if first.plain:
            tape = replace(tape, plain=frozenset(tape.values).intersection(order_of(first.plain)))
            by_inputs = with_own_numbers(run(f, refilled(example, inputs), leaf=Value), again)
    return first._replace(tape=tape, by_inputs=by_inputs)


def reordered(tree: Any) -> Any:
    """The same with the keys of dicts in the opposite order."""
    if isinstance(tree, Mapping):
        return {key: reordered(tree[key]) for key in reversed(tree)}
    if type(tree) in (list, tuple):
        return type(tree)(map(reordered, tree))
    return tree


def plain_number(x: float) -> Value:
    return Value(x).detach()


def run(f: Callable, numbers: Any, model: Any = None, before: Trace | None = None,
        leaf: Callable[[float], Value] = plain_number) -> Trace:
    """One run of f, recorded.

    model    what the inputs are ordered by, and `before`, an earlier run, the outputs
    leaf     makes an input
    """
    given = refilled(numbers, map(leaf, flat(numbers)))
    inputs = fitted("the inputs", given, "the example", model) if before else flat(given)
    recording = Recording()
    with recorded_anyway(), errstate(all="ignore"), guarded_values(), traced_by(recording):
        try:
            answer = f(*given)
        finally:
            calls = recording.undo()
    outputs = outputs_in(answer)
    if before:
        try:
            outputs = fitted("what f returns the second time", answer, "what it returned before", before.answer)
        except ValueError as error:
            raise TraceError(f"{error}: a program returns the same each time") from None
    try:
        tape, nodes = taped(outputs, [*inputs, *recording.leaves], recording)
    except ReplayError as error:
        raise TraceError(f"f uses a node made by hand: {error}") from None
    return Trace(tape, nodes, answer, recording.drawn, calls, recording.plain, tape)


def taped(outputs: list[Value], inputs: list[Value], recording: Recording) -> tuple[Tape, list[Value]]:
    """The tape of these outputs, with what was asked on the way, and its nodes."""
    tape, nodes = recorded([*outputs, *[node for *_, node in recording.asked]], inputs)
    place = dict(zip(nodes, range(len(nodes))))
    checks = tuple([Check(check, words, tuple(map(place.__getitem__, values)))
                    for check, words, values, _ in recording.asked])
    return replace(tape, outputs=tape.outputs[:len(outputs)], checks=checks), nodes


def outputs_in(answer: Any) -> list[Value]:
    """The Values that f returned."""
    try:
        outputs = flat(answer)
    except TypeError:
        outputs = []
    if not outputs or not all(map(is_value, outputs)):
        raise TypeError(f"f must return Values, or lists and dicts of them: got {short_repr(answer)}")
    return outputs


def refuse_nodes_of_before(first: Trace, again: Trace) -> None:
    seen = set(first.nodes)
    for node, op in zip(again.nodes, again.tape.ops):
        if op is not None and node in seen:
            raise TraceError(f"f uses a node that was computed before, {describe(node)}: compute it in f, from the "
                             "leaves it was made of, or give f the number alone, by detach()")


def refuse_other_steps(first: Trace, again: Trace) -> None:
    """A program does the same each time, with the same plain numbers."""
    for what in "kind", "ops", "parents", "constants", "inputs", "outputs", "checks":
        if getattr(first.tape, what) != getattr(again.tape, what):
            raise TraceError("f did other things when it was run again, on other numbers and with dicts in another "
                             "order: a program does the same for every row")
    if (first.drawn, first.calls) != (again.drawn, again.calls):
        raise TraceError("f drew other numbers when it was run again: a program draws as often for every row")
    for i, kind in enumerate(first.tape.kind):
        x, y = first.tape.numbers[i], again.tape.numbers[i]
        if kind in (CONSTANT, PARAMETER) and x != y and (x == x or y == y):
            raise TraceError(f"f met the plain number {x!r} in one run and {y!r} in the next: give what changes to f "
                             "as an input")


def with_own_numbers(first: Trace, again: Trace) -> Tape:
    """The tape of the first run, whose parameters are the leaves that last.

    A Value that f makes itself is a plain number; one that was there before may get another number, or be frozen or
    woken, so it is a parameter even while it is frozen.
    """
    tape, lasting = first.tape, set(again.nodes)
    leaves = [i for i, kind in enumerate(tape.kind) if kind in (PARAMETER, CONSTANT)]
    parameters = [i for i in leaves if first.nodes[i] in lasting]
    kind = list(tape.kind)
    for i in leaves:
        kind[i] = CONSTANT
    for i in parameters:
        kind[i] = PARAMETER
    return with_frozen(replace(tape, kind=kind, parameters=parameters, values=[first.nodes[i] for i in parameters]))


def with_frozen(tape: Tape) -> Tape:
    """The same tape, which knows the parameters that are frozen now."""
    frozen = frozenset(i for i, value in zip(tape.parameters, tape.values) if value.is_constant)
    for value in tape.plain:
        if not value.is_constant:
            raise TraceError(f"{describe(value)} was frozen when f was compiled, and a loss left out what it weighs "
                             "where it is 0: compile f again")
    return tape if frozen == tape.frozen else replace(tape, frozen=frozen)
