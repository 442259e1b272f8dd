"""It ends its process without a word."""

import os


def harm():
    os._exit(0)
