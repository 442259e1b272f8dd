"""The lessons of the course: what each holds, and that no check passes what is not right.

Each lesson runs three times: as it is shipped, solved, and with each mistake that its authors thought of.
"""

import copy
import importlib.util
import os
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from functools import cache
from unittest import mock

import pytest
from command import run
from lessons import FOLDER, KINDS, LESSONS, passes

import tinygrad_edu as tg
from tinygrad_edu.classroom import predict

BY_HAND = ("accumulate", "upstream", "upstream-added", "mul-own-factor", "product-of-derivatives", "sub-sign", "neg-sign",
           "pow-not-lowered", "pow-factor", "relu-always", "relu-output", "div-sign", "div-not-squared")
lessons = pytest.mark.parametrize("lesson", LESSONS.values(), ids=LESSONS)


@pytest.fixture(autouse=True)
def in_the_folder_of_lessons(monkeypatch):
    monkeypatch.chdir(FOLDER)


def needs(lesson):
    """Some lessons draw curves, with what the test extra has not."""
    if any("plots" in cell.source for cell in lesson.code):
        pytest.importorskip("matplotlib", reason='curves need matplotlib: pip install ".[plots]"')


def test_there_are_seven_lessons():
    assert [name[:2] for name in LESSONS] == [f"{number}_" for number in range(7)]


# ---- the three runs --------------------------------------------------------------------------------------


def judge_as_shipped(lesson):
    """It runs from top to bottom, and no exercise passes unanswered."""
    shown = lesson.run_as_shipped()
    assert shown
    for cell, text in shown:
        assert not passes(text) and re.search("^(to fill in|not yet)", text, re.M), f"{cell.source}\nshows\n{text}"


def judge_solved(found):
    """Each solution is right, and each mistake gets its own hint."""
    for cell, text, mistaken in found:
        assert passes(text), f"{cell.solution}\nshows\n{text}"
        for mistake, shown in mistaken.items():
            assert not passes(shown) and cell.mistakes[mistake] in shown, f"{mistake}\nshows\n{shown}"
        assert len(set(mistaken.values())) == len(set(cell.mistakes.values())) == len(mistaken) > 0, cell.source


@cache
def solved(name):
    """What a solved lesson shows, and the graphs whose gradients it asks for, with their names."""
    asked = []

    def note(output, gradients=None, /, **others):
        asked.append((output, gradients or {}))
        return predict.predict(output, gradients, **others)

    with mock.patch.object(tg, "predict", note):
        return LESSONS[name].run_solved(), asked


@lessons
def test_as_shipped_it_runs_and_nothing_passes(lesson):
    needs(lesson)
    judge_as_shipped(lesson)


@pytest.mark.parametrize("name", LESSONS)
def test_solved_it_is_right_and_each_mistake_gets_its_own_hint(name):
    needs(LESSONS[name])
    judge_solved(solved(name)[0])


@pytest.mark.parametrize("name", LESSONS)
def test_different_mistakes_give_different_numbers(name):
    needs(LESSONS[name])
    for output, names in solved(name)[1]:
        graph = predict.Graph(output)
        right = tuple(graph.right["gradient"][name] for name in names)
        given = [tuple(map(float, (wrong["gradient"][name] for name in names)))
                 for model, wrong in graph.wrong.items() if model.name in BY_HAND]
        wrong = [numbers for numbers in given if numbers != pytest.approx(right)]
        assert len(wrong) == len(set(wrong)), f"{list(names)}: {sorted(wrong)}"


# ---- what a lesson is -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LESSONS)
def test_it_opens_and_closes_as_lessons_do(name):
    lesson = LESSONS[name]
    first, last = lesson.cells[0].source, lesson.cells[-1].source
    goals = re.search(r"\*\*You will be able to\*\*(.*?)\n\n", first, re.S)
    assert first.startswith(f"# Lesson {name[0]} · ") and goals and 1 <= len(goals[1].strip().splitlines()) <= 3
    assert "**Before**" in first and re.search(r"\*\*Time\*\*.* \d+ min", first)
    assert "**You can now**" in lesson.prose and last.count("**Next question**") == 1
    assert lesson.prose.index("**You can now**") < lesson.prose.index("**Next question**")


@lessons
def test_it_goes_from_predict_to_look_to_say_why(lesson):
    rhythm = re.findall(r"\*\*(Predict|Look|Say why)\.\*\*", lesson.prose)
    assert rhythm and rhythm == ["Predict", "Look", "Say why"] * (len(rhythm) // 3)


@lessons
def test_it_ends_with_five_exercises_two_easy_two_medium_and_one_with_a_star(lesson):
    text = "\n".join(cell.source for cell in lesson.cells)
    assert re.findall(r"Exercise (\d) \((easy|medium|★)\)", text) == [
        ("1", "easy"), ("2", "easy"), ("3", "medium"), ("4", "medium"), ("5", "★")]


@lessons
def test_it_is_short_and_there_is_much_to_do(lesson):
    code = [source.splitlines() for cell in lesson.code for source in (cell.source, cell.solution)]
    assert lesson.words <= 900 and len(lesson.cells) <= 25 and max(map(len, code)) <= 12
    assert max(len(line) for lines in code for line in lines) <= 104, "wider than the column of the site"
    assert len(lesson.exercises) >= 6 and any("tg.play(" in cell.source for cell in lesson.code)
    assert sum(cell.asks_why for cell in lesson.cells) >= 1


@lessons
def test_no_stored_output_gives_an_answer_away(lesson):
    """A player opens before its first step; what else is shown stays folded until one runs it, on the site too."""
    for cell in lesson.code:
        opens_empty = cell.exercise or not cell.shows or re.search(r"tg\.(play|animate_training)\(|blank=", cell.source)
        assert opens_empty or ("hide-output" in cell.tags and cell.is_folded), cell.source


@lessons
def test_no_lecture_is_cited(lesson):
    assert re.findall(r"\b(lectures?|slides?|recitation|CMU|CS\d+\w*)\b", lesson.prose, re.I) == []


@lessons
def test_every_exercise_says_its_kind_and_its_solution(lesson):
    for cell in lesson.exercises:
        assert cell.exercise in KINDS and cell.solution and cell.solution != cell.source
        assert "..." in cell.source, f"there is nothing to fill in:\n{cell.source}"


# ---- the checks notice what is wrong ------------------------------------------------------------------------


@pytest.mark.parametrize("shown, verdict", [
    ("right       x: 3", True), ("right       x: 3\nright       y: 4", True), ("right: 2 gradients judged", True),
    ("", False), ("all right", False), ("right       x: 3\nto fill in  y: ...", False), ("not yet     x: 3", False),
    ("right       x: 3\nnot yet     y: 4", False), ("wrong: 1 of 2", False), ("unjudged: 1 of 2", False), ("rightly", False)])
def test_an_exercise_passes_only_where_every_verdict_is_right(shown, verdict):
    assert passes(shown) == verdict


FIRST = {cell.exercise: (name, lesson.cells.index(cell)) for name, lesson in reversed(LESSONS.items())
         for cell in reversed(lesson.exercises)}
PLANTED = {
    "a solution that is none": lambda cell: replace(cell, solution=next(iter(cell.mistakes))),
    "a mistake that passes": lambda cell: replace(cell, mistakes={cell.solution: "right"}),
    "a mistake without its hint": lambda cell: replace(cell, mistakes=dict.fromkeys(cell.mistakes, "No hint says that")),
    "two mistakes of one hint": lambda cell: replace(cell, mistakes={mistake + end: hint for mistake, hint in cell.mistakes.items()
                                                                     for end in ("", "\n")}),
}


def planted(kind, plant):
    """A lesson up to its first exercise of a kind, which is changed."""
    name, place = FIRST[kind]
    needs(LESSONS[name])
    lesson = copy.copy(LESSONS[name])
    lesson.cells = [*lesson.cells[:place], plant(lesson.cells[place])]
    return lesson


@pytest.mark.parametrize("kind", FIRST)
def test_a_check_that_passes_unanswered_is_caught_in_each_kind_of_exercise(kind):
    lesson = planted(kind, lambda cell: replace(cell, source=cell.solution))
    with pytest.raises(AssertionError):
        judge_as_shipped(lesson)


@pytest.mark.parametrize("kind", FIRST)
@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED)
def test_a_planted_fault_is_caught_in_each_kind_of_exercise(kind, plant):
    found = planted(kind, plant).run_solved()
    with pytest.raises(AssertionError):
        judge_solved(found)


def test_the_course_has_every_kind_of_exercise():
    assert set(FIRST) == KINDS and any(cell.asks_why for lesson in LESSONS.values() for cell in lesson.cells)


# ---- the course's page --------------------------------------------------------------------------------------

PAGE = (FOLDER.parents[1] / "docs" / "course.md").read_text(encoding="utf-8")


def test_the_page_of_the_course_is_short():
    prose = re.sub(r"```.*?```", "", PAGE, flags=re.S)
    assert len(re.findall(r"[^\W_][\w'’-]*", prose)) <= 450


def test_the_exam_of_the_page_is_written_for_each_student_and_has_thirty_points(tmp_path):
    [command] = re.findall(r"tinygrad-edu (quiz .*?)\n```", PAGE, re.S)
    (tmp_path / "ids.csv").write_text("anna\nben\n", encoding="utf-8")
    words = shlex.split(command.replace("\\\n", " "))
    run(*words, cwd=tmp_path)
    sheets = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.glob("*.html")}
    assert set(sheets) == {"exam-anna.html", "exam-ben.html", "key-anna.html", "key-ben.html"}
    assert sheets["exam-anna.html"] != sheets["exam-ben.html"]
    kinds = set(words[words.index("--types") + 1].split(","))
    rows = re.findall(r"^\| (\d+)(?: each)? \| (.*) \|$", PAGE.split("## The exam")[1], re.M)
    assert {name for _, text in rows for name in re.findall(r"`(\w+)`", text)} == kinds
    assert sum(int(points) * len(re.findall("`", text)) // 2 for points, text in rows) == 30


# ---- the key ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def answers():
    """notebooks/course/answers.py as a module."""
    spec = importlib.util.spec_from_file_location("answers", FOLDER / "answers.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_key_has_every_solution(answers, capsys):
    assert answers.main([]) == 0
    key = capsys.readouterr().out
    for name, lesson in LESSONS.items():
        assert f"{name}: " in key
        for cell in lesson.exercises:
            for line in cell.solution.splitlines():
                assert line in key


def test_the_key_is_printed_where_the_console_lacks_letters_and_the_reader_stops_early():
    key = subprocess.Popen([sys.executable, str(FOLDER / "answers.py")], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           env={**os.environ, "PYTHONIOENCODING": "ascii"})
    first = key.stdout.readline()
    key.stdout.close()
    said = key.stderr.read()
    key.stderr.close()
    assert first.startswith(b"0_first_steps: ") and (key.wait(), said) == (0, b"")


def test_the_key_of_an_unknown_lesson_is_refused(answers, capsys):
    with pytest.raises(SystemExit) as end:
        answers.main(["9_nothing"])
    assert end.value.code == 2 and "no lesson is called '9_nothing'" in capsys.readouterr().err
