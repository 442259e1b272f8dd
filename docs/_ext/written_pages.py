"""Pages that are read off the library when the site is built, so that they cannot fall behind it.

The table of operations, the lists of everything public, the rooms of the package with their sizes,
the help of the command, and the player.  All of it lands in files git ignores, as do the notebooks, which
`shown_notebooks.py` copies.
"""

import inspect
import os
import re
from collections.abc import Iterator
from html import escape
from importlib import import_module
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, NamedTuple
from unittest import mock

from pictures import write_gallery
from plain_docstrings import as_rest
from shown_notebooks import write_notebooks

import tinygrad_edu as tg
from tinygrad_edu import cli
from tinygrad_edu.engine import formula

DOCS = Path(__file__).resolve().parents[1]
ROOT = DOCS.parent
GENERATED = DOCS / "generated"
PACKAGE = Path(tg.__file__).parent


class Page(NamedTuple):
    """A page on a part of the library: the modules whose public names stand on it.

    A public name stands on the page of the module it comes from; the last page takes
    what no other one does, so that nothing public is ever left out.
    """

    name: str
    title: str
    modules: tuple[str, ...] = ()           # these give their names to `tg`
    own: tuple[str, ...] = ()               # these are used by their own name, such as tg.schedules


RULES = ("engine.ops", "engine.more_ops")       # the modules of the operations
PAGES = (
    Page("values", "Values, graphs, errors", ("engine.value", "engine.errors", "engine.origin", "check.nonfinite")),
    Page("operations", "Operations, one by one", (*RULES, "engine.composites")),
    Page("declaring", "Declaring an operation", ("engine.op",), ("engine.formula",)),
    Page("calculus", "Derivatives of functions", ("calculus.transforms", "calculus.differences")),
    Page("gradients", "Formulas, fractions, text", ("symbols", "engine.replay")),
    Page("programs", "Programs for batches", ("fast.program", "fast.trace")),
    Page("checking", "Checking gradients", ("check.gradcheck", "check.report")),
    Page("showing", "Steps and pictures", ("show",), ("show.plots",)),
    Page("networks", "Networks", ("nn.modules", "nn.weights")),
    Page("losses", "Losses", ("nn.losses",)),
    Page("optimizers", "Optimizers, schedules, penalties", ("nn.optim", "nn.penalties"), ("nn.schedules",)),
    Page("matrix_layers", "The homework's matrix layers", (), ("nn.matrix_layers",)),
    Page("export", "Models and graphs for PyTorch, JAX, NumPy", ("nn.export",)),
    Page("training", "Data and training", ("learn",), ("learn.data",)),
    Page("estimators", "Estimators for scikit-learn", (), ("learn.estimators",)),
    Page("classroom", "For the classroom", ("classroom",),
         ("classroom", *[f"classroom.grading.{name}" for name in ("grade", "grade_layer", "grade_optimizer")])),
    Page("others", "Everything else"),
)
MACHINERY = {"IEEE", "divide", "ieee", "not_rational", "elsewhere", "elementary"}       # of `formula`, no words
PRINTING = "columns, others, cell"              # of tables of runs, by which they print
ROUTING = "set_fit_request, set_partial_fit_request, set_score_request, set_split_request"     # scikit-learn adds these
DATA = {
    "OPS": "All operations, by name: a dict of `Op`.  A new one enters it when it is declared.",
    "engine_name": 'Which engine runs: "native", the compiled one, or "pure", the one written in Python.',
}


def table(rows: list[str], kind: str, option: str) -> str:
    """A table in MyST, of rows that are lists."""
    return "\n".join([":::{list-table}", f":class: {kind}", f":{option}", "", *rows, ":::", ""])


def write_table(name: str, rows: list[str], widths: str) -> None:
    """A page's table of names, in a file of its own."""
    write(GENERATED / f"{name}.md", table(rows, "names", f"widths: {widths}"))


def write(path: Path, text: str) -> None:
    """Write a file, unless it already says so: Sphinx then need not read it again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8", newline="\n")


# ---- operations -------------------------------------------------------------------------------------


def grouped_ops(modules: tuple[str, ...] = RULES) -> dict[str, list[Any]]:
    """{heading: operations}: these files are tables under headings, the same in both, and these are the groups.

    >>> [op.name for op in grouped_ops()["arithmetic"]][:3]
    ['add', 'sub', 'mul']
    >>> [op.name for op in grouped_ops()["activations"]][-2:]
    ['softsign', 'logit']
    """
    groups: dict[str, list[Any]] = {}
    for op in tg.OPS.values():
        if op.__module__.removeprefix("tinygrad_edu.") in modules:
            groups.setdefault(heading_over(op.textbook.__code__), []).append(op)
    return groups


def heading_over(rule: CodeType) -> str:
    """The heading of the file that a rule stands under."""
    above = Path(rule.co_filename).read_text(encoding="utf-8").splitlines()[:rule.co_firstlineno]
    return [match[1] for line in above if (match := re.match(r"# -+ (.*?) -+$", line))][-1]


def operations_table() -> str:
    """The groups as MyST, a table each."""
    parts = []
    titles = "* - operation\n  - symbol\n  - formula\n  - local gradients\n  - domain"
    for heading, ops in grouped_ops().items():
        parts += [f"## {heading.capitalize()}", "", table([titles, *map(row_of, ops)], "operations", "header-rows: 1")]
    return "\n".join(parts)


def row_of(op: Any) -> str:
    value, *gradients = tg.source(op, "latex").splitlines()
    lines = [f"${gradient}$" for gradient in gradients]
    symbol = re.sub(r"([!-/:-@[-`{-~])", r"\\\1", op.symbol)           # + and > are no list and no quotation
    domain = op.domain_text.replace("<=", "≤").replace(">=", "≥").replace("!=", "≠").replace("-1", "−1")
    return "\n".join([
        f"* - []{{#op-{op.name.replace('_', '-')}}}{{py:obj}}`{op.signature} <tinygrad_edu.{op.name}>`",
        f"  - {symbol}", f"  - ${value}$",
        f"  - {lines[0]}", *[f"\n    {line}" for line in lines[1:]], f"  - {domain}"])


# ---- everything public --------------------------------------------------------------------------------


def home_of(name: str) -> str:
    """The module a public name comes from, such as "engine.value"."""
    thing = getattr(tg, name)
    if isinstance(thing, ModuleType):
        return thing.__name__.removeprefix("tinygrad_edu.")
    if name not in DATA and not isinstance(thing, tg.Interval):
        return thing.__module__.removeprefix("tinygrad_edu.")
    return {"engine_name": "engine.value"}.get(name, "engine.op")


def names_by_page() -> dict[str, dict[str, list[str]]]:
    """{page: {module: names}} for everything public that is no module itself."""
    found: dict[str, dict[str, list[str]]] = {page.name: {} for page in PAGES}
    for name in sorted([*tg.__all__, *tg._python_has_too]):
        home = home_of(name)
        if not isinstance(getattr(tg, name), ModuleType):
            page = next((p.name for p in PAGES for m in p.modules if f"{home}.".startswith(f"{m}.")), "others")
            found[page].setdefault(home, []).append(name)
    return found


def api_page(page: Page, homes: dict[str, list[str]]) -> str:
    """One page as reST."""
    lines = [page.title, "=" * len(page.title), ""]
    order = {module: i for i, module in enumerate(page.modules)}
    for home in sorted(homes, key=lambda home: (order.get(home, len(order)), home)):
        module = import_module(f"tinygrad_edu.{home}")
        lines += [*heading(f"{home.replace('.', '/')}.py"), *as_rest(inspect.getdoc(module) or ""),
                  ".. currentmodule:: tinygrad_edu", ""]
        if home in RULES:
            lines += operation_entries(home)
            continue
        place = {name: i for i, name in enumerate(vars(module))}
        for name in sorted(homes[home], key=lambda name: place.get(name, 0)):
            lines += entry(name)
    for own in page.own:
        lines += own_module(own)
    return "\n".join(lines)


def heading(text: str, mark: str = "-") -> list[str]:
    return [text, mark * len(text), ""]


def operation_entries(module: str) -> Iterator[str]:
    for group, ops in grouped_ops((module,)).items():
        yield from heading(group.capitalize(), "~")
        for op in ops:
            if op.name == "pow":                # tg.pow stands beside Value: it is what ** does
                continue
            yield from [f".. autofunction:: {op.name}", ""]


def entry(name: str) -> list[str]:
    """The directive that documents one public name."""
    thing = getattr(tg, name)
    if name in DATA or isinstance(thing, tg.Interval):
        words = DATA.get(name) or f"The `Interval` of a domain: {thing.describe('x')}" + (
            f", with a kink at {', '.join(f'{k:g}' for k in thing.kinks)}." if thing.kinks else ".")
        return [f".. py:data:: {name}", "", *["   " + line for line in as_rest(words)]]
    if inspect.isclass(thing):
        if issubclass(thing, BaseException):
            return [f".. autoexception:: {name}", ""]
        ours = [base.__name__ for base in thing.__bases__ if base.__module__.startswith("tinygrad_edu.")]
        inherited = [] if {*ours} <= {*tg.__all__} else ["   :inherited-members:", f"   :exclude-members: {PRINTING}"]
        return [f".. autoclass:: {name}", "   :members:", *inherited, ""]
    return [f".. autofunction:: {name}", ""]


def own_module(name: str) -> list[str]:
    """A module of its own name, with what is public in it."""
    module = import_module(f"tinygrad_edu.{name}")
    public = getattr(module, "__all__", None) or [
        word for word, thing in vars(module).items()
        if getattr(thing, "__module__", "") == module.__name__ and thing.__doc__ and word not in MACHINERY]
    short = f"tg.{name.split('.')[-1]}" if name.split(".")[-1] in tg.__all__ else f"tinygrad_edu.{name}"
    place = {word: i for i, word in enumerate(vars(module))}
    lines = [*heading(f"``{short}``"), f".. py:module:: tinygrad_edu.{name}", ""]
    lines += as_rest(inspect.getdoc(module) or "")
    if module is formula:
        lines += [f"As in ``math``: {', '.join(f'``m.{word}``' for word in formula.COMPUTE if word != 'pow')}.", ""]
    for word in sorted(public, key=lambda word: place.get(word, 0)):
        thing = getattr(module, word)
        kind = [f".. autoclass:: {word}", "   :members:", f"   :exclude-members: {ROUTING}"]
        lines += [*kind, ""] if inspect.isclass(thing) else [f".. autofunction:: {word}", ""]
    return lines


def write_api() -> None:
    homes = names_by_page()
    pages = [page for page in PAGES if homes[page.name] or page.own]
    for page in pages:
        write(DOCS / "api" / f"{page.name}.rst", api_page(page, homes[page.name]))
    wanted = {f"{page.name}.rst" for page in pages}
    for left in (DOCS / "api").glob("*.rst"):
        if left.name not in wanted:
            left.unlink()
    rows = [f"* - [{page.title}](/api/{page.name})\n  - {names_of(page, homes[page.name])}" for page in pages]
    hidden = "\n".join(["```{toctree}", ":hidden:", "", *[page.name for page in pages], "```", ""])
    write(GENERATED / "api.md", table(rows, "names", "widths: 30 70") + hidden)


def names_of(page: Page, homes: dict[str, list[str]]) -> str:
    """The names on a page, for the overview; too many are cut."""
    names = [f"{{py:obj}}`{name} <tinygrad_edu.{name}>`" for home in sorted(homes) for name in homes[home]]
    names += [f"`tg.{own.split('.')[-1]}`" if own.split(".")[-1] in tg.__all__ else f"`{own}`" for own in page.own]
    return ", ".join(names if len(names) <= 18 else [*names[:16], f"and {len(names) - 16} more"])


# ---- the package's rooms, the command ------------------------------------------------------------------

ROOMS = ("engine", "symbols", "calculus", "check", "native", "fast", "nn", "nn/export", "show", "learn", "classroom",
         *[f"classroom/{name}" for name in ("faults", "grading", "quizzes", "worked")],
         "")                            # above all of them


def rooms_table() -> str:
    """Every file with its number of lines and the first sentences of its docstring, room by room."""
    parts = []
    for room in ROOMS:
        files = sorted(path for path in (PACKAGE / room).iterdir() if path.suffix in (".py", ".pyx", ".h")
                       and (path.name != "__init__.py" or not room))
        purpose = opening_words(PACKAGE / room / "__init__.py") if room else (
            "The command, what is public, and how files are written.")
        rows = [f"* - `{path.name}`\n  - {length(path)}\n  - {opening_words(path)}" for path in files]
        parts += [f"**{f'`{room}/`' if room else 'above them'}** ({sum(map(length, files)):,} lines). {purpose}", "",
                  table(rows, "names", "widths: 22 10 68")]
    return "\n".join(parts)


def length(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def opening_words(path: Path) -> str:
    """The first paragraph of what a file says of itself.

    >>> opening_words(PACKAGE / "learn" / "__init__.py")
    'Learning from data: data sets, and the training loop.'
    """
    said = re.search(r'"""(.*?)(?:\n\n|""")|/\*(.*?)\*/', path.read_text(encoding="utf-8"), re.S)
    return " ".join((said[1] or said[2]).split()) if said else ""


LINES_AN_HOUR = 350                     # that one reads with understanding
EVENINGS = {
    "first": (
        ("engine/ops.py", "Sixty-odd rules of a few lines, as a lecturer writes them. Read `add`, `mul`, `max`, `tanh`,"
         " then as many as you like."),
        ("engine/graph.py", "The order of the nodes, and the walk back along the edges: the chain rule."),
        ("engine/value.py", "The class `Value`: how an operator makes a node, and `backward`."),
        ("engine/replay.py", "A recorded graph run again on other numbers: fractions, formulas, Values."),
    ),
    "second": (
        ("engine/op.py", "What an operation is: it is called on floats or Values, and checks what comes out."),
        ("engine/declare.py", "What `@op` does with a rule."),
        ("engine/formula.py", "Numbers that write themselves down, and the words of rules. Skim the functions."),
        ("engine/slopes.py", "How a gradient becomes a graph that can be differentiated again."),
        ("calculus/transforms.py", "Gradients, Jacobians, Hessians of functions."),
        ("symbols/named.py", "What a node is called where people see it."),
        ("symbols/symbolic.py", "Its gradient as a formula, or as a fraction."),
        ("show/steps.py", "The forward and the backward pass as a list of events, in the engine's own order."),
    ),
    "third": (
        ("nn/modules.py", "Neurons, layers, networks. Nothing in them knows of gradients."),
        ("nn/optim.py", "Each optimizer is its settings and one method, `steps_for`. Read `SGD`, `Momentum`, `Adam`."),
        ("learn/fit.py", "The training loop: the lecture's five steps, and what is kept of them."),
    ),
}


def sixty_lines() -> str:
    """The program of the page "The engine in sixty lines", whose parts stand between its sentences."""
    page = (DOCS / "sixty_lines.md").read_text(encoding="utf-8")
    return "\n".join(re.findall(r"^```python\n(.*?)^```$", page, re.S | re.M))


def evening(which: str) -> list[tuple[str, int, str]]:
    """(name, lines, what to look for) of all that is read on an evening; the first begins with the sixty lines.

    >>> evening("first")[0][0], evening("first")[1][0]
    ('[the sixty lines](sixty_lines.md)', '`engine/ops.py`')
    """
    files = [(f"`{name}`", length(PACKAGE / name), words) for name, words in EVENINGS[which]]
    lines = len(sixty_lines().splitlines())
    program = ("[the sixty lines](sixty_lines.md)", lines, "All of the idea, small enough to type in.")
    return [program, *files] if which == "first" else files


def evening_table(files: list[tuple[str, int, str]]) -> str:
    """A suggested order of reading, with the lines of each file counted, and how long they take."""
    rows = [f"* - {name}\n  - {lines}\n  - {words}" for name, lines, words in files]
    total = sum(lines for _, lines, _ in files)
    return table(rows, "names", "widths: 28 8 64") + (
        f"\nTogether {total:,} lines, of which many are docstrings: about {round(total / LINES_AN_HOUR)} hours, "
        f"at {LINES_AN_HOUR} lines an hour.\n")


def command_help() -> str:
    """What --help says, of the command and of each of its parts."""
    with mock.patch.dict(os.environ, {"COLUMNS": "100", "NO_COLOR": "1"}):
        parser = cli.argument_parser()
        parts = [("tinygrad-edu", parser.format_help())]
        for action in parser._actions:
            if isinstance(action.choices, dict):
                parts += [(f"tinygrad-edu {name}", part.format_help()) for name, part in action.choices.items()]
    return "\n".join(f"## `{name}`\n\n```text\n{text.rstrip()}\n```\n" for name, text in parts)


# ---- the player -----------------------------------------------------------------------------------------

PLAYED = {
    "graph": ("q = x + y; f = q * z", {"x": -2, "y": 5, "z": -4}),
    "neuron": ("s = w1 * x1 + w2 * x2 + b; f = tanh(s)", {"w1": 0.5, "x1": 2, "w2": -1, "x2": 1, "b": 0.25}),
}


def write_player() -> None:
    """A page of the player for each example, a training, and the frames that show them within pages of the site."""
    folder = GENERATED / "static" / "player"
    folder.mkdir(parents=True, exist_ok=True)
    pages = {name: tg.play(tg.expression(text, **numbers)) for name, (text, numbers) in PLAYED.items()}
    pages["training"] = tg.animate_training(tg.MLP(2, [8, 8, 2], rng=1), tg.data.moons(60, seed=0), epochs=40, lr=0.03,
                                            resolution=20, progress=False)
    for name, page in pages.items():
        page.save(folder / f"{name}.html")
        write(GENERATED / f"player_{name}.md", f'<iframe class="player" title="{escape(page.title)}" loading="lazy" '
              f'style="height:{page.height}px" src="player/{name}.html"></iframe>\n')


def write_playground() -> None:
    """What stands in the place of the playground until it is built there, so that the link to it says how."""
    write(GENERATED / "static" / "playground" / "index.html", """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>The playground is not built here</title></head>
<body><p>The playground is not built here. In the folder of tinygrad_edu,
<code>python docs/playground/build.py --out docs/_build/html/playground</code> builds it.</p>
<p><a href="../playground.html">Back</a></p></body></html>
""")


def write_all(app: Any) -> None:
    write(GENERATED / "operations.md", operations_table())
    write(GENERATED / "rooms.md", rooms_table())
    for which in EVENINGS:
        write(GENERATED / f"{which}_evening.md", evening_table(evening(which)))
    write(GENERATED / "static" / "sixty_lines.py", sixty_lines())
    write(GENERATED / "command.md", command_help())
    write_api()
    write_notebooks(ROOT / "notebooks", DOCS / "notebooks", GENERATED / "notebooks", write, write_table)
    write_player()
    write_playground()
    write_gallery(GENERATED / "static" / "pictures", write, GENERATED / "pictures.md")


def setup(app: Any) -> dict[str, bool]:
    app.connect("builder-inited", write_all, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
