"""Laws that any correct engine obeys, bit for bit: what changes nothing, and what changes by a power of two."""

import copy
import pickle
import random

import pytest
from test_exact_graphs import SMOOTH, grown, smooth_program
from test_value import recursive_order

import tinygrad_edu as tg
from tinygrad_edu import OPS, Value

pytestmark = pytest.mark.smoke

COMMUTING = [op.name for op in OPS.values() if op.name in ("add", "mul", "maximum", "minimum", "hypot", "equal", "not_equal")]
SEEDS = range(40)


def moderate(seed, names=SMOOTH, size=12):
    """A random program of four leaves, and their numbers."""
    return smooth_program(seed, names, leaves=4, size=size)


def results(program, numbers, seed=1.0, wrap=lambda output, leaves: output):
    leaves = [Value(x) for x in numbers]
    output = wrap(grown(program, leaves), leaves)
    if output.is_constant:
        return output.data, [0.0] * len(leaves)
    output.backward(seed)
    return output.data, [leaf.grad for leaf in leaves]


@pytest.mark.parametrize("seed", SEEDS)
def test_commuting_operands_change_no_bit(seed):
    program, numbers = moderate(seed, [*COMMUTING, "tanh", "sub", "neg"])
    swapped = [(name, places[::-1] if name in COMMUTING else places) for name, places in program]
    value, grads = results(program, numbers)
    other_value, other_grads = results(swapped, numbers)
    assert value == other_value
    # the order in which a fan-out is summed may change with the order of operands: one rounding each
    assert other_grads == pytest.approx(grads, rel=1e-13, abs=1e-300)


@pytest.mark.parametrize("name", COMMUTING)
def test_one_commuting_operation_is_the_same_to_the_bit(name):
    rng = random.Random(name)
    for _ in range(200):
        x, y = (rng.choice([rng.uniform(-9, 9), rng.uniform(-1, 1) * 10.0 ** rng.randint(-200, 200), 0.0, 1.0]) for _ in "xy")
        with tg.errstate(all="ignore"):
            a, b, c, d = Value(x), Value(y), Value(x), Value(y)
            one, other = OPS[name](a, b), OPS[name](d, c)
            one.backward()
            other.backward()
        assert repr((one.data, a.grad, b.grad)) == repr((other.data, c.grad, d.grad))


@pytest.mark.parametrize("k", [-60, -3, 1, 40])
@pytest.mark.parametrize("seed", SEEDS[:10])
def test_scaling_the_loss_by_a_power_of_two_scales_every_gradient_exactly(seed, k):
    program, numbers = moderate(seed)
    value, grads = results(program, numbers)
    scaled_value, scaled = results(program, numbers, wrap=lambda output, leaves: output * 2.0 ** k)
    assert scaled_value == value * 2.0 ** k
    assert scaled == [g * 2.0 ** k for g in grads]
    assert results(program, numbers, seed=2.0 ** k)[1] == scaled


def summed_as_documented(output):
    """The gradients by the documented order: reverse post-order, and the last parent of a node first."""
    grads = {output: 1.0}
    for node in reversed(recursive_order(output)):
        for parent, local_grad in reversed(list(zip(node.parents, node.local_grads))):
            grads[parent] = grads.get(parent, 0.0) + grads[node] * local_grad
    return grads


@pytest.mark.parametrize("seed", range(60))
def test_gradients_are_summed_in_the_documented_order_to_the_bit(seed):
    program, numbers = moderate(seed, [name for name in SMOOTH if not OPS[name].selects], size=25)
    leaves = [Value(x) for x in numbers]
    output = grown(program, leaves)
    output.backward()
    wanted = summed_as_documented(output)
    assert [leaf.grad for leaf in leaves] == [wanted.get(leaf, 0.0) for leaf in leaves]


def test_a_parent_in_three_places_receives_from_the_last_place_first():
    x = Value(1.0)
    tg.dot([x, x, x], [0.1, 0.2, 0.3]).backward()
    assert x.grad == 0.3 + 0.2 + 0.1 != 0.1 + 0.2 + 0.3


@pytest.mark.parametrize("seed", SEEDS)
def test_an_unrelated_subgraph_changes_nothing(seed):
    program, numbers = moderate(seed)

    def beside(output, leaves):
        other = grown(program, leaves) * 3 + leaves[0].exp()       # uses the same leaves, leads elsewhere
        other.label = "unused"
        return output
    assert results(program, numbers, wrap=beside) == results(program, numbers)


@pytest.mark.parametrize("seed", SEEDS)
def test_adding_what_is_constant_changes_no_gradient(seed):
    program, numbers = moderate(seed)
    wrapped = results(program, numbers, wrap=lambda output, leaves: output + tg.tanh(leaves[0].detach() * 2))
    assert wrapped[1] == results(program, numbers)[1]


@pytest.mark.parametrize("seed", SEEDS)
def test_negating_twice_changes_no_bit(seed):
    program, numbers = moderate(seed)
    assert results(program, numbers, wrap=lambda output, leaves: output.neg().neg()) == results(program, numbers)


@pytest.mark.parametrize("seed", SEEDS[:15])
@pytest.mark.parametrize("through", [copy.deepcopy, lambda f: pickle.loads(pickle.dumps(f))], ids=["deepcopy", "pickle"])
def test_a_copy_gives_the_same_bits(seed, through):
    program, numbers = moderate(seed)
    output = grown(program, [Value(x, label=f"x{i}") for i, x in enumerate(numbers)])
    twin = through(output)
    for graph in output, twin:
        if not graph.is_constant:
            graph.backward()
    named = [{n.label: n.grad for n in tg.topological_order(graph) if n.label} for graph in (output, twin)]
    assert twin.data == output.data and named[0] == named[1]


@pytest.mark.parametrize("seed", SEEDS)
def test_replaying_on_floats_gives_the_same_bits(seed):
    program, numbers = moderate(seed)
    leaves = [Value(x) for x in numbers]
    output = grown(program, leaves)
    again = tg.replay(output)
    if not output.is_constant:
        output.backward()
    assert again.value == output.data
    assert [again.grads.get(leaf, 0.0) for leaf in leaves] == [leaf.grad for leaf in leaves]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_gradient_of_a_sum_of_losses_is_the_sum_of_their_gradients(seed):
    one, numbers = moderate(seed)
    two, _ = moderate(seed + 1000)
    leaves = [Value(x) for x in numbers]
    first, second = grown(one, leaves), grown(two, leaves)
    for output in first, second:                        # leaves add up over the passes
        if not output.is_constant:
            output.backward()
    added = [leaf.grad for leaf in leaves]
    together = results(one, numbers, wrap=lambda output, leaves: output + grown(two, leaves))[1]
    assert together == pytest.approx(added, rel=1e-12, abs=1e-13)
