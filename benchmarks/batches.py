"""What `compile()` is measured on: losses of a row of numbers, for a batch of rows.

Each is said twice.  `scalar` is written for single numbers, as users of this library write it, and is run by both
engines and by `compile()`; `tensor` says the same in matrices, as users of PyTorch and JAX write it.  Weights are
arrays by name, and gradients are compared in their order.
"""

from collections.abc import Callable
from functools import partial, reduce
from itertools import pairwise
from operator import add, mul
from typing import Any, NamedTuple

import numpy as np

from . import graph

Array = Any
Weights = dict[str, Array]


class Batch(NamedTuple):
    """A loss, and the numbers it is given.

    scalar          (library, weights as lists of Values, *one row of the inputs) -> the loss of the row
    tensor          (peer, weights as tensors, *the inputs) -> the mean of the losses
    by_hand         (weights, *inputs) -> the same and its gradients, in NumPy
    c               the lines of C that call for it in by_hand.c, and the name of its function there
    layers          of a network: how many numbers go in and come out of each, its activation, and its loss
    multiply_adds   how often a product is added to a sum, forward and backward
    """

    title: str
    weights: Weights
    inputs: tuple[Array, ...]
    scalar: Callable
    tensor: Callable | None = None
    by_hand: Callable | None = None
    c: tuple[str, str] | None = None
    layers: tuple[tuple[int, ...], str, str] | None = None
    multiply_adds: int = 0
    gradients_of_inputs: bool = False           # those of the weights otherwise
    per_row: bool = False                       # is the time of a row given?

    @property
    def rows(self) -> int:
        return len(self.inputs[0])

    @property
    def shares(self) -> int:
        """Into how many parts the time of a run is divided."""
        return self.rows if self.per_row else 1

    @property
    def parameters(self) -> int:
        return sum(weight.size for weight in self.weights.values())


def drawn(random: Any, *shape: int) -> Array:
    return random.normal(size=shape) / np.sqrt(max(shape[-1], 16))


def one_hot(random: Any, *shape: int) -> Array:
    return np.eye(shape[-1])[random.integers(0, shape[-1], shape[:-1])]


def linear(library: Any, rows: list, x: list) -> list:
    return [library.dot(row, x) for row in rows]


# ---- networks ---------------------------------------------------------------------------------------------


def network(*sizes: int, rows: int, activation: str = "relu", loss: str = "cross_entropy") -> Batch:
    """Layers of these sizes; W0, b0, W1, b1 ... are their weights."""
    random = np.random.default_rng(0)
    weights = {}
    for i, (inputs, outputs) in enumerate(pairwise(sizes)):
        weights |= {f"W{i}": drawn(random, outputs, inputs), f"b{i}": drawn(random, outputs)}
    x = random.normal(size=(rows, sizes[0]))
    y = random.normal(size=(rows, 1)) if loss == "mse" else one_hot(random, rows, sizes[-1])
    products = [inputs * outputs for inputs, outputs in pairwise(sizes)]
    name = {"mse": "mean squared error", "cross_entropy": "cross entropy"}[loss]
    return Batch(f"{'-'.join(map(str, sizes))}, {activation}, {name}, {rows:,} rows", weights, (x, y),
                 partial(scalar_network, activation, loss), partial(tensor_network, activation, loss),
                 partial(network_by_hand, activation, loss), c_network(sizes, rows, activation, loss),
                 (sizes, activation, loss), rows * (3 * sum(products) - products[0]))


def scalar_network(activation: str, loss: str, library: Any, weights: Weights, x: list, y: list) -> Any:
    bent, last = getattr(library, activation), len(weights) // 2 - 1
    for i in range(last + 1):
        x = [z + b for z, b in zip(linear(library, weights[f"W{i}"], x), weights[f"b{i}"])]
        x = x if i == last else list(map(bent, x))
    return (x[0] - y[0]) ** 2 if loss == "mse" else library.softmax_cross_entropy(x, y)


def tensor_network(activation: str, loss: str, peer: Any, weights: Weights, x: Array, y: Array) -> Array:
    bent, last = getattr(peer, activation), len(weights) // 2 - 1
    for i in range(last + 1):
        x = peer.linear(x, weights[f"W{i}"], weights[f"b{i}"])
        x = x if i == last else bent(x)
    return ((x - y) ** 2).mean() if loss == "mse" else peer.cross_entropy(x, y)


def network_by_hand(activation: str, loss: str, weights: Weights, x: Array, y: Array) -> tuple[float, list[Array]]:
    """Loss and gradients, in their order, as one writes them out in NumPy."""
    layers, rows = len(weights) // 2, len(x)
    seen = [x]
    for i in range(layers):
        z = seen[-1] @ weights[f"W{i}"].T + weights[f"b{i}"]
        seen.append(z if i == layers - 1 else np.maximum(z, 0) if activation == "relu" else np.tanh(z))
    if loss == "mse":
        error = z - y
        total, g = (error * error).mean(), 2 * error / rows
    else:
        top = z.max(axis=1, keepdims=True)
        power = np.exp(z - top)
        scale = power.sum(axis=1, keepdims=True)
        total, g = (np.log(scale) + top - (z * y).sum(axis=1, keepdims=True)).mean(), (power / scale - y) / rows
    gradients: list[Array] = []
    for i in reversed(range(layers)):
        gradients[:0] = [g.T @ seen[i], g.sum(axis=0)]
        if i:
            g = g @ weights[f"W{i}"]
            g = g * (seen[i] > 0) if activation == "relu" else g * (1 - seen[i] ** 2)
    return total, gradients


def c_network(sizes: tuple[int, ...], rows: int, activation: str, loss: str) -> tuple[str, str] | None:
    if (sizes, rows, activation, loss) == ((2, 16, 16, 1), 100, "relu", "mse"):
        return "", "small_step"
    whole = sizes[0] % 8 == sizes[1] % 8 == 0
    if (len(sizes), activation, loss) == (3, "relu", "cross_entropy") and whole:
        return f"NETWORK(network, {', '.join(map(str, sizes))}, {rows})", "network_step"
    return None


# ---- attention --------------------------------------------------------------------------------------------

PLACES, WIDTH, HEADS, CLASSES = 8, 16, 4, 4
PART = WIDTH // HEADS


def attention(rows: int) -> Batch:
    """A block of a transformer: causal attention, a layer of relu, and a guess at every place."""
    random = np.random.default_rng(1)
    weights = {name: drawn(random, WIDTH, WIDTH) for name in ("query", "key", "value", "mix")}
    weights |= {"widen": drawn(random, 4 * WIDTH, WIDTH), "narrow": drawn(random, WIDTH, 4 * WIDTH),
                "guess": drawn(random, CLASSES, WIDTH)}
    inputs = random.normal(size=(rows, PLACES, WIDTH)), one_hot(random, rows, PLACES, CLASSES)
    pairs = PLACES * (PLACES + 1) // 2                          # of a place and one it sees
    products = PLACES * sum(weight.size for weight in weights.values()) + 2 * pairs * WIDTH
    return Batch(f"attention over {PLACES} places of {WIDTH} numbers, {HEADS} heads, {rows} rows", weights, inputs,
                 scalar_attention, tensor_attention, multiply_adds=rows * 3 * (products - PLACES * WIDTH * WIDTH))


def scalar_attention(library: Any, weights: Weights, x: list, y: list) -> Any:
    along = partial(linear, library)
    normed_rows = [normed(row) for row in x]
    query, key, value = ([along(weights[name], row) for row in normed_rows] for name in ("query", "key", "value"))
    losses = []
    for place, row in enumerate(x):
        gathered = []
        for start in range(0, WIDTH, PART):
            part = slice(start, start + PART)
            shares = library.softmax([library.dot(query[place][part], key[seen][part]) * PART ** -0.5
                                      for seen in range(place + 1)])
            gathered += [library.dot(shares, [value[seen][j] for seen in range(place + 1)])
                         for j in range(start, start + PART)]
        row = [a + b for a, b in zip(along(weights["mix"], gathered), row)]
        wide = list(map(library.relu, along(weights["widen"], normed(row))))
        row = [a + b for a, b in zip(along(weights["narrow"], wide), row)]
        losses.append(library.softmax_cross_entropy(along(weights["guess"], row), y[place]))
    return library.mean(losses)


def normed(x: list) -> list:
    scale = (reduce(add, map(mul, x, x)) / len(x) + 1e-5) ** -0.5       # Python's sum adds floats in its own way
    return [number * scale for number in x]


def tensor_attention(peer: Any, weights: Weights, x: Array, y: Array) -> Array:
    rows, bent = len(x), normed_tensor(x)
    query, key, value = (peer.swapped((bent @ weights[name].T).reshape(rows, PLACES, HEADS, PART))
                         for name in ("query", "key", "value"))
    shares = peer.softmax(peer.causal(query @ peer.turned(key) * PART ** -0.5))
    gathered = peer.swapped(shares @ value).reshape(rows, PLACES, WIDTH)
    x = x + gathered @ weights["mix"].T
    x = x + peer.relu(normed_tensor(x) @ weights["widen"].T) @ weights["narrow"].T
    return peer.cross_entropy(x @ weights["guess"].T, y)


def normed_tensor(x: Array) -> Array:
    return x * ((x * x).mean(-1)[..., None] + 1e-5) ** -0.5


# ---- a recurrent network ----------------------------------------------------------------------------------

STEPS, READ, KEPT = 20, 4, 16


def recurrent(rows: int) -> Batch:
    """Reads 4 numbers a step and keeps 16; the square of an error at the end."""
    random = np.random.default_rng(2)
    weights = {"read": drawn(random, KEPT, READ), "keep": drawn(random, KEPT, KEPT), "bias": drawn(random, KEPT),
               "say": drawn(random, 1, KEPT)}
    inputs = random.normal(size=(rows, STEPS, READ)), random.normal(size=(rows, 1))
    products = STEPS * 2 * READ * KEPT + (STEPS - 1) * 3 * KEPT * KEPT + 3 * KEPT
    return Batch(f"a recurrent network, {READ} to {KEPT} numbers, tanh, {STEPS} steps, {rows} rows", weights, inputs,
                 scalar_recurrent, tensor_recurrent, multiply_adds=rows * products)


def scalar_recurrent(library: Any, weights: Weights, x: list, y: list) -> Any:
    kept: list = []
    for numbers in x:
        read = map(add, linear(library, weights["read"], numbers), weights["bias"])
        kept = list(map(library.tanh, map(add, read, linear(library, weights["keep"], kept)) if kept else read))
    return (library.dot(weights["say"][0], kept) - y[0]) ** 2


def tensor_recurrent(peer: Any, weights: Weights, x: Array, y: Array) -> Array:
    kept = None
    for step in range(STEPS):
        read = peer.linear(x[:, step], weights["read"], weights["bias"])
        kept = peer.tanh(read if kept is None else read + kept @ weights["keep"].T)
    return ((kept @ weights["say"].T - y) ** 2).mean()


# ---- single numbers ---------------------------------------------------------------------------------------


def ten_operations() -> Batch:
    """The smallest there is: what a call costs."""
    weights = {"w": np.array([0.5, -0.25, 0.125]), "v": np.array([2.0, 0.75])}

    def scalar(library: Any, weights: Weights, x: list) -> Any:
        (w0, w1, b), (v, c), (x0, x1, y) = weights["w"], weights["v"], x
        error = library.tanh(w0 * x0 + w1 * x1 + b) * v + c - y
        return error * error * 0.5
    return Batch("ten operations, one row", weights, (np.array([[0.5, -1.0, 2.0]]),), scalar)


def random_operations(operations: int, rows: int) -> Batch:
    """A random graph of single numbers, and the gradients of the inputs of every row."""
    plan = graph.random_plan(seed=0, operations=operations)
    inputs = np.random.default_rng(3).uniform(-1.0, 1.0, size=(rows, len(plan.leaves)))

    def scalar(library: Any, weights: Weights, x: list) -> Any:
        return graph.carried_out(plan, list(x), library.relu)

    def tensor(peer: Any, weights: Weights, x: Array) -> Array:
        return graph.carried_out(plan, [x[..., i] for i in range(len(plan.leaves))], peer.relu)
    counted = "one row" if rows == 1 else f"{rows} rows"
    return Batch(f"{operations:,} random operations, {counted}, gradients of the inputs", {}, (inputs,), scalar, tensor,
                 gradients_of_inputs=True)


BATCHES: dict[str, Callable[[], Batch]] = {
    "ten": ten_operations,
    "small": lambda: network(2, 16, 16, 1, rows=100, loss="mse"),
    "middle": lambda: network(64, 32, 10, rows=128),
    "tanh": lambda: network(64, 32, 10, rows=128, activation="tanh"),
    "large": lambda: network(784, 128, 10, rows=128),
    "largest": lambda: network(784, 512, 10, rows=128),
    "attention": lambda: attention(rows=32),
    "recurrent": lambda: recurrent(rows=64),
    "scalars": lambda: random_operations(300, rows=64),
    "graph": lambda: random_operations(10_000, rows=1),
    "rows": lambda: network(2, 16, 16, 1, rows=100_000, loss="mse"),
}
CROSSOVER = ("8x8x4", "16x16x10", "32x32x10", "middle", "128x64x10", "256x128x10", "large", "largest")


def batch_named(name: str) -> Batch:
    """`middle` is that one of BATCHES, `names` the GPT of names.py; `64x32x10` is the network of these sizes."""
    if name == "names":
        from .names import names_batch
        return names_batch()
    return BATCHES[name]() if name in BATCHES else network(*map(int, name.split("x")), rows=128)
