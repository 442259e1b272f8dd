"""Training as a user meets it: `tg.fit`, a loop in PyTorch, and scikit-learn's classifier.

All have the same examples, network, optimizer and size of a batch.  Their first weights and the
order of the examples differ, so that results are not compared: a peer whose network is hardly
better than guessing is refused.
"""

import warnings
from collections.abc import Iterable
from importlib import import_module
from itertools import pairwise

from .peers import OURS, PURE, Answer, Ours, Peer, PyTorch, Unfit, clock, pure
from .workloads import Workload

RATE, BATCH = 0.01, 16
BETTER = 1.2                                # times as many right answers as guessing gives


class Trainer(Peer):
    """What the adapters share; a run is an epoch."""

    def ready(self, workload: Workload) -> None:
        task = workload.program
        try:
            examples = getattr(import_module("tinygrad_edu").data, task.data)(task.count)
        except ModuleNotFoundError as error:
            raise Unfit(str(error)) from None
        self.inputs, self.targets, self.sizes = examples.inputs, examples.targets, task.sizes

    def timed(self, numbers: list[float], runs: int) -> tuple[float, Answer]:
        """The seconds of so many epochs; there is no answer to compare."""
        seconds, classes = self.trained(runs)
        right = sum(int(guess) == target for guess, target in zip(classes, self.targets, strict=True))
        if right * self.sizes[-1] < BETTER * len(self.targets):
            raise Unfit(f"refused, has not learned: {right} of {len(self.targets)} right")
        return seconds, (0.0, [])

    def trained(self, epochs: int) -> tuple[float, Iterable[int]]:
        """The seconds of training alone, and the class that the network then gives each example."""
        raise NotImplementedError


class Fit(Trainer):
    package, module, install = Ours.package, Ours.module, Ours.install
    version = Ours.version

    def trained(self, epochs: int) -> tuple[float, Iterable[int]]:
        tg = self.library
        model = tg.MLP(self.sizes[0], self.sizes[1:], activation="relu", rng=0)
        start = clock()
        tg.fit(model, self.inputs, self.targets, lr=RATE, epochs=epochs, batch_size=BATCH, progress=False)
        seconds = clock() - start
        return seconds, [row.index(max(row)) for row in model.predict(self.inputs)]


class Loop(Trainer):
    package, module = PyTorch.package, PyTorch.module
    what = "`nn.Sequential`, `Adam`, and a loop over batches of a shuffled tensor, one thread"

    def trained(self, epochs: int) -> tuple[float, Iterable[int]]:
        torch = self.library
        torch.set_num_threads(1)
        torch.manual_seed(0)
        x, labels = torch.tensor(self.inputs), torch.tensor(self.targets)
        layers = [layer for size in pairwise(self.sizes) for layer in (torch.nn.Linear(*size), torch.nn.ReLU())]
        model = torch.nn.Sequential(*layers[:-1])
        optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
        start = clock()
        for _ in range(epochs):
            for batch in torch.randperm(len(x)).split(BATCH):
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(model(x[batch]), labels[batch]).backward()
                optimizer.step()
        return clock() - start, model(x).argmax(dim=1)


class Classifier(Trainer):
    package, module = "scikit-learn", "sklearn"
    what = "`MLPClassifier` with Adam"

    def trained(self, epochs: int) -> tuple[float, Iterable[int]]:
        model = import_module("sklearn.neural_network").MLPClassifier(
            self.sizes[1:-1], learning_rate_init=RATE, batch_size=BATCH, max_iter=epochs, random_state=0,
            n_iter_no_change=epochs)
        with warnings.catch_warnings(action="ignore"):          # that so few epochs are not enough
            start = clock()
            model.fit(self.inputs, self.targets)
            return clock() - start, model.predict(self.inputs)


TRAINERS: dict[str, Peer] = {OURS: Fit(), PURE: pure(Fit()), "PyTorch loop": Loop(), "scikit-learn": Classifier()}
