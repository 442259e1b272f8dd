"""What an operation was called with, sorted into inputs and constants, and checked."""

import math
from collections.abc import Iterable, Sequence
from inspect import Parameter, Signature
from typing import Any

from .arrays import is_array, is_value
from .number import number, short_repr

Operation = Any                 # an Op


def arguments(op: Operation, inputs: tuple, constants: dict) -> tuple[tuple, dict[str, float]]:
    """The inputs and constants of an op of numbers; both may be given by name, constants also behind the inputs."""
    count, names = len(op.inputs), list(op.constants)
    inputs += tuple(constants.pop(name) for name in op.inputs[len(inputs):] if name in constants)
    if not count <= len(inputs) <= count + len(names):
        given = f"{len(inputs)} {'was' if len(inputs) == 1 else 'were'} given"
        raise TypeError(f"{op.name}() takes {', '.join([*op.inputs, *names])}, but {given}")
    return inputs[:count], checked_constants(op, {**dict(zip(names, inputs[count:])), **constants})


def arguments_of_rows(op: Operation, inputs: tuple, constants: dict) -> tuple[tuple, dict[str, float]]:
    """The rows and constants of an op of rows; max([a, b]) and max(a, b) mean the same."""
    count, names = len(op.inputs), list(op.constants)
    if count == 1 and (not 1 <= len(inputs) <= 1 + len(names) or not hasattr(type(inputs[0]), "__iter__")):
        inputs = (inputs,)
    if not count <= len(inputs) <= count + len(names):
        raise TypeError(f"{op.name}() takes {count} rows of numbers, but {len(inputs)} were given")
    inputs, constants = inputs[:count], {**dict(zip(names, inputs[count:])), **constants}
    for row in inputs:
        if not hasattr(type(row), "__iter__"):
            raise TypeError(f"{op.name}() takes rows of numbers, such as [a, b]: got {short_repr(row)}")
    rows = tuple(list(row) for row in inputs)
    if len({len(row) for row in rows}) > 1:
        lengths = " and ".join(str(len(row)) for row in rows)
        raise ValueError(f"{op.name}() takes rows of one length, not of {lengths}")
    if not rows[0] and not accepts_empty_row(op):
        raise ValueError(f"{op.name}() of an empty row: give at least one number")
    return rows, checked_constants(op, constants)


class CalledAs:
    """Stands in a class for how each of its ops is called: what `inspect.signature` asks for."""

    def __get__(self, op: Operation, kind: type) -> Signature:
        if op is None:
            raise AttributeError(f"{kind.__name__} itself is called as its __init__ says")
        return signature_of(op)


def signature_of(op: Operation) -> Signature:
    """How an op is called: rows by place only, numbers and constants also by name."""
    by_place, by_name = Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD
    inputs = [Parameter(name, by_place if op.rows else by_name) for name in op.inputs]
    if op.rows and len(inputs) == 1 and not op.constants:                   # max(a, b) for max([a, b])
        inputs.append(Parameter("others", Parameter.VAR_POSITIONAL))
    constants = {name: Parameter.empty if default is None else default for name, default in op.constants.items()}
    if op.longer:                                                           # log(x) has the base e
        constants |= dict.fromkeys(op.longer.inputs[len(inputs):], math.e)
    return Signature([*inputs, *[Parameter(name, by_name, default=default) for name, default in constants.items()]])


def refuse_nested(op: Operation, inputs: tuple) -> None:
    """Say it by name where an op of rows was given rows of rows."""
    for row in inputs if op.rows else ():
        refuse_rows_in(row, op.name, op.inputs)


def refuse_rows_in(row: list, name: str, inputs: Sequence[str] = ("x",)) -> None:
    """Refuse a row of rows in the name of a function and of its inputs."""
    for x in row:
        if isinstance(x, list | tuple) or is_array(x):
            first, *others = inputs
            raise TypeError(f"{name}() takes {'rows' if others else 'a row'} of numbers, but {short_repr(x)} is an "
                            f"element: for the rows of a matrix, write [tg.{name}({', '.join(['row', *others])}) "
                            f"for row in {first}]") from None


def checked_row(row: Any, name: str) -> list:
    """A row of numbers as a list; a TypeError that names the function if it is none."""
    if not hasattr(type(row), "__iter__"):
        raise TypeError(f"{name}() takes a row of numbers, such as [a, b]: got {short_repr(row)}")
    numbers = list(row)
    refuse_rows_in(numbers, name)
    return numbers


def refuse_axis(name: str, given: Iterable[str]) -> None:
    """Say it by name where a function of a row was told an axis, as those of numpy and PyTorch are."""
    for axis in given:
        if axis in ("axis", "dim", "keepdims", "keepdim"):
            raise TypeError(f"{name}() takes rows and no {axis}: write [tg.{name}(row) for row in x] for the "
                            f"rows of a matrix, [tg.{name}(column) for column in zip(*x)] for its columns")


def accepts_empty_row(op: Operation) -> bool:
    """Does the rule accept empty rows, as that of sum does?"""
    try:
        op.rule(*[[] for _ in op.inputs], **op.sample)
    except (ArithmeticError, LookupError):
        return False
    return True


def checked_constants(op: Operation, constants: dict[str, Any]) -> dict[str, float]:
    """Every constant of an op, those not given by their defaults, as floats."""
    if not constants and not op.constants:
        return constants
    if op.rows:
        refuse_axis(op.name, constants)
    for name in constants:
        if name not in op.constants:
            raise TypeError(f"{op.name}() has no argument {name!r}; it takes {', '.join([*op.inputs, *op.constants])}")
    complete = {**op.constants, **constants}
    for name, constant in complete.items():
        if constant is None:
            raise TypeError(f"{op.name}() needs {name}=...")
        if is_value(constant):
            raise TypeError(f"{op.name}(): {name} is a constant and gets no gradient; write {name}=v.data")
        try:
            complete[name] = number(constant)
        except TypeError as error:
            raise TypeError(f"{op.name}(): {name}: {error}") from None
    return complete
