"""Predictions: what is right passes in every spelling, what is wrong gets the name of its mistake, and no hint tells the answer."""

import random
import re
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

import pytest

import tinygrad_edu as tg
from tinygrad_edu.classroom.faults.models import MODELS, attempt
from tinygrad_edu.classroom.faults.small import gradients
from tinygrad_edu.classroom.graphs import SmallGraph
from tinygrad_edu.classroom.predict import ITSELF, NO_NUMBER, SIGN, STILL, Graph
from tinygrad_edu.classroom.quizzes.questions import Draw
from tinygrad_edu.classroom.quizzes.quiz_graphs import drawn_graph, solved

SEEDS = range(12)
MISTAKES = [(model, wrong) for model in MODELS.values() if model.engine and model.graph.size < 20 and not model.calls
            if (wrong := attempt(model.graph, model, ())) and wrong != gradients(model.graph)]
assert len(MISTAKES) > 30


def lecture():
    return tg.expression("q = x + y; f = q * z", x=-2, y=5, z=-4)


def drawn(seed):
    """A small graph, its result, and its right gradients as fractions."""
    graph = drawn_graph(Draw(str(seed)), 4, ("add", "mul", "mul", "sub"), branches=True)
    return graph, graph.values()[graph.output], {name: Fraction(node.grad) for name, node in solved(graph).items()}


# ---- what is right -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("spelling", [int, float, str, Fraction, Decimal], ids=lambda kind: kind.__name__)
def test_right_numbers_pass_in_every_spelling(seed, spelling):
    _, output, right = drawn(seed)
    assert tg.predict(output, {name: spelling(int(grad)) for name, grad in right.items()})


@pytest.mark.parametrize("seed", SEEDS)
def test_any_other_number_is_not_right(seed):
    _, output, right = drawn(seed)
    for name, grad in right.items():
        for wrong in {grad + 1, grad - 1, -grad, 2 * grad, grad + Fraction(1, 7)} - {grad}:
            assert not tg.predict(output, {name: wrong}), (name, wrong)


def test_a_number_is_right_to_the_digits_that_are_given():
    f = tg.expression("f = a / b", a=2, b=3)                         # slopes 1/3 and -2/9
    assert tg.predict(f, {"a": "1/3", "b": Fraction(-2, 9)}) and tg.predict(f, {"a": 0.333, "b": "-0.22"}) and tg.predict(f, {"a": 0.3})
    assert not tg.predict(f, {"a": 0.334}) and not tg.predict(f, {"a": "0.34"}) and not tg.predict(f, {"b": "2/9"}) and not tg.predict(f, {"a": 0})
    assert tg.predict(f, {"b": "−2/9", "a": "1 / 3"})                              # the minus of a text, not of a program


def test_results_are_asked_for_as_leaves_are():
    assert tg.predict(lecture(), {"f": 1, "q": -4}, values={"q": 3, "f": -12, "x": -2})
    assert not tg.predict(lecture(), values={"q": -4}) and not tg.predict(lecture(), {"q": 3})


def test_values_that_no_label_names_go_by_the_name_in_their_picture():
    x, y, z = tg.Value(-2, label="x"), tg.Value(5, label="y"), tg.Value(-4, label="z")
    assert tg.predict((x + y) * z, {"x + y": -4}, values={"x + y": 3})


def test_dots_are_not_yet_and_are_not_right():
    empty = tg.predict(lecture(), {"x": ..., "y": ...}, values={"q": ...}, order=...)
    assert not empty and {judged.verdict for judged in empty} == {"to fill in"} and len(empty) == 4
    assert not tg.predict(lecture(), {"x": -4, "y": ...}) and not tg.predict(lecture(), order=["x", ..., "f"])


def test_a_prediction_leaves_the_graph_alone():
    f = lecture()
    f.backward()
    before = [(node.data, node.grad) for node in tg.topological_order(f)]
    tg.predict(f, {"x": 7, "z": 1}, values={"q": 2})
    assert [(node.data, node.grad) for node in tg.topological_order(f)] == before


# ---- what is wrong -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("model, wrong", MISTAKES, ids=[model.name for model, _ in MISTAKES])
def test_each_mistake_gets_its_own_hint_or_that_of_one_that_gives_the_same_numbers(model, wrong):
    right, output = gradients(model.graph), model.graph.values()[model.graph.output]
    same = [other for other, _ in MISTAKES if attempt(model.graph, other, ()) == wrong]
    for judged in tg.predict(output, {name: x for name, x in wrong.items() if x != right[name]}):
        assert judged.hint == STILL if wrong[judged.name] == 0 else any(other.hint in judged.hint for other in same), judged


@pytest.mark.parametrize("seed", SEEDS)
def test_no_hint_holds_the_answer(seed):
    _, output, right = drawn(seed)
    said = [wrong["gradient"] for wrong in Graph(output).wrong.values()] + [{name: -grad for name, grad in right.items()}]
    for numbers in said:
        for judged in tg.predict(output, {name: numbers[name] for name in right}):
            if judged.verdict == "not yet":
                assert str(abs(right[judged.name])) not in re.findall(r"\d+(?:/\d+)?", judged.hint), judged


def test_slips_of_the_hand_are_named():
    f = lecture()
    assert tg.predict(f, {"z": -3})[0].hint == SIGN and tg.predict(f, {"y": 5})[0].hint == ITSELF
    assert "Walk back" in tg.predict(f, {"y": 77})[0].hint and "Go forward" in tg.predict(f, values={"q": 77})[0].hint


def test_of_several_mistakes_the_one_that_explains_most_answers_is_named():
    f = tg.expression("h = 5 * x; g = 2 * h; p = 3 * g; q = p + h; f = 4 * q", x=2)
    hints = {tg.predict(f, {"h": h, "x": x})[1].hint.splitlines()[0] for h, x in ((24, 120), (4, 20))}
    assert hints == {f"This mistake gives that number: {MODELS[name].title}." for name in ("accumulate", "breadth-first")}


def test_a_hint_that_comes_again_is_not_printed_again():
    shown = str(tg.predict(lecture(), {"x": 1, "y": 1}))
    assert shown.count("local gradients alone") == 1 and shown.endswith("The same.")


@pytest.mark.parametrize("text, right", [("f = max(a, b, c) * b", 10), ("f = clip(a, -1, 1) * b", 1)])
def test_graphs_that_no_faulty_engine_computes_are_judged_all_the_same(text, right):
    f = tg.expression(text, **{name: number for name, number in {"a": 1, "b": 5, "c": 2}.items() if name != "c" or "max" in text})
    assert tg.predict(f, {"b": right}) and "Walk back" in tg.predict(f, {"b": 9})[0].hint


# ---- order -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_an_order_is_right_where_each_name_comes_after_what_it_is_made_of(seed):
    graph, output, _ = drawn(seed)
    names, rng = [*graph.at, *[line.name for line in graph.lines]], random.Random(seed)
    for _ in range(20):
        order = rng.sample(names, len(names)) if rng.random() < 0.5 else sorted(names, key=lambda name: depth(graph, name))
        place = {name: i for i, name in enumerate(order)}
        is_right = all(place[x] < place[name] for name, _, inputs in graph.lines for x in inputs if x in place)
        assert bool(tg.predict(output, order=order)) == is_right, order


def depth(graph, name):
    """How many lines lead to a name."""
    return next((1 + max(depth(graph, x) for x in inputs) for line, _, inputs in graph.lines if line == name), 0)


def test_what_is_wrong_with_an_order_is_said():
    def hint(*names):
        return tg.predict(lecture(), order=names)[0].hint
    assert hint("x", "q", "y", "z", "f") == "q comes before y, but is made of it."
    assert hint("x", "y", "z", "f") == "q is missing." and hint("x", "x", "y", "q", "z", "f") == "x comes twice."
    assert hint("f", "z", "q", "y", "x").startswith("That is the way back")


# ---- what cannot be judged ---------------------------------------------------------------------------------


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(ValueError, match=r"called 'xx': did you mean 'x'\? it has x, y, q, z, f"):
        tg.predict(lecture(), {"xx": 1})
    with pytest.raises(ValueError, match="no number of this graph is called 'g'"):
        tg.predict(lecture(), values={"g": 1})


@pytest.mark.parametrize("names, said", [(["x", "y", "S"], "'S'"), (["x", ["y", "q"]], "y"), ([1, "x"], "'1'")])
def test_what_is_no_name_in_an_order_is_not_yet_right(names, said):
    [judged] = tg.predict(lecture(), order=names)
    assert judged.verdict == "not yet" and judged.hint.startswith("no number of this graph is called") and said in judged.hint


@pytest.mark.parametrize("answer", [None, True, [1], 1j, "abc", "2*3", "1/0", ""])
def test_what_is_no_number_is_not_yet_right_and_gets_the_remedy(answer):
    [judged, other] = tg.predict(lecture(), {"x": answer, "y": -4})
    assert judged.verdict == "not yet" and judged.hint == NO_NUMBER and other.verdict == "right"


def test_a_wrong_zero_is_told_what_zero_means():
    f = tg.expression("s = w * x; f = relu(s)", w=2, x=3)
    assert [judged.hint for judged in tg.predict(f, {"w": 0, "x": 0})] == [STILL, STILL]


def test_nothing_and_old_graphs_are_refused():
    with pytest.raises(ValueError, match="nothing is predicted"):
        tg.predict(lecture(), {})
    for answers in (3, ["x"], {"x"}, "x"):
        with pytest.raises(TypeError, match="answers stand in a dict, such as"):
            tg.predict(lecture(), answers)
    for order in (3, "xyqzf", {"x"}):
        with pytest.raises(TypeError, match="an order is a list of names, such as"):
            tg.predict(lecture(), order=order)
    with pytest.raises(TypeError, match="a Value is needed"):
        tg.predict(3.0, {"x": 1})
    f = lecture()
    tg.leaves(f)[0].data = 9
    with pytest.raises(ValueError, match="out of date"):
        tg.predict(f, {"x": 1})


def test_the_package_is_imported_without_what_judges():
    code = "import sys, tinygrad_edu; print([name for name in sys.modules if '.classroom.' in name and '.worked' in name])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_two_numbers_of_one_name_are_told_apart():
    a, b = tg.Value(2, label="x"), tg.Value(3, label="x")
    names = list(Graph(a * b).nodes)
    assert len(set(names)) == 3
    assert tg.predict(a * b, dict(zip(names, (3, 2, 1))))
    assert SmallGraph.of("a * b", a=2, b=3).size == 3
