"""Data sets and what is done to them: the same every time, complete, and refused with the reason."""

import json
import math
import os
import subprocess
import sys
from collections import Counter
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.learn import data as sets
from tinygrad_edu.learn.data import (
    Data,
    batches,
    from_csv,
    noisy_sine,
    one_hot,
    shuffled,
    spirals,
    split,
    standardise,
    xor,
    yin_yang,
)

OURS = ["spirals", "xor", "yin_yang", "noisy_sine"]
BORROWED = ["moons", "circles", "blobs", "digits"]


def made(name, *args, **options):
    if name in BORROWED:
        pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    return getattr(sets, name)(*args, **options)


def pairs(data):
    return Counter((tuple(row), target) for row, target in zip(data.inputs, data.targets, strict=True))


# ---- the sets

@pytest.mark.parametrize("name", OURS + BORROWED)
def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(name):
    assert made(name, 60, seed=3) == made(name, 60, seed=3) != made(name, 60, seed=4)


@pytest.mark.parametrize("name", OURS)
def test_a_set_is_the_same_in_another_process(name):
    code = f"import json; from tinygrad_edu.learn.data import {name}; print(json.dumps({name}(20, seed=5).inputs))"
    for hash_seed in "1", "2":
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                               env={**os.environ, "PYTHONHASHSEED": hash_seed})
        assert json.loads(other.stdout) == made(name, 20, seed=5).inputs


@pytest.mark.parametrize("count", [1, 2, 7, 100])
@pytest.mark.parametrize("name", OURS + BORROWED)
def test_a_set_has_as_many_examples_as_asked_for_and_all_are_plain_numbers(name, count):
    data = made(name, count)
    assert len(data) == len(data.inputs) == len(data.targets) == count
    assert {type(x) for row in data.inputs for x in row} == {float}
    assert {type(target) for target in data.targets} == {int if data.classes else float}
    assert all(len(row) == len(data.features) for row in data.inputs)


@pytest.mark.parametrize("name", ["spirals", "xor", "yin_yang", "moons", "circles", "blobs"])
def test_the_classes_of_a_set_are_balanced(name):
    data = made(name, 120)
    assert {data.targets.count(i) for i in range(len(data.classes))} == {120 // len(data.classes)}


def test_xor_without_noise_is_the_truth_table():
    data = xor(8, noise=0)
    assert data.inputs == 2 * [[0, 0], [0, 1], [1, 0], [1, 1]] and data.targets == 2 * [0, 1, 1, 0]


@pytest.mark.parametrize("arms", [1, 2, 5])
def test_a_point_of_a_spiral_lies_on_its_arm(arms):
    data = spirals(100, noise=0, arms=arms)
    for (x, y), arm in zip(data.inputs, data.targets, strict=True):
        turn = (math.atan2(y, x) / (2 * math.pi) - arm / arms) % 1
        assert math.hypot(x, y) % 1 == pytest.approx(turn, abs=1e-9) and 0.05 <= math.hypot(x, y) <= 1


def test_the_yin_yang_sign_turned_by_half_a_turn_swaps_yin_and_yang():
    data = yin_yang(600)
    for (x, y), target in zip(data.inputs, data.targets, strict=True):
        assert math.hypot(x, y) <= 1 and sets.part_of_sign(x, y) == target
        assert sets.part_of_sign(-x, -y) == [1, 0, 2][target]


def test_the_noise_about_the_sine_has_the_deviation_asked_for():
    data = noisy_sine(4000, noise=0.3)
    errors = [target - math.sin(x) for [x], target in zip(data.inputs, data.targets, strict=True)]
    assert math.hypot(*errors) / math.sqrt(4000) == pytest.approx(0.3, rel=0.05)
    assert all(-math.pi <= x <= math.pi for [x] in data.inputs) and data.classes == ()


def test_digits_are_grey_values_drawn_once_each():
    everything = made("digits")
    assert len(everything) == 1797 and len(everything.features) == 64 and set(everything.targets) == set(range(10))
    assert {x for row in everything.inputs for x in row} == {i / 16 for i in range(17)}
    assert pairs(made("digits", 500, seed=1)) <= pairs(everything)
    assert pairs(made("digits", seed=9)) == pairs(everything)
    with pytest.raises(ValueError, match="there are 1797 digits: got count=1798"):
        made("digits", 1798)


def test_without_scikit_learn_one_line_says_how_to_get_digits(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install numpy scikit-learn$") as caught:
        sets.digits(10)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["moons", "circles", "blobs"])
@given(count=st.integers(1, 120), noise=st.sampled_from([0.0, 0.1, 3.0]), seed=st.integers(0, 2**32 - 1))
def test_without_scikit_learn_the_examples_are_the_same(name, count, noise, seed):
    theirs = made(name, count, noise, seed)
    with mock.patch.dict(sys.modules, {"sklearn": None}):
        ours = getattr(sets, name)(count, noise, seed)
    assert ours.targets == theirs.targets and ours.classes == theirs.classes
    centre = 10.0 if name == "blobs" else 1.0       # how far out the middle of a cloud lies; noise is added to it
    for row, other in zip(ours.inputs, theirs.inputs, strict=True):
        for x, y in zip(row, other, strict=True):
            # an angle, whose last digit is one of the cosine too; a cosine, a product and two sums, each rounded once
            assert abs(x - y) <= math.ulp(2 * math.pi) + 4 * math.ulp(centre + abs(y))


@pytest.mark.parametrize("name", [*OURS, "moons", "circles", "blobs"])
@pytest.mark.parametrize(("options", "error", "message"), [
    ({"count": 0}, ValueError, "count must be at least 1, got 0"), ({"count": -3}, ValueError, "got -3"),
    ({"count": 2.5}, TypeError, "count must be a whole number, not float: got 2.5"), ({"count": "9"}, TypeError, "got '9'"),
    ({"noise": -0.1}, ValueError, "noise must be at least 0 and finite, got -0.1"),
    ({"noise": math.nan}, ValueError, "got nan"), ({"noise": math.inf}, ValueError, "got inf"),
    ({"noise": "much"}, TypeError, "a number is needed, not str: got 'much'"),
    ({"seed": -1}, ValueError, "seed must be at least 0, got -1"), ({"seed": None}, TypeError, "seed must be a whole number, not NoneType: got None"),
])
def test_a_set_refuses_what_it_cannot_make(name, options, error, message):
    with pytest.raises(error, match=message):
        getattr(sets, name)(**options)


@pytest.mark.parametrize(("maker", "message"), [
    (lambda: spirals(arms=0), "arms must be at least 1, got 0"), (lambda: sets.blobs(classes=0), "classes must be at least 1, got 0"),
    (lambda: Data([[1.0]], [], ("x",)), "each example needs one target: 1 inputs, 0 targets"),
    (lambda: Data([[1.0], [1.0, 2.0]], [0, 0], ("x",)), r"example 1 has 2 inputs, not one for each of the 1 features: \[1.0, 2.0\]"),
    (lambda: Data([[1.0]], [2], ("x",), ("no", "yes")), "example 0 has target 2, not a class from 0 to 1"),
])
def test_parts_that_do_not_fit_are_refused(maker, message):
    with pytest.raises(ValueError, match=message):
        maker()


@pytest.mark.parametrize(("maker", "message"), [
    *[(lambda bad=bad, i=i: Data(*[[[1.0]], [0], ("x",), ("no",)][:i], bad, *[[[1.0]], [0], ("x",), ("no",)][i + 1:]), f"the {part} of data must be a list or an array, not {type(bad).__name__}")
      for i, part in enumerate(("inputs", "targets", "features", "classes")) for bad in (None, 1.0, "x", {0: 1})],
    (lambda: Data([None], [0], ("x",)), "example 0 must be a list of numbers, not NoneType: got None"), (lambda: Data([1.0], [0], ("x",)), "example 0 must be a list"),
    (lambda: xor(4).chosen(3), "indices must be a list or an array, not int: got 3"), (lambda: xor(4).chosen([1.0]), "the number of an example must be a whole number, not float: got 1.0"),
    (lambda: one_hot(None), "labels must be a list or an array, not NoneType"), (lambda: one_hot([[1], [0]]), r"label 0 is a row, \[1\]: a label is a text or a number"),
    (lambda: from_csv(None, "y"), "path must be the name of a file, not NoneType: got None"),
])
def test_parts_of_another_kind_are_named(maker, message):
    with pytest.raises(TypeError, match=message):
        maker()


def test_arrays_and_tuples_become_the_lists_of_data():
    numpy = pytest.importorskip("numpy")
    plain = Data([[0.0, 1.0], [1.0, 1.0]], [1, 0], ("x", "y"), ("no", "yes"))
    for form in (tuple, numpy.array):
        made = Data(form(plain.inputs), form(plain.targets), form(plain.features), form(plain.classes))
        assert made == plain and repr(made) == repr(plain) and type(made.targets[0]) is int and type(made.inputs[0]) is list
    assert plain.chosen(numpy.array([1, 0])) == plain.chosen([1, 0])
    assert one_hot(numpy.array(["b", "a"]), numpy.array(["b", "a"])) == [[1, 0], [0, 1]]


def test_data_say_what_they_are():
    assert repr(xor(6)) == "<Data: 6 examples, inputs x, y, classes same (3), different (3)>"
    assert repr(noisy_sine(6)) == "<Data: 6 examples, inputs x, targets are numbers>"
    wide = Data([[0.0] * 9], [1.0], tuple("abcdefghi"))
    assert repr(wide) == "<Data: 1 examples, inputs a … i, targets are numbers>"
    many = Data([[0.0]] * 50, list(range(50)), ("a",), tuple(f"k{i}" for i in range(50)))
    assert repr(many) == "<Data: 50 examples, inputs a, classes k0 (1) … k49 (1)>"


LONG = "y" * 10 ** 6


@pytest.mark.parametrize("say", [
    lambda: repr(Data([[0.0]], [0], (LONG,), (LONG,))), lambda: Data([[0.0]], [LONG], ("a",), ("b",)), lambda: Data([[0.0]], [10 ** 5000], ("a",), ("b",)),
    lambda: one_hot([LONG], ["a"]), lambda: tg.replay(tg.Value(1.0, label=LONG) * 2, at={LONG + "z": 1.0}),
])
def test_long_names_from_a_file_do_not_fill_the_screen(say):
    try:
        said = say()
    except (ValueError, KeyError) as error:
        said = str(error)
    assert said and len(said) < 600 and "set_int_max_str_digits" not in said


# ---- order

@pytest.mark.parametrize(("count", "share", "held_out"), [(100, 0.2, 20), (10, 0.25, 2), (3, 0.01, 1), (3, 0.99, 2), (2, 0.5, 1)])
def test_a_split_is_disjoint_and_complete(count, share, held_out):
    data = noisy_sine(count)
    train, validation = split(data, share, seed=1)
    assert len(validation) == held_out and pairs(train) + pairs(validation) == pairs(data)
    assert not pairs(train) & pairs(validation)
    assert split(data, share, seed=1) == (train, validation)


@pytest.mark.parametrize("share", [0, 1, -0.5, 1.5, math.nan])
def test_a_split_refuses_a_share_that_leaves_a_side_empty(share):
    with pytest.raises(ValueError, match=f"validation must be above 0 and below 1, got {share}"):
        split(xor(10), share)


def test_one_example_cannot_be_split():
    with pytest.raises(ValueError, match="to split takes at least 2 examples: got 1"):
        split(xor(1))


def test_shuffling_keeps_every_example_with_its_target_and_leaves_the_original():
    data = noisy_sine(50)
    before = [list(row) for row in data.inputs]
    mixed = shuffled(data, seed=2)
    assert pairs(mixed) == pairs(data) and mixed != data and mixed == shuffled(data, seed=2) != shuffled(data, seed=3)
    assert data.inputs == before


@pytest.mark.parametrize("seed", [None, 0, 7])
@pytest.mark.parametrize("size", [1, 3, 10, 11])
def test_batches_cover_every_example_once_and_only_the_last_is_smaller(size, seed):
    data = noisy_sine(10)
    parts = list(batches(data, size, seed))
    assert sum((pairs(part) for part in parts), Counter()) == pairs(data)
    assert [len(part) for part in parts[:-1]] == [size] * (len(parts) - 1) and 1 <= len(parts[-1]) <= size
    assert ([row for part in parts for row in part.inputs] == data.inputs) == (seed is None)
    assert parts == list(batches(data, size, seed))


@pytest.mark.parametrize("size", [0, -1])
def test_batches_refuse_their_size_when_they_are_asked_for(size):
    with pytest.raises(ValueError, match=f"size must be at least 1, got {size}"):
        batches(xor(4), size)


# ---- one-hot and standardised

def test_d003_one_hot_islands():
    islands = ["Biscoe", "Torgersen", "Dream"]
    rows = {"Biscoe": [1, 0, 0], "Torgersen": [0, 0, 1], "Dream": [0, 1, 0]}
    assert one_hot(islands) == [rows[island] for island in islands]
    assert one_hot(["Dream"], classes=["Biscoe", "Dream", "Torgersen"]) == [rows["Dream"]]


def test_one_hot_columns_are_in_the_order_of_numbers_or_as_given():
    assert one_hot([10, 9, 10]) == [[0, 1], [1, 0], [0, 1]]
    assert one_hot("ba", classes="ba") == [[1, 0], [0, 1]]
    assert one_hot([1, "a"]) == [[1, 0], [0, 1]] and one_hot([]) == []


def test_one_hot_refuses_an_unknown_label_and_a_class_named_twice():
    with pytest.raises(ValueError, match=r"label 1 is 'Torgensen', none of the classes \['Dream'\]"):
        one_hot(["Dream", "Torgensen"], classes=["Dream"])
    with pytest.raises(ValueError, match="each class is named once"):
        one_hot(["a"], classes=["a", "a"])


def mean_and_deviation(column):
    mean = math.fsum(column) / len(column)
    return mean, math.sqrt(math.fsum((x - mean) ** 2 for x in column) / len(column))


def test_standardised_columns_have_mean_0_and_deviation_1():
    data = Data([[1e6 + 3 * i, math.sin(i), 1e-8 * i * i] for i in range(50)], [0.0] * 50, ("a", "b", "c"))
    for column in zip(*standardise(data).inputs, strict=True):
        assert mean_and_deviation(column) == pytest.approx((0, 1), abs=1e-12)


def test_validation_data_are_moved_as_the_training_data_are():
    train = Data([[0.0], [4.0]], [0.0, 0.0], ("x",))
    assert standardise(Data([[10.0]], [1.0], ("x",)), like=train) == Data([[4.0]], [1.0], ("x",))


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e300])
def test_a_constant_column_stays_as_it_is(constant):
    data = Data([[constant, float(i)] for i in range(7)], [0.0] * 7, ("a", "b"))
    assert [row[0] for row in standardise(data).inputs] == [constant] * 7


def test_standardise_refuses_other_features_and_no_examples():
    with pytest.raises(ValueError, match=r"the data have features \('x', 'y'\), but `like` has \('x',\)"):
        standardise(xor(4), like=noisy_sine(4))
    with pytest.raises(ValueError, match="a mean takes at least one example: got none"):
        standardise(xor(4).chosen([]))


# ---- CSV

def written(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "penguins.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_a_csv_file_gives_back_the_numbers_that_were_written(tmp_path):
    data = spirals(40, arms=3)
    lines = [f"{x!r},{data.classes[target]},{y!r}" for (x, y), target in zip(data.inputs, data.targets, strict=True)]
    assert from_csv(written(tmp_path, "\n".join(["x,arm,y", *lines])), "arm") == data


def test_byte_order_marks_blank_lines_quotes_and_spaces_do_not_matter(tmp_path):
    assert from_csv(written(tmp_path, '\ufeff"width" ,kind\r\n 1 ,a\r\n\r\n"2",é\r\n'), "kind") == Data(
        [[1.0], [2.0]], [0, 1], ("width",), ("a", "é"))


@pytest.mark.parametrize(("labels", "targets", "classes"), [
    (["no", "yes", "no"], [0, 1, 0], ("no", "yes")), (["0", "1", "1", "0"], [0, 1, 1, 0], ("0", "1")),
    (["10", "9", "9", "10"], [1, 0, 0, 1], ("9", "10")), (["-1", "1.0", "-1", "1"], [0, 1, 0, 1], ("-1", "1")),
    (["1", "2", "3", "4"], [1.0, 2.0, 3.0, 4.0], ()), (["0.5", "0.5"], [0.5, 0.5], ()),
    ([str(i // 2) for i in range(42)], [float(i // 2) for i in range(42)], ()),
    ([str(i // 2) for i in range(40)], [i // 2 for i in range(40)], tuple(map(str, range(20)))),
])
def test_labels_are_classes_where_they_are_text_or_few_whole_numbers(tmp_path, labels, targets, classes):
    path = written(tmp_path, "\n".join(["x,label", *(f"{i},{label}" for i, label in enumerate(labels))]))
    data = from_csv(path, "label")
    assert (data.targets, data.classes) == (targets, classes)


def test_columns_without_a_number_are_left_out_and_named(tmp_path):
    path = written(tmp_path, "island,mass,sex,kind\nDream,1,m,a\nBiscoe,2,,b\n")
    with pytest.warns(UserWarning, match="penguins.csv: columns without numbers are left out: island, sex"):
        data = from_csv(path, "kind")
    assert data.features == ("mass",) and data.inputs == [[1.0], [2.0]]


@pytest.mark.parametrize(("text", "label", "message"), [
    ("", "y", "penguins.csv: the file is empty"), ("\n\n", "y", "penguins.csv: the file is empty"),
    ("x,y\n", "y", "penguins.csv: only a header line, no examples"),
    ("mass,kind\n1,a\n", "Kind", "penguins.csv: no column 'Kind'; there are mass, kind"),
    ("x,y\n1,a\n2,b\ntwo,c\n", "y", "penguins.csv, line 4, column 'x': 'two' is not a finite number"),
    ("x,y\n1,a\nnan,b\n", "y", "penguins.csv, line 3, column 'x': 'nan' is not a finite number"),
    ("x,y\n1,a\n,b\n", "y", "penguins.csv, line 3, column 'x': the value is missing"),
    ("x,y\n1,\n2,b\n", "y", "penguins.csv, line 2, column 'y': the value is missing"),
    ("x,y\n1,3\n2,b\n", "y", "penguins.csv, line 3, column 'y': 'b' is not a finite number"),
    ("x,y\n1,a\n\n1,2,3\n", "y", r"penguins.csv, line 4: 3 values for 2 columns: \['1', '2', '3'\]"),
    ("x,y\n1,a\n1\n", "y", r"penguins.csv, line 3: 1 values for 2 columns: \['1'\]"),
    ("x,x,y\n1,2,a\n", "y", "penguins.csv, line 1: column 'x' is named twice"),
    ("y\na\nb\n", "y", "penguins.csv: no column of numbers besides the label 'y'"),
    ("x,y\n" + "1" * 200_000 + ",a\n", "y", "penguins.csv, line 2: field larger than field limit"),
])
def test_a_faulty_csv_file_is_refused_by_file_line_column_and_value(tmp_path, text, label, message):
    with pytest.raises(ValueError, match=message):
        from_csv(written(tmp_path, text), label)


def test_a_file_in_another_encoding_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"penguins.csv: not UTF-8 text: invalid continuation byte at byte 6"):
        from_csv(written(tmp_path, "x,y\n1,é\n", "latin-1"), "y")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere.csv: there is no such file"):
        from_csv(tmp_path / "nowhere.csv", "y")
