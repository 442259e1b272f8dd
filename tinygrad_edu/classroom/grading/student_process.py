"""A process of student code as the parent sees it: a line goes in, a line comes out, or it is said why none came."""

import io
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from typing import IO, Any

if sys.platform == "linux":
    from . import linux

Answer = dict[str, Any]

LONGEST_ANSWER = 2**22              # read, it may take thirty times as much
MOST_FILES, OPEN_FILES = 1000, 64

lock = threading.Lock()             # around what follows
running: set[int] = set()           # the processes of student code
own_children: set[int] = set()      # what this process had started before
sandboxes = 0


def ended(how: str, why: str) -> Answer:
    """The answer that did not come."""
    return {"ended": how, "why": why}


class StudentProcess:
    """One process that runs `inside.py`, and two threads that listen to it."""

    def __init__(self, folder: Path, printed: bytearray, most_printed: int):
        self.folder, self.printed, self.most_printed, self.token = folder, printed, most_printed, b"-"
        self.lines: Queue[bytes] = Queue()
        with lock:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-u", str(Path(__file__).with_name("inside.py"))], cwd=folder, bufsize=0,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
                env=environment(folder))
            running.add(self.process.pid)
        self.tasks: list[threading.Thread] = []
        self.start(self.listen, self.process.stdout)
        self.start(self.keep_output, self.process.stderr)

    def start(self, task: Callable[..., None], *arguments: Any) -> None:
        """Do something beside, however long it takes."""
        self.tasks.append(threading.Thread(target=task, args=arguments, daemon=True))
        self.tasks[-1].start()

    def exchange(self, message: Answer, seconds: float, most: float = float("inf")) -> Answer:
        """Send one line, and wait for the answer with its token, while no more than `most` bytes are on disk."""
        token = secrets.token_hex(8)
        self.token = token.encode() + b" "
        self.start(self.send, self.process.stdin, json.dumps({"token": token, **message}).encode() + b"\n")
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            with suppress(Empty):
                got = self.lines.get(timeout=min(left, 0.1))
                if got == b"":
                    return self.how_it_ended()
                if got.startswith(self.token):
                    return parsed(got.removeprefix(self.token))
            if takes_more(self.folder, most):
                return ended("output", f"it wrote more than {most} bytes or {MOST_FILES} files, or out of sight")
        return ended("timeout", f"it took more than {seconds:.3g} s")

    def send(self, file: IO[bytes], line: bytes) -> None:
        """Write a line."""
        with suppress(OSError):
            while line:
                line = line[file.write(line):]

    def listen(self, file: Any) -> None:
        """Keep the lines that begin with the token of the day, and pass over whatever else is written there."""
        with io.BufferedReader(file) as lines:
            while line := lines.readline(LONGEST_ANSWER):
                if line.startswith(self.token) and self.lines.qsize() < 8:
                    self.lines.put(line)
        self.lines.put(b"")

    def keep_output(self, file: IO[bytes]) -> None:
        """Keep the beginning of what is printed, and read the rest, so that printing never waits."""
        with file:
            while chunk := file.read(2**16):
                self.printed.extend(chunk[:max(0, self.most_printed - len(self.printed))])

    def how_it_ended(self) -> Answer:
        """Why nothing more can come from the process."""
        try:
            code = self.process.wait(1.0)
        except subprocess.TimeoutExpired:
            return ended("crash", "it closed what the answers are written to")
        if code >= 0:
            return ended("exit", f"it ended its process, with exit code {code}")
        names = {number.value: number.name for number in signal.Signals}
        return ended("crash", f"its process was ended by {names.get(-code, f'signal {-code}')}")

    def end(self) -> None:
        """Kill the process, its group and whatever else came of it."""
        with suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.kill()
        self.process.wait()
        with lock:
            running.discard(self.process.pid)
            if sys.platform == "linux":
                linux.end_orphans(own_children | running, OPEN_FILES)
        for task in self.tasks:
            task.join(1.0)
        if self.process.stdin:
            self.process.stdin.close()


def environment(folder: Path) -> dict[str, str]:
    """The few variables that student code sees; libraries shall not start a thread for each core."""
    kept = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
    return {"PATH": os.defpath, "HOME": str(folder), "TMPDIR": str(folder), "LANG": "C.UTF-8", "MPLBACKEND": "Agg",
            "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **kept}


def parsed(line: bytes) -> Answer:
    """An answer as a dict of JSON, or that it cannot be read."""
    try:
        answer = json.loads(line)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict) or "ended" in answer:
        return ended("crash", "what it answered cannot be read")
    return answer


def takes_more(folder: Path, most: float, most_files: float = MOST_FILES) -> bool:
    """Whether the files beneath a folder are too many, or too large together, or out of sight."""
    total = 0
    try:
        for number, entry in enumerate(entries(folder)):
            with suppress(OSError):
                total += entry.stat(follow_symlinks=False).st_size * entry.is_file(follow_symlinks=False)
            if total > most or number > most_files:
                return True
    except OSError:                     # a folder that may not be listed, or whose path is too long for that
        return True
    return False


def entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Whatever lies beneath a folder, without recursion: student code may make very deep ones."""
    waiting = [str(folder)]
    while waiting:
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(waiting.pop()) as found:
            for entry in found:
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)


def guard(change: int) -> None:
    """Count the sandboxes that are open; while there is one, nobody reads the memory of this process."""
    global sandboxes
    with lock:
        if sys.platform == "linux" and sandboxes == 0:
            own_children.clear()
            own_children.update(linux.children())
        sandboxes += change
        if sys.platform == "linux":
            linux.guard(sandboxes > 0)


def alive() -> tuple[int, ...]:
    """The processes of student code that are not yet ended: there is none when results are written."""
    return tuple(running)
