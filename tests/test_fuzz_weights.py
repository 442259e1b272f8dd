"""Weight files cut off, altered and made up: each is refused as a WeightFileError, or gives back the very bits.

The default run takes a sample; `pytest -m long tests/test_fuzz_weights.py` takes every prefix and 10,000 flipped bytes.
"""

import copy
import json
import math
import os
import random
import time
import tracemalloc

import pytest

import tinygrad_edu as tg
from tinygrad_edu import MLP, WeightFileError
from tinygrad_edu.nn.weights import checksum

W, B = "layers.0.neurons.0.w", "layers.0.neurons.0.b"


@pytest.fixture
def file(tmp_path):
    return tg.save(MLP(2, [3, 2], rng=0), tmp_path / "model.json", about={"inputs": 2})


def bits(model):
    return [x.hex() for x in model.state_dict().values()]


SAVED = bits(MLP(2, [3, 2], rng=0))


def check_loading(path):
    """Loaded, and then to the bit what was saved; or refused, and then the model is as it was.  Says which."""
    model = MLP(2, [3, 2], rng=5)
    before = bits(model)
    try:
        tg.load(model, path)
    except WeightFileError as error:
        assert bits(model) == before and str(path) in str(error)
        assert str(error).isprintable() and len(str(error)) < len(str(path)) + 400
        return "refused"
    assert bits(model) == SAVED
    return "loaded"


# ---- cut off, altered ----------------------------------------------------------------------------------------


def check_prefixes(path, step):
    whole = path.read_bytes()
    for length in range(0, len(whole), step):
        path.write_bytes(whole[:length])
        assert check_loading(path) == "refused", length


def check_flips(path, count, flip):
    whole, rng, answers = path.read_bytes(), random.Random(0), []
    for _ in range(count):
        place = rng.randrange(len(whole))
        path.write_bytes(whole[:place] + bytes([flip(whole[place], rng)]) + whole[place + 1:])
        answers.append(check_loading(path))
    assert answers.count("loaded") < 0.05 * count           # white space between tokens


def one_bit(byte, rng):
    return byte ^ 1 << rng.randrange(8)


def any_byte(byte, rng):
    return rng.randrange(256)


def test_a_file_cut_off_is_refused(file):
    check_prefixes(file, step=5)


@pytest.mark.parametrize("flip", [one_bit, any_byte])
def test_an_altered_byte_is_seen_or_does_no_harm(file, flip):
    check_flips(file, 400, flip)


@pytest.mark.long
def test_every_prefix_is_refused(file):
    check_prefixes(file, step=1)


@pytest.mark.long
@pytest.mark.parametrize("flip", [one_bit, any_byte])
def test_ten_thousand_altered_bytes(file, flip):
    check_flips(file, 5_000, flip)


def test_a_checksum_that_sees_nothing_would_be_noticed(file, monkeypatch):
    monkeypatch.setattr("tinygrad_edu.nn.weights.checksum", lambda content: "sha256:0")
    tg.save(MLP(2, [3, 2], rng=0), file)
    with pytest.raises(AssertionError):
        check_flips(file, 400, one_bit)


# ---- made up, with a checksum that is right -------------------------------------------------------------------


def signed(content):
    content = {name: part for name, part in content.items() if name != "checksum"}
    return {**content, "checksum": checksum(content)}


def nested(depth, inner=1):
    for _ in range(depth):
        inner = [inner]
    return inner


def whole_part(**parts):
    return lambda content: content.update(parts)


def without(part):
    return lambda content: content.pop(part)


def parameter(name, numbers, shape=None):
    """A change of one parameter, with the shape that goes with it."""
    def change(content):
        content["parameters"][name] = numbers
        content["shapes"][name] = shape if shape is not None else [len(numbers)] if isinstance(numbers, list) else []
    return change


def shape(name, found):
    return lambda content: content["shapes"].update({name: found})


MADE_UP = {
    "version true": (whole_part(version=True), "version: expected 1, found True"), "version 1.0": (whole_part(version=1.0), "version: .*1.0"),
    "newer version": (whole_part(version=2), "version: expected 1, found 2"), "version text": (whole_part(version="1"), "version: expected 1, found '1'"),
    "version list": (whole_part(version=nested(100)), "version: expected 1"), "no version": (without("version"), "version: .*None"),
    "other format": (whole_part(format="x" * 10_000), "format: expected"), "format with colours": (whole_part(format="\x1b[31m"), r"format: .*\\x1b"),
    **{f"{name} {bad!r}": (whole_part(**{name: bad}), f"{name}: expected an object")
       for name in ("about", "shapes", "parameters") for bad in (None, [], 1, "x", True)},
    **{f"no {name}": (without(name), f"{name}: expected an object, found None") for name in ("about", "shapes", "parameters")},
    "another part": (whole_part(more=1), "more: expected nothing, found 1"), "a part with colours": (whole_part(**{"\x1b[31m": 1}), "�.31m: expected nothing"),
    "huge whole number": (parameter(B, 10 ** 400), f"{B}: expected numbers, found 1000"), "4000 digits": (parameter(B, 10 ** 4000), "expected numbers"),
    "between floats": (parameter(B, 2 ** 53 + 1), "expected numbers, found 9007199254740993"), "huge in a list": (parameter(W, [10 ** 400, 1]), "expected numbers"),
    **{f"weight {bad!r}": (parameter(B, bad), f"{B}: expected numbers, found") for bad in (True, None, "1", {}, {"a": 1})},
    "weight as list": (parameter(B, [1.0]), f"{B}: expected shape .., found shape .1."), "list in list": (parameter(W, [[1], [2]]), "expected numbers"),
    "too short": (parameter(W, [1.0]), "expected shape .2., found shape .1."), "empty": (parameter(W, []), "found shape .0."),
    "one more parameter": (parameter("more", 1.0), "parameters.more: expected nothing"), "a long name": (parameter("x" * 100_000, 1.0), "xxx…: expected nothing"),
    "a name with colours": (parameter("\x1b[31m\n", 1.0), "parameters.�.31m�: expected nothing"), "half a character": (parameter("\ud800", 1.0), "parameters.�"),
    "shape of nothing": (shape("more", [2]), "parameters.more: expected shape .2., found nothing"), "no shape": (lambda content: content["shapes"].pop(B), "found None"),
    "shape 2.0": (shape(W, [2.0]), r"expected \[2\], found \[2.0\]"), "shape true": (shape(B, [True]), "found .True."), "shape text": (shape(W, "2"), "found '2'"),
}


@pytest.mark.parametrize("name", MADE_UP)
def test_a_made_up_file_is_refused_for_what_is_wrong_in_it(file, name):
    change, words = MADE_UP[name]
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(signed(content)))
    assert check_loading(file) == "refused"
    with pytest.raises(WeightFileError, match=words):
        tg.load(MLP(2, [3, 2]), file)


@pytest.mark.parametrize("depth", [100, 900, *range(970, 1000), 5_000, 100_000])
@pytest.mark.parametrize("pair", ["[]", ("{\"a\":", "}")], ids=["lists", "objects"])
def test_a_file_nested_deeply_is_loaded_or_refused(file, depth, pair):
    text = file.read_text().replace('"inputs": 2', '"inputs": ' + pair[0] * depth + "1" * (pair != "[]") + pair[1] * depth)
    file.write_text(text)
    assert check_loading(file) == "refused"                 # by the checksum, if not for its depth


# ---- bytes ---------------------------------------------------------------------------------------------------


def swapped(old, new):
    return lambda whole: whole.replace(old, new, 1)


BYTES = {
    "as it is": (lambda whole: whole, "loaded"), "Windows lines": (lambda whole: json.dumps(json.loads(whole), indent=1).replace("\n", "\r\n").encode(), "loaded"),
    "white space": (lambda whole: b"\n " + whole + b"\n\n\t ", "loaded"), "byte order mark": (lambda whole: b"\xef\xbb\xbf" + whole, "refused"),
    "UTF-16": (lambda whole: whole.decode().encode("utf-16"), "refused"), "not UTF-8": (swapped(b'"inputs"', b'"\xff"'), "refused"),
    "twice": (lambda whole: whole + whole, "refused"), "something behind": (lambda whole: whole + b"x", "refused"), "a nul": (lambda whole: whole + b"\0", "refused"),
    "empty": (lambda whole: b"", "refused"), "null": (lambda whole: b"null", "refused"), "list": (lambda whole: b"[]", "refused"),
    "number": (lambda whole: b"1", "refused"), "text": (lambda whole: b'"a"', "refused"), "comment": (lambda whole: b"// x\n" + whole, "refused"),
    "single quotes": (lambda whole: whole.replace(b'"', b"'"), "refused"), "a line in a text": (swapped(b'"inputs"', b'"in\nputs"'), "refused"),
    "half a character": (swapped(b'"inputs"', b'"\\ud800"'), "refused"), "a key twice": (swapped(b'"version": 1', b'"version": 1, "version": 1'), "refused"),
    "an inner key twice": (swapped(b'"inputs": 2', b'"inputs": 2, "inputs": 2'), "refused"), "a long key twice": (swapped(b"{", b"{" + b'"%b":1,' % (b"x" * 9999) * 2), "refused"),
    "nan": (swapped(b"0.0", b"NaN"), "refused"), "inf": (swapped(b"0.0", b"Infinity"), "refused"), "-inf": (swapped(b"0.0", b"-Infinity"), "refused"),
    "1e999": (swapped(b"0.0", b"1e999"), "refused"), "5000 digits": (swapped(b'"inputs": 2', b'"inputs": ' + b"1" * 5000), "refused"),
    "wrong checksum": (swapped(b"sha256:", b"sha256:0"), "refused"), "checksum in capitals": (swapped(b"sha256:", b"SHA256:"), "refused"),
    "a checksum of null": (lambda whole: json.dumps({**json.loads(whole), "checksum": None}).encode(), "refused"),
    "a checksum of lists": (lambda whole: json.dumps({**json.loads(whole), "checksum": nested(50)}).encode(), "refused"),
    "keys in another order": (lambda whole: json.dumps(json.loads(whole), sort_keys=True).encode(), "loaded"),
    "a number written otherwise": (swapped(b"0.0", b"0.00"), "loaded"), "a negative zero": (swapped(b"0.0", b"-0.0"), "refused"),
}


@pytest.mark.parametrize("name", BYTES)
def test_the_bytes_of_a_file(file, name):
    change, wanted = BYTES[name]
    file.write_bytes(change(file.read_bytes()))
    assert check_loading(file) == wanted


# ---- places --------------------------------------------------------------------------------------------------


def test_what_is_no_file_is_refused_and_a_link_is_followed(file, tmp_path):
    model = MLP(2, [3, 2], rng=5)
    os.symlink(file, tmp_path / "link")
    os.symlink(tmp_path / "loop", tmp_path / "loop")
    os.symlink(tmp_path / "gone", tmp_path / "dangling")
    assert check_loading(tmp_path / "link") == "loaded"
    for name, words in ("", "not a file"), ("none", "no such file"), ("loop", "no such file"), ("dangling", "no such file"), ("model.json/x", "no such"):
        with pytest.raises(WeightFileError, match=words):
            tg.load(model, tmp_path / name)
    tg.save(model, tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and json.loads(file.read_text())["parameters"][B] == 0.0
    tg.load(MLP(2, [3, 2]), file)


def test_what_cannot_be_written_or_read_names_the_path_and_leaves_nothing_behind(file, tmp_path, monkeypatch):
    before = sorted(os.listdir(tmp_path))
    for place in (tmp_path, tmp_path / "no" / "x", tmp_path / ("x" * 300)):
        with pytest.raises(OSError) as caught:
            tg.save(MLP(2, [3, 2]), place)
        assert str(place) in str(caught.value)

    def refuse(*arguments):
        raise PermissionError(13, "Permission denied", str(file))       # as root, no file refuses itself
    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    with pytest.raises(PermissionError, match=r"model\.json"):
        tg.load(MLP(2, [3, 2]), file)
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.parametrize("about", [{"a": math.nan}, {"a": object()}, {"a": {1, 2}}, {"a": nested(300_000)}, {1: 2, "a": 3}, {"a": 1 << 40_000}],
                         ids=["nan", "object", "set", "deep", "mixed keys", "huge"])
def test_what_cannot_be_kept_leaves_the_old_file(file, about):
    before = file.read_bytes()
    with pytest.raises((TypeError, ValueError, RecursionError)):
        tg.save(MLP(2, [3, 2], rng=1), file, about=about)
    assert file.read_bytes() == before and os.listdir(file.parent) == ["model.json"]


@pytest.mark.long
@pytest.mark.parametrize("text", [
    "{" + ",".join(f'"k{i}":1' for i in range(5000)) + ',"k4999":2}', '{"about":' * 500, "[" * 200_000, '{"a": ' + "1" * 4300 + "}",
    '"' + "\\ud800" * 20_000 + '"', "[" + "1e308," * 20_000 + "1]", " " * 200_000, json.dumps({"x" * 50_000: [nested(200)] * 10}),
], ids=["double keys", "opened", "lists", "digits", "surrogates", "numbers", "spaces", "long key"])
def test_no_bad_file_takes_more_than_50_milliseconds_and_10_megabytes(file, text):
    file.write_text(text)

    def seconds():
        start = time.process_time()
        assert check_loading(file) == "refused"
        return time.process_time() - start
    assert min(seconds() for _ in range(10)) < 0.05
    tracemalloc.start()
    check_loading(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * 2 ** 20, peak


def test_the_sample_file_is_as_the_cases_expect(file):
    content = json.loads(file.read_text())
    assert content == signed(copy.deepcopy(content)) and content["parameters"][B] == 0.0 and file.read_bytes().count(b"0.0")
