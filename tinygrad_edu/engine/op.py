"""What an operation is: a rule, its name, its symbol and its domain.

`@op(...)` (see `declare.py`) turns a rule into an `Op` and enters it in the table `OPS`.  Everything
that computes, draws, prints or tests operations reads that table; nothing else lists them.
"""

import inspect
import math
from collections.abc import Callable
from typing import Any

from . import printer
from .arguments import CalledAs, arguments, arguments_of_rows, refuse_nested
from .arrays import is_array, is_value, on_each
from .domain import Interval
from .errors import DomainError, PoleError, RangeError, strict
from .formula import IEEE, Formula, Row
from .number import ALL_DIGITS, format_number, number

NEEDS = ": {name} needs {conditions}"
OPERATORS = frozenset(("+", "-", "*", "/", "neg", "pow", ">", "<", ">=", "<=", "==", "!="))

OPS: "dict[str, Op]" = {}
BUILT_IN: "list[Op]" = []                               # the package's own in their order, whoever changes the table
listeners: "list[Callable[[Op], None]]" = []            # told of every op that is declared
makers: "list[Callable[[str], Op | None]]" = []         # of ops that are in no table, by their names


class Op:
    """A differentiable operation: a rule, and what is said of it.

    name        its name, that of the rule
    symbol      what a picture shows
    textbook    the rule: the function of numbers that defines it, as people are shown it
    rule        the function that floats are computed by: the textbook's, or an accurate form of it
    graph       the function whose local gradients are differentiated again: the textbook's, or a form of it
    inputs      the names of its inputs
    constants   the names of its constants, each with its default, or None without one
    domain      one `Interval` per input
    rows        are its inputs rows of numbers (sum, max, ...) instead of numbers?
    selects     does it pick among its inputs?  Then backward does not walk an edge whose local
                gradient is 0, so that an infinity in a branch not taken does no harm
    jumps       a function of its inputs, where it jumps at infinitely many places: wherever that is a whole number
    longer      the op that is meant where it is given more inputs: log(x, base)
    sample      values of the constants, for tests
    recorder    in the engine in Python, the function that applies it to Values (see `recorders.py`)

    An op is called like a function, on floats or on Values, or on arrays of them, element by element:

    >>> import tinygrad_edu as tg
    >>> tg.softsign(3.0), tg.softsign(tg.Value(3.0))
    (0.75, Value(data=0.75, grad=0.0))
    """

    hidden = False                          # is it passed over in pictures and steps?
    recorder: Any = None
    __signature__ = CalledAs()              # what `help` and editors ask for

    def __init__(self, rule: Callable, symbol: str, domain: tuple, selects: bool, sample: dict[str, float],
                 jumps: Callable | None = None):
        spec = inspect.getfullargspec(rule)
        defaults = spec.kwonlydefaults or {}
        self.name, self.symbol, self.selects, self.jumps = rule.__name__, symbol, selects, jumps
        self.longer: Op | None = None
        self.textbook = self.rule = self.graph = rule
        self.inputs: list[str] = spec.args
        self.constants: dict[str, Any] = {name: defaults.get(name) for name in spec.kwonlyargs}
        self.rows = any(isinstance(d, list) for d in domain)
        self.plain_inputs = None if self.rows or self.constants else len(self.inputs)   # how many, if that is all
        self.domain: tuple[Interval, ...] = tuple(d[0] if isinstance(d, list) else d for d in domain)
        self.sample = {**defaults, **sample}
        self.__name__, self.__doc__, self.__module__ = rule.__name__, rule.__doc__, rule.__module__
        self.__wrapped__ = rule

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def __reduce__(self):
        return find, (self.name,)

    # ---- calling it

    def __call__(self, /, *inputs: Any, **constants: Any) -> Any:
        """What the op gives for floats, Values or arrays, taken by place or by name as its signature says."""
        if len(inputs) == self.plain_inputs and not constants:     # the usual case: nothing to sort or to check
            if type(inputs[0]) is float and {*map(type, inputs)} == {float}:
                return self.evaluate(*inputs)[0]
            if record := getattr(type(inputs[0]), "record", None):
                made = record(self, *inputs)
                return made if made is not NotImplemented else self.on_arrays(inputs, constants)
        if self.longer and len(inputs) + len(constants.keys() & self.longer.inputs) > len(self.inputs):
            return self.longer(*inputs, **constants)
        inputs, constants = self.arguments(inputs, constants)
        try:
            for x in (x for row in inputs for x in row) if self.rows else inputs:
                record = getattr(type(x), "record", None)
                if record:
                    made = record(self, *inputs, **constants)
                    return made if made is not NotImplemented else self.on_arrays(inputs, constants)
            if not self.rows and any(map(is_array, inputs)):
                return self.on_arrays(inputs, constants)
            numbers = [list(map(number, row)) for row in inputs] if self.rows else list(map(number, inputs))
        except TypeError:
            refuse_nested(self, inputs)
            raise
        return self.evaluate(*numbers, **constants)[0]

    def on_arrays(self, inputs: tuple, constants: dict) -> Any:
        """The op on each element of arrays: an array of Values, or of floats where there are only numbers."""
        refuse_nested(self, inputs)
        found = on_each(lambda *xs: self(*[x if is_value(x) else number(x) for x in xs], **constants), *inputs)
        return found if any(map(is_value, found.flat)) else found.astype(float)

    def arguments(self, inputs: tuple, constants: dict) -> tuple[tuple, dict[str, float]]:
        """What the op was called with, sorted into inputs and constants, and checked."""
        return (arguments_of_rows if self.rows else arguments)(self, inputs, constants)

    # ---- computing it

    def evaluate(self, /, *numbers, **constants) -> tuple[float, Any]:
        """(value, local gradients) of floats, by IEEE arithmetic.

        The rule runs on plain floats; only if Python raises where IEEE 754 has an answer does
        it run again on numbers that give that answer.
        """
        trouble = None
        try:
            data, local_grads = self.rule(*numbers, **constants)
        except (ArithmeticError, ValueError) as error:
            trouble = error
            data, local_grads = self.rule(*map(as_ieee, numbers), **constants)
            data, local_grads = float(data), tuple(map(as_float, local_grads))
        if data - data:
            local_grads = self.flag_nonfinite(data, local_grads, trouble, numbers, constants)
        return data if type(data) is float else float(data), local_grads

    def flag_nonfinite(self, data, local_grads, trouble, numbers, constants):
        """The local gradients of a result that is not finite; raises where IEEE 754 would flag it.

        A nan has nan local gradients, whatever the rule says; where an op that selects among its
        inputs was given nan, those by the inputs that are nan.
        """
        operands = [x for row in numbers for x in row] if self.rows else numbers
        flagged = not any(x != x for x in operands) if data != data else not any(x - x for x in operands)
        if flagged and strict.get():
            raise self.domain_error(data, trouble, numbers, constants)
        if data == data:
            return local_grads
        if self.rows:
            return tuple([math.nan] * len(row) for row in numbers)
        choosing = self.selects and not flagged
        return tuple(g if choosing and x == x else math.nan for x, g in zip(numbers, local_grads))

    def domain_error(self, data, trouble, numbers, constants) -> DomainError:
        operands = [x for row in numbers for x in row] if self.rows else numbers
        digits = self.digits_needed(data, operands, constants)
        shown = self.in_rows([Formula(format_number(x, digits)) for x in operands])
        text = printer.text(self.call(*shown, **constants))
        at_pole = isinstance(trouble, (ZeroDivisionError, ValueError))
        kind = DomainError if data != data else PoleError if at_pole else RangeError
        error = kind(f"{text} {kind.why}{self.advice(numbers)}")
        error.digits = digits
        return error

    def digits_needed(self, data, operands, constants) -> int:
        """As many digits of the numbers as it takes for the message to be true of the numbers it shows."""
        for digits in range(6, ALL_DIGITS):
            shown = [float(format_number(x, digits)) for x in operands]
            again = float(self.rule(*map(as_ieee, self.in_rows(shown)), **constants)[0])
            if repr(again) == repr(data) and [*map(math.isinf, shown)] == [*map(math.isinf, operands)]:
                return digits
        return ALL_DIGITS

    def advice(self, numbers) -> str:
        outside = [] if self.rows else [
            interval.describe(name) for name, interval, x in zip(self.inputs, self.domain, numbers)
            if not x - x and not interval.holds(x)]
        return NEEDS.format(name=self.name, conditions=" and ".join(outside)) if outside else ""

    def in_rows(self, numbers: Any) -> list:
        """One number per parent of a node, as the op's inputs: cut into rows where it takes rows."""
        if not self.rows:
            return list(numbers)
        length = len(numbers) // len(self.inputs)
        return [list(numbers[i * length:(i + 1) * length]) for i in range(len(self.inputs))]

    def one_by_one(self, local_grads: Any) -> tuple:
        """The local gradients of a rule, one per parent of a node."""
        return tuple([g for row in local_grads for g in row] if self.rows else local_grads)

    # ---- writing it down

    def of(self, *inputs: Any) -> Any:
        """Its value of numbers of any kind: how one rule calls another operation.

        >>> from fractions import Fraction
        >>> import tinygrad_edu as tg
        >>> tg.softsign.of(Fraction(3)), tg.softsign.of(3.0)
        (Fraction(3, 4), 0.75)
        """
        if self.rows or None in self.constants.values():
            why = "whose inputs are rows" if self.rows else "which needs constants"
            raise TypeError(f"a rule cannot call {self.name}, {why}: write its formula")
        if len(inputs) != len(self.inputs):
            raise TypeError(f"{self.name}.of() takes {', '.join(self.inputs)}: got {len(inputs)} numbers")
        if any(type(x) is Formula for x in inputs):
            return Formula(printer.head_of(self.name, len(inputs)), *inputs)
        if any(map(is_value, inputs)):
            return self(*inputs)
        rule = self.rule if all(isinstance(x, float | int) for x in inputs) else self.textbook
        return rule(*inputs)[0]

    def of_row(self, row: Any, /, **constants: Any) -> Any:
        """Its value of a row of numbers of any kind but floats, or its node: for the graph forms of others."""
        if type(row) is Row:                                    # as graph forms are checked
            return Formula(self.name, row.element)
        if any(type(x) is Formula for x in row):
            return Formula(self.name, Formula("[]", *row), *constants.values())
        return self.textbook(row, **constants)[0]

    def slope_of(self, x: Any) -> Any:
        """The slope of an op of one input, as a formula or as the textbook has it: for the graph forms of others."""
        return Formula(f"{self.name}′", x) if type(x) is Formula else self.textbook(x)[1][0]

    def formulas(self, rule: Callable | None = None, /, **constants: Any) -> tuple[Any, tuple]:
        """(value, local gradients) as formulas named after the arguments; those of the textbook, or of another form."""
        kind = (lambda name: Row(Formula("element", Formula(name)))) if self.rows else Formula
        named = {name: Formula(name) for name in self.constants}
        return (rule or self.textbook)(*map(kind, self.inputs), **{**named, **constants})

    def call(self, /, *inputs, **constants) -> Formula:
        """The op applied to formulas as people write it: `a + b`, `tanh(a)`, `leaky_relu(a, slope=0.1)`."""
        settings = [Formula("keyword", Formula(k), x) for k, x in constants.items()]
        if self.rows:
            rows = inputs[0] if len(inputs) == 1 else [Formula("[]", *row) for row in inputs]
            return Formula(printer.head_of(self.name, len(rows) + len(settings)), *rows, *settings)
        inputs = tuple(x if type(x) is Formula else Formula("like", x) for x in inputs)
        value = printer.resolved(self.textbook(*inputs, **constants)[0])
        if any(value is x for x in inputs):                     # z = x
            return value
        if type(value) is Formula and value.head in OPERATORS and all(
                type(part) is not Formula or any(part is x for x in inputs) for part in value.parts):
            return value
        return Formula(printer.head_of(self.name, len(inputs) + len(settings)), *inputs, *settings)

    @property
    def is_built_in(self) -> bool:
        """Is it one of the package's own?"""
        return str(self.__module__).startswith(__package__ + ".")    # code run by exec may have no module

    @property
    def summary(self) -> str:
        """The first sentences of its docstring."""
        return " ".join((self.textbook.__doc__ or "").split("\n\n")[0].split())

    def documented(self) -> str:
        """The docstring of its rule with the formulas behind the first sentences: what `help` and editors show."""
        value, gradients = self.in_text()
        about, *rest = inspect.cleandoc(self.textbook.__doc__ or self.signature).split("\n\n")
        return "\n\n".join([about, "\n".join(f"* {line}" for line in (value, *gradients)), *rest])

    @property
    def signature(self) -> str:
        """How the op is called: `leaky_relu(x, slope=0.01)`."""
        constants = [name if default is None else f"{name}={format_number(default, ALL_DIGITS)}"
                     for name, default in self.constants.items()]
        return f"{self.name}({', '.join([*self.inputs, *constants])})"

    @property
    def domain_text(self) -> str:
        """Its domain as conditions on its inputs, and where it jumps."""
        conditions = ", ".join(interval.describe(name) for name, interval in zip(self.inputs, self.domain))
        where = printer.text(self.jumps(*map(Formula, self.inputs))) if self.jumps else ""
        return conditions + (f"; jumps where {where} is whole" if where else "")

    def in_text(self) -> tuple[str, list[str]]:
        """The formula, and one line per local gradient, as text; f stands for the value."""
        value, local_grads = self.formulas()
        names = {value: "f"} if isinstance(value, Formula) and value.parts else None
        lines = []
        for name, local_grad in zip(self.inputs, local_grads):
            body = printer.text(local_grad.element if isinstance(local_grad, Row) else local_grad, names)
            lines.append(f"∂f/∂{name}{'[i]' * self.rows} = {body}")
        return f"f = {printer.text(value)}", lines


class Mark:
    """Stands where an op would, for what no rule made: leaves, and nodes made by hand."""

    rule, selects, hidden = None, False, False

    def __init__(self, name: str):
        self.name = self.symbol = name


LEAF = Mark("")


def as_ieee(x):
    return [IEEE(e) for e in x] if isinstance(x, list) else IEEE(x)


def as_float(x):
    return [float(e) for e in x] if isinstance(x, list) else float(x)


def find(name: str) -> Op:
    """The op of this name; what a pickled op comes back as."""
    known: list[Callable[[str], Op | None]] = [OPS.get, *makers]
    for make in known:
        if found := make(name):
            return found
    raise LookupError(f"no op named {name!r}: declare it with @tg.op before loading what uses it")
