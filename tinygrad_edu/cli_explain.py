"""The commands `explain`, `cost`, `why`: where a gradient comes from, what it costs, and what learners ask most."""

import argparse
import json
from typing import Any

from .classroom.cost import cost
from .classroom.explain import explanation_of
from .cli_expression import add_expression, graph_of, own, prints_unicode, without_nan
from .engine.number import printable
from .symbols.notation import plain_name

EXPLAIN_EXAMPLES = """examples:
  tinygrad-edu explain "(a+b)*(b+1)" b a=2 b=1
  tinygrad-edu explain "q = x + y; f = q * z" q x=-2 y=5 z=-4
  tinygrad-edu explain "q = x + y; f = q * z" x=-2 y=5 z=-4      where the number f came from
  tinygrad-edu explain "s = w*x; tanh(s) + s*s + x" x w=0.5 x=2 --html paths.html"""
COST_EXAMPLES = """examples:
  tinygrad-edu cost "(x + y) * z" x=-2 y=5 z=-4
  tinygrad-edu cost "tanh(w*x + b)" w=0.5 x=2 b=-1 --json"""
WHY_EXAMPLES = """examples:
  tinygrad-edu why
  tinygrad-edu why topo
  tinygrad-edu why twice --html twice.html"""


def add_commands(command: Any) -> None:
    """Enter the commands; `command(name, run, help, examples)` gives the function that adds an argument."""
    add_explain(command("explain", run_explain, "Show a gradient as the sum over all paths from the result to a name.",
                        EXPLAIN_EXAMPLES))
    add = command("cost", run_cost, "Count the operations of an expression and of its gradient, in every mode.",
                  COST_EXAMPLES)
    add_expression(add)
    add("--json", action="store_true", help="print the counts as JSON; they are exact, however large")
    add = command("why", run_why, "Answer a question that learners ask often, by a tiny graph.", WHY_EXAMPLES)
    add("question", nargs="?", default="", help="topo, zero-grad, twice or seed; without one they are listed")
    add("--html", metavar="FILE", help="also write a page that walks through the graph")
    add("--json", action="store_true", help="print the answer as JSON")


def add_explain(add: Any) -> None:
    add_expression(add)
    add("--paths", type=int, default=6, metavar="N", help="how many paths are listed, the largest first (%(default)s)")
    add("--html", metavar="FILE", help="write a page on which the paths light up (default: explain.html)")
    form = add.__self__.add_mutually_exclusive_group().add_argument
    form("--latex", action="store_true", help="print the sum as LaTeX")
    form("--json", action="store_true", help="print everything as JSON; the count is exact, however large")


def run_explain(args: argparse.Namespace) -> None:
    """Print the explanation, or write its page and say so."""
    name = name_among(args)
    graph = graph_of(args)
    try:
        told = explanation_of(graph, name, args.paths, args.layout)
    except KeyError as error:
        raise ValueError(error.args[0]) from None
    wrote = f"wrote {printable(told.save(own(args.html, 'explain.html')))}" if args.html is not None else ""
    if args.json:
        data = {"expression": args.expression, "read_as": args.read_as, **told.as_dict()}
        print(json.dumps(without_nan(data), ensure_ascii=not prints_unicode(), indent=2))
    elif args.latex:
        print(told.latex)
    else:
        print(told.text, *[wrote + ": open it in a browser"] * bool(wrote), sep="\n")


def name_among(args: argparse.Namespace) -> str | None:
    """The one name without a number that stands among the numbers, which is taken out of them."""
    names = [word for word in args.values if "=" not in word and not word.strip().startswith("--")]
    if len(names) > 1:
        raise ValueError(f"one gradient is explained at a time: name {names[0]} or {names[1]}, and write the numbers "
                         "as name=value")
    args.values = [word for word in args.values if word not in names]
    return plain_name(names[0].strip()) if names else None


def run_cost(args: argparse.Namespace) -> None:
    """Print what the expression costs."""
    output = graph_of(args).order[-1]
    if output.is_constant:
        raise ValueError(f"{printable(args.expression)} has no names, so nothing gets a gradient: write x * 3 x=2")
    price = cost(output)
    if args.json:
        data = {"expression": args.expression, "read_as": args.read_as, **price.as_dict()}
        print(json.dumps(data, ensure_ascii=not prints_unicode(), indent=2))
    else:
        print(price)


def run_why(args: argparse.Namespace) -> None:
    """List the questions, or answer one, and write its page."""
    from .classroom.often_asked import QUESTIONS, why
    named = why(args.question) if args.question else None
    if args.html is not None:
        if named is None:
            raise ValueError(f"--html: which question shall the page answer? {', '.join(QUESTIONS)}")
        named.page().save(args.html)
    if args.json:
        data = named.as_dict() if named else [question.as_dict() for question in QUESTIONS.values()]
        print(json.dumps(data, ensure_ascii=not prints_unicode(), indent=2))
        return
    width = max(map(len, QUESTIONS))
    print(named or "\n".join(f"{question.name:{width}}  {question.asks}" for question in QUESTIONS.values()))
    if args.html is not None:
        print(f"wrote {printable(args.html)}: open it in a browser")
