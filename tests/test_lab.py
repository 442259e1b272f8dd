"""The notebooks run in the browser: each from its first cell to its last, without an error, and no other host is asked.

`pytest -m full` runs one lesson of the lab, `pytest -m long` all notebooks, which takes many minutes.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import playground
import pytest
from playground import KINDS, serving

LAB = Path(__file__).resolve().parents[1] / "docs" / "lab"
NOTEBOOKS = LAB.parents[1] / "notebooks"
if not LAB.is_dir() or not NOTEBOOKS.is_dir():
    pytest.skip("the lab is not part of this installation", allow_module_level=True)
ALL = [path.relative_to(NOTEBOOKS).as_posix() for path in [*sorted(NOTEBOOKS.glob("course/*.ipynb")), *sorted(NOTEBOOKS.glob("*.ipynb"))]]
MOST_MEGABYTES = 46
KINDS.update({".mjs": "text/javascript", ".css": "text/css"})       # what the lab has besides
SAID = "which a page cannot load"


def module(name):
    spec = importlib.util.spec_from_file_location(f"lab_{name}", LAB / f"{name}.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


within_reach = module("within_reach")


def cells(*sources):
    """A notebook of these code cells as the browser gets it: their sources."""
    notebook = {"cells": [{"cell_type": "code", "source": source, "outputs": ["old"], "execution_count": 1} for source in sources]}
    return [cell["source"] for cell in within_reach.for_the_browser(notebook)["cells"]]


# ---- which cells run

def test_cells_within_reach_stay_as_they_are():
    sources = ["import math\nimport tinygrad_edu as tg", "f = tg.Value(2.0)\nf * f", "def twice(x):\n    return 2 * x"]
    assert cells(*sources) == sources


def test_an_import_out_of_reach_says_what_it_needs_and_the_others_stay():
    [made] = cells("import numpy as np\nimport tinygrad_edu as tg")
    assert SAID in made and "pip install numpy" in made and "# import numpy as np" in made
    assert made.splitlines()[-1] == "import tinygrad_edu as tg"


def test_what_is_made_of_a_lost_name_is_lost_until_it_is_made_anew():
    made = cells("import numpy as np", "x = np.ones(3)", "def f(): return x", "f()", "x = 1", "x + 1")
    assert [SAID in source for source in made] == [True, True, True, True, False, False]


def test_a_lost_cell_is_lost_whole_and_still_runs():
    [made] = cells("import tinygrad_edu as tg\ndata = tg.data.digits(20)\nprint(len(data))")
    names = {}
    exec(made, names)
    assert "tg" in names and "data" not in names and "# print(len(data))" in made


@pytest.mark.parametrize("name", ALL)
def test_every_cell_of_every_notebook_is_still_python(name):
    notebook = json.loads((NOTEBOOKS / name).read_text(encoding="utf-8"))
    for cell in within_reach.for_the_browser(notebook)["cells"]:
        if cell["cell_type"] == "code":
            compile(cell["source"], name, "exec")
            assert cell["outputs"] == [] and cell["execution_count"] is None


def test_of_the_course_only_matrices_and_programs_are_out_of_reach():
    lost = {}
    for name in [name for name in ALL if name.startswith("course/")]:
        notebook = within_reach.for_the_browser(json.loads((NOTEBOOKS / name).read_text(encoding="utf-8")))
        count = sum(SAID in "".join(cell["source"]) for cell in notebook["cells"])
        lost |= {name: count} if count else {}
    assert lost == {"course/6_scaling.ipynb": 6}            # those of NumPy


def test_a_notebook_says_at_its_head_how_many_of_its_cells_are_out_of_reach():
    text = {"cell_type": "markdown", "source": ["# Title\n", "about"]}
    code = [{"cell_type": "code", "source": source} for source in ("import numpy as np", "np.ones(3)", "1 + 1")]
    head, *made = within_reach.for_the_browser({"cells": [text, *code]})["cells"]
    assert within_reach.out_of_reach(made) == (2, 3)
    assert head["source"].startswith("# Title\nabout\n\n") and "2 of the 3 cells" in head["source"]
    assert within_reach.for_the_browser({"cells": [text, code[-1]]})["cells"][0] == text


# ---- the lab itself

@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of the lab; where the variable TINYGRAD_EDU_LAB names a folder that was built before, of that one."""
    folder = os.environ.get("TINYGRAD_EDU_LAB")
    if not folder:
        pytest.importorskip("jupyterlite_core", reason='the lab needs JupyterLite: pip install ".[lab]"')
        folder = tmp_path_factory.mktemp("lab") / "built"
        subprocess.run([sys.executable, str(LAB / "build.py"), "--out", str(folder)], check=True)
    with serving(folder) as host:
        yield host


RUN_ALL = """async () => {
  const {content} = jupyterapp.shell.currentWidget;
  for (let i = 0; i < content.model.cells.length; i++) {
    if (content.model.cells.get(i).type !== "code") continue;
    content.activeCellIndex = i;
    content.deselectAll();
    await jupyterapp.commands.execute("notebook:run-cell");
  }
  return content.model.toJSON().cells;
}"""


@pytest.fixture
def ran(chromium, lab):
    """A function that runs a notebook in the lab: its cells. Afterwards no other host may have been asked."""
    context, foreign = chromium.new_context(), []

    def route(route):
        if route.request.url.startswith((lab.address, "data:", "blob:")):
            return route.fallback()
        foreign.append(route.request.url)
        return route.abort()

    def with_handle(route):
        """The settings of the lab, so that scripts outside can reach it."""
        settings = route.fetch().json()
        settings["jupyter-config-data"]["exposeAppInBrowser"] = True
        route.fulfill(json=settings)

    def run(name):
        context.route("**/*", route)
        context.route(f"{lab.address}jupyter-lite.json*", with_handle)
        tab = context.new_page()
        tab.set_default_timeout(180_000)
        tab.goto(f"{lab.address}notebooks/index.html?path={name}")
        tab.wait_for_function("window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'")
        return tab.evaluate(RUN_ALL)

    yield run
    context.close()
    assert foreign == []


def faults(cells):
    """The errors and warnings that cells show, but for the errors that a cell announces."""
    return [output for cell in cells for output in cell.get("outputs", ())
            if (output["output_type"] == "error" and "raises-exception" not in cell["metadata"].get("tags", ()))
            or output.get("name") == "stderr"]


def pictures(cells):
    return [["".join(output["data"]["image/svg+xml"]) for output in cell.get("outputs", ()) if "image/svg+xml" in output.get("data", {})]
            for cell in cells]


@pytest.mark.parametrize("output, tags, count", [
    ({"output_type": "error", "ename": "NameError"}, [], 1), ({"output_type": "error"}, ["raises-exception"], 0),
    ({"output_type": "stream", "name": "stderr"}, ["raises-exception"], 1), ({"output_type": "stream", "name": "stdout"}, [], 0)])
def test_an_error_or_a_warning_that_no_cell_announces_is_a_fault(output, tags, count):
    assert len(faults([{"metadata": {"tags": tags}, "outputs": [output]}, {"metadata": {}}])) == count


@pytest.mark.full
def test_a_lesson_runs_to_its_end_and_draws_what_the_desktop_draws(ran):
    name = "course/2_backward.ipynb"
    found = ran(name)
    assert faults(found) == [] and found[-2]["execution_count"]
    stored = pictures(json.loads((NOTEBOOKS / name).read_text(encoding="utf-8"))["cells"])
    drawn = pictures(found)
    assert sum(map(len, drawn)) and [one for one, other in zip(drawn, stored) if other] == [other for other in stored if other]


@pytest.mark.long
@pytest.mark.parametrize("name", ALL)
def test_a_notebook_runs_to_its_end(ran, name):
    found = ran(name)
    code = [cell for cell in found if cell["cell_type"] == "code"]
    assert faults(found) == [] and all(cell["execution_count"] for cell in code)


@pytest.mark.full
def test_a_link_of_the_playground_opens_its_notebook_in_the_lab(chromium, lab, playground_folder, tmp_path, monkeypatch):
    monkeypatch.setitem(playground.module("build").lesson_parts.places, "lab", "lab/")
    folder = playground.altered(playground_folder, tmp_path, lambda made: None)
    (folder / "lab").symlink_to(lab.folder.resolve(), target_is_directory=True)
    context = chromium.new_context(service_workers="block")
    context.set_default_timeout(60_000)
    with serving(folder) as host:
        tab = context.new_page()
        tab.goto(f"{host.address}#v=1&tab=lessons")
        links = tab.locator("#lessons_all a[href*='lab/notebooks/']")
        files = {link.partition("path=")[2] for link in links.evaluate_all("all => all.map(link => link.href)")}
        assert files == set(ALL) and all((lab.folder / "files" / name).is_file() for name in files)
        with context.expect_page() as opened:
            links.first.click()
        opened.value.locator(".jp-Notebook h1").first.wait_for()
        assert ALL[0].partition("/")[2] in opened.value.title() or ALL[0] in opened.value.url
    context.close()


@pytest.mark.full
def test_the_lab_is_as_large_as_is_said(lab):
    size = sum(path.stat().st_size for path in lab.folder.rglob("*") if path.is_file())
    assert size <= MOST_MEGABYTES * 1e6
    assert not list(lab.folder.rglob("*.map"))
