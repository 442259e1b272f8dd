"""Weights as safetensors: the same bits come back, PyTorch reads them, and what is wrong leaves the model untouched."""

import json
import math
import subprocess
import sys

import pytest

import tinygrad_edu as tg

np = pytest.importorskip("numpy", reason="safetensors files need numpy")
numpy_files = pytest.importorskip("safetensors.numpy", reason='pip install "tinygrad-edu[safetensors]"')

MODELS = {
    "an MLP": lambda: tg.MLP(2, [3, 2], rng=0), "a layer": lambda: tg.Layer(2, 3, bias=False, rng=0),
    "a neuron": lambda: tg.Neuron(2, "relu", rng=0), "maxout": lambda: tg.Maxout(2, 3, rng=0),
    "a sequence": lambda: tg.Sequential(tg.Layer(2, 3, "sin", rng=0), tg.Dropout(0.5), tg.MLP(3, [2, 1], rng=1)),
    "maxout in a sequence": lambda: tg.Sequential(tg.Layer(2, 3, rng=0), tg.Maxout(3, 2, rng=0)),
}


@pytest.fixture
def saved(tmp_path):
    model = tg.MLP(2, [3, 2], rng=0)
    for parameter, number in zip(model.parameters(), [0.1, -0.0, 5e-324, 1.7976931348623157e308, math.pi, 1 / 3]):
        parameter.data = number
    return model, tg.save(model, tmp_path / "model.safetensors", about={"inputs": 2, "names": ["ä"]})


def bits(model):
    return [x.hex() for x in model.state_dict().values()]


@pytest.mark.parametrize("name", MODELS)
def test_the_same_bits_come_back(name, tmp_path):
    model, twin = MODELS[name](), MODELS[name]()
    path = tg.save(model, tmp_path / "model.safetensors")
    for parameter in twin.parameters():
        parameter.data = 7.0
    assert tg.load(twin, path) == {} and bits(twin) == bits(model)


def test_odd_numbers_come_back_with_what_was_said_about_them(saved):
    model, path = saved
    twin = tg.MLP(2, [3, 2], rng=9)
    assert tg.load(twin, path) == {"inputs": 2, "names": ["ä"]} and bits(twin) == bits(model)
    assert [p.name for p in path.parent.iterdir()] == ["model.safetensors"]
    assert path.read_bytes() == tg.save(model, path, about={"inputs": 2, "names": ["ä"]}).read_bytes()


def test_names_and_shapes_are_those_of_a_sequential_of_pytorch(saved):
    arrays = numpy_files.load_file(saved[1])
    assert {name: (x.shape, x.dtype.name) for name, x in arrays.items()} == {
        "0.weight": ((3, 2), "float64"), "0.bias": ((3,), "float64"), "2.weight": ((2, 3), "float64"), "2.bias": ((2,), "float64")}
    first = saved[0].layers[0].neurons[1]
    assert arrays["0.weight"][1].tolist() == [w.data for w in first.w] and arrays["0.bias"][1] == first.b.data


def test_a_file_of_others_in_single_precision_is_read_exactly(tmp_path):
    path, model = tmp_path / "theirs.safetensors", tg.MLP(1, [2], rng=0)
    weights = {"0.weight": np.array([[0.1], [0.2]], np.float32), "0.bias": np.array([0.3, -0.5], np.float16)}
    path.write_bytes(numpy_files.save(weights, {"by": "somebody"}))
    assert tg.load(model, path) == {"by": "somebody"}
    assert [p.data for p in model.parameters()] == [float(x) for x in (np.float32(0.1), np.float16(0.3), np.float32(0.2), -0.5)]


def refused(path, words, model=None):
    model = model or tg.MLP(2, [3, 2], rng=5)
    before = bits(model)
    with pytest.raises(tg.WeightFileError, match=words) as caught:
        tg.load(model, path)
    assert str(path) in str(caught.value) and bits(model) == before


def test_another_model_is_refused(saved):
    refused(saved[1], r"0.weight: expected shape \[4, 2\], found shape \[3, 2\]", tg.MLP(2, [4, 2], rng=0))
    refused(saved[1], "4.weight: expected shape .*, found nothing", tg.MLP(2, [3, 2, 1], rng=0))
    refused(saved[1], r"2.(weight|bias): expected nothing, found shape", tg.MLP(2, [3], rng=0))
    refused(saved[1], "0.bias: expected nothing", tg.MLP(2, [3, 2], bias=False, rng=0))


def test_a_file_that_is_cut_off_or_longer_is_refused(saved):
    whole = saved[1].read_bytes()
    for size in (*range(0, 24, 3), len(whole) // 2, len(whole) - 1):
        saved[1].write_bytes(whole[:size])
        refused(saved[1], "expected a complete safetensors file")
    saved[1].write_bytes(whole + b"\0")
    refused(saved[1], "expected a complete safetensors file")


@pytest.mark.parametrize(("array", "words"), [
    (np.full((3, 2), math.nan), "0.weight: expected finite numbers, found nan"),
    (np.full((3, 2), math.inf), "0.weight: expected finite numbers, found inf"),
    (np.zeros((3, 2), np.int64), "0.weight: expected F64, F32, F16, found I64"),
    (np.zeros((2, 3)), r"0.weight: expected shape \[3, 2\], found shape \[2, 3\]"),
    (np.zeros(6), r"0.weight: expected shape \[3, 2\], found shape \[6\]"),
])
def test_other_numbers_and_shapes_are_refused(saved, array, words):
    arrays = numpy_files.load_file(saved[1])
    saved[1].write_bytes(numpy_files.save({**arrays, "0.weight": array}))
    refused(saved[1], words)


@pytest.mark.parametrize(("metadata", "words"), [
    ('{"version": 2, "about": {}}', "tinygrad-edu_weights: expected version 1, found"),
    ('{"version": 1, "about": [1]}', "about: expected an object"), ("{", "expected version 1"), ("[" * 100_000, "expected version 1"),
])
def test_other_metadata_is_refused(saved, metadata, words):
    saved[1].write_bytes(numpy_files.save(numpy_files.load_file(saved[1]), {"tinygrad-edu_weights": metadata}))
    refused(saved[1], words)


def test_a_header_that_lies_is_refused(saved):
    whole = saved[1].read_bytes()
    size = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8:8 + size])
    header["0.bias"]["data_offsets"] = header["0.weight"]["data_offsets"]
    text = json.dumps(header).encode()
    saved[1].write_bytes(len(text).to_bytes(8, "little") + text + whole[8 + size:])
    refused(saved[1], "expected a complete safetensors file")


def test_a_weight_that_is_not_finite_is_not_saved(tmp_path):
    model = tg.MLP(1, [1], rng=0)
    model.parameters()[0].data = math.inf
    with pytest.raises(ValueError, match="only finite weights can be saved"):
        tg.save(model, tmp_path / "a.safetensors")
    with pytest.raises(tg.WeightFileError, match="there is no such file"):
        tg.load(model, tmp_path / "a.safetensors")


def test_a_layer_in_two_places_is_written_twice_and_must_be_one(tmp_path):
    shared = tg.Layer(2, 2, rng=0)
    model = tg.Sequential(shared, shared)
    path = tg.save(model, tmp_path / "twice.safetensors")
    arrays = numpy_files.load_file(path)
    assert arrays.keys() == {"0.weight", "0.bias", "1.weight", "1.bias"}
    tg.load(model, path)
    path.write_bytes(numpy_files.save({**arrays, "1.bias": np.ones(2)}))
    refused(path, "1.bias: expected 0.0, as where it stands first, found 1.0", model)


def test_the_command_finds_out_before_the_training_that_a_package_is_missing(tmp_path):
    code = ("import sys; sys.modules['safetensors'] = None; from tinygrad_edu.cli import main\n"
            "sys.exit(main(['train', 'xor', '--epochs', '1', '--save', 'model.safetensors']))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert (done.stdout, done.returncode) == ("", 1)
    assert done.stderr == 'tinygrad-edu: .safetensors files need numpy and safetensors: pip install "tinygrad-edu[safetensors]"\n'
