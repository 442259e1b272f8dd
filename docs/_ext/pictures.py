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
        "computed: each name is a box, and a frame goes around each head."),
    Picture("worksheet", "A worksheet", """\
f = tg.expression("q = x + y; f = q * z", x=-2, y=5, z=-4)
tg.draw(f, blank="all")""",
        "What is computed is left out: a value goes into each blue box, a gradient into each dashed one."),
    Picture("frame", "One step of many, for a slide", """\
f = tg.expression("q = x + y; f = q * z", x=-2, y=5, z=-4)
tg.frames(f)[5]""",
        "There is such a picture of every step, all of one size: `tg.frames(f).save(\"steps\", \"png\")` writes them."),
)


def write_gallery(folder: Path, write: Callable[[Path, str], None], page: Path) -> None:
    """Every picture as a file in a folder, and the sections of the page that show them."""
    folder.mkdir(parents=True, exist_ok=True)
    write(page, "\n".join(section(picture, folder) for picture in PICTURES))


def section(picture: Picture, folder: Path) -> str:
    """The section of a picture, which it writes into the folder."""
    made, title = made_by(picture.lines), escape(picture.title)
    if isinstance(made, tg.Page):
        made.save(folder / f"{picture.name}.html")
        shown = (f'<iframe class="player" title="{title}" loading="lazy" style="height:{made.height}px" '
                 f'src="{folder.name}/{picture.name}.html#step={picture.step}"></iframe>')
    else:
        made.save(folder / f"{picture.name}.svg")
        shown = (f'<div class="picture" role="region" aria-label="{title}" tabindex="0">'
                 f'<img alt="{title}" src="{folder.name}/{picture.name}.svg"></div>')
    return f"## {picture.title}\n\n```python\n{IMPORT}\n{picture.lines}\n```\n\n{picture.seen}\n\n{shown}\n"


def made_by(lines: str) -> Any:
    """What the last of these lines is."""
    names: dict[str, Any] = {}
    *before, last = [IMPORT, *lines.splitlines()]
    exec("\n".join(before), names)
    return eval(last, names)
