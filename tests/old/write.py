"""What was written by version 0.1.0: weight files, checkpoints and pickles, and the numbers they hold.

Run once, by the last commit of 0.1.0 (that before 0.2.0 began), on CPython 3.11 with the compiled engine:

    PYTHONPATH=tests python tests/old/write.py

`tests/test_old_files.py` loads all of it with today's code.  It takes the models from here, since a weight
file and a checkpoint want a model to be loaded into.  Nothing here may be changed but by adding to it.
"""

import json
import os
import pickle
import pickletools
import subprocess
import sys
from pathlib import Path

import tinygrad_edu as tg

FOLDER = Path(__file__).resolve().parent
INPUTS = [[0.5, -1.0], [1.5, 0.25], [-0.75, 2.0], [1.0, 1.0], [-2.0, 0.125]]
TARGETS = [1.0, -0.5, 0.25, 2.0, 0.75]


class Weighted(tg.Value):
    """A user's own kind of Value, which carries something of its own."""


def gentle(x):
    """x / (1 + x²), a user's own operation."""
    scale = 1 + x * x
    return x / scale, ((1 - x * x) / (scale * scale),)


# ---- models -----------------------------------------------------------------------------------------------


def frozen_in_part(rng):
    model = tg.MLP(2, [3, 2, 1], activation="silu", rng=rng)
    model.layers[0].freeze()
    return model


MODELS = {
    "mlp_tanh": lambda rng: tg.MLP(3, [4, 2], activation="tanh", rng=rng),
    "mlp_relu_sigmoid": lambda rng: tg.MLP(2, [3, 1], activation="relu", output_activation="sigmoid", rng=rng),
    "mlp_gelu": lambda rng: tg.MLP(1, [2, 2, 1], activation="gelu", rng=rng),
    "frozen_in_part": frozen_in_part,
    "layer_without_bias": lambda rng: tg.Layer(3, 2, "softplus", bias=False, rng=rng),
    "maxout": lambda rng: tg.Maxout(2, 3, rng=rng),
    "dropout": lambda rng: tg.Sequential(tg.Layer(2, 3, "leaky_relu", rng=rng), tg.Dropout(0.5, seed=3), tg.Neuron(3, rng=1)),
}

# relu, squares and these settings need no function of the C library: a training gives the same bits everywhere.
OPTIMIZERS = {
    "momentum": lambda parameters: tg.Momentum(parameters, lr=0.01, momentum=0.5),
    "nesterov": lambda parameters: tg.Nesterov(parameters, lr=0.01, momentum=0.75),
    "adagrad": lambda parameters: tg.Adagrad(parameters, lr=0.05),
    "rmsprop": lambda parameters: tg.RMSprop(parameters, lr=0.01, weight_decay=0.125),
    "adadelta": lambda parameters: tg.Adadelta(parameters),
    "adam": lambda parameters: tg.Adam([{"params": parameters[:2], "lr": 0.125}, {"params": parameters[2:]}],
                                       lr=0.05, betas=(0.5, 0.75)),
    "adamw": lambda parameters: tg.AdamW(parameters, lr=0.05, betas=(0.75, 0.5)),
}


def trained(name, checkpoint, epochs):
    """(model, optimizer, history) after a training that may be taken up again."""
    model = tg.Sequential(tg.Layer(2, 2, "relu", rng=4), tg.Dropout(0.25, seed=1), tg.Neuron(2, rng=5))
    optimizer = OPTIMIZERS[name](model.parameters())
    history = tg.fit(model, INPUTS, TARGETS, loss="mse", optimizer=optimizer, epochs=epochs, batch_size=2,
                     checkpoint=checkpoint, progress=False)
    return model, optimizer, history


def state_of(model, optimizer, history):
    """Everything that a training has come to, as its checkpoint has it."""
    return {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "history": vars(history)}


# ---- graphs ------------------------------------------------------------------------------------------------


def shared_nodes():
    x, y = tg.Value(1.5, label="x"), tg.Value(-0.25, label="y")
    q = x * y
    q.label = "q"
    return (q + q) / (q * 3 - x) - tg.maximum(x, x) + tg.relu(-y) * 2


def powers():
    x, y = tg.Value(1.75, label="x"), tg.Value(0.3, label="y")
    return x ** 3 + x ** 0.5 + x ** 2 + 2 ** y + x ** y + tg.power(y, n=-1)


def constants():
    x, frozen = tg.Value(0.7, label="x"), tg.Value(4.0, label="frozen")
    frozen.is_constant = True
    with tg.no_grad():
        unrecorded = tg.exp(x)
    return tg.clip(x, -0.5, high=0.5) + tg.leaky_relu(-x, slope=0.1) * frozen + x.detach() * 3 + unrecorded


def by_hand():
    x, y = tg.Value(2.0, label="x"), tg.Value(3.0)
    return tg.sum([tg.Value(1.0, (x, y, x), (0.25, -1.0, 1e-300), op="mine"), tg.Value(5.0, op="odd"), x, 2.0])


def rows():
    x = [tg.Value(number, label=f"x{i}") for i, number in enumerate((0.5, -1.25, 0.5))]
    parts = [tg.sum(x), tg.mean(x), tg.prod(x), tg.max(x), tg.min(x), tg.logsumexp(x), tg.dot(x, [1, x[0], 3]),
             tg.softmax_cross_entropy(x, [0.25, 0.75, 0.0]), *tg.softmax(x)]
    return tg.sum(parts)


def scopes():
    model = tg.Sequential(tg.MLP(2, [2, 2], activation="sigmoid", rng=2), tg.Dropout(0.5, seed=1), tg.Neuron(2, "elu", rng=3))
    return tg.mse(model([0.5, -1.5]), 0.25)


def origins():
    with tg.trace_origin():
        x = tg.Value(0.5)
        w = tg.Value(-2.0, label="w")
        loss = tg.tanh(w * x) + 1
    return loss


def subclass():
    x = Weighted(2.0, label="x")
    x.weight = 0.125
    return x * x + tg.sin(x)


def own_op():
    return tg.op("gentle", tg.REAL)(gentle)(tg.Value(3.0, label="x")) * 2


BUILT_IN = """add sub mul div neg identity square power pow abs sign sqrt cbrt hypot exp exp2 expm1 log log2 log10 log1p sin cos
    tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh erf erfc gelu relu leaky_relu elu sigmoid log_sigmoid
    softplus silu softsign maximum minimum clip where step greater less greater_equal less_equal equal not_equal sum mean
    prod dot max min logsumexp softmax_cross_entropy""".split()


def every_op():
    leaves = {}

    def applied(op):
        inputs = [next(x for x in (0.375, 1.625, 0.0) if interval.holds(x)) for interval in op.domain]
        made = [leaves.setdefault(x + i / 8, tg.Value(x + i / 8)) for i, x in enumerate(inputs)]
        return op(*[[x, made[0]] for x in made] if op.rows else made, **op.sample)
    return tg.sum([applied(tg.OPS[name]) for name in BUILT_IN])


GRAPHS = {make.__name__: make for make in (
    shared_nodes, powers, constants, by_hand, rows, scopes, origins, subclass, own_op, every_op)}


EMPTY = {"''", "[]", "{}", "None", "False", "0.0"}


def nodes_of(output):
    """All that is known of every node of a graph, as plain data, parents by their place; what is empty is left out."""
    order = tg.topological_order(output)
    place = {node: i for i, node in enumerate(order)}
    return [{key: value for key, value in {
        "kind": "" if type(node) is tg.Value else type(node).__name__, "own": getattr(node, "__dict__", {}),
        "data": node.data, "grad": node.grad, "op": node.op, "label": node.label, "scope": node.scope,
        "parents": [place[parent] for parent in node.parents], "slopes": list(node.local_grads), "constants": node.constants,
        "is_constant": node.is_constant, "origin": node.origin and list(node.origin)}.items() if repr(value) not in EMPTY} for node in order]


# ---- writing -----------------------------------------------------------------------------------------------


def pickled(name, thing):
    (FOLDER / f"{name}.pickle").write_bytes(pickletools.optimize(pickle.dumps(thing)))


def slope_too_steep(x):
    return tg.Value(x.data ** 3, (x,), (4 * x.data ** 2,), op="cube")


def results():
    """What the functions of the package give: pictures, tables, formulas, reports."""
    x, y = tg.Value(-2, label="x"), tg.Value(5, label="y")
    f = (x + y) * y
    f.backward()
    with tg.errstate(all="ignore"):
        infinite = tg.log(x + 2) * y
    return {"steps": tg.steps(f), "drawing": tg.draw(f), "symbolic": tg.symbolic(f), "exact": tg.exact(f),
            "right": tg.gradcheck(lambda a, b: tg.relu(a) * b, [0.0, 2.0]), "wrong": tg.gradcheck(slope_too_steep, [3.0]),
            "estimate": tg.numeric_derivative(tg.square, 0.5), "nonfinite": tg.first_nonfinite(infinite),
            "checks": tg.check_training(tg.MLP(2, [2, 1], "relu", rng=0), INPUTS, TARGETS)}


def write_results():
    """Each result, and how it prints."""
    pickled("results", {name: (result, repr(result)) for name, result in results().items()})


def write_graphs():
    graphs = {name: make() for name, make in GRAPHS.items() if make is not every_op or tg.engine_name == "native"}
    for graph in graphs.values():
        graph.backward()
    pickled(f"graphs_{tg.engine_name}", graphs)
    return {name: nodes_of(graph) for name, graph in graphs.items()}


def write_everything():
    """The files, and what cannot be read off them: the numbers of the graphs, and where the trainings lead."""
    models, trainings, later = {name: make(0) for name, make in MODELS.items()}, {}, {}
    for name, model in models.items():
        tg.save(model, FOLDER / f"weights_{name}.json", about={"name": name})
    for name in OPTIMIZERS:
        checkpoint = FOLDER / f"checkpoint_{name}.json"
        checkpoint.unlink(missing_ok=True)
        trainings[name] = trained(name, checkpoint, epochs=2)
        later[name] = trained(name, None, epochs=4)[0].state_dict()
    data = tg.data.Data(INPUTS, [1, 0, 0, 1, 1], ("x", "y"), ("no", "yes"))
    pickled("learned", {"data": data, "models": {name: models[name] for name in ("mlp_tanh", "frozen_in_part", "dropout")},
                        "trainings": {name: trainings[name] for name in ("nesterov", "adam")}})
    write_results()
    expected = {"version": tg.__version__, "graphs": write_graphs(), "later": later}
    (FOLDER / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    # under this name its class is pickled, and found again
    from old import write
    if tg.engine_name == "pure":
        write.write_graphs()
    else:
        write.write_everything()
        subprocess.run([sys.executable, __file__], env={**os.environ, "TINYGRAD_EDU_PURE": "1"}, check=True)
