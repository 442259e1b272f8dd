"""The language of pages, pictures and steps: a table of words for each, `words/de.json` for German.

A table holds whole sentences with named holes, the same in each language.  Names of operations, formulas and the
errors of the engine are in none of them: they stay as they are.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("words")
VARIABLE = "TINYGRAD_EDU_LANGUAGE"
_chosen = ""                            # by `set_language`


def languages() -> dict[str, str]:
    """The languages there are, each with its name for itself.

    >>> languages()["en"]
    'English'
    """
    return {name: table(name)["language"]["name"] for name in sorted(path.stem for path in FOLDER.glob("*.json"))}


def set_language(name: str) -> None:
    """Let pages, pictures and steps that are made from now on speak this language.

    name   "en", "de", or another of `languages()`; ValueError for what is none of them

    Until it is called, the variable TINYGRAD_EDU_LANGUAGE of the environment says which, and without that "en".

    >>> set_language("en")
    """
    global _chosen
    _chosen = checked(name)


def chosen() -> str:
    """The language that is spoken now, such as "en"."""
    return _chosen or checked(os.environ.get(VARIABLE) or "en")


@contextmanager
def speaking(name: str) -> Iterator[None]:
    """Let what is made within this block speak a language.

    >>> with speaking("de"):
    ...     chosen()
    'de'
    """
    global _chosen
    before = _chosen
    set_language(name)
    try:
        yield
    finally:
        _chosen = before


def checked(name: str) -> str:
    """A language that has a table."""
    if name not in languages():
        raise ValueError(f"there is no language {name!r}: write one of {', '.join(languages())}")
    return name


@cache
def table(name: str) -> dict[str, Any]:
    """All words of a language."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
