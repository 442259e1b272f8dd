"""Pictures for slides and papers: SVG that every program opens, PNG, PDF, frames, worksheets, and names of files."""

import io
import os
import random
import re
import sys
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import numpy
import pytest
from command import run
from taught import TAUGHT
from test_fuzz_labels import graph, hostile

import tinygrad_edu as tg
from tinygrad_edu.show import font
from tinygrad_edu.show.export import KINDS, exported, is_ours
from tinygrad_edu.show.paint import INHERITED, ITS_OWN, painted, rule_of
from tinygrad_edu.show.pdf import way
from tinygrad_edu.show.svg import STYLE

SVG = "{http://www.w3.org/2000/svg}"
SHAPES = {SVG + name for name in "rect path polygon circle line text".split()}
CIRCUIT = "(x + y) * z", "x=-2", "y=5", "z=-4"
ODD = {"x": -2.375, "y": 5.25, "z": -4.75}              # no result of theirs is a part of another number


def after_backward(f):
    f.backward()
    return f


def circuit():
    return after_backward(tg.expression("q = x + y; f = q * z", **ODD))


@cache
def pictures():
    """{name: SVG} of all kinds of pictures."""
    made = {}
    for name, make in TAUGHT.items():
        f = after_backward(make())
        made[name] = tg.draw(f).svg
        if name != "network":
            made[f"{name}, circuit"] = tg.draw(f, style="circuit").svg
        made[f"{name}, blank"] = tg.draw(f, blank="all").svg
    for i, drawing in enumerate(tg.frames(circuit())):
        made[f"step {i}"] = drawing.svg
    made["layers"] = tg.draw(after_backward(TAUGHT["network"]()), fold="layer").svg
    return made


# ---- colours as attributes ----------------------------------------------------------------------------------------


def with_inherited(element, above=()):
    """(element, its attributes and those it inherits), of every element in a picture."""
    attributes = dict(above) | {key: text for key, text in element.items() if key in INHERITED}
    yield element, attributes
    for child in element:
        yield from with_inherited(child, attributes)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_without_a_style_sheet_every_shape_has_its_colours_and_no_box_is_black(theme):
    seen = set()
    for svg in pictures().values():
        svg = painted(svg, theme)
        assert "<style>" not in svg and "style=" not in svg
        for element, attributes in with_inherited(ElementTree.fromstring(svg)):
            if element.tag in SHAPES:
                seen.add(element.tag)
                assert re.fullmatch("#[0-9a-fA-F]{3,6}|none", attributes["fill"])
                assert attributes["fill"] != "none" or re.fullmatch("#[0-9a-fA-F]{3,6}", attributes["stroke"])
            if "tg-box" in element.get("class", ""):
                assert attributes["fill"] in ("#f7f7f5", "#fff", "#2a2a2d", "#1f1f22") and attributes["stroke"]
            if element.tag == SVG + "text":
                assert attributes["font-family"] == "monospace" and attributes["font-size"] in ("13", "11")
    assert seen >= {SVG + name for name in "rect path polygon text".split()}


def test_a_picture_that_follows_the_reader_has_the_style_sheet_and_the_light_colours_beside_it():
    for svg in pictures().values():
        assert "prefers-color-scheme:dark" in svg and painted(svg) == svg
        assert re.sub("<style>.*?</style>", "", svg) == painted(svg, "light") != painted(svg, "dark")


def test_a_program_that_takes_in_the_colours_of_both_modes_shows_the_light_ones():
    for svg in pictures().values():
        assert painted(re.sub(r"@media \([^)]*\)\{(.*?\})\}", r"\1", svg), "light") == painted(svg, "light")


def test_the_style_sheets_say_nothing_that_attributes_cannot():
    for svg in pictures().values():
        for sheet in re.findall("<style>(.*?)</style>", svg):
            declared = re.findall(r"[{;]([\w-]+):", re.sub(r"@media \([^)]*\)", "", sheet))
            assert set(declared) <= {*INHERITED, *ITS_OWN, "font"} and "var(" not in sheet
    for selector in "a > b", ".a:hover", "#a", "*", ".a[x]":
        with pytest.raises(ValueError, match="by tags and classes alone"):
            rule_of(selector, "fill:#fff")


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_a_browser_finds_the_same_look_in_the_attributes_as_in_the_style_sheet(mode, chromium):
    tab = chromium.new_page(color_scheme=mode)
    script = """svg => {
        document.body.innerHTML = svg;
        const keys = ["fill", "stroke", "strokeWidth", "strokeDasharray", "fontSize", "fontWeight", "opacity"];
        return [...document.querySelectorAll("rect,path,polygon,circle,line,text,tspan")].map(e => {
            const style = getComputedStyle(e), parents = [];
            for (let up = e; up.closest("svg"); up = up.parentElement) parents.push(getComputedStyle(up).opacity);
            return [e.tagName, ...keys.map(key => style.fill === "none" && key === "x" ? "" : style[key]), ...parents].join();
        });
    }"""
    try:
        for svg in pictures().values():
            assert tab.evaluate(script, svg) == tab.evaluate(script, painted(svg, mode))
    finally:
        tab.close()


# ---- PNG ----------------------------------------------------------------------------------------------------------


def pixels(png):
    Image = pytest.importorskip("PIL.Image", reason='pip install ".[test]"')
    return numpy.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def png(svg, **options):
    pytest.importorskip("resvg_py", reason='PNG: pip install ".[export]"')
    return exported(svg, "png", **options)


def colour(text):
    return [int(text[i:i + 2], 16) for i in (1, 3, 5)]


def near(image, wanted, tolerance=40):
    """Which pixels are of about this colour?"""
    return numpy.abs(image - colour(wanted)).max(axis=2) <= tolerance


def area(svg, element, scale=2):
    """The pixels of a rectangle of the picture, as slices."""
    x, y, width, height = (float(element.get(key)) for key in ("x", "y", "width", "height"))
    left, top = (12 + x) * scale, (12 + y) * scale
    return slice(round(top), round(top + height * scale)), slice(round(left), round(left + width * scale))


@pytest.mark.parametrize("scale", [1, 2, 3.5])
def test_a_png_has_the_size_of_its_scale(scale):
    svg = tg.draw(circuit(), layout="simple").svg
    width, height = (float(side) for side in re.search(r'width="([\d.]+)" height="([\d.]+)"', svg).groups())
    rows, columns, _ = pixels(png(svg, scale=scale)).shape
    assert abs(columns - scale * width) <= scale and abs(rows - scale * height) <= scale         # whole points


@pytest.mark.parametrize("theme, ground, box, frame, data", [
    ("light", "#ffffff", "#f7f7f5", "#555555", "#0072B2"), ("dark", "#1b1b1d", "#2a2a2d", "#aaaaaa", "#56B4E9")])
def test_a_png_has_the_colours_of_its_theme_where_they_belong(theme, ground, box, frame, data):
    svg = tg.draw(circuit(), layout="simple").svg
    image = pixels(png(svg, theme=theme))
    leaf = next(g for g in ElementTree.fromstring(svg).iter(SVG + "g") if g.get("class") == "tg-node tg-leaf").find(SVG + "rect")
    rows, columns = area(svg, leaf)
    middle = (rows.start + rows.stop) // 2
    assert near(image[1:3, 1:3], ground, 2).all() and near(image[:, -1:], ground, 2).all() and near(image[-1:], ground, 2).all()
    assert near(image[middle:middle + 1, columns.start + 6:columns.start + 8], box, 2).all()
    assert near(image[middle:middle + 1, columns.start - 1:columns.start + 2], frame, 40).any()
    inside = image[rows, columns]
    assert 20 < near(inside, data).sum() < 0.2 * near(inside, box, 8).sum()         # the number, and around it the box


def test_a_png_shows_each_text_in_its_place():
    """Take the text out, and the pixels of its place are those of what is behind it."""
    svg = tg.draw(circuit(), layout="simple").svg
    whole = pixels(png(svg))
    for text in re.findall(r"<text [^>]*>[^<]+</text>", svg):
        without = pixels(png(svg.replace(text, "", 1)))
        assert 20 < (numpy.abs(whole - without).max(axis=2) > 60).sum() < 3000, text


def test_every_sign_that_a_picture_can_hold_is_drawn_and_not_as_an_empty_box():
    signs = {letter for op in tg.OPS.values() for letter in op.symbol} | set("∂×−÷…—⁽¹⁾⁰²³⁴⁵⁶⁷⁸⁹⁻·αβγσωΣ₀₁₂ᵢˣŷéшü")
    assert font.lacking("".join(signs)) == ""
    shapes = {}
    for letter in sorted(signs - {" "}):
        svg = painted(f'<svg xmlns="http://www.w3.org/2000/svg" class="tg-graph" width="20" height="20" viewBox="0 0 20 20">'
                      f'<style>{STYLE}</style><rect class="tg-bg" width="20" height="20"/><text x="6" y="14">{letter.replace("<", "&lt;")}</text></svg>', "light")
        image = pixels(png(svg))
        assert (image < 128).any(), letter
        shapes[image.tobytes()] = letter
    assert len(shapes) >= len(signs - {" "}) - 4                # a few look alike, such as Σ and ∑; empty boxes all do


def test_a_png_is_the_same_bytes_each_time_and_is_known_again(tmp_path):
    drawing = tg.draw(circuit())
    path = tmp_path / "a.png"
    assert drawing.svg and png(drawing.svg) == drawing.save(path).read_bytes() == png(drawing.svg)
    assert is_ours(path) and path.read_bytes().startswith(b"\x89PNG\r\n")


def test_a_png_without_its_package_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(ModuleNotFoundError, match="PNG is made by resvg-py: pip install resvg-py"):
        tg.draw(circuit()).save(tmp_path / "a.png")
    output, errors, code = run("draw", *CIRCUIT, "-o", "a.png", cwd=tmp_path, check=False)
    assert (output, errors, code) == ("", "tinygrad-edu: PNG is made by resvg-py: pip install resvg-py\n", 1)
    assert not list(tmp_path.iterdir())
    assert tg.draw(circuit()).save(tmp_path / "a.pdf").stat().st_size > 1000              # which needs none


@pytest.mark.parametrize("scale, words", [(1e-4, "leaves no pixel"), (1e4, "too many for a PNG")])
def test_a_scale_that_makes_no_picture_is_refused(scale, words, tmp_path):
    pytest.importorskip("resvg_py")
    with pytest.raises(ValueError, match=words):
        tg.draw(circuit()).save(tmp_path / "a.png", scale=scale)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", [0, -1, float("nan"), float("inf"), "2", True, None])
def test_a_scale_that_is_no_positive_number_is_refused_for_every_kind(scale, kind, tmp_path):
    with pytest.raises((ValueError, TypeError), match="scale"):
        tg.draw(circuit()).save(tmp_path / f"a.{kind}", scale=scale)
    assert not list(tmp_path.iterdir())


def test_an_unknown_theme_is_refused_for_every_kind():
    for kind in KINDS:
        with pytest.raises(ValueError, match="theme='blue': write one of auto, light, dark"):
            exported(tg.draw(circuit()).svg, kind, theme="blue")


# ---- PDF ----------------------------------------------------------------------------------------------------------


def page_of(content):
    pdfium = pytest.importorskip("pypdfium2", reason='pip install ".[test]"')
    document = pdfium.PdfDocument(content)
    assert len(document) == 1
    return document[0]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_pdf_looks_as_the_png_does(theme):
    """Smoothed by 5 x 5 pixels, since edges are not blurred alike: nowhere an eighth of the way from black to white."""
    def smooth(image):
        sums = numpy.pad(image, ((3, 2), (3, 2), (0, 0))).cumsum(axis=0).cumsum(axis=1)
        return (sums[5:, 5:] - sums[:-5, 5:] - sums[5:, :-5] + sums[:-5, :-5]) / 25
    for name in "circuit", "neuron", "neuron, circuit", "circuit, blank", "step 5":
        svg = pictures()[name]
        ours = pixels(png(svg, theme=theme))
        theirs = page_of(exported(svg, "pdf", theme)).render(scale=2 / 0.75).to_numpy()[:, :, :3][:, :, ::-1].astype(int)
        rows, columns = (min(sides) for sides in zip(ours.shape[:2], theirs.shape[:2]))
        assert abs(ours.shape[0] - theirs.shape[0]) <= 2 and abs(ours.shape[1] - theirs.shape[1]) <= 2
        apart = numpy.abs(smooth(ours[:rows, :columns]) - smooth(theirs[:rows, :columns])).max(axis=2)
        assert apart.mean() < 1.5 and (apart > 64).mean() < 0.001, name


def test_the_words_of_a_pdf_can_be_searched_and_copied():
    for name, svg in pictures().items():
        text = page_of(exported(svg, "pdf")).get_textpage().get_text_range()
        found = re.sub(r"\s", "", text.replace("\ufffe", "-"))
        for words in ElementTree.fromstring(svg).iter(SVG + "text"):
            assert re.sub(r"\s", "", "".join(words.itertext())) in found, name


def test_a_pdf_has_the_size_of_its_picture_at_96_dots_per_inch_and_its_title():
    svg = tg.draw(circuit()).svg
    width, height = (float(side) for side in re.search(r'width="([\d.]+)" height="([\d.]+)"', svg).groups())
    page = page_of(exported(svg, "pdf"))
    assert page.get_size() == pytest.approx((0.75 * width, 0.75 * height), abs=0.1)
    assert page.pdf.get_metadata_value("Title") == "Computation graph of f"
    assert page.pdf.get_metadata_value("CreationDate") == ""


def test_a_pdf_is_the_same_bytes_each_time_and_its_table_says_where_its_objects_are(tmp_path):
    svg = tg.draw(circuit()).svg
    content = exported(svg, "pdf")
    assert content == exported(svg, "pdf")
    start = int(re.search(rb"startxref\n(\d+)", content)[1])
    table = content[start:].split(b"trailer")[0].splitlines()[3:]
    for number, line in enumerate(table, 1):
        assert content[int(line[:10]):].startswith(b"%d 0 obj\n" % number)
    path = tmp_path / "a.pdf"
    path.write_bytes(content)
    assert is_ours(path)


def test_a_very_large_picture_fits_on_a_page():
    wide = re.sub(r'width="[\d.]+" height="[\d.]+"', 'width="40000" height="500"', tg.draw(circuit()).svg, count=1)
    assert page_of(exported(wide, "pdf")).get_size() == pytest.approx((14400, 180))


def test_letters_that_the_font_lacks_are_named_by_pdf_and_drawn_by_svg_and_png(tmp_path):
    f = after_backward(tg.Value(2.0, label="数") * 3)
    with pytest.raises(ValueError, match=r"'数' cannot be written as PDF, whose font lacks '数': write \.svg or \.png"):
        tg.draw(f).save(tmp_path / "a.pdf")
    assert not list(tmp_path.iterdir())
    assert "数" in tg.draw(f).save(tmp_path / "a.svg").read_text(encoding="utf-8")
    assert png(tg.draw(f).svg)


def test_accents_stand_above_their_letter_and_take_no_room():
    f = after_backward(tg.Value(2.0, label="x\u0302") * tg.Value(3.0, label="y"))
    text = page_of(exported(tg.draw(f).svg, "pdf")).get_textpage()
    assert "x\u0302" in text.get_text_range() or "x̂" in text.get_text_range()


def test_hostile_names_become_pictures_or_one_clear_error():
    rng = random.Random(5)
    refused = 0
    for i in range(30):
        names = [hostile(rng) for _ in range(4)]
        if i % 3:
            names = ["".join(letter for letter in name if not font.lacking(letter)) for name in names]
        f = graph(*names)
        svg = tg.draw(f, layout="simple", blank=("", "all")[i % 2]).svg
        assert {element.tag for element in ElementTree.fromstring(painted(svg, "dark")).iter()} <= {
            element.tag for element in ElementTree.fromstring(svg).iter()}
        if i < 5:
            assert png(svg, scale=1)
        try:
            content = exported(svg, "pdf")
        except ValueError as error:
            assert "whose font lacks" in str(error)
            refused += 1
        else:
            assert page_of(content).get_textpage().count_chars() > 20
    assert 0 < refused <= 10


def test_a_path_is_the_same_from_the_corner_and_from_where_the_pen_is():
    assert way("M1 2 h3 v4 l5 6 7 8 c1 2 3 4 5 6Z m1 1") == way("M1 2 H4 V6 L9 12 16 20 C17 22 19 24 21 26 Z M2 3")


def test_a_shape_that_no_picture_has_is_refused_by_pdf():
    with pytest.raises(ValueError, match="a picture with <image> cannot be written as PDF"):
        exported(tg.draw(circuit()).svg.replace("</svg>", "<image/></svg>"), "pdf")


# ---- names of files -----------------------------------------------------------------------------------------------


WRITERS = {
    "Drawing.save": lambda name: tg.draw(circuit()).save(name),
    "Page.save": lambda name: tg.play(circuit()).save(name),
    "savefig": lambda name: pytest.importorskip("matplotlib") and tg.plots.activation(tg.tanh).savefig(name),
    "draw": lambda name: command("draw", *CIRCUIT, "-o", name),
    "draw, circuit": lambda name: command("draw", *CIRCUIT, "--style", "circuit", "-o", name),
    "step --svg": lambda name: command("step", *CIRCUIT, f"--svg={name}"),
    "step --html": lambda name: command("step", *CIRCUIT, f"--html={name}"),
    "play": lambda name: command("play", *CIRCUIT, "--no-open", "-o", name),
    "train --plot": lambda name: command("train", "xor", "--epochs", "1", "--plot", name),
    "train --animate": lambda name: command("train", "xor", "--epochs", "1", "--animate", name),
}


def command(*words):
    output, errors, code = run(*words, check=False)
    if code:
        assert (output, code) == ("", 2)
        raise ValueError(errors.removeprefix("tinygrad-edu: ").strip())


@pytest.mark.parametrize("name", ["a.bmp", "a.svg.txt", "svg", "a.", ".svg"])
@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_name_that_ends_otherwise_is_refused_everywhere_alike(write, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if write is WRITERS["savefig"] and name in ("svg", "a.", ".svg"):
        return                              # matplotlib's own habit: a name without an ending gets .png
    with pytest.raises(ValueError, match=rf"^{re.escape(name)}: (pictures|pages|plots) are written as \.\w+.* or \.\w+$"):
        write(name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_writes_what_save_writes(kind, tmp_path):
    if kind == "png":
        pytest.importorskip("resvg_py")
    f = after_backward(tg.expression("(x + y) * z", x=-2, y=5, z=-4))
    run("draw", *CIRCUIT, "-o", f"a.{kind}", "--theme", "dark", "--scale", "1.5", cwd=tmp_path)
    tg.draw(f).save(tmp_path / f"b.{kind.upper()}", theme="dark", scale=1.5)
    assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind.upper()}").read_bytes()
    run("step", *CIRCUIT, "--svg", f"c.{kind}", cwd=tmp_path)
    tg.draw(f).save(tmp_path / f"d.{kind}")
    assert (tmp_path / f"c.{kind}").read_bytes() == (tmp_path / f"d.{kind}").read_bytes()


# ---- a picture of each step ---------------------------------------------------------------------------------------


def titles(svg):
    """What is said of each box, where it stands first."""
    found = [title.text for title in ElementTree.fromstring(svg).iter(SVG + "title")][1:]
    return [title for title in found if not title.startswith("the same ")]


@pytest.mark.parametrize("name", ["circuit", "neuron", "cross-entropy", "recurrent"])
def test_there_is_a_picture_of_the_start_and_of_each_step_and_the_last_is_the_graph_after_backward(name):
    f = TAUGHT[name]()
    steps, frames = tg.steps(f), tg.frames(f)
    assert len(frames) == len(steps) + 1 and isinstance(frames, tg.Frames)
    assert len({re.search(r'viewBox="[^"]*"', drawing.svg)[0] for drawing in frames}) == 1
    places = [re.findall(r'<rect class="tg-box" [^>]*height="[\d.]+"', drawing.svg) for drawing in frames]
    assert all(there == places[0] for there in places)
    f.backward()
    assert titles(frames[-1].svg) == titles(tg.draw(f).svg)
    assert [drawing.svg for drawing in tg.frames(f)] == [drawing.svg for drawing in frames]      # only read, from zero
    computed = [title for title in titles(frames[0].svg) if title.startswith("operation")]
    assert computed and all(title.endswith(": —") for title in computed)
    assert not re.search("gradient [^—]", frames[0].svg)


def test_each_picture_frames_its_step_and_says_it_below():
    f = circuit()
    steps, frames = tg.steps(f), tg.frames(f)
    marks = [re.findall(r'class="tg-(?:node tg-\w+|edge) tg-(now|gains|from|back|later)"', drawing.svg) for drawing in frames]
    assert marks[0] == ["later"] * 2
    for event, found, drawing in zip(steps, marks[1:], frames[1:]):
        counts = {mark: found.count(mark) for mark in set(found) - {"later"}}
        assert counts == {"forward": {"now": 3, "from": 2}, "seed": {"gains": 1}, "backward": {"gains": 1, "from": 1, "back": 1}}[event.kind]
        assert event.text.replace("-", "−").replace("&", "&amp;") in drawing.svg
    assert ">1 × −4.75</text>" in frames[5].svg and ">1 × −4.75</text>" not in frames[6].svg


def test_where_nothing_arrives_the_boxes_behind_get_their_zero():
    f = tg.relu(tg.Value(-1.0, label="x") * tg.Value(2.0, label="w"))
    last = tg.frames(f)[-1].svg
    assert last.count(" tg-gains") >= 2 and titles(last) == titles(tg.draw(after_backward(f)).svg)


@pytest.mark.parametrize("kind", KINDS)
def test_frames_are_numbered_files_that_replace_only_our_own(kind, tmp_path):
    if kind == "png":
        pytest.importorskip("resvg_py")
    folder = tmp_path / "steps"
    paths = tg.frames(circuit()).save(folder, kind, scale=1)
    assert [path.name for path in paths] == [f"step-{i:02}.{kind}" for i in range(8)] and all(map(is_ours, paths))
    (folder / f"step-by-step.{kind}").write_bytes(b"mine")
    fewer = tg.frames(tg.Value(2.0, label="x") * 3).save(folder, kind, scale=1)
    assert sorted(folder.iterdir()) == sorted([*fewer, folder / f"step-by-step.{kind}"]) and len(fewer) == 4
    before = {path: path.read_bytes() for path in fewer[1:]}
    fewer[0].write_bytes(b"mine too")
    with pytest.raises(ValueError, match=r"step-00.* is here already, and is not one that tinygrad-edu wrote"):
        tg.frames(circuit()).save(folder, kind, scale=1)
    assert {path: path.read_bytes() for path in fewer[1:]} == before and fewer[0].read_bytes() == b"mine too"


def test_the_command_writes_frames(tmp_path):
    output, *_ = run("draw", *CIRCUIT, "--frames", "steps", "--format", "pdf", cwd=tmp_path)
    assert output.strip() == f"wrote {Path('steps', 'step-00.pdf')} to step-07.pdf" and len(list((tmp_path / "steps").iterdir())) == 8
    for more in ["-o", "a.svg"], ["--blank"], ["--style", "circuit"]:
        assert "--frames draws every step" in run("draw", *CIRCUIT, "--frames", "steps", *more, cwd=tmp_path, check=False)[1]
    assert run("draw", *CIRCUIT, "--frames", "no/folder", cwd=tmp_path, check=False)[1:] == ("tinygrad-edu: no/folder: No such file or directory\n", 1)


def test_frames_say_what_stands_in_the_way_of_their_folder(tmp_path, monkeypatch):
    (tmp_path / "notes").write_text("mine", encoding="utf-8")
    for folder in ("notes", "notes/steps"):
        _, errors, code = run("draw", *CIRCUIT, "--frames", folder, cwd=tmp_path, check=False)
        assert (errors, code) == ("tinygrad-edu: notes: this is a file: name a folder\n", 1)
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)        # root may write everywhere
    for folder in (tmp_path, tmp_path / "steps"):
        with pytest.raises(PermissionError, match="nothing may be written into this folder: name another"):
            tg.frames(tg.expression("x * y", x=1, y=2)).save(folder)
    assert os.listdir(tmp_path) == ["notes"]


def test_frames_of_too_large_a_graph_or_of_another_kind_are_refused(tmp_path):
    with pytest.raises(ValueError, match="too many for a picture of each step"):
        tg.frames(sum(tg.Value(float(i)) * 2 for i in range(150)))
    with pytest.raises(ValueError, match="kind='gif': write one of svg, png, pdf"):
        tg.frames(circuit()).save(tmp_path / "steps", "gif")
    assert not list(tmp_path.iterdir())


# ---- worksheets ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", ["boxes", "circuit"])
def test_a_worksheet_gives_no_answer_away_neither_to_the_eye_nor_to_the_ear(style):
    f = circuit()
    computed = [node for node in tg.topological_order(f) if node.parents]
    answers = {shown for node in computed for x in (node.data, node.grad, *node.local_grads) for shown in spellings(x)}
    gradients = {shown for node in tg.topological_order(f) for x in (node.grad, *node.local_grads) for shown in spellings(x)}
    given = {shown for x in ODD.values() for shown in spellings(x)}
    whole, all_blank, grad_blank = (numbers_in(tg.draw(f, style=style, blank=blank).svg) for blank in ("", "all", "grad"))
    assert all_blank == given & whole and whole & (answers - given)
    assert not grad_blank & (gradients - answers_of_data(computed) - given) and grad_blank & answers_of_data(computed)


def spellings(x):
    """How pictures write a number."""
    return {f"{x:.{digits}g}".replace("-", "−") for digits in (3, 5)}


def answers_of_data(computed):
    return {shown for node in computed for shown in spellings(node.data)}


def numbers_in(svg):
    """The numbers among all that is written or read aloud in a picture."""
    texts = [text for element in ElementTree.fromstring(svg).iter() if element.tag != SVG + "style" for text in [element.text or ""]]
    return {number for text in texts for number in re.findall(r"(?<![\w.])−?\d+(?:\.\d+)?", text)}


@pytest.mark.parametrize("style", ["boxes", "circuit"])
def test_a_worksheet_has_a_place_for_each_number_left_out_and_is_the_same_before_and_after_backward(style):
    f = tg.expression("q = x + y; f = q * z", **ODD)
    before = [tg.draw(f, style=style, blank=blank).svg for blank in ("grad", "all")]
    f.backward()
    after = [tg.draw(f, style=style, blank=blank).svg for blank in ("grad", "all")]
    assert before == after and [svg.count('<rect class="tg-blank tg-grad"') for svg in after] == [5, 5]
    assert [svg.count('<rect class="tg-blank tg-data"') for svg in after] == [0, 2] and "to be filled in" in after[0]
    other = tg.expression("q = x + y; f = q * z", x=-20000.5, y=5.25, z=-4.75)
    sizes = [re.findall(r'<rect class="tg-blank[^>]*width="([\d.]+)"', svg) for svg in (after[1], tg.draw(other, style=style, blank="all").svg)]
    assert sizes[0] == sizes[1] and len(set(sizes[0])) == 1             # not even how long an answer is


def test_the_command_draws_worksheets(tmp_path):
    f = tg.expression("(x + y) * z", x=-2, y=5, z=-4)
    for words, blank in (["--blank", "x=-2"], "all"), (["x=-2", "--blank", "grad"], "grad"), (["x=-2", "--blank=all"], "all"):
        run("draw", "(x + y) * z", *words, "y=5", "z=-4", "-o", "w.svg", cwd=tmp_path)
        assert (tmp_path / "w.svg").read_text(encoding="utf-8") == tg.draw(after_backward(f), blank=blank).svg
    with pytest.raises(ValueError, match="blank='data': write one of grad, all, or leave it out"):
        tg.draw(f, blank="data")
