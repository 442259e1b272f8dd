"""The quiz's page in a browser: every answer by keyboard, what is said to mistakes, phones, dark mode, paper, no scripts."""

import pytest

from tinygrad_edu.classroom.quizzes.questions import Quiz, all_kinds, decimal, quiz
from tinygrad_edu.classroom.quizzes.quiz_page import key, practice, sheet

MADE = quiz(list(all_kinds()), seed="browser", n=len(all_kinds()))


def answer(tab, number, blanks, wanted):
    """Write or choose an answer for every blank of a question, and press Enter in the last."""
    section = tab.locator(f"#q{number}")
    for i, (blank, text) in enumerate(zip(blanks, wanted)):
        if blank.is_choice:
            section.locator("input[type=radio]").nth(blank.choices.index(text)).check()
        else:
            section.locator("input:not([type=radio])").nth(i).fill(text)
    section.locator("input").last.press("Enter") if not blanks[-1].is_choice else section.locator(".check").click()
    return section.locator(".said").all_inner_texts()


def test_right_answers_are_right_as_fractions_and_as_decimals(opened):
    tab = opened(practice(MADE))
    for number, item in enumerate(MADE.items, 1):
        for write in str, decimal:
            wanted = [blank.answer if blank.is_choice else write(blank.answer) for blank in item.blanks]
            assert answer(tab, number, item.blanks, wanted) == ["right"] * len(item.blanks)
    assert tab.locator("#score").inner_text() == f"{len(MADE.items)} of {len(MADE.items)} questions right"


def test_the_score_takes_no_room_before_there_is_one(opened):
    assert opened(practice(MADE)).evaluate("document.getElementById('score').offsetHeight") == 0


def test_known_mistakes_are_named(opened):
    tab = opened(practice(MADE))
    for number, item in enumerate(MADE.items, 1):
        wanted = [str(blank.wrong[0].answer if blank.wrong else blank.answer) for blank in item.blanks]
        told = [f"no: {blank.wrong[0].reason}" if blank.wrong else "right" for blank in item.blanks]
        assert answer(tab, number, item.blanks, wanted) == told
    assert tab.locator("#score").inner_text().startswith("0 of ")


@pytest.mark.parametrize(("text", "told"), [
    ("abc", "write a number such as 3/4 or 0.75"), ("1/0", "write a number such as 3/4 or 0.75"), (".", "write a number such as 3/4 or 0.75"),
    ("0,5", "write a number such as 3/4 or 0.75"), ("1 2", "write a number such as 3/4 or 0.75"), ("1e9", "write a number such as 3/4 or 0.75"), ("- 7 / 8 ", "no"), ("99999", "no"), (" −99999/1 ", "no"), ("<b>", "write a number such as 3/4 or 0.75")])
def test_what_is_no_answer_is_said_so(opened, text, told):
    made = quiz(["diamond"], seed=1, n=1)
    assert answer(opened(practice(made)), 1, made.items[0].blanks, [text]) == [told]


def test_a_solution_unfolds_by_keyboard(opened):
    tab = opened(practice(MADE))
    summary = tab.locator("#q1 summary")
    assert not tab.locator("#q1 ol").is_visible()
    summary.focus()
    tab.keyboard.press("Enter")
    assert tab.locator("#q1 ol").is_visible()


def test_without_scripts_it_is_read_and_solved(opened):
    tab = opened(practice(MADE), java_script_enabled=False)
    assert tab.locator("section").count() == len(MADE.items) and not tab.locator(".check").first.is_visible()
    tab.locator("#q1 summary").click()
    assert tab.locator("#q1 ol").is_visible()


@pytest.mark.parametrize("make", [practice, sheet, key])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_breaks_no_rule_of_accessibility(opened, violations, make, scheme):
    tab = opened(make(MADE), width=390, height=844, color_scheme=scheme)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    assert violations(tab) == []


def test_the_sheet_is_printed_with_no_question_cut(opened):
    tab = opened(sheet(Quiz("paper", MADE.items)))
    tab.emulate_media(media="print")
    assert tab.evaluate("[...document.querySelectorAll('section')].every(s => getComputedStyle(s).breakInside === 'avoid')")
