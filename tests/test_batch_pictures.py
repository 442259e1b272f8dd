"""A batch is shown as one example and how many more there are, and all numbers shown are the engine's."""

import random

import pytest
from test_player import data_of

import tinygrad_edu as tg
from tinygrad_edu import Value
from tinygrad_edu.show.batch import BatchGraph, shown_graph
from tinygrad_edu.show.steps import events_of
from tinygrad_edu.show.svg import number_text

COUNTS = [4, 5, 10, 33]


def examples(rng, count, inputs=2):
    return [([rng.uniform(-1, 1) for _ in range(inputs)], rng.uniform(-1, 1)) for _ in range(count)]


def squared(model, data):
    return [(model(x) - y) ** 2 for x, y in data]


def penalised(losses, model):
    return tg.mean(losses) + 0.01 * tg.dot(model.parameters(), model.parameters())


def counted_down(losses):
    total = 0
    for loss in losses:
        total = total - tg.log(tg.sigmoid(loss))
    return total


def nested(losses):
    half = len(losses) // 2
    return tg.sum(losses[:half]) + tg.sum(losses[half:])


REDUCED = {
    "mean": lambda losses, model: tg.mean(losses), "tg.sum": lambda losses, model: tg.sum(losses),
    "sum": lambda losses, model: sum(losses), "sum / n": lambda losses, model: sum(losses) / len(losses),
    "root": lambda losses, model: tg.sqrt(tg.mean(losses)), "with a penalty": penalised,
    "subtracted": lambda losses, model: counted_down(losses), "max": lambda losses, model: tg.max(losses),
    "halves": lambda losses, model: nested(losses), "norm": lambda losses, model: tg.norm(losses)}
LOSSES = {
    "mse": lambda model, data: tg.mse([model(x) for x, _ in data], [[y] * 3 for _, y in data]),
    "cross_entropy": lambda model, data: tg.cross_entropy([model(x) for x, _ in data], [k % 3 for k in range(len(data))]),
    "soft targets": lambda model, data: tg.cross_entropy([model(x) for x, _ in data], [[0.2, 0.3, 0.5]] * len(data)),
    "nll": lambda model, data: tg.nll([tg.log_softmax(model(x)) for x, _ in data], [k % 3 for k in range(len(data))]),
    "brier": lambda model, data: tg.brier([tg.softmax(model(x)) for x, _ in data], [k % 3 for k in range(len(data))])}


def is_batch(loss, fold="example"):
    return isinstance(shown_graph(loss, "auto", fold), BatchGraph)


def end_of(graph):
    """{node: gradient} after the last event."""
    found = {}
    for event in events_of(graph):
        found.update(event.arrived)
    return found


def check(loss, count):
    """One example is shown, `count` others are not, and what is shown is what backward gives."""
    graph = shown_graph(loss, "auto", "example")
    assert isinstance(graph, BatchGraph) and graph.others == f"… and {count} more"
    for leaf in tg.leaves(loss):
        leaf.zero_grad()
    loss.backward()
    shown = end_of(graph)
    assert set(shown) == {node for node in graph.nodes if not node.is_constant}
    assert all(node.grad == gradient for node, gradient in shown.items())
    assert {event.node: event.value for event in events_of(graph) if event.kind == "forward"} == {
        node: node.data for node in graph.nodes if node.parents}
    return graph


# ---- the numbers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REDUCED)
@pytest.mark.parametrize("count", COUNTS)
def test_what_is_shown_of_a_reduced_batch_is_what_backward_gives(name, count):
    rng = random.Random(f"{name} {count}")
    model = tg.MLP(2, [rng.randint(1, 4), 1], rng=rng.randint(0, 99))
    loss = REDUCED[name](squared(model, examples(rng, count)), model)
    graph = check(loss, count - 1)
    assert graph.texts[graph.output] == "loss" and set(model.parameters()) <= set(graph.nodes)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("count", COUNTS)
def test_what_is_shown_of_a_loss_of_lists_is_what_backward_gives(name, count):
    rng = random.Random(f"{name} {count}")
    model = tg.MLP(2, [rng.randint(1, 5), 3], rng=rng.randint(0, 99))
    check(LOSSES[name](model, examples(rng, count)), count - 1)


@pytest.mark.parametrize("seed", range(20))
def test_the_steps_of_a_batch_are_those_of_the_engine_without_the_others(seed):
    rng = random.Random(seed)
    inputs, activation = rng.randint(1, 3), rng.choice(["tanh", "relu"])
    model = tg.MLP(inputs, [rng.randint(1, 4), rng.randint(1, 3), 1], rng=seed, activation=activation)
    loss = tg.mean(squared(model, examples(rng, rng.randint(4, 12), inputs)))
    graph = shown_graph(loss, "auto", "example")
    whole = {(event.node, event.parent, event.edge): event.value for event in tg.steps(loss) if event.kind == "backward"}
    told = {(event.node, event.parent, event.edge): event.value for event in events_of(graph) if event.kind == "backward"}
    assert told.items() <= whole.items()
    left_out = {node for node, _, _ in whole.keys() - told.keys()} - {loss}
    assert left_out <= graph.hidden and not left_out & set(graph.nodes)
    assert [event.kind for event in events_of(graph)].count("others") == 2


def test_what_the_others_add_stands_before_what_the_example_adds():
    w = Value(0.5, label="w")
    loss = tg.mean([(w * x - 1) ** 2 for x in (1.0, 2.0, 3.0, 4.0)])
    *_, last = events_of(shown_graph(loss, "auto", "example"))
    [others] = [event for event in events_of(shown_graph(loss, "auto", "example")) if event.gradients]
    loss.backward()
    rest = tg.sum([(w.detach() * x - 1) * x / 2 for x in (2.0, 3.0, 4.0)])
    assert others.gradients == {w: rest.data} and last.value == w.grad == rest.data + (0.5 - 1) / 2
    assert last.parent is w and last.terms[0] == rest.data


def test_a_factor_of_other_examples_gets_its_gradient():
    u, w = Value(2.0, label="u"), Value(0.5, label="w")
    losses = [(w * x - u) ** 2 for x in range(12)]
    check(tg.sum(losses[:6]) + u * tg.sum(losses[6:]), 11)
    check(u * tg.sum(losses[:6]) - tg.sum(losses[6:]) * u, 11)


def test_a_dead_relu_of_the_example_shown_stops_only_there():
    w = Value(1.0, label="w")
    loss = tg.mean([tg.relu(tg.tanh(w * x)) for x in (-1.0, 1.0, 2.0, 3.0, 4.0)])
    graph = check(loss, 4)
    [stopped] = [event for event in events_of(graph) if event.kind == "stopped"]
    assert w not in stopped.behind and end_of(graph)[w] == w.grad > 0


def test_a_player_ends_with_the_numbers_of_backward():
    model = tg.MLP(2, [3, 1], rng=1)
    loss = tg.mean(squared(model, examples(random.Random(1), 12)))
    loss.backward()
    data, nodes = data_of(tg.play(loss, layout="simple")), shown_graph(loss, "auto", "auto").nodes
    found = {}
    for kind, n, *rest in data["events"]:
        if kind == "s":
            found[n] = rest[0]
        elif kind == "b":
            found[data["nodes"][n]["parents"][rest[0]]] = rest[1]
        elif kind == "z":
            found.update(zip(rest[2], rest[1], strict=True))
    assert {nodes[n]: shown for n, shown in found.items()} == {
        node: number_text(node.grad) for node in nodes if not node.is_constant}
    told = [rest[-1] for kind, *rest in data["events"] if kind in "fz" and len(rest) > 1]
    assert told == ["The other 11 examples are computed in the same way",
                    "The other 11 examples add to the gradients of the parameters"]


# ---- what is a batch ----------------------------------------------------------------------------------------


def test_the_order_of_the_examples_does_not_matter():
    model, data = tg.MLP(2, [3, 1], rng=0), examples(random.Random(0), 9)
    sizes = set()
    for seed in range(8):
        random.Random(seed).shuffle(data)
        graph = check(sum(squared(model, data)), 8)
        sizes.add((len(graph.nodes), tuple(graph.made(node) for node in graph.nodes if node.parents)[-1]))
    assert len(sizes) == 1


def test_examples_of_another_shape_stay_where_they_are_few():
    w, b = Value(1.5, label="w"), Value(0.5, label="b")
    losses = [(w * x + b) ** 2 if x > 2 else tg.abs(w * x + b) * 2 for x in range(12)]
    graph = check(tg.mean(losses), 8)                       # 9 of one shape, and 3 of another
    assert sum(node.op == "abs" for node in graph.nodes) == 3 and sum(node.op == "square" for node in graph.nodes) == 1


def test_of_each_shape_that_many_examples_have_one_is_shown():
    w, b = Value(1.5, label="w"), Value(0.5, label="b")
    losses = [(w * x + b) ** 2 if x % 2 else tg.abs(w * x + b) * 2 for x in range(12)]
    for loss in tg.mean(losses), sum(losses):
        graph = check(loss, 10)
        assert sum(node.op == "abs" for node in graph.nodes) == sum(node.op == "square" for node in graph.nodes) == 1


def test_embeddings_that_some_examples_share_are_data():
    table, w = [Value(float(k), label=f"e{k}") for k in range(3)], [Value(0.1 * k, label=f"w{k}") for k in range(4)]
    losses = [(w[0] * table[k % 3] + w[1]) * w[2] + w[3] for k in range(12)]
    graph = check(tg.mean(losses), 11)
    assert table[0] in graph.nodes and table[1] not in graph.nodes


W = [Value(0.1 * k + 0.1, label=f"w{k}") for k in range(8)]
X = [Value(0.2 * k - 0.3, label=f"x{k}") for k in range(8)]
NO_BATCH = {
    "a dot product": lambda: sum(w * x for w, x in zip(W, X)),
    "a dot product of numbers": lambda: sum(w * k for k, w in enumerate(W)),
    "one node dot": lambda: tg.dot(W, X),
    "hidden units by hand": lambda: sum(v * tg.tanh(w * X[0] + b) for v, w, b in zip(W, W[::-1], X)),
    "a network": lambda: (tg.MLP(2, [8, 8, 1], rng=0)([1.0, 2.0]) - 1) ** 2,
    "the outputs of a network": lambda: tg.sum([tg.tanh(z) for z in tg.MLP(2, [5, 6], rng=0)([1.0, 2.0])]),
    "a layer": lambda: tg.sum(tg.MLP(2, [6], rng=0)([Value(1.0), Value(2.0)])),
    "a penalty": lambda: sum(w * w for w in W),
    "too few": lambda: sum((W[0] * k - 1) ** 2 for k in range(3)),
    "differences of all pairs": lambda: tg.sum([(tg.tanh(a) - tg.tanh(b)) ** 2 for a in W for b in W]),
    "one chain": lambda: tg.tanh(tg.tanh(W[0]) * W[1]),
    "a leaf": lambda: W[0]}


@pytest.mark.parametrize("name", NO_BATCH)
def test_what_only_looks_like_a_batch_is_none(name):
    f = NO_BATCH[name]()
    assert not is_batch(f)
    assert tg.draw(f, "simple", "example").svg == tg.draw(f, "simple", "neuron").svg


def test_a_recurrent_network_over_time_is_no_batch():
    u, v, h = Value(0.5, label="u"), Value(0.3, label="v"), Value(0.0, label="h")
    losses = []
    for x in range(8):
        h = tg.tanh(u * h + v * x)
        losses.append((h - 1) ** 2)
    assert not is_batch(tg.mean(losses))


# ---- the pictures -------------------------------------------------------------------------------------------


def test_small_batches_are_shown_whole_unless_folding_is_asked_for():
    w = Value(0.5, label="w")
    few, many = (tg.mean([(w * x - 1) ** 2 for x in range(count)]) for count in (6, 20))
    assert "more" not in tg.draw(few, "simple").svg
    assert "… and 5 more" in tg.draw(few, "simple", "example").svg and "… and 19 more" in tg.draw(many, "simple").svg
    assert "more" not in tg.draw(many, "simple", "none").svg


def test_steps_stay_complete():
    w = Value(0.5, label="w")
    loss = tg.mean([(w * x - 1) ** 2 for x in range(20)])
    assert {event.kind for event in tg.steps(loss)} == {"forward", "seed", "backward"}
    assert sum(event.kind == "forward" for event in tg.steps(loss)) == 61


def test_a_graph_too_large_says_that_an_example_can_be_shown():
    w = Value(0.5, label="w")
    loss = tg.mean([(w * x - 1) ** 2 for x in range(1000)])
    for refused in (tg.draw, tg.play):
        with pytest.raises(ValueError, match='fold="example" shows one example of a batch'):
            refused(loss, fold="none")
    assert "… and 999 more" in tg.draw(loss).svg


def test_the_size_of_a_page_does_not_depend_on_the_size_of_the_batch():
    model = tg.MLP(2, [16, 16, 1], rng=0)
    sizes = {}
    for count in (10, 100, 300):
        loss = tg.mean(squared(model, examples(random.Random(0), count)))
        page = tg.play(loss, layout="simple", live=False)
        assert page.title == "loss, step by step" and f"… and {count - 1} more" in page.html
        sizes[count] = len(page.html.encode())
    assert sizes[100] <= 600_000 and sizes[300] - sizes[10] <= 12_000


def test_the_same_batch_gives_the_same_bytes():
    pages, svgs = set(), set()
    for _ in range(2):
        model = tg.MLP(2, [3, 1], rng=0)
        loss = tg.mean(squared(model, examples(random.Random(0), 20)))
        pages.add(tg.play(loss).html)
        svgs.add(tg.draw(loss).svg)
    assert len(pages) == len(svgs) == 1


def test_a_loss_with_a_penalty_is_a_total():
    model = tg.MLP(2, [2, 1], rng=0)
    data = examples(random.Random(0), 6)
    loss = tg.mse([model(x) for x, _ in data], [y for _, y in data]) + tg.L2(0.1)(model.parameters(biases=False))
    assert tg.play(loss, layout="simple").title == "total, step by step"
    check(loss, 5)


def test_a_sum_is_told_without_the_numbers_of_the_others():
    w = Value(0.5, label="w")
    losses = [(w * x - 1) ** 2 for x in range(1, 21)]
    for loss, text in (sum(losses), "v3 + … = 0.25 + … = 527.5"), (tg.mean(losses), "mean(v3, …) = mean(0.25, …) = 26.375"):
        last = [event for event in events_of(shown_graph(loss, "auto", "auto")) if event.kind == "forward"][-1]
        assert last.text == f"loss = {text}"


def test_a_sum_that_is_used_twice_stays():
    w = Value(0.5, label="w")
    total = sum((w * x - 1) ** 2 for x in range(1, 7))
    for loss in (total + (w * 7 - 1) ** 2 + tg.tanh(total), sum(tg.sin(total * k) ** 2 for k in (0.1, 0.2, 0.3, 0.4))):
        graph = shown_graph(loss, "auto", "example")
        loss.backward()
        for node, gradient in end_of(graph).items():
            assert node.grad == gradient
        w.zero_grad()
        assert total in graph.nodes or not isinstance(graph, BatchGraph)
