"""Losses and optimizers that are given by their name, or left to what suits the examples."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from ..engine.number import short_repr
from ..nn import losses, optim
from ..nn.checks import by_name
from ..nn.modules import Module
from .examples import is_class

USUAL_RATE = 0.01               # of optimizers here: small networks stand larger steps than those of the papers
LOSSES = {name: getattr(losses, name) for name in losses.__all__ if name not in ("log_softmax", "margin_ranking")}


def loss_for(loss: Any, targets: Sequence[Any]) -> Callable:
    """The loss that is given, has the given name, or suits the targets: cross_entropy for classes, mse for numbers."""
    if callable(loss):
        return loss
    if loss is None:
        return losses.cross_entropy if all(map(is_class, targets)) else losses.mse
    return by_name("loss", loss, LOSSES)


def optimizer_for(optimizer: Any, lr: float | None, model: Module) -> optim.Optimizer:
    """The optimizer that is given, or a new one for the model's parameters.

    None means "adam".  Where no lr is given, `usual_rate` is.
    """
    if isinstance(optimizer, optim.Optimizer):
        if lr is not None:
            raise ValueError("give lr to the optimizer itself, or name the optimizer and give lr here")
        return optimizer
    if isinstance(optimizer, type):
        raise TypeError(f"give the optimizer its parameters, {optimizer.__name__}(model.parameters()), "
                        f"or its name: got {short_repr(optimizer)}")
    kind = optimizer_named("adam" if optimizer is None else optimizer)
    return kind(model.parameters(), lr=usual_rate(kind) if lr is None else lr)


def usual_rate(kind: type) -> float:
    """0.01, but no more than ten times an optimizer's own default (Lion), and no less than that (Adadelta)."""
    lr = inspect.signature(kind).parameters.get("lr")
    if lr is None or lr.default is lr.empty:                    # it was written without __init__
        return USUAL_RATE
    return max(lr.default, min(USUAL_RATE, 10 * lr.default))


def optimizer_named(name: Any) -> type:
    return by_name("optimizer", name, optimizers_by_name())


def optimizers_by_name() -> dict[str, type]:
    """{"adam": Adam, ...}: every optimizer there is, also one you have just written."""
    kinds, known = [optim.Optimizer], {}
    for kind in kinds:
        kinds += kind.__subclasses__()
        known[kind.__name__.lower()] = kind
    return {name: kind for name, kind in known.items() if name != "optimizer"}
