"""What the engine promises about its graphs: order, accumulation, constants, memory, copies, depth."""

import copy
import gc
import pickle
import random
import re
import signal
import sys
import threading
import time
from fractions import Fraction

import numpy
import pytest
from small_stack import on_a_small_stack

import tinygrad_edu as tg
from tinygrad_edu import OPS, Value
from tinygrad_edu.engine import value
from tinygrad_edu.engine.number import number

pytestmark = pytest.mark.smoke


def recursive_order(output):
    """The depth-first search of the textbooks."""
    order, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            for parent in node.parents:
                visit(parent)
            order.append(node)
    visit(output)
    return order


def random_graph(seed, size=30):
    rng = random.Random(seed)
    nodes = [Value(rng.uniform(-1, 1)) for _ in range(4)]
    for _ in range(size):
        x, y = rng.choice(nodes), rng.choice([*nodes, 0.5])
        nodes.append(rng.choice([x + y, x * y, tg.tanh(x), tg.sum([x, y, x])]))
    return nodes[-1]


# ---- order and accumulation


@pytest.mark.parametrize("seed", range(20))
def test_the_order_is_that_of_the_recursive_search(seed):
    output = random_graph(seed)
    assert tg.topological_order(output) == recursive_order(output)


def test_backward_walks_the_last_parent_first():
    x, y, z = Value(-2.0, label="x"), Value(5.0, label="y"), Value(-4.0, label="z")
    assert [e.parent_name for e in tg.steps((x + y) * z)[3:]] == ["z", "x + y", "y", "x"]


@pytest.mark.parametrize("seed", range(30))
def test_the_steps_show_what_backward_does_bit_for_bit(seed):
    output = random_graph(seed, size=15)
    events = tg.steps(output)
    output.backward()
    last = {event.parent: event.value for event in events if event.kind == "backward"}
    assert all(node.grad == grad for node, grad in last.items())


def test_backward_twice_doubles_the_leaves_and_not_the_inner_nodes():
    x = Value(3.0)
    square = x * x
    f = square * square
    f.backward()
    assert (x.grad, square.grad, f.grad) == (108.0, 18.0, 1.0)      # a well-known engine gives 324 the second time
    f.backward()
    assert (x.grad, square.grad, f.grad) == (216.0, 18.0, 1.0)


def test_both_edges_of_a_plus_a_are_kept():
    a = Value(3.0)
    b = a + a
    b.backward()
    assert b.parents == (a, a) and b.local_grads == (1.0, 1.0) and a.grad == 2.0


def test_a_seed_scales_and_a_leaf_may_be_the_root():
    x = Value(3.0)
    (x * x).backward(seed=0.5)
    assert x.grad == 3.0
    x.backward(2)
    assert x.grad == 5.0


def test_zero_grad_forgets_the_whole_graph():
    x = Value(3.0)
    f = x * x
    f.backward()
    f.zero_grad()
    assert (x.grad, f.grad) == (0.0, 0.0)


def test_gradients_of_the_latest_pass_are_those_of_inner_nodes_not_reached():
    x = Value(1.0)
    inner = x * 2
    (inner * 3).backward()
    tg.where(0.0, inner, x).backward()
    assert inner.grad == 0.0 and x.grad == 7.0


def test_an_infinity_that_reaches_no_leaf_is_no_error():
    x, y = Value(-1.0), Value(3.0)
    held = tg.relu(x)
    (tg.sqrt(held) + y * y).backward()
    assert (x.grad, y.grad, held.grad) == (0.0, 6.0, float("inf"))


def test_an_error_in_backward_changes_nothing():
    x, y = Value(0.0), Value(2.0)
    f = tg.sqrt(x) + y * y
    x.grad = 5.0
    with pytest.raises(tg.GradientError):
        f.backward()
    assert (x.grad, y.grad, f.grad) == (5.0, 0.0, 0.0)
    with pytest.raises(tg.GradientError):
        (y * y + tg.sqrt(x)).backward()
    assert (x.grad, y.grad) == (5.0, 0.0)
    base, exponent = Value(-2.0, label="a"), Value(2.0, label="b")
    with pytest.raises(tg.GradientError, match=r"the gradient to 'b' is nan: the local gradient of a\*\*b at .* is nan"):
        (base ** exponent).backward()


def test_the_error_names_the_edge_that_did_it_and_no_other():
    x = Value(0.0, label="x")
    for f in (x * 2 + tg.sqrt(x), tg.where(0.0, x * 3, tg.sqrt(x))):
        with pytest.raises(tg.GradientError, match=r"to 'x' is inf: the local gradient of sqrt\(x\) at x = 0 is inf"):
            f.backward()


def test_ctrl_c_leaves_all_gradients_or_none():
    x = Value(1.0)
    chain = [x]
    for _ in range(20_000):
        chain.append(chain[-1] * 1.0)

    def interrupt(*_):
        raise KeyboardInterrupt
    before = signal.signal(signal.SIGINT, interrupt)
    outcomes = set()
    try:
        for k in range(40):
            chain[-1].zero_grad()
            timer = threading.Timer(0.0005 * k, signal.raise_signal, (signal.SIGINT,))
            try:
                timer.start()
                chain[-1].backward()
                while True:                         # the signal comes now if it did not come before
                    time.sleep(0.001)
            except KeyboardInterrupt:
                pass
            timer.join()
            outcomes.add(tuple({node.grad for node in chain}))
    finally:
        signal.signal(signal.SIGINT, before)
    assert outcomes <= {(0.0,), (1.0,)}


# ---- constants


def test_a_plain_number_is_a_constant_and_a_value_a_leaf():
    x = Value(3.0)
    f = x * 2 + Value(1.0)
    f.backward()
    two = f.parents[0].parents[1]
    assert two.is_constant and two.grad == 0.0 and f.parents[1].grad == 1.0
    assert tg.leaves(f) == [x, f.parents[1]]


def test_what_is_made_of_constants_is_one_and_keeps_its_parents():
    six = Value(6.0).detach() - 2
    assert six.is_constant and six.op == "sub" and len(six.parents) == 2
    x = Value(3.0)
    f = x * six
    f.backward()
    assert x.grad == 4.0 and six.grad == 0.0 and six.parents[0].grad == 0.0
    assert tg.tanh(six).is_constant and not tg.tanh(x).is_constant and not (x + x).is_constant and not (six + x).is_constant


def test_a_constant_is_never_the_reason_for_an_error():
    x = Value(2.0)
    y = Value(-2.0).detach() ** x                 # no slope of the constant is needed ... but log(-2) is
    with pytest.raises(tg.GradientError):
        y.backward()
    z = x ** Value(0.0).detach()
    (z + tg.sqrt(Value(0.0).detach()) * x).backward()
    assert x.grad == 0.0


def test_the_scope_of_many_nodes_is_set_at_once_and_of_each_alone():
    w = Value(2.0, label="w")
    nodes = [w, 3 * w, (3 * w).parents[0], tg.clip(w, low=0, high=1)]
    Value.set_scopes(nodes, "layer 0")
    assert [node.scope for node in nodes] == ["layer 0"] * 4
    nodes[1].scope, nodes[2].label = "layer 1", "three"
    assert [(node.scope, node.label) for node in nodes] == [("layer 0", "w"), ("layer 1", ""), ("layer 0", "three"), ("layer 0", "")]
    assert nodes[3].constants == {"low": 0.0, "high": 1.0} and [node.is_constant for node in nodes] == [False, False, True, False]
    with pytest.raises(TypeError, match="a scope is a str, not int: got 5"):
        Value.set_scopes(nodes, 5)


def test_a_plain_number_may_be_made_a_node_of_a_name():
    x, same, w = value.constant(2, "x0"), value.constant(2, "x0"), Value(1.0)
    assert (x.data, x.label, x.is_constant, x.is_plain) == (2.0, "x0", True, False) and x is not same
    assert value.constant(w, "x0") is w and w.label == ""
    same.label, x.is_constant = "y", False
    assert (x.label, x.is_constant, same.label, same.is_constant) == ("x0", False, "y", True)
    assert value.constant(3.0, "x0").is_constant


def test_a_leaf_may_be_frozen_and_woken_and_keeps_its_label_and_scope():
    w = Value(2.0, label="w")
    assert (w.scope, w.is_constant) == ("", False)
    w.scope = "layer 0"
    w.is_constant = True
    (w * Value(3.0)).backward()
    assert (w.label, w.scope, w.is_constant, w.grad) == ("w", "layer 0", True, 0.0)
    w.is_constant = False
    (w * 3).backward()
    assert (w.label, w.scope, w.is_constant, w.grad) == ("w", "layer 0", False, 3.0)
    with pytest.raises(AttributeError, match=r"only a leaf can be frozen, and this is w \* 3"):
        (w * 3).is_constant = True
    bare = Value(1.0)
    bare.is_constant = True
    assert bare.is_constant
    bare.is_constant = False
    assert not bare.is_constant


def test_no_grad_remembers_nothing_in_this_thread_only():
    x = Value(3.0)
    seen = []
    with tg.no_grad():
        assert all(made.is_constant and made.parents == () for made in (x * x, tg.tanh(x)))
        inside = tg.sum([x * x, x])
        thread = threading.Thread(target=lambda: seen.append((x * x).parents))
        thread.start()
        thread.join()
    assert inside.data == 12.0 and inside.is_constant and inside.parents == ()
    assert seen == [(x, x)]

    @tg.no_grad()
    def predict():
        return x * 2
    assert predict().is_constant


# ---- functions, methods, numpy


@pytest.mark.parametrize("op", [op for op in OPS.values() if not op.rows], ids=repr)
def test_an_op_is_a_function_and_a_method(op):
    numbers = [0.5, 0.75, 0.25][:len(op.inputs)] if op.name != "acosh" else [1.5]
    x, *others = map(Value, numbers)
    called = op(x, *others, **op.sample)
    assert called.op == op.name and called.data == op(*numbers, **op.sample)
    assert getattr(x, op.name)(*others, **op.sample).data == called.data
    assert getattr(tg, op.name) is op or op.name == "pow"


def test_data_is_a_float_though_a_rule_may_give_an_int():
    x = Value(3.0)
    assert {type(made.data) for made in (tg.step(x), tg.greater(x, 2), tg.step(x.detach()), tg.sum([]) + x)} == {float}
    assert {type(tg.step(2.0)), type(tg.greater(2.0, 1)), type(tg.sum([]))} == {float}


def test_operators_take_numbers_on_either_side():
    x = Value(3.0)
    made = [x + 1, 1 + x, x - 1, 1 - x, x * 2, 2 * x, x / 2, 2 / x, x ** 2, 2 ** x, x ** 3, x ** x, -x, +x, abs(-x)]
    assert [v.data for v in made] == [4, 4, 2, -2, 6, 6, 1.5, 2 / 3, 9, 8, 27, 27, -3, 3, 3]
    assert [v.op for v in made[8:12]] == ["square", "pow", "power", "pow"]
    assert tg.pow(x, 2).op == "square" and tg.pow(2.0, 3.0) == 8.0


def test_comparisons_give_bools_for_control_flow():
    x, y = Value(3.0), Value(4.0)
    assert (x < y, x <= 3, x > 2.5, x >= y, y > 3) == (True, True, True, False, True)
    assert x == x and x != y and x is not None and x != "x" and hash(x) != hash(Value(3.0))


def test_numpy_functions_and_arrays():
    x = Value(0.5)
    for name in "exp log sqrt tanh sin cos arcsin arctan log1p expm1 square negative absolute exp2 cbrt sign".split():
        assert getattr(numpy, name)(x).data == pytest.approx(float(getattr(numpy, name)(0.5)), rel=1e-15)
    assert isinstance(numpy.float64(2) * x, Value) and (numpy.float64(2) ** x).op == "pow"
    assert numpy.maximum(x, 0.0).op == "maximum" and numpy.arctan2(x, 1.0).op == "atan2"
    array = numpy.array([1.0, 2.0])
    for product in (x * array, array * x):
        assert product.dtype == object and [v.data for v in product] == [0.5, 1.0]
    assert list(x < array) == [True, True] and (array > x).dtype == bool
    assert numpy.less(x, 1.0) is True and bool(numpy.float64(2) < x) is False
    values = numpy.array([Value(1.0), Value(2.0)])
    assert numpy.tanh(values)[1].op == "tanh" and (values @ values).data == 5.0 and values.sum().data == 3.0
    assert numpy.var(values).data == 0.25
    halves = numpy.array([x, x])
    assert [getattr(numpy, name)(halves)[0].op for name in ("arcsin", "arccos", "arctan")] == ["asin", "acos", "atan"]
    power = x ** array
    assert [v.op for v in power] == ["power", "square"]


def numbers_of(array):
    return numpy.frompyfunc(lambda v: v.data if isinstance(v, Value) else v, 1, 1)(array).tolist()


ELEMENTWISE = [op for op in tg.OPS.values() if not op.rows]


@pytest.mark.parametrize("op", ELEMENTWISE, ids=repr)
@pytest.mark.parametrize("kind", ["values", "numbers", "mixed"])
def test_operations_on_arrays_are_done_on_each_element(op, kind):
    """One input is an array; of two or more the others are a Value, which numpy spreads."""
    inside = [1.25 if op.name == "acosh" else 0.75, 1.5 if op.name == "acosh" else 0.5]
    given = [Value(x) for x in inside] if kind == "values" else [Value(inside[0]), inside[1]] if kind == "mixed" else inside
    for place in range(len(op.inputs)):
        others = [0.25 if kind == "numbers" else Value(0.25) for _ in op.inputs]
        inputs = [*others[:place], numpy.array(given), *others[place + 1:]]
        found = op(*inputs, **op.sample)
        wanted = [op(*[*others[:place], x, *others[place + 1:]], **op.sample) for x in given]
        assert found.shape == (2,) and found.dtype == (float if kind == "numbers" else object)
        assert numbers_of(found) == [getattr(w, "data", w) for w in wanted]
        if kind == "values":
            assert all(v.op == w.op and v.local_grads == w.local_grads for v, w in zip(found, wanted))


def test_operations_broadcast_arrays_as_numpy_does():
    rows, columns = numpy.array([[1.0], [2.0]]), numpy.array([Value(3.0), Value(-4.0), Value(0.5)])
    assert tg.maximum(rows, columns).shape == numpy.maximum(rows, numpy.zeros(3)).shape == (2, 3)
    assert numbers_of(tg.mul(rows, columns)) == [[3.0, -4.0, 0.5], [6.0, -8.0, 1.0]]
    x = Value(2.0)
    assert numbers_of(x.maximum(numpy.array([1.0, 3.0]))) == [2.0, 3.0]
    assert numbers_of(tg.where(tg.greater(columns, 0), columns, 0.0)) == [3.0, 0.0, 0.5]
    assert numbers_of(tg.add(columns, [1.0, 2.0, 3.0])) == [4.0, -2.0, 3.5]             # a list beside an array, as numpy reads it
    tg.sum(tg.mul(x, numpy.array([1.0, 10.0]))).backward()
    assert x.grad == 11.0
    assert tg.add(x, numpy.array([])).shape == (0,)
    with pytest.raises(ValueError, match="broadcast"):
        tg.add(columns, numpy.array([1.0, 2.0]))
    with pytest.raises(tg.DomainError, match=r"log\(-1\)"):
        tg.log(numpy.array([1.0, -1.0]))
    with pytest.raises(TypeError, match="not str: got 'a'"):
        tg.add(x, numpy.array(["a"]))
    with pytest.raises(TypeError, match="bool is not a number here"):
        tg.where(numpy.array([True, False]), x, 0.0)


@pytest.mark.parametrize("nested", [
    lambda v: [v, numpy.array([1.0, 2.0])], lambda v: [[v, 1.0], [2.0, 3.0]], lambda v: [v, [1.0]], lambda v: numpy.eye(2),
    lambda v: [1.0, (2.0,)], lambda v: numpy.array([[v, v], [v, v]]),
])
@pytest.mark.parametrize("op", [tg.sum, tg.mean, tg.max, tg.logsumexp], ids=repr)
def test_operations_on_rows_refuse_matrices_by_name(op, nested):
    with pytest.raises(TypeError, match=rf"^{op.name}\(\) takes a row of numbers, but .* is an element.*\[tg\.{op.name}\(row\) for row in x\]"):
        op(nested(Value(1.0)))
    with pytest.raises(TypeError, match=rf"^{op.name}\(\) takes rows and no axis: write \[tg\.{op.name}\(row\) for row in x\]"):
        op([1.0, 2.0], axis=0)
    assert op(numpy.array([Value(1.0), 2.0])).data == op([1.0, 2.0])


def test_a_dot_product_with_a_matrix_says_how_it_is_written():
    for W in ([[Value(1.0)], [Value(2.0)]], [numpy.array([1.0]), Value(2.0)], numpy.eye(2)):
        with pytest.raises(TypeError, match=r"^dot\(\) takes rows of numbers.*write \[tg\.dot\(row, y\) for row in x\]"):
            tg.dot(W, [3.0, 4.0])


def test_numpy_functions_that_are_no_ufuncs():
    x = Value(0.5)
    assert numpy.where(tg.greater(x, 0), x, 1.0).op == "where" and numpy.dot([x, 2.0], [3.0, x]).data == 2.5
    assert numpy.clip(x, 0, 0.25).op == "clip" and Value(numpy.longdouble(1.5)).data == 1.5
    for call in (lambda: numpy.diff(x), lambda: numpy.sum(x, axis=0)):
        with pytest.raises(TypeError, match=r"numpy\.\w+ has no counterpart"):
            call()


def test_text_of_a_value():
    x = Value(2.0, label="x")
    assert repr(x) == str(x) == f"{x}" == "Value(data=2.0, grad=0.0, label='x')"
    assert f"{x:.3f}" == "2.000" and x.item() == 2.0
    assert (x ** 3).constants == {"n": 3.0}


# ---- memory and copies


def test_a_graph_is_freed_by_reference_counting_alone():
    gc.collect()
    gc.disable()
    try:
        before = tg.live_values()
        output = random_graph(1, size=200)
        again = tg.replay(output, Value)
        output.backward()
        assert tg.live_values() >= before + len(tg.topological_order(output))
        del output, again
        assert tg.live_values() == before
    finally:
        gc.enable()


def test_copy_makes_one_node_and_deepcopy_the_graph():
    x = Value(3.0, label="x")
    f = x * x
    f.backward()
    one = copy.copy(f)
    assert one is not f and one.parents == f.parents and (one.data, one.grad) == (9.0, 1.0)
    g, y = copy.deepcopy([f, x])
    assert g.parents == (y, y) and y is not x and y.label == "x" and y.grad == 6.0
    g.backward()
    assert (y.grad, x.grad) == (12.0, 6.0)


def test_pickle_keeps_everything_and_shared_nodes_shared():
    x = Value(3.0, label="x")
    made = Value(1.0, (x,), (0.25,), op="mine")
    f = tg.clip(x * x, 0, 4) + tg.sum([x, made, 2.0])
    f.backward()
    g = pickle.loads(pickle.dumps(f))
    for old, new in zip(tg.topological_order(f), tg.topological_order(g), strict=True):
        assert (old.data, old.grad, old.op, old.label, old.local_grads, old.constants, old.is_constant) == (
            new.data, new.grad, new.op, new.label, new.local_grads, new.constants, new.is_constant)
    assert len(tg.leaves(g)) == 1


class Labelled(Value):
    """A subclass with a dictionary of its own."""


def test_subclasses_work_and_give_plain_values():
    x = Labelled(2.0)
    x.note = "mine"
    f = x * x + 1
    f.backward()
    assert type(f) is Value and x.grad == 4.0 and isinstance(tg.tanh(x), Value)
    assert type(copy.deepcopy(f).parents[0].parents[0]) is Labelled
    assert type(pickle.loads(pickle.dumps(f)).parents[0].parents[0]) is Labelled
    for twin in (copy.copy(x), copy.deepcopy(f).parents[0].parents[0], pickle.loads(pickle.dumps(x))):
        assert twin.note == "mine"


def deep_chain():
    x = Value(1.0)
    node = x
    for _ in range(30_000):
        node = node + 1.0
    return x, node


def deep_diamond():
    x = Value(1.0)
    node = x
    for _ in range(30_000):
        node = (node + node) * 0.5
    return x, node


@pytest.mark.parametrize("build", [deep_chain, deep_diamond])
def test_graphs_of_any_depth_on_a_small_stack(build):
    """Built, differentiated twice, deep-copied, pickled and freed: recursion limit 120, little stack.

    A call for each of 30,000 nodes would need several times as much.
    """
    def work():
        sys.setrecursionlimit(120)
        x, node = build()
        node.backward()
        node.backward()
        assert x.grad == 2.0
        twin = copy.deepcopy(node)
        assert twin.data == node.data
        del twin
        again = pickle.loads(pickle.dumps(node))
        assert again.data == node.data and again.grad == 1.0
        del again, node, x
    limit = sys.getrecursionlimit()
    try:
        on_a_small_stack(work)
    finally:
        sys.setrecursionlimit(limit)


def test_no_gradient_is_lost_where_several_threads_share_a_leaf():
    row = [Value(1.0) for _ in range(3000)]

    def work():
        for _ in range(20):
            tg.sum(row).backward(3.0)
    threads, interval = [threading.Thread(target=work) for _ in range(4)], sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert {x.grad for x in row} == {240.0}


def test_graphs_in_several_threads_share_leaves_safely():
    x = Value(1.5)
    wanted = tg.exact(x * x * x).value

    def work(results):
        for _ in range(50):
            results.append(tg.replay(x * x * x, Fraction).value)
    results = [[] for _ in range(4)]
    threads = [threading.Thread(target=work, args=(r,)) for r in results]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(value == wanted for r in results for value in r)


def test_a_gradient_is_a_number():
    x = Value(1.0)
    x.grad = 3
    assert x.grad == 3.0 and type(x.grad) is float
    for thing in (None, "0.0", True, [0.0]):
        with pytest.raises(TypeError, match=re.escape(repr(thing))):
            x.grad = thing
    assert x.grad == 3.0


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("whole", [0, 1, 7, 2**31, 2**53 - 1, 2**53, 2**53 + 1, 2**53 + 2, 2**62, 2**63 - 1, 2**63, 2**64, 3 << 70, 10**400])
def test_whole_numbers_are_taken_alike_everywhere(whole, sign):
    """Made a float where that is exactly it, and refused otherwise, in the same words."""
    x, y, whole = Value(0.5), Value(0.5), sign * whole
    took = [outcome(lambda: number(whole)), outcome(lambda: Value(whole).data), outcome(lambda: (tg.identity(0.0 * x + whole)).data),
            outcome(lambda: setattr(x, "data", whole) or x.data), outcome(lambda: setattr(y, "grad", whole) or y.grad)]
    is_float = abs(whole) < 2**1024 and int(float(whole)) == whole
    assert took == took[:1] * 5 and (took[0] == whole) == is_float and type(x.data) is type(y.grad) is float


def outcome(function):
    """What it returns, or its error in words."""
    try:
        return function()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def test_methods_take_what_the_functions_take():
    x = Value(-2.0)
    assert x.leaky_relu().constants == {"slope": 0.01} and x.leaky_relu(0.5).data == x.leaky_relu(slope=0.5).data == -1.0
    assert x.maximum(1).data == 1.0
    for wrong in (lambda: x.tanh(1), lambda: x.tanh(slope=2), lambda: x.maximum(), lambda: x.maximum(1, 2)):
        with pytest.raises(TypeError, match=r"^(tanh|maximum)\(\) .*takes x"):
            wrong()


@pytest.mark.parametrize(("leaf", "words"), [
    (Value(3.0), "the number 3"), (Value(3.0, label="a"), "a"), (Value(3.0, op="mine"), r"a node made by hand \(mine\)")])
def test_a_leaf_in_a_message_is_its_name_or_its_number(leaf, words):
    with pytest.raises(ValueError, match=f"^{words} is not among"):
        tg.gradient_graph(Value(1.0) * 2, leaf)
