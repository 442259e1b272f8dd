"""It reads the memory and the variables of the grader, or holds it up to look into it."""

import ctypes
import os
from contextlib import suppress

PTRACE_SEIZE = 0x4206


def harm():
    for name in ("mem", "environ", "maps", "fd"):
        with suppress(OSError):
            os.close(os.open(f"/proc/{os.getppid()}/{name}", os.O_RDONLY))
            return True
    libc = ctypes.CDLL(None)
    if libc.ptrace(PTRACE_SEIZE, DECOY, None, None) == 0:
        return True
    return libc.process_vm_readv(DECOY, None, 0, None, 0, 0) == 0
