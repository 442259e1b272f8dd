"""It becomes another program."""

import os
import sys


def harm():
    os.execv(sys.executable, [sys.executable, "-c", "print('another program')"])
