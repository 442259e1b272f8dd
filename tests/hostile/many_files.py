"""It makes 3000 empty files, and then waits."""

import time


def harm():
    for number in range(3000):
        open(f"file{number}", "wb").close()
    time.sleep(60)
    return True
