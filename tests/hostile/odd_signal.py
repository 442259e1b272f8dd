"""It ends its process by a signal without a name."""

import os


def harm():
    os.kill(os.getpid(), 40)
    return True
