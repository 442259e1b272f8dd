"""How a rule becomes an operation: `@op` declares one, `@accurate` and `@graph_form` add to it."""

import inspect
from collections.abc import Callable
from typing import Any

from .domain import Interval
from .formula import Formula
from .number import number, short_repr
from .op import BUILT_IN, OPS, Op, listeners


def op(symbol: str, *domain: Any, selects: bool = False, jumps: Callable | None = None,
       **sample: float) -> Callable[[Callable], Op]:
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
    check_declaration(symbol, domain)

    def declare(rule: Callable) -> Op:
        made = Op(rule, symbol, domain, selects, {name: number(x) for name, x in sample.items()}, jumps)
        verify(made)
        made.__doc__ = made.documented()
        for listener in listeners:
            listener(made)
        OPS[made.name] = made
        if made.is_built_in:
            BUILT_IN.append(made)
        return made
    return declare


def accurate(op: Op) -> Callable[[Callable], Callable]:
    """Say how an operation is computed in floats, where the textbook's formula would lose digits.

    The decorated function has the signature of the rule and returns the same numbers, to the last
    digit.  People are still shown the rule.  Raises TypeError where it does not fit the rule, and
    ValueError where the operation has an accurate form already.
    """
    return attached(op, "rule", "an accurate form")


def graph_form(op: Op) -> Callable[[Callable], Callable]:
    """Say by which formulas the local gradients of an operation are differentiated again.

    The decorated function has the signature of the rule and returns the same mathematics, phrased so
    that its derivatives keep their digits.  Without one, the rule itself serves.  Raises as `accurate` does.
    """
    return attached(op, "graph", "a graph form")


def attached(op: Op, place: str, what: str) -> Callable[[Callable], Callable]:
    """A decorator that puts another form of an op's rule in its place, "rule" or "graph", once."""
    def attach(form: Callable) -> Callable:
        if getattr(op, place) is not op.textbook:
            raise ValueError(f"op {op.name} has {what} already")
        setattr(op, place, checked_form(op, form))
        return form
    return attach


def checked_form(op: Op, form: Callable) -> Callable:
    """Another form of an op's rule, if it takes the same arguments and returns as many local gradients."""
    theirs, ours = inspect.getfullargspec(form), inspect.getfullargspec(op.textbook)
    if theirs.args != ours.args or theirs.kwonlyargs != ours.kwonlyargs:
        raise TypeError(f"a form of op {op.name} takes {op.signature}: got {form.__name__}{inspect.signature(form)}")
    check_result(op, op.formulas(form))
    return form


def check_declaration(symbol: Any, domain: tuple) -> None:
    if not isinstance(symbol, str):
        raise TypeError(f'@op needs a symbol and domains, such as @tg.op("tanh", tg.REAL): got {short_repr(symbol)}')
    rows = [isinstance(d, list) and len(d) == 1 for d in domain]
    for interval in [d[0] if row else d for d, row in zip(domain, rows)]:
        if not isinstance(interval, Interval):
            raise TypeError("a domain is an Interval, such as tg.REAL, or [tg.REAL] for a row: "
                            f"got {short_repr(interval)}")
        for x in (interval.low, interval.high, *interval.without, *interval.kinks):
            number(x)
    if any(rows) and not all(rows):
        raise TypeError("either all inputs of an op are rows, or none is")


def verify(made: Op) -> None:
    """Refuse a rule that does not fit what was said of it, or cannot be written as formulas."""
    name, inputs = made.name, made.inputs
    known = OPS.get(name)
    if known and known.is_built_in:
        raise ValueError(f"{name} is a built-in op and cannot be replaced: choose another name")
    if not inputs or len(made.domain) != len(inputs):
        raise TypeError(f"op {name} has {len(inputs)} inputs {inputs} but {len(made.domain)} domains: "
                        "give one Interval per input, such as tg.REAL")
    for constant, default in made.constants.items():
        if default is None and constant not in made.sample:
            raise TypeError(f"op {name}: give a sample value of its constant, @op(..., {constant}=2.0)")
    try:
        result = made.formulas()
    except TypeError as error:
        raise TypeError(f"op {name} cannot be written as a formula: {error}") from error
    check_result(made, result)
    check_jumps(made)


def check_jumps(made: Op) -> None:
    """Refuse a place of jumps that is no formula of the inputs, each of which is a number."""
    if made.jumps is None:
        return
    if made.rows:
        raise TypeError(f"op {made.name} takes rows of numbers, so that jumps cannot say where it jumps: leave it out")
    try:
        made.jumps(*map(Formula, made.inputs))
    except TypeError as error:
        raise TypeError(f"op {made.name}: jumps is a function of the inputs, lambda {', '.join(made.inputs)}: ..., "
                        f"made of what a rule may use: {error}") from error


def check_result(op: Op, result: Any) -> None:
    """Refuse what is not (value, (one local gradient per input))."""
    if not isinstance(result, tuple) or len(result) != 2 or not isinstance(result[1], tuple):
        raise TypeError(f"op {op.name} must return (value, (one local gradient per input)): mind the comma in (g,)")
    if len(result[1]) != len(op.inputs):
        raise TypeError(f"op {op.name} has {len(op.inputs)} inputs {op.inputs} "
                        f"but returns {len(result[1])} local gradients")
