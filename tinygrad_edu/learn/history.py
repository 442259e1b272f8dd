"""What was measured while a model was trained, and what it says about the model."""

from dataclasses import dataclass, field

GAP = 0.1           # of accuracy between training and validation that we call overfitting
LOW = 0.9           # training accuracy below which we say underfitting


@dataclass
class History:
    """What was measured after each epoch; a list per quantity, empty where it was not measured.

    loss, accuracy                          of the training examples, as they were trained on
    validation_loss, validation_accuracy    of the others, after the epoch
    lr                                      the last learning rate of the epoch
    stopped                                 why training ended: "epochs", "early", "callback", "interrupted"
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    stopped: str = ""

    def __len__(self) -> int:
        return len(self.loss)

    def diagnosis(self) -> str:
        """Over- or underfitting, from the accuracies of the last epoch.

        The lecture: a big gap between training and validation means overfitting, so regularise
        more; no gap, and the model may be too small.  It gives no numbers; ours are a gap above
        0.1, and a training accuracy below 0.9.

        >>> History(loss=[0.1], accuracy=[0.99], validation_accuracy=[0.7]).diagnosis()
        'overfitting: training accuracy 0.99, validation 0.70; increase regularization strength, or get more data'
        """
        if not self.accuracy or not self.validation_accuracy:
            return "no diagnosis: it needs the accuracy on training and on validation examples"
        here, there = self.accuracy[-1], self.validation_accuracy[-1]
        seen = f"training accuracy {here:.2f}, validation {there:.2f}"
        if here - there > GAP:
            return f"overfitting: {seen}; increase regularization strength, or get more data"
        if here < LOW:
            return f"underfitting: {seen}; increase model capacity, or train longer"
        return f"a good fit: {seen}"
