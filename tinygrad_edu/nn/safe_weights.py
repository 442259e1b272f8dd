"""Weights as a safetensors file, with the names and shapes that PyTorch expects.

A model that is a list of layers has the names of the same torch.nn.Sequential, 0.weight, 0.bias, 2.weight ..., with the
shapes (outputs, inputs) and (outputs,).  Any other has its own names, as in the JSON file.
"""

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

try:
    import numpy as np
    from safetensors import SafetensorError, safe_open
    from safetensors.numpy import save as serialized
except ModuleNotFoundError:
    raise ModuleNotFoundError('.safetensors files need numpy and safetensors: pip install "tinygrad-edu[safetensors]"'
                              ) from None

from ..engine.number import short_repr
from ..engine.value import Value
from ..files import write_whole
from .modules import Module
from .parts import LAYER, Part, parts_of
from .weights import FORMAT, LARGEST, VERSION, existing_file, in_groups, problem

KEY = FORMAT.replace(" ", "_")              # the only one in the metadata, since several have no fixed order
FLOATS = ("F64", "F32", "F16")              # which a float holds exactly


def save_tensors(model: Module, path: "str | Path", about: Mapping[str, Any]) -> Path:
    """Write the parameters of a model as safetensors of float64, and what is said about it as JSON in the metadata."""
    arrays = {name: np.array(numbers_of(values), np.float64) for name, values in tensors_of(model).items()}
    told = json.dumps({"version": VERSION, "about": dict(about)}, allow_nan=False)
    return write_whole(path, serialized(arrays, {KEY: told}))


def load_tensors(model: Module, path: "str | Path") -> dict[str, Any]:
    """Set the parameters of a model from such a file, by whomever it was written; returns what is said about it.

    Raises WeightFileError, and leaves the model as it was, for a file that is cut off or holds other names, shapes or
    kinds of numbers, or one that is not finite.
    """
    with opened(path) as file:
        numbers, about = checked_numbers(path, file, tensors_of(model)), said_about(path, file.metadata() or {})
    for value, number in numbers.items():
        value.data = number
    return about


def about_and_count(path: "str | Path") -> tuple[dict[str, Any], int]:
    """What is said about the model in such a file, and how many weights it holds."""
    with opened(path) as file:
        count = sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118 (it is no dict)
        return said_about(path, file.metadata() or {}), count


@contextmanager
def opened(path: "str | Path") -> Iterator[Any]:
    """The file, as the library reads it; what it cannot read is a WeightFileError."""
    path = existing_file(path)
    if path.stat().st_size > LARGEST:
        raise problem(path, "size", f"at most {LARGEST} bytes", f"{path.stat().st_size}")
    try:
        with safe_open(path, framework="np") as file:
            yield file
    except (SafetensorError, OSError) as error:
        raise problem(path, "content", "a complete safetensors file", str(error)) from None


def said_about(path: "str | Path", metadata: Mapping[str, str]) -> dict[str, Any]:
    """What `save` was told; a file written by others has its metadata."""
    if KEY not in metadata:
        return dict(metadata)
    try:
        told = json.loads(metadata[KEY])
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict) or told.get("version") != VERSION:
        raise problem(path, KEY, f"version {VERSION}", short_repr(metadata[KEY]))
    if not isinstance(told.get("about"), dict):
        raise problem(path, "about", "an object", short_repr(told.get("about")))
    return told["about"]


def checked_numbers(path: "str | Path", file: Any, tensors: Mapping[str, Any]) -> dict[Value, float]:
    """{parameter: its number} of a file that holds just these tensors."""
    found: dict[Value, float] = {}
    names = list(file.keys())
    for name in (*tensors, *names):
        here = f"shape {list(np.shape(numbers_of(tensors[name])))}" if name in tensors else "nothing"
        there = f"shape {file.get_slice(name).get_shape()}" if name in names else "nothing"
        if here != there:
            raise problem(path, name, here, there)
    for name, values in tensors.items():
        kind = file.get_slice(name).get_dtype()
        if kind not in FLOATS:
            raise problem(path, name, ", ".join(FLOATS), kind)
        for value, number in zip(flat(values), file.get_tensor(name).astype(float).ravel().tolist()):
            if not math.isfinite(number):
                raise problem(path, name, "finite numbers", str(number))
            if found.setdefault(value, number) != number:
                raise problem(path, name, f"{found[value]!r}, as where it stands first", repr(number))
    return found


# ---- names and shapes ------------------------------------------------------------------------------


def tensors_of(model: Module) -> dict[str, Any]:
    """{name: a Value, or a list or matrix of them} of all parameters.

    >>> from .modules import MLP
    >>> {name: len(values) for name, values in tensors_of(MLP(2, [3, 1], rng=0)).items()}
    {'0.weight': 3, '0.bias': 3, '2.weight': 1, '2.bias': 1}
    """
    named = dict(model.named_parameters())
    by_layer = {f"{i}.{name}": values for i, part in enumerate(parts_of(model)) if part.kind == LAYER
                for name, values in matrices(part)}
    if {value for values in by_layer.values() for value in flat(values)} == {*named.values()}:
        return by_layer
    return in_groups(named)


def matrices(part: Part) -> list[tuple[str, list[Any]]]:
    """The weights (outputs, inputs) and biases (outputs,) of a layer."""
    biases = [neuron.b for neuron in part.neurons if neuron.b is not None]
    return [("weight", [neuron.w for neuron in part.neurons]), *([("bias", biases)] if biases else [])]


def flat(values: Any) -> list[Value]:
    return [value for part in values for value in flat(part)] if isinstance(values, list) else [values]


def numbers_of(values: Any) -> Any:
    return [numbers_of(part) for part in values] if isinstance(values, list) else values.data
