"""The one idea: an operation is declared once.  What is printed from a rule computes the same bits."""

import ctypes
import inspect
import math
import random
import shutil
import subprocess
from fractions import Fraction

import pytest
from draws import stratified

import tinygrad_edu as tg
from tinygrad_edu import OPS, REAL, Value
from tinygrad_edu.engine import formula as m


def test_adding_an_op_is_one_rule():
    @tg.op("cube", REAL, scale=2.0)
    def scaled_cube(x, *, scale):
        """scale * x³."""
        return scale * x * x * x, (m.written(lambda: 3 * scale * m.power(x, 2), 3 * scale * x * x),)

    x = Value(1.5, label="x")
    y = scaled_cube(x, scale=2)
    y.label = "y"
    y.backward()
    assert (y.data, x.grad, y.op, y.constants) == (6.75, 13.5, "scaled_cube", {"scale": 2.0})       # evaluated
    assert x.scaled_cube(scale=2).data == scaled_cube(1.5, 2) == 6.75                               # method, floats
    assert ">cube</text>" in tg.draw(y).svg and "∂ 13.5" in tg.draw(y).svg                          # drawn
    assert [event.text for event in tg.steps(y)] == [                                               # stepped
        "y = scaled_cube(x, scale=2) = scaled_cube(1.5, scale=2) = 6.75", "∂y/∂y = 1",
        "x.grad += y.grad × ∂y/∂x → 0 + 1 × 13.5 = 13.5"]
    assert str(tg.symbolic(y)["x"]) == "6 * x**2"                                                   # in symbols
    assert tg.exact(y)["x"] == Fraction(27, 2)                                                      # exactly
    second = tg.replay(y, Value)["x"]
    second.backward()
    assert x.grad == 13.5 + 18.0                                                                    # twice
    assert tg.expression("scaled_cube(x, 2)", x=1.5).data == 6.75                                   # from text
    assert r"\frac{\partial f}{\partial x} = 3 \cdot \mathrm{scale} \cdot x^{2}" in tg.source(scaled_cube, "latex")
    assert "double op_scaled_cube(double x, double scale, double *g_x)" in tg.source(scaled_cube, "c")


def test_an_op_of_ones_own_may_be_declared_again_and_old_nodes_keep_theirs():
    def declared(constant):
        @tg.op("twice", REAL)
        def twice(x):
            return 2 * x + constant, (2,)
        return twice
    x = Value(3.0, label="x")
    declared(0)
    old = x.twice()
    twice = declared(1)         # a notebook cell run again, with the mistake mended
    assert (old.data, x.twice().data, twice(3.0)) == (6.0, 7.0, 7.0)
    assert tg.exact(old).value == 6


def test_an_op_named_like_a_word_of_formulas_stands_in_quotes():
    @tg.op("π", REAL)
    def pi(x, *, n=2.0):
        return n * x * x, (2 * n * x,)
    y = pi(Value(3.0, label="x"))
    y.label = "y"
    assert tg.steps(y)[0].text == "y = 'pi'(x, n=2) = 'pi'(3, n=2) = 18"


def branching(x):
    return (x, (1,)) if x > 0 else (0, (0,))


@pytest.mark.parametrize(("rule", "words"), [
    (branching, "m.where"), (lambda x: (math.exp(x), (1,)), "m.exp"), (lambda x: (x ** 2, (2 * x,)), "m.power"),
    (lambda x: (m.where(x == 0, 1, 0), (0,)), "m.equal"), (lambda x: (x * x, (x, x)), "2 local gradients"),
    (lambda x, y: (x * y, (y, x)), "2 inputs .* but 1 domains"), (lambda x: (int(x), (0,)), "no number yet"),
    (lambda x, *, n: (n * x, (n,)), "sample value of its constant"), (lambda: (1, ()), "0 inputs"),
    (lambda x: (x and 1, (0,)), "cannot branch"), (lambda x: (x * x, 2 * x), "mind the comma"), (lambda x: x * x, "must return"),
])
def test_a_rule_that_could_not_be_printed_is_refused_with_the_remedy(rule, words):
    before = dict(OPS)
    with pytest.raises(TypeError, match=words):
        tg.op("?", REAL)(rule)
    assert before == OPS


@pytest.mark.parametrize("declare", [
    lambda: tg.op(branching), lambda: tg.op("s", "real"), lambda: tg.op(5, REAL), lambda: tg.op("s", [REAL], REAL),
    lambda: tg.op("s", [REAL, REAL]), lambda: tg.op("s", []), lambda: tg.op("s", 3.0), lambda: tg.op("s", [3.0]),
])
def test_a_declaration_that_makes_no_sense_is_refused(declare):
    with pytest.raises(TypeError, match=r"got |either all"):
        declare()


def test_built_in_ops_and_attributes_cannot_be_replaced():
    def tanh(x):
        return x, (1,)

    def backward(x):
        return x, (1,)
    for rule, words in (tanh, "built-in"), (backward, "already something else"):
        with pytest.raises(ValueError, match=words):
            tg.op("?", REAL)(rule)
    assert tg.tanh(1.0) == math.tanh(1.0)


def test_every_op_is_exported_documented_and_has_a_symbol():
    for name, op in OPS.items():
        assert name == "pow" or getattr(tg, name) is op
        assert name in tg.__all__ and op.symbol and op.__doc__ and op.inputs
    assert len({*tg.__all__}) == len(tg.__all__) and all(hasattr(tg, name) for name in tg.__all__)


def test_a_method_says_what_its_op_is_in_the_first_paragraph_on_one_line():
    @tg.op("twice", REAL)
    def twice(x):
        """2x, or
        x + x.

        Not x².
        """
        return 2 * x, (2,)
    assert Value.twice.__doc__ == twice.summary == "2x, or x + x."
    assert tg.Op(lambda x: (x, (1,)), "", (REAL,), False, {}).summary == ""


@pytest.mark.parametrize("op", OPS.values(), ids=repr)
def test_a_signature_is_that_of_the_rule(op):
    scope = {}
    exec(f"def written{op.signature.removeprefix(op.name)}: pass", scope)
    written, rule = (inspect.getfullargspec(f) for f in (scope["written"], op.rule))
    assert written.args == [*op.inputs, *op.constants] == rule.args + rule.kwonlyargs
    assert (written.defaults or ()) == tuple((rule.kwonlydefaults or {}).values())
    assert op.domain_text.split(", ") == [interval.describe(name) for name, interval in zip(op.inputs, op.domain)]


@pytest.mark.parametrize("op", [op for op in OPS.values() if op.rows], ids=repr)
def test_a_row_may_be_a_list_any_iterable_or_just_numbers(op):
    for row in ([2.0], [2.0, 3.0], [4.0, 1.0, 2.0]):
        result = op(*[row] * len(op.inputs))
        assert op(*[iter(row) for _ in op.inputs]) == op(*[tuple(map(Value, row))] * len(op.inputs)).data == result
        assert len(op.inputs) > 1 or op(*row) == result


def test_the_sum_and_the_product_of_no_numbers_are_numbers():
    assert (tg.sum([]), tg.prod([]), tg.dot([], [])) == (0.0, 1.0, 0.0)


@pytest.mark.parametrize(("op", "value", "slopes"), [
    (tg.tanh, "tanh(x)", {"x": "1 - f**2"}), (tg.mul, "x * y", {"x": "y", "y": "x"}), (tg.identity, "x", {"x": "1"}),
    (tg.dot, "sum(x[i] * y[i])", {"x[i]": "y[i]", "y[i]": "x[i]"}), (tg.prod, "prod(x[i])", {"x[i]": "prod(x[j] for j != i)"}),
    (tg.Op(lambda x: (2, (0,)), "2", (REAL,), False, {}), "2", {"x": "0"}),
    (tg.Op(lambda x: (x, (2 * x,)), "x", (REAL,), False, {}), "x", {"x": "2 * x"}),
], ids=str)
def test_an_op_in_text_calls_its_value_f(op, value, slopes):
    assert op.in_text() == (f"f = {value}", [f"∂f/∂{name} = {slope}" for name, slope in slopes.items()])
    shown, *lines = tg.source(op, "latex").splitlines()
    assert shown.startswith("f = ") and len(lines) == len(slopes)
    for name, line in zip(slopes, lines):
        assert line.startswith(rf"\frac{{\partial f}}{{\partial {name.replace('[i]', '_{i}')}}} = ") and ("f" in line[20:]) == (op is tg.tanh)


# ---- what is printed from a rule computes the same


def samples(op, count=80):
    """Inputs as evaluate takes them: ordinary, extreme and edge numbers; rows of several lengths."""
    rng = random.Random(op.name)
    columns = [[*stratified(interval, count, seed), math.inf, -math.inf, math.nan, 0.0, -1.5, 2.5]
               for seed, interval in enumerate(op.domain)]
    for _ in range(count):
        if op.rows:
            length = rng.randint(1, 6)
            yield [[rng.choice(column) for _ in range(length)] for column in columns]
        else:
            yield [rng.choice(column) for column in columns]


def bits(x):
    return "nan" if x != x else float(x).hex()


def flat(result):
    value, local_grads = result
    return [bits(value), *[bits(g) for row in local_grads for g in (row if isinstance(row, list) else [row])]]


def with_nan_where_the_value_is(op, inputs, result):
    """The engine's own last touch: a nan has nan local gradients."""
    value, local_grads = result
    return op.checked(value, local_grads, None, inputs, op.sample) if value - value else local_grads


@pytest.mark.parametrize("op", OPS.values(), ids=repr)
def test_printed_python_computes_the_same_bits(op):
    scope = {"m": m}
    exec(tg.source(op, "python"), scope)
    printed = tg.Op(scope[op.name], op.symbol, tuple([d] if op.rows else d for d in op.domain), op.selects, op.sample)
    with tg.errstate(all="ignore"):
        for inputs in samples(op):
            assert flat(printed.evaluate(*inputs, **op.sample)) == flat(op.evaluate(*inputs, **op.sample)), inputs


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    """All rules as C, compiled into one library."""
    if not shutil.which("gcc"):
        pytest.skip("no C compiler here: the printed C is not tried")
    folder = tmp_path_factory.mktemp("c")
    functions = dict.fromkeys(f for op in OPS.values() for f in tg.source(op, "c").split("static inline ") if f)
    (folder / "rules.c").write_text("#include <math.h>\n" + "".join(functions))
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-ffp-contract=off", "-fno-builtin-pow", "-Wall", "-Werror",
                    "-Wno-unused-variable", "-o", "rules.so", "rules.c", "-lm"], cwd=folder, check=True)
    return ctypes.CDLL(str(folder / "rules.so"))


def run_compiled(library, op, inputs):
    function = getattr(library, f"op_{op.name}")
    function.restype = ctypes.c_double
    length = len(inputs[0]) if op.rows else 1
    row = ctypes.c_double * length
    arguments = [ctypes.c_int(length)] if op.rows else []
    arguments += [row(*x) if op.rows else ctypes.c_double(x) for x in inputs]
    arguments += [ctypes.c_double(c) for c in op.sample.values()]
    gradients = [row() for _ in inputs]
    value = function(*arguments, *gradients)
    return value, tuple([list(g) if op.rows else g[0] for g in gradients])


@pytest.mark.parametrize("op", OPS.values(), ids=repr)
def test_printed_c_computes_the_same_bits(op, compiled):
    with tg.errstate(all="ignore"):
        for inputs in samples(op):
            value, local_grads = run_compiled(compiled, op, inputs)
            local_grads = with_nan_where_the_value_is(op, inputs, (value, local_grads))
            assert flat((value, local_grads)) == flat(op.evaluate(*inputs, **op.sample)), inputs


@pytest.mark.parametrize(("call", "latex"), [
    (lambda x, y: x / (1 + y), r"\frac{x}{1 + y}"), (lambda x, y: (x + y) * -x, r"(x + y) \cdot -x"),
    (lambda x, y: m.power(m.power(x, 2), y), r"\left(x^{2}\right)^{y}"), (lambda x, y: x - (y - x), "x - (y - x)"),
    (lambda x, y: -(x * y), r"-(x \cdot y)"), (lambda x, y: m.power(-x, 2), "(-x)^{2}"),
    (lambda x, y: m.exp(m.abs(x)), r"e^{\left|x\right|}"), (lambda x, y: x * m.ratio(-1, 2), r"x \cdot -\frac{1}{2}"),
    (lambda x, y: m.total(m.Row(x)) * y, r"(\sum_{i} x) \cdot y"), (lambda x, y: m.total(m.Row(x * y)) + x, r"\sum_{i} x \cdot y + x"),
])
def test_latex_has_the_parentheses_it_needs(call, latex):
    assert call(m.Formula("x"), m.Formula("y")).latex() == latex


def test_text_reads_back_as_the_same_number():
    rng = random.Random(0)

    def grown(depth):
        if depth == 0:
            return rng.choice([m.Formula("x"), m.Formula("y"), 2, -3, 0.5, m.ratio(1, 3)])
        x, y = grown(depth - 1), grown(depth - 1)
        kind = rng.randrange(6)
        if not isinstance(x, m.Formula):
            x = m.Formula("x")
        return [x + y, x - y, x * y, x / y, -x, m.where(x > y, x, y)][kind]

    def computed(part):
        if not isinstance(part, m.Formula):
            return Fraction(part)
        if not part.parts:
            return {"x": Fraction(7, 3), "y": Fraction(-5, 11)}[part.head]
        a = [computed(p) if part.head != "where" or i else p for i, p in enumerate(part.parts)]
        if part.head == "where":
            return a[1] if computed(a[0].parts[0]) > computed(a[0].parts[1]) else a[2]
        return {"+": lambda: a[0] + a[1], "-": lambda: a[0] - a[1], "*": lambda: a[0] * a[1],
                "/": lambda: a[0] / a[1], "neg": lambda: -a[0]}[part.head]()
    for _ in range(300):
        formula = grown(rng.randint(1, 3))
        try:
            wanted = computed(formula)
        except ZeroDivisionError:
            continue
        text = str(formula).replace("1/3", "Fraction(1, 3)").replace("0.5", "Fraction(1, 2)")
        assert eval(text, {"x": Fraction(7, 3), "y": Fraction(-5, 11), "Fraction": Fraction}) == wanted, text


def test_a_long_formula_names_its_shared_parts_and_stays_short():
    x = m.Formula("x")
    formula = x
    for _ in range(200):
        formula = formula * formula + x
    text = str(formula)
    assert text.startswith("t1 = x * x + x\nt2 = t1 * t1 + x") and len(text) < 8000


def test_deep_formulas_are_written_without_recursion():
    formula = m.Formula("x")
    for _ in range(20_000):
        formula = m.exp(-formula)
    assert len(str(formula)) < 10 ** 6 and len(formula.latex()) < 10 ** 6


@pytest.mark.parametrize(("name", "written"), [
    ("w_1", "w_{1}"), ("x12", "x_{12}"), ("alpha", r"\alpha"), ("theta_0", r"\theta_{0}"), ("loss", r"\mathrm{loss}"),
    ("50%_{}\\^~#$&", r"\mathrm{50\%\_\{\}\backslash \hat{\ }\sim \#\$\&}"),
])
def test_names_in_latex_are_escaped(name, written):
    assert m.Formula(name).latex() == written
