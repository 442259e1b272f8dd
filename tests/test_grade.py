"""The grader of engines: every bug model is caught and named, right engines pass, and nothing is believed."""

import ast
import inspect
import json
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import tinygrad_edu
from tinygrad_edu.classroom.faults import small
from tinygrad_edu.classroom.faults.models import MODELS
from tinygrad_edu.classroom.grading import child
from tinygrad_edu.classroom.grading.checks import Check, checks, expected, lines, random_graphs
from tinygrad_edu.classroom.grading.grade import grade
from tinygrad_edu.classroom.grading.judge import judged
from tinygrad_edu.classroom.grading.load import imported_names
from tinygrad_edu.classroom.grading.sandbox import Limits

HEADER = '''
import math
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

def slope(x, n):
    return n * x ** (n - 1)

def logistic(x):
    return 1 / (1 + math.exp(-x)) if x > 0 else math.exp(x) / (1 + math.exp(x))

m = SimpleNamespace(where=lambda test, x, y: x if test else y, power=pow, total=sum, exp=math.exp, log=math.log,
                    sqrt=math.sqrt, tanh=math.tanh)
RULES = {
    "add": lambda a, b: (a + b, (1, 1)), "sub": lambda a, b: (a - b, (1, -1)), "mul": lambda a, b: (a * b, (b, a)),
    "div": lambda a, b: (a / b, (1 / b, -a / b ** 2)), "neg": lambda a: (-a, (-1,)),
    "power": lambda a, n: (a ** n, (slope(a, n),)),
    "pow": lambda a, b: (a ** b, (slope(a, b), a ** b * math.log(a) if a > 0 else 0)),
    "relu": lambda a: (max(a, 0), (1 if a > 0 else 0,)), "tanh": lambda a: (math.tanh(a), (1 - math.tanh(a) ** 2,)),
    "exp": lambda a: (math.exp(a), (math.exp(a),)), "log": lambda a: (math.log(a), (1 / a,)),
    "sqrt": lambda a: (math.sqrt(a), (0.5 / math.sqrt(a),)),
    "sigmoid": lambda a: (logistic(a), (logistic(a) * (1 - logistic(a)),)),
}
'''
COMPUTE = '''
def compute(self, op, *numbers, **constants):
    return RULES[op](*map(float, numbers), *constants.values())
Value.compute = compute
'''
ENGINES = [model for model in MODELS.values() if model.kind == "engine"]
ABOUT_SIZE = ("deep-recursion", "path-by-path")         # what they show needs a large graph


def right_engine() -> str:
    """The small engine of the package as a file that stands by itself."""
    return HEADER + inspect.getsource(small.Value) + COMPUTE


def faulty_engine(model) -> str:
    """A bug model as a student's file, whose class is called Faulty."""
    [tree] = ast.parse(textwrap.dedent(inspect.getsource(model.code))).body
    tree.decorator_list = []
    if isinstance(tree, ast.ClassDef):
        return f"{right_engine()}\n{ast.unparse(tree)}\nFaulty = {tree.name}\n"
    op = next(cell.cell_contents for cell, name in zip(model.faulty.compute.__closure__, model.faulty.compute.__code__.co_freevars)
              if name == "wrong_op")
    return f"{right_engine()}\n{ast.unparse(tree)}\n" + textwrap.dedent(f"""
        class Faulty(Value):
            def compute(self, op, *numbers, **constants):
                f, local_grads = super().compute(op, *numbers, **constants)
                return f, {tree.name}(*map(float, numbers), *constants.values(), f) if op == {op!r} else local_grads
        """)


def written(folder: Path, text: str, name: str = "engine.py") -> Path:
    """A submission of one file."""
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def not_passed(report) -> dict[str, str]:
    """{check: its message} of all that failed or could not be asked."""
    return {checked.id: checked.message for checked in report.checks if checked.status in ("failed", "not finished", "skipped")}


@pytest.fixture(scope="module")
def graded_models(tmp_path_factory):
    """{model: the report on a file that has its fault}."""
    folder = tmp_path_factory.mktemp("models")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tinygrad_edu.classroom.grading.grade, "COUNT", 100)           # the models need no random graphs
        return {model.name: grade(written(folder, faulty_engine(model), f"{model.name.replace('-', '_')}.py"),
                                  cls="Faulty", tier="robust", reveal="numbers") for model in ENGINES}


def test_every_bug_model_is_caught_with_a_graph_no_larger_than_its_own(graded_models):
    for model in ENGINES:
        report = graded_models[model.name]
        failed = [checked for checked in report.checks if checked.status == "failed"]
        assert report.exit_code == 1 and failed, (model.name, report.problem)
        if model.name not in ABOUT_SIZE:
            assert min(checked.graph.size for checked in failed if checked.graph) <= model.graph.size, model.name


def test_at_least_25_hints_name_the_model(graded_models):
    named = [model.name for model in ENGINES if any(model.title in checked.hint for checked in graded_models[model.name].checks)]
    assert len(named) >= 40, sorted({model.name for model in ENGINES} - set(named))


# ---- right engines

@pytest.fixture(params=["compiled", "pure"])
def own_package(request, tmp_path):
    """A copy of this package, with and without its compiled engine, as if a student had written it."""
    without = shutil.ignore_patterns("__pycache__", *(["native"] if request.param == "pure" else []))
    shutil.copytree(Path(tinygrad_edu.__file__).parent, tmp_path / "tinygrad_edu", ignore=without)
    return tmp_path / "tinygrad_edu" / "__init__.py"


def test_the_engines_of_this_package_pass_every_tier(own_package):
    report = grade(own_package, cls="Value", tier="all", seed="any")
    assert (report.verdict, report.exit_code, not_passed(report)) == ("clean", 0, {}), report.found


@pytest.mark.parametrize("seed", ["", "ada", "s1234567", "ß", "0"])
def test_a_right_engine_passes_with_the_numbers_of_every_student(tmp_path, seed):
    report = grade(written(tmp_path, right_engine()), cls="Value", tier="all", seed=seed)
    assert report.exit_code == 0 and not not_passed(report), report


def test_each_student_has_numbers_of_his_own_and_the_same_ones_each_time():
    numbers = {seed: [graph.at for check in checks(seed) for graph in check.graphs] for seed in ("ada", "bob")}
    assert numbers["ada"] != numbers["bob"]
    assert numbers["ada"] == [graph.at for check in checks("ada") for graph in check.graphs]
    assert random_graphs("ada", {"add", "mul"}, 20) != random_graphs("bob", {"add", "mul"}, 20)


SECOND_PASSES = {
    "doubled": "",
    "fresh": """
        def backward(self):
            for node in self.order():
                node.grad = 0
            Value.backward(self)
        """,
    "refused": """
        done = False
        def backward(self):
            if any(node.done for node in self.order() if node.parents):
                raise RuntimeError("this graph has been walked already; build it again")
            for node in self.order():
                node.done = True
            Value.backward(self)
        """,
}


@pytest.mark.parametrize("way", SECOND_PASSES)
def test_a_second_backward_may_add_up_start_anew_or_be_refused(tmp_path, way):
    text = right_engine() + "\nclass Mine(Value):\n    pass\n" + textwrap.indent(textwrap.dedent(SECOND_PASSES[way]), "    ")
    report = grade(written(tmp_path, text), cls="Mine", tier="all")
    assert report.exit_code == 0 and not not_passed(report), not_passed(report)


def test_a_second_backward_that_ends_in_a_programming_error_is_no_refusal(tmp_path):
    text = right_engine() + textwrap.dedent("""
        class Mine(Value):
            def backward(self):
                Value.backward(self)
                for node in self.order():
                    node.parents = None
        """)
    report = grade(written(tmp_path, text), cls="Mine", tier="robust")
    assert set(not_passed(report)) >= {"second-backward"}


# ---- loading

def test_what_runs_at_the_top_of_a_file_is_not_run(tmp_path):
    text = right_engine() + textwrap.dedent("""
        print("training")
        for step in range(10 ** 9):
            (Value(2.0) * step).backward()
        while True:
            pass
        """)
    report = grade(written(tmp_path, text), cls="Value")
    assert report.exit_code == 0 and report.found["loaded_by"] == "definitions"
    assert "line" in report.found["notes"][0] and "only definitions" in report.found["notes"][0]
    assert report.output == ""


def test_a_training_behind_an_assignment_is_stopped(tmp_path):
    text = right_engine() + "\ndef train():\n    while True:\n        pass\n\nhistory = train()\n"
    report = grade(written(tmp_path, text), cls="Value", limits=Limits(load_seconds=8))
    assert report.exit_code == 0 and report.found["loaded_by"] == "definitions"
    assert "took more than 4 s" in report.found["notes"][0]


def test_of_a_notebook_code_without_magics_counts_and_the_last_definition_of_the_class(tmp_path):
    cells = ["%matplotlib inline\n!pip install nothing\nimport math", "class Value:\n    pass", "%%time\nnot Python at all",
             right_engine(), "this is no Python either", "Value(2.0) * 3", "import matplotlib_that_is_not_there"]
    notebook = {"cells": [{"cell_type": "markdown", "source": ["# text"]},
                          *({"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells)]}
    report = grade(written(tmp_path, json.dumps(notebook), "homework.ipynb"), cls="Value")
    assert report.exit_code == 0 and report.found["loaded_by"] == "definitions"
    assert any("matplotlib_that_is_not_there" in note for note in report.found["notes"])


def test_a_file_may_import_what_is_beside_it_and_this_is_said(tmp_path):
    written(tmp_path, right_engine(), "engine.py")
    written(tmp_path, "SECRET = 1", "neighbour.py")
    report = grade(written(tmp_path, "from engine import Value\n", "homework.py"))
    assert report.exit_code == 0 and report.found["names"]["class"] == "Value"
    assert report.found["notes"] == ["it imports what is beside it: engine.py"]


@pytest.mark.parametrize("text, says", [
    ("def f(:", "line 1"), ("x = 1", "no class has + and *"), ("class Value:\n    pass", "no class has + and *"),
    ("import sys\nsys.exit(0)", "no class"), ("raise ValueError('not today')", "not today"),
])
def test_what_cannot_be_loaded_is_said_and_is_no_fault(tmp_path, text, says):
    report = grade(written(tmp_path, text))
    assert (report.verdict, report.exit_code) == ("cannot be graded", 2)
    assert says in report.problem + " ".join(report.found.get("notes", ()))


@pytest.mark.parametrize("text", ["a" * 500_000, "x = 1\n" * 30_000, "x = a" + ".b" * 3000, "-" * 50_000 + "1", "x = 1\0",
                                  "f" + "()" * 800, "if x: pass\n" + "elif x: pass\n" * 3000], ids=lambda text: text[:9])
def test_what_is_long_or_deep_is_read_in_a_moment_or_refused(tmp_path, text):
    program = "import sys; from tinygrad_edu.classroom.grading.load import *\ntry: read(sys.argv[1])\nexcept CannotLoad: pass"
    notebook = json.dumps({"cells": [{"cell_type": "code", "source": "\n" * 200_000 + text}]})
    for file in (written(tmp_path, text), written(tmp_path, notebook, "notebook.ipynb")):
        subprocess.run([sys.executable, "-c", LITTLE_MEMORY + program, file], check=True, timeout=60)


LITTLE_MEMORY = "" if sys.platform != "linux" else "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))\n"


def test_more_than_a_megabyte_of_code_is_not_read(tmp_path):
    assert grade(written(tmp_path, "x = 1\n" * 200_000)).problem.startswith("engine.py has more than 1 MB of code")


def test_a_file_that_is_not_there_or_a_class_that_is_not_in_it_is_named(tmp_path):
    assert "nowhere.py cannot be read" in grade(tmp_path / "nowhere.py").problem
    assert grade(written(tmp_path, right_engine()), cls="Valu").problem == "there is no class Valu"
    assert "no adapter file there.py" in grade(written(tmp_path, right_engine()), adapter="there.py").problem


# ---- not your own, not finished

IMPORTS = ["import torch", "from jax import grad", "import importlib\nimportlib.import_module('autograd.numpy')",
           "def f():\n    from micrograd.engine import Value", "__import__('tensorflow')", "import tinygrad_edu as tg"]


@pytest.mark.parametrize("line", IMPORTS)
def test_a_library_of_autodiff_is_named_and_nothing_is_run(tmp_path, line):
    report = grade(written(tmp_path, f"{line}\n{right_engine()}"), cls="Value")
    assert (report.verdict, report.exit_code, report.checks) == ("not your own", 2, [])
    assert report.foreign[0] in line


def test_a_library_that_no_text_names_is_met_when_it_is_imported(tmp_path):
    written(tmp_path, "", "hidden.py")
    text = right_engine() + textwrap.dedent("""
        import sys, types
        class Mine(Value):
            def backward(self):
                sys.modules["".join(["tor", "ch"])] = types.ModuleType("torch")
                Value.backward(self)
        """)
    report = grade(written(tmp_path, text), cls="Mine")
    assert (report.verdict, report.exit_code, report.foreign) == ("not your own", 2, ["torch"])


def test_a_comparison_with_a_library_where_the_file_is_run_as_a_program_is_allowed(tmp_path):
    text = right_engine() + "\nif __name__ == '__main__':\n    import torch\n"
    assert grade(written(tmp_path, text), cls="Value").exit_code == 0


HOLES = {
    "__mul__ is passed over": ("def __mul__(self, other): return self.apply(\"mul\", self, other)", "def __mul__(self, other): pass"),
    "backward is to be written": ("        order = self.order()\n        for node in order:", "        raise NotImplementedError('part 3')\n        for node in ():"),
    "backward is empty": ("    def order(self)", "    def backward(self):\n        pass\n\n    def order(self)"),
    "a function is to be written": ("return self.apply(\"tanh\", self)", "raise NotImplementedError"),
    "local gradients are empty": ("self.grad = self.grad + upstream * local_grad", "pass"),
}


@pytest.mark.parametrize("hole", HOLES)
def test_what_is_not_finished_is_not_wrong(tmp_path, hole):
    right, empty = HOLES[hole]
    assert right in right_engine()
    report = grade(written(tmp_path, right_engine().replace(right, empty)), cls="Value", tier="all")
    assert (report.verdict, report.exit_code) == ("not finished", 2), not_passed(report)
    assert "failed" not in {checked.status for checked in report.checks}


def test_an_error_in_one_operation_is_a_fault_of_that_operation(tmp_path):
    text = right_engine() + textwrap.dedent("""
        class Mine(Value):
            def edges(self, node):
                return othr if node.op == "mul" else Value.edges(self, node)
        """)
    report = grade(written(tmp_path, text), cls="Mine")
    assert report.exit_code == 1 and "name 'othr' is not defined (line " in not_passed(report)["derivative-mul"]
    assert "derivative-add" not in not_passed(report)


def test_a_backward_pass_that_does_not_end_is_a_fault_and_said_so(tmp_path):
    text = right_engine() + textwrap.dedent("""
        class Mine(Value):
            def seed(self):
                while True:
                    pass
        """)
    report = grade(written(tmp_path, text), cls="Mine", limits=Limits(seconds=0.5))
    messages = not_passed(report)
    assert report.exit_code == 1 and report.seconds < 30
    assert "forward-mul" not in messages and messages["derivative-add"].startswith("it did not end")
    assert "3 checks ran into the limit of time" in messages["derivative-div"]


def test_functions_and_operators_that_are_not_there_are_told_and_not_scored(tmp_path):
    text = right_engine() + "\ndel Value.tanh, Value.__rtruediv__, Value.__pow__\n"
    report = grade(written(tmp_path, text), cls="Value", tier="all")
    told = {checked.id: checked.message for checked in report.checks if checked.status == "told"}
    assert report.exit_code == 0 and told["convention-missing"] == "no a ** b, 2 / a, tanh, abs, sin, cos"


# ---- what the report holds

def faults(tmp_path, reveal):
    [checked] = [checked for checked in grade(written(tmp_path, faulty_engine(MODELS["reflected-sub"])), cls="Faulty",
                                              only=["reflected-sub"], reveal=reveal).checks if checked.status == "failed"]
    return checked


def test_the_report_holds_no_more_than_is_to_be_shown(tmp_path):
    none, graph, numbers = (faults(tmp_path, reveal) for reveal in ("none", "graph", "numbers"))
    assert none.graph is none.expected is none.got is None
    assert graph.graph is not None and graph.expected is graph.got is None
    assert numbers.graph == graph.graph and numbers.expected != numbers.got
    assert none.hint == numbers.hint and "2 - a" in none.hint and none.message == numbers.message == "the value of v is wrong"


def test_right_answers_are_exact_where_all_is_rational():
    graph = lines("v = a + b; w = v - b", a="1/3", b="1e200")           # which floats answer with 0
    assert expected(graph, "w") == {"a": 1 / 3, "b": 1e200, "v": 1e200, "w": 1 / 3, "da": 1.0, "db": 0.0}
    assert expected(lines("v = tanh(a)", a="1/2"), "v")["v"] == tinygrad_edu.tanh(0.5)


def test_an_adapter_in_which_nothing_has_a_known_name_is_refused(tmp_path):
    file, adapter = written(tmp_path, right_engine()), written(tmp_path, "def gradient(f, xs): pass\n", "adapter.py")
    assert grade(file, adapter=adapter).problem.startswith("the adapter defines none of leaf, data, grad")


def test_of_two_faults_each_looks_like_itself(tmp_path):
    file = written(tmp_path, right_engine() + textwrap.dedent("""
        class Mine(Value):
            def __rsub__(self, other): return self - other
            def compute(self, op, *numbers, **constants):
                data, local_grads = super().compute(op, *numbers, **constants)
                return data, [1] if op == "relu" else local_grads
        """))
    models = {each.id: each.models for each in grade(file, cls="Mine", only=["derivative", "reflected"]).checks if each.models}
    assert models == {"derivative-relu": ["relu-always"], "reflected-sub": ["reflected-sub"]}


def test_where_nothing_arrives_the_report_says_so(tmp_path):
    text = right_engine() + "class Mine(Value):\n    def __mul__(self, other): return Mine(self.data * as_number(other))\n"
    text += "def as_number(x): return getattr(x, 'data', x)\n"
    assert not_passed(grade(written(tmp_path, text), cls="Mine"))["derivative-mul"].startswith("nothing arrives at a")


def test_a_number_that_cannot_be_changed_is_no_fault(tmp_path):
    text = right_engine() + textwrap.dedent("""
        class Mine(Value):
            def __setattr__(self, name, content):
                if name == "data" and "data" in vars(self):
                    raise AttributeError("data is read-only")
                super().__setattr__(name, content)
        """)
    told = {each.id: (each.status, each.message) for each in grade(written(tmp_path, text), cls="Mine").checks}
    assert told["convention-late"] == ("told", "the number of a leaf cannot be changed")


def test_only_what_is_asked_for_is_checked_and_other_names_are_refused(tmp_path):
    file = written(tmp_path, right_engine())
    assert {checked.group for checked in grade(file, cls="Value", only=["reflected", "order-dead"]).checks} == {"reflected", "order"}
    with pytest.raises(ValueError, match="did you mean 'reflected'"):
        grade(file, only=["reflectd"])
    with pytest.raises(ValueError, match="did you mean 'reflected-sub'") as refused:
        grade(file, only=["reflected-subb"])
    assert "forward" not in str(refused.value)                          # the names of its group are enough
    with pytest.raises(ValueError, match="unknown tier"):
        grade(file, tier="expert")


def test_single_precision_is_asked_about(tmp_path):
    text = right_engine() + textwrap.dedent("""
        import struct
        class Mine(Value):
            def compute(self, op, *numbers, **constants):
                data, local_grads = super().compute(op, *numbers, **constants)
                return struct.unpack("f", struct.pack("f", data))[0], [x * (1 + 1e-7) for x in local_grads]
        """)
    messages = not_passed(grade(written(tmp_path, text), cls="Mine"))
    assert "single precision" in messages["derivative-mul"]


def test_random_graphs_find_what_no_other_check_does_and_the_smallest_one_is_shown(tmp_path):
    text = right_engine() + textwrap.dedent("""
        class Mine(Value):
            def backward(self):
                Value.backward(self)
                if len([node for node in self.order() if node.op == "relu"]) > 1:
                    for node in self.order():
                        node.grad = -node.grad
        """)
    report = grade(written(tmp_path, text), cls="Mine", only=["random"], reveal="numbers")
    [checked] = report.checks
    assert checked.status == "failed" and [line.op for line in checked.graph.lines].count("relu") == 2
    assert len(checked.graph.lines) <= 3, checked.graph.text


# ---- nothing is believed

ANSWERS = [None, [], "passed", {}, {"values": 1, "grads": [], "error": None}, {"values": {}, "grads": [], "error": None},
           {"values": {"v": "nan"}, "grads": [{"a": "0x1p+0", "b": "0x1p+0"}], "error": None},
           {"values": {"v": "0x1.4p+2"}, "grads": [], "error": None},
           {"values": {"v": "0x1.4p+2"}, "grads": [{"a": "0x1p+0"}], "error": None},
           {"values": {"v": "0x1.4p+2"}, "grads": [{"a": "0x1p+0", "b": True}], "error": None},
           {"values": {"v": "0x1.4p+2"}, "grads": [{"a": "0x1p+0", "b": "0x1p+0"}], "error": "ValueError: no"},
           {"values": {"v": 5.0}, "grads": [{"a": 1.0, "b": 1.0}], "error": None}]


@pytest.mark.parametrize("answer", ANSWERS, ids=repr)
def test_an_answer_that_cannot_be_read_is_wrong(answer):
    check = Check("derivative-add", "core", "a + b", (lines("v = a + b", a=2, b=3),))
    assert judged(check, check.graphs[0], answer).status == "failed"


class Answering:
    """A sandbox in which a process answers what it likes."""

    limits_missing, output = (), ""

    def __init__(self, job, limits):
        self.found = FOUND[job["class"]]

    def __enter__(self): return self
    def __exit__(self, *error): pass
    def ask(self, request): return ANSWERED[request["id"][-1] == "0"]


FOUND = {"Nothing": {}, "Numbers": {"names": 3, "missing": "add", "notes": None, "modules": 5},
         "Lists": {"names": [], "missing": [["add"], {}], "notes": {}, "modules": [{}, None], "loaded_by": []},
         "Lies": {"names": {"seed": ["never"]}, "missing": ["radd"], "notes": ["x" * 10 ** 6]}}
ANSWERED = {True: {"id": 0, "graphs": [{"alive": float("inf"), "error": {}, "values": [], "grads": {}}] * 2},
            False: {"graphs": "all", "modules": "torch"}}


@pytest.mark.parametrize("name", FOUND)
def test_whatever_a_process_sends_the_report_is_one(tmp_path, monkeypatch, name):
    monkeypatch.setattr(tinygrad_edu.classroom.grading.grade, "Sandbox", Answering)
    report = grade(written(tmp_path, "class Value: pass"), cls=name, tier="all", reveal="numbers")
    assert report.exit_code in (1, 2) and "passed" not in {checked.status for checked in report.checks}
    assert all(len(note) <= 300 for note in report.found["notes"])


def test_the_right_answer_is_right():
    check = Check("derivative-add", "core", "a + b", (lines("v = a + b", a=2, b=3),))
    assert judged(check, check.graphs[0], {"values": {"v": "0x1.4p+2"}, "grads": [{"a": "0x1p+0", "b": "0x1p+0"}],
                                           "error": None}).status == "passed"


def test_what_runs_in_the_students_process_imports_nothing_of_the_package():
    tree = ast.parse(Path(child.__file__).read_text(encoding="utf-8"))
    assert imported_names(tree) <= {*sys.stdlib_module_names, "numpy"}      # NumPy, where it is there
    assert not any(isinstance(node, ast.ImportFrom) and node.level for node in ast.walk(tree))
