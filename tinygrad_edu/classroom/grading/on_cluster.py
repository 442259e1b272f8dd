"""A class graded by the workers of a Dask cluster: each submission is sent to one of them, with its files.

Its code runs there as it would here, in a process of its own with the limits of `sandbox.py`: a worker does what one of
the processes of `graders_here` does.  A worker that could not keep student code from the network refuses to grade,
since whoever reaches the scheduler of a cluster can run anything on all of it.
"""

import asyncio
import logging
import os
import platform
import re
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from ...engine.number import printable, truncate
from ...learn.workers import LOOK, NO_WORKER, checked_client, look_around
from .load import LARGEST, read
from .marks import NO_SUBMISSIONS, Graded, Graders, HandOver, Judge, Submission, row_of, row_without_report
from .sandbox import MOST_COPIED, Sandbox

PATIENCE = 10.0                         # seconds to reach a scheduler
LOGGERS = ("distributed", "distributed.client", "tornado.application")
NETWORK = "this system cannot keep student code from the network"       # as `inside.py` has it
Content = bytes | str | None            # of a file, where a link leads to, or nothing for a folder


class UnsafeWorker(Exception):
    """A worker would let student code reach the cluster."""


class Parcel(NamedTuple):
    """A submission as it is sent: its paths are relative to where the contents are unpacked."""

    each: Submission
    contents: dict[Path, Content]


# ---- where the command runs


def graders_at(address: str) -> Graders:
    """The workers of a scheduler, as many at a time as they have threads.

    Raises ValueError where no scheduler answers, or it has no workers like us.
    """
    with quiet():
        client = connected(address)
    return graders_of(client)


@contextmanager
def graders_of(client: Any) -> Iterator[HandOver]:
    """The workers that a client reaches."""
    sent: list[Any] = []

    def hand_over(judge: Judge, each: Submission, seed: str, checksum: str) -> Any:
        if each.file is None or each.file.stat().st_size > LARGEST:         # none of its code would run
            return known(row_of(judge, each, seed, checksum))
        parcel = packed(each)
        if parcel is None:
            too_large = f"it holds more than {MOST_COPIED // 2**20} MB, which are not sent: leave --cluster out"
            return known((row_without_report(each, too_large), []))
        sent.append(client.submit(unpacked_and_graded, judge, parcel, seed, checksum, pure=False))
        return Sent(client, sent[-1], each)
    with quiet(), client:
        try:
            yield hand_over
        finally:
            with suppress(Exception):           # the cluster may be gone; what ended this is what is to be told
                client.cancel(sent)


@contextmanager
def quiet() -> Iterator[None]:
    """What Dask logs and warns of is said here in a line, or does not matter."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="distributed")
            for logger in loggers:
                logger.setLevel(logging.CRITICAL)
            yield
    finally:
        for logger, level in zip(loggers, levels):
            logger.setLevel(level)


def connected(address: str) -> Any:
    """A client of the scheduler at an address, whose workers are like us."""
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise ModuleNotFoundError('a cluster is reached by Dask: pip install "tinygrad-edu[cluster]"') from None
    if not re.fullmatch(r"((tcp|tls)://)?[^:/]+:\d{1,5}|((tcp|tls)://)?\[[\da-fA-F:]+\]:\d{1,5}", address):
        raise ValueError(f"--cluster {printable(address)}: write the address of a scheduler, like tcp://10.0.0.7:8786")
    try:
        asyncio.run(asyncio.wait_for(greeted(address), PATIENCE))
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except Exception as error:          # of whatever kind: who knows what listens there, and what it says
        raise ValueError(f"--cluster {printable(address)}: no scheduler of Dask answers there "
                         f"({truncate(printable(error), 120) or 'it does not speak to us'})") from None
    try:
        return checked_client(client)
    except BaseException as error:
        client.close()
        if isinstance(error, ConnectionError | RuntimeError):
            raise ValueError(error) from None
        raise


async def greeted(address: str) -> None:
    """See that a scheduler answers: a client would wait for ever for what listens there and is none."""
    from distributed import Security
    from distributed.core import connect
    comm = await connect(address, timeout=PATIENCE, **Security().get_connection_args("client"))
    await comm.close()


def known(graded: Graded) -> "Future[Graded]":
    """What need not be waited for."""
    future: Future[Graded] = Future()
    future.set_result(graded)
    return future


class Sent:
    """A submission that was sent to the cluster."""

    def __init__(self, client: Any, future: Any, each: Submission):
        self.client, self.future, self.each = client, future, each

    def result(self) -> Graded:
        """Its row.  Where a worker is lost, another one grades it; where several were, that is what the row says."""
        from distributed import KilledWorker
        try:
            return self.waited_for()
        except KilledWorker as error:
            lost = f"{error.allowed_failures + 1} workers were lost while they had it"
            return row_without_report(self.each, lost), []
        except UnsafeWorker as error:
            raise ValueError(error) from None
        except (CancelledError, ConnectionError):
            raise ValueError("the scheduler of the cluster is gone: start again, and it goes on from there") from None

    def waited_for(self) -> Graded:
        """What comes of it; meanwhile it is said where there is nobody to wait for."""
        while True:
            try:
                return self.future.result(LOOK)
            except TimeoutError:
                if self.future.status == "error":           # it is the worker that ran out of time
                    raise
            if not look_around(self.client):
                print(NO_WORKER, flush=True)


def packed(each: Submission) -> Parcel | None:
    """A submission with its files; None where they are too large together."""
    assert each.file and each.within
    place, left = each.within.parent, MOST_COPIED
    contents: dict[Path, Content] = {}
    for path in handed_in(each.within):
        if path.is_file() and not path.is_symlink():
            left -= path.stat().st_size
        if left < 0:
            return None
        contents[path.relative_to(place)] = content_of(path)
    moved = each._replace(file=each.file.relative_to(place), within=each.within.relative_to(place), files=())
    return Parcel(moved, contents)


def handed_in(within: Path) -> Iterator[Path]:
    """A file, or a folder and all that is in it, each before what it holds; what is hidden no student code sees."""
    waiting = [within]
    while waiting:
        yield (path := waiting.pop())
        if path.is_dir() and not path.is_symlink():
            waiting += [inner for inner in path.iterdir()
                        if inner.name[:1] != "." and inner.name not in NO_SUBMISSIONS]


def content_of(path: Path) -> Content:
    """What a file holds, where a link leads to, nothing for a folder; a pipe is an empty file, which can be read."""
    if path.is_symlink():
        return os.readlink(path)
    if path.is_dir():
        return None
    return path.read_bytes() if path.is_file() else b""


# ---- where a worker runs


def unpacked_and_graded(judge: Judge, parcel: Parcel, seed: str, checksum: str) -> Graded:
    """Grade a submission that was sent here.  Raises UnsafeWorker where student code could reach the network."""
    if not keeps_from_network():
        raise UnsafeWorker(f"the worker on {platform.node()} cannot keep student code from the network, by which it "
                           "would reach all of the cluster: let Linux machines grade, or leave --cluster out")
    with tempfile.TemporaryDirectory(prefix="submission-", ignore_cleanup_errors=True) as place:
        unpack(parcel.contents, Path(place))
        each = parcel.each
        assert each.file and each.within
        here = each._replace(file=Path(place, each.file), within=Path(place, each.within))
        return row_of(judge, here, seed, checksum)


def unpack(contents: dict[Path, Content], place: Path) -> None:
    """Write what was handed in.  Links come last, so that nothing is written through one, and lead where they led."""
    for path, content in sorted(contents.items(), key=lambda item: isinstance(item[1], str)):
        if content is None:
            (place / path).mkdir()
        elif isinstance(content, bytes):
            (place / path).write_bytes(content)
        else:
            with suppress(OSError):             # Windows makes none for everybody
                (place / path).symlink_to(content)


@cache
def keeps_from_network() -> bool:
    """Whether this system keeps student code from the network, found out by a file that does nothing."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place, "nothing.py")
        file.write_text("")
        with Sandbox(read(file).job) as sandbox:
            if "ended" in sandbox.found:        # not kept: it may be so this once
                raise UnsafeWorker(f"the worker on {platform.node()} cannot grade: {sandbox.found['why']}")
            return NETWORK not in sandbox.limits_missing
