"""Whole graphs against exact arithmetic.

Graphs of + - * neg, squares, relu and halving on quarters are exact in float64, so the engine
must equal a forward-mode evaluation in Fractions, digit for digit.  Smooth graphs are held
against 200-digit slopes, within a bound that knows how much cancels.
"""

import random
from fractions import Fraction

import pytest
from judge import CANCELS, FLAT
from mpmath import mp
from textbook import definition, is_defined

import tinygrad_edu as tg
from tinygrad_edu import OPS, REAL

EXACT = ["add", "sub", "mul", "neg", "square", "relu", "half", "sum", "dot"]


def random_program(seed, names, leaves=4, size=12):
    """[(operation, places of its inputs)]: what to apply to which earlier results."""
    rng = random.Random(seed)
    program = []
    for k in range(size):
        name = rng.choice(names)
        count = {"sum": 3, "dot": 4}.get(name) or (1 if name == "half" else len(OPS[name].inputs))
        recent = max(0, leaves + k - 5)
        program.append((name, [rng.randrange(recent if rng.random() < 0.7 else 0, leaves + k) for _ in range(count)]))
    return program


def grown(program, leaves):
    """The program run by the engine."""
    nodes = list(leaves)
    for name, places in program:
        inputs = [nodes[i] for i in places]
        nodes.append(inputs[0] / 2 if name == "half" else tg.sum(inputs) if name == "sum"
                     else tg.dot(inputs[:2], inputs[2:]) if name == "dot" else OPS[name](*inputs))
    return nodes[-1]


def dual(program, numbers):
    """The program run forward on (value, derivatives by each leaf) in Fractions; also all values met."""
    count = len(numbers)
    nodes = [(Fraction(x), [Fraction(i == j) for j in range(count)]) for i, x in enumerate(numbers)]
    for name, places in program:
        nodes.append(DUAL[name](*[nodes[i] for i in places]))
    return nodes


def linear(*terms):
    """A sum of (factor, (value, derivatives)), as derivatives only."""
    return [sum(factor * d[j] for factor, (_, d) in terms) for j in range(len(terms[0][1][1]))]


DUAL = {
    "add": lambda a, b: (a[0] + b[0], linear((1, a), (1, b))),
    "sub": lambda a, b: (a[0] - b[0], linear((1, a), (-1, b))),
    "mul": lambda a, b: (a[0] * b[0], linear((b[0], a), (a[0], b))),
    "neg": lambda a: (-a[0], linear((-1, a))),
    "half": lambda a: (a[0] / 2, linear((Fraction(1, 2), a))),
    "square": lambda a: (a[0] ** 2, linear((2 * a[0], a))),
    "relu": lambda a: (max(a[0], Fraction(0)), linear((int(a[0] > 0), a))),
    "sum": lambda a, b, c: (a[0] + b[0] + c[0], linear((1, a), (1, b), (1, c))),
    "dot": lambda a, b, c, d: (a[0] * c[0] + b[0] * d[0], linear((c[0], a), (d[0], b), (a[0], c), (b[0], d))),
}


def fits(number):
    """Does float64 hold this Fraction, with room for the products it meets on the way?"""
    return number.numerator.bit_length() <= 26 and number.denominator.bit_length() <= 26


def exact_case(seed):
    rng = random.Random(seed)
    program = random_program(seed, EXACT)
    numbers = [rng.randint(-8, 8) / 4 for _ in range(4)]
    return program, numbers, dual(program, numbers)


def compare_exact_graphs(seeds):
    """How many of these graphs floats hold exactly; each of them equals the Fractions."""
    kept = 0
    for seed in seeds:
        program, numbers, judged = exact_case(seed)
        value, gradient = judged[-1]
        if not all(fits(v) and all(map(fits, d)) for v, d in judged):
            continue
        kept += 1
        leaves = [tg.Value(x) for x in numbers]
        output = grown(program, leaves)
        output.backward()
        assert output.data == value, seed
        assert [leaf.grad for leaf in leaves] == gradient, seed
    return kept


@pytest.mark.smoke
def test_exact_graphs_equal_fractions_digit_for_digit():
    assert compare_exact_graphs(range(600)) > 300


@pytest.mark.long
def test_ten_thousand_exact_graphs_equal_fractions():
    assert compare_exact_graphs(range(600, 16_600)) >= 10_000


def test_replay_on_fractions_is_exact_for_any_size():
    for seed in range(150):
        program, numbers, judged = exact_case(seed)
        leaves = [tg.Value(x, label=f"x{i}") for i, x in enumerate(numbers)]
        output = grown(program, leaves)
        again = tg.replay(output, Fraction)
        assert again.value == judged[-1][0]
        assert [again.grads.get(leaf, 0) for leaf in leaves] == judged[-1][1]


SMOOTH = [op.name for op in OPS.values() if is_defined(op) and not op.rows and not op.selects and set(op.domain) == {REAL}
          and op.name not in ("softsign",)]


def smooth_program(seed, names=SMOOTH, leaves=3, size=10):
    """A random program whose answer needs every leaf and every step, and its leaves' numbers; what is large goes through tanh."""
    rng = random.Random(seed)
    singles, pairs = ([name for name in names if len(OPS[name].inputs) == count] for count in (1, 2))
    numbers = [rng.uniform(-1.5, 1.5) for _ in range(leaves)]
    program, unused = [], list(range(leaves))
    while len(program) < size or len(unused) > 1:
        at_end, last = len(program) >= size, leaves + len(program)
        first = unused[rng.randrange(len(unused))]
        if at_end or rng.random() < 0.5:
            others = [k for k in unused if k != first] if at_end else range(last)
            program.append((rng.choice(pairs), [first, rng.choice(others)]))
        else:
            program.append((rng.choice(singles), [first]))
        unused = [k for k in unused if k not in program[-1][1]] + [last]
        if abs(grown(program, numbers)) > 2:
            program.append(("tanh", [last]))
            unused[-1] = last + 1
    return program, numbers


def judged(program, numbers):
    nodes = list(numbers)
    for name, places in program:
        nodes.append(definition(OPS[name])(*[nodes[i] for i in places]))
    return nodes[-1]


def second_derivatives(node):
    """How each local gradient of a node changes with each of its inputs: [i][j]."""
    inputs = [tg.Value(p.data) for p in node.parents]
    rows = []
    for local_grad in OPS[node.op].rule(*inputs)[1]:
        for x in inputs:
            x.grad = 0.0
        if isinstance(local_grad, tg.Value) and not local_grad.is_constant:
            local_grad.backward()
        rows.append([x.grad for x in inputs])
    return rows


ROUNDING = 5 * 2.0 ** -53       # how far a number may be off, as a part of its size (2.6 · 2^-53 is the worst seen)


def least_size(allowed, node):
    """The size that a number of this node has at least: near a 0 that R5 names in `allowed`, its error is absolute.

    logaddexp, for one, adds a number to a logarithm: where these cancel, the rounding of the logarithm is left.
    """
    return allowed[node.op](*[p.data for p in node.parents]) / ROUNDING if node.op in allowed else 0.0


def rounding_sizes(output):
    """{node: size}: rounding may put the gradient of a node wrong by ROUNDING times this.

    A value is wrong by its own rounding, and by the errors of its inputs, carried forward; a local gradient is then
    wrong by its own rounding and by those errors times the second derivatives; and gradients are summed with
    every term taken by its size, so that what cancels counts in full.
    """
    order = tg.topological_order(output)
    errors = {}
    for node in order:
        own = max(abs(node.data), least_size(CANCELS, node)) if node.parents else 0.0
        errors[node] = own + sum(abs(local_grad) * errors[p] for p, local_grad in zip(node.parents, node.local_grads))
    sizes = {output: 1.0}
    for node in reversed(order):
        bends = second_derivatives(node) if node.parents else []
        for parent, local_grad, row in zip(node.parents, node.local_grads, bends):
            own = max(abs(local_grad), least_size(FLAT, node))
            size = own + sum(abs(bend) * errors[p] for bend, p in zip(row, node.parents))
            sizes[parent] = sizes.get(parent, 0.0) + sizes[node] * size
    return sizes


def compare_smooth_graphs(seeds):
    """How many gradients of these graphs were compared with 200-digit slopes."""
    compared = 0
    for seed in seeds:
        program, numbers = smooth_program(seed)
        leaves = [tg.Value(x) for x in numbers]
        output = grown(program, leaves)
        if output in leaves or output.is_constant:
            continue
        output.backward()
        sizes = rounding_sizes(output)
        with mp.workdps(200):
            h = mp.mpf(10) ** -60
            for i, leaf in enumerate(leaves):
                up, down = ([mp.mpf(x) + s * (j == i) for j, x in enumerate(numbers)] for s in (h, -h))
                true = (judged(program, up) - judged(program, down)) / (2 * h)
                allowed = ROUNDING * sizes.get(leaf, 0.0)
                assert abs(leaf.grad - true) <= allowed + mp.mpf(10) ** -100, seed
                compared += allowed > 0
    return compared


@pytest.mark.parametrize("block", range(5))
def test_smooth_graphs_are_right_up_to_what_cancels(block):
    assert compare_smooth_graphs(range(block * 40, block * 40 + 40)) > 110


@pytest.mark.long
@pytest.mark.parametrize("block", range(10))
def test_five_thousand_smooth_graphs_are_right_up_to_what_cancels(block):
    assert compare_smooth_graphs(range(1000 + block * 500, 1500 + block * 500)) > 1450


def without_accumulation(self, seed=1.0):
    self.grad = seed
    for node in reversed(tg.topological_order(self)):
        for parent, local_grad in zip(node.parents, node.local_grads):
            parent.grad = node.grad * local_grad


def breadth_first(self, seed=1.0):
    queue = [(self, seed)]
    reached = {}
    for node, gradient in queue:
        node.grad += gradient
        if node not in reached:
            reached[node] = True
            queue += [(p, node.grad * g) for p, g in zip(node.parents, node.local_grads)]


@pytest.mark.parametrize("wrong", [without_accumulation, breadth_first])
def test_the_exact_check_catches_a_planted_backward(wrong, monkeypatch):
    monkeypatch.setattr(tg.Value, "backward", wrong)
    with pytest.raises(AssertionError):
        test_exact_graphs_equal_fractions_digit_for_digit()
