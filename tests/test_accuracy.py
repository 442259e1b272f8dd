"""Every operation against mpmath at 60 digits: its rule, its floats, and what is shown of it.

The judges are independent of the rules' own algebra: the rule, at 60 digits, is compared with definitions written
apart (`textbook.py`), and these with numerical derivatives in a thousand digits; then what floats give is compared with
the definitions, to the last places.  An operation without a definition, such as one just written, is held to a looser
bound (`judge.PLAIN`), by its own rule at 60 digits; the names of the tests say which is held to what.  A sample is
judged by default; `pytest -m long tests/test_accuracy.py` takes all points, in a few minutes.
"""

import importlib.util
import itertools
import math
import random
import re
from pathlib import Path

import pytest
from judge import (
    DIGITS,
    PLAIN,
    SLOPE_ULP,
    SOFTMAX,
    VALUE_ULP,
    all_points,
    plain_misses,
    row_constants,
    row_misses,
    row_truth,
    rows_for,
    truth,
)
from judge import misses as misses_of
from mpmath import mp
from textbook import ROWS, SLOPES, TEXTBOOK, definition, is_defined

import tinygrad_edu as tg
from tinygrad_edu import OPS
from tinygrad_edu.engine import formula as m
from tinygrad_edu.engine import printer
from tinygrad_edu.engine.formula import Formula

SINGLE = [op for op in OPS.values() if not op.rows]
ON_ROWS = [op for op in OPS.values() if op.rows]
DEFINED, DEFINED_ON_ROWS = list(filter(is_defined, SINGLE)), list(filter(is_defined, ON_ROWS))


@pytest.fixture(autouse=True)
def ieee():
    """Results beyond the floats are judged too."""
    with tg.errstate(all="ignore"):
        yield


def misses(op, cases):
    return list(misses_of(op, cases))[:5]


def sample(op, count):
    return random.Random(op.name).sample(cases := all_points(op), min(count, len(cases)))


def bound(op):
    """What an op is held to, as the name of a test."""
    strict = "(n + 4) u" if op.name in SOFTMAX else f"{VALUE_ULP} and {SLOPE_ULP} ULP"
    return f"{op.name}: {strict if is_defined(op) else PLAIN}"


@pytest.mark.smoke
@pytest.mark.parametrize("op", SINGLE, ids=bound)
def test_a_sample_of_values_and_local_gradients_is_right_to_the_bound(op):
    assert misses(op, sample(op, 200)) == []


@pytest.mark.long
@pytest.mark.parametrize("op", SINGLE, ids=bound)
def test_all_values_and_local_gradients_are_right_to_the_bound(op):
    cases = all_points(op)
    assert len(cases) >= (2000 if len(op.inputs) != 2 else 60 * 60 + 2000)
    assert misses(op, cases) == []


@pytest.mark.parametrize("op", ON_ROWS, ids=bound)
def test_a_sample_of_rows_is_within_the_error_bound(op):
    assert list(row_misses(op, 112)) == []


@pytest.mark.long
@pytest.mark.parametrize("op", ON_ROWS, ids=bound)
def test_all_rows_are_within_the_error_bound(op):
    assert list(row_misses(op)) == []


def test_what_has_an_accurate_form_is_held_to_the_last_places():
    assert [op.name for op in OPS.values() if op.rule is not op.textbook and not is_defined(op)] == []
    assert {*TEXTBOOK, *SLOPES, *ROWS} <= {*OPS}, "a definition of what is no operation"


# ---- the rule that people are shown ----------------------------------------------------------------------


def check_rule(op, inputs, constants, value, local_grads):
    """The rule at these numbers gives the value and local gradients to 60 digits, where they are known."""
    ours, ours_local = op.textbook(*inputs, **constants)
    for mine, true in zip([ours, *ours_local], [value, *local_grads]):
        for one, right in zip(*[x if isinstance(x, list) else [x] for x in (mine, true)]):
            assert right is None or abs(one - right) <= mp.mpf(10) ** -DIGITS * max(1, abs(right)), (inputs, constants)


@pytest.mark.parametrize("op", DEFINED, ids=repr)
def test_the_rule_is_the_definition_to_sixty_digits(op):
    """From 1e-100 to 1e100 in size, where the 240 digits more make up for what cancels; kinks are left to others."""
    cases = [(xs, constants) for xs, constants in sample(op, 100) if all(not x or 1e-100 < abs(x) < 1e100 for x in xs)]
    assert len(cases) > 25
    for xs, constants in cases:
        point = truth(op, xs, constants, digits=DIGITS + 240)
        if None not in point.slopes or op.selects:
            with mp.workdps(DIGITS + 240):
                check_rule(op, list(map(mp.mpf, xs)), {name: mp.mpf(c) for name, c in constants.items()}, point.value, point.slopes)


@pytest.mark.parametrize("op", DEFINED_ON_ROWS, ids=repr)
def test_the_rule_of_rows_is_the_definition_to_sixty_digits(op):
    with mp.workdps(DIGITS + 800):
        for rows in rows_for(op, 28):
            value, _, by_row = row_truth(op, rows)
            check_rule(op, [list(map(mp.mpf, row)) for row in rows], row_constants(op, rows), value, by_row)


# ---- the judge is judged ---------------------------------------------------------------------------------


def numerical_slope(op, xs, constants, i):
    """d(op)/d(input i) by a central difference of the definition, in enough digits to be exact here."""
    x = mp.mpf(xs[i])
    edges = [abs(x - e) for e in (*op.domain[i].kinks, op.domain[i].low, op.domain[i].high) if mp.isfinite(e)]
    gaps = [abs(x - mp.mpf(other)) for j, other in enumerate(xs) if j != i] if op.selects else []
    h = min([abs(x) or mp.mpf(1), mp.mpf(1), *[gap for gap in (*edges, *gaps) if gap]]) * mp.mpf(10) ** -40

    def f(t):
        return definition(op)(*[t if j == i else mp.mpf(other) for j, other in enumerate(xs)],
                              *map(mp.mpf, constants.values()))
    return (f(x + h) - f(x - h)) / (2 * h)


def ordinary_sample(op, count):
    """Points where a slope can be taken numerically."""
    cases = [(xs, constants) for xs, constants in sample(op, 40 * count)
             if all(1e-100 < abs(x) < 50 for x in xs) and len({*xs}) == len(xs) and None not in truth(op, xs, constants).slopes]
    return cases[:count]


@pytest.mark.parametrize("op", DEFINED, ids=repr)
def test_the_textbooks_derivatives_are_those_of_its_definitions(op):
    with mp.workdps(1000):
        for xs, constants in ordinary_sample(op, 8):
            for i, slope in enumerate(truth(op, xs, constants, digits=80).slopes):
                true = numerical_slope(op, xs, constants, i)
                assert abs(slope - true) <= mp.mpf(10) ** -30 * abs(true), (xs, constants, i)


@pytest.mark.parametrize("op", DEFINED, ids=repr)
def test_sixty_digits_are_enough_to_judge_by(op):
    for xs, constants in sample(op, 10):
        few, many = truth(op, xs, constants), truth(op, xs, constants, digits=800)
        for less, more in zip([few.value, *few.slopes], [many.value, *many.slopes]):
            if more is not None and mp.mpf(10) ** -400 < abs(more) < mp.mpf(10) ** 400:
                assert abs(less - more) <= mp.mpf(10) ** -(DIGITS - 25) * abs(more), (xs, constants)


def careless_tanh(x):
    y = m.tanh(x)
    return y, (1 - y * y,)


def careless_power(x, *, n):
    return m.power(x, n), (n * m.power(x, n - 1),)


def careless_sigmoid(x):
    y = 1 / (1 + m.exp(-x))
    return y, (y * (1 - y),)


def careless_hypot(x, y):
    r = m.sqrt(x * x + y * y)
    return r, (x / r, y / r)


@pytest.mark.parametrize(("rule", "name"), [
    (careless_tanh, "tanh"), (careless_power, "power"), (careless_sigmoid, "sigmoid"), (careless_hypot, "hypot")])
def test_the_judge_catches_a_careless_formula(rule, name, monkeypatch):
    sound = OPS[name]
    careless = tg.Op(rule, "?", sound.domain, False, {"n": 0.1} if name == "power" else {})
    monkeypatch.setitem(TEXTBOOK, rule.__name__, definition(sound))
    monkeypatch.setitem(SLOPES, rule.__name__, SLOPES[name])
    assert misses(careless, sample(careless, 200))


def careless_sum(x):
    return m.total(x), (m.each(lambda e: 1, x),)


def careless_logsumexp(x):
    best = m.largest(x)
    e = m.each(lambda a: m.exp(a - best), x)
    return best + m.log(m.total(e)), (m.each(lambda ea: ea / m.total(e), e),)


@pytest.mark.parametrize(("rule", "name"), [(careless_sum, "sum"), (careless_logsumexp, "logsumexp")])
def test_the_judge_of_rows_catches_a_careless_formula(rule, name):
    rule.__name__ = name
    assert list(row_misses(tg.Op(rule, "?", ([tg.REAL],), False, {}), 112))


def plain_cosc(x):
    """(1 - cos x) / x, as one writes it first."""
    f = m.where(m.equal(x, 0), 0, lambda: (1 - m.cos(x)) / x)
    return f, (m.where(m.equal(x, 0), m.ratio(1, 2), lambda: (m.sin(x) - f) / x),)


def careless_cosc(x):
    """(1 - cos x) / x²: of 1 - cos(1e-6) four digits are left."""
    square = m.power(x, 2)
    f = m.where(m.equal(x, 0), m.ratio(1, 2), lambda: (1 - m.cos(x)) / square)
    return f, (m.where(m.equal(x, 0), 0, lambda: m.sin(x) / square - 2 * f / x),)


def plain_norm(x):
    f = m.sqrt(m.total(m.each(lambda e: e * e, x)))
    return f, (m.each(lambda e: e / f, x),)


def careless_bound(x):
    """log Σ exp(20e): exp(800) leaves the floats."""
    whole = m.total(m.each(lambda e: m.exp(20 * e), x))
    return m.log(whole), (m.each(lambda e: 20 * m.exp(20 * e) / whole, x),)


@pytest.mark.parametrize(("rule", "domain", "passes"), [
    (plain_cosc, tg.REAL, True), (careless_cosc, tg.REAL, False),
    (plain_norm, [tg.REAL], True), (careless_bound, [tg.REAL], False)])
def test_a_rule_just_written_is_held_to_the_looser_bound_by_itself(rule, domain, passes):
    op = tg.Op(rule, "?", (domain,), False, {})
    found = list(row_misses(op, 200)) if op.rows else misses(op, all_points(op))
    assert (found == []) == passes


@pytest.mark.parametrize("op", [op for op in OPS.values() if op.rule is not op.textbook], ids=repr)
def test_the_looser_bound_is_one_that_rules_meet_without_their_accurate_forms(op):
    bare = tg.Op(op.textbook, op.symbol, tuple([d] if op.rows else d for d in op.domain), op.selects, op.sample)
    cases = [(rows, row_constants(op, rows)) for rows in rows_for(op, 112)] if op.rows else sample(op, 150)
    assert list(plain_misses(bare, cases)) == []


# ---- the page ------------------------------------------------------------------------------------------

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "accuracy.md").read_text(encoding="utf-8")
ROW = r"^\| `(\w+)` \| ([\d,]+) \|(.*)\|$"


@pytest.fixture(scope="module")
def measuring():
    spec = importlib.util.spec_from_file_location("benchmarks_accuracy", ROOT / "benchmarks" / "accuracy.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_lists_every_op_that_is_held_to_the_last_places_once():
    listed = [name for name, *_ in re.findall(ROW, PAGE, re.M)]
    assert sorted(listed) == sorted(op.name for op in OPS.values() if is_defined(op))


def is_of_this_machine(measuring):
    return f"tinygrad_edu: {measuring.machine()}" in PAGE


@pytest.mark.parametrize("name", ["div", "exp2", "log10", "tanh", "silu", "prod"])
def test_our_figures_on_the_page_can_be_measured_again(name, measuring):
    """To the last digit where Python and the C library are those of the page; elsewhere exp or tanh may differ."""
    op = OPS[name]
    measure = measuring.measured_rows if op.rows else measuring.measured
    row = measure(op, {measuring.OURS: measuring.ours})
    assert all(worst.error <= allowed and not worst.lost for worst, allowed in zip(row.worst[measuring.OURS], (2, 4)))
    if is_of_this_machine(measuring):
        (_, count, cells), = [found for found in re.findall(ROW, PAGE, re.M) if found[0] == name]
        columns = [cell.strip() for cell in cells.split("|")]
        shown = [columns[0], columns[len(columns) // 2]]
        assert [f"{row.count:,}", *shown] == [count, *map(str, row.worst[measuring.OURS])]


def test_a_peer_that_is_not_installed_is_named_on_the_page(measuring, monkeypatch):
    monkeypatch.setattr(measuring, "PEERS", {"PyTorch": "no_such_torch", "JAX": "no_such_jax"})
    versions, engines = measuring.installed_peers()
    assert not engines
    text = measuring.page([measuring.measured(OPS["neg"], {measuring.OURS: measuring.ours})], [], versions)
    assert "PyTorch: not installed: pip install torch" in text and "JAX: not installed: pip install jax" in text
    assert "| `neg` | 2,668 | 0 | 0 |" in text


def test_what_is_lost_is_counted_apart(measuring):
    place = measuring.Place("exp", (1.0,), {}, 0.0, mp.mpf(2.5))
    worst = measuring.Worst().with_one(0.7, place._replace(got=2.0)).with_one(2000.0, place)
    assert (str(worst), str(worst.lost_at)) == ("0.70, 1 lost", "exp(1.0): 0.0, not 2.5")


# ---- what is shown -----------------------------------------------------------------------------------------


def evaluated(formula, values):
    """A formula at mpmath numbers, by the form people are shown."""
    done = {}
    for part in printer.in_order([formula]):
        parts = [done[p] if isinstance(p, Formula) else p for p in printer.children(part)]
        done[part] = values[part.head] if part.head in values else computed(part.head, parts)
    root = printer.resolved(formula)
    return done[root] if isinstance(root, Formula) else root


def computed(head, parts):
    """What a head makes of numbers, and of rows element by element."""
    rows = [part for part in parts if isinstance(part, list)]
    if head in OF_ROWS or not rows:
        return {**COMPUTED, **OF_ROWS}[head](*parts)
    return [COMPUTED[head](*[part[i] if isinstance(part, list) else part for part in parts]) for i in range(len(rows[0]))]


OF_ROWS = {
    "element": lambda row: row, "total": mp.fsum, "product": mp.fprod, "largest": max, "smallest": min,
    "count": lambda row: mp.mpf(len(row)), "at": lambda row, index: row[int(index)], "place": lambda row: [*map(mp.mpf, range(len(row)))],
    "others": lambda row: [mp.fprod(row[:i] + row[i + 1:]) for i in range(len(row))],
}
COMPUTED = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b if b else mp.nan,       # a side not chosen
    "neg": lambda a: -a, "pow": lambda a, b: mp.power(a, b), ">": lambda a, b: a > b, "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b, "<=": lambda a, b: a <= b, "==": lambda a, b: a == b, "!=": lambda a, b: a != b,
    "where": lambda c, a, b: a if c else b,
    "max": max, "min": min, "larger": max, "smaller": min, "abs": abs, "sign": mp.sign, "pi": lambda: mp.pi,
    **{op.name: definition(op) if is_defined(op) else op.of for op in SINGLE},
}


@pytest.mark.parametrize("op", SINGLE, ids=repr)
def test_what_is_shown_is_the_rule_to_sixty_digits(op):
    rng = random.Random(op.name)
    with mp.workdps(DIGITS + 20):
        for _ in range(20):
            check_shown(op, [inside(interval, rng) for interval in op.domain])
        whole = [[mp.mpf(x) for x in (-1, 0, 1, 2) if i.holds(x) and (op.selects or x not in i.kinks)] for i in op.domain]
        for xs in itertools.product(*whole):
            check_shown(op, xs, with_slopes=False)          # at ties, slopes are shown as on either side


@pytest.mark.parametrize("op", ON_ROWS, ids=repr)
def test_what_is_shown_of_rows_is_the_rule_to_sixty_digits(op):
    rng = random.Random(op.name)
    with mp.workdps(DIGITS + 20):
        for length in (1, 2, 3, 4) * 5:
            check_shown(op, [[mp.mpf(rng.choice([-1, 0, 1, 2, rng.uniform(-5, 5)])) for _ in range(length)] for _ in op.inputs])


def check_shown(op, inputs, with_slopes=True):
    constants = {name: mp.mpf(c) for name, c in op.sample.items()}
    names = {**dict(zip(op.inputs, inputs)), **constants}
    value, local_grads = op.formulas()
    ours, ours_local = op.textbook(*inputs, **constants)
    pairs = [(value, ours), *[(getattr(g, "element", g), number) for g, number in zip(local_grads, ours_local) if with_slopes]]
    for formula, numbers in pairs:
        shown = evaluated(formula, names)
        for i, number in enumerate(numbers if isinstance(numbers, list) else [numbers]):
            one = shown[i] if isinstance(shown, list) else shown
            assert abs(one - number) <= mp.mpf(10) ** -DIGITS * max(1, abs(one)), (printer.text(formula), inputs)


def inside(interval, rng):
    """An mpmath number in the domain, of moderate size."""
    low, high = max(interval.low, -5.0), min(interval.high, max(interval.low, -5.0) + 10)
    return mp.mpf(rng.uniform(low, high)) + mp.mpf(rng.random()) / 10 ** 17


@pytest.mark.parametrize("x", [[3.0], [0.0, 0.0], [1.0, 1.0, 0.0], [2.0, 1.0, -1.0], [1.0, 1.0, 1.0]], ids=str)
def test_second_derivatives_of_rows_are_right_also_at_ties_and_zeros(x):
    with mp.workdps(DIGITS):
        total = mp.fsum(map(mp.exp, x))
        chances = [mp.exp(e) / total for e in x]
        softened = [[float(p * (i == j) - p * q) for j, q in enumerate(chances)] for i, p in enumerate(chances)]
    target = [1.0] + [0.0] * (len(x) - 1)
    for f in (tg.logsumexp, lambda x: tg.softmax_cross_entropy(x, target), lambda x: tg.softmax_cross_entropy(x, [1 / len(x)] * len(x))):
        assert [pytest.approx(row, abs=1e-15) for row in softened] == tg.hessian(f)(x)
    without = [[math.prod(e for k, e in enumerate(x) if k not in (i, j)) * (i != j) for j in range(len(x))] for i in range(len(x))]
    assert tg.hessian(tg.prod)(x) == without
    assert tg.hessian(lambda x: tg.dot(x, x))(x) == [[2.0 * (i == j) for j in range(len(x))] for i in range(len(x))]
