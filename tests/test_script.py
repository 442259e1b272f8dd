"""Scripts for NumPy find our numbers, whatever the graph or the model is, and assert them; wrong ones do not pass."""

import math
import subprocess
import sys

import pytest
from scripts import graph_of, random_graph, random_model, run

import tinygrad_edu as tg
from tinygrad_edu import OPS, Value
from tinygrad_edu.cli import main

pytest.importorskip("numpy", reason="scripts for NumPy need numpy")
BUILT_IN = [op for op in OPS.values() if op.is_built_in]


@pytest.mark.parametrize("op", BUILT_IN, ids=repr)
def test_every_operation_is_the_same_in_numpy(op):
    run(tg.script(graph_of(op), "numpy"))


@pytest.mark.parametrize("seed", range(50))
def test_a_random_graph_is_the_same_in_numpy(seed):
    run(tg.script(random_graph(seed), "numpy"))


@pytest.mark.parametrize("seed", range(50))
def test_a_random_model_is_the_same_in_numpy(seed):
    run(tg.script(random_model(seed)[0], "numpy", random_model(seed)[1]))


def test_a_script_runs_by_itself_and_says_what_it_found(tmp_path):
    x, y = Value(2.0, label="x"), Value(-3.0, label="y")
    (tmp_path / "graph.py").write_text(tg.script(tg.tanh(x * y) + tg.gelu(x), "numpy"), encoding="utf-8")
    done = subprocess.run([sys.executable, "-W", "error", tmp_path / "graph.py"], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "as expected: the value, and 2 of its gradients\n")


def test_the_graph_is_only_read():
    x = Value(2.0, label="x")
    f = x * x
    f.backward()
    before = (x.grad, f.grad)
    tg.script(f, "numpy")
    assert (x.grad, f.grad) == before
    model = tg.Sequential(tg.Layer(1, 2, rng=0), tg.Dropout(0.5)).train()
    tg.script(model, "numpy", [1.0])
    assert model.training and model.steps[1].training and model.steps[1].calls == 0
    assert {p.grad for p in model.parameters()} == {0.0}


HOSTILE = ["lambda", "import os", "x\n__import__('os')", '"""', "np", "exp", "v1", "d_x", "check", "ℯ", "²", "", "x", "x", "w0[2,1]",
           "ﬁ", "print", "total", "c3", "s_v1", "tanh_rule", "arrived", "\u202e", "None", "graph", "leaves", "found", "gradients"]


@pytest.mark.parametrize("library", ["numpy", "torch", "jax"])
def test_labels_become_names_that_mean_nothing_else(library):
    leaves = [Value(1 + i / 8, label=label) for i, label in enumerate(HOSTILE)]
    text = tg.script(tg.tanh(tg.dot(leaves, leaves[::-1])) + tg.prod(leaves) / 1e6 + leaves[0] * leaves[1], library)
    compile(text, "<script>", "exec")
    assert "__import__('os')" not in text
    if library == "numpy":
        run(text)


def test_an_operation_of_ones_own_is_written_by_its_rule():
    @tg.op("twice", tg.REAL)
    def twice(x):
        """2x, with a slope of 3."""
        return 2 * x, (3,)
    x = Value(1.5, label="x")
    text = tg.script(twice(x) * x, "numpy")
    assert "def twice_rule(x):" in text
    run(text)


def test_two_operations_of_one_name_are_refused():
    def declared(factor):
        @tg.op("same", tg.REAL)
        def same(x):
            """A multiple of x."""
            return factor * x, (factor,)
        return same
    x = Value(1.5, label="x")
    both = declared(2)(x) * declared(3)(x)
    for library in ("numpy", "torch", "jax"):
        with pytest.raises(ValueError, match="two ops are called same: give one of them another name"):
            tg.script(both, library)


SMOOTH = [tg.tanh, tg.sigmoid, tg.gelu, tg.softplus, tg.silu, tg.asinh, tg.erf, tg.log1p, lambda x: tg.logsumexp([x, 2 * x]),
          lambda x: tg.softmax([x, x * x])[0], lambda x: x ** 3 / (1 + x)]


@pytest.mark.parametrize("f", SMOOTH)
def test_derivatives_are_graphs_like_others(f):
    x = Value(0.5, label="x")
    slope = tg.gradient_graph(f(x) * f(2 * x), [x])[0]
    run(tg.script(slope * tg.gradient_graph(slope, [x])[0], "numpy"))


def test_what_is_not_taken_may_have_an_infinite_slope():
    x = Value(0.0, label="x")
    run(tg.script(tg.where(tg.greater(x, 0), tg.sqrt(x), 2 * x), "numpy"))


def test_a_last_digit_far_below_1_is_kept_for_what_makes_it_large():
    run(tg.script(tg.softplus(Value(-40.0, label="x")) * 1e17 + tg.expm1(Value(1e-10)) * 1e10, "numpy"))


def test_inputs_of_numpy_are_numbers_as_others():
    import numpy as np
    model = tg.MLP(2, [2], rng=0)
    assert tg.script(model, "numpy", [np.float32(0.5), np.int64(3)]) == tg.script(model, "numpy", [0.5, 3])


PLANTED = {
    "a transposed weight": ("g @ w1", "g @ w1.T.reshape(w1.shape)"), "a dropped bias": (" + b0", ""),
    "a slope left out": ("g = g * s2", "g = g * 1.0"), "a wrong number": ("0.5 * (", "0.25 * ("),
    "a gradient of another layer": ("d_w1 = g.T @ h2", "d_w1 = g.T @ h2 * 1.00001"),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_a_script_with_a_planted_bug_does_not_pass(bug):
    model = tg.MLP(2, [3, 3, 1], "leaky_relu", rng=0)
    for parameter in model.parameters(weights=False):
        parameter.data = 0.25
    text = tg.script(model, "numpy", [[0.5, -1.0], [2.0, 0.25]])
    run(text)
    right, wrong = PLANTED[bug]
    assert text.count(right) == 1
    with pytest.raises(AssertionError):
        run(text.replace(right, wrong))


def test_a_sum_that_is_overwritten_does_not_pass():
    x = Value(2.0, label="x")
    text = tg.script(tg.sin(x) * x, "numpy")
    run(text)
    assert "d_x += " in text
    with pytest.raises(AssertionError, match="the gradient by x is"):
        run(text.replace("d_x += ", "d_x = "))


@pytest.mark.parametrize(("make", "error", "words"), [
    (lambda: tg.script(2.0), TypeError, "a Value or a model is needed, not float"),
    (lambda: tg.script(Value(2.0) * 3, "tensorflow"), ValueError, "unknown library 'tensorflow'"),
    (lambda: tg.script(tg.MLP(1, [1])), ValueError, "a model needs an input"),
    (lambda: tg.script(tg.Sequential(tg.softmax), x=[1.0, 2.0]), RuntimeError, "nothing here needs a gradient"),
    (lambda: tg.script(Value(2.0).detach() * 3), RuntimeError, "nothing here needs a gradient"),
    (lambda: tg.script(Value(1.0, (Value(2.0),), (0.5,), "mine") * 2), tg.ReplayError, "mine"),
    (lambda: tg.script(tg.sqrt(Value(0.0, label="x"))), ValueError, "the gradient by x is inf"),
    (lambda: tg.script(Value(math.inf) * 2), ValueError, "the value is inf"),
])
def test_what_cannot_be_printed_is_refused(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_the_same_graph_gives_the_same_bytes():
    assert tg.script(random_graph(3), "jax") == tg.script(random_graph(3), "jax")


WITHOUT = """
import sys
import tinygrad_edu as tg
assert not {"torch", "jax", "numpy", "safetensors"} & set(sys.modules), "imported"
x = tg.Value(2.0, label="x")
print(len([tg.script(x * x, library) for library in ("torch", "jax", "numpy")]))
assert not {"torch", "jax", "safetensors"} & set(sys.modules), "imported"
sys.modules.update(torch=None, safetensors=None)
for use in (lambda: tg.to_torch(tg.MLP(1, [1])), lambda: tg.from_torch(1), lambda: tg.save(tg.MLP(1, [1]), "a.safetensors")):
    try:
        use()
    except ModuleNotFoundError as error:
        print(error)
"""


def test_nothing_is_loaded_that_is_not_needed_and_what_is_missing_is_told(tmp_path):
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, timeout=60, check=True, cwd=tmp_path)
    torch = 'models of PyTorch need PyTorch: pip install "tinygrad-edu[torch]"'
    assert done.stdout.splitlines() == ["3", torch, torch, '.safetensors files need numpy and safetensors: pip install "tinygrad-edu[safetensors]"']


def test_the_command_prints_a_script(capsys):
    assert main(["step", "tanh(w * x + b)", "w=0.5", "x=2", "b=-1", "--script", "numpy"]) == 0
    run(capsys.readouterr().out)
    assert main(["step", "2 * 3", "--script", "numpy"]) == 1 and "nothing here needs a gradient" in capsys.readouterr().err
