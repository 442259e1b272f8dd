"""Weight files give back the same bits, and whatever is wrong with one, the model is untouched."""

import json
import math

import pytest

from tinygrad_edu.nn.modules import MLP
from tinygrad_edu.nn.weights import FORMAT, WeightFileError, checksum, load, save

pytestmark = pytest.mark.smoke


@pytest.fixture
def saved(tmp_path):
    model = MLP(2, [3, 2], rng=0)
    odd = [0.1, -0.0, 5e-324, 1.7976931348623157e308, math.pi, 1 / 3]
    for parameter, number in zip(model.parameters(), odd):
        parameter.data = number
    return model, save(model, tmp_path / "model.json", about={"inputs": 2})


def bits(model):
    return [x.hex() for x in model.state_dict().values()]


def test_the_same_bits_come_back(saved):
    model, path = saved
    twin = MLP(2, [3, 2], rng=9)
    assert load(twin, path) == {"inputs": 2}
    assert bits(twin) == bits(model)
    assert [p.name for p in path.parent.iterdir()] == ["model.json"]


def refused(path, words, shape=(3, 2)):
    model = MLP(2, list(shape), rng=5)
    before = bits(model)
    with pytest.raises(WeightFileError, match=words) as caught:
        load(model, path)
    assert str(path) in str(caught.value) and bits(model) == before


def test_another_model_is_refused(saved):
    refused(saved[1], r"parameters.layers.0.neurons.3.w: expected shape \[2\], found nothing", shape=(4, 2))
    refused(saved[1], r"layers.1.neurons.0.w: expected shape \[2\], found shape \[3\]", shape=(2, 2))


def rewritten(path, change, sign=True):
    content = json.loads(path.read_text())
    content.pop("checksum")
    change(content)
    path.write_text(json.dumps({**content, "checksum": checksum(content)} if sign else content))


@pytest.mark.parametrize(("change", "words"), [
    (lambda c: c.update(version=2), "version: expected 1, found 2"), (lambda c: c.update(format="x"), "format: expected 'tinygrad-edu weights', found 'x'"),
    (lambda c: c["parameters"].pop("layers.0.neurons.0.b"), "layers.0.neurons.0.b: expected shape .., found nothing"),
    (lambda c: c["parameters"].update(more=1.0), "shapes.more"), (lambda c: c.update(more=1), "more: expected nothing"),
    (lambda c: c["parameters"].update({"layers.0.neurons.0.b": "1"}), "expected numbers, found '1'"),
    (lambda c: c["parameters"].update({"layers.0.neurons.0.b": True}), "expected numbers, found True"),
    (lambda c: c["shapes"].update({"layers.0.neurons.0.w": [3]}), r"shapes.layers.0.neurons.0.w: expected \[2\], found \[3\]"),
    (lambda c: c.update(parameters=[]), "parameters: expected an object"),
])
def test_a_changed_file_is_refused_even_with_a_valid_checksum(saved, change, words):
    rewritten(saved[1], change)
    refused(saved[1], words)


def test_a_shape_without_numbers_is_refused(saved):
    rewritten(saved[1], lambda content: content["shapes"].update(ghost=[2]))
    refused(saved[1], r"parameters.ghost: expected shape \[2\], found nothing")


def test_the_key_that_stands_twice_is_named(saved):
    path = saved[1]
    path.write_text(path.read_text().replace('"format":', '"last": 1, "format": "tinygrad-edu weights", "format":'))
    refused(path, "'format' stands twice")


def test_a_missing_checksum_a_nan_and_a_double_key_are_refused(saved):
    path = saved[1]
    text = path.read_text()
    path.write_text(text.replace("3.141592653589793", "NaN"))
    refused(path, "NaN is not a number")
    path.write_text(text.replace('"version": 1', '"version": 1, "version": 1'))
    refused(path, "'version' stands twice")
    path.write_text(text)
    rewritten(path, lambda content: None, sign=False)
    refused(path, "checksum: expected sha256")
    refused(path.with_name("none.json"), "no such file")


def test_a_failed_write_leaves_the_old_file(saved):
    model, path = saved
    before = path.read_bytes()
    model.parameters()[0].data = math.inf
    with pytest.raises(ValueError, match=r"layers.0.neurons.0.w.0 is inf: only finite"):
        save(model, path)
    assert path.read_bytes() == before and FORMAT.encode() in before
    assert [p.name for p in path.parent.iterdir()] == ["model.json"]


def test_what_is_said_about_a_model_is_plain_data_too(saved):
    model, path = saved
    before = path.read_bytes()
    with pytest.raises(ValueError, match="not JSON compliant"):
        save(model, path, about={"loss": math.nan})
    assert path.read_bytes() == before and [p.name for p in path.parent.iterdir()] == ["model.json"]


def test_a_file_that_cannot_be_written_is_named_as_it_was_given(saved, tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        save(saved[0], tmp_path / "no folder" / "model.json")
    assert caught.value.filename == str(tmp_path / "no folder" / "model.json")


def test_the_order_of_keys_in_a_file_does_not_matter(saved):
    model, path = saved
    path.write_text(json.dumps(dict(reversed(json.loads(path.read_text()).items()))))
    twin = MLP(2, [3, 2], rng=9)
    load(twin, path)
    assert bits(twin) == bits(model)


def test_a_file_that_holds_no_object_is_refused(saved):
    saved[1].write_text("[1, 2]")
    refused(saved[1], r"format: expected 'tinygrad-edu weights', found \[1, 2\]")


@pytest.mark.parametrize(("more", "words"), [(0, "not a complete JSON"), (1, "size: expected at most 67108864 bytes, found 67108865")])
def test_a_file_larger_than_64_mebibytes_is_refused_unread(saved, more, words):
    with saved[1].open("r+b") as file:
        file.truncate(64 * 1024 * 1024 + more)
    refused(saved[1], words)
