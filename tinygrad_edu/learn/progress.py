"""What `fit` shows while it trains: a bar in a terminal, one figure in a notebook that keeps changing.

Drawing takes time from training.  So the figure is drawn again after some time, not after some
epochs, and once more at the end.  Nothing here changes what is learnt.
"""

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import perf_counter
from types import SimpleNamespace
from typing import Any, NamedTuple

from ..engine.errors import errstate, no_grad
from ..engine.number import number
from ..nn.modules import Module
from ..show.plots import draw_boundary, draw_panel, figure_class, finish, new_figure, recorded
from .history import History, in_decimals

PAUSE = 0.5                     # seconds between two drawings, at least
DRAWING = 0.15                  # of the time may go into drawing
POINTS = 24                     # to a side of the picture of a boundary


class Boundary(NamedTuple):
    """What a decision boundary is drawn from: the model, its examples, and where one output alone means class 1."""

    model: Module
    inputs: Sequence[Any]
    targets: Sequence[int]
    threshold: float


def in_notebook() -> bool:
    """Whether a kernel runs this, as in Jupyter or VS Code; IPython is not imported to find out."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def display_for(wanted: bool | None, epochs: int, boundary: Boundary) -> "ProgressBar | FigureInPlace":
    """What shows a training: a context that gives a function of the history, to be called after each epoch.

    wanted     True, False, or None: in a notebook or a terminal only
    epochs     how many there will be
    """
    if in_notebook() and wanted is not False:
        return FigureInPlace(epochs, boundary)
    return ProgressBar(sys.stderr.isatty() if wanted is None else wanted, epochs)


def latest(history: History) -> str:
    """The numbers of the last epoch, in a line."""
    parts = [f"loss {history.loss[-1]:.4f}"]
    for name, text in ("accuracy", "accuracy"), ("validation_accuracy", "validation"):
        values = getattr(history, name)
        parts += [f"{text} {in_decimals(values[-1], 3)}"] if values else []
    return "  ".join([*parts, f"lr {history.lr[-1]:g}"])


class ProgressBar:
    """A progress bar with the time left; nothing where it is not wanted.

    wanted    whether there is one
    total     how many there will be of what is counted
    what      is counted
    told      says in a line what is done; by default the numbers of the last epoch
    """

    def __init__(self, wanted: bool, total: int, what: str = "epoch", told: Callable[[Any], str] = latest):
        self.wanted, self.total, self.what, self.told = wanted, total, what, told

    def __enter__(self) -> Callable[[Any], None]:
        if not self.wanted:
            return lambda done: None
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
        self.shown = Progress(TextColumn(self.what), MofNCompleteColumn(), BarColumn(),
                              TextColumn("{task.description}"), TimeRemainingColumn(), console=Console(stderr=True))
        self.shown.start()
        self.task = self.shown.add_task("", total=self.total)
        return self.show

    def show(self, done: Any) -> None:
        """Show that so many are done: `done` has a length."""
        self.shown.update(self.task, completed=len(done), description=self.told(done))

    def __exit__(self, *exception: object) -> None:
        if self.wanted:
            self.shown.stop()


class FigureInPlace:
    """One output of a notebook: loss, accuracy and, for two inputs, the decision boundary; a line without matplotlib.

    It is drawn at most every half second, and so seldom that drawing takes about 15 % of the time;
    the last epoch is always drawn.  What is stored with the notebook is that last figure.
    """

    def __init__(self, epochs: int, boundary: Boundary):
        self.epochs, self.boundary = epochs, boundary
        self.history, self.handle = History(), None
        self.drawn, self.due = 0, 0.0

    def __enter__(self) -> Callable[[History], None]:
        self.due = perf_counter() + PAUSE
        return self.show

    def show(self, history: History) -> None:
        self.history = history
        if perf_counter() >= self.due:
            self.draw(history)

    def __exit__(self, kind: object, *exception: object) -> None:
        if kind is None and len(self.history) > self.drawn:
            with suppress(KeyboardInterrupt):       # the history is worth more than its last picture
                self.draw(self.history)

    def draw(self, history: History) -> None:
        """Put the figure of now in the place of the one before, and say when the next is due."""
        from IPython.display import display
        start = perf_counter()
        picture, options = self.picture(history)
        if self.handle is None:
            self.handle = display(picture, display_id=True, **options)
        else:
            self.handle.update(picture, **options)
        self.drawn, end = len(history), perf_counter()
        self.due = end + max(PAUSE, (end - start) * (1 - DRAWING) / DRAWING)

    def picture(self, history: History) -> tuple[Any, dict[str, bool]]:
        """A figure, or text where matplotlib is missing; and how `display` takes it."""
        try:
            figure_class()
        except ModuleNotFoundError as missing:
            line = f"epoch {len(history)} of {self.epochs}  {latest(history)}"
            return {"text/plain": f"{line}\n{missing}"}, {"raw": True}
        return training_figure(history, self.epochs, self.boundary), {}


def training_figure(history: History, epochs: int, boundary: Boundary) -> Any:
    """Panels of loss and accuracy, and of the decision boundary where there is one."""
    panels, data = recorded(history), examples_on_plane(boundary) if history.accuracy else None
    panels = [panel for panel in panels if panel[0] != "learning rate"]
    figure, all_axes = new_figure(len(panels) + (data is not None))
    figure.suptitle(f"epoch {len(history)} of {epochs}", x=0.01, ha="left")
    for axes, panel in zip(all_axes, panels):
        draw_panel(axes, *panel)
    if data is not None:
        with errstate(all="ignore"), no_grad(), boundary.model.evaluating():
            right = draw_boundary(all_axes[-1], boundary.model.forward, data, POINTS, boundary.threshold)
        finish(all_axes[-1], f"boundary: {right} of {len(data.inputs)} right", *data.features)
        all_axes[-1].legend(loc="upper center", bbox_to_anchor=(0.5, -0.25), ncols=2, frameon=False)
    return figure


def examples_on_plane(boundary: Boundary) -> Any:
    """The examples as `plots.decision_boundary` takes them; None where an input is not two numbers."""
    if any(not hasattr(row, "__len__") or len(row) != 2 for row in boundary.inputs):
        return None
    try:
        inputs = [[number(x) for x in row] for row in boundary.inputs]
    except TypeError:
        return None
    outputs = boundary.model.predict(inputs[0])
    count = len(outputs) if isinstance(outputs, list) and len(outputs) > 1 else 2
    return SimpleNamespace(inputs=inputs, targets=boundary.targets,
                           features=("first input", "second input"), classes=[f"class {i}" for i in range(count)])
