"""Gradients against slopes: every operation, and random graphs of them, by central differences.

The slope of f over [x - h, x + h] differs from f'(x) by h²/6 times a third derivative (or by h
times a jump of the second), and by the rounding of f over h.  All are bounded here, so that the
tolerance is not a guess.
"""

import random

import pytest
from draws import jumps_within, ordinary
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu import OPS, REAL, Op

H = 1e-4
ULP = 2.0 ** -52
APART = 0.05            # inputs of an op that chooses among them stay this far from a tie


def bends(f, xs, i):
    """The second and third derivative of f by its input i at xs, from the engine run on its own gradients."""
    leaves = [tg.Value(x) for x in xs]
    node, found = f(*leaves), []
    for _ in range(3):
        if isinstance(node, tg.Value):
            node = tg.replay(node, tg.Value).grads.get(leaves[i], 0)
        found.append(getattr(node, "data", 0.0) if not getattr(node, "is_constant", True) else 0.0)
    return found[1:]


def rounding_size(f, xs):
    """Of what size the numbers are that f rounds on its way; within a sum over rows, of all its terms."""
    size, output = {}, f(*[tg.Value(x) for x in xs])
    if not isinstance(output, tg.Value):
        return abs(output)
    for node in tg.topological_order(output):
        edges = list(zip(node.parents, node.local_grads))
        terms = sum(abs(g * p.data) for p, g in edges) if node.op in OPS and OPS[node.op].rows else 0.0
        size[node] = max(abs(node.data), terms) * bool(edges) + sum(abs(g) * size[p] for p, g in edges)
    return max(size[output], abs(output.data))


def assert_matches_slope(f, xs):
    """f(*Values).backward() against the slope of f(*floats) in each input."""
    leaves = [tg.Value(x) for x in xs]
    f(*leaves).backward()
    for i, leaf in enumerate(leaves):
        low, high = ([*xs[:i], xs[i] + step, *xs[i + 1:]] for step in (-H, H))
        below, above = f(*low), f(*high)
        slope = (above - below) / (high[i] - low[i])
        second, third = zip(*[bends(f, at, i) for at in (low, xs, high)])
        bound = max(map(abs, third)) * H * H / 3 + abs(second[2] - second[0]) * H / 2
        bound += 8 * ULP * (rounding_size(f, low) + rounding_size(f, high) + abs(slope)) / H + 1e-300
        assert abs(leaf.grad - slope) <= bound, (
            f"input {i} at {xs}: gradient {leaf.grad!r}, slope {slope!r}, allowed difference {bound:.2g}")


@st.composite
def inputs_of(draw, op: Op):
    """Numbers from an op's domain, away from where it has no derivative; rows as lists."""
    if not op.rows:
        numbers = [draw(ordinary(interval)) for interval in op.domain]
        assume(not jumps_within(op, numbers, *[2 * H] * len(numbers)))
        return numbers if not op.selects or is_apart(numbers) else spread(numbers)
    length = draw(st.integers(1, 5))
    rows = [[draw(ordinary(interval)) for _ in range(length)] for interval in op.domain]
    return [spread(row) if op.selects else row for row in rows]


def is_apart(numbers):
    return all(abs(a - b) > APART for i, a in enumerate(numbers) for b in numbers[:i])


def spread(numbers):
    """The numbers moved so that no two are close."""
    for i in range(len(numbers)):
        while not is_apart(numbers[:i + 1]):
            numbers[i] += 3 * APART
    return numbers


@pytest.mark.parametrize("op", OPS.values(), ids=repr)
@settings(max_examples=30)
@given(data=st.data())
def test_local_gradients_match_the_slope(op, data):
    xs = data.draw(inputs_of(op))
    if not op.rows:
        assert_matches_slope(lambda *inputs: op(*inputs, **op.sample), xs)
        return
    length = len(xs[0])
    assert_matches_slope(lambda *flat: op(*[flat[i * length:(i + 1) * length] for i in range(len(xs))]),
                         [x for row in xs for x in row])


SMOOTH = [op for op in OPS.values() if not op.rows and not op.selects and set(op.domain) == {REAL}]


def random_graph(seed, size):
    """A function of three numbers that applies smooth operations at random; tanh keeps factors small."""
    def f(*inputs):
        rng = random.Random(seed)
        nodes = list(inputs)
        for _ in range(size):
            op = rng.choice(SMOOTH)
            chosen = [rng.choice(nodes) for _ in op.inputs]
            nodes.append(op(*chosen) if op.name in ("add", "sub") else op(*map(tg.tanh, chosen)))
        return tg.sum(nodes[-3:])
    return f


@settings(max_examples=40)
@given(st.integers(0, 10 ** 9), st.integers(1, 8),
       st.lists(st.integers(-1500, 1500).map(lambda k: k / 1000), min_size=3, max_size=3))
def test_gradients_of_random_graphs_match_the_slope(seed, size, xs):
    assert_matches_slope(random_graph(seed, size), xs)


LOSSES = {
    "mse": lambda *p: tg.mse(list(p), [0.3, -1.0, 2.0]), "half": lambda *p: tg.half_squared_error(list(p), [0.3, -1.0, 2.0]),
    "mae": lambda *p: tg.mae(list(p), [9.0, 9.0, 9.0]), "huber": lambda *p: tg.huber(list(p), [0.3, -5.0, 2.2]),
    "cross_entropy": lambda *p: tg.cross_entropy(list(p), 1), "soft": lambda *p: tg.cross_entropy(list(p), [0.2, 0.5, 0.3]),
    "nll": lambda *p: tg.nll(tg.log_softmax(list(p)), 2), "bce": lambda *p: tg.bce_with_logits(list(p), [1, 0, 0.3]),
    "brier": lambda *p: tg.brier(tg.softmax(list(p)), 0), "kl": lambda *p: tg.kl_divergence([0.2, 0.5, 0.3], tg.softmax(list(p))),
}


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_of_losses_match_the_slope(name):
    rng = random.Random(name)
    for _ in range(5):
        assert_matches_slope(LOSSES[name], [rng.uniform(-1.5, 1.5) for _ in range(3)])


LAYERS = {
    "neuron": lambda: tg.Neuron(3, "tanh", rng=0), "spelled out": lambda: tg.Neuron(3, "gelu", rng=1, fused=False),
    "network": lambda: tg.MLP(3, [4, 1], "softplus", rng=2), "maxout": lambda: tg.Maxout(3, rng=3),
    "sequence": lambda: tg.Sequential(tg.Layer(3, 4, "silu", rng=4), tg.Dropout(0.5).eval(), tg.Layer(4, 1, rng=5), tg.sum),
}


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_of_layers_match_the_slope_in_inputs_and_parameters(name):
    layer = LAYERS[name]()
    state = list(layer.state_dict())

    def f(*numbers):
        """The layer's output, with the first numbers as inputs and the others as parameters."""
        inputs, given = numbers[:3], numbers[3:]
        if not any(isinstance(x, tg.Value) for x in numbers):
            layer.load_state_dict(dict(zip(state, given)))
            return layer.predict(list(inputs))
        replay = tg.replay(layer(list(inputs)), tg.Value, at=dict(zip(layer.parameters(), given)))
        return replay.value
    assert_matches_slope(f, [0.3, -0.7, 1.1, *layer.state_dict().values()])


PLANTED = {
    "tanh without its square": lambda x: (tg.tanh(x), 1 - tg.tanh(x)),
    "cos with the sign of sin": lambda x: (tg.cos(x), tg.sin(x)),
    "a slope off by one part in a million": lambda x: (tg.exp(x), tg.exp(x) * 1.000001),
}


@pytest.mark.parametrize("name", PLANTED)
def test_the_check_catches_a_planted_bug(name, monkeypatch):
    def f(x):
        if not isinstance(x, tg.Value):
            return PLANTED[name](x)[0]
        value, slope = PLANTED[name](x.data)
        return tg.Value(value, (x,), (slope,), op="planted")
    monkeypatch.setitem(globals(), "bends", lambda f, xs, i: (0.0, 10.0))       # a node made by hand has none
    with pytest.raises(AssertionError, match="allowed difference"):
        assert_matches_slope(f, [0.7])
