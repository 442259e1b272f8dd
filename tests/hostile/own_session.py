"""It leaves a process behind, in a session of its own, which waits for half a minute."""

import os
import time


def harm():
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        if os.fork() == 0:
            os.write(tell, str(os.getpid()).encode())
            time.sleep(30)
        os._exit(0)
    os.waitpid(child, 0)
    print("left behind:", os.read(ready, 20).decode(), flush=True)
    return True
