"""Random graphs: a plan of operations, drawn beforehand, that any engine carries out."""

import operator
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple


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


def carried_out(plan: Plan, leaves: list[Any], relu_of: Callable[[Any], Any]) -> Any:
    """The result of the plan with these leaves."""
    nodes: list[Any] = [*plan.numbers, *leaves]
    for operation, first, second in plan.steps:
        nodes.append(relu_of(nodes[first]) if operation is relu else operation(nodes[first], nodes[second]))
    return nodes[-1]
