"""What students write: one reading is read, two are refused with both written out, and what was changed is said."""

import ast
import random
import re
import warnings

import pytest
from students import Chart, literal_tree, random_text

import tinygrad_edu as tg
from tinygrad_edu import ExpressionError
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
    assert seen["read"] > 0.2 * count and seen["refused with both"] > 0.2 * count and seen["refused"] < 0.2 * count, seen
    return seen


def test_what_is_read_has_one_reading_and_what_has_two_is_refused_with_both():
    check_many(seed=0, count=1500)
