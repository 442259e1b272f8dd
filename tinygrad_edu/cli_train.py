"""The commands `train` and `predict`: a network from the command line, and what it says of new examples."""

import argparse
import inspect
import math
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .engine.composites import softmax
from .engine.errors import DomainError, GradientError
from .engine.number import printable
from .files import checked_ending, checked_target
from .learn import data as sets
from .learn.animation import Film
from .learn.data import Data, from_csv, mean_and_deviation, scaled, split
from .learn.examples import class_of
from .learn.fit import fit
from .learn.history import History, percent
from .learn.logs import ENDINGS as LOGS
from .learn.named import optimizer_named, optimizers_by_name
from .learn.recipe import Recipe, trained
from .learn.sanity import check_training
from .nn.modules import MLP, activation_named
from .nn.penalties import L2
from .nn.weights import is_safetensors, save
from .show.export import KINDS
from .show.page import ENDINGS
from .show.plane import LARGEST
from .show.plots import decision_boundary, figure_class, loss_curves, text_curve

SETS = ("moons", "circles", "blobs", "spirals", "xor", "yin_yang", "digits", "noisy_sine")
TRAIN_EXAMPLES = """examples:
  tinygrad-edu train moons --hidden 16 16 --optimizer adam --epochs 50 --plot out.png --save model.json
  tinygrad-edu train xor --hidden 8 --epochs 40 --animate training.html
  tinygrad-edu train iris.csv --label species --save iris.json"""
PREDICT_EXAMPLES = """examples:
  tinygrad-edu predict model.json 0.5 -0.25
  tinygrad-edu predict iris.json 5.1 3.5 1.4 0.2"""


def add_train(add: Any) -> None:
    add("data", metavar="DATA", help=f"one of {', '.join(SETS)}, or a CSV file")
    add("--label", help="the column of a CSV file that is to be learned")
    add("--count", type=int, help="how many examples of a made data set")
    add("--noise", type=float, help="how noisy a made data set is")
    add("--hidden", type=int, nargs="*", default=[16, 16], metavar="N", help="sizes of the hidden layers (16 16)")
    add("--activation", default="tanh", help="of the hidden layers (%(default)s)")
    add("--optimizer", default="adam", metavar="NAME",
        help=f"one of {', '.join(sorted(optimizers_by_name()))} (%(default)s)")
    add("--lr", type=float, help="the learning rate (0.01; 0.001 for lion, 1 for adadelta)")
    add("--l2", type=float, default=0.0, metavar="STRENGTH",
        help="L2 regularization, half of this times w², biases left out (0)")
    add("--epochs", type=int, default=50, help="(%(default)s)")
    add("--batch-size", type=int, default=16, help="examples per step (%(default)s)")
    add("--validation", type=float, default=0.25, help="share of the examples kept apart (%(default)s)")
    add("--seed", type=int, default=0, help="of data, weights and order (%(default)s)")
    add("--check", action="store_true", help="first go through the checks before a long training")
    add("--restore-best", action="store_true", help="end with the weights of the epoch of the lowest validation loss")
    add("--log", metavar="FILE", help="write a line after each epoch to this file: .csv or .jsonl (JSON lines)")
    add("--plot", metavar="FILE", help="draw the decision boundary or the loss curves: .png, .svg or .pdf")
    add("--animate", metavar="FILE", help="write a page on which the training can be watched: .html")
    add("--save", metavar="FILE", help="write the trained weights to this file: JSON, or .safetensors")


def add_predict(add: Any) -> None:
    add("model", metavar="MODEL", help="a file that train --save wrote")
    add("numbers", metavar="NUMBER", nargs="+", help="the inputs of one example")


def run_train(args: argparse.Namespace) -> None:
    """Train a network, report how that went, and write the files that were asked for."""
    check_targets(args)
    optimizer_named(args.optimizer)
    if args.epochs < 1:
        raise ValueError(f"--epochs must be at least 1, got {args.epochs}")
    training, validation = split(examples_of(args), args.validation, args.seed)
    if training.classes and len(set(training.targets)) < 2:
        only = printable(training.classes[int(training.targets[0])])
        raise ValueError(f"there is nothing to learn: all {len(training)} training examples are of the class {only!r}")
    scales = scales_of(training.inputs)
    activation = activation_named(args.activation).__name__
    recipe = Recipe(len(training.features), [*args.hidden, len(training.classes) or 1], activation,
                    list(training.features), list(training.classes), [list(scale) for scale in scales])
    model = recipe.built(args.seed)
    film = film_of(args, model, training, validation, scales)
    print(f"{training!r}\n{model!r}\n")
    if args.check:
        print(check_training(model, scaled(training.inputs, scales), training.targets), end="\n\n")
    history = train(args, model, training, validation, scales, film)
    report(history)
    if args.restore_best:
        best = history.best_epoch()
        print(f"kept the weights of epoch {best + 1}: validation loss {history.validation_loss[best]:.4f}")
    write_results(args, model, recipe, history, validation, scales, film)


def scales_of(inputs: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
    """The mean and the deviation of each column; (0, 1) where all numbers are from 0 to 1, as grey values are.

    Those have one unit, and the deviation of a corner that is nearly always white would blow up the rest of it.

    >>> scales_of([[0.0, 0.5], [1.0, 0.25]]), scales_of([[1.0, 8.0], [3.0, 8.0]])
    ([(0.0, 1.0), (0.0, 1.0)], [(2.0, 1.0), (0.0, 1.0)])
    """
    if all(0 <= x <= 1 for row in inputs for x in row):
        return [(0.0, 1.0)] * len(inputs[0])
    return [mean_and_deviation(column) for column in zip(*inputs)]


def train(args: argparse.Namespace, model: MLP, training: Data, validation: Data,
          scales: Sequence[Sequence[float]], film: Film | None) -> History:
    """Train the model on scaled inputs; a training that explodes is an error with a remedy."""
    inputs, others = scaled(training.inputs, scales), scaled(validation.inputs, scales)
    try:
        history = fit(model, inputs, training.targets, optimizer=args.optimizer, lr=args.lr, epochs=args.epochs,
                      batch_size=args.batch_size, validation=(others, validation.targets), seed=args.seed,
                      penalty=L2(args.l2) if args.l2 else None, callbacks=[film] if film else [],
                      restore_best=args.restore_best, log=args.log)
    except (DomainError, GradientError) as error:
        if film:
            print(f"wrote {printable(film.page(film.broken_off(error)).save(args.animate))}")
        raise ValueError(f"the training exploded ({error}): a smaller --lr may help") from None
    if not len(history):
        raise KeyboardInterrupt             # before the first epoch: nothing worth a file
    return history


def write_results(args: argparse.Namespace, model: MLP, recipe: Recipe, history: History, validation: Data,
                  scales: Sequence[Sequence[float]], film: Film | None) -> None:
    """Write the weights, the plot and the page, as far as they were asked for; the log is there already."""
    if args.log:
        print(f"wrote {printable(args.log)}")
    if args.save:
        save(model, args.save, vars(recipe))
        print(f"wrote {printable(args.save)}")
    if args.plot:
        plot(args.plot, model, history, validation, scales)
        print(f"wrote {printable(args.plot)}")
    if film:
        print(f"wrote {printable(film.page(history).save(args.animate))}")


def film_of(args: argparse.Namespace, model: MLP, training: Data, validation: Data,
            scales: Sequence[Sequence[float]]) -> Film | None:
    """What records the training for --animate, in the units of the data."""
    if not args.animate:
        return None
    return Film(model, training, args.epochs, validation=validation, seen=lambda rows: scaled(rows, scales))


def check_targets(args: argparse.Namespace) -> None:
    """Find out before the training, not after it, that its result cannot be written."""
    if args.plot:
        checked_ending(args.plot, KINDS, "plots")
        figure_class()
    if args.animate:
        checked_ending(args.animate, ENDINGS, "pages")
    if args.log:
        checked_ending(args.log, LOGS, "logs")
    if args.save and is_safetensors(args.save):
        from .nn import safe_weights  # noqa: F401 (whoever lacks what it needs is told so)
    for target in (args.save, args.log, args.plot, args.animate):
        if target and not Path(target).absolute().parent.is_dir():
            raise ValueError(f"{target}: there is no folder {Path(target).parent}")
        if target and Path(target).is_dir():
            raise ValueError(f"{target} is a folder: name a file in it")
        if target:
            checked_target(target)
    targets = [Path(target).absolute() for target in (args.save, args.log, args.plot, args.animate) if target]
    if len(set(targets)) < len(targets):
        raise ValueError(f"two results would be written to one file: {', '.join(map(str, targets))}")


def examples_of(args: argparse.Namespace) -> Data:
    """The data set named on the command line."""
    if args.data in SETS:
        if args.label is not None:
            raise ValueError(f"--label is for CSV files; {args.data} has its own classes")
        made = getattr(sets, args.data)
        given = {name: x for name, x in (("count", args.count), ("noise", args.noise)) if x is not None}
        for name in given:
            if name not in inspect.signature(made).parameters:
                raise ValueError(f"{args.data} takes no --{name}")
        return made(seed=args.seed, **given)
    if Path(args.data).suffix.lower() != ".csv":
        raise ValueError(f"{args.data!r} is neither a CSV file nor one of {', '.join(SETS)}")
    if args.label is None:
        raise ValueError(f"which column of {args.data} is to be learned? give --label NAME")
    if args.count is not None or args.noise is not None:
        raise ValueError("--count and --noise are for made data sets, not for CSV files")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = from_csv(args.data, args.label)
    for warning in caught:
        print(f"tinygrad-edu: {printable(warning.message)}", file=sys.stderr)
    return data


def report(history: History) -> None:
    """The loss curve and the last figures."""
    only_ascii = "utf" not in (sys.stdout.encoding or "").lower()
    if not abs(history.loss[-1]) <= LARGEST:
        print("the loss has grown beyond all measure: the training exploded, a smaller --lr may help")
    elif len(history) > 1:
        print(text_curve(history.loss, ascii=only_ascii, name="training loss", counted="epoch"))
    epochs = f"{len(history)} epoch{'s' * (len(history) != 1)}"
    print(f"after {epochs} ({history.stopped}): training loss {history.loss[-1]:.4f}, "
          f"validation loss {history.validation_loss[-1]:.4f}")
    if history.accuracy:
        shares = percent(history.accuracy[-1]), percent(history.validation_accuracy[-1])
        print("accuracy: training {}, validation {}".format(*shares))
        print(history.diagnosis())


def plot(target: str, model: MLP, history: History, validation: Data, scales: Sequence[Sequence[float]]) -> None:
    """The decision boundary over the validation examples where there are two inputs, else the loss curves."""
    two = len(validation.features) == 2 and validation.classes
    figure = decision_boundary(lambda row: model.predict(scaled([row], scales)[0]), validation) if two else (
        loss_curves(history))
    figure.savefig(target)


def run_predict(args: argparse.Namespace) -> None:
    """Print what a saved network makes of one example."""
    recipe, model = trained(args.model)
    features, classes = recipe.features, recipe.classes
    try:
        numbers = [float(text) for text in args.numbers]
    except ValueError:
        raise ValueError("the inputs are numbers with a decimal point, such as 0.5, "
                         f"got {' '.join(args.numbers)}") from None
    if len(numbers) != len(features):
        raise ValueError(f"the model takes {len(features)} numbers ({', '.join(features)}), got {len(numbers)}")
    if not all(map(math.isfinite, numbers)):
        raise ValueError(f"the inputs must be finite, got {' '.join(args.numbers)}")
    output = model.predict(recipe.scaled([numbers])[0])
    if not classes:
        print(f"{output:.6g}")
        return
    print(printable(classes[class_of(output)]))
    for name, probability in zip(classes, softmax(output)):
        print(f"  {printable(name)}  {probability:.4f}")
