"""For teachers and learners: explain a gradient, count the cost, grade engines, ask questions, plant bugs.

What is named here is imported when it is first used, so that the package stays quick to import.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

PLACES = {                              # public names, and their modules
    "bug": "faults.models", "bugs": "faults.models", "check_answer": "exercises", "check_caught": "exercises",
    "check_engine": "exercises", "check_layer": "exercises", "check_rule": "exercises", "check_sort": "exercises",
    "check_steps": "worked.check", "diagnose": "patients", "jacobian_orders": "cost", "patient": "patients",
    "quiz": "quizzes.questions", "why": "often_asked",
}

__all__ = ["bug", "bugs", "check_answer", "check_caught", "check_engine", "check_layer", "check_rule", "check_sort",
           "check_steps", "diagnose", "jacobian_orders", "patient", "quiz", "why"]


if TYPE_CHECKING:                       # for editors and type checkers, to whom any name would be there otherwise
    from .cost import jacobian_orders
    from .exercises import check_answer, check_caught, check_engine, check_layer, check_rule, check_sort
    from .faults.models import bug, bugs
    from .often_asked import why
    from .patients import diagnose, patient
    from .quizzes.questions import quiz
    from .worked.check import check_steps
else:
    def __getattr__(name: str) -> Any:
        if name not in PLACES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}: it has {', '.join(__all__)}")
        return getattr(import_module(f".{PLACES[name]}", __name__), name)

    def __dir__() -> list[str]:
        return sorted([*globals(), *__all__])
