"""What the arguments of networks, optimizers, schedules and penalties may be.

Every check gives back what it was given, as the number or the list that is meant, or raises an
error that names the argument, the value and the rule.  Whole numbers: `engine.number.checked_whole`.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any

from ..engine.errors import GradientError
from ..engine.number import checked_whole, format_number, number, printable, short_repr

# ---- numbers in their range -----------------------------------------------------------------------

Rule = tuple[str, Callable[[float], bool]]

POSITIVE: Rule = ("positive and finite", lambda x: 0 < x < math.inf)
NOT_NEGATIVE: Rule = ("at least 0 and finite", lambda x: 0 <= x < math.inf)
FINITE: Rule = ("finite", math.isfinite)
FRACTION: Rule = ("at least 0 and below 1", lambda x: 0 <= x < 1)
BETWEEN: Rule = ("above 0 and below 1", lambda x: 0 < x < 1)
ABOVE_0: Rule = ("positive", lambda x: x > 0)


def checked_number(name: str, x: Any, rule: Rule) -> float:
    """x as a float that keeps the rule.

    Raises TypeError for what is no number, and ValueError for one outside; both name the field
    and the value.

    >>> checked_number("lr", -1, NOT_NEGATIVE)
    Traceback (most recent call last):
    ValueError: lr must be at least 0 and finite, got -1
    """
    words, holds = rule
    try:
        value = number(x)
    except (TypeError, ValueError, OverflowError) as error:
        raise type(error)(f"{name}: {error}") from None
    if not holds(value):
        raise ValueError(f"{name} must be {words}, got {short_repr(x)}")
    return value


def checked_betas(name: str, pair: Any) -> tuple[float, float]:
    """A pair of numbers, each at least 0 and below 1."""
    if not isinstance(pair, tuple | list):
        raise TypeError(f"{name} must be two numbers, such as (0.9, 0.999), got {short_repr(pair)}")
    if len(pair) != 2:
        raise ValueError(f"{name} must be two numbers, such as (0.9, 0.999), got {len(pair)}: {short_repr(pair)}")
    first, second = (checked_number(f"{name}[{i}]", beta, FRACTION) for i, beta in enumerate(pair))
    return first, second


def checked_convention(name: str, word: Any) -> str:
    """One of the two ways to write momentum: see `Momentum`."""
    if word not in ("gradient", "step"):
        raise ValueError(f'{name} must be "gradient" or "step", got {short_repr(word)}')
    return word


RULES: dict[str, Rule] = {"lr": NOT_NEGATIVE, "eps": POSITIVE, "weight_decay": NOT_NEGATIVE,
                          "momentum": FRACTION, "alpha": FRACTION, "rho": FRACTION}
OTHER_CHECKS = {"betas": checked_betas, "convention": checked_convention}


def checked_setting(name: str, value: Any) -> Any:
    """A hyper-parameter, checked if it has one of the names above; a subclass checks other names itself."""
    if name in RULES:
        return checked_number(name, value, RULES[name])
    return OTHER_CHECKS[name](name, value) if name in OTHER_CHECKS else value


# ---- parameters -------------------------------------------------------------------------------------------


def as_list(parameters: Any) -> list[Any]:
    """What was given as parameters, as a list; a single one, and what has no order, is refused."""
    if hasattr(parameters, "grad"):
        raise TypeError(f"a list of parameters is needed, got a single one: {short_repr(parameters)}; put it into [ ]")
    if isinstance(parameters, str | dict | set | frozenset) or not isinstance(parameters, Iterable):
        raise TypeError(f"a list of parameters is needed, not {type(parameters).__name__}: "
                        f"got {short_repr(parameters)}; write model.parameters(), or [w, b]")
    return list(parameters)


def checked_parameters(parameters: Any) -> list[Any]:
    """The parameters as a list: one or more leaves, each once; frozen ones are welcome.

    Raises TypeError or ValueError, naming the index of the parameter at fault.
    """
    found = as_list(parameters)
    if not found:
        raise ValueError("no parameters: the list is empty, or a generator that was used up before")
    places: dict[int, int] = {}
    for i, p in enumerate(found):
        if not (hasattr(p, "data") and hasattr(p, "grad")):
            raise TypeError(f"parameter {i} must be a Value, not {type(p).__name__}: got {short_repr(p)}")
        if getattr(p, "parents", ()):
            raise ValueError(f"{parameter_name(i, p)} was computed from other Values, so it cannot be moved: "
                             f"got {short_repr(p)}; give the leaves it was made from")
        if places.setdefault(id(p), i) != i:
            raise ValueError(f"same parameter twice: index {places[id(p)]} and {i}")
    return found


def parameter_name(i: int, p: Any) -> str:
    """A parameter in a message: `parameter 3 ('w')`."""
    label = getattr(p, "label", "")
    return f"parameter {i} ({printable(label)!r})" if label else f"parameter {i}"


def is_frozen(p: Any) -> bool:
    return getattr(p, "is_constant", False)


def finite_gradients(parameters: list[Any]) -> list[float]:
    """The gradients, none of them inf or nan; a frozen parameter has none."""
    gradients = [0.0 if is_frozen(p) else number(p.grad) for p in parameters]
    for i, (p, g) in enumerate(zip(parameters, gradients)):
        if not math.isfinite(g):
            raise GradientError(f"the gradient of {parameter_name(i, p)} is {format_number(g)}; nothing was changed")
    return gradients


# ---- the state of an optimizer ----------------------------------------------------------------------------


def check_state(optimizer: Any, state: Any) -> None:
    """Refuse what `optimizer.load_state_dict` cannot take over.

    A state has the form of `optimizer.state_dict()`: the same optimizer, settings and kinds of memory, as
    many groups with as many parameters each.  Raises TypeError for what is no dict, and ValueError for
    another form.  What the settings and the memory hold is checked as they are taken over.
    """
    wanted = optimizer.state_dict()
    if not isinstance(state, dict):
        raise TypeError(f"a state is a dict, as state_dict() gives it, not {type(state).__name__}: {short_repr(state)}")
    if form(state) != form(wanted) or state["optimizer"] != wanted["optimizer"]:
        raise ValueError(f"the state belongs to another optimizer or is damaged: expected {outline(wanted)}, "
                         f"found {outline(state)}")
    checked_whole("steps_taken", state["steps_taken"], least=0)


def form(state: dict[str, Any]) -> Any:
    """What all states of one optimizer have in common: the keys, and how many of each; None for no state."""
    try:
        return (sorted(state), sorted(state["settings"]), [sorted(memory) for memory in state["memory"]],
                [(sorted(group), group["params"], type(group["settings"])) for group in state["groups"]])
    except (KeyError, TypeError):
        return None


def outline(state: dict[str, Any]) -> str:
    """A state in a message."""
    sizes = [group["params"] for group in state["groups"]] if form(state) else "?"
    return f"{state.get('optimizer')} with groups of {sizes} parameters and {short_repr(state.get('settings'))}"
