"""Grade an engine that somebody else wrote: ask it the checks of `checks.py`, judge its numbers, say where to look.

The student's code runs in a process of its own and is sent graphs alone; every verdict is made here.
"""

import math
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from ...nn.checks import by_name
from ..graphs import SmallGraph
from .checks import Check, checks, lines, random_graphs, smaller
from .judge import STILL_OPEN, Finding, Numbers, hint, judged, likely_models, of_error, read_found, shortened
from .load import FOREIGN, CannotLoad, Submission, read
from .sandbox import Limits, Sandbox

__all__ = ["grade", "Report", "Checked"]

TIERS = {"core": ("core",), "robust": ("core", "robust"), "all": ("core", "robust")}
COUNT, BATCH = 1000, 100
LARGEST_SHOWN = 12                      # nodes of a graph that is shown
WRITTEN = {"radd": "2 + a", "rsub": "2 - a", "rmul": "2 * a", "rdiv": "2 / a", "rpow": "2 ** a", "sub": "a - b",
         "div": "a / b", "pow": "a ** b", "neg": "-a"}
ENDED = {"timeout": "it did not end: ", "memory": "memory: "}


@dataclass
class Checked:
    """What came out of one check.

    status      "passed", "failed", "skipped", "not finished", or "told" for what is never scored
    message     what happened, without any number that should have come out
    hint        a question that leads on, and the bug models whose numbers these are
    graph       the smallest graph that failed, and calls, what was called on it
    expected    for every `backward`, and every answer that would have been right, the numbers; `got` what came
    points      what it earned, of `worth`, which is 0 where its tier is not scored
    """

    id: str
    tier: str
    title: str
    status: str
    message: str = ""
    hint: str = ""
    models: list[str] = field(default_factory=list)
    graph: SmallGraph | None = None
    calls: list[str] = field(default_factory=list)
    expected: list[Numbers] | None = None
    got: list[Numbers] | None = None
    points: int = 0
    worth: int = 0

    @property
    def group(self) -> str:
        """The first word of its id."""
        return self.id.partition("-")[0]


@dataclass
class Report:
    """What is known of one submission after it was graded.

    file, cls, seed     what was graded, for whom
    found               what the child found: {"names", "loaded_by", "missing", "notes", …}
    checks              one `Checked` each, in the order in which they were judged
    problem             why nothing could be graded, or ""
    foreign             libraries of autodiff that it imports: it is not the student's own
    limits_missing      what this system could not keep the student's code from
    """

    file: str
    cls: str | None = None
    seed: str = ""
    tier: str = "core"
    found: dict[str, Any] = field(default_factory=dict)
    checks: list[Checked] = field(default_factory=list)
    problem: str = ""
    foreign: list[str] = field(default_factory=list)
    limits_missing: list[str] = field(default_factory=list)
    output: str = ""
    seconds: float = 0.0

    def note_foreign(self, answer: dict[str, Any]) -> None:
        """Keep the names of libraries that were met in the student's process."""
        names = answer.get("modules")
        met = map(str, names if isinstance(names, list) else ())
        self.foreign = sorted({*self.foreign, *set(FOREIGN).intersection(met)})

    def note_problem(self, found: dict[str, Any]) -> None:
        """Keep why nothing can be graded, if that is so."""
        problem = shortened(found.get("error") or found.get("why") or "")
        text = re.sub(r"^(NotFinished|NotImplementedError|Missing): ", "", problem)
        self.problem = f"not finished: {text}" if problem.startswith(STILL_OPEN) else text

    @property
    def verdict(self) -> str:
        """One of "clean", "faults", "not finished", "not your own", "cannot be graded"."""
        if self.foreign:
            return "not your own"
        if self.problem:
            return "not finished" if self.problem.startswith("not finished") else "cannot be graded"
        scored = [checked.status for checked in self.checks if checked.worth]
        if "failed" in scored:
            return "faults"
        return "clean" if "passed" in scored and "not finished" not in scored else "not finished"

    @property
    def exit_code(self) -> int:
        """0 for a clean tier, 1 for faults, 2 for what cannot be graded."""
        return {"clean": 0, "faults": 1}.get(self.verdict, 2)

    def score(self, tier: str) -> tuple[int, int]:
        """How many checks of a tier were passed, of how many."""
        statuses = [checked.status for checked in self.checks if checked.tier == tier and checked.status != "told"]
        return statuses.count("passed"), len(statuses)


def grade(file: str | Path, *, cls: str | None = None, adapter: str | Path | None = None, tier: str = "core",
          only: Iterable[str] = (), needs: Iterable[str] = (), seed: str = "", reveal: str = "none",
          limits: Any = None, within: Path | None = None) -> Report:
    """Judge the engine in a file or notebook.

    cls       the name of its class; by itself, the class with +, * and a gradient
    adapter   a file, or a line such as "grad=v.partial()", where names are not found by themselves
    tier      what is scored: "core", or "robust" (or "all") for core and robust
    only      groups or ids of checks, such as "reflected" or "derivative-mul"; nothing for all
    needs     operations that must be there beside + and *, such as "tanh": without them it is "not finished"
    seed      whose numbers these are, such as a student's id
    reveal    what the report holds of a failed check: "none", its "graph", or the "numbers" too
    limits    a `sandbox.Limits`
    within    in a class, what the student handed in: a neighbour's files are never imported
    """
    start = time.perf_counter()
    report = report_on(file, cls, seed, tier, reveal)
    table = checks(seed)
    wanted = known(only, table)
    operations = {check.absent: check.absent for check in table if check.absent}
    needed = {by_name("operation", name, operations) for name in needs}
    try:
        submission = read(file, cls, adapter, within)
    except CannotLoad as error:
        report.problem = str(error)
        return report
    submission.needs |= needed
    report.foreign = submission.foreign
    if not report.foreign:
        grade_in_sandbox(submission, report, table, wanted, limits or Limits())
    for checked in report.checks:
        conceal(checked, reveal)
    report.seconds = time.perf_counter() - start
    return report


def report_on(file: str | Path, cls: str | None, seed: str, tier: str, reveal: str) -> Report:
    """A report that is still empty.  Raises ValueError for a tier or a way to reveal that there is not."""
    by_name("tier", tier, TIERS)
    by_name("reveal", reveal, dict.fromkeys(("none", "graph", "numbers")))
    return Report(str(file), cls, seed, tier)


def score(checked: Checked, tier: str) -> None:
    """Set what a check is worth, and what it earned."""
    checked.worth = int(checked.tier in TIERS[tier] and checked.status != "told")
    checked.points = int(checked.worth and checked.status == "passed")


def of_ending(answer: dict[str, Any]) -> tuple[str, str]:
    """The status and the message of a request on which the process ended."""
    status = "skipped" if answer["ended"] == "skipped" else "failed"
    return status, f"{ENDED.get(answer['ended'], '')}{answer['why']}"


def grade_in_sandbox(submission: Submission, report: Report, table: list[Check], only: set[str],
                     limits: Limits) -> None:
    """Judge a submission; where importing it takes half the time there is, its definitions take the rest."""
    limits = replace(limits, load_seconds=limits.load_seconds / 2)
    for _ in range(2):
        with Sandbox(submission.job, limits) as sandbox:
            if sandbox.found.get("ended") == "timeout" and submission.job["by"] == "import":
                submission.job["by"] = "definitions"
                seconds = f"{limits.load_seconds:g} s"
                submission.notes.append(f"importing it took more than {seconds}, so only definitions were loaded")
                continue
            Grading(submission, sandbox, report).run(table, only)
        report.limits_missing, report.output = list(sandbox.limits_missing), sandbox.output
        return


def known(only: Iterable[str], table: list[Check]) -> set[str]:
    """The groups and ids that were asked for.

    Raises ValueError for a name that no check has.
    """
    ids = ["seed-output", *(check.id for check in table), "random-graphs", "convention-missing"]
    groups = dict.fromkeys(each.partition("-")[0] for each in ids)
    found = set()
    for name in only:
        group = by_name("check", name.partition("-")[0], {group: group for group in groups})
        found.add(by_name("check", name, {each: each for each in (group, *ids) if each.startswith(group)}))
    return found


class Grading:
    """One submission while it is graded: what was asked, and what is known to be wrong so far."""

    def __init__(self, submission: Submission, sandbox: Sandbox, report: Report):
        self.submission, self.sandbox, self.report = submission, sandbox, report
        report.found = read_found(sandbox.found)
        report.found["notes"] = submission.notes + report.found["notes"]
        self.missing: list[str] = report.found["missing"]
        self.bad: dict[str, str] = {}               # operations, and the check that found them wrong
        self.status: dict[str, str] = {}            # of each check
        self.findings: list[tuple[Check, Finding]] = []

    def run(self, table: list[Check], only: set[str]) -> None:
        """Judge all checks, then random graphs of what was right, then say what is not there."""
        self.report.note_foreign(self.sandbox.found)
        self.report.note_problem(self.sandbox.found)
        if self.report.problem or self.report.foreign:
            return
        steps: list[tuple[str, Callable[[], Checked | None]]] = [("seed-output", self.seeded)]
        steps += [(check.id, partial(self.judge, check)) for check in table]
        steps += [("random-graphs", self.random), ("convention-missing", self.lacking)]
        for name, step in steps:
            if not only or only & {name, name.partition("-")[0]}:
                self.add(step())

    def add(self, checked: Checked | None) -> None:
        """Enter a check that was judged, with its points."""
        if checked is None:
            return
        self.report.checks.append(checked)
        self.status[checked.id] = checked.status
        score(checked, self.report.tier)

    def ask(self, check: Check, graphs: list[SmallGraph], number: int = 0) -> list[Finding]:
        """What the engine makes of graphs: one finding each, or one alone where no answer came."""
        answer = self.sandbox.ask({"id": f"{check.id}/{number}", "numbers": check.numbers, "calls": list(check.calls),
                                   "graphs": [graph.as_json() for graph in graphs]})
        if "ended" in answer:
            return [Finding(graphs[0], ended=True).say(*of_ending(answer))]
        self.report.note_foreign(answer)
        results = answer.get("graphs")
        if not isinstance(results, list) or len(results) != len(graphs):
            return [Finding(graphs[0]).say("failed", "what it answered cannot be read")]
        if check.group == "frees":
            return [freed(graphs, results)]
        return [judged(check, graph, result) for graph, result in zip(graphs, results)]

    # ---- one check

    def judge(self, check: Check) -> Checked | None:
        """Ask the graphs of a check; None where the engine lacks what it is about."""
        checked = Checked(check.id, check.tier, check.title, "passed")
        because = self.failed_before(check)
        graphs = [graph for graph in check.graphs if not self.doubtful(graph)]
        if check.absent in self.missing:
            if check.absent not in self.submission.needs:
                return None
            checked.status, checked.message = "not finished", f"there is no {check.graphs[0].text[4:]}"
        elif because or not graphs or (check.group == "frees" and len(graphs) < len(check.graphs)):
            because = because or [name for graph in check.graphs for name in self.doubtful(graph)]
            checked.status, checked.message = "skipped", f"skipped because of {because[0]}"
        else:
            self.judge_graphs(check, graphs, checked)
        if check.about and checked.status != "passed":
            self.bad.setdefault(check.about, check.id)
        return checked

    def failed_before(self, check: Check) -> list[str]:
        """The checks without which this one would only show their faults again."""
        unseeded = check.calls and self.report.found["names"].get("seed") == "never"
        return [name for name in (*(["seed-output"] if unseeded else ()), *check.after)
                if self.status.get(name, "passed") != "passed"]

    def doubtful(self, graph: SmallGraph) -> list[str]:
        """The checks that found operations of a graph wrong, and those operations that there are not."""
        needed = sorted({line.op for line in graph.lines})
        return ([self.bad[op] for op in needed if op in self.bad]
                + [f"the missing {op}" for op in needed if op in self.missing])

    def judge_graphs(self, check: Check, graphs: list[SmallGraph], checked: Checked) -> None:
        """Set the status of a check by its graphs, and show the first that failed."""
        findings: list[Finding] = []
        batches = [graphs] if check.group == "frees" else [[graph] for graph in graphs]
        for i, batch in enumerate(batches):
            findings += self.ask(check, batch, i)
            if findings[-1].status in ("not finished", "skipped") or findings[-1].ended:
                break
        self.conclude(check, findings, checked)
        worst = next((finding for finding in findings if finding.status != "passed"), findings[-1])
        if check.tier == "told" and not worst.passes:
            checked.status = "told" if worst.status == "told" else "skipped"
        elif check.tier == "told" or (check.id == "derivative-exponent" and refused(worst)):
            checked.status, checked.message, checked.hint = "told", convention(check, worst), ""

    def conclude(self, check: Check, findings: list[Finding], checked: Checked) -> None:
        """Take over what the worst of some findings shows, and say what it looks like."""
        worst = next((finding for finding in findings if finding.status != "passed"), None)
        if worst is not None:
            checked.status, checked.message = worst.status, worst.message
            checked.graph = worst.graph if worst.graph.size <= LARGEST_SHOWN else None
            checked.calls, checked.expected, checked.got = list(check.calls), worst.right, worst.got
        if checked.status == "failed":
            models = likely_models(check, findings, self.findings)
            checked.models, checked.hint = [model.name for model in models], hint(check, models)
        self.findings += [(check, finding) for finding in findings]

    # ---- checks that are not in the table

    def seeded(self) -> Checked | None:
        """Whether the backward pass sets the output's own gradient, or the file says that one does so by hand."""
        names = self.report.found["names"]
        if "seed" not in names:
            return None
        checked = Checked("seed-output", "core", "the output's own gradient is 1", "passed")
        if names["seed"] and self.submission.seeds_by_hand:
            self.report.found["notes"].append("the output's gradient is set to 1 by hand, as in the file")
        elif names["seed"]:
            check = Check(checked.id, checked.tier, checked.title, (lines("v = a + a", a=3),),
                          hint="what is the gradient of the output by itself?")
            finding = Finding(check.graphs[0], passes=[{"a": 0.0}])
            message = "all gradients are 0, since the output's own is not set"
            finding.say("failed", message, finding.passes, [{"a": 2.0}])
            self.conclude(check, [finding], checked)
        return checked

    def random(self) -> Checked:
        """1,000 random graphs of operations that were right; where one fails, the smallest that does."""
        checked = Checked("random-graphs", "core", f"{COUNT:,} random graphs with exact numbers", "passed")
        check = Check(checked.id, checked.tier, checked.title, (), after=("reuse-leaves", "order-nodes", "order-equal"),
                      hint="each operation was right by itself: what is left?")
        usable = {"add", "sub", "mul", "neg", "relu", "pow"} - set(self.bad) - set(self.missing)
        if because := self.failed_before(check) or (list(self.bad.values()) if not usable & {"add", "mul"} else []):
            checked.status, checked.message = "skipped", f"skipped because of {because[0]}"
            return checked
        graphs = random_graphs(self.report.seed, usable, COUNT)
        for i in range(0, COUNT, BATCH):
            findings = self.ask(check, graphs[i:i + BATCH], i)
            failed = next((finding for finding in findings if finding.status != "passed"), None)
            if failed:
                self.conclude(check, [self.shrunk(check, failed)], checked)
                break
        return checked

    def shrunk(self, check: Check, failed: Finding) -> Finding:
        """The smallest failing graph within a failing one, taking one step after another."""
        while failed.status == "failed":
            findings = self.ask(check, smaller(failed.graph)) if len(failed.graph.lines) > 1 else []
            again = next((finding for finding in findings if finding.status == "failed"), None)
            if again is None:
                break
            failed = again
        return failed

    def lacking(self) -> Checked | None:
        """What the engine does not have, which is told and never scored."""
        names = ", ".join(WRITTEN.get(name, name) for name in self.missing)
        return Checked("convention-missing", "told", "what there is not", "told", f"no {names}") if names else None


def freed(graphs: list[SmallGraph], results: list[Any]) -> Finding:
    """Whether the numbers of a large graph are gone with it, as those of a small one are."""
    finding = Finding(graphs[-1])
    try:
        small, large = (int(result["alive"]) for result in results)
    except (TypeError, KeyError, ValueError, OverflowError):
        error = results[-1].get("error") if isinstance(results[-1], dict) else None
        return finding.say(*of_error(shortened(error)))
    if large - small > len(graphs[-1].lines) // 2:
        return finding.say("failed", f"{large - small} numbers are still there when their graph is gone")
    return finding


def convention(check: Check, finding: Finding) -> str:
    """What an engine does where engines differ."""
    if check.id == "derivative-exponent":
        return f"a ** b is refused where b is no plain number: {finding.message}"
    gradients = finding.passes[-1]
    if check.id == "convention-relu":
        return f"relu'(0) = {gradients.get('a', math.nan):g}"
    late = gradients.get("b") == 11
    return ("data is read late: a leaf that is changed before backward changes gradients" if late else
            "data is read when an operation is computed: later changes of a leaf change no gradient")


def refused(finding: Finding) -> bool:
    """Whether there was an error in the place of numbers."""
    return finding.status != "passed" and not finding.got and not finding.ended


def conceal(checked: Checked, reveal: str) -> None:
    """Take out of a check what is not to be shown."""
    if reveal != "numbers":
        checked.expected = checked.got = None
    if reveal == "none":
        checked.graph, checked.calls = None, []
