"""The report of a grader as people and programs read it: text, JSON, Gradescope, PrairieLearn, JUnit's XML.

What a report does not hold is in none of them: `reveal` decides that where it is made.  What comes out of the student's
process may be anything: `text`, `written` and `feedback` make it text first, and the others take such a report.
"""

import base64
import json
from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ... import __version__
from ...engine.errors import errstate
from ...engine.number import format_number, printable, truncate
from .grade import Checked, Report

MOST_PICTURES = 5                       # PrairieLearn takes 1 MB in all
MOST_NUMBERS, MOST_REASONS = 6, 4       # in one line
LONGEST_LINE, LONGEST_TOLD, LONGEST_ROW = 300, 80, 200
TIERS = ("core", "robust")


def cleaned(report: Report) -> Report:
    """The report with all that came out of the student's process as short lines of text, whatever it sent."""
    names, notes = report.found.get("names"), report.found.get("notes")
    found = {"names": {short(part): short(name) for part, name in names.items()} if isinstance(names, dict) else {},
             "notes": [short(note) for note in notes] if isinstance(notes, list) else [],
             "loaded_by": short(report.found.get("loaded_by", ""))}
    return replace(report, file=short(Path(report.file).name), found=found, problem=short(report.problem),
                   foreign=[*map(short, report.foreign)], limits_missing=[*map(short, report.limits_missing)],
                   checks=[cleaned_check(each) for each in report.checks])


def cleaned_check(each: Checked) -> Checked:
    """One check of `cleaned`."""
    texts: dict[str, Any] = {name: short(getattr(each, name)) for name in ("id", "tier", "title", "message", "hint")}
    return replace(each, **texts, got=cleaned_rows(each.got), expected=cleaned_rows(each.expected))


def cleaned_rows(rows: list[dict[str, float]] | None) -> list[dict[str, float]] | None:
    """Rows of numbers by short names, and not too many."""
    return rows and [{short(name): x for name, x in islice(row.items(), LONGEST_ROW)} for row in rows]


def short(text: Any) -> str:
    """Text from outside on one line of moderate length."""
    return truncate(printable(" ".join(str(text).split())), LONGEST_LINE)


# ---- text


def text(report: Report) -> str:
    """The report for a terminal: what was read, a line for each tier, and what went wrong."""
    report = cleaned(report)
    return "\n".join([*report_limits(report), opening(report), *tier_lines(report), *other_lines(report),
                      *[line for each in failures(report) for line in failure_lines(each)], verdict_line(report)])


def verdict_line(report: Report) -> str:
    """The last line: the verdict, why it is so where that is no failed check, and what is still to be written."""
    missing = ", ".join(each.title for each in unfinished(report))
    between = ": " if reason(report) or report.verdict == "not finished" else "; not finished: "
    return between.join(filter(None, [report.verdict, reason(report) or missing]))


def report_limits(report: Report) -> list[str]:
    """The first line, where this system lacks a limit."""
    return [f"careful: {'; '.join(report.limits_missing)}"] if report.limits_missing else []


def opening(report: Report) -> str:
    """What was graded, and what its parts are called."""
    name = report.file + (f":{report.cls}" if report.cls else "")
    names = report.found["names"]
    words = [names[part] for part in ("data", "grad", "backward", "parents") if names.get(part)] or list(names)
    reads = [f"reads {', '.join(words)}"] if words else []
    loaded = {"import": ["loaded by import"], "definitions": ["only its definitions loaded"]}
    parts = [*reads, *loaded.get(report.found["loaded_by"], []), f"{report.seconds:.1f} s"]
    return "\n".join([f"{name}: {'; '.join(parts)}", *[f"  {note}" for note in report.found["notes"]]])


def tier_lines(report: Report) -> list[str]:
    """For each tier how many checks passed, and what they were about."""
    lines = []
    for tier in TIERS:
        checks = [each for each in report.checks if each.tier == tier and each.status != "told"]
        if checks:
            passed, count = report.score(tier)
            groups = dict.fromkeys(each.group for each in checks)
            apart = "" if any(each.worth for each in checks) else "   (does not count)"
            lines.append(f"{tier:<9}{passed:>3} of {count:<4} {', '.join(groups)}{apart}")
    return lines


def other_lines(report: Report) -> list[str]:
    """What was skipped, and what is only told and never scored."""
    messages = {status: [each.message for each in report.checks if each.status == status and each.message]
                for status in ("skipped", "told")}
    skipped = Counter(message.removeprefix("skipped ") for message in messages["skipped"])
    told = [truncate(message, LONGEST_TOLD) for message in dict.fromkeys(messages["told"])]
    shown = [f"{why} ({count})" for why, count in skipped.most_common(MOST_REASONS)]
    reasons = ", ".join(shown + [f"and {len(skipped) - MOST_REASONS} more"] * (len(skipped) > MOST_REASONS))
    return [f"skipped  {skipped.total():>3}{'':8}{reasons}"] * bool(skipped) + [
        f"told{'':16}{'; '.join(told)}"] * bool(told)


def failures(report: Report) -> list[Checked]:
    """The checks that failed, those that count first."""
    return sorted((each for each in report.checks if each.status == "failed"), key=lambda each: not each.worth)


def unfinished(report: Report) -> list[Checked]:
    """The checks of what is not written yet."""
    return [each for each in report.checks if each.status == "not finished"]


def failure_lines(each: Checked) -> list[str]:
    """A failed check in a few lines: what was asked, what came, a hint."""
    apart = "" if each.worth else " (does not count)"
    return [f"✗ {each.title + apart:<21} {asked(each)}".rstrip(), *[f"  {line}" for line in explanation(each)]]


def explanation(each: Checked) -> list[str]:
    """What is said of a check under its title."""
    lines = [each.message] if each.message else []
    for word, numbers in ("got", each.got), ("expected", each.expected):
        lines += [f"{word:<9} {shown}"] if (shown := in_numbers(numbers, each)) else []
    return lines + ([f"hint: {each.hint}"] if each.hint else [])


def asked(each: Checked) -> str:
    """The smallest graph that shows a failure, with the numbers of its leaves, and what was called."""
    if each.graph is None:
        return ""
    at = ", ".join(f"{name} = {number}" for name, number in each.graph.at.items())
    calls = f", {' then '.join(each.calls)}" if each.calls not in ([], ["backward"]) else ""
    size = f"{each.graph.size} node{'s' * (each.graph.size > 1)}, the smallest that shows it"
    return f"{each.graph.text}{' at ' * bool(each.graph.lines)}{at}{calls}   ({size})"


def in_numbers(numbers: list[dict[str, float]] | None, each: Checked) -> str:
    """Values and gradients by name, one pass after the other: `x.grad = -4, then -12`."""
    if not numbers:
        return ""
    leaves = each.graph.at if each.graph else {}
    shown = {f"{name}.grad" if name in leaves else name: [format_number(row[name]) for row in numbers if name in row]
             for name in numbers[0]}
    texts = [f"{name} = {', then '.join(passes)}" for name, passes in shown.items()]
    return ", ".join(texts[:MOST_NUMBERS] + [f"and {len(texts) - MOST_NUMBERS} more"] * (len(texts) > MOST_NUMBERS))


def reason(report: Report) -> str:
    """Why nothing was graded, or ""."""
    if report.foreign:
        return f"it imports {', '.join(report.foreign)}"
    return report.problem.removeprefix("not finished: ")


def points(report: Report) -> tuple[int, int]:
    """The points that were earned, of how many."""
    return sum(each.points for each in report.checks), sum(each.worth for each in report.checks)


def feedback(report: Report) -> str:
    """What went wrong and counts, in one line: for a table of marks."""
    report = cleaned(report)
    parts = [short(f"{each.title}: {' '.join([asked(each), *explanation(each)])}") for each in failures(report)
             if each.worth]
    return " | ".join(filter(None, [reason(report), *parts]))


def as_text_block(each: Checked) -> str:
    """What a student reads of one check on a platform."""
    return "\n".join(filter(None, [asked(each), *explanation(each)]))


# ---- for programs


def as_json(report: Report) -> dict[str, Any]:
    """All of the report; its schema is `grade.schema.json`."""
    got, of = points(report)
    return {"version": __version__, "file": report.file, "class": report.cls, "seed": report.seed,
            "tier": report.tier, "verdict": report.verdict, "exit_code": report.exit_code, "reason": reason(report),
            "points": got, "of": of, "seconds": round(report.seconds, 3), "limits_missing": list(report.limits_missing),
            "names": report.found["names"], "notes": report.found["notes"],
            "checks": [check_as_json(each) for each in report.checks]}


def check_as_json(each: Checked) -> dict[str, Any]:
    """One check as plain data; numbers that JSON lacks are text."""
    plain = ("id", "tier", "title", "status", "message", "hint", "models", "calls", "points", "worth")
    numbers = {"got": finite(each.got), "expected": finite(each.expected)}
    return {name: getattr(each, name) for name in plain} | numbers | {"graph": each.graph and each.graph.as_json()}


def finite(rows: list[dict[str, float]] | None) -> list[dict[str, Any]] | None:
    """Rows of numbers, with infinities and nan as text."""
    if rows is None:
        return None
    return [{name: x if x - x == 0 else str(x) for name, x in row.items()} for row in rows]


def gradescope(report: Report, total: float) -> dict[str, Any]:
    """Gradescope's results.json: a test for each check; what is only told has a status and no score.

    total     what a clean submission earns, since engines with more functions have more checks
    """
    got, of = points(report)
    return {"score": round(total * got / of, 2) if of else 0.0, "execution_time": round(report.seconds, 3),
            "visibility": "visible", "output": overview(report), "output_format": "text",
            "tests": [gradescope_test(each) for each in report.checks]}


def gradescope_test(each: Checked) -> dict[str, Any]:
    """One test of Gradescope's."""
    test = {"name": each.title, "output": as_text_block(each) or each.status, "output_format": "text",
            "tags": [each.tier, each.group]}
    if each.worth:
        return test | {"score": each.points, "max_score": each.worth, "status": "passed" if each.points else "failed"}
    return test | {"status": "failed" if each.status == "failed" else "passed"}


def prairielearn(report: Report) -> dict[str, Any]:
    """PrairieLearn's results.json; what is not finished is not gradable there, and costs no attempt."""
    got, of = points(report)
    shared = {"message": report.verdict, "output": overview(report)}
    if report.exit_code == 2:
        errors = [reason(report) or report.verdict, *[each.title + ": not finished" for each in unfinished(report)]]
        return {"gradable": False, "format_errors": errors} | shared
    pictured = [each for each in failures(report) if each.graph and each.graph.lines][:MOST_PICTURES]
    tests = [prairielearn_test(each, each in pictured) for each in report.checks if each.worth]
    return {"gradable": True, "score": got / of, "tests": tests} | shared


def prairielearn_test(each: Checked, pictured: bool) -> dict[str, Any]:
    """One test of PrairieLearn's, with the picture of the graph that failed."""
    test = {"name": each.title, "description": each.tier, "points": each.points, "max_points": each.worth,
            "message": each.status, "output": as_text_block(each)}
    return test | ({"images": [{"label": each.title, "url": picture(each)}]} if pictured else {})


def picture(each: Checked) -> str:
    """The address that holds a picture of the graph that failed; what the student is to find stays blank."""
    from ...show.draw import draw
    assert each.graph is not None
    with errstate(all="ignore"):
        output = each.graph.values()[each.graph.output]
        output.backward()
    svg = draw(output, layout="simple", blank="" if each.expected else "all").svg
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def junit(report: Report) -> bytes:
    """The checks that count, as the XML that JUnit made usual; what cannot be graded is an error."""
    counted = [each for each in report.checks if each.worth]
    suite = ElementTree.Element("testsuite", {"name": report.file, "time": f"{report.seconds:.3f}"})
    if reason(report):
        case = ElementTree.SubElement(suite, "testcase", {"classname": "load", "name": "load"})
        ElementTree.SubElement(case, "error", {"message": f"{report.verdict}: {reason(report)}"})
    for each in counted:
        case = ElementTree.SubElement(suite, "testcase", {"classname": each.tier, "name": each.title})
        kind = {"failed": "failure", "skipped": "skipped", "not finished": "error"}.get(each.status)
        if kind:
            message = each.message if each.status != "not finished" else f"not finished: {each.message}"
            ElementTree.SubElement(case, kind, {"message": message or each.status}).text = as_text_block(each)
    for kind, name in ("failure", "failures"), ("error", "errors"), ("skipped", "skipped"):
        suite.set(name, str(len(suite.findall(f"testcase/{kind}"))))
    suite.set("tests", str(len(suite)))
    root = ElementTree.Element("testsuites")
    root.append(suite)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def overview(report: Report) -> str:
    """The report without what is said of each check."""
    lines = [*report_limits(report), opening(report), *tier_lines(report), *other_lines(report)]
    return "\n".join([*lines, verdict_line(report)])


def written(report: Report, form: str, total: float = 100.0) -> bytes:
    """The report as a file: "json", "gradescope", "prairielearn" or "junit".

    total     the most that Gradescope counts
    """
    report = cleaned(report)
    if form == "junit":
        return junit(report)
    data = {"json": as_json, "gradescope": lambda x: gradescope(x, total), "prairielearn": prairielearn}[form](report)
    return (json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode(errors="replace")
