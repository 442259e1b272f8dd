"""The command `tinygrad-edu`: type an expression, see every step.

Exit codes: 0 done, 1 a file could not be written or the layout engine failed, 2 the input is
not understood, 130 stopped by Ctrl-C, 141 the reader of the output went away.
"""

import argparse
import codecs
import inspect
import io
import json
import os
import platform
import re
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from . import __all__ as public_names
from . import __version__, cli_bugs, cli_check, cli_explain, cli_grade, cli_playground, cli_quiz
from .cli_expression import (
    WITH_EXPRESSION,
    add_expression,
    add_open,
    as_written,
    bare_table,
    console,
    fraction_text,
    fractions_of,
    graph_of,
    has_display,
    own,
    prints_unicode,
    shielded,
    with_reason,
    without_nan,
)
from .cli_train import PREDICT_EXAMPLES, TRAIN_EXAMPLES, add_predict, add_train, run_predict, run_train
from .engine import composites, printer
from .engine.errors import DomainError, GradientError, NotRationalError, errstate
from .engine.graph import leaves_in
from .engine.number import nearest, printable
from .engine.op import OPS, Op
from .engine.value import engine_name, pure_is_wanted
from .files import checked_ending, write_whole
from .nn import losses
from .nn.export.script import LIBRARIES, script
from .show.boxes import BLANKS
from .show.dot import graphviz_of
from .show.draw import STYLES, drawing_of
from .show.export import KINDS
from .show.frames import frames_of
from .show.live import LiveLesson
from .show.page import ENDINGS
from .show.paint import THEMES
from .show.player import Lesson, check_playable
from .show.steps import Steps, events_of
from .show.terminal import walk
from .symbols.named import NamedGraph
from .symbols.source import source
from .symbols.symbolic import Gradients, exact_gradients, symbolic_gradients

if TYPE_CHECKING:
    from rich.table import Table

EXAMPLES = """examples:
  tinygrad-edu demo
  tinygrad-edu play "(x + y) * z" x=-2 y=5 z=-4
  tinygrad-edu step "q = x + y; f = q * z" x=-2 y=5 z=-4 --svg graph.svg
  tinygrad-edu draw "tanh(w * x + b)" w=0.5 x=2 b=-1
  tinygrad-edu ops sigmoid
  tinygrad-edu train xor --hidden 8 --epochs 20
  tinygrad-edu explain "(a+b)*(b+1)" b a=2 b=1
  tinygrad-edu quiz --seed 7 --html practice.html"""
STEP_EXAMPLES = """examples:
  tinygrad-edu step "(x + y) * z" x=-2 y=5 z=-4
  tinygrad-edu step "q = x + y; f = q * z" x=-2 y=5 z=-4 --svg graph.svg
  tinygrad-edu step "tanh(w * x + b)" w=0.5 x=2 b=-1 --html step.html
  tinygrad-edu step "x² + 3x" x=2 --interactive
  tinygrad-edu step "-x**2 / y" x=1/3 y=0.1 --exact --symbolic
  tinygrad-edu step "max(a, b, 0) + sigmoid(a)" a=1 b=2 --json
  tinygrad-edu step "tanh(w * x + b)" w=0.5 x=2 b=-1 --format latex
  tinygrad-edu step "tanh(w * x + b)" w=0.5 x=2 b=-1 --script torch"""
DRAW_EXAMPLES = """examples:
  tinygrad-edu draw "(x + y) * z" x=-2 y=5 z=-4
  tinygrad-edu draw "tanh(w * x + b)" w=0.5 x=2 b=-1 -o neuron.svg
  tinygrad-edu draw "1/(1+exp(-(w*x+b)))" w=2 x=-1 b=1 --style circuit
  tinygrad-edu draw "(x + y) * z" x=-2 y=5 z=-4 -o slide.png --theme dark
  tinygrad-edu draw "(x + y) * z" x=-2 y=5 z=-4 --blank -o worksheet.pdf
  tinygrad-edu draw "(x + y) * z" x=-2 y=5 z=-4 --frames steps --format png
  tinygrad-edu draw "x * y" x=1 y=2 -o graph.dot"""
PLAY_EXAMPLES = """examples:
  tinygrad-edu play "(x + y) * z" x=-2 y=5 z=-4
  tinygrad-edu play "tanh(w * x + b)" w=0.5 x=2 b=-1 -o neuron.html --no-open"""
DEMO_EXAMPLES = """examples:
  tinygrad-edu demo
  tinygrad-edu demo --no-open     only writes demo.html"""
DEMO = "q = x + y; f = q * z", ["x=-2", "y=5", "z=-4"]
OPS_EXAMPLES = """examples:
  tinygrad-edu ops            the table of all operations
  tinygrad-edu ops tanh       one operation: formula, LaTeX, and the code made from its rule"""
GRAPHVIZ = ("dot", "gv")
OTHERS = cli_explain, cli_check, cli_grade, cli_quiz, cli_bugs, cli_playground
GROUPS = {                              # of the commands, as --help lists them
    "look into an expression": ("demo", "playground", "play", "step", "draw", "explain", "cost", "ops"),
    "train a network": ("train", "predict"),
    "learn and teach": ("why", "quiz", "bugs", "check", "grade", "grade-layer", "grade-optimizer", "autograder")}
COMMANDS = tuple(name for names in GROUPS.values() for name in names)
FORMATS = {"markdown": Steps.to_markdown, "latex": Steps.to_latex, "csv": Steps.to_csv}
IN_ASCII = {"∂": "d", "→": "->", "×": "*", "−": "-", "÷": "/", "…": "...", "√": "sqrt", "∛": "cbrt", "Σ": "sum",
            "Π": "prod", "·": ".", "≥": ">=", "≤": "<=", "≠": "!=", "—": "-", "✗": "x"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    if sys.stdout is None:              # closed by the shell
        sys.stdout = io.StringIO()
    survive_any_console()
    args = parsed(argument_parser(), sys.argv[1:] if argv is None else list(argv))
    try:
        with errstate(all="ignore" if getattr(args, "ieee", False) else "raise"):
            code = args.run(args) or 0
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())      # nothing left to flush at exit
        return 141
    except KeyboardInterrupt:
        return fail("stopped", 130)
    except (ValueError, ArithmeticError, NotRationalError, ModuleNotFoundError, OSError, RuntimeError) as error:
        return fail(*message_and_code(error, args))
    return code


def message_and_code(error: Exception, args: argparse.Namespace) -> tuple[object, int]:
    """What to say of an error in one line, and the exit code."""
    if isinstance(error, DomainError | GradientError):
        return (f"{error} (--ieee goes on with inf and nan)" if getattr(args, "ieee", True) is False else error), 2
    if isinstance(error, ValueError | ArithmeticError | NotRationalError):
        return error, 2
    if isinstance(error, ModuleNotFoundError):
        is_told = "pip install" in str(error)
        return (error if is_told else f"this needs the package {error.name}: pip install {error.name}"), 1
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}", 1
    return error, 1


def fail(error: object, code: int) -> int:
    print(f"tinygrad-edu: {printable_lines(str(error))}", file=sys.stderr)
    return code


def printable_lines(text: str) -> str:
    """What is said on the terminal, some of it in words that came from outside."""
    return "\n".join(map(printable, text.split("\n")))


class Parser(argparse.ArgumentParser):
    """A parser whose complaints hold only text, whatever was typed."""

    def error(self, message: str) -> NoReturn:
        super().error(printable(message))


def survive_any_console() -> None:
    """Where the console has no ∂ or √, write d and sqrt instead of stopping."""
    def spelled_out(error: UnicodeError) -> tuple[str, int]:
        assert isinstance(error, UnicodeEncodeError)
        return "".join(map(ascii_letter, error.object[error.start:error.end])), error.end
    codecs.register_error("tinygrad-edu", spelled_out)
    for stream in sys.stdout, sys.stderr:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="tinygrad-edu")


def ascii_letter(c: str) -> str:
    """An ASCII stand-in: `alpha` for α, `2` for ₂, ? where there is none."""
    name = unicodedata.name(c, "")
    if name.startswith("GREEK"):
        return name.split()[-1].lower()
    return IN_ASCII.get(c) or unicodedata.normalize("NFKD", c).encode("ascii", "ignore").decode() or "?"


ENGINE_LINE = {
    "native": "native",
    "pure": "pure, all in Python; " + (
        "TINYGRAD_EDU_PURE is set" if pure_is_wanted
        else "the compiled one is built by pip install where there is a C compiler"),
}


class Version(argparse.Action):
    """--version: what this is, and what runs it."""

    def __init__(self, option_strings: list[str], dest: str):
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help="show program's version number and exit")

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from .fast.built import backend
        print(f"tinygrad-edu {__version__} (engine: {ENGINE_LINE[engine_name]}, programs: {backend()}, "
              f"Python {platform.python_version()}, {platform.system()} {platform.machine()})")
        parser.exit()


# ---- arguments ----------------------------------------------------------------------------------------


def argument_parser() -> argparse.ArgumentParser:
    """All commands, their arguments and their help."""
    parser = Parser(
        prog="tinygrad-edu",
        description="Step through and draw any expression, forward and backward; train small networks; grade and quiz.",
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", action=Version)
    commands = parser.add_subparsers(metavar="COMMAND", required=True, help="COMMAND --help says more of one of these:")

    def command(name: str, run: Any, help: str, examples: str) -> Any:
        made = commands.add_parser(name, description=help, epilog=examples,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
        made.set_defaults(run=run)
        return made.add_argument
    add_open(command("demo", run_demo, "Open a page that walks through (x + y) z.", DEMO_EXAMPLES))
    add_play(command("play", run_play, "Open a page that walks through an expression, forward and backward.",
                     PLAY_EXAMPLES))
    add_step(command("step", run_step, "Show every step of computing an expression and its gradients.", STEP_EXAMPLES))
    add_draw(command("draw", run_draw, "Draw the graph of an expression, with values and gradients.", DRAW_EXAMPLES))
    command("ops", run_ops, "List the operations: formula, local gradients, domain.", OPS_EXAMPLES)(
        "name", nargs="?", help="one operation, in detail")
    add_train(command("train", run_train, "Train a network on a data set or a CSV file.", TRAIN_EXAMPLES))
    add_predict(command("predict", run_predict, "Say what a trained network makes of an example.", PREDICT_EXAMPLES))
    for room in OTHERS:
        room.add_commands(command)
    parser.epilog = f"{listed({name: made.description for name, made in commands.choices.items()})}\n\n{EXAMPLES}"
    return parser


def listed(summaries: Mapping[str, str | None]) -> str:
    """The commands in their groups, with what each of them does."""
    indent, lines = max(map(len, COMMANDS)) + 4, list[str]()
    for title, names in GROUPS.items():
        lines += ["", f"{title}:", *[f"  {name:{indent - 2}}{summaries[name]}" for name in names]]
    width = shutil.get_terminal_size().columns - 2
    return "\n".join(textwrap.fill(line, width, subsequent_indent=" " * indent) for line in lines[1:])


def add_play(add: Any) -> None:
    add_expression(add)
    add("-o", "--output", metavar="FILE", default="", help=".html (default: play.html)")
    add_page(add)
    add_open(add)


def add_page(add: Any) -> None:
    add("--still", action="store_true", help="a page without sliders: its numbers stay as they are")
    add("--predict", action="store_true", help="a page that asks for each number before it shows it")


def add_step(add: Any) -> None:
    add_expression(add)
    add("--svg", metavar="FILE", help="also draw the graph into this file (default: graph.svg)")
    add("--html", metavar="FILE", help="also write a page that walks through the steps (default: step.html)")
    add_page(add)
    add("--interactive", action="store_true", help="walk through the steps with the arrow keys")
    add("--symbolic", action="store_true", help="also the formula of each gradient")
    add("--exact", action="store_true", help="also each gradient as an exact fraction")
    form = add.__self__.add_mutually_exclusive_group().add_argument
    form("--json", action="store_true", help="print everything as JSON")
    form("--format", choices=FORMATS, help="print the steps alone, as a table to be pasted")
    form("--script", choices=LIBRARIES, help="print a program for another library, which asserts the same numbers")


def add_draw(add: Any) -> None:
    add_expression(add)
    add("-o", "--output", metavar="FILE", default="", help=".svg, .png, .pdf or .dot (default: graph.svg)")
    add("--style", choices=STYLES, default="boxes", help="boxes, or a circuit as on the slides of lectures")
    add("--theme", choices=THEMES, default="auto", help="auto: SVG follows the reader's mode, PNG and PDF are light")
    add("--scale", type=float, default=2.0, metavar="X", help="pixels of a PNG for each point (default: 2)")
    add("--blank", choices=BLANKS[1:], nargs="?", const="all", default="", help="a worksheet, with places to fill in "
        "for all that is computed, or for gradients")
    add("--frames", metavar="DIR", default="", help="write a picture of each step into this folder instead")
    add("--format", choices=KINDS, default="svg", help="of --frames (default: svg)")


def parsed(parser: argparse.ArgumentParser, argv: list[str]) -> argparse.Namespace:
    """The arguments; an expression may start with a minus, and options may stand anywhere."""
    if argv and not argv[0].startswith("-") and argv[0] not in COMMANDS:
        near = nearest(argv[0], COMMANDS)
        hint = f"did you mean {near!r}?" if near else f"COMMAND is one of {', '.join(COMMANDS)}"
        parser.error(f"no command is called {argv[0]!r}: {hint}")
    if argv and argv[0] in WITH_EXPRESSION:
        argv = shielded(argv)
    elif argv[:1] == ["predict"]:                           # numbers such as -1e-3
        argv = [" " + word if re.match(r"-[\d.]|-(inf|nan)", word) else word for word in argv]
    args, others = parser.parse_known_args(argv)
    if others and not hasattr(args, "values"):
        parser.error(f"not understood: {' '.join(others)}; tinygrad-edu COMMAND --help shows what is")
    if others:
        args.values = args.values + others
    return args


# ---- commands -------------------------------------------------------------------------------------------


def run_step(args: argparse.Namespace) -> None:
    """Do what `step` was asked for: files first, then one thing on the screen: the walk, text for others, or tables."""
    if (args.still or args.predict) and args.html is None:
        option = "--still" if args.still else "--predict"
        raise ValueError(f"{option} says how a page is: write one with --html step.html")
    graph = graph_of(args)
    events = events_of(graph)
    symbolic = symbolic_gradients(graph) if args.symbolic else None
    exact = exact_gradients(graph, fractions_of(args), as_written) if args.exact else None
    wrote = [save_picture(graph, own(args.svg, "graph.svg"), args.layout)] if args.svg is not None else []
    wrote += [save_player(graph, events, own(args.html, "step.html"), args)] if args.html is not None else []
    if args.interactive:
        walk_through(events)
    elif args.json:
        data = {"expression": args.expression, "read_as": args.read_as, **as_data(graph, events, symbolic, exact)}
        print(json.dumps(data, ensure_ascii=not prints_unicode(), indent=2))
    elif args.format:
        print(FORMATS[args.format](events).replace("\r\n", "\n"), end="")     # stdout ends lines as the system does
    elif args.script:
        print(script(graph.whole[-1], args.script), end="")
    else:
        out = console()
        for shown in (events, "", result_table(graph, symbolic, exact), *wrote):
            out.print(shown)


def run_demo(args: argparse.Namespace) -> None:
    """Play the lecture's first example."""
    expression, values = DEMO
    run_play(argparse.Namespace(expression=expression, values=values, literal=False, names="auto", layout="auto",
                                still=False, predict=False, open=args.open, output=own("", "demo.html")))


def run_play(args: argparse.Namespace) -> None:
    """Write the page that walks through the expression, say where it is, and open it."""
    graph, target = graph_of(args), own(args.output, "play.html")
    console().print(save_player(graph, events_of(graph), target, args))
    if args.open and has_display():
        import webbrowser
        webbrowser.open(Path(target).resolve().as_uri())


def run_draw(args: argparse.Namespace) -> None:
    """Draw the expression into a file, or each of its steps into a folder."""
    graph, paint = graph_of(args), {"theme": args.theme, "scale": args.scale}
    if not args.frames:
        target = own(args.output, "graph.svg")
        console().print(save_picture(graph, target, args.layout, args.style, args.blank, **paint))
        return
    if args.output or args.blank or args.style != "boxes":
        raise ValueError("--frames draws every step as boxes into a folder: leave --output, --style and --blank out")
    paths = frames_of(graph, layout=args.layout).save(args.frames, args.format, **paint)
    console().print(f"wrote {printable(paths[0])} to {printable(paths[-1].name)}")


def run_ops(args: argparse.Namespace) -> None:
    """Print the table of operations, or one operation in detail."""
    if args.name:
        print(op_in_detail(OPS[args.name]) if args.name in OPS else composed_in_detail(args.name))
        return
    from rich.text import Text
    table = bare_table("operation", "symbol", "formula", "local gradients", "domain")
    for op in OPS.values():
        formula, gradients = op.in_text()
        table.add_row(*map(Text, (op.signature, op.symbol, formula, "\n".join(gradients), op.domain_text)))
    console().print(table)


def save_picture(graph: NamedGraph, target: str, layout: str, style: str = "boxes", blank: str = "",
                 **paint: Any) -> str:
    """Write the picture, in the colours and size that its `save` is told; returns a line that says so."""
    is_plain = style == "boxes" and not blank
    if checked_ending(target, [*KINDS, *GRAPHVIZ] if is_plain else KINDS, "pictures") in GRAPHVIZ:
        write_whole(target, graphviz_of(graph).source.encode())
        return f"wrote {printable(target)}"
    picture = drawing_of(graph, layout, style=style, blank=blank)
    picture.save(target, **paint)
    return f"wrote {printable(target)}{with_reason(picture.note)}"


def save_player(graph: NamedGraph, events: Steps, target: str, args: argparse.Namespace) -> str:
    """Write the page that walks through the steps, as the options say how; returns a line that says so."""
    checked_ending(target, ENDINGS, "pages")
    check_playable(graph)
    lesson = Lesson(graph, events) if args.still else LiveLesson(graph, events, recorded=False)
    page = lesson.page("auto", args.layout, args.predict)
    page.save(target)
    return f"wrote {printable(target)}: open it in a browser{with_reason(page.note)}"


def walk_through(events: Steps) -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ValueError("--interactive needs a terminal: leave it out, or write a page with --html step.html")
    walk(events)


def as_data(graph: NamedGraph, events: Steps, symbolic: Gradients | None = None,
            exact: Gradients | None = None) -> dict[str, Any]:
    """The results and every step as plain data, for JSON."""
    return without_nan(results(graph, symbolic, exact) | events.as_dict())


def results(graph: NamedGraph, symbolic: Gradients | None, exact: Gradients | None) -> dict[str, Any]:
    """Value and gradients as plain data, with their formulas and fractions where these are wanted."""
    gradients = {graph.texts[leaf]: leaf.grad for leaf in leaves_in(graph.order)}
    data: dict[str, Any] = {"value": graph.data[graph.output], "gradients": gradients}
    if symbolic is not None:
        for key, write in ("symbolic", printer.text), ("latex", printer.latex):
            data[key] = {"value": write(symbolic.value), "gradients": {k: write(g) for k, g in symbolic.items()}}
    if exact is not None:
        fractions = {name: fraction_text(gradient) for name, gradient in exact.items()}
        data["exact"] = {"value": fraction_text(exact.value), "gradients": fractions}
    return data


def result_table(graph: NamedGraph, symbolic: Gradients | None, exact: Gradients | None) -> "Table":
    """The result and its gradients, a row each, with their fractions and formulas where these are wanted."""
    from rich.text import Text
    data = results(graph, symbolic, exact)
    extra = [key for key in ("exact", "symbolic") if key in data]
    table = bare_table("result", "value", *extra)

    def add_row(title: str, number: float, others: list[str]) -> None:
        table.add_row(*map(Text, (title, printer.shortest(number, printer.TEXT), *others)))
    add_row(graph.texts[graph.output], data["value"], [data[key]["value"] for key in extra])
    for leaf in leaves_in(graph.order):
        name = graph.texts[leaf]
        add_row(graph.partial(graph.output, leaf), leaf.grad, [data[key]["gradients"][name] for key in extra])
    return table


def op_in_detail(op: Op) -> str:
    """All that is known of one operation, as text."""
    formula, gradients = op.in_text()
    return "\n".join([
        f"{op.signature}   {op.symbol}", op.summary, "",
        f"formula           {formula}", *[f"local gradient    {line}" for line in gradients],
        f"domain            {op.domain_text}", "", "LaTeX", source(op, "latex"), "",
        "Python", source(op, "python"), "C", source(op, "c").rstrip()])


def composed_in_detail(name: str) -> str:
    """What is known of a function that is made of operations; ValueError, with the nearest name, if there is none."""
    composed = {f.__name__: f for module in (composites, losses) for f in vars(module).values()
                if inspect.isfunction(f) and f.__module__ == module.__name__ and f.__name__ in public_names}
    if name not in composed:
        near = nearest(name, [*OPS, *composed])
        hint = f"did you mean {near!r}?" if near else "tinygrad-edu ops lists them"
        raise ValueError(f"no operation is called {name!r}: {hint}")
    function = composed[name]
    arguments = ", ".join(inspect.signature(function).parameters)
    return (f"{name}({arguments})\n{inspect.getdoc(function)}\n\n"
            "It is made of several operations, and is drawn as the graph they make.")


