"""The notebooks show what their code gives today, and a wrong number in one does not go unseen.

All of this runs notebooks in fresh kernels, which takes long: `pytest -m full`.
"""

import importlib.util
import json
import sysconfig
from pathlib import Path

import pytest

pytestmark = pytest.mark.full

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
NOTEBOOKS = sorted([*FOLDER.glob("*.ipynb"), *FOLDER.glob("course/*.ipynb")])
TINY = ["1 + 2", "import tinygrad_edu as tg\n\ntg.draw(tg.Value(2, label='x') * 3)", "print('no news')"]


@pytest.fixture(scope="module")
def checker():
    """notebooks/check.py as a module."""
    for name in "nbformat", "nbclient", "ipykernel":
        pytest.importorskip(name, reason=f'notebooks need {name}: pip install ".[dev]"')
    spec = importlib.util.spec_from_file_location("check_notebooks", FOLDER / "check.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def put(path, sources):
    """A notebook of these code cells, never run."""
    import nbformat
    cells = [nbformat.v4.new_code_cell(source, id=f"cell-{i:02d}") for i, source in enumerate(sources, 1)]
    path.write_text(nbformat.writes(nbformat.v4.new_notebook(cells=cells)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def stored(checker, tmp_path_factory):
    """The text of a tiny notebook with its outputs stored."""
    path = put(tmp_path_factory.mktemp("notebooks") / "tiny.ipynb", TINY)
    assert checker.write(path) == []
    return path.read_text(encoding="utf-8")


@pytest.fixture
def planted(stored, tmp_path):
    """That notebook with one of its outputs changed by a function."""
    def plant(cell, change):
        notebook = json.loads(stored)
        change(notebook["cells"][cell]["outputs"][0])
        path = tmp_path / "planted.ipynb"
        path.write_text(json.dumps(notebook), encoding="utf-8")
        return path
    return plant


def test_there_are_notebooks(checker):
    assert NOTEBOOKS and sorted(checker.notebooks()) == NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_outputs_are_those_of_today(checker, path):
    assert checker.differences(path) == []


def test_what_was_written_is_found_unchanged(checker, stored, tmp_path, capsys):
    path = tmp_path / "tiny.ipynb"
    path.write_text(stored, encoding="utf-8", newline="\n")
    assert checker.main([str(path)]) == 0
    assert capsys.readouterr().out == "tiny.ipynb: as stored\n"


def test_what_is_written_holds_nothing_of_the_run(checker, stored):
    notebook = json.loads(stored)
    assert stored.endswith("}\n")
    assert notebook["metadata"] == checker.METADATA
    assert [cell["metadata"] for cell in notebook["cells"]] == [{}] * 3
    assert [cell["execution_count"] for cell in notebook["cells"]] == [1, 2, 3]
    assert set(notebook["cells"][1]["outputs"][0]["data"]) == {"image/svg+xml", "text/plain"}


def test_a_wrong_stored_number_is_caught(checker, planted, capsys):
    path = planted(0, lambda output: output["data"].update({"text/plain": ["4"]}))
    before = path.read_bytes()
    assert checker.main([str(path)]) == 1
    shown = capsys.readouterr().out
    assert "planted.ipynb: wrong" in shown and "cell cell-01 (number 1): the output differs" in shown
    assert '-    "4"' in shown and '+    "3"' in shown
    assert "cell-02" not in shown and "cell-03" not in shown
    assert path.read_bytes() == before


def test_a_wrong_stored_picture_is_caught(checker, planted):
    def change(output):
        lines = output["data"]["image/svg+xml"]
        output["data"]["image/svg+xml"] = [line.replace(">6<", ">7<") for line in lines]
        assert output["data"]["image/svg+xml"] != lines
    [found] = checker.differences(planted(1, change))
    assert found.startswith("cell cell-02 (number 2): the output differs")
    assert ">7<" in found and ">6<" in found


def test_a_wrong_stored_print_is_caught(checker, planted):
    [found] = checker.differences(planted(2, lambda output: output.update(text=["news\n"])))
    assert found.startswith("cell cell-03 (number 3): the output differs")


def test_a_missing_output_is_caught(checker, stored, tmp_path):
    notebook = json.loads(stored)
    notebook["cells"][2]["outputs"] = []
    path = tmp_path / "missing.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    [found] = checker.differences(path)
    assert found.startswith("cell cell-03 (number 3): the output differs")


def test_metadata_of_another_machine_are_caught(checker, stored, tmp_path):
    notebook = json.loads(stored)
    notebook["metadata"]["language_info"]["version"] = "3.11.0"
    path = tmp_path / "saved_elsewhere.ipynb"
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    [found] = checker.differences(path)
    assert "the outputs are the same, but the file is not as --write leaves it" in found


def test_errors_warnings_and_paths_are_not_written(checker, tmp_path):
    path = put(tmp_path / "unwanted.ipynb", [
        "1 / 0", "import warnings\nwarnings.warn('old')", "import sysconfig\nsysconfig.get_path('purelib')"])
    before = path.read_bytes()
    found = checker.write(path)
    assert found[0] == "cell cell-01 (number 1): raises ZeroDivisionError: division by zero"
    assert found[1].startswith("cell cell-02 (number 2): writes to stderr: ") and "old" in found[1]
    assert found[-1] == f"cell cell-03 (number 3): holds a path of this machine: {sysconfig.get_path('purelib')}"
    assert path.read_bytes() == before


def test_an_announced_error_is_stored_by_its_last_line(checker, tmp_path):
    path = put(tmp_path / "announced.ipynb", ["1 / 0", "2"])
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["cells"][0]["metadata"]["tags"] = ["raises-exception"]
    path.write_text(json.dumps(notebook), encoding="utf-8")
    assert checker.write(path) == []
    first, second = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert first["outputs"][0]["traceback"] == ["ZeroDivisionError: division by zero"]
    assert second["outputs"][0]["data"]["text/plain"] == ["2"]
