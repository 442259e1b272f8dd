"""The engine: rules, Values and the chain rule.  Needs the standard library only."""

from .value import Value

__all__ = ["Value"]
