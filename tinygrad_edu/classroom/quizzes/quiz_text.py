"""A quiz as plain text, as paper, and as LaTeX: the sheet holds no answer, the key holds all of them."""

from collections.abc import Iterator, Sequence
from textwrap import fill, indent

from ...engine.number import printable
from ...show.page import sentences
from ...show.typeset import PLAIN_LATEX
from .questions import Blank, Item, Quiz, exact

WIDTH = 100
EMPTY = "________"
LATEX = PLAIN_LATEX | str.maketrans({
    '"': r"\textquotedbl{}", "`": r"\textasciigrave{}", "'": r"\textquotesingle{}", "∂": r"$\partial$",
    "×": r"$\times$", "−": "$-$", "·": r"$\cdot$", "←": r"$\leftarrow$", "→": r"$\rightarrow$", "β": r"$\beta$",
    "—": "---", "²": "$^2$", "³": "$^3$"})
PREAMBLE = r"""\documentclass[11pt]{article}
\usepackage[a4paper,margin=22mm]{geometry}
\usepackage[T1]{fontenc}
\usepackage{textcomp}
\usepackage[export]{adjustbox}
\setlength{\parindent}{0pt}
\begin{document}
"""


def said(key: str, **holes: object) -> str:
    """A sentence of a quiz, its holes filled."""
    return sentences("quiz")["page"][key].format(**holes)


# ---- text -----------------------------------------------------------------------------------------------


def as_text(quiz: Quiz) -> str:
    """The questions, each with empty places."""
    return "\n\n".join(question_text(number, item, item.blanks) for number, item in enumerate(quiz.items, 1))


def question_text(number: int, item: Item, blanks: Sequence[Blank]) -> str:
    """One question: its stem, its lines, and these empty places."""
    lead = f"{number}. "
    stem = fill(item.stem, WIDTH, initial_indent=lead, subsequent_indent=" " * len(lead))
    lines = indent("\n".join(item.lines), " " * (len(lead) + 4))
    return "\n".join([stem, lines, *[indent(blank_text(blank), " " * len(lead)) for blank in blanks]])


def blank_text(blank: Blank) -> str:
    """An empty place, or the texts to choose from."""
    if not blank.is_choice:
        return f"{blank.label}: {EMPTY}"
    return "\n".join(f"{letter}) {choice}" for letter, choice in lettered(blank))


def on_sheet(item: Item) -> tuple[Blank, ...]:
    """The places to print below a question: none where all are filled in in its picture."""
    return () if item.is_drawn and len(item.blanks) > len(item.graph.at) else item.blanks          # type: ignore[union-attr]


def lettered(blank: Blank) -> Iterator[tuple[str, str]]:
    """The choices with their letters."""
    return zip("abcdefgh", blank.choices)


def as_key(quiz: Quiz) -> str:
    """The answers, with the way to each and the slips to look out for."""
    return "\n\n".join(f"{number}. " + "\n   ".join(key_lines(item)) for number, item in enumerate(quiz.items, 1))


def key_lines(item: Item) -> list[str]:
    """The answers to a question, its solution, and where wrong answers come from."""
    answers = [f"{blank.label}: {answer_text(blank)}" for blank in item.blanks]
    slips = [f"{blank.label}: {exact(wrong.answer)} — {wrong.reason}" for blank in item.blanks for wrong in blank.wrong]
    return [*answers, said("solution_alone"), *[f"  {line}" for line in item.worked],
            said("slips_alone"), *[f"  {x}" for x in slips]]


def answer_text(blank: Blank) -> str:
    """The right answer, after its letter if it is one of several texts."""
    letters = {choice: f"{letter}) " for letter, choice in lettered(blank)} if blank.is_choice else {}
    return letters.get(str(blank.answer), "") + exact(blank.answer)


# ---- LaTeX ----------------------------------------------------------------------------------------------


def in_latex(text: str) -> str:
    """Text as LaTeX prints it, letter by letter.

    >>> in_latex("∂f/∂x_1: 50 %")
    '$\\\\partial$f/$\\\\partial$x\\\\_1: 50 \\\\%'
    """
    return text.translate(LATEX)


def typewritten(line: str) -> str:
    """A line of a program, with the spaces at its beginning."""
    code = line.lstrip()
    return r"\mbox{}" + r"\ " * (len(line) - len(code)) + in_latex(code)


def as_latex(quiz: Quiz, pictures: dict[str, str], with_answers: bool = False) -> str:
    """The sheet, or the key, as a document of LaTeX.

    pictures   {name of an item: the file with its picture}
    """
    title = said("key" if with_answers else "title", seed=printable(quiz.seed))
    name = rf"\hfill {in_latex(said('name'))}: \underline{{\hspace{{60mm}}}}"
    head = rf"\textbf{{\large {in_latex(title)}}}" + name * (not with_answers)
    questions = [question_latex(item, pictures, with_answers) for item in quiz.items]
    return "\n".join([PREAMBLE + head, r"\begin{enumerate}", *questions, r"\end{enumerate}", r"\end{document}", ""])


def question_latex(item: Item, pictures: dict[str, str], with_answers: bool) -> str:
    """One question as an item of a list, kept on one page."""
    code = "\\\\\n".join(typewritten(line) for line in item.lines)
    parts = [r"\item \begin{minipage}[t]{\linewidth}", in_latex(item.stem), "",
             rf"\medskip{{\ttfamily {code}}}", "", r"\medskip"]
    if item.name in pictures:
        parts += [rf"\includegraphics[scale=.7,max width=\linewidth]{{{pictures[item.name]}}}", ""]
    places = [line for blank in on_sheet(item) for line in blank_text(blank).split("\n")]
    lines = map(typewritten, key_lines(item)) if with_answers else map(blank_latex, places)
    parts.append("\\\\\n".join(lines))
    return "\n".join([*parts, r"\end{minipage}\vspace{6mm}"])


def blank_latex(line: str) -> str:
    """A line with its empty place as a rule."""
    return in_latex(line.removesuffix(EMPTY)) + r"\underline{\hspace{25mm}}" * line.endswith(EMPTY) + r"\rule{0pt}{6mm}"
