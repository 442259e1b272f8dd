"""The engine of the page "The engine in sixty lines" gives the real engines' bits, and its size is as the page says."""

import doctest
import random
import re
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import engines
import pytest

import tinygrad_edu as tg

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "sixty_lines.md").read_text(encoding="utf-8")
PROGRAM = "\n".join(re.findall(r"^```python\n(.*?)^```$", PAGE, re.S | re.M))
SPACES = {"as imported": lambda: tg, "pure": lambda: engines.pure()[0]}
OPERATIONS = {
    "add": lambda space, x, y: x + y,
    "sub": lambda space, x, y: x - y,
    "mul": lambda space, x, y: x * y,
    "div": lambda space, x, y: x / y,
    "neg": lambda space, x, y: -x,
    "exp": lambda space, x, y: space.exp(x),
    "log": lambda space, x, y: space.log(x),
    "relu": lambda space, x, y: space.relu(x),
    "maximum": lambda space, x, y: space.maximum(x, y),
}
NUMBERS = [0.0, -0.0, 1.0, -2.0, 0.25, 1e-310, -1e-310, 1e-200, 1e200, 700.0]


def program_of_the_page():
    """What the page's program defines, afresh: a namespace that a test may change."""
    scope = {"__name__": "sixty_lines"}
    exec(PROGRAM, scope)
    return scope


# ---- random graphs: a list of numbers, then operations on what is there already ----------------------------------


def drawn_number(rng):
    """A number of moderate size, a quarter (so that there are ties), or one of those where trouble is likely."""
    return rng.choice([rng.uniform(-3, 3), rng.uniform(-3, 3), rng.randint(-8, 8) / 4, rng.choice(NUMBERS)])


def applied(space, nodes, step):
    name, *places = step
    return OPERATIONS[name](space, *[nodes[i] if isinstance(i, int) else i for i in places])


@cache
def graph(seed):
    """(leaves, steps, the nodes that backward starts from): every value of it is finite."""
    rng = random.Random(seed)
    space = SimpleNamespace(**program_of_the_page())
    leaves = [drawn_number(rng) for _ in range(rng.randint(1, 5))]
    nodes, steps, size = [space.Value(x) for x in leaves], [], rng.randint(2, 40)
    while len(steps) < size:
        first = rng.randrange(len(nodes))
        second = rng.choice([first, float(drawn_number(rng)), *[rng.randrange(len(nodes)) for _ in range(4)]])
        step = (rng.choice(list(OPERATIONS)), first, second)
        if isinstance(second, float) and rng.random() < 0.5:
            step = (rng.choice(["add", "sub", "mul", "div"]), second, first)
        try:
            node = applied(space, nodes, step)
        except (ArithmeticError, ValueError):
            continue
        if node.data - node.data == 0:
            nodes.append(node)
            steps.append(step)
    starts = [len(nodes) - 1, rng.randrange(len(nodes)), len(nodes) - 1, rng.randrange(len(nodes))]
    return leaves, steps, starts[:rng.randint(2, 4)]


def bits(space, seed):
    """Every value, and after each of its calls of `backward` every gradient, as exact text."""
    leaves, steps, starts = graph(seed)
    nodes = [space.Value(x) for x in leaves]
    for step in steps:
        nodes.append(applied(space, nodes, step))
    seen = [node.data.hex() for node in nodes]
    for start in starts:
        nodes[start].backward()
        seen += [node.grad.hex() for node in nodes]
    return seen


def in_the_engine(space, seed):
    with space.errstate(all="ignore"):              # infinite slopes are compared too
        return bits(space, seed)


# ---- the tests -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SPACES)
def test_a_thousand_random_graphs_have_the_engines_bits(name):
    space, page = SPACES[name](), SimpleNamespace(**program_of_the_page())
    for seed in range(1000):
        assert bits(page, seed) == in_the_engine(space, seed), seed


def test_the_graphs_hold_what_they_are_to_prove():
    graphs = [graph(seed) for seed in range(1000)]
    steps = [step for _, steps, _ in graphs for step in steps]
    assert {name for name, *_ in steps} == set(OPERATIONS) == set(program_of_the_page()["RULES"])
    for name in "add", "sub", "mul", "div", "maximum":
        assert sum(step[0] == name and step[1] == step[2] for step in steps) > 50, f"{name} of a node and itself"
    assert sum(isinstance(place, float) for step in steps for place in step) > 1000
    assert sum(len(set(starts)) < len(starts) for _, _, starts in graphs) > 200, "backward twice from one node"


# ---- a wrong engine does not go unseen -----------------------------------------------------------------------------


def other_slope_of_division(scope):
    scope["RULES"]["div"] = lambda x, y: (x / y, (1 / y, -x / (y * y)))


def tie_to_the_first(scope):
    larger = scope["RULES"]["maximum"]
    scope["RULES"]["maximum"] = lambda x, y: (larger(x, y)[0], (1.0, 0.0) if x >= y else (0.0, 1.0))


def slope_of_relu_at_0(scope):
    scope["RULES"]["relu"] = lambda x: (max(x, 0.0), (float(x >= 0),))


def edges_not_taken_are_walked(scope):
    scope["CHOOSING"].clear()


def one_edge_for_x_op_x(scope):
    record = scope["record"]

    def forgetful(op, *inputs):
        node = record(op, *inputs)
        node.edges = list(dict(node.edges).items())
        return node
    scope["record"] = forgetful


def edges_first_to_last(scope):
    record = scope["record"]

    def turned(op, *inputs):
        node = record(op, *inputs)
        node.edges = node.edges[::-1]
        return node
    scope["record"] = turned


def order_of_making(scope):
    order = scope["topological_order"]
    record, made = scope["record"], []

    def noted(op, *inputs):
        made.append(record(op, *inputs))
        return made[-1]

    def as_made(result):
        nodes = order(result)
        return [node for node in nodes if not node.edges] + [node for node in made if node in nodes]
    scope.update(record=noted, topological_order=as_made)


def exp_of_base_2(scope):
    scope["RULES"]["exp"] = lambda x: (2.0 ** (x * 1.4426950408889634), (2.0 ** (x * 1.4426950408889634),))


@pytest.mark.parametrize("plant", [
    other_slope_of_division, tie_to_the_first, slope_of_relu_at_0, edges_not_taken_are_walked, one_edge_for_x_op_x,
    edges_first_to_last, order_of_making, exp_of_base_2], ids=lambda plant: plant.__name__)
def test_a_wrong_engine_is_caught(plant):
    scope = program_of_the_page()
    plant(scope)
    wrong = SimpleNamespace(**scope)
    assert any(bits(wrong, seed) != in_the_engine(tg, seed) for seed in range(1000))


# ---- what the page says of itself ----------------------------------------------------------------------------------


def test_the_program_is_as_long_as_the_page_says():
    lines = [line for line in PROGRAM.splitlines() if line.strip()]
    assert f"one program of {len(lines)} lines, blank ones not counted" in " ".join(PAGE.split())
    assert 55 <= len(lines) <= 65


def test_the_finished_examples_run_on_the_real_engine_unchanged():
    finished = PAGE.split("## It works")[1].split("## The same numbers")[0]
    names = {name: getattr(tg, name) for name in ("Value", "exp", "log", "maximum", "relu")}
    examples = doctest.DocTestParser().get_doctest(
        "\n".join(re.findall(r"^```pycon\n(.*?)^```$", finished, re.S | re.M)), names, "sixty_lines", None, 0)
    assert doctest.DocTestRunner().run(examples) == (0, 9)
