"""The lecture's circuit, (x + y) z at x = -2, y = 5, z = -4: what everything else stands on."""

import pytest

import tinygrad_edu as tg

pytestmark = pytest.mark.smoke


def circuit():
    x, y, z = tg.Value(-2, label="x"), tg.Value(5, label="y"), tg.Value(-4, label="z")
    q = x + y
    q.label = "q"
    f = q * z
    f.label = "f"
    return f, q, x, y, z


def test_values_and_gradients_are_those_of_the_lecture():
    f, q, x, y, z = circuit()
    f.backward()
    assert (q.data, f.data) == (3.0, -12.0)
    assert [node.grad for node in (f, z, q, y, x)] == [1.0, 3.0, -4.0, -4.0, -4.0]
    assert q.local_grads == (1.0, 1.0)
    assert f.local_grads == (-4.0, 3.0)


def test_steps_come_in_the_order_of_the_slides():
    f, *_ = circuit()
    events = tg.steps(f)
    assert [event.kind for event in events] == ["forward"] * 2 + ["seed"] + ["backward"] * 4
    assert [event.parent_name or event.name for event in events[2:]] == ["f", "z", "q", "y", "x"]
    assert [event.value for event in events[2:]] == [1.0, 3.0, -4.0, -4.0, -4.0]
    assert [event.local for event in events[3:]] == ["q", "z", "1", "1"]


def test_steps_only_read_the_graph():
    f, q, x, y, z = circuit()
    tg.steps(f)
    assert [node.grad for node in (f, q, x, y, z)] == [0.0] * 5


def test_symbolic_and_exact_gradients():
    f, *_ = circuit()
    assert {name: str(formula) for name, formula in tg.symbolic(f).items()} == {"x": "z", "y": "z", "z": "x + y"}
    assert tg.exact(f) == {"x": -4, "y": -4, "z": 3}
    assert tg.exact(f).value == -12
