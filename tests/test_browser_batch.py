"""The page of a batch: one example step by step, all others in one step forward and one backward."""

import random

import pytest
from test_browser_player import boxes, go

import tinygrad_edu as tg
from tinygrad_edu import Value
from tinygrad_edu.show.batch import shown_graph
from tinygrad_edu.show.steps import events_of
from tinygrad_edu.show.svg import number_text


def line_batch():
    w, b = Value(0.5, label="w"), Value(0.25, label="b")
    return sum([(w * x + b - 3) ** 2 for x in range(20)]) / 20


def network_batch():
    model, rng = tg.MLP(2, [2, 1], rng=0, activation="relu"), random.Random(0)
    return tg.mse([model([rng.uniform(-1, 1), rng.uniform(-1, 1)]) for _ in range(12)], [1.0] * 12)


@pytest.mark.parametrize("loss", [line_batch, network_batch])
def test_every_number_at_every_step_of_a_batch_is_the_engines(opened, loss):
    output = loss()
    graph, tab = shown_graph(output, "auto", "auto"), opened(tg.play(output))
    if tab.locator("#view").is_visible():
        tab.locator("#view").select_option(label="every node")
    wanted = {node: ["—" if node.parents else number_text(node.data), "—"] for node in graph.nodes if not node.is_constant}
    for place, event in enumerate(events_of(graph), 1):
        go(tab, place)
        if event.kind == "forward":
            wanted[event.node][0] = number_text(event.value)
        for node, gradient in event.arrived.items():
            wanted[node][1] = number_text(gradient)
        shown = boxes(tab)
        for node, (data, grad) in wanted.items():
            texts = [pair for name, pair in shown.items() if name.split(" = ")[0] == graph.texts[node]]
            assert texts == [(data, grad)], (place, graph.texts[node])
    output.backward()
    assert all(wanted[leaf][1] == number_text(leaf.grad) for leaf in tg.leaves(output) if leaf in wanted)


def test_the_others_have_a_step_forward_and_one_backward(opened):
    loss = line_batch()
    events, tab = events_of(shown_graph(loss, "auto", "auto")), opened(tg.play(loss))
    assert tab.locator("h1").inner_text() == "loss, step by step"
    forward, backward = [place for place, event in enumerate(events, 1) if event.kind == "others"]
    go(tab, forward)
    assert tab.locator("#what").inner_text().endswith("forward The other 19 examples are computed in the same way")
    assert tab.locator("#boxes > g.now").text_content().startswith("… and 19 more")
    go(tab, backward)
    told = "The other 19 examples add to the gradients of the parameters"
    assert told in tab.locator("#what").inner_text() and told in tab.locator("#say").inner_text()
    [gradients] = [event.gradients for event in events if event.gradients]
    lines = tab.locator("#lines").inner_text()
    assert all(number_text(gradient) in lines for gradient in gradients.values())
    assert tab.locator("#boxes > g.gains .tg-name").all_text_contents() == ["w", "b"]
    assert tab.locator("#links > g.back").count() == 3              # to w, to b, and from the sum
    go(tab, len(events))
    assert "with the others" in tab.locator("#heard").inner_text()


def test_a_click_on_the_others_leads_to_their_steps(opened):
    loss = line_batch()
    places = [place for place, event in enumerate(events_of(shown_graph(loss, "auto", "auto")), 1) if event.kind == "others"]
    tab = opened(tg.play(loss))
    for place in places:
        tab.locator("#boxes > g.tg-others").click()
        assert tab.locator("#place").inner_text().startswith(f"{place} / ")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_of_a_batch_has_no_barrier(opened, violations, scheme, width):
    loss = line_batch()
    tab = opened(tg.play(loss), width=width, color_scheme=scheme)
    for place, event in enumerate(events_of(shown_graph(loss, "auto", "auto")), 1):
        if event.kind == "others":
            go(tab, place)
            assert violations(tab) == []
