"""Networks: modules, losses, optimizers, and what belongs to them.  Stands on the engine alone."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from ..engine.elsewhere import refuse_name as _refuse_name
from .modules import MLP, Dropout, Layer, Maxout, Module, Neuron, Sequential

__all__ = ["MLP", "Dropout", "Layer", "Maxout", "Module", "Neuron", "Sequential"]

if not _TYPE_CHECKING:              # to which any name would be there
    def __getattr__(name):
        _refuse_name(__name__, name)
