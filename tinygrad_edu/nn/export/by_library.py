"""A graph as a script for PyTorch or JAX, which find its gradients by their own means."""

import math

from ...engine.op import Op
from ...fast.tape import CONSTANT
from .script import CHECK, Expected, GraphLesson, checks, title_of, whole
from .words import JAX, NO_GRADIENT, OPERATORS, TORCH, Library

TORCH_CHECK = CHECK.replace("got = float(got)", "got = 0.0 if got is None else float(got)    # None: nothing came back")
TORCH_RULE = '''def by_rule(rule, *inputs):
    """What a rule makes of numbers: it gives the value and the slopes, by which gradients go back."""
    class Rule(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *numbers):
            value, ctx.slopes = rule(*[number.item() for number in numbers])
            return numbers[0].new_tensor(value)

        @staticmethod
        def backward(ctx, arrived):
            return tuple([arrived * slope for slope in ctx.slopes])
    return Rule.apply(*inputs)
'''
JAX_RULE = '''def by_rule(rule, *inputs):
    """What a rule makes of numbers: it gives the value and the slopes, by which gradients go back."""
    def forward(*numbers):
        value, slopes = rule(*map(float, numbers))
        return jnp.float64(value), tuple(slopes)

    def backward(slopes, arrived):
        return tuple([arrived * slope for slope in slopes])
    function = jax.custom_vjp(lambda *numbers: forward(*numbers)[0])
    function.defvjp(forward, backward)
    return function(*inputs)
'''
FLAT = '''def flat(found):
    """What a rule of rows gives, with all slopes in one row."""
    value, slopes = found
    return value, [slope for row in slopes for slope in row]
'''


class LibraryLesson(GraphLesson):
    """The lines that compute a graph by the words of a library; what it has no word for is computed by its rule.

    constants   {node: name} of numbers that stand where the library takes only numbers of its own
    """

    def __init__(self, graph: Expected, library: Library):
        super().__init__(graph)
        self.library = library
        self.constants: dict[int, str] = {}

    def compute(self) -> None:
        for i, op in self.tape.computed:
            text = self.by_word(i, op) if op in self.library.templates else self.by_rule(i, op)
            self.lines.append(f"{self.name[i]} = {text}")

    def by_word(self, i: int, op: Op) -> str:
        parents = self.tape.parents[i]
        in_place = op in OPERATORS and any(self.tape.kind[p] != CONSTANT for p in parents)
        names = [self.written(i, op, k, in_place) for k in range(len(parents))]
        inputs = [self.library.row.format(", ".join(row)) for row in op.in_rows(names)] if op.rows else names
        return self.library.word(op, inputs, self.tape.constants[i])

    def by_rule(self, i: int, op: Op) -> str:
        """The call of a rule.  Its rows are cut out of all inputs."""
        names = [self.written(i, op, k, False) for k in range(len(self.tape.parents[i]))]
        self.refuse_where_it_raises(i, op)
        length = len(names) // len(op.inputs)
        rows = [f"[*x[{k * length}:{(k + 1) * length}]]" for k in range(len(op.inputs))] if op.rows else ["*x"]
        call = f"{self.rule(op)}({', '.join([*rows, *map(repr, self.tape.constants[i].values())])})"
        return f"by_rule(lambda *x: {f'flat({call})' if op.rows else call}, {', '.join(names)})"

    def written(self, i: int, op: Op, k: int, in_place: bool) -> str:
        """How input k of a node is written.

        Behind a branch that was not taken we pass nothing on.  A library multiplies by 0 there, which gives nan where a
        slope is infinite: so nothing may go back there either.
        """
        p = self.tape.parents[i][k]
        if self.tape.kind[p] == CONSTANT:
            if in_place and math.isfinite(self.tape.numbers[p]):
                return f"({self.name[p]})" if self.name[p].startswith("-") else self.name[p]
            return self.constants.setdefault(p, f"c{p}")
        stops = self.graph.infinite and op.selects and not self.graph.slopes[i][k]
        return self.library.stopped.format(self.name[p]) if stops else self.name[p]

    def refuse_where_it_raises(self, i: int, op: Op) -> None:
        """A rule in plain Python raises at a pole, where ours goes on by IEEE 754."""
        numbers = [self.tape.numbers[p] for p in self.tape.parents[i]]
        try:
            self.form_of(op)(*op.in_rows(numbers), **self.tape.constants[i])
        except (ArithmeticError, ValueError) as error:
            raise ValueError(f"{op.name} at {', '.join(map(str, numbers))} cannot be printed for {self.library.name}: "
                             f"{error}") from None

    def definitions(self, by_rule: str) -> list[str]:
        """The functions that the lines call."""
        takes_rows = any("flat(" in line for line in self.lines)
        return [*self.rules.values(), *[FLAT] * takes_rows, *[by_rule] * bool(self.rules)]

    def result(self) -> str:
        return self.name[len(self.tape) - 1]


def torch_script(graph: Expected) -> str:
    """A script for PyTorch, whose backward finds the gradients."""
    made, number = LibraryLesson(graph, TORCH), graph.tape.numbers
    made.compute()
    result = made.result()
    leaves = [f"{name} = torch.tensor({number[i]!r}, dtype=torch.float64, requires_grad=True)"
              for i, name in graph.names.items()]
    constants = [f"{name} = torch.tensor({number[i]!r}, dtype=torch.float64)" for i, name in made.constants.items()]
    back = [f"{result}.backward()"]
    if graph.infinite or any(op in NO_GRADIENT for op in graph.tape.ops):
        back = [f"if {result}.requires_grad:", f"    {result}.backward()"]
    lines = [*leaves, *constants, "", *made.lines, "", *back, "", *checks(graph, f"{result}.item()", "{0}.grad")]
    return whole(title_of(graph, "torch"), "torch", [TORCH_CHECK, *made.definitions(TORCH_RULE)], lines)


def jax_script(graph: Expected) -> str:
    """A script for JAX, whose value_and_grad finds the gradients."""
    made, number = LibraryLesson(graph, JAX), graph.tape.numbers
    made.compute()
    constants = [f"{name} = jnp.float64({number[i]!r})" for i, name in made.constants.items()]
    leaves = ", ".join([f"{name!r}: {number[i]!r}" for i, name in graph.names.items()])
    lines = [*constants, *[""] * bool(constants),
             f"def graph({', '.join(graph.names.values())}):", *[f"    {line}" for line in made.lines],
             f"    return {made.result()}", "", "",
             f"leaves = {{{leaves}}}",
             "value, found = jax.value_and_grad(graph, argnums=tuple(range(len(leaves))))(*leaves.values())",
             "gradients = dict(zip(leaves, found))", "", *checks(graph, "value", "gradients[{0!r}]")]
    return whole(title_of(graph, "jax"), "jax", [CHECK, *made.definitions(JAX_RULE)], lines)
