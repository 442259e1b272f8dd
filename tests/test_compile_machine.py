"""What runs programs: IEEE flags, instruction sets, threads, Ctrl-C, and what is there without the executor."""

import itertools
import math
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from types import SimpleNamespace

import pytest

import tinygrad_edu as tg
from tinygrad_edu import Value
from tinygrad_edu.engine.errors import DomainError

np = pytest.importorskip("numpy", reason='programs run batches by numpy: pip install ".[test]"')
from tinygrad_edu.fast import built, machine, self_check  # noqa: E402
from tinygrad_edu.fast.c_lanes import codes  # noqa: E402
from tinygrad_edu.fast.plan import planned  # noqa: E402
from tinygrad_edu.fast.tape import INPUT, PARAMETER  # noqa: E402
from tinygrad_edu.fast.trace import traced  # noqa: E402

needs_lanes = pytest.mark.skipif(not built.INSTRUCTION_SETS, reason="there is no executor in C")
on_each = pytest.mark.parametrize("instruction_set", list(built.INSTRUCTION_SETS))
HARD = (0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, 1e-320, 1e160, -1e160, 1.7e308, -1.7e308, 710.0, -746.0)
PLACES = (0, 3, 7, 8, 12, 15, 16, 20)        # of 21 rows in blocks of eight: first, in between, last, beside padding


def machine_of(f, example, gradients=PARAMETER, **options):
    """(machine, its parameters) of a function of a list of numbers."""
    tape = traced(f, (example,)).tape
    values = tape.values
    array = SimpleNamespace(data=np.array([v.data for v in values]), grad=np.zeros(len(values)), has_frozen=False)
    made = machine.machine_for(planned(tape, gradients), [(len(example), (len(example),))], array,
                               np.arange(len(values)), **options)
    return made, array


def test_a_program_means_the_same_operations_whoever_changes_their_table(monkeypatch):
    """C knows operations by number; one that left the table, or came back at its end, does not shift the others."""
    for name, op in [("add", tg.OPS["add"]), ("exp", None)]:
        monkeypatch.delitem(tg.OPS, name)
        if op:
            monkeypatch.setitem(tg.OPS, name, op)
    x, y = tg.Value(0.3), tg.Value(-1.7)
    program = tg.compile(lambda x, y: tg.tanh(x * y) - tg.softplus(x) / tg.sqrt(y * y + 1), 0.0, 0.0)
    assert program([0.3], [-1.7]).tolist() == [(tg.tanh(x * y) - tg.softplus(x) / tg.sqrt(y * y + 1)).data]


# ---- flags -------------------------------------------------------------------------------------------


def call(op, numbers):
    return op(*op.in_rows(numbers), **op.sample)


def points_of(op):
    """Numbers at which the engine raises an error, and some at which it does not, for an operation."""
    refused, taken = [], []
    count = 2 if op.rows else len(op.inputs)
    for numbers in itertools.product(HARD, repeat=count):
        numbers *= len(op.inputs) if op.rows else 1
        try:
            call(op, list(map(Value, numbers)))
        except DomainError:
            refused.append(numbers)
        except (ValueError, IndexError):
            continue
        else:
            taken.append(numbers)
    return refused, taken


def some(points, count=12):
    return points[::max(1, len(points) // count)]


@needs_lanes
@on_each
@pytest.mark.parametrize("op", codes(), ids=lambda op: op.name)
def test_what_the_engine_refuses_is_seen_at_every_place_of_a_block(op, instruction_set):
    """No row is missed, wherever it lies, and nothing was added to any gradient."""
    refused, taken = points_of(op)
    w = Value(1.0)
    f, array = machine_of(lambda xs: call(op, [x * w for x in xs]), list(taken[0]), instruction_set=instruction_set, block=8)
    rows = np.array([taken[0]] * 21)
    if f.results((rows,), np.empty, True) is None:
        rows[:] = next(numbers for numbers in taken if f.results((np.array([numbers]),), np.empty, True) is not None)
    for numbers in some(refused):
        for place in PLACES:
            bad = rows.copy()
            bad[place] = numbers
            assert f.results((bad,), np.empty, True) is None, (numbers, place)
            assert f.backward((bad,), True, True) is None and array.grad.tolist() == [0.0], (numbers, place)


@needs_lanes
@on_each
@pytest.mark.parametrize("op", codes(), ids=lambda op: op.name)
def test_what_the_engine_takes_is_no_reason_to_ask_it(op, instruction_set):
    """Values that are finite are answered at once, padding or not, also when flags are raised on the way to them."""
    _, taken = points_of(op)
    f, _ = machine_of(lambda xs: call(op, xs), list(taken[0]), None, instruction_set=instruction_set, block=8)
    finite = [numbers for numbers in taken if math.isfinite(call(op, list(map(Value, numbers))).data)]
    for count in 1, 7, 8, 9:
        rows = np.array(some(finite, count)[:count])
        found = f.results((rows,), np.empty, True)
        assert found is not None
        assert found[0].tolist() == [call(op, list(map(Value, row))).data for row in rows.tolist()]


@needs_lanes
@on_each
@pytest.mark.parametrize("rows", [1, 5, 8, 13, 64, 100])
def test_clean_numbers_raise_no_flag_at_all(instruction_set, rows):
    """Neither padding nor what lies behind it is taken for numbers: nothing is run a second time."""
    rng = np.random.default_rng(rows)
    w = [Value(x) for x in rng.uniform(0.5, 1.5, 6).tolist()]
    functions = {
        "log": lambda xs: tg.log(xs[0] * w[0]) + tg.log(xs[1] * w[1]), "div": lambda xs: w[0] / xs[0] + 1 / (xs[1] * w[1]),
        "softmax": lambda xs: -tg.log(tg.softmax([x * v for x, v in zip(xs, w)])[1]),
        "pow": lambda xs: (xs[0] * w[0]) ** 2.5 + (xs[1] * w[1]) ** -1, "tanh": lambda xs: tg.tanh(tg.dot(xs, w[:3]))}
    for name, f in functions.items():
        m, _ = machine_of(f, [1.0, 2.0, 3.0], instruction_set=instruction_set, block=16)
        for _ in range(2):
            assert m.backward((rng.uniform(0.5, 4.0, (rows, 3)),), True) is not None
        assert not m.is_careful, name


@needs_lanes
@on_each
def test_a_program_that_raises_flags_though_all_is_well_is_not_left_to_the_engine(instruction_set):
    """The slope of a square root at 0 is infinite, and nobody asks for it."""
    m, _ = machine_of(lambda xs: tg.sqrt(xs[0]) + xs[1], [1.0, 1.0], None, instruction_set=instruction_set)
    rows = np.array([[0.0, 1.0], [4.0, 1.0]])
    assert m.results((rows,), np.empty).tolist() == [[1.0, 3.0]]
    assert m.results((np.array([[-1.0, 1.0]]),), np.empty) is None


# ---- what is read where it lies ------------------------------------------------------------------------


@needs_lanes
def test_arrays_are_read_where_they_lie_whatever_their_rows_are_apart():
    m, _ = machine_of(lambda xs: xs[0] * 100 + xs[1], [0.0, 0.0], None)
    wide = np.arange(40.0).reshape(10, 4)
    for rows in wide[:, :2], wide[::2, 1:3], wide[::-1, :2], wide[3:4, 2:]:
        assert m.results((rows,), np.empty).tolist() == [(rows[:, 0] * 100 + rows[:, 1]).tolist()]


@needs_lanes
@pytest.mark.parametrize("batch", [
    (np.zeros((3, 2), np.float32),), (np.zeros((3, 2), int),), (np.zeros((3, 2), ">f8"),), (np.zeros((3, 3)),), (np.zeros(6),),
    (np.zeros((2, 3)).T,), (np.zeros((0, 2)),), (np.zeros((3, 2)), np.zeros((3, 2))), ([[0.0, 0.0]],), (),
    (np.ma.masked_array(np.zeros((3, 2))),), (np.zeros((3, 2), complex),), (np.array([["a", "b"]]),), (np.zeros((1, 2), object),),
    (np.zeros((1, 2), "M8[s]"),), (np.frombuffer(b"x" * 17, np.uint8)[1:].view(float).reshape(1, 2),),
], ids=lambda batch: str([getattr(part, "dtype", part) for part in batch]))
def test_other_batches_are_left_to_those_who_convert_them(batch):
    m, _ = machine_of(lambda xs: xs[0] + xs[1], [0.0, 0.0], None)
    assert m.results(batch, np.empty) is None
    assert m.results((np.ones((3, 2)),), np.empty).tolist() == [[2.0] * 3]


# ---- rows that add nothing ----------------------------------------------------------------------------


def hidden_layer(width, members=9, weight=lambda: random.uniform(-1, 1)):
    """Of `width` numbers, with a relu; the last of its members never answers."""
    random.seed(width)
    weights = [[Value(weight()) for _ in range(width)] for _ in range(members)]
    biases = [Value(0.0) for _ in range(members - 1)] + [Value(-1e4)]
    return lambda xs: tg.sum([tg.relu(tg.dot(row, xs) + bias) for row, bias in zip(weights, biases)])


@needs_lanes
@on_each
@pytest.mark.parametrize("start", [0.0, -0.0, 1.5])
@pytest.mark.parametrize("width, rows, block, threads", [
    (47, 100, 128, 1), (50, 64, 128, 1), (50, 65, 128, 1), (100, 130, 200, 1), (150, 30, 8, 1), (150, 900, 128, 3)])
def test_rows_whose_adjoint_is_zero_are_left_out_without_a_trace(instruction_set, start, width, rows, block, threads):
    """The bits are those of NumPy, which adds them all, wherever the sums begin."""
    f, array = machine_of(hidden_layer(width), [1.0] * width, instruction_set=instruction_set, block=block, threads=threads)
    tape = traced(hidden_layer(width), ([1.0] * width,)).tape
    by_numpy = machine.NumPyMachine(planned(tape), [(width, (width,))], array, f.places, False)
    batch = np.random.default_rng(rows).normal(size=(rows, width))
    found, expected = f.run(batch, 0.5, start), by_numpy.run(batch, 0.5, start)
    assert (expected[1] == start).any()                 # those of the member that never answers
    assert [part.tobytes() for part in found[:2]] == [np.ascontiguousarray(part).tobytes() for part in expected[:2]]
    assert found[2] and expected[2]


@needs_lanes
@on_each
@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
def test_zero_times_what_is_not_finite_is_not_left_out(instruction_set, number):
    """The engine has a gradient of nan there, and says so."""
    f, array = machine_of(hidden_layer(60, weight=lambda: -random.random()), [1.0] * 60, instruction_set=instruction_set)
    batch = np.random.default_rng(0).uniform(0.5, 1.0, (70, 60))
    assert f.backward((batch,), True) == 0.0 and not array.grad.any()
    batch[33, 7] = number
    assert f.backward((batch,), True) is None and not array.grad.any()


# ---- threads -----------------------------------------------------------------------------------------


def network(rng):
    model = tg.MLP(5, [9, 7, 1], activation="tanh", rng=random.Random(rng))
    return model, lambda xs: (model(xs[:5]) - xs[5]) ** 2


@needs_lanes
@pytest.mark.parametrize("threads", [1, 2, 3, 5])
@pytest.mark.parametrize("block", [8, 40, 128])
def test_any_number_of_threads_has_the_bits_of_the_engine(threads, block):
    model, f = network(3)
    rows = np.random.default_rng(1).normal(size=(2100, 6))
    loss = tg.mean([f([Value(x).detach() for x in row]) for row in rows.tolist()])
    loss.backward()
    wanted = {p: p.grad for p in model.parameters()}
    m, array = machine_of(f, [0.0] * 6, threads=threads, block=block)
    parameters = traced(f, ([0.0] * 6,)).tape.values
    for _ in range(3):
        array.grad[:] = 0.0
        assert m.backward((rows,), True) == loss.data
        assert array.grad.tolist() == [wanted[p] for p in parameters]
    inputs, _ = machine_of(f, [0.0] * 6, INPUT, threads=threads, block=block)
    alone, _ = machine_of(f, [0.0] * 6, INPUT)
    assert inputs.results((rows,), np.empty, True).tolist() == alone.results((rows,), np.empty, True).tolist()


@needs_lanes
@pytest.mark.parametrize("threads", [1, 3])
def test_a_fault_in_any_thread_is_seen(threads):
    m, array = machine_of(lambda xs: tg.exp(tg.dot(xs, [Value(1.0)] * 40)), [0.0] * 40, threads=threads, block=8)
    rows = np.zeros((30_000, 40))
    assert m.backward((rows,), True) == 1.0
    for place in 0, 15_000, 29_999:
        bad, before = rows.copy(), array.grad.tolist()
        bad[place, 7] = 710.0
        assert m.backward((bad,), True) is None and array.grad.tolist() == before


@needs_lanes
@pytest.mark.parametrize("threads", [1, 2])
def test_one_program_in_several_threads_of_python_is_right(threads):
    _, f = network(5)
    program = tg.compile(f, [0.0] * 6, threads=threads)
    batches = [np.random.default_rng(seed).normal(size=(seed * 700 + 3, 6)) for seed in range(6)]
    wanted = [program(rows).tolist() for rows in batches]
    wrong = []

    def ask(k):
        for _ in range(20):
            if program(batches[k]).tolist() != wanted[k]:
                wrong.append(k)
    askers = [threading.Thread(target=ask, args=(k,)) for k in range(6)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert not wrong


@needs_lanes
@pytest.mark.parametrize("allowed", [0, 1, 2])
def test_where_no_more_threads_can_be_started_those_there_are_do_the_work(allowed, monkeypatch):
    _, f = network(5)
    rows = np.random.default_rng(0).normal(size=(20_000, 6))
    program, wanted = tg.compile(f, [0.0] * 6, threads=4), tg.compile(f, [0.0] * 6)(rows).tolist()
    started, start = [], built.lanes.start_new_thread

    def start_few(*work):
        if len(started) == allowed:
            raise RuntimeError("can't start new thread")
        started.append(start(*work))
    monkeypatch.setattr(built.lanes, "start_new_thread", start_few)
    assert program(rows).tolist() == wanted
    assert len(started) == allowed


@needs_lanes
def test_a_program_that_is_called_while_it_runs_in_the_same_thread_refuses():
    """As a finalizer or a signal handler may; to wait would be to wait forever."""
    m, _ = machine_of(lambda xs: xs[0] * 2, [0.0])
    refused, rows = [], np.ones((3, 1))

    def empty(shape):
        with pytest.raises(RuntimeError, match="cannot run anew") as refusal:
            m.results((rows,), np.empty)
        refused.append(refusal)
        return np.empty(shape)
    assert m.results((rows,), empty).tolist() == [[2.0] * 3] and len(refused) == 1
    assert m.results((rows,), np.empty).tolist() == [[2.0] * 3]


@needs_lanes
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are begun anew there")
def test_a_process_that_is_forked_while_a_program_runs_can_run_it_too():
    """Whoever ran it is not in the new process, which must not wait for it."""
    text = """
        import os, signal, threading, numpy as np, tinygrad_edu as tg
        w = tg.Value(2.0)
        program = tg.compile(lambda x: tg.tanh(w * x), 0.0)
        rows, running = np.ones(3_000_000), threading.Event()
        wanted = program(rows[:3]).tolist()
        def run():
            while True:
                running.set()
                program(rows)
        threading.Thread(target=run, daemon=True).start()
        running.wait()
        for _ in range(5):
            child = os.fork()
            if not child:
                signal.alarm(20)
                os._exit(int(program(rows[:3]).tolist() != wanted))
            print(os.waitpid(child, 0)[1], flush=True)
        os._exit(0)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(text)], capture_output=True, text=True)
    assert done.stdout.split() == ["0"] * 5, done.stderr


@needs_lanes
@pytest.mark.skipif(sys.platform == "win32", reason="signals are another matter there")
@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_stops_a_long_batch_and_nothing_was_changed(threads, request):
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)    # which a job in the background goes without
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, usual))
    model, f = network(7)
    program = tg.compile(f, [0.0] * 6, threads=threads)
    rows = np.random.default_rng(0).normal(size=(400_000, 6))
    program.backward(rows[:8])
    before = [p.grad for p in model.parameters()]
    timer = threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        for _ in range(1000):
            program(rows)
    timer.join()
    assert [p.grad for p in model.parameters()] == before
    program.backward(rows[:8])
    assert [p.grad for p in model.parameters()] == [2 * x for x in before]


@needs_lanes
def test_other_threads_run_while_a_batch_does():
    _, f = network(9)
    program = tg.compile(f, [0.0] * 6)
    rows = np.random.default_rng(0).normal(size=(300_000, 6))
    program(rows[:1])
    counted, stop = [], threading.Event()

    def count():
        while not stop.is_set():
            counted.append(time.perf_counter())
    counter = threading.Thread(target=count)
    counter.start()
    begun = time.perf_counter()
    program(rows)
    ended = time.perf_counter()
    stop.set()
    counter.join()
    third = (ended - begun) / 3
    assert any(begun + third < moment < ended - third for moment in counted)


# ---- without the executor --------------------------------------------------------------------------------


@needs_lanes
def test_lanes_agree_with_the_rules_and_a_wrong_one_would_be_told():
    assert not list(itertools.islice(self_check.differences(built.lanes), 1))

    def wrong(_, op, rows, columns, constants):
        out, slopes, flag = built.lanes.evaluate("baseline", op, rows, columns, constants)
        return [1.0 if x != x else x for x in out], slopes, flag
    assert "nan" in next(self_check.differences(SimpleNamespace(INSTRUCTION_SETS={"AVX-1024": 0}, evaluate=wrong)))


def test_without_the_executor_numpy_runs_programs_and_says_so():
    text = """
        import numpy as np, tinygrad_edu as tg
        from tinygrad_edu.fast.built import backend
        w = tg.Value(0.5)
        program = tg.compile(lambda x: tg.tanh(w * x), 0.0)
        print(backend(), program.report().run_by, program.backward(np.array([0.25, 1.5])).hex(), w.grad.hex())
    """
    told = {}
    for pure in "0", "1":
        done = subprocess.run([sys.executable, "-c", "\n".join(map(str.strip, text.strip().splitlines()))],
                              capture_output=True, text=True, env={**os.environ, "TINYGRAD_EDU_PURE": pure})
        assert done.returncode == 0, done.stderr
        *told[pure], loss, gradient = done.stdout.rsplit(maxsplit=2)
        told[pure] += [loss, gradient]
    assert told["1"][0] == "NumPy NumPy"
    assert told["0"][1:] == told["1"][1:]
