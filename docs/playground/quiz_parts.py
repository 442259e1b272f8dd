"""What the quiz tab is built from: the kinds of questions, one question that needs no Python, and what judges it."""

from typing import Any

import questions

from tinygrad_edu.classroom.quizzes.questions import all_kinds
from tinygrad_edu.classroom.quizzes.quiz_page import REPLIES_FILE
from tinygrad_edu.show import language
from tinygrad_edu.show.page import as_json, asset


def script() -> str:
    """A script that declares `quiz_data` and `quiz_replies`; it needs `answer.js` before it."""
    data = {"kinds": list(all_kinds()), "starts": {name: in_language(name) for name in language.languages()}}
    return f"const quiz_data = {as_json(data)};\n{asset(REPLIES_FILE)}\n"


def in_language(name: str) -> dict[str, Any]:
    """What the page holds before Python runs, in one language."""
    with language.speaking(name):
        return questions.at_start()


def style() -> str:
    """The styles of the pictures of questions, beside those of `tg.draw`, which are the network's too."""
    return asset("lesson.css")
