"""The questions learners ask most: the numbers are computed, the page plays, and the commands say it."""

import json
import shlex

import pytest
from command import run

import tinygrad_edu as tg
from tinygrad_edu.classroom.faults.models import MODELS
from tinygrad_edu.classroom.often_asked import QUESTIONS, outcome, shown


@pytest.mark.smoke
@pytest.mark.parametrize("name", QUESTIONS)
def test_an_answer_has_right_and_wrong_numbers_and_a_page(name):
    question = tg.classroom.why(name)
    for told in question.as_dict()["tried"]:
        assert told["right"] != told["wrong"] and told["right"] in str(question) and told["wrong"] in str(question)
    text, numbers = question.example
    page = question.page().html
    assert "<svg" in page and all(f"{name}" in text for name in numbers)


@pytest.mark.parametrize("name", ["topo", "seed", "twice"])
def test_the_right_numbers_are_those_of_the_engine(name):
    for model in map(MODELS.__getitem__, QUESTIONS[name].models):
        nodes = model.graph.values()
        for called in model.calls or (model.graph.output,):
            nodes[called].backward()
        assert outcome({leaf: nodes[leaf].grad for leaf in model.graph.at}) == outcome(model.right)


def test_gradients_that_are_never_cleared_add_up():
    """Three steps of gradient descent, done here by the engine of the package, with and without zero_grad."""
    def gradients(is_cleared):
        w, b, told = tg.Value(1.0), tg.Value(0.0), []
        optimizer = tg.SGD([w, b], lr=1 / 16)
        for _ in range(3):
            if is_cleared:
                optimizer.zero_grad()
            ((2 * w + b - 1) ** 2).backward()
            told.append(shown(w.grad))
            optimizer.step()
        return ", ".join(told)
    [told] = QUESTIONS["zero-grad"].as_dict()["tried"]
    assert (told["right"], told["wrong"]) == (gradients(True), gradients(False))


def test_the_command_lists_answers_and_writes_the_page(tmp_path):
    listed = run("why")[0].splitlines()
    assert [line.split()[0] for line in listed] == [*QUESTIONS] and all(line.endswith("?") for line in listed)
    for name, question in QUESTIONS.items():
        output, *_ = run("why", name, "--html", f"{name}.html", cwd=tmp_path)
        assert output == f"{question}\nwrote {name}.html: open it in a browser\n"
        assert (tmp_path / f"{name}.html").read_text(encoding="utf-8") == question.page().html
        run(*shlex.split(question.command)[1:], "--no-open", "-o", "played.html", cwd=tmp_path)
        assert (tmp_path / "played.html").exists()
    assert json.loads(run("why", "Topo", "--json")[0])["tried"][0]["right"] == "a.grad = 4"


def test_without_a_question_there_is_no_page_and_json_has_them_all(tmp_path):
    _, errors, code = run("why", "--html", "x.html", check=False, cwd=tmp_path)
    assert code == 2 and "which question" in errors and not (tmp_path / "x.html").exists()
    assert [question["name"] for question in json.loads(run("why", "--json")[0])] == [*QUESTIONS]
    assert json.loads(run("why", "seed", "--json", "--html", "x.html", cwd=tmp_path)[0])["name"] == "seed" and (tmp_path / "x.html").exists()


def test_another_question_is_refused_with_the_nearest():
    _, errors, code = run("why", "top", check=False)
    assert code == 2 and "did you mean 'topo'?" in errors
    with pytest.raises(ValueError, match="unknown question 'sed'"):
        tg.classroom.why("sed")


@pytest.mark.parametrize("command", ["cost", "why"])
def test_the_examples_of_the_help_work(command, tmp_path):
    examples = [line.strip() for line in run(command, "--help")[0].split("examples:")[1].splitlines() if line.strip()]
    for example in examples:
        run(*shlex.split(example)[1:], cwd=tmp_path)


def test_the_cost_of_an_expression_is_that_of_its_graph():
    price = tg.cost(tg.expression("tanh(w*x + b)", w=0.5, x=2, b=-1))
    assert run("cost", "tanh(w*x + b)", "w=0.5", "x=2", "b=-1")[0] == f"{price}\n"
    data = json.loads(run("cost", "tanh(w*x + b)", "w=0.5", "x=2", "b=-1", "--json")[0])
    assert {key: data[key] for key in price.as_dict()} == json.loads(json.dumps(price.as_dict()))
    _, errors, code = run("cost", "2 * 3", check=False)
    assert code == 2 and "has no names" in errors
