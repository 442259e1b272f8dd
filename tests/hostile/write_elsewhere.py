"""It writes, cuts off, renames or removes a file that it may write by its rights, and makes another beside it."""

import os
from contextlib import suppress


def harm():
    for name in MARKS:
        for attempt in (lambda: open(name, "w").write("everybody: 100"), lambda: open(name, "a").write("me: 100"),
                        lambda: os.truncate(name, 0), lambda: os.remove(name), lambda: os.rename(name, name + "2"),
                        lambda: os.link(name, "link"), lambda: open(name + "2", "x"),
                        lambda: os.mkdir(name + ".folder")):
            with suppress(OSError):
                attempt()
                return True
    return False
