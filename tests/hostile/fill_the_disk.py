"""It writes many files, 16 MB in all, and then waits."""

import time


def harm():
    for number in range(20):
        with open(f"file{number}", "wb") as file:
            file.write(bytes(800_000))
    time.sleep(60)
    return True
