"""The checker of worked steps: it passes what is right, finds each planted error in its line, and names the bug model."""

import copy
import json
import random
import re
from pathlib import Path

import pytest
from command import run
from jsonschema import Draft202012Validator

import tinygrad_edu as tg
from tinygrad_edu.classroom.faults.models import MODELS
from tinygrad_edu.classroom.faults.small import Value as Engine
from tinygrad_edu.classroom.faults.small import function
from tinygrad_edu.classroom.graphs import Line, SmallGraph
from tinygrad_edu.classroom.worked.check import check_steps
from tinygrad_edu.classroom.worked.rules import RULES

CIRCUIT = "x = -2, y = 5, z = -4\nq = x + y = -2 + 5 = 3\nf = q * z = 3 * -4 = -12\n"
UNTOLD = {"in-place", "dead-branch", "path-by-path", "deep-recursion", "second-backward", "shared-node"}    # no steps, or none wrong


# ---- the rules


@pytest.mark.smoke
@pytest.mark.parametrize("name", RULES)
def test_each_rule_rejects_its_example_and_nothing_before(name):
    task = tg.expression("(x + y) * z", x=-2, y=5, z=-4) if name == "task" else None
    report = check_steps(RULES[name], task)
    assert report.first_wrong.rule == name and report.exit_code == 1, report
    assert name == "missing" or report.first_wrong.place == f"line {RULES[name].count(chr(10)) + 1}"


# ---- random graphs, and what engines tell of them


def random_graph(seed):
    """Five to nine lines of small numbers, which all lead to the last."""
    rng = random.Random(seed)
    at = {name: str(rng.choice([-3, -2, 2, 3, 5])) for name in "abc"}
    unused, names, lines = list("abc"), list("abc"), []
    while len(lines) < 5 or (len(unused) > 1 and len(lines) < 12):
        op = rng.choice(["add", "sub", "mul", "mul", "div", "neg", "relu", "pow", "tanh", "exp", "sigmoid"])
        x = rng.choice(unused if unused and rng.random() < 0.7 else names)
        y = rng.choice(unused if unused and rng.random() < 0.6 else names)
        inputs = {"neg": (x,), "relu": (x,), "tanh": (x,), "exp": (x,), "sigmoid": (x,), "pow": (x, rng.choice("23"))}.get(op)
        inputs = inputs or rng.choice([(x, y), (x, y), (x, "2"), ("2", x)])
        name = f"v{len(lines) + 1}"
        lines.append(Line(name, op, inputs))
        unused = [n for n in unused if n not in inputs] + [name]
        names.append(name)
    if len(unused) > 1:
        return random_graph(f"{seed} again")
    graph = SmallGraph(tuple(lines), at)
    try:
        told = trace_of(graph, Engine)
    except (ArithmeticError, ValueError):
        return random_graph(f"{seed} again")
    sizes = [abs(step["value"]) for step in told["steps"]]
    return graph if max(sizes) < 1e4 and min(s for s in sizes if s) > 1e-3 else random_graph(f"{seed} again")


def trace_of(graph, engine):
    """The steps that an engine of the classroom takes, as JSON."""
    told, now = [], []

    class Telling(engine):
        def pass_on(self, node):
            now[:] = [node]
            super().pass_on(node)

        def receive(self, upstream, local_grad):
            before = self.grad
            super().receive(upstream, local_grad)
            told.append((now[0], self, before, upstream, local_grad, self.grad))
    nodes = graph.run(lambda name, number: Telling(float(number)), function(Telling))
    output = nodes[graph.output]
    output.backward()
    names = {node: name for name, node in nodes.items()}
    steps = [forward_step(line, nodes) for line in graph.lines]
    steps.append({"kind": "seed", "node": graph.output, "value": seed_of(Telling)})
    used = []
    for node, parent, *numbers in told:
        if node in names and parent in names:
            places = [i for i, p in enumerate(node.parents) if p is parent]
            edge = next((i for i in places if (node, i) not in used), places[0])
            used.append((node, edge))
            before, upstream, local, value = map(float, numbers)
            steps.append({"kind": "backward", "node": names[node], "parent": names[parent], "edge": edge,
                          "before": before, "upstream": upstream, "local": local, "value": value})
    return {"given": {name: float(x) for name, x in graph.at.items()}, "output": graph.output, "steps": steps}


def forward_step(line, nodes):
    inputs = [x if x in nodes else float(x) for x in line.inputs]
    if line.op == "pow" and line.inputs[1] not in nodes:
        return {"kind": "forward", "node": line.name, "value": float(nodes[line.name].data), "op": "power",
                "inputs": inputs[:1], "constants": {"n": inputs[1]}}
    return {"kind": "forward", "node": line.name, "value": float(nodes[line.name].data), "op": line.op, "inputs": inputs}


def seed_of(engine):
    node = engine(2.0) * engine(3.0)
    node.seed()
    return float(node.grad)


def first_wrong_step(wrong, right):
    """The number of the first step that is not so in truth, counted from 1; None if only something is missing."""
    gradients, locals_ = {right["output"]: 1.0}, {}
    for step in right["steps"]:
        if step["kind"] == "backward":
            gradients[step["parent"]] = step["value"]
            locals_[step["node"], step["edge"]] = step["local"]
    so_far, used = {}, set()
    for number, (step, as_it_is) in enumerate(zip(wrong["steps"], [*right["steps"], *[{}] * 99], strict=False), 1):
        if step["kind"] != "backward":
            if step["value"] != pytest.approx(as_it_is["value"], rel=1e-9):
                return number
            continue
        arrow = step["node"], step["edge"]
        before = so_far.get(step["parent"], 0.0)
        wanted = before, gradients.get(step["node"], 0.0), locals_.get(arrow, 0.0)
        told = step["before"], step["upstream"], step["local"]
        if arrow in used or told != pytest.approx(wanted, rel=1e-9, abs=1e-12) or (
                step["value"] != pytest.approx(before + wanted[1] * wanted[2], rel=1e-9, abs=1e-12)):
            return number
        used.add(arrow)
        so_far[step["parent"]] = step["value"]
    return None


def as_text(data, rng):
    """The same steps as a person might write them."""
    lines = [", ".join(f"{name} = {x:g}" for name, x in data["given"].items())]
    twice = {(step["node"], x) for step in data["steps"] if step["kind"] == "forward"
             for x in step["inputs"] if step["inputs"].count(x) > 1}
    for step in data["steps"]:
        if step["kind"] == "forward":
            made = made_as_text(step)
            lines.append(f"{step['node']} = {made} = {step['value']:.10g}")
        elif step["kind"] == "seed":
            lines.append(rng.choice(["{0}.grad = {1:g}", "∂{0}/∂{0} = {1:g}", "d{0}/d{0} = {1:g}"]).format(step["node"], step["value"]))
        else:
            numbers = [f"{step[key]:.10g}" for key in ("before", "upstream", "local", "value")]
            which = f" (input {step['edge'] + 1})" if (step["node"], step["parent"]) in twice else ""
            lines.append("{parent}.grad += {node}.grad × ∂{node}/∂{parent}".format(**step) + which
                         + " → {} + {} × {} = {}".format(*numbers))
    return "\n".join(lines)


def made_as_text(step):
    x, *y = [x if isinstance(x, str) else f"{x:g}" for x in step["inputs"]]
    signs = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**"}
    if step["op"] in signs:
        return f"{x} {signs[step['op']]} {y[0]}"
    return f"{x}**{step['constants']['n']:g}" if step["op"] == "power" else f"-{x}" if step["op"] == "neg" else f"{step['op']}({x})"


def place(report):
    line = report.first_wrong
    return None if line is None or line.place == "the end" else int(line.place.split()[1])


# ---- right steps pass


BLOCKS = [0, *[pytest.param(block, marks=pytest.mark.long) for block in range(1, 20)]]


@pytest.mark.parametrize("block", BLOCKS)
def test_right_steps_pass_as_json_and_as_text(block):
    for seed in range(25 * block, 25 * block + 25):
        graph = random_graph(seed)
        data = trace_of(graph, Engine)
        source = data if seed % 2 else as_text(data, random.Random(seed))
        report = check_steps(source)
        assert report.exit_code == 0, f"{seed}\n{source}\n{report}"
        assert {line.verdict for line in report.lines} == {"right"}


@pytest.mark.parametrize("form", ["json", "markdown", "lines"])
def test_the_steps_of_this_package_pass_in_every_form(form):
    for seed in range(6):
        nodes = random_graph(seed).values()
        events = tg.steps(list(nodes.values())[-1])
        source = {"json": events.as_dict(), "markdown": events.to_markdown(),
                  "lines": "\n".join(event.text for event in events)}[form]
        report = check_steps(source)
        assert report.exit_code == 0 and {line.verdict for line in report.lines} <= {"right", "words"}, f"{source}\n{report}"


# ---- one planted error


def slipped(number, rng):
    """A number with a slip of a digit, of the sign, or of the point."""
    text = f"{number:.10g}"
    digits = [i for i, c in enumerate(text) if c.isdigit() and "e" not in text[:i]]
    kind = rng.choice(["digit", "sign", "swap", "point"])
    if kind == "sign" and number:
        return -number
    if kind == "point" and number:
        return number * 10
    if kind == "swap" and len(digits) > 1 and "." not in text and text[digits[0]] != text[digits[1]]:
        i, j = digits[:2]
        return float(text[:i] + text[j] + text[i] + text[j + 1:])
    i = digits[rng.randrange(min(3, len(digits)))]
    return float(text[:i] + str((int(text[i]) + rng.randint(1, 8)) % 10) + text[i + 1:])


def plant_slip(data, rng):
    """The steps with one number of one step altered, and the number of the step."""
    data = copy.deepcopy(data)
    while True:
        place = rng.randrange(len(data["steps"]))
        step = data["steps"][place]
        key = rng.choice([key for key in ("value", "before", "upstream", "local") if key in step])
        number = slipped(step[key], rng)
        if abs(number - step[key]) > 1e-6 * max(1.0, abs(step[key])):
            step[key] = number
            return data, place + 1


@pytest.mark.parametrize("block", BLOCKS[:10])
def test_a_slip_is_found_in_its_line(block):
    for seed in range(25 * block, 25 * block + 25):
        rng = random.Random(seed)
        data, planted = plant_slip(trace_of(random_graph(seed), Engine), rng)
        as_words = seed % 2 == 0
        report = check_steps(as_text(data, rng) if as_words else data)
        assert report.exit_code == 1 and place(report) == planted + as_words, f"{seed} {planted}\n{as_text(data, rng)}\n{report}"


def model_traces(count):
    """Steps with the fault of a bug model, and where it shows first."""
    models = [model for model in MODELS.values() if model.engine and model.name not in UNTOLD]
    seed = 0
    while count:
        seed += 1
        model = models[seed % len(models)]
        graph = random_graph(f"model {seed}")
        try:
            wrong = trace_of(graph, model.engine)
        except (ArithmeticError, ValueError, AttributeError, KeyError):
            continue
        right = trace_of(graph, Engine)
        leaves = {**dict.fromkeys(graph.at, 0.0), **{s["parent"]: s["value"] for s in wrong["steps"] if s["kind"] == "backward"}}
        truth = {s["parent"]: s["value"] for s in right["steps"] if s["kind"] == "backward"}
        forward = any(s["value"] != pytest.approx(t["value"], rel=1e-6) for s, t in zip(wrong["steps"], right["steps"], strict=False) if s["kind"] == "forward")
        if forward or any(abs(leaves[name] - truth[name]) > 1e-6 for name in graph.at if name in truth):
            yield seed, model, graph, wrong, right
            count -= 1


@pytest.fixture(scope="module", params=[40, pytest.param(250, marks=pytest.mark.long)])
def model_reports(request):
    """[(model, where it shows, report)] of so many traces."""
    reports = []
    for seed, model, graph, wrong, right in model_traces(request.param):
        as_words = seed % 2 == 0
        report = check_steps(as_text(wrong, random.Random(seed)) if as_words else wrong)
        planted = first_wrong_step(wrong, right)
        reports.append((model.name, planted and planted + as_words, report, graph.text, wrong))
    return reports


def test_the_fault_of_a_model_is_found_in_its_line(model_reports):
    for name, planted, report, text, _ in model_reports:
        assert report.exit_code == 1 and place(report) == planted, f"{name} {planted} {text}\n{report}"


def test_the_model_is_named_in_four_of_five(model_reports):
    named = [name in report.first_wrong.like for name, _, report, *_ in model_reports]
    assert sum(named) >= 0.8 * len(named), sorted({name for (name, *_), hit in zip(model_reports, named, strict=True) if not hit})
    assert len({name for name, *_ in model_reports}) >= 15


# ---- what people write


WRITTEN = [
    CIRCUIT + "∂f/∂f = 1\n∂f/∂q = z = -4\n∂f/∂z = q = 3\n∂f/∂x = ∂f/∂q · ∂q/∂x = (-4) · 1 = -4\n∂f/∂y = -4 * 1 = -4",
    "**Forward pass:**\n\n1. $q = x + y = -2 + 5 = 3$\n2. $f = q \\cdot z = 3 \\cdot (-4) = -12$\n\nBackward:\n"
    "- $\\frac{\\partial f}{\\partial z} = q = 3$\n- `df/dq = z = -4`\n- df/dx = df/dq * dq/dx = -4\n- Step 4: df/dy = -4",
    CIRCUIT + "f.grad = 1\nz.grad += f.grad * q = 1 * 3 = 3\nq.grad += f.grad * z = -4\nx.grad += q.grad * 1 -> 0 + -4 * 1 = -4\n"
    "y.grad = q.grad = -4",
    "a = 2, b = 1\nc = a + b = 3; d = b + 1 = 2; e = c * d = 6\ne.grad = 1\nd.grad = c = 3\nc.grad = d = 2\na.grad = c.grad = 2\n"
    "∂e/∂b = ∂e/∂c · ∂c/∂b + ∂e/∂d · ∂d/∂b = 2 · 1 + 3 · 1 = 5",
    "a = 2, b = 1\nc = a + b\nd = b + 1\ne = c * d = 6\nb.grad += e.grad * d * 1 = 2\nb.grad += e.grad * c * 1 = 3\na.grad = 2",
    "x = 1/3\ny = 3x² = 0.33\n∂y/∂x = 6x = 2",
    "Step 1\nx = 2 ✓\ny = x^2 = 4\n$\\frac{dy}{dx} = 2 \\cdot x = 4$",
    "w = 0.5, x = 2, b = -1\ns = w*x + b = 0\nt = tanh(s) = 0\n∂t/∂s = 1 - t**2 = 1\n∂s/∂w = x = 2\n∂t/∂w = 2\n∂t/∂x = 0.5\n∂t/∂b = 1",
    "x = -2\ny = relu(x) = 0\ny.grad = 1\nx.grad += y.grad × ∂y/∂x → 0 + 1 × 0 = 0",
    "a = 1.234\nb = 2.345\nc = a * b = 2.89\nd = c * c = 8.4\nd.grad = 1\nc.grad = 2c = 5.8\na.grad = 5.8 * 2.345 = 13.6\nb.grad = c.grad * a = 7.1",
]


@pytest.mark.smoke
@pytest.mark.parametrize("text", WRITTEN)
def test_right_steps_as_people_write_them_pass(text):
    report = check_steps(text)
    assert report.exit_code == 0, report


@pytest.mark.parametrize("text", [text for text in WRITTEN if "Step" not in text and "relu" not in text])
def test_no_number_of_theirs_can_be_altered_unnoticed(text):
    for number in re.finditer(r"(?<![\w.*^])\d+(\.\d+)?(?![\w.])", text):
        altered = f"{float(number[0]) + 1:.4g}" if "." in number[0] else str(int(number[0]) + 1)
        report = check_steps(text[:number.start()] + altered + text[number.end():])
        assert report.exit_code > 0, number


@pytest.mark.parametrize(("text", "line", "says"), [
    (CIRCUIT.replace("3 * -4", "3 * 4"), 3, "z is -4, not 4 (the sign)"),
    (CIRCUIT + "∂f/∂q = x = -2", 4, "∂f/∂q is -4, not -2"),
    (CIRCUIT + "f.grad = 1\nx.grad += z.grad * 1 = 1", 5, "z is not made of x"),
    ("a = 2, b = 1\nc = a + b = 3\nd = b + 1 = 2\ne = c * d = 6\nb.grad = e.grad * d = 2\nb.grad = e.grad * c = 3", 5, "b.grad is 5, not 2"),
    (CIRCUIT.replace("-2 + 5", "2 * 2"), 2, "2 * 2 is 4, not 3"),
    ("x = 53\ny = 2 * x = 106\n∂y/∂x = 2\nx = 35", 4, "x is 53, not 35 (two digits are swapped)"),
    ("x = 2\ny = x**2 = 40", 2, "y is 4, not 40 (the decimal point)"),
    ("x = 2\ny = x + 1 = 3\nx.grad → 0", 3, "x.grad is 1, not 0"),
])
def test_mistakes_are_named(text, line, says):
    wrong = check_steps(text).first_wrong
    assert (wrong.place, wrong.says) == (f"line {line}", says)


AS_PEOPLE_WRITE = sorted((Path(__file__).parent / "worked_steps").glob("*.md"))


@pytest.mark.parametrize("path", AS_PEOPLE_WRITE, ids=lambda path: path.stem)
def test_right_files_as_people_and_chatbots_write_them_pass(path):
    report = check_steps(path.read_text(encoding="utf-8"))
    assert report.exit_code == 0, report


@pytest.mark.parametrize("path", AS_PEOPLE_WRITE, ids=lambda path: path.stem)
def test_none_of_their_numbers_can_be_altered_unnoticed(path):
    text = path.read_text(encoding="utf-8")
    for number in list(re.finditer(r"(?<![\w.*^{²])(?<!Step )\d+(\.\d+)?(?![\w.)])", text))[::4]:
        altered = f"{float(number[0]) + 1:.4g}" if "." in number[0] else str(int(number[0]) + 1)
        report = check_steps(text[:number.start()] + altered + text[number.end():])
        assert report.exit_code > 0, number


@pytest.mark.parametrize(("claim", "code"), [
    ("xgrad = 99", 2), ("δ = 99", 2), ("x̄ = 99", 1), ("$\\bar{x} = 99$", 1), ("∂y/∂x = ½", 1), ("dx = 99", 1), ("grad_x = 99", 1), ("dydx = 99", 1), ("dy_dx = 99", 1), ("y' = 99", 1),
    ("grad x = 99", 1), ("∇y = 99", 1), ("∇y = (4, 4)", 2), ("So dy/dx is **99**.", 1), ("∂y/∂x: 99", 1), ("y = 99 + 1 = 4", 1),
    ("The derivative of y w.r.t. x equals 99", 1), ("So the answer is $\\frac{99}{2}$.", 2), ("∂y/∂x = 2x\n  = 99", 1),
    ("y = x*x  # 99", 1), ("dy/dx = 4, which makes x.grad 99", 2), ("| Node | Gradient |\n|---|---|\n| x | 99 |", 1),
    ("| | value | local |\n|---|---|---|\n| x | 2 | 99 |", 2), ("f(3) = 9", 2), ("dy/dx|_{x=99} = 4", 1), ("(x, y) = (2, 99)", 1),
])
def test_no_claim_is_passed_over(claim, code):
    report = check_steps(f"x = 2\ny = x * x = 4\n∂y/∂x = 4\n{claim}")
    assert report.exit_code == code, report


def test_a_line_that_is_not_understood_makes_no_other_one_wrong():
    report = check_steps("x = 2, y = 5\nq = x + y = 7\nf = q * foo(x) = 14\nx.grad = 9\ny.grad = 2")
    assert report.exit_code == 2 and not report.first_wrong and "it depends on line 3" in report.lines[-1].says, report


def test_a_formula_may_be_written_again_by_its_parts():
    text = CIRCUIT.replace("q = x", "f(x, y, z) = (x + y)z = -12\nq = x") + "∂f/∂q = z = -4\n∂f/∂x = -4\n∂f/∂y = -4\n∂f/∂z = 3"
    assert check_steps(text).exit_code == 0


def test_what_follows_from_a_wrong_line_is_told_apart():
    report = check_steps(CIRCUIT + "∂f/∂z = q = 3\n∂f/∂q = 4\n∂f/∂x = ∂f/∂q * 1 = 4\n∂f/∂y = ∂f/∂q * 1 = -4")
    assert [line.verdict for line in report.lines[-4:]] == ["right", "wrong", "follows", "right"]
    assert report.lines[-2].says == "right, given line 5"


@pytest.mark.parametrize(("text", "why"), [
    ("q = x +", "this"), ("q = x + y = 3\nx.grad = t.grad", "t"), ("h.grad = 3", "no line says what h is"), (CIRCUIT + "h.grad, z.grad → 0", "no line says what h is"), ("q = 1 + 2 = 3", "made of"),
    ("x = 1\ny = x * w = 3", "w has no number yet"), ("x = 2\ny = softmax(x)", "list"), ("x = 2\ny = x.grad = 3", "a gradient stands"),
    ("x = 2\nSo the gradient of x is 5.", "no = sign"), ("x == 2", "="), ("f(x) = x**2 = 4", "x has no number"), ("x = 1\ny = x = 1 and so on", "and"),
])
def test_what_is_not_understood_is_said(text, why):
    report = check_steps(text)
    lines = [line for line in report.lines if line.verdict == "not understood"]
    assert report.exit_code == 2 and any(why in line.says for line in lines), report


def test_words_alone_are_no_steps():
    report = check_steps("The gradient is easy.\n\nNext question")
    assert report.exit_code == 2 and [line.verdict for line in report.lines] == ["words", "words"]
    assert check_steps("").exit_code == 2


def test_only_the_gradients_that_are_asked_for_are_missed():
    text = CIRCUIT + "∂f/∂x = -4"
    assert check_steps(text, of=["x"]).exit_code == 0
    assert check_steps(text).first_wrong.text == "no line gives the gradients of y and z"
    with pytest.raises(ValueError, match="'t' is not in the steps"):
        check_steps(text, of=["t"])


def test_the_model_is_told_in_words():
    report = check_steps("a = 2\nb = a + a = 4\nb.grad = 1\na.grad += b.grad × ∂b/∂a (input 2) → 0 + 1 × 1 = 1\n"
                         "a.grad += b.grad × ∂b/∂a (input 1) → 1 + 1 × 1 = 1")
    assert "accumulate" in report.first_wrong.like and "it looks like this: = instead of +=" in str(report)


@pytest.mark.parametrize("seed", range(24))
def test_no_text_is_too_strange(seed):
    rng = random.Random(seed)
    text = list(as_text(trace_of(random_graph(seed % 6), Engine), rng))
    for _ in range(rng.randint(1, 12)):
        i = rng.randrange(len(text))
        text[i:i + rng.randint(0, 3)] = rng.choice(["=", "∂", "/", "(", ")", "[", "1e999", "→", "\n", "|", "$", "\\frac{", ".grad", "nan", "inf", "**", "9" * 30, "0", "-", "é", "\x00", "%", "if", ",", ";"])
    report = check_steps("".join(text))
    assert report.exit_code in (0, 1, 2) and len(report.lines) > 0 and str(report)


@pytest.mark.parametrize(("text", "rule"), [
    (CIRCUIT, ""), ("q = x + y = 3\nf = q * z = -12", ""), ("f = x * z + y * z = 8 - 20 = -12", ""), ("f = (x + y) * z = 3 * -4 = -12", ""),
    (CIRCUIT.replace("-4", "-5").replace("-12", "-15"), "again"), ("q = x + y = -2 + 4 = 2\nf = q * z = -8", "numbers"),
    ("f = x * y + 2 = -8\n", "task"), ("q = x + y = 3\nf = q - z - 19 = -12", "task"),
])
def test_steps_are_held_against_what_was_asked(text, rule):
    report = check_steps(text, tg.expression("(x + y) * z", x=-2, y=5, z=-4))
    assert (report.first_wrong.rule if report.first_wrong else "") == rule, report


def test_numbers_and_lines_without_end_do_no_harm():
    squares = "\n".join(f"v{k + 1} = v{k} * v{k}" for k in range(40))
    for text in ("v0 = 1/3\n" + squares, "v0 = 3\n" + squares, "x = 9**9**9", "x = 2\ny = x**99999999 = 1", "x = " + "9" * 1500):
        assert check_steps(text).exit_code in (0, 1, 2)
    for line in ("(" * 20_000, "a" * 20_000 + " = 3", "((" * 900 + " = 3", "a." * 900 + "grad = 3", "∂" * 1900 + "/ = 2", "1" * 1900 + " = 2",
                 "ab " * 660 + "= 1", "x = " + "+".join(["y"] * 990), "f(" * 900 + " = 1", "\\frac{" * 330 + " = 1", "a:" * 900 + " = 1", "|_{" * 600 + "x=1"):
        assert check_steps(line).exit_code == 2


# ---- JSON


def test_steps_as_json_are_as_the_schema_has_them():
    schema = json.loads((Path(tg.__file__).parent / "show" / "steps.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    logits = [tg.Value(k / 3, label=f"z{k}") for k in range(3)]
    graphs = [list(random_graph(seed).values().values())[-1] for seed in range(20)]
    graphs += [tg.softmax(logits)[1], tg.cross_entropy(logits, 1), tg.mse(tg.MLP(2, [3, 1], rng=0)([1.0, 2.0]), 1.0),
               tg.expression("relu(x) * y + leaky_relu(x, 0.1)", x=-1, y=2)]
    for output in graphs:
        data = json.loads(json.dumps(tg.steps(output).as_dict()))
        validator.validate(data)
        assert check_steps(data).exit_code == 0
        for step in data["steps"]:
            for key in {"kind", "node", "value", *(["op", "inputs"] if step["kind"] == "forward" else [])}:
                assert not validator.is_valid({**data, "steps": [{k: x for k, x in step.items() if k != key}]})


@pytest.mark.parametrize(("change", "words"), [
    (lambda data: data.pop("steps"), 'a list "steps"'), (lambda data: data.update(format="tinygrad-edu-steps-2"), "have the format 'tinygrad-edu-steps-2'"), (lambda data: data.pop("given"), "'given' is missing"),
    (lambda data: data["steps"][0].pop("op"), "step 1: 'op' is missing"), (lambda data: data["steps"][0].update(op="plus"), "no operation called 'plus'"),
    (lambda data: data["steps"][0].update(value="3"), "step 1: a number is needed, got '3'"), (lambda data: data["steps"].insert(0, 7), "step 1 is an object"),
    (lambda data: data.update(given=3), "'given' is missing, or is no object"), (lambda data: data.update(constants=3), "'constants' is missing, or is no list"),
    (lambda data: data["steps"][0].update(inputs=["x"]), "step 1: add() takes x, y, but 1 was given"), (lambda data: data["steps"][0].update(constants=[1]), "step 1: 'constants'"),
    (lambda data: data["steps"][0].update(op="power", inputs=["x"], constants={"m": 1}), "step 1: power() has no argument 'm'"),
    (lambda data: data["steps"][3].pop("upstream"), "step 4: 'upstream' is missing"), (lambda data: data["given"].update(x=True), "given x: a number is needed"),
])
def test_json_that_is_not_as_the_schema_has_it_is_refused(change, words):
    data = tg.steps(tg.expression("(x + y) * z", x=-2, y=5, z=-4)).as_dict()
    change(data)
    with pytest.raises(ValueError, match=re.escape(words)):
        check_steps(data)


def test_what_is_behind_a_closed_door_has_a_name():
    steps = [{"kind": "forward", "node": "f", "value": 0, "op": "relu", "inputs": ["x"]}, {"kind": "stopped", "node": "f", "value": 0, "behind": [7]}]
    assert check_steps({"given": {"x": -1}, "steps": steps}).lines[-1].says == "no line says what 7 is"


def test_a_seed_that_is_given_is_one():
    f = tg.expression("x * y", x=2, y=3)
    assert check_steps(tg.steps(f, seed=2.0).as_dict()).exit_code == 0
    data = tg.steps(f).as_dict()
    data["steps"][1]["value"] = 2.0
    assert check_steps(data).first_wrong.rule == "seed"


# ---- the command


def test_the_command_says_it_with_its_exit_code(tmp_path):
    (tmp_path / "steps.md").write_text(CIRCUIT + "∂f/∂x = -4", encoding="utf-8")
    (tmp_path / "steps.json").write_text(run("step", "(x + y) * z", "x=-2", "y=5", "z=-4", "--json")[0], encoding="utf-8")
    assert run("check", "steps.md", "--of", "x", cwd=tmp_path)[0] == "6 right\n"
    assert run("check", "steps.json", cwd=tmp_path)[0] == "10 right\n"
    asked = ["(x + y) * z", "x=-2", "y=5", "z=-4"]
    assert run("check", "steps.json", *asked, cwd=tmp_path)[2] == 0
    assert run("check", "steps.md", *asked, "--of", "x", cwd=tmp_path)[2] == 0
    output, _, code = run("check", "steps.md", "(x - y) * z", *asked[1:], "--of", "x", cwd=tmp_path, check=False)
    assert code == 1 and "f is not what was asked for" in output
    output, _, code = run("check", "steps.md", "--json", cwd=tmp_path, check=False)
    assert code == 1 and json.loads(output)["lines"][-1]["rule"] == "missing"
    (tmp_path / "steps.md").write_text("x = y = ?\n\x1b[31m = 3")
    output, _, code = run("check", "steps.md", cwd=tmp_path, check=False)
    assert code == 2 and "not understood" in output and "\x1b" not in output


@pytest.mark.parametrize(("data", "words"), [(None, "steps.md: "), (b"\xff\xfe\xff", "no text in UTF-8"), (b'{"steps"', "begins like JSON"),
                                           (b"x = 1\n" * 2_000_000, "more than 10,000,000 bytes")])
def test_a_file_that_cannot_be_read_is_not_understood(data, words, tmp_path):
    if data is not None:
        (tmp_path / "steps.md").write_bytes(data)
    _, errors, code = run("check", "steps.md", cwd=tmp_path, check=False)
    assert code == 2 and words in errors and "Traceback" not in errors
