"""The steps as a table: in the terminal, in notebooks, as Markdown, LaTeX and CSV, all with the same numbers."""

import csv
import html
import io
import pickle
import random
import re
from xml.etree import ElementTree

import pytest
from command import run
from rich.cells import cell_len
from rich.console import Console
from taught import chain
from test_show import HOSTILE
from test_zeros import random_expression

import tinygrad_edu as tg
from tinygrad_edu import Value
from tinygrad_edu.engine.formula import Formula
from tinygrad_edu.show.tables import Steps
from tinygrad_edu.show.typeset import Number, text_of

NEURON = "1/(1+exp(-(w0*x0+w1*x1+w2)))", {"w0": 2, "w1": -3, "w2": -3, "x0": -1, "x1": -2}


def logits(count=3):
    return [Value(k / 3, label=f"z{k}") for k in range(count)]


GRAPHS = {
    "lecture": lambda: tg.expression("(x + y) * z", x=-2, y=5, z=-4),
    "neuron": lambda: tg.expression(NEURON[0], **NEURON[1]),
    "softmax": lambda: tg.softmax(logits())[1],
    "cross-entropy": lambda: tg.cross_entropy(logits(), 1),
    "ties": lambda: tg.expression("max(a, b, c) + relu(-a) + where(c, a, b)", a=2, b=2, c=1),
    "chain": lambda: chain(25, 0.7),
    "network": lambda: tg.mse(tg.MLP(2, [3, 1], rng=0)([1.0, 2.0]), 1.0),
    "squares": lambda: tg.expression("x*x - 1e-9/x + abs(x)**2.5", x=-0.25),
    "twice": lambda: tg.log_base(Value(8.0, label="x"), Value(2.0, label="b")) * tg.floor(Value(2.5, label="y")),
}
graphs = pytest.mark.parametrize("name", GRAPHS)
hostile = pytest.mark.parametrize("label", [*HOSTILE, "a|b", "x_1^2", "50% & more #1", "~\\end{longtable}", "=cmd|'a'!A1", "*b* `c` [d](e)"], ids=ascii)


def with_labels(label):
    """A graph in which this label stands in formulas, numbers and words."""
    x, y = Value(-2.0, label=label), Value(-1.0, label="y")
    f = tg.maximum(tg.abs(x) * y, x) + tg.relu(x)
    f.label = label
    return f


def many():
    return [*[make() for make in GRAPHS.values()], *[with_labels(label) for label in HOSTILE],
            *[tg.expression(text, **numbers) for text, numbers in map(random_expression, range(60))]]


def numbers_in(text):
    """The numbers of a text, whichever way they are written, without those in names."""
    text = html.unescape(re.sub(r"<m(sub|subsup|sup)>.*?</m\1>", " ", text)).replace("−", "-").replace("\u200b", "")
    text = re.sub(r"(\d) \\cdot 10\^\{(-?\d+)\}", r"\1e\2", text)
    return [float(x) for x in re.findall(r"(?<![\w.\]])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w\[])", re.sub(r"\(|\)", " ", text))]


# ---- in the terminal


def lines_at(f, width):
    """The lines of each step in a terminal so wide."""
    console = Console(width=width, file=io.StringIO(), highlight=False, markup=False, emoji=False)
    console.print(tg.steps(f))
    lines = console.file.getvalue().splitlines()
    starts = [i for i, line in enumerate(lines) if re.match(r" {0,3}\d+  [a-z]", line)]
    return lines, [lines[i:end] for i, end in zip(starts, [*starts[1:], len(lines)], strict=True)]


@graphs
@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_terminals_table_breaks_no_name_and_keeps_its_rows_short(name, width):
    f = GRAPHS[name]()
    lines, rows = lines_at(f, width)
    events = tg.steps(f)
    assert len(rows) == len(events) and all(cell_len(line.rstrip()) <= width for line in lines)
    for event, row in zip(events, rows, strict=True):
        words = {word for line in row for word in line.split()}
        assert words >= {word for text in (event.formula, event.numbers, event.reason) for word in text.split()}
        assert name == "twice" or len(row) <= (3 if width >= 80 else 5), row


@pytest.mark.parametrize("width", [60, 80])
def test_where_a_step_has_no_room_on_a_line_the_numbers_stand_below_the_formula(width):
    *_, rows = lines_at(GRAPHS["chain"](), width)
    assert [line.strip() for line in rows[-2][1:]] == ["→ 0 + 0.0751241 × 0.708238 = 0.0532057", "∂v2/∂v1 = 1 - v2**2"]


def test_the_text_of_the_table_is_as_wide_as_the_terminal(monkeypatch):
    for columns in 70, 100, 300:
        monkeypatch.setenv("COLUMNS", str(columns))
        assert 50 < max(map(len, str(tg.steps(GRAPHS["neuron"]())).splitlines())) <= min(columns, 120)


# ---- as HTML, Markdown, LaTeX and CSV


def cells_of_html(steps):
    table = ElementTree.fromstring(steps._repr_html_()).find("table")
    return [[" ".join(cell.itertext()) for cell in row] for row in table.iter("tr")]


def cells_of_markdown(steps):
    rows = [re.split(r"(?<!\\) \| |^\| | \|$", line)[1:-1] for line in steps.to_markdown().splitlines()]
    return [rows[0], *rows[2:]]


def cells_of_latex(steps):
    lines = steps.to_latex().splitlines()
    assert lines[1].startswith(r"\begin{longtable}") and lines[-1] == r"\end{longtable}"
    rows = [re.sub(r" \\\\( \\hline \\endhead)?$", "", line) for line in lines[3:-1]]
    return [re.split(r" & (?=(?:[^$]*\$[^$]*\$)*[^$]*$)", row) for row in rows]         # those between formulas


def cells_of_csv(steps):
    return [row[:-1] for row in csv.reader(io.StringIO(steps.to_csv(), newline=""), strict=True)]


@pytest.mark.parametrize("read", [cells_of_html, cells_of_markdown, cells_of_latex, cells_of_csv])
def test_every_table_has_all_steps_and_their_numbers(read):
    for f in [make() for make in GRAPHS.values()]:
        steps = tg.steps(f)
        head, *rows = read(steps)
        assert head == ["step", "pass", "formula", "in numbers", "because"]
        assert [row[:2] for row in rows] == [[str(i), event.kind] for i, event in enumerate(steps, 1)]
        for row, event in zip(rows, steps, strict=True):
            shown, wanted = [[abs(x) for x in numbers_in(text)] for text in (row[3], event.numbers)]
            assert shown[-1] == wanted[-1] and (event.kind == "forward" or shown == wanted), (row, event.numbers)


def test_markdown_and_csv_have_the_same_rows_for_every_graph():
    for f in many():
        steps = tg.steps(f)
        for cells in cells_of_markdown(steps), cells_of_csv(steps), cells_of_html(steps):
            assert len(cells) == len(steps) + 1 and {len(row) for row in cells} == {5}
        assert cells_of_csv(steps)[1:] == [[str(i), e.kind, e.formula, e.numbers, e.reason] for i, e in enumerate(steps, 1)]


def test_csv_has_every_number_in_full_and_ends_its_lines_as_the_standard_says():
    steps = tg.steps(tg.expression("x / y", x=1, y=3))
    text = steps.to_csv()
    assert [float(row["value"]) for row in csv.DictReader(io.StringIO(text, newline=""))] == [event.value for event in steps]
    assert text.count("\r\n") == text.count("\n") == len(steps) + 1


@hostile
def test_hostile_labels_are_only_text_in_html(label):
    page = tg.steps(with_labels(label))._repr_html_()
    root = ElementTree.fromstring(page)
    assert {part.tag for part in root.iter()} <= set("""div style table caption thead tbody tr th td wbr math mi mn mo mtext mrow mfrac msub
                                                         msup msubsup mtable mtr mtd""".split())
    assert not any(name.startswith("on") or name in ("href", "src", "style") for part in root.iter() for name in part.attrib)


@hostile
def test_hostile_labels_are_only_text_in_latex(label):
    source = tg.steps(with_labels(label)).to_latex()
    assert source.count(r"\begin{longtable}") == source.count(r"\end{longtable}") == 1
    for line in source.splitlines()[2:-1]:
        bare = re.sub(r"\\\\|\\[#$%&_{}]", "", line)
        assert bare.count("&") in (0, 4) and bare.count("$") % 2 == 0 and not re.search("[#%]", bare), line
        depth = 0
        for c in re.sub(r"[^{}]", "", bare):
            depth += 1 if c == "{" else -1
            assert depth >= 0, line
        assert depth == 0
        outside = re.sub(r"\$.*?\$", "", bare)
        assert not re.search(r"[_^~<>|]", outside), line
        assert set(re.findall(r"\\([A-Za-z]+)", outside)) <= {"multicolumn", "hline", "endhead", "textbackslash", "textasciitilde",
                                                              "textasciicircum", "textless", "textgreater", "textbar"}


@hostile
def test_hostile_labels_are_only_text_in_markdown(label):
    for line in tg.steps(with_labels(label)).to_markdown().splitlines():
        outside = re.sub(r"\$(?:\\.|[^$\\])*\$", "", line)
        assert not re.search(r"(?<!\\)[`*<\[$]", outside) and len(re.findall(r"(?<!\\)\|", line)) == 6, line


@graphs
def test_formulas_are_typeset_by_the_printer(name):
    maths = ElementTree.fromstring(tg.steps(GRAPHS[name]())._repr_html_()).iter("math")
    shown = ["".join(part.itertext()) for part in maths]
    assert shown and not [text for text in shown if re.search(r"\*|−−|--|×\s*−|·\s*−", text)]


def test_names_and_negative_numbers_are_typeset_as_in_a_book():
    rows = tg.steps(tg.expression("w1 * x", w1=-2, x=-3)).to_latex().splitlines()
    assert rows[4] == r"1 & forward & $f = w_{1} \cdot x$ & $(-2) \cdot (-3) = 6$ &  \\"
    assert rows[6] == (r"3 & backward & $x\text{.grad} \mathrel{+}= f\text{.grad} \times \frac{\partial f}{\partial x}$ & "
                       r"$0 + 1 \times (-2) = -2$ & $\frac{\partial f}{\partial x} = w_{1}$ \\")


def test_a_page_has_no_script_and_only_its_own_style():
    page = tg.steps(GRAPHS["lecture"]())._repr_html_()
    assert "<script" not in page and all(rule.startswith(".tg-steps") for rule in re.search("<style>(.*)</style>", page, re.S)[1].splitlines())
    assert "<caption>f, step by step</caption>" in page


def test_a_part_of_the_steps_and_steps_that_were_pickled_are_tables_too():
    steps = tg.steps(GRAPHS["ties"]())
    assert Steps(steps[2:4]).to_csv().splitlines()[1].startswith("1,")
    assert "caption></caption" in Steps(steps[:1])._repr_html_() and Steps().to_markdown().count("\n") == 2
    again = pickle.loads(pickle.dumps(steps))
    assert (again.to_latex(), again._repr_html_(), str(again)) == (steps.to_latex(), steps._repr_html_(), str(steps))


def test_steps_of_version_0_1_are_tables_of_text():
    state = {"kind": "seed", "node": Value(1.0), "name": "x<y", "formula": "∂f/∂f", "numbers": "1", "value": 1.0, "partial": "", "local": ""}
    event = tg.steps(Value(1.0))[0]
    event.__setstate__(state)
    assert cells_of_html(Steps([event]))[1] == ["1", "seed", "∂f/∂f", "1", ""]


def test_the_order_of_the_numbers_is_kept():
    rng = random.Random(0)
    for _ in range(200):
        number = rng.choice([0.5, -3, 1e-17, 2.5e300, float("inf"), -0.25])
        text = text_of((Formula("x"), "=", Number(tg.engine.number.format_number(number))))
        assert float(text.removeprefix("x = ")) == number


# ---- the command


@pytest.mark.parametrize("form", ["markdown", "latex", "csv"])
def test_the_command_prints_what_the_steps_say(form):
    told = getattr(tg.steps(tg.expression(NEURON[0], **NEURON[1])), f"to_{form}")()
    output, *_ = run("step", NEURON[0], *[f"{name}={x}" for name, x in NEURON[1].items()], "--format", form)
    assert output == told.replace("\r\n", "\n")


def test_the_command_refuses_two_forms_at_once_and_unknown_ones():
    for words in (["--json", "--format", "csv"], ["--format", "pdf"], ["--format"]):
        output, errors, code = run("step", "x", "x=1", *words, check=False)
        assert (output, code) == ("", 2) and "--format" in errors


def test_a_comparison_or_a_choice_stands_in_parentheses_before_what_it_comes_to():
    steps = tg.steps(tg.expression("where(x > y, x*y, z)", x=2, y=1, z=6))
    told = steps.to_csv()
    assert "(2 > 1) = 1" in told and "(2 if 1 else 6) = 2" in told
    assert r"\text{if } x > y" in steps.to_latex()
