"""What is zero is shown: behind a closed branch every node ends with the gradient 0, wherever it is looked at."""

import json
import random
import re
from xml.etree import ElementTree

import pytest
from test_player import data_of

import tinygrad_edu as tg
from tinygrad_edu.cli import as_data, main
from tinygrad_edu.engine.number import format_number
from tinygrad_edu.show.steps import events_of
from tinygrad_edu.show.svg import number_text
from tinygrad_edu.show.terminal import numbers_at
from tinygrad_edu.symbols.named import NamedGraph

SVG = "{http://www.w3.org/2000/svg}"
PARTS = ["relu({a})", "max({a}, {b})", "min({a}, {b}, {c})", "where(greater({a}, {b}), {c}, {a})", "clip({a}, low=-1, high=1)",
         "leaky_relu({a})", "{a} * {b}", "{a} + {b}", "{a} - {b}", "step({a})", "abs({a})", "tanh({a})", "2 * {a}"]


def random_expression(seed):
    """(text, numbers) of a graph with many branches that are not taken; some inputs are equal, so that there are ties."""
    rng = random.Random(seed)
    numbers = {name: rng.choice([-2.0, -1.0, 0.0, 0.5, 1.0, 3.0]) for name in "wxyz"}
    lines, names = [], list(numbers)
    for i in range(rng.randint(2, 8)):
        part = rng.choice(PARTS).format(**{place: rng.choice(names[-6:]) for place in "abc"})
        lines.append(f"n{i} = {part}")
        names.append(f"n{i}")
    unused = [name for name in names[4:] if not re.search(rf"\b{name}\b", " ".join(line.split("=", 1)[1] for line in lines))]
    text = "; ".join([*lines, "f = " + " + ".join(unused)])
    return text, {name: x for name, x in numbers.items() if re.search(rf"\b{name}\b", text)}


def gradients_drawn(f):
    """{name: gradient} as the picture has it."""
    boxes = [g for g in ElementTree.fromstring(tg.draw(f, "simple", "none").svg).iter(SVG + "g") if "tg-node" in g.get("class", "")]
    found = [next((t.text for t in box.iter(SVG + "text") if t.get("class") == "tg-grad"), None) for box in boxes]
    return {node: shown for node, shown in zip(NamedGraph(f).nodes, found, strict=True) if shown is not None}


def gradients_in_steps(events):
    """{node: gradient} after the last step."""
    found = {}
    for event in events:
        for node in event.behind or [event.node if event.kind == "seed" else event.parent]:
            found[node] = number_text(event.value)
    return {node: shown for node, shown in found.items() if node is not None}


def gradients_played(f):
    """{node: gradient} at the end of the player, whose script puts the events' numbers into boxes."""
    nodes, found = NamedGraph(f).nodes, {}
    data = data_of(tg.play(f, layout="simple"))
    for kind, n, *rest in data["events"]:
        if kind == "s":
            found[nodes[n]] = rest[0]
        elif kind == "b":
            found[nodes[data["nodes"][n]["parents"][rest[0]]]] = rest[1]
        elif kind == "z":
            found.update(zip((nodes[i] for i in rest[2]), rest[1], strict=True))
    return found


def gradients_in_json(told):
    """{name: gradient} after the last step."""
    found = {}
    for step in told["steps"]:
        for name in step.get("behind") or [step["node"] if step["kind"] == "seed" else step.get("parent")]:
            found[name] = step["value"]
    return {name: grad for name, grad in found.items() if name is not None}


@pytest.mark.parametrize("first", range(0, 500, 50))
def test_pictures_table_player_and_json_show_the_same_gradients_of_random_graphs(first, capsys):
    closed = 0
    for seed in range(first, first + 50):
        text, numbers = random_expression(seed)
        f = tg.expression(text, **numbers)
        f.backward()
        graph = NamedGraph(f)
        events = events_of(graph)
        wanted = {node: number_text(node.grad) for node in graph.nodes if not node.is_constant}
        assert gradients_drawn(f) == gradients_in_steps(events) == gradients_played(f) == wanted, text
        assert {node: shown for _, shown, node in numbers_at(events, len(events)).values() if not node.is_constant} == {
            node: format_number(node.grad) for node in wanted}
        told = as_data(graph, events)
        assert gradients_in_json(told) == {graph.texts[node]: node.grad for node in wanted}, text
        assert told["gradients"] == {graph.texts[leaf]: leaf.grad for leaf in tg.leaves(f)}
        if seed % 50 == 0:
            assert main(["step", text, *[f"{name}={x}" for name, x in numbers.items()], "--json"]) == 0
            assert json.loads(capsys.readouterr().out) == {"expression": text, "read_as": text, **told}
        closed += any(event.kind == "stopped" for event in events)
    assert closed >= 10


def test_a_closed_relu_says_why_everything_behind_it_gets_zero():
    last = tg.steps(tg.expression("relu(w*x + b)", w=2, x=-1, b=1))[-1]
    assert (last.kind, last.parent_name, list(last.behind.values())) == ("stopped", "w * x + b", ["b", "w * x", "x", "w"])
    assert last.reason == "relu is closed (its input is not above 0): what arrives is 0, so everything behind it gets 0"
    assert last.text == "b.grad, (w * x).grad, x.grad, w.grad → 0"


def test_what_is_reached_another_way_is_not_said_to_get_zero():
    f = tg.expression("relu(w*x) + x", w=2, x=-1)
    stopped = [event for event in tg.steps(f) if event.kind == "stopped"]
    assert [list(event.behind.values()) for event in stopped] == [["w"]]
    f = tg.expression("relu(w*x) + x*w", w=2, x=-1)
    assert not [event for event in tg.steps(f) if event.kind == "stopped"]


def test_a_branch_behind_two_closed_ones_is_said_once():
    f = tg.expression("q = w*x; relu(q - 1) + relu(q - 2)", w=1, x=-1)
    stopped = [list(event.behind.values()) for event in tg.steps(f) if event.kind == "stopped"]
    assert stopped[0] == ["q", "x", "w"] and len(stopped) == 1
