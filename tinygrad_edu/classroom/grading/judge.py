"""Judge one answer: are these the right numbers, and if not, whose wrong numbers are they?

What comes out of the student's process is believed in nothing: an answer that cannot be read is a wrong one.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..faults.models import MODELS, Model, attempt, matching, same
from ..graphs import SmallGraph
from .checks import Check, expected

TOLERANCE, LOOSE_TOLERANCE = 1e-9, 1e-5
LONGEST_MESSAGE = 300
STILL_OPEN = ("NotFinished", "NotImplementedError")
NOT_DELIBERATE = ("AttributeError", "TypeError", "KeyError", "IndexError", "NameError", "RecursionError", "SystemExit",
                  "ZeroDivisionError", "UnboundLocalError", "MemoryError", *STILL_OPEN)
Numbers = dict[str, float]
NEARLY = "right to five digits alone: single precision, or an epsilon?"


@dataclass
class Finding:
    """What one graph showed.

    status    "passed", "failed", "not finished", "skipped", or "told" where it cannot be asked here
    message   what happened, without any right number
    got       the numbers that are wrong, pass by pass, and right, those that would have been right
    passes    the leaves' gradients after every backward pass
    ended     whether the process had to be ended, or ended itself
    """

    graph: SmallGraph
    status: str = "passed"
    message: str = ""
    got: list[Numbers] = field(default_factory=list)
    right: list[Numbers] = field(default_factory=list)
    passes: list[Numbers] = field(default_factory=list)
    ended: bool = False

    def say(self, status: str, message: str, got: Sequence[Numbers] = (), right: Sequence[Numbers] = ()) -> "Finding":
        """Set what was found out."""
        self.status, self.message, self.got, self.right = status, message, list(got), list(right)
        return self


def judged(check: Check, graph: SmallGraph, result: Any) -> Finding:
    """What the answer to one graph shows."""
    finding = Finding(graph)
    try:
        values = read_numbers(result["values"])
        finding.passes = [read_numbers(numbers) for numbers in result["grads"]]
        error = None if result["error"] is None else shortened(result["error"])
    except (TypeError, KeyError, AttributeError):
        return finding.say("failed", "what it answered cannot be read")
    outputs = check.outputs(graph)
    if error is not None and not (values and len(values) < len(graph.lines)) and may_refuse(check, finding, error):
        outputs = outputs[:len(finding.passes)]
    elif error is not None:
        return finding.say(*of_error(error))
    right = expected(graph, graph.output) if graph.lines else {}
    for name, *_ in graph.lines:
        got = values.get(name, math.nan)
        if (name in values or name == graph.output) and not close(got, right[name]):
            message = NEARLY if close(got, right[name], LOOSE_TOLERANCE) else f"the value of {name} is wrong"
            return finding.say("failed", message, [{name: got}], [{name: right[name]}])
    return of_gradients(check, finding, outputs)


def read_found(found: dict[str, Any]) -> dict[str, Any]:
    """What the child says it found, in the form that it should have.

    >>> read_found({"names": {"data": "value"}, "notes": 3})
    {'names': {'data': 'value'}, 'loaded_by': '', 'missing': [], 'notes': []}
    """
    names = found.get("names")
    texts = {key: found[key] if isinstance(found.get(key), list) else [] for key in ("missing", "notes")}
    return {"names": {str(key): shortened(name) for key, name in names.items()} if isinstance(names, dict) else {},
            "loaded_by": shortened(found.get("loaded_by", "")),
            **{key: [shortened(text) for text in each] for key, each in texts.items()}}


def shortened(text: Any) -> str:
    """A text from the student's process, cut where it is too long to be read."""
    return str(text)[:LONGEST_MESSAGE]


def read_numbers(numbers: Mapping[str, Any]) -> Numbers:
    """Numbers by their names; nan stands for what is none."""
    return {str(name): read_number(text) for name, text in numbers.items()}


def read_number(text: Any) -> float:
    """A float out of its hexadecimal digits.

    >>> read_number("0x1.8p+1"), read_number("three")
    (3.0, nan)
    """
    try:
        return float.fromhex(text)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def close(got: float | None, right: float, tolerance: float = TOLERANCE) -> bool:
    """Whether a number is the right one, to nine digits."""
    return got is not None and abs(got - right) <= tolerance * max(1.0, abs(right))


def may_refuse(check: Check, finding: Finding, error: str) -> bool:
    """Whether an error is a clear refusal of a second pass, which is as good as an answer."""
    kind, _, text = error.partition(": ")
    return "refused" in check.accept and bool(finding.passes) and bool(text) and kind not in NOT_DELIBERATE


def of_error(error: str) -> tuple[str, str]:
    """The status and the message of an error: what is still to be written is not wrong."""
    kind, _, text = error.partition(": ")
    if error.startswith(STILL_OPEN):
        return "not finished", text or error
    if kind == "Missing":               # such as NumPy: no fault of the student's
        return "told", text
    return "failed", error


def of_gradients(check: Check, finding: Finding, outputs: list[str]) -> Finding:
    """Judge the gradients after every pass: those that add up, or those of each pass alone."""
    if len(finding.passes) < len(outputs):
        return finding.say("failed", "there are no gradients")
    ways = right_passes(check, finding.graph, outputs)
    if any(all(map(all_close, finding.passes, way)) for way in ways):
        return finding
    if any(all(all_close(got, right, LOOSE_TOLERANCE) for got, right in zip(finding.passes, way)) for way in ways):
        return finding.say("failed", NEARLY, finding.passes, ways[0])
    wrong = next(i for i in range(len(outputs)) if not any(all_close(finding.passes[i], way[i]) for way in ways))
    leaf = next(name for name in ways[0][wrong] if not close(finding.passes[wrong].get(name), ways[0][wrong][name]))
    if check.group == "derivative" and not any(finding.passes[wrong].values()):
        return finding.say("failed", f"nothing arrives at {leaf}: every gradient stays 0", finding.passes, ways[0])
    after = "" if len(outputs) == 1 else f" after {('the first', 'the second', 'the third')[wrong]} backward"
    neither = ": gradients neither add up nor start anew" if wrong and len(ways) > 1 else ""
    return finding.say("failed", f"the gradient of {leaf} is wrong{after}{neither}", finding.passes, ways[0])


def right_passes(check: Check, graph: SmallGraph, outputs: list[str]) -> list[list[Numbers]]:
    """The ways in which gradients may be right: they add up from pass to pass, or are those of each pass alone."""
    each = [{name: expected(graph, output)[f"d{name}"] for name in graph.at} for output in outputs]
    added: list[Numbers] = []
    passes = iter(each)
    total = dict.fromkeys(graph.at, 0.0)
    for call in check.calls:
        if call == "zero":
            total = dict.fromkeys(graph.at, 0.0)
        elif call.startswith("backward") and (now := next(passes, None)):
            total = {name: total[name] + now[name] for name in total}
            added.append(total)
    return [added, each] if "fresh" in check.accept else [added]


def all_close(got: Numbers, right: Numbers, tolerance: float = TOLERANCE) -> bool:
    """Whether all gradients are right."""
    return all(close(got.get(name), right[name], tolerance) for name in right)


# ---- whose wrong numbers are they?

def likely_models(check: Check, findings: list[Finding], others: Sequence[tuple[Check, Finding]] = ()) -> list[Model]:
    """The bug models that give what was found on all graphs of a check.

    Of these, the ones that least of what was right speaks against, and then those that explain most of the rest: a file
    may have several faults.
    """
    failed = [finding for finding in findings if finding.status == "failed" and finding.passes]
    if not failed or not all(call.startswith("backward") for call in check.calls):
        return [MODELS[check.like]] if check.like else []
    fitting = matching(failed[0].graph, failed[0].passes[-1], tuple(check.outputs(failed[0].graph)))
    of_this = [model for model in fitting if all(fits(model, check, finding) for finding in findings)]
    likely = of_this or fitting
    for known in ([other for other in others if other[1].status == "passed"], others):
        misfits = [sum(not fits(model, *other) for other in known) for model in likely]
        likely = [model for model, count in zip(likely, misfits) if count == min(misfits)]
    return likely


def fits(model: Model, check: Check, finding: Finding) -> bool:
    """Whether a wrong engine gives these gradients; where there are none, every engine may."""
    if not finding.passes or not all(call.startswith("backward") for call in check.calls):
        return True
    return same(finding.passes[-1], attempt(finding.graph, model, tuple(check.outputs(finding.graph))))


def hint(check: Check, models: list[Model]) -> str:
    """A question, and what the numbers look like; never what would be right."""
    if not models:
        return check.hint
    return f"{models[0].hint} It looks like: {', or '.join(model.title for model in models[:3])}."
