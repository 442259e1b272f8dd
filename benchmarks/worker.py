"""One peer and one workload in a process of their own, which runs when it is asked to.

Requests and replies are lines of JSON on the standard streams: `{"runs": 10}` is answered by the
seconds ten runs took, the result and the gradients; `{"memory": true}` by the bytes of a node.
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


def peers_for(workload: str) -> dict[str, Peer]:
    """The adapters by name that run what this name is of."""
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
        return or_failure(lambda: self.memory() if "memory" in request else self.times(request["runs"]))

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
    peer, workload = sys.argv[1:]
    entrant = Entrant(peers_for(workload)[peer], workload_named(workload))
    print(json.dumps(entrant.hello), file=replies, flush=True)
    for line in sys.stdin:
        print(json.dumps(entrant.ask(json.loads(line))), file=replies, flush=True)
