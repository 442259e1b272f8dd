"""It wants to live on when the grader is killed, and to hear what becomes of files."""

import ctypes


def harm():
    libc = ctypes.CDLL(None)
    return libc.prctl(1, 0, 0, 0, 0) == 0 or libc.inotify_add_watch(libc.inotify_init(), b"/tmp", 0x100) >= 0
