"""Parameters of programs: whoever looks at a Value sees its number of now, and steps on arrays have the bits of lists."""

import copy
import gc
import math
import pickle
import random
import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import GradientError, Value
from tinygrad_edu.fast.parameters import shared
from tinygrad_edu.nn import chunks, optim

needs_native = pytest.mark.skipif(tg.engine_name != "native", reason="in the engine in Python, Values keep their numbers")
OPTIMIZERS = [x for x in vars(optim).values()
              if isinstance(x, type) and issubclass(x, optim.Optimizer) and x is not optim.Optimizer]
SETTINGS = [{}, {"weight_decay": 0.125}]
OPTIONS = [(optim.SGD, {"momentum": 0.9}), (optim.SGD, {"momentum": 0.9, "dampening": 0.5}), (optim.SGD, {"momentum": 0.9, "nesterov": True}),
           (optim.RMSprop, {"centered": True}), (optim.Adam, {"amsgrad": True}), (optim.AdamW, {"amsgrad": True})]
RULES = [(kind, settings) for kind in OPTIMIZERS for settings in SETTINGS] + [(optim.Momentum, {"convention": "step"})] + OPTIONS
ROWS = [0.5, -1.0, 0.25]


def bits(values):
    return [(v.data.hex(), v.grad.hex()) for v in values]


def cost(weights):
    """A function of one number, in which every weight counts, and some meet others."""
    def f(x):
        total = tg.dot(weights, [x] * len(weights))
        return (total + weights[0] * weights[-1] - 0.5) ** 2
    return f


# ---- Values and plain twins of them, through all that may happen to them ----------------------------------


class World:
    """Values that programs own from time to time, and twins that none ever owned: what happens, happens to both."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.values = [Value(self.random.uniform(-1, 1)) for _ in range(6)]
        self.twins = [Value(v.data) for v in self.values]
        self.programs = []
        self.optimizers = [optim.Adam(self.values[1:], lr=0.01), optim.Adam(self.twins[1:], lr=0.01)]

    def some(self):
        """Some of the Values, in any order, and their twins."""
        places = self.random.sample(range(6), self.random.randint(1, 4))
        return [self.values[i] for i in places], [self.twins[i] for i in places]

    def happen(self):
        """One of the methods below."""
        names = ("set_data", "set_grad", "go_back", "forget", "compile", "compile", "drop", "call", "run_back", "run_back",
                 "step", "clip", "copy")
        name = self.random.choice(names)
        getattr(self, name)()
        assert bits(self.values) == bits(self.twins), name

    def set_data(self):
        for v, twin in zip(*self.some()):
            v.data = twin.data = self.random.uniform(-1, 1)

    def set_grad(self):
        for v, twin in zip(*self.some()):
            v.grad = twin.grad = self.random.uniform(-1, 1)

    def go_back(self):
        for weights in self.some():
            cost(weights)(0.75).backward()

    def forget(self):
        for weights in self.some():
            cost(weights)(0.75).zero_grad()

    def compile(self):
        weights, twins = self.some()
        self.programs.append((tg.compile(cost(weights), 0.0), cost(twins)))
        del self.programs[:-4]

    def drop(self):
        if self.programs:
            self.programs.pop(self.random.randrange(len(self.programs)))

    def call(self):
        for program, f in self.programs:
            assert program(ROWS).tolist() == [f(x).data for x in ROWS]

    def run_back(self):
        for program, f in self.programs:
            loss = tg.mean([f(x) for x in ROWS])
            loss.backward()
            assert program.backward(ROWS) == loss.data

    def step(self):
        for optimizer in self.optimizers:
            optimizer.step()

    def clip(self):
        lists = self.some()
        for clip in (tg.clip_gradients_by_value, tg.clip_gradients_by_norm):
            assert clip(lists[0], 0.25) == clip(lists[1], 0.25)

    def copy(self):
        for v, twin in zip(self.values, self.twins):
            for made in (copy.copy(v), copy.deepcopy(v), pickle.loads(pickle.dumps(v))):
                assert bits([made]) == bits([twin])


@pytest.mark.filterwarnings("ignore:every gradient is 0")
@pytest.mark.parametrize("seed", range(12))
def test_a_value_has_the_number_of_its_twin_that_no_program_owned(seed):
    world = World(seed)
    for _ in range(60):
        world.happen()
    world.programs.clear()
    assert bits(world.values) == bits(world.twins)


@needs_native
@pytest.mark.filterwarnings("ignore:every gradient is 0")
@pytest.mark.parametrize("name", ["parts stay where they were", "places are mixed up", "gradients are lost"])
def test_the_twins_see_a_planted_fault(name, monkeypatch):
    from tinygrad_edu.fast.owned import OwnedParameters
    if name == "parts stay where they were":
        monkeypatch.setattr(OwnedParameters, "take", lambda self, values, data, grad, parts:
                            super(OwnedParameters, self).take(values, data, grad, ()), raising=False)
    elif name == "places are mixed up":
        places_of = OwnedParameters.places_of
        monkeypatch.setattr(OwnedParameters, "places_of", lambda self, values: places_of(self, values)[::-1].copy())
    else:
        monkeypatch.setattr(chunks.Chunks, "set_grad", lambda self, new: None)
    with pytest.raises((AssertionError, ValueError)):
        for seed in range(12):
            test_a_value_has_the_number_of_its_twin_that_no_program_owned(seed)


def test_programs_over_the_same_values_share_one_array():
    w, b, c = Value(2.0), Value(1.0), Value(3.0)
    training, validation = tg.compile(lambda x: w * x + b, 0.0), tg.compile(lambda x: b - w * x, 0.0)
    apart = tg.compile(lambda x: c * x, 0.0)
    training([1.0]), validation([1.0]), apart([1.0])
    if tg.engine_name == "native":
        assert training.array is validation.array is not apart.array
    both = tg.compile(lambda x: w * x + c, 0.0)
    w.data, c.data = 5.0, 7.0
    assert [p([1.0]).tolist() for p in (training, validation, apart, both)] == [[6.0], [-4.0], [7.0], [12.0]]


def test_large_arrays_are_brought_together():
    """Their memory is gone as soon as nobody holds it, so that whoever reads it too late comes to harm."""
    values = [Value(float(i)) for i in range(60_000)]
    first, second = shared(values[:30_000]), shared(values[25_000:])
    third = shared(values[::-1])
    for v in values:
        v.grad = 2.0 * v.data
    assert third.data[third.places_of(values)].tolist() == [float(i) for i in range(60_000)]
    assert first.data[:30_000].tolist() == [float(i) for i in range(30_000)]
    assert second.grad[second.places_of(values[40_000:])].tolist() == [2.0 * i for i in range(40_000, 60_000)]
    del first, second, third
    assert [(v.data, v.grad) for v in values] == [(float(i), 2.0 * i) for i in range(60_000)]


def test_eager_code_sees_what_a_program_adds_and_the_other_way_round():
    w = Value(3.0, label="w")
    program = tg.compile(lambda x: w * x, 0.0)
    program.backward([2.0, 4.0])
    assert (w.grad, repr(w)) == (3.0, "Value(data=3.0, grad=3.0, label='w')")
    (w * w).backward()
    assert w.grad == 9.0
    program.backward([1.0], reduce="sum")
    assert w.grad == 10.0
    w.data = 4
    assert (w * 2).data == 8.0 and w > 3.5 and f"{w:.1f}" == "4.0" and w.item() == 4.0 and w.detach().data == 4.0
    assert tg.leaves(w * 2) == [w] and program([1.0]).tolist() == [4.0]
    w.backward()
    assert w.grad == 11.0
    w.zero_grad()
    assert w.grad == 0.0 == shared([w]).grad[0]


def test_a_backward_that_is_refused_leaves_parameters_as_they_were():
    w, b = Value(0.0), Value(2.0)
    program = tg.compile(lambda x: w * x + b, 0.0)
    program.backward([1.0, 2.0])
    before = bits([w, b])
    with pytest.raises(GradientError):
        (tg.sqrt(w) + b).backward()
    assert bits([w, b]) == before


def test_a_frozen_parameter_gets_no_gradient_until_it_is_woken():
    w, b = Value(2.0), Value(1.0)
    program = tg.compile(lambda x: w * x + b, 0.0)
    program.backward([1.0])
    w.is_constant = True
    program.backward([1.0])
    assert (w.grad, b.grad) == (1.0, 2.0)
    w.data = 3.0
    assert program([1.0]).tolist() == [4.0]
    w.is_constant = False
    program.backward([1.0])
    assert (w.grad, b.grad) == (2.0, 3.0)


# ---- who lives how long -----------------------------------------------------------------------------------


def line(*weights):
    """A program that adds up powers of a number, each times its weight."""
    return tg.compile(lambda x: tg.dot(weights, [x ** k for k in range(len(weights))]), 0.0)


def test_when_the_last_program_goes_the_values_keep_their_numbers():
    gc.collect()
    gc.disable()
    try:
        before = tg.live_values()
        b, w = Value(1.0), Value(2.0)
        first, second = line(w), line(b, w)
        first.backward([1.0])
        second.backward([3.0])
        seen = weakref.ref(second.array)
        del first
        w.data = 7.0
        del second
        assert bits([b, w]) == [((1.0).hex(), (1.0).hex()), ((7.0).hex(), (4.0).hex())]
        assert seen() is None
        w.data = 8.0
        assert w.data == 8.0
        del w, b
        assert tg.live_values() == before
    finally:
        gc.enable()


def test_a_program_keeps_values_that_nobody_else_holds():
    before = tg.live_values()
    program = tg.compile(cost([Value(2.0), Value(1.0)]), 0.0)
    expected = (2.0 * 3.0 + 1.0 * 3.0 + 2.0 - 0.5) ** 2
    assert program([3.0]).tolist() == [expected] and program.backward([3.0]) == expected
    del program
    gc.collect()
    assert tg.live_values() == before


def test_a_program_in_a_cycle_gives_the_numbers_back():
    class Holder:
        pass
    w, holder = Value(2.0), Holder()
    holder.itself, holder.program = holder, tg.compile(lambda x: w * x, 0.0)
    holder.program.backward([3.0])
    w.data = 5.0
    del holder
    gc.collect()
    assert bits([w]) == [((5.0).hex(), (3.0).hex())]
    w.data = 6.0
    assert w.data == 6.0


def test_an_interpreter_ends_while_programs_own_parameters():
    script = """
import tinygrad_edu as tg
w, v = tg.Value(2.0), tg.Value(3.0)
first, second = tg.compile(lambda x: w * x, 0.0), tg.compile(lambda x: v * x, 0.0)
both = tg.compile(lambda x: w * x + v, 0.0)
for program in (first, second, both):
    program.backward([1.0])
print(w.grad, v.grad)
"""
    done = subprocess.run([sys.executable, "-X", "dev", "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "2.0 2.0\n", "")


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copied_program_owns_the_copies(copied):
    w, b = Value(2.0), Value(1.0)
    program = tg.compile(lambda x: w * x + b, 0.0)
    program.backward([1.0])
    array, w2, program2 = copied((program.array, w, program))
    w2.data = 5.0
    program2.backward([1.0])
    assert (w.data, w.grad, w2.data, w2.grad) == (2.0, 1.0, 5.0, 2.0)
    assert program2([1.0]).tolist() == [6.0] and program([1.0]).tolist() == [3.0]
    assert array.data.tolist() == [5.0, 1.0]


# ---- threads ----------------------------------------------------------------------------------------------


def run_all(*jobs):
    failures = []

    def watched(job):
        try:
            job()
        except BaseException as error:
            failures.append(error)
    threads = [threading.Thread(target=watched, args=[job]) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_no_gradient_is_lost_where_threads_add_to_it():
    w, b = Value(2.0), Value(1.0)
    programs = [tg.compile(lambda x: w * x + b, 0.0), tg.compile(lambda x: b - w * x, 0.0)]

    def add(program):
        for _ in range(100):
            program.backward([1.0, 3.0], reduce="sum")

    def add_eagerly():
        for _ in range(100):
            (w * 8 + b).backward()
    run_all(lambda: add(programs[0]), lambda: add(programs[0]), lambda: add(programs[1]), add_eagerly)
    assert (w.grad, b.grad) == (100 * (4 + 4 - 4 + 8), 100 * (2 + 2 + 2 + 1))


def test_no_gradient_is_lost_while_arrays_are_brought_together():
    values = [Value(float(i)) for i in range(12)]
    programs = [line(*values[i:i + 2]) for i in range(0, 12, 2)]
    done = threading.Event()

    def add():
        try:
            for _ in range(50):
                for program in programs:
                    program.backward([1.0, 1.0], reduce="sum")
        finally:
            done.set()

    def bring_together():
        rng, kept = random.Random(2), []
        while not done.is_set():
            kept.append(line(*rng.sample(values, 3)))
            kept[-1]([1.0])
            del kept[:-2]
    run_all(add, bring_together)
    assert [v.grad for v in values] == [100.0] * 12


def test_other_threads_see_the_number_while_arrays_come_and_go():
    values = [Value(float(i)) for i in range(20)]
    done = threading.Event()

    def come_and_go():
        try:
            rng = random.Random(1)
            programs = []
            for _ in range(60):
                programs.append(tg.compile(cost(rng.sample(values, 3)), 0.0))
                programs[-1]([1.0])
                del programs[:-3]
        finally:
            done.set()

    def look():
        while not done.is_set():
            assert [v.data for v in values] == [float(i) for i in range(20)]
            assert tg.sum(values).data == 190.0
    run_all(come_and_go, look)


# ---- optimizers: the bits of lists ------------------------------------------------------------------------


def wild(rng):
    """A gradient of any size and sign, or a zero of either sign."""
    return rng.choice([0.0, -0.0, rng.gauss(0, 1) * 10 ** rng.uniform(-12, 12), rng.gauss(0, 1)])


class Path:
    """Steps of an optimizer over two groups of parameters, which lie in an array, or do not."""

    def __init__(self, kind, settings, size=50):
        self.random = random.Random(size)
        self.values = [Value(self.random.gauss(0, 1)) for _ in range(size)]
        groups = [{"params": self.values[:size // 3], "lr": 0.02}, {"params": self.values[size // 3:]}]
        self.optimizer = kind(groups, **settings)
        self.found = []

    def own(self, in_a_row):
        order = list(self.values)
        if not in_a_row:
            random.Random(5).shuffle(order)
        return shared([Value(0.0), *order])

    def step(self):
        self.optimizer.zero_grad()
        for v in self.values:
            v.grad += wild(self.random)
        self.optimizer.lr = self.random.uniform(0.01, 0.02)
        self.optimizer.step()
        self.found.append(([v.data.hex() for v in self.values], self.optimizer.steps_taken))

    def state(self):
        state = self.optimizer.state_dict()
        return {**state, "memory": [{name: float(x).hex() for name, x in row.items()} for row in state["memory"]]}


@pytest.mark.parametrize("in_a_row", [True, False])
@pytest.mark.parametrize("kind, settings", RULES)
def test_a_step_on_an_array_has_the_bits_of_lists(kind, settings, in_a_row, monkeypatch):
    monkeypatch.setattr(chunks, "LONGEST", 8)                      # so that each group has several chunks
    plain, owned = Path(kind, settings), Path(kind, settings)
    array = owned.own(in_a_row)
    for _ in range(20):
        plain.step()
        owned.step()
    assert owned.found == plain.found and owned.state() == plain.state()
    assert sorted(array.data[1:].tolist()) == sorted(v.data for v in owned.values)
    if tg.engine_name == "native":
        assert len(owned.optimizer.chunks().parts) == 2 + 5        # the array was stepped on


@pytest.mark.parametrize("kind, settings", RULES)
def test_arrays_may_come_and_go_between_steps(kind, settings):
    plain, owned = Path(kind, settings), Path(kind, settings)
    array = None
    for k in range(20):
        if k in (3, 12):
            array = owned.own(in_a_row=k == 3)
        if k in (8, 17):
            del array
            owned.optimizer = copy.deepcopy(owned.optimizer) if k == 17 else owned.optimizer
            owned.values = owned.optimizer.parameters
        plain.step()
        owned.step()
        if k % 4 == 1:
            assert owned.state() == plain.state()
    assert owned.found == plain.found and owned.state() == plain.state()


@pytest.mark.parametrize("kind, settings", RULES)
def test_a_saved_state_goes_on_from_an_array(kind, settings):
    plain, owned = Path(kind, settings), Path(kind, settings)
    array = owned.own(in_a_row=True)
    for path in (plain, owned):
        for _ in range(3):
            path.step()
        path.optimizer.load_state_dict(pickle.loads(pickle.dumps(path.optimizer)).state_dict())
        path.optimizer.memory[2].update(dict.fromkeys(path.optimizer.names(), 0.5))       # by hand, as it may be
        for _ in range(3):
            path.step()
    assert owned.found == plain.found and owned.state() == plain.state()
    assert len(array.values) == 51


def test_every_option_is_among_the_rules():
    assert {(kind, name) for kind, settings in OPTIONS for name in settings} == {(kind, name) for kind in OPTIMIZERS for name in kind.options}


@pytest.mark.parametrize("kind, settings", OPTIONS)
def test_an_option_that_is_switched_on_in_an_array_has_the_bits_of_lists(kind, settings):
    plain, owned = Path(kind, {}), Path(kind, {})
    array = owned.own(in_a_row=True)
    for k in range(12):
        for path in (plain, owned):
            if k == 5:
                for name, value in settings.items():
                    path.optimizer.groups[1][name] = value
            path.step()
    assert owned.found == plain.found and owned.state() == plain.state() and len(array.values) == 51


@pytest.mark.parametrize("kind, settings", RULES)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e160, 1e300])
def test_what_is_refused_of_an_array_is_refused_in_the_same_words(kind, settings, bad):
    plain, owned = Path(kind, {**settings, "lr": 1e10}), Path(kind, {**settings, "lr": 1e10})
    array = owned.own(in_a_row=True)
    told = []
    for path in (plain, owned):
        path.step()
        path.step()
        path.values[3].grad = bad
        before = [v.data for v in path.values], path.state()
        try:
            path.optimizer.step()
            told.append(([v.data for v in path.values], path.state()))
        except GradientError as error:
            told.append(str(error))
            assert ([v.data for v in path.values], path.state()) == before
    assert told[0] == told[1] and len(array.values) == 51


def test_a_parameter_that_is_frozen_in_an_array_is_skipped_and_goes_on_later():
    plain, owned = Path(optim.Adam, {}), Path(optim.Adam, {})
    array = owned.own(in_a_row=True)
    for k in range(12):
        for path in (plain, owned):
            if k in (3, 8):
                path.values[5].is_constant = k == 3
            path.step()
    assert owned.found == plain.found and owned.state() == plain.state()
    assert {row["t"] for row in owned.optimizer.memory} == {12.0, 7.0} and len(array.values) == 51


@needs_native
def test_an_interrupted_step_on_an_array_moves_nothing(monkeypatch):
    path = Path(optim.Adam, {})
    array = path.own(in_a_row=True)
    path.step()
    before, move = array.data.copy(), chunks.Chunks.move

    def interrupted(self, new):
        move(self, new)
        if not (array.data == before).all():
            raise KeyboardInterrupt
    monkeypatch.setattr(chunks.Chunks, "move", interrupted)
    with pytest.raises(KeyboardInterrupt):
        path.step()
    assert (array.data == before).all() and path.optimizer.steps_taken == 1


def test_a_rule_of_ones_own_gets_numbers_also_from_an_array():
    class Largest(optim.Adam):
        def steps_for(self, gradients, memory, at):
            assert {*map(type, gradients)} == {float}
            return [at.lr * g / max(map(abs, gradients)) for g in gradients]

    class Sign(optim.Optimizer):
        def step_for(self, g, memory, at):
            return math.copysign(at.lr, g)

    for kind, settings in ((Largest, {}), (Sign, {"lr": 0.25})):
        plain, owned = Path(kind, settings), Path(kind, settings)
        array = owned.own(in_a_row=True)
        for _ in range(3):
            plain.step()
            owned.step()
        assert owned.found == plain.found and len(array.values) == 51


@pytest.mark.parametrize("in_a_row", [True, False])
def test_gradients_in_an_array_are_clipped_as_in_lists(in_a_row, monkeypatch):
    monkeypatch.setattr(chunks, "LONGEST", 8)
    for clip in (tg.clip_gradients_by_norm, tg.clip_gradients_by_value):
        for limit in (1e-3, 0.5, 1e20):
            plain, owned = Path(optim.SGD, {}), Path(optim.SGD, {})
            array = owned.own(in_a_row)
            for path in (plain, owned):
                for v in path.values:
                    v.grad = wild(path.random)
            assert clip(plain.values, limit) == clip(owned.values, limit)
            assert bits(plain.values) == bits(owned.values) and len(array.values) == 51
            owned.values[4].grad = math.inf
            with pytest.raises(GradientError, match="the gradient of parameter 4 is inf"):
                clip(owned.values, limit)
            with pytest.raises(ValueError, match="same parameter twice: index 0 and 50"):
                clip([*owned.values, owned.values[0]], limit)


# ---- what is refused --------------------------------------------------------------------------------------


def test_an_array_is_the_numbers_or_cannot_be_written_to():
    w = Value(2.0)
    array = shared([w])
    try:
        array.data[0] = 3.0
    except ValueError:
        assert tg.engine_name == "pure" and w.data == 2.0
    else:
        assert w.data == 3.0


@needs_native
def test_a_parameter_is_not_made_anew_while_a_program_owns_it():
    w = Value(2.0)
    array = shared([w])
    with pytest.raises(TypeError, match="a parameter of a compiled program cannot be made anew: set its data"):
        w.__init__(3.0)
    with pytest.raises(TypeError):
        w.data = "3"
    assert w.data == 2.0 and array.data.tolist() == [2.0]
    del array
    w.__init__(3.0)
    assert w.data == 3.0


@needs_native
def test_an_owner_takes_only_leaves_and_arrays_that_fit():
    from tinygrad_edu.native._native import Places, owner
    w, b = Value(2.0), Value(1.0)
    two, three = np.zeros(2), np.zeros(3)
    for values, data, wrong in [((w, w * b), two, ValueError), ((w, 1.0), two, TypeError), ((w, b), three, ValueError),
                                ((w, b), np.zeros(2, np.float32), ValueError), ((w, b), [0.0, 0.0], TypeError)]:
        with pytest.raises(wrong):
            Places(values, data, np.zeros(2))
        with pytest.raises(wrong):
            Places(values, np.zeros(2), data) if data is not two else Places(values, data, data.copy())
        assert owner(w) is None and w.data == 2.0
    places = Places((w, b), two, np.zeros(2))
    assert owner(w) is places and two.tolist() == [2.0, 1.0]
    for where in (np.array([0, 2]), np.array([-1, 0]), 1, -1):
        with pytest.raises(IndexError):
            places.move(np.ones(2), where)
        with pytest.raises(IndexError):
            places.add_to_grad(np.ones(2), where)
    with pytest.raises(ValueError, match="must come first"):
        places.take((b, w), np.zeros(2), np.zeros(2), ())
    with pytest.raises(ValueError):
        two.resize(5)                                               # the Values are there
    assert (w.data, w.grad, b.data) == (2.0, 0.0, 1.0)


def test_an_array_knows_what_lies_in_it():
    w, b = Value(2.0), Value(1.0)
    array = shared([w, b, w])
    assert array.places_of([b, w]).tolist() == [1, 0]
    with pytest.raises((ValueError, KeyError)):
        array.places_of([Value(3.0)])


def test_an_optimizer_brings_parameters_that_no_program_uses_to_the_others():
    used, unused = tg.Value(2.0), tg.Value(3.0)
    program = tg.compile(lambda x: (used * x) ** 2, 0.0)
    optimizer = tg.Adam([used, unused], lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        program.backward([1.0, 2.0])
        optimizer.step()
    assert unused.data == 3.0 and used.data < 2.0
    assert tg.engine_name != "native" or optimizer.chunks() is not None
