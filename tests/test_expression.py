"""Text to graph: what is read, what is refused, and where the caret stands."""

import ast
import contextlib
import math
import random

import pytest

import tinygrad_edu as tg
from tinygrad_edu import ExpressionError, Value
from tinygrad_edu.symbols.expression import OTHERS, parse
from tinygrad_edu.symbols.notation import LOOKALIKES

pytestmark = [pytest.mark.smoke, pytest.mark.filterwarnings("ignore::tinygrad_edu.ExpressionWarning")]


@pytest.mark.parametrize(("text", "values", "result"), [
    ("(x + y) * z", {"x": -2, "y": 5, "z": -4}, -12), ("-x ** 2", {"x": 3}, -9), ("+x - -x", {"x": 3}, 6),
    ("2 ** -x", {"x": 1}, 0.5), ("x ** y ** z", {"x": 2, "y": 3, "z": 2}, 512), ("max(x, 2, y)", {"x": 1, "y": 3}, 3),
    ("sum([x, y, 1]) + mean(x, y)", {"x": 1, "y": 3}, 7), ("dot([x, y], [2, 3])", {"x": 1, "y": 2}, 8),
    ("clip(x, 0, 1) + leaky_relu(-x, slope=0.5)", {"x": 2}, 0), ("where(x > y, x, y)", {"x": 1, "y": 3}, 3),
    ("x == 2", {"x": 2}, 1), ("pi", {}, math.pi), ("pi * 2", {}, 2 * math.pi), ("2 * 3 - 4 / 8", {}, 5.5),
    ("−x × 2 · y ÷ 4", {"x": 1, "y": 2}, -1), ("α + β", {"α": 1, "β": 2}, 3), ("pow(x, 3)", {"x": 2}, 8),
    ("q = x + y\nf = q * z", {"x": -2, "y": 5, "z": -4}, -12), ("a = 2; b = 3; a * b", {}, 6), ("sum([])", {}, 0),
    ("  x  ;", {"x": 5}, 5), ("scaled_relu(x) + scaled_relu(x, 2)", {"x": 1}, 7), ("pi + x", {"x": 1, "pi": 3}, 4), ("µ * 2", {"µ": 2}, 4),
    ("x\u00a0* 2", {"x": 2}, 4), ("text * 2", {"text": 2}, 4), ("1e-3 * x", {"x": 1000}, 1), ("+2 * x", {"x": 3}, 6),
])
def test_expressions_are_computed(text, values, result):
    assert tg.expression(text, **values).data == result


def test_names_become_labels_and_statements_nodes():
    f = tg.expression("q = x + y; f = q * z", x=-2, y=5, z=-4)
    assert [node.label for node in tg.topological_order(f)] == ["x", "y", "q", "z", "f"]
    assert tg.expression("x * y", x=1, y=2).label == "f"
    assert tg.expression("f * 2", f=1).label == ""


def test_a_second_name_is_a_node_of_its_own():
    f = tg.expression("z1 = x; z2 = x*x; z3 = 3*x; y = z1*z2 + z3", x=2)
    f.backward()
    assert {node.label: node.grad for node in tg.topological_order(f) if node.label} == {
        "x": 15, "z1": 4, "z2": 2, "z3": 1, "y": 1}


def test_a_name_given_a_number_is_a_leaf_and_literals_are_constants():
    f = tg.expression("w = 6 - 2; w * x * 3", x=2)
    f.backward()
    assert {leaf.label: leaf.grad for leaf in tg.leaves(f)} == {"w": 6.0, "x": 12.0}


def test_a_constant_exponent_is_a_constant_and_another_is_not():
    assert [tg.expression(text, x=2).op for text in ("x ** 3", "x ** 2", "2 ** x", "x ** x")] == ["power", "square", "pow", "pow"]


def test_values_may_be_given_as_values():
    x = Value(2.0)
    tg.expression("x * x", x=x).backward()
    assert x.grad == 4.0 and x.label == "x"


REFUSED = [
    ("tnah(x)", "unknown function 'tnah': did you mean 'tanh'", 1, 1), ("sigma(x)", "did you mean 'sigmoid'", 1, 1),
    ("sigm(x)", "did you mean 'sigmoid'", 1, 1), ("tahn(x)", "did you mean 'tanh'", 1, 1), ("x + foe(x)", "'foe' is not a function: write foe . ", 1, 5),
    ("y(2)", "'y' is not a function: write y . ", 1, 1), ("(x)2", "a product needs its sign", 1, 4),
    ("x 2", "a product needs its sign", 1, 3), ("2 3", "a product needs its sign", 1, 3),
    ("x @ 2", "only numbers, names", 1, 1), ("x.real", "a dot", 1, 1), ("x[0]", "square brackets", 1, 1),
    ("(lambda: 1)()", "only numbers", 1, 12), ("lambda: x", "no lambda", 1, 1), ("'a' * x", "quotes have no place", 1, 1),
    ("1j * x", "no value for j", 1, 2), ("True", "True is not", 1, 1), ("None", "None is not", 1, 1),
    ("x and x", "where", 1, 1), ("not x", "where", 1, 1),
    ("x < x < x", "compare two at a time", 1, 1), ("[x]", "only numbers", 1, 1), ("{x}", "not understood here: write", 1, 1),
    ("max(*x)", "a star", 1, 5), ("tanh(**x)", "a star", 1, 1), ("f'{x}'", "quotes have no place", 1, 2),
    ("x := 2", "not understood", 1, 3), ("x²³ + ²", "a raised number stands", 1, 7), ("|x", r"this \| has no partner", 1, 1),
    ("lambda * 2", "'lambda' is a word of Python's own", 1, 1), ("2 * lambda*x", "'lambda' is a word", 1, 5), ("q = x; x * 2", "'q' is not used", 1, 1), ("f(x) = x**2", "left of = stands a name alone", 1, 6), ("\\frac{x}{y}", "LaTeX is not read: write x / y", 1, 1),
    ("x + 2e5 +", "not understood", 1, 10), ("softmax(x)", "gives a list", 1, 1), ("x +", "not understood", 1, 4), ("(x", r"this \( is not closed: a \) is missing", 1, 1), ("(x]", "this ] was not opened", 1, 3),
    ("x)", "this . was not opened", 1, 2), ("log(x, 2, 3)", r"takes x, base, but 3 were given", 1, 1), ("sofmax(x)", "did you mean 'softmax'", 1, 1),
    ("softmin(x, x)", r"a list: one of it is softmax_at", 1, 1), ("std(x, x)", r"m = mean\(x, y\); norm", 1, 1), ("arcsn(x)", "did you mean 'arcsin'", 1, 1), ("import os", "only expressions", 1, 1),
    ("x; x", "this result is not used", 1, 1), ("x = x + 1", "has a value already", 1, 1), ("a, b = x", "only expressions", 1, 1),
    ("q = x; q = x", "'q' has a value already", 1, 8), ("q += x", "only expressions", 1, 1),
    ("x * y + w", "no value for y, w: add y=... w=...", 1, 5), ("sin * x", "sin is a function: write sin", 1, 1),
    ("x\x00", "'.x00' has no place", 1, 2), ("x\x1b[31m", "'.x1b'", 1, 2), ("x\u202e", "u202e", 1, 2),
    ("1e999 * x", "too large for a float", 1, 1), ("9007199254740993 * x", "not exactly representable", 1, 1),
    ("tanh(x, x)", "tanh.. takes x, but 2 were given", 1, 1), ("clip(x)", "needs low=", 1, 1), ("max() + x", "empty", 1, 1),
    ("clip(x, x, 1)", "low is a constant and gets no gradient: write a plain number", 1, 9), ("dot([x], [x, x])", "one length", 1, 1), ("tanh([x])", "numbers, not lists", 1, 6),
    ("tanh(x, y=[x])", "takes numbers, not lists: leave out the brackets", 1, 11), ("q = x\nq + tnah(q)", "did you mean 'tanh'", 2, 5), ("é + tnah(x)", "tanh", 1, 5),
    ("# nothing", "no expression", 1, 1), ("@x", "not understood", 1, 1), ("(x : x)", "^this is not understood here .line", 1, 4),
    ("1,5 * x", "a number has a point, as in 1.5", 1, 1), ("x, x", "a comma stands only between", 1, 1), ("x**{2}", "{...} is not understood here: write", 1, 4),
    ("1 + softmax_at(x, x, index=5)", "index 5 of a row of 2: write a whole number from 0 to 1", 1, 5),
    ("np.sin(x)", "called by its name alone: write sin", 1, 1), ("2 * x.relu()", "name alone: write relu", 1, 5),
    ("x in x", "only numbers", 1, 1), ("x is x", "only numbers", 1, 1), ("lambda + class", "'lambda' is a word", 1, 1),
    ("sin * w", r"no value for sin, w: .* \(sin is a function: write sin\(\.\.\.\)\)", 1, 1), ("w * sin", r"add w=\.\.\. sin=\.\.\. .line", 1, 1), ("yield", "only numbers", 1, 1), ("\\", "LaTeX is not read", 1, 1), ("0777", "^this is not understood here .line", 1, 1),
]


@pytest.mark.parametrize(("text", "words", "line", "column"), REFUSED, ids=[repr(row[0]) for row in REFUSED])
def test_what_is_not_an_expression_is_refused_at_its_place(text, words, line, column):
    with pytest.raises(ExpressionError, match=words) as caught:
        tg.expression(text, x=1)
    assert (caught.value.line, caught.value.column) == (line, column)
    shown, carets = str(caught.value).splitlines()[1:]
    assert carets.index("^") - 4 == column - 1 and shown.strip().isprintable()


@pytest.mark.parametrize("name", [*tg.OPS, *OTHERS])
def test_a_function_called_in_any_way_is_computed_or_refused_at_its_place(name):
    constants = list(getattr(tg.OPS.get(name), "constants", {}))
    for inputs in "", "x", "-x, 0", "x, x, x", "[x, x]", "[x], [x, x]":
        for given in ["", "axis=0", *[f"{constant}={number}" for constant in constants for number in (0.5, -1, 7, "[x]")]]:
            try:
                tg.expression(f"x + {name}({', '.join(filter(None, [inputs, given]))})", x=0.5)
            except ExpressionError as error:
                assert error.column >= 5 and error.reason.isprintable()
            except tg.DomainError:
                pass


@pytest.mark.parametrize(("text", "values", "words"), [
    ("", {}, "empty"), ("  \n ", {}, "empty"), ("x" * 10_001, {}, "10001 characters"), ("x", {"x": 1, "y": 2}, "'y' is not in"),
    ("-" * 9000 + "x", {"x": 1}, "too long or nested too deeply"), ("1" * 5000, {}, "limit"), ("2", {"y": 1}, "it has no names"),
    ("q = x; q * 2", {"x": 1, "q": 3}, "'q' is computed by the expression"), ("x₁", {"x₁": 1, "x1": 2}, "x1 is given twice, as x₁ too"),
])
def test_other_refusals(text, values, words):
    with pytest.raises(ExpressionError, match=words) as caught:
        tg.expression(text, **values)
    assert (caught.value.line, caught.value.column, caught.value.width) == (1, 1, 1)


def test_depth_is_limited_but_not_the_number_of_terms():
    assert tg.expression(" + ".join(["x"] * 900), x=1).data == 900
    assert tg.expression("-" * 100 + "x", x=1).data == 1
    assert tg.expression("(" * 199 + "x" + ")" * 199, x=1).data == 1
    with pytest.raises(ExpressionError, match="more than 199 brackets within one another"):
        tg.expression("(" * 200 + "x" + ")" * 200, x=1)
    for text in ("sin " * 100 + "x", "√" * 100 + "x", "x if x else " * 100 + "x"):
        with pytest.raises(ExpressionError, match="nested more than 100 deep"):
            tg.expression(text, x=1)
    assert tg.expression("tanh " * 99 + "x", x=0).data == 0
    with pytest.raises(ExpressionError, match="nested more than 100 deep"):
        tg.expression("tanh(" * 101 + "x" + ")" * 101, x=1)


def test_ten_thousand_characters_are_read():
    assert tg.expression("x +" + " " * 9996 + "x", x=1).data == 2
    with pytest.raises(ExpressionError, match="10001 characters, but 10000 are the limit"):
        tg.expression("x +" + " " * 9997 + "x", x=1)


@pytest.mark.parametrize(("text", "line", "column", "carets"), [
    ("q = x\nq * tnah(q)", 2, 5, 4), ("q = x\nq + x\x00", 2, 6, 1), ("q = x\n2qq", 2, 2, 2), ("q = x\nq + tanh(q,\n q)", 2, 5, 1),
    ("é + tanh(é, é)", 1, 5, 10), ("q = x\nq +* 2", 2, 4, 1), ("x + tnah(x) + 1", 1, 5, 4), ("# nothing", 1, 1, 1),
])
def test_carets_stand_under_what_is_meant(text, line, column, carets):
    with pytest.raises(ExpressionError) as caught:
        tg.expression(text, **{"é" if "é" in text else "x": 1})
    assert (caught.value.line, caught.value.column) == (line, column)
    assert str(caught.value).splitlines()[-1] == " " * (3 + column) + "^" * carets


@pytest.mark.parametrize("before", [0, 1, 37, 38, 39, 200])
def test_a_long_line_is_shown_around_its_fault(before):
    text = "x" + " " * before + "+ " + "q" * 100 + "(x)"
    with pytest.raises(ExpressionError, match=r"'q+…' is not a function") as caught:
        tg.expression(text, x=1)
    _, shown, carets = str(caught.value).splitlines()
    start = carets.index("^")
    assert start == 4 + min(before + 3, 40) and shown[start:] == "q" * (80 - start) and carets[start:] == "^" * (80 - start)


def test_what_is_no_text_is_a_type_error():
    with pytest.raises(TypeError, match="got 3"):
        parse(3)
    with pytest.raises(TypeError, match="got 'a'"):
        tg.expression("x", x="a")


def test_numerical_trouble_keeps_its_own_error():
    with pytest.raises(tg.DomainError, match=r"log\(-1\)"):
        tg.expression("log(x)", x=-1)


@pytest.mark.parametrize("text", [
    "__import__('os').system('true')", "x.__class__", "().__class__.__bases__[0]", "open('f')", "exec('1')", "eval('1')",
    "[y for y in (1,)]", "globals()", "x.data", "(x).backward()", "print(x)", "tg.tanh(x)", "x@x", "~x", "x << 2", "*x",
    "def f(): pass", "class A: pass", "while 1: pass", "assert x", "del x", "global x", "return x", "async def f(): x",
    "x; import os", "max.__call__(x)", "type(x)", "getattr(x, 'data')", "x: int = 3", "with x: x", "try:\n x\nfinally:\n x",
])
def test_no_code_is_ever_run(text):
    with pytest.raises(ExpressionError):
        tg.expression(text, x=1)


def random_text(rng, depth):
    if depth == 0:
        return rng.choice(["x", "y", "2", "0.5", "3"])
    a, b = random_text(rng, depth - 1), random_text(rng, rng.randrange(depth))
    return rng.choice([f"({a} + {b})", f"{a} - {b}", f"{a} * ({b})", f"({a}) / (({b}) ** 2 + 1)", f"-({a})", f"({b}) ** 2"])


@pytest.mark.parametrize("seed", range(5))
def test_random_expressions_equal_python(seed):
    rng = random.Random(seed)
    for _ in range(100):
        text = random_text(rng, rng.randint(1, 4))
        program = parse(f"r = {text}")
        ours = program.build({name: {"x": 1.25, "y": -0.75}[name] for name in program.names})[-1]
        assert ours.data == pytest.approx(eval(text, {"x": 1.25, "y": -0.75}), rel=1e-14), text


@pytest.mark.parametrize("seed", range(5))
def test_mutilated_text_gives_a_graph_or_an_expression_error(seed):
    rng = random.Random(seed)
    letters = "xy12.+-*/()[],;=<>!'\"\\\n\t #@^&|~:{}é²∂\x00\u202e\ud800"
    for _ in range(400):
        text = list(random_text(rng, 3))
        for _ in range(rng.randint(1, 4)):
            text.insert(rng.randrange(len(text) + 1), rng.choice(letters))
        with contextlib.suppress(ExpressionError, tg.DomainError):
            assert isinstance(tg.expression("".join(text), x=1.5, y=2.5), Value)


def test_lookalikes_keep_the_columns():
    assert all(len(chr(a)) == len(chr(b)) == 1 for a, b in LOOKALIKES.items())
    assert ast.parse("x − 1".translate(LOOKALIKES))


@pytest.mark.parametrize(("text", "words"), [
    ("q" * 60 + "(1)", "'" + "q" * 39 + "…' is not a function: write " + "q" * 39 + "… *"),
    ("softmax_cross_entropy" + "x" * 22 + "(1)", "unknown function 'softmax_cross_entropy" + "x" * 18 + "…': did you mean"),
    (" + ".join(f"name{i:02d}" for i in range(60)), "no value for " + ", ".join(f"name{i:02d}" for i in range(60))[:199] + "…: add "
     + " ".join(f"name{i:02d}=..." for i in range(60))[:199] + "… "),
], ids=["no function", "nearly one", "many names"])
def test_what_a_message_repeats_of_the_text_has_a_limit(text, words):
    with pytest.raises(tg.ExpressionError) as caught:
        tg.expression(text)
    assert words in str(caught.value)
