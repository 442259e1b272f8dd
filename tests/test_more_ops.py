"""What people ask for less often: %, //, rounding, logarithms to a base, the terms of entropies, and what is made of them."""

import itertools
import math
import random
from fractions import Fraction

import numpy
import pytest
from engines import pure
from mpmath import mp

import tinygrad_edu as tg
from tinygrad_edu import DomainError, PoleError, RangeError, Value

inf, nan = math.inf, math.nan
EDGES = [sign * x for x in (0.0, 5e-324, 1e-310, 2.0 ** -1022, 1e-300, 1e-20, 0.1, 0.5, 1.0, 1.5, 2.0, 3.0, 7.0, 2.0 ** 52, 2.0 ** 53,
                            2.0 ** 53 + 2, 1e22, 1e300, 1.7976931348623157e308, inf) for sign in (1, -1)] + [nan]


def bits(x):
    return "nan" if x != x else x.hex()


def random_pairs(count):
    """Of moderate size, with few digits, of all magnitudes, and one like the other."""
    rng = random.Random(0)
    kinds = [lambda: rng.uniform(-100, 100), lambda: rng.randint(-50, 50) / rng.choice([1, 2, 4, 10]),
             lambda: rng.choice((1, -1)) * 2.0 ** rng.uniform(-1074, 1023.9)]
    for _ in range(count):
        x = rng.choice(kinds)()
        yield x, rng.choice([*kinds, lambda near=x: near * rng.uniform(0.1, 3), lambda near=x: near / rng.randint(1, 9)])()


# ---- % and // ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", [tg, pure()[0]], ids=lambda engine: engine.engine_name)
def test_remainders_and_quotients_have_pythons_bits(engine):
    with engine.errstate(all="ignore"):
        for x, y in [*itertools.product(EDGES, repeat=2), *random_pairs(100_000)]:
            if y:
                wanted = bits(x // y), bits(x % y)
                assert (bits((engine.Value(x) // y).data), bits((x % engine.Value(y)).data)) == wanted, (x, y)


@pytest.mark.parametrize("engine", [tg, pure()[0]], ids=lambda engine: engine.engine_name)
def test_a_remainder_moves_with_x_and_with_y_as_often_as_y_is_taken_away(engine):
    for x, y, rest, steps in (7.0, 3.0, 1.0, 2.0), (-7.0, 3.0, 2.0, -3.0), (7.0, -3.0, -2.0, -3.0), (-7.0, -3.0, -1.0, 2.0):
        for make in (lambda a, b: a % b), engine.remainder, lambda a, b: divmod(a, b)[1]:
            a, b = engine.Value(x), engine.Value(y)
            f = make(a, b)
            f.backward()
            assert (f.data, a.grad, b.grad, f.op) == (rest, 1.0, -steps, "remainder")
        for make in (lambda a, b: a // b), engine.floor_divide, lambda a, b: divmod(a, b)[0]:
            a, b = engine.Value(x), engine.Value(y)
            f = make(a, b)
            f.backward()
            assert (f.data, a.grad, b.grad, f.op) == (steps, 0.0, 0.0, "floor_divide")


@pytest.mark.parametrize("number", [7, 7.0, Fraction(7), numpy.float64(7), numpy.int64(7)], ids=repr)
def test_any_kind_of_number_may_stand_on_the_left(number):
    v = Value(3.0)
    assert ((number % v).data, (number // v).data, [x.data for x in divmod(7, v)]) == (1.0, 2.0, [2.0, 1.0])


def test_a_remainder_by_zero_is_no_number_and_a_quotient_by_zero_a_pole():
    with pytest.raises(DomainError, match=r"5 % 0 is not a number: remainder needs y != 0"):
        Value(5.0) % 0
    with pytest.raises(PoleError, match=r"5 // 0 is infinite: floor_divide needs y != 0"):
        Value(5.0) // 0
    with tg.errstate(all="ignore"):
        assert [(Value(x) // y).data for x, y in ((5.0, 0.0), (-5.0, 0.0), (5.0, -0.0))] == [inf, -inf, -inf]
        assert math.isnan((Value(5.0) % 0).data) and math.isnan((Value(0.0) // 0).data)


def test_they_are_exact_in_fractions_and_read_as_people_write_them():
    x, y = Value(-7.5, label="x"), Value(2.0, label="y")
    f = x % y + x // y * x
    assert (tg.exact(f), f.data) == ({"x": -3, "y": 4}, 30.5)
    assert tg.exact(tg.floor(x * x) * x)["x"] == math.floor(Fraction(225, 4))
    assert [str(tg.symbolic(g).value) for g in (x % y, x // y, (x + y) % y, x // (x * y))] == ["x % y", "x // y", "(x + y) % y", "x // (x * y)"]
    assert tg.steps(x % y)[0].text.startswith("x % y = -7.5 % 2")


@pytest.mark.parametrize(("f", "latex", "mathml"), [
    (tg.floor, r"\left\lfloor x \right\rfloor", "⌊x⌋"), (tg.ceil, r"\left\lceil x \right\rceil", "⌈x⌉"),
    (lambda x: x % 3, r"x \bmod 3", "xmod3"), (lambda x: x // 3, r"\left\lfloor \frac{x}{3} \right\rfloor", "⌊x3⌋"),
    (lambda x: tg.log(x, 3), r"\log_{3}\left(x\right)", "log3(x)"), (tg.normal_cdf, r"\Phi\left(x\right)", "Φ(x)")])
def test_they_are_typeset_as_in_books(f, latex, mathml):
    from tinygrad_edu.engine import printer
    formula = tg.symbolic(f(Value(7.5, label="x"))).value
    assert printer.latex(formula) == latex
    assert "".join(part.partition("<")[0] for part in printer.mathml(formula).split(">")) == mathml


# ---- rounding ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ours", "theirs"), [(tg.floor, numpy.floor), (tg.ceil, numpy.ceil), (tg.round, numpy.rint)])
def test_rounding_has_numpys_bits_and_the_slope_0(ours, theirs):
    for x in [*EDGES, *[k / 4 for k in range(-20, 21)], *[x for x, _ in random_pairs(1000)]]:
        assert bits(ours(x)) == bits(float(theirs(x)))
        f = ours(Value(x))
        assert (bits(f.data), f.local_grads) == (bits(ours(x)), (0.0,)) or x != x


@pytest.mark.parametrize("cut", [math.floor, math.ceil, math.trunc, round, int, float, lambda v: round(v, 2)])
def test_what_would_cut_the_graph_is_refused_and_the_operations_are_named(cut):
    with pytest.raises(TypeError, match=r"would cut the graph: use v\.data, .* tg\.floor\(v\), tg\.ceil\(v\), tg\.round\(v\)"):
        cut(Value(2.5))


@pytest.mark.parametrize(("name", "numbers", "wanted"), [
    ("floor", [2.5], 2.0), ("ceil", [2.5], 3.0), ("rint", [2.5], 2.0), ("remainder", [-7.0, 3.0], 2.0), ("mod", [-7.0, 3.0], 2.0),
    ("floor_divide", [-7.0, 3.0], -3.0), ("reciprocal", [4.0], 0.25), ("logaddexp", [0.0, 0.0], math.log(2))])
def test_numpys_functions_of_values_are_ours(name, numbers, wanted):
    theirs = getattr(numpy, name)
    made = theirs(*map(Value, numbers))
    assert (type(made), made.data) == (Value, wanted)
    if name not in ("floor", "ceil", "logaddexp"):          # of arrays of objects, NumPy asks `math`, or nobody
        assert [v.data for v in theirs(*[numpy.array([Value(x)]) for x in numbers])] == [wanted]
    assert [v.data for v in tg.OPS[made.op](*[numpy.array([Value(x)]) for x in numbers])] == [wanted]


# ---- logarithms -------------------------------------------------------------------------------------------


def test_a_logarithm_takes_a_base_wherever_it_is_written():
    x = Value(8.0, label="x")
    for f in tg.log(x, 2), tg.log(x, base=2), x.log(2), x.log(base=2.0), tg.log_base(x, 2), x.log_base(2):
        f.backward()
        assert (f.data, f.op, x.grad) == (3.0, "log_base", pytest.approx(1 / (8 * math.log(2)), rel=1e-15))
        x.grad = 0.0
    assert tg.log(8.0, 2.0) == 3.0 and tg.log(1000, 10) == 3.0 and tg.log(math.e) == 1.0
    assert tg.log is tg.OPS["log"] and tg.log(x).op == "log" and [v.data for v in tg.log(numpy.array([x, x]), 2)] == [3.0, 3.0]


def test_a_base_that_is_a_value_gets_its_gradient():
    x, b = Value(9.0, label="x"), Value(3.0, label="b")
    f = tg.log(x, b)
    f.backward()
    assert (f.data, x.grad, b.grad) == (2.0, *[pytest.approx(g, rel=1e-15) for g in (1 / (9 * math.log(3)), -2 / (3 * math.log(3)))])
    assert str(tg.symbolic(f)) == "{'x': 1 / (x * log(b)), 'b': -log(x, b) / (b * log(b))}"


@pytest.mark.parametrize(("base", "error"), [(0.0, DomainError), (-2.0, DomainError), (1.0, PoleError)])
def test_a_base_that_is_none_is_refused(base, error):
    with pytest.raises(error, match="log_base needs base > 0 and base != 1"):
        tg.log(Value(8.0), base)


def test_more_than_a_base_is_refused_by_name():
    with pytest.raises(TypeError, match=r"log_base\(\) takes x, base, but 3 were given"):
        tg.log(8.0, 2.0, 3.0)
    with pytest.raises(TypeError, match=r"has no argument 'bass'"):
        tg.log(8.0, bass=2.0)


@pytest.mark.parametrize(("x", "y", "value", "slopes"), [
    (0.0, 0.0, 0.0, (0.0, 0.0)), (0.0, 2.0, 0.0, (math.log(2), 0.0)), (0.0, -1.0, 0.0, (0.0, 0.0)), (3.0, 1.0, 0.0, (0.0, 3.0)),
    (0.0, inf, 0.0, (inf, 0.0)), (2.0, 0.0, -inf, (-inf, inf)), (-2.0, 0.0, inf, (-inf, -inf)), (0.0, nan, nan, (nan, nan)), (2.0, -1.0, nan, (nan, nan))])
def test_nothing_times_the_logarithm_of_anything_is_nothing(x, y, value, slopes):
    with tg.errstate(all="ignore"):
        found, local = tg.xlogy.evaluate(x, y)
    assert [found, *local] == pytest.approx([value, *slopes], nan_ok=True)


def test_an_entropy_with_a_probability_of_0_has_its_gradient():
    p = [Value(1.0), Value(0.0)]
    f = -tg.sum([tg.xlogy(e, e) for e in p])
    f.backward()
    assert (f.data, [e.grad for e in p]) == (0.0, [-1.0, 0.0])
    with pytest.raises(PoleError, match="xlogy needs y > 0"):
        tg.xlogy(Value(2.0), 0.0)
    assert tg.hessian(lambda v: tg.xlogy(v[0], v[1]))([0.0, 4.0]) == [[0.0, 0.25], [0.25, 0.0]]


def test_sums_of_exponentials_take_infinite_numbers_as_numpys():
    for x, y in itertools.product([inf, -inf, 0.0, 800.0, nan], repeat=2):
        with tg.errstate(all="ignore"), numpy.errstate(all="ignore"):
            assert bits(tg.logaddexp(x, y)) == bits(float(numpy.logaddexp(x, y))), (x, y)
    assert Value(-inf).logaddexp(-inf).data == -inf                     # no error: the infinities were there before


def test_the_ends_of_logit_are_poles():
    for x, value in (0.0, -inf), (1.0, inf):
        with pytest.raises(PoleError, match=r"logit\(.\) is infinite: logit needs 0 < x < 1"):
            tg.logit(Value(x))
        with tg.errstate(all="ignore"):
            assert (tg.logit(x), tg.logit.evaluate(x)[1]) == (value, (inf,))
    with pytest.raises(DomainError, match="is not a number"):
        tg.logit(1.5)
    assert tg.logit(tg.sigmoid(0.25)) == pytest.approx(0.25, rel=1e-15)


# ---- lengths, and what is composed of operations -------------------------------------------------------------------


def in_many_digits(f, row):
    """A function of a row of mpmath numbers: its value and its derivatives, by central differences."""
    with mp.workdps(120):
        x = list(map(mp.mpf, row))
        h = mp.mpf(10) ** -40 * max(map(abs, x))
        moved = [[f([e + s * h * (i == j) for j, e in enumerate(x)]) for s in (1, -1)] for i in range(len(x))]
        return f(x), [(up - down) / (2 * h) for up, down in moved]


def variance(x, ddof=0):
    mean = mp.fsum(x) / len(x)
    return mp.fsum((e - mean) ** 2 for e in x) / (len(x) - ddof)


@pytest.mark.parametrize(("ours", "theirs"), [
    (tg.var, variance), (tg.std, lambda x: mp.sqrt(variance(x))), (tg.norm, lambda x: mp.sqrt(mp.fsum(e * e for e in x))),
    (lambda x: tg.var(x, ddof=1), lambda x: variance(x, 1)), (lambda x: tg.std(x, ddof=1), lambda x: mp.sqrt(variance(x, 1))),
    (lambda x: tg.cumsum(x)[-1], mp.fsum), (lambda x: tg.softmin(x)[0], lambda x: mp.exp(-x[0]) / mp.fsum(mp.exp(-e) for e in x)),
    (lambda x: tg.selu(x[0]), lambda x: mp.mpf(tg.selu(1.0)) * (x[0] if x[0] > 0 else mp.mpf("1.6732632423543772") * mp.expm1(x[0]))),
    (lambda x: tg.mish(x[0]), lambda x: x[0] * mp.tanh(mp.log1p(mp.exp(x[0]))))])
def test_what_is_composed_of_operations_is_right_to_13_digits(ours, theirs):
    for row in [[1.0, 2.0, 4.0], [-0.5, 0.25], [3.0, -2.0, 0.125, 7.0], [-1.5, 2.5], [-30.0, -29.0], [-5e-9, 1.0]]:
        value, slopes = in_many_digits(theirs, row)
        leaves = list(map(Value, row))
        f = ours(leaves)
        f.backward()
        size = float(max(map(abs, slopes)))
        assert f.data == pytest.approx(float(value), rel=1e-13), row
        assert [leaf.grad for leaf in leaves] == pytest.approx(list(map(float, slopes)), rel=1e-13, abs=1e-13 * size), row
        assert ours(row) == f.data


def test_constants_and_values_are_those_of_pytorch():
    assert tg.selu(-1.5) == pytest.approx(-1.3658143533672527, rel=1e-15) and tg.mish(-1.5) == pytest.approx(-0.29809974216680674, rel=1e-15)
    assert tg.var([1.0, 2.0, 4.0], ddof=1) == pytest.approx(7 / 3, rel=1e-15) and tg.normal_cdf(-3.0) == pytest.approx(0.0013498980316300946, rel=1e-15)


@pytest.mark.parametrize("f", [tg.norm, lambda x: tg.std([*x, x[0], 0.0])], ids=["norm", "std"])
def test_a_length_of_nothing_has_the_gradient_0(f):
    x = [Value(0.0), Value(0.0)]
    made = f(x)
    made.backward()
    assert (made.data, [e.grad for e in x]) == (0.0, [0.0, 0.0])


def test_a_length_neither_overflows_nor_vanishes_and_bends_beside_zeros():
    for size in (1e-200, 1e200):
        x = [Value(3 * size), Value(-4 * size)]
        f = tg.norm(x)
        f.backward()
        assert [f.data / size, *[e.grad for e in x]] == pytest.approx([5.0, 0.6, -0.8], rel=1e-15)
        assert tg.std([-size, size]) == pytest.approx(size, rel=1e-15)
    assert tg.hessian(tg.norm)([0.0, 0.0, 4.0]) == [[0.25, 0.0, 0.0], [0.0, 0.25, 0.0], [0.0, 0.0, 0.0]]
    with pytest.raises(RangeError):
        tg.var([-1e200, 1e200])


def test_running_sums_keep_the_first_as_it_is_and_add_up():
    x = list(map(Value, (1.0, 2.0, 4.0)))
    sums = tg.cumsum(x)
    assert [s.data for s in sums] == [1.0, 3.0, 7.0] and sums[0] is x[0] and tg.cumsum([]) == [] and tg.cumsum([1]) == [1.0]
    (sums[0] + 10 * sums[1] + 100 * sums[2]).backward()
    assert [e.grad for e in x] == [111.0, 110.0, 100.0]


@pytest.mark.parametrize(("row", "ddof"), [([], 0), ([1.0], 1)])
def test_a_variance_of_too_few_is_refused(row, ddof):
    for f in tg.var, tg.std:
        with pytest.raises(ValueError, match=f"a row of {len(row)} with ddof={ddof} leaves nothing to divide by"):
            f(row, ddof=ddof)


def test_ddof_is_a_whole_number():
    for f in tg.var, tg.std:
        with pytest.raises(TypeError, match="ddof must be a whole number"):
            f([1.0, 2.0], ddof=0.5)
        with pytest.raises(ValueError, match="ddof must be at least 0"):
            f([1.0, 2.0], ddof=-1)


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin", "cumsum", "var", "std"])
def test_what_is_no_row_is_refused_in_the_name_that_was_called(name):
    function = getattr(tg, name)
    for x in (2.0, Value(2.0), None):
        with pytest.raises(TypeError, match=rf"^{name}\(\) takes a row of numbers, such as \[a, b\]: got "):
            function(x)
    for x in ([[1.0, 2.0]], ((1.0,), (2.0,))):
        with pytest.raises(TypeError, match=rf"write \[tg\.{name}\(row\) for row in x\]"):
            function(x)
