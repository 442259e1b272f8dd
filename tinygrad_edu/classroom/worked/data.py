"""Worked steps as JSON (`steps.schema.json`), read as a list of statements."""

import json
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from ...engine.number import short_repr
from ...engine.op import OPS
from ...show.tables import FORMAT
from .read import Statement, statements_of_text
from .written import Number, Written

JSON_NAMES = {Mapping: "object", list: "list", str: "text", int: "whole number", object: "value"}


def statements_of_data(data: Mapping[str, Any]) -> list[Statement]:
    """The statements of steps as JSON (see `steps.schema.json`); ValueError names what is no such data."""
    if not isinstance(data, Mapping) or not isinstance(data.get("steps"), list):
        raise ValueError('steps as JSON are an object with a list "steps": tinygrad-edu step EXPR --json writes it')
    if data.get("format", FORMAT) != FORMAT:
        raise ValueError(f"these steps have the format {short_repr(data['format'])}, and {FORMAT} is what is read here")
    checked({"constants": [], **data}, "constants", list, "the data")
    given = [Statement(f"given {name}", f"{name} = {number}", "given", name, claim=number_in(number, f"given {name}"))
             for name, number in checked(data, "given", Mapping, "the data").items()]
    return given + [statement_of_step(step, f"step {i}") for i, step in enumerate(data["steps"], 1)]


def statement_of_step(step: Any, place: str) -> Statement:
    """One step as a statement."""
    kind = checked(step, "kind", str, place)
    text = text_of(step)
    node, value = checked(step, "node", str, place), number_in(checked(step, "value", object, place), place)
    if kind == "forward":
        return Statement(place, text, "value", node, claim=value, made=made_of(step, place))
    if kind == "seed":
        return Statement(place, text, "total", node, claim=value)
    if kind == "backward":
        before, upstream, local = [number_in(checked(step, key, object, place), place)
                                   for key in ("before", "upstream", "local")]
        parent, edge = checked(step, "parent", str, place), checked(step, "edge", int, place)
        return Statement(place, text, "added", parent, node, edge, claim=value, terms=(before, upstream, local))
    if kind == "stopped":
        return Statement(place, text, "nothing", ", ".join(map(str, checked(step, "behind", list, place))), claim=value)
    return Statement(place, text, why=f"a step of kind {kind!r} cannot be judged")


def text_of(step: Mapping[str, Any]) -> str:
    """A step as a line: its own formula and numbers, or what they would be."""
    if "formula" in step:
        sign = "→" if step["kind"] in ("backward", "stopped") else "="
        return f"{step['formula']} {sign} {step.get('numbers', step.get('value'))}"
    if step["kind"] == "backward":
        node, parent = step.get("node"), step.get("parent")
        return (f"{parent}.grad += {node}.grad × ∂{node}/∂{parent} → {step.get('before')} + {step.get('upstream')} × "
                f"{step.get('local')} = {step.get('value')}")
    inputs = ", ".join(map(str, step.get("inputs", ())))
    made = f" = {step.get('op')}({inputs})" if step["kind"] == "forward" else ".grad"
    return f"{step.get('node')}{made} = {step.get('value')}"


def made_of(step: Mapping[str, Any], place: str) -> Written:
    """How the node of a forward step is made."""
    op, inputs = checked(step, "op", str, place), checked(step, "inputs", list, place)
    if op not in OPS:
        raise ValueError(f"{place}: there is no operation called {op!r}: tinygrad-edu ops lists them")
    atoms = [x if isinstance(x, str) else number_in(x, place) for x in inputs]
    settings = checked({"constants": {}, **step}, "constants", Mapping, place)
    made = Written.of_op(op, atoms, {name: float(number_in(x, place).value) for name, x in settings.items()})
    try:
        made.computed([1] * len(atoms))
    except (TypeError, IndexError) as error:
        raise ValueError(f"{place}: {error}") from None
    return made


def checked(data: Any, key: str, kind: type, place: str) -> Any:
    """The entry of an object; ValueError if it is missing, or of another kind."""
    if not isinstance(data, Mapping):
        raise ValueError(f"{place} is an object with kind, node and value: got {short_repr(data)}")
    if key not in data or not isinstance(data[key], kind):
        raise ValueError(f"{place}: {key!r} is missing, or is no {JSON_NAMES[kind]}: got {short_repr(data.get(key))}")
    return data[key]


def number_in(x: Any, place: str) -> Number:
    """A number of JSON: in full, so it may be off by nothing; inf and nan are text there."""
    if isinstance(x, str) and x in ("inf", "-inf", "nan"):
        return Number(float(x))
    if isinstance(x, bool) or not isinstance(x, int | float):
        raise ValueError(f"{place}: a number is needed, got {short_repr(x)}")
    return Number(Fraction(x) if isinstance(x, int) else x)


def loaded(source: Any) -> Any:
    """JSON as data; any other text, and data, as it is.  ValueError at what begins like JSON and is none."""
    if not isinstance(source, str) or not source.lstrip().startswith(("{", "[")):
        return source
    try:
        return json.loads(source)
    except json.JSONDecodeError as error:
        raise ValueError(f"this begins like JSON, and is none: {error}") from None


def statements_of(source: Any) -> list[Statement]:
    """The statements of a text, or of data."""
    return statements_of_text(source) if isinstance(source, str) else statements_of_data(source)
