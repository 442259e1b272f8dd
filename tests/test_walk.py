"""Walking through the steps in a terminal: keys, what stands on the screen, and where there is no terminal."""

import contextlib
import os
import re
import subprocess
import sys

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from test_show import graph

import tinygrad_edu as tg
from tinygrad_edu.cli import main
from tinygrad_edu.show.terminal import application, drawn, numbers_at


def screen_text(events, place, height=30):
    return re.sub(r"\x1b\[[0-9;]*m", "", drawn(events, place, 100, height))


def place_after(events, keys):
    """Where the program stands when these bytes were typed."""
    with create_pipe_input() as keyboard, create_app_session(input=keyboard, output=DummyOutput()):
        keyboard.send_text(keys + "q")
        app = application(events)
        app.run()
        return app.place


RIGHT, LEFT, HOME, END = "\x1b[C", "\x1b[D", "\x1b[H", "\x1b[F"


@pytest.mark.parametrize(("keys", "place"), [
    ("", 0), (RIGHT, 1), (RIGHT + " " + LEFT, 1), (END, 7), (END + RIGHT, 7), (END + HOME + LEFT, 0), ("f", 2), ("f\r", 3),
    ("what?", 0), (RIGHT * 3 + "\x7f", 2), ("\x1b[4~" + "\x1b[1~", 0), ("\x1bOC\x1bOC", 2), ("\x1b[B\x1b[B\x1b[A", 1)])
def test_keys_lead_where_they_say(keys, place):
    assert place_after(tg.steps(graph("circuit")), keys) == place


def test_ctrl_c_is_no_key_but_an_interrupt():
    with pytest.raises(KeyboardInterrupt):
        place_after(tg.steps(graph("circuit")), "\x03")


@pytest.mark.parametrize("name", ["circuit", "fan", "neuron", "rows", "leaf", "constant"])
def test_every_screen_shows_its_step_and_the_numbers_so_far(name):
    events = tg.steps(graph(name))
    for place in range(len(events) + 1):
        text = screen_text(events, place)
        assert f"step {place} of {len(events)}" in text and "q quit" in text
        if place:
            assert events[place - 1].formula in text and events[place - 1].numbers in text
    names = set(tg.names(graph(name)).values())
    known = numbers_at(events, len(events))
    assert set(known) <= names
    for data, grad, node in known.values():
        assert float(data) == pytest.approx(node.data, rel=1e-5)
        assert node.is_constant or float(grad) == pytest.approx(last_gradient(events, node), rel=1e-5)


def last_gradient(events, node):
    return [e.value for e in events if node is (e.parent if e.kind == "backward" else e.node) and e.kind != "forward"][-1]


def test_a_long_table_shows_the_part_with_the_step():
    f = tg.expression(" + ".join(f"a{i} * a{i}" for i in range(30)), **{f"a{i}": i + 1 for i in range(30)})
    events = tg.steps(f)
    text = screen_text(events, len(events), height=24)
    assert len(text.splitlines()) <= 24 and events[-1].parent_name in text


def test_without_a_terminal_there_is_one_clear_line(capsys):
    assert main(["step", "x * 2", "x=1", "--interactive"]) == 2
    assert "--interactive needs a terminal" in capsys.readouterr().err


def test_a_missing_package_is_named_with_its_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "prompt_toolkit", None)
    with pytest.raises(ModuleNotFoundError, match="pip install prompt_toolkit"):
        application(tg.steps(graph("leaf")))


@pytest.mark.skipif(os.name == "nt", reason="a pseudo-terminal of Unix")
def test_the_command_in_a_real_terminal():
    import pty
    import select
    master, terminal = pty.openpty()                        # no fork, of which Python warns where there are threads
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "tinygrad_edu", "step", "q = x + y; f = q * z", "x=-2", "y=5", "z=-4", "--interactive"],
        stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"})
    os.close(terminal)
    shown = b""

    def read_until(wanted):
        nonlocal shown
        while wanted not in shown:
            assert select.select([master], [], [], 20)[0], shown
            shown += os.read(master, 65536)
            if b"\x1b[6n" in shown:                         # the program asks where the cursor is
                os.write(master, b"\x1b[1;1R")
                shown = shown.replace(b"\x1b[6n", b"")
    read_until(b"step 0 of 7")
    os.write(master, b"\x1b[C\x1b[C\x1b[C\x1b[C")
    read_until(b"z.grad += f.grad")
    os.write(master, b"q")
    with contextlib.suppress(OSError):                      # the end of the program, in Linux
        while os.read(master, 65536):
            pass
    os.close(master)
    assert child.wait(timeout=20) == 0
