"""The site builds without a warning, and every link, anchor and picture in it leads somewhere.

Building takes long and needs Sphinx: `pytest -m full`.
"""

import doctest
import importlib
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from lessons import LESSONS
from slides import PHRASES

import tinygrad_edu as tg

pytestmark = pytest.mark.full

ROOT = Path(__file__).resolve().parents[1]
LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "embed": "src", "object": "data", "image": "href"}
LOADED_LINKS = ("stylesheet", "preload", "icon", "modulepreload", "manifest")


class Page(HTMLParser):
    """What one HTML file refers to, and what can be referred to in it."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.loaded, self.style = [], [], [], ""
        self.in_style = False
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        given = {name: value or "" for name, value in attributes}
        self.in_style = tag == "style"
        self.ids += [given["id"]] if "id" in given else []
        self.style += given.get("style", "")
        if tag in LOADED and given.get(LOADED[tag]):
            self.loaded.append(given[LOADED[tag]])
        self.loaded += [part.split()[0] for part in given.get("srcset", "").split(",") if part.strip()]
        if tag == "link" and any(word in given.get("rel", "").split() for word in LOADED_LINKS):
            self.loaded.append(given["href"])
        elif tag in ("a", "link", "area") and "href" in given:
            self.links.append(given["href"])

    def handle_data(self, data):
        self.style += data * self.in_style


def faults(site):
    """(faults, external links) of a folder of HTML files: what does not resolve, or is fetched from elsewhere."""
    pages = {path.relative_to(site).as_posix(): Page(path) for path in sorted(site.rglob("*.html"))}
    found, external = [], set()
    for name, page in pages.items():
        found += [f"{name}: id {i!r} stands there twice" for i, times in Counter(page.ids).items() if times > 1]
        found += [f"{name}: style loads {url}" for url in fetched_by_css(page.style)]
        for url in page.loaded:
            if urlsplit(url).scheme not in ("", "data") or url.startswith("//"):
                found.append(f"{name}: loads {url} from elsewhere")
        for url in [*page.links, *[u for u in page.loaded if not u.startswith("data:")]]:
            if urlsplit(url).scheme or url.startswith("//"):
                external.add(url)
            elif trouble := unresolved(site, pages, name, url):
                found.append(f"{name}: {url} {trouble}")
    for path in sorted(site.rglob("*.css")):
        found += [f"{path.relative_to(site)}: loads {url}" for url in fetched_by_css(path.read_text(encoding="utf-8"))]
    return found, external


def fetched_by_css(text):
    return re.findall(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')\s]+)""", text)


def unresolved(site, pages, name, url):
    """Why a local link leads nowhere, or ""."""
    place, _, anchor = urljoin(name, url).partition("#")
    place = unquote(place.partition("?")[0])
    place = place + "index.html" if place in ("", ".") or place.endswith("/") else place
    if not (site / place).is_file():
        return "is no file"
    if anchor and not anchor.startswith("step=") and place in pages and unquote(anchor) not in pages[place].ids:
        return "is no place in that page"
    return ""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built from scratch; a warning is an error."""
    for name in "sphinx", "myst_nb", "furo", "latex2mathml", "numpy":
        pytest.importorskip(name, reason=f'the site needs {name}: pip install ".[docs]"')
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run([sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-E", "-d", folder / "doctrees",
                            ROOT / "docs", folder / "html"], capture_output=True, text=True, encoding="utf-8")
    assert built.returncode == 0, built.stdout + built.stderr
    return folder / "html"


@pytest.mark.parametrize("name", ["mathml", "plain_docstrings", "written_pages", "shown_notebooks", "for_everyone", "source_links"])
def test_examples_in_what_builds_it(site, monkeypatch, name):
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_ext"))
    results = doctest.testmod(importlib.import_module(name))
    assert results.attempted and not results.failed


def test_no_formula_was_left_as_code(site):
    text = (site / "operations.html").read_text(encoding="utf-8")
    assert "<math" in text and r"\frac" not in text


def test_every_link_and_anchor_leads_somewhere_and_nothing_is_fetched(site):
    found, external = faults(site)
    print("\n".join(["external links, not followed:", *sorted(external)]))
    assert found == []


PLANTED = [
    ('<a href="nowhere.html">', "nowhere.html is no file"),
    ('<a href="start.html#no-such-place">', "start.html#no-such-place is no place in that page"),
    ('<a href="#no-such-place">', "#no-such-place is no place in that page"),
    ('<img src="missing.svg">', "missing.svg is no file"),
    ('<script src="https://example.org/x.js"></script>', "loads https://example.org/x.js from elsewhere"),
    ('<link rel="stylesheet" href="//example.org/x.css">', "loads //example.org/x.css from elsewhere"),
    ('<img src="https://example.org/x.png">', "loads https://example.org/x.png from elsewhere"),
    ("<style>@import 'https://example.org/x.css';</style>", "style loads https://example.org/x.css"),
    ('<p style="background: url(https://example.org/x.png)">', "style loads https://example.org/x.png"),
    ('<b id="planted"></b><b id="planted"></b>', "id 'planted' stands there twice"),
]


@pytest.mark.parametrize("html, fault", PLANTED, ids=[fault for _, fault in PLANTED])
def test_a_planted_fault_is_found(site, tmp_path, html, fault):
    copy = shutil.copytree(site, tmp_path / "copy")
    index = copy / "index.html"
    index.write_text(index.read_text(encoding="utf-8").replace("</body>", html + "</body>"), encoding="utf-8")
    assert faults(copy)[0] == [f"index.html: {fault}"]


def test_everything_public_has_its_place_in_the_reference(site):
    ids = {i for path in (site / "api").glob("*.html") for i in Page(path).ids}
    modules = {"classroom", "data", "plots", "schedules"}
    missing = [name for name in [*tg.__all__, *tg._python_has_too] if f"tinygrad_edu.{name}" not in ids and name not in modules]
    assert missing == []
    for name in "classroom", "learn.data", "show.plots", "nn.schedules", "nn.matrix_layers", "engine.formula":
        assert f"module-tinygrad_edu.{name}" in ids


def test_every_operation_has_a_row_with_its_formula_and_an_anchor(site):
    text = (site / "operations.html").read_text(encoding="utf-8")
    rows = re.split(r'id="op-', text)[1:]
    built_in = {name.replace("_", "-") for name, op in tg.OPS.items() if op.is_built_in}
    assert {row.split('"')[0] for row in rows} == built_in
    assert all(row.count("<math") >= 2 for row in rows)


def test_every_notebook_is_there_with_its_pictures(site):
    gallery = (site / "notebooks" / "index.html").read_text(encoding="utf-8")
    for path in [*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("notebooks/course/*.ipynb")]:
        page = path.relative_to(ROOT).with_suffix(".html")
        text = (site / page).read_text(encoding="utf-8")
        assert path.read_text(encoding="utf-8").count('"image/svg+xml"') <= text.count(".svg") + text.count("<svg")
        assert f'{page.relative_to("notebooks").as_posix()}"' in gallery
        [download] = re.findall(rf'href="\.\./(_downloads/\w+/{path.name})"', gallery)
        file = (site / download).read_text(encoding="utf-8")
        if path.parent.name == "course":            # what its cells show would tell the answers
            cells = [[cell["source"] for cell in json.loads(text)["cells"]] for text in (file, path.read_text(encoding="utf-8"))]
            assert cells[0] == cells[1] and all(not cell.get("outputs") for cell in json.loads(file)["cells"])
        else:
            assert file == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_has_its_solutions_folded_and_its_place_in_the_course(site, name):
    page = (site / "notebooks" / "course" / f"{name}.html").read_text(encoding="utf-8")
    assert page.count("<summary>Solution</summary>") == len(LESSONS[name].exercises)
    assert f'href="notebooks/course/{name}.html"' in (site / "course.html").read_text(encoding="utf-8")


def test_the_first_lesson_is_two_clicks_from_the_first_page(site):
    index = (site / "index.html").read_text(encoding="utf-8")
    sidebar = re.findall(r'<li class="toctree-l1[^"]*"><a [^>]*href="([^"]+)"', index)
    assert sidebar[:2] == ["playground.html", "course.html"] and index.count('href="course.html"') >= 2       # in the sidebar, and in the text
    assert "notebooks/course/1_slopes.html" in Page(site / "course.html").links


def pages_found(index, stem):
    """The pages that have a word, in their text or their headings."""
    found = [index[kind].get(stem, []) for kind in ("terms", "titleterms")]
    return {number for pages in found for number in (pages if isinstance(pages, list) else [pages])}


@pytest.mark.parametrize("phrase", PHRASES)
def test_the_search_finds_the_words_of_the_slides(site, phrase):
    from sphinx.search.en import SearchEnglish
    language = SearchEnglish({})
    index = json.loads((site / "searchindex.js").read_text(encoding="utf-8").removeprefix("Search.setIndex(").removesuffix(")"))
    words = [word.lower() for word in language.split(phrase) if language.word_filter(word.lower())]
    assert words and set.intersection(*(pages_found(index, language.stem(word)) for word in words))


def test_docstrings_arrive_whole(site):
    text = re.sub(r"<[^>]+>", "", (site / "api" / "optimizers.html").read_text(encoding="utf-8"))
    for words in "m ← β₁m + (1 - β₁)g", "Robbins and Monro, 1951", "the first step is lr, however large the gradient":
        assert words in text


@pytest.mark.parametrize("scheme, width", [("light", 1280), ("dark", 390)])
@pytest.mark.parametrize("page", ["index", "start", "teachers", "conventions", "lectures", "slips", "operations", "coming_from",
                                  "pictures", "accuracy", "notebooks/index", "notebooks/04_from_neuron_to_mlp", "course",
                                  "notebooks/course/2_backward", "api/values", "genindex"])
def test_pages_can_be_read_by_everyone(site, chromium, violations, page, scheme, width):
    tab = chromium.new_page(color_scheme=scheme, viewport={"width": width, "height": 800})
    tab.goto((site / f"{page}.html").as_uri())
    assert violations(tab) == []
    tab.close()
