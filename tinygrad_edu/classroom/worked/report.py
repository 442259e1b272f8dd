"""What is said of worked steps, line by line."""

from dataclasses import dataclass, field
from typing import Any

from ..faults.models import MODELS


@dataclass
class Line:
    """What is said of a statement.

    verdict   "right", "wrong", "follows" (from a wrong line above), "words" (which are not judged), "not understood"
    rule      the rule it breaks
    says      what is wrong with it
    like      the bug models that give this number, by name: see `tg.classroom.bugs()`
    """

    place: str
    text: str
    verdict: str = "right"
    rule: str = ""
    says: str = ""
    like: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        said = f": {self.says}" if self.says else ""
        like = "".join(f"\n    it looks like this: {MODELS[name].title}" for name in self.like)
        return f"{self.place}: {self.text}\n    {self.verdict}{said}{like}"


@dataclass
class StepsReport:
    """What is said of worked steps, line by line; what is missing stands at the end."""

    lines: list[Line]

    @property
    def first_wrong(self) -> Line | None:
        """The first line that does not follow from those above it."""
        return next((line for line in self.lines if line.verdict == "wrong"), None)

    @property
    def exit_code(self) -> int:
        """0 where all is right, 1 where something is wrong, 2 where something is not understood, or all is words."""
        verdicts = {line.verdict for line in self.lines}
        return 1 if "wrong" in verdicts else 2 if "not understood" in verdicts or verdicts <= {"words"} else 0

    def as_dict(self) -> dict[str, Any]:
        """The report as plain data, for JSON."""
        return {"exit_code": self.exit_code, "lines": [vars(line) for line in self.lines]}

    def __str__(self) -> str:
        counts = [(sum(line.verdict == verdict for line in self.lines), words) for verdict, words in (
            ("right", "right"), ("wrong", "wrong"), ("follows", "right but for a line above"),
            ("not understood", "not understood"), ("words", "words, not judged"))]
        summary = ", ".join(f"{count} {words}" for count, words in counts if count) or "nothing to judge"
        return "\n".join([summary, *[str(line) for line in self.lines if line.verdict != "right"]])
