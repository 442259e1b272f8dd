"""The lecture documents' worked cases, number by number.

Each test names the document's case.  Where a document is wrong or open, the test says what is
right.  The numbers were verified independently of this library.
"""

import ast
import math

import pytest

import tinygrad_edu as tg
from tinygrad_edu import Value

pytestmark = pytest.mark.smoke

CLOSE = {"rel": 1e-12, "abs": 1e-12}

PROGRAMS = {    # case: (program, leaves, values, gradients)
    "d000-multivariate-chain": ("z1 = 3*x; z2 = 5*x; y = 2*z1 + 7*z2", {"x": 2},
                                {"z1": 6, "z2": 10, "y": 82}, {"z1": 2, "z2": 7, "x": 41}),
    "d000-scalar-vector-scalar": ("z1 = x; z2 = x*x; z3 = 3*x; y = z1*z2 + z3", {"x": 2},
                                  {"z1": 2, "z2": 4, "z3": 6, "y": 14}, {"z1": 4, "z2": 2, "z3": 1, "x": 15}),
    "d001-xyz-graph": ("q = x + y; f = q*z", {"x": -2, "y": 5, "z": -4},
                       {"q": 3, "f": -12}, {"f": 1, "q": -4, "z": 3, "x": -4, "y": -4}),
    "d003-linear-partials": ("f = w*x + b", {"x": 3, "w": 2, "b": 1}, {"f": 7}, {"w": 3, "x": 2, "b": 1}),
    "d003-e-graph": ("c = a + b; d = b + 1; e = c*d", {"a": 2, "b": 1},
                     {"c": 3, "d": 2, "e": 6}, {"e": 1, "c": 2, "d": 3, "a": 2, "b": 5}),
}


def nodes_of(case):
    program, leaves, *_ = PROGRAMS[case]
    output = tg.expression(program, **leaves)
    return output, {node.label: node for node in tg.topological_order(output) if node.label}


@pytest.mark.parametrize("case", PROGRAMS)
def test_programs(case):
    output, nodes = nodes_of(case)
    output.backward()
    _, _, values, gradients = PROGRAMS[case]
    assert {name: nodes[name].data for name in values} == pytest.approx(values, **CLOSE)
    assert {name: nodes[name].grad for name in gradients} == pytest.approx(gradients, **CLOSE)


def test_d001_xyz_local_grads():
    _, nodes = nodes_of("d001-xyz-graph")
    assert nodes["q"].local_grads == (1, 1) and nodes["f"].local_grads == (-4, 3)
    assert nodes["f"].parents == (nodes["q"], nodes["z"])


def is_reverse_topological(order, nodes):
    return all(order.index(p.label) > order.index(name) for name in order for p in nodes[name].parents if p.label)


def test_d001_xyz_step_order():
    """The slides step f, z, q, y, x: one reverse topological order of several."""
    output, nodes = nodes_of("d001-xyz-graph")
    events = [event for event in tg.steps(output) if event.kind != "forward"]
    order = [event.parent_name or event.name for event in events]
    assert order == ["f", "z", "q", "y", "x"] and [event.value for event in events] == [1, 3, -4, -4, -4]
    assert is_reverse_topological(order, nodes)


def test_d003_e_graph_tape():
    """What a gradient tape holds: result, operation, parents, in the order of execution."""
    _, nodes = nodes_of("d003-e-graph")
    records = [(name, nodes[name].op, [p.label or f"{p.data:g}" for p in nodes[name].parents], nodes[name].data)
               for name in ("c", "d", "e")]
    assert records == [("c", "add", ["a", "b"], 3), ("d", "add", ["b", "1"], 2), ("e", "mul", ["c", "d"], 6)]
    assert [event.name for event in tg.steps(nodes["e"]) if event.kind == "forward"] == ["c", "d", "e"]


def breadth_first(output):
    order = [output]
    for node in order:
        order += [p for p in node.parents if p not in order and not p.is_constant]
    return [node.label for node in order]


def test_d003_bfs_ok_on_e_graph():
    """Breadth first happens to work on this graph; it does not in general, which is why the engine sorts."""
    output, nodes = nodes_of("d003-e-graph")
    assert breadth_first(output) == ["e", "c", "d", "a", "b"]
    assert is_reverse_topological(breadth_first(output), nodes)


def derivative(f, x):
    leaf = Value(x)
    output = f(leaf)
    output.backward()
    return output.data, leaf.grad


@pytest.mark.parametrize(("f", "xs", "values", "slopes"), [
    (lambda x: 2*x + 3*x**2 + x*(6 - 2), [-2, -1, 0, 1, 2.5], [0, -3, 0, 9, 33.75], [-6, 0, 6, 12, 21]),   # d003-symbolic-wolfram
    (lambda x: (2*x**2 + 1)**2, [0, 1, -1, 2, 0.5], [1, 9, 9, 81, 2.25], [0, 24, -24, 144, 6]),            # d003-chain-rule-F
])
def test_derivatives_at_points(f, xs, values, slopes):
    results = [derivative(f, x) for x in xs]
    assert [v for v, _ in results] == pytest.approx(values, **CLOSE)
    assert [s for _, s in results] == pytest.approx(slopes, **CLOSE)


def test_d003_chain_rule_expansion():
    """F(x) = 4x⁴ + 4x² + 1; the text's "4x* + 4x2" is a misprint."""
    for x in (0.5, 1.0, -2.0, 3.0):
        assert 4 * x**4 + 0 * x**3 + 4 * x**2 + 0 * x + 1 == derivative(lambda v: (2*v**2 + 1)**2, x)[0]


def test_d003_symbolic_derivative_reads_like_the_lecture():
    f = tg.expression("2*x + 3*x**2 + x*(6 - 2)", x=1)
    assert str(tg.symbolic(f)["x"]) == "6 + 6 * x"              # 6(x + 1)


@pytest.mark.parametrize(("f", "x", "forward", "backward", "central", "true"), [
    (lambda x: x**2, 2, 4.5, 3.5, 4.0, 4.0), (lambda x: x**3, 1, 4.75, 1.75, 3.25, 3.0),
])
def test_d003_finite_difference_half(f, x, forward, backward, central, true):
    h = 0.5
    assert ((f(x + h) - f(x)) / h, (f(x) - f(x - h)) / h, (f(x + h) - f(x - h)) / (2 * h)) == (forward, backward, central)
    assert derivative(f, x)[1] == true


def test_d003_finite_difference_instability():
    """Smaller steps are not better: 3.33 at 1e-15 and 0 at 1e-17, where the engine gives 3."""
    def f(x):
        return x * x * x
    steps = {0.1: 3.310000000000004, 1e-4: 3.0003000099987354, 1e-8: 3.0000000039720476,
             1e-12: 3.000266701747023, 1e-15: 3.330669073875469, 1e-17: 0.0}
    assert {h: (f(1.0 + h) - f(1.0)) / h for h in steps} == steps
    assert derivative(f, 1.0)[1] == 3.0


def test_d000_activations():
    xs = [-2.0, -0.5, 0.0, 0.5, 2.0]
    table = {
        tg.sigmoid: ([0.11920292202211755, 0.3775406687981454, 0.5, 0.6224593312018546, 0.8807970779778823],
                     [0.1049935854035065, 0.2350037122015945, 0.25, 0.2350037122015945, 0.10499358540350662]),
        tg.tanh: ([-0.9640275800758169, -0.46211715726000974, 0.0, 0.46211715726000974, 0.9640275800758169],
                  [0.07065082485316443, 0.7864477329659274, 1.0, 0.7864477329659274, 0.07065082485316443]),
    }
    for f, (values, slopes) in table.items():
        assert [derivative(f, x)[0] for x in xs] == pytest.approx(values, **CLOSE)
        assert [derivative(f, x)[1] for x in xs] == pytest.approx(slopes, **CLOSE)
    assert [derivative(tg.relu, x) for x in xs if x] == [(0, 0), (0, 0), (0.5, 1), (2, 1)]


def test_d001_leaky_relu():
    """The lecture's slope is 0.1, where most libraries have 0.01."""
    results = [derivative(lambda v: tg.leaky_relu(v, slope=0.1), x) for x in (-2, -0.5, 0, 3)]
    assert [v for v, _ in results] == pytest.approx([-0.2, -0.05, 0, 3], **CLOSE)
    assert [s for v, s in results if v] == [0.1, 0.1, 1]


def test_d003_relu_at_zero():
    """Document 003 takes 1, document 004 leaves it open; any number of [0, 1] is a subgradient, and we take 0."""
    assert derivative(tg.relu, 0.0) == (0.0, 0.0)


def test_d004_5relu():
    """5 ReLU in the forward pass too: the document writes plain ReLU there, against its own derivative."""
    results = [derivative(tg.scaled_relu, s) for s in (-2, -0.1, 0.1, 3)]
    assert results == [(0, 0), (0, 0), (pytest.approx(0.5), 5), (15, 5)]


def test_d004_tanh_sigmoid_derivatives():
    s = [-3, 0, 0.5, 3]
    assert [derivative(tg.tanh, x)[1] for x in s] == pytest.approx(
        [0.009866037165440211, 1.0, 0.7864477329659274, 0.009866037165440211], **CLOSE)
    assert [derivative(tg.sigmoid, x)[1] for x in s] == pytest.approx(
        [0.04517665973091214, 0.25, 0.2350037122015945, 0.045176659730912], rel=1e-9)


def test_d003_softmax_figure():
    """5.1 and 1.1 are lost in the text; the printed probabilities confirm them."""
    assert tg.softmax([1.3, 5.1, 2.2, 0.7, 1.1]) == pytest.approx([0.02, 0.9, 0.05, 0.01, 0.02], abs=0.005)


def normalised(z):
    return [x / sum(z) for x in z]


def largest_change(a, b):
    return max(abs(x - y) for x, y in zip(a, b, strict=True))


def test_d003_softmax_normalization_invariances():
    """Softmax does not see a shift, normalisation does not see a scale; each sees the other."""
    z, shifted, scaled = [1.0, 2.0], [11.0, 12.0], [10.0, 20.0]
    assert largest_change(tg.softmax(z), tg.softmax(shifted)) == pytest.approx(0.0, abs=1e-12)
    assert largest_change(tg.softmax(z), tg.softmax(scaled)) == pytest.approx(0.2688960235012927, **CLOSE)
    assert largest_change(normalised(z), normalised(scaled)) == 0.0
    assert largest_change(normalised(z), normalised(shifted)) == pytest.approx(0.14492753623188404, **CLOSE)


def test_003_softmax_of_11_and_12_as_printed_is_truncated():
    """The document prints [0.26, 0.73], which sums to 0.99."""
    assert [round(p, 2) for p in tg.softmax([11.0, 12.0])] == [0.27, 0.73]
    assert [round(p, 2) for p in normalised([11, 12])] == [0.48, 0.52]      # printed [0.47, 0.53]


def test_d003_normalization_fails():
    assert normalised([-1.0, 2.0]) == [-1.0, 2.0]                           # no probabilities
    with pytest.raises(ZeroDivisionError):
        normalised([-1.0, 1.0])
    with pytest.raises(tg.PoleError):
        tg.div(-1.0, tg.sum([-1.0, 1.0]))
    assert tg.softmax([-1.0, 2.0]) == pytest.approx([0.04742587317756678, 0.9525741268224334], **CLOSE)
    assert tg.softmax([-1.0, 1.0]) == pytest.approx([0.11920292202211755, 0.8807970779778823], **CLOSE)


def test_d003_ce_softmax_near_linear():
    """-log softmax of a class that is far behind is a straight line in its score."""
    for z, loss, slope in (-10.0, 10.000045398899218, -0.9999546021312976), (-20.0, 20.000000002061153, -0.9999999979388463):
        value, gradient = derivative(lambda v: -tg.log_softmax([v, 0.0])[0], z)
        assert (value, gradient) == pytest.approx((loss, slope), rel=1e-9)


def test_maxout_is_the_larger_of_two_lines():
    x = Value(2.0)
    y = tg.maxout([x], [[1.0], [-3.0]], [0.0, 1.0])
    y.backward()
    assert (y.data, x.grad) == (2.0, 1.0) and math.isclose(tg.maxout([-2.0], [[1.0], [-3.0]], [0.0, 1.0]), 7.0)


SNIPPET = [     # lines 125 to 128 of document 002 as printed, and whether they parse
    ("self.fc1.weight = torch.nn.Parameter(torch.tensor([[1.,-2.],[0.,2.]])", False),
    ("self.fc1.bias = torch.nn.Parameter(torch.tensor([0.,-1.]))", True),
    ("self.fc2.weight = torch.nn.Parameter(torch.tensor([[1.,-1.]])", False),
    ("self.fc2.bias = torch.nn.Parameter(torch.tensor([0.]])", False),
]


def parses(line):
    try:
        ast.parse(line)
    except SyntaxError:
        return False
    return True


def test_d002_the_printed_pytorch_snippet_does_not_parse_and_its_network_gives_minus_1_and_2():
    assert [parses(line) for line, _ in SNIPPET] == [whole for _, whole in SNIPPET]
    assert parses(SNIPPET[0][0] + ")") and parses(SNIPPET[2][0] + ")") and parses(SNIPPET[3][0].replace("]])", "]))"))
    x = [Value(1.0), Value(0.0)]
    hidden = [tg.relu(x[0] - 2 * x[1]), tg.relu(2 * x[1] - 1)]
    tg.half_squared_error([hidden[0] - hidden[1]], [2.0]).backward()
    assert [v.grad for v in x] == [-1.0, 2.0]
