"""It starts as many threads as it gets, each with a small stack; they end after three seconds."""

import threading
import time


def harm():
    threading.stack_size(2**16)
    try:
        for _ in range(1000):
            threading.Thread(target=time.sleep, args=(3,), daemon=True).start()
    except RuntimeError:
        return False
    return True
