"""A training in a file, so that it goes on from there another day, to the same bits."""

import json
from pathlib import Path
from typing import Any

from ..engine.number import printable, short_repr, truncate
from ..nn.modules import Dropout, Module
from ..nn.weights import WeightFileError, checksum, existing_file, write_signed
from .examples import name_of
from .history import History


def write_checkpoint(run: Any, path: Path) -> None:
    """Write everything that the next epoch of a run of `fit` depends on."""
    content = {"settings": settings_of(run), "steps": run.steps,
               "dropout_calls": [dropout.calls for dropout in dropouts_in(run.model)],
               "history": vars(run.history), "model": run.model.state_dict(), "optimizer": run.optimizer.state_dict()}
    if run.best:
        content["best"] = run.best.state_dict()
    write_signed(path, content)


def settings_of(run: Any) -> dict[str, Any]:
    """What must be the same for a run to be taken up again."""
    import hashlib  # which takes a while to load
    learnt = (run.inputs, run.targets) if run.weights is None else (run.inputs, run.targets, run.weights)
    examples = hashlib.sha256(repr(learnt).encode()).hexdigest()
    return {"seed": run.seed, "batch_size": run.batch_size, "examples": examples,
            "loss": name_of(run.loss), "optimizer": type(run.optimizer).__name__,
            "shards of a client": run.gradients.shards or None}


def resume(run: Any, path: Path) -> None:
    """Go on from the state in a file: all of it is taken over, or nothing if anything is wrong with it."""
    kept, history = read_checkpoint(path)
    for name, value in settings_of(run).items():
        if kept["settings"].get(name) != value:
            raise ValueError(f"{printable(path)} was made with {name} {short_repr(kept['settings'].get(name))}, "
                             f"not {short_repr(value)}: use that, or another file")
    before = run.model.state_dict()
    try:
        run.model.load_state_dict(kept["model"])
        run.optimizer.load_state_dict(kept["optimizer"])
    except (KeyError, ValueError, TypeError) as error:
        run.model.load_state_dict(before)
        raise bad_checkpoint(path, "checkpoint of this model and optimizer", error) from None
    for dropout, calls in zip(dropouts_in(run.model), kept["dropout_calls"]):
        dropout.calls = calls
    run.history, run.steps = history, kept["steps"]
    if run.best:
        run.best.resume(kept.get("best"), history)


def read_checkpoint(path: Path) -> tuple[dict[str, Any], History]:
    """What a file holds, and the history in it; a WeightFileError where it is no whole checkpoint."""
    try:
        kept = json.loads(existing_file(path).read_text(encoding="utf-8"))
        found = kept.pop("checksum")
        if found != checksum(kept):
            raise ValueError("its checksum is wrong")
        history = History(**kept["history"])
        kept["settings"].items()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise bad_checkpoint(path, "whole checkpoint of fit", error) from None
    return kept, history


def bad_checkpoint(path: Path, what: str, error: Exception) -> WeightFileError:
    return WeightFileError(f"{printable(path)}: not a {what} ({truncate(printable(error), 200)})")


def dropouts_in(model: Module) -> list[Dropout]:
    return [module for module in model.modules() if isinstance(module, Dropout)]
