"""Data to learn from: small sets made on the spot, a CSV file of your own, and what is done before training.

Every set comes as `Data`, plain lists of floats, so that nothing stands between the numbers and the engine.
The same seed gives the same bits.  Moons, circles, blobs and digits come from scikit-learn; where it is not installed
the first three are drawn by `clouds`, the same but for the last digit.
"""

import csv
import math
import warnings
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from ..engine.arrays import as_lists
from ..engine.number import check_kind, checked_whole, printable, short_repr, truncate
from ..nn.checks import BETWEEN, NOT_NEGATIVE, checked_number, checked_path, listed

Label = TypeVar("Label", bound=Hashable)

DIGITS = 1797                               # the images scikit-learn has
MOST_CLASSES = 20                           # more different whole numbers are a quantity, not classes


@dataclass(frozen=True, repr=False)
class Data:
    """Examples to learn from: inputs, and what should come out.

    inputs      one list of floats per example
    targets     one per example: the index of its class (int), or a number (float) in a regression
    features    the names of the inputs
    classes     the names of the classes; empty in a regression

    Arrays become lists.  `len(data)` counts the examples.  Raises TypeError for what is no list, and ValueError
    where the parts do not fit together.

    >>> Data([[0.0, 1.0], [1.0, 1.0]], [1, 0], ("x", "y"), ("no", "yes"))
    <Data: 2 examples, inputs x, y, classes no (1), yes (1)>
    """

    inputs: list[list[float]]
    targets: list[int] | list[float]
    features: tuple[str, ...]
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("inputs", "targets", "features", "classes"):
            part = as_lists(listed(f"the {name} of data", getattr(self, name)))
            object.__setattr__(self, name, part if name in ("inputs", "targets") else tuple(part))
        if len(self.inputs) != len(self.targets):
            raise ValueError(f"each example needs one target: {len(self.inputs)} inputs, {len(self.targets)} targets")
        for i, row in enumerate(self.inputs):
            if not isinstance(row, list):
                raise TypeError(f"example {i} must be a list of numbers, not {type(row).__name__}: "
                                f"got {short_repr(row)}")
            if len(row) != len(self.features):
                raise ValueError(f"example {i} has {len(row)} inputs, not one for each of the {len(self.features)} "
                                 f"features: {short_repr(row)}")
        for i, target in enumerate(self.targets):
            if self.classes and target not in range(len(self.classes)):
                raise ValueError(f"example {i} has target {short_repr(target)}, "
                                 f"not a class from 0 to {len(self.classes) - 1}")

    def __len__(self) -> int:
        return len(self.inputs)

    def __repr__(self) -> str:
        count = Counter(self.targets)
        counts = [f"{short_name(name)} ({count[i]})" for i, name in enumerate(self.classes)]
        aim = f"classes {in_a_line(counts, most=MOST_CLASSES)}" if counts else "targets are numbers"
        named = in_a_line(list(map(short_name, self.features)), most=6)
        return f"<Data: {len(self)} examples, inputs {named}, {aim}>"

    def chosen(self, indices: Iterable[int]) -> "Data":
        """The examples of these numbers, in this order.

        >>> xor(4, noise=0).chosen([3, 0]).inputs
        [[1.0, 1.0], [0.0, 0.0]]
        """
        picked = [checked_whole("the number of an example", i, -math.inf) for i in listed("indices", indices)]
        return replace(self, inputs=[self.inputs[i] for i in picked], targets=[self.targets[i] for i in picked])


def short_name(name: Any) -> str:
    return truncate(printable(name), 60)


def in_a_line(names: list[str], most: int) -> str:
    """All names, or the first and the last of more than so many."""
    return ", ".join(names) if len(names) <= most else f"{names[0]} … {names[-1]}"


# ---- sets from scikit-learn

def moons(count: int = 200, noise: float = 0.1, seed: int = 0) -> Data:
    """Two half circles that reach into each other: two inputs, two classes.

    noise is the standard deviation of what is added to x and to y.
    Raises ValueError for count < 1 or noise < 0.
    """
    count, noise, seed = checked_arguments(count, noise, seed)
    made = drawing().make_moons(count, noise=noise, random_state=seed)
    return from_arrays(made, ("x", "y"), ("upper moon", "lower moon"))


def circles(count: int = 200, noise: float = 0.05, seed: int = 0) -> Data:
    """A ring around another of half its radius: two inputs, two classes.

    noise is the standard deviation of what is added to x and to y.
    Raises ValueError for count < 1 or noise < 0.
    """
    count, noise, seed = checked_arguments(count, noise, seed)
    made = drawing().make_circles(count, noise=noise, factor=0.5, random_state=seed)
    return from_arrays(made, ("x", "y"), ("outer circle", "inner circle"))


def blobs(count: int = 200, noise: float = 1.0, seed: int = 0, classes: int = 3) -> Data:
    """Round clouds about centres drawn at random from -10 to 10: two inputs, one class per cloud.

    noise is the standard deviation of a cloud.
    Raises ValueError for count < 1, noise < 0 or classes < 1.
    """
    count, noise, seed = checked_arguments(count, noise, seed)
    classes = checked_whole("classes", classes)
    made = drawing().make_blobs(count, centers=classes, cluster_std=noise, random_state=seed)
    return from_arrays(made, ("x", "y"), tuple(f"blob {i}" for i in range(classes)))


def digits(count: int = DIGITS, seed: int = 0) -> Data:
    """`count` of scikit-learn's 1,797 handwritten digits: 64 grey values from 0 to 1 (8 × 8, row by row), ten classes.

    They are drawn without replacement.
    Raises ValueError for count < 1 or above 1,797, ModuleNotFoundError without scikit-learn.
    """
    count, _, seed = checked_arguments(count, 0.0, seed)
    if count > DIGITS:
        raise ValueError(f"there are {DIGITS} digits: got count={count}")
    images, labels = scikit_learn().load_digits(return_X_y=True)
    names = tuple(f"row {i} column {j}" for i in range(8) for j in range(8))
    everything = from_arrays((images / 16, labels), names, tuple("0123456789"))
    return everything.chosen(Random(seed).sample(range(DIGITS), count))


def drawing() -> Any:
    """What draws moons, circles and blobs: scikit-learn, or where it is not installed the same in plain Python."""
    try:
        return scikit_learn()
    except ModuleNotFoundError:
        from . import clouds
        return clouds


def scikit_learn() -> Any:
    """The module `sklearn.datasets`, or an error that says how to get it."""
    try:
        import_module("sklearn")
        return import_module("sklearn.datasets")
    except ModuleNotFoundError:
        raise ModuleNotFoundError("digits come from scikit-learn: pip install numpy scikit-learn") from None


def from_arrays(made: tuple[Any, Any], features: tuple[str, ...], classes: tuple[str, ...]) -> Data:
    """Data of two arrays, or of two lists."""
    inputs, targets = map(as_lists, made)
    return Data(inputs, targets, features, classes)


# ---- sets of our own

def spirals(count: int = 200, noise: float = 0.02, seed: int = 0, arms: int = 2) -> Data:
    """Spiral arms, one turn from the centre to radius 1: two inputs, one class per arm.

    noise is the standard deviation of what is added to x and to y.
    Raises ValueError for count < 1, noise < 0 or arms < 1.

    >>> spirals(4, noise=0, seed=1).targets
    [0, 1, 0, 1]
    """
    count, noise, seed = checked_arguments(count, noise, seed)
    arms = checked_whole("arms", arms)
    rng = Random(seed)
    inputs, targets = [], [i % arms for i in range(count)]
    for arm in targets:
        radius = rng.uniform(0.05, 1)
        angle = 2 * math.pi * (radius + arm / arms)
        inputs.append([radius * math.cos(angle) + rng.gauss(0, noise), radius * math.sin(angle) + rng.gauss(0, noise)])
    return Data(inputs, targets, ("x", "y"), tuple(f"arm {i}" for i in range(arms)))


def xor(count: int = 200, noise: float = 0.1, seed: int = 0) -> Data:
    """Exclusive or: clouds about the corners of a square, the class is 1 where one coordinate is 1 and the other 0.

    noise is the standard deviation of a cloud; without noise the first four are the truth table.
    Raises ValueError for count < 1 or noise < 0.

    >>> table = xor(4, noise=0)
    >>> list(zip(table.inputs, table.targets))
    [([0.0, 0.0], 0), ([0.0, 1.0], 1), ([1.0, 0.0], 1), ([1.0, 1.0], 0)]
    """
    count, noise, seed = checked_arguments(count, noise, seed)
    rng = Random(seed)
    corners = [divmod(i % 4, 2) for i in range(count)]
    inputs = [[x + rng.gauss(0, noise), y + rng.gauss(0, noise)] for x, y in corners]
    return Data(inputs, [x ^ y for x, y in corners], ("x", "y"), ("same", "different"))


def yin_yang(count: int = 300, noise: float = 0.0, seed: int = 0) -> Data:
    """The yin-yang sign in a disc of radius 1: two inputs; the classes are the dark half, the light half and the eyes.

    The classes take turns, and the points of each are spread evenly over its area.  noise is the
    standard deviation of what is added to x and to y.  After Kriener, Göltz and Petrovici, 2022.
    Raises ValueError for count < 1 or noise < 0.

    >>> yin_yang(4).targets
    [0, 1, 2, 0]
    """
    count, noise, seed = checked_arguments(count, noise, seed)
    rng = Random(seed)
    inputs, targets = [], [i % 3 for i in range(count)]
    for wanted in targets:
        x = y = math.inf
        while math.hypot(x, y) > 1 or part_of_sign(x, y) != wanted:
            x, y = rng.uniform(-1, 1), rng.uniform(-1, 1)
        inputs.append([x + rng.gauss(0, noise), y + rng.gauss(0, noise)])
    return Data(inputs, targets, ("x", "y"), ("yin", "yang", "eye"))


def part_of_sign(x: float, y: float) -> int:
    """Which part of the yin-yang sign a point of the disc lies in: 0 yin, 1 yang, 2 an eye."""
    to_left, to_right = math.hypot(x + 0.5, y), math.hypot(x - 0.5, y)
    if min(to_left, to_right) < 0.2:
        return 2
    return 0 if to_left < 0.5 or (y > 0 and to_right >= 0.5) else 1


def noisy_sine(count: int = 100, noise: float = 0.1, seed: int = 0) -> Data:
    """A regression: x drawn evenly from -π to π, the target is sin(x) plus noise of this standard deviation.

    Raises ValueError for count < 1 or noise < 0.

    >>> data = noisy_sine(3, noise=0)
    >>> all(target == math.sin(x) for [x], target in zip(data.inputs, data.targets))
    True
    """
    count, noise, seed = checked_arguments(count, noise, seed)
    rng = Random(seed)
    xs = [rng.uniform(-math.pi, math.pi) for _ in range(count)]
    return Data([[x] for x in xs], [math.sin(x) + rng.gauss(0, noise) for x in xs], ("x",))


def checked_arguments(count: Any, noise: Any, seed: Any) -> tuple[int, float, int]:
    """What every set is made from: how many examples, the standard deviation of the noise, and the seed."""
    return checked_whole("count", count), checked_number("noise", noise, NOT_NEGATIVE), checked_whole("seed", seed, 0)


# ---- before and during training

def shuffled(data: Data, seed: int = 0) -> Data:
    """The same examples in an order drawn with this seed.

    >>> shuffled(xor(4, noise=0), seed=1).targets
    [0, 0, 1, 1]
    """
    check_kind(data, Data)
    seed = checked_whole("seed", seed, least=0)
    order = list(range(len(data)))
    Random(seed).shuffle(order)
    return data.chosen(order)


def split(data: Data, validation: float = 0.2, seed: int = 0) -> tuple[Data, Data]:
    """(training, validation): the examples shuffled and dealt out; each is in one of the two, and neither is empty.

    validation is the share of the second, between 0 and 1; the count is rounded.
    Raises ValueError for another share, or for fewer than two examples.

    >>> train, held_out = split(xor(10), validation=0.3)
    >>> len(train), len(held_out)
    (7, 3)
    """
    check_kind(data, Data)
    validation = checked_number("validation", validation, BETWEEN)
    if len(data) < 2:
        raise ValueError(f"to split takes at least 2 examples: got {len(data)}")
    mixed = shuffled(data, seed)
    first = len(data) - min(max(round(validation * len(data)), 1), len(data) - 1)
    return mixed.chosen(range(first)), mixed.chosen(range(first, len(data)))


def batches(data: Data, size: int, seed: int | None = None) -> Iterator[Data]:
    """The examples in mini-batches of `size`; the last one has what is left.

    With a seed they are shuffled first: give another one in every epoch.
    Raises ValueError for size < 1.

    >>> [len(batch) for batch in batches(xor(10), 4)]
    [4, 4, 2]
    """
    check_kind(data, Data)
    size = checked_whole("size", size)
    source = data if seed is None else shuffled(data, seed)
    return (source.chosen(range(i, min(i + size, len(data)))) for i in range(0, len(data), size))


def one_hot(labels: Iterable[Label], classes: Sequence[Label] | None = None) -> list[list[float]]:
    """One row per label, with a 1 in the column of its class and 0 elsewhere.

    The columns are the labels that occur, sorted; or `classes`, in the order given.
    Raises ValueError for a label that is none of the classes, or a class given twice.

    >>> one_hot(["Biscoe", "Torgersen", "Dream"])
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    rows = as_lists(list(labels) if isinstance(labels, str) else listed("labels", labels))
    for i, label in enumerate(rows):
        if isinstance(label, list):
            raise TypeError(f"label {i} is a row, {short_repr(label)}: a label is a text or a number")
    columns: list[Any] = sorted(set(rows), key=sorting_key) if classes is None else as_lists(list(classes))
    if len(set(columns)) < len(columns):
        raise ValueError(f"each class is named once: got {short_repr(columns)}")
    for i, label in enumerate(rows):
        if label not in columns:
            raise ValueError(f"label {i} is {short_repr(label)}, none of the classes {short_repr(columns)}")
    return [[float(column == label) for column in columns] for label in rows]


def sorting_key(label: Any) -> tuple[str, Any]:
    """Labels of one kind in their order, text after numbers."""
    return ("text" if isinstance(label, str) else "number"), label


def standardise(data: Data, like: Data | None = None) -> Data:
    """The inputs less their mean, over their standard deviation, column by column; the targets stay as they are.

    The mean and the (population) standard deviation are those of `like`, or of `data` where it is not
    given.  For validation data give the training data, as they were before: then both are moved alike.
    A column that is constant there stays as it is.
    Raises ValueError where the two have different features, or `like` has no examples.

    >>> standardise(Data([[1.0, 5.0], [3.0, 5.0]], [0.0, 0.0], ("a", "b"))).inputs
    [[-1.0, 5.0], [1.0, 5.0]]
    """
    reference = data if like is None else like
    check_kind(data, Data)
    check_kind(reference, Data)
    if reference.features != data.features:
        raise ValueError(f"the data have features {short_repr(data.features)}, but `like` has "
                         f"{short_repr(reference.features)}")
    if not reference.inputs:
        raise ValueError("a mean takes at least one example: got none")
    scales = [mean_and_deviation(column) for column in zip(*reference.inputs)]
    return replace(data, inputs=scaled(data.inputs, scales))


def scaled(inputs: Sequence[Sequence[float]], scales: Sequence[Sequence[float]]) -> list[list[float]]:
    """The rows, each number less the mean of its column, over the deviation."""
    return [[(x - mean) / deviation for x, (mean, deviation) in zip(row, scales)] for row in inputs]


def mean_and_deviation(column: Sequence[float]) -> tuple[float, float]:
    """What is subtracted and divided by: nothing happens to a constant column."""
    if min(column) == max(column):
        return 0.0, 1.0
    mean = math.fsum(column) / len(column)
    return mean, math.hypot(*[x - mean for x in column]) / math.sqrt(len(column))


# ---- a file

@dataclass(frozen=True)
class Column:
    """A named column of a CSV file: its cells as text, each with the number of its line."""

    path: Path
    name: str
    cells: list[tuple[int, str]]

    @property
    def is_numeric(self) -> bool:
        return any(finite_number(cell) is not None for _, cell in self.cells)

    def numbers(self) -> list[float]:
        """The cells as floats; ValueError naming the first that is none."""
        found = []
        for line, cell in self.cells:
            parsed = finite_number(cell)
            if parsed is None:
                raise self.error(line, f"{short_repr(cell)} is not a finite number" if cell else "the value is missing")
            found.append(parsed)
        return found

    def texts(self) -> list[str]:
        """The cells; ValueError naming the first that is empty."""
        for line, cell in self.cells:
            if not cell:
                raise self.error(line, "the value is missing")
        return [cell for _, cell in self.cells]

    def error(self, line: int, reason: str) -> ValueError:
        return in_file(self.path, reason, f"line {line}, column {self.name!r}")


def from_csv(path: str | Path, label: str) -> Data:
    """The examples in a CSV file whose first line names the columns; the column named `label` holds the targets.

    Every other column with numbers is an input.  Columns without a single number are left out, with a
    warning that names them.  The targets are classes where the labels are text, or whole numbers of
    which at most 20 different ones occur, each twice or more on average; otherwise they are numbers.
    Classes are sorted.

    Raises FileNotFoundError for a missing file; and ValueError, naming file, line, column and value, for
    text or nothing in a column of numbers, for lines of another length, for an empty file, for text
    that is not UTF-8, and for a label that is no column.
    """
    columns = read_columns(checked_path("path", path))
    if label not in columns:
        raise in_file(path, f"no column {label!r}; there are {', '.join(map(printable, columns))}")
    targets, classes = targets_of(columns.pop(label))
    features = [column for column in columns.values() if column.is_numeric]
    if not features:
        raise in_file(path, f"no column of numbers besides the label {short_repr(label)}")
    left_out = [column.name for column in columns.values() if not column.is_numeric]
    inputs = [list(row) for row in zip(*[column.numbers() for column in features])]
    if left_out:
        named = ", ".join(map(printable, left_out))
        warnings.warn(f"{printable(path)}: columns without numbers are left out: {named}", stacklevel=2)
    return Data(inputs, targets, tuple(column.name for column in features), classes)


def read_columns(path: Path) -> dict[str, Column]:
    """{name: column} of a CSV file whose lines are all as long as the first."""
    names, *rows = read_lines(path)
    header = names[1]
    name, times = Counter(header).most_common(1)[0]
    if times > 1:
        raise in_file(path, f"column {name!r} is named twice", f"line {names[0]}")
    for line, cells in rows:
        if len(cells) != len(header):
            raise in_file(path, f"{len(cells)} values for {len(header)} columns: {short_repr(cells)}", f"line {line}")
    return {name: Column(path, name, [(line, cells[i]) for line, cells in rows]) for i, name in enumerate(header)}


def read_lines(path: Path) -> list[tuple[int, list[str]]]:
    """(line number, cells) of every line that is not blank: the header and at least one more."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            lines = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader if cells]
    except FileNotFoundError:
        raise FileNotFoundError(f"{printable(path)}: there is no such file") from None
    except IsADirectoryError:
        raise in_file(path, "this is a folder, not a CSV file") from None
    except UnicodeDecodeError as error:
        raise in_file(path, f"not UTF-8 text: {error.reason} at byte {error.start}") from None
    except csv.Error as error:
        raise in_file(path, str(error), f"line {reader.line_num}") from None
    if len(lines) < 2:
        raise in_file(path, "only a header line, no examples" if lines else "the file is empty")
    return lines


def in_file(path: "str | Path", reason: str, *place: str) -> ValueError:
    """The error for something in a file, at a place where one is given."""
    return ValueError(f"{', '.join([printable(path), *place])}: {reason}")


def targets_of(column: Column) -> tuple[list[int] | list[float], tuple[str, ...]]:
    """The targets and the names of the classes, by the rule of `from_csv`."""
    if not column.is_numeric:
        labels = column.texts()
        place = {name: i for i, name in enumerate(sorted(set(labels)))}
        return [place[text] for text in labels], tuple(place)
    numbers = column.numbers()
    different = sorted(set(numbers))
    few = len(different) <= min(MOST_CLASSES, len(numbers) // 2)
    if few and all(x.is_integer() for x in different):
        return [different.index(x) for x in numbers], tuple(f"{x:.0f}" for x in different)
    return numbers, ()


def finite_number(cell: str) -> float | None:
    """The number a cell holds, or None."""
    try:
        parsed = float(cell)
    except ValueError:
        return None
    return parsed if math.isfinite(parsed) else None


__all__ = ["Data", "batches", "blobs", "circles", "digits", "from_csv", "moons", "noisy_sine", "one_hot", "shuffled",
           "spirals", "split", "standardise", "xor", "yin_yang"]
