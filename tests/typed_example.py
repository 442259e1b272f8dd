"""What a user may write, as type checkers see it: it passes `mypy --strict`, and is run."""

from importlib.util import find_spec
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import tinygrad_edu as tg
from tinygrad_edu import Value
from tinygrad_edu.engine import formula as m

# ---- expressions ----------------------------------------------------------------------------------------

x, y, z = Value(-2.0, label="x"), Value(5, label="y"), Value(-4, label="z")
f = (x + y) * z
assert_type(f, Value)
f.backward()
assert_type(f.data, float)
assert (f.data, x.grad, y.grad, z.grad) == (-12.0, -4.0, -4.0, 3.0)

assert_type(2 * x ** 2 - 1 / y, Value)
assert_type(-abs(x) % 3 // y, Value)
assert_type(x < 3, bool)
assert_type(divmod(y, 3), tuple[Value, Value])
assert_type(x.parents, tuple[Value, ...])

# ---- operations: a float gives a float, a Value a Value -------------------------------------------------------

assert_type(tg.tanh(0.5), float)
assert_type(tg.tanh(x), Value)
assert_type(x.tanh().relu().clip(0.0, high=1.0), Value)
assert_type(tg.leaky_relu(x, slope=0.1), Value)
assert_type(tg.maximum(x, 1), Value)
assert_type(tg.maximum(1.0, 2), float)
assert_type(tg.where(tg.greater(x, 0), x, 0.0), Value)
assert_type(tg.log(8.0, 2), float)
assert_type(y.log(2.0), Value)
assert_type(tg.pow(2.0, 10), float)
assert_type(tg.pow(y, 2), Value)
assert_type(tg.sum([1.0, 2.0]), float)
assert_type(tg.sum([x, y]), Value)
assert_type(tg.sum([x, 2.0]), Value)
assert_type(tg.max(x, y, 3), Value)
assert_type(tg.dot([x, y], [1.0, 2.0]), Value)
assert_type(tg.softmax([1.0, 2.0]), list[float])
assert_type(tg.softmax([x, y]), list[Value])
assert_type(tg.std([x, y], ddof=1), Value)
assert_type(tg.mish(1.0), float)
assert_type(tg.tanh.symbol, str)


def bowl(a: float | Value) -> float | Value:
    """A function of either."""
    return tg.square(a) + 1


assert bowl(3.0) == 10.0


# ---- numbers of numpy --------------------------------------------------------------------------------------------

row = np.array([0.5, -1.5])
assert_type(tg.tanh(np.float32(0.5)), float)
assert_type(np.int64(2) + x, Value)
assert_type(tg.tanh(row), NDArray[Any])
assert_type(x * row, NDArray[Any])
assert_type(x / row, NDArray[Any])

# ---- an operation of one's own ---------------------------------------------------------------------------------------


@tg.op("cosc", tg.REAL)
def cosc(a: float) -> tuple[float, tuple[float]]:
    """(1 - cos a) / a, and 0 at 0."""
    f = m.where(m.equal(a, 0), 0, lambda: (1 - m.cos(a)) / a)
    return f, (m.where(m.equal(a, 0), m.ratio(1, 2), lambda: (m.sin(a) - f) / a),)


@tg.op("a·b", [tg.REAL], [tg.REAL])
def product(a: list[float], b: list[float]) -> tuple[float, tuple[list[float], list[float]]]:
    return m.total(m.each(lambda p, q: p * q, a, b)), (b, a)


assert_type(cosc(0.5), float)
assert_type(cosc(x), Value)
assert_type(cosc.symbol, str)
assert_type(product([x, y], [1.0, 2.0]), Value)
assert tg.gradcheck(cosc, [0.5])

# ---- derivatives -------------------------------------------------------------------------------------------------------


def cube(a: Value) -> Value:
    return a ** 3


assert_type(tg.grad(cube)(2.0), float)
assert_type(tg.value_and_grad(cube)(2.0)[1], float)
assert_type(tg.derivative(cube, 2)(2.0), float)
assert_type(tg.hvp(lambda v: v[0] ** 2 * v[1], [3.0, 5.0], [1.0, 0.0]), list[float])
assert_type(tg.hessian(lambda v: v[0] ** 2 * v[1])([3.0, 5.0]), list[list[float]])
assert_type(tg.jacobian(cube)(2.0), list[list[float]])
assert_type(tg.gradient_graph(f, x), Value)
assert tg.grad(cube)(2.0) == 12.0

# ---- networks ------------------------------------------------------------------------------------------------------------

neuron = tg.Neuron(2, "tanh", rng=0)
assert_type(neuron([1.0, x]), Value)
assert_type(neuron(row), Value)
assert_type(tg.Layer(2, 3, tg.relu, rng=0)([1.0, 2.0]), list[Value])
assert_type(tg.mse([x, y], [1.0, 2.0]), Value)
assert_type(tg.mse([1.0], [2.0], reduction="sum"), float)
assert_type(tg.mse([x], [2.0], reduction="none"), list[Value])
assert_type(tg.cross_entropy([[x, y], [y, x]], [0, 1]), Value)
assert_type(tg.huber([x], [1.0], delta=2.0, reduction="none"), list[Value])
assert_type(tg.cross_entropy([[x, y]], [0], weight=[1.0, 2.0], label_smoothing=0.1), Value)

model = tg.MLP(2, [4, 2], activation="tanh", rng=0)
assert_type(model.parameters(), list[Value])
examples = tg.data.xor(40, seed=0)
history = tg.fit(model, examples.inputs, examples.targets, loss=tg.cross_entropy, optimizer="adam", lr=0.05, epochs=3,
                 validation=(examples.inputs, examples.targets), progress=False)
assert_type(history, tg.History)
assert_type(history.loss[-1], float)

tg.fit(model, np.array(examples.inputs), np.array(examples.targets), epochs=1, progress=False)
assert_type(tg.check_training(model, np.array(examples.inputs), examples.targets)[0].good, bool)

optimizer = tg.SGD(model.parameters(), lr=0.1)
for inputs, target in zip(examples.inputs, examples.targets):
    loss = tg.cross_entropy(model(inputs), target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

assert_type(model.eval(), tg.MLP)
assert_type(model.freeze().unfreeze(), tg.MLP)
assert_type(tg.script(model, "numpy", examples.inputs[:2]), str)


class Line(tg.Module):
    """A model of one's own."""

    def __init__(self) -> None:
        self.slope, self.offset = Value(0.0), Value(0.0)

    def forward(self, x: float) -> Value:
        return self.slope * x + self.offset


class Sign(tg.Optimizer):
    """An optimizer of one's own."""

    def step_for(self, g: float, memory: dict[str, float], at: Any) -> float:
        return float(at.lr) * tg.sign(g)


line = Line()
fitted = tg.fit(line, [0.0, 1.0, 2.0], [1.0, 3.0, 5.0], loss=tg.mae,
                optimizer=Sign(line.parameters(), lr=0.1), schedule=tg.schedules.OneCycle(0.1, steps=3), epochs=3,
                sample_weight=[1.0, 2.0, 1.0], patience=2, restore_best=True, progress=False)
assert_type(fitted.stopped, str)


def make_model(hidden: int, seed: int) -> tg.MLP:
    return tg.MLP(2, [hidden, 2], rng=seed)


runs = tg.sweep(make_model, tg.data.split(examples), {"hidden": [2, 4], "epochs": 2, "seed": range(2)})
assert_type(runs, tg.Runs)
assert_type(runs.over_seeds().best(), dict[str, Any])
assert_type(runs.runs[0].history, tg.History)

if find_spec("sklearn"):
    classifier = tg.Classifier((4,), lr=0.05, epochs=3, random_state=0)
    assert_type(classifier.fit(examples.inputs, ["no", "yes"] * 20), tg.Classifier)
    assert_type(classifier.predict(examples.inputs), NDArray[Any])
    assert_type(classifier.predict_proba(examples.inputs), NDArray[Any])
    assert_type(classifier.model_, tg.MLP)
    assert_type(tg.Regressor(epochs=1).fit(examples.inputs, [0.5] * 40).history_, tg.History)

# ---- programs, pictures, steps ----------------------------------------------------------------------------------------------

program = tg.compile(lambda a, b: (a * x + y - b) ** 2, 0.0, 0.0)
assert_type(program, tg.Program)
assert_type(program.backward([0.0, 1.0], [1.0, 3.0]), float)
assert_type(program.source, str)

assert_type(tg.steps(f)[0], tg.Event)
assert_type(tg.steps(f)[0].text, str)
assert_type(tg.draw(f), tg.Drawing)
assert_type(tg.play(f), tg.Page)
assert_type(tg.scope([x * 2, y], "doubled"), list[Value])
assert_type(tg.expression("(x + y) * z", x=-2, y=5, z=-4), Value)
assert_type(tg.explain(f, x), tg.Explanation)
assert_type(tg.classroom.why("seed").answer, str)
with tg.classroom.bug("accumulate") as engine:
    assert_type(engine, type)
with tg.no_grad():
    assert (x * y).is_constant
