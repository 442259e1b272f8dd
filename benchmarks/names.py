"""The scalar GPT of notebook 12, trained by programs: one for each length of name, and batches of 16 names of a length.

A run is an epoch, of which the time of a name is given: loss, gradients and the step of Adam.  A length that has no
whole number of batches has names twice in its last one.
"""

from collections import defaultdict
from typing import Any

from .batch_peers import EXACT, FAST, Batcher
from .batches import Batch
from .gpt_compiled import batch_of, code, example, loss_of, new_weights
from .peers import Answer, Ours

SIZE = 16
GRADIENTS = f"{EXACT}, without Adam"


def batches() -> list[list[str]]:
    """The names of the notebook, 16 of a length at a time."""
    alike = defaultdict(list)
    for name in code()["names"]:
        alike[len(name)].append(name)
    return [(names[start:] + names * SIZE)[:SIZE] for _, names in sorted(alike.items())
            for start in range(0, len(names), SIZE)]


def names_batch() -> Batch:
    names = [name for batch in batches() for name in batch]
    return Batch(f"a name of the scalar GPT, in batches of {SIZE}", {}, (names,), loss_of, per_row=True)


class Names(Batcher):
    package, module, install = Ours.package, Ours.module, Ours.install
    version = Ours.version
    what = "`tg.compile` of the loss of a name, once for each length, and `tg.Adam`"
    contracts, fast, moves = False, False, True

    def load(self) -> None:
        self.given = [(len(names[0]), batch_of(names)) for names in batches()]
        self.weights = new_weights()
        self.leaves = code()["all_of"](self.weights)

    def make(self) -> None:
        f = loss_of(self.weights)
        self.programs = {length: self.library.compile(f, example(length), fast=self.fast)
                         for length in dict(self.given)}
        used = {leaf for program in self.programs.values() for leaf in program.parameters}
        self.moved = [leaf for leaf in self.leaves if leaf in used]
        self.restart()

    def restart(self) -> None:
        """Begin with the weights of the notebook, and with an optimizer that has seen nothing."""
        for leaf, new in zip(self.leaves, code()["all_of"](new_weights()), strict=True):
            leaf.data, leaf.grad = new.data, 0.0
        self.optimizer = self.library.Adam(self.moved, lr=0.001)

    def step(self) -> float:
        return self.epoch(self.moves)

    def epoch(self, moves: bool) -> float:
        """The sum of the losses of all batches."""
        total = 0.0
        for length, letters in self.given:
            total += self.gradients(length, letters)
            if moves:
                self.optimizer.step()
                self.optimizer.zero_grad()
        return total

    def gradients(self, length: int, letters: Any) -> float:
        return self.programs[length].backward(letters)

    def forward(self) -> Any:
        return [self.programs[length](letters) for length, letters in self.given]

    def answer(self) -> Answer:
        """The losses of an epoch, and the weights after it."""
        self.restart()
        return self.epoch(moves=True), [leaf.data for leaf in self.leaves]


class FastNames(Names):
    what = "the same with `fast=True`"
    contracts, fast = True, True


class Gradients(Names):
    what = "loss and gradients alone"
    moves = False


NAMERS: dict[str, Batcher] = {EXACT: Names(), FAST: FastNames(), GRADIENTS: Gradients()}
