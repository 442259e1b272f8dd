"""Wrong engines, optimizers and losses, to plant into a process whose tests must notice.

A bug is put in place of something public: a method of `Value`, the rule of an operation, an optimizer's step, a
loss.  It knows nothing of how these are written, so the code behind them may be moved and rewritten.  Where the
name itself is gone, planting fails with the name.

    PLANTED_BUG="the seed is ignored" TINYGRAD_EDU_PURE=1 pytest -p bugs tests/test_value.py

The engine is the one written in Python: the compiled one has the right rules in it.
"""

import functools
import math
import os
import sys
from types import SimpleNamespace

import hypothesis
import pytest

import tinygrad_edu as tg
import tinygrad_edu.engine.formula as m
from tinygrad_edu import Value
from tinygrad_edu.engine.slopes import slopes_of

hypothesis.settings.register_profile("planted", deadline=None,          # that something fails is enough; nothing is shrunk
                                     phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate])
BUGS = {}                   # name: (what plants it, the tests that must fail)


def bug(name, tests):
    """Enter a function that plants a bug, given a `pytest.MonkeyPatch`."""
    def entered(plant):
        BUGS[name] = plant, tests
        return plant
    return entered


def pytest_configure(config):
    """As a plugin: plant the bug that the environment names."""
    name = os.environ.get("PLANTED_BUG")
    if name:
        BUGS[name][0](pytest.MonkeyPatch())


# ---- how to plant ---------------------------------------------------------------------------------------------


def replaced(patch, owner, name, wrong):
    """Put `wrong` in place of a method; `wrong` is given the right one first."""
    right = getattr(owner, name)

    @functools.wraps(right)
    def method(self, *arguments, **options):
        return wrong(right, self, *arguments, **options)
    patch.setattr(owner, name, method)


def replaced_everywhere(patch, right, wrong):
    """Put a function in place of another in every module of the package that has it."""
    places = [(module, name) for title, module in list(sys.modules.items()) if title.split(".")[0] == "tinygrad_edu"
              for name, thing in vars(module).items() if thing is right]
    for module, name in places:
        patch.setattr(module, name, functools.wraps(right)(wrong))


def with_slopes(patch, op, slopes):
    """Give an operation wrong local gradients: `slopes(value, *inputs)`."""
    right = op.rule

    @functools.wraps(right)
    def rule(*inputs, **constants):
        value = right(*inputs, **constants)[0]
        return value, slopes(value, *inputs)
    patch.setattr(op, "rule", rule)


class Pass:
    """The backward pass of the textbooks, in parts of which a bug gets one wrong."""

    def __init__(self, before):
        self.before = before                # the gradients of earlier passes

    def order(self, output):
        return tg.topological_order(output)

    def edges(self, node):
        return reversed(list(zip(node.parents, node.local_grads)))      # the last parent first

    def is_walked(self, node, local_grad):
        return local_grad or node.op not in tg.OPS or not tg.OPS[node.op].selects

    def start(self, node):
        return 0.0

    def added(self, so_far, upstream, local_grad):
        return so_far + upstream * local_grad

    def gradients(self, output, seed):
        """{node: what arrives at it}."""
        arrived = {output: seed}
        for node in reversed(self.order(output)):
            for parent, local_grad in self.edges(node) if node in arrived else ():
                if not parent.is_constant and self.is_walked(node, local_grad):
                    so_far = arrived[parent] if parent in arrived else self.start(parent)
                    arrived[parent] = self.added(so_far, arrived[node], local_grad)
        return arrived


def walked_by(patch, kind):
    """Let a pass of this kind say what arrives, after the right one has raised where it must."""
    def backward(right, output, seed=1.0):
        before = {node: node.grad for node in tg.topological_order(output)}
        right(output, seed)
        arrived = kind(before).gradients(output, float(seed))
        for node in before:
            if not node.is_constant:
                node.grad = arrived.get(node, 0.0) + (0.0 if node.parents else before[node])
    replaced(patch, Value, "backward", backward)


@bug("none", "")
def no_bug(patch):
    """All of the above with nothing wrong in it, to see that no test fails for the way of planting."""
    walked_by(patch, Pass)
    for op in tg.OPS.values():
        patch.setattr(op, "rule", functools.wraps(op.rule)(functools.partial(op.rule)))


# ---- the engine -----------------------------------------------------------------------------------------------


@bug("gradients are set instead of added", "test_exact_graphs")
def set_instead_of_added(patch):
    class Wrong(Pass):
        def added(self, so_far, upstream, local_grad):
            return upstream * local_grad
    walked_by(patch, Wrong)


@bug("local gradients are not multiplied", "test_exact_graphs")
def not_multiplied(patch):
    class Wrong(Pass):
        def added(self, so_far, upstream, local_grad):
            return so_far + local_grad
    walked_by(patch, Wrong)


@bug("the sum starts from the gradient of the pass before", "test_value")
def from_the_pass_before(patch):
    class Wrong(Pass):
        def start(self, node):
            return self.before[node]
    walked_by(patch, Wrong)


@bug("the first parent is walked first", "test_laws")
def first_parent_first(patch):
    class Wrong(Pass):
        def edges(self, node):
            return zip(node.parents, node.local_grads)
    walked_by(patch, Wrong)


@bug("a node is visited before all who use it", "test_exact_graphs")
def too_early(patch):
    class Wrong(Pass):
        def order(self, output):
            *others, last = tg.topological_order(output)
            return [*reversed(others), last]
    walked_by(patch, Wrong)


@bug("an edge that was not taken is walked", "test_conventions")
def not_taken(patch):
    class Wrong(Pass):
        def is_walked(self, node, local_grad):
            return True
    walked_by(patch, Wrong)


@bug("every edge of slope 0 is skipped", "test_conventions")
def all_zeros(patch):
    class Wrong(Pass):
        def is_walked(self, node, local_grad):
            return local_grad != 0.0
    walked_by(patch, Wrong)


@bug("leaves forget earlier passes", "test_value")
def forgetful_leaves(patch):
    def backward(right, output, seed=1.0):
        for leaf in tg.leaves(output):
            leaf.grad = 0.0
        right(output, seed)
    replaced(patch, Value, "backward", backward)


@bug("inner nodes keep earlier passes", "test_value")
def inner_nodes_that_keep(patch):
    def backward(right, output, seed=1.0):
        before = {node: node.grad for node in tg.topological_order(output) if node.parents}
        right(output, seed)
        for node, gradient in before.items():
            node.grad += gradient
    replaced(patch, Value, "backward", backward)


@bug("the seed is ignored", "test_value")
def no_seed(patch):
    replaced(patch, Value, "backward", lambda right, output, seed=1.0: right(output, 1.0))


@bug("a bad gradient is let through", "test_conventions")
def let_through(patch):
    def backward(right, output, seed=1.0):
        with tg.errstate(all="ignore"):
            right(output, seed)
    replaced(patch, Value, "backward", backward)


@bug("parents come twice into the order", "test_value")
def twice_in_the_order(patch):
    right = tg.topological_order

    def order(output):
        nodes = right(output)
        used = [parent for node in nodes for parent in node.parents]
        return [node for node in nodes for _ in range(max(1, used.count(node)))]
    replaced_everywhere(patch, right, order)


@bug("a copy forgets its gradients", "test_machine")
def copies_without_gradients(patch):
    def deepcopy(right, node, memo):
        twin = right(node, memo)
        for made in tg.topological_order(twin):
            made.grad = 0.0
        return twin
    replaced(patch, Value, "__deepcopy__", deepcopy)


def read_wrongly(read, arguments):
    """What a pickle holds, with the first local gradient for all."""
    node = read(*arguments)
    return Value(node.data, node.parents, node.local_grads[:1] * len(node.parents), node.op, node.label) if node.parents else node


@bug("pickles lose a local gradient", "test_machine")
def pickles_without_a_slope(patch):
    replaced(patch, Value, "__reduce__", lambda right, node: (read_wrongly, right(node)))


@bug("replay forgets shared parents", "test_exact_graphs")
def replay_that_forgets(patch):
    right = tg.replay

    def replay(*arguments, **options):
        again = right(*arguments, **options)
        reached = {next(reversed(again.values)): 1}
        for node in reversed(again.values):
            for parent, local_grad in zip(node.parents, again.local[node] if node.parents and node in reached else ()):
                reached[parent] = reached[node] * local_grad
        again.grads = {node: reached.get(node, 0) for node in again.grads}
        return again
    replaced_everywhere(patch, right, replay)


@bug("slopes that are differentiated again are numbers", "test_calculus")
def slopes_as_numbers(patch):
    replaced_everywhere(patch, slopes_of, lambda node, inputs: node.local_grads)


# ---- operations -----------------------------------------------------------------------------------------------


@bug("relu has slope 1 at 0", "test_conventions")
def relu_at_0(patch):
    with_slopes(patch, tg.relu, lambda f, x: (m.where(x >= 0, 1, 0),))


@bug("tanh with the slope 1 - t", "test_finite_differences")
def tanh_without_its_square(patch):
    with_slopes(patch, tg.tanh, lambda f, x: (1 - f,))


@bug("tanh with the plain 1 - t²", "test_accuracy")
def tanh_that_cancels(patch):
    with_slopes(patch, tg.tanh, lambda f, x: (1 - f * f,))


@bug("a quotient's slopes have the same sign", "test_finite_differences")
def quotient_without_its_sign(patch):
    with_slopes(patch, tg.div, lambda f, x, y: (1 / y, f / y))


@bug("each of two equal maxima gets all of the gradient", "test_conventions")
def both_maxima(patch):
    with_slopes(patch, tg.maximum, lambda f, x, y: (m.where(x >= y, 1, 0), m.where(y >= x, 1, 0)))


@bug("hypot overflows", "test_conventions")
def hypot_that_overflows(patch):
    @functools.wraps(tg.hypot.rule)
    def rule(x, y):
        r = m.sqrt(x * x + y * y)
        return r, (m.where(r > 0, lambda: x / r, 0), m.where(r > 0, lambda: y / r, 0))
    patch.setattr(tg.hypot, "rule", rule)


# ---- optimizers -----------------------------------------------------------------------------------------------


@bug("momentum without memory", "test_optim")
def no_memory(patch):
    replaced(patch, tg.Momentum, "step_for", lambda right, self, g, memory, at: at.lr * g)


@bug("the two conventions of momentum are one", "test_optim")
def one_convention(patch):
    def step_for(right, self, g, memory, at):
        return right(self, g, memory, SimpleNamespace(**{**vars(at), "convention": "gradient"}))
    replaced(patch, tg.Momentum, "step_for", step_for)


@bug("Nesterov is plain momentum", "test_optim")
def no_look_ahead(patch):
    def step_for(right, self, g, memory, at):
        right(self, g, memory, at)
        return at.lr * memory["G"]
    replaced(patch, tg.Nesterov, "step_for", step_for)


def means(memory, at):
    """Adam's two means, freed from their bias."""
    return [memory[name] / (1 - beta ** memory["t"]) for name, beta in zip("mv", at.betas)]


@bug("Adam without bias correction", "test_optim")
def biased(patch):
    def step_for(right, self, g, memory, at):
        right(self, g, memory, at)
        return at.lr * memory["m"] / (math.sqrt(means(memory, at)[1]) + at.eps)
    replaced(patch, tg.Adam, "step_for", step_for)


@bug("Adam with eps under the root", "test_optim")
def eps_under_the_root(patch):
    def step_for(right, self, g, memory, at):
        right(self, g, memory, at)
        first, second = means(memory, at)
        return at.lr * first / math.sqrt(second + at.eps)
    replaced(patch, tg.Adam, "step_for", step_for)


@bug("AdamW decays through the gradient", "test_optim")
def coupled_decay(patch):
    patch.setattr(tg.AdamW, "decays_weights_directly", False)


@bug("RMSprop forgets to square", "test_optim")
def not_squared(patch):
    def step_for(right, self, g, memory, at):
        memory["v"] = at.alpha * memory["v"] + (1 - at.alpha) * abs(g)
        return at.lr * g / (math.sqrt(memory["v"]) + at.eps)
    replaced(patch, tg.RMSprop, "step_for", step_for)


@bug("weight decay climbs", "test_optim")
def decay_that_climbs(patch):
    def moved(right, self, w, g, memory, at):
        return right(self, w, g - 2 * at.weight_decay * w, memory, at)
    replaced(patch, tg.Optimizer, "moved", moved)


@bug("some parameters move before a bad one is met", "test_optim")
def moved_halfway(patch):
    def step(right, self):
        try:
            right(self)
        except tg.GradientError:
            self.parameters[0].data += self.lr
            raise
    replaced(patch, tg.Optimizer, "step", step)


# ---- losses and networks --------------------------------------------------------------------------------------


@bug("cross-entropy of the wrong class", "test_losses")
def wrong_class(patch):
    right = tg.cross_entropy

    def cross_entropy(logits, targets, *reduction):
        mirrored = [row[::-1] if isinstance(row, list) else row for row in logits]
        return right(mirrored if isinstance(logits[0], list) else mirrored[::-1], targets, *reduction)
    replaced_everywhere(patch, right, cross_entropy)


@bug("mean losses are sums", "test_losses")
def sums_for_means(patch):
    right = tg.mse

    def mse(predictions, targets, reduction="mean"):
        return right(predictions, targets, "sum" if reduction == "mean" else reduction)
    replaced_everywhere(patch, right, mse)


@bug("the half squared error is whole", "test_losses")
def whole_error(patch):
    replaced_everywhere(patch, tg.half_squared_error, lambda *arguments: tg.sum_squared_error(*arguments))


@bug("KL with its arguments swapped", "test_losses")
def swapped(patch):
    right = tg.kl_divergence
    replaced_everywhere(patch, right, lambda p, q, *reduction: right(q, p, *reduction))


@bug("L2 without its half", "test_optim")
def twice_the_penalty(patch):
    replaced(patch, tg.L2, "cost", lambda right, self, weights: right(self, weights) * 2)


@bug("dropout scales in training and in evaluation", "test_nn")
def scaled_twice(patch):
    def forward(right, self, x):
        return right(self, x) if self.training else [(1 - self.p) * e for e in x]
    replaced(patch, tg.Dropout, "forward", forward)


@bug("a state is loaded halfway", "test_nn")
def loaded_halfway(patch):
    def load_state_dict(right, self, state):
        try:
            right(self, state)
        except (KeyError, TypeError, ValueError):
            next(iter(self.parameters())).data += 1.0
            raise
    replaced(patch, tg.Module, "load_state_dict", load_state_dict)
