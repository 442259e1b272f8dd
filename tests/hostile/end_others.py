"""It ends the grader, its group, everybody, by all ways there are; here by signals that do nothing, or to a decoy."""

import ctypes
import os
import resource
import signal
from contextlib import suppress


def harm():
    libc = ctypes.CDLL(None)
    for attempt in (lambda: os.kill(os.getppid(), 0), lambda: os.kill(-1, 0), lambda: os.kill(DECOY, signal.SIGKILL),
                    lambda: os.killpg(DECOY, signal.SIGKILL), lambda: os.pidfd_open(DECOY),
                    lambda: resource.prlimit(DECOY, resource.RLIMIT_CPU, (0, 0)),
                    lambda: os.setpriority(os.PRIO_PROCESS, DECOY, 19)):
        with suppress(OSError):
            attempt()
            return True
    return libc.tgkill(DECOY, DECOY, 9) == 0
