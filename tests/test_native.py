"""The compiled engine by itself: its memory, its limits, and what could crash it."""

import gc
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import textwrap
import threading
import time
import tracemalloc
from fractions import Fraction
from math import inf, nan
from pathlib import Path
from types import SimpleNamespace

import pytest
from small_stack import on_a_small_stack

import tinygrad_edu as tg
from tinygrad_edu import Value
from tinygrad_edu.native.self_check import differences

PACKAGE = Path(tg.__file__).parent
needs_native = pytest.mark.skipif(tg.engine_name != "native", reason="there is no compiled engine")


def run(program, folder=None, **environment):
    """(exit code, what was printed) of a Python program, on a copy of the package in `folder` if given."""
    done = subprocess.run([sys.executable, "-P", "-c", textwrap.dedent(program)], capture_output=True, text=True, cwd=folder,
                          env={**os.environ, **({"PYTHONPATH": str(folder)} if folder else {}), **environment})
    return done.returncode, done.stdout + done.stderr


# ---- which engine runs -----------------------------------------------------------------------------------


@needs_native
def test_an_environment_variable_keeps_the_engine_written_in_python():
    assert run("import tinygrad_edu as tg; print(tg.engine_name)", TINYGRAD_EDU_PURE="1") == (0, "pure\n")
    for no in "", "0", "no", "No", "false", " FALSE ":
        assert run("import tinygrad_edu as tg; print(tg.engine_name)", TINYGRAD_EDU_PURE=no) == (0, "native\n")


@needs_native
def test_who_replaces_the_call_of_operations_is_called():
    """Python asks a slot that the compiled engine has filled; it is Python's again where somebody sets `__call__`."""
    program = """
        import tinygrad_edu as tg
        x, usual = tg.Value(2.0), tg.Op.__call__
        tg.Op.__call__ = lambda op, *inputs: (op.name, len(inputs))
        print(tg.relu(x, 1.0))
        tg.Op.__call__ = usual
        print(tg.relu(x).data, tg.relu.__call__(x).data)
        class Doubled(tg.Op):
            def __call__(self, x):
                return 2 * super().__call__(x)
        twin = object.__new__(Doubled)
        vars(twin).update(vars(tg.relu))
        print(twin(x).data, twin(3.0))
    """
    assert run(program) == (0, "('relu', 2)\n2.0 2.0\n4.0 6.0\n")


@needs_native
def test_the_first_method_of_an_operation_is_not_the_only_one():
    """That one is called in a quick way of its own; others that are made of the same operation, and others of its name, work too."""
    program = """
        import gc, pickle, tinygrad_edu as tg
        from tinygrad_edu import Value
        x = Value(-2.0)
        first, second = vars(Value)["relu"], Value.method_of(tg.relu)
        second.__name__ = "relu"
        for _ in range(2000):
            Value.method_of(tg.exp)
        Value.relu = second
        print(x.relu().op, first(x).op, second(x).op, x.exp().op)
        del Value.relu, first, second
        gc.collect()
        Value.relu = Value.method_of(tg.relu)
        print(x.relu().data, pickle.loads(pickle.dumps(x.tanh))().op, tg.relu(x).op)
    """
    assert run(program) == (0, "relu relu relu exp\n0.0 tanh relu\n")


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """A copy of what the engine is built from; Cython translates it once, the first time it is built."""
    pytest.importorskip("setuptools", minversion="77")
    root, folder = Path(__file__).parents[1], tmp_path_factory.mktemp("sources")
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / name, folder)
    shutil.copytree(root / "tinygrad_edu", folder / "tinygrad_edu",
                    ignore=shutil.ignore_patterns("__pycache__", "*.so", "*.pyd", "*.c"))
    return folder


def build(folder, *options, **environment):
    """What came of `setup.py build_ext`."""
    return subprocess.run([sys.executable, "setup.py", "-q", "build_ext", *options], cwd=folder, capture_output=True, text=True,
                          env={**os.environ, **environment})


@pytest.mark.skipif(os.name != "posix", reason="compilers are named by the environment")
@pytest.mark.parametrize("place", [["--inplace"], ["--build-lib", "built"]])
def test_what_cannot_be_built_again_is_not_kept(sources, place):
    """It was made from other rules, and would be refused each time the package is imported."""
    native = sources.joinpath(*place[1:], "tinygrad_edu", "native")
    native.mkdir(parents=True, exist_ok=True)
    left = native / f"_native{sysconfig.get_config_var('EXT_SUFFIX')}"
    left.write_bytes(b"of other rules")
    os.utime(left, (0, 0))
    done = build(sources, *place, CC="false")
    assert done.returncode == 0, done.stderr
    assert not left.exists()


@pytest.mark.skipif(os.name != "posix", reason="compilers are named by the environment")
def test_a_build_that_breaks_where_the_compiler_works_is_an_error(sources):
    done = build(sources, "--inplace", CC="true", LDSHARED="false")
    assert done.returncode and "the compiler works, but the engine cannot be built" in done.stderr


def has_compiler():
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "false")
    return shutil.which(compiler[0]) is not None and not subprocess.run([*compiler, "--version"], capture_output=True).returncode


@pytest.mark.skipif(os.name != "posix", reason="compilers are named by the environment")
@pytest.mark.skipif(not has_compiler(), reason="there is no C compiler")
def test_a_kernel_that_loses_nan_is_not_kept(sources):
    """As gcc 14 made of the rules when they compared two numbers before they asked for nan."""
    printer = sources / "tinygrad_edu" / "engine" / "printer.py"
    right = printer.read_text(encoding="utf-8")
    printer.write_text(right.replace("x != x ? x : y != y ? y : x > y ? x : y", "x > y ? x : y"), encoding="utf-8")
    try:
        done = build(sources, "--build-lib", "planted", "--build-temp", "planted-temp")
    finally:
        printer.write_text(right, encoding="utf-8")
    assert done.returncode == 0 and "relu of (nan,) and its gradients are (0.0, 0.0), by the rule (nan, nan)" in done.stderr, done.stderr
    assert not list(sources.glob("planted/**/_native.*"))


@pytest.mark.skipif(os.name != "posix", reason="compilers are named by the environment")
@pytest.mark.skipif(not has_compiler(), reason="there is no C compiler")
def test_without_the_executor_of_programs_there_is_still_the_engine(sources):
    """Older compilers know no vectors of numbers; what an earlier build left of the executor goes."""
    tiles = sources / "tinygrad_edu" / "fast" / "_tiles.h"
    right = tiles.read_text(encoding="utf-8")
    left = sources / "lacking" / "tinygrad_edu" / "fast" / f"_lanes{sysconfig.get_config_var('EXT_SUFFIX')}"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"of other rules")
    tiles.write_text("#error planted\n" + right, encoding="utf-8")
    try:
        done = build(sources, "--build-lib", "lacking", "--build-temp", "lacking-temp", CFLAGS="-DNDEBUG")
    finally:
        tiles.write_text(right, encoding="utf-8")
    assert done.returncode == 0 and "#error planted" in done.stderr, done.stderr
    assert list(sources.glob("lacking/**/_native.*")) and not left.exists()


def one_wrong(name, numbers, answer):
    """Makes Values as Value does, but for the one answer (value, *gradients) of the op of this name."""
    def record(op, *inputs, **constants):
        node = Value.record(op, *inputs, **constants)
        if (op.name, repr(tuple(x.data for x in node.parents))) == (name, repr(numbers)):
            return SimpleNamespace(data=answer[0], local_grads=answer[1:])
        return node
    return type("OneWrong", (), {"__new__": lambda _, x: Value(x), "record": staticmethod(record)})


@pytest.mark.parametrize(("name", "numbers", "answer"), [
    ("maximum", (nan, 1.0), (1.0, nan, 0.5)),
    ("minimum", (0.0, -0.0), (0.0, 0.5, 0.5)),                  # the second of equals, so that its sign is that
    ("relu", (-0.0,), (-0.0, 0.0)),
    ("clip", (-1.0,), (-1.0, 0.0)),
    ("where", (nan, 1.0, 2.0), (2.0, 0.0, 0.0, 1.0)),
    ("max", (1.0, inf, inf), (inf, 0.0, 1.0, 0.0)),
    ("less", (nan, inf), (1.0, 0.0, 0.0)),
])
def test_one_wrong_number_is_seen_where_the_engine_is_built(name, numbers, answer):
    assert [line.partition(" and its")[0] for line in differences(one_wrong(name, numbers, answer))] == [f"{name} of {numbers}"]
    assert not list(differences(Value))


def copy_of_the_package(folder, *left_out):
    shutil.copytree(PACKAGE, folder / "tinygrad_edu", ignore=shutil.ignore_patterns("__pycache__", *left_out))
    return folder / "tinygrad_edu"


def test_where_it_was_not_built_the_other_engine_runs_without_a_word(tmp_path):
    copy_of_the_package(tmp_path, "*.so", "*.pyd")
    assert run("import tinygrad_edu as tg; print(tg.engine_name)", tmp_path) == (0, "pure\n")


@needs_native
def test_a_broken_build_is_an_error(tmp_path):
    package = copy_of_the_package(tmp_path)
    built = next(path for path in (package / "native").iterdir() if path.name.startswith("_native.") and path.suffix in (".so", ".pyd"))
    built.write_bytes(b"not a library")
    code, printed = run("import tinygrad_edu", tmp_path)
    assert code == 1 and "ImportError" in printed and built.name in printed


@needs_native
@pytest.mark.parametrize("file", ["ops.py", "more_ops.py", "accurate.py", "formula.py", "ieee.py", "printer.py"])
def test_an_engine_built_from_other_rules_is_an_error(tmp_path, file):
    package = copy_of_the_package(tmp_path)
    with open(package / "engine" / file, "a") as source:
        source.write("# changed\n")
    code, printed = run("import tinygrad_edu", tmp_path)
    assert code == 1 and "built from other rules than those here: install the package again" in printed
    assert run("import tinygrad_edu as tg; print(tg.engine_name)", tmp_path, TINYGRAD_EDU_PURE="1") == (0, "pure\n")


@needs_native
def test_a_second_interpreter_in_the_process_gets_the_engine_written_in_python():
    program = """
import importlib.util, sys, tinygrad_edu
name = next(name for name in ("_xxsubinterpreters", "_interpreters") if importlib.util.find_spec(name))      # before Python 3.13, and since
made = importlib.import_module(name)
one = made.create() if name[1] == "x" else made.create("legacy")
made.run_string(one, "import tinygrad_edu as tg; x = tg.Value(3.0); (x * x).backward(); print(tg.engine_name, x.grad, flush=True)")
made.destroy(one)
"""
    assert run(program) == (0, "pure 6.0\n")


def test_every_built_in_operation_has_its_c_function():
    from tinygrad_edu.native.c_rules import built_in, header
    text = header()
    assert set(built_in()) == {op for op in tg.OPS.values() if op.is_built_in}
    for op in built_in():
        assert f"double op_{op.name}(" in text and text.count(f"case OP_{op.name}: return op_{op.name}(") == (1 if op.rows else 2) - (
            len(op.inputs) > 2 or len(op.constants) > 1), op


def test_no_function_that_rules_use_is_computed_by_the_compiler():
    """It would know the last digit better than the library it must agree with; what is exact is so in both."""
    exact = {"sqrt", "floor", "ceil", "round", "remainder", "floor_divide"}
    import tinygrad_edu.engine.formula as m
    setup = (Path(__file__).parents[1] / "setup.py").read_text(encoding="utf-8")
    named = setup.partition("-fno-builtin-{name}")[2].partition(".split()")[0]
    assert sorted(re.findall(r"\w+", named.partition("(")[2])) == sorted(set(m.COMPUTE) - exact)


# ---- memory ------------------------------------------------------------------------------------------------


@needs_native
def test_a_node_takes_80_bytes_and_is_nothing_to_the_collector():
    x = Value(2.0)
    product, row = x * x, tg.sum([x] * 10)
    assert sys.getsizeof(product) == sys.getsizeof(x) == 80 and sys.getsizeof(row) == 80 + 10 * 16
    assert not any(map(gc.is_tracked, (x, product, row)))


def work(x, y):
    """A bit of everything, errors included."""
    f = tg.dot([x, y, 2.0], [y, 1.0, x]) * tg.tanh(x) ** 3 - tg.leaky_relu(-x, 0.3) / (y + 2.0)
    f.label, f.scope = "f", "layer 0"
    f.backward()
    (f.parents, f.local_grads, f.constants, repr(f), f.detach(), tg.topological_order(f))
    f.zero_grad()
    for wrong in (lambda: 1 / (x - x), lambda: tg.log(-abs(x)), lambda: x + "1", lambda: tg.dot([x], [1.0, 2.0]), lambda: tg.sqrt(x - x).backward(),
                  lambda: Value(1.0, (x, 1.0), (1.0, 2.0)), lambda: tg.tanh(x, 2), lambda: f.backward(float("nan")), lambda: tg.sum([x, None])):
        with pytest.raises((TypeError, ValueError, ArithmeticError)):
            wrong()
    with tg.no_grad(), tg.errstate(all="ignore"):
        tg.log(x - x)
    with tg.trace_origin():
        g = x * 2.0
    Value(1.0, (x, g), (1.0, 2.0), op="mine")
    x.grad = y.grad = 0.0


def test_nothing_is_left_behind():
    x, y = Value(0.5), Value(-0.25)
    for _ in range(30):
        work(x, y)
    del [x * 1.0 for _ in range(70_000)][:]           # the compiled engine keeps the memory of some nodes for the next ones
    gc.collect()
    before = tg.live_values()
    tracemalloc.start()
    for _ in range(10):
        work(x, y)
    gc.collect()
    start, _ = tracemalloc.get_traced_memory()
    for _ in range(200):
        work(x, y)
    gc.collect()
    end, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert tg.live_values() == before
    assert end - start < 200 * 40           # less than half a node for each round


@needs_native
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory in use is asked for as on Linux")
def test_the_memory_of_large_graphs_goes_back_to_the_system():
    code, printed = run("""
        import resource, tinygrad_edu as tg
        used = lambda: int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() >> 20
        start = used()
        for _ in range(2):
            nodes = [tg.Value(1.0) for _ in range(2_000_000)]
            full = used()
            del nodes
            print(full - start > 150, used() - start < 100)         # 64 MiB are kept for the next graph
    """)
    assert (code, printed) == (0, "True True\n" * 2)


def test_whoever_sets_init_or_new_is_asked_by_every_call():
    program = """
import tinygrad_edu as tg
Value, seen = tg.Value, []
first = Value.__init__

def init(self, data, *others, **named):
    seen.append(data)
    first(self, 2 * data, *others, **named)
Value.__init__ = init
print(Value(0.5).data, Value(1, label="x").data, seen)
Value.__init__ = first
print(Value(0.5).data, seen)
Value.__new__ = lambda kind, *given: "something else"
print(Value(0.25))
"""
    assert run(program) == (0, "1.0 2.0 [0.5, 1]\n0.5 [0.5, 1]\nsomething else\n")


def test_operators_that_are_set_from_outside_are_used_until_they_are_set_back(monkeypatch):
    class Sub(Value):
        """A subclass made before."""
    x = Value(2.0)
    for name, action in (("__add__", lambda x: x + 1), ("__neg__", lambda x: -x), ("__pow__", lambda x: x ** 3), ("__rmul__", lambda x: 3 * x)):
        before = action(x).data
        with monkeypatch.context() as planted:
            planted.setattr(Value, name, lambda *operands: "planted")
            assert action(x) == action(Sub(2.0)) == "planted"
        assert action(x).data == action(Sub(2.0)).data == before


def test_constructors_of_subclasses_are_their_own():
    class Doubled(Value):
        def __init__(self, data):
            super().__init__(2 * data)

    class Left(Value):
        """With nothing of its own."""
    assert Doubled(1.5).data == 3.0 and type(Left(1.5)) is Left and type(Value(1.5)) is Value
    for wrong in (lambda: Value(1.0, nonsense=2), lambda: Value(1.0, data=2.0), lambda: Value(), lambda: Doubled(1.0, 2.0)):
        with pytest.raises(TypeError):
            wrong()
    assert Value(data=3).data == Value(*[3]).data == Value(3, label="x").data == 3.0


def test_what_is_set_vacant_is_found_again_by_all_that_comes_later():
    """Nodes come and go in any order; each keeps its own number, and none lies where another does."""
    rng = random.Random(0)
    held, before = {}, tg.live_values()
    for number in range(60_000):
        if held and rng.random() < (0.3 if number < 40_000 else 0.7):
            del held[rng.choice(list(held)[-200:])]
        else:
            held[number] = Value(number)
        if number % 20_000 == 0:
            assert all(value.data == name for name, value in held.items()) and len({*map(id, held.values())}) == len(held)
    assert all(value.data == name for name, value in held.items()) and tg.live_values() - before == len(held)


# ---- misuse that must not crash ------------------------------------------------------------------------------


def test_cycles_made_on_purpose_end():
    a = Value(1.0)
    b = a * 2.0
    a.__init__(3.0, (b,), (1.0,), label="a")
    assert set(tg.topological_order(b)) >= {a, b}
    b.backward()
    b.zero_grad()
    (a + b).backward()
    assert repr(a).startswith("Value(data=3.0")


def test_init_again_makes_a_new_node_of_it():
    x, y = Value(1.0), Value(2.0)
    gc.collect()
    before = tg.live_values()
    f = tg.sum([x * y, x * 2.0, y])
    f.label = "f"
    f.__init__(7.0)
    assert (f.data, f.parents, f.op, f.label) == (7.0, (), "", "")
    assert tg.live_values() == before + 1
    f.__init__(8.0, (f,), (1.0,))
    assert f.parents == (f,)


def test_what_was_never_initialised_is_a_leaf():
    bare = Value.__new__(Value)
    if tg.engine_name == "native":
        assert (bare + 1.0).data == 1.0 and bare.parents == ()
    else:
        with pytest.raises(AttributeError):
            bare.data


def test_making_a_node_again_while_it_is_made_is_safe():
    x, v = Value(1.0), Value(2.0)

    def parents(mine, others):
        yield from (x,) * mine
        v.__init__(3.0, (x,) * others, (1.0,) * others)
    for mine, others in ((1, 500), (500, 1), (3, 0), (0, 3)):
        v.__init__(4.0, parents(mine, others), (1.0,) * mine)
        assert v.parents == (x,) * mine and v.local_grads == (1.0,) * mine


def test_what_is_called_when_parents_go_may_touch_the_child():
    x, seen = Value(1.0), []

    class Last(Value):
        def __del__(self):
            seen.append(v.parents)
            v.__init__(5.0, (x,) * 7, (1.0,) * 7)
    v = Value(1.0, tuple(map(Last, range(4))), (1.0,) * 4)
    v.__init__(2.0)
    gc.collect()
    assert seen == [(), *[(x,) * 7] * 3] and (v.data, v.parents) == (5.0, (x,) * 7)


def test_what_is_called_when_a_label_goes_may_touch_the_node():
    class Label(str):
        def __del__(self):
            v.label = "again"
    v = Value(1.0)
    v.scope = "first"
    v.label = Label("once")
    v.__init__(2.0)
    gc.collect()
    assert v.label == "again"


def test_a_row_that_grows_while_it_is_read_does_no_harm():
    class Third(Fraction):
        def __float__(self):
            row.extend([x] * 5000)
            return 0.25
    x = Value(1.0)
    row = [x, Third(1, 4), x]
    if tg.engine_name == "native":
        with pytest.raises(RuntimeError, match="longer while it was read"):
            tg.sum(row)
    else:
        assert tg.sum(row).data == 2.25


def test_rows_that_lie_about_their_length_are_refused():
    class Row(list):
        def __iter__(self):
            return iter([Value(1.0)] * 500)
    with pytest.raises(ValueError, match="not of 500 and 3"):
        tg.dot(Row([Value(1.0)] * 3), [Value(1.0)] * 3)


@needs_native
def test_a_row_that_is_too_large_is_refused():
    class Row:
        def __len__(self):
            return 2 ** 29
    with pytest.raises(OverflowError, match="536870912 parents"):
        Value.record(tg.sum, Row())


@needs_native
@pytest.mark.parametrize("rows", [1, 2, 5])
def test_a_rule_that_returns_too_many_local_gradients_is_refused(rows):
    @tg.op("x", tg.REAL)
    def generous(x):
        return x * x, (2 * x,) * (1 if type(x) is not float else 1000)

    @tg.op("Σ", [tg.REAL])
    def generous_row(xs):
        return tg.engine.formula.total(xs), (xs * 1000 if isinstance(xs, list) else xs,)
    for wrong in (lambda: generous(Value(1.0)), lambda: generous_row([Value(1.0)] * rows)):
        with pytest.raises(ValueError, match="each parent needs one local gradient"):
            wrong()


@needs_native
@pytest.mark.parametrize("wrong", [
    lambda x: Value.tanh(None), lambda x: Value.record(tg.tanh, None), lambda x: Value.record(tg.dot, [x, x], [x] * 500),
    lambda x: Value.restored(Value, 1.0, 0.0, (None,), (1.0,), tg.tanh, None), lambda x: Value.restored(Value, 1.0, 0.0, None, (), tg.tanh, None),
    lambda x: Value.restored(Value, 1.0, 0.0, (x,) * 3, (1.0,) * 500, tg.sum, None),
    lambda x: Value.restored(type("None", (), {"__new__": lambda kind: None}), 1.0, 0.0, (), (), tg.tanh, None)])
def test_nonsense_for_the_functions_behind_is_refused(wrong):
    with pytest.raises((TypeError, ValueError, RuntimeError)):
        wrong(Value(1.0))


@needs_native
@pytest.mark.parametrize("op", tg.OPS.values(), ids=repr)
def test_recording_by_hand_wants_an_operations_own_inputs_and_constants(op):
    """Without them its C function would read what is not there."""
    one = [Value(0.5)] * 2 if op.rows else Value(0.5)
    inputs, constants = [one] * len(op.inputs), dict.fromkeys(op.constants, 1.0)
    with pytest.raises((TypeError, ValueError)):
        Value.record(op, *[one] * 500, **constants)
    with pytest.raises(TypeError, match="'nonsense'"):
        Value.record(op, *inputs, **constants, nonsense=1.0)
    if op not in (tg.sum, tg.prod):             # of nothing they are 0 and 1
        with pytest.raises((TypeError, ValueError)):
            Value.record(op, **constants)


def test_constants_are_known_by_their_names():
    x = Value(0.5)
    for clipped in (Value.record(tg.clip, x, low=0.0, high=0.25), Value.record(tg.clip, x, high=0.25, low=0.0)):
        assert clipped.data == 0.25 and clipped.constants == {"low": 0.0, "high": 0.25}


@pytest.mark.parametrize("name", ["parents", "local_grads", "is_plain"])
def test_what_cannot_be_set_says_so_in_the_words_of_python(name):
    words = f"property '{name}' of '{{}}' object has no {{}}"
    for x in (Value(1.0), Sub(1.0)):
        with pytest.raises(AttributeError, match=words.format(type(x).__name__, "setter")):
            setattr(x, name, ())
        with pytest.raises(AttributeError, match=words.format(type(x).__name__, "deleter")):
            delattr(x, name)


class Sub(Value):
    """A Value with a dict."""


class Slim(Value):
    """A Value without."""

    __slots__ = ()


@needs_native
def test_a_node_cannot_become_one_of_a_class_whose_memory_is_elsewhere():
    for kind in (Sub, Slim):
        with pytest.raises(TypeError, match="__class__"):
            Value(1.0).__class__ = kind
        with pytest.raises(TypeError, match="__class__"):
            kind(1.0).__class__ = Value
        node = kind(1.0)
        assert hash(node) == object.__hash__(node) and (node + 1).data == 2.0


def test_values_are_told_apart_by_where_they_are():
    nodes = [Value(1.0) for _ in range(1000)]
    assert [hash(node) for node in nodes] == [object.__hash__(node) for node in nodes] and len(set(nodes)) == 1000


def test_a_long_chain_of_a_subclass_is_freed_on_a_small_stack():
    def build():
        node = Sub(1.0)
        for _ in range(30_000):
            node = Sub(1.0, (node,), (1.0,))
        node.backward()
        del node
    gc.collect()
    before = tg.live_values()
    on_a_small_stack(build)
    assert tg.live_values() == before


def test_threads_may_share_a_graph():
    x = Value(1.5)
    f = x
    for _ in range(200):
        f = f * 1.0 + x
    f.backward()
    once, x.grad = x.grad, 0.0
    failures = []

    def differentiate():
        try:
            for _ in range(50):
                tg.topological_order(f)
                (f * x).data, f.parents, repr(f)
                if tg.engine_name == "native":
                    f.backward()
        except BaseException as error:
            failures.append(error)
    threads = [threading.Thread(target=differentiate) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert x.grad == (8 * 50 * once if tg.engine_name == "native" else 0.0)        # whole numbers: each pass counts in full


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
def test_ctrl_c_in_a_long_pass_leaves_all_or_nothing():
    x = Value(1.0)
    f = x
    for _ in range(100_000):
        f = f + x
    hits = set()
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        for k in range(12):
            x.grad = 0.0
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.0003 * (k + 1))
                f.backward()
                while True:                         # the signal comes now if it did not come before
                    time.sleep(0.001)
            except KeyboardInterrupt:
                pass
            hits.add(x.grad)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert hits <= {0.0, 100_001.0}


@needs_native
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is limited as on Linux")
def test_where_memory_ends_nothing_has_changed():
    code, printed = run("""
        import resource, tinygrad_edu as tg
        x = tg.Value(1.0, label="x")
        f = x
        for _ in range(2_000_000):
            f = f + x
        x.grad = 5.0
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        for action in (f.backward, f.zero_grad, lambda: tg.topological_order(f)):
            resource.setrlimit(resource.RLIMIT_AS, (used + 16 * 2 ** 20, resource.RLIM_INFINITY))
            try:
                action()
            except MemoryError:
                print("MemoryError", x.grad, f.grad)
            resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        f.backward()
        print(x.grad)
    """)
    assert (code, printed) == (0, "MemoryError 5.0 0.0\n" * 3 + "2000006.0\n")
