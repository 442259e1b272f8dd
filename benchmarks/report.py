"""The scoreboard as tables, as JSON, as a plot, and as the page of the site."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

from tinygrad_edu.show.plots import figure_class

from . import ROOT
from .batch_peers import BATCHERS, EXACT
from .batches import batch_named
from .compiled import COLUMNS, IN_TURNS, JAX, NUMPY, SHORT, TORCH, C
from .contest import AT_LEAST, FULL, Figure, Spread
from .names import GRADIENTS, NAMERS
from .peers import GPTS, OURS, PEERS
from .script import STEPS, THEIRS
from .training import TRAINERS
from .worker import BATCH, BY_SEED
from .workloads import workload_named

DOCS = ROOT / "docs"
TITLES = {
    "single": "single operations",
    "script": "a step of the GPT in the file that was given: with its own Value, and with only its class replaced",
    "chain": "growth of chains", "fan": "growth of fans", "memory": "memory of a node with two parents",
    "startup": "starting up: a process that imports the library", "command": "the command, a whole process",
    "player": "the player",
    BY_SEED: "digits by the command `tinygrad-edu train digits --hidden 32`, seed by seed",
    "crossover, hot": "a step by how many parameters a network has, each peer in a loop of its own",
    "crossover, in turns": "the same, all in turns",
}
# The peers, and after them those that only train, or run batches.
EVERYONE = {**PEERS, **TRAINERS, **PEERS, **BATCHERS, GRADIENTS: NAMERS[GRADIENTS]}
TIMES = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9))
PLOTTED = ("readme", "network", "gpt", "random", "moons", "digits")
# The tables that open the page: how many times our time a peer takes.
SUMMED_UP = ("readme", "network", "gpt", "random"), ("micrograd", "plain Value", "PyTorch", "jax.jit", "CasADi", C)
SUMMED_UP_BATCHES = [BATCH + name for name in ("small", "middle", "tanh", "large", "largest")], (NUMPY, JAX, TORCH, C)
CROSSOVER_PLOTTED = "crossover, hot"
CROSSOVER_PICTURE = ("![Time of a step by the number of parameters, a line for each peer: the tables of the crossover "
                     "have the numbers.](crossover.svg)")
OURSELVES, BARS = "#c8553d", "#4c78a8"

KEYS = ("command", "machine", "rounds", "few", "seconds", "loads", "figures")
Board = dict[str, Any]              # of these keys; "seconds" are by part, "loads" those of the machine before it


# ---- words ------------------------------------------------------------------------------------------------


def title(group: str) -> str:
    """What a group of figures is about.

    >>> title("chain-10000"), title("startup")
    ('a chain of 10,000 nodes', 'starting up: a process that imports the library')
    """
    if group.startswith(BATCH):
        return batch_named(group.removeprefix(BATCH)).title
    return TITLES[group] if group in TITLES else workload_named(group).title


def written(x: float | None, unit: str = "") -> str:
    """Three digits and the unit, where a time chooses its own.

    >>> written(1.1e-6, "s"), written(80.26, "bytes"), written(204.3, "x"), written(40000.0, "bytes")
    ('1.10 µs', '80.3 bytes', '204 x', '40,000 bytes')
    >>> written(None)
    ''
    """
    if x is None:
        return ""
    if unit == "s":
        unit, size = next(((name, size) for name, size in TIMES if abs(x) >= size), TIMES[-1])
        x /= size
    digits = f"{x:,.0f}" if abs(x) >= 1000 else f"{x:#.3g}".rstrip(".")
    return f"{digits} {unit}".strip()


def between(spread: Spread | None, unit: str = "") -> str:
    return f"{written(spread.low, unit)} to {written(spread.high, unit)}" if spread and spread.low < spread.high else ""


def median_of(spread: Spread | None, unit: str) -> str:
    return written(spread.middle, unit) if spread else ""


# ---- rows -------------------------------------------------------------------------------------------------

TARGET_HEAD = ["what", "target", "measured", "spread", ""]
HEAD = ["by", "median", "spread", "times ours", "spread", "note"]


def targets(figures: Iterable[Figure]) -> list[list[str]]:
    """Every target beside what was measured; no time is an error."""
    found = []
    for figure in figures:
        if figure.ratio_at_least is not None:
            what = f"{title(figure.group)}: {figure.who} against {OURS}"
            found.append(target_row(what, figure.ratio, "x", figure.ratio_at_least, "at least", figure.note))
        for target, sense in (figure.at_most, "at most"), (figure.at_least, "at least"):
            if target is not None:
                what = f"{title(figure.group)}: {figure.who}"
                found.append(target_row(what, figure.amount, figure.unit, target, sense, figure.note))
    return found


def target_row(what: str, found: Spread | None, unit: str, target: float, sense: str, note: str) -> list[str]:
    limit = f"{sense} {written(target, unit)}"
    if found is None:
        return [what, limit, "", "", f"not measured: {note}"]
    reached = found.middle >= target if sense == "at least" else found.middle <= target
    return [what, limit, written(found.middle, unit), between(found, unit), "reached" if reached else "missed"]


def summary(figures: list[Figure], groups: Iterable[str], peers: Iterable[str]) -> tuple[list[str], list[list[str]]]:
    """The head and a row for each group that was measured: how many times our time each peer takes.

    >>> summary([Figure("readme", "PyTorch", "s", Spread(2.0, 2.0, 2.0), ratio=Spread(9.0, 8.0, 10.0))],
    ...         ["readme", "gpt"], ["micrograd", "PyTorch"])
    (['what', 'micrograd', 'PyTorch'], [["the expression of micrograd's README", '–', '9.00 x']])
    """
    found = {(figure.group, figure.who): figure.ratio or figure.amount for figure in figures
             if figure.ratio or figure.column == f"times ours, {IN_TURNS}"}
    measured = {group for group, _ in found}
    return ["what", *peers], [[title(group), *(median_of(found.get((group, who)), "x") or "–" for who in peers)]
                              for group in groups if group in measured]


def tabled(figures: list[Figure]) -> tuple[list[str], list[list[str]]]:
    """The head and the rows of a group's table; what has a column is put there, in the row of its peer."""
    wide = [figure for figure in figures if figure.column]
    return wide_table(wide) if wide else (HEAD, rows(figures))


def wide_table(figures: list[Figure]) -> tuple[list[str], list[list[str]]]:
    """A column for each kind of figure; peers without any have a row together where the reason is the same."""
    found = dict.fromkeys(figure.column for figure in figures)
    columns = [name for name in COLUMNS if name in found] or list(found)
    cells = {(figure.who, figure.column): median_of(figure.amount, figure.unit) for figure in figures}
    notes = {figure.who: figure.note for figure in figures if figure.note}
    peers = dict.fromkeys(figure.who for figure in figures)
    made = [[who, *(cells.get((who, column), "") for column in columns), notes.get(who, "")]
            for who in peers if any(cells.get((who, column)) for column in columns)]
    silent: dict[str, list[str]] = {}
    for who in peers:
        if not any(cells.get((who, column)) for column in columns):
            silent.setdefault(notes.get(who, ""), []).append(who)
    return ["by", *columns, "note"], made + [["; ".join(names), *[""] * len(columns), note]
                                             for note, names in silent.items()]


def rows(figures: list[Figure]) -> list[list[str]]:
    """A row for each figure; peers without a number have one together where the reason is the same."""
    silent: dict[str, list[str]] = {}
    for figure in figures:
        if not figure.amount:
            silent.setdefault(figure.note, []).append(figure.who)
    return [*(row(figure) for figure in figures if figure.amount),
            *(["; ".join(names), "", "", "", "", note] for note, names in silent.items())]


def row(figure: Figure) -> list[str]:
    return [figure.who, median_of(figure.amount, figure.unit), between(figure.amount, figure.unit),
            median_of(figure.ratio, "x"), between(figure.ratio, "x"), figure.note]


def grouped(figures: list[Figure]) -> list[tuple[str, list[Figure]]]:
    return [(group, list(members)) for group, members in groupby(figures, key=lambda figure: figure.group)]


# ---- JSON -------------------------------------------------------------------------------------------------


def as_json(board: Board) -> str:
    return json.dumps({**board, "figures": [asdict(figure) for figure in board["figures"]]}, indent=1) + "\n"


def from_json(text: str) -> Board:
    """A board as it was written.

    >>> board = {"machine": "", "figures": [Figure("readme", "us", "s", Spread(1.0, 0.5, 2.0))]}
    >>> from_json(as_json(board)) == board
    True
    """
    board = json.loads(text)
    for figure in board["figures"]:
        for name in "amount", "ratio":
            figure[name] = figure[name] and Spread(*figure[name])
    return {**board, "figures": [Figure(**figure) for figure in board["figures"]]}


def read(path: Path) -> Board:
    """The board in a file; ValueError for a file that has none, OSError where there is no file."""
    try:
        board = from_json(path.read_text(encoding="utf-8"))
        if set(KEYS) <= board.keys():
            return board
    except (ValueError, LookupError, TypeError):
        pass
    raise ValueError(f"{path} has no figures of this command: name a file that --json or --write made")


# ---- the page ---------------------------------------------------------------------------------------------


def write_page(board: Board, folder: Path) -> None:
    """benchmarks.md, .json, .svg, and crossover.svg where that was measured: the same bytes for the same board."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "benchmarks.json").write_text(as_json(board), encoding="utf-8", newline="\n")
    (folder / "benchmarks.md").write_text(page(board), encoding="utf-8", newline="\n")
    save(plot(board), folder / "benchmarks.svg")
    if any(map(is_crossover, board["figures"])):
        save(crossover_plot(board), folder / "crossover.svg")


def page(board: Board) -> str:
    text = Path(__file__).with_name("page.md").read_text(encoding="utf-8")
    for mark, part in parts_of(board).items():
        text = text.replace(mark, part)
    return text


def parts_of(board: Board) -> dict[str, str]:
    """What stands in the place of each mark of page.md."""
    figures = board["figures"]
    tables = [f"### {capital(title(group))}\n\n{folded('The table', markdown(*tabled(members)))}"
              for group, members in grouped(figures)]
    aims = targets(figures)
    return {
        "@COMMAND@": board["command"],
        "@MINUTES@": f"{sum(board['seconds'].values()) / 60:.0f}",
        "@ROUNDS@": str(board["rounds"]), "@FEW@": str(board["few"]),
        "@MACHINE@": board["machine"], "@STEPS@": str(STEPS),
        "@SCRIPT_TARGET@": f"{AT_LEAST['script', THEIRS]:g}", "@GPT_TARGET@": f"{AT_LEAST['gpt', GPTS]:g}",
        "@TURNS@": str(FULL.turns), "@FILLED@": f"{FULL.turns * SHORT:g}",
        "@LOADS@": loads(board),
        "@CROSSOVER@": CROSSOVER_PICTURE * any(is_crossover(figure) for figure in figures),
        "@SUMMARY@": markdown(*summary(figures, *SUMMED_UP)),
        "@SUMMARY_BATCHES@": markdown(*summary(figures, *SUMMED_UP_BATCHES)),
        "@REACHED@": f"Of {len(aims)} targets {sum(aim[-1] == 'reached' for aim in aims)} were reached.",
        "@TARGETS@": folded("All targets", markdown(TARGET_HEAD, aims)),
        "@TABLES@": "\n\n".join(tables),
        "@PEERS@": "\n".join(f"* **{name}**{version_of(name, figures)}{': ' * bool(peer.what)}{peer.what}"
                             for name, peer in EVERYONE.items()),
    }


def loads(board: Board) -> str:
    """How busy the machine was before each part.

    >>> loads({"loads": {"readme": 0.25, "gpt": 1.5}})
    'busy processes before a part: 0.25 to 1.50'
    """
    found = sorted(board["loads"].values())
    return f"busy processes before a part: {found[0]:.2f} to {found[-1]:.2f}" if found else ""


def version_of(name: str, figures: list[Figure]) -> str:
    found = next((figure.version for figure in figures if figure.who == name and figure.version), "")
    return f" ({found})" if found else ""


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def folded(name: str, text: str) -> str:
    """Text to unfold by a click on its name."""
    return f"<details><summary>{name}</summary>\n\n{text}\n\n</details>"


def markdown(head: list[str], rows: Iterable[list[str]]) -> str:
    aligned = [":--" if column in ("what", "by", "note", "") else "--:" for column in head]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, aligned, *rows])


# ---- the plot ---------------------------------------------------------------------------------------------


def plot(board: Board) -> Any:
    """For each workload a bar for each peer: how many times our time it takes, on a scale of powers of ten."""
    groups = [(group, bars_of(members)) for group, members in grouped(board["figures"]) if group in PLOTTED]
    heights = [len(bars) + 1.2 for _, bars in groups]
    figure = figure_class()(figsize=(9, 0.3 * sum(heights) + 0.6), dpi=100, layout="constrained")
    for (group, bars), axes in zip(groups, figure.subplots(len(groups), 1, sharex=True, squeeze=False,
                                                           height_ratios=heights)[:, 0]):
        for place, (_, ratio) in enumerate(bars):
            axes.barh(place, ratio - 1, left=1, color=BARS)
            side = "left" if ratio >= 1 else "right"
            axes.annotate(f" {written(ratio)} ", (ratio, place), ha=side, va="center", size=8)
        axes.axvline(1, color=OURSELVES, linewidth=1)
        axes.set_yticks(range(len(bars)), [who for who, _ in bars])
        axes.invert_yaxis()
        axes.set(xscale="log")
        axes.margins(x=0.12)
        axes.set_title(capital(title(group)), loc="left", size=9, fontweight="bold")
        axes.spines[["top", "right"]].set_visible(False)
    if groups:
        axes.set_xlabel(f"time, as a multiple of {OURS}'s")
    return figure


def is_crossover(figure: Figure) -> bool:
    return figure.group == CROSSOVER_PLOTTED and figure.amount is not None


def crossover_plot(board: Board) -> Any:
    """A line for each peer: the time of a step by the number of parameters, both on scales of powers of ten."""
    figure = figure_class()(figsize=(9, 5.5), dpi=100, layout="constrained")
    axes = figure.subplots()
    lines: dict[str, list[tuple[float, float]]] = {}
    for point in filter(is_crossover, board["figures"]):
        lines.setdefault(point.who, []).append((float(point.column.replace(",", "")), point.amount.middle))
    for who, points in lines.items():
        ours = {"color": OURSELVES, "linewidth": 2.5} if who == EXACT else {}
        axes.plot(*zip(*points), marker="o", markersize=4, label=who, **ours)
    axes.set(xscale="log", yscale="log", xlabel="parameters", ylabel="seconds for loss and all gradients, 128 rows")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure


def save(figure: Any, path: Path) -> None:
    """As an SVG whose text is text."""
    from matplotlib import rc_context
    with rc_context({"svg.fonttype": "none"}):
        figure.savefig(path)


def bars_of(figures: list[Figure]) -> list[tuple[str, float]]:
    """Names and ratios, the slowest first; a peer without a figure has no bar."""
    ours = [(OURS, 1.0) for figure in figures if figure.who == OURS and figure.amount]
    peers = [(figure.who, figure.ratio.middle) for figure in figures if figure.ratio]
    return sorted(ours + peers, key=lambda bar: -bar[1])


