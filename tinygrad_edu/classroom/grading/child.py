"""What runs in the student's process: it loads a file, finds the engine in it, and computes graphs that it is sent.

It knows no right answer and imports nothing of this package, since it is started as a file of its own.  The names
are found, not demanded: what a number, its gradient and the backward pass are called is tried out on 3 times 4.
"""

import contextlib
import gc
import importlib
import inspect
import itertools
import operator
import sys
import time
import traceback
import types
from fractions import Fraction

DATA = ("data", "value", "val", "v", "var", "real", "x", "_data", "_value", "item")
GRADS = ("grad", "derivative", "der", "dual", "gradient", "_grad", "adjoint", "deriv", "grad_value", "partial",
         "tangent", "dot", "eps", "bar")
BACKWARD = ("backward", "backprop", "backward_movement", "backpropagate", "back_propagate", "backward_pass",
            "run_backward", "propagate", "backpropagation")
PARENTS = ("_prev", "parents", "_children", "prev", "_parents", "parent_nodes", "args", "children", "inputs")
ZERO = ("zero_grad", "clear_derivatives", "zero_gradient", "reset_grad", "clear_grad")
NAMED_FIRST = ("name", "label", "id", "symbol")
DUNDERS = {"add": "__add__", "sub": "__sub__", "mul": "__mul__", "div": "__truediv__", "pow": "__pow__",
           "neg": "__neg__", "radd": "__radd__", "rsub": "__rsub__", "rmul": "__rmul__", "rdiv": "__rtruediv__",
           "rpow": "__rpow__"}
OPERATORS = {"add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv,
             "pow": operator.pow, "neg": operator.neg}
SIGNS = {"+": "add", "-": "sub", "*": "mul", "/": "div", "**": "pow"}
OTHER_SPELLINGS = {"relu": ("ReLU", "reLU"), "log": ("ln",), "sigmoid": ("logistic", "sigm"), "abs": ("__abs__",)}
FUNCTIONS = ("relu", "tanh", "exp", "log", "sigmoid", "abs", "sin", "cos", "sqrt")
ADAPTER = ("leaf", "data", "grad", "backward", "gradients", "operators", "make")
SHORTLY = 2.0                       # seconds that an assignment may take, and the backward pass of a product


class NotFinished(Exception):
    """Something is there, but its body is still to be written."""


class Missing(Exception):
    """Something that the file does not have."""


class Loaded:
    """The engine that was found, if any, and what is told of it."""

    def __init__(self, engine, found, foreign):
        self.engine, self.found, self.foreign = engine, found, foreign


def load(job):
    """Load a file and find its engine; `found` of what is returned goes back to the parent."""
    found: dict = {"names": {}, "loaded_by": "", "missing": [], "notes": [], "modules": [], "error": None}
    engine = None
    try:
        engine = engine_in(module_of(job, found), job, found)
        found["names"], found["missing"] = engine.names, engine.missing()
    except BaseException as error:      # a file may also call sys.exit()
        found["error"] = told(error)
    found["modules"] = foreign_modules(job["foreign"])
    return Loaded(engine, found, job["foreign"])


def answer(loaded, request):
    """What the engine makes of the graphs of a request: {"id", "graphs": [{"values", "grads", "error"}], "modules"}."""
    start = time.perf_counter()
    graphs = [computed(loaded.engine, graph, request) for graph in request["graphs"]]
    return {"id": request["id"], "graphs": graphs, "modules": foreign_modules(loaded.foreign),
            "seconds": time.perf_counter() - start}


def foreign_modules(names):
    """Those libraries of autodiff that are loaded in this process."""
    return sorted(name for name in names if name in sys.modules)


def told(error):
    """An error in one line, with the line of the student's file where there is one."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__)
              if frame.filename.startswith(("<student>", sys.path[0]))]
    try:
        text = f"{type(error).__name__}: {error}".removesuffix(": ")
    except BaseException:
        text = type(error).__name__
    file = frames[-1].filename.replace("\\", "/").rpartition("/")[2].replace("<student>", "") if frames else ""
    return text[:300] + (f" ({file + ', ' if file else ''}line {frames[-1].lineno})" if frames else "")


# ---- loading

def module_of(job, found):
    """The student's file as a module: imported, or only its definitions where that is asked for or importing fails."""
    sys.path.insert(0, job["root"])
    if job["by"] == "import":
        try:
            found["loaded_by"] = "import"
            return imported(job)
        except BaseException as error:
            found["notes"].append(f"the file cannot be imported, so its definitions alone were loaded: {told(error)}")
    found["loaded_by"] = "definitions"
    return defined(job, found)


def imported(job):
    """The module as Python imports it; a file outside of packages is run under the name "submission"."""
    if job["package"]:
        return importlib.import_module(job["module"])
    module = new_module(job)
    exec(compile(job["source"], "<student>", "exec"), vars(module))
    return module


def new_module(job):
    """An empty module, known to `sys.modules` since dataclasses look there."""
    module = types.ModuleType(job["module"])
    module.__package__, module.__file__ = job["package"], job["file"]
    vars(module)["__builtins__"] = vars(sys.modules["builtins"])        # not those that this file uses
    sys.modules[job["module"]] = module
    return module


def defined(job, found):
    """The module of imports, definitions and assignments alone; whatever fails is left out and noted."""
    module = new_module(job)
    for kind, line, text in job["definitions"]:
        try:
            code = compile("\n" * (line - 1) + text, "<student>", "exec")
            shortly(exec, code, vars(module)) if kind == "assignment" else exec(code, vars(module))
        except BaseException as error:
            if kind != "assignment":
                found["notes"].append(f"left out: {text.splitlines()[0][:60]}: {told(error)}")
    return module


def shortly(function, *arguments):
    """Call a function, and stop it where it turns out to be a training, or not to end."""
    end = time.monotonic() + SHORTLY

    def watch(frame, event, argument):
        if time.monotonic() > end:
            raise TimeoutError(f"it does not end within {SHORTLY:g} s")
        return watch
    sys.settrace(watch)
    try:
        return function(*arguments)
    finally:
        sys.settrace(None)


# ---- finding the engine

def engine_in(module, job, found):
    """The engine of a module: of the class that was named, or of the class that has +, * and a gradient."""
    adapter = adapted(job["adapter"], vars(module)) if job["adapter"] else {}
    if job["class"] and not hasattr(module, job["class"]):
        raise Missing(f"there is no class {job['class']}")
    usable, reasons = [], []
    for cls in [getattr(module, job["class"])] if job["class"] else classes(module, adapter):
        try:
            usable.append(Engine(cls, vars(module), adapter))
        except BaseException as error:
            reasons.append(error)
    if usable:
        return next((engine for engine in usable if engine.way.right_at_once), usable[0])
    unfinished = [error for error in reasons if isinstance(error, NotFinished)]
    nothing = Missing("no class has + and *; an adapter may say what adds and multiplies, such as "
                      "operators={'+': add, '*': mul}")
    raise (unfinished or reasons or [nothing])[0]


def adapted(text, space):
    """What the lines of an adapter define; they see all names of the student's file."""
    names = dict(space)
    exec(compile(text, "<adapter>", "exec"), names)
    adapter = {name: value for name, value in names.items() if name in ADAPTER and space.get(name) is not value}
    if not adapter:
        raise Missing(f"the adapter defines none of {', '.join(ADAPTER)}")
    adapter["operators"] = {SIGNS.get(sign, sign): function for sign, function in adapter.get("operators", {}).items()}
    return adapter


def classes(module, adapter):
    """Classes that may be engines, those of this file first; none is needed where the adapter makes the numbers."""
    if "leaf" in adapter or "gradients" in adapter:
        return [None]
    needed = [DUNDERS[op] for op in ("add", "mul") if op not in adapter.get("operators", ())]
    found = [value for value in vars(module).values()
             if isinstance(value, type) and all(hasattr(value, name) for name in needed)
             and value.__module__.partition(".")[0] not in sys.stdlib_module_names]
    return sorted(dict.fromkeys(found), key=lambda cls: cls.__module__ != module.__name__)


class Engine:
    """How one student's numbers are made, computed with and read."""

    def __init__(self, cls, space, adapter):
        self.cls, self.space, self.adapter = cls, space, adapter
        self.names, self.functions = {"class": getattr(cls, "__name__", "")}, {}
        self.make = (lambda number, name: adapter["leaf"](number)) if "leaf" in adapter else leaf_maker(cls)
        if "gradients" in adapter:
            self.way = ByAdapter(self)
            return
        sample = self.make(3.0, "a")
        self.cls = cls or type(sample)
        self.data_name = self.find_data(sample)
        self.names["parents"] = next((name for name in PARENTS if hasattr(sample, name)), "")
        self.way = self.find_way()

    def find_way(self):
        """Which way its gradients are made: backward from the output, asked for at the leaf, or with the number."""
        given = self.adapter.get("backward")
        known = [("by the adapter", given)] if given else passes(self, BACKWARD)
        if known:
            try:
                return Backward(self, *known[0])
            except (NotFinished, NotImplementedError) as error:
                return Unwritten(self, error)
        for way in (Asked, Tangents):
            with contextlib.suppress(Missing):
                return way(self)
        for each in passes(self, [name for name in (*dir(self.cls), *self.space) if name[0] != "_"]):
            with contextlib.suppress(Exception):        # a name in any language: it shows in what it does
                if (found := Backward(self, *each)).right_at_once:
                    return found
        raise Missing(f"{self.names['class']} has no backward pass, and no derivative was found; an adapter says "
                      "what they are, such as backward=out.run(); grad=v.slope")

    def number(self, value):
        """A float out of whatever stands for one: None, an array of one element, one of the student's own numbers."""
        if value is None:
            return 0.0
        if type(value) in (int, float):
            return float(value)
        if self.cls and isinstance(value, self.cls):
            return self.data(value)
        if isinstance(value, (list, tuple)) and len(value) == 1:
            return self.number(value[0])
        if hasattr(value, "item"):
            return float(value.item())
        if hasattr(value, "as_integer_ratio") and not isinstance(value, bool):
            return float(value)
        raise TypeError(f"{value!r:.60} is not a number")

    def data(self, value):
        """The value of one of the student's numbers."""
        if type(value) in (int, float):
            return float(value)
        return self.number(self.adapter["data"](value) if "data" in self.adapter else held(value, self.data_name))

    def find_data(self, sample):
        """The attribute that holds the number that was put in."""
        if "data" in self.adapter:
            return ""
        for name in [*DATA, *attributes(sample)]:
            value = self.readable(sample, name)
            if value == 3.0:
                self.names["data"] = name
                return name
        raise Missing(f"no attribute of {type(sample).__name__}(3.0) holds 3.0")

    def readable(self, value, name):
        """The number that an attribute holds, or None."""
        try:
            content = held(value, name)
            return None if content is None or content is value else self.number(content)
        except Exception:
            return None

    # ---- computing

    def build(self, graph, kind="float", make=None):
        """{name: the student's number} of every leaf and line of a graph."""
        make = make or self.make
        made = {name: make(leaf_number(text, kind), name) for name, text in graph["at"].items()}
        for name, op, inputs in graph["lines"]:
            taken = [made[x] if x in made else self.constant(x, kind) for x in inputs]
            made[name] = finished(self.operation(op)(*taken), op)
        return made

    def constant(self, text, kind):
        """A plain number, as people write it; the adapter of an engine that does not take one makes it a leaf."""
        return self.adapter["leaf"](leaf_number(text, kind)) if "leaf" in self.adapter else constant(text, kind)

    def operation(self, op):
        """What computes an operation: Python's operator, or the student's function, however it is written."""
        if op in self.adapter.get("operators", ()):
            return self.adapter["operators"][op]
        if op in OPERATORS:
            return OPERATORS[op]
        if op not in self.functions:
            self.functions[op] = self.find_function(op)
        if self.functions[op] is None:
            raise Missing(f"there is no {op}")
        return self.functions[op]

    def find_function(self, op):
        """A method, a static method, a function of the file, or a class with `apply`; None where there is none."""
        for name in (op, op.capitalize(), op.upper(), *OTHER_SPELLINGS.get(op, ())):
            for where, function in ways_to_call(self.cls, self.space, name):
                if self.cls is None or self.computes(function, may_be_empty=where.startswith(".")):
                    self.names[op] = where
                    return function
        return None

    def computes(self, function, may_be_empty):
        """Whether a function takes one of the student's numbers; a method that is still to be written counts."""
        try:
            result = function(self.make(0.5, "a"))
        except NotImplementedError:
            return True
        except Exception:
            return False
        return may_be_empty if result is None else isinstance(result, self.cls.__mro__[:-1])

    def missing(self):
        """The operators and functions that the engine does not have."""
        known = self.adapter.get("operators", ())
        if self.cls is None:
            return [op for op in (*DUNDERS, *FUNCTIONS) if not self.way.knows(op)]
        return ([op for op, name in DUNDERS.items() if op not in known and not hasattr(self.cls, name)]
                + [op for op in FUNCTIONS if op not in known and self.find_function(op) is None])


# ---- the ways to a gradient; each has `gradients(made, graph, output)` and says whether the probe came out right

class Way:
    """How gradients are made; where nothing is kept between two passes, nothing need be set to 0."""

    def zero(self, made, graph):
        """Set gradients to 0."""


class Backward(Way):
    """A backward pass from the output, after which every leaf holds its gradient; or it returns them in a dict."""

    def __init__(self, engine, called, backward):
        self.engine, self.name, self.right_at_once, self.by_hand, seed = engine, "", False, False, ""
        self.called, self.backward = called, backward
        errors: list = []
        if not any(self.try_on(op, right, errors) for op, right in (("mul", [4.0, 3.0]), ("add", [1.0, 1.0]))):
            if errors and not isinstance(errors[-1], TimeoutError):     # what does not end is judged as any fault
                raise errors[-1]
            seed = "" if errors else self.why_zero()
            self.name = self.name or self.find_name([engine.make(3.0, "a")], [])
        engine.names["backward"] = called
        engine.names["grad"] = self.name or ("by the adapter" if "grad" in engine.adapter else "in a dict")
        engine.names["seed"] = "by hand" if self.by_hand else seed

    def try_on(self, op, right, errors):
        """Run a probe; where all gradients stay 0, set the output's to 1 by hand.  A fault of one operation is kept."""
        for self.by_hand in (False, True):
            try:
                found = self.probe(op, right)
            except Exception as error:
                errors.append(error)
                break
            if any(found):
                self.right_at_once = found == right
                return True
        self.by_hand = False
        return False

    def probe(self, op, right):
        """The gradients of 3 and 4 after a backward pass; their name is found on the way."""
        leaves = [self.engine.make(3.0, "a"), self.engine.make(4.0, "b")]
        output = finished(self.engine.operation(op)(*leaves), op)
        results = shortly(self.run, output)
        self.name = self.name or self.find_name(leaves, right)
        return [self.grad(leaf, results) for leaf in leaves]

    def why_zero(self):
        """That the output's gradient is never set, where all stay 0; an empty backward pass is not finished."""
        code = getattr(getattr(self.engine.cls, self.called[1:], None), "__code__", None)
        output = self.engine.operation("add")(self.engine.make(3.0, "a"), self.engine.make(4.0, "b"))
        results = self.run(output)
        if (code and not code.co_names) or isinstance(results, dict) or self.grad(output, results):
            raise NotFinished("the backward pass leaves every gradient at 0")
        return "never"

    def find_name(self, leaves, right):
        """The attribute of gradients: one that is right on the probe if there is one, else the first by its name."""
        there = [name for name in dict.fromkeys([*GRADS, *attributes(leaves[0])])
                 if name not in ("", self.engine.data_name) and hasattr(leaves[0], name)]
        names = [name for name in there if name in GRADS or looks_like_gradient(name)]
        correct = [name for name in (there if len(set(right)) > 1 else names)
                   if [self.engine.readable(leaf, name) for leaf in leaves] == right]
        return (correct or names or [""])[0]

    def run(self, output):
        """The backward pass from an output."""
        if self.by_hand and self.name:
            setattr(output, self.name, 1.0)
        return self.backward(output)

    def grad(self, leaf, results):
        """The gradient of a leaf, out of what the backward pass returned or left at the leaf."""
        if "grad" in self.engine.adapter:
            return self.engine.number(self.engine.adapter["grad"](leaf))
        if isinstance(results, dict):
            found = (value for key, value in results.items() if key is leaf or key == id(leaf))
            return self.engine.number(next(found, 0.0))
        return self.engine.number(held(leaf, self.name)) if self.name and hasattr(leaf, self.name) else 0.0

    def gradients(self, made, graph, output):
        """{leaf: gradient} after one more backward pass over what was made."""
        results = self.run(made[output])
        return {name: self.grad(made[name], results) for name in graph["at"]}

    def zero(self, made, graph):
        """Set gradients to 0, as its own method does or by hand at the leaves."""
        for name, value in made.items():
            own = next((method for method in ZERO if hasattr(value, method)), None)
            if own:
                getattr(value, own)()
            elif name in graph["at"] and self.name and hasattr(value, self.name):
                self.set_to_zero(value)

    def set_to_zero(self, leaf):
        """Set the gradient of a leaf to 0, where it is an attribute that can be set."""
        content = getattr(leaf, self.name)
        if not callable(content):
            try:
                setattr(leaf, self.name, None if content is None else content * 0)
            except AttributeError as error:
                raise Missing("gradients cannot be set to 0") from error


class Unwritten(Way):
    """No backward pass yet: there are values, and every gradient is not finished."""

    def __init__(self, engine, error):
        self.engine, self.error, self.right_at_once = engine, error, False

    def gradients(self, made, graph, output):
        """Say what is still to be written."""
        raise self.error


class Asked(Way):
    """Every leaf is asked for its gradient, and asks its children; the output's own is set to 1 by hand."""

    def __init__(self, engine):
        self.engine, self.right_at_once = engine, True
        sample = engine.make(3.0, "a")
        given = engine.adapter.get("grad")
        methods: list = [("by the adapter", given)] if given else [
            (f".{name}()", operator.methodcaller(name)) for name in GRADS if callable(getattr(sample, name, None))]
        for op, right in (("mul", 4.0), ("add", 1.0)):
            for (name, self.ask), self.seed in itertools.product(methods, [None, *attributes(sample)]):
                if probed(self, op) == right:
                    engine.names.update(grad=name, set_on_output=self.seed or "")
                    return
        raise Missing("no leaf tells its gradient")

    def gradients(self, made, graph, output):
        """{leaf: gradient}, each asked for in a graph that is built anew."""
        made = self.engine.build(graph)
        if self.seed:
            setattr(made[output], self.seed, 1.0)
        return {name: self.engine.number(self.ask(made[name])) for name in graph["at"]}


# what is given with a number besides its value: 1 or 0, a dict, or nothing where its name is enough
WAYS_TO_GIVE = (lambda name, by: (float(name == by),), lambda name, by: ({name: 1.0},), lambda name, by: ())


class Tangents(Way):
    """Forward mode: every number carries a derivative, by the one leaf that was given 1, or a dict of them by name."""

    def __init__(self, engine):
        self.engine, self.right_at_once = engine, True
        for op, right in (("mul", 4.0), ("add", 1.0)):
            for more in WAYS_TO_GIVE:
                self.more = more
                names = [name for name in (*GRADS, *self.attributes()) if name != engine.data_name]
                for name in names:
                    self.name = name
                    if probed(self, op) == right:
                        engine.names.update(grad=name, backward="forward, with the number")
                        return
        raise Missing("no number carries a derivative")

    def attributes(self):
        """The attributes of a number that may be the derivative."""
        try:
            return attributes(self.engine.make(3.0, "a", *self.more("a", "a")))
        except Exception:
            return []

    def gradients(self, made, graph, output):
        """{leaf: derivative}, by as many runs as there are leaves."""
        return {name: self.derivative(graph, output, name) for name in graph["at"]}

    def derivative(self, graph, output, by):
        """The derivative of an output by one leaf."""
        made = self.engine.build(graph, make=lambda number, name: self.engine.make(number, name, *self.more(name, by)))
        derivative = held(made[output], self.name)
        return self.engine.number(derivative.get(by, 0.0) if isinstance(derivative, dict) else derivative)


class ByAdapter(Way):
    """The adapter gives the value and the gradients of a function of a list of numbers."""

    def __init__(self, engine):
        self.engine, self.right_at_once, engine.cls = engine, True, None
        engine.names.update(grad="by the adapter")

    def gradients(self, made, graph, output):
        """{leaf: gradient} of a graph."""
        return dict(zip(graph["at"], map(self.engine.number, self.run(graph, output)[1])))

    def knows(self, op):
        """Whether an operation can be computed at all."""
        inputs = ["a", "b"] if op in OPERATORS and op != "neg" else ["a"]
        line = ["v", op[1:], ["2", "a"]] if op in DUNDERS and op not in OPERATORS else ["v", op, inputs]
        try:
            self.run({"at": {"a": "2", "b": "3"}, "lines": [line]}, "v")
        except (TypeError, Missing):
            return False
        return True

    def run(self, graph, output):
        """The value and the gradients: the adapter's function is handed the graph as a function."""
        def function(*numbers):
            in_a_list = len(numbers) == 1 and isinstance(numbers[0], (list, tuple))
            given = dict(zip(graph["at"], numbers[0] if in_a_list else numbers))
            return self.engine.build(graph, make=lambda number, name: given[name])[output]
        return self.engine.adapter["gradients"](function, [leaf_number(x, "float") for x in graph["at"].values()])


# ---- small things that finding needs

def probed(way, op):
    """The gradient of the first of two leaves, or None where this is not the way."""
    try:
        return way.gradients(None, {"at": {"a": "3", "b": "4"}, "lines": [["c", op, ["a", "b"]]]}, "c")["a"]
    except Exception:
        return None


def leaf_maker(cls):
    """How a class makes a number: which parameter is the number, whether a name comes first, what must be filled in."""
    try:
        parameters = [each for each in inspect.signature(cls).parameters.values() if each.kind is not each.VAR_KEYWORD]
    except (TypeError, ValueError):
        return lambda number, name, *more: cls(number, *more)

    def make(number, name, *more):
        pending: list = [number, *more]
        given: list = []
        keywords: dict = {}
        for parameter in parameters:
            required = parameter.default is parameter.empty
            if parameter.kind is parameter.VAR_POSITIONAL:
                given, pending = given + pending, []
            elif parameter.name == "requires_grad":
                keywords["requires_grad"] = True
            elif parameter.kind is parameter.KEYWORD_ONLY or not pending:
                keywords.update({parameter.name: blank(parameter.name)} if required else {})
            elif parameter.name in NAMED_FIRST and len(pending) == 1 + len(more):
                given.append(name)
            else:
                given.append(pending.pop(0))
        return cls(*given, *pending, **keywords)
    return make


def blank(name):
    """What fills in a parameter that must be given, as its name suggests."""
    if any(word in name for word in ("parent", "child", "prev", "input", "args")):
        return ()
    return "" if name in ("op", "_op", *NAMED_FIRST) else 0.0


def passes(engine, names):
    """[(`.name` of a method or `name` of a function, the backward pass as a function of the output), …]."""
    methods = [("." + name, lambda output, name=name: call_filled(getattr(output, name))) for name in names
               if callable(getattr(engine.cls, name, None))]
    return methods + [(name, engine.space[name]) for name in names if inspect.isfunction(engine.space.get(name))]


def call_filled(method):
    """Call a method; a parameter that must be given is the output's own gradient, 1."""
    try:
        parameters = inspect.signature(method).parameters.values()
    except (TypeError, ValueError):
        return method()
    return method(*[1.0 for parameter in parameters if parameter.default is parameter.empty
                    and parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)])


def ways_to_call(cls, space, name):
    """Every function of this name: (where it is, how it is called with one number)."""
    if cls is not None and hasattr(cls, name):
        if isinstance(inspect.getattr_static(cls, name), (staticmethod, classmethod)):
            yield f"{cls.__name__}.{name}(x)", getattr(cls, name)
        else:
            yield f".{name}()", operator.methodcaller(name)
    function = space.get(name)
    if isinstance(function, type):
        if hasattr(function, "apply"):
            yield f"{name}.apply(x)", function.apply
        yield f"{name}(x)", function
        yield f"{name}()(x)", lambda x: function()(x)
    elif callable(function):
        yield f"{name}(x)", function


def attributes(value):
    """The names that a number keeps something under."""
    slots = [slot for cls in type(value).__mro__ for slot in getattr(cls, "__slots__", ())]
    return [name for name in [*getattr(value, "__dict__", {}), *slots] if not name.startswith("__")]


def looks_like_gradient(name):
    """Whether a name reads like that of a gradient."""
    return any(part in name.lower() for part in ("grad", "deriv", "adj", "der"))


def held(value, name):
    """What an attribute holds, or what it returns where it is a method."""
    content = getattr(value, name)
    return content() if inspect.isroutine(content) else content


def finished(result, op):
    """The result of an operation, which must not be None."""
    if result is None:
        raise NotFinished(f"{op} returns None")
    return result


def leaf_number(text, kind):
    """The number of a leaf, out of text such as "1/3"."""
    exact = Fraction(text)
    if kind == "numpy":
        try:
            return importlib.import_module("numpy").float64(float(exact))
        except (ImportError, OSError) as error:
            raise Missing("NumPy cannot be imported here") from error
    return exact.numerator if kind == "int" and exact.denominator == 1 else float(exact)


def constant(text, kind):
    """A number that is written in a line: an int where it is whole, as people write it."""
    return leaf_number(text, kind if kind == "numpy" else "int")


# ---- answers

def computed(engine, graph, request):
    """{"values", "grads", "error", …}: the lines of a graph, and the leaves' gradients after every backward pass."""
    result: dict = {"values": {}, "grads": [], "error": None}
    try:
        if engine.cls is None:
            made, read = {}, {last_of(graph): engine.way.run(graph, last_of(graph))[0]}
        else:
            made = read = engine.build(graph, request.get("numbers", "float"))
        result["values"] = {name: engine.data(read[name]).hex() for name in request.get("read", read)}
        for call in request["calls"]:
            run_call(engine, graph, made, call.split(), result)
    except BaseException as error:
        result["error"] = told(error)
    return result


def set_number(leaf, name, number):
    """Change the number of a leaf, where that can be done."""
    try:
        setattr(leaf, name, number)
    except AttributeError as error:
        raise Missing("the number of a leaf cannot be changed") from error


def last_of(graph):
    """The name of the last line, or of the leaf where there are no lines."""
    return graph["lines"][-1][0] if graph["lines"] else next(iter(graph["at"]))


def run_call(engine, graph, made, words, result):
    """One call: `backward` of the last line, `backward f`, `zero`, `set a 5`, or `drop`, which counts who is alive."""
    if words[0] == "backward":
        gradients = engine.way.gradients(made, graph, words[1] if words[1:] else last_of(graph))
        result["grads"].append({name: gradient.hex() for name, gradient in gradients.items()})
    elif words[0] == "zero":
        engine.way.zero(made, graph)
    elif engine.cls is None:
        raise Missing("numbers are out of reach")
    elif words[0] == "set":
        set_number(made[words[1]], engine.data_name, leaf_number(words[2], "float"))
    elif words[0] == "drop":
        made.clear()
        gc.collect()
        result["alive"] = sum(issubclass(type(value), engine.cls) for value in gc.get_objects())
