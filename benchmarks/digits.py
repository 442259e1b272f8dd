"""Handwritten digits: the command `tinygrad-edu train digits --hidden 32`, and beside it scikit-learn and PyTorch.

All have the command's examples, scales, sizes, optimizer, rate, batches and epochs, and one thread; for each of ten
seeds they train in turns.  Their figures are the share of right answers on the validation examples, and the seconds
of the training, on the clock of the wall.  First weights and the order of the examples are each library's own.
"""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from .contest import Effort, Figure, Process, Spread, progress
from .peers import OURS, Peer
from .training import Classifier, Fit, Loop, Trainer
from .worker import BY_SEED

SEEDS = range(10)
COMMAND = ["train", "digits", "--hidden", "32"]
RIGHT, SECONDS = 97.0, 3.0                  # the targets of our medians, in per cent and in seconds


# ---- who learns -------------------------------------------------------------------------------------------


class Task(NamedTuple):
    """What the command makes of one seed."""

    args: Any
    training: Any
    validation: Any
    scales: Any

    @property
    def rows(self) -> tuple[Any, Any]:
        """The inputs for training and validation, as the network takes them."""
        from tinygrad_edu.learn.data import scaled
        return scaled(self.training.inputs, self.scales), scaled(self.validation.inputs, self.scales)


def task_of(seed: int) -> Task:
    from tinygrad_edu.cli import argument_parser
    from tinygrad_edu.cli_train import examples_of, scales_of
    from tinygrad_edu.learn.data import split
    args = argument_parser().parse_args([*COMMAND, "--seed", str(seed)])
    training, validation = split(examples_of(args), args.validation, args.seed)
    return Task(args, training, validation, scales_of(training.inputs))


class BySeed(Trainer):
    """A trainer that is given the command's task."""

    clock = staticmethod(time.perf_counter)

    def learned(self, seed: int) -> tuple[float, float]:
        """(share of right answers, seconds)"""
        task = task_of(seed)
        self.inputs, others = task.rows
        self.targets, self.seed = task.training.targets, seed
        self.sizes = (len(self.inputs[0]), *task.args.hidden, 10)
        self.activation, self.batch = task.args.activation, task.args.batch_size
        seconds, guess = self.trained(task.args.epochs)
        return self.right(guess(others), task.validation.targets) / len(others), seconds


class LoopBySeed(BySeed, Loop):
    pass


class ClassifierBySeed(BySeed, Classifier):
    pass


class Command(Fit):
    """What the command scales and measures after each epoch is part of its time."""

    def learned(self, seed: int) -> tuple[float, float]:
        from tinygrad_edu.cli_train import train
        task = task_of(seed)
        model = self.library.MLP(len(task.training.features), [*task.args.hidden, 10], task.args.activation, rng=seed)
        start = time.perf_counter()
        history = train(task.args, model, task.training, task.validation, task.scales, None)
        return history.validation_accuracy[-1], time.perf_counter() - start


LEARNERS: dict[str, Peer] = {OURS: Command(), "PyTorch loop": LoopBySeed(), "scikit-learn": ClassifierBySeed()}


# ---- figures ----------------------------------------------------------------------------------------------


def seed_figures(effort: Effort) -> list[Figure]:
    """A row for each seed, one of medians, and our targets."""
    progress(f"{BY_SEED}: tinygrad-edu {' '.join(COMMAND)}")
    processes = {name: Process(name, BY_SEED, effort) for name in LEARNERS}
    notes = {name: process.hello.get("failed", "") for name, process in processes.items()}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in LEARNERS}
    try:
        for seed in SEEDS:
            progress(f"  seed {seed}")
            for name in LEARNERS:
                if not notes[name]:
                    reply = processes[name].ask({"seed": seed})
                    notes[name] = reply.get("failed", "")
                    found[name] += [] if notes[name] else [(100 * reply["right"], reply["seconds"])]
    finally:
        for process in processes.values():
            process.close()
    rows = [row for name in LEARNERS for row in rows_of(name, found[name], notes[name])]
    return rows + targets(found[OURS], notes[OURS])


def rows_of(name: str, results: Sequence[tuple[float, float]], note: str) -> list[Figure]:
    """Two columns of one peer, seed by seed; or why there are none."""
    if note:
        return [Figure(BY_SEED, name, "s", column=f"{OURS}, right", note=note)]
    rows = []
    for column, unit, numbers in zip((f"{name}, right", f"{name}, training"), ("%", "s"), zip(*results)):
        rows += [Figure(BY_SEED, f"seed {seed}", unit, Spread.of([number]), column=column)
                 for seed, number in zip(SEEDS, numbers)]
        rows.append(Figure(BY_SEED, "median", unit, Spread.of(numbers), column=column))
    return rows


def targets(results: Sequence[tuple[float, float]], note: str) -> list[Figure]:
    """Our medians; a spread goes from the worst seed to the best."""
    right = Figure(BY_SEED, f"{OURS}, right", "%", at_least=RIGHT, note=note)
    seconds = Figure(BY_SEED, f"{OURS}, training", "s", at_most=SECONDS, note=note)
    if not note:
        right.amount, seconds.amount = map(Spread.of, zip(*results))
    return [right, seconds]
