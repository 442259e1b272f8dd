"""It never comes back out of a regular expression."""

import re


def harm():
    return re.match(r"(a+)+$", "a" * 64 + "b") is not None
