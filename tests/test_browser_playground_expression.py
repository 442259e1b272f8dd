"""The playground's tabs of expressions and programs in a browser: typing, dragging, errors, Stop, links."""

import base64
import itertools
import zlib
from urllib.parse import quote

import pytest
from playground import tabs_of

pytestmark = pytest.mark.full

FIRST = "v=1&tab=expression&e=" + quote("q = x + y\nf = q * z") + "&x=-2&y=5&z=-4&step=5"
# Opens a link, and waits until it has been read and Python has answered what was asked before.
OPEN = """async state => {
  await new Promise(done => { addEventListener("hashchange", done, {once: true}); location.hash = state; });
  await engine.ask("nothing", {}).catch(() => null);
}"""
turns = itertools.count()           # no two links are equal, so each is read
PATIENCE = 30_000                   # milliseconds


@pytest.fixture(scope="module")
def new_tab(chromium, playground):
    """A function that opens the playground in a tab of its own: see `tabs_of`."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, service_workers="block")
    context.set_default_timeout(PATIENCE)
    with tabs_of(context, playground) as open_at:
        yield open_at
    context.close()


@pytest.fixture(scope="module")
def first_tab(new_tab):
    """The tab in which nearly all tests work, one after the other: Python starts once."""
    tab = new_tab()
    tab.locator("#status[data-kind=ready]").wait_for()
    return tab


@pytest.fixture
def opened(first_tab):
    """A function that opens a link in it."""
    def open_at(state=FIRST):
        first_tab.evaluate(OPEN, f"#{state}&turn={next(turns)}")
        return first_tab
    open_at(FIRST)
    assert numbers_of(first_tab, "x=-2 y=5 z=-4") == "x=-2 y=5 z=-4"
    first_tab.evaluate("document.querySelectorAll('details[open]').forEach(one => { one.open = false; })")
    return open_at


def numbers_of(tab, text):
    """The line of numbers, once it is this."""
    tab.locator("#expression_numbers").wait_for()
    return eventually(tab, lambda: tab.input_value("#expression_numbers"), text)


def eventually(tab, look, wanted):
    """What is seen at last: this, or what is there when patience is over; a page that is just being exchanged shows nothing."""
    from playwright.sync_api import Error
    seen = None
    for _ in range(PATIENCE // 200):
        try:
            seen = look()
        except Error:
            seen = None
        if seen == wanted:
            break
        tab.wait_for_timeout(200)
    return seen


def inside(tab, name="expression"):
    return tab.frame_locator(f"#{name}_frame")


def gradient(tab, row):
    return inside(tab).locator("#knobs output").nth(row).inner_text()


def open_section(tab, name):
    """With a key: where the picture above grows just now, a click goes astray."""
    tab.press(f"#{name} summary", "Enter")


def example(tab, name):
    tab.select_option("#program_example", name)
    return ran(tab)


def run(tab, text):
    tab.fill("#program_text", text)
    tab.press("#program_text", "Control+Enter")


def linked(program):
    packed = zlib.compressobj(wbits=-15)
    letters = base64.urlsafe_b64encode(packed.compress(program.encode()) + packed.flush()).decode().rstrip("=")
    return f"v=1&tab=program&p={letters}"


def ran(tab):
    """The output of a program that has come to its end."""
    tab.locator("#program_run:not([disabled])").wait_for()
    return tab.locator("#program_output").inner_text().strip()


# ---- expressions


def test_a_stranger_walks_from_the_link_to_a_gradient_that_changes(new_tab):
    """The first steps of the walk in docs/playground.md."""
    tab = new_tab()
    assert eventually(tab, inside(tab).locator("#place").inner_text, "5 / 7") == "5 / 7"
    inside(tab).locator("#last").click()
    assert eventually(tab, lambda: gradient(tab, 0), "grad −4") == "grad −4"
    inside(tab).locator("#knobs input[type=range]").nth(2).fill("3")
    assert eventually(tab, lambda: gradient(tab, 0), "grad 3") == "grad 3"
    assert (gradient(tab, 1), gradient(tab, 2)) == ("grad 3", "grad 3")
    assert eventually(tab, lambda: "z=3&step=7" in tab.url, True)


def test_the_first_picture_is_live_before_python_is_there(new_tab):
    tab = new_tab()
    inside(tab).locator("#last").click()
    inside(tab).locator("#knobs input[type=number]").nth(2).fill("7")
    assert eventually(tab, lambda: gradient(tab, 0), "grad 7") == "grad 7"
    assert numbers_of(tab, "x=-2 y=5 z=7") == "x=-2 y=5 z=7"
    tab.locator("[data-example=neuron]").click()
    assert numbers_of(tab, "w=2 x=-1 b=1") == "w=2 x=-1 b=1"


def test_typing_makes_a_new_picture_and_keeps_the_numbers(opened):
    tab = opened()
    tab.fill("#expression_text", "q = x * w\nf = q + x")
    assert numbers_of(tab, "x=-2 w=1") == "x=-2 w=1"
    assert eventually(tab, lambda: inside(tab).locator("#knobs label").all_inner_texts(), ["x", "w"]) == ["x", "w"]
    tab.fill("#expression_numbers", "x=1/2 w=3")
    assert eventually(tab, lambda: inside(tab).locator("#knobs input[type=number]").nth(0).input_value(), "0.5") == "0.5"
    assert tab.input_value("#expression_numbers") == "x=1/2 w=3"


def test_a_dragged_number_goes_into_the_link_and_into_what_is_said_below(opened):
    tab = opened()
    open_section(tab, "expression_python")
    inside(tab).locator("#knobs input[type=number]").nth(2).fill("2.5")
    assert numbers_of(tab, "x=-2 y=5 z=2.5") == "x=-2 y=5 z=2.5"
    tab.locator("#expression_python pre").filter(has_text="z = tg.Value(2.5,").wait_for()
    assert eventually(tab, lambda: "z=2.5" in tab.url, True)


def test_a_link_restores_expression_numbers_and_step(opened):
    tab = opened("v=1&tab=expression&e=" + quote("f = e * x\n") + "&_e=3&x=1/4&step=2&unknown=kept")
    assert numbers_of(tab, "e=3 x=1/4") == "e=3 x=1/4"
    assert eventually(tab, lambda: inside(tab).locator("#place").inner_text(), "2 / 4") == "2 / 4"
    assert eventually(tab, lambda: "unknown=kept" in tab.url and "_e=3" in tab.url, True)


def test_an_error_has_its_caret_and_the_last_picture_stays(opened):
    tab = opened()
    tab.fill("#expression_text", "f = x * tnah(y)")
    error = tab.locator("#expression_error")
    error.filter(has_text="did you mean 'tanh'?").wait_for()
    _, shown, caret = error.inner_text().split("\n")
    assert shown[caret.index("^"):].startswith("tnah")
    assert eventually(tab, lambda: inside(tab).locator("#knobs label").all_inner_texts(), ["x", "y", "z"]) == ["x", "y", "z"]
    tab.fill("#expression_text", "f = x * tanh(y)")
    assert eventually(tab, error.inner_text, "") == ""
    assert eventually(tab, lambda: inside(tab).locator("#knobs label").all_inner_texts(), ["x", "y"]) == ["x", "y"]


def test_what_is_nested_too_deeply_is_told_so_and_python_starts_afresh(opened):
    tab = opened()
    tab.fill("#expression_text", "*".join(["x"] * 4999))
    tab.locator("#expression_error").filter(has_text="nested too deeply").wait_for()
    tab.fill("#expression_text", "x * x")
    assert eventually(tab, lambda: inside(tab).locator("#knobs label").all_inner_texts(), ["x"]) == ["x"]


def test_before_a_large_page_is_made_its_size_is_told(opened):
    tab = opened()
    parts = ["*".join(["x"] * 80) for _ in range(40)]
    tab.fill("#expression_text", "+".join(f"({part})" for part in parts))
    tab.fill("#expression_numbers", "x=1")
    tab.locator("#expression_status").filter(has_text="3200 nodes").wait_for()
    tab.locator("#expression_stop").click()
    tab.locator("#expression_error").filter(has_text="Stopped.").wait_for()


def test_every_section_is_answered_when_it_is_opened(opened):
    tab = opened()
    for kind in "steps", "symbolic", "exact", "explain", "gradcheck", "python", "picture":
        open_section(tab, f"expression_{kind}")
    assert tab.locator("#expression_steps tbody tr").nth(6).inner_text().startswith("7")
    tab.locator("#expression_symbolic math").first.wait_for()
    assert tab.locator("#expression_symbolic tr").count() == 4
    assert "-12" in tab.locator("#expression_exact tbody").inner_text()
    tab.locator("#expression_explain .sections_body math").first.wait_for()
    assert tab.locator("#expression_gradcheck pre").inner_text() == "right: 7 gradients judged"
    assert tab.locator("#expression_python pre").inner_text().startswith("import tinygrad_edu as tg")
    tab.locator("#expression_picture img").wait_for()
    with tab.expect_download() as started:
        tab.locator("#expression_picture button").click()
    assert started.value.path().read_text(encoding="utf-8").startswith("<svg")


def test_save_page_is_the_page_of_the_desktop(new_tab):
    import tinygrad_edu as tg
    tab = new_tab(FIRST)            # a browser asks its user before a tab's second download
    tab.locator("#status[data-kind=ready]").wait_for()
    with tab.expect_download() as started:
        tab.locator("#save_page").click()
    page = tg.play(tg.expression("q = x + y\nf = q * z", x=-2, y=5, z=-4))
    assert started.value.path().read_text(encoding="utf-8") == page.html


def test_an_expression_in_a_link_is_only_text(opened):
    tab = opened("v=1&e=" + quote("<img src=x onerror=alert(1)>") + "&x=" + quote("<b>1</b>"))
    tab.locator("#expression_error:not(:empty)").wait_for()
    assert tab.locator("#panel_expression img:not([src^='blob:'],[src^='data:'])").count() == 0


# ---- programs


def test_a_program_runs_and_its_value_is_live(opened):
    tab = opened("v=1&tab=program")
    assert "x.grad =" in example(tab, "loop")
    inside(tab, "program").locator("#knobs input[type=number]").first.wait_for()
    open_section(tab, "program_steps")
    tab.locator("#program_steps tbody tr").first.wait_for()
    assert tab.locator("#program_value option").all_inner_texts() == ["x", "f"]


def test_an_own_operation_runs_and_mpmath_comes_when_it_is_needed(opened):
    tab = opened()
    tab.locator("#expression_examples button").last.click()
    assert eventually(tab, lambda: "gradients judged" in ran(tab), True)
    assert tab.locator("#program_text").input_value().startswith("import tinygrad_edu as tg")


def test_an_error_marks_its_line(opened):
    tab = opened("v=1&tab=program")
    run(tab, "import tinygrad_edu as tg\n\nf = tg.log(tg.Value(-1.0))")
    tab.locator("#program_error").filter(has_text="DomainError: log(-1)").wait_for()
    assert tab.locator("#program_lines .program_wrong").inner_text() == "✗ 3"
    assert tab.locator("#program_error").inner_text().count("File ") == 1


def test_stop_ends_a_program_without_end_and_the_text_stays(opened):
    tab = opened("v=1&tab=program")
    text = "print('before')\nwhile True:\n    pass"
    run(tab, text)
    assert eventually(tab, lambda: tab.locator("#program_output").inner_text().strip(), "before") == "before"
    tab.locator("#program_stop").click()
    tab.locator("#program_status").filter(has_text="Stopped").wait_for()
    assert (tab.input_value("#program_text"), tab.locator("#program_output").inner_text().strip()) == (text, "before")
    run(tab, "print('afresh')")
    assert eventually(tab, lambda: ran(tab), "afresh") == "afresh"


def test_gradients_of_an_own_operation_are_checked_below(opened):
    tab = opened("v=1&tab=program")
    example(tab, "own_op")
    wrong = tab.input_value("#program_text").replace("(2 * x,)", "(3 * x,)").partition("print")[0]
    run(tab, wrong)
    ran(tab)
    open_section(tab, "program_gradcheck")
    tab.locator("#program_gradcheck pre").filter(has_text="wrong: bowl(-3) (made at program.py:10)").wait_for()


def test_a_dragged_number_of_a_program_goes_into_the_link_and_comes_back_after_the_click(opened):
    tab = opened("v=1&tab=program")
    run(tab, "import tinygrad_edu as tg\nx = tg.Value(3.0)\ng = x * x\nf = g + x")
    tab.select_option("#program_value", "g")
    field = inside(tab, "program").locator("#knobs input[type=number]")
    assert eventually(tab, lambda: gradient_in(tab), "grad 6") == "grad 6"
    field.fill("5")
    assert eventually(tab, lambda: "look=g" in tab.url and "%22x%22%3A5" in tab.url, True)
    open_section(tab, "program_python")
    tab.locator("#program_python pre").filter(has_text="x = tg.Value(5.0,").wait_for()
    field.fill("4")
    tab.locator("#program_python pre").filter(has_text="x = tg.Value(4.0,").wait_for()
    field.fill("5")
    assert eventually(tab, lambda: "%22x%22%3A5" in tab.url, True)
    address = tab.url.partition("#")[2]
    run(tab, "print('another')")
    assert eventually(tab, lambda: ran(tab), "another") == "another"
    opened(address)
    tab.locator("#program_status").filter(has_text="came with the link").wait_for()
    tab.locator("#program_run").click()
    assert eventually(tab, lambda: tab.input_value("#program_value"), "g") == "g"
    assert eventually(tab, lambda: gradient_in(tab), "grad 10") == "grad 10"


def gradient_in(tab):
    """The gradient of the only input of a program's Value, as far as it is there."""
    shown = inside(tab, "program").locator("#knobs output")
    return shown.inner_text() if shown.count() == 1 else ""


def test_a_linked_program_waits_for_a_click(opened):
    program = "print('it ran')\n"
    tab = opened(linked(program))
    assert eventually(tab, lambda: tab.input_value("#program_text"), program) == program
    assert tab.locator("#program_run").inner_text() == "Run this linked program"
    tab.press("#program_text", "Control+Enter")
    tab.wait_for_timeout(500)
    assert "it ran" not in tab.locator("#program_output").inner_text()
    tab.locator("#program_run").click()
    assert eventually(tab, lambda: ran(tab), "it ran") == "it ran"
    assert tab.locator("#program_run").inner_text() == "Run"


@pytest.mark.parametrize("letters", ["!!!", "AAAA", "%F0%9F"])
def test_a_damaged_link_says_so(opened, letters):
    tab = opened(f"v=1&tab=program&p={letters}")
    tab.locator("#program_status").filter(has_text="damaged").wait_for()


def test_a_link_that_would_unpack_without_end_is_refused(opened):
    tab = opened(linked("#" * 50_000_000))
    tab.locator("#program_status").filter(has_text="more than 100000 letters").wait_for()
    assert tab.input_value("#program_text") == ""


def test_a_program_is_restored_from_its_own_link(opened):
    tab = opened("v=1&tab=program")
    program = "import tinygrad_edu as tg\nprint('für', '∂f/∂x')\n"
    tab.fill("#program_text", program)
    assert eventually(tab, lambda: tab.evaluate("link.address()").count("p="), 1) == 1
    tab.wait_for_timeout(500)
    address = tab.evaluate("link.address()").partition("#")[2]
    tab.fill("#program_text", "")
    tab.wait_for_timeout(500)
    opened(address)
    assert eventually(tab, lambda: tab.input_value("#program_text"), program) == program


def test_tab_indents_and_escape_lets_it_leave(opened):
    tab = opened("v=1&tab=program")
    tab.fill("#program_text", "")
    tab.press("#program_text", "Tab")
    tab.keyboard.type("for i in x:\npass")
    assert tab.input_value("#program_text") == "    for i in x:\n        pass"
    tab.press("#program_text", "Escape")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.id") in ("program_run", "program_stop")
