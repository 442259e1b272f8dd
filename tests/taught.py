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


def lstm(steps=4):
    """A cell with a forget, an input and an output gate (Gers and others, 2000), each time with the same twelve weights."""
    gates = {name: labelled(f"{name}_", 3, 0.5, 0.2 + 0.1 * i) for i, name in enumerate("fiog")}
    h, c = Value(0.0, label="h0"), Value(0.0, label="c0")

    def gate(name, activation, x, h):
        w, u, b = gates[name]
        return activation(w * x + u * h + b)
    for x in labelled("x", steps, 1.0):
        c = gate("f", tg.sigmoid, x, h) * c + gate("i", tg.sigmoid, x, h) * gate("g", tg.tanh, x, h)
        h = gate("o", tg.sigmoid, x, h) * tg.tanh(c)
    return (h - 1) ** 2


def attention_by_heads(tokens=4, heads=2):
    """Each token looks at itself and at those before; a head makes query, key and value of a number of the token."""
    weights = [labelled(f"{letter}_", heads) for letter in "qkv"]
    tg.scope(weights, "weights")
    outputs, memory = [], {}
    for token in range(tokens):
        x = tg.scope(labelled(f"x{token}_", heads, 1.0 - token), f"token {token}")
        for head, row in enumerate(zip(x, *weights)):
            e, q, k, v = row
            own = tg.scope([q * e, k * e, v * e], f"head {head}, q k v {token}")
            seen = memory.setdefault(head, [])
            seen.append(own)
            shares = tg.softmax([own[0] * key for _, key, _ in seen])
            outputs.append(tg.scope(tg.dot(shares, [value for *_, value in seen]), f"head {head}, sees {token}"))
    return tg.scope((tg.sum(outputs) - 1) ** 2, "loss")


def network():
    model = tg.MLP(3, [4, 4, 1], rng=0)
    return (model([2, 3, -1]) - 1) ** 2


def chain(length=25, start=0.5):
    node = Value(start, label="x")
    for _ in range(length):
        node = tg.tanh(node)
    return node


TAUGHT = {
    "circuit": lambda: tg.expression("(x + y) * z", x=-2, y=5, z=-4),
    "neuron": lambda: tg.expression("1/(1+exp(-(w0*x0+w1*x1+w2)))", w0=2, x0=-1, w1=-3, x1=-2, w2=-3),
    "softmax": softmax_of_three, "cross-entropy": cross_entropy_of_three, "attention": attention,
    "recurrent": recurrent, "eight times": lambda: recurrent(8), "network": network, "chain": chain}
