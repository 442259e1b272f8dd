"""The bug models: each shows on the smallest graph there is, its right numbers are right, and the numbers tell them apart."""

import ast
import itertools
import math
import random
import subprocess
import sys
from collections import defaultdict
from fractions import Fraction
from functools import partial

import pytest
from command import run

import tinygrad_edu as tg
from tinygrad_edu.classroom.faults import programs
from tinygrad_edu.classroom.faults.model import outcome
from tinygrad_edu.classroom.faults.models import MODELS, attempt, matching
from tinygrad_edu.classroom.faults.small import Value, gradients
from tinygrad_edu.classroom.graphs import Line, SmallGraph
from tinygrad_edu.engine.errors import NotRationalError

ALL = list(MODELS.values())
ENGINES = [model for model in ALL if model.engine]
LONG = {"deep-recursion": 1001, "path-by-path": 23}             # nodes, where the size of the graph is the fault
NEED_MORE = {*LONG, "second-backward", "shared-node", "dead-branch", "overflow"}    # than one pass over a usual graph
ONE_PASS = [model for model in ENGINES if model.name not in NEED_MORE]
MOST_NODES = {                                                  # of the smallest graph; 2 where nothing is said
    "accumulate-unary": 3, "upstream": 3, "recursion": 3, "preorder": 4, "breadth-first": 4, "forward-order": 3,
    "merged-by-value": 3, "in-place": 5, "second-backward": 5, "shared-node": 5, "dead-branch": 3, "mul-grad": 3,
    "add-second": 3, "mul-own-factor": 3, "product-of-derivatives": 3, "sub-sign": 3, "div-sign": 3,
    "div-not-squared": 3, "div-divisor-ignored": 3, "pow-exponent": 3, "reflected-sub": 3, "reflected-div": 3, **LONG}
OF_ONE_OPERATION = {model.name for model in ENGINES if not isinstance(model.code, type)} | {"mul-grad"}


def named(models):
    return pytest.mark.parametrize("model", models, ids=lambda model: model.name)


# ---- the numbers ---------------------------------------------------------------------------------------


def test_there_are_more_than_forty_of_all_kinds():
    assert len(ALL) >= 40
    assert {model.kind for model in ALL} == {"engine", "optimizer", "training", "layer"}


@named(ALL)
def test_wrong_numbers_differ_from_right_ones(model):
    assert model.right != model.wrong and isinstance(model.right, dict)


@named(ALL)
def test_a_model_says_what_it_is_and_asks_instead_of_answering(model):
    assert model.hint.endswith("?") and model.title not in model.hint
    assert [other.name for other in ALL if other.title == model.title] == [model.name]


@named([model for model in ENGINES if model.name != "path-by-path"])
def test_right_numbers_are_those_of_the_engines_of_the_package(model):
    made = model.graph.values()
    for name in model.calls or [model.graph.output]:
        made[name].backward()
    for name, grad in model.right.items():
        assert math.isclose(made[name].grad, grad, rel_tol=1e-14), name


@named([model for model in ENGINES if model.name not in LONG and not model.calls])
def test_right_numbers_are_the_exact_ones(model):
    try:
        exact = tg.exact(model.graph.values()[model.graph.output])
    except NotRationalError:
        assert {*model.ops} & {"tanh", "sigmoid", "exp", "log", "pow"}
        return
    assert {name: exact[name] for name in model.graph.at} == model.right


def test_the_right_engine_visits_each_node_once():
    model = MODELS["path-by-path"]
    nodes = model.graph.size
    assert model.right == {"visits": nodes} and model.wrong == {"visits": 2 ** nodes - 1}


def test_small_graphs_stay_exact_where_all_is_rational():
    graph = SmallGraph.of("s = a + b; r = relu(-s); q = r**2 + a**2; f = q * s / 3", a="1/3", b=2)
    found = gradients(graph)
    assert found == {name: tg.exact(graph.values()["f"], {"a": Fraction(1, 3)})[name] for name in graph.at}
    assert all(type(grad) is Fraction for grad in found.values())


@pytest.mark.parametrize("seed", range(20))
def test_the_small_engine_gives_the_exact_gradients(seed):
    rng, judged = random.Random(seed), 0
    for _ in range(10):
        graph = SmallGraph(drawn(rng, ["a", "b"], rng.randrange(2, 6)), {"a": rng.choice("12345"), "b": f"-{rng.choice('123')}/2"})
        made = graph.values() if isinstance(outcome(partial(gradients, graph), Value), dict) else None
        if made:
            assert gradients(graph) == {name: tg.exact(made[graph.output])[name] for name in graph.at}, graph.text
            judged += 1
    assert judged


# ---- the smallest graph --------------------------------------------------------------------------------

BINARY, UNARY, POWERS = ("add", "sub", "mul", "div", "pow"), ("neg", "relu", "tanh", "exp", "log", "sigmoid"), ("2", "3")
POINTS = {1: [("2",), ("-2",), ("3",), ("1/2",)], 2: [("2", "3"), ("2", "2"), ("-3", "2")]}


def operations(names, result):
    """Every line that can be made of these names, of the number 2, and of no more."""
    for op, left, right in itertools.product(BINARY, [*names, "2"], [*names, "2"]):
        if (left, right) != ("2", "2"):
            yield Line(result, op, (left, right))
    for name in names:
        yield from (Line(result, op, (name,)) for op in UNARY)
        yield from (Line(result, "pow", (name, n)) for n in POWERS)


def programs_of(names, lines):
    """Every sequence of so many lines."""
    if lines == 0:
        yield ()
        return
    for first in programs_of(names, lines - 1):
        for line in operations([*names, *[line.name for line in first]], f"v{lines}"):
            yield (*first, line)


def nodes_of(graph):
    """How many nodes an engine makes of it: leaves, lines, and numbers that are written out, but for exponents."""
    return graph.size + sum(not x.isidentifier() for line in graph.lines for i, x in enumerate(line.inputs)
                            if (line.op, i) != ("pow", 1))


def graphs_of(nodes):
    """Every graph of so many nodes, at several points."""
    for leaves in range(1, min(nodes - 1, 2) + 1):
        names = "ab"[:leaves]
        for lines in range(1, nodes - leaves + 1):
            found = (SmallGraph(made, dict(zip(names, point))) for made in programs_of(names, lines) for point in POINTS[leaves])
            yield from (graph for graph in found if nodes_of(graph) == nodes)


def different_inputs(graph):
    """Has every operation different inputs?"""
    return all(len({*line.inputs}) == len(line.inputs) for line in graph.lines)


def calls_of(model, graph):
    """The ways to call backward of a graph as often as the model does, on as many nodes."""
    names = [line.name for line in graph.lines]
    if len(set(model.calls)) == 2:
        return itertools.permutations(names, 2)
    return [(name, name) for name in names] if model.calls else [()]


def shows(model, graph, calls):
    """Does the fault change the gradients of this graph?"""
    right = outcome(lambda engine: gradients(graph, engine, calls), Value)
    return isinstance(right, dict) and right != outcome(lambda engine: gradients(graph, engine, calls), model.engine)


@named([model for model in ENGINES if model.name not in LONG])
def test_no_smaller_graph_shows_it(model):
    assert nodes_of(model.graph) <= MOST_NODES.get(model.name, 2)
    for nodes in range(2, nodes_of(model.graph)):
        for graph in filter(different_inputs if model.name in OF_ONE_OPERATION else None, graphs_of(nodes)):
            for calls in calls_of(model, graph):
                assert not shows(model, graph, calls), f"{graph.text} at {graph.at}, {calls}"


def test_the_search_finds_what_there_is():
    found = [graph for graph in graphs_of(2) if shows(MODELS["accumulate"], graph, ())]
    assert {graph.text for graph in found} >= {"v1 = a + a", "v1 = a * a"}
    assert any(shows(MODELS["preorder"], graph, ()) for graph in [MODELS["preorder"].graph])


@named([MODELS[name] for name in LONG])
def test_a_fault_of_size_does_not_show_on_a_small_graph(model):
    assert model.graph.size <= LONG[model.name]
    assert not shows(model, MODELS["preorder"].graph, ())


# ---- telling them apart --------------------------------------------------------------------------------


# All models that show on one backward pass, and the right engine, differ on these; each was the best next one.
SEPARATING = (
    SmallGraph.of("u = a / b; v = u**3; w = u - v; f = b * w", a=-3, b=2),
    SmallGraph.of("u = relu(a); v = u * u; w = -u; f = v + w", a=2),
    SmallGraph.of("u = a**b; f = tanh(u)", a=2, b=3),
    SmallGraph.of("u = 2 / a; v = u / u; w = u * v; f = v + w", a=2),
    SmallGraph.of("exp(a)", a=2),
    SmallGraph.of("sigmoid(a)", a=2),
    SmallGraph.of("u = relu(a); v = a - u; f = 2 - v", a=-2),
    SmallGraph.of("log(a)", a=2),
)


def signature(graph):
    """What the right engine and each wrong one give for a graph, to nine digits."""
    def rounded(found):
        return tuple(round(float(grad), 9) for grad in found.values()) if isinstance(found, dict) else found
    return [rounded(outcome(lambda engine: gradients(graph, engine), engine))
            for engine in (Value, *[model.engine for model in ONE_PASS])]


def told_apart(classes, signature):
    """The classes, each split by what its members give."""
    split = []
    for members in classes:
        by_answer = defaultdict(list)
        for i in members:
            by_answer[signature[i]].append(i)
        split += by_answer.values()
    return split


def test_eight_graphs_tell_all_apart():
    classes = [range(len(ONE_PASS) + 1)]
    for graph in SEPARATING:
        classes = told_apart(classes, signature(graph))
    assert len(SEPARATING) == 8 and [len(members) for members in classes] == [1] * (len(ONE_PASS) + 1)


@pytest.mark.parametrize("left_out", range(len(SEPARATING)))
def test_none_of_the_eight_can_be_left_out(left_out):
    classes = [range(len(ONE_PASS) + 1)]
    for graph in SEPARATING[:left_out] + SEPARATING[left_out + 1:]:
        classes = told_apart(classes, signature(graph))
    assert len(classes) <= len(ONE_PASS)


def drawn(rng, names, lines):
    """A random graph in which everything is used: its lines."""
    made = []
    for i in range(lines):
        known = [*names, *[line.name for line in made]]
        op, x, y = rng.choice((*BINARY[:4], "neg", "relu", "pow", "sub", "div")), rng.choice(known), rng.choice(known)
        inputs = {"neg": (x,), "relu": (x,), "pow": (x, rng.choice(POWERS))}.get(op, (rng.choice((x, x, x, "2")), y))
        made.append(Line(f"v{i}", op, inputs))
    used = {x for line in made for x in line.inputs}
    return tuple(made) if used >= {*names, *[line.name for line in made[:-1]]} else drawn(rng, names, lines)


@pytest.mark.long
def test_each_of_the_eight_tells_as_many_apart_as_any_graph_would():
    rng = random.Random(5)
    points = ({"a": "2"}, {"a": "-2"}, {"a": "2", "b": "3"}, {"a": "-3", "b": "2"})
    others = [SmallGraph(drawn(rng, [*at], lines), at) for at in points for lines in (2, 3, 4) for _ in range(250)]
    signatures = [signature(graph) for graph in others]
    classes = [range(len(ONE_PASS) + 1)]
    for graph in SEPARATING:
        best = max(len(told_apart(classes, found)) for found in signatures)
        classes = told_apart(classes, signature(graph))
        assert len(classes) >= best, graph.text


@named([model for model in ENGINES if isinstance(model.wrong, dict) and model.name not in LONG])
def test_wrong_gradients_match_their_model_and_right_ones_match_none(model):
    assert model in matching(model.graph, model.wrong, model.calls)
    assert model in matching(model.graph, {name: float(x) for name, x in model.wrong.items()}, model.calls)
    assert matching(model.graph, model.right, model.calls) == []


def test_gradients_may_be_left_out_or_be_no_numbers():
    graph = SmallGraph.of("a * b", a=2, b=3)
    assert MODELS["mul-own-factor"] in matching(graph, {"a": 2})
    assert matching(graph, {"a": 3}) == matching(graph, {"a": None}) == matching(graph, {"a": math.nan}) == []


def test_a_graph_of_too_many_paths_matches_nothing():
    graph = SmallGraph(tuple(Line(f"v{i + 1}", "add", (f"v{i}", f"v{i}")) for i in range(40)), {"v0": "2"})
    assert matching(graph, {"v0": 1}) == []
    assert attempt(graph, MODELS["accumulate"], ()) == {"v0": 1}


# ---- programs ------------------------------------------------------------------------------------------


def trained(optimizer, loss, parameters, steps=3):
    for _ in range(steps):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    return [parameter.data for parameter in parameters]


def test_the_training_is_that_of_the_package():
    w, b = tg.Value(1), tg.Value(0)
    found = trained(tg.SGD([w, b], lr=1 / 16), lambda: (2 * w + b - 1) ** 2, [w, b])
    assert found == [float(x) for x in programs.Descent().run().values()]


def test_momentum_is_that_of_the_package():
    w = tg.Value(2)
    assert trained(tg.Momentum([w], lr=1 / 4, momentum=0.5), lambda: w * w, [w]) == [*programs.Momentum().run().values()]


def test_adam_is_that_of_the_package():
    w, b = tg.Value(1), tg.Value(1)
    found = trained(tg.Adam([w, b], lr=0.1), lambda: w * w + 3 * b * b, [w, b])
    assert found == pytest.approx([*programs.Adam().run().values()], rel=1e-12)


def test_layer_normalisation_is_that_of_the_package():
    xs = [tg.Value(x) for x in (1, 2, 6)]
    y = (xs[0] - tg.mean(xs)) / tg.sqrt(tg.var(xs))
    y.backward()
    assert [y.data, *[x.grad for x in xs]] == pytest.approx([*programs.LayerNorm().run().values()], rel=1e-12)


def test_the_other_layers_are_those_of_the_package():
    assert [*programs.Softmax().run().values()] == tg.softmax([1000.0, 0.0])
    w, rows = tg.Value(3), [tg.Value(0), tg.Value(0)]
    tied = w * (w * 2)
    tied.backward()
    assert programs.TiedWeights().run() == {"y": tied.data, "w": w.grad}
    tg.dot([rows[i] for i in (0, 1, 0)], [1, 2, 4]).backward()
    assert [*programs.Embedding().run().values()] == [row.grad for row in rows]


# ---- the bug lab ---------------------------------------------------------------------------------------


def test_a_bug_is_used_in_a_block_and_the_engine_of_the_package_stays_right():
    with tg.classroom.bug("relu-always") as engine:
        a, right = engine(-2), tg.Value(-2)
        engine.relu(a).backward()
        right.relu().backward()
    assert (a.grad, right.grad) == (1, 0)


@named(ALL)
def test_every_model_is_a_bug_that_can_be_had_by_its_name(model):
    with tg.classroom.bug(model.name) as part:
        assert part is model.faulty
    assert model.name in str(tg.classroom.bugs()) and model in tg.classroom.bugs(model.kind)


def test_a_name_that_is_unknown_is_refused_with_its_neighbour():
    with pytest.raises(ValueError, match="no bug is called 'acumulate': did you mean 'accumulate'"), tg.classroom.bug("acumulate"):
        pass
    with pytest.raises(ValueError, match="unknown kind 'engin': did you mean 'engine'"):
        tg.classroom.bugs("engin")
    with pytest.raises(AttributeError, match="has no attribute 'bgus'"):
        tg.classroom.bgus


@named(ALL)
def test_what_is_shown_of_a_fault_is_python_that_does_not_give_it_away(model):
    methods = [part for part in ast.parse(model.source).body if isinstance(part, ast.FunctionDef)]
    assert methods and not any(map(ast.get_docstring, methods))
    assert model.title not in model.source and model.code.__name__ not in model.source


def test_the_command_lists_bugs_and_shows_one():
    assert run("bugs")[0] == f"{tg.classroom.bugs()}\n" and run("bugs", "layer")[0] == f"{tg.classroom.bugs('layer')}\n"
    for model in ALL:
        shown = run("bugs", model.name)[0]
        assert shown.startswith(f"{model.name}: {model.title}\n") and shown.endswith(f"{model.source}\n")
    assert "right  a.grad = 2\nwrong  a.grad = 1\n" in run("bugs", "accumulate")[0]
    output, errors, code = run("bugs", "acumulate", check=False)
    assert (output, code) == ("", 2) and "did you mean 'accumulate'?" in errors


def test_the_package_is_imported_without_the_models():
    code = "import sys, tinygrad_edu; print('tinygrad_edu.classroom.faults.models' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
