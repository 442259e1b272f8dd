"""Small programs around the small engine: an optimizer, a training, a layer, with every part in a method.

They are right.  `faulty_programs.py` has one method of each otherwise.
"""

from fractions import Fraction
from typing import Any

from ...engine import formula as m
from .small import Value


class Descent:
    """Three steps of gradient descent on (2w + b - 1)², from w = 1 and b = 0.

    >>> Descent().run()
    {'w': Fraction(159, 256), 'b': Fraction(-97, 512)}
    """

    kind = "training"
    lr = Fraction(1, 16)
    steps = 3

    def __init__(self) -> None:
        self.w, self.b = Value(Fraction(1)), Value(Fraction(0))

    def parameters(self) -> list[Value]:
        """What is trained."""
        return [self.w, self.b]

    def loss(self) -> Value:
        """The loss of today's parameters."""
        return (2 * self.w + self.b - 1) ** 2

    def zero_grad(self) -> None:
        """Forget the gradients of the step before."""
        for parameter in self.parameters():
            parameter.grad = 0

    def update(self, number: Any, grad: Any) -> Any:
        """Downhill: against the gradient."""
        return number - self.lr * grad

    def run(self) -> dict[str, Any]:
        """The parameters after some steps."""
        for _ in range(self.steps):
            self.zero_grad()
            self.loss().backward()
            for parameter in self.parameters():
                parameter.data = self.update(parameter.data, parameter.grad)
        return {"w": self.w.data, "b": self.b.data}


class RunningLoss:
    """Three losses are added up, to be printed; how many nodes does the sum keep alive?

    >>> RunningLoss().run()
    {'sum': Fraction(12, 1), 'nodes': 0}
    """

    kind = "training"

    def add(self, total: Any, loss: Value) -> Any:
        """Add the number, so that the graph behind it can go."""
        return total + loss.data

    def run(self) -> dict[str, Any]:
        """The sum, and the nodes it holds."""
        w = Value(Fraction(2))
        total: Any = 0
        for _ in range(3):
            total = self.add(total, w * w)
        graph = total.order() if isinstance(total, Value) else []
        return {"sum": total.data if graph else total, "nodes": len(graph)}


class Clipping:
    """A gradient that is clipped to [-1, 1]: that of (w - 10)² at w = 0.

    >>> Clipping().run()
    {'gradient': -1}
    """

    kind = "training"

    def gradient(self, w: Value, loss: Value) -> Any:
        """The gradient is clipped: what it is a gradient of stays as it is."""
        loss.backward()
        return max(-1, min(w.grad, 1))

    def run(self) -> dict[str, Any]:
        """The gradient that a step is taken with."""
        w = Value(Fraction(0))
        return {"gradient": self.gradient(w, (w - 10) ** 2)}


# ---- optimizers --------------------------------------------------------------------------------------


class Momentum:
    """Three steps with momentum on w², from w = 2:  v ← βv + g,  w ← w - lr v.

    >>> Momentum().run()
    {'w': Fraction(-1, 2)}
    """

    kind = "optimizer"
    lr, beta = Fraction(1, 4), Fraction(1, 2)

    def velocity(self, v: Any, grad: Any) -> Any:
        """What is left of the velocity, and the gradient."""
        return self.beta * v + grad

    def moved(self, w: Any, v: Any) -> Any:
        """Downhill: against the velocity."""
        return w - self.lr * v

    def run(self) -> dict[str, Any]:
        """w after three steps."""
        w, v = Fraction(2), Fraction(0)
        for _ in range(3):
            v = self.velocity(v, 2 * w)
            w = self.moved(w, v)
        return {"w": w}


class Adam:
    """Three steps of Adam on w² + 3b², from w = b = 1.  Kingma and Ba, 2014.

    >>> {name: round(x, 6) for name, x in Adam().run().items()}
    {'w': 0.701586, 'b': 0.701586}
    """

    kind = "optimizer"
    lr, betas, eps = 0.1, (0.9, 0.999), 1e-8

    def __init__(self) -> None:
        self.memories: dict[str, list[float]] = {}

    def memory(self, name: str) -> list[float]:
        """The two averages of a parameter: of its gradients, and of their squares."""
        return self.memories.setdefault(name, [0.0, 0.0])

    def time(self, step: int) -> int:
        """Which step it is, counted from 1."""
        return step + 1

    def corrected(self, average: float, beta: float, time: int) -> float:
        """Averages that start at 0 are too small at first."""
        return average / (1 - beta ** time)

    def step(self, name: str, grad: float, time: int) -> float:
        """How much is subtracted from a parameter."""
        memory, (beta1, beta2) = self.memory(name), self.betas
        memory[0] = beta1 * memory[0] + (1 - beta1) * grad
        memory[1] = beta2 * memory[1] + (1 - beta2) * grad * grad
        size = m.sqrt(self.corrected(memory[1], beta2, time)) + self.eps
        return self.lr * self.corrected(memory[0], beta1, time) / size

    def run(self) -> dict[str, Any]:
        """Both parameters after three steps."""
        numbers = {"w": 1.0, "b": 1.0}
        for i in range(3):
            grads = {"w": 2 * numbers["w"], "b": 6 * numbers["b"]}
            for name, grad in grads.items():
                numbers[name] -= self.step(name, grad, self.time(i))
        return dict(numbers)


# ---- layers ------------------------------------------------------------------------------------------


class LayerNorm:
    """Three numbers with mean 0 and variance 1; the gradient of the first result by each of them.

    >>> {name: round(x, 4) for name, x in LayerNorm().run().items()}
    {'y': -0.9258, 'x1': 0.1763, 'x2': -0.2204, 'x3': 0.0441}
    """

    kind = "layer"

    def mean(self, xs: list[Value]) -> Value:
        """The mean of the inputs, which all of them have a part in."""
        return m.total(xs) / len(xs)

    def variance(self, moved: list[Value]) -> Value:
        """The mean of the squares, which all inputs have a part in as well."""
        return m.total([x * x for x in moved]) / len(moved)

    def run(self) -> dict[str, Any]:
        """The first result and its gradients."""
        xs = [Value(x) for x in (1.0, 2.0, 6.0)]
        mean = self.mean(xs)
        moved = [x - mean for x in xs]
        y = moved[0] / self.variance(moved).sqrt()
        y.backward()
        return {"y": y.data, **{f"x{i}": x.grad for i, x in enumerate(xs, 1)}}


class Embedding:
    """Rows that are looked up by their numbers: 0, 1 and 0 again, with the gradients 1, 2 and 4 from above.

    >>> Embedding().run()
    {'row0': 5, 'row1': 2}
    """

    kind = "layer"
    indices, upstream = (0, 1, 0), (1, 2, 4)

    def __init__(self) -> None:
        self.grad = [0, 0]

    def receive(self, index: int, upstream: int) -> None:
        """A row that is looked up twice receives twice."""
        self.grad[index] += upstream

    def run(self) -> dict[str, Any]:
        """The gradient of each row."""
        for index, upstream in zip(self.indices, self.upstream):
            self.receive(index, upstream)
        return {f"row{i}": grad for i, grad in enumerate(self.grad)}


class TiedWeights:
    """One weight in two places, at the entrance and at the exit: y = w (w x), with w = 3 and x = 2.

    >>> TiedWeights().run()
    {'y': 18, 'w': 12}
    """

    kind = "layer"

    def __init__(self) -> None:
        self.w = Value(3)

    def exit_weight(self) -> Value:
        """The same weight, not its number."""
        return self.w

    def run(self) -> dict[str, Any]:
        """The output, and the gradient of the weight."""
        y = self.exit_weight() * (self.w * 2)
        y.backward()
        return {"y": y.data, "w": self.w.grad}


class Softmax:
    """The probabilities of two logits, 1000 and 0.

    >>> Softmax().run()
    {'p1': 1.0, 'p2': 0.0}
    """

    kind = "layer"

    def shifted(self, logits: list[float]) -> list[float]:
        """The largest logit is subtracted, which changes no probability."""
        return [x - max(logits) for x in logits]

    def run(self) -> dict[str, Any]:
        """Both probabilities."""
        powers = [m.exp(x) for x in self.shifted([1000.0, 0.0])]
        return {f"p{i}": power / m.total(powers) for i, power in enumerate(powers, 1)}
