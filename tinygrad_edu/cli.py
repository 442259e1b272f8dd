"""The command `tinygrad-edu`: type an expression, see every step.

Exit codes: 0 done, 1 a file could not be written or the layout engine failed, 2 the input is
not understood, 130 stopped by Ctrl-C, 141 the reader of the output went away.
"""

import argparse
import codecs
import inspect
import io
import json
import math
import os
import platform
import re
import sys
import unicodedata
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from . import __all__ as public_names
from . import __version__
from .cli_train import PREDICT_EXAMPLES, TRAIN_EXAMPLES, add_predict, add_train, run_predict, run_train
from .engine import composites, printer
from .engine.errors import DomainError, ExpressionError, GradientError, NotRationalError, errstate
from .engine.graph import leaves_in
from .engine.number import nearest, printable
from .engine.op import OPS, Op
from .engine.value import engine_name, pure_is_wanted
from .files import checked_ending, write_whole
from .nn import losses
from .show.boxes import BLANKS
from .show.dot import graphviz_of
from .show.draw import STYLES, drawing_of
from .show.export import KINDS, is_ours
from .show.frames import frames_of
from .show.layout import LAYOUTS
from .show.page import ENDINGS
from .show.paint import THEMES
from .show.player import Lesson, check_playable
from .show.steps import Steps, events_of
from .show.terminal import walk
from .symbols.expression import Program, parse
from .symbols.named import NAMES, NamedGraph
from .symbols.notation import plain_name
from .symbols.source import source
from .symbols.symbolic import Gradients, exact_gradients, symbolic_gradients

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

EXAMPLES = """examples:
  tinygrad-edu demo
  tinygrad-edu play "(x + y) * z" x=-2 y=5 z=-4
  tinygrad-edu step "q = x + y; f = q * z" x=-2 y=5 z=-4 --svg graph.svg
  tinygrad-edu draw "tanh(w * x + b)" w=0.5 x=2 b=-1
  tinygrad-edu ops sigmoid
  tinygrad-edu train xor --hidden 8 --epochs 20"""
STEP_EXAMPLES = """examples:
  tinygrad-edu step "(x + y) * z" x=-2 y=5 z=-4
  tinygrad-edu step "q = x + y; f = q * z" x=-2 y=5 z=-4 --svg graph.svg
  tinygrad-edu step "tanh(w * x + b)" w=0.5 x=2 b=-1 --html step.html
  tinygrad-edu step "x² + 3x" x=2 --interactive
  tinygrad-edu step "-x**2 / y" x=1/3 y=0.1 --exact --symbolic
  tinygrad-edu step "max(a, b, 0) + sigmoid(a)" a=1 b=2 --json
  tinygrad-edu step "tanh(w * x + b)" w=0.5 x=2 b=-1 --format latex"""
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
OPTIONS = ("--help", "--version", "--svg", "--html", "--output", "--no-open", "--interactive", "--symbolic", "--exact",
           "--json", "--theme", "--scale", "--style", "--blank", "--frames", "--format", "--layout", "--engine",
           "--names", "--ieee", "--literal")
WITH_A_WORD = ("-o", "--output", "--layout", "--engine", "--names", "--style", "--theme", "--scale", "--frames",
               "--format")
GRAPHVIZ = ("dot", "gv")
COMMANDS = ("demo", "play", "step", "draw", "ops", "train", "predict")
FORMATS = {"markdown": Steps.to_markdown, "latex": Steps.to_latex, "csv": Steps.to_csv}
IN_ASCII = {"∂": "d", "→": "->", "×": "*", "−": "-", "÷": "/", "…": "...", "√": "sqrt", "∛": "cbrt", "Σ": "sum",
            "Π": "prod", "·": ".", "≥": ">=", "≤": "<=", "≠": "!=", "—": "-"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    if sys.stdout is None:              # closed by the shell
        sys.stdout = io.StringIO()
    survive_any_console()
    args = parsed(argument_parser(), sys.argv[1:] if argv is None else list(argv))
    try:
        with errstate(all="ignore" if getattr(args, "ieee", False) else "raise"):
            args.run(args)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())      # nothing left to flush at exit
        return 141
    except KeyboardInterrupt:
        return fail("stopped", 130)
    except (ValueError, ArithmeticError, NotRationalError, ModuleNotFoundError, OSError, RuntimeError) as error:
        return fail(*message_and_code(error, args))
    return 0


def message_and_code(error: Exception, args: argparse.Namespace) -> tuple[object, int]:
    """What to say of an error in one line, and the exit code."""
    if isinstance(error, DomainError | GradientError):
        return (f"{error} (--ieee goes on with inf and nan)" if hasattr(args, "ieee") else error), 2
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


def console() -> "Console":
    """Where tables are printed: 140 letters wide in a pipe, and without any markup."""
    from rich.console import Console

    class Patient(Console):
        """A console that leaves it to `main` to notice that nobody reads on."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError
    piped = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Patient(width=140 if piped else None, highlight=False, markup=False, emoji=False)


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
        description="Step through and draw any expression, forward and backward; train small networks.",
        epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", action=Version)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, run: Any, help: str, examples: str) -> Any:
        made = commands.add_parser(name, help=help, description=help, epilog=examples,
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
    return parser


def add_expression(add: Any) -> None:
    """The arguments that `play`, `step` and `draw` share."""
    add("expression", metavar="EXPR", help='such as "(x + y) * z" or "q = x + y; f = q * z"')
    add("values", metavar="name=value", nargs="*", default=[], help="a number for each name: x=-2 y=1/3 z=sqrt(2)")
    add("--literal", action="store_true", help="refuse 2x, x^2, |x| and the like instead of reading them as 2*x ...")
    add("--ieee", action="store_true", help="go on with inf and nan instead of stopping at an error")
    add("--names", choices=NAMES, default="auto", help="what stands for what is computed on the way: v1, v2, ... where "
        "there are more than four operations, or always formulas")
    add("--layout", choices=LAYOUTS, default="auto", help="what places the boxes of a picture")
    add("--engine", choices=LAYOUTS, dest="layout", help=argparse.SUPPRESS)         # its name in version 0.1


def add_open(add: Any) -> None:
    add("--no-open", dest="open", action="store_false", help="only write the page, and do not open a browser")


def add_play(add: Any) -> None:
    add_expression(add)
    add("-o", "--output", metavar="FILE", default="", help=".html (default: play.html)")
    add_open(add)


def add_step(add: Any) -> None:
    add_expression(add)
    add("--svg", metavar="FILE", help="also draw the graph into this file (default: graph.svg)")
    add("--html", metavar="FILE", help="also write a page that walks through the steps (default: step.html)")
    add("--interactive", action="store_true", help="walk through the steps with the arrow keys")
    add("--symbolic", action="store_true", help="also the formula of each gradient")
    add("--exact", action="store_true", help="also each gradient as an exact fraction")
    form = add.__self__.add_mutually_exclusive_group().add_argument
    form("--json", action="store_true", help="print everything as JSON")
    form("--format", choices=FORMATS, help="print the steps alone, as a table to be pasted")


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
    if argv[:1] in (["step"], ["draw"], ["play"]):
        argv = shielded(argv)
    elif argv[:1] == ["predict"]:                           # numbers such as -1e-3
        argv = [" " + word if re.match(r"-[\d.]|-(inf|nan)", word) else word for word in argv]
    args, others = parser.parse_known_args(argv)
    if others and not hasattr(args, "values"):
        parser.error(f"not understood: {' '.join(others)}; tinygrad-edu COMMAND --help shows what is")
    if others:
        args.values = args.values + others
    return args


def shielded(argv: list[str]) -> list[str]:
    """The words with a space before those that start with a minus and are no options, such as `-x * y`."""
    words: list[str] = []
    for word, before in zip(argv, ["", *argv]):
        name = word.split("=")[0]
        known = name in ("-h", "-o", "--") or (len(name) > 3 and any(option.startswith(name) for option in OPTIONS))
        if before in WITH_A_WORD:                           # this is its word, even `-a.svg`
            words[-1] = f"--output={word}" if before == "-o" else f"{before}={word}"
        elif before in ("--svg", "--html") and re.fullmatch(r"\.[a-zA-Z]\w*", Path(word).suffix):
            words[-1] += word                                                   # no expression ends like that
        elif word in ("--svg", "--html"):
            words.append(f"{word}=")
        elif word == "--blank":                             # what follows may be a number such as x=2
            words.append("--blank=all")
        elif before == "--blank" and word in BLANKS:
            words[-1] = f"--blank={word}"
        else:
            words.append(word if known or not word.startswith("-") else " " + word)
    return words


def refuse_options(args: argparse.Namespace) -> None:
    """Refuse an option among the numbers, which is one of another command or a slip; ValueError says what is meant."""
    own_options = [option for option in OPTIONS if option[2:].removeprefix("no-") in vars(args)]
    for option in (pair.strip().partition("=")[0] for pair in args.values):
        if option.startswith("--"):
            near = "" if option in OPTIONS else nearest(option, own_options)
            hint = f"did you mean {near}?" if near else f"the options here are {', '.join(own_options)}"
            raise ValueError(f"unknown option {option}: {hint}")


def given_numbers(pairs: Sequence[str], literal: bool = False) -> dict[str, Any]:
    """{name: number} of `name=value`: a Fraction, which keeps 1/3 and 0.1 exact, or a float for others such as pi."""
    numbers: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = (part.strip() for part in pair.partition("="))
        name = plain_name(name)
        if not equals or not name.isidentifier():
            raise ValueError(f"{pair.strip()!r} is not understood: write name=value, such as x=-2, without spaces, "
                             "and the expression in quotes")
        if name in numbers:
            raise ValueError(f"{name} is given twice")
        numbers[name] = number_from(name, text.replace("−", "-"), literal)
    return numbers


def number_from(name: str, text: str, literal: bool) -> Any:
    """The number of one `name=value`, as `given_numbers` has it."""
    if re.fullmatch(r"[+-]?\d*,\d+", text):
        raise ValueError(f"{name}={text}: a decimal point is needed: write {name}={text.replace(',', '.')}")
    try:
        if re.fullmatch(r"[^/]*[eE][+-]?\d{4,}", text):
            raise ValueError            # a Fraction would fill the memory
        return float(text) if re.fullmatch(r"[+-]?(inf|infinity|nan)", text.lower()) else Fraction(text)
    except (ValueError, ZeroDivisionError):
        pass
    try:
        program = parse(text or name, literal=literal)
        if not program.names:
            say(program)
            return program.build({})[-1].data
    except ExpressionError as error:
        raise ValueError(f"{name}={text}: {error.reason}") from None
    except (ValueError, ArithmeticError):
        pass
    raise ValueError(f"{name}={text}: {text!r} is not a number; write for instance "
                     f"{name}=-2, {name}=0.5, {name}=1/3 or {name}=sqrt(2)")


def say(program: Program) -> None:
    """Say on stderr what was read otherwise than it was typed."""
    if program.said:
        print(f"tinygrad-edu: {program.said}", file=sys.stderr)


# ---- commands -------------------------------------------------------------------------------------------


def graph_of(args: argparse.Namespace) -> NamedGraph:
    """The graph of the expression, after its backward pass."""
    refuse_options(args)
    args.numbers = numbers = given_numbers(args.values, args.literal)
    try:
        floats = {name: float(number) for name, number in numbers.items()}
    except OverflowError:
        raise ValueError("one of the numbers is too large for a float") from None
    args.expression = args.expression.strip()
    program = parse(args.expression, floats, args.literal)
    args.read_as = program.read_as
    say(program)
    output = program.build(floats)[-1]
    if not output.is_constant:
        output.backward()
    return NamedGraph(output, args.names)


def run_step(args: argparse.Namespace) -> None:
    """Do what `step` was asked for: files first, then one thing on the screen: the walk, text for others, or tables."""
    graph = graph_of(args)
    events = events_of(graph)
    symbolic = symbolic_gradients(graph) if args.symbolic else None
    exact = exact_gradients(graph, fractions_of(args), as_written) if args.exact else None
    wrote = [save_picture(graph, own(args.svg, "graph.svg"), args.layout)] if args.svg is not None else []
    wrote += [save_player(graph, events, own(args.html, "step.html"), args.layout)] if args.html is not None else []
    if args.interactive:
        walk_through(events)
    elif args.json:
        data = {"expression": args.expression, "read_as": args.read_as, **as_data(graph, events, symbolic, exact)}
        print(json.dumps(data, ensure_ascii=not prints_unicode(), indent=2))
    elif args.format:
        print(FORMATS[args.format](events).replace("\r\n", "\n"), end="")     # stdout ends lines as the system does
    else:
        out = console()
        for shown in (events, "", result_table(graph, symbolic, exact), *wrote):
            out.print(shown)


def prints_unicode() -> bool:
    """Does the console take every letter?"""
    return "utf" in (sys.stdout.encoding or "").lower()


def run_demo(args: argparse.Namespace) -> None:
    """Play the lecture's first example."""
    expression, values = DEMO
    run_play(argparse.Namespace(expression=expression, values=values, literal=False, names="auto", layout="auto",
                                open=args.open, output=own("", "demo.html")))


def run_play(args: argparse.Namespace) -> None:
    """Write the page that walks through the expression, say where it is, and open it."""
    graph, target = graph_of(args), own(args.output, "play.html")
    console().print(save_player(graph, events_of(graph), target, args.layout))
    if args.open and has_display():
        import webbrowser
        webbrowser.open(Path(target).resolve().as_uri())


def has_display() -> bool:
    """Is there a screen to open a browser on?"""
    return sys.platform in ("win32", "darwin") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))


def own(name: str, default: str) -> str:
    """The file to be written: the one named, or else the default, which must not be somebody else's."""
    if not name and os.path.isfile(default) and not is_ours(default):
        raise ValueError(f"{default} is here already, and is not one that tinygrad-edu wrote: name another file")
    return name or default


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


def as_written(number: float) -> Fraction:
    """A number of the expression as the fraction that was typed: 0.1 is 1/10."""
    if number == math.pi:
        raise NotRationalError("pi is not a rational number")
    return Fraction(repr(number))


def fractions_of(args: argparse.Namespace) -> dict[str, Fraction]:
    """The numbers of the command line, which must all be fractions."""
    for name, number in args.numbers.items():
        if isinstance(number, float):
            text = next(pair for pair in args.values if plain_name(pair.partition("=")[0].strip()) == name)
            raise ValueError(f"{text.strip()} is not a rational number, so --exact has no answer")
    return dict(args.numbers)


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


def save_player(graph: NamedGraph, events: Steps, target: str, layout: str) -> str:
    """Write the page that walks through the steps; returns a line that says so."""
    checked_ending(target, ENDINGS, "pages")
    check_playable(graph)
    page = Lesson(graph, events).page("auto", layout)
    page.save(target)
    return f"wrote {printable(target)}: open it in a browser{with_reason(page.note)}"


def with_reason(note: str) -> str:
    """The end of a line about a picture whose boxes could not be placed as usual."""
    return f" (simple layout, since {note})" if note else ""


def walk_through(events: Steps) -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ValueError("--interactive needs a terminal: leave it out, or write a page with --html step.html")
    walk(events)


def as_data(graph: NamedGraph, events: Steps, symbolic: Gradients | None = None,
            exact: Gradients | None = None) -> dict[str, Any]:
    """The results and every step as plain data, for JSON."""
    return without_nan(results(graph, symbolic, exact) | {"steps": [event.as_dict() for event in events]})


def results(graph: NamedGraph, symbolic: Gradients | None, exact: Gradients | None) -> dict[str, Any]:
    """Value and gradients as plain data, with their formulas and fractions where these are wanted."""
    gradients = {graph.texts[leaf]: leaf.grad for leaf in leaves_in(graph.order)}
    data: dict[str, Any] = {"value": graph.data[graph.output], "gradients": gradients}
    if symbolic is not None:
        for key, write in ("symbolic", printer.text), ("latex", printer.latex):
            data[key] = {"value": write(symbolic.value), "gradients": {k: write(g) for k, g in symbolic.items()}}
    if exact is not None:
        data["exact"] = {"value": str(exact.value), "gradients": {k: str(g) for k, g in exact.items()}}
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


def bare_table(*titles: str) -> "Table":
    from rich.table import Table
    table = Table(*titles, box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=bool(titles))
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


def without_nan(data: Any) -> Any:
    """The data with infinities and nan as text, since JSON has none."""
    if isinstance(data, dict):
        return {key: without_nan(x) for key, x in data.items()}
    if isinstance(data, list):
        return [without_nan(x) for x in data]
    return str(data) if isinstance(data, float) and data - data else data
