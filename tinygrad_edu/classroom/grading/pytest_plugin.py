"""The grader's checks as tests of pytest, one for each check that counts.

    pytest -p tinygrad_edu.classroom.grading.pytest_plugin --submission engine.py

Whatever runs pytest, on a platform or in a course's own tests, thereby grades an engine.  The student's code runs in a
process of its own, as with the command.
"""

from typing import Any

import pytest

from .grade import TIERS, Checked, Report, grade
from .load import file_and_class, words_of
from .report import as_text_block, cleaned, opening, other_lines, reason, report_limits


def pytest_addoption(parser: Any) -> None:
    """The options, which may stand in `pytest.ini` as addopts."""
    group = parser.getgroup("tinygrad-edu")
    group.addoption("--submission", metavar="FILE[:CLASS]", help="the engine to be graded")
    group.addoption("--submission-tier", choices=TIERS, default="core", help="which checks count (%(default)s)")
    group.addoption("--submission-only", default="", metavar="CHECKS", help="only these, such as reflected,order")
    group.addoption("--submission-needs", default="", metavar="OPERATIONS", help="what must be there, such as tanh,exp")
    group.addoption("--submission-adapter", metavar="FILE", help="where names are not found: a file, or a line")
    group.addoption("--submission-seed", default="", metavar="ID", help="whose numbers the checks have")
    group.addoption("--submission-reveal", choices=("none", "graph", "numbers"), default="graph",
                    help="what is shown of a failed check (%(default)s)")


def pytest_collection_modifyitems(session: Any, config: Any, items: list[Any]) -> None:
    """Grade the submission, and add a test for each check to those that were collected."""
    if config.option.submission:
        report = config.stash[KEY] = graded(config.option)
        counted = [each for each in report.checks if each.worth]
        if report.exit_code and not {"failed", "not finished"} & {each.status for each in counted}:
            counted.append(Checked("load", "core", "load", "not finished", f"{report.verdict}: {reason(report)}"))
        items += [CheckItem.from_parent(session, name=each.id, checked=each) for each in counted]


KEY = pytest.StashKey[Report]()


def graded(option: Any) -> Report:
    """The report on the submission that the options name; a wrong option is an error of the usage."""
    file, cls = file_and_class(option.submission)
    settings = {name: getattr(option, f"submission_{name}") for name in ("tier", "adapter", "seed", "reveal")}
    only, needs = words_of(option.submission_only), words_of(option.submission_needs)
    try:
        return cleaned(grade(file, cls=cls, only=only, needs=needs, **settings))
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None


class CheckItem(pytest.Item):
    """One check of the grader as a test."""

    def __init__(self, checked: Checked, **others: Any):
        super().__init__(**others)
        self.checked = checked
        self.user_properties += [("title", checked.title), ("tier", checked.tier)]

    def runtest(self) -> None:
        """Pass, fail or be skipped, as the check did."""
        if self.checked.status == "skipped":
            pytest.skip(self.checked.message)
        if self.checked.status != "passed":
            raise CheckFailed(f"{self.checked.title}: {self.checked.status}\n{as_text_block(self.checked)}".rstrip())

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """What the grader says of it, without a traceback."""
        return str(excinfo.value) if isinstance(excinfo.value, CheckFailed) else super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Where it comes from, and what it is called."""
        return self.path, None, f"{self.checked.tier}: {self.checked.title}"


class CheckFailed(Exception):
    """A check that the submission did not pass."""


def pytest_terminal_summary(terminalreporter: Any, config: Any) -> None:
    """What the grader tells and never scores."""
    if KEY in config.stash:
        report = config.stash[KEY]
        terminalreporter.section("submission")
        for line in [*report_limits(report), opening(report), *other_lines(report)]:
            terminalreporter.write_line(line)
