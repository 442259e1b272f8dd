"""It leaves threads behind that never stop."""

import threading


def harm():
    def spin():
        while True:
            pass
    for daemon in (True, False):
        threading.Thread(target=spin, daemon=daemon).start()
    return False
