"""The executor in C where it was built, and the instruction sets it can use on this machine."""

from typing import Any

from ..engine.value import engine_name

lanes: Any = None                       # the module `_lanes`
INSTRUCTION_SETS: dict[str, int] = {}   # those that this machine has, the best first
why_not = "TINYGRAD_EDU_PURE is set, or the compiled engine was not built"
if engine_name == "native":
    try:
        from . import _lanes as lanes  # type: ignore[attr-defined,no-redef]
        INSTRUCTION_SETS, why_not = lanes.INSTRUCTION_SETS, ""
    except ImportError as error:
        why_not = f"it was not built: {error}"


def backend() -> str:
    """What runs compiled functions here, in a few words."""
    return f"C with {next(iter(INSTRUCTION_SETS))}" if INSTRUCTION_SETS else "NumPy"
