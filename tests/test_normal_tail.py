"""What lies beyond a point of the bell curve: erfc, gelu and normal_cdf, densely, and where their coefficients come from."""

import importlib.util
import random
from fractions import Fraction
from pathlib import Path

import pytest
from draws import ulp_error
from judge import DIGITS, VALUE_ULP
from mpmath import mp
from textbook import definition

from tinygrad_edu import OPS
from tinygrad_edu.engine import accurate

ROOT = Path(__file__).resolve().parents[1]
ENDS = {"erfc": (-6, 27.3), "gelu": (-38.6, 9), "normal_cdf": (-38.6, 9)}         # beyond, nothing happens
TAILS = {"erfc": (26.5, 27.3), "gelu": (-38.6, -37.5), "normal_cdf": (-38.6, -37.5)}  # results below 2⁻¹⁰²², where floats have fewer digits


def dense(name, count):
    """Points of the whole range, close to 0, of the last digits, and of all magnitudes below 1."""
    rng = random.Random(name)
    low, high = ENDS[name]
    kinds = [lambda: rng.uniform(low, high), lambda: rng.uniform(-1, 1), lambda: rng.uniform(-3, 3),
             lambda: rng.uniform(*TAILS[name]), lambda: rng.choice((1, -1)) * 2.0 ** rng.uniform(-60, 0)]
    return [kinds[i % len(kinds)]() for i in range(count)]


def worst_error(name, count):
    op = OPS[name]
    with mp.workdps(DIGITS):
        return max(ulp_error(op(x), definition(op)(mp.mpf(x))) for x in dense(name, count))


@pytest.mark.parametrize("name", ENDS)
def test_dense_points_are_within_2_ulp(name):
    assert worst_error(name, 2_000) <= VALUE_ULP


@pytest.mark.long
@pytest.mark.parametrize("name", ENDS)
def test_very_dense_points_are_within_2_ulp(name):
    assert worst_error(name, 300_000) <= VALUE_ULP


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("benchmarks_normal_tail", ROOT / "benchmarks" / "normal_tail.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_coefficients_are_those_the_script_finds(script):
    assert tuple(map(float, script.coefficients())) == accurate.TAIL_COEFFICIENTS
    assert script.worst_error() < 2.0 ** -53 / 10


@pytest.mark.parametrize("width", accurate.ROOTS)
def test_the_constants_are_the_nearest_floats(width, script):
    with mp.workdps(DIGITS):
        assert accurate.ROOTS[width] == (float(mp.sqrt(width)), *script.in_two(1 / mp.sqrt(mp.pi * width)))


def test_the_rest_of_the_logarithm_of_the_scale_is_the_nearest_float():
    with mp.workdps(90):
        assert float(mp.log(accurate.SCALE) - accurate.LOG_SCALE) == accurate.REST_OF_LOG


@pytest.mark.parametrize("seed", range(5))
def test_halves_are_so_short_that_their_products_are_not_rounded(seed):
    rng = random.Random(seed)
    for _ in range(2_000):
        x, y = [rng.choice((1, -1)) * rng.randrange(1, 2 ** 53) * 2.0 ** rng.randint(-80, -30) for _ in range(2)]
        parts_of_x, parts_of_y = accurate.veltkamp_split(x), accurate.veltkamp_split(y)
        assert (sum(map(Fraction, parts_of_x)), sum(map(Fraction, parts_of_y))) == (x, y)
        assert all(Fraction(a) * Fraction(b) == a * b for a in parts_of_x for b in parts_of_y)
        assert accurate.product_error(x, y) == Fraction(x) * Fraction(y) - Fraction(x * y)
