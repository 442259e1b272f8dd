"""Wrong operations, and pages that are told something wrong, for tests of the tests."""

import json

from tinygrad_edu import Op
from tinygrad_edu.show import page as pages


def with_rule(op, rule, textbook=None, graph=None):
    """An op like this one with another rule, which is the textbook's and the graph form too where they are not given.

    No engine has a kernel or a recorder for it, so the rule is what runs.
    """
    twin = object.__new__(Op)
    vars(twin).update(vars(op), rule=rule, textbook=textbook or rule, graph=graph or textbook or rule, recorder=None)
    return twin


def tell_otherwise(monkeypatch, change):
    """From now on `change` is made to what pages tell their scripts, before they do."""
    as_json = pages.as_json

    def changed(data):
        copied = json.loads(json.dumps(data))
        change(copied)
        assert copied != json.loads(json.dumps(data)), "nothing was changed"
        return as_json(copied)
    monkeypatch.setattr(pages, "as_json", changed)
