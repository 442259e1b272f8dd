"""Weights in a file: JSON that gives back the same bits, and is refused if anything is wrong with it.

Where the name of a file ends in .safetensors, `safe_weights.py` writes and reads it.

A file is written as a whole, so that no crash leaves half of one; it is read and checked as a
whole before the model is touched.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..engine.number import check_kind, number, printable, short_repr, truncate
from ..files import write_whole
from .modules import Module

FORMAT, VERSION = "tinygrad-edu weights", 1
LARGEST = 64 * 2 ** 20                  # bytes


class WeightFileError(ValueError):
    """A file that does not hold the weights of this model; the model is as it was."""


def save(model: Module, path: "str | Path", about: Mapping[str, Any] | None = None) -> Path:
    """Write the parameters of a model to a file: JSON, or where its name ends in .safetensors, that format.

    about   plain data to keep with them, such as how to build the model again

    A safetensors file has the names and shapes that PyTorch expects of a torch.nn.Sequential, such as 0.weight with the
    shape (outputs, inputs); it needs numpy and safetensors.

    >>> import tempfile
    >>> from tinygrad_edu.nn.modules import MLP
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = save(MLP(2, [3, 1], rng=0), Path(folder) / "model.json")
    ...     twin = MLP(2, [3, 1], rng=1)
    ...     about = load(twin, path)
    ...     twin.state_dict() == MLP(2, [3, 1], rng=0).state_dict()
    True
    """
    check_kind(model, Module)
    for name, weight in model.state_dict().items():
        if not math.isfinite(weight):
            raise ValueError(f"{name} is {weight}: only finite weights can be saved")
    if is_safetensors(path):
        from .safe_weights import save_tensors
        return save_tensors(model, path, about or {})
    grouped = in_groups(model.state_dict())
    content = {"format": FORMAT, "version": VERSION, "about": dict(about or {}),
               "shapes": {name: shape_of(numbers) for name, numbers in grouped.items()}, "parameters": grouped}
    return write_signed(path, content)


def is_safetensors(path: "str | Path") -> bool:
    return Path(path).suffix.lower() == ".safetensors"


def write_signed(path: "str | Path", content: Mapping[str, Any]) -> Path:
    """Write plain data as JSON, with a checksum by which a reader knows that all of it came through."""
    text = json.dumps({**content, "checksum": checksum(content)}, allow_nan=False)
    return write_whole(path, text.encode())


def load(model: Module, path: "str | Path") -> dict[str, Any]:
    """Set the parameters of a model from a file, of either kind; returns what `save` was told about it.

    Raises WeightFileError, and leaves the model as it was, for a file of another format or a
    newer version, that is cut off or altered, or holds other parameters or shapes.
    """
    check_kind(model, Module)
    if is_safetensors(path):
        from .safe_weights import load_tensors
        return load_tensors(model, path)
    content = read(path)
    expected = in_groups(model.state_dict())
    for name in (*expected, *content["parameters"]):
        here, there = (shape_of(group[name]) if name in group else None for group in (expected, content["parameters"]))
        if here != there:
            raise problem(path, f"parameters.{name}", "nothing" if here is None else f"shape {here}",
                          "nothing" if there is None else f"shape {there}")
    model.load_state_dict(ungrouped(content["parameters"]))
    return content["about"]


def about_and_count(path: "str | Path") -> tuple[dict[str, Any], int]:
    """What `save` was told about the model in a file of either kind, and how many weights the file holds."""
    if is_safetensors(path):
        from . import safe_weights
        return safe_weights.about_and_count(path)
    content = read(path)
    return content["about"], sum(len(row(x)) for x in content["parameters"].values())


def read(path: "str | Path") -> dict[str, Any]:
    """The content of a weight file, checked."""
    path = existing_file(path)
    if path.stat().st_size > LARGEST:
        raise problem(path, "size", f"at most {LARGEST} bytes", f"{path.stat().st_size}")
    try:
        content = json.loads(path.read_bytes().decode("utf-8"), object_pairs_hook=without_duplicates,
                             parse_constant=refuse_constant, parse_float=finite_float)
    except (ValueError, RecursionError) as error:
        raise WeightFileError(f"{printable(path)}: not a complete JSON file ({error})") from None
    try:
        check_content(path, content)
    except RecursionError:                  # nested as deeply as can just be read is too deep for the checksum
        raise problem(path, "about", "plain data", "lists within lists, too many") from None
    return content


def existing_file(path: "str | Path") -> Path:
    """The path of something that can be read as a whole: no folder, no pipe."""
    path = Path(path)
    if not path.is_file():
        reason = "this is not a file" if path.exists() else "there is no such file"
        raise WeightFileError(f"{printable(path)}: {reason}")
    return path


def check_content(path: Path, content: Any) -> None:
    """Refuse what `save` would not have written: format, version, keys, checksum, then each parameter."""
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        found = content.get("format") if isinstance(content, dict) else content
        raise problem(path, "format", repr(FORMAT), short_repr(found))
    if type(content.get("version")) is not int or content["version"] != VERSION:
        raise problem(path, "version", str(VERSION), short_repr(content.get("version")))
    for key in ("about", "shapes", "parameters"):
        if not isinstance(content.get(key), dict):
            raise problem(path, key, "an object", short_repr(content.get(key)))
    extra = set(content) - {"format", "version", "about", "shapes", "parameters", "checksum"}
    if extra:
        raise problem(path, min(extra), "nothing", short_repr(content[min(extra)]))
    found = content.pop("checksum", None)
    if found != checksum(content):
        raise problem(path, "checksum", checksum(content), short_repr(found))
    for name, numbers in content["parameters"].items():
        check_parameter(path, name, numbers, content["shapes"].get(name))
    for name in content["shapes"]:
        if name not in content["parameters"]:
            raise problem(path, f"parameters.{name}", f"shape {short_repr(content['shapes'][name])}", "nothing")


def check_parameter(path: Path, name: str, numbers: Any, shape: Any) -> None:
    """One parameter of a file: numbers, as many as their shape says."""
    if not all(is_weight(x) for x in row(numbers)):
        raise problem(path, f"parameters.{name}", "numbers", short_repr(numbers))
    if repr(shape) != repr(shape_of(numbers)):          # [2.0] and [True] are no shapes
        raise problem(path, f"shapes.{name}", str(shape_of(numbers)), short_repr(shape))


def is_weight(x: Any) -> bool:
    """Is x a number that a float holds exactly?"""
    try:
        return isinstance(x, float | int) and number(x) == x
    except (TypeError, ValueError, OverflowError):
        return False


def problem(path: Any, key: str, expected: str, found: str) -> WeightFileError:
    """The error for a key of a file; a key from the file is shown so that it is only text."""
    return WeightFileError(f"{printable(path)}: {truncate(printable(key), 120)}: expected {expected}, found {found}")


def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        name, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise ValueError(f"the key {short_repr(name)} stands twice")
    return found


def refuse_constant(name: str) -> float:
    raise ValueError(f"{truncate(name, 60)} is not a number a weight can be")


def finite_float(text: str) -> float:
    return float(text) if math.isfinite(float(text)) else refuse_constant(text)


# ---- parameters in groups --------------------------------------------------------------------------------


def in_groups(state: Mapping[str, Any]) -> dict[str, Any]:
    """{name: number or list}: `w.0`, `w.1` ... together as the list `w`."""
    grouped: dict[str, Any] = {}
    for name, weight in state.items():
        element = re.fullmatch(r"(.+)\.(\d+)", name)
        if element and len(grouped.get(element[1], ())) == int(element[2]):     # no gap: others are modules there
            grouped.setdefault(element[1], []).append(weight)
        else:
            grouped[name] = weight
    return grouped


def ungrouped(grouped: Mapping[str, Any]) -> dict[str, float]:
    return {(f"{name}.{i}" if isinstance(numbers, list) else name): number
            for name, numbers in grouped.items() for i, number in enumerate(row(numbers))}


def row(numbers: Any) -> list[Any]:
    return numbers if isinstance(numbers, list) else [numbers]


def shape_of(numbers: Any) -> list[int]:
    return [len(numbers)] if isinstance(numbers, list) else []


def checksum(content: Mapping[str, Any]) -> str:
    """SHA-256 of the content as compact JSON with sorted keys."""
    import hashlib  # which takes a while to load
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
