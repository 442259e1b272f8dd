"""It reads the marks, a neighbour's file, or the checks; and through a link of its own."""

import os
from contextlib import suppress


def harm():
    with suppress(OSError):
        os.symlink(MARKS[0], "link")
    for name in [*MARKS, CHECKS, "link", "/proc/self/environ", "/proc/self/mem"]:
        with suppress(OSError), open(name, "rb") as file:
            file.read(1)
            return True
    return False
