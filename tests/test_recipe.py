"""What `train --save` wrote is built again; what a file only claims is refused before anything is built."""

import json
import subprocess
import sys
import time

import pytest
from command import run

import tinygrad_edu as tg
from tinygrad_edu.learn.recipe import Recipe, trained
from tinygrad_edu.nn.modules import MLP, Layer, Maxout, Neuron
from tinygrad_edu.nn.weights import checksum

RECIPE = Recipe(2, [3, 2], "tanh", ["a", "b"], ["no", "yes"], [[0.5, 2], [0, 1.5]])
REGRESSION = Recipe(1, [1], "", ["a"], [], [[0.0, 1.0]])


@pytest.fixture
def file(tmp_path):
    return tg.save(RECIPE.built(), tmp_path / "m.json", vars(RECIPE))


def test_the_command_predicts_from_either_kind_of_file(ending, tmp_path):
    run("train", "xor", "--epochs", "1", "--save", f"m.{ending}", cwd=tmp_path)
    output, errors, code = run("predict", f"m.{ending}", "0.5", "-0.25", cwd=tmp_path, check=False)
    assert (errors, code) == ("", 0) and output.splitlines()[0] in ("same", "different")


def test_a_file_of_others_and_one_of_another_size_are_refused(ending, tmp_path):
    path = tg.save(RECIPE.built(), tmp_path / f"m.{ending}")
    with pytest.raises(tg.WeightFileError, match=r"about.inputs: expected .*as train --save writes it"):
        trained(path)
    with pytest.raises(tg.WeightFileError, match=r"about.sizes: expected sizes that make 17 weights, found \[3, 3\]"):
        trained(tg.save(RECIPE.built(), path, {**vars(RECIPE), "sizes": [3, 3], "classes": ["a", "b", "c"]}))


def resealed(path, change):
    content = json.loads(path.read_text())
    content.pop("checksum")
    change(content["about"])
    path.write_text(json.dumps({**content, "checksum": checksum(content)}))


@pytest.fixture(params=["json", "safetensors"])
def ending(request):
    if request.param == "safetensors":
        pytest.importorskip("safetensors", reason='files of PyTorch: pip install ".[safetensors]"')
    return request.param


@pytest.mark.parametrize("recipe", [RECIPE, REGRESSION], ids=["classes", "regression"])
def test_a_network_comes_back_with_what_it_was_made_from(recipe, ending, tmp_path):
    model = recipe.built(rng=3)
    assert recipe.weights() == len(model.parameters())
    found, twin = trained(tg.save(model, tmp_path / f"m.{ending}", vars(recipe)))
    assert found == recipe and twin.state_dict() == model.state_dict()
    assert found.scaled([[0.5] * recipe.inputs])[0][0] == (0.0 if recipe is RECIPE else 0.5)


NO_COUNTS = [None, True, 0, -1, 1.0, 2.0, "2", [], {}, 3, 10 ** 30, [2]]
NO_LISTS = [None, True, 0, 2, "ab", {}, {"0": "a", "1": "b"}, [], [None], [1, 2], [[]], ["a"], ["a", "b", "c"], ["a", None]]
WRONG = {
    "inputs": [*NO_COUNTS, 1],
    "sizes": [*NO_LISTS, [3], [2], [3, 0], [3, -2], [3, 2.0], [True, 2], [10 ** 8, 2], [2, 3], [3, 3], [3, 2, 2], [10 ** 30, 2], [1] * 10_000, ["3", "2"]],
    "activation": [None, True, 0, "", "nonsense", "max", "dot", "__class__", ["tanh"], {}, "tanh\x1b[31m", "x" * 10 ** 6],
    "features": NO_LISTS,
    "classes": [*NO_LISTS, ["a", "a"]],
    "scales": [*NO_LISTS, [[0, 0], [0, 0]], [[0, 1]], [[0, 1], [0, -1]], [[0, 1], [0]], [[0, 1], [0, 1, 2]], [[0, 1], 1], [[0, True], [0, 1]],
               [[None, 1], [0, 1]], [["0", "1"], ["0", "1"]], [[0, 10 ** 400], [0, 1]], {"0": [0, 1], "1": [0, 1]}, [[0, 1]] * 3],
}
RIGHT = {"activation": [""]}            # "" is no activation: another network, of as many weights


@pytest.mark.parametrize(("name", "bad"), [(name, bad) for name, values in WRONG.items() for bad in values if bad not in RIGHT.get(name, [])],
                         ids=lambda x: repr(x)[:30])
def test_a_resealed_file_is_refused_for_what_is_wrong_in_it(file, name, bad):
    resealed(file, lambda about: about.update({name: bad}))
    start = time.process_time()
    with pytest.raises(tg.WeightFileError) as caught:
        trained(file)
    text = str(caught.value)
    assert str(file) in text and text.isprintable() and len(text) < len(str(file)) + 300
    assert text.removeprefix(f"{file}: about.").split(":")[0] in {name, "sizes", "features", "classes", "scales"}
    for numbers in ["1", "2"], ["1"]:
        output, errors, code = run("predict", str(file), *numbers, check=False)
        assert (output, code) == ("", 2) and errors.count("\n") == 1
    assert time.process_time() - start < 2


def test_an_input_that_is_no_number_is_refused_with_the_remedy(file):
    output, errors, code = run("predict", str(file), "0,5", "1", check=False)
    assert (output, code) == ("", 2)
    assert errors == "tinygrad-edu: the inputs are numbers with a decimal point, such as 0.5, got 0,5 1\n"


@pytest.mark.parametrize("name", vars(RECIPE))
def test_a_file_that_lacks_a_part_says_which(file, name):
    resealed(file, lambda about: about.pop(name))
    with pytest.raises(tg.WeightFileError, match=f"about.{name}: expected .*, as train --save writes it, found nothing"):
        trained(file)


def test_a_file_of_another_kind_of_network_is_refused(tmp_path):
    for model in MLP(2, [3, 2], bias=False), Layer(2, 3), Maxout(2, 3):
        tg.save(model, tmp_path / "m.json", vars(RECIPE))
        with pytest.raises(tg.WeightFileError, match=r"about.sizes: expected sizes that make \d+ weights, found \[3, 2\]"):
            trained(tmp_path / "m.json")
    tg.save(MLP(2, [2, 3], rng=0), tmp_path / "m.json", vars(RECIPE))           # as many weights, in other layers
    with pytest.raises(tg.WeightFileError):
        trained(tmp_path / "m.json")


def test_weights_that_overflow_are_one_line(file):
    model = RECIPE.built()
    for parameter in model.parameters():
        parameter.data = 1e308
    tg.save(model, file, vars(RECIPE))
    _, errors, code = run("predict", str(file), "1e308", "1e308", check=False)
    assert code == 2 and errors.count("\n") == 1


def test_sizes_that_no_memory_holds_are_refused_at_once():
    """In a process of its own with a limit: what is not refused would fill the memory."""
    program = """
import resource, tinygrad_edu as tg
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
for make in (lambda: tg.Neuron(2**53 + 1), lambda: tg.Neuron(10**7 + 1), lambda: tg.Layer(10**4, 10**4), lambda: tg.Layer(1, 2**53 + 1), lambda: tg.MLP(1, [2**53 + 1]),
             lambda: tg.MLP(10**5, [10**5, 1]), lambda: tg.Maxout(1, 2**53 + 1), lambda: tg.Maxout(10**7, 2), lambda: tg.MLP(2, [10**8, 2])):
    try:
        make()
    except ValueError as error:
        assert "must be at most" in str(error), error
        print("refused")
"""
    pytest.importorskip("resource")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("refused\n" * 9, "")


@pytest.mark.parametrize("kind", [Neuron, Layer, Maxout])
def test_sizes_are_still_checked_by_name(kind):
    for bad, error in ("a", TypeError), (0, ValueError), (1.5, TypeError):
        with pytest.raises(error, match="inputs must be"):
            kind(bad, *([2] if kind is not Neuron else []))
