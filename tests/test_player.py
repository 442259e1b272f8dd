"""The player's page: one file, everything in it from the engine, small, and safe whatever the labels are."""

import base64
import hashlib
import json
import os
import random
import re
import subprocess
import sys
import zlib
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from test_mathml import value_of
from test_show import EXPRESSIONS, HOSTILE, a_network_and_its_loss, graph

import tinygrad_edu as tg
from tinygrad_edu import Value
from tinygrad_edu.cli import main
from tinygrad_edu.show.folds import folded
from tinygrad_edu.show.svg import number_text

ELEMENTS = set("""html head meta title style body main h1 section p div button input output svg rect g text label select option
                  span details summary ol textarea h2 table thead tr th dialog dl dt dd script""".split())


class Read(HTMLParser):
    """The elements of a page, its policy, its scripts and styles."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.texts = [], [], {"script": [], "style": [], "title": []}
        self.open = ""
        self.feed(page.html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]
        self.open = tag
        if tag in self.texts:
            self.texts[tag].append("")

    def handle_data(self, text):
        if self.open in self.texts:
            self.texts[self.open][-1] += text

    def handle_endtag(self, tag):
        self.open = ""


def scripts_of(page):
    """The scripts that run: of a live page what is packed, and what unpacks it."""
    _, *scripts = Read(page).texts["script"]
    return scripts if len(scripts) == 1 else [zlib.decompress(base64.b64decode(scripts[0])).decode(), scripts[1]]


def data_of(page):
    return json.loads(Read(page).texts["script"][0])


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_a_page_loads_nothing_and_is_let_run_by_its_hashes(name, live):
    page = tg.play(graph(name), live=live)
    read, scripts = Read(page), scripts_of(page)
    assert set(read.tags) <= ELEMENTS
    assert not [a for a in read.attributes if a[1] in ("src", "href", "style", "srcset") or a[1].startswith("on")]
    assert not re.search(r"://|url\(|@import", page.html + "".join(scripts))
    assert not re.search(r"\bfetch\b|XMLHttp|WebSocket|\bimport\b|\beval\b", "".join(scripts))
    policy = next(value for tag, key, value in read.attributes if key == "content" and "default-src" in (value or ""))
    for kind, texts in ("script", scripts), ("style", read.texts["style"]):
        digests = [f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in texts]
        assert f"{kind}-src {' '.join(digests)}" in policy
    assert policy.startswith("default-src 'none'; base-uri 'none'; form-action 'none'; ")


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_the_page_has_the_events_and_numbers_of_the_engine(name):
    f = graph(name)
    order, events = tg.topological_order(f), tg.steps(f)
    data = data_of(tg.play(f))
    assert [node["data"] for node in data["nodes"]] == [number_text(node.data) for node in order]
    assert [node["name"] for node in data["nodes"]] == [name.replace("\n", " ") for name in tg.names(f).values()]
    assert len(data["events"]) == len(events)
    for told, event in zip(data["events"], events, strict=True):
        assert told[0] == event.kind[0] and order[told[1]] is event.node
        if event.kind == "backward":
            assert order[data["nodes"][told[1]]["parents"][told[2]]] is event.parent
            assert data["nodes"][told[1]]["local"][told[2]] == number_text(event.terms[2])
            assert told[3] == number_text(event.value)
    for node, told in zip(order, data["nodes"], strict=True):
        assert told.get("parents", []) == [order.index(p) for p in node.parents]


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_formulas_are_mathml_around_marks_of_nodes(name):
    f = graph(name)
    order = tg.topological_order(f)
    for node, told in zip(order, data_of(tg.play(f))["nodes"], strict=True):
        for maths in [told["maths"], *told.get("call", []), *[text for why in told.get("why", []) for text in why]]:
            ElementTree.fromstring(f"<math>{maths}</math>")
        marked = {ord(c) - 0xE000 for c in "".join(told.get("call", [])[:1]) if c >= "\ue000"}
        if 0 < len(node.parents) <= 8:
            assert marked == {order.index(p) for p in node.parents}


def read_back(template, words, node, values):
    """What a formula of the page comes to, with a word of the node's own in the place of each mark."""
    def word(mark):
        text = words[ord(mark[2]) - 0xE000]
        loose = mark[1] and ("−" in text or (mark[1] == "\uf8f1" and "e" in text))
        return f"<mrow><mo>(</mo>{text}<mo>)</mo></mrow>" if loose else text
    return value_of(re.sub("([\uf8f0\uf8f1]?)([\ue000-\uf8ef])", word, template), values)


def formula_faults(f):
    """The formulas of a graph's page that do not come to the numbers they stand for."""
    order, told = tg.topological_order(f), data_of(tg.play(f))["nodes"]
    values = {name: op for name, op in tg.OPS.items() if not op.rows} | {own["name"]: node.data for node, own in zip(order, told)}
    numbers = [f"<mn>{node.data!r}</mn>".replace("<mn>-", "<mo>−</mo><mn>") for node in order]
    names = [node["maths"] for node in told]
    faults = []
    for node, own in zip(order, told, strict=True):
        wanted = [(own["call"], node.data)] if node.parents else []
        wanted += list(zip(own.get("why", []), node.local_grads))
        for templates, number in wanted:
            for template, words in (templates[0], names), (templates[-1], numbers):
                found = float(read_back(template, words, node, values))
                if found != pytest.approx(number, rel=1e-9, abs=1e-12):
                    faults.append((own["name"], template, found, number))
    return faults


@pytest.mark.parametrize("text", [
    "(x + y) * z", "x - (y - z)", "x * (y * z)", "x / (y / z)", "(x * y)**2 - (-z)**2", "exp(y * x)**2", "exp(-(x - y) / z)",
    "-(x + y) * -(y - z)", "(x + y)**2 / (x - y)**2", "sqrt(x * x + y * y)", "abs(x - abs(y - z))", "tanh(x - y)**2 * (x - y)",
    "(x / y)**z", "x**(y + z)", "log(x + y) * (x + 1)", "sigmoid(x * (y - z)) * (1 - x)"])
def test_formulas_with_names_and_with_numbers_come_to_the_numbers(text):
    numbers = {"x": 1.5, "y": 2.25, "z": 1.25 if "**z" in text else -3.5}
    assert formula_faults(tg.expression(text, **{name: x for name, x in numbers.items() if re.search(rf"\b{name}\b", text)})) == []


@pytest.mark.parametrize("seed", range(30))
def test_formulas_of_random_graphs_come_to_the_numbers(seed):
    rng = random.Random(seed)
    nodes = [Value(rng.choice([-2.5, -1.0, 0.5, 3.0, 1.25]), label=name) for name in "xyz"]
    for _ in range(7):
        a, b = rng.choice(nodes), rng.choice(nodes)
        nodes.append(rng.choice([a + b, a - b, a * b, a / (b * b + 1), -a, a.tanh(), a ** 2, (a * 0.1).exp(), 2 - a, a * 3]))
    for node in nodes[3:]:
        node.label = ""
    assert formula_faults(nodes[-1]) == []


def test_a_user_ops_reasons_keep_their_parentheses():
    import tinygrad_edu.engine.formula as m

    @tg.op("bell", tg.REAL)
    def bell(x):
        return x / (1 + x * x), ((1 - x * x) / m.power(1 + x * x, 2),)
    x = Value(0.5, label="x")
    assert formula_faults(bell(x + 1) * bell(-x)) == []


def test_each_of_many_inputs_has_its_own_reason():
    a, b = ([Value(float(i + k), label=f"{name}{i}") for i in range(6)] for name, k in (("a", 1), ("b", 2)))
    f = tg.dot(a, b)
    f.label = "f"
    data = data_of(tg.play(f))
    names = [node["name"] for node in data["nodes"]]
    shown_reasons = [names[ord(why[0]) - 0xE000] for why, in [[w[0]] for w in data["nodes"][-1]["why"]]]
    assert shown_reasons == [f"b{i}" for i in range(6)] + [f"a{i}" for i in range(6)]
    assert tg.steps(f)[-1].local == "b0"


@pytest.mark.parametrize(("text", "output"), [
    ("(x + y) * z", "f"), ("(f + x) * y", "v1"), ("q = x * y", "q"), ("f * v1", "u1"),
    ("tanh(x * y) * z + exp(x) * f", "v6")])
def test_derivatives_are_those_of_a_short_name_that_is_nobody_elses(text, output):
    names = set(re.findall(r"\b[a-z]\d?\b(?! =)", text))
    data = data_of(tg.play(tg.expression(text, **dict.fromkeys(names, 2.0))))
    assert data["output"] == output
    assert output not in [node["name"] for node in data["nodes"][:-1]]


def test_a_small_page_is_small():
    f = tg.expression("(x + y) * z", x=-2, y=5, z=-4)
    live, still = [len(tg.play(f, live=live).html.encode()) for live in (True, False)]
    assert 30_000 < still < live - 15_000 <= 48_000 - 15_000


def test_the_parts_of_a_cross_entropy_are_counted_in_numbers_and_not_in_words():
    told = data_of(tg.play(tg.cross_entropy([Value(1.0, label="a"), Value(2.0, label="b")], 1)))["live"]["slopes"]
    assert len(told) == 3 and all("msub" in named and "mtext" not in named for named, _ in told)


def test_numbers_get_parentheses_where_names_need_none():
    x = Value(-2, label="x")
    told = data_of(tg.play(x ** 2, live=False))["nodes"][-1]
    by_name, by_number = told["call"]
    assert "(" not in by_name and "(" in by_number
    assert told["numbers"] == "(−2)**2"


def test_a_gradient_that_was_not_chosen_is_told_apart():
    f = tg.expression("relu(x) + y", x=-1, y=2)
    taken = {(told[1], told[2]): told[4] for told in data_of(tg.play(f))["events"] if told[0] == "b"}
    assert sorted(taken.values()) == [0, 1, 1]


def test_the_graph_is_only_read():
    f = graph("neuron")
    before = [(node.data, node.grad) for node in tg.topological_order(f)]
    assert tg.play(f, seed=2.0).html != tg.play(f).html
    assert [(node.data, node.grad) for node in tg.topological_order(f)] == before


def test_sizes(tmp_path, monkeypatch):
    x, y, z = Value(-2, label="x"), Value(5, label="y"), Value(-4, label="z")
    assert len(tg.play((x + y) * z).html.encode()) <= 48 * 1024            # the README's lines
    monkeypatch.chdir(tmp_path)
    for arguments in (["play", "(x + y) * z", "x=-2", "y=5", "z=-4"], ["demo"]):
        assert main([*arguments, "--no-open"]) == 0
    assert len(written := list(tmp_path.iterdir())) == 2 and all(page.stat().st_size <= 48 * 1024 for page in written)
    f = graph("circuit")
    assert len(Read(tg.play(f)).texts["script"][1].encode()) <= 30_000
    model = tg.MLP(2, [8, 4, 1], rng=0)
    loss = tg.mse(model([Value(1.0, label="a"), Value(-2.0)]), 0.5)
    assert 103 <= len(tg.topological_order(loss)) <= 110
    assert len(tg.play(loss).html.encode()) <= 200_000


@pytest.mark.parametrize("label", HOSTILE, ids=ascii)
def test_hostile_labels_are_only_text(label):
    x = Value(1.0, label=label)
    f = x * 2 + x
    f.label = label
    page = tg.play(f)
    read = Read(page)
    assert set(read.tags) <= ELEMENTS and len(read.texts["script"]) == 3
    assert read.texts["title"][0].endswith(", step by step")
    for node in data_of(page)["nodes"]:
        ElementTree.fromstring(f"<math>{node['maths']}</math>")
    bundle = page._repr_mimebundle_()["text/html"]
    assert bundle.count("<iframe") == 1 and "<script" not in bundle


def test_a_notebook_shows_the_page_in_a_sandbox_with_a_picture_inside():
    page = tg.play(graph("circuit"))
    bundle = page._repr_mimebundle_()
    frame = ElementTree.fromstring(bundle["text/html"])
    assert frame.tag == "iframe" and frame.get("sandbox") == "allow-scripts" and frame.get("srcdoc") == page.html.replace("\n", " ")
    [image] = frame
    svg = base64.b64decode(image.get("src").removeprefix("data:image/svg+xml;base64,")).decode()
    assert svg == page.picture == tg.draw(graph("circuit")).svg
    assert "bytes" in bundle["text/plain"]


def test_views_of_a_network():
    _, loss = a_network_and_its_loss([4, 3, 1])
    data = data_of(tg.play(loss))
    names = [view["name"] for view in data["views"]]
    assert names[:3] == ["every node", "neurons", "layers"] and names[data["first"]] == "neurons"
    assert {"layer 0, opened", "layer 1, opened"} <= set(names)
    everything = set(range(len(tg.topological_order(loss))))
    for view in data["views"]:
        members = [n for b, *_ in view["boxes"] for n in data["boxes"][b]["nodes"]]
        assert len(members) == len(set(members)) and set(members) == everything
        inside = {n: b for b, *_ in view["boxes"] for n in data["boxes"][b]["nodes"]}
        crossing = {(inside[p], inside[n]) for n, node in enumerate(data["nodes"]) for p in node.get("parents", [])}
        assert {(tail, head) for tail, head, *_ in view["links"]} == {pair for pair in crossing if pair[0] != pair[1]}
    assert len(data_of(tg.play(graph("circuit")))["views"]) == 1


def test_a_number_that_one_group_uses_is_folded_into_it():
    model = tg.MLP(2, [3, 2], rng=0)
    f = tg.sum(model([1.0, -2.0])) * 2                      # the 2 belongs to no layer
    groups = folded(tg.topological_order(f), "layer")
    assert [group.name for group in groups if len(group) > 1] == ["layer 0", "layer 1"]
    assert [group[0].data for group in groups if len(group) == 1] == [1.0, -2.0, f.parents[0].data, 2.0, f.data]


def test_where_a_shown_derivative_is_not_the_whole_one_it_is_said():
    x = Value(2.0, label="x")
    nodes = data_of(tg.play(x * x * x + x))["nodes"]
    assert [node.get("again") for node in nodes] == [None, [0, 1], [1], [1]]


@pytest.mark.parametrize("fold", ["none", "neuron", "layer"])
def test_the_first_view_can_be_chosen(fold):
    _, loss = a_network_and_its_loss([3, 1])
    data = data_of(tg.play(loss, fold=fold))
    assert data["views"][data["first"]]["name"] == {"none": "every node", "neuron": "neurons", "layer": "layers"}[fold]


@pytest.mark.parametrize(("layout", "first"), [("auto", "neurons"), ("simple", "layers")])
def test_a_thousand_nodes_start_folded_and_stay_small(layout, first):
    _, loss = a_network_and_its_loss([30, 30, 1])
    page = tg.play(loss, layout=layout)
    data = data_of(page)
    assert len(data["nodes"]) > 1000 and data["views"][data["first"]]["name"] == first
    assert "every node" not in [view["name"] for view in data["views"]] and len(page.html) < 1_000_000


def test_bad_input_says_what_is_wrong():
    with pytest.raises(TypeError, match="a Value is needed, not str"):
        tg.play("x + y")
    with pytest.raises(ValueError, match="fold='all'"):
        tg.play(graph("circuit"), fold="all")
    x = Value(1.0, label="x")
    f = x * 2
    x.data = 5.0
    with pytest.raises(ValueError, match="out of date"):
        tg.play(f)
    node = Value(1.0)
    for _ in range(5001):
        node = -node
    with pytest.raises(ValueError, match="5002 nodes, too many"):
        tg.play(node)


def test_nodes_made_by_hand_can_be_played():
    x = Value(2.0, label="x")
    data = data_of(tg.play(Value(5.0, (x,), (3.0,), op="odd", label="f")))
    assert data["nodes"][-1]["local"] == ["3"] and data["nodes"][-1]["why"] == []


def test_a_page_is_saved_as_it_is(tmp_path):
    page = tg.play(graph("fan"))
    assert page.save(tmp_path / "fan.html").read_bytes().decode() == page.html


SCRIPT = """
import tinygrad_edu as tg, hashlib
f = tg.expression("logsumexp(a, b, a*b) + max(a, b, 1) * tanh(a)", a=1, b=2)
loss = tg.mse(tg.MLP(2, [3, 1], rng=0)([1.0, 2.0]), 0.5)
print(hashlib.sha256((tg.play(f).html + tg.play(loss).html).encode()).hexdigest())
"""


def test_pages_are_the_same_bytes_for_every_hash_seed():
    hashes = {subprocess.run([sys.executable, "-c", SCRIPT], env={**os.environ, "PYTHONSAFEPATH": "1", "PYTHONHASHSEED": seed},
                             capture_output=True, text=True, check=True).stdout for seed in ("0", "1", "12345")}
    assert len(hashes) == 1
