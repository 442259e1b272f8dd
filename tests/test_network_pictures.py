"""Networks drawn: circles in the order of the neurons, a line for each weight, and every number of the engine."""

import math
import random
import re
import subprocess
import sys
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_player import data_of
from test_show import HOSTILE, SVG, boxes_in, parsed

import tinygrad_edu as tg
from tinygrad_edu import Value
from tinygrad_edu.show.circles import MEANINGS, THINNEST, WIDEST, widths_of
from tinygrad_edu.show.network import HEIGHT, MOST_ROWS, grid, rows_of
from tinygrad_edu.show.page import sentences
from tinygrad_edu.show.svg import number_text

SMALL = [(3, [4, 4, 1]), (2, [1]), (1, [2, 5]), (4, [3, 2, 3, 2])]
LARGE = [(2, [16, 16, 1]), (64, [32, 10]), (20, [17])]


def model_of(inputs, sizes, seed=0, **options):
    return tg.MLP(inputs, sizes, rng=seed, **options)


def an_example(inputs):
    return [round(random.Random(i).uniform(-2, 2), 3) for i in range(inputs)]


def loss_of(model, inputs):
    outputs = model(an_example(inputs))
    loss = tg.sum([(output - 1) ** 2 for output in outputs]) if isinstance(outputs, list) else (outputs - 1) ** 2
    loss.backward()
    return loss


def circles_in(drawing):
    """[(name, x, y, radius)] of the circles of neurons, from the left, and in a column from the top."""
    found = []
    for group in boxes_in(drawing):
        if group.get("class") == "tg-node tg-neuron":
            frame = group.find(SVG + "rect")
            x, y, width, height = (float(frame.get(key)) for key in ("x", "y", "width", "height"))
            name = re.search(r"[az][\w.]*\[\d+\]", group.find(SVG + "title").text)[0]
            assert width == height and float(frame.get("rx")) == pytest.approx(width / 2, abs=0.06)
            found.append((name, x + width / 2, y + height / 2, width / 2))
    return sorted(found, key=lambda circle: circle[1:3])


def lines_in(drawing):
    """{name of the weight: (width, is dashed, title)} of all lines but those of the key."""
    paths = [path for path in parsed(drawing).iter(SVG + "path") if "tg-line" in path.get("class", "") and len(path)]
    titles = [path.find(SVG + "title").text for path in paths]
    assert len({title.split(" = ")[0] for title in titles}) == len(paths)
    return {title.split(" = ")[0]: (float(path.get("stroke-width")), bool(path.get("stroke-dasharray")), title)
            for path, title in zip(paths, titles)}


# ---- where circles stand

@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.floats(150, 2000), st.floats(100, 900))
def test_circles_of_a_grid_fit_the_window_and_do_not_touch(counts, width, height):
    placed = grid(counts, (width, height))
    assert [len(column) for column in placed.columns] == counts
    for column in placed.columns:
        assert all(lower[1] - upper[1] >= 2 * placed.radius - 1e-9 for upper, lower in pairwise(column))
        assert all(placed.radius - 1e-9 <= y <= height - placed.radius + 1e-9 for _, y in column)
        assert sum(y for _, y in column) / len(column) == pytest.approx(placed.columns[0][0][1] if counts[0] == 1 else
                                                                        sum(y for _, y in placed.columns[0]) / counts[0])
        assert {x for x, _ in column} == {column[0][0]} and column[0][0] <= width


@given(st.integers(1, 2000), st.integers(3, 40))
def test_a_long_column_shows_its_first_circles_and_its_last(count, most):
    rows = rows_of(count, most)
    shown = [row for row in rows if row is not None]
    assert len(rows) <= most and shown[0] == 0 and shown[-1] == count - 1 and shown == sorted(set(shown))
    assert (None in rows) == (count > most)


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("seed", range(12))
def test_circles_stand_in_the_order_of_their_neurons(seed, fused):
    rng = random.Random(seed)
    inputs, sizes = rng.randint(1, 7), [rng.randint(1, 9) for _ in range(rng.randint(1, 4))]
    model = model_of(inputs, sizes, seed, fused=fused)
    for drawing in tg.draw(model), tg.draw(model, example=an_example(inputs)), tg.draw(loss_of(model, inputs), fold="neuron"):
        names = [name for name, *_ in circles_in(drawing)]
        letters = ["a"] * (len(sizes) - 1) + ["z"]
        assert names == [f"{letters[k]}{k}[{i}]" for k, size in enumerate(sizes) for i in range(size)]
        assert {f"input x{i}" for i in range(inputs)} <= {sentence.split(",")[0] for sentence in sentences_in(drawing)}


def sentences_in(drawing):
    return [group.find(SVG + "title").text for group in boxes_in(drawing)]


@pytest.mark.parametrize(("inputs", "sizes"), LARGE)
def test_a_long_column_is_shortened_and_says_by_how_many(inputs, sizes):
    drawing = tg.draw(model_of(inputs, sizes))
    shown = len(circles_in(drawing)) + sum(text.startswith("input") for text in sentences_in(drawing))
    hidden = [int(count) for count in re.findall(r">… (\d+) more<", drawing.svg)]
    assert shown + sum(hidden) == inputs + sum(sizes)
    assert len(hidden) == sum(size > MOST_ROWS for size in (inputs, *sizes))
    assert float(parsed(drawing).get("height")) <= HEIGHT + 150


# ---- lines

@pytest.mark.parametrize(("inputs", "sizes"), SMALL)
@pytest.mark.parametrize("meaning", MEANINGS)
@pytest.mark.parametrize("fused", [True, False])
def test_each_weight_has_a_line_as_wide_as_it_is_large_and_dashed_if_it_is_negative(inputs, sizes, meaning, fused):
    model = model_of(inputs, sizes, 3, fused=fused)
    loss = loss_of(model, inputs)
    example = an_example(inputs)
    weights = {weight.label: weight for weight in model.parameters(biases=False)}
    rows = [example]
    for layer in model.layers:
        rows.append(layer.predict(rows[-1]) if len(layer.neurons) > 1 else [layer.predict(rows[-1])[0]])
    inputs_of = {w.label: rows[k][i] for k, layer in enumerate(model.layers) for n in layer.neurons for i, w in enumerate(n.w)}
    told = {"weight": lambda w: w.data, "gradient": lambda w: w.grad, "product": lambda w: w.data * inputs_of[w.label]}[meaning]
    for drawing in tg.draw(loss, fold="neuron", lines=meaning), tg.draw(model, example=example, lines=meaning):
        lines = lines_in(drawing)
        assert lines.keys() == weights.keys()
        in_order = sorted(weights, key=lambda name: abs(told(weights[name])))
        assert [lines[name][0] for name in in_order] == sorted(width for width, _, _ in lines.values())
        assert all(lines[name][1] == (told(weights[name]) < 0) for name in weights)
        assert lines[in_order[-1]][0] == WIDEST and lines[in_order[0]][0] >= THINNEST
        assert f">{sentences('picture')[f'lines_{meaning}']}<" in drawing.svg


@given(st.lists(st.floats(), min_size=1))
def test_widths_are_monotone_and_always_seen(numbers):
    widths = widths_of(numbers)
    assert all(THINNEST <= width <= WIDEST for width in widths)
    for (x, width), (y, other) in zip(zip(numbers, widths), zip(numbers[1:], widths[1:])):
        if not math.isnan(x + y) and abs(x) <= abs(y):
            assert width <= other


def test_no_line_runs_through_a_circle():
    class Skipping(tg.Module):
        def __init__(self):
            self.hidden, self.out = tg.Layer(2, 5, "tanh", rng=0), tg.Layer(7, 2, rng=1)

        def forward(self, x):
            return self.out([*self.hidden(x), *x])

    drawing = tg.draw(Skipping(), example=[1.0, -2.0])
    circles = circles_in(drawing)
    assert len(lines_in(drawing)) == 2 * 5 + 7 * 2 and len(circles) == 7
    for path in parsed(drawing).iter(SVG + "path"):
        if not len(path):
            continue
        points = [tuple(map(float, pair)) for pair in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path.get("d"))]
        if " L" in path.get("d"):
            (x0, y0), (x1, y1) = points
            points = [(x0 + (x1 - x0) * t / 50, y0 + (y1 - y0) * t / 50) for t in range(51)]
        else:
            points = [p for start in range(0, len(points) - 3, 3) for p in bezier(points[start:start + 4])]
        for _, x, y, radius in circles:
            assert all(math.dist((x, y), point) > radius - 1 for point in points)


def bezier(points):
    for step in range(31):
        t = step / 30
        weights = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t ** 3
        yield tuple(sum(w * p[axis] for w, p in zip(weights, points)) for axis in (0, 1))


# ---- numbers

@pytest.mark.parametrize(("inputs", "sizes"), SMALL)
def test_every_number_that_is_told_is_the_engines(inputs, sizes):
    model = model_of(inputs, sizes, 1)
    for bias in model.parameters(weights=False):
        bias.data = 0.125
    loss = loss_of(model, inputs)
    drawing = tg.draw(loss, fold="neuron")
    nodes = {text: node for node, text in tg.names(loss).items()}
    for sentence in sentences_in(drawing):
        if "neuron" in sentence:
            name, data, gradient, bias = re.fullmatch(r"layer \d+, neuron \d+, (\S+), (\S+), gradient (\S+), bias (.*)", sentence).groups()
            assert (data, gradient) == (number_text(nodes[name].data), number_text(nodes[name].grad))
            assert bias == f"{name.replace(name[0], 'b', 1)} = 0.125"
        elif sentence.startswith("input"):
            name, data = sentence.removeprefix("input ").split(", ")
            assert data == number_text(nodes[name].data)
    for name, (_, _, title) in lines_in(drawing).items():
        weight, gradient, product = re.fullmatch(r"\S+ = (\S+), gradient (\S+), × \S+ = (\S+)", title).groups()
        assert weight == number_text(nodes[name].data) and gradient == number_text(nodes[name].grad)
        x = nodes[re.search("× (\\S+) =", title)[1]]
        assert product == number_text(nodes[name].data * x.data)


def test_the_accessible_text_has_every_circle_and_every_weight():
    drawing = tg.draw(model_of(3, [4, 1]), example=[1, 2, 3])
    told = parsed(drawing).find(SVG + "desc").text
    assert all(sentence in told for sentence in sentences_in(drawing))
    assert all(title in told for _, _, title in lines_in(drawing).values())


def test_drawing_a_model_leaves_it_and_its_graph_untouched():
    model = tg.Sequential(tg.Layer(2, 3, "relu", rng=0), tg.Dropout(0.5, seed=1), tg.Layer(3, 1, rng=1))
    x = [Value(1.0, label="x0"), Value(-2.0, label="x1")]
    loss = tg.sum(model(x)) ** 2
    loss.backward()
    before = [(p.data, p.grad, p.label, p.scope) for p in (*model.parameters(), *x)], model.steps[1].calls, model.training
    alive = tg.live_values()
    tg.draw(model), tg.draw(model, example=x), tg.draw(model, example=[3, 4], lines="gradient")
    assert tg.live_values() == alive
    assert ([(p.data, p.grad, p.label, p.scope) for p in (*model.parameters(), *x)], model.steps[1].calls, model.training) == before


def test_models_are_drawn_where_nothing_is_recorded():
    model = model_of(2, [3, 1])
    with tg.no_grad():
        assert tg.draw(model, example=[1, 2]).svg == tg.draw(model, example=[1, 2]).svg
    assert len(lines_in(tg.draw(model))) == 9


def test_without_an_example_no_numbers_but_those_of_parameters_are_told():
    told = parsed(tg.draw(model_of(2, [3, 1]))).find(SVG + "desc").text
    assert "layer 0, neuron 1, a0[1], bias b0[1] = 0." in told and "gradient" not in told and "×" not in told


def test_several_examples_show_the_shared_weights_and_no_activations():
    model = model_of(2, [3, 2])
    loss = tg.cross_entropy([model([float(i), 1.0]) for i in range(5)], [0, 1, 0, 1, 0])
    drawing = tg.draw(loss, fold="neuron")
    assert lines_in(drawing).keys() == {weight.label for weight in model.parameters(biases=False)}
    assert [name for name, *_ in circles_in(drawing)] == ["a0[0]", "a0[1]", "a0[2]", "z1[0]", "z1[1]"]
    assert all("," not in text.split("bias")[0].split("]")[1].strip(", ") for text in sentences_in(drawing) if "neuron" in text)
    with pytest.raises(ValueError, match="one example"):
        tg.draw(loss, fold="neuron", lines="product")


# ---- unusual models

def swish(v):
    return v * tg.sigmoid(v)


@pytest.mark.parametrize(("model", "circles", "lines", "boxes"), [
    (tg.Neuron(3, "tanh", rng=0), 1, 3, 0), (tg.Layer(3, 2, "relu", rng=0), 2, 6, 0), (tg.Maxout(2, 3, rng=0), 3, 6, 1),
    (tg.MLP(2, [3, 1], activation=swish, rng=0), 4, 9, 0), (tg.MLP(2, [3, 1], activation=tg.mish, rng=0), 4, 9, 0),
    (tg.MLP(2, [3, 1], bias=False, rng=0).freeze(), 4, 9, 0), (tg.MLP(3, [4, 2], rng=0).layers[1], 2, 8, 0),
    (tg.Sequential(tg.Layer(2, 3, rng=0), tg.Dropout(0.5), tg.Layer(3, 1, rng=0)), 4, 9, 0),
    (tg.Sequential(tg.Layer(2, 3, rng=0), lambda row: [tg.relu(e) for e in row], tg.Layer(3, 2, rng=0), tg.softmax), 5, 12, 5),
], ids=["neuron", "layer", "maxout", "swish", "mish", "frozen", "part", "dropout", "functions"])
def test_what_is_made_of_neurons_is_drawn(model, circles, lines, boxes):
    found = tg.draw(model, example=[1.0, -2.0, 3.0, 0.5][:len(next(m for m in model.modules() if isinstance(m, tg.Neuron)).w)])
    kinds = [group.get("class") for group in boxes_in(found)]
    assert (kinds.count("tg-node tg-neuron"), len(lines_in(found)), kinds.count("tg-node tg-op")) == (circles, lines, boxes)


def test_two_networks_in_one_model_are_told_apart():
    class Both(tg.Module):
        def __init__(self):
            self.encoder, self.decoder = model_of(2, [3, 1]), model_of(1, [3, 2], 1)

        def forward(self, x):
            return self.decoder([self.encoder(x)])

    assert len(circles_in(tg.draw(Both()))) == 4 + 5


def test_what_is_no_network_is_refused_with_a_remedy():
    class Loop(tg.Module):
        def __init__(self):
            self.cell = tg.Layer(2, 2, "tanh", rng=0)

        def forward(self, x):
            return self.cell(self.cell(x))

    class Line(tg.Module):
        def __init__(self):
            self.slope = Value(2.0)

        def forward(self, x):
            return self.slope * x

    model, loss = model_of(2, [3, 1]), tg.expression("x * y", x=1, y=2)
    for shown, options, remedy in [
            (Loop(), {}, r"tg.draw\(model\(x\)\)"), (Line(), {}, r"Line has none.*tg.draw\(model\(x\)\)"),
            (model, {"example": [1.0]}, "layer 0 expects 2 inputs, got 1"), (model, {"lines": "size"}, "weight, gradient, product"),
            (model, {"lines": "gradient"}, r"loss.backward\(\)"), (model, {"lines": "product"}, r"example=\[...\]"),
            (model, {"style": "circuit"}, r"tg.draw\(model\(x\), .*style='circuit'"), (model, {"fold": "layer"}, "fold='layer'"),
            (loss, {"lines": "gradient"}, 'fold="neuron"')]:
        with pytest.raises(ValueError, match=remedy):
            tg.draw(shown, **options)
    for shown, example in (model, 3.0), (loss, [1.0]):
        with pytest.raises(TypeError, match="example"):
            tg.draw(shown, example=example)


def test_a_penalty_on_the_weights_is_one_box():
    model = model_of(2, [3, 1])
    loss = (model([1.0, 2.0]) - 1) ** 2 + tg.sum([weight * weight for weight in model.parameters()])
    drawing = tg.draw(loss, fold="neuron")
    assert len(lines_in(drawing)) == 9 and ">penalty<" in drawing.svg
    assert len(boxes_in(drawing)) == 2 + 4 + 5


@pytest.mark.parametrize("label", HOSTILE, ids=ascii)
def test_hostile_labels_are_only_text(label):
    model = model_of(2, [2, 1])
    model.layers[0].neurons[0].w[0].label = label
    model.layers[0].neurons[1].b.label = label
    loss = (model([Value(1.0, label=label), 2.0]) - 1) ** 2
    for drawing in tg.draw(model), tg.draw(loss, fold="neuron"):
        assert not any("script" in element.tag.lower() or element.get("onload") for element in ElementTree.fromstring(drawing.svg).iter())
    tg.play(loss)


def test_networks_are_the_same_bytes_for_every_hash_seed():
    code = """
import tinygrad_edu as tg, hashlib
model = tg.MLP(3, [4, 17, 2], rng=0)
loss = tg.cross_entropy(model([1.0, 2.0, 3.0]), 1)
loss.backward()
drawn = [tg.draw(model), tg.draw(model, example=[1, 2, 3]), tg.draw(loss), tg.draw(loss, lines="gradient")]
print(hashlib.sha256("".join(d.svg for d in drawn).encode() + tg.play(loss).html.encode()).hexdigest())
"""
    found = {subprocess.run([sys.executable, "-c", code], env={"PYTHONHASHSEED": seed, "PATH": ""}, capture_output=True,
                            text=True, check=True).stdout for seed in ("0", "1", "2")}
    assert len(found) == 1


# ---- the view of the player

@pytest.mark.parametrize(("inputs", "sizes"), [*SMALL, *LARGE[:1]])
def test_the_view_of_neurons_has_a_line_for_each_weight(inputs, sizes):
    model = model_of(inputs, sizes)
    data = data_of(tg.play(loss_of(model, inputs), fold="neuron"))
    view = data["views"][data["first"]]
    lines = [link for link in view["links"] if len(link) > 5]
    weights = {weight.label: weight.data for weight in model.parameters(biases=False)}
    assert {data["nodes"][link[2]]["name"] for link in lines} == weights.keys() and len(lines) == len(weights)
    assert all((link[5] < 0) == (weights[data["nodes"][link[2]]["name"]] < 0) for link in lines)
    members = [n for b, *_ in view["boxes"] for n in data["boxes"][b]["nodes"]]
    assert sorted(members) == list(range(len(data["nodes"])))


def test_an_opened_neuron_has_all_of_its_nodes_and_its_products():
    model = model_of(3, [4, 1])
    data = data_of(tg.play(loss_of(model, 3)))
    opened = [box for box in data["boxes"] if "inside" in box]
    assert [box["name"].split(" ")[0] for box in opened] == [f"a0[{i}]" for i in range(4)] + ["z1[0]"]
    for box in opened:
        inner = [n for b, *_ in box["inside"]["boxes"] for n in data["boxes"][b]["nodes"]]
        assert sorted(inner) == sorted(box["nodes"])


def test_pages_of_networks_stay_small():
    loss = loss_of(model_of(2, [16, 16, 1]), 2)
    assert len(tg.play(loss).html.encode()) <= 400_000
    model = model_of(2, [16, 16, 1])
    batch = tg.mse([model([random.Random(i).random(), 0.5]) for i in range(100)], [1.0] * 100)
    assert len(tg.play(batch, live=False).html.encode()) <= 600_000
    nodes = len(tg.topological_order(batch))            # a live page knows what each node is made of
    assert len(tg.play(batch).html.encode()) <= 600_000 + 20 * nodes


def test_weights_between_the_same_two_circles_go_different_ways():
    x = Value(2.0, label="x")
    loss = (model_of(3, [4, 1])([x, x, x]) - 1) ** 2
    ways = re.findall(r'<path class="tg-line[^>]* d="([^"]*)"[^>]*><title>', tg.draw(loss, fold="neuron").svg)
    assert len(ways) == len(set(ways)) == 3 * 4 + 4
    links = [link for view in data_of(tg.play(loss))["views"] for link in view["links"] if len(link) > 5 and "headings" in view]
    assert len({(*link[:2], link[4]) for link in links}) == len(links) == 3 * 4 + 4


@pytest.mark.parametrize("option, choice", [
    ("layout", "simple"), ("layout", "foo"), ("fold", "layer"), ("names", "source"), ("style", "circuit"), ("blank", "all")])
def test_an_option_that_a_model_cannot_have_is_refused_by_name(option, choice):
    with pytest.raises(ValueError, match=f"{option}='{choice}'"):
        tg.draw(model_of(2, [3, 1]), **{option: choice})
