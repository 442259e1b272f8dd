"""What the executor is made of: functions over lanes beside the C library's own, and relus joined with layers.

The functions are compiled here apart from the executor, so that they can be called, and spoilt, one by one.
"""

import ctypes
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu import Value

np = pytest.importorskip("numpy", reason='programs run batches by numpy: pip install ".[test]"')
from tinygrad_edu.fast import c_lanes  # noqa: E402
from tinygrad_edu.fast.fusion import Fused, fused  # noqa: E402
from tinygrad_edu.fast.plan import planned  # noqa: E402

FAST = Path(c_lanes.__file__).parent
FUNCTIONS = ["exp", "expm1", "tanh", "log1p"]
SETS = {"512": ("avx512f", 64, "avx512f,avx512dq,avx512vl,avx512bw,fma,prefer-vector-width=512"),
        "256": ("avx2", 32, "avx2,fma"), "128": ("", 16, "")}
NO_FLAG, DIVIDED_BY_ZERO, OVERFLOW, INVALID = 0, 1, 2, 4
BY_LIBRARY = 2                      # the number of a function's way; 0 and 1 are by its method

HEAD = """
#include <fenv.h>
#include <math.h>
#include <string.h>
#include <immintrin.h>
#include "_agree.h"
"""
ONE_SET = """
#define NAME(x) x##_%(name)s
#define TARGET %(target)s
#define VB %(bytes)d
#include "_functions.h"
int runs_%(name)s(void) { return %(runs)s; }
"""
ONE_FUNCTION = """
int call_%(f)s_%(name)s(long n, const double *x, double *out) {
    feclearexcept(FE_ALL_EXCEPT);
    %(f)s_lanes_%(name)s(n, x, out);
    return !!fetestexcept(FE_DIVBYZERO) + 2 * !!fetestexcept(FE_OVERFLOW) + 4 * !!fetestexcept(FE_INVALID);
}
void library_%(f)s_%(name)s(long n, const double *x, double *out) { %(f)s_by_library_%(name)s(n, x, out); }
"""
ITS_WAY = """
int way_%(f)s_%(name)s(void) {
    double x[8] = {0};
    %(f)s_lanes_%(name)s(8, x, x);
    return %(f)s_way_%(name)s == %(f)s_by_fused_%(name)s ? 0 : %(f)s_way_%(name)s == %(f)s_by_rounded_%(name)s ? 1 : 2;
}
"""

needs_a_compiler = pytest.mark.skipif(
    not shutil.which("cc") or not sys.platform.startswith("linux"), reason="the functions over lanes are written in C")


def compiled(folder, sets=SETS, spoilt=("", "")):
    """The functions as a library; `spoilt` has a text of the methods, and another for its place."""
    for name in ("_agree.h", "_functions.h", "_methods.h"):
        text = (FAST / name).read_text(encoding="utf-8")
        (folder / name).write_text(text.replace(*spoilt) if spoilt[0] else text, encoding="utf-8")
    program = HEAD + c_lanes.exp_table()
    for name in sets:
        feature, size, target = SETS[name]
        values = {"name": name, "bytes": size, "target": f'__attribute__((target("{target}")))' if target else "",
                  "runs": f'__builtin_cpu_supports("{feature}")' if feature else "1"}
        program += ONE_SET % values + "\n#undef NAME\n#undef TARGET\n#undef VB\n"
        program += "".join((ONE_FUNCTION + ITS_WAY * (size > 16)) % (values | {"f": f}) for f in FUNCTIONS)
    (folder / "probe.c").write_text(program, encoding="utf-8")
    flags = ["-O3", "-ffp-contract=off", "-fno-trapping-math", "-fno-math-errno", *[f"-fno-builtin-{f}" for f in FUNCTIONS]]
    subprocess.run(["cc", *flags, "-shared", "-fPIC", "-o", folder / "probe.so", folder / "probe.c", "-lm"], check=True)
    return ctypes.CDLL(str(folder / "probe.so"))


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return compiled(tmp_path_factory.mktemp("functions"))


def sets_here(library):
    return [name for name in SETS if getattr(library, f"runs_{name}")()]


def call(function, x):
    """(what comes of these numbers, the flags that were raised)."""
    x = np.ascontiguousarray(x)
    out = np.empty_like(x)
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in (x, out)]
    return out, function(ctypes.c_long(len(x)), *pointers)


def differing(library, f, name, x):
    """Those of the numbers at which a function over lanes has not the library's bits; nan is nan."""
    ours, _ = call(getattr(library, f"call_{f}_{name}"), x)
    theirs, _ = call(getattr(library, f"library_{f}_{name}"), x)
    return x[(ours.view(np.int64) != theirs.view(np.int64)) & ~(np.isnan(ours) & np.isnan(theirs))].tolist()


def points(rng, count):
    """Numbers of all sizes, many near those where exp and tanh have something to say."""
    uniform = rng.uniform(-1, 1, count) * rng.choice([0.4, 1.0, 4.0, 30.0, 750.0], count)
    return np.where(rng.random(count) < 0.2, np.ldexp(uniform, rng.integers(-1070, 300, count)), uniform)


@needs_a_compiler
@pytest.mark.parametrize("f", FUNCTIONS)
def test_functions_over_lanes_have_the_bits_of_the_c_library(library, f):
    for name in sets_here(library):
        assert not differing(library, f, name, points(np.random.default_rng(0), 1 << 19)), name


@needs_a_compiler
@pytest.mark.parametrize("f", FUNCTIONS)
@given(start=st.floats(allow_nan=False, allow_infinity=False), ulps=st.integers(1, 1 << 40))
def test_functions_over_lanes_have_the_same_bits_at_numbers_that_lie_close(library, f, start, ulps):
    near = np.array([start]).view(np.int64) + ulps * np.arange(-8, 8)
    for name in sets_here(library):
        assert not differing(library, f, name, near.view(np.float64)), name


@needs_a_compiler
@pytest.mark.parametrize("f", FUNCTIONS)
def test_special_numbers_are_right_in_each_lane(library, f):
    special = [0.0, -0.0, 5e-324, -5e-324, 2.0**-1022, 1.0, -1.0, 22.0, -22.0, 512.0, -512.0, -746.0, 1e300, -1e300,
               np.inf, -np.inf, np.nan]
    for name in sets_here(library):
        for lane in range(16):
            for x in special:
                lanes = np.full(16, 0.75)
                lanes[lane] = x
                assert not differing(library, f, name, lanes), (name, lane, x)


@needs_a_compiler
@pytest.mark.parametrize("f, x, flag", [
    ("exp", 710.0, OVERFLOW), ("exp", 1e300, OVERFLOW), ("expm1", 710.0, OVERFLOW), ("log1p", -1.0, DIVIDED_BY_ZERO),
    ("log1p", -1.5, INVALID), ("exp", 709.5, NO_FLAG), ("exp", -1e300, NO_FLAG), ("exp", -np.inf, NO_FLAG),
    ("exp", np.inf, NO_FLAG), ("expm1", -1e300, NO_FLAG), ("tanh", 1e300, NO_FLAG), ("tanh", np.inf, NO_FLAG),
    ("tanh", 5e-324, NO_FLAG), ("log1p", 1e300, NO_FLAG), ("log1p", np.inf, NO_FLAG)])
def test_a_flag_is_raised_by_the_lane_that_earns_it_and_by_no_other(library, f, x, flag):
    for name in sets_here(library):
        for lane in range(16):
            lanes = np.linspace(-0.5, 20.0, 16)
            lanes[lane] = x
            assert call(getattr(library, f"call_{f}_{name}"), lanes)[1] == flag, (name, lane)


@needs_a_compiler
@pytest.mark.parametrize("f, digits, others", [
    ("exp", "0x1.ffffffffffdbdp-2", "0x1.ffffffffffdbcp-2"), ("exp", "x < 512.0", "x < 710.0"),
    ("expm1", "-0x1.11111111110f4p-5", "-0x1.11111111110f8p-5"), ("expm1", "size < 0x1p-54", "size < 0x1p-40"),
    ("tanh", "size < 0x1p-55", "size < 0x1p-20"), ("tanh", "SIGNED(answer, x)", "answer"),
    ("log1p", "0x1.999999997fa04p-2", "0x1.999999997fa14p-2"), ("log1p", "exponent > 0.0", "exponent >= 0.0")])
def test_a_method_that_is_wrong_anywhere_is_not_used(tmp_path, f, digits, others):
    assert digits in (FAST / "_methods.h").read_text(encoding="utf-8")
    spoilt = compiled(tmp_path, ["256"], (digits, others))
    if not spoilt.runs_256():
        pytest.skip("this processor has no AVX2")
    assert getattr(spoilt, f"way_{f}_256")() == BY_LIBRARY
    assert not differing(spoilt, f, "256", points(np.random.default_rng(1), 1 << 12))


# ---- how the rules are printed ---------------------------------------------------------------------------------


def test_a_call_in_a_branch_is_made_only_for_lanes_that_take_it():
    statements = []
    assert c_lanes.taken_out("x > 0.0 ? x : y > 1.0 ? exp(y) : c * expm1(x)", statements, False) \
        == "x > 0.0 ? x : y > 1.0 ? e0 : c * e1"
    assert [s.text for s in statements] == ["call exp(!(x > 0.0) && (y > 1.0) ? y : 0.0)",
                                            "call expm1(!(x > 0.0) && !(y > 1.0) ? x : 0.0)"]


def test_no_rule_calls_a_function_by_itself_that_there_is_over_lanes():
    printed = re.sub(r"#include.*", "", c_lanes.header())
    assert "NAME(exp_lanes)" in printed
    assert re.findall(rf"\b(?:{'|'.join(FUNCTIONS)})\([^)]*\)", printed) == []


# ---- relus and the layers around them --------------------------------------------------------------------------

RNG = random.Random(0)
WEIGHTS = [[Value(RNG.uniform(-1, 1)) for _ in range(3)] for _ in range(4)]


def layer(x, count=4):
    return [tg.dot(row, x) for row in WEIGHTS[:count]]


def two_layers(x):
    return tg.sum(layer([tg.relu(z) for z in layer(x)][:3], 2))


def seen_twice(x):
    z = layer(x)
    return tg.sum(layer([tg.relu(a) for a in z][:3], 2)) + z[1] * x[0]


def the_slope_meets_another(x):
    hidden = [tg.relu(z) for z in layer(x)]
    return tg.sum(layer(hidden[:3], 2)) + hidden[0] * hidden[1] * x[1]


def one_after_the_other(x):
    return tg.sum([tg.relu(tg.relu(z)) for z in layer([tg.relu(z) for z in layer(x)][1:])])


def of_some(x):
    z = layer(x)
    return tg.sum(layer([tg.relu(z[0]), tg.tanh(z[1]), tg.relu(z[2])], 3))


SHAPES = [two_layers, seen_twice, the_slope_meets_another, one_after_the_other, of_some]


@pytest.mark.parametrize("f", SHAPES)
@pytest.mark.parametrize("rows", [1, 7, 8, 30])
def test_relus_in_layers_have_the_bits_of_the_engine(f, rows):
    rng = np.random.default_rng(rows)
    x = rng.normal(size=(rows, 3)) * rng.integers(0, 2, (rows, 3))
    parameters = [w for row in WEIGHTS for w in row]
    program = tg.compile(f, [0.0, 0.0, 0.0])
    for p in parameters:
        p.grad = 0.0
    loss = tg.mean([f([Value(a).detach() for a in row]) for row in x.tolist()])
    loss.backward()
    wanted = [p.grad.hex() for p in parameters]
    for p in parameters:
        p.grad = 0.0
    assert program.backward(x).hex() == loss.data.hex()
    assert [p.grad.hex() for p in parameters] == wanted


def test_a_relu_between_two_layers_is_a_part_of_them():
    forward, backward = fused(planned(tg.compile(two_layers, [0.0, 0.0, 0.0]).tape))
    assert [type(step) for step in forward].count(Fused) == [type(step) for step in backward].count(Fused) == 1


@pytest.mark.parametrize("f", [seen_twice, of_some])
def test_a_relu_stays_apart_where_its_inputs_are_seen_or_come_otherwise(f):
    forward, backward = fused(planned(tg.compile(f, [0.0, 0.0, 0.0]).tape))
    assert not any(isinstance(step, Fused) for step in [*forward, *backward])
