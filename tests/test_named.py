"""Graphs as they are shown: named once for everything that shows them, and hidden nodes passed over by all alike."""

import json
import random
import re
import sys
from collections import Counter

import pytest
from test_walk import screen_text

import tinygrad_edu as tg
from tinygrad_edu import REAL, Value
from tinygrad_edu.cli import main
from tinygrad_edu.engine import printer
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
            "page": tg.play(f, layout="simple", live=False).html, "live page": said_on(tg.play(f, layout="simple")),
            "screens": [screen_text(events, place) for place in range(len(events) + 1)]}


HOW_TO_COMPUTE = {"ops", "whole", "named", "constants", "leaves", "at", "holders", "stands"}


def said_on(page):
    """What a live page shows and says: all but the rules by which it computes, which are of hidden nodes too."""
    data = json.loads(re.search('<script type="application/json" id="data">(.*?)</script>', page.html, re.S)[1])
    data["live"] = {key: value for key, value in data["live"].items() if key not in HOW_TO_COMPUTE}
    return re.search("<main>.*</main>", page.html, re.S)[0], data


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


# ---- names


def neuron_graph(**options):
    return NamedGraph(tg.expression("1/(1 + exp(-(w0*x0 + w1*x1 + w2)))", w0=2, x0=-1, w1=-3, x1=-2, w2=-3), **options)


def test_in_more_than_four_operations_each_goes_by_a_number_in_the_order_of_evaluation():
    graph = neuron_graph()
    assert [f"{graph.texts[node]} = {graph.made(node)}" for node in graph.nodes if node.parents] == [
        "v1 = w0 * x0", "v2 = w1 * x1", "v3 = v1 + v2", "v4 = v3 + w2", "v5 = -v4", "v6 = exp(v5)", "v7 = 1 + v6", "f = 1 / v7"]
    four = NamedGraph(tg.expression("-(x * y + x) * y", x=1, y=2))
    assert [four.texts[node] for node in four.nodes if node.parents] == ["x * y", "x * y + x", "-(x * y + x)", "f"]


def test_formulas_can_be_asked_for_as_names_everywhere(tmp_path, monkeypatch, capsys):
    f = neuron_graph().output
    for shown in (str(tg.steps(f, names="formulas")), tg.draw(f, names="formulas").svg, tg.play(f, names="formulas").html):
        assert "1 + exp(-v1)" in shown.replace("−", "-")
    monkeypatch.chdir(tmp_path)
    words = ["1/(1 + exp(-(w0*x0 + w1*x1 + w2)))", "w0=2", "x0=-1", "w1=-3", "x1=-2", "w2=-3"]
    for extra, wanted in ([], "v6 = exp(v5)"), (["--names", "formulas"], "1 + exp(-v1)"), (["--names=formulas"], "1 + exp(-v1)"):
        assert main(["step", *words, *extra]) == 0 and wanted in capsys.readouterr().out
    assert main(["draw", *words, "--names", "formulas", "-o", "f.svg"]) == 0
    assert "1 + exp(-v1)" in (tmp_path / "f.svg").read_text(encoding="utf-8").replace("−", "-")
    with pytest.raises(ValueError, match="names='short': write one of auto, formulas"):
        tg.steps(f, names="short")


@pytest.mark.parametrize(("labels", "letter"), [(["x"], "v"), (["v1"], "u"), (["v7", "u1"], "t"), (["v"], "v"), (["v_1"], "v")])
def test_numbers_never_mix_with_names_that_look_alike(labels, letter):
    leaves = [Value(float(i + 1), label=label) for i, label in enumerate(labels)]
    total = leaves[0]
    for k in range(6):
        total = total * leaves[k % len(leaves)] + 1
    graph = NamedGraph(total)
    found = [graph.texts[node] for node in graph.nodes if node.parents]
    assert found == [f"{letter}{k + 1}" for k in range(11)] + ["f"]


def test_a_result_goes_by_its_own_name_where_f_is_taken():
    f = Value(2.0, label="f")
    graph = NamedGraph(f * f * f * f * f * f)
    assert graph.texts[graph.output] == "v5" and len(set(graph.texts.values())) == 6


def test_what_a_network_is_made_of_goes_by_layer_neuron_and_input():
    model = tg.MLP(2, [3, 1], rng=0)
    for name, parameter in model.named_parameters():
        layer, neuron, kind, *rest = [part for part in name.split(".") if part not in ("layers", "neurons")]
        assert parameter.label == f"{kind}{layer}[{','.join([neuron, *rest])}]"
    assert model.layers[0].neurons[2].w[1].label == "w0[2,1]"
    graph = NamedGraph(tg.mse(model([1.0, -2.0]), 0.5))
    texts = [graph.texts[node] for node in graph.nodes]
    assert {"x0", "x1", "z0[2]", "a0[2]", "z1[0]", "loss"} <= set(texts) and "a1[0]" not in texts
    node = {text: node for node, text in graph.texts.items()}
    assert graph.made(node["a0[2]"]) == "tanh(z0[2])" and graph.made(node["z0[2]"]).endswith(" + b0[2]")


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("activation", ["relu", None, lambda z: z * tg.sigmoid(z), lambda z: tg.maximum(z, 0) + 1])
def test_sums_and_activations_of_neurons_are_found_however_these_are_made(fused, bias, activation):
    model = tg.MLP(2, [2, 1], activation=activation, fused=fused, bias=bias, rng=0)
    graph = NamedGraph(model([Value(1.0, label="p"), Value(2.0, label="q")]))
    node = {text: node for node, text in graph.texts.items()}
    for j, neuron in enumerate(model.layers[0].neurons):
        z = sum(w.data * x for w, x in zip(neuron.w, (1.0, 2.0)))
        assert node[f"z0[{j}]"].data == pytest.approx(z)
        if activation is not None:
            wanted = activation(z) if callable(activation) else max(z, 0)
            assert node[f"a0[{j}]"].data == pytest.approx(wanted)
    assert not [text for text in node if text.endswith("_2")]


def test_parts_of_ones_own_models_have_names_too():
    class Pair(tg.Module):
        def __init__(self):
            self.query, self.key = tg.Layer(2, 1, rng=0), tg.Layer(2, 1, rng=1)
            self.set_scope("")

        def forward(self, x):
            return self.query(x)[0] * self.key(x)[0]
    assert [p.label for p in Pair().parameters()] == ["w_query[0,0]", "w_query[0,1]", "b_query[0]", "w_key[0,0]", "w_key[0,1]", "b_key[0]"]
    steps = tg.Sequential(tg.Layer(1, 1, rng=0), tg.Dropout(0.5), tg.MLP(1, [1], rng=0))
    assert [p.label for p in steps.parameters()] == ["w0[0,0]", "b0[0]", "w2.0[0,0]", "b2.0[0]"]
    assert [p.label for p in tg.Maxout(1, 2).parameters()] == ["w[0,0]", "b[0]", "w[1,0]", "b[1]"]
    assert [p.label for p in tg.Neuron(2).parameters()] == ["w0", "w1", "b"]


def test_labels_of_the_user_stay_when_a_layer_gets_its_place():
    layer = tg.Layer(1, 1, rng=0)
    layer.neurons[0].w[0].label = "gain"
    tg.Sequential(layer)
    assert [p.label for p in layer.parameters()] == ["gain", "b0[0]"]


def test_places_are_typeset_with_the_layer_above_and_the_indices_below():
    wanted = {"w0[2,1]": "w^{(0)}_{21}", "w0[12,1]": "w^{(0)}_{12,1}", "b0[2]": "b^{(0)}_{2}", "w[2,1]": "w_{21}",
              "w_query[0,1]": "w^{(query)}_{01}", "w2.0[0,0]": "w^{(2.0)}_{00}", "x[1]": "x_{1}"}
    assert {name: printer.latex_name(name) for name in wanted} == wanted
    assert printer.mathml_name("w0[2,1]") == "<msubsup><mi>w</mi><mi>21</mi><mi>(0)</mi></msubsup>"
    assert printer.leaf_precedence("w0[2,1]") == printer.ATOM and printer.leaf_precedence("a[x]") != printer.ATOM
    w = Value(2.0, label="w0[2,1]")
    assert tg.steps(w * 3)[-1].formula == "w0[2,1].grad += (w0[2,1] * 3).grad × ∂(w0[2,1] * 3)/∂w0[2,1]"


@pytest.mark.parametrize("loss", [tg.mse, tg.mae, tg.half_squared_error, tg.sum_squared_error, tg.huber, tg.hinge, tg.bce_with_logits])
def test_a_loss_is_called_loss_and_nothing_within_it(loss):
    predictions = [Value(0.5, label="p"), Value(-0.25, label="q")]
    found = loss(predictions, [1, 1])
    assert found.label == "loss" and list(tg.names(found).values()).count("loss") == 1
    assert not any(node.label == "loss" for node in tg.topological_order(found)[:-1])


def test_inputs_are_shown_beside_folded_layers_while_they_are_few():
    model = tg.MLP(2, [3, 1], rng=0)
    one, many = tg.mse(model([1.0, 2.0]), 1.0), tg.mse([model([float(i), 1.0]) for i in range(6)], [1.0] * 6)
    assert ">x0<" in tg.draw(one, fold="layer").svg and ">inputs<" not in tg.draw(one, fold="layer").svg
    assert ">inputs<" in tg.draw(many, fold="layer").svg and ">x0<" not in tg.draw(many, fold="layer").svg


def test_the_targets_of_a_cross_entropy_have_names_in_pictures():
    z = [Value(1.0, label="cat"), Value(2.0, label="car")]
    loss = tg.cross_entropy(z, 1)
    assert tg.steps(loss)[0].text == "loss = softmax_cross_entropy([cat, car], [y[0], y[1]]) = softmax_cross_entropy([1, 2], [0, 1]) = 0.313262"
    assert ">y[1]<" in tg.draw(loss).svg and not loss.parents[3].label


@pytest.mark.parametrize(("made", "name"), [
    (lambda p: (p - 1) ** 2, "loss"), (lambda p: abs(p - 1.0), "loss"), (lambda p: sum([(p - 1) ** 2, (p - 2) ** 2]) / 2, "loss"),
    (lambda p: tg.mean([(p - t) ** 2 for t in (1, 2)]) * 0.5, "loss"), (lambda p: p * p, "f"), (lambda p: p - 1, "f"),
    (lambda p: (p - 1) ** 2 + p, "f"), (lambda p: tg.tanh(p), "f"), (lambda p: (p + 1) ** 2, "f")])
def test_errors_of_a_network_written_by_hand_are_its_loss_and_nothing_else_is(made, name):
    f = made(tg.MLP(2, [2, 1], rng=0)([1.0, 2.0]))
    assert tg.names(f)[f] == name
    x = Value(1.0, label="x")
    alone = made(tg.tanh(x * 2 + x) * x * 2)
    assert tg.names(alone)[alone] == "f"
