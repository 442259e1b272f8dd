"""What students write: one reading is read, two are refused with both written out, and what was changed is said."""

import ast
import random
import re
import warnings

import pytest
from calculator import Writer
from students import Chart, literal_tree, random_text

import tinygrad_edu as tg
from tinygrad_edu import ExpressionError
from tinygrad_edu.engine import printer
from tinygrad_edu.symbols.expression import parse

GIVEN = {"x": 2.0, "y": 3.0, "z": 0.5}


def meant(text):
    return literal_tree(ast.parse(text, mode="eval").body)


def offset(error):
    return sum(len(line) + 1 for line in error.text.split("\n")[:error.line - 1]) + error.column - 1


def check_reading(text):
    """"read", "refused with both" or "refused"; the chart has that one reading, or both of them."""
    readings = Chart(text).readings
    try:
        program = parse(text, GIVEN)
        program.check_names(dict.fromkeys(program.names.keys() & GIVEN.keys()))
    except ExpressionError as error:
        shown = re.search(r"has two readings: write (.+) or (.+)$", error.reason)
        if not shown or not readings:
            return "refused"
        start = offset(error)
        both = [f"{text[:start]} {one} {text[start + error.width:]}" for one in shown.groups()]
        first, second = [readings & Chart(one).readings for one in both]
        assert first and second and first != second, (text, both, readings)
        return "refused with both"
    assert readings == {meant(program.read_as)}, (text, program.read_as, readings)
    return "read"


def check_many(seed, count):
    rng, seen = random.Random(seed), {"read": 0, "refused with both": 0, "refused": 0}
    for _ in range(count):
        seen[check_reading(random_text(rng, rng.randint(1, 8)))] += 1
    assert seen["read"] > 0.4 * count and seen["refused with both"] > 0.15 * count and seen["refused"] < 0.25 * count, seen


def test_what_is_read_has_one_reading_and_what_has_two_is_refused_with_both():
    check_many(seed=0, count=1500)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 11))
def test_thirty_thousand_texts_have_no_second_reading(seed):
    check_many(seed, count=3000)


# ---- what is read as what --------------------------------------------------------------------------------------

READ = [
    ("2x", "2*x"), ("2(x+1)", "2*(x+1)"), ("(x+1)(x-1)", "(x+1)*(x-1)"), ("x(x+1)", "x*(x+1)"), ("3 x y", "3*x*y"), ("1e5x", "1e5*x"),
    ("x^2", "x**2"), ("-x^2", "-x**2"), ("x^-1", "x**-1"), ("(x+1)^2", "(x+1)**2"), ("x^(1/2)y", "x**(1/2)*y"), ("x^y²", "x**y**2"),
    ("x²", "x**2"), ("x³y²", "x**3*y**2"), ("x⁻¹", "x**-1"), ("x¹⁰", "x**10"), ("(x²)^2", "(x**2)**2"), ("x²^3", "(x**2)**3"), ("2x²", "2*x**2"),
    ("|x|", "abs(x)"), ("|x-1|²", "abs(x-1)**2"), ("2|x|", "2*abs(x)"), ("|x||y|", "abs(x)*abs(y)"), ("||x|-|y||", "abs(abs(x)-abs(y))"),
    ("max(|x|, |y|)", "max(abs(x), abs(y))"), ("|x|+|y|", "abs(x)+abs(y)"), ("|x|-|y|", "abs(x)-abs(y)"),
    ("√x", "sqrt(x)"), ("√2/2", "sqrt(2)/2"), ("1/√(x+1)", "1/sqrt(x+1)"), ("√|x|", "sqrt(abs(x))"), ("∛x", "cbrt(x)"),
    ("e^x", "exp(x)"), ("e^-x²", "exp(-x**2)"), ("e^(-x)sin(x)", "exp(-x)*sin(x)"), ("e**x", "exp(x)"), ("e", "exp(1)"), ("2e", "2*exp(1)"), ("e²", "exp(2)"),
    ("ln x", "log(x)"), ("ln(x)", "log(x)"), ("sin x", "sin(x)"), ("sin x + 1", "sin(x) + 1"), ("sin 2x", "sin(2*x)"), ("2 sin x", "2*sin(x)"),
    ("sin²(x)", "sin(x)**2"), ("sin² x + cos² x", "sin(x)**2 + cos(x)**2"), ("sin^2 x", "sin(x)**2"), ("sin √x", "sin(sqrt(x))"), ("1/sin x", "1/sin(x)"),
    ("σ(x)", "sigmoid(x)"), ("ReLU(x)", "relu(x)"), ("Sigmoid(x)", "sigmoid(x)"), ("arctan(x)", "atan(x)"), ("π x", "pi*x"), ("2π", "2*pi"),
    ("x if x > y else -y", "where(x > y, x, -y)"), ("(1 if x>0 else 0 if y>0 else 2) * x", "(where(x>0, 1, where(y>0, 0, 2))) * x"),
    ("x % y", "x % y"), ("-x // y", "-x // y"), ("2x % 3", "2*x % 3"), ("log₂(x)", "log2(x)"), ("mod(x, y)", "remainder(x, y)"), ("ln(x, 2)", "log(x, 2)"),
    ("total(x, y)", "sum(x, y)"), ("ln²(x)", "log(x)**2"), ("x ≤ y", "x <= y"), ("x ≥ y", "x >= y"), ("x ≠ y", "x != y"), ("q = 2x; q²", "q = 2*x; q**2"), ("q = x²\nq y", "q = x**2\nq*y"),
    ("2x × 3", "2*x * 3"), ("(2x\n + y)", "(2*x + y)"), ("2x # twice", "2*x"), ("inf", "inf"), ("x**2**3", "x**2**3"), ("x ** (2) ** 3", "x ** (2) ** 3"),
]


@pytest.mark.parametrize(("text", "plain"), READ)
def test_students_notation_is_read(text, plain):
    program = parse(text, GIVEN)
    assert program.read_as == plain
    again = parse(plain, GIVEN, literal=True)               # and what it is read as has no need of being read
    assert again.read_as == plain and again.said == ""


TWO = [
    ("1/2x", "(1/2)*x", "1/(2*x)"), ("x/2(x+1)", "(x/2)*(x+1)", "x/(2*(x+1))"), ("1/2|x|", "(1/2)*abs(x)", "1/(2*abs(x))"), ("x*y/2z", "(x*y/2)*z", "x*y/(2*z)"),
    ("x % 2y", "(x%2)*y", "x%(2*y)"), ("-x // 2y", "(-x//2)*y", "-x//(2*y)"), ("--x % y z", "(--x%y)*z", "--x%(y*z)"), ("sin x % 2", "sin(x%2)", "sin(x)%2"),
    ("sin x y", "sin(x*y)", "sin(x)*y"), ("sin 2x^2", "sin(2*x**2)", "sin(2*x)**2"), ("sin x²", "sin(x**2)", "sin(x)**2"), ("sin x/2", "sin(x/2)", "sin(x)/2"),
    ("sin x * y", "sin(x*y)", "sin(x)*y"), ("ln x cos y", "log(x*cos(y))", "log(x)*cos(y)"), ("√x y", "sqrt(x*y)", "sqrt(x)*y"), ("√x^2", "sqrt(x**2)", "sqrt(x)**2"),
    ("|x|y|z|", "abs(x*abs(y)*z)", "abs(x)*y*abs(z)"), ("|x|-y|z|", "abs(x*abs(-y)*z)", "abs(x)-y*abs(z)"), ("2^3^2", "2**(3**2)", "(2**3)**2"), ("x^y**z", "x**(y**z)", "(x**y)**z"),
    ("x^2y", "x**(2*y)", "x**2*y"), ("x^2(y+1)", "x**(2*(y+1))", "x**2*(y+1)"), ("e^2x", "exp(2*x)", "exp(2)*x"), ("e^x^2", "exp(x**2)", "exp(x)**2"),
    ("sin⁻¹(x)", "sin(x)**-1", "asin(x)"), ("sin^-1 x", "sin(x)**-1", "asin(x)"), ("tanh^-1(x)", "tanh(x)**-1", "atanh(x)"),
]


@pytest.mark.parametrize(("text", "one", "other"), TWO)
def test_two_readings_are_refused_with_both(text, one, other):
    with pytest.raises(ExpressionError) as caught:
        tg.expression(f"x + y + z + {text}", **GIVEN)
    assert caught.value.reason == f"{text} has two readings: write {one} or {other}"
    assert (caught.value.column, caught.value.width) == (13, len(text))


@pytest.mark.parametrize(("text", "words"), [
    ("x + xy", "xy has two readings: write x*y, or give xy a value"), ("x + 2xy", "xy has two readings"), ("x + πx", "write π*x, or give"),
    ("x + sinx", "write sin(x), or give sinx a value"), ("x + xsin(y)", "write x*sin(...), or give xsin a value"), ("x + xe^x", "write x*e, or give"),
    ("total * x", "no value for total: add total=..."), ("σ² x", "no value for σ: add σ=..."), ("Sum + x", "no value for Sum: add Sum=..."),
])
def test_names_without_a_value_are_refused(text, words):
    with pytest.raises(ExpressionError) as caught:
        tg.expression(text, x=1, y=2)
    assert words in caught.value.reason


def test_a_name_with_a_value_is_never_read_as_something_else():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert tg.expression("e * pi * π", e=2, pi=3, π=5).data == 30
        assert tg.expression("e ** 3", e=2).data == 8
        assert tg.expression("xy * ln", xy=3, ln=2).data == 6
        assert tg.expression("e = 3; e * 2").data == 6
    with pytest.warns(tg.ExpressionWarning, match=r"read as σ\*\(x\)"):
        assert tg.expression("σ(x)", σ=3, x=2).data == 6
    with pytest.raises(ExpressionError, match="sin has a value here and is a function"):
        tg.expression("sin(x) + sin", x=1, sin=2)


@pytest.mark.parametrize("text", ["2ˣ", "xˣ", "(x)ˣ", "eˣ", "x²ˣ", "2 + x * xˣ"])
def test_a_raised_letter_is_a_power_for_people_so_it_is_never_read_as_a_factor(text):
    with pytest.raises(ExpressionError, match=r"a raised letter is not read: write x\*\*n for xⁿ") as caught:
        tg.expression(text, x=3.0)
    assert caught.value.column == text.index("ˣ") + 1


def test_subscripts_are_digits_of_a_name():
    with pytest.warns(tg.ExpressionWarning, match=r"read as x1 \+ x12 .x₁ is x1, x₁₂ is x12."):
        f = tg.expression("x₁ + x₁₂", x1=1, **{"x₁₂": 2})
    assert f.data == 3 and [leaf.label for leaf in tg.leaves(f)] == ["x1", "x12"]


def test_what_was_changed_is_said_at_the_line_of_the_caller():
    with pytest.warns(tg.ExpressionWarning, match=r"^read as 2\*x .what stands side by side is multiplied.$") as caught:
        tg.expression("2x", x=1)
    assert caught[0].filename == __file__


def test_literal_refuses_what_would_be_changed():
    for text, plain in READ:
        if text == plain or "#" in text or "(2x" in text:
            continue
        with pytest.raises(ExpressionError, match=re.escape(plain.splitlines()[0])):
            parse(text, GIVEN, literal=True)
    with pytest.raises(ExpressionError, match=r"^\^ is \*\*: write x \+ x\*\*2 .line 1, column 6.") as caught:
        tg.expression("x + x^2", x=1, literal=True)
    assert caught.value.width == 1
    with pytest.raises(TypeError, match="literal must be True or False, got 3: call the value another name"):
        tg.expression("literal * x", x=1, literal=3)


@pytest.mark.parametrize(("text", "line", "column", "carets"), [
    ("2x + tnah(y)", 1, 6, 4), ("√x + |y + tnah(x)|", 1, 11, 4), ("q = 2x\n|q| + 3 tnah(q)", 2, 9, 4), ("e^x + y.real", 1, 7, 6), ("x² +", 1, 5, 1),
    ("(2x +\n 3 tnah(y))", 2, 4, 4), ("x² if x > 0 else tnah(y)", 1, 18, 4),
])
def test_carets_stand_in_what_was_typed(text, line, column, carets):
    with pytest.raises(ExpressionError) as caught:
        tg.expression(text, x=1, y=1)
    assert (caught.value.line, caught.value.column, caught.value.width, caught.value.text) == (line, column, carets, text)


# ---- round trips ---------------------------------------------------------------------------------------------

AT = {"x": 1.5, "y": -0.75, "z": 3.0, "α": 0.25, "q": 0.5, "r": 2.0, "total": 0.125, "β": -1.25, "h_1": 4.0, "f": 1.0}


def check_round_trip(seed, count):
    """Every formula that symbolic writes is read back: as the same fraction, or as what is written in the same way.

    Numbers that are worked out while the graph is made, such as log(4), are not written as before; those are not counted.
    """
    writer, rng, done, exact, same = Writer(seed), random.Random(seed), 0, 0, 0
    while done < count:
        is_rational = rng.random() < 0.3
        text = rational_text(rng, 4) if is_rational else writer.text()
        with tg.errstate(all="ignore"):
            program = parse(text, AT)
            f = program.build({name: AT[name] for name in program.names})[-1]
            gradients = tg.symbolic(f)
        at = {**AT, **{leaf.label: leaf.data for leaf in tg.leaves(f)}}
        exact += check_exactly(f, gradients, at) if is_rational else 0
        for formula in [gradients.value, *gradients.values()]:
            done += 1
            same += printer.text(tg.symbolic(read_back(formula, at)).value) == printer.text(formula)
    assert exact > 0.2 * count and same > 0.65 * count, (exact, same)


def read_back(formula, at):
    with tg.errstate(all="ignore"):
        program = parse(printer.text(formula), at)
        return program.build({name: at[name] for name in program.names})[-1]


def check_exactly(f, gradients, at):
    """All formulas give the same fraction as the graph; how many they are."""
    wanted = tg.exact(f)
    for formula, number in [(gradients.value, wanted.value), *[(gradients[name], wanted[name]) for name in wanted]]:
        assert tg.exact(read_back(formula, at)).value == number, printer.text(formula)
    return 1 + len(wanted)


def rational_text(rng, depth):
    """A text of operations that fractions go through, with numbers that floats hold exactly."""
    if depth == 0:
        return rng.choice(["x", "y", "z", "α", "2", "0.5", "3"])
    a, b = rational_text(rng, depth - 1), rational_text(rng, rng.randrange(depth))
    return rng.choice([f"({a} + {b})", f"({a} - {b})", f"({a}) * ({b})", f"({a}) / (x**2 + 1)", f"({a}) / 4", f"-({a})", f"({b})**2", f"abs({a})",
                       f"relu({a} - {b})", f"max({a}, {b}, 1)", f"({a} if {b} > 1 else {b})", f"clip({a}, -1, 2)", f"leaky_relu({a}, 0.5)"])


def test_what_symbolic_writes_is_read_back():
    check_round_trip(seed=0, count=300)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 11))
def test_ten_thousand_formulas_make_the_round_trip(seed):
    check_round_trip(seed, count=1000)
