"""Networks: modules, losses, optimizers, and what belongs to them.  Stands on the engine alone."""

import typing as _typing

from ..engine.elsewhere import refuse_name as _refuse_name
from .modules import MLP, Dropout, Layer, Maxout, Module, Neuron, Sequential

__all__ = ["MLP", "Dropout", "Layer", "Maxout", "Module", "Neuron", "Sequential"]

if not _typing.TYPE_CHECKING:              # to which any name would be there
    def __getattr__(name):
        _refuse_name(__name__, name)
