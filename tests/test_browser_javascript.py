"""Rules printed as JavaScript, run in Chromium beside the engine: numbers, sentences on bad numbers, and texts."""

import base64
import itertools
import math
import random
import struct

import pytest

import tinygrad_edu as tg
from tinygrad_edu.engine import formula as m
from tinygrad_edu.engine.graph import walked_back
from tinygrad_edu.engine.number import format_number
from tinygrad_edu.engine.op import OPS
from tinygrad_edu.show.page import asset
from tinygrad_edu.show.rules import script
from tinygrad_edu.show.svg import number_text

SPECIAL = (0.0, -0.0, math.inf, -math.inf, math.nan, 1.0, -1.0, 2.0, -3.0, 0.5, 2.5, 5e-324, -1e-310, 1e-300, 1e300, -1e300,
           1.7976931348623157e308, -745.5, 710.0, 1000.0, -1000.0)
ULPS = 8
# What a page is asked: every number of a table of rows, value and local gradients, beside those of the engine.
COMPARED = """([name, width, rows, constants, encoded, ulps]) => {
  const bytes = Uint8Array.from(atob(encoded), c => c.charCodeAt()), numbers = new Float64Array(bytes.buffer);
  const ulp = x => 2 ** Math.max(Math.floor(Math.log2(Math.abs(x))) - 52, -1074);
  const near = (x, y) => Object.is(x, y) || x === y && x !== 0 || Math.abs(x - y) <= ulps * ulp(y);
  const far = [];
  for (let at = 0; at < numbers.length;) {
    const count = rows ? numbers[at++] * width : width, inputs = [...numbers.subarray(at, at + count)];
    at += count;
    const wanted = numbers.subarray(at, at + count + 1), found = [], value = domain.apply(name, inputs, constants, found);
    at += count + 1;
    if (![value, ...found].every((x, k) => near(x, wanted[k]))) far.push([inputs, [value, ...found], [...wanted]].map(
      numbers => numbers.map(String)));
  }
  return far;
}"""


@pytest.fixture(scope="module")
def scope(chromium):
    """A function that makes a page in which a script was run."""
    pages = []

    def run(text, numbers=None):
        pages.append(chromium.new_page())
        pages[-1].set_content(f"<script>{text}\n{numbers or asset('number.js')}</script>")
        return pages[-1]
    yield run
    for page in pages:
        page.close()


@pytest.fixture(scope="module")
def all_rules(scope):
    return scope(script(OPS.values()))


def numbers(rng):
    """One number: of all sizes between 1e-8 and 100, or plain, or special."""
    kind = rng.random()
    if kind < 0.47:
        return rng.choice((-1, 1)) * 10 ** rng.uniform(-8, 2)
    return rng.uniform(-5, 5) if kind < 0.94 else rng.choice(SPECIAL)


def inputs_of(op, count):
    """Inputs of an op, flat, as many as asked for and some more: pairs of special numbers come first."""
    rng = random.Random(op.name)
    if not op.rows:
        yield from itertools.product(SPECIAL, repeat=min(len(op.inputs), 2)) if len(op.inputs) < 3 else ()
    for _ in range(count):
        length = rng.randint(1, 5) if op.rows else 1
        yield tuple(numbers(rng) for _ in range(length * len(op.inputs)))


def constants_of(op):
    """Sets of constants; of powers several, whole ones and others."""
    return [{"n": n} for n in (2.0, 3.0, -1.0, 0.5, 2.5, -2.0, 0.0)] if op.name == "power" else [op.sample]


def answers(op, inputs, constants):
    """What the engine makes of the inputs, flat: the value and the local gradients; None where an index is no place."""
    with tg.errstate(all="ignore"):
        try:
            value, gradients = op.evaluate(*op.in_rows(inputs), **constants)
        except IndexError:
            return None
    return [value, *op.one_by_one(gradients)]


def table(op, count, constants):
    """Inputs and answers as bytes in text."""
    told = []
    for inputs in inputs_of(op, count):
        found = answers(op, inputs, constants)
        if found is not None:
            told += [*([len(inputs) // len(op.inputs)] * op.rows), *inputs, *found]
    return base64.b64encode(struct.pack(f"<{len(told)}d", *told)).decode()


def far_off(page, op, count, ulps=ULPS):
    """What differs from the engine by more than so many ULP."""
    each = constants_of(op)
    return [far for constants in each for far in page.evaluate(COMPARED, [
        op.name, len(op.inputs), op.rows, list(constants.values()), table(op, count // len(each), constants), ulps])]


@pytest.mark.parametrize("op", OPS.values(), ids=repr)
def test_every_operation_computes_what_the_engine_does(all_rules, op):
    assert far_off(all_rules, op, 500)[:5] == []


def test_erf_which_browsers_lack_is_right_to_2_ulp(all_rules):
    assert far_off(all_rules, tg.erf, 2000, ulps=2)[:5] == []


@pytest.mark.long
@pytest.mark.parametrize("op", OPS.values(), ids=repr)
def test_every_operation_computes_what_the_engine_does_at_10_000_points(all_rules, op):
    assert far_off(all_rules, op, 10_000)[:5] == []


# Faults planted into the printed text: a changed sign, a dropped term, a wrong side of a comparison, one gradient for
# another, a slope of the textbook that loses digits, a word that rounds ties away.
FAULTS = {"mul": ("g[0] = y", "g[0] = -y"), "erf": ("sign_of(x, 1 - ", "sign_of(x, - "), "relu": ("x > 0", "x >= 0"),
          "div": ("g[1] = ", "g[1] = 2 + "), "tanh": ("abs(x)", "abs(x * (1 + 1e-14))"), "round": ("2 ** 52 - 2 ** 52", "0.5 - 0.5"),
          "max": ("i && (", "i && !("), "logsumexp": ("log1p(", "0 * log1p("), "pow": ("x === 1 || ", "")}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(scope, name):
    right, wrong = FAULTS[name]
    before, rules = script([OPS[name]]).split("const {rules", 1)
    assert right in rules
    assert far_off(scope(f"{before}const {{rules{rules.replace(right, wrong, 1)}"), OPS[name], 500)


# ---- the engine's sentences ------------------------------------------------------------------------------

SENTENCES = """([name, cases, constants]) => cases.map(texts => {
  const inputs = texts.map(Number), value = domain.apply(name, inputs, constants, []);
  return domain.outside(name, inputs, constants, value, inputs.map((_, k) => k ? "" : "a"));
})"""


def sentence(op, inputs, constants):
    """What the engine says of Values of which the first is called a; "" if it answers; None where an index is no place."""
    values = [tg.Value(x, label="" if k else "a") for k, x in enumerate(inputs)]
    try:
        tg.Value.record(op, *op.in_rows(values), **constants)
    except tg.DomainError as error:
        return str(error)
    except IndexError:
        return None
    return ""


def different_sentences(page, op, count):
    for constants in constants_of(op):
        cases = [(inputs, sentence(op, inputs, constants)) for inputs in inputs_of(op, count)]
        cases = [(inputs, text) for inputs, text in cases if text is not None]
        found = page.evaluate(SENTENCES, [op.name, [[*map(javascript, inputs)] for inputs, _ in cases], [*constants.values()]])
        yield from ((inputs, wanted, text) for (inputs, wanted), text in zip(cases, found) if text != wanted)


def javascript(x):
    return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(repr(x), repr(x))


@pytest.mark.parametrize("op", OPS.values(), ids=repr)
def test_what_an_operation_refuses_is_said_in_the_engines_words(all_rules, op):
    assert list(different_sentences(all_rules, op, 60))[:5] == []


def leaf(number, label=""):
    return tg.Value(number, label=label)


# Results whose backward is refused, each with other labels and by another way.
REFUSED = {
    "no label on the way": lambda: tg.sqrt(leaf(0.0, "a + b") * 2),
    "a label like a formula": lambda: tg.sqrt(leaf(0.0, "a + b")) - 3,
    "no label at all": lambda: tg.sqrt(leaf(0.0)) * leaf(-2.0),
    "labels like words and numbers": lambda: tg.sqrt(leaf(0.0, "new") / -leaf(3.0, "-x")),
    "two inputs": lambda: tg.atan2(leaf(0.0, "a + b"), leaf(0.0, 'say "y"')) * 2 + 1,
    "a power": lambda: leaf(0.0, "x") ** 0.5 / 7,
    "a product too large": lambda: leaf(0.0, "z") * leaf(1e200, "it's") * 1e150,
    "a sum too large": lambda: twice_too_large(leaf(0.0, "x")),
    "a row with a constant": lambda: tg.OPS["log_softmax_at"]([tg.sqrt(leaf(0.0, "back\\slash")), leaf(1.0)], index=0),
    "a row": lambda: tg.max([labelled(tg.sqrt(leaf(0.0)), "m"), leaf(-1.0, "w0[2,1]")]),
    "a constant": lambda: tg.leaky_relu(tg.sqrt(leaf(0.0, "x")), slope=0.25),
    "a closed branch": lambda: (lambda c: tg.relu(c - 1) + tg.sqrt(c))(leaf(0.0, "c")),
}


def twice_too_large(x):
    return x * 1.5e308 + x * 1.5e308


def labelled(node, label):
    node.label = label
    return node


def told(f):
    """A graph and what arrives at its nodes, as `domain.gradient` takes them, with numbers as text."""
    order = tg.topological_order(f)
    place = {node: k for k, node in enumerate(order)}
    arrived, _ = walked_back(order, 1.0)
    nodes = [{"name": node.label, "op": node.op, "constants": [*node.constants.values()], "isConstant": node.is_constant,
              "parents": [place[p] for p in node.parents], "value": javascript(node.data),
              "local": [*map(javascript, node.local_grads)]} for node in order]
    return [nodes, [javascript(arrived[node]) if node in arrived else None for node in order]]


GRADIENT = """([nodes, arrived]) => domain.gradient(
  nodes.map(node => ({...node, value: Number(node.value), local: node.local.map(Number)})),
  arrived.map(x => x === null ? undefined : Number(x)))"""


@pytest.mark.parametrize("name", REFUSED)
def test_what_backward_refuses_is_said_in_the_engines_words(all_rules, name):
    f = REFUSED[name]()
    with pytest.raises(tg.GradientError) as refused:
        f.backward()
    assert all_rules.evaluate(GRADIENT, told(f)) == str(refused.value)


def test_of_gradients_that_are_numbers_nothing_is_said(all_rules):
    f = tg.expression("(x + y) * z + max(x, y)", x=-2, y=5, z=-4)
    assert all_rules.evaluate(GRADIENT, told(f)) == ""


# ---- numbers as text --------------------------------------------------------------------------------------

WRITTEN = """encoded => {
  const bytes = Uint8Array.from(atob(encoded), c => c.charCodeAt()), numbers = [...new Float64Array(bytes.buffer)];
  return numbers.map((x, k) => [numberTexts.format(x, [5, 6, 7, 8, 12, 15, 16, 17][k % 8]), numberTexts.short(x)]);
}"""


def numbers_of_all_kinds(count):
    """Any bits, plain numbers, fractions that lie between two texts, whole numbers, short decimals, and special ones."""
    rng = random.Random(0)
    kinds = [lambda: struct.unpack("<d", rng.getrandbits(64).to_bytes(8, "little"))[0], lambda: rng.uniform(-100, 100),
             lambda: rng.randint(-10 ** 6, 10 ** 6) / 2 ** rng.randint(0, 12), lambda: float(rng.randint(-10 ** 18, 10 ** 18)),
             lambda: rng.choice((-1, 1)) * 10 ** rng.uniform(-8, 18), lambda: rng.randint(1, 999999) * 10.0 ** rng.randint(-12, 12)]
    edges = [-41.8125, 0.5, 1e15, 1e16, -1e15, 9999995.0, 999999.5, 99999.5, 9.99995, 123456.5, 1e-4, 9.9999995e-5, 1e22, 1e21]
    return [*SPECIAL, *edges, *(kinds[k % len(kinds)]() for k in range(count))]


def texts_that_differ(page, count):
    xs = numbers_of_all_kinds(count)
    found = page.evaluate(WRITTEN, base64.b64encode(struct.pack(f"<{len(xs)}d", *xs)).decode())
    wanted = [[format_number(x, (5, 6, 7, 8, 12, 15, 16, 17)[k % 8]), number_text(x)] for k, x in enumerate(xs)]
    return [(x, ours, theirs) for x, ours, theirs in zip(xs, wanted, found) if ours != theirs]


def test_numbers_are_written_as_python_writes_them(all_rules):
    assert texts_that_differ(all_rules, 6000)[:5] == []


@pytest.mark.long
def test_200_000_numbers_are_written_as_python_writes_them(all_rules):
    assert texts_that_differ(all_rules, 200_000)[:5] == []


def test_numbers_rounded_as_browsers_do_are_found(scope):
    as_browsers = asset("number.js").replace("last % 2 && isTie", "false && isTie")
    found = texts_that_differ(scope("", as_browsers), 2000)
    assert (-41.8125, "−41.812") in [(x, ours[1]) for x, ours, _ in found]


# ---- operations of one's own --------------------------------------------------------------------------------

def own_ops():
    """Operations with names that mean something in JavaScript or in the script, rows, conditions, and calls of others."""
    @tg.op("d", tg.REAL)
    def delete(new):
        return new * new + 1, (2 * new,)

    @tg.op("e", tg.REAL, tg.REAL, typeof=3.0)
    def exp_of_it(exp, g, *, typeof):
        both = tg.sigmoid.of(exp * g) * typeof
        return both + delete.of(exp), (both * g + exp, both * exp)

    @tg.op("c", tg.REAL, tg.REAL)
    def chosen(n, i):
        wide = m.where(n, i, -1)                                # a number as a condition, nan too
        return (n > i) * wide + m.where(m.equal(n > i, 1), n, 0), (n > i, m.where(m.equal(n, i), 1, 0))

    @tg.op("l", [tg.REAL])
    def lowest(x):
        best = m.smallest(x)
        return best * m.product(x), (m.each(lambda e, o: m.where(m.equal(e, best), o, m.sign(e)), x, m.others(x)),)

    @tg.op("w", tg.REAL)
    def constructor(x_):
        return m.round(x_) + m.remainder(x_, 3) + m.floor_divide(x_, 2) + tg.log_base.of(m.abs(x_) + 2, 3), (m.sign(x_),)
    return [delete, exp_of_it, chosen, lowest, constructor]


def test_operations_of_ones_own_compute_what_the_engine_does(scope):
    ops = own_ops()
    page = scope(script(ops))
    for op in ops:
        assert far_off(page, op, 300)[:3] == [], op
        assert list(different_sentences(page, op, 100))[:3] == [], op


def test_names_of_objects_are_no_operations(all_rules):
    assert all_rules.evaluate("['constructor', 'toString', 'valueOf'].map(name => rules[name] ?? operations[name] ?? 0)") == [0, 0, 0]
