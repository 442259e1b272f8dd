"""It takes the rights, the owner or the date of a file that belongs to its user."""

import os
from contextlib import suppress


def harm():
    for attempt in (lambda: os.chmod(MARKS[0], 0), lambda: os.utime(MARKS[0], (0, 0)),
                    lambda: os.chown(MARKS[0], os.getuid(), os.getgid())):
        with suppress(OSError):
            attempt()
            return True
    return False
