"""Every kind of bad input, row by row of the convention: the right error, its words, nothing changed.

Bad input is no numerical trouble, so `errstate` makes no difference: each case runs in both modes.
`test_bad_input.py` has the finer points of the engine, `test_fuzz_weights.py` those of weight files.
"""

import math

import numpy
import pytest

import tinygrad_edu as tg
from tinygrad_edu import MLP, SGD, Adam, ExpressionError, Momentum, RMSprop, Value, WeightFileError

inf, nan = math.inf, math.nan
ELEMENTWISE = [tg.mse, tg.mae, tg.huber, tg.bce, tg.bce_with_logits, tg.hinge, tg.sum_squared_error, tg.half_squared_error]
BY_CLASS = [tg.cross_entropy, tg.nll, tg.brier]


class World:
    """What must be as it was: leaves with gradients, a graph, a model, an optimizer in the middle of its work, a file."""

    def __init__(self, folder):
        self.w = [Value(1.0, label="a"), Value(2.0, label="b"), Value(3.0), Value(4.0)]
        self.v, self.f = self.w[0], self.w[0] * self.w[1] + self.w[2]
        self.f.backward()
        self.model = MLP(3, [2, 1], rng=0)
        self.optimizer = Adam(self.w, lr=0.1)
        self.optimizer.step()
        self.file = tg.save(self.model, folder / "model.json")
        self.content = self.file.read_bytes()

    def state(self):
        nodes = [*tg.topological_order(self.f), *self.model.parameters(), *self.w]
        return repr([(x.data, x.grad, x.label, x.is_constant) for x in nodes]), repr(self.optimizer.memory), self.optimizer.steps_taken, self.optimizer.lr

    def stepped(self, *gradients):
        """A step of the optimizer with these gradients, which stand there before it as well."""
        for parameter, gradient in zip(self.w, gradients):
            parameter.grad = gradient
        self.before = self.state()
        self.optimizer.step()

    def read(self, old, new):
        """The model loaded from an altered file."""
        assert old in self.content
        self.file.write_bytes(self.content.replace(old, new, 1))
        tg.load(self.model, self.file)


def constant_result(w):
    return (w.v.detach() * 2).backward()


def setting(kind, **values):
    """[(call, ...)]: an optimizer of this kind with each of these values of one setting."""
    (name, bad), = values.items()
    return [(lambda w, x=x: kind(w.w, **{name: x}), TypeError if isinstance(x, str | bool | None) else ValueError, name) for x in bad]


def refused(text, words, place=(1, 1)):
    def call(w):
        try:
            tg.expression(text, x=1)
        except ExpressionError as error:
            assert (error.line, error.column) == place and "^" in str(error), (error.line, error.column)
            raise
    return call, ExpressionError, words


TABLE = {
    "what is not a number": [
        (lambda w: Value("1.5"), TypeError, r"not str: got '1\.5'"), (lambda w: Value(None), TypeError, "not NoneType: got None"),
        (lambda w: Value([1.0]), TypeError, r"not list: got \[1\.0\]"), (lambda w: Value(numpy.array([1.0, 2.0])), TypeError, r"not an array of shape \(2,\): got array"),
        (lambda w: Value(numpy.array([])), TypeError, r"not an array of shape \(0,\)"), (lambda w: Value(1 + 2j), TypeError, r"not complex: got \(1\+2j\)"),
        (lambda w: Value(True), TypeError, "bool is not a number here: got True; write float"), (lambda w: w.v * "a", TypeError, "got 'a'"),
        (lambda w: setattr(w.v, "data", None), TypeError, "got None"), (lambda w: tg.exp("a"), TypeError, "got 'a'")],
    "whole numbers no float holds": [
        (lambda w: Value(2 ** 53 + 1), ValueError, "9007199254740993 is not exactly representable"), (lambda w: Value(10 ** 400), OverflowError, "too large"),
        (lambda w: Value(10 ** 5000), OverflowError, "too large"), (lambda w: w.v + (2 ** 53 + 1), ValueError, "not exactly representable")],
    "what would cut the graph": [
        *[(lambda w, use=use: use(w.v), TypeError, words) for use, words in [
            (bool, r"v\.data"), (float, r"v\.data"), (int, r"v\.data"), (round, r"v\.data"), (math.exp, r"tg\.exp\(v\)"),
            (lambda v: 1 if v else 0, r"v > 0"), (lambda v: v == 3.0, r"v\.data == 3\.0"), (lambda v: v != 3.0, r"v\.data")]]],
    "backward": [
        (constant_result, RuntimeError, "nothing here needs a gradient"), (lambda w: w.f.backward(nan), ValueError, "finite number, got nan"),
        (lambda w: w.f.backward(inf), ValueError, "finite number, got inf"), (lambda w: w.f.backward("1"), TypeError, "got '1'")],
    "parameters": [
        (lambda w: SGD([]), ValueError, "no parameters"), (lambda w: SGD(iter([])), ValueError, "no parameters"), (lambda w: SGD(w.v), TypeError, "list"),
        (lambda w: SGD([1.0]), TypeError, "parameter 0 must be a Value, not float: got 1.0"), (lambda w: SGD([w.v, 1.0]), TypeError, "parameter 1"),
        (lambda w: SGD([w.v, w.f]), ValueError, "parameter 1 was computed"), (lambda w: SGD([*w.w[:3], w.v]), ValueError, "same parameter twice: index 0 and 3"),
        (lambda w: SGD("ab"), TypeError, "not str"), (lambda w: SGD(None), TypeError, "not NoneType")],
    "settings": [
        *setting(SGD, lr=[-1.0, nan, inf, "0.1", True, None]), *setting(Momentum, momentum=[-0.1, 1.0, nan, "0.9", True]),
        *setting(Adam, eps=[0.0, -1e-8, nan, "1"]), *setting(SGD, weight_decay=[-0.1, nan, inf, "0"]), *setting(RMSprop, alpha=[-0.1, 1.0, nan]),
        *[(lambda w, b=b: Adam(w.w, betas=b), error, "betas") for b, error in [
            ((0.9,), ValueError), ((0.9, 0.99, 0.999), ValueError), ((0.9, 1.0), ValueError), ((-0.1, 0.9), ValueError), ((nan, 0.9), ValueError),
            (0.9, TypeError), (None, TypeError), (("a", 0.9), TypeError)]],
        (lambda w: setattr(w.optimizer, "lr", -1.0), ValueError, "lr must be at least 0 and finite, got -1.0")],
    "a step": [
        *[(lambda w, g=g, i=i: w.stepped(*[1.0] * i, g, *[1.0] * (3 - i)), tg.GradientError, f"{g}; nothing was changed")
          for g in (nan, inf, -inf) for i in range(4)]],
    "lengths of a loss": [
        *[(lambda w, loss=loss: loss([1.0, 1.0, 1.0], [1.0]), ValueError, "3 predictions, 1 target") for loss in ELEMENTWISE],
        *[(lambda w, loss=loss: loss(1.0, [1.0]), ValueError, "a number against a list") for loss in ELEMENTWISE],
        *[(lambda w, loss=loss: loss([1.0], 1.0), ValueError, "a list of 1 against a number") for loss in ELEMENTWISE],
        *[(lambda w, loss=loss: loss([], []), ValueError, "empty") for loss in [*ELEMENTWISE, *BY_CLASS, tg.kl_divergence]],
        *[(lambda w, loss=loss: loss([[0.5, 0.5]] * 3, [0]), ValueError, "3 predictions, 1 target") for loss in BY_CLASS],
        *[(lambda w, loss=loss: loss([[]], [0]), ValueError, "prediction 0 is empty") for loss in [*BY_CLASS, tg.kl_divergence]],
        *[(lambda w, loss=loss: loss([[0.5, 0.5], 0.5], [0, 0]), ValueError, "prediction 1 is 0.5") for loss in [*BY_CLASS, tg.kl_divergence]],
        (lambda w: tg.kl_divergence([0.5, 0.5], 0.5), ValueError, "q must be a list"), (lambda w: tg.kl_divergence([0.5, 0.5], [1.0]), ValueError, "2 prob"),
        *[(lambda w, f=f: f([]), ValueError, "empty") for f in (tg.softmax, tg.log_softmax, tg.max, tg.min, tg.mean, tg.logsumexp)]],
    "what a loss gets is no number": [
        *[(lambda w, loss=loss: loss("a", 1.0), TypeError, "got 'a'") for loss in ELEMENTWISE],
        *[(lambda w, loss=loss: loss(0.5, None), TypeError, "got None") for loss in ELEMENTWISE],
        *[(lambda w, loss=loss: loss(0.5, True), TypeError, "got True") for loss in ELEMENTWISE],
        *[(lambda w, loss=loss: loss([0.5, "a"], 0), TypeError, "got 'a'") for loss in BY_CLASS],
        (lambda w: tg.kl_divergence([0.5, "a"], [0.5, 0.5]), TypeError, "got 'a'"), (lambda w: tg.huber(1.0, 0.0, delta="1"), TypeError, "got '1'"),
        (lambda w: tg.huber(1.0, 0.0, delta=0), ValueError, "positive, got 0"), (lambda w: tg.mse(1.0, 0.0, "avg"), ValueError, "'avg'; the names are mean")],
    "class targets": [
        *[(lambda w, loss=loss: loss([0.2, 0.3, 0.5], 5), IndexError, r"target 5, but 3 classes \(0\.\.2\)") for loss in BY_CLASS],
        *[(lambda w, loss=loss: loss([0.2, 0.3, 0.5], -1), IndexError, "target -1, but 3 classes") for loss in BY_CLASS],
        *[(lambda w, loss=loss, bad=bad: loss([0.2, 0.8], bad), TypeError, f"index of a class .* got {bad}")
          for loss in BY_CLASS for bad in (1.0, True, None, nan)],
        *[(lambda w, loss=loss: loss([0.2, 0.8], numpy.array([1, 2])), ValueError, r"target\[1\] is 2, not a probability") for loss in BY_CLASS],
        *[(lambda w, loss=loss: loss([0.2, 0.8], Value(1.0)), TypeError, "got Value") for loss in BY_CLASS]],
    "probabilities": [
        (lambda w: tg.brier([1.2, -0.2], 0), ValueError, r"\[0\] is 1\.2"), (lambda w: tg.brier([0.5, -0.5], 0), ValueError, r"\[1\] is -0\.5"),
        (lambda w: tg.brier([nan, 1.0], 0), ValueError, r"\[0\] is nan"), (lambda w: tg.brier([0.5, 0.5 + 3e-6], 0), ValueError, "sum to 1.000003"),
        (lambda w: tg.kl_divergence([0.5, 0.4], [0.5, 0.5]), ValueError, "p: .* sum to 0.9"), (lambda w: tg.kl_divergence([0.5, 0.5], [0.5, 0.4]), ValueError, "q: "),
        (lambda w: tg.cross_entropy([1.0, 2.0], [0.5, 0.4]), ValueError, "target: .* sum to 0.9"), (lambda w: tg.bce(1.5, 1), ValueError, "1.5"),
        (lambda w: tg.bce(nan, 1), ValueError, "nan"), (lambda w: tg.bce(0.5, 2), ValueError, "2"), (lambda w: tg.bce_with_logits(0.5, -1), ValueError, "-1")],
    "networks": [
        (lambda w: w.model([1.0, 2.0]), ValueError, "layer 0 expects 3 inputs, got 2"), (lambda w: w.model(1.0), ValueError, "layer 0 expects 3 inputs in a list or an array, got 1.0"),
        *[(lambda w, size=size: MLP(3, [size]), error, f"got {size!r}")
          for size, error in ((0, ValueError), (-1, ValueError), (2.5, TypeError), (True, TypeError), ("2", TypeError), (None, TypeError))],
        *[(lambda w, size=size: MLP(size, [2]), error, f"got {size}")
          for size, error in ((0, ValueError), (-1, ValueError), (2.5, TypeError), (True, TypeError))], (lambda w: tg.Layer(3, 0), ValueError, "got 0"),
        (lambda w: MLP(3, []), ValueError, "at least one layer"), (lambda w: MLP(3, [2, 1], "rleu"), ValueError, "'rleu': did you mean 'relu'. The names are .*relu"),
        (lambda w: tg.Neuron(2, init="zeros"), ValueError, "'zeros'; the names are xavier, he"), (lambda w: MLP(3, [1], rng="a"), TypeError, "got 'a'")],
    "a weight file": [
        (lambda w: tg.load(MLP(3, [3, 1]), w.file), WeightFileError, r"model\.json: .*layers\.0\.neurons\.2\.w: expected shape \[3\], found nothing"),
        (lambda w: tg.load(MLP(2, [2, 1]), w.file), WeightFileError, r"expected shape \[2\], found shape \[3\]"),
        (lambda w: w.read(b'"version": 1', b'"version": 2'), WeightFileError, "version: expected 1, found 2"),
        (lambda w: w.read(b'"version": 1', b'"version": 1, "version": 1'), WeightFileError, "'version' stands twice"),
        (lambda w: w.read(b'"layers.0.neurons.0.b"', b'"more"'), WeightFileError, "model.json"), (lambda w: w.read(b"}", b""), WeightFileError, "not a complete JSON"),
        (lambda w: w.read(b"0.0", b"0.5"), WeightFileError, "checksum: expected sha256"), (lambda w: w.read(b"0.0", b"NaN"), WeightFileError, "NaN"),
        (lambda w: w.read(b"{", b" " * (64 * 2 ** 20) + b"{"), WeightFileError, "size: expected at most 67108864 bytes")],
    "the text of an expression": [
        refused("x + w", "no value for w", (1, 5)), refused("tnah(x)", "did you mean 'tanh'"), refused("tanh(x, x)", "tanh.. takes x, but 2 were given"),
        refused("x.real", "a dot"), refused("x[0]", "square brackets"), refused("y(2)", "write y "), refused("lambda: x", "no lambda"),
        refused("'a' * x", "quotes have no place"), refused("1/2x", r"has two readings: write \(1/2\)\*x or 1/\(2\*x\)"), refused("sin x x", "has two readings"), refused("x\x1b", r"'\\x1b'", (1, 2)),
        (lambda w: tg.expression("x" * 10_001, x=1), ExpressionError, "10001 characters, but 10000 are the limit")],
    "a function that is compiled, and its batches": [
        (lambda w: tg.compile(lambda x: x if x > 0 else -x, 1.0), tg.TraceError, r"compared at \S+test_bad_input_table.py:\d+: .*; tg.where"),
        (lambda w: tg.compile(lambda x: x.data * x, 1.0), tg.TraceError, r"\.data was read at .*; compute with the Value itself"),
        (lambda w: tg.compile(lambda x: 3.0, 1.0), TypeError, "f must return Values.*got 3.0"), (lambda w: tg.compile(lambda: w.model, *[]), TypeError, "takes no numbers"),
        (lambda w: tg.compile(tg.exp, 1.0)(["1.5"]), TypeError, r"x\[0\]: .*not str: got '1.5'"), (lambda w: tg.compile(tg.exp, 1.0)([[1.0]]), TypeError, "not list: got"),
        (lambda w: tg.compile(tg.exp, 1.0)([]), ValueError, "at least one row"), (lambda w: tg.compile(tg.hypot, 1.0, 1.0)([1.0], [1.0, 2.0]), ValueError, "has 1 but .* has 2 rows"),
        (lambda w: tg.compile(lambda x: x[0], [1.0])([[1.0, 2.0]]), ValueError, r"x\[0\] must be built like \[0.0\]: got \[1.0, 2.0\]")],
}


@pytest.mark.parametrize("mode", ["raise", "ignore"])
@pytest.mark.parametrize("row", TABLE)
def test_bad_input_names_itself_and_changes_nothing(row, mode, tmp_path):
    world = World(tmp_path)
    for call, error, words in TABLE[row]:
        world.before = world.state()
        with tg.errstate(all=mode), pytest.raises(error, match=words) as caught:
            call(world)
        assert type(caught.value) is error, (words, caught.value)
        assert world.state() == world.before, words
        world.file.write_bytes(world.content)


def test_a_check_that_comes_too_late_would_be_noticed(tmp_path, monkeypatch):
    whole_step = Adam.step

    def early(self):
        self.parameters[0].data -= 0.1
        whole_step(self)
    monkeypatch.setattr(Adam, "step", early)
    with pytest.raises(AssertionError):
        test_bad_input_names_itself_and_changes_nothing("a step", "raise", tmp_path)
