"""Files are written as a whole: at each moment the old one or the new one, whoever writes, fails or interrupts."""

import errno
import json
import os
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from command import run

import tinygrad_edu as tg
from tinygrad_edu import files
from tinygrad_edu.files import write_whole

posix = pytest.mark.skipif(os.name != "posix", reason="modes, pipes and devices are those of POSIX")


@pytest.fixture
def old(tmp_path, request):
    params = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    path = tmp_path / f"a{params.get('ending', '.json')}"
    path.write_bytes(b"old")
    return path


def alone(path):
    """Is the file the only one in its folder: has nothing been left behind?"""
    return os.listdir(path.parent) == [path.name]


def drawing():
    return tg.draw(tg.expression("x * y", x=1, y=2), layout="simple")


def figure():
    pytest.importorskip("matplotlib")
    from tinygrad_edu.show import plots
    return plots.activation(tg.tanh)


WRITERS = {         # everything of this package that writes a file; each takes a path
    "write_whole": lambda path: write_whole(path, b"new"),
    "save": lambda path: tg.save(tg.MLP(2, [1], rng=0), path),
    "checkpoint": lambda path: tg.fit(tg.MLP(1, [1], rng=0), [[0.0]], [1.0], epochs=1, checkpoint=path, progress=False),
    "drawing": lambda path: drawing().save(path),
    "page": lambda path: tg.play(tg.expression("x * y", x=1, y=2), layout="simple").save(path),
    "figure": lambda path: figure().savefig(path, format="svg"),
}


ENDINGS = {"drawing": ".svg", "page": ".html"}          # the others take any name


def names(*without):
    kept = [name for name in WRITERS if name not in without]
    return pytest.mark.parametrize("write, ending", [(WRITERS[name], ENDINGS.get(name, ".json")) for name in kept], ids=kept)


# ---- what stands at the place --------------------------------------------------------------------------------


@names("checkpoint")            # which reads what is there first
@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o777])
def test_an_old_file_keeps_its_mode_and_a_new_one_has_that_of_the_umask(write, ending, mode, old):
    old.chmod(mode)
    write(old)
    assert stat.S_IMODE(old.stat().st_mode) == mode and old.read_bytes() != b"old" and alone(old)
    before = os.umask(0o027)
    try:
        write(old.parent / f"new{ending}")
    finally:
        os.umask(before)
    assert stat.S_IMODE((old.parent / f"new{ending}").stat().st_mode) == 0o640


@posix
def test_a_private_file_is_private_while_it_is_written_too(old, monkeypatch):
    old.chmod(0o600)
    seen = []
    monkeypatch.setattr(os, "fsync", lambda number: seen.append(stat.S_IMODE(os.fstat(number).st_mode)))
    monkeypatch.setattr(files, "keep_owner_and_mode", lambda *arguments: None)       # so it is opened with this mode
    write_whole(old, b"new")
    assert seen == [0o600]


@names("checkpoint")
@posix
def test_a_link_stays_a_link_and_what_it_leads_to_is_written(write, ending, old, tmp_path):
    folder = tmp_path / "links"
    folder.mkdir()
    first, second, dangling = (folder / f"{name}{ending}" for name in ("first", "second", "dangling"))
    first.symlink_to(second.name)
    second.symlink_to(old)
    dangling.symlink_to(tmp_path / "gone.json")
    write(first)
    write(dangling)
    assert first.is_symlink() and second.is_symlink() and dangling.is_symlink()
    assert b"old" != old.read_bytes() == (tmp_path / "gone.json").read_bytes()
    assert sorted(os.listdir(folder)) == [f"{name}{ending}" for name in ("dangling", "first", "second")]


@names()
@posix
def test_a_link_that_leads_to_itself_is_refused_and_stays(write, ending, tmp_path):
    one, other = tmp_path / f"a{ending}", tmp_path / f"b{ending}"
    one.symlink_to(other.name)
    other.symlink_to(one.name)
    with pytest.raises(OSError) as caught:
        write(one)
    assert caught.value.errno == errno.ELOOP and caught.value.filename == str(one)
    assert one.is_symlink() and other.is_symlink() and len(os.listdir(tmp_path)) == 2


@names("checkpoint")
@posix
def test_a_pipe_is_written_into_and_stays_a_pipe(write, ending, tmp_path):
    pipe = tmp_path / f"pipe{ending}"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="nobody reads from this pipe") as caught:
        write(pipe)
    assert caught.value.filename == str(pipe)
    end = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)            # from now on somebody reads
    os.set_blocking(end, True)
    with ThreadPoolExecutor() as pool:
        written = pool.submit(write, pipe)
        got = b""
        while not written.done() or not got:
            got += os.read(end, 1 << 16)
        while more := os.read(end, 1 << 16):
            got += more
        written.result()
    os.close(end)
    assert stat.S_ISFIFO(pipe.stat().st_mode) and alone(pipe)
    file = tmp_path / f"file{ending}"
    write(file)
    assert file.read_bytes() == got


@posix
def test_a_checkpoint_that_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for place in tmp_path / "pipe", Path("/dev/null"):
        with pytest.raises(tg.WeightFileError, match="this is not a file"):
            WRITERS["checkpoint"](place)


@names("checkpoint", *ENDINGS)                  # no device has their ending
@posix
def test_a_device_is_written_into_and_stays_a_device(write, ending):
    write("/dev/null")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    if os.path.exists("/dev/full"):                     # Linux has it: every write to it fails
        with pytest.raises(OSError) as caught:
            write("/dev/full")
        assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, "/dev/full")
        assert stat.S_ISCHR(os.stat("/dev/full").st_mode)


@posix
def test_disks_sockets_and_folders_are_refused(tmp_path, monkeypatch):
    import socket
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("socket")
        with pytest.raises(OSError, match="a disk or a socket"):
            write_whole("socket", b"new")
    with pytest.raises(IsADirectoryError, match="name a file in it"):
        write_whole(tmp_path, b"new")
    assert os.listdir() == ["socket"]


NOBODY = """
import os, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
from tinygrad_edu.files import write_whole
try:
    write_whole(sys.argv[1], b"new")
except PermissionError as error:
    print(error.filename, error.strerror)
"""


@posix
def test_a_file_that_is_write_protected_is_left_alone(old):
    old.chmod(0o444)
    if os.geteuid():
        with pytest.raises(PermissionError, match="may not be written"):
            write_whole(old, b"new")
    else:                                               # whom nothing is forbidden
        for folder in (old.parent, *old.parent.parents):
            folder.chmod(folder.stat().st_mode | 0o055)
        old.parent.chmod(0o777)
        program = NOBODY.replace("import os, sys", f"import os, sys\nsys.path.insert(0, {str(Path(tg.__file__).parents[1])!r})\n"
                                 "import tinygrad_edu.files")
        done = subprocess.run([sys.executable, "-c", program, str(old)], capture_output=True, text=True)
        assert (done.stdout, done.stderr) == (f"{old} this file may not be written\n", "")
    assert old.read_bytes() == b"old" and alone(old)


# ---- several writers -----------------------------------------------------------------------------------------


CONTENTS = [bytes([65 + i]) * (50_000 + 1000 * i) for i in range(8)]


def check_every_look(path, finished):
    """Until all is finished: every look at the file shows one of the contents, and all of it."""
    looks = 0
    while not finished() or not looks:
        assert path.read_bytes() in CONTENTS
        looks += 1


def test_threads_that_write_one_file_never_lose_or_mix(tmp_path):
    path = tmp_path / "a"
    write_whole(path, CONTENTS[0])
    with ThreadPoolExecutor(5) as pool:
        saves = [pool.submit(write_whole, path, CONTENTS[i % 8]) for i in range(200)]
        check_every_look(path, lambda: all(save.done() for save in saves))
    assert [save.result() for save in saves] == [path] * 200 and alone(path)


WRITER = "import sys; from tinygrad_edu.files import write_whole\nfor k in range(25): write_whole(sys.argv[1], bytes([65 + int(sys.argv[2])]) * (50_000 + 1000 * int(sys.argv[2])))"


def test_processes_that_write_one_file_never_lose_or_mix(tmp_path):
    path = tmp_path / "a"
    write_whole(path, CONTENTS[0])
    processes = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(i)]) for i in range(3)]
    check_every_look(path, lambda: all(process.poll() is not None for process in processes))
    assert [process.returncode for process in processes] == [0, 0, 0] and alone(path)


def test_models_that_several_threads_save_are_whole(tmp_path):
    path, models = tmp_path / "m.json", [tg.MLP(2, [4, 1], rng=i) for i in range(4)]
    tg.save(models[0], path)
    states = [model.state_dict() for model in models]
    with ThreadPoolExecutor(4) as pool:
        saves = [pool.submit(tg.save, models[i % 4], path) for i in range(80)]
        for _ in range(40):
            twin = tg.MLP(2, [4, 1])
            tg.load(twin, path)
            assert twin.state_dict() in states
    assert all(save.result() == path for save in saves) and alone(path)


@posix
def test_a_writer_that_is_killed_leaves_the_old_file_or_the_new_one(tmp_path):
    path = tmp_path / "a"
    for k in range(4):
        write_whole(path, CONTENTS[1])
        process = subprocess.Popen([sys.executable, "-c", "import sys; from tinygrad_edu.files import write_whole; print(flush=True)\n"
                                    "while True: write_whole(sys.argv[1], b'A' * 50_000)", str(path)], stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(0.004 * k)
        process.kill()
        process.wait()
        process.stdout.close()
        assert path.read_bytes() in CONTENTS


# ---- what goes wrong -----------------------------------------------------------------------------------------


STEPS = ["open", "chmod", "fsync", "replace"]


@names("checkpoint")
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt(), MemoryError()], ids=repr)
def test_whatever_fails_at_whatever_step_the_old_file_stays_alone(write, ending, step, error, old, monkeypatch):
    def fail(*arguments, **options):
        raise error
    with monkeypatch.context() as patch:
        patch.setattr(os, step, fail)
        if step == "chmod" and isinstance(error, OSError):          # a file system without modes
            write(old)
            assert old.read_bytes() != b"old" and alone(old)
            return
        with pytest.raises(type(error)) as caught:
            write(old)
    assert old.read_bytes() == b"old" and alone(old)
    if isinstance(error, OSError):
        assert caught.value.filename == str(old) and caught.value.errno == errno.ENOSPC


FULL = """
import resource, signal, sys, tinygrad_edu as tg
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
from tinygrad_edu.cli import main
sys.exit(main(sys.argv[1:]))
"""


@posix
@pytest.mark.parametrize("arguments", [["draw", "x*y", "x=1", "y=2", "--layout", "simple", "-o"], ["step", "x*y", "x=1", "y=2", "--layout", "simple", "--svg"],
                                       ["step", "x*y", "x=1", "y=2", "--layout", "simple", "--html"], ["train", "xor", "--epochs", "1", "--save"],
                                       ["train", "xor", "--epochs", "1", "--animate"]], ids=lambda words: " ".join(words[::len(words) - 1]))
def test_a_disk_that_takes_no_more_leaves_the_old_file_and_the_message_names_it(arguments, tmp_path):
    path = tmp_path / ("a.html" if arguments[-1] in ("--html", "--animate") else "a.svg")
    path.write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", FULL, *arguments, str(path)], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, f"tinygrad-edu: {path}: {os.strerror(errno.EFBIG)}\n")
    assert "wrote" not in done.stdout and path.read_bytes() == b"old" and alone(path)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")      # a file that Ctrl-C left to Python to close
def test_ctrl_c_at_every_line_leaves_the_old_file_or_the_new_one(old):
    """KeyboardInterrupt is raised at one line after the other of the writer, until it comes through."""
    package, k, finished = files.__file__, 0, False
    while not finished:
        left = k

        def interrupt(frame, event, argument):
            nonlocal left
            if frame.f_code.co_filename != package:
                return None
            if event == "line" and frame.f_code.co_name != "<lambda>":
                left -= 1
                if left < 0:
                    sys.settrace(None)
                    raise KeyboardInterrupt
            return interrupt
        old.write_bytes(b"old")
        before = sys.gettrace()
        sys.settrace(interrupt)
        try:
            write_whole(old, b"new")
            finished = True
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(before)
        assert old.read_bytes() in (b"old", b"new") and alone(old), k
        k += 1
    assert k > 20 and old.read_bytes() == b"new"


# ---- the command ---------------------------------------------------------------------------------------------


@posix
def test_the_command_finds_out_before_the_training_that_a_place_cannot_be_written(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    monkeypatch.setattr("tinygrad_edu.cli_train.train", lambda *arguments: pytest.fail("it trains"))
    (tmp_path / "loop.svg").symlink_to("loop.svg")
    for option in "--save", "--plot":
        output, errors, code = run("train", "xor", option, "loop.svg", cwd=tmp_path, check=False)
        assert (output, code) == ("", 1) and errors == f"tinygrad-edu: loop.svg: {os.strerror(errno.ELOOP)}\n"
    (tmp_path / "f.html").mkdir()
    assert "name a file in it" in run("train", "xor", "--animate", "f.html", cwd=tmp_path, check=False)[1]


@posix
def test_a_model_can_be_saved_into_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    got = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    while not got and reader.is_alive():
        output, _, code = run("train", "xor", "--epochs", "1", "--save", "pipe", cwd=tmp_path, check=False)
        if code == 0:
            break
    reader.join()
    assert "wrote pipe" in output and json.loads(got[0])["format"] == "tinygrad-edu weights"
