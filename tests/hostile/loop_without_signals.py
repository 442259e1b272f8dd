"""It never comes back, and ignores every signal that can be ignored."""

import signal
from contextlib import suppress


def harm():
    for number in range(1, 65):
        with suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_IGN)
    while True:
        pass
