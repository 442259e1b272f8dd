"""The homework's matrix layers: the lectures' worked networks, gradients against the scalar engine and
against central differences, dropout over every mask, and a check that catches planted mistakes.

The worked networks are also computed with Values alone, so that both halves are held to the same numbers.
"""

import itertools
import math
import subprocess
import sys

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import GradientError, Value
from tinygrad_edu.nn import matrix_layers
from tinygrad_edu.nn.matrix_layers import (
    Chain,
    LinearMap,
    ReLU,
    SingleLayerMLP,
    SoftmaxCrossEntropyLoss,
    Transform,
    TwoLayerMLP,
    check_transform,
)

CLOSE = {"rel": 1e-12, "abs": 1e-12}
RNG = np.random.default_rng(20)
X = RNG.normal(size=(5, 4))
LABELS = np.eye(4)[[0, 1, 3, 3, 2]]


def linear(W, b, x):
    """W x + b with columns, as documents 002 and 004 write it."""
    return [tg.dot(row, x) + bias for row, bias in zip(W, b)]


def kind(layer):
    return type(layer).__name__


def values(numbers):
    """A list, or a list of lists, of numbers as Values."""
    return [values(n) if isinstance(n, list) else Value(n) for n in numbers]


def grads(nodes):
    return [grads(n) if isinstance(n, list) else n.grad for n in nodes]


def datas(nodes):
    return [node.data for node in nodes]


def rows(numbers):
    """The transposed matrix of a column layout, or a vector as one row."""
    return np.atleast_2d(np.array(numbers, float)).T if isinstance(numbers[0], list) else np.array([numbers], float)


# ---- the lectures' networks -------------------------------------------------------------------------

QUIZ = {"x": [1, 0], "y": 2, "W1": [[1, -2], [0, 2]], "b1": [0, -1], "W2": [[1, -1]], "b2": [0]}


def quiz(W2):
    x, W1, b1, W2, b2 = map(values, (QUIZ["x"], QUIZ["W1"], QUIZ["b1"], W2, QUIZ["b2"]))
    z1 = linear(W1, b1, x)
    z2 = [tg.relu(z) for z in z1]
    output = linear(W2, b2, z2)[0]
    loss = 0.5 * (output - QUIZ["y"]) ** 2
    loss.backward()
    return {"x": x, "W1": W1, "b1": b1, "W2": W2, "b2": b2, "z1": z1, "z2": z2, "yhat": output, "loss": loss}


def test_d002_quiz_forward_with_values():
    nodes = quiz(QUIZ["W2"])
    assert (datas(nodes["z1"]), datas(nodes["z2"]), nodes["yhat"].data, nodes["loss"].data) == ([1, -1], [1, 0], 1, 0.5)


def test_d002_quiz_backward_with_values():
    """The title asks for dl/dz1, which is (-1, 0); the printed (-1, 2) is dl/dx."""
    nodes = quiz(QUIZ["W2"])
    assert nodes["yhat"].grad == -1
    assert {name: grads(nodes[name]) for name in ("z2", "z1", "x", "W1", "b1", "W2", "b2")} == {
        "z2": [-1, 1], "z1": [-1, 0], "x": [-1, 2], "W1": [[-1, 0], [0, 0]], "b1": [-1, 0], "W2": [[-1, 0]], "b2": [-1]}


def test_d002_quiz_backward_typo_weights_with_values():
    """With the slide's W2 = (1, 0) dl/dx stays, since ReLU switches unit 2 off, and dl/dz2 changes."""
    nodes = quiz([[1, 0]])
    assert (nodes["yhat"].data, nodes["loss"].data) == (1, 0.5)
    assert (grads(nodes["z2"]), grads(nodes["x"])) == ([-1, 0], [-1, 2])


def quiz_network(W2):
    network = SingleLayerMLP(2, 1, hiddenlayer=2)
    network.loadparams([rows(QUIZ["W1"]), rows(W2)], [rows(QUIZ["b1"]), rows(QUIZ["b2"])])
    return network


def test_d002_quiz_with_matrix_layers():
    network = quiz_network(QUIZ["W2"])
    output = network.forward([QUIZ["x"]])
    assert output.tolist() == [[1]] and network.layers[0].forward([QUIZ["x"]]).tolist() == [[1, -1]]
    assert network.backward(output - QUIZ["y"]).tolist() == [[-1, 2]]
    first, _, second = network.layers
    assert (first.dW.T.tolist(), first.db.tolist()) == ([[-1, 0], [0, 0]], [[-1, 0]])
    assert (second.dW.T.tolist(), second.db.tolist()) == ([[-1, 0]], [[-1]])


def test_d002_quiz_typo_weights_with_matrix_layers():
    network = quiz_network([[1, 0]])
    grad_wrt_out = network.forward([QUIZ["x"]]) - QUIZ["y"]
    assert network.layers[2].backward(grad_wrt_out).tolist() == [[-1, 0]]
    assert network.backward(grad_wrt_out).tolist() == [[-1, 2]]


REGRESSION = {"x": [1, -2], "W1": [[2, 1], [1, 1]], "b1": [1, 0], "W2": [[1, 2], [-1, 3]], "b2": [0, 1], "y": [2, 0]}


@pytest.mark.parametrize(("slope", "a1", "output", "loss"), [(1, [1, 0], [1, 0], 1), (5, [5, 0], [5, -4], 25)])
def test_d004_relu_versus_5relu_with_values(slope, a1, output, loss):
    """Document 004 writes ReLU forward and differentiates 5 ReLU: two different networks."""
    x, W1, b1, W2, b2 = (values(REGRESSION[name]) for name in ("x", "W1", "b1", "W2", "b2"))
    hidden = [slope * tg.relu(z) for z in linear(W1, b1, x)]
    outputs = linear(W2, b2, hidden)
    squared = tg.sum([(o - y) ** 2 for o, y in zip(outputs, REGRESSION["y"])])
    assert (datas(hidden), datas(outputs), squared.data) == (a1, output, loss)


def test_d004_relu_regression_with_matrix_layers():
    network = SingleLayerMLP(2, 2, hiddenlayer=2)
    network.loadparams([rows(REGRESSION[n]) for n in ("W1", "W2")], [rows(REGRESSION[n]) for n in ("b1", "b2")])
    output = network.forward([REGRESSION["x"]])
    assert output.tolist() == [[1, 0]] and ((output - REGRESSION["y"]) ** 2).sum() == 1


def test_d004_5relu_regression_with_matrix_layers():
    network = Chain([LinearMap(2, 2), Scaled(5.0), LinearMap(2, 2)])
    network.loadparams([rows(REGRESSION[n]) for n in ("W1", "W2")], [rows(REGRESSION[n]) for n in ("b1", "b2")])
    output = network.forward([REGRESSION["x"]])
    assert ((output - REGRESSION["y"]) ** 2).sum() == 25
    assert check_transform(network, [REGRESSION["x"]])


class Scaled(ReLU):
    """k · ReLU."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x, train=True):
        return self.factor * super().forward(x, train)

    def backward(self, grad_wrt_out):
        return self.factor * super().backward(grad_wrt_out)


CLASSIFICATION = {"x": [1, -2], "W1": [[0.5, 0.25], [-0.3, 0.2]], "b1": [0.1, 0.0], "W2": [[1, -1], [0.5, 2]],
                  "b2": [0, 0.5], "y": [1, 0]}
CLASSIFIED = {
    "s1": [0.1, -0.7], "a1": [0.09966799462495582, -0.6043677771171636],
    "s2": [0.7040357717421194, -0.6589015569218493], "ytilde": [0.669081946566931, 0.3409864046980568],
    "C": 0.2257784862768385, "dC_ds2": [-0.14653798972741447, 0.15324929925148376],
    "dC_dW2": [[-0.014605147572503776, 0.08856283911477524], [0.01527405033407513, -0.09261893833338224]],
    "dC_db2": [-0.14653798972741447, 0.15324929925148376],
    "dC_dW1": [[-0.06921884131521855, 0.1384376826304371], [0.2875602582604045, -0.575120516520809]],
    "dC_db1": [-0.06921884131521855, 0.2875602582604045],
}


def test_d004_classification_squared_with_values():
    x, W1, b1, W2, b2 = (values(CLASSIFICATION[name]) for name in ("x", "W1", "b1", "W2", "b2"))
    s1 = linear(W1, b1, x)
    a1 = [tg.tanh(s) for s in s1]
    s2 = linear(W2, b2, a1)
    outputs = [tg.sigmoid(s) for s in s2]
    loss = tg.sum([(o - y) ** 2 for o, y in zip(outputs, CLASSIFICATION["y"])])
    loss.backward()
    found = {"s1": datas(s1), "a1": datas(a1), "s2": datas(s2), "ytilde": datas(outputs), "C": loss.data,
             "dC_ds2": grads(s2), "dC_dW2": grads(W2), "dC_db2": grads(b2), "dC_dW1": grads(W1), "dC_db1": grads(b1)}
    for name, expected in CLASSIFIED.items():
        np.testing.assert_allclose(found[name], expected, rtol=0, atol=1e-9, err_msg=name)


class Activation(Transform):
    """A student's layer: an activation whose slope is a formula in its output."""

    def __init__(self, function, slope):
        self.function, self.slope = function, slope

    def forward(self, x):
        self.output = self.function(x)
        return self.output

    def backward(self, grad_wrt_out):
        return grad_wrt_out * self.slope(self.output)


TANH = Activation(np.tanh, lambda y: 1 - y * y)
SIGMOID = Activation(lambda x: 1 / (1 + np.exp(-x)), lambda y: y * (1 - y))


def test_d004_classification_squared_with_matrix_layers():
    network = Chain([LinearMap(2, 2), TANH, LinearMap(2, 2), SIGMOID])
    network.loadparams([rows(CLASSIFICATION[n]) for n in ("W1", "W2")], [rows(CLASSIFICATION[n]) for n in ("b1", "b2")])
    output = network.forward([CLASSIFICATION["x"]])
    network.backward(2 * (output - CLASSIFICATION["y"]))
    first, second = network.linear_maps()
    found = {"ytilde": output[0], "C": ((output - CLASSIFICATION["y"]) ** 2).sum(),
             "dC_dW1": first.dW.T, "dC_db1": first.db[0], "dC_dW2": second.dW.T, "dC_db2": second.db[0]}
    for name, gradient in found.items():
        np.testing.assert_allclose(gradient, CLASSIFIED[name], rtol=0, atol=1e-9, err_msg=name)
    assert check_transform(network, [CLASSIFICATION["x"]])


# The 4-2-1 network of document 003, on the numbers of its shape cases.
X421, W421, B421 = [1, 2, 3, 4], [[1, -1], [0.5, 0], [-1, 0], [0.5, 0]], [1, 0]


def test_d003_the_4_2_1_network_is_the_same_with_values_and_with_matrix_layers():
    """Both are held against the components' formula dL/dw₁₁ = 2(z2 − y) · w₁₁⁽²⁾ · [z1 > 0] · x₁."""
    x, W1, b1, W2, b2 = map(values, (X421, W421, B421, [3.0, -2.0], [0.5]))
    hidden = [tg.relu(tg.dot(x, list(column)) + bias) for column, bias in zip(zip(*W1), b1)]
    output = tg.dot(hidden, W2) + b2[0]
    ((output - 1) ** 2).backward()
    assert (datas(hidden), output.data) == ([2, 0], 6.5)
    assert grads(W1) == [[2 * 5.5 * 3 * each, 0] for each in X421] and grads(b1) == [33, 0]
    network = SingleLayerMLP(4, 1, hiddenlayer=2)
    network.loadparams([W421, [[3.0], [-2.0]]], [[B421], [[0.5]]])
    predicted = network.forward([X421])
    assert predicted.tolist() == [[6.5]]
    assert network.backward(2 * (predicted - 1)).tolist() == [grads(x)]
    first, second = network.linear_maps()
    assert (first.dW.tolist(), first.db.tolist()) == (grads(W1), [grads(b1)])
    assert (second.dW.tolist(), second.db.tolist()) == ([[g] for g in grads(W2)], [grads(b2)])


# ---- shapes ------------------------------------------------------------------------------------------


def test_d003_index_convention_is_input_first():
    """The slides' W₁,₃, W₁,₄ and w⁽²⁾₁,₂ do not exist; W₁,₁ … W₄,₁ reach the first unit."""
    W1, W2 = SingleLayerMLP(4, 1, hiddenlayer=2).getW()

    def exists(W, place):
        return all(1 <= i <= n for i, n in zip(place, W.shape))
    assert [exists(W1, place) for place in [(1, 3), (1, 4)]] == [False, False] and not exists(W2, (1, 2))
    assert all(exists(W1, place) for place in [(1, 1), (2, 1), (3, 1), (4, 1)])
    assert all(exists(W2, place) for place in [(1, 1), (2, 1)])
    layer = LinearMap(4, 2)
    layer.loadparams(W421, [B421])
    by_components = sum(layer.getW()[i, 0] * X421[i] for i in range(4)) + layer.getb()[0, 0]
    assert layer.forward([X421])[0, 0] == by_components == 2


def test_d003_bias_shape_broadcast_is_refused():
    """Document 003 prints b as out × 1, which NumPy broadcasts to out × out."""
    printed, right = np.array([[1], [0]]), np.array([[1, 0]])
    x, W = np.array([X421]), np.array(W421)
    assert (x @ W + printed).tolist() == [[2, 0], [1, -1]] and (x @ W + right).tolist() == [[2, -1]]
    layer = LinearMap(4, 2)
    with pytest.raises(ValueError, match=r"b has shape \(1, 2\): got \(2, 1\)"):
        layer.loadparams(W, printed)
    layer.loadparams(W, right)
    assert layer.forward(x).tolist() == [[2, -1]]
    with pytest.raises(ValueError):
        W @ x           # Wx is not defined with these shapes


def test_d003_batch_shapes():
    """Activations gain a batch dimension; parameter gradients keep their shape."""
    network = SingleLayerMLP(4, 1, hiddenlayer=2, rng=1)
    first, relu, second = network.layers
    Z1 = first.forward(X)
    A1 = relu.forward(Z1)
    Z2 = second.forward(A1)
    dA1 = second.backward(np.ones((5, 1)))
    dZ1 = relu.backward(dA1)
    dX = first.backward(dZ1)
    assert [a.shape for a in (Z1, A1, Z2, dA1, dZ1, dX)] == [(5, 2), (5, 2), (5, 1), (5, 2), (5, 2), (5, 4)]
    assert (first.dW.shape, first.db.shape, second.dW.shape, second.db.shape) == ((4, 2), (1, 2), (2, 1), (1, 1))


@pytest.mark.parametrize(("wrong", "message"), [
    (lambda: LinearMap(4, 2).forward(X421), r"x has shape \(n, 4\), one example per row: got \(4,\)"),
    (lambda: LinearMap(4, 2).forward([[1, 2]]), r"x has shape \(n, 4\), one example per row: got \(1, 2\)"),
    (lambda: LinearMap(4, 2).forward(np.zeros((0, 4))), r"got \(0, 4\)"),
    (lambda: LinearMap(4, 2).loadparams(np.ones((2, 4)), [[0, 0]]), r"W has shape \(4, 2\): got \(2, 4\)"),
    (lambda: after(LinearMap(4, 2), X).backward(np.ones((5, 1))), r"grad_wrt_out has shape \(5, 2\): got \(5, 1\)"),
    (lambda: after(ReLU(), X).backward(np.ones((4, 4))), r"grad_wrt_out has shape \(5, 4\): got \(4, 4\)"),
    (lambda: SingleLayerMLP(4, 2).forward(np.ones((3, 5))), r"got \(3, 5\)"),
    (lambda: SingleLayerMLP(4, 2).loadparams([np.ones((4, 2))], [[[0, 0]]]), "2 matrices W and as many rows b"),
    (lambda: SoftmaxCrossEntropyLoss().forward(X, [0, 1, 3, 3, 2]), r"labels has shape \(5, 4\): got \(5,\)"),
    (lambda: SoftmaxCrossEntropyLoss().forward(X, np.ones((5, 4))), r"one-hot.*row 0 is \[1.0, 1.0, 1.0, 1.0\]"),
    (lambda: SoftmaxCrossEntropyLoss().forward([], []), r"logits has shape \(n, classes\).*got \(0,\)"),
    (lambda: SoftmaxCrossEntropyLoss(reduction="max"), "unknown reduction 'max'; the names are mean, sum"),
    (lambda: LinearMap(0, 2), "indim must be at least 1, got 0"),
    (lambda: LinearMap(2, 2, alpha=1), "alpha must be at least 0 and below 1, got 1"),
    (lambda: LinearMap(2, 2, lr=-1), "lr must be at least 0 and finite, got -1"),
    (lambda: LinearMap(2, 2, lr=math.nan), "lr must be at least 0 and finite, got nan"),
    (lambda: LinearMap(2, 2).forward([[1.0], [1.0, 2.0]]), r"x is an array of numbers, with rows of one length: got \[\[1\.0\], \[1\.0, 2\.0\]\]"),
    (lambda: LinearMap(2, 2, rng=-1), "rng, if not a numpy Generator, must be at least 0, got -1"), (lambda: ReLU(0.5, rng=-1), "rng, if not a numpy Generator"),
    (lambda: ReLU(dropout_probability=1), "dropout_probability must be at least 0 and below 1, got 1"),
])
def test_wrong_shapes_and_settings_are_refused_by_name(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()


def test_layers_of_small_whole_numbers_of_numpy_are_those_of_python():
    """100 + 100 is no int8."""
    assert LinearMap(np.int8(100), np.int8(100), rng=np.array(3)).getW().tolist() == LinearMap(100, 100, rng=3).getW().tolist()


@pytest.mark.parametrize("wrong", [
    lambda: LinearMap(2.0, 2), lambda: LinearMap(True, 2), lambda: LinearMap(2, 2, lr="0.1"),
    lambda: LinearMap(1, 1, rng=1.5), lambda: SingleLayerMLP(1, 1, rng="a"), lambda: ReLU(0.5, rng=True), lambda: LinearMap(1, 1).forward([[None]]),
    lambda: LinearMap(1, 1).forward(x for x in [1]), lambda: Chain(3), lambda: Chain([3]),
    lambda: LinearMap(1, 1).forward([["1.5"]]), lambda: LinearMap(1, 1).loadparams([[Value(1.0)]], [[0.0]])])
def test_what_is_not_a_number_is_refused(wrong):
    with pytest.raises(TypeError):
        wrong()


@pytest.mark.parametrize("early", [
    lambda: LinearMap(2, 2).backward([[1, 1]]), lambda: ReLU().backward([[1, 1]]),
    lambda: SoftmaxCrossEntropyLoss().backward(), lambda: SoftmaxCrossEntropyLoss().getAccu()])
def test_backward_before_forward_says_so(early):
    with pytest.raises(RuntimeError, match="call forward before backward"):
        early()


def test_wrong_parameters_for_one_layer_change_none():
    network = SingleLayerMLP(4, 3, hiddenlayer=2, rng=1)
    before = network.getW()[0]
    with pytest.raises(ValueError):
        network.loadparams([np.zeros((4, 2)), np.zeros((9, 9))], [np.zeros((1, 2)), np.zeros((1, 3))])
    assert (network.getW()[0] == before).all()


def test_parameters_are_copied_on_the_way_in_and_out():
    layer, W, b = LinearMap(2, 2, rng=1), np.ones((2, 2)), np.ones((1, 2))
    layer.loadparams(W, b)
    layer.getW()[:], layer.getb()[:] = 9, 9
    assert (layer.W == 1).all() and (layer.b == 1).all()
    after(layer, [[1, 1]]).backward([[1, 1]])
    layer.step()
    assert not (layer.W == 1).any() and (W == 1).all() and (b == 1).all()


def after(layer, x):
    layer.forward(x)
    return layer


# ---- dropout -----------------------------------------------------------------------------------------


class Chosen:
    """A generator that draws what it is told: 0 for a unit to drop, 1 for one that stays."""

    def __init__(self, stays):
        self.stays = stays

    def random(self, shape):
        return np.array(self.stays, float).reshape(shape)


def expectation(relu, after_dropout, x):
    """The exact mean over every mask of what follows the layer, and of its square."""
    p, total, squares = relu.dropout_probability, 0.0, 0.0
    for stays in itertools.product([0, 1], repeat=len(x)):
        relu.rng = Chosen(stays)
        result = after_dropout(relu.forward([x])[0])
        chance = math.prod(1 - p if stay else p for stay in stays)
        total, squares = total + chance * result, squares + chance * result ** 2
    return total, squares


def test_d000_dropout_expectation():
    x, w, b = [1, 2, 3], np.array([1, -1, 2]), 0.5
    lecture, inverted = ReLU(0.25), ReLU(0.25, inverted=True)

    def neuron(h):
        return h @ w + b
    assert expectation(lecture, lambda h: h, x)[0] == pytest.approx([0.75, 1.5, 2.25], abs=1e-9)
    assert expectation(lecture, neuron, x)[0] == pytest.approx(4.25, abs=1e-9)
    assert neuron(lecture.forward([x], train=False)[0]) == pytest.approx(4.25, abs=1e-9)
    assert neuron(ReLU().forward([x], train=False)[0]) == 5.5                           # unscaled
    assert 0.75 * neuron(np.array(x)) == 4.125 and neuron(0.25 * np.array(x)) == 1.75     # two wrong ways to scale
    assert expectation(inverted, neuron, x)[0] == pytest.approx(5.5, abs=1e-9)
    assert neuron(inverted.forward([x], train=False)[0]) == 5.5
    for relu, expected in (lecture, 1.6875), (inverted, 3.0):
        first, second = expectation(relu, lambda h: h[2], x)
        assert second - first ** 2 == pytest.approx(expected, abs=1e-9)


def test_d000_dropout_not_exact_through_a_nonlinearity():
    relu = ReLU(0.5)

    def neuron(h):
        return max(h @ [1, 1] - 1, 0)
    assert expectation(relu, neuron, [1, 1])[0] == pytest.approx(0.25, abs=1e-9)
    assert neuron(relu.forward([[1, 1]], train=False)[0]) == 0


@pytest.mark.parametrize("stays", list(itertools.product([0, 1], repeat=3)))
def test_dropout_with_values_has_the_same_numbers_for_every_mask(stays):
    leaves = values([1, 2, 3])
    total = tg.dot([tg.relu(v) * m for v, m in zip(leaves, stays)], [1, -1, 2]) + 0.5
    total.backward()
    relu = ReLU(0.25)
    relu.rng = Chosen(stays)
    assert relu.forward([[1, 2, 3]])[0] @ [1, -1, 2] + 0.5 == total.data
    assert relu.backward([[1, -1, 2]]).tolist() == [grads(leaves)]


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("train", [False, True])
def test_backward_uses_the_mask_of_the_forward_before_it(inverted, train):
    relu = ReLU(0.5, inverted=inverted, rng=4)
    output = relu.forward(X, train=train)
    np.testing.assert_allclose(relu.backward(np.ones(X.shape)) * X, output, rtol=1e-15)


def test_a_network_at_test_time_drops_nothing_and_scales():
    network, plain = (TwoLayerMLP(4, 3, 6, 5, dropout_probability=p, rng=1) for p in (0.5, 0))
    plain.loadparams([W * s for W, s in zip(network.getW(), (1, 0.5, 0.5))], network.getb())
    np.testing.assert_allclose(network.forward(X, train=False), plain.forward(X), rtol=1e-14)


def test_about_a_share_p_of_the_units_is_dropped_and_the_seed_decides_which():
    first, again = ReLU(0.25, rng=7), ReLU(0.25, rng=7)
    assert 0.24 < (first.forward(np.ones((200, 100))) == 0).mean() < 0.26
    again.forward(np.ones((200, 100)))
    assert (first.mask == again.mask).all()


# ---- gradients: the engine, built by hand from lists of Values, and central differences ----------------------


def scalar_mlp(x, Ws, bs):
    """A network on lists of Values, ReLU between its layers."""
    for i, (W, b) in enumerate(zip(Ws, bs)):
        if i:
            x = [tg.relu(v) for v in x]
        x = [tg.dot(x, column) + bias for column, bias in zip(zip(*W), b[0])]
    return x


def scalar_cross_entropy(logits, labels):
    return tg.mean([tg.logsumexp(row) - tg.dot(row, list(label)) for row, label in zip(logits, labels)])


@pytest.mark.parametrize("network", [
    Chain([LinearMap(4, 4, rng=2)]), SingleLayerMLP(4, 4, hiddenlayer=6, rng=3), TwoLayerMLP(4, 4, 6, 5, rng=4)], ids=kind)
def test_a_network_with_its_loss_has_the_gradients_of_the_scalar_engine(network):
    loss = SoftmaxCrossEntropyLoss()
    computed = loss.forward(network.forward(X), LABELS)
    dX = network.backward(loss.backward())
    x, Ws, bs = values(X.tolist()), [values(W.tolist()) for W in network.getW()], [values(b.tolist()) for b in network.getb()]
    scalar = scalar_cross_entropy([scalar_mlp(row, Ws, bs) for row in x], LABELS)
    scalar.backward()
    assert computed == pytest.approx(scalar.data, **CLOSE)
    np.testing.assert_allclose(dX, grads(x), rtol=1e-11, atol=1e-14)
    for layer, W, b in zip(network.linear_maps(), Ws, bs):
        np.testing.assert_allclose(layer.dW, grads(W), rtol=1e-11, atol=1e-14)
        np.testing.assert_allclose(layer.db, grads(b), rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("network", [
    LinearMap(4, 3, rng=2), ReLU(), SingleLayerMLP(4, 3, hiddenlayer=6, rng=3), TwoLayerMLP(4, 3, 6, 5, rng=4)], ids=kind)
def test_gradients_by_x_match_central_differences(network):
    output = network.forward(X)
    weights = np.random.default_rng(1).normal(size=output.shape)
    claimed = network.backward(weights)
    for index in np.ndindex(X.shape):
        h = np.zeros(X.shape)
        h[index] = 1e-6
        slope = (weights * (network.forward(X + h) - network.forward(X - h))).sum() / 2e-6
        assert claimed[index] == pytest.approx(slope, rel=1e-6, abs=1e-8)


LAYERS = [
    LinearMap(4, 3, alpha=0.5, rng=2), ReLU(), ReLU(0.5, rng=3), ReLU(0.5, inverted=True, rng=3), TANH, SIGMOID,
    SingleLayerMLP(4, 3, hiddenlayer=6, rng=4), TwoLayerMLP(4, 3, 6, 5, rng=5),
    TwoLayerMLP(4, 3, 6, 5, dropout_probability=0.3, rng=6), SingleLayerMLP(4, 3, 6, 0, 0.3, inverted=True, rng=7),
]


@pytest.mark.parametrize("layer", LAYERS, ids=kind)
def test_every_layer_passes_the_check(layer):
    report = check_transform(layer, X)
    assert report, report
    assert report.against == "the scalar engine"


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_loss_passes_the_check(reduction):
    report = check_transform(SoftmaxCrossEntropyLoss(reduction), X, LABELS)
    assert report and report.against == "the scalar engine" and [finding.name for finding in report.findings] == ["x"]


def test_the_loss_stays_exact_for_logits_of_a_thousand():
    loss = SoftmaxCrossEntropyLoss()
    assert loss.forward([[1e3, 0, -1e3]], [[0, 1, 0]]) == 1000.0
    assert loss.backward().tolist() == [[1, -1, 0]]
    assert loss.forward([[1e3, 1e3]], [[0, 1]]) == math.log(2)


def test_a_sum_is_n_means():
    mean, total = SoftmaxCrossEntropyLoss(), SoftmaxCrossEntropyLoss("sum")
    assert total.forward(X, LABELS) == pytest.approx(5 * mean.forward(X, LABELS), **CLOSE)
    np.testing.assert_allclose(total.backward(), 5 * mean.backward(), rtol=1e-14)


def test_accuracy_is_the_share_of_largest_logits_at_the_label():
    loss = SoftmaxCrossEntropyLoss()
    loss.forward([[2, 1], [0, 1], [0, 1], [5, 4]], [[1, 0], [0, 1], [1, 0], [1, 0]])
    assert loss.getAccu() == 0.75


# ---- steps -------------------------------------------------------------------------------------------


def test_momentum_steps_are_the_lectures_formula():
    """G ← αG + g, θ ← θ − λG, also where λ changes on the way."""
    layer = LinearMap(1, 1, alpha=0.9, lr=0.1)
    layer.loadparams([[1.0]], [[-2.0]])
    G, theta = np.zeros(2), np.array([1.0, -2.0])
    for x, grad_wrt_out, lr in [(2.0, 1.0, 0.1), (-1.0, 3.0, 0.1), (0.5, -4.0, 0.01)]:
        layer.lr = lr
        layer.zerograd()
        layer.forward([[x]])
        layer.backward([[grad_wrt_out]])
        layer.step()
        G = 0.9 * G + np.array([x * grad_wrt_out, grad_wrt_out])
        theta = theta - lr * G
        assert [layer.getW()[0, 0], layer.getb()[0, 0]] == theta.tolist()


def test_loaded_parameters_start_without_momentum():
    layer = LinearMap(4, 2, alpha=0.9, rng=1)
    W, b = layer.getW(), layer.getb()
    after(layer, X).backward(np.ones((5, 2)))
    layer.step()
    layer.loadparams(W, b)
    layer.step()
    assert (layer.getW() == W).all() and (layer.getb() == b).all()


def test_without_zerograd_gradients_add_up():
    layer = after(LinearMap(4, 2, rng=1), X)
    layer.backward(np.ones((5, 2)))
    once = layer.dW.copy()
    layer.backward(np.ones((5, 2)))
    assert (layer.dW == 2 * once).all() and (layer.db == 10).all()
    layer.zerograd()
    assert not layer.dW.any() and not layer.db.any()


@pytest.mark.parametrize("network", [
    SingleLayerMLP(2, 2, hiddenlayer=16, alpha=0.9, lr=0.1, rng=1),
    TwoLayerMLP(2, 2, 16, 16, alpha=0.9, lr=0.1, rng=1)], ids=kind)
def test_a_small_network_learns_eight_points_by_heart(network):
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
    x = np.concatenate([corners, 3 * corners + 0.5])
    labels = np.eye(2)[[0, 1, 1, 0, 1, 0, 0, 1]]
    loss = SoftmaxCrossEntropyLoss()
    for _ in range(400):
        network.zerograd()
        value = loss.forward(network.forward(x), labels)
        network.backward(loss.backward())
        network.step()
    assert loss.getAccu() == 1 and value < 0.01


def test_the_same_seed_gives_the_same_network():
    first, second = (TwoLayerMLP(4, 3, 6, 5, dropout_probability=0.5, rng=9) for _ in range(2))
    assert (first.forward(X) == second.forward(X)).all()


# ---- the check catches mistakes ----------------------------------------------------------------------


class Planted(LinearMap):
    """A LinearMap whose backward takes its two gradients from functions of x, g and n."""

    weight_gradient = staticmethod(lambda x, g: x.T @ g)
    bias_gradient = staticmethod(lambda x, g: g.sum(axis=0, keepdims=True))
    input_gradient = staticmethod(lambda g, W: g @ W.T)

    def backward(self, grad_wrt_out):
        self.dW += self.weight_gradient(self.x, grad_wrt_out)
        self.db += self.bias_gradient(self.x, grad_wrt_out)
        return self.input_gradient(grad_wrt_out, self.W)


class TransposedWeights(Planted):
    input_gradient = staticmethod(lambda g, W: g @ W)


class TransposedGradient(Planted):
    weight_gradient = staticmethod(lambda x, g: (x.T @ g).T)


class MeanForSum(Planted):
    weight_gradient = staticmethod(lambda x, g: x.T @ g / len(x))


class FirstRowOnly(Planted):
    bias_gradient = staticmethod(lambda x, g: g[:1])


class Forgetful(LinearMap):
    def backward(self, grad_wrt_out):
        self.zerograd()             # as good as = for +=
        return super().backward(grad_wrt_out)


class Remembering(LinearMap):
    def zerograd(self):
        if not hasattr(self, "dW"):
            super().zerograd()


class NoMask(ReLU):
    def backward(self, grad_wrt_out):
        return grad_wrt_out * self.positive


class NoSlope(ReLU):
    def backward(self, grad_wrt_out):
        return grad_wrt_out * self.mask


class FreshMask(ReLU):
    def backward(self, grad_wrt_out):
        return grad_wrt_out * self.positive * self.draw_mask(grad_wrt_out.shape)


class ReturnsNothing(LinearMap):
    def backward(self, grad_wrt_out):
        super().backward(grad_wrt_out)


class FlatBias(LinearMap):
    def backward(self, grad_wrt_out):
        passed_on = super().backward(grad_wrt_out)
        self.db = self.db[0]
        return passed_on


class NotANumber(ReLU):
    def backward(self, grad_wrt_out):
        return super().backward(grad_wrt_out) * np.where(np.arange(4) == 2, np.nan, 1.0)


class NotDivided(SoftmaxCrossEntropyLoss):
    def backward(self):
        return self.probabilities - self.labels


def wrong_rows(report):
    return [finding.name for finding in report.findings if not finding.ok]


def test_the_planted_layer_is_right_without_its_mistakes():
    assert check_transform(Planted(4, 4, rng=1), X)


@pytest.mark.parametrize(("layer", "wrong"), [
    (TransposedWeights(4, 4, rng=1), ["x"]),
    (TransposedGradient(4, 4, rng=1), ["W", "W after 2 passes"]),
    (MeanForSum(4, 4, rng=1), ["W", "W after 2 passes"]),
    (FirstRowOnly(4, 4, rng=1), ["b", "b after 2 passes"]),
    (Forgetful(4, 4, rng=1), ["W after 2 passes", "b after 2 passes"]),
    (Remembering(4, 4, rng=1), ["W", "b", "W after 2 passes", "b after 2 passes"]),
    (NoMask(0.5, rng=1), ["x"]), (NoSlope(0.5, rng=1), ["x"]), (FreshMask(0.5, rng=1), ["x"]),
    (NotANumber(), ["x"]), (ReturnsNothing(4, 4, rng=1), ["x"]),
    (Chain([LinearMap(4, 4, rng=1), NoMask(0.5, rng=1), LinearMap(4, 2, rng=2)]),
     ["x", "layers[0].W", "layers[0].b", "layers[0].W after 2 passes", "layers[0].b after 2 passes"]),
], ids=lambda value: kind(value) if isinstance(value, Transform) else "")
def test_planted_mistakes_are_caught_at_the_gradient_they_are_in(layer, wrong):
    report = check_transform(layer, X)
    assert not report and wrong_rows(report) == wrong


def test_a_loss_that_is_not_divided_by_n_is_caught():
    assert not check_transform(NotDivided(), X, LABELS)
    assert check_transform(NotDivided("sum"), X, LABELS)


def test_the_report_names_the_gradient_the_place_and_both_numbers():
    class OneWrong(LinearMap):
        def backward(self, grad_wrt_out):
            passed_on = super().backward(grad_wrt_out)
            self.dW[2, 1] += 0.25
            return passed_on
    layer = OneWrong(4, 2, rng=1)
    report = check_transform(layer, X)
    row = next(row for row in report.findings if row.name == "W")
    assert row.index == (2, 1) and row.stored == pytest.approx(row.measured + 0.25)
    title, *lines = str(report).splitlines()
    assert title == "wrong: 5 gradients of OneWrong judged against the scalar engine"
    assert [line.split()[0] for line in lines] == ["wrong:", "wrong:", "right:", "right:", "right:"]
    assert lines[0] == f"  wrong: W at (2, 1): backward says {row.stored:.6g}, but it should be {row.measured:.6g}"
    assert all(line.endswith(" at most") for line in lines[2:])


def test_a_report_and_its_findings_answer_to_their_old_names_for_one_version():
    report = check_transform(ReturnsNothing(4, 4, rng=1), X)
    assert isinstance(report, matrix_layers.GradientReport) and isinstance(report.rows[0], matrix_layers.GradientRow)
    assert (report.kind, report.against, report.rows) == ("ReturnsNothing", "the scalar engine", report.findings)
    x, W, *_ = report.rows
    assert "returns nothing" in x.trouble and math.isnan(x.difference) and W.trouble == ""
    assert (W.got, W.true, W.difference) == (W.stored, W.measured, abs(W.stored - W.measured)) and W.ok and (W.op, W.origin) == ("", None)


def test_wrong_shapes_and_missing_gradients_are_said_in_words():
    assert "has shape (2,), should have (1, 2)" in check_transform(TwoColumns(), X).findings[2].text
    assert "backward returns nothing" in str(check_transform(ReturnsNothing(4, 4), X))

    class NoGradient(Transform):
        W = np.ones((4, 2))

        def forward(self, x):
            return x @ self.W

        def backward(self, grad_wrt_out):
            return grad_wrt_out @ self.W.T
    with pytest.raises(TypeError, match=r"NoGradient has a W but no gradient of it to compare.*dW"):
        check_transform(NoGradient(), X)


class TwoColumns(Planted):
    """Its bias gradient has lost a dimension."""

    def __init__(self):
        super().__init__(4, 2, rng=1)

    def backward(self, grad_wrt_out):
        self.db = np.zeros(2) + grad_wrt_out.sum(axis=0)
        self.dW = self.dW + self.x.T @ grad_wrt_out
        return grad_wrt_out @ self.W.T


class Student(Transform):
    """Parameters under other names, read and set by the homework's methods alone."""

    def __init__(self, right):
        self.weights, self.bias, self.right = np.arange(8.0).reshape(4, 2) / 7, np.zeros((1, 2)), right
        self.zerograd()

    def getW(self):
        return self.weights

    def getb(self):
        return self.bias

    def loadparams(self, W, b):
        self.weights, self.bias = W, b

    def zerograd(self):
        self.dW, self.db = np.zeros((4, 2)), np.zeros((1, 2))

    def forward(self, x):
        self.x, self.s = x, x @ self.weights + self.bias
        return np.maximum(self.s, 0) + np.tanh(self.s)

    def backward(self, grad_wrt_out):
        slope = (self.s > 0) + 1 - np.tanh(self.s) ** (2 if self.right else 1)
        self.dW += self.x.T @ (grad_wrt_out * slope)
        self.db += (grad_wrt_out * slope).sum(axis=0, keepdims=True)
        return (grad_wrt_out * slope) @ self.weights.T


def test_a_students_own_transform_is_checked_through_getW_and_loadparams():
    report = check_transform(Student(right=True), X)
    assert report and report.against == "the scalar engine" and {finding.name for finding in report.findings} >= {"x", "W", "b"}
    assert wrong_rows(check_transform(Student(right=False), X)) == [finding.name for finding in report.findings]


class Converting(Student):
    """Its forward turns everything to floats, so Values cannot pass."""

    def forward(self, x):
        return super().forward(np.array(x, float))


class BooleanMask(Transform):
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask

    def backward(self, grad_wrt_out):
        return grad_wrt_out * self.mask


class GlobalMask(Transform):
    """Dropout from numpy's own generator, and a boolean mask."""

    def forward(self, x):
        self.mask = np.random.rand(*x.shape) < 0.5
        return x * self.mask

    def backward(self, grad_wrt_out):
        return grad_wrt_out * self.mask


@pytest.mark.parametrize("layer", [Converting(True), BooleanMask(), GlobalMask()], ids=kind)
def test_where_values_cannot_pass_central_differences_are_used_and_the_report_says_so(layer):
    report = check_transform(layer, X)
    assert report, report
    assert report.against.startswith("central differences (forward does not run on Values: TypeError")


def test_central_differences_catch_mistakes_too():
    class Unmasked(BooleanMask):
        def backward(self, grad_wrt_out):
            return grad_wrt_out
    assert not check_transform(Unmasked(), X) and not check_transform(Converting(False), X)


class CutsTheGraph(BooleanMask):
    def forward(self, x):
        return super().forward(np.frompyfunc(lambda v: getattr(v, "data", v), 1, 1)(x).astype(float))


class OtherOnValues(BooleanMask):
    def forward(self, x):
        return super().forward(x) if x.dtype == float else 2 * x


@pytest.mark.parametrize(("layer", "why"), [
    (CutsTheGraph(), "TypeError: it made plain numbers of them"),
    (OtherOnValues(), "ValueError: it computed something else")], ids=["cuts", "other"])
def test_a_forward_that_is_not_itself_on_values_is_not_trusted(layer, why):
    report = check_transform(layer, X)
    assert report and why in report.against


def test_where_nothing_depends_on_the_input_the_gradient_is_zero():
    report = check_transform(ReLU(), -np.abs(X))
    assert report and report.against == "the scalar engine" and report.findings[0].measured == 0


class InPlace(Transform):
    """A layer that writes into what it is given, and into its own weights."""

    def __init__(self):
        self.W, self.dW = X[:1].copy(), np.zeros((1, 4))

    def forward(self, x):
        self.x = x.copy()
        y = x * self.W
        x[:], self.W[:] = 0.0, self.W * 1.0
        return y

    def backward(self, grad_wrt_out):
        self.dW += (grad_wrt_out * self.x).sum(axis=0, keepdims=True)
        grad_wrt_out *= self.W
        return grad_wrt_out

    def zerograd(self):
        self.dW[:] = 0


def test_a_layer_that_overwrites_its_arguments_is_still_compared_with_the_truth():
    report = check_transform(InPlace(), X)
    assert report, report
    assert report.against == "the scalar engine"


@pytest.mark.parametrize(("kind_of_layer", "error"), [(ReLU, 1e-7), (BooleanMask, 1e-4)])
def test_small_errors_are_caught_too(kind_of_layer, error):
    class Off(kind_of_layer):
        def backward(self, grad_wrt_out):
            return super().backward(grad_wrt_out) * (1 + error)
    assert check_transform(kind_of_layer(), X) and not check_transform(Off(), X)


def test_layers_held_as_attributes_are_found_by_name_and_once():
    class Own(Transform):
        def __init__(self):
            self.first, self.second = LinearMap(4, 3, rng=1), LinearMap(3, 2, rng=2)
            self.both = [self.first, self.second]

        def forward(self, x):
            return self.second.forward(self.first.forward(x))

        def backward(self, grad_wrt_out):
            return self.first.backward(self.second.backward(grad_wrt_out))

        def zerograd(self):
            self.first.zerograd()       # the second is forgotten
    assert wrong_rows(check_transform(Own(), X)) == [
        "second.W", "second.b", "second.W after 2 passes", "second.b after 2 passes"]


def test_the_check_leaves_the_layer_and_the_input_as_they_were():
    layer, x = TwoLayerMLP(4, 3, 6, 5, dropout_probability=0.5, rng=1), X.copy()
    twin = TwoLayerMLP(4, 3, 6, 5, dropout_probability=0.5, rng=1)
    np.random.seed(3)
    expected = np.random.rand()
    np.random.seed(3)
    check_transform(layer, x)
    check_transform(GlobalMask(), x)
    assert np.random.rand() == expected and (x == X).all()
    assert (layer.forward(X) == twin.forward(X)).all() and not layer.layers[0].dW.any()


def test_a_base_transform_has_no_forward_or_backward_of_its_own():
    for method in ("forward", "backward"):
        with pytest.raises(NotImplementedError, match=f"Transform has no {method}"):
            getattr(Transform(), method)(X)
    assert Transform().step() is None and Transform().zerograd() is None


# ---- numpy is optional ---------------------------------------------------------------------------------


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_the_package_itself_does_not_import_numpy():
    done = run("import sys, tinygrad_edu, tinygrad_edu.nn; print('numpy' in sys.modules)")
    assert done.stdout.strip() == "False", done.stderr


def test_without_numpy_one_line_says_what_to_install():
    done = run("import sys; sys.modules['numpy'] = None; import tinygrad_edu.nn.matrix_layers")
    assert done.stderr.strip().splitlines()[-1] == "ModuleNotFoundError: matrix layers need numpy: pip install numpy"


def test_a_step_with_a_bad_gradient_moves_nothing():
    layer = LinearMap(2, 2, rng=0)
    before = layer.getW()
    layer.dW[0, 1] = np.nan
    with pytest.raises(GradientError, match="nothing was changed"):
        layer.step()
    assert (layer.getW() == before).all()
