"""The cost of a graph: counted otherwise here, by recursion, by loops over matrices, and by the lectures."""

import random
from itertools import pairwise

import pytest

import tinygrad_edu as tg
from tinygrad_edu import Value
from tinygrad_edu.classroom.cost import Counted, Operations, cost_of, counted, jacobian_orders, number_of, product_cost

BINARY = ("+", "-", "*")
LECTURES = {                # the cases of kind op-count
    "d002-opcount-dot-and-matmul": {"dot": {1: (1, 0), 2: (2, 1), 5: (5, 4)},
                                    "matmul": {(1, 1, 2): 2, (1, 2, 2): 6, (2, 2, 2): 12, (2, 3, 4): 40}},
    "d002-opcount-backward-order": ([2, 6, 6], 14),
    "d002-opcount-forward-order": ([12, 6, 2], 20),
}
CHAIN = [(1, 1), (1, 2), (2, 2), (2, 2)]


def random_graph(seed):
    """A sum, difference or product of earlier nodes, again and again; all lead to the output."""
    rng = random.Random(seed)
    nodes = [Value(rng.choice([2, 3, 0.5]), label=name) for name in "abc"]
    for _ in range(rng.randint(1, 9)):
        x, y = rng.choice(nodes), rng.choice(nodes)
        nodes.append({"+": x + y, "-": x - y, "*": x * y, "tanh": tg.tanh(x), "relu": tg.relu(x), "/": x / 3,
                      "max": tg.max([x, y, x])}[rng.choice([*BINARY, "tanh", "relu", "/", "max"])])
    return nodes[-1] if nodes[-1].parents else nodes[-1] + 1


def paths_from(node):
    return [[node]] if not node.parents else [[node, *path] for p in node.parents if not p.is_constant for path in paths_from(p)]


def visits_from(node):
    return 1 + sum(visits_from(p) for p in node.parents if not p.is_constant)


@pytest.mark.smoke
def test_the_circuit_of_the_lectures():
    price = tg.cost(tg.expression("(x + y) * z", x=-2, y=5, z=-4))
    assert price.forward == Operations(1, 1, 0) and price.reverse == Operations(0, 4, 0)
    assert price.forward_mode == Operations(6, 12, 0) and price.ratio == 3 and price.bound == 5
    assert (price.nodes, price.leaves, price.arrows, price.paths, price.visits) == (5, 3, 4, 3, 5)


def test_sixteen_doublings():
    x = out = Value(1.0)
    for _ in range(16):
        out = out + out
    price = tg.cost(out)
    assert [c.together for c in (price.forward, price.reverse, price.forward_mode)] == [16, 48, 48]
    assert (price.paths, price.visits, price.nodes) == (2 ** 16, 131_071, 17) and x.grad == 0


def test_a_network_of_dots_has_a_cheap_gradient():
    """2-16-16-1 with tanh: 304 weights, 33 biases, 32 tanh; by nodes, of which dot is one, its ratio would be 11."""
    [out] = [tg.MLP(2, [16, 16, 1], activation="tanh", rng=0)([Value(0.5), Value(0.2)])]
    price = tg.cost(out)
    assert price.forward == Operations(271 + 33, 304, 32) and price.reverse.together == 1040 and price.ratio == 2.625
    assert price.arrows == 2 * 304 + 2 * 33 + 32 and price.local == Operations(32, 32, 0)


def test_the_lectures_count_dots_and_products_alike():
    case = LECTURES["d002-opcount-dot-and-matmul"]
    for length, (multiplications, additions) in case["dot"].items():
        node = tg.dot([Value(2.0)] * length, [Value(3.0)] * length)
        assert cost_of(node, set())[0] == Operations(additions, multiplications, 0)
    for (k, inner, m), together in case["matmul"].items():
        assert product_cost(k, inner, m).together == together == k * m * (2 * inner - 1)


def test_the_lectures_orders_of_a_chain():
    orders = jacobian_orders(CHAIN)
    for products, name in ((orders.left_to_right, "backward"), (orders.right_to_left, "forward")):
        terms, total = LECTURES[f"d002-opcount-{name}-order"]
        assert [c.together for c in products] == terms and sum(terms) == total
    assert (orders.reverse.together, orders.forward.together) == (14, 20)


def multiplied(chain, from_left):
    """The operations of multiplying matrices of these shapes by three loops, counted one by one."""
    chain, count = list(chain), 0
    while len(chain) > 1:
        i = 0 if from_left else len(chain) - 2
        (k, inner), (_, m) = chain[i:i + 2]
        for _ in range(k * m):
            for term in range(inner):
                count += 1 if term == 0 else 2
        chain[i:i + 2] = [(k, m)]
    return count


@pytest.mark.parametrize("seed", range(20))
def test_orders_cost_what_the_loops_do(seed):
    rng = random.Random(seed)
    sizes = [rng.randint(1, 5) for _ in range(rng.randint(2, 6))]
    chain = list(pairwise(sizes))
    orders = jacobian_orders(chain)
    assert orders.reverse.together == multiplied(chain, True) and orders.forward.together == multiplied(chain, False)


@pytest.mark.parametrize("seed", range(60))
def test_random_graphs_agree_with_recursion_and_keep_the_bound(seed):
    out = random_graph(seed)
    price = tg.cost(out)
    assert price.paths == len(paths_from(out)) and price.visits == visits_from(out)
    assert 1 <= price.ratio <= price.bound
    arrows = [p for node in tg.topological_order(out) for p in node.parents if not p.is_constant]
    assert price.arrows == len(arrows) == price.reverse.multiplications - price.local.multiplications
    assert price.reverse.additions - price.local.additions == len(arrows) - len(set(arrows))
    assert price.forward.together >= sum(bool(node.parents) for node in tg.topological_order(out))


@pytest.mark.parametrize(("text", "value", "local"), [
    ("x * y + x", (1, 1, 0), (0, 0, 0)), ("tanh(x)", (0, 0, 1), (1, 1, 0)), ("x**2", (0, 1, 0), (0, 1, 0)), ("exp(x)", (0, 0, 1), (0, 0, 0)),
    ("x / y", (0, 1, 0), (1, 3, 0)), ("x / 2", (0, 1, 0), (0, 1, 0)), ("-x", (1, 0, 0), (0, 0, 0)), ("relu(x)", (1, 0, 0), (0, 0, 0)),
    ("max(x, y)", (1, 0, 0), (0, 0, 0)), ("sum(x, y, x)", (2, 0, 0), (0, 0, 0)), ("logsumexp(x, y)", (1, 0, 3), (0, 2, 0)),
    ("abs(x)", (1, 0, 0), (0, 0, 0)), ("sigmoid(x)", (2, 1, 1), (1, 1, 0)), ("prod(x, y, x)", (0, 2, 0), (0, 2, 0)), ("x**3", (0, 0, 1), (0, 2, 0)),
])
def test_counts_worked_out_by_hand(text, value, local):
    given = {name: number for name, number in {"x": 2, "y": 3}.items() if name in text.replace("exp", "").replace("max", "")}
    price = tg.cost(tg.expression(text, **given))
    assert price.forward == Operations(*value) and price.local == Operations(*local)


@pytest.mark.parametrize("op", tg.OPS.values(), ids=repr)
def test_every_operation_is_counted_and_its_counting_numbers_compute(op):
    numbers = [[1.5 + 0.25 * i + 0.1 * k if op.name in ("acosh",) else 0.25 + 0.125 * i + 0.1 * k for i in range(3)] for k in range(len(op.inputs))]
    numbers = numbers if op.rows else [row[0] for row in numbers]
    node = op(*[list(map(Value, x)) if op.rows else Value(x) for x in numbers], **op.sample)
    value, local = cost_of(node, set(node.parents))
    assert value.together >= 1 and min(*value, *local) >= 0
    known = {}
    counted_inputs = [[Counted(x, known) for x in row] for row in numbers] if op.rows else [Counted(x, known) for x in numbers]
    data, slopes = op.textbook(*counted_inputs, **node.constants)
    slopes = op.one_by_one(slopes)
    assert float(number_of(data)) == pytest.approx(node.data, rel=1e-9, abs=1e-12)
    assert [float(number_of(x)) for x in slopes] == pytest.approx([float(x) for x in node.local_grads], rel=1e-9, abs=1e-12)


def test_what_does_not_fit_a_float_is_counted_all_the_same():
    assert tg.cost(tg.logsumexp([Value(1000.0), Value(-1000.0)])).forward.calls == 3


def test_constants_are_computed_but_get_no_gradient():
    with_constants = tg.cost(tg.expression("x * 3 + 2 * 5", x=2))
    assert with_constants.forward.together == 3 and with_constants.arrows == 2


def test_the_jacobians_of_a_layered_graph_are_those_of_its_levels():
    x = [Value(1.0), Value(2.0)]
    hidden = [tg.tanh(x[0]), tg.tanh(x[1])]
    out = hidden[0] * hidden[1]
    assert tg.cost(out).jacobians == jacobian_orders([(1, 2), (2, 2)])
    assert tg.cost(out + x[0]).jacobians == jacobian_orders([(1, 2), (2, 3), (3, 2)])      # x[0] is needed until the end


def test_what_has_no_cost_is_refused():
    with pytest.raises(RuntimeError, match="nothing here needs a gradient"):
        tg.cost(Value(2.0).detach() * 3)
    with pytest.raises(TypeError, match="a Value is needed"):
        tg.cost(2.0)
    for shapes, words in (([], "no Jacobians"), ([(1, 2), (3, 1)], "shapes.0. has 2 columns, but shapes.1. has 3 rows"), ([(0, 1)], "rows")):
        with pytest.raises(ValueError, match=words):
            jacobian_orders(shapes)


@pytest.mark.parametrize("shapes", [[3], [(1, 2), (2, 3, 4)], ["12", (2, 1), None]])
def test_what_is_no_shape_is_refused_by_its_place(shapes):
    with pytest.raises(TypeError, match=r"shapes.\d. must be \(rows, columns\), got |must be a whole number"):
        jacobian_orders(shapes)


def test_where_no_node_is_used_twice_it_is_said_plainly():
    assert "visits 5 nodes too, since none is used twice" in str(tg.cost(tg.expression("(x + y) * z", x=1, y=2, z=3)))
    assert "visits 3 nodes instead of 2" in str(tg.cost(tg.expression("x * x", x=1)))


def test_a_leaf_costs_nothing():
    price = tg.cost(Value(2.0, label="x"))
    assert price.forward.together == 0 and price.ratio == 1 and "1 node, 1 leaf, 0 arrows" in str(price)


def test_numbers_beyond_counting_are_rounded_in_words_and_exact_as_data():
    out = Value(1.0)
    for _ in range(400):
        out = tg.tanh(out) + out / 2
    price = tg.cost(out)
    assert price.as_dict()["paths"] == 2 ** 400 and "about 2.6 · 10^120 (2^400) paths" in str(price)
    assert counted(10 ** 15 - 1, "path") == "999,999,999,999,999 paths" and counted(10 ** 15, "path") == "about 1.0 · 10^15 paths"


def test_it_is_shown_as_text_and_as_html_with_names_from_outside_as_text():
    x = Value(2.0, label="x")
    out = x * x
    out.label = "<b>"
    price = tg.cost(out)
    lines = str(price).splitlines()
    assert lines[0] == "The cost of <b>: 2 nodes, 1 leaf, 2 arrows" and lines[3].split() == ["value", "0", "1", "0", "1"]
    assert "<b>" not in price._repr_html_() and "&lt;b&gt;" in price._repr_html_()
