"""Programs written for micrograd run when their import lines are changed; names without a twin say what to write."""

import copy
import pickle
import random
import re

import numpy
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Value
from tinygrad_edu.engine import elsewhere
from tinygrad_edu.nn import modules

# ---- the cells of a lecture, each as it stands in a notebook --------------------------------------------------

IMPORTS = "from tinygrad_edu.engine import Value\nfrom tinygrad_edu.nn import MLP, Layer, Neuron\n"

DRAWING = """
from graphviz import Digraph

def trace(root):
    found, links = set(), set()
    def visit(node):
        if node not in found:
            found.add(node)
            for before in node._prev:
                links.add((before, node))
                visit(before)
    visit(root)
    return found, links

def draw_dot(root):
    picture = Digraph(format="svg", graph_attr={"rankdir": "LR"})
    found, links = trace(root)
    for node in found:
        name = str(id(node))
        picture.node(name=name, label="{ %s | data %.4f | grad %.4f }" % (node.label, node.data, node.grad), shape="record")
        if node._op:
            picture.node(name=name + node._op, label=node._op)
            picture.edge(name + node._op, name)
    for before, after in links:
        picture.edge(str(id(before)), str(id(after)) + after._op)
    return picture
"""

NEURON = """
x1 = Value(2.0, label='x1'); x2 = Value(0.0, label='x2')
w1 = Value(-3.0, label='w1'); w2 = Value(1.0, label='w2')
b = Value(6.8813735870195432, label='b')
x1w1 = x1*w1; x1w1.label = 'x1w1'
x2w2 = x2*w2; x2w2.label = 'x2w2'
both = x1w1 + x2w2; both.label = 'both'
n = both + b; n.label = 'n'
o = n.tanh(); o.label = 'o'
o.backward()
picture = draw_dot(o)
"""

TRAINING = """
n = MLP(3, [4, 4, 1])
xs = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]]
ys = [1.0, -1.0, -1.0, 1.0]
losses = []
for k in range(200):
    ypred = [n(x) for x in xs]
    loss = sum((yout - ygt)**2 for ygt, yout in zip(ys, ypred))
    for p in n.parameters():
        p.grad = 0.0
    loss.backward()
    for p in n.parameters():
        p.data += -0.1 * p.grad
    losses.append(loss.data)
"""


def run(*cells):
    names = {}
    for cell in (IMPORTS, *cells):
        exec(cell, names)
    return names


def test_the_neuron_of_the_lecture_is_drawn_with_its_own_cell():
    names = run(DRAWING, NEURON)
    found, links = names["trace"](names["o"])
    assert (len(found), len(links)) == (10, 9)
    source = names["picture"].source
    for label, data, grad in ("o", 0.7071, 1), ("n", 0.8814, 0.5), ("x1", 2, -1.5), ("w1", -3, 1), ("w2", 1, 0), ("x2", 0, 0.5), ("b", 6.8814, 0.5):
        assert f"{{ {label} | data {data:.4f} | grad {grad:.4f} }}" in source, label
    assert [source.count(f'label="{sign}"') for sign in ("*", "+")] == [2, 2] and source.count("label=tanh") == 1


@pytest.fixture(autouse=True)
def the_same_weights_each_time(monkeypatch):
    monkeypatch.setattr(modules, "random_from", lambda rng: rng or random.Random(0))


@pytest.mark.parametrize("sizes", ["[4, 4, 1]", '[4, 4, 1], output_activation="tanh"'])         # the lecture's own MLP ends with tanh
def test_the_training_loop_of_the_lecture_learns(sizes):
    names = run(TRAINING.replace("[4, 4, 1]", sizes))
    assert names["losses"][0] > 0.5 and names["losses"][-1] < 0.05
    assert [round(y.data) for y in names["ypred"]] == names["ys"]
    assert len(names["n"].parameters()) == 41


def test_the_demo_with_its_hinge_loss_and_penalty_learns():
    names = run("""
rows, signs = [[1.0, 2.0], [2.0, 0.5], [-1.0, -0.5], [-2.0, 1.0]], [1, 1, -1, -1]
model = MLP(2, [6, 1])
for k in range(60):
    scores = list(map(model, [list(map(Value, row)) for row in rows]))
    hinges = [(1 + -yi*score).relu() for yi, score in zip(signs, scores)]
    total = sum(hinges) * (1.0 / len(hinges)) + 1e-4 * sum((p*p for p in model.parameters()))
    model.zero_grad()
    total.backward()
    for p in model.parameters():
        p.data -= (1.0 - 0.9*k/100) * p.grad
right = [(yi > 0) == (score.data > 0) for yi, score in zip(signs, scores)]
""")
    assert all(names["right"])


def test_the_sanity_check_of_micrograd_gives_its_numbers():
    names = run("""
x = Value(-4.0)
z = 2 * x + 2 + x
q = z.relu() + z * x
h = (z * z).relu()
y = h + q + q * x
y.backward()
""")
    assert (names["y"].data, names["x"].grad) == (-20.0, 46.0)          # of PyTorch too


# ---- _prev and _op ----------------------------------------------------------------------------------------------

A, B = Value(2.0), Value(3.0)


@pytest.mark.parametrize(("node", "sign", "parents"), [
    (A + B, "+", {A, B}), (A * B, "*", {A, B}), (A + A, "+", {A}), (A ** 2, "**2", {A}), (A ** 3, "**3", {A}), (A ** -1, "**-1", {A}),
    (A ** 0.5, "**0.5", {A}), (A ** 0.1, "**0.1", {A}), (A.relu(), "ReLU", {A}), (A.tanh(), "tanh", {A}), (A.exp(), "exp", {A}), (A, "", set()),
    (A - B, "-", {A, B}), (A % B, "%", {A, B}), (A // B, "//", {A, B}), (A / B, "/", {A, B}), (-A, "-", {A}), (A ** B, "**", {A, B}), (tg.dot([A, B], [B, A]), "dot", {A, B}),
    (Value(1.0, (A, B), (1.0, 1.0), "mine"), "mine", {A, B}),
])
def test_prev_is_the_set_of_parents_and_op_is_as_micrograd_writes_it(node, sign, parents):
    assert node._op == sign and node._prev == parents and type(node._prev) is set
    for name in "_op", "_prev":
        with pytest.raises(AttributeError):
            setattr(node, name, sign)


def test_a_plain_number_among_the_parents_is_a_node():
    (plain,) = (2 * A)._prev - {A}
    assert plain.data == 2.0 and plain.is_constant


# ---- names without a twin ---------------------------------------------------------------------------------------

REMEDIES = {**elsewhere.OF_VALUES, **elsewhere.OF_PACKAGE}


@pytest.mark.parametrize("name", REMEDIES)
def test_a_remedy_names_what_is_there(name):
    for word in re.findall(r"\btg\.(\w+)", REMEDIES[name]):
        assert hasattr(tg, word), word
    for word in re.findall(r"\bv\.(\w+)", REMEDIES[name]):
        assert hasattr(A, word), word


@pytest.mark.parametrize("name", elsewhere.OF_VALUES)
def test_an_attribute_of_other_values_says_what_to_write(name):
    for use in (lambda: getattr(A, name), lambda: setattr(A, name, 1.0), lambda: getattr(Value, name)):
        with pytest.raises(AttributeError, match=f"^a Value has no {name}: ") as caught:
            use()
        assert elsewhere.OF_VALUES[name] in str(caught.value) and vars(Value)[name].__doc__ == str(caught.value)
    assert not hasattr(A, name) and name not in dir(A) and "backward" in dir(A)


@pytest.mark.parametrize(("module", "name"), [*[(tg, name) for name in elsewhere.OF_PACKAGE], *[(tg.nn, name) for name in elsewhere.OF_MODULES]])
def test_a_name_of_other_packages_says_what_to_write(module, name):
    with pytest.raises(AttributeError, match=f"^{module.__name__} has no {name}: ") as caught:
        getattr(module, name)
    with pytest.raises(ImportError) as imported:
        exec(f"from {module.__name__} import {name}")
    assert str(imported.value) == str(caught.value) and elsewhere.OF_PACKAGE[name] in str(caught.value)
    assert not hasattr(module, name)


@pytest.mark.parametrize("name", elsewhere.OF_NETWORKS)
def test_an_attribute_of_other_networks_says_what_to_write(name):
    model = tg.MLP(2, [1], rng=0)
    with pytest.raises(AttributeError, match=f"^a Module has no {name}: ") as caught:
        getattr(model, name)
    assert all(hasattr(model, word) for word in re.findall(r"\bmodel\.(\w+)", str(caught.value)))
    assert not hasattr(model, name) and pickle.loads(pickle.dumps(model)).state_dict() == model.state_dict()

    class Own(tg.Module):
        def __init__(self):
            setattr(self, name, Value(2.0))
    assert getattr(Own(), name).data == 2.0 and [found for found, _ in Own().named_parameters()] == [name]


def test_what_nobody_has_is_refused_as_python_does():
    for thing, words in (A, "'Value' object has no attribute 'nothing'"), (tg, "module 'tinygrad_edu' has no attribute 'nothing'"):
        with pytest.raises(AttributeError, match=re.escape(words)):
            thing.nothing
    with pytest.raises(ImportError, match="cannot import name 'nothing' from"):
        exec("from tinygrad_edu.nn import nothing")
    exec("from tinygrad_edu import learn, nn; from tinygrad_edu.nn import optim")


def test_an_instance_of_a_subclass_may_have_such_an_attribute():
    class Sized(Value):
        pass
    sized = Sized(1.0)
    sized.shape = (1,)
    assert sized.shape == copy.copy(sized).shape == (1,) and not hasattr(Sized(1.0), "shape")


def test_copies_pickles_and_numpy_find_nothing_strange():
    product = A * B
    assert pickle.loads(pickle.dumps(product)).data == copy.deepcopy(product).data == 6.0
    assert numpy.sum(numpy.array([A, B])).data == 5.0 and numpy.asarray(A).item() is A
    assert repr(A).startswith("Value(data=2.0")


def test_the_sign_of_micrograd_in_the_place_of_local_gradients_is_refused():
    with pytest.raises(TypeError, match=r"local_grads are numbers, one per parent, not a str: write op='\+' behind them"):
        Value(6.0, (A, B), "+")
