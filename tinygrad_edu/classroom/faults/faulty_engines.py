"""Wrong engines: each is the small engine with one part otherwise, as beginners write it.

A class has one method otherwise.  A function gives the local gradients of one operation from its inputs and its
value f.  The docstring is the title of the model; the graph is the smallest one that gives the fault away.
"""

import sys
from collections.abc import Iterator
from typing import Any

from ...engine import formula as m
from ..graphs import SmallGraph
from .model import bug_model
from .small import Value, gradients

DEAD_BRANCH = SmallGraph.from_json({"lines": [["dead", "add", ["x", "x"]], ["f", "mul", ["x", "x"]]], "at": {"x": "2"}})
CHAIN = SmallGraph.from_json({"lines": [[f"v{i + 1}", "add", [f"v{i}", "1"]] for i in range(1000)], "at": {"v0": "2"}})
DOUBLINGS = SmallGraph.from_json({"lines": [[f"v{i + 1}", "add", [f"v{i}"] * 2] for i in range(10)], "at": {"v0": "2"}})


def within_usual_calls(graph: SmallGraph, engine: type[Value], calls: tuple[str, ...]) -> dict[str, Any]:
    """The gradients, computed with the limit that Python has by itself; notebooks raise it."""
    limit = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(1000)
        return gradients(graph, engine, calls)
    finally:
        sys.setrecursionlimit(limit)


def visits(graph: SmallGraph, engine: type[Value], calls: tuple[str, ...]) -> dict[str, Any]:
    """How often `backward` comes to a node."""
    class Counting(engine):                                                             # type: ignore[valid-type,misc]
        visits = 0

        def edges(self, node: Value) -> Iterator[tuple[Value, Any]]:
            Counting.visits += 1
            return super().edges(node)
    gradients(graph, Counting, calls)
    return {"visits": Counting.visits}


# ---- how gradients are passed on ---------------------------------------------------------------------


@bug_model("Two arrows lead to a. What happens to the first one's share when the second arrives?", "a + a", a=2)
class Accumulate(Value):
    """= instead of +="""

    def receive(self, upstream, local_grad):
        self.grad = upstream * local_grad


@bug_model("Which operations add to a gradient, and which set it?", "a + (-a)", a=2)
class AccumulateUnary(Value):
    """= instead of += where an operation has one input"""

    def pass_on(self, node):
        for parent, local_grad in self.edges(node):
            if len(node.parents) == 1:
                parent.grad = 0
            parent.receive(node.grad, local_grad)


@bug_model("What is the gradient of the output by the output itself?", "a + a", a=2)
class Seed(Value):
    """the output's own gradient is never set to 1"""

    def seed(self):
        pass


@bug_model("What does a node do with the gradient that has arrived at it?", "v = a + a; w = v + v", a=2)
class Upstream(Value):
    """local gradients alone, without what came from above"""

    def receive(self, upstream, local_grad):
        self.grad = self.grad + local_grad


@bug_model("Along one path, are the local gradients added or multiplied?", "a + a", a=2)
class UpstreamAdded(Value):
    """what came from above is added to the local gradient, not multiplied by it"""

    def receive(self, upstream, local_grad):
        self.grad = self.grad + upstream + local_grad


@bug_model("How many arrows lead from a + a to a, and how many does a set keep?", "a + a", a=2)
class EdgeSet(Value):
    """parents in a set: of two equal arrows one is lost"""

    def edges(self, node):
        yield from dict.fromkeys(zip(node.parents, node.local_grads))


@bug_model("What does a dict keep of two entries with the same key?", "a - a", a=2)
class EdgeDict(Value):
    """local gradients in a dict by parent: the last one is used for both arrows"""

    def edges(self, node):
        local_grads = dict(zip(node.parents, node.local_grads))
        for parent in node.parents:
            yield parent, local_grads[parent]


@bug_model("Whose number is it that a local gradient needs: the node's or its gradient's?", "a * b", a=2, b=3)
class MulGrad(Value):
    """in a product, .grad is read where .data is meant"""

    def edges(self, node):
        if node.op == "mul":
            left, right = node.parents
            yield from ((left, right.grad), (right, left.grad))
        else:
            yield from zip(node.parents, node.local_grads)


@bug_model("After w = v + a, do v and a have a gradient each, or the same object?", "v = a + a; w = v + a", a=2)
class InPlace(Value):
    """+= in place on a gradient that several nodes share, as arrays do"""

    def pass_on(self, node):
        for parent, local_grad in zip(node.parents, node.local_grads):
            arrives = node.shared if local_grad == 1 else [node.shared[0] * local_grad]
            if parent.shared is None:
                parent.shared = arrives
            else:
                parent.shared[0] += arrives[0]

    shared: list | None = None

    @property
    def grad(self):
        return self.shared[0] if self.shared else 0

    @grad.setter
    def grad(self, number):
        self.shared = [number] if number else None


# ---- in which order ----------------------------------------------------------------------------------


@bug_model("Has everything arrived at v when v passes its gradient on?", "v = a + a; w = v + v", a=2)
class Recursion(Value):
    """each node calls backward of its parents at once, without an order"""

    def order(self):
        walk = []

        def visit(node):
            walk.append(node)
            for parent in node.parents:
                visit(parent)
        visit(self)
        return walk[::-1]


@bug_model("Does every node come after all that use it?", "v = a + a; w = a + v; f = v + w", a=2)
class Preorder(Value):
    """depth first, but a node is listed before its parents are"""

    def order(self):
        walk, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                walk.append(node)
                for parent in node.parents:
                    visit(parent)
        visit(self)
        return walk[::-1]


@bug_model("Where a short way and a long way meet, which arrives first?", "v = a + a; w = a + v; f = v + w", a=2)
class BreadthFirst(Value):
    """breadth first, each node once"""

    def order(self):
        queue = [self]
        for node in queue:
            queue += [parent for parent in dict.fromkeys(node.parents) if parent not in queue]
        return queue[::-1]


@bug_model("Which node is the first to pass its gradient on?", "v = a + a; w = a + v", a=2)
class ForwardOrder(Value):
    """the list is in the right order, but it is walked from the front"""

    def order(self):
        return super().order()[::-1]


@bug_model("Are two nodes the same if they hold the same number?", "v = a + a; w = relu(v)", a=2)
class MergedByValue(Value):
    """two nodes with the same number are taken for one"""

    def order(self):
        order, seen = [], set()

        def visit(node):
            if node.data not in seen:
                seen.add(node.data)
                for parent in node.parents:
                    visit(parent)
                order.append(node)
        visit(self)
        return order


# ---- backward again, and how far ---------------------------------------------------------------------


@bug_model("Which nodes still hold a gradient when the second pass starts?", "v = a * a; w = v * v",
           calls=("w", "w"), a=3)
class SecondBackward(Value):
    """a second pass starts with what the first one left in the inner nodes"""

    def begin(self, node):
        pass


@bug_model("q has a gradient from its own backward. Is it still there when that of f starts?",
           "q = a + a; f = q + q", calls=("q", "f"), a=2)
class SharedNode(Value):
    """a node of two outputs hands on what the first output left in it"""

    def begin(self, node):
        pass


@bug_model("Does every number that was made from x have a part in f?", DEAD_BRANCH)
class DeadBranch(Value):
    """each number asks all that use it, and those that the output does not need answer too"""

    def __init__(self, data, parents=(), local_grads=(), op=""):
        super().__init__(data, parents, local_grads, op)
        self.users: list[tuple[Any, Any]] = []
        for parent, local_grad in zip(parents, local_grads):
            parent.users.append((self, local_grad))

    def backward(self):
        nodes: list[Any] = self.order()
        for node in nodes:
            node.grad = node.pulled()

    def pulled(self):
        return m.total([user.pulled() * local_grad for user, local_grad in self.users]) if self.users else 1


@bug_model("How many calls within one another does Python allow?", CHAIN, observe=within_usual_calls)
class DeepRecursion(Value):
    """the order is found by recursion, which ends at a thousand nodes in a row"""

    def order(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for parent in node.parents:
                    visit(parent)
                order.append(node)
        visit(self)
        return order


@bug_model("With each doubling, how many times more often is a visited?", DOUBLINGS, observe=visits)
class PathByPath(Value):
    """every path is walked by itself: right numbers, and twice the work with each doubling"""

    def backward(self):
        walk: list[tuple[Value, Any]] = [(self, 1)]
        for node, arrived in walk:
            node.grad = node.grad + arrived
            walk += [(parent, arrived * local_grad) for parent, local_grad in self.edges(node)]


# ---- local gradients ---------------------------------------------------------------------------------


@bug_model("When b grows a little, what does a + b do?", "a + b", op="add", a=2, b=3)
def add_second(a, b, f):
    """in a sum the second number gets no gradient"""
    return 1, 0


@bug_model("When a grows by 1, by how much does a * b grow?", "a * b", op="mul", a=2, b=3)
def mul_own_factor(a, b, f):
    """in a product each factor gets itself, not the other one"""
    return a, b


@bug_model("Is the derivative of a product the product of the derivatives?", "a * b", op="mul", a=2, b=3)
def product_of_derivatives(a, b, f):
    """the derivative of a product is taken for the product of the derivatives"""
    return 1, 1


@bug_model("When b grows, does a - b grow?", "a - b", op="sub", a=2, b=3)
def sub_sign(a, b, f):
    """in a difference the second number gets + instead of -"""
    return 1, 1


@bug_model("Which of the two is subtracted in 2 - a, and which method does Python call?", "2 - a", a=2)
class ReflectedSub(Value):
    """2 - a is computed as a - 2"""

    def __rsub__(self, other):
        return self - other


@bug_model("Which of the two is the divisor in 2 / a, and which method does Python call?", "2 / a", a=4)
class ReflectedDiv(Value):
    """2 / a is computed as a / 2"""

    def __rtruediv__(self, other):
        return self / other


@bug_model("When b grows, does a / b grow?", "a / b", op="div", a=2, b=3)
def div_sign(a, b, f):
    """in a quotient the divisor's gradient has the wrong sign"""
    return 1 / b, a / (b * b)


@bug_model("What is the derivative of 1/b?", "a / b", op="div", a=2, b=3)
def div_not_squared(a, b, f):
    """in a quotient the divisor is not squared"""
    return 1 / b, -a / b


@bug_model("Does a / b change when only b does?", "a / b", op="div", a=2, b=3)
def div_divisor_ignored(a, b, f):
    """in a quotient the divisor gets no gradient"""
    return 1 / b, 0


@bug_model("When a grows, does -a grow?", "-a", op="neg", a=2)
def neg_sign(a, f):
    """-a passes its gradient on with the wrong sign"""
    return (1,)


@bug_model("What are the parents of -a?", "-a", a=2)
class NegCut(Value):
    """-a is a new number without parents"""

    def __neg__(self):
        return type(self)(-self.data)


@bug_model("What happens to the exponent of a**2 when it is differentiated?", "a**2", op="power", a=3)
def pow_not_lowered(a, n, f):
    """the exponent of a power is not lowered"""
    return (n * f,)


@bug_model("What happens to the exponent of a**2 when it is differentiated?", "a**2", op="power", a=3)
def pow_factor(a, n, f):
    """the derivative of a power has no factor n"""
    return (m.power(a, n - 1),)


@bug_model("Is b a number of its own in a**b? What does 2**b do when b grows?", "a**b", op="pow", a=2, b=3)
def pow_exponent(a, b, f):
    """in a**b the exponent gets no gradient"""
    return b * m.power(a, b - 1), 0


@bug_model("Does relu(a) change when a goes from -2 to -1.9?", "relu(a)", op="relu", a=-2)
def relu_always(a, f):
    """relu hands its gradient on, whatever its sign"""
    return (1,)


@bug_model("How fast does relu(a) grow, where it grows?", "relu(a)", op="relu", a=2)
def relu_output(a, f):
    """the local gradient of relu is its output, not 1"""
    return (f,)


@bug_model("Is the curve of tanh as steep everywhere as at 0?", "tanh(a)", op="tanh", a="1/2")
def tanh_as_relu(a, f):
    """the rule of relu was copied to tanh"""
    return (m.where(f > 0, 1, 0),)


@bug_model("Which of the two is squared in the derivative of tanh: its input or its output?", "tanh(a)", op="tanh", a=2)
def tanh_input(a, f):
    """tanh: 1 - x² for 1 - tanh² x"""
    return (1 - a * a,)


@bug_model("What is the slope of tanh at 0, and what far away?", "tanh(a)", op="tanh", a=2)
def tanh_not_squared(a, f):
    """tanh: 1 - t for 1 - t²"""
    return (1 - f,)


@bug_model("Is the curve of the sigmoid as steep everywhere as at 0?", "sigmoid(a)", op="sigmoid", a="1/2")
def sigmoid_as_relu(a, f):
    """the rule of relu was copied to the sigmoid"""
    return (m.where(f > 0, 1, 0),)


@bug_model("Which number is s in s(1 - s): the sigmoid's input or its output?", "sigmoid(a)", op="sigmoid", a=2)
def sigmoid_input(a, f):
    """sigmoid: x(1 - x) for s(1 - s)"""
    return (a * (1 - a),)


@bug_model("Which function is its own derivative?", "exp(a)", op="exp", a=2)
def exp_input(a, f):
    """exp: the input for the output"""
    return (a,)


@bug_model("Does the rule for powers hold where the exponent is what changes?", "exp(a)", op="exp", a=2)
def exp_as_power(a, f):
    """exp: x e^(x-1), by the rule for powers"""
    return (a * m.exp(a - 1),)


@bug_model("The derivative of log is one divided by what?", "log(a)", op="log", a=2)
def log_output(a, f):
    """log: one divided by the output, not by the input"""
    return (1 / f,)


@bug_model("How large is e^800, and how large is tanh(400)?", "tanh(a)", a=400)
class Overflow(Value):
    """tanh is computed from exponentials that are too large for a float"""

    def compute(self, op, *numbers, **constants):
        if op != "tanh":
            return super().compute(op, *numbers, **constants)
        power = m.exp(2 * numbers[0])
        f = (power - 1) / (power + 1)
        return f, (1 - f * f,)
