"""Both engines in one process: the library as it was imported, and a second copy of it that is kept pure."""

import importlib
import os
import sys
from contextlib import contextmanager
from functools import cache

PACKAGE = "tinygrad_edu"


def modules():
    return {name: module for name, module in sys.modules.items() if name == PACKAGE or name.startswith(PACKAGE + ".")}


@contextmanager
def other_modules(others):
    """Within the block, the package's modules are these."""
    ours = modules()
    for name in ours:
        del sys.modules[name]
    sys.modules.update(others)
    try:
        yield
    finally:
        for name in modules():
            del sys.modules[name]
        sys.modules.update(ours)


@cache
def pure():
    """(the package with the engine written in Python, its modules)"""
    before = os.environ.get("TINYGRAD_EDU_PURE")
    os.environ["TINYGRAD_EDU_PURE"] = "1"
    try:
        with other_modules({}):
            return importlib.import_module(PACKAGE), modules()
    finally:
        if before is None:
            del os.environ["TINYGRAD_EDU_PURE"]
        else:
            os.environ["TINYGRAD_EDU_PURE"] = before
