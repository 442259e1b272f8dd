"""What the graders' reports say to people, to Gradescope, PrairieLearn and pytest; a class; the homework of the docs."""

import base64
import contextlib
import copy
import csv
import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest
from command import run as run_command
from jsonschema import Draft202012Validator

import tinygrad_edu as tg
from tinygrad_edu import cli_grade
from tinygrad_edu.classroom.grading import autograder, marks, report
from tinygrad_edu.classroom.grading.grade import Checked, Report, conceal, grade
from tinygrad_edu.classroom.graphs import SmallGraph

pytest_plugins = "pytester"
ROOT = Path(__file__).resolve().parents[1]
HOMEWORK = ROOT / "docs" / "homework"
SOLUTION = (HOMEWORK / "engine_solution.py").read_text(encoding="utf-8")
NEEDS = "sub,div,neg,pow,exp,log,tanh,relu,radd,rsub,rmul,rdiv"
SCHEMAS = {"json": Path(tg.__file__).parent / "classroom" / "grading" / "grade.schema.json",
           "gradescope": ROOT / "tests" / "schemas" / "gradescope.json", "prairielearn": ROOT / "tests" / "schemas" / "prairielearn.json"}
WRONG = {                       # what students write: in place of this, that; and the check that must say so first
    "assigns": ("parent.grad += node.grad", "parent.grad = node.grad", "reuse-leaves"),
    "turned_around": ("return as_value(other) - self", "return self - other", "reflected-sub"),
    "no_square": ("(1 - t * t,)", "(1 - t,)", "derivative-tanh"),
}


def run(*words, **options):
    """(output, errors, exit code) of the command, which is given paths too."""
    return run_command(*map(str, words), **options)


def engine(name):
    """The text of a submission: the solution, the starter, or one of the wrong ones."""
    if name in WRONG:
        old, new, _ = WRONG[name]
        assert SOLUTION.count(old) == 1
        return SOLUTION.replace(old, new)
    return {"right": SOLUTION, "starter": (HOMEWORK / "engine_starter.py").read_text(encoding="utf-8"), "broken": "class Value(:",
            "foreign": "import torch\n" + SOLUTION, "hostile": SOLUTION.replace("return self * as_value(other) ** -1", 'raise ValueError("\\x1b[31m ]]> \\ud800 =cmd")')}[name]


def written(made, form, *total):
    """What a file of the report holds."""
    return json.loads(report.written(made, form, *total))


ENGINES = [*WRONG, "right", "starter", "broken", "foreign", "hostile"]


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The report on one of the engines, made once; what is not to be revealed is taken out of it, as `grade` does."""
    folder = tmp_path_factory.mktemp("engines")

    @cache
    def whole(name):
        (folder / f"{name}.py").write_text(engine(name), encoding="utf-8")
        return grade(folder / f"{name}.py", tier="all", reveal="numbers")

    def made(name, reveal="numbers"):
        report = copy.deepcopy(whole(name))
        for each in report.checks:
            conceal(each, reveal)
        return report
    return made


@pytest.fixture
def submission(tmp_path):
    """Writes the file of a submission."""
    def written(name, path="engine.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(engine(name), encoding="utf-8")
        return tmp_path / path
    return written


# ---- the homework of the docs


def test_the_solution_is_clean_in_all_tiers(submission):
    output, *_ = run("grade", submission("right"), "--tier", "all", "--needs", NEEDS)
    assert output.splitlines()[-1] == "clean" and "✗" not in output and "robust    10 of 10" in output


def test_the_starter_is_told_what_is_right_so_far(graded):
    made = graded("starter")
    statuses = {each.id: each.status for each in made.checks}
    assert statuses["forward-add"] == "passed" and statuses["forward-mul"] == statuses["derivative-add"] == "not finished"
    assert written(made, "prairielearn")["format_errors"][1:] == [f"{each.title}: not finished" for each in report.unfinished(made)]


def test_the_starter_is_not_finished_and_not_wrong(submission):
    output, errors, code = run("grade", submission("starter"), "--needs", NEEDS, check=False)
    assert (code, errors) == (2, "") and output.splitlines()[-1].startswith("not finished") and "✗" not in output


@pytest.mark.parametrize("name", WRONG)
def test_a_typical_wrong_answer_is_found_and_nothing_else_is_blamed_before_it(name, submission):
    output, errors, code = run("grade", submission(name), "--needs", NEEDS, "--json", submission(name).with_name("r.json"), check=False)
    failed = [each["id"] for each in json.loads(submission(name).with_name("r.json").read_text())["checks"] if each["status"] == "failed"]
    assert (code, errors) == (1, "") and failed[0] == WRONG[name][2] and output.count("✗") == len(failed)


def test_what_the_homework_needs_is_missed_and_what_it_does_not_need_costs_nothing(submission):
    path = submission("right")
    path.write_text(SOLUTION.replace("def tanh(self)", "def hyperbolic(self)"), encoding="utf-8")
    assert run("grade", path)[2] == 0
    output, _, code = run("grade", path, "--needs", NEEDS, check=False)
    assert code == 2 and output.splitlines()[-1].startswith("not finished: value of tanh(a)")


# ---- text


def test_the_text_shows_the_smallest_graph_what_came_and_a_hint(graded):
    lines = report.text(graded("turned_around")).splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("✗"))
    assert re.fullmatch(r"✗ \d - a {2,}v = \d - a at a = \S+   \(2 nodes, the smallest that shows it\)", lines[at])
    assert lines[at + 2].startswith("  got       v = ") and lines[at + 3].startswith("  expected  v = ")
    assert lines[at + 4].startswith("  hint: ") and "It looks like: 2 - a is computed as a - 2" in lines[at + 4]
    assert lines[0].startswith("turned_around.py: reads data, grad, ") and lines[-1] == "faults"


@pytest.mark.parametrize("reveal", ["none", "graph"])
@pytest.mark.parametrize("name", WRONG)
def test_no_number_that_was_expected_is_shown_unless_it_is_revealed(name, reveal, submission):
    hidden = grade(submission(name), only=[WRONG[name][2]], reveal=reveal)
    assert hidden.verdict == "faults"
    for each in hidden.checks:
        assert each.expected is None and each.got is None
        assert (each.graph is None and not each.calls) or reveal == "graph"
    for text in (report.text(hidden), *[report.written(hidden, form).decode() for form in ("gradescope", "prairielearn", "junit")]):
        assert "expected" not in text and "got  " not in text


def test_a_line_of_feedback_is_about_what_counts_alone():
    made = Report("engine.py", checks=[Checked("second-backward", "robust", "backward twice", "failed", "a is wrong"),
                                       Checked("derivative-mul", "core", "derivative of a * b", "failed", "b is wrong", worth=1)])
    assert report.feedback(made) == "derivative of a * b: b is wrong"


def test_what_is_wrong_and_what_is_not_written_yet_are_told_apart():
    made = Report("engine.py", checks=[Checked("derivative-mul", "core", "derivative of a * b", "failed", worth=1),
                                       Checked("forward-exp", "core", "value of exp(a)", "not finished", worth=1)])
    assert report.verdict_line(made) == "faults; not finished: value of exp(a)"


def test_the_first_line_says_which_limits_a_system_lacks():
    shown = report.text(Report("engine.py", limits_missing=["files may be read"], problem="no such file"))
    assert shown.splitlines()[0] == "careful: files may be read" and shown.splitlines()[-1] == "cannot be graded: no such file"


# ---- for programs


@pytest.mark.parametrize("reveal", ["none", "graph", "numbers"])
@pytest.mark.parametrize("name", ENGINES)
def test_every_file_keeps_to_its_published_form(name, reveal, graded):
    made = graded(name, reveal)
    for form, schema in SCHEMAS.items():
        content = report.written(made, form)
        Draft202012Validator(json.loads(schema.read_text(encoding="utf-8"))).validate(json.loads(content))
        assert len(content) < 1_000_000


@pytest.mark.parametrize("form", SCHEMAS)
def test_the_schemas_are_schemas_and_refuse_what_is_wrong(form, graded):
    schema = json.loads(SCHEMAS[form].read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    right = json.loads(report.written(graded("assigns"), form))
    broken = [{}, right | {"tests": [{"score": "1"}], "checks": [{"id": 1}]}, right | {"score": "5", "verdict": "fine"}, right | {"more": 1}]
    assert not any(Draft202012Validator(schema).is_valid(data) for data in broken)


def test_gradescope_gets_a_share_of_the_points_and_what_is_only_told_has_no_score(graded):
    half = Report("e.py", checks=[Checked("a-b", "core", "one", "passed", points=1, worth=1), Checked("a-c", "core", "two", "failed", worth=1),
                                  Checked("c-d", "told", "three", "told", "relu'(0) = 0")])
    data = written(half, "gradescope", 20)
    assert data["score"] == 10 and [test.get("score") for test in data["tests"]] == [1, 0, None]
    assert [test["status"] for test in data["tests"]] == ["passed", "failed", "passed"]
    assert written(graded("right"), "gradescope")["score"] == 100 and written(graded("broken"), "gradescope")["score"] == 0


def test_prairielearn_does_not_count_an_attempt_for_what_is_not_finished(graded):
    for name in ("starter", "broken", "foreign"):
        data = written(graded(name), "prairielearn")
        assert data["gradable"] is False and data["format_errors"][0] and "score" not in data
    assert written(graded("right"), "prairielearn")["score"] == 1 and 0 < written(graded("assigns"), "prairielearn")["score"] < 1


def svg_of(address):
    return base64.b64decode(address.removeprefix("data:image/svg+xml;base64,")).decode()


def test_the_picture_of_a_failing_graph_has_blanks_for_the_answers():
    check = Checked("a-b", "core", "a product", "failed", graph=SmallGraph.of("v = a * b", a=3, b=7))
    svg = svg_of(report.picture(check))
    ElementTree.fromstring(svg)
    assert "tg-blank" in svg and "21" not in re.sub(r"<style.*?</style>|[\w-]+=\"[^\"]*\"", "", svg, flags=re.S)
    check.expected = [{"v": 21.0}]
    assert "tg-blank" not in svg_of(report.picture(check)).split("</style>")[1]


def test_failed_checks_come_with_their_picture_in_prairielearn(graded):
    tests = written(graded("turned_around", "graph"), "prairielearn")["tests"]
    pictured = [test for test in tests if "images" in test]
    assert pictured and all(test["message"] == "failed" for test in pictured)
    assert "tg-blank" in svg_of(pictured[0]["images"][0]["url"])


@pytest.mark.parametrize("name", ENGINES)
def test_junit_counts_what_it_lists(name, graded):
    suite = ElementTree.fromstring(report.written(graded(name), "junit")).find("testsuite")
    cases = suite.findall("testcase")
    assert int(suite.get("tests")) == len(cases) > 0
    for kind, count in ("failure", "failures"), ("error", "errors"), ("skipped", "skipped"):
        assert int(suite.get(count)) == len(suite.findall(f"testcase/{kind}"))
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0") or graded(name).exit_code != 0
    assert int(suite.get("failures")) > 0 or graded(name).exit_code != 1
    assert int(suite.get("errors")) > 0 or graded(name).exit_code != 2


def test_what_a_submission_says_is_shown_as_text_alone(graded):
    made = graded("hostile")
    assert any("31m" in each.message for each in made.checks)
    for text in (report.text(made), report.feedback(made), report.written(made, "gradescope").decode()):
        assert all(c.isprintable() or c == "\n" for c in text)
    ElementTree.fromstring(report.written(made, "junit"))


@pytest.mark.parametrize("found", [{}, {"names": 5, "notes": "x", "loaded_by": [1]}, {"names": {"data": {"\x1b": []}, "\x00": None}, "notes": [7, ["\ud800"]]},
                                   {"names": ["data"], "notes": {"a": 1}, "loaded_by": None}])
def test_whatever_the_process_of_a_student_sends_the_report_is_text(found):
    odd = "\x1b[31m\x00\ud800]]>" * 100
    checks = [Checked(odd, "core", odd, status, odd, odd, got=[{odd + str(i): float("nan") for i in range(1000)}], expected=[{odd: 1.0}], worth=1)
              for status in ("failed", "skipped", "not finished", "passed", "told")]
    made = Report(f"a/{odd[:5]}.py", found=found, problem=odd, foreign=[odd], limits_missing=[odd], checks=checks)
    for text in (report.text(made), report.feedback(made), *[report.written(made, form).decode() for form in SCHEMAS]):
        assert all(c.isprintable() or c == "\n" for c in text)
    for form, schema in SCHEMAS.items():
        Draft202012Validator(json.loads(schema.read_text(encoding="utf-8"))).validate(json.loads(report.written(made, form)))
    ElementTree.fromstring(report.written(made, "junit"))


# ---- the command


def test_the_command_writes_every_form_and_its_exit_code_is_the_verdict(submission, tmp_path):
    targets = {form: tmp_path / f"out.{form}" for form in ("json", "gradescope", "prairielearn", "junit")}
    output, errors, code = run("grade", f"{submission('assigns')}:Value", "--points", "12", "--seed", "student17",
                               *[word for form, path in targets.items() for word in (f"--{form}", str(path))], check=False)
    assert (code, errors) == (1, "") and output.count("wrote ") == 4
    data = json.loads(targets["json"].read_text())
    assert (data["class"], data["seed"], data["exit_code"], data["verdict"]) == ("Value", "student17", 1, "faults")
    assert 0 < json.loads(targets["gradescope"].read_text())["score"] < 12
    ElementTree.parse(targets["junit"])


def test_a_file_that_is_not_there_is_reported_too(tmp_path):
    output, errors, code = run("grade", tmp_path / "engine.py", "--gradescope", tmp_path / "results.json", check=False)
    assert (code, errors) == (2, "") and output.splitlines()[-2].startswith("cannot be graded: ")
    assert json.loads((tmp_path / "results.json").read_text())["score"] == 0


MISTAKES = [
    (["grade"], "FILE"), (["grade", "class"], "say with --csv marks.csv"), (["grade", "engine.py", "--csv", "m.csv"], "for the folder of a class"),
    (["grade", "class", "--csv", "m.csv", "--json", "r.json"], "for a single submission"), (["grade", "class", "--csv", "m.txt"], "written as .csv"),
    (["grade", "class", "--csv", "m.csv"], "has no submissions"), (["grade", "engine.py", "--tier", "expert"], "expert"),
    (["grade", "engine.py", "--only", "reflectd"], "did you mean 'reflected'"), (["grade", "engine.py", "--needs", "tahn"], "did you mean 'tanh'"),
    (["grade", "engine.py", "--seconds", "0"], "a limit is more than 0"), (["grade", "engine.py", "--memory", "much"], "write it like 500M or 1G"),
    (["grade", "engine.py", "--json", "missing/r.json"], "missing/r.json: No such"), (["grade", "class", "--csv", "class"], "written as .csv"),
    (["grade-layer", "engine.py", "--needs", "tanh"], "--needs is for engines"), (["autograder", "engine.py", "-o", "a.tar"], "written as .zip"),
    (["grade", "class", "--csv", "m.csv", "--jobs", "-1"], "--jobs must be at least 1"), (["grade", "engine.py", "--adapter", "a.py"], "there is no such file"),
    (["grade", "engine.py", "--points", "-5"], "--points must be more than 0"), (["autograder", "engine.py", "--only", "ordr"], "did you mean 'order'"),
]


@pytest.mark.parametrize(("arguments", "words"), MISTAKES, ids=[" ".join(row[0]) for row in MISTAKES])
def test_a_mistake_of_the_teachers_gets_one_clear_line(arguments, words, submission, tmp_path):
    submission("right")
    (tmp_path / "class").mkdir()
    _, errors, code = run(*arguments, cwd=tmp_path, check=False)
    assert code == 2 and words.lower() in errors.lower() and "Traceback" not in errors and len(errors.splitlines()) <= 14
    assert sorted(path.name for path in tmp_path.iterdir()) == ["class", "engine.py"]


def test_the_examples_of_the_help_work(submission, tmp_path):
    for path in ("engine.py", "submissions/ada.py"):
        submission("right", path)
    for command in ("grade", "autograder"):
        examples = re.findall(r"^  tinygrad-edu (.+)$", run(command, "--help")[0], re.M)
        assert len(examples) >= 3
        for example in examples:
            if "--cluster" not in example:          # tests/test_grade_cluster.py has one
                run(*example.split(), cwd=tmp_path)
    assert {"results.json", "marks.csv", "autograder.zip", "homework1.zip"} < {path.name for path in tmp_path.iterdir()}


# ---- a class


@pytest.fixture
def class_folder(submission, tmp_path):
    """Submissions of all kinds: files, folders, a name that is a formula, a link, several files, none."""
    submission("right", "class/=cmd|calc.py" if os.name == "posix" else "class/=cmd.py")
    submission("assigns", "class/Zoë/engine.py")
    submission("starter", "class/adam.py")
    submission("right", "class/two/a.py")
    submission("right", "class/two/b.py")
    (tmp_path / "class" / "empty").mkdir()
    (tmp_path / "class" / "__MACOSX").mkdir()
    (tmp_path / "class" / "notes.txt").write_text("no submission")
    if os.name == "posix":
        (tmp_path / "class" / "link.py").symlink_to(tmp_path / "class" / "adam.py")
    return tmp_path / "class"


def rows_of(path):
    with open(path, encoding="utf-8-sig", newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def test_a_class_becomes_a_table_and_what_is_known_is_not_graded_again(class_folder, tmp_path):
    table, before = tmp_path / "marks.csv", dict(os.environ)
    output, *_ = run("grade", class_folder, "--csv", table, "--jobs", "2", "--only", "reuse,order")
    rows = rows_of(table)
    assert os.environ == before
    assert [*rows] == sorted(rows, key=lambda name: name.lstrip("'")) and not any(name[:1] in "=+-@" for name in rows)
    verdicts = {name: row["verdict"] for name, row in rows.items()}
    assert verdicts["Zoë"] == "faults" and verdicts["adam"] == "not finished" and rows["Zoë"]["failed"].split()[0] == "reuse-leaves"
    assert verdicts[next(name for name in rows if name.startswith("'=cmd"))] == "clean"
    assert "2 files" in rows["two"]["feedback"] and "no files" in rows["empty"]["feedback"]
    assert os.name != "posix" or "link" in rows["link.py"]["feedback"]
    assert f"{len(rows)} submissions: " in output and "failed most often: reuse-leaves (1)" in output
    (class_folder / "adam.py").write_text(engine("right"), encoding="utf-8")
    again, *_ = run("grade", class_folder, "--csv", table, "--only", "reuse,order")
    assert again.count("as before") == len(rows) - 1 and rows_of(table)["adam"]["verdict"] == "clean"
    assert {name: row for name, row in rows_of(table).items() if name != "adam"} == {name: row for name, row in rows.items() if name != "adam"}
    other, *_ = run("grade", class_folder, "--csv", table, "--only", "reuse", "--file", "a.py")
    assert "as before" not in other and rows_of(table)["two"]["verdict"] == "clean" and rows_of(table)["two"]["file"] == "a.py"


def test_no_two_submissions_have_one_name(submission, tmp_path):
    for path in ("class/ada.py", "class/ada.ipynb", "class/ada/engine.py"):
        submission("right", path)
    found = marks.submissions(tmp_path / "class")
    assert [(each.name, each.file.name) for each in found] == [("ada", "engine.py"), ("ada (2)", "ada.ipynb"), ("ada (3)", "ada.py")]


def test_what_is_too_large_is_not_read(tmp_path):
    with open(tmp_path / "huge.py", "wb") as file:
        file.truncate(2**31)
    output, _, code = run("grade", tmp_path / "huge.py", check=False)
    assert code == 2 and output.splitlines()[-1] == "cannot be graded: huge.py is larger than 20 MB"


@pytest.mark.skipif(os.name != "posix", reason="files with holes are written for POSIX")
def test_in_a_class_too_what_is_too_large_is_not_read(submission, tmp_path):
    submission("right", "class/ada.py")
    with open(tmp_path / "class/huge.py", "wb") as file:
        file.truncate(2**40)
    run("grade", tmp_path / "class", "--csv", tmp_path / "marks.csv", "--only", "reuse")
    assert {name: row["verdict"] for name, row in rows_of(tmp_path / "marks.csv").items()} == {
        "ada": "clean", "huge": "cannot be graded"}


@pytest.mark.skipif(os.name != "posix" or sys.platform == "darwin", reason="names that are not UTF-8 are Linux's")
def test_a_name_that_is_no_text_is_graded_too(submission, tmp_path):
    os.rename(submission("assigns", "class/a.py"), os.fsencode(tmp_path / "class") + b"/z\xff\x1b[31m.py")
    run("grade", tmp_path / "class", "--csv", tmp_path / "marks.csv", "--only", "reuse")
    assert [(row["name"], row["verdict"]) for row in rows_of(tmp_path / "marks.csv").values()] == [("z��[31m", "faults")]


def test_a_table_that_is_something_else_is_not_overwritten(class_folder, tmp_path):
    (tmp_path / "marks.csv").write_text("student,mark\nAda,1\n")
    _, errors, code = run("grade", class_folder, "--csv", "marks.csv", cwd=tmp_path, check=False)
    assert code == 2 and "is no table of marks" in errors and (tmp_path / "marks.csv").read_text() == "student,mark\nAda,1\n"


def stop_at_adam(command, settings, file, student, within=None):
    """A judge that is interrupted at one of the students."""
    if student == "adam":
        raise KeyboardInterrupt
    return Report(str(file), checks=[Checked("a-b", "core", "one", "passed", points=1, worth=1)])


def test_what_was_graded_before_ctrl_c_is_in_the_table(class_folder, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT)               # where another process finds this judge
    monkeypatch.setattr(cli_grade, "judged", stop_at_adam)
    _, errors, code = run("grade", class_folder, "--csv", tmp_path / "marks.csv", "--jobs", "1", check=False)
    assert code == 130 and "stopped" in errors
    assert rows_of(tmp_path / "marks.csv")["Zoë"]["verdict"] == "clean" and "adam" not in rows_of(tmp_path / "marks.csv")


def fail_at_adam(command, settings, file, student, within=None):
    """A judge that fails by itself on what one of the students handed in."""
    if student == "adam":
        raise ZeroDivisionError("of the judge")
    return Report(str(file), checks=[Checked("a-b", "core", "one", "passed", points=1, worth=1)])


def test_a_submission_on_which_the_grader_itself_fails_costs_the_others_nothing(class_folder, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT)               # where another process finds this judge
    monkeypatch.setattr(cli_grade, "judged", fail_at_adam)
    run("grade", class_folder, "--csv", tmp_path / "marks.csv", "--jobs", "1")
    rows = rows_of(tmp_path / "marks.csv")
    assert rows["adam"]["verdict"] == "cannot be graded" and rows["Zoë"]["verdict"] == "clean"
    assert rows["adam"]["feedback"] == "the grader itself failed: ZeroDivisionError: of the judge"
    output, errors, code = run("grade", class_folder / "adam.py", "--seed", "adam", check=False)
    assert (code, errors) == (2, "") and "the grader itself failed" in output


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "'=1", "a,b\n=1", "Zoë", "\x1b[31m"])
def test_no_cell_is_a_formula(name):
    cell = marks.text_only(name)
    assert cell[:1] not in ("=", "+", "-", "@", "\t", "\r") and cell.isprintable()


# ---- Gradescope's zip


@pytest.fixture
def installed_zip(tmp_path):
    """A folder laid out as Gradescope lays it out, with the zip of the command set up in it."""
    def made(*options):
        root = tmp_path / "autograder"
        run("autograder", "engine.py:Value", "-o", tmp_path / "autograder.zip", *options)
        with zipfile.ZipFile(tmp_path / "autograder.zip") as archive:
            assert {"setup.sh", "run_autograder"} < set(archive.namelist())
            assert all(archive.getinfo(name).external_attr >> 16 & 0o111 for name in ("setup.sh", "run_autograder"))
            archive.extractall(root / "source")
        shutil.copy(root / "source" / "run_autograder", root)
        (root / "submission").mkdir()
        (root / "submission_metadata.json").write_text(json.dumps({"users": [{"id": 17, "name": "Ada"}, {"id": 4, "name": "Zoë"}]}))
        shell(root, "source/setup.sh")
        return root
    return made


def shell(root, script):
    """Run a script of the zip; what it finds first on the path is this Python, without any package but the standard library's."""
    bin = root / "bin"
    bin.mkdir(exist_ok=True)
    (bin / "python3.15").write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    (bin / "python3.15").chmod(0o755)
    done = subprocess.run(["bash", str(root / script)], capture_output=True, text=True, cwd=root, timeout=120,
                          env={"AUTOGRADER": str(root), "PATH": f"{bin}:{os.environ['PATH']}"})
    assert done.returncode == 0, done.stdout + done.stderr
    return done


needs_bash = pytest.mark.skipif(os.name != "posix", reason="Gradescope runs Linux")


@needs_bash
def test_the_zip_grades_a_submission_as_gradescope_runs_it(installed_zip, submission):
    root = installed_zip("--only", "reuse,order", "--points", "10", "--needs", "tanh")
    for name, score in ("right", 10), ("assigns", 0):
        (root / "submission" / "engine.py").write_text(engine(name), encoding="utf-8")
        shell(root, "run_autograder")
        data = json.loads((root / "results" / "results.json").read_text(encoding="utf-8"))
        Draft202012Validator(json.loads(SCHEMAS["gradescope"].read_text())).validate(data)
        assert data["score"] == score, data


@needs_bash
def test_a_student_who_hands_in_another_file_is_told_so(installed_zip):
    root = installed_zip("--adapter", "grad=v.grad")
    assert "careful" not in shell(root, "run_autograder").stderr
    data = json.loads((root / "results" / "results.json").read_text(encoding="utf-8"))
    assert data["score"] == 0 and "engine.py" in data["output"]


def test_what_needs_numpy_says_so(tmp_path):
    for words, there in ([], False), (["--of", "layer"], True), (["--of", "optimizer"], True):
        run("autograder", "homework.py", *words, "-o", tmp_path / "a.zip")
        with zipfile.ZipFile(tmp_path / "a.zip") as archive:
            assert archive.read("setup.sh").decode().endswith("-m pip install numpy\n") is there
            assert (b"grade-" in archive.read("run_autograder")) is there
    hidden = "import sys; sys.modules['numpy'] = None; from tinygrad_edu.cli import main; sys.exit(main(['grade-layer', 'a.py']))"
    done = subprocess.run([sys.executable, "-c", hidden], capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr == "tinygrad-edu: grade-layer needs the package numpy: pip install numpy\n"


def test_the_wheel_in_the_zip_is_a_wheel_that_runs_anywhere(tmp_path):
    name, content = autograder.pure_wheel()
    (tmp_path / name).write_bytes(content)
    with zipfile.ZipFile(tmp_path / name) as wheel:
        names = wheel.namelist()
        record = next(line.split(",") for line in wheel.read(names[-1]).decode().splitlines() if "engine/value.py" in line)
        assert record[1] == f"sha256={autograder.digest(wheel.read(record[0]))}"
    assert not [name for name in names if name.endswith((".so", ".pyd", ".pyc"))] and "tinygrad_edu/show/graph.css" in names
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", "--target",
                    str(tmp_path / "packages"), str(tmp_path / name)], check=True)
    done = subprocess.run([sys.executable, "-m", "tinygrad_edu", "--version"], capture_output=True, text=True, check=True, cwd=tmp_path,
                          env={**os.environ, "PYTHONPATH": str(tmp_path / "packages")})
    assert f"tinygrad-edu {tg.__version__} (engine: pure" in done.stdout


def test_where_nothing_is_installed_there_is_no_wheel_and_one_line_says_so(monkeypatch, tmp_path):
    def missing(name):
        raise autograder.PackageNotFoundError(name)
    monkeypatch.setattr(autograder, "distribution", missing)
    _, errors, code = run("autograder", "engine.py", cwd=tmp_path, check=False)
    assert code == 2 and "pip install it first" in errors and not list(tmp_path.iterdir())


# ---- pytest


def outcome(pytester, name, *options):
    pytester.makefile(".py", engine=engine(name))
    return pytester.runpytest_inprocess("-p", "tinygrad_edu.classroom.grading.pytest_plugin", "--submission", "engine.py", *options)


def test_pytest_runs_a_test_for_each_check(pytester):
    done = outcome(pytester, "right", "-v")
    done.assert_outcomes(passed=len([each for each in grade(pytester.path / "engine.py").checks if each.worth]))
    done.stdout.fnmatch_lines(["::forward-add PASSED*", "::random-graphs PASSED*"])
    done.stdout.fnmatch_lines(["*engine.py: reads data*", "told*relu'(0) = 0*"])


def test_pytest_fails_without_a_traceback_where_the_engine_is_wrong(pytester):
    done = outcome(pytester, "assigns", "--submission-reveal", "numbers", "--junitxml", "out.xml")
    assert done.ret == 1 and "Traceback" not in done.stdout.str() and "pytest_plugin.py" not in done.stdout.str()
    done.stdout.fnmatch_lines(["a number that is used twice: failed", "v = a + a at a = *", "expected  a.grad = 2"])
    assert ElementTree.parse(pytester.path / "out.xml").find(".//property[@name='tier']") is not None


@pytest.mark.parametrize(("name", "words"), [("starter", "*: not finished"), ("broken", "cannot be graded: *"), ("foreign", "not your own: it imports torch")])
def test_pytest_does_not_pass_what_cannot_be_graded(pytester, name, words):
    done = outcome(pytester, name, "--submission-needs", "tanh,exp", "--submission-only", "reuse")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines([words])


def test_pytest_refuses_a_wrong_option_in_one_line(pytester):
    done = outcome(pytester, "right", "--submission-only", "reus")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["ERROR: unknown check 'reus': did you mean 'reuse'*"])


def test_a_platform_that_runs_pytest_needs_two_lines_of_an_ini_file(pytester):
    pytester.makeini("[pytest]\naddopts = -p tinygrad_edu.classroom.grading.pytest_plugin --submission engine.py:Value --submission-only reuse,order")
    pytester.makefile(".py", engine=engine("right"), test_more="def test_more(): pass")
    done = pytester.runpytest_inprocess()
    assert done.ret == 0 and {**done.parseoutcomes(), "warnings": 0} == {"passed": 5, "warnings": 0}     # imported before, it warns


def test_without_a_submission_the_plugin_does_nothing(pytester):
    pytester.makefile(".py", test_more="def test_more(): pass")
    done = pytester.runpytest_inprocess("-p", "tinygrad_edu.classroom.grading.pytest_plugin")
    done.assert_outcomes(passed=1)
    assert "= submission =" not in done.stdout.str()


# ---- a class does not reach its neighbours, nor the grader
def test_in_a_class_nobody_imports_a_neighbours_work(submission, tmp_path):
    submission("right", "class/bob.py")
    submission("right", "class/carl/engine.py")
    for name in ("ann.py", "dora/engine.py", "zoe/engine.py"):
        (tmp_path / "class" / name).parent.mkdir(exist_ok=True)
    (tmp_path / "class/__init__.py").write_text("")
    (tmp_path / "class/ann.py").write_text("from bob import Value")
    (tmp_path / "class/ann2.py").write_text("from .bob import Value")
    (tmp_path / "class/dora/engine.py").write_text("from carl.engine import Value")
    (tmp_path / "class/eve").mkdir()
    (tmp_path / "class/eve/engine.py").write_text("from helper.engine import Value")
    (tmp_path / "class/zoe/__init__.py").write_text("from ..bob import Value")
    if os.name == "posix":
        (tmp_path / "class/eve/helper").symlink_to(tmp_path / "class/carl")
    run("grade", tmp_path / "class", "--csv", tmp_path / "marks.csv", "--file", "engine.py", "--only", "forward")
    verdicts = {name: row["verdict"] for name, row in rows_of(tmp_path / "marks.csv").items() if name != "__init__"}
    assert {name for name, verdict in verdicts.items() if verdict != "cannot be graded"} == {"bob", "carl"}
    assert {"ann", "ann2", "dora", "eve", "zoe"} < set(verdicts)


def test_a_submission_that_is_called_as_a_module_of_python_is_not_imported_by_the_grader(submission, tmp_path):
    submission("right", "class/ada.py")
    for name in ("signal", "pickle", "struct", "threading", "multiprocessing"):
        (tmp_path / f"class/{name}.py").write_text(f"open({str(tmp_path / 'escaped')!r}, 'w')")
    program = "from tinygrad_edu.cli import main; main()"
    subprocess.run([sys.executable, "-P", "-c", program, "grade", ".", "--csv", "../marks.csv", "--only", "forward"],
                   cwd=tmp_path / "class", check=True, capture_output=True, env=without_safe_path())
    assert not (tmp_path / "escaped").exists() and rows_of(tmp_path / "marks.csv")["ada"]["verdict"] == "clean"


def test_where_there_is_no_folder_for_temporary_files_this_is_said(submission, monkeypatch):
    monkeypatch.setattr(cli_grade.tempfile, "gettempdir", no_folder)
    _, errors, code = run("grade", submission("right", "engine.py"), check=False)
    assert code == 2 and "No usable temporary directory found: say by TMPDIR" in errors


def no_folder():
    """What `tempfile` does where nothing can be written to."""
    raise FileNotFoundError(2, "No usable temporary directory found")


def without_safe_path():
    """The variables of a user who has not asked for safe imports."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")
def test_when_the_grader_of_a_class_is_killed_nothing_of_it_lives_on(submission, tmp_path):
    hanging = submission("right", "class/ada.py")
    hanging.write_text(hanging.read_text() + "\nwhile True: pass\n")
    (tmp_path / "temporary").mkdir()
    program = "from tinygrad_edu.cli import main; main()"
    grader = subprocess.Popen([sys.executable, "-c", program, "grade", tmp_path / "class", "--csv", tmp_path / "m.csv"],
                              env={**os.environ, "TMPDIR": str(tmp_path / "temporary")}, stdout=subprocess.DEVNULL)
    try:
        assert eventually(lambda: len(processes_of(tmp_path)) >= 3)     # the grader, who grades, the student's
    finally:
        grader.kill()
        grader.wait()
    assert eventually(lambda: not processes_of(tmp_path))


def processes_of(folder):
    """The numbers of processes in whose variables a folder stands."""
    found = []
    for variables in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if str(folder).encode() in variables.read_bytes() and int(variables.parent.name) != os.getpid():
                found.append(int(variables.parent.name))
    return found


def eventually(condition):
    """Whether something comes true before long."""
    return any(condition() or time.sleep(0.1) for _ in range(300))
