"""Formulas as people read them: in text and in LaTeX, which read back are the same number."""

import math
import re

import pytest
from formulas import formulas, read_back

import tinygrad_edu as tg
from tinygrad_edu.engine import formula as m
from tinygrad_edu.engine import printer


@pytest.mark.parametrize(("call", "latex"), [
    (lambda x, y: x / (1 + y), r"\frac{x}{1 + y}"), (lambda x, y: (x + y) * -x, r"(x + y) \cdot -x"),
    (lambda x, y: m.power(m.power(x, 2), y), r"\left(x^{2}\right)^{y}"), (lambda x, y: x - (y - x), "x - (y - x)"),
    (lambda x, y: -(x * y), r"-(x \cdot y)"), (lambda x, y: m.power(-x, 2), "(-x)^{2}"),
    (lambda x, y: m.exp(m.abs(x)), r"e^{\left|x\right|}"), (lambda x, y: x * m.ratio(-1, 2), r"x \cdot -\frac{1}{2}"),
    (lambda x, y: m.total(m.Row(x)) * y, r"(\sum_{i} x) \cdot y"), (lambda x, y: m.total(m.Row(x * y)) + x, r"\sum_{i} x \cdot y + x"),
    (lambda x, y: x - m.total(m.Row(x)), r"x - \sum_{i} x"), (lambda x, y: m.power(1e20, x), r"\left(1 \cdot 10^{20}\right)^{x}"),
    (lambda x, y: m.Formula("pow", x, m.ratio(-1, 2)), r"x^{-\frac{1}{2}}"), (lambda x, y: x * math.inf - math.nan, r"x \cdot \infty - nan"),
    (lambda x, y: m.Formula("f", x, m.Formula("[]", x, y)), r"\operatorname{f}\left(x, \left[x, y\right]\right)"),
    (lambda x, y: x * m.ratio(4, 2) - m.ratio(0, 1), r"x \cdot 2 - 0"), (lambda x, y: x - 1e300, r"x - 1 \cdot 10^{300}"),
    (lambda x, y: m.Formula("neg", m.ratio(-1, 2)), r"-\left(-\frac{1}{2}\right)"), (lambda x, y: m.Formula("neg", m.ratio(1, 2)), r"-\frac{1}{2}"),
    (lambda x, y: m.power(2.0, x), "2^{x}"), (lambda x, y: m.Formula("alpha", x), r"\operatorname{alpha}\left(x\right)"), (lambda x, y: m.sin(x), r"\sin\left(x\right)"),
    (lambda x, y: m.Formula("f_1", x, y), r"\operatorname{f\_1}\left(x, y\right)"),
    (lambda x, y: x * -math.inf * 1e-7, r"x \cdot -\infty \cdot 1 \cdot 10^{-7}"), (lambda x, y: x * 2.5e-7, r"x \cdot 2.5 \cdot 10^{-7}"),
])
def test_latex_has_the_parentheses_it_needs(call, latex):
    assert call(m.Formula("x"), m.Formula("y")).latex() == latex


@pytest.mark.parametrize(("name", "times", "squared", "chosen"), [
    ("x", "x * 2", "x**2", "x if x > 0 else 1"), ("a if b else c", "(a if b else c) * 2", "(a if b else c)**2", "(a if b else c) if (a if b else c) > 0 else 1"),
    ("-2.5", "-2.5 * 2", "(-2.5)**2", "-2.5 if -2.5 > 0 else 1"), ("1e+20", "1e+20 * 2", "1e+20**2", "1e+20 if 1e+20 > 0 else 1"),
    ("v.1", "v.1 * 2", "v.1**2", "v.1 if v.1 > 0 else 1"), ("a > b", "(a > b) * 2", "(a > b)**2", "(a > b) if (a > b) > 0 else 1"),
])
def test_a_name_that_reads_like_a_formula_is_fenced_like_one(name, times, squared, chosen):
    x = m.Formula(name)
    assert [str(x * 2), str(m.power(x, 2)), str(m.where(x > 0, x, 1))] == [times, squared, chosen]


@pytest.mark.parametrize("style", ["python", "c", "javascript"])
def test_what_programs_name_is_numbered_from_1_on(style):
    for op in tg.OPS.values():
        named = re.findall(r"\bt(\d+)(?: =|\[n\])", tg.source(op, style).split("\nerfc:")[0])
        assert list(dict.fromkeys(named)) == [str(k + 1) for k in range(len(set(named)))]


def test_choices_are_fenced_but_for_the_last_one():
    x, y = m.Formula("x"), m.Formula("y")
    assert str(m.where(x > 0, 1, m.where(y > 0, 2, 3))) == "1 if x > 0 else 2 if y > 0 else 3"
    assert str(m.where(x > 0, m.where(y > 0, 2, 3), 1)) == "(2 if y > 0 else 3) if x > 0 else 1"


def test_programs_name_what_they_use_twice_and_nothing_else():
    x, y = m.Formula("x"), m.Formula("y")
    both = x + y
    code = printer.python_source("printed", ["x", "y"], [], both * x, [both, m.exp(y)])
    assert code == "def printed(x, y):\n    t1 = x + y\n    return t1 * x, (t1, m.exp(y),)\n"


def test_programs_have_no_idle_parentheses_either():
    assert "*g_x = x > 0.0 ? 1.0 : 0.0;" in tg.source(tg.relu, "c") and "return x + y, (1, 1,)" in tg.source(tg.add, "python")


def test_numbers_that_stand_before_a_dot_are_fenced_unless_they_are_digits():
    assert [printer.as_factor(number) for number in (2, 0.5, -2.5, m.ratio(1, 2))] == ["2", "0.5", "(-2.5)", "(1/2)"]


def test_text_reads_back_as_the_same_number():
    for formula, numbers, wanted in formulas(200):
        assert read_back(str(formula).split("\n"), numbers) == wanted, str(formula)


ARITHMETIC = [(r"(\S+) \\cdot 10\^{(\d+)}", r"\1e\2"), (r"\\left\|", "abs("), (r"\\right\|", ")"), (r"\\(max|min)", r"\1"),
              (r"\\(left|right)", ""), (r"\\cdot", "*"), (r"\\le", "<="), (r"\\ge", ">="), (r"\\ne", "!="), (r" = ", "=="),
              (r"\\begin{cases}", "("), (r" & \\text{else}\\end{cases}", ")"), (r" & \\text{if } ", " if "), (r" \\\\ ", " else ")]


def arithmetic(latex):
    """LaTeX as a Python expression."""
    for pattern, python in ARITHMETIC:
        latex = re.sub(pattern, python, latex)
    for _ in range(latex.count("{")):                           # the innermost first
        latex = re.sub(r"\\frac{([^{}]*)}{([^{}]*)}|\^{([^{}]*)}",
                       lambda found: f"**({found[3]})" if found[3] else f"(({found[1]})/({found[2]}))", latex)
    return latex


def test_latex_reads_back_as_the_same_number():
    seen = 0
    for formula, numbers, wanted in formulas(200):
        if "aligned" not in formula.latex():
            assert read_back([arithmetic(formula.latex())], numbers) == wanted, formula.latex()
            seen += 1
    assert seen > 100


def test_a_long_formula_names_its_shared_parts_and_stays_short():
    x = m.Formula("x")
    formula = x
    for _ in range(200):
        formula = formula * formula + x
    text = str(formula)
    assert text.startswith("t1 = x * x + x\nt2 = t1 * t1 + x") and len(text) < 8000


@pytest.mark.parametrize(("signs", "text", "latex"), [
    (1, "-(x + y" + " + (x + y)" * 14 + ")", "-(x + y" + " + (x + y)" * 14 + ")"),
    (2, "t1 = x + y\n-(-(t1" + " + t1" * 14 + "))", r"\begin{aligned}t_{1} &= x + y \\ &-(-(t_{1}" + " + t_{1}" * 14 + r"))\end{aligned}"),
])
def test_a_formula_of_sixty_parts_is_written_in_full_and_a_longer_one_names_what_it_shares(signs, text, latex):
    shared = m.Formula("x") + m.Formula("y")
    formula = m.total([shared] * 15)
    for _ in range(signs):
        formula = -formula
    assert (str(formula), formula.latex()) == (text, latex)


@pytest.mark.parametrize(("calls", "lines"), [(120, 1), (121, 2), (240, 2), (241, 3)])
def test_a_part_of_more_than_120_parts_gets_a_line_of_its_own(calls, lines):
    formula = m.Formula("x")
    for _ in range(calls):
        formula = m.exp(formula)
    assert len(str(formula).split("\n")) == lines


def test_deep_formulas_are_written_without_recursion():
    formula = m.Formula("x")
    for _ in range(20_000):
        formula = m.exp(-formula)
    assert len(str(formula)) < 10 ** 6 and len(formula.latex()) < 10 ** 6


@pytest.mark.parametrize(("name", "written"), [
    ("w_1", "w_{1}"), ("x12", "x_{12}"), ("alpha", r"\alpha"), ("theta_0", r"\theta_{0}"), ("loss", r"\mathrm{loss}"),
    ("w_out", "w_{out}"), ("xy", r"\mathrm{xy}"), ("Omega_max", r"\Omega_{max}"), ("a\u200bb\n", r"\mathrm{ab}"), ("é", "é"), ("w", "w"),
    ("50%_{}\\^~#$&", r"\mathrm{50\%\_\{\}\backslash \hat{\ }\sim \#\$\&}"),
])
def test_names_in_latex_are_escaped(name, written):
    assert m.Formula(name).latex() == written
