"""Sample weights in `fit`: Σ wᵢlᵢ / Σ wᵢ, by graphs and by programs."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.learn.fit import fit
from tinygrad_edu.learn.named import LOSSES
from tinygrad_edu.learn.sample_weights import Reduction, Weighted, checked_weights
from tinygrad_edu.nn.modules import Dropout, Layer, Sequential

INPUTS = [[math.sin(3 * i + j) for j in range(3)] for i in range(12)]
CLASSES = [i * i % 3 for i in range(12)]
ONE_HOT = [[float(k == c) for k in range(3)] for c in CLASSES]
NUMBERS = [[math.cos(i + k) for k in range(3)] for i in range(12)]
TARGETS = {"hinge": [[2 * x - 1 for x in row] for row in ONE_HOT], "kl_divergence": [[0.2, 0.3, 0.5]] * 12, "bce": ONE_HOT,
           "bce_with_logits": ONE_HOT, "cross_entropy": CLASSES, "nll": CLASSES, "brier": CLASSES}
ENDS = {"nll": tg.log_softmax, "kl_divergence": tg.softmax, "brier": tg.softmax, "bce": lambda row: [tg.sigmoid(x) for x in row]}
SUMS = ("sum_squared_error", "half_squared_error")
WEIGHTS = [2, 0, 1, 1, 0.25, 3, 0, 1, 2, 1.5, 1, 1]


def network(loss, *middle):
    return Sequential(Layer(3, 2, "tanh", rng=0), *middle, Layer(2, 3, rng=1), *([ENDS[loss]] if loss in ENDS else []))


def trained(loss, rows=range(12), weights=None, middle=(), **options):
    """(history, weights of the model) after training on these rows of the examples."""
    model, targets = network(loss, *middle), TARGETS.get(loss, NUMBERS)
    history = fit(model, [INPUTS[i] for i in rows], [targets[i] for i in rows], loss=loss, sample_weight=weights, progress=False,
                  **{"epochs": 2, "batch_size": 5, "compiled": False, **options})
    return history, [*model.state_dict().values()]


def same(found, expected, digits=1e-12):
    return found[1] == pytest.approx(expected[1], rel=digits, abs=digits) and found[0].loss == pytest.approx(expected[0].loss, rel=digits) and (
        found[0].accuracy == pytest.approx(expected[0].accuracy))


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_a_weight_of_2_is_the_example_twice_and_one_of_0_is_none(loss):
    weights, twice = [2, 1, 0, 1, 3, 1, 1, 0, 1, 1, 2, 1], [0, 0, 1, 3, 4, 4, 4, 5, 6, 8, 9, 10, 10, 11]
    assert same(trained(loss, weights=weights, batch_size=50), trained(loss, twice, batch_size=50))


@pytest.mark.parametrize("loss", sorted(LOSSES))
@pytest.mark.parametrize("batch_size", [1, 5])
def test_weights_of_1_change_no_bit(loss, batch_size):
    assert trained(loss, weights=[1] * 12, batch_size=batch_size) == trained(loss, batch_size=batch_size)


@settings(max_examples=15)
@given(st.lists(st.sampled_from([0, 0.5, 1, 2]), min_size=12, max_size=12).filter(any), st.integers(1, 12))
def test_an_example_of_weight_0_is_as_if_it_were_not_there_to_the_last_bit(weights, batch_size):
    there = [i for i, weight in enumerate(weights) if weight]
    whole = trained("cross_entropy", weights=weights, batch_size=batch_size, epochs=1, middle=[Dropout(0.3, seed=3)])
    part = trained("cross_entropy", there, [weights[i] for i in there], batch_size=batch_size, epochs=1, middle=[Dropout(0.3, seed=3)])
    assert whole == part


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_the_gradient_is_that_of_the_formula(loss):
    """One step of gradient descent at rate 1: Σ wᵢlᵢ / Σ wᵢ, or Σ wᵢlᵢ for a sum, of the losses of the examples alone."""
    model, targets = network(loss), TARGETS.get(loss, NUMBERS)
    alone = [LOSSES[loss]([model(x)], [t]) for x, t in zip(INPUTS, targets)]
    weighted = tg.sum([w * each for w, each in zip(WEIGHTS, alone)])
    whole = weighted if loss in SUMS else weighted / math.fsum(WEIGHTS)
    whole.backward()
    expected = [p.data - p.grad for p in model.parameters()]
    history, found = trained(loss, weights=WEIGHTS, batch_size=12, epochs=1, optimizer="sgd", lr=1.0)
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-14) and history.loss == pytest.approx([whole.data])


def test_all_weights_times_a_number_are_the_same_training_where_the_loss_is_a_mean():
    assert same(trained("mse", weights=[3 * w for w in WEIGHTS]), trained("mse", weights=WEIGHTS))
    assert not same(trained("sum_squared_error", weights=[3 * w for w in WEIGHTS], optimizer="sgd"),
                    trained("sum_squared_error", weights=WEIGHTS, optimizer="sgd"))


def test_accuracy_is_the_share_of_the_weight_that_is_right():
    model = Layer(2, 2, rng=0)
    for p, x in zip(model.parameters(), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)):
        p.data = x
    rows, right = [[2.0, 1.0], [0.0, 5.0], [3.0, 4.0]], [True, False, False]
    history = fit(model, rows, [0, 0, 0], sample_weight=[3, 2, 1], epochs=1, lr=0.0, progress=False,
                  validation=(rows, [0, 0, 0]))
    assert [model.predict(row) == row for row in rows] == [True] * 3
    assert history.accuracy == [3 / 6] and history.validation_accuracy == [sum(right) / 3]


# ---- programs


@pytest.mark.parametrize("loss", sorted(LOSSES))
@pytest.mark.parametrize("batch_size", [1, 5])
def test_programs_have_the_bits_of_graphs(loss, batch_size):
    pytest.importorskip("numpy", reason="programs run on numpy: pip install numpy")
    options = {"weights": WEIGHTS, "batch_size": batch_size, "penalty": tg.L2(0.01), "middle": [Dropout(0.3, seed=3)],
               "validation": (INPUTS[:4], TARGETS.get(loss, NUMBERS)[:4])}
    by_graph = trained(loss, **options)
    options["middle"] = [Dropout(0.3, seed=3)]
    assert trained(loss, compiled=True, **options) == by_graph


def own_mean(predictions, targets):
    return tg.mean([(p[0] - t[0]) ** 2 * 3 for p, t in zip(predictions, targets)])


def own_sum_by_class(predictions, targets):
    return tg.sum([tg.softplus(-p[t]) for p, t in zip(predictions, targets)])


@pytest.mark.parametrize("loss, targets", [(own_mean, NUMBERS), (own_sum_by_class, CLASSES)])
def test_a_loss_of_ones_own_is_weighed_too(loss, targets):
    def fitted(rows, weights, **options):
        model = network("mse")
        fit(model, [INPUTS[i] for i in rows], [targets[i] for i in rows], loss=loss, sample_weight=weights, epochs=3, progress=False, **options)
        return [*model.state_dict().values()]
    weights, twice = [2, 1, 0] + [1] * 9, [0, 0, 1, *range(3, 12)]
    assert fitted(range(12), weights, batch_size=50) == pytest.approx(fitted(twice, None, batch_size=50), rel=1e-12)
    if loss is own_mean:
        pytest.importorskip("numpy", reason="programs run on numpy: pip install numpy")
        assert fitted(range(12), WEIGHTS, compiled=True) == fitted(range(12), WEIGHTS, compiled=False)


# ---- what cannot be done is refused


def sum_over_length(predictions, targets):
    return tg.sum([(p[0] - t[0]) ** 2 for p, t in zip(predictions, targets)]) / len(predictions)


def weighted_by_class(predictions, targets):
    shares = [1.0 + 2.0 * (t[0] > 0) for t in targets]
    return tg.sum([share * (p[0] - t[0]) ** 2 for share, p, t in zip(shares, predictions, targets)]) / math.fsum(shares)


def largest(predictions, targets):
    return tg.max([(p[0] - t[0]) ** 2 for p, t in zip(predictions, targets)])


def without_the_first(predictions, targets):
    return tg.mean([(p[0] - t[0]) ** 2 * float(i > 0) for i, (p, t) in enumerate(zip(predictions, targets))])


def without_some(predictions, targets):
    return tg.mean([(p[0] - t[0]) ** 2 for p, t in zip(predictions, targets) if t[0] > -0.9])


@pytest.mark.parametrize("loss", [sum_over_length, weighted_by_class, largest, without_the_first, without_some])
def test_a_loss_that_does_not_say_what_an_example_loses_is_refused(loss):
    model = network("mse")
    with pytest.raises(ValueError, match=r"sample_weight: .*; it must be tg.mean or tg.sum of one loss"):
        fit(model, INPUTS, NUMBERS, loss=loss, sample_weight=WEIGHTS, batch_size=12, progress=False)


def fitted_with(rows, weights, **options):
    """The weights of a model that was trained by a cross entropy with these options."""
    model = network("mse")
    fit(model, [INPUTS[i] for i in rows], [CLASSES[i] for i in rows], loss=lambda p, t: tg.cross_entropy(p, t, **options),
        sample_weight=weights, epochs=2, batch_size=50, progress=False)
    return [*model.state_dict().values()]


@pytest.mark.parametrize("options", [{"label_smoothing": 0.1}, {"weight": [1.0, 2.0, 3.0], "reduction": "sum"}])
def test_options_of_a_loss_that_leave_each_example_its_own_go_with_weights(options):
    once, twice = fitted_with(range(12), [2, 1, 0, *[1] * 9], **options), fitted_with([0, 0, 1, *range(3, 12)], None, **options)
    assert once == pytest.approx(twice, rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("options", [{"weight": [1.0, 2.0, 3.0]}, {"ignore_index": 1}, {"ignore_index": 1, "reduction": "sum"}])
def test_options_of_a_loss_that_count_the_examples_in_their_own_way_are_refused_beside_weights(options):
    with pytest.raises(ValueError, match="can be put into sample_weight, and 0 for an example to be ignored"):
        fitted_with(range(12), [1.0] * 12, **options)


@pytest.mark.parametrize("weights, error, words", [
    ([1] * 11, ValueError, "12 training examples, 11 weights"), ([1] * 11 + [-1], ValueError, r"sample_weight\[11\] must be at least 0 and finite, got -1"),
    ([math.nan] + [1] * 11, ValueError, r"sample_weight\[0\] must be at least 0 and finite, got nan"), ([math.inf] * 12, ValueError, "got inf"),
    ([0] * 12, ValueError, "every sample_weight is 0"), ([1e308] * 12, ValueError, "the sum of all would not be finite"),
    (["1"] * 12, TypeError, r"sample_weight\[0\]"), (2.0, TypeError, "sample_weight must be a list"), ([[1]] * 12, TypeError, r"sample_weight\[0\]")])
def test_weights_that_cannot_be_meant_are_refused_before_the_training(weights, error, words):
    with pytest.raises(error, match=words):
        trained("mse", weights=weights)


def test_a_checkpoint_of_other_weights_is_refused(tmp_path):
    path = tmp_path / "run.json"
    trained("mse", weights=WEIGHTS, epochs=1, checkpoint=path)
    with pytest.raises(ValueError, match="was made with examples"):
        trained("mse", checkpoint=path)
    again, whole = trained("mse", weights=WEIGHTS, checkpoint=path), trained("mse", weights=WEIGHTS)
    assert again[1] == whole[1]


def test_weights_may_be_an_array():
    numpy = pytest.importorskip("numpy", reason="this test is about arrays: pip install numpy")
    assert trained("mse", weights=numpy.array(WEIGHTS)) == trained("mse", weights=WEIGHTS)
    assert checked_weights(numpy.array([1, 2], "int8"), 2) == [1.0, 2.0]


@pytest.mark.parametrize("terms, op", [(1, tg.mean), (3, tg.sum)])
def test_a_reduction_says_how_the_loss_was_made(terms, op):
    def loss(predictions, targets):
        return op([p[k] for p in predictions for k in range(terms)]) / 2
    assert Weighted(network("mse"), loss, INPUTS, NUMBERS, [1.0] * 12).reduction == Reduction(terms, op, 2.0)
