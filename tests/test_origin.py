"""Where nodes were made: lines, variables, cells; and what errors, pictures and first_nonfinite make of it."""

import collections
import contextlib
import copy
import functools
import linecache
import operator
import pickle
import re
import statistics
import sys
import threading

import numpy
import pytest

import tinygrad_edu as tg
from tinygrad_edu import DomainError, GradientError, Origin, Value, trace_origin
from tinygrad_edu.engine.origin import place_of


def line():
    """The line this is called from."""
    return sys._getframe(1).f_lineno


def run(source, name="/home/ada/course/train.py", **others):
    """A program of its own, run inside trace_origin; its variables."""
    space = {"tg": tg, "Value": Value, "np": numpy, "functools": functools, "operator": operator, "__name__": "__main__", **others}
    linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
    with trace_origin():
        exec(compile(source, name, "exec"), space)
    return space


def test_every_node_knows_the_line_it_was_made_at():
    with trace_origin():
        x = Value(3.0)
        a, here = x * x, line()
        b = tg.tanh(a)
        c = (a
             + b)
    assert x.origin.line == here - 1 and a.origin.line == here and b.origin.line == here + 1
    assert here + 2 <= c.origin.line <= here + 3 and re.fullmatch(r"(tests/)?test_origin\.py:\d+", str(c.origin))


def test_without_tracing_nodes_have_no_origin_and_pictures_no_word_of_it():
    x = Value(3.0)
    f = tg.tanh(x * 2)
    assert all(node.origin is None for node in tg.topological_order(f))
    assert "made at" not in tg.draw(f).svg and tg.draw(f, fold="line").svg == tg.draw(f).svg


@pytest.mark.parametrize(("statement", "name"), [
    ("y = x * w", "y"), ("y = -x", "y"), ("y = 2 * x", "y"), ("y = x ** 3", "y"), ("y = x ** 2", "y"), ("y = abs(x)", "y"), ("y = x; y += w", "y"),
    ("y = x * w + x", "y"), ("y = tg.tanh(x)", "y"), ("y = x.tanh()", "y"), ("y = tg.sum([x, w])", "y"), ("y = tg.Value(2.0) ", "y"),
    ("y = Value(4.0, (x,), (1.0,))", "y"), ("y = tg.pow(x, w)", "y"), ("y: object = x * w", "y"), ("def f():\n    t = x * w\n    return t\ny = f()", "t"),
    ("def f():\n    return x * w\ny = f()", ""), ("y, z = x * w, x", ""), ("y = [x * w][0]", ""), ("y = list(map(tg.tanh, [x, w]))[0]", ""),
    ("[y, z] = map(tg.tanh, [x, w])", ""), ("z = list(map(tg.tanh, [x, w]))\ny = z[0]", ""), ("z = list(map(tg.tanh,\n    [x, w]))\ny = z[0]", ""),
    ("y = functools.reduce(operator.mul, [x, w, x])", ""), ("y = sum([x, w])", ""),
    ("y = np.tanh(np.array([x, w]))[0]", ""), ("y = tg.softmax([x, w])[0]", ""), ("y = tg.MLP(2, [1], rng=0)([x, w])", ""), ("y = max(x, w) * 2", "y"),
])
def test_a_variable_is_named_where_it_is_plain_to_see(statement, name):
    space = run(f"x, w = Value(1.5), Value(0.5)\n{statement}\n")
    assert space["y"].origin.name == name
    assert space["y"].origin.place == "train.py" and space["x"].origin.name == ""


def test_the_first_node_of_an_operation_names_its_variable_too():
    space = run("""
@tg.op("·", tg.REAL)
def just_declared(x):
    return 2 * x, (2,)
x = Value(3.0)
first = just_declared(x)
second = just_declared(x)
""", Value=Value)
    assert [space[name].origin.name for name in ("first", "second")] == ["first", "second"]


def test_in_a_loop_each_round_names_its_own():
    space = run("x = Value(0.5)\nfor k in range(3):\n    x = x * 2\n")
    assert [node.origin.name for node in tg.topological_order(space["x"]) if node.parents] == ["x"] * 3


def test_a_plain_number_shares_the_line_of_the_node_it_went_into():
    with trace_origin():
        x = Value(3.0)
        y = x + 2
    assert y.parents[1].origin == y.origin._replace(name="") and y.parents[1].is_constant
    assert Value(1.0).detach().origin is None and (Value(3.0) + 2).parents[1].origin is None


def test_the_innermost_line_of_the_users_own_code_counts():
    def scaled(x):
        return x * 2
    with trace_origin():
        x = Value(3.0)
        through_library = statistics.fmean([1.0]) * x
        inner, outer = scaled(x), line()
        network = tg.MLP(1, [2, 1], rng=0)([x])
    assert inner.origin.line < outer and through_library.origin.line == outer - 1
    assert {node.origin.line for node in tg.topological_order(network) if node.parents} == {outer + 1}


def test_what_a_library_computes_with_nodes_is_not_the_variables_node():
    space = run("x, w = Value(1.0), Value(2.0)\ny = Counter(a=x) + Counter(a=w)\n", Counter=collections.Counter)
    assert space["y"]["a"].data == 3.0 and space["y"]["a"].origin == Origin("train.py", 2, "")


def test_of_a_program_that_is_an_installed_package_the_innermost_line_counts():
    def unpacked(source, name):
        exec(compile(source, f"/venv/site-packages/{name}", "exec"), space)
    space = {"Value": Value, "trace_origin": trace_origin, "__name__": "__main__"}
    unpacked("def made():\n    return Value(1.0)\n", "inner.py")
    unpacked("def work():\n    with trace_origin():\n        global x\n        x = made()\n", "outer.py")
    thread = threading.Thread(target=space["work"])
    thread.start()
    thread.join()
    assert space["x"].origin == Origin("inner.py", 2, "")


@pytest.mark.parametrize("now", [b"((((((((((((((((((((((", "x = Value(1.0é)".encode(), b""], ids=["no Python", "half a letter", "empty"])
def test_a_file_changed_since_it_was_read_names_no_variable(now, tmp_path):
    path = tmp_path / "train.py"
    path.write_bytes(now)
    space = {"Value": Value}
    with trace_origin():
        exec(compile("x = Value(1.0)", str(path), "exec"), space)
    assert space["x"].origin.name == ""


def test_blocks_nest_and_decorate_and_end_with_an_error():
    @trace_origin()
    def traced(x):
        return x * x

    @contextlib.contextmanager
    def nothing():
        yield
    with trace_origin():
        with trace_origin(), nothing():
            pass
        with tg.no_grad():
            frozen = Value(2.0) * 3
        assert (Value(2.0) * 3).origin is not None and frozen.parents == ()
    with tg.no_grad(), trace_origin():
        assert (Value(2.0) * 3).parents == ()
    with tg.no_grad():
        assert (Value(2.0) * 3).parents == ()
    assert traced(Value(2.0)).origin is not None
    with pytest.raises(RuntimeError), trace_origin():
        raise RuntimeError
    assert (Value(2.0) * 3).origin is None


def test_threads_trace_each_for_itself():
    made, ready, go = {}, threading.Barrier(3), threading.Barrier(3)

    def work(name, block):
        with block:
            ready.wait()
            made[name] = Value(1.0) * 2
            go.wait()
    threads = [threading.Thread(target=work, args=("traced", trace_origin())),
               threading.Thread(target=work, args=("plain", contextlib.nullcontext()))]
    for thread in threads:
        thread.start()
    ready.wait()
    ours = Value(1.0) * 2
    go.wait()
    for thread in threads:
        thread.join()
    assert made["traced"].origin is not None and made["plain"].origin is None and ours.origin is None


def test_copies_and_pickles_keep_origins():
    with trace_origin():
        x = Value(3.0)
        y = x * 2 + x ** 3
    origins = [node.origin for node in tg.topological_order(y)]
    assert None not in origins
    for twin in (copy.deepcopy(y), pickle.loads(pickle.dumps(y))):
        assert [node.origin for node in tg.topological_order(twin)] == origins
    assert copy.copy(y).origin == y.origin


def test_tracing_changes_no_number():
    def training():
        model = tg.MLP(2, [4, 1], rng=0)
        loss = tg.mse([model([0.5, -1.0])], [0.3])
        loss.backward()
        return loss.data, [p.grad for p in model.parameters()]
    with trace_origin():
        traced = training()
    assert traced == training()


# ---- places -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("filename", "module", "place"), [
    ("/home/ada/train.py", "__main__", "train.py"), ("/home/ada/nets/model.py", "nets.model", "nets/model.py"),
    ("/home/ada/nets/__init__.py", "nets", "nets/__init__.py"), ("/home/ada/secret/model.py", "nets.model", "model.py"),
    ("<ipython-input-3-0123456789ab>", "__main__", "cell 3"), ("<python-input-4>", "__main__", "cell 4"), ("<stdin>", "__main__", "<stdin>"),
    ("<string>", "builtins", "<string>"),
])
def test_places_are_short_and_say_nothing_of_the_machine(filename, module, place):
    assert place_of(filename, module) == place


def test_cells_of_notebooks_are_numbered(monkeypatch):
    class Shell:
        class compile:
            @staticmethod
            def format_code_name(name):
                return ("Cell", "In[7]") if name.endswith("/1234.py") else None
    fake = type(sys)("IPython")
    fake.get_ipython = lambda: Shell
    monkeypatch.setitem(sys.modules, "IPython", fake)
    space = run("x = Value(1.0)\ny = x * 2\n", "/tmp/ipykernel_99/1234.py")
    assert str(space["y"].origin) == "cell 7, line 2"
    assert str(run("y = Value(1.0) * 2", "/home/ada/train.py")["y"].origin) == "train.py:1"
    assert "made at cell 7, line 2" in tg.draw(space["y"]).svg


# ---- errors ------------------------------------------------------------------------------------------------


def test_domain_errors_say_where_their_numbers_were_made():
    with pytest.raises(DomainError, match=re.escape("log(-1) is not a number: log needs x > 0 (gap = -1, made at train.py:3)")):
        run("x = Value(1.0)\ny = 2.0\ngap = x - y\nz = tg.log(gap)\n")
    with pytest.raises(DomainError, match=r"\(a = 1, made at train.py:1; b = 0, made at train.py:1\)$"):
        run("a, b = Value(1.0, label='a'), Value(0.0, label='b')\na / b\n")
    with pytest.raises(DomainError, match=r"\(0, made at train.py:1\)$"):
        run("1 / (Value(1.0) - 1)\n")


def test_gradient_errors_say_where_the_guilty_node_was_made():
    with pytest.raises(GradientError, match=re.escape("the local gradient of r = sqrt(c) at c = 0 (made at train.py:3) is inf")):
        run("x = Value(0.0)\nc = x * 1\nr = tg.sqrt(c)\n(r * 3).backward()\n")
    with pytest.raises(tg.ReplayError, match=r"a node made by hand \(mine\) \(made at train.py:2\)"):
        tg.replay(run("x = Value(0.0)\ny = [Value(1.0, (x,), (1.0,), op='mine')][0]\n")["y"])


# ---- the first that is not finite ---------------------------------------------------------------------------


@pytest.mark.parametrize(("source", "words"), [
    ("x = Value(1.0)\nz = tg.log(x - 1) * 2 + x", "first -inf born at train.py:2: log(0)"),
    ("x = Value(1.0)\nh = x - 1\nq = 1 / h\nz = q - q", "first inf born at train.py:3: q = 1 / h at h = 0"),
    ("x = Value(float('inf'))\nz = x - x", "first inf given at train.py:1: x"),
    ("x = Value(1.0)\nz = x * 1e308 * 10", "first inf born at train.py:2: z = 1e+308 * 10"),
    ("x = Value(1.0)\nz = Value(float('nan'), (x,), (1.0,), op='mine') * 2", "first nan born at train.py:2: a node made by hand (mine)"),
    ("x = Value(1.0)\nz = x * 2", "None"),
])
def test_the_first_that_is_not_finite_is_named_with_its_line(source, words):
    with tg.errstate(all="ignore"):
        found = tg.first_nonfinite(run(source)["z"])
    assert repr(found) == words == str(found)


def test_without_origins_the_first_is_still_found():
    with tg.errstate(all="ignore"):
        x = Value(0.0, label="x")
        assert repr(tg.first_nonfinite(tg.exp(1 / x))) == "first inf born in the graph: 1 / x at x = 0"
        assert tg.first_nonfinite(tg.exp(1 / x)).node.op == "div"


# ---- pictures ------------------------------------------------------------------------------------------------

PROGRAM = """x, w = Value(0.5, label="x"), Value(2.0, label="w")
h = x
for k in range(3):
    h = tg.tanh(h * w + 1)
f = h * h
"""


def test_the_sentence_of_every_box_says_where_it_was_made():
    f = run(PROGRAM)["f"]
    titles = [title for title in re.findall("<title>(.*?)</title>", tg.draw(f).svg) if not title.startswith("the same ")]
    assert sum(title.endswith((", made at train.py:1", ", made at train.py:4", ", made at train.py:5")) for title in titles) == len(titles) - 1
    assert "/home" not in tg.draw(f).svg + tg.to_graphviz(f).source + tg.play(f).html
    assert 'tooltip="leaf x: 0.5, made at train.py:1"' in tg.to_graphviz(f).source


@pytest.mark.parametrize("layout", ["embedded", "simple"])
def test_pictures_fold_by_line_also_where_lines_feed_each_other(layout):
    svg = tg.draw(run(PROGRAM)["f"], layout, fold="line").svg
    names = re.findall("<title>(.*?)</title>", svg)[1:]
    assert svg.count('<rect class="tg-box"') == 3 == len(names)
    assert ["train.py:1" in names[0], "train.py:4" in names[1], "made at train.py:5" in names[2]] == [True] * 3
    assert svg == tg.draw(run(PROGRAM)["f"], layout, fold="line").svg


def test_the_player_shows_lines_too_and_their_origin():
    f = run(PROGRAM)["f"]
    page = tg.play(f, fold="line").html
    assert re.search('"name": ?"lines"', page) and re.search('"origin": ?"train.py:5"', page)
    assert not re.search('"name": ?"lines"|"origin"', tg.play(Value(1.0) * 2).html)


def test_an_origin_is_a_tuple_that_prints_as_a_place():
    assert tuple(Origin("train.py", 31, "loss")) == ("train.py", 31, "loss")
    assert f"{Origin('train.py', 31)}" == "train.py:31" and str(Origin("cell 3", 2)) == "cell 3, line 2"
