"""Run student code in a process of its own, with limits; whatever it does, the answers it gave until then are kept.

The parent hands over the job and the requests as JSON, and gets answers back; it believes nothing else. What a system
cannot prevent is said in `limits_missing`. This is no jail: what is known to be hostile belongs into a container.
"""

import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .student_process import OPEN_FILES, Answer, StudentProcess, alive, ended, guard, takes_more

if sys.platform == "linux":
    from . import linux

__all__ = ["Limits", "Run", "Sandbox", "alive", "run"]

MEASURES = ("limits", "files", "rights", "parent", "calls")     # of `inside.py`, in the one order that works
TIMEOUTS = 3                        # after so many the rest is skipped
STARTING_SECONDS = 20.0
MOST_COPIED = 100 * 2**20           # bytes of a package
USERS = range(61184, 65520)         # their numbers: users that own nothing, also within containers


@dataclass(frozen=True)
class Limits:
    """How much student code may use.

    seconds         for each check, by the clock
    load_seconds    to load the file
    memory          "1G", "500M" or a number of bytes
    output          how many bytes of what it prints are kept
    files           bytes that it may write, in all
    processes       how many threads it may start

    >>> Limits(memory="500M").memory_bytes
    524288000
    """

    seconds: float = 2.0
    load_seconds: float = 20.0
    memory: str | int = "1G"
    output: int = 2**16
    files: int = 2**20
    processes: int = 64

    def __post_init__(self) -> None:
        """Refuse what is no limit."""
        for name in ("seconds", "load_seconds", "memory_bytes"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ValueError(f"{name} is {getattr(self, name)}, but a limit is more than 0")

    @property
    def lost_seconds(self) -> float:
        """How much time, in all, may go to loading and to checks that do not end well."""
        return self.load_seconds + TIMEOUTS * self.seconds

    @property
    def memory_bytes(self) -> int:
        """The limit of memory as a number of bytes."""
        text = str(self.memory).upper().removesuffix("B")
        unit = {"K": 2**10, "M": 2**20, "G": 2**30}.get(text[-1:], 1)
        try:
            return int(float(text.rstrip("KMG")) * unit)
        except (ValueError, OverflowError):
            raise ValueError(f"memory is {self.memory!r}; write it like 500M or 1G") from None


@dataclass(frozen=True)
class Run:
    """What came of a job: what was found, an answer for each request, and what the system could not prevent.

    An answer that did not come is `{"ended": …, "why": …}`: "timeout", "memory", "crash", "exit", "output" (too much
    was written to files) or "skipped".
    """

    found: Answer
    answers: dict[str, Answer]
    limits_missing: tuple[str, ...]
    output: str


def run(job: Answer, requests: Iterable[Answer], limits: Limits | None = None) -> Run:
    """Load a job and answer its requests; afterwards no process of the student is left."""
    with Sandbox(job, limits) as sandbox:
        answers = {request["id"]: sandbox.ask(request) for request in requests}
    return Run(sandbox.found, answers, sandbox.limits_missing, sandbox.output)


class Sandbox:
    """A job that is loaded once and asked as often as one likes; a process that ends is replaced by a new one.

    job         what `child.load` reads
    readable    folders that the student's code may read, beside Python and its libraries
    On Linux the process ends with the thread that opened the sandbox.
    """

    def __init__(self, job: Answer, limits: Limits | None = None, readable: Iterable[str | Path] = ()):
        self.job, self.limits, self.readable = job, limits or Limits(), [str(path) for path in readable]
        self.found: Answer = {}
        self.limits_missing: tuple[str, ...] = ()
        self.printed = bytearray()
        self.process: StudentProcess | None = None
        self.user: int | None = None
        self.timeouts, self.lost, self.skipping = 0, 0.0, ""

    def __enter__(self) -> "Sandbox":
        """Copy what is needed into a new folder, and load it."""
        self.place = tempfile.TemporaryDirectory(prefix="grading-", ignore_cleanup_errors=True)
        self.folder = Path(self.place.name).resolve()
        guard(+1)
        try:
            self.prepare()
            self.found = self.load()
        except OSError as error:
            self.found = ended("crash", f"it could not be handed to a process of its own: {error}")
        except BaseException:
            self.__exit__()
            raise
        if "ended" in self.found:
            self.skipping = "the file could not be loaded"
        return self

    def prepare(self) -> None:
        """Copy what the file needs beside it, and, as root, choose the user as whom the student's code is run."""
        root, file = self.folder / "submission", Path(self.job["file"]).relative_to(self.job["root"])
        copy_needed(self.job, root)
        self.job = {**self.job, "root": str(root), "file": str(root / file)}
        (self.folder / "elsewhere").touch()
        (self.folder / "elsewhere").chmod(0o666)
        if sys.platform == "linux" and os.getuid() == 0 and linux.rules_other_users():
            user = secrets.choice(USERS)
            with suppress(OSError):             # some containers have no other users
                os.chown(self.folder / "elsewhere", user, user)
                self.user = user
                self.folder.chmod(0o711)

    def __exit__(self, *error: object) -> None:
        """End every process of the student, then remove the folder."""
        self.stop()
        guard(-1)
        self.place.cleanup()

    @property
    def output(self) -> str:
        """What the student's code printed, as far as it is kept."""
        return self.printed.decode(errors="replace").replace(f"{self.folder}{os.sep}", "")

    def ask(self, request: Answer) -> Answer:
        """The answer to a request, or `{"ended", "why"}`."""
        if self.process is None and not self.skipping:
            again = self.load()
            if "ended" in again:
                return again
        if self.process is None:
            return ended("skipped", self.skipping)
        answer = self.exchange(request, self.limits.seconds)
        if "ended" not in answer and (problem := unusable(answer, request, self.limits)):
            self.stop()
            return problem
        return answer

    def load(self) -> Answer:
        """Start a process and let it load the file."""
        own = Path(tempfile.mkdtemp(dir=self.folder))
        if self.user:
            os.chown(own, self.user, self.user)
        self.process = StudentProcess(own, self.printed, self.limits.output)
        started = self.process.exchange(self.settings(own), STARTING_SECONDS)
        if "missing" not in started:
            self.stop()
            return ended("crash", f"no process could be started for it: {started['why']}; {self.output}".rstrip("; "))
        self.limits_missing = tuple(f"this system cannot {words}" for words in started["missing"])
        left = self.limits.lost_seconds - self.lost
        return self.exchange(self.job, min(self.limits.load_seconds, left), loading=True)

    def exchange(self, body: Answer, seconds: float, loading: bool = False) -> Answer:
        """The process's answer; where it does not come, the process is ended, and the time counts as lost."""
        assert self.process is not None
        start = time.monotonic()
        answer = self.process.exchange({"body": body}, seconds, self.limits.files)
        if "ended" in answer:
            self.stop()
            self.timeouts += answer["ended"] == "timeout"
        if "ended" in answer or loading:
            self.lost += time.monotonic() - start
        if self.timeouts >= TIMEOUTS:
            self.skipping = f"{self.timeouts} checks ran into the limit of time"
        elif self.lost >= self.limits.lost_seconds:
            self.skipping = f"loading, and checks that did not end well, took {self.lost:.0f} s"
        return answer

    def stop(self) -> None:
        """End the process, and all that it may have started."""
        if self.process is not None:
            self.process.end()
            shutil.rmtree(self.process.folder, ignore_errors=True)
            self.process = None

    def settings(self, own: Path) -> Answer:
        """What `inside.py` has to know."""
        tasks = self.limits.processes
        if sys.platform == "linux" and self.user is None:
            tasks += linux.tasks_of(os.getuid())        # the limit counts all that its user runs
        limits = {"RLIMIT_AS": self.limits.memory_bytes, "RLIMIT_FSIZE": self.limits.files, "RLIMIT_NPROC": tasks,
                  "RLIMIT_NOFILE": OPEN_FILES, "RLIMIT_CORE": 0,
                  "RLIMIT_CPU": 1 + int(self.limits.load_seconds + 100 * self.limits.seconds)}
        return {"child": self.job.get("child", "child"), "measures": MEASURES, "limits": limits, "user": self.user,
                "parent": os.getpid(), "folder": str(own), "elsewhere": str(self.folder / "elsewhere"),
                "readable": [str(self.folder / "submission"), *self.readable],
                "hidden": str(Path(__file__).resolve().parents[2])}


def copy_needed(job: Answer, folder: Path) -> None:
    """Copy the package that a file is in, or what it imports from beside it; links stay links, which lead nowhere."""
    names = [job["package"].partition(".")[0]] if job["package"] else job["beside"]
    folder.mkdir()
    for name in names:
        path = Path(job["root"], name)
        if path.is_dir() and takes_more(path, MOST_COPIED, float("inf")):
            raise OSError(f"{name} holds more than {MOST_COPIED // 2**20} MB")
        if path.is_dir():
            shutil.copytree(path, folder / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        elif path.is_file():
            shutil.copy(path, folder / name, follow_symlinks=False)
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)       # for the user as whom the code is run


def unusable(answer: Answer, request: Answer, limits: Limits) -> Answer | None:
    """Why an answer does not count: it is to something else, or memory ran out, which the next check shall not feel."""
    graphs = answer["graphs"] if isinstance(answer.get("graphs"), list) else []
    errors = [part.get("error") for part in [answer, *graphs] if isinstance(part, dict)]
    if any(str(error).startswith("MemoryError") for error in errors):
        return ended("memory", f"it took more than {limits.memory}")
    return None if answer.get("id") == request["id"] else ended("crash", "it answered what nobody had asked")
