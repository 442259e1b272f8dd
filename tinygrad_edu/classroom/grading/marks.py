"""A class: every submission of a folder graded, several at a time, into one table of marks.

A submission is a file of the folder, or a folder in it with one such file.  Its name goes into the table as text, never
as a formula of the spreadsheet.  What was graded before in the same way, and has not changed, is not graded again.
"""

import csv
import hashlib
import io
import os
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from ...engine.number import printable
from .grade import Report
from .load import LARGEST
from .report import feedback, points

ENDINGS = (".py", ".ipynb")
NO_SUBMISSIONS = ("__MACOSX", "__pycache__")
COLUMNS = ("name", "file", "verdict", "points", "of", "percent", "failed", "not finished", "feedback", "seconds",
           "checksum")
GRADER_FAILED = "the grader itself failed"
Row = dict[str, str]
Judge = Callable[..., Report]           # of a file and a student, and `within`
Graded = tuple[Row, list[str]]          # with the limits that the system lacks


class Waiting(Protocol):
    """What will be graded."""

    def result(self) -> Graded:
        """Its row, as soon as it is there."""


class Submission(NamedTuple):
    """What one student handed in: a name, the file to grade or why there is none, and all files that belong to it.

    within    the file or the folder that was handed in: what lies beside it is a neighbour's
    """

    name: str
    file: Path | None
    fault: str = ""
    files: tuple[Path, ...] = ()
    within: Path | None = None


HandOver = Callable[[Judge, Submission, str, str], Waiting]         # with a seed and a checksum
Graders = AbstractContextManager[HandOver]


def submissions(folder: Path, file: str = "") -> list[Submission]:
    """All submissions of a folder, no two of one name; `file` says which counts where a student handed in several."""
    entries = sorted(path for path in folder.iterdir() if path.name not in NO_SUBMISSIONS and path.name[:1] != ".")
    found = [submission(path, file) for path in entries if path.is_symlink() or path.is_dir() or path.suffix in ENDINGS]
    met: Counter[str] = Counter()
    for i, each in enumerate(found):
        met[each.name] += 1
        if met[each.name] > 1:
            found[i] = each._replace(name=f"{each.name} ({met[each.name]})")
    return found


def submission(path: Path, file: str) -> Submission:
    """The submission that stands at a place; nothing is read through a link, which may lead to a neighbour's file."""
    if path.is_symlink():
        return Submission(printable(path.name), None, "this is a link, not a file")
    if path.is_file():
        return Submission(printable(path.stem), path, files=(path,), within=path)
    found = sorted(x for x in path.rglob("*") if x.suffix in ENDINGS and x.is_file() and not x.is_symlink()
                   and not {part for part in x.relative_to(path).parts if part[:1] == "." or part in NO_SUBMISSIONS})
    chosen = [x for x in found if x.name == file] if file else found
    what = f"called {file}" if file else "of Python or notebooks"
    hint = ": say with --file which one counts" if chosen and not file else ""
    fault = f"there are {len(chosen) or 'no'} files {what}{hint}" if len(chosen) != 1 else ""
    return Submission(printable(path.name), None if fault else chosen[0], fault, tuple(found), path)


def grade_class(judge: Judge, all_of: Sequence[Submission], graders: Graders, seed: str, settings: str,
                known: dict[str, Row]) -> Generator[tuple[Row, list[str] | None]]:
    """(row, limits that its system lacks) of each submission in order; None for limits where the row was known.

    All that was started for it has ended when the generator has.

    judge      grades a file with the numbers of a seed; it is sent to other processes
    graders    who grade: `graders_here`, or those of a cluster
    seed       goes before the name of each submission, which is the seed of its numbers
    settings   all that the marks depend on, as text
    known      {name: row} of an earlier table
    """
    checksums = {each: checksum(each, settings) for each in all_of}
    old = {each: row for each in all_of
           if (row := known.get(text_only(each.name))) and row["checksum"] == checksums[each]}
    with graders as hand_over:
        waiting = {each: hand_over(judge, each, seed, checksums[each]) for each in all_of if each not in old}
        for each in all_of:
            yield (old[each], None) if each in old else waiting[each].result()


@contextmanager
def graders_here(jobs: int) -> Iterator[HandOver]:
    """So many graders on this machine, each a process of its own."""
    with ProcessPoolExecutor(jobs, get_context("spawn"), initializer=end_with_parent) as pool:
        def hand_over(*what: Any) -> "Future[Graded]":
            with nothing_imported_from_here():
                return pool.submit(row_of, *what)
        try:
            yield hand_over
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def nothing_imported_from_here() -> Iterator[None]:
    """Processes started meanwhile import nothing from the working folder, whatever submissions there are called."""
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        del os.environ["PYTHONSAFEPATH"]
        if before is not None:
            os.environ["PYTHONSAFEPATH"] = before


def end_with_parent() -> None:
    """Let this process, and the student's code that it runs, end when the one that started it is killed."""
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)
    threading.Thread(target=watch, daemon=True).start()


def row_of(judge: Judge, each: Submission, seed: str, checksum: str) -> Graded:
    """Grade one submission, and say it in a row of text; with it the limits that this system lacks."""
    if each.file is None:
        return row_without_report(each, each.fault, checksum), []
    row = {"name": each.name, "file": each.file.name, "checksum": checksum}
    report = surely(partial(judge, within=each.within), each.file, seed + each.name)
    got, of = points(report)
    ids = {status: " ".join(check.id for check in report.checks if check.status == status and check.worth)
           for status in ("failed", "not finished")}
    if report.problem.startswith(GRADER_FAILED):
        row["checksum"] = ""                # then it is graded again
    percent = f"{100 * got / of:.1f}" if of else "0"
    return as_row(row | ids | {"verdict": report.verdict, "points": got, "of": of, "percent": percent,
                               "seconds": f"{report.seconds:.1f}", "feedback": feedback(report)}), report.limits_missing


def row_without_report(each: Submission, why: str, checksum: str = "") -> Row:
    """The row of what was not graded; without a checksum it is tried again the next time."""
    return as_row({"name": each.name, "file": each.file.name if each.file else "", "checksum": checksum,
                   "verdict": "cannot be graded", "points": 0, "feedback": why})


def surely(judge: Judge, file: Path, student: str) -> Report:
    """The report of a judge; where the judge itself fails on what a submission answers, that is what it says."""
    try:
        return judge(file, student)
    except Exception as error:
        return Report(str(file), seed=student, problem=f"{GRADER_FAILED}: {type(error).__name__}: {error}")


def checksum(each: Submission, settings: str) -> str:
    """What a row depends on: the settings, and all that the student handed in."""
    parts = [settings, each.fault, *([each.file.name] if each.file else [])]
    for path in each.files:
        size = path.stat().st_size
        with open(path, "rb") as file:          # what is too large is not graded, and need not be read
            parts += [path.name, str(size) if size > LARGEST else hashlib.file_digest(file, "sha256").hexdigest()]
    return hashlib.sha256("\n".join(parts).encode(errors="replace")).hexdigest()[:16]


def text_only(text: Any) -> str:
    """Text that no spreadsheet takes for a formula, on one line.

    >>> text_only("=HYPERLINK(1)"), text_only("Zoë")
    ("'=HYPERLINK(1)", 'Zoë')
    """
    text = printable(text)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def as_row(row: dict[str, Any]) -> Row:
    """A row of the table out of whatever is known of a submission."""
    return {column: text_only(row.get(column, "")) for column in COLUMNS}


def as_csv(rows: Iterable[Row]) -> bytes:
    """The table as UTF-8, with the mark at its beginning by which spreadsheets know that."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def from_csv(path: Path) -> dict[str, Row]:
    """{name: row} of a table that was written before, or nothing; ValueError where the file is something else."""
    if not path.exists():
        return {}
    rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig", errors="replace")))
    if tuple(rows.fieldnames or ()) != COLUMNS:
        raise ValueError(f"{path} is here already, and is no table of marks: name another file")
    return {row["name"]: row for row in rows}
