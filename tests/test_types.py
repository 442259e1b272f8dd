"""What editors and type checkers read of the package is what it does: stubs are those of the run time, and a user's file
passes `mypy --strict`, while one of mistakes is refused line by line."""

import ast
import inspect
import math
import runpy
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import tinygrad_edu as tg
from tinygrad_edu.calculus import transforms
from tinygrad_edu.engine import composites, more_ops, ops
from tinygrad_edu.engine.elsewhere import Missing
from tinygrad_edu.nn import losses

TESTS = Path(__file__).parent
PACKAGE = Path(tg.__file__).parent
WRITTEN = {"engine/ops.pyi": ops, "engine/more_ops.pyi": more_ops, "engine/composites.pyi": composites,
           "calculus/transforms.pyi": transforms, "nn/losses.pyi": losses}


def stub(path):
    return (PACKAGE / path).read_text(encoding="utf-8")


def functions(body):
    """The functions of a module or class, each with all of its signatures."""
    found = {}
    for node in body:
        if isinstance(node, ast.FunctionDef):
            found.setdefault(node.name, []).append(node)
    return found


FAMILIES = {node.name: functions(node.body)["__call__"] for node in ast.parse(stub("engine/signatures.pyi")).body if isinstance(node, ast.ClassDef)}


def parameters(node):
    """{name: (kind, default)} of a signature in a stub, without self."""
    kinds = inspect.Parameter
    taken = node.args
    by_place = [*taken.posonlyargs, *taken.args]
    defaults = [inspect.Parameter.empty] * (len(by_place) - len(taken.defaults)) + [ast.literal_eval(each) for each in taken.defaults]
    found = {each.arg: (kinds.POSITIONAL_ONLY if each in taken.posonlyargs else kinds.POSITIONAL_OR_KEYWORD, default)
             for each, default in zip(by_place, defaults)}
    found |= {each.arg: (kinds.VAR_POSITIONAL, kinds.empty) for each in [taken.vararg] if each}
    found |= {each.arg: (kinds.KEYWORD_ONLY, ast.literal_eval(default) if default else kinds.empty)
              for each, default in zip(taken.kwonlyargs, taken.kw_defaults)}
    return {name: each for name, each in found.items() if name != "self"}


def differences(name, signatures, thing):
    """What the signatures of a stub say otherwise than the thing that is called at run time."""
    real = {key: (each.kind, each.default) for key, each in inspect.signature(thing).parameters.items() if key != "self"}
    told = [parameters(node) for node in signatures]
    if set().union(*told) != set(real):
        yield f"{name} takes {[*real]}, but its stub says {sorted(set().union(*told))}"
        return
    for each in told:
        for key, (kind, default) in each.items():
            is_reduction = key == "reduction" and kind is inspect.Parameter.KEYWORD_ONLY        # with "none", behind a default
            if kind is not real[key][0] and not is_reduction:
                yield f"{name}: {key} is {real[key][0].description}, but {kind.description} in its stub"
            if default is not inspect.Parameter.empty and default != real[key][1]:
                yield f"{name}: the default of {key} is {real[key][1]}, but {default} in its stub"
    if told and [*told[0]] != [key for key in real if key in told[0]]:
        yield f"{name} takes {[*real]} in another order than its stub says"
    if any(real[key][1] is not inspect.Parameter.empty and told[0][key][1] is inspect.Parameter.empty for key in told[0]):
        yield f"{name} has a default that its stub does not tell"


def faults(module, text):
    """Where the text of a stub differs from a module: functions, their parameters, kinds and defaults."""
    told = functions(ast.parse(text).body)
    real = {name for name, op in tg.OPS.items() if op.is_built_in and op.__module__ == module.__name__} or (
        {name for name in getattr(module, "__all__", tg.__all__) if getattr(getattr(module, name, None), "__module__", "") == module.__name__})
    yield from [f"{name} stands in the stub or the module alone" for name in sorted(set(told) ^ real)]
    for name in sorted(set(told) & real):
        signatures = told[name]
        if isinstance(getattr(module, name), tg.Op):
            signatures = FAMILIES[signatures[0].decorator_list[0].id]
        yield from differences(name, signatures, getattr(module, name))


@pytest.mark.parametrize("path", WRITTEN)
def test_a_stub_has_the_names_parameters_kinds_and_defaults_of_its_module(path):
    assert [*faults(WRITTEN[path], stub(path))] == []


@pytest.mark.parametrize(("path", "before", "after", "found"), [
    ("engine/ops.pyi", "@OpXSlope\ndef leaky_relu", "@OpXAlpha\ndef leaky_relu", "leaky_relu takes ['x', 'slope']"),
    ("engine/ops.pyi", "@OpX\ndef tanh(", "@OpX\ndef tanhh(", "tanh stands in"),
    ("engine/ops.pyi", "@OpRow\ndef max(", "@OpX\ndef max(", "max takes"),
    ("engine/ops.pyi", "@OpYX\ndef atan2", "@OpXY\ndef atan2", "another order"),
    ("nn/losses.pyi", "delta: float = 1", "delta: float = 2", "the default of delta is 1.0, but 2"),
    ("nn/losses.pyi", "def huber(predictions: Numbers, targets: Numbers", "def huber(targets: Numbers, predictions: Numbers", "another order"),
    ("nn/losses.pyi", "*, weight: Numbers", "weight: Numbers", "weight is keyword-only, but positional or keyword"),
    ("nn/losses.pyi", "ignore_index: int | None = None", "ignore_index: int | None", "default that its stub does not tell"),
    ("engine/composites.pyi", "ddof: int = 0", "ddof: int", "default that its stub does not tell"),
    ("engine/composites.pyi", "logits: Iterable[Number]", "logits: Iterable[Number], /", "positional or keyword, but positional-only"),
])
def test_the_comparison_finds_a_fault_that_is_planted(path, before, after, found):
    text = stub(path)
    assert before in text
    assert any(found in fault for fault in faults(WRITTEN[path], text.replace(before, after)))


def value_in_stub():
    return next(node for node in ast.parse(stub("engine/value.pyi")).body if isinstance(node, ast.ClassDef))


def test_the_stub_of_value_has_the_attributes_of_both_engines():
    told = set(functions(value_in_stub().body))
    real = {name for name, thing in inspect.getmembers_static(tg.Value) if not name.startswith("_") and not isinstance(thing, Missing)}
    assert {name for name in told if not name.startswith("_")} == real
    assert {name for name in told if name.startswith("_")} <= {*dir(tg.Value)}


def test_the_methods_of_a_value_take_what_the_stub_says():
    told = functions(value_in_stub().body)
    methods = {name: method for name, method in inspect.getmembers(tg.Value) if hasattr(method, "op")}
    assert len(methods) > 60
    for name, method in methods.items():
        first = next(iter(inspect.signature(method).parameters.values()))
        rest = inspect.Signature([*inspect.signature(method).parameters.values()][1:])
        assert [*differences(name, told[name], type("", (), {"__call__": lambda *xs: 0, "__signature__": rest})())] == [], first


def test_a_stub_and_help_show_the_formulas():
    for path in ("engine/ops.pyi", "engine/more_ops.pyi"):
        for name, (node, *_) in functions(ast.parse(stub(path)).body).items():
            value, gradients = tg.OPS[name].in_text()
            shown = ast.get_docstring(node)
            assert all(f"* {line}" in shown for line in (value, *gradients)) and shown == inspect.getdoc(tg.OPS[name])
    methods = functions(value_in_stub().body)
    assert ast.get_docstring(methods["tanh"][0]) == inspect.getdoc(tg.Value.tanh) == inspect.getdoc(tg.tanh)


def test_help_tells_how_an_operation_is_called():
    for name, written in {"tanh": "(x)", "leaky_relu": "(x, slope=0.01)", "clip": "(x, low, high)", "max": "(x, /, *others)", "dot": "(x, y, /)",
                          "softmax_at": "(x, /, index)", "log": f"(x, base={math.e})", "atan2": "(y, x)"}.items():
        assert str(inspect.signature(tg.OPS[name])) == written
    assert str(inspect.signature(tg.Value(2.0).clip)) == "(low, high)" and str(inspect.signature(tg.Value(2.0).tanh)) == "()"


def test_what_help_tells_of_how_an_operation_is_called_is_so():
    for op in tg.OPS.values():
        x = 0.5 if all(interval.holds(0.5) for interval in op.domain) else 1.5
        numbers = [[x, x] if op.rows else x] * len(op.inputs)
        sample = {**op.sample, **dict.fromkeys(op.longer.inputs[1:] if op.longer else (), 2.0)}
        by_place = inspect.signature(op).bind(*numbers, **sample)
        by_place.apply_defaults()
        assert op(*by_place.args) == op(*numbers, **sample)


@pytest.mark.parametrize(("module", "places"), [
    (tg, dict.fromkeys(tg._of_scikit_learn, "learn.estimators")), (tg.classroom, tg.classroom.PLACES)], ids=["package", "classroom"])
def test_editors_know_what_is_loaded_when_it_is_asked_for(module, places):
    blocks = [node for node in ast.parse(Path(module.__file__).read_text(encoding="utf-8")).body if isinstance(node, ast.If)]
    assert places == {name.asname or name.name: line.module for line in blocks[0].body for name in line.names}
    assert {*places} <= {*dir(module)} or not find_spec("sklearn")


def test_stubs_are_what_would_be_written_now():
    done = subprocess.run([sys.executable, str(TESTS / "stubs.py")], capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_example_runs():
    runpy.run_path(str(TESTS / "typed_example.py"))


def test_a_users_file_is_typed_and_one_of_mistakes_is_refused_line_by_line(request, tmp_path):
    pytest.importorskip("mypy", reason='types: pip install ".[dev]"')
    pytest.importorskip("numpy", reason='types of arrays: pip install ".[test]"')
    files = [str(TESTS / name) for name in ("typed_example.py", "typed_mistakes.py")]
    options = ["--config-file=", "--strict", "--follow-imports=silent", f"--cache-dir={request.config.cache.mkdir('mypy')}"]
    done = subprocess.run([sys.executable, "-m", "mypy", *options, *files], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == "Success: no issues found in 2 source files\n" and done.stderr == ""
