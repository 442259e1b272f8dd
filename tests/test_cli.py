"""The command: its output, its exit code, its patience; and that a process of its own does what `main` does here."""

import json
import math
import os
import re
import shlex
import signal
import subprocess
import sys
import webbrowser
from xml.etree import ElementTree

import pytest
from command import run

import tinygrad_edu as tg
from tinygrad_edu import cli

CIRCUIT = ["(x + y) * z", "x=-2", "y=5", "z=-4"]


def run_as_users_do(*arguments, cwd=None, **environment):
    """What a process of its own writes to stdout; it must succeed and write nothing to stderr."""
    done = subprocess.run([sys.executable, "-m", "tinygrad_edu", *arguments], capture_output=True, cwd=cwd,
                          env={**os.environ, "PYTHONSAFEPATH": "1", "PYTHONIOENCODING": "utf-8", **environment}, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode(environment.get("PYTHONIOENCODING", "utf-8")).replace("\r\n", "\n")


@pytest.mark.smoke
def test_a_process_of_its_own_writes_what_main_writes_here(tmp_path):
    arguments = ["step", *CIRCUIT, "--symbolic", "--exact"]
    assert run_as_users_do(*arguments, cwd=tmp_path) == run(*arguments)[0]
    mistake = subprocess.run([sys.executable, "-m", "tinygrad_edu", "step", "log(x)", "x=-1"], capture_output=True, text=True)
    output, errors, code = run("step", "log(x)", "x=-1", check=False)
    assert (mistake.stdout, mistake.stderr, mistake.returncode) == (output, errors, code) == ("", errors, 2) and errors


@pytest.mark.smoke
def test_step_shows_every_step_and_the_result(tmp_path):
    output, *_ = run("step", *CIRCUIT, "--svg", "graph.svg", "--symbolic", "--exact", cwd=tmp_path)
    for words in ("f = (x + y) * z", "3 * -4 = -12", "∂f/∂f", "z.grad += f.grad × ∂f/∂z", "0 + 1 × -4 = -4", "wrote graph.svg"):
        assert words in output
    lines = [line.split() for line in output.splitlines()]
    assert ["result", "value", "exact", "symbolic"] in lines and ["∂f/∂z", "3", "3", "x", "+", "y"] in lines
    ElementTree.parse(tmp_path / "graph.svg")
    assert (tmp_path / "graph.svg").read_bytes() == run_svg(tmp_path)


def run_svg(folder):
    run("draw", *CIRCUIT, "-o", "again.svg", cwd=folder)
    return (folder / "again.svg").read_bytes()


def test_json_is_for_programs():
    output, *_ = run("step", "-x / y", "x=1/3", "y=0.1", "--json", "--exact", "--symbolic")
    data = json.loads(output)
    assert data["expression"] == "-x / y" and data["value"] == pytest.approx(-10 / 3)
    assert data["exact"] == {"value": "-10/3", "gradients": {"x": "-10", "y": "100/3"}}
    assert data["symbolic"]["gradients"]["x"] == "-1 / y"
    assert data["latex"]["value"] == r"\frac{-x}{y}"
    assert [event["kind"] for event in data["steps"]] == ["forward", "forward", "seed", "backward", "backward", "backward"]


def test_what_was_read_otherwise_is_said():
    output, errors, code = run("step", "2x² + |y|", "x=pi", "y=2π", "--json", check=False)
    assert code == 0 and json.loads(output)["read_as"] == "2*x**2 + abs(y)" and json.loads(output)["expression"] == "2x² + |y|"
    assert json.loads(output)["value"] == pytest.approx(2 * math.pi ** 2 + 2 * math.pi)
    said = errors.splitlines()
    assert len(said) == 2 and said[0] == "tinygrad-edu: read as 2*pi (π is pi, what stands side by side is multiplied)"
    assert said[1].startswith("tinygrad-edu: read as 2*x**2 + abs(y) (")
    assert json.loads(run("step", "2 * x", "x=sqrt(2)", "--json")[0])["read_as"] == "2 * x"


def test_infinities_are_text_in_json():
    data = json.loads(run("step", "exp(x) * 0 + y", "x=-inf", "y=1", "--json")[0])
    assert data["value"] == 1.0 and data["steps"][0]["numbers"] == "exp(-inf) = 0"
    assert json.loads(run("step", "x + 1", "x=inf", "--json")[0])["value"] == "inf"


@pytest.mark.parametrize("arguments", [
    ["-x * y", "x=2", "y=3"], ["--", "-x * y", "x=2", "y=3"], ["-(x) * y", "--layout", "simple", "x=2", "y=3"], ["-2*x*y/2", "x=2", "y=3"],
["-x*y", "x=2", "--symbolic", "y=3"], ["−x × y", "x=2", "y=3"], [" -x*y", "x= 2", "y =3"],
])
def test_expressions_may_start_with_a_minus_and_options_stand_anywhere(arguments):
    assert "\nf " in run("step", *arguments)[0] and "-6" in run("step", *arguments)[0]


def test_step_writes_the_player(tmp_path):
    output, *_ = run("step", *CIRCUIT, "--html", "step.html", cwd=tmp_path)
    assert "wrote step.html: open it in a browser" in output
    f = tg.expression(CIRCUIT[0], x=-2, y=5, z=-4)
    assert (tmp_path / "step.html").read_text(encoding="utf-8") == page_of(f)
    run("step", *CIRCUIT, "--html", "still.html", "--still", cwd=tmp_path)
    assert (tmp_path / "still.html").read_text(encoding="utf-8") == tg.play(f, live=False).html
    run("play", *CIRCUIT, "-o", "asks.html", "--predict", "--no-open", cwd=tmp_path)
    assert '"predict":1' in (tmp_path / "asks.html").read_text(encoding="utf-8")


def page_of(f):
    """The page of an expression: no program made its graph, which could have made another one."""
    return re.sub('<p class="quiet">The graph is the one of this run[^<]*</p>', "", tg.play(f).html)



@pytest.fixture
def browser(monkeypatch):
    """The addresses that a browser was asked to open, on a machine with a display."""
    addresses = []
    monkeypatch.setattr(cli, "has_display", lambda: True)
    monkeypatch.setattr(webbrowser, "open", addresses.append)
    return addresses


def test_play_writes_a_page_says_where_and_opens_it(tmp_path, browser):
    assert run("play", *CIRCUIT, cwd=tmp_path)[0] == "wrote play.html: open it in a browser\n"
    assert browser == [(tmp_path / "play.html").resolve().as_uri()]
    assert (tmp_path / "play.html").read_text(encoding="utf-8") == page_of(tg.expression(CIRCUIT[0], x=-2, y=5, z=-4))
    assert run("play", "-x", "x=2", "-o", "other.html", "--no-open", cwd=tmp_path)[0].startswith("wrote other.html")
    assert len(browser) == 1


def test_demo_plays_without_a_word(tmp_path, browser):
    assert run("demo", cwd=tmp_path)[0] == "wrote demo.html: open it in a browser\n"
    assert browser == [(tmp_path / "demo.html").resolve().as_uri()]
    run("demo", "--no-open", cwd=tmp_path)
    assert len(browser) == 1


def test_nothing_is_opened_where_there_is_no_display(tmp_path, monkeypatch):
    monkeypatch.setattr(cli.sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(webbrowser, "open", lambda address: pytest.fail(address))
    run("demo", cwd=tmp_path)
    assert not cli.has_display()
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert cli.has_display()


@pytest.mark.parametrize("arguments", [["--html", "--svg", "x*y"], ["x*y", "--svg", "--html"], ["--svg", "x*y", "--html"], ["x*y", "x=1", "--svg", "--html"]])
def test_files_without_a_name_get_one_where_no_name_follows(arguments, tmp_path):
    run("step", *arguments, *["x=1"][:"x=1" not in arguments], "y=2", cwd=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["graph.svg", "step.html"]


@pytest.mark.parametrize(("arguments", "name"), [
    (["step", "x", "x=1", "--svg"], "graph.svg"), (["step", "x", "x=1", "--html"], "step.html"), (["draw", "x", "x=1"], "graph.svg"),
    (["play", "x", "x=1", "--no-open"], "play.html"), (["demo", "--no-open"], "demo.html")])
def test_a_file_of_somebody_elses_is_replaced_only_by_name(arguments, name, tmp_path):
    run(*arguments, cwd=tmp_path)
    run(*arguments, cwd=tmp_path)                                   # its own it replaces
    (tmp_path / name).write_text("mine")
    output, errors, code = run(*arguments, cwd=tmp_path, check=False)
    assert (output, code) == ("", 2) and f"{name} is here already, and is not one that tinygrad-edu wrote: name another file" in errors
    assert (tmp_path / name).read_text() == "mine"
    option = {"step": arguments[-1], "demo": None}.get(arguments[0], "-o")
    if option:
        run(*[word for word in arguments if word != option], option, name, cwd=tmp_path)
        assert (tmp_path / name).read_text(encoding="utf-8") != "mine"


def test_draw_writes_svg_or_dot(tmp_path):
    assert run("draw", "x * y", "x=1", "y=2", cwd=tmp_path)[0].strip() == "wrote graph.svg"
    assert run("draw", "x * y", "x=1", "y=2", "-o", "g.dot", cwd=tmp_path)[0].strip() == "wrote g.dot"
    assert (tmp_path / "g.dot").read_text(encoding="utf-8").startswith("digraph {")
    run("draw", "2 * 3", "-o", "constant.svg", cwd=tmp_path)
    run("draw", "x * y", "x=1", "y=2", "--layout", "simple", "-o", "s.svg", cwd=tmp_path)
    assert (tmp_path / "s.svg").read_bytes() != (tmp_path / "graph.svg").read_bytes()
    run("draw", "x * y", "x=1", "y=2", "--engine", "simple", "-o", "former_name.svg", cwd=tmp_path)
    assert (tmp_path / "former_name.svg").read_bytes() == (tmp_path / "s.svg").read_bytes()


def test_ops_lists_every_operation():
    output, *_ = run("ops")
    for op in tg.OPS.values():
        assert op.signature in output
    for words in ("∂f/∂x = 1 - f**2", "x > 0", "y != 0"):
        assert words in output
    composed, *_ = run("ops", "softmax")
    assert composed.startswith("softmax(logits)\nexp(x") and "made of several operations" in composed
    detail, *_ = run("ops", "tanh")
    for words in ("tanh(x)", r"1 - f^{2}", "def tanh(x):", "double op_tanh(double x, double *g_x)", "any x"):
        assert words in detail


@pytest.mark.parametrize("arguments", [["--help"], ["step", "--help"], ["draw", "-h"], ["ops", "--help"], ["play", "--help"], ["demo", "--help"],
                                       ["explain", "--help"], ["cost", "--help"], ["why", "--help"], ["bugs", "--help"]])
def test_help_has_examples_that_work(arguments, tmp_path, browser):
    output, *_ = run(*arguments)
    examples = [line.strip() for line in output.split("examples:")[1].splitlines() if line.strip().startswith("tinygrad-edu")]
    assert examples
    for example in examples:
        words = shlex.split(example.split("   ")[0])
        if "--interactive" not in words:                    # tried in a real terminal, in test_walk
            run(*words[1:], cwd=tmp_path)


def test_help_lists_every_command_in_one_group():
    parser = cli.argument_parser()
    commands = next(action.choices for action in parser._actions if isinstance(action.choices, dict))
    assert sorted(cli.COMMANDS) == sorted(commands) and len({*cli.COMMANDS}) == len(cli.COMMANDS)
    assert all(f"\n  {name} " in parser.format_help() for name in cli.COMMANDS)


def test_version_names_engine_and_python():
    output, *_ = run("--version")
    assert output.startswith(f"tinygrad-edu {tg.__version__} (engine: {tg.engine_name}, ") and ", Python 3." in output
    forced = subprocess.run([sys.executable, "-m", "tinygrad_edu", "--version"], capture_output=True, text=True,
                            env={**os.environ, "TINYGRAD_EDU_PURE": "1"})
    assert "(engine: pure, all in Python; TINYGRAD_EDU_PURE is set, programs: NumPy, Python 3." in forced.stdout


MISTAKES = [
    (["step", "tnah(x)", "x=1"], 2, "did you mean 'tanh'"), (["step", "x * y", "x=1"], 2, "no value for y: add y=..."),
    (["step", "x", "x=1", "y=2"], 2, "'y' is not in the expression"), (["step", "x", "x=a"], 2, "'a' is not a number"),
    (["step", "x", "x=1", "x=2"], 2, "x is given twice"), (["step", "x", "x", "=", "1"], 2, "write name=value"),
    (["step", "x", "x=1/0"], 2, "not a number"), (["step", "x", "x=1e999999999"], 2, "too large"), (["step", "x", "x=1e400"], 2, "too large"),
    (["step", "x", "x=1", "--svgg", "f"], 2, "unknown option --svgg: did you mean --svg?"),
    (["step", "x", "x=1", "-z"], 2, "'-z' is not understood: write name=value"),
    (["step", "x", "x=1", "-o", "f.svg"], 2, "unknown option --output: the options here are --svg, --html,"),
    (["draw", "x", "x=1", "--html", "f.html"], 2, "unknown option --html: the options here are --output, --theme, --scale,"),
    (["play", "x", "x=1", "--jsn"], 2, "unknown option --jsn: the options here are --output, --no-open, --still, --predict, --layout, --names, --ieee, --literal"),
    (["step", "log(x)", "x=-1"], 2, "log needs x > 0"),
    (["step", "sqrt(x)", "x=0"], 2, "local gradient of f = sqrt(x)"), (["step", "exp(x)", "x=1", "--exact"], 2, "not a rational number"),
    (["step", "x", "x=1", "--still"], 2, "--still says how a page is: write one with --html step.html"),
    (["step", "x", "x=1", "--predict"], 2, "--predict says how a page is: write one with --html step.html"),
    (["step", "x", "x=1", "--html", "a.pdf"], 2, "written as .html"), (["step", "x", "x=1", "--interactive"], 2, "needs a terminal"),
    (["step", "x", "x=inf", "--exact"], 2, "not a rational number"), (["step", "x**30000", "x=0.5", "--exact"], 2, "more than 4300 digits"), (["step", "x", "x=1", "--svg", "a.gif"], 2, "written as .svg"),
    (["draw", "x", "x=1", "-o", "missing/f.svg"], 1, "missing/f.svg: No such"), (["draw", "x", "x=1", "--layout", "dot"], 1, "dot"),
    (["ops", "tnah"], 2, "'tnah'"), (["ops", "tanh", "more"], 2, "more"), ([], 2, "COMMAND"), (["fly"], 2, "fly"),
    (["step"], 2, "EXPR"), (["step", "x\x1b", "x=1"], 2, "no place"), (["step", "(" * 500, "x=1"], 2, "brackets"),
    (["step", "__import__('os').system('echo owned')"], 2, "quotes"), (["step", "x", "x=True"], 2, "True is not a real number"),
    (["step", "x", "x=3,5"], 2, "a decimal point is needed: write x=3.5"), (["step", "x", "x=1/2pi"], 2, "write (1/2)*pi or 1/(2*pi)"),
    (["step", "x", "x=y"], 2, "'y' is not a number"), (["step", "x", "x=log(-1)"], 2, "not a number"), (["step", "x", "x="], 2, "'' is not a number"),
    (["step", "x", "x=sqrt(2)", "--exact"], 2, "x=sqrt(2) is not a rational number"), (["step", "x₁", "x1=1", "x₁=2"], 2, "x1 is given twice"),
    (["step", "1/2x", "x=1"], 2, "1/2x has two readings: write (1/2)*x or 1/(2*x)"), (["step", "2x", "x=1", "--literal"], 2, "write 2*x"),
    (["step", "x", "x=2pi", "--literal"], 2, "x=2pi: what stands side by side is multiplied: write 2*pi"),
    (["stpe", "x"], 2, "no command is called 'stpe': did you mean 'step'?"), (["ops", "sigma"], 2, "did you mean 'sigmoid'?"), (["ops", "sofmax"], 2, "did you mean 'softmax'?"), (["ops", "cross_entrpy"], 2, "did you mean 'cross_entropy'?"),
    (["step", "x + " * 4000 + "x", "x=1"], 2, "limit"), (["step", "1/x", "x=0"], 2, "div needs y != 0"),
]


@pytest.mark.smoke
@pytest.mark.parametrize(("arguments", "code", "words"), MISTAKES, ids=[" ".join(row[0])[:40] for row in MISTAKES])
def test_a_mistake_gets_one_clear_error_and_no_traceback(arguments, code, words, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    output, errors, returned = run(*arguments, cwd=tmp_path, check=False)
    assert returned == code and words in errors and "Traceback" not in errors
    assert output == "" and "owned" not in output and not list(tmp_path.iterdir())
    assert len(errors.splitlines()) <= 7


def test_output_survives_a_cp1252_console():
    output = run_as_users_do("step", "sqrt(x) * y", "x=4", "y=2", PYTHONIOENCODING="cp1252")
    assert "df/dy" in output and "×" in output and "?" not in output
    assert "sqrt(x)" in run_as_users_do("ops", PYTHONIOENCODING="ascii")


def test_no_color_and_pipes_have_no_escapes():
    for environment in ({"NO_COLOR": "1", "FORCE_COLOR": ""}, {"TERM": "dumb"}):
        assert "\x1b" not in run_as_users_do("step", *CIRCUIT, **environment)


def test_a_pipe_that_closes_early_is_no_error():
    process = subprocess.Popen([sys.executable, "-m", "tinygrad_edu", "ops"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.read(10)
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait() in (0, 141) and errors == b""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for another process")
def test_ctrl_c_ends_with_one_line():
    expression = "; ".join(f"a{i} = x * {i}" for i in range(200)) + "; " + " + ".join(f"a{i}" for i in range(200))
    process = subprocess.Popen([sys.executable, "-c", SLOW, "step", expression, "x=1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline() == b"started\n"
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=30)[1]
    assert process.returncode == 130 and errors == b"tinygrad-edu: stopped\n"


SLOW = """
import signal, sys, time
from tinygrad_edu import cli
signal.signal(signal.SIGINT, signal.default_int_handler)        # which a shell leaves out of what runs in the background
def graph_of(args):
    print("started", flush=True)
    time.sleep(20)
cli.graph_of = graph_of
sys.exit(cli.main())
"""


def test_a_missing_package_is_named_with_its_install_command():
    code = "import sys; sys.modules['rich'] = None; from tinygrad_edu.cli import main; sys.exit(main(['step', 'x', 'x=1']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1 and "pip install rich" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(("expression", "values", "result"), [
    ("-h**2", ["h=3"], "-9"), ("-o * x", ["o=2", "x=3"], "-6"), ("--x", ["x=3"], "3"), ("-offset + x", ["offset=1", "x=3"], "2"),
    ("-e", ["e=4"], "-4"), ("-s * v", ["s=1", "v=7"], "-7"),
])
def test_an_expression_is_never_taken_for_an_option(expression, values, result):
    assert json.loads(run("step", expression, *values, "--json")[0])["value"] == float(result)


def test_a_file_name_may_start_with_a_minus(tmp_path):
    run("step", "x", "x=1", "--svg", "-a.svg", cwd=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["-a.svg"]


def test_ieee_goes_on_with_inf_and_nan():
    output, *_ = run("step", "sqrt(x)", "x=0", "--ieee")
    assert ["∂f/∂x", "inf"] in [line.split() for line in output.splitlines()]
    assert "--ieee goes on with inf and nan" in run("step", "sqrt(x)", "x=0", check=False)[1]


def test_exact_takes_the_numbers_of_the_text_as_they_are_written():
    output, *_ = run("step", "0.1*x + mean(x, y, y)", "x=0.1", "y=1", "--exact", "--json")
    assert json.loads(output)["exact"] == {"value": "71/100", "gradients": {"x": "13/30", "y": "2/3"}}
    assert "pi is not a rational" in run("step", "pi*x", "x=1", "--exact", check=False)[1]
    assert "divides by zero" in run("step", "1/(x+y-z)", "x=0.1", "y=0.2", "z=0.3", "--exact", check=False)[1]


def test_json_keeps_every_letter_on_any_console():
    output = run_as_users_do("step", "α*β", "α=1", "β=2", "--json", PYTHONIOENCODING="cp1252")
    assert json.loads(output)["gradients"] == {"α": 2.0, "β": 1.0}
    assert "alpha * beta" in run_as_users_do("step", "α*β", "α=1", "β=2", PYTHONIOENCODING="cp1252")


def test_a_table_into_a_closed_pipe_ends_as_documented():
    code = "import os, sys; os.close(1); from tinygrad_edu import cli; sys.exit(cli.main(['step', 'x*2', 'x=3']))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).stderr.count(b"Traceback") == 0
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([sys.executable, "-m", "tinygrad_edu", "step", "x*2", "x=3"], stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def test_the_playground_is_opened_where_it_was_built_and_else_it_is_said_how(monkeypatch, tmp_path):
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda address: opened.append(address) or True)
    page = tmp_path / "playground.html"
    output, errors, code = run("playground", "--file", str(page), check=False)
    assert (output, code, opened) == ("", 1, []) and "python docs/playground/build.py --one-file" in errors
    page.write_text("<!DOCTYPE html>", encoding="utf-8")
    assert run("playground", "--file", str(page))[0] == f"{page}\n"
    assert opened == [page.as_uri()]
