"""Rules that turn gradients into better parameters.

An optimizer reads the `grad` of every parameter and moves its `data`; it knows nothing of graphs.
A new one is its hyper-parameters and one method, `step_for`: how much to subtract from a parameter.
Those of this file say it of a list of parameters, in `steps_for`: the formula is the same, and one
call for all of them takes less than half the time.  Where parameters lie in an array, as those of
compiled programs do, chunks of it take the place of numbers (see `chunks.py`), with the same bits.
"""

import math
import warnings
from collections.abc import Collection, Iterable
from functools import cached_property
from types import SimpleNamespace
from typing import Any, ClassVar

from ..engine.errors import GradientError
from ..engine.number import format_number, short_repr
from .checks import (
    FINITE,
    POSITIVE,
    as_list,
    check_state,
    checked_number,
    checked_parameters,
    checked_setting,
    finite_gradients,
    frozen_places,
    is_frozen,
    parameter_name,
)
from .chunks import (
    Cells,
    Chunks,
    are_finite,
    check_finite,
    chunks_of,
    count_changes,
    for_chunks,
    functions_for,
    raised_flags,
)

NO_GRADIENTS = "every gradient is 0 at the first step(): was backward() called on the loss?"

# ---- groups and their settings ----------------------------------------------------------------------------


class Group:
    """Parameters that share hyper-parameters; what the group does not name itself, the optimizer says.

    >>> from tinygrad_edu import Value
    >>> optimizer = Momentum([{"params": [Value(1.0)]}, {"params": [Value(2.0)], "lr": 0.5}], lr=0.1)
    >>> optimizer.lr = 0.01
    >>> [group["lr"] for group in optimizer.groups]
    [0.01, 0.5]
    >>> optimizer.groups[1]["lr"] = 0.25            # checked, like all of them
    """

    def __init__(self, params: list[Any], own: dict[str, Any], defaults: dict[str, Any]):
        self.params, self.defaults = params, defaults
        self.own: dict[str, Any] = {}
        for name, value in own.items():
            self[name] = value

    def __getitem__(self, name: str) -> Any:
        return self.own[name] if name in self.own else self.defaults[name]

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self.defaults:
            raise ValueError(f"a group has no setting {short_repr(name)}: there are params, {', '.join(self.defaults)}")
        self.own[name] = checked_setting(name, value)

    def __repr__(self) -> str:
        return f"Group({len(self.params)} parameters{in_words(self.own)})"


def in_words(settings: dict[str, Any]) -> str:
    return "".join(f", {name}={value!r}" for name, value in settings.items())


def jsonable(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings with lists for tuples, as JSON gives them back."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in settings.items()}


def without_off(settings: dict[str, Any], options: Collection[str]) -> dict[str, Any]:
    """Settings without the options that are off: what older versions wrote, and what there is to see."""
    return {name: value for name, value in settings.items() if value or name not in options}


# ---- optimizers -------------------------------------------------------------------------------------------


class Optimizer:
    """Walks downhill: a subclass says how far, by overriding `step_for` or, for lists, `steps_for`.

    parameters    leaves, or groups of them with settings of their own:
                  `[{"params": model.parameters()}, {"params": [b], "lr": 0.1}]`
    lr            the learning rate; it may be set at any time, and groups with one of their own keep it
    weight_decay  λ of an L2 penalty: the gradient used is g + λw; a rule with `decays_weights_directly`
                  shrinks the weights by lr · λ instead.  0 by default.  As in PyTorch it holds for every
                  parameter that is given, biases too.  To leave these out, as `fit(penalty=...)` does:
                  `[{"params": model.parameters(biases=False), "weight_decay": 0.01},
                  {"params": model.parameters(weights=False)}]`

    Frozen parameters are skipped.  What a rule remembers of a parameter stays with its place in the
    list.  Raises TypeError or ValueError for parameters that are no leaves, come twice, or are none,
    and for hyper-parameters out of range.

    >>> from tinygrad_edu import Value
    >>> class SignDescent(Optimizer):
    ...     def step_for(self, g, memory, at):
    ...         return math.copysign(at.lr, g)
    >>> w = Value(1.0)
    >>> optimizer = SignDescent([w], lr=0.25)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> w.data
    0.75
    """

    remembers: tuple[str, ...] = ()         # the names of what `memory` holds, 0.0 before the first step
    options: ClassVar[dict[str, tuple[str, ...]]] = {}      # settings that are off at first, and what `memory` holds
    #                                                         besides while one is on
    decays_weights_directly = False         # True: w ← (1 - lr · λ) w - step, and g stays as it is
    remembered_in: Chunks | None = None    # the chunks that `remembered` consists of; None: it is lists of numbers
    found: tuple[int, Chunks | None] = -1, None        # the chunks of the parameters, and when we looked for them

    def __init__(self, parameters: Iterable[Any], lr: float, weight_decay: float = 0.0, **settings: Any):
        settings = {"lr": lr, **settings, "weight_decay": weight_decay}
        self.defaults = {name: checked_setting(name, value) for name, value in settings.items()}
        self.groups = [Group(params, own, self.defaults) for params, own in split_groups(parameters)]
        self.parameters = checked_parameters([p for group in self.groups for p in group.params])
        if all(map(is_frozen, self.parameters)):
            raise ValueError(f"all {len(self.parameters)} parameters are constants or frozen: nothing could be learned")
        self.remembered: dict[str, Cells] = {name: [0.0] * len(self.parameters) for name in self.names()}
        self.steps_taken = 0

    @property
    def lr(self) -> float:
        """The learning rate of every group that has none of its own."""
        return self.defaults["lr"]

    @lr.setter
    def lr(self, new: float) -> None:
        self.defaults["lr"] = checked_setting("lr", new)

    def names(self) -> list[str]:
        """The names of what is remembered, as the settings are now."""
        on = [name for name in self.options if any(group[name] for group in self.groups)]
        return [*self.remembers, *[name for option in on for name in self.options[option]]]

    @cached_property
    def memory(self) -> list[dict[str, float]]:
        """What the rule remembers of each parameter, by name.  It may be changed until the next step."""
        lists = self.memory_in_lists()
        return [row(i, lists) for i in range(len(self.parameters))]

    def memory_in_lists(self) -> dict[str, list[float]]:
        """The memory as a list of numbers under each name; where somebody has looked at it, as it is now."""
        if "memory" in vars(self):
            self.remembered = {name: [memory.get(name, 0.0) for memory in self.memory] for name in self.names()}
            del self.memory
        elif self.remembered_in:
            self.remembered = {name: self.remembered_in.to_lists(cells) for name, cells in self.remembered.items()}
        self.remembered_in = None
        return self.with_new_names(len(self.parameters))

    def with_new_names(self, cells: int) -> dict[str, Cells]:
        """The memory, also of an option that was switched on since the last step."""
        self.remembered = {**{name: [0.0] * cells for name in self.names()}, **self.remembered}
        return self.remembered

    def memory_in(self, chunks: Chunks) -> dict[str, Cells]:
        """The memory as chunks under each name.  Raises FloatingPointError where it is not finite."""
        if "memory" in vars(self) or not self.remembered_in:
            lists = self.memory_in_lists()
            self.remembered = {name: chunks.of_lists(numbers) for name, numbers in lists.items()}
        self.remembered_in = chunks
        return self.with_new_names(len(chunks.parts))

    def __getstate__(self) -> dict[str, Any]:
        """What copies and pickles take over: memory as numbers, and not where the parameters lie."""
        if "memory" not in vars(self):
            self.memory_in_lists()
        return {name: x for name, x in vars(self).items() if name not in ("found", "remembered_in")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over a pickle; one of an older version knows no options, so they are off."""
        vars(self).update(state)
        for name in self.options:
            self.defaults.setdefault(name, False)

    # ---- the rule

    def step_for(self, g: float, memory: dict[str, float], at: Any) -> float:
        """How much to subtract from a parameter whose gradient is g.

        memory   what this rule remembers of this parameter; to be updated
        at       the hyper-parameters, as attributes: `at.lr`
        """
        lists = {name: [x] for name, x in memory.items()}
        [step] = self.steps_for([g], lists, at)
        memory.update(row(0, lists))
        return step

    def steps_for(self, gradients: Cells, memory: dict[str, Cells], at: Any) -> Cells:
        """`step_for` of many parameters, by their gradients.

        memory   the list of what is remembered under each name; to be updated by new lists

        After `@for_chunks` there may be chunks in the lists, arrays of numbers that are treated alike.
        """
        raise NotImplementedError(f"{type(self).__name__} must say how far to step: def step_for(self, g, memory, at)")

    def moved(self, w: float, g: float, memory: dict[str, float], at: Any) -> float:
        """The new value of a parameter."""
        if self.decays_weights_directly:
            return w * (1 - at.lr * at.weight_decay) - self.step_for(g, memory, at)
        return w - self.step_for(g + at.weight_decay * w if at.weight_decay else g, memory, at)

    def all_moved(self, weights: list[float], gradients: list[float], memory: dict[str, list[float]], at: Any
                  ) -> list[float]:
        """`moved` of many parameters."""
        if self.decays_weights_directly:
            steps, rest = self.steps_for(gradients, memory, at), 1 - at.lr * at.weight_decay
            return [w * rest - step for w, step in zip(weights, steps)]
        if at.weight_decay:
            gradients = [g + at.weight_decay * w for w, g in zip(weights, gradients)]
        steps = self.steps_for(gradients, memory, at)
        return [w - step for w, step in zip(weights, steps)]

    # ---- the step

    def step(self) -> None:
        """Move every parameter once, all or none: everything is computed and checked first.

        Raises GradientError if a gradient, or what it leads to, is inf or nan.  Warns at the first step
        if all gradients are 0, as they are before `backward`, and as they may be: at an optimum, behind
        a relu that is closed, where weights only decay.
        """
        chunks = self.chunks() if self.steps_taken else None
        if chunks and self.stepped_in(chunks):
            return
        frozen = frozen_places(self.parameters)
        gradients = finite_gradients(self.parameters, frozen)
        if not self.steps_taken and not any(gradients):
            warnings.warn(NO_GRADIENTS, stacklevel=2)
        before = [p.data for p in self.parameters]
        one_by_one = any(getattr(type(self), name) is not getattr(Optimizer, name) for name in ("step_for", "moved"))
        compute = self.computed_one_by_one if one_by_one else self.computed_in_lists
        self.publish(before, *compute(before, gradients, frozen))

    def computed_in_lists(self, before: list[float], gradients: list[float], frozen: set[int]) -> tuple[list, dict]:
        """What the parameters and the memory are to be, by a rule of many parameters."""
        lists = self.memory_in_lists()
        after, memory = self.computed(before, gradients, lists, [len(group.params) for group in self.groups])
        for i in frozen:                                # what the rule says of these is left out
            after[i] = before[i]
            for name in memory:
                memory[name][i] = lists[name][i]
        if not all(math.isfinite(sum(numbers)) for numbers in (after, *memory.values())):
            for i, g in enumerate(gradients):
                if i not in frozen:
                    self.check_finite(i, g, after[i], row(i, memory))
        return after, memory

    def computed(self, before: Cells, gradients: Cells, memory: dict[str, Cells], counts: list[int]
                 ) -> tuple[Cells, dict[str, Cells]]:
        """What the parameters and the memory are to be, as numbers or chunks: so many in each group."""
        after: Cells = []
        new: dict[str, Cells] = {name: [] for name in memory}
        for group, count in zip(self.groups, counts):
            part = slice(len(after), len(after) + count)
            of_group = {name: cells[part] for name, cells in memory.items()}
            after += self.all_moved(before[part], gradients[part], of_group, self.settings_of(group))
            for name in new:
                new[name] += of_group[name]
        return after, new

    def chunks(self) -> Chunks | None:
        """The chunks of the parameters, if there are such and the rule holds for them."""
        kind, now = type(self), count_changes()
        if self.found[0] != now:
            usual = all(getattr(kind, name) is getattr(Optimizer, name) for name in ("step_for", "moved", "all_moved"))
            can_be = usual and getattr(kind.steps_for, "holds_for_chunks", False)
            self.found = now, chunks_of(self.parameters, [len(g.params) for g in self.groups]) if can_be else None
        return self.found[1]

    def stepped_in(self, chunks: Chunks) -> bool:
        """Take the step in chunks; False, and nothing was changed, where a number is not finite or too large."""
        before, gradients = chunks.data(), chunks.grad()
        try:
            with raised_flags():
                check_finite(gradients + before)
                after, memory = self.computed(before, gradients, self.memory_in(chunks), chunks.counts)
        except FloatingPointError:
            return False
        try:
            chunks.move(after)
            self.remembered, self.steps_taken = memory, self.steps_taken + 1
        except BaseException:
            chunks.move(before)
            raise
        return True

    def computed_one_by_one(self, before: list[float], gradients: list[float], frozen: set[int]) -> tuple[list, list]:
        """The same by a rule of one parameter, which is never asked about a frozen one."""
        new = dict.fromkeys(self.names(), 0.0)
        after, memories = list(before), [{**new, **memory} for memory in self.memory]
        for i, (w, g, memory, at) in enumerate(zip(before, gradients, memories, self.settings())):
            if i not in frozen:
                after[i] = self.moved(w, g, memory, at)
                self.check_finite(i, g, after[i], memory)
        return after, memories

    def check_finite(self, i: int, g: float, after: float, memory: dict[str, float]) -> None:
        if not all(map(math.isfinite, (after, *memory.values()))):
            raise GradientError(f"the gradient {format_number(g)} of {parameter_name(i, self.parameters[i])} is too "
                                f"large for {self!r}: {in_words({'data': after, **memory})[2:]}; nothing was changed")

    def publish(self, before: list[float], after: list[float], memory: Any) -> None:
        """Move the parameters and keep the memory; an interruption, such as Ctrl-C, moves all of them back."""
        try:
            for p, old, new in zip(self.parameters, before, after):
                if new is not old:                      # as it is of a frozen one, which is left alone
                    p.data = new
            if isinstance(memory, dict):
                self.remembered, self.steps_taken = memory, self.steps_taken + 1
            else:
                self.memory, self.steps_taken = memory, self.steps_taken + 1
        except BaseException:
            for p, old, new in zip(self.parameters, before, after):
                if new is not old:
                    p.data = old
            raise

    def settings(self) -> list[SimpleNamespace]:
        """The hyper-parameters that hold for each parameter."""
        return [at for group in self.groups for at in [self.settings_of(group)] * len(group.params)]

    def settings_of(self, group: Group) -> SimpleNamespace:
        """The hyper-parameters that hold for a group, as attributes."""
        return SimpleNamespace(**{**self.defaults, **group.own})

    def zero_grad(self) -> None:
        """Forget the gradients: `backward` adds to what is there."""
        chunks = self.chunks()
        if chunks:
            chunks.set_grad([0.0])
            return
        for p in self.parameters:
            p.grad = 0.0

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on from here, bit by bit, as plain data that JSON can hold.

        The values of the parameters are not part of it; they belong to the model.
        """
        settings = jsonable(without_off(self.defaults, self.options))
        return {"optimizer": type(self).__name__, "steps_taken": self.steps_taken, "settings": settings,
                "groups": [{"params": len(group.params), "settings": jsonable(group.own)} for group in self.groups],
                "memory": [dict(memory) for memory in self.memory]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave.

        Raises TypeError or ValueError, and changes nothing, if it belongs to another optimizer or to
        other groups of parameters, or is damaged.
        """
        check_state(self, state)
        settings = {name: checked_setting(name, value) for name, value in state["settings"].items()}
        groups = [Group(group.params, saved["settings"], self.defaults)
                  for group, saved in zip(self.groups, state["groups"])]
        memory = [{name: checked_number(f"memory[{i}][{name!r}]", saved[name], FINITE) for name in saved}
                  for i, saved in enumerate(state["memory"])]
        self.defaults.update(settings)
        self.groups, self.memory, self.steps_taken = groups, memory, state["steps_taken"]

    def __repr__(self) -> str:
        shown = in_words(without_off(self.defaults, self.options))
        return f"{type(self).__name__}({len(self.parameters)} parameters{shown})"


def row(i: int, lists: dict[str, list[float]]) -> dict[str, float]:
    """What stands at place i of lists, by their names."""
    return {name: numbers[i] for name, numbers in lists.items()}


def split_groups(parameters: Any) -> list[tuple[list[Any], dict[str, Any]]]:
    """The parameters of each group and its own settings; a plain list is one group."""
    groups = as_list(parameters)
    if not any(isinstance(group, dict) for group in groups):
        return [(groups, {})]
    split = []
    for i, group in enumerate(groups):
        if not isinstance(group, dict):
            raise TypeError(f"group {i} must be a dict, as the others are, got {short_repr(group)}")
        params = as_list(group.get("params", ()))
        if not params:
            raise ValueError(f'group {i} has no parameters under "params": got {short_repr(group)}')
        split.append((params, {name: value for name, value in group.items() if name != "params"}))
    return split


class SGD(Optimizer):
    """Gradient descent: a step against the gradient, whatever the batch it comes from.

    w ← w - lr · g                                          Robbins and Monro, 1951

    With `momentum` β it rolls on, as PyTorch's SGD does:

    G ← βG + (1 - d) g, at the first step G ← g;  w ← w - lr · G,  or with nesterov  w ← w - lr · (g + βG)

    momentum    β; 0 is the plain rule
    dampening   d, how much less a new gradient counts; with d = β, G is a running mean of the gradients
    nesterov    look ahead: the gradient counts once more.  It needs a momentum, and no dampening

    `Momentum` and `Nesterov` are these two rules under their own names, with the same bits; `Momentum` knows
    the other convention of the lectures besides.

    Defaults: lr 0.001, momentum 0, dampening 0, nesterov False, weight_decay 0, as in PyTorch.

    >>> from tinygrad_edu import Value
    >>> w = Value(1.0)
    >>> optimizer = SGD([w], lr=0.125)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> w.data
    0.75
    >>> SGD([w], lr=0.125, nesterov=True)
    Traceback (most recent call last):
    ValueError: nesterov needs a momentum above 0, such as 0.9, and dampening 0: got momentum 0.0, dampening 0.0
    """

    options: ClassVar = {"momentum": ("G", "t"), "dampening": (), "nesterov": ()}

    def __init__(self, parameters: Iterable[Any], lr: float = 0.001, weight_decay: float = 0.0,
                 momentum: float = 0.0, dampening: float = 0.0, nesterov: bool = False):
        super().__init__(parameters, lr, weight_decay, momentum=momentum, dampening=dampening, nesterov=nesterov)
        for group in self.groups:
            check_nesterov(self.settings_of(group))

    @for_chunks
    def steps_for(self, gradients: Cells, memory: dict[str, Cells], at: Any) -> Cells:
        check_nesterov(at)                              # again, since a setting may have been changed
        if not at.momentum:
            return [at.lr * g for g in gradients]
        shares = [1 - at.dampening * (t > 0) for t in memory["t"]]
        memory["t"] = [t + 1 for t in memory["t"]]
        memory["G"] = [at.momentum * G + share * g for G, share, g in zip(memory["G"], shares, gradients)]
        if at.nesterov:
            return [at.lr * (g + at.momentum * G) for G, g in zip(memory["G"], gradients)]
        return [at.lr * G for G in memory["G"]]


def check_nesterov(at: Any) -> None:
    """Refuse to look ahead where nothing rolls on, or where a gradient counts less."""
    if at.nesterov and (not at.momentum or at.dampening):
        raise ValueError("nesterov needs a momentum above 0, such as 0.9, and dampening 0: "
                         f"got momentum {at.momentum!r}, dampening {at.dampening!r}")


class Momentum(Optimizer):
    """Gradient descent with inertia: a ball that rolls on.  The lectures write it in two ways.

    convention="gradient"   G ← βG + g,       w ← w - lr · G     PyTorch's; the default
    convention="step"       Δ ← βΔ - lr · g,  w ← w + Δ          Sutskever and others, 2013

    β is `momentum`.  While lr stays the same, Δ = -lr · G and the paths are the same; once lr changes
    they differ: "gradient" applies the new lr to all that was gathered, "step" to new gradients only.
    Under a constant gradient g both end at steps of lr · g / (1 - β).       Polyak, 1964

    The first is also `SGD(..., momentum=0.9)`.

    Defaults: lr 0.001, momentum 0.9, convention "gradient", weight_decay 0.

    >>> from tinygrad_edu import Value
    >>> w = Value(1.0)
    >>> optimizer = Momentum([w], lr=0.125, momentum=0.5)
    >>> for _ in range(2):
    ...     optimizer.zero_grad()
    ...     (w * w).backward()
    ...     optimizer.step()
    ...     print(optimizer.memory[0]["G"], w.data)
    2.0 0.75
    2.5 0.4375
    """

    remembers = ("G", "step")

    def __init__(self, parameters: Iterable[Any], lr: float = 0.001, momentum: float = 0.9,
                 convention: str = "gradient", weight_decay: float = 0.0):
        super().__init__(parameters, lr, weight_decay, momentum=momentum, convention=convention)

    @for_chunks
    def steps_for(self, gradients: Cells, memory: dict[str, Cells], at: Any) -> Cells:
        if at.convention == "gradient":
            memory["G"] = [at.momentum * G + g for G, g in zip(memory["G"], gradients)]
            return [at.lr * G for G in memory["G"]]
        memory["step"] = [at.momentum * step - at.lr * g for step, g in zip(memory["step"], gradients)]
        return [-step for step in memory["step"]]


class Nesterov(Optimizer):
    """Momentum that looks ahead: the gradient counts once more, as if the ball had rolled on already.

    G ← βG + g,  w ← w - lr · (g + βG)              Nesterov, 1983; Sutskever and others, 2013

    β is `momentum`.  This is PyTorch's form, as is `SGD(..., momentum=0.9, nesterov=True)`.  The papers take
    the gradient at the place looked ahead to; here w is that place, so that it can be taken at w.

    Defaults: lr 0.001, momentum 0.9, weight_decay 0.

    >>> from tinygrad_edu import Value
    >>> w = Value(1.0)
    >>> optimizer = Nesterov([w], lr=0.125, momentum=0.5)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> w.data
    0.625
    """

    remembers = ("G",)

    def __init__(self, parameters: Iterable[Any], lr: float = 0.001, momentum: float = 0.9, weight_decay: float = 0.0):
        super().__init__(parameters, lr, weight_decay, momentum=momentum)

    @for_chunks
    def steps_for(self, gradients: Cells, memory: dict[str, Cells], at: Any) -> Cells:
        memory["G"] = [at.momentum * G + g for G, g in zip(memory["G"], gradients)]
        return [at.lr * (g + at.momentum * G) for G, g in zip(memory["G"], gradients)]


class Adagrad(Optimizer):
    """Smaller steps for parameters that have seen large gradients, ever smaller with time.

    v ← v + g²,  w ← w - lr · g / (√v + ε)                  Duchi, Hazan and Singer, 2011

    Defaults: lr 0.01, eps 1e-10, weight_decay 0, as in PyTorch.

    >>> from tinygrad_edu import Value
    >>> w = Value(1.0)
    >>> optimizer = Adagrad([w], lr=0.25)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.data, 6)                        # the first step is lr, however large the gradient
    0.75
    """

    remembers = ("v",)

    def __init__(self, parameters: Iterable[Any], lr: float = 0.01, eps: float = 1e-10, weight_decay: float = 0.0):
        super().__init__(parameters, lr, weight_decay, eps=eps)

    @for_chunks
    def steps_for(self, gradients: Cells, memory: dict[str, Cells], at: Any) -> Cells:
        root, _ = functions_for(gradients)
        memory["v"] = [v + g * g for v, g in zip(memory["v"], gradients)]
        return [at.lr * (g / (root(v) + at.eps)) for v, g in zip(memory["v"], gradients)]


class RMSprop(Optimizer):
    """Adagrad that forgets: gradients are divided by a running root mean square of themselves.

    v ← αv + (1 - α)g²,  w ← w - lr · g / (√v + ε)          Tieleman and Hinton, 2012, lecture 6.5

    centered   divide by the spread of the gradients instead: with their mean m ← αm + (1 - α)g, by
               √(v - m²) + ε.  Where rounding takes v - m² below 0 it counts as 0 (PyTorch: nan).
                                                            Graves, 2013, https://arxiv.org/abs/1308.0850

    Defaults: lr 0.01, alpha 0.99, eps 1e-8, centered False, weight_decay 0, as in PyTorch.

    >>> from tinygrad_edu import Value
    >>> w = Value(1.0)
    >>> optimizer = RMSprop([w], lr=0.25, alpha=0.75)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.data, 6)
    0.5
    """

    remembers = ("v",)
    options: ClassVar = {"centered": ("m",)}

    def __init__(self, parameters: Iterable[Any], lr: float = 0.01, alpha: float = 0.99, eps: float = 1e-8,
                 weight_decay: float = 0.0, centered: bool = False):
        super().__init__(parameters, lr, weight_decay, alpha=alpha, eps=eps, centered=centered)

    @for_chunks
    def steps_for(self, gradients: Cells, memory: dict[str, Cells], at: Any) -> Cells:
        root, _ = functions_for(gradients)
        v = memory["v"] = [at.alpha * v + (1 - at.alpha) * g * g for v, g in zip(memory["v"], gradients)]
        if at.centered:
            m = memory["m"] = [at.alpha * m + (1 - at.alpha) * g for m, g in zip(memory["m"], gradients)]
            v = [(v - m * m) * (v > m * m) for v, m in zip(v, m)]
        return [at.lr * (g / (root(v) + at.eps)) for v, g in zip(v, gradients)]


class Adadelta(Optimizer):
    """RMSprop whose learning rate is the running size of its own steps, so that units agree.

    v ← ρv + (1 - ρ)g²,  Δ = g · √(u + ε) / √(v + ε),  u ← ρu + (1 - ρ)Δ²,  w ← w - lr · Δ
                                                    Zeiler, 2012, https://arxiv.org/abs/1212.5701

    Defaults: lr 1, rho 0.9, eps 1e-6, weight_decay 0, as in PyTorch.

    >>> from tinygrad_edu import Value
    >>> w = Value(1.0)
    >>> optimizer = Adadelta([w])
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.data, 4)                        # it starts slowly: u is 0, so ε alone sets the pace
    0.9968
    """

    remembers = ("v", "u")

    def __init__(self, parameters: Iterable[Any], lr: float = 1.0, rho: float = 0.9, eps: float = 1e-6,
                 weight_decay: float = 0.0):
        super().__init__(parameters, lr, weight_decay, rho=rho, eps=eps)

    @for_chunks
    def steps_for(self, gradients: Cells, memory: dict[str, Cells], at: Any) -> Cells:
        root, _ = functions_for(gradients)
        v = memory["v"] = [at.rho * v + (1 - at.rho) * g * g for v, g in zip(memory["v"], gradients)]
        changes = [g * root(u + at.eps) / root(v + at.eps) for u, v, g in zip(memory["u"], v, gradients)]
        memory["u"] = [at.rho * u + (1 - at.rho) * change * change for u, change in zip(memory["u"], changes)]
        return [at.lr * change for change in changes]


class Adam(Optimizer):
    """Adaptive moment estimation: running means of g and of g², freed from their bias to 0.

    m ← β₁m + (1 - β₁)g,  v ← β₂v + (1 - β₂)g²,  m̂ = m / (1 - β₁ᵗ),  v̂ = v / (1 - β₂ᵗ)
    w ← w - lr · m̂ / (√v̂ + ε)            Kingma and Ba, 2015, Algorithm 1, https://arxiv.org/abs/1412.6980

    Both means start at 0 and are too small at first; the hats undo that, else the first step would be
    (1 - β₁) / √(1 - β₂) = 3.16 times larger.  t counts the steps of this parameter.

    amsgrad   steps never grow again: v̂ is made of the largest v so far.  PyTorch takes the largest before the
              bias is undone, and so do we; the paper leaves the bias in.
                                            Reddi, Kale and Kumar, 2018, https://arxiv.org/abs/1904.09237

    Defaults: lr 0.001, betas (0.9, 0.999), eps 1e-8, weight_decay 0, amsgrad False, as in the paper and in PyTorch.

    >>> from tinygrad_edu import Value
    >>> w = Value(1.0)
    >>> optimizer = Adam([w], lr=0.25)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.data, 6)                        # the first step is lr, however large the gradient
    0.75
    """

    remembers = ("m", "v", "t")
    options: ClassVar = {"amsgrad": ("largest",)}

    def __init__(self, parameters: Iterable[Any], lr: float = 0.001, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, weight_decay: float = 0.0, amsgrad: bool = False):
        super().__init__(parameters, lr, weight_decay, betas=betas, eps=eps, amsgrad=amsgrad)

    @for_chunks
    def steps_for(self, gradients: Cells, memory: dict[str, Cells], at: Any) -> Cells:
        root, power = functions_for(gradients)
        beta1, beta2 = at.betas
        t = memory["t"] = [t + 1 for t in memory["t"]]
        m = memory["m"] = [beta1 * m + (1 - beta1) * g for m, g in zip(memory["m"], gradients)]
        v = memory["v"] = [beta2 * v + (1 - beta2) * g * g for v, g in zip(memory["v"], gradients)]
        if at.amsgrad:
            v = memory["largest"] = [old * (old > v) + v * (old <= v) for old, v in zip(memory["largest"], v)]
        return [at.lr * (m / (1 - power(beta1, t)) / (root(v / (1 - power(beta2, t))) + at.eps))
                for m, v, t in zip(m, v, t)]


class AdamW(Adam):
    """Adam whose weight decay shrinks the weights themselves, past the two means.

    w ← (1 - lr · λ) w - (Adam's step)          Loshchilov and Hutter, 2019, https://arxiv.org/abs/1711.05101

    In Adam the decay λw is part of g, and so is divided by √v̂ as well.  λ is `weight_decay`; amsgrad is
    that of `Adam`.

    Defaults: lr 0.001, betas (0.9, 0.999), eps 1e-8, weight_decay 0.01, amsgrad False, as in PyTorch.

    >>> from tinygrad_edu import Value
    >>> w = Value(1.0)
    >>> optimizer = AdamW([w], lr=0.25, weight_decay=0.5)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.data, 6)
    0.625
    """

    decays_weights_directly = True

    def __init__(self, parameters: Iterable[Any], lr: float = 0.001, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, weight_decay: float = 0.01, amsgrad: bool = False):
        super().__init__(parameters, lr, betas, eps, weight_decay, amsgrad)


class Lion(Optimizer):
    """Steps of one size: only the sign of a running mean of the gradients counts.

    c = β₁m + (1 - β₁)g,  w ← w - lr · (sign(c) + λw),  m ← β₂m + (1 - β₂)g
                                        Chen and others, 2023, Algorithm 2, https://arxiv.org/abs/2302.06675

    Every weight moves by lr, however small or large its gradient; where c is 0 it stays.  λ is
    `weight_decay`; as in AdamW, it shrinks the weights themselves.  The name is short for "evolved sign
    momentum": a search over programs found the rule.

    Defaults: lr 0.0001, betas (0.9, 0.99), weight_decay 0, as in the paper.

    >>> from tinygrad_edu import Value
    >>> w = Value(1.0)
    >>> optimizer = Lion([w], lr=0.25)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> w.data
    0.75
    """

    remembers = ("m",)
    decays_weights_directly = True

    def __init__(self, parameters: Iterable[Any], lr: float = 0.0001, betas: tuple[float, float] = (0.9, 0.99),
                 weight_decay: float = 0.0):
        super().__init__(parameters, lr, weight_decay, betas=betas)

    @for_chunks
    def steps_for(self, gradients: Cells, memory: dict[str, Cells], at: Any) -> Cells:
        beta1, beta2 = at.betas
        mixed = [beta1 * m + (1 - beta1) * g for m, g in zip(memory["m"], gradients)]
        memory["m"] = [beta2 * m + (1 - beta2) * g for m, g in zip(memory["m"], gradients)]
        return [at.lr * (c > 0) - at.lr * (c < 0) for c in mixed]


# ---- clipping ---------------------------------------------------------------------------------------------


def clip_gradients_by_value(parameters: Iterable[Any], limit: float) -> None:
    """Cut every gradient to at least -limit and at most limit.

    The direction of the step changes; `clip_gradients_by_norm` keeps it.  Raises GradientError, and
    changes nothing, if a gradient is inf or nan, and ValueError for a limit that is not positive.

    >>> from tinygrad_edu import Value
    >>> w = Value(3.0)
    >>> (w * w).backward()
    >>> clip_gradients_by_value([w], 1.5)
    >>> w.grad
    1.5
    """
    limit = checked_number("limit", limit, POSITIVE)
    parameters = as_list(parameters)
    chunks = chunks_of(parameters, [len(parameters)])
    if chunks and are_finite(chunks.grad()):
        chunks.set_grad([chunk.clip(-limit, limit) for chunk in chunks.grad()])
        return
    parameters = checked_parameters(parameters)
    for p, g in zip(parameters, finite_gradients(parameters, frozen_places(parameters))):
        p.grad = min(max(g, -limit), limit)


def clip_gradients_by_norm(parameters: Iterable[Any], limit: float) -> float:
    """Shorten the gradient to length `limit` if it is longer; the length before is returned.

    g ← g · limit / ‖g‖  where ‖g‖ > limit, ‖g‖ = √Σg²     Pascanu, Mikolov and Bengio, 2013,
                                                            https://arxiv.org/abs/1211.5063
    PyTorch divides by ‖g‖ + 1e-6, so there it ends a little short of the limit.  Raises GradientError,
    and changes nothing, if a gradient or the norm is inf or nan; ValueError for a limit not positive.

    >>> from tinygrad_edu import Value
    >>> w, b = Value(1.5), Value(2.0)
    >>> (w * w + b * b).backward()
    >>> clip_gradients_by_norm([w, b], 1.0), round(w.grad, 6), round(b.grad, 6)
    (5.0, 0.6, 0.8)
    """
    limit = checked_number("limit", limit, POSITIVE)
    parameters = as_list(parameters)
    chunks = chunks_of(parameters, [len(parameters)])
    if chunks and are_finite(chunks.grad()):
        norm = math.hypot(*chunks.to_lists(chunks.grad()))
        if norm > limit:
            chunks.set_grad([chunk / norm * limit for chunk in chunks.grad()])
        return norm
    parameters = checked_parameters(parameters)
    gradients = finite_gradients(parameters, frozen_places(parameters))
    norm = math.hypot(*gradients)
    if norm == math.inf:
        raise GradientError("the norm of the gradient is inf, though every part is finite; nothing was changed")
    if norm > limit:
        for p, g in zip(parameters, gradients):
            p.grad = g / norm * limit
    return norm
