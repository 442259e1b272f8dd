"""Every operation against mpmath at 60 digits: values, local gradients, and what is shown of them.

The judges are independent of the rules' own algebra: the value is compared with a textbook
definition, the gradient with a numerical derivative of that definition in 60 digits.
"""

import random

import pytest
from draws import stratified, ulp_error
from mpmath import mp
from textbook import TEXTBOOK, definition

import tinygrad_edu as tg
from tinygrad_edu import OPS
from tinygrad_edu.engine import formula as m
from tinygrad_edu.engine import printer
from tinygrad_edu.engine.formula import Formula

DIGITS = 60
ROOMY = 4 * 2.0 ** -53      # near a zero of their derivative, silu and gelu are held to this absolute error
NEAR_A_ZERO = {"silu", "gelu"}
WORKING_RANGE = {"sin": 1e15, "cos": 1e15, "tan": 1e15, "erf": 60, "erfc": 60, "gelu": 60}     # of mpmath's functions
SINGLE = [op for op in OPS.values() if not op.rows]


def points(op, count):
    """Inputs from the op's domain; binary ones are pairs of them."""
    columns = [stratified(interval, count, seed) for seed, interval in enumerate(op.domain)]
    for seed, column in enumerate(columns):
        random.Random(seed).shuffle(column)
    return [xs for xs in zip(*columns) if is_regular(op, xs)]


def is_regular(op, xs):
    """Not at a kink, where the derivative is a convention; mpmath has no -0; sizes it can take a slope of."""
    if any(x in interval.kinks for x, interval in zip(xs, op.domain)) or (len(xs) > 1 and 0.0 in xs):
        return False
    if op.name in WORKING_RANGE and abs(xs[0]) > WORKING_RANGE[op.name]:
        return False
    return not (op.selects and len({*xs}) < len(xs))


def true_gradient(op, xs, i):
    """d(op)/d(input i) by a central difference of the definition, in enough digits to be exact here."""
    constants = [mp.mpf(c) for c in op.sample.values()]
    x = mp.mpf(xs[i])
    edges = [abs(x - e) for e in (*op.domain[i].kinks, op.domain[i].low, op.domain[i].high) if mp.isfinite(e)]
    gaps = [abs(x - mp.mpf(other)) for j, other in enumerate(xs) if j != i] if op.selects else []
    h = min([abs(x) or mp.mpf(1), mp.mpf(1), *edges, *gaps]) * mp.mpf(10) ** -40

    def f(t):
        return definition(op)(*[t if j == i else mp.mpf(other) for j, other in enumerate(xs)], *constants)
    return (f(x + h) - f(x - h)) / (2 * h)


def in_range(number):
    return number == 0 or 1e-305 < abs(number) < 1.7e308


@pytest.mark.parametrize("op", SINGLE, ids=repr)
def test_values_are_within_two_ulp(op):
    with mp.workdps(DIGITS), tg.errstate(all="ignore"):
        for xs in points(op, 150):
            true = mp.mpf(definition(op)(*map(mp.mpf, xs), *map(mp.mpf, op.sample.values())))
            if in_range(true):
                bound = 2.5 if op.name in NEAR_A_ZERO else 2
                assert ulp_error(op(*xs, **op.sample), true) <= bound, xs


@pytest.mark.parametrize("op", SINGLE, ids=repr)
def test_local_gradients_are_within_four_ulp(op):
    with mp.workdps(1000), tg.errstate(all="ignore"):
        for xs in points(op, 60):
            _, local_grads = op.evaluate(*xs, **op.sample)
            for i, ours in enumerate(local_grads):
                true = true_gradient(op, xs, i)
                if in_range(true) and not (op.name in NEAR_A_ZERO and abs(true - float(ours)) <= ROOMY):
                    assert ulp_error(float(ours), true) <= 4, (xs, i)


def evaluated(formula, values):
    """A formula at mpmath numbers, by the form people are shown."""
    done = {}
    for part in printer.in_order([formula], printer.TEXT):
        parts = [done[p] if isinstance(p, Formula) else p for p in printer.children(part, printer.TEXT)]
        done[part] = values[part.head] if part.head in values else COMPUTED[part.head](*parts)
    root = printer.resolved(formula, printer.TEXT)
    return done[root] if isinstance(root, Formula) else root


COMPUTED = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b,
    "neg": lambda a: -a, "pow": lambda a, b: mp.power(a, b), ">": lambda a, b: a > b, "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b, "<=": lambda a, b: a <= b, "==": lambda a, b: a == b, "!=": lambda a, b: a != b,
    "where": lambda c, a, b: a if c else b,
    "max": max, "min": min, "larger": max, "smaller": min, "abs": abs, "sign": mp.sign, "pi": lambda: mp.pi,
    "cbrt": TEXTBOOK["cbrt"], "exp2": TEXTBOOK["exp2"], "log2": TEXTBOOK["log2"],
    **{name: getattr(mp, name) for name in "exp expm1 log log10 log1p sqrt sin cos tan asin acos atan atan2 sinh cosh "
       "tanh asinh acosh atanh erf erfc".split()},
}


def careless_tanh(x):
    y = m.tanh(x)
    return y, (1 - y * y,)


def careless_power(x, *, n):
    return m.power(x, n), (n * m.power(x, n - 1),)


@pytest.mark.parametrize(("rule", "name"), [(careless_tanh, "tanh"), (careless_power, "power")])
def test_the_gradient_check_catches_a_careless_formula(rule, name, monkeypatch):
    sound = OPS[name]
    careless = tg.Op(rule, "?", sound.domain, False, {"n": 0.1} if name == "power" else {})
    monkeypatch.setitem(TEXTBOOK, rule.__name__, definition(sound))
    with pytest.raises(AssertionError):
        test_local_gradients_are_within_four_ulp(careless)


@pytest.mark.parametrize("op", SINGLE, ids=repr)
def test_what_is_shown_equals_what_is_computed_to_sixty_digits(op):
    """The textbook form in text and LaTeX, and the accurate form that runs, are the same function."""
    value, local_grads = op.formulas()
    rng = random.Random(op.name)
    with mp.workdps(DIGITS + 20):
        for _ in range(20):
            xs = [inside(interval, rng) for interval in op.domain]
            constants = {name: mp.mpf(c) for name, c in op.sample.items()}
            ours, ours_local = op.rule(*xs, **constants)
            names = {**dict(zip(op.inputs, xs)), **constants}
            for formula, number in zip([value, *local_grads], [ours, *ours_local]):
                shown = evaluated(formula, names)
                assert abs(shown - number) <= mp.mpf(10) ** -DIGITS * max(1, abs(shown)), (printer.text(formula), xs)


def inside(interval, rng):
    """An mpmath number in the domain, of moderate size."""
    low, high = max(interval.low, -5.0), min(interval.high, max(interval.low, -5.0) + 10)
    return mp.mpf(rng.uniform(low, high)) + mp.mpf(rng.random()) / 10 ** 17


SMOOTH = [op for op in SINGLE if not op.selects and len(op.inputs) == 1 and op.name not in ("abs", "softsign")]


@pytest.mark.parametrize("op", SMOOTH, ids=repr)
def test_three_derivatives_are_right_also_at_zero_and_one(op):
    """Found by running the rules on Values; a careless |x| in a rule would show at 0."""
    def f(t):
        return definition(op)(t, *map(mp.mpf, op.sample.values()))
    for x0 in (0.0, -0.0, 1.0, -1.0, 0.25):
        interval = op.domain[0]
        if not interval.holds(x0) or x0 in interval.kinks:
            continue
        x = tg.Value(x0)
        node = op(x, **op.sample)
        with mp.workdps(DIGITS):
            true = [mp.diff(f, mp.mpf(x0), n) for n in (1, 2, 3)]
        for order in range(3):
            node = tg.replay(node, tg.Value).grads[x] if isinstance(node, tg.Value) and x in tg.leaves(node) else 0.0
            number = node.data if isinstance(node, tg.Value) else float(node)
            assert number == pytest.approx(float(true[order]), rel=1e-12, abs=1e-12), (x0, order + 1)


@pytest.mark.parametrize(("name", "definition"), [
    ("sum", lambda x: sum(x)), ("mean", lambda x: sum(x) / len(x)), ("prod", mp.fprod), ("max", max), ("min", min),
    ("logsumexp", lambda x: mp.log(sum(map(mp.exp, x)))),
])
def test_rows_are_within_their_error_bound(name, definition):
    op, rng = OPS[name], random.Random(name)
    with mp.workdps(DIGITS):
        for _ in range(100):
            row = [rng.uniform(-3, 3) * 10 ** rng.uniform(-3, 1) for _ in range(rng.randint(1, 12))]
            exact_row = list(map(mp.mpf, row))
            size = mp.fprod(map(abs, exact_row)) if name == "prod" else sum(map(abs, exact_row)) + 3
            value, (local_grads,) = op.evaluate(row)
            assert abs(value - definition(exact_row)) <= 4 * len(row) * mp.mpf(2) ** -53 * size
            for i, ours in enumerate(local_grads):
                h = mp.mpf(10) ** -30
                up, down = ([x + s * (j == i) for j, x in enumerate(exact_row)] for s in (h, -h))
                true = (definition(up) - definition(down)) / (2 * h)
                scale = max(1, abs(true)) if name != "prod" else size / abs(exact_row[i])
                assert abs(float(ours) - true) <= 4 * len(row) * mp.mpf(2) ** -53 * scale + mp.mpf(10) ** -25


def test_dot_is_the_sum_of_products():
    value, (dx, dy) = OPS["dot"].evaluate([1.0, 2.0, 3.0], [4.0, 5.0, 6.0])
    assert (value, dx, dy) == (32.0, [4.0, 5.0, 6.0], [1.0, 2.0, 3.0])
