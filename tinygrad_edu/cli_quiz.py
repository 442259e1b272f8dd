"""The command `quiz`: questions with exact answers, for a terminal, a page, paper and learning platforms."""

import argparse
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .engine.number import printable
from .files import checked_ending, checked_folder, checked_target, write_whole

if TYPE_CHECKING:
    from .classroom.quizzes.questions import Blank, Item, Quiz

EXAMPLES = """examples:
  tinygrad-edu quiz                                     asks ten questions here
  tinygrad-edu quiz --types diamond,softmax --seed 7 -n 4
  tinygrad-edu quiz --seed 7 --html practice.html       a page that checks answers
  tinygrad-edu quiz --seed 7 --print sheet.html --key key.html
  tinygrad-edu quiz --seed 7 --print sheet.tex --key key.tex
  tinygrad-edu quiz --seed 7 --moodle quiz.xml --canvas quiz.txt --prairielearn questions
  tinygrad-edu quiz --students ids.csv --print sheet.html --key key.html    one for each student"""


def add_commands(command: Any) -> None:
    """Enter the commands; `command(name, run, help, examples)` gives the function that adds an argument."""
    add = command("quiz", run_quiz, "Ask questions on gradients: here, on a page, on paper, on a platform.", EXAMPLES)
    add("--types", metavar="KIND,KIND", default="", help="the kinds of questions, which take turns (default: all); "
        "--types help lists them")
    add("--seed", default="0", metavar="TEXT", help="the same seed gives the same questions (default: 0)")
    add("-n", type=int, default=10, metavar="N", help="how many questions (default: 10)")
    add("--level", type=int, default=2, choices=(1, 2, 3), help="how large the graphs are (default: 2)")
    add("--html", metavar="FILE", help="a page to practise on; it holds the solutions")
    add("--print", metavar="FILE", dest="sheet", help="a sheet without answers: .html to be printed, or .tex")
    add("--key", metavar="FILE", help="the answers to it: .html or .tex")
    add("--moodle", metavar="FILE", help="for Moodle: .xml")
    add("--gift", metavar="FILE", help="for Moodle and others: GIFT, .txt")
    add("--canvas", metavar="FILE", help="for Canvas: .txt, of which the program text2qti makes a file to import; "
        "what asks for 0 is left out")
    add("--prairielearn", metavar="DIR", help="for PrairieLearn: a folder for each question")
    add("--students", metavar="FILE", help="a file with an id a line, or CSV with a column id: each student "
        "gets a quiz of their own, in files named after the id")


def run_quiz(args: argparse.Namespace) -> None:
    """Write the files that were asked for; ask here where there are none."""
    from .classroom.quizzes.questions import quiz
    if args.types == "help":
        print(list_of_kinds())
        return
    kinds = [name for part in args.types.split(",") if (name := part.strip())]
    seeds = [(f"{args.seed}/{student}", student) for student in students_of(args.students)] if args.students else [
        (args.seed, "")]
    wanted = check_files(args)
    if args.students and not wanted:
        raise ValueError("--students writes files: say which, such as --print sheet.html --key key.html")
    for seed, student in seeds:
        made = quiz(kinds, seed, args.n, args.level)
        for name, option in wanted.items():
            for path in write(name, made, named_after(option, student)):
                print(f"wrote {printable(str(path))}")
    if not wanted:
        ask(made) if sys.stdin.isatty() and sys.stdout.isatty() else print(made)


def list_of_kinds() -> str:
    """The kinds of questions, a line each."""
    from .classroom.quizzes.questions import all_kinds
    width = max(map(len, all_kinds()))
    return "\n".join(f"{name:{width}}  {(make.__doc__ or '').rstrip('.')}" for name, make in all_kinds().items())


# ---- files ----------------------------------------------------------------------------------------------

ENDINGS = {"html": ("html", "htm"), "sheet": ("html", "htm", "tex"), "key": ("html", "htm", "tex"), "moodle": ("xml",),
           "gift": ("txt", "gift"), "canvas": ("txt",)}


def check_files(args: argparse.Namespace) -> dict[str, Path]:
    """{option: file or folder} of what is to be written; ValueError or OSError where it cannot be, before any is."""
    wanted = {name: Path(vars(args)[name]) for name in (*ENDINGS, "prairielearn") if vars(args)[name]}
    for name, path in wanted.items():
        if name in ENDINGS:
            checked_ending(path, ENDINGS[name], "such quizzes")
            checked_target(path)
    if args.prairielearn:
        checked_folder(Path(args.prairielearn))
    if len(set(wanted.values())) < len(wanted):
        raise ValueError("two of the files have the same name")
    return wanted


def write(name: str, quiz: "Quiz", path: Path) -> list[Path]:
    """Write what an option asks for; returns the files, or the folder."""
    from .classroom.quizzes import quiz_export, quiz_page
    if name == "prairielearn":
        quiz_export.write_prairielearn(quiz, path)
        return [path]
    if path.suffix.lower() == ".tex":
        return write_latex(quiz, path, with_answers=name == "key")
    pages = {"html": quiz_page.practice, "sheet": quiz_page.sheet, "key": quiz_page.key}
    text = pages[name](quiz).html if name in pages else quiz_export.FORMATS[name](quiz)
    return [write_whole(path, text.encode())]


def write_latex(quiz: "Quiz", path: Path, with_answers: bool) -> list[Path]:
    """Write a document of LaTeX, and each picture as a PDF beside it."""
    from .classroom.quizzes.quiz_text import as_latex
    from .show.export import exported
    pictures = {item.name: f"{item.name}.pdf" for item in quiz.items if item.is_drawn}
    for item in quiz.items:
        if item.is_drawn:
            write_whole(path.with_name(pictures[item.name]), exported(item.drawn(), "pdf"))
    write_whole(path, as_latex(quiz, pictures, with_answers).encode())
    return [path, *[path.with_name(name) for name in pictures.values()]]


def named_after(path: Path, student: str) -> Path:
    """The file of a student: sheet.html becomes sheet-s12.html; names are made safe, and never become the same."""
    from .classroom.quizzes.questions import safe_name
    return path.with_name(f"{path.stem}-{safe_name(student)}{path.suffix}") if student else path


def students_of(path: str) -> list[str]:
    """The ids in a file of one id a line, or in the column "id" of a CSV file."""
    rows = rows_of(path)
    head = [cell.strip().lower() for cell in rows[0]] if rows else []
    if "id" not in head and max(map(len, rows), default=0) > 1:
        raise ValueError(f"{path}: which column is the id?  Write id above it")
    column = head.index("id") if "id" in head else 0
    ids = [row[column].strip() if column < len(row) else "" for row in rows["id" in head:]]
    if not ids or "" in ids:
        raise ValueError(f"{path}: a row without an id" if ids else f"{path}: there is no id in this file")
    twice = next((student for student in ids if ids.count(student) > 1), None)
    if twice is not None:
        raise ValueError(f"{path}: the id {twice!r} is there twice")
    return ids


def rows_of(path: str) -> list[list[str]]:
    """The rows of a CSV file, whether its columns are set apart by commas, semicolons or tabs; without empty rows."""
    import csv
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            text = file.read()
        comma = max(",;\t", key=text.partition("\n")[0].count)
        rows = csv.reader(StringIO(text, newline=""), delimiter=comma)
        return [row for row in rows if any(cell.strip() for cell in row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: this is no CSV file in UTF-8 ({error}): save it as one") from None


# ---- in the terminal ------------------------------------------------------------------------------------


def ask(quiz: "Quiz", read: Callable[[str], str] = input) -> None:
    """Ask every question, say what is to be said to each answer, and show the solution after a wrong one."""
    from .classroom.quizzes.quiz_text import question_text
    right = 0
    for number, item in enumerate(quiz.items, 1):
        print(question_text(number, item, [blank for blank in item.blanks if blank.is_choice]))
        is_right = sum(answered(blank, read) for blank in item.blanks) == len(item.blanks)
        right += is_right
        if not is_right:
            print("\n".join(solution(item)))
        print()
    print(f"{right} of {len(quiz.items)} questions right")


def solution(item: "Item") -> Iterator[str]:
    """The answers and the way to them."""
    from .classroom.quizzes.quiz_text import answer_text
    for blank in item.blanks:
        yield f"   {blank.label}: {answer_text(blank)}"
    for line in item.worked:
        yield f"     {line}"


def answered(blank: "Blank", read: Callable[[str], str]) -> bool:
    """Ask for one answer, until something is given that can be one, and say what is to be said to it."""
    while True:
        try:
            reply = blank.reply(read(f"   {blank.label} = "))
        except EOFError:
            print()
            raise KeyboardInterrupt from None
        except ValueError as error:
            print(f"   {error}")
            continue
        print(f"   {reply.text}")
        return reply.is_right
