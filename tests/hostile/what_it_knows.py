"""It looks whether it was told more than it needs: the variables of its user, or arguments."""

import os
import sys


def harm():
    return bool({"USER", "LOGNAME", "SECRET_OF_THE_TEACHER"} & set(os.environ) or sys.argv[1:] or sys.stdin.read())
