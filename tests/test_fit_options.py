"""`fit` with losses whose options are fixed beforehand, and with rates that go by the losses."""

import pickle
from functools import partial

import pytest

import tinygrad_edu as tg
from tinygrad_edu.learn import data
from tinygrad_edu.learn.examples import accuracy_of, classes_of, name_of, rule_of, threshold_of
from tinygrad_edu.nn.schedules import ReduceOnPlateau

pytestmark = pytest.mark.smoke

DATA = data.xor(40, 0.1, seed=0)


def trained(loss=None, targets=DATA.targets, seed=0, outputs=2, **options):
    """(history, weights)"""
    model = tg.MLP(2, [4, outputs], activation="tanh", rng=seed)
    options = {"epochs": 3, "lr": 0.05, "progress": False, "compiled": False} | options
    history = tg.fit(model, DATA.inputs, targets, loss=loss, **options)
    return history, model.state_dict()


# ---- losses with options


def test_a_loss_with_its_options_is_known_for_what_it_is():
    loss = partial(tg.cross_entropy, weight=[1.0, 2.0])
    assert rule_of(partial(loss, reduction="sum")) is tg.cross_entropy and rule_of(tg.mse) is tg.mse
    assert name_of(loss) == "cross_entropy(weight=[1.0, 2.0])" and name_of(tg.mse) == "mse"
    assert threshold_of(partial(tg.bce, weight=2.0)) == 0.5 and threshold_of(partial(tg.bce_with_logits, pos_weight=2.0)) == 0.0
    assert classes_of([0, 1], partial(tg.huber, delta=2.0)) == [] and classes_of([[0, 1]], loss) == [1]


def test_equal_weights_and_no_smoothing_train_as_nothing_does():
    plain, weights = trained()
    history, others = trained(partial(tg.cross_entropy, weight=[2.0, 2.0], label_smoothing=0.0))
    assert history.loss == pytest.approx(plain.loss, rel=1e-12) and others == pytest.approx(weights, rel=1e-9)
    assert history.accuracy == plain.accuracy and len(history.accuracy) == 3


def test_ignored_examples_count_neither_in_the_loss_nor_in_the_accuracy():
    wild = [t if i % 4 else -100 for i, t in enumerate(DATA.targets)]
    loss = partial(tg.cross_entropy, ignore_index=-100)
    history, weights = trained(loss, wild, batch_size=40, validation=(DATA.inputs, wild))
    kept = [i for i in range(40) if i % 4]
    model = tg.MLP(2, [4, 2], activation="tanh", rng=0)
    inputs, targets = [DATA.inputs[i] for i in kept], [DATA.targets[i] for i in kept]
    plain = tg.fit(model, inputs, targets, lr=0.05, epochs=3, batch_size=40, progress=False, validation=(inputs, targets))
    assert history.loss == pytest.approx(plain.loss, rel=1e-12) and weights == pytest.approx(model.state_dict(), rel=1e-9)
    assert (history.accuracy, history.validation_accuracy) == (plain.accuracy, plain.validation_accuracy)
    assert accuracy_of([True, None, False, None]) == 0.5 and accuracy_of([None]) is None
    assert accuracy_of([True, None, False], [3.0, 5.0, 1.0]) == 0.75


def test_a_batch_in_which_nothing_counts_stops_the_training_and_says_so():
    with pytest.raises(ValueError, match="every target is ignored, -100: the mean of nothing is no number"):
        trained(partial(tg.cross_entropy, ignore_index=-100), [-100] * 40)


def test_weights_of_classes_and_of_examples_at_once_are_refused():
    with pytest.raises(ValueError, match="the loss divides by a number that depends on the batch"):
        trained(partial(tg.cross_entropy, weight=[1.0, 2.0]), sample_weight=[1.0] * 40)


def test_a_checkpoint_of_other_options_is_refused(tmp_path):
    path = tmp_path / "run.json"
    trained(partial(tg.cross_entropy, label_smoothing=0.1), checkpoint=path)
    with pytest.raises(ValueError, match=r"was made with loss 'cross_entropy\(label_smoothing=0\.1\)', not 'cross_entropy'"):
        trained(tg.cross_entropy, checkpoint=path, epochs=4)
    assert len(trained(partial(tg.cross_entropy, label_smoothing=0.1), checkpoint=path, epochs=4)[0]) == 4


def test_one_output_per_class_is_asked_of_a_loss_with_options_too():
    with pytest.raises(ValueError, match="give it one output per class"):
        trained(partial(tg.cross_entropy, label_smoothing=0.1), outputs=1)


def test_a_loss_of_pairs_has_no_name_in_fit():
    with pytest.raises(ValueError, match="unknown loss 'margin_ranking'"):
        trained("margin_ranking")
    assert trained("SmoothL1Loss", [[0.0, 1.0]] * 40)[0].loss


# ---- rates that go by the losses

PLATEAU = ReduceOnPlateau(0.5, factor=0.5, patience=1, threshold=0.05)


@pytest.mark.parametrize("validation", [None, (DATA.inputs[:10], DATA.targets[:10])])
def test_a_plateau_lowers_the_rate_by_what_fit_measures(validation):
    history, _ = trained(schedule=PLATEAU, epochs=25, validation=validation)
    measured = history.validation_loss or history.loss
    assert history.lr == [PLATEAU.rate_after(measured[:k]) for k in range(25)]
    assert history.lr[0] == 0.5 and history.lr[-1] < 0.5


@pytest.mark.parametrize("compiled", [False, True])
def test_a_plateau_that_is_taken_up_again_goes_on_to_the_same_bits(tmp_path, compiled):
    if compiled:
        pytest.importorskip("numpy", reason="programs run on numpy")
    whole = trained(schedule=PLATEAU, epochs=20, compiled=compiled)
    for epochs in (7, 8, 20):
        parts = trained(schedule=PLATEAU, epochs=epochs, checkpoint=tmp_path / "run.json", compiled=compiled)
    assert (vars(parts[0]), parts[1]) == (vars(whole[0]), whole[1])


def test_schedules_can_be_pickled():
    assert pickle.loads(pickle.dumps(PLATEAU)) == PLATEAU
