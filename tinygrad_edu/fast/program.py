"""`compile`: a function of Values, recorded once and run over whole batches, forward and backward."""

import inspect
from collections.abc import Callable
from functools import cached_property, partial
from itertools import repeat
from typing import TYPE_CHECKING, Any

from ..calculus.transforms import check_function, flat, plain, refilled
from ..engine.number import checked_whole, is_bool, short_repr
from ..engine.value import NO_GRADIENT, Value, engine_name
from . import again
from .batches import Array, names_in, numpy, rows_first, rows_of, shape_of
from .tape import INPUT, PARAMETER
from .trace import Drawn, Trace, TraceError, traced, tracing, with_frozen

if TYPE_CHECKING:
    from .report import Report
if engine_name == "native":
    from ..native._native import count_changes  # type: ignore[import-not-found]
else:
    count_changes = object                              # nobody counts, so something may always have changed


def compile(f: Callable, *example: Any, fast: bool = False, threads: int = 1) -> "Program":
    """A `Program` that computes what f computes, for a batch of rows at once and without building graphs.

    f         takes Values, or lists and dicts of them, and returns a Value, or lists and dicts of them
    example   arguments of f as they are for one row; only how they are built matters
    fast      may products go into sums without being rounded first?  Faster, but not to the engine's last bit: of n
              products a sum differs by at most 2γ Σ|products|, where γ = nu / (1 - nu) and u = 2⁻⁵³
    threads   how many may share the work; the bits are the same for any number

    Leaves that f uses besides, such as the weights of a model, are the program's parameters.  Numbers and gradients
    have the same bits as those of the engine.  f is called twice, on different numbers, and once more if it holds a
    loss that does other things where its targets take gradients.  Raises TraceError where what f does depends on the
    numbers it is given, or is not the same twice; TypeError where f takes no number or returns no Value; and whatever
    f raises.

    >>> import tinygrad_edu as tg
    >>> w, b = tg.Value(2.0), tg.Value(1.0)
    >>> squared_error = tg.compile(lambda x, y: (w * x + b - y) ** 2, 0.0, 0.0)
    >>> squared_error([0.0, 1.0, 2.0], [1.0, 3.0, 6.0]).tolist()
    [0.0, 0.0, 1.0]
    >>> squared_error.backward([0.0, 1.0, 2.0], [1.0, 3.0, 6.0])
    0.3333333333333333
    >>> w.grad, b.grad
    (-1.3333333333333333, -0.6666666666666666)
    """
    check_function(f)
    checked_whole("threads", threads)
    if not is_bool(fast):
        raise TypeError(f"fast must be True or False, got {short_repr(fast)}")
    return Program(traced(f, example), example, getattr(f, "__name__", type(f).__name__), arguments_of(f, example),
                   fast=fast, threads=threads)


def arguments_of(f: Callable, example: tuple) -> list[str]:
    """The names f has for its arguments."""
    names = []
    try:
        bound = inspect.signature(f).bind(*example)
    except (TypeError, ValueError):                     # it is compiled, or takes other arguments
        return [f"argument{k}" for k in range(len(example))]
    for name, given in bound.arguments.items():
        is_many = bound.signature.parameters[name].kind is inspect.Parameter.VAR_POSITIONAL
        names += [f"{name}[{k}]" for k in range(len(given))] if is_many else [name]
    return names


class Program:
    """What `compile` returns.

    parameters      the Values that all rows share, in order of use; those that are frozen get no gradient
    inputs          what each number of a row is called, such as "x[0]"
    """

    def __init__(self, trace: Trace, example: tuple, name: str, arguments: list[str], **options: Any):
        self.name, self.arguments, self.options = name, arguments, options
        self.tape, self.by_inputs, self.drawn, self.calls = trace.tape, trace.by_inputs, trace.drawn, trace.calls
        self.example = [plain(refilled(part, repeat(0.0))) for part in example]
        self.inputs = [inner for name, part in zip(arguments, self.example) for inner in names_in(name, part)]
        self.answer = refilled(trace.answer, repeat(0.0))
        self.changes: Any = None                            # how often Values had been frozen or woken

    def __repr__(self) -> str:
        return (f"<Program {self.name}: {len(self.inputs)} inputs, {len(self.tape.values)} parameters, "
                f"{len(self.tape.computed)} operations>")

    @property
    def parameters(self) -> list[Value]:
        return list(self.tape.values)

    @property
    def source(self) -> str:
        """The program written out in plain Python, which runs without this package; p are the parameters' numbers."""
        from .source import source_of  # which few ask for, so that importing the package need not wait for it
        return source_of(self.name, with_frozen(self.tape), self.arguments, self.example, plain(self.answer))

    def report(self) -> "Report":
        """What became of f: operations, steps, layers, memory, and what runs it.  It prints as a table."""
        numpy()
        from .plan import planned
        from .report import report_of
        machine = self.machine_for(gradients := PARAMETER if with_frozen(self.tape).goes_back else None)
        return report_of(self.name, len(self.inputs), planned(self.tape, gradients), machine)

    # ---- running it

    def __call__(self, *batch: Any) -> Any:
        """What f returns for each row: an array, rows first, where f returns a Value or a list of them.

        In the tuples and dicts that f returns there is an array in each place.
        """
        return rows_first(self.answer, self.results(None, batch, again.outputs_of))

    def results(self, gradients: int | None, batch: tuple, by_engine: Callable) -> Array:
        """What is found for each row, a row of numbers for each output; by the engine where it might say otherwise."""
        machine = self.machine_for(gradients)
        found = machine.results(batch, self.empty)
        if found is None:                           # these are no plain arrays, or there may be an error
            rows = self.rows_of(batch)
            if machine.is_sure_of(rows):
                found = machine.results((rows,), self.empty, True)
            if found is None:
                tape = self.by_inputs if gradients == INPUT else self.tape
                found = numpy().array(by_engine(tape, rows)).T
            self.count_draws(len(rows))
        return found

    def backward(self, *batch: Any, reduce: str = "mean") -> float:
        """The mean or the sum of what f returns; its gradients are added to those of the parameters.

        reduce   "mean": the bits of `tg.mean` of the rows and of `fit`; "sum": those of `tg.sum`
        """
        if len(self.tape.outputs) != 1:
            raise self.several_outputs("backward")
        machine, is_mean = self.machine_for(PARAMETER), reduce == "mean"
        if not is_mean and reduce != "sum":
            raise ValueError(f'reduce={reduce!r}: write "mean" or "sum"')
        if len(self.tape.frozen) == len(self.tape.values):
            raise RuntimeError(f"{NO_GRADIENT}; input_gradients gives the derivatives by the inputs")
        total = machine.backward(batch, is_mean)
        if total is None:
            rows = self.rows_of(batch)
            total = machine.backward((rows,), is_mean, True) if machine.is_sure_of(rows) else None
            if total is None:
                total, gradients = again.backward(self.tape, rows, reduce)
                self.array.add_to_grad(numpy().array(gradients), self.places)
            self.count_draws(len(rows))
        return total

    def input_gradients(self, *batch: Any) -> Any:
        """For each row the derivatives of what f returns by its inputs, which they are built like; rows first.

        There is one for each argument of f: a tuple of them, if there are several.
        """
        if len(self.tape.outputs) != 1:
            raise self.several_outputs("input_gradients")
        wanted = len(self.inputs)
        columns = iter(self.results(INPUT, batch, partial(again.input_gradients, wanted=wanted))[:wanted])
        found = tuple([rows_first(part, columns) for part in self.example])
        return found if len(found) > 1 else found[0]

    def several_outputs(self, method: str) -> TypeError:
        return TypeError(f"{self.name} returns {len(self.tape.outputs)} Values, and {method} is that of one: "
                         "compile a function that returns one, such as their sum")

    def machine_for(self, gradients: int | None) -> Any:
        """What runs the plan for gradients of this kind."""
        if tracing.get():
            raise TraceError(f"{self.name} was called within a function that is traced: call there what it was "
                             "compiled from")
        if self.changes != count_changes():
            self.follow()
        if gradients not in self.machines:
            numpy()
            from .machine import machine_for  # which needs numpy, as plans do
            from .plan import planned
            tape = self.by_inputs if gradients == INPUT else self.tape
            plan, places = planned(tape, gradients), self.array.places_of(tape.values)
            self.machines[gradients] = machine_for(plan, self.shapes(), self.array, places, **self.options)
        return self.machines[gradients]

    def follow(self) -> None:
        """Note which parameters were frozen or woken since; plans are then made anew."""
        self.changes = count_changes()
        tape = with_frozen(self.tape)
        if tape is not self.tape:
            self.tape = tape
            self.machines.clear()

    def shapes(self) -> list[tuple[int, tuple[int, ...] | None]]:
        """Of each argument how many numbers it has in a row, and their shape if they may come as one array."""
        if self.drawn:                              # with each row, so it never comes as it is
            return [(len(self.inputs) + sum(size for _, _, size in self.drawn), None)]
        return [(len(flat(part)), shape_of(part)) for part in self.example]

    @cached_property
    def array(self) -> Any:
        numpy()
        from .parameters import shared
        return shared(self.tape.values)

    @property
    def places(self) -> Array:
        return self.array.places_of(self.tape.values)

    @cached_property
    def empty(self) -> Callable:
        return numpy().empty

    @cached_property
    def machines(self) -> dict[int | None, Any]:
        return {}

    # ---- batches

    def rows_of(self, batch: tuple) -> Array:
        """A batch as one row of numbers for each example, and behind them what is drawn for it."""
        if len(batch) != len(self.example):
            raise TypeError(f"{self.name} takes {len(self.example)} arguments, {', '.join(self.arguments)}: "
                            f"got {len(batch)}")
        return self.with_draws(rows_of(batch, self.arguments, self.example))

    def with_draws(self, rows: Array) -> Array:
        """Rows of numbers, and behind each what is drawn for it."""
        return with_draws(rows, numpy().arange(len(rows)), self.drawn, self.calls) if self.drawn else rows

    def count_draws(self, rows: int) -> None:
        """Say to what was drawn from that it has drawn: only what went well counts."""
        for source, calls in self.calls.items():
            source.calls += calls * rows

    # ---- copies and pickles

    def __getstate__(self) -> dict[str, Any]:
        """All but what is made anew: machines, and the array where the parameters lie."""
        kept = {key: x for key, x in vars(self).items() if key not in ("machines", "array", "empty")}
        return kept | {"changes": None}


def with_draws(rows: Array, places: Array, drawn: list[Drawn], calls: dict[Any, int]) -> Array:
    """Rows of numbers, and behind each what is drawn for it.

    places   of the rows in their batch
    calls    {source: how often it draws for each row}
    """
    draws = [source.drawn(source.calls + calls[source] * places + call, size) for source, call, size in drawn]
    return numpy().ascontiguousarray(numpy().concatenate([rows, *draws], axis=1))
