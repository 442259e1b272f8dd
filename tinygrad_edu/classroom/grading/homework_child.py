"""What runs in the student's process for layers and optimizers written by hand.

As `child.py`, which it takes the loading of files from, it knows no right answer, imports nothing of this package, and
only computes what it is sent.  Names are found: those of gradients by those of the parameters they belong to.
"""

import copy
import inspect
import math
import re
import time
import types
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

FORWARD = ("forward", "forward_pass", "forward_propagation", "fprop", "__call__")
BACKWARD = ("backward", "backward_pass", "backward_propagation", "backprop", "backpropagate", "bprop")
ZERO = ("zerograd", "zero_grad", "zero_grads", "clear_grad", "clear_gradients", "reset_grad")
STEP = ("step", "update", "apply", "apply_gradients", "update_params", "update_parameters", "optimize", "__call__")
LISTS = (("params", "grads"), ("parameters", "gradients"), ("params", "gradients"), ("weights", "grads"))
SPELLINGS = {"w": "w weight weights kernel kernels filter filters theta table embedding embeddings",
             "b": "b bias biases", "gamma": "gamma scale", "beta": "beta shift"}
ROLES = {spelling: letter for letter, spellings in SPELLINGS.items() for spelling in spellings.split()}
OF_GRADIENT = re.compile(r"^(?:grads?|gradients?|deltas?|nabla|d)_?(?:wrt_?)?(.+)$|^(.+?)_?(?:grads?|gradients?)$")
IS_PARAMETER = r"params?|parameters|weights?|w|x|theta|p|variables|model_params"
IS_GRADIENT = r"d_?(w|x|p|theta|params?|weights?)|g|grads?|gradients?|\w+_grads?"
IS_LOSS = r"(softmax|cross_?entropy|mse|l2|squared).*loss"          # a function that gives the loss and its gradient
IS_SWITCH = r"(is_)?train(ing)?"
IS_RATE = r"lr|learning_?rate|eta|rate|alpha"
RATE = 0.5                  # of layers whose backward takes a learning rate, and steps at once


def sibling(name):
    """A module of its own out of a file beside this one."""
    module: Any = types.ModuleType("_" + name)
    SourceFileLoader(module.__name__, str(Path(__file__).with_name(name + ".py"))).exec_module(module)
    return module


child = sibling("child")


class Loaded:
    """What was found in a file, by its names."""

    def __init__(self, parts, found, foreign):
        self.parts, self.found, self.foreign = parts, found, foreign


def load(job):
    """Load a file and find its layers or optimizers; `found` of what is returned goes back to the parent."""
    names: dict[str, Any] = {}
    found: dict[str, Any] = {"names": names, "loaded_by": "", "notes": [], "modules": [], "error": None}
    parts: dict[str, Any] = {}
    try:
        module = child.module_of(job, found)
        make = child.adapted(job["adapter"], vars(module)).get("make") if job["adapter"] else None
        for name, part in named_parts(module, job):
            parts[name] = KINDS[job["kind"]](part, make)
            names[name] = parts[name].described()
    except BaseException as error:      # a file may also call sys.exit()
        found["error"] = child.told(error)
    found["modules"] = child.foreign_modules(job["foreign"])
    return Loaded(parts, found, job["foreign"])


def answer(loaded, request):
    """{"results", "error", "modules"}: what comes of the calls of a request, up to the first error."""
    start, results, error = time.perf_counter(), [], None
    try:
        for result in loaded.parts[request["part"]].answers(request):
            results.append(encoded(result))
    except BaseException as failure:
        error = child.told(failure)
    return {"id": request["id"], "results": results, "error": error, "seconds": time.perf_counter() - start,
            "modules": child.foreign_modules(loaded.foreign)}


def named_parts(module, job):
    """(name, class or functions) of what is to be graded: the one that was named, or all there are."""
    found = dict(FINDERS[job["kind"]](module))
    if not found or job["class"] not in (None, *found):
        name = f"{job['kind']} {job['class'] or ''}".strip()
        raise child.Missing(f"there is no {name}; there are: {', '.join(found) or 'none'}")
    return [(job["class"], found[job["class"]])] if job["class"] else list(found.items())


def own_classes(module):
    """The classes of the file itself, without those that only say what others are to have."""
    classes = dict.fromkeys(x for x in vars(module).values() if isinstance(x, type) and x.__module__ == module.__name__)
    return [cls for cls in classes if is_written(cls) or not any(cls in other.__mro__[1:] for other in classes)]


def is_written(cls):
    """Whether some method of a class does something."""
    codes = [x.__code__ for name, x in vars(cls).items() if inspect.isfunction(x) and name != "__init__"]
    return any(len(code.co_code) > 24 and "NotImplementedError" not in code.co_names for code in codes)


def first_of(thing, names):
    """The first of these names that is a method or a function there; that a class can be called is no method of it."""
    there = set().union(*map(vars, thing.__mro__[:-1])) if isinstance(thing, type) else dir(thing)
    return next((name for name in names if name in there and callable(getattr(thing, name))), None)


def parameters_of(function):
    """[[name, whether it must be given], …] of a function, without self."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    return [[p.name, p.default is p.empty] for p in parameters
            if p.name != "self" and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


# ---- numbers as text and back --------------------------------------------------------------------------------


def encoded(content):
    """Numbers in the shape of an array, as hex; text and None as they are; of several arrays or texts, a list."""
    import numpy
    if content is None or isinstance(content, str):
        return content
    try:
        array = numpy.asarray(content, float)
    except (TypeError, ValueError):
        if isinstance(content, (tuple, list)):
            return [encoded(each) for each in content]
        raise
    return {"shape": list(array.shape), "numbers": [float(x).hex() for x in array.ravel()]}


def decoded(content):
    """The array of what the parent sent, of whole numbers where it says so; a float where it has no dimensions."""
    import numpy
    if not isinstance(content, dict):
        return content
    numbers = [float.fromhex(x) for x in content["numbers"]]
    array = numpy.array(numbers, int if content["whole"] else float)
    return array.reshape(content["shape"]) if content["shape"] else numbers[0]


# ---- layers --------------------------------------------------------------------------------------------------


def is_layer(thing):
    """Whether something has a forward and a backward."""
    return bool(first_of(thing, FORWARD) and first_of(thing, BACKWARD))


def find_layers(module):
    """Classes with a forward and a backward, pairs such as affine_forward and affine_backward, softmax_loss."""
    for cls in own_classes(module):
        if is_layer(cls):
            yield cls.__name__, cls
    for name, function in vars(module).items():
        if inspect.isfunction(function) and re.fullmatch(IS_LOSS, name):
            yield name, (function, lambda grad, cache: cache)
        stem, is_forward, rest = name.partition("_forward")
        if is_forward and inspect.isfunction(function) and hasattr(module, f"{stem}_backward{rest}"):
            yield name, (function, getattr(module, f"{stem}_backward{rest}"))


class Layers:
    """How the layers of one class, or of a pair of functions, are made and run."""

    def __init__(self, part, make):
        self.part, self.given, self.is_pair = part, make, isinstance(part, tuple)

    def described(self):
        """What the parent must know to call it."""
        part = self.part
        both = part if self.is_pair else [getattr(part, first_of(part, names)) for names in (FORWARD, BACKWARD)]
        forward, backward = map(parameters_of, both)
        make = [] if self.is_pair or self.given else parameters_of(self.part)
        return {"pair": self.is_pair, "make": make, "forward": forward, "backward": backward}

    def answers(self, request):
        """The names of the parameters, and the result of each call of a request to a new layer."""
        drawn_alike()
        if self.is_pair:
            layer: Any = Pair(self.part, request["make"])
        else:
            layer = self.given() if self.given else self.part(**request["make"])
        write(layer, request.get("set", {}))
        yield list(read(layer))
        run = LayerRun(layer)
        for name, *arguments in request["calls"]:
            yield getattr(run, name)(*map(decoded, arguments))


class LayerRun:
    """The calls that a request may ask for."""

    def __init__(self, layer):
        self.layer, self.handed = layer, []
        self.kept = {}                  # gradients that are nowhere at the layer

    def forward(self, *arrays):
        """The layer's output."""
        self.handed = list(arrays)
        return forward(self.layer, arrays)

    def backward(self, *arrays):
        """What backward returns first, dL/dx; where it takes a learning rate, it steps, which tells the gradients."""
        self.handed += arrays
        method = getattr(self.layer, first_of(self.layer, BACKWARD))
        before = read(self.layer)
        steps = any(re.fullmatch(IS_RATE, name.lower()) for name, needed in parameters_of(method) if needed)
        result = method(*arrays, RATE) if steps else method(*arrays)
        if steps:
            self.kept = {name: (before[name] - now) / RATE for name, now in read(self.layer).items()}
        if isinstance(result, (tuple, list)):
            self.kept.update(zip(before, result[1:]))
            return result[0]
        return result

    def zero(self):
        """Forget the gradients."""
        getattr(self.layer, first_of(self.layer, ZERO))()

    def step(self):
        """Move the parameters."""
        self.layer.step()

    def has(self, name):
        """Whether the layer has such a method."""
        return bool(first_of(self.layer, ZERO if name == "zero" else (name,)))

    def inside(self):
        """The names of the classes of the layer and of the layers inside it."""
        return [type(owner).__name__ for _, owner in owners(self.layer)]

    def gradient(self, name):
        """The gradient of a parameter, None where there is none."""
        return self.kept[name] if name in self.kept else gradient(self.layer, name)

    def parameter(self, name):
        """A parameter as it is now."""
        return read(self.layer)[name]

    def inputs(self, index):
        """An array that was handed over, as it is now."""
        return self.handed[index]

    def vary(self, target, weights, moves, *arrays):
        """Σ weights · output for every move of one number of an input or a parameter: (index, new number)."""
        import numpy
        totals = []
        for index, number in moves:
            layer, moved = copy.deepcopy(self.layer), [numpy.array(array) for array in arrays]
            changed = moved[0] if target == "x" else read(layer)[target]
            changed.reshape(-1)[int(index)] = number
            write(layer, {} if target == "x" else {target: changed})
            output = numpy.asarray(forward(layer, moved), float)
            totals.append(math.fsum((weights * output).ravel()))
        return numpy.array(totals)


def drawn_alike():
    """Random numbers are the same in every run, dropout masks too."""
    import random

    import numpy
    random.seed(0)
    numpy.random.seed(0)


def forward(layer, arrays):
    """The output of a layer; one that is still to be written gives None."""
    drawn_alike()
    method = getattr(layer, first_of(layer, FORWARD))
    switches = [True for name, needed in parameters_of(method) if needed and re.fullmatch(IS_SWITCH, name.lower())]
    output = method(*arrays, *switches)
    if output is None:
        raise NotImplementedError("forward returns None")
    return output


class Pair:
    """Two functions as a layer: forward gives the output and what backward needs."""

    def __init__(self, functions, made):
        self.functions, self.made, self.cache = functions, made, None

    def forward(self, *arrays):
        """The output; parameters and settings are handed over by their names."""
        known = {**self.made, **vars(self)}
        names = [name for name, _ in parameters_of(self.functions[0])][len(arrays):]
        output = self.functions[0](*arrays, **{name: known[name] for name in names if name in known})
        if isinstance(output, tuple):
            output, self.cache = output
        return output

    def backward(self, grad):
        """dL/dx and the gradients of the parameters."""
        return self.functions[1](grad, self.cache)


# ---- the parameters of a layer, and their gradients ----------------------------------------------------------


def role(name):
    """What a parameter is by its name, with its number: "w", "b1"; "" where it is none."""
    letters = name.lower().strip("_").rstrip("0123456789").rstrip("_") if isinstance(name, str) else ""
    return ROLES[letters] + name[len(name.rstrip("0123456789")):] if letters in ROLES else ""


def gradient_role(name):
    """The role of the parameter that a gradient belongs to, by the name of the gradient."""
    match = OF_GRADIENT.match(name.lower().strip("_")) if isinstance(name, str) else None
    return role(match[1] or match[2]) if match else ""


def owners(layer):
    """(path, layer) of a layer and of the layers inside it, alone or in lists, each once."""
    seen, waiting = set(), [("", layer)]
    while waiting:
        path, owner = waiting.pop(0)
        if id(owner) not in seen:
            seen.add(id(owner))
            yield path, owner
            for name, held in getattr(owner, "__dict__", {}).items():
                several = held if isinstance(held, (list, tuple)) else [held]
                waiting += [(f"{path}{name}[{i}]." if several is held else f"{path}{name}.", each)
                            for i, each in enumerate(several) if is_layer(each)]


def places(layer):
    """{path: (owner, dict or list, key)} of every parameter: of the layer, in its `params`, or of layers inside it."""
    found: dict[str, Any] = {}
    for path, owner in owners(layer):
        own = vars(owner)
        dicts = [own, *(held for name, held in own.items() if isinstance(held, dict) and "grad" not in name)]
        named = {path + name: (owner, holder, name) for holder in dicts for name, held in holder.items()
                 if role(name) and array_of(held) is not None}
        listed = {f"{path}{name}[{i}]": (owner, own[name], i) for name, _ in LISTS if isinstance(own.get(name), list)
                  for i, held in enumerate(own[name]) if array_of(held) is not None}
        found.update(named or listed)
    return found


def array_of(held):
    """The array of a parameter, which may be an object with a gradient of its own; None where there is none."""
    if hasattr(held, "grad"):
        held = getattr(held, "data", getattr(held, "value", None))
    return held if hasattr(held, "shape") and len(held.shape) > 0 else None


def read(layer):
    """{path: array} of every parameter, as it is now."""
    return {path: array_of(holder[key]).astype(float) for path, (_, holder, key) in places(layer).items()}


def write(layer, arrays):
    """Replace parameters; within their arrays where that can be, since others may look at the same array."""
    where = places(layer)
    for path, content in arrays.items():
        array = decoded(content)
        _, holder, key = where.get(path, (layer, vars(layer), path))
        held = array_of(holder.get(key) if isinstance(holder, dict) else holder[key])
        if held is not None and held.dtype.kind == "f" and held.shape == array.shape:
            held[...] = array
        else:
            holder[key] = array


def gradient(layer, path):
    """The gradient of a parameter: its own, the one beside it in a list, one whose name says so; or None."""
    owner, holder, key = places(layer)[path]
    own = vars(owner)
    if hasattr(holder[key], "grad"):
        return holder[key].grad
    lists = [(own[params], own[grads]) for params, grads in LISTS if {params, grads} <= own.keys()]
    beside = [grad for params, grads in lists if isinstance(params, list) and isinstance(grads, list)
              for held, grad in zip(params, grads) if held is holder[key]]
    dicts = [own, *(held for name, held in own.items() if isinstance(held, dict) and "grad" in name)]
    named = [grad for each in dicts for name, grad in each.items() if grad is not None and role(key)
             and role(key) in (gradient_role(name), "" if each is own else role(name))]
    return next(iter(beside + named), None)


# ---- optimizers ----------------------------------------------------------------------------------------------


def find_optimizers(module):
    """Classes with a step that are given parameters, and functions that are given them and their gradients."""
    for cls in own_classes(module):
        step = getattr(cls, first_of(cls, STEP) or "", None)
        if step and not is_layer(cls) and (given_first(step) or given_first(cls, IS_PARAMETER)):
            yield cls.__name__, cls
    for name, function in vars(module).items():
        own = inspect.isfunction(function) and function.__module__ == module.__name__
        if own and "ward" not in name and given_first(function):
            yield name, function


def given_first(function, *patterns):
    """Whether the first arguments have such names: a parameter and its gradient, if nothing else is said."""
    names = [name.lower() for name, _ in parameters_of(function)]
    patterns = patterns or (IS_PARAMETER, IS_GRADIENT)
    return len(names) >= len(patterns) and all(map(re.fullmatch, patterns, names))


class Parameter:
    """What an optimizer is handed that moves its parameters itself."""

    def __init__(self, data):
        self.data, self.grad = data, 0.0


def nothing():
    """A function that is still to be written."""


class Optimizers:
    """How the optimizers of one class, or a function, are made and asked for steps."""

    def __init__(self, part, make):
        self.part, self.given, self.is_class = part, make, isinstance(part, type)

    def described(self):
        """What the parent must know to call it."""
        step = getattr(self.part, first_of(self.part, STEP)) if self.is_class else self.part
        make = parameters_of(self.part) if self.is_class and not self.given else []
        return {"class": self.is_class, "make": make, "step": parameters_of(step),
                "written": len(step.__code__.co_code) > len(nothing.__code__.co_code)}

    def answers(self, request):
        """The parameters after each step, and at last the gradients, which no step may have changed."""
        run = FORMS[request["form"]](self, request, list(map(decoded, request["start"])))
        for step, gradients in enumerate(request["gradients"], 1):
            run.gradients = run.packed(list(map(decoded, gradients)))
            run.parameters = run.after(step)
            yield run.unpacked(run.parameters)
        yield run.unpacked(run.gradients)

    def stepper(self, plan, parameters):
        """What takes a step: the function, or the method of a new optimizer."""
        if not self.is_class:
            return self.part
        optimizer = self.given() if self.given else self.part(**filled(plan, {"parameters": parameters}))
        return getattr(optimizer, first_of(optimizer, STEP))


def filled(plan, given):
    """Arguments by their names: what is given for their names or kinds, or the value that the plan says."""
    return {name: given.get(name, given.get(kind, value)) for name, kind, value in plan}


class Together:
    """One call moves all parameters, which come in a list."""

    def __init__(self, optimizers, request, start):
        self.plan, self.parameters = request["step"], self.packed(start)
        self.gradients: Any = None
        self.memory = {name: self.packed([x * 0 for x in start]) if kind == "memory" else copy.deepcopy(value)
                       for name, kind, value in self.plan if kind in ("memory", "config")}
        self.step = optimizers.stepper(request["make"], self.parameters)

    def packed(self, arrays):
        """What stands for several arrays."""
        return arrays

    def unpacked(self, parameters):
        """The arrays."""
        return list(parameters)

    def after(self, time):
        """The parameters after a step: those it returns, or those it has moved."""
        given = {"parameters": self.parameters, "gradients": self.gradients, "time": time, **self.memory}
        result = self.step(**filled(self.plan, given))
        kind = type(self.parameters)
        if isinstance(result, tuple) and isinstance(result[0], kind):
            self.memory.update(zip(self.memory, result[1:]))
            result = result[0]
        return result if isinstance(result, kind) else self.parameters


class Named(Together):
    """One call moves all parameters, which come in a dict."""

    def packed(self, arrays):
        return {f"p{i}": array for i, array in enumerate(arrays)}

    def unpacked(self, parameters):
        return list(parameters.values())


class Objects(Together):
    """The optimizer holds the parameters, which hold their gradients."""

    def __init__(self, optimizers, request, start):
        self.plan, self.parameters = request["step"], list(map(Parameter, start))
        self.step = optimizers.stepper(request["make"], self.parameters)

    def after(self, time):
        for parameter, gradient in zip(self.parameters, self.gradients):
            parameter.grad = gradient
        self.step(**filled(self.plan, {"time": time}))
        self.gradients = [parameter.grad for parameter in self.parameters]
        return self.parameters

    def unpacked(self, parameters):
        return [each.data if isinstance(each, Parameter) else each for each in parameters]


class One(Together):
    """One call moves one parameter."""

    def packed(self, arrays):
        return arrays[0]


class Each(Together):
    """One call moves one parameter; everyone has an optimizer of its own."""

    def __init__(self, optimizers, request, start):
        self.runs = [One(optimizers, request, [x]) for x in start]

    def after(self, time):
        for run, gradient in zip(self.runs, self.gradients):
            run.gradients = gradient
            run.parameters = run.after(time)
        return [run.parameters for run in self.runs]


FORMS = {"together": Together, "named": Named, "objects": Objects, "each": Each}
FINDERS = {"layer": find_layers, "optimizer": find_optimizers}
KINDS = {"layer": Layers, "optimizer": Optimizers}
