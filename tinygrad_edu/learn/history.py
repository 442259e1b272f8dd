"""What was measured while a model was trained, and what it says about the model."""

from dataclasses import dataclass, field
from itertools import count

GAP = 0.1           # of accuracy between training and validation that we call overfitting
LOW = 0.9           # training accuracy below which we say underfitting
QUANTITIES = ("loss", "accuracy", "validation_loss", "validation_accuracy", "lr")


def diagnosed(training: float, validation: float) -> str:
    """ "overfitting", "underfitting" or "a good fit", from two accuracies: the larger fault is named.

    Training accuracy is measured while the weights still move, and with dropout.  So where that of validation
    is higher, this one tells what was learnt.

    >>> diagnosed(0.99, 0.7), diagnosed(0.55, 0.4), diagnosed(0.85, 0.4), diagnosed(0.85, 0.99)
    ('overfitting', 'underfitting', 'overfitting', 'a good fit')
    """
    learnt, gap = max(training, validation), training - validation
    if gap > GAP and gap > 1 - learnt:
        return "overfitting"
    return "underfitting" if learnt < LOW else "a good fit"


def are_true(digits: int, *shares: float) -> bool:
    """Does none of these shares become 1 or 0 in so many digits that is a little less or more?"""
    return all((round(share, digits) in (0, 1)) == (share in (0, 1)) for share in shares)


def in_decimals(share: float, least: int) -> str:
    """A share with so many decimals, or more: "1.000" is all.

    >>> in_decimals(1.0, 3), in_decimals(0.9999, 3)
    ('1.000', '0.9999')
    """
    return f"{share:.{next(n for n in count(least) if are_true(n, share))}f}"


def percent(share: float) -> str:
    """A share in percent: "100.0%" is all.

    >>> percent(1.0), percent(0.125), percent(0.9999)
    ('100.0%', '12.5%', '99.99%')
    """
    return f"{share:.{next(n for n in count(1) if are_true(n + 2, share))}%}"


ADVICE = {"overfitting": "; increase regularization strength, or get more data",
          "underfitting": "; increase model capacity, or train longer", "a good fit": ""}


@dataclass
class History:
    """What was measured after each epoch; a list per quantity, empty where it was not measured.

    loss, accuracy                          of the training examples, as they were trained on: means in which an
                                            example counts as much as its sample weight says
    validation_loss, validation_accuracy    of the others, after the epoch; each counts once
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

    def best_epoch(self) -> int:
        """The index of the epoch with the lowest validation loss, or training loss where no other was measured.

        Raises ValueError before the first epoch.

        >>> History(loss=[0.5, 0.3, 0.2], validation_loss=[0.6, 0.4, 0.5]).best_epoch()
        1
        """
        if not self.loss:
            raise ValueError("no epoch was completed, so none is the best")
        return len(self) - 1 - self.epochs_in_vain()

    def epochs_in_vain(self) -> int:
        """How many epochs came after the best one."""
        losses = self.validation_loss or self.loss
        return len(losses) - 1 - losses.index(min(losses))

    def diagnosis(self) -> str:
        """Over- or underfitting, from the accuracies of the last epoch.

        The lecture: a big gap between training and validation means overfitting, so regularize
        more; no gap, and the model may be too small.  It gives no numbers; ours are a gap above
        0.1, and a training accuracy below 0.9.  Where both hold the larger is named, the gap or what
        training lacks to 1: a model that has learned 0.55 of its own examples does not overfit.

        >>> History(loss=[0.1], accuracy=[0.99], validation_accuracy=[0.7]).diagnosis()
        'overfitting: training accuracy 0.99, validation 0.70; increase regularization strength, or get more data'
        """
        if not self.accuracy or not self.validation_accuracy:
            return "no diagnosis: it needs the accuracy on training and on validation examples"
        here, there = self.accuracy[-1], self.validation_accuracy[-1]
        word = diagnosed(here, there)
        digits = next(n for n in count(2) if are_true(n, here, there) and (
            diagnosed(round(here, n), round(there, n)) == word))
        return f"{word}: training accuracy {here:.{digits}f}, validation {there:.{digits}f}{ADVICE[word]}"
