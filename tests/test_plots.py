"""Plots: what they draw is what the engine computed, and nothing is left open behind them."""

import math
import re
import sys
from html import escape
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu import Value
from tinygrad_edu.learn.data import Data, noisy_sine, spirals, xor
from tinygrad_edu.show import plots
from tinygrad_edu.show.charts import HIGH, Axis, Panel
from tinygrad_edu.show.plots import text_curve

HISTORY = {"loss": [2.0, 1.0, 0.5], "validation_loss": [2.1, 1.2, 0.9], "accuracy": [0.3, 0.6, 0.8],
           "validation_accuracy": [0.3, 0.5, 0.6], "lr": [0.1, 0.1, 0.05]}


def history(**lists):
    return SimpleNamespace(**{**dict.fromkeys(HISTORY, ()), **lists})


def bowl(x, y):
    return x * x + 4 * y * y


class Descent:
    """The least an optimizer can be."""

    def __init__(self, values, lr):
        self.values, self.lr = values, lr

    def zero_grad(self):
        for value in self.values:
            value.grad = 0.0

    def step(self):
        for value in self.values:
            value.data -= self.lr * value.grad


FIGURES = {
    "loss_curves": lambda: plots.loss_curves(history(**HISTORY)),
    "histograms": lambda: plots.histograms([Value(i / 7) for i in range(20)]),
    "decision_boundary": lambda: plots.decision_boundary(lambda point: [point[0] - point[1]], xor(20), resolution=12),
    "activation": lambda: plots.activation(tg.tanh),
    "derivative_errors": lambda: plots.derivative_errors(tg.tanh, 0.5, ["forward", "central"]),
    "gradient_field": lambda: plots.gradient_field(bowl, [-1, 0, 1], [-1, 0, 1]),
    "learning_rates": lambda: plots.learning_rates(lambda x: x * x, 2.0, [0.01, 0.4, 1.5]),
    "optimizer_paths": lambda: plots.optimizer_paths(bowl, (1, 1), {"descent": lambda v: Descent(v, 0.1)}, steps=9),
}


@pytest.fixture
def matplotlib():
    return pytest.importorskip("matplotlib", reason="matplotlib is not installed")


def lines_of(axes):
    """{label: [y, ...]} of the lines that have a label."""
    return {line.get_label(): list(line.get_ydata()) for line in axes.lines if not line.get_label().startswith("_")}


def legend_of(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


# ---- every figure

@pytest.mark.parametrize("name", [name for name in plots.__all__ if name != "text_curve"])
def test_every_plot_has_an_entry_among_the_figures(name):
    assert name in FIGURES, f"{name} is drawn by no test: give it a line in FIGURES, at the top of this file"


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_has_a_title_and_named_axes_and_opens_no_window(name, matplotlib):
    figure = FIGURES[name]()
    assert isinstance(figure, matplotlib.figure.Figure) and figure.get_size_inches()[0] * figure.dpi >= 900
    assert all(axes.get_title(loc="left") and axes.get_xlabel() and axes.get_ylabel() for axes in figure.axes)
    from matplotlib import pyplot
    assert pyplot.get_fignums() == []


@pytest.mark.parametrize(("name", "kind"), [*((name, "svg") for name in FIGURES), *(("loss_curves", kind) for kind in ("png", "pdf", "jpg"))])
def test_a_figure_is_saved_to_the_same_bytes_every_time(name, kind, matplotlib, tmp_path):
    """What a figure holds depends on its name, what is written of time and version on the kind of file."""
    files = [tmp_path / f"{i}.{kind}" for i in range(2)]
    for file in files:
        FIGURES[name]().savefig(file)
    assert files[0].read_bytes() == files[1].read_bytes() != b""


@pytest.mark.parametrize("name", FIGURES)
def test_a_notebook_is_given_a_small_svg_whose_words_are_words(name, matplotlib):
    figure = FIGURES[name]()
    text = figure._repr_svg_()
    assert text.startswith("<?xml") and text.rstrip().endswith("</svg>") and "<dc:date>" not in text
    assert f">{escape(figure.axes[0].get_title(loc='left'))}</text>" in text and len(text) < 90_000


@pytest.fixture
def no_matplotlib(monkeypatch):
    """As where it is not installed."""
    plots.figure_class.cache_clear()
    for module in "matplotlib", "matplotlib.figure":
        monkeypatch.setitem(sys.modules, module, None)
    yield
    plots.figure_class.cache_clear()


@pytest.mark.parametrize("name", FIGURES)
def test_without_matplotlib_a_plot_is_a_chart_of_the_same_words(name, no_matplotlib):
    text = FIGURES[name]()._repr_svg_()
    said = ["".join(element.itertext()) for element in ElementTree.fromstring(text).iter("{http://www.w3.org/2000/svg}text")]
    assert text == FIGURES[name]()._repr_svg_() and len(text) < 90_000 and "nan" not in text
    assert all(panel.title in said and panel.x.name in said and panel.y.name in said for panel in FIGURES[name]().panels)


@pytest.mark.parametrize("scale", ["linear", "log"])
@given(values=st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=9))
def test_a_line_of_a_chart_goes_through_its_numbers(values, scale):
    panel = Panel()
    panel.set_yscale(scale)
    panel.plot(range(len(values)), values)
    drawn = [tuple(map(float, point.split())) for point in re.split("[ML]", re.search('<path d="(M[^"]*)"', panel.svg())[1])[1:]]
    low, high = panel.y.ends()
    for i, ((x, y), value) in enumerate(zip(drawn, values, strict=True)):
        height = math.log10(value) if scale == "log" else value
        assert y == pytest.approx(HIGH * (high - height) / (high - low), abs=0.06)
        assert x == pytest.approx(drawn[0][0] + i * (drawn[-1][0] - drawn[0][0]) / (len(values) - 1), abs=0.11)


def test_a_chart_leaves_a_gap_where_a_number_is_not_finite():
    panel = Panel()
    panel.plot(range(5), [1, 2, math.nan, 4, math.inf])
    line = re.search('<path d="(M[^"]*)"', panel.svg())[1]
    assert [part.count("L") for part in line.split("M")[1:]] == [1, 0]


@pytest.mark.parametrize("low, high", [(0, 1), (-3.2, 17), (1e-9, 3e-9), (-1e12, 1e12), (2, 2)])
def test_the_ticks_of_a_chart_are_few_round_and_within_it(low, high):
    axis = Axis()
    axis.add([low, high])
    ticks, (least, most) = axis.ticks(), axis.ends()
    assert 2 <= len(ticks) <= 7 and least <= min(ticks) and max(ticks) <= most


def test_the_outline_of_a_histogram_has_the_height_of_each_count():
    panel = Panel()
    panel.hist([0.1, 0.2, 0.9, 1.0], bins=[0, 0.25, 0.5, 0.75, 1.0], color="red")
    assert panel.y.numbers == [0, 2, 2, 0, 0, 0, 0, 2, 2, 0]


def test_a_chart_is_saved_as_svg_and_other_files_say_what_they_take(no_matplotlib, tmp_path):
    chart = FIGURES["activation"]()
    chart.savefig(tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_text(encoding="utf-8") == chart._repr_svg_()
    with pytest.raises(ModuleNotFoundError, match=r"pip install matplotlib$"):
        chart.savefig(tmp_path / "a.png")


# ---- training

def test_the_curves_of_a_training_are_the_numbers_of_its_history(matplotlib):
    loss, accuracy, rate = plots.loss_curves(history(**HISTORY)).axes
    assert lines_of(loss) == {"training": HISTORY["loss"], "validation": HISTORY["validation_loss"]}
    assert lines_of(accuracy) == {"training": HISTORY["accuracy"], "validation": HISTORY["validation_accuracy"]}
    assert lines_of(rate) == {"lr": HISTORY["lr"]}
    assert list(loss.lines[0].get_xdata()) == [1, 2, 3] and loss.get_yscale() == "linear"


def test_only_what_was_recorded_gets_a_panel(matplotlib):
    [axes] = plots.loss_curves(history(loss=[1.0])).axes
    assert lines_of(axes) == {"training": [1.0]} and axes.lines[0].get_marker() == "o"
    with pytest.raises(ValueError, match="there is nothing to plot: the history has no loss"):
        plots.loss_curves(history())


def test_a_loss_over_two_powers_of_ten_has_a_logarithmic_axis(matplotlib):
    assert plots.loss_curves(history(loss=[1.0, 0.01])).axes[0].get_yscale() == "log"
    assert plots.loss_curves(history(loss=[1.0, 0.0, math.inf, math.nan])).axes[0].get_yscale() == "linear"


def test_histograms_count_every_weight_and_every_gradient(matplotlib):
    values = [Value(x) for x in (-1, 0, 0.5, 2)]
    tg.sum([value * value for value in values]).backward()
    for axes in plots.histograms(values).axes:
        assert sum(bar.get_height() for bar in axes.patches) == 4
    weights, gradients = plots.histograms(values).axes
    assert weights.get_xlabel() == "weight" and gradients.get_xlabel() == "gradient"


def test_histograms_of_named_parameters_have_one_outline_per_layer(matplotlib):
    names = [f"layers.{i}.neurons.{j}.b" for i in range(2) for j in range(5)]
    figure = plots.histograms({name: Value(i) for i, name in enumerate(names)})
    assert all(legend_of(axes) == ["layers.0", "layers.1"] for axes in figure.axes)
    assert "call backward() first" in figure.axes[1].get_xlabel()
    assert [plots.layer_in_name(name) for name in ("0.w.1", "bias", "hidden12.w")] == ["0", "bias", "hidden12"]


EXTREME = [[1e308, -1e308], [1e-320, 0.0], [math.nan, 1.0], [math.inf, 1.0], [1e300] * 3, [1e29] * 3, [math.nan], [1e-300, 1e300]]


@pytest.mark.parametrize("values", EXTREME, ids=str)
def test_a_training_that_explodes_can_still_be_plotted(values, matplotlib):
    plots.loss_curves(history(loss=values, lr=values))._repr_svg_()
    figure = plots.histograms([Value(x) for x in values])
    figure._repr_svg_()
    exploded = sum(not abs(x) <= 1e30 for x in values)
    title = f"{len(values) - exploded} weights" + f", and {exploded} exploded" * bool(exploded)
    assert figure.axes[0].get_title(loc="left") == title


@pytest.mark.parametrize("nothing", [[], {}])
def test_histograms_of_nothing_are_refused(nothing, matplotlib):
    with pytest.raises(ValueError, match="no parameters were given"):
        plots.histograms(nothing)


def border_of(axes):
    """The points of all border lines."""
    from matplotlib.contour import QuadContourSet
    lines = [c for c in axes.collections if isinstance(c, QuadContourSet) and not c.filled]
    return [point for line in lines for path in line.get_paths() for point in path.vertices.tolist()]


@pytest.mark.parametrize(("predict", "threshold"), [
    (lambda p: [p[0] - 0.5], 0.0), (lambda p: p[0] - 0.5, 0.0), (lambda p: [p[0]], 0.5), (lambda p: [0.5, p[0]], 0.0),
    (lambda p: [Value(p[0]) - 0.5], 0.0),
], ids=["logit", "bare number", "probability", "two scores", "Values"])
def test_the_border_lies_where_the_answer_changes(predict, threshold, matplotlib):
    data = xor(40)
    [axes] = plots.decision_boundary(predict, data, resolution=21, threshold=threshold).axes
    border = border_of(axes)
    assert border and all(x == pytest.approx(0.5) for x, _ in border)
    right = sum((x > 0.5) == target for (x, _), target in zip(data.inputs, data.targets, strict=True))
    assert f"{right} of 40 examples" in axes.get_title(loc="left") and legend_of(axes) == ["same", "different"]


def test_three_classes_have_three_regions_and_a_class_that_never_wins_has_none(matplotlib):
    data = spirals(30, arms=3)
    [axes] = plots.decision_boundary(lambda p: [p[0], p[1], -p[0] - p[1]], data, resolution=9).axes
    assert sum(getattr(c, "filled", False) for c in axes.collections) == 3
    [axes] = plots.decision_boundary(lambda p: [1.0, 0.0, -1.0], data, resolution=9).axes
    assert sum(getattr(c, "filled", False) for c in axes.collections) == 1 and not border_of(axes)
    [axes] = plots.decision_boundary(lambda p: [math.nan] * 3, data, resolution=9).axes
    assert "0 of 30" in axes.get_title(loc="left")


def test_names_of_columns_and_classes_are_shown_as_they_are(matplotlib):
    data = Data([[0.0, 1.0], [1.0, 0.0]], [0, 1], ("price in $", "$\\frac$"), ("_none", "$5 or $6"))
    figure = plots.decision_boundary(lambda point: [point[0] - point[1]], data, resolution=5)
    assert legend_of(figure.axes[0]) == [" _none", r"\$5 or \$6"]
    text = figure._repr_svg_()
    for name in "price in $", r"$\frac$", " _none", "$5 or $6":
        assert f">{name}</text>" in text


@pytest.mark.parametrize(("data", "options", "message"), [
    (Data([[0.0] * 3], [0], ("a", "b", "c"), ("no", "yes")), {}, "drawn for two inputs: these data have 3"),
    (Data([[0.0] * 2], [0.5], ("a", "b")), {}, "between classes: these data have numbers as targets"),
    (xor(4).chosen([]), {}, "the data have no examples"), (xor(4), {"resolution": 1}, "resolution must be at least 2, got 1"),
    (spirals(6, arms=3), {}, "predict returns 1 outputs for 3 classes"), (noisy_sine(4), {}, "these data have 1"),
])
def test_a_boundary_that_cannot_be_drawn_is_refused(data, options, message, matplotlib):
    with pytest.raises(ValueError, match=message):
        plots.decision_boundary(lambda point: [point[0]], data, **options)


# ---- functions

@pytest.mark.parametrize("op", [tg.tanh, tg.relu, tg.log, tg.tan, tg.asin, tg.acosh, tg.sqrt, tg.leaky_relu, tg.step,
                                lambda v: v * tg.sin(v)], ids=lambda op: op.__name__)
def test_a_function_and_its_derivative_are_those_of_the_engine(op, matplotlib):
    [axes] = plots.activation(op).axes
    *_, function, derivative = axes.lines
    shown = 0
    for x, y, by in zip(function.get_xdata(), function.get_ydata(), derivative.get_ydata(), strict=True):
        v = Value(x)
        with tg.errstate(all="ignore"):
            f = op(v)
            f.backward()
        for drawn, true in (y, f.data), (by, v.grad):
            assert drawn == true if abs(true) <= plots.STEEPEST else math.isnan(drawn)
            shown += drawn == true
    assert shown > 600


def test_an_operation_is_shown_where_it_is_defined(matplotlib):
    def ends(*args):
        xs = plots.activation(*args).axes[0].lines[-1].get_xdata()
        return xs[0], xs[-1]
    assert ends(tg.tanh) == (-5, 5) and ends(tg.log) == (0, 5) and ends(tg.asin) == (-1, 1)
    assert ends(tg.acosh) == (1, 5) and ends(tg.tanh, -1, 2) == (-1, 2) and ends(lambda v: tg.tanh(v), -1, 2) == (-1, 2)


@pytest.mark.parametrize("op", [op for op in tg.OPS.values() if len(op.inputs) == 1 and not op.rows
                                and None not in op.constants.values()], ids=repr)
def test_every_operation_of_one_number_can_be_plotted(op, matplotlib):
    assert legend_of(plots.activation(op).axes[0]) == [f"{op.name}(x)", f"its derivative {op.name}′(x)"]


def test_a_function_that_does_not_depend_on_its_input_has_derivative_0(matplotlib):
    *_, derivative = plots.activation(lambda v: 3.0).axes[0].lines
    assert set(derivative.get_ydata()) == {0.0}


@pytest.mark.parametrize(("args", "message"), [
    ((tg.mul,), "activation draws functions of one number: mul takes x, y"), ((tg.sum,), r"sum takes x \(a row\)"),
    ((tg.tanh, 1, 1), "low is less than high: got 1 and 1"), ((tg.log, -3, -1), "low is less than high: got 0 and -1"),
])
def test_what_is_no_function_of_one_number_is_refused(args, message, matplotlib):
    with pytest.raises(ValueError, match=message):
        plots.activation(*args)


def test_arrows_point_along_the_gradient(matplotlib):
    from matplotlib.quiver import Quiver
    [axes] = plots.gradient_field(bowl, [-1, 0, 2], [0, 1]).axes
    [arrows] = [c for c in axes.collections if isinstance(c, Quiver)]
    assert arrows.XY.tolist() == [[-1, 0], [0, 0], [2, 0], [-1, 1], [0, 1], [2, 1]]
    for (x, y), dx, dy in zip(arrows.XY.tolist(), arrows.U, arrows.V, strict=True):
        slope = math.hypot(2 * x, 8 * y)
        assert (dx * math.sqrt(slope), dy * math.sqrt(slope)) == pytest.approx((2 * x, 8 * y))


@pytest.mark.parametrize(("f", "places"), [
    (lambda x, y: tg.log(x) + y, 3), (lambda x, y: tg.exp(1000 * x) + y, 6), (lambda x, y: 0 * x + y, 9),
    (lambda x, y: 1.0, 0), (lambda x, y: tg.log(-x * x - y * y), 0)], ids=["undefined", "too large", "slope", "flat", "nowhere"])
def test_a_field_can_have_holes_or_be_flat(f, places, matplotlib):
    from matplotlib.contour import QuadContourSet
    from matplotlib.quiver import Quiver
    figure = plots.gradient_field(f, [-1, 0, 1], [-1, 0, 1])
    assert figure._repr_svg_().rstrip().endswith("</svg>")
    drawn = figure.axes[0].collections
    [arrows] = [c for c in drawn if isinstance(c, Quiver)]
    assert sum(math.hypot(*arrow) > 0 for arrow in zip(arrows.U, arrows.V)) == places
    assert any(isinstance(c, QuadContourSet) for c in drawn) == (places > 0)


@pytest.mark.parametrize(("xs", "ys", "message"), [([1], [0, 1], r"xs are at least two different numbers: got \[1\]"),
                                                   ([0, 1], [2, 2], "ys are at least two")])
def test_a_field_needs_two_columns_and_two_rows(xs, ys, message, matplotlib):
    with pytest.raises(ValueError, match=message):
        plots.gradient_field(bowl, xs, ys)


# ---- optimizers

def test_rates_are_told_apart_as_too_low_good_too_high_and_exploding(matplotlib):
    [axes] = plots.learning_rates(lambda x: x * x, 2, [0.001, 0.3, 1.0, 1.1], steps=30).axes
    lines = lines_of(axes)
    assert list(lines) == ["lr = 0.001: too low", "lr = 0.3: good", "lr = 1: too high", "lr = 1.1: exploding"]
    for lr, losses in zip((0.001, 0.3, 1.0, 1.1), lines.values(), strict=True):
        assert losses == pytest.approx([4 * (1 - 2 * lr) ** (2 * i) for i in range(31)], rel=1e-9)


def test_a_loss_that_overflows_ends_its_line_and_others_go_on(matplotlib):
    [axes] = plots.learning_rates(lambda x, y: (x * y) ** 4 + 1, [2, 1], [1e-4, 10.0], steps=20).axes
    assert [len(line) for line in lines_of(axes).values()] == [21, 4]
    assert [label.split(": ")[1] for label in lines_of(axes)] == ["good", "exploding"]


def test_all_rates_may_explode(matplotlib):
    figure = plots.learning_rates(lambda x: x * x - 1, 3.0, [2.0, 5.0], steps=400)
    figure._repr_svg_()
    [axes] = figure.axes
    assert all(label.endswith("exploding") for label in lines_of(axes))


def test_a_start_without_a_loss_is_refused(matplotlib):
    with pytest.raises(ValueError, match=r"the loss at the start must be finite: got nan at \[-1.0\]"):
        plots.learning_rates(tg.log, -1.0, [0.1])


@pytest.mark.parametrize(("rates", "steps", "message"), [
    ([], 5, "give at least one rate"), ([0.1], 0, "steps must be at least 1, got 0")])
def test_rates_and_steps_must_be_given(rates, steps, message, matplotlib):
    with pytest.raises(ValueError, match=message):
        plots.learning_rates(lambda x: x * x, 2.0, rates, steps)


def test_a_path_is_where_the_optimizer_went(matplotlib):
    rates = {"slow": 0.01, "fast": 0.1, "wild": 1.0}
    makers = {name: lambda values, lr=lr: Descent(values, lr) for name, lr in rates.items()}
    [axes] = plots.optimizer_paths(bowl, (3, 1), makers, steps=20).axes
    *paths, start = axes.lines
    assert start.get_label() == "start" and [start.get_xdata()[0], start.get_ydata()[0]] == [3, 1]
    for path, (name, lr) in zip(paths, rates.items(), strict=True):
        assert path.get_xdata() == pytest.approx([3 * (1 - 2 * lr) ** i for i in range(21)], rel=1e-9)
        assert path.get_ydata() == pytest.approx([(1 - 8 * lr) ** i for i in range(21)], rel=1e-9)
        assert path.get_label().startswith(f"{name}: ")
    assert axes.get_ylim()[1] < 2           # the wild one does not set the scale


@pytest.mark.parametrize(("lr", "places", "loss"), [(0.0, 6, "5"), (1e200, 2, "inf")])
def test_an_optimizer_that_stays_or_runs_away_still_gives_a_picture(lr, places, loss, matplotlib):
    figure = plots.optimizer_paths(bowl, [1, 1], {"only": lambda values: Descent(values, lr)}, steps=5)
    path, _ = figure.axes[0].lines
    assert len(path.get_xdata()) == places and path.get_label() == f"only: {loss}"
    assert figure.axes[0].get_xlim() == pytest.approx((0.8, 1.2)) and figure._repr_svg_().rstrip().endswith("</svg>")


@pytest.mark.parametrize(("start", "makers", "steps", "message"), [
    ((1, 1), {}, 5, r"start of two numbers: got 0 optimizers, start=\(1, 1\)"),
    ((1,), {"a": Descent}, 5, r"start of two numbers: got 1 optimizers, start=\(1,\)"),
    ((1, 1), {"a": Descent}, 0, "steps must be at least 1, got 0")])
def test_paths_need_an_optimizer_a_step_and_a_point(start, makers, steps, message, matplotlib):
    with pytest.raises(ValueError, match=message):
        plots.optimizer_paths(bowl, start, makers, steps)


@pytest.mark.parametrize("draw", [
    lambda count: plots.decision_boundary(lambda point: point, xor(4), resolution=count),
    lambda count: plots.learning_rates(lambda x: x * x, 2.0, [0.1], steps=count),
    lambda count: plots.optimizer_paths(bowl, (1, 1), {"a": lambda values: Descent(values, 0.1)}, steps=count),
    lambda count: text_curve([1, 2], width=count), lambda count: text_curve([1, 2], height=count)])
def test_what_is_counted_is_a_whole_number(draw, matplotlib):
    for no_count in 2.5, True, "3":
        with pytest.raises(TypeError, match=r"(resolution|steps|width|height) must be a whole number, not \w+: got"):
            draw(no_count)
    draw(pytest.importorskip("numpy").int64(3))


# ---- in the terminal

def test_a_text_curve_falls_as_the_loss_does():
    rows = text_curve([1 / (1 + i) for i in range(500)], width=40, height=8).splitlines()
    assert len(rows) == 10 and max(map(len, rows)) <= 40 + len("  0.259 │")
    heights = [sum(row[j + 1 + row.index("│"):][:1] not in ("", " ") for row in rows[:-2]) for j in range(40)]
    assert heights == sorted(heights, reverse=True) and heights[0] == 8 and heights[-1] == 1
    assert rows[-2].split() == ["0", "└" + "─" * 40] and rows[-1].split() == ["1", "500"]


def test_a_text_curve_begins_at_0_and_says_what_it_shows():
    heights = [row.count("█") for row in text_curve([4, 3, 2, 1], width=4, height=4).splitlines()[:-2]]
    assert heights == [1, 2, 3, 4]                              # half as large a number has half as high a bar
    rows = text_curve([3.0, 2.0], width=20, name="loss", counted="epoch").splitlines()
    assert rows[0] == "loss" and rows[-1].split() == ["1", "epoch", "2"] and "-5 └" in text_curve([-5, 2])


@pytest.mark.parametrize("values", [[1], [2, 2, 2], [0.5, math.nan, 0.25], [math.inf, 3, -1], list(range(1000)), [1e308, 0, -1e308]])
@pytest.mark.parametrize(("width", "height"), [(60, 10), (1, 1), (7, 2)])
def test_a_text_curve_of_any_numbers_fits_its_size(values, width, height):
    for ascii in False, True:
        rows = text_curve(values, width, height, ascii).splitlines()
        assert len(rows) == height + 2
        assert all(len(row.partition("|" if ascii else "│")[2]) <= width for row in rows[:-1])
        assert "\n".join(rows).isascii() or not ascii


def test_a_text_curve_leaves_a_gap_where_a_number_is_not_finite():
    assert text_curve([2, math.nan, 2], width=3, height=1, ascii=True) == "2 |# #\n0 +---\n   1 3"


@pytest.mark.parametrize(("args", "message"), [
    (([],), r"there is no finite number to show: got \[\]"), (([math.nan],), "no finite number"),
    (([1], 0), "width must be at least 1, got 0"), (([1], 5, 0), "height must be at least 1, got 0"),
])
def test_a_text_curve_needs_a_number_and_room(args, message):
    with pytest.raises(ValueError, match=message):
        text_curve(*args)


# ---- numeric derivatives

def test_the_errors_of_numeric_derivatives_are_those_of_numeric_derivative(matplotlib):
    [axes] = plots.derivative_errors(lambda x: x * x * x, 1.0).axes
    lines = {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}
    assert list(lines) == ["forward", "central", "five-point", "complex"] == legend_of(axes)
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log") and axes.xaxis_inverted()
    steps = list(lines["forward"].get_xdata())
    assert (steps[0], steps[-1], len(steps)) == (1.0, 1e-16, 129)
    for h, error in zip(steps, lines["forward"].get_ydata(), strict=True):
        assert error == max(abs(tg.numeric_derivative(lambda x: x * x * x, 1.0, "forward", h).value - 3), 3 * 2.0 ** -53)
    assert min(lines["complex"].get_ydata()) == 3 * 2.0 ** -53 and min(lines["central"].get_ydata()) > 1e-13
    assert len(axes.lines) == 4 + 3                     # three dots; the complex step's own h is far to the right


def test_a_method_without_numbers_has_no_line_and_a_step_without_a_value_leaves_a_gap(matplotlib):
    [axes] = plots.derivative_errors(tg.erf, 0.5).axes
    assert legend_of(axes) == ["forward", "central", "five-point"]
    for f in (tg.log, lambda x: x ** 0.5):                      # an error, and what is complex below 0
        [axes] = plots.derivative_errors(f, 0.01, ["central"]).axes
        assert math.isnan(axes.lines[0].get_ydata()[0]) and math.isfinite(axes.lines[0].get_ydata()[-1])
    with pytest.raises(ValueError, match="nothing to plot"):
        plots.derivative_errors(tg.erf, 0.5, ["complex"])
    with pytest.raises(ValueError, match="method='middle'"):
        plots.derivative_errors(tg.erf, 0.5, ["middle"])


def test_numeric_derivatives_are_drawn_of_a_function_with_weights(matplotlib):
    w = tg.Value(3.0)
    [axes] = plots.derivative_errors(lambda x: w * x * x, 1.0, ["central"]).axes
    [plain] = plots.derivative_errors(lambda x: 3.0 * x * x, 1.0, ["central"]).axes
    assert list(axes.lines[0].get_ydata()) == list(plain.lines[0].get_ydata())
