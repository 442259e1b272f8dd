"""What a check of gradients has to say: its findings, and the verdict they come to."""

import math
from dataclasses import dataclass
from typing import Any

from ..engine.messages import name_of
from ..engine.number import format_number
from ..engine.origin import Origin

SHOWN = 12                          # findings that are printed


@dataclass(frozen=True)
class Finding:
    """One thing there is to say of a gradient.

    kind       passes   what it means
    right      yes      it is what it should be (said of the gradients of matrix layers only)
    kink       yes      the value bends or jumps here, and what is stored lies between the slopes of both sides
    rounded    yes      the rule is right, but floats lost digits of it, no more than `gradcheck` allows
    wrong      no       it is not what it should be
    unjudged   no       nothing could be measured

    node       the node it is about, with its op and origin; None for a matrix layer
    text       all of it in words
    parent     which of the node's parents it is about, counted from 0
    stored     the gradient that is there: a local gradient, or what backward gave
    measured   the gradient that should be there
    name       which gradient of a matrix layer it is about: "x", "W", "layers[0].b"
    index      where in this gradient
    """

    kind: str
    node: Any
    text: str
    parent: int | None = None
    stored: float | None = None
    measured: float | None = None
    name: str = ""
    index: tuple[int, ...] = ()

    @property
    def ok(self) -> bool:
        """Does it let the check pass?"""
        return self.kind not in ("wrong", "unjudged")

    @property
    def op(self) -> str:
        """The name of the node's operation."""
        return "" if self.node is None else self.node.op

    @property
    def origin(self) -> Origin | None:
        """The line the node was made at."""
        return None if self.node is None else self.node.origin

    # ---- as `GradientRow` of version 0.1 called it; to go with the next version

    @property
    def difference(self) -> float:
        return math.nan if self.stored is None or self.measured is None else abs(self.stored - self.measured)

    got = property(lambda self: self.stored)
    true = property(lambda self: self.measured)
    trouble = property(lambda self: self.text if self.stored is None else "")


class GradientCheck:
    """What a check of gradients found: true if all of them were judged and none is wrong.

    findings   a list of `Finding`
    judged     how many gradients were judged
    second     how many second derivatives were judged besides, with order=2
    subject    what they are gradients of, if it has a name
    against    what they were compared with, if it is worth a word

    It prints as a short report.
    """

    subject = against = ""              # of reports pickled by version 0.1
    second: int | None = None           # and by version 0.2

    def __init__(self, findings: list[Finding], judged: int, subject: str = "", against: str = "",
                 second: int | None = None):
        self.findings, self.judged, self.subject, self.against, self.second = findings, judged, subject, against, second

    def __bool__(self) -> bool:
        return self.verdict == "right"

    @property
    def verdict(self) -> str:
        """In one word: right, wrong, or unjudged."""
        if any(finding.kind == "wrong" for finding in self.findings):
            return "wrong"
        return "right" if self.judged and all(finding.ok for finding in self.findings) else "unjudged"

    def __repr__(self) -> str:
        of, against = self.subject and f" of {self.subject}", self.against and f" against {self.against}"
        second = "" if self.second is None else f" and {self.second} second derivative{'s' * (self.second != 1)}"
        lines = [f"{self.verdict}: {self.judged} gradient{'s' * (self.judged != 1)}{second}{of} judged{against}"]
        order = sorted(self.findings, key=lambda finding: finding.ok)
        lines += [f"  {finding.kind}: {finding.text}" for finding in order[:SHOWN]]
        return "\n".join(lines + [f"  and {len(order) - SHOWN} more"] * (len(order) > SHOWN))

    rows = property(lambda self: self.findings)     # as `GradientReport` of version 0.1 called it
    kind = property(lambda self: self.subject)


def leaf_text(node: Any) -> str:
    """A leaf in a sentence."""
    origin = f" (made at {node.origin})" if node.origin else ""
    return (name_of(node) or format_number(node.data)) + origin
