"""Student code that loops, forks, floods, kills, reads, writes and lies: it ends, and what comes next is right.

Each file of `tests/hostile` is put behind a right engine; its `harm()` runs within the second of three checks, and
makes a product wrong where it succeeds. A hole planted in the sandbox lets each of them succeed.
"""

import functools
import os
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import tinygrad_edu
from tinygrad_edu.classroom.grading import inside, sandbox, student_process
from tinygrad_edu.classroom.grading.grade import grade
from tinygrad_edu.classroom.grading.sandbox import Limits, Sandbox, run

if sys.platform == "linux":
    from tinygrad_edu.classroom.grading import linux

HOSTILE = Path(__file__).parent / "hostile"
IS_LINUX, IS_ROOT = sys.platform == "linux", hasattr(os, "getuid") and os.getuid() == 0
pytestmark = pytest.mark.skipif(os.name != "posix", reason="the hostile files are written for POSIX")
HAS_LANDLOCK = IS_LINUX and linux.libc.syscall(linux.CREATE_RULESET, None, 0, 1) > 0        # since 5.13, if not turned off
linux_only = pytest.mark.skipif(not HAS_LANDLOCK, reason="what this system cannot prevent is said in `limits_missing`")

ENGINE = '''
class Value:
    def __init__(self, data, parents=(), slopes=()):
        self.data, self.grad, self.parents, self.slopes = data, 0.0, parents, slopes

    def __add__(self, other):
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        wrong = self.data == 13.0 and harm()
        return Value(-1.0 if wrong else self.data * other.data, (self, other), (other.data, self.data))

    def backward(self, gradient=1.0):
        self.grad += gradient
        for parent, slope in zip(self.parents, self.slopes):
            parent.backward(gradient * slope)
'''
PATIENT = Limits(seconds=20.0, memory="500M")        # on a busy machine too
QUICK = Limits(seconds=1.5, memory="500M")           # for what never ends


def check(name, a, b):
    """A request: a times b, and the gradients."""
    graph = {"lines": [["c", "mul", ["a", "b"]]], "at": {"a": str(a), "b": str(b)}}
    return {"id": name, "graphs": [graph], "calls": ["backward c"]}


def right(name, answer, a, b):
    """Whether an answer gives a times b and both gradients."""
    if "ended" in answer:
        return False
    graph = answer["graphs"][0]
    return (answer["id"], graph["error"], graph["values"]["c"], graph["grads"]) == (
        name, None, float(a * b).hex(), [{"a": float(b).hex(), "b": float(a).hex()}])


def job(source):
    """What is loaded: a text, as if it were a student's file."""
    return {"file": "/nowhere/engine.py", "root": "/nowhere", "module": "engine", "package": "", "source": source,
            "by": "import", "definitions": [], "class": "Value", "adapter": None, "foreign": [], "beside": []}


class Surroundings:
    """What a hostile file aims at: marks, results and a neighbour's file that anybody may write, and a decoy process."""

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="marks-"))
        self.folder.chmod(0o777)
        self.marks = [self.folder / name for name in ("marks.csv", "results.json", "neighbour.py")]
        for file in self.marks:
            file.write_text("untouched")
            file.chmod(0o666)
        self.decoy = subprocess.Popen([sys.executable, "-I", "-c", "input()"], stdin=subprocess.PIPE)
        return self

    def __exit__(self, *error):
        self.decoy.kill()
        self.decoy.communicate()
        shutil.rmtree(self.folder)

    def known(self):
        """The lines that tell a hostile file where these are."""
        names = [str(file) for file in self.marks]
        return f"MARKS, CHECKS, DECOY = {names}, {sandbox.__file__!r}, {self.decoy.pid}\n"

    def untouched(self):
        """Whether all is as it was."""
        return (self.decoy.poll() is None and sorted(self.folder.iterdir()) == sorted(self.marks)
                and all(file.stat().st_mode & 0o777 == 0o666 and file.read_text() == "untouched" for file in self.marks))


def survived(name):
    """The run of three checks over a hostile file, of which the second sets it off, and what became of its aims."""
    with Surroundings() as surroundings, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECRET_OF_THE_TEACHER", "42")
        source = surroundings.known() + ENGINE + (HOSTILE / f"{name}.py").read_text()
        came = run(job(source), [check("before", 2, 3), check("harm", 13, 3), check("after", 2, 5)], QUICK if ENDS.get(name) == "timeout" else PATIENT)
        return came, surroundings.untouched()


once = functools.cache(survived)


ENDS = {"loop": "timeout", "loop_in_c": "timeout", "loop_in_a_pattern": "timeout", "loop_without_signals": "timeout",
        "much_output": "timeout", "much_memory": "memory", "exit_at_once": "exit", "crash": "crash",
        "fill_the_disk": "output", "long_paths": "output", "hidden_files": "output", "many_files": "output", "forged_nothing": "crash", "forged_answer": "crash",
        "odd_signal": "crash"}
NO_HARM = ["some_output", "overridden_methods", "changed_builtins", "printed_result", "long_line",
           "large_file", "threads", "what_it_knows"]
NO_HARM_ON_LINUX = ["many_processes", "write_elsewhere", "change_rights", "read_elsewhere", "read_parent", "network",
                    "end_others", "end_its_group", "signal_by_file", "outlive", "raise_limits", "other_library", "many_threads"]
REFUSED_ON_LINUX = {"own_session": "PermissionError", "other_program": "PermissionError"}
ANY_END = ["closed_files", "closed_folders", "deep_recursion", "forged_shapes"]


def test_every_hostile_file_is_tried():
    named = {*ENDS, *NO_HARM, *NO_HARM_ON_LINUX, *REFUSED_ON_LINUX, *ANY_END}
    assert named == {file.stem for file in HOSTILE.glob("*.py")}


@linux_only
def test_linux_keeps_every_limit():
    assert run(job(ENGINE), []).limits_missing == ()


@pytest.mark.parametrize("name", [*ENDS, *NO_HARM, *ANY_END, *(NO_HARM_ON_LINUX if HAS_LANDLOCK else []),
                                  *(REFUSED_ON_LINUX if HAS_LANDLOCK else [])])
def test_what_comes_before_and_after_harm_is_right(name):
    came, untouched = once(name)
    assert right("before", came.answers["before"], 2, 3)
    assert right("after", came.answers["after"], 2, 5)
    assert untouched
    assert len(came.output) <= PATIENT.output
    assert sandbox.alive() == ()


@pytest.mark.parametrize("name", ENDS)
def test_the_report_says_how_a_check_ended(name):
    answer = once(name)[0].answers["harm"]
    assert answer["ended"] == ENDS[name] and answer["why"]


@pytest.mark.parametrize("name", NO_HARM)
def test_what_does_no_harm_counts(name):
    assert right("harm", once(name)[0].answers["harm"], 13, 3)


@linux_only
@pytest.mark.parametrize("name", NO_HARM_ON_LINUX)
def test_what_linux_refuses_does_no_harm(name):
    assert right("harm", once(name)[0].answers["harm"], 13, 3)


@linux_only
@pytest.mark.parametrize("name", REFUSED_ON_LINUX)
def test_what_linux_refuses_is_an_error_of_the_student(name):
    error = once(name)[0].answers["harm"]["graphs"][0]["error"]
    assert error.startswith(REFUSED_ON_LINUX[name])


# ---- loading
def test_a_file_that_never_loads_is_given_up_and_the_rest_is_skipped():
    came = run(job(ENGINE + "while True: pass"), [check("a check", 2, 3)], Limits(load_seconds=0.5))
    assert came.found["ended"] == "timeout"
    assert came.answers["a check"] == {"ended": "skipped", "why": "the file could not be loaded"}


def test_a_file_that_ends_its_process_cannot_be_loaded():
    came = run(job(ENGINE + "import os; os._exit(0)"), [check("a check", 2, 3)], PATIENT)
    assert came.found["ended"] == "exit" and came.answers["a check"]["ended"] == "skipped"


def test_a_file_that_says_exit_is_told_apart_from_one_that_loads():
    assert "SystemExit" in str(run(job(ENGINE + "import sys; sys.exit()"), [], PATIENT).found)


def test_after_three_timeouts_the_rest_is_skipped():
    source = ENGINE + (HOSTILE / "loop.py").read_text()
    checks = [check("before", 2, 3), *[check(f"hangs {number}", 13, 3) for number in range(5)], check("after", 2, 5)]
    came = run(job(source), checks, Limits(seconds=1.0))
    ends = [came.answers[request["id"]].get("ended") for request in checks]
    assert ends == [None, *["timeout"] * 3, *["skipped"] * 3]
    assert came.answers["after"]["why"] == "3 checks ran into the limit of time"


def test_time_lost_in_loading_again_and_again_is_limited(monkeypatch):
    monkeypatch.setattr(Limits, "lost_seconds", 2.5)
    source = ENGINE + (HOSTILE / "exit_at_once.py").read_text() + "import time; time.sleep(1)"
    checks = [check(f"check {number}", 13, 3) for number in range(4)]
    came = run(job(source), checks)
    assert [came.answers[request["id"]]["ended"] for request in (checks[0], checks[-1])] == ["exit", "skipped"]


@pytest.fixture
def files_of_the_teacher_alone():
    """Whatever is made now, nobody else may read."""
    before = os.umask(0o077)
    yield
    os.umask(before)


def test_a_file_in_a_package_finds_its_neighbours_there_and_no_others(tmp_path, files_of_the_teacher_alone):
    for name, text in {"course/__init__.py": "", "course/slopes.py": "def harm(): pass", "other.py": "",
                       "course/engine.py": "from .slopes import harm\n" + ENGINE}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    package = {**job(""), "file": str(tmp_path / "course/engine.py"), "root": str(tmp_path), "module": "course.engine",
               "package": "course"}
    came = run(package, [check("a check", 2, 3)], PATIENT)
    assert right("a check", came.answers["a check"], 2, 3), came
    (tmp_path / "course/slopes.py").write_text("import other")
    assert "other" in str(run(package, [], PATIENT).found)


def test_a_package_of_gigabytes_is_not_copied(tmp_path):
    (tmp_path / "course").mkdir()
    for name in ("__init__.py", "data"):
        (tmp_path / "course" / name).touch()
    os.truncate(tmp_path / "course/data", 2**30)
    package = {**job(ENGINE), "file": str(tmp_path / "course/engine.py"), "root": str(tmp_path), "package": "course"}
    assert "course holds more than 100 MB" in run(package, [], PATIENT).found["why"]


@linux_only
def test_a_link_in_a_package_leads_nowhere(tmp_path):
    (tmp_path / "marks.csv").write_text("everybody: 100")
    (tmp_path / "course").mkdir()
    (tmp_path / "course/__init__.py").write_text("")
    (tmp_path / "course/data.txt").symlink_to(tmp_path / "marks.csv")
    (tmp_path / "course/engine.py").write_text(ENGINE + "open(__file__.replace('engine.py', 'data.txt')).close()")
    package = {**job(""), "file": str(tmp_path / "course/engine.py"), "root": str(tmp_path), "module": "course.engine",
               "package": "course"}
    assert "PermissionError" in str(run(package, [], PATIENT).found)


def test_what_it_prints_is_kept_without_the_folder_it_ran_in():
    came = run(job(ENGINE + "import os, sys; print('hello from', os.getcwd()); print('and', file=sys.stderr)"), [], PATIENT)
    said, error = came.output.splitlines()
    assert said.startswith("hello from ") and "grading-" not in said and error == "and"


@linux_only
def test_folders_may_be_opened_for_reading(tmp_path):
    (tmp_path / "data.txt").write_text("")
    tmp_path.parent.chmod(0o755)
    source = ENGINE + f"open({str(tmp_path / 'data.txt')!r}).close()"
    with Sandbox(job(source), PATIENT) as shut, Sandbox(job(source), PATIENT, readable=[tmp_path]) as opened:
        assert "PermissionError" in str(shut.found) and "PermissionError" not in str(opened.found)


def test_a_limit_is_more_than_nothing():
    for wrong in ({"seconds": 0}, {"load_seconds": -1.0}, {"seconds": float("nan")}, {"memory": "much"}, {"memory": "0G"}):
        with pytest.raises(ValueError, match=r"seconds is|memory is|memory_bytes is"):
            Limits(**wrong)


# ---- when all is over
def is_alive(process):
    """Whether there is a process of this number that has not ended."""
    try:
        return ") Z" not in Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False


def left_behind():
    """The process that a run left in a session of its own, where nothing kept it from starting one."""
    came, _ = survived("own_session")
    assert right("before", came.answers["before"], 2, 3) and right("after", came.answers["after"], 2, 5)
    return int(came.output.removeprefix("left behind:"))


@linux_only
def test_what_runs_away_into_a_session_of_its_own_is_ended_and_nobody_else(monkeypatch):
    monkeypatch.setattr(sandbox, "MEASURES", ("limits", "files", "rights", "parent"))
    with subprocess.Popen([sys.executable, "-I", "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        assert not is_alive(left_behind())
        assert bystander.poll() is None
        bystander.communicate(b"\n")


@linux_only
def test_what_the_grader_starts_meanwhile_is_left_alone():
    bystand = [sys.executable, "-I", "-c", "input()"]
    with Sandbox(job(ENGINE), PATIENT) as opened, subprocess.Popen(bystand, stdin=subprocess.PIPE) as bystander:
        opened.stop()
        assert bystander.poll() is None
        bystander.communicate(b"\n")


@linux_only
def test_a_run_that_does_not_look_for_what_ran_away_leaves_it_alive(monkeypatch):
    monkeypatch.setattr(sandbox, "MEASURES", ("limits", "files", "rights", "parent"))
    monkeypatch.setattr(student_process.linux, "end_orphans", lambda *arguments: None)
    process = left_behind()
    assert is_alive(process)
    os.kill(process, signal.SIGKILL)


@linux_only
def test_student_code_ends_with_the_grader(tmp_path):
    program = """if True:
        from tests_of_safety import job, Sandbox, ENGINE, HOSTILE
        import time
        with Sandbox(job(ENGINE + (HOSTILE / "threads.py").read_text() + "harm()")) as sandbox:
            print(sandbox.process.process.pid, flush=True)
            time.sleep(60)
    """.replace("tests_of_safety", Path(__file__).stem)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=Path(__file__).parent,
                          env={**os.environ, "TMPDIR": str(tmp_path)}) as grader:
        student = int(grader.stdout.readline())
        assert is_alive(student)
        grader.kill()
    assert eventually(lambda: not is_alive(student))


def eventually(condition):
    """Whether something comes true before long: what the kernel does takes a moment."""
    return any(condition() or time.sleep(0.05) for _ in range(200))


def test_runs_at_the_same_time_do_not_disturb_one_another():
    names = ["loop", "printed_result", "crash", "much_memory"]
    with ThreadPoolExecutor(len(names)) as threads:
        for came, untouched in threads.map(survived, names):
            assert right("before", came.answers["before"], 2, 3) and right("after", came.answers["after"], 2, 5)
            assert untouched
    assert sandbox.alive() == ()


# ---- holes: without the measure that prevents it, each harm is done, and is said to be possible
HOLES = [
    ("many_processes", ["calls"], "keep student code from starting processes"),
    ("change_rights", ["calls", "rights"], "keep student code from starting processes"),
    ("network", ["calls"], "keep student code from the network"),
    ("write_elsewhere", ["files"], "keep student code from writing to other files"),
    ("read_elsewhere", ["files"], "keep student code from reading other files"),
    ("other_library", ["files"], "keep student code from reading other files"),
    ("much_memory", ["limits"], "limit the memory of student code"),
    ("many_threads", ["limits"], "limit the memory of student code"),
    ("large_file", ["limits"], "limit the files of student code"),
    ("signal_by_file", ["calls"], "keep student code from starting processes"),
    ("outlive", ["calls"], "keep student code from starting processes"),
    ("end_others", ["calls", "rights", "files"], "keep student code from ending other processes"),
    ("read_parent", ["calls", "rights", "files"], "hide the memory of the grader from student code"),
    *([("raise_limits", ["calls", "rights"], "take the rights of root from student code")] if IS_ROOT else []),
]


@linux_only
@pytest.mark.parametrize("name, measures, words", HOLES, ids=[hole[0] for hole in HOLES])
def test_a_hole_lets_harm_through_and_is_said(name, measures, words, monkeypatch):
    monkeypatch.setattr(sandbox, "MEASURES", [name for name in sandbox.MEASURES if name not in measures])
    monkeypatch.setattr(student_process.linux, "guard", lambda on: None)
    came, _ = survived(name)
    assert not right("harm", came.answers["harm"], 13, 3)
    assert came.answers["harm"].get("ended") in (None, "output")
    assert f"this system cannot {words}" in came.limits_missing


def test_without_any_measure_a_check_still_ends_and_all_that_is_missing_is_said(monkeypatch):
    monkeypatch.setattr(sandbox, "MEASURES", ())
    for name in ("loop", "exit_at_once", "crash", "fill_the_disk"):
        came, _ = survived(name)
        assert came.answers["harm"]["ended"] == ENDS[name]
        assert right("after", came.answers["after"], 2, 5)
    assert len(came.limits_missing) >= (7 if IS_LINUX else 5)


def test_a_file_that_may_be_cut_off_but_not_opened_is_said_to_be_in_reach(monkeypatch, tmp_path):
    (tmp_path / "marks.csv").write_text("everybody: 100")
    monkeypatch.setattr(inside.os, "open", lambda *arguments: os.stat(tmp_path / "nowhere"))
    assert inside.possible(inside.write_elsewhere, {"elsewhere": str(tmp_path / "marks.csv")})
    assert not inside.possible(inside.write_elsewhere, {"elsewhere": str(tmp_path / "nowhere")})


ALONE = """
import sys
sys.path.insert(0, sys.argv[1])
from test_grade_safety import ENGINE, PATIENT, check, job, run
print(run(job(ENGINE), [check("a check", 2, 3)], PATIENT))
"""


@linux_only
@pytest.mark.parametrize("words", [["unshare", "--user", "--map-root-user"], ["setpriv", "--bounding-set", "-kill"],
                                   ["setpriv", "--bounding-set", "-all"]], ids=lambda words: words[-1])
def test_a_root_who_rules_no_other_users_grades_all_the_same_and_says_so(words):
    if not IS_ROOT or subprocess.run([*words, "true"], capture_output=True).returncode:
        pytest.skip("needs root, and a system where root can be made less")
    came = subprocess.run([*words, sys.executable, "-c", ALONE, str(HOSTILE.parent)], capture_output=True, text=True)
    assert "this system cannot take the rights of root from student code" in came.stdout, came
    assert "'ended'" not in came.stdout and float(6).hex() in came.stdout


@linux_only
@pytest.mark.parametrize("moment", [0.0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2])
def test_whenever_the_grader_is_killed_its_student_ends(moment, tmp_path):
    looping = ALONE.replace("job(ENGINE)", "job(ENGINE + 'while True: pass')")
    grader = subprocess.Popen([sys.executable, "-c", looping, str(HOSTILE.parent)], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, env={**os.environ, "TMPDIR": str(tmp_path)})
    assert eventually(lambda: any(tmp_path.glob("grading-*/tmp*"))), "the student's process is about to start"
    time.sleep(moment)
    grader.kill()
    grader.wait()
    assert eventually(lambda: not processes_in(tmp_path))


def processes_in(folder):
    """The processes that have a folder in their variables."""
    return [number for number in linux.processes() if str(folder) in linux.text_of(f"/proc/{number}/environ")]


# ---- the rules of Linux, read without Linux
def decision(program, machine, number, *arguments):
    """What a filter of system calls decides: the few instructions it is written in, run here."""
    data = struct.pack("=iIQ6Q", number, machine, 0, *[x % 2**64 for x in arguments], *[0] * (6 - len(arguments)))
    tests = {linux.IF_EQUAL: int.__eq__, linux.IF_AT_LEAST: int.__ge__, linux.IF_ANY_BIT: int.__and__}
    at, held = 0, None
    while program[at][0] != linux.RETURN:
        operation, if_so, if_not, value = program[at]
        if operation == linux.LOAD:
            held = struct.unpack_from("=I", data, value)[0]
        else:
            at += if_so if tests[operation](held, value) else if_not
        at += 1
    return program[at][3]


@linux_only
@pytest.mark.parametrize("name, machine", linux.MACHINES.items() if IS_LINUX else [])
def test_the_filter_refuses_what_it_names_and_lets_the_rest_through(name, machine):
    column, code = machine
    program, me, other = list(linux.filter_program(*machine)), os.getpid(), os.getpid() + 1
    named = [int(call.split()[1 + column]) for call in ", ".join(linux.REFUSED.values()).split(", ")]
    special = [linux.KILL, linux.TGKILL, linux.QUEUE, linux.THREAD_QUEUE, linux.PRLIMIT, linux.CLONE, linux.CLONE3,
               linux.SOCKETPAIR, linux.PRCTL]
    for number in set(named) - {0}:
        assert decision(program, code, number, me, me) == linux.REFUSE
    for number in set(range(linux.FIRST_NEW)) - {*named, *[pair[column] for pair in special]}:
        assert decision(program, code, number, other, other) == linux.ALLOW
    assert {decision(program, code, linux.FIRST_NEW + more) for more in (0, 3, 1000)} == {linux.NOT_THERE}
    for number in (pair[column] for pair in special[:4]):
        assert decision(program, code, number, me, 9) == linux.ALLOW
        assert [decision(program, code, number, x, 9) for x in (other, 0, -1, -me)] == [linux.REFUSE] * 4
    assert [decision(program, code, linux.PRLIMIT[column], x) for x in (0, me, other)] == [linux.ALLOW] * 2 + [linux.REFUSE]
    assert decision(program, code, linux.CLONE[column], 0x3D0F00) == linux.ALLOW           # as threads are made
    assert decision(program, code, linux.CLONE[column], 0x1200011) == linux.REFUSE         # as fork is
    assert decision(program, code, linux.CLONE3[column]) == linux.NOT_THERE
    assert [decision(program, code, linux.PRCTL[column], x) for x in (1, 15)] == [linux.REFUSE, linux.ALLOW]
    for call, allowed, refused in ((linux.FCNTL, 1, 8), (linux.FCNTL, 4, 15), (linux.IOCTL, 0x5401, 0x8901),
                                   (linux.IOCTL, 0x8903, 0x8902), (linux.SOCKETPAIR, 0x80001, 0x80002)):
        assert decision(program, code, call[column], 3, allowed) == linux.ALLOW
        assert decision(program, code, call[column], 3, refused) == linux.REFUSE
    assert decision(program, code + 1, named[0]) == linux.END


@linux_only
def test_all_of_a_folder_may_be_read_but_what_is_hidden(tmp_path):
    for name in ("lib/here/code.py", "lib/here/hidden/checks.py", "lib/file.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    hidden = f"{tmp_path}/lib/here/hidden"
    for name, target in {"lib64": "lib", "lib/back": "..", "lib/here/itself": ".", "checks": "lib/here/hidden/checks.py",
                         "code": "lib/here/code.py"}.items():
        (tmp_path / name).symlink_to(tmp_path / target if "/" in target else target)
    rights = dict(linux.around(str(tmp_path), hidden))
    both = linux.READ_FILE | linux.READ_FOLDER
    assert rights == {str(tmp_path): linux.READ_FOLDER, f"{tmp_path}/lib": linux.READ_FOLDER,
                      f"{tmp_path}/lib/here": linux.READ_FOLDER, f"{tmp_path}/lib/here/code.py": linux.READ_FILE,
                      f"{tmp_path}/lib/file.py": linux.READ_FILE}
    assert dict(linux.around(hidden, hidden)) == {}
    assert dict(linux.around(f"{tmp_path}/lib/here/hidden2", hidden)) == {f"{tmp_path}/lib/here/hidden2": linux.READ_FILE}
    assert dict(linux.around(f"{tmp_path}/lib", "/elsewhere")) == {f"{tmp_path}/lib": both}


def test_the_whole_package_is_hidden_from_student_code(tmp_path):
    with Sandbox(job(ENGINE), PATIENT) as opened:
        assert Path(opened.settings(tmp_path)["hidden"]) == Path(tinygrad_edu.__file__).resolve().parent


# ---- the verdict
SET_OFF = """
set_off = []
unharmed = Value.__mul__

def hostile(self, other):
    if not set_off:
        set_off.append(True)
        harm()
    return unharmed(self, other)

Value.__mul__ = hostile
"""


def statuses(tmp_path, *parts):
    """What the grader says of an engine with more behind it: for each check, and in all."""
    (tmp_path / "engine.py").write_text((HOSTILE.parent / "student_engines/closures.py").read_text() + "\n".join(parts))
    report = grade(tmp_path / "engine.py", only=["forward", "derivative", "reflected", "second"])
    return {checked.id: checked.status for checked in report.checks}, report.verdict


@pytest.mark.parametrize("name", ["printed_result", "overridden_methods", "some_output"])
def test_the_verdict_is_that_of_the_engine_without_what_it_does_besides(name, tmp_path):
    hostile = (HOSTILE / f"{name}.py").read_text() + SET_OFF
    wrong = "\nValue.__rsub__ = lambda self, other: self - other\n"
    assert statuses(tmp_path, hostile) == statuses(tmp_path)
    assert statuses(tmp_path, hostile, wrong) == statuses(tmp_path, wrong)
    assert [statuses(tmp_path, more)[1] for more in ("", wrong)] == ["clean", "faults"]


def test_answers_of_every_wrong_kind_are_faults_of_the_check_that_they_answer(tmp_path):
    hostile = (HOSTILE / "forged_shapes.py").read_text() + SET_OFF.replace("if not set_off:", "if True:")
    came, verdict = statuses(tmp_path, hostile)
    assert verdict == "faults" and came["forward-mul"] == "failed" and came["derivative-add"] == "passed"


@pytest.mark.parametrize("name", ["exit_at_once", "crash"])
def test_what_ends_its_process_costs_the_checks_that_it_ends_and_no_others(name, tmp_path):
    hostile = (HOSTILE / f"{name}.py").read_text() + "\nValue.__sub__ = lambda self, other: harm()\n"
    (plain, _), (came, verdict) = statuses(tmp_path), statuses(tmp_path, hostile)
    assert verdict == "faults" and came["forward-sub"] == "failed"
    assert {check for check in came if came[check] != plain[check]} == {check for check in came if "sub" in check}


# ---- and as another user
AS_ORDINARY_USER = """
set -e
while [ "$1" != -- ]; do        # Python lies in folders of root alone: here, and for nobody else, they are open
    open=$(mktemp -d)
    mount --bind "$1" "$open"
    set -- "$@" "$open" "$1"; shift
done
shift
command=$1; shift
for closed in $CLOSED; do mount -t tmpfs -o mode=755 none "$closed"; done
while [ "$#" -gt 0 ]; do mkdir -p "$2"; mount --bind "$1" "$2"; shift 2; done
exec setpriv --reuid 61000 --regid 61000 --clear-groups sh -c "$command"
"""


def closed_folders(folder):
    """The outermost folder above this one that only its owner may enter, if there is one."""
    return [str(above) for above in reversed(folder.parents) if not above.stat().st_mode & 1][:1]


@pytest.mark.full
@pytest.mark.skipif(not (IS_LINUX and IS_ROOT), reason="these tests were run as an ordinary user already")
def test_all_of_this_holds_for_an_ordinary_user_too():
    ours = Path(tinygrad_edu.__file__).parents[1]           # opened where it lies: a copy would be a library to be imported
    python = {Path(folder) for folder in (sys.prefix, sys.base_prefix, ours, *sys.path) if os.path.isdir(folder)}
    python = [folder for folder in python if closed_folders(folder) and not python & set(folder.parents)]
    with tempfile.TemporaryDirectory(dir="/var/tmp") as home:
        os.chmod(home, 0o777)
        shutil.copytree(HOSTILE.parent, Path(home, "tests"), ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(HOSTILE.parents[1] / "pyproject.toml", home)
        command = shlex.join([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"tests/{Path(__file__).name}"])
        closed = sorted({above for folder in python for above in closed_folders(folder)})
        came = subprocess.run(
            ["unshare", "--mount", "sh", "-c", AS_ORDINARY_USER, "sh", *map(str, python), "--", command],
            cwd=home, capture_output=True, text=True,
            env={"PATH": os.defpath, "HOME": home, "PYTHONPATH": os.environ.get("PYTHONPATH", ""), "PYTHONDONTWRITEBYTECODE": "1",
                 "CLOSED": " ".join(closed)})
    assert came.returncode == 0 and " passed" in came.stdout, came.stdout + came.stderr
