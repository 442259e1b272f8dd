"""A thread with little room, in which a call for each of 30,000 nodes would end Python."""

import sys
import threading

import tinygrad_edu as tg

# CPython 3.13 alone nests 10,000 deallocations before it takes one after the other, be it of Values or of tuples
# within tuples, and whatever the stack is: that takes between 512 KiB and 1 MiB.
KIB = 1024 if tg.engine_name == "pure" and sys.version_info[:2] == (3, 13) else 256


def on_a_small_stack(work):
    """Call this in a thread of its own; what it raises is raised here."""
    failures = []

    def attempt():
        try:
            work()
        except BaseException as error:
            failures.append(error)
    before = threading.stack_size(KIB * 1024)
    try:
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    for failure in failures:
        raise failure
