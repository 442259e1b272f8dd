"""A graph as a program: it runs, and comes to the same graph, numbers and gradients, to the bit."""

import contextlib
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_show import EXPRESSIONS, HOSTILE, a_network_and_its_loss, graph
from test_zeros import random_expression

import tinygrad_edu as tg
from tinygrad_edu import Value
from tinygrad_edu.show.as_python import as_python
from tinygrad_edu.symbols.named import NamedGraph

BUILT_IN = [op for op in tg.OPS.values() if op.is_built_in]


def run(program):
    """(what the program printed, its names)."""
    printed, names = io.StringIO(), {}
    with contextlib.redirect_stdout(printed):
        exec(program, names)                        # of our own text
    return printed.getvalue(), names


def leaves_of(f):
    return [node for node in tg.topological_order(f) if not node.parents and not node.is_constant]


def shape(f):
    """Every operation that wants a gradient, its constants, number, and the places of its parents."""
    order = [node for node in tg.topological_order(f) if not node.is_constant]
    place = {node: i for i, node in enumerate(order)}
    return [(node.op, node.constants, node.data.hex(), [place.get(parent, parent.data) for parent in node.parents]) for node in order]


def check(f, seed=1.0):
    """The program makes the same graph, and prints the engine's gradients."""
    printed, names = run(as_python(NamedGraph(f), {}, seed))
    for leaf in leaves_of(f):
        leaf.zero_grad()
    f.backward(seed)
    told = [line.rpartition(" = ")[2] for line in printed.splitlines()]
    assert [float(text).hex() for text in told] == [x.hex() for x in (f.data, *[leaf.grad for leaf in leaves_of(f)])]
    made = [value for value in names.values() if isinstance(value, Value)]
    assert shape(made[-1]) == shape(f)


@pytest.mark.parametrize("op", BUILT_IN, ids=repr)
def test_every_operation_is_written_so_that_it_runs(op):
    count = 2 * len(op.inputs) if op.rows else len(op.inputs)
    xs = [Value(1.5 if op.name == "acosh" else 0.25 + i / 8, label=f"x{i}") for i in range(count)]
    check(op(*op.in_rows(xs), **op.sample) * 2 + xs[0])


@pytest.mark.parametrize("name", [name for name in EXPRESSIONS if not graph(name).is_constant])
def test_graphs_of_the_lectures_run(name):
    check(graph(name))


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_random_expressions_run(seed):
    text, numbers = random_expression(seed)
    f = tg.expression(text, **numbers)
    if f.is_constant or len(tg.topological_order(f)) > 60:
        return
    check(f, seed=-0.5)


@pytest.mark.parametrize("label", [*HOSTILE, "tg", "print", "v1", "f", "x", "for", "w0[1,2]", "重", "ﬁ", "'''", "\\", "a\nb", "\ue000"])
def test_any_label_is_only_text(label):
    x, y = Value(2.0, label=label), Value(3.0, label="x")
    check(x * y + y * 3)


def test_names_that_python_takes_for_one_stay_two():
    x, y = Value(2.0, label="ſ"), Value(3.0, label="s")
    check(x * y)


def test_a_node_made_by_hand_keeps_its_slopes():
    check(Value(5.0, (Value(2.0, label="x"), Value(1.0)), (3.0, -1e-9), op="odd", label="f"))


def test_numbers_may_be_other_ones():
    x, y = Value(2.0, label="x"), Value(3.0, label="y")
    printed, _ = run(as_python(NamedGraph(x * y), {x: "-7", y: "float('0.5')"}))
    assert printed.splitlines() == ["f = -3.5", "x.grad = 0.5", "y.grad = -7.0"]


def test_a_constant_is_only_printed():
    with tg.no_grad():
        f = Value(2.0, label="x") * 3
    assert run(as_python(NamedGraph(f), {}))[0] == "6.0\n"


def test_a_large_graph_has_only_the_numbers_of_its_leaves():
    _, loss = a_network_and_its_loss([40, 1])
    _, names = run(as_python(NamedGraph(loss), {}))
    assert sorted(names["numbers"].values()) == sorted(leaf.data for leaf in leaves_of(loss)) and "w0[0,1]" in names["numbers"]


def test_an_operation_of_ones_own_is_said_to_be_missing():
    @tg.op("twice", tg.REAL)
    def twice(x):
        return 2 * x, (2,)
    program = as_python(NamedGraph(twice(Value(2.0, label="x")) * 3), {})
    assert "# twice is an operation of your own: declare it first." in program.splitlines()
    check(twice(Value(2.0, label="x")) * 3)
