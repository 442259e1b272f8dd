"""What the network tab is built from: rules, losses and optimizers as JavaScript, data sets, and its pictures' places.

Nothing is written a second time: an optimizer is run on formulas and printed, a loss is recorded as a graph.
"""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from components import BuildError

from tinygrad_edu.engine import printer
from tinygrad_edu.engine.formula import Formula
from tinygrad_edu.engine.graph import topological_order
from tinygrad_edu.engine.javascript import WORDS, rules_script
from tinygrad_edu.engine.op import OPS
from tinygrad_edu.engine.value import Value
from tinygrad_edu.learn import data
from tinygrad_edu.learn.animation import SHAPES
from tinygrad_edu.learn.examples import NO_CLASSES, threshold_of
from tinygrad_edu.learn.inside import MEANS
from tinygrad_edu.learn.named import LOSSES, usual_rate
from tinygrad_edu.nn import optim
from tinygrad_edu.nn.modules import activation_named, default_init
from tinygrad_edu.show import circles
from tinygrad_edu.show.network import grid
from tinygrad_edu.show.page import as_json, asset
from tinygrad_edu.show.svg import LETTER

HERE = Path(__file__).resolve().parent
ACTIVATIONS = ("tanh", "relu", "sigmoid", "leaky_relu", "elu", "silu", "gelu", "softplus", "sin", "linear")
OF_NUMBERS = ("mse", "mae", "huber")                    # losses for targets that are numbers
OF_TWO_CLASSES = ("bce_with_logits", "mse", "mae", "huber")   # ... for one output, and classes 0 and 1
OF_CLASSES = ("cross_entropy",)                         # ... for one output per class
OF_THE_MODEL = ("dot", "add", "mean", "sum", "mul", "abs")
OF_THE_SCENE = ("answer", "axes", "examples", "known", "linear", "network", "path", "percent", "put", "ticks", "walk")
COUNT = 80                                              # examples of each data set
DEEPEST, WIDEST = 3, 8                                  # hidden layers, and neurons in one


# ---- JavaScript -------------------------------------------------------------------------------------------


def script() -> str:
    """The script that stands before the tab's own ones.

    It declares `network_rules` (rules, activations, losses and optimizers, for `train.js`), `network_data` (data sets
    and layouts), `network_scene` (the scripts of the page of a training), and `network_numbers` (texts of numbers).
    """
    losses = {name: recorded(LOSSES[name]) for name in dict.fromkeys((*OF_NUMBERS, *OF_TWO_CLASSES, *OF_CLASSES))}
    used = {step[0] for steps in losses.values() for step in steps}
    named = [name for name in ACTIVATIONS if name != "linear"]
    rules = rules_script(OPS[name] for name in dict.fromkeys((*OF_THE_MODEL, *named, *sorted(used))))
    functions = ",\n".join(f"{kind.__name__}: {optimizer_function(kind)}" for kind in optimizers())
    words = "".join(f"const {word} = {text};\n" for word, text in WORDS.items()
                    if re.search(rf"(?<![\w.]){word}\(", functions))
    parts = [rules, f"const activations = {as_json(activation_table())};", f"const losses = {as_json(losses)};",
             f"{words}const optimizers = {{\n{functions}\n}};", "return {rules, activations, losses, optimizers};"]
    rules_of_page = "const network_rules = (() => {\n" + "\n".join(parts) + "\n})();\n"
    numbers = f"const network_numbers = (() => {{\n{asset('number.js')}\nreturn numberTexts;\n}})();\n"
    return f"{rules_of_page}{numbers}const network_data = {as_json(network_data())};\n{scene_script()}"


def activation_table() -> dict[str, dict[str, Any]]:
    """{name: the constants of its op, and how the weights before it start}."""
    return {name: {"constants": list(OPS[name].constants.values()) if name in OPS else [],
                   "init": default_init(activation_named(name))} for name in ACTIVATIONS}


def optimizers() -> list[type[optim.Optimizer]]:
    """The optimizers of the package, in their order.

    >>> [kind.__name__ for kind in optimizers()][:3]
    ['SGD', 'Momentum', 'Nesterov']
    """
    return [kind for kind in vars(optim).values() if isinstance(kind, type) and issubclass(kind, optim.Optimizer)
            and kind is not optim.Optimizer and kind.__module__ == optim.__name__]


def settings_of(kind: type[optim.Optimizer]) -> dict[str, Any]:
    """The hyper-parameters of an optimizer by their names, with the usual learning rate of `fit`; options are off."""
    defaults = kind([Value(0.0)]).defaults | {"lr": usual_rate(kind)}   # type: ignore[call-arg, arg-type]
    return {name: x for name, x in defaults.items() if name not in kind.options}


def optimizer_function(kind: type[optim.Optimizer]) -> str:
    """An optimizer as a JavaScript function: it gives the new weight, and updates what is remembered of it.

    The optimizer's own `all_moved` runs on formulas, as a rule of an operation does.

    >>> print(optimizer_function(optim.SGD))
    (w, gradient, memory, at) => { return w - at.lr * gradient; }
    """
    optimizer = kind([Value(0.0)])                                      # type: ignore[call-arg, arg-type]
    memory = {name: [Formula(name)] for name in kind.remembers}
    named = {name: named_setting(name, x) for name, x in settings_of(kind).items()}
    at = SimpleNamespace(**optimizer.defaults | named)
    if not kind.decays_weights_directly:
        at.weight_decay = 0.0                                           # the page has penalties instead
    [after] = optimizer.all_moved([Formula("w")], [Formula("gradient")], memory, at)
    statements, texts = printer.program([after, *[cell for [cell] in memory.values()]], printer.JAVASCRIPT)
    kept = ", ".join(f"{name}: {printer.javascript_name(name)} = 0" for name in memory)
    lines = [f"const {{{kept}}} = memory;"] * bool(memory)
    lines += [f"const {name} = {text};" for _, name, text in statements]
    lines += [f"memory.{name} = {text};" for name, text in zip(memory, texts[1:])]
    return f"(w, gradient, memory, at) => {{ {' '.join([*lines, f'return {texts[0]};'])} }}"


def named_setting(name: str, x: Any) -> Any:
    """A hyper-parameter as a name in JavaScript; a text stays as it is, since rules branch on it."""
    if isinstance(x, tuple):
        return tuple(Formula(f"at.{name}[{i}]") for i in range(len(x)))
    return x if isinstance(x, str) else Formula(f"at.{name}")


def recorded(loss: Callable) -> list[list[Any]]:
    """The steps of a loss of one example: [op, its inputs, its constants].

    An input is "p", the prediction, "t", the target, the place of an earlier step as text, or a number.

    >>> recorded(LOSSES["mse"])
    [['sub', ['p', 't'], []], ['square', ['0'], []]]
    """
    is_row = loss.__name__ in OF_CLASSES
    p, t = ([Value(0.5), Value(0.25)], [Value(1.0), Value(0.0)]) if is_row else (Value(0.5), Value(1.0))
    places: dict[Value, Any] = {} if is_row else {p: "p", t: "t"}
    steps: list[list[Any]] = []
    for node in topological_order(loss(p, t)):
        if node.parents:
            inputs = ["p", "t"] if is_row else [places.get(x, x.data) for x in node.parents]
            steps.append([node.op, inputs, list(node.constants.values())])
            places[node] = str(len(steps) - 1)
    return steps


# ---- data -------------------------------------------------------------------------------------------------


def network_data() -> dict[str, Any]:
    """All that the tab knows before Python is there, as plain data."""
    return {"sets": sets(), "activations": ACTIVATIONS, "shapes": SHAPES, "layouts": layouts(),
            "drawing": drawing(),
            "losses": {"numbers": OF_NUMBERS, "two": OF_TWO_CLASSES, "classes": OF_CLASSES},
            "thresholds": {name: threshold_of(LOSSES[name]) for name in LOSSES},
            "without_classes": [loss.__name__ for loss in NO_CLASSES], "means": [loss.__name__ for loss in MEANS],
            "optimizers": {kind.__name__: settings_of(kind) for kind in optimizers()}}


@cache
def sets() -> dict[str, dict[str, Any]]:
    """The data sets by their names, each with the Python that makes it, or "" where it has to be written out."""
    made = {"moons": data.moons(COUNT), "circles": data.circles(COUNT), "xor": data.xor(COUNT),
            "spirals": data.spirals(COUNT), "yin_yang": data.yin_yang(COUNT), "blobs": data.blobs(COUNT),
            "noisy_sine": data.noisy_sine(COUNT)}
    named = {name: described(one, f"tg.data.{name}({COUNT})") for name, one in made.items()}
    named["blobs"] = described(data.standardise(made["blobs"]), f"tg.data.standardise(tg.data.blobs({COUNT}))")
    return named | {"iris": described(iris(), ""), "line": described(line(), "")}


def described(examples: data.Data, source: str) -> dict[str, Any]:
    return {"inputs": examples.inputs, "targets": examples.targets, "features": examples.features,
            "classes": examples.classes, "python": source}


def iris() -> data.Data:
    """Three kinds of iris by the length and width of their petals, in standard units.  Anderson, 1935; Fisher, 1936."""
    try:
        flowers = data.scikit_learn().load_iris()
    except ModuleNotFoundError:
        raise BuildError('the iris data come from scikit-learn: pip install ".[playground]"') from None
    rows = [[float(f"{x:.4g}") for x in row[2:]] for row in flowers.data.tolist()]
    named = tuple(str(name) for name in flowers.target_names)
    scaled = data.standardise(data.Data(rows, flowers.target.tolist(), ("petal length", "petal width"), named))
    return data.Data([[float(f"{x:.6g}") for x in row] for row in scaled.inputs], scaled.targets,
                     scaled.features, named)


def line() -> data.Data:
    """Points on y = 2x - 1, without noise: what a single neuron can draw."""
    xs = [i / 10 - 1 for i in range(21)]
    return data.Data([[x] for x in xs], [2 * x - 1 for x in xs], ("x",))


# ---- pictures ---------------------------------------------------------------------------------------------


def drawing() -> dict[str, Any]:
    """How `tg.draw` draws the lines of a network, and the room above its columns."""
    return {"thinnest": circles.THINNEST, "dashes": circles.DASHES, "heading": circles.HEADING, "letter": LETTER}


def layouts() -> dict[str, dict[str, Any]]:
    """{"columns largest": where `tg.draw` puts the circles of so many columns, of which the largest has so many}."""
    return {f"{columns} {largest}": layout(columns, largest)
            for columns in range(2, DEEPEST + 3) for largest in range(1, WIDEST + 1)}


def layout(columns: int, largest: int) -> dict[str, Any]:
    """`heights` has those of a column of one circle, of two, and so on."""
    whole = grid([largest] * columns)
    heights = [[y for _, y in grid([largest, count]).columns[1]] for count in range(1, largest + 1)]
    return {"radius": whole.radius, "widest": circles.widest_line(whole.radius), "heights": heights,
            "across": [column[0][0] for column in whole.columns]}


def scene_script() -> str:
    """The scripts of the page of a training, in a scope of their own, as a function of what they take from their page.

    They show what the network answers, its neurons and weights, and one step; the network as `tg.draw` draws it.
    """
    as_drawn = (HERE / "app" / "network_circles.js").read_text(encoding="utf-8")
    inside = "\n".join([asset("animation.js"), asset("neurons.js"), as_drawn, asset("walk.js")])
    return (f"const network_scene = ({{byId, data, say, document}}) => {{\n{inside}\n"
            f"return {{{', '.join(OF_THE_SCENE)}}};\n}};\n")


def style() -> str:
    """The style sheets of `tg.draw`, and that of the page of a training, for its parts in the tab alone.

    >>> within("#heat,.negative")
    '#network_scene #network_heat,#network_scene .negative'
    """
    sheet = asset("animation.css")
    of_draw = asset("graph.css") + asset("network.css")
    return of_draw + re.sub(r"(@[^{]*\{)|([^{}@]+)\{", lambda found: found[1] or within(found[2]) + "{", sheet)


def within(selectors: str) -> str:
    """Selectors that hold within the scene only, with the tab's name before every id."""
    named = [re.sub(r"#(?=\w)", "#network_", selector.strip()) for selector in selectors.split(",")]
    return ",".join(name if name.startswith(":root") else
                    f"#network_scene{name}" if re.match(r"\.(with|kind)-", name) else f"#network_scene {name}"
                    for name in named)


