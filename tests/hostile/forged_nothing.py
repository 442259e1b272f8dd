"""It answers by the right token what is no JSON."""

import os
import sys


def harm():
    frame = sys._getframe()
    while "answers" not in frame.f_locals:
        frame = frame.f_back
    os.write(frame.f_locals["answers"], f"\n{frame.f_locals['request']['token']} {'[' * 100_000}\n".encode())
    return False
