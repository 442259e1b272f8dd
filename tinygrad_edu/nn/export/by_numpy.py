"""A graph as a script for NumPy: each operation is a line, and so is all that it passes back."""

import re

from ...fast.source import FROM_MATH
from .script import CHECK, Expected, GraphLesson, checks, title_of, whole

IN_NUMPY = {word: f"np.{word}" for word in FROM_MATH if word not in ("erf", "erfc")} | {
    "acos": "np.arccos", "acosh": "np.arccosh", "asin": "np.arcsin", "asinh": "np.arcsinh", "atan": "np.arctan",
    "atan2": "np.arctan2", "atanh": "np.arctanh", "fabs": "np.abs", "pow": "np.power", "floor": "np.floor",
    "ceil": "np.ceil", "round_half_even": "np.rint"}
WORD = re.compile(rf"(?<![\w.])({'|'.join(IN_NUMPY)})(?!\w)")


def numpy_script(graph: Expected) -> str:
    """A script for NumPy, in which the way back is written out."""
    made, number = GraphLesson(graph), graph.tape.numbers
    made.compute()
    forward = [line.strip() for line in made.lines]
    back = way_back(made)
    leaves = [f"{name} = np.float64({number[i]!r})" for i, name in graph.names.items()]
    quiet = ['np.seterr(all="ignore")        # there are infinite slopes behind branches that were not taken', ""]
    lines = [*quiet * graph.infinite, *leaves, "", *forward, "", "arrived = 1.0", *back, ""]
    functions = [CHECK, *map(in_numpy, made.rules.values())]
    ends = checks(graph, made.name[len(graph.tape) - 1], "d_{0}")
    return whole(title_of(graph, "numpy"), "numpy", functions, [*map(in_numpy, lines), *ends])


def way_back(made: GraphLesson) -> list[str]:
    """The lines that pass back what arrives, and zeros for leaves at which nothing does."""
    graph = made.graph
    if graph.infinite:                          # nothing goes where 0 would be multiplied by an infinite slope
        for i, op in graph.tape.computed:
            made.slopes[i] = ["0.0" if op.selects and not slope else text
                              for text, slope in zip(made.slopes[i], graph.slopes[i])]
    made.lines.clear()
    made.pass_back()
    lines = [line.strip() for line in made.lines]
    reached = {line.split(" = ")[0] for line in lines}
    return [*lines, *[f"d_{name} = 0.0" for name in graph.names.values() if f"d_{name}" not in reached]]


def in_numpy(text: str) -> str:
    """A line of Python with NumPy's functions in the places of those of math."""
    return WORD.sub(lambda match: IN_NUMPY[match[1]], text)
