"""The steps as a table: in the terminal, in notebooks, and as Markdown, LaTeX and CSV."""

import csv
import io
import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ..engine.number import ALL_DIGITS, format_number
from ..engine.printer import escape
from .page import asset, sentences, words_of
from .typeset import PLAIN_LATEX, Pieces, html_of, latex_of, markdown_of

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.table import Table

    from .steps import Event

WIDEST = 120                    # of the table as text, where no terminal says otherwise
GAP = 2                         # between two columns
ROOM_FOR_REASONS = 24           # letters; with less, formula, numbers and reason stand one below the other
FORMAT = "tinygrad-edu-steps-1"        # of the steps as JSON
COLUMNS = ("step", "pass", "formula", "numbers", "because")


class Steps(list["Event"]):
    """A list of events that prints as a table.

    Notebooks show it with typeset formulas; `to_markdown`, `to_latex` and `to_csv` give it as text.
    """

    def __str__(self) -> str:
        try:
            from rich.console import Console
        except ModuleNotFoundError:
            return "\n".join(f"{i}. {event.text}" for i, event in enumerate(self, 1))
        width = min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns)
        console = Console(width=width, color_system=None, force_terminal=False, force_jupyter=False,
                          legacy_windows=False)
        with console.capture() as captured:
            console.print(self)
        return "\n".join(line.rstrip() for line in captured.get().splitlines())

    __repr__ = __str__

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "Iterator[Table]":
        *columns, _ = widths(self)
        fits = sum(columns) + ROOM_FOR_REASONS <= options.max_width
        yield in_columns(self) if fits else in_lines(self, options.max_width - sum(columns[:2]))

    def rows(self, write: Callable[[Pieces], str] | None = None) -> list[list[str]]:
        """The cells of every step: number, pass, and formula, numbers and reason as they are written, or as text."""
        told = sentences("steps")
        return [[str(i), told[event.kind], *(map(write, event.cells) if write else event.texts)]
                for i, event in enumerate(self, 1)]

    @property
    def caption(self) -> str:
        """What the steps are of; "" where the seed is not among them."""
        title = words_of("player").page["title"]
        return next((title.format(name=event.name) for event in self if event.kind == "seed"), "")

    def as_dict(self) -> dict[str, Any]:
        """The steps as plain data, for JSON: what `steps.schema.json` describes, and `tinygrad-edu check` judges.

        given       {name: number} of what every computation starts from; `constants` names those without a gradient
        output      the name of the result, and `seed`, where the walk back starts
        steps       each step, with its operation and inputs, or with its gradient before, upstream and local gradient

        >>> import tinygrad_edu as tg
        >>> data = tg.steps(tg.expression("x * y", x=2, y=3)).as_dict()
        >>> data["given"], data["steps"][0]["op"], data["steps"][0]["inputs"]
        ({'x': 2.0, 'y': 3.0}, 'mul', ['x', 'y'])
        """
        seed = next((event for event in self if event.kind == "seed"), None)
        leaves = {name: node for event in self for name, node in event.inputs
                  if not node.parents and name in event.as_dict()["inputs"]}
        return {"format": FORMAT, "given": {name: node.data for name, node in leaves.items()},
                "constants": [name for name, node in leaves.items() if node.is_constant],
                "output": seed.name if seed else "", "seed": seed.value if seed else 1.0,
                "steps": [event.as_dict() for event in self]}

    def _repr_html_(self) -> str:
        start = f'<div class="tg-steps" tabindex="0"><style>{asset("steps.css")}</style>'
        head = "".join(f'<th scope="col">{escape(title)}</th>' for title in titles())
        body = "\n".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in self.rows(html_of))
        return (f"{start}<table><caption>{escape(self.caption)}</caption>\n"
                f"<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>")

    def to_markdown(self) -> str:
        """The table as Markdown, formulas as LaTeX between dollar signs, as GitHub and Jupyter show them."""
        rows = [titles(), ["---"] * len(COLUMNS), *self.rows(markdown_of)]
        return "".join(f"| {' | '.join(row)} |\n" for row in rows)

    def to_latex(self) -> str:
        """The table as LaTeX, to be pasted into a document; its first line says which packages that needs."""
        head, *rows = [" & ".join(row) for row in (titles(), *self.rows(latex_of))]
        caption = self.caption.translate(PLAIN_LATEX)
        return "\n".join([r"% \usepackage{amsmath, longtable}", r"\begin{longtable}{rlllp{0.3\linewidth}}",
                          rf"\multicolumn{{5}}{{l}}{{{caption}}} \\", rf"{head} \\ \hline \endhead",
                          *[rf"{row} \\" for row in rows], r"\end{longtable}", ""])

    def to_csv(self) -> str:
        """The table as CSV (RFC 4180), formulas as text, with a last column: the number in full, to compute with.

        Write it with `open(path, "w", newline="", encoding="utf-8")`, which leaves the ends of its lines alone.
        """
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow([*titles(), sentences("steps")["value"]])
        writer.writerows([*row, format_number(event.value, ALL_DIGITS)] for row, event in zip(self.rows(), self))
        return text.getvalue()


def titles() -> list[str]:
    """What stands above the columns."""
    told = sentences("steps")
    return [told[column] for column in COLUMNS]


# ---- in the terminal --------------------------------------------------------------------------------------


def widths(steps: Steps) -> list[int]:
    """How many letters wide the columns are, each with the gap behind it."""
    from rich.cells import cell_len
    return [max(map(cell_len, column)) + GAP for column in zip(titles(), *steps.rows())]


def bare_table() -> "Table":
    """A table without lines; its first columns are those of the steps' numbers and passes."""
    from rich.table import Table
    step, kind, *_ = titles()
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0))
    table.add_column(step, style="dim", justify="right")
    table.add_column(kind, style="dim", no_wrap=True)
    return table


def in_columns(steps: Steps) -> "Table":
    """A step on a line, its reason on more where that is long."""
    from rich.text import Text
    table = bare_table()
    for title, style in zip(titles()[2:], ("", "bold", "dim")):
        table.add_column(title, style=style, overflow="fold")
    for row in steps.rows():
        table.add_row(*map(Text, row))
    return table


def in_lines(steps: Steps, room: int) -> "Table":
    """Formula, numbers and reason one below the other, or the first two on a line where this has room for them."""
    from rich.cells import cell_len
    from rich.text import Text
    table = bare_table()
    table.add_column(sentences("steps")["together"], overflow="fold")
    for event, (i, kind, formula, numbers, because) in zip(steps, steps.rows()):
        gap = " " if cell_len(event.text) <= room else "\n"
        reason = (f"\n{because}" if because else "", "dim")
        table.add_row(Text(i), Text(kind), Text.assemble(formula, gap, event.sign, " ", (numbers, "bold"), reason))
    return table
