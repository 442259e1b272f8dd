"""Networks as people write them with Values: `NETWORKS[name](rng)` is (f, its inputs, its parameters).

f takes a list of so many Values and returns a loss; what is a target stands behind the inputs.
"""

import tinygrad_edu as tg
from tinygrad_edu import OPS, Value

ACTIVATIONS = ["linear", *[op.name for op in OPS.values() if len(op.inputs) == 1 and not op.rows
                           and None not in op.constants.values() and op.domain[0].holds(-1.5)
                           and op.name != "identity"]]
LOSSES = {
    "mse": lambda p, t: tg.mse(p, t), "sum_squared_error": lambda p, t: tg.sum_squared_error(p, t),
    "half_squared_error": lambda p, t: tg.half_squared_error(p, t), "mae": lambda p, t: tg.mae(p, t),
    "huber": lambda p, t: tg.huber(p, t), "hinge": lambda p, t: tg.hinge(p, [2 * e - 1 for e in t]),
    "cross_entropy": lambda p, t: tg.cross_entropy(p, t), "nll": lambda p, t: tg.nll(tg.log_softmax(p), t),
    "kl_divergence": lambda p, t: tg.kl_divergence(t, tg.softmax(p)), "brier": lambda p, t: tg.brier(tg.softmax(p), t),
    "bce": lambda p, t: tg.bce([tg.sigmoid(e) for e in p], t), "bce_with_logits": lambda p, t: tg.bce_with_logits(p, t),
}


class Weights:
    """Parameters in rows and matrices, all of which are remembered."""

    def __init__(self, rng):
        self.rng, self.all = rng, []

    def row(self, length):
        self.all += [Value(self.rng.uniform(-0.5, 0.5)) for _ in range(length)]
        return self.all[len(self.all) - length:]

    def matrix(self, outputs, inputs):
        return [self.row(inputs) for _ in range(outputs)]


def linear(matrix, x):
    return [tg.dot(row, x) for row in matrix]


def by_operators(matrix, x):
    """The same, written with + and * from 0 on, as `sum` does it."""
    return [sum(w * e for w, e in zip(row, x)) for row in matrix]


def mlp(activation="tanh", loss="cross_entropy", sizes=(4, 5, 3), **options):
    def made(rng):
        model = tg.MLP(sizes[0], list(sizes[1:]), activation, rng=rng, **options)
        return lambda x: LOSSES[loss](model(x[:sizes[0]]), x[sizes[0]:]), sizes[0] + sizes[-1], model.parameters()
    return made


def maxout(rng):
    model = tg.Sequential(tg.Layer(3, 4, "sigmoid", rng=rng), tg.Maxout(4, 3, rng=rng))
    return lambda x: tg.square(model(x[:3]) - x[3]), 4, model.parameters()


def written_out(rng):
    """Two layers by operators alone, tanh by its formula, and a penalty on the weights."""
    weights = Weights(rng)
    first, second, bias = weights.matrix(5, 3), weights.matrix(2, 5), weights.row(5)

    def f(x):
        hidden = [1 - 2 / (tg.exp(2 * (z + b)) + 1) for z, b in zip(by_operators(first, x[:3]), bias)]
        errors = [(p - t) ** 2 for p, t in zip(by_operators(second, hidden), x[3:])]
        return sum(errors) / 2 + 0.01 * sum(w * w for row in first for w in row)
    return f, 5, weights.all


def recurrent(rng, steps=5, width=3):
    weights = Weights(rng)
    inner, outer = weights.matrix(width, 2), weights.matrix(width, width)
    bias, end = weights.row(width), weights.row(width)

    def f(x):
        state = [0.0] * width
        for k in range(steps):
            sums = zip(linear(inner, x[2 * k:2 * k + 2]), linear(outer, state), bias)
            state = [tg.tanh(a + b + c) for a, b, c in sums]
        return tg.square(tg.dot(end, state) - x[-1])
    return f, 2 * steps + 1, weights.all


def gated(rng, steps=4, width=3):
    """An LSTM."""
    weights = Weights(rng)
    gates = [weights.matrix(width, 1 + width) for _ in range(4)]

    def f(x):
        state, memory = [0.0] * width, [0.0] * width
        for e in x[:-1]:
            forget, take, give, new = (linear(gate, [e, *state]) for gate in gates)
            memory = [tg.sigmoid(a) * m + tg.sigmoid(b) * tg.tanh(c) for a, b, c, m in zip(forget, take, new, memory)]
            state = [tg.sigmoid(a) * tg.tanh(m) for a, m in zip(give, memory)]
        return tg.huber(tg.sum(state), x[-1])
    return f, steps + 1, weights.all


def convolution(rng, side=6, maps=3, size=3):
    """Maps of weights that all places share, the largest of four neighbours, and a layer of classes."""
    weights, left = Weights(rng), side - size + 1
    kernels, classes = weights.matrix(maps, size * size), weights.matrix(3, maps * (left // 2) ** 2)

    def f(x):
        windows = [[[x[(i + a) * side + j + b] for a in range(size) for b in range(size)] for j in range(left)]
                   for i in range(left)]
        pooled = []
        for kernel in kernels:
            found = [[tg.relu(tg.dot(kernel, window)) for window in row] for row in windows]
            pooled += [tg.max([found[i][j], found[i][j + 1], found[i + 1][j], found[i + 1][j + 1]])
                       for i in range(0, left, 2) for j in range(0, left, 2)]
        return tg.cross_entropy(linear(classes, pooled), x[side * side:])
    return f, side * side + 3, weights.all


def normalised(x):
    """A row with mean 0 and variance 1."""
    centre = tg.mean(x)
    spread = tg.sqrt(tg.mean([(e - centre) ** 2 for e in x]) + 1e-5)
    return [(e - centre) / spread for e in x]


def attention(rng, length=4, width=6, heads=2):
    """A block of a transformer over a few places: each attends to those before it; letters come as rows of 0 and 1."""
    weights, part = Weights(rng), width // heads
    letters, places = weights.matrix(width, 3), weights.matrix(length, width)
    query, key, value, mixed = (weights.matrix(width, width) for _ in range(4))
    wide, narrow, classes = weights.matrix(2 * width, width), weights.matrix(width, 2 * width), weights.matrix(3, width)

    def attended(q, ks, vs):
        shares = tg.softmax([tg.dot(q, k) * part ** -0.5 for k in ks])
        return [tg.dot(shares, column) for column in zip(*vs)]

    def f(x):
        rows = [[a + b for a, b in zip(linear(letters, x[3 * t:3 * t + 3]), places[t])] for t in range(length)]
        qs, ks, vs = ([linear(matrix, normalised(row)) for row in rows] for matrix in (query, key, value))
        losses = []
        for t, row in enumerate(rows):
            cuts = [slice(h * part, (h + 1) * part) for h in range(heads)]
            seen = [e for s in cuts for e in attended(qs[t][s], [k[s] for k in ks[:t + 1]], [v[s] for v in vs[:t + 1]])]
            row = [a + b for a, b in zip(linear(mixed, seen), row)]
            hidden = [tg.gelu(e) for e in linear(wide, normalised(row))]
            row = [a + b for a, b in zip(linear(narrow, hidden), row)]
            losses.append(tg.cross_entropy(linear(classes, row), x[3 * (t + 1):3 * (t + 2)]))
        return tg.mean(losses)
    return f, 3 * (length + 1), weights.all


def mixture(rng):
    """Where one of two experts is chosen for each row, a logarithm is guarded, and a number is clipped."""
    weights = Weights(rng)
    chooser, experts = weights.row(3), weights.matrix(2, 3)

    def f(x):
        gate, [a, b] = tg.dot(chooser, x[:3]), linear(experts, x[:3])
        chosen = tg.where(tg.greater(gate, 0), tg.clip(a, low=-1, high=1), tg.minimum(b, abs(a)))
        guarded = tg.log(tg.where(tg.greater(chosen, 0), chosen, 1.0))
        return tg.maximum(chosen - x[3], 0.1 * (x[3] - chosen)) + guarded * tg.sign(gate)
    return f, 4, weights.all


NETWORKS = {
    **{f"MLP, {name}": mlp(name) for name in ACTIVATIONS}, **{f"MLP, {name}": mlp(loss=name) for name in LOSSES},
    "MLP, unfused": mlp(fused=False), "MLP, unfused, relu": mlp("relu", "mse", (3, 8, 8, 3), fused=False),
    "MLP, wide": mlp("relu", sizes=(20, 24, 10)), "maxout": maxout, "written out": written_out, "recurrent": recurrent,
    "gated": gated, "convolution": convolution, "attention": attention, "mixture": mixture,
}
ONE_HOT = {"attention": 3, "convolution": 3, "MLP, wide": 10}      # how many classes


def batch_for(name, rng, inputs, rows):
    """A batch for a network: rows of random numbers, and where there are classes, of rows of 0 with a 1."""
    classes = ONE_HOT.get(name, 3 if name.startswith("MLP") else 0)
    found = [[rng.gauss(0, 1) for _ in range(inputs)] for _ in range(rows)]
    for row in found:
        for first in range(0 if name == "attention" else inputs - classes, inputs, classes or 1):
            chosen = rng.randrange(classes) if classes else None
            row[first:first + classes] = [float(k == chosen) for k in range(classes)]
    return found
