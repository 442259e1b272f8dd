"""What the graders of layers and of optimizers share: a file is loaded, each part of it is asked, a report is made."""

import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...nn.checks import by_name
from .grade import Checked, Numbers, Report, conceal, of_ending, report_on, score
from .judge import of_error
from .load import CannotLoad, read
from .sandbox import Sandbox

GROUPS = {"layer": "forward one gradient again twice latest inputs extremes step convention".split(),
          "optimizer": "first later several gradients standing convention".split()}
Plan = list[tuple[str, str, Any]]


@dataclass(eq=False)
class Verdict(Exception):
    """What ends a check that was not passed: its status, what to say, a question, and numbers if they are wanted."""

    message: str
    hint: str = ""
    status: str = "failed"
    expected: Numbers = field(default_factory=dict)
    got: Numbers = field(default_factory=dict)


@dataclass(frozen=True)
class Question:
    """One check of a part: `ask` returns when all is right, perhaps with what there is to tell, or raises a Verdict.

    after   checks that must not have failed, or this one is skipped because of them
    """

    id: str
    tier: str
    title: str
    ask: Callable[[], str | None]
    hint: str = ""
    after: tuple[str, ...] = ()


class Asking:
    """One layer or optimizer of the student's, in its own process."""

    def __init__(self, sandbox: Sandbox, part: str, described: dict[str, Any], report: Report):
        self.sandbox, self.part, self.described, self.report = sandbox, part, described, report
        self.asked = 0

    def results(self, count: int, **request: Any) -> list[Any]:
        """So many results of a request.  Raises a Verdict where it did not come to its end."""
        self.asked += 1
        answer = self.sandbox.ask({"id": f"{self.part}/{self.asked}", "part": self.part, **request})
        self.report.note_foreign(answer)
        if "ended" in answer:
            status, message = of_ending(answer)
            raise Verdict(message, status=status)
        if answer.get("error"):
            status, message = of_error(str(answer["error"]))
            raise Verdict(message, status=status)
        try:
            results = [decoded(result) for result in answer["results"]]
        except (TypeError, KeyError, ValueError):
            results = []
        if len(results) != count:
            raise Verdict("what it answered cannot be read")
        return results


def encoded(array: Any) -> dict[str, Any]:
    """An array as it is sent: its shape, its numbers as hex, and whether they are whole."""
    array = np.asarray(array)
    numbers = [float(x).hex() for x in array.ravel()]
    return {"shape": list(array.shape), "numbers": numbers, "whole": array.dtype.kind == "i"}


def decoded(content: Any) -> Any:
    """The array of what came; what is none is handed on as it is.

    >>> decoded(encoded([[1.5, 2.5]])).tolist()
    [[1.5, 2.5]]
    """
    if isinstance(content, dict):
        return np.array([float.fromhex(x) for x in content["numbers"]]).reshape(content["shape"])
    return [decoded(each) for each in content] if isinstance(content, list) else content


def planned(parameters: list[list[Any]], meanings: dict[str, str], values: dict[str, Any]) -> Plan:
    """(name, meaning, value) of the arguments that are to be given, by what their names mean.

    parameters  [name, whether it must be given] of each
    meanings    {meaning: pattern of names}; the first that has a value is the one
    values      {meaning: value}

    Raises a Verdict for one that must be given and means nothing.

    >>> planned([["n_in", True], ["lr", True], ["bias", False]], {"in": "n_?in", "lr": "lr|eta"}, {"in": 3, "lr": 0.5})
    [('n_in', 'in', 3), ('lr', 'lr', 0.5)]
    """
    plan = []
    for name, needed in parameters:
        known = [meaning for meaning, names in meanings.items()
                 if meaning in values and re.fullmatch(names, name.lower())]
        if known:
            plan.append((name, known[0], values[known[0]]))
        elif needed:
            raise Verdict(f"nobody knows what to give for {name!r}: say how it is made with an adapter, make=…",
                          status="skipped")
    return plan


Questions = Callable[[Asking, str], Iterator[Question]]


def graded(kind: str, questions: Questions, file: str | Path, cls: str | None, adapter: str | Path | None, tier: str,
           only: Iterable[str], seed: str, reveal: str, limits: Any, within: Path | None) -> Report:
    """The report of a file: all questions to each of its layers or optimizers."""
    wanted = {named_check(name, GROUPS[kind]) for name in only}
    start = time.perf_counter()
    report = report_on(file, cls, seed, tier, reveal)
    try:
        submission = read(file, cls, adapter, within)
        report.foreign = submission.foreign
        job = {**submission.job, "child": "homework_child", "kind": kind}
        if not report.foreign:
            with Sandbox(job, limits) as sandbox:
                ask_all(sandbox, questions, report, wanted)
            report.found["notes"] = submission.notes + report.found.get("notes", [])
            report.limits_missing, report.output = list(sandbox.limits_missing), sandbox.output
    except CannotLoad as error:
        report.problem = str(error)
    for checked in report.checks:
        score(checked, tier)
        conceal(checked, reveal)
    report.seconds = time.perf_counter() - start
    return report


def named_check(name: str, groups: list[str]) -> str:
    """The name of a check or of a group of them, as ids spell it; ValueError where the group is not one of these."""
    group, dash, rest = name.partition("-")
    return by_name("check", group, {each: each for each in groups}) + dash + rest


def ask_all(sandbox: Sandbox, questions: Questions, report: Report, only: set[str]) -> None:
    """Ask every part of a file, and enter what comes of it."""
    parts = sandbox.found.get("names", {})
    report.found = {**sandbox.found, "names": {part: made_by(part, described) for part, described in parts.items()}}
    report.note_problem(sandbox.found)
    report.note_foreign(sandbox.found)
    if report.problem or report.foreign:
        return
    unknown = set(only)
    for part, described in parts.items():
        for question in questions(Asking(sandbox, part, described, report), report.seed):
            names = {question.id, question.id.partition("-")[0]}
            unknown -= names
            if not only or names & only:
                checked = answered(question, part if len(parts) > 1 else "", report.checks)
                report.checks += [checked] if checked.status != "told" or checked.message else []
    if unknown:
        report.problem = f"there is no check {', '.join(sorted(unknown))} here"


def made_by(part: str, described: dict[str, Any]) -> str:
    """How a layer or an optimizer is made, as its file says it: "Dense(n_in, n_out)"."""
    return f"{part}({', '.join(name for name, _ in described['make'])})"


def answered(question: Question, part: str, before: list[Checked]) -> Checked:
    """What came of a question, after those that came before it; `part` where a file has several."""
    of = f"{part}: " if part else ""
    checked = Checked(full_id(question.id, part), question.tier, of + question.title, "passed")
    after = {name for each in question.after for name in (each, full_id(each, part))}
    because = [other.id for other in before if other.status in ("failed", "not finished") and other.id in after]
    try:
        if because:
            raise Verdict(f"skipped because of {because[0]}", status="skipped")
        message = question.ask()
        checked.message = of + message if message else ""
        checked.status = "told" if question.tier == "told" else "passed"
    except Verdict as verdict:
        checked.status, checked.message = verdict.status, verdict.message
        checked.hint = (verdict.hint or question.hint) if verdict.status == "failed" else ""
        checked.expected, checked.got = [verdict.expected], [verdict.got]
    return checked


def full_id(name: str, part: str) -> str:
    """The id of a question to one part of a file.

    >>> full_id("gradient-x", "Dense"), full_id("forward", "Dense"), full_id("forward", "")
    ('gradient-Dense-x', 'forward-Dense', 'forward')
    """
    group, _, rest = name.partition("-")
    return "-".join(filter(None, (group, part, rest)))
