"""It makes folders that nobody may open."""

import os


def harm():
    os.makedirs("a/b/c")
    os.mkdir("a/closed", 0)
    return False
