"""It writes 16 MB into a folder that may be written to but not listed, and then waits."""

import os
import time


def harm():
    os.mkdir("hidden", 0o300)
    for number in range(20):
        with open(f"hidden/file{number}", "wb") as file:
            file.write(bytes(800_000))
    time.sleep(60)
    return True
