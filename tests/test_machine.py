"""A machine that does to Values whatever comes to its mind, beside a model made of Fractions.

Numbers are quarters, and operations such that floats stay exact: every number must equal the
model's, after any order of building, differentiating, changing, copying and dropping.
"""

import copy
import pickle
import random
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, multiple, rule

import tinygrad_edu as tg
from tinygrad_edu import Value

QUARTERS = st.integers(-12, 12).map(lambda k: Fraction(k, 4))
BINARY = {"add": lambda a, b: (a + b, (1, 1)), "sub": lambda a, b: (a - b, (1, -1)), "mul": lambda a, b: (a * b, (b, a)),
          "maximum": lambda a, b: (max(a, b), (Fraction(1, 2), Fraction(1, 2)) if a == b else (int(a > b), int(b > a)))}
UNARY = {"neg": lambda a: (-a, (-1,)), "square": lambda a: (a * a, (2 * a,)), "relu": lambda a: (max(a, Fraction(0)), (int(a > 0),)),
         "abs": lambda a: (abs(a), ((a > 0) - (a < 0),))}
BITS = 40               # of a number; beyond it floats might round


class Twin:
    """A node of the model: a Value, what it must hold, and the name of its operation."""

    def __init__(self, value, data, parents=(), local=(), name=""):
        self.value, self.data, self.parents, self.local, self.name, self.grad = value, data, parents, local, name, Fraction(0)

    def order(self):
        seen, found = set(), []

        def visit(twin):
            if id(twin) not in seen:
                seen.add(id(twin))
                for parent in twin.parents:
                    visit(parent)
                found.append(twin)
        visit(self)
        return found

    def gradients(self):
        """What backward from here adds, by forward-mode sums over the order."""
        reached = {id(self): Fraction(1)}
        for twin in reversed(self.order()):
            for parent, slope in zip(twin.parents, twin.local, strict=True):
                reached[id(parent)] = reached.get(id(parent), Fraction(0)) + reached.get(id(twin), 0) * slope
        return reached


def exact(number):
    return abs(number.numerator).bit_length() <= BITS and number.denominator.bit_length() <= BITS


class Machine(RuleBasedStateMachine):
    nodes = Bundle("nodes")

    @initialize(target=nodes, seed=st.integers(0, 10 ** 6))
    def a_graph_to_begin_with(self, seed):
        """A few leaves and a dozen operations on them, so that the machine does not stay shallow."""
        rng = random.Random(seed)
        twins = [self.new_twin(Fraction(rng.randint(-12, 12), 4)) for _ in range(3)]
        for _ in range(12):
            name = rng.choice([*BINARY, *UNARY])
            twins.append(self.two(name, *rng.choices(twins, k=2)) if name in BINARY else self.one(name, rng.choice(twins)))
        return multiple(*twins)

    @staticmethod
    def new_twin(number):
        return Twin(Value(number), number)

    @rule(target=nodes, number=QUARTERS)
    def new_leaf(self, number):
        return self.new_twin(number)

    @rule(target=nodes, name=st.sampled_from(sorted(BINARY)), a=nodes, b=nodes)
    def two(self, name, a, b):
        data, local = BINARY[name](a.data, b.data)
        return Twin(tg.OPS[name](a.value, b.value), data, (a, b), local, name) if exact(data) else a

    @rule(target=nodes, name=st.sampled_from(sorted(UNARY)), a=nodes)
    def one(self, name, a):
        data, local = UNARY[name](a.data)
        return Twin(tg.OPS[name](a.value), data, (a,), local, name) if exact(data) else a

    @rule(a=nodes)
    def backward(self, a):
        reached = a.gradients()
        if not all(map(exact, reached.values())):
            return
        a.value.backward()
        for twin in a.order():
            grad = reached.get(id(twin), Fraction(0))
            twin.grad = grad if twin.parents else twin.grad + grad

    @rule(a=nodes)
    def zero_grad(self, a):
        a.value.zero_grad()
        for twin in a.order():
            twin.grad = Fraction(0)

    @rule(a=nodes, number=QUARTERS)
    def set_leaf(self, a, number):
        """A leaf may be set; what was computed from it keeps its numbers until it is computed again."""
        if a.parents:
            with pytest.raises(AttributeError):
                a.value.data = float(number)
        else:
            a.value.data = number
            a.data = number

    @rule(a=consumes(nodes))
    def delete_reference(self, a):
        """The machine lets go of a node; those that were made from it hold it as long as they need it."""
        del a

    @rule(target=nodes, a=nodes, how=st.sampled_from([copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))]))
    def copy_graph(self, a, how):
        made = how(a.value)
        twins = {}
        for twin, value in zip(a.order(), tg.topological_order(made), strict=True):
            twins[id(twin)] = new = Twin(value, twin.data, tuple(twins[id(p)] for p in twin.parents), twin.local, twin.name)
            new.grad = twin.grad
            assert (value.data, value.grad) == (twin.data, twin.grad)
            assert tuple(value.local_grads) == tuple(map(float, twin.local))
        return twins[id(a)]

    @rule(a=nodes)
    def replay(self, a):
        """Run again from the leaves as they are now, exactly; the model does so too."""
        again = tg.replay(a.value, Fraction)
        fresh = {}
        for twin in a.order():
            parents = tuple(fresh[id(p)] for p in twin.parents)
            numbers = [p.data for p in parents]
            data, local = {**UNARY, **BINARY}[twin.name](*numbers) if parents else (twin.data, ())
            fresh[id(twin)] = Twin(twin.value, data, parents, local, twin.name)
        reached = fresh[id(a)].gradients()
        for twin in fresh.values():
            assert again.values[twin.value] == twin.data
            assert again.grads[twin.value] == reached.get(id(twin), 0)

    @rule(a=nodes)
    def steps_tell_the_same(self, a):
        try:
            events = tg.steps(a.value)
        except ValueError as error:
            assert "out of date" in str(error)
            return
        last = {}
        for event in events:
            if event.kind != "forward":
                last[event.parent if event.parent is not None else event.node] = event.value
        reached = a.gradients()
        if all(map(exact, reached.values())):
            for twin in a.order():
                assert last.get(twin.value, 0.0) == reached.get(id(twin), 0)

    @rule(a=nodes)
    def numbers_agree(self, a):
        for twin in a.order():
            assert twin.value.data == twin.data
            assert twin.value.grad == twin.grad


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=60, stateful_step_count=40,
                                suppress_health_check=list(HealthCheck), derandomize=True)


@pytest.mark.long
class TestMachineForLong(Machine.TestCase):
    settings = settings(max_examples=1500, stateful_step_count=60, suppress_health_check=list(HealthCheck))
