"""A quiz as one page to practise on, and as a sheet and a key to be printed.

The practice page holds its answers, as a book has them at its end.  The sheet holds none.
"""

import re
from html import escape
from pathlib import Path

from ...engine.number import printable
from ...show.page import Page, page, sentences
from .questions import Answer, Blank, Item, Quiz, exact
from .quiz_text import answer_text, lettered, on_sheet, said

REPLIES_FILE, SCRIPT_FILE, STYLE_FILE = (
    str(Path(__file__).with_name(name)) for name in ("replies.js", "quiz.js", "quiz.css"))
SCRIPTS = ("answer.js", REPLIES_FILE, SCRIPT_FILE)
STYLES = ("graph.css", "lesson.css", STYLE_FILE)
HEIGHT = 900


def practice(quiz: Quiz) -> Page:
    """The page that checks answers and shows solutions; without scripts it is a sheet with solutions to unfold."""
    title = said("title", seed=printable(quiz.seed))
    parts = [section(number, item, fields(number, item) + solution(item)) for number, item in enumerate(quiz.items, 1)]
    body = (f'<main><h1>{escape(title)}</h1><p class="quiet" id="how">{said("how")}</p>{"".join(parts)}'
            '<p id="score" role="status"></p></main>')
    data = {"words": sentences("quiz")["script"],
            "items": [[as_data(blank) for blank in item.blanks] for item in quiz.items]}
    return page(title, body, SCRIPTS, STYLES, data, name_card(title), HEIGHT)


def sheet(quiz: Quiz) -> Page:
    """The questions on paper, with empty places and no answer."""
    parts = [section(number, item, "".join(map(empty_place, on_sheet(item))))
             for number, item in enumerate(quiz.items, 1)]
    name = f'<p class="name">{said("name")}: <span class="empty"></span></p>'
    return on_paper(said("title", seed=printable(quiz.seed)), name + "".join(parts))


def key(quiz: Quiz) -> Page:
    """The questions with their answers, solutions and the slips to look out for."""
    parts = [section(number, item, answers(item)) for number, item in enumerate(quiz.items, 1)]
    return on_paper(said("key", seed=printable(quiz.seed)), "".join(parts))


def on_paper(title: str, body: str) -> Page:
    """A page without scripts."""
    return page(title, f'<main class="paper"><h1>{escape(title)}</h1>{body}</main>', [], STYLES, {},
                name_card(title), HEIGHT)


def name_card(title: str) -> str:
    """The picture that stands for a page where pages are not let in."""
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="600" height="30"><text y="20">{escape(title)}</text></svg>'


# ---- parts ----------------------------------------------------------------------------------------------


def section(number: int, item: Item, rest: str) -> str:
    """A question with its picture, and what stands below it."""
    picture = f'<figure tabindex="0">{unstyled(item.drawn())}</figure>' if item.is_drawn else ""
    lines = escape("\n".join(item.lines), quote=False)
    return (f'<section id="q{number}"><h2>{number}. {escape(item.stem, quote=False)}</h2>'
            f'<pre tabindex="0">{lines}</pre>{picture}{rest}</section>\n')


def unstyled(svg: str) -> str:
    """A picture whose styles are those of the page, which lets in no others."""
    return re.sub("<style>.*?</style>", "", svg, flags=re.S)


def fields(number: int, item: Item) -> str:
    """The places to write answers into, and what is said of them."""
    made = "".join(choice_fields(f"q{number}", blank) if blank.is_choice else
                   f'<label><span>{escape(blank.label)}</span> <input autocomplete="off" size="9"></label>'
                   '<output class="said"></output>' for blank in item.blanks)
    return (f'<div class="blanks{" many" * (len(item.blanks) > 1)}">{made}</div>'
            f'<button class="check" hidden>{said("check")}</button>')


def choice_fields(name: str, blank: Blank) -> str:
    """The texts to choose from."""
    rows = "".join(f'<label><input type="radio" name="{name}" value="{escape(choice)}"> {letter}) {escape(choice)}'
                   "</label>" for letter, choice in lettered(blank))
    return f'<fieldset><legend>{said("choose")}</legend>{rows}</fieldset><output class="said"></output>'


def solution(item: Item) -> str:
    """The answers and the way to them, folded."""
    return f"<details><summary>{said('solution')}</summary>{answer_list(item)}{worked_list(item)}</details>"


def answers(item: Item) -> str:
    """The answers, the way to them, and what leads to wrong ones."""
    slips = "".join(f"<li>{escape(f'{blank.label}: {exact(wrong.answer)} — {wrong.reason}')}</li>"
                    for blank in item.blanks for wrong in blank.wrong)
    return (f"<h3>{said('answers')}</h3>{answer_list(item)}<h3>{said('solution')}</h3>{worked_list(item)}"
            f"<h3>{said('slips')}</h3><ul>{slips}</ul>")


def answer_list(item: Item) -> str:
    told = "".join(f"<li>{escape(blank.label)}: <b>{escape(answer_text(blank))}</b></li>" for blank in item.blanks)
    return f'<ul class="answers">{told}</ul>'


def worked_list(item: Item) -> str:
    return f"<ol>{''.join(f'<li><code>{escape(line, quote=False)}</code></li>' for line in item.worked)}</ol>"


def empty_place(blank: Blank) -> str:
    """A place on paper."""
    if blank.is_choice:
        rows = "".join(f"<li>☐ {letter}) {escape(choice)}</li>" for letter, choice in lettered(blank))
        return f'<ul class="choices">{rows}</ul>'
    return f'<span class="place">{escape(blank.label)}: <span class="empty"></span></span>'


def as_data(blank: Blank) -> dict[str, object]:
    """What the script compares with: whole numbers over whole numbers, so that nothing is rounded."""
    return {"answer": parts_of(blank.answer), "wrong": [[parts_of(answer), reason] for answer, reason in blank.wrong]}


def parts_of(answer: Answer) -> str | list[str]:
    return answer if isinstance(answer, str) else [str(answer.numerator), str(answer.denominator)]
