"""Derivatives of Python functions, by graphs and by differences."""
