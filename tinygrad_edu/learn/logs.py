"""The history of a training as a file that grows by a line an epoch: CSV, or JSON lines."""

import csv
import io
import json
from pathlib import Path
from typing import Any

from ..files import checked_ending, write_whole
from .history import QUANTITIES, History

ENDINGS = ("csv", "jsonl")
COLUMNS = ("epoch", *QUANTITIES)


class Log:
    """A file with a line for each epoch; whoever opens it meanwhile finds all that are complete.

    Its columns are `epoch`, which counts from 1, and the quantities of `History`.  What was not measured is
    empty in CSV and null in JSON.  Floats have all their digits.  No column is a time, so that the same training
    writes the same bytes.
    """

    def __init__(self, path: Path):
        self.path, self.is_csv = path, checked_ending(path, ENDINGS, "logs") == "csv"

    def start(self, history: History) -> None:
        """Write the file anew: the epochs that a resumed training has behind it, none for a new one.

        Raises OSError, which names the path.
        """
        lines = [in_csv(COLUMNS)] if self.is_csv else []
        lines += [self.line(history, epoch) for epoch in range(len(history))]
        write_whole(self.path, "".join(lines).encode())

    def add(self, history: History) -> None:
        """Append the last epoch."""
        with open(self.path, "a", encoding="utf-8", newline="") as file:
            file.write(self.line(history, len(history) - 1))

    def line(self, history: History, epoch: int) -> str:
        row = row_of(history, epoch)
        return in_csv(row.values()) if self.is_csv else json.dumps(row) + "\n"


def row_of(history: History, epoch: int) -> dict[str, Any]:
    """The quantities of one epoch, None for those that were not measured.

    >>> row_of(History(loss=[0.5, 0.25], lr=[0.1, 0.1]), 1)
    {'epoch': 2, 'loss': 0.25, 'accuracy': None, 'validation_loss': None, 'validation_accuracy': None, 'lr': 0.1}
    """
    place = epoch - len(history)                    # from the end, since a resumed training may measure more
    return {"epoch": epoch + 1} | {name: values[place] if len(values) >= -place else None
                                   for name in QUANTITIES for values in [getattr(history, name)]}


def in_csv(row: Any) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(row)
    return text.getvalue()
