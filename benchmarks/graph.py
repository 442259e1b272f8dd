"""One engine, timed on large random graphs: a script, so that every engine has a process of its own.

All engines are given the same plan of operations and run it with the same few lines of code.
`python benchmarks/graph.py micrograd` prints the times of one process as JSON.
"""

import argparse
import json
import math
import operator
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module, metadata
from random import Random
from typing import Any, NamedTuple

OPERATIONS = 10_000
GRAPHS = 30
STACK = 256 * 2**20         # bytes


class Engine(NamedTuple):
    """Where the Value class of an engine is, and how to get it."""

    package: str
    module: str
    install: str


ENGINES = {
    "tinygrad_edu": Engine("tinygrad-edu", "tinygrad_edu", "pip install ."),
    "micrograd": Engine("micrograd", "micrograd.engine", "pip install micrograd"),
}


# ---- the graph ------------------------------------------------------------------------------------


def relu(x: Any, _: Any) -> Any:
    return x.relu()


Step = tuple[Callable[[Any, Any], Any], int, int]


class Plan(NamedTuple):
    """What to compute: `width` plain numbers, as many leaves, then steps.

    A step is an operation and the places of its two operands, counted over the numbers, the
    leaves and the results of the steps before it.  relu looks at the first operand only.
    """

    numbers: list[float]
    leaves: list[float]
    steps: list[Step]


def random_plan(seed: int, operations: int) -> Plan:
    """A graph with fan-out, of exactly so many operations; the same for the same seed.

    Each step continues one of the open ends, so that nothing computed is left over, and a sum
    of the ends closes the graph.  Both engines make one node of each operation used here, and
    one of each plain number that an operation meets.
    """
    random = Random(seed)
    width = max(1, operations // 20)
    numbers, leaves = ([random.uniform(-1.0, 1.0) for _ in range(width)] for _ in range(2))
    steps: list[Step] = []
    ends = deque(range(width, 2 * width))
    for place in range(2 * width, width + operations + 1):
        random_end = random.randrange(width)
        steps.append(random_step(random, ends[random_end], width, place))
        ends[random_end] = place
    while len(ends) > 1:
        ends.append(2 * width + len(steps))
        steps.append((operator.add, ends.popleft(), ends.popleft()))
    return Plan(numbers, leaves, steps)


def random_step(random: Random, end: int, width: int, place: int) -> Step:
    """A step that continues `end`.

    Factors are leaves and plain numbers, all below 1, and never two results: that would square
    again and again, and no float is large enough for it.
    """
    number, leaf = random.randrange(width), random.randrange(width, 2 * width)
    earlier = random.randrange(width, place)
    choices: dict[Step, int] = {
        (operator.add, end, earlier): 4,
        (operator.mul, end, leaf): 3,
        (operator.add, end, number): 1,
        (operator.mul, number, end): 1,
        (relu, end, end): 1,
    }
    return random.choices(list(choices), list(choices.values()))[0]


def build(value: type, plan: Plan) -> tuple[Any, list[Any]]:
    """The graph in nodes of the class `value`: its result and its leaves."""
    leaves = [value(x) for x in plan.leaves]
    nodes: list[Any] = [*plan.numbers, *leaves]
    for operation, first, second in plan.steps:
        nodes.append(operation(nodes[first], nodes[second]))
    return nodes[-1], leaves


# ---- the times ------------------------------------------------------------------------------------


def forward_backward(value: type, plan: Plan) -> tuple[float, list[float]]:
    """Build the graph, go backward, let go of it; the result and the gradients of the leaves."""
    output, leaves = build(value, plan)
    output.backward()
    return output.data, [leaf.grad for leaf in leaves]


def measured(value: type, graphs: int, operations: int) -> dict[str, Any]:
    """Seconds per graph, and what came out: [result, sum of the leaves' gradients]."""
    seconds, results = [], []
    for seed in range(graphs):
        plan = random_plan(seed, operations)
        start = time.perf_counter()
        result, gradients = forward_backward(value, plan)
        seconds.append(time.perf_counter() - start)
        results.append([result, sum(gradients)])
    return {"seconds": seconds, "results": results}


def same_results(theirs: dict, ours: dict) -> bool:
    """Did both compute the same values and gradients, but for the order of additions?"""
    pairs = [pair for rows in zip(theirs["results"], ours["results"]) for pair in zip(*rows)]
    return all(math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-9) for x, y in pairs)


def with_deep_stack(work: Callable[..., Any], *arguments: Any) -> Any:
    """Call `work` where recursion may go deep, since some engines walk their graph that way."""
    threading.stack_size(STACK)
    sys.setrecursionlimit(1_000_000)
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(work, *arguments).result()


def value_class(engine: Engine) -> type:
    """The engine's Value; ends the process with the remedy where it is not installed."""
    try:
        return import_module(engine.module).Value
    except ModuleNotFoundError as error:
        if error.name != engine.module.split(".")[0]:
            raise
        sys.exit(f"not installed: {engine.install}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Time one engine on random graphs; prints JSON.")
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("--graphs", type=int, default=GRAPHS, help="how many, each with its own seed (%(default)s)")
    parser.add_argument("--operations", type=int, default=OPERATIONS, help="in each graph (%(default)s)")
    args = parser.parse_args()
    engine = ENGINES[args.engine]
    times = with_deep_stack(measured, value_class(engine), args.graphs, args.operations)
    print(json.dumps({"engine": args.engine, "version": metadata.version(engine.package), **times}))


if __name__ == "__main__":
    main()
