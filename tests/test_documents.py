"""What is written is true: docstring examples, the README's code and output, versions, lint of the words."""

import doctest
import importlib
import inspect
import json
import os
import pkgutil
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

import tinygrad_edu as tg

ROOT = Path(__file__).resolve().parents[1]
MODULES = ["tinygrad_edu", *[m.name for m in pkgutil.walk_packages(tg.__path__, "tinygrad_edu.") if "__main__" not in m.name]]
README = (ROOT / "README.md").read_text(encoding="utf-8")


STANDS_ON = {"tinygrad_edu.learn.estimators": ("sklearn", "data"), "tinygrad_edu.learn.cluster": ("distributed", "cluster")}


def imported(name):
    """A module of the package; some stand on a package of an extra."""
    package, extra = STANDS_ON.get(name, ("", ""))
    if package:
        pytest.importorskip(package, reason=f'it stands on {package}: pip install ".[{extra}]"')
    return importlib.import_module(name)


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    module = imported(name)
    of_methods = {**tg.OPS, **vars(module)} if name == "tinygrad_edu.engine.value" else {}     # which have those of operations
    results = doctest.testmod(module, extraglobs=of_methods, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert results.failed == 0
    if name == "tinygrad_edu.engine.ops":
        assert results.attempted > 15


@pytest.mark.parametrize("name", MODULES)
def test_every_module_and_public_function_says_what_it_is_for(name):
    module = imported(name)
    assert module.__doc__ and len(module.__doc__) > 40
    for thing in vars(module).values():
        if inspect.isclass(thing) and thing.__module__ == name:
            assert thing.__doc__
    if name == "tinygrad_edu":
        for public in [*tg.__all__, *tg._python_has_too]:
            thing = getattr(tg, public)
            assert not callable(thing) or thing.__doc__, public


def blocks(language):
    """The fenced blocks of the README in a language; "" for those without one."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.S | re.M)
    return [block for written, block in fenced if written == language]


def test_the_readmes_python_runs_and_says_what_its_comments_say():
    scope = {}
    for block in blocks("python"):
        exec("import tinygrad_edu.engine.formula as m\nimport tinygrad_edu as tg\n" + block.replace('"softsign"', '"gentle"'), scope)
    assert (scope["f"].data, scope["x"].grad, scope["z"].grad) == (-12.0, -4.0, 3.0)
    assert scope["my_softsign"](3.0) == 0.75 and tg.grad(scope["g"])({"w": 2, "b": 5}, 3) == {"w": 60.0, "b": 8.0}
    assert tg.jacobian(lambda x: [x[0] * x[1], 3 * x[0]])([2, 5]) == [[5.0, 2.0], [3.0, 0.0]]
    assert str(tg.symbolic(scope["f"])) == "{'x': z, 'y': z, 'z': x + y}" and tg.exact(scope["f"])["z"] == 3


def test_the_readmes_output_is_what_the_command_prints():
    block = next(b for b in blocks("") if b.startswith("$ tinygrad-edu"))
    command, wanted = block.split("\n", 1)
    words = [w.strip('"') for w in re.findall(r'"[^"]*"|\S+', command)][2:]
    done = subprocess.run([sys.executable, "-m", "tinygrad_edu", *words], capture_output=True, text=True, encoding="utf-8",
                          env={**os.environ, "PYTHONSAFEPATH": "1", "PYTHONIOENCODING": "utf-8"}, check=True)
    assert [line.rstrip() for line in done.stdout.splitlines()] == [line.rstrip() for line in wanted.splitlines()]


def test_the_readmes_picture_is_what_draw_makes():
    f = tg.expression("q = x + y; f = q * z", x=-2, y=5, z=-4)
    f.backward()
    assert (ROOT / "docs" / "graph.svg").read_text(encoding="utf-8") == tg.draw(f).svg


def test_the_circuit_for_teachers_is_what_draw_makes():
    f = tg.expression("1/(1 + exp(-(w0*x0 + w1*x1 + w2)))", w0=2, x0=-1, w1=-3, x1=-2, w2=-3)
    f.backward()
    assert (ROOT / "docs" / "circuit.svg").read_text(encoding="utf-8") == tg.draw(f, style="circuit").svg


def test_versions_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == tg.__version__
    assert f"## {tg.__version__}" in (ROOT / "CHANGELOG.md").read_text()
    assert f"version: {tg.__version__}" in (ROOT / "CITATION.cff").read_text()


def test_the_classifiers_name_what_was_tried_and_the_page_on_trust_says_the_same():
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    named = {name.split(" :: ")[-1] for name in classifiers if name.startswith(("Operating System", "Programming Language"))}
    trust = (ROOT / "docs" / "trust.md").read_text(encoding="utf-8")
    tried = re.findall(r"^\| (3\.\d+)\.", trust, re.M)           # the rows of its table, such as | 3.14.10 | gcc ...
    assert named == {"Linux", "3", "CPython", *tried} and f"Linux and CPython {tried[0]} to {tried[-1]}" in trust
    workflow = (ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8")
    assert set(re.findall(r'"(3\.\d+)"', workflow)) == set(tried)
    wheels = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["cibuildwheel"]["build"]
    assert set(wheels.split()) == {f"cp{python.replace('.', '')}-*" for python in tried}


@pytest.mark.parametrize("name", ["ops.py", "more_ops.py", "accurate.py"])
def test_no_rule_file_branches_or_uses_the_math_module(name):
    source = (Path(tg.__file__).parent / "engine" / name).read_text(encoding="utf-8")
    code = re.sub(r'""".*?"""|#[^\n]*', "", source, flags=re.S)
    assert not re.search(r"\bmath\.|\*\*", re.sub(r"\b(2|2\.0|10) \*\* -?\d+", "", code))     # but whole constants
    assert not re.search(r"^\s+(if|while|elif)\b", code, re.M)


@pytest.fixture
def written_pages(monkeypatch):
    """What writes the site's tables when it is built."""
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_ext"))
    return importlib.import_module("written_pages")


def test_the_list_of_rooms_is_that_of_the_folders_and_each_says_what_it_holds(written_pages):
    package = Path(tg.__file__).parent
    rooms = {path.parent.relative_to(package).as_posix() for path in package.glob("*/**/__init__.py")}
    assert {*written_pages.ROOMS, ""} == {*rooms, ""} and len(written_pages.ROOMS) == len(rooms) + 1
    listed = written_pages.rooms_table()
    for room in rooms:
        purpose = written_pages.opening_words(Path(tg.__file__).parent / room / "__init__.py")
        assert len(purpose) > 40 and purpose in listed


def test_the_first_evening_is_one_evening(written_pages):
    assert sum(lines for _, lines, _ in written_pages.evening("first")) <= 1500


def test_the_pictures_of_the_notebooks_stay_light():
    """A plot of more points, or letters drawn as paths, would show; a page that plays holds its script besides."""
    limits = {"image/svg+xml": 64_000, "text/html": 130_000}
    for path in (ROOT / "notebooks").rglob("*.ipynb"):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", ()):
                sizes = {kind: len("".join(output.get("data", {}).get(kind, ""))) for kind in limits}
                assert all(sizes[kind] <= limit for kind, limit in limits.items()), (path.name, cell["id"], sizes)


# ---- the site's pages: what they print is what one gets -----------------------------------------------------

PAGES = sorted([*(ROOT / "docs").glob("*.md"), *(ROOT / "docs").glob("*/*.md")])


def fenced(path, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text(encoding="utf-8"), re.S | re.M)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_examples_of_a_page(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for package in "numpy", "sklearn":
        if any(package in block for block in fenced(path, "pycon")):
            pytest.importorskip(package)
    scope = {"__name__": path.stem}
    for language, block in re.findall(r"^```(python|pycon)\n(.*?)^```$", path.read_text(encoding="utf-8"), re.S | re.M):
        if language == "python":                    # a program: what follows may use it
            exec(block, scope)
        else:
            examples = doctest.DocTestParser().get_doctest(block, {}, path.name, str(path), 0)
            examples.globs = scope
            assert doctest.DocTestRunner().run(examples, clear_globs=False).failed == 0


CONSOLES = [block for path in PAGES for block in fenced(path, "console")]


@pytest.mark.parametrize("block", CONSOLES, ids=lambda block: block.splitlines()[0])
def test_the_commands_of_the_pages_print_what_is_shown(block, tmp_path):
    command, wanted = block.split("\n", 1)
    done = subprocess.run([sys.executable, "-m", "tinygrad_edu", *shlex.split(command)[2:]], capture_output=True, text=True,
                          encoding="utf-8", cwd=tmp_path, env={**os.environ, "PYTHONIOENCODING": "utf-8"})
    shown = done.stdout + done.stderr
    assert [line.rstrip() for line in shown.splitlines()] == [line.rstrip() for line in wanted.splitlines()]


def test_the_pages_name_no_file_or_extra_that_is_not_there():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "install.md").read_text(encoding="utf-8"), re.M))
    assert listed == set(project["optional-dependencies"])
    for path in [*PAGES, ROOT / "README.md"]:
        text = path.read_text(encoding="utf-8")
        for extras in re.findall(r'"\.\[([\w,]+)\]"', text):
            assert set(extras.split(",")) <= set(project["optional-dependencies"]), path
        for name in re.findall(r"`((?:engine|symbols|calculus|check|native|fast|nn|show|learn)/\w+\.py|(?:tests|notebooks|docs|benchmarks)/[\w/]*\.\w+)`", text):
            assert name.startswith("docs/_build/") or (ROOT / name).exists() or (ROOT / "tinygrad_edu" / name).exists(), name


@pytest.mark.parametrize("name, shown", [("benchmarks", 2), ("accuracy", 0)])
def test_a_page_of_measurements_begins_with_its_summary_and_folds_the_other_tables(name, shown):
    text = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    assert text.count("<details>") == text.count("</details>") > 5
    unfolded = re.sub(r"^<details>.*?^</details>$", "", text, flags=re.S | re.M)
    assert len(re.findall(r"^\|[ :|-]+\|$", unfolded, re.M)) == shown and len(re.findall(r"^\|[ :|-]+\|$", text, re.M)) > 5


def test_the_lesson_plan_for_teachers_has_the_lessons_own_times_and_commands_that_run():
    plan = re.search(r"^## The course.*?(?=^## )", (ROOT / "docs" / "teachers.md").read_text(encoding="utf-8"), re.S | re.M)[0]
    openings = ["".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
                for path in sorted((ROOT / "notebooks" / "course").glob("*.ipynb"))]
    times = [re.search(r"\*\*Time\*\* (\d+) minutes", text)[1] for text in openings]
    assert re.findall(r"^\| \d [^|]* \| (\d+) \|", plan, re.M) == times and len(times) == 7
    shown = re.findall(r"`tinygrad-edu (bugs|why) ([\w-]+)`", plan)
    assert len(shown) > 7
    for command, name in shown:
        done = subprocess.run([sys.executable, "-m", "tinygrad_edu", command, name], capture_output=True, encoding="utf-8",
                              env={**os.environ, "PYTHONIOENCODING": "utf-8"})
        assert done.returncode == 0 and "wrong" in done.stdout, name


def test_one_command_builds_all_that_is_published(monkeypatch, tmp_path):
    spec = importlib.util.spec_from_file_location("docs_build", ROOT / "docs" / "build.py")
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    called, codes = [], iter([0, 0, 1])
    monkeypatch.setattr(build.subprocess, "run",
                        lambda command: called.append(command[1:]) or SimpleNamespace(returncode=next(codes)))
    assert build.main(["--out", str(tmp_path)]) == 1            # nothing more is built after what fails
    assert called == build.commands(tmp_path)[:3]
    for command in build.commands(tmp_path):
        assert command[0] == "-m" or Path(command[0]).is_file()
        assert any(Path(argument).is_relative_to(tmp_path) for argument in command)
    workflow = (ROOT / ".github" / "workflows" / "pages.yml").read_text(encoding="utf-8")
    assert "run: python docs/build.py\n" in workflow and "path: docs/_build/html\n" in workflow
