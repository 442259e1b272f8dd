"""Plans of programs: the structure they find, the memory they need, and numpy running them with the engine's bits."""

import itertools
import random
import tracemalloc
from functools import partial

import pytest

import tinygrad_edu as tg
from tinygrad_edu import MLP, OPS, Value
from tinygrad_edu.engine import formula as m

np = pytest.importorskip("numpy", reason='programs run batches by numpy: pip install ".[test]"')
from tinygrad_edu.fast import by_numpy  # noqa: E402
from tinygrad_edu.fast.by_numpy import Run, run_plan  # noqa: E402
from tinygrad_edu.fast.layout import Layout, last_uses  # noqa: E402
from tinygrad_edu.fast.plan import planned  # noqa: E402
from tinygrad_edu.fast.steps import Apply, Layer, Outer, Pairs, Rows  # noqa: E402
from tinygrad_edu.fast.tape import recorded  # noqa: E402
from tinygrad_edu.fast.words import on_arrays  # noqa: E402

# ---- what is planned -----------------------------------------------------------------------------------------


def tape_of(f, inputs):
    """What f does with a list of so many inputs."""
    values = [Value(0.5) for _ in range(inputs)]
    with tg.errstate(all="ignore"):
        return recorded([f(values)], values)[0]


def network_loss(sizes, activation="tanh", fused=True):
    """The loss of a network on one row, its inputs followed by the targets."""
    model = MLP(sizes[0], sizes[1:], activation, rng=0, fused=fused)

    def loss(row):
        outputs = model(row[:sizes[0]])
        return tg.softmax_cross_entropy(outputs, row[sizes[0]:])
    return loss, sizes[0] + sizes[-1]


def recurrent(positions, width=4, inputs=2):
    rng = random.Random(0)
    across, along = ([[Value(rng.gauss(0, 1)) for _ in range(n)] for _ in range(width)] for n in (inputs, width))

    def last_state(row):
        state = [tg.Value(0.0).detach()] * width
        for k in range(positions):
            x = row[k * inputs:(k + 1) * inputs]
            state = [tg.tanh(tg.dot(w, x) + tg.dot(v, state)) for w, v in zip(across, along)]
        return tg.sum(state)
    return last_state, positions * inputs


def attention(positions, width=4):
    """Each position asks all others; one head, no causal mask."""
    rng = random.Random(0)
    query, key, value = ([[Value(rng.gauss(0, 1)) for _ in range(width)] for _ in range(width)] for _ in range(3))

    def linear(rows, x):
        return [tg.dot(w, x) for w in rows]

    def mixed(row):
        xs = [row[k * width:(k + 1) * width] for k in range(positions)]
        keys, values = [linear(key, x) for x in xs], [linear(value, x) for x in xs]
        found = []
        for x in xs:
            asked = linear(query, x)
            powers = [tg.exp(tg.dot(asked, k) * 0.5) for k in keys]
            total = tg.sum(powers)
            shares = [p / total for p in powers]
            found += [tg.dot(shares, list(column)) for column in zip(*values)]
        return tg.mean([tg.square(x) for x in found])
    return mixed, positions * width


def all_steps(plan):
    return [*plan.forward, *plan.backward, *plan.outer]


def shapes(plan):
    """What the steps are, and how large: all that matters for how fast they run."""
    return [(type(step).__name__, step.op.name if isinstance(step, Apply | Rows) else "",
             *[part.shape for part in step if isinstance(part, np.ndarray)]) for step in all_steps(plan)]


# ---- structure -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "gelu"])
@pytest.mark.parametrize("sizes", [[3, 2], [2, 5, 4, 3], [9, 4, 2]], ids=str)
def test_fused_and_unfused_networks_have_the_same_steps(sizes, activation):
    fused, unfused = (planned(tape_of(*network_loss(sizes, activation, fused))) for fused in (True, False))
    assert shapes(fused) == shapes(unfused)


@pytest.mark.parametrize("sizes", [[3, 2], [2, 5, 4, 3]], ids=str)
def test_each_layer_of_a_network_is_one_layer_forward_one_back_and_one_product_for_its_gradients(sizes):
    plan = planned(tape_of(*network_loss(sizes)))
    layers = [(len(step.lanes) - 1, len(step.out)) for step in plan.forward if isinstance(step, Layer)]
    turned = [(len(step.out), len(step.lanes)) for step in plan.backward if isinstance(step, Layer)]
    products = [(len(step.lanes) - 1, len(step.adjoints)) for step in plan.outer if isinstance(step, Outer)]
    wanted = list(itertools.pairwise(sizes))
    assert layers == wanted
    assert turned == wanted[:0:-1]                      # nobody asks for the adjoints of the inputs
    assert sorted(products) == sorted(wanted)


def test_a_wider_network_takes_no_more_steps():
    narrow, wide = (len(all_steps(planned(tape_of(*network_loss([width, width, width]))))) for width in (2, 30))
    assert narrow == wide


@pytest.mark.parametrize("model", [recurrent, attention])
def test_steps_grow_with_positions_only_and_at_most_as_fast(model):
    """Attention has so many products at each position as there are positions: its steps must not."""
    few, more, wider = (len(all_steps(planned(tape_of(*model(*size))))) for size in [(4, 5), (8, 5), (4, 9)])
    assert wider == few
    assert more <= 2 * few


@pytest.mark.parametrize("model", [recurrent, attention])
def test_gradients_of_weights_that_positions_share_take_as_many_steps_for_few_as_for_many(model):
    few, many = (len(planned(tape_of(*model(positions))).outer) for positions in (3, 7))
    assert few == many


def test_a_function_of_a_number_is_no_layer():
    """One neuron alone gains nothing from being one."""
    w, b = Value(2.0), Value(1.0)
    assert not any(isinstance(step, Layer) for step in planned(tape_of(lambda row: w * row[0] + b, 1)).forward)


@pytest.mark.parametrize("f", [
    lambda x, y: x - y + x, lambda x, y: -x + y, lambda x, y: x + y + x * y, lambda x, y: tg.sum([x, y, x]) - y * y,
    lambda x, y: x * y - 2.0, lambda x, y: 0.0 + x + y], ids=range(6))
def test_sums_differences_and_negations_are_one_step(f):
    plan = planned(tape_of(lambda row: f(*row), 2), gradients=None)
    assert [type(step) for step in plan.forward][-1:] == [Pairs]
    assert len(plan.forward) <= 2


def written_once_before_they_are_read(plan):
    """Is each number computed by one step, and by none before those it is made of?"""
    known = np.zeros(plan.size, bool)
    known[[i for i, op in enumerate(plan.tape.ops) if op is None]] = True
    known[[*plan.literals, plan.seed]] = True
    for step in [*plan.forward, *plan.backward]:
        slopes = step.slopes[step.slopes >= 0] if isinstance(step, Apply | Rows) else np.array([], int)
        made = np.concatenate([step.out, slopes])
        if not known[step.reads].all() or known[made].any() or len(set(made.tolist())) < len(made):
            return False
        known[made] = True
    return all(known[step.reads].all() for step in plan.outer)


def random_function(seed):
    """(f, how many inputs it takes, its parameters): a random function of many operations, and shared parts."""
    rng = random.Random(seed)
    inputs, parameters = rng.randint(1, 4), [Value(rng.uniform(-2, 2)) for _ in range(rng.randint(1, 6))]
    single = [tg.tanh, tg.relu, tg.sigmoid, tg.sin, tg.softplus, tg.abs, tg.square, tg.identity, tg.step, lambda x: -x,
              lambda x: x * 0.5, lambda x: 1.5 - x, lambda x: 0.0 + x, lambda x: x / 3.0, tg.gelu]
    double = [tg.add, tg.sub, tg.mul, tg.maximum, tg.minimum, tg.hypot, tg.greater, tg.mul, tg.add,
              lambda x, y: tg.where(tg.less(x, y), x, y * y)]
    rows = [tg.sum, tg.mean, tg.prod, tg.max, tg.logsumexp, lambda row: tg.dot(row, row[::-1])]
    steps = [(rng.choice([single, double, rows]), rng.random(), rng.random()) for _ in range(rng.randint(2, 40))]

    def f(row):
        pool, draw = [*row, *parameters], random.Random(seed)
        for kinds, which, tame in steps:
            makes = kinds[int(which * len(kinds))]
            count = {id(single): 1, id(double): 2}.get(id(kinds)) or draw.randint(1, 5)
            taken = draw.choices(pool, k=count)
            made = makes(taken) if kinds is rows else makes(*taken)
            pool.append(tg.tanh(made) if tame < 0.6 else made)
        return tg.sum(pool[-4:]) * 0.25 + parameters[0] * row[0]
    return f, inputs, parameters


@pytest.mark.parametrize("seed", range(40))
def test_every_number_is_computed_once_and_before_it_is_read(seed):
    f, inputs, _ = random_function(seed)
    assert written_once_before_they_are_read(planned(tape_of(f, inputs)))


def test_the_check_of_the_order_finds_steps_that_changed_places():
    plan = planned(tape_of(*network_loss([2, 5, 4, 3])))
    plan.forward[0], plan.forward[1] = plan.forward[1], plan.forward[0]
    assert not written_once_before_they_are_read(plan)


# ---- memory --------------------------------------------------------------------------------------------------


def test_a_long_chain_needs_no_more_columns_than_a_short_one():
    def chain(row, length):
        x = row[0]
        for _ in range(length):
            x = tg.tanh(x * 0.9 + row[1])
        return x
    short, long = (Layout(planned(tape_of(partial(chain, length=n), 2), gradients=None), np.arange(0)).columns
                   for n in (5, 500))
    assert short == long


def test_without_gradients_what_was_read_makes_room():
    tape = tape_of(*recurrent(positions=40))
    parameters = np.arange(len(tape.parameters))
    for gradients in (None, 1):
        plan = planned(tape, gradients)
        numbers = sum(len(step.out) for step in [*plan.forward, *plan.backward])
        assert Layout(plan, parameters).columns < (0.5 if gradients is None else 0.8) * numbers


def test_planning_takes_little_memory_for_each_parameter():
    """A hundred bytes for each of its few arrays: no object is made for a weight."""
    loss, inputs = network_loss([300, 100, 10])
    tape = tape_of(loss, inputs)
    planned(tape)
    tracemalloc.start()
    planned(tape)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 400 * len(tape.parameters)


# ---- numpy runs it, with the engine's bits -------------------------------------------------------------------


def hexes(numbers):
    return [float(x).hex() for x in np.ravel(numbers)]


def by_the_engine(f, parameters, rows):
    for p in parameters:
        p.grad = 0.0
    losses = [f([Value(x).detach() for x in row]) for row in rows]
    loss = tg.mean(losses)
    loss.backward()
    return hexes([x.data for x in losses]), hexes([p.grad for p in parameters])


def by_numpy_alone(f, parameters, rows):
    tape = tape_of(f, len(rows[0]))
    outputs, gradients, is_clean = run_plan(planned(tape), np.array(rows), [p.data for p in tape.values], 1 / len(rows))
    by_value = dict(zip(tape.values, gradients.tolist()))
    return (hexes(outputs), hexes([by_value.get(p, 0.0) for p in parameters])), is_clean


def random_rows(seed, inputs):
    rng = random.Random(seed)
    return [[rng.choice([rng.gauss(0, 1), rng.randint(-4, 4) / 2, -0.0]) for _ in range(inputs)]
            for _ in range(rng.randint(1, 5))]


@pytest.mark.parametrize("first", range(0, 300, 20))
def test_random_functions_have_the_bits_of_the_engine(first):
    dirty = 0
    for seed in range(first, first + 20):
        f, inputs, parameters = random_function(seed)
        rows = random_rows(seed, inputs)
        found, is_clean = by_numpy_alone(f, parameters, rows)
        assert found == by_the_engine(f, parameters, rows) or not is_clean, seed
        dirty += not is_clean
    assert dirty <= 4                       # where the engine is asked after all, because something is not finite


@pytest.mark.parametrize("model", [recurrent, attention])
def test_models_have_the_bits_of_the_engine(model):
    f, inputs = model(3)
    parameters = tape_of(f, inputs).values
    rows = random_rows(1, inputs)
    assert by_numpy_alone(f, parameters, rows) == (by_the_engine(f, parameters, rows), True)


def test_the_rows_of_a_long_batch_are_taken_in_blocks_with_the_same_bits(monkeypatch):
    f, inputs, parameters = random_function(7)
    rows = [[x] * inputs for x in np.linspace(-1, 1, 50).tolist()]
    whole = by_numpy_alone(f, parameters, rows)
    monkeypatch.setattr(by_numpy, "TABLE", 7 * len(planned(tape_of(f, inputs)).columns))
    assert by_numpy_alone(f, parameters, rows) == whole


@pytest.mark.parametrize("width", [3, 40])
def test_wide_and_narrow_products_are_added_up_in_the_same_order(width, monkeypatch):
    loss, inputs = network_loss([width, width, 3])
    parameters = tape_of(loss, inputs).values
    rows = [[random.Random(k).gauss(0, 1) for _ in range(inputs - 3)] + [0.2, 0.3, 0.5] for k in range(9)]
    whole = by_numpy_alone(loss, parameters, rows)
    assert whole == (by_the_engine(loss, parameters, rows), True)
    for limit in (0, 10 ** 9):
        monkeypatch.setattr(by_numpy, "WIDE", limit)
        monkeypatch.setattr(by_numpy, "LONG", 4)
        assert by_numpy_alone(loss, parameters, rows) == whole


w, v = Value(0.5), Value(-1.5)
EDGES = {
    "only parameters in a part": lambda x, y: (w * w + v) * x + tg.exp(w),
    "a parameter is what it returns": lambda x, y: w,
    "a parameter used twice": lambda x, y: w * w,
    "an input is not used": lambda x, y: tg.tanh(w * x),
    "an input is added to itself": lambda x, y: x + x + w,
    "a sum of nothing but plain numbers and a parameter": lambda x, y: 0.0 + w,
    "a sum that begins with a plain number": lambda x, y: 0.1 + w * x + v * y,
    "a sum that begins with the other zero": lambda x, y: -0.0 + w * 0.0 + x * -0.0,
    "a difference of parameters": lambda x, y: (w - v) * x - w,
    "a branch that is closed": lambda x, y: tg.where(tg.greater(x, 10.0), tg.exp(w), v) * y,
    "a slope of 0 everywhere": lambda x, y: tg.step(w * x) + v * y,
    "nothing but a slope of 0": lambda x, y: tg.step(w) * x,
    "the same number many times": lambda x, y: tg.dot([w, w, x], [x, w, w]),
    "a maximum that is a tie": lambda x, y: tg.max([w * x, w * x, v]),
    "an op of which no gradient is wanted": lambda x, y: tg.logsumexp([x, y]) * w,
    "a power of a constant": lambda x, y: (w * x) ** 3 + 2.0 ** w,
    "one term": lambda x, y: tg.sum([tg.dot([w], [x])]),
    "negations of negations": lambda x, y: -tg.neg(w - tg.neg(x)) - tg.neg(-y),
}


@pytest.mark.parametrize("f", EDGES.values(), ids=EDGES)
@pytest.mark.parametrize("rows", [[[0.25, -3.0]], [[0.0, -0.0], [-0.0, 1.5], [2.0, 2.0]]], ids=["one row", "three rows"])
def test_edges_have_the_bits_of_the_engine(f, rows):
    assert by_numpy_alone(lambda row: f(*row), [w, v], rows) == (by_the_engine(lambda row: f(*row), [w, v], rows), True)


EDGES = [0.0, -0.0, 1.0, -2.5, -1.0, 0.5, 3.0, 1e-320, 1e160, -1e160, 710.0, -746.0]


def bits(x):
    return "nan" if x != x else float(x).hex()


@pytest.mark.parametrize("op", OPS.values(), ids=repr)
def test_each_operation_on_arrays_has_the_bits_of_the_engine_at_edges(op):
    """Its value, and its local gradients where the value is a number: those of nan are nan, and nobody asks for them."""
    length = 3 if op.rows else 1
    count = length * len(op.inputs)
    points = list(itertools.product(EDGES if count < 3 else EDGES[:4], repeat=count))
    columns = [np.array(column) for column in zip(*points)]
    with tg.errstate(all="ignore"), np.errstate(all="ignore"):
        value, slopes = on_arrays(op)(*op.in_rows(columns), **op.sample)
        wanted = [(value, op.one_by_one(slopes)) for value, slopes in
                  (op.evaluate(*op.in_rows(point), **op.sample) for point in points)]
    found = np.broadcast_arrays(value, *op.one_by_one(slopes), columns[0])[:-1]
    assert [bits(x) for x in found[0]] == [bits(value) for value, _ in wanted]
    for k, (value, slopes) in enumerate(wanted):
        assert value != value or [bits(x[k]) for x in found[1:]] == [bits(x) for x in slopes], points[k]


def test_an_operation_of_ones_own_runs_there():
    @tg.op("bump", tg.REAL)
    def bump(x):
        """A hill around 0."""
        e = m.exp(-x * x)
        return e, (-2 * x * e,)

    p = Value(0.3)
    program = tg.compile(lambda x: tg.tanh(bump(p * x)), 0.0)
    rows = [[0.0], [1.0], [-2.5]]
    program.backward([x for x, in rows])
    found = p.grad.hex()
    assert [found] == by_the_engine(lambda row: tg.tanh(bump(p * row[0])), [p], rows)[1]


# ---- where the engine has to be asked ------------------------------------------------------------------------

SUSPECT = {
    "an overflow that is divided away": lambda x: w / tg.exp(1000.0 * x),
    "a division by 0": lambda x: w / (x - 1.0),
    "a logarithm of 0": lambda x: tg.where(tg.greater(x, 5.0), tg.log(x - 1.0), w),
    "a product that overflows": lambda x: tg.tanh(w * x * 1e308 * 1e10),
    "a gradient that is not finite": lambda x: tg.sqrt(w * (x - 1.0)),
    "a nan that was there": lambda x: w * x * float("nan"),
}
FINE = {
    "nothing": lambda x: w * x,
    "an underflow": lambda x: w * tg.exp(-1000.0 * x) * 1e-300,
    "a branch that is not taken divides by 0": lambda x: w * tg.sinc(x - 1.0),
    "an infinity that was there": lambda x: w + tg.minimum(x, float("inf")),
}


@pytest.mark.parametrize("f", [*SUSPECT.values(), *FINE.values()], ids=[*SUSPECT, *FINE])
def test_the_engine_is_asked_where_it_could_raise_an_error_and_not_where_all_is_finite(f):
    _, is_clean = by_numpy_alone(lambda row: f(*row), [w], [[1.0], [1.0]])
    assert is_clean is (f in FINE.values())


def test_what_no_step_reads_later_is_the_only_thing_given_back():
    """Each column that a step reads was last written by the step that computes the number it reads."""
    for seed in range(30):
        f, inputs, _ = random_function(seed)
        plan = planned(tape_of(f, inputs))
        last = last_uses(plan, [*plan.forward, *plan.backward])
        for k, step in enumerate([*plan.forward, *plan.backward]):
            assert (last[step.reads] >= k).all() and (last[step.out] >= k).all()
        assert all((last[step.reads] == len(plan.forward) + len(plan.backward)).all() for step in plan.outer)


def test_a_run_keeps_every_number_it_was_asked_for():
    f, inputs, _ = random_function(3)
    plan = planned(tape_of(f, inputs))
    run = Run(plan, np.ones((2, inputs)), [p.data for p in plan.tape.values])
    assert run.outputs().shape == (2, 1)
