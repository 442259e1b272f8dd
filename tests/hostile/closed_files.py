"""It closes whatever is open."""

import os


def harm():
    os.closerange(0, 64)
    return False
