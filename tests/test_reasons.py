"""Reasons: operations say in words why a local gradient is what it is; sums have as many numbers as names."""

import math
import re
from xml.etree import ElementTree

import pytest
from test_player import data_of

import tinygrad_edu as tg
from tinygrad_edu import REAL, Value
from tinygrad_edu.engine import formula as m
from tinygrad_edu.show.reasons import IN_WORDS, reasons
from tinygrad_edu.symbols.named import NamedGraph
from tinygrad_edu.symbols.simplify import is_choice


def told(text, **numbers):
    """{name of the input: (why, whole reason)} of the last operation."""
    f = tg.expression(text, **numbers)
    return {event.parent_name: (event.because, event.reason) for event in tg.steps(f) if event.kind == "backward" and event.node is f}


@pytest.mark.parametrize(("text", "numbers", "wanted"), [
    ("relu(x)", {"x": 2}, {"x": "∂f/∂x = 1 because relu is open (its input is above 0)"}),
    ("relu(x)", {"x": 0}, {"x": "∂f/∂x = 0 because relu is closed (its input is not above 0)"}),
    ("leaky_relu(x, 0.1)", {"x": -2}, {"x": "∂f/∂x = 0.1 because its input is not above 0"}),
    ("max(x, y)", {"x": 1, "y": 2}, {"x": "∂f/∂x = 0 because x is not the largest", "y": "∂f/∂y = 1 because y is the largest"}),
    ("max(x, y)", {"x": 2, "y": 2}, dict.fromkeys("xy", "= 1/2 because 2 inputs tie")),
    ("max(x, y, z)", {"x": 2, "y": 2, "z": 2}, dict.fromkeys("xyz", "= 1/3 because 3 inputs tie")),
    ("min(x, y, z)", {"x": 1, "y": 2, "z": 1}, {"x": "= 1/2 because 2 inputs tie", "y": "= 0 because y is not the smallest",
                                               "z": "= 1/2 because 2 inputs tie"}),
    ("max(0, x)", {"x": -1}, {"x": "∂f/∂x = 0 because x is not the largest"}),
    ("abs(x)", {"x": 0}, {"x": "∂f/∂x = sign(x) because abs has a kink at 0, where its slope is taken as 0"}),
    ("abs(x)", {"x": -2}, {"x": "∂f/∂x = sign(x)"}), ("x % y", {"x": 7, "y": 2}, {"x": "∂f/∂x = 1", "y": "∂f/∂y = -floor(x / y)"}),
    ("x % y", {"x": 6, "y": 2}, dict.fromkeys("xy", "because remainder jumps here, and its slope is taken from the side where it is close to 0")),
    ("clip(x, -1, 1)", {"x": -3}, {"x": "= 0 because x is below -1"}), ("clip(x, -1, 1)", {"x": 3}, {"x": "= 0 because x is above 1"}),
    ("clip(x, -1, 1)", {"x": 1}, {"x": "= 1 because x is between -1 and 1"}), ("step(x)", {"x": 3}, {"x": "= 0 because step is flat between its jumps, and its slope at one is taken as 0"}),
    ("where(c, x, y)", {"c": 1, "x": 2, "y": 3}, {"c": "= 0 because a condition only chooses", "x": "= 1 because the condition holds: x is chosen",
                                                  "y": "= 0 because the condition holds: x is chosen"}),
    ("where(c, x, y)", {"c": 0, "x": 2, "y": 3}, {"c": "only chooses", "x": "= 0 because the condition does not hold: y is chosen",
                                                  "y": "= 1 because the condition does not hold: y is chosen"}),
    ("floor(x)", {"x": 2.5}, {"x": "= 0 because floor is flat between its jumps, and its slope at one is taken as 0"}), ("tanh(x)", {"x": 1}, {"x": "∂f/∂x = 1 - f**2"})])
def test_operations_say_why(text, numbers, wanted):
    found = told(text, **numbers)
    assert found.keys() == wanted.keys()
    for name, words in wanted.items():
        assert found[name][1].endswith(words), found


def test_the_words_agree_with_the_local_gradients_of_ties_and_nan():
    for numbers in ([2.0, 2.0, 1.0], [1.0, 2.0, 3.0], [0.0, -0.0, 0.0], [float("inf"), float("inf"), 1.0]):
        for op in tg.max, tg.min:
            f = op([Value(x, label=name) for x, name in zip(numbers, "xyz")])
            for event in tg.steps(f):
                if event.kind == "backward":
                    assert float(m.ratio(*map(int, (event.local + "/1").split("/")[:2]))) == event.terms[2]
    with tg.errstate(all="ignore"):
        f = tg.maximum(Value(float("nan"), label="x"), Value(1.0, label="y"))
        assert [event.because for event in tg.steps(f) if event.kind == "backward"] == ["", ""]


def test_an_operation_of_ones_own_is_explained_by_its_formula():
    @tg.op("gate", REAL, selects=True)
    def gate(x):
        """max(x, 0)."""
        return m.larger(x, 0), (m.where(x > 0, 1, 0),)
    f = gate(Value(-1.0, label="x"))
    f.label = "f"
    assert [(e.because, e.reason) for e in tg.steps(f) if e.kind == "backward"] == [("", "∂f/∂x = 1 if x > 0 else 0")]


def test_every_operation_that_selects_says_why_in_words():
    assert {op for op in tg.OPS.values() if op.selects and op.__module__.startswith("tinygrad_edu.")} <= IN_WORDS.keys()


def at_a_kink(op):
    """The operation where one of its inputs has a kink, or where it jumps; None where it has neither."""
    at = [interval.kinks[0] if interval.kinks else 0.0 for interval in op.domain]
    if op.jumps:
        at = next([x] * len(at) for x in (0.5, 1.0) if float(op.jumps(*[x] * len(at))).is_integer())
    elif not any(interval.kinks for interval in op.domain):
        return None
    return op(*[Value(x, label=name) for x, name in zip(at, op.inputs)], **op.sample)


def test_every_operation_says_what_is_taken_as_its_slope_at_a_kink_or_jump():
    with tg.errstate(all="ignore"):
        nodes = [at_a_kink(op) for op in tg.OPS.values() if op.__module__.startswith("tinygrad_edu.")]
    silent, graphs = set(), [NamedGraph(node) for node in nodes if node is not None]
    for graph in graphs:
        for slope, reason in zip(graph.output.local_grads, reasons(graph.output, graph.formulas, graph.texts)):
            if math.isfinite(slope) and not reason.words and not is_choice(reason.formula):
                silent.add(graph.output.op)
    assert len(graphs) > 15 and not silent


@pytest.mark.parametrize("count", [3, 12])
def test_the_gradient_of_cross_entropy_is_softmax_minus_target_with_numbers(count):
    z = [Value(k / 3, label=f"z{k}") for k in range(count)]
    events = [event for event in tg.steps(tg.cross_entropy(z, 1)) if event.kind == "backward"]
    shares = tg.softmax([k / 3 for k in range(count)])
    for event in events:
        k = int(event.parent_name[1:])
        p, y = re.fullmatch(rf".* = softmax\(z\)\[{k}\] - y\[{k}\] = (\S+) - (\d) \(z are the logits, y is the target\)", event.reason).groups()
        assert float(p) == pytest.approx(shares[k], rel=1e-5) and float(y) == (k == 1)
        assert float(p) - float(y) == pytest.approx(event.terms[2], rel=1e-4)


def test_where_targets_do_not_add_up_to_one_and_have_a_gradient_the_reason_holds_too():
    z, y = [[Value(x, label=f"{name}{k}") for k, x in enumerate(row)] for name, row in (("z", [1.0, 0.0]), ("y", [2.0, 1.0]))]
    reasons = {event.parent_name: event for event in tg.steps(tg.softmax_cross_entropy(z, y)) if event.kind == "backward"}
    shares = tg.softmax([1.0, 0.0])
    assert "= sum(y) * softmax(z)[0] - y[0] = 3 * 0.731059 - 2 (" in reasons["z0"].reason
    assert 3 * shares[0] - 2 == pytest.approx(reasons["z0"].terms[2])
    assert "= -log(softmax(z)[1]) = -log(0.268941) (" in reasons["y1"].reason
    assert -m.log(shares[1]) == pytest.approx(reasons["y1"].terms[2])


def test_the_page_has_a_brace_with_two_cases():
    data = data_of(tg.play(tg.expression("relu(x)", x=2)))
    whole = ElementTree.fromstring(f"<math>{data['nodes'][-1]['why'][0][0]}</math>")
    assert whole.find("mrow/mo").text == "{" and len(whole.findall("mrow/mtable/mtr")) == 2
    assert data["nodes"][-1]["words"] == ["relu is open (its input is above 0)"]


# ---- sums, seeds, and nought


def first_forward(f):
    return [event.text for event in tg.steps(f) if event.kind == "forward"]


@pytest.mark.parametrize(("text", "wanted"), [
    ("x + y + z", "f = x + y + z = 1 + 2 + 4 = 7"), ("x - y - z", "f = x - y - z = 1 - 2 - 4 = -5"),
    ("x - (y - z)", "f = x - (y - z) = 1 - (2 - 4) = 3"), ("x * y * z", "f = x * y * z = 1 * 2 * 4 = 8"),
    ("x*y + y*z + x", "f = x * y + y * z + x = 2 + 8 + 1 = 11"), ("(x + y) * z", "f = (x + y) * z = 3 * 4 = 12")])
def test_a_sum_has_as_many_numbers_as_names(text, wanted):
    numbers = {"x": 1, "y": 2, "z": 4}
    assert first_forward(tg.expression(text, **{name: x for name, x in numbers.items() if name in text}))[-1] == wanted


def test_pythons_sum_leaves_no_nought_in_steps_and_pictures_and_the_graph_keeps_it():
    w, x = [[Value(number, label=f"{name}{k}") for k, number in enumerate(row)] for name, row in (("w", [1.0, 2.0]), ("x", [3.0, 4.0]))]
    f = sum(a * b for a, b in zip(w, x))
    f.backward()
    assert first_forward(f) == ["w0 * x0 = 1 * 3 = 3", "w1 * x1 = 2 * 4 = 8", "w0 * x0 + w1 * x1 = 3 + 8 = 11"]
    assert tg.draw(f).svg.count('class="tg-box"') == 7
    assert not re.search(r"\b0 \+", tg.draw(f).svg + tg.play(f).html.split("<script")[0])
    assert len(tg.topological_order(f)) == 9 and tg.names(f)[f] == "w0 * x0 + w1 * x1"
    last = {event.parent: event.value for event in tg.steps(f) if event.kind == "backward"}
    assert all(last[leaf] == leaf.grad for leaf in tg.leaves(f))


def test_a_sum_that_is_named_keeps_its_name():
    x = Value(2.0, label="x")
    total = sum([x * 3])
    total.label = "total"
    assert first_forward(total) == ["total = x * 3 = 2 * 3 = 6"]
    alone = sum([x])
    alone.label = "alone"
    assert first_forward(alone) == ["alone = 0 + x = 0 + 2 = 2"]


def test_the_seed_has_its_reason():
    x = Value(3.0, label="x")
    assert [(e.formula, e.reason) for e in tg.steps(x * 2) if e.kind == "seed"] == [
        ("∂(x * 2)/∂(x * 2)", "x * 2 changes exactly as x * 2 does")]
    assert [(e.text, e.reason) for e in tg.steps(x, seed=2.5)] == [("x.grad = 2.5", "this seed was given")]


@pytest.mark.parametrize(("text", "x", "wanted"), [("-x", 0, "f = -x = 0"), ("-x", 3, "f = -x = -3"), ("-x", -3, "f = -x = -(-3) = 3"),
                                                  ("y = x; y + 0", 3, "f = y + 0 = 3 + 0 = 3")])
def test_no_number_stands_twice(text, x, wanted):
    assert first_forward(tg.expression(text, x=x))[-1] == wanted


def test_a_second_name_of_a_number_is_one_number():
    assert first_forward(tg.expression("y = x; y * y", x=3))[0] == "y = x = 3"
