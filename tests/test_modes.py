"""no_grad, errstate and trace_origin end with their block, whenever Ctrl-C comes."""

import dis
import signal
import subprocess
import sys
import threading
from contextvars import copy_context

import pytest

import tinygrad_edu as tg
from tinygrad_edu.engine import errors
from tinygrad_edu.engine.errors import plain_recording, recorded_anyway, recording, strict, tracing
from tinygrad_edu.nn import modules

MODES = {"no_grad": tg.no_grad, "errstate": lambda: tg.errstate(all="ignore"), "trace_origin": tg.trace_origin,
         "recorded_anyway": recorded_anyway}
each = pytest.mark.parametrize("mode", MODES.values(), ids=MODES)


def state():
    return tuple(var.get() for var in (strict, recording, tracing, plain_recording))


ORDINARY = (True, True, False, True)


@pytest.fixture(autouse=True)
def ordinary_before_and_after():
    assert state() == ORDINARY
    yield
    left = state()
    for var, on in zip((strict, recording, tracing, plain_recording), ORDINARY):
        var.set(on)
    assert left == ORDINARY


@each
def test_a_mode_ends_with_its_block_its_error_and_its_function(mode):
    with mode():
        inside = state()
    assert state() == ORDINARY and (inside != ORDINARY or mode is recorded_anyway)
    with pytest.raises(KeyError), mode():
        raise KeyError("it is not swallowed")
    assert state() == ORDINARY

    @mode()
    def function(depth, *, least=0):
        """What it is for."""
        assert state() == inside
        return function(depth - 1, least=least) if depth > least else "the end"
    assert function(3) == function(2, least=1) == "the end" and state() == ORDINARY
    assert (function.__name__, function.__doc__) == ("function", "What it is for.")


def test_modes_within_modes_end_in_turn():
    seen = []
    with tg.no_grad():
        seen.append(state())
        with tg.trace_origin(), tg.errstate(all="ignore"):
            with recorded_anyway():
                seen.append(state())
            seen.append(state())
        seen.append(state())
        with tg.no_grad():
            pass
        seen.append(state())
    assert seen == [(True, False, False, False), (False, True, True, False), (False, False, True, False)] + [(True, False, False, False)] * 2


@each
def test_one_mode_serves_again_but_not_within_itself(mode):
    one = mode()
    with one:
        inside = state()
        with pytest.raises(RuntimeError, match="on already: within its block make a new one"), one:
            pass
        assert state() == inside
    with one:
        assert state() == inside


@each
def test_a_mode_of_one_thread_or_context_is_not_seen_in_another(mode):
    seen = []
    with mode():
        thread = threading.Thread(target=lambda: seen.append(state()))
        thread.start()
        thread.join()
    copy_context().run(mode().__enter__)
    assert seen == [ORDINARY] and state() == ORDINARY


def test_a_generator_that_yields_within_no_grad_leaves_it_on_until_it_ends():
    """What the docstring of no_grad says; where Python changes this, the words change."""
    def within():
        with tg.no_grad():
            yield
    x, steps = tg.Value(3.0), within()
    next(steps)
    assert (x * x).parents == ()
    steps.close()
    assert (x * x).parents == (x, x)


# ---- Ctrl-C ------------------------------------------------------------------------------------------------


class InPython:
    """no_grad as one would write it first: signals come before its `__exit__` has begun."""

    def __enter__(self):
        recording.set(False)

    def __exit__(self, *error):
        recording.set(True)


def nested(modes):
    for first in modes:
        with first():
            with tg.no_grad(), tg.errstate(all="ignore"):
                tg.Value(2.0) * 3.0
            tg.Value(2.0) * 3.0
        with first():
            for _ in range(2):
                tg.Value(2.0)


def interrupted_at(moment, modes):
    """Run `nested` with a KeyboardInterrupt at this moment of it; does it come so far?

    A moment is one when Python looks for signals, here and in the modes: a function begins, a call has
    ended, or a loop goes round.
    """
    left, latest = moment, {}

    def trace(frame, event, argument):
        nonlocal left
        if frame.f_code.co_filename not in (__file__, errors.__file__, modules.__file__):
            return None
        frame.f_trace_opcodes = True
        before = latest.get(frame, "")
        if event == "opcode":
            latest[frame] = dis.opname[frame.f_code.co_code[frame.f_lasti]]
        if event == "call" or (event == "opcode" and (before.startswith("CALL") or "BACKWARD" in before)):
            left -= 1
            if left < 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        nested(modes)
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


def moments_that_leave_a_mode_on(modes):
    """(their number, that of all moments)"""
    bad = moment = 0
    while interrupted_at(moment, modes):
        bad += state() != ORDINARY
        for var, on in zip((strict, recording, tracing, plain_recording), ORDINARY):
            var.set(on)
        moment += 1
    return bad, moment


def test_an_interrupt_at_every_moment_leaves_the_modes_as_they_were():
    bad, moments = moments_that_leave_a_mode_on(MODES.values())
    assert bad == 0 and moments > 200


def test_an_interrupt_at_every_moment_leaves_a_model_in_training():
    model = tg.Maxout(1, 2, rng=0)
    moment = 0
    while interrupted_at(moment, [model.evaluating]):
        assert all(module.training for module in model.modules()), moment
        moment += 1
    assert moment > 80 and all(module.training for module in model.modules())


def test_a_mode_that_ends_in_python_is_left_on_by_some():
    assert moments_that_leave_a_mode_on([InPython])[0] > 1


def test_no_instruction_of_python_runs_when_a_mode_ends():
    """Signals are seen only between such instructions, and this is why none comes before the old modes are back."""
    calls = []
    with tg.no_grad(), tg.errstate(all="ignore"), tg.trace_origin():
        sys.setprofile(lambda frame, event, argument: calls.append((event, frame.f_code.co_name)))
    sys.setprofile(None)
    assert [call for call in calls if call[0] == "call"] == []


PROGRAM = """
import random, signal, sys
import tinygrad_edu as tg
from tinygrad_edu.engine.errors import plain_recording, recording, strict, tracing

signal.signal(signal.SIGALRM, signal.default_int_handler)
x, left_on = tg.Value(3.0), 0
for _ in range(int(sys.argv[1])):
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(5e-5, 3e-4))
        while True:
            with tg.no_grad(), tg.errstate(all="ignore"):
                x * x + tg.exp(x)
            with tg.trace_origin():
                x * x
    except KeyboardInterrupt:
        left_on += (strict.get(), recording.get(), tracing.get(), plain_recording.get()) != (True, True, False, True)
print(tg.engine_name, left_on)
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="a clock that sends signals is one of POSIX")
def test_two_thousand_signals_leave_no_mode_on(tmp_path):
    done = subprocess.run([sys.executable, "-c", PROGRAM, "2000"], capture_output=True, text=True, cwd=tmp_path)
    assert (done.stdout, done.stderr) == (f"{tg.engine_name} 0\n", "")


@pytest.mark.parametrize("mode", [tg.no_grad, MODES["errstate"], tg.trace_origin])
def test_a_generator_that_waits_inside_a_mode_keeps_it_on_for_its_caller_until_it_is_closed(mode):
    """As PyTorch has it; the conventions say so, and how to write it instead."""
    def inside():
        with mode():
            yield 1

    def outside():
        with mode():
            found = 1
        yield found
    waiting, harmless = inside(), outside()
    next(harmless)
    assert state() == ORDINARY
    next(waiting)
    assert state() != ORDINARY
    waiting.close()
    assert state() == ORDINARY
