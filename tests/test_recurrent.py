"""Recurrent graphs and parts by name: what is the same is seen from the structure, and drawn the same way."""

import itertools
import random
import re
from xml.etree import ElementTree

import pytest
from taught import attention, attention_by_heads, chain, labelled, lstm, network, recurrent
from test_player import data_of

import tinygrad_edu as tg
from tinygrad_edu import Value
from tinygrad_edu.show.boxes import boxes_of, edges_of
from tinygrad_edu.show.folds import folded
from tinygrad_edu.show.layout import Edge, column_of
from tinygrad_edu.show.recurrent import MANY, unrolled
from tinygrad_edu.show.rows import FAR, lay_out_in
from tinygrad_edu.show.scopes import parts_of
from tinygrad_edu.symbols.named import NamedGraph

OPERATIONS = [lambda a, b: a + b, lambda a, b: a * b, lambda a, b: a - b]
WINDOW = 1240.0, 420.0
LAYOUTS = ["embedded", "simple"]


def random_cell(rng):
    """(a function of states and inputs that gives the next states, the number of states).

    Each state comes from itself by a weight; beside that anything is made from anything.
    """
    count = rng.randint(1, 3)
    weights, others = labelled("u", count), labelled("w", rng.randint(0, 2))
    plan = [(rng.choice(OPERATIONS), rng.random(), rng.random()) for _ in range(rng.randint(0, 4))]
    ends = [(rng.choice([tg.tanh, tg.sigmoid]), rng.random()) for _ in range(count)]

    def cell(states, inputs):
        known = [weight * state for weight, state in zip(weights, states)]
        parts = [*known, *others, *states, *inputs]
        for operation, one, other in plan:
            parts.append(operation(parts[int(one * len(parts))], parts[int(other * len(parts))]))
        return [activation(own + parts[int(other * len(parts))]) for own, (activation, other) in zip(known, ends)]
    return cell, count


def applied(cell, count, length):
    """(a loss of a cell that was applied so many times, {operation of a cell: its time step})."""
    states, step_of = labelled("h", count), {}
    for step in range(length):
        states = cell(states, labelled(f"x{step}_", 2, 1.0))
        for state in states:
            for node in tg.topological_order(state):
                step_of.setdefault(node, step)
    return (tg.sum(states) - 1) ** 2, {node: step for node, step in step_of.items() if node.parents}


def batch(fused=True):
    model = tg.MLP(2, [4, 1], rng=0, fused=fused)
    return tg.mean([(model([i, 1 - i]) - 1) ** 2 for i in range(5)])


def polynomial():
    x = Value(2.0, label="x")
    return sum((c * x ** i for i, c in enumerate((1, -2, 3, 4, 5, -6))), Value(1.0, label="c")) * x + tg.tanh(x) * x


def with_losses(steps=4):
    """A recurrent network that answers at every time step."""
    w, u, v = labelled("w", 3)
    h, losses = Value(0.0, label="h0"), []
    for x in labelled("x", steps, 1.0):
        h = tg.tanh(w * x + u * h)
        losses.append((v * h - 1) ** 2)
    return tg.mean(losses)


def logistic(steps=6):
    r, x = Value(3.2, label="r"), Value(0.4, label="x")
    for _ in range(steps):
        x = r * x * (1 - x)
    return x


def dense(hidden=3, steps=4):
    """h = tanh(U h + x): of the weights beside the diagonal, none is used at two steps in a row on a way."""
    rows = [labelled(f"u{i}", hidden) for i in range(hidden)]
    h = labelled("h", hidden)
    for x in labelled("x", steps, 1.0):
        h = [tg.tanh(sum((u * e for u, e in zip(row, h)), x)) for row in rows]
    return tg.sum(h)


def begun(steps=4):
    """A recurrent network whose first state is computed."""
    a, w, u = labelled("a", 3)
    h = tg.sin(a * Value(0.7, label="z") + 1)
    for x in labelled("x", steps, 1.0):
        h = tg.tanh(w * x + u * h)
    return h


# ---- time steps are recognised


@pytest.mark.parametrize("seed", range(60))
def test_every_operation_of_a_random_cell_is_in_its_time_step(seed):
    rng = random.Random(seed)
    cell, count = random_cell(rng)
    length = rng.randint(4, 7)
    f, step_of = applied(cell, count, length)
    found = unrolled(NamedGraph(f))
    assert found.length == length
    assert {node: found.steps[node] for node in step_of} == step_of
    assert found.steps[f] == length


@pytest.mark.parametrize("graph_of, operations", [
    (recurrent, 5), (lambda steps: lstm(steps), 25), (with_losses, 7), (logistic, 3), (dense, 21), (begun, 4)])
@pytest.mark.parametrize("steps", [4, 7])
def test_there_are_as_many_time_steps_as_uses_and_all_have_the_same_operations(graph_of, operations, steps):
    found = unrolled(NamedGraph(graph_of(steps=steps)))
    assert found.length == steps
    cells = [sorted(key for node, key in found.keys.items() if found.steps[node] == step) for step in range(steps)]
    assert cells == [cells[0]] * steps and len(cells[0]) == operations


def test_a_weight_is_in_its_first_step_and_an_input_in_its_own():
    graph = NamedGraph(recurrent(5))
    found = unrolled(graph)
    by_name = {graph.texts[node]: step for node, step in found.steps.items()}
    assert [by_name[name] for name in ("w", "u", "b", "h0")] == [0] * 4
    assert [by_name[f"x{i}"] for i in range(5)] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("graph_of", [
    chain, network, batch, lambda: batch(fused=False), attention, attention_by_heads, polynomial, lambda: chain(200)])
def test_what_shares_no_leaf_along_a_way_is_not_recurrent(graph_of):
    assert unrolled(NamedGraph(graph_of())) is None


# ---- pictures in parts


def placed_parts(f, fold, layout):
    """(boxes, edges, parts, layout) of a picture."""
    graph = NamedGraph(f)
    groups = folded(graph.nodes, fold)
    boxes, (edges, _) = boxes_of(graph, groups), edges_of(graph, groups)
    parts = parts_of(graph, groups, edges)
    return boxes, edges, parts, lay_out_in(WINDOW, [(b.width, b.height) for b in boxes], edges, layout, 0.85, parts)


def around(centre, box, room=0.0):
    (x, y), across, up = centre, box.width / 2 + room, box.height / 2 + room
    return x - across, y - up, x + across, y + up


def overlap(one, other):
    return one[0] < other[2] - 0.5 and other[0] < one[2] - 0.5 and one[1] < other[3] - 0.5 and other[1] < one[3] - 0.5


def within(inner, outer, room=1.0):
    return all(inner[i] >= outer[i] - room for i in (0, 1)) and all(inner[i] <= outer[i] + room for i in (2, 3))


PICTURES = [(recurrent, "none"), (lambda: recurrent(8), "none"), (lstm, "none"), (with_losses, "none"), (logistic, "none"),
            (dense, "none"), (begun, "none"), (attention_by_heads, "neuron")]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("graph_of, fold", PICTURES)
def test_each_edge_is_drawn_once_within_the_frame_of_what_it_leads_to(graph_of, fold, layout):
    boxes, edges, parts, placed = placed_parts(graph_of(), fold, layout)
    frames = [(x, y, x + w, y + h) for _, (x, y), (w, h) in placed.borders]
    spots = [*enumerate(placed.boxes), *placed.ghosts]
    used = set(range(len(boxes)))
    for edge, (points, tip) in zip(edges, placed.curves, strict=True):
        starts = [k for k, (i, spot) in enumerate(spots) if i == edge.tail and within((*points[0],) * 2, around(spot, boxes[i]), 2)]
        assert len(starts) == 1 and within((*tip,) * 2, around(placed.boxes[edge.head], boxes[edge.head]), 2)
        used.update(starts)
        home = [frame for frame in frames if within(around(placed.boxes[edge.head], boxes[edge.head]), frame)]
        assert all(within((*point,) * 2, home[0]) for point in [*points, tip] if home)
        assert not home or within(around(spots[starts[0]][1], boxes[edge.tail]), home[0])
    assert used == set(range(len(spots)))           # no ghost stands there for nothing
    assert len(frames) == sum(map(bool, parts.headings))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("graph_of, fold", PICTURES)
def test_no_box_or_frame_covers_another_or_leaves_the_picture(graph_of, fold, layout):
    boxes, _, _, placed = placed_parts(graph_of(), fold, layout)
    frames = [(x, y, x + w, y + h) for _, (x, y), (w, h) in placed.borders]
    spots = [around(spot, boxes[i]) for i, spot in [*enumerate(placed.boxes), *placed.ghosts]]
    assert not any(overlap(a, b) for a, b in [*itertools.combinations(spots, 2), *itertools.combinations(frames, 2)])
    assert all(within(spot, (0, 0, placed.width, placed.height)) for spot in [*spots, *frames])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("graph_of, fold", PICTURES)
def test_what_is_the_same_stands_at_the_same_place_of_its_frame(graph_of, fold, layout):
    _, _, parts, placed = placed_parts(graph_of(), fold, layout)
    framed = [part for part, heading in enumerate(parts.headings) if heading]
    corners = dict(zip(framed, [border.corner for border in placed.borders], strict=True))
    places = {}
    for part, key, (x, y) in zip(parts.part, parts.keys, placed.boxes, strict=True):
        if key >= 0 and part in corners:
            left, top = corners[part]
            places.setdefault(key, set()).add((round(x - left, 6), round(y - top, 6)))
    assert places and all(len(found) == 1 for found in places.values())


def test_a_shared_weight_stands_once_more_in_every_frame_and_is_called_the_same():
    drawn = tg.draw(recurrent(8)).svg
    ElementTree.fromstring(drawn)
    assert [f"t = {step}<" in drawn for step in range(9)] == [True] * 8 + [False]
    for name in "wub":
        assert drawn.count(f"<title>the same {name}</title>") == 7
        assert len(re.findall(rf'class="tg-name"[^>]*>{name}</text>', drawn)) == 8
    assert drawn.count('class="tg-edge"') == sum(len(node.parents) for node in tg.topological_order(recurrent(8)))


def test_a_picture_of_time_steps_is_the_same_bytes_again():
    assert tg.draw(recurrent(8)).svg == tg.draw(recurrent(8)).svg and tg.play(lstm()).html == tg.play(lstm()).html


# ---- leaves that are used far apart


def far_apart(rng, length=24):
    """Different operations, one after the other, of which some use the same leaf."""
    x = Value(0.3, label="x")
    node, shared = Value(0.5, label="y"), labelled("s", 2)
    for _ in range(length):
        node = rng.choice([tg.tanh(node), node + rng.choice(shared), node * x, tg.sin(node)])
    return node


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("seed", range(8))
def test_a_leaf_that_is_used_far_apart_stands_beside_each_use(seed, layout):
    boxes, edges, parts, placed = placed_parts(far_apart(random.Random(seed)), "none", layout)
    spots, columns = [*enumerate(placed.boxes), *placed.ghosts], column_of(len(boxes), edges)
    leaves = set(range(len(boxes))) - {edge.head for edge in edges}
    assert parts is None and placed.ghosts
    for edge, (points, _) in zip(edges, placed.curves, strict=True):
        starts = [i for i, spot in spots if i == edge.tail and within((*points[0],) * 2, around(spot, boxes[i]), 2)]
        assert len(starts) == 1
        if edge.tail in leaves:
            its = [columns[e.head] for e in edges if e.tail == edge.tail]
            copies = sum(i == edge.tail for i, _ in spots)
            assert copies >= len(set(its)) or max(its) - min(its) < FAR


def test_a_leaf_whose_uses_are_near_is_drawn_once():
    sizes, edges = [(60.0, 57.0)] * 4, [Edge(0, 1), Edge(0, 2), Edge(1, 2), Edge(2, 3), Edge(0, 3)]
    assert lay_out_in(WINDOW, sizes, edges, "embedded", 0.85).ghosts == ()


# ---- folds


def test_each_time_step_is_a_box_and_shared_weights_are_another():
    order = tg.topological_order(recurrent(8))
    names = [group.name for group in folded(order, "time")]
    assert sorted(filter(None, names)) == sorted([f"t = {step}" for step in range(8)] + ["w, u, b"])
    assert sum(len(group) for group in folded(order, "time")) == len(order)


def test_a_graph_without_time_steps_is_not_folded_by_them():
    order = tg.topological_order(network())
    assert folded(order, "time") == folded(order, "none")


def test_a_large_batch_is_not_searched_for_time_steps():
    model = tg.MLP(2, [16, 1], rng=0, fused=False)
    order = tg.topological_order(tg.mean([(model([i, 1 - i]) - 1) ** 2 for i in range(100)]))
    assert len(order) > MANY and folded(order, "time") == folded(order, "none")


def test_what_is_too_large_to_show_every_node_is_folded_by_time():
    f = lstm(20)
    assert tg.draw(f).svg == tg.draw(f, fold="time").svg != tg.draw(f, fold="none").svg
    assert '"t = 19"' in tg.play(f).html


# ---- names for parts


def test_a_name_goes_to_all_operations_behind_that_have_none_yet():
    x, y = labelled("x", 2)
    inner = tg.scope([x * y, [x + y]], "inner")
    assert inner[1][0].scope == "inner" and (x.scope, y.scope) == ("", "")
    outer = tg.scope(tg.tanh(inner[0]) + 1, "outer")
    assert [node.scope for node in tg.topological_order(outer) if node.parents] == ["inner", "outer", "outer"]
    assert tg.scope(y, "weight").scope == "weight"


@pytest.mark.parametrize("values, name", [(2.0, "a"), ([Value(1.0), None], "a"), (Value(1.0), 3), ("a", Value(1.0))])
def test_only_values_have_names_and_names_are_text(values, name):
    with pytest.raises(TypeError):
        tg.scope(values, name)


def test_attention_folds_by_position_within_heads_and_by_head():
    order = tg.topological_order(attention_by_heads())
    positions = [group.name for group in folded(order, "neuron")]
    wanted = {f"head {h}, {what} {t}" for h in range(2) for t in range(4) for what in ("q k v", "sees")}
    assert {name for name in positions if name.startswith("head")} == wanted
    assert {group.name for group in folded(order, "layer")} == {"head 0", "head 1", "weights", "loss", *[f"token {t}" for t in range(4)]}


def test_a_graph_that_has_names_opens_folded_by_them():
    f = attention_by_heads()
    assert tg.draw(f).svg == tg.draw(f, fold="neuron").svg != tg.draw(f, fold="none").svg
    assert tg.draw(f, blank="all").svg == tg.draw(f, fold="none", blank="all").svg
    data = data_of(tg.play(f))
    assert data["views"][data["first"]]["name"] == "named parts"


def test_a_small_graph_that_has_names_shows_every_node():
    f = tg.scope(Value(2.0) * 3 + 1, "line")
    assert tg.draw(f).svg == tg.draw(f, fold="none").svg


def test_a_scope_without_a_name_is_refused():
    with pytest.raises(ValueError, match="a scope needs a name"):
        tg.scope(Value(2.0) * 3, "")


def test_heads_side_by_side_are_framed_and_layers_after_each_other_are_not():
    drawn = tg.draw(attention_by_heads(), fold="neuron").svg
    assert ">head 0</text>" in drawn and ">head 1</text>" in drawn
    assert "the same weights" in drawn and 'tg-flow"' not in drawn
    graph = NamedGraph(network())
    groups = folded(graph.nodes, "neuron")
    assert parts_of(graph, groups, edges_of(graph, groups)[0]) is None
