"""It ends its whole group, if it can."""

import os
import signal


def harm():
    try:
        os.kill(0, signal.SIGKILL)
    except OSError:
        return False
    return True
