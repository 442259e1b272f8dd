"""What came of a sweep: a table with a row for each run, its means over seeds, and the file that keeps runs."""

import csv
import io
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..engine.number import ALL_DIGITS, format_number, printable, short_repr, truncate
from ..files import checked_ending, checked_target, write_whole
from ..nn.checks import by_name
from .history import History, in_decimals

MEASURES = ("loss", "accuracy", "validation_loss", "validation_accuracy")
LONGEST_ERROR = 60              # characters of it in a printed table
Row = dict[str, Any]


@dataclass
class Run:
    """One training of a sweep.

    settings    {name: value}, values that are no plain data by their names
    history     of its epochs; empty where it failed
    measured    what the model came to: the last loss, accuracy, ..., or those of the epoch whose weights it kept
    error       why it failed, or ""
    model       what make_model made, in a few letters that are others for another model
    contents    {name: letters} of settings that are no plain data
    """

    settings: Row
    history: History = field(default_factory=History)
    measured: dict[str, float] = field(default_factory=dict)
    error: str = ""
    model: str = ""
    contents: dict[str, str] = field(default_factory=dict)

    def as_row(self) -> Row:
        """Its settings, what was measured, how many epochs were done, why they stopped, and the error or ""."""
        measured = {name: self.measured.get(name) for name in MEASURES}
        return {**self.settings, **measured, "epochs_done": len(self.history), "stopped": self.history.stopped,
                "error": self.error}


# ---- the table ----------------------------------------------------------------------------------------------


class Table:
    """Rows of a sweep; it prints as a table.

    rows        one dict for each row: the settings, then what was measured (None where it was not)
    settings    the names of the settings
    """

    def __init__(self, rows: list[Row], settings: Sequence[str]):
        self.rows, self.settings = rows, tuple(settings)

    def __len__(self) -> int:
        return len(self.rows)

    def best(self, by: str | None = None) -> Row:
        """The row with the best `by`: the largest accuracy, or the smallest loss.

        by   by default validation_accuracy, or else validation_loss, accuracy or loss, whichever was measured.  Among
             equal accuracies the smaller loss is better, then the earlier row

        Rows of which some run failed take no part.  Raises ValueError where none is left.
        """
        rows = [row for row in self.rows if not (row.get("error") or row.get("failed"))]
        if not rows:
            raise ValueError("there is no best run: all of them failed" if self.rows else "there are no runs yet")
        measured = [name for name in reversed(MEASURES) if rows[0][name] is not None]
        if not measured:
            raise ValueError("nothing was measured: the runs had no epochs")
        wanted = measured[0] if by is None else by_name("measure", by, {name: name for name in measured})
        loss = wanted.replace("accuracy", "loss")
        return min(rows, key=lambda row: (-row[wanted], row[loss]) if "accuracy" in wanted else row[wanted])

    def to_csv(self, path: "str | Path") -> Path:
        """Write the rows into a .csv file, with the names of the columns first."""
        checked_ending(path, ("csv",), "tables")
        text = io.StringIO()
        writer = csv.DictWriter(text, list(self.rows[0]) if self.rows else [*self.settings], lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return write_whole(path, text.getvalue().encode())

    def to_pandas(self) -> Any:
        """The rows as a DataFrame of pandas."""
        try:
            import pandas
        except ModuleNotFoundError:
            raise ModuleNotFoundError("to_pandas needs pandas: pip install pandas; .rows are plain dicts") from None
        return pandas.DataFrame(self.rows)

    def __str__(self) -> str:
        return aligned([self.columns(), *[[self.cell(row, name) for name in self.columns()] for row in self.rows]])

    __repr__ = __str__

    def columns(self) -> list[str]:
        """The columns that are printed: what was measured, and of all others those that are not the same throughout."""
        measured = [name for name in MEASURES if any(row[name] is not None for row in self.rows)]
        varied = [name for name in self.settings if len({repr(row[name]) for row in self.rows}) > 1]
        return [*(varied or self.settings), *measured, *self.others()]

    def others(self) -> list[str]:
        """The columns behind the measures."""
        return ["epochs_done"] * (len({row["epochs_done"] for row in self.rows}) > 1) + (
            ["error"] * any(row["error"] for row in self.rows))

    def cell(self, row: Row, name: str) -> str:
        """One number or word as it is printed."""
        return in_a_cell(name, row[name])


class Runs(Table):
    """What `sweep` returns: the runs in the order of their settings; it prints as a table.

    rows        one dict for each run: its settings, loss, accuracy, validation_loss, validation_accuracy,
                epochs_done, stopped (why) and error ("" where there is none)
    runs        the same as objects, each with the whole `history`
    planned     how many runs there were to be: after Ctrl-C there are fewer
    """

    def __init__(self, runs: list[Run], settings: Sequence[str], planned: int):
        super().__init__([run.as_row() for run in runs], settings)
        self.runs, self.planned = runs, planned

    def over_seeds(self) -> "Means":
        """The mean and the standard deviation over the seeds, for each combination of the other settings.

        The deviation is that of the sample, √(Σ(x - mean)² / (n - 1)); None for a single seed.
        """
        others = [name for name in self.settings if name != "seed"]
        groups: dict[str, list[Row]] = {}
        for row in self.rows:
            groups.setdefault(repr([row[name] for name in others]), []).append(row)
        return Means([mean_row(rows, others) for rows in groups.values()], others)

    def __str__(self) -> str:
        missing = self.planned - len(self)
        return super().__str__() + f"\n{len(self)} of {self.planned} runs: interrupted" * bool(missing)

    __repr__ = __str__


class Means(Table):
    """What `Runs.over_seeds` returns: a row for each combination of settings; it prints as a table.

    rows        one dict each: the settings, `runs` that came to an end and `failed` ones, and of the former the mean
                of each measure; its deviation under the measure's name with `_deviation`
    """

    def others(self) -> list[str]:
        return ["runs"] + ["failed"] * any(row["failed"] for row in self.rows)

    def cell(self, row: Row, name: str) -> str:
        deviation = row.get(f"{name}_deviation")
        return in_a_cell(name, row[name]) + (f" ± {in_short(name, deviation)}" if deviation is not None else "")


def mean_row(rows: list[Row], settings: list[str]) -> Row:
    """The row of runs that differ only in their seeds."""
    import statistics  # which takes a while to load
    ended = [row for row in rows if not row["error"]]
    means: Row = {}
    for name in MEASURES:
        numbers = [row[name] for row in ended if row[name] is not None]
        means[name] = statistics.fmean(numbers) if numbers else None
        means[f"{name}_deviation"] = statistics.stdev(numbers) if len(numbers) > 1 else None
    return {**{name: rows[0][name] for name in settings}, "runs": len(ended), "failed": len(rows) - len(ended), **means}


def in_a_cell(name: str, value: Any) -> str:
    """A value as a table shows it.

    >>> in_a_cell("loss", 0.123456), in_a_cell("accuracy", 0.9999), in_a_cell("lr", 1e-5), in_a_cell("loss", None)
    ('0.1235', '0.9999', '1e-05', '')
    """
    if name in MEASURES:
        if value is None:
            return ""
        return in_decimals(value, 3) if "accuracy" in name else in_short(name, value)
    return truncate(format_number(value, ALL_DIGITS) if type(value) is float else printable(value), LONGEST_ERROR)


def in_short(name: str, x: float) -> str:
    """A measure, or its deviation, with few decimals, and so that it does not look like 0.

    >>> in_short("loss", 0.25), in_short("loss", 3.1e5), in_short("loss", 1.5e-9), in_short("accuracy", 0.05)
    ('0.2500', '3.100e+05', '1.500e-09', '0.050')
    """
    decimals = 3 if "accuracy" in name else 4
    return f"{x:.{decimals}f}" if x == 0 or 10**-decimals <= abs(x) < 1e4 else f"{x:.3e}"


def aligned(cells: list[list[str]]) -> str:
    """Lines of cells below each other.

    >>> print(aligned([["lr", "loss"], ["0.001", "2"]]))
    lr     loss
    0.001  2
    """
    widths = [max(map(len, column)) for column in zip(*cells)]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip() for row in cells)


# ---- the file -----------------------------------------------------------------------------------------------


class RunFile:
    """A file that keeps runs: a JSON object a line, written when the run has ended.

    path    of the file; it need not be there
    data    what all of its runs learnt from, in a few letters

    A last line that was cut off, as when the machine stops, is dropped.
    Raises ValueError for a file of something else, or of other data.
    """

    def __init__(self, path: Path, data: str):
        self.path, self.data = path, data
        self.runs: dict[str, Run] = {}
        if checked_target(path) is not None:
            content = path.read_bytes()
            whole = content[:content.rfind(b"\n") + 1]
            for number, line in enumerate(whole.splitlines(), 1):
                self.read(line, f"{printable(path)} line {number}")
            if whole != content:
                write_whole(path, whole)
        open(path, "ab").close()                # what cannot be written is refused before the first run

    def read(self, line: bytes, place: str) -> None:
        """Take in one line."""
        try:
            found = json.loads(line)
            data, history = found.pop("data"), History(**found.pop("history"))
            run = Run(history=history, **found)
            key = key_of(run.settings)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{place} is no run of a sweep ({truncate(printable(error), 100)}): name another file"
                             ) from None
        if data != self.data:
            raise ValueError(f"{place} is a run on other data: use the same data, or another file")
        self.runs.setdefault(key, run)

    def known(self, settings: Row, contents: dict[str, str]) -> Run | None:
        """The run of these settings, if it is here.

        Raises ValueError where a setting that is no plain data has the same name and other content.
        """
        run = self.runs.get(key_of(settings))
        for name in contents if run else ():
            if run and contents[name] != run.contents.get(name):
                raise ValueError(f"{printable(self.path)} has runs with another {name} that is called "
                                 f"{short_repr(settings[name])}: give this one another name, or use another file")
        return run

    def add(self, run: Run) -> None:
        """Write a run into a line of its own, so that it stays whatever comes."""
        content = {**vars(run), "history": vars(run.history), "data": self.data}
        with open(self.path, "ab") as file:
            file.write(json.dumps(content).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


def key_of(settings: Row) -> str:
    """Settings as text, the same in any order."""
    return json.dumps(settings, sort_keys=True)
