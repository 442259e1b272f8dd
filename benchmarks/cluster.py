"""The command `python -m benchmarks.cluster`: what `fit` costs on workers of a Dask cluster of this machine.

A network of 784-512-10 learns from rows of 784 numbers, in batches.  By turns a step is taken with one worker, with
two, and without a client by one thread and by two.  Each of the workers has one thread, and the shards are the same for
both clusters.  The learning rate is 0, so all of them take each step from the same numbers, and the gradients by one
worker and by two are compared, bit by bit.  The constants are those of Dask: what a call costs that does nothing, and
what one costs that sends parameters and gets gradients.
"""

import argparse
import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

from .__main__ import load, machine
from .contest import Spread, progress, ratios

SIZES = 784, 512, 10
WORKERS = {"1 worker": 1, "2 workers": 2, "no client": 0}
CALLS = 200


class Nothing:
    """An actor for calls that do no work."""

    def nothing(self) -> None:
        pass

    def back(self, parameters: Any, shards: int) -> list[Any]:
        """As many arrays as a step gives back for so many shards."""
        return [parameters] * shards


def examples(rows: int) -> tuple[list[list[float]], list[int]]:
    """Rows like those of digits: each number is one of 17, which all rows share, so that memory holds them."""
    import numpy
    random, level = numpy.random.default_rng(0), [k / 16 for k in range(17)]
    inputs = [[level[k] for k in random.integers(17, size=SIZES[0]).tolist()] for _ in range(rows)]
    return inputs, random.integers(SIZES[-1], size=rows).tolist()


def seconds_of(work: Callable, *arguments: Any) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work(*arguments)
    return time.perf_counter() - start, result


def client_of(stack: ExitStack, workers: int) -> Any:
    """A client of a new cluster of this machine, with one thread for each worker."""
    from distributed import Client, LocalCluster
    cluster = stack.enter_context(LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, memory_limit=0,
                                               dashboard_address=":0"))
    return stack.enter_context(Client(cluster, direct_to_workers=True))


# ---- steps ------------------------------------------------------------------------------------------------


def training(model: Any, rows: Any, batch_size: int, client: Any) -> Any:
    """A run of fit on the model, ready for its second step."""
    from tinygrad_edu import SGD
    from tinygrad_edu.learn.fit import Training
    run = Training(model, *rows, epochs=1, batch_size=batch_size, optimizer=SGD(model.parameters(), lr=0.0),
                   compiled=True, client=client)
    model.train()
    run.one_step(list(range(64)))
    return run


def steps(rows: int, batch_size: int, rounds: int) -> dict[str, Any]:
    """The seconds of the steps of each contestant and until it was ready, and whether all bits were equal."""
    from tinygrad_edu import MLP
    progress(f"{rows} rows of {SIZES[0]} numbers")
    given = examples(rows)
    model = MLP(SIZES[0], SIZES[1:], rng=0)
    found: dict[str, Any] = {"ready": {}, "steps": {}, "equal": True}
    with ExitStack() as stack:
        runs = {}
        for name, workers in WORKERS.items():
            client = client_of(stack, workers) if workers else None
            found["ready"][name], runs[name] = seconds_of(training, model, given, batch_size, client)
            progress(f"  {name} ready after {found['ready'][name]:.1f} s")
        array = runs["no client"].gradients.program.program.array
        contestants = by_threads(runs)
        found["steps"] = {name: [] for name in contestants}
        order = Random(0).sample(range(rows), rows)
        for k in range(rounds):
            batch = [order[(k * batch_size + i) % rows] for i in range(batch_size)]
            gradients = {}
            for name in [*contestants][k % 4:] + [*contestants][:k % 4]:         # each is the first in its turn
                found["steps"][name].append(seconds_of(contestants[name], batch)[0])
                gradients[name] = array.grad.tobytes()
            found["equal"] &= gradients["1 worker"] == gradients["2 workers"]
            progress("  " + ", ".join(f"{name} {times[-1]:.2f} s" for name, times in found["steps"].items()))
    return found


def by_threads(runs: dict[str, Any]) -> dict[str, Callable]:
    """The steps of these runs, that without a client by one thread and by two."""
    run = runs.pop("no client")
    program = run.gradients.program.program
    one = program.machines.copy()
    program.options["threads"] = 2
    program.machines.clear()
    run.one_step(list(range(64)))
    two = program.machines.copy()

    def step(machines: dict[Any, Any], batch: list[int]) -> None:
        program.machines.update(machines)
        run.one_step(batch)
    return {name: each.one_step for name, each in runs.items()} | {
        "no client, 1 thread": partial(step, one), "no client, 2 threads": partial(step, two)}


# ---- constants ----------------------------------------------------------------------------------------------


def calls() -> dict[str, list[float]]:
    """Seconds of calls: of one that does nothing, and of one with the parameters there and four gradients back."""
    import numpy
    found: dict[str, list[float]] = {"a call that does nothing": [], "a task of Dask that does nothing": [],
                                     "parameters there, 4 gradients back": []}
    with ExitStack() as stack:
        client = client_of(stack, 1)
        actor = client.submit(Nothing, actor=True).result()
        parameters = numpy.zeros(sum((n + 1) * m for n, m in pairwise(SIZES)))
        for k in range(CALLS):
            found["a call that does nothing"].append(seconds_of(lambda: actor.nothing().result())[0])
            if k % 10 == 0:
                found["a task of Dask that does nothing"].append(
                    seconds_of(lambda: client.submit(int, pure=False).result())[0])
                found["parameters there, 4 gradients back"].append(
                    seconds_of(lambda: actor.back(parameters, 4).result())[0])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--batch-size", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures there, too")
    args = parser.parse_args()
    found = steps(args.rows, args.batch_size, args.rounds)
    spreads = {name: Spread.of(times) for name, times in (found["steps"] | calls()).items()}
    one = found["steps"]["1 worker"]
    board = {"command": "python -m benchmarks.cluster", "machine": machine(), "rows": args.rows,
             "batch size": args.batch_size, "rounds": args.rounds, "same bits": found["equal"],
             "load": load(), "seconds": spreads, "seconds until ready": found["ready"],
             "times as fast as 1 worker": {name: ratios(one, times) for name, times in found["steps"].items()}}
    print(json.dumps(board, indent=1))
    if args.json:
        args.json.write_text(json.dumps(board, indent=1) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
