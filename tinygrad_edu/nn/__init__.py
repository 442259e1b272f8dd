"""Networks: modules, losses, optimizers, and what belongs to them.  Stands on the engine alone."""

from .modules import MLP, Dropout, Layer, Maxout, Module, Neuron, Sequential

__all__ = ["MLP", "Dropout", "Layer", "Maxout", "Module", "Neuron", "Sequential"]
