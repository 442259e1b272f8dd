"""Modules: what they compute, what they are made of, and what they refuse."""

import copy
import math
import pickle
import random

import pytest

import tinygrad_edu as tg
from tinygrad_edu import Value
from tinygrad_edu.nn.counted_random import mixed, uniform
from tinygrad_edu.nn.modules import MLP, Dropout, Layer, Maxout, Module, Neuron, Sequential

pytestmark = pytest.mark.smoke


def network(**options):
    return MLP(3, [4, 2], **{"rng": 0, **options})


X = [0.5, -1.0, 2.0]


@pytest.mark.parametrize("count", [1, 3, 40])
def test_a_plain_number_is_one_named_node_for_all_neurons_of_a_layer(count):
    layer, given = Layer(count, 3, rng=0), Value(0.25, label="mine")
    outputs = layer([given, *[i / 4 for i in range(1, count)]])
    inputs = outputs[0].parents[0].parents[count:]
    assert all(output.parents[0].parents[count:] == inputs for output in outputs) and inputs[0] is given
    assert [node.label for node in inputs] == ["mine", *[f"x{i}" for i in range(1, count)]]
    assert [node.is_constant for node in inputs] == [False] + [True] * (count - 1)


def test_a_neuron_is_one_dot_and_its_activation():
    neuron = Neuron(3, "tanh", rng=0)
    output = neuron(X)
    expected = math.tanh(sum(w.data * x for w, x in zip(neuron.w, X)) + neuron.b.data)
    assert output.data == pytest.approx(expected, rel=1e-15)
    assert [node.op for node in tg.topological_order(output) if node.parents] == ["dot", "add", "tanh"]


def test_unfused_neurons_compute_the_same_with_a_node_for_every_operation():
    fused, spelled = network(), network(fused=False)
    for a, b in zip(fused(X), spelled(X)):
        assert a.data == pytest.approx(b.data, rel=1e-14)
    sum(spelled(X)[1:], spelled(X)[0]).backward()
    assert {"mul", "add"} <= {node.op for node in tg.topological_order(spelled(X)[0])}


def test_the_same_seed_gives_the_same_bits():
    assert network(rng=3).state_dict() == network(rng=3).state_dict() != network(rng=4).state_dict()
    assert network(rng=random.Random(3)).state_dict() == network(rng=3).state_dict()


@pytest.mark.parametrize(("init", "spread"), [("xavier", math.sqrt(2 / 300)), ("he", math.sqrt(2 / 100)), ("uniform", math.sqrt(1 / 3))])
def test_weights_start_with_the_spread_their_scheme_says(init, spread):
    weights = [w.data for neuron in Layer(100, 200, init=init, rng=1).neurons for w in neuron.w]
    assert math.sqrt(sum(w * w for w in weights) / len(weights)) == pytest.approx(spread, rel=0.03)
    assert abs(sum(weights) / len(weights)) < 0.02 and all(n.b.data == 0 for n in Layer(3, 3).neurons)


def test_parameters_are_found_by_name_in_order():
    names = [name for name, _ in network().named_parameters()]
    assert names[:4] == ["layers.0.neurons.0.w.0", "layers.0.neurons.0.w.1", "layers.0.neurons.0.w.2", "layers.0.neurons.0.b"]
    assert len(names) == 4 * 4 + 2 * 5 == len(network().parameters())
    assert len(network(bias=False).parameters()) == 4 * 3 + 2 * 4


def test_state_goes_out_and_in_bit_for_bit_or_not_at_all():
    source, target = network(rng=1), network(rng=2)
    target.load_state_dict(source.state_dict())
    assert target.state_dict() == source.state_dict()
    for wrong, words in ({"a": 1.0}, "lacks"), ({**source.state_dict(), "more": 1.0}, "unknown 'more'"):
        before = target.state_dict()
        with pytest.raises(KeyError, match=words):
            target.load_state_dict(wrong)
        assert target.state_dict() == before
    with pytest.raises(TypeError, match="got 'a'"):
        target.load_state_dict({**network(rng=3).state_dict(), "layers.1.neurons.1.b": "a"})
    assert target.state_dict() == source.state_dict()


def test_predict_takes_and_gives_floats_and_records_nothing():
    model = network()
    before = tg.live_values()
    predicted = model.predict(X)
    assert predicted == [v.data for v in model(X)] and all(type(p) is float for p in predicted)
    assert tg.live_values() == before


ROWS = [[0.5, -1.0, 2.0], [0.0, 0.25, -3.0], [1.0, 1.0, 1.0]]
ROW_MODELS = {
    "one output": lambda: MLP(3, [4, 1], rng=0), "two outputs": lambda: MLP(3, [4, 2], rng=0), "a layer of one": lambda: Layer(3, 1, rng=0),
    "a neuron": lambda: Neuron(3, "tanh", rng=0), "unfused": lambda: Neuron(3, fused=False, rng=0), "maxout": lambda: Maxout(3, rng=0),
    "steps": lambda: Sequential(Layer(3, 4, "relu", rng=0), Dropout(0.5), Layer(4, 2, rng=1), tg.softmax), "dropout": lambda: Dropout(0.5),
}


@pytest.mark.parametrize("name", ROW_MODELS)
def test_rows_are_answered_one_by_one_lists_by_lists_and_arrays_by_arrays(name):
    numpy = pytest.importorskip("numpy")
    model = ROW_MODELS[name]()
    one_by_one = [model.predict(row) for row in ROWS]
    for rows in (ROWS, tuple(map(tuple, ROWS)), [numpy.array(row) for row in ROWS]):
        assert model.predict(rows) == one_by_one and type(model.predict(rows)) is list
    for rows in (numpy.array(ROWS), numpy.array(ROWS, dtype=object), numpy.array(ROWS, dtype=numpy.float32)):
        answer = model.predict(rows)
        assert answer.tolist() == one_by_one and answer.dtype == float and len(answer) == 3
    for row in (numpy.array(ROWS[0]), numpy.array([Value(x) for x in ROWS[0]])):
        answer = model.predict(row)
        assert (answer.tolist() if isinstance(one_by_one[0], list) else answer) == one_by_one[0]
        assert type(answer) is (numpy.ndarray if isinstance(one_by_one[0], list) else float)
    assert model.predict(numpy.empty((0, 3))).tolist() == model.predict([]) == []
    assert model.training


def test_a_model_is_fed_lists_tuples_and_arrays_alike():
    numpy = pytest.importorskip("numpy")
    for name, build in ROW_MODELS.items():
        model = build().eval()

        def data(x, model=model):
            output = model(x)
            return [getattr(v, "data", v) for v in output] if isinstance(output, list) else output.data
        values = [Value(x) for x in ROWS[0]]
        kinds = [tuple(ROWS[0]), numpy.array(ROWS[0]), numpy.array(ROWS[0], dtype=object), numpy.array(values), values, numpy.float32(ROWS[0])]
        assert [data(kind) for kind in kinds] == [data(ROWS[0])] * 6, name


class LastSum(Module):
    """Sums a sequence of rows: its example is a list of lists."""

    takes_rows = False

    def __init__(self):
        self.w = Value(2.0)

    def forward(self, rows):
        return self.w * tg.sum([tg.sum(list(row)) for row in rows])


def test_a_module_may_say_that_its_example_is_a_list_of_rows():
    assert LastSum().predict(ROWS) == 2 * sum(map(sum, ROWS))
    assert Sequential(LastSum(), lambda x: x + 1).predict(ROWS) == 2 * sum(map(sum, ROWS)) + 1
    with pytest.raises(TypeError, match="not iterable"):
        type("Rows", (LastSum,), {"takes_rows": True})().predict(ROWS)


@pytest.mark.parametrize("name", ROW_MODELS)
@pytest.mark.parametrize(("bad", "words"), [
    (1.0, "in a list or an array, got 1.0"), (None, "in a list or an array, got None"), ("abc", "got 'abc'"), (Value(1.0), "got Value"),
    ((x for x in [1.0, 2.0, 3.0]), r"got <generator .*; write list\(\.\.\.\)"), (range(3), r"got range\(0, 3\); write list"), ({0: 1.0, 1: 2.0, 2: 3.0}, "got {0: 1.0"),
    (ROWS, r", got rows: write model\.predict\(rows\), or \[model\(row\) for row in rows\]"), ("matrix", r", got rows: write model\.predict\(rows\)"),
])
def test_what_is_no_row_of_inputs_is_shown_with_what_to_write(name, bad, words):
    model = ROW_MODELS[name]()
    with pytest.raises(ValueError, match=f"expects (3|a row of) inputs.*{words}"):
        model(pytest.importorskip("numpy").array(ROWS) if bad == "matrix" else bad)


def test_weights_and_biases_are_told_apart_by_the_names_of_their_attributes():
    model = Sequential(MLP(2, [3, 1], rng=0), Maxout(1, 2, rng=0), Neuron(1, bias=False, rng=0))
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    biases, weights = model.parameters(weights=False), model.parameters(biases=False)
    assert {names[id(b)].rsplit(".", 1)[1] for b in biases} == {"b"} and len(biases) == 6
    assert all(".w." in names[id(w)] for w in weights) and len(weights) + len(biases) == len(model.parameters())
    assert model.parameters(weights=False, biases=False) == []

    class Own(Module):
        def __init__(self):
            self.weights, self.biases, self.bias, self.beta = [Value(1.0), Value(2.0)], [Value(3.0)], Value(4.0), Value(5.0)
    assert [p.data for p in Own().parameters(biases=False)] == [1.0, 2.0, 5.0]


def test_frozen_parameters_get_no_gradient():
    model = network()
    model.layers[0].freeze()
    tg.sum(model(X)).backward()
    assert all(p.grad == 0.0 for p in model.layers[0].parameters())
    assert any(p.grad for p in model.layers[1].parameters())
    model.layers[0].unfreeze()
    tg.sum(model(X)).backward()
    assert any(p.grad for p in model.layers[0].parameters())
    model.zero_grad()
    assert all(p.grad == 0.0 for p in model.parameters())
    with pytest.raises(AttributeError, match="only a leaf"):
        model(X)[0].is_constant = True


def test_copies_and_pickles_are_models_of_their_own():
    model = network()
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        twin.parameters()[0].data = 99.0
        assert model.parameters()[0].data != 99.0
        assert len(twin.parameters()) == len(model.parameters())


def test_activations_by_name_by_op_and_by_function():
    for activation in ("relu", tg.relu, lambda v: v.relu()):
        assert Neuron(3, activation, rng=0)(X).op == "relu"
    assert MLP(3, [4, 4, 2], activations=["tanh", "relu", "sigmoid"], rng=0)(X)[0].op == "sigmoid"
    assert MLP(3, [1], rng=0)(X).op == "add" and MLP(3, [2], output_activation="tanh", rng=0)(X)[0].op == "tanh"


@pytest.mark.parametrize(("spellings", "meant"), [
    (["relu", "ReLU", "RELU", "Relu"], tg.relu), (["leaky_relu", "LeakyReLU", "leaky-relu", "Leaky ReLU", "leaky", "lrelu"], tg.leaky_relu),
    (["sigmoid", "Sigmoid", "logistic"], tg.sigmoid), (["silu", "SiLU", "swish", "Swish"], tg.silu), (["tanh", "Tanh", "TANH"], tg.tanh),
    (["softplus", "SoftPlus", "soft plus"], tg.softplus), (["gelu", "GELU"], tg.gelu), (["elu", "ELU"], tg.elu),
    (["", "linear", "Linear", "identity", "Identity", None, "none"], Neuron(1).activation),
])
@pytest.mark.parametrize("hidden", [[], [3]])
def test_activations_are_known_by_every_spelling_with_and_without_hidden_layers(spellings, meant, hidden):
    plain = MLP(2, [*hidden, 2], activation=meant, output_activation=meant, rng=0)
    for spelling in spellings:
        model = MLP(2, [*hidden, 2], activation=spelling, output_activation=spelling, rng=0)
        assert (model.state_dict(), repr(model)) == (plain.state_dict(), repr(plain))
        assert {neuron.activation for layer in model.layers for neuron in layer.neurons} == {meant}


@pytest.mark.parametrize("hidden", [[], [3]])
@pytest.mark.parametrize(("name", "words"), [
    ("tahn", "did you mean 'tanh'"), ("relux", "did you mean 'relu'"), ("rectifier", "unknown activation 'rectifier'"), ("softmax", "takes all outputs of a layer at once.*cross_entropy takes logits"),
    ("LogSoftmax", "takes all outputs"), (3, "activation is given by its name, not by int: got 3"), ("clip", "unknown activation 'clip'"), ("adam", "unknown activation"),
])
def test_wrong_activations_are_refused_with_and_without_hidden_layers(name, words, hidden):
    for build in (lambda: MLP(2, [*hidden, 1], activation=name), lambda: MLP(2, [*hidden, 1], output_activation=name),
                  lambda: MLP(2, [*hidden, 1], activations=[name] * (len(hidden) + 1)), lambda: Neuron(2, name), lambda: Layer(2, 2, name)):
        with pytest.raises((TypeError, ValueError), match=words):
            build()


def test_starts_of_weights_are_known_by_every_spelling():
    for spellings in (("xavier", "Xavier", "Glorot", "glorot"), ("he", "He", "Kaiming"), ("uniform", "Uniform")):
        assert len({tuple(MLP(2, [3, 1], init=spelling, rng=0).state_dict().values()) for spelling in spellings}) == 1
    with pytest.raises(TypeError, match="activations is a list with one for each layer: got 'tanh'"):
        MLP(2, [1, 1, 1, 1], activations="tanh")


def test_sizes_may_be_an_array():
    numpy = pytest.importorskip("numpy")
    assert MLP(2, numpy.array([3, 1]), rng=0).state_dict() == MLP(2, [3, 1], rng=0).state_dict()


def test_a_chance_close_to_1_is_not_written_as_1():
    assert repr(Dropout(1 - 2 ** -52)).startswith("Dropout(p=0.9999999999999998, ")


def test_text_of_a_model_counts_its_parameters():
    assert repr(network(activation="relu")).splitlines() == [
        "MLP(3 -> 4 -> 2)  26 parameters", "  layers.0: Layer(3 -> 4, relu)  16 parameters", "  layers.1: Layer(4 -> 2)  10 parameters"]
    assert "Dropout(p=0.5, inverted)  0 parameters" in repr(Sequential(Layer(2, 2), Dropout(0.5)))


def test_train_and_eval_reach_every_module():
    model = Sequential(Layer(2, 2, rng=0), Sequential(Dropout(0.5)))
    assert all(not m.training for m in model.eval().modules()) and all(m.training for m in model.train().modules())
    model.predict([1.0, 2.0])
    assert all(m.training for m in model.modules())


# ---- dropout


@pytest.mark.parametrize("inverted", [True, False])
def test_dropout_keeps_the_expectation(inverted):
    """Lecture: p is the chance to drop; scale in training (inverted) or in evaluation, never in both."""
    dropout = Dropout(0.25, inverted=inverted, seed=1)
    x = [Value(1.0), Value(2.0), Value(3.0)]
    mean = [sum(column) / 4000 for column in zip(*[[v.data for v in dropout(x)] for _ in range(4000)])]
    assert mean == pytest.approx([v * (1 if inverted else 0.75) for v in (1.0, 2.0, 3.0)], rel=0.05)
    evaluated = [v.data if isinstance(v, Value) else v for v in dropout.eval()(x)]
    assert evaluated == ([1.0, 2.0, 3.0] if inverted else [0.75, 1.5, 2.25])


def test_dropped_units_get_no_gradient_and_masks_depend_on_seed_and_call_alone():
    x = [Value(1.0) for _ in range(50)]
    first, second = Dropout(0.5, seed=7), Dropout(0.5, seed=7)
    masks = [[v.data for v in first(x)] for _ in range(3)]
    assert masks == [[v.data for v in second(x)] for _ in range(3)] and masks[0] != masks[1]
    output = first(x)
    tg.sum(output).backward()
    assert [v.grad for v in x] == [v.data for v in output] and {0.0, 2.0} == {v.grad for v in x}


def test_masks_are_named_leaves_and_get_no_gradient():
    x = [Value(float(k), label=f"x{k}") for k in range(8)]
    output = Dropout(0.5, seed=3)(x)
    masks = [next(p for p in v.parents if p.is_constant) for v in output]
    assert [m.label for m in masks] == [f"mask{k}" for k in range(8)] and {m.data for m in masks} == {0.0, 2.0}
    total = tg.sum(output)
    total.backward()
    assert all(m.grad == 0 for m in masks) and [v.grad for v in x] == [m.data for m in masks]
    assert "mask3" in tg.draw(total).svg


def test_counted_random_numbers_are_uniform_and_belong_to_their_place():
    numbers = [uniform(0, call, 0, leaf) for call in range(100) for leaf in range(100)]
    assert all(0 <= u < 1 for u in numbers) and len(set(numbers)) == len(numbers)
    bins = [sum(k <= 10 * u < k + 1 for u in numbers) for k in range(10)]
    assert all(abs(count - 1000) < 120 for count in bins)
    assert uniform(0, 1, 2) != uniform(0, 2, 1) and uniform(1, 0, 0) != uniform(0, 0, 1)


def test_counted_random_numbers_are_those_of_splitmix64():
    golden, first, published = 0x9E3779B97F4A7C15, 1234567, [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert [mixed(first + k * golden & 2 ** 64 - 1) for k in (1, 2, 3)] == published
    assert uniform(0, 0) == (0xE220A8397B1DCDAF >> 11) / 2 ** 53        # the first of seed 0


def test_maxout_and_sequential():
    maxout = Maxout(3, pieces=2, rng=0)
    assert maxout(X).data == max(piece(X).data for piece in maxout.pieces) and maxout(X).op == "max"
    assert Sequential(Layer(3, 2, rng=0), lambda row: row[0] + row[1])(X).op == "add"


@pytest.mark.parametrize(("build", "error", "words"), [
    (lambda: network()([1.0]), ValueError, "layer 0 expects 3 inputs, got 1"), (lambda: network()(1.0), ValueError, "layer 0 expects 3 inputs in a list or an array, got 1.0"),
    (lambda: Neuron(2)([1.0]), ValueError, "neuron expects 2 inputs, got 1"), (lambda: MLP(0, [1]), ValueError, "inputs must be .* got 0"),
    (lambda: MLP(2, [3, -1]), ValueError, "size of layer 1 .* got -1"), (lambda: MLP(2, [2.0]), TypeError, "got 2.0"),
    (lambda: MLP(2, [True]), TypeError, "got True"), (lambda: MLP(2, []), ValueError, "at least one layer"), (lambda: MLP(2, 3), TypeError, "sizes .* such as .16, 1.: got 3"),
    (lambda: MLP(2, [3, 1], "tahn"), ValueError, "unknown activation 'tahn': did you mean 'tanh'. The names are linear, .*tanh"),
    (lambda: Neuron(2, "clip"), ValueError, "unknown activation 'clip'"), (lambda: Neuron(2, init="zero"), ValueError, "unknown init 'zero'"),
    (lambda: MLP(2, [3, 1], activations=["tanh"]), ValueError, "2 layers need as many activations, got 1"),
    (lambda: MLP(2, [1], rng="a"), TypeError, "rng, if not a random.Random, must be a whole number, not str: got 'a'"), (lambda: Dropout(1.0), ValueError, "got 1.0"),
    (lambda: Dropout(-0.1), ValueError, "got -0.1"), (lambda: Dropout(True), TypeError, "p: bool is not a number here: got True"), (lambda: Maxout(2, 0), ValueError, "pieces"),
    (lambda: Sequential(3), TypeError, "step 0 is neither"), (lambda: Module()(1), NotImplementedError, "no forward"),
])
def test_misuse_names_the_value(build, error, words):
    with pytest.raises(error, match=words):
        build()


def test_two_dropouts_of_a_network_drop_differently():
    network = Sequential(Dropout(0.5), Dropout(0.5))
    first, second = ([v.data for v in step([Value(1.0) for _ in range(64)])] for step in network.steps)
    assert first != second
    with pytest.raises(TypeError, match="got 'a'"):
        Dropout(0.5, seed="a")


class Odd(Module):
    """A module with a dict of parts, one part twice, and a kept output."""

    def __init__(self):
        self.parts = {"a": Neuron(1, rng=0), "b": Neuron(1, rng=1)}
        self.again = self.parts["a"]
        self.last = Value(1.0) * 2

    def forward(self, x):
        self.last = self.parts["a"](x) + self.parts["b"](x)
        return self.last


def test_parts_in_a_dict_are_found_once_and_computed_values_are_no_parameters():
    odd = Odd()
    odd([1.0]).backward()
    assert [name for name, _ in odd.named_parameters()] == ["parts.a.w.0", "parts.a.b", "parts.b.w.0", "parts.b.b"]
    odd.child = odd
    assert len(odd.parameters()) == 4 and len(list(odd.modules())) == 3


def test_parts_of_a_network_have_names_of_their_own():
    network = Sequential(MLP(2, [2, 2], rng=0), Layer(2, 1, rng=0), Maxout(1, rng=0))
    scopes = {parameter.scope for parameter in network.parameters()}
    assert {"step 0, layer 0, neuron 0", "step 0, layer 1, neuron 1", "step 1, neuron 0", "step 2, neuron 1"} <= scopes
    drawn = tg.draw(network([1.0, 2.0]), fold="layer").svg
    assert all(name in drawn for name in ("step 0, layer 0<", "step 0, layer 1<", "step 1<", "step 2<"))
    with pytest.raises(ValueError, match="step 0, layer 0 expects 2 inputs, got 1"):
        network([1.0])


def test_frozen_parameters_are_passed_by_whatever_their_gradient():
    layer = Layer(2, 1, rng=0)
    layer.neurons[0].b.is_constant, layer.neurons[0].b.grad = True, math.nan
    optimizer = tg.SGD(layer.parameters(), lr=0.1)
    layer([1.0, 2.0])[0].backward()
    optimizer.step()
    assert layer.neurons[0].b.data == 0.0


def test_names_of_version_0_1_are_still_known():
    assert pickle.loads(b"ctinygrad_edu.nn.modules\nunchanged\n.") is MLP(1, [1]).layers[0].neurons[0].activation
    neuron = Neuron(1)
    neuron.belongs_to("layer 7")
    assert neuron.scope == neuron.w[0].scope == "layer 7"
