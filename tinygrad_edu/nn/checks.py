"""What the arguments of networks, optimizers, schedules and penalties may be.

Every check gives back what it was given, as the number or the list that is meant, or raises an
error that names the argument, the value and the rule.  Whole numbers: `engine.number.checked_whole`.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Set
from pathlib import Path
from typing import Any

from ..engine.arrays import as_lists
from ..engine.errors import GradientError
from ..engine.number import checked_whole, format_number, nearest, number, printable, short_repr

# ---- numbers in their range -----------------------------------------------------------------------

Rule = tuple[str, Callable[[float], bool]]

POSITIVE: Rule = ("positive and finite", lambda x: 0 < x < math.inf)
NOT_NEGATIVE: Rule = ("at least 0 and finite", lambda x: 0 <= x < math.inf)
FINITE: Rule = ("finite", math.isfinite)
FRACTION: Rule = ("at least 0 and below 1", lambda x: 0 <= x < 1)
BETWEEN: Rule = ("above 0 and below 1", lambda x: 0 < x < 1)
SHARE: Rule = ("from 0 to 1", lambda x: 0 <= x <= 1)
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
    both = as_lists(pair)
    if not isinstance(both, list):
        raise TypeError(f"{name} must be two numbers, such as (0.9, 0.999), got {short_repr(pair)}")
    if len(both) != 2:
        raise ValueError(f"{name} must be two numbers, such as (0.9, 0.999), got {len(both)}: {short_repr(pair)}")
    first, second = (checked_number(f"{name}[{i}]", beta, FRACTION) for i, beta in enumerate(both))
    return first, second


def checked_convention(name: str, word: Any) -> str:
    """One of the two ways to write momentum: see `Momentum`."""
    return by_name(name, word, {"gradient": "gradient", "step": "step"})


def checked_switch(name: str, x: Any) -> bool:
    """True or False, and nothing that only reads like one of them."""
    if not isinstance(x, bool):
        raise TypeError(f"{name} must be True or False, got {short_repr(x)}")
    return x


RULES: dict[str, Rule] = {"lr": NOT_NEGATIVE, "eps": POSITIVE, "weight_decay": NOT_NEGATIVE,
                          "momentum": FRACTION, "dampening": FRACTION, "alpha": FRACTION, "rho": FRACTION}
OTHER_CHECKS = {"betas": checked_betas, "convention": checked_convention, "nesterov": checked_switch,
                "centered": checked_switch, "amsgrad": checked_switch}


def checked_setting(name: str, value: Any) -> Any:
    """A hyper-parameter, checked if it has one of the names above; a subclass checks other names itself."""
    if name in RULES:
        return checked_number(name, value, RULES[name])
    return OTHER_CHECKS[name](name, value) if name in OTHER_CHECKS else value


# ---- lists, names, functions and files -----------------------------------------------------------------

OTHER_NAMES = {             # what lectures and other libraries call it, spelt without capitals, spaces, - and _
    "none": "linear", "leaky": "leaky_relu", "lrelu": "leaky_relu", "swish": "silu",
    "logistic": "sigmoid", "glorot": "xavier", "kaiming": "he",
    "gd": "sgd", "gradientdescent": "sgd", "stochasticgradientdescent": "sgd", "nag": "nesterov",
    "nesterovmomentum": "nesterov",
    "meansquarederror": "mse", "squarederror": "sum_squared_error", "meanabsoluteerror": "mae",
    "binarycrossentropy": "bce", "negativeloglikelihood": "nll",
    "ce": "cross_entropy", "kldiv": "kl_divergence", "softmaxcrossentropy": "cross_entropy",
}


def letters_of(name: str) -> str:
    """A name without what writers differ in: capitals, spaces, - and _, and the word loss at its end."""
    return re.sub(r"[-_\s]", "", name).lower().removesuffix("loss")


def by_name(what: str, name: Any, known: Mapping[str, Any]) -> Any:
    """What goes by this name, of what is known; every name that a user may write is read here.

    Capitals, spaces, - and _ make no difference, and some things have other names as well.  Raises
    TypeError for what is no text, and ValueError, with the name that was probably meant, for another.

    >>> by_name("loss", "Cross-Entropy", {"mse": 1, "cross_entropy": 2})
    2
    >>> by_name("loss", "msee", {"mse": 1, "cross_entropy": 2})
    Traceback (most recent call last):
    ValueError: unknown loss 'msee': did you mean 'mse'? The names are mse, cross_entropy
    """
    names = ", ".join(known)
    if not isinstance(name, str):
        raise TypeError(f"{what} is given by its name, not by {type(name).__name__}: got {short_repr(name)}; "
                        f"the names are {names}")
    spelt = {letters_of(key): key for key in known}
    found = name if name in known else spelt.get(letters_of(name), OTHER_NAMES.get(letters_of(name), ""))
    if found not in known:
        near, shown = nearest(name, known), short_repr(printable(name))
        raise ValueError(f"unknown {what} {shown}: did you mean {near!r}? The names are {names}" if near else
                         f"unknown {what} {shown}; the names are {names}")
    return known[found]


def listed(what: str, x: Any) -> list[Any]:
    """The elements of a list or of an array, whose rows stay arrays; of whatever else has elements in an order."""
    if not isinstance(x, Iterable) or isinstance(x, str | bytes | Mapping | Set) or getattr(x, "ndim", 1) == 0:
        raise TypeError(f"{what} must be a list or an array, not {type(x).__name__}: got {short_repr(x)}")
    if hasattr(x, "to_numpy"):                          # a table of pandas or polars
        x = x.to_numpy()
    return x.tolist() if getattr(x, "ndim", 0) == 1 else list(x)


def to_list(x: Any) -> str:
    """The end of a message about something that could be made a list, such as a generator; else ""."""
    can_be = isinstance(x, Iterable) and not (isinstance(x, str | bytes | Mapping | Set) or hasattr(x, "ndim"))
    return "; write list(...)" if can_be else ""


def checked_function(name: str, f: Any, example: str) -> Any:
    """f, if it can be called, or None; the example shows what to write.

    >>> checked_function("penalty", "l2", "L2(0.01)")
    Traceback (most recent call last):
    TypeError: penalty must be a function, such as L2(0.01), not str: got 'l2'
    """
    if f is not None and not callable(f):
        raise TypeError(f"{name} must be a function, such as {example}, not {type(f).__name__}: got {short_repr(f)}")
    return f


def checked_path(name: str, path: Any) -> Path:
    """The name of a file as a path."""
    try:
        return Path(path)
    except TypeError:
        raise TypeError(f"{name} must be the name of a file, not {type(path).__name__}: got {short_repr(path)}"
                        ) from None


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


def frozen_places(parameters: list[Any]) -> set[int]:
    """Which of the parameters, by number, are frozen."""
    return {i for i, p in enumerate(parameters) if is_frozen(p)}


def finite_gradients(parameters: list[Any], frozen: set[int]) -> list[float]:
    """The gradients, none of them inf or nan; those that are frozen have none."""
    gradients = [p.grad for p in parameters]
    for i in frozen:
        gradients[i] = 0.0
    if {*map(type, gradients)} != {float}:
        gradients = [*map(number, gradients)]
    if math.isfinite(sum(gradients)):                   # as it never is where one of them is not
        return gradients
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
    """A state in a message: what `form` says of it, by names."""
    if not form(state):
        return f"{state.get('optimizer')} with {', '.join(map(repr, state))}"
    sizes, settings = [group["params"] for group in state["groups"]], ", ".join(state["settings"])
    names = ", ".join(sorted({name for memory in state["memory"] for name in memory})) or "nothing"
    return f"{state['optimizer']} with groups of {sizes} parameters, settings {settings}, memory of {names}"
