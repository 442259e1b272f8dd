"""Walking through the steps in a terminal: keys, what stands on the screen, and where there is no terminal."""

import io
import os
import sys

import pytest
from rich.console import Console
from test_show import graph

import tinygrad_edu as tg
from tinygrad_edu.cli import main
from tinygrad_edu.show import walk as walking
from tinygrad_edu.show.walk import KEYS_OF, MOVES, numbers_at, screen, walk


def screen_text(events, place, height=30):
    console = Console(file=io.StringIO(), width=100)
    console.print(screen(events, place, height))
    return console.file.getvalue()


def places(events, keys):
    """The steps that are shown while these keys are pressed."""
    seen, typed = [], iter(keys)
    console = Console(file=io.StringIO(), force_terminal=True, width=100, height=30)

    def spy(events, place, height):
        seen.append(place)
        return screen(events, place, height)
    before, walking.screen = walking.screen, spy
    try:
        walk(events, console, lambda: next(typed))
    finally:
        walking.screen = before
    return seen


def test_keys_lead_where_they_say():
    events = tg.steps(graph("circuit"))
    keys = ["\x1b[C", " ", "\x1b[D", "\x1b[F", "\x1b[C", "\x1b[H", "\x1b[D", "f", "what?", "q"]
    assert places(events, keys) == [0, 1, 2, 1, 7, 7, 0, 0, 2, 2]


@pytest.mark.parametrize(("move", "key"), [(move, key) for move, keys in KEYS_OF.items() for key in keys])
def test_every_key_of_every_terminal(move, key):
    events = tg.steps(graph("circuit"))
    wanted = [] if move == "quit" else [MOVES[move](1, 2, 7)]
    assert places(events, ["\x1b[C", key, "q"][:2 if move == "quit" else 3]) == [0, 1, *wanted]


@pytest.mark.parametrize("name", ["circuit", "fan", "neuron", "rows", "leaf", "constant"])
def test_every_screen_shows_its_step_and_the_numbers_so_far(name):
    events = tg.steps(graph(name))
    for place in range(len(events) + 1):
        text = screen_text(events, place)
        assert f"step {place} of {len(events)}" in text and "q quit" in text
        if place:
            assert events[place - 1].formula in text and events[place - 1].numbers in text
    order = {node: name for node, name in tg.names(graph(name)).items()}
    known = numbers_at(events, len(events))
    assert set(known) <= set(order.values())
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
    monkeypatch.setitem(sys.modules, "readchar", None)
    with pytest.raises(ModuleNotFoundError, match="pip install readchar"):
        walk(tg.steps(graph("leaf")), Console(file=io.StringIO()))


@pytest.mark.skipif(os.name == "nt", reason="a pseudo-terminal of Unix")
def test_the_command_in_a_real_terminal():
    import pty
    import select
    child, master = pty.fork()
    if child == 0:
        os.environ.update(TERM="xterm", COLUMNS="100", LINES="30")
        os.execv(sys.executable, [sys.executable, "-P", "-m", "tinygrad_edu", "step", "q = x + y; f = q * z", "x=-2", "y=5", "z=-4",
                                  "--interactive"])
    shown = b""

    def read_until(wanted):
        nonlocal shown
        while wanted not in shown:
            assert select.select([master], [], [], 20)[0], shown
            shown += os.read(master, 65536)
    read_until(b"step 0 of 7")
    os.write(master, b"\x1b[C\x1b[C\x1b[C\x1b[C")
    read_until(b"step 4 of 7")
    os.write(master, b"q")
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
