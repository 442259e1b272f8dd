"""Runs the peers side by side: all are ready, and round by round each has its turn.

So a slow moment of the machine falls on all alike, and a ratio compares the times of one round.
Nobody is timed for wrong work: every result and every gradient is compared with ours.
"""

import json
import math
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from . import ROOT
from .peers import GPTS, OURS, PEERS, PURE, Limit, Tape
from .script import SCRIPTS, STEPS, THEIRS
from .worker import Reply, peers_for
from .workloads import workload_named

START = f"import sys; sys.path.append({str(ROOT)!r}); from benchmarks.worker import main; main()"
ONE_THREAD = {
    "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}
MOST_RUNS = 1_000_000
LONG = 2.0                      # seconds of a run from which on a peer has few turns
AGREE = 1e-9                    # relative; and for what cancels, a thousandth of that of the largest gradient


class Effort(NamedTuple):
    """How much time the scoreboard takes: the settings of a run."""

    rounds: int
    few: int                    # rounds for a peer that is slow
    batch: float                # seconds that one turn should take, at least
    start: float                # seconds until a peer that is not ready, compiling included, is given up
    patience: float             # seconds until one that does not answer is
    sizes: tuple[int, ...]      # nodes of chains and fans; only we and C take the last
    held: int                   # nodes whose memory is measured
    turns: int                  # short ones, of batches of rows


FULL = Effort(5, 2, 0.2, 30.0, 120.0, (10_000, 1_000_000, 10_000_000), 1_000_000, 400)
QUICK = Effort(3, 1, 0.02, 15.0, 60.0, (1_000, 10_000, 100_000), 100_000, 50)


class Spread(NamedTuple):
    """What the rounds gave: their median, or what stands for it, and how far they lie apart."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, numbers: Sequence[float]) -> "Spread":
        return cls(median(numbers), min(numbers), max(numbers))


def ratios(theirs: Sequence[float], ours: Sequence[float]) -> Spread:
    """The times of the same rounds, divided; one of the two may have ended earlier."""
    return Spread.of([x / y for x, y in zip(theirs, ours)])


@dataclass
class Figure:
    """A row of the scoreboard: what one peer needed, and how many times as much as we did.

    A note says why there is no number, or that it is of fewer turns.  A target stands beside its
    number and judges nothing.
    """

    group: str
    who: str
    unit: str
    amount: Spread | None = None
    ratio: Spread | None = None
    at_most: float | None = None            # the target of the amount,
    at_least: float | None = None           # or this
    ratio_at_least: float | None = None     # the target of the ratio
    note: str = ""
    version: str = ""
    column: str = ""                        # of a table that has several for each peer


@dataclass
class Outcome:
    """The seconds of a run in each round, or in `note` why there are none; `runs` fill one of so many turns."""

    seconds: list[float] = field(default_factory=list)
    note: str = ""
    version: str = ""
    answer: Reply | None = None
    runs: int = 1
    turns: int = 0


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# ---- processes ------------------------------------------------------------------------------------------


class Process:
    """An entrant in a process of its own, asked over a pipe.

    What is measured is the installed package: this folder comes last on the process's path.
    """

    def __init__(self, peer: str, workload: str, effort: Effort):
        self.patience = effort.patience
        self.process = subprocess.Popen([sys.executable, "-P", "-c", START, peer, workload], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        env={**os.environ, **ONE_THREAD, **peers_for(workload)[peer].settings})
        self.hello = self.reply(effort.start)

    def ask(self, request: Reply) -> Reply:
        try:
            print(json.dumps(request), file=self.process.stdin, flush=True)
        except OSError:                                     # the pipe is broken
            return {"failed": f"ended with exit code {self.process.wait()}"}
        return self.reply(self.patience)

    def reply(self, patience: float) -> Reply:
        """The next line it says; the process is ended where that takes too long."""
        given_up = threading.Event()

        def give_up() -> None:
            given_up.set()
            self.process.kill()
        timer = threading.Timer(patience, give_up)
        timer.start()
        try:
            line = self.process.stdout.readline()
        finally:
            timer.cancel()
        if given_up.is_set():
            return {"failed": f"no answer within {patience:g} s"}
        return json.loads(line) if line else {"failed": f"ended with exit code {self.process.wait()}"}

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


# ---- rounds ---------------------------------------------------------------------------------------------

Key = tuple[str, str]                       # a peer and a workload


def contest(keys: list[Key], effort: Effort, start: Callable[[str, str, Effort], Any] = Process) -> dict[Key, Outcome]:
    """The outcome of each entrant; ours stand first for each workload, for the others to be compared with."""
    outcomes = {key: Outcome() for key in keys}
    entrants = {}
    try:
        for key, outcome in outcomes.items():
            progress(f"  {': '.join(key)} gets ready")
            entrants[key] = start(*key, effort)
            outcome.version, outcome.note = (entrants[key].hello.get(name, "") for name in ("version", "failed"))
            if not outcome.note:
                warm_up(entrants[key], outcome, outcomes[OURS, key[1]], effort)
        for turn in range(effort.rounds):
            progress(f"  round {turn + 1} of {effort.rounds}")
            for key in list(keys)[::-1 if turn % 2 else 1]:             # who goes first alternates
                if turn < outcomes[key].turns and not outcomes[key].note:
                    take_turn(entrants[key], outcomes[key], outcomes[OURS, key[1]])
    finally:
        for entrant in entrants.values():
            entrant.close()
    return outcomes


def warm_up(entrant: Any, outcome: Outcome, ours: Outcome, effort: Effort) -> None:
    """Find how many runs fill a turn, and how many turns there are; what is run for that is not counted."""
    enough = False
    while not (enough or outcome.note):
        take_turn(entrant, outcome, ours)
        seconds = outcome.seconds.pop() if outcome.seconds else effort.batch
        wanted = min(MOST_RUNS, math.ceil(effort.batch / max(seconds, 1e-9)))
        enough = wanted <= 4 * outcome.runs
        outcome.runs, outcome.turns = wanted, effort.few if seconds > LONG else effort.rounds


def take_turn(entrant: Any, outcome: Outcome, ours: Outcome) -> None:
    """Add the seconds of a run to the outcome, or in its note why there is none."""
    reply = entrant.ask({"runs": outcome.runs})
    outcome.answer = outcome.answer or reply
    outcome.note = reply.get("failed") or difference(reply, ours.answer)
    if not outcome.note:
        outcome.seconds.append(reply["seconds"])


def difference(theirs: Reply, ours: Reply | None) -> str:
    """What is wrong with their result or a gradient of theirs; "" where they are ours."""
    if ours is None or "failed" in ours:
        return "not timed: we gave no answer to compare with"
    if not math.isclose(theirs["result"], ours["result"], rel_tol=AGREE):
        return f"refused, wrong result: {theirs['result']!r}, not {ours['result']!r}"
    if len(theirs["gradients"]) != len(ours["gradients"]):
        return f"refused: {len(theirs['gradients'])} gradients, not {len(ours['gradients'])}"
    smallest = AGREE / 1000 * max(map(abs, ours["gradients"]), default=0.0)
    for i, (x, y) in enumerate(zip(theirs["gradients"], ours["gradients"])):
        if not math.isclose(x, y, rel_tol=AGREE, abs_tol=smallest):
            return f"refused, wrong gradient {i}: {x!r}, not {y!r}"
    return ""


# ---- figures --------------------------------------------------------------------------------------------

AT_LEAST = {                    # {(workload, peer): how many times our time}
    ("network", "micrograd"): 270.0, ("readme", "micrograd"): 55.0, ("readme", "jax.jit"): 5.0,
    ("readme", "PyTorch"): 80.0, ("gpt", GPTS): 22.0, ("script", THEIRS): 19.0,
}
PURE_AT_LEAST = {"readme": ("micrograd", 1.8), "gpt": ("plain Value", 1.0)}     # the same of the pure engine's time
SINGLE = {"x.relu()": 30e-9, "x.exp()": 30e-9, "x.log()": 30e-9, "x**-0.5": 50e-9, "tg.tanh(x)": 60e-9}    # seconds
FLAT = 1.5                      # the time of a node in the largest graph, against that in the smallest
NODE = 100.0                    # bytes


def workload_figures(name: str, effort: Effort) -> list[Figure]:
    """All peers on one workload."""
    progress(f"{name}: {workload_named(name).title}")
    outcomes = contest([(peer, name) for peer in peers_for(name)], effort)
    figures = figures_of(outcomes)
    if name in PURE_AT_LEAST:
        peer, target = PURE_AT_LEAST[name]
        theirs, pures = outcomes[peer, name], outcomes[PURE, name]
        figure = Figure(name, f"{peer} against {PURE}", "x", at_least=target, note=theirs.note or pures.note)
        if not figure.note:
            figure.amount = ratios(theirs.seconds, pures.seconds)
        figures.append(figure)
    return figures


def script_figures(path: Path, effort: Effort) -> list[Figure]:
    """The GPT of this file with its own class and with ours; the times are those of a step."""
    progress(f"script: {path.name}")
    figures = figures_of(contest([(peer, f"script-{path}") for peer in SCRIPTS], effort))
    for figure in figures:
        figure.group, figure.ratio_at_least = "script", AT_LEAST.get(("script", figure.who))
        if figure.amount:
            figure.amount = Spread(*(seconds / STEPS for seconds in figure.amount))
    return figures


def single_figures(effort: Effort) -> list[Figure]:
    """Single operations, by the peers that have them."""
    progress(f"single: {', '.join(SINGLE)}")
    names = [f"single-{text}" for text in SINGLE]
    found = figures_of(contest([(peer, name) for name in names for peer in (OURS, PURE, GPTS, "micrograd")], effort))
    figures = [figure for figure in found if figure.who == OURS or not figure.note.startswith("AttributeError")]
    for figure in figures:
        text = figure.group.removeprefix("single-")
        figure.at_most = SINGLE[text] if figure.who == OURS else None
        figure.group, figure.who = "single", f"{text}: {figure.who}"
    return figures


def scaling_figures(kind: str, effort: Effort) -> list[Figure]:
    """Chains or fans by the peers whose graph is made of nodes, and then how the time of a node grows."""
    *sizes, largest = effort.sizes
    progress(f"{kind}s of {' and '.join(f'{size:,}' for size in sizes)} nodes")
    graphs = [peer for peer in PEERS if isinstance(PEERS[peer], Tape | Limit)]
    figures = figures_of(contest([(peer, f"{kind}-{size}") for size in sizes for peer in graphs], effort))
    return figures + growth_figures(kind, sizes[0], largest, effort)


def growth_figures(kind: str, small: int, large: int, effort: Effort) -> list[Figure]:
    """The time of a node in a small graph and in a large one, in turns within a round, by us and by C."""
    progress(f"{kind}s of {small:,} and of {large:,} nodes in turns")
    grown = [peer for peer in PEERS if peer == OURS or isinstance(PEERS[peer], Limit)]
    outcomes = contest([(peer, f"{kind}-{size}") for peer in grown for size in (small, large)], effort)
    figures = []
    for peer in grown:
        found = {size: outcomes[peer, f"{kind}-{size}"] for size in (small, large)}
        note = found[small].note or found[large].note
        rows = [Figure(kind, f"{peer}: a node of {size:,}", "s", note=note) for size in found]
        rows.append(Figure(kind, f"{peer}: time of a node, {large:,} against {small:,}", "x", note=note,
                           at_most=FLAT if peer == OURS else None))
        if not note:
            each = [[seconds / size for seconds in found[size].seconds] for size in found]
            rows[0].amount, rows[1].amount, rows[2].amount = *map(Spread.of, each), ratios(each[1], each[0])
        figures += rows
    return figures


def figures_of(outcomes: dict[Key, Outcome]) -> list[Figure]:
    figures = []
    for (peer, name), outcome in outcomes.items():
        figure = Figure(name, peer, "s", ratio_at_least=AT_LEAST.get((name, peer)), note=outcome.note,
                        version=outcome.version)
        if not outcome.note:
            figure.amount = Spread.of(outcome.seconds)
            ours = outcomes[OURS, name].seconds
            if peer != OURS and len(ours) >= len(outcome.seconds):
                figure.ratio = ratios(outcome.seconds, ours)
            if len(outcome.seconds) < len(ours):
                figure.note = f"{len(outcome.seconds)} of {len(ours)} rounds"
        figures.append(figure)
    return figures


def memory_figures(effort: Effort) -> list[Figure]:
    """The bytes of a node with two parents: by how much a process grows with a chain, a new process each time."""
    progress(f"memory: {effort.held:,} nodes held")
    figures = []
    for peer in PEERS:
        if not isinstance(PEERS[peer], Tape):
            continue
        figure = Figure("memory", peer, "bytes", at_most=NODE if peer == OURS else None)
        bytes_each = []
        for _ in range(3):
            entrant = Process(peer, f"chain-{effort.held}", effort)
            reply = entrant.hello if "failed" in entrant.hello else entrant.ask({"memory": True})
            entrant.close()
            figure.note, figure.version = reply.get("failed", ""), entrant.hello.get("version", "")
            if figure.note:
                break
            bytes_each.append(reply["bytes"])
        if not figure.note:
            figure.amount = Spread.of(bytes_each)
        figures.append(figure)
    return figures
