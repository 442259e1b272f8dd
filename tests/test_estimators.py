"""`tg.Classifier` and `tg.Regressor` by the conventions of scikit-learn."""

import math
import pickle
import subprocess
import sys
import warnings

import pytest

import tinygrad_edu as tg

pytest.importorskip("sklearn", reason='they stand on scikit-learn: pip install ".[data]"')

import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from tinygrad_edu.learn.estimators import balanced

IRIS = load_iris()
X, Y = StandardScaler().fit_transform(IRIS.data), IRIS.target
NAMES = IRIS.target_names[Y]

# ---- scikit-learn's own checks

SPLIT = "with patience a part of the examples is kept apart, and a repeated one may be in both parts"
STOPPING = "the examples kept apart each count once, so weights of 10,000,000 to 1 do not say when to stop"
ALL_AT_ONCE = "partial_fit refuses balanced weights: it does not see all examples"
FAIL = {
    ("Classifier", "patience"): {"check_sample_weight_equivalence_on_dense_data": SPLIT, "check_class_weight_classifiers": STOPPING},
    ("Regressor", "patience"): {"check_sample_weight_equivalence_on_dense_data": SPLIT},
    ("Classifier", "balanced"): dict.fromkeys(
        ["check_fit_score_takes_y", "check_n_features_in_after_fitting", "check_estimators_partial_fit_n_features"], ALL_AT_ONCE),
}
ESTIMATORS = [tg.Classifier(), tg.Regressor(), tg.Classifier((8,), "relu", epochs=20, l2=0.01, lr=0.1, patience=5),
              tg.Regressor((8,), "relu", epochs=20, l2=0.001, lr=0.1, patience=10),
              tg.Classifier((8,), epochs=20, lr=0.1, class_weight="balanced")]


def expected_failed_checks(estimator):
    special = "patience" if estimator.patience else "balanced" if getattr(estimator, "class_weight", None) else ""
    return FAIL.get((type(estimator).__name__, special), {})


@pytest.mark.skipif(tg.engine_name == "pure", reason="conventions do not depend on the engine, and both have the same bits; "
                                                     "this one would take five times as long")
@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected_failed_checks)
def test_scikit_learn_finds_its_conventions_kept(estimator, check):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning)
        check(estimator)


# ---- in scikit-learn's company


def test_digits_are_learned_in_a_pipeline():
    digits = load_digits()
    parts = train_test_split(digits.data, digits.target, test_size=0.25, random_state=0, stratify=digits.target)
    pipeline = make_pipeline(StandardScaler(), tg.Classifier((32,), epochs=20, batch_size=32, random_state=0))
    assert pipeline.fit(parts[0], parts[2]).score(parts[1], parts[3]) > 0.94


def test_settings_are_searched_and_scores_cross_validated_in_two_processes():
    search = GridSearchCV(make_pipeline(StandardScaler(), tg.Classifier(epochs=30, random_state=0)),
                          {"classifier__hidden": [(), (4,)], "classifier__lr": [1e-6, 0.05]}, cv=3, n_jobs=2)
    search.fit(IRIS.data, NAMES)
    assert search.best_params_["classifier__lr"] == 0.05 and search.best_score_ > 0.9
    scores = cross_val_score(tg.Regressor((8,), lr=0.03, random_state=0), X[:, :3], X[:, 3], cv=3, scoring="r2")
    assert len(scores) == 3 and np.isfinite(scores).all()


@pytest.mark.parametrize("make", [lambda: tg.Classifier(epochs=5, random_state=0), lambda: tg.Regressor(epochs=5, random_state=0)])
def test_clones_and_pickles_learn_and_say_the_same_bits(make):
    first = make().fit(X, Y)
    again, copied = clone(first).fit(X, Y), pickle.loads(pickle.dumps(first))
    assert (first.predict(X) == again.predict(X)).all() and (first.predict(X) == copied.predict(X)).all()
    assert first.model_.state_dict() == again.model_.state_dict() == copied.model_.state_dict()
    copied.partial_fit(X, Y)
    first.partial_fit(X, Y)
    assert first.model_.state_dict() == copied.model_.state_dict() != again.model_.state_dict()


def test_it_is_fit_on_an_mlp_with_the_same_bits():
    ours = tg.Classifier((4,), "relu", optimizer="momentum", lr=0.05, epochs=3, batch_size=16, l2=0.01, random_state=0).fit(X, NAMES)
    model = tg.MLP(4, [4, 3], "relu", rng=ours.seed_)
    history = tg.fit(model, X.tolist(), Y.tolist(), optimizer="momentum", lr=0.05, epochs=3, batch_size=16, penalty=tg.L2(0.01),
                     seed=ours.seed_, progress=False)
    assert ours.model_.state_dict() == model.state_dict() and ours.history_ == history and ours.n_iter_ == 3
    assert (ours.predict(X) == ours.classes_[[np.argmax(row) for row in model.predict(X.tolist())]]).all()
    assert "<svg" in tg.draw(ours.model_).svg and list(ours.classes_) == ["setosa", "versicolor", "virginica"]


def test_probabilities_are_the_softmax_of_the_logits():
    three = tg.Classifier(epochs=2, random_state=0).fit(X, NAMES)
    assert three.predict_proba(X) == pytest.approx(np.array([tg.softmax(row) for row in three.decision_function(X).tolist()]), rel=1e-13)
    assert three.predict_log_proba(X) == pytest.approx(np.array([tg.log_softmax(row) for row in three.decision_function(X).tolist()]))
    two = tg.Classifier(epochs=2, random_state=0).fit(X[:100], NAMES[:100])
    assert two.predict_proba(X)[:, 1] == pytest.approx([tg.sigmoid(z) for z in two.decision_function(X).tolist()])
    far = tg.Classifier((), epochs=0, random_state=0).fit(X[:100], NAMES[:100])
    assert np.isfinite(far.predict_log_proba(1e6 * X)).all() and (far.predict_proba(1e6 * X) == 0).any()


def test_several_numbers_are_fitted_at_once():
    both = tg.Regressor((16,), lr=0.03, random_state=0).fit(X[:, :2], X[:, 2:])
    assert both.predict(X[:5, :2]).shape == (5, 2) and both.score(X[:, :2], X[:, 2:]) > 0.8
    column, numbers = (tg.Regressor((4,), epochs=3, random_state=0).fit(X[:, :3], y).predict(X[:, :3]) for y in (X[:, 3:], X[:, 3]))
    assert column.shape == (150,) and (column == numbers).all()


@pytest.mark.parametrize("make", [tg.Classifier, tg.Regressor])
def test_patience_keeps_the_best_weights(make):
    stopped = make((16,), "relu", lr=0.3, epochs=60, patience=3, validation_fraction=0.2, random_state=1).fit(X, Y)
    history = stopped.history_
    short = make((16,), "relu", lr=0.3, epochs=history.best_epoch() + 1, patience=60, validation_fraction=0.2, random_state=1).fit(X, Y)
    assert history.stopped == "early" and stopped.n_iter_ == len(history) < 60
    assert stopped.model_.state_dict() == short.model_.state_dict()


# ---- weights


def test_a_class_weight_is_the_sample_weight_of_its_examples():
    of_class = tg.Classifier(epochs=3, class_weight={"setosa": 3.0, "virginica": 0.5}, random_state=0).fit(X, NAMES)
    weights = np.select([NAMES == "setosa", NAMES == "virginica"], [3.0, 0.5], 1.0)
    of_sample = tg.Classifier(epochs=3, random_state=0).fit(X, NAMES, sample_weight=weights)
    assert of_class.model_.state_dict() == of_sample.model_.state_dict()
    both = tg.Classifier(epochs=3, class_weight={"setosa": 3.0, "virginica": 0.5}, random_state=0).fit(X, NAMES, sample_weight=weights)
    assert both.model_.state_dict() == tg.Classifier(epochs=3, random_state=0).fit(X, NAMES, sample_weight=weights ** 2).model_.state_dict()


def test_balanced_weights_give_every_class_the_same_in_sum():
    targets, weights = np.array([0, 0, 0, 1, 2, 2]), np.array([1.0, 2.0, 0.0, 4.0, 1.0, 0.0])
    sums = np.bincount(targets, balanced(targets, weights) * weights)
    assert sums == pytest.approx([8 / 3] * 3) and math.fsum(sums) == pytest.approx(8)
    assert np.isfinite(balanced(targets, np.array([1.0, 1, 1, 0, 1, 1]))).all()
    rare = np.r_[0:50, 50:55]
    plain, fair = (tg.Classifier(epochs=3, class_weight=weight, random_state=0).fit(X[rare], NAMES[rare]) for weight in (None, "balanced"))
    assert fair.predict_proba(X[:100])[:, 1].mean() > plain.predict_proba(X[:100])[:, 1].mean()


# ---- partial_fit


def test_partial_fit_sees_classes_that_come_later_and_goes_on_as_its_optimizer_was():
    parts = tg.Classifier((8,), lr=0.05, random_state=0)
    for _ in range(40):
        for label in range(3):
            parts.partial_fit(X[label::3], NAMES[label::3], classes=IRIS.target_names)
    assert parts.score(X, NAMES) > 0.9 and parts.n_iter_ == 120 and parts.optimizer_.steps_taken == 120


@pytest.mark.parametrize("call, error, words", [
    (lambda: tg.Classifier().partial_fit(X, Y), ValueError, "first call of partial_fit needs classes="),
    (lambda: tg.Classifier().partial_fit(X, Y, classes=[0, 1]), ValueError, r"none of the classes \[0, 1\]: \[2\]"),
    (lambda: tg.Classifier().partial_fit(X, Y, classes=[0, 1, 2]).partial_fit(X, Y, classes=[0, 1]), ValueError, "not those of the first call"),
    (lambda: tg.Classifier(class_weight="balanced").partial_fit(X, Y, classes=[0, 1, 2]), ValueError, "give partial_fit a dict"),
    (lambda: tg.Classifier().fit(X, np.zeros(150)), ValueError, "one class in y"),
    (lambda: tg.Classifier(hidden=8).fit(X, Y), TypeError, "hidden must be a list"), (lambda: tg.Classifier(l2=-1).fit(X, Y), ValueError, "l2 must be"),
    (lambda: tg.Classifier(optimizer="adma").fit(X, Y), ValueError, "did you mean 'adam'"),
    (lambda: tg.Classifier(optimizer=tg.SGD([tg.Value(0.0)])).fit(X, Y), TypeError, "optimizer is given by its name"),
    (lambda: tg.Classifier(patience=1, validation_fraction=2).fit(X, Y), ValueError, "validation_fraction must be above 0 and below 1, got 2"),
    (lambda: tg.Regressor(patience=1, validation_fraction=0.999).fit(X, Y), ValueError, "validation_fraction=0.999 .* n_samples=150 that leaves none"),
    (lambda: tg.Regressor(epochs=-1).fit(X, Y), ValueError, "epochs"), (lambda: tg.Regressor().fit(X, Y, sample_weight=-np.ones(150)), ValueError, "sample_weight"),
    (lambda: tg.Regressor().predict(X), NotFittedError, "not fitted")])
def test_mistakes_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call()


FAILURES = [{"lr": -1}, {"optimizer": "adma"}, {"epochs": -1}, {"hidden": 8}]


@pytest.mark.parametrize("wrong", FAILURES)
def test_a_training_that_failed_leaves_no_network_to_ask_and_nothing_in_the_way_of_the_next(wrong):
    right = {name: getattr(tg.Classifier(epochs=3), name) for name in wrong}
    for first in (lambda it: it, lambda it: it.fit(X, Y), lambda it: it.fit(X[:, :2], NAMES)):
        network = first(tg.Classifier(epochs=3, random_state=0))
        with pytest.raises((ValueError, TypeError)):
            network.set_params(**wrong).fit(X, Y)
        with pytest.raises(NotFittedError):
            network.predict(X)
        again = network.set_params(**right).partial_fit(X, Y, classes=[0, 1, 2])
        other = tg.Classifier(epochs=3, random_state=0).partial_fit(X, Y, classes=[0, 1, 2])
        assert again.model_.state_dict() == other.model_.state_dict() and again.n_iter_ == 1


def test_a_first_call_of_partial_fit_that_failed_is_none():
    network = tg.Classifier(random_state=0)
    for classes, y, sample_weight in (([0, 1], Y, None), ([0], Y, None), ([0, 1, 2], Y, -np.ones(150)), ([0, 1, 2], Y[:10], None)):
        with pytest.raises(ValueError):
            network.partial_fit(X, y, classes=classes, sample_weight=sample_weight)
        with pytest.raises(NotFittedError):
            network.predict(X)
    assert network.partial_fit(X, Y, classes=[0, 1, 2]).n_iter_ == 1


def test_an_interruption_is_told_and_what_was_learnt_is_kept(monkeypatch):
    learn = tg.SGD.step

    def step(self):
        learn(self)
        if self.steps_taken == 7:
            raise KeyboardInterrupt
    monkeypatch.setattr(tg.SGD, "step", step)
    with pytest.warns(UserWarning, match="interrupted in epoch 3") as caught:
        stopped = tg.Classifier(optimizer="sgd", batch_size=50, random_state=0).fit(X, Y)
    assert caught[0].filename == __file__ and stopped.n_iter_ == 2 and stopped.predict(X).shape == (150,)


# ---- without scikit-learn


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_the_package_does_not_load_scikit_learn_until_an_estimator_is_asked_for():
    done = python("import sys; from tinygrad_edu import *; import tinygrad_edu as tg\n"
                  "assert not {'sklearn', 'numpy', 'scipy'} & {*sys.modules} and {'Classifier', 'Regressor'} < {*dir(tg)}\n"
                  "tg.Classifier(); assert 'sklearn' in sys.modules")
    assert done.returncode == 0, done.stderr


def test_help_of_the_package_does_without_it():
    done = python("import sys, pydoc; sys.modules['sklearn'] = None; import tinygrad_edu as tg\n"
                  "assert 'Classifier' not in dir(tg) and 'MLP' in pydoc.render_doc(tg)")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["Classifier", "Regressor"])
def test_without_it_one_line_says_how_to_get_it(name):
    done = python(f"import sys; sys.modules['sklearn'] = None\nfrom tinygrad_edu import {name}")
    assert done.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: tg.Classifier and tg.Regressor stand on scikit-learn 1.6 or later: pip install \"tinygrad-edu[data]\"")
