"""The engine in Python applies an op by a function written out from its rule: the same bits as by the rule itself."""

import inspect
import math
import operator
import pickle
import struct

import pytest
from engines import other_modules, pure
from hypothesis import given
from hypothesis import strategies as st
from test_engines import inputs_of

from tinygrad_edu import OPS
from tinygrad_edu.engine import formula as m
from tinygrad_edu.engine.formula import Formula
from tinygrad_edu.engine.ieee import COMPUTE
from tinygrad_edu.engine.recorders import Writer

PLAIN = [op for op in OPS.values() if not op.rows]


def bits(x):
    return "nan" if x != x else struct.pack("<d", x)


def tried(action):
    """The numbers that come of an action, or its error."""
    try:
        data, local_grads = action()
    except ValueError as error:                             # a DomainError
        return type(error).__name__
    return [type(data), bits(data), *map(bits, local_grads)]


# ---- whole operations ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ignored", [False, True])
@pytest.mark.parametrize("op", PLAIN, ids=repr)
def test_a_node_has_the_numbers_of_the_rule(op, ignored):
    tg, modules = pure()
    ours = tg.OPS[op.name]

    def recorded(inputs):
        node = ours(*map(tg.Value, inputs), **op.sample)
        assert node.op == op.name and node.constants == {name: op.sample[name] for name in op.constants}
        return node.data, node.local_grads
    with other_modules(modules), tg.errstate(all="ignore" if ignored else "raise"):
        for inputs in inputs_of(op, 100):
            by_rule = tried(lambda inputs=inputs: ours.evaluate(*inputs, **op.sample))
            assert tried(lambda inputs=inputs: recorded(inputs)) == by_rule, inputs


def test_every_rule_of_the_package_is_written_out():
    """A word that the writer does not know would make an operation slow, and nothing else would tell."""
    for op in PLAIN:
        value, slopes = op.rule(*map(Formula, op.inputs), **{name: Formula(name) for name in op.constants})
        assert Writer([value, *slopes]).knows_all, op


def test_a_rule_of_ones_own_is_asked_each_time():
    tg, _ = pure()
    factor = [2.0]

    @tg.op("scaled", tg.REAL)
    def scaled(x):
        return factor[0] * x, (factor[0],)
    x = tg.Value(3.0)
    before = scaled(x)
    factor[0] = 5.0
    assert (before.data, scaled(x).data, x.scaled().local_grads) == (6.0, 15.0, (5.0,))


def test_inputs_and_constants_may_be_called_like_the_parts_of_a_recorder():
    tg, _ = pure()

    @tg.op("clash", tg.REAL, tg.REAL, record=2.0)
    def clash(op, node, *, record):
        return op * node + record, (node, op)
    made = clash(tg.Value(3.0), 4, record=0.5)
    assert (made.data, made.local_grads, made.constants) == (12.5, (4.0, 3.0), {"record": 0.5})


def test_an_operator_that_somebody_has_replaced_stays_replaced():
    tg, modules = pure()
    recorders = modules["tinygrad_edu.engine.recorders"]

    class Value(tg.Value):
        __slots__ = ()
        __mul__ = tg.Value.__rmul__
    mul = tg.OPS["mul"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mul, "recorder", recorders.stand_in(mul, {**vars(modules["tinygrad_edu.engine.value"]), "Value": Value}))
        Value.__mul__ = theirs = lambda self, other: mul.recorder(self, other)
        assert (Value(2.0) * 3).data == 6.0 and Value.__mul__ is theirs


def test_an_operator_keeps_its_name_and_signature_when_it_becomes_a_recorder():
    tg, modules = pure()
    x = tg.Value(3.0)
    for name in ("__add__", "__sub__", "__mul__", "__truediv__"):
        getattr(x, name)(x)
        method = getattr(tg.Value, name)
        assert method.__name__ == name and str(inspect.signature(method)) == "(self, other)"
        with other_modules(modules):
            assert pickle.loads(pickle.dumps(getattr(x, name)))(2.0).data == getattr(operator, name)(3.0, 2.0)
            assert pickle.loads(pickle.dumps(method)) is method


# ---- the writer, on rules nobody would write -------------------------------------------------------------------

WORDS = {"neg": operator.neg, "abs": math.fabs, "sign": m.sign, "+": operator.add, "-": operator.sub, "*": operator.mul,
         "larger": m.larger, "smaller": m.smaller, "exp": math.exp}
TESTS = {">": operator.gt, "<=": operator.le, "==": operator.eq, "!=": operator.ne}


@st.composite
def rules(draw):
    """Formulas that share parts, in branches and out of them: each made of any of those before it."""
    parts = [Formula("x0"), Formula("x1"), 2, -0.5]
    for _ in range(draw(st.integers(1, 12))):
        known, part = st.sampled_from([p for p in parts if type(p) is Formula]), st.sampled_from(parts)
        head = draw(st.sampled_from([*WORDS, "where", "where"]))
        if head == "where":
            test = Formula(draw(st.sampled_from([*TESTS])), draw(known), draw(part))
            parts.append(Formula("where", test, draw(part), draw(part)))
        else:
            others = [] if head in ("neg", "abs", "sign", "exp") else [draw(part)]
            parts.append(Formula(head, draw(known), *others))
    return parts[-1], draw(st.lists(st.sampled_from(parts), min_size=1, max_size=3))


def value_of(part, inputs):
    """A formula computed part by part, of a where only the branch that is chosen."""
    if type(part) is not Formula:
        return float(part)
    if not part.parts:
        return inputs[part.head]
    if part.head == "where":
        condition, a, b = part.parts
        return value_of(a if value_of(condition, inputs) else b, inputs)
    return {**WORDS, **TESTS}[part.head](*[value_of(p, inputs) for p in part.parts])


@given(rules(), st.tuples(*[st.sampled_from([0.0, -0.0, 1.5, -2.0, 2.0, 700.0])] * 2))
def test_written_formulas_are_computed_as_they_are_read(rule, numbers):
    value, slopes = rule
    inputs = dict(zip(("x0", "x1"), numbers))
    writer = Writer([value, *slopes])
    names = {**COMPUTE, "fabs": math.fabs, **inputs}

    def written():
        exec(f"data = {writer.result(value)}\nlocal_grads = {', '.join(map(writer.text, slopes))},", names)
        return [names["data"], *names["local_grads"]]

    def read():
        return [float(value_of(part, inputs)) for part in (value, *slopes)]

    def outcome(action):
        try:
            return list(map(bits, action()))
        except OverflowError:
            return "too large"
    assert outcome(written) == outcome(read)


# ---- backward ---------------------------------------------------------------------------------------------------


def test_gradients_that_only_together_are_too_large_are_no_error():
    tg, _ = pure()
    leaves = [tg.Value(1e-10) for _ in range(4)]
    tg.sum([1e308 * leaf for leaf in leaves]).backward()
    assert [leaf.grad for leaf in leaves] == [1e308] * 4


def test_an_infinite_gradient_that_only_a_constant_would_get_is_no_error():
    tg, _ = pure()
    x, frozen = tg.Value(1e200), tg.Value(1e-300)
    frozen.grad, frozen.is_constant = 7.0, True
    (x * frozen * 1e200).backward()
    assert (x.grad, frozen.grad) == (1e-300 * 1e200, 7.0)


def test_an_edge_that_is_not_taken_ends_the_walk():
    """Both parents of a choice of two, and the nodes behind the one not chosen, whose gradient is set to 0 all the same."""
    tg, _ = pure()
    x, y = tg.Value(0.0), tg.Value(3.0)
    steep = tg.sqrt(x)
    steep.grad = y.grad = 5.0
    tg.maximum(steep, y).backward()
    tg.maximum(y, steep).backward()
    assert (steep.grad, x.grad, y.grad) == (0.0, 0.0, 7.0)
