"""`compile()` beside its peers: each hot in a loop of its own, and all in turns.

There are many short turns, and their time is that of the wall.  What stands for a peer's time is the tenth percentile
of its turns, which other programs on the machine disturb least; a ratio is one of these.  Every peer has a process of
its own, all of them on the same core, and gives the loss and the gradients that we give, to 1e-9, or is not timed.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from statistics import quantiles
from typing import Any, NamedTuple

from .batch_peers import BATCHERS, EAGER, EXACT, FAST, TWO_THREADS, ceiling
from .batches import CROSSOVER, batch_named
from .contest import Effort, Figure, Process, Spread, difference, progress
from .names import NAMERS
from .peers import Limit, Unfit

HOT, IN_TURNS, CEILING = "hot", "in turns", "of the ceiling"
FORWARD, FIRST = "all ÷ forward", "first result"
COLUMNS = (HOT, IN_TURNS, f"times ours, {HOT}", f"times ours, {IN_TURNS}", CEILING, FORWARD, FIRST)
C, NUMPY, JAX, TORCH = "C by hand", "NumPy by hand", "JAX, a batch", "PyTorch, a batch"
SHORT = 1e-3                    # seconds of a run of ours below which a turn is five of them
FEW = 3                         # turns, at least


class Target(NamedTuple):
    """How many times as long as `ours` a peer takes, at least; or what a single figure may be, at most."""

    batch: str
    peer: str
    column: str
    at_least: float | None = None
    at_most: float | None = None
    ours: str = EXACT


TARGETS = (
    Target("ten", EXACT, HOT, at_most=1e-6),
    Target("small", C, HOT, 1 / 1.6), Target("small", JAX, IN_TURNS, 7.0), Target("small", JAX, HOT, 3.5),
    Target("small", TORCH, IN_TURNS, 15.0), Target("small", NUMPY, IN_TURNS, 5.0),
    Target("middle", C, HOT, 1 / 1.4), Target("middle", JAX, IN_TURNS, 2.3), Target("middle", TORCH, IN_TURNS, 3.5),
    Target("tanh", NUMPY, IN_TURNS, 1.0), Target("tanh", JAX, IN_TURNS, 1.0),
    Target("large", TORCH, IN_TURNS, 1 / 1.1), Target("large", TORCH, IN_TURNS, 1.4, ours=FAST),
    Target("large", JAX, IN_TURNS, 1.4, ours=FAST),
    Target("largest", TORCH, IN_TURNS, 1.0, ours=FAST), Target("largest", JAX, IN_TURNS, 1.0, ours=FAST),
    Target("attention", TORCH, IN_TURNS, 2.0), Target("attention", EAGER, IN_TURNS, 50.0),
    Target("recurrent", TORCH, IN_TURNS, 2.0), Target("recurrent", EAGER, IN_TURNS, 50.0),
    Target("scalars", JAX, FIRST, 50.0),
    Target("small", EXACT, FIRST, at_most=0.05), Target("middle", EXACT, FIRST, at_most=0.3),
    Target("attention", EXACT, FIRST, at_most=0.3), Target("large", EXACT, FIRST, at_most=1.5),
    Target("largest", EXACT, FIRST, at_most=4.0), Target("graph", EXACT, FIRST, at_most=0.1),
    Target("rows", TWO_THREADS, HOT, at_most=1 / 1.4), Target("names", EXACT, HOT, at_most=30e-6),
)


def batch_figures(name: str, effort: Effort) -> list[Figure]:
    """All peers on one batch, and the targets that are aimed at it."""
    progress(f"batch-{name}: {batch_named(name).title}")
    figures = measured(name, effort)
    return figures + [aimed(target, figures) for target in TARGETS if target.batch == name]


def crossover_figures(effort: Effort) -> list[Figure]:
    """A step of networks of one hidden layer, by how many parameters they have."""
    found = []
    for name in CROSSOVER:
        progress(f"crossover: {batch_named(name).title}")
        found += [replace(row, group=f"crossover, {row.column}", column=f"{batch_named(name).parameters:,}")
                  for row in measured(name, effort) if row.column in (HOT, IN_TURNS)]
    return sorted(found, key=lambda row: row.group)


# ---- measuring --------------------------------------------------------------------------------------------


class Timed(NamedTuple):
    """A peer that gave the right answer; its process, and how long a run takes."""

    process: Any
    seconds: float


@cache
def measured(name: str, effort: Effort) -> list[Figure]:
    """Figures of all peers, each with a row of them; what was measured in this run is not measured again."""
    found: dict[str, dict[str, Figure]] = {peer: {} for peer in peers_of(name)}
    processes = {}
    try:
        for peer, row in found.items():
            progress(f"  {peer} gets ready")
            processes[peer] = Process(peer, f"batch-{name}", effort)
            hello = processes[peer].hello
            row[HOT] = figure(name, peer, HOT, note=hello.get("failed", ""), version=hello.get("version", ""))
            if "first" in hello:
                row[FIRST] = figure(name, peer, FIRST, Spread.of([hello["first"]]))
        ready = answered(found, processes, batch_named(name).shares)
        runs = 5 if ready and ready[EXACT].seconds < SHORT else 1
        for peer, timed in ready.items():
            progress(f"  {peer} in a loop of its own")
            take_alone(found[peer], name, peer, timed, runs, effort)
        progress(f"  all in turns, {runs} runs each")
        take_turns(found, name, ready, runs, effort)
    finally:
        for process in processes.values():
            process.close()
    add_shares(name, found)
    return [row[column] for row in found.values() for column in COLUMNS if column in row]


def peers_of(name: str) -> list[str]:
    """Who takes part; two threads are for the largest number of rows alone, and JAX compiles the graph for minutes."""
    few = {"rows": (EXACT, TWO_THREADS), "ten": (EXACT, FAST, EAGER), "graph": (EXACT, FAST, TORCH, EAGER),
           "names": NAMERS}
    return list(few.get(name, [peer for peer in BATCHERS if peer != TWO_THREADS]))


def figure(name: str, peer: str, column: str, amount: Spread | None = None, unit: str = "s", **more: Any) -> Figure:
    return Figure(f"batch-{name}", peer, unit, amount, column=column, **more)


def answered(found: dict[str, dict[str, Figure]], processes: dict[str, Any], shares: int) -> dict[str, Timed]:
    """Those whose loss and gradients are ours; the others have a note."""
    ready: dict[str, Timed] = {}
    ours = None
    for peer, row in found.items():
        if row[HOT].note:
            continue
        reply = processes[peer].ask({"answer": True})
        ours = reply if peer == EXACT else ours
        row[HOT].note = reply.get("failed") or difference(reply, ours)
        if row[HOT].note:
            continue
        reply = processes[peer].ask({"turns": FEW, "runs": 1, "what": "step"})
        row[HOT].note = reply.get("failed", "")
        if not row[HOT].note:
            ready[peer] = Timed(processes[peer], shares * min(reply["seconds"]))
    return ready if EXACT in ready else {}


def take_alone(row: dict[str, Figure], name: str, peer: str, timed: Timed, runs: int, effort: Effort) -> None:
    """Loss and gradients, and then the loss alone, each in a loop that nothing interrupts."""
    turns = turns_of(timed.seconds * runs, effort)
    for what, column in ("step", HOT), ("forward", FORWARD):
        reply = timed.process.ask({"turns": turns, "runs": runs, "what": what})
        if column == HOT:
            row[HOT].note = reply.get("failed", "")
            row[HOT].amount = None if row[HOT].note else percentile(reply["seconds"])
        elif "seconds" in reply and row[HOT].amount:
            forward = percentile(reply["seconds"]).middle
            row[FORWARD] = figure(name, peer, FORWARD, Spread.of([row[HOT].amount.middle / forward]), "x")


def take_turns(found: dict[str, dict[str, Figure]], name: str, ready: dict[str, Timed], runs: int,
               effort: Effort) -> None:
    """One turn of each after the other; who is slow has fewer."""
    turns = {peer: turns_of(timed.seconds * runs, effort) for peer, timed in ready.items()}
    seconds: dict[str, list[float]] = {peer: [] for peer in ready}
    for turn in range(max(turns.values(), default=0)):
        for peer, timed in ready.items():
            if turn < turns[peer]:
                reply = timed.process.ask({"turns": 1, "runs": runs, "what": "step"})
                seconds[peer] += reply.get("seconds", [])
    for peer, taken in seconds.items():
        if taken:
            found[peer][IN_TURNS] = figure(name, peer, IN_TURNS, percentile(taken))


def turns_of(seconds: float, effort: Effort) -> int:
    """How many turns of so many seconds there are."""
    return max(FEW, min(effort.turns, math.ceil(effort.turns * SHORT / max(seconds, 1e-9))))


def percentile(seconds: Sequence[float]) -> Spread:
    """The tenth percentile of the turns, between the least and the median."""
    tenth = quantiles(seconds, n=10, method="inclusive")[0] if len(seconds) > 1 else seconds[0]
    return Spread(tenth, min(seconds), Spread.of(seconds).middle)


def add_shares(name: str, found: dict[str, dict[str, Figure]]) -> None:
    """How many times ours each takes, and how much of what the processor can do at most."""
    batch, ours = batch_named(name), found[EXACT]
    for peer, row in found.items():
        for column in HOT, IN_TURNS:
            own, theirs = ours.get(column), row.get(column)
            if peer != EXACT and own and theirs and own.amount and theirs.amount:
                times = Spread.of([theirs.amount.middle / own.amount.middle])
                row[f"times ours, {column}"] = figure(name, peer, f"times ours, {column}", times, "x")
        if row[HOT].amount and batch.multiply_adds and (most := most_operations(BATCHERS[peer].contracts)):
            share = 2 * batch.multiply_adds / row[HOT].amount.middle / most
            row[CEILING] = figure(name, peer, CEILING, Spread.of([100 * share]), "%")


@cache
def most_operations(contracts: bool) -> float:
    """A second, by a loop in C; 0 where there is no compiler."""
    limit = Limit()
    try:
        limit.open()
    except Unfit:
        return 0.0
    return ceiling(limit.compiler, contracts)


# ---- targets ----------------------------------------------------------------------------------------------


def aimed(target: Target, figures: list[Figure]) -> Figure:
    """The figure that this target is about."""
    found = {(row.who, row.column): row for row in figures}
    group, nothing = f"batch-{target.batch}", figure(target.batch, "", "", note="no figure")
    theirs = found.get((target.peer, target.column), nothing)
    ours = theirs if target.at_most and target.peer == EXACT else found.get((target.ours, target.column), nothing)
    notes = [row.note or "no figure" for row in (theirs, ours) if not row.amount]
    if theirs is ours:
        return Figure(group, f"{target.peer}, {target.column}", "s", theirs.amount, at_most=target.at_most,
                      note="".join(notes[:1]))
    made = Figure(group, f"{target.peer} against {target.ours}, {target.column}", "x", at_least=target.at_least,
                  at_most=target.at_most, note="; ".join(notes))
    if not notes:
        made.amount = Spread.of([theirs.amount.middle / ours.amount.middle])
    return made

