"""The commands `grade`, `grade-layer`, `grade-optimizer`: judge engines, layers and optimizers that others wrote.

Exit codes: 0 the tier is clean, 1 it is not, 2 nothing could be graded.
"""

import argparse
import functools
import os
import signal
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import __version__
from .engine.number import printable, truncate
from .files import checked_ending, checked_target, write_whole

if TYPE_CHECKING:
    from .classroom.grading.grade import Report
    from .classroom.grading.marks import Graders, Row

JUDGES = {"grade": "engine", "grade-layer": "layer", "grade-optimizer": "optimizer"}
NAMES = {"grade": ("engine", "Value"), "grade-layer": ("layers", "LinearMap"), "grade-optimizer": ("optim", "Adam")}
TARGETS = {"json": "programs", "gradescope": "Gradescope", "prairielearn": "PrairieLearn",
           "junit": "what reads JUnit's XML"}
SETTINGS = ("tier", "only", "needs", "reveal", "points", "seconds", "memory")
NOWHERE = Path(os.devnull) / "nowhere"                          # no file
EXAMPLES = """examples:
  tinygrad-edu {0} {1}.py
  tinygrad-edu {0} {1}.py:{2} --tier all --reveal numbers
  tinygrad-edu {0} {1}.py --seed student17 --gradescope results.json
  tinygrad-edu {0} submissions --csv marks.csv --jobs 4
  tinygrad-edu {0} submissions --csv marks.csv --cluster tcp://10.0.0.7:8786"""
AUTOGRADER_EXAMPLES = """examples:
  tinygrad-edu autograder engine.py
  tinygrad-edu autograder engine.py:Value --tier all --reveal none -o homework1.zip
  tinygrad-edu autograder layers.py --of layer"""


def add_commands(command: Any) -> None:
    """Enter the commands; `command(name, run, help, examples)` gives the function that adds an argument."""
    for name, what in JUDGES.items():
        help = f"Grade {'a' if what == 'layer' else 'an'} {what} that somebody wrote, or those of a class."
        add = command(name, functools.partial(run_grade, name), help, EXAMPLES.format(name, *NAMES[name]))
        add("submission", metavar="FILE[:CLASS]", help="a Python file, a notebook, or the folder of a class")
        add_settings(add)
        add_targets(add)
    add = command("autograder", run_autograder, "Make a zip for Gradescope that grades every submission.",
                  AUTOGRADER_EXAMPLES)
    add("submission", metavar="FILE[:CLASS]", help="what students will hand in, such as engine.py")
    add("--of", choices=JUDGES.values(), default="engine", help="what they write (%(default)s)")
    add_settings(add)
    add("-o", "--output", metavar="FILE", default="autograder.zip", help=".zip (%(default)s)")


def add_settings(add: Any) -> None:
    """What the marks depend on."""
    add("--adapter", metavar="FILE", help="where names are not found: a file, or a line such as grad=v.partial()")
    add("--tier", choices=("core", "robust", "all"), default="core", help="which checks count (%(default)s)")
    add("--only", metavar="CHECKS", default="", help="only these, such as reflected,order")
    add("--reveal", choices=("none", "graph", "numbers"), default="graph", help="of a failed check: nothing, the "
        "smallest graph that shows it, or the numbers too (%(default)s)")
    add("--needs", metavar="OPERATIONS", default="", help="of an engine: what must be there beside + and *, such as "
        "tanh,exp; another function that is missing costs nothing")
    add("--points", type=float, default=100.0, metavar="N",
        help="what a clean submission earns on Gradescope (%(default)g)")
    add("--seconds", type=float, default=2.0, metavar="S", help="for each check (%(default)g)")
    add("--memory", default="1G", metavar="SIZE", help="for the process that runs it (%(default)s)")


def add_targets(add: Any) -> None:
    """What only one submission, or only a class, has."""
    add("--seed", default="", metavar="ID", help="whose numbers the checks have, such as a student's id")
    for name, reader in TARGETS.items():
        add(f"--{name}", metavar="FILE", help=f"also write the report for {reader}")
    add("--csv", metavar="FILE", help="of a class: write its marks into this table")
    add("--file", metavar="NAME", default="", help="of a class: which file counts where students handed in several")
    add("--jobs", type=int, default=0, metavar="N", help="of a class: how many are graded at a time (one per core)")
    add("--cluster", metavar="ADDRESS", default="", help="of a class: the scheduler of Dask whose workers grade, such "
        "as tcp://10.0.0.7:8786")


# ---- one submission


def run_grade(command: str, args: argparse.Namespace) -> int:
    """Grade a file, or all of a folder; returns the exit code."""
    from .classroom.grading.load import file_and_class
    path, cls = file_and_class(args.submission)
    judge = functools.partial(judged, command, settings_of(command, args, cls))
    try:
        tempfile.gettempdir()
    except FileNotFoundError as error:
        raise ValueError(f"{error.strerror}: say by TMPDIR where student code may have a folder to work in") from None
    try:
        judge(NOWHERE, "")              # refuses wrong settings; from here on it is the submission that is wrong
        return run_class(judge, path, args, f"{command} {cls}") if path.is_dir() else run_one(judge, path, args)
    except OSError as error:            # 1 would say that the submission is wrong
        raise ValueError(f"{error.filename or path}: {error.strerror}") from None
    except ModuleNotFoundError as error:
        is_told = "pip install" in str(error)
        raise ValueError(error if is_told else
                         f"{command} needs the package {error.name}: pip install {error.name}") from None
    except BrokenExecutor:
        raise ValueError("a process that was grading was ended from outside: start again, and it goes on from "
                         "there") from None


def run_one(judge: "Callable[[Path, str], Report]", path: Path, args: argparse.Namespace) -> int:
    """Grade a file, print the report, and write it as others read it."""
    from .classroom.grading.marks import surely
    from .classroom.grading.report import text, written
    for name in ("csv", "file", "jobs", "cluster"):
        if getattr(args, name):
            raise ValueError(f"--{name} is for the folder of a class, and {path} is none")
    targets = {name: getattr(args, name) for name in TARGETS if getattr(args, name)}
    for target in targets.values():
        checked_target(target)
    report = surely(judge, path, args.seed)
    print(text(report))
    for name, target in targets.items():
        print(f"wrote {printable(write_whole(target, written(report, name, args.points)))}")
    return report.exit_code


def settings_of(command: str, args: argparse.Namespace, cls: str | None) -> dict[str, Any]:
    """What the judge of a command takes by name."""
    from .classroom.grading.load import words_of
    from .classroom.grading.sandbox import Limits
    if not 0 < args.points < float("inf"):
        raise ValueError(f"--points must be more than 0, got {args.points:g}")
    if args.needs and command != "grade":
        raise ValueError(f"--needs is for engines, and {command} grades none")
    if args.adapter and "=" not in args.adapter and not os.path.isfile(args.adapter):
        raise ValueError(f"--adapter {args.adapter}: there is no such file, and a line would be like grad=v.partial()")
    return {"cls": cls, "adapter": adapter_of(args), "tier": args.tier, "only": words_of(args.only),
            "reveal": args.reveal, "limits": Limits(seconds=args.seconds, memory=args.memory),
            **({"needs": words_of(args.needs)} if args.needs else {})}


def adapter_of(args: argparse.Namespace) -> str:
    """The adapter: a line, or what is in its file, since others who grade may not have that."""
    from .classroom.grading.load import Definitions
    is_file = args.adapter and os.path.isfile(args.adapter)
    return Definitions(Path(args.adapter).read_text(encoding="utf-8")) if is_file else args.adapter


def judged(command: str, settings: dict[str, Any], file: Path, student: str,
           within: Path | None = None) -> "Report":
    """The report on one file; the function can be sent to another process."""
    name = command.replace("-", "_")
    grader = getattr(import_module(f"tinygrad_edu.classroom.grading.{name}"), name)
    return grader(file, seed=student, within=within, **settings)


# ---- a class


def run_class(judge: "Callable[[Path, str], Report]", folder: Path, args: argparse.Namespace, what: str) -> int:
    """Grade every submission of a folder, a line each, and write the table when all of them are done."""
    from .classroom.grading.marks import as_csv, from_csv, grade_class, submissions, text_only
    check_options_of_class(folder, args)
    students = submissions(folder, args.file)
    if not students:
        raise ValueError(f"{folder} has no submissions: .py and .ipynb files, or a folder of them for each student")
    table = from_csv(Path(args.csv))
    graded = grade_class(judge, students, graders(args), args.seed, settings_as_text(args, what), table)
    warned: set[str] = set()
    try:
        for count, (row, limits) in enumerate(graded, 1):
            if new := [limit for limit in limits or () if limit not in warned]:
                print(f"careful: {'; '.join(map(printable, new))}")
                warned.update(new)
            table[row["name"]] = row
            print(progress(row, count, len(students), limits is None), flush=True)
    finally:                            # Ctrl-C too: what is known is kept, and the next time goes on from there
        with without_ctrl_c():
            graded.close()              # now no student's code runs any more
            rows = [table[name] for each in students if (name := text_only(each.name)) in table]
            write_whole(args.csv, as_csv(rows))
    print(totals(rows), f"wrote {printable(args.csv)}", sep="\n")
    return 0


def check_options_of_class(folder: Path, args: argparse.Namespace) -> None:
    """Refuse options that a class does not have, and a table that cannot be written."""
    for name in TARGETS:
        if getattr(args, name):
            raise ValueError(f"--{name} is for a single submission: --csv is what a class has")
    if not args.csv:
        raise ValueError(f"{folder} is a folder: say with --csv marks.csv where its marks go")
    if args.jobs < 0:
        raise ValueError(f"--jobs must be at least 1, got {args.jobs}")
    if args.jobs and args.cluster:
        raise ValueError("--jobs is for this machine: the workers of a cluster grade as many at a time as they have "
                         "threads")
    checked_ending(args.csv, ("csv",), "tables of marks")
    checked_target(args.csv)


def graders(args: argparse.Namespace) -> "Graders":
    """Who grades a class: processes on this machine, or the workers of a cluster."""
    from .classroom.grading.marks import graders_here
    if args.cluster:
        from .classroom.grading.on_cluster import graders_at
        return graders_at(args.cluster)
    return graders_here(args.jobs or os.cpu_count() or 1)


@contextmanager
def without_ctrl_c() -> Iterator[None]:
    """Finish what is short and must be whole: a second Ctrl-C does not break it off."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def settings_as_text(args: argparse.Namespace, what: str) -> str:
    """All that the marks depend on but the submissions; an adapter by its content."""
    adapter = Path(args.adapter or "")
    lines = adapter.read_text(encoding="utf-8") if adapter.is_file() else args.adapter
    return repr([__version__, what, lines, args.seed, *[getattr(args, name) for name in SETTINGS]])


def progress(row: "Row", count: int, total: int, is_known: bool) -> str:
    """The line of one submission."""
    marks = f"{row['points']:>3} of {row['of']:<3}" if row["of"] else ""
    told = "as before" if is_known else row["failed"] or row["not finished"] or row["feedback"]
    place = f"{count:>{len(str(total))}}/{total}"
    return f"{place}  {row['name']:<24} {row['verdict']:<16} {marks:<10} {truncate(told, 80)}".rstrip()


def totals(rows: "list[Row]") -> str:
    """How many were clean, and which checks failed most often."""
    verdicts = Counter(row["verdict"] for row in rows)
    failed = Counter(name for row in rows for name in row["failed"].split())
    lines = [f"{len(rows)} submissions: {', '.join(f'{count} {verdict}' for verdict, count in verdicts.most_common())}"]
    often = ", ".join(f"{name} ({count})" for name, count in failed.most_common(5))
    return "\n".join(lines + [f"failed most often: {often}"] * bool(often))


# ---- Gradescope


def run_autograder(args: argparse.Namespace) -> None:
    """Write the zip, and say what to do with it."""
    from .classroom.grading.autograder import gradescope_zip
    checked_ending(args.output, ("zip",), "autograders")
    command = next(name for name, what in JUDGES.items() if what == args.of)
    judged(command, settings_of(command, args, None), NOWHERE, "")      # refuses wrong ones now, not on Gradescope
    options = [f"--{name}={value}" for name in SETTINGS if (value := getattr(args, name))]
    adapter = Path(args.adapter) if args.adapter and os.path.isfile(args.adapter) else None
    if args.adapter and adapter is None:
        options.append(f"--adapter={args.adapter}")
    content = gradescope_zip(command, args.submission, options, adapter.read_bytes() if adapter else None)
    print(f"wrote {printable(write_whole(args.output, content))}: upload it under Configure Autograder")
