"""A quiz for learning platforms: Moodle XML, GIFT, and question folders of PrairieLearn.

Each format has letters of its own that mean something; they are escaped in one place per format.
"""

import base64
import json
import re
import uuid
from collections.abc import Callable
from html import escape
from pathlib import Path
from textwrap import dedent

from ...engine.number import printable
from ...files import checked_folder, write_whole
from .questions import Answer, Blank, Item, Quiz, decimal
from .quiz_text import said

GIFT_SIGNS = re.compile(r"([\\~=#{}:])")
CLOZE_SIGNS = re.compile(r"[\\~#}]")
MARKDOWN_SIGNS = re.compile(r"([\\`*_\[\]$#!-])")
WEIGHT = {True: 100, False: 0}                  # of a right and of a wrong answer, in per cent
ALL_QUIZZES = uuid.UUID("7d5f0a3e-4a52-5d43-9a0f-6c1f0b6c1a10")     # the space in which questions get their ids


def rated(blank: Blank) -> list[tuple[bool, Answer, str]]:
    """(is it right, an answer, what is said to it), the right one first."""
    return [(True, blank.answer, "right"), *[(False, answer, reason) for answer, reason in blank.wrong]]


def lines_html(item: Item) -> str:
    """The lines of a question as HTML."""
    return f"<pre>{escape(chr(10).join(item.lines), quote=False)}</pre>"


def worked_html(item: Item) -> str:
    """The solution as HTML."""
    return "<ol>" + "".join(f"<li>{escape(line, quote=False)}</li>" for line in item.worked) + "</ol>"


# ---- Moodle XML -----------------------------------------------------------------------------------------


def moodle(quiz: Quiz) -> str:
    """The quiz as Moodle XML: numerical questions, multiple choice, and Cloze where several numbers are asked for."""
    questions = "\n".join(map(moodle_question, quiz.items))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<quiz>\n{questions}\n</quiz>\n'


def moodle_question(item: Item) -> str:
    """One question with its picture as a file, its solution, and something to say to each known answer."""
    kind, more = "cloze", ""
    if len(item.blanks) == 1:
        kind = "multichoice" if item.only.is_choice else "numerical"
        more = "\n".join(moodle_answer(*row, item.only.is_choice) for row in rated(item.only))
        more += "\n<single>true</single><shuffleanswers>1</shuffleanswers>" * item.only.is_choice
    places = "".join(f"<p>{escape(blank.label)} = {cloze(blank)}</p>" for blank in item.blanks) * (kind == "cloze")
    picture = f'<p><img src="@@PLUGINFILE@@/{item.name}.svg" alt="the graph"></p>' * item.is_drawn
    file = moodle_file(item) if item.is_drawn else ""
    stem = f"<p>{escape(item.stem, quote=False)}</p>{lines_html(item)}{picture}{places}"
    return (f'<question type="{kind}">\n<name><text>{escape(item.name)}</text></name>\n'
            f'<questiontext format="html">{in_cdata(stem)}{file}</questiontext>\n'
            f'<generalfeedback format="html">{in_cdata(worked_html(item))}</generalfeedback>\n'
            f"<defaultgrade>1</defaultgrade><penalty>0.3333333</penalty><hidden>0</hidden>\n{more}\n</question>")


def moodle_answer(is_right: bool, answer: Answer, reason: str, is_choice: bool) -> str:
    """An answer with its weight and what is said to it."""
    text = in_cdata(escape(answer)) if isinstance(answer, str) else f"<text>{decimal(answer)}</text>"
    form = "html" if is_choice else "moodle_auto_format"
    tolerance = "" if is_choice else "<tolerance>0</tolerance>"
    return (f'<answer fraction="{WEIGHT[is_right]}" format="{form}">{text}{tolerance}'
            f'<feedback format="html">{in_cdata(escape(reason))}</feedback></answer>')


def moodle_file(item: Item) -> str:
    """The picture of a question, as Moodle takes files."""
    content = base64.b64encode(item.drawn().encode()).decode()
    return f'<file name="{item.name}.svg" path="/" encoding="base64">{content}</file>'


def in_cdata(html: str) -> str:
    """HTML as the text of an element."""
    return f"<text><![CDATA[{html.replace(']]>', ']]]]><![CDATA[>')}]]></text>"


def cloze(blank: Blank) -> str:
    """A place within a text, in Moodle's Cloze format."""
    answers = "~".join(f"%{WEIGHT[is_right]}%{decimal(answer)}:0#{in_cloze(reason)}"
                       for is_right, answer, reason in rated(blank) if not isinstance(answer, str))
    return f"{{1:NUMERICAL:{answers}}}"


def in_cloze(text: str) -> str:
    """Text as HTML, escaped once more: Moodle decodes it before it takes it for HTML, and takes few backslashes away.

    >>> in_cloze("2 / a ~ <b>")
    '2 / a &amp;#126; &amp;lt;b&amp;gt;'
    """
    html = CLOZE_SIGNS.sub(lambda sign: f"&#{ord(sign[0])};", escape(text, quote=False))
    return escape(html, quote=False)


# ---- GIFT -----------------------------------------------------------------------------------------------


def gift(quiz: Quiz) -> str:
    """The quiz as GIFT; what asks for several numbers becomes several questions."""
    return "\n\n".join(gift_question(item, blank, place) for item in quiz.items
                       for place, blank in enumerate(item.blanks, 1)) + "\n"


def gift_question(item: Item, blank: Blank, place: int) -> str:
    """One question of one answer.  Its text is one line: platforms strip lines of spaces, and end at an empty one."""
    is_one_of_many = len(item.blanks) > 1
    stem = f"<p>{escape(item.stem, quote=False)}" + f" Here: {escape(blank.label)}." * is_one_of_many + "</p>"
    text = in_gift(stem + lines_html(item).replace("\n", "<br>"))
    name = in_gift(item.name + f"-{place}" * is_one_of_many)
    return f"::{name}::[html]{text}{{{'' if blank.is_choice else '#'}\n{gift_answers(blank)}\n}}"


def gift_answers(blank: Blank) -> str:
    """The answers, a line each, with what is said to them."""
    rows = [(f"{'=' if is_right else '~'}{in_gift(escape(answer))}" if isinstance(answer, str) else
             f"=%{WEIGHT[is_right]}%{decimal(answer)}:0", reason) for is_right, answer, reason in rated(blank)]
    return "\n".join(f"{answer}#{in_gift(escape(reason))}" for answer, reason in rows)


def in_gift(text: str) -> str:
    r"""Text whose letters mean nothing to GIFT.

    >>> in_gift("a = {b: 1}")
    'a \\= \\{b\\: 1\\}'
    """
    return GIFT_SIGNS.sub(r"\\\1", text)


# ---- Canvas, by way of text2qti --------------------------------------------------------------------------


def canvas(quiz: Quiz) -> str:
    """The quiz as the program text2qti reads it: a question for each number but 0, which Canvas cannot ask for."""
    questions = [canvas_question(item, blank) for item in quiz.items for blank in item.blanks if blank.answer != 0]
    return f"Quiz title: {in_markdown(said('title', seed=printable(quiz.seed)))}\n\n" + "\n\n".join(questions) + "\n"


def canvas_question(item: Item, blank: Blank) -> str:
    """One question of one answer: each part is one paragraph, of lines that are broken by HTML."""
    stem = [item.stem + f" Here: {blank.label}." * (len(item.blanks) > 1), *item.lines]
    told = [f"1.  {in_markdown(*stem)}", f"... {in_markdown(*item.worked)}"]
    for is_right, answer, reason in rated(blank):
        if isinstance(answer, str):
            told += [f"{'*' * is_right}a) {in_markdown(answer)}", f"... {in_markdown(reason)}"]
        elif is_right:
            told.append(f"=   {decimal(answer)} +- 0")
    return "\n".join(told)


def in_markdown(*lines: str) -> str:
    """Lines of text whose letters mean nothing to Markdown, HTML and formulas, as one line."""
    text = "<br>".join(MARKDOWN_SIGNS.sub(r"\\\1", escape(line, quote=False)) for line in lines)
    return text.replace("  ", "&nbsp; ")


# ---- PrairieLearn ---------------------------------------------------------------------------------------

SERVER = dedent('''\
    """What is said to wrong answers that are known."""

    SLIPS = {slips}


    def grade(data):
        for name, slips in SLIPS.items():
            given = data["submitted_answers"].get(name)
            for number, reason in slips:
                if given is not None and given == number:
                    data["feedback"][name] = reason
''')


def write_prairielearn(quiz: Quiz, folder: Path) -> list[Path]:
    """Write a folder for each question, to be copied into `questions/` of a course; returns the folders."""
    checked_folder(folder)
    for item in quiz.items:
        for name, content in prairielearn_files(item).items():
            path = folder / item.name / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, content.encode())
    return [folder / item.name for item in quiz.items]


def prairielearn_files(item: Item) -> dict[str, str]:
    """{name: content} of the files of one question."""
    slips = {name: [(float(answer), reason) for answer, reason in blank.wrong if not isinstance(answer, str)]
             for name, blank in named(item)}
    told = "\n".join((item.name, item.stem, *item.lines))
    info = {"uuid": str(uuid.uuid5(ALL_QUIZZES, told)), "title": item.name, "topic": "Backpropagation",
            "tags": [item.kind], "type": "v3", "singleVariant": True}
    files = {"info.json": json.dumps(info, indent=4) + "\n", "question.html": prairielearn_html(item),
             "server.py": SERVER.format(slips=repr(slips))}
    return files | ({"clientFilesQuestion/graph.svg": item.drawn()} if item.is_drawn else {})


def named(item: Item) -> list[tuple[str, Blank]]:
    """The blanks with the names that they have in the folder."""
    return [(f"answer{i}", blank) for i, blank in enumerate(item.blanks, 1)]


def prairielearn_html(item: Item) -> str:
    """The page of a question."""
    picture = '<pl-figure file-name="graph.svg" alt="the graph"></pl-figure>\n' * item.is_drawn
    hints = "".join(f"{{{{#feedback.{name}}}}}<p>{harmless(escape(blank.label))}: {{{{feedback.{name}}}}}</p>"
                    f"{{{{/feedback.{name}}}}}\n" for name, blank in named(item))
    question = f"<p>{escape(item.stem, quote=False)}</p>\n{lines_html(item)}\n"
    return (f"<pl-question-panel>\n{harmless(question)}{picture}</pl-question-panel>\n"
            + "".join(prairielearn_input(name, blank) for name, blank in named(item))
            + f"<pl-submission-panel>\n{hints}</pl-submission-panel>\n"
              f"<pl-answer-panel>\n{harmless(worked_html(item))}\n</pl-answer-panel>\n")


def prairielearn_input(name: str, blank: Blank) -> str:
    """Where an answer is written, or chosen."""
    if isinstance(blank.answer, str):
        rows = "".join(f'  <pl-answer correct="{str(is_right).lower()}" feedback="{in_attribute(reason)}">'
                       f"{harmless(escape(str(answer)))}</pl-answer>\n" for is_right, answer, reason in rated(blank))
        return f'<pl-multiple-choice answers-name="{name}" order="random">\n{rows}</pl-multiple-choice>\n'
    return (f'<pl-number-input answers-name="{name}" label="{in_attribute(blank.label)}:" display="block" '
            f'correct-answer="{decimal(blank.answer)}" comparison="relabs" rtol="0" atol="1e-9"></pl-number-input>\n')


def in_attribute(text: str) -> str:
    """Text within an attribute that is shown as HTML."""
    return harmless(escape(escape(text)))


def harmless(html: str) -> str:
    """HTML without the signs of templates and of mathematics: {{ and $."""
    return html.replace("{{", "&#123;&#123;").replace("$", "&#36;")


FORMATS: dict[str, Callable[[Quiz], str]] = {"moodle": moodle, "gift": gift, "canvas": canvas}
