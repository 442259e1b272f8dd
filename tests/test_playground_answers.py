"""What the playground's Python answers: data for the page, and the command line's own errors."""

import doctest
import importlib
import json
import sys

import pytest
from command import run
from playground import FOLDER

import tinygrad_edu as tg

if not FOLDER.is_dir():
    pytest.skip("the playground is not part of this installation", allow_module_level=True)
sys.path[:0] = [str(FOLDER), str(FOLDER / "python")]
import answers  # noqa: E402
import program_parts  # noqa: E402

FIRST = {"text": "q = x + y\nf = q * z", "numbers": "x=-2 y=5 z=-4"}
SECTIONS = ["steps", "symbolic", "exact", "gradcheck", "python", "picture", "page"]


def ask(kind, **request):
    """An answer as the page gets it: JSON without nan."""
    return json.loads(json.dumps(answers.answer(kind, request), allow_nan=False))


def text_in(cell):
    return " ".join(text for _, text in cell)


# ---- expressions


def test_an_expression_is_a_live_page_with_its_numbers():
    told = ask("live", **FIRST, step=5)
    assert told["html"].startswith("<!DOCTYPE html>") and told["numbers"] == FIRST["numbers"]
    assert (told["floats"], told["result"], told["targets"]) == ({"x": -2, "y": 5, "z": -4}, "f", ["x", "y", "z", "q"])


def test_a_name_that_was_just_typed_takes_its_former_number_or_1():
    assert ask("live", text="w*x + b", numbers="x=1/3 y=5", others={"b": "7"})["numbers"] == "w=1 x=1/3 b=7"


def test_without_former_numbers_a_missing_and_an_unused_one_are_refused():
    assert "no value for y: add y=..." in ask("live", text="x*y", numbers="x=1")["error"]
    assert "'y' is not in the expression" in ask("live", text="x", numbers="x=1 y=2")["error"]


def test_what_is_read_otherwise_is_said():
    assert ask("live", text="2x", numbers="x=1")["said"] == "read as 2*x (what stands side by side is multiplied)"
    assert "read as" in ask("live", text="x", numbers="x=2pi")["said"]


def test_an_expression_without_names_is_shown_too():
    assert ask("live", text="2 + 3", numbers="")["result"] == "f"
    assert "nothing here needs a gradient" in ask("explain", text="2 + 3", numbers="", name="x")["error"]
    assert "gradcheck needs an expression with a name" in ask("gradcheck", text="2 + 3", numbers="")["error"]


@pytest.mark.parametrize(("text", "numbers"), [
    ("tnah(x)", "x=1"), ("q = x + y\nf = q * (z", "x=1 y=2 z=3"), ("1/2x", "x=1"), ("x +* y", "x=1 y=2"), ("", ""),
    ("x.y", "x=1"), ("log(x)", "x=-1"), ("1/x", "x=0"), ("exp(x)", "x=1000"), ("x", "x=0,5"), ("x", "x=two"), ("x", "x=1 x=2"),
    ("x", "x=1e999999"), ("lambda: x", "x=1"), ("__import__('os')", ""), ("(" * 300 + "x" + ")" * 300, "x=1"),
    ("x" * 11_000, "x=1"), ("<b>x</b>", "x=1"), ("x\x00y", "x=1"), ("x = 1; y = 2; x", "")])
def test_errors_are_those_of_the_command_line(text, numbers):
    _, complaint, code = run("step", text, *numbers.split(), check=False)
    assert code == 2
    assert complaint.replace(" (--ieee goes on with inf and nan)", "") == f"tinygrad-edu: {ask('live', text=text, numbers=numbers)['error']}\n"


def test_an_error_has_its_caret_under_the_place():
    *_, shown, caret = ask("live", text="a = x*x\nf = a + tnah(x)", numbers="x=1")["error"].split("\n")
    assert shown[caret.index("^"):].startswith("tnah")


@pytest.mark.parametrize("kind", ["live", *SECTIONS])
def test_a_text_of_a_million_letters_is_refused_with_a_sentence(kind):
    assert "10000 are the limit" in ask(kind, text="x" * 10**6, numbers="x=1")["error"]
    assert "10000 are the limit" in ask(kind, text="x", numbers="x=" + "1" * 10**6)["error"]


def test_an_unknown_question_has_a_sentence():
    assert ask("<img>") == {"error": "there is no question '<img>'"}


# ---- sections


def test_the_steps_are_those_of_the_engine():
    f = tg.expression("(x + y) * z", x=-2, y=5, z=-4)
    told = ask("steps", text="(x + y) * z", numbers="x=-2 y=5 z=-4")
    assert [[text_in(cell) for cell in row[:2]] for row in told["rows"]] == [row[:2] for row in tg.steps(f).rows()]
    assert len(told["titles"]) == len(told["rows"][0])


def test_formulas_and_fractions_stand_beside_their_names():
    formulas = {text_in(name): text_in(formula) for name, formula in ask("symbolic", **FIRST)["rows"]}
    assert "<math><mi>z</mi></math>" in formulas.values() and len(formulas) == 4
    assert [text_in(x) for _, x in ask("exact", text="-x**2 / y", numbers="x=1/3 y=0.1")["rows"]] == ["-10/9", "-20/3", "100/9"]
    assert "is not a rational number" in ask("exact", text="exp(x)", numbers="x=1")["error"]
    assert "so --exact has no answer" in ask("exact", text="x", numbers="x=sqrt(2)")["error"]


def test_a_gradient_is_explained_as_a_sum_over_paths():
    told = ask("explain", text="(a+b)*(b+1)", numbers="a=2 b=1", name="b")
    assert text_in(told["headline"]).endswith("the sum over 2 paths") and len(told["rows"]) >= 2
    assert "no node is labelled 'q'" in ask("explain", text="x*x", numbers="x=2", name="q")["error"]


@pytest.mark.parametrize("kind", ["steps", "symbolic", "exact", "explain", "gradcheck", "python", "picture", "page"])
def test_of_a_program_whose_numbers_were_dragged_the_same_is_said_as_of_one_with_these_numbers(kind):
    text = "import tinygrad_edu as tg\nx, y = tg.Value({}), tg.Value(4.0)\nf = x * y + tg.relu(x)\nf.backward()"
    ask("program", text=text.format(5.0))
    wanted = ask(kind, program="f", name="y")
    ask("program", text=text.format(3.0))
    before = ask(kind, program="f", name="y")
    for _ in range(2):
        assert ask(kind, program="f", name="y", moved={"x": 5.0}) == wanted
    assert (before == wanted) == (kind in ("symbolic", "gradcheck"))
    assert ask(kind, program="f", name="y") == ask(kind, program="f", name="y", moved={"no such": 1.0}) == before


def test_a_node_made_by_hand_keeps_its_number_where_another_leaf_was_dragged():
    ask("program", text="import tinygrad_edu as tg\nx, y = tg.Value(2.0), tg.Value(3.0)\n"
                        "f = tg.Value(5.0, (x,), (4.0,), op='odd', label='h') * y")
    told = str(ask("steps", program="f", moved={"y": 7.0}))
    assert "<mn>35</mn>" in told and "<mn>28</mn>" in told                 # h y, and 7 × 4, which arrives at x


def test_a_network_keeps_its_names_where_a_number_was_dragged():
    text = "import tinygrad_edu as tg\nf = tg.mse([tg.MLP(2, [3, 1], rng=1)([0.5, -0.25])], [1.0])\nf.backward()"
    ask("program", text=text)
    moved = ask("steps", program="f", moved={"w0[1,0]": 0.125})
    assert [row[:2] for row in moved["rows"]] == [row[:2] for row in ask("steps", program="f")["rows"]]
    assert "0.125" in str(moved) and "w0[1,0]" in ask("python", program="f", moved={"w0[1,0]": 0.125})["text"]


def test_the_size_of_a_large_graph_is_told_before_its_page_is_made(monkeypatch):
    heard = []
    monkeypatch.setattr(sys.modules["program"], "hear", heard.append)
    ask("live", text="*".join(["x"] * 1001), numbers="x=1")
    ask("live", text="x * x", numbers="x=1")
    assert heard == ["1001"]


def test_a_fraction_that_is_too_long_to_be_read_is_told_so():
    assert "more than 4300 digits" in ask("exact", text="x**30000", numbers="x=0.5")["error"]


def test_gradients_are_checked():
    told = ask("gradcheck", text="tanh(x*y) + relu(x)", numbers="x=0.5 y=-2")
    assert told == {"text": "right: 8 gradients judged", "verdict": "right"}


def test_the_same_in_python_runs_and_has_the_numbers_as_typed(capsys):
    text = ask("python", text="q = x*y\nf = q*q", numbers="x=1/3 y=2")["text"]
    assert "tg.Value(1 / 3, label='x')" in text
    exec(compile(text, "same.py", "exec"), {})
    assert f"y.grad = {2 * (1 / 3 * 2) / 3}" in capsys.readouterr().out


def test_picture_and_page_are_those_of_the_desktop():
    f = tg.expression(FIRST["text"], x=-2, y=5, z=-4)
    f.backward()
    assert ask("picture", **FIRST)["svg"] == tg.draw(f).svg
    assert ask("page", **FIRST)["html"] == tg.play(f).html


@pytest.mark.parametrize("kind", ["live", *SECTIONS, "explain"])
def test_a_name_that_is_html_is_only_text(kind):
    ask("program", text="import tinygrad_edu as tg\nx = tg.Value(2.0, label='<img src=x onerror=alert(1)>')\nf = x * x")
    told = ask(kind, program="f", name="<img src=x onerror=alert(1)>")
    typeset = [text for parts in cells_in(told) for style, text in parts if style == "math"]
    assert "<img" not in "".join([told.get("html", ""), told.get("svg", ""), *typeset])


def cells_in(told):
    """All cells of an answer."""
    rows = told.get("rows", [])
    return [told["headline"], *[row["cell"] for row in rows]] if "headline" in told else [cell for row in rows for cell in row]


# ---- programs


@pytest.mark.parametrize("name", program_parts.EXAMPLES)
def test_every_example_runs_and_can_be_looked_into(name):
    told = ask("program", text=program_parts.text_of(name))
    assert told["problem"] == "" and told["output"] and told["shown"] == "f"
    for kind in "live", "steps", "symbolic", "python", "picture", "page":
        assert "error" not in ask(kind, program="f"), kind


def test_what_a_program_prints_and_its_last_line_are_shown():
    told = ask("program", text="print('a')\n1 + 1")
    assert (told["output"], told["names"], told["shown"], told["problem"]) == ("a\n2\n", [], "", "")


def test_values_go_by_their_variables():
    told = ask("program", text="import tinygrad_edu as tg\nx, y = tg.Value(2.0), tg.Value(3.0, label='why')\nx * y")
    assert (told["names"], told["shown"]) == (["x", "y", "_"], "_")
    assert ask("live", program="_")["targets"] == ["x", "why"]


def test_an_error_is_told_with_its_line_and_without_lines_of_ours():
    told = ask("program", text="import tinygrad_edu as tg\ndef g(x):\n    return tg.log(x)\n\ng(tg.Value(-1.0))")
    assert told["line"] == 3 and told["problem"].endswith("log needs x > 0 (-1, made at program.py:5)")
    assert [line for line in told["problem"].split("\n") if "File " in line] == [
        '  File "program.py", line 5, in <module>', '  File "program.py", line 3, in g']


def test_an_error_that_came_of_another_has_no_lines_of_ours_either():
    told = ask("program", text="import tinygrad_edu as tg\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n    tg.Value('a')")
    assert told["line"] == 5 and told["problem"].count("File ") == told["problem"].count('File "program.py"') == 2


@pytest.mark.parametrize(("text", "line", "problem"), [
    ("x = (1,\ny = 2", 1, "SyntaxError"), ("a = 1\n\x00", 0, "SyntaxError"), ("(" * 300, 1, "SyntaxError"), ("def f():\n    f()\nf()", 2, "RecursionError"),
    ("\n\ninput()", 3, "EOFError"), ("raise KeyboardInterrupt", 1, "KeyboardInterrupt"), ("tg", 1, "NameError")])
def test_what_goes_wrong_in_a_program_has_its_line(text, line, problem):
    told = ask("program", text=text)
    assert problem in told["problem"] and told["line"] in (line, line or 2)


def test_a_program_may_end_itself():
    assert ask("program", text="import sys\nsys.exit()")["problem"] == ""
    assert ask("program", text="import sys\nsys.exit('enough')")["output"] == "enough\n"


def test_a_program_that_prints_without_end_is_stopped():
    told = ask("program", text="while True:\n    print('x' * 1000)")
    assert len(told["output"]) == 100_000 and "that is the limit" in told["problem"] and told["line"] == 2


def test_a_program_that_is_too_long_is_refused():
    assert "100,000 are the limit" in ask("program", text="#" * 10**6)["error"]


def test_a_new_run_starts_without_what_the_last_one_left():
    own = "import tinygrad_edu as tg\n@tg.op('w', tg.REAL)\ndef wave(x):\n    return x * x, (2 * x,)\nf = wave(tg.Value(2.0))"
    assert ask("program", text=own)["shown"] == "f"
    assert "error" not in ask("live", text="wave(x)", numbers="x=1")
    assert ask("program", text="print('f' in dir())")["output"] == "False\n"
    assert "'wave' is not a function" in ask("live", text="wave(x)", numbers="x=1")["error"]
    assert "run it again" in ask("live", program="f")["error"]


def test_what_a_program_puts_in_the_place_of_our_functions_is_gone_after_it():
    order = list(tg.OPS)
    told = ask("program", text="import builtins, json, sys\nimport tinygrad_edu as tg\nbuiltins.len = json.dumps = tg.tanh = None\n"
               "tg.OPS['mul'] = tg.OPS['add']\ndel tg.OPS['sub']\nsys.setrecursionlimit(90)\nsys.path.clear()")
    assert told["problem"] == "" and tg.OPS["mul"] is not tg.OPS["add"] and list(tg.OPS) == order and callable(tg.tanh)
    assert ask("program", text="print(len([1]))")["output"] == "1\n" and sys.path and sys.getrecursionlimit() > 90


def test_a_program_that_catches_every_error_prints_no_more_than_it_may():
    told = ask("program", text="for _ in range(2000):\n    try:\n        print('x' * 100)\n    except Exception:\n        pass")
    assert len(told["output"]) == 100_000 and len(told["problem"]) == 0
    assert len(ask("program", text="raise ValueError('x' * 10**6)")["problem"]) < 101_000
    assert len(ask("program", text="import sys\nprint('x' * 99_999, end='')\nsys.exit('bye')")["output"]) == 100_000


def test_each_text_is_heard_when_it_is_printed(monkeypatch):
    heard = []
    monkeypatch.setattr(sys.modules["program"], "hear", heard.append)
    ask("program", text="print('a')\nprint('b')\n1 / 0")
    assert "".join(heard) == "a\nb\n"


def test_keys_of_globals_that_are_no_names_are_no_values():
    told = ask("program", text="import tinygrad_edu as tg\nglobals()[5] = globals()[''] = tg.Value(1.0)\nprint('on')")
    assert (told["output"], told["names"]) == ("on\n", [])


@pytest.mark.parametrize(("slope", "verdict"), [(2, "right"), (3, "wrong")])
def test_gradients_of_what_a_program_recorded_are_checked(slope, verdict):
    own = f"import tinygrad_edu as tg\n@tg.op('w', tg.REAL)\ndef wave(x):\n    return x * x, ({slope} * x,)\n"
    ask("program", text=own + "x = tg.Value(2.0)\nf = wave(x) * x")
    told = ask("gradcheck", program="f")
    assert told["verdict"] == verdict and (verdict == "right" or "(made at program.py:6)" in told["text"])
    ask("program", text="import tinygrad_edu as tg\nx = tg.Value(2.0)\nf = tg.Value(8.0, (x,), (12.0,), op='cube')")
    assert "declare the operation with @tg.op" in ask("gradcheck", program="f")["error"]
    ask("program", text="import tinygrad_edu as tg\nx = f = tg.Value(1.0)\nfor _ in range(400):\n    f = f * x")
    assert "300 are checked here" in ask("gradcheck", program="f")["error"]


def test_a_graph_that_is_too_large_is_refused_with_a_sentence():
    ask("program", text="import tinygrad_edu as tg\nx = f = tg.Value(1.0)\nfor _ in range(6000):\n    f = f + x")
    assert "5000" in ask("live", program="f")["error"]


MODULES = sorted(path.stem for path in [*FOLDER.glob("*.py"), *FOLDER.glob("python/*.py")] if path.stem != "build")


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_docstrings_hold(name):
    found = doctest.testmod(importlib.import_module(name))
    assert found.failed == 0


def test_no_question_is_without_a_function():
    for kind, where in answers.MODULES.items():
        assert callable(getattr(importlib.import_module(where), answers.OTHER_NAMES.get(kind, kind)))
