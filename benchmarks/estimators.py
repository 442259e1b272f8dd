"""Digits by `tg.Classifier` and by scikit-learn's `MLPClassifier`, each in a pipeline with a `StandardScaler`.

`python -m benchmarks.estimators --write docs/estimators.md` writes the table into that page, between MARKS.  Both have
the same network, optimizer, rate, size of a batch, epochs and examples, and one thread.  They train in turns, in one
process, first the one and then the other; for each seed the digits are split anew.  First weights and the order of the
examples are each library's own, so that their shares of right answers differ a little.
"""

import argparse
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

from .__main__ import load, machine
from .contest import Spread
from .marks import with_table
from .report import between, markdown, median_of, written

MARKS = "<!-- digits -->\n", "<!-- end of digits -->\n"
SEEDS = range(10)
HIDDEN, ACTIVATION, RATE, BATCH, EPOCHS = (32,), "relu", 0.01, 32, 30
OURS, THEIRS = "tg.Classifier", "MLPClassifier"


class Result(NamedTuple):
    """right: the share of right answers on examples that were not trained on, in per cent; seconds: of `fit`"""

    right: float
    seconds: float


def ours(seed: int) -> Any:
    import tinygrad_edu as tg
    return tg.Classifier(HIDDEN, ACTIVATION, lr=RATE, batch_size=BATCH, epochs=EPOCHS, random_state=seed)


def theirs(seed: int) -> Any:
    from sklearn.neural_network import MLPClassifier
    return MLPClassifier(HIDDEN, ACTIVATION, learning_rate_init=RATE, batch_size=BATCH, max_iter=EPOCHS, alpha=0.0,
                         n_iter_no_change=EPOCHS, random_state=seed)


MAKERS: dict[str, Callable[[int], Any]] = {OURS: ours, THEIRS: theirs}


def result_of(name: str, seed: int) -> Result:
    """Of a new pipeline, on a quarter of the digits."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits
    images, digits = load_digits(return_X_y=True)
    here, there, targets, others = train_test_split(images, digits, test_size=0.25, random_state=seed, stratify=digits)
    pipeline = make_pipeline(StandardScaler(), MAKERS[name](seed))
    with threadpool_limits(1), warnings.catch_warnings(action="ignore"):        # that so few epochs are not enough
        start = perf_counter()
        pipeline.fit(here, targets)
        seconds = perf_counter() - start
    return Result(100 * pipeline.score(there, others), seconds)


def measured(seeds: range = SEEDS) -> dict[str, list[Result]]:
    """The results by each seed; a round before them, which loads the libraries, is not counted."""
    found: dict[str, list[Result]] = {name: [] for name in MAKERS}
    for seed in [seeds[0], *seeds]:
        print(f"seed {seed}", file=sys.stderr, flush=True)
        for name, results in found.items():
            results.append(result_of(name, seed))
    return {name: results[1:] for name, results in found.items()}


def table(found: dict[str, list[Result]], busy: float) -> str:
    """A row for each of the two: medians over the seeds, with the lowest and the highest; and both times divided.

    busy   how many processes of all programs were busy before
    """
    head = ["by", "right, median", "lowest to highest", "time of `fit`, median", "shortest to longest"]
    rows = []
    for name, results in found.items():
        right, seconds = map(Spread.of, zip(*results))
        rows.append([f"`{name}`", median_of(right, "%"), between(right, "%"), median_of(seconds, "s"),
                     between(seconds, "s")])
    ratio = Spread.of([a.seconds / b.seconds for a, b in zip(found[THEIRS], found[OURS])])
    return markdown(head, rows) + (
        f"\n\nSeed by seed, `{THEIRS}` took {written(ratio.middle)} times as long as `{OURS}` "
        f"({written(ratio.low)} to {written(ratio.high)}). One thread for each, on {machine()}; "
        f"{busy} processes were busy before.")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.estimators", description=(
        "Digits by tg.Classifier and by scikit-learn's MLPClassifier, in turns."))
    parser.add_argument("--write", metavar="FILE", type=Path, help="write it into that page instead of printing it")
    args = parser.parse_args()
    busy = load()
    made = table(measured(), busy)
    if args.write:
        page = args.write.read_text(encoding="utf-8")
        args.write.write_text(with_table(page, MARKS, made), encoding="utf-8", newline="\n")
    else:
        print(made)


if __name__ == "__main__":
    main()
