"""The gallery of pictures: each is made by the very lines that stand above it, whenever the site is built."""

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import tinygrad_edu as tg


class Picture(NamedTuple):
    """A picture of the gallery.

    name     of its file
    title    of its section
    lines    Python, after IMPORT; the last line is the picture, or a page that steps
    seen     what there is to see
    step     at which a page opens
    """

    name: str
    title: str
    lines: str
    seen: str
    step: int = 0


IMPORT = "import tinygrad_edu as tg"
PICTURES = (
    Picture("graph", "An expression", """\
f = tg.expression("q = x + y; f = q * z", x=-2, y=5, z=-4)
f.backward()
tg.draw(f)""",
        "Each box has its value, and its gradient below. On each line stands the local derivative: the two factors of "
        "the chain rule are side by side."),
    Picture("player", "The player", """\
f = tg.expression("q = x + y; f = q * z", x=-2, y=5, z=-4)
tg.play(f)""",
        "Forward and backward, one step at a time, with the arrow keys.", 6),
    Picture("steps", "A table of all steps", """\
f = tg.expression("b = a * a", a=3)
tg.steps(f)""",
        "What one writes on the board. `a` is used twice, so two steps add to its gradient."),
    Picture("shared", "A leaf that is used twice", """\
f = tg.expression("a * b + sin(a)", a=2, b=-3)
f.backward()
tg.draw(f)""",
        "Two lines leave `a`, and what comes back along both is added: b + cos(a)."),
    Picture("relu", "A closed relu", """\
f = tg.expression("relu(w*x + b)", w=2, x=-1, b=1)
tg.play(f)""",
        "The relu is closed, so what arrives behind it is 0. One step says it for all that is there, and every leaf "
        "ends with the gradient 0.", 6),
    Picture("max", "What max chooses", """\
f = tg.expression("2*max(x*y, z) + max(z, w)", x=3, y=-4, z=2, w=-1)
tg.play(f)""",
        "A max passes its whole gradient on to the largest input. The other gets nothing, and the step says why.",
        9),
    Picture("tie", "A tie", """\
f = tg.expression("max(x, y, z)", x=2, y=2, z=1)
f.backward()
tg.draw(f)""",
        "Two inputs are the largest. They share the gradient, half to each."),
    Picture("cross_entropy", "Softmax minus target", """\
scores = [tg.Value(3.2, label="cat"), tg.Value(5.1, label="car"), tg.Value(-1.7, label="frog")]
tg.play(tg.cross_entropy(scores, 0))""",
        "The gradient of a cross entropy by a score is its probability minus 1 for the right class, and minus 0 for "
        "the others.", 3),
    Picture("neuron", "A neuron, as on slides", """\
f = tg.expression("1/(1 + exp(-(w0*x0 + w1*x1 + w2)))", w0=2, x0=-1, w1=-3, x1=-2, w2=-3)
f.backward()
tg.draw(f, style="circuit")""",
        "The value stands above each wire and its gradient below. An add passes its gradient on unchanged; a product "
        "swaps its inputs."),
    Picture("softmax", "A softmax", """\
scores = [tg.Value(3.2, label="cat"), tg.Value(5.1, label="car"), tg.Value(-1.7, label="frog")]
exps = [tg.exp(score) for score in scores]
f = exps[0] / (exps[0] + exps[1] + exps[2])
f.backward()
tg.draw(f, style="circuit")""",
        "`exp(cat)` is used twice, above and below the bar: its gradient is the sum of what comes back along both "
        "wires. The gradients of the three scores add up to 0."),
    Picture("sum", "A dot product by hand", """\
weights = [tg.Value(0.5 * i, label=f"w{i}") for i in range(3)]
f = sum(w * x for w, x in zip(weights, [2, -1, 3]))
f.backward()
tg.draw(f, style="circuit")""",
        "Python's `sum` begins with 0 + …; the picture begins with the first product."),
    Picture("frame", "One step of many, for a slide", """\
f = tg.expression("q = x + y; f = q * z", x=-2, y=5, z=-4)
tg.frames(f)[5]""",
        "There is such a picture of every step, all of one size: `tg.frames(f).save(\"steps\", \"png\")` writes them."),
    Picture("worksheet", "A worksheet", """\
f = tg.expression("q = x + y; f = q * z", x=-2, y=5, z=-4)
tg.draw(f, blank="all")""",
        "What is computed is left out: a value goes into each blue box, a gradient into each dashed one."),
    Picture("program", "A program, line by line", """\
def loss(w, points):
    errors = [w * x - y for x, y in points]
    squares = [error ** 2 for error in errors]
    return tg.mean(squares)

with tg.trace_origin():
    f = loss(tg.Value(1.5, label="w"), [(1, 2), (2, 3), (3, 7)])
f.backward()
tg.draw(f, fold="line")""",
        "All that was made at one line of the program is one box."),
    Picture("model", "A network", """\
model = tg.MLP(3, [4, 4, 1], rng=0)
tg.draw(model)""",
        "A line is a weight. Its width is the weight's size, and it is dashed where the weight is negative."),
    Picture("example", "A network and an example", """\
model = tg.MLP(3, [4, 4, 1], rng=0)
tg.draw(model, example=[1, -2, 0.5])""",
        "In each circle stands what comes out of it."),
    Picture("gradients", "Where the gradients vanish", """\
model = tg.MLP(2, [4, 4, 4, 4, 1], activation="sigmoid", rng=0)
tg.mse(model([0.5, -1]), 1).backward()
tg.draw(model, lines="gradient")""",
        "Here the width is the size of the gradient. Little of it comes back through four layers of sigmoids."),
    Picture("network_loss", "The loss of a network", """\
model, points = tg.MLP(2, [3, 2], rng=0), tg.data.moons(100, seed=0)
loss = tg.cross_entropy([model(x) for x in points.inputs], points.targets)
loss.backward()
tg.draw(loss)""",
        "One of the 100 examples goes through the network. A box stands for the 99 others."),
    Picture("batch", "A batch, by one of its examples", """\
w, b = tg.Value(0.5, label="w"), tg.Value(0.0, label="b")
losses = [(w * x + b - x * x) ** 2 for x in [2 - k / 25 for k in range(100)]]
loss = tg.mean(losses)
tg.play(loss)""",
        "A line is fitted to 100 points. One of them is seen, and a box stands for the 99 others, which are computed "
        "in the same way. What they add to the gradients of w and b is one step; then the example adds its part.", 9),
    Picture("recurrent", "The same weights, again and again", """\
w, u, b = (tg.Value(x, label=name) for x, name in ((0.5, "w"), (-0.8, "u"), (0.1, "b")))
h = tg.Value(0.0, label="h0")
for i, x in enumerate([1.0, 0.6, 0.2]):
    h = tg.tanh(w * tg.Value(x, label=f"x{i}") + u * h + b)
f = (h - 1) ** 2
f.backward()
tg.draw(f)""",
        "Three steps through time, all drawn alike. Each uses the same w, u and b, and what the step before it made: "
        "a pale box stands somewhere else already."),
    Picture("attention", "Attention, head by head", """\
outputs, tokens = [], [tg.Value(x, label=f"x{i}") for i, x in enumerate((0.5, -1.0, 2.0, 0.3))]
for head, weight in enumerate((0.8, -0.3)):
    keys = [tg.scope(weight * x, f"head {head}, key {i}") for i, x in enumerate(tokens)]
    for i, key in enumerate(keys):
        shares = tg.softmax([key * other for other in keys[:i + 1]])
        outputs.append(tg.scope(tg.dot(shares, keys[:i + 1]), f"head {head}, place {i}"))
f = tg.mean(outputs)
f.backward()
tg.draw(f, fold="neuron")""",
        "Two heads look at four tokens, and each place only at those up to its own. `tg.scope` names what was just "
        "computed: each name is a box, and a border goes around each head."),
    Picture("training", "A training", """\
model, points = tg.MLP(2, [4, 2], rng=0), tg.data.moons(30, seed=0)
tg.animate_training(model, points, epochs=30, frames=10, resolution=16, lr=0.03, progress=False)""",
        "The slider goes through the epochs. Each square shows what its neuron answers everywhere on the plane; with "
        "`s` one step is walked: forward, loss, backward, update."),
    Picture("boundary", "A plot", """\
model, points = tg.MLP(2, [4, 2], rng=0), tg.data.moons(30, seed=0)
tg.fit(model, points.inputs, points.targets, epochs=30, lr=0.03, progress=False)
tg.plots.decision_boundary(model.predict, points)""",
        "`tg.plots` has eight more: [loss curves, histograms, activations, gradient fields, paths of optimizers and "
        "others](/api/showing)."),
)


def write_gallery(folder: Path, write: Callable[[Path, str], None], page: Path) -> None:
    """Every picture as a file in a folder, and the sections of the page that show them."""
    folder.mkdir(parents=True, exist_ok=True)
    write(page, "\n".join(section(picture, folder) for picture in PICTURES))


def section(picture: Picture, folder: Path) -> str:
    """The section of a picture, which it writes into the folder."""
    shown = as_html(picture, made_by(picture.lines), folder)
    return f"## {picture.title}\n\n```python\n{IMPORT}\n{picture.lines}\n```\n\n{picture.seen}\n\n{shown}\n"


def as_html(picture: Picture, made: Any, folder: Path) -> str:
    """What shows what was made: a page, a table, or an image."""
    title, file = escape(picture.title), f"{folder.name}/{picture.name}"
    if isinstance(made, tg.Page):
        made.save(folder / f"{picture.name}.html")
        return (f'<iframe class="player" title="{title}" loading="lazy" style="height:{made.height}px" '
                f'src="{file}.html#step={picture.step}"></iframe>')
    if isinstance(made, tg.Steps):
        return str(made._repr_html_())
    svg = made.svg if isinstance(made, tg.Drawing) else made._repr_svg_()
    (folder / f"{picture.name}.svg").write_text(svg, encoding="utf-8", newline="\n")
    return (f'<div class="picture" role="region" aria-label="{title}" tabindex="0">'
            f'<img alt="{title}" src="{file}.svg"></div>')


def made_by(lines: str) -> Any:
    """What the last of these lines is."""
    names: dict[str, Any] = {}
    *before, last = [IMPORT, *lines.splitlines()]
    exec(compile("\n".join(before), "program.py", "exec"), names)
    return eval(last, names)
