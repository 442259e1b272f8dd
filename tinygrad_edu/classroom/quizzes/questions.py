"""What a question of a quiz is: its text, the exact answers, and the wrong answers that mistakes lead to.

Every number is a Fraction that is also a short decimal, since learning platforms take decimals only.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from random import Random
from typing import Any, NamedTuple

from ...engine.number import checked_whole
from ...nn.checks import by_name, listed
from ...show.page import sentences
from ..graphs import SmallGraph

Answer = Fraction | str             # a number, or one of the texts to choose from

TOO_EASY = (0, 1, -1)               # answers that people write down without a thought
LARGEST = 200                       # of the numbers in a question: it is no exercise in multiplication
DIGITS = 4                          # of a decimal, after the point
MOST_WRONG = 4                      # wrong answers that are kept of each number
TRIES = 500                         # draws in search of one more question
NUMBER = re.compile(r"\s*[+-]?\s*([0-9]{1,15}(\.[0-9]{0,15})?|\.[0-9]{1,15}|[0-9]{1,15}\s*/\s*[0-9]{1,15})\s*")


def said(key: str, **holes: object) -> str:
    """What is said to an answer, its holes filled."""
    return sentences("quiz")["script"][key].format(**holes)


class Wrong(NamedTuple):
    """A wrong answer, and what one did to get it."""
    answer: Answer
    reason: str


class Reply(NamedTuple):
    """What is said to an answer."""
    is_right: bool
    text: str


@dataclass(frozen=True)
class Blank:
    """A place to fill in.

    label    what is asked for, such as "∂f/∂x"
    answer   a number, or one of the texts to choose from
    wrong    wrong answers, each with what one did to get it
    """
    label: str
    answer: Answer
    wrong: tuple[Wrong, ...] = ()

    @property
    def is_choice(self) -> bool:
        """Is one of several texts to be chosen?"""
        return isinstance(self.answer, str)

    @property
    def choices(self) -> list[str]:
        """The texts to choose from; their order says nothing about which is right."""
        return sorted(str(answer) for answer in (self.answer, *[wrong.answer for wrong in self.wrong]))

    def reply(self, text: str) -> Reply:
        """What to say to an answer, such as "3/4", "0.75", or the letter of a choice."""
        given = chosen(self.choices, text) if self.is_choice else number_in(text)
        if given == self.answer:
            return Reply(True, said("right"))
        reasons = [said("wrong_since", reason=wrong.reason) for wrong in self.wrong if wrong.answer == given]
        return Reply(False, reasons[0] if reasons else said("wrong"))


@dataclass(frozen=True)
class Item:
    """One question.

    kind      its name in `KINDS`
    stem      the question, in sentences
    lines     what it is about, line by line: a program, a graph, or numbers
    blanks    what is to be answered
    worked    the solution, line by line
    graph     the graph that it is about, or None
    is_drawn  is there a picture of the graph, with empty places for all that is computed?
    name      what it is called in files

    >>> item = Item("local", "What does y pass on to u?", ("y = u ** 2",), (Blank("u.grad", Fraction(3, 4)),), ())
    >>> item.check("0.75"), item.check("4")
    (Reply(is_right=True, text='right'), Reply(is_right=False, text='no'))
    """
    kind: str
    stem: str
    lines: tuple[str, ...]
    blanks: tuple[Blank, ...]
    worked: tuple[str, ...]
    graph: SmallGraph | None = None
    is_drawn: bool = False
    name: str = ""

    @property
    def answer(self) -> Answer:
        """The answer, where one thing is asked for."""
        return self.only.answer

    @property
    def wrong(self) -> tuple[Wrong, ...]:
        """The wrong answers, where one thing is asked for."""
        return self.only.wrong

    @property
    def only(self) -> Blank:
        if len(self.blanks) != 1:
            raise ValueError(f"this question asks for {len(self.blanks)} things: look into its blanks")
        return self.blanks[0]

    def check(self, *answers: object) -> Reply:
        """What to say to an answer, or to one for each blank; ValueError for what is no answer at all."""
        if len(answers) != len(self.blanks):
            raise ValueError(f"{len(answers)} answers, but the question asks for {len(self.blanks)}: "
                             f"{', '.join(blank.label for blank in self.blanks)}")
        replies = [blank.reply(str(answer)) for blank, answer in zip(self.blanks, answers)]
        told = [f"{blank.label}: {reply.text}" for blank, reply in zip(self.blanks, replies) if not reply.is_right]
        is_right = all(reply.is_right for reply in replies)
        return Reply(is_right, said("right") if is_right else replies[0].text if len(replies) == 1 else "; ".join(told))

    def drawn(self) -> str:
        """The picture with empty places, as SVG."""
        from ...show.draw import draw
        assert self.graph is not None
        output = self.graph.values()[self.graph.output]
        output.backward()
        return draw(output, blank="all", fold="none").svg


Kind = Callable[["Draw", int], Item | None]         # draws a question of a level; None where that draw is no good
KINDS: dict[str, Kind] = {}


def kind(make: Kind) -> Kind:
    """Enter a function into `KINDS` under its own name; its docstring says what the questions are about."""
    KINDS[make.__name__] = make
    return make


class Draw:
    """Choices that depend on a text alone, and are the same on every Python: only `random()` is, so it makes them all.

    >>> draw = Draw("7")
    >>> draw.one_of("abc"), draw.some_of("abc", 2)
    ('c', ['c', 'b'])
    """

    def __init__(self, seed: str):
        self.random = Random(seed).random

    def one_of(self, options: Sequence[Any]) -> Any:
        """One of these."""
        return options[int(self.random() * len(options))]

    def some_of(self, options: Iterable[Any], count: int) -> list[Any]:
        """So many of these, each once, in an order that is drawn too."""
        left = list(options)
        return [left.pop(int(self.random() * len(left))) for _ in range(count)]


def chosen(choices: Sequence[str], text: str) -> str:
    """The choice that a letter stands for, or that is written out."""
    letters = {chr(ord("a") + i): choice for i, choice in enumerate(choices)}
    given = letters.get(text.strip().lower().rstrip(")"), text.strip())
    if given not in choices:
        raise ValueError(f"{text!r} is none of the answers: write a letter from a to {max(letters)}")
    return given


def number_in(text: str) -> Fraction:
    """The exact number that somebody wrote.

    >>> number_in(" -3/4 ") == number_in("−0.75")
    True
    >>> number_in("0,75")
    Traceback (most recent call last):
    ValueError: '0,75' is not a number here: write one such as 3/4 or 0.75
    """
    plain = text.replace("−", "-")
    try:
        if NUMBER.fullmatch(plain):
            return Fraction("".join(plain.split()))
    except ZeroDivisionError:
        pass
    raise ValueError(f"{text!r} is not a number here: write one such as 3/4 or 0.75")


def decimal(x: Fraction) -> str:
    """A number as a decimal, with as many digits as it has.

    >>> decimal(Fraction(-3, 4)), decimal(Fraction(12))
    ('-0.75', '12')
    """
    return f"{float(x):.{DIGITS}f}".rstrip("0").rstrip(".")


def exact(answer: Answer) -> str:
    """An answer as people read it: a fraction with its decimal.

    >>> exact(Fraction(3, 4)), exact(Fraction(5)), exact("f, v, u")
    ('3/4 = 0.75', '5', 'f, v, u')
    """
    if isinstance(answer, str) or answer.denominator == 1:
        return str(answer)
    return f"{answer} = {decimal(answer)}"


def is_short(x: Answer) -> bool:
    """Is this a text, or a number that is small and has few decimals?"""
    return isinstance(x, str) or (abs(x) <= LARGEST and (x * 10 ** DIGITS).denominator == 1)


def is_weak(item: Item) -> bool:
    """Is the question not worth asking?

    Nothing is asked for; more than half of the answers are 0 or ±1; a number is long; a mistake leads to the right
    answer, or two mistakes lead to the same; or there are fewer than two mistakes to be made.
    """
    numbers = [blank.answer for blank in item.blanks if not blank.is_choice]
    answers = [[blank.answer, *[wrong.answer for wrong in blank.wrong]] for blank in item.blanks]
    return (not answers or 2 * sum(number in TOO_EASY for number in numbers) > len(numbers)
            or not all(is_short(x) for row in answers for x in row)
            or any(len(row) != len(set(row)) for row in answers)
            or max(map(len, answers)) < 3)


@dataclass(frozen=True)
class Quiz:
    """Questions, and the seed they were drawn from.

    >>> print(quiz(["softmax"], seed=7, n=1))
    1. What is the gradient of L by each logit?
           z1 = ln 5, z2 = ln 2, z3 = ln 3
           p = softmax(z)
           L = −ln p1
       ∂L/∂z1: ________
       ∂L/∂z2: ________
       ∂L/∂z3: ________
    """
    seed: str
    items: tuple[Item, ...]

    def __str__(self) -> str:
        from .quiz_text import as_text
        return as_text(self)

    def key(self) -> str:
        """The answers, with the solutions, as text."""
        from .quiz_text import as_key
        return as_key(self)

    def html(self) -> Any:
        """The page to practise on, which `save` writes to a file."""
        from .quiz_page import practice
        return practice(self)


def quiz(kinds: str | Iterable[str] = (), seed: object = 0, n: int = 10, level: int = 2) -> Quiz:
    """A quiz of n questions; the same seed gives the same questions, on every Python.

    kinds   the name of a kind, or several, which take turns; all of them, in an order that is drawn, if none is named
    seed    a number or a text, such as the id of a student
    level   1, 2 or 3: how many lines the graphs have

    ValueError for an unknown kind, and where a kind has not so many different questions.
    """
    n, level = checked_whole("n", n), checked_whole("level", level)
    if level > 3:
        raise ValueError(f"level must be 1, 2 or 3, got {level}")
    kinds = [kinds] if isinstance(kinds, str) else listed("kinds", kinds)
    known = {name: name for name in all_kinds()}
    names = [by_name("kind of question", name, known) for name in kinds] or Draw(f"{seed}").some_of(known, len(known))
    items: list[Item] = []
    for i in range(n):
        item = drawn_item(names[i % len(names)], f"{seed}/{i}", level, items)
        items.append(replace(item, name=f"quiz-{safe_name(str(seed))}-{i + 1:02}-{item.kind}"))
    return Quiz(str(seed), tuple(items))


def all_kinds() -> dict[str, Kind]:
    """{name: kind} of every kind of question."""
    from . import quiz_kinds  # noqa: F401, which enters them
    return KINDS


def drawn_item(name: str, seed: str, level: int, before: Sequence[Item]) -> Item:
    """The first question of a kind that is worth asking and was not asked before."""
    asked = {(item.stem, item.lines) for item in before}
    drawn = (all_kinds()[name](Draw(f"{seed}/{name}/{attempt}"), level) for attempt in range(TRIES))
    good = (item for item in drawn if item and not is_weak(item) and (item.stem, item.lines) not in asked)
    for item in islice(good, 1):
        return item
    raise ValueError(f"there are not so many different questions of kind {name!r}: ask for fewer, or for more kinds")


def safe_name(text: str) -> str:
    """A text as part of a file name: letters that every system takes, and two texts never become the same.

    >>> safe_name("s12-ab"), safe_name("../Ann Müller")
    ('s12-ab', 'ann-m-ller-2e177756')
    """
    is_made = re.search(r"(^|-)[0-9a-f]{8}$", text)             # it looks like a name that was made here
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40]
    if plain == text and plain and not is_made:
        return plain
    from hashlib import sha256
    return f"{plain}-{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}".lstrip("-")
