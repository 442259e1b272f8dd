"""It starts processes that start processes; each ends by itself after three seconds, and there are fifty at most."""

import os
import time


def harm():
    started = False
    for _ in range(49):
        try:
            child = os.fork()
        except OSError:
            continue
        if child == 0:
            time.sleep(3)
            os._exit(0)
        started = True
    return started
