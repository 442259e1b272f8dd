"""Symbolic gradients: they read well, and they are the gradients."""

import math
import random
import re

import pytest
from formulas import computed, formulas

import tinygrad_edu as tg
from tinygrad_edu import REAL, Value
from tinygrad_edu.engine import formula as m
from tinygrad_edu.engine import printer
from tinygrad_edu.engine.formula import Formula
from tinygrad_edu.symbols.named import NamedGraph
from tinygrad_edu.symbols.simplify import simplified
from tinygrad_edu.symbols.symbolic import local_formulas

READS = {       # expression: its gradient by x, as text
    "x**2 + 3*x": "3 + 2 * x", "2*x + 3*x**2 + x*(6 - 2)": "6 + 6 * x", "x*x*x": "3 * x**2", "x*y*x": "2 * x * y",
    "(x + 1)*(x + 2)": "2 * x + 3", "(2*x**2 + 1)**2": "8 * (2 * x**2 + 1) * x", "2*(3*x)": "6", "x/2": "1/2", "2*x/3": "2/3",
    "0.5*(y - w*x)**2": "(w * x - y) * w", "-(x - y)**2": "-2 * (x - y)", "1 - (1 - x)": "1", "-x*y": "-y", "0*x + y": "0",
    "1/x": "-1 / x**2", "x**-2": "-2 / x**3", "x/y/w": "1 / (w * y)", "(x + 1)/(x - 1)": "1 / (x - 1) - (x + 1) / (x - 1)**2",
    "x*log(x)": "log(x) + 1", "log(x)/x": "1 / x**2 - log(x) / x**2", "log(exp(x))": "1", "exp(x)*exp(-x)": "0",
    "exp(-x**2)": "-2 * exp(-x**2) * x", "sin(x)*cos(x)": "cos(x)**2 - sin(x)**2", "cos(3*x + 1)": "-3 * sin(3 * x + 1)",
    "sqrt(x**2 + y**2)": "x / sqrt(x**2 + y**2)", "1/(1 + exp(-x))": "exp(-x) / (1 + exp(-x))**2", "sum(x, y, x)": "2",
    "tanh(x*y)": "(1 - tanh(x * y)**2) * y", "relu(x*y + 1)": "y if x * y + 1 > 0 else 0", "leaky_relu(x)": "1 if x > 0 else 0.01",
    "where(x > 0, x*x, -x)": "2 * x if x > 0 else -1", "abs(x - y)": "sign(x - y)", "x*0.1*3": "3 * 0.1", "x*0.5*3": "1.5",
    "x**0.5": "0.5 * x**-0.5", "erf(x)": "2 * exp(-x**2) / sqrt(pi)", "x*1e300*1e300": "1e+300 * 1e+300", "x/0.1": "1 / 0.1", "x*y/y": "1",
    "where(x > 0, x*y, 0)*w": "w * y if x > 0 else 0", "sigmoid(x)": "sigmoid(x) * (1 - sigmoid(x))", "hypot(x, y)": "x / hypot(x, y) if hypot(x, y) > 0 else 0",
}
AT = {"x": 1.25, "y": 0.75, "w": -0.5}


def grown(text):
    return tg.expression(text, **{name: x for name, x in AT.items() if re.search(rf"\b{name}\b", text)})


@pytest.mark.parametrize("text", READS)
def test_a_gradient_reads_as_people_write_it(text):
    with tg.errstate(all="ignore"):
        assert printer.text(tg.symbolic(grown(text))["x"]) == READS[text]


SCOPE = {**vars(math), **{name: getattr(tg, name) for name in ("sigmoid", "softplus", "relu", "max", "sign", "hypot", "gelu")},
         "abs": abs, "where": lambda c, a, b: a if c else b}


def rounded(formula, numbers):
    """The number a formula's text stands for: its named parts one after the other, then the whole."""
    scope = {**SCOPE, **numbers}
    *lines, last = printer.text(formula).split("\n")
    for line in lines:
        name, body = line.split(" = ", 1)
        scope[name] = eval(body, scope)
    return eval(last, scope)


def random_expression(rng, depth):
    if depth == 0:
        return rng.choice(["x", "y", "w", "x", str(rng.choice([1, 2, 3, 0.5, 0.1, 0]))])
    a, b = random_expression(rng, depth - 1), random_expression(rng, rng.randrange(depth))
    return rng.choice([f"({a} + {b})", f"({a} - {b})", f"({a}) * ({b})", f"({a}) / (3 + ({b})**2)", f"-({a})", f"({a})**2", f"({a})**3",
                       f"tanh({a})", f"sin({a})", f"exp(-({a})**2)", f"where({a} > {b}, {a}, {b})", f"relu({a})", f"sqrt(1 + ({a})**2)"])


IDLE = re.compile(r"(?<![\w.*])(?<!\*-)[01](\.0)? \*|\* 1(\.0)?(?![\w.*])|\*\*[01](?![\w.])|--|\b0 [+-]|[+-] 0(?![\w.])|\+ -|- -")


def test_what_is_simplified_is_the_same_number_exactly():
    seen = 0
    for formula, numbers, wanted in formulas(500):
        found = simplified(formula)
        assert computed(found, numbers) == wanted, (formula, found)
        assert not IDLE.search(str(found)), (formula, found)
        seen += 1
    assert seen > 450


def test_what_is_simplified_is_still_the_gradient_and_holds_nothing_idle():
    seen = 0
    for seed in range(400):
        rng = random.Random(seed)
        text = "x * 1 + " + random_expression(rng, 4)
        numbers = {name: rng.uniform(-1.5, 1.5) for name in "xyw" if re.search(rf"\b{name}\b", text)}
        output = tg.expression(text, **numbers)
        output.backward()
        gradients = tg.symbolic(output)
        assert rounded(gradients.value, numbers) == pytest.approx(output.data, rel=1e-9, abs=1e-9), text
        for leaf in tg.leaves(output):
            found = gradients[leaf.label]
            assert rounded(found, numbers) == pytest.approx(leaf.grad, rel=1e-9, abs=1e-9), (text, leaf.label)
            shown = printer.text(found)
            assert not IDLE.search(shown), shown
            seen += 1
    assert seen > 400


@pytest.mark.parametrize("name", ["x", "t1", "t2", "t15"])
def test_named_parts_of_a_long_formula_take_no_name_that_a_leaf_has(name):
    x = Value(0.3, label=name)
    f = x
    for _ in range(6):
        f = tg.sin(f) * x
    f.backward()
    *lines, whole = printer.text(tg.symbolic(f)[name]).split("\n")
    known = {name: 0.3, "sin": math.sin, "cos": math.cos}
    for line in lines:
        part, body = line.split(" = ", 1)
        known[part] = eval(body, known)
    assert lines and eval(whole, known) == pytest.approx(x.grad, rel=1e-12)


x, y, z = map(Formula, "xyz")
WRITTEN = [     # a formula and its simple form, as text
    (x + y + m.power(x, 2) * x, "x + y + x**3"), (-(x / 2 + y), "-(x / 2 + y)"), (-(x - y), "y - x"), (-x - y + z, "z - x - y"), (-x - y, "-x - y"),
    (-2 * (x - y), "-2 * (x - y)"), (m.power(x * y, 2), "(x * y)**2"), (m.power(m.power(x, 2), 3), "(x**2)**3"), (x / (x * y), "1 / y"),
    (3 * m.where(x > 0, y, 0), "3 * y if x > 0 else 0"), (z / m.where(x > 0, y, 0), "z / (y if x > 0 else 0)"),
    (m.where(x > 0, 2, 2.0), "2"), (m.where(m.unequal(x > 0, 0), y, z), "y if x > 0 else z"),
    (m.where(m.unequal(x, 0), y, z), "y if x != 0 else z"), (m.where(m.unequal(x > 0, 1), y, z), "y if (x > 0) != 1 else z"),
    (x / 3 + x * m.ratio(2, 3), "x"), (x * m.ratio(-1, 2), "-x / 2"), (x / 3 + 0.5 * x, "x / 3 + 0.5 * x"),
    # what would need rounding, or too many digits, stands as it is
    (x + 0.1 + 0.2, "x + 0.1 + 0.2"), (x + 0.5 + 0.25, "x + 0.75"), (x + 1e308 + 1e308, "x + 1e+308 + 1e+308"),
    (x * math.inf * math.inf, "inf * x * inf"), (x + math.inf + math.inf, "x + inf + inf"), (x / 0.0, "x / 0"),
    (x + 5 * 10 ** 14 + (5 * 10 ** 14 - 1), "x + 999999999999999"), (x + 5 * 10 ** 14 + 5 * 10 ** 14, "x + 500000000000000 + 500000000000000"),
    (x - 5 * 10 ** 14 - (5 * 10 ** 14 - 1), "x - 999999999999999"), (x - 5 * 10 ** 14 - 5 * 10 ** 14, "x - 500000000000000 - 500000000000000"),
    (x + 1e15 + 1e15, "x + 2000000000000000"), (x - 1e15 - 1e15, "x - 2000000000000000"), (m.power(x, 0.5) - m.power(x, float("0.5")), "0"),
    (x / (10 ** 15 - 1), "x / 999999999999999"), (x * 10 ** 7 * m.ratio(1, 3) * 10 ** 8, "10000000 * x * 100000000 / 3"),
    (m.power(x, 1 - 10 ** 15), "1 / x**999999999999999"), (m.power(x, -10 ** 15), "x**-1000000000000000"),
    (m.power(x - x + 2, 31), "2147483648"), (m.power(x - x + 2, 32), "2**32"), (m.power(x - x + 3, 24), "282429536481"), (m.power(x - x + 3, 25), "3**25"), (m.power(x - x + 0.5, 2), "0.5**2"),
]


@pytest.mark.parametrize(("formula", "shown"), WRITTEN)
def test_a_simple_formula_is_written_as_people_do(formula, shown):
    assert str(simplified(formula)) == shown


def test_eight_terms_or_factors_are_taken_apart_and_nine_are_not():
    for count in (8, 9):
        parts = [Formula(letter) for letter in "abcdefghi"[:count]]
        rest = str(m.product(parts[1:])).removeprefix("1 * ")
        assert (str(simplified(m.product(parts) / parts[0])) == rest) is (count == 8)
        assert (str(simplified(m.total(parts) - parts[0])) == str(m.total(parts[1:]))) is (count == 8)


def test_long_sums_and_products_are_simplified_in_little_time_and_without_recursion():
    x = Formula("x")
    total, powers = x, x
    for k in range(5_000):
        total, powers = total + Formula(f"y{k}"), powers * Formula(f"y{k}")
    assert len(printer.text(simplified(total + powers))) < 10 ** 6
    doubled = x
    for _ in range(40):
        doubled = doubled + doubled
    assert str(simplified(doubled)) == f"{2 ** 40} * x"
    for _ in range(2_000):
        doubled = doubled + doubled / 3
    assert len(printer.text(simplified(doubled))) < 10 ** 5


def test_a_gradient_that_is_a_number_is_a_plain_one():
    x = Value(2.0, label="x")
    assert tg.symbolic(6 * x)["x"] == 6 and type(tg.symbolic(6 * x)["x"]) is int
    assert tg.symbolic(0.1 * x)["x"] == 0.1
    frozen = Value(2.0)
    frozen.is_constant = True
    assert tg.symbolic((frozen + 1) * x)["x"] == 3


def test_equal_parts_are_found_whatever_their_order():
    x, y = Formula("x"), Formula("y")
    assert simplified((x + y) / (y + x)) == 1 and simplified(x * y - y * x) == 0
    assert str(simplified((x - y) * (x - y) + (y - x))) == "(x - y)**2 + y - x"


def test_names_stay_the_objects_they_were():
    """Who looks a name up by identity, as the player does, finds it again."""
    x = Formula("x")
    assert simplified(1 * x) is x and any(part is x for part in simplified(2 * x * 3).parts)


def names(f):
    """What the nodes of a graph are called in its steps, by the node."""
    return {event.parent: event.parent_name for event in tg.steps(f) if event.kind == "backward"}


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize(("second", "name"), [("b" * 9, "aaaaaaaa + bbbbbbbbb"), ("b" * 10, "v1")])
def test_a_formula_of_twenty_characters_is_a_name_and_a_longer_one_is_not(second, name, frozen):
    leaves = tg.Value(1.0, label="a" * 8), tg.Value(2.0, label=second)
    for leaf in leaves:
        leaf.is_constant = frozen
    inner = leaves[0] + leaves[1]
    assert tg.names(inner * tg.Value(3.0, label="x"))[inner] == name


def test_nodes_of_the_same_label_are_numbered_past_the_names_that_are_taken():
    labels = ["x", "x", "x_3", "x", "x", "v1", ""]
    f = tg.sum(*[tg.Value(1.0, label=label) for label in labels])
    assert list(tg.names(f).values()) == ["x", "x_2", "x_3", "x_4", "x_5", "v1", "u1", "u2"]


def test_equal_nodes_and_nameless_leaves_are_told_apart_and_equal_constants_are_not():
    x, nameless, other = tg.Value(1.0, label="x"), tg.Value(5.0), tg.Value(5.0)
    first, second = x * 2, x * 2
    shown = NamedGraph(first + second + nameless * other, "formulas").texts
    assert [shown[v] for v in (first, second, nameless, other)] == ["x * 2", "v1", "v2", "v3"]
    assert tg.steps(x * 2 + 2)[0].formula.endswith("x * 2") and tg.steps(x * 2 + 2)[1].formula.endswith("x * 2 + 2")


def test_the_larger_of_two_is_differentiated_as_one_reads_it():
    x, y = tg.Value(1.0, label="x"), tg.Value(2.0, label="y")
    for op, of_two in (tg.max, tg.maximum), (tg.min, tg.minimum):
        assert str(tg.symbolic(op([x, y]))) == str(tg.symbolic(of_two(x, y)))
    assert str(tg.symbolic(tg.max([x, y]))["x"]) == "1 if x > y else 1/2 if x == y else 0"
    assert str(tg.symbolic(tg.expression("max(0, w*x)", w=1, x=2))["w"]) == "(1 if w * x > 0 else 1/2 if 0 == w * x else 0) * x"


def slopes(f):
    return [event.local for event in tg.steps(f) if event.kind == "backward"]


@pytest.mark.parametrize(("f", "shown", "by_result"), [
    (lambda x, y: tg.cbrt(x), ["1 / (3 * cbrt(x)**2)"], ["1 / (3 * r**2)"]), (lambda x, y: +x, ["1"], ["1"]),
    (lambda x, y: x / y, ["-x / y**2", "1 / y"], ["-x / y**2", "1 / y"]), (lambda x, y: tg.hypot(x, 3), ["x / hypot(x, 3) if hypot(x, 3) > 0 else 0"], ["x / r if r > 0 else 0"]),
    (lambda x, y: x ** y, ["x**y * log(x)", "y * x**(y - 1)"], ["r * log(x)", "y * x**(y - 1)"]),
    (lambda x, y: tg.sigmoid(x), ["sigmoid(x) * (1 - sigmoid(x))"], ["r * (1 - r)"]),
])
def test_slopes_in_steps_are_written_with_the_result_where_that_is_shorter(f, shown, by_result):
    result = f(tg.Value(0.5, label="x"), tg.Value(2.0, label="y"))
    assert slopes(result) == shown
    result.label = "r"
    assert slopes(result) == by_result


def test_slopes_of_an_operation_that_returns_its_input_are_written_with_the_input():
    @tg.op("clip", REAL)
    def clipped(x):
        """x, whose gradient ends at -1 and 1."""
        return x, (m.where(m.abs(x) > 1, 0, 1),)
    x = Value(0.5, label="x")
    y = clipped(x)
    y.label = "y"
    assert slopes(y) == [str(tg.symbolic(y)["x"])] == ["0 if abs(x) > 1 else 1"]


def test_slopes_of_more_than_eight_parents_are_written_in_general_terms():
    for count, whole in (8, " + ".join(f"exp(x{k})" for k in range(8))), (9, "sum(exp(x[i]))"):
        shown = tg.logsumexp([tg.Value(k / 8, label=f"x{k}") for k in range(count)])
        assert slopes(shown)[0] == f"exp(x{count - 1}) / " + (f"({whole})" if count == 8 else whole)


def test_general_terms_name_the_result_and_what_stands_at_their_place():
    x, t = [[tg.Value(k / 8, label=f"{letter}{k}") for k in range(9)] for letter in "xt"]
    largest, loss = tg.max(x), tg.softmax_cross_entropy(x, t)
    largest.label = "r"
    by_rule = [printer.text(formula) for node in (largest, loss) for formula in local_formulas(node, NamedGraph(node).formulas)]
    assert by_rule[8] == "1 / sum(1 if x[i] == r else 0) if x8 == r else 0"
    assert by_rule[9] == "sum(t[i]) * exp(x0) / sum(exp(x[i])) - t0" and by_rule[-1] == "log(sum(exp(x[i]))) - x8"
    assert slopes(tg.sum(x)) == ["1"] * 9


def test_a_node_made_by_hand_goes_by_its_operation_or_is_just_a_node():
    x = tg.Value(1.0, label="x")
    for op, formula in ("", "v1 = node(x)"), ("mine", "mine(x)"):
        assert tg.steps(tg.Value(1.0, (x,), (0.25,), op=op))[0].formula.endswith(formula)
