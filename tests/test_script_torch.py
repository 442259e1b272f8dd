"""Scripts for PyTorch and JAX find our numbers by gradients of their own, and wrong ones do not pass."""

import pytest
from scripts import few_points_of, graph_of, random_graph, random_model, run

import tinygrad_edu as tg
from tinygrad_edu import OPS, Value
from tinygrad_edu.engine import ops
from tinygrad_edu.nn.export.words import JAX, TORCH

pytest.importorskip("torch", reason="PyTorch is not installed: its scripts need it")
BUILT_IN = [op for op in OPS.values() if op.is_built_in]


@pytest.fixture(scope="module")
def with_jax():
    pytest.importorskip("jax", reason="JAX is not installed: its scripts need it")


@pytest.mark.parametrize("op", BUILT_IN, ids=repr)
def test_every_operation_is_the_same_in_pytorch(op):
    run(tg.script(graph_of(op), "torch"))


@pytest.mark.parametrize("op", [op for op in BUILT_IN if op in JAX.templates or op in (ops.hypot, ops.asin)], ids=repr)
def test_every_operation_is_the_same_in_jax(op, with_jax):
    run(tg.script(graph_of(op, few_points_of(op)), "jax"))


@pytest.mark.parametrize("seed", range(50))
def test_a_random_graph_is_the_same_in_pytorch(seed):
    run(tg.script(random_graph(seed), "torch"))


@pytest.mark.parametrize("seed", range(50))
def test_a_random_model_is_the_same_in_pytorch(seed):
    run(tg.script(random_model(seed)[0], "torch", random_model(seed)[1]))


@pytest.mark.parametrize("seed", range(3))
def test_a_random_graph_and_model_are_the_same_in_jax(seed, with_jax):
    run(tg.script(random_model(seed)[0], "jax", random_model(seed)[1]))
    run(tg.script(random_graph(seed), "jax"))


@pytest.mark.parametrize("library", ["torch", "jax"])
def test_rules_of_ones_own_and_branches_not_taken(library, with_jax):
    @tg.op("twice", tg.REAL)
    def twice(x):
        """2x, with a slope of 3."""
        return 2 * x, (3,)
    x, y = Value(0.0, label="x"), Value(0.0, label="import")
    run(tg.script(twice(x) + tg.where(tg.greater(x, 0), tg.sqrt(x), 2 * x) + tg.step(y), library))


def test_a_layer_through_which_no_gradient_goes_back_is_the_same_in_pytorch():
    run(tg.script(tg.MLP(2, [3, 1], "step", rng=0), "torch", [0.5, -1.0]))


@pytest.mark.parametrize("library", ["torch", "jax"])
def test_whole_exponents_are_the_same_at_0(library, with_jax):
    run(tg.script(tg.sum([Value(x) ** n for x in (0.0, -1.5) for n in (0, 1, 2, 3, 64, 65)]), library))


@pytest.mark.parametrize("name", ["tanh", "relu", "dot", "softplus", "where"])
def test_a_wrong_word_does_not_pass(name, monkeypatch):
    wrong = {"tanh": "torch.atan({0})", "relu": "functional.leaky_relu({0}, 1e-11)", "dot": "torch.sum({0})",
             "softplus": "functional.softplus({0})", "where": "torch.where({0} > 0, {1}, {2})"}
    monkeypatch.setitem(TORCH.templates, OPS[name], wrong[name])
    with pytest.raises(AssertionError):
        run(tg.script(graph_of(OPS[name]), "torch"))
