"""Batches: what a program is given for many rows at once, as one array with a row of numbers for each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

from ..calculus.transforms import flat, parts_of
from ..engine.arrays import check_elements, is_array
from ..engine.number import WHOLE, number, short_repr

Array = Any
NO_NUMPY = "a program runs batches by numpy: pip install numpy; its .source runs without"


def numpy() -> ModuleType:
    try:
        import numpy
    except ModuleNotFoundError:
        raise ModuleNotFoundError(NO_NUMPY) from None
    return numpy


def rows_of(batch: Sequence[Any], names: Sequence[str], example: Sequence[Any]) -> Array:
    """A batch as one row of numbers for each example.

    names      of the arguments, for messages
    example    what each argument looks like for a single row
    """
    columns = [columns_of(part, name, model) for part, name, model in zip(batch, names, example)]
    counts = {len(part): name for part, name in zip(reversed(columns), reversed(names))}
    if len(counts) > 1:
        raise ValueError(f"{' but '.join(f'{name} has {count}' for count, name in reversed(counts.items()))} rows: "
                         "give each argument as many")
    if 0 in counts:
        raise ValueError(f"a batch needs at least one row: {counts[0]} has none")
    return columns[0] if len(columns) == 1 else numpy().concatenate(columns, axis=1)


def columns_of(part: Any, name: str, model: Any) -> Array:
    """One argument of a batch: its numbers for each row."""
    if isinstance(model, Mapping) and isinstance(part, Mapping):
        check_keys(part, name, model)
        return rows_of([part[key] for key in model], [f"{name}[{key!r}]" for key in model], list(model.values()))
    if is_array(part):
        check_elements(part)
        if part.dtype.kind in "fiu" and part.shape[1:] == shape_of(model):
            array = numpy().asarray(part.reshape(len(part), len(flat(model))))
            if array.dtype.itemsize < 8 or array.dtype == float or not is_beyond(array):
                return numpy().ascontiguousarray(array, float)
        part = part.tolist()
    if not isinstance(part, Sequence) or isinstance(part, str | bytes):
        raise TypeError(f"{name} must be an array or a list of rows, not {type(part).__name__}: got {short_repr(part)}")
    rows = [list(numbers_along(model, row, f"{name}[{k}]")) for k, row in enumerate(part)]
    return numpy().array(rows, float).reshape(len(rows), len(flat(model)))


def is_beyond(array: Array) -> bool:
    """May there be a number in it that is no float?"""
    return array.size > 0 and bool(numpy().abs(array).max() > WHOLE)


def shape_of(model: Any) -> tuple[int, ...] | None:
    """The shape of an array that is built like nested lists, if there is one."""
    if not isinstance(model, list):
        return None if isinstance(model, Mapping) else ()
    shapes = set(map(shape_of, model))
    [shape] = shapes if len(shapes) == 1 else [None]
    return None if shape is None else (len(model), *shape)


def numbers_along(model: Any, row: Any, name: str) -> Iterator[float]:
    """The numbers of a row, which must be built like the model; `name` says in messages what the row is."""
    if not isinstance(model, list | Mapping):
        try:
            yield number(row)
        except (TypeError, ValueError, OverflowError) as error:
            raise type(error)(f"{name}: {error}") from None
        return
    parts = parts_of(row)
    if isinstance(model, Mapping):
        check_keys(parts, name, model)
        for key in model:
            yield from numbers_along(model[key], parts[key], f"{name}[{key!r}]")      # type: ignore[index]
    elif not isinstance(parts, list | tuple) or len(parts) != len(model):
        raise ValueError(f"{name} must be built like {short_repr(model)}: got {short_repr(row)}")
    else:
        for i, (inner, part) in enumerate(zip(model, parts)):
            yield from numbers_along(inner, part, f"{name}[{i}]")


def check_keys(parts: Any, name: str, model: Mapping) -> None:
    if not isinstance(parts, Mapping) or set(parts) != set(model):
        raise ValueError(f"{name} must have the keys {', '.join(map(repr, model))}: got {short_repr(parts)}")


# ---- and back ---------------------------------------------------------------------------------------


def rows_first(model: Any, columns: Iterable[Array]) -> Any:
    """Columns, a number for each row, in the places of a model's numbers; lists of them are one array, rows first."""
    columns = iter(columns)
    if type(model) is float:
        return next(columns)
    parts = parts_of(model)
    if isinstance(parts, Mapping):
        filled = {key: rows_first(part, columns) for key, part in parts.items()}
        return filled if isinstance(model, Mapping) else replace(model, **filled)
    found = [rows_first(part, columns) for part in parts]                      # type: ignore[union-attr]
    if isinstance(model, tuple):
        return getattr(model, "_make", tuple)(found)
    shapes = {getattr(part, "shape", None) for part in found}
    return numpy().stack(found, axis=1) if len(shapes) == 1 and None not in shapes else found


def names_in(name: str, model: Any) -> list[str]:
    """What each number of an argument is called.

    >>> names_in("x", [0.0, {"b": 0.0}])
    ['x[0]', "x[1]['b']"]
    """
    if isinstance(model, Mapping):
        return [inner for key, part in model.items() for inner in names_in(f"{name}[{key!r}]", part)]
    if isinstance(model, list):
        return [inner for i, part in enumerate(model) for inner in names_in(f"{name}[{i}]", part)]
    return [name]
