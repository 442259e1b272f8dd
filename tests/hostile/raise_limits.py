"""It gives itself back what was taken from it."""

import os
import resource
from contextlib import suppress


def harm():
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    for attempt in (lambda: resource.setrlimit(resource.RLIMIT_AS, unlimited),
                    lambda: resource.setrlimit(resource.RLIMIT_FSIZE, unlimited),
                    lambda: os.setuid(0), lambda: os.setresuid(0, 0, 0), lambda: os.setgid(0), os.setsid,
                    lambda: os.setgroups([0]), lambda: os.chroot(".")):
        with suppress(OSError, ValueError):
            attempt()
            return True
    return False
