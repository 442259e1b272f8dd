"""It lets a library do the work."""

import importlib
import sys


def harm():
    sys.path.insert(0, CHECKS.rpartition("/tinygrad_edu/")[0])
    try:
        return hasattr(importlib.import_module("tiny" + "grad_edu"), "Value")
    except (ImportError, OSError):
        return False
