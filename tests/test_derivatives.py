"""Derivatives of orders 1 to 4 of every smooth operation, against power series: none worse than docs/accuracy.md says.

The second table of that page lists what has not all its digits, by function and order; what it does not list has 14.
A sample of points is judged by default; `pytest -m long tests/test_derivatives.py` takes all, and wants the very counts of the page.
"""

import random
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from derivatives import (
    CLASSES,
    ORDERS,
    Case,
    cases,
    counted,
    in_letters,
    judged,
    our_derivatives,
    true_derivatives,
    verdict,
)
from mpmath import mp

import tinygrad_edu as tg
from tinygrad_edu.engine import formula as m

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "accuracy.md").read_text(encoding="utf-8")
LISTED = {(name, int(order)): Counter({count[0]: int(count[2:].replace(",", "")) for count in re.findall(r"[A-Z] [\d,]*\d", now)})
          for order, name, now in re.findall(r"^\| (\d) \| `(.+)` \| [^|]* \| ([^|]*) \|$", PAGE, re.M)}


def listed(name, order):
    """How many derivatives of each letter the page says there are: all are right to 14 digits where it says nothing."""
    return LISTED.get((name, order), Counter("A"))


def sample(name):
    """Some points of a case, and what is often special: 0, -0, ±1."""
    points = cases()[name].points
    special = [p for p in points if {*map(abs, p)} <= {0.0, 1.0}]
    return special + [tuple(-x for x in p) for p in special if p == (0.0,)] + random.Random(name).sample(points, min(5, len(points)))


@pytest.mark.parametrize("name", cases())
def test_a_sample_of_derivatives_is_as_right_as_the_page_says(name):
    for one in judged(name, sample(name)):
        assert one.letter in {"", "A", *listed(name, sum(one.orders))}, str(one)


@cache
def all_of(name):
    return list(judged(name))


@pytest.mark.long
@pytest.mark.parametrize("name", cases())
def test_all_derivatives_are_as_right_as_the_page_says(name):
    found = all_of(name)
    for order, count in counted(found).items():
        wrong = [str(one) for one in found if one.letter not in ("", "A") and sum(one.orders) == order]
        said = listed(name, order) if (name, order) in LISTED else Counter(A=count["A"])
        if +count != said:
            change = "worse" if any(at_most(count, letter) < at_most(said, letter) for letter in CLASSES) else "better"
            pytest.fail(f"{change} than docs/accuracy.md says, {in_letters(count)} instead of {in_letters(said)}: write it anew by "
                        f"python -m benchmarks.derivatives --write docs/accuracy.md\n" + "\n".join(wrong))


def at_most(count, letter):
    """How many are as right as this letter says, or more so."""
    return sum(count[better] for better in "ABCDSL"["ABCDSL".index(letter)::-1])


# ---- what has no answer: not a number, or an error -----------------------------------------------------------

SMALL = (0.0, 1e-300, -1e-300, 1e-100, -1e-100)
NO_ANSWER = {       # 1 / r², 1 / y² or a power of x leaves the floats on the way, and is multiplied by 0
    "div": {(0.0, 1e-300), (0.0, -1e-300)},
    "pow": {(1e100, 5.0), *((1e-300, y) for y in (0.0, 1.0, 5.0, 40.0, 1000.0))},
    "log_base": {(1e-300, 1e155), (1.0, 1e-300), (1e155, 1e-300)}, "xlogy": {(0.0, 1e-300)},
    "hypot": {(0.0, 1e-300), (0.0, -1e-300), (1e-300, 0.0), (-1e-300, 0.0)},
    "atan2": {(y, x) for y in SMALL for x in SMALL if x or y},
}


@pytest.mark.long
@pytest.mark.parametrize("name", cases())
def test_a_derivative_that_floats_can_hold_is_a_number_but_for_those_named(name):
    lost = {one.point for one in all_of(name) if one.letter and (isinstance(one.ours, str) or one.ours - one.ours)}
    assert lost == NO_ANSWER.get(name, set())


@pytest.mark.parametrize(("op", "point", "orders"), [
    (tg.hypot, (0.0, 1e-200), (3, 0)), (tg.hypot, (0.0, 1e-200), (1, 2)), (tg.hypot, (-1e-200, 0.0), (0, 3)),
    (tg.OPS["pow"], (0.5, 1e200), (3, 0)), (tg.OPS["pow"], (0.5, 1e200), (3, 1)), (tg.OPS["pow"], (0.0, 1e200), (4, 0)),
    (lambda x: tg.power(x, n=1e200), (0.5,), (4,))])
def test_a_derivative_of_0_is_0_though_numbers_on_the_way_would_leave_the_floats(op, point, orders):
    assert our_derivatives(Case(op, None, []), point)[orders] == 0


# ---- the judge is judged ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("f", "point"), [
    (lambda k, x: k.power(k.sin(x), 3) * k.exp(x) / (1 + x), 0.7), (lambda k, x: k.atan(k.sqrt(x)) * k.log(x), 2.5),
    (lambda k, x: k.erf(x) + k.sqrt(k.cosh(x)) - k.acosh(1 + x) * k.atanh(x / 2), 0.3),
    (lambda k, x: k.asin(x) * k.tanh(x) + k.tan(x) / k.power(1 + x * x, 1.5), -0.4)])
def test_a_power_series_has_the_derivatives_that_mpmath_finds(f, point):
    """Where f is written in functions that m and mpmath have."""
    true = true_derivatives(Case(None, lambda x: f(m, x), [(point,)]), (point,))
    with mp.workdps(100):
        for n in ORDERS:
            assert abs(true[n,] - mp.diff(lambda x: f(mp, x), mp.mpf(point), n)) < mp.mpf(10) ** -20


def test_mixed_derivatives_are_told_apart():
    true = true_derivatives(Case(None, lambda x, y: x * x * y * y * y, []), (2.0, 3.0))
    assert {orders: round(d) for orders, d in true.items()} == {
        (1, 0): 108, (0, 1): 108, (2, 0): 54, (1, 1): 108, (0, 2): 72, (3, 0): 0, (2, 1): 54, (1, 2): 72, (0, 3): 24,
        (4, 0): 0, (3, 1): 0, (2, 2): 36, (1, 3): 24, (0, 4): 0}


@pytest.mark.parametrize(("ours", "true", "letter"), [
    (1.0, 1, "A"), (1.0 + 1e-12, 1, "B"), (1.0 + 1e-6, 1, "C"), (1.5, 1, "D"), (-1.0, 1, "S"), (0.0, 1, "L"), (0.0, 0, "A"),
    (1e-9, 0, "D"), (float("inf"), 1, "L"), (float("nan"), 0, "L"), ("ZeroDivisionError", 1, "L"), (5e-324, 0, "A"), (0.0, mp.mpf("1e400"), "")])
def test_a_verdict_is_one_letter(ours, true, letter):
    assert verdict(ours, mp.mpf(true)) == letter
    assert letter in ("", *CLASSES)


def test_the_judge_catches_a_slope_that_is_a_bare_number_at_one_point():
    """The usual mistake: the slope of sinc is 0 at 0, but where(x == 0, 0, ...) is 0 with all its derivatives."""
    @tg.op("?", tg.REAL)
    def plain_sinc(x):
        f = m.where(m.equal(x, 0), 1, lambda: m.sin(x) / x)
        return f, (m.where(m.equal(x, 0), 0, lambda: (m.cos(x) - f) / x),)
    case = Case(plain_sinc, lambda x: plain_sinc.textbook(x)[0], [(0.0,)])
    ours, true = our_derivatives(case, (0.0,)), true_derivatives(case, (0.0,))
    assert [verdict(ours[orders], true[orders]) for orders in true] == ["A", "L", "A", "L"]
    assert float(true[2,]) == -1 / 3
