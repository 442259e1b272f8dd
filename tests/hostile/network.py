"""It opens sockets, of every family that there is."""

import socket
from contextlib import suppress


def harm():
    for family in socket.AddressFamily:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
            with suppress(OSError):
                socket.socket(family, kind).close()
                return True
    with suppress(OSError):
        socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)        # one that can write to strangers
        return True
    return False
