"""The pages on the lectures lead where they say, and what a student reads on a slide is found."""

import json
import re
from functools import cache
from pathlib import Path

import pytest
from slides import PHRASES

import tinygrad_edu as tg

ROOT = Path(__file__).resolve().parents[1]
PAGES = {name: (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") for name in ("lectures", "slips")}
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


@cache
def text_of(path: Path) -> str:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


@cache
def anchors(path: Path) -> list[str]:
    return [slug(heading) for heading in re.findall(r"^#+ (.*)$", text_of(path), re.M)]


@pytest.mark.parametrize("page", PAGES)
def test_every_link_into_a_notebook_leads_to_a_heading(page):
    links = re.findall(r"\]\(notebooks/([^#)]*)#?([^)]*)\)", PAGES[page])
    assert len(links) > 40
    for name, anchor in links:
        path = ROOT / "notebooks" / name
        assert path in NOTEBOOKS and (not anchor or anchors(path).count(anchor) == 1), (name, anchor)


@pytest.mark.parametrize("page", PAGES)
def test_every_row_is_complete(page):
    rows = [line for line in PAGES[page].splitlines() if line.startswith("| ")]
    assert len(rows) > 50
    assert all(cell.strip() for row in rows for cell in row.strip("|").split("|")), page


def test_every_name_of_the_library_exists():
    for name in re.findall(r"`tg\.([\w.]+)", PAGES["lectures"]):
        thing = tg
        for part in name.split("."):
            thing = getattr(thing, part)


@pytest.mark.parametrize("phrase", PHRASES)
def test_the_lectures_own_words_are_found(phrase):
    everything = "\n".join([*PAGES.values(), *map(text_of, NOTEBOOKS)]).lower()
    assert phrase in " ".join(everything.split())


BESIDE = [path for path in NOTEBOOKS if path.name < "11" or path.name.startswith("12")]


@pytest.mark.parametrize("path", BESIDE, ids=lambda path: path.stem)
def test_a_notebook_beside_the_lectures_answers_what_it_asks_and_corrects_last(path):
    text = text_of(path)
    asked = text.index("**Try it.**")
    assert text.count("**Try it.**") == 1 and "<details><summary>Answer" in text[asked:]
    assert text.rstrip().endswith("</details>")
    if "## Beside the slides" in text:
        assert re.findall(r"^## (.*)$", text, re.M)[-1] == "Beside the slides"
