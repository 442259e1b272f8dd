"""Rules printed as JavaScript: what is written, and what is refused.  `test_browser_javascript.py` runs it."""

import pytest

import tinygrad_edu as tg
from tinygrad_edu.engine import formula as m
from tinygrad_edu.engine.javascript import rules_script


def test_the_source_of_an_op_is_a_script_that_declares_its_rule():
    assert tg.source(tg.mul, "javascript").splitlines() == [
        "const {rules} = (() => {", "const rules = {__proto__: null,", "mul: (x, y, g) => {", "  g[0] = y;", "  g[1] = x;",
        "  return x * y;", "},", "};", "return {rules};", "})();"]


def test_a_script_has_the_words_and_ops_that_are_called_once_each_and_no_others():
    script = rules_script([tg.erf, tg.erfc, tg.erf])
    assert script.count("erfc: (x, g)") == script.count("const erf = ") == script.count("const expm1 = ") == 1
    assert "const erfc_of" in script and "cbrt" not in script and "mul:" not in script


def test_the_same_ops_make_the_same_script():
    assert rules_script(tg.OPS.values()) == rules_script(list(tg.OPS.values()))


def bump_by(number):
    @tg.op("b", tg.REAL)
    def bump(x):
        return x * x + number, (2 * x,)
    return bump


def test_two_ops_of_one_name_are_refused():
    former, latter = bump_by(1), bump_by(2)
    for ops in [former, latter], [latter, former]:
        with pytest.raises(ValueError, match="two ops are called bump: give one of them another name"):
            rules_script(ops)


def test_an_op_that_calls_its_former_self_is_refused():
    former = bump_by(1)

    @tg.op("b", tg.REAL)
    def bump(x):
        return former.of(x) + 1, (2 * x,)
    with pytest.raises(ValueError, match="op bump calls an op of its own name"):
        tg.source(bump, "javascript")


def test_an_op_without_a_name_of_its_own_is_refused():
    nameless = tg.op("s", tg.REAL)(lambda x: (2 * x, (2,)))
    with pytest.raises(ValueError, match="an op called '<lambda>' cannot be printed"):
        tg.source(nameless, "javascript")


def test_a_rule_with_words_for_graph_forms_alone_is_refused():
    @tg.op("f", tg.REAL)
    def held(x):
        return m.fixed(x), (1,)
    with pytest.raises(ValueError, match="op held calls fixed, which cannot be printed"):
        tg.source(held, "javascript")


def test_an_op_that_is_in_no_table_is_not_called(monkeypatch):
    @tg.op("i", tg.REAL)
    def inner_one(x):
        return x, (1,)

    @tg.op("o", tg.REAL)
    def outer_one(x):
        return inner_one.of(x), (1,)
    monkeypatch.delitem(tg.OPS, "inner_one")
    with pytest.raises(ValueError, match="op outer_one calls inner_one"):
        tg.source(outer_one, "javascript")
