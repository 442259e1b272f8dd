"""What Python answers in the network tab: a CSV file as data, and one example of a network as a page of its steps."""

import csv as tables
import io
import re
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tinygrad_edu.engine.value import Value
from tinygrad_edu.learn import data
from tinygrad_edu.learn.fit import LOSSES
from tinygrad_edu.nn.modules import MLP
from tinygrad_edu.show.live import frame, play
from tinygrad_edu.show.steps import steps

MOST_CLASSES = 8                # as many as there are shapes of marks
MOST_ROWS = 1000                # more would take too long in a page


def csv(request: dict[str, Any]) -> dict[str, Any]:
    """The examples of a pasted table, `text`, whose last column holds the targets.

    A page draws two inputs and classes, or one input and numbers: the first columns of numbers are taken, in
    standard units.  `left_out` names what is not used.  Raises ValueError, as `tg.data.from_csv` does.

    >>> made = csv({"text": "x,y,kind\\n0,1,a\\n2,3,b\\n"})
    >>> made["inputs"], made["targets"], made["classes"]
    ([[-1.0, -1.0], [1.0, 1.0]], [0, 1], ['a', 'b'])
    """
    examples, left_out = read(with_commas(request["text"]))
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
            "classes": list(scaled.classes), "left_out": [*left_out, *examples.features[wanted:]]}


def with_commas(text: str) -> str:
    """A table as a CSV file: a spreadsheet puts tabs between values, and where numbers have commas it puts semicolons.

    >>> with_commas("x;kind\\n1;a, b\\n")
    'x,kind\\n1,"a, b"\\n'
    """
    head = text.partition("\n")[0]
    between = next((mark for mark in "\t;" if mark in head), ",")
    if between == "," or "," in head:
        return text
    made = io.StringIO()
    tables.writer(made, lineterminator="\n").writerows(tables.reader(io.StringIO(text, newline=""), delimiter=between))
    return made.getvalue()


def read(text: str) -> tuple[data.Data, list[str]]:
    """The data of a text, by the package's own reader, and the columns that it left out."""
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")                 # the page names the columns itself
        path = Path(folder, "data.csv")
        path.write_text(text, encoding="utf-8", newline="")
        try:
            columns = list(data.read_columns(path))
            examples = data.from_csv(path, columns[-1])
        except ValueError as error:
            raise ValueError(re.sub(r"^(, |: )", "", str(error).removeprefix(str(path)))) from None
    return examples, [name for name in columns if name not in (*examples.features, columns[-1])]


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
