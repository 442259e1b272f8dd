"""The one idea: an operation is declared once.  What is printed from a rule computes the same bits."""

import ctypes
import inspect
import itertools
import math
import random
import shutil
import subprocess
import sys
from fractions import Fraction
from types import SimpleNamespace

import pytest
from draws import stratified
from formulas import computed, formulas, with_fractions

import tinygrad_edu as tg
from tinygrad_edu import OPS, REAL, Value
from tinygrad_edu.engine import formula as m
from tinygrad_edu.engine import printer
from tinygrad_edu.native.c_rules import built_in, header
from tinygrad_edu.symbols.source import c_source

pytestmark = pytest.mark.smoke


def test_adding_an_op_is_one_rule():
    @tg.op("cube", REAL, scale=2.0)
    def scaled_cube(x, *, scale):
        """scale * x³."""
        return scale * x * x * x, (3 * scale * m.power(x, 2),)

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


@pytest.mark.parametrize("name", ["op", "self", "rule", "record", "data", "node", "node0", "x0", "c0", "local_grads", "float", "new", "Value"])
def test_a_constant_may_have_any_name(name):
    space = {"tg": tg, "__name__": "homework"}
    exec(f"@tg.op('·', tg.REAL, {name}=2.0)\ndef stretched(x, *, {name}): return {name} * x + {name}, ({name},)", space)
    x = Value(3.0, label="x")
    y = space["stretched"](x, **{name: 0.5})
    y.backward()
    assert (y.data, x.grad, y.constants, x.stretched(4).data) == (2.0, 0.5, {name: 0.5}, 16.0)
    assert tg.steps(y)[0].text.endswith(f"stretched(x, {name}=0.5) = stretched(3, {name}=0.5) = 2")
    assert tg.replay(y, Fraction)["x"] == Fraction(1, 2)


def test_a_rule_may_come_from_code_without_a_module():
    space = {"tg": tg}
    for constant in (1, 2):
        exec(f"@tg.op('·', tg.REAL)\ndef homeless(x): return {constant} * x, ({constant},)", space)
        assert space["homeless"](Value(3.0)).data == 3.0 * constant


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
    (lambda x: (x and 1, (0,)), "cannot branch"), (lambda x: (tg.tanh(x), (1,)), r"as in tanh\.of\(x\)"),
    (lambda x: (tg.power.of(x), (1,)), "power, which needs constants"), (lambda x: (tg.sum.of(x), (1,)), "sum, whose inputs are rows"),
    (lambda x: (tg.maximum.of(x), (1,)), r"maximum\.of\(\) takes x, y: got 1"), (lambda x: (x * x, 2 * x), "mind the comma"), (lambda x: x * x, "must return"),
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


def test_every_op_is_documented_and_has_a_symbol():
    assert [name for name, op in OPS.items() if not (op.symbol and op.__doc__ and op.inputs)] == []
    public = [*tg.__all__, *tg._python_has_too]
    assert len({*public}) == len(public) and all(hasattr(tg, name) for name in public)


def test_a_method_says_what_its_op_is_in_the_first_paragraph_on_one_line():
    @tg.op("twice", REAL)
    def twice(x):
        """2x, or
        x + x.

        Not x².
        """
        return 2 * x, (2,)
    assert twice.summary == "2x, or x + x."
    assert Value.twice.__doc__ == twice.__doc__ == inspect.getdoc(twice)
    assert twice.__doc__.split("\n\n")[:2] == ["2x, or\nx + x.", "* f = 2 * x\n* ∂f/∂x = 2"]
    assert tg.Op(lambda x: (x, (1,)), "", (REAL,), False, {}).summary == ""


@pytest.mark.parametrize("op", OPS.values(), ids=repr)
def test_a_signature_is_that_of_the_rule(op):
    scope = {}
    exec(f"def written{op.signature.removeprefix(op.name)}: pass", scope)
    written, rule = (inspect.getfullargspec(f) for f in (scope["written"], op.rule))
    assert written.args == [*op.inputs, *op.constants] == rule.args + rule.kwonlyargs
    assert (written.defaults or ()) == tuple((rule.kwonlydefaults or {}).values())
    assert op.domain_text.partition(";")[0].split(", ") == [interval.describe(name) for name, interval in zip(op.inputs, op.domain)]


def test_where_an_operation_jumps_is_said_with_its_domain():
    said = {name: op.domain_text for name, op in OPS.items() if op.jumps}
    assert said == {
        "floor": "any x; jumps where x is whole", "ceil": "any x; jumps where x is whole", "round": "any x; jumps where x + 1/2 is whole",
        "remainder": "any x, y != 0; jumps where x / y is whole", "floor_divide": "any x, y != 0; jumps where x / y is whole"}


@pytest.mark.parametrize("jumps", [5, lambda x: x, lambda x, y, z: x, lambda x, y: math.floor(x)])
def test_a_place_of_jumps_that_is_no_formula_of_the_inputs_is_refused_at_once(jumps):
    with pytest.raises(TypeError, match=r"op stairs: jumps is a function of the inputs, lambda x, y: \.\.\., made of what a rule may use: "):
        @tg.op("stairs", tg.REAL, tg.REAL, jumps=jumps)
        def stairs(x, y):
            return x + y, (1, 1)
    with pytest.raises(TypeError, match="op heights takes rows of numbers, so that jumps cannot say where it jumps"):
        @tg.op("heights", [tg.REAL], jumps=jumps)
        def heights(x):
            return m.total(x), (m.each(lambda e: 1, x),)
    assert not {"stairs", "heights"} & set(OPS)


@pytest.mark.parametrize("op", [op for op in OPS.values() if op.rows], ids=repr)
def test_a_row_may_be_a_list_any_iterable_or_just_numbers(op):
    for row in ([2.0], [2.0, 3.0], [4.0, 1.0, 2.0]):
        result = op(*[row] * len(op.inputs), **op.sample)
        assert op(*[iter(row) for _ in op.inputs], **op.sample) == op(*[tuple(map(Value, row))] * len(op.inputs), **op.sample).data == result
        assert len(op.inputs) > 1 or op(*row, **op.sample) == result


def test_the_sum_and_the_product_of_no_numbers_are_numbers():
    assert (tg.sum([]), tg.prod([]), tg.dot([], []), tg.sum(), tg.prod()) == (0.0, 1.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize("op", [op for op in OPS.values() if op not in (tg.sum, tg.prod)], ids=repr)
def test_an_operation_of_nothing_says_what_it_takes(op):
    with pytest.raises((TypeError, ValueError), match=rf"^{op.name}\(\) (takes .* given|of an empty row: give at least one number)$"):
        op()


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
    """Inputs as evaluate takes them: ordinary, extreme and edge numbers, zeros of both signs; rows of several lengths."""
    rng = random.Random(op.name)
    columns = [[*stratified(interval, count, seed), math.inf, -math.inf, math.nan, 0.0, -1.5, 2.5]
               for seed, interval in enumerate(op.domain)]
    corners = itertools.product([0.0, -0.0, 1.5, -math.inf, math.nan], repeat=2 if op.rows else len(op.inputs))
    yield from ([[*row] for _ in op.inputs] if op.rows else [*row] for row in corners)
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
    return op.flag_nonfinite(value, local_grads, None, inputs, op.sample) if value - value else local_grads


@pytest.mark.parametrize("op", OPS.values(), ids=repr)
def test_printed_python_computes_the_same_bits(op):
    scope = {"m": m, "ops": tg.engine.ops}
    exec(tg.source(op, "python"), scope)
    printed = tg.Op(scope.get(f"accurate_{op.name}", scope[op.name]), op.symbol, tuple([d] if op.rows else d for d in op.domain), op.selects, op.sample)
    with tg.errstate(all="ignore"):
        for inputs in samples(op):
            assert flat(printed.evaluate(*inputs, **op.sample)) == flat(op.evaluate(*inputs, **op.sample)), inputs


def test_an_operation_that_calls_its_former_self_is_refused_as_c():
    @tg.op("bump", REAL)
    def bump(x):
        return x * x, (2 * x,)
    former = bump

    @tg.op("bump", REAL)
    def bump(x):
        return former.of(x) + 1, (2 * x,)
    assert bump(3.0) == 10.0
    with pytest.raises(ValueError, match="op bump calls an op of its own name"):
        tg.source(bump, "c")


def test_inputs_may_be_called_like_the_parts_of_printed_programs():
    @tg.op("t", REAL, REAL)
    def of_parts(t1, t3):
        e = m.exp(t1 * t3)
        both = e + 1
        return e * both, (e * t3 * (both + e), e * t1 * (both + e))
    scope = {"m": m}
    exec(tg.source(of_parts, "python"), scope)
    assert flat(scope["of_parts"](0.5, -1.5)) == flat(of_parts.rule(0.5, -1.5))


def callers():
    """Operations that call others: with a constant, and named like words of formulas and of programs."""
    @tg.op("p", REAL)
    def pi(x):
        return x * x + 1, (2 * x,)

    @tg.op("e", REAL)
    def each(x):
        s = tg.sigmoid.of(pi.of(x) - 3)
        return s * tg.leaky_relu.of(x), (s * m.where(x > 0, 1, m.like(x, 1) / 100) + tg.leaky_relu.of(x) * s * (1 - s) * 2 * x,)

    @tg.op("c", REAL)
    def caller(x):
        return each.of(x) + pi.of(x), (2 * x + pi.of(x),)
    return [pi, each, caller]


def test_rules_that_call_others_compute_the_same_bits_printed_as_python_and_as_c(tmp_path):
    ops = callers()
    library = compiled_c(tmp_path, [tg.source(ops[-1], "c").replace("static inline ", "")])
    for op in ops:
        scope = {"m": m, "ops": SimpleNamespace(**OPS)}
        exec(tg.source(op, "python"), scope)
        for x in (-2.5, 0.0, 0.75, 30.0):
            wanted = flat(op.evaluate(x))
            assert flat(scope[op.name](x)) == wanted == flat(run_compiled(library, op, [x]))


def test_the_smallest_of_a_row_is_printed_as_python_and_as_c(tmp_path):
    @tg.op("low", [REAL])
    def lowest(x):
        best = m.smallest(x)
        return best, (m.each(lambda e: m.where(m.equal(e, best), 1, 0), x),)
    scope = {"m": m}
    exec(tg.source(lowest, "python"), scope)
    library = compiled_c(tmp_path, [tg.source(lowest, "c").replace("static inline ", "")])
    for row in [3.0, -1.5, 2.0], [0.0, -0.0], [-0.0, 0.0], [math.inf, 2.0], [2.0, math.nan, 1.0]:
        wanted = flat(lowest.rule(row))
        assert flat(scope["lowest"](row)) == wanted == flat(run_compiled(library, lowest, [row]))


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    """All rules as C, compiled into one library."""
    return compiled_c(tmp_path_factory.mktemp("c"), [c_source(list(OPS.values())).replace("static inline ", "")])


def compiled_c(folder, functions):
    """C functions as a library that is loaded."""
    if not shutil.which("gcc"):
        pytest.skip("no C compiler here: the printed C is not tried")
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
    room = [(ctypes.c_double * (8 * length))()] if op.rows else []
    value = function(*arguments, *gradients, *room)
    return value, tuple([list(g) if op.rows else g[0] for g in gradients])


@pytest.fixture(scope="session")
def kernels(tmp_path_factory):
    """The header that the compiled engine is built from, with a function around each of its own that are `static`."""
    return compiled_c(tmp_path_factory.mktemp("kernels"), [header(), """
        const int op_count = OP_COUNT, rooms = ROOMS, none = OP_none;
        const char *op_name(int op) { return OP_NAMES[op]; }
        int selects(int op) { return SELECTS[op]; }
        double unary(int op, double x, double c, double *g) { return apply1(op, x, c, g); }
        double binary(int op, double x, double y, double *gx, double *gy) { return apply2(op, x, y, gx, gy); }
        double any(int op, int n, const double *x, const double *c, double *g, double *room) {
            return apply_any(op, n, x, c, g, room); }
    """])


def kernel_calls(library, number, op, inputs):
    """The value and local gradients by each call that takes an op by its number."""
    double, constants = ctypes.c_double, list(op.sample.values())
    numbers = [x for row in inputs for x in row] if op.rows else inputs
    length, gradients = len(numbers) // len(inputs), (double * len(numbers))()
    each = [ctypes.byref(gradients, 8 * i) for i in range(len(numbers))]
    room = (double * (library_int(library, "rooms") * length + 1))()
    room[-1] = 0.5
    calls = {"any": [length, (double * len(numbers))(*numbers), (double * len(constants))(*constants), gradients, room]}
    if not op.rows and len(inputs) == 1 and len(constants) <= 1:
        calls["unary"] = [double(inputs[0]), double(*constants), *each]
    if not op.rows and len(inputs) == 2 and not constants:
        calls["binary"] = [*map(double, inputs), *each]
    for name, arguments in calls.items():
        function = getattr(library, name)
        function.restype = double
        value = function(number, *arguments)
        yield value, tuple(gradients[i:i + length] if op.rows else gradients[i] for i in range(0, len(numbers), length))
    assert room[-1] == 0.5, "it wrote beyond its room"


def library_int(library, name):
    return ctypes.c_int.in_dll(library, name).value


@pytest.mark.parametrize(("number", "op"), list(enumerate(built_in(), 1)), ids=repr)
def test_an_operation_called_by_its_number_computes_the_same_bits(number, op, kernels):
    kernels.op_name.restype = ctypes.c_char_p
    assert (kernels.op_name(number).decode(), kernels.selects(number)) == (op.name, op.selects)
    with tg.errstate(all="ignore"):
        for inputs in samples(op, 20):
            for result in kernel_calls(kernels, number, op, inputs):
                result = result[0], with_nan_where_the_value_is(op, inputs, result)
                assert flat(result) == flat(op.evaluate(*inputs, **op.sample)), inputs


def test_other_numbers_call_nothing(kernels):
    assert (library_int(kernels, "none"), kernels.op_name(0), kernels.selects(0)) == (0, b"", 0)
    assert library_int(kernels, "op_count") == len(built_in())
    assert all(math.isnan(value) for value, _ in kernel_calls(kernels, 0, tg.tanh, [1.0]))
    kernels.unary.restype, double = ctypes.c_double, ctypes.c_double
    of_two_constants = 1 + built_in().index(OPS["clip"])
    assert math.isnan(kernels.unary(of_two_constants, double(1.0), double(0.5), ctypes.byref(double())))


def test_the_command_of_the_build_writes_the_header(tmp_path):
    file = tmp_path / "kernels.h"
    subprocess.run([sys.executable, "-m", "tinygrad_edu.native.c_rules", file], check=True)
    assert file.read_text(encoding="utf-8") == header()


@pytest.mark.parametrize("op", OPS.values(), ids=repr)
def test_printed_c_computes_the_same_bits(op, compiled):
    with tg.errstate(all="ignore"):
        for inputs in samples(op):
            value, local_grads = run_compiled(compiled, op, inputs)
            local_grads = with_nan_where_the_value_is(op, inputs, (value, local_grads))
            assert flat((value, local_grads)) == flat(op.evaluate(*inputs, **op.sample)), inputs


def test_random_formulas_printed_as_python_compute_the_same_number():
    for formula, numbers, wanted in formulas(200):
        scope = {"m": m, "Fraction": Fraction}
        exec(with_fractions(printer.python_source("printed", list(numbers), [], formula, [formula])), scope)
        assert scope["printed"](*numbers.values()) == (wanted, (wanted,))


def test_random_formulas_printed_as_c_compute_the_same_bits(tmp_path):
    tried = [(formula, {name: float(x) for name, x in numbers.items()}) for formula, numbers, _ in formulas(100) if formula.parts]
    program = "".join(printer.c_function(str(k), list(numbers), [], formula, [formula.parts[0]])
                      for k, (formula, numbers) in enumerate(tried))
    library = compiled_c(tmp_path, [printer.c_words(program), program.replace("static inline ", "")])
    for k, (formula, numbers) in enumerate(tried):
        function, first = getattr(library, f"op_{k}"), ctypes.c_double()
        function.restype = ctypes.c_double
        value = function(*map(ctypes.c_double, numbers.values()), ctypes.byref(first))
        assert (bits(value), bits(first.value)) == tuple(bits(computed(f, numbers, float)) for f in (formula, formula.parts[0]))
