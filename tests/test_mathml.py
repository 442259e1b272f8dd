"""Formulas as MathML: read back as arithmetic, each gives what its rule computes."""

import math
import random
import re
import unicodedata
from xml.etree import ElementTree

import pytest
from draws import stratified
from formulas import formulas, read_back

import tinygrad_edu as tg
from tinygrad_edu.engine import formula as m
from tinygrad_edu.engine import printer
from tinygrad_edu.engine.formula import Formula

ELEMENTS = set("math mrow mi mn mo mtext mfrac msup msub munder mroot msqrt mtable mtr mtd".split())
SIGNS = {"−": "-", "·": "*", "≥": ">=", "≤": "<=", "=": "==", "≠": "!=", "∈": "%"}
WORDS = {"ln": "log", "π": "pi", "ℤ": "1 == 0", "α": "alpha"}
FUNCTIONS = {name: getattr(math, name) for name in dir(math) if not name.startswith("_")} | {
    "sign": lambda x: math.copysign(1, x) if x else 0.0, "max": max, "min": min, "fabs": abs, "sigmoid": lambda x: 1 / (1 + math.exp(-x))}


def arithmetic(element):
    """A MathML element as a Python expression."""
    inside = [arithmetic(child) for child in element]
    tag = element.tag
    if element.text is None and [child.text for child in element][:1] == ["{"]:             # a choice, a brace with two cases
        chosen, condition, other = [arithmetic(cell) for cell in element.findall("mtable/mtr/mtd")][:3]
        return f"(({chosen}) if ({condition.removeprefix('if ')}) else ({other}))"
    if tag == "mo":
        return SIGNS.get(element.text, element.text)
    if tag in ("mi", "mn", "mtext"):
        text = unicodedata.normalize("NFKC", element.text)
        return WORDS.get(text, text)
    if tag in ("mfrac", "msup", "mroot"):
        first, second = inside
        return {"mfrac": f"(({first})/({second}))", "msup": f"(({first})**({second}))", "mroot": f"cbrt({first})"}[tag]
    if tag == "msub":
        return "".join(inside)
    if tag == "msqrt":
        return f"sqrt({''.join(inside)})"
    if inside[:1] in (["⌊"], ["⌈"]):
        return {"⌊": "floor", "⌈": "ceil"}[inside[0]] + f"({''.join(inside[1:-1])})"
    bars = 0
    for i, text in enumerate(inside):
        if text == "|":
            bars += 1
            inside[i] = "fabs(" if bars % 2 else ")"
    return "".join(inside)


def value_of(mathml, numbers):
    return eval(arithmetic(ElementTree.fromstring(f"<math>{mathml}</math>")), {**FUNCTIONS, **numbers})


PLAIN = [op for op in tg.OPS.values() if not op.rows]


@pytest.mark.parametrize("op", PLAIN, ids=repr)
def test_mathml_read_back_gives_what_the_rule_computes(op):
    value, partials = op.formulas()
    rng = random.Random(0)
    samples = [stratified(interval, 60, i)[-40:] for i, interval in enumerate(op.domain)]
    constants = dict.fromkeys(op.constants, 2.0)
    tried = 0
    for row in zip(*[[x for x in sample if 1e-3 < abs(x) < 20] for sample in samples]):
        inputs = [x + 0.01 * rng.random() if interval.holds(x + 0.01) else x for x, interval in zip(row, op.domain)]
        with tg.errstate(all="ignore"):
            result, grads = op.evaluate(*inputs, **constants)
        numbers = dict(zip(op.inputs, inputs)) | constants
        for formula, wanted in zip([value, *partials], [result, *grads]):
            try:
                found = value_of(printer.mathml(formula), numbers)
            except (OverflowError, ZeroDivisionError, ValueError):
                continue                                    # the textbook form leaves the floats where the rule does not
            if isinstance(found, complex):
                continue
            tried += 1
            assert float(found) == pytest.approx(float(wanted), rel=1e-6, abs=1e-9), (inputs, printer.mathml(formula))
    assert tried >= 10


@pytest.mark.parametrize("text", ["(x - y) - (x - y)", "x / (y / x)", "-(x + y)**2", "(-x)**2 * -y", "x**(y - x)", "(x**y)**2",
                                  "-x**2 - -y", "abs(x - abs(y))", "1 - (2 - x) / (3 * (y + 1))", "exp(-x / y)**2"])
def test_parentheses_are_where_they_are_needed(text):
    numbers = {"x": 1.25, "y": 2.5}
    f = tg.expression(text, **numbers)
    found = value_of(printer.mathml(tg.symbolic(f).value), numbers)
    assert found == pytest.approx(f.data, rel=1e-12)


def test_random_formulas_read_back_are_the_same_number_exactly():
    for formula, numbers, wanted in formulas(200):
        whole = ElementTree.fromstring(f"<math>{printer.mathml(formula)}</math>")
        lines = [re.sub(r"^(t\d+)==", r"\1 = ", arithmetic(row)) for row in whole.findall("mtable/mtr/mtd")] or [arithmetic(whole)]
        assert read_back(lines, numbers) == wanted, lines


x, y = Formula("x"), Formula("y")
element = Formula("element", x)


@pytest.mark.parametrize(("formula", "shown"), [
    (x - m.total(m.Row(element)), "x−∑ixi"), (m.total(m.Row(element)) * y, "(∑ixi)·y"), (m.product(m.Row(element)), "∏ixi"),
    (m.total(m.Row(element + y)), "∑i(xi+y)"), (m.others(m.Row(element)).element, "∏j≠ixj"), (m.largest(m.Row(element)), "maxi(xi)"),
    (m.power(m.smallest(m.Row(element)), 2), "mini(xi)2"), (y / m.count(m.Row(element)), "yn"),
    (m.where(m.is_whole(x), 1, y), "{1if\xa0x∈ℤyelse"), (m.where(x > 0, Formula("a if b else c"), y), "{a if b else cif\xa0x>0yelse"),
    (m.power(m.exp(x), 2), "(ex)2"), (m.power(x / y, 2), "(xy)2"), (Formula("pow", m.ratio(1, 2), x), "(12)x"),
    (Formula("pow", x, m.ratio(-1, 2)), "x−12"), (x * m.ratio(-1, 2), "x·−12"), (m.power(-2.5, x), "(−2.5)x"), (m.power(x, 3.0), "x3"),
    (Formula("neg", m.ratio(-1, 2)), "−(−12)"), (Formula("neg", m.ratio(1, 2)), "−12"), (x * -math.inf, "x·−∞"), (x * 1e-7, "x·1e−07"), (x - m.pi(x), "x−π"), (Formula("f", x, Formula("[]", x, y)), "f(x,[x,y])"),
])
def test_people_read_mathml_as(formula, shown):
    assert "".join(ElementTree.fromstring(f"<math>{printer.mathml(formula)}</math>").itertext()) == shown


ROWS = [op for op in tg.OPS.values() if op.rows]


@pytest.mark.parametrize("op", ROWS, ids=repr)
def test_every_rule_of_rows_is_well_formed_and_names_its_rows(op):
    value, partials = op.formulas()
    for formula in [value, *[getattr(p, "element", p) for p in partials]]:
        shown = ElementTree.fromstring(f"<math>{printer.mathml(formula)}</math>")
        assert {element.tag for element in shown.iter()} <= ELEMENTS
    assert {e.text for e in ElementTree.fromstring(f"<math>{printer.mathml(value)}</math>").iter("mi")} >= set(op.inputs)


@pytest.mark.parametrize(("name", "shown"), [
    ("w1", "<msub><mi>w</mi><mi>1</mi></msub>"), ("w_out", "<msub><mi>w</mi><mi>out</mi></msub>"), ("lambda", "<mi>λ</mi>"),
    ("Omega", "<mi>Ω</mi>"), ("a<b&c", "<mtext>a&lt;b&amp;c</mtext>"), ("loss", "<mi>loss</mi>"),
])
def test_names(name, shown):
    assert printer.mathml(Formula(name)) == shown


def test_shared_parts_of_long_formulas_get_names():
    x = Formula("x")
    long = x
    for _ in range(8):
        long = long * long + 1
    text = printer.mathml(long)
    ElementTree.fromstring(f"<math>{text}</math>")
    assert text.startswith("<mtable") and len(text) < 5000
