"""Wrong operations, for tests of the tests."""

from tinygrad_edu import Op


def with_rule(op, rule, textbook=None, graph=None):
    """An op like this one with another rule, which is the textbook's and the graph form too where they are not given.

    No engine has a kernel or a recorder for it, so the rule is what runs.
    """
    twin = object.__new__(Op)
    vars(twin).update(vars(op), rule=rule, textbook=textbook or rule, graph=graph or textbook or rule, recorder=None)
    return twin
