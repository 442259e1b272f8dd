"""The lessons of the course, read and run in this process: their cells, and what each shows."""

import ast
import contextlib
import io
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "notebooks" / "course"
KINDS = {"predict", "order", "code", "rule", "layer", "training", "bug"}        # that the engine judges
VERDICT = re.compile(r"^(right|not yet|to fill in|wrong|unjudged)\b", re.M)


@dataclass
class Cell:
    """A cell; of an exercise its kind, its solution and {mistake: a part of its hint}, all of it whole cells.

    shows       has it a stored output?
    is_folded   does JupyterLab hide it until it is run?
    """

    kind: str
    source: str
    shows: bool = False
    is_folded: bool = False
    tags: list = field(default_factory=list)
    exercise: str = ""
    solution: str = ""
    mistakes: dict = field(default_factory=dict)

    @classmethod
    def read(cls, cell):
        kept = {name: cell["metadata"][name] for name in ("tags", "exercise", "solution", "mistakes") if name in cell["metadata"]}
        folded = cell["metadata"].get("jupyter", {}).get("outputs_hidden", False)
        return cls(cell["cell_type"], "".join(cell["source"]), bool(cell.get("outputs")), folded, **kept)

    @property
    def asks_why(self):
        """Is a sentence asked for, with a model answer to unfold?"""
        return self.kind == "markdown" and "<details>" in self.source


class Lesson:
    """A notebook of the course."""

    def __init__(self, cells):
        self.cells = [Cell.read(cell) for cell in cells]

    @classmethod
    def load(cls, path):
        return cls(json.loads(path.read_text(encoding="utf-8"))["cells"])

    @property
    def prose(self):
        """All the text, without code."""
        return "\n\n".join(cell.source for cell in self.cells if cell.kind == "markdown")

    @property
    def code(self):
        return [cell for cell in self.cells if cell.kind == "code"]

    @property
    def exercises(self):
        """The cells that the engine judges."""
        return [cell for cell in self.code if cell.exercise]

    @property
    def words(self):
        """How many words there are to read: those of the text and of the comments."""
        comments = [comment for cell in self.code for comment in re.findall(r"#.*", cell.source)]
        return len(re.findall(r"[^\W_][\w'’-]*", "\n".join([re.sub(r"<[^>]+>", " ", self.prose), *comments])))

    def run_as_shipped(self):
        """[(exercise, what it shows)], nothing filled in."""
        names = fresh()
        shown = [(cell, run(cell.source, names, cell.tags)) for cell in self.code]
        return [(cell, text) for cell, text in shown if cell.exercise]

    def run_solved(self):
        """[(exercise, what its solution shows, {mistake: what that shows})]; what a mistake defines is forgotten."""
        names, found = fresh(), []
        for cell in self.code:
            mistaken = {mistake: run(mistake, dict(names), cell.tags) for mistake in cell.mistakes}
            text = run(cell.solution or cell.source, names, cell.tags)
            if cell.exercise:
                found.append((cell, text, mistaken))
        return found


def fresh():
    """The names that a notebook begins with."""
    return {"__name__": "__main__", "display": print}


def run(source, names, tags=()):
    """What a cell shows: what it prints, and its last expression; an error that is announced is shown by its name."""
    body = ast.parse(source).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        try:
            exec(compile(ast.Module(body, []), "<cell>", "exec"), names)
            value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), names) if last else None
        except Exception as error:
            if "raises-exception" not in tags:
                raise
            value = f"{type(error).__name__}: {error}"
    return output.getvalue() + ("" if value is None else value if isinstance(value, str) else repr(value))


def passes(shown):
    """Is an exercise solved?  It says a verdict at least once, and each is "right"."""
    verdicts = VERDICT.findall(shown)
    return bool(verdicts) and set(verdicts) == {"right"}


LESSONS = {path.stem: Lesson.load(path) for path in sorted(FOLDER.glob("*.ipynb"))}
