"""A class graded by the workers of a Dask cluster: what comes out, what is lost on the way, and what is not let through."""

import concurrent.futures
import os
import signal
import socket
import sys
import threading
import types
from pathlib import Path

import pytest
from command import run as run_command
from dask_workers import workers

from tinygrad_edu.classroom.grading import marks, sandbox

distributed = pytest.importorskip("distributed", reason='clusters are run by Dask: pip install ".[cluster]"')
on_cluster = pytest.importorskip("tinygrad_edu.classroom.grading.on_cluster")
posix = pytest.mark.skipif(os.name != "posix", reason="others make no links for everybody")
linux = pytest.mark.skipif(sys.platform != "linux", reason="only on Linux can student code be kept from the network")

SOLUTION = (Path(__file__).resolve().parents[1] / "docs" / "homework" / "engine_solution.py").read_text(encoding="utf-8")
ASSIGNS = SOLUTION.replace("parent.grad += node.grad", "parent.grad = node.grad")
ONLY = ("--only", "reuse,order,itself")


def run(*words, **options):
    """(output, errors, exit code) of the command, which is given paths too."""
    return run_command(*map(str, words), **options)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with workers(2, tmp_path_factory.mktemp("cluster")) as address:
        yield address


@pytest.fixture
def course(tmp_path):
    """Submissions of all kinds: a package with data and a link, an adapter's names, what cannot be read, what is hostile."""
    hostile = ("import socket\ntry:\n    socket.create_connection(('127.0.0.1', 9), 1)\n"
               "except PermissionError: pass\n" + ASSIGNS)
    files = {"ada.py": SOLUTION, "bea.py": ASSIGNS, "cy/__init__.py": "", "cy/engine.py": "from .parts import *\n",
             "cy/parts.py": SOLUTION + "from pathlib import Path\nassert (Path(__file__).parent / 'one.txt').read_text() == 'one'\n",
             "cy/one.txt": "one", "cy/.secret": "x", "dan.py": "class Value(:", "eve.py": hostile, "fay/a.py": SOLUTION, "fay/b.py": SOLUTION,
             "gus.py": SOLUTION.replace("self.grad", "self.slope").replace(".grad", ".slope"), "hal.ipynb": "{}"}
    for name, text in files.items():
        (tmp_path / "course" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "course" / name).write_text(text, encoding="utf-8")
    (tmp_path / "course" / "cy" / "link.txt").symlink_to("one.txt")
    (tmp_path / "course" / "ida.py").symlink_to(tmp_path / "course" / "ada.py")
    return tmp_path / "course"


def table(path):
    """A table of marks but for the column that says how long it took."""
    rows = marks.from_csv(path)
    return [{name: text for name, text in row.items() if name != "seconds"} for row in rows.values()]


# ---- the marks


@linux
def test_the_table_and_what_is_printed_are_those_of_this_machine(course, cluster, tmp_path):
    (tmp_path / "adapter.py").write_text("def data(v): return v.data\n")
    options = ("--file", "engine.py", "--seed", "autumn", "--adapter", tmp_path / "adapter.py", *ONLY)
    here, *_ = run("grade", course, "--csv", tmp_path / "m.csv", *options)
    marks_here = table(tmp_path / "m.csv")
    os.remove(tmp_path / "m.csv")
    there, *_ = run("grade", course, "--csv", tmp_path / "m.csv", "--cluster", cluster, *options)
    assert there == here and table(tmp_path / "m.csv") == marks_here
    verdicts = {row["name"]: row["verdict"] for row in marks_here}
    assert verdicts["ada"] == verdicts["cy"] == "clean" and verdicts["bea"] == verdicts["eve"] == "faults"
    again, *_ = run("grade", course, "--csv", tmp_path / "m.csv", "--cluster", cluster, *options)
    assert again.count("as before") == len(marks_here)


@linux
def test_the_students_of_a_worker_that_is_killed_are_graded_again(tmp_path, cluster, monkeypatch):
    (tmp_path / "course").mkdir()
    for i in range(6):
        (tmp_path / "course" / f"s{i}.py").write_text(ASSIGNS if i % 2 else SOLUTION, encoding="utf-8")
    with distributed.Client(cluster, set_as_default=False) as client:
        [first, _] = client.run(os.getpid).values()
    killed = []

    def kill(*first_row):
        if not killed:
            os.kill(first, signal.SIGKILL)
            killed.append(first)
        return ""
    monkeypatch.setattr("tinygrad_edu.cli_grade.progress", kill)
    run("grade", tmp_path / "course", "--csv", tmp_path / "m.csv", "--cluster", cluster, *ONLY)
    assert killed and [(row["name"], row["verdict"]) for row in table(tmp_path / "m.csv")] == [
        (f"s{i}", "faults" if i % 2 else "clean") for i in range(6)]


class Ended:
    """A task that ended with an error."""

    status = "error"

    def __init__(self, error):
        self.error = error

    def result(self, timeout):
        raise self.error


EACH = marks.Submission("ada", Path("ada.py"), within=Path("ada.py"))


def test_what_no_worker_survives_is_said_in_its_row_and_tried_again_the_next_time():
    row, limits = on_cluster.Sent(None, Ended(distributed.KilledWorker("t", None, 3)), EACH).result()
    assert (row["verdict"], row["feedback"], row["checksum"], limits) == (
        "cannot be graded", "4 workers were lost while they had it", "", [])


# ---- safety


@linux
def test_a_worker_knows_whether_it_keeps_student_code_from_the_network(monkeypatch):
    on_cluster.keeps_from_network.cache_clear()
    assert on_cluster.keeps_from_network()
    on_cluster.keeps_from_network.cache_clear()
    monkeypatch.setattr(sandbox, "MEASURES", ("limits", "rights", "parent"))
    assert not on_cluster.keeps_from_network()
    on_cluster.keeps_from_network.cache_clear()


def test_a_worker_that_does_not_keep_it_from_there_runs_none_of_it(monkeypatch):
    monkeypatch.setattr(on_cluster, "keeps_from_network", lambda: False)
    with pytest.raises(on_cluster.UnsafeWorker, match="cannot keep student code from the network") as raised:
        on_cluster.unpacked_and_graded(pytest.fail, on_cluster.Parcel(EACH, {}), "", "")
    with pytest.raises(ValueError, match="cannot keep student code from the network"):
        on_cluster.Sent(None, Ended(raised.value), EACH).result()


@posix
def test_what_was_handed_in_is_unpacked_as_it_was_and_nothing_is_written_through_a_link(tmp_path):
    folder = tmp_path / "ada"
    (folder / "empty").mkdir(parents=True)
    (folder / "a.py").write_bytes(b"\xff\x00")
    (folder / "b").symlink_to(tmp_path / "outside")
    (folder / "__pycache__").mkdir()
    (folder / ".git").mkdir()
    parcel = on_cluster.packed(marks.Submission("ada", folder / "a.py", within=folder))
    (tmp_path / "there").mkdir()
    on_cluster.unpack(parcel.contents, tmp_path / "there")
    there = tmp_path / "there" / "ada"
    assert sorted(path.name for path in there.iterdir()) == ["a.py", "b", "empty"]
    assert (there / "a.py").read_bytes() == b"\xff\x00" and os.readlink(there / "b") == str(tmp_path / "outside")
    assert parcel.each.file == Path("ada/a.py") and not (tmp_path / "outside").exists()


@posix
def test_a_folder_is_sent_before_what_is_in_it_and_a_link_after_everything(tmp_path):
    contents = {Path("a"): None, Path("a/b"): "../..", Path("a/b/c"): b"would be outside"}
    with pytest.raises(OSError):
        on_cluster.unpack(contents, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a"] and not list((tmp_path / "a").iterdir())


def test_what_is_too_large_to_be_sent_is_said_in_its_row(tmp_path, monkeypatch):
    monkeypatch.setattr(on_cluster, "MOST_COPIED", 10)
    (tmp_path / "ada.py").write_text("x = 1 + 1 + 1")
    assert on_cluster.packed(marks.Submission("ada", tmp_path / "ada.py", within=tmp_path / "ada.py")) is None


# ---- mistakes


@pytest.fixture
def two(tmp_path):
    for name in ("ada", "bea"):
        (tmp_path / "two" / f"{name}.py").parent.mkdir(exist_ok=True)
        (tmp_path / "two" / f"{name}.py").write_text(SOLUTION, encoding="utf-8")
    return tmp_path / "two"


@pytest.mark.parametrize(("options", "words"), [
    (["--cluster", "here"], "write the address of a scheduler, like tcp://10.0.0.7:8786"),
    (["--cluster", "http://127.0.0.1:8787"], "write the address of a scheduler"),
    (["--cluster", "127.0.0.1:9"], "no scheduler of Dask answers there"), (["--cluster", "tls://127.0.0.1:9"], "no scheduler of Dask answers there"),
    (["--cluster", "127.0.0.1:9", "--jobs", "2"], "--jobs is for this machine")])
def test_a_wrong_address_gets_one_line_and_writes_nothing(options, words, two, tmp_path, monkeypatch):
    monkeypatch.setattr(on_cluster, "PATIENCE", 0.5)
    _, errors, code = run("grade", two, "--csv", tmp_path / "m.csv", *options, check=False)
    assert code == 2 and words in errors and len(errors.splitlines()) == 1 and not (tmp_path / "m.csv").exists()


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", bytes(range(1, 200))])
def test_the_address_of_something_else_gets_one_line_too(said, two, tmp_path, monkeypatch):
    monkeypatch.setattr(on_cluster, "PATIENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=answer, args=(server, said), daemon=True).start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        _, errors, code = run("grade", two, "--csv", tmp_path / "m.csv", "--cluster", address, check=False)
    assert code == 2 and "no scheduler of Dask answers there" in errors and len(errors.splitlines()) == 1


def answer(server, said):
    """Say something to whoever comes, whatever he says."""
    connection, _ = server.accept()
    connection.sendall(said)
    connection.recv(1)
    threading.Event().wait(1)
    connection.close()


def test_a_cluster_is_for_a_class(two):
    _, errors, code = run("grade", two / "ada.py", "--cluster", "127.0.0.1:9", check=False)
    assert code == 2 and "--cluster is for the folder of a class" in errors


def test_without_dask_the_line_says_what_to_install(two, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    _, errors, code = run("grade", two, "--csv", tmp_path / "m.csv", "--cluster", "127.0.0.1:9", check=False)
    assert code == 2 and errors == 'tinygrad-edu: a cluster is reached by Dask: pip install "tinygrad-edu[cluster]"\n'


def test_the_example_of_the_help_works_and_no_thread_of_dask_is_left_behind(two, tmp_path, cluster):
    [example] = [line for line in run("grade", "--help")[0].splitlines() if line.startswith("  tinygrad-edu") and "--cluster" in line]
    os.rename(two, tmp_path / "submissions")
    run(*example.replace("tcp://10.0.0.7:8786", cluster).split()[1:], "--only", "reuse", cwd=tmp_path)
    assert len(table(tmp_path / "marks.csv")) == 2
    assert not [thread.name for thread in threading.enumerate() if "IO loop" in thread.name]


def test_where_the_scheduler_is_gone_one_line_says_how_to_go_on():
    client = types.SimpleNamespace(status="closed", scheduler=None)         # as Dask leaves it
    with pytest.raises(ValueError, match="the scheduler of the cluster is gone: start again"):
        on_cluster.Sent(client, Ended(concurrent.futures.CancelledError("lost")), EACH).result()
    with pytest.raises(ValueError, match="the scheduler of the cluster is gone: start again"):
        on_cluster.Sent(client, Pending(), EACH).result()


class Pending:
    """A task that nobody does."""

    status = "pending"

    def result(self, timeout):
        raise TimeoutError
