"""Training as a user meets it: `tg.fit`, a loop in PyTorch, and scikit-learn's classifier.

All have the same examples, network, optimizer and size of a batch.  Their first weights and the
order of the examples differ, so that results are not compared: a peer whose network is hardly
better than guessing is refused.
"""

import warnings
from collections.abc import Callable, Iterable
from importlib import import_module
from itertools import pairwise

from .peers import OURS, PURE, Answer, Ours, Peer, PyTorch, Unfit, clock, pure
from .workloads import Workload

RATE, BATCH = 0.01, 16
Guess = Callable[[list[list[float]]], Iterable[int]]
BETTER = 1.2                                # times as many right answers as guessing gives


class Trainer(Peer):
    """What the adapters share; a run is an epoch."""

    activation, batch, seed = "relu", BATCH, 0
    clock = staticmethod(clock)

    def ready(self, workload: Workload) -> None:
        task = workload.program
        try:
            examples = getattr(import_module("tinygrad_edu").data, task.data)(task.count)
        except ModuleNotFoundError as error:
            raise Unfit(str(error)) from None
        self.inputs, self.targets, self.sizes = examples.inputs, examples.targets, task.sizes

    def timed(self, numbers: list[float], runs: int) -> tuple[float, Answer]:
        """The seconds of so many epochs; there is no answer to compare."""
        seconds, guess = self.trained(runs)
        right = self.right(guess(self.inputs), self.targets)
        if right * self.sizes[-1] < BETTER * len(self.targets):
            raise Unfit(f"refused, has not learned: {right} of {len(self.targets)} right")
        return seconds, (0.0, [])

    def right(self, classes: Iterable[int], targets: Iterable[int]) -> int:
        return sum(int(guess) == target for guess, target in zip(classes, targets, strict=True))

    def trained(self, epochs: int) -> tuple[float, Guess]:
        """The seconds of training alone, and what then gives rows their classes."""
        raise NotImplementedError


class Fit(Trainer):
    package, module, install = Ours.package, Ours.module, Ours.install
    version = Ours.version

    def trained(self, epochs: int) -> tuple[float, Guess]:
        tg = self.library
        model = tg.MLP(self.sizes[0], self.sizes[1:], activation=self.activation, rng=self.seed)
        start = self.clock()
        tg.fit(model, self.inputs, self.targets, lr=RATE, epochs=epochs, batch_size=self.batch, progress=False)
        seconds = self.clock() - start
        return seconds, lambda rows: [row.index(max(row)) for row in model.predict(rows)]


class Loop(Trainer):
    package, module = PyTorch.package, PyTorch.module
    what = "`nn.Sequential`, `Adam`, and a loop over batches of a shuffled tensor, one thread"

    def trained(self, epochs: int) -> tuple[float, Guess]:
        torch = self.library
        torch.set_num_threads(1)
        torch.manual_seed(self.seed)
        x, labels = torch.tensor(self.inputs), torch.tensor(self.targets)
        bent = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}[self.activation]
        layers = [layer for size in pairwise(self.sizes) for layer in (torch.nn.Linear(*size), bent())]
        model = torch.nn.Sequential(*layers[:-1])
        optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
        start = self.clock()
        for _ in range(epochs):
            for batch in torch.randperm(len(x)).split(self.batch):
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(model(x[batch]), labels[batch]).backward()
                optimizer.step()
        return self.clock() - start, lambda rows: model(torch.tensor(rows)).argmax(dim=1)


class Classifier(Trainer):
    package, module = "scikit-learn", "sklearn"
    what = "`MLPClassifier` with Adam"

    def trained(self, epochs: int) -> tuple[float, Guess]:
        model = import_module("sklearn.neural_network").MLPClassifier(
            self.sizes[1:-1], self.activation, learning_rate_init=RATE, batch_size=self.batch, max_iter=epochs,
            random_state=self.seed, n_iter_no_change=epochs)
        with warnings.catch_warnings(action="ignore"):          # that so few epochs are not enough
            start = self.clock()
            model.fit(self.inputs, self.targets)
            return self.clock() - start, model.predict


TRAINERS: dict[str, Peer] = {OURS: Fit(), PURE: pure(Fit()), "PyTorch loop": Loop(), "scikit-learn": Classifier()}
