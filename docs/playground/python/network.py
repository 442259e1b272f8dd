"""What Python answers in the network tab: a CSV file as data, and one example of a network as a page of its steps."""

import csv as tables
import io
import re
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tinygrad_edu.engine.number import short_repr
from tinygrad_edu.engine.value import Value
from tinygrad_edu.learn import data
from tinygrad_edu.learn.named import LOSSES
from tinygrad_edu.nn.modules import MLP
from tinygrad_edu.show.live import frame, play
from tinygrad_edu.show.steps import steps

MOST_CLASSES = 8                # as many as there are shapes of marks
MARKS = "\t;,"                  # what may stand between values, spaces beside them
COMMA = re.compile(r"^(\s*[-+]?\d*),(\d+(?:[eE][-+]?\d+)?\s*)$")       # a number as a spreadsheet may write it
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
MOST_ROWS = 1000                # more would take too long in a page


def csv(request: dict[str, Any]) -> dict[str, Any]:
    """The examples of a pasted table, `text`, whose last column holds the targets.

    A page draws two inputs and classes, or one input and numbers: the first columns of numbers are taken, in
    standard units.  `left_out` names what is not used, and `named` says whether the first line names the columns.
    Raises ValueError, as `tg.data.from_csv` does.

    >>> made = csv({"text": "x,y,kind\\n0,1,a\\n2,3,b\\n"})
    >>> made["inputs"], made["targets"], made["classes"]
    ([[-1.0, -1.0], [1.0, 1.0]], [0, 1], ['a', 'b'])
    """
    text, is_named = as_csv(request["text"])
    examples, left_out = read(text, is_named)
    if not 2 <= len(examples.classes or "  ") <= MOST_CLASSES:
        raise ValueError(f"the page tells 2 to {MOST_CLASSES} classes apart: these data have {len(examples.classes)}")
    if len(examples) > MOST_ROWS:
        raise ValueError(f"the page trains on at most {MOST_ROWS} examples: these data have {len(examples)}")
    wanted = 2 if examples.classes else 1
    if len(examples.features) < wanted:
        raise ValueError(f"classes are shown by two columns of numbers: these data have one, {examples.features[0]!r}")
    chosen = data.Data([row[:wanted] for row in examples.inputs], examples.targets, examples.features[:wanted],
                       examples.classes)
    scaled = data.standardise(chosen)
    return {"inputs": scaled.inputs, "targets": scaled.targets, "features": list(scaled.features),
            "classes": list(scaled.classes), "named": is_named, "left_out": [*left_out, *examples.features[wanted:]]}


def as_csv(text: str) -> tuple[str, bool]:
    """A table as a CSV file, and whether its first line names the columns.

    Where that line has a number before its last value, it is an example; the columns are then called x1, x2, ...,
    target.
    A comma in a number is its decimal point, unless commas stand between the values.

    >>> as_csv("x;kind\\n1,5;a, b\\n")
    ('x,kind\\n1.5,"a, b"\\n', True)
    >>> as_csv("0 1 a\\n2 3 b\\n")
    ('x1,x2,target\\n0,1,a\\n2,3,b\\n', False)
    """
    mark = mark_of(text)
    rows = [[cell if mark == "," else COMMA.sub(r"\1.\2", cell) for cell in row] for row in rows_of(text, mark)]
    head = next(filter(None, rows), [])
    if rows and all(len(row) < 2 for row in rows):
        raise ValueError(f"line 1: {short_repr(head[0] if head else '')} is all there is in it: put commas, "
                         "semicolons, tabs or spaces between values, and the target last")
    is_named = not any(NUMBER.fullmatch(cell.strip()) for cell in head[:-1])
    if mark == "," and is_named:
        return text, True
    names = [] if is_named else [[*(f"x{i}" for i in range(1, len(head))), "target"]]
    made = io.StringIO()
    tables.writer(made, lineterminator="\n").writerows([*names, *rows])
    return made.getvalue(), is_named


def mark_of(text: str) -> str:
    """What stands between the values: a tab, semicolon or comma that each line has as often, or spaces.

    >>> [mark_of(text) for text in ("0,5;1\\n2,5;3", "a;b,1\\nc,2", "x y\\n1  2")]
    [';', ',', ' ']
    """
    if not any(mark in text for mark in MARKS):
        return " "
    for mark in MARKS:
        widths = {len(row) for row in rows_of(text, mark) if row}
        if len(widths) == 1 and widths != {1}:
            return mark
    head = text.strip().partition("\n")[0]
    return next((mark for mark in MARKS if mark in head and "," not in head), ",")


def rows_of(text: str, mark: str) -> list[list[str]]:
    """The values of each line; of several spaces the first counts."""
    if mark == " ":
        text = "\n".join(map(str.strip, text.splitlines()))
    try:
        return list(tables.reader(io.StringIO(text, newline=""), delimiter=mark, skipinitialspace=mark == " "))
    except tables.Error as error:
        raise ValueError(f"this is no table: {error}") from None


def read(text: str, is_named: bool) -> tuple[data.Data, list[str]]:
    """The data of a text, by the package's own reader, and the columns that it left out."""
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")                 # the page names the columns itself
        path = Path(folder, "data.csv")
        path.write_text(text, encoding="utf-8", newline="")
        try:
            columns = list(data.read_columns(path))
            examples = data.from_csv(path, columns[-1])
        except ValueError as error:
            raise ValueError(told_of(str(error).removeprefix(str(path)), is_named)) from None
    return examples, [name for name in columns if name not in (*examples.features, columns[-1])]


def told_of(message: str, is_named: bool) -> str:
    """A message of the reader, without its file, by the lines that were pasted.

    >>> told_of(", line 3: too short", is_named=False)
    'line 2: too short'
    """
    message = re.sub(r"^(, |: )", "", message)
    return message if is_named else re.sub(r"^line (\d+)", lambda found: f"line {int(found[1]) - 1}", message)


def model_of(request: dict[str, Any]) -> MLP:
    """The network of the page, with the numbers that its parameters have there."""
    sizes = request["sizes"]
    model = MLP(sizes[0], sizes[1:], activation=request["activation"], rng=0)
    for parameter, number in zip(model.parameters(), request["parameters"], strict=True):
        parameter.data = number
    return model


def recorded(request: dict[str, Any]) -> tuple[MLP, Value]:
    """The network, and the loss of the example; see `example`."""
    model = model_of(request)
    return model, LOSSES[request["loss"]](model(request["row"]), request["target"])


def page(request: dict[str, Any]) -> dict[str, Any]:
    """The page that `play` makes of one example: one file, which needs nothing; see `example`."""
    _, loss = recorded(request)
    return {"html": play(loss).html}


def example(request: dict[str, Any]) -> dict[str, Any]:
    """One example, forward, loss and backward, as a page to be shown in a frame.

    sizes, activation, loss   of the network
    parameters                their numbers, in the order of `model.parameters()`
    row, target               the example
    number                    the place of a parameter: the page opens where its gradient arrives; or None
    """
    model, loss = recorded(request)
    at = 0 if request["number"] is None else arrival(loss, model.parameters()[request["number"]])
    made = frame(loss, at=at)
    return {"html": made.html, "title": made.title, "height": made.height}


def arrival(loss: Value, parameter: Value) -> int:
    """The number of the step in which a parameter gets its gradient; the last one where nothing arrives."""
    events = steps(loss)
    return next((i for i, event in enumerate(events, 1) if event.kind == "backward" and event.parent is parameter),
                len(events))
