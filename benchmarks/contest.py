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

from .peers import OURS, PEERS, Limit, Tape
from .worker import Reply
from .workloads import workload_named

ROOT = Path(__file__).resolve().parents[1]
START = f"import sys; sys.path.append({str(ROOT)!r}); from benchmarks.worker import main; main()"
ONE_THREAD = {
    "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}
MOST_RUNS = 100_000
AGREE = 1e-9                    # relative; and for what cancels, a thousandth of that of the largest gradient


class Effort(NamedTuple):
    """How much time the scoreboard takes: the settings of a run."""

    rounds: int
    batch: float                # seconds that one turn should take, at least
    patience: float             # seconds until a peer that does not answer is given up
    sizes: tuple[int, ...]      # nodes of chains and fans; only we and C take the last
    held: int                   # nodes whose memory is measured


FULL = Effort(7, 0.2, 300.0, (10_000, 100_000, 1_000_000, 10_000_000), 1_000_000)
QUICK = Effort(3, 0.02, 30.0, (1_000, 10_000, 100_000), 100_000)


class Spread(NamedTuple):
    """What the rounds gave."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, numbers: Sequence[float]) -> "Spread":
        return cls(median(numbers), min(numbers), max(numbers))


@dataclass
class Figure:
    """A row of the scoreboard: what one peer needed, and how many times as much as we did.

    A note says why there is no number.  A target stands beside its number and judges nothing.
    """

    group: str
    who: str
    unit: str
    amount: Spread | None = None
    ratio: Spread | None = None
    at_most: float | None = None            # the target of the amount
    ratio_at_least: float | None = None     # the target of the ratio
    note: str = ""
    version: str = ""


@dataclass
class Outcome:
    """The seconds of a run in each round, or in `note` why there are none."""

    seconds: list[float] = field(default_factory=list)
    note: str = ""
    version: str = ""
    answer: Reply | None = None


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# ---- processes ------------------------------------------------------------------------------------------


class Process:
    """An entrant in a process of its own, asked over a pipe.

    What is measured is the installed package: this folder comes last on the process's path.
    """

    def __init__(self, peer: str, workload: str, patience: float):
        self.patience = patience
        self.process = subprocess.Popen([sys.executable, "-P", "-c", START, peer, workload], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        env={**os.environ, **ONE_THREAD})
        self.hello = self.reply()

    def ask(self, request: Reply) -> Reply:
        try:
            print(json.dumps(request), file=self.process.stdin, flush=True)
        except BrokenPipeError:
            return {"failed": f"ended with exit code {self.process.wait()}"}
        return self.reply()

    def reply(self) -> Reply:
        """The next line it says; the process is ended where that takes too long."""
        given_up = threading.Event()

        def give_up() -> None:
            given_up.set()
            self.process.kill()
        timer = threading.Timer(self.patience, give_up)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        if given_up.is_set():
            return {"failed": f"no answer within {self.patience:g} s"}
        return json.loads(line) if line else {"failed": f"ended with exit code {self.process.wait()}"}

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


# ---- rounds ---------------------------------------------------------------------------------------------

Key = tuple[str, str]                       # a peer and a workload


def contest(keys: list[Key], effort: Effort, start: Callable[[str, str, float], Any] = Process) -> dict[Key, Outcome]:
    """The outcome of each entrant; ours stand first for each workload, for the others to be compared with."""
    outcomes = {key: Outcome() for key in keys}
    entrants, runs = {}, {}
    try:
        for key, outcome in outcomes.items():
            progress(f"  {': '.join(key)} gets ready")
            entrants[key] = start(*key, effort.patience)
            outcome.version, outcome.note = (entrants[key].hello.get(name, "") for name in ("version", "failed"))
            if not outcome.note:
                runs[key] = warmed_up(entrants[key], outcome, outcomes[OURS, key[1]], effort)
        for turn in range(effort.rounds):
            progress(f"  round {turn + 1} of {effort.rounds}")
            for key in list(keys)[::-1 if turn % 2 else 1]:             # who goes first alternates
                if not outcomes[key].note:
                    take_turn(entrants[key], runs[key], outcomes[key], outcomes[OURS, key[1]])
    finally:
        for entrant in entrants.values():
            entrant.close()
    return outcomes


def warmed_up(entrant: Any, outcome: Outcome, ours: Outcome, effort: Effort) -> int:
    """How many runs fill a turn; the runs made to find out are not counted."""
    runs = 1
    while not outcome.note:
        take_turn(entrant, runs, outcome, ours)
        seconds = outcome.seconds.pop() if outcome.seconds else effort.batch
        wanted = min(MOST_RUNS, math.ceil(effort.batch / max(seconds, 1e-9)))
        if wanted <= 4 * runs:
            return wanted
        runs = wanted
    return runs


def take_turn(entrant: Any, runs: int, outcome: Outcome, ours: Outcome) -> None:
    """Add the seconds of a run to the outcome, or in its note why there is none."""
    reply = entrant.ask({"runs": runs})
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
    smallest = AGREE / 1000 * max(map(abs, ours["gradients"]))
    for i, (x, y) in enumerate(zip(theirs["gradients"], ours["gradients"])):
        if not math.isclose(x, y, rel_tol=AGREE, abs_tol=smallest):
            return f"refused, wrong gradient {i}: {x!r}, not {y!r}"
    return ""


# ---- figures --------------------------------------------------------------------------------------------

AT_LEAST = {("network", "micrograd"): 200.0, ("readme", "micrograd"): 35.0, ("readme", "jax.jit"): 5.0,
            ("readme", "PyTorch"): 80.0, ("gpt", "plain Value"): 20.0}
FLAT = 1.5                      # the time of a node in the largest graph, against that in the smallest
NODE = 100.0                    # bytes


def workload_figures(name: str, effort: Effort) -> list[Figure]:
    """All peers on one workload."""
    progress(f"{name}: {workload_named(name).title}")
    return figures_of(contest([(peer, name) for peer in PEERS], effort))


def scaling_figures(kind: str, effort: Effort) -> list[Figure]:
    """Chains or fans of growing size, all sizes side by side, by the peers whose graph is made of nodes."""
    progress(f"{kind}s of {effort.sizes[0]:,} to {effort.sizes[-1]:,} nodes")
    graphs = [peer for peer in PEERS if isinstance(PEERS[peer], Tape | Limit)]
    few = [peer for peer in graphs if peer == OURS or isinstance(PEERS[peer], Limit)]
    names = [f"{kind}-{size}" for size in effort.sizes]
    keys = [(peer, name) for name in names for peer in (few if name == names[-1] else graphs)]
    outcomes = contest(keys, effort)
    figures = figures_of(outcomes)
    small, large = outcomes[OURS, names[0]], outcomes[OURS, names[-1]]
    growth = Figure(kind, f"time of a node, {effort.sizes[-1]:,} against {effort.sizes[0]:,}", "x", at_most=FLAT,
                    note=small.note or large.note)
    if not growth.note:
        per_node = effort.sizes[0] / effort.sizes[-1]
        growth.amount = Spread.of([b / a * per_node for a, b in zip(small.seconds, large.seconds)])
    return [*figures, growth]


def figures_of(outcomes: dict[Key, Outcome]) -> list[Figure]:
    figures = []
    for (peer, name), outcome in outcomes.items():
        figure = Figure(name, peer, "s", ratio_at_least=AT_LEAST.get((name, peer)), note=outcome.note,
                        version=outcome.version)
        if not outcome.note:
            figure.amount = Spread.of(outcome.seconds)
            ours = outcomes[OURS, name].seconds
            if peer != OURS and len(ours) == len(outcome.seconds):
                figure.ratio = Spread.of([theirs / our for theirs, our in zip(outcome.seconds, ours)])
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
            entrant = Process(peer, f"chain-{effort.held}", effort.patience)
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
