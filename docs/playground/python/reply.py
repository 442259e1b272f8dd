"""What the worker calls: a question comes as JSON, and its answer goes back as JSON."""

import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.abc import MetaPathFinder
from typing import Any

import answers
import program

from tinygrad_edu.show import language

STANDARD_OUTPUT = 1
LATER = {"mpmath"}                      # packages that the page fetches when something first needs them


class Wanted(MetaPathFinder):
    """Notes which of the packages that come later were looked for in vain."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: Any = None) -> None:
        if name in LATER:
            self.names.add(name)


wanted = Wanted()
sys.meta_path.append(wanted)            # last: it is asked only for what nobody has found


def answer(kind: str, request: str) -> str:
    """The answer as JSON; {"needs": name} where a package is to be fetched first, and the same asked again.

    >>> answer("none such", "{}")
    '{"error": "there is no question \\'none such\\'"}'
    """
    wanted.names.clear()
    try:
        told = answers.answer(kind, json.loads(request))
    except Exception as fault:          # one of ours; Python goes on
        told = {"error": f"{type(fault).__name__}: {fault}"}
    return json.dumps({"needs": min(wanted.names)} if wanted.names else told, allow_nan=False)


def pass_on(text: str) -> None:
    """Hand over what a program prints: the page hears what is written to the standard output."""
    with suppress(OSError):             # a program may close it
        os.write(STANDARD_OUTPUT, text.encode("utf-8", "replace"))


program.hear = pass_on


def speak(name: str) -> None:
    """Let answers be in this language."""
    language.set_language(name)
