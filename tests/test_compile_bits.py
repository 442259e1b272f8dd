"""A compiled program against the engine: the same bits, or the same error, whatever it runs on.

The functions are random ones of all operations (`random_functions.py`), and networks as people write them
(`scalar_networks.py`).  Each program runs by NumPy, and on every instruction set in blocks of several sizes by one to
three threads.
"""

import dataclasses
import itertools
import math
import random
import sys
from collections import Counter
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import pytest
from random_functions import NOT_FINITE, RandomFunction
from scalar_networks import NETWORKS, batch_for

import tinygrad_edu as tg
from tinygrad_edu import OPS, Value
from tinygrad_edu.engine.errors import strict

np = pytest.importorskip("numpy", reason='programs run batches by numpy: pip install ".[test]"')
from tinygrad_edu.fast import again, by_numpy, machine, plan, steps  # noqa: E402

sys.path.append(str(Path(__file__).resolve().parents[1]))      # the benchmarks, which are no part of the package

ROWS = [1, 2, 3, 7, 8, 9, 15, 16, 17, 24, 25, 40]
BLOCKS = [1, 3, 8, 24, 128]
QUICK, LONG = range(300), range(300, 10_300)
THREADS = [1, 2, 3]
NUMPY = {"instruction_set": "NumPy"}
EVERY_MACHINE = [NUMPY, *[dict(zip(("instruction_set", "block", "threads"), setting))
                          for setting in itertools.product(machine.INSTRUCTION_SETS, BLOCKS, THREADS)]]


def some_machines(rng):
    """NumPy, and another that is drawn."""
    return [NUMPY, *rng.sample(EVERY_MACHINE[1:], min(1, len(EVERY_MACHINE) - 1))]


def one_of_each(rng):
    """NumPy, and every instruction set with a size of blocks and a number of threads that are drawn."""
    return [NUMPY, *[{"instruction_set": name, "block": rng.choice(BLOCKS), "threads": rng.choice(THREADS)}
                     for name in machine.INSTRUCTION_SETS]]


@contextmanager
def running(program, options):
    """Within the block, the program runs on another machine."""
    usual = dict(program.options)
    with pytest.MonkeyPatch.context() as patch:
        if options is NUMPY:
            patch.setattr(machine, "INSTRUCTION_SETS", {})
        else:
            program.options.update(options)
        program.machines.clear()
        yield
        program.machines.clear()
        program.options = usual


def bits(x):
    """Text that two numbers share if they are the same to the last bit; zeros differ by their sign, and nan is nan."""
    return "nan" if x != x else float(x).hex()


def bits_in(tree):
    """The bits of the numbers in arrays, lists and dicts."""
    if isinstance(tree, dict):
        return {key: bits_in(part) for key, part in tree.items()}
    return [bits(x) for x in np.ravel(tree).tolist()] if isinstance(tree, np.ndarray) else [*map(bits_in, tree)]


def tried(action):
    """(what came of it, None), or (the error's name, its message)."""
    try:
        return action(), None
    except (ArithmeticError, ValueError, RuntimeError) as error:
        return type(error).__name__, str(error)


# ---- the engine's own answer -------------------------------------------------------------------------------


def complaints(f, row):
    """What operations of f say of the numbers they meet in this row: (the error's name, its message), in any order."""
    found = []
    with tg.errstate(all="ignore"):
        nodes = tg.topological_order(f([Value(x) for x in row]))
    for node in nodes:
        if node.parents:
            op = node._operation
            try:
                op.evaluate(*op.in_rows([parent.data for parent in node.parents]), **node.constants)
            except tg.DomainError as error:
                found.append((type(error).__name__, str(error)))
    return found


def refusals(f, rows):
    """What may be said of the first row that an operation refuses; nothing, if there is none."""
    for k, row in enumerate(rows):
        if tried(lambda row=row: f([Value(x) for x in row]))[1]:
            return [(name, f"row {k}: {said}") for name, said in complaints(f, row)]
    return []


def input_gradients_by_engine(f, rows):
    """Those of each row; what arrives at parameters is not asked for."""
    found = []
    for k, row in enumerate(rows):
        inputs = [Value(x) for x in row]
        output = f(inputs)
        with tg.errstate(all="ignore"):
            if not output.is_constant:
                output.backward()
        if strict.get() and not all(math.isfinite(x.grad) for x in inputs):
            raise tg.GradientError(f"row {k}")
        found += [bits(x.grad) for x in inputs]
    return found


# ---- both, side by side ------------------------------------------------------------------------------------


class Comparison:
    """A function, its program, a batch for both, and what the engine makes of it."""

    def __init__(self, f, parameters, rows, reduce):
        self.parameters, self.rows, self.reduce = parameters, rows, reduce
        self.program = tg.compile(f, rows[0])
        self.refusals = refusals(f, rows)
        self.wanted = {
            "outputs": tried(lambda: [bits(f([Value(x) for x in row]).data) for row in rows]),
            "backward": self.with_gradients(lambda: self.loss_by_engine(f)),
            "input gradients": tried(lambda: input_gradients_by_engine(f, rows))}

    def loss_by_engine(self, f):
        """What the batch comes to; its numbers are plain ones.  A program refuses it if nothing takes gradients."""
        if all(p.is_constant for p in self.program.parameters):
            raise RuntimeError
        loss = {"mean": tg.mean, "sum": tg.sum}[self.reduce]([f([Value(x).detach() for x in row]) for row in self.rows])
        loss.backward()
        return bits(loss.data)

    def with_gradients(self, backward):
        """What came of it, and the gradients that it was added to."""
        for p in self.parameters:
            p.grad = 0.5
        return *tried(backward), [bits(p.grad) for p in self.parameters]

    def found(self):
        """The same three by the program."""
        program, rows = self.program, self.rows
        return {"outputs": tried(lambda: bits_in(program(rows))),
                "backward": self.with_gradients(lambda: bits(program.backward(rows, reduce=self.reduce))),
                "input gradients": tried(lambda: bits_in(program.input_gradients(rows)))}

    def check(self, options):
        with running(self.program, options):
            found = self.found()
        for what, wanted in self.wanted.items():
            if wanted[0] in ("GradientError", "RuntimeError"):      # a program's message says which row it was
                assert (found[what][0], *found[what][2:]) == (wanted[0], *wanted[2:]), (what, options)
            elif wanted[1] is None:
                assert found[what] == wanted, (what, options)
            else:
                assert found[what][:2] in self.refusals and found[what][2:] == wanted[2:], (what, options)


def compare(seed, machines_of=some_machines, mode="raise"):
    """A random function and a batch, by the engine and by machines; says what the engine came to."""
    f = RandomFunction(seed)
    with tg.errstate(all=mode):
        comparison = Comparison(f, f.parameters, f.batch(f.rng.choice(ROWS)), f.rng.choice(["mean", "sum"]))
        for options in machines_of(f.rng):
            try:
                comparison.check(options)
            except AssertionError as error:
                raise AssertionError(f"seed {seed}, {options}: {error}\n{f!r}") from None
    return comparison.wanted["backward"]


# ---- random functions --------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", QUICK[::50])
def test_random_functions_have_the_engines_bits_or_errors(first):
    for seed in range(first, first + 50):
        compare(seed)


@pytest.mark.long
@pytest.mark.parametrize("first", LONG[::250])
def test_ten_thousand_random_functions_have_the_engines_bits_or_errors_on_every_instruction_set(first):
    for seed in range(first, first + 250):
        compare(seed, one_of_each)


@pytest.mark.parametrize("first", QUICK[::100])
def test_where_trouble_is_ignored_random_functions_have_the_engines_bits(first):
    for seed in range(first, first + 25):
        compare(seed, mode="ignore")


def test_nodes_on_the_way_come_out_as_they_stand_in_what_a_function_returns():
    for seed in QUICK[::5]:
        f = RandomFunction(seed)
        rows = f.batch(9)
        with tg.errstate(all="ignore"):
            program, each = tg.compile(f.several, rows[0]), [f.several([Value(x) for x in row]) for row in rows]
            for options in some_machines(f.rng):
                with running(program, options):
                    found = program(rows)
                assert bits_in(found["result"]) == [bits(one["result"].data) for one in each], (seed, options)
                assert bits_in(found["input"]) == [bits(row[0]) for row in rows], (seed, options)
                assert bits_in(found["inner"]) == [bits(x.data) for one in each for x in one["inner"]], (seed, options)


def test_the_functions_hold_what_they_are_to_prove(monkeypatch):
    used, outcomes, replayed = Counter(), Counter(), []
    monkeypatch.setattr(again, "backward", lambda *batch, right=again.backward: (replayed.append(1), right(*batch))[1])
    for seed in QUICK:
        f = RandomFunction(seed)
        program, before = tg.compile(f, [0.5] * f.inputs), len(replayed)
        outcome = tried(lambda f=f, program=program: program.backward(f.batch(9)))
        outcomes[outcome[0] if outcome[1] else "a number"] += 1
        outcomes["a number, replayed"] += not outcome[1] and len(replayed) > before
        used.update(set(program.tape.ops))
    assert min(used[op] for op in OPS.values()) >= 3, "each operation is in some of them"
    assert outcomes["a number"] > 200 and outcomes["a number, replayed"] < 20, outcomes
    assert min(outcomes[name] for name in ("DomainError", "PoleError", "RangeError", "GradientError")) >= 1, outcomes


# ---- where a nan does not show in what comes of it ------------------------------------------------------------


HIDING = {
    "x ** 0": lambda x: 2 * x ** 0, "step(x) ** 0": lambda x: tg.step(x) ** 0 - 1,
    "x ** y": lambda x: x ** tg.greater(x, x), "y ** x": lambda x: tg.exp(tg.greater(x, x)) ** tg.floor(x),
    "1 / hypot(inf, x)": lambda x: 1 / tg.hypot(math.inf, tg.sign(x)), "not chosen": lambda x: tg.where(tg.greater(x, 0), x, 1.5),
    "condition": lambda x: tg.where(x, 1.5, x), "max": lambda x: 1 / tg.max([x, math.inf]), "clip": lambda x: tg.clip(x, -1, 1),
    "no probabilities": lambda x: OPS["softmax_cross_entropy"]([tg.round(x), x, 1.0], [0.0] * 3),
}


def hide(seed, machines_of):
    """A random function of a few numbers of which one is nan or infinite, and behind it what may hide that."""
    f = RandomFunction(seed)
    rows, name = f.batch(f.rng.choice(ROWS[:6])), f.rng.choice(list(HIDING))
    if f.rng.random() < 0.7 or not f.parameters:
        f.rng.choice(rows)[f.rng.randrange(f.inputs)] = f.rng.choice(NOT_FINITE)
    else:
        f.rng.choice(f.parameters).data = f.rng.choice(NOT_FINITE)
    comparison = Comparison(lambda inputs: HIDING[name](f(inputs)), f.parameters, rows, "mean")
    for options in machines_of(f.rng):
        try:
            comparison.check(options)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, {name}, {options}: {error}\n{f!r}") from None


def test_numbers_that_are_not_finite_have_the_engines_gradients_where_they_do_not_show():
    for seed in QUICK:
        hide(seed, some_machines)


@pytest.mark.long
@pytest.mark.parametrize("first", LONG[:2000:250])
def test_numbers_that_are_not_finite_have_the_engines_gradients_in_many_functions(first):
    for seed in range(first, first + 250):
        hide(seed, one_of_each)


def test_a_nan_that_is_trusted_to_show_is_found(monkeypatch):
    monkeypatch.setattr(plan, "hides_nan", lambda tape: False)
    with pytest.raises(AssertionError, match="seed"):
        for seed in QUICK:
            hide(seed, some_machines)


# ---- networks ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_have_the_engines_bits(name):
    rng = random.Random(name)
    f, inputs, parameters = NETWORKS[name](rng)
    comparison = Comparison(f, parameters, batch_for(name, rng, inputs, 11), rng.choice(["mean", "sum"]))
    assert comparison.wanted["backward"][1] is None and not comparison.refusals
    for options in [NUMPY, *rng.sample(EVERY_MACHINE[1:], min(6, len(EVERY_MACHINE) - 1))]:
        comparison.check(options)


def test_the_scalar_gpt_has_the_engines_bits():
    gpt = pytest.importorskip("benchmarks.gpt_compiled")
    weights, names = gpt.new_weights(), gpt.batch_of(["ab", "zz", "ka"])
    f = gpt.loss_of(weights)
    parameters = [w for matrix in weights.values() for row in matrix for w in row]
    program = tg.compile(f, gpt.example(2))
    for p in parameters:
        p.grad = 0.0
    loss = tg.mean([f([[Value(x).detach() for x in letter] for letter in name]) for name in names.tolist()])
    loss.backward()
    wanted = bits(loss.data), [bits(p.grad) for p in parameters]
    for options in EVERY_MACHINE[:2]:
        for p in parameters:
            p.grad = 0.0
        with running(program, options):
            assert (bits(program.backward(names)), [bits(p.grad) for p in parameters]) == wanted, options


# ---- sums that are not rounded as the engine rounds them -----------------------------------------------------


def farthest(terms):
    """How far a sum of these products may lie from the true one, in any order, each product rounded or not."""
    n, u = len(terms), Fraction(1, 2 ** 53)
    return n * u / (1 - n * u) * sum(map(abs, terms))


def is_within(found, terms):
    return abs(Fraction(found) - sum(terms)) <= farthest(terms)


def products(xs, ys):
    return [Fraction(x) * Fraction(y) for x, y in zip(xs, ys)]


class Neurons:
    """Two layers without activations: all in them, and the gradients of `inner`, are sums of known products."""

    def __init__(self, seed, width, rows):
        rng = random.Random(seed)
        self.inner = [[Value(rng.gauss(0, 1)) for _ in range(width)] for _ in range(9)]
        self.outer = [Value(rng.gauss(0, 1)) for _ in self.inner]
        self.batch = [[rng.gauss(0, 1) * 10.0 ** rng.randint(-3, 3) for _ in range(width)] for _ in range(rows)]

    def hidden(self, x):
        return [tg.dot(row, x) for row in self.inner]

    def loss(self, x):
        return tg.dot(self.outer, self.hidden(x))

    def weights(self):
        return [[w.data for w in row] for row in self.inner], [w.data for w in self.outer]

    def are_within(self, options, changed=lambda w: w):
        """Is each sum of a program that is fast within its bound?  `changed` spoils the weights it has."""
        inner, outer = self.weights()
        seen, learns = [tg.compile(f, self.batch[0], fast=True) for f in (self.hidden, self.loss)]
        for w in itertools.chain(*self.inner):
            w.data, w.grad = changed(w.data), 0.0
        with running(seen, options), running(learns, options):
            hidden = seen(self.batch).tolist()
            learns.backward(self.batch, reduce="sum")
        sums = [is_within(h, products(row, x)) for x, hs in zip(self.batch, hidden) for row, h in zip(inner, hs)]
        slopes = [is_within(w.grad, products([v] * len(self.batch), [x[j] for x in self.batch]))
                  for row, v in zip(self.inner, outer) for j, w in enumerate(row)]
        return all(sums), all(slopes)


@pytest.mark.parametrize(("width", "rows"), [(1, 1), (2, 3), (5, 130), (33, 24), (170, 9), (400, 3)])
def test_fast_sums_are_as_near_as_compile_says(width, rows):
    for options in EVERY_MACHINE[::5]:
        assert Neurons(width, width, rows).are_within(options) == (True, True), options


@pytest.mark.parametrize("digits", [24, 40, 48])
def test_the_bound_of_fast_sums_finds_weights_of_fewer_digits(digits):
    def rounded(w):
        part, power = math.frexp(w)
        return math.ldexp(round(math.ldexp(part, digits)), power - digits)
    assert Neurons(1, 5, 9).are_within(NUMPY, rounded) == (False, True)


@pytest.mark.skipif([*machine.INSTRUCTION_SETS] in ([], ["baseline"]), reason="no instruction for it here")
def test_fast_programs_are_other_ones():
    neurons = Neurons(1, 100, 9)
    exact, fast = [tg.compile(neurons.hidden, neurons.batch[0], fast=fast) for fast in (False, True)]
    assert bits_in(exact(neurons.batch)) != bits_in(fast(neurons.batch))


# ---- a test of the test: faults of plans, which it must find ---------------------------------------------------


def each_sum(changed):
    """A fault of all sums: what becomes of a step."""
    return lambda step: changed(step) if isinstance(step, steps.Layer | steps.Pairs) else step


def in_forward(changed):
    return lambda made: dataclasses.replace(made, forward=[changed(step) for step in made.forward])


def in_backward(changed):
    return lambda made: dataclasses.replace(made, backward=[changed(step) for step in made.backward])


def in_outer(changed):
    return lambda made: dataclasses.replace(made, outer=[changed(step) for step in made.outer])


def without_last(step):
    """The last product is lost, where there are others."""
    return step._replace(lanes=step.lanes[..., :max(1, step.lanes.shape[-1] - 1)],
                         factors=step.factors[..., :max(1, step.lanes.shape[-1] - 1)])


def from_the_end(step):
    return step._replace(lanes=step.lanes[..., ::-1], factors=step.factors[..., ::-1])


def rolled(step):
    """Each sum has the factors of its neighbour."""
    return step._replace(factors=np.roll(step.factors, 1, axis=0))


FAULTS = {
    "sums are added up from their end": in_forward(each_sum(from_the_end)),
    "adjoints are added up from their end": in_backward(each_sum(from_the_end)),
    "gradients are added up from their end": in_outer(lambda step: step._replace(
        adjoints=step.adjoints[:, ::-1], lanes=step.lanes[:, ::-1])),
    "the last product of a sum is lost": in_forward(each_sum(without_last)),
    "the last contribution is lost": in_backward(each_sum(without_last)),
    "the last term of gradients is lost": in_outer(lambda step: step._replace(
        adjoints=step.adjoints[:, :max(1, step.adjoints.shape[1] - 1)],
        lanes=step.lanes[:, :max(1, step.lanes.shape[1] - 1)])),
    "sums begin at +0": in_forward(each_sum(lambda step: step._replace(start=step.start + 0.0))),
    "sums have the factors of their neighbours": in_forward(each_sum(rolled)),
    "adjoints have the factors of their neighbours": in_backward(each_sum(rolled)),
    "gradients go to the neighbours": in_outer(lambda step: step._replace(
        parameters=np.roll(step.parameters, 1, axis=-1))),
    "inputs of operations are exchanged": in_forward(lambda step: step._replace(inputs=step.inputs[::-1]) if isinstance(
        step, steps.Apply) and len(step.inputs) == 2 else step),
    "slopes are exchanged": in_forward(lambda step: step._replace(slopes=step.slopes[::-1]) if isinstance(
        step, steps.Apply) and len(step.inputs) == 2 else step),
    "constants are lost": in_forward(lambda step: step._replace(constants=step.op.sample) if isinstance(
        step, steps.Apply) else step),
    "a row of an operation is turned": in_forward(lambda step: step._replace(inputs=step.inputs[:, ::-1]) if isinstance(
        step, steps.Rows) else step),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_plans_is_found(fault, monkeypatch):
    monkeypatch.setattr(plan, "planned", lambda *arguments, right=plan.planned: FAULTS[fault](right(*arguments)))
    with pytest.raises(AssertionError, match="seed"):
        for seed in QUICK:
            compare(seed)


def test_numbers_that_are_trusted_without_a_look_at_flags_are_found(monkeypatch):
    monkeypatch.setattr(by_numpy.Run, "is_clean", lambda *_: True)
    with pytest.raises(AssertionError, match="seed"):
        for seed in QUICK:
            compare(seed, lambda rng: [NUMPY])
