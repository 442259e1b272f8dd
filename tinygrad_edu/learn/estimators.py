"""`MLP` and `fit` by the conventions of scikit-learn: for pipelines, searches over settings, and cross-validation."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

try:
    import numpy as np
    from numpy.typing import NDArray as Array
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.model_selection import train_test_split
    from sklearn.utils import check_random_state, compute_sample_weight
    from sklearn.utils.multiclass import check_classification_targets, unique_labels
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
except ImportError:                                     # also of scikit-learn before 1.6, which has no validate_data
    raise ModuleNotFoundError("tg.Classifier and tg.Regressor stand on scikit-learn 1.6 or later: "
                              'pip install "tinygrad-edu[data]"') from None

from ..nn import losses
from ..nn.checks import BETWEEN, NOT_NEGATIVE, checked_number, listed
from ..nn.modules import MLP
from ..nn.penalties import L2
from .fit import fit
from .gradients import Asked
from .history import History
from .named import optimizer_for, optimizer_named

SEEDS = 2 ** 31 - 1


class Network(BaseEstimator):
    """What classifier and regressor share: their settings, and the network that they train.

    `model_` is there once a network has learnt, so that nobody asks one whose training failed.
    """

    _loss: Callable
    model_: MLP
    history_: History

    def __init__(self, hidden: Sequence[int] = (32,), activation: str = "tanh", *, optimizer: str = "adam",
                 lr: float | None = None, epochs: int = 100, batch_size: int = 64, l2: float = 0.0,
                 patience: int | None = None, validation_fraction: float = 0.1, random_state: Any = None,
                 verbose: bool = False):
        self.hidden, self.activation = hidden, activation
        self.optimizer, self.lr, self.epochs, self.batch_size, self.l2 = optimizer, lr, epochs, batch_size, l2
        self.patience, self.validation_fraction = patience, validation_fraction
        self.random_state, self.verbose = random_state, verbose

    def _forget(self) -> None:
        """Nothing is learnt yet, or any more."""
        self.__dict__.pop("model_", None)

    def _new(self, outputs: int) -> MLP:
        """A network before it learns, and its optimizer."""
        self.seed_ = int(check_random_state(self.random_state).randint(SEEDS))
        sizes = [*listed("hidden", self.hidden), outputs]
        model = MLP(self.n_features_in_, sizes, self.activation, rng=self.seed_)
        optimizer_named(self.optimizer)
        self.optimizer_ = optimizer_for(self.optimizer, self.lr, model)
        self.n_iter_ = 0
        return model

    def _train(self, model: MLP, X: Array, targets: Array, weights: Array | None, epochs: int, patience: int | None
               ) -> None:
        """Let `fit` train the network, and keep a part of the examples apart where it stops early."""
        validation = None
        if patience is not None:
            X, targets, weights, validation = self._split(X, targets, weights)
        l2 = checked_number("l2", self.l2, NOT_NEGATIVE)
        self.history_ = fit(
            model, X.tolist(), targets.tolist(), loss=self._loss, optimizer=self.optimizer_, epochs=epochs,
            batch_size=self.batch_size, validation=validation, penalty=L2(l2) if l2 else None,
            seed=self.seed_ + self.n_iter_, patience=patience, progress=bool(self.verbose),
            sample_weight=None if weights is None else weights.tolist())
        self.model_, self.n_iter_ = model, self.n_iter_ + len(self.history_)
        if self.history_.stopped == "interrupted":
            warnings.warn(f"the training was interrupted in epoch {self.n_iter_ + 1}: the network keeps what it learnt "
                          "until then", stacklevel=4)

    def _split(self, X: Array, targets: Array, weights: Array | None) -> tuple[Array, Array, Array | None, Any]:
        """Examples for training, and the others, of which each counts once."""
        share = checked_number("validation_fraction", self.validation_fraction, BETWEEN)
        if np.ceil(share * len(X)) == len(X):
            raise ValueError(f"with patience, validation_fraction={share} of the examples is kept apart: of "
                             f"n_samples={len(X)} that leaves none to learn from")
        here, there = train_test_split(np.arange(len(X)), test_size=share, random_state=self.seed_,
                                       stratify=self._strata(targets))
        return X[here], targets[here], None if weights is None else weights[here], (
            X[there].tolist(), targets[there].tolist())

    def _strata(self, targets: Array) -> Array | None:
        """What is to be spread alike over both parts."""
        return None

    def _answers(self, X: Any) -> Array:
        """Of the network to these rows, a row of outputs for each."""
        check_is_fitted(self, "model_")
        rows = validate_data(self, X, reset=False, dtype=np.float64).tolist()
        return np.array(Asked(self.model_, 1)(rows), float).reshape(len(rows), -1)


class Classifier(ClassifierMixin, Network):
    """A multi-layer perceptron that tells classes apart, by the conventions of scikit-learn.

    hidden                sizes of the hidden layers; () is logistic regression
    activation            of these layers: a name such as "tanh" or "relu"
    optimizer             its name, such as "sgd"
    lr                    its learning rate (0.01; 0.001 for "lion", 1 for "adadelta")
    epochs                how often it sees all examples; `partial_fit` goes on for one
    batch_size            examples per step
    l2                    strength of L2 regularization, half of this times w², biases left out
    patience              stop early after so many epochs without a better loss on examples that are kept apart, and
                          keep the best weights
    validation_fraction   the share of examples that are kept apart for that
    class_weight          {label: weight}, or "balanced" for as much weight to rare classes as to others; it is
                          multiplied with `sample_weight`
    random_state          seed of the first weights, the order of the examples and those kept apart
    verbose               show a bar while it trains

    After `fit` it has

    model_                the `MLP`, whose outputs are logits: `tg.draw`, `tg.save` and all else of this package take it
    history_              the `History` of the last training
    classes_              the labels; output i of the model is for classes_[i]
    n_features_in_        how many numbers an example has
    feature_names_in_     their names, where X was a table with names
    n_iter_               how many epochs it was trained

    The loss is cross entropy; that of a batch is Σ wᵢlᵢ / Σ wᵢ, as `tg.fit` has it.  Scale the inputs, with a
    `StandardScaler` in a pipeline.  It needs scikit-learn: pip install "tinygrad-edu[data]"

    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> pets = make_pipeline(StandardScaler(), Classifier((4,), random_state=0))
    >>> weight_and_height = [[4.0, 0.3], [30.0, 0.6], [5.0, 0.2], [25.0, 0.5]]
    >>> pets.fit(weight_and_height, ["cat", "dog", "cat", "dog"]).predict([[28.0, 0.5], [4.5, 0.3]]).tolist()
    ['dog', 'cat']
    >>> pets[-1].model_
    MLP(2 -> 4 -> 2)  22 parameters
      layers.0: Layer(2 -> 4, tanh)  12 parameters
      layers.1: Layer(4 -> 2)  10 parameters
    """

    _loss = staticmethod(losses.cross_entropy)

    def __init__(self, hidden: Sequence[int] = (32,), activation: str = "tanh", *, optimizer: str = "adam",
                 lr: float | None = None, epochs: int = 100, batch_size: int = 64, l2: float = 0.0,
                 patience: int | None = None, validation_fraction: float = 0.1, class_weight: Any = None,
                 random_state: Any = None, verbose: bool = False):
        super().__init__(hidden, activation, optimizer=optimizer, lr=lr, epochs=epochs, batch_size=batch_size, l2=l2,
                         patience=patience, validation_fraction=validation_fraction, random_state=random_state,
                         verbose=verbose)
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "Classifier":
        """Train a new network on rows X and their labels y."""
        self._forget()
        X, y = self._checked(X, y, reset=True)
        self.classes_ = unique_labels(y)
        return self._learn(self._new(len(self.classes_)), X, y, sample_weight, self.epochs, self.patience)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> "Classifier":
        """Go on for one epoch with these examples; the first call names all classes there will be."""
        is_first = not hasattr(self, "model_")
        if self.class_weight == "balanced":
            raise ValueError('class_weight="balanced" needs all examples at once: give partial_fit a dict of weights')
        if is_first and classes is None:
            raise ValueError("the first call of partial_fit needs classes=, all labels that will ever come")
        X, y = self._checked(X, y, reset=is_first)
        if is_first:
            self.classes_ = unique_labels(classes)
        elif classes is not None and not np.array_equal(self.classes_, unique_labels(classes)):
            raise ValueError(f"classes={classes} are not those of the first call, {self.classes_.tolist()}")
        model = self._new(len(self.classes_)) if is_first else self.model_
        return self._learn(model, X, y, sample_weight, 1, None)

    def _checked(self, X: Any, y: Any, reset: bool) -> tuple[Array, Array]:
        """The examples as arrays.  reset: are these the first, which say how many numbers there are?"""
        X, y = validate_data(self, X, y, reset=reset, dtype=np.float64)
        check_classification_targets(y)
        return X, y

    def _new(self, outputs: int) -> MLP:
        if outputs < 2:
            raise ValueError(f"there is one class in y, {self.classes_[0]}: a classifier needs two to tell apart")
        return super()._new(outputs)

    def _learn(self, model: MLP, X: Array, y: Array, sample_weight: Any, epochs: int, patience: int | None
               ) -> "Classifier":
        """Train on the indices of the labels."""
        if strangers := sorted({*y.tolist()} - {*self.classes_.tolist()}):
            raise ValueError(f"y has labels that are none of the classes {self.classes_.tolist()}: {strangers}")
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=np.float64)
        targets = np.searchsorted(self.classes_, y)
        if self.class_weight is not None:
            ones = np.ones(len(y)) if weights is None else weights
            weights = ones * (balanced(targets, ones) if self.class_weight == "balanced" else
                              compute_sample_weight(self.class_weight, y))
        self._train(model, X, targets, weights, epochs, patience)
        return self

    def _strata(self, targets: Array) -> Array | None:
        """The classes, where each part can have examples of all."""
        counts = np.unique(targets, return_counts=True)[1]
        share = min(self.validation_fraction, 1 - self.validation_fraction)
        return targets if counts.min() >= 2 and share * len(targets) >= len(counts) else None

    def decision_function(self, X: Any) -> Array:
        """The logits: a row for each example, or for two classes how much the second is ahead."""
        logits = self._answers(X)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def predict(self, X: Any) -> Array:
        """The likeliest label of each row."""
        best = self._answers(X).argmax(axis=1)
        return self.classes_[best]

    def predict_proba(self, X: Any) -> Array:
        """The probabilities of the classes, a row for each example: the softmax of the logits."""
        return np.exp(self.predict_log_proba(X))

    def predict_log_proba(self, X: Any) -> Array:
        """Their logarithms, which keep their digits where a probability is nearly 0."""
        logits = self._answers(X)
        shifted = logits - logits.max(axis=1, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def balanced(targets: Array, weights: Array) -> Array:
    """For each example a weight that gives all classes the same in sum: W / (k W of its class), k classes weighing W.

    >>> balanced(np.array([0, 1, 1, 1]), np.ones(4)).round(2)
    array([2.  , 0.67, 0.67, 0.67])
    """
    of_class = np.bincount(targets, weights)
    there = of_class > 0
    shares = np.divide(of_class.sum() / there.sum(), of_class, out=np.zeros_like(of_class), where=there)
    return shares[targets]


class Regressor(RegressorMixin, Network):
    """A multi-layer perceptron that fits numbers, by the conventions of scikit-learn; its loss is the squared error.

    Its settings and attributes are those of `Classifier`, without classes.  Targets are a number for each example, or a
    row of them.  Scale large ones, by `sklearn.compose.TransformedTargetRegressor`: the network starts near 0.

    feature_names_in_     names of the columns, where X was a table with names

    >>> xs = [[x / 10] for x in range(-20, 21)]
    >>> parabola = Regressor((8,), lr=0.05, epochs=300, random_state=0).fit(xs, [x * x for [x] in xs])
    >>> parabola.score(xs, [x * x for [x] in xs]) > 0.99
    True
    """

    _loss = staticmethod(losses.mse)

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "Regressor":
        """Train a new network on rows X and their targets y."""
        self._forget()
        X, y = self._checked(X, y, reset=True)
        return self._learn(self._new(outputs_for(y)), X, y, sample_weight, self.epochs, self.patience)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> "Regressor":
        """Go on for one epoch with these examples."""
        is_first = not hasattr(self, "model_")
        X, y = self._checked(X, y, reset=is_first)
        model = self._new(outputs_for(y)) if is_first else self.model_
        return self._learn(model, X, y, sample_weight, 1, None)

    def _checked(self, X: Any, y: Any, reset: bool) -> tuple[Array, Array]:
        """The examples; a column of targets is the numbers in it."""
        X, y = validate_data(self, X, y, reset=reset, dtype=np.float64, multi_output=True, y_numeric=True)
        y = np.asarray(y, float)
        return X, y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y

    def _learn(self, model: MLP, X: Array, y: Array, sample_weight: Any, epochs: int, patience: int | None
               ) -> "Regressor":
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=np.float64)
        self._train(model, X, y, weights, epochs, patience)
        return self

    def predict(self, X: Any) -> Array:
        """A number for each row, or a row of numbers."""
        found = self._answers(X)
        return found[:, 0] if found.shape[1] == 1 else found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def outputs_for(targets: Array) -> int:
    """How many numbers each target has."""
    return 1 if targets.ndim == 1 else targets.shape[1]


__all__ = ["Classifier", "Regressor"]
