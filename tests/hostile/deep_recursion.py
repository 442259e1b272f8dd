"""It calls itself without end, and has put away the limit of that."""

import sys


def harm():
    sys.setrecursionlimit(10**9)

    def deeper(*arguments):
        return deeper(*arguments)
    deeper()
    return True
