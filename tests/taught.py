"""Graphs that every course shows: what the tests of the pictures' sizes look at."""

import tinygrad_edu as tg
from tinygrad_edu import Value


def labelled(letter, count, start=0.3, by=0.4):
    return [Value(round(start - by * i, 3), label=f"{letter}{i}") for i in range(count)]


def softmax_of_three():
    logits = [Value(x, label=name) for x, name in ((3.2, "cat"), (5.1, "car"), (-1.7, "frog"))]
    exps = [tg.exp(z) for z in logits]
    return exps[0] / (exps[0] + exps[1] + exps[2])


def cross_entropy_of_three():
    return tg.cross_entropy([Value(x, label=name) for x, name in ((3.2, "cat"), (5.1, "car"), (-1.7, "frog"))], 0)


def attention():
    """One query, three keys, three values."""
    query = labelled("q", 2)
    keys, values = [labelled(f"k{i}", 2, 0.1 * i) for i in range(3)], labelled("v", 3)
    scores = [sum(q * k for q, k in zip(query, key)) / 2 ** 0.5 for key in keys]
    return sum(p * v for p, v in zip(tg.softmax(scores), values))


def recurrent(steps=3):
    """h = tanh(w x + u h + b), three times with the same weights."""
    w, u, b = (Value(x, label=name) for x, name in ((0.5, "w"), (-0.8, "u"), (0.1, "b")))
    h = Value(0.0, label="h0")
    for x in labelled("x", steps, 1.0):
        h = tg.tanh(w * x + u * h + b)
    return (h - 1) ** 2


def network():
    model = tg.MLP(3, [4, 4, 1], rng=0)
    return (model([2, 3, -1]) - 1) ** 2


def chain(length=25):
    node = Value(0.5, label="x")
    for _ in range(length):
        node = tg.tanh(node)
    return node


TAUGHT = {
    "circuit": lambda: tg.expression("(x + y) * z", x=-2, y=5, z=-4),
    "neuron": lambda: tg.expression("1/(1+exp(-(w0*x0+w1*x1+w2)))", w0=2, x0=-1, w1=-3, x1=-2, w2=-3),
    "softmax": softmax_of_three, "cross-entropy": cross_entropy_of_three, "attention": attention,
    "recurrent": recurrent, "network": network, "chain": chain}
