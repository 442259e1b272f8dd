"""What is started as the student's process: it gives up its rights, and then hands requests to `child.py`,
or another file that the job names.

It imports nothing of this package, since it is started as a file of its own. Nothing in this process is believed by
the parent: it only sends back numbers. What this file uses later it takes hold of before the student's code is loaded.
"""

import builtins
import json
import json.scanner
import mmap
import os
import sys
import types
from contextlib import suppress
from importlib.machinery import SourceFileLoader

read_json = json.scanner.make_scanner(json.JSONDecoder())        # type: ignore[arg-type]
write, quoted = os.write, json.encoder.encode_basestring_ascii


def main():
    """Read the settings, the job and the requests, one line each; answer each by a line that begins with its token."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)                   # what is printed goes where errors go
    settings = read_json(requests.readline().decode(), 0)[0]
    child = apart(settings["child"])
    confine(settings)
    send(answers, settings["token"], {"missing": missing(settings)})
    sys.modules["builtins"] = copy_of(builtins)         # whoever changes it changes his own
    loaded = None
    while line := requests.readline():
        request = read_json(line.decode(), 0)[0]
        if loaded is None:
            loaded = child.load(request["body"])
            send(answers, request["token"], loaded.found)
        else:
            send(answers, request["token"], child.answer(loaded, request["body"]))


def apart(name):
    """A file beside this one, as a module whose built-in functions student code does not change with `builtins`."""
    name, file = "_" + name, os.path.join(os.path.dirname(__file__), name + ".py")
    module = types.ModuleType(name)
    vars(module).update(__builtins__=dict(vars(builtins)), __file__=file)
    SourceFileLoader(name, file).exec_module(module)
    return module


def copy_of(module):
    """A module with the same contents."""
    copy = types.ModuleType(module.__name__, module.__doc__)
    vars(copy).update(vars(module))
    return copy


def send(file, token, answer):
    """Write an answer in a line of its own, whatever else has been written there."""
    line = f"\n{token} {written(answer)}\n".encode()
    while line:
        line = line[write(file, line):]


def written(content):
    """JSON, without the parts of Python's own writer that student code can change."""
    if content is None or content is True or content is False:
        return {None: "null", True: "true", False: "false"}[content]
    if type(content) in (int, float):
        return float.__repr__(content) if type(content) is float else int.__repr__(content)
    if type(content) is str:
        return quoted(content)
    if type(content) is dict:
        return "{" + ",".join([quoted(str(key)) + ":" + written(value) for key, value in content.items()]) + "}"
    return "[" + ",".join([written(value) for value in content]) + "]"


# --- giving up rights
def confine(settings):
    """Take those measures, in this order, that this system has."""
    settings["landlocked"] = False
    measures = {"limits": limit}
    if sys.platform == "linux":
        measures.update(apart("linux").MEASURES)
    for name in settings["measures"]:
        with suppress(OSError, ImportError, KeyError):         # whatever is missing is found out by trying it
            measures[name](settings)


def limit(settings):
    """Set the limits of memory, time, files and processes that this system has."""
    import resource
    for name, most in settings["limits"].items():
        with suppress(OSError, ValueError, AttributeError):
            resource.setrlimit(getattr(resource, name), (most, most))


# --- trying out what is still possible
def missing(settings):
    """What this system cannot prevent, in words, found by trying it."""
    return [words for words, harm in HARMS.items() if possible(harm, settings)]


def possible(harm, settings):
    """Whether a harm could be done; on a system where it cannot even be tried, nothing is known to prevent it."""
    try:
        harm(settings)
        return True
    except (OSError, ValueError):
        return False
    except AttributeError:
        return True


def take_memory(settings):
    mmap.mmap(-1, settings["limits"]["RLIMIT_AS"] + mmap.PAGESIZE).close()


def write_much(settings):
    name = os.path.join(settings["folder"], "try")
    file = os.open(name, os.O_RDWR | os.O_CREAT)
    try:
        os.ftruncate(file, settings["limits"]["RLIMIT_FSIZE"] + 1)
    finally:
        os.close(file)
        os.remove(name)


def write_elsewhere(settings):
    with suppress(OSError):
        return os.close(os.open(settings["elsewhere"], os.O_WRONLY))
    os.truncate(settings["elsewhere"], 0)               # which Landlock prevents since Linux 6.2 alone


def read_elsewhere(settings):
    os.close(os.open(settings["elsewhere"], os.O_RDONLY))


def open_socket(settings):
    import _socket
    _socket.socket().close()


def start_process(settings):
    number = os.fork()
    if number == 0:
        os._exit(0)
    os.waitpid(number, 0)


def signal_parent(settings):
    if os.getuid() is not None:         # Windows has no such thing, and its `kill` is another
        os.kill(settings["parent"], 0)


def read_parent(settings):
    os.close(os.open(f"/proc/{settings['parent']}/mem", os.O_RDONLY))


def be_root(settings):
    if os.getuid() != 0:
        raise PermissionError


HARMS = {
    "limit the memory of student code": take_memory,
    "limit the files of student code": write_much,
    "keep student code from writing to other files": write_elsewhere,
    "keep student code from reading other files": read_elsewhere,
    "keep student code from the network": open_socket,
    "keep student code from starting processes": start_process,
    "keep student code from ending other processes": signal_parent,
    "hide the memory of the grader from student code": read_parent,
    "take the rights of root from student code": be_root,
}

if __name__ == "__main__":
    main()
