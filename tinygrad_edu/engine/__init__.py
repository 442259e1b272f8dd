"""The engine: rules, Values and the chain rule.  Needs the standard library only."""

from . import accurate  # which adds to the operations how floats compute them
from .value import Value

__all__ = ["Value", "accurate"]
