"""The best weights of a training, kept until its end."""

import warnings
from typing import Any

from ..nn.modules import Module
from .history import History


class Best:
    """The weights after the best epoch so far, that of the smallest validation loss (training loss without one).

    epoch     its index in the history; None before the first
    weights   those of the model then, or None where nobody kept them
    """

    def __init__(self, model: Module):
        self.model = model
        self.epoch: int | None = None
        self.weights: dict[str, float] | None = None

    def look(self, history: History) -> None:
        """Keep the weights of now, if the last epoch is better than all before."""
        if (best := history.best_epoch()) != self.epoch:
            self.epoch, self.weights = best, self.model.state_dict()

    def restore(self) -> None:
        """Give the model the best weights."""
        if self.weights is not None:
            self.model.load_state_dict(self.weights)
        elif self.epoch is not None:
            warnings.warn(f"the model keeps its last weights: the checkpoint was written without those of its best "
                          f"epoch, {self.epoch + 1}, and no later one was better", stacklevel=4)

    # ---- checkpoints

    def state_dict(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "weights": self.weights}

    def resume(self, state: dict[str, Any] | None, history: History) -> None:
        """Go on from what a checkpoint has; one without it still has the weights of its last epoch."""
        if state is None:
            self.epoch = history.best_epoch() if len(history) else None
            self.weights = self.model.state_dict() if self.epoch == len(history) - 1 else None
        else:
            self.epoch, self.weights = state["epoch"], state["weights"]
