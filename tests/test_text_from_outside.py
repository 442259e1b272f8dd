"""Whatever text comes from outside, no message, picture or page holds a control character, a bidi mark or half a character.

Names of columns, classes, files and layers, cells, numbers that were typed, checkpoints, lines of programs.
"""

import json
import os
import random
import warnings
from xml.etree import ElementTree

import pytest
from command import run

import tinygrad_edu as tg
from tinygrad_edu.learn import data as sets
from tinygrad_edu.nn.weights import checksum

HOSTILE = ["\x1b[31m", "\x1b]0;x\x07", "\x00", "\x07", "\x08", "\x7f", "\x85", "\x9b2J", "\u202e", "\u2066", "\u200f", "\ud800", "\udfff", "\udcff",
           "\ufffe", "\u2028", "\u2029", "\ue000", "\u200b", "\ufeff", "<b>&\"'", "]]>", "$", "_", "{0}", "%s", "[red]", "\r", "é", "名"]
COUNT = 8


def hostile(seed, without=""):
    """A name of a few such pieces; `without` says which letters cannot stand in it."""
    rng = random.Random(seed)
    name = "x" + "".join(rng.choice(HOSTILE) for _ in range(rng.randint(1, 4)))
    return "".join(c for c in name if c not in without and not (without and 0xD800 <= ord(c) < 0xDC80))


def file_name(seed):
    """One that a file can have: on Linux also bytes that are not UTF-8, and controls."""
    name = hostile(seed, "/\0" if os.name == "posix" else "/\0\r\x07\x08\x1b<>\"|*?:\ud800\udcff\udfff")
    return "".join(c for c in name if not 0xDD00 <= ord(c) < 0xE000)


def check(text):
    bad = {c for c in str(text) if not c.isprintable() and c != "\n"}
    assert not bad, (ascii(bad), ascii(text))


def check_one_line(text):
    assert "\n" not in str(text).rstrip("\n"), ascii(text)
    check(text)


seeds = pytest.mark.parametrize("seed", range(COUNT))


# ---- tables --------------------------------------------------------------------------------------------------


def examples(seed):
    """Data with hostile names of inputs and classes."""
    names = [hostile(10 * seed + i) + str(i) for i in range(4)]
    inputs = [[float(i % 5), float(i % 3)] for i in range(12)]
    return tg.data.Data(inputs, [i % 2 for i in range(12)], tuple(names[:2]), tuple(names[2:]))


@seeds
def test_data_show_their_names_as_text(seed):
    check_one_line(repr(examples(seed)))
    many = tg.data.Data([[1.0] * 9], [0], tuple(hostile(seed + i) for i in range(9)), (hostile(seed),))
    check_one_line(repr(many))


CHANGES = {     # what is wrong with a table: its lines as lists of cells -> the same, changed; or the label that is asked for
    "nothing": lambda rows, name: rows, "a column twice": lambda rows, name: [[name, name, "label"], *rows[1:]],
    "a cell": lambda rows, name: [*rows[:4], ["1", name, "a"], *rows[4:]], "too many": lambda rows, name: [*rows, [name] * 5],
    "no numbers": lambda rows, name: [rows[0], *[[name, name, "a"] for _ in rows[1:]]], "only a header": lambda rows, name: rows[:1],
    "a column of words": lambda rows, name: [[*row, name] for row in rows],
}


@seeds
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("label", ["label", "other"])
def test_tables_are_spoken_of_as_text(seed, change, label, tmp_path):
    cell = hostile(seed, "\r\"\0\udfff\udcff")
    rows = change([[cell + "1", cell + "2", "label"], *[[str(i), str(i % 3), cell + "ab"[i % 2]] for i in range(8)]], cell)
    path = tmp_path / (file_name(seed) + ".csv")
    path.write_text("\n".join(",".join(f'"{c}"' for c in row) for row in rows), encoding="utf-8")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            check_one_line(repr(sets.from_csv(path, label)))
        except ValueError as error:
            check_one_line(error)
    for warning in caught:
        check_one_line(warning.message)
    output, errors, code = run("train", str(path), "--label", label, "--epochs", "1", "--hidden", check=False)
    check(output)
    check(errors)
    assert code in (0, 2)


# ---- files ---------------------------------------------------------------------------------------------------


@seeds
def test_files_are_spoken_of_as_text(seed, tmp_path):
    model, path = tg.MLP(1, [1], rng=0), tmp_path / file_name(seed)
    name = hostile(seed)
    for content in None, b"", b"\xff", json.dumps({name: 1}).encode(), b"[" + b"1e999" * 100_000 + b"]", json.dumps({"history": {name: 1}}).encode():
        if content is not None:
            path.write_bytes(content)
        readers = [lambda: tg.load(model, path), lambda: sets.from_csv(path, name)]
        if content is not None:
            readers.append(lambda: tg.fit(model, [[1.0]], [1.0], epochs=1, checkpoint=path, progress=False))
        for read in readers:
            try:
                read()
            except (ValueError, FileNotFoundError) as error:
                check_one_line(error)
                assert len(str(error)) < 600
    made = {"history": {name: [1.0]}, "settings": {"seed": name}}
    path.write_text(json.dumps({**made, "checksum": checksum(made)}))
    with pytest.raises(ValueError) as caught:
        tg.fit(model, [[1.0]], [1.0], epochs=1, checkpoint=path, progress=False)
    check_one_line(caught.value)


# ---- the command ---------------------------------------------------------------------------------------------


def commands(name, number, path):
    """Command lines with hostile words wherever a word can stand."""
    yield from (["step", "x * y", "x=1", f"y={number}"], ["step", "x * y", "x=1", f"{name}=2"], ["step", "x * y", "x=1", name],
                ["step", "x * y", "x=1", f"--{name}"], ["step", f"x * {name}", "x=1"], ["draw", "x", "x=1", "-o", path],
                ["draw", "x", "x=1", "-o", path + ".svg", "--layout", "simple"], ["draw", "x", "x=1", "-o", path + ".dot"],
                ["step", "x", "x=1", "--svg", f"no/{path}.svg", "--layout", "simple"], ["step", "x*x", "x=1", "--html", path + ".html"], ["ops", name],
                ["train", name], ["train", path + ".csv"], ["train", path + ".csv", "--label", name], ["train", "xor", name], ["train", "xor", "--label", name],
                ["train", "xor", "--activation", name], ["train", "xor", "--optimizer", name], ["train", "xor", "--lr", name], ["train", "xor", "--plot", path],
                ["train", "xor", "--epochs", "1", "--animate", path + ".html", "--save", path + ".json", "--hidden", "2"],
                ["train", "xor", "--save", f"no/{path}"], ["predict", path, "1"], ["predict", path + ".json", "1", name], ["predict", path + ".json", "1", name, "2"],
                [name], [name, name], ["--" + name])


@seeds
def test_the_command_says_nothing_but_text(seed, tmp_path):
    for arguments in commands(hostile(seed, "\0"), hostile(seed + 100), file_name(seed)):
        output, errors, code = run(*arguments, cwd=tmp_path, check=False)
        check(output)
        check(errors)
        assert "Traceback" not in errors and (errors != "" or code == 0), arguments


@seeds
def test_predict_shows_names_of_a_model_file_as_text(seed, tmp_path):
    made = examples(seed)
    about = {"inputs": 2, "sizes": [2], "activation": "tanh", "features": list(made.features), "classes": list(made.classes), "scales": [[0, 1], [0, 1]]}
    tg.save(tg.MLP(2, [2], "tanh", rng=0), tmp_path / "m.json", about)
    for numbers in ["1", "2"], ["1"], ["1", "2", "3"]:
        output, errors, _ = run("predict", "m.json", *numbers, cwd=tmp_path, check=False)
        check(output)
        check_one_line(errors)
        assert output or errors


# ---- programs, pictures, pages -------------------------------------------------------------------------------


@seeds
def test_the_places_of_a_program_are_text_in_pictures_pages_and_messages(seed):
    code = compile("x = tg.Value(3.0); y = x * x\nz = y - 9.0\n", hostile(seed, "\0") + ".py", "exec")
    found = {"tg": tg}
    with tg.trace_origin():
        exec(code, found)
    check_one_line(str(found["y"].origin))
    picture = tg.draw(found["z"], layout="simple", fold="line").svg
    ElementTree.fromstring(picture)
    check(picture)
    marks = dict.fromkeys([*range(0xE000, 0xE003), *range(0xF8F0, 0xF8F2)])       # of a page's own: one a node, and two signs
    check(tg.play(found["z"], layout="simple").html.translate(marks))
    with pytest.raises(tg.DomainError) as caught:
        tg.log(found["z"])
    check_one_line(caught.value)


@seeds
def test_the_film_of_a_training_shows_names_as_text(seed, tmp_path):
    film = tg.animate_training(tg.MLP(2, [2], rng=0), examples(seed), epochs=1, resolution=2, progress=False)
    check(film.html)
    check_one_line(film.title)
    ElementTree.fromstring(film.picture)
    assert film.save(tmp_path / "film.html").read_text(encoding="utf-8") == film.html
    check(repr(film))
    line = tg.data.Data([[0.0], [1.0]], [0.0, 1.0], (hostile(seed),))
    check(tg.animate_training(tg.MLP(1, [1], rng=0), line, epochs=1, progress=False).html)


@pytest.mark.parametrize("seed", range(6))
def test_plots_show_names_as_text(seed, tmp_path):
    pytest.importorskip("matplotlib")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*[Gg]lyph")                # a letter that the font lacks
        tg.plots.decision_boundary(tg.MLP(2, [2], rng=0), examples(seed), resolution=4).savefig(tmp_path / "a.svg")
    ElementTree.parse(tmp_path / "a.svg")
    check((tmp_path / "a.svg").read_text(encoding="utf-8"))
