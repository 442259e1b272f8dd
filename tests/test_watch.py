"""What fit shows while it trains: one figure in a notebook, seldom enough, and nothing where it is not wanted."""

import os
import subprocess
import sys
from types import ModuleType, SimpleNamespace

import pytest

from tinygrad_edu.learn import progress
from tinygrad_edu.learn.data import noisy_sine, xor, yin_yang
from tinygrad_edu.learn.fit import fit
from tinygrad_edu.nn.modules import MLP
from tinygrad_edu.show import plots

DATA = xor(24, seed=0)


class Screen:
    """Stands for a notebook: counts the outputs and keeps what each shows."""

    def __init__(self):
        self.outputs, self.updates = [], 0

    def display(self, thing, display_id=None, raw=False):
        assert display_id is True
        self.outputs.append(thing)
        return SimpleNamespace(update=self.update)

    def update(self, thing, raw=False):
        self.outputs[-1] = thing
        self.updates += 1


class Clock:
    """Time that passes only when told to; every training epoch takes `epoch` seconds, every drawing `drawing`."""

    def __init__(self, epoch=0.0, drawing=0.0):
        self.now, self.epoch, self.drawing = 0.0, epoch, drawing

    def __call__(self):
        return self.now

    def after_epoch(self, history, model):
        self.now += self.epoch


@pytest.fixture
def screen(monkeypatch):
    made = Screen()
    ipython, display = ModuleType("IPython"), ModuleType("IPython.display")
    ipython.get_ipython = lambda: SimpleNamespace(kernel=object())
    ipython.version_info = (9, 0)             # matplotlib looks at it
    ipython.display, display.display = display, made.display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return made


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(progress, "perf_counter", made)
    picture = progress.FigureInPlace.picture

    def timed(self, history):
        made.now += made.drawing
        return picture(self, history)
    monkeypatch.setattr(progress.FigureInPlace, "picture", timed)
    return made


@pytest.fixture
def no_matplotlib(monkeypatch):
    plots.figure_class.cache_clear()
    for module in "matplotlib", "matplotlib.figure":
        monkeypatch.setitem(sys.modules, module, None)
    yield
    plots.figure_class.cache_clear()


def trained(data=DATA, sizes=(3, 2), epochs=5, **options):
    return fit(MLP(len(data.features), list(sizes), rng=0), data.inputs, data.targets, epochs=epochs, **options)


def lines_of(axes):
    return {line.get_label(): list(line.get_ydata()) for line in axes.lines if not line.get_label().startswith("_")}


def test_a_notebook_shows_one_figure_of_the_last_epoch(screen):
    pytest.importorskip("matplotlib")
    history = trained(validation=xor(8, seed=1))
    [figure] = screen.outputs
    loss, accuracy, boundary = figure.axes
    assert lines_of(loss) == {"training": history.loss, "validation": history.validation_loss}
    assert lines_of(accuracy) == {"training": history.accuracy, "validation": history.validation_accuracy}
    assert figure.get_suptitle() == "epoch 5 of 5" and boundary.get_title(loc="left").endswith("of 24 right")
    trained(validation=xor(8, seed=1))
    assert figure._repr_svg_() == screen.outputs[1]._repr_svg_()


@pytest.mark.parametrize(("data", "sizes", "options", "panels"), [
    (DATA, (3, 2), {}, ["loss", "accuracy", "boundary"]), (yin_yang(24), (3, 3), {}, ["loss", "accuracy", "boundary"]),
    (DATA, (3, 1), {"loss": "bce_with_logits"}, ["loss", "accuracy", "boundary"]), (DATA, (3, 1), {"loss": "mse"}, ["loss"]),
    (noisy_sine(9), (3, 1), {}, ["loss"]),
])
def test_the_panels_are_those_there_are_numbers_for(data, sizes, options, panels, screen):
    pytest.importorskip("matplotlib")
    trained(data, sizes, 2, **options)
    titles = [axes.get_title(loc="left") for axes in screen.outputs[0].axes]
    assert [title.split(":")[0] for title in titles] == panels


def test_the_figure_changes_nothing_in_what_is_learnt(screen):
    pytest.importorskip("matplotlib")
    assert trained(progress=True) == trained(progress=False)


@pytest.mark.parametrize(("epoch", "drawing"), [(0.01, 0.0), (0.01, 0.2), (0.3, 1.0), (2.0, 0.1), (0.0, 5.0)])
def test_drawing_takes_a_small_share_of_the_time_and_the_last_epoch_is_drawn(epoch, drawing, screen, clock, no_matplotlib):
    clock.epoch, clock.drawing = epoch, drawing
    trained(xor(4), (2,), epochs=400, callbacks=clock.after_epoch)
    count, total = screen.updates + 1, 400 * epoch + drawing * (screen.updates + 1)
    assert (count - 1) * drawing <= 0.15 * total + drawing and (count - 1) * 0.5 <= total
    assert len(screen.outputs) == 1 and "epoch 400 of 400" in screen.outputs[0]["text/plain"]
    if epoch == 2.0:
        assert count >= 399


def test_progress_false_shows_nothing_and_elsewhere_a_bar_is_shown(screen, capsys, monkeypatch):
    trained(progress=False)
    assert screen.outputs == [] and capsys.readouterr().err == ""
    monkeypatch.delitem(sys.modules, "IPython")
    trained(progress=True)
    assert screen.outputs == [] and "loss" in capsys.readouterr().err


def test_an_ipython_shell_without_a_kernel_is_a_terminal(screen, monkeypatch):
    for shell in None, SimpleNamespace():
        monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda shell=shell: shell)
        assert not progress.in_notebook()


def test_without_matplotlib_one_line_is_kept_up_to_date(screen, clock, no_matplotlib):
    clock.epoch = 1.0
    history = trained(callbacks=clock.after_epoch)
    [shown] = screen.outputs
    line, hint = shown["text/plain"].splitlines()
    assert line.startswith(f"epoch 5 of 5  loss {history.loss[-1]:.4f}  accuracy {history.accuracy[-1]:.3f}")
    assert "pip install matplotlib" in hint and screen.updates >= 3


def test_an_interrupted_training_returns_its_history_and_leaves_its_last_figure(screen, no_matplotlib):
    def interrupt(history, model):
        if len(history) == 3:
            raise KeyboardInterrupt
    history = trained(epochs=9, callbacks=interrupt)
    assert history.stopped == "interrupted" and "epoch 3 of 9" in screen.outputs[0]["text/plain"]


def test_an_interrupt_while_drawing_is_one_of_the_training(screen, clock, no_matplotlib, monkeypatch):
    clock.epoch, picture, calls = 1.0, progress.FigureInPlace.picture, []

    def interrupted(self, history):
        calls.append(len(history))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return picture(self, history)
    monkeypatch.setattr(progress.FigureInPlace, "picture", interrupted)
    history = trained(epochs=9, callbacks=clock.after_epoch)
    assert history.stopped == "interrupted" and calls[-1] == len(history) < 9
    assert f"epoch {len(history)} of 9" in screen.outputs[0]["text/plain"]


def test_an_interrupt_of_the_last_drawing_costs_only_the_picture(screen, monkeypatch):
    def interrupted(self, history):
        raise KeyboardInterrupt
    monkeypatch.setattr(progress.FigureInPlace, "picture", interrupted)
    history = trained(epochs=2)
    assert (len(history), history.stopped, screen.outputs) == (2, "epochs", [])


def test_an_error_in_training_is_not_hidden_by_a_figure(screen):
    with pytest.raises(ZeroDivisionError):
        trained(callbacks=lambda history, model: 1 / 0)
    assert screen.outputs == []


def test_no_epochs_show_nothing(screen):
    assert len(trained(epochs=0)) == 0 and screen.outputs == []


def test_rows_that_are_no_numbers_have_no_boundary():
    for rows in ([["a", "b"]], [[1.0]], [3.0]):
        assert progress.examples_on_plane(progress.Boundary(None, rows, [0], 0.0)) is None


def test_a_plain_script_imports_neither_ipython_nor_matplotlib():
    code = ("import sys; from tinygrad_edu import *; import tinygrad_edu as tg; d = tg.data.xor(8); m = tg.MLP(2, [2], rng=0)\n"
            "tg.fit(m, d.inputs, d.targets, epochs=2); tg.animate_training(m, d, epochs=1, resolution=4)\n"
            "print([name for name in ('IPython', 'matplotlib', 'numpy') if name in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], env=os.environ, capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


CELLS = """import threading, _thread, tinygrad_edu as tg
data = tg.data.xor(40, seed=0)
history = tg.fit(tg.MLP(2, [4, 2], rng=0), data.inputs, data.targets, epochs=4)
~~~
history = tg.fit(tg.MLP(2, [4, 2], rng=0), data.inputs, data.targets, epochs=4, progress=False)
~~~
threading.Timer(2, _thread.interrupt_main).start()
history = tg.fit(tg.MLP(2, [4, 2], rng=0), data.inputs, data.targets, epochs=10**6)
print(history.stopped, len(history) > 1)"""


@pytest.mark.full
def test_in_a_real_kernel_there_is_one_stored_output_the_same_in_every_run():
    nbformat, nbclient = (pytest.importorskip(name, reason=f'notebooks need {name}: pip install ".[dev]"') for name in ("nbformat", "nbclient"))
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")

    def outputs():
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS.split("~~~\n")])
        nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
        return [cell.outputs for cell in notebook.cells]
    first, again = outputs(), outputs()
    assert first[0] == again[0] and len(first[0]) == 1 and "image/svg+xml" in first[0][0]["data"] and first[1] == []
    figure, printed = first[2]
    assert "image/svg+xml" in figure["data"] and printed["text"] == "interrupted True\n"
