"""What PyTorch calls an activation of ours, in one table, and what has no twin there, with the reason.

A model that is almost the same would be worse than none: what differs anywhere is refused by its name and place.
"""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from ...engine import composites, ops
from ...engine.op import Op

NOTHING: Mapping[str, Any] = MappingProxyType({})
INSTALL = 'models of PyTorch need PyTorch: pip install "tinygrad-edu[torch]"'
AS_OURS = 40.0              # above it exp(-x) is lost beside x, so that Softplus with this threshold is ours
ENDS = "the slope of clip is 1 at both ends, that of Hardtanh and ReLU6 is 0"
OTHER_WAY = "it goes along another dimension than the last"


def softplus_up_to(x: Any, *, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """log(1 + exp(beta x)) / beta, but x itself where beta x is above the threshold, as torch.nn.Softplus has it.

    >>> softplus_up_to(25.0), ops.softplus(25.0)
    (25.0, 25.000000000013888)
    """
    smooth = ops.div(ops.softplus(ops.mul(beta, x)), beta)
    return ops.where(ops.greater(ops.mul(beta, x), threshold), x, smooth)


class Twin(NamedTuple):
    """What torch.nn has for an activation: its class, {its argument: our constant}, and what else it is told."""

    name: str
    constants: Mapping[str, str] = NOTHING
    told: Mapping[str, Any] = NOTHING


ACTIVATIONS: dict[Any, Twin] = {
    ops.relu: Twin("ReLU"),
    ops.leaky_relu: Twin("LeakyReLU", {"negative_slope": "slope"}),
    ops.elu: Twin("ELU", {"alpha": "alpha"}),
    composites.selu: Twin("SELU"),
    ops.gelu: Twin("GELU", told={"approximate": "none"}),
    ops.silu: Twin("SiLU"),
    composites.mish: Twin("Mish"),
    ops.tanh: Twin("Tanh"),
    ops.sigmoid: Twin("Sigmoid"),
    ops.log_sigmoid: Twin("LogSigmoid"),
    ops.softplus: Twin("Softplus", told={"beta": 1.0, "threshold": AS_OURS}),
    softplus_up_to: Twin("Softplus", {"beta": "beta", "threshold": "threshold"}),
    ops.softsign: Twin("Softsign"),
}
OF_ROWS: dict[Any, Twin] = {
    composites.softmax: Twin("Softmax", told={"dim": -1}),
    composites.log_softmax: Twin("LogSoftmax", told={"dim": -1}),
    composites.softmin: Twin("Softmin", told={"dim": -1}),
}
REASONS = {
    "Layer": "its neurons differ in activation, size or bias",
    "clip": ENDS, "Hardtanh": ENDS, "ReLU6": ENDS,
    "Maxout": "torch.nn has no module that shares the gradient among equal pieces",
    "Softmax": OTHER_WAY, "LogSoftmax": OTHER_WAY, "Softmin": OTHER_WAY,
    "GELU": "it is an approximation, and ours is the exact one: approximate='none'",
    "Flatten": "it flattens something else than what follows the first dimension",
    "Dropout": "PyTorch's is scaled in training, this one in evaluation: give it inverted=True",
    "ReLU": "its dropout is scaled in evaluation, PyTorch's in training: give it inverted=True",
}


def the_torch() -> Any:
    """PyTorch; ModuleNotFoundError with the command that installs it."""
    try:
        import torch
    except ModuleNotFoundError:
        raise ModuleNotFoundError(INSTALL) from None
    return torch


def name_of(part: Any) -> str:
    """What a part of a model is called in an error."""
    if isinstance(part, partial):
        return name_of(part.func)
    return part.name if isinstance(part, Op) else getattr(part, "__name__", type(part).__name__)


def constants_of(activation: Any) -> Mapping[str, Any]:
    """The constants of an activation as they are where none are given."""
    return activation.constants if isinstance(activation, Op) else getattr(activation, "__kwdefaults__", None) or {}


def no_twin(place: str, part: Any, reason: str = "") -> ValueError:
    """The error for a part that the other side does not have.

    >>> no_twin("step 1", ops.clip)
    ValueError('step 1 (clip) has no twin: the slope of clip is 1 at both ends, that of Hardtanh and ReLU6 is 0')
    """
    name = name_of(part)
    where = f"{place} ({name})" if place else name
    return ValueError(f"{where} has no twin: {reason or REASONS.get(name, 'the other side does not have it')}")
