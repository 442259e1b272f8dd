"""Graphs as they are shown: named once for everything that shows them, and hidden nodes passed over by all alike."""

import json
import random
import sys
from collections import Counter

import pytest
from test_walk import screen_text

import tinygrad_edu as tg
from tinygrad_edu import REAL, Value
from tinygrad_edu.cli import main
from tinygrad_edu.symbols import named
from tinygrad_edu.symbols.named import NamedGraph


def test_a_command_with_all_its_options_names_the_nodes_once(tmp_path, monkeypatch):
    calls = Counter()

    def counting(function):
        def counted(*arguments):
            calls[function.__name__] += 1
            return function(*arguments)
        return counted
    monkeypatch.setattr(named, "named", counting(named.named))
    for module in [module for name, module in sys.modules.items() if name.startswith("tinygrad_edu.")]:
        if hasattr(module, "topological_order"):
            monkeypatch.setattr(module, "topological_order", counting(module.topological_order))
    monkeypatch.chdir(tmp_path)
    assert main(["step", "(x + y) * z", "x=-2", "y=5", "z=-4", "--symbolic", "--exact", "--svg", "f.svg", "--html", "f.html"]) == 0
    # one order for all that is shown, one for the replay on fractions, one for backward where that is written in Python
    assert calls == {"named": 1, "topological_order": 2 + (tg.engine_name == "pure")}


# ---- hidden nodes


def hidden_op(factor):
    """An operation whose node stands for its first parent, with a number `factor` times as large."""
    @tg.op("hidden", REAL, REAL, selects=True)          # so that nothing is passed on to x
    def stand_in(textbook, x):
        """The number of a textbook formula of x, computed otherwise."""
        return textbook if factor == 1 else textbook * factor, (1, 0)
    stand_in.hidden = True
    return stand_in


MADE = [tg.add, tg.mul, tg.sub, tg.maximum, lambda x, y: tg.tanh(x), lambda x, y: tg.sum([x, y, x]), lambda x, y: x * 3 + y]


def random_graph(seed, stand_in, both_ways):
    """A graph in which some nodes are used by way of others that stand for them, and some of those directly too."""
    rng, nodes = random.Random(seed), [Value(x, label=name) for name, x in (("x", 0.5), ("y", -2.0), ("z", 3.0))]
    for _ in range(8):
        x, y = rng.choice(nodes), rng.choice(nodes)
        node = rng.choice(MADE)(x, y)
        nodes += [node] * (rng.random() < both_ways) + [stand_in(node, x) if rng.random() < 0.6 else node]
    f = stand_in(nodes[-1] * nodes[-2], nodes[-2])
    f.label = "f"
    f.backward()
    return f


def everything_shown(f):
    events = tg.steps(f)
    return {"steps": [event.text for event in events], "data": json.dumps([event.as_dict() for event in events]),
            "pictures": [tg.draw(f, "simple", fold).svg for fold in ("none", "layer", "line")], "dot": tg.to_graphviz(f).source,
            "page": tg.play(f, layout="simple").html, "screens": [screen_text(events, place) for place in range(len(events) + 1)]}


def itself(node, x):
    return node


@pytest.mark.parametrize("seed", range(20))
def test_nothing_shown_of_a_graph_tells_that_some_of_its_nodes_are_hidden(seed):
    plain, hiding = (random_graph(seed, stand_in, 0.5) for stand_in in (itself, hidden_op(1)))
    assert "stand_in" in [node.op for node in tg.topological_order(hiding)]
    wanted = everything_shown(plain)
    for what, shown in everything_shown(hiding).items():
        assert shown == wanted[what], what


@pytest.mark.parametrize("seed", range(20))
def test_symbolic_gradients_are_those_of_the_textbook_formulas(seed):
    plain, hiding = (tg.symbolic(random_graph(seed, stand_in, 0.0)) for stand_in in (itself, hidden_op(1)))
    assert str(hiding.value) == str(plain.value)
    assert {name: str(by) for name, by in hiding.items()} == {name: str(by) for name, by in plain.items()}


def test_a_node_that_is_used_by_way_of_a_hidden_one_shows_the_number_of_that():
    x = Value(2.0, label="x")
    inner = x * x
    f = hidden_op(1.25)(inner, x) + 1
    f.label = "f"
    f.backward()
    assert [event.text for event in tg.steps(f)] == [
        "x * x = 2 * 2 = 4, without rounding 5", "f = x * x + 1 = 5 + 1 = 6", "∂f/∂f = 1", "(x * x).grad += f.grad × ∂f/∂(x * x) → 0 + 1 × 1 = 1",
        "x.grad += (x * x).grad × ∂(x * x)/∂x (input 2) → 0 + 1 × 2 = 2",
        "x.grad += (x * x).grad × ∂(x * x)/∂x (input 1) → 2 + 1 × 2 = 4"]
    assert "operation x * x: 5, gradient 1" in tg.draw(f).svg


def test_a_node_that_is_used_both_ways_shows_its_own_number_and_a_sum_that_holds():
    x = Value(2.0, label="x")
    inner = x * x
    f = hidden_op(1.25)(inner, x) * inner
    events = tg.steps(f)
    assert [event.text for event in events[:2]] == ["x * x = 2 * 2 = 4", "x * x * (x * x) = 5 * (2 * 2) = 20"]
    assert [event.numbers for event in events if event.parent is inner] == ["0 + 1 × 5 = 5", "5 + 1 × 4 = 9"]
    f.backward()
    assert events[-1].value == x.grad == 36.0


def test_what_only_a_hidden_node_uses_is_not_shown_and_has_the_gradient_zero():
    x, y = Value(2.0, label="x"), Value(3.0, label="y")
    f = hidden_op(1)(x * x, y * 7)
    graph = NamedGraph(f)
    assert [graph.texts[node] for node in graph.nodes] == ["x", "x * x"] and graph.output.op == "mul"
    assert "y" not in tg.draw(f).svg.split("<desc>")[1].split("</desc>")[0]
    assert tg.names(f)[f] == "x * x" and list(tg.names(f).values())[2] == "y"
    assert {name: str(by) for name, by in tg.symbolic(f).items()} == {"x": "2 * x", "y": "0"}


def test_a_hidden_node_may_stand_for_another_hidden_one_for_a_leaf_and_for_a_number():
    stand_in = hidden_op(1)
    x = Value(2.0, label="x")
    assert tg.steps(stand_in(stand_in(x * x, x), x))[0].text == "x * x = 2 * 2 = 4"
    assert [event.text for event in tg.steps(stand_in(x, x))] == ["∂x/∂x = 1"]
    assert [event.kind for event in tg.steps(stand_in(Value(1.0), x) * stand_in(3 + 0 * Value(1.0).detach(), x))][:2] == ["forward"] * 2


def test_the_steps_of_an_outdated_graph_are_refused_for_a_hidden_node_too():
    x = Value(2.0, label="x")
    f = hidden_op(1.25)(x * x, x)
    assert tg.steps(f)
    x.data = 3.0
    with pytest.raises(ValueError, match="out of date"):
        tg.steps(f)


@pytest.mark.parametrize("op", [op for op in tg.OPS.values() if not op.rows], ids=repr)
def test_the_slope_nodes_of_a_gradient_are_seen_nowhere(op):
    x = next(x for x in (0.5, 1.5) if all(interval.holds(x) for interval in op.domain))
    inputs = [Value(x, label=name) for name in op.inputs]
    for gradient in tg.replay(op(*inputs, **op.sample), Value).grads.values():
        if not gradient.is_constant:
            gradient.backward()
        assert not any(node._operation.hidden for node in NamedGraph(gradient).nodes)
        for what, shown in everything_shown(gradient).items():
            assert "′" not in str(shown), what


def test_the_gradient_of_tanh_reads_as_in_the_textbook():
    x = Value(0.5, label="x")
    slope = tg.replay(tg.tanh(x), Value)["x"]
    assert any(node._operation.hidden for node in tg.topological_order(slope))
    assert tg.names(slope)[slope] == "1 - tanh(x)**2" and str(tg.symbolic(slope).value) == "1 - tanh(x)**2"
    assert [event.formula for event in tg.steps(slope) if event.kind == "forward"] == ["tanh(x)", "tanh(x)**2", "1 - tanh(x)**2"]


def test_the_steps_of_a_slope_whose_digits_its_formula_loses_say_both_numbers():
    x = Value(20.0, label="x")
    slope = tg.gradient_graph(tg.tanh(x) * 3, x)
    assert [event.text for event in tg.steps(slope) if event.kind == "forward"][-2:] == [
        "1 - tanh(x)**2 = 1 - 1 = 0, without rounding 1.69934e-17", "3 * (1 - tanh(x)**2) = 3 * 1.69934e-17 = 5.09803e-17"]


def test_messages_call_a_slope_node_by_its_formula():
    x = Value(0.0, label="x")
    slope = tg.gradient_graph(tg.tanh(x), x)
    with pytest.raises(AttributeError, match=r"this one is 1 - 0; set"):
        slope.data = 3.0
    slope.label = "slope"
    with pytest.raises(ValueError, match=r"^slope = 1 - 0 is not among"):
        tg.gradient_graph(x * x, slope)
