"""It reads where there is no memory."""

import ctypes


def harm():
    return ctypes.string_at(8)
