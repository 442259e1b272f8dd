"""One peer and one workload in a process of their own, which runs when it is asked to.

Requests and replies are lines of JSON on the standard streams: `{"runs": 10}` is answered by the
seconds ten runs took, the result and the gradients; `{"memory": true}` by the bytes of a node.  A batch of rows is
asked for `{"answer": true}`, and for `{"turns": 100, "runs": 5, "what": "step"}`: the seconds of a run, turn by turn;
who trains on digits for `{"seed": 3}`: the share of right answers, and the seconds.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .peers import PEERS, Peer, Unfit
from .script import SCRIPTS
from .training import TRAINERS
from .workloads import TRAINING, Workload, workload_named

Reply = dict[str, Any]
BATCH, BY_SEED = "batch-", "digits by seed"


def peers_for(workload: str) -> dict[str, Peer]:
    """The adapters by name that run what this name is of."""
    if workload.startswith(BATCH):
        from .batch_peers import BATCHERS  # and numpy with them, which processes of others are spared
        from .names import NAMERS
        return NAMERS if workload == f"{BATCH}names" else BATCHERS
    if workload == BY_SEED:
        from .digits import LEARNERS
        return LEARNERS
    return TRAINERS if workload in TRAINING else SCRIPTS if workload.startswith("script-") else PEERS


class Entrant:
    """A peer made ready for a workload; `hello` is its version, or why it cannot take part."""

    def __init__(self, peer: Peer, workload: Workload):
        self.peer, self.workload = peer, workload
        self.hello = or_failure(self.prepared)

    def prepared(self) -> Reply:
        self.peer.open()
        self.peer.ready(self.workload)
        return {"version": self.peer.version()}

    def ask(self, request: Reply) -> Reply:
        return or_failure(lambda: self.answered(request))

    def answered(self, request: Reply) -> Reply:
        return self.memory() if "memory" in request else self.times(request["runs"])

    def times(self, runs: int) -> Reply:
        if self.workload.large:         # a virtual machine takes its time to find memory it was not asked for lately
            self.peer.timed(self.workload.numbers, 1)
        seconds, (result, gradients) = self.peer.timed(self.workload.numbers, runs)
        return {"seconds": seconds / runs, "result": result, "gradients": gradients}

    def memory(self) -> Reply:
        """By how much the process has grown, for each node of the graph it then holds."""
        leaves = self.peer.leaves(self.workload.numbers)
        before = resident()
        output = self.workload.program(self.peer, leaves)
        grown = resident() - before
        return {"bytes": grown / self.workload.data[0], "result": float(output.data)}


class BatchEntrant(Entrant):
    """The same for a batch of rows, on one core if it has one thread; `hello` has the seconds to its first result."""

    def prepared(self) -> Reply:
        if self.peer.threads == 1 and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        return {**super().prepared(), "first": self.peer.first}

    def answered(self, request: Reply) -> Reply:
        if "answer" in request:
            result, gradients = self.peer.answer()
            return {"result": result, "gradients": gradients}
        return {"seconds": self.peer.turns(request["what"], request["turns"], request["runs"])}


class Learner(Entrant):
    """A peer that trains on digits with the seed it is asked for."""

    def prepared(self) -> Reply:
        self.peer.open()
        return {"version": self.peer.version()}

    def answered(self, request: Reply) -> Reply:
        right, seconds = self.peer.learned(request["seed"])
        return {"right": right, "seconds": seconds}


def entrant_for(peer: str, workload: str) -> Entrant:
    if workload == BY_SEED:
        return Learner(peers_for(workload)[peer], None)
    if workload.startswith(BATCH):
        from .batches import batch_named
        return BatchEntrant(peers_for(workload)[peer], batch_named(workload.removeprefix(BATCH)))
    return Entrant(peers_for(workload)[peer], workload_named(workload))


def or_failure(work: Callable[[], Reply]) -> Reply:
    """What `work` returns, or {"failed": why}."""
    try:
        return work()
    except Unfit as reason:
        return {"failed": str(reason)}
    except Exception as error:
        return {"failed": f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"}


def resident() -> int:
    """The bytes of memory this process has in use."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except FileNotFoundError:
        raise Unfit("measured where there is /proc, on Linux") from None
    return pages * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)                           # what a library prints is no reply
    sys.setrecursionlimit(100_000_000)      # some engines walk their graph by recursion
    entrant = entrant_for(*sys.argv[1:])
    print(json.dumps(entrant.hello), file=replies, flush=True)
    for line in sys.stdin:
        print(json.dumps(entrant.ask(json.loads(line))), file=replies, flush=True)
