"""The quiz of the page: questions as plain data, and what is said to answers; the same seed gives the same questions.

A question is drawn anew from what its quiz was asked for, so that a link needs no more than that.
"""

from functools import lru_cache
from typing import Any

from tinygrad_edu.classroom.quizzes import quiz_page
from tinygrad_edu.classroom.quizzes.questions import Blank, Item, Quiz, Reply, exact
from tinygrad_edu.classroom.quizzes.questions import quiz as drawn_quiz
from tinygrad_edu.engine.number import checked_whole, short_repr
from tinygrad_edu.show import language
from tinygrad_edu.show.page import sentences

MOST = 30                       # questions of a quiz on the page
FIRST = {"kinds": ["diamond"], "seed": "7", "level": 1, "count": 1}


def quiz(request: dict[str, Any]) -> dict[str, Any]:
    """The questions that a request asks for, without what is right; ValueError for a request that cannot be met.

    kinds, seed, level   as for `tg.classroom.quiz`, and `count` is how many

    >>> [question] = quiz({"kinds": ["local"], "seed": "7", "level": 1, "count": 1})["questions"]
    >>> question["blanks"]
    [{'label': 'passed on to u', 'choices': []}]
    """
    return {"questions": [question(item) for item in drawn(request).items]}


def quiz_check(request: dict[str, Any]) -> dict[str, Any]:
    """What is said to the answers to one question; number is its place, from 0, in the quiz asked for.

    >>> asked = {"kinds": ["local"], "seed": "7", "level": 1, "count": 1}
    >>> quiz_check(asked | {"number": 0, "answers": ["1/0"]})["replies"]
    [{'isRight': False, 'text': "'1/0' is not a number here: write one such as 3/4 or 0.75"}]
    """
    item = drawn(request).items[checked_whole("number", request["number"], 0)]
    replies = [reply_to(blank, answer) for blank, answer in zip(item.blanks, request["answers"], strict=True)]
    return {"replies": [{"isRight": reply.is_right, "text": reply.text} for reply in replies]}


def at_start() -> dict[str, Any]:
    """A question with its answers, which the page compares before Python runs, and the words for it."""
    [item] = drawn(FIRST).items
    judged = {"answers": [quiz_page.as_data(blank) for blank in item.blanks]}
    return {"words": sentences("quiz")["page"] | sentences("quiz")["script"], "question": question(item) | judged}


def reply_to(blank: Blank, answer: str) -> Reply:
    """What is said to one answer; nothing to an empty one."""
    if not answer.strip():
        return Reply(False, "")
    try:
        return blank.reply(answer)
    except ValueError as error:
        return Reply(False, str(error))


def question(item: Item) -> dict[str, Any]:
    """A question as plain data."""
    return {"kind": item.kind, "stem": item.stem, "lines": list(item.lines),
            "picture": quiz_page.unstyled(item.drawn()) if item.is_drawn else "",
            "blanks": [{"label": blank.label, "choices": blank.choices if blank.is_choice else []}
                       for blank in item.blanks],
            "solution": [f"{blank.label}: {exact(blank.answer)}" for blank in item.blanks],
            "worked": list(item.worked)}


def drawn(request: dict[str, Any]) -> Quiz:
    """The quiz that a request asks for."""
    for name in "level", "count":
        if not isinstance(request[name], int):          # a link may hold any text
            raise ValueError(f"{name} must be a whole number: got {short_repr(request[name])}")
    count = checked_whole("count", request["count"])
    if count > MOST:
        raise ValueError(f"a quiz on this page has at most {MOST} questions: got {count}")
    return drawn_once(tuple(request["kinds"]), str(request["seed"]), request["level"], count, language.chosen())


@lru_cache(8)
def drawn_once(kinds: tuple[str, ...], seed: str, level: int, count: int, spoken: str) -> Quiz:
    """The same, kept while answers to it come in; another for each language that is spoken."""
    return drawn_quiz(kinds, seed, count, level)
