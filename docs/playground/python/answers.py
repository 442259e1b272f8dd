"""The questions that the playground asks Python: each kind is answered by one function, from plain data to plain data.

What a user did wrong is answered with the sentence that the command line has for it.
"""

from importlib import import_module
from typing import Any

from tinygrad_edu.engine.errors import NotRationalError
from tinygrad_edu.engine.number import printable

SECTIONS = ("live", "steps", "symbolic", "exact", "explain", "gradcheck", "python", "picture", "page")
MODULES = {                             # {kind: the module in which the function of this name stands}
    **dict.fromkeys(SECTIONS, "sections"), "program": "program",
    "quiz": "questions", "quiz_check": "questions",
    **dict.fromkeys(("network_csv", "network_example", "network_page"), "network"),
}
OTHER_NAMES = {"network_csv": "csv", "network_example": "example", "network_page": "page"}
MISTAKES = (ValueError, ArithmeticError, NotRationalError, RuntimeError, IndexError, ModuleNotFoundError)


def answer(kind: str, request: dict[str, Any]) -> dict[str, Any]:
    """The answer to a question; {"error": text} where there is none.

    >>> answer("none such", {})
    {'error': "there is no question 'none such'"}
    >>> answer("live", {"text": "tnah(x)", "numbers": "x=1"})["error"].split(":")[0]
    "unknown function 'tnah'"
    """
    if kind not in MODULES:
        return {"error": f"there is no question {kind!r}"}
    function = getattr(import_module(MODULES[kind]), OTHER_NAMES.get(kind, kind))
    try:
        return function(request)
    except MISTAKES as error:
        return {"error": "\n".join(map(printable, str(error).split("\n")))}
