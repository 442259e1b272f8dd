"""What every test gets: a table of operations that is as it was once the test is over."""

import pytest

import tinygrad_edu as tg


@pytest.fixture(autouse=True)
def operations_as_before():
    """Ops declared in a test, or in a docstring's example, are gone after it."""
    before = set(tg.OPS)
    yield
    for name in set(tg.OPS) - before:
        del tg.OPS[name]
        if hasattr(tg.Value, name):
            delattr(tg.Value, name)
