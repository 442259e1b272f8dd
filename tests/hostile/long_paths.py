"""It writes 16 MB where paths are too long to be named from outside, and then waits."""

import os
import time


def harm():
    for _ in range(20):
        os.mkdir("x" * 250)
        os.chdir("x" * 250)
    for number in range(20):
        with open(f"file{number}", "wb") as file:
            file.write(bytes(800_000))
    time.sleep(60)
    return True
