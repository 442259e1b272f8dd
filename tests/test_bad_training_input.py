"""Every kind of bad input to training, in one table: the error, the words of its message, nothing changed."""

import math

import pytest

import tinygrad_edu as tg
from tinygrad_edu import MLP, SGD, Adam, Momentum, Value


def weights():
    return [Value(1.0, label="a"), Value(2.0, label="b"), Value(3.0), Value(4.0)]


W = weights()
EXHAUSTED = iter([])


def stepped(optimizer, *gradients):
    for parameter, gradient in zip(optimizer.parameters, gradients):
        parameter.grad = gradient
    optimizer.step()


ROWS = [
    # parameters
    (lambda: SGD([]), ValueError, "no parameters"), (lambda: SGD(EXHAUSTED), ValueError, "no parameters"),
    (lambda: SGD(W[0]), TypeError, "list"), (lambda: SGD([1.0]), TypeError, "0"), (lambda: SGD([W[0] * 2]), (TypeError, ValueError), "0"),
    (lambda: SGD([W[0], W[1], W[2], W[0]]), ValueError, "same parameter twice: index 0 and 3"),
    # settings
    *[(lambda lr=lr: SGD(W, lr=lr), (ValueError, TypeError), "lr") for lr in (-1.0, 0, math.nan, math.inf, "0.1", True)],
    *[(lambda m=m: Momentum(W, momentum=m), (ValueError, TypeError), "momentum") for m in (-0.1, 1.0, math.nan, "0.9")],
    *[(lambda b=b: Adam(W, betas=b), (ValueError, TypeError), "betas") for b in ((0.9,), (0.9, 1.0), (-0.1, 0.9), 0.9)],
    (lambda: Adam(W, eps=0.0), ValueError, "eps"), (lambda: Adam(W, eps=-1e-8), ValueError, "eps"),
    (lambda: SGD(W, weight_decay=-0.1), ValueError, "weight_decay"),
    # steps
    (lambda: stepped(SGD(weights()), 1.0, math.nan, 1.0, 1.0), tg.GradientError, "nan"),
    (lambda: stepped(SGD(weights()), 1.0, 1.0, math.inf, 1.0), tg.GradientError, "inf"),
    (lambda: SGD(weights()).step(), RuntimeError, "backward"),
    # losses
    (lambda: tg.mse([1.0, 2.0, 3.0], [1.0]), ValueError, "3 predictions, 1 target"), (lambda: tg.mse(1.0, [1.0]), ValueError, "number against a list"),
    (lambda: tg.mse([], []), ValueError, "empty"), (lambda: tg.softmax([]), ValueError, "empty"), (lambda: tg.max([]), ValueError, "empty"),
    (lambda: tg.mean([]), ValueError, "empty"), (lambda: tg.cross_entropy([1.0, 2.0, 3.0], 5), IndexError, r"target 5, but 3 classes \(0\.\.2\)"),
    (lambda: tg.cross_entropy([1.0, 2.0], -1), IndexError, "target -1"), (lambda: tg.cross_entropy([1.0, 2.0], 1.0), TypeError, "1.0"),
    (lambda: tg.cross_entropy([1.0, 2.0], True), TypeError, "True"), (lambda: tg.brier([1.2, -0.2], 0), ValueError, r"\[0\] is 1\.2"),
    (lambda: tg.brier([math.nan, 1.0], 0), ValueError, r"\[0\] is nan"), (lambda: tg.kl_divergence([0.5, 0.4], [0.5, 0.5]), ValueError, "sum to 0.9"),
    # networks
    (lambda: MLP(3, [1])([1.0, 2.0]), ValueError, "layer 0 expects 3 inputs, got 2"), (lambda: MLP(3, [0]), ValueError, "got 0"),
    (lambda: MLP(3, [2.5]), ValueError, "got 2.5"), (lambda: MLP(3, [-1]), ValueError, "got -1"), (lambda: MLP(3, []), ValueError, "at least one layer"),
    (lambda: MLP(3, [2, 1], "rleu"), ValueError, "'rleu'; the names are .*relu"),
]


@pytest.mark.parametrize("row", range(len(ROWS)))
def test_bad_input_names_itself_and_changes_nothing(row):
    call, error, words = ROWS[row]
    before = [(w.data, w.grad) for w in W]
    with pytest.raises(error, match=words):
        call()
    assert [(w.data, w.grad) for w in W] == before


def test_no_weight_moves_when_one_gradient_is_bad():
    optimizer = Adam(weights())
    with pytest.raises(tg.GradientError):
        stepped(optimizer, 1.0, 1.0, 1.0, math.nan)
    assert [w.data for w in optimizer.parameters] == [1.0, 2.0, 3.0, 4.0]
