"""A gradient as the sum over its paths: counts, sums and cuts against all paths one by one, and what is said of them."""

import json
import math
import random
from fractions import Fraction
from html.parser import HTMLParser

import pytest
from command import run as run_command
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu import Value
from tinygrad_edu.classroom import explain as explain_module
from tinygrad_edu.classroom import paths as paths_module
from tinygrad_edu.classroom.explain import count_text
from tinygrad_edu.classroom.explain_page import picture_of
from tinygrad_edu.classroom.paths import Paths, Tally

UNIT = 2.0 ** -53
RATIONAL = [lambda x, y: x + y, lambda x, y: x - y, lambda x, y: x * y, lambda x, y: tg.relu(x), lambda x, y: -x, lambda x, y: x * x,
            lambda x, y: tg.maximum(x, y), lambda x, y: x * 0.5 + y, lambda x, y: x.detach() * y]
SMOOTH = [lambda x, y: x * y, lambda x, y: tg.tanh(x) - y, lambda x, y: tg.sin(x) * 0.5, lambda x, y: tg.exp(tg.tanh(x)) + tg.sigmoid(y)]


def run(*arguments):
    """(exit code, output, errors) of the command."""
    output, errors, code = run_command(*arguments, check=False)
    return code, output, errors


def random_graph(rng, size):
    """A graph of rational operations in which nodes are used again and again, and its leaves."""
    leaves = [Value(rng.randint(-8, 8) / 4, label=name) for name in "abc"]
    nodes = list(leaves)
    for _ in range(size):
        x, y = rng.choice(nodes[-5:]), rng.choice(nodes)
        nodes.append(rng.choice(RATIONAL)(x, y))
    return nodes[-1], leaves


def one_by_one(output, leaf, local):
    """Every path to a node as (its product, its edges), found by walking all of them."""
    stack = [(output, 1, ())]
    while stack:
        node, product, edges = stack.pop()
        if node is leaf:
            yield product, edges
        elif not node.is_constant:
            for i, parent in enumerate(node.parents):
                stack.append((parent, product * local[node][i], (*edges, (node, i))))


def in_fractions(output, leaf, is_kept=lambda node: False):
    again = tg.replay(output, Fraction)
    return Paths(tg.topological_order(output), leaf, again.local, again.grads, is_kept), again.local


def check_paths(output, leaf, is_kept=lambda node: False):
    """Hold everything that is said of the paths, in fractions, against all of them."""
    paths, local = in_fractions(output, leaf, is_kept)
    listed = list(one_by_one(output, leaf, local))
    assert paths.count == len(listed) and paths.live == sum(product != 0 for product, _ in listed)
    assert paths.sum == sum(product for product, _ in listed) == tg.replay(output, Fraction).grads[leaf]
    assert paths.size == sum(abs(product) for product, _ in listed)
    largest = paths.largest(12)
    assert [abs(path.product) for path in largest] == sorted((abs(product) for product, _ in listed), reverse=True)[:12]
    whole = {tuple(edge for link in path.links for edge in link.edges): path.product for path in largest}
    assert len(whole) == len(largest) and whole.items() <= {edges: product for product, edges in listed}.items()
    if listed and output is not leaf:
        common = set.intersection(*[{node for node, _ in edges} for _, edges in listed])
        assert [segment.head for segment in paths.segments] == [stop for stop in paths.stops if stop in common]
        product = math.prod(segment.tally.sum for segment in paths.segments)
        assert product == paths.sum and paths.segments[-1].tail is leaf


@pytest.mark.parametrize("seed", range(60))
def test_counts_sums_cuts_and_the_largest_are_those_of_all_paths_one_by_one(seed):
    rng = random.Random(seed)
    output, leaves = random_graph(rng, rng.randint(1, 14))
    order = tg.topological_order(output)
    for leaf in [*leaves, rng.choice(order)]:
        if not leaf.is_constant and not output.is_constant and leaf in order:
            check_paths(output, leaf)
            check_paths(output, leaf, is_kept=lambda node: len(node.parents) == 1)


@pytest.mark.parametrize("planted", ["overwritten", "uncounted", "signless"])
def test_a_wrong_tally_would_be_noticed(planted, monkeypatch):
    wrong = {"overwritten": lambda own, others: others, "uncounted": lambda own, others: Tally(1, 1, own.sum + others.sum, own.size + others.size),
             "signless": lambda own, others: Tally(own.paths + others.paths, own.live + others.live, own.size + others.size, own.size + others.size)}
    monkeypatch.setattr(Tally, "with_those", wrong[planted])
    a, b = Value(2.0), Value(3.0)
    v = a * b - a
    with pytest.raises(AssertionError):
        check_paths(v * v - v * a, a)


def test_a_wrong_cut_would_be_noticed(monkeypatch):
    a = Value(2.0)
    v = a * a
    w = v * v
    monkeypatch.setattr(Paths, "cut", lambda self: [paths_module.Segment(self.output, self.leaf, Tally(6, 6, 0, 0))])
    with pytest.raises(AssertionError):
        check_paths(w + w, a)


def test_to_a_node_of_another_graph_there_are_no_paths():
    paths = Paths.of(tg.topological_order(Value(2.0) * 3), Value(1.0))
    assert (paths.count, paths.live, paths.sum, paths.size, paths.largest(3)) == (0, 0, 0, 0, [])


def number_one_by_one(output, leaf):
    """How many paths there are, walked one by one."""
    leading = {leaf}
    for node in tg.topological_order(output):
        if not node.is_constant and leading.intersection(node.parents):
            leading.add(node)
    stack, found = [output], 0
    while stack:
        node = stack.pop()
        found += node is leaf
        stack += [] if node is leaf else [parent for parent in node.parents if parent in leading]
    return found


def test_counts_are_those_of_all_paths_up_to_a_hundred_thousand_in_random_graphs():
    counts = []
    for seed in range(120):
        rng = random.Random(seed)
        nodes = [Value(0.5), Value(-0.5), Value(0.25)]
        leaf = nodes[1]
        for _ in range(rng.randint(4, 32)):
            x, y = rng.choices(nodes[-3:], k=2)
            nodes.append(rng.choice([tg.tanh(x) - y, tg.maximum(x, y), tg.sin(x) + tg.cos(y)]))
        order = tg.topological_order(nodes[-1])
        count = Paths.of(order, leaf).count
        if count <= 10**5 and leaf in order:
            assert count == number_one_by_one(nodes[-1], leaf)
            counts.append(count)
    assert max(counts) > 5 * 10**4 and sum(count > 1000 for count in counts) > 10


@pytest.mark.parametrize("layers", [2, 8, 16])
def test_the_number_of_paths_through_layers_is_that_of_all_ways(layers):
    nodes = [Value(float(k)) for k in range(1, 3)]
    leaf = nodes[0]
    for _ in range(layers):
        nodes = [nodes[0] * 0.5 + nodes[1], nodes[0] - nodes[1] * 0.25]
    output = nodes[0] + nodes[1]
    paths, local = in_fractions(output, leaf)
    assert paths.count == 2 ** layers == sum(1 for _ in one_by_one(output, leaf, local))


@given(st.integers(0, 10**6))
def test_in_floats_the_paths_add_up_to_the_gradient_within_rounding(seed):
    rng = random.Random(seed)
    nodes = [Value(rng.uniform(-1, 1)) for _ in range(3)]
    leaf = nodes[0]
    for _ in range(rng.randint(1, 10)):
        nodes.append(rng.choice(SMOOTH)(rng.choice(nodes[-3:]), rng.choice(nodes)))
    output = nodes[-1]
    order = tg.topological_order(output)
    if leaf not in order or output is leaf:
        return
    paths = Paths.of(order, leaf)
    output.backward()
    assert paths.sum == leaf.grad
    listed = list(one_by_one(output, leaf, {node: node.local_grads for node in order}))
    size = math.fsum(abs(product) for product, _ in listed)
    depth = max(len(edges) for _, edges in listed)
    bound = 8 * UNIT * depth * size
    assert abs(math.fsum(product for product, _ in listed) - paths.sum) <= bound
    assert abs(math.fsum(path.product for path in paths.largest(len(listed))) - paths.sum) <= bound
    assert abs(math.prod(segment.tally.sum for segment in paths.segments) - paths.sum) <= bound


# ---- large graphs: nothing lists all paths, and nothing recurses

def test_two_to_the_four_hundredth_paths_are_counted_exactly():
    x = Value(0.5, label="x")
    f = x
    for _ in range(400):
        f = tg.tanh(f) + f * 0.5
    told = tg.explain(f, x)
    f.backward()
    assert told.count == 2 ** 400 and told.dead == 0 and told.sum == x.grad
    assert "about 2.6 · 10^120 (2^400) paths" in told.text
    products = [path.product for path in told.paths]
    assert len(products) == 6 and products == sorted(products, reverse=True)
    best = 1.0
    for node in tg.topological_order(f):
        if node.op == "add":
            best *= max(node.parents[0].local_grads[0], 0.5)
    assert math.isclose(products[0], best, rel_tol=1e-12)


def test_paths_that_are_all_equal_are_listed_without_listing_all():
    x = Value(0.3, label="x")
    f = x
    for _ in range(300):
        f = tg.sin(f) * 0.7 + tg.sin(f) * 0.7
    assert len({round(math.log(path.product), 6) for path in tg.explain(f, x, paths=50).paths}) == 1
    assert tg.explain(f, x).count == 2 ** 300


def test_a_long_chain_is_one_factor():
    x = Value(0.5, label="x")
    f = x
    for _ in range(100_000):
        f = tg.sin(f)
    told = tg.explain(f, x)
    f.backward()
    assert (told.count, told.sum, len(told.paths[0].links)) == (1, x.grad, 1)
    assert "(100,000 steps)" in told.text and len(told.text) < 1000


def test_a_long_chain_of_named_nodes_is_shown_in_short():
    x = Value(1.0, label="x")
    f = x
    for k in range(30):
        f = f * 2
        f.label = f"h{k}"
    text = tg.explain(f, x).text
    assert "h29 → h28 → h27 → … → x" in text and "2 × 2 × 2 × … × 2 = 1073741824" in text


def test_more_digits_than_python_prints_are_no_obstacle():
    x = Value(1.0, label="x")
    f = x
    for _ in range(15_000):
        f = (f + f) * 0.5
    told = tg.explain(f, x)
    assert told.count == 2 ** 15_000 and "(2^15000)" in told.text


@pytest.mark.parametrize(("count", "text"), [(1, "1"), (65536, "65,536"), (10**15 - 1, "999,999,999,999,999"), (2**400, "about 2.6 · 10^120 (2^400)"), (3**40, "about 1.2 · 10^19")])
def test_counts_are_exact_or_say_that_they_are_not(count, text):
    assert count_text(count) == text


# ---- what is said

def test_the_lecture_has_one_path():
    told = tg.explain(tg.expression("q = x + y; f = q * z", x=-2, y=5, z=-4), "x")
    assert told.text == "∂f/∂x = -4, the only path\n  f → q → x   ∂f/∂q × ∂q/∂x = -4 × 1 = -4"
    assert (told.count, told.dead, told.sum, told.size) == (1, 0, -4.0, 4.0)
    assert told.latex == r"\frac{\partial f}{\partial x} = \underbrace{\frac{\partial f}{\partial q} \frac{\partial q}{\partial x}}_{(-4) \cdot 1} = -4"


def test_two_edges_to_one_node_are_two_paths_and_told_apart():
    a = Value(3.0, label="a")
    told = tg.explain(a * a, a)
    assert (told.count, told.sum) == (2, 6.0)
    assert told.text.splitlines()[1:] == ["  a * a → a   ∂(a * a)/∂a (input 2) = 3", "  a * a → a   ∂(a * a)/∂a (input 1) = 3"]
    assert r"\text{(input 2)}" in told.latex


def test_paths_between_the_same_nodes_are_told_apart_by_what_is_between():
    x = Value(0.5, label="x")
    v = tg.sin(tg.cos(tg.sin(tg.cos(x))))
    text = tg.explain(tg.exp(v) * tg.tanh(v), x).text
    names = [line.split("   ")[0].strip() for line in text.splitlines()[1:3]]
    assert len(set(names)) == 2


@pytest.mark.parametrize("seed", range(30))
def test_a_factor_of_several_steps_is_the_derivative_by_which_it_is_called(seed):
    output, [leaf, *_] = random_graph(random.Random(seed), 12)
    if output.is_constant or leaf not in tg.topological_order(output):
        return
    paths, _ = in_fractions(output, leaf)
    folded = [link for links in paths.links.values() for link in links if len(link.edges) > 1]
    for link in folded:
        between, _ = in_fractions(link.head, link.tail)
        assert (between.count, between.sum) == (1, link.factor) or link.head not in paths.arrived or paths.arrived[link.head] == 0


def some_output(rng, kind):
    """Of networks, of gradients that are graphs, and of random graphs."""
    x = Value(0.5, label="x")
    if kind == "network":
        return (tg.MLP(2, [rng.randint(1, 6), rng.randint(1, 4), 1], activation=rng.choice(["relu", "tanh"]), rng=rng.randint(0, 99))([x, 0.3]) - 1) ** 2
    if kind == "gradient":
        return tg.replay(tg.sigmoid(x * 0.3) * tg.tanh(x + 2) + tg.maximum(x, 0.4) ** 2, Value)["x"]
    return random_graph(rng, rng.randint(1, 30))[0]


@pytest.mark.parametrize("kind", ["network", "gradient", "random"])
@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_explained_is_told_in_every_form(kind, seed):
    rng = random.Random(seed)
    output = some_output(rng, kind)
    order = [node for node in tg.topological_order(output) if not node.is_constant]
    for leaf in rng.sample(order, min(4, len(order))):
        told = tg.explain(output, leaf, paths=rng.choice([1, 2, 6, 40]))
        data = json.loads(json.dumps(told.as_dict()))
        listed = [path["product"] for path in data["paths"]] + [data["rest"]["sum"]]
        assert math.isclose(math.fsum(listed), told.sum, rel_tol=1e-9, abs_tol=1e-9 * told.size)
        assert len(data["paths"]) + data["rest"]["count"] == told.count == math.prod(part["count"] for part in data["segments"])
        assert told.html().count('class="way"') == sum(bool(path.links) for path in told.paths)
        assert told.latex.count(r"\underbrace") == len(told.paths) + bool(told.rest) - (told.paths != [] and not told.paths[0].links)


def test_nodes_made_by_hand_sums_and_gradients_of_gradients_have_paths_too():
    x, y = Value(1.5, label="x"), Value(2.0, label="y")
    odd = Value(5.0, (x, x), (3.0, -1.0), op="odd", label="h")
    told = tg.explain(odd * x, x)
    assert (told.count, told.sum) == (3, 8.0) and "∂h/∂x (input 2) = 1.5 × -1 = -1.5" in told.text
    assert "0" not in tg.explain(sum([x * y, x, y * 3]), x).text          # the 0 that sum() begins with
    slope = tg.replay(tg.sigmoid(x * y) * x, Value)["x"]
    told = tg.explain(slope, x)
    slope.backward()
    assert told.sum == x.grad


def test_dead_paths_are_counted_and_the_operation_is_named():
    text = tg.explain(tg.expression("f = x * 3 + relu(x) * 2 + relu(x - 5)", x=-1), "x").text
    assert text.startswith("∂f/∂x = 3, the sum over 3 paths, 2 of them dead at a relu\n")
    mixed = tg.explain(tg.expression("f = x + x * y + relu(x)", x=-1, y=0), "x").text
    assert "2 of them dead, with a factor 0" in mixed
    chosen = tg.explain(tg.expression("f = max(x * x, 9 * x) + x", x=-1), "x").text
    assert "the sum over 4 paths, 1 of them dead at a max" in chosen or "dead at a maximum" in chosen
    assert tg.explain(tg.expression("f = x * y + x * 2 * y", x=1, y=0), "x").text.startswith("∂f/∂x = 0, the sum over 2 paths, all of them dead, with a factor 0\n")


def test_the_only_path_says_that_it_is_dead():
    assert tg.explain(tg.expression("relu(x - 5) * 3", x=1), "x").text.startswith("∂f/∂x = 0, the only path, dead at a relu\n")
    assert tg.explain(tg.expression("x * y", x=1, y=0), "x").text.startswith("∂f/∂x = 0, the only path, dead, with a factor 0\n")


def test_behind_a_closed_way_the_derivatives_are_still_those_of_their_names():
    told = tg.explain(tg.expression("v = 3 * x; w = relu(v); f = w * 2", x=-1), "x")
    assert "∂f/∂w × ∂w/∂v × ∂v/∂x = 2 × 0 × 3 = 0" in told.text and told.sum == 0


def test_lines_fit_a_narrow_window_and_none_is_left_out_in_silence():
    model = tg.MLP(4, [16, 16, 16, 1], activation="tanh", rng=0)
    loss = (model([Value(0.5, label="x"), 1.0, -2.0, 0.3]) - 1) ** 2
    for leaf in "x", model.parameters()[0], None:
        lines = tg.explain(loss, leaf).text.splitlines()
        assert max(map(len, lines)) <= 100
    adding = tg.explain(loss, "x").text.split("node by node:")[1].split("With these")[0]
    assert adding.count(" products)") == 4 and "\n  … and 29 more such lines\n  x.grad = " in adding
    assert "(4,096 paths in 16 products)" in adding
    x = Value(1.0, label="x")
    alone = tg.explain(tg.sum([x * k for k in range(1, 30)])).text
    assert len(alone.splitlines()) == 7 and "\n  … and 25 more such lines\n" in alone


def test_a_wide_network_has_its_names_and_short_lines_too():
    model = tg.MLP(400, [16, 3], activation="relu", rng=0)
    told = tg.explain(tg.cross_entropy(model([Value(0.01 * k, label=f"in{k}") for k in range(400)]), 1), "in3", paths=5)
    assert len(told.names.graph.whole) > 6000 and max(map(len, told.text.splitlines())) <= 100
    assert all(line.startswith("  loss → z1[") and " → a0[" in line for line in told.text.splitlines()[1:6])


def test_in_a_huge_graph_nodes_go_by_numbers_and_are_told_rightly_all_the_same(monkeypatch):
    monkeypatch.setattr(explain_module, "MOST_NAMED", 50)
    xs = [Value(k / 4, label=f"x{k}") for k in range(60)]
    told = tg.explain(tg.relu(tg.dot(xs, xs[::-1])) * xs[0] + xs[0], xs[0])
    numbers = told.text.split("With these numbers:")[1]
    assert "  v60 = dot([x0, x1, x2, …, x59], [x59, x58, x57, …, x0]) = " in numbers
    assert max(map(len, told.text.splitlines())) <= 100


def test_where_two_columns_are_too_wide_the_symbols_go_first():
    x = Value(0.5, label="a rather long name of an input")
    v, w = tg.sin(x), tg.cos(x)
    v.label, w.label = "the first of two ways", "the second of two ways"
    lines = tg.explain(v * w, x).text.splitlines()
    assert all(" → " in line and "∂" not in line and line.count("=") == 1 for line in lines[1:3])


def test_what_cancels_is_said_in_per_cent():
    told = tg.explain(tg.expression("f = 3 * x - 2 * x", x=1), "x")
    assert (told.sum, told.size) == (1.0, 5.0) and "80 % cancels: without signs all paths add up to 5" in told.text
    assert "cancels" not in tg.explain(tg.expression("f = 3 * x + 2 * x", x=1), "x").text
    assert "100 % cancels" in tg.explain(tg.expression("f = x - x", x=1), "x").text


def test_above_the_listed_paths_the_factored_form_is_what_backward_adds_up():
    f = tg.expression("v = x + 2 * x; w = v + 3 * v; u = w + w * 2; f = u * 1", x=1)
    told = tg.explain(f, "x")
    assert told.count == 8 and len(told.paths) == 6
    lines = told.text.splitlines()
    assert {"  … and 2 more, together 3", "  every path goes through u, w, v", "  ∂f/∂x = 1 × 3 × 4 × 3 = 36"} < set(lines)
    assert "  w.grad = u.grad × ∂u/∂w (directly) + v3.grad × ∂v3/∂w = 1 × 1 + 1 × 2 = 3 (2 paths in 2 products)" in lines
    assert any(line.endswith("= 36 (8 paths in 2 products)") for line in lines)
    f.backward()
    assert tg.leaves(f)[0].grad == told.sum == 36


def test_two_paths_over_the_same_nodes_are_told_apart_with_symbols_or_without():
    x = Value(3.0, label="x")
    v = x * x
    v.label = "v"
    told = tg.explain(v * 1.0 * 1.0 * 1.0, x)
    rows = told.text.splitlines()[1:3]
    assert len(set(rows)) == 2 and all(" → x (input " in row for row in rows)
    labels = [part.split('"')[0] for part in told.html().split('aria-label="')[1:] if " → x (input " in part.split('"')[0]]
    assert len(labels) == len(set(labels)) == 2


def test_one_name_has_one_number():
    told = tg.explain(tg.expression("v = x * x; f = v + x", x=3), "x", paths=1)
    assert told.text.startswith("∂f/∂x = 7, ") and "  x.grad = f.grad × ∂f/∂x (directly) + v.grad × ∂v/∂x (input 2)" in told.text
    assert "  f → x       ∂f/∂x (directly) = 1" in tg.explain(tg.expression("v = x * x; f = v + x", x=3), "x").text
    assert "directly" not in two_paths().text + network().text


@pytest.mark.parametrize("seed", range(30))
def test_a_way_is_direct_where_another_leads_around_it(seed):
    output, [leaf, *_] = random_graph(random.Random(seed), 12)
    if output.is_constant or leaf not in tg.topological_order(output):
        return
    paths, _ = in_fractions(output, leaf)
    for link in [link for links in paths.links.values() for link in links]:
        assert paths.has_detour(link) is (number_one_by_one(link.head, link.tail) > 1)


def test_a_network_is_told_by_the_names_of_its_pictures():
    model = tg.MLP(2, [3, 2], activation="tanh", rng=0)
    x = Value(0.5, label="x")
    loss = tg.cross_entropy(model([x, -1.0]), 1)
    lines = tg.explain(loss, x).text.splitlines()
    assert lines[0].endswith("the sum over 6 paths") and lines[1].startswith("  loss → z1[0] → a0[0] → x ")
    assert not any("v1" in line or "v2" in line for line in lines)


def test_a_mere_number_as_a_name_is_never_alone():
    text = tg.explain(tg.expression("sin(exp(x) * y) * exp(x) + cos(exp(x))", x=0.5, y=2), "x", paths=2).text
    named = {word for line in text.splitlines()[1:3] for word in line.split("  ")[1].split(" → ")[1:-1]}
    assert named and all(f"\n  {name} = " in text for name in named)


def test_a_computed_node_also_tells_how_it_came_to_its_numbers():
    f = tg.expression("q = x + y; f = q * z", x=-2, y=5, z=-4)
    text = tg.explain(f, "q").text
    assert "  q = x + y = -2 + 5 = 3" in text and "  q.grad += f.grad × ∂f/∂q → 0 + 1 × -4 = -4" in text


def test_without_a_leaf_it_tells_where_the_number_came_from():
    with tg.trace_origin():
        x, y = Value(-2.0, label="x"), Value(5.0, label="y")
        q = x + y
        q.label = "q"
    lines = tg.explain(q).text.splitlines()
    assert lines[0] == f"q = x + y = -2 + 5 = 3, made at {q.origin}"
    assert lines[1] == "  q.grad = 1, since it changes exactly as itself does"
    assert lines[2:] == ["  y.grad += q.grad × ∂q/∂y → 0 + 1 × 1 = 1", "  x.grad += q.grad × ∂q/∂x → 0 + 1 × 1 = 1"]
    assert tg.explain(x).text == f"x = -2, a number that was given, made at {x.origin}"


# ---- what has no paths, and what is refused

def test_the_output_itself_has_the_gradient_one():
    x = Value(2.0, label="x")
    for told in tg.explain(x, x), tg.explain(x, "x"):
        assert (told.count, told.sum, told.text) == (1, 1.0, "∂x/∂x = 1, since it changes exactly as itself does")


def test_through_constants_no_path_leads():
    x = Value(2.0, label="x")
    y = x * x
    with tg.no_grad():
        still = x * 5
    f = (y.detach() + Value(1.0, label="b")) * still + x * 2
    told = tg.explain(f, x)
    assert (told.count, told.sum) == (1, 2.0)
    with pytest.raises(ValueError, match="was not made from x, so no path leads there"):
        tg.explain((y.detach() + Value(1.0)) * still, x)


def test_select_operations_pass_nothing_along_what_they_did_not_choose():
    with tg.errstate(all="ignore"):
        x, y = Value(0.0, label="x"), Value(2.0, label="y")
        f = tg.where(tg.greater(x, 0), tg.log(x), x * y)
        told = tg.explain(f, x)
    assert (told.sum, told.dead) == (2.0, told.count - 1) and told.count == 3      # through the condition, log and product


@pytest.mark.parametrize("make", [lambda x: tg.sqrt(x), lambda x: x * 0 + tg.sqrt(x * 2) * 0])
def test_an_infinite_factor_is_refused_and_its_node_named(make):
    x = Value(0.0, label="x")
    with pytest.raises(tg.GradientError, match="sqrt"):
        tg.explain(make(x), x)


def test_a_product_beyond_all_floats_is_refused():
    x = Value(1e-300, label="x")
    with pytest.raises(tg.GradientError, match="largest float"):
        tg.explain(x * 1e300 * 1e300, x)
    y = Value(1.0, label="y")
    with pytest.raises(tg.GradientError, match="without signs to inf"):
        tg.explain(y * 1e308 - y * 1e308, y)


@pytest.mark.parametrize(("leaf", "error", "told"), [
    ("nobody", KeyError, "no node is labelled 'nobody'"), (3.0, TypeError, "a Value is needed, not float: got 3.0"),
    (Value(1.0, label="other"), ValueError, "was not made from other"), (Value(1.0).detach(), ValueError, "is a constant"),
    ("", ValueError, "leaf=''")])
def test_a_leaf_that_cannot_be_meant_is_refused(leaf, error, told):
    with pytest.raises(error, match=told):
        tg.explain(tg.expression("x * 2", x=1), leaf)


def test_other_faults_are_refused_with_the_bad_value():
    x = Value(1.0, label="x")
    for paths, error in ((0, ValueError), (1001, ValueError), (2.5, TypeError), (True, TypeError)):
        with pytest.raises(error, match=str(paths)):
            tg.explain(x * 2, x, paths=paths)
    with pytest.raises(TypeError):
        tg.explain(3.0, x)
    with pytest.raises(ValueError, match="constant"):
        tg.explain(x.detach() * 2)
    f = x * x
    x.data = 7.0
    with pytest.raises(ValueError, match="out of date"):
        tg.explain(f, x)


def test_a_graph_with_an_outdated_derivative_is_refused_however_large():
    x, zero = Value(2.0, label="x"), Value(0.0, label="zero")
    f = x * zero
    for _ in range(6000):
        f = tg.sin(f)
    x.data = 7.0                                    # 7 * 0 is still 0, but the slope by zero was 2
    for tell in lambda: tg.explain(f, zero), lambda: tg.steps(x * zero + f):
        with pytest.raises(ValueError, match=r"a local gradient of .* now comes to 7, but 2 is stored"):
            tell()


def test_the_graph_is_only_read():
    f = tg.expression("x * x + relu(x)", x=2)
    f.backward()
    before = [(node.data, node.grad) for node in tg.topological_order(f)]
    tg.explain(f, "x").html()
    assert [(node.data, node.grad) for node in tg.topological_order(f)] == before


# ---- the page

def two_paths():
    return tg.explain(tg.expression("c = a + b; d = b + 1; e = c * d", a=2, b=1), "b")


def network():
    model = tg.MLP(2, [4, 2], activation="relu", rng=0)
    return tg.explain(tg.cross_entropy(model([Value(0.5, label="x"), 2.0]), 1), "x")


@pytest.mark.parametrize("make", [two_paths, network])
def test_each_link_lights_the_arrow_on_which_its_factor_stands(make):
    told = make()
    shown = picture_of(told)
    on_arrows = [part.split("</text>")[0].rpartition(">")[2] for part in shown.svg.split('class="tg-edge"')[1:]]
    for path in told.paths:
        for link in told.shown_links(path):
            arrows = {shown.arrows[edge] for edge in link.edges if edge in shown.arrows}
            factors = [float(on_arrows[k].removeprefix("∂ ").replace("−", "-")) for k in arrows]
            assert math.isclose(math.prod(factors), link.factor, rel_tol=1e-4)


def test_of_a_large_network_the_picture_has_the_listed_paths_and_says_so():
    model = tg.MLP(4, [16, 16, 1], activation="relu", rng=0)
    told = tg.explain((model([Value(0.5, label="x"), 1.0, -2.0, 0.3]) - 1) ** 2, "x")
    svg, boxes, arrows, note = picture_of(told)
    listed = {link for path in told.paths for link in path.links}
    assert svg.count('class="tg-edge"') == len(listed) < 20 and note in told.html()
    assert all(edge in arrows for link in listed for edge in link.edges) and told.output in boxes
    assert picture_of(network()).note == picture_of(two_paths()).note == ""


def test_the_boxes_have_the_gradients_that_are_explained_whatever_backward_did_before():
    fresh, twice = two_paths(), two_paths()
    for _ in range(2):
        twice.output.backward()
    assert fresh.html() == twice.html()
    assert '<text class="tg-grad"' in fresh.html() and "—</text>" not in fresh.html()


def test_the_page_can_be_read_without_its_script_and_loads_nothing(tmp_path):
    told = two_paths()
    page = told.save(tmp_path / "paths.html").read_text(encoding="utf-8")
    body = page.split("<script")[0]
    assert page == told.html() and body.count('class="way"') == 2 and body.count("<svg") == 1
    assert "http" not in page.replace("http://www.w3.org/", "").replace("http-equiv", "") and "<style>" not in body.split("<body>")[1]
    assert 'class="factor"' in body and "<iframe" in told._repr_html_()
    assert two_paths().html() == page


def test_the_page_of_a_number_alone_has_no_paths():
    page = tg.explain(tg.expression("q = x + y; f = q * z", x=-2, y=5, z=-4)).html()
    itself = Value(2.0, label="x")
    assert "<title>Where f came from</title>" in page
    for without in page, tg.explain(itself, itself).html():
        assert "<svg" in without and 'class="way"' not in without and "<button" not in without and "▶" not in without


def test_a_page_ends_in_html(tmp_path):
    with pytest.raises(ValueError, match="html"):
        two_paths().save(tmp_path / "paths.txt")


def test_labels_are_only_text_on_the_page():
    a = Value(2.0, label="<script>alert(1)</script>")
    b = Value(2.0, label='" onload="alert(2)')
    parser, tags, attributes = HTMLParser(), [], set()
    parser.handle_starttag = lambda tag, given: (tags.append(tag), attributes.update(name for name, _ in given))
    for leaf in a, b:
        parser.feed(tg.explain(a * b * a + b, leaf).html())
    assert tags.count("script") == 4 and not any(name.startswith("on") for name in attributes)


def test_a_graph_too_large_for_a_picture_has_a_page_without_one():
    x = Value(0.5, label="x")
    f = x
    for _ in range(120):
        f = tg.tanh(f) + f * 0.5
    page = tg.explain(f, x).html()
    assert "<svg" not in page and "too large for a picture" in page


# ---- the command

def test_the_command_prints_the_paths():
    code, out, err = run("explain", "c = a + b; d = b + 1; e = c * d", "b", "a=2", "b=1")
    assert (code, err) == (0, "") and out == two_paths().text + "\n"


def test_the_command_has_an_exact_count_in_json():
    doublings = "; ".join(["h0 = x + x", *[f"h{k} = h{k - 1} + h{k - 1}" for k in range(1, 100)]])
    code, out, _ = run("explain", doublings, "x", "x=1", "--json")
    data = json.loads(out)
    assert code == 0 and data["count"] == 2 ** 100 and data["rest"]["count"] == 2 ** 100 - 6
    assert data["gradient"] == 2.0 ** 100 and [path["product"] for path in data["paths"]] == [1.0] * 6
    assert math.prod(part["count"] for part in data["segments"]) == 2 ** 100


def test_the_command_writes_latex_and_a_page(tmp_path):
    target = tmp_path / "paths.html"
    code, out, _ = run("explain", "x*x", "x", "x=3", "--latex")
    assert code == 0 and out.startswith(r"\frac{\partial f}{\partial x} = \underbrace{")
    code, out, _ = run("explain", "q = x + y; f = q * z", "x=-2", "y=5", "z=-4", "--latex")
    assert code == 0 and out.startswith("f = ") and out.rstrip().endswith("= -12")
    code, out, _ = run("explain", "x*x", "x", "x=3", "--html", str(target))
    assert code == 0 and f"wrote {target}" in out and "<svg" in target.read_text(encoding="utf-8")


@pytest.mark.parametrize(("arguments", "told"), [
    (["x*x", "y", "x=2"], "no node is labelled 'y'"), (["x*x", "x", "y", "x=2"], "one gradient is explained at a time"),
    (["x*x", "x", "x=2", "--paths", "0"], "at least 1"), (["sqrt(x)", "x", "x=0"], "sqrt"), (["x*x", "x", "x=2", "--pahts"], "did you mean --paths")])
def test_the_commands_mistakes_are_told_in_one_line(arguments, told):
    code, out, err = run("explain", *arguments)
    assert code == 2 and told in err and "Traceback" not in err and out == ""


def test_who_goes_on_with_nan_is_not_told_to_do_so():
    code, _, err = run("explain", "log(a) * 0 + a", "a", "a=0", "--ieee")
    assert code == 2 and "is nan" in err and "--ieee" not in err
