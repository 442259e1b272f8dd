"""It makes another process the owner of a file, so that the kernel sends it a signal when something arrives."""

import fcntl
import os
import socket
import struct
from contextlib import suppress


def harm():
    one, other = socket.socketpair()
    for attempt in (lambda: fcntl.fcntl(one, fcntl.F_SETOWN, DECOY),
                    lambda: fcntl.ioctl(one, 0x8901, struct.pack("i", DECOY)),
                    lambda: fcntl.ioctl(one, 0x8902, struct.pack("i", DECOY))):
        with suppress(OSError):
            attempt()
            fcntl.fcntl(one, fcntl.F_SETFL, fcntl.fcntl(one, fcntl.F_GETFL) | os.O_ASYNC)
            other.send(b"x")
            return True
    return False
