"""softmax and log_softmax: every value and local gradient is right to (n + 4) u, for rows of 2 to 1,000 logits.

A few rows of up to 200 are judged by default; `pytest -m long tests/test_softmax.py` takes 1,003.
"""

import math
import pickle
import re

import pytest
from judge import CLOSE_OR_FAR, logits_for, relative_error, softmax_misses, softmax_truth
from mpmath import mp

import tinygrad_edu as tg
from tinygrad_edu import Value, log_softmax, softmax
from tinygrad_edu.engine import formula as m
from tinygrad_edu.engine.printer import mathml

BOTH = [tg.softmax_at, tg.log_softmax_at]
by_index = {tg.softmax_at: softmax, tg.log_softmax_at: log_softmax}


@pytest.mark.parametrize("op", BOTH, ids=repr)
def test_some_rows_are_right_to_n_and_4_units(op):
    assert list(softmax_misses(op, [row for row in logits_for(80) if len(row) <= 200])) == []


@pytest.mark.long
@pytest.mark.parametrize("op", BOTH, ids=repr)
def test_all_rows_are_right_to_n_and_4_units(op):
    assert list(softmax_misses(op, logits_for(1003))) == []


@pytest.mark.parametrize("row", [[0.1, 0.1], [1e16, 1e16 + 2, 3.0], [-40.0, 2.0, 0.5, 7.0], [5.0, -math.inf, 3.0]], ids=str)
@pytest.mark.parametrize("op", BOTH, ids=repr)
def test_the_lists_are_made_of_one_node_for_each_index(op, row):
    logits = [Value(x, label=f"x{i}") for i, x in enumerate(row)]
    for index, node in enumerate(by_index[op](logits)):
        value, slopes = softmax_truth(op, row, index)
        assert node.parents == tuple(logits) and (node.op, node.constants) == (op.name, {"index": index})
        node.backward()
        for ours, true in zip([node.data, *[x.grad for x in logits]], [value, *slopes]):
            assert relative_error(ours, true) <= len(row) + 4
        node.zero_grad()


def careless_softmax(x):
    best = max(x)
    e = [math.exp(a - best) for a in x]
    p = e[0] / math.fsum(e)
    return p, ([p * (1 - p), *[-p * b / math.fsum(e) for b in e[1:]]],)


def test_the_judge_catches_the_usual_formula():
    op = tg.Op(lambda x, *, index: (x[0], (x,)), "?", ([tg.REAL],), False, {"index": 0})
    op.name, op.rule = "softmax_at", lambda x, *, index: careless_softmax([x[int(index)], *x[:int(index)], *x[int(index) + 1:]])
    assert list(softmax_misses(op, [[40.0, 0.0]])) != []


@pytest.mark.parametrize("row", [row for row in logits_for(30) if -math.inf not in row], ids=lambda row: f"{row[0]:.4g}, {len(row)}")
def test_softmax_of_finite_logits_adds_up_to_1_within_n_units(row):
    assert abs(mp.fsum(map(mp.mpf, softmax(row))) - 1) <= len(row) * mp.mpf(2) ** -53


@pytest.mark.parametrize(("row", "logs"), [
    ([30.0, 0.0], [-9.357622968839737e-14, -30.000000000000092]), ([40.0, 0.0], [-4.248354255291589e-18, -40.0]),
    ([700.0, 0.0], [-9.859676543759770e-305, -700.0]), ([1000.0, 0.0, -1000.0], [0.0, -1000.0, -2000.0]),
    ([1e10, 1e10 + 1], [-1.3132616875182228, -0.31326168751822286]), ([1e16, 1e16], [-0.6931471805599453] * 2)], ids=str)
def test_logarithms_near_0_keep_their_digits(row, logs):
    assert log_softmax(row) == logs
    assert softmax(row) == pytest.approx([math.exp(x) for x in logs], rel=1e-15)


@pytest.mark.parametrize(("row", "target"), [(row, t) for row in CLOSE_OR_FAR if len(row) < 50 for t in (0, 1) if row[t] > -math.inf],
                         ids=lambda x: str(x[:3]) if isinstance(x, list) else x)
def test_nll_of_log_softmax_is_cross_entropy(row, target):
    """Also where another logit is -inf, or one is far above the others."""
    made = []
    for loss in (lambda z: tg.nll(log_softmax(z), target), lambda z: tg.cross_entropy(z, target)):
        logits = list(map(Value, row))
        out = loss(logits)
        out.backward()
        made.append([out.data, *[x.grad for x in logits]])
    assert made == [pytest.approx(made[-1], rel=4e-16 * len(row), abs=1e-307)] * len(made)


def test_of_a_logit_that_is_minus_infinity_both_losses_are_infinite():
    row = [2.0, -math.inf]
    assert tg.nll(log_softmax(row), 1) == tg.cross_entropy(row, 1) == math.inf


def test_a_brier_score_of_large_close_logits_works():
    assert tg.brier(softmax([1e10, 1e10 + 1]), 0) == pytest.approx(2 * 0.7310585786300049 ** 2, rel=1e-15)


@pytest.mark.parametrize("f", [softmax, log_softmax])
def test_nothing_but_minus_infinity_is_no_distribution(f):
    for row in ([-math.inf, -math.inf], list(map(Value, [-math.inf] * 3))):
        with pytest.raises(tg.DomainError, match="not a number"):
            f(row)


@pytest.mark.parametrize("index", [3, -1, 0.5, math.nan, math.inf])
@pytest.mark.parametrize("op", BOTH, ids=repr)
def test_an_index_that_no_element_has_is_refused_by_name(op, index):
    for row in ([1.0, 2.0, 3.0], list(map(Value, [1.0, 2.0, 3.0]))):
        with pytest.raises(IndexError, match=f"index {index:g} of a row of 3: write a whole number from 0 to 2"):
            op(row, index=index)


@pytest.mark.parametrize("row", [[0.5], [1.0, 1.0], [40.0, 0.0, 1.0], [3.0, -2.0, 3.0, 0.25]], ids=str)
def test_second_derivatives_keep_their_digits_too(row):
    """Of p = softmax, p₀ by xᵢ and xⱼ is p₀ ((δ₀ᵢ - pᵢ)(δ₀ⱼ - pⱼ) - pᵢ (δᵢⱼ - pⱼ)); log p₀, without its first term, has no p₀."""
    with mp.workdps(60):
        e = [mp.exp(x) for x in row]
        p = [x / mp.fsum(e) for x in e]
        bent = [[-a * ((i == j) - b) for j, b in enumerate(p)] for i, a in enumerate(p)]
        steep = [(i == 0) - a for i, a in enumerate(p)]
        of_p = [[p[0] * (steep[i] * steep[j] + bent[i][j]) for j in range(len(p))] for i in range(len(p))]
    assert tg.hessian(lambda x: log_softmax(x)[0])(row) == [pytest.approx(list(map(float, line)), rel=1e-14) for line in bent]
    assert tg.hessian(lambda x: softmax(x)[0])(row) == [pytest.approx(list(map(float, line)), rel=1e-13, abs=1e-16) for line in of_p]


@pytest.mark.parametrize("op", BOTH, ids=repr)
def test_a_symbolic_formula_is_read_back(op):
    names = dict(zip("abc", (1.0, -0.5, 2.0)))
    node = op([Value(x, label=name) for name, x in names.items()], index=2) * 2
    node.label = "y"
    gradients = tg.symbolic(node)
    node.backward()
    assert tg.expression(str(gradients.value), **names).data == node.data
    for name in "abc":
        found = tg.expression(str(gradients[name]), **{k: x for k, x in names.items() if k in str(gradients[name])})
        assert found.data == pytest.approx(tg.replay(node)[name], rel=1e-14)
    assert tg.steps(node)[0].text.startswith(f"v1 = {op.name}(a, b, c, index=2) = {op.name}(1, -0.5, 2, index=2) = ")


def test_many_logits_are_shown_in_general_terms_with_the_index_put_in():
    logits = [Value(float(i), label=f"x{i}") for i in range(12)]
    local = {event.parent_name: event.local for event in tg.steps(softmax(logits)[3]) if event.kind == "backward"}
    assert (local["x3"], local["x5"]) == ("v1 * (1 - v1)", "-v1 * exp(x5) / sum(exp(x[i]))")
    local = {event.parent_name: event.local for event in tg.steps(log_softmax(logits)[3]) if event.kind == "backward"}
    assert (local["x3"], local["x5"]) == ("1 - exp(v1)", "-exp(x5) / sum(exp(x[i]))")


def test_a_picture_shows_the_logits_as_parents_and_which_of_the_numbers_a_node_is():
    logits = [Value(x, label=name) for name, x in zip("abc", (1.0, 2.0, 3.0))]
    svg = tg.draw(tg.dot(softmax(logits), [1.0, 2.0, 3.0])).svg
    assert re.findall(r"v\d = (softmax[^<]*)</text>", svg) == [f"softmax(a, …)[{k}]" for k in range(3)]
    assert "operation v3 = softmax_at(a, b, c, index=2): 0.66524" in svg and svg.count(">softmax</text>") == 3


def test_a_pickled_node_keeps_its_index_and_is_run_again_on_other_numbers():
    logits = [Value(x, label=name) for name, x in zip("abc", (1.0, 2.0, 3.0))]
    node = pickle.loads(pickle.dumps(log_softmax(logits)[1]))
    assert (node.op, node.constants, node.data) == ("log_softmax_at", {"index": 1.0}, log_softmax([1.0, 2.0, 3.0])[1])
    assert tg.replay(node, at={"c": 5.0}).value == log_softmax([1.0, 2.0, 5.0])[1]
    assert float(tg.replay(node, mp.mpf)["b"]) == pytest.approx(tg.replay(node)["b"], rel=1e-15)


def test_an_index_may_stand_behind_the_row_and_rows_of_rows_are_refused_by_name():
    assert tg.softmax_at([0.0, 0.0], 1) == tg.softmax_at(0.0, 0.0, index=1) == 0.5
    with pytest.raises(TypeError, match=r"softmax.. takes a row of numbers, but .1.0, 2.0. is an element"):
        softmax([[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(TypeError, match="needs index="):
        tg.softmax_at([1.0, 2.0])
    with pytest.raises(tg.ExpressionError, match=r"softmax gives a list: one of it is softmax_at.x, y, z, index=0."):
        tg.expression("softmax(x, y)", x=1, y=2)


def test_a_softmax_of_plain_numbers_and_under_no_grad_is_of_constants():
    assert softmax(iter([0.0, 0.0])) == [0.5, 0.5]
    with tg.no_grad():
        assert all(p.is_constant and not p.parents for p in softmax([Value(1.0), 2.0]))
    assert all(p.is_constant for p in softmax([Value(1.0).detach(), 2.0]))


def test_an_operation_of_rows_with_a_constant_of_ones_own_works_like_those():
    @tg.op("smooth max", [tg.REAL], sharpness=2.0)
    def smooth_max(x, *, sharpness):
        """log(Σ exp(sharpness xᵢ)) / sharpness."""
        whole = m.total(m.each(lambda e: m.exp(sharpness * e), x))
        return m.log(whole) / sharpness, (m.each(lambda e: m.exp(sharpness * e) / whole, x),)
    x = [Value(v, label=n) for n, v in zip("ab", (0.5, 1.0))]
    y = smooth_max(x, sharpness=4)
    y.label = "y"
    assert tg.gradcheck(lambda *v: smooth_max(v, sharpness=4), [0.5, 1.0])
    assert tg.steps(y)[0].text.startswith("y = smooth_max(a, b, sharpness=4) = smooth_max(0.5, 1, sharpness=4) = ")
    assert tg.expression("smooth_max(a, b, sharpness=4)", a=0.5, b=1.0).data == y.data == smooth_max([0.5, 1.0], 4)
    assert tg.hessian(lambda v: smooth_max(v, sharpness=4))([0.5, 1.0])[0][0] == pytest.approx(4 * 0.11920292202211755 * 0.8807970779778823)
    assert "double op_smooth_max(int n, const double *x, double sharpness, double *g_x, double *room)" in tg.source(smooth_max, "c")


def test_logits_in_mathematics():
    assert tg.source(tg.softmax_at, "latex").splitlines()[0] == r"f = \frac{e^{x_{\mathrm{index}}}}{\sum_{i} e^{x_{i}}}"
    shown = mathml(tg.log_softmax_at.formulas()[0])
    assert "<msub><mrow><mi>x</mi></mrow><mrow><mi>index</mi></mrow></msub>" in shown and "<mo>∑</mo>" in shown


def test_a_box_of_a_row_with_a_name_says_its_name_and_the_place():
    logits = [Value(float(i), label=f"z[{i}]") for i in range(12)]
    heads = [re.search(r">v1 = ([^<]*)</text>", tg.draw(share + 1).svg)[1]
             for share in (softmax(logits)[11], log_softmax(logits)[0])]
    assert heads == ["softmax(z)[11]", "log_softmax(z)[0]"]


def test_a_long_row_in_a_box_keeps_its_place():
    logits = [Value(float(i), label=f"a_rather_long_name_{letter}") for i, letter in enumerate("abc")]
    assert re.search(r">v1 = softmax\([^<]*…\)\[2\]</text>", tg.draw(softmax(logits)[2] + 1).svg)
