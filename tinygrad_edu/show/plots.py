"""Plots of training and of functions: curves, decision boundaries, gradients, paths of optimizers.

Every function returns a figure of its own that belongs to no window and to no global state: a
notebook shows it, and `figure.savefig("name.png")` or `"name.svg"` writes it, the same bytes every time.
Without matplotlib it is a plainer chart, as SVG (see `charts`).
"""

import math
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any

from ..calculus.differences import numeric_derivative
from ..calculus.transforms import check_function, derivative
from ..engine.errors import DomainError, GradientError, errstate, no_grad
from ..engine.number import checked_whole, format_number, number, printable, short_repr, told_apart
from ..engine.op import Op
from ..engine.slopes import float_of
from ..engine.value import Value
from ..files import checked_ending, write_whole
from ..nn.rates import verdicts
from .charts import Chart
from .plane import (
    BLACK,
    BLUE,
    COLOURS,
    GREY,
    LARGEST,
    VERMILLION,
    Point,
    check_examples,
    class_scores,
    margins,
    spaced,
    widened,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKERS = "osD^vP*X"
DASHES = ("-", "--", "-.", ":")
SHADES, ASCII_SHADES = " ▁▂▃▄▅▆▇█", " #"
STEEPEST = 10.0                 # `activation` shows values up to this size
FINE = 40                       # points to a side where contours are drawn


# ---- training

def loss_curves(history: Any) -> "Figure":
    """Loss, accuracy and learning rate by epoch: one panel for each that was recorded.

    history has the lists loss, validation_loss, accuracy, validation_accuracy and lr, one number per
    epoch; each may be empty.  A loss that spans two powers of ten or more gets a logarithmic axis;
    what is not finite, or beyond 1e30, leaves a gap.
    Raises ValueError where nothing was recorded.
    """
    panels = recorded(history)
    if not panels:
        raise ValueError("there is nothing to plot: the history has no loss, no accuracy and no lr")
    figure, all_axes = new_figure(len(panels))
    for axes, panel in zip(all_axes, panels):
        draw_panel(axes, *panel)
    return figure


def draw_panel(axes: "Axes", title: str, axis: str, lines: dict[str, list[float]]) -> None:
    """One of the panels that `recorded` lists."""
    for i, (name, values) in enumerate(lines.items()):
        axes.plot(range(1, len(values) + 1), values, color=COLOURS[i], linestyle=DASHES[i], linewidth=2, label=name,
                  marker="o" if len(values) == 1 else "")
    finish(axes, title, "epoch", axis, legend=title != "learning rate")
    axes.locator_params(axis="x", integer=True)
    drawn = [value for values in lines.values() for value in values if math.isfinite(value)]
    if title == "loss" and drawn and min(drawn) > 0 and max(drawn) >= 100 * min(drawn):
        axes.set_yscale("log")
        axes.set_ylabel("loss (logarithmic)")
    if title == "accuracy":
        axes.set_ylim(min([*drawn, 0.5]) - 0.02, 1.02)
    if title == "learning rate":
        axes.set_ylim(bottom=0)


def recorded(history: Any) -> list[tuple[str, str, dict[str, list[float]]]]:
    """(title, name of the axis, lines) of every panel that has anything to show."""
    if not hasattr(history, "validation_loss"):
        raise TypeError(f"a History is needed, as tg.fit returns it: got {short_repr(history)}")
    panels = [
        ("loss", "loss", {"training": history.loss, "validation": history.validation_loss}),
        ("accuracy", "share of right answers",
         {"training": history.accuracy, "validation": history.validation_accuracy}),
        ("learning rate", "lr", {"lr": history.lr}),
    ]
    filled = [(title, axis, {name: [drawable(x) for x in values] for name, values in lines.items() if values})
              for title, axis, lines in panels]
    return [panel for panel in filled if panel[2]]


def histograms(parameters: Iterable[Value] | Mapping[str, Value]) -> "Figure":
    """How the weights and their gradients are spread: a bump at 0 among gradients means that little is learned.

    parameters is a list of Values; or a dict {name: Value}, where each layer, such as `layers.0` of
    `layers.0.neurons.2.b`, gets an outline of its own.  What is not finite, or beyond 1e30, is
    counted as exploded.
    Raises ValueError where there are none.
    """
    named = parameters.items() if isinstance(parameters, Mapping) else [("", value) for value in parameters]
    layers: dict[str, list[Value]] = {}
    for name, value in named:
        layers.setdefault(layer_in_name(name), []).append(value)
    if not layers:
        raise ValueError("there is nothing to plot: no parameters were given")
    figure, all_axes = new_figure(2)
    for axes, title in zip(all_axes, ("weights", "gradients")):
        given = [[v.data if title == "weights" else v.grad for v in values] for values in layers.values()]
        groups = [[x for x in group if math.isfinite(drawable(x))] for group in given]
        everything = [x for group in groups for x in group]
        bins = spaced(*range_of(everything), 25)
        for i, (layer, group) in enumerate(zip(layers, groups)):
            axes.hist(group, bins=bins, color=COLOURS[i % 8], label=literal_name(layer), linewidth=2,
                      histtype="step" if len(layers) > 1 else "bar")
        exploded = sum(map(len, given)) - len(everything)
        unused = title == "gradients" and not any(everything) and not exploded
        finish(axes, f"{len(everything)} {title}" + f", and {exploded} exploded" * bool(exploded),
               title[:-1] + " (all are 0: call backward() first)" * unused, "how many", legend=len(layers) > 1)
    return figure


def range_of(numbers: list[float]) -> Point:
    """The least and the largest; some room about them where they are equal."""
    low, high = min(numbers, default=0.0), max(numbers, default=0.0)
    room = 0.0 if low < high else max(0.5, abs(low) / 10)
    return low - room, high + room


def layer_in_name(name: str) -> str:
    """The part of a parameter's name up to the first number."""
    found = re.match(r"\D*\d+", name)
    return found.group() if found else name


def decision_boundary(predict: Callable[[list[float]], Any], data: Any, resolution: int = FINE,
                      threshold: float = 0.0) -> "Figure":
    """What a classifier answers everywhere on the plane, with the examples on top; a black line where it changes.

    predict      takes one example, a list of two floats, and returns a list of outputs: one score per
                 class, the largest wins; or a single score for two classes, the second wins above `threshold`
    data         has inputs, targets (class indices), features and classes, as in `learn.data`
    resolution   points to a side at which `predict` is asked
    threshold    0 for a logit, 0.5 for a probability

    Raises ValueError for data without two inputs or without classes, and where the number of outputs
    does not fit the classes; ModuleNotFoundError without matplotlib.
    """
    check_plane(data, resolution)
    threshold = number(threshold)
    figure, [axes] = new_figure(1)
    right = draw_boundary(axes, predict, data, resolution, threshold)
    finish(axes, f"decision boundary: {right} of {len(data.inputs)} examples are classified correctly", *data.features)
    return figure


def draw_boundary(axes: "Axes", predict: Callable[[list[float]], Any], data: Any, resolution: int,
                  threshold: float) -> int:
    """The regions and examples of `decision_boundary`; returns how many examples are classified correctly."""
    def ask(point: Sequence[float]) -> list[float]:
        return margins(class_scores(predict(list(point)), len(data.classes), threshold))

    xs, ys = (spaced(*widened(column, 0.1), resolution) for column in zip(*data.inputs))
    grid = [[ask((x, y)) for x in xs] for y in ys]
    for i in range(len(data.classes)):
        draw_region(axes, xs, ys, [[margin[i] for margin in row] for row in grid], COLOURS[i % 8])
    draw_examples(axes, data)
    return sum(ask(point)[target] > 0 for point, target in zip(data.inputs, data.targets))


def draw_region(axes: "Axes", xs: list[float], ys: list[float], margin: list[list[float]], colour: str) -> None:
    """The part of the plane where a class wins, and its border."""
    largest = max(map(max, margin))
    if largest > 0:
        axes.contourf(xs, ys, margin, levels=[0, largest], colors=[colour], alpha=0.25)
    if min(map(min, margin)) < 0 < largest:
        axes.contour(xs, ys, margin, levels=[0], colors=BLACK, linewidths=1.2)


def check_plane(data: Any, resolution: int) -> None:
    """Refuse data whose classes cannot be drawn on a plane."""
    check_examples(data)
    if len(data.features) != 2:
        raise ValueError(f"a decision boundary is drawn for two inputs: these data have {len(data.features)}")
    if len(data.classes) < 2:
        raise ValueError("a decision boundary is drawn between classes: these data have "
                         f"{len(data.classes) or 'numbers as targets'}")
    if not data.inputs:
        raise ValueError("there is nothing to plot: the data have no examples")
    checked_whole("resolution", resolution, least=2)


def draw_examples(axes: "Axes", data: Any) -> None:
    """A dot for each example, in the colour and shape of its class."""
    for i, name in enumerate(data.classes):
        points = [point for point, target in zip(data.inputs, data.targets) if target == i]
        axes.scatter([x for x, _ in points], [y for _, y in points], s=32, color=COLOURS[i % 8], marker=MARKERS[i % 8],
                     edgecolors="white", linewidths=0.7, label=literal_name(name), zorder=3)
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    axes.set_aspect("equal")


# ---- functions and their gradients

def activation(op: Op | Callable[[Value], Any], low: float = -5.0, high: float = 5.0) -> "Figure":
    """A function of one number and its derivative, both computed by the engine at 401 points from low to high.

    op is an operation such as `tg.tanh`, or a function of one Value.  An operation is shown only where
    it is defined, and nothing beyond ±10.  A point without a derivative, such as 0 for relu, shows
    the one that `backward` takes.
    Raises ValueError for an operation of several inputs or low >= high.
    """
    check_function(op)
    name = getattr(op, "__name__", "f").replace("<lambda>", "f")
    low, high = domain_of(op, number(low), number(high))
    xs = spaced(low, high, 401)
    points = [slope(op, x) for x in xs]
    values, slopes = ([x if abs(x) <= STEEPEST else math.nan for x in column]
                      for column in ([y for y, _ in points], [by for _, [by] in points]))
    figure, [axes] = new_figure(1)
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.axvline(0, color=GREY, linewidth=0.8) if low < 0 < high else None
    axes.plot(xs, values, color=BLUE, linewidth=2.5, label=literal_name(f"{name}(x)"))
    axes.plot(xs, slopes, color=VERMILLION, linestyle="--", linewidth=2.5, label=f"its derivative {name}′(x)")
    finish(axes, f"{name} and its derivative", "x", "value", legend=True)
    return figure


def domain_of(op: Any, low: float, high: float) -> Point:
    """The part of low to high where an operation is defined; all of it for a function."""
    if isinstance(op, Op):
        if len(op.inputs) != 1 or op.rows:
            raise ValueError(f"activation draws functions of one number: {op.name} takes {', '.join(op.inputs)}"
                             + " (a row)" * op.rows)
        low, high = max(low, op.domain[0].low), min(high, op.domain[0].high)
    if not low < high:
        raise ValueError("low is less than high: got {} and {}".format(*told_apart(low, high)))
    return low, high


def slope(f: Callable[..., Any], *point: float) -> tuple[float, list[float]]:
    """The value and the gradient of f at a point, nan where there is none."""
    leaves = [Value(x) for x in point]
    with errstate(all="ignore"):
        output = f(*leaves)
        if isinstance(output, Value) and not output.is_constant:
            output.backward()
    return float_of(output), [leaf.grad for leaf in leaves]


def derivative_errors(f: Callable[[Any], Any], x: float,
                      methods: Sequence[str] = ("forward", "central", "five-point", "complex")) -> "Figure":
    """How far numeric derivatives of f at x are off, against the step h; both axes are logarithmic.

    methods   some of those of `tg.numeric_derivative`

    The derivative by the engine is taken as the true one.  An error below its last digit, 2⁻⁵³ of it,
    is drawn as that.  A dot marks the h taken by default.  A step at which f has no value
    leaves a gap, a method that f does not allow has no line.
    Raises ValueError for an unknown method or where there is nothing to draw.
    """
    with no_grad():                                 # a weight that f uses besides is a number here
        true = derivative(f)(x)
    steps = [10 ** (-k / 8) for k in range(8 * 16 + 1)]
    lines = {method: [numeric_error(f, x, method, h, true) for h in steps] for method in methods}
    drawn = {method: line for method, line in lines.items() if any(math.isfinite(error) for _, error in line)}
    if not drawn:
        raise ValueError("there is nothing to plot: no numeric derivative of f was found at "
                         f"{format_number(number(x))}")
    figure, [axes] = new_figure(1)
    for i, (method, line) in enumerate(drawn.items()):
        axes.plot(*zip(*line), color=COLOURS[i % 8], linestyle=DASHES[i % 4], linewidth=2, label=method)
        h, error = numeric_error(f, x, method, None, true)
        if h >= steps[-1]:
            axes.plot(h, error, color=COLOURS[i % 8], marker="o", markersize=8)
    axes.set(xscale="log", yscale="log")
    axes.invert_xaxis()
    finish(axes, f"numeric derivatives, where the true one is {format_number(true)}", "step h, smaller to the right",
           "error", legend=True)
    return figure


def numeric_error(f: Callable[[Any], Any], x: float, method: str, h: float | None, true: float) -> Point:
    """The step of a numeric derivative and its error; nan where there is none."""
    try:
        found = numeric_derivative(f, x, method, h)
    except (ArithmeticError, DomainError):
        return h or math.nan, math.nan
    except TypeError:                               # no complex numbers, or no number at all
        if method != "complex":
            raise
        return math.nan, math.nan
    return found.h, max(abs(found.value - true), (abs(true) or 1.0) * 2.0 ** -53)


def gradient_field(f: Callable[[Value, Value], Any], xs: Sequence[float], ys: Sequence[float]) -> "Figure":
    """The gradient of f(x, y) as arrows at every crossing of xs and ys, on the contours of f.

    f takes two Values and returns one.  An arrow points uphill; its length goes with the square root
    of the slope, so that small ones can be seen.  Gradient descent walks against the arrows.
    Raises ValueError for fewer than two different xs or ys.
    """
    for name, column in ("xs", xs), ("ys", ys):
        if len(set(map(number, column))) < 2:
            raise ValueError(f"{name} are at least two different numbers: got {short_repr(column)}")
    xs, ys = list(map(number, xs)), list(map(number, ys))
    figure, [axes] = new_figure(1)
    contours(figure, axes, f, widened(xs, 0.08), widened(ys, 0.08))
    places = [(x, y) for y in ys for x in xs]
    arrows = [shortened_arrow(slope(f, *place)[1]) for place in places]
    longest = max((math.hypot(*arrow) for arrow in arrows), default=0) or 1
    room = min((max(xs) - min(xs)) / (len(set(xs)) - 1), (max(ys) - min(ys)) / (len(set(ys)) - 1))
    axes.quiver([x for x, _ in places], [y for _, y in places], [dx for dx, _ in arrows], [dy for _, dy in arrows],
                color=VERMILLION, angles="xy", scale_units="xy", scale=longest / room, pivot="mid",
                width=0.004, zorder=3)
    finish(axes, "the gradient points uphill, across the contours", "x", "y")
    return figure


def shortened_arrow(gradient: Sequence[float]) -> Point:
    """The same direction with the square root of the length, nowhere where the gradient is not finite."""
    length = math.hypot(*gradient)
    shorter = math.sqrt(length) / length if 0 < length < math.inf else 0.0
    return (gradient[0] * shorter, gradient[1] * shorter) if shorter else (0.0, 0.0)


def contours(figure: "Figure", axes: "Axes", f: Callable[..., Any], across: Point, up: Point) -> None:
    """The heights of f over a rectangle; as many grid points lie between any two lines as between any others."""
    xs, ys = spaced(*across, FINE), spaced(*up, FINE)
    heights = [[slope(f, x, y)[0] for x in xs] for y in ys]
    ordered = sorted(height for row in heights for height in row if math.isfinite(height))
    levels = sorted({ordered[i * (len(ordered) - 1) // 12] for i in range(13)}) if ordered else []
    if len(levels) > 1:
        draw_levels(figure, axes, xs, ys, heights, levels)
    if 1 / 4 < (across[1] - across[0]) / (up[1] - up[0]) < 4:
        axes.set_aspect("equal")                # only then do gradients look perpendicular to contours


def draw_levels(figure: "Figure", axes: "Axes", xs: list[float], ys: list[float], heights: list[list[float]],
                levels: list[float]) -> None:
    """The bands between levels in shades of blue, and what each stands for."""
    if isinstance(figure, Chart):
        axes.contourf(xs, ys, heights, levels=levels)
        return
    shades = axes.contourf(xs, ys, heights, levels=levels, cmap="Blues_r", norm=by_rank(levels), alpha=0.7)
    shades.set(edgecolor=GREY, linewidth=0.5)
    bar = axes.inset_axes((1.02, 0, 0.03, 1))
    figure.colorbar(shades, cax=bar, label="f(x, y)", format=lambda height, _: format_number(height, 3))


def by_rank(levels: list[float]) -> Any:
    """Colours that change by the same amount from level to level."""
    from matplotlib.colors import BoundaryNorm
    return BoundaryNorm(levels, 256)


# ---- optimizers

def learning_rates(f: Callable[..., Any], start: float | Sequence[float], rates: Iterable[float],
                   steps: int = 50) -> "Figure":
    """The loss of plain gradient descent step by step, one line per learning rate, each with a verdict.

    f takes as many Values as `start` has numbers.  The verdict is that of `nn.rates.verdicts`: a rate
    is good where the loss comes at least nine tenths as far down as with the best rate, exploding where
    it ends further above the start than the best ends below it, or is no longer finite; any other is too
    high if a smaller one is good, too low if only larger ones are.
    Raises ValueError for no rates, steps < 1 or a start without a finite loss.
    """
    steps = checked_whole("steps", steps)
    begin = [number(x) for x in (start if isinstance(start, Sequence) else [start])]
    losses = {lr: descent(f, begin, lr, steps) for lr in map(number, rates)}
    if not losses:
        raise ValueError("there is nothing to plot: give at least one rate")
    first = next(iter(losses.values()))[0]
    if not math.isfinite(first):
        raise ValueError(f"the loss at the start must be finite: got {first} at {short_repr(begin)}")
    figure, [axes] = new_figure(1)
    best = min([first, *[line[-1] for line in losses.values() if math.isfinite(line[-1])]])
    positive = min(map(min, losses.values())) > 0
    axes.set_yscale("log" if positive else "linear")
    span = (first - best) or 1
    axes.set_ylim(*(max(best, first * 1e-8) / 3, first * 100) if positive else (best - span / 10, first + span))
    words = verdicts(losses)
    for i, (lr, line) in enumerate(losses.items()):
        axes.plot(range(len(line)), line, color=COLOURS[i % 8], linestyle=DASHES[i % 4], linewidth=2.2,
                  label=f"lr = {format_number(lr)}: {words[lr]}")
    finish(axes, "gradient descent at different learning rates", "step", "loss" + " (logarithmic)" * positive,
           legend=True)
    return figure


def descent(f: Callable[..., Any], start: list[float], lr: float, steps: int) -> list[float]:
    """The loss before every step and after the last, up to the first that is not finite."""
    point, losses = start, []
    for _ in range(steps + 1):
        loss, gradient = slope(f, *point)
        losses.append(loss)
        if not math.isfinite(loss):
            break
        point = [x - lr * by for x, by in zip(point, gradient)]
    return losses


def optimizer_paths(f: Callable[[Value, Value], Any], start: Sequence[float],
                    optimizers: Mapping[str, Callable[[list[Value]], Any]], steps: int = 100) -> "Figure":
    """The way each optimizer takes from `start` on the contours of f(x, y), with the loss where it ends.

    optimizers is {name: function}; a function takes the list of the two Values and returns an object
    with `step()` and `zero_grad()`.  The picture holds every path that ends no higher than it begins;
    others may leave it.
    Raises ValueError for no optimizers, steps < 1 or a start that is not two numbers.
    """
    steps = checked_whole("steps", steps)
    if not optimizers or len(start) != 2:
        raise ValueError(f"give at least one optimizer and a start of two numbers: got {len(optimizers)} optimizers, "
                         f"start={short_repr(start)}")
    start = list(map(number, start))
    paths = {name: path_taken(f, start, make, steps) for name, make in optimizers.items()}
    ends = {name: slope(f, *path[-1])[0] for name, path in paths.items()}
    places = [place for name, path in paths.items() if ends[name] <= slope(f, *start)[0] for place in path]
    figure, [axes] = new_figure(1)
    across, up = (widened([place[i] for place in [tuple(start), *places]], 0.2) for i in (0, 1))
    contours(figure, axes, f, across, up)
    for i, (name, path) in enumerate(paths.items()):
        axes.plot([x for x, _ in path], [y for _, y in path], color=COLOURS[(i + 1) % 8], linestyle=DASHES[i % 4],
                  marker=MARKERS[i % 8], markersize=4, markevery=max(1, steps // 25), linewidth=1.8,
                  label=literal_name(f"{name}: {format_number(ends[name], 3)}"))
    axes.plot(*start, color=BLACK, marker="o", markersize=9, linestyle="", label="start")
    axes.set(xlim=across, ylim=up)
    finish(axes, f"{steps} steps of each optimizer, and the loss at the end", "x", "y", legend=True)
    return figure


def path_taken(f: Callable[..., Any], start: Sequence[float], make: Callable[[list[Value]], Any],
               steps: int) -> list[Point]:
    """Where an optimizer is before every step and after the last, up to the last place that is finite."""
    x, y = Value(start[0]), Value(start[1])
    optimizer, path = make([x, y]), [(x.data, y.data)]
    with errstate(all="ignore"):
        for _ in range(steps):
            optimizer.zero_grad()
            f(x, y).backward()
            try:
                optimizer.step()
            except (GradientError, RuntimeError):       # it has flown off, or stands at the bottom
                break
            if not (math.isfinite(x.data) and math.isfinite(y.data)):
                break
            path.append((x.data, y.data))
    return path


# ---- in the terminal

def text_curve(values: Iterable[float], width: int = 60, height: int = 10, ascii: bool = False, *,
               name: str = "", counted: str = "") -> str:
    """Numbers in order, such as the losses of a training, as bars made of text; needs no matplotlib.

    The bars begin at 0, or at the lowest number where that is below.  More numbers than columns are
    averaged; what is not finite, or beyond 1e30, leaves a gap.

    ascii      for terminals without block characters
    name       what the numbers are, above; `counted` what is counted from left to right, below

    Raises ValueError where there is no finite number, or for width or height below 1.

    >>> print(text_curve([8, 4, 2, 0], width=12, height=4, ascii=True, name="loss", counted="step"))
    loss
    8 |###
      |######
      |#########
      |############
    0 +------------
       1   step   4
    """
    numbers = [drawable(number(value)) for value in values]
    width, height = checked_whole("width", width), checked_whole("height", height)
    if not any(map(math.isfinite, numbers)):
        raise ValueError(f"there is no finite number to show: got {short_repr(numbers)}")
    columns = averages(numbers, width)
    known = [x for x in columns if math.isfinite(x)]
    low, high = min(0.0, *known), max(0.0, *known)
    shades, bar, corner, line = (ASCII_SHADES, "|", "+", "-") if ascii else (SHADES, "│", "└", "─")
    parts = len(shades) - 1
    filled = [1 + round((x - low) / (high - low or 1) * (height * parts - 1)) if math.isfinite(x) else 0
              for x in columns]
    ends = [format_number(end, 3) for end in (high, low)]
    margin = max(map(len, ends))
    rows = [[shades[min(max(level - row * parts, 0), parts)] for level in filled] for row in reversed(range(height))]
    lines = [f"{label:>{margin}} {bar}{''.join(row)}" for label, row in zip([ends[0], *[""] * height], rows)]
    last = str(len(numbers)) if len(numbers) > 1 else ""
    below = f"1{counted:^{max(width - 1 - len(last), 0)}}{last}"
    return "\n".join(line.rstrip() for line in [
        *[name] * bool(name), *lines, f"{ends[1]:>{margin}} {corner}{line * width}", " " * (margin + 2) + below])


def averages(numbers: list[float], width: int) -> list[float]:
    """`width` numbers in place of any count: each the mean of those it stands for, without the infinite ones."""
    columns = []
    for i in range(width):
        first, end = i * len(numbers) // width, (i + 1) * len(numbers) // width
        group = [x for x in numbers[first:max(end, first + 1)] if math.isfinite(x)]
        columns.append(math.fsum(group) / len(group) if group else math.nan)
    return columns


# ---- what all figures share

def new_figure(panels: int) -> "tuple[Figure, list[Axes]]":
    """A figure of 900 pixels or so in width that belongs to no window, and its panels side by side."""
    try:
        figure_kind = figure_class()
    except ModuleNotFoundError:
        chart = Chart(panels)
        return chart, chart.panels          # type: ignore[return-value]
    figure = figure_kind(figsize=(9, 5) if panels == 1 else (9 + 2 * (panels - 2), 4), dpi=100, layout="constrained")
    all_axes = list(figure.subplots(1, panels, squeeze=False)[0])
    for axes in all_axes:
        axes.spines[["top", "right"]].set_visible(False)
    return figure, all_axes


@cache
def figure_class() -> "type[Figure]":
    """Matplotlib's Figure with reproducible files, and shown in notebooks without pyplot."""
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise ModuleNotFoundError('plots are drawn by matplotlib: pip install matplotlib') from None

    class Plot(Figure):
        def savefig(self, fname: Any, **options: Any) -> None:
            if isinstance(fname, str | os.PathLike):
                made, known = BytesIO(), sorted(self.canvas.get_supported_filetypes())
                path, kind = path_and_kind(fname, options.pop("format", None), known)
                self.savefig(made, format=kind, **options)
                write_whole(path, made.getvalue())
                return
            undated: dict[Any, dict] = {"svg": {"Date": None, "Creator": None}, "pdf": {"CreationDate": None}}
            if (form := options.get("format")) in undated:
                options["metadata"] = {**undated[form], **(options.get("metadata") or {})}
            with rc_context({"svg.hashsalt": "tinygrad-edu"}):
                super().savefig(fname, **options)

        def _repr_svg_(self) -> str:
            text = StringIO()
            # words as words, which can be read aloud and found; Verdana is as wide as matplotlib's own font
            with rc_context({"svg.fonttype": "none", "font.sans-serif": ["DejaVu Sans", "Verdana"]}):
                self.savefig(text, format="svg")
            return with_short_numbers(text.getvalue())
    return Plot


def path_and_kind(name: "str | os.PathLike[str]", kind: str | None, known: Sequence[str]) -> tuple[str, str]:
    """The file and the format that matplotlib makes of a name: PNG where neither says which, or one that it knows.

    >>> known = "pdf", "png", "svg"
    >>> path_and_kind("loss.SVG", None, known), path_and_kind("loss", None, known)
    (('loss.SVG', 'svg'), ('loss.png', 'png'))
    >>> path_and_kind("loss.1", "pdf", known)
    ('loss.1', 'pdf')
    """
    path = os.fspath(name)
    if kind:
        return path, kind.lower()
    if not os.path.splitext(path)[1][1:]:
        return path.rstrip(".") + ".png", "png"
    return path, checked_ending(path, known, "plots")


def with_short_numbers(svg: str) -> str:
    """The same picture, with every place to a tenth of a point and nothing said twice, so that a notebook stays small.

    >>> with_short_numbers('<path d="M 1.234567 20 \\nL -0.04 3.21\\n"/>\\n  <text x="3.14159">1.234567</text>')
    '<path d="M 1.2 20 L -0.0 3.2"/><text x="3.1">1.234567</text>'
    >>> with_short_numbers('<g><use x="1" style="fill: red"/><use x="2" style="fill: red"/></g>')
    '<g style="fill: red"><use x="1"/><use x="2"/></g>'
    """
    def rounded(places: re.Match) -> str:
        return " ".join(re.sub(r"\d+\.\d+", lambda x: f"{float(x[0]):.1f}", places[0]).split())

    def with_one_style(group: re.Match) -> str:
        start, inside, style = group.groups()
        return f"{start}{style}>{inside.replace(style, '')}</g>"
    svg = re.sub(r">\s+<", "><", re.sub(r'(?<= [dxy]=")[^"]+', rounded, svg))
    dots = r'(<g(?: clip-path="[^"]*")?)>(<use[^>]*( style="[^"]*")/>(?:<use[^>]*\3/>)*)</g>'
    return re.sub(dots, with_one_style, svg)


def finish(axes: "Axes", title: str, across: str, up: str, legend: bool = False) -> None:
    """Title, names of the axes, and a legend."""
    axes.set_title(literal_name(title), loc="left", fontweight="bold")
    axes.set_xlabel(literal_name(across))
    axes.set_ylabel(literal_name(up))
    if legend:
        axes.legend(frameon=True, framealpha=0.9)


def literal_name(name: str) -> str:
    """A name as matplotlib shows it: between $ it would read TeX, and with _ in front keep it out of legends."""
    name = printable(name)
    return (" " + name if name.startswith("_") else name).replace("$", r"\$")


def drawable(x: float) -> float:
    """x, or nan where it is not finite or has exploded."""
    return x if abs(x) <= LARGEST else math.nan


__all__ = ["activation", "decision_boundary", "derivative_errors", "gradient_field", "histograms", "learning_rates",
           "loss_curves", "optimizer_paths", "text_curve"]
