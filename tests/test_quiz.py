"""The quiz: every question is solved once more, from what learners read, by the engine; files are read back as platforms do."""

import base64
import contextlib
import html
import io
import json
import math
import os
import re
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from command import run

import tinygrad_edu as tg
from tinygrad_edu import cli_quiz
from tinygrad_edu.classroom.faults.models import MODELS
from tinygrad_edu.classroom.quizzes.questions import (
    Blank,
    Item,
    Quiz,
    Wrong,
    all_kinds,
    decimal,
    is_weak,
    number_in,
    quiz,
    safe_name,
)
from tinygrad_edu.classroom.quizzes.quiz_export import canvas, gift, moodle, prairielearn_files
from tinygrad_edu.classroom.quizzes.quiz_page import key, practice, sheet
from tinygrad_edu.classroom.quizzes.quiz_text import as_latex

KINDS = list(all_kinds())
NUMBER = r"-?\d+(?:/\d+)?"
ALL = quiz(seed="every kind", n=2 * len(KINDS))


def close(x, y):
    return math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-9)


# ---- every question is solved from its text

def leaves_in(line):
    """{name: number} of a line such as "a = 2, b = 1/2"."""
    return {name: float(Fraction(number)) for name, number in re.findall(rf"(\w+) = ({NUMBER})", line)}


def nodes_of(lines, leaves):
    """{label: node} of lines of a program, after the backward pass of the last one."""
    f = tg.expression("; ".join(lines), literal=True, **leaves)
    f.backward()
    return {node.label: node for node in tg.topological_order(f)}


def both_passes(item):
    nodes = nodes_of(item.lines[1:], leaves_in(item.lines[0]))
    return [nodes[blank.label.rpartition("∂")[2]].grad if "∂" in blank.label else nodes[blank.label].data for blank in item.blanks]


def local(item):
    upstream = float(re.search(NUMBER, item.stem)[0])
    u, y = tg.Value(leaves_in(item.lines[0])["u"], label="u"), None
    y = eval(item.lines[1].removeprefix("y = "), {"u": u, "relu": tg.relu})
    y.backward(upstream)
    return [u.grad]


def expression(item):
    leaves = {"a": 2.3, "b": -1.7, "c": 0.9}
    f = nodes_of(item.lines, {leaf: leaves[leaf] for leaf in item.graph.at})["f"].data
    return [choice for choice in item.only.choices if close(eval(choice, dict(leaves)), f)]


def duals(item):
    seed = re.search(r"(\w+)' = 1", item.stem)[1]
    nodes, tangents = nodes_of(item.lines[1:], leaves_in(item.lines[0])), []
    for blank in item.blanks:
        nodes[seed].zero_grad()
        nodes[blank.label.removesuffix("'")].backward()
        tangents.append(nodes[seed].grad if reaches(nodes[blank.label.removesuffix("'")], nodes[seed]) else 0.0)
    return tangents


def reaches(node, leaf):
    return leaf in tg.topological_order(node)


def missing(item):
    hidden = item.blanks[0].label
    leaves = leaves_in(item.lines[0]) | {hidden: float(item.answer)}
    by, wanted = re.fullmatch(rf"∂f/∂(\w+) = ({NUMBER})", item.lines[-1]).groups()
    assert close(nodes_of(item.lines[1:-1], leaves)[by].grad, float(wanted))
    for wrong in item.wrong:                                        # and no other number there gives that gradient
        assert not close(nodes_of(item.lines[1:-1], leaves | {hidden: float(wrong.answer)})[by].grad, float(wanted))
    return [float(item.answer)]


def paths(item):
    leaf = re.search(r"back to (\w+)\?", item.stem)[1]
    nodes = nodes_of(item.lines, {"a": 2.0, "b": 3.0})

    def count(node):
        return 1 if node is nodes[leaf] else sum(map(count, node.parents))
    return [count(nodes["f"])]


def orders(item):
    nodes = nodes_of(item.lines, {"a": 2.0, "b": 3.0})

    def is_right(order):
        arrived = dict.fromkeys(nodes, 0.0) | {"f": 1.0}
        for name in order.split(", "):
            for parent, slope in zip(nodes[name].parents, nodes[name].local_grads):
                arrived[parent.label] += arrived[name] * slope
        return all(close(arrived[leaf], nodes[leaf].grad) for leaf in "ab")
    assert not any(is_right(wrong.answer) for wrong in item.wrong)
    return [order for order in item.only.choices if is_right(order)]


def printed(model, lines):
    """What a program prints on a wrong engine."""
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        exec("\n".join(lines), {"Value": model.faulty})
    return float(Fraction(told.getvalue().strip()))


def faulty(item):
    title = re.search(r"is wrong \((.*)\)\. What", item.stem)[1]
    [model] = [model for model in MODELS.values() if model.title == title]
    program = item.lines[item.lines.index("", len(model.source.splitlines())) + 1:]
    assert "\n".join(item.lines).startswith(model.source)
    [right] = [wrong.answer for wrong in item.wrong if "right gradient" in wrong.reason]
    leaves = {name: float(number) for line in program for name, number in re.findall(r"(\w) = Value\((.*)\)", line)}
    nodes = nodes_of([line for line in program if "(" not in line or " ** " in line], leaves)
    assert close(nodes[item.blanks[0].label.removesuffix(".grad")].grad, right)
    return [printed(model, program)]


def fault(item):
    leaf, given = re.search(r"(\w)\.grad = (-?[\d/]+)", item.stem).groups()
    by_title = {model.title: model for model in MODELS.values()}
    program = [f"{name} = Value({int(number)})" for name, number in leaves_in(item.lines[0]).items()]
    program += [*item.lines[1:], "f.backward()", f"print({leaf}.grad)"]
    return [title for title in item.only.choices if close(printed(by_title[title], program), float(Fraction(given)))]


def counterexample(item):
    title = re.search(r"a fault \((.*)\)\?", item.stem)[1]
    [model] = [model for model in MODELS.values() if model.title == title]
    assert "\n".join(item.lines).startswith(model.source)
    leaves, harmed = leaves_in(item.lines[-1]), []
    for choice in item.only.choices:
        nodes = nodes_of(choice.split("; "), {leaf: x for leaf, x in leaves.items() if leaf in choice})
        program = [*[f"{leaf} = Value({int(x)})" for leaf, x in leaves.items()], choice, "f.backward()"]
        if not all(close(printed(model, [*program, f"print({leaf}.grad)"]), nodes[leaf].grad) for leaf in leaves if leaf in nodes):
            harmed.append(choice)
    return harmed


def jacobian(item):
    leaves = leaves_in(item.lines[0])
    formulas = [line.partition(" = ")[2] for line in item.lines[1:]]
    matrix = tg.jacobian(lambda at: [eval(formula, dict(zip(leaves, at))) for formula in formulas])(list(leaves.values()))
    row, column = map(int, re.search(r"row (\d), column (\d)", item.stem).groups())
    return [len(matrix), matrix[row - 1][column - 1]]


class Counted:
    """A number that counts what is done with it and its like."""
    done = 0

    def __add__(self, other):
        Counted.done += 1
        return Counted()

    __mul__ = __add__


def product(a, b):
    def dot(row, column):
        first, *rest = [x * y for x, y in zip(row, column)]
        for x in rest:
            first = first + x
        return first
    return [[dot(row, column) for column in zip(*b)] for row in a]


def cost(item):
    shapes = [(int(k), int(n)) for k, n in re.findall(r"\((\d) × (\d)\)", item.lines[0])]
    answers = []
    for from_left in (True, False):
        chain = [[[Counted() for _ in range(n)] for _ in range(k)] for k, n in shapes]
        Counted.done = 0
        while len(chain) > 1:
            chain = [product(*chain[:2]), *chain[2:]] if from_left else [*chain[:-2], product(*chain[-2:])]
        answers.append(Counted.done)
    return answers


def step(item):
    given = {name: float(Fraction(number)) for name, number in re.findall(rf"(\w+|β) = ({NUMBER})", item.lines[0])}
    w = tg.Value(given["w"])
    if "β" not in given:
        optimizer = tg.SGD([w], lr=given["lr"])
    else:                                       # a mean is momentum with smaller steps
        share = 1 - given["β"] if "1 − β" in item.lines[1] else 1
        optimizer = tg.Momentum([w], lr=given["lr"] * share, momentum=given["β"])
    for gradient in re.findall(NUMBER, item.lines[2]):
        w.grad = float(gradient)
        optimizer.step()
    return [w.data]


def softmax(item):
    z = [tg.Value(math.log(int(count))) for count in re.findall(r"ln (\d+)", item.lines[0])]
    tg.cross_entropy(z, int(item.lines[2].removeprefix("L = −ln p")) - 1).backward()
    return [logit.grad for logit in z]


def neuron(item):
    s, leaves = float(Fraction(re.search(rf"s = ({NUMBER})", item.stem)[1])), leaves_in(item.lines[0])
    b = math.log(s / (1 - s)) - leaves["w"] * leaves["x"]
    nodes = nodes_of(item.lines[1:], leaves | {"b": b})
    assert close(nodes["s"].data, s)
    return [nodes[re.search(r"∂s/∂(\w)", item.stem)[1]].grad]


def difference(item):
    a, sign, b = re.fullmatch(r"f\(x\) = (-?\d+) x³ ([+−]) (\d+) x", item.lines[0]).groups()
    a, b = float(a), float(sign.replace("−", "-") + b)
    given = leaves_in(item.lines[1])

    def f(x):
        return a * x ** 3 + b * x
    x, h = given["x"], given["h"]
    central = (f(x + h) - f(x - h)) / (2 * h)
    return [central, central - tg.derivative(f)(x)]


SOLVERS = dict.fromkeys(("picture", "table", "diamond", "gates"), both_passes) | {
    solver.__name__: solver for solver in (local, duals, missing, paths, orders, faulty, fault, cost, step, softmax, neuron, difference,
                                                 counterexample, jacobian, expression)}


def check(made):
    for item in made.items:
        solved = SOLVERS[item.kind](item)
        for blank, answer in zip(item.blanks, solved, strict=True):
            assert answer == blank.answer if blank.is_choice else close(answer, blank.answer), (made.seed, item)
            given = [blank.answer, *[wrong.answer for wrong in blank.wrong]]
            assert len(set(given)) == len(given), item
        assert not is_weak(item) and item.worked


def test_there_are_kinds_enough_and_each_has_a_solver():
    assert len(KINDS) == 19 and set(KINDS) == set(SOLVERS)


@pytest.mark.parametrize("start", range(0, 200, 50))
def test_quizzes_of_200_seeds_are_right(start):
    for seed in range(start, start + 50):
        check(quiz(seed=seed, n=4, level=1 + seed % 3))


@pytest.mark.long
@pytest.mark.parametrize("start", range(0, 200, 20))
def test_every_kind_of_200_seeds_is_right(start):
    for seed in range(start, start + 20):
        check(quiz(seed=seed, n=len(KINDS), level=1 + seed % 3))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", [1, 2, 3])
def test_every_kind_and_level_is_right(kind, level):
    check(quiz([kind], seed=f"{kind} {level}", n=3, level=level))


@pytest.mark.parametrize("kind", KINDS)
def test_a_solver_sees_a_wrong_answer(kind):
    item = quiz([kind], seed=1, n=1).items[0]
    blank = next(blank for blank in item.blanks if blank.wrong)
    slipped = replace(blank, answer=blank.wrong[0].answer, wrong=())
    blanks = tuple(slipped if other is blank else other for other in item.blanks)
    with pytest.raises((AssertionError, ValueError)):
        check(Quiz("planted", (replace(item, blanks=blanks),)))


# ---- weak questions and answers

def asking(*rows):
    return Item("k", "s", (), tuple(Blank("x", Fraction(answer), tuple(Wrong(Fraction(x), "") for x in wrong)) for answer, *wrong in rows), ())


@pytest.mark.parametrize("rows", [
    [(0, 2, 3)], [(1, 2, 3)], [(-1, 2, 3)], [(5, 5, 3)], [(5, 3, 3)], [(5, 3)], [(5,)], [(201, 2, 3)], [(Fraction(1, 3), 2, 3)],
    [(5, Fraction(1, 7), 3)], [(0, 2, 3), (1, 2, 3), (7, 2, 3)]])
def test_weak_questions_are_thrown_away(rows):
    assert is_weak(asking(*rows))


def test_a_good_question_is_kept():
    assert not is_weak(asking((Fraction(3, 4), 2, -3))) and not is_weak(asking((0, 2, 3), (7, 2)))


@pytest.mark.parametrize("text", ["3/4", "0.75", " 6 / 8 ", ".75", "+0.750", "75/100"])
def test_fractions_and_decimals_are_the_same_answer(text):
    assert Blank("x", Fraction(3, 4)).reply(text) == (True, "right") and Blank("x", Fraction(-3, 4)).reply("−" + text.strip(" +")).is_right


def test_numbers_are_answers_too():
    item = asking((Fraction(3, 4), 2, -3))
    assert all(item.check(x).is_right for x in (0.75, Fraction(3, 4), "3/4")) and not item.check(2).is_right


@pytest.mark.parametrize("text", ["", "abc", "1/0", "0,75", "1e9", "nan", "1/2/3", "--1", "9" * 99, "½", "0x1", "1_0", "1 2", "1 3/4", "1. 5", "１２"])
def test_what_is_no_number_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match=r"such as 3/4 or 0\.75"):
        number_in(text)


def test_a_known_mistake_is_named_and_an_unknown_one_is_not():
    item = asking((5, 2, 3))
    item = replace(item, blanks=(replace(item.only, wrong=(Wrong(Fraction(2), "= instead of +="),)),))
    assert item.check("2") == (False, "no: = instead of +=") and item.check("9") == (False, "no")


def test_choices_are_taken_by_letter_and_by_text():
    blank = Blank("order", "f, v, u", (Wrong("u, v, f", "forward"), Wrong("f, u, v", "layers")))
    letter = "abc"[blank.choices.index("f, v, u")]
    assert blank.reply(letter).is_right and blank.reply(f" {letter.upper()}) ").is_right and blank.reply("f, v, u").is_right
    assert blank.reply("u, v, f") == (False, "no: forward")
    with pytest.raises(ValueError, match="a letter from a to c"):
        blank.reply("d")


@pytest.mark.smoke
def test_a_question_of_many_places_wants_as_many_answers():
    item = quiz("cost", n=1).items[0]
    assert item.check(*[str(blank.answer) for blank in item.blanks]).is_right
    assert "from the left: no" in item.check("1", "2").text
    with pytest.raises(ValueError, match="asks for 2"):
        item.check("1")
    with pytest.raises(ValueError, match="look into its blanks"):
        item.answer


@pytest.mark.parametrize("x", [Fraction(3, 4), Fraction(-1, 8), Fraction(0), Fraction(-120), Fraction(1, 16), Fraction(-5, 2)])
def test_decimals_are_exact(x):
    assert Fraction(decimal(x)) == x and not decimal(x).endswith(".")


# ---- the same seed, the same bytes

def everything(made):
    pages = [practice(made).html, sheet(made).html, key(made).html]
    return "\n".join([str(made), made.key(), *pages, moodle(made), gift(made), canvas(made), as_latex(made, {}), *[
        content for item in made.items for content in prairielearn_files(item).values()]])


def test_the_same_seed_gives_the_same_bytes_in_every_process():
    script = ("import hashlib, test_quiz; from test_quiz import *;"
              "print(hashlib.sha256(everything(quiz(seed='s12', n=6)).encode()).hexdigest())")
    folder = os.path.dirname(__file__)
    found = {subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=folder,
                            env={**os.environ, "PYTHONHASHSEED": seed}).stdout for seed in "17"}
    assert len(found) == 1


def test_the_order_is_not_always_the_program_read_backwards():
    items = quiz(["orders"], seed=1, n=20).items
    backwards = [", ".join(line.partition(" ")[0] for line in reversed(item.lines)) for item in items]
    assert not any(item.answer == order for item, order in zip(items, backwards)) and len({item.answer for item in items}) > 3


@pytest.mark.parametrize("kind", ["diamond", "table", "faulty", "fault"])
def test_nothing_is_taken_from_itself(kind):
    """With a - a the answer of a faulty engine would depend on which arrow comes first, and f - f is dead."""
    for item in quiz([kind], seed=1, n=30).items:
        assert not any(op == "sub" and len({*inputs}) == 1 for _, op, inputs in item.graph.lines), item


def lines_of(item):
    """The graphs that a faulty engine is asked for, each as lines."""
    texts = item.only.choices if item.kind == "counterexample" else ["; ".join(line.text for line in item.graph.lines)]
    return [text.split("; ") for text in texts]


@pytest.mark.parametrize("kind", ["faulty", "fault", "counterexample"])
def test_what_a_faulty_engine_gives_does_not_depend_on_an_order_that_is_not_shown(kind):
    for item in quiz([kind], seed=2, n=20).items:
        for lines in lines_of(item):
            for before, line in pairwise(lines):
                name, formula = before.partition(" = ")[0], line.partition(" = ")[2]
                assert re.search(rf"\b{name}\b", formula), item


def test_a_fault_is_not_given_away_by_a_zero():
    assert not [item for item in quiz(["fault"], seed=1, n=40).items if ".grad = 0." in item.stem]


def test_other_seeds_give_other_questions():
    assert len({str(quiz(seed=seed, n=3)) for seed in range(20)}) == 20


def test_no_question_comes_twice():
    items = quiz(["local"], seed=3, n=40).items
    assert len({(item.stem, item.lines) for item in items}) == 40 and len({item.name for item in items}) == 40


@pytest.mark.parametrize(("arguments", "reason"), [
    ({"kinds": ["softmx"]}, "unknown kind of question 'softmx': did you mean 'softmax'"), ({"n": 0}, "n must be at least 1"), ({"level": 4}, "1, 2 or 3, got 4"),
    ({"kinds": ["neuron"], "n": 2000}, "not so many different questions")])
def test_what_cannot_be_asked_is_refused(arguments, reason):
    with pytest.raises(ValueError, match=reason):
        tg.classroom.quiz(**arguments)


@pytest.mark.parametrize("kinds", [3, [3], [None]])
def test_kinds_are_given_by_name(kinds):
    with pytest.raises(TypeError, match="kind"):
        tg.classroom.quiz(kinds)


# ---- pages and paper

def test_the_sheet_holds_no_answer_and_the_key_holds_all():
    without, full = sheet(ALL).html, key(ALL).html
    for item in ALL.items:
        for line in item.worked:
            assert html.escape(line, quote=False) in full
        for blank in item.blanks:
            assert all(html.escape(wrong.reason) not in without and html.escape(wrong.reason) in full for wrong in blank.wrong)
    assert '<script type="application/json" id="data">{}</script>' in without


def test_the_sheet_is_the_same_whatever_the_answers_are():
    def forgetful(item):
        return replace(item, worked=(), blanks=tuple(replace(blank, answer=Fraction(99), wrong=()) for blank in item.blanks))
    items = [item for item in ALL.items if not item.blanks[0].is_choice]
    assert sheet(Quiz("x", tuple(items))).html == sheet(Quiz("x", tuple(map(forgetful, items)))).html


def test_latex_has_every_letter_spelled_out():
    text = as_latex(ALL, {}, with_answers=True)
    assert text.isascii()
    assert text.count(r"\begin{minipage}") == text.count(r"\end{minipage}") == len(ALL.items)
    for opened, closed in pairwise(re.findall(r"\\(begin|end)\{enumerate\}", text)):
        assert (opened, closed) == ("begin", "end")
    plain = re.sub(r"\\[{}]|\$\^\d\$|\\usepackage", "", text)
    assert plain.count("{") == plain.count("}") and not re.search(r"(?<!\\)[%&#_~^]", plain)


# ---- Moodle XML, read back

def parsed_cloze(text):
    """[(weight, number, tolerance, feedback)] of every place, as Moodle's own patterns read it."""
    alternative = r"%(-?\d+)%(.+?(?<!\\|&)(?=[~#}]|$))#(.*?(?<!\\)(?=[~}]|$))"
    unnamed = alternative.replace(r"(-?", "(?:-?").replace("(.", "(?:.")
    places = re.findall(rf"\{{1:NUMERICAL:({unnamed}(?:~{unnamed})*)\}}", text, re.S)

    def shown(said):
        return html.unescape(html.unescape(said).replace("\\}", "}").replace("\\#", "#"))     # it is decoded, then it is HTML
    rows = [re.findall("~?" + alternative, place, re.S) for place in places]
    return [[(w, Fraction(x.partition(":")[0]), x.partition(":")[2], shown(said)) for w, x, said in row] for row in rows]


def expected_rows(blank):
    return [("100", blank.answer, "0", "right"), *[("0", x, "0", reason) for x, reason in blank.wrong]]


def test_moodle_xml_is_read_back_with_equal_answers():
    text = moodle(ALL)
    assert text.startswith("<?xml")                             # Moodle takes no empty first line
    root = ElementTree.fromstring(text)
    assert root.tag == "quiz" and len(root) == len(ALL.items)
    for question, item in zip(root, ALL.items, strict=True):
        check_moodle(question, item)


def check_moodle(question, item):
    assert question.find("name/text").text == item.name
    assert question.find("questiontext").get("format") == "html" and question.find("generalfeedback/text").text.startswith("<ol>")
    stem = question.find("questiontext/text").text
    assert item.stem in html.unescape(stem) and "\n".join(item.lines) in html.unescape(stem)
    form = {"numerical": "numbers", "multichoice": "choice", "cloze": "cloze"}[question.get("type")]
    if form == "cloze":
        assert parsed_cloze(stem) == [expected_rows(blank) for blank in item.blanks]
        assert question.find("answer") is None
    else:
        rows = [(answer.get("fraction"), answer.find("text").text, answer.find("feedback/text").text) for answer in question.iter("answer")]
        read = html.unescape if form == "choice" else Fraction
        assert [(w, read(x), html.unescape(said)) for w, x, said in rows] == [(w, x, said) for w, x, _, said in expected_rows(item.only)]
        assert {answer.findtext("tolerance") for answer in question.iter("answer")} == {None if form == "choice" else "0"}
        assert question.findtext("single") == ("true" if form == "choice" else None)
    file = question.find("questiontext/file")
    assert (file is not None) == item.is_drawn == ("@@PLUGINFILE@@" in stem)
    if file is not None:
        assert f"@@PLUGINFILE@@/{file.get('name')}" in stem and b"<svg" in base64.b64decode(file.text)


HOSTILE = "~ = # { } : \\ ]]> <b>&amp; \"quoted\" {{mustache}} $x$ ::name:: %100% //"
NASTY = Item("local", HOSTILE, (HOSTILE, "", HOSTILE), (Blank(HOSTILE, Fraction(3, 4), (Wrong(Fraction(-2), HOSTILE),)),), (HOSTILE,), name="nasty")
NASTY_TABLE = replace(NASTY, blanks=NASTY.blanks * 2)
NASTY_CHOICE = replace(NASTY, blanks=(Blank("x", HOSTILE, (Wrong(HOSTILE + "2", HOSTILE),)),))


@pytest.mark.parametrize("item", [NASTY, NASTY_TABLE, NASTY_CHOICE], ids=["number", "table", "choice"])
def test_letters_that_mean_something_come_back_as_they_were(item):
    made = Quiz("x", (item,))
    [question] = ElementTree.fromstring(moodle(made))
    check_moodle(question, item)
    check_gift(gift(made), made)
    check_prairielearn(item)
    check_canvas(canvas(made), made)
    pages = practice(made).html + sheet(made).html + key(made).html
    assert HOSTILE not in pages and "<b>&" not in pages and "&lt;b&gt;&amp;amp;" in pages


# ---- GIFT, read back by its own grammar

def unescaped(text):
    return html.unescape(re.sub(r"\\([\\~=#{}:])", r"\1", text))


def read_gift(text):
    """[(name, stem, is a number, [(weight, answer, feedback)])], as Moodle reads it: lines are stripped, an empty one ends a question."""
    other = r"(?:[^\\~=#{}:]|\\.)"
    for part in "\n".join(line.strip() for line in text.strip().split("\n")).split("\n\n"):
        name, stem, sign, answers = re.fullmatch(rf"::({other}+)::\[html\]({other}+)\{{(#?)\n(.*)\n\}}", part, re.S).groups()
        if sign:
            rows = re.findall(rf"=%(\d+)%([-\d.]+):0#({other}*)(?:\n|$)", answers)
            yield unescaped(name), unescaped(stem), True, [(int(w), Fraction(x), unescaped(said)) for w, x, said in rows]
        else:
            rows = re.findall(rf"([=~])({other}+)#({other}*)(?:\n|$)", answers)
            yield unescaped(name), unescaped(stem), False, [(100 * (w == "="), unescaped(x), unescaped(said)) for w, x, said in rows]


def check_gift(text, made):
    wanted = [(item, blank) for item in made.items for blank in item.blanks]
    for (name, stem, is_number, rows), (item, blank) in zip(read_gift(text), wanted, strict=True):
        assert name.startswith(item.name) and item.stem in stem and is_number != blank.is_choice
        assert (f" Here: {blank.label}." in stem) == (len(item.blanks) > 1)
        assert stem.endswith("<pre>" + "<br>".join(item.lines) + "</pre>")
        assert rows == [(int(w), x, said) for w, x, _, said in expected_rows(blank)]


def test_gift_is_read_back_with_equal_answers():
    check_gift(gift(ALL), ALL)


# ---- text for Canvas, read back

def without_markdown(text):
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*_$]", text)
    return html.unescape(re.sub(r"\\(.)", r"\1", text.replace("<br>", "\n"))).replace("\xa0", " ")


def check_canvas(text, made):
    title, *questions = text.strip().split("\n\n")
    assert title.startswith("Quiz title: ")
    wanted = [(item, blank) for item in made.items for blank in item.blanks if blank.answer != 0]
    for question, (item, blank) in zip(questions, wanted, strict=True):
        stem, worked, *rows = question.split("\n")
        assert without_markdown(stem.removeprefix("1.  ")).split("\n")[1:] == list(item.lines) and item.stem in without_markdown(stem)
        assert without_markdown(worked.removeprefix("... ")).split("\n") == list(item.worked)
        if blank.is_choice:
            choices = [(mark == "*", without_markdown(choice)) for mark, choice in re.findall(r"^(\*?)a\) (.*)$", "\n".join(rows), re.M)]
            assert choices == [(True, blank.answer), *[(False, wrong.answer) for wrong in blank.wrong]]
            told = [without_markdown(row.removeprefix("... ")) for row in rows[1::2]]
            assert told == ["right", *[wrong.reason for wrong in blank.wrong]]
        else:
            [row] = rows
            assert Fraction(re.fullmatch(r"=   (\S+) \+- 0", row)[1]) == blank.answer


def test_the_text_for_canvas_is_read_back_with_equal_answers():
    check_canvas(canvas(ALL), ALL)


# ---- PrairieLearn, read back

TAGS = {"pl-question-panel", "pl-submission-panel", "pl-answer-panel", "pl-number-input", "pl-multiple-choice", "pl-answer", "pl-figure"}


def check_prairielearn(item):
    files = prairielearn_files(item)
    info = json.loads(files["info.json"])
    assert info["type"] == "v3" and info["title"] == item.name and re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", info["uuid"])
    text = files["question.html"]
    templates = re.findall(r"\{\{.*?\}\}", text)
    assert all(re.fullmatch(r"\{\{[#/]?feedback\.answer\d+\}\}", hole) for hole in templates) and "$" not in text
    root = ElementTree.fromstring(f"<root>{text}</root>")
    assert {element.tag for element in root.iter() if element.tag.startswith("pl-")} <= TAGS
    fields = [element for element in root if element.tag in ("pl-number-input", "pl-multiple-choice")]
    for i, (field, blank) in enumerate(zip(fields, item.blanks, strict=True), 1):
        assert field.get("answers-name") == f"answer{i}"
        if blank.is_choice:
            rows = [(answer.get("correct"), answer.text, answer.get("feedback")) for answer in field]
            assert [(w, x, html.unescape(said)) for w, x, said in rows] == [
                ("true", blank.answer, "right"), *[("false", x, reason) for x, reason in blank.wrong]]
        else:
            assert Fraction(field.get("correct-answer")) == blank.answer
            assert html.unescape(field.get("label")) == blank.label + ":"
    assert ("clientFilesQuestion/graph.svg" in files) == item.is_drawn == (root.find(".//pl-figure") is not None)
    check_server(files["server.py"], item)


def check_server(program, item):
    """The part that runs on the platform says what is to be said, and stops at nothing."""
    names = {}
    exec(program, names)
    for i, blank in enumerate(item.blanks, 1):
        for wrong in [] if blank.is_choice else blank.wrong:
            data = {"submitted_answers": {f"answer{i}": float(wrong.answer)}, "feedback": {}}
            names["grade"](data)
            assert data["feedback"] == {f"answer{i}": wrong.reason}
    data = {"submitted_answers": {"answer1": None}, "feedback": {}}
    names["grade"](data)
    assert data["feedback"] == {}


def test_question_folders_are_read_back_with_equal_answers():
    for item in ALL.items:
        check_prairielearn(item)
    assert len({json.loads(prairielearn_files(item)["info.json"])["uuid"] for item in ALL.items}) == len(ALL.items)


# ---- the command

def test_without_a_terminal_the_questions_are_printed_without_answers():
    text, *_ = run("quiz", "--seed", "7", "-n", "3", "--types", "diamond, softmax,orders")
    made = quiz(["diamond", "softmax", "orders"], "7", 3)
    assert text == f"{made}\n" and "________" in text
    assert not any(wrong.reason in text for item in made.items for blank in item.blanks for wrong in blank.wrong)


def test_the_kinds_are_listed():
    text, *_ = run("quiz", "--types", "help")
    assert [line.split()[0] for line in text.splitlines()] == KINDS


def test_every_file_is_written(tmp_path):
    text, *_ = run("quiz", "-n", "4", "--types", "picture,fault", "--html", "q.html", "--print", "s.html", "--key", "k.tex",
                   "--moodle", "q.xml", "--gift", "q.txt", "--prairielearn", "questions", cwd=tmp_path)
    made = quiz(["picture", "fault"], "0", 4)
    assert (tmp_path / "q.html").read_text(encoding="utf-8") == practice(made).html
    assert (tmp_path / "s.html").read_text(encoding="utf-8") == sheet(made).html
    assert (tmp_path / "q.xml").read_text(encoding="utf-8") == moodle(made)
    assert (tmp_path / "q.txt").read_text(encoding="utf-8") == gift(made)
    pictures = {f"{item.name}.pdf" for item in made.items if item.is_drawn}
    assert set(re.findall(r"\{(quiz-[\w-]+\.pdf)\}", (tmp_path / "k.tex").read_text(encoding="utf-8"))) == pictures
    assert all((tmp_path / name).read_bytes().startswith(b"%PDF") for name in pictures)
    assert {path.name for path in (tmp_path / "questions").iterdir()} == {item.name for item in made.items}
    assert "wrote k.tex" in text


HOSTILE_IDS = ["../../etc/passwd", "=cmd|' /C calc'!A0", "Ann Müller", "ann müller", "CON", "a/b\\c:d", "🙂", ". .", "x" * 300, "<script>", "s12", "two\u2028lines", "two\nlines"]


def test_ids_from_outside_become_safe_names_that_differ():
    names = [safe_name(student) for student in {*HOSTILE_IDS, *map(safe_name, HOSTILE_IDS), "S12", "s-12", "s_12", ""}]
    assert all(re.fullmatch(r"[a-z0-9-]{1,60}", name) for name in names) and len(set(names)) == len(names)
    assert safe_name("s12") == "s12"


def test_each_student_gets_a_quiz_of_their_own(tmp_path):
    rows = "name,id\n" + "".join('x,"{}"\n'.format(student.replace('"', '""')) for student in HOSTILE_IDS)
    (tmp_path / "ids.csv").write_text(rows, encoding="utf-8")
    run("quiz", "-n", "2", "--seed", "2026", "--students", "ids.csv", "--print", "s.html", "--gift", "q.txt", cwd=tmp_path)
    assert {path.parent for path in tmp_path.rglob("*.html")} == {tmp_path}
    assert len(list(tmp_path.glob("s-*.html"))) == len(list(tmp_path.glob("q-*.txt"))) == len(HOSTILE_IDS)
    assert (tmp_path / "q-s12.txt").read_text(encoding="utf-8") == gift(quiz((), "2026/s12", 2))
    assert len({path.read_text(encoding="utf-8").partition("<h2>")[2] for path in tmp_path.glob("s-*.html")}) == len(HOSTILE_IDS)


@pytest.mark.parametrize("rows", ["a1\nb2\n", "\ufeffID\na1\n\nb2", "name;id;x\nn;a1;\nm;b2;\n", "id\tname\r\na1\tn\r\nb2\tm\r\n"])
def test_lists_of_students_are_read_as_they_come(tmp_path, rows):
    (tmp_path / "ids.csv").write_bytes(rows.encode())
    assert cli_quiz.students_of(str(tmp_path / "ids.csv")) == ["a1", "b2"]


@pytest.mark.parametrize(("rows", "reason"), [
    ("", "no id"), ("id\n", "no id"), ("id\na\na\n", "'a' is there twice"), ("name,id\nx,a\ny,\n", "a row without an id"),
    ("name,number\nx,a\n", "which column is the id"), ("\xff\xfe", "no CSV file in UTF-8"), ("x" * 200_000, "no CSV file")])
def test_a_list_of_students_that_cannot_be_right_is_refused(tmp_path, rows, reason):
    (tmp_path / "ids.csv").write_bytes(rows.encode("latin-1"))
    _, errors, code = run("quiz", "--students", "ids.csv", "--print", "s.html", cwd=tmp_path, check=False)
    assert code == 2 and reason in errors and not list(tmp_path.glob("*.html"))


@pytest.mark.parametrize(("arguments", "reason", "exit_code"), [
    (["--types", "softmx"], "did you mean 'softmax'", 2), (["--html", "q.txt"], "such quizzes are written as .html", 2),
    (["--print", "s.pdf"], ".html, .htm or .tex", 2), (["-n", "0"], "n must be at least 1", 2), (["--level", "9"], "invalid choice", 2),
    (["--print", "s.html", "--key", "s.html"], "same name", 2), (["--students", "nobody.csv", "--gift", "q.txt"], "nobody.csv", 1),
    (["--html", "nowhere/q.html"], "nowhere", 1), (["7"], "not understood: 7", 2)])
def test_what_is_not_understood_is_said_in_one_line(tmp_path, arguments, reason, exit_code):
    _, errors, code = run("quiz", *arguments, cwd=tmp_path, check=False)
    assert code == exit_code and reason in errors and "Traceback" not in errors


def test_students_without_files_are_refused(tmp_path):
    (tmp_path / "ids.csv").write_text("a\nb\n")
    _, errors, code = run("quiz", "--students", "ids.csv", cwd=tmp_path, check=False)
    assert code == 2 and "--students writes files" in errors


def test_in_a_terminal_it_asks_and_says_what_was_wrong(capsys):
    made = quiz(["diamond", "orders"], seed=4, n=2)
    slip = made.items[0].wrong[0]
    given = iter(["what?", str(slip.answer), made.items[1].answer])
    cli_quiz.ask(made, lambda prompt: next(given))
    told = capsys.readouterr().out
    assert "such as 3/4 or 0.75" in told and f"no: {slip.reason}" in told and made.items[0].worked[0] in told
    assert told.endswith("1 of 2 questions right\n") and list(given) == []


def test_the_end_of_the_input_stops_it():
    def closed(prompt):
        raise EOFError
    with pytest.raises(KeyboardInterrupt):
        cli_quiz.ask(quiz(n=1), closed)
