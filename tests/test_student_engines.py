"""The grader on engines in all the shapes that students give them: right ones, and such with one typical fault each."""

import random

import pytest
from student_faults import ADAPTERS, FAULTS, FOLDER, SUBMISSIONS, UNFINISHED, class_of

from tinygrad_edu.classroom.grading.grade import grade

RIGHT_IN_ALL = [file for file, failed in SUBMISSIONS.items() if not failed]


def failed(report):
    """The checks that failed; a file that could not be graded has none."""
    assert report.checks, report.problem
    return {checked.id for checked in report.checks if checked.status == "failed"}


@pytest.mark.parametrize("file", SUBMISSIONS)
def test_a_right_engine_of_any_shape_passes_core_and_what_else_its_shape_stands(file):
    report = grade(FOLDER / file, adapter=ADAPTERS.get(file), tier="all")
    assert failed(report) == SUBMISSIONS[file]
    assert report.exit_code == bool(SUBMISSIONS[file])
    assert not [checked.id for checked in report.checks if checked.tier == "core" and checked.status == "failed"]


@pytest.mark.long
@pytest.mark.parametrize("file", RIGHT_IN_ALL)
def test_ten_thousand_random_graphs_raise_no_false_alarm(file):
    for seed in random.Random(file).sample(range(10**6), 10):
        report = grade(FOLDER / file, adapter=ADAPTERS.get(file), tier="all", seed=str(seed))
        assert report.verdict == "clean", (seed, failed(report))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_typical_fault_is_found_by_the_checks_that_are_about_it(fault, tmp_path):
    file = tmp_path / fault.file
    file.write_text(fault.source, encoding="utf-8")
    report = grade(file, adapter=ADAPTERS.get(fault.file), tier="all")
    assert failed(report) - SUBMISSIONS[fault.file] == fault.found_by
    assert report.exit_code == bool(fault.found_by | SUBMISSIONS[fault.file])


@pytest.mark.parametrize("file", UNFINISHED)
def test_a_file_with_holes_is_not_finished_and_not_wrong(file):
    report = grade(FOLDER / file)
    assert report.verdict == "not finished" and report.exit_code == 2
    assert not [checked.id for checked in report.checks if checked.status == "failed"]


@pytest.mark.parametrize("file", ADAPTERS)
def test_what_no_names_tell_is_not_graded_without_its_adapter(file):
    report = grade(FOLDER / file)
    assert report.exit_code == 2 and report.problem


@pytest.mark.parametrize(("file", "loaded_by"), [
    ("trains_at_top.py", "definitions"), ("notebook.ipynb", "definitions"), ("package/littlegrad/scalar.py", "import"),
    ("closures.py", "import")])
def test_what_trains_or_draws_where_it_is_loaded_is_loaded_by_its_definitions(file, loaded_by):
    assert grade(FOLDER / file, only=["itself"]).found["loaded_by"] == loaded_by


def test_numbers_that_hold_in_single_precision_only_are_asked_about(tmp_path):
    [fault] = [fault for fault in FAULTS if fault.name == "single precision"]
    file = tmp_path / fault.file
    file.write_text(fault.source, encoding="utf-8")
    report = grade(file)
    assert any("single precision" in checked.message + checked.hint for checked in report.checks)


def test_a_class_of_any_size_can_be_written(tmp_path):
    files = class_of(tmp_path, 60)
    assert len({path.name for path in files}) == 60
    assert len({path.read_text(encoding="utf-8") for path in files}) > 30
